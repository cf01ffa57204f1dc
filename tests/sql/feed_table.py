#!/usr/bin/python3
"""bars_feed as a table: its definition and errors, mixed frames, clocks, runs in set and step mode, views, files,
memory; and the days and minutes of SPY and AAPL with SPX as context, where ../shared is there."""
import os
import sqlite3
import sys

sys.dont_write_bytecode = True
from bt_help import SHARED, Checks, connect, one  # noqa: E402

checks = Checks()
START = 1704292200


def bars(db, asset, step='minute', seconds=60, n=10, price=100):
    db.execute(f'INSERT INTO bars(asset, timestep, ts, open, high, low, close) WITH RECURSIVE i(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM i WHERE n < {n - 1})'
               f" SELECT ?, ?, {START} + {seconds} * n, {price} + n % 7, {price} + n % 7 + 1, {price} + n % 7 - 1, {price} + n % 7 FROM i", (asset, step))


def feed(db, arguments, name='feed'):
    db.execute(f'DROP TABLE IF EXISTS {name}')
    db.execute(f'CREATE VIRTUAL TABLE {name} USING bars_feed({arguments})')


db = connect()
for asset in 'AB':
    bars(db, asset)
bars(db, 'C', 'day', 86400)
db.execute('CREATE TABLE scores(ts, asset, score, side)')
db.executemany('INSERT INTO scores VALUES (?, ?, ?, ?)', [(START, 'A', 0.5, 'buy'), (START + 60, 'A', None, 'none'), (START + 120, 'B', -1, None), (START + 120, None, 9, 'x')])
db.execute('CREATE TABLE macro(ts, vix)')
db.executemany('INSERT INTO macro VALUES (?, ?)', [(START - 1000, 11), (START + 60, None), (START + 180, 13)])

# a row per bar, whatever there is of signals; NULL stays NULL, and is not the value before
feed(db, 'timestep=minute, signals=scores, context=macro')
rows = db.execute('SELECT (ts - ?) / 60, asset, score, side, vix FROM feed WHERE ts < ?', (START, START + 240)).fetchall()
checks.equal(rows, [(0, 'A', 0.5, 'buy', 11), (0, 'B', None, None, 11), (1, 'A', None, 'none', None), (1, 'B', None, None, None), (2, 'A', None, None, None),
                    (2, 'B', -1, None, None), (3, 'A', None, None, 13), (3, 'B', None, None, 13)], 'signals exact, context as of')
checks.equal(one(db, 'SELECT count(*) FROM feed'), 20, 'a row per bar')
checks.equal([c[1] for c in db.execute('PRAGMA table_info(feed)')], ['ts', 'asset', 'open', 'high', 'low', 'close', 'volume', 'known_at', 'score', 'side', 'vix'], 'columns')
checks.equal(db.execute('SELECT ts, asset, sma(bars, 3), vwap, trades FROM feed').fetchall(),
             db.execute("SELECT ts, asset, sma(bars, 3), vwap, trades FROM bars WHERE asset IN ('A', 'B') AND timestep = 'minute' ORDER BY ts, asset").fetchall(), 'row handles')

# one frame with both kinds: columns do not leak, though the frame has them in every row
db.execute('CREATE TABLE frame(ts, asset, momentum, vix)')
db.executemany('INSERT INTO frame VALUES (?, ?, ?, ?)', [(START, 'A', 1, 99), (START, None, 77, 20), (START + 60, 'B', 2, None)])
feed(db, "timestep=minute, signals=(frame columns=momentum), context=(frame columns='vix')")
checks.equal(db.execute('SELECT asset, momentum, vix FROM feed WHERE ts < ?', (START + 120,)).fetchall(), [('A', 1, 20), ('B', None, 20), ('A', None, 20), ('B', 2, 20)], 'mixed frame')

