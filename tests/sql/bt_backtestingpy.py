# requires: shared
"""Whole runs, written as a user writes them, against runs recorded from backtesting.py.

Each case imports the recorded engine's own bars, makes a strategy view from the rule of the case
(case.json names it, indicators.csv.gz and orders.csv pin it down), runs it in set mode and in step
mode, and compares with the record:

  trades     the same ones in the same order: bars of entry and exit, size, prices, P&L, commission
             (closed ones; the engine does not list those still open)
  equity     of every bar
  stats      each of case.json but dates, with bt_metric's variant backtesting.py; the asset is its own
             benchmark.  The engine's buy and hold begins where all indicators exist, which a run cannot
             know: where that is not the first bar, alpha is compared with the recorded buy and hold

Set mode and step mode must give the same rows in bt_order, bt_fill, bt_lot and bt_equity, to the bit.

Tolerances: 1e-6 in currency, price and units, and 1e-6 relative for stats; a unit more or less would
differ by whole currency.  The engine keeps cash plus open profit where we keep cash and positions, so
sums round differently.

Strategies that look at their account run in step mode only.

Left out of the 62 recorded cases, and replayed from their recorded orders in tests/unit/test_sim_backtestingpy.c:
goog_limit_dip, spy_limit_dip, goog_atr_trail, spy_atr_trail, goog_orb5, goog_orb30, goog_mtf_weekly,
goog_mtf_published, goog_mtf_opt_published, goog_scale, spy_scale, goog_hedging, spy_hedging (rules that would
make views of a page each).  That test replays all 62.
"""
import csv
import gzip
import json
import math
import os
import sys

sys.dont_write_bytecode = True
from bt_help import SHARED, Checks, connect, one, seconds  # noqa: E402

REAL = os.path.join(SHARED, 'data', 'real')
TOLERANCE = 1e-6

# data file -> asset, timestep, import options
SERIES = {
    'backtestingpy_goog_daily': ('GOOG', 'day', None),
    'lean_spy_daily': ('SPY', 'day', None),
    'backtestingpy_eurusd_hourly': ('EURUSD', 'hour', None),
    'backtestingpy_btcusd_monthly': ('BTC', 'month', '{"label": "end"}'),
}

# ---- strategies.  {known_at} and {last} are what tells the modes apart: set mode has the column known_at
# and reads every bar; step mode reads the newest bar the clock shows.

CROSS_UP = "sma(bars, {fast}) > sma(bars, {slow}) AND prev(bars, 1, 'sma:{fast}') < prev(bars, 1, 'sma:{slow}')"
CROSS_DOWN = "sma(bars, {fast}) < sma(bars, {slow}) AND prev(bars, 1, 'sma:{fast}') > prev(bars, 1, 'sma:{slow}')"


def simple(up, down, up_when, down_when, column='target_weight'):
    """One target where a condition holds, another where the other does, nothing elsewhere."""
    view = ('SELECT {known_at} asset, CASE WHEN ' + up_when + ' THEN ' + up + ' WHEN ' + down_when + ' THEN ' +
            down + ' END AS ' + column + " FROM bars('{asset}', '{step}') {last}")
    return view, view


def sma_cross(fast, slow, up='1.0', down='-1.0', column='target_weight'):
    return tuple(v.replace('{fast}', str(fast)).replace('{slow}', str(slow))
                 for v in simple(up, down, CROSS_UP, CROSS_DOWN, column))


# The first bar on which the recorded engine lets a strategy act is the second one.
BUY_AND_HOLD = (
    "SELECT known_at, asset, 1.0 AS target_weight FROM bars('{asset}', '{step}') ORDER BY ts LIMIT 1 OFFSET 1",
    "SELECT asset, 1.0 AS target_weight FROM bars('{asset}', '{step}') ORDER BY ts DESC LIMIT 1 OFFSET 1")

RSI2 = simple('1.0', '0.0', 'rsi(bars, 2) < 10 AND close > sma(bars, 200)',
              'close > sma(bars, 5) AND sma(bars, 200) IS NOT NULL')

