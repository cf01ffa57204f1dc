"""Rows of runs in chunks: the tables that read them, databases of earlier versions, and other databases.

What the tables show is compared with plain copies of it; an earlier version is such copies under their names.
"""
import os
import shutil
import sqlite3
import sys

sys.path.insert(0, os.path.join(os.environ['ROOT'], 'tests', 'sql'))
from bt_help import ROW_TABLES, Checks, connect, one  # noqa: E402

checks = Checks()
DAYS = 300
CONFIG = '{"assets": ["AA", "BB"], "timestep": "day", "cash": 10000, "commission": 0.001, "risk": [{"rule": "stop_loss", "percent": 30}]}'


def build(path=':memory:'):
    """A strategy with orders that wait long, tags, brackets, dividends and risk rules."""
    db = connect(path)
    db.execute("WITH RECURSIVE c(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM c WHERE i < ?) INSERT INTO bars(asset, timestep, ts,"
               " open, high, low, close, volume) SELECT a.column1, 'day', i * 86400, 20 + i % 7, 29, 15, 20 + i % 5, 1000 FROM c,"
               " (VALUES ('AA'), ('BB')) AS a", (DAYS - 1,))
    for day in range(3, DAYS, 7):
        db.execute("SELECT bars_action('AA', ?, 'dividend', 0.5)", (day * 86400,))
    db.execute("CREATE VIEW v AS SELECT known_at, asset, CASE WHEN n % 3 = 0 THEN -5 ELSE 8 END AS qty,"
               " CASE WHEN n % 4 = 1 THEN 13.0 + n % 40 / 10.0 END AS limit_price, CASE WHEN n % 9 = 4 THEN 28.0 END AS stop_price,"
               " CASE WHEN n % 5 = 0 THEN 'tag ' || n END AS tag FROM (SELECT known_at, asset, ts / 86400 AS n FROM bars WHERE asset IN ('AA', 'BB')"
               " AND timestep = 'day')")
    return db


def rows(db, table, where='1'):
    return db.execute(f'SELECT * FROM {table} WHERE {where} ORDER BY run, 2').fetchall()


def as_before(db):
    """Make the database one of an earlier version: plain tables with the rows, and its triggers."""
    for table in ROW_TABLES:
        key = 'order_id' if table == 'bt_trigger' else 'id'
        columns = [r[1] for r in db.execute(f'PRAGMA table_info({table})')]
        types = {r[1]: r[2] for r in db.execute(f'PRAGMA table_info({table})')}
        listed = ', '.join(f'"{c}" {types[c]}' for c in columns)
        db.execute(f'CREATE TABLE old_{table}({listed}, PRIMARY KEY(run, {key})) WITHOUT ROWID')
        db.execute(f'INSERT INTO old_{table} SELECT * FROM {table}')
    db.execute('DROP TRIGGER bt_results_delete')
    db.execute('DROP TABLE bt_chunk')
    for table in ROW_TABLES:
        db.execute(f'ALTER TABLE old_{table} RENAME TO {table}')
    db.execute('CREATE TRIGGER bt_run_delete AFTER DELETE ON bt_run BEGIN DELETE FROM bt_order WHERE run = old.id;'
               ' DELETE FROM bt_fill WHERE run = old.id; DELETE FROM bt_lot WHERE run = old.id; END')
    db.execute('DROP VIEW bt_order_event')
    db.execute("CREATE VIEW bt_order_event AS SELECT run, id AS order_id, 'submitted' AS event FROM bt_order")
    db.execute('CREATE TRIGGER bt_risk_delete AFTER DELETE ON bt_run BEGIN DELETE FROM bt_risk WHERE run = old.id; END')


