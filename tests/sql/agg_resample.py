#!/usr/bin/python3
# requires: shared
"""bars_agg against coarser files of the same publishers: ../shared/data/real/expected/resample.

Every pair of INDEX_dev.csv and the Stock.Indicators pair is covered.  The fine file is loaded with
bars_import, the way its publisher writes it: LEAN equities in local time of New York and integers of
1/10000, forex bid and ask from one file by naming columns, backtrader's bars stamped at their end.
A row marked exact must be equal in every column.  Elsewhere the publisher's two files differ; then the
index gives the fine file's own extreme (h_fine and so on), and that must be met.  Only the volume of
crypto, a sum of fractions, is compared to 1e-6.
"""
import csv
import datetime
import glob
import gzip
import json
import os
import sqlite3
import sys
import zipfile
import zoneinfo

SO = os.environ["BARSVT_SO"]
REAL = os.path.join(os.environ["SHARED"], "data", "real")
DATA = os.path.join(REAL, "data")
PAIRS = os.path.join(REAL, "expected", "resample")
NY = "America/New_York"


def lines_of_zip(path):
    with zipfile.ZipFile(path) as z:
        return z.read(z.namelist()[0]).decode().splitlines()


def lean_minutes(pattern):
    """Rows of LEAN minute files: milliseconds since local midnight, the date is in the file's name."""
    for path in sorted(glob.glob(os.path.join(DATA, pattern))):
        day = os.path.basename(path)[:8]
        for line in lines_of_zip(path):
            ms, rest = line.split(",", 1)
            s = int(ms) // 1000
            yield f"{day} {s // 3600:02}:{s // 60 % 60:02}:{s % 60:02},{rest}"


class Check:
    def __init__(self):
        self.db = sqlite3.connect(":memory:", isolation_level=None)
        self.db.enable_load_extension(True)
        self.db.load_extension(SO)
        self.failures = self.rows = self.exact = 0
        self.covered = set()

    def fail(self, text):
        self.failures += 1
        print(text)

    def load(self, lines, asset, timestep, **options):
        """Import lines (a path or an iterable) once."""
        path = lines
        if not isinstance(lines, str):
            path = f"{asset}.csv"
            with open(path, "w", encoding="utf-8") as f:
                f.write("\n".join(lines) + "\n")
        got = json.loads(self.db.execute("SELECT bars_import(?, ?, ?, ?)", (path, asset, timestep, json.dumps(options)))
                         .fetchone()[0])
        if got["rejected"] or not got["rows"]:
            self.fail(f"{asset}: {got}")

    def compare(self, pair, step, asset, key, columns, session=None, dates=None, scale=1, tolerance=0.0):
        """columns: expected column -> column of bars_agg; key: expected key -> time of the bucket."""
        path = os.path.join(PAIRS, pair)
        opened = gzip.open(path + ".csv.gz", "rt", newline="") if os.path.exists(path + ".csv.gz") else open(path + ".csv", newline="")
        with opened as f:
            want = list(csv.DictReader(f))
        got = {r[0]: r for r in self.db.execute(
            "SELECT ts, open, high, low, close, volume FROM bars_agg(?, ?, NULL, NULL, NULL, ?)", (asset, step, session))}
        names = ["ts", "open", "high", "low", "close", "volume"]
        n = exact = 0
        for w in want:
            text = w.get("key") or w["ts"]
            if dates is not None and text[:10] not in dates:
                continue
            n += 1
            row = got.get(key(text))
            if row is None:
                self.fail(f"{pair}: no bucket for {text}")
                continue
            exact += int(w.get("exact", "1"))
            for column, name in columns.items():
                value = w.get(column + "_fine") or w[column]
                have, wanted = row[names.index(name)], float(value) / (scale if name != "volume" else 1)
                if not (abs(have - wanted) <= tolerance if name == "volume" else have == wanted):
                    self.fail(f"{pair}: {text}: {column} is {have!r}, not {wanted!r}")
        if n == 0:
            self.fail(f"{pair}: nothing compared")
        self.covered.add(pair)
        self.rows += n
        self.exact += exact


def local_key(zone, fmt="%Y-%m-%d"):
    """Key as local time -> epoch seconds."""
    tz = zoneinfo.ZoneInfo(zone)
    return lambda text: int(datetime.datetime.strptime(text, fmt).replace(tzinfo=tz).timestamp())


