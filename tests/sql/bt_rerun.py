#!/usr/bin/python3
"""bt_rerun() repeats a run to the bit, whatever has changed since; bt_diff says what has, and what it came to."""
import json
import math
import random
import sys

sys.dont_write_bytecode = True
from bt_help import Checks, connect, one  # noqa: E402

DAY, START = 86400, 1672531200
checks = Checks()


def build(path=':memory:'):
    rng = random.Random(11)
    db, rows = connect(path), []
    for asset in ('AAA', 'BBB'):
        price = 100.0
        for i in range(300):
            start, price = price, max(5.0, price * (1 + rng.gauss(0.0005, 0.02)))
            rows.append((asset, 'day', START + i * DAY, start, max(start, price) + 0.1, min(start, price) - 0.1, price, 100))
    db.executemany('INSERT INTO bars(asset, timestep, ts, open, high, low, close, volume) VALUES (?,?,?,?,?,?,?,?)', rows)
    db.execute('CREATE TABLE pred(ts INTEGER, asset TEXT, p REAL)')
    db.executemany('INSERT INTO pred VALUES (?, ?, ?)', [(START + i * DAY, a, rng.gauss(0, 1)) for i in range(300) for a in ('AAA', 'BBB')])
    db.execute('CREATE VIEW good AS SELECT ts, asset, p FROM pred WHERE p > 0.2')
    db.execute("CREATE VIEW v AS SELECT known_at, asset, CASE WHEN sma(bars, 3) > sma(bars, bt_param('slow', 8)) THEN 0.9 ELSE -0.4 END AS target_weight"
               " FROM bars('AAA', 'day')")
    db.execute("CREATE VIEW p AS SELECT g.ts + 86400 AS known_at, g.asset, 0.4 AS target_weight, 'p' || g.ts AS tag FROM \"Good\" AS g")
    db.execute("CREATE VIEW s AS SELECT 'BBB' AS asset, CASE WHEN bt_qty('BBB') = 0 THEN 1.0 WHEN bt_bars_held('BBB') > 4 THEN 0.0 END AS target_weight,"
               " last_price('BBB', 'day') * 0.98 AS stop_loss")
    return db


def same(db, a, b, name):
    checks.equal(db.execute('SELECT * FROM bt_diff(?, ?)', (a, b)).fetchall(), [], f'{name}: no difference')
    for table, columns in (('bt_fill', 'id, ts, asset, qty, price, commission, pnl, position, cash'), ('bt_equity', 'ts, value, cash, exposed')):
        rows = [db.execute(f'SELECT {columns} FROM {table} WHERE run = ? ORDER BY 1', (r,)).fetchall() for r in (a, b)]
        checks.ok(rows[0] and rows[0] == rows[1], f'{name}: {table} to the bit')


def diff(db, *runs):
    args = ', '.join(str(r) for r in runs)
    return {(what, name): (x, y) for what, name, x, y in db.execute(f'SELECT * FROM bt_diff({args})')}


def test_same(db):
    profiles = [r[0] for r in db.execute('SELECT DISTINCT profile FROM bt_profile')]
    assets = {'assets': ['AAA', 'BBB'], 'timestep': 'day'}
    configs = [{}, {'cash': 5e4, 'commission': 0.001}, {'params': {'slow': 20}, 'units': 'fractional', 'tz': 'America/New_York'},
               {'commission': {'model': 'tiered', 'tiers': [{'upto': 100, 'rate': 0.01}, {'rate': 0.005}]}, 'slippage': 1 / 3000},
               {'start': '2023-02-01', 'end': '2023-09-01', 'benchmark': 'BBB'}]
    for strategy in ('v', 'p', 's'):
        for config in configs + [{'profile': p} for p in profiles]:
            config = {**assets, **config} if strategy != 'v' else config
            a = one(db, 'SELECT bt_run(?, ?)', strategy, json.dumps(config))
            same(db, a, one(db, 'SELECT bt_rerun(?)', a), f'{strategy} {config}')
            checks.equal(diff(db, a), {}, f'{strategy} {config}: nothing has changed')


