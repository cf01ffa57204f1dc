"""Runs that cannot be finished: interrupts, full and locked and read-only databases, rollbacks.

Whatever happens, nothing of the run is kept, the error says what it was, the connection and the clock
are as before, and the next run works.
"""
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True
from bt_help import RESULT_TABLES, SO, Checks, connect, one  # noqa: E402

checks = Checks()
BARS = 60000
VIEWS = {
    'set': "SELECT known_at, asset, (ts / 60) % 2 AS target_weight FROM bars('AAA', 'minute')",
    'step': "SELECT asset, (ts / 60) % 2 AS target_weight FROM bars('AAA', 'minute') ORDER BY ts DESC LIMIT 1",
}


def fill(db, n=BARS):
    db.execute("WITH RECURSIVE c(v) AS (SELECT 0 UNION ALL SELECT v + 1 FROM c WHERE v < ?) INSERT INTO bars(asset, timestep,"
               " ts, open, high, low, close, volume) SELECT 'AAA', 'minute', v * 60, 10 + v % 7, 19, 9, 10 + v % 5, 1 FROM c", (n - 1,))
    for name, sql in VIEWS.items():
        db.execute(f'CREATE VIEW by_{name} AS {sql}')


def kept(db):
    """Rows in every table a run writes, and whether the tables are there."""
    there = {r[0] for r in db.execute('SELECT name FROM sqlite_schema')}
    return {t: one(db, f'SELECT count(*) FROM {t}') for t in RESULT_TABLES if t in there}


def works(db, text):
    before = kept(db).get('bt_run', 0)
    run = one(db, "SELECT bt_run('by_step', '{\"end\": 6000}')")
    checks.equal((kept(db)['bt_run'], one(db, 'SELECT steps FROM bt_run WHERE id = ?', run)), (before + 1, 100), f'{text}: the next run')
    checks.equal(db.in_transaction, False, f'{text}: the next run is committed')


def interrupt_soon(db, after):
    timer = threading.Timer(after, db.interrupt)
    timer.start()
    return timer


def test_interrupt():
    for mode in VIEWS:
        for first in (True, False):
            db = connect(check_same_thread=False)
            fill(db, 600000 if mode == 'set' else 200000)
            if not first:
                works(db, f'interrupt, {mode}')
            db.execute('SELECT bars_clock(60 * 10000000)')
            before, began = kept(db), time.monotonic()
            timer = interrupt_soon(db, 0.1)
            checks.error(lambda: one(db, f"SELECT bt_run('by_{mode}')"), ['bt_run(): interrupted; nothing of the run was kept'],
                         f'interrupt, {mode}')
            timer.join()
            checks.ok(time.monotonic() - began < 60, f'interrupt, {mode}: it took long')
            checks.equal((kept(db), db.in_transaction), (before, False), f'interrupt, {mode}: kept, open transaction')
            checks.equal(one(db, 'SELECT bars_clock()'), 600000000, f'interrupt, {mode}: the clock')
            db.execute('SELECT bars_clock(NULL)')
            works(db, f'interrupt, {mode}')
            db.close()


