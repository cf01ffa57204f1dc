#!/usr/bin/python3
"""'SPEC of ASSET', correl() and beta() between series that do not have the same bars.

At a bar that ends at K the other series shows its last bar with known_at <= K, with the value that this bar has
on its own series.  Asked in many ways, after changes on either side, with little memory; and what has been
computed once is not computed again.
"""
import os
import random
import sqlite3
import struct
import sys

PUT = "INSERT OR REPLACE INTO bars(asset, timestep, ts, open, high, low, close, volume) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
SPECS = ["close", "high", "sma:5", "stdev:20", "ema:9@hl2", "rsi:14", "macd_signal:12:26:9", "atr:14", "sma:600", "obv", "volume",
         "session_vwap:day", "pivot_r1:day", "cdlharami", "highest:30@sma:7"]


def connect():
    db = sqlite3.connect(":memory:", isolation_level=None)
    db.enable_load_extension(True)
    db.load_extension(os.environ["BARSVT_SO"])
    return db


def make_rows(asset, step, length, n, seed, missing):
    rng, price, rows, ts = random.Random(seed), 10000, [], 1704205800
    for _ in range(n):
        ts += length * (1 if rng.random() > missing else rng.choice((2, 3, 50)))
        o = price
        price = c = max(500, o + rng.choice((-31, -7, -1, 0, 1, 7, 30)))
        rows.append((asset, step, ts, o / 100, (max(o, c) + rng.choice((0, 3, 11))) / 100, (min(o, c) - rng.choice((0, 3, 11))) / 100,
                     c / 100, float(rng.randrange(1, 9999))))
    return rows


def bits(v):
    return struct.pack("<d", v) if isinstance(v, float) else v


class Check:
    def __init__(self):
        self.n = self.failures = 0

    def same(self, what, got, want):
        self.n += len(want)
        if list(map(bits, got)) == list(map(bits, want)):
            return
        self.failures += 1
        at = next((i for i, (g, w) in enumerate(zip(got, want)) if bits(g) != bits(w)), min(len(got), len(want)))
        if self.failures < 20:
            print(f"{what}: {len(got)} rows, not {len(want)}; at {at} {got[at:at + 2]}, not {want[at:at + 2]}")


def as_of(db, table, spec, mine, other):
    """The specification, by two queries and a walk."""
    handle = table.split("(")[0]
    theirs = db.execute(f"SELECT known_at, prev({handle}, 0, '{spec}') FROM {table}", (other,)).fetchall()
    out, k = [], -1
    for (known,) in db.execute(f"SELECT known_at FROM {table}", (mine,)):
        while k + 1 < len(theirs) and theirs[k + 1][0] <= known:
            k += 1
        out.append(theirs[k][1] if k >= 0 else None)
    return out


def compare(check, db, label, table, pairs, specs):
    handle = table.split("(")[0]
    for mine, other in pairs:
        want = {}
        for spec in specs:
            want[spec] = as_of(db, table, spec, mine, other)
            got = [v for (v,) in db.execute(f"SELECT prev({handle}, 0, '{spec} of {other}') FROM {table}", (mine,))]
            check.same(f"{label}: {spec} of {other} at {mine} in {table}", got, want[spec])
        # Two series: the window function over the same two columns.
        for name, period in (("correl", 30), ("beta", 7)):
            got = db.execute(f"SELECT ts, {name}({handle}, {period}, '{specs[0]} of {other}') FROM {table}", (mine,)).fetchall()
            own = [v for (v,) in db.execute(f"SELECT close FROM {table}", (mine,))]
            ta = db.execute(f"SELECT ta_{name}(x, y, {period}) OVER (ORDER BY i) FROM (SELECT a.key AS i, a.value AS x, b.value AS y"
                            " FROM json_each(?) AS a JOIN json_each(?) AS b ON a.key = b.key)",
                            (json(want[specs[0]]), json(own))).fetchall()
            check.n += len(got)
            for (_, a), (b,) in zip(got, ta):  # anchors: the last digits
                if (a is None) != (b is None) or (a is not None and abs(a - b) > 1e-9):
                    check.failures += 1
                    print(f"{label}: {name} of {mine} and {other}: {a}, ta_{name} {b}")
                    break


def json(values):
    return "[" + ", ".join("null" if v is None else repr(v) for v in values) + "]"