def test_inputs(db):
    a = one(db, """SELECT bt_run('p', '{"assets": ["AAA", "BBB"], "timestep": "day"}')""")
    rows = db.execute('SELECT kind, name FROM bt_input WHERE run = ?', (a,)).fetchall()
    checks.equal(rows, [('asset', 'AAA'), ('asset', 'BBB'), ('bars', 'AAA, day'), ('bars', 'BBB, day'), ('setting', 'tz'), ('table', 'pred'), ('version', 'library'), ('version', 'sqlite'),
                        ('view', 'good')], 'inputs: listed')
    checks.equal(one(db, "SELECT value FROM bt_input WHERE run = ? AND kind = 'version' AND name = 'sqlite'", a), one(db, 'SELECT sqlite_version()'),
                 'inputs: SQLite')
    changes = {  # what is done, and what bt_diff(run) then names
        "UPDATE pred SET p = p + 1 WHERE rowid = 77": {('table', 'pred')},
        "INSERT INTO pred VALUES (1, 'AAA', NULL)": {('table', 'pred')},
        "DROP VIEW good; CREATE VIEW good AS SELECT ts, asset, p FROM pred WHERE p > 0.3": {('view', 'good')},
        "DROP VIEW good; DROP TABLE pred": {('view', 'good'), ('table', 'pred')},
        "UPDATE bars SET close = close + 0.01 WHERE asset = 'AAA' AND timestep = 'day' AND ts = %d" % (START + 9 * DAY): {('bars', 'AAA, day')},
        "UPDATE bars SET volume = NULL WHERE asset = 'BBB' AND timestep = 'day' AND ts = %d" % (START + 299 * DAY): {('bars', 'BBB, day')},
        "DELETE FROM bars WHERE asset = 'BBB' AND timestep = 'day'": {('bars', 'BBB, day')},
        "INSERT INTO bars(asset, timestep, ts, open, high, low, close) VALUES ('AAA', 'day', %d, 9, 9, 9, 9)" % (START + 300 * DAY): set(),
        "INSERT INTO bars(asset, timestep, ts, open, high, low, close) VALUES ('CCC', 'day', 0, 9, 9, 9, 9)": set(),
        "SELECT bars_asset('BBB', 'multiplier', 10)": {('asset', 'BBB')},
        "SELECT bars_action('AAA', '2023-05-05', 'split', 2)": {('actions', 'AAA')},
        "SELECT bars_asset('AAA', 'tick', 0.01)": {('properties', 'AAA')},
        "SELECT bars_action('AAA', '2033-05-05', 'split', 2)": set(),
        "DROP VIEW p": {('strategy', 'p')},
        "DROP VIEW p; CREATE TEMP VIEW p AS SELECT known_at, asset, 0 AS qty FROM bars('AAA', 'day')": {('strategy', 'p')},
        "SELECT bars_config('tz', 'Asia/Tokyo')": {('setting', 'tz')},
        "CREATE TABLE other(x)": set(),
        "SELECT bars_compact()": set(),  # the hash is that of the values
        "SELECT bars_compact(); UPDATE bars SET close = close + 0.01 WHERE asset = 'AAA' AND timestep = 'day' AND ts = %d" % (START + 9 * DAY): {('bars', 'AAA, day')},
    }
    for sql, want in changes.items():
        db.execute('SAVEPOINT change')
        for part in sql.split('; '):
            db.execute(part).fetchall()
        checks.equal(set(diff(db, a)), want, f'changed: {sql}')
        if want <= {('strategy', 'p'), ('setting', 'tz')} and 'TEMP' not in sql:  # what it was made from is all there
            same(db, a, one(db, 'SELECT bt_rerun(?)', a), f'after {sql}')
            checks.equal(one(db, 'SELECT count(*) FROM sqlite_temp_schema'), 0, f'after {sql}: no view is left')
        db.execute('ROLLBACK TO change')
        db.execute('RELEASE change')
        db.execute("SELECT bars_config('tz', 'UTC')")
        checks.equal(diff(db, a), {}, f'undone: {sql}')


def test_rates(db):
    """The table of financing.rates is an input, and what its view reads."""
    db.execute('CREATE TABLE loan(known_at, asset, kind, rate)')
    db.execute("INSERT INTO loan VALUES (?, NULL, 'borrow', 0.02)", (START,))
    db.execute('CREATE VIEW fees AS SELECT * FROM loan')
    for name, more in (('loan', set()), ('Fees', {('view', 'fees')})):
        a = one(db, 'SELECT bt_run(?, ?)', 'v', json.dumps({'financing': {'rates': name}}))
        rows = {tuple(r) for r in db.execute("SELECT kind, name FROM bt_input WHERE run = ? AND kind IN ('table', 'view')", (a,))}
        checks.equal(rows, {('table', 'loan')} | more, f'financing.rates {name}: inputs')
        db.execute('SAVEPOINT change')
        db.execute('UPDATE loan SET rate = 0.03')
        checks.equal(set(diff(db, a)), {('table', 'loan')}, f'financing.rates {name}: changed')
        db.execute('ROLLBACK TO change')
        db.execute('RELEASE change')


