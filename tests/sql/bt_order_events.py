"""Orders step by step: bt_order_event, bt_pending, orders at the open and the close of a day, from SQL."""
import sqlite3
import sys

sys.dont_write_bytecode = True
from bt_help import Checks, connect, one  # noqa: E402

checks = Checks()
db = connect()
DAY, HOUR = 86400, 3600
START = 1704204000  # 2024-01-02 14:00
rows = []
for day in range(3):
    for hour in range(4):
        ts = START + day * DAY + hour * HOUR
        base = 100 + day * 10 + hour
        rows.append((ts, base, base + 2, base - 2, base + 1, 1000))
db.executemany("INSERT INTO bars(asset, timestep, ts, open, high, low, close, volume) VALUES ('X', 'hour', ?, ?, ?, ?, ?, ?)", rows)


def at(day, hour):
    return START + day * DAY + hour * HOUR


def run(name, config='{}'):
    return one(db, "SELECT bt_run(?, json_patch('{\"assets\": [\"X\"], \"timestep\": \"hour\"}', ?))", name, config)


def events(r, order=None):
    return db.execute('SELECT order_id, event, ts, qty, price, "left", reason FROM bt_order_event WHERE run = ?'
                      ' AND coalesce(order_id = ?, 1)', (r, order)).fetchall()


# Orders of a day's open and close, by both spellings.
db.execute('CREATE TABLE plan(known_at, asset, qty, order_type, limit_price, tif, tag)')
db.executemany('INSERT INTO plan VALUES (?, ?, ?, ?, ?, ?, ?)', [
    (at(0, 1), 'X', 1, 'market_on_close', None, None, 'moc'),
    (at(0, 1), 'X', 2, 'market_on_open', None, None, 'moo'),
    (at(0, 1), 'X', 3, 'limit_on_close', 104, None, 'loc'),
    (at(0, 1), 'X', 4, None, 103, 'cls', 'loc missed'),
    (at(0, 1), 'X', 5, 'limit', 110, 'opg', 'loo'),
    (at(0, 1), 'X', 6, 'limit_on_open', 109, None, 'loo missed')])
db.execute('CREATE VIEW planned AS SELECT * FROM plan')
r = run('planned')
checks.equal(db.execute('SELECT tag, order_type, tif, done_ts, filled, price, state, reason FROM bt_order WHERE run = ? ORDER BY id', (r,)).fetchall(), [
    ('moc', 'market_on_close', 'cls', at(0, 4), 1, 104, 'filled', ''),
    ('moo', 'market_on_open', 'opg', at(1, 0), 2, 110, 'filled', ''),
    ('loc', 'limit_on_close', 'cls', at(0, 4), 3, 104, 'filled', ''),
    ('loc missed', 'limit_on_close', 'cls', at(0, 4), 0, None, 'cancelled', 'not filled at the close'),
    ('loo', 'limit_on_open', 'opg', at(1, 0), 5, 110, 'filled', ''),
    ('loo missed', 'limit_on_open', 'opg', at(1, 0), 0, None, 'cancelled', 'not filled at the open')], 'at the open, at the close')
checks.equal(events(r, 4), [(4, 'submitted', at(0, 1), 4, None, 4, ''), (4, 'accepted', at(0, 1), 4, None, 4, ''),
                            (4, 'cancelled', at(0, 4), 4, None, 4, 'not filled at the close')], 'events of one that did not fill')

# The close of the last bar read in a piece of the feed is known only from the next piece.
many = connect()
n = 24 * 400
many.executemany("INSERT INTO bars(asset, timestep, ts, open, high, low, close) VALUES ('X', 'hour', ?, 1, ?, 1, ?)",
                 [(START - 14 * HOUR + i * HOUR, 1 + i, 1 + i) for i in range(n)])
many.execute("CREATE VIEW daily AS SELECT known_at, asset, 1 AS qty, 'market_on_close' AS order_type FROM bars('X', 'hour') WHERE known_at % 86400 = 43200")
m = one(many, "SELECT bt_run('daily', '{\"cash\": 1e9}')")
checks.equal(many.execute('SELECT count(*), min(ts % 86400), max(ts % 86400), sum(price) FROM bt_fill WHERE run = ?', (m,)).fetchone(),
             (400, 0, 0, sum(24.0 * d for d in range(1, 401))), 'a close on every day')