# Averages that start from the first price, as pandas' ewm(adjust=False) does, and count from bar 33 on.
# There is no such indicator here, so the view computes them itself.
MACD = tuple('''
WITH RECURSIVE b AS MATERIALIZED (
  SELECT row_number() OVER (ORDER BY ts) - 1 AS n, known_at, asset, close FROM bars('{asset}', '{step}')
), e AS (
  SELECT n, known_at, asset, close AS fast, close AS slow, 0.0 AS signal FROM b WHERE n = 0
  UNION ALL
  SELECT b.n, b.known_at, b.asset, fast + (close - fast) * 2.0 / 13, slow + (close - slow) * 2.0 / 27,
         signal + (fast + (close - fast) * 2.0 / 13 - slow - (close - slow) * 2.0 / 27 - signal) * 2.0 / 10
  FROM e JOIN b ON b.n = e.n + 1
)
SELECT ''' + columns + '''
       CASE WHEN e.fast - e.slow > e.signal AND p.fast - p.slow < p.signal THEN 1.0
            WHEN e.fast - e.slow < e.signal AND p.fast - p.slow > p.signal THEN -1.0 END AS target_weight
FROM e JOIN e AS p ON p.n = e.n - 1 WHERE e.n > 33''' + tail
             for columns, tail in (('e.known_at, e.asset,', ''),
                                   ('e.asset,', ' ORDER BY e.n DESC LIMIT 1')))


def machine(conditions, rule, held):
    """A strategy that looks at its position.  Step mode asks bt_qty(); set mode keeps the position itself,
    bar by bar.  conditions: columns from the row of bars; rule: CASE arms over them and `held`."""
    select = ", ".join(f'{expr} AS {name}' for name, expr in conditions.items())
    target = f"CASE {rule.replace('held', 'state.held')} END"
    by_set = (f"WITH RECURSIVE b AS MATERIALIZED (SELECT row_number() OVER (ORDER BY ts) AS n, * FROM (SELECT ts,"
              f" known_at, asset, {select} FROM bars('{{asset}}', '{{step}}'))),"
              " state AS (SELECT 0 AS n, NULL AS known_at, NULL AS asset, NULL AS target, 0.0 AS held UNION ALL"
              f" SELECT b.n, b.known_at, b.asset, {target}, coalesce({target}, state.held)"
              " FROM state JOIN b ON b.n = state.n + 1)"
              " SELECT known_at, asset, target AS target_weight FROM state WHERE n > 0")
    by_step = (f"SELECT asset, CASE {rule} END AS target_weight FROM (SELECT asset, {held} AS held, {select}"
               " FROM bars('{asset}', '{step}') ORDER BY ts DESC LIMIT 1)")
    return by_set, by_step


BOLLINGER = machine(
    {'close': 'close', 'upper': 'bb_upper(bars, 20)', 'middle': 'bb_middle(bars, 20)',
     'lower': 'bb_lower(bars, 20)', 'before': "prev(bars, 1, 'sma:20')"},
    'WHEN before IS NULL THEN NULL '
    'WHEN held = 0 AND close < lower THEN 0.5 WHEN held = 0 AND close > upper THEN -0.5 '
    'WHEN held > 0 AND close > middle THEN 0.0 WHEN held < 0 AND close < middle THEN 0.0',
    "bt_qty('{asset}')")

SMA4 = machine(
    {'up': 'sma(bars, 50) > sma(bars, 100)', 'close': 'close', 'before': 'prev(bars, 1)',
     'enter': 'sma(bars, 20)', 'enter0': "prev(bars, 1, 'sma:20')", 'leave': 'sma(bars, 10)',
     'leave0': "prev(bars, 1, 'sma:10')", 'trend0': "prev(bars, 1, 'sma:100')"},
    'WHEN trend0 IS NULL THEN NULL '
    'WHEN held = 0 AND up AND before < enter0 AND close > enter THEN 1.0 '
    'WHEN held = 0 AND NOT up AND before > enter0 AND close < enter THEN -1.0 '
    'WHEN held > 0 AND before > leave0 AND close < leave THEN 0.0 '
    'WHEN held < 0 AND before < leave0 AND close > leave THEN 0.0',
    "bt_qty('{asset}')")

