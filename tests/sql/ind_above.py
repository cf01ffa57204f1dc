#!/usr/bin/python3
"""bars_above() against the comparison written out over bars: its rows are those where `a > b` has changed."""
import os
import random
import sqlite3
import sys

N = 9000  # more than two pieces of a scan


def connect():
    db = sqlite3.connect(":memory:", isolation_level=None)
    db.enable_load_extension(True)
    db.load_extension(os.environ["BARSVT_SO"])
    return db


def line(db, text, where):
    if text[0].isdigit():
        return None
    return db.execute(f"SELECT ts, known_at, prev(bars, 0, ?) FROM bars('A', 'minute') WHERE {where}", (text,)).fetchall()


def changes(a, b, level):
    out, before = [], None
    for i, (ts, known_at, x) in enumerate(a):
        y = level if b is None else b[i][2]
        if x is None or y is None or (x > y) == before:
            continue
        before = x > y
        out.append(("A", ts, known_at, int(before), x, y))
    return out


def main():
    db, rng, failed, rows = connect(), random.Random(8), 0, 0
    px = 100.0
    bars = []
    for i in range(N):
        px = round(100 + (px - 100) * 0.99 + rng.randrange(-3, 4) / 2, 2)
        bars.append(("A", 60 * i + (i // 390) * 3600, px, px + 1, px - 1, px, rng.choice((None, float(rng.randrange(9))))))
    db.executemany("INSERT INTO bars(asset, timestep, ts, open, high, low, close, volume) VALUES (?, 'minute', ?, ?, ?, ?, ?, ?)", bars)
    ranges = [(None, None), (bars[4500][1], None), (None, bars[5000][1]), (bars[100][1], bars[8000][1]), (bars[50][1], bars[50][1])]
    clocks = [None, bars[6000][1] + 59, bars[6000][1] + 60]

    def check(what, got, want):
        nonlocal failed
        if got != want:
            failed += 1
            print(f"{what}: {len(got)} rows, not {len(want)}; first {next((p for p in zip(got, want) if p[0] != p[1]), None)}")

    for a, b in (("sma:10", "sma:30"), ("close", "100"), ("volume", "4"), ("volume", "sma:3@volume"), ("rsi:14", "50.5"), ("sma:3", "close")):
        for lo, hi in ranges:
            for clock in clocks:
                db.execute("SELECT bars_clock(?)", (clock,))
                where = f"ts >= {-1 if lo is None else lo} AND ts < {1 << 40 if hi is None else hi}"
                want = changes(line(db, a, where), line(db, b, where), None if not b[0].isdigit() else float(b))
                second = float(b) if b[0].isdigit() else b
                got = db.execute("SELECT * FROM bars_above('A', 'minute', ?, ?, ?, ?)", (a, second, lo, hi)).fetchall()
                check(f"{a} above {b} from {lo} to {hi} at {clock}", got, want)
                rows += len(want)
    db.execute("SELECT bars_clock(NULL)")
    want = db.execute("SELECT known_at, above FROM bars_above('A', 'minute', 'sma:10', 'sma:30')").fetchall()
    check("by time", db.execute("SELECT known_at, above FROM bars_above('A', 'minute', 'sma:10', 'sma:30') ORDER BY known_at").fetchall(), want)
    check("by time, last first", db.execute("SELECT known_at, above FROM bars_above('A', 'minute', 'sma:10', 'sma:30') ORDER BY ts DESC").fetchall(), want[::-1])
    # An aggregate, as bars_agg has it.
    agg = db.execute("SELECT ts, known_at, sma(bars_agg, 3) > sma(bars_agg, 9) AS up FROM bars_agg('A', '15 minutes')").fetchall()
    up, before = [], None
    for ts, known_at, x in agg:
        if x is not None and x != before:
            up.append((ts, known_at, x))
            before = x
    check("aggregate", db.execute("SELECT ts, known_at, above FROM bars_above('A', '15 minutes', 'sma:3', 'sma:9')").fetchall(), up)
    # A strategy of its rows trades as one that says the same at every bar, where unchanged targets are left alone.
    db.execute("CREATE VIEW every AS SELECT known_at, asset, CASE WHEN sma(bars, 10) > sma(bars, 30) THEN 1.0 ELSE 0.0 END AS target_weight FROM bars('A', 'minute')")
    db.execute("CREATE VIEW few AS SELECT known_at, asset, above AS target_weight FROM bars_above('A', 'minute', 'sma:10', 'sma:30')")
    runs = [db.execute("SELECT bt_run(?, '{\"rebalance\": \"on_change\", \"commission\": 0.0005}')", (v,)).fetchone()[0] for v in ("every", "few")]
    fills, other = (db.execute("SELECT ts, qty, price FROM bt_fill WHERE run = ?", (r,)).fetchall() for r in runs)
    check("strategies", other, fills)
    if not fills or not rows:
        failed += 1
        print("nothing was compared")
    for args, part in (("", "asset is missing"), ("'A'", "timestep is missing"), ("'A', 'minute', 'close'", "b is missing"),
                       ("'A', 'minute', NULL, 1", "a is NULL"), ("'B', 'minute', 'close', 1", "unknown asset 'B'"),
                       ("'A', 'minute', 'clos', 1", "bars_above(): "), ("'A', 'minute', 'close', 'sma:x'", "bars_above(): "),
                       ("'A', 'second', 'close', 1", "does not divide"), ("'A', 'minute', 'close', 1, 'x'", "start"),
                       ("'A', 'minute', 'close', 1, 1, 2, 3", "too many")):
        try:
            db.execute(f"SELECT * FROM bars_above({args})").fetchall()
            why = "no error"
        except sqlite3.Error as e:
            why = str(e)
        if part not in why:
            failed += 1
            print(f"bars_above({args}): {why}")
    print(f"{rows} rows, {failed} failed")
    return failed != 0


sys.exit(main())
