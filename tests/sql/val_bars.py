#!/usr/bin/python3
"""bars_validate against the same rules written here, over random series with faults made on purpose, and over
SPY and AAPL where ../shared is there.

The faults the store refuses are put into its tables by hand.
"""
import datetime
import math
import os
import random
import statistics
import sys
import zoneinfo

sys.dont_write_bytecode = True
from bt_help import SHARED, Checks, connect, one  # noqa: E402

checks = Checks()
ZONE = zoneinfo.ZoneInfo('America/New_York')
PLAIN = ('price', 'ohlc', 'volume', 'overlap', 'jump', 'outlier', 'stale')


def usual(values):
    if len(values) < 20:
        return None
    centre = statistics.median(values)
    sigma = 1.482602218505602 * statistics.median(abs(v - centre) for v in values)
    return (centre, sigma) if sigma > 0 else None


def expected(rows, intraday, sigma=10, volume_sigma=6, stale=5):
    """Rows (class, ts, end, bars, value) of all classes but gap; rows are (ts, end, o, h, l, c, v)."""
    out, inside, across, volumes, steps = [], [], [], [], []
    for i, (ts, end, o, h, l, c, v) in enumerate(rows):
        for x in (o, h, l, c):
            if not 0 < x < math.inf:
                out.append(('price', ts, end, 1, x))
        if h < l:
            out.append(('ohlc', ts, end, 1, h))
        else:
            out.extend(('ohlc', ts, end, 1, x) for x in (o, c) if not l <= x <= h)
        if v is not None and v < 0:
            out.append(('volume', ts, end, 1, v))
        if v is not None and v > 0:
            volumes.append(math.log(v))
        if i == 0:
            continue
        before = rows[i - 1]
        if ts < before[1]:
            out.append(('overlap', ts, end, 1, ts))
        if before[5] > 0 and c > 0 and c != before[5]:
            day = [datetime.datetime.fromtimestamp(t, ZONE).date() for t in (before[0], ts)]
            pool = inside if not intraday or day[0] == day[1] else across
            pool.append(math.log(c / before[5]))
            steps.append((i, pool, pool[-1]))
    for i, pool, step in steps:
        u = usual(pool)
        if u and abs(step - u[0]) > sigma * u[1]:
            out.append(('jump', rows[i][0], rows[i][1], 1, step))
    u = usual(volumes)
    for row in rows:
        if u and row[6] is not None and row[6] > 0 and math.log(row[6]) > u[0] + volume_sigma * u[1]:
            out.append(('outlier', row[0], row[1], 1, row[6]))
    start = 0
    for i in range(1, len(rows) + 1):
        goes_on = i < len(rows) and rows[i][5] == rows[i - 1][5] and (rows[i][6] == 0 or rows[i][6] == rows[i - 1][6])
        if goes_on:
            continue
        if i - start >= stale:
            out.append(('stale', rows[start][0], rows[i - 1][1], i - start, i - start))
        start = i
    return out


def same(got, want, text):
    got, want = sorted(got), sorted(want)
    if not checks.equal([r[:4] for r in got], [r[:4] for r in want], text):
        return
    for g, w in zip(got, want):
        checks.near(g[4], w[4], 1e-12 * max(1, abs(w[4])), f'{text}: value of {w}')


def problems(db, *args):
    marks = ', '.join('?' * len(args))
    return db.execute(f'SELECT class, ts, "end", bars, value FROM bars_validate({marks}) WHERE class <> \'gap\'', args).fetchall()


def stored(db, asset, step):
    return db.execute('SELECT ts, known_at, open, high, low, close, volume FROM bars(?, ?)', (asset, step)).fetchall()


