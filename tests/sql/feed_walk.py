#!/usr/bin/python3
"""bars_feed over long histories, however it reads them: sealed chunks walked piece by piece, chunks with rows among their
bars, rows alone, and, where memory is short, strips of time.  The reference is a plain table and a join over it.
"""
import random
import sys

sys.dont_write_bytecode = True
from bt_help import Checks, connect, one  # noqa: E402

checks = Checks()
START = 1704067200  # a Monday
MINUTES = 120000    # two sealed chunks and a bit


def load(db, asset, times, rng, extra):
    px = rng.randrange(1000, 5000)
    rows = []
    for ts in times:
        px = max(100, px + rng.randrange(-5, 6))
        rows.append((asset, ts, px / 100, px / 100 + 0.03, px / 100 - 0.02, (px + 1) / 100,
                     None if rng.random() < 0.01 else rng.randrange(5000),
                     rng.randrange(90) if extra and rng.random() < 0.9 else None))
    db.executemany('INSERT INTO price VALUES (?, ?, ?, ?, ?, ?, ?, ?)', rows)


def fill(db, rng):
    db.execute('CREATE TABLE price(asset, ts, open, high, low, close, volume, trades)')
    market = [START + 60 * m for m in range(MINUTES) if m % 1440 < 45]  # the same instants for most
    load(db, 'A', market, rng, False)
    load(db, 'B', market, rng, True)
    load(db, 'C', market, rng, False)
    load(db, 'HOLE', [t for t in market if rng.random() > 0.01], rng, False)
    load(db, 'LATE', [t for t in market if t > START + 60 * 50000], rng, False)
    load(db, 'GONE', [t for t in market if t < START + 60 * 70000], rng, True)
    load(db, 'ODD', sorted(rng.sample(range(START, START + 60 * MINUTES), 3000)), rng, False)
    db.execute("INSERT INTO bars(asset, timestep, ts, open, high, low, close, volume, trades)"
               " SELECT asset, 'minute', ts, open, high, low, close, volume, trades FROM price WHERE asset <> 'ODD'")
    db.execute("INSERT INTO bars(asset, timestep, ts, open, high, low, close, volume)"
               " SELECT asset, 'second', ts, open, high, low, close, volume FROM price WHERE asset = 'ODD'")
    db.execute('SELECT bars_compact()')
    # later rows among sealed bars, some of them instead of one
    late = [('A', market[100] + 60, 1.5), ('A', market[200], 2.5), ('HOLE', market[-1], 3.5), ('B', market[-1] + 86400, 4.5)]
    for asset, ts, px in late:
        if asset in ('A', 'B', 'HOLE'):
            db.execute("INSERT OR REPLACE INTO bars(asset, timestep, ts, open, high, low, close, volume) VALUES (?, 'minute', ?, ?, ?, ?, ?, 1)",
                       (asset, ts, px, px, px, px))
            db.execute('DELETE FROM price WHERE asset = ? AND ts = ?', (asset, ts))
            db.execute('INSERT INTO price VALUES (?, ?, ?, ?, ?, ?, 1, NULL)', (asset, ts, px, px, px, px))
    db.execute('CREATE INDEX price_t ON price(ts, asset)')
    db.execute('CREATE TABLE score(asset, ts INTEGER, x, PRIMARY KEY(asset, ts)) WITHOUT ROWID')
    for asset in 'ABC':  # the same instants for two of them, some values missing
        start = START - 7 if asset != 'C' else START + 86400 * 3
        db.executemany('INSERT INTO score VALUES (?, ?, ?)',
                       [(asset, t, None if t % 11 == 0 else t % 1000 + ord(asset)) for t in range(start, START + 60 * MINUTES, 299)])
    db.execute("INSERT INTO score VALUES ('HOLE', ?, 1.5), ('HOLE', ?, 'text')", (START, START + 86400 * 40))


