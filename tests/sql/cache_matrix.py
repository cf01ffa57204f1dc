#!/usr/bin/python3
"""Windows, aggregates and eviction over kinds of assets and timesteps, against plain Python.

For each of stock, future, option and index, each with its zone, trading hours and holes, and each of
minute, 5 minutes, 15 minutes, hour and day: store, read, aggregate, step a clock, trim, evict.  What is
read must equal what Python makes of the same bars, under any limit.  The rest restates the tests of
sliding-window engines for these rules: windows stay within their sizes, each trims by its own
timestep, aggregates leave before windows, the least recently used first, what was dropped reads the same
again, nothing of the future is seen.
"""
import datetime
import os
import random
import sqlite3
import struct
import sys
import zoneinfo

SO = os.environ["BARSVT_SO"]
STEPS = {"minute": 60, "5 minutes": 300, "15 minutes": 900, "hour": 3600, "day": 86400}
# zone, local minutes of the day it trades, price, chance that a minute has no trade
KINDS = {
    "STOCK": ("America/New_York", range(570, 960), 100.0, 0.0),
    "FUTURE": ("America/Chicago", range(0, 1440), 4000.0, 0.02),
    "OPTION": ("America/New_York", range(570, 960), 3.0, 0.7),
    "INDEX": ("Asia/Tokyo", range(540, 900), 30000.0, 0.01),
}
problems = []


def check(condition, message):
    if not condition:
        problems.append(message)
        if len(problems) > 20:
            finish()


def finish():
    for p in problems:
        print(p)
    sys.exit(1 if problems else 0)


def connect(path=":memory:"):
    db = sqlite3.connect(path, isolation_level=None)
    db.enable_load_extension(True)
    db.load_extension(SO)
    return db


def one(db, sql, *args):
    return db.execute(sql, args).fetchone()[0]


def stat(db, name):
    return one(db, "SELECT value FROM bars_stat WHERE name = ?", name)


def make_minutes(kind, days, seed):
    """Bars (ts, open, high, low, close, volume) of weekdays from 2024-03-04, over the change of clocks."""
    zone, hours, price, hole = KINDS[kind]
    rng, tz, bars = random.Random(seed), zoneinfo.ZoneInfo(zone), []
    day = datetime.date(2024, 3, 4)
    cents = int(price * 100)
    while days:
        if day.weekday() < 5:
            days -= 1
            midnight = datetime.datetime(day.year, day.month, day.day, tzinfo=tz)
            start, end = midnight.timestamp(), (midnight + datetime.timedelta(days=1)).timestamp()
            for minute in hours:
                ts = int((midnight.replace(tzinfo=None) + datetime.timedelta(minutes=minute)).replace(tzinfo=tz).timestamp())
                if not start <= ts < end or (bars and ts <= bars[-1][0]) or rng.random() < hole:
                    continue
                o = cents
                cents = max(50, cents + rng.randrange(-9, 10))
                h, l = max(o, cents) + rng.randrange(4), min(o, cents) - rng.randrange(4)
                bars.append((ts, o / 100, h / 100, l / 100, cents / 100, float(rng.randrange(1, 900))))
        day += datetime.timedelta(days=1)
    return bars


def buckets(bars, seconds, zone):
    """The same as bars_agg: even in UTC below a day, local days from there on; (ts, o, h, l, c, v, n, end)."""
    tz, out = zoneinfo.ZoneInfo(zone), []
    for ts, o, h, l, c, v in bars:
        if seconds < 86400:
            start = ts - ts % seconds
            end = start + seconds
        else:
            local = datetime.datetime.fromtimestamp(ts, tz)
            midnight = local.replace(hour=0, minute=0, second=0, fold=0)
            start = int(midnight.timestamp())
            end = int((midnight.replace(tzinfo=None) + datetime.timedelta(days=1)).replace(tzinfo=tz).timestamp())
        if out and out[-1][0] == start:
            b = out[-1]
            out[-1] = (start, b[1], max(b[2], h), min(b[3], l), c, b[5] + v, b[6] + 1, end)
        else:
            out.append((start, o, h, l, c, v, 1, end))
    return out


