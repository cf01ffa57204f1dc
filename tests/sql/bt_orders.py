"""Orders that rest, from SQL: every type, brackets, times in force, in set mode and in step mode.

Each row of the strategies opens one unit more of a position that only brackets close, so every order has a
life of its own, and a model written here from docs/backtest.md alone can follow them one by one: on which bar
each fills, at what price, whether that was a guess.  The model walks each bar as the document states the
rules; it shares nothing with the simulator.
"""
import math
import random
import sys

sys.dont_write_bytecode = True
from bt_help import Checks, connect, one  # noqa: E402

checks = Checks()
BARS, STEP, START = 3000, 3600, 1704067200  # hours from 2024-01-01
DAY = 86400


def make_bars(seed):
    rng, price, bars = random.Random(seed), 100.0, []
    for i in range(BARS):
        if rng.random() < 0.02:
            continue  # a missing bar
        o = round(price * (1 + rng.gauss(0, 0.004)), 2)
        c = round(o * (1 + rng.gauss(0, 0.006)), 2)
        h = round(max(o, c) * (1 + abs(rng.gauss(0, 0.004))), 2)
        low = round(min(o, c) * (1 - abs(rng.gauss(0, 0.004))), 2)
        bars.append((START + i * STEP, o, h, low, c))
        price = c
    return bars


DATA = {'LONG': make_bars(1), 'SHORT': make_bars(2)}
TYPES = ('market', 'limit', 'stop', 'stop_limit', 'trailing_stop', 'market_if_touched', 'limit_if_touched')
TIFS = ('gtc', 'day', 'gtd', 'ioc', 'fok')

# n counts the bars from 1.  All prices are rounded to cents, so that both languages have the same numbers.
ROW = '''asset, side AS qty, type AS order_type,
  CASE WHEN type = 'limit' THEN round(close * (1 - side * 0.004), 2)
       WHEN type = 'limit_if_touched' THEN round(close * (1 - side * (0.003 + 0.002 * (n % 3 - 1))), 2)
       WHEN type = 'stop_limit' THEN round(close * (1 + side * (0.003 + 0.002 * (n % 3 - 1))), 2) END AS limit_price,
  CASE WHEN type IN ('stop', 'stop_limit') THEN round(close * (1 + side * 0.003), 2)
       WHEN type IN ('market_if_touched', 'limit_if_touched') THEN round(close * (1 - side * 0.003), 2) END AS stop_price,
  CASE WHEN type = 'trailing_stop' AND n % 2 THEN 0.8 END AS trail_amount,
  CASE WHEN type = 'trailing_stop' AND NOT n % 2 THEN 0.5 END AS trail_percent,
  tif, CASE WHEN tif = 'gtd' THEN known_at + 7200 END AS expire_at,
  CASE WHEN n % 4 THEN round(close * (1 + side * 0.012), 2) END AS take_profit,
  CASE WHEN n % 3 THEN round(close * (1 - side * 0.012), 2) END AS stop_loss, 'n' || n AS tag'''
FROM = '''(SELECT known_at, asset, close, (ts - {start}) / {step} + 1 AS n,
  CASE asset WHEN 'LONG' THEN 1 ELSE -1 END AS side,
  CASE ((ts - {start}) / {step} + 1) % 7 {types} END AS type,
  CASE ((ts - {start}) / {step} + 1) / 7 % 5 {tifs} END AS tif FROM {rows})'''


def cases(names):
    return ' '.join(f"WHEN {i} THEN '{name}'" for i, name in enumerate(names))


def view(rows, known_at):
    source = FROM.format(start=START, step=STEP, types=cases(TYPES), tifs=cases(TIFS), rows=rows)
    return f'SELECT {known_at} {ROW} FROM {source}'


def database():
    db = connect()
    for asset, bars in DATA.items():
        db.executemany(f"INSERT INTO bars(asset, timestep, ts, open, high, low, close) VALUES ('{asset}', 'hour', ?, ?, ?, ?, ?)",
                       bars)
    both = "bars WHERE asset IN ('LONG', 'SHORT') AND timestep = 'hour'"
    db.execute('CREATE VIEW by_set AS ' + view(both, 'known_at,'))
    newest = "bars_asof({a}, 'hour')"
    step = ' UNION ALL '.join(f"SELECT * FROM ({view(newest.format(a=chr(39) + a + chr(39)), '')}) WHERE is_new(asset)"
                              for a in DATA)
    db.create_function('is_new', 1, lambda asset: db.execute(
        "SELECT known_at = bars_clock() FROM bars_asof(?, 'hour')", (asset,)).fetchone() == (1,))
    db.execute('CREATE TEMP VIEW by_step AS ' + step)
    return db


