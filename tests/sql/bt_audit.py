#!/usr/bin/python3
"""bt_audit accuses every strategy that looks ahead, and none that does not.

LEAKS look ahead on purpose, each in another way; HONEST ones look alike and do not.  For some of them the changes
are computed here, row by row, and must be those that are listed.
"""
import os
import random
import sys

sys.dont_write_bytecode = True
from bt_help import SHARED, Checks, connect, one  # noqa: E402

checks = Checks()
START = 1704067200 + 14 * 3600 + 1800  # days of 78 bars of five minutes, 14:30 to 21:00
M, D = "bars('AAA', '5m')", "bars('AAA', 'day')"

LEAKS = {
    'LEAD': f'SELECT known_at, asset, lead(close) OVER (ORDER BY ts) > close AS target_weight FROM {M}',
    'the next bar by a join': f"SELECT a.known_at, a.asset, b.close > a.close AS target_weight FROM {M} a JOIN bars b ON b.asset = a.asset AND b.timestep = '5m' AND b.ts = a.ts + 300",
    'the next bar by a left join': f"SELECT a.known_at, a.asset, coalesce(b.close > a.close, 0) AS target_weight FROM {M} a LEFT JOIN {M} b ON b.ts = a.known_at",
    'a centred average': f'SELECT known_at, asset, close < avg(close) OVER (ORDER BY ts ROWS BETWEEN 3 PRECEDING AND 3 FOLLOWING) AS target_weight FROM {M}',
    'an average of the whole': f'SELECT known_at, asset, close < avg(close) OVER () AS target_weight FROM {M}',
    'normalised over all': f'SELECT known_at, asset, (close - min(close) OVER ()) / (max(close) OVER () - min(close) OVER ()) AS target_weight FROM {M}',
    'normalised by a subquery': f'SELECT known_at, asset, close / (SELECT max(close) FROM {M}) AS target_weight FROM {M}',
    'ranked over all': f'SELECT known_at, asset, percent_rank() OVER (ORDER BY close) AS target_weight FROM {M}',
    'the best bars': f'SELECT known_at, asset, 1 AS target_weight FROM (SELECT *, asset FROM {M} ORDER BY close LIMIT 20)',
    'the day under way, labelled left':
        f"SELECT m.known_at, m.asset, d.close > m.close AS target_weight FROM {M} m JOIN bars_agg d ON d.asset = m.asset AND d.timestep = 'day' AND d.ts = m.ts / 86400 * 86400",
    'the day as of its label':
        f"SELECT m.known_at, m.asset, (SELECT d.close FROM bars_agg('AAA', 'day') d WHERE d.ts <= m.ts ORDER BY d.ts DESC LIMIT 1) > m.close AS target_weight FROM {M} m",
    'the stored day as of its label':
        f"SELECT m.known_at, m.asset, (SELECT d.close FROM {D} d WHERE d.ts <= m.ts ORDER BY d.ts DESC LIMIT 1) > m.close AS target_weight FROM {M} m",
    'the half hour under way': f"SELECT m.known_at, m.asset, h.close - m.close AS target_value FROM {M} m JOIN bars_agg('AAA', '30m') h ON h.ts = m.ts / 1800 * 1800",
    'known when it opens': f'SELECT ts AS known_at, asset, close > open AS target_weight FROM {M}',
    'known a second early': f'SELECT known_at - 1 AS known_at, asset, close > open AS target_weight FROM {M}',
    'the highest of today': f'SELECT known_at, asset, close < max(close) OVER (PARTITION BY ts / 86400) AS target_weight FROM {M}',
    'the last bar of the day': f'SELECT known_at, asset, ts = max(ts) OVER (PARTITION BY ts / 86400) AS target_weight FROM {M}',
    'filled backwards': f'SELECT known_at, asset, min(CASE WHEN ts % 3600 = 1800 THEN close END) OVER (ORDER BY ts ROWS BETWEEN CURRENT ROW AND 11 FOLLOWING) AS target_value FROM {M}',
    'an indicator shifted back': f"SELECT a.known_at, a.asset, sma(b.bars, 3) > a.close AS target_weight FROM {M} a JOIN bars b ON b.asset = a.asset AND b.timestep = '5m' AND b.ts = a.ts + 300",
    'an indicator at a later time': f"SELECT known_at, asset, sma('AAA', '5m', 3, 'close', known_at + 600) > close AS target_weight FROM {M}",
    'the last price of all': f"SELECT known_at, asset, close < last_price('AAA') AS target_weight FROM {M}",
    'as of later': f"SELECT m.known_at, m.asset, (SELECT close FROM bars_asof('AAA', '5m', m.known_at + 900)) > m.close AS target_weight FROM {M} m",
    'a summary of the whole': f"SELECT m.known_at, m.asset, close > (SELECT mean FROM bars_summary('AAA', '5m')) AS target_weight FROM {M} m",
    'another asset that is late': f"SELECT a.known_at, a.asset, b.close > a.close AS target_weight FROM {M} a JOIN bars('BBB', '5m') b ON b.ts = a.ts + 300",
    'only what turned out well': f'SELECT known_at, asset, 1 AS target_weight FROM (SELECT *, asset, lead(close) OVER (ORDER BY ts) AS next FROM {M}) WHERE next > close',
    'only what is not the last': f'SELECT known_at, asset, 1 AS target_weight FROM (SELECT *, asset, lead(close) OVER (ORDER BY ts) AS next FROM {M}) WHERE next IS NULL OR next > close',
    'the number of bars': f'SELECT known_at, asset, 1.0 / count(*) OVER () AS target_weight FROM {M}',
    'a tag from the future': f'SELECT known_at, asset, 1 AS target_weight, lead(ts) OVER (ORDER BY ts) AS tag FROM {M}',
    'a regression over all': f"SELECT known_at, asset, slope * (ts - {START}) AS target_value FROM {M}, (SELECT sum((ts - {START}) * close) / sum((ts - {START}) * 1.0 * (ts - {START})) AS slope FROM {M})",
    'two assets ranked over time': "SELECT known_at, asset, rank() OVER (PARTITION BY asset ORDER BY close DESC) <= 30 AS target_weight FROM bars WHERE asset IN ('AAA', 'BBB') AND timestep = '5m'",
    'a feed of leaking signals': 'SELECT known_at, asset, score AS target_weight FROM leaking',
}

