"""The aggregates m_* against the plain Python formulas of the shared reference, on random series.

Series with NULLs (left out on both sides), few rows, constants, zeros; a figure that the reference does
not define (None, or a division by zero) is NULL."""
# requires: shared
import math
import os
import random
import sys

sys.path.insert(0, os.path.join(os.environ['ROOT'], 'tests', 'sql'))
from bt_help import Checks, connect, SHARED  # noqa: E402

sys.path.insert(0, os.path.join(SHARED, 'reference'))
import ref_metrics as ref  # noqa: E402

checks = Checks()
db = connect()
rng = random.Random(7)

RF, P = 0.03, 252
rf = (1 + RF) ** (1 / P) - 1

# SQL over t(i, x, y) -> the reference of the lists x and y.
RETURNS = {
    'm_total_return(x)': lambda r, b: ref.total_return(r),
    'm_cagr(x, 252)': lambda r, b: ref.cagr(r, P),
    'm_annual_return(x, 12)': lambda r, b: ref.cagr(r, 12),
    "m_annual_return(x, 252, 'backtesting.py')": lambda r, b: (1 + ref.gmean(r)) ** P - 1,
    "m_geometric_mean(x, 'backtesting.py')": lambda r, b: ref.gmean(r),
    'm_volatility(x, 252)': lambda r, b: ref.ann_vol(r, P),
    "m_volatility(x, 252, 'backtesting.py')": lambda r, b: ref.ann_vol_compound(r, P),
    'm_sharpe(x, 252, 0.03)': lambda r, b: ref.sharpe(r, rf, P),
    'm_sharpe(x, 252)': lambda r, b: ref.sharpe(r, 0, P),
    "m_sharpe(x, 252, 0.03, 'backtesting.py')": lambda r, b: ref.sharpe_geometric(r, RF, P),
    "m_sharpe(x, 252, 0.03, 'lean')": lambda r, b: ref.sharpe_lean(r, RF, P),
    'm_downside_deviation(x, 252, 0.03)': lambda r, b: ref.downside_dev(r, rf, P),
    'm_sortino(x, 252, 0.03)': lambda r, b: ref.sortino(r, rf, P),
    "m_sortino(x, 252, 0.03, 'lean')": lambda r, b: ref.sortino_lean(r, RF, P),
    'm_max_drawdown_r(x)': lambda r, b: ref.max_drawdown(r),
    'm_drawdowns_r(x)': lambda r, b: len(ref.drawdown_episodes(ref.equity(r))),
    'm_avg_drawdown_r(x)': lambda r, b: ref.mean([e[3] for e in ref.drawdown_episodes(ref.equity(r))]),
    'm_max_drawdown_length_r(x)': lambda r, b: max(
        ((len(r) if e[2] is None else e[2]) - e[0] for e in ref.drawdown_episodes(ref.equity(r))), default=0),
    'm_calmar(x, 252)': lambda r, b: ref.calmar(r, P),
    'm_omega(x, 252)': lambda r, b: ref.omega(r),
    'm_omega(x, 252, 0.03)': lambda r, b: ref.omega(r, rf),
    'm_ulcer_index_r(x)': lambda r, b: ref.ulcer(r),
    'm_var(x)': lambda r, b: ref.var_hist(r),
    'm_var(x, 0.2)': lambda r, b: ref.var_hist(r, 0.2),
    "m_var(x, 0.05, 'quantstats')": lambda r, b: ref.var_normal(r),
    'm_cvar(x, 0.1)': lambda r, b: ref.cvar_hist(r, 0.1),
    'm_skew(x)': lambda r, b: ref.skew(r),
    "m_skew(x, 'ffn')": lambda r, b: ref.skew(r, True),
    'm_kurtosis(x)': lambda r, b: ref.kurtosis(r),
    "m_kurtosis(x, 'quantstats')": lambda r, b: ref.kurtosis(r, True),
    'm_beta(x, y)': lambda r, b: ref.beta(r, b),
    'm_alpha(x, y, 252, 0.03)': lambda r, b: ref.alpha(r, b, rf, P),
    'm_tracking_error(x, y, 252)': lambda r, b: ref.tracking_error(r, b, P),
    'm_information_ratio(x, y, 252)': lambda r, b: ref.information_ratio(r, b, P),
    'm_stability(x)': lambda r, b: ref.stability(r),
    'm_tail_ratio(x)': lambda r, b: ref.tail_ratio(r),
    'm_psr(x, 252)': lambda r, b: ref.psr(r),
    'm_psr(x, 252, 1)': lambda r, b: ref.psr(r, 1 / math.sqrt(P)),
    'm_deflated_sharpe(x, 5, 0.05)': lambda r, b: ref.psr(r, ref.expected_max_sharpe(5, 0.05)),
    'm_win_rate(x)': lambda r, b: ref.win_rate(r),
    'm_profit_factor(x)': lambda r, b: ref.profit_factor(r),
    'm_payoff(x)': lambda r, b: ref.payoff(r),
    'm_expectancy(x)': lambda r, b: ref.expectancy(r),
    'm_sqn(x)': lambda r, b: ref.sqn(r),
    "m_sqn(x, 'backtrader')": lambda r, b: ref.sqn(r, 0),
    'm_kelly(x)': lambda r, b: ref.kelly(r),
    'm_max_drawdown(v)': lambda r, b: min(ref.drawdowns(ref.equity(r, 100))),
}


