"""The aggregates m_* against recorded results of other libraries.

  empyrical      all 98 recorded test triples (function, input, expected), to the decimals each states
  real series    what empyrical, quantstats and ffn print for price series and equity curves, 1e-9
  backtrader     SQN, SharpeRatio, VWR, Returns and DrawDown of its recorded runs, 1e-9

A NaN among empyrical's returns is a NULL here.  Where empyrical compounds it takes it for 0
(cum_returns, cagr, drawdowns), so those calls say coalesce(ret, 0).  What is NaN or inf there is NULL.
"""
# requires: shared
import csv
import glob
import gzip
import json
import math
import os
import sys

sys.path.insert(0, os.path.join(os.environ['ROOT'], 'tests', 'sql'))
from bt_help import Checks, connect, SHARED  # noqa: E402

PERIODS = {'daily': 252, 'weekly': 52, 'monthly': 12, 'yearly': 1}
REAL = os.path.join(SHARED, 'data', 'real')

# empyrical function -> SQL over t(i, ret, bench); {p} periods, {rf} annual rate, {cut} cutoff.
EMPYRICAL = {
    'annual_return': "m_annual_return(coalesce(ret, 0), {p}, 'empyrical')",
    'cagr': "m_cagr(coalesce(ret, 0), {p}, 'empyrical')",
    'annual_volatility': "m_volatility(ret, {p}, 'empyrical')",
    'calmar_ratio': "m_calmar(coalesce(ret, 0), {p}, 'empyrical')",
    'cum_returns_final': "m_total_return(coalesce(ret, 0), 'empyrical')",
    'max_drawdown': "m_max_drawdown_r(coalesce(ret, 0), 'empyrical')",
    'downside_risk': "m_downside_deviation(ret, {p}, {rf}, 'empyrical')",
    'omega_ratio': "m_omega(ret, {p}, {rf}, 'empyrical')",
    'sharpe_ratio': "m_sharpe(ret, {p}, {rf}, 'empyrical')",
    'sortino_ratio': "m_sortino(ret, {p}, {rf}, 'empyrical')",
    'stability_of_timeseries': "m_stability(ret, 'empyrical')",
    'tail_ratio': "m_tail_ratio(ret, 0.05, 'empyrical')",
    'value_at_risk': "m_var(ret, {cut}, 252, 'empyrical')",
    'conditional_value_at_risk': "m_cvar(ret, {cut}, 'empyrical')",
    'alpha': "m_alpha(ret, bench, {p}, {rf}, 'empyrical')",
    'beta': "m_beta(ret, bench, 'empyrical')",
    'excess_sharpe': "m_information_ratio(ret, bench, {p}, 'empyrical')",
    'beta_fragility_heuristic': "m_beta_fragility(ret, bench, 'empyrical')",
    'capture': "m_capture(coalesce(ret, 0), coalesce(bench, 0), {p}, 'empyrical')",
    'up_capture': "m_capture_up(coalesce(ret, 0), bench, {p}, 'empyrical')",
    'down_capture': "m_capture_down(coalesce(ret, 0), bench, {p}, 'empyrical')",
    'up_down_capture': "m_capture_ratio(coalesce(ret, 0), bench, {p}, 'empyrical')",
    'roll_max_drawdown': "m_max_drawdown_r(coalesce(ret, 0), 'empyrical')",
    'roll_sharpe_ratio': "m_sharpe(ret, {p}, {rf}, 'empyrical')",
    'roll_up_capture': "m_capture_up(coalesce(ret, 0), bench, {p}, 'empyrical')",
    'roll_down_capture': "m_capture_down(coalesce(ret, 0), bench, {p}, 'empyrical')",
    'roll_up_down_capture': "m_capture_ratio(coalesce(ret, 0), bench, {p}, 'empyrical')",
}

