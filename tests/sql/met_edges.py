"""Every metric where little happened: runs without a trade, of one bar, at a price that never moves, with losses
only, ruined; and every aggregate on columns of the same kinds.

Each value must be NULL or finite.  For each run the test says by hand what every metric of ours must be, and
where a library's variant differs: LEAN shows 0 where ours is not defined, quantstats reads periods for trades."""
import math
import os
import re
import sys

sys.path.insert(0, os.path.join(os.environ['ROOT'], 'tests', 'sql'))
from bt_help import Checks, connect, one  # noqa: E402

checks = Checks()
db = connect()
DAYS = [1704067200 + (i + i // 5 * 2) * 86400 for i in range(10)]  # weekdays from Monday 2024-01-01 on

PRICES = {  # open, high, low, close of day i
    'FLAT': lambda i: (100, 100, 100, 100),
    'DOWN': lambda i: (100 - i, 100 - i, 99 - i, 99 - i),
    'UP': lambda i: (100 * 2 ** i, 200 * 2 ** i, 100 * 2 ** i, 200 * 2 ** i),
}
for asset, price in PRICES.items():
    db.executemany('INSERT INTO bars(asset, timestep, ts, open, high, low, close, volume) VALUES (?, ?, ?, ?, ?, ?, ?, 1000000)',
                   [(asset, 'day', t, *price(i)) for i, t in enumerate(DAYS)])
db.execute("INSERT INTO bars(asset, timestep, ts, open, high, low, close) VALUES ('ONE', 'day', ?, 100, 101, 99, 100)", (DAYS[0],))
db.execute('CREATE TABLE day(i INTEGER PRIMARY KEY, ts)')
db.executemany('INSERT INTO day VALUES (?, ?)', enumerate(DAYS))


def run(asset, qty, benchmark):
    """A run whose target after day i is the SQL expression qty."""
    db.execute('DROP VIEW IF EXISTS s')
    db.execute(f"CREATE VIEW s AS SELECT known_at, asset, {qty} AS target_qty FROM bars('{asset}', 'day') JOIN day USING (ts)")
    r = one(db, "SELECT bt_run('s', ?)", f'{{"cash": 1000, "benchmark": "{benchmark}"}}')
    return {(n, v): x for n, v, x in db.execute('SELECT name, variant, value FROM bt_metric WHERE run = ?', (r,))}, r


def check(label, got, ours, others):
    """ours: name -> value of the variant ''; what it lacks must be NULL.  others: (name, variant) -> value."""
    names = {n for n, v in got if v == ''}
    checks.equal(sorted(set(ours) - names), [], f'{label}: metrics that do not exist')
    checks.equal(sorted(k for k in others if k not in got), [], f'{label}: variants that do not exist')
    for (name, variant), value in got.items():
        text = f'{label}: {name} {variant!r}'
        checks.ok(value is None or math.isfinite(value), f'{text} is {value!r}')
        if (name, variant) in others:
            want = others[name, variant]
        elif variant == '' or (name, '') in got and got[name, variant] == got[name, '']:
            want = ours.get(name)
        else:
            continue
        good = value is None if want is None else value is not None and abs(value - want) <= 1e-9 * max(1, abs(want))
        checks.ok(good, f'{text} is {value!r}, not {want!r}')


# ---- ten days without a trade: growth, risk and costs are 0, ratios and trades are not defined

nothing = dict.fromkeys(
    'total_return cagr annual_return geometric_mean mean_return volatility best_period worst_period downside_deviation vwr '
    'max_drawdown drawdowns max_drawdown_length ulcer_index pain_index var_95 var_99 cvar_95 trades commission slippage financing exposure '
    'turnover benchmark_return active_return tracking_error'.split(), 0)
nothing.update(periods=10, periods_per_year=252, autocorr_penalty=1, equity_final=1000, equity_peak=1000)
# What LEAN and quantstats show in place of what is not defined.
in_place = {(n, 'lean'): 0 for n in ('sharpe', 'sortino', 'alpha', 'beta', 'treynor', 'information_ratio')}
in_place.update({('win_rate', 'quantstats'): 0, ('profit_factor', 'quantstats'): 0, ('consecutive_wins', 'quantstats'): 0,
                 ('consecutive_losses', 'quantstats'): 0, ('risk_of_ruin', 'quantstats'): 1, ('exposure', 'quantstats'): 0})
idle, idle_run = run('FLAT', '0.0', 'FLAT')
check('idle', idle, nothing, in_place)

# ---- one day, nothing bought: one return, so no deviation; no time from the first point to the last

one_day = {k: v for k, v in nothing.items()
           if k not in ('volatility', 'vwr', 'ulcer_index', 'benchmark_return', 'active_return', 'tracking_error')}
one_day['periods'] = 1
no_bench = {(n, 'lean'): None for n in ('alpha', 'beta', 'treynor', 'information_ratio')}
got, _ = run('ONE', '0.0', 'ONE')
check('one bar', got, one_day, {**in_place, **no_bench, ('cagr', '365.25'): None, ('cagr', 'backtesting.py'): None,
                                ('cagr', 'lean'): None, ('annual_return', 'backtesting.py'): None,
                                ('max_drawdown_duration', ''): None, ('var_95', 'lean'): 0})

# ---- bought and sold at the same price, no costs: a trade without a result

flat = dict(nothing, trades=1, win_rate=0, expectancy=0, best_trade=0, worst_trade=0, avg_trade=0, mae=0, mfe=0,
            end_trade_drawdown=0, consecutive_wins=0, consecutive_losses=0, risk_of_ruin=1, exposure=0.5,  # the step it is sold in too
            turnover=2 * 500 / 1000 / 10 * 252, max_trade_duration=DAYS[5] - DAYS[1], avg_trade_duration=DAYS[5] - DAYS[1])
got, _ = run('FLAT', 'iif(i < 4, 5.0, 0.0)', 'FLAT')
check('flat', got, flat, {**in_place, ('profit_factor', 'lean'): 0, ('payoff', 'lean'): 0, ('expectancy', 'lean'): -1,
                          ('expectancy', 'percent'): 0, ('exposure', 'backtesting.py'): 0.5, ('turnover', 'lean'): 0.1,
                          ('mae', 'largest'): 0, ('mfe', 'largest'): 0, ('end_trade_drawdown', 'largest'): 0})

# ---- three trades, all lost: bought at 99, 96, 92 and sold at 98, 94, 91, 5 units

losses, losses_run = run('DOWN', 'iif(i IN (0, 3, 4, 7), 5.0, 0.0)', 'FLAT')
pnl = [-5.0, -10.0, -5.0]
x = [-1 / 99, -2 / 96, -1 / 92]
by_hand = {
    'total_return': -0.02, 'equity_final': 980, 'equity_peak': 1000, 'max_drawdown': -0.02, 'avg_drawdown': -0.02,
    'drawdowns': 1, 'max_drawdown_length': 9, 'max_drawdown_duration': DAYS[9] - DAYS[0], 'recovery_factor': -1, 'omega': 0,
    'gain_to_pain': -1, 'trades': 3, 'win_rate': 0, 'profit_factor': 0, 'payoff': None, 'kelly': None, 'expectancy': sum(pnl) / 3,
    'sqn': math.sqrt(3) * (-20 / 3) / math.sqrt(((-5 + 20 / 3) ** 2 * 2 + (-10 + 20 / 3) ** 2) / 2), 'risk_of_ruin': 1,
    'avg_win': None, 'avg_loss': -20 / 3, 'largest_win': None, 'largest_loss': -10, 'consecutive_wins': 0, 'consecutive_losses': 3,
    'best_trade': max(x), 'worst_trade': min(x), 'avg_trade': sum(x) / 3, 'mae': -20 / 3, 'mfe': 0, 'end_trade_drawdown': -20 / 3,
    'edge_ratio': 0, 'best_period': 0, 'beta': None, 'alpha': None, 'correlation': None, 'treynor': None, 'benchmark_return': 0,
    'active_return': -0.02, 'capture': None, 'commission': 0, 'slippage': 0, 'financing': 0, 'max_trade_duration': DAYS[6] - DAYS[4]}
for name, want in by_hand.items():
    value = losses[name, '']
    good = value is None if want is None else value is not None and abs(value - want) <= 1e-9 * max(1, abs(want))
    checks.ok(good, f'losses: {name} is {value!r}, not {want!r}')
check('losses', losses, {n: losses[n, ''] for n, v in losses if v == ''}, {('expectancy', 'tharp'): -1, ('expectancy', 'lean'): -1,
      ('mae', 'largest'): -10, ('profit_factor', 'lean'): 0, ('payoff', 'lean'): 0, ('sqn', 'backtrader'): by_hand['sqn'] * math.sqrt(1.5)})

# ---- short of a price that doubles: 4 units sold at 200; equity 1000, 200, -1400, ...: returns 0, -0.8, -8, no more

ruin, ruin_run = run('UP', '-4.0', 'FLAT')
values = [1000] + [1000 + 4 * 200 - 4 * 200 * 2 ** i for i in range(1, 10)]
curve = [v for (v,) in db.execute('SELECT value FROM bt_equity WHERE run = ? ORDER BY ts', (ruin_run,))]
checks.equal(curve, values, 'ruin: the curve')
by_hand = {
    'total_return': values[-1] / 1000 - 1, 'cagr': None, 'annual_return': None, 'geometric_mean': None, 'mean_return': (0 - 0.8 - 8) / 3,
    'worst_period': -8, 'best_period': 0, 'calmar': None, 'upi': None, 'vwr': None, 'stability': None, 'psr': None, 'omega': 0,
    'periods': 10, 'max_drawdown': values[-1] / 1000 - 1, 'drawdowns': 1, 'turnover': None, 'trades': 0, 'win_rate': None,
    'sqn': None, 'equity_peak': 1000, 'active_return': 1 * 0.2 * -7 - 1, 'recovery_factor': -1}
for name, want in by_hand.items():
    value = ruin[name, '']
    good = value is None if want is None else value is not None and abs(value - want) <= 1e-9 * max(1, abs(want))
    checks.ok(good, f'ruin: {name} is {value!r}, not {want!r}')
check('ruin', ruin, {n: ruin[n, ''] for n, v in ruin if v == ''},
      {('trades', 'all'): 1, ('annual_return', 'backtesting.py'): 0, ('cagr', '365.25'): None, ('cagr', 'lean'): None})

# ---- views of returns and drawdowns of the same runs

for r in (idle_run, losses_run, ruin_run):
    deepest = one(db, 'SELECT min(depth) FROM bt_drawdown WHERE run = ?', r)
    metric = one(db, "SELECT value FROM bt_metric WHERE run = ? AND name = 'max_drawdown' AND variant = ''", r)
    checks.equal(deepest or 0, metric, f'run {r}: bt_drawdown')
daily = [v for (v,) in db.execute('SELECT ret FROM bt_return_daily WHERE run = ? ORDER BY day', (ruin_run,))]
checks.equal([None if v is None else round(v, 9) for v in daily], [0, -0.8, -8] + [None] * 7, 'ruin: bt_return_daily')
checks.near(one(db, 'SELECT ret FROM bt_return_monthly WHERE run = ?', losses_run), -0.02, 1e-12, 'bt_return_monthly')
checks.equal(db.execute('SELECT year, round(ret, 9) FROM bt_return_yearly WHERE run = ?', (losses_run,)).fetchall(), [('2024', -0.02)],
             'bt_return_yearly')
checks.near(one(db, 'SELECT m_sharpe(ret, 252) FROM (SELECT * FROM bt_return_daily WHERE run = ? ORDER BY day)', losses_run),
            losses['sharpe', ''], 1e-9, 'm_sharpe of bt_return_daily')

# ---- every aggregate on columns of the same kinds

COLUMNS = {'one': [0.01], 'one zero': [0.0], 'one lost': [-1.0], 'below': [-1.5], 'two': [0.01, 0.01], 'zeros': [0.0] * 5, 'gone': [0.1, -1.0, 0.2],
           'under': [0.1, -2.0, 0.5, 0.5], 'huge': [1e200, -1e200, 1e200, 1e200], 'tiny': [1e-300, -1e-300, 0.0, 2e-300], 'up': [0.01, 0.02, 0.03, 0.04],
           'down': [-0.01, -0.02, -0.03, -0.04]}
VALUES = {'periods': '252', 'risk_free': '0.02', 'cutoff': '0.05', 'quantile': '0.5', 'target_sharpe': '0', 'trials': '1', 'trial_sd': '0',
          'capital': '1000'}
calls = set()
for function, variant in db.execute('SELECT DISTINCT function, variant FROM bars_metric WHERE function IS NOT NULL'):
    for name, inside in re.findall(r'(m_\w+)\(([^)]*)\)', function):
        words = re.findall(r'\w+', inside)[:-1]
        args = [VALUES.get(w, 'y' if w in ('bench', 'mae') else 'x') for w in words]
        calls.add(f"{name}({', '.join(args)}, '{variant}')")
db.execute('CREATE TABLE t(i INTEGER PRIMARY KEY, x REAL, y REAL)')
for label, xs in COLUMNS.items():
    for bench in (xs, [0.0] * len(xs), [0.01 * (i + 1) for i in range(len(xs))]):
        db.execute('DELETE FROM t')
        db.executemany('INSERT INTO t VALUES (?, ?, ?)', [(i, x, y) for i, (x, y) in enumerate(zip(xs, bench))])
        for call in sorted(calls):
            v = one(db, f'SELECT {call} FROM (SELECT * FROM t ORDER BY i)')
            checks.ok(v is None or math.isfinite(v), f'{label}: {call} is {v!r}')
checks.finish()
