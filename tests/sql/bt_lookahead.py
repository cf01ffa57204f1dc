"""Step mode cannot see later bars, whatever the view says.

Every view below tries to.  Its orders up to a step t must be those that the same view gives on a
database from which all bars that had not ended by t were deleted; t runs over a sample of steps.
"""
import json
import random
import sys

sys.dont_write_bytecode = True
from bt_help import Checks, connect, one  # noqa: E402

START, QUARTER = 1704067200 + 9 * 3600, 900  # a session of 09:00 to 15:00, four bars an hour
checks = Checks()

# The future would be seen through ... ; each gives a quantity to buy, {q} squeezes a price into one.
LAST = " ORDER BY ts DESC LIMIT 1"
PEEKS = {
    'LEAD over all bars':
        "SELECT asset, {lead} AS qty FROM (SELECT asset, ts, close, lead(close) OVER (ORDER BY ts) AS next FROM bars('AAA', '15m'))" + LAST,
    'greatest close of all':
        "SELECT 'AAA' AS asset, {q}(max(close)) AS qty FROM bars('AAA', '15m')",
    'number of bars':
        "SELECT 'AAA' AS asset, count(*) AS qty FROM bars('AAA', '15m')",
    'bars with a later end':
        "SELECT asset, {q}(close) AS qty FROM bars('AAA', '15m', '2024-01-01', '2030-01-01')" + LAST,
    'bars from now on':
        "SELECT 'AAA' AS asset, 1 + count(*) AS qty FROM bars('AAA', '15m', bars_clock(), NULL)",
    'comparisons with later times':
        "SELECT asset, {q}(close) AS qty FROM bars('AAA', '15m') WHERE ts >= bars_clock() - 3600 AND ts < bars_clock() + 86400" + LAST,
    'the first of the bars after now':
        "SELECT 'AAA' AS asset, coalesce((SELECT {q}(open) FROM bars('AAA', '15m') WHERE ts >= bars_clock() ORDER BY ts LIMIT 1), 1) AS qty",
    'bars_asof in the future':
        "SELECT 'AAA' AS asset, (SELECT {q}(close) FROM bars_asof('AAA', '15m', bars_clock() + 86400)) AS qty",
    'the day under way':
        "SELECT 'AAA' AS asset, coalesce((SELECT {q}(close + high) FROM bars_agg('AAA', 'day') ORDER BY ts DESC LIMIT 1), 1) AS qty",
    'the day under way, asked for':
        "SELECT 'AAA' AS asset, coalesce((SELECT {q}(close + high + volume) FROM bars_agg('AAA', 'day', NULL, NULL, NULL, NULL, NULL, 1)"
        " ORDER BY ts DESC LIMIT 1), 1) AS qty",
    'the hour under way, filled':
        "SELECT 'AAA' AS asset, coalesce((SELECT {q}(close + count) FROM bars_agg('AAA', 'hour', NULL, '2024-03-01', NULL, NULL, 'prev', 1)"
        " ORDER BY ts DESC LIMIT 1), 1) AS qty",
    'the last price':
        "SELECT 'AAA' AS asset, {q}(last_price('AAA')) AS qty",
    'an indicator at a later time':
        "SELECT 'AAA' AS asset, coalesce({q}(sma('AAA', '15m', 5, bars_clock() + 86400)), 1) AS qty",
    'an indicator by name':
        "SELECT 'AAA' AS asset, coalesce({q}(highest('AAA', '15m', 30)), 1) AS qty",
    'another asset, finer bars':
        "SELECT 'AAA' AS asset, coalesce({q}((SELECT close FROM bars('BBB', '5m')" + LAST + ")), 1) AS qty",
    'the end of a join over both':
        "SELECT 'AAA' AS asset, 1 + count(*) % 9 AS qty FROM bars('AAA', '15m') a JOIN bars b ON b.asset = 'BBB' AND b.timestep = '5m' AND b.ts = a.ts + 600",
    'a window function that ends later':
        "SELECT asset, {q}(m) AS qty FROM (SELECT asset, ts, max(high) OVER (ORDER BY ts ROWS BETWEEN CURRENT ROW AND 8 FOLLOWING) AS m FROM bars('AAA', '15m')) ORDER BY ts DESC LIMIT 1 OFFSET 2",
}


