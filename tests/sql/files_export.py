#!/usr/bin/python3
"""bars_export: every bar comes back with the same bits from CSV, CSV.gz and CSV.zst; ranges, columns, times and
assets are those asked for; the file is there as a whole or not at all.
"""
import csv
import datetime
import gzip
import json
import os
import random
import resource
import signal
import sqlite3
import struct
import subprocess
import sys
import threading

SO = os.environ["BARSVT_SO"]
START = 1704205800
NAMES = "ts, open, high, low, close, volume, vwap, trades, bid, ask, open_interest"
failures = checks = 0


def equal(what, got, want):
    global failures, checks
    checks += 1
    if got != want:
        failures += 1
        if isinstance(got, list) and isinstance(want, list) and got and want:
            first = [k for k, pair in enumerate(zip(got, want)) if pair[0] != pair[1]][:1]
            got, want = [(len(x), *[x[k] for k in first]) for x in (got, want)]
        print(f"{what}:\n  got  {got}\n  want {want}"[:600])


def connect(path=":memory:", **kwargs):
    db = sqlite3.connect(path, isolation_level=None, **kwargs)
    db.enable_load_extension(True)
    db.load_extension(SO)
    return db


def export(db, *args):
    return json.loads(db.execute(f"SELECT bars_export({', '.join('?' * len(args))})", args).fetchone()[0])


def error(db, part, *args):
    try:
        text = str(db.execute(f"SELECT bars_export({', '.join('?' * len(args))})", args).fetchone())
    except sqlite3.Error as e:
        text = str(e)
    equal(f"{args}: {part}", part if part in text else text, part)


def leftovers(path="."):
    return [n for n in os.listdir(path) if ".tmp-" in n]


def dump(db, asset, timestep="minute"):
    return db.execute(f"SELECT {NAMES} FROM bars(?, ?)", (asset, timestep)).fetchall()


def bits(rows):
    return [tuple(struct.pack("<d", v) if isinstance(v, float) else v for v in r) for r in rows]


def make_bars():
    """Bars with hard numbers: of one asset all columns, of another only prices, of a third some in rows, some sealed."""
    random.seed(11)
    rows = []
    for asset in ("A", "B, \"x\"", "Ä/€"):
        ts = START
        for k in range(4000 if asset != "A" else 100):
            pick = random.randrange(6)
            o = [random.uniform(1, 500), round(random.uniform(1, 500), 2), round(random.uniform(0, 1), 5), 1e-300 * random.random(),
                 float(random.randrange(10**15, 10**17)), 0.0][pick]
            c = [o, o * random.uniform(0.5, 2)][k % 2]
            extra = [random.choice([None, 0.0, float(random.randrange(10**9)), random.random()]) for _ in range(6)]
            if asset == "A":
                extra[1:] = [None] * 5
            rows.append((asset, ts, o, max(o, c), min(o, c), c, *extra))
            ts += 60 * random.choice([1, 1, 1, 2, 300])
    return rows


