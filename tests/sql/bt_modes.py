"""Set mode, step mode and the configuration, on bars small enough to follow by hand.

Asset AAA has a bar a day from 2024-01-01 on with open 10, 11, 12 ... and close one half above the open;
BBB begins five days later at 50; HHH has hours.  Costs are off, so a fill is at the open exactly.
"""
import json
import sys

sys.dont_write_bytecode = True
from bt_help import Checks, connect, one  # noqa: E402

DAY, START = 86400, 1704067200
checks = Checks()


def insert(db, asset, step, seconds, first, n, base):
    db.executemany('INSERT INTO bars(asset, timestep, ts, open, high, low, close, volume) VALUES (?,?,?,?,?,?,?,?)',
                   [(asset, step, first + i * seconds, base + i, base + i + 1, base + i - 1, base + i + 0.5, 100)
                    for i in range(n)])


def fresh():
    db = connect()
    insert(db, 'AAA', 'day', DAY, START, 20, 10)
    insert(db, 'BBB', 'day', DAY, START + 5 * DAY, 15, 50)
    insert(db, 'HHH', 'hour', 3600, START, 200, 100)
    return db


def run(db, sql, config=None, name='v', temp=False):
    db.execute(f'DROP VIEW IF EXISTS {name}')
    db.execute(f"CREATE {'TEMP' if temp else ''} VIEW {name} AS {sql}")
    return one(db, 'SELECT bt_run(?, ?)', name, json.dumps(config or {}))


def fills(db, run_id):
    return db.execute('SELECT (ts - ?) / 86400.0, asset, qty, price FROM bt_fill WHERE run = ? ORDER BY id',
                      (START, run_id)).fetchall()


def orders(db, run_id, what='(ts - 1704067200) / 86400.0, asset, amount, state, reason'):
    return db.execute(f'SELECT {what} FROM bt_order WHERE run = ? ORDER BY id', (run_id,)).fetchall()


def span(db, run_id):
    return db.execute('SELECT (start - ?) / 86400.0, ("end" - ?) / 86400.0, steps FROM bt_run WHERE id = ?',
                      (START, START, run_id)).fetchone()


def day(n):
    return START + n * DAY


# A purchase of one unit at every step of one asset.
SET_ONE = "SELECT known_at, asset, 1 AS qty FROM bars('AAA', 'day')"
STEP_ONE = "SELECT asset, 1 AS qty FROM bars('AAA', 'day') ORDER BY ts DESC LIMIT 1"


def test_decide_then_fill():
    db = fresh()
    for sql in (SET_ONE, STEP_ONE):
        r = run(db, sql)
        got = fills(db, r)
        checks.equal(got[:3], [(1.0, 'AAA', 1.0, 11.0), (2.0, 'AAA', 1.0, 12.0), (3.0, 'AAA', 1.0, 13.0)], 'fills at the next open')
        checks.equal((len(got), orders(db, r)[-1]), (19, (20.0, 'AAA', 1.0, 'expired', 'no further bar')), 'the last order')
        checks.equal(span(db, r), (1.0, 20.0, 20), 'steps are the ends of the bars')
        # bought at 11..29, worth the last close, 29.5
        checks.near(one(db, 'SELECT value FROM bt_run WHERE id = ?', r), 100000 + sum(29.5 - p for p in range(11, 30)), 1e-9, 'value')