# Events: partial fills, a bracket, a trigger, a replace, a rejection.
db.executescript('''
CREATE TABLE step(known_at, asset, qty, order_type, limit_price, stop_price, take_profit, stop_loss, tag, "replace", tif);
CREATE VIEW steps AS SELECT * FROM step;''')
db.executemany('INSERT INTO step VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)', [
    (at(0, 1), 'X', 150, None, None, None, 200, 50, 'entry', None, None),   # 1, its stop 2, its target 3
    (at(0, 1), 'X', 10, None, 90, 103.5, None, None, 'dip', None, None),     # 4: becomes a limit order, does not fill
    (at(0, 1), 'X', 7, None, 80, None, None, None, 'move', None, None),      # 5
    (at(0, 2), 'X', None, None, 81, None, None, None, None, 'move', None),   # 6 = 5 moved
    (at(0, 2), 'X', 7, 'limit', None, None, None, None, 'bad', None, None)])  # 7
r = run('steps', '{"volume": {"model": "share", "share": 0.1}}')
checks.equal(events(r, 1), [(1, 'submitted', at(0, 1), 150, None, 150, ''), (1, 'accepted', at(0, 1), 150, None, 150, ''),
                            (1, 'partially filled', at(0, 1), 100, 101, 50, ''), (1, 'filled', at(0, 2), 50, 102, 0, '')], 'partial fills')
checks.equal(events(r, 2), [(2, 'submitted', at(0, 1), -150, None, -150, ''), (2, 'accepted', at(0, 1), -150, None, -150, ''),
                            (2, 'activated', at(0, 1), -150, None, -150, ''),
                            (2, 'expired', at(2, 4), -150, None, -150, 'no further bar')], 'a bracket')
checks.equal(events(r, 4), [(4, 'submitted', at(0, 1), 10, None, 10, ''), (4, 'accepted', at(0, 1), 10, None, 10, ''),
                            (4, 'triggered', at(0, 2), 10, 103.5, 10, ''),
                            (4, 'expired', at(2, 4), 10, None, 10, 'no further bar')], 'a trigger')
checks.equal([e[1:3] for e in events(r, 5)], [('submitted', at(0, 1)), ('accepted', at(0, 1)), ('replaced', at(0, 2))], 'a replace')
checks.equal([e[1:3] for e in events(r, 7)], [('submitted', at(0, 2)), ('rejected', at(0, 2))], 'a rejection')
final = one(db, "SELECT count(*) FROM bt_order_event WHERE run = ? AND event IN ('filled', 'cancelled', 'replaced', 'expired', 'rejected')", r)
checks.equal(final, one(db, 'SELECT count(*) FROM bt_order WHERE run = ?', r), 'one end for each order')
checks.equal(one(db, 'SELECT count(*) FROM bt_trigger WHERE run = ?', r), 1, 'only what cannot be derived is stored')
db.execute('DELETE FROM bt_run WHERE id = ?', (r,))
checks.equal(one(db, 'SELECT count(*) FROM bt_trigger WHERE run = ?', r), 0, 'deleted with the run')

# What waits, at the clock of a step.
checks.equal(one(db, 'SELECT count(*) FROM bt_pending'), 0, 'outside a run nothing waits')
seen = []
db.create_function('seen', 11, lambda *row: seen.append(row) or 0)
db.executescript('''
CREATE TEMP VIEW watching AS SELECT 'X' AS asset, qty, limit_price, stop_loss, tag, expire_at FROM (
  SELECT CASE bars_clock() WHEN {first} THEN 150 END AS qty, NULL AS limit_price, 50 AS stop_loss, 'in' AS tag, NULL AS expire_at
  UNION ALL
  SELECT CASE bars_clock() WHEN {first} THEN 5 END, 90, NULL, 'low', {later}
) WHERE (SELECT count(seen(bars_clock(), id, asset, tag, state, order_type, qty, filled, remaining, limit_price, expire_at)) FROM bt_pending) >= 0;
'''.format(first=at(0, 1), later=at(1, 0)))
r = run('watching', '{"volume": {"model": "share", "share": 0.1}}')
seen = sorted(set(seen))
checks.equal([s for s in seen if s[0] == at(0, 2)],
             [(at(0, 2), 1, 'X', 'in', 'partially filled', 'market', 150, 100, 50, None, None),
              (at(0, 2), 2, 'X', 'in', 'waiting', 'stop', -100, 0, -100, None, None),
              (at(0, 2), 3, 'X', 'low', 'waiting', 'limit', 5, 0, 5, 90, at(1, 0))], 'what waits after the first bar')
checks.equal([s[1] for s in seen if s[0] == at(1, 2)], [2], 'what has expired does not wait')
checks.equal([s for s in seen if s[0] <= at(0, 1)], [], 'nothing waits before the first order')
db.execute("CREATE VIEW ahead AS SELECT known_at, asset, (SELECT count(*) FROM bt_pending) AS qty FROM bars('X', 'hour')")
try:
    run('ahead')
    checks.ok(False, 'set mode')
except sqlite3.Error as e:
    checks.ok('bt_pending: the account is known in step mode only' in str(e), str(e))
checks.finish()