def stored():
    db, rows = connect(), make_bars()
    db.execute("BEGIN")
    db.executemany(f"INSERT INTO bars(asset, timestep, {NAMES}) VALUES (?, 'minute', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
    db.execute("COMMIT")
    return db, rows


def round_trips(db, rows):
    want = {a: [r[1:] for r in rows if r[0] == a] for a in ("A", "B, \"x\"", "Ä/€")}
    for asset, bars in want.items():
        equal(f"stored {asset}", bits(dump(db, asset)), bits(bars))
    for name in ("all.csv", "all.csv.gz", "all.csv.zst", "ALL.CSV"):
        for options in (None, '{"time": "epoch", "overwrite": true}'):
            got = export(db, name, None, "minute", None, None, options)
            equal(f"{name} {options}", (got["rows"], got["assets"], got["bytes"], got["columns"]),
                  (len(rows), 3, os.path.getsize(name), "asset," + NAMES.replace(" ", "")))
            back = connect()
            back.execute("SELECT bars_import(?, NULL, 'minute')", (name,))
            for asset, bars in want.items():
                equal(f"{name} {options} {asset}", bits(dump(back, asset)), bits(bars))
            equal("nothing set aside", back.execute("SELECT count(*) FROM barsvt_reject").fetchone()[0], 0)
    for name in ("a.csv", "a.csv.zst"):
        export(db, name, "Ä/€", "minute")
        back = connect()
        back.execute("SELECT bars_import(?, 'Q', 'minute')", (name,))
        equal(name, bits(dump(back, "Q")), bits(want["Ä/€"]))
    equal("no leftovers", leftovers(), [])


def read_csv(name):
    with open(name, encoding="utf-8", newline="") as f:
        return list(csv.reader(f))


def contents(db, rows):
    """The text itself, read by Python's csv."""
    export(db, "t.csv", "A", "minute")
    text = read_csv("t.csv")
    equal("header", text[0], ["ts", "open", "high", "low", "close", "volume"])
    want = [r for r in rows if r[0] == "A"]
    iso = [datetime.datetime.fromtimestamp(r[1], datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ") for r in want]
    equal("times", [r[0] for r in text[1:]], iso)
    equal("numbers", [[float(v) if v else None for v in r[1:]] for r in text[1:]], [list(r[2:7]) for r in want])
    # no more digits than repr needs
    equal("digits", [v for r in text[1:] for v in r[1:] if v and len(v) > len(repr(float(v)))], [])
    export(db, "t.csv", None, "minute", None, None, '{"overwrite": true, "time": "epoch"}')
    text = read_csv("t.csv")
    equal("assets in order", [r[0] for r in text[1:]], [a for a in sorted({r[0] for r in rows}) for r in rows if r[0] == a])
    equal("epochs", [int(r[1]) for r in text[1:4]], [r[1] for r in want[:3]])
    with gzip.open("all.csv.gz", "rt", encoding="utf-8", newline="") as f:
        equal("gzip is what others read", sum(1 for _ in f), len(rows) + 1)
    if subprocess.run(["sh", "-c", "zstd -q -d -f all.csv.zst -o z.csv"], stderr=subprocess.DEVNULL, check=False).returncode == 0:
        equal("zstd is what others read", len(read_csv("z.csv")), len(rows) + 1)
    sizes = [export(db, f"l{n}.csv.{e}", None, "minute", None, None, json.dumps({"level": n}))["bytes"]
             for e, n in (("zst", 1), ("zst", 19), ("gz", 1), ("gz", 9))]
    equal("levels", (sizes[1] < sizes[0], sizes[3] < sizes[2]), (True, True))
    # a zero with a sign, which only a file can bring in
    with open("zero.csv", "w") as f:
        f.write("ts,open,high,low,close\n0,-0.0,0.0,-0.0,0\n60,1,1,1,1\n")
    other = connect()
    other.execute("SELECT bars_import('zero.csv', 'Z', 'minute')")
    kept = bits(dump(other, "Z"))
    export(other, "zero2.csv", "Z", "minute")
    third = connect()
    third.execute("SELECT bars_import('zero2.csv', 'Z', 'minute')")
    equal("signed zeros", bits(dump(third, "Z")), kept)


def ranges(db, rows):
    want = [r[1] for r in rows if r[0] == "A"]
    lo, hi = want[10], want[50]
    for args, part in (((lo, hi), want[10:50]), ((None, hi), want[:50]), ((lo,), want[10:]), ((lo + 1, hi + 1), want[11:51]),
                       ((hi, lo), []), (("2030-01-01", None), []),
                       ((datetime.datetime.fromtimestamp(lo, datetime.timezone.utc).strftime("%Y-%m-%d %H:%M:%S"), None), want[10:])):
        if os.path.exists("r.csv"):
            os.unlink("r.csv")
        got = export(db, "r.csv", "A", "minute", *args)
        equal(f"range {args}", [int(datetime.datetime.fromisoformat(r[0].replace("Z", "+00:00")).timestamp()) for r in read_csv("r.csv")[1:]], part)
        equal(f"summary {args}", (got["rows"], got["first"] is None), (len(part), not part))
    # the clock: only bars that have ended by it
    db.execute("SELECT bars_clock(?)", (want[5] + 60,))
    equal("by the clock", export(db, "c.csv", "A", "minute")["rows"], 6)
    db.execute("SELECT bars_clock(NULL)")
    # other timesteps and columns of one series only
    db.execute("INSERT INTO bars(asset, timestep, ts, open, high, low, close, bid) VALUES ('D', 'day', 0, 1, 2, 0.5, 1, 1)")
    equal("days", export(db, "d.csv", None, "1d")["columns"], "asset,ts,open,high,low,close,volume,bid")


def attached(rows):
    """Bars of an attached file are exported as they are read; main comes first."""
    other = connect("other.db")
    other.execute("INSERT INTO bars(asset, timestep, ts, open, high, low, close) VALUES ('X', 'day', 0, 1, 1, 1, 1), ('Y', 'day', 0, 2, 2, 2, 2)")
    other.close()
    db = connect()
    db.execute("INSERT INTO bars(asset, timestep, ts, open, high, low, close) VALUES ('Y', 'day', 0, 3, 3, 3, 3)")
    db.execute("ATTACH 'other.db' AS o")
    export(db, "att.csv", None, "day", None, None, '{"time": "epoch"}')
    equal("attached", read_csv("att.csv")[1:], [["X", "0", "1", "1", "1", "1", ""], ["Y", "0", "3", "3", "3", "3", ""]])


def mistakes(db):
    with open("old.csv", "w") as f:
        f.write("mine\n")
    error(db, "old.csv: the file exists; set the option overwrite", "old.csv", "A", "minute")
    error(db, "does not end in .csv, .csv.gz, .csv.zst, .parquet or .pq", "x.txt", "A", "minute")
    error(db, "does not end in .csv", ".csv", "A", "minute")
    error(db, "unknown asset 'nobody'", "x.csv", "nobody", "minute")
    error(db, "no 'hour' bars of 'A' are stored", "x.csv", "A", "hour")
    error(db, "no 'hour' bars are stored", "x.csv", None, "hour")
    error(db, "timestep is NULL", "x.csv", "A", None)
    error(db, "file is NULL", None, "A", "minute")
    error(db, "2 arguments given", "x.csv", "A")
    error(db, "start", "x.csv", "A", "minute", "soon")
    error(db, "unknown option 'overwritten'; did you mean 'overwrite'?", "x.csv", "A", "minute", None, None, '{"overwritten": true}')
    error(db, "option overwrite is '1'; it can be true or false", "x.csv", "A", "minute", None, None, '{"overwrite": 1}')
    error(db, "option level is '20'; it can be 1 to 19", "x.csv.zst", "A", "minute", None, None, '{"level": 20}')
    error(db, "option level is 10; .csv.gz takes 1 to 9", "x.csv.gz", "A", "minute", None, None, '{"level": 10}')
    error(db, "option level is 3; .csv takes none", "x.csv", "A", "minute", None, None, '{"level": 3}')
    error(db, "option time is 'local'; it can be iso, epoch", "x.csv", "A", "minute", None, None, '{"time": "local"}')
    error(db, "not valid JSON", "x.csv", "A", "minute", None, None, "{")
    error(db, "No such file or directory", "no/dir/x.csv", "A", "minute")
    os.mkdir("d.csv.d")
    os.rename("d.csv.d", "dir.csv")
    error(db, "dir.csv: this is a directory", "dir.csv", "A", "minute", None, None, '{"overwrite": true}')
    db.execute("CREATE VIEW v AS SELECT bars_export('v.csv', 'A', 'minute')")
    try:
        text = str(db.execute("SELECT * FROM v").fetchone())
    except sqlite3.Error as e:
        text = str(e)
    equal("from a view", "unsafe use of bars_export()" in text, True)
    if os.geteuid() != 0:
        os.mkdir("closed", 0o500)
        error(db, "Permission denied", "closed/x.csv", "A", "minute")
    equal("old file", open("old.csv").read(), "mine\n")
    equal("nothing made", [os.path.exists(n) for n in ("x.csv", "x.csv.zst", "v.csv")], [False] * 3)
    equal("no leftovers", leftovers(), [])
    export(db, "old.csv", "A", "minute", None, None, '{"overwrite": true}')
    equal("overwritten", len(read_csv("old.csv")), 101)


def full_disk(db):
    """A limit on file sizes, a file system of our own where that is allowed; what was there stays."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = open("all.csv.zst", "rb").read()
    for name in ("full.csv", "all.csv.zst", "full.csv.gz"):
        resource.setrlimit(resource.RLIMIT_FSIZE, (20000, old[1]))
        try:
            error(db, "cannot be written: File too large", name, None, "minute", None, None, '{"overwrite": true}')
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, old)
    equal("no file", (os.path.exists("full.csv"), open("all.csv.zst", "rb").read() == before, leftovers()), (False, True, []))
    db.execute("VACUUM INTO 'vacuum.db'")
    os.mkdir("disk")
    inner = f"mount -t tmpfs -o size=64k tmpfs disk && exec {sys.executable} {os.path.abspath(__file__)} --tmpfs"
    done = subprocess.run(["unshare", "-rm", "sh", "-c", inner], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode in (0, 3):
        equal("full disk", (done.returncode, done.stdout), (0, ""))
    else:
        print("note: no file system of our own here, a really full disk is not tried")


def on_full_disk():
    db = connect("vacuum.db")
    error(db, "No space left on device", "disk/x.csv", None, "minute")
    error(db, "No space left on device", "disk/x.csv.gz", None, "minute", None, None, '{"level": 1}')
    equal("empty again", os.listdir("disk"), [])
    equal("a small one fits", export(db, "disk/y.csv", "A", "minute")["rows"], 100)
    return 3 if failures else 0


def interrupted():
    """Stopped by sqlite3_interrupt, also inside a transaction: no file, and the connection goes on."""
    db = connect(check_same_thread=False)
    db.execute("WITH RECURSIVE n(k) AS (SELECT 0 UNION ALL SELECT k + 1 FROM n WHERE k < 1500000) "
               "INSERT INTO bars(asset, timestep, ts, open, high, low, close, volume) "
               "SELECT 'L', 'second', k, 1.0 / (k + 3), 1, 0, 1.0 / (k + 7), k FROM n")
    for begin in (False, True):
        if begin:
            db.execute("BEGIN")
            db.execute("INSERT INTO bars(asset, timestep, ts, open, high, low, close) VALUES ('M', 'day', 0, 1, 1, 1, 1)")
        timer = threading.Timer(0.15, db.interrupt)
        timer.start()
        error(db, "interrupted", "long.csv.zst", "L", "second", None, None, '{"level": 19}')
        timer.join()
        equal("no file", (os.path.exists("long.csv.zst"), leftovers()), (False, []))
        equal("the connection goes on", db.execute("SELECT count(*) FROM bars('L', 'second')").fetchone()[0], 1500001)
        if begin:
            equal("and so does its transaction", (db.in_transaction, db.execute("SELECT close FROM bars('M', 'day')").fetchall()), (True, [(1.0,)]))
            db.execute("COMMIT")


def main():
    if sys.argv[1:] == ["--tmpfs"]:
        return on_full_disk()
    db, rows = stored()
    round_trips(db, rows)
    db.execute("SELECT bars_compact()")
    round_trips(connect_copy(db), rows)
    contents(db, rows)
    ranges(db, rows)
    attached(rows)
    mistakes(db)
    full_disk(db)
    interrupted()
    print(f"{checks} checks, {failures} failures")
    return failures > 0


def connect_copy(db):
    for name in ("all.csv", "all.csv.gz", "all.csv.zst", "ALL.CSV", "a.csv", "a.csv.zst"):
        os.unlink(name)
    return db


sys.exit(main())
