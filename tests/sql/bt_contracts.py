"""Properties of assets: futures, options, indexes, ticks and currencies in runs."""
import sys

sys.dont_write_bytecode = True
from bt_help import Checks, connect, one, seconds  # noqa: E402

checks = Checks()
DAY = 86400
START = seconds('2024-01-02')


def day(i):
    return START + i * DAY


def put(db, asset, closes, step='day', first=START, seconds_=DAY):
    for i, c in enumerate(closes):
        if c is not None:
            db.execute('INSERT INTO bars(asset, timestep, ts, open, high, low, close, volume) VALUES (?, ?, ?, ?, ?, ?, ?, 1)',
                       (asset, step, first + i * seconds_, c, c, c, c))


def say(db, asset, **properties):
    for name, value in properties.items():
        db.execute('SELECT bars_asset(?, ?, ?)', (asset, name, value)).fetchone()


def run(db, rows, config='{"timestep": "day"}'):
    """Rows (day, asset, qty) as a set-mode strategy; the run's number."""
    values = ', '.join(f"({day(d)}, '{a}', {q})" for d, a, q in rows)
    db.execute('DROP VIEW IF EXISTS s')
    db.execute(f'CREATE VIEW s AS SELECT column1 AS known_at, column2 AS asset, column3 AS qty FROM (VALUES {values})')
    return one(db, "SELECT bt_run('s', ?)", config)


def curve(db, r, column='value'):
    return [round(v, 6) for v, in db.execute(f'SELECT {column} FROM bt_equity WHERE run = ? ORDER BY ts', (r,))]


def test_future():
    """50 a point, marked to market by the day, settled in cash at the end of its last day."""
    db = connect()
    put(db, 'ESH4', [100, 101, 103, 102, 104, 105])
    say(db, 'ESH4', kind='future', multiplier=50, initial_margin=1000, maintenance_margin=800, expiry=day(5))
    r = run(db, [(1, 'ESH4', 3)], '{"cash": 3000, "timestep": "day"}')
    checks.equal(curve(db, r, 'cash'), [3000, 3300, 3150, 3450, 3450], 'future: cash')
    checks.equal(curve(db, r), curve(db, r, 'cash'), 'future: value')
    checks.equal(db.execute('SELECT ts, qty, price FROM bt_fill WHERE run = ?', (r,)).fetchall(), [(day(1), 3.0, 101.0), (day(5), -3.0, 104.0)], 'future: fills')
    checks.equal(one(db, 'SELECT reason FROM bt_order WHERE run = ? AND id = 2', r), 'expired: settled in cash', 'future: reason')
    r = run(db, [(1, 'ESH4', 4)], '{"cash": 3000, "timestep": "day"}')
    checks.equal(one(db, 'SELECT reason FROM bt_order WHERE run = ?', r), 'insufficient funds', 'future: margin')
    r = run(db, [(1, 'ESH4', 1)], '{"cash": 3000, "timestep": "day", "account": "cash"}')
    checks.equal(one(db, 'SELECT reason FROM bt_order WHERE run = ?', r), 'futures need an account that borrows money', 'future: cash account')


def test_option():
    """The underlying follows without being named, and its bars make no steps."""
    db = connect()
    put(db, 'C50', [3, 3, 4, None])
    put(db, 'XYZ', [50] * 47 + [57] * 50, 'hour', START, 3600 * 2)
    say(db, 'C50', kind='option', multiplier=100, right='call', strike=50, expiry=day(4), underlying='XYZ')
    r = run(db, [(1, 'C50', 1)], '{"assets": ["C50"]}')
    checks.equal(one(db, 'SELECT steps FROM bt_run WHERE id = ?', r), 3, 'option: steps')
    checks.equal(one(db, 'SELECT count(*) FROM bt_fill WHERE run = ?', r), 2, 'option: the data of the option end first')
    checks.equal(db.execute('SELECT ts, qty, price FROM bt_fill WHERE run = ? AND id = 2', (r,)).fetchone(), (day(4), -1.0, 7.0), 'option: intrinsic value')
    checks.equal(one(db, 'SELECT value FROM bt_run WHERE id = ?', r), 100000 + 400, 'option: value')
    say(db, 'C50', settlement='physical')
    r = run(db, [(1, 'C50', 1)], '{"assets": ["C50", "XYZ"]}')
    checks.equal(db.execute('SELECT asset, qty, price FROM bt_fill WHERE run = ? AND id > 1', (r,)).fetchall(), [('C50', -1.0, 0.0), ('XYZ', 100.0, 50.0)], 'option: exercised')
    checks.equal(db.execute('SELECT reason FROM bt_order WHERE run = ? AND id > 1', (r,)).fetchall(), [('exercised',)] * 2, 'option: reasons')
    checks.ok(one(db, 'SELECT steps FROM bt_run WHERE id = ?', r) > 90, 'option: a named underlying makes steps')