def test_shell():
    """Ctrl-C in the shell."""
    db = connect('shell.db')
    fill(db, 1000000)
    for mode in VIEWS:
        sql = f"SELECT bt_run('by_{mode}'), bt_run('by_{mode}'), bt_run('by_{mode}'), bt_run('by_{mode}');\n"
        p = subprocess.Popen([os.environ.get('SQLITE3', 'sqlite3'), '-batch', '-init', '/dev/null', '-cmd', '.load ' + SO, 'shell.db'],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        p.stdin.write(sql)
        p.stdin.flush()
        time.sleep(0.4)
        p.send_signal(signal.SIGINT)
        out, _ = p.communicate("SELECT count(*) FROM sqlite_schema WHERE name LIKE 'bt_%';\n", timeout=60)
        checks.ok('bt_run(): interrupted; nothing of the run was kept' in out, f'shell, {mode}: {out!r}')
        checks.equal(kept(db), {}, f'shell, {mode}: kept')
    works(db, 'shell')
    db.close()


def test_interrupt_in_transaction():
    """As with any statement that writes, an interrupt rolls the whole transaction back."""
    db = connect(check_same_thread=False)
    fill(db, 200000)
    db.execute('CREATE TABLE mine(x)')
    db.execute('BEGIN')
    db.execute('INSERT INTO mine VALUES (1)')
    timer = interrupt_soon(db, 0.1)
    checks.error(lambda: one(db, "SELECT bt_run('by_step')"), ['interrupted'], 'interrupt in a transaction')
    timer.join()
    checks.equal((kept(db), db.in_transaction, one(db, 'SELECT count(*) FROM mine')), ({}, False, 0), 'interrupt in a transaction: rolled back')
    works(db, 'interrupt in a transaction')


def test_progress_handler():
    """The other way to interrupt: a progress handler, which asks again and again."""
    for mode in VIEWS:
        db = connect()
        fill(db, 20000)
        db.set_progress_handler(lambda: 1, 100000)
        checks.error(lambda: one(db, f"SELECT bt_run('by_{mode}')"), ['interrupted'], f'progress handler, {mode}')
        db.set_progress_handler(None, 0)
        checks.equal((kept(db), db.in_transaction), ({}, False), f'progress handler, {mode}: kept')
        works(db, f'progress handler, {mode}')


def test_full_disk():
    for mode in VIEWS:
        for in_transaction in (False, True):
            db = connect('full.db')
            fill(db)
            pages = one(db, 'PRAGMA page_count')
            db.execute(f'PRAGMA max_page_count = {pages + 60}')
            if in_transaction:
                db.execute('BEGIN')
            checks.error(lambda: one(db, f"SELECT bt_run('by_{mode}')"), ['bt_run()', 'database or disk is full'], f'full disk, {mode}')
            if db.in_transaction:
                db.execute('COMMIT')
            checks.equal(kept(db), {}, f'full disk, {mode}: kept')
            checks.equal(one(db, 'PRAGMA integrity_check'), 'ok', f'full disk, {mode}: integrity')
            db.execute('PRAGMA max_page_count = 1000000')
            works(db, f'full disk, {mode}')
            db.close()
            os.remove('full.db')


def test_read_only():
    db = connect('ro.db')
    fill(db, 200)
    db.close()
    db = connect('file:ro.db?mode=ro', uri=True)
    checks.error(lambda: one(db, "SELECT bt_run('by_set')"), ['bt_run()', 'readonly'], 'read-only database')
    checks.equal(one(db, "SELECT count(*) FROM bars('AAA', 'minute')"), 200, 'read-only database: it can be read')
    checks.equal(one(db, 'SELECT count(*) FROM bt_equity'), 0, 'read-only database: no runs, no rows')
    db.close()


def reader_comes(db, other):
    """A reader that comes while the run is under way keeps it from being committed."""
    reader = []

    def come():
        if not reader:
            reader.append(other.execute('SELECT * FROM bt_run a, bt_run b'))
            reader[0].fetchone()
        return 1

    db.create_function('come', 0, come)
    db.execute(f"CREATE TEMP VIEW while_read AS SELECT * FROM ({VIEWS['step']}) WHERE come()")
    before = kept(db)
    checks.error(lambda: one(db, "SELECT bt_run('while_read')"), ['bt_run()', 'locked'], 'a reader comes')
    checks.equal((len(reader), db.in_transaction), (1, False), 'a reader comes: state')
    reader[0].close()
    checks.equal(kept(db), before, 'a reader comes: kept')
    works(db, 'a reader comes')


def test_locked():
    """Another connection holds the write lock, or reads while the run commits."""
    db, other = connect('locked.db', timeout=0.05), connect('locked.db', timeout=0.05)
    fill(db, 2000)
    other.execute('BEGIN IMMEDIATE')
    checks.error(lambda: one(db, "SELECT bt_run('by_set')"), ['bt_run()', 'locked'], 'locked')
    checks.equal((db.in_transaction, one(db, 'SELECT bars_clock()')), (False, None), 'locked: state')
    other.execute('ROLLBACK')
    works(db, 'locked')
    before = kept(db)
    reader = other.execute('SELECT * FROM bt_order')  # a lock shared by rollback journals only
    reader.fetchone()
    checks.error(lambda: one(db, "SELECT bt_run('by_set')"), ['bt_run()', 'locked'], 'a reader at the commit')
    reader.close()
    checks.equal((kept(db), db.in_transaction), (before, False), 'a reader at the commit: kept')
    works(db, 'a reader at the commit')
    reader_comes(db, other)
    db.execute('PRAGMA journal_mode = WAL')
    reader = other.execute('SELECT * FROM bt_order')
    reader.fetchone()
    works(db, 'a reader beside WAL')
    reader.close()
    # What the other one committed is seen by the next run.
    other.execute("INSERT INTO bars(asset, timestep, ts, open, high, low, close, volume) VALUES ('AAA', 'minute', 120000, 10, 11, 9, 10, 1)")
    run = one(db, "SELECT bt_run('by_set')")
    checks.equal(one(db, 'SELECT steps FROM bt_run WHERE id = ?', run), 2001, 'bars of another connection')
    db.close()
    other.close()


def test_rollback():
    """A run inside the user's transaction goes with it, and only then."""
    db = connect()
    fill(db, 200)
    db.execute('BEGIN')
    run = one(db, "SELECT bt_run('by_set')")
    checks.equal(one(db, 'SELECT count(*) FROM bt_equity(?)', run), 200, 'rollback: there inside the transaction')
    db.execute('ROLLBACK')
    checks.equal(kept(db), {}, 'rollback: gone')
    checks.equal(one(db, 'SELECT count(*) FROM bt_equity'), 0, 'rollback: bt_equity')
    works(db, 'rollback')
    before = kept(db)
    db.execute('SAVEPOINT mine')
    one(db, "SELECT bt_run('by_set')")
    checks.error(lambda: one(db, "SELECT bt_run('nothing')"), ['no view'], 'rollback: a failing run')
    checks.equal(kept(db)['bt_run'], 2, 'rollback: a failing run takes nothing else along')
    db.execute('ROLLBACK TO mine')
    db.execute('RELEASE mine')
    checks.equal(kept(db), before, 'rollback to a savepoint')
    works(db, 'rollback to a savepoint')
    # The bars themselves rolled back after a run on them.
    db.execute('BEGIN')
    db.execute("INSERT INTO bars(asset, timestep, ts, open, high, low, close, volume) VALUES ('AAA', 'minute', 99999960, 10, 11, 9, 10, 1)")
    run = one(db, "SELECT bt_run('by_set')")
    checks.equal(one(db, 'SELECT steps FROM bt_run WHERE id = ?', run), 201, 'rollback: with the new bar')
    db.execute('ROLLBACK')
    run = one(db, "SELECT bt_run('by_set')")
    checks.equal(one(db, 'SELECT steps FROM bt_run WHERE id = ?', run), 200, 'rollback: without it')


def test_late_error():
    """An error in the middle of the data, when rows have been written."""
    db = connect()
    fill(db, 5000)
    db.execute("CREATE VIEW bad_set AS SELECT known_at, asset, CASE WHEN ts = 240000 THEN 'x' ELSE ts % 2 END AS qty FROM bars('AAA', 'minute')")
    db.execute("CREATE VIEW bad_step AS SELECT asset, CASE WHEN ts = 240000 THEN 'x' ELSE ts % 2 END AS qty FROM bars('AAA', 'minute') ORDER BY ts DESC LIMIT 1")
    db.create_function('flaky', 1, lambda ts: 1 // 0 if ts == 240000 else 1)
    db.execute("CREATE TEMP VIEW bad_function AS SELECT asset, flaky(ts) AS qty FROM bars('AAA', 'minute') ORDER BY ts DESC LIMIT 1")
    for first in (True, False):
        for view, text in (('bad_set', "the text 'x' in qty"), ('bad_step', "the text 'x' in qty"), ('bad_function', 'user-defined function raised')):
            checks.error(lambda: one(db, 'SELECT bt_run(?)', view), ['bt_run()', f"view '{view}'", text], f'late error, {view}')
            checks.ok(db.in_transaction is False and kept(db).get('bt_run', 0) == (0 if first else 1), f'late error, {view}: kept')
        if first:
            works(db, 'late error')


def test_nested():
    """A run inside a run: a function of the program that asks for one."""
    db = connect()
    fill(db, 100)
    said = []

    def nested(x):
        for sql in ("SELECT bt_run('by_set')", 'SELECT bars_clock(0)'):
            try:
                db.execute(sql).fetchone()
            except sqlite3.Error as e:
                said.append(str(e))
        return x

    db.create_function('nested', 1, nested)
    db.execute("CREATE TEMP VIEW outer_view AS SELECT asset, nested(1) AS qty FROM bars('AAA', 'minute') ORDER BY ts DESC LIMIT 1")
    one(db, "SELECT bt_run('outer_view')")
    checks.equal(set(said), {'bt_run(): a run is in progress on this connection', 'bars_clock(): the clock belongs to the run in progress'}, 'nested')
    checks.equal(kept(db)['bt_run'], 1, 'nested: runs')
    db.execute("CREATE VIEW calls AS SELECT bt_run('by_set') AS id")
    checks.error(lambda: one(db, 'SELECT * FROM calls'), ['unsafe use of bt_run'], 'nested: from a view')
    db.execute("CREATE TABLE t(x)")
    db.execute("CREATE TRIGGER trig AFTER INSERT ON t BEGIN SELECT bt_run('by_set'); END")
    checks.error(lambda: db.execute('INSERT INTO t VALUES (1)'), ['unsafe use of bt_run'], 'nested: from a trigger')


def test_dropped_tables():
    """Somebody drops tables of the store or of the results between two runs."""
    for table in RESULT_TABLES + ('barsvt_hot', 'barsvt_seg', 'barsvt_series', 'barsvt_asset', 'barsvt_meta'):
        db = connect()
        fill(db, 200)
        one(db, "SELECT bt_run('by_set')")
        db.execute(f'DROP TABLE {table}')
        try:
            run = one(db, "SELECT bt_run('by_set')")
            checks.equal(one(db, 'SELECT status FROM bt_run WHERE id = ?', run), 'done', f'without {table}')
            checks.ok(table.startswith('bt_') or table in ('barsvt_seg', 'barsvt_hot', 'barsvt_meta'), f'without {table}: a run')
        except sqlite3.Error as e:
            checks.ok(table.startswith('barsvt_') and len(str(e)) > 10, f'without {table}: {e}')
        checks.equal(db.in_transaction, False, f'without {table}: open transaction')
        db.close()


for name, test in sorted(globals().items()):
    if name.startswith('test_'):
        test()
checks.finish()