# universes
feed(db, 'timestep=hour')
checks.error(lambda: db.execute('SELECT * FROM feed').fetchall(), ["feed: no 'hour' bars are stored (there are: day, minute)"], 'a timestep that nobody has')
checks.error(lambda: db.execute('SELECT * FROM feed ORDER BY ts DESC').fetchall(), ["feed: no 'hour' bars are stored"], 'newest first')
bare = connect()
feed(bare, 'timestep=hour')
checks.error(lambda: bare.execute('SELECT * FROM feed').fetchall(), ['feed: no bars are stored in this database yet'], 'no bars at all')
db.execute('CREATE TABLE nobody(asset)')
feed(db, 'universe=nobody, timestep=hour')
checks.equal(db.execute('SELECT * FROM feed').fetchall(), [], 'a universe of no assets')
db.execute('DROP TABLE nobody')
feed(db, "universe='B, A ,B', timestep='1m'")
checks.equal(one(db, 'SELECT group_concat(DISTINCT asset) FROM feed'), 'A,B', 'a list')
db.execute("CREATE TABLE members AS SELECT 'B' AS asset UNION ALL SELECT NULL")
feed(db, 'universe=members, timestep=minute')
checks.equal(db.execute("SELECT DISTINCT asset FROM feed WHERE asset IN ('A', 'B')").fetchall(), [('B',)], 'a table')
db.execute("INSERT INTO members VALUES ('A')")
checks.equal(one(db, 'SELECT count(*) FROM feed'), 20, 'a table that has grown')
checks.equal(one(db, "SELECT count(*) FROM feed WHERE asset = 'Q'"), 0, 'an asset outside of the universe')
feed(db, "universe='A, Q', timestep=minute")
checks.error(lambda: db.execute('SELECT * FROM feed').fetchall(), ["'Q'"], 'a universe without bars')

# what is wrong with a definition
for arguments, needles in (
        ('', ['missing argument timestep']), ('signals=scores', ['missing argument timestep']), ('timestep=parsec', ['timestep', 'parsec']),
        ('timestep=minute, signal=scores', ["unknown argument 'signal'", "'signals'"]), ('timestep=minute, signals=none', ["signals 'none': no such table"]),
        ('timestep=minute, signals=macro', ['no column asset', 'context']), ('timestep=minute, signals=(scores tming=strict)', ["unknown option 'tming'", "'timing'"]),
        ('timestep=minute, signals=(scores timing=later)', ['strict, next_bar, custom']), ('timestep=minute, timing=custom, signals=scores', ['needs lag']),
        ('timestep=minute, signals=(scores lag=2)', ['timing = custom']), ('timestep=minute, signals=(scores timing=custom lag=1001)', ['from 1 to 1000']),
        ('timestep=minute, signals=(scores match=nearest)', ['neither exact nor asof']), ('timestep=minute, signals=(scores match=asof tolerance=soon)', ["tolerance 'soon'"]),
        ('timestep=minute, signals=(scores max_age=60)', ['go with match = asof']), ('timestep=minute, signals=(scores columns=nothing)', ["no column 'nothing'"]),
        ('timestep=minute, signals=scores, signals=scores', ["already", "'score'"]), ('timestep=minute, context=frame, signals=frame', ['already']),
        ("timestep=minute, universe=' , '", ['empty list']), ("timestep=minute, universe='A', universe=members", ['twice']), ('timestep=minute, signals', ['no value']),
        ('timestep=minute, signals=(scores match)', ["'match' has no value"]), ("timestep=minute, signals=(scores 'a)", ['quote is not closed', 'unrecognized token', 'malformed']),
        ('timestep=minute, context=(macro ts=when)', ["no column 'when'"]), ('timestep=minute, signals=scores scores', ['one too many', 'no such table'])):
    def create(arguments=arguments):
        feed(db, arguments, 'wrong')
    try:
        create()
        checks.ok(False, f'no error: {arguments}')
    except sqlite3.Error as error:
        text = str(error)
        alternatives = arguments.endswith("'a)") or arguments.endswith('scores scores')
        hit = any(x in text for x in needles) if alternatives else all(x in text for x in needles)
        checks.ok(hit and (alternatives or text.startswith('wrong: ')), f'{arguments}: {text}')
