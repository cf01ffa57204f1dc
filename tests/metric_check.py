#!/usr/bin/python3
"""Golden values for the run metrics: recorded results of other libraries on real and test series.

    metric_check.py PROGRAM [DATA] [-v]

PROGRAM is tests/tools/metric_dump.c built; DATA is ../shared/data by default.  Exit status 0: all
agree; 1: some differ, each named; 77: the recorded results are not there.  -v also names the tests of
empyrical that these metrics cannot express.

What is compared, with the relative tolerance:
  backtesting.py  every stat of every recorded run but dates, from that run's own equity, trades and
                  prices.  Its buy and hold begins where all indicators exist, read from the recorded
                  indicators                                                                  1e-9
  empyrical       the library's own test triples that these metrics can express, to as many
                  decimals as each of those tests states itself (mostly 8)
  real series     empyrical, quantstats and ffn on price series                               1e-9

empyrical's tests give returns with a leading NaN.  The library counts such a period as a return of 0
where it compounds (total return, cagr, drawdown) and leaves it out elsewhere; an equity curve cannot
say both, so the input is written in the way the function under test reads it.  inf there is NaN here
(see metric.h).
"""
import csv
import gzip
import json
import math
import os
import subprocess
import sys
from datetime import datetime, timezone

DAY = 86400
PERIODS = {'daily': 252, 'weekly': 52, 'monthly': 12, 'yearly': 1}

# Stat of backtesting.py -> (metric, scale from their unit to ours, kind).
BT_STATS = {
    'Exposure Time [%]': ('exposure', 0.01),
    'Equity Final [$]': ('equity_final', 1),
    'Equity Peak [$]': ('equity_peak', 1),
    'Commissions [$]': ('commission', 1),
    'Return [%]': ('total_return', 0.01),
    'Return (Ann.) [%]': ('annual_return', 0.01),
    'Volatility (Ann.) [%]': ('volatility', 0.01),
    'CAGR [%]': ('cagr', 0.01),
    'Sharpe Ratio': ('sharpe', 1),
    'Sortino Ratio': ('sortino', 1),
    'Calmar Ratio': ('calmar', 1),
    'Max. Drawdown [%]': ('max_drawdown', 0.01),
    'Avg. Drawdown [%]': ('avg_drawdown', 0.01),
    'Max. Drawdown Duration': ('max_drawdown_duration', 1),
    'Avg. Drawdown Duration': ('avg_drawdown_duration', 1),
    '# Trades': ('trades', 1),
    'Win Rate [%]': ('win_rate', 0.01),
    'Best Trade [%]': ('best_trade', 0.01),
    'Worst Trade [%]': ('worst_trade', 0.01),
    'Avg. Trade [%]': ('avg_trade', 0.01),
    'Max. Trade Duration': ('max_trade_duration', 1),
    'Avg. Trade Duration': ('avg_trade_duration', 1),
    'Profit Factor': ('profit_factor', 1),
    'Expectancy [%]': ('expectancy', 0.01),
    'SQN': ('sqn', 1),
    'Kelly Criterion': ('kelly', 1),
    'Buy & Hold Return [%]': ('benchmark_return', 0.01),
    'Alpha [%]': ('alpha', 0.01),
    'Beta': ('beta', 1),
}
BT_LEFT_OUT = {'Start', 'End', 'Duration'}
# The same formula on the same numbers, so our own variant must agree as well.  (A run's equity starts
# at its starting value in all recorded cases.)
BT_SAME_AS_OURS = {'total_return', 'max_drawdown', 'equity_final', 'equity_peak', 'commission', 'trades',
                   'win_rate', 'best_trade', 'worst_trade', 'sqn', 'kelly'}

# empyrical function -> (metric, how a NaN return is written: 0 as zero, None left out).
EMPYRICAL_TESTS = {
    'annual_return': ('annual_return', 0), 'cagr': ('cagr', 0), 'calmar_ratio': ('calmar', 0),
    'cum_returns_final': ('total_return', 0), 'max_drawdown': ('max_drawdown', 0),
    'annual_volatility': ('volatility', None), 'downside_risk': ('downside_deviation', None),
    'omega_ratio': ('omega', None), 'sharpe_ratio': ('sharpe', None), 'sortino_ratio': ('sortino', None),
    'stability_of_timeseries': ('stability', None), 'tail_ratio': ('tail_ratio', None),
}
EMPYRICAL_LISTS = {'value_at_risk': 'percentile', 'conditional_value_at_risk': 'shortfall'}

