#!/usr/bin/python3
"""bars_import reads what people have: headers, times, separators, compression, order.

Every variant of a file is written here from the same bars and must load exactly these bars, seen through
the table bars.  Then: bad rows are set aside with their line and reason, the others stay; loading again
changes nothing in the database; the modes of on_conflict; files of several symbols.
"""
import datetime
import gzip
import json
import os
import sqlite3
import subprocess
import sys
import zoneinfo

SO = os.environ["BARSVT_SO"]
UTC = datetime.timezone.utc
NY = "America/New_York"
START = 1704205800  # 2024-01-02 14:30 UTC, 09:30 in New York

# (ts, open, high, low, close, volume): minutes with a hole, then days
MINUTES = [(START + 60 * k, 10 + k / 8, 12.25 + k, 9.5, 11 + k / 16, float(v)) for k, v in ((0, 100), (1, 0), (2, 7), (5, 12345678), (6, 1))]
DAYS = [(1704067200 + 86400 * k, 10 + k / 8, 12.25 + k, 9.5, 11 + k / 16, float(100 + k)) for k in range(14)]


def stamp(fmt, zone=UTC):
    tz = zoneinfo.ZoneInfo(zone) if isinstance(zone, str) else zone
    return lambda ts: datetime.datetime.fromtimestamp(ts, tz).strftime(fmt)


def lines(header, bars, when, sep=",", values=None, extra=""):
    """CSV lines: time, then open, high, low, close, volume (or what values says), then extra."""
    values = values or (lambda b: b[1:])
    body = [sep.join([when(b[0])] + [repr(v) for v in values(b)]) + extra for b in bars]
    return ([header] if header else []) + body


H = "Date,Open,High,Low,Close,Volume"
ISO = stamp("%Y-%m-%d %H:%M:%S")