for clash in ('close', 'Ts', 'BARS'):
    db.execute(f'CREATE VIEW clash AS SELECT ts AS timestamp, 1 AS "{clash}", ts AS known_at FROM macro')
    checks.error(lambda: feed(db, f'timestep=minute, context=(clash ts=timestamp)', 'wrong'), [f"a column '{clash}' already"], f'column {clash}')
    db.execute('DROP VIEW clash')

# what is wrong with rows
for value, needles in (("'2024-01-03'", ["ts is '2024-01-03'", 'bars_time(ts)']), (START * 1000, ['milliseconds']), (START + 0.5, ['not a whole number'])):
    db.execute('CREATE TABLE bad(ts, asset, x)')
    db.execute(f"INSERT INTO bad VALUES ({value}, 'A', 1)")
    feed(db, 'timestep=minute, signals=bad')
    checks.error(lambda: db.execute('SELECT sum(x) FROM feed').fetchall(), ["feed: signals 'bad'", *needles], f'ts {value}')
    db.execute('DROP TABLE bad')
db.execute('CREATE TABLE bad AS SELECT ts, asset, 1 AS x FROM scores WHERE asset IS NOT NULL')
db.execute("INSERT INTO bad SELECT ts, asset, 2 FROM scores WHERE asset = 'B'")
for index in ('SELECT 1', 'CREATE INDEX bad_i ON bad(asset, ts)'):
    db.execute(index)
    for match in ('exact', 'asof'):
        feed(db, f'timestep=minute, signals=(bad match={match})')
        for query in ('SELECT sum(x) FROM feed', "SELECT x FROM feed WHERE asset = 'B' ORDER BY ts DESC"):
            checks.error(lambda: db.execute(query).fetchall(), ["signals 'bad' has two rows for 'B' of 2024-01-03 14:32:00"], f'duplicates, {match}, {query}, {index}')
checks.equal(one(db, 'SELECT sum(close) FROM feed'), one(db, "SELECT sum(close) FROM bars WHERE asset IN ('A', 'B') AND timestep = 'minute'"),
             'a source that is not read does not matter')
db.execute('DROP TABLE bad')
checks.error(lambda: db.execute('SELECT sum(x) FROM feed').fetchall(), ['feed: ', 'no such table'], 'a source that is gone')
checks.equal(one(db, 'SELECT count(*) FROM feed'), 20, 'prices without it')

# a source that reads the feed itself
db.execute('CREATE VIEW loop AS SELECT ts, asset, 1 AS one FROM scores')
feed(db, 'timestep=minute, signals=(loop match=asof)')
db.execute('DROP VIEW loop')
db.execute('CREATE VIEW loop AS SELECT ts, asset, 1 AS one FROM feed')
checks.error(lambda: db.execute('SELECT sum(one) FROM feed').fetchall(), ['reads feed itself'], 'a source that reads the feed')
db.execute('DROP VIEW loop')
db.execute('DROP TABLE feed')