# quantstats / ffn / empyrical figure of a real series -> SQL over t(i, ret, bench, value).
QUANTSTATS = {
    'comp': "m_total_return(ret, 'quantstats')", 'expected_return': "m_geometric_mean(ret, 'quantstats')",
    'volatility': "m_volatility(ret, 252, 'quantstats')", 'sharpe': "m_sharpe(ret, 252, 'quantstats')",
    'smart_sharpe': "m_sharpe(ret, 252, 'smart')", 'sortino': "m_sortino(ret, 252, 'quantstats')",
    'smart_sortino': "m_sortino(ret, 252, 'smart')", 'adjusted_sortino': "m_sortino(ret, 252, 'adjusted')",
    'probabilistic_sharpe_ratio': "m_psr(ret, 252, 'quantstats')", 'omega': "m_omega(ret, 252, 'quantstats')",
    'gain_to_pain_ratio': "m_gain_to_pain(ret, 'quantstats')", 'cagr': "m_cagr(ret, 252, 'quantstats')",
    'rar': "m_rar(ret, 252)", 'skew': "m_skew(ret, 'quantstats')", 'kurtosis': "m_kurtosis(ret, 'quantstats')",
    'calmar': "m_calmar(ret, 252, 'quantstats')", 'ulcer_index': "m_ulcer_index_r(ret, 'quantstats')",
    'ulcer_performance_index': "m_upi(ret, 252, 0, 'quantstats')", 'serenity_index': "m_serenity(ret)",
    'risk_of_ruin': "m_risk_of_ruin(ret, 'quantstats')",
    'value_at_risk': "m_var(ret, 0.05, 252, 'quantstats')", 'var': "m_var(ret, 'quantstats')",
    'cvar': "m_cvar(ret, 0.05, 'quantstats')", 'conditional_value_at_risk': "m_cvar(ret, 'quantstats')",
    'expected_shortfall': "m_cvar(ret, 'quantstats')", 'tail_ratio': "m_tail_ratio(ret, 'quantstats')",
    'payoff_ratio': "m_payoff(ret, 'quantstats')", 'win_loss_ratio': "m_payoff(ret, 'quantstats')",
    'profit_ratio': "m_profit_ratio(ret)", 'profit_factor': "m_profit_factor(ret, 'quantstats')",
    'cpc_index': "m_cpc_index(ret)", 'common_sense_ratio': "m_common_sense_ratio(ret)",
    'outlier_win_ratio': "m_outlier_win_ratio(ret)", 'outlier_loss_ratio': "m_outlier_loss_ratio(ret)",
    'recovery_factor': "m_recovery_factor(ret, 'quantstats')",
    'risk_return_ratio': "m_sharpe(ret, 252, 'period')", 'max_drawdown': "m_max_drawdown_r(ret, 'quantstats')",
    'kelly_criterion': "m_kelly(ret, 'quantstats')", 'avg_return': "m_avg_return(ret)",
    'avg_win': "m_avg_win(ret, 'quantstats')", 'avg_loss': "m_avg_loss(ret, 'quantstats')",
    'win_rate': "m_win_rate(ret, 'quantstats')", 'best': 'max(ret)', 'worst': 'min(ret)',
    'exposure': "m_exposure(ret, 'quantstats')", 'consecutive_wins': "m_consecutive_wins(ret, 'quantstats')",
    'consecutive_losses': "m_consecutive_losses(ret, 'quantstats')",
    'information_ratio': "m_information_ratio(ret, bench, 252, 'quantstats')",
    'treynor_ratio': "m_treynor(ret, bench, 252, 0, 'quantstats')", 'r_squared': "m_r_squared(ret, bench, 'quantstats')",
    'greeks.alpha': "m_alpha(ret, bench, 252, 0, 'quantstats')", 'greeks.beta': "m_beta(ret, bench, 'quantstats')",
}
FFN = {
    'total_return': "m_total_return(ret, 'ffn')", 'max_drawdown': "m_max_drawdown(value, 'ffn')",
    'avg_drawdown': "m_avg_drawdown(value, 'ffn')", 'daily_sharpe': "m_sharpe(ret, 252, 'ffn')",
    'daily_sortino': "m_sortino(ret, 252, 'ffn')", 'daily_mean': "m_annual_return(ret, 252, 'ffn')",
    'daily_vol': "m_volatility(ret, 252, 'ffn')", 'daily_skew': "m_skew(ret, 'ffn')",
    'daily_kurt': "m_kurtosis(ret, 'ffn')", 'best_day': 'max(ret)', 'worst_day': 'min(ret)',
}
# ffn's monthly and yearly figures are the same functions over the months' and years' returns.
FFN_RESAMPLED = {'sharpe': "m_sharpe(ret, {p}, 'ffn')", 'sortino': "m_sortino(ret, {p}, 'ffn')",
                 'mean': "m_annual_return(ret, {p}, 'ffn')", 'vol': "m_volatility(ret, {p}, 'ffn')",
                 'skew': "m_skew(ret, 'ffn')", 'kurt': "m_kurtosis(ret, 'ffn')"}
# Dates, lookbacks from the last day, and ratios over the calendar, which a column of returns has not.
FFN_LEFT = {'start', 'end', 'rf', 'cagr', 'calmar', 'mtd', 'three_month', 'six_month', 'ytd', 'one_year',
            'three_year', 'five_year', 'ten_year', 'incep', 'avg_drawdown_days', 'avg_up_month', 'avg_down_month',
            'win_year_perc', 'twelve_month_win_perc', 'best_month', 'worst_month', 'best_year', 'worst_year'}

checks = Checks()
db = connect()
db.execute('CREATE TABLE t(i INTEGER PRIMARY KEY, ret, bench, value)')


def rows(path):
    with (gzip.open if path.endswith('.gz') else open)(path, 'rt', newline='') as f:
        return list(csv.DictReader(f))


