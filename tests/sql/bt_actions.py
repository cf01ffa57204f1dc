"""Splits and dividends in runs: stored by bars_action(), applied before the first bars that show them."""
import sys

sys.dont_write_bytecode = True
from bt_help import Checks, connect, one, seconds  # noqa: E402

checks = Checks()
DAY = 86400
START = seconds('2024-01-02')


def day(i):
    return START + i * DAY


def fresh(closes, asset='AAA'):
    db = connect()
    for i, c in enumerate(closes):
        db.execute("INSERT INTO bars(asset, timestep, ts, open, high, low, close, volume) VALUES (?, 'day', ?, ?, ?, ?, ?, 1)",
                   (asset, day(i), c, c, c, c))
    return db


def run(db, rows, config='{}'):
    """Rows (day, qty) as a set-mode strategy; the run's number."""
    values = ', '.join(f"({day(d)}, {v})" for d, v in rows)
    db.execute('DROP VIEW IF EXISTS s')
    db.execute(f"CREATE VIEW s AS SELECT column1 AS known_at, 'AAA' AS asset, column2 AS qty FROM (VALUES {values})")
    return one(db, "SELECT bt_run('s', ?)", config)


def curve(db, r):
    return [round(v, 6) for v, in db.execute('SELECT value FROM bt_equity WHERE run = ? ORDER BY ts', (r,))]


def test_split():
    """100 @ 10, 4 for 1 on the fourth day: raw prices fall to a quarter, the account does not."""
    db = fresh([10, 10, 12, 3, 3.5])
    checks.equal(one(db, "SELECT bars_action('AAA', ?, 'split', 4)", day(3)), 4, 'split: returned')
    r = run(db, [(1, 100)], '{"timestep": "day", "assets": ["AAA"]}')
    checks.equal(curve(db, r), [100000, 100000, 100200, 100200, 100400], 'split: value')
    checks.equal(db.execute('SELECT qty, avg_price FROM bt_position WHERE run = ?', (r,)).fetchone(), (400.0, 2.5), 'split: position')
    # The decision at the end of the third day is made in old units, and filled in new ones.
    r = run(db, [(1, 100), (3, -100)], '{"timestep": "day", "assets": ["AAA"]}')
    checks.equal(db.execute('SELECT qty, filled, price FROM bt_order WHERE run = ? AND id = 2', (r,)).fetchone(), (-400.0, -400.0, 3.0), 'split: an order that waits')
    checks.equal(one(db, 'SELECT value FROM bt_run WHERE id = ?', r), 100200.0, 'split: sold')
    # Deleted: the account loses what the prices say.
    checks.equal(one(db, "SELECT bars_action('AAA', ?, 'split', NULL)", day(3)), None, 'split: deleted')
    r = run(db, [(1, 100)], '{"timestep": "day", "assets": ["AAA"]}')
    checks.equal(curve(db, r)[-1], 99350, 'split: deleted')


def test_start_on_the_day():
    """A run that begins with the bar of the split knows the last price in new units."""
    db = fresh([10, 10, 12, 3, 3.5])
    db.execute("SELECT bars_action('AAA', ?, 'split', 4)", (day(3),))
    db.execute('DROP VIEW IF EXISTS w')
    db.execute(f"CREATE VIEW w AS SELECT {day(3) + 1} AS known_at, 'AAA' AS asset, 1.0 AS target_weight")
    r = one(db, "SELECT bt_run('w', ?)", '{"cash": 1000, "start": %d, "timestep": "day"}' % day(3))
    checks.equal(db.execute('SELECT qty, filled, price FROM bt_order WHERE run = ?', (r,)).fetchone()[0], 333.0, 'start: sized at 12 / 4')
    # An asset that nobody held when it was split.
    for at, price in ((2, 10), (3, 12), (4, 3), (5, 3.5)):
        db.execute('DROP VIEW w')
        db.execute(f"CREATE VIEW w AS SELECT {day(at)} AS known_at, 'AAA' AS asset, 1200.0 AS target_value")
        r = one(db, "SELECT bt_run('w', ?)", '{"assets": ["AAA"], "timestep": "day"}')
        qty = 1200 // price * (4 if at == 3 else 1)  # decided before the split, it waits over it
        checks.equal(one(db, 'SELECT qty FROM bt_order WHERE run = ?', r), qty, f'idle: sized at {price}')