def split_market(ratio, last):
    """XYZ at 100 until it splits at day 2, from then on at 100 / ratio, at last `last`; a call at 90 that is worth 12."""
    db = connect()
    put(db, 'XYZ', [100, 100, 100 / ratio, last, last])
    put(db, 'C90', [12, 12, 12 / ratio if ratio == 2 else 12, 12 / ratio if ratio == 2 else 12])
    say(db, 'C90', kind='option', multiplier=100, right='call', strike=90, expiry=day(4), underlying='XYZ')
    db.execute("SELECT bars_action('XYZ', ?, 'split', ?)", (day(2), ratio)).fetchone()
    return db


def orders(db, r):
    return db.execute('SELECT asset, round(qty, 9), round(price, 9), reason FROM bt_order WHERE run = ? ORDER BY id', (r,)).fetchall()


def test_option_split():
    """Whole numbers make contracts, other ratios what a contract is for; orders that wait, a start after the split."""
    config = '{"timestep": "day", "assets": ["C90", "XYZ"]}'
    # 2 : 1: 6 at 45, worth 15 x 100 each at 60
    db = split_market(2, 60)
    r = run(db, [(1, 'C90', 3)], config)
    checks.equal(orders(db, r), [('C90', 3.0, 12.0, ''), ('C90', -6.0, 15.0, 'expired: settled in cash')], '2 : 1: settled')
    checks.equal(curve(db, r), [100000] * 3 + [105400] * 2, '2 : 1: value')
    checks.equal(db.execute('SELECT ts, kind, asset, qty, amount, cash FROM bt_cash_flow WHERE run = ?', (r,)).fetchall(),
                 [(day(2), 'split', 'C90', 6.0, 0.0, 96400.0)], '2 : 1: the row')
    checks.equal(db.execute('SELECT qty, entry_price, pnl FROM bt_lot WHERE run = ?', (r,)).fetchall(), [(6.0, 6.0, 5400.0)], '2 : 1: the lot')
    say(db, 'C90', settlement='physical')
    r = run(db, [(1, 'C90', 3)], config)
    checks.equal(orders(db, r)[1:], [('C90', -6.0, 0.0, 'exercised'), ('XYZ', 600.0, 45.0, 'exercised')], '2 : 1: exercised')
    # not held at the split; and a run that begins after it: the strike is 45 all the same
    for start in ('', f', "start": {day(2)}'):
        r = run(db, [(3, 'C90', 3)], config[:-1] + start + '}')
        checks.equal(orders(db, r), [('C90', 3.0, 6.0, ''), ('C90', -3.0, 0.0, 'exercised'), ('XYZ', 300.0, 45.0, 'exercised')], f'2 : 1: later{start}')
    # orders that wait, alone and as legs of a covered call: 200 of the stock against 2 calls for the same money
    db.execute(f"CREATE VIEW waits AS SELECT {day(1)} AS known_at, column1 AS asset, column2 AS qty, column3 AS limit_price, column4 AS combo,"
               " column5 AS net_limit FROM (VALUES ('C90', 3, 7, NULL, NULL), ('XYZ', 100, NULL, 'buy-write', 85), ('C90', -1, NULL, 'buy-write', NULL))")
    r = one(db, "SELECT bt_run('waits', ?)", config[:-1] + f', "end": {day(3)}' + '}')
    checks.equal(db.execute('SELECT asset, qty, filled, price, limit_price, reason FROM bt_order WHERE run = ? ORDER BY id', (r,)).fetchall(),
                 [('C90', 6.0, 0.0, None, 3.5, 'no further bar'), ('XYZ', 2.0, 0.0, None, 42.5, 'no further bar'),
                  ('XYZ', 200.0, 0.0, None, None, 'no further bar'), ('C90', -2.0, 0.0, None, None, 'no further bar')], '2 : 1: orders')
    # 3 : 2: a contract is for 150 at 60; 1.5 x 70 - 90 = 15
    db = split_market(1.5, 70)
    r = run(db, [(1, 'C90', 3)], config)
    checks.equal(orders(db, r), [('C90', 3.0, 12.0, ''), ('C90', -3.0, 15.0, 'expired: settled in cash')], '3 : 2: settled')
    checks.equal(one(db, 'SELECT count(*) FROM bt_cash_flow WHERE run = ?', r), 0, '3 : 2: nothing moves')
    say(db, 'C90', settlement='physical')
    for first in (1, 3):
        r = run(db, [(first, 'C90', 3)], config)
        checks.equal(orders(db, r)[1:], [('C90', -3.0, 0.0, 'exercised'), ('XYZ', 450.0, 60.0, 'exercised')], '3 : 2: exercised')
    # 1 : 10: 10 units a contract; a put at 90 on 0.1 x 800
    db = split_market(0.1, 800)
    say(db, 'C90', right='put')
    r = run(db, [(1, 'C90', -1)], config)
    checks.equal(orders(db, r)[1:], [('C90', 1.0, 10.0, 'expired: settled in cash')], '1 : 10')
    say(db, 'C90', settlement='physical')
    r = run(db, [(1, 'C90', -1)], config)
    checks.equal(orders(db, r)[1:], [('C90', 1.0, 0.0, 'assigned'), ('XYZ', 10.0, 900.0, 'assigned')], '1 : 10: assigned')
    # listed after the split: the terms are its own
    db = split_market(2, 60)
    db.execute('DELETE FROM bars WHERE asset = ? AND timestep = ? AND ts < ?', ('C90', 'day', day(2)))
    say(db, 'C90', strike=45)
    r = run(db, [(3, 'C90', 3)], config)
    checks.equal(orders(db, r)[1:], [('C90', -3.0, 15.0, 'expired: settled in cash')], 'listed after it')
    # a split of the option itself would count twice
    db.execute("SELECT bars_action('C90', ?, 'split', 2)", (day(3),)).fetchone()
    checks.error(lambda: run(db, [(3, 'C90', 3)], config), ['C90', 'underlying'], 'a split of an option')


