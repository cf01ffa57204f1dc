#!/usr/bin/python3
"""The window functions ta_NAME give the bits of the row functions.

A series that lies inside one block of 512 timesteps meets no anchor after its first bar, so a row function's
value is that of its kernel run over the series in one go; ta_NAME, which runs the kernel row by row over the
columns that bars_indicator.inputs names, must give the same bits.  So for every output, with defaults and with
other parameters; with NULLs; for partitions; and in whatever order the rows are stored.
"""
import os
import random
import sqlite3
import struct
import sys

BLOCK = 512 * 60
START = next(t for t in range(55000 * BLOCK, 56000 * BLOCK, BLOCK) if t % 86400 > 86400 - BLOCK // 2)  # a midnight inside


def connect():
    db = sqlite3.connect(":memory:", isolation_level=None)
    db.enable_load_extension(True)
    db.load_extension(os.environ["BARSVT_SO"])
    return db


def bits(v):
    return struct.pack("<d", v) if isinstance(v, float) else v


def make_bars(db, asset, seed):
    rng, price, rows = random.Random(seed), 10000, []
    for i in range(512):
        if rng.random() < 0.03:
            continue
        o = price + rng.choice((0, 0, 1, -1, 9))
        price = c = max(500, o + rng.choice((-31, -7, -1, 0, 0, 1, 7, 30)))
        rows.append((asset, START + 60 * i, o / 100, (max(o, c) + rng.choice((0, 3, 11))) / 100,
                     (min(o, c) - rng.choice((0, 3, 11))) / 100, c / 100, None if rng.random() < 0.01 else rng.choice((0.0, 1e6, float(rng.randrange(9999))))))
    db.executemany("INSERT INTO bars(asset, timestep, ts, open, high, low, close, volume) VALUES (?1, 'minute', ?2, ?3, ?4, ?5, ?6, ?7)",
                   rows)
    return rows


def parameter_sets(params, ranges):
    """Texts of arguments: defaults, and some others in range."""
    named = [p.split("=") for p in params.split(", ") if p]
    least = [float(r.split()[1].split("..")[0]) for r in ranges.split("; ") if r]
    most = [float(r.split()[1].split("..")[1].rstrip(",")) for r in ranges.split("; ") if r]
    yield [v for _, v in named]
    for n in (1, 3, 40):
        yield [str(int(min(max(n + 2 * k, lo), hi))) if "." not in v else v
               for k, ((_, v), lo, hi) in enumerate(zip(named, least, most))]
    if "required" not in ranges:
        yield []


def sliding(db, inputs_of):
    """Frames that begin later: a windowed output has the value of the whole column where the frame holds its
    window (warmup + 1 rows), NULL elsewhere; of a recursive one the error says why not."""
    compared = failed = 0
    catalog = db.execute("SELECT name, inputs, params, warmup, kind FROM bars_indicator").fetchall()
    for name, inputs, params, warmup, kind in catalog:
        given = [p.split("=")[1] for p in params.split(", ") if p]
        args = ", ".join([inputs_of.get(i, i) for i in inputs.split(", ")] + [f"'{g}'" if g.isalpha() else g for g in given])
        call = f"ta_{name}({args}) OVER (ORDER BY ts%s)"
        if kind != "windowed":
            try:
                db.execute(f"SELECT {call % ' ROWS 50 PRECEDING'} FROM t WHERE asset = 'A'").fetchall()
                error = "none"
            except sqlite3.Error as e:
                error = str(e)
            if "depends on all rows before" not in error:
                failed += 1
                print(f"ta_{name} in a sliding frame: {error}")
            continue
        rows = db.execute(f"SELECT {call % ''}, {call % f' ROWS {warmup} PRECEDING'}, {call % f' ROWS BETWEEN 3 FOLLOWING AND {warmup + 3} FOLLOWING'},"
                          f" {call % f' ROWS BETWEEN {warmup - 1} PRECEDING AND CURRENT ROW' if warmup else 'NULL'} FROM t WHERE asset = 'A' ORDER BY ts").fetchall()
        whole, same = [bits(r[0]) for r in rows], [bits(r[1]) for r in rows]
        ahead = [bits(r[2]) for r in rows]
        # A window that reaches further back than the warm-up has fewer values, none of them another one.
        short = sum(1 for w, s in zip(whole, same) if s is None and w is not None)
        other = sum(1 for w, s in zip(whole, same) if s is not None and s != w)
        late = sum(1 for w, s in zip(whole[warmup + 3:], ahead) if s is not None and s != w)
        few = sum(1 for r in rows[warmup + 1:] if r[3] is not None)
        compared += len(rows)
        if other or late or few or (short and short < sum(1 for w in whole if w is not None)):
            failed += 1
            print(f"ta_{name} in a sliding frame: {other} differ, {late} ahead differ, {few} of too few rows, {short} missing")
    return compared, failed


def main():
    db, failed, compared = connect(), 0, 0
    rows = {a: make_bars(db, a, s) for a, s in (("A", 1), ("B", 2))}
    inputs_of = {"x=close": "close", "y=close": "close", "x=high": "high", "x=low": "low", "x=hlc3": "(high + low + close) / 3",
                 "x": "low"}
    for name, params, ranges, inputs in db.execute("SELECT name, params, ranges, inputs FROM bars_indicator").fetchall():
        columns = [inputs_of.get(i, i) for i in inputs.split(", ")]
        two = ["'low'"] if inputs.startswith("x, ") else []
        for number, values in enumerate(parameter_sets(params, ranges)):
            row = f"{name}({', '.join(['bars'] + values + two)})"
            ta = f"ta_{name}({', '.join(columns + values)})"
            for asset in rows:
                want = [bits(v) for (v,) in db.execute(f"SELECT {row} FROM bars(?, 'minute')", (asset,))]
                got = [bits(v) for (v,) in db.execute(f"SELECT {ta} OVER (ORDER BY ts) FROM bars(?, 'minute')", (asset,))]
                compared += len(want)
                constant = number == 0 and len(set(want)) < 2 and not name.startswith(("cdl", "candle_"))
                if got != want or constant:
                    at = next((i for i, (g, w) in enumerate(zip(got, want)) if g != w), None)
                    failed += 1
                    print(f"{ta} and {row} of {asset}: {len(got)} and {len(want)} rows, first difference at {at}")

    # Partitions, and rows out of order.
    shuffled = rows["A"] + rows["B"]
    random.Random(3).shuffle(shuffled)
    db.execute("CREATE TABLE t(asset, ts, open, high, low, close, volume)")
    db.executemany("INSERT INTO t VALUES (?, ?, ?, ?, ?, ?, ?)", shuffled)
    for ta, row in (("ta_ema(close, 9)", "ema(bars, 9)"), ("ta_stdev(high - low, 20)", None), ("ta_obv(close, volume)", "obv(bars)"),
                    ("ta_macd_hist(close)", "macd_hist(bars)"), ("ta_session_vwap(ts, close, volume, 'week')", "session_vwap(bars, 'week', 'close')")):
        whole = db.execute(f"SELECT asset, ts, {ta} OVER (PARTITION BY asset ORDER BY ts) FROM t ORDER BY asset, ts").fetchall()
        for asset in rows:
            part = [bits(v) for a, _, v in whole if a == asset]
            alone = [bits(v) for (v,) in db.execute(f"SELECT {ta} OVER (ORDER BY ts) FROM t WHERE asset = ? ORDER BY ts", (asset,))]
            if row:
                alone = [bits(v) for (v,) in db.execute(f"SELECT {row} FROM bars(?, 'minute')", (asset,))]
            compared += len(part)
            if part != alone:
                failed += 1
                print(f"{ta} of partition {asset} differs")

    # NULL is a bar without a value: windowed begins anew, recursive goes on.
    got = [v for (v,) in db.execute("SELECT ta_sma(x, 2) OVER (ORDER BY i) FROM (SELECT 1 AS i, 1.0 AS x UNION ALL SELECT 2, 3"
                                    " UNION ALL SELECT 3, NULL UNION ALL SELECT 4, 5 UNION ALL SELECT 5, 6 UNION ALL SELECT 6, 9e999"
                                    " UNION ALL SELECT 7, '8' UNION ALL SELECT 8, 2)")]
    ema = [v for (v,) in db.execute("SELECT ta_ema(x, 1) OVER (ORDER BY i) FROM (SELECT 1 AS i, 1.0 AS x UNION ALL SELECT 2, NULL"
                                    " UNION ALL SELECT 3, 4)")]
    if got != [None, 2.0, None, None, 5.5, None, None, 5.0] or ema != [1.0, None, 4.0]:
        failed += 1
        print(f"NULLs: {got} {ema}")
    n, wrong = sliding(db, inputs_of)
    compared, failed = compared + n, failed + wrong
    print(f"{compared} values compared, {failed} failures")
    return failed > 0 or compared < 500000


sys.exit(main())