# Value of a real series -> (metric, variant).
REAL = {
    'empyrical': {
        'annual_return': ('annual_return', 'empyrical'), 'cagr': ('cagr', 'empyrical'),
        'annual_volatility': ('volatility', 'empyrical'), 'calmar_ratio': ('calmar', 'empyrical'),
        'conditional_value_at_risk': ('cvar_95', 'empyrical'),
        'cum_returns_final': ('total_return', 'empyrical'),
        'downside_risk': ('downside_deviation', 'empyrical'),
        'max_drawdown': ('max_drawdown', 'empyrical'), 'omega_ratio': ('omega', 'empyrical'),
        'sharpe_ratio': ('sharpe', 'empyrical'), 'sortino_ratio': ('sortino', 'empyrical'),
        'stability_of_timeseries': ('stability', 'empyrical'),
        'tail_ratio': ('tail_ratio', 'empyrical'), 'value_at_risk': ('var_95', 'empyrical'),
    },
    'quantstats': {
        'comp': ('total_return', ''), 'cagr': ('cagr', 'count'), 'volatility': ('volatility', ''),
        'sharpe': ('sharpe', ''), 'sortino': ('sortino', ''), 'omega': ('omega', ''),
        'calmar': ('calmar', ''), 'max_drawdown': ('max_drawdown', ''),
        'ulcer_index': ('ulcer_index', 'quantstats'), 'skew': ('skew', 'quantstats'),
        'kurtosis': ('kurtosis', 'quantstats'), 'tail_ratio': ('tail_ratio', ''),
        'best': ('best_period', ''), 'worst': ('worst_period', ''),
    },
    'ffn': {
        'total_return': ('total_return', ''), 'cagr': ('cagr', '365.25'),
        'max_drawdown': ('max_drawdown', ''), 'avg_drawdown': ('avg_drawdown', ''),
        'avg_drawdown_days': ('avg_drawdown_duration', 'ffn'), 'calmar': ('calmar', 'ffn'),
    },
}
IN_DAYS = {'avg_drawdown_days'}


def seconds(text):
    fmt = '%Y-%m-%d %H:%M:%S' if ' ' in text else '%Y-%m-%d'
    return int(datetime.strptime(text, fmt).replace(tzinfo=timezone.utc).timestamp())


def duration(text):
    """'12 days 03:00:00' in seconds."""
    days, _, clock = text.partition(' days')
    h, m, s = (clock.strip() or '00:00:00').split(':')
    return int(days) * DAY + int(h) * 3600 + int(m) * 60 + float(s)


def number(x):
    if isinstance(x, str) and ' days' in x:
        return duration(x)
    x = math.nan if x is None else float(x)
    return x if math.isfinite(x) else math.nan


def rows(path):
    opener = gzip.open if path.endswith('.gz') else open
    with opener(path, 'rt', newline='') as f:
        return list(csv.DictReader(f))


# ---- the cases: (name, text for metric_dump, checks); a check is (metric, variant, expected, relative,
# absolute tolerance)

def case_text(name, points, trades=(), start=1.0, rf=0.0, periods=0, commission=0.0, bench=(), bench_first=0):
    out = [f'case {name} {len(points)} {len(trades)} {start!r} 1 {rf!r} {periods!r} {commission!r} {len(bench)} {bench_first}']
    out += [f'{t} {v!r}' for t, v in points]
    out += [repr(v) for v in bench]
    out += [' '.join(repr(x) for x in t) for t in trades]
    return '\n'.join(out)


def bt_closes(data, case, points):
    """The closes of a recorded run's bars, one per point of its curve."""
    table = rows(os.path.join(data, 'real/data/bars', case['data'].split()[0]))
    close = {seconds(r[next(iter(r))]): float(r['Close']) for r in table}
    return [close[t] for t, _ in points]


