#!/usr/bin/python3
"""An indicator's value at a bar does not depend on the query, on the windows or on what was read before.

The values of one forward scan of the whole series, on a connection of its own, are the reference.
Every indicator, prev() and chains such as 'sma:9@rsi:14' must give the same bits for random ranges
forwards and backwards, for LIMIT, through bars_asof and by name at an instant, in an order that mixes
them all; with default windows, with small ones, with next to no memory; from rows and from sealed bars;
after bars were appended, corrected, deleted and put back, and after a rollback.  The same for bars of
bars_agg.
"""
import os
import random
import sqlite3
import struct
import sys

SO = os.environ["BARSVT_SO"]
CHAINS = ["prev(h, 0)", "prev(h, 1, 'high')", "prev(h, 40, 'hl2')", "prev(h, 1, 'sma:10')", "prev(h, 700, 'ema:20')",
          "prev(h, 0, 'sma:9@rsi:14')", "prev(h, 3, 'stdev:20@atr:14')", "prev(h, 0, 'highest:30@sma:600@ohlc4')",
          "ema(h, 12, 'rsi:14@low')", "sma(h, 5, 'volume')", "sma(h, 2500)", "stdev(h, 900, 'hlc3')", "correl(h, 40, 'high', 'rsi:5')",
          "beta(h, 10, 'sma:30')", "cross_above(h, 'ema:5', 'sma:20')", "cross_below(h, 'rsi:9', 40)"]
PUT = "INSERT OR REPLACE INTO bars(asset, timestep, ts, open, high, low, close, volume) VALUES ('A', 'minute', ?, ?, ?, ?, ?, ?)"


def make_rows():
    rng = random.Random(3)
    rows, ts, price = [], 1704205800, 10000
    for _ in range(7000):
        o = price
        price = c = max(500, o + rng.choice((-31, -7, -1, 0, 0, 1, 7, 30)))
        rows.append((ts, o / 100, (max(o, c) + rng.choice((0, 0, 3, 11))) / 100, (min(o, c) - rng.choice((0, 0, 3, 11))) / 100,
                     c / 100, rng.choice((None, 0.0, float(rng.randrange(10**6)), rng.random() * 1e4))))
        ts += 60 * rng.choice((1, 1, 1, 1, 1, 2, 30)) + (86400 * 3 if rng.random() < 0.001 else 0)
    return rows


def connect(rows, sealed=False):
    db = sqlite3.connect(":memory:", isolation_level=None)
    db.enable_load_extension(True)
    db.load_extension(SO)
    db.execute("BEGIN")
    db.executemany(PUT, rows)
    db.execute("COMMIT")
    if sealed:
        db.execute("SELECT bars_compact()").fetchall()
    return db


def calls_of(db):
    """Every output of every indicator: as text with h for the handle."""
    calls = []
    for name, params, inputs in db.execute("SELECT name, params, inputs FROM bars_indicator"):
        values = [p.split("=")[1] for p in params.split(", ") if p]
        two = ["'hl2'"] if inputs.startswith("x, ") else []
        calls.append(f"{name}({', '.join(['h'] + values + two)})")
    return calls + CHAINS


def bits(row):
    return tuple(struct.pack("<d", v) if isinstance(v, float) else v for v in row)


