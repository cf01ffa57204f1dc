"""Knob same_bar finer: brackets on hours whose minutes are stored end as they do where the minutes are traded.

Minutes here open where the one before closed, so a level inside an hour is reached at itself.  The same orders run
once on the minutes and once on the hours: entry, exit, price and which exit must be the same for every order that the
minutes decide; where a single minute holds both exits, both runs guess by stop_first, and say so.
"""
import random
import sys

sys.dont_write_bytecode = True
from bt_help import Checks, connect, one  # noqa: E402

checks = Checks()
START, HOURS = 1704067200, 600


def minutes(rng):
    price, out = 100.0, []
    for i in range(HOURS * 60):
        o = price
        c = round(o * (1 + rng.gauss(0, 0.0008)), 4)
        wild = 6 if rng.random() < 0.01 else 1
        h = round(max(o, c) * (1 + wild * abs(rng.gauss(0, 0.0004))), 4)
        low = round(min(o, c) * (1 - wild * abs(rng.gauss(0, 0.0004))), 4)
        out.append((START + i * 60, o, h, low, c))
        price = c
    return out


def load(db, rows, hours_only, hole=None):
    if not hours_only:
        db.executemany("INSERT INTO bars(asset, timestep, ts, open, high, low, close) VALUES ('X', 'minute', ?, ?, ?, ?, ?)",
                       [r for k, r in enumerate(rows) if hole is None or not hole(k)])
    for k in range(0, len(rows), 60):
        part = rows[k:k + 60]
        db.execute("INSERT INTO bars(asset, timestep, ts, open, high, low, close) VALUES ('X', 'hour', ?, ?, ?, ?, ?)",
                   (part[0][0], part[0][1], max(r[2] for r in part), min(r[3] for r in part), part[-1][4]))


def plan(db, rows, rng):
    """Every third hour an entry at the open, by a limit or by a stop, with a bracket; two hours later all of it ends."""
    db.execute('CREATE TABLE plan(known_at, asset, qty, limit_price, stop_price, take_profit, stop_loss, tag, cancel, target_qty)')
    for n, k in enumerate(range(60, len(rows) - 180, 180)):
        side, last = rng.choice((1, -1)), rows[k - 1][4]
        kind = rng.choice(('open', 'limit', 'stop'))
        entry = last if kind == 'open' else last * (1 - side * 0.002) if kind == 'limit' else last * (1 + side * 0.002)
        entry = round(entry, 2)
        db.execute('INSERT INTO plan VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL, NULL)',
                   (rows[k][0], 'X', side, entry if kind == 'limit' else None, entry if kind == 'stop' else None,
                    round(entry * (1 + side * rng.uniform(0.002, 0.006)), 2), round(entry * (1 - side * rng.uniform(0.002, 0.006)), 2), f'{n}'))
        db.execute("INSERT INTO plan(known_at, asset, cancel, target_qty) VALUES (?, 'X', '*', 0)", (rows[k + 120][0],))
    db.execute("CREATE VIEW planned AS SELECT * FROM plan")


SETTINGS = '"assets": ["X"], "cash": 1e9, "slippage": 0, "wrong_side": "allow"'


def outcomes(db, timestep, same_bar):
    r = one(db, f'SELECT bt_run(\'planned\', \'{{{SETTINGS}, "timestep": "{timestep}", "same_bar": "{same_bar}"}}\')')
    return {(tag, parent is not None, kind): (state == 'filled', price, guess) for tag, parent, kind, state, price, guess in db.execute(
        '''SELECT o.tag, o.parent, o.order_type, o.state, o.price, (SELECT max(ambiguous) FROM bt_fill f WHERE f.run = o.run AND f.order_id = o.id)
           FROM bt_order o WHERE o.run = ? AND o.tag IS NOT NULL''', (r,))}


same = differ = guesses = kept = 0
for seed in range(6):
    rng = random.Random(seed)
    rows = minutes(rng)
    db = connect()
    load(db, rows, False)
    plan(db, rows, random.Random(seed + 100))
    fine, hours, blunt = (outcomes(db, *how) for how in (('minute', 'stop_first'), ('hour', 'finer'), ('hour', 'stop_first')))
    checks.ok(set(fine) == set(hours) and len(fine) > 200, 'the same orders')
    for key, want in fine.items():
        if want[0] or hours[key][0]:
            ok = hours[key][0] == want[0] and abs(hours[key][1] - want[1]) < 1e-9
            same += ok
            if not ok:
                differ += 1
                print(seed, key, 'minutes', want, 'hours', hours[key])
        guesses += bool(hours[key][2])
        kept += bool(blunt[key][2])
checks.equal(differ, 0, 'orders that end otherwise')
checks.ok(same > 1000, f'{same} fills compared')
checks.ok(0 < guesses < kept / 4, f'{guesses} guesses are left of {kept}')

# Without finer bars, or with none inside the bar, it is stop_first.
rows = minutes(random.Random(1))
plain, holed = connect(), connect()
load(plain, rows, True)
load(holed, rows, False, hole=lambda k: True)
for db in (plain, holed):
    plan(db, rows, random.Random(101))
    checks.equal(outcomes(db, 'hour', 'finer'), outcomes(db, 'hour', 'stop_first'), 'no finer bars')
checks.finish()
