"""What holding costs, computed again from the stored fills and bars: borrow fees, interest, funding; rates from a
table; the account's identity; what is wrong with such a table.

Tolerance: 1e-7 of money in an account of 1e6, for sums of doubles in another order.
"""
import random
import sys

sys.dont_write_bytecode = True
from bt_help import Checks, connect, one  # noqa: E402

checks = Checks()
DAY, T0, N = 86400, 1704067200, 120
rng = random.Random(11)


def make():
    db = connect()
    price, rows = 100.0, []
    for i in range(N):
        o = round(price * (1 + rng.gauss(0, 0.002)), 2)
        c = round(o * (1 + rng.gauss(0, 0.01)), 2)
        if i % 7 < 5:
            rows.append((T0 + i * DAY, o, max(o, c), min(o, c), c))
        price = c
    db.executemany("INSERT INTO bars(asset, timestep, ts, open, high, low, close, volume) VALUES ('A', 'day', ?, ?, ?, ?, ?, 1e6)", rows)
    db.execute('CREATE TABLE wish(known_at INTEGER PRIMARY KEY, asset, target_weight)')
    for t, *_ in rows:
        if rng.random() < 0.3:
            db.execute("INSERT INTO wish VALUES (?, 'A', ?)", (t + DAY, rng.choice((-1, -0.5, 0, 0.5, 1.5))))
    db.execute('CREATE VIEW w AS SELECT * FROM wish ORDER BY known_at')
    db.execute('CREATE TABLE rates(known_at, asset, kind, rate)')
    return db, rows


def by_hand(db, run, rows, borrow, margin, cash, funding):
    """(ts, kind, amount) in order, from fills and bars: at the open of each bar, on what was held before it."""
    fills = db.execute('SELECT ts, qty, price, commission FROM bt_fill WHERE run = ? ORDER BY id', (run,)).fetchall()
    money, held, mark, last, at, out = 1e6, 0.0, None, None, 0, []
    for ts, _, _, _, close in rows:
        if last is not None:
            days, before = (ts - last) // DAY, money
            rate = margin(ts) if before < 0 else cash(ts)
            due = [(ts, 'margin_interest' if before < 0 else 'cash_interest', days * before * rate / 360)]
            due.append((ts, 'borrow_fee', days * min(held, 0) * (mark or 0) * borrow(ts) / 360))
            due.append((ts, 'funding', -days * held * (mark or 0) * funding(ts)))
            for row in due:
                if row[2]:
                    out.append(row)
                    money += row[2]
        while at < len(fills) and fills[at][0] <= ts:
            _, qty, price, commission = fills[at]
            money -= qty * price + commission
            held += qty
            at += 1
        last, mark = ts, close
    return out


def compare(db, config, rows, text, **rates):
    run = one(db, "SELECT bt_run('w', ?)", config)
    got = db.execute('SELECT ts, kind, amount FROM bt_cash_flow WHERE run = ? ORDER BY id', (run,)).fetchall()
    want = by_hand(db, run, rows, **rates)
    checks.ok(len(want) > 20, f'{text}: {len(want)} charges')
    checks.equal([g[:2] for g in got], [w[:2] for w in want], f'{text}: kinds and times')
    for g, w in zip(got, want):
        checks.near(g[2], w[2], 1e-7, f'{text}: amount of {g[1]} at {g[0]}')
    gained = one(db, 'SELECT value - cash FROM bt_run WHERE id = ?', run)
    pnl = one(db, 'SELECT total(pnl) FROM bt_lot WHERE run = ?', run)
    flows = one(db, 'SELECT total(amount) FROM bt_cash_flow WHERE run = ?', run)
    checks.near(gained, pnl + flows, 1e-7, f'{text}: value - cash = pnl + flows')
    cost = dict(db.execute('SELECT kind, cost FROM bt_cost WHERE run = ?', (run,)))
    checks.near(sum(v for k, v in cost.items() if k not in ('commission', 'slippage')), -flows, 1e-7, f'{text}: bt_cost')
    metric = dict(db.execute("SELECT name, value FROM bt_metric WHERE run = ? AND variant = '' AND name IN ('slippage', 'financing', 'commission')", (run,)))
    checks.near(metric['financing'], -flows, 1e-7, f'{text}: the metric financing')
    for kind in ('slippage', 'commission'):
        checks.near(metric[kind], cost[kind], 1e-7, f'{text}: the metric {kind}')
    checks.near(cost['commission'], one(db, 'SELECT total(commission) FROM bt_fill WHERE run = ?', run), 1e-9, f'{text}: bt_cost, commission')
    return run


def constant(x):
    return lambda ts: x


