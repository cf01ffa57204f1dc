#!/usr/bin/python3
"""Directories, patterns and zip archives: every file is loaded as a whole or not at all, in order, named after
itself where it has no symbol; failures are listed; interrupts and kills keep what was finished; a line of progress
on terminals only.
"""
import contextlib
import gzip
import io
import json
import os
import pty
import random
import select
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import zipfile

SO = os.environ["BARSVT_SO"]
H = "Date,Open,High,Low,Close,Volume\n"
failures = checks = 0


def equal(what, got, want):
    global failures, checks
    checks += 1
    if got != want:
        failures += 1
        print(f"{what}:\n  got  {got}\n  want {want}"[:900])


def connect(path=":memory:", **kwargs):
    db = sqlite3.connect(path, isolation_level=None, **kwargs)
    db.enable_load_extension(True)
    db.load_extension(SO)
    return db


def load(db, path, asset=None, timestep="day", **options):
    return json.loads(db.execute("SELECT bars_import(?, ?, ?, ?)", (path, asset, timestep, json.dumps(options))).fetchone()[0])


def error(db, part, path, asset=None, timestep="day", **options):
    try:
        text = str(load(db, path, asset, timestep, **options))
    except sqlite3.Error as e:
        text = str(e)
    equal(f"{path}: {part}", part if part in text else text, part)


def write(path, data):
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    with open(path, "wb") as f:
        f.write(data if isinstance(data, bytes) else data.encode())


def days(close, n=3, first=1):
    return H + "".join(f"2024-01-{d:02},{close},{close + 1},{close - 1},{close},{d}\n" for d in range(first, first + n))


def names(db):
    """Assets that have bars."""
    return [a for (a,) in db.execute("SELECT asset FROM barsvt_asset ORDER BY asset").fetchall()
            if db.execute("SELECT count(*) FROM bars(?, 'day')", (a,)).fetchone()[0]]


def directories():
    write("d/SPY.csv", days(10))
    write("d/brk.b.csv.gz", gzip.compress(days(20).encode()))
    write("d/QQQ.TXT", days(30))
    write("d/both.csv", "symbol," + H + "".join("X," + r + "\nY," + r + "\n" for r in days(40).splitlines()[1:]))
    write("d/notes.md", "no bars\n")
    write("d/.hidden.csv", days(50))
    write("d/below/Z.csv", days(60))
    for path in ("d", "d/"):
        db = connect()
        got = load(db, path)
        equal(f"directory {path}", got, {"files": 4, "loaded": 4, "failed": 0, "skipped": 1, "rows": 15, "new": 15, "changed": 0, "rejected": 0,
                                         "first": "2024-01-01 00:00:00", "last": "2024-01-03 00:00:00", "assets": 5, "failures": []})
        equal("assets", names(db), ["QQQ", "SPY", "X", "Y", "brk.b"])
    again = load(db, "d")
    equal("again", (again["rows"], again["new"], again["changed"]), (15, 0, 0))
    db = connect()
    got = load(db, "d/*.csv*")
    equal("pattern", (got["files"], names(db)), (3, ["SPY", "X", "Y", "brk.b"]))
    equal("where they are from", [r[0] for r in db.execute("SELECT DISTINCT source FROM barsvt_coverage ORDER BY 1")],
          ["d/SPY.csv", "d/both.csv", "d/brk.b.csv.gz"])
    # one asset for all of them: later files win
    for name, close in (("p/2.csv", 2), ("p/10.csv", 10), ("p/1.csv", 1)):
        write(name, days(close))
    db = connect()
    got = load(db, "p", "ONE")
    equal("one asset, in the order of names", (got["rows"], got["new"], got["assets"], stored_close(db, "ONE")), (9, 3, 1, 2.0))
    # one plain file without symbol still wants an asset
    error(db, "has no symbol column, so an asset must be given", "p/1.csv")
    error(db, "no file matches this pattern", "p/*.none")
    os.mkdir("e")
    error(db, "no file in this directory ends in .csv", "e")
    error(db, "unknown option 'stop_on_eror'; did you mean 'stop_on_error'?", "p", stop_on_eror=True)
    error(db, "option stop_on_error is 'yes'; it can be true or false", "p", stop_on_error="yes")
    write("k/" + "x" * 70 + ".csv", days(1))
    error(db, "has no symbol column, so an asset must be given", "k")


def stored_close(db, asset):
    return db.execute("SELECT close FROM bars(?, 'day') ORDER BY ts DESC LIMIT 1", (asset,)).fetchone()[0]


