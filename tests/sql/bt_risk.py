"""Risk rules of a configuration: what they do in a run, the rows of bt_risk, and what is refused."""
import json
import os
import random
import sys

sys.path.insert(0, os.path.join(os.environ['ROOT'], 'tests', 'sql'))
from bt_help import Checks, connect, one  # noqa: E402

checks = Checks()
T0, HOUR, DAY, N = 1704067200, 3600, 86400, 600


def database():
    """Two assets by the hour, one of them short, and a series by the day that orders look at."""
    db, rng = connect(), random.Random(3)
    for asset in ('A', 'B'):
        price = 100.0
        for i in range(N):
            o = round(price * (1 + rng.gauss(0, 0.003)), 2)
            c = round(o * (1 + rng.gauss(0, 0.008)), 2)
            h, low = round(max(o, c) * 1.003, 2), round(min(o, c) * 0.997, 2)
            db.execute("INSERT INTO bars(asset, timestep, ts, open, high, low, close) VALUES (?, 'hour', ?, ?, ?, ?, ?)",
                       (asset, T0 + i * HOUR, o, h, low, c))
            price = c
    for i in range(N // 24 + 1):
        v = 10 + 3 * (i % 10)
        db.execute("INSERT INTO bars(asset, timestep, ts, open, high, low, close) VALUES ('VIX', 'day', ?, ?, ?, ?, ?)",
                   (T0 + i * DAY, v, v, v, v))
    db.execute("""CREATE VIEW both AS SELECT known_at, asset, CASE asset WHEN 'A' THEN 0.4 ELSE -0.4 END AS target_weight
                  FROM bars WHERE asset IN ('A', 'B') AND timestep = 'hour'""")
    return db


def run(db, rules, **more):
    return one(db, "SELECT bt_run('both', ?)", json.dumps({'risk': rules, 'rebalance': 'on_change', **more}))


db = database()
bars = {a: {r[0]: r[1:] for r in db.execute("SELECT ts, open, high, low, close, known_at FROM bars(?, 'hour')", (a,))} for a in 'AB'}

# Without rules the table is there, and empty.
plain = run(db, [])
checks.equal(one(db, 'SELECT count(*) FROM bt_risk'), 0, 'no rules, no rows')

# Every exit at a level fills at the level or the gap's open, and each has a row.
r = run(db, [{'rule': 'stop_loss', 'percent': 2}, {'rule': 'take_profit', 'percent': 3}, {'rule': 'trailing_stop', 'percent': 2.5}],
        rebalance='always')
rows = db.execute("""SELECT f.ts, f.asset, f.qty, f.price, o.order_type, coalesce(o.stop_price, o.limit_price), x.value, x."limit", x.rule, o.tag
  FROM bt_risk x JOIN bt_order o ON o.run = x.run AND o.id = x.order_id JOIN bt_fill f ON f.run = x.run AND f.order_id = o.id
  WHERE x.run = ?""", (r,)).fetchall()
checks.ok(len(rows) > 40 and {row[8] for row in rows} == {'stop_loss', 'take_profit', 'trailing_stop'}, f'{len(rows)} exits')
for ts, asset, qty, price, kind, level, value, limit, rule, tag in rows:
    o, h, low = bars[asset][ts][:3]
    beyond = (o - level) * qty >= 0 if kind == 'stop' else (o - level) * qty <= 0
    checks.ok(price == (o if beyond else level) and low <= price <= h, f'{rule} {price} {level} {o}')
    checks.ok(value == price and limit == level and tag == rule, 'the row has level and price')
checks.equal(one(db, 'SELECT count(*) FROM bt_risk WHERE run = ?', r), len(rows), 'one row for each')
checks.equal(one(db, "SELECT count(*) FROM bt_order WHERE run = ? AND tag IS NOT NULL AND state = 'filled'", r), len(rows), 'no exit without a row')

# After a time: decided at a close, filled at the open after it.
r = run(db, [{'rule': 'time_exit', 'bars': 5}], rebalance='always')
decided = dict(db.execute('SELECT order_id, ts FROM bt_risk WHERE run = ?', (r,)))
opened, n = {}, 0
for ts, order, asset, qty, price, position in db.execute('SELECT ts, order_id, asset, qty, price, position FROM bt_fill WHERE run = ?', (r,)):
    if position == qty:
        opened[asset] = ts
    if order in decided:
        n += 1
        checks.ok(decided[order] == ts and price == bars[asset][ts][0] and position == 0, f'time exit {ts}')
        checks.equal(ts - opened[asset], 5 * HOUR, 'held for five bars')
checks.ok(n > 150, f'{n} exits in time')

# Context: nothing is opened while the last ended day is above the limit.
r = run(db, [{'rule': 'context', 'asset': 'VIX', 'timestep': 'day', 'max': 20}, {'rule': 'time_exit', 'bars': 3}], rebalance='always')
vix = dict(db.execute("SELECT known_at, close FROM bars('VIX', 'day')"))
for ts, qty, position in db.execute('SELECT ts, qty, position FROM bt_fill WHERE run = ?', (r,)):
    known = [v for t, v in vix.items() if t <= ts]
    opens = abs(position) > abs(position - qty)
    checks.ok(not opens or (known and known[-1] <= 20), f'opened at {ts}')
refused = db.execute("SELECT x.ts, x.value FROM bt_risk x WHERE run = ? AND rule = 'context'", (r,)).fetchall()
checks.ok(len(refused) > 50, f'{len(refused)} refused')
for ts, value in refused:
    known = [v for t, v in vix.items() if t <= ts]
    checks.ok(value == (known[-1] if known else None), f'context {value}')
checks.ok(any(v is None for _, v in refused) and any(v for _, v in refused), 'before the first day and later')

# A run that begins later knows what was known before.
late = run(db, [{'rule': 'context', 'asset': 'VIX', 'timestep': 'day', 'max': 1}], start=T0 + 5 * DAY + 7 * HOUR)
checks.equal(db.execute('SELECT value FROM bt_risk WHERE run = ? ORDER BY id LIMIT 1', (late,)).fetchone(), (10 + 3 * 4.0,), 'known before the start')
checks.equal(one(db, 'SELECT count(*) FROM bt_fill WHERE run = ?', late), 0, 'nothing opened')

# Limits hold right after each fill, by the account of the fills alone.
r = run(db, [{'rule': 'max_position', 'percent': 20}, {'rule': 'gross_exposure', 'percent': 35}], rebalance='always')
cash, held = 100000.0, {'A': 0.0, 'B': 0.0}
n = 0
for ts, asset, qty, price in db.execute('SELECT ts, asset, qty, price FROM bt_fill WHERE run = ?', (r,)):
    raised = abs(held[asset] + qty) > abs(held[asset])
    held[asset] += qty
    cash -= qty * price
    worth = {a: held[a] * bars[a][ts][0] for a in held}
    value = cash + sum(worth.values())
    if raised:
        n += 1
        checks.ok(abs(worth[asset]) <= 0.2 * value * (1 + 1e-12), f'position {worth[asset] / value}')
        checks.ok(sum(map(abs, worth.values())) <= 0.35 * value * (1 + 1e-12), 'gross')
checks.ok(n > 5, f'{n} fills raised a position')

# Liquidation: flat from then on, and the account as fills leave it.
r = run(db, [{'rule': 'max_drawdown', 'percent': 1, 'action': 'liquidate'}])
ts = one(db, 'SELECT ts FROM bt_risk WHERE run = ?', r)
checks.equal(one(db, 'SELECT count(*) FROM bt_position WHERE run = ?', r), 0, 'flat')
checks.equal(one(db, 'SELECT count(*) FROM bt_fill WHERE run = ? AND ts > ?', r, ts), 0, 'nothing after it')

# Groups, and an asset's name with a dot.
db.execute("CREATE VIEW one_a AS SELECT * FROM both WHERE asset = 'A'")
r = one(db, "SELECT bt_run('one_a', ?)", json.dumps({'risk': [{'rule': 'group', 'percent': 10, 'groups': {'A': 'x', 'BRK.B': 'x'}}]}))
checks.equal(one(db, "SELECT reason FROM bt_order WHERE run = ? AND id = 1", r), 'risk: group', 'a group cuts')

# Groups by a property of the assets: what the lists give, whichever way an asset comes in.
sectors = {'A': 'tech', 'B': 'oil'}
for asset, sector in sectors.items():
    db.execute('SELECT bars_asset(?, ?, ?)', (asset, 'sector', sector)).fetchone()
kept = 'SELECT id, asset, qty, filled, reason FROM bt_order WHERE run = ?'
fired = 'SELECT ts, asset, rule, value, "limit", action, order_id FROM bt_risk WHERE run = ?'
for extra in ({}, {'assets': ['B', 'A'], 'timestep': 'hour'}):
    runs = [one(db, "SELECT bt_run('both', ?)", json.dumps({'risk': [dict(rule='group', percent=10, **how)], **extra}))
            for how in ({'groups': sectors}, {'property': 'sector'}, {'property': 'Industry'}, {'groups': {'A': 'stock', 'B': 'stock'}}, {'property': 'kind'})]
    checks.ok(one(db, 'SELECT count(*) FROM bt_risk WHERE run = ?', runs[0]) > 1, 'groups: rows')
    for a, b in ((0, 1), (3, 4)):
        checks.equal(db.execute(kept, (runs[a],)).fetchall(), db.execute(kept, (runs[b],)).fetchall(), f'groups by a property: orders {a}')
        checks.equal(db.execute(fired, (runs[a],)).fetchall(), db.execute(fired, (runs[b],)).fetchall(), f'groups by a property: firings {a}')
    checks.equal(one(db, 'SELECT count(*) FROM bt_risk WHERE run = ?', runs[2]), 0, 'no value, no group')
    checks.ok(db.execute(fired, (runs[0],)).fetchall() != db.execute(fired, (runs[3],)).fetchall(), 'other groups, other rows')
db.execute("SELECT bars_asset('A', 'sector', NULL), bars_asset('B', 'sector', NULL)").fetchone()

# Deleting a run deletes its rows.
before = one(db, 'SELECT count(*) FROM bt_risk')
mine = one(db, 'SELECT count(*) FROM bt_risk WHERE run = ?', r)
db.execute('DELETE FROM bt_run WHERE id = ?', (r,))
checks.ok(mine > 0 and one(db, 'SELECT count(*) FROM bt_risk') == before - mine, 'deleted with the run')

# What is refused.
for rules, words in (
        ('x', "'risk' must be a list"),
        ({'rule': 'stop_loss'}, "'risk' must be a list"),
        (['stop_loss'], "'risk' must be a list"),
        ([{'rule': 'stoploss'}], "risk[0]: no rule is named 'stoploss'; did you mean 'stop_loss'?"),
        ([{'rule': 'stop_loss', 'percent': None}], 'risk[0]: percent is null'),
        ([{'rule': 'stop_loss', 'percent': '5'}], 'percent is \'5\'; it takes no text'),
        ([{'rule': 'stop_loss'}], 'stop_loss needs percent'),
        ([{'rule': 'scaled_exit', 'steps': [5, 50]}], 'steps must be a list of up to 8 pairs'),
        ([{'rule': 'scaled_exit', 'steps': [[5, 'x']]}], 'steps must be a list of up to 8 pairs'),
        ([{'rule': 'group', 'percent': 5, 'groups': {'A': 3}}], 'groups must name a group'),
        ([{'rule': 'group', 'percent': 5, 'property': 'secctor'}], "did you mean 'sector'"),
        ([{'rule': 'group', 'percent': 5, 'property': 'tick'}], "property is 'tick'"),
        ([{'rule': 'group', 'percent': 5, 'property': 'sector', 'groups': {'A': 'x'}}], 'exclude each other'),
        ([{'rule': 'context', 'asset': 'VIX', 'max': 3, 'column': 'bid'}], 'it must be open, high, low, close or volume'),
        ([{'rule': 'context', 'asset': 'NONE', 'max': 3}], 'NONE'),
        ([{'rule': 'max_positions', 'positions': 3, 'action': 'liquidate'}], 'max_positions cannot liquidate')):
    config = json.dumps({'risk': rules})
    checks.error(lambda c=config: db.execute("SELECT bt_run('both', ?)", (c,)), [words], str(rules))

checks.finish()