def random_series(db, rng, asset, step, seconds):
    db.execute("INSERT INTO bars(asset, timestep, ts, open, high, low, close) VALUES (?, ?, 0, 1, 1, 1, 1)", (asset, step))
    db.execute("SELECT bars_asset(?, 'tz', 'America/New_York')", (asset,))
    db.execute("DELETE FROM bars WHERE asset = ? AND timestep = ?", (asset, step))
    series = one(db, 'SELECT s.id FROM barsvt_series s JOIN barsvt_asset a ON a.id = s.asset WHERE a.asset = ? AND s.timestep = ?',
                 asset, step)
    ts, price, volume = 1704205800 - 1704205800 % 86400 + 5 * 3600, 100.0, 1000.0
    known, hold = rng.random() < 0.8, 0
    for _ in range(rng.choice((3, 15, 21, 60, 400))):
        kind, hold = rng.random(), hold - 1
        if kind < 0.03:
            hold = rng.randrange(10)
        if hold <= 0:
            price *= math.exp(rng.gauss(0, 0.001)) * (rng.choice((0.5, 3)) if kind > 0.985 else 1)
            volume = math.exp(rng.gauss(6, 0.5)) * (1e6 if 0.5 < kind < 0.51 else 1)
        o, c = price * math.exp(rng.gauss(0, 0.0002)), price
        h, l = max(o, c) * 1.0001, min(o, c) * 0.9999
        fault = rng.randrange(150)
        if fault == 0: o = h * 1.1
        if fault == 1: c = l * 0.9
        if fault == 2: h, l = l, h
        if fault == 3: l = 0.0
        if fault == 4: o = l = -1.0
        v = None if not known else 0.0 if rng.random() < 0.05 else -5.0 if fault == 5 else volume
        db.execute('INSERT INTO barsvt_hot(series, ts, open, high, low, close, volume) VALUES (?, ?, ?, ?, ?, ?, ?)',
                   (series, ts, o, h, l, c, v))
        ts += rng.choice((1, 1, 1, 1, 1, 2, 40)) * seconds - (seconds // 2 if fault == 6 else 0)


rng = random.Random(4)
seen = set()
for n in range(60):
    db = connect()
    step, seconds = rng.choice((('minute', 60), ('hour', 3600), ('day', 86400)))
    random_series(db, rng, 'A', step, seconds)
    rows = stored(db, 'A', step)
    want = expected(rows, step != 'day')
    same(problems(db, 'A', step), want, f'series {n}')
    seen.update(w[0] for w in want)
    got = problems(db, 'A', step, None, None, '{"sigma": 3, "volume_sigma": 2.5, "stale": 2}')
    same(got, expected(rows, step != 'day', 3, 2.5, 2), f'series {n}, narrower')
    lo, hi = sorted(rng.choice(rows)[0] for _ in range(2))
    same(problems(db, 'A', step, lo, hi), expected([r for r in rows if lo <= r[0] < hi], step != 'day'), f'series {n}, a range')
    db.execute('SELECT bars_clock(?)', (hi,))
    same(problems(db, 'A', step), expected([r for r in rows if r[1] <= hi], step != 'day'), f'series {n}, at a clock')
    db.execute('SELECT bars_clock(NULL)')
    gaps = db.execute('SELECT ts, "end", bars FROM bars_validate(?, ?) WHERE class = \'gap\'', ('A', step)).fetchall()
    checks.equal(gaps, db.execute('SELECT start, "end", missing FROM bars_gap(?, ?) ORDER BY 1', ('A', step)).fetchall(), f'series {n}, gaps')
    ts = [t for t, in db.execute('SELECT ts FROM bars_validate(?, ?)', ('A', step))]
    checks.equal(ts, sorted(ts), f'series {n}, order of time')
checks.equal(seen, set(PLAIN), 'every class was met')

# what the numbers and words are
db = connect()
db.execute("INSERT INTO bars(asset, timestep, ts, open, high, low, close, volume)"
           " SELECT 'A', 'minute', 1704292200 + 60 * value, 10, 11, 9, 10 + value % 2 * 0.1, 100 FROM json_each('[0,1,2,3,4,7]')")
db.execute("UPDATE barsvt_hot SET open = 12, low = 0, checksum = NULL WHERE ts = 1704292260")
checks.equal(db.execute("SELECT class, severity, asset, timestep, value, expected, bound, message FROM bars_validate('A', 'minute')").fetchall(),
             [('price', 'error', 'A', 'minute', 0, None, 0, 'low is zero: 0, not above 0'),
              ('ohlc', 'error', 'A', 'minute', 12, None, 11, 'open lies outside low..high: 12, beyond 11'),
              ('gap', 'info', 'A', 'minute', 2, None, 1, 'bars are missing inside a day: 2')], 'rows of a small series')
checks.equal(db.execute("SELECT class FROM bars_validate('A', 'minute', NULL, NULL, '{\"gap\": 3, \"classes\": [\"gap\", \"price\"]}')").fetchall(),
             [('price',)], 'options gap and classes')
checks.equal(one(db, "SELECT count(*) FROM bars_validate"), 3, 'all series')
checks.error(lambda: db.execute("SELECT * FROM bars_validate('A', 'minute', NULL, NULL, '{\"fail\": [\"ohlc\"]}')").fetchall(),
             ['bars_validate: ohlc: A minute at 2024-01-03 14:31:00: open lies outside low..high: 12, beyond 11'], 'fail')
checks.error(lambda: db.execute("SELECT * FROM bars_validate('A', 'minute', NULL, NULL, '{\"fail\": true}')").fetchall(), ['price: A minute'], 'fail on any')
for options, needles in (('{"sgma": 1}', ["unknown key 'sgma'", "'sigma'"]), ('{"sigma": 0}', ["'sigma'", 'above 0']), ('[1]', ['JSON object']),
                         ('{"stale": 1}', ['at least 2']), ('{"stale": 2.5}', ['whole number']), ('{"gap": 0}', ['at least 1']),
                         ('{"classes": ["gaps"]}', ["did you mean 'gap'"]), ('{"fail": 1}', ['name of a class'])):
    checks.error(lambda: db.execute("SELECT * FROM bars_validate('A', 'minute', NULL, NULL, ?)", (options,)).fetchall(),
                 ['bars_validate', *needles], f'options {options}')
checks.error(lambda: db.execute("SELECT * FROM bars_validate('B', 'minute')").fetchall(), ["bars_validate", "'B'"], 'unknown asset')
checks.error(lambda: db.execute("SELECT * FROM bars_validate('A', 'minute', 'soon')").fetchall(), ['bars_validate: start'], 'start')

# the same series in two databases: main is read, the other is a duplicate
other = connect('other.db')
other.execute("INSERT INTO bars(asset, timestep, ts, open, high, low, close) VALUES ('A', 'minute', 60, 1, 1, 1, 1), ('A', 'minute', 180, 1, 1, 1, 1)")
other.close()
db.execute("ATTACH 'other.db' AS other")
checks.equal(db.execute("SELECT class, severity, ts, \"end\", bars FROM bars_validate('A', 'minute') WHERE class = 'duplicate'").fetchall(),
             [('duplicate', 'warning', 60, 240, 2)], 'duplicate')
db.execute('CREATE VIEW v AS SELECT count(*) AS n FROM bars_validate')
db.execute('PRAGMA trusted_schema = OFF')
checks.ok(one(db, 'SELECT n FROM v') >= 3, 'in a view of an untrusted schema')

lean = os.path.join(SHARED, 'data/real/data/lean/equity/usa')
if os.path.isdir(lean):
    db = connect()
    for asset, path, step in (('SPY', 'daily/spy.zip', 'day'), ('AAPL', 'daily/aapl.zip', 'day'), ('SPY', 'minute/spy/20131007_trade.zip', 'minute'),
                              ('SPY', 'minute/spy/20131008_trade.zip', 'minute'), ('AAPL', 'minute/aapl/20140605_trade.zip', 'minute')):
        db.execute('SELECT bars_import(?, ?, ?)', (f'{lean}/{path}', asset, step))
    for asset, step in (('SPY', 'day'), ('AAPL', 'day'), ('SPY', 'minute'), ('AAPL', 'minute')):
        same(problems(db, asset, step), expected(stored(db, asset, step), step == 'minute'), f'{asset} {step}')
    jumps = [t for t, in db.execute("SELECT date(ts, 'unixepoch') FROM bars_validate('AAPL', 'day') WHERE class = 'jump' AND value < -0.5")]
    # splits, prices being unadjusted: 2:1, 2:1, 7:1, 4:1; and the profit warning of 2000-09-28
    checks.equal(jumps, ['2000-06-21', '2000-09-29', '2005-02-28', '2014-06-09', '2020-08-31'], "Apple's splits")
checks.finish()
