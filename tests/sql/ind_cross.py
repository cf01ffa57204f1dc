#!/usr/bin/python3
"""cross_above() and cross_below() against their definition, and against Tulip's tests of crossover and crossany.

True at a bar where the first was not above the second and is now; NULL while one of the four values is.
"""
import json
import os
import random
import sqlite3
import sys

TULIP = os.path.join(os.environ.get("SHARED", ""), "data/real/expected/indicators/tulip/tulip_tests_dev.json")


def connect():
    db = sqlite3.connect(":memory:", isolation_level=None)
    db.enable_load_extension(True)
    db.load_extension(os.environ["BARSVT_SO"])
    return db


def store(db, asset, high, low, volume=None):
    db.executemany("INSERT INTO bars(asset, timestep, ts, open, high, low, close, volume, trades) VALUES (?, 'minute', ?, ?, ?, ?, ?, ?, ?)",
                   [(asset, 60 * i, h, h, l, l, v, 7) for i, (h, l, v) in enumerate(zip(high, low, volume or [1] * len(high)))])


def crossed(a, b, above):
    out = [None]
    for x0, y0, x, y in zip(a, b, a[1:], b[1:]):
        if None in (x0, y0, x, y):
            out.append(None)
        else:
            out.append(int(x0 <= y0 and x > y if above else x0 >= y0 and x < y))
    return out


def main():
    db, failed, rng = connect(), 0, random.Random(4)
    high = [float(rng.randrange(5, 9)) for _ in range(800)]
    low = [float(rng.randrange(2, 6)) for _ in range(800)]
    volume = [rng.choice((None, float(rng.randrange(2, 9)))) for _ in range(800)]
    store(db, "A", [max(h, l) for h, l in zip(high, low)], [min(h, l) for h, l in zip(high, low)], volume)
    lines = ["high", "low", "volume", "sma:3", "sma:5@high", "highest:4", "ema:9", "hl2", "rsi:3", "5", "4.5", "trades"]
    value = {s: [float(s)] * 800 if s[0].isdigit() else
             [v for (v,) in db.execute("SELECT prev(bars, 0, ?) FROM bars('A', 'minute')", (s,))] for s in lines}
    ones = 0
    for a in lines:
        for b in lines:
            if a[0].isdigit():
                continue
            second = b if b[0].isdigit() else f"'{b}'"
            for name in ("cross_above", "cross_below"):
                want = crossed(value[a], value[b], name == "cross_above")
                got = [v for (v,) in db.execute(f"SELECT {name}(bars, '{a}', {second}) FROM bars('A', 'minute')")]
                ones += sum(v == 1 for v in want)
                i = rng.randrange(800)
                (at,) = db.execute(f"SELECT {name}('A', 'minute', '{a}', {second}, ?)", (60 * i + 60,)).fetchone()
                if got != want or at != want[i]:
                    failed += 1
                    print(f"{name}({a}, {b}): differs, or {at} at bar {i} instead of {want[i]}")
    if ones < 1000:
        failed += 1
        print(f"only {ones} crossings")
    if os.path.exists(TULIP):
        with open(TULIP, encoding="utf-8") as f:
            tests = [t for t in json.load(f) if t["indicator"] in ("crossover", "crossany")]
        for k, t in enumerate(tests):
            x, y = t["inputs"]["real1"], t["inputs"]["real2"]
            # As volume and bid: the only columns that stand in no order.
            db.executemany("INSERT INTO bars(asset, timestep, ts, open, high, low, close, volume, bid) VALUES (?, 'minute', ?, 1, 1, 1, 1, ?, ?)",
                           [(f"T{k}", 60 * i, p, q) for i, (p, q) in enumerate(zip(x, y))])
            up, down = (
                [v for (v,) in db.execute(f"SELECT {n}(bars, 'volume', 'bid') FROM bars(?, 'minute')", (f"T{k}",))][1:]
                for n in ("cross_above", "cross_below"))
            got = up if t["indicator"] == "crossover" else [a or b for a, b in zip(up, down)]
            want = list(t["outputs"].values())[0]
            if got != [int(v) for v in want]:
                failed += 1
                print(f"{t['file']} {t['indicator']}: {got} instead of {want}")
        if len(tests) < 2:
            failed += 1
            print("Tulip: no tests of crossover and crossany")
    print(f"{ones} crossings, {failed} failures")
    return failed > 0


sys.exit(main())