# the clock, and a run's clock in set and step mode
db.execute('DELETE FROM scores')
db.execute("INSERT INTO scores SELECT ts, asset, (ts / 60 % 5 - 2) / 4.0, NULL FROM bars WHERE asset IN ('A', 'B') AND timestep = 'minute'")
for timing in ('strict', 'next_bar', 'custom, lag=3'):
    feed(db, f'timestep=minute, signals=scores, timing={timing}')
    whole = db.execute('SELECT * FROM feed').fetchall()
    for clock in range(START, START + 700, 45):
        db.execute('SELECT bars_clock(?)', (clock,))
        checks.equal(db.execute('SELECT * FROM feed').fetchall(), [r for r in whole if r[7] <= clock], f'{timing} at {clock}')
    db.execute('SELECT bars_clock(NULL)')
    lag = {'strict': 0, 'next_bar': 1}.get(timing, 3)
    scores = {(a, t): s for t, a, s in db.execute('SELECT ts, asset, score FROM scores')}
    checks.equal([r[8] for r in whole], [scores.get((r[1], r[0] - 60 * lag)) for r in whole], f'{timing} delivers the row {lag} bars later')
    db.execute('CREATE VIEW by_set AS SELECT known_at, asset, score AS target_weight FROM feed')
    db.execute('CREATE VIEW by_step AS SELECT asset, score AS target_weight FROM feed WHERE known_at = bars_clock()')
    a, b = one(db, "SELECT bt_run('by_set')"), one(db, "SELECT bt_run('by_step')")
    fills = [db.execute('SELECT ts, asset, qty, price FROM bt_fill WHERE run = ? ORDER BY id', (run,)).fetchall() for run in (a, b)]
    checks.ok(len(fills[0]) > 5, f'{timing}: fills')
    checks.equal(fills[0], fills[1], f'{timing}: set and step mode fill alike')
    checks.equal(db.execute('SELECT name, value FROM bt_metric WHERE run = ?', (a,)).fetchall(), db.execute('SELECT name, value FROM bt_metric WHERE run = ?', (b,)).fetchall(),
                 f'{timing}: metrics')
    db.execute('DROP VIEW by_set')
    db.execute('DROP VIEW by_step')

# plans: filters reach the source, order costs no sort
db.execute('CREATE INDEX scores_i ON scores(asset, ts)')


def plan(sql):
    return ' '.join(r[3] for r in db.execute('EXPLAIN QUERY PLAN ' + sql))


for how in ('ts', 'ts, asset', 'known_at', 'known_at, asset', 'ts DESC', "known_at DESC"):
    checks.ok('TEMP B-TREE' not in plan(f'SELECT * FROM feed ORDER BY {how}'), f'ORDER BY {how} sorts')
for how in ('asset, ts', 'ts, asset DESC', 'score'):
    checks.ok('TEMP B-TREE' in plan(f'SELECT * FROM feed ORDER BY {how}'), f'ORDER BY {how} does not sort')
# an index on (asset, ts) is enough to read a few rows of several assets, through a function of the program, too
calls = []
db.create_function('tick', 1, lambda x: calls.append(x) or x)
db.execute('CREATE VIEW counted AS SELECT ts, asset, tick(score) AS score FROM scores')
for timing in ('strict', 'next_bar', 'custom, lag=3'):
    feed(db, f'timestep=minute, signals=counted, timing={timing}', 'few')
    for match in ('ts = {}', 'known_at = {} + 60', 'ts >= {} AND ts < {} + 60'):
        calls.clear()
        got = db.execute('SELECT asset, score FROM few WHERE ' + match.replace('{}', str(START + 180))).fetchall()
        checks.equal([g[0] for g in got], ['A', 'B'], f'{timing}, {match}')
        checks.ok(all(g[1] is not None for g in got) and len(calls) <= 12, f'{timing}, {match}: {len(calls)} values were computed')
db.execute('DROP TABLE few')
db.execute('DROP INDEX scores_i')
checks.ok('TEMP B-TREE' in plan('SELECT  * FROM feed ORDER BY ts DESC'), 'newest first without an index sorts')

# two cursors at once, and the feed as a source of a feed
checks.equal(one(db, 'SELECT count(*) FROM feed a JOIN feed b ON b.asset = a.asset AND b.ts = a.ts + 60'), 18, 'joined with itself')
db.execute('CREATE VIEW ranked AS SELECT ts, asset, known_at, rank() OVER (PARTITION BY ts ORDER BY score) AS place FROM feed')
feed(db, 'timestep=minute, signals=ranked', 'second')
checks.equal(db.execute('SELECT ts, asset, place FROM second').fetchall(), db.execute('SELECT ts, asset, place FROM ranked ORDER BY ts, asset').fetchall(), 'a feed of a feed')

