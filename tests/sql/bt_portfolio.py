"""Many assets: what a run stores does not depend on which bars were handed over one by one.

Bars of assets that nobody holds or waits for are passed over in one go; a rule that watches the account asks for
every bar and never fires here, so both runs must leave the same rows, to the bit.  Assets with the same times move
together: here are some that do, some that do for a time, some alone, over several chunks of the store.  What an
asset's own bars say of its fills is checked beside."""
import bisect
import json
import os
import random
import sys

sys.path.insert(0, os.path.join(os.environ['ROOT'], 'tests', 'sql'))
from bt_help import Checks, connect, one  # noqa: E402

checks = Checks()
T0, MINUTE = 1704067200, 60
TABLES = ('bt_order', 'bt_fill', 'bt_lot', 'bt_position', 'bt_equity', 'bt_metric')
EVERY = [{'rule': 'max_drawdown', 'percent': 1e6, 'action': 'warn'}]


def database(seed):
    db, rng = connect(), random.Random(seed)
    grid = sorted(rng.sample(range(150000), 1500))  # minutes: three chunks of 65,536
    db.execute('BEGIN')
    for k in range(24):
        mine = list(grid)
        if k % 4 == 1:  # the same, but for some bars in the middle
            mine = [t for t in mine if not 40000 < t < 60000 or rng.random() < 0.5]
        if k % 4 == 2:  # begins late, or ends early
            mine = [t for t in mine if (t > 70000 if k % 8 == 2 else t < 80000)]
        if k % 4 == 3:
            mine = sorted(rng.sample(range(150000), 700))
        price = 50.0 + k
        for t in mine:
            o = round(price * (1 + rng.gauss(0, 0.002)), 2)
            c = round(o * (1 + rng.gauss(0, 0.004)), 2)
            db.execute("INSERT INTO bars(asset, timestep, ts, open, high, low, close, volume) VALUES (?, 'minute', ?, ?, ?, ?, ?, 1000)",
                       (f'A{k:02}', T0 + t * MINUTE, o, round(max(o, c) * 1.001, 2), round(min(o, c) * 0.999, 2), c))
            price = c
    db.execute('CREATE TABLE wish(known_at INTEGER, asset, target_weight, qty, order_type, limit_price)')
    for t in grid[5::7]:
        for k in rng.sample(range(24), 3):
            asset, now = f'A{k:02}', T0 + (t + 1) * MINUTE
            if rng.random() < 0.8:
                db.execute('INSERT INTO wish VALUES (?, ?, ?, NULL, NULL, NULL)', (now, asset, rng.choice((0, 0, 0.1, 0.2, -0.1))))
            else:
                db.execute("INSERT INTO wish VALUES (?, ?, NULL, ?, 'limit', ?)", (now, asset, rng.choice((5, -5)), round(50 + k + rng.gauss(0, 2), 2)))
    db.execute('COMMIT')
    db.execute('CREATE VIEW w AS SELECT * FROM wish')
    db.execute("CREATE VIEW step AS SELECT asset, target_weight, qty, order_type, limit_price FROM wish WHERE known_at = bars_clock()")
    return db


def stored(db, run):
    return {t: db.execute(f'SELECT * FROM {t} WHERE run = ?', (run,)).fetchall() for t in TABLES}


def without_run(rows):
    return [row[1:] for row in rows]


for seed in range(3):
    db = database(seed)
    names = [f'A{k:02}' for k in range(24)]
    for view, extra in (('w', {}), ('w', {'finish': 'last_open'}), ('w', {'profile': 'backtesting.py', 'cash': 1e5}), ('step', {}),
                        ('w', {'start': T0 + 66000 * MINUTE, 'end': T0 + 140000 * MINUTE}), ('w', {'assets': names[3:5]})):
        config = {'assets': names, 'timestep': 'minute', 'commission': 0.001, **extra}
        a = one(db, 'SELECT bt_run(?, ?)', view, json.dumps(config))
        b = one(db, 'SELECT bt_run(?, ?)', view, json.dumps({**config, 'risk': EVERY}))
        left, right = stored(db, a), stored(db, b)
        for t in TABLES:
            checks.ok(without_run(left[t]) == without_run(right[t]), f'{seed} {view} {extra}: {t} differs')
        checks.ok(len(left['bt_fill']) > 100, f'{len(left["bt_fill"])} fills')
        checks.equal(one(db, 'SELECT count(*) FROM bt_risk WHERE run = ?', b), 0, 'the rule never fires')
    # Targets given together: both modes make the same steps of the rows.
    for targets in ({'max_gross': 0.3}, {'unlisted': 'close', 'reserve': 0.02}, {'minimum_change': 0.02, 'missing': 'skip', 'max_weight': 0.15}):
        config = json.dumps({'assets': names, 'timestep': 'minute', 'targets': targets})
        a, b = (one(db, 'SELECT bt_run(?, ?)', view, config) for view in ('w', 'step'))
        left, right = stored(db, a), stored(db, b)
        for t in TABLES:
            checks.ok(without_run(left[t]) == without_run(right[t]), f'{seed} {targets}: {t} differs between the modes')
        checks.ok(len(left['bt_fill']) > 50, f'{len(left["bt_fill"])} fills')
        if 'unlisted' in targets:
            listed = one(db, 'SELECT count(DISTINCT asset) FROM wish WHERE known_at = (SELECT max(known_at) FROM wish WHERE target_weight IS NOT NULL)')
            checks.ok(one(db, 'SELECT count(*) FROM bt_position WHERE run = ?', a) <= listed, 'only the last step is held')
    opens = {n: dict(db.execute("SELECT ts, open FROM bars(?, 'minute')", (n,))) for n in names}
    times = {n: sorted(opens[n]) for n in names}
    market = db.execute("""SELECT f.asset, f.ts, f.price, o.ts FROM bt_fill f JOIN bt_order o ON o.run = f.run AND o.id = f.order_id
                           WHERE f.run = 1 AND o.order_type = 'market'""").fetchall()
    for asset, ts, price, decided in market:
        following = times[asset][bisect.bisect_left(times[asset], decided)]
        checks.ok(opens[asset][ts] == price and ts == following, f'{asset} at {ts}')
    checks.ok(len(market) > 100, f'{len(market)} market fills')

checks.finish()