def text_variants():
    """name -> (timestep, bars, lines, options, what the summary calls the time)"""
    m, d = MINUTES, DAYS
    out = {
        "epoch s": ("minute", m, lines("timestamp,open,high,low,close,volume", m, str), {}, "epoch s"),
        "epoch ms": ("minute", m, lines("ts,o,h,l,c,v", m, lambda t: str(t * 1000)), {}, "epoch ms"),
        "epoch us": ("minute", m, lines("t,O,H,L,C,V", m, lambda t: str(t * 10**6)), {}, "epoch us"),
        "epoch ns": ("minute", m, lines("ts_event,open,high,low,close,volume", m, lambda t: str(t * 10**9)), {}, "epoch ns"),
        "epoch real": ("minute", m, lines("Unix Timestamp,Open,High,Low,Close,Vol", m, lambda t: f"{t}.250"), {}, "epoch s"),
        "ISO": ("minute", m, lines(H, m, ISO), {}, "date-time"),
        "ISO T Z": ("minute", m, lines("Datetime,Open,High,Low,Close,Volume", m, stamp("%Y-%m-%dT%H:%M:%S.000Z")), {"tz": NY}, "date-time"),
        "ISO offset": ("minute", m, lines("time,open,high,low,close,Volume", m, stamp("%Y-%m-%d %H:%M:%S-05:00", NY)), {}, "date-time"),
        "no seconds, local": ("minute", m, lines(H, m, stamp("%Y-%m-%d %H:%M", NY)), {"tz": NY}, "date-time"),
        "US, local": ("minute", m, lines(H, m, stamp("%m/%d/%Y %H:%M", NY)), {"tz": NY, "date_order": "month"}, "date-time"),
        "dots": ("minute", m, lines(H, m, stamp("%d.%m.%Y %H:%M:%S.000")), {}, "date-time"),
        "AM PM": ("minute", m, lines(H, m, stamp("%m/%d/%Y %I:%M %p")), {"date_order": "month"}, "date-time"),
        "compact": ("minute", m, lines(H, m, stamp("%Y%m%d %H%M%S")), {}, "date-time"),
        "date and time": ("minute", m, lines("Date,Time,Open,High,Low,Close,Volume", m, stamp("%Y/%m/%d,%H:%M")), {}, "date+time"),
        "MetaTrader": ("minute", m, lines("<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>", m,
                                           stamp("%Y.%m.%d\t%H:%M:%S"), "\t", lambda b: (*b[1:5], 5, b[5]), "\t0"), {}, "date+time"),
        "no header": ("minute", m, lines(None, m, ISO), {}, "date-time"),
        "no header, kline": ("minute", m, lines(None, m, lambda t: str(t * 1000), extra=",1704205859999,1,9,1,1,0"), {}, "epoch ms"),
        "end labels": ("minute", m, lines(H, m, lambda t: ISO(t + 60)), {"label": "end"}, "date-time"),
        "price scale": ("minute", m, lines(H, m, ISO, values=lambda b: tuple(round(v * 10000) for v in b[1:5]) + b[5:]),
                        {"price_scale": 0.0001}, "date-time"),
        "semicolons": ("minute", m, lines(H.replace(",", ";"), m, ISO, ";"), {}, "date-time"),
        "bars": ("minute", m, lines(H.replace(",", "|"), m, ISO, "|"), {"delimiter": "|"}, "date-time"),
        "quotes": ("minute", m, ['"Date","Open","High","Low","Close","Volume"'] +
                   [",".join(f'"{v}"' for v in (ISO(b[0]), *b[1:])) for b in m], {}, "date-time"),
        "named": ("minute", m, lines("when,a,b,c,d,e", m, ISO), {"columns": {"ts": "when", "open": "a", "high": "b", "low": "c",
                                                                          "close": "d", "volume": "e"}}, "date-time"),
        "trailing delimiter": ("minute", m, lines(H + ",", m, ISO, extra=","), {}, "date-time"),
        "spaces": ("minute", m, lines("Date, Open, High, Low, Close, Volume", m, ISO, ", "), {}, "date-time"),
        "backwards": ("minute", m, lines(H, m[::-1], ISO), {}, "date-time"),
        "shuffled, twice": ("minute", m, lines(H, [m[3], m[0], m[4], m[1], m[2], m[0], m[4]], ISO), {}, "date-time"),
        "last wins": ("minute", m, lines(H, [(m[2][0], 1.0, 2.0, 0.5, 1.5, 9.0)] + m, ISO), {}, "date-time"),
        "days": ("day", d, lines(H, d, stamp("%Y-%m-%d")), {}, "date"),
        "days, month first": ("day", d, lines(H, d, stamp("%m/%d/%Y")), {}, "date"),
        "days, day first": ("day", d, lines(H, d, stamp("%d/%m/%Y")), {}, "date"),
        "days, compact": ("day", d, lines("date,opn,open,high,low,close,volume", d, stamp("%Y%m%d,0")), {}, "date"),
        "pandas index": ("day", d, lines(",Open,High,Low,Close,Volume", d, stamp("%Y-%m-%d")), {}, "date"),
        "Alpha Vantage": ("day", d, lines("timestamp,1. open,2. high,3. low,4. close,5. volume", d, stamp("%Y-%m-%d")), {}, "date"),
        "Yahoo": ("day", d, lines("Date,Open,High,Low,Close,Adj Close,Volume", d, stamp("%Y-%m-%d"),
                                   values=lambda b: (*b[1:5], b[4] * 0.9, b[5])), {}, "date"),
    }
    return out


def as_bytes(text):
    """The same lines with every kind of line end."""
    body = "\n".join(text)
    return {"LF": body + "\n", "no last LF": body, "CRLF": body.replace("\n", "\r\n") + "\r\n", "CR": body.replace("\n", "\r"),
            "BOM": "\ufeff" + body + "\n", "blank lines": "\n" + body.replace("\n", "\n\n") + "\n\n"}