HONEST = {
    'LAG': f'SELECT known_at, asset, lag(close) OVER (ORDER BY ts) < close AS target_weight FROM {M}',
    'a trailing average': f'SELECT known_at, asset, close < avg(close) OVER (ORDER BY ts ROWS 6 PRECEDING) AS target_weight FROM {M}',
    'an average so far': f'SELECT known_at, asset, close / avg(close) OVER (ORDER BY ts) AS target_weight FROM {M}',
    'normalised so far': f'SELECT known_at, asset, (close - min(close) OVER w) / (max(close) OVER w - min(close) OVER w) AS target_weight FROM {M} WINDOW w AS (ORDER BY ts)',
    'the day before': f"SELECT m.known_at, m.asset, (SELECT d.close FROM bars_agg('AAA', 'day') d WHERE d.known_at <= m.known_at ORDER BY d.ts DESC LIMIT 1) > m.close AS target_weight FROM {M} m",
    'the stored day before': f"SELECT m.known_at, m.asset, (SELECT d.close FROM {D} d WHERE d.known_at <= m.known_at ORDER BY d.ts DESC LIMIT 1) > m.close AS target_weight FROM {M} m",
    'as of now': f"SELECT m.known_at, m.asset, (SELECT close FROM bars_asof('BBB', '5m', m.known_at)) > m.close AS target_weight FROM {M} m",
    'indicators': f'SELECT known_at, asset, rsi(bars, 14) < 40 AND sma(bars, 5) > ema(bars, 20) AS target_weight FROM {M}',
    'indicators of half hours': "SELECT known_at, asset, macd(bars_agg, 5, 9, 4) AS target_value FROM bars_agg('AAA', '30m')",
    'an indicator by name': f"SELECT known_at, asset, sma('AAA', '5m', 3, 'close', known_at) > close AS target_weight FROM {M}",
    'the highest of today so far': f'SELECT known_at, asset, close < max(close) OVER (PARTITION BY ts / 86400 ORDER BY ts) AS target_weight FROM {M}',
    'another asset': f"SELECT a.known_at, a.asset, b.close > a.close AS target_weight FROM {M} a LEFT JOIN bars('BBB', '5m') b ON b.ts = a.ts",
    'both assets ranked': "SELECT known_at, asset, rank() OVER (PARTITION BY ts ORDER BY close DESC) = 1 AS target_weight FROM bars WHERE asset IN ('AAA', 'BBB') AND timestep = '5m'",
    'numbered': f'SELECT known_at, asset, row_number() OVER (ORDER BY ts) % 5 AS target_qty FROM {M}',
    'decided late': f'SELECT known_at + 300 AS known_at, asset, lead(close) OVER (ORDER BY ts) > close AS target_weight, NULL AS tag FROM {M} WHERE ts < {START} + 86400 AND 0'
                    f' UNION ALL SELECT known_at + 900, asset, close > open, NULL FROM {M}',
    'newest first': f'SELECT known_at, asset, close > open AS target_weight FROM {M} ORDER BY ts DESC',
    'days': f'SELECT known_at, asset, sma(bars, 2) > close AS target_weight FROM {D}',
    'filtered': f'SELECT known_at, asset, 1 AS target_weight FROM {M} WHERE close > prev(bars, 1)',
    'with parameters': f"SELECT known_at, asset, sma(bars, bt_param('n', 4)) > close AS target_weight FROM {M}",
    'a feed': 'SELECT known_at, asset, score AS target_weight FROM honest',
    'a feed of days': 'SELECT known_at, asset, momentum AS target_weight FROM daily',
    'twice a row': f'SELECT known_at, asset, close > open AS target_weight FROM {M} UNION ALL SELECT known_at, asset, close > open FROM {M}',
}


