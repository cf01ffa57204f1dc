#!/usr/bin/python3
"""Every row of bars_feed against a join written in plain SQL, over made-up bars, signals and context.

The reference numbers the bars of an asset and counts: a row stamped s may be used from the first bar that
begins at s or after (strict), after s (next_bar), or the n-th that begins after s (custom n); at a bar only if it
exists by the bar's end; matched exactly at that one bar only, if a bar begins at s.  Ranges, assets, order,
clocks and indexes change what is read, never what a row says.
"""
import random
import sys

sys.dont_write_bytecode = True
from bt_help import Checks, connect, one  # noqa: E402

checks = Checks()
START = 1704292200 - 1704292200 % 3600


def fill(db, rng, assets, steps):
    for asset in assets:
        ts = START + 60 * rng.randrange(5)
        for _ in range(rng.randrange(1, steps)):
            p = rng.randrange(100, 200)
            db.execute("INSERT INTO bars(asset, timestep, ts, open, high, low, close, volume) VALUES (?, 'minute', ?, ?, ?, ?, ?, ?)",
                       (asset, ts, p, p + 2, p - 2, p + 1, rng.choice((None, 0, 7))))
            ts += 60 * rng.choice((1, 1, 1, 2, 3, 15))
    db.execute('CREATE TABLE price AS SELECT asset, ts, open, high, low, close, volume, known_at FROM bars WHERE timestep = \'minute\' AND asset IN'
               ' (SELECT asset FROM barsvt_asset)')
    db.execute('CREATE TABLE numbered AS SELECT *, row_number() OVER (PARTITION BY asset ORDER BY ts) AS n FROM price')
    db.execute('CREATE INDEX numbered_i ON numbered(asset, ts)')


def make_source(db, rng, name, assets, columns, vintages):
    """Rows of the source: times inside and outside of the bars, on them and between; known late, early, never."""
    known = rng.random() < 0.6
    db.execute(f'CREATE TABLE {name}(ts, asset, {"known_at, " if known else ""}{", ".join(columns)})')
    seen = set()
    for _ in range(rng.choice((0, 5, 100, 400))):
        ts = START - 300 + 60 * rng.randrange(rng.choice((120, 120, 1200))) + rng.choice((0, 0, 0, 0, 20))
        asset = rng.choice(assets)
        exists = rng.choice((ts, ts, ts + 60, ts + 130, ts - 30, ts + 4000, None)) if known else ts
        key = (asset, ts, exists) if known and vintages else (asset, ts)
        if key in seen:
            continue
        seen.add(key)
        values = [rng.choice((None, 1, 2.5, 'text', b'blob', rng.random())) for _ in columns]
        db.execute(f'INSERT INTO {name} VALUES ({", ".join("?" * (2 + known + len(columns)))})', [ts, asset, *([exists] if known else []), *values])
    return known


def expression(name, column, known, where, lag, asof, tolerance, max_age):
    """A scalar subquery for the value at the bar b of numbered."""
    exists = 's.known_at' if known else 's.ts'
    counted = f"(SELECT min(n) FROM numbered f WHERE f.asset = b.asset AND f.ts {'>' if lag else '>='} s.ts) + {max(lag, 1) - 1}"
    if asof:
        cond = f'{counted} <= b.n AND s.ts <= b.ts'
    else:
        cond = f'{counted} = b.n AND EXISTS (SELECT 1 FROM numbered e WHERE e.asset = b.asset AND e.ts = s.ts)'
    newest = (f'SELECT s.rowid AS r, s.ts AS ts, {exists} AS e, s.{column} AS v FROM {name} s WHERE {where} AND {cond} AND {exists} <= b.known_at'
              f' ORDER BY s.ts DESC, e DESC LIMIT 1')
    fresh = '1'
    if tolerance is not None:
        fresh += f' AND b.ts - ts <= {tolerance}'
    if max_age is not None:
        fresh += f' AND b.known_at - e <= {max_age}'
    return f'(SELECT v FROM ({newest}) WHERE {fresh})'


def options(rng, context):
    lag, asof = rng.choice((0, 0, 1, 2, 5)), rng.random() < 0.6
    tolerance = rng.choice((None, None, 0, 60, 600)) if asof else None
    max_age = rng.choice((None, None, 60, 900)) if asof else None
    text = {0: 'timing=strict', 1: "timing='next_bar'"}.get(lag, f'timing=custom, lag={lag}') + f' match={"asof" if asof else "exact"}'
    if tolerance is not None:
        text += f' tolerance={tolerance}'
    if max_age is not None:
        text += f" max_age = '{max_age}'"
    return (lag, asof, tolerance, max_age), text


def bag(rows):
    return sorted(map(repr, rows))