def run(db, name, policy='stop_first'):
    return one(db, 'SELECT bt_run(?, ?)', name,
               f'{{"cash": 1e9, "same_bar": "{policy}", "timestep": "hour", "assets": ["LONG", "SHORT"]}}')


# ---- the model.  A bar of a short is turned upside down, so that all is said for a buy once.


def turned(bar, side):
    ts, o, h, low, c = bar
    return (ts, o, h, low, c) if side > 0 else (ts, -o, -low, -h, -c)


def entry_fill(order, bars):
    """(index of the bar, price, how it got there), or None; prices upside down for a sell."""
    side, stop, triggered, until = order['side'], order['stop'], False, order['until']
    for i, raw in enumerate(bars):
        if raw[0] < order['ts']:
            continue
        ts, o, h, low, c = turned(raw, side)
        if order['tif'] == 'day' and until is None:
            until = ts - ts % DAY + DAY
        if until is not None and ts >= until:
            return None
        kind, limit = order['type'], order['limit']
        fill = None
        if kind == 'market':
            fill = (o, 'open')
        elif kind == 'limit' or triggered:
            fill = (o, 'open') if o <= limit else (limit, 'fall') if low <= limit else None
        elif kind in ('stop', 'trailing_stop'):
            fill = (o, 'open') if o >= stop else (stop, 'rise') if h >= stop else None
        elif kind == 'market_if_touched':
            fill = (o, 'open') if o <= stop else (stop, 'fall') if low <= stop else None
        elif kind == 'limit_if_touched':
            triggered = low <= stop
            if o <= stop and o <= limit:
                fill = (o, 'open')
            elif o > stop and triggered and limit >= stop:
                fill = (stop, 'fall')
            elif triggered and low <= limit:
                fill = (limit, 'fall')
        elif o >= stop:
            triggered = True
            fill = (o, 'open') if o <= limit else (limit, 'fall') if low <= limit else None
        elif h >= stop:
            triggered = True
            fill = (stop, 'rise') if limit >= stop else (limit, 'close only') if c <= limit else None
        if order['tif'] in ('ioc', 'fok') and (not fill or fill[1] != 'open'):
            return None
        if fill:
            return (i,) + fill
        if kind == 'trailing_stop':
            near = low + order['trail'] if order['trail'] else low + abs(low) * order['percent'] / 100
            stop = min(stop, near)
    return None


def exit_fill(order, entry, bars):
    """(time, price, which, guess) of the bracket, or None; policy stop_first."""
    at, price, how = entry
    guess = False
    for i in range(at, len(bars)):
        ts, o, h, low, c = turned(bars[i], order['side'])
        loss, profit = order['loss'], order['profit']
        way = how if i == at else 'open'
        if way == 'open' and loss is not None and o <= loss or i == at and loss is not None and price <= loss:
            return ts, o if way == 'open' else price, 'stop', guess
        if way == 'open' and profit is not None and o >= profit:
            return ts, o, 'limit', guess
        down = loss is not None and low <= loss
        up = profit is not None and h >= profit
        sure_down = down and (way in ('open', 'fall') or c <= loss)
        sure_up = up and (way in ('open', 'rise') or c >= profit)
        if down and up or down != sure_down or up != sure_up:
            guess = True
        if down:
            return ts, loss, 'stop', guess
        if sure_up:
            return ts, profit, 'limit', guess
    return None


def near(a, b):
    return abs(a - b) < 1e-9