def test_tables():
    db = build()
    for table in ROW_TABLES:
        checks.equal(rows(db, table), [], f'{table}: before any run')
    run = one(db, 'SELECT bt_run(?, ?)', 'v', CONFIG)
    checks.equal(run, 1, 'the run')
    for table in ROW_TABLES:
        if table != 'bt_margin_call':
            checks.ok(len(rows(db, table)) > 0, f'{table}: rows')
        key = 'order_id' if table == 'bt_trigger' else 'id'
        db.execute(f'CREATE TEMP TABLE copy AS SELECT * FROM {table}')
        checks.equal(db.execute(f'SELECT * FROM {table}').fetchall(), rows(db, 'copy'), f'{table}: in order by itself')
        checks.equal(db.execute(f'SELECT * FROM {table}(1) ORDER BY {key} DESC LIMIT 5').fetchall(),
                     db.execute(f'SELECT * FROM copy ORDER BY {key} DESC LIMIT 5').fetchall(), f'{table}: descending')
        checks.equal(one(db, f'SELECT count(*) FROM copy c LEFT JOIN {table} t ON t.run = c.run AND t.{key} = c.{key} WHERE t.ts IS NOT c.ts'
                             if table != 'bt_lot' else
                             f'SELECT count(*) FROM copy c LEFT JOIN {table} t ON t.run = c.run AND t.{key} = c.{key} WHERE t.pnl IS NOT c.pnl'),
                     0, f'{table}: found by number')
        plan = ' '.join(r[3] for r in db.execute(f'EXPLAIN QUERY PLAN SELECT * FROM {table} WHERE run = 1 ORDER BY {key}'))
        checks.ok('TEMP B-TREE' not in plan, f'{table}: sorted for nothing: {plan}')
        db.execute('DROP TABLE copy')
    checks.equal(one(db, 'SELECT count(*) FROM bars_check'), 0, 'bars_check')
    for sql in ('DELETE FROM bt_order', 'UPDATE bt_fill SET qty = 1', 'INSERT INTO bt_lot(run) VALUES (1)'):
        checks.error(lambda: db.execute(sql), ['may not be modified'], sql)
    # In a view under the strictest settings.
    db.execute('PRAGMA trusted_schema = OFF')
    db.execute('CREATE VIEW mine AS SELECT sum(qty) AS q FROM bt_fill WHERE run = 1')
    checks.equal(one(db, 'SELECT q FROM mine'), one(db, 'SELECT sum(qty) FROM bt_fill'), 'in a view')
    for table in ROW_TABLES:
        db.execute('DELETE FROM bt_run')
        checks.equal(rows(db, table), [], f'{table}: after the run was deleted')


def test_damage():
    """Each byte of each chunk: an error or nothing, and bars_check() has it."""
    db = build()
    one(db, 'SELECT bt_run(?, ?)', 'v', CONFIG)
    for rowid, kind, data in db.execute('SELECT rowid, kind, data FROM bt_chunk').fetchall():
        for at in list(range(0, min(len(data), 90))) + list(range(90, len(data), 211)):
            bad = data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1:]
            db.execute('UPDATE bt_chunk SET data = ? WHERE rowid = ?', (bad, rowid))
            checks.error(lambda: rows(db, 'bt_' + kind), ['bt_chunk', 'damaged'], f'{kind}: byte {at}')
        checks.equal(db.execute('SELECT object, id FROM bars_check').fetchall(), [('bt_chunk', rowid)], f'{kind}: bars_check')
        db.execute('UPDATE bt_chunk SET data = ? WHERE rowid = ?', (data, rowid))
    checks.equal(one(db, 'SELECT count(*) FROM bars_check'), 0, 'mended')