def expected(fn, r, b):
    try:
        v = fn(r, b)
    except (ZeroDivisionError, ValueError, IndexError, TypeError, OverflowError):
        return None
    return v if v is None or (not isinstance(v, complex) and math.isfinite(v)) else None


# Where the reference has rounding for risk (a deviation of 1e-18) or LEAN shows 0.
def degenerate(r):
    return len(r) < 2 or max(r) - min(r) < 1e-12


def check(label, xs, ys):
    values, v = [], 100.0
    for x in xs:
        v *= 1 if x is None else 1 + x
        values.append(v)
    db.execute('DELETE FROM t')
    db.execute('INSERT INTO t VALUES (-1, NULL, NULL, 100)')
    db.executemany('INSERT INTO t VALUES (?, ?, ?, ?)', zip(range(len(xs)), xs, ys, values))
    for sql, fn in RETURNS.items():
        pairs = ', y' in sql
        both = [(x, y) for x, y in zip(xs, ys) if x is not None and (y is not None or not pairs)]
        r, b = [x for x, _ in both], [y for _, y in both]
        got = db.execute(f'SELECT {sql} FROM (SELECT * FROM t ORDER BY i)').fetchone()[0]
        if degenerate(r) and sql != 'm_total_return(x)':
            continue
        want = expected(fn, r, b)
        if want is None:
            checks.ok(got is None or "'lean'" in sql, f'{label} {sql}: got {got!r}, the reference has none')
        else:
            checks.near(got, want, 1e-9 * max(1, abs(want)), f'{label} {sql}')


db.execute('CREATE TABLE t(i INTEGER PRIMARY KEY, x, y, v)')
for n in (2, 3, 4, 5, 20, 250, 750):
    for null in (0, 0.2):
        def draw(mean, sd, k=n, hole=null):
            return [None if rng.random() < hole else rng.gauss(mean, sd) for _ in range(k)]
        check(f'{n} rows, {null} NULL', draw(0.001, 0.02), draw(0.0005, 0.015))
check('all gains', [abs(rng.gauss(0, 0.01)) + 1e-4 for _ in range(50)], [0.001 * i for i in range(50)])
check('all losses', [-abs(rng.gauss(0, 0.01)) - 1e-4 for _ in range(50)], [0.001 * i for i in range(50)])
check('zeros among them', [rng.choice((0.0, 0.01, -0.01, -0.02)) for _ in range(80)], [rng.gauss(0, 0.01) for _ in range(80)])

# A constant has no risk, and no figure over risk.
db.execute('DELETE FROM t')
db.executemany('INSERT INTO t VALUES (?, ?, ?, ?)', [(i, 0.01, 0.01, 100 * 1.01 ** i) for i in range(30)])
one = db.execute('SELECT m_volatility(x, 252), m_sharpe(x, 252), m_skew(x), m_kurtosis(x), m_sqn(x), m_psr(x, 252), '
                 'm_beta(x, y), m_correlation(x, y), m_information_ratio(x, y, 252), m_sortino(x, 252), m_calmar(x, 252) '
                 'FROM t').fetchone()
checks.equal(one, (0.0,) + (None,) * 10, 'a constant')
checks.equal(db.execute("SELECT m_sharpe(x, 252, 'lean'), m_sortino(x, 252, 'lean'), m_beta(x, y, 'lean') FROM t").fetchone(),
             (0.0, 0.0, 0.0), 'a constant in LEAN')
checks.finish()