def test_between():
    """What is decided after a split, but before the asset's next bar, has seen it."""
    db = connect()
    put(db, 'RAW', [60, 60], 'hour', START, 3600)
    put(db, 'RAW', [30, 30], 'hour', START + 10 * 3600, 3600)
    db.execute("SELECT bars_action('RAW', ?, 'split', 2)", (START + 5 * 3600,)).fetchone()
    for hour, filled in ((2, 20.0), (5, 20.0), (8, 10.0)):
        db.execute('DROP VIEW IF EXISTS late')
        db.execute(f"CREATE VIEW late AS SELECT {START + hour * 3600} AS known_at, 'RAW' AS asset, 10 AS qty")
        r = one(db, """SELECT bt_run('late', '{"assets": ["RAW"], "timestep": "hour"}')""")
        checks.equal(one(db, 'SELECT filled FROM bt_order WHERE run = ?', r), filled, f'an order at hour {hour}')


def test_currency():
    """SAP in EUR at 1.2, bought and marked as EURUSD moves; the rate from the other side; no rate at all."""
    for pair, rates in (('EURUSD', [1.2, 1.2, 1.5, 1.5]), ('USDEUR', [1 / 1.2, 1 / 1.2, 1 / 1.5, 1 / 1.5]), ('EUR/USD', [1.2, 1.2, 1.5, 1.5])):
        db = connect()
        put(db, 'SAP', [100, 100, 100, 110])
        put(db, pair, rates)
        say(db, 'SAP', currency='EUR')
        r = run(db, [(1, 'SAP', 10)])
        checks.equal(curve(db, r), [100000, 100300, 100450], f'{pair}: value')
        checks.equal(curve(db, r, 'cash'), [98800] * 3, f'{pair}: cash')
        checks.near(one(db, 'SELECT sum(pnl) FROM bt_lot WHERE run = ?', r), 450, 1e-9, f'{pair}: pnl')
        checks.near(one(db, 'SELECT value FROM bt_position WHERE run = ?', r), 1650, 1e-9, f'{pair}: position')
        # An account in EUR needs none, and one in GBP has none.
        r = run(db, [(1, 'SAP', 10)], '{"currency": "EUR", "timestep": "day"}')
        checks.equal(curve(db, r), [100000] * 2 + [100100], f'{pair}: in EUR')
        checks.error(lambda: run(db, [(1, 'SAP', 10)], '{"currency": "GBP"}'), ['SAP', 'EUR', 'GBP', 'EURGBP', 'GBPEUR'], f'{pair}: no rate')
    db = connect()
    put(db, 'SAP', [100, 100, 100, 110])
    put(db, 'EURUSD', [None, None, 1.5, 1.5])
    say(db, 'SAP', currency='EUR')
    r = run(db, [(1, 'SAP', 10), (3, 'SAP', 10)])
    checks.equal(db.execute('SELECT reason FROM bt_order WHERE run = ?', (r,)).fetchall(), [('no exchange rate yet',), ('',)], 'currency: a late rate')


