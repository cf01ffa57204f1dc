"""Regression algorithms of LEAN whose results are published, as strategy views under the profile lean.

The end equity, the fees and the number of orders are those LEAN publishes; the first must agree to the cent, as must
the fees, which are printed with two digits.  Prices come from LEAN's own data, raw, or times the factors of its
factor files as LEAN adjusts them.  Where its data has quotes, and LEAN fills at the ask or the bid, they are stored beside the
trades; sizes are then given in units, computed from the trade price as LEAN computes them.

Needs the data, which is not part of the source; without it the test is skipped.
"""
import bisect
import csv
import io
import math
import os
import sys
import zipfile
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

sys.dont_write_bytecode = True
from bt_help import Checks, SHARED, connect, one  # noqa: E402

NY = ZoneInfo('America/New_York')
DATA = os.path.join(SHARED, 'data', 'real', 'data', 'lean', 'equity', 'usa')
PUBLISHED = os.path.join(SHARED, 'data', 'real', 'expected', 'lean', 'verified_to_the_cent_dev.csv')
if not os.path.exists(PUBLISHED):
    print('no recorded runs beside the checkout')
    sys.exit(77)
published = {row['algorithm']: row for row in csv.DictReader(open(PUBLISHED))}
checks = Checks()
shown = []


def rows_of(path):
    """The one file of a zip, as lists of texts."""
    with zipfile.ZipFile(os.path.join(DATA, path)) as z:
        return [r for r in csv.reader(io.TextIOWrapper(z.open(z.namelist()[0])))]


def epoch(local):
    return int(local.replace(tzinfo=NY).timestamp())


def factors(asset):
    """(date, price factor, split factor, price), oldest first."""
    with open(os.path.join(DATA, 'factor_files', f'{asset}.csv')) as f:
        return [(datetime.strptime(r[0], '%Y%m%d'), float(r[1]), float(r[2]), float(r[3])) for r in csv.reader(f)]


def adjust(asset, bars):
    """Times the factors of the first row that is not before the bar's day."""
    rows = factors(asset)
    days = [r[0] for r in rows]
    out = []
    for local, *prices, volume in bars:
        _, price, split, _ = rows[min(bisect.bisect_left(days, datetime(local.year, local.month, local.day)), len(rows) - 1)]
        out.append((local, *(p * price * split for p in prices), volume))
    return out


def long_bars(kind, asset, first, last):
    """Daily or hourly bars from `first` on and before `last`."""
    out = []
    for r in rows_of(f'{kind}/{asset}.zip'):
        local = datetime.strptime(r[0], '%Y%m%d %H:%M')
        if first <= local < last:
            out.append((local, *(float(x) / 10000 for x in r[1:5]), float(r[5])))
    return out


def day_bars(kind, asset, days, what):
    """Minute or second bars of the regular session: trades, or (bid O, H, L, C, ask O, H, L, C) of quotes."""
    out = []
    for day in days:
        for r in rows_of(f'{kind}/{asset}/{day}_{what}.zip'):
            local = datetime.strptime(day, '%Y%m%d') + timedelta(milliseconds=int(r[0]))
            if timedelta(hours=9, minutes=30) <= local - datetime(local.year, local.month, local.day) < timedelta(hours=16):
                if what == 'trade':
                    out.append((local, *(float(x) / 10000 for x in r[1:5]), float(r[5])))
                else:
                    out.append((local, *(float(x) / 10000 if x else math.nan for x in r[1:5] + r[6:10])))
    return out