def bt_warmup(folder):
    """The first bar at which every indicator exists."""
    path = os.path.join(folder, 'indicators.csv.gz')
    if not os.path.exists(path):
        return 0
    table = rows(path)
    names = [k for k in table[0] if k != 'bar']
    return max((next((i for i, r in enumerate(table) if r[k] not in ('', 'nan')), 0) for k in names), default=0)


def bt_trades(folder):
    return [(seconds(r['EntryTime']), seconds(r['ExitTime']), float(r['Size']), float(r['EntryPrice']),
             float(r['ExitPrice']), float(r['Commission']), float(r['PnL']), float(r['ReturnPct']), 0)
            for r in rows(os.path.join(folder, 'trades.csv'))]


def bt_cases(data):
    base = os.path.join(data, 'real/expected/backtestingpy')
    for name in sorted(os.listdir(base)):
        folder = os.path.join(base, name)
        if not os.path.exists(os.path.join(folder, 'equity.csv.gz')):
            continue
        with open(os.path.join(folder, 'case.json')) as f:
            case = json.load(f)
        stats = case['stats']
        points = [(seconds(r['ts']), float(r['equity'])) for r in rows(os.path.join(folder, 'equity.csv.gz'))]
        paid = sum(float(r['Commission']) for r in rows(os.path.join(folder, 'trades.csv')))
        checks = []
        for key, value in stats.items():
            if key in BT_LEFT_OUT:
                continue
            metric, scale = BT_STATS[key]
            want = number(value) * scale
            checks.append((metric, 'backtesting.py', want, 1e-9, 0))
            if metric in BT_SAME_AS_OURS:
                checks.append((metric, '', want, 1e-9, 0))
        yield 'backtesting.py:' + name, case_text('backtesting.py:' + name, points, bt_trades(folder), points[0][1],
                                      commission=paid, bench=bt_closes(data, case, points),
                                      bench_first=bt_warmup(folder)), checks


def as_curve(returns, nan_as):
    """Equity of returns, one point a day from a Monday on; NaN returns by the rule of the function."""
    points, v = [], 1.0
    for r in returns:
        r = nan_as if r is None else r
        if r is not None:
            v *= 1 + r
            points.append(((4 + len(points)) * DAY, v))
    return points


def empyrical_case(name, test):
    """None where a metric cannot express the call (a series as risk-free rate, a starting value)."""
    fn, inp = test['function'], test['inputs']
    metric, nan_as = EMPYRICAL_TESTS[fn]
    per_year = PERIODS[inp.get('period', 'daily')]
    rf, want = 0.0, number(test['expected'])
    for key in ('risk_free', 'required_return'):
        value = inp.get(key, 0.0)
        if isinstance(value, dict):
            if len(set(value['values'])) != 1:
                return None
            value = value['values'][0]
        # Ours is annual.  Omega's required return is annual there too; the others are per period.
        annual = fn == 'omega_ratio' and key == 'required_return'
        rf = max(rf, value if annual else (1 + value) ** per_year - 1)
    points = as_curve(inp['returns']['values'], nan_as)
    return name, case_text(name, points, rf=rf, periods=per_year), [(metric, 'empyrical', want, 0, 0.5 * 10 ** -test['tolerance'])]


def empyrical_cases(data, left_out):
    with open(os.path.join(data, 'real/expected/metrics/empyrical_tests_dev.json')) as f:
        tests = json.load(f)
    for i, test in enumerate(tests):
        fn, case = test['function'], None
        name = f"empyrical:{i}:{test['test']}"
        if fn in EMPYRICAL_LISTS:
            x = test['inputs']['returns']
            x = x if isinstance(x, list) else x['values']
            text = '\n'.join([f"list {name} {EMPYRICAL_LISTS[fn]} {test['inputs']['cutoff']} {len(x)}"]
                             + [repr(float(v)) for v in x])
            case = name, text, [(EMPYRICAL_LISTS[fn], '', number(test['expected']), 1e-12, 0)]
        elif fn in EMPYRICAL_TESTS:
            case = empyrical_case(name, test)
        if case:
            yield case
        else:
            left_out.append(f"{test['test']} ({fn})")


