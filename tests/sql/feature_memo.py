#!/usr/bin/python3
"""Features: functions of the program in strategy views, whose results are kept per asset, instant and arguments."""
import os
import sqlite3
import sys

sys.dont_write_bytecode = True
from bt_help import Checks, connect, one  # noqa: E402

checks = Checks()
START = 1704292200
FILE = 'features.db'


class Model:
    """Counts its calls."""

    def __init__(self, weight):
        self.weight, self.calls = weight, 0

    def __call__(self, asset, ts, *inputs):
        self.calls += 1
        if any(x is None for x in inputs):
            return None
        return self.weight * sum(float(x) for x in inputs) + len(asset)


def open_file(model, version='v1', pure=None):
    db = connect(FILE)
    db.create_function('model', -1, model)
    db.execute(f"SELECT bars_feature('score', 'model', ?{'' if pure is None else f', {pure}'})", (version,)).fetchone()
    return db


if os.path.exists(FILE):
    os.remove(FILE)
model = Model(0.5)
db = open_file(model)
db.execute(f"INSERT INTO bars(asset, timestep, ts, open, high, low, close) WITH RECURSIVE i(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM i WHERE n < 199)"
           f" SELECT a.value, 'minute', {START} + 60 * n, 10, 14, 9, 10 + n * 7 % 4 FROM i, json_each('[\"A\", \"BB\"]') a")
ALL = "SELECT ts, asset, score(asset, ts, close) FROM bars WHERE asset IN ('A', 'BB') AND timestep = 'minute' ORDER BY ts, asset"
want = [(ts, a, 0.5 * c + len(a)) for ts, a, c in db.execute("SELECT ts, asset, close FROM bars WHERE asset IN ('A', 'BB') AND timestep = 'minute' ORDER BY ts, asset")]

# reading keeps results for the session, and writes nothing
for time, calls in ((1, 400), (2, 400)):
    checks.equal(db.execute(ALL).fetchall(), want, f'values, time {time}')
    checks.equal(model.calls, calls, f'calls, time {time}')
checks.equal(one(db, "SELECT count(*) FROM sqlite_master WHERE name LIKE 'barsvt_feature%'"), 0, 'nothing is written by reading')
checks.equal(one(db, 'SELECT bars_feature_save()'), 400, 'saved')
checks.equal(one(db, 'SELECT bars_feature_save()'), 0, 'nothing new')
checks.equal(db.execute('SELECT f.name, f.version, count(*), sum(v.value) FROM barsvt_feature f JOIN barsvt_feature_value v ON v.feature = f.id').fetchall(),
             [('score', 'v1', 400, sum(w[2] for w in want))], 'the tables')
db.close()

# another session asks the function for nothing that is stored; another version for everything
model = Model(0.5)
db = open_file(model)
checks.equal(db.execute(ALL).fetchall(), want, 'values of the second session')
checks.equal(model.calls, 0, 'the second session calls nothing')
checks.equal(one(db, "SELECT score('A', ?, 10.0)", START), 6.0, 'a whole number and a real are different arguments')
checks.equal((one(db, "SELECT score('A', ?, NULL)", START), one(db, "SELECT score('A', ?, NULL)", START), model.calls), (None, None, 1), 'NULL is a result, too')
checks.equal((one(db, "SELECT score(NULL, ?, 1)", START), one(db, "SELECT score('A', NULL, 1)"), model.calls), (None, None, 1), 'no asset or no ts: NULL, nothing is asked')
model.weight = 2
db.execute("SELECT bars_feature('score', 'model', 'v2')")
doubled = [(ts, a, (v - len(a)) * 4 + len(a)) for ts, a, v in want]
checks.equal(db.execute(ALL).fetchall(), doubled, 'values of the second version')
checks.equal(model.calls, 401, 'the second version asks for all')
one(db, 'SELECT bars_feature_save()')
checks.equal(db.execute('SELECT DISTINCT version FROM barsvt_feature').fetchall(), [('v2',)], 'version')
checks.equal(one(db, 'SELECT count(*) FROM barsvt_feature_value'), 400, 'values of the first version are gone')

