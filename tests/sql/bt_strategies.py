"""The example strategies: each runs as it stands, and does what its comment says.

Prices are seeded random minute bars of three assets.  The signals are computed here again from the
prices alone, with formulas written down independently (Wilder's RSI, channels, returns over n bars).
"""
import glob
import json
import os
import random
import sys

sys.dont_write_bytecode = True
from bt_help import ROOT, Checks, connect, one  # noqa: E402

START, N = 1704067200, 1500
DIRECTORY = os.path.join(ROOT, 'sql', 'strategies')
checks = Checks()


def build():
    db, bars = connect(), {}
    for k, asset in enumerate(('AAA', 'BBB', 'CCC')):
        rng, price, rows = random.Random(k), 100.0, []
        for i in range(N):
            start, price = price, max(5.0, price * (1 + rng.gauss(0, 0.003)))
            rows.append((asset, 'minute', START + i * 60, start, max(start, price) + 0.02, min(start, price) - 0.02, price, 100))
        db.executemany('INSERT INTO bars(asset, timestep, ts, open, high, low, close, volume) VALUES (?,?,?,?,?,?,?,?)', rows)
        bars[asset] = rows
    return db, bars


def run(db, name, params):
    with open(os.path.join(DIRECTORY, name + '.sql')) as f:
        db.executescript(f.read())
    db.isolation_level = None
    r = one(db, 'SELECT bt_run(?, ?)', name, json.dumps({'params': params}))
    db.execute(f'DROP VIEW temp.{name}')
    mode = one(db, 'SELECT mode FROM bt_run WHERE id = ?', r)
    asked = db.execute('SELECT ts, asset, amount, state FROM bt_order WHERE run = ? ORDER BY id', (r,)).fetchall()
    checks.ok(len(asked) > 5, f'{name}: it trades ({len(asked)} orders)')
    checks.near(one(db, 'SELECT sum(pnl) FROM bt_trade WHERE run = ?', r), one(db, 'SELECT value - cash FROM bt_run WHERE id = ?', r), 1e-6, f'{name}: P&L')
    return r, mode, asked


def positions(db, r, asset):
    """Whether the asset was held during the bar that begins at each minute."""
    change = {}
    for ts, qty in db.execute('SELECT ts, qty FROM bt_fill WHERE run = ? AND asset = ? ORDER BY id', (r, asset)):
        change[ts] = change.get(ts, 0) + qty
    out, held = [], 0
    for i in range(N):
        held += change.get(START + i * 60, 0)
        out.append(held > 0)
    return out


def test_sma_cross(db, bars):
    for params in ({}, {'asset': 'BBB', 'fast': 5, 'slow': 21}):
        r, mode, _ = run(db, 'sma_cross', params)
        rows = bars[params.get('asset', 'AAA')]
        fast, slow = params.get('fast', 10), params.get('slow', 30)
        close = [b[6] for b in rows]
        want = [False] + [i + 1 >= slow and sum(close[i + 1 - fast:i + 1]) / fast > sum(close[i + 1 - slow:i + 1]) / slow for i in range(N - 1)]
        checks.equal((mode, positions(db, r, rows[0][0])), ('set', want), f'sma_cross {params}')


def test_breakout(db, bars):
    for params in ({}, {'asset': 'CCC', 'enter': 55, 'leave': 15, 'weight': 0.5}):
        r, mode, asked = run(db, 'breakout', params)
        rows = bars[params.get('asset', 'AAA')]
        enter, leave = params.get('enter', 20), params.get('leave', 10)
        want, held = [False], False
        for i in range(N - 1):
            if i >= enter and rows[i][6] > max(b[4] for b in rows[i - enter:i]):
                held = True
            elif i >= leave and rows[i][6] < min(b[5] for b in rows[i - leave:i]):
                held = False
            want.append(held)
        checks.equal((mode, positions(db, r, rows[0][0])), ('set', want), f'breakout {params}')
        checks.equal({a[2] for a in asked}, {params.get('weight', 1.0), 0.0}, f'breakout {params}: weights')


def wilder(close, n):
    gains = [max(b - a, 0) for a, b in zip(close, close[1:])]
    losses = [max(a - b, 0) for a, b in zip(close, close[1:])]
    g, l = sum(gains[:n]) / n, sum(losses[:n]) / n
    out = [None] * n + [100 * g / (g + l)]
    for i in range(n, len(gains)):
        g, l = g + (gains[i] - g) / n, l + (losses[i] - l) / n
        out.append(100 * g / (g + l))
    return out


def test_rsi_reversion(db, bars):
    for params in ({}, {'asset': 'BBB', 'period': 5, 'low': 15, 'high': 70, 'hold': 12}):
        r, mode, _ = run(db, 'rsi_reversion', params)
        rows = bars[params.get('asset', 'AAA')]
        rsi = wilder([b[6] for b in rows], params.get('period', 14))
        low, high, hold = params.get('low', 30), params.get('high', 55), params.get('hold', 60)
        want, held, bars_held = [False], False, 0
        for i in range(N - 1):
            bars_held = bars_held + 1 if want[i] else 0
            if not want[i] and rsi[i] is not None and rsi[i] < low:
                held = True
            elif want[i] and (rsi[i] > high or bars_held >= hold):
                held = False
            want.append(held)
        checks.equal((mode, positions(db, r, rows[0][0])), ('step', want), f'rsi_reversion {params}')
        checks.ok(any(want), f'rsi_reversion {params}: something is bought')


def test_momentum(db, bars):
    for params in ({}, {'lookback': 20, 'best': 1, 'every': 900, 'assets': '["AAA", "CCC"]'}):
        r, mode, _ = run(db, 'momentum', params)
        look, best, every = params.get('lookback', 60), params.get('best', 2), params.get('every', 3600)
        assets = json.loads(params.get('assets', '["AAA", "BBB", "CCC"]'))
        want, chosen = {a: [False] for a in assets}, set()
        for i in range(N - 1):
            if (START + (i + 1) * 60) % every == 0 and i >= look:
                ret = sorted(((bars[a][i][6] / bars[a][i - look][6] - 1, a) for a in assets), key=lambda x: (-x[0], x[1]))
                chosen = {a for v, a in ret[:best] if v > 0}
            for a in assets:
                want[a].append(a in chosen)
        checks.equal(mode, 'step', f'momentum {params}: mode')
        for a in assets:
            checks.equal(positions(db, r, a), want[a], f'momentum {params}: {a}')
        checks.ok(len({tuple(want[a]) for a in assets}) > 1, f'momentum {params}: the choice changes')


db, bars = build()
tests = {name[5:]: test for name, test in globals().items() if name.startswith('test_')}
files = {os.path.splitext(os.path.basename(f))[0] for f in glob.glob(os.path.join(DIRECTORY, '*.sql'))}
checks.equal(files, set(tests), 'every strategy has its test')
for name in sorted(tests):
    tests[name](db, bars)
checks.finish()