def put(db, asset, timestep, bars):
    db.execute('BEGIN')
    db.executemany("INSERT OR REPLACE INTO bars(asset, timestep, ts, open, high, low, close, volume) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                   [(asset, timestep, epoch(b[0]), *b[1:6]) for b in bars])
    db.execute('COMMIT')


def store(asset, timestep, bars):
    db = connect()
    put(db, asset, timestep, bars[:1])
    db.execute("SELECT bars_asset(?, 'tz', 'America/New_York')", (asset,)).fetchall()
    put(db, asset, timestep, bars)
    return db


def expect(algorithm, db, view, config, fills):
    run = one(db, 'SELECT bt_run(?, ?)', view, config)
    want = published[algorithm]
    equity = one(db, 'SELECT value FROM bt_run WHERE id = ?', run)
    fees = one(db, 'SELECT total(commission) FROM bt_fill WHERE run = ?', run)
    orders, filled = db.execute("SELECT count(*), count(*) FILTER (WHERE state = 'filled') FROM bt_order WHERE run = ?", (run,)).fetchone()
    checks.near(equity, float(want['end_equity_published']), 0.005 + 1e-9, f'{algorithm}: end equity')
    checks.near(fees, float(want['total_fees_published'].lstrip('$')), 0.005 + 1e-9, f'{algorithm}: fees')
    checks.equal(filled, fills, f'{algorithm}: fills')
    shown.append((algorithm, orders, filled, fees, equity, float(want['end_equity_published'])))
    return run


def config(more='', timestep='day', asset='SPY'):
    return '{"profile": "lean", "assets": ["%s"], "timestep": "%s"%s}' % (asset, timestep, more)


WEEK = ['20131007', '20131008', '20131009', '20131010', '20131011']


def basic_daily():
    db = store('SPY', 'day', adjust('spy', long_bars('daily', 'spy', datetime(2013, 10, 8), datetime(2013, 10, 18))))
    db.execute("CREATE VIEW s AS SELECT min(known_at) AS known_at, 'SPY' AS asset, 1.0 AS target_weight FROM bars('SPY', 'day')")
    expect('BasicTemplateDailyAlgorithm', db, 's', config(), 1)
    checks.equal(one(db, 'SELECT qty FROM bt_fill'), 697.0, 'BasicTemplateDailyAlgorithm: shares')


def macd_trend():
    db = store('SPY', 'day', adjust('spy', long_bars('daily', 'spy', datetime(2004, 1, 1), datetime(2015, 1, 1))))
    db.execute("""CREATE VIEW s AS
      WITH fast AS (SELECT known_at, ema(bars, 12) AS fast, ema(bars, 12) - ema(bars, 26) AS macd FROM bars('SPY', 'day')),
           line AS (SELECT known_at, fast, macd, ta_ema(macd, 9) OVER (ORDER BY known_at) AS signal FROM fast)
      SELECT known_at, 'SPY' AS asset, CASE WHEN (macd - signal) / fast > 0.0025 THEN 1.0 WHEN (macd - signal) / fast < -0.0025 THEN 0.0 END AS target_weight
      FROM line""")
    expect('MACDTrendAlgorithm', db, 's', config(', "rebalance": "on_change"'), 84)


def dividends():
    """Dividend per unit: reference price x (1 - factor / next factor), to the cent, on the day after the row's."""
    bars = long_bars('daily', 'spy', datetime(1998, 1, 1), datetime(2006, 1, 1))
    db = store('SPY', 'day', bars)
    days = [b[0] for b in bars]
    rows = factors('spy')
    for (day, factor, _, price), (_, following, _, _) in zip(rows, rows[1:]):
        at = bisect.bisect_right(days, day)
        amount = round(price * (1 - factor / following), 2)
        if 0 < at < len(days) and amount:
            db.execute("SELECT bars_action('SPY', ?, 'dividend', ?)", (epoch(days[at]), amount)).fetchall()
    db.execute("CREATE VIEW s AS SELECT min(known_at) AS known_at, 'SPY' AS asset, 0.5 AS target_weight FROM bars('SPY', 'day')")
    expect('DividendRegressionAlgorithm', db, 's', config(), 1)


def split_of_a_short():
    bars = long_bars('daily', 'aapl', datetime(2014, 6, 5), datetime(2014, 6, 12))
    db = store('AAPL', 'day', bars)
    rows = factors('aapl')
    at = max(i for i, r in enumerate(rows) if r[0] < datetime(2014, 6, 9))
    factor = round(rows[at][2] / rows[at + 1][2], 7)
    checks.equal(factor, 0.1428572, 'the split of the factor file')
    db.execute("SELECT bars_action('AAPL', ?, 'split', ?)", (epoch(datetime(2014, 6, 9)), 1 / factor)).fetchall()
    db.execute("CREATE VIEW s AS SELECT min(known_at) AS known_at, 'AAPL' AS asset, -1.0 AS target_weight FROM bars('AAPL', 'day')")
    expect('EquitySplitHoldingsDailyRegressionAlgorithm', db, 's', config(asset='AAPL'), 2)  # the fraction left is bought back


def hour_split():
    db = store('AAPL', 'hour', adjust('aapl', long_bars('hour', 'aapl', datetime(2014, 6, 6), datetime(2014, 6, 10))))
    db.execute("CREATE VIEW s AS SELECT min(known_at) AS known_at, 'AAPL' AS asset, 1 AS qty FROM bars('AAPL', 'hour', '2014-06-09')")
    expect('HourSplitRegressionAlgorithm', db, 's', config(', "fill_at": "signal_close"', 'hour', 'AAPL'), 1)


def quoted():
    """A week of minutes: the trades, and the quotes beside them, adjusted alike.  Also the trade closes by the instant they are known at."""
    trades = adjust('spy', day_bars('minute', 'spy', WEEK, 'trade'))
    db = store('SPY', 'minute', trades)
    quotes = day_bars('minute', 'spy', WEEK, 'quote')
    for step, at in (('minute bid', 1), ('minute ask', 5)):
        side = [(local, *q[at - 1:at + 3], None) for local, *q in quotes if not math.isnan(q[at - 1])]
        put(db, 'SPY', step, adjust('spy', side))
    return db, {b[0] + timedelta(minutes=1): b[4] for b in trades}


def planned(db, rows):
    db.execute('CREATE TABLE plan(known_at INTEGER PRIMARY KEY, asset, qty, tif)')
    db.executemany('INSERT INTO plan VALUES (?, ?, ?, ?)', rows)
    db.execute('CREATE VIEW s AS SELECT * FROM plan')


def holdings(cash, price, fee):
    """SetHoldings(1): a quarter percent is left alone."""
    n = math.floor(cash * 0.9975 / price)
    while n * price + (max(1, fee * n) if fee else 0) > cash * 0.9975:
        n -= 1
    return n


def basic_minute():
    when = datetime(2013, 10, 7, 9, 31)
    db, known = quoted()
    planned(db, [(epoch(when), 'SPY', holdings(100000, known[when], 0.005), None)])
    expect('BasicTemplateAlgorithm', db, 's', config(', "fill_at": "signal_close"', 'minute'), 1)
    checks.equal(one(db, 'SELECT qty FROM bt_fill'), 688.0, 'BasicTemplateAlgorithm: shares')


def zero_fee():
    first, second = datetime(2013, 10, 7, 9, 31), datetime(2013, 10, 7, 9, 32)
    db, known = quoted()
    n = holdings(100000, known[first], 0)
    planned(db, [(epoch(first), 'SPY', n, None), (epoch(second), 'SPY', -n, None)])
    expect('ZeroFeeRegressionAlgorithm', db, 's', config(', "fill_at": "signal_close", "commission": {"model": "none"}', 'minute'), 2)
    checks.equal(n, 689, 'ZeroFeeRegressionAlgorithm: shares')


def order_tickets():
    """A share whenever an hour of minutes is complete; the last of a day is a market-on-open order."""
    hours = [datetime.strptime(day, '%Y%m%d') + timedelta(hours=h) for day in WEEK for h in range(10, 17)]
    db, _ = quoted()
    planned(db, [(epoch(h), 'SPY', 1, 'opg' if h.hour == 16 else None) for h in hours])
    expect('OrderTicketAssignmentDemoAlgorithm', db, 's', config(', "fill_at": "signal_close"', 'minute'), 34)


def limit_fills():
    """10 shares at the last price at each full hour, bought before October 9, sold after."""
    bars = adjust('spy', day_bars('second', 'spy', WEEK, 'trade'))
    db = store('SPY', 'second', bars)
    db.execute('CREATE TABLE plan(known_at INTEGER PRIMARY KEY, asset, qty, limit_price)')
    starts = [b[0] for b in bars]
    for day in WEEK:
        for h in range(10, 17):
            when = datetime.strptime(day, '%Y%m%d') + timedelta(hours=h)
            last = bars[bisect.bisect_left(starts, when) - 1]
            db.execute('INSERT INTO plan VALUES (?, ?, ?, ?)', (epoch(when), 'SPY', 10 if day < '20131009' else -10, last[4]))
    db.execute('CREATE VIEW s AS SELECT * FROM plan')
    expect('LimitFillRegressionAlgorithm', db, 's', config('', 'second'), 34)


def trailing_stops():
    """A trailing stop to buy follows the ask; the one to sell, given once that has filled, the bid."""
    first = datetime(2013, 10, 7, 9, 31)
    db, known = quoted()
    db.execute('CREATE TABLE plan(known_at INTEGER PRIMARY KEY, asset, qty, stop_price, trail_amount)')
    db.execute('INSERT INTO plan VALUES (?, ?, 100, ?, 2)', (epoch(first), 'SPY', known[first] + 2))
    db.execute('CREATE VIEW s AS SELECT * FROM plan')
    db.execute("SELECT bt_run('s', ?)", (config(', "stop_price": "worst"', 'minute'),)).fetchall()
    db.execute("INSERT INTO plan VALUES (?, 'SPY', -100, NULL, 0.5)", (one(db, 'SELECT ts FROM bt_fill') + 60,))
    expect('TrailingStopOrderRegressionAlgorithm', db, 's', config(', "stop_price": "worst"', 'minute'), 2)


for algorithm in (basic_daily, macd_trend, dividends, split_of_a_short, hour_split, basic_minute, zero_fee, order_tickets, limit_fills, trailing_stops):
    algorithm()
if '-v' in sys.argv:
    for name, orders, filled, fees, equity, want in shown:
        print(f'| `{name}` | {orders} | {filled} | {fees:.3f} | {equity:.4f} | {equity - want:.4f} |')
checks.finish()