def price_curve(data, source):
    """The values a real series was computed from."""
    bars = os.path.join(data, 'real/data/bars')
    if source.startswith('expected/'):
        folder = os.path.join(data, 'real', source.split()[0])
        return [(seconds(r['ts']), float(r['equity'])) for r in rows(os.path.join(folder, 'equity.csv.gz'))]
    files = {'data/bars/backtestingpy_goog_daily.csv Close': ('backtestingpy_goog_daily.csv', '', '9'),
             'data/bars/lean_spy_daily.csv Close 2009-01-01..2014-12-31':
                 ('lean_spy_daily.csv', '2009-01-01', '2015'),
             'AAPL close vs SPY close 2010..2013': ('lean_aapl_daily.csv', '2010', '2014')}
    name, lo, hi = files[source]
    table = rows(os.path.join(bars, name))
    stamp = next(k for k in table[0] if k.lower() in ('ts', 'date', 'time', '', 'datetime'))
    close = next(k for k in table[0] if k.lower() == 'close')
    return [(seconds(r[stamp]), float(r[close])) for r in table if lo <= r[stamp] < hi]


def real_cases(data):
    with open(os.path.join(data, 'real/expected/metrics/real_series_metrics_dev.json')) as f:
        series = json.load(f)
    for name, s in series.items():
        curve = price_curve(data, s['source'])
        assert len(curve) == s['n_returns'] + 1, (name, len(curve))
        # empyrical and quantstats take returns, ffn takes prices: the first price is V_0 or a point.
        for suffix, libraries, points in (('returns', ('empyrical', 'quantstats'), curve[1:]),
                                          ('prices', ('ffn',), curve)):
            case = f'real:{name}:{suffix}'
            checks = [(*REAL[lib][k], number(v) * (DAY if k in IN_DAYS else 1), 1e-9, 0)
                      for lib in libraries for k, v in s[lib].items() if k in REAL[lib]]
            # The deepest five episodes are recorded.  The longest is one of them, but for one series.
            if suffix == 'returns' and name != 'goog_hedging_equity':
                days = max(d['days'] for d in s['quantstats_drawdown_details_top5'])
                checks.append(('max_drawdown_duration', 'quantstats', days * DAY, 0, 0))
            yield case, case_text(case, points, start=curve[0][1]), checks


def all_cases(data, left_out):
    yield from bt_cases(data)
    yield from empyrical_cases(data, left_out)
    yield from real_cases(data)


# ---- commands

def same(want, got, rel, absolute):
    if math.isnan(want) or math.isnan(got):
        return math.isnan(want) and math.isnan(got)
    return abs(want - got) <= max(rel * abs(want), absolute)


def computed(program, cases):
    """{(case, metric, variant): value} as the program prints them."""
    text = '\n'.join(text for _, text, _ in cases) + '\n'
    out = subprocess.run([program], input=text, capture_output=True, text=True, check=True).stdout
    got = {}
    for line in out.splitlines():
        name, metric, variant, value = line.split('\t')
        got[name, metric, variant] = float(value)
    return got


def compare(cases, got):
    """Print what differs; return the numbers of values compared by group, and of differences."""
    groups, bad = {}, 0
    for name, _, checks in cases:
        for metric, variant, want, rel, absolute in checks:
            group = name.partition(':')[0]
            groups[group] = groups.get(group, 0) + 1
            have = got.get((name, metric, variant))
            if have is None or not same(want, have, rel, absolute):
                bad += 1
                print(f'{name}: {metric} "{variant}" is {have!r}, recorded {want!r}')
    return groups, bad


def main():
    words = [a for a in sys.argv[1:] if not a.startswith('-')]
    if not words:
        sys.exit(__doc__)
    data = words[1] if len(words) > 1 else '../shared/data'
    if not os.path.isdir(os.path.join(data, 'real/expected/metrics')):
        print(f'skipped, no recorded results at {data}')
        return 77
    left_out = []
    cases = list(all_cases(data, left_out))
    groups, bad = compare(cases, computed(words[0], cases))
    shown = ', '.join(f'{name} {n}' for name, n in groups.items())
    print(f'values compared: {shown}; {bad} differ; {len(left_out)} tests of empyrical not expressible by a run')
    if '-v' in sys.argv:
        print('\n'.join(left_out))
    return 1 if bad or len(groups) < 3 else 0


if __name__ == '__main__':
    sys.exit(main())
