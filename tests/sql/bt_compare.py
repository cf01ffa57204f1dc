"""bt_compare: the first fill two runs do not share, and the knobs that make the difference by themselves."""
import json
import os
import random
import sys

sys.path.insert(0, os.path.join(os.environ['ROOT'], 'tests', 'sql'))
from bt_help import Checks, connect, one  # noqa: E402

checks = Checks()
T0, DAY = 1704067200, 86400


def database():
    db, rng, price = connect(), random.Random(9), 100.0
    for i in range(250):
        o = round(price * (1 + rng.gauss(0, 0.005)), 2)
        c = round(o * (1 + rng.gauss(0, 0.01)), 2)
        db.execute("INSERT INTO bars(asset, timestep, ts, open, high, low, close) VALUES ('A', 'day', ?, ?, ?, ?, ?)",
                   (T0 + i * DAY, o, round(max(o, c) + 0.3, 2), round(min(o, c) - 0.3, 2), c))
        price = c
    db.execute("""CREATE VIEW v AS SELECT known_at, asset, CASE WHEN sma(bars, 3) > sma(bars, 10) THEN 0.9 ELSE -0.5 END AS target_weight
                  FROM bars('A', 'day')""")
    return db


def rows(db, a, b):
    return db.execute('SELECT what, name, run, other FROM bt_compare(?, ?)', (a, b)).fetchall()


def knobs(found):
    return [(r[1], r[2], r[3]) for r in found if r[0] == 'knob']


def first_fill(db, a, b):
    """By hand: the number of the first fill that differs."""
    left, right = (db.execute('SELECT id, asset, ts, qty, price, commission FROM bt_fill WHERE run = ? ORDER BY id', (r,)).fetchall() for r in (a, b))
    for x, y in zip(left, right):
        if x[:3] != y[:3] or any(abs(p - q) > 1e-9 * (abs(p) + abs(q)) for p, q in zip(x[3:], y[3:])):
            return x[0]
    return min(len(left), len(right)) + 1 if len(left) != len(right) else None


db = database()
base = one(db, "SELECT bt_run('v', ?)", json.dumps({'cash': 10000, 'commission': 0.001}))

# Nothing differs from itself, nor from the same again.
checks.equal(rows(db, base, base), [], 'the same run')
checks.equal(rows(db, base, one(db, 'SELECT bt_rerun(?)', base)), [], 'the same again')

# One knob changed: it is the one, whatever it is; a second that changes nothing is not named.
for overrides, name in (({'slippage': 0.002}, 'slippage.rate'), ({'commission.rate': 0.002}, 'commission.rate'), ({'cash': 20000}, 'cash'),
                        ({'size_at': 'fill'}, 'size_at'), ({'units': 'fractional'}, 'units'), ({'rebalance': 'on_change'}, 'rebalance'),
                        ({'allow_short': False}, 'allow_short'), ({'slippage': 0.002, 'same_bar': 'defer'}, 'slippage.rate')):
    other = one(db, 'SELECT bt_rerun(?, ?)', base, json.dumps(overrides))
    found = rows(db, base, other)
    checks.equal([k[0] for k in knobs(found)], [name], f'{overrides}: the knob')
    n = first_fill(db, base, other)
    checks.equal([r[2:] for r in found if r[:2] == ('fill', 'number')][0],
                 (str(n), str(n)) if n <= one(db, 'SELECT count(*) FROM bt_fill WHERE run = ?', other) else (str(n), None), f'{overrides}: the fill')
    values = dict(db.execute('SELECT id, value FROM bt_run'))
    if values[base] != values[other]:
        checks.ok(any(r[:2] == ('account', 'value') for r in found), f'{overrides}: the account')
    # And the other way round.
    checks.equal([k[0] for k in knobs(rows(db, other, base))], [name], f'{overrides}: from the other side')

# Two knobs that move the same fill: neither alone.
other = one(db, 'SELECT bt_rerun(?, ?)', base, json.dumps({'slippage': 0.002, 'commission.rate': 0.002}))
checks.equal(knobs(rows(db, base, other)), [('none alone', None, None)], 'two knobs')

# Under another profile: sizes at the fill are what parts them first, and the flip is seen through the reruns.
other = one(db, 'SELECT bt_rerun(?, ?)', base, json.dumps({'profile': 'backtesting.py'}))
found = rows(db, base, other)
checks.ok(first_fill(db, base, other) is not None and found, 'profiles part')
named = knobs(found)
for name, a, b in named:
    if name == 'none alone':
        continue
    again = one(db, 'SELECT bt_rerun(?, ?)', base, json.dumps({name: b if not b.replace('.', '').isdigit() else float(b)}))
    later = first_fill(db, again, other)
    checks.ok(later is None or later > first_fill(db, base, other), f'{name} explains the fill')

# Nothing stays of the runs made on the way.
count = one(db, 'SELECT count(*) FROM bt_run')
rows(db, base, other)
checks.equal(one(db, 'SELECT count(*) FROM bt_run'), count, 'no run is left')
checks.equal(one(db, 'SELECT max(run) FROM bt_order') <= count, True, 'nor orders')
db.execute('BEGIN')
db.execute('CREATE TABLE mine AS SELECT 1 AS x')
checks.ok(rows(db, base, other) == found, 'inside a transaction too')
db.execute('COMMIT')
checks.equal(one(db, 'SELECT x FROM mine'), 1, 'which is not undone')

# What cannot be.
checks.error(lambda: rows(db, 1, 99), ['no finished run 99'], 'unknown run')
checks.error(lambda: db.execute('SELECT * FROM bt_compare(1)').fetchall(), ['two runs are needed'], 'one run')
checks.error(lambda: rows(db, 'x', 1), ['run is not the number of a run'], 'no number')
db.execute('CREATE VIEW hidden AS SELECT * FROM bt_compare(1, 2)')
checks.error(lambda: db.execute('SELECT * FROM hidden').fetchall(), ['unsafe use'], 'not in a view')

checks.finish()