def store(db, asset, step, rows):
    zone = KINDS[asset.split("_")[0]][0]
    db.execute("BEGIN")
    for i, row in enumerate(rows):
        db.execute("INSERT INTO bars(asset, timestep, ts, open, high, low, close, volume) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                   (asset, step, *row[:6]))
        if i == 0:
            db.execute("SELECT bars_asset(?, 'tz', ?)", (asset, zone)).fetchall()
    db.execute("SELECT bars_compact()").fetchall()
    db.execute("COMMIT")


def agg_rows(db, asset, step, n=None):
    sql = "SELECT ts, open, high, low, close, volume, count, known_at FROM bars_agg(?, ?)"
    if n is None:
        return db.execute(sql + " ORDER BY ts", (asset, step)).fetchall()
    return db.execute(sql + " ORDER BY ts DESC LIMIT ?", (asset, step, n)).fetchall()[::-1]


def visible(rows, clock, n):
    return [r for r in rows if r[7] <= clock][-n:]


# ---- the matrix: store, read, aggregate, step, trim, evict ----

world = {}  # (asset, step) -> buckets
db = connect()
for kind in KINDS:
    minutes = make_minutes(kind, 12, kind)
    zone = KINDS[kind][0]
    for step, seconds in STEPS.items():
        world[kind, step] = buckets(minutes, seconds, zone)
    store(db, kind, "minute", minutes)
    for step in STEPS:  # the coarser ones stored, too, as assets of their own
        if step != "minute":
            store(db, f"{kind}_{step.replace(' ', '')}", step, world[kind, step])

for (kind, step), rows in world.items():
    check(agg_rows(db, kind, step) == rows, f"{kind} {step}: aggregate of all differs")
    if step != "minute":
        asset = f"{kind}_{step.replace(' ', '')}"
        got = db.execute("SELECT ts, open, high, low, close, volume, known_at FROM bars(?, ?)", (asset, step)).fetchall()
        check(got == [r[:6] + (r[7],) for r in rows], f"{asset}: stored bars differ")
        for coarser in list(STEPS)[list(STEPS).index(step) + 1:]:  # re-rolling gives the same
            again = [r[:6] + r[7:] for r in agg_rows(db, asset, coarser)]
            want = [r[:6] + r[7:] for r in world[kind, coarser]]
            check(again == want, f"{kind} {coarser} from {step} is not {coarser} from minute")


def step_through(db, limits, rng):
    for history, future, trim, limit in limits:
        for name, value in (("history", history), ("future", future), ("trim", trim), ("memory_limit", limit)):
            db.execute("SELECT bars_config(?, ?)", (name, value)).fetchall()
        at = min(rows[0][0] for rows in world.values())
        last = max(rows[-1][7] for rows in world.values())
        while at < last:
            at += rng.choice((60, 60, 60, 300, 3600, 40000, 86400))
            db.execute("SELECT bars_clock(?)", (at,)).fetchall()
            for key in rng.sample(sorted(world), 6):
                n = rng.randrange(1, 30)
                want = visible(world[key], at, n)
                check(agg_rows(db, *key, n) == want, f"{key} at {at}, {n} bars, limits {history} {future} {trim} {limit}")
                stored = key if key[1] == "minute" else (f"{key[0]}_{key[1].replace(' ', '')}", key[1])
                got = db.execute("SELECT ts, close FROM bars(?, ?) ORDER BY ts DESC LIMIT ?", (*stored, n)).fetchall()
                check(got[::-1] == [(r[0], r[4]) for r in want], f"{stored} at {at}: stored bars differ")
                blob = one(db, "SELECT bars_agg_blob(?, ?, 'ts,close', ?)", *key, n)
                values = struct.unpack(f"<{len(blob) // 8}d", blob)
                check(values == tuple(float(r[0]) for r in want) + tuple(r[4] for r in want), f"{key} at {at}: blob differs")
                if want:
                    price = one(db, "SELECT last_price(?, ?)", *stored)
                    check(price == want[-1][4], f"{stored} at {at}: last price {price}, not {want[-1][4]}")
        db.execute("SELECT bars_clock(NULL)").fetchall()
        for asset, timestep, kind, bars in db.execute("SELECT asset, timestep, kind, bars FROM bars_cache WHERE kind IN ('window', 'aggregate')"):
            check(bars <= history + future + trim + 1, f"{asset} {timestep}: the {kind} holds {bars} bars")


rng = random.Random(7)
step_through(db, ((5000, 1000, 1000, "1 GB"), (60, 20, 10, "1 GB"), (40, 5, 1, "1 MB"), (2000, 500, 300, "1 MB")), rng)
check(stat(db, "trim") > 0 and stat(db, "evict") > 0, "nothing was trimmed or evicted: the cases were not met")
for (kind, step), rows in world.items():
    check(agg_rows(db, kind, step) == rows, f"{kind} {step}: differs after trims and evictions")

# ---- each series trims by its own timestep ----

db = connect()
db.execute("SELECT bars_config('memory_limit', '1 GB')").fetchall()  # the process's, whoever sets it
walk = make_minutes("FUTURE", 40, "walk")
store(db, "FUTURE", "minute", walk)
store(db, "FUTURE_hour", "hour", buckets(walk, 3600, KINDS["FUTURE"][0]))
for name, value in (("history", 500), ("future", 100), ("trim", 100)):
    db.execute("SELECT bars_config(?, ?)", (name, value)).fetchall()
for bar in walk[1000::7]:
    db.execute("SELECT bars_clock(?)", (bar[0] + 60,)).fetchall()
    for asset, step in (("FUTURE", "minute"), ("FUTURE_hour", "hour")):
        db.execute("SELECT sma(?, ?, 20)", (asset, step)).fetchall()
held = {r[0]: r[1:] for r in db.execute("SELECT timestep, bars, first, last FROM bars_cache WHERE kind = 'window'")}
trims = dict(db.execute("SELECT timestep, count(*) FROM bars_log WHERE event = 'trim' GROUP BY 1"))
check(held["hour"][0] > 500 and held["minute"][0] > 500, f"the windows hold {held}")
check(held["hour"][1] < held["minute"][1], "500 hours reach further back than 500 minutes")
check(trims.get("minute", 0) > 10 * trims.get("hour", 1), f"trims are {trims}")
check(held["minute"][1] > walk[0][0], "minutes long past were dropped")

# A series may have a history of its own.
db.execute("SELECT bars_config('history', 50, 'FUTURE', 'minute')").fetchall()
for bar in walk[3000:6000:7]:
    db.execute("SELECT bars_clock(?)", (bar[0] + 60,)).fetchall()
    db.execute("SELECT sma('FUTURE', 'minute', 20), sma('FUTURE_hour', 'hour', 20)").fetchall()
held = dict(db.execute("SELECT timestep, bars FROM bars_cache WHERE kind = 'window'"))
check(held["minute"] <= 50 + 100 + 100 + 1 and held["hour"] <= 500 + 100 + 100 + 1, f"held are {held}")
check(db.execute("SELECT value, asset, timestep FROM bars_setting WHERE name = 'history' ORDER BY asset").fetchall()
      == [("500", None, None), ("50", "FUTURE", "minute")], "bars_setting does not show the series' own history")
db.execute("SELECT bars_config('history', NULL, 'FUTURE', 'minute')").fetchall()
check(one(db, "SELECT count(*) FROM bars_setting WHERE name = 'history'") == 1, "the series' own history stays")

# ---- order of leaving ----

db = connect()
for i in range(5):
    store(db, f"STOCK_{i}", "minute", make_minutes("STOCK", 3, i))
for i in (0, 1, 2, 3, 4, 0, 1, 2):
    db.execute("SELECT last_price(?, 'minute')", (f"STOCK_{i}",)).fetchall()
order = [r[0] for r in db.execute("SELECT asset FROM bars_cache WHERE kind = 'window' ORDER BY rank DESC")]
check(order == [f"STOCK_{i}" for i in (3, 4, 0, 1, 2)], f"the order of use is {order}")
for i in range(5):
    agg_rows(db, f"STOCK_{i}", "5 minutes", 2)
windows = one(db, "SELECT count(*) FROM bars_cache WHERE kind = 'window'")
db.execute("SELECT bars_config('log', 1000)").fetchall()
db.execute("SELECT bars_config('memory_limit', ?)", (str(max(1000000, stat(db, "memory") - 1)),)).fetchall()
gone = [r[0] for r in db.execute("SELECT kind FROM bars_log WHERE event = 'evict'")]
check(stat(db, "memory") <= int(one(db, "SELECT bars_config('memory_limit')")) + 50000, "memory is over the limit")  # the query's own
check(windows == 5 and all(k != "window" for k in gone), f"windows left before what was made of them: {gone}")

db.execute("SELECT bars_config('memory_limit', '1 GB')").fetchall()

# ---- a long walk over many assets: flat memory, warm hit rates ----

db = connect()
for i in range(20):
    store(db, f"STOCK_{i}", "minute", make_minutes("STOCK", 40, i))
db.execute("SELECT bars_config('history', 1000), bars_config('future', 200), bars_config('trim', 200)").fetchall()
clocks = [b[0] + 60 for b in make_minutes("STOCK", 40, 0)]
used = []
for n, t in enumerate(clocks[300:12300]):
    db.execute("SELECT bars_clock(?)", (t,)).fetchall()
    if n == 1000:
        warm = {k: stat(db, k) for k in ("window.hit", "window.miss", "aggregate.hit", "aggregate.miss", "decode", "resample")}
    for i in range(20):
        db.execute("SELECT sma(?1, 'minute', 200), bars_agg_blob(?1, '5 minutes', 'close', 50), last_price(?1)", (f"STOCK_{i}",)).fetchall()
    if n % 1000 == 0:
        used.append(stat(db, "memory"))
rate = {}
for kind in ("window", "aggregate"):
    hit, miss = (stat(db, f"{kind}.{x}") - warm[f"{kind}.{x}"] for x in ("hit", "miss"))
    rate[kind] = hit / (hit + miss)
check(rate["window"] > 0.95 and rate["aggregate"] > 0.99, f"hit rates after 1000 steps are {rate}")
check(max(used[-4:]) < 1.1 * max(used[:-4]), f"memory grows: {used}")
check(0 <= stat(db, "window.hit_rate") <= 1 and stat(db, "indicator.hit_rate") > 0.5, "rates are shown")

# ---- a second query does nothing again ----

query = "SELECT sum(close), sum(sma(bars_agg, 9)) FROM bars_agg('STOCK_0', '5 minutes', '2024-03-11', '2024-03-12')"
db.execute("SELECT bars_clock(NULL)").fetchall()
first = one(db, query)
before = {k: stat(db, k) for k in ("decode", "resample")}
check(one(db, query) == first, "the second result differs")
check({k: stat(db, k) for k in before} == before, "a warm query decodes or aggregates again")

# ---- another connection's commit is noticed before the next read ----

path = "cache.db"
a, b = connect(path), connect(path)
store(a, "STOCK", "minute", make_minutes("STOCK", 2, 1))
last = one(b, "SELECT max(ts) FROM bars('STOCK', 'minute')")
price, five = one(b, "SELECT last_price('STOCK')"), agg_rows(b, "STOCK", "5 minutes", 1)
a.execute("INSERT INTO bars(asset, timestep, ts, open, high, low, close) VALUES ('STOCK', 'minute', ?, 7, 7, 7, 7)", (last + 60,))
check(one(b, "SELECT last_price('STOCK')") == 7, "the other connection's bar is not seen")
check(agg_rows(b, "STOCK", "5 minutes", 1) != five and agg_rows(b, "STOCK", "5 minutes", 1)[0][4] == 7, "an aggregate is stale")
check(one(b, "SELECT count(*) FROM bars_log WHERE event = 'drop' AND reason = 'the database has changed'") > 0, "bars_log says nothing of it")

# ---- the limit is the process's; each connection gives back its own ----

a.execute("SELECT bars_config('memory_limit', '64 MB')").fetchall()
check(one(b, "SELECT bars_config('memory_limit')") == "64000000", "two connections have two limits")

# ---- clocks at the edges, huge and negative bounds ----

check(one(db, "SELECT bars_clock('1990-01-01')") is not None and agg_rows(db, "STOCK_0", "5 minutes") == [], "bars before all data")
check(one(db, "SELECT last_price('STOCK_0')") is None and one(db, "SELECT sma('STOCK_0', 'minute', 5)") is None, "values before all data")
check(one(db, "SELECT length(bars_agg_blob('STOCK_0', '5 minutes', 'close', 10))") == 0, "a blob before all data is empty")
db.execute("SELECT bars_clock(NULL)").fetchall()
n = one(db, "SELECT count(*) FROM bars('STOCK_0', 'minute')")
for limit, offset, want in ((9223372036854775807, 0, n), (-1, n - 3, 3), (5, 9223372036854775807, 0), (0, 0, 0), (10, -5, 10)):
    got = len(db.execute("SELECT ts FROM bars('STOCK_0', 'minute') ORDER BY ts DESC LIMIT ? OFFSET ?", (limit, offset)).fetchall())
    check(got == want, f"LIMIT {limit} OFFSET {offset}: {got} rows, not {want}")


def fails(sql, part):
    try:
        db.execute(sql).fetchall()
    except sqlite3.Error as e:
        check(part in str(e), f"{sql}: '{e}' does not say '{part}'")
    else:
        check(False, f"{sql}: no error")


store(db, "INDEX_5minutes", "5 minutes", world["INDEX", "5 minutes"])
fails("SELECT * FROM bars_agg('INDEX_5minutes', '7 minutes')", "does not divide it")
fails("SELECT bars_config('history', -5)", "whole number")
fails("SELECT bars_config('history', -5, 'STOCK_0', 'minute')", "whole number")
fails("SELECT bars_config('tz', 'UTC', 'STOCK_0', 'minute')", "of a series there are history and future")
fails("SELECT bars_config('history', 5, 'STOCK_0')", "bars_config(name, value, asset, timestep)")
fails("SELECT bars_config('memory_limit', '999999')", "below 1 MB")
fails("SELECT bars_agg_blob('STOCK_0', '5 minutes', 'close', -1)", "whole number of bars")
fails("SELECT bars_agg_blob('STOCK_0', '5 minutes', 'open,price', 1)", "'price' is no column")
db.execute("CREATE VIEW loop AS SELECT ts, close FROM bars('STOCK_0', 'minute') UNION ALL SELECT ts, close FROM loop")
fails("SELECT * FROM loop", "circularly defined")

# ---- the base may be named ----

db.execute("INSERT INTO bars(asset, timestep, ts, open, high, low, close) VALUES ('STOCK_0', '5 minutes', 1710000000, 1, 1, 1, 1)")
coarse = db.execute("SELECT ts, close, count FROM bars_agg('STOCK_0', 'hour') WHERE base = '5 minutes'").fetchall()
check(coarse == [(1709996400 + 3600 * ((1710000000 - 1709996400) // 3600), 1.0, 1)], f"hours of the 5 minutes are {coarse}")
check(len(agg_rows(db, "STOCK_0", "hour")) > 100, "hours come from minutes by default")
check(one(db, "SELECT length(bars_agg_blob('STOCK_0', 'hour', 'close', NULL, NULL, NULL, NULL, NULL, NULL, '5 minutes'))") == 8, "the blob's base")
fails("SELECT * FROM bars_agg('STOCK_0', 'hour') WHERE base = '2 minutes'", "not stored or do not divide")
fails("SELECT * FROM bars_agg('STOCK_0', '7 minutes') WHERE base = '5 minutes'", "not stored or do not divide")
fails("SELECT * FROM bars_agg('STOCK_0', 'hour') WHERE base = 'five'", "five")
db.execute("DELETE FROM bars WHERE asset = 'STOCK_0' AND timestep = '5 minutes'")

# ---- eviction while cursors are open, and tables dropped under them ----

db.execute("SELECT bars_config('memory_limit', '1 MB'), bars_config('history', 100), bars_config('future', 20)").fetchall()
want = [r[0] for r in db.execute("SELECT close FROM bars('STOCK_1', 'minute') ORDER BY ts DESC LIMIT 3000")]
cursor = db.execute("SELECT close, sma(bars, 20) FROM bars('STOCK_1', 'minute') ORDER BY ts DESC LIMIT 3000")
got = []
for i in range(3000):
    got.append(cursor.fetchone()[0])
    if i % 50 == 0:
        for j in range(5):
            agg_rows(db, f"STOCK_{(i + j) % 20}", "15 minutes", 40)
check(got == want, "rows differ where others are evicted meanwhile")

cursor = db.execute("SELECT close FROM bars('STOCK_1', 'minute')")
cursor.fetchone()
try:
    db.execute("DROP TABLE barsvt_seg")
    cursor.fetchall()
except sqlite3.Error as e:
    check(str(e) != "", "an error without a text")
cursor.close()
other = connect()
store(other, "STOCK", "minute", make_minutes("STOCK", 30, 1))
other.execute("SELECT count(*) FROM bars('STOCK', 'minute')").fetchall()
other.execute("ALTER TABLE barsvt_seg RENAME COLUMN data TO payload")
try:
    rows = other.execute("SELECT count(*), sum(close) FROM bars('STOCK', 'minute')").fetchall()
    check(False, f"a store without its column gives {rows}")
except sqlite3.Error as e:
    check("data" in str(e) or "barsvt_seg" in str(e), f"the error is '{e}'")
finish()
