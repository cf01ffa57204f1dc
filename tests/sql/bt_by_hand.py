"""Small runs whose results can be worked out by hand: risk rules, assets, sizes and accounts where they meet."""
import json
import sys

sys.dont_write_bytecode = True
from bt_help import Checks, connect, one, seconds  # noqa: E402

checks = Checks()
DAY, START = 86400, seconds('2024-01-02')


def day(i):
    return START + i * DAY


def market(**bars):
    """Daily bars by asset: a price, or (open, high, low, close[, volume]); None: there is no bar."""
    db = connect()
    for asset, rows in bars.items():
        for i, bar in enumerate(rows):
            if bar is not None:
                o, h, low, c, v = (*bar, 1000)[:5] if isinstance(bar, tuple) else (bar, bar, bar, bar, 1000)
                db.execute("INSERT INTO bars(asset, timestep, ts, open, high, low, close, volume) VALUES (?, 'day', ?, ?, ?, ?, ?, ?)",
                           (asset, day(i), o, h, low, c, v))
    return db


def say(db, asset, **properties):
    for name, value in properties.items():
        db.execute('SELECT bars_asset(?, ?, ?)', (asset, name, value)).fetchone()


def run(db, rows, rules=None, **config):
    """Rows (day, asset, {column: value}) as a set-mode strategy; the run's number."""
    names = sorted({name for _, _, what in rows for name in what})
    parts = [f"SELECT {day(d)} AS known_at, '{asset}' AS asset" +
             ''.join(f', {repr(what[n]) if n in what else "NULL"} AS "{n}"' for n in names) for d, asset, what in rows]
    db.execute('DROP VIEW IF EXISTS wishes')
    db.execute('CREATE VIEW wishes AS ' + ' UNION ALL '.join(parts))
    config = {'timestep': 'day', 'cash': 10000, **config, **({'risk': rules} if rules else {})}
    return one(db, 'SELECT bt_run(?, ?)', 'wishes', json.dumps(config))


def fills(db, r):
    """(day, asset, qty, price) of each fill."""
    return [((ts - START) / DAY, asset, qty, round(price, 9)) for ts, asset, qty, price in
            db.execute('SELECT ts, asset, qty, price FROM bt_fill WHERE run = ? ORDER BY id', (r,))]


def firings(db, r):
    """(day, rule, value, limit, action) of each row of bt_risk."""
    return [((ts - START) / DAY, rule, value and round(value, 9), round(limit, 9), action) for ts, rule, value, limit, action in
            db.execute('SELECT ts, rule, value, "limit", action FROM bt_risk WHERE run = ? ORDER BY id', (r,))]


BUY = {'qty': 50}


def test_levels_are_decimal():
    """10 % above 100 is 110, not the product with 1.1, and a high of 110 reaches it; the fifteenth percent of a trail too."""
    db = market(A=[100, 100, (105, 110, 100, 105), 100])
    checks.equal(fills(db, run(db, [(1, 'A', BUY)], [{'rule': 'take_profit', 'percent': 10}])), [(1, 'A', 50, 100), (2, 'A', -50, 110)], 'take_profit')
    checks.equal(fills(db, run(db, [(1, 'A', BUY)], [{'rule': 'scaled_exit', 'steps': [[10, 40]]}])), [(1, 'A', 50, 100), (2, 'A', -20, 110)], 'scaled_exit')
    checks.equal(firings(db, run(db, [(1, 'A', BUY)], [{'rule': 'take_profit', 'percent': 10, 'action': 'warn'}])), [(3, 'take_profit', 110, 110, 'warn')], 'warn')
    db = market(A=[100, 100, 115, (115, 115, 112, 115), 100])
    checks.equal(fills(db, run(db, [(1, 'A', BUY)], [{'rule': 'tightening_stop', 'steps': [[0, 10], [15, 2]]}]))[1], (3, 'A', -50, 112.7), 'tightening_stop')
    db = market(A=[100, 100, (90, 90, 85, 90), 90])
    checks.equal(fills(db, run(db, [(1, 'A', {'qty': -50})], [{'rule': 'take_profit', 'percent': 15}]))[1], (2, 'A', 50, 85), 'short')


def test_warnings_come_again():
    """What was true, ended and is true again is two rows."""
    db = market(A=[100, 100, 90, 90, 100, 90])
    checks.equal(firings(db, run(db, [(1, 'A', BUY)], [{'rule': 'stop_loss', 'percent': 7, 'action': 'warn'}])),
                 [(3, 'stop_loss', 90, 93, 'warn'), (6, 'stop_loss', 90, 93, 'warn')], 'stop_loss')


def test_exits_from_the_close_on():
    """What a bar did before an entry at its close is not the position's."""
    db = market(A=[100, 100, (100, 130, 80, 100), (100, 101, 99, 100), (100, 101, 95.5, 96), 95])
    rules = [{'rule': 'trailing_stop', 'percent': 5}, {'rule': 'stop_loss', 'percent': 15, 'action': 'warn'}]
    for what, config in (({**BUY, 'order_type': 'market_on_close'}, {}), (BUY, {'fill_at': 'next_close'})):
        r = run(db, [(2, 'A', what)], rules, **config)
        checks.equal(fills(db, r)[1:], [(6, 'A', -50, 95) if config else (4, 'A', -50, 95.95)], f'trailing {config}')
        checks.equal([f[1] for f in firings(db, r)], ['trailing_stop'], f'no warning of the low before it {config}')