# in files: opened again, in an attached database, renamed, in a view of an untrusted schema
db = connect('feed.db')
bars(db, 'A')
db.execute('CREATE TABLE scores AS SELECT ts, asset, close AS score FROM bars(\'A\', \'minute\')')
feed(db, 'timestep=minute, signals=scores')
db.execute('CREATE VIEW best AS SELECT max(score) AS best FROM feed')
db.close()
db = connect('feed.db')
db.execute('PRAGMA trusted_schema = OFF')
checks.equal(one(db, 'SELECT best FROM best'), 106, 'opened again')
db.execute('ALTER TABLE feed RENAME TO food')
checks.equal(one(db, 'SELECT count(score) FROM food'), 10, 'renamed')
db.close()
db = connect()
db.execute("ATTACH 'feed.db' AS aux1")
db.execute('CREATE TABLE scores(ts, asset, wrong)')
checks.equal(one(db, 'SELECT sum(score) FROM aux1.food'), 1024, 'attached: sources are looked for there first')
db.execute('CREATE VIRTUAL TABLE temp.local USING bars_feed(timestep=minute, signals=aux1.scores)')
checks.equal(one(db, 'SELECT sum(score) FROM local'), 1024, 'a source in another database')

# memory does not follow the length
peaks = []
for n in (20000, 80000):
    db = connect()
    for asset in 'ABC':
        bars(db, asset, n=n)
    db.execute("CREATE TABLE scores AS SELECT ts, asset, close AS score FROM bars WHERE asset IN ('A', 'B', 'C') AND timestep = 'minute'")
    db.execute('CREATE INDEX scores_t ON scores(ts)')
    db.execute('SELECT bars_compact()')
    feed(db, 'timestep=minute, signals=(scores match=asof timing=next_bar)')
    db.execute("SELECT bars_config('memory_limit', '3 MB')")
    before = one(db, "SELECT value FROM bars_stat WHERE name = 'memory.cursor'")
    most = 0
    for i, _ in enumerate(db.execute('SELECT score FROM feed')):
        if i % 20000 == 0:
            most = max(most, one(db, "SELECT value FROM bars_stat WHERE name = 'memory.cursor'") - before)
    peaks.append(most)
    checks.equal(i + 1, 3 * n, 'rows')
checks.ok(peaks[1] < 1.2 * peaks[0] + 10000, f'memory of the cursor: {peaks}')

