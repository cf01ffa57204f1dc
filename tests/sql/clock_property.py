#!/usr/bin/python3
"""What a reader sees at clock T is what a database would show that holds only bars known by T.

For random T in random order, on one connection whose windows and indicator columns stay in memory,
everything is compared bit by bit:
  bars, bars_asof, bars_summary, last_price, prev and every indicator (at a row, and by the series' name) with a
      second database into which only the bars with known_at <= T were loaded;
  bars_agg, in many steps and zones, whole and partial buckets, with sessions, with a computation here
      from the plain rows, on Python's zoneinfo.
Once with bars as rows and the default windows, once with sealed bars, windows of 50 bars and next to no
memory.
"""
import datetime
import os
import random
import sqlite3
import struct
import sys
import zoneinfo

SO = os.environ["BARSVT_SO"]
NAMES = ("UTC", "America/New_York", "Asia/Kolkata")
ZONE = {n: zoneinfo.ZoneInfo(n) for n in NAMES}
ORIGIN = 946857600  # Monday 2000-01-03
SERIES = [("A", "minute"), ("D", "minute"), ("B", "15 minutes"), ("C", "day")]
COLUMNS = "asset, timestep, ts, open, high, low, close, volume, vwap, trades"
HOME = {"A": "UTC", "B": "America/New_York", "C": "America/New_York"}


def local(ts, zone):
    return datetime.datetime.fromtimestamp(ts, zone)


def midnight(date, zone):
    return int(datetime.datetime(date.year, date.month, date.day, tzinfo=zone).timestamp())


def make_rows():
    """(asset, timestep, ts, open ... trades, known_at): minutes, quarters of an hour over a change of clocks, days."""
    rng = random.Random(11)
    rows = []
    price = 1000

    def add(asset, step, ts, known_at):
        nonlocal price
        o = price
        price = c = max(100, o + rng.choice((-7, -3, -1, 0, 0, 1, 3, 7)))
        h, l = max(o, c) + rng.choice((0, 0, 1, 5)), min(o, c) - rng.choice((0, 0, 1, 5))
        volume = rng.choice((None, 0.0, 100.0, rng.random() * 1000))
        vwap = rng.choice((None, (h + l) / 20, (h + l) / 20, (h + l) / 20))
        rows.append((asset, step, ts, o / 10, h / 10, l / 10, c / 10, volume, vwap, rng.choice((None, 1.0, 7.0)), known_at))

    ts = 1704205800
    for _ in range(500):
        add("A", "minute", ts, ts + 60)
        ts += 60 * rng.choice((1, 1, 1, 2, 5, 200))
    ts = 1704205800
    for _ in range(100):
        add("D", "minute", ts, ts + 60)
        ts += 60 * rng.choice((1, 3, 900))
    ts = 1709712000
    for _ in range(400):  # March 2024: New York's clocks change on the 10th
        add("B", "15 minutes", ts, ts + 900)
        ts += 900 * rng.choice((1, 1, 1, 2, 30))
    zone, day = ZONE["America/New_York"], datetime.date(2023, 9, 1)
    for _ in range(300):
        if rng.random() < 0.7:
            add("C", "day", midnight(day, zone), midnight(day + datetime.timedelta(days=1), zone))
        day += datetime.timedelta(days=1)
    return rows


ROWS = make_rows()


def connect(rows):
    """A database of these rows; it knows every series, even where none of its bars is left."""
    db = sqlite3.connect(":memory:", isolation_level=None)
    db.enable_load_extension(True)
    db.load_extension(SO)
    db.execute("BEGIN")
    first = [next(r for r in ROWS if r[:2] == s) for s in SERIES]
    db.executemany(f"INSERT OR IGNORE INTO bars({COLUMNS}) VALUES ({', '.join('?' * 10)})", [r[:10] for r in first + rows])
    for row in first:
        if row not in rows:
            db.execute("DELETE FROM bars WHERE asset = ? AND timestep = ? AND ts = ?", row[:3])
    for asset, zone in HOME.items():
        db.execute("SELECT bars_asset(?, 'tz', ?)", (asset, zone)).fetchall()
    db.execute("COMMIT")
    return db


def bits(v):
    return struct.pack("<d", v) if isinstance(v, float) else v


