"""A run's metrics against a benchmark, and every metric of a run against its aggregate.

The benchmark's closes are read at the curve's points under the clock rule: the last close whose bar had
ended.  The prices expected here are found by hand from the rows, with gaps, a benchmark that
begins late, other lengths of bars.  Then each row of bt_metric that bars_metric gives an aggregate for must
be that aggregate of the run's own columns."""
import math
import os
import random
import re
import sys

sys.path.insert(0, os.path.join(os.environ['ROOT'], 'tests', 'sql'))
from bt_help import Checks, connect, one  # noqa: E402

DAY = 86400
checks = Checks()
db = connect()
rng = random.Random(11)
T0 = 1704067200  # Monday 2024-01-01


def bars(asset, step, rows):
    db.executemany("INSERT INTO bars(asset, timestep, ts, open, high, low, close, volume) VALUES (?, ?, ?, ?, ?, ?, ?, 1000)",
                   [(asset, step, t, o, max(o, c), min(o, c), c) for t, o, c in rows])


def walk(n, seed, skip=0.0, step=DAY, start=T0):
    r = random.Random(seed)
    price, out = 100.0, []
    for i in range(n):
        was, price = price, price * (1 + r.gauss(0.0005, 0.015))
        t = start + i * step
        if step >= DAY and (t // DAY + 3) % 7 >= 5:
            continue
        if r.random() >= skip:
            out.append((t, round(was, 4), round(price, 4)))
    return out


A = walk(400, 1)
BENCH = {
    'B': ('day', walk(400, 2)),
    'GAPS': ('day', walk(400, 3, skip=0.3)),
    'LATE': ('day', walk(300, 4, start=T0 + 100 * DAY)),
    'HOURS': ('hour', walk(400 * 24, 5, step=3600, start=T0 - 5 * DAY)),
    'WEEKS': ('week', walk(80, 6, step=7 * DAY, start=T0 - 70 * DAY)),
}
bars('A', 'day', A)
for name, (step, rows) in BENCH.items():
    bars(name, step, rows)
LENGTH = {'hour': 3600, 'day': DAY, 'week': 7 * DAY}

db.execute("""CREATE VIEW swing AS SELECT known_at, asset,
  CASE WHEN sma(bars, 3) > sma(bars, 10) THEN 0.9 WHEN sma(bars, 3) < sma(bars, 10) THEN -0.4 END AS target_weight
  FROM bars('A', 'day')""")


def run(config):
    return one(db, "SELECT bt_run('swing', json(?))", config)


def known(name, t):
    """The last close known at t, from the rows."""
    if name == 'A':
        step, rows = 'day', A
    else:
        step, rows = BENCH[name]
    closes = [c for ts, _, c in rows if ts + LENGTH[step] <= t]
    return closes[-1] if closes else None


def metric(r, name, variant=''):
    return one(db, 'SELECT value FROM bt_metric WHERE run = ? AND name = ? AND variant = ?', r, name, variant)


def load(r, bench):
    """The run's columns: e(i, ts, v, b) with V_0 as row 0, t(i, ret, bench), p(pnl, ret, mfe, mae)."""
    curve = db.execute('SELECT ts, value FROM bt_equity WHERE run = ? ORDER BY ts', (r,)).fetchall()
    cash = one(db, 'SELECT cash FROM bt_run WHERE id = ?', r)
    points = [(A[0][0], cash)] + curve
    db.executescript('DROP TABLE IF EXISTS e; CREATE TEMP TABLE e(i INTEGER PRIMARY KEY, ts, v, b, ret, bench)')
    last = None
    for i, (t, v) in enumerate(points):
        b = known(bench, t) if bench else None
        ret = None if last is None or last[0] <= 0 else v / last[0] - 1
        br = b / last[1] - 1 if last and b and last[1] else None
        db.execute('INSERT INTO e VALUES (?, ?, ?, ?, ?, ?)', (i, t, v, b, ret, br))
        last = (v, b)
    db.executescript(f"""DROP TABLE IF EXISTS p; CREATE TEMP TABLE p AS SELECT id, pnl, ret,
      mfe / abs(qty * entry_price) AS mfe, mae / abs(qty * entry_price) AS mae
      FROM bt_lot WHERE run = {r} AND NOT open ORDER BY id""")


# Rows whose parameters are not the function's defaults.
TAIL = {'var_99': '0.01'}
ON_RETURNS = ('quantstats',)  # rows of pnl functions that a run computes from its periods


def check_aggregates(r, bench, risk_free):
    load(r, bench)
    n = 0
    rows = db.execute('SELECT name, variant, function FROM bars_metric WHERE function IS NOT NULL AND run').fetchall()
    per_year = metric(r, 'periods_per_year')
    cash = one(db, 'SELECT cash FROM bt_run WHERE id = ?', r)
    for name, variant, function in rows:
        call = re.match(r'(m_\w+)\(([^)]*)\)', function)
        words = re.findall(r'\w+', call[2])[:-1]
        first = 1 if variant == 'backtesting.py' else 0
        source = f'(SELECT * FROM e WHERE i >= {first} ORDER BY i)'
        args = []
        for w in words:
            if w == 'ret' and variant == 'backtesting.py':
                w = f'CASE WHEN i > 1 THEN ret END'
            elif w == 'pnl' and variant in ON_RETURNS:
                w = 'ret'
            elif w == 'pnl':
                source = '(SELECT * FROM p ORDER BY id)'
                w = 'ret' if (name, variant) in (('profit_factor', 'backtesting.py'), ('expectancy', 'backtesting.py'),
                                                 ('expectancy', 'percent')) else 'pnl'
            elif w == 'mfe':
                source = '(SELECT * FROM p ORDER BY id)'
            args.append({'equity': 'v', 'periods': repr(per_year), 'risk_free': repr(risk_free), 'capital': repr(cash),
                         'cutoff': TAIL.get(name, '0.05'), 'quantile': '0.99' if 'win' in name else '0.01',
                         'target_sharpe': 'NULL'}.get(w, w))
        sql = f"SELECT {call[1]}({', '.join(args)}, '{variant}') FROM {source}"
        got, want = metric(r, name, variant), one(db, sql)
        if want is None:
            checks.ok(got is None, f'run {r}: {name} {variant!r} is {got!r}, its aggregate NULL')
        else:
            checks.near(got, want, 1e-9 * max(1, abs(want)), f'run {r}: {name} {variant!r}')
        n += 1
    checks.ok(n > 180, f'{n} metrics with an aggregate')


none = run('{"cash": 50000}')
compared = ('alpha', 'beta', 'correlation', 'r_squared', 'tracking_error', 'information_ratio', 'treynor', 'capture',
            'capture_up', 'capture_down', 'capture_ratio', 'beta_fragility', 'benchmark_return', 'active_return')
checks.equal(one(db, f"SELECT count(DISTINCT name) FROM bt_metric WHERE run = ? AND name IN {compared}", none), 14, 'they are there')
checks.equal(one(db, f"SELECT count(*) FROM bt_metric WHERE run = ? AND value IS NOT NULL AND name IN {compared}", none),
             0, 'no benchmark: NULL')
check_aggregates(none, None, 0)
for bench in ('B', 'GAPS', 'LATE', 'HOURS', 'WEEKS', 'A'):
    r = run('{"cash": 50000, "risk_free": 0.02, "benchmark": "%s"}' % bench)
    check_aggregates(r, bench, 0.02)
    checks.ok(metric(r, 'beta') is not None, f'{bench}: a beta')
    checks.equal(db.execute("SELECT name, variant, value FROM bt_metric WHERE run = ? AND name IN ('sqn', 'cagr', 'trades')", (none,)).fetchall(),
                 db.execute("SELECT name, variant, value FROM bt_metric WHERE run = ? AND name IN ('sqn', 'cagr', 'trades')", (r,)).fetchall(),
                 f'{bench}: what needs no benchmark')

# Against itself: holding the benchmark from the start on.
db.execute("CREATE VIEW hold AS SELECT known_at, asset, 1.0 AS target_weight FROM bars('B', 'day') LIMIT 1")
r = one(db, """SELECT bt_run('hold', '{"cash": 1000000, "benchmark": "B", "benchmark_timestep": "1d"}')""")
checks.near(metric(r, 'beta', 'backtesting.py'), 1, 0.02, 'holding the benchmark: beta')
checks.ok(metric(r, 'correlation') > 0.99, 'holding the benchmark: correlation')
first, last = [c for _, _, c in BENCH['B'][1]][0], [c for _, _, c in BENCH['B'][1]][-1]
checks.near(metric(r, 'benchmark_return', 'backtesting.py'), last / first - 1, 1e-12, 'buy and hold')

# A curve of hours: the figures see its days, each with the benchmark known at its last point.
db.execute("""CREATE VIEW hourly AS SELECT known_at, asset,
  CASE WHEN close > sma(bars, 30) THEN 0.8 ELSE -0.3 END AS target_weight FROM bars('HOURS', 'hour')""")
for bench in ('B', 'HOURS', 'LATE'):
    r = one(db, "SELECT bt_run('hourly', json(?))", '{"cash": 70000, "benchmark": "%s"}' % bench)
    days = db.execute('SELECT ts, ret FROM bt_return_daily WHERE run = ? ORDER BY day', (r,)).fetchall()
    before, pairs = known(bench, BENCH['HOURS'][1][0][0]), []
    for t, ret in days:
        b = known(bench, t)
        pairs.append((ret, b / before - 1 if b and before else None))
        before = b
    checks.ok(len(days) > 390, f'hours: {len(days)} days')
    db.executescript('DROP TABLE IF EXISTS h; CREATE TEMP TABLE h(i INTEGER PRIMARY KEY, ret, bench)')
    db.executemany('INSERT INTO h(ret, bench) VALUES (?, ?)', pairs)
    for name, sql in (('beta', 'm_beta(ret, bench)'), ('alpha', 'm_alpha(ret, bench, 365)'), ('tracking_error', 'm_tracking_error(ret, bench, 365)'),
                      ('benchmark_return', 'm_total_return(bench)'), ('capture_up', 'm_capture_up(ret, bench, 365)'), ('sharpe', 'm_sharpe(ret, 365)')):
        checks.near(metric(r, name), one(db, f'SELECT {sql} FROM h'), 1e-9, f'hours against {bench}: {name}')

# The clock limits the benchmark as it limits the run.
db.execute('SELECT bars_clock(?)', (T0 + 200 * DAY,))
r = run('{"cash": 50000, "benchmark": "B"}')
db.execute('SELECT bars_clock(NULL)')
s = run('{"cash": 50000, "benchmark": "B", "end": %d}' % (T0 + 200 * DAY))
checks.equal(db.execute('SELECT name, variant, value FROM bt_metric WHERE run = ?', (r,)).fetchall(),
             db.execute('SELECT name, variant, value FROM bt_metric WHERE run = ?', (s,)).fetchall(), 'clock and end')
db.execute("DELETE FROM bars WHERE asset = 'B' AND timestep = 'day' AND ts >= ?", (T0 + 200 * DAY,))
checks.equal(db.execute('SELECT name, variant, value FROM bt_metric WHERE run = ?', (s,)).fetchall(),
             (lambda q: db.execute('SELECT name, variant, value FROM bt_metric WHERE run = ?', (q,)).fetchall())(
                 run('{"cash": 50000, "benchmark": "B", "end": %d}' % (T0 + 200 * DAY))), 'what comes later does not matter')

for config, needles in (
        ('{"benchmark": "NONE"}', ['config: benchmark', "'NONE'"]),
        ('{"benchmark": "B", "benchmark_timestep": "minute"}', ['config: benchmark', 'minute']),
        ('{"benchmark": "B", "benchmark_timestep": "1M"}', ['config']),
        ('{"benchmark_timestep": "day"}', ['benchmark_timestep without benchmark']),
        ('{"benchmark": 5}', ["'benchmark' must be a text"]),
        ('{"benchmark": ""}', ["'benchmark'"]),
        ('{"benchmrak": "B"}', ["unknown key 'benchmrak'", "'benchmark'"])):
    checks.error(lambda c=config: run(c), needles, config)
checks.ok(math.isfinite(metric(none, 'sharpe')), 'the first run is still there')
checks.finish()
