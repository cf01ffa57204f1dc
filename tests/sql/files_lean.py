#!/usr/bin/python3
# requires: shared
"""Every zip of ../shared/data/real/data/lean is imported, and every bar compared with what Python's zipfile,
zoneinfo and integer arithmetic make of the file; open interest is refused for what it is.

Zones come from the market-hours file that lies with the data, prices of equities are divided by 10,000 (the
README files there).  A quote's bar is the middle of bid and ask.
"""
import datetime
import glob
import io
import json
import os
import shutil
import sqlite3
import sys
import zipfile
import zoneinfo

SO = os.environ["BARSVT_SO"]
LEAN = os.path.realpath(os.environ["SHARED"] + "/data/real/data/lean") + "/"
STEP = {"minute": "minute", "second": "second", "hour": "hour", "daily": "day"}
ZERO = datetime.datetime(1970, 1, 1)

failures = checks = 0


def equal(what, got, want):
    global failures, checks
    checks += 1
    if got != want:
        failures += 1
        print(f"{what}:\n  got  {got}\n  want {want}"[:600])


def connect():
    db = sqlite3.connect(":memory:", isolation_level=None)
    db.enable_load_extension(True)
    db.load_extension(SO)
    return db


def load_zones():
    """(security, market) -> data zone, from the market-hours file."""
    zones = {}
    with open(LEAN + "market-hours-subset.json", encoding="utf-8-sig") as f:
        for key, entry in json.load(f).items():
            security, market, _ = key.split("-", 2)
            name = entry["dataTimeZone"]
            zones[security.lower(), market] = (datetime.timezone(datetime.timedelta(hours=-5)) if name == "UTC-05"
                                               else zoneinfo.ZoneInfo(name))
    return zones


def instant(local, zone, known={}):
    """Epoch seconds of a wall clock."""
    hour = local.replace(minute=0, second=0)
    at = known.get((hour, zone))
    if at is None:
        at = known[hour, zone] = int(hour.replace(tzinfo=zone).timestamp())
    return at + local.minute * 60 + local.second


def number(text, divisor, parts=1):
    return int(text) / (divisor * parts) if divisor > 1 else float(text) / parts


def side(fields, divisor):
    return [number(f, divisor) for f in fields] if fields[0] else None


def quote(fields, divisor):
    bid, ask = fields[0:4], fields[5:9]
    b, a = side(bid, divisor), side(ask, divisor)
    if b and a and divisor > 1:
        prices = [(int(x) + int(y)) / (2 * divisor) for x, y in zip(bid, ask)]
    elif b and a:
        prices = [(x + y) / 2 for x, y in zip(b, a)]
    else:
        prices = b or a
    return (*prices, None, b[3] if b else None, a[3] if a else None)


def trade(fields, divisor):
    return (*[number(f, divisor) for f in fields[:4]], float(fields[4]), None, None)


def expected(path, zones):
    """asset -> {ts: (open, high, low, close, volume, bid, ask)}; later lines win."""
    parts = path[len(LEAN):].split("/")
    zone, divisor = zones[parts[0], parts[1]], 10000 if parts[0] == "equity" else 1
    out = {}
    with zipfile.ZipFile(path) as z:
        for name in z.namelist():
            stem = name[:-len(".csv")].split("_")
            if parts[2] in ("minute", "second"):
                day = datetime.datetime.strptime(stem[0], "%Y%m%d")
                asset = "_".join([stem[1], *stem[4:]])
            else:
                asset = "_".join([stem[0], *stem[2:]])
            bars = out.setdefault(asset, {})
            for line in io.TextIOWrapper(z.open(name), "ascii"):
                f = line.rstrip("\r\n").split(",")
                if not line.strip():
                    continue
                local = (day + datetime.timedelta(milliseconds=int(f[0])) if parts[2] in ("minute", "second")
                         else datetime.datetime.strptime(f[0], "%Y%m%d %H:%M"))
                bars[instant(local, zone)] = (quote if len(f) == 11 else trade)(f[1:], divisor)
    return out