def test_stands_in_the_way(db):
    a = one(db, "SELECT bt_run('v')")
    db.execute("CREATE TEMP VIEW v AS SELECT known_at, asset, 1 AS qty FROM bars('AAA', 'day')")
    checks.error(lambda: one(db, 'SELECT bt_rerun(?)', a), ["view 'v' of the run", 'already exists'], 'a TEMP view of that name')
    db.execute('DROP VIEW temp.v')


def test_overrides(db):
    a = one(db, """SELECT bt_run('v', '{"commission": {"rate": 0.001}, "params": {"slow": 9}}')""")
    b = one(db, """SELECT bt_rerun(?, '{"commission": {"rate": 0.002}, "params": {"fast": 2}, "risk_free": 0.02}')""", a)
    checks.equal(json.loads(one(db, 'SELECT config FROM bt_run WHERE id = ?', b)),
                 {'commission': {'rate': 0.002}, 'params': {'slow': 9, 'fast': 2}, 'risk_free': 0.02}, 'overrides: merged')
    d = diff(db, a, b)
    checks.equal(d[('knob', 'commission.rate')], ('0.001', '0.002'), 'overrides: the knob')
    checks.ok(('result', 'bt_equity') in d and ('result', 'bt_fill') in d and ('strategy', 'v') not in d, f'overrides: what came of it {d.keys()}')
    c = one(db, """SELECT bt_rerun(?, '{"profile": "backtrader"}')""", a)
    d = {k: v for k, v in diff(db, a, c).items() if k[0] == 'knob'}
    want = dict(db.execute("SELECT knob, value FROM bt_profile WHERE profile = 'backtrader'"))
    was = dict(db.execute("SELECT knob, value FROM bt_profile WHERE profile = 'default'"))
    checks.equal({k[1]: v for k, v in d.items()}, {k: (was[k], want[k]) for k in want if want[k] != was[k] and k != 'commission.rate'}, 'overrides: another profile')
    e = one(db, """SELECT bt_rerun(?, '{"end": "2023-06-01"}')""", a)
    checks.ok(one(db, 'SELECT "end" FROM bt_run WHERE id = ?', e) < one(db, 'SELECT "end" FROM bt_run WHERE id = ?', a), 'overrides: end')
    # The knobs are those of the run, not what the profile says today: the row tells.
    db.execute("UPDATE bt_run SET knobs = json_set(knobs, '$.\"leverage\"', 2.0, '$.\"gone\"', 1) WHERE id = ?", (a,))
    f = one(db, 'SELECT bt_rerun(?)', a)
    checks.equal(json.loads(one(db, 'SELECT knobs FROM bt_run WHERE id = ?', f))['leverage'], 2, 'knobs: as stored')
    checks.equal(diff(db, a)[('knob', 'leverage')], ('2.0', '1'), 'knobs: the default differs')
    checks.equal(diff(db, a)[('knob', 'gone')], ('1', None), 'knobs: one that is no more')


def test_errors(db):
    a = one(db, "SELECT bt_run('v')")
    for sql, part in (("SELECT bt_rerun(99999)", 'no finished run 99999'), ("SELECT bt_rerun(NULL)", 'number of a run'), ("SELECT bt_rerun('1')", 'number of a run'),
                      (f"SELECT bt_rerun({a}, 'x')", 'must be a JSON object'), (f"SELECT bt_rerun({a}, '[]')", 'must be a JSON object'),
                      (f"SELECT bt_rerun({a}, '{{\"cahs\": 1}}')", "did you mean 'cash'"), ("SELECT * FROM bt_diff", 'missing argument run'),
                      ("SELECT * FROM bt_diff(0)", 'not the number of a run'), (f"SELECT * FROM bt_diff({a}, 'x')", 'other is not the number'),
                      (f"SELECT * FROM bt_diff({a}, 99999)", 'no finished run 99999'),
                      (f"CREATE VIEW evil AS SELECT bt_rerun({a}); SELECT * FROM evil", 'unsafe use of bt_rerun')):
        checks.error(lambda: [db.execute(part_).fetchall() for part_ in sql.split('; ')], [part], sql)
    db.execute('DELETE FROM bt_run WHERE id = ?', (a,))
    checks.equal(one(db, 'SELECT count(*) FROM bt_input WHERE run = ?', a), 0, 'inputs: deleted with the run')
    fresh = connect()
    checks.error(lambda: one(fresh, 'SELECT bt_rerun(1)'), ['no finished run 1'], 'a database without runs')
    checks.error(lambda: fresh.execute('SELECT * FROM bt_diff(1)').fetchall(), ['no finished run 1'], 'bt_diff: a database without runs')


db = build()
test_inputs(db)
test_same(db)
test_rates(db)
test_stands_in_the_way(db)
test_overrides(db)
test_errors(db)
assert math.isfinite(one(db, 'SELECT max(value) FROM bt_run'))
checks.finish()
