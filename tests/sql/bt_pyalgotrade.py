"""Strategies published with PyAlgoTrade, written as views, against the output that library printed for them.

Prices are adjusted as there: open, high and low by adjusted close / close.  Orders are decided at a close and
fill at the next open, at most a quarter of the bar's volume.  What was printed is rounded to cents; so are the
comparisons, at half a unit of the last digit.
"""
import csv
import os
import re
import sys
from datetime import datetime, timezone

sys.dont_write_bytecode = True
from bt_help import Checks, SHARED, connect, one  # noqa: E402

ROOT = os.path.join(SHARED, 'data', 'real')
DATA, EXPECTED = os.path.join(ROOT, 'data', 'pyalgotrade'), os.path.join(ROOT, 'expected', 'pyalgotrade')
if not os.path.isdir(EXPECTED):
    print('skip: no recorded runs beside the checkout')
    sys.exit(77)

checks = Checks()
CONFIG = '''{"timestep": "day", "commission": 0, "volume": {"model": "share", "share": 0.25}}'''


def load(db, asset, name, adjusted):
    """Bars of a file whose newest row may come first."""
    with open(os.path.join(DATA, name)) as f:
        rows = sorted(csv.DictReader(f), key=lambda r: r['Date'])
    for r in rows:
        ts = int(datetime.strptime(r['Date'], '%Y-%m-%d').replace(tzinfo=timezone.utc).timestamp())
        factor = float(r[adjusted]) / float(r['Close'])
        o, h, low = (float(r[k]) * factor for k in ('Open', 'High', 'Low'))
        c = float(r[adjusted])
        db.execute("INSERT INTO bars(asset, timestep, ts, open, high, low, close, volume) VALUES (?, 'day', ?, ?, ?, ?, ?, ?)",
                   (asset, ts, o, max(h, c, o), min(low, c, o), c, float(r['Volume'])))
    return len(rows)


def run(db, view, cash, config=CONFIG):
    return one(db, "SELECT bt_run(?, json_patch(?, json_object('cash', ?)))", view, config, cash)


# SMA crossover: 90 % of the cash on a cross above, out on a cross below.
db = connect()
checks.equal(load(db, 'ORCL', 'orcl-2000-yahoofinance.csv', 'Adj Close'), 252, 'bars')
db.execute('''
CREATE TEMP VIEW crossover AS
  WITH last AS (
    SELECT asset, ts, close, sma(bars, 20) AS average FROM bars('ORCL', 'day') ORDER BY ts DESC LIMIT 2
  ), pair AS (
    SELECT asset, ts, close, average, lag(close) OVER w AS close_before, lag(average) OVER w AS average_before
    FROM last WINDOW w AS (ORDER BY ts)
  )
  SELECT asset, CASE WHEN bt_qty(asset) = 0 AND close_before <= average_before AND close > average THEN CAST(bt_cash() * 0.9 / close AS INTEGER)
                     WHEN bt_qty(asset) > 0 AND close_before >= average_before AND close < average THEN -bt_qty(asset) END AS qty
  FROM pair WHERE average_before IS NOT NULL''')
r = run(db, 'crossover', 1000000)


def printed(pattern):
    return float(re.search(pattern, text).group(1))


with open(os.path.join(EXPECTED, 'sample-strategy-analyzer.output')) as f:
    text = f.read()