def every_file(zones):
    rows = 0
    paths = sorted(glob.glob(LEAN + "**/*.zip", recursive=True))
    equal("there are files", len(paths) > 150, True)
    for path in paths:
        name, resolution = path[len(LEAN):], path[len(LEAN):].split("/")[2]
        db = connect()
        try:
            summary = json.loads(db.execute("SELECT bars_import(?, NULL, ?)", (path, STEP[resolution])).fetchone()[0])
        except sqlite3.Error as e:
            equal(name, "open interest has no prices" in str(e), "openinterest" in name)
            continue
        want = expected(path, zones)
        count = sum(len(bars) for bars in want.values())
        rows += count
        equal(name + ": summary", (summary["rows"], summary["new"], summary["rejected"], summary["assets"]),
              (count, count, 0, len(want)))
        for asset, bars in want.items():
            got = {r[0]: r[1:] for r in db.execute("SELECT ts, open, high, low, close, volume, bid, ask FROM bars(?, ?)",
                                                   (asset, STEP[resolution]))}
            if got != bars:
                equal(f"{name}: times of {asset}", sorted(got)[:5], sorted(bars)[:5])
                equal(f"{name}: bars of {asset}", [(t, got.get(t)) for t in bars if got.get(t) != bars[t]][:2],
                      [(t, bars[t]) for t in bars if got.get(t) != bars[t]][:2])
            equal(f"{name}: {asset}", got == bars, True)
        tz = db.execute("SELECT DISTINCT tz FROM barsvt_asset").fetchall()
        parts = name.split("/")
        noon = datetime.datetime(2014, 7, 1, 12, tzinfo=zones[parts[0], parts[1]])
        local = db.execute("SELECT bars_time('2014-07-01 12:00', ?)", tz[0]).fetchone()[0]
        equal(name + ": zone of the asset", (len(tz), local), (1, int(noon.timestamp())))
    equal("bars in all", rows > 700000, True)


def by_pattern(zones):
    """Days of one symbol as one series, and the mistakes one can make."""
    db = connect()
    spy = LEAN + "equity/usa/minute/spy"
    one = json.loads(db.execute("SELECT bars_import(?, 'SPY', 'minute')", (spy + "/*_trade.zip",)).fetchone()[0])
    files = sorted(glob.glob(spy + "/*_trade.zip"))
    want = {}
    for path in files:
        want.update(expected(path, zones)["spy"])
    equal("days of one symbol", (one["files"], one["loaded"], one["rows"], one["assets"]), (len(files), len(files), len(want), 1))
    got = {r[0]: r[1:] for r in db.execute("SELECT ts, open, high, low, close, volume, bid, ask FROM bars('SPY', 'minute')")}
    equal("their bars", got, want)
    # a trading day in New York's calendar
    day = db.execute("SELECT time, count FROM bars_agg('SPY', 'day', '2013-10-08', '2013-10-09')").fetchall()
    equal("days are New York's", [r[0] for r in day], ["2013-10-08 04:00:00"])
    for path, step, options, part in (
            (spy, "minute", None, "trades and quotes of LEAN would be stored over each other"),
            (spy + "/*.zip", "minute", None, "import '*_trade.zip' or '*_quote.zip'"),
            (files[0], "day", None, "has bars of one minute, the timestep given is 'day'"),
            (LEAN + "future/cme/minute/es/20131010_trade.zip", "minute", None, None)):
        try:
            db.execute("SELECT bars_import(?, 'X', ?, ?)", (path, step, options)).fetchone()
            text = ""
        except sqlite3.Error as e:
            text = str(e)
        part = part or "has bars of several symbols; give NULL as asset"
        equal(part, part in text, True)


def elsewhere(zones):
    """The same file outside of LEAN's directories needs to be told what it is."""
    db = connect()
    source = LEAN + "equity/usa/minute/spy/20131007_trade.zip"
    shutil.copy(source, "any_name.zip")
    try:
        db.execute("SELECT bars_import('any_name.zip', 'SPY', 'minute')").fetchone()
        text = "it was loaded"
    except sqlite3.Error as e:
        text = str(e)
    equal("what it asks for", "give the options tz" in text and "price_scale" in text, True)
    db.execute("""SELECT bars_import('any_name.zip', NULL, 'minute', '{"tz": "America/New_York", "price_scale": 0.0001}')""")
    got = {r[0]: r[1:] for r in db.execute("SELECT ts, open, high, low, close, volume, bid, ask FROM bars('spy', 'minute')")}
    equal("told, it is the same", got, expected(source, zones)["spy"])
    # relative paths know their directories too
    os.chdir(LEAN + "equity/usa/daily")
    db.execute("SELECT bars_import('uw.zip', 'UW', 'day')")
    got = {r[0]: r[1:] for r in db.execute("SELECT ts, open, high, low, close, volume, bid, ask FROM bars('UW', 'day')")}
    equal("a relative path", got, expected(os.path.realpath("uw.zip"), zones)["uw"])


zones_of_data = load_zones()
every_file(zones_of_data)
by_pattern(zones_of_data)
elsewhere(zones_of_data)
print(f"{checks} checks, {failures} failures")
sys.exit(failures > 0)