lean = os.path.join(SHARED, 'data/real/data/lean')
if os.path.isdir(lean):
    db = connect()
    for asset, path, step in (('SPY', 'equity/usa/daily/spy.zip', 'day'), ('AAPL', 'equity/usa/daily/aapl.zip', 'day'), ('SPX', 'index/usa/daily/spx.zip', 'day')):
        db.execute('SELECT bars_import(?, ?, ?)', (f'{lean}/{path}', asset, step))
    for asset, days in (('SPY', ('20131004', '20131007', '20131008', '20131009', '20131010', '20131011')), ('AAPL', ('20140605', '20140606', '20140609'))):
        for day in days:
            db.execute("SELECT bars_import(?, ?, 'minute')", (f'{lean}/equity/usa/minute/{asset.lower()}/{day}_trade.zip', asset))
    db.execute("CREATE VIEW spx AS SELECT ts, known_at, close AS spx, high - low AS spx_range FROM bars('SPX', 'day')")
    # days of both with the momentum of five days, and SPX: by their instants
    db.execute("CREATE TABLE momentum AS SELECT ts, asset, known_at, close / lag(close, 5) OVER (PARTITION BY asset ORDER BY ts) - 1 AS momentum"
               " FROM bars WHERE asset IN ('SPY', 'AAPL') AND timestep = 'day'")
    for table in ('spx', 'momentum'):
        checks.ok(one(db, f'SELECT count(*) FROM {table}') > 0, table)
    day = "SELECT * FROM bars WHERE asset IN ('SPY', 'AAPL') AND timestep = 'day'"
    feed(db, "universe='SPY, AAPL', timestep=day, signals=(momentum timing=next_bar), context=(spx tolerance='4 days')")
    want = db.execute(f"""
      WITH b AS (SELECT ts, asset, close, known_at, lag(ts) OVER (PARTITION BY asset ORDER BY ts) AS before FROM bars WHERE asset IN ('SPY', 'AAPL') AND timestep = 'day')
      SELECT b.ts, b.asset, b.close, m.momentum,
             (SELECT spx FROM spx WHERE spx.ts = (SELECT max(ts) FROM spx WHERE ts <= b.ts AND known_at <= b.known_at) AND b.ts - spx.ts <= 4 * 86400)
      FROM b LEFT JOIN momentum m ON m.asset = b.asset AND m.ts = b.before ORDER BY b.ts, b.asset""").fetchall()
    got = db.execute('SELECT ts, asset, close, momentum, spx FROM feed').fetchall()
    checks.ok(len(got) > 11000 and sum(r[3] is not None for r in got) > 11000, f'{len(got)} days')
    checks.ok(sum(r[4] is not None for r in got) > 0, 'SPX is there')
    checks.equal(got, want, 'days of SPY and AAPL')
    # minutes with the day's momentum and SPX: a day's values come to the minutes after it has ended
    feed(db, "universe='SPY, AAPL', timestep=minute, signals=(momentum match=asof), context=spx")
    db.execute('CREATE INDEX momentum_i ON momentum(asset, ts)')
    want = db.execute("""
      SELECT b.ts, b.asset, b.close, (SELECT momentum FROM momentum m WHERE m.asset = b.asset AND m.ts <= b.ts AND m.known_at <= b.known_at ORDER BY m.ts DESC LIMIT 1),
             (SELECT spx_range FROM spx WHERE ts <= b.ts AND known_at <= b.known_at ORDER BY ts DESC LIMIT 1)
      FROM bars b WHERE b.asset IN ('SPY', 'AAPL') AND b.timestep = 'minute' ORDER BY b.ts, b.asset""").fetchall()
    got = db.execute('SELECT ts, asset, close, momentum, spx_range FROM feed').fetchall()
    checks.ok(len(got) > 5000 and all(r[3] is not None for r in got), f'{len(got)} minutes')
    checks.equal(got, want, 'minutes of SPY and AAPL')
    naive = db.execute("SELECT b.ts, b.asset FROM bars b JOIN momentum m ON m.asset = b.asset AND m.ts <= b.ts AND m.ts > b.ts - 86400"
                       " WHERE b.asset IN ('SPY', 'AAPL') AND b.timestep = 'minute' AND m.known_at > b.known_at").fetchall()
    checks.ok(len(naive) > 5000, 'a join by ts alone would have seen the day that was under way')
    # signals at minutes
    db.execute("CREATE VIEW quick AS SELECT ts, asset, sma(bars, 5) - close AS gap FROM bars WHERE asset IN ('SPY', 'AAPL') AND timestep = 'minute'")
    feed(db, "universe='SPY, AAPL', timestep=minute, signals=(quick timing=custom lag=2)")
    want = db.execute("""SELECT ts, asset, lag(sma(bars, 5) - close, 2) OVER (PARTITION BY asset ORDER BY ts) AS gap FROM bars
                         WHERE asset IN ('SPY', 'AAPL') AND timestep = 'minute' ORDER BY ts, asset""").fetchall()
    checks.equal(db.execute('SELECT ts, asset, gap FROM feed').fetchall(), want, 'signals of minutes two bars later')
checks.finish()