def main():
    check, rng = Check(), random.Random(9)
    a, b = make_rows("A", "minute", 60, 4000, 1, 0.03), make_rows("B", "minute", 60, 4000, 2, 0.10)
    c = make_rows("C of the north", "minute", 60, 900, 3, 0.5)
    pairs = [("A", "B"), ("B", "A"), ("A", "C of the north"), ("C of the north", "A"), ("A", "A")]
    for settings in ("", "bars_config('history', 64), bars_config('future', 16)", "bars_config('memory_limit', 1000000)"):
        db = connect()
        db.execute("BEGIN")
        db.executemany(PUT, a + b + c)
        db.execute("COMMIT")
        if settings:
            db.execute("SELECT bars_compact()").fetchall()
            db.execute("SELECT " + settings).fetchall()
        compare(check, db, settings or "default", "bars(?, 'minute')", pairs, SPECS)
        compare(check, db, settings or "default", "bars_agg(?, '15 minutes')", pairs, SPECS[:6])
        compare(check, db, settings or "default", "bars_agg(?, 'day')", pairs[:3], SPECS[:2])

        # Ranges, backwards, by name at an instant.
        want = dict(db.execute("SELECT ts, prev(bars, 0, 'ema:9@hl2 of B') FROM bars('A', 'minute')"))
        times = sorted(want)
        for _ in range(25):
            lo = rng.randrange(len(times) - 1)
            hi = min(len(times) - 1, lo + rng.choice((1, 30, 900)))
            order = rng.choice(("", " ORDER BY ts DESC", " ORDER BY ts DESC LIMIT 9"))
            got = db.execute(f"SELECT ts, prev(bars, 0, 'ema:9@hl2 of B') FROM bars('A', 'minute', ?, ?){order}",
                             (times[lo], times[hi])).fetchall()
            check.same(f"range {order}", [v for _, v in got], [want[t] for t, _ in got])
            ts, known = db.execute("SELECT ts, known_at FROM bars('A', 'minute') WHERE ts = ?", (times[lo],)).fetchone()
            got = db.execute("SELECT prev('A', 'minute', 0, 'ema:9@hl2 of B', ?)", (known,)).fetchone()
            check.same("by name", got, [want[ts]])

        # Under a clock, and after changes of the other series alone.
        clock = times[len(times) // 2]
        db.execute("SELECT bars_clock(?)", (clock,)).fetchall()
        got = db.execute("SELECT ts, prev(bars, 0, 'ema:9@hl2 of B') FROM bars('A', 'minute')").fetchall()
        check.same("clock", [v for _, v in got], [want[t] for t in times if t + 60 <= clock])
        db.execute("SELECT bars_clock(NULL)").fetchall()
        last = b[-1][2]
        for change in (("insert", lambda: db.execute(PUT, ("B", "minute", last + 60, 70, 80, 60, 75, 5))),
                       ("correct", lambda: db.execute(PUT, ("B", "minute", b[2000][2], 90, 99, 80, 95, 5))),
                       ("delete", lambda: db.execute("DELETE FROM bars WHERE asset = 'B' AND timestep = 'minute' AND ts = ?", (b[100][2],)))):
            change[1]()
            compare(check, db, change[0], "bars(?, 'minute')", [("A", "B")], ["close", "ema:9@hl2", "stdev:20"])
        db.close()

    # What is cached is not computed again, for one series and for two.
    db = connect()
    db.executemany(PUT, a + b)
    for call in ("sma(bars, 20)", "rsi(bars, 14)", "beta(bars, 60, 'close of B')", "sma(bars, 9, 'rsi:14 of B')", "cross_above(bars, 'sma:5', 'sma:9')"):
        sql = f"SELECT sum(x) FROM (SELECT {call} AS x FROM bars('A', 'minute') ORDER BY ts DESC LIMIT 3000)"
        derived = "SELECT value FROM bars_stat WHERE name = 'derive'"
        first = db.execute(sql).fetchone()
        (before,) = db.execute(derived).fetchone()
        again = db.execute(sql).fetchone()
        (after,) = db.execute(derived).fetchone()
        if first != again or before != after or first == (None,):
            check.failures += 1
            print(f"{call}: {after - before} values computed again, {first} and {again}")
    print(f"{check.n} values compared, {check.failures} failures")
    return check.failures > 0 or check.n < 100000


sys.exit(main())