def rows_of(db, sql, args=()):
    return [tuple(bits(v) for v in r) for r in db.execute(sql, args)]


def describe(rows):
    return [tuple(struct.unpack("<d", v)[0] if isinstance(v, bytes) else v for v in r) for r in rows]


class Failures:
    def __init__(self):
        self.n = self.checks = self.rows = 0

    def same(self, what, got, want):
        self.checks += 1
        self.rows += len(want)
        if got == want:
            return
        self.n += 1
        at = next((i for i, (g, w) in enumerate(zip(got, want)) if g != w), min(len(got), len(want)))
        if self.n < 20:
            print(f"{what}: row {at} of {len(got)} (not {len(want)}):\n  got  {describe(got[at:at + 1])}\n"
                  f"  want {describe(want[at:at + 1])}")


# ---- buckets, computed here ----


def bucket(step, zone, ts):
    """[start, end) of the bucket that holds ts."""
    n, unit = step
    if unit in ("m", "h"):
        size = n * (60 if unit == "m" else 3600)
        start = ts - (ts - ORIGIN) % size
        return start, start + size
    day = local(ts, zone).date()
    if unit == "mo":
        k = ((day.year - 2000) * 12 + day.month - 1) // n
        first = [datetime.date(2000 + j * n // 12, j * n % 12 + 1, 1) for j in (k, k + 1)]
    else:
        days = n * (7 if unit == "w" else 1)
        k = (day - datetime.date(2000, 1, 3)).days // days
        first = [datetime.date(2000, 1, 3) + datetime.timedelta(days=j * days) for j in (k, k + 1)]
    return midnight(first[0], zone), midnight(first[1], zone)


def aggregate(rows, step, zone, session, clock, partial):
    """Rows of bars_agg, in the columns of AGG below; rows are those known at the clock, in order."""
    out = {}
    for _, _, ts, o, h, l, c, v, vwap, trades, _ in rows:
        if session:
            t = local(ts, zone)
            if not session[0] <= t.hour * 60 + t.minute < session[1]:
                continue
        start, end = bucket(step, zone, ts)
        b = out.setdefault(start, [start, o, h, l, c, None, 0.0, None, end, 0])
        b[2], b[3], b[4] = max(b[2], h), min(b[3], l), c
        if v is not None:
            b[5] = v if b[5] is None else b[5] + v
        if v is not None and v > 0:
            b[6] = None if b[6] is None or vwap is None else b[6] + vwap * v
        if trades is not None:
            b[7] = trades if b[7] is None else b[7] + trades
        b[9] += 1
    result = []
    for b in out.values():
        if b[8] > clock and not partial:
            continue
        b[6] = b[6] / b[5] if b[5] and b[6] is not None else None
        result.append(tuple(bits(x) for x in (*b, int(b[8] <= clock), 0)))
    return result


AGG = "ts, open, high, low, close, volume, vwap, trades, known_at, count, complete, filled"
STEPS = {"A": ["minute", "5m", "15 minutes", "hour", "4h", "day", "week", "month"],
         "B": ["1h", "2 hours", "day", "3 days", "week", "month", "quarter"],
         "C": ["day", "2 days", "week", "2 weeks", "month", "3 mo", "year"]}
PARSED = {"minute": (1, "m"), "5m": (5, "m"), "15 minutes": (15, "m"), "hour": (1, "h"), "1h": (1, "h"), "2 hours": (2, "h"),
          "4h": (4, "h"), "day": (1, "d"), "2 days": (2, "d"), "3 days": (3, "d"), "week": (1, "w"), "2 weeks": (2, "w"),
          "month": (1, "mo"), "3 mo": (3, "mo"), "quarter": (3, "mo"), "year": (12, "mo")}
SESSIONS = [(None, None), ("09:30-16:00", (570, 960))]


def number(v):
    """A value of a row, whose doubles are kept as their bytes."""
    return struct.unpack("d", v)[0] if isinstance(v, bytes) else float(v)


def check_aggregates(db, f, rng, clock, known):
    for asset, steps in STEPS.items():
        mine = [r for r in known if r[0] == asset]
        for step in steps:
            # A day bar is no part of another zone's days; sessions cut what is finer than a day.
            name = rng.choice(NAMES) if asset != "C" else HOME["C"]
            text, session = rng.choice(SESSIONS) if asset != "C" else SESSIONS[0]
            tz = None if name == HOME[asset] and rng.random() < 0.5 else name
            partial = rng.random() < 0.5
            want = aggregate(mine, PARSED[step], ZONE[name], session, clock, partial)
            order = rng.choice(("", " ORDER BY ts", " ORDER BY ts DESC", " ORDER BY ts DESC LIMIT 3", " bound"))
            sql, args = f"SELECT {AGG} FROM bars_agg(?, ?, ?, ?, ?, ?, NULL, ?)", [asset, step, None, None, tz, text]
            if order == " bound" and mine:
                lo, hi = sorted(rng.choice(mine)[2] for _ in range(2))
                args[2:4] = lo, hi
                want = [w for w in want if lo <= w[0] < hi]
            elif " DESC" in order:
                want = want[::-1][:3] if "LIMIT" in order else want[::-1]
            got = rows_of(db, sql + order.replace(" bound", ""), args + [int(partial)])
            f.same(f"bars_agg{tuple(args)} partial={partial}{order} at clock {clock}", got, want)
            if order in ("", " ORDER BY ts"):
                n = rng.choice((None, 1, 5, 300))
                blob, = rows_of(db, "SELECT bars_agg_blob(?, ?, 'ts,high,known_at', ?, NULL, ?, ?, NULL, ?)",
                                [asset, step, n, tz, text, int(partial)])[0]
                last = want[-n:] if n else want
                f.same(f"bars_agg_blob({asset}, {step}, {n}, {tz}, {text}, {partial}) at clock {clock}",
                       struct.unpack(f"<{len(blob) // 8}d", blob),
                       tuple(number(w[i]) for i in (0, 2, 8) for w in last))


# ---- everything else, against the second database ----


def indicator_calls(db):
    """name -> parameters, for every registered indicator; those without default get some."""
    calls = {}
    for name, params, inputs in db.execute("SELECT name, params, inputs FROM bars_indicator"):
        values = [p.split("=") for p in params.split(", ") if p]
        two = ["'high'"] if inputs.startswith("x, ") else []
        calls[name] = ", ".join(["7" if p == "period" else v for p, v in values] + two)
    return calls


def same_query(f, db, short, sql, args=()):
    got = rows_of(db, sql, args)
    want = rows_of(short, sql, args)
    f.same(f"{sql} {args}", got, want)


SUMMARY = "asset, bars, first, last, open, high, low, close, " + ", ".join(
    f"printf('%.12g', {c})" for c in ("volume", "mean", "vwap", "stdev"))
BAR = "ts, open, high, low, close, volume, vwap, trades, known_at, time"
def check_bars(db, short, f, rng, clock):
    for asset, step in SERIES:
        same_query(f, db, short, f"SELECT {BAR} FROM bars(?, ?)", (asset, step))
        same_query(f, db, short, f"SELECT {BAR} FROM bars(?, ?) ORDER BY ts DESC LIMIT 5", (asset, step))
        same_query(f, db, short, f"SELECT {BAR} FROM bars(?, ?, ?)", (asset, step, clock - rng.randrange(10**6)))
        same_query(f, db, short, f"SELECT {BAR} FROM bars_asof(?, ?)", (asset, step))
        same_query(f, db, short, f"SELECT {BAR} FROM bars_asof(?, ?, ?)", (asset, step, clock + rng.randrange(-10**6, 10**6)))
        same_query(f, db, short, f"SELECT {BAR} FROM bars_asof(?, ?, ?, ?)", (asset, step, clock, rng.randrange(10**5)))
        same_query(f, db, short, "SELECT last_price(?), last_price(?, ?)", (asset, asset, step))
        columns = "ts,close,known_at,vwap"
        same_query(f, db, short, "SELECT bars_blob(?1, ?2, ?3), bars_blob(?1, ?2, ?3, 7), bars_blob(?1, ?2, ?3, 90, ?4)",
                   (asset, step, columns, clock + rng.randrange(-10**6, 10**6)))
        # Sums are taken in another order where bars are sealed, so the last four only to 12 digits.
        same_query(f, db, short, f"SELECT {SUMMARY} FROM bars_summary(?, ?)", (asset, step))
        same_query(f, db, short, f"SELECT {SUMMARY} FROM bars_summary(?, ?, ?, ?)",
                   (asset, step, clock - 10**7, clock - rng.randrange(10**6)))
    same_query(f, db, short, "SELECT ts, asset, close FROM bars WHERE asset IN ('A', 'D') AND timestep = 'minute'"
               " ORDER BY ts DESC, asset")


OTHER = ["prev(bars, 0, 'close of ?')", "prev(bars, 2, 'sma:3@high of ?')", "correl(bars, 5, 'close of ?')",
         "beta(bars, 3, 'rsi:4 of ?', 'ema:3')", "cross_above(bars, 'close', 'close of ?')", "sma(bars, 4, 'low of ?')",
         "cross_below(bars, 'rsi:7', 50)", "ema(bars, 3, 'volume of ?')"]


def check_indicators(db, short, f, calls, clock):
    extra = ["prev(bars, 0)", "prev(bars, 3)", "prev(bars, 1, 'sma:10')", "prev(bars, 2, 'sma:9@rsi:14')", "prev(bars, 1, 'hl2')",
             "ema(bars, 5, 'rsi:7')"]
    text = ", ".join([f"{n}(bars{', ' + p if p else ''})" for n, p in calls.items()] + extra)
    named = ", ".join(f"{n}(?1, ?2{', ' + p if p else ''})" for n, p in calls.items())
    named += ", prev(?1, ?2, 3), prev(?1, ?2, 1, 'sma:9@rsi:14'), sma(?1, ?2, 4, ?3), rsi(?1, ?2, 5, 'high', ?3)"
    for asset, step in SERIES:
        same_query(f, db, short, f"SELECT ts, {text} FROM bars(?, ?)", (asset, step))
        same_query(f, db, short, f"SELECT {named}", (asset, step, clock - 5000))
    # Series beside each other, of which either may be behind.
    for asset, other in (("A", "D"), ("D", "A"), ("A", "A")):
        text = ", ".join(c.replace("?", other) for c in OTHER)
        same_query(f, db, short, f"SELECT ts, {text} FROM bars(?, 'minute')", (asset,))
        for table in ("bars_agg(?, '5 minutes')", "bars_agg(?, 'day')", "bars_agg(?, '15 minutes') WHERE fill = 'prev'"):
            # The second database has no clock, so it shows the buckets that the clock cuts as well.
            sql = f"SELECT ts, {text.replace('bars', 'bars_agg')} FROM {table}"
            got = rows_of(db, sql, (asset,))
            f.same(f"{sql} {asset}", got, rows_of(short, sql, (asset,))[:len(got)])


def main():
    f = Failures()
    rng = random.Random(5)
    times = sorted({r[10] for r in ROWS})
    for settings in ("default", "small"):
        db = connect(ROWS)
        if settings == "small":
            db.execute("SELECT bars_compact()").fetchall()
            db.execute("SELECT bars_config('history', 50), bars_config('future', 10), bars_config('memory_limit', 1000000)")\
                .fetchall()
        calls = indicator_calls(db)
        for _ in range(12):
            clock = rng.choice(times) + rng.choice((0, 0, -1, 1, 1000))
            db.execute("SELECT bars_clock(?)", (clock,)).fetchall()
            known = [r for r in ROWS if r[10] <= clock]
            check_aggregates(db, f, rng, clock, known)
            short = connect(known)
            check_bars(db, short, f, rng, clock)
            check_indicators(db, short, f, calls, clock)
            short.close()
        # Lifting the clock shows everything again.
        db.execute("SELECT bars_clock(NULL)").fetchall()
        n = [db.execute("SELECT count(*) FROM bars(?, ?)", s).fetchone()[0] for s in SERIES]
        f.same("rows without clock", n, [sum(r[0] == a for r in ROWS) for a, _ in SERIES])
        db.close()
    print(f"{f.checks} comparisons, {f.rows} rows, {len(calls)} indicators, {f.n} failures")
    return f.n > 0 or f.rows < 10000 or len(calls) < 50


sys.exit(main())
