"""Orders of several legs from SQL: options and stocks, net prices, set mode and step mode alike, cancel and replace."""
import sys

sys.dont_write_bytecode = True
from bt_help import Checks, connect, one, seconds  # noqa: E402

checks = Checks()
DAY = 86400
START = seconds('2024-01-02')
CONFIG = '{"timestep": "day", "assets": ["XYZ", "C50", "C55"], "cash": 10000}'


def day(i):
    return START + i * DAY


def put(db, asset, prices):
    for i, p in enumerate(prices):
        if p is not None:
            db.execute('INSERT INTO bars(asset, timestep, ts, open, high, low, close) VALUES (?1, ?2, ?3, ?4, ?4, ?4, ?4)', (asset, 'day', day(i), p))


def market():
    db = connect()
    put(db, 'XYZ', [50, 51, 52, 53, 54, 55])
    put(db, 'C50', [3, None, 4, 4.5, 5, 5.5])
    put(db, 'C55', [1, 1.2, 1.4, 1.4, 1.6, 2])
    for name, strike in (('C50', 50), ('C55', 55)):
        for key, value in (('kind', 'option'), ('multiplier', 100), ('right', 'call'), ('strike', strike), ('underlying', 'XYZ'), ('expiry', day(30))):
            db.execute('SELECT bars_asset(?, ?, ?)', (name, key, value)).fetchone()
    db.execute('CREATE TABLE ticket(day INTEGER, asset TEXT, qty, combo, net_limit, limit_price, tif, tag, oto, cancel, "replace")')
    columns = 'asset, qty, combo, net_limit, limit_price, tif, tag, oto, cancel, "replace"'
    db.execute(f'CREATE VIEW at_once AS SELECT {START} + day * {DAY} AS known_at, {columns} FROM ticket')
    db.execute(f'CREATE VIEW by_step AS SELECT {columns} FROM ticket WHERE day = (SELECT (max(known_at) - {START}) / {DAY} FROM bars(\'XYZ\', \'day\'))')
    return db


def give(db, *rows):
    db.execute('DELETE FROM ticket')
    for row in rows:
        db.execute(f'INSERT INTO ticket({", ".join(chr(34) + k + chr(34) for k in row)}) VALUES ({", ".join("?" * len(row))})', tuple(row.values()))


def both(db, what, config=CONFIG):
    """Run the rows in both modes; the number of the last, after its orders were found to be those of the other."""
    runs = [one(db, 'SELECT bt_run(?, ?)', view, config) for view in ('at_once', 'by_step')]
    rows = [db.execute('SELECT id, ts, done_ts, asset, ask, amount, qty, filled, price, state, reason, tag, order_type, limit_price, tif, parent'
                       ' FROM bt_order WHERE run = ?', (r,)).fetchall() for r in runs]
    checks.equal(rows[0], rows[1], what + ': both modes')
    return runs[1]


def orders(db, run, columns='id, parent, ask, qty, filled, round(price, 6), state, reason'):
    return db.execute(f'SELECT {columns} FROM bt_order WHERE run = ? ORDER BY id', (run,)).fetchall()


def test_spread():
    """C50 has no bar on day 1; on day 2 the debit is 2.6, on day 3 3.1, on day 4 3.4."""
    db = market()
    give(db, dict(day=1, asset='C50', qty=3, combo='vertical', net_limit=3.2), dict(day=1, asset='C55', qty=-3, combo='vertical'))
    run = both(db, 'spread')
    checks.equal(orders(db, run), [(1, None, 'combo', 3.0, 3.0, 2.6, 'filled', ''), (2, 1, 'qty', 3.0, 3.0, 4.0, 'filled', ''), (3, 1, 'qty', -3.0, -3.0, 1.4, 'filled', '')], 'spread')
    checks.equal(db.execute('SELECT ts, asset, qty, price, round(cash, 6) FROM bt_fill WHERE run = ? ORDER BY id', (run,)).fetchall(),
                 [(day(2), 'C55', -3.0, 1.4, 10420.0), (day(2), 'C50', 3.0, 4.0, 9220.0)], 'spread: fills')
    checks.equal(orders(db, run, 'order_type, limit_price, tag'), [('limit', 3.2, 'vertical'), ('market', None, 'vertical'), ('market', None, 'vertical')], 'spread: types')
    checks.equal(db.execute('SELECT order_id, event, qty, round(price, 6), left FROM bt_order_event WHERE run = ? AND order_id = 1', (run,)).fetchall(),
                 [(1, 'submitted', 3.0, None, 3.0), (1, 'accepted', 3.0, None, 3.0), (1, 'filled', 3.0, 2.6, 0.0)], 'spread: events')
    checks.equal(one(db, "SELECT count(*) FROM bt_order_event WHERE run = ? AND event = 'activated'", run), 0, 'spread: a leg is no exit')
    value, cash, gained = db.execute('SELECT value, cash, (SELECT sum(pnl) FROM bt_lot WHERE run = id) FROM bt_run WHERE id = ?', (run,)).fetchone()
    checks.ok(abs(value - cash - gained) < 1e-6, 'spread: lots')


