"""Runs on quoted bars: buys meet the ask, sells the bid.

Metamorphic: one order of any type, on an asset with bars of trades, bid and ask, does what it does on an asset whose own bars are those
of the order's side, and orders for the open or the close of a day what they do on the trades.  By hand: brackets, groups, sides that are missing, what positions are valued at, what is recorded as input.
"""
import json
import random
import sys

sys.dont_write_bytecode = True
from bt_help import Checks, connect, one  # noqa: E402

checks = Checks()
START = 1704189600
PUT = 'INSERT OR REPLACE INTO bars(asset, timestep, ts, open, high, low, close, volume) VALUES (?, ?, ?, ?, ?, ?, ?, ?)'


def put(db, asset, step, bars, first=0):
    db.executemany(PUT, [(asset, step, START + 60 * (first + i), *b, 1000) for i, b in enumerate(bars) if b])


def walk(rng, n):
    """Bars of the bid and of the ask that share no more than a market, and trades between them."""
    price, out = 100.0, []
    for _ in range(n):
        path = [price + rng.gauss(0, 0.4) for _ in range(6)]
        half = [rng.choice((0.01, 0.05, 0.3)) for _ in range(6)]
        bid = [round(p - h, 2) for p, h in zip(path, half)]
        ask = [round(p + h, 2) for p, h in zip(path, half)]
        last = [round(rng.uniform(b, a), 2) for b, a in zip(bid, ask)]
        out.append([(x[0], max(x), min(x), x[-1]) for x in (last, bid, ask)])
        price = path[-1]
    return list(zip(*out))


def order_of(rng, price):
    near = lambda: round(price + rng.uniform(-1.2, 1.2), 2)  # noqa: E731
    kind = rng.choice(('market', 'limit', 'stop', 'stop_limit', 'trailing_stop', 'trailing_stop', 'market_if_touched', 'limit_if_touched', 'market_on_open', 'market_on_close',
                       'limit_on_close', 'fok'))
    row = {'qty': rng.choice((10, -10)), 'order_type': kind, 'limit_price': None, 'stop_price': None, 'trail_amount': None, 'tif': None}
    if 'limit' in kind or kind == 'fok':
        row['limit_price'] = near()
    if 'stop' in kind or 'touched' in kind:
        row['stop_price'] = near()
    if kind == 'trailing_stop':
        row['trail_amount'] = round(rng.uniform(0.1, 1), 2)
    if kind == 'fok':
        row['order_type'], row['tif'] = 'limit', 'fok'
    return row


def same_as_one_side():
    rng = random.Random(7)
    fills = 0
    for trial in range(160):
        trades, bid, ask = walk(rng, 30)
        db = connect()
        db.execute('BEGIN')
        for step, bars in (('minute', trades), ('minute bid', bid), ('minute ask', ask)):
            put(db, 'Q', step, bars)
        put(db, 'LAST', 'minute', trades)
        put(db, 'BID', 'minute', bid)
        put(db, 'ASK', 'minute', ask)
        db.execute('COMMIT')
        if trial % 2:
            db.execute('SELECT bars_compact()').fetchall()
        at = rng.randrange(1, 8)
        order = order_of(rng, trades[at - 1][3])
        if order['order_type'] == 'trailing_stop' and order['qty'] * (order['stop_price'] - trades[at - 1][3]) < 0:
            order['stop_price'] = round(2 * trades[at - 1][3] - order['stop_price'], 2)
        db.execute(f"CREATE TABLE o(known_at, asset, {', '.join(order)})")
        knobs = {'timestep': 'minute', 'wrong_side': 'allow', 'fill_at': rng.choice(('next_open', 'next_open', 'signal_close', 'next_close')),
                 'stop_price': rng.choice(('level', 'worst')), 'limit_fill': rng.choice(('touch', 'through')), 'slippage': {'model': 'percentage', 'rate': rng.choice((0, 0.001))},
                 'commission.rate': 0.001, 'same_bar': rng.choice(('stop_first', 'ohlc', 'finer')),
                 'profile': rng.choice(('default', 'lean', 'lean', 'backtrader', 'backtesting.py')), 'quotes': 'use', 'finish': rng.choice(('mark', 'last_close'))}
        if knobs['profile'] in ('backtrader', 'backtesting.py') and knobs['fill_at'] == 'next_close':
            knobs['fill_at'] = 'next_open'
        got = []
        alone = 'LAST' if '_on_' in order['order_type'] else 'ASK' if order['qty'] > 0 else 'BID'
        for asset in ('Q', alone):
            db.execute('DELETE FROM o')
            db.execute(f"INSERT INTO o VALUES (?, ?, {', '.join('?' * len(order))})", (START + 60 * at, asset, *order.values()))
            view = f's{asset}'
            db.execute(f'CREATE VIEW {view} AS SELECT * FROM o')
            run = one(db, 'SELECT bt_run(?, ?)', view, json.dumps(dict(knobs, assets=[asset])))
            got.append((db.execute('SELECT ts, qty, price, commission, slippage FROM bt_fill WHERE run = ? AND order_id = 1', (run,)).fetchall(),
                        db.execute('SELECT state, reason, stop_price FROM bt_order WHERE run = ? AND id = 1', (run,)).fetchall()))
        fills += len(got[0][0])
        checks.equal(got[0], got[1], f'trial {trial}: {order} {knobs}')
    checks.ok(fills > 60, f'orders that filled: {fills}')