def fill(ret, bench=None, value=None):
    n = max(len(ret), len(bench or ()), len(value or ()))
    pad = lambda x: list(x or ()) + [None] * (n - len(x or ()))  # noqa: E731
    db.execute('DELETE FROM t')
    db.executemany('INSERT INTO t VALUES (?, ?, ?, ?)', zip(range(n), pad(ret), pad(bench), pad(value)))


def ask(sql):
    return db.execute(f'SELECT {sql} FROM (SELECT * FROM t ORDER BY i)').fetchone()[0]


def number(x):
    x = math.nan if x is None else float(x)
    return x if math.isfinite(x) else math.nan


def compare(got, want, rel, absolute, text):
    want = number(want)
    if math.isnan(want):
        return checks.ok(got is None, f'{text}: got {got!r}, not NULL')
    return checks.ok(got is not None and abs(got - want) <= max(rel * abs(want), absolute),
                     f'{text}: got {got!r}, not {want!r}')


# ---- empyrical's own tests

def series(x):
    """{time: value} of a recorded input; a list has its positions for times."""
    if isinstance(x, dict):
        values = x['values'] if 'values' in x else next(iter(x['columns'].values()))  # a frame of one column
        return dict(zip(x.get('index', range(len(values))), values))
    return dict(enumerate(x))


def constant(x):
    if isinstance(x, dict):
        values = set(x['values'])
        return values.pop() if len(values) == 1 else None
    return x


def load_empyrical(test):
    """Fill t; the annual rate that the call's per-period rates are, and its periods."""
    inp, fn = test['inputs'], test['function']
    per_year = PERIODS[inp.get('period', 'daily')]
    ret = series(inp.get('returns', inp.get('arr', [])))
    factor = inp.get('factor_returns')
    bench = series(factor) if isinstance(factor, (dict, list)) else {k: factor for k in ret}
    rf = 0.0
    shift = None
    for key in ('risk_free', 'required_return'):
        value = inp.get(key, 0.0)
        if isinstance(value, dict) and constant(value) is None:
            shift = series(value)
            continue
        value = constant(value)
        rf = max(rf, value if fn == 'omega_ratio' and key == 'required_return' else (1 + value) ** per_year - 1)
    if shift:  # a rate per period: the excess return is the input, the rate 0
        ret = {k: None if v is None else v - shift[k] for k, v in ret.items()}
    times = sorted(set(ret) | set(bench))
    if 'capture' in fn or fn == 'capture':
        times = sorted(set(ret) & set(bench))
    fill([ret.get(k) for k in times], [bench.get(k) for k in times])
    return per_year, rf


def check_empyrical():
    with open(os.path.join(REAL, 'expected/metrics/empyrical_tests_dev.json'), encoding='utf-8') as f:
        tests = json.load(f)
    for i, test in enumerate(tests):
        fn, name = test['function'], f"empyrical {i} {test['test']}"
        near = 0.5 * 10 ** -(test['tolerance'] or 6)
        if fn == 'simple_returns':
            fill([], None, test['inputs']['prices']['values'])
            got = [r for (r,) in db.execute('SELECT value / lag(value) OVER (ORDER BY i) - 1 FROM t')][1:]
        elif fn == 'cum_returns':
            fill(test['inputs']['returns']['values'])
            got = [r for (r,) in db.execute(
                'SELECT m_total_return(coalesce(ret, 0)) OVER (ORDER BY i) FROM t')]
        else:
            p, rf = load_empyrical(test)
            sql = EMPYRICAL[fn].format(p=p, rf=repr(rf), cut=test['inputs'].get('cutoff', 0.05))
            start = test['inputs'].get('starting_value', 0)
            if fn == 'cum_returns_final' and start:
                sql = f'({sql} + 1) * {start}'
            if fn.startswith('roll_'):
                w = test['inputs']['window']
                got = [r for n, r in db.execute(
                    f'SELECT row_number() OVER (ORDER BY i), {sql} OVER (ORDER BY i ROWS {w - 1} PRECEDING) FROM t')
                    if n >= w]
            else:
                compare(ask(sql), test['expected'], 0, near, name)
                continue
        want = test['expected']['values'] if isinstance(test['expected'], dict) else test['expected']
        if checks.ok(len(got) == len(want), f'{name}: {len(got)} values, not {len(want)}'):
            for k, (g, v) in enumerate(zip(got, want)):
                compare(g, v, 0, near, f'{name} value {k}')
    checks.equal(len(tests), 98, 'tests of empyrical')


# ---- real series

def closes(name, lo='', hi='9'):
    table = rows(os.path.join(REAL, 'data/bars', name))
    stamp = next(k for k in table[0] if k.lower() in ('ts', 'date', 'time', '', 'datetime'))
    close = next(k for k in table[0] if k.lower() == 'close')
    return [(r[stamp][:10], float(r[close])) for r in table if lo <= r[stamp] < hi]