# The engine's daily average appears on the hour that begins after the day has ended: days that were over
# when the bar began.
FX_MTF = tuple(
    "SELECT " + known + " asset, CASE WHEN close > day AND close > h AND before < h0 THEN 0.5"
    " WHEN close < day THEN 0.0 END AS target_weight FROM (SELECT known_at, asset, close, sma(bars, 10) AS h,"
    " prev(bars, 1) AS before, prev(bars, 1, 'sma:10') AS h0,"
    " (SELECT sma(bars_agg, 5) FROM bars_agg('{asset}', 'day', NULL, hour.ts) AS d WHERE d.known_at <= hour.ts"
    "  ORDER BY d.ts DESC LIMIT 1) AS day FROM bars('{asset}', '{step}') AS hour" + tail + ")"
    for known, tail in (('known_at,', ''), ('', ' ORDER BY ts DESC LIMIT 1')))

# Crossing an average of the closes: turn 30 units round, from whatever is held.
REVERSE_UNITS = (
    "SELECT known_at, asset, CASE WHEN n = 1 THEN side * 30 ELSE side * 60 END AS qty FROM"
    " (SELECT known_at, asset, side, row_number() OVER (ORDER BY known_at) AS n FROM"
    "  (SELECT known_at, asset, {side} AS side FROM bars('{asset}', '{step}')) WHERE side IS NOT NULL)",
    "SELECT asset, side * (abs(bt_qty(asset)) + 30) AS qty FROM"
    " (SELECT asset, {side} AS side FROM bars('{asset}', '{step}') ORDER BY ts DESC LIMIT 1)")


def price_cross(view, n):
    up = f"prev(bars, 1) < prev(bars, 1, 'sma:{n}') AND close > sma(bars, {n})"
    down = f"prev(bars, 1) > prev(bars, 1, 'sma:{n}') AND close < sma(bars, {n})"
    return tuple(v.replace('{side}', f'CASE WHEN {up} THEN 1 WHEN {down} THEN -1 END')
                 .replace('{up}', up).replace('{down}', down) for v in view)


# ---- strategies that look at their account: step mode only


def by_state(columns, source):
    """`columns` over the newest bar, what is held and for how many bars."""
    return None, (f"SELECT asset, {columns} FROM (SELECT asset, close, bt_qty(asset) AS held, bt_bars_held(asset) AS age,"
                  f" {source} FROM bars('{{asset}}', '{{step}}') {{last}})")


def sltp(fast, slow, loss, profit):
    """Crossings while flat, with a bracket around the signal's close."""
    side = ('CASE WHEN ' + CROSS_UP + ' THEN 1.0 WHEN ' + CROSS_DOWN + ' THEN -1.0 END').replace(
        '{fast}', str(fast)).replace('{slow}', str(slow))
    return by_state(f'CASE WHEN held = 0 THEN side END AS target_weight, close * (1 - side * {loss}) AS stop_loss,'
                    f' close * (1 + side * {profit}) AS take_profit', f'{side} AS side')


# A bar's breakout order is replaced by the next bar's: a new target takes the place of one that waits.
STOP_LIMIT = by_state(
    "CASE WHEN n <= 20 THEN NULL WHEN held = 0 THEN 0.9 WHEN age > 15 THEN 0.0 END AS target_weight,"
    " CASE WHEN held = 0 THEN hh END AS stop_price, CASE WHEN held = 0 THEN hh * 1.005 END AS limit_price",
    "highest(bars, 20) AS hh, (SELECT count(*) FROM bars('{asset}', '{step}')) AS n".replace(
        'highest(bars, 20)', "prev(bars, 0, 'highest:20@high')"))

# The stop-loss follows the low of ten bars, never down: the highest such low since the bar of the entry.
DONCHIAN = by_state(
    "CASE WHEN n > 20 AND held = 0 THEN 0.5 END AS target_weight, CASE WHEN held = 0 THEN hh + 0.005 END AS stop_price,"
    " CASE WHEN held = 0 THEN ll ELSE (SELECT max(low10) FROM (SELECT prev(bars, 0, 'lowest:10@low') AS low10"
    "  FROM bars('{asset}', '{step}') ORDER BY ts DESC LIMIT bt_bars_held('{asset}'))) END AS stop_loss,"
    " CASE WHEN held <> 0 THEN '*' END AS \"replace\"",
    "prev(bars, 0, 'highest:20@high') AS hh, prev(bars, 0, 'lowest:10@low') AS ll,"
    " (SELECT count(*) FROM bars('{asset}', '{step}')) AS n")