def same_without_trades():
    """Orders that meet quotes do the same wherever the asset trades: X trades in every minute, Y in few of them, both have the same quotes."""
    rng = random.Random(21)
    fills = alone = 0
    for trial in range(160):
        n = 40
        trades, bid, ask = walk(rng, n)
        db = connect()
        db.execute('BEGIN')
        few = [b if i == 0 or rng.random() < 0.25 else None for i, b in enumerate(trades)]
        for asset, own in (('X', trades), ('Y', few)):
            for step, bars in (('minute', own), ('minute bid', bid), ('minute ask', ask)):
                put(db, asset, step, bars)
        db.execute('COMMIT')
        rows = []
        for _ in range(rng.choice((1, 2, 5))):
            at = rng.randrange(1, n - 2)
            o = order_of(rng, trades[at - 1][3])
            while o['order_type'].endswith(('_open', '_close')):
                o = order_of(rng, trades[at - 1][3])
            up, down = trades[at - 1][3] + rng.uniform(0.5, 2), trades[at - 1][3] - rng.uniform(0.5, 2)
            both = rng.random() < 0.4
            o['take_profit'], o['stop_loss'] = ((up, down) if o['qty'] > 0 else (down, up)) if both else (None, None)
            rows.append((START + 60 * at, *o.values()))
        names = 'known_at, ' + ', '.join(o)
        db.execute(f'CREATE TABLE o({names})')
        db.executemany(f"INSERT INTO o VALUES ({', '.join('?' * len(rows[0]))})", sorted(rows, key=lambda r: r[0]))
        knobs = {'leverage': 1000, 'wrong_side': 'allow', 'mark': 'mid', 'fill_at': rng.choice(('next_open', 'next_open', 'signal_close', 'next_close')),
                 'same_bar': rng.choice(('stop_first', 'limit_first', 'nearest_extreme', 'ohlc')), 'finish': rng.choice(('mark', 'last_close'))}
        # What is not held is worth its last trade with mark exit: exits are checked against that, and so is what fills at a close valued.
        if not any(r[-1] for r in rows) and knobs['fill_at'] != 'next_close':
            knobs['mark'] = rng.choice(('mid', 'exit'))
        got = []
        for asset in 'XY':
            db.execute('DROP VIEW IF EXISTS s')
            db.execute(f"CREATE VIEW s AS SELECT *, '{asset}' AS asset FROM o")
            run = one(db, "SELECT bt_run('s', ?)", json.dumps({'assets': [asset], 'timestep': 'minute', **knobs}))
            got.append((db.execute('SELECT ts, qty, round(price, 9), ambiguous FROM bt_fill WHERE run = ? ORDER BY id', (run,)).fetchall(),
                        db.execute('SELECT state, reason FROM bt_order WHERE run = ? ORDER BY id', (run,)).fetchall(),
                        db.execute('SELECT ts, round(value, 6) FROM bt_equity WHERE run = ? ORDER BY ts', (run,)).fetchall()))
        fills += len(got[0][0])
        alone += sum(not few[(ts - START) // 60] for ts, *_ in got[1][0] if (ts - START) // 60 < n)
        for k, what in enumerate(('fills', 'orders', 'equity')):
            checks.equal(got[1][k], got[0][k], f'trial {trial}: {what} of {rows} {knobs}')
    checks.ok(fills > 200 and alone > 100, f'fills: {fills}, {alone} of them where there is no trade')


def run_of(db, rows, config, columns='known_at, asset, qty, order_type, limit_price, stop_price, take_profit, stop_loss, oco'):
    """Rows: (minute, asset, qty, order_type, limit, stop, take_profit, stop_loss, oco)."""
    db.execute('DROP VIEW IF EXISTS s')
    db.execute('DROP TABLE IF EXISTS o')
    db.execute(f'CREATE TABLE o({columns})')
    for r in rows:
        r = list(r) + [None] * (len(columns.split(', ')) - len(r))
        db.execute(f"INSERT INTO o VALUES ({', '.join('?' * len(r))})", (START + 60 * r[0], *r[1:]))
    db.execute('CREATE VIEW s AS SELECT * FROM o')
    return one(db, "SELECT bt_run('s', ?)", json.dumps(dict({'assets': ['Q'], 'timestep': 'minute'}, **config)))


def fills_of(db, run, columns='(ts - 1704189600) / 60, qty, price'):
    return db.execute(f'SELECT {columns} FROM bt_fill WHERE run = ? ORDER BY id', (run,)).fetchall()


def quoted(trades, bid, ask):
    db = connect()
    put(db, 'Q', 'minute', trades)
    put(db, 'Q', 'minute bid', bid)
    put(db, 'Q', 'minute ask', ask)
    return db


FLAT = (10, 10, 10, 10)
BID = (9, 9, 9, 9)
ASK = (11, 11, 11, 11)


def by_hand():
    db = quoted([FLAT] * 6, [BID] * 6, [ASK] * 6)
    run = run_of(db, [(1, 'Q', 5), (3, 'Q', -5)], {})
    checks.equal(fills_of(db, run), [(1, 5.0, 11.0), (3, -5.0, 9.0)], 'market orders')
    checks.equal(one(db, 'SELECT pnl FROM bt_trade WHERE run = ?', run), -10.0, 'a round trip costs the spread')
    run = run_of(db, [(1, 'Q', 5), (3, 'Q', -5)], {'quotes': 'ignore'})
    checks.equal(fills_of(db, run), [(1, 5.0, 10.0), (3, -5.0, 10.0)], 'quotes ignored')
    for profile, price in (('lean', 11.0), ('backtrader', 10.0), ('backtesting.py', 10.0), ('zipline', 10.0), ('vectorbt', 10.0), ('ml4t', 10.0), ('lumibot', 10.0)):
        run = run_of(db, [(1, 'Q', 5)], {'profile': profile, 'slippage': {'bps': 0}} if profile == 'zipline' else {'profile': profile})
        checks.equal([f[2] for f in fills_of(db, run)], [price], f'profile {profile}')
    # a limit between bid and ask, a target of a flat account, one that turns
    run = run_of(db, [(1, 'Q', 5, 'limit', 10.5)], {})
    checks.equal(fills_of(db, run), [], 'a bid between the sides waits')
    run = run_of(db, [(1, 'Q', 5, 'limit', 11), (2, 'Q', -5, 'limit', 9)], {})
    checks.equal([f[2] for f in fills_of(db, run)], [11.0, 9.0], 'limits at the sides')
    for size_at in ('decision', 'fill', 'open'):
        run = run_of(db, [(1, 'Q', 0.5), (2, 'Q', -0.5), (4, 'Q', 0)], {'cash': 1000, 'size_at': size_at, 'leverage': 2}, 'known_at, asset, target_weight')
        checks.equal([f[2] for f in fills_of(db, run)], [11.0, 9.0, 11.0], f'weights sized at the {size_at}')
    run = run_of(db, [(1, 'Q', 5)], {'finish': 'last_close'})
    checks.equal([f[2] for f in fills_of(db, run)], [11.0, 9.0], 'closed at the end at the bid')
    run = run_of(db, [(1, 'Q', 5), (3, 'Q', -5)], {'fill_at': 'signal_close'})
    checks.equal([f[2] for f in fills_of(db, run)], [11.0, 9.0], 'at the close that was seen')
    run = run_of(db, [(1, 'Q', 5), (2, 'Q', -5)], {}, 'known_at, asset, target_qty')
    checks.equal([f[1:] for f in fills_of(db, run)], [(5.0, 11.0), (-10.0, 9.0)], 'a target that turns the position')


def brackets():
    flat = [FLAT] * 8
    # the bid reaches the target, the ask has been beyond the stop of nothing
    bid = [BID, BID, (9, 12.5, 9, 12), (12, 12, 12, 12)] + [BID] * 4
    ask = [ASK, ASK, (11, 14, 11, 13), (13, 13, 13, 13)] + [ASK] * 4
    db = quoted(flat, bid, ask)
    run = run_of(db, [(1, 'Q', 5, None, None, None, 12.4, 5)], {})
    checks.equal(fills_of(db, run), [(1, 5.0, 11.0), (2, -5.0, 12.4)], 'take profit of a long on the bid')
    run = run_of(db, [(1, 'Q', 5, None, None, None, 13.5, 5)], {})
    checks.equal(len(fills_of(db, run)), 1, 'the high of the ask is not the bid\'s')
    run = run_of(db, [(1, 'Q', -5, None, None, None, 3, 13.5)], {})
    checks.equal(fills_of(db, run), [(1, -5.0, 9.0), (2, 5.0, 13.5)], 'stop loss of a short on the ask')
    run = run_of(db, [(1, 'Q', -5, None, None, None, 3, 14.5)], {})
    checks.equal(len(fills_of(db, run)), 1, 'a stop above the ask stays')
    # an entry at the open: its exits see the whole bar, of the other side
    bid = [BID, (9, 9, 6, 9)] + [BID] * 6
    ask = [ASK, (11, 11, 8, 11)] + [ASK] * 6
    db = quoted(flat, bid, ask)
    run = run_of(db, [(1, 'Q', 5, None, None, None, 20, 7)], {})
    checks.equal(fills_of(db, run, 'price, ambiguous'), [(11.0, 0), (7.0, 0)], 'stopped on the bar of the entry, for certain')
    run = run_of(db, [(1, 'Q', 5, None, None, None, 20, 5.5)], {})
    checks.equal(fills_of(db, run, 'price'), [(11.0,)], 'not stopped by the ask')
    # an entry inside the bar: where the bid stood then is a guess, unless the close tells
    run = run_of(db, [(1, 'Q', 5, 'limit', 8.5, None, 20, 7)], {})
    checks.equal(fills_of(db, run, 'price, ambiguous'), [(8.5, 0), (7.0, 1)], 'stopped after a limit entry, by a guess')
    bid[1] = (9, 9, 6, 6.5)
    db = quoted(flat, bid, ask)
    run = run_of(db, [(1, 'Q', 5, 'limit', 8.5, None, 20, 7)], {})
    checks.equal(fills_of(db, run, 'price, ambiguous'), [(8.5, 0), (7.0, 0)], 'and for certain, by the close of the bid')
    # a group of both sides: each order on its own
    bid = [BID] * 3 + [(9, 9.8, 9, 9)] + [BID] * 4
    ask = [ASK] * 3 + [(11, 11.9, 11, 11)] + [ASK] * 4
    db = quoted(flat, bid, ask)
    run = run_of(db, [(1, 'Q', 5, 'stop', None, 12, None, None, 'g'), (1, 'Q', -5, 'limit', 9.7, None, None, None, 'g')], {})
    checks.equal(fills_of(db, run), [(3, -5.0, 9.7)], 'one of a group')
    # finer bars decide with their own sides
    db = connect()
    minutes = [(10, 10, 10, 10)] * 10
    put(db, 'Q', 'minute', minutes)
    put(db, 'Q', 'minute bid', [BID] * 6 + [(9, 12, 9, 12), (12, 12, 6, 6), BID, BID])
    put(db, 'Q', 'minute ask', [ASK] * 6 + [(11, 13, 11, 13), (13, 13, 8, 8), ASK, ASK])
    for step, bars in (('5 minutes', [FLAT, FLAT]), ('5 minutes bid', [BID, (9, 12, 6, 9)]), ('5 minutes ask', [ASK, (11, 13, 8, 11)])):
        for i, b in enumerate(bars):
            db.execute(PUT, ('Q', step, START + 300 * i, *b, 1000))
    row = (5, 'Q', 5, None, None, None, 11.5, 7)
    run = run_of(db, [row], {'timestep': '5 minutes'})
    checks.equal(fills_of(db, run, 'price, ambiguous'), [(11.0, 0), (7.0, 1)], 'both inside the bar')
    run = run_of(db, [row], {'timestep': '5 minutes', 'same_bar': 'finer'})
    checks.equal(fills_of(db, run, 'price, ambiguous'), [(11.0, 0), (11.5, 0)], 'the finer bid came to the target first')


def missing():
    db = quoted([FLAT] * 8, [BID, None, BID, None, BID, BID, BID, BID], [ASK, ASK, None, None, ASK, ASK, ASK, ASK])
    run = run_of(db, [(i, 'Q', 1) for i in range(1, 5)] + [(i, 'Q', -1) for i in range(1, 5)], {'leverage': 100})
    got = {(m, q): p for m, q, p in fills_of(db, run)}
    checks.equal(got, {(1, 1.0): 11.0, (1, -1.0): 10.0, (2, 1.0): 10.0, (2, -1.0): 9.0, (3, 1.0): 10.0, (3, -1.0): 10.0, (4, 1.0): 11.0, (4, -1.0): 9.0},
                 'a side that is missing is the asset\'s own bar')
    only = connect()
    put(only, 'Q', 'minute', [FLAT] * 4)
    put(only, 'Q', 'minute ask', [ASK] * 4)
    run = run_of(only, [(1, 'Q', 1), (2, 'Q', -1)], {})
    checks.equal([f[2] for f in fills_of(only, run)], [11.0, 10.0], 'the ask alone')
    # quotes at instants without a bar of trades
    odd = connect()
    put(odd, 'Q', 'minute', [FLAT, FLAT, None, FLAT, FLAT])
    put(odd, 'Q', 'minute ask', [ASK, ASK, (5, 5, 5, 5), ASK, ASK])
    run = run_of(odd, [(1, 'Q', 1, 'limit', 6)], {})
    checks.equal(fills_of(odd, run), [(2, 1.0, 5.0)], 'quotes alone are a bar')
    run = run_of(odd, [(1, 'Q', 1, 'limit', 6)], {'quotes': 'beside'})
    checks.equal(fills_of(odd, run), [], 'knob quotes beside: no trade, no bar to match on')
    # an asset that is only quoted: its bid is the base, and the ask is there for buys
    fx = connect()
    put(fx, 'Q', 'minute bid', [BID] * 5)
    put(fx, 'Q', 'minute ask', [ASK] * 5)
    for config in ({'timestep': 'minute bid'}, {'timestep': '1m bid'}):
        run = run_of(fx, [(1, 'Q', 1), (2, 'Q', -1)], config)
        checks.equal([f[2] for f in fills_of(fx, run)], [11.0, 9.0], f'quotes only, {config}')
    run = run_of(fx, [(1, 'Q', 1), (2, 'Q', -1)], {'timestep': 'minute ask'})
    checks.equal([f[2] for f in fills_of(fx, run)], [11.0, 9.0], 'quotes only, on the ask')
    run = run_of(fx, [(1, 'Q', 1), (2, 'Q', -1)], {})
    checks.equal([f[2] for f in fills_of(fx, run)], [11.0, 9.0], 'quotes only, timestep minute')
    checks.equal([n for n, in fx.execute("SELECT name FROM bt_input WHERE run = ? AND kind = 'bars' ORDER BY name", (run,))], ['Q, minute ask', 'Q, minute bid'], 'what it was run on')
    checks.error(lambda: run_of(fx, [(1, 'Q', 1)], {'timestep': '2 minutes'}), ["no '2 minutes' bars", 'minute bid, minute ask'], 'no bars of that length')
    # the ask is quoted where the bid, which is the base, is not
    put(fx, 'Q', 'minute bid', [None] * 6 + [BID])
    put(fx, 'Q', 'minute ask', [None] * 5 + [(5, 5, 5, 5), ASK])
    run = run_of(fx, [(5, 'Q', 1), (5, 'Q', -1)], {})
    checks.equal(fills_of(fx, run), [(5, 1.0, 5.0), (6, -1.0, 9.0)], 'the bid waits for a bid')
    # an asset that comes with its first order, after its last trade: the quotes since are what it is bought and sold at
    late = connect()
    put(late, 'P', 'minute', [FLAT] * 8)
    put(late, 'Q', 'minute', [FLAT, FLAT])
    put(late, 'Q', 'minute bid', [BID, BID, None, (8, 8, 7, 7)])
    put(late, 'Q', 'minute ask', [ASK, ASK, (12, 12, 12, 12), None, (50, 50, 50, 50)])
    run = run_of(late, [(4, 'Q', 1), (4, 'Q', -1)], {'assets': ['P'], 'fill_at': 'signal_close'})
    checks.equal(fills_of(late, run), [(4, 1.0, 12.0), (4, -1.0, 7.0)], 'quotes before an asset comes')
    # a day begins with its first trade, and ends with its last one, whatever is quoted around them
    day = connect()
    hours = [None] * 60 + [FLAT] * 30 + [None] * 30
    for first in (0, 1440, 2880):
        put(day, 'Q', 'minute', hours, first)
        for side, bar in (('bid', BID), ('ask', ASK)):
            put(day, 'Q', f'minute {side}', [bar] * 120, first)
    for held in (0, 1):  # held: nothing is left out
        rows = [(2, 'Q', 1)] * held + [(30, 'Q', 2, 'market_on_open'), (30, 'Q', 4, 'market_on_close'), (100, 'Q', 8, 'market_on_open'), (1445, 'Q', 16, 'market_on_close'),
                                       (1470, 'Q', 32, 'market_on_open')]
        run = run_of(day, rows, {})
        checks.equal({(m, q): p for m, q, p in fills_of(day, run) if q > 1},
                     {(60, 2.0): 10.0, (90, 4.0): 10.0, (1440 + 60, 8.0): 10.0, (1440 + 60 + 30, 16.0): 10.0, (1440 + 60, 32.0): 10.0}, f'auctions of days with quotes around them, {held}')
    # much is quoted and little traded: more bars than are read at a time, before the first trade and after the last
    many = connect()
    n = 30000
    many.execute('BEGIN')
    put(many, 'Q', 'minute', [FLAT if i in (20000, 20001) else None for i in range(n)])
    put(many, 'Q', 'minute bid', [(i, i, i, i) for i in range(1, n + 1)])
    many.execute('COMMIT')
    for compact in (False, True):
        if compact:
            many.execute('SELECT bars_compact()').fetchall()
        run = run_of(many, [(i, 'Q', -1) for i in (5, 13000, 20000, 20001, 20002, 29990)] + [(10, 'Q', 3)], {'leverage': 1e3, 'cash': 1e9})
        checks.equal(fills_of(many, run), [(5, -1.0, 6.0), (13000, -1.0, 13001.0), (20000, 3.0, 10.0), (20000, -1.0, 20001.0), (20001, -1.0, 20002.0), (20002, -1.0, 20003.0),
                                           (29990, -1.0, 29991.0)], 'buys wait for a trade, for there is no ask')
        checks.equal(one(many, 'SELECT count(*) FROM bt_equity WHERE run = ?', run), n, 'a step for every bar of quotes')


def marks():
    bid = [(9, 9, 9, 9), (9, 9, 9, 9), (9, 9, 8, 8), (8, 8, 8, 8), None, BID]
    ask = [ASK, ASK, (11, 14, 11, 14), (14, 14, 14, 14), ASK, ASK]
    db = quoted([FLAT] * 6, bid, ask)
    value = lambda run: [v for v, in db.execute('SELECT value FROM bt_equity WHERE run = ? ORDER BY ts', (run,))]  # noqa: E731
    for qty in (10, -10):
        paid = 11 if qty > 0 else 9
        for mark, at in (('last', [10] * 5), ('mid', [10, 11, 11, 10, 10]), ('exit', [9, 8, 8, 10, 9] if qty > 0 else [11, 14, 14, 11, 11])):
            run = run_of(db, [(1, 'Q', qty)], {'mark': mark, 'cash': 1000})
            checks.equal(value(run), [1000.0] + [1000 - qty * paid + qty * p for p in at], f'mark {mark} of {qty}')
    # weights are sized at the mark
    run = run_of(db, [(4, 'Q', 1)], {'mark': 'mid', 'cash': 1100, 'leverage': 3, 'fill_at': 'next_open'}, 'known_at, asset, target_weight')
    checks.equal(fills_of(db, run)[0][1], 100.0, 'sized at the middle')


def long_runs():
    """Chunks, held and flat assets, stretches in which nothing happens: the same as with one bar at a time."""
    rng = random.Random(3)
    db = connect()
    n = 3000
    for asset in ('A', 'B', 'C'):
        trades, bid, ask = walk(rng, n)
        db.execute('BEGIN')
        put(db, asset, 'minute', [b if rng.random() > 0.02 else None for b in trades])
        put(db, asset, 'minute bid', [b if rng.random() > 0.05 else None for b in bid])
        put(db, asset, 'minute ask', [b if rng.random() > 0.05 else None for b in ask])
        db.execute('COMMIT')
        if asset == 'B':
            db.execute('SELECT bars_compact()').fetchall()
    db.execute('CREATE TABLE o(known_at, asset, qty)')
    for _ in range(200):
        db.execute('INSERT INTO o VALUES (?, ?, ?)', (START + 60 * rng.randrange(1, n - 5), rng.choice('ABC'), rng.choice((-3, -1, 1, 3))))
    db.execute('CREATE VIEW s AS SELECT * FROM o ORDER BY known_at')
    for mark in ('last', 'mid', 'exit'):
        for fill_at in ('next_open', 'signal_close'):
            run = one(db, "SELECT bt_run('s', ?)", json.dumps({'assets': ['A', 'B', 'C'], 'timestep': 'minute', 'leverage': 50, 'mark': mark, 'fill_at': fill_at}))
            wrong = alone = 0
            series = {(a, s): {r[0]: r[1:] for r in db.execute('SELECT ts, open, close FROM bars(?, ?)', (a, s))}
                      for a in 'ABC' for s in ('minute', 'minute bid', 'minute ask')}
            ends = {a: sorted(set(t for s in ('minute', 'minute bid', 'minute ask') for t in series[a, s])) for a in 'ABC'}

            def closes(asset, until):
                """Close, bid and ask at the end of the bar that begins at `until`, and the mark of one unit and of minus one there."""
                last, b, c, marks = None, None, None, None
                for t in ends[asset]:
                    if t > until:
                        break
                    own, bid_, ask_ = (series[asset, s].get(t, (None, None))[1] for s in ('minute', 'minute bid', 'minute ask'))
                    if own is not None:
                        last, b, c = own, own if bid_ is None else bid_, own if ask_ is None else ask_
                        both = None not in (bid_, ask_)
                        marks = {'last': (own, own), 'mid': ((b + c) / 2,) * 2 if both else (own, own), 'exit': (b, c)}[mark]
                    else:  # quotes alone: a side that is missing stands where it was
                        b, c = b if bid_ is None else bid_, c if ask_ is None else ask_
                        if None not in (b, c):
                            marks = {'last': (last, last), 'mid': ((b + c) / 2,) * 2, 'exit': (b, c)}[mark]
                    seen_at[asset, t] = last, b, c, marks
                return seen_at[asset, until]
            seen_at = {}
            for a in 'ABC':
                closes(a, ends[a][-1])
            cash, held, k = 100000.0, dict.fromkeys('ABC', 0.0), 0
            fills = db.execute('SELECT ts, asset, qty, price FROM bt_fill WHERE run = ? ORDER BY id', (run,)).fetchall()
            for ts, asset, qty, price in fills:
                side = 'minute ask' if qty > 0 else 'minute bid'
                if fill_at == 'next_open':
                    bar = series[asset, side].get(ts) or series[asset, 'minute'][ts]
                    wrong += bar[0] != price
                    alone += ts not in series[asset, 'minute']
                else:
                    seen = max(t for t in ends[asset] if t + 60 <= ts)
                    wrong += seen_at[asset, seen][2 if qty > 0 else 1] != price
            checks.equal(wrong, 0, f'{mark}, {fill_at}: prices of {len(fills)} fills')
            checks.ok(len(fills) > 150, f'{mark}, {fill_at}: fills')
            checks.ok(alone > 0 or fill_at == 'signal_close', f'{mark}: fills on quotes alone')
            if fill_at == 'signal_close':
                continue
            off, seen = 0, dict.fromkeys('ABC')
            for ts, value in db.execute('SELECT ts, value FROM bt_equity WHERE run = ? ORDER BY ts', (run,)).fetchall():
                while k < len(fills) and fills[k][0] < ts:
                    cash -= fills[k][2] * fills[k][3]
                    held[fills[k][1]] += fills[k][2]
                    k += 1
                sum_ = cash
                for a in 'ABC':
                    if (a, ts - 60) in seen_at:
                        seen[a] = seen_at[a, ts - 60][3][0 if held[a] > 0 else 1]
                    sum_ += held[a] * seen[a] if held[a] else 0
                off = max(off, abs(sum_ - value))
            checks.ok(off < 1e-6, f'{mark}: equity differs by {off}')


def threads():
    """Others decode ahead: with quotes beside few trades, and where there are none, all is as with one thread."""
    rng = random.Random(5)
    db = connect()
    n, assets = 9000, [f'T{i}' for i in range(9)]
    db.execute('BEGIN')
    trades, bid, ask = walk(rng, n)
    for i, asset in enumerate(assets):
        put(db, asset, 'minute', [b if rng.random() > i / 10 else None for b in trades])
        put(db, asset, 'minute bid', [b if rng.random() > 0.1 else None for b in bid])
        if i % 3:
            put(db, asset, 'minute ask', ask)
    db.execute('COMMIT')
    db.execute('SELECT bars_compact()').fetchall()
    db.execute('CREATE TABLE o(known_at, asset, qty)')
    for _ in range(600):
        db.execute('INSERT INTO o VALUES (?, ?, ?)', (START + 60 * rng.randrange(1, n - 5), rng.choice(assets), rng.choice((-3, -1, 1, 3))))
    db.execute('CREATE VIEW s AS SELECT * FROM o ORDER BY known_at')
    got = []
    for count in (1, 4):
        db.execute("SELECT bars_config('threads', ?)", (count,)).fetchall()
        run = one(db, "SELECT bt_run('s', ?)", json.dumps({'assets': assets, 'timestep': 'minute', 'leverage': 1000}))
        got.append((db.execute('SELECT ts, asset, qty, price FROM bt_fill WHERE run = ? ORDER BY id', (run,)).fetchall(),
                    db.execute('SELECT ts, value FROM bt_equity WHERE run = ? ORDER BY ts', (run,)).fetchall()))
    checks.ok(len(got[0][0]) > 500 and got[0] == got[1], f'one thread and four: {len(got[0][0])} and {len(got[1][0])} fills')


def records():
    db = quoted([FLAT] * 6, [BID] * 6, [ASK] * 6)
    run = run_of(db, [(1, 'Q', 5), (3, 'Q', -5)], {})
    names = [n for n, in db.execute("SELECT name FROM bt_input WHERE run = ? AND kind = 'bars' ORDER BY name", (run,))]
    checks.equal(names, ['Q, minute', 'Q, minute ask', 'Q, minute bid'], 'bt_input has the sides')
    again = one(db, 'SELECT bt_rerun(?)', run)
    checks.equal(db.execute('SELECT * FROM bt_diff(?, ?)', (run, again)).fetchall(), [], 'the same again')
    db.execute("INSERT OR REPLACE INTO bars(asset, timestep, ts, open, high, low, close) VALUES ('Q', 'minute ask', ?, 12, 12, 12, 12)", (START + 60,))
    changed = one(db, 'SELECT bt_rerun(?)', run)
    checks.ok(any('minute ask' in str(r) for r in db.execute('SELECT * FROM bt_diff(?, ?)', (run, changed))), 'a changed ask is named')
    run = run_of(db, [(1, 'Q', 5)], {'quotes': 'ignore'})
    checks.equal(one(db, "SELECT count(*) FROM bt_input WHERE run = ? AND kind = 'bars'", run), 1, 'no sides where they are ignored')
    for config, needles in (({'slippage': {'model': 'spread', 'amount': 0.1}}, ["'Q' has bars of quotes", 'slippage.model spread', 'quotes to ignore']),
                            ({'spread': 0.01}, ['knob spread', 'quotes to ignore']), ({'quotes': 'ignore', 'mark': 'mid'}, ['mark mid needs quotes']),
                            ({'quotes': 'ask'}, ['quotes']), ({'mark': 'bid'}, ['mark'])):
        checks.error(lambda: run_of(db, [(1, 'Q', 5)], config), needles, str(config))
    run = run_of(db, [(1, 'Q', 5)], {'slippage': {'model': 'spread', 'amount': 0.2}, 'slippage.clamp': False, 'quotes': 'ignore'})
    checks.equal([f[2] for f in fills_of(db, run)], [10.1], 'a spread model without quotes')


same_as_one_side()
same_without_trades()
by_hand()
brackets()
missing()
marks()
long_runs()
threads()
records()
checks.finish()