def compare(db, run_id):
    """Every order of the run against the model."""
    rows = db.execute('SELECT * FROM bt_order WHERE run = ? ORDER BY id', (run_id,))
    names = [d[0] for d in rows.description]
    orders = [dict(zip(names, r)) for r in rows]
    fills = {}
    for order, ts, price, guess in db.execute('SELECT order_id, ts, price, ambiguous FROM bt_fill WHERE run = ?', (run_id,)):
        fills.setdefault(order, []).append((ts, price, guess))
    children = {}
    for o in orders:
        if o['parent']:
            children.setdefault(o['parent'], {})[o['order_type']] = o
    seen, wrong = {'entries': 0, 'exits': 0, 'guesses': 0, 'unfilled': 0}, []
    for o in orders:
        if o['parent'] or o['state'] == 'rejected':
            continue
        side = 1 if o['qty'] > 0 else -1
        close = dict((b[0] + STEP, b[4]) for b in DATA[o['asset']])[o['ts']]
        kids = children.get(o['id'], {})
        start = close + side * (o['trail_amount'] or close * (o['trail_percent'] or 0) / 100)
        m = {'ts': o['ts'], 'side': side, 'type': o['order_type'], 'tif': o['tif'],
             'until': o['ts'] + 7200 if o['tif'] == 'gtd' else None,
             'limit': None if o['limit_price'] is None else side * o['limit_price'],
             'stop': side * (start if o['order_type'] == 'trailing_stop' else o['stop_price'] or 0),
             'trail': o['trail_amount'], 'percent': o['trail_percent'],
             'loss': side * kids['stop']['stop_price'] if 'stop' in kids else None,
             'profit': side * kids['limit']['limit_price'] if 'limit' in kids else None}
        bars = DATA[o['asset']]
        want, got = entry_fill(m, bars), fills.get(o['id'])
        if want is None:
            seen['unfilled'] += 1
            if got or o['state'] not in ('expired', 'cancelled'):
                wrong.append((o['tag'], 'no fill', got))
            continue
        seen['entries'] += 1
        if not got or got[0][0] != bars[want[0]][0] or not near(got[0][1], abs(want[1])) or got[0][2]:
            wrong.append((o['tag'], want, got))
            continue
        leave = exit_fill(m, want, bars)
        for kind in kids:
            hit = fills.get(kids[kind]['id'])
            mine = leave if leave and leave[2] == kind else None
            if mine is None and hit or mine and (not hit or hit[0][0] != mine[0] or not near(hit[0][1], abs(mine[1]))
                                                 or hit[0][2] != int(mine[3])):
                wrong.append((o['tag'], kind, mine, hit))
        seen['exits'] += leave is not None
        seen['guesses'] += leave is not None and leave[3]
    checks.equal(wrong[:3], [], f'orders unlike the model ({len(wrong)})')
    for what, n in seen.items():
        checks.ok(n > 100 or what == 'guesses' and n > 20, f'enough {what}: {n}')
    print(seen)


def invariants(db, run_id):
    def count(sql):
        return one(db, sql, run_id)
    checks.equal(count("SELECT count(*) FROM bt_fill f JOIN bars b ON b.asset = f.asset AND b.timestep = 'hour' AND b.ts = f.ts"
                       ' WHERE f.run = ? AND f.price NOT BETWEEN b.low AND b.high'), 0, 'fills outside their bars')
    checks.equal(count("SELECT count(*) FROM bt_fill f LEFT JOIN bars b ON b.asset = f.asset AND b.timestep = 'hour'"
                       ' AND b.ts = f.ts WHERE f.run = ? AND b.ts IS NULL'), 0, 'fills without a bar')
    checks.equal(count('SELECT count(*) FROM bt_fill f JOIN bt_order o ON o.run = f.run AND o.id = f.order_id'
                       ' WHERE f.run = ? AND f.ts < o.ts'), 0, 'fills before their orders')
    checks.equal(count('SELECT count(*) - max(id) FROM bt_order WHERE run = ?'), 0, 'orders that are missing')
    checks.equal(count("SELECT count(*) FROM bt_order WHERE run = ? AND state <> 'filled' AND reason = ''"), 0, 'no reason')
    left, right = db.execute('SELECT (SELECT sum(pnl) FROM bt_lot WHERE run = bt_run.id), value - cash FROM bt_run WHERE id = ?',
                             (run_id,)).fetchone()
    checks.ok(math.isclose(left, right, abs_tol=1e-5), f'identity: {left} and {right}')
    want = count('SELECT coalesce(sum(pnl), 0.0) FROM bt_lot l WHERE run = ? AND EXISTS (SELECT 1 FROM bt_fill f WHERE f.run ='
                 ' l.run AND f.id IN (l.entry_fill, l.exit_fill) AND f.ambiguous)')
    checks.near(count('SELECT pnl FROM bt_ambiguous WHERE run = ?'), want, 1e-6, 'bt_ambiguous')