# in a strategy: the run saves, and a second one asks for nothing
db.execute("CREATE VIEW strategy AS SELECT known_at, asset, score(asset, ts, close - 10, sma(bars, 3)) / 100 AS target_weight FROM bars WHERE asset IN ('A', 'BB')"
           " AND timestep = 'minute'")
before = model.calls
a = one(db, "SELECT bt_run('strategy')")
checks.ok(model.calls - before == 400, f'the run calls {model.calls - before}')
before = model.calls
b = one(db, "SELECT bt_run('strategy')")
checks.equal(model.calls, before, 'the second run calls nothing')
checks.equal(*[db.execute('SELECT ts, asset, qty, price FROM bt_fill WHERE run = ? ORDER BY id', (run,)).fetchall() for run in (a, b)], 'both runs fill alike')
checks.ok(one(db, 'SELECT count(*) FROM bt_fill') > 10, 'fills')
checks.equal(one(db, "SELECT count(*) FROM bt_audit('strategy', NULL, '{\"samples\": 10}')"), 0, 'a feature of past values does not look ahead')
db.close()
model = Model(2)
db = open_file(model, 'v2')
one(db, "SELECT bt_run('strategy')")
checks.equal(model.calls, 0, 'nor does a run of another session')

# a rolled back save is asked for again; values can be texts and blobs
db.create_function('name', 2, lambda asset, ts: f'{asset} at {ts}' if ts % 2 else bytes([1, 2, 3]))
db.execute("SELECT bars_feature('named', 'name', '1')")
db.execute('BEGIN')
checks.equal(db.execute("SELECT named('X', 1), named('X', 2)").fetchall(), [('X at 1', b'\1\2\3')], 'a text and a blob')
one(db, 'SELECT bars_feature_save()')
db.execute('ROLLBACK')
checks.equal(db.execute("SELECT named('X', 1), named('X', 2)").fetchall(), [('X at 1', b'\1\2\3')], 'after a rollback')
checks.equal(one(db, 'SELECT bars_feature_save()'), 2, 'saved after a rollback')
checks.equal(db.execute("SELECT named('X', 1), named('X', 2)").fetchall(), [('X at 1', b'\1\2\3')], 'as stored')

# not pure: called every time
db.execute("SELECT bars_feature('now', 'model', '1', 0)")
before = model.calls
for _ in range(3):
    one(db, "SELECT now('A', 5, 1)")
checks.equal(model.calls - before, 3, 'a feature that is not pure is called every time')

# what is wrong
for sql, needles in (("SELECT bars_feature('score', 'nothing', '1')", ["there is no function 'nothing'"]), ("SELECT bars_feature('sma', 'model', '1')", ["there is a function 'sma' already"]),
                     ("SELECT bars_feature('model', 'model', '1')", ['another name']), ("SELECT bars_feature('a b', 'model', '1')", ['letters, digits']),
                     ("SELECT bars_feature('x', 'model')", ['2 arguments given']), ("SELECT bars_feature('x', 'model', NULL)", ['must not be NULL']),
                     ("SELECT bars_feature('now', 'model', '1', 1)", ['registered as not pure']), ("SELECT score('A')", ['1 arguments given', 'score(asset, ts']),
                     ("SELECT score('A', '2024-01-03')", ['epoch seconds', 'bars_time']), ("SELECT named('A', 3, 4)", ['named', 'wrong number of arguments'])):
    checks.error(lambda: db.execute(sql).fetchall(), needles, sql)
db.create_function('broken', -1, lambda *x: 1 / 0)
db.execute("SELECT bars_feature('breaks', 'broken', '1')")
for _ in range(2):
    checks.error(lambda: db.execute("SELECT breaks('A', 1)").fetchall(), ['breaks', 'user-defined function raised exception'], 'an error is no result')
db.execute('CREATE VIEW sneaky AS SELECT bars_feature_save()')
checks.error(lambda: db.execute('SELECT * FROM sneaky').fetchall(), ['unsafe use'], 'views do not save')
db.close()
checks.finish()