def test_dividend():
    """Received before the opening of the day, by who held then; shorts pay."""
    db = fresh([10, 10, 12, 11, 11])
    db.execute("SELECT bars_action('AAA', ?, 'dividend', 0.75)", (day(3),))
    r = run(db, [(1, 100), (3, 100)], '{"timestep": "day", "assets": ["AAA"]}')
    checks.equal(db.execute('SELECT id, ts, kind, asset, qty, amount FROM bt_cash_flow WHERE run = ?', (r,)).fetchall(), [(1, day(3), 'dividend', 'AAA', 100.0, 75.0)], 'dividend: flow')
    checks.equal(curve(db, r), [100000, 100000, 100200, 100175, 100175], 'dividend: value')
    gained = one(db, 'SELECT sum(pnl) FROM bt_lot WHERE run = ?', r) + one(db, 'SELECT sum(amount) FROM bt_cash_flow WHERE run = ?', r)
    checks.near(one(db, 'SELECT value - cash FROM bt_run WHERE id = ?', r), gained, 1e-9, 'dividend: identity')
    r = run(db, [(1, -10)], '{"timestep": "day", "assets": ["AAA"]}')
    checks.equal(one(db, 'SELECT amount FROM bt_cash_flow WHERE run = ?', r), -7.5, 'dividend: paid by the short')
    db.execute('DELETE FROM bt_run WHERE id = ?', (r,))
    checks.equal(one(db, 'SELECT count(*) FROM bt_cash_flow WHERE run = ?', r), 0, 'dividend: deleted with the run')


def test_risk_rules():
    """A trailing stop 20 % below the best price: 12 is 3 after 4 for 1, so it stands at 2.4, not at 9.6."""
    db = fresh([10, 10, 12, 3, 2.5, 2.3])
    db.execute("SELECT bars_action('AAA', ?, 'split', 4)", (day(3),))
    r = run(db, [(1, 100)], '{"timestep": "day", "assets": ["AAA"], "risk": [{"rule": "trailing_stop", "percent": 20}]}')
    checks.equal(db.execute('SELECT ts, qty, price FROM bt_fill WHERE run = ?', (r,)).fetchall(), [(day(1), 100.0, 10.0), (day(5), -400.0, 2.3)], 'risk: the level moves with the split')


def test_sources():
    """Many at once, local times, attached stores, and tables that say nonsense."""
    db = connect()
    db.execute("SELECT count(*) FROM bars_stat")
    for i in range(3):
        db.execute("INSERT INTO bars(asset, timestep, ts, open, high, low, close) VALUES ('AAA', 'day', ?, 1, 1, 1, 1)", (seconds('2024-01-02 05:00:00') + i * DAY,))
    db.execute("SELECT bars_asset('AAA', 'tz', 'America/New_York')")
    db.execute("CREATE TABLE paid(day, amount)")
    db.execute("INSERT INTO paid VALUES ('2024-01-03', 0.1), ('2024-01-04', 0.2)")
    checks.equal(db.execute("SELECT bars_action('AAA', day, 'dividend', amount) FROM paid").fetchall(), [(0.1,), (0.2,)], 'sources: from a table')
    checks.equal(one(db, "SELECT min(ts) FROM barsvt_action"), seconds('2024-01-03 05:00:00'), 'sources: local midnight')
    db.execute("UPDATE barsvt_action SET kind = 'gift' WHERE value = 0.2")
    db.execute("CREATE VIEW v AS SELECT known_at, asset, 1 AS target_qty FROM bars('AAA', 'day')")
    checks.error(lambda: db.execute("SELECT bt_run('v')"), ['barsvt_action', 'gift', 'split or dividend'], 'sources: nonsense')
    for sql, says in (("bars_action('AAA', '2024-01-03', 'merger', 1)", ['merger', 'split and dividend']),
                      ("bars_action('AAA', '2024-01-03', 'split', 0)", ['split', 'above 0']),
                      ("bars_action('AAA', '2024-01-03', 'split', 'many')", ['value']),
                      ("bars_action('AAB', '2024-01-03', 'split', 2)", ['AAB', 'AAA']),
                      ("bars_action('AAA', 'soon', 'split', 2)", ['ts', 'soon']),
                      ("bars_action('AAA', NULL, 'split', 2)", ['write bars_action']),
                      ("bars_action('AAA')", ['write bars_action'])):
        checks.error(lambda: db.execute('SELECT ' + sql).fetchall(), says, sql)


for name, test in sorted(globals().items()):
    if name.startswith('test_'):
        test()
checks.finish()