def make(db, rng, days=4):
    for asset in ('AAA', 'BBB'):
        price = 100
        for day in range(days):
            for i in range(78):
                o, price = price, max(20, price + rng.choice((-2, -1, 0, 1, 2)) / 4)
                db.execute("INSERT INTO bars(asset, timestep, ts, open, high, low, close, volume) VALUES (?, '5m', ?, ?, ?, ?, ?, ?)",
                           (asset, START + 86400 * day + 300 * i, o, max(o, price) + 0.25, min(o, price) - 0.25, price, rng.randrange(1, 99)))
    db.execute("INSERT INTO bars(asset, timestep, ts, open, high, low, close) SELECT 'AAA', 'day', ts, open, high, low, close FROM bars_agg('AAA', 'day', NULL, NULL, NULL, NULL, NULL, NULL, '5m')")
    db.execute(f"CREATE VIEW early AS SELECT ts, asset, lead(close) OVER (ORDER BY ts) > close AS score FROM {M}")
    db.execute(f"CREATE VIEW fair AS SELECT ts, asset, close > open AS score FROM {M}")
    db.execute(f'CREATE VIEW momentum AS SELECT ts, asset, known_at, close - open AS momentum FROM {D}')
    db.execute("CREATE VIRTUAL TABLE leaking USING bars_feed(universe='AAA', timestep='5m', signals=early)")
    db.execute("CREATE VIRTUAL TABLE honest USING bars_feed(universe='AAA', timestep='5m', signals=(fair timing=next_bar))")
    db.execute("CREATE VIRTUAL TABLE daily USING bars_feed(universe='AAA, BBB', timestep='5m', signals=(momentum match=asof))")


db = connect()
make(db, random.Random(3))
for kind, views in (('leak', LEAKS), ('honest', HONEST)):
    for i, (name, sql) in enumerate(views.items()):
        view = f'{kind}_{i}'
        db.execute(f'CREATE VIEW {view} AS {sql}')
        checks.ok(one(db, f'SELECT count(*) FROM {view}') > 0, f'{name}: rows')
        for options in ('{}', '{"samples": 7}'):
            found = db.execute('SELECT change, known_at, clock, field, value, value_then FROM bt_audit(?, NULL, ?)', (view, options)).fetchall()
            if kind == 'leak':
                checks.ok(found, f'{name} was not caught with {options}')
                checks.ok(all(k <= c for _, k, c, *_ in found), f'{name}: a change is told at a clock before its row')
            else:
                checks.equal(found, [], f'{name} was accused with {options}')
        checks.equal(one(db, 'SELECT bars_clock()'), None, f'{name}: the clock afterwards')


def expected(rows_at, last, clocks):
    """The first clock at which each row of `last` differs; rows are {key: value}."""
    told = {}
    for clock in sorted(clocks):
        then = rows_at(clock)
        for key in sorted(set(last) | set(then)):
            if key <= clock and last.get(key, '-') != then.get(key, '-') and key not in told:
                told[key] = (clock, last.get(key), then.get(key))
    return sorted((k, *v) for k, v in told.items())


# every change of some, at every instant, is the one computed from the rows here
bars = db.execute(f'SELECT known_at, close FROM {M} ORDER BY ts').fetchall()


def lead_rows(clock):
    seen = [b for b in bars if b[0] <= clock]
    return {k: None if i + 1 == len(seen) else int(seen[i + 1][1] > c) for i, (k, c) in enumerate(seen)}


def share_rows(clock):
    seen = [b for b in bars if b[0] <= clock]
    top = max(c for _, c in seen) if seen else None
    return {k: c / top for k, c in seen}