PCT_TRAIL = by_state(
    "CASE WHEN held = 0 AND before < ma0 AND close > ma THEN 0.95 END AS target_weight,"
    " CASE WHEN held = 0 THEN close * 0.92 ELSE (SELECT max(close) FROM (SELECT close FROM bars('{asset}', '{step}')"
    "  ORDER BY ts DESC LIMIT bt_bars_held('{asset}') + 1)) * 0.92 END AS stop_loss, CASE WHEN held <> 0 THEN '*' END AS \"replace\"",
    "prev(bars, 1) AS before, sma(bars, 100) AS ma, prev(bars, 1, 'sma:100') AS ma0")

SCALE_UNITS = simple('30', '-20', '{up}', '{down}', 'qty')

PER_SHARE = {'model': 'per_share', 'rate': 0.005, 'minimum': 1}
BY_SIDE = {'fixed': 5, 'rate': 0.0005, 'sell_extra': 0.0015}
GOOG, SPY, EURUSD, BTC = SERIES

# name, data, views, configuration on top of the profile
CASES = [
    ('goog_sma_excl', GOOG, sma_cross(10, 20), {'commission': 0.002}),
    ('spy_sma_excl', SPY, sma_cross(10, 20), {'commission': 0.002}),
    ('goog_sma_excl_final', GOOG, sma_cross(10, 20), {'commission': 0.002, 'finish': 'last_open'}),
    ('spy_sma_excl_final', SPY, sma_cross(10, 20), {'commission': 0.002, 'finish': 'last_open'}),
    ('goog_sma_toc', GOOG, sma_cross(10, 20), {'commission': 0.002, 'fill_at': 'signal_close'}),
    ('spy_sma_toc', SPY, sma_cross(10, 20), {'commission': 0.002, 'fill_at': 'signal_close'}),
    ('goog_sma_rebate', GOOG, sma_cross(10, 20), {'commission': -0.0005}),
    ('spy_sma_rebate', SPY, sma_cross(10, 20), {'commission': -0.0005}),
    ('goog_sma_close_1030', GOOG, sma_cross(10, 30), {'finish': 'last_open'}),
    ('spy_sma_close_1030', SPY, sma_cross(10, 30), {'finish': 'last_open'}),
    ('goog_buyhold', GOOG, BUY_AND_HOLD, {'commission': 0.001, 'finish': 'last_open'}),
    ('spy_buyhold', SPY, BUY_AND_HOLD, {'commission': 0.001, 'finish': 'last_open'}),
    ('goog_fx_toc', EURUSD, sma_cross(10, 30), {'fill_at': 'signal_close'}),
    ('goog_fx_mtf', EURUSD, FX_MTF, {'cash': 100000, 'commission': 0.00005}),
    ('btc_fractional', BTC, sma_cross(2, 3),
     {'cash': 100, 'units': 'fractional', 'lot': 1e-6, 'finish': 'last_open'}),
    ('btc_fractional_comm', BTC, sma_cross(3, 6),
     {'cash': 1000, 'commission': 0.005, 'units': 'fractional', 'lot': 1e-8, 'finish': 'last_open'}),
    ('goog_macd', GOOG, MACD, {'commission': 0.001}),
    ('goog_rsi2', GOOG, RSI2, {'commission': 0.001}),
    ('goog_bollinger', GOOG, BOLLINGER, {'commission': 0.001}),
    ('spy_bollinger', SPY, BOLLINGER, {'commission': 0.001}),
    ('goog_sma4', GOOG, SMA4, {'commission': 0.002}),
    ('goog_sma_spread', GOOG, sma_cross(15, 40, down='0.0'), {'cash': 50000, 'spread': 0.001, 'commission': 0.001}),
    ('spy_sma_spread', SPY, sma_cross(15, 40, down='0.0'), {'cash': 50000, 'spread': 0.001, 'commission': 0.001}),
    ('goog_sma_fixedcomm', GOOG, sma_cross(5, 28, '20', '0', 'target_qty'),
     {'cash': 50000, 'commission': {'fixed': 5, 'rate': 0.001}, 'finish': 'last_open'}),
    ('spy_sma_fixedcomm', SPY, sma_cross(5, 28, '20', '0', 'target_qty'),
     {'cash': 50000, 'commission': {'fixed': 5, 'rate': 0.001}, 'finish': 'last_open'}),
    ('goog_sma_pershare', GOOG, sma_cross(12, 27), {'cash': 100000, 'commission': PER_SHARE}),
    ('spy_sma_pershare', SPY, sma_cross(12, 27), {'cash': 100000, 'commission': PER_SHARE}),
    ('goog_sma_asymcomm', GOOG, sma_cross(12, 27), {'cash': 100000, 'commission': BY_SIDE}),
    ('spy_sma_asymcomm', SPY, sma_cross(12, 27), {'cash': 100000, 'commission': BY_SIDE}),
    ('goog_reverse_units', GOOG, price_cross(REVERSE_UNITS, 25), {'cash': 100000, 'commission': 0.0005}),
    ('spy_reverse_units', SPY, price_cross(REVERSE_UNITS, 27), {'cash': 100000, 'commission': 0.0005}),
    ('goog_scale_units', GOOG, price_cross(SCALE_UNITS, 30),
     {'cash': 100000, 'commission': 0.0005, 'finish': 'last_open'}),
    ('goog_margin_daily', GOOG, sma_cross(8, 21, '0.9', '-0.9'), {'leverage': 4, 'commission': 0.001}),
    ('spy_margin_daily', SPY, sma_cross(9, 22, '0.9', '-0.9'), {'leverage': 4, 'commission': 0.001}),
    ('goog_fx_margin20', EURUSD, sma_cross(8, 21, '0.5', '-0.5'), {'leverage': 20, 'spread': 0.0002}),
    ('goog_fx_margin50_bust', EURUSD, sma_cross(8, 21, '0.9', '-0.9'), {'leverage': 50, 'spread': 0.0004}),
    ('goog_sltp', GOOG, sltp(10, 20, 0.05, 0.1), {'commission': 0.001}),
    ('spy_sltp', SPY, sltp(10, 20, 0.05, 0.1), {'commission': 0.001}),
    ('goog_sltp_tight', GOOG, sltp(3, 9, 0.015, 0.02), {'commission': 0.001}),
    ('spy_sltp_tight', SPY, sltp(3, 9, 0.015, 0.02), {'commission': 0.001}),
    ('goog_fx_sltp', EURUSD, sltp(10, 20, 0.002, 0.004), {'spread': 0.0001}),
    ('goog_stoplimit', GOOG, STOP_LIMIT, {'commission': 0.001}),
    ('spy_stoplimit', SPY, STOP_LIMIT, {'commission': 0.001}),
    ('goog_donchian_stop', GOOG, DONCHIAN, {'commission': {'fixed': 1, 'rate': 0.0005}}),
    ('spy_donchian_stop', SPY, DONCHIAN, {'commission': {'fixed': 1, 'rate': 0.0005}}),
    ('goog_pct_trail', GOOG, PCT_TRAIL, {'commission': 0.001}),
    ('spy_pct_trail', SPY, PCT_TRAIL, {'commission': 0.001}),
    ('goog_quickstart_published', GOOG, sma_cross(10, 20), {'spread': 0.002}),
    ('goog_quickstart_opt_published', GOOG, sma_cross(10, 15), {'spread': 0.002}),
]

