#!/usr/bin/python3
"""bars_import when something is wrong: with the file, the database, the disk or the user's patience.

Every failure must leave the bars that were there, an intact database and a connection that works, and
say what was wrong.  Endless lines and bombs must end in bounded time and memory.
"""
import gzip
import json
import os
import random
import resource
import shutil
import sqlite3
import subprocess
import sys
import threading
import time

SO = os.environ["BARSVT_SO"]
H = "Date,Open,High,Low,Close,Volume\n"
GOOD = H + "".join(f"2024-01-{d:02},10,11,9,{9 + d / 32},{d}\n" for d in range(1, 29))
MINUTE = 60


class Check:
    def __init__(self):
        self.n = self.failures = 0

    def true(self, what, ok, detail=""):
        self.n += 1
        if not ok:
            self.failures += 1
            print(f"{what}: {detail}"[:400])

    def equal(self, what, got, want):
        self.true(what, got == want, f"got {got}, not {want}")

    def error(self, what, db, part, *args, sql=None):
        """The call must fail with a text that holds part."""
        args = list(args) + ["A", "day"][len(args) - 1:] if sql is None else args
        start = time.monotonic()
        try:
            got = db.execute(sql or "SELECT bars_import(?, ?, ?)", args).fetchall()
        except sqlite3.Error as e:
            got = str(e)
        took = time.monotonic() - start
        self.true(what, isinstance(got, str) and part in got, f"{got} should have: {part}")
        self.true(what + ": time", took < 5, f"{took} s")

    def intact(self, what, db, n, asset="A"):
        self.equal(what + ": bars", db.execute("SELECT count(*) FROM bars(?, 'day')", (asset,)).fetchone()[0], n)
        self.equal(what + ": integrity", db.execute("PRAGMA integrity_check").fetchone()[0], "ok")


def connect(path=":memory:", uri=False):
    db = sqlite3.connect(path, isolation_level=None, timeout=0, uri=uri)
    db.enable_load_extension(True)
    db.load_extension(SO)
    return db


def load(db, path, asset="A", timestep="day"):
    return json.loads(db.execute("SELECT bars_import(?, ?, ?)", (path, asset, timestep)).fetchone()[0])


def write(name, data):
    with open(name, "wb") as f:
        f.write(data if isinstance(data, bytes) else data.encode())
    return name