def best_rows(clock):
    return {k: 1 for k, _ in sorted((b for b in bars if b[0] <= clock), key=lambda b: (b[1], b[0]))[:20]}


db.execute(f'CREATE VIEW best AS SELECT known_at, asset, 1 AS target_weight FROM (SELECT *, asset FROM {M} ORDER BY close, ts LIMIT 20)')
clocks = [k for k, _ in bars][::9] + [bars[-1][0]]
at = '{"at": [' + ', '.join(map(str, clocks)) + ']}'
for view, rows in (('leak_0', lead_rows), ('leak_6', share_rows), ('best', best_rows)):
    got = db.execute('SELECT known_at, clock, value, value_then FROM bt_audit(?, NULL, ?)', (view, at)).fetchall()
    if view == 'best':  # rows that come or go have no field
        kinds = db.execute('SELECT known_at, clock, change FROM bt_audit(?, NULL, ?)', (view, at)).fetchall()
        want = [(k, c, 'missing' if last else 'extra') for k, c, last, then in expected(rows, rows(9e18), clocks)]
        checks.equal(sorted(kinds), want, f'{view}: rows that come and go')
        checks.ok({'extra'} <= {k[2] for k in kinds}, f'{view}: rows that go')
    else:
        checks.equal(sorted(got), expected(rows, rows(9e18), clocks), f'{view}: changes')

# the words, other columns, the tolerance
db.execute(f'CREATE VIEW words AS SELECT known_at, asset, 1 AS target_weight, CASE WHEN lead(ts) OVER (ORDER BY ts) IS NULL THEN \'last\' ELSE \'more\' END AS note FROM {M}')
row = db.execute("SELECT change, asset, field, value, value_then, clock - known_at, message FROM bt_audit('words', NULL, '{\"samples\": 1}')").fetchall()
checks.equal([r[:6] for r in row], [('changed', 'AAA', 'note', 'more', 'last', 0)], 'a column that is no target')
checks.ok(row[0][6].startswith('note was another one at 2024-01-'), row[0][6])
db.execute(f'CREATE VIEW slight AS SELECT known_at, asset, close + count(*) OVER () * 1e-12 AS target_value FROM {M}')
checks.ok(one(db, "SELECT count(*) FROM bt_audit('slight')") > 0, 'slight without tolerance')
checks.equal(one(db, "SELECT count(*) FROM bt_audit('slight', NULL, '{\"tolerance\": 1e-9}')"), 0, 'slight with tolerance')
db.execute(f"CREATE VIEW bare AS SELECT known_at, sum(close) OVER () AS s FROM {M}")
checks.equal(one(db, "SELECT asset IS NULL AND count(*) > 0 FROM bt_audit('bare')"), 1, 'rows without assets')
checks.ok(one(db, "SELECT count(*) FROM bt_audit('leaking')") > 0, 'a feed itself is audited')
checks.equal(one(db, "SELECT count(*) FROM bt_audit('honest')"), 0, 'an honest feed itself')

# the configuration: parameters, start, end; the connection's clock is never passed
db.execute(f"CREATE VIEW tuned AS SELECT known_at, asset, CASE bt_param('peek', 0) WHEN 1 THEN lead(close) OVER (ORDER BY ts) ELSE close END AS target_value FROM {M}")
checks.equal(one(db, "SELECT count(*) FROM bt_audit('tuned')"), 0, 'a parameter by default')
checks.ok(one(db, "SELECT count(*) FROM bt_audit('tuned', '{\"params\": {\"peek\": 1}}')") > 0, 'a parameter')
half = START + 2 * 86400
checks.ok(one(db, f"SELECT min(known_at) > {half} FROM bt_audit('leak_5', '{{\"start\": {half + 1}}}')") == 1, 'start')
checks.ok(one(db, f"SELECT max(clock) <= {half} FROM bt_audit('leak_5', '{{\"end\": {half}}}')") == 1, 'end')
db.execute('SELECT bars_clock(?)', (half,))
top = one(db, f'SELECT max(close) FROM {M}')
checks.ok(one(db, f"SELECT max(clock) <= {half} FROM bt_audit('leak_6')") == 1, 'the clock')
checks.equal(one(db, 'SELECT bars_clock()'), half, 'the clock afterwards')
checks.equal(one(db, f"SELECT count(*) FROM bt_audit('leak_6', NULL, '{{\"at\": [{half + 300}, \"2024-01-05\"]}}')"), 0, 'instants after the clock are not looked at')
db.execute('SELECT bars_clock(NULL)')