class Check:
    def __init__(self):
        self.n = self.failures = 0
        self.db = None
        self.restart()

    def restart(self):
        self.db = sqlite3.connect(":memory:", isolation_level=None)
        self.db.enable_load_extension(True)
        self.db.load_extension(SO)

    def equal(self, what, got, want):
        self.n += 1
        if got != want:
            self.failures += 1
            print(f"{what}:\n  got  {got}\n  want {want}")

    def write(self, data, name="f.csv"):
        with open(name, "wb") as f:
            f.write(data if isinstance(data, bytes) else data.encode())
        return name

    def load(self, path, asset="A", timestep="minute", **options):
        sql = "SELECT bars_import(?, ?, ?, ?)"
        return json.loads(self.db.execute(sql, (path, asset, timestep, json.dumps(options))).fetchone()[0])

    def bars(self, asset="A", timestep="minute", columns="ts, open, high, low, close, volume"):
        return self.db.execute(f"SELECT {columns} FROM bars(?, ?)", (asset, timestep)).fetchall()

    def error(self, what, part, path, *args, **options):
        try:
            got = str(self.load(path, *args, **options))
        except sqlite3.Error as e:
            got = str(e)
        self.n += 1
        if not got.startswith("bars_import(): ") or part not in got:
            self.failures += 1
            print(f"{what}: {got}\n  should have: {part}")


def variants(c):
    for name, (step, bars, text, options, kind) in text_variants().items():
        c.restart()
        got = c.load(c.write("\n".join(text) + "\n"), "A", step, **options)
        rows = len(text) - (0 if name.startswith("no header") else 1)
        c.equal(name + ": summary", {k: got.get(k) for k in ("rows", "new", "changed", "rejected", "first", "last", "assets", "time")},
                {"rows": rows, "new": len(bars), "changed": 0, "rejected": 0, "first": ISO(bars[0][0]), "last": ISO(bars[-1][0]),
                 "assets": 1, "time": kind})
        c.equal(name, c.bars("A", step), bars)
    for end, data in as_bytes(lines(H, MINUTES, ISO)).items():
        c.restart()
        c.load(c.write(data))
        c.equal(end, c.bars(), MINUTES)


def compressed(c):
    data = ("\n".join(lines(H, MINUTES, ISO)) + "\n").encode()
    half = data.index(b"\n", 80) + 1
    files = {"f.csv.gz": gzip.compress(data), "two members.gz": gzip.compress(data[:half]) + gzip.compress(data[half:]),
             "named as it likes.csv": gzip.compress(data)}
    for name, body in files.items():
        c.restart()
        c.load(c.write(body, name))
        c.equal(name, c.bars(), MINUTES)
    # zstd comes from the program, which may be absent
    c.write(data, "plain")
    try:
        subprocess.run(["zstd", "-q", "-f", "plain", "-o", "f.csv.zst"], check=True)
    except FileNotFoundError:
        print("note: no zstd program here, .zst is not tried")
        return
    with open("f.csv.zst", "rb") as f:
        frame = f.read()
    for name, body in {"f.csv.zst": frame, "two frames.zst": subprocess.run(["zstd", "-q"], input=data[:half], stdout=subprocess.PIPE,
                       check=True).stdout + subprocess.run(["zstd", "-q"], input=data[half:], stdout=subprocess.PIPE, check=True).stdout}.items():
        c.restart()
        c.load(c.write(body, name))
        c.equal(name, c.bars(), MINUTES)