def files(c):
    db = connect()
    load(db, write("good.csv", GOOD))
    packed = gzip.compress(GOOD.encode())
    damaged = bytearray(packed)
    damaged[len(packed) // 2] ^= 0xff
    cases = [
        ("empty", b"", "the file is empty"),
        ("two bytes of gzip", packed[:2], "cut off"),
        ("half a gzip", packed[:len(packed) // 2], "cut off after byte"),
        ("gzip without its end", packed[:-3], "cut off"),
        ("damaged gzip", bytes(damaged), "gzip data is damaged"),
        ("bytes after gzip", packed + b"tail", "there are other bytes"),
        ("NUL", GOOD.replace("11", "1\0", 1), "NUL byte"),
        ("noise in place of a header", bytes(b for b in random.Random(1).randbytes(3000) if b != 0), "no column for ts"),
        ("executable", b"\x7fELF\x02\x01\x01\0" + bytes(range(256)) * 20, "NUL byte"),
        ("zip", b"PK\x03\x04aaaaaaaaaaaa", "zip archive"),
        ("UTF-16", GOOD.encode("utf-16"), "UTF-16"),
        ("web page", "<!DOCTYPE html><html></html>", "HTML page"),
        ("JSON", '{"error": "limit"}', "JSON"),
        ("SQLite", b"SQLite format 3\0" + bytes(100), "SQLite database"),
        ("open quote", H + '"2024-01-02,1,2,1,2\n' + "x" * 100, "a quote is opened and never closed"),
        ("other columns", "x,y,z\n1,2,3\n", "no column for ts, open, high, low, close"),
        ("no close", "Date,Open,High,Low,Adj Close\n2024-01-02,1,1,1,1\n", "no column for close"),
        ("a million columns", ",".join(f"c{i}" for i in range(10**6)) + "\n", "more than"),
        ("a million columns of data", H + ",".join("1" for i in range(10**6)) + "\n", "more than"),
    ]
    for name, data, part in cases:
        c.error(name, db, part, write("bad.csv", data))
    if subprocess.run(["sh", "-c", "zstd -q -f good.csv -o good.zst"], stderr=subprocess.DEVNULL, check=False).returncode == 0:
        with open("good.zst", "rb") as f:
            frame = f.read()
        c.error("half a zstd", db, "the zstd data is cut off", write("bad.zst", frame[:len(frame) // 2]))
        c.error("damaged zstd", db, "zstd data is damaged", write("bad.zst", frame[:20] + b"\xff" * 8 + frame[28:]))
    os.mkdir("dir")
    c.error("directory", db, "bars_import(): dir: ", "dir")
    c.error("missing", db, "none.csv: cannot be opened: No such file or directory", "none.csv")
    c.error("missing directory", db, "cannot be opened", "no/none.csv")
    c.error("not readable", db, "mem: cannot be read", "/proc/self/mem")
    if os.geteuid() != 0:
        os.chmod(write("closed.csv", GOOD), 0)
        c.error("no permission", db, "Permission denied", "closed.csv")
    c.intact("after bad files", db, 28)
    c.equal("nothing set aside by failed loads", db.execute("SELECT count(*) FROM barsvt_reject").fetchone()[0], 0)


def feed(path, chunks):
    """Write to a FIFO in a thread until the reader has enough; how many bytes it took."""
    sent = [0]

    def run():
        with open(path, "wb", buffering=0) as f:
            try:
                for chunk in chunks:
                    sent[0] += f.write(chunk)
            except BrokenPipeError:
                pass

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread, sent


def endless(c):
    """A line of 1 GB: sparse, through a FIFO, in a quote, and compressed to one MB."""
    db = connect()
    load(db, write("good.csv", GOOD))
    with open("sparse.csv", "wb") as f:
        f.write(H.encode())
        f.truncate(1 << 30)
    c.error("sparse", db, "NUL byte", "sparse.csv")
    os.mkfifo("fifo")
    block = b"x" * (1 << 20)
    for what, head in (("endless line", b""), ("endless row", H.encode()), ("endless quote", H.encode() + b'"')):
        thread, sent = feed("fifo", [head] + [block] * 1024)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        c.error(what, db, "a line of more than", "fifo")
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        thread.join(10)
        c.true(what + ": memory", grown < 40000, f"{grown} kB more")
        c.true(what + ": read", sent[0] < 16 << 20, f"{sent[0]} bytes read")
    packer = gzip.GzipFile("bomb.gz", "wb", compresslevel=1)
    packer.write(H.encode())
    for _ in range(64):
        packer.write(block)
    packer.close()
    c.error("bomb", db, "a line of more than", "bomb.gz")
    c.intact("after endless lines", db, 28)
    good_row_bombs(c, db)


def good_row_bombs(c, db):
    """A hundred kilobytes that unpack to 240 MB of rows that are all fine: one bar in the end, and little memory."""
    rows = b"1577836800,1,2,1,1.5,7\n" * 40000
    with open("rows.csv", "wb") as f:
        f.write(H.encode())
        for _ in range(260):
            f.write(rows)
    packers = [["gzip", "-1", "-k", "rows.csv"], ["zstd", "-q", "-3", "--long=27", "rows.csv"]]
    for command, path in zip(packers, ("rows.csv.gz", "rows.csv.zst")):
        if not shutil.which(command[0]):
            continue
        subprocess.run(command, check=True)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        done = load(db, path, asset=path[-3:])
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        c.equal(path, (done["rows"], done["new"], done["rejected"]), (10400000, 1, 0))
        c.true(path + ": memory", grown < 200000, f"{grown} kB more")  # zstd's window is 128 MB of it
    os.remove("rows.csv")
    if shutil.which("zstd"):
        subprocess.run("head -c 300000000 /dev/zero | zstd -q --ultra --long=28 -o wide.zst", shell=True, check=True)
        c.error("window", db, "window is larger than 2^27", "wide.zst")


def interrupt(c):
    """Ctrl-C: the shell calls sqlite3_interrupt()."""
    db = sqlite3.connect("interrupt.db", isolation_level=None, check_same_thread=False)
    db.enable_load_extension(True)
    db.load_extension(SO)
    load(db, write("good.csv", GOOD))

    def rows():
        yield H.encode()
        for k in range(10**7):
            yield "".join(f"{1577836800 + 60 * (1000 * k + i)},1,2,1,2,{i}\n" for i in range(1000)).encode()

    thread, sent = feed("fifo", rows())
    timer = threading.Timer(0.4, db.interrupt)
    timer.start()
    c.error("interrupt", db, "interrupt", "fifo", "I", "minute")
    thread.join(10)
    c.true("interrupt: work was done", sent[0] > 100000, f"{sent[0]} bytes")
    c.intact("after an interrupt", db, 28)
    c.error("interrupted bars", db, "unknown asset 'I'", sql="SELECT * FROM bars('I', 'minute')")
    db.close()


def transactions(c):
    db = connect()
    path = write("good.csv", GOOD)
    db.execute("BEGIN")
    load(db, path)
    c.equal("inside", db.execute("SELECT count(*), sma('A', 'day', 5) IS NULL FROM bars('A', 'day')").fetchone(), (28, 0))
    db.execute("ROLLBACK")
    c.error("rolled back, tables too", db, "no bars are stored", sql="SELECT * FROM bars('A', 'day')")
    c.equal("nothing is left", db.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0], 0)
    load(db, path, "B")
    db.execute("BEGIN")
    load(db, path)
    db.execute("SAVEPOINT s")
    load(db, write("more.csv", H + "2024-03-01,1,1,1,1,1\n2024-01-01,5,5,5,5,5\n"))
    c.equal("in a savepoint", db.execute("SELECT count(*), max(time), min(open) FROM bars('A', 'day')").fetchone(),
            (29, "2024-03-01 00:00:00", 1.0))
    c.equal("last price in it", db.execute("SELECT last_price('A')").fetchone()[0], 1.0)
    c.error("a failure inside", db, "is empty", write("empty.csv", ""))
    c.equal("keeps what was before it", db.execute("SELECT count(*) FROM bars('A', 'day')").fetchone()[0], 29)
    db.execute("ROLLBACK TO s")
    c.equal("back to the savepoint", db.execute("SELECT count(*), max(time), min(open) FROM bars('A', 'day')").fetchone(),
            (28, "2024-01-28 00:00:00", 10.0))
    c.equal("last price back", db.execute("SELECT last_price('A')").fetchone()[0], 9 + 28 / 32)
    db.execute("ROLLBACK")
    c.error("asset gone", db, "unknown asset 'A'", sql="SELECT * FROM bars('A', 'day')")
    c.intact("the other asset", db, 28, "B")

    # A scan that is open while the import writes ends with the rows it had begun with, or the new ones.
    cursor = db.execute("SELECT ts FROM bars('B', 'day')")
    cursor.fetchone()
    load(db, write("more.csv", H + "2024-03-01,1,1,1,1,1\n"), "B")
    c.true("open scan", len(cursor.fetchall()) in (27, 28))
    c.equal("after it", db.execute("SELECT count(*) FROM bars('B', 'day')").fetchone()[0], 29)
    # Tables of the same names elsewhere are not ours.
    db.execute("CREATE TEMP TABLE barsvt_hot(x)")
    db.execute("CREATE TEMP TABLE barsvt_series(x)")
    load(db, path, "C")
    c.intact("temporary tables beside ours", db, 28, "C")
    db.execute("CREATE VIEW v AS SELECT bars_import('good.csv', 'V', 'day')")
    c.error("from a view", db, "unsafe use of bars_import()", sql="SELECT * FROM v")


def locks(c):
    for mode in ("delete", "wal"):
        name = f"lock_{mode}.db"
        one, two = connect(name), connect(name)
        one.execute(f"PRAGMA journal_mode = {mode}")
        path = write("good.csv", GOOD)
        load(one, path)
        two.execute("BEGIN IMMEDIATE")
        c.error(f"locked, {mode}", one, "database is locked", write("more.csv", H + "2024-03-01,1,1,1,1,1\n"))
        two.execute("COMMIT")
        c.intact(f"after a lock, {mode}", one, 28)
        if mode == "delete":  # a reader keeps a rollback journal's commit back
            reader = two.execute("SELECT * FROM sqlite_schema a, sqlite_schema b")
            reader.fetchone()
            c.error("a reader at the commit", one, "database is locked", "more.csv")
            reader.close()
            c.equal("a reader at the commit: state", one.in_transaction, False)
            c.intact("after a reader at the commit", one, 28)
        two.execute("BEGIN")
        load(two, "more.csv")
        c.equal(f"own rows, {mode}", two.execute("SELECT count(*) FROM bars('A', 'day')").fetchone()[0], 29)
        c.equal(f"not yet seen, {mode}", one.execute("SELECT count(*) FROM bars('A', 'day')").fetchone()[0], 28)
        two.execute("COMMIT")
        c.equal(f"seen, {mode}", one.execute("SELECT count(*), last_price('A') FROM bars('A', 'day')").fetchone(), (29, 1.0))
        one.close()
        two.close()


def read_only(c):
    db = connect("ro.db")
    load(db, write("good.csv", GOOD))
    db.close()
    ro = connect("file:ro.db?mode=ro", True)
    c.error("read-only, same bars", ro, "readonly", write("more.csv", H + "2024-03-01,1,1,1,1,1\n"))
    c.error("read-only, new asset", ro, "readonly", "more.csv", "Z")
    c.intact("read-only", ro, 28)
    ro.execute("PRAGMA query_only = ON")
    c.error("query_only", ro, "readonly", "more.csv")
    ro.close()
    # Bars go to main, whatever is attached.
    db = connect()
    db.execute("ATTACH 'ro.db' AS old")
    load(db, "good.csv", "Q")
    c.intact("attached", db, 28, "Q")
    c.equal("the attached one", db.execute("SELECT count(*) FROM old.barsvt_asset WHERE asset = 'Q'").fetchone()[0], 0)
    db.close()


def many_rows(n):
    """Bars that do not compress away."""
    state, out = 1, []
    for k in range(n):
        state = state * 6364136223846793005 + 1442695040888963407 & (1 << 64) - 1
        out.append(f"{1704067200 + MINUTE * k},{100 + (state >> 40) / 2**24!r},201.5,99.25,{100 + (state >> 20 & 0xffffff) / 2**24!r},{state >> 33}")
    return "timestamp,Open,High,Low,Close,Volume\n" + "\n".join(out) + "\n"


def full(c):
    """No room: at a page limit, from a few pages on, and where it fits."""
    write("many.csv", many_rows(20000))
    db = connect("full.db")
    load(db, write("good.csv", GOOD))
    failed = 0
    for pages in (16, 17, 20, 30, 40, 60, 80, 2000):
        db.execute(f"PRAGMA max_page_count = {pages}")
        try:
            load(db, "many.csv", "M", "minute")
        except sqlite3.Error as e:
            failed += 1
            c.true(f"full at {pages} pages", str(e).startswith("bars_import(): ") and "full" in str(e), str(e))
            c.intact(f"full at {pages} pages", db, 28)
            c.error(f"full at {pages} pages: no part", db, "unknown asset 'M'", sql="SELECT * FROM bars('M', 'minute')")
    c.true("full: both were tried", 3 <= failed < 8, failed)
    c.equal("room again", db.execute("SELECT count(*) FROM bars('M', 'minute')").fetchone()[0], 20000)
    db.close()
    inner = f"mount -t tmpfs -o size=256k tmpfs disk && exec {sys.executable} {os.path.abspath(__file__)} --tmpfs"
    os.mkdir("disk")
    done = subprocess.run(["unshare", "-m", "sh", "-c", inner], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode in (0, 3):
        c.equal("full disk", (done.returncode, done.stdout), (0, ""))
    else:
        print("note: no file system of our own here, a really full disk is not tried")


def on_full_disk():
    c = Check()
    db = connect("disk/x.db")
    load(db, "good.csv")
    for journal in ("delete", "wal"):
        db.execute(f"PRAGMA journal_mode = {journal}")
        c.error(f"full disk, {journal}", db, "", "many.csv", "M", "minute")
        c.intact(f"full disk, {journal}", db, 28)
    return 3 if c.failures else 0


def main():
    if sys.argv[1:] == ["--tmpfs"]:
        return on_full_disk()
    c = Check()
    for part in (files, endless, interrupt, transactions, locks, read_only, full):
        part(c)
    print(f"{c.n} checks, {c.failures} failures")
    return c.failures > 0


sys.exit(main())