def test_the_larger_exit():
    """A rule that takes a part off does not keep another from taking all: at one close, and while the part waits for volume."""
    db = market(A=[100, 100, 160, 160, 160], B=[100, 100, 20, 20, 20])
    rules = [{'rule': 'max_position', 'percent': 55}, {'rule': 'max_drawdown', 'percent': 5, 'action': 'liquidate'}]
    r = run(db, [(1, 'A', {'qty': 40}), (1, 'B', {'qty': 40})], rules)
    checks.equal(firings(db, r), [(3, 'max_position', round(640000 / 9200, 9), 55, 'reduce'), (3, 'max_drawdown', 8, 5, 'liquidate')], 'both fire')
    checks.equal(fills(db, r)[2:], [(3, 'A', -40, 160), (3, 'B', -40, 20)], 'and all is closed')
    thin = (150, 150, 150, 150, 4)
    db = market(A=[100, 100, 150, thin, thin, thin, 150, 150])
    rules = [{'rule': 'max_position', 'percent': 60}, {'rule': 'time_exit', 'bars': 3}]
    r = run(db, [(1, 'A', {'qty': 60})], rules, volume={'model': 'share', 'share': 0.5})
    checks.equal(fills(db, r)[1:], [(3, 'A', -2, 150), (4, 'A', -2, 150), (5, 'A', -2, 150), (6, 'A', -54, 150)], 'while a part waits')
    checks.equal(db.execute('SELECT tag, qty, filled FROM bt_order WHERE run = ? AND id = 2', (r,)).fetchall(), [('time_exit', -60, -60)], 'one order')


def test_entered_again():
    """A limit that a position was beyond is looked at afresh when it is entered again; a group when none of it was held."""
    db = market(A=[100] * 8, B=[100] * 8)
    r = run(db, [(1, 'A', BUY), (4, 'A', BUY)], [{'rule': 'max_position', 'percent': 30, 'action': 'liquidate'}])
    checks.equal(fills(db, r), [(1, 'A', 50, 100), (2, 'A', -50, 100), (4, 'A', 50, 100), (5, 'A', -50, 100)], 'max_position')
    group = [{'rule': 'group', 'percent': 40, 'groups': {'A': 'g', 'B': 'g'}, 'action': 'liquidate'}]
    r = run(db, [(1, 'A', BUY), (4, 'B', {'qty': 20}), (5, 'A', BUY)], group)
    checks.equal(fills(db, r), [(1, 'A', 50, 100), (2, 'A', -50, 100), (4, 'B', 20, 100), (5, 'A', 50, 100), (6, 'A', -50, 100), (6, 'B', -20, 100)], 'group')
    # The trail of a position that a split has left nothing of is not that of the next one.
    db = market(A=[100, 100, (100, 200, 100, 100), 1000, 1000, 1000, (1000, 1000, 940, 940), 940])
    db.execute("SELECT bars_action('A', ?, 'split', 0.1)", (day(3),)).fetchone()
    r = run(db, [(1, 'A', {'qty': 5}), (4, 'A', {'qty': 5})], [{'rule': 'trailing_stop', 'percent': 50}])
    checks.equal(fills(db, r), [(1, 'A', 5, 100), (3, 'A', -0.5, 1000), (4, 'A', 5, 1000)], 'after a split')


def test_delivered():
    """Exit rules guard what an assignment has brought, from the close on, and a best price is that of the new position."""
    db = market(X=[50, 50, 50, (60, 60, 40, 40), 40, (40, 41, 35, 36), 36], P=[3, 3, 3, 10])
    say(db, 'P', kind='option', multiplier=100, right='put', strike=45, expiry=day(4), underlying='X', settlement='physical')
    r = run(db, [(1, 'P', {'qty': -1})], [{'rule': 'stop_loss', 'percent': 15, 'asset': 'X'}], assets=['P', 'X'])
    checks.equal(fills(db, r), [(1, 'P', -1, 3), (4, 'P', 1, 0), (4, 'X', 100, 45), (5, 'X', -100, 38.25)], 'stop_loss')
    r = run(db, [(1, 'P', {'qty': -1})], [{'rule': 'trailing_stop', 'percent': 20, 'asset': 'X'}], assets=['P', 'X'])
    checks.equal(fills(db, r)[3:], [(5, 'X', -100, 36)], 'trailing_stop: 20 % below 45')


def test_unknown_context():
    """A series that is not known yet is told with the bound that was given."""
    db = market(A=[100] * 5, V=[None, None, 20, 20, 20])
    r = run(db, [(1, 'A', {'qty': 5}), (4, 'A', {'qty': 5})], [{'rule': 'context', 'asset': 'V', 'min': 10}])
    checks.equal(firings(db, r), [(1, 'context', None, 10, 'halt')], 'context')
    checks.equal(fills(db, r), [(4, 'A', 5, 100)], 'context: later')


def test_refused():
    db = market(A=[100, 100])
    for rules, needle in (
            ([{'rule': 'scaled_exit', 'steps': [[5, 50]]}, {'rule': 'scaled_exit', 'steps': [[9, 50]]}], 'scaled_exit is given twice'),
            ([{'rule': 'scaled_exit', 'steps': [[5, 50]], 'asset': 'A'}, {'rule': 'scaled_exit', 'steps': [[9, 50]], 'asset': 'A'}], "twice for 'A'")):
        checks.error(lambda: run(db, [(1, 'A', BUY)], rules), [needle], str(rules))
    run(db, [(1, 'A', BUY)], [{'rule': 'scaled_exit', 'steps': [[5, 50]], 'asset': 'A'}, {'rule': 'scaled_exit', 'steps': [[9, 50]]}])


for name, test in sorted(globals().items()):
    if name.startswith('test_'):
        test()
checks.finish()