# Stat of case.json -> (metric, what one of theirs is in ours)
STATS = {
    'Exposure Time [%]': ('exposure', 0.01), 'Equity Final [$]': ('equity_final', 1),
    'Equity Peak [$]': ('equity_peak', 1), 'Return [%]': ('total_return', 0.01),
    'Return (Ann.) [%]': ('annual_return', 0.01), 'Volatility (Ann.) [%]': ('volatility', 0.01),
    'CAGR [%]': ('cagr', 0.01), 'Sharpe Ratio': ('sharpe', 1), 'Sortino Ratio': ('sortino', 1),
    'Calmar Ratio': ('calmar', 1), 'Max. Drawdown [%]': ('max_drawdown', 0.01),
    'Avg. Drawdown [%]': ('avg_drawdown', 0.01), 'Max. Drawdown Duration': ('max_drawdown_duration', 1),
    'Avg. Drawdown Duration': ('avg_drawdown_duration', 1), '# Trades': ('trades', 1),
    'Win Rate [%]': ('win_rate', 0.01), 'Best Trade [%]': ('best_trade', 0.01),
    'Worst Trade [%]': ('worst_trade', 0.01), 'Avg. Trade [%]': ('avg_trade', 0.01),
    'Max. Trade Duration': ('max_trade_duration', 1), 'Avg. Trade Duration': ('avg_trade_duration', 1),
    'Profit Factor': ('profit_factor', 1), 'Expectancy [%]': ('expectancy', 0.01), 'SQN': ('sqn', 1),
    'Kelly Criterion': ('kelly', 1),
}
# Start, end and length are dates; the others are about holding the asset instead.
NOT_COMPARED = {'Start', 'End', 'Duration', 'Buy & Hold Return [%]', 'Alpha [%]', 'Beta'}