def zones(c):
    """Local times through a change of clocks: the hour that comes twice is its first, days begin at midnight."""
    c.restart()
    text = [H] + [f"2024-11-03 {h}:30,1,1,1,1,1" for h in ("00", "01", "02")] + ["2024-03-10 01:59,1,1,1,1,1", "2024-03-10 03:00,1,1,1,1,1"]
    c.load(c.write("\n".join(text)), tz=NY)
    local = [int(datetime.datetime(2024, *p, tzinfo=zoneinfo.ZoneInfo(NY)).timestamp())
             for p in ((3, 10, 1, 59), (3, 10, 3, 0), (11, 3, 0, 30), (11, 3, 1, 30), (11, 3, 2, 30))]
    c.equal("change of clocks", c.bars(columns="ts"), [(t,) for t in local])
    c.load(c.write("Date,Open,High,Low,Close\n2024-03-09,1,1,1,1\n2024-03-10,1,1,1,1\n"), "D", "day", tz=NY)
    c.equal("days of New York", c.bars("D", "day", "time, (known_at - ts) / 3600"), [("2024-03-09 05:00:00", 24), ("2024-03-10 05:00:00", 23)])
    c.equal("zone of the asset", c.db.execute("SELECT tz FROM bars_coverage('D')").fetchall(), [(NY,)])
    c.restart()
    c.db.execute(f"SELECT bars_config('tz', '{NY}')").fetchall()
    c.load(c.write(H + "\n2024-01-02 09:30,1,1,1,1,1\n"))
    c.equal("setting tz", c.bars(columns="ts"), [(START,)])
    c.load(c.write("Date,Open,High,Low,Close\n2024-01-31,1,1,1,1\n2024-02-29,2,2,2,2\n"), "M", "month", label="end", tz="UTC")
    c.equal("months labelled by their last day", c.bars("M", "month", "time"), [("2024-01-01 00:00:00",), ("2024-02-01 00:00:00",)])


def rejects(c):
    c.restart()
    text = [H, "2024-01-02 14:30,10,11,9,10,5",  # 2
            "2024-01-02 14:31,10,9,11,10,5", "2024-01-02 14:32,10,11,9,12,5", "2024-01-02 14:33,-1,11,-2,10,5",  # 3 4 5
            "2024-01-02 14:34,ten,11,9,10,5", "2024-01-02 14:35,10,11,9,10", "yesterday,10,11,9,10,5",  # 6 7 8
            "2024-13-02 14:36,10,11,9,10,5", "2024-01-02 14:37,nan,11,9,10,5", "2024-01-02 14:38,10,inf,9,10,5",  # 9 10 11
            "2024-01-02 14:39,10,11,9,10,-5", '"2024-01-02 14:40","10\n",11,9,10,5', "2024-01-02 14:41,10,11,9,10,",  # 12 13-14 15
            "", "2024-01-02 14:42,10,11,9,10,5,6"]  # 16 17
    path = c.write("\n".join(text), "bad.csv")
    got = c.load(path)
    c.equal("bad rows: counts", (got["rows"], got["rejected"]), (2, 12))
    want = [(3, "high is below low"), (4, "close is outside low and high"), (5, "open is negative"), (6, "open is not a number"),
            (7, "wrong number of fields"), (8, "not a time"), (9, "time"), (10, "no open"), (11, "high is not a number"),
            (12, "volume is negative"), (13, "open is not a number"), (17, "wrong number of fields")]
    rows = c.db.execute("SELECT line, reason, source, asset, timestep, text FROM barsvt_reject ORDER BY id").fetchall()
    c.equal("bad rows: lines", [r[0] for r in rows], [w[0] for w in want])
    for row, (line, reason) in zip(rows, want):
        c.equal(f"bad row {line} ({row[1]})", (reason in row[1], row[2:5]), (True, (path, "A", "minute")))
    c.equal("bad rows: text", rows[0][5], text[2])
    c.equal("absent volume", c.bars(columns="time, volume"), [("2024-01-02 14:30:00", 5.0), ("2024-01-02 14:41:00", None)])
    c.equal("again", (c.load(path)["rejected"], c.db.execute("SELECT count(*) FROM barsvt_reject").fetchone()), (12, (12,)))
    got = c.load(c.write("Date,Open,High,Low,Close\n2020-04-20,17.7,17.8,-40.3,-37.6\n"), "CL", "day", allow_negative=True)
    c.equal("negative prices by wish", c.bars("CL", "day", "low, close"), [(-40.3, -37.6)])
    c.equal("no rows", [c.load(c.write(H + "\n"), "E")[k] for k in ("rows", "first", "last", "assets")], [0, None, None, 0])
    other = c.load(c.write("Date,Open,High,Low,Close\n01/02/2024,1,1,1,1\n"), "W", "day")
    c.equal("a guess is told", [("day and month" in w) for w in other["warnings"]], [True])


