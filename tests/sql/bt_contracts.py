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
