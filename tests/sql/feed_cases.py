#!/usr/bin/python3
"""bars_feed case by case: what each timing delivers where, late and stale rows, NULL, mixed frames; and bad input: no assets, text, disorder,
duplicates, unknown assets, holes in the context, ten thousand assets, a source that goes away while it is read."""
import os
import random
import sqlite3
import sys
import time

sys.dont_write_bytecode = True
from bt_help import Checks, connect, one  # noqa: E402

checks = Checks()
START = 1704292200
T = [START + 60 * n for n in range(10)]


def bars(db, asset, n=10, step='minute', seconds=60):
    db.execute(f"INSERT INTO bars(asset, timestep, ts, open, high, low, close) WITH RECURSIVE i(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM i WHERE n < {n - 1})"
               f" SELECT ?, '{step}', {START} + {seconds} * n, 10, 12, 9, 10 + n % 3 FROM i", (asset,))


def feed(db, arguments, name='feed'):
    db.execute(f'DROP TABLE IF EXISTS {name}')
    db.execute(f'CREATE VIRTUAL TABLE {name} USING bars_feed(timestep=minute, {arguments})')


def signals(db, rows, columns='ts, asset, s', name='signals'):
    db.execute(f'DROP TABLE IF EXISTS {name}')
    db.execute(f'CREATE TABLE {name}({columns})')
    db.executemany(f'INSERT INTO {name} VALUES ({", ".join("?" * len(columns.split(",")))})', rows)