def dump(db):
    return [db.execute(f"SELECT * FROM {t} ORDER BY 1, 2").fetchall() for (t,) in
            db.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND name LIKE 'barsvt%' ORDER BY name").fetchall()]


def again(c):
    c.restart()
    path = c.write("\n".join(lines(H, MINUTES, ISO)))
    first = c.load(path)
    before = dump(c.db)
    second = c.load(path)
    c.equal("first load", (first["rows"], first["new"], first["changed"]), (5, 5, 0))
    c.equal("second load", (second["rows"], second["new"], second["changed"]), (5, 0, 0))
    c.equal("the database after it", dump(c.db), before)
    moved = [(b[0], b[1], b[2], b[3], b[4], b[5] + 1) for b in MINUTES[:2]] + MINUTES[2:] + [(START + 600, 1.0, 1.0, 1.0, 1.0, 1.0)]
    path = c.write("\n".join(lines(H, moved, ISO)), "moved.csv")
    kept = c.load(path, on_conflict="ignore")
    c.equal("ignore", (kept["new"], kept["changed"], c.bars()), (1, 0, MINUTES + moved[-1:]))
    c.db.execute("DELETE FROM bars WHERE asset = 'A' AND timestep = 'minute' AND ts = ?", (START + 600,))
    before = c.bars()
    c.error("error", "already stored with other values", path, on_conflict="error")
    c.equal("nothing after an error", c.bars(), before)
    changed = c.load(path, on_conflict="replace")
    c.equal("replace", (changed["new"], changed["changed"], c.bars()), (1, 2, moved))


def twice_in_one_file(c):
    """Two bars for one time in the file itself: the mode decides, as it does for stored bars."""
    text = [H, "2024-01-02 14:30,1,1,1,1,1", "2024-01-02 14:31,5,5,5,5,5", "2024-01-02 14:30,2,2,2,2,2"]
    for mode, want in (("replace", 2.0), ("ignore", 1.0)):
        c.restart()
        c.load(c.write("\n".join(text)), on_conflict=mode)
        c.equal(f"twice in one file, {mode}", c.bars(columns="open"), [(want,), (5.0,)])
    c.restart()
    c.error("twice in one file, error", "already stored with other values", "f.csv", on_conflict="error")
    c.equal("the same bar twice is no conflict", c.load(c.write("\n".join(text[:3] + text[1:2])), on_conflict="error")["new"], 2)


def symbols(c):
    c.restart()
    text = ["Symbol,Date,Open,High,Low,Close", "B,2024-01-02,1,1,1,1", "A,2024-01-02,2,2,2,2", "B,2024-01-03,3,3,3,3", "é ü,2024-01-03,4,4,4,4",
            ",2024-01-03,5,5,5,5"]
    path = c.write("\n".join(text))
    got = c.load(path, None, "day")
    c.equal("several symbols", (got["rows"], got["assets"], got["rejected"]), (4, 3, 1))
    c.equal("their bars", [len(c.bars(a, "day")) for a in ("A", "B", "é ü")], [1, 2, 1])
    c.error("several symbols under one name", "several symbols", path, "X", "day")
    c.equal("under its own name", c.load(c.write("\n".join(text[:2])), "X", "day")["rows"], 1)
    c.equal("that asset", c.bars("X", "day", "open"), [(1.0,)])
    c.error("no symbols", "no symbol column", c.write("Date,Open,High,Low,Close\n2024-01-02,1,1,1,1"), None, "day")


def more_columns(c):
    c.restart()
    c.load(c.write("time,open,high,low,close,volume,vwap,n\n2024-01-02 14:30,1,2,1,2,10,1.5,3\n2024-01-02 14:31,1,2,1,2,,,\n"))
    c.equal("vwap and trades", c.bars(columns="volume, vwap, trades"), [(10.0, 1.5, 3.0), (None, None, None)])


def main():
    c = Check()
    for part in (variants, compressed, zones, rejects, again, twice_in_one_file, symbols, more_columns):
        part(c)
    print(f"{c.n} checks, {c.failures} failures")
    return c.failures > 0 or c.n < 100


sys.exit(main())