COLUMNS = 'ts, asset, open, high, low, close, volume, known_at, a1, a2, b1, m1, m2'
rng = random.Random(17)
used = 0
for n in range(100):
    db = connect()
    assets = rng.sample(['A', 'B', 'C', 'D', 'E', 'F'], rng.choice((1, 2, 5)))
    fill(db, rng, assets, rng.choice((3, 40, 40, 120, 120, 250)))
    db.execute("SELECT bars_config('memory_limit', ?)", (rng.choice(('1 GB', '1 MB', '16 MB')),))  # short strips and pieces, or long ones
    if rng.random() < 0.5:
        db.execute('SELECT bars_compact()')
    mixed = rng.random() < 0.5
    everyone = assets + ['Z', None]
    vintages = rng.random() < 0.5
    # signals: rows without an asset are not theirs; context: rows with an asset are not its
    sources = [('sa', ['a1', 'a2'], everyone, False), ('sb', ['b1'], everyone, False), ('m', ['m1', 'm2'], [None] * 4 + (assets if mixed else []), True)]
    arguments, select = ['timestep=minute'], 'b.ts, b.asset, b.open, b.high, b.low, b.close, b.volume, b.known_at'
    for name, columns, whose, context in sources:
        known = make_source(db, rng, name, whose, columns, vintages)
        opts, text = options(rng, context)
        arguments.append(f'{"context" if context else "signals"}=({name} {text})')
        for c in columns:
            select += ', ' + expression(name, c, known, 's.asset IS NULL' if context else 's.asset = b.asset', *opts)
        if rng.random() < 0.5:
            db.execute(f'CREATE INDEX {name}_i ON {name}(asset, ts)')
        if rng.random() < 0.5:
            db.execute(f'CREATE INDEX {name}_t ON {name}(ts)')
    rng.shuffle(arguments)
    text = f'CREATE VIRTUAL TABLE feed USING bars_feed({", ".join(arguments)})'
    db.execute(text)
    reference = db.execute(f'SELECT {select} FROM numbered b ORDER BY b.ts, b.asset').fetchall()
    used += sum(v is not None for row in reference for v in row[8:])
    checks.equal(db.execute(f'SELECT {COLUMNS} FROM feed').fetchall(), reference, f'{n}: all of {text}')
    checks.equal(db.execute(f'SELECT {COLUMNS} FROM feed WHERE bars IS NULL').fetchall(), reference, f'{n}: with row handles, {text}')
    times = sorted({r[0] for r in reference})
    for _ in range(6):
        lo, hi = sorted(rng.choice(times) + rng.choice((0, 0, 30)) for _ in range(2))
        some = rng.sample(assets + ['Q'], rng.randrange(1, len(assets) + 1)) if rng.random() < 0.6 else None
        clock = rng.choice((None, rng.choice(times) + rng.choice((0, 60, 59))))
        if some and 'Q' in some:
            some = [a for a in some if a != 'Q'] or assets
        where = rng.choice((f'ts >= {lo}', f'ts BETWEEN {lo} AND {hi}', f'ts = {lo}', f'ts < {hi}', f'known_at > {lo}', f'known_at = {lo + 60}',
                            f'known_at <= {hi}', f'known_at >= {lo} AND known_at < {hi}', f'ts IN ({lo}, {hi})', f'(ts = {lo} OR known_at = {hi})'))
        if some:
            where += f' AND asset IN ({", ".join(map(repr, some))})' if len(some) > 1 or rng.random() < 0.5 else f" AND asset = '{some[0]}'"
        how = rng.choice(('ts, asset', 'ts DESC, asset', 'known_at, asset', 'asset, ts', 'known_at DESC, asset'))
        limit = rng.choice(('', '', ' LIMIT 3'))
        db.execute('SELECT bars_clock(?)', (clock,))
        sql = f'SELECT {COLUMNS} FROM feed WHERE {where} ORDER BY {how}{limit}'
        got = db.execute(sql).fetchall()
        db.execute('SELECT bars_clock(NULL)')
        seen = f' AND known_at <= {clock}' if clock else ''
        db.execute('DROP TABLE IF EXISTS want')
        db.execute(f'CREATE TEMP TABLE want({COLUMNS})')
        db.executemany(f'INSERT INTO want VALUES ({", ".join("?" * 13)})', reference)
        checks.equal(got, db.execute(f'SELECT * FROM want WHERE ({where}){seen} ORDER BY {how}{limit}').fetchall(), f'{n}: {sql} at {clock} of {text}')
        down = db.execute(f'SELECT {COLUMNS} FROM feed WHERE {where} ORDER BY ts DESC').fetchall()
        checks.equal([r[0] for r in down], sorted((r[0] for r in down), reverse=True), f'{n}: newest first, {where}')
        checks.equal(bag(down), bag(db.execute(f'SELECT * FROM want WHERE {where}')), f'{n}: newest first, {where} of {text}')
    one_column = rng.choice(('a1', 'b1', 'm2'))
    checks.equal(db.execute(f'SELECT ts, {one_column} FROM feed').fetchall(),
                 [(r[0], r[COLUMNS.split(', ').index(one_column)]) for r in reference], f'{n}: {one_column} alone')
checks.ok(used > 4000, f'{used} values were used')
checks.finish()