def real_series(source):
    """(values, benchmark's values), day by day."""
    if source.startswith('expected/'):
        path = os.path.join(REAL, source.split()[0])
        values = [(r['ts'][:10], float(r['equity'])) for r in rows(os.path.join(path, 'equity.csv.gz'))]
        return values, closes('backtestingpy_goog_daily.csv')
    if source.startswith('AAPL'):
        return closes('lean_aapl_daily.csv', '2010', '2014'), closes('lean_spy_daily.csv', '2010', '2014')
    name = source.split()[0].rpartition('/')[2]
    return closes(name, *(('2009-01-01', '2015') if '2009' in source else ())), None


def returns(values):
    return [None] + [b / a - 1 for a, b in zip(values, values[1:])]


def last_of(pairs, chars):
    """The last value of each month (7 characters of the date) or year (4), and the first of all."""
    out = {}
    for day, v in pairs:
        out[day[:chars]] = v
    return out


def check_real():
    with open(os.path.join(REAL, 'expected/metrics/real_series_metrics_dev.json'), encoding='utf-8') as f:
        cases = json.load(f)
    for name, s in cases.items():
        pairs, bench = real_series(s['source'])
        values = [v for _, v in pairs]
        checks.equal(len(values), s['n_returns'] + 1, f'{name}: values')
        fill(returns(values), returns([v for _, v in bench]) if bench else None, values)
        for k, v in s['empyrical'].items():
            sql = EMPYRICAL[k].format(p=252, rf=0, cut=0.05)
            for column in ('ret', 'bench'):  # the only NULL is the return of the first value
                sql = sql.replace(f'coalesce({column}, 0)', column)
            compare(ask(sql), v, 1e-9, 1e-12, f'{name} empyrical {k}')
        quantstats = dict(s['quantstats'])
        for k, v in quantstats.pop('greeks', {}).items():
            quantstats['greeks.' + k] = v
        for k, v in quantstats.items():
            compare(ask(QUANTSTATS[k]), v, 1e-9, 1e-12, f'{name} quantstats {k}')
        for k, v in s['ffn'].items():
            if k in FFN:
                compare(ask(FFN[k]), v, 1e-9, 1e-12, f'{name} ffn {k}')
        for word, chars, p in (('monthly', 7, 12), ('yearly', 4, 1)):
            fill(returns(list(last_of(pairs, chars).values())))
            for k, sql in FFN_RESAMPLED.items():
                v = s['ffn'].get(f'{word}_{k}')
                compare(ask(sql.format(p=p)), v, 1e-9, 1e-9, f'{name} ffn {word}_{k}')
        unknown = [k for k in s['ffn'] if k not in FFN and k not in FFN_LEFT and k.partition('_')[0] not in ('monthly', 'yearly')]
        checks.equal(unknown, [], f'{name}: figures of ffn')
    checks.equal(len(cases), 6, 'real series')


# ---- backtrader

def check_backtrader():
    n = 0
    for path in sorted(glob.glob(os.path.join(REAL, 'expected/backtrader/*/case.json'))):
        with open(path, encoding='utf-8') as f:
            case = json.load(f)
        folder, a = os.path.dirname(path), case['analyzers']
        name = 'backtrader ' + case['case']
        points = [(r['ts'][:10], float(r['value'])) for r in rows(os.path.join(folder, 'equity.csv.gz'))]
        days = [case['cash0']] + list(last_of(points, 10).values())
        fill(returns(days), None, days)
        compare(ask("m_sharpe(ret, 252, 'backtrader')"), a['SharpeRatio']['sharperatio'], 1e-7, 0, name + ' SharpeRatio')
        if len(points) == len(days) - 1:  # of minutes it takes a day to end with the next day's first bar
            compare(ask("100 * m_vwr(ret, 252, 'backtrader')"), a['VWR']['vwr'], 1e-7, 1e-9, name + ' VWR')
        compare(ask('100 * m_cagr(ret, 252)'), a['Returns']['rnorm100'], 1e-8, 1e-10, name + ' Returns')
        fill([], None, [v for _, v in points])
        compare(ask("100 * m_max_drawdown(value, 'backtrader')"), a['DrawDown']['max']['drawdown'], 1e-9, 1e-10,
                name + ' DrawDown')
        fill([float(r['pnlcomm']) for r in rows(os.path.join(folder, 'trades.csv'))])
        if a['SQN']['trades'] > 1:
            compare(ask("m_sqn(ret, 'backtrader')"), a['SQN']['sqn'], 1e-9, 0, name + ' SQN')
        n += 1
    checks.ok(n >= 30, f'{n} runs of backtrader')


check_empyrical()
check_real()
check_backtrader()
checks.finish()