def used(db):
    """(bar, value) wherever the feed delivers one, bars counted from 0."""
    return [((ts - START) // 60, s) for ts, s in db.execute("SELECT ts, s FROM feed WHERE asset = 'A' AND s IS NOT NULL")]


db = connect()
bars(db, 'A')
bars(db, 'B')

# one signal at each of ten bars: every timing is without fault, and moves them by its lag
signals(db, [(t, 'A', n) for n, t in enumerate(T)])
for timing, lag in (('timing=strict', 0), ('timing=next_bar', 1), ('timing=custom, lag=1', 1), ('timing=custom, lag=2', 2), ('timing=custom, lag=9', 9), ('timing=custom, lag=10', 10)):
    feed(db, f'signals=signals, {timing}')
    checks.equal(used(db), [(n + lag, n) for n in range(10 - lag)], f'{timing}, exactly')
    feed(db, f'signals=signals, match=asof, {timing}')
    checks.equal(used(db), [(n + lag, n) for n in range(10 - lag)], f'{timing}, as of')
    options = {0: '{"timing": "strict"}', 1: '{"timing": "next_bar"}'}.get(lag, f'{{"timing": "custom", "lag": {lag}}}')
    found = db.execute("SELECT class FROM bars_validate_signals('signals', 'minute', ?) WHERE severity = 'error'", (options,)).fetchall()
    checks.equal(found, [], f'{timing} delivers nothing early')

# a signal between two bars, at the first bar, before all bars, after all bars
for ts, strict, next_bar, custom in ((T[4] + 30, [5], [5], [6]), (T[0], [0], [1], [2]), (T[0] - 90, [0], [0], [1]), (T[9] + 1, [], [], []), (T[9], [9], [], [])):
    signals(db, [(ts, 'A', 1)])
    for timing, first in (('timing=strict', strict), ('timing=next_bar', next_bar), ('timing=custom, lag=2', custom)):
        feed(db, f'signals=signals, match=asof, {timing}')
        checks.equal(used(db), [(n, 1) for n in range(first[0] if first else 10, 10)], f'{ts - START} s, {timing}')
        feed(db, f'signals=signals, {timing}')
        on_bar = (ts - START) % 60 == 0 and 0 <= ts - START <= 540
        checks.equal([n for n, _ in used(db)], first if on_bar else [], f'{ts - START} s, {timing}, exactly')

# exists late: at a bar only if it is there when the bar ends; strict at its own bar, which ends 60 s later
for late, first in ((0, 3), (60, 3), (61, 4), (120, 4), (121, 5), (420, 9), (421, None)):
    signals(db, [(T[3], 'A', T[3] + late, 7)], 'ts, asset, known_at, s')
    feed(db, 'signals=signals, match=asof')
    checks.equal(used(db)[:1], [(first, 7)] if first is not None else [], f'{late} s late')
    found = db.execute("SELECT class, lag FROM bars_validate_signals('signals', 'minute') WHERE class = 'early'").fetchall()
    checks.equal(found, [('early', late - 60)] if late > 60 else [], f'{late} s late is told')

# tolerance counts from the row's ts to the bar's, maximum age from when it exists to the bar's end
signals(db, [(T[2], 'A', T[2] + 90, 7)], 'ts, asset, known_at, s')
for option, bars_used in (('tolerance=0', []), ('tolerance=60', [3]), ('tolerance=61', [3]), ('tolerance=120', [3, 4]), ('max_age=30', [3]), ('max_age=29', []), ('max_age=90', [3, 4]),
                          ('tolerance=240, max_age=90', [3, 4])):
    feed(db, f'signals=signals, match=asof, {option}')
    checks.equal([n for n, _ in used(db)], bars_used, option)

# NULL is a value, no gap to be filled; revisions replace what they revise once they exist
signals(db, [(T[1], 'A', 1), (T[3], 'A', None), (T[5], 'A', 0)])
feed(db, 'signals=signals, match=asof')
checks.equal([r[0] for r in db.execute("SELECT s FROM feed WHERE asset = 'A'")], [None, 1, 1, None, None, 0, 0, 0, 0, 0], 'NULL hides the row before it, zero is no NULL')
signals(db, [(T[1], 'A', T[1], 1), (T[1], 'A', T[3] + 60, 2), (T[1], 'A', None, 3)], 'ts, asset, known_at, s')
feed(db, 'signals=signals, match=asof')
checks.equal([r[0] for r in db.execute("SELECT s FROM feed WHERE asset = 'A'")], [None, 1, 1] + [2] * 7, 'a revision')

# one frame of everything: signals where there is an asset, context where there is none, no column in the other's place
signals(db, [(T[0], 'A', 1, 50), (T[0], None, 60, 15), (T[2], 'B', None, 51), (T[2], None, 61, None), (T[4], 'A', 2, None)], 'ts, asset, s, vix', 'frame')
feed(db, 'signals=(frame columns=s), context=(frame columns=vix)')
checks.equal(db.execute('SELECT (ts - ?) / 60, asset, s, vix FROM feed WHERE ts <= ?', (START, T[4])).fetchall(),
             [(0, 'A', 1, 15), (0, 'B', None, 15), (1, 'A', None, 15), (1, 'B', None, 15), (2, 'A', None, None), (2, 'B', None, None), (3, 'A', None, None), (3, 'B', None, None),
              (4, 'A', 2, None), (4, 'B', None, None)], 'a mixed frame')
checks.equal(one(db, 'SELECT count(*) FROM feed WHERE vix < 20'), 4, 'a missing vix is not below 20')

# holes in the context, and none at all
signals(db, [(T[0], 11), (T[7], 12)], 'ts, vix', 'macro')
feed(db, "context=(macro tolerance='2 minutes')")
checks.equal([r[0] for r in db.execute("SELECT vix FROM feed WHERE asset = 'B'")], [11, 11, 11, None, None, None, None, 12, 12, 12], 'a hole in the context is NULL')
signals(db, [], 'ts, vix', 'macro')
checks.equal(one(db, 'SELECT count(*) || count(vix) FROM feed'), '200', 'an empty context')

# order of rows in the source, texts, unknown assets
rows = [(t, a, n if n % 2 else f'word {n}') for n, t in enumerate(T) for a in ('A', 'B', 'NONE')] + [(T[0], 'NONE', 5)]
random.Random(3).shuffle(rows)
signals(db, rows)
feed(db, 'signals=signals, match=asof')
checks.equal([r[0] for r in db.execute("SELECT s FROM feed WHERE asset = 'A'")], [n if n % 2 else f'word {n}' for n in range(10)], 'unordered rows, and texts as they are')
checks.equal(one(db, 'SELECT count(DISTINCT asset) FROM feed'), 2, 'unknown assets have no rows')
checks.equal(db.execute("SELECT DISTINCT asset FROM bars_validate_signals('signals', 'minute') WHERE class = 'unknown'").fetchall(), [('NONE',)], 'unknown assets are told')
checks.error(lambda: db.execute("SELECT count(*) FROM feed WHERE asset = 'NONE'").fetchall(), ["unknown asset 'NONE'"], 'asking for an unknown asset')

# no assets
db.execute('CREATE TABLE nobody(asset)')
feed(db, 'universe=nobody, signals=signals')
checks.equal(db.execute('SELECT * FROM feed').fetchall(), [], 'a universe of nobody')
db.execute('DROP TABLE nobody')
checks.error(lambda: db.execute('SELECT * FROM feed').fetchall(), ['universe', 'no such table'], 'a universe that is gone')
empty = connect()
empty.execute('CREATE TABLE signals(ts, asset, s)')
feed(empty, 'signals=signals')
checks.error(lambda: empty.execute('SELECT * FROM feed').fetchall(), ['no bars are stored'], 'no bars at all')

# a source that goes while it is read: not from this connection, nor from another; afterwards it is missed
if os.path.exists('gone.db'):
    os.remove('gone.db')
disk = connect('gone.db')
bars(disk, 'A', 5000)
disk.execute("CREATE TABLE signals AS SELECT ts, asset, close AS s FROM bars('A', 'minute')")
for index in ('SELECT 1', 'CREATE INDEX signals_i ON signals(asset, ts)'):
    disk.execute(index)
    feed(disk, 'signals=signals')
    cursor = disk.execute('SELECT s FROM feed')
    checks.equal([cursor.fetchone()[0] for _ in range(10)], [10 + n % 3 for n in range(10)], 'begun')
    other = sqlite3.connect('gone.db', timeout=0)
    checks.error(lambda: (other.execute('DROP TABLE signals'), other.commit()), ['locked'], 'another connection cannot drop it')
    other.close()
    try:
        disk.execute('DROP TABLE signals')
        dropped = True
    except sqlite3.OperationalError as error:
        dropped = False
        checks.ok('locked' in str(error), f'dropping while it is read: {error}')
    if dropped:  # between two strips no statement of ours was open
        checks.error(lambda: cursor.fetchall(), ['feed', 'signals'], 'the walk ends with an error')
        disk.execute("CREATE TABLE signals AS SELECT ts, asset, close AS s FROM bars('A', 'minute')")
    else:
        checks.equal(sum(1 for _ in cursor), 4990, 'the walk goes on')
    cursor.close()
disk.execute('DROP TABLE signals')
checks.error(lambda: disk.execute('SELECT s FROM feed').fetchall(), ['feed', 'signals', 'no such table'], 'gone')
disk.execute("CREATE VIEW late AS SELECT known_at, asset, s AS target_weight FROM feed")
checks.error(lambda: disk.execute("SELECT bt_run('late')").fetchall(), ['signals', 'no such table'], 'a run says so, too')
checks.equal(one(disk, "SELECT count(*) FROM sqlite_master WHERE name = 'bt_fill'"), 0, 'and leaves nothing')
disk.close()

# ten thousand assets, with bars at the same days and at days of their own
big = connect()
big.execute('BEGIN')
big.execute(f"INSERT INTO bars(asset, timestep, ts, open, high, low, close) WITH RECURSIVE i(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM i WHERE n < 9999)"
            f" SELECT printf('X%05d', i.n), 'minute', {START} + 60 * d.value, 10, 12, 9, 10 + (i.n + d.value) % 3 FROM i, json_each('[0,1,2,3,4,5,6,7]') d"
            f" WHERE i.n % 100 <> d.value")
big.execute("CREATE TABLE signals(asset TEXT, ts INTEGER, s REAL, PRIMARY KEY(asset, ts)) WITHOUT ROWID")
big.execute(f"INSERT INTO signals WITH RECURSIVE i(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM i WHERE n < 9999) SELECT printf('X%05d', n), {START} + 60 * (n % 5), n FROM i")
big.execute('COMMIT')
feed(big, 'signals=(signals match=asof timing=next_bar)')
began = time.monotonic()
got = big.execute('SELECT count(*), sum(close), count(s), sum(s) FROM feed').fetchall()
took = time.monotonic() - began
want = big.execute(f"""SELECT count(*), sum(close), count(s), sum(s) FROM
  (SELECT {START} + 60 * d.value AS ts, i.n AS n, 10 + (i.n + d.value) % 3 AS close, CASE WHEN d.value > i.n % 5 THEN i.n * 1.0 END AS s
   FROM (WITH RECURSIVE i(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM i WHERE n < 9999) SELECT n FROM i) i, json_each('[0,1,2,3,4,5,6,7]') d WHERE i.n % 100 <> d.value)""").fetchall()
checks.equal(got, want, 'ten thousand assets')
checks.ok(took < 60, f'ten thousand assets took {took:.1f} s')
order = big.execute('SELECT ts, asset FROM feed').fetchall()
checks.ok(order == sorted(order), 'in order of ts and asset')
checks.equal(one(big, f'SELECT count(*) FROM feed WHERE ts = {T[3]}'), 9900, 'one instant of ten thousand assets')
checks.finish()