checks = Checks()


def read_csv(name, file):
    path = os.path.join(REAL, 'expected/backtestingpy', name, file)
    opener = gzip.open if path.endswith('.gz') else open
    with opener(path, 'rt', newline='') as f:
        return list(csv.DictReader(f))


def stat(x):
    """A number of case.json, durations in seconds."""
    if isinstance(x, str) and ' days' in x:
        days, _, clock = x.partition(' days')
        h, m, s = (clock.strip() or '00:00:00').split(':')
        return int(days) * 86400 + int(h) * 3600 + int(m) * 60 + float(s)
    x = math.nan if x is None else float(x)
    return x if math.isfinite(x) else math.nan


def load(data, first):
    """A database with the recorded bars, from the label `first` on; and the starts of the bars."""
    asset, step, options = SERIES[data]
    db = connect()
    path = os.path.join(REAL, 'data/bars', data + '.csv')
    db.execute('SELECT bars_import(?, ?, ?, ?)', (path, asset, step, options))
    if options:  # labels are ends of months: the bar labelled 2015-01-31 starts on the 1st
        first = first[:8] + '01'
    db.execute(f"DELETE FROM bars WHERE asset = '{asset}' AND timestep = '{step}' AND ts < ?", (seconds(first[:10]),))
    return db, asset, step, [r[0] for r in db.execute(f"SELECT ts FROM bars('{asset}', '{step}') ORDER BY ts")]


def run(db, view, config, asset):
    db.execute('DROP VIEW IF EXISTS strategy')
    db.execute('CREATE VIEW strategy AS ' + view)
    return one(db, "SELECT bt_run('strategy', ?)", json.dumps(dict(config, profile='backtesting.py', benchmark=asset)))


def run_rows(db, run_id):
    """All a run has left, without its number."""
    out = {}
    for table in ('bt_order', 'bt_fill', 'bt_lot', 'bt_equity', 'bt_position', 'bt_metric'):
        rows = db.execute(f'SELECT * FROM {table} WHERE run = ?', (run_id,)).fetchall()
        out[table] = [tuple(repr(x) for x in r[1:]) for r in rows]
    return out


def compare_modes(name, db, a, b):
    left, right = run_rows(db, a), run_rows(db, b)
    for table in left:
        checks.ok(left[table] == right[table], f'{name}: {table} differs between set mode and step mode')
    checks.ok(len(left['bt_order']) > 0 and len(left['bt_equity']) > 0, f'{name}: the run has rows')
    modes = db.execute('SELECT mode FROM bt_run WHERE id IN (?, ?) ORDER BY id', (a, b)).fetchall()
    checks.equal(modes, [('set',), ('step',)], f'{name}: modes')


def compare_trades(name, db, run_id, starts, at_close):
    """The largest difference in a number of a trade."""
    want = read_csv(name, 'trades.csv')
    got = db.execute('SELECT qty, entry_ts, exit_ts, entry_price, exit_price, pnl, commission, bars FROM bt_trade'
                     ' WHERE run = ? AND NOT open ORDER BY id', (run_id,)).fetchall()
    if not checks.equal(len(got), len(want), f'{name}: number of trades'):
        return math.inf
    number = {ts: i for i, ts in enumerate(starts)}
    # A fill at the close of the signal's bar is stamped with that bar's end, where the next bar may start.
    ends = dict(db.execute("SELECT known_at, ts FROM bars(?, ?)", SERIES_OF[name]).fetchall())
    worst = 0.0
    for i, (g, w) in enumerate(zip(got, want)):
        entry, leave = ((number.get(ends.get(t)) if at_close else number.get(t)) for t in g[1:3])
        checks.equal((entry, leave), (int(w['EntryBar']), int(w['ExitBar'])), f'{name}: bars of trade {i}')
        checks.equal(g[7], int(w['ExitBar']) - int(w['EntryBar']), f'{name}: length of trade {i}')
        for mine, theirs in zip((g[0],) + g[3:7], ('Size', 'EntryPrice', 'ExitPrice', 'PnL', 'Commission')):
            worst = max(worst, abs(mine - float(w[theirs])))
    return worst