db, bars = make()
base = '"cash": 1000000, "leverage": 2, "assets": ["A"], "timestep": "day", "commission": 0.001, "slippage": 0.0005'
compare(db, '{%s, "financing": {"borrow_rate": 0.1, "margin_rate": 0.06, "cash_rate": 0.03, "funding_rate": 0.0002, "funding_hours": 24}}' % base,
        bars, 'constant rates', borrow=constant(0.1), margin=constant(0.06), cash=constant(0.03), funding=constant(0.0002))

# Rates that change at the bars' own instants: a charge at that instant is at the new one.  The first row is before all
# bars, one asset is unknown, kinds are in any case.
change = {'borrow': (0.05, 0.4), 'margin': (0.02, 0.09), 'cash': (0.01, 0.04), 'funding': (0.0001, -0.0004)}
when = bars[40][0]
for kind, (first, second) in change.items():
    asset = 'A' if kind in ('borrow', 'funding') else None
    db.execute('INSERT INTO rates VALUES (?, ?, ?, ?)', (T0 - DAY, asset, kind.upper(), first))
    db.execute('INSERT INTO rates VALUES (?, ?, ?, ?)', (when, asset, kind, second))
db.execute("INSERT INTO rates VALUES (?, 'OTHER', 'funding', 0.5)", (T0,))


def changing(kind):
    return lambda ts: change[kind][ts >= when]


table = '{%s, "financing": {"rates": "rates", "funding_hours": 24}}' % base


def charged_in_parts():
    """What fell due before a rate changes is charged then, so days before it are at the rate before."""
    run = one(db, "SELECT bt_run('w', ?)", table)
    got = db.execute('SELECT ts, kind, amount FROM bt_cash_flow WHERE run = ? AND ts < ?', (run, when - 2 * DAY)).fetchall()
    rates = {k: constant(v[0]) for k, v in change.items()}
    want = [w for w in by_hand(db, run, bars, **rates) if w[0] < when - 2 * DAY]
    checks.ok(len(want) > 10, f'{len(want)} charges before the change')
    checks.equal([g[:2] for g in got], [w[:2] for w in want], 'before the change: kinds and times')
    for g, w in zip(got, want):
        checks.near(g[2], w[2], 1e-7, f'before the change: {g[1]} at {g[0]}')
    later = db.execute('SELECT DISTINCT kind FROM bt_cash_flow WHERE run = ? AND ts > ?', (run, when)).fetchall()
    checks.ok(len(later) >= 3, 'after the change it goes on')
    signs = db.execute("SELECT min(amount * qty), max(amount * qty) FROM bt_cash_flow WHERE run = ? AND kind = 'funding' AND ts > ?", (run, when)).fetchone()
    checks.ok(signs[0] > 0 and signs[1] > 0, f'a funding rate below 0 is received by longs and paid by shorts: {signs}')


charged_in_parts()


def wrong(sql, needles, text):
    db.execute('DROP VIEW IF EXISTS bad')
    db.execute('CREATE VIEW bad AS ' + sql)
    checks.error(lambda: db.execute("SELECT bt_run('w', ?)", ('{%s, "financing": {"rates": "bad"}}' % base,)).fetchall(), needles, text)


wrong("SELECT 'x' AS known_at, 'A' AS asset, 'funding' AS kind, 0.1 AS rate", ['known_at', 'epoch seconds'], 'known_at as text')
wrong("SELECT 1 AS known_at, 'A' AS asset, 'fnding' AS kind, 0.1 AS rate", ['fnding', 'borrow, funding'], 'an unknown kind')
wrong("SELECT 1 AS known_at, 'A' AS asset, 'funding' AS kind, 'much' AS rate", ['funding', 'not a number'], 'a rate as text')
wrong("SELECT 1 AS known_at, 'A' AS asset, 'cash' AS kind, 0.1 AS rate", ['financing.rates'], 'a rate of cash for an asset')
wrong("SELECT 1 AS known_at, 'A' AS asset, 'cash' AS kind", ['rate', 'known_at, asset'], 'a missing column')
checks.error(lambda: db.execute("SELECT bt_run('w', ?)", ('{%s, "financing": {"rates": "nothing"}}' % base,)).fetchall(), ['financing.rates', 'nothing'], 'no such table')
checks.error(lambda: db.execute("SELECT bt_run('w', ?)", ('{%s, "financing": {"rates": 1}}' % base,)).fetchall(), ['financing.rates', 'text'], 'a number')
checks.equal(one(db, "SELECT count(*) FROM bt_run WHERE status = 'running'"), 0, 'nothing is left of failed runs')
before = one(db, 'SELECT count(*) FROM bt_cash_flow')
db.execute('DELETE FROM bt_run')
checks.ok(before > 100 and one(db, 'SELECT count(*) FROM bt_cash_flow') == 0, 'deleting a run deletes its cash flows')
checks.finish()