def test_range():
    """start <= bar and end of bar <= end; decisions after start and by end."""
    db = fresh()
    for sql in (SET_ONE, STEP_ONE):
        r = run(db, sql, {'start': '2024-01-04', 'end': '2024-01-07'})
        checks.equal(span(db, r), (4.0, 6.0, 3), 'range: steps')
        checks.equal([o[0] for o in orders(db, r)], [4.0, 5.0, 6.0], 'range: decisions')
        checks.equal([f[0] for f in fills(db, r)], [4.0, 5.0], 'range: fills')
        r = run(db, sql, {'start': day(3), 'end': day(6) + DAY // 2})
        checks.equal((span(db, r), len(orders(db, r))), ((4.0, 6.0, 3), 3), 'range: a bar that ends after the end is left out')
        r = run(db, sql, {'start': day(3) + 1})
        checks.equal(span(db, r)[0], 5.0, 'range: a bar that began before the start is left out')
        r = run(db, sql, {'end': '2024-01-07T02:00:00', 'tz': 'Etc/GMT-2'})
        checks.equal(span(db, r), (1.0, 6.0, 6), 'range: times are of the zone of the configuration')


def test_clock_bounds_the_run():
    db = fresh()
    for sql in (SET_ONE, STEP_ONE):
        free = run(db, sql, {'end': day(9)})
        db.execute('SELECT bars_clock(?)', (day(9) + 3600,))
        bound = run(db, sql)
        checks.equal(span(db, bound), (1.0, 9.0, 9), 'clock: steps')
        checks.equal((fills(db, bound), orders(db, bound)), (fills(db, free), orders(db, free)), 'clock: as with an end')
        checks.equal(one(db, 'SELECT bars_clock()'), day(9) + 3600, 'clock: put back after the run')
        early = run(db, sql, {'end': day(5)})
        checks.equal(span(db, early)[1], 5.0, 'clock: an earlier end still counts')
        late = run(db, sql, {'end': day(15)})
        checks.equal(span(db, late)[1], 9.0, 'clock: a later end does not')
        checks.error(lambda: run(db, "SELECT asset, 'x' AS qty FROM bars('AAA', 'day')"), ['finite number'], 'clock: a failing run')
        checks.equal(one(db, 'SELECT bars_clock()'), day(9) + 3600, 'clock: put back after a failed run')
        db.execute('SELECT bars_clock(NULL)')
        checks.equal(one(db, 'SELECT bars_clock()'), None, 'clock: lifted')


def test_assets_and_timestep():
    db = fresh()
    # A view that reads days is matched on hours when the configuration says so.
    db.execute("INSERT INTO bars(asset, timestep, ts, open, high, low, close, volume)"
               " SELECT 'HHH', 'day', ts - ts % 86400, min(open), max(high), min(low), max(close), 1 FROM bars('HHH', 'hour') GROUP BY 3")
    days = "SELECT known_at, asset, 1 AS qty FROM bars('HHH', 'day')"
    r = run(db, days, {'timestep': 'day'})
    checks.equal(span(db, r)[2], 9, 'timestep: days')
    r = run(db, days, {'timestep': '1h'})
    checks.equal((span(db, r)[2], fills(db, r)[0]), (200, (1.0, 'HHH', 1.0, 124.0)), 'timestep: hours')
    r = run(db, days)
    checks.equal(span(db, r)[2], 9, 'timestep: what the view reads')
    r = run(db, "SELECT known_at, asset, 1 + 0 * (SELECT max(close) FROM bars('HHH', 'hour')) AS qty FROM bars('HHH', 'day')")
    checks.equal(span(db, r)[2], 200, 'timestep: the finest the view reads')
    # Plain signals: the finest series stored, whichever was stored first.
    db.execute('CREATE TABLE signal(known_at INTEGER, asset, qty)')
    db.execute('INSERT INTO signal VALUES (?, ?, 1)', (day(2), 'HHH'))
    insert(db, 'ZZZ', 'day', DAY, START, 5, 10)
    insert(db, 'ZZZ', 'hour', 3600, START, 120, 10)
    db.execute('INSERT INTO signal VALUES (?, ?, 1)', (day(2) + 7200, 'ZZZ'))
    r = run(db, 'SELECT * FROM signal')
    checks.equal(fills(db, r), [(2.0, 'HHH', 1.0, 148.0), (2 + 2 / 24, 'ZZZ', 1.0, 60.0)], 'signals: finest stored series')
    # Only the assets named are stepped over; a row may still name another one.
    r = run(db, SET_ONE, {'assets': ['BBB']})
    checks.equal(span(db, r)[0], 2.0, 'assets: AAA comes in with its first row')
    checks.equal(one(db, "SELECT count(DISTINCT asset) FROM bt_fill WHERE run = ?", r), 1, 'assets: fills')
    r = run(db, SET_ONE, {'assets': 'AAA'})
    checks.equal(span(db, r), (1.0, 20.0, 20), 'assets: one name instead of an array')


def test_params():
    db = fresh()
    sql = "SELECT known_at, bt_param('asset', 'AAA') AS asset, bt_param('n', 2) AS qty, typeof(bt_param('n', 2)) || typeof(bt_param('none', NULL)) AS tag FROM bars(bt_param('asset', 'AAA'), 'day')"
    r = run(db, sql)
    checks.equal(orders(db, r, 'asset, qty, tag')[0], ('AAA', 2.0, 'integernull'), 'params: defaults')
    r = run(db, sql, {'params': {'asset': 'BBB', 'n': 7, 'none': 'text'}})
    checks.equal(orders(db, r, 'asset, qty, tag')[0], ('BBB', 7.0, 'integertext'), 'params: given')
    r = run(db, sql, {'units': 'fractional', 'params': {'n': 1.5, 'none': True}})
    checks.equal(orders(db, r, 'asset, qty, tag')[0], ('AAA', 1.5, 'realinteger'), 'params: real and true')
    r = run(db, sql)
    checks.equal(orders(db, r, 'asset, qty, tag')[0], ('AAA', 2.0, 'integernull'), 'params: forgotten with the run')
    checks.equal(one(db, "SELECT bt_param('n', 'outside')"), 'outside', 'params: no run, the default')
    checks.equal(one(db, "SELECT json_extract(config, '$.params.n') FROM bt_run WHERE id = 2"), 7, 'params: kept with the run')
    # A sweep: one statement, a run for each row.
    got = db.execute("SELECT value, bt_run('v', json_object('params', json_object('n', value))) FROM json_each('[1, 2, 3]')").fetchall()
    sums = [one(db, 'SELECT sum(qty) FROM bt_fill WHERE run = ?', i) for _, i in got]
    checks.equal(sums, [19.0, 38.0, 57.0], 'params: a sweep')


def test_state():
    """What a step may ask of the account, against what the fills say; the answers travel in the tag."""
    db = fresh()
    ask = "printf('%g|%g|%d|%g|%g', bt_qty('AAA'), coalesce(bt_avg_price('AAA'), -1), bt_bars_held('AAA'), bt_cash(), bt_value())"
    r = run(db, f"SELECT asset, CASE WHEN bt_bars_held(asset) >= 3 THEN -bt_qty(asset) ELSE 1 END AS qty, {ask} AS tag"
                " FROM bars('AAA', 'day') ORDER BY ts DESC LIMIT 1", {'cash': 1000})
    got = [t.split('|') for (t,) in orders(db, r, 'tag')]
    # Bought at 11, 12, 13, 14 on days 1 to 4; held 3 bars at the end of day 3, so sold at the open of day 4.
    want = [['0', '-1', '0', '1000', '1000'], ['1', '11', '1', '989', '1000.5'], ['2', '11.5', '2', '977', '1002'],
            ['3', '12', '3', '964', '1004.5'], ['0', '-1', '0', '1006', '1006'], ['1', '15', '1', '991', '1006.5']]
    checks.equal(got[:6], want, 'state: quantity, average price, bars held, cash, value')
    for f in ("bt_qty('AAA')", "bt_avg_price('AAA')", "bt_bars_held('AAA')", 'bt_cash()', 'bt_value()'):
        name = f.split('(')[0]
        checks.error(lambda: one(db, f'SELECT {f}'), [name, 'no run in progress'], f'state: {f} outside a run')
        checks.error(lambda: run(db, f"SELECT known_at, asset, {f} AS qty FROM bars('AAA', 'day')"),
                     [name, 'step mode only', 'known_at'], f'state: {f} in set mode')
    r = run(db, "SELECT 'AAA' AS asset, 1 AS qty, printf('%g|%s|%d', bt_qty('NONE'), coalesce(bt_avg_price(NULL), 'null'), bt_bars_held(NULL)) AS tag"
                " FROM bars('AAA', 'day') ORDER BY ts DESC LIMIT 1")
    checks.equal(orders(db, r, 'tag')[0], ('0|null|0',), 'state: of an asset that is not held')


def test_rows():
    db = fresh()
    step = "ORDER BY ts DESC LIMIT 1"
    # A NULL target, and a row all of whose targets are NULL, leave the asset as it is.
    r = run(db, f"SELECT asset, CASE WHEN ts = {day(2)} THEN 5 END AS target_qty, NULL AS target_weight FROM bars('AAA', 'day') {step}")
    checks.equal((orders(db, r), fills(db, r)), ([(3.0, 'AAA', 5.0, 'filled', '')], [(3.0, 'AAA', 5.0, 13.0)]), 'rows: NULL targets')
    # Two orders for one asset in one step: both are done; of two targets the later replaces the first.
    twice = "SELECT asset, {} AS {} FROM (SELECT asset, ts FROM bars('AAA', 'day') ORDER BY ts DESC LIMIT 1) WHERE ts = " + str(day(2))
    r = run(db, twice.format(3, 'qty') + ' UNION ALL ' + twice.format(-1, 'qty'))
    checks.equal(fills(db, r), [(3.0, 'AAA', 3.0, 13.0), (3.0, 'AAA', -1.0, 13.0)], 'rows: two quantities')
    r = run(db, twice.format(3, 'target_qty') + ' UNION ALL ' + twice.format(8, 'target_qty'))
    checks.equal((orders(db, r), fills(db, r)),
                 ([(3.0, 'AAA', 3.0, 'cancelled', 'replaced'), (3.0, 'AAA', 8.0, 'filled', '')], [(3.0, 'AAA', 8.0, 13.0)]), 'rows: two targets')
    # A view all of whose rows are NULL trades nothing.
    r = run(db, "SELECT known_at, asset, NULL AS target_weight FROM bars('AAA', 'day')")
    checks.equal((orders(db, r), span(db, r)[2]), ([], 20), 'rows: no orders')
    r = run(db, "SELECT known_at, asset, 1 AS qty FROM bars('AAA', 'day') WHERE 0", {'assets': ['AAA']})
    checks.equal((orders(db, r), span(db, r)[2]), ([], 20), 'rows: no rows')
    # Extra columns and upper case do not matter; a value and a weight are counted at the last close.
    r = run(db, f"SELECT Known_At, ASSET, 100 AS Target_Value, close AS note FROM bars('AAA', 'day') WHERE ts = {day(2)}")
    checks.equal(fills(db, r), [(3.0, 'AAA', 8.0, 13.0)], 'rows: 100 at the close 12.5 are 8 units')
    r = run(db, f"SELECT known_at, asset, 0.5 AS target_weight FROM bars('AAA', 'day') WHERE ts = {day(2)}", {'cash': 1000})
    checks.equal(fills(db, r), [(3.0, 'AAA', 40.0, 13.0)], 'rows: half of 1000 at the close 12.5 is 40 units')


def test_sources():
    """TEMP views, plain tables of signals, joins with bars, several assets at once."""
    db = fresh()
    db.execute('CREATE TABLE signal(known_at INTEGER, asset TEXT, target_weight REAL)')
    db.executemany('INSERT INTO signal VALUES (?, ?, ?)', [(day(2), 'AAA', 0.5), (day(8), 'BBB', 0.3), (day(9), 'AAA', 0.0)])
    # 50000 at 11.5; then 0.3 of 47836 in cash and 4347 units at 17.5, at 52.5
    want = [(2.0, 'AAA', 4347.0, 12.0), (8.0, 'BBB', 708.0, 53.0), (9.0, 'AAA', -4347.0, 19.0)]
    plain = run(db, 'SELECT * FROM signal', temp=True)
    checks.equal(fills(db, plain), want, 'sources: signals alone, in a TEMP view')
    checks.equal(one(db, 'SELECT sql FROM bt_run WHERE id = ?', plain).startswith('CREATE'), True, 'sources: the text of the view is kept')
    db.execute('DROP VIEW temp.v')
    joined = run(db, "SELECT known_at, asset, 0.0 AS target_weight FROM bars WHERE asset IN ('AAA', 'BBB') AND timestep = 'day' AND 0 UNION ALL"
                     " SELECT b.known_at, b.asset, s.target_weight FROM signal s JOIN bars b ON b.asset = s.asset AND b.timestep = 'day' AND b.known_at = s.known_at")
    checks.equal(fills(db, joined), want, 'sources: signals joined with bars')
    by_clock = run(db, 'SELECT asset, target_weight FROM signal WHERE known_at = bars_clock()', {'assets': ['AAA', 'BBB']})
    checks.equal(fills(db, by_clock), want, 'sources: signals in step mode, by the clock')
    both = run(db, "SELECT asset, 1 AS qty FROM bars WHERE asset IN ('AAA', 'BBB') AND timestep = 'day' AND known_at = bars_clock()")
    got = fills(db, both)
    checks.equal([f for f in got if f[0] == 6.0], [(6.0, 'AAA', 1.0, 16.0), (6.0, 'BBB', 1.0, 51.0)], 'sources: two assets in one step')
    # A view of a TEMP table shadows one of the same name, as SQLite resolves names.
    db.execute('CREATE VIEW shadow AS SELECT * FROM signal')
    db.execute("CREATE TEMP VIEW shadow AS SELECT known_at, asset, 2 AS qty FROM bars('AAA', 'day')")
    checks.equal(fills(db, one(db, "SELECT bt_run('shadow')"))[0], (1.0, 'AAA', 2.0, 11.0), 'sources: TEMP first')
    # In an attached database.
    db.execute("ATTACH ':memory:' AS other")
    db.execute("CREATE VIEW other.there AS SELECT known_at, asset, 4 AS qty FROM bars('AAA', 'day')")
    checks.equal(fills(db, one(db, "SELECT bt_run('there')"))[0], (1.0, 'AAA', 4.0, 11.0), 'sources: an attached database')
    # Counting back from the clock, without naming the assets: the view still reads something to step over.
    r = run(db, f"SELECT 'AAA' AS asset, count(*) AS qty FROM bars('AAA', 'day', bars_clock() - {3 * DAY}, bars_clock())")
    checks.equal((span(db, r), [f[2] for f in fills(db, r)][:4]), ((1.0, 20.0, 20), [1.0, 2.0, 3.0, 3.0]), 'sources: counting back from the clock')
    # A function of the program.
    db.create_function('model', 1, lambda x: 9 if x > 12 else None)
    r = run(db, "SELECT known_at, asset, model(close) AS target_qty FROM bars('AAA', 'day')", temp=True)
    checks.equal(fills(db, r), [(3.0, 'AAA', 9.0, 13.0)], 'sources: a function of the program')


def test_multiplier():
    """A contract of 50 a point: value, P&L, buying power and return count the multiplier."""
    db = fresh()
    db.execute("SELECT bars_asset('AAA', 'multiplier', 50)")
    r = run(db, f"SELECT known_at, asset, CASE ts WHEN {day(0)} THEN 3 WHEN {day(9)} THEN 0 END AS target_qty FROM bars('AAA', 'day')",
            {'commission': 0.001})
    commission = 3 * 50 * (11 + 20) * 0.001
    pnl, ret = db.execute('SELECT pnl, ret FROM bt_trade WHERE run = ?', (r,)).fetchone()
    checks.near(pnl, 3 * 50 * (20 - 11) - commission, 1e-9, 'multiplier: P&L')
    checks.near(ret, pnl / (3 * 50 * 11), 1e-12, 'multiplier: return')
    checks.near(one(db, 'SELECT value FROM bt_run WHERE id = ?', r), 100000 + pnl, 1e-9, 'multiplier: value')
    checks.near(one(db, 'SELECT cash FROM bt_equity WHERE run = ? AND ts = ?', r, day(2)), 100000 - 3 * 50 * 11 * 1.001, 1e-9, 'multiplier: cash')
    # Bought and sold, over the mean value of the account.
    mean = one(db, 'SELECT avg(value) FROM bt_equity WHERE run = ?', r)
    turnover = one(db, "SELECT value FROM bt_metric WHERE run = ? AND name = 'turnover' AND variant = ''", r)
    years = 20 / one(db, "SELECT value FROM bt_metric WHERE run = ? AND name = 'periods_per_year' AND variant = ''", r)
    checks.near(turnover * years * mean / (3 * 50 * (11 + 20)), 1.0, 0.6, 'multiplier: turnover counts it')
    r = run(db, f"SELECT known_at, asset, CASE ts WHEN {day(0)} THEN 1.0 END AS target_weight FROM bars('AAA', 'day')", {'cash': 6000})
    checks.equal(fills(db, r), [(1.0, 'AAA', 10.0, 11.0)], 'multiplier: 6000 at 550 a contract')


def test_attached():
    """Bars in an attached file; results go to main, which has none of the store's tables."""
    db = connect('attached.db')
    insert(db, 'AAA', 'day', DAY, START, 20, 10)
    db.execute("SELECT bars_asset('AAA', 'multiplier', 2)")
    db.close()
    db = connect()
    db.execute("ATTACH 'attached.db' AS market")
    for sql in (SET_ONE, STEP_ONE):
        r = run(db, sql, temp=True)
        checks.equal((span(db, r), len(fills(db, r))), ((1.0, 20.0, 20), 19), 'attached: steps and fills')
        checks.near(one(db, 'SELECT value FROM bt_run WHERE id = ?', r), 100000 + 2 * sum(29.5 - p for p in range(11, 30)), 1e-9, 'attached: value')
    checks.equal(one(db, "SELECT count(*) FROM market.sqlite_schema WHERE name LIKE 'bt_%'"), 0, 'attached: nothing is written there')
    checks.equal(one(db, "SELECT count(*) FROM main.sqlite_schema WHERE name LIKE 'barsvt_%'"), 0, 'attached: no store is made in main')


def test_late_assets():
    """An asset that a row names first is bought at the last price before, and stepped over from then on."""
    db = fresh()
    db.execute('CREATE TABLE signal(known_at INTEGER, asset TEXT, target_weight REAL)')
    db.execute('INSERT INTO signal VALUES (?, ?, 0.1)', (day(3) + 5 * 3600, 'HHH'))
    # Days of AAA are the steps; HHH comes in between two of them, and its hours are not skipped.
    r = run(db, "SELECT known_at, asset, NULL AS target_weight FROM bars('AAA', 'day') UNION ALL SELECT * FROM signal")
    checks.equal(fills(db, r), [(3 + 5 / 24, 'HHH', 56.0, 177.0)], 'late: bought at the open of its hour, sized at the close before')
    times = [t for (t,) in db.execute('SELECT ts FROM bt_equity WHERE run = ? ORDER BY ts', (r,))]
    want = sorted({day(i + 1) for i in range(20)} | {START + (i + 1) * 3600 for i in range(77, 200)})
    checks.equal(times, want, 'late: steps')
    # Before its first bar an asset has no price; a quantity waits, a weight cannot be sized.
    db.execute('DELETE FROM signal')
    db.execute('INSERT INTO signal VALUES (?, ?, 0.1)', (day(2), 'BBB'))
    r = run(db, "SELECT * FROM signal")
    checks.equal(orders(db, r), [(2.0, 'BBB', 0.1, 'rejected', 'no price yet')], 'late: no price yet')
    r = run(db, "SELECT known_at, asset, 3 AS qty FROM signal")
    checks.equal(fills(db, r), [(5.0, 'BBB', 3.0, 50.0)], 'late: a quantity waits for the first bar')
    # After its last bar an order expires, at the instant it was decided.
    r = run(db, f"SELECT {day(30)} AS known_at, 'BBB' AS asset, 3 AS qty", {'assets': ['BBB']})
    checks.equal(orders(db, r, '(ts - 1704067200) / 86400, (done_ts - 1704067200) / 86400, state'), [(30, 30, 'expired')], 'late: after the last bar')


for name, test in sorted(globals().items()):
    if name.startswith('test_'):
        test()
checks.finish()