def compare_equity(name, db, run_id):
    want = [float(r['equity']) for r in read_csv(name, 'equity.csv.gz')]
    got = [r[0] for r in db.execute('SELECT value FROM bt_equity WHERE run = ? ORDER BY ts', (run_id,))]
    if not checks.equal(len(got), len(want), f'{name}: points of the equity curve'):
        return math.inf
    return max(abs(g - w) for g, w in zip(got, want))


def warmup(name):
    """The first bar at which every indicator exists."""
    if not os.path.exists(os.path.join(REAL, 'expected/backtestingpy', name, 'indicators.csv.gz')):
        return 0
    table = read_csv(name, 'indicators.csv.gz')
    return max((next((i for i, r in enumerate(table) if r[k] not in ('', 'nan')), 0) for k in table[0] if k != 'bar'),
               default=0)


def compare_stats(name, db, run_id, stats, monthly):
    """The largest relative difference of a stat."""
    got = dict(db.execute("SELECT name, value FROM bt_metric WHERE run = ? AND variant = 'backtesting.py'", (run_id,)))
    unknown = set(stats) - set(STATS) - NOT_COMPARED - {'Commissions [$]'}
    checks.ok(not unknown, f'{name}: stats nobody compares: {unknown}')
    worst = 0.0
    hold = stats['Buy & Hold Return [%]'] / 100
    if warmup(name) == 0:
        checks.near(got['benchmark_return'], hold, TOLERANCE * abs(hold), f'{name}: buy and hold')
    alpha = got['alpha'] + got['beta'] * (got['benchmark_return'] - hold)
    checks.near(alpha, stats['Alpha [%]'] / 100, TOLERANCE * max(1, abs(hold)), f'{name}: alpha')
    checks.near(got['beta'], stats['Beta'], TOLERANCE, f'{name}: beta')
    for label, (metric, scale) in dict(STATS, **{'Commissions [$]': ('commission', 1)}).items():
        if monthly and 'Trade Duration' in label:
            continue  # months are counted from their ends there, from their starts here; bars are compared
        if label == 'Commissions [$]' and label not in stats:
            checks.equal(got[metric], 0.0, f'{name}: commissions of a run without any')
            continue
        want, mine = stat(stats.get(label)) * scale, got[metric]
        if math.isnan(want) or mine is None:
            checks.ok(math.isnan(want) and mine is None, f'{name}: {label} is {mine}, not {want}')
            continue
        worst = max(worst, abs(mine - want) / max(abs(want), 1e-12) if mine != want else 0.0)
    return worst


SERIES_OF = {name: SERIES[data][:2] for name, data, _, _ in CASES}


def main():
    print(f'{"case":31} {"bars":>5} {"trades":>6}  {"trades":>8} {"equity":>8} {"final":>8} {"stats":>8}')
    for name, data, views, config in CASES:
        with open(os.path.join(REAL, 'expected/backtestingpy', name, 'case.json')) as f:
            case = json.load(f)
        db, asset, step, starts = load(data, case['first'])
        checks.equal(len(starts), case['rows'], f'{name}: number of bars')
        text = [v.format(asset=asset, step=step, known_at=k, last=t) for v, k, t in
                zip(views, ('known_at,', ''), ('', 'ORDER BY ts DESC LIMIT 1')) if v]
        by_set, by_step = (run(db, t, config, asset) for t in (text * 2)[:2])
        if len(text) == 2:
            compare_modes(name, db, by_set, by_step)
        trades = compare_trades(name, db, by_set, starts, config.get('fill_at') == 'signal_close')
        equity = compare_equity(name, db, by_set)
        final = abs(one(db, 'SELECT value FROM bt_run WHERE id = ?', by_set) - case['stats']['Equity Final [$]'])
        stats = compare_stats(name, db, by_set, case['stats'], step == 'month')
        print(f'{name:31} {len(starts):5} {case["n_trades"]:6}  {trades:8.1e} {equity:8.1e} {final:8.1e} {stats:8.1e}')
        for what, diff in (('trades', trades), ('equity', equity), ('final equity', final), ('stats', stats)):
            checks.ok(diff <= TOLERANCE, f'{name}: {what} differ by {diff:g}')
        db.close()
    checks.finish()


main()