COLUMNS = 'ts, asset, open, high, low, close, volume, trades'
rng = random.Random(7)
db = connect()
fill(db, rng)
for config in ('timestep=minute', 'timestep=minute, signals=(score match=asof)', 'timestep=minute, signals=(score match=asof timing=next_bar)',
               'timestep=minute, signals=(score match=asof max_age=60)', 'timestep=minute, signals=(score match=exact)'):
    db.execute('DROP TABLE IF EXISTS feed')
    db.execute(f'CREATE VIRTUAL TABLE feed USING bars_feed({config})')
    signal = 'score' in config
    at = '<' if 'next_bar' in config else '='if 'exact' in config else '<='
    age = ' AND p.ts + 60 - s.ts <= 60' if 'max_age' in config else ''
    value = f', (SELECT CASE WHEN 1{age} THEN x END FROM score s WHERE s.asset = p.asset AND s.ts {at} p.ts ORDER BY s.ts DESC LIMIT 1)' if signal else ''
    for where in ('1', f'ts >= {START + 60 * 40000}', f'ts < {START + 60 * 66000}', "asset IN ('A', 'C')", "asset = 'HOLE'",
                  f"ts BETWEEN {START + 86400 * 30} AND {START + 86400 * 60} AND asset <> 'B'"):
        want = db.execute(f"SELECT {COLUMNS}{value} FROM price p WHERE asset <> 'ODD' AND {where} ORDER BY ts, asset").fetchall()
        for limit in ('1 GB', '2 MB'):
            db.execute('SELECT bars_config(\'memory_limit\', ?)', (limit,))
            got = db.execute(f"SELECT {COLUMNS}{', x' if signal else ''} FROM feed WHERE {where}").fetchall()
            if got != want:
                diff = next((i for i, (g, w) in enumerate(zip(got, want)) if g != w), min(len(got), len(want)))
                checks.ok(False, f'{config}, {where}, {limit}: row {diff} of {len(got)}, {len(want)}: {got[diff:diff + 1]} not {want[diff:diff + 1]}')
            checks.equal(len(got), len(want), f'{config}, {where}, {limit}: rows')
        db.execute("SELECT bars_config('memory_limit', '1 GB')")
    # a few rows of the beginning, one column, a clock in the middle of a chunk
    first = db.execute("SELECT ts, asset, close FROM price WHERE asset <> 'ODD' ORDER BY ts, asset LIMIT 5").fetchall()
    checks.equal(db.execute('SELECT ts, asset, close FROM feed LIMIT 5').fetchall(), first, f'{config}: LIMIT')
    db.execute('SELECT bars_clock(?)', (START + 60 * 80000,))
    checks.equal(one(db, 'SELECT count(*), max(ts), sum(high) FROM feed'),
                 one(db, f"SELECT count(*), max(ts), sum(high) FROM price WHERE asset <> 'ODD' AND ts + 60 <= {START + 60 * 80000}"), f'{config}: clock')
    db.execute('SELECT bars_clock(NULL)')

# however a statement finds the rows of a source, they are used in order of time
db.execute('DROP TABLE feed')
db.execute('CREATE VIRTUAL TABLE feed USING bars_feed(timestep=minute, signals=(score match=asof))')
want = db.execute('SELECT ts, asset, x FROM feed').fetchall()
db.execute("INSERT INTO score VALUES ('nobody', 1, 1)")  # what was kept of the source is not used again
db.execute('PRAGMA reverse_unordered_selects = 1')
checks.ok(db.execute('SELECT ts, asset, x FROM feed').fetchall() == want, 'rows found in reverse')
db.execute('PRAGMA reverse_unordered_selects = 0')
db.execute("INSERT INTO score VALUES ('nobody', 2, 1)")
checks.ok(db.execute('SELECT ts, asset, x FROM feed').fetchall() == want, 'and in order')
for bad, needles in (("('LATE', 'soon', 1)", ["ts is 'soon'", 'epoch seconds']), (f"('B', {START} + 100.5, 1)", ['ts is', 'epoch seconds'])):
    db.execute('SAVEPOINT s')
    db.execute(f'INSERT INTO score VALUES {bad}')
    db.execute('RELEASE s')
    checks.error(lambda: db.execute('SELECT sum(x) FROM feed').fetchall(), needles, f'a row of {bad}')
    db.execute("DELETE FROM score WHERE typeof(ts) <> 'integer'")
# a source without index: in order of time, asset by asset, in no order, with a text, with two rows of the same times
for order, extra in (('ts, asset', None), ('asset, ts', None), ('ts % 7, ts', None), ('ts', "('B', 1, 'text')"), ('ts', f"('A', {START - 7}, 2)")):
    db.execute('DROP TABLE IF EXISTS plain')
    db.execute(f'CREATE TABLE plain AS SELECT * FROM score ORDER BY {order}')
    if extra:
        db.execute(f'INSERT INTO plain VALUES {extra}')
    db.execute('DROP TABLE IF EXISTS feed')
    db.execute('CREATE VIRTUAL TABLE feed USING bars_feed(timestep=minute, signals=(plain match=asof))')
    if extra and START - 7 == eval(extra)[1]:
        checks.error(lambda: db.execute('SELECT sum(x) FROM feed').fetchall(), ['two rows', "'A'"], 'twice the same')
        continue
    for _ in range(2):
        checks.ok(db.execute('SELECT ts, asset, x FROM feed').fetchall() == want, f'a source by {order}, {extra}')
checks.error(lambda: db.execute('SELECT barsvt_take(1, 2)').fetchall(), ['library itself'], 'the function that takes rows')

# seconds: chunks of another length, times of no pattern
db.execute('CREATE VIRTUAL TABLE odd USING bars_feed(timestep=second)')
checks.equal(db.execute('SELECT ts, open, high, low, close, volume FROM odd').fetchall(),
             db.execute("SELECT ts, open, high, low, close, volume FROM price WHERE asset = 'ODD' ORDER BY ts").fetchall(), 'seconds')

# chunks are decoded once each, however many rows are read of them
db.execute('SELECT bars_compact()')
before = one(db, "SELECT value FROM bars_stat WHERE name = 'decode'") or 0
one(db, 'SELECT sum(close) FROM feed')
columns = one(db, "SELECT count(*) FROM barsvt_seg WHERE id & 15 IN (3, 15) AND id >> 36 IN"
                  " (SELECT s.id FROM barsvt_series s WHERE timestep = 'minute')")
checks.equal((one(db, "SELECT value FROM bars_stat WHERE name = 'decode'") or 0) - before, columns, 'decoded columns')
checks.finish()