def test_buy_write():
    """100 shares and a call sold: 48.00 a share on day 2 (52 - 4), 48.5 on day 3."""
    db = market()
    give(db, dict(day=1, asset='XYZ', qty=100, combo='buy-write', net_limit=47), dict(day=1, asset='C50', qty=-1, combo='buy-write'),
         dict(day=2, asset='XYZ', net_limit=48.6, replace='buy-write'))
    run = both(db, 'buy-write')
    checks.equal(orders(db, run, 'id, parent, qty, round(price, 6), reason'),
                 [(1, None, 1.0, None, 'replaced'), (2, 1, 100.0, None, 'replaced'), (3, 1, -1.0, None, 'replaced'), (4, None, 1.0, 48.0, ''), (5, 4, 100.0, 52.0, ''), (6, 4, -1.0, 4.0, '')], 'buy-write')


def test_ends():
    db = market()
    give(db, dict(day=1, asset='C50', qty=1, combo='a', net_limit=1, tif='ioc'), dict(day=1, asset='C55', qty=-1, combo='a'),
         dict(day=1, asset='C50', qty=1, combo='b', net_limit=1), dict(day=1, asset='C55', qty=-1, combo='b', tag='short'),
         dict(day=3, asset='C55', cancel='short'), dict(day=3, asset='C50', cancel='b'),
         dict(day=4, asset='C50', qty=500, combo='c'), dict(day=4, asset='XYZ', qty=1, combo='c'),
         dict(day=4, asset='C50', qty=1, combo='d', net_limit=0), dict(day=4, asset='C55', qty=-1, combo='d'),
         dict(day=4, asset='XYZ', qty=1, oto='d'), dict(day=4, asset='XYZ', qty=2, combo='e'))
    run = both(db, 'ends')
    checks.equal(orders(db, run, 'id, state, reason'),
                 [(i, 'cancelled', 'not filled at the open') for i in (1, 2, 3)] + [(i, 'cancelled', 'cancelled') for i in (4, 5, 6)] +
                 [(7, 'rejected', 'no waiting order has this tag')] + [(i, 'rejected', 'insufficient funds') for i in (8, 9, 10)] +
                 [(i, 'expired', 'no further bar') for i in (11, 12, 13)] + [(14, 'cancelled', 'the order before it did not fill')] +
                 [(i, 'rejected', 'a combo needs two legs') for i in (15, 16)], 'ends')
    checks.equal(orders(db, run, 'done_ts')[0], (day(2),), 'ioc: the first instant with bars of all legs')


def test_pending():
    """What a strategy of step mode sees of a combo that waits."""
    db = market()
    db.execute("CREATE TABLE seen(id, asset, tag, state, ask, qty, limit_price, combo, parent)")
    give(db, dict(day=2, asset='C50', qty=2, combo='a', net_limit=-1), dict(day=2, asset='C55', qty=-2, combo='a'))
    db.execute("CREATE VIEW watching AS SELECT asset, qty, combo, net_limit FROM by_step UNION ALL"
               " SELECT 'XYZ', iif(count(*) = 3 AND group_concat(state) = 'waiting,waiting,waiting' AND group_concat(combo) = 'a,a,a'"
               " AND group_concat(ask) = 'combo,qty,qty' AND sum(parent) = 2 AND max(limit_price) = -1, 7.0, NULL), NULL, NULL FROM bt_pending")
    run = one(db, "SELECT bt_run('watching', ?)", CONFIG)
    checks.ok(one(db, "SELECT count(*) FROM bt_order WHERE run = ? AND asset = 'XYZ' AND qty = 7", run) >= 2, 'bt_pending')


def test_errors():
    db = market()
    give(db, dict(day=1, asset='C50', qty=1, combo='a', net_limit='dear'))
    checks.error(lambda: one(db, "SELECT bt_run('at_once', ?)", CONFIG), ['net_limit; it must be a number or NULL'], 'net_limit')
    give(db, dict(day=1, asset='C50', qty=1, net_limit=3))
    run = both(db, 'no combo')
    checks.equal(orders(db, run, 'state, reason'), [('rejected', 'net_limit needs combo')], 'net_limit without combo')


for name, test in sorted(globals().items()):
    if name.startswith('test_'):
        test()
checks.finish()
