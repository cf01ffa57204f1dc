"""mae and mfe of trades, from the bars each lived through, and the metrics made of them.

A fill at a bar's open: the bar counts from there on.  A fill at the close of the signal's bar: that bar does
not count as one of entry, but as one of exit.  Lots closed in pieces, shorts, flips, open lots, slippage."""
import os
import random
import sys

sys.path.insert(0, os.path.join(os.environ['ROOT'], 'tests', 'sql'))
from bt_help import Checks, connect, one  # noqa: E402

checks = Checks()
rng = random.Random(5)
STEP, T0, N = 3600, 1704067200, 400


def make():
    db = connect()
    price, rows = 100.0, []
    for i in range(N):
        if rng.random() < 0.1:
            continue
        o = round(price * (1 + rng.gauss(0, 0.002)), 2)
        c = round(o * (1 + rng.gauss(0, 0.01)), 2)
        rows.append((T0 + i * STEP, o, round(max(o, c) + rng.random(), 2), round(min(o, c) - rng.random(), 2), c))
        price = c
    db.executemany("INSERT INTO bars(asset, timestep, ts, open, high, low, close, volume) VALUES ('A', 'hour', ?, ?, ?, ?, ?, 1e6)", rows)
    db.execute('CREATE TABLE wish(known_at INTEGER PRIMARY KEY, asset, target_qty)')
    for t, *_ in rows:
        if rng.random() < 0.3:
            db.execute("INSERT INTO wish VALUES (?, 'A', ?)", (t + STEP, rng.choice((-30, -10, 0, 0, 10, 20, 30))))
    db.execute('CREATE VIEW w AS SELECT * FROM wish ORDER BY known_at')
    return db, rows


def check(config, at_close):
    db, rows = make()
    r = one(db, "SELECT bt_run('w', ?)", config)
    lots = db.execute('SELECT id, qty, entry_ts, exit_ts, entry_price, exit_price, mae, mfe, open FROM bt_trade WHERE run = ?', (r,)).fetchall()
    checks.ok(len(lots) > 30 and any(lot[8] for lot in lots), f'{config}: {len(lots)} lots, one open')
    closed = []
    for n, qty, t0, t1, p0, p1, mae, mfe, is_open in lots:
        if at_close:
            lived = [b for b in rows if t0 < b[0] + STEP <= t1]
        else:
            lived = [b for b in rows if t0 <= b[0] and (b[0] < t1 or is_open)]
        prices = [p0, p1] + [b[2] for b in lived] + [b[3] for b in lived]
        results = [qty * (p - p0) for p in prices]
        checks.near(mae, min(results), 1e-9, f'{config}: mae of lot {n}')
        checks.near(mfe, max(results), 1e-9, f'{config}: mfe of lot {n}')
        if not is_open:
            closed.append((mae, mfe, qty * (p1 - p0), abs(qty * p0)))
    n = len(closed)
    want = {('mae', ''): sum(c[0] for c in closed) / n, ('mae', 'largest'): min(c[0] for c in closed), ('mfe', ''): sum(c[1] for c in closed) / n,
            ('mfe', 'largest'): max(c[1] for c in closed), ('end_trade_drawdown', ''): sum(c[2] - c[1] for c in closed) / n,
            ('end_trade_drawdown', 'largest'): min(c[2] - c[1] for c in closed),
            ('edge_ratio', ''): sum(c[1] / c[3] for c in closed) / -sum(c[0] / c[3] for c in closed)}
    for (name, variant), v in want.items():
        checks.near(one(db, 'SELECT value FROM bt_metric WHERE run = ? AND name = ? AND variant = ?', r, name, variant), v, 1e-9, f'{config}: {name} {variant}')


check('{"cash": 1000000}', False)
check('{"cash": 1000000, "slippage": 0.001, "commission": 0.002}', False)
check('{"cash": 1000000, "fill_at": "signal_close"}', True)
check('{"cash": 1000000, "profile": "backtesting.py"}', False)
checks.finish()