def rows_of(db, run_id):
    return {t: [r[1:] for r in db.execute(f'SELECT * FROM {t} WHERE run = ?', (run_id,))]
            for t in ('bt_order', 'bt_fill', 'bt_lot', 'bt_equity', 'bt_position')}


def cancel_and_replace():
    """Rows that cancel and replace, by tag; the same in both modes."""
    db = connect()
    db.executemany("INSERT INTO bars(asset, timestep, ts, open, high, low, close) VALUES ('A', 'hour', ?, ?, ?, ?, ?)",
                   [(START + i * STEP, 100, 101, 99, 100) for i in range(6)])
    db.execute('CREATE TABLE plan(n, qty, limit_price, tag, "cancel", "replace")')
    db.executemany('INSERT INTO plan VALUES (?, ?, ?, ?, ?, ?)',
                   [(1, 5, 90, 'a', None, None), (2, None, 99.5, None, None, 'a'), (3, None, None, None, 'a', None),
                    (3, 7, 80, 'b', None, None), (4, 3, 99, 'c', 'b', None), (5, None, None, None, '*', None)])
    columns = 'qty, limit_price, tag, "cancel", "replace"'
    db.execute(f"CREATE VIEW by_set AS SELECT {START} + n * {STEP} AS known_at, 'A' AS asset, {columns} FROM plan")
    db.execute(f"CREATE VIEW by_step AS SELECT asset, {columns} FROM bars_asof('A', 'hour') JOIN plan"
               f" ON n = (known_at - {START}) / {STEP}")
    config = '{"assets": ["A"], "timestep": "hour"}'
    a, b = (one(db, 'SELECT bt_run(?, ?)', v, config) for v in ('by_set', 'by_step'))
    checks.equal(rows_of(db, a), rows_of(db, b), 'cancel and replace in both modes')
    got = db.execute("SELECT id, ask, tag, filled, price, state, reason FROM bt_order WHERE run = ? ORDER BY id", (a,)).fetchall()
    checks.equal(got, [
        (1, 'qty', 'a', 0.0, None, 'cancelled', 'replaced'),
        (2, 'qty', 'a', 5.0, 99.5, 'filled', ''),
        (3, 'cancel', 'a', 0.0, None, 'rejected', 'no waiting order has this tag'),
        (4, 'qty', 'b', 0.0, None, 'cancelled', 'cancelled'),
        (5, 'qty', 'c', 3.0, 99.0, 'filled', '')], 'cancel and replace')


def older_table():
    """bt_order as the first version made it gets the columns it lacks."""
    db = connect()
    db.execute('CREATE TABLE bt_order(run INTEGER NOT NULL, id INTEGER NOT NULL, ts INTEGER NOT NULL, done_ts INTEGER NOT NULL,'
               ' asset TEXT NOT NULL, ask TEXT NOT NULL, amount REAL NOT NULL, qty REAL NOT NULL, filled REAL NOT NULL,'
               ' price REAL, state TEXT NOT NULL, reason TEXT NOT NULL, tag TEXT, PRIMARY KEY(run, id)) WITHOUT ROWID')
    db.execute("INSERT INTO bt_order VALUES (1, 1, 0, 0, 'A', 'qty', 1, 1, 1, 5, 'filled', '', NULL)")
    db.execute("INSERT INTO bars(asset, timestep, ts, open, high, low, close) VALUES ('A', 'day', 0, 1, 1, 1, 1), ('A', 'day', 86400, 1, 1, 1, 1)")
    db.execute("CREATE VIEW s AS SELECT known_at, asset, 1 AS qty FROM bars('A', 'day') LIMIT 1")
    checks.equal(one(db, "SELECT bt_run('s')"), 2, 'a run beside older rows')
    checks.equal(db.execute('SELECT run, order_type, limit_price, tif, parent FROM bt_order ORDER BY run').fetchall(),
                 [(1, 'market', None, 'gtc', None), (2, 'market', None, 'gtc', None)], 'older rows')


def main():
    db = database()
    a, b = run(db, 'by_set'), run(db, 'by_step')
    left, right = rows_of(db, a), rows_of(db, b)
    for table in left:
        checks.ok(left[table] == right[table], f'{table} differs between the modes')
    compare(db, a)
    for policy in ('stop_first', 'limit_first', 'nearest_extreme', 'ohlc', 'olhc', 'defer'):
        invariants(db, run(db, 'by_set', policy))
    cancel_and_replace()
    older_table()
    checks.finish()


main()
