"""The run published with nautilus_trader on minutes of GBPUSD, bid and ask, as a strategy view under the profile nautilus.

The strategy: averages of 10 and 20 bids that start with the first value; long where the fast one is not below the slow one, else short.
nautilus hands over the bid of a minute before its ask, so that the strategy trades at quotes of the minute before: the view says so, its
rows act from the end of the bar before the one they were decided on.  A book of one level has 250,000 at the best price; the rest of a
million fills a tick worse.  The numbers of orders, fills, positions and events of the account, and the balance to the cent, must be those published.

Needs the recording, which is not part of the source; without it the test is skipped.
"""
import csv
import json
import os
import sys
from datetime import datetime, timezone
from zoneinfo import ZoneInfo

sys.dont_write_bytecode = True
from bt_help import Checks, SHARED, connect, one  # noqa: E402

ROOT = os.path.join(SHARED, 'data', 'real')
RECORDED = os.path.join(ROOT, 'expected', 'nautilus', 'cases_dev.json')
if not os.path.exists(RECORDED):
    print('no recorded runs beside the checkout')
    sys.exit(77)
checks = Checks()
case, = json.load(open(RECORDED))
want = case['published']
bid, ask, interest = (os.path.join(ROOT, name) for name in case['data'])

db = connect()
checks.equal(one(db, "SELECT bars_import(?, 'GBPUSD', 'minute bid') ->> '$.rows'", bid), want['bars'], 'bars of the bid')
checks.equal(one(db, "SELECT bars_import(?, 'GBPUSD', 'minute ask') ->> '$.rows'", ask), want['bars'], 'bars of the ask')
db.execute("""
CREATE VIEW cross AS
  WITH RECURSIVE bar AS MATERIALIZED (SELECT row_number() OVER (ORDER BY ts) AS n, close, high > low AS moved,
                                             lag(known_at) OVER (ORDER BY ts) AS before FROM bars('GBPUSD', 'minute bid')),
  average(n, fast, slow) AS (SELECT n, close, close FROM bar WHERE n = 1
    UNION ALL SELECT bar.n, fast + (close - fast) * 2 / 11, slow + (close - slow) * 2 / 21 FROM average JOIN bar ON bar.n = average.n + 1)
  SELECT before AS known_at, 'GBPUSD' AS asset, iif(fast >= slow, 1000000, -1000000) AS target_qty
  FROM average JOIN bar USING (n) WHERE n >= 20 AND moved ORDER BY n""")

# What a night costs: nautilus takes the interest of the currency bought less that of the one sold, whatever the side.
rates = {(r['LOCATION'], r['TIME']): float(r['Value']) for r in csv.DictReader(open(interest))}
db.execute('CREATE TABLE nights(known_at, asset, kind, rate)')
for month in ('2012-02', '2012-03'):
    start = int(datetime.strptime(month, '%Y-%m').replace(tzinfo=timezone.utc).timestamp())
    db.execute("INSERT INTO nights VALUES (?, 'GBPUSD', 'rollover', ?)", (start, (rates['USA', month] - rates['GBR', month]) / 100))
config = {'profile': 'nautilus', 'assets': ['GBPUSD'], 'timestep': 'minute bid', 'commission.rate': 0.00002, 'depth.size': 250000, 'tick': 0.00001,
          'flip': 'close_first', 'rebalance': 'on_change', 'finish': 'last_close', 'financing.rates': 'nights'}
run = one(db, "SELECT bt_run('cross', ?)", json.dumps(config))

# The run again, order by order.
quotes = {}
for side, name in (('bid', bid), ('ask', ask)):
    import gzip
    for r in csv.DictReader(gzip.open(name, 'rt')):
        quotes.setdefault(int(datetime.fromisoformat(r['timestamp']).timestamp()), {})[side] = float(r['close'])
fills = db.execute('SELECT order_id, ts, qty, price, commission FROM bt_fill WHERE run = ? ORDER BY id', (run,)).fetchall()
checks.equal(len(fills), 2 * want['orders'], 'fills')
checks.equal(one(db, "SELECT count(*) FROM bt_order WHERE run = ? AND state = 'filled'", run), want['orders'], 'orders that filled')
checks.equal(one(db, 'SELECT count(*) FROM bt_order WHERE run = ?', run), want['orders'], 'orders')
wrong = short = 0
for first, rest in zip(fills[::2], fills[1::2]):
    side = 1 if first[2] > 0 else -1
    best = quotes[first[1] - 60]['ask' if side > 0 else 'bid']
    right = first[0] == rest[0] and abs(first[3] - best) < 1e-12 and abs(rest[3] - best - side * 1e-5) < 1e-12
    wrong += not (right and (first[2], rest[2]) == (side * 250000.0, side * 750000.0))
    short += any(abs(f[4] * 100 - round(f[4] * 100)) > 1e-6 or abs(f[4] - abs(f[2]) * f[3] * 2e-5) > 0.005 + 1e-9 for f in (first, rest))
checks.equal(wrong, 0, 'each order fills 250,000 at the quote before, and 750,000 a tick worse')
checks.equal(short, 0, 'commissions in cents')
position, positions = 0.0, 0
for f in fills:
    positions += position == 0
    position += f[2]
checks.equal(positions, want['positions'], 'positions')
checks.equal(position, 0.0, 'flat at the end')

# Nights: one for each UTC day that has bars, of the day it is in New York when its first bar begins, with the first bar at 17:00 of it or later;
# three for Wednesday and Friday; at the middle of the closes before and the month's rates, in cents, whatever the side.
york, due, day, before, nights = ZoneInfo('America/New_York'), None, None, None, []
for ts in sorted(quotes):
    here = datetime.fromtimestamp(ts, york)
    if ts // 86400 != day:
        day, due = ts // 86400, here.replace(hour=17, minute=0)
    if due and here >= due:
        if before:
            month = datetime.fromtimestamp(ts, timezone.utc).strftime('%Y-%m')
            mid = (quotes[before]['bid'] + quotes[before]['ask']) / 2
            paid = 1e6 * mid * (rates['GBR', month] - rates['USA', month]) / 100 / 365 * {2: 3, 4: 3}.get(due.weekday(), 1)
            nights.append((ts, -int(paid * 100 + 0.5) / 100))
        due = None
    before = ts
booked = db.execute("SELECT ts, amount FROM bt_cash_flow WHERE run = ? AND kind = 'rollover' ORDER BY ts", (run,)).fetchall()
checks.equal([ts for ts, _ in booked], [ts for ts, _ in nights], 'nights')
checks.ok(all(abs(a - b) < 1e-9 for (_, a), (_, b) in zip(booked, nights)), 'what they cost, on both sides')
checks.equal(len(fills) + len(nights) + 1, want['account_events'], 'events of the account: the start, fills, nights')
value = one(db, 'SELECT value FROM bt_run WHERE id = ?', run)
if '-v' in sys.argv:
    print(f"| `{case['case'].split('.')[-1]}` | {want['bars']} | {len(fills) // 2} | {len(fills)} | {value:.2f} | {want['balance_usd']} | {value - want['balance_usd']:.2f} |")
checks.near(value, want['balance_usd'], 0.0001, 'balance, to the cent')
checks.finish()