# what cannot be audited
db.execute("CREATE VIEW steps AS SELECT asset, 1 AS target_weight FROM bars_asof('AAA', '5m')")
db.execute('CREATE TABLE plain(known_at, asset, target_weight)')
db.execute("INSERT INTO plain VALUES (1, 'AAA', 1)")
db.execute('CREATE VIEW flat AS SELECT * FROM plain')
db.execute(f"CREATE VIEW late AS SELECT time AS known_at, asset, 1 AS target_weight FROM {M}")
db.execute(f"CREATE VIEW account AS SELECT known_at, asset, bt_qty('AAA') AS target_qty FROM {M}")
for args, needles in (("('none')", ["view 'none'", 'no such table']), ('', ['missing argument strategy']), ("('steps')", ["view 'steps' has no column known_at", 'cannot look ahead']),
                      ("('flat')", ["view 'flat' reads no bars"]), ("('late')", ['known_at is', 'whole number']), ("('account')", ['step mode only']),
                      ("('best', '{\"cahs\": 1}')", ["unknown key 'cahs'"]), ("('best', NULL, '{\"sample\": 1}')", ["did you mean 'samples'"]),
                      ("('best', NULL, '{\"samples\": 0}')", ['from 1 to']), ("('best', NULL, '{\"tolerance\": 1}')", ['less than 1']), ("('best', NULL, '{\"at\": [\"noon\"]}')", ['not a time'])):
    checks.error(lambda: db.execute(f'SELECT * FROM bt_audit{args}').fetchall(), ['bt_audit', *needles], args)
    checks.equal(one(db, 'SELECT bars_clock()'), None, f'the clock after {args}')
db.execute("CREATE VIEW inside AS SELECT 1 AS target_weight, asset, known_at FROM bars('AAA', '5m') WHERE (SELECT count(*) FROM bt_audit('best')) >= 0")
checks.error(lambda: db.execute("SELECT bt_run('inside')").fetchall(), ['a run is in progress'], 'inside a run')
db.execute("CREATE VIEW verdict AS SELECT count(*) AS n FROM bt_audit('best')")
db.execute('PRAGMA trusted_schema = OFF')
checks.ok(one(db, 'SELECT n FROM verdict') > 0, 'in a view of an untrusted schema')

# the examples that come with the library do not look ahead
db = connect()
make(db, random.Random(5))
examples = os.path.join(os.environ.get('ROOT', '.'), 'sql', 'strategies')
for name in sorted(os.listdir(examples)):
    with open(os.path.join(examples, name), encoding='utf-8') as text:
        sql = text.read()
    for word in ("'AAA'", "'BBB'", "'CCC'"):
        sql = sql.replace(word, "'AAA'")
    sql = sql.replace("'minute'", "'5m'")
    try:
        db.executescript(sql)
    except Exception as error:  # noqa: BLE001
        checks.ok(False, f'{name}: {error}')
        continue
    view = name[:-4]
    has = [c[1] for c in db.execute(f'PRAGMA table_info({view})')]
    if 'known_at' in has:
        checks.equal(db.execute('SELECT * FROM bt_audit(?)', (view,)).fetchall(), [], f'{name} was accused')

lean = os.path.join(SHARED, 'data/real/data/lean/equity/usa')
if os.path.isdir(lean):
    db = connect()
    for path, step in (('daily/spy.zip', 'day'), ('minute/spy/20131007_trade.zip', 'minute'), ('minute/spy/20131008_trade.zip', 'minute')):
        db.execute("SELECT bars_import(?, 'SPY', ?)", (f'{lean}/{path}', step))
    db.execute("CREATE VIEW fair AS SELECT known_at, asset, sma(bars, 20) > sma(bars, 100) AS target_weight FROM bars('SPY', 'day')")
    db.execute("CREATE VIEW unfair AS SELECT known_at, asset, close > avg(close) OVER () AS target_weight FROM bars('SPY', 'day')")
    db.execute("CREATE VIEW edge AS SELECT m.known_at, m.asset, m.close < d.close AS target_weight FROM bars('SPY', 'minute') m JOIN bars('SPY', 'day') d"
               " ON d.ts = (SELECT max(ts) FROM bars('SPY', 'day') WHERE ts <= m.ts)")
    checks.equal(one(db, "SELECT count(*) FROM bt_audit('fair')"), 0, 'fair on SPY')
    checks.ok(one(db, "SELECT count(*) FROM bt_audit('unfair')") > 0, 'unfair on SPY')
    checks.ok(one(db, "SELECT count(*) FROM bt_audit('edge')") > 0, "SPY's day under way on its minutes")
checks.finish()