def test_steps():
    """An index is not traded; ticks and lots; the same property twice, deleted, and again the default."""
    db = connect()
    put(db, 'IDX', [100, 100, 100])
    put(db, 'LOT', [10, 10, 9, 9])
    say(db, 'IDX', kind='index')
    say(db, 'LOT', tick=0.05, lot=100)
    r = run(db, [(1, 'IDX', 1), (1, 'LOT', 250)], '{"assets": ["IDX", "LOT"]}')
    checks.equal(db.execute('SELECT asset, filled, reason FROM bt_order WHERE run = ? ORDER BY asset', (r,)).fetchall(), [('IDX', 0.0, 'an index cannot be traded'), ('LOT', 200.0, '')], 'steps')
    say(db, 'LOT', lot=None, tick=None)
    checks.equal(one(db, "SELECT count(*) FROM barsvt_property WHERE asset = 'LOT'"), 0, 'steps: deleted')
    r = run(db, [(1, 'LOT', 250)])
    checks.equal(one(db, 'SELECT filled FROM bt_order WHERE run = ?', r), 250, 'steps: default')


def test_calendar():
    """Sold on Wednesday before Good Friday 2024: the second weekday is Friday, the second day of trading in New York Monday."""
    db = connect()
    first = seconds('2024-03-26')
    for asset in ('SPY', 'OWN'):
        put(db, asset, [10] * 10, first=first)

    def bought(config):
        """The day on which 90 can be bought with what 90 brought."""
        rows = [(f"{first + d * DAY}", q) for d, q in [(0, 90), (1, -90)] + [(d, 90) for d in range(2, 10)]]
        db.execute('DROP VIEW IF EXISTS s')
        db.execute(f"CREATE VIEW s AS SELECT column1 AS known_at, 'SPY' AS asset, column2 AS qty FROM (VALUES {', '.join(f'({t}, {q})' for t, q in rows)})")
        r = one(db, "SELECT bt_run('s', ?)", f'{{"cash": 1000, "account": "cash", "start": {first - DAY}, {config}}}')
        return one(db, "SELECT date(min(ts), 'unixepoch') FROM bt_fill WHERE run = ? AND id > 2", r)

    checks.equal(bought('"settlement_days": 2'), '2024-03-29', 'calendar: weekdays')
    checks.equal(bought('"settlement_days": 2, "calendar": "XNYS"'), '2024-04-01', 'calendar: New York')
    checks.equal(bought('"settlement_days": 4, "calendar": "24/7"'), '2024-03-31', 'calendar: always')
    say(db, 'SPY', calendar='xnys')
    checks.equal(bought('"settlement_days": 2'), '2024-04-01', 'calendar: of the asset')
    checks.equal(bought('"settlement_days": 2, "calendar": "24/7"'), '2024-04-01', 'calendar: of the asset first')
    db.execute(f'CREATE TABLE days AS SELECT {first} + value * {DAY} + 3600 AS start, {first} + value * {DAY} + 7200 AS "end" FROM json_each(\'[0, 1, 1, 4, 8]\')')
    say(db, 'SPY', calendar='days')
    checks.equal(bought('"settlement_days": 1'), '2024-03-30', 'calendar: sessions')
    checks.equal(bought('"settlement_days": 2'), '2024-04-03', 'calendar: sessions, two')
    checks.error(lambda: bought('"calendar": "XNYS"'), ['settlement_days, which is 0'], 'calendar: nothing settles')
    say(db, 'SPY', calendar='XLON')
    checks.error(lambda: bought('"settlement_days": 2'), ["'SPY'", 'XLON', '24/7 and XNYS'], 'calendar: unknown')
    checks.equal(bought('"settlement_days": 0'), '2024-03-28', 'calendar: not needed')
    db.execute("CREATE TABLE \"XLON\"(open, close)")
    db.execute("INSERT INTO \"XLON\" VALUES ('Monday', 'Friday')")
    checks.error(lambda: bought('"settlement_days": 2'), ['XLON', "'Monday', not a whole number"], 'calendar: no sessions')


