#!/usr/bin/python3
# requires: shared
"""Indicators read through SQL against values that others published.

Stock.Indicators: full series on its default.csv (502 days), loaded with bars_import.  Its numbers are
doubles printed in full; sums are taken in another order, so values agree to 1e-9 of their size.
Tulip Indicators: its own tests, given with 3 or 4 decimals, so to 0.001.

Left out where the source has another convention than TA-Lib: the atr of Tulip and StockCharts begins
with the first bar's high - low, Tulip's ema with the first price, StockCharts' rsi sheet with zero
averages.  Stock.Indicators' obv begins with 0, TA-Lib's with the first volume, 96708880.
"""
import csv
import json
import os
import sqlite3
import sys

SO = os.environ["BARSVT_SO"]
REAL = os.path.join(os.environ["SHARED"], "data", "real")
GOLDEN = os.path.join(REAL, "expected", "indicators")

# file, column there, function here
SKENDER = [
    ("sma", "sma", "sma(bars, 20)"), ("macd", "fastEma", "ema(bars, 12)"), ("macd", "slowEma", "ema(bars, 26)"),
    ("crsi", "rsi", "rsi(bars, 3)"), ("atr-stop", "atr", "atr(bars, 21)"), ("stdev", "stdDev", "stdev(bars, 14)"),
    ("stdev", "mean", "prev(bars, 0, 'sma:14')"), ("tr", "tr", "trange(bars)"), ("wma", "wma", "wma(bars, 14)"),
    ("smma", "smma", "rma(bars, 20)"), ("bb", "upperBand", "bb_upper(bars, 20)"), ("bb", "lowerBand", "bb_lower(bars, 20)"),
    ("donchian", "upperBand", "prev(bars, 1, 'highest:20')"), ("donchian", "lowerBand", "prev(bars, 1, 'lowest:20')"),
    ("willr", "williamsR", "willr(bars, 14)"),
    ("roc", "momentum", "mom(bars, 14)"), ("roc", "roc", "roc(bars, 14)"), ("vwma", "vwma", "vwma(bars, 14)"),
    ("obv", "obv", "obv(bars) - 96708880"),
]
# name there, function here; one parameter
TULIP = {"sma": "sma", "rsi": "rsi", "stddev": "stdev", "max": "highest", "min": "lowest", "wma": "wma", "wilders": "rma",
         "mom": "mom", "trima": "trima", "willr": "willr", "linreg": "linearreg"}


def connect():
    db = sqlite3.connect(":memory:", isolation_level=None)
    db.enable_load_extension(True)
    db.load_extension(SO)
    return db


def table(*path):
    with open(os.path.join(*path), newline="", encoding="utf-8") as f:
        return list(csv.DictReader(f))


def number(text):
    return None if text in ("", "NaN", None) else float(text)


class Check:
    def __init__(self):
        self.values = self.failures = 0

    def series(self, what, got, want, relative, absolute):
        """Equal lists; a value may be absent only where the other one is."""
        bad = []
        for i, (g, w) in enumerate(zip(got, want)):
            if w is None or g is None:
                ok = g is w
            else:
                ok = abs(g - w) <= absolute + relative * abs(w)
                self.values += 1
            if not ok:
                bad.append((i, g, w))
        if len(got) != len(want) or bad or not any(w is not None for w in want):
            self.failures += 1
            print(f"{what}: {len(bad)} of {len(want)} differ (have {len(got)}): {bad[:3]}")


def skender(check):
    db = connect()
    db.execute("SELECT bars_import(?, 'SPY', 'day')", (os.path.join(REAL, "data", "skender", "default.csv"),)).fetchone()
    for name, column, call in SKENDER:
        rows = table(GOLDEN, "skender", name + ".standard.csv")
        got = db.execute(f"SELECT time, {call} FROM bars('SPY', 'day')").fetchall()
        times = [r["timestamp"].replace("T", " ") for r in rows]
        if [g[0] for g in got] != times:
            check.failures += 1
            print(f"{name}: the bars have other times")
        check.series(f"Stock.Indicators {name}.{column} = {call}", [g[1] for g in got], [number(r[column]) for r in rows], 1e-9,
                     1e-9)


def bars_of(db, inputs):
    """Store a test's inputs as bars; a plain series has open = high = low = close."""
    n = len(next(iter(inputs.values())))
    real = inputs.get("real")
    high, low, close = (inputs.get(k, real) for k in ("high", "low", "close"))
    db.execute("DELETE FROM bars WHERE asset = 'T' AND timestep = 'day' AND ts >= 0")
    db.executemany("INSERT INTO bars(asset, timestep, ts, open, high, low, close) VALUES ('T', 'day', ?, ?, ?, ?, ?)",
                   [(86400 * i, close[i], high[i], low[i], close[i]) for i in range(n)])
    return n


def tulip(check):
    with open(os.path.join(GOLDEN, "tulip", "tulip_tests_dev.json"), encoding="utf-8") as f:
        tests = json.load(f)
    db = connect()
    db.execute("INSERT INTO bars(asset, timestep, ts, open, high, low, close) VALUES ('T', 'day', 0, 1, 1, 1, 1)")
    used = set()
    for t in tests:
        name = TULIP.get(t["indicator"])
        if name is None or list(t["options"]) != ["period"]:
            continue
        used.add(t["indicator"])
        n = bars_of(db, t["inputs"])
        period = int(t["options"]["period"])
        got = [r[0] for r in db.execute(f"SELECT {name}(bars, {period}) FROM bars('T', 'day')")]
        want = list(t["outputs"].values())[0]
        check.series(f"Tulip {t['file']} {t['indicator']}", got, [None] * (n - len(want)) + want, 0, 0.001)
    if used != set(TULIP):
        check.failures += 1
        print(f"Tulip: no tests for {set(TULIP) - used}")


def main():
    check = Check()
    skender(check)
    tulip(check)
    print(f"{check.values} values, {check.failures} failures")
    return check.failures > 0 or check.values < 5000


sys.exit(main())