def squeeze(sql):
    return sql.replace('{lead}', 'CASE WHEN next > close THEN 7 ELSE 1 END').replace('{q}', 'squeeze')


def make(rng):
    out = []
    for asset, step, seconds in (('AAA', '15 minutes', QUARTER), ('BBB', '5 minutes', 300)):
        price = 50.0
        for d in range(4):
            for i in range(6 * 3600 // seconds):
                start, price = price, max(5.0, price * (1 + rng.gauss(0, 0.01)))
                if rng.random() < 0.05:
                    continue
                out.append((asset, step, START + d * 86400 + i * seconds, start, max(start, price) + 0.1,
                            min(start, price) - 0.1, price, rng.randint(1, 500)))
    return out


def database(bars, t):
    seconds = {'15 minutes': QUARTER, '5 minutes': 300}
    db = connect()
    db.create_function('squeeze', 1, lambda x: None if x is None else 1 + int(x * 1000) % 97, deterministic=True)
    db.executemany('INSERT INTO bars(asset, timestep, ts, open, high, low, close, volume) VALUES (?,?,?,?,?,?,?,?)',
                   [b for b in bars if t is None or b[2] + seconds[b[1]] <= t])
    return db


def orders(db, sql, t):
    """What was asked for up to t.  The config fixes what is stepped over, so that cuts do not change it."""
    db.execute('DROP VIEW IF EXISTS temp.v')
    db.execute('CREATE TEMP VIEW v AS ' + sql)
    run = one(db, "SELECT bt_run('v', ?)", json.dumps({'assets': ['AAA', 'BBB'], 'cash': 1e9}))
    return db.execute('SELECT ts, asset, ask, amount FROM bt_order WHERE run = ? AND ts <= ? ORDER BY id', (run, t)).fetchall()


def main():
    rng = random.Random(11)
    bars = make(rng)
    steps = sorted({b[2] + (QUARTER if b[0] == 'AAA' else 300) for b in bars})
    sample = sorted(rng.sample(steps[20:], 10)) + [steps[-1]]
    whole = database(bars, None)
    cuts = [(t, database(bars, t)) for t in sample]
    for name, sql in PEEKS.items():
        sql = squeeze(sql)
        full = orders(whole, sql, steps[-1])
        checks.ok(len(full) >= len(steps) // 2 and len({o[3] for o in full}) > 1 or 'from now on' in name or 'after now' in name
                  or 'LEAD' in name, f'{name}: the view says something ({len(full)} orders)')
        for t, db in cuts:
            checks.ok(orders(db, sql, t) == [o for o in full if o[0] <= t], f'{name}: sees past {t}')
    # The views that ask for what comes after now have nothing to see.
    for name in ('bars from now on', 'the first of the bars after now', 'LEAD over all bars'):
        checks.equal({o[3] for o in orders(whole, squeeze(PEEKS[name]), steps[-1])}, {1.0}, f'{name}: nothing')
    # The same question in set mode does see the rest: the clock is what makes the difference.
    whole.execute("CREATE TEMP VIEW peek AS SELECT known_at, asset, CASE WHEN next > close THEN 7 ELSE 1 END AS qty FROM"
                  " (SELECT known_at, asset, close, lead(close) OVER (ORDER BY ts) AS next FROM bars('AAA', '15m'))")
    one(whole, "SELECT bt_run('peek', '{\"cash\": 1e9}')")
    checks.equal(one(whole, 'SELECT count(DISTINCT amount) FROM bt_order WHERE run = (SELECT max(id) FROM bt_run)'), 2, 'set mode reads ahead')
    # A view cannot move the clock.
    checks.error(lambda: orders(whole, "SELECT 'AAA' AS asset, bars_clock(NULL) AS qty", 0), ['bars_clock'], 'moving the clock in a view')
    checks.error(lambda: orders(whole, "SELECT asset, prev(bars, -1) AS qty FROM bars('AAA', '15m')" + LAST, 0), ['prev', '-1'], 'a negative prev')
    checks.finish()


main()