class Check:
    def __init__(self, calls):
        self.calls, self.rows, self.failures = calls, 0, 0

    def columns(self, handle):
        return ", ".join(c.replace("(h", "(" + handle) for c in self.calls)

    def reference(self, db, table, args):
        sql = f"SELECT ts, {self.columns(table)} FROM {table}({args})"
        return {r[0]: bits(r) for r in db.execute(sql)}

    def same(self, what, rows, want):
        for r in map(bits, rows):
            self.rows += 1
            if r == want.get(r[0]):
                continue
            self.failures += 1
            if self.failures < 20:
                w = want.get(r[0]) or ()
                wrong = [c for c, a, b in zip(self.calls, r[1:], w[1:]) if a != b]
                print(f"{what}: at {r[0]}: {len(wrong)} differ: {wrong[:5]}")

    def queries(self, db, rng, want, table, args, n):
        times = sorted(want)
        cols = self.columns(table)
        for _ in range(n):
            i = rng.randrange(len(times))
            k = rng.choice((1, 2, 30, 300, 4000))
            lo, hi = times[i], times[min(i + k, len(times) - 1)]
            kind = rng.randrange(6)
            if kind == 0:
                sql = f"SELECT ts, {cols} FROM {table}({args}, {lo}, {hi})"
            elif kind == 1:
                sql = f"SELECT ts, {cols} FROM {table}({args}, {lo}, {hi}) ORDER BY ts DESC"
            elif kind == 2:
                sql = f"SELECT ts, {cols} FROM {table}({args}) WHERE ts < {hi} ORDER BY ts DESC LIMIT {rng.choice((1, 9, 90))}"
            elif kind == 3:
                sql = f"SELECT ts, {cols} FROM {table}({args}) WHERE ts >= {lo} ORDER BY ts LIMIT {rng.choice((1, 9, 90))}"
            elif kind == 4 and table == "bars":
                sql = f"SELECT ts, {self.columns('bars_asof')} FROM bars_asof({args}, {hi})"
            elif table == "bars":
                # the bar that ends at known_at, by name: a column or spec stays before the instant
                ts, known = db.execute(f"SELECT ts, known_at FROM bars({args}) WHERE ts = {lo}").fetchone()
                named = [c.replace("(h", f"({args}")[:-1] + f", {known})" for c in self.calls]
                named = [c.replace(", 0, 17", ", 0, 'close', 17") if c.startswith("prev") else c for c in named]
                sql = f"SELECT {ts}, {', '.join(named)}"
            else:
                continue
            try:
                rows = db.execute(sql).fetchall()
            except sqlite3.Error as e:
                rows = []
                self.failures += 1
                print(f"{e}\n  {sql[:300]}")
            self.same(f"{table} {sql[-90:]}", rows, want)


def main():
    rows = make_rows()
    rng = random.Random(8)
    first = connect(rows)
    check = Check(calls_of(first))
    want = check.reference(first, "bars", "'A', 'minute'")
    agg = {step: check.reference(first, "bars_agg", f"'A', '{step}'") for step in ("15m", "day")}
    # The scan must mean something: every column has values, and they change.
    for c, values in zip(check.calls, zip(*[w[1:] for w in want.values()])):
        if len(set(values) - {None}) < 2 and not c.startswith(("cdl", "candle_")):  # some need gaps
            print(f"{c} is constant")
            check.failures += 1
    for settings in ("", "bars_config('history', 64), bars_config('future', 16)", "bars_config('memory_limit', 1000000)"):
        db = connect(rows, bool(settings))
        if settings:
            db.execute("SELECT " + settings).fetchall()
        check.queries(db, rng, want, "bars", "'A', 'minute'", 20)
        for step, values in agg.items():
            check.queries(db, rng, values, "bars_agg", f"'A', '{step}'", 8)

        # Newer bars change no older value, nor does a bar taken away and put back.
        last = rows[-1][0]
        db.executemany(PUT, [(last + 60 * i, 7.0, 8.0, 6.0, 7.5, 1.0) for i in range(1, 50)])
        check.same("after appending", db.execute(f"SELECT ts, {check.columns('bars')} FROM bars('A', 'minute', {last - 90000},"
                                                 f" {last + 1})"), want)
        db.execute(f"DELETE FROM bars WHERE asset = 'A' AND timestep = 'minute' AND ts > {last}")
        db.execute("BEGIN")
        db.execute(f"UPDATE bars SET close = low WHERE asset = 'A' AND timestep = 'minute' AND ts > {rows[3000][0]}")
        db.execute(f"SELECT sum(ema(bars, 20)) FROM bars('A', 'minute', {rows[4000][0]})").fetchall()
        db.execute("ROLLBACK")
        check.queries(db, rng, want, "bars", "'A', 'minute'", 6)
        middle = rows[3500]
        db.execute("DELETE FROM bars WHERE asset = 'A' AND timestep = 'minute' AND ts = ?", middle[:1])
        db.execute(f"SELECT sum(sma(bars, 20)), sum(ema(bars, 9)) FROM bars('A', 'minute', {rows[3400][0]})").fetchall()
        db.execute(PUT, middle)
        check.queries(db, rng, want, "bars", "'A', 'minute'", 6)

        # A correction is the same as having stored the right bar at once.
        changed = (middle[0], 50.0, 60.0, 40.0, 55.0, 77.0)
        db.execute(PUT, changed)
        other = connect(rows[:3500] + [changed] + rows[3501:])
        fresh = check.reference(other, "bars", "'A', 'minute'")
        check.queries(db, rng, fresh, "bars", "'A', 'minute'", 6)
        if fresh[middle[0]] == want[middle[0]]:
            print("the correction changed nothing")
            check.failures += 1
        other.close()
        db.close()
    print(f"{check.rows} rows of {len(check.calls)} values compared, {check.failures} failures")
    return check.failures > 0 or check.rows < 10000


sys.exit(main())