def test_ticks():
    """slippage.ticks by the asset's own tick, and what is said where there is none."""
    db = connect()
    for asset in ('ES', 'ZN'):
        put(db, asset, [100, 100, 100])
    say(db, 'ES', tick=0.25)
    config = '{"slippage": {"model": "fixed", "ticks": 2, "clamp": false}%s}'
    rows = [(1, 'ES', 1), (1, 'ZN', -1)]
    r = run(db, rows, config % ', "tick": 0.015625')
    checks.equal(db.execute('SELECT asset, price FROM bt_fill WHERE run = ? ORDER BY asset', (r,)).fetchall(), [('ES', 100.5), ('ZN', 100 - 2 / 64)], 'ticks')
    checks.error(lambda: run(db, rows, config % ''), ['ZN', 'slippage.ticks needs a price step'], 'ticks: none')
    say(db, 'ZN', tick=0.5)
    r = run(db, rows, config % '')
    checks.equal(db.execute('SELECT asset, price FROM bt_fill WHERE run = ? ORDER BY asset', (r,)).fetchall(), [('ES', 100.5), ('ZN', 99.0)], 'ticks: own alone')


def test_errors():
    db = connect()
    put(db, 'AAA', [1, 2, 3])
    for name, value, says in (('knid', 'x', ['knid', 'did you mean', 'kind', 'multiplier', 'currency']), ('kind', 'bond', ['kind', 'stock, future']),
                              ('strike', -1, ['strike', 'above 0']), ('strike', 'high', ['strike', 'above 0']), ('right', 'left', ['call or put']),
                              ('settlement', 5, ['cash or physical']), ('expiry', 'soon', ['expiry', 'soon']), ('underlying', '', ['underlying', 'name']),
                              ('currency', 'x' * 30, ['currency', 'name'])):
        checks.error(lambda: say(db, 'AAA', **{name: value}), says, f'errors: {name}')
    checks.error(lambda: say(db, 'AAB', kind='future'), ['AAB', 'AAA'], 'errors: unknown asset')
    say(db, 'AAA', kind='option', expiry='2024-01-05')
    checks.equal(one(db, "SELECT value FROM barsvt_property WHERE name = 'expiry'"), seconds('2024-01-05'), 'errors: a time as text')
    checks.error(lambda: run(db, [(1, 'AAA', 1)]), ['AAA', 'an option needs'], 'errors: half an option')
    say(db, 'AAA', kind='stock', underlying='NONE')
    checks.error(lambda: run(db, [(1, 'AAA', 1)]), ['NONE'], 'errors: no underlying')
    say(db, 'AAA', underlying='AAA')
    checks.error(lambda: run(db, [(1, 'AAA', 1)]), ['own underlying'], 'errors: itself')
    for name, value in (('kind', 'bond'), ('strike', -1), ('color', 'red')):
        db.execute("DELETE FROM barsvt_property")
        db.execute("INSERT INTO barsvt_property VALUES ('AAA', ?, ?)", (name, value))
        checks.error(lambda: run(db, [(1, 'AAA', 1)]), ['barsvt_property', name], f'errors: {name} in the table')
    checks.error(lambda: run(db, [(1, 'AAA', 1)], '{"currency": ""}'), ['currency'], 'errors: currency')


for name, test in sorted(globals().items()):
    if name.startswith('test_'):
        test()
checks.finish()