def test_earlier_version():
    """Its tables are read as they are; the first run moves the rows, all of them or none."""
    db = build('old.db')
    one(db, 'SELECT bt_run(?, ?)', 'v', CONFIG)
    one(db, "SELECT bt_run('v')")
    as_before(db)
    db.close()
    for how in ("SELECT bt_run('v')", 'SELECT bt_rerun(1)'):
        shutil.copy('old.db', 'moved.db')
        db = connect('moved.db')
        before = {t: rows(db, t) for t in ROW_TABLES}
        trades = rows(db, 'bt_trade')
        events = {r[0] for r in db.execute('SELECT DISTINCT event FROM bt_order_event')}
        checks.equal(events, {'submitted'}, 'a view of an earlier version')
        checks.ok(len(before['bt_order']) > 500, 'there are rows')
        checks.equal(one(db, "SELECT count(*) FROM sqlite_schema WHERE name IN ('bt_chunk', 'bt_fill')"), 1, 'an earlier version')
        checks.equal(one(db, 'SELECT count(*) FROM bars_check'), 0, 'an earlier version: bars_check')
        # While another statement reads nothing can be dropped: nothing is changed.
        reader = db.execute('SELECT * FROM bt_fill')
        reader.fetchone()
        checks.error(lambda: one(db, how), ['earlier version', 'SELECT without FROM'], f'{how}: while something reads')
        reader.close()
        # A run that fails later on leaves them too.
        checks.error(lambda: one(db, "SELECT bt_run('v', '{\"start\": \"2040-01-01\"}')"), ['no bars'], f'{how}: a run that fails')
        checks.equal({t: rows(db, t) for t in ROW_TABLES}, before, f'{how}: unchanged')
        checks.equal(one(db, "SELECT count(*) FROM sqlite_schema WHERE name = 'bt_chunk'"), 0, f'{how}: no chunks')
        run = one(db, how)
        checks.equal(run, 3, f'{how}: the next number')
        checks.equal(one(db, "SELECT count(*) FROM sqlite_schema WHERE name IN ('bt_chunk', 'bt_fill', 'bt_order', 'bt_run_delete', 'bt_risk_delete')"),
                     1, f'{how}: plain tables and triggers are gone')
        for t in ROW_TABLES:
            checks.equal(rows(db, t, 'run < 3'), before[t], f'{how}: {t} moved')
        checks.equal(rows(db, 'bt_trade', 'run < 3'), trades, f'{how}: bt_trade')
        events = {r[0] for r in db.execute('SELECT DISTINCT event FROM bt_order_event WHERE run < 3')}
        checks.ok({'submitted', 'accepted', 'filled'} <= events, f'{how}: bt_order_event is made anew: {events}')
        checks.equal(one(db, 'SELECT count(*) FROM bars_check'), 0, f'{how}: bars_check')
        db.execute('DELETE FROM bt_run WHERE id = 1')
        checks.equal([t for t in ROW_TABLES if rows(db, t, 'run = 1')], [], f'{how}: deleted')
        checks.equal(rows(db, 'bt_fill', 'run = 2'), [r for r in before['bt_fill'] if r[0] == 2], f'{how}: the other run')
        db.close()
    # Inside the user's transaction it goes with it.
    shutil.copy('old.db', 'moved.db')
    db = connect('moved.db')
    db.execute('BEGIN')
    one(db, "SELECT bt_run('v')")
    db.execute('ROLLBACK')
    checks.equal({t: rows(db, t) for t in ROW_TABLES}, before, 'rolled back')
    # A value that somebody put where it does not belong.
    db.execute("UPDATE bt_fill SET ts = 'noon' WHERE run = 2 AND id = 7")
    checks.error(lambda: one(db, "SELECT bt_run('v')"), ['bt_fill: run 2, row 7', 'ts'], 'a value that does not belong')
    db.execute('DELETE FROM bt_fill WHERE run = 2 AND id = 7')
    checks.equal(one(db, "SELECT bt_run('v')"), 3, 'mended')
    db.close()


def test_other_databases():
    """Read-only, attached, without the extension."""
    db = build('results.db')
    one(db, 'SELECT bt_run(?, ?)', 'v', CONFIG)
    fills = rows(db, 'bt_fill')
    db.execute('VACUUM')
    checks.equal(rows(db, 'bt_fill'), fills, 'after VACUUM')
    db.close()
    db = connect('file:results.db?mode=ro', uri=True)
    checks.equal(rows(db, 'bt_fill'), fills, 'read-only')
    db.close()
    db = connect()
    db.execute("ATTACH 'results.db' AS other")
    checks.equal(rows(db, 'bt_fill'), [], 'attached: the rows of main')
    checks.equal(one(db, 'SELECT count(*) FROM other.bt_run'), 1, 'attached: its plain tables')
    db.close()
    plain = sqlite3.connect('results.db')
    checks.error(lambda: plain.execute('SELECT * FROM bt_fill'), ['no such table: bt_fill'], 'without the extension')
    checks.equal(one(plain, "SELECT sum(n) FROM bt_chunk WHERE kind = 'fill'"), len(fills), 'without the extension: chunks')
    plain.execute('DELETE FROM bt_run')
    checks.equal(one(plain, 'SELECT count(*) FROM bt_chunk'), 0, 'without the extension: deleted')
    plain.close()


def test_own_rows():
    """A strategy reads what its run has done so far; another connection sees it once it is committed."""
    db = build('own.db')
    other = connect('own.db')
    seen = []
    db.create_function('seen', 2, lambda n, total: seen.append((n, total)))
    db.execute("CREATE TEMP VIEW asks AS SELECT 'AA' AS asset, CASE WHEN seen((SELECT count(*) FROM bt_fill WHERE run = 1),"
               " (SELECT sum(qty) FROM bt_fill WHERE run = 1)) IS NULL THEN 1 END AS qty")
    db.execute('PRAGMA journal_mode = WAL')
    db.execute('BEGIN')
    one(db, """SELECT bt_run('asks', '{"assets": ["AA"], "timestep": "day"}')""")
    checks.equal(seen[1:4] + seen[-1:], [(0, None), (1, 1.0), (2, 2.0), (DAYS - 1, DAYS - 1.0)], 'own rows')
    checks.equal(rows(other, 'bt_fill'), [], 'another connection, before the commit')
    db.execute('COMMIT')
    checks.equal(len(rows(other, 'bt_fill')), DAYS - 1, 'another connection, after it')


for name, test in sorted(globals().items()):
    if name.startswith('test_'):
        test()
checks.finish()