def one_bad():
    """A bad file among good ones leaves no trace of itself and all of the others."""
    write("m/a.csv", days(1))
    write("m/b.csv", days(2) + "\"never closed\n")
    write("m/c.csv", "what,is,this\n1,2,3\n")
    write("m/d.csv", days(4) + "2024-01-09,5,1,1,1,1\n")
    write("m/e.csv.gz", gzip.compress(days(5).encode())[:-3])
    write("m/f.csv", days(6))
    for begin in (False, True):
        db = connect()
        if begin:
            db.execute("BEGIN")
        got = load(db, "m")
        equal("counts", (got["files"], got["loaded"], got["failed"], got["rows"], got["rejected"], got["assets"]), (6, 3, 3, 9, 1, 3))
        equal("which", [f["file"] for f in got["failures"]], ["m/b.csv", "m/c.csv", "m/e.csv.gz"])
        for failure, part in zip(got["failures"], ("a quote is opened and never closed", "no column for", "cut off")):
            equal(part, part in failure["error"], True)
        equal("assets", names(db), ["a", "d", "f"])
        equal("nothing else is known", [r[0] for r in db.execute("SELECT asset FROM barsvt_asset ORDER BY 1")], ["a", "d", "f"])
        equal("set aside", db.execute("SELECT source, reason FROM barsvt_reject").fetchall(), [("m/d.csv", "open is outside low and high")])
        if begin:
            equal("the transaction is open", db.in_transaction, True)
            db.execute("ROLLBACK")
            equal("and takes all back", db.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'barsvt_asset'").fetchone()[0], 0)
    db = connect("stop.db")
    error(db, "(1 of 6 files are loaded)", "m", stop_on_error=True)
    equal("stopped at the first", names(db), ["a"])
    equal("on disk", names(connect("stop.db")), ["a"])
    db = connect()
    error(db, "none of 2 files could be loaded; the first: ", "m/[bc].csv")
    # trouble of the database is no trouble of a file
    db.execute("SELECT bars_import('m/a.csv', 'A', 'day')")
    db.execute("PRAGMA query_only = ON")
    error(db, "readonly", "m")
    # a file that is missing or closed does not end the transaction of the user
    db = connect()
    db.execute("BEGIN")
    db.execute("INSERT INTO bars(asset, timestep, ts, open, high, low, close) VALUES ('U', 'day', 0, 1, 1, 1, 1)")
    error(db, "No such file", "nowhere.csv", "A")
    error(db, "cut off", "m/e.csv.gz", "A")
    equal("the user's transaction", (db.in_transaction, stored_close(db, "U")), (True, 1.0))


def zips():
    """Archives of ordinary tables."""
    def archive(path, files, **kwargs):
        with zipfile.ZipFile(path, "w", kwargs.get("method", zipfile.ZIP_DEFLATED)) as z:
            for name, text in files:
                z.writestr(name, text)

    archive("two.zip", [("data/", ""), ("data/AAA.csv", days(1)), ("readme.md", "hello"), ("BBB.csv.gz", gzip.compress(days(2).encode()))])
    db = connect()
    got = load(db, "two.zip")
    equal("two tables", (got["rows"], got["assets"], got["warnings"]), (6, 2, ["readme.md: not a table, left out"]))
    equal("named after the entries", names(db), ["AAA", "BBB"])
    archive("bad.zip", [("a.csv", days(1) + "x\n"), ("b.csv", days(2)[:-1] + ",7\n")])
    db = connect()
    equal("rejects of an archive", (load(db, "bad.zip")["rejected"], db.execute("SELECT line, reason, text FROM barsvt_reject ORDER BY id").fetchall()),
          (2, [(5, "a.csv: wrong number of fields", "x"), (4, "b.csv: wrong number of fields", "2024-01-03,2,3,1,2,3,7")]))
    archive("one.zip", [("x-2024-01.csv", days(1)), ("x-2024-02.csv", days(9, 3, 10))], method=zipfile.ZIP_STORED)
    db = connect()
    equal("one asset", (load(db, "one.zip", "ONE")["rows"], names(db)), (6, ["ONE"]))
    # klines as Binance packs them: no header, milliseconds
    archive("BTCUSDT-1m-2021-01.zip", [("BTCUSDT-1m-2021-01.csv", "".join(
        f"{1609459200000 + 60000 * k},28923.63,28961.66,28913.12,28961.66,27.457032,{1609459259999 + 60000 * k},794382.04,1292,16.77,485390.82,0\n"
        for k in range(5)))])
    db = connect()
    equal("klines", (load(db, "BTCUSDT-1m-2021-01.zip", "BTC", "minute")["rows"],
                     db.execute("SELECT ts, open, trades FROM bars('BTC', 'minute') LIMIT 1").fetchone()), (5, (1609459200, 28923.63, 1292.0)))
    archive("none.zip", [("readme.md", "hello"), ("pic.png", "x")])
    error(connect(), "no .csv, .tsv, .tab or .txt in this zip archive", "none.zip", "A")
    archive("empty.zip", [])
    error(connect(), "no .csv, .tsv, .tab or .txt in this zip archive", "empty.zip", "A")
    archive("inner.zip", [("a.zip", open("two.zip", "rb").read())])
    error(connect(), "no .csv", "inner.zip", "A")
    with open("two.zip", "rb") as f:
        data = f.read()
    db = connect()
    load(db, "d/SPY.csv", "SPY")
    random.seed(5)
    for n in sorted({*random.sample(range(len(data)), 60), len(data) - 1, 0, 4}):
        write("cut.zip", data[:n])
        error(db, "bars_import(): ", "cut.zip")
    damaged = loaded = 0
    for _ in range(400):
        bad = bytearray(data)
        bad[random.randrange(len(bad))] ^= 1 << random.randrange(8)
        write("bad.zip", bytes(bad))
        db.execute("SAVEPOINT s")
        try:
            load(db, "bad.zip")
            loaded += 1
            kept = {a: db.execute("SELECT ts, open, high, low, close, volume FROM bars(?, 'day')", (a,)).fetchall()
                    for a in names(db) if a not in ("SPY",)}
            # names may have changed in a way that agrees with itself; values can not
            equal("values behind a changed byte", all(len(v) == 3 and v[2][4] in (1.0, 2.0) for v in kept.values()), True)
        except sqlite3.Error:
            damaged += 1
        db.execute("ROLLBACK TO s")
        db.execute("RELEASE s")
    equal("changes are noticed, unless they mean nothing", (damaged > 200, loaded > 0), (True, True))
    equal("what was there", names(db), ["SPY"])
    # a gigabyte of one row in a megabyte; and one that hides its size
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as z, z.open("bomb.csv", "w") as f:
        for _ in range(256):
            f.write(b"0" * (1 << 20))
    write("bomb.zip", bomb.getvalue())
    error(db, "more than 250 times as many", "bomb.zip", "A")
    equal("what was there still", names(db), ["SPY"])


def long_file(path, rows, start=1577836800):
    with open(path, "w", encoding="ascii") as f:
        f.write("ts,open,high,low,close,volume\n")
        f.write("".join(f"{start + 60 * k},{100 + k % 7},108.5,99.25,{100 + k % 5}.125,{k}\n" for k in range(rows)))


def interrupted():
    """sqlite3_interrupt() between two files and inside one, without and within a transaction."""
    os.mkdir("long")
    write("long/0.csv", "ts,open,high,low,close\n1577836800,1,1,1,1\n1577836860,1,1,1,1\n")
    for k in (1, 2, 3):
        long_file(f"long/{k}.csv", 600000)
    with contextlib.closing(connect("uninterrupted.db")) as db:
        began = time.monotonic()
        load(db, "long", None, "minute")
        takes = time.monotonic() - began
    for begin in (False, True):
        db = connect(f"i{begin:d}.db", check_same_thread=False)
        write("one.csv", days(3))
        load(db, "one.csv", "KEPT")
        if begin:
            db.execute("BEGIN")
            db.execute("INSERT INTO bars(asset, timestep, ts, open, high, low, close) VALUES ('U', 'day', 0, 1, 1, 1, 1)")
        timer = threading.Timer(0.4 * takes, db.interrupt)
        timer.start()
        error(db, "interrupt", "long", None, "minute")
        timer.join()
        counts = {a: db.execute("SELECT count(*) FROM bars(?, 'minute')", (a,)).fetchone()[0] for a in "0123"
                  if db.execute("SELECT count(*) FROM barsvt_series s JOIN barsvt_asset a ON a.id = s.asset WHERE a.asset = ?", (a,)).fetchone()[0]}
        equal("whole files only", set(counts.items()) <= {("0", 2), ("1", 600000), ("2", 600000), ("3", 600000)}, True)
        equal("not all of them", "3" in counts, False)
        equal("no transaction is left open", db.in_transaction, False)
        if begin:  # as with an interrupted INSERT, all of the transaction is undone
            equal("undone", (counts, names(db)), ({}, ["KEPT"]))
        else:
            equal("the first is there", counts.get("0"), 2)
        equal("intact", (db.execute("PRAGMA integrity_check").fetchone()[0], db.execute("SELECT count(*) FROM bars('KEPT', 'day')").fetchone()[0]),
              ("ok", 3))
        load(db, "long/0.csv", "NEXT", "minute")
        equal("goes on", db.execute("SELECT count(*) FROM bars('NEXT', 'minute')").fetchone()[0], 2)
        db.close()


CHILD = """
import sqlite3, sys
db = sqlite3.connect("kill.db", isolation_level=None)
db.enable_load_extension(True)
db.load_extension(sys.argv[1])
print("go", flush=True)
db.execute("SELECT bars_import('long', NULL, 'minute')")
"""


def wait_for_assets(n):
    """Until n files are committed, as another connection sees them."""
    for _ in range(2000):
        db = sqlite3.connect("kill.db", timeout=1)
        try:
            if db.execute("SELECT count(*) FROM barsvt_asset").fetchone()[0] >= n:
                return
        except sqlite3.Error:
            pass  # no table yet, or locked
        finally:
            db.close()
        time.sleep(0.01)


def killed():
    """kill -9 at any moment: whole files, and a database that is intact."""
    random.seed(9)
    seen = set()
    for journal in ("delete", "wal"):
        for k in range(4):
            for name in os.listdir("."):
                if name.startswith("kill.db"):
                    os.unlink(name)
            db = connect("kill.db")
            db.execute(f"PRAGMA journal_mode = {journal}")
            db.close()
            child = subprocess.Popen([sys.executable, "-c", CHILD, SO], stdout=subprocess.PIPE)
            child.stdout.readline()
            wait_for_assets(k)
            time.sleep(0.05 * random.random())
            child.kill()
            child.wait()
            child.stdout.close()
            db = connect("kill.db")
            counts = {}
            if db.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'barsvt_asset'").fetchone()[0]:
                for (a,) in db.execute("SELECT asset FROM barsvt_asset").fetchall():
                    counts[a] = db.execute("SELECT count(*) FROM bars(?, 'minute')", (a,)).fetchone()[0]
            seen.add(len(counts))
            equal(f"killed, {journal} {k}", set(counts.items()) <= {("0", 2), ("1", 600000), ("2", 600000), ("3", 600000)}, True)
            equal("intact", db.execute("PRAGMA integrity_check").fetchone()[0], "ok")
            load(db, "long", None, "minute")
            equal("loaded again", [db.execute("SELECT count(*) FROM bars(?, 'minute')", (a,)).fetchone()[0] for a in "0123"],
                  [2, 600000, 600000, 600000])
            db.close()
    equal("killed at several places", len(seen) > 1, True)


PROGRESS = """
import sqlite3, sys, threading, time
db = sqlite3.connect(":memory:", isolation_level=None)
db.enable_load_extension(True)
db.load_extension(sys.argv[1])
def feed():
    with open("fifo", "w") as f:
        f.write("ts,open,high,low,close\\n")
        for k in range(60):
            f.write("".join(f"{60 * (2000 * k + i)},1,1,1,1\\n" for i in range(2000)))
            f.flush()
            time.sleep(0.05)
threading.Thread(target=feed, daemon=True).start()
db.execute("SELECT bars_import('fifo', 'A', 'minute', ?)", (sys.argv[2],))
print("done", db.execute("SELECT count(*) FROM bars('A', 'minute')").fetchone()[0])
"""


def progress():
    """A line on a terminal after two seconds, wiped at the end; none for short work, pipes, or when not wanted."""
    os.mkfifo("fifo")

    def run(options):
        master, slave = pty.openpty()
        child = subprocess.Popen([sys.executable, "-c", PROGRESS, SO, options], stdout=subprocess.PIPE, stderr=slave)
        os.close(slave)
        text = b""
        while child.poll() is None or select.select([master], [], [], 0)[0]:
            if select.select([master], [], [], 0.1)[0]:
                try:
                    text += os.read(master, 4096)
                except OSError:
                    break
        out = child.stdout.read()
        child.stdout.close()
        os.close(master)
        return out, text.decode()

    out, text = run("{}")
    equal("loaded", out, b"done 120000\n")
    lines = text.split("\r")
    equal("progress", [line for line in lines if "million rows" in line][:1] != [] and "fifo: " in text, True)
    equal("in one line", "\n" in text, False)
    equal("wiped", lines[-1].strip() + lines[-2].strip(), "")
    equal("not wanted", run('{"progress": false}'), (b"done 120000\n", ""))


for part in (directories, one_bad, zips, interrupted, killed, progress):
    part()
print(f"{checks} checks, {failures} failures")
sys.exit(failures > 0)