OHLCV = {"o": "open", "h": "high", "l": "low", "c": "close", "v": "volume"}
BID = {"bo": "open", "bh": "high", "bl": "low", "bc": "close"}
ASK = {"ao": "open", "ah": "high", "al": "low", "ac": "close"}
HOURS = "%Y-%m-%d %H:%M:%S"


def lean_equities(check):
    options = {"tz": NY, "price_scale": 0.0001}
    for name in ("spy", "aapl", "bac"):
        hours = os.path.join(DATA, "lean/equity/usa/hour", name + ".zip")
        check.load(lines_of_zip(hours), name + "_hours", "hour", **options)
        check.compare(f"lean_{name}_hour_to_day", "day", name + "_hours", local_key(NY), OHLCV, scale=10000)
    for name in ("spy", "bac", "aapl", "foxa"):
        check.load(lean_minutes(f"lean/equity/usa/minute/{name}/*_trade.zip"), name, "minute", **options)
        for step, fmt in (("day", "%Y-%m-%d"), ("hour", HOURS)):
            pair = f"lean_{name}_minute_rth_to_{step}"
            if name == "foxa" and step == "hour":
                continue  # not in the index
            short = {"2015-12-24"}  # the session ended at 13:00
            rows = [r[0] for r in check.db.execute("SELECT DISTINCT substr(time, 1, 10) FROM bars(?, 'minute')", (name,))]
            check.compare(pair, step, name, local_key(NY, fmt), OHLCV, "09:30-16:00", set(rows) - short, 10000)
            if short & set(rows):
                check.compare(pair, step, name, local_key(NY, fmt), OHLCV, "09:30-13:00", short, 10000)


def lean_crypto(check):
    check.load(lean_minutes("lean/crypto/coinbase/minute/btcusd/*_trade.zip"), "btc", "minute")
    check.compare("lean_coinbase_btcusd_minute_to_day", "day", "btc", local_key("UTC"), OHLCV, tolerance=1e-6)


def lean_forex(check):
    header = ["ts,bo,bh,bl,bc,bs,ao,ah,al,ac,as"]
    for venue, pair in (("oanda", "eurusd"), ("fxcm", "nzdusd")):
        hours = header + lines_of_zip(os.path.join(DATA, f"lean/forex/{venue}/hour/{pair}.zip"))
        minutes = header + list(lean_minutes(f"lean/forex/{venue}/minute/{pair}/*_quote.zip"))
        for columns in (BID, ASK):
            names = {v: k for k, v in columns.items()}
            check.load(hours, f"{pair}_{names['open']}_hours", "hour", columns=names)
            check.compare(f"lean_{venue}_{pair}_hour_to_day", "day", f"{pair}_{names['open']}_hours", local_key("UTC"), columns)
            check.load(minutes, f"{pair}_{names['open']}", "minute", columns=names)
            check.compare(f"lean_{venue}_{pair}_minute_to_hour", "hour", f"{pair}_{names['open']}", local_key("UTC", HOURS), columns)


def backtrader(check):
    columns = {"Open": "open", "High": "high", "Low": "low", "Close": "close"}
    check.load(os.path.join(DATA, "backtrader/2006-min-005.txt"), "bt5", "5 minutes", label="end")
    check.compare("bt_2006_5min_to_day", "day", "bt5", local_key("UTC"), columns)
    check.load(os.path.join(DATA, "backtrader/2006-day-001.txt"), "bt", "day")
    friday = local_key("UTC")
    check.compare("bt_2006_day_to_week", "week", "bt", lambda text: friday(text) - 4 * 86400, columns)


def skender(check):
    columns = {n: n for n in ("open", "high", "low", "close", "volume")}
    check.load(os.path.join(DATA, "skender/intraday.csv"), "sk", "minute")
    check.compare("skender_intraday_1m_to_15m", "15m", "sk", local_key("UTC", "%m/%d/%Y %H:%M:%S"), columns)


def main():
    check = Check()
    lean_equities(check)
    lean_crypto(check)
    lean_forex(check)
    backtrader(check)
    skender(check)
    with open(os.path.join(PAIRS, "INDEX_dev.csv"), newline="", encoding="utf-8") as f:
        index = list(csv.DictReader(f))
    for pair in index:
        if pair["name"] not in check.covered:
            check.fail(f"{pair['name']} is not covered")
    print(f"{len(check.covered)} pairs, {check.rows} rows, {check.exact} of them exact, {check.failures} failures")
    return check.failures > 0


sys.exit(main())