metric = dict(db.execute("SELECT name, value FROM bt_metric WHERE run = ? AND variant = ''", (r,)))
checks.near(one(db, 'SELECT value FROM bt_run WHERE id = ?', r), printed(r'portfolio value: \$(\S+)'), 0.005, 'final value')
checks.near(100 * one(db, 'SELECT value / cash - 1 FROM bt_run WHERE id = ?', r), printed(r'Cumulative returns: (\S+) %'), 0.005, 'return')
checks.near(-100 * metric['max_drawdown'], printed(r'Max. drawdown: (\S+) %'), 0.005, 'drawdown')
checks.near(one(db, 'SELECT max(seconds) / 86400.0 FROM bt_drawdown WHERE run = ?', r), printed(r'Longest drawdown duration: (\d+) days'), 0.5, 'its length')
trades = [p for (p,) in db.execute('SELECT sum(pnl) FROM bt_lot WHERE run = ? AND NOT open GROUP BY entry_fill ORDER BY entry_fill', (r,))]
won = [p for p in trades if p > 0]
checks.equal(len(trades), int(printed(r'Total trades: (\d+)')), 'trades')
checks.equal(len(won), int(printed(r'Profitable trades: (\d+)')), 'won')
checks.near(sum(trades) / len(trades), printed(r'Avg. profit: \$(\S+)'), 0.5, 'average')
checks.near(max(trades), printed(r'Max. profit: \$(\S+)'), 0.5, 'best')
checks.near(min(trades), printed(r'Min. profit: \$(\S+)'), 0.5, 'worst')
value = db.execute('SELECT value FROM bt_equity WHERE run = ? ORDER BY ts', (r,)).fetchall()
returns = [b / a - 1 for (a,), (b,) in zip([(1e6,)] + value, value)]
mean = sum(returns) / len(returns)
spread = (sum((x - mean) ** 2 for x in returns) / (len(returns) - 1)) ** 0.5
checks.near((mean - 0.05 / 252) / spread * 252 ** 0.5, printed(r'Sharpe ratio: (\S+)'), 0.005, 'Sharpe ratio')

# The tutorial: ten shares while the price is above its average.
db = connect()
checks.equal(load(db, 'ORCL', 'WIKI-ORCL-2000-quandl.csv', 'Adj. Close'), 252, 'bars')
db.execute('''
CREATE TEMP VIEW tutorial AS
  SELECT asset, CASE WHEN close > average AND bt_qty(asset) = 0 THEN 10 WHEN close < average AND bt_qty(asset) > 0 THEN -10 END AS qty
  FROM (SELECT asset, close, sma(bars, 15) AS average FROM bars('ORCL', 'day') ORDER BY ts DESC LIMIT 1)''')
r = run(db, 'tutorial', 1000)
with open(os.path.join(EXPECTED, 'tutorial-4.output')) as f:
    lines = [re.match(r'(\S+) \S+ strategy \[INFO\] (BUY|SELL) at \$(\S+)', line) for line in f]
want = [m.groups() for m in lines if m]
got = db.execute("SELECT date(ts, 'unixepoch'), CASE WHEN qty > 0 THEN 'BUY' ELSE 'SELL' END, price FROM bt_fill WHERE run = ? ORDER BY id", (r,)).fetchall()
checks.equal(len(got), len(want), 'fills')
checks.ok(len(want) > 40, 'fills were read')
for a, b in zip(got, want):
    checks.equal(a[:2], b[:2], 'day and side of a fill')
    checks.near(a[2], float(b[2]), 0.005, f'price of the fill on {a[0]}')
checks.near(one(db, 'SELECT value FROM bt_run WHERE id = ?', r), 974.87, 0.005, 'final value')

# Chan's example: bought once, and its Sharpe ratio.
db = connect()
load(db, 'IGE', 'sharpe-ratio-test-ige.csv', 'Adj Close')
db.execute('''
CREATE VIEW held AS SELECT min(known_at) AS known_at, asset, CAST(1000000 / close AS INTEGER) AS qty FROM bars('IGE', 'day')''')
r = run(db, 'held', 1000000, '{"timestep": "day"}')  # the file has no volume where it begins
first, last = db.execute("SELECT min(ts), max(ts) FROM bars('IGE', 'day')").fetchone()
start, end = (one(db, "SELECT close FROM bars('IGE', 'day') WHERE ts = ?", t) for t in (first, last))
checks.near(start, 42.09, 1e-9, 'bought at')
checks.near(end, 127.64, 1e-9, 'worth at the end')
fill = db.execute('SELECT qty, price, count(*) FROM bt_fill WHERE run = ?', (r,)).fetchone()
checks.equal(fill[1:], (42.09, 1), 'one fill at that price')
# Each bar has a return there, the first too: nothing was held yet.
value = [1e6] + [v for (v,) in db.execute('SELECT value FROM bt_equity WHERE run = ? ORDER BY ts', (r,))]
returns = [b / a - 1 for a, b in zip(value, value[1:])]
mean = sum(returns) / len(returns) - 0.04 / 252
spread = (sum((x - mean - 0.04 / 252) ** 2 for x in returns) / (len(returns) - 1)) ** 0.5
checks.near(mean / spread, 0.0497, 5e-5, 'Sharpe ratio of a day')
checks.near(mean / spread * 252 ** 0.5, 0.7889, 5e-5, 'Sharpe ratio of a year')
checks.finish()
