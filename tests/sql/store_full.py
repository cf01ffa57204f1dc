#!/usr/bin/python3
"""A full disk during imports, inserts and compaction: an error that says so, and the last committed state.

The disk is full in three ways: the database may have no more pages (max_page_count), the process may
write no larger file (RLIMIT_FSIZE), and, where mounting is allowed, a tiny file system in memory.  Every
limit from nothing to enough is tried.
"""
import os
import resource
import signal
import sqlite3
import subprocess
import sys

SO = os.environ["BARSVT_SO"]
START = 1704067200
COLUMNS = "asset, timestep, ts, open, high, low, close, volume"


def connect(path):
    db = sqlite3.connect(path, isolation_level=None)
    db.enable_load_extension(True)
    db.load_extension(SO)
    return db


def bar(i):
    o, c = 50 + (i * 31 % 997) / 100, 50 + (i * 17 % 991) / 100
    return (START + 60 * i, o, max(o, c), min(o, c), c, float(i * i % 100003))


def put(db, lo, hi):
    db.executemany(f"INSERT INTO bars({COLUMNS}) VALUES ('A', 'minute', ?, ?, ?, ?, ?, ?)", [bar(i) for i in range(lo, hi)])


def make_file():
    with open("in.csv", "w", encoding="ascii") as f:
        f.write("ts,open,high,low,close,volume\n")
        f.writelines(",".join(map(repr, bar(i))) + "\n" for i in range(1000, 41000))


def do_import(db):
    db.execute("SELECT bars_import('in.csv', 'A', 'minute')").fetchall()


def do_insert(db):
    db.execute("BEGIN")
    put(db, 1000, 5000)
    db.execute("COMMIT")


def do_compact(db):
    db.execute("SELECT bars_compact()").fetchall()


# what is done, and how many bars there are afterwards
ACTIONS = {"import": (do_import, 41000), "insert": (do_insert, 5000), "compact": (do_compact, 1000)}


def make(path):
    """A thousand bars as rows; compaction has something to do."""
    for old in (path, path + "-journal"):
        if os.path.exists(old):
            os.remove(old)
    db = connect(path)
    db.execute("BEGIN")
    put(db, 0, 1000)
    db.execute("COMMIT")
    assert db.execute("SELECT count(*) FROM barsvt_hot").fetchone() == (1000,)
    return db


def check(db, n, what):
    got = db.execute("SELECT ts, open, high, low, close, volume FROM bars('A', 'minute')").fetchall()
    assert got == [bar(i) for i in range(n)], f"{what}: {len(got)} bars, not {n}"
    assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",), what
    assert db.execute("SELECT * FROM bars_check").fetchall() == [], what


def attempt(db, name, what):
    """Do it; True where it went through.  The state is the old one or the new one, nothing between."""
    act, after = ACTIONS[name]
    try:
        act(db)
    except sqlite3.Error as e:
        text = str(e)
        assert "full" in text or "disk I/O" in text, f"{what}: {text}"
        if db.in_transaction:
            db.execute("ROLLBACK")
        check(db, 1000, what)
        return False
    check(db, after, what)
    return True


def page_counts():
    for name in ACTIONS:
        failed = done = 0
        limit = 0
        while not done:
            db = make("p.db")
            pages = db.execute("PRAGMA page_count").fetchone()[0]
            db.execute(f"PRAGMA max_page_count = {pages + limit}").fetchall()
            done = attempt(db, name, f"{name} with {limit} pages more")
            failed += not done
            db.execute("PRAGMA max_page_count = 1000000").fetchall()
            if not done:  # with room again the same goes through in the same connection
                assert attempt(db, name, f"{name} again")
            db.close()
            limit += 1 + limit // 3
        print(f"max_page_count, {name}: {failed} limits too small")
        assert failed > 0 or name == "compact"


def limited(path, name):
    """In a child: no file may grow beyond the limit."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    db = connect(path)
    size = os.path.getsize(path)
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    results = []
    for extra in (0, 4096, 16384, 65536, 262144):
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + extra, hard))
        done = attempt(db, name, f"{name} with {extra} bytes more")
        results.append(done)
        if done:
            break
    print(f"RLIMIT_FSIZE, {name}: {len(results) - sum(results)} limits too small")
    if name == "import":
        assert not results[0]


def file_sizes():
    for name in ACTIONS:
        make("f.db").close()
        subprocess.run([sys.executable, __file__, "f.db", name], check=True)
        db = connect("f.db")
        n = db.execute("SELECT count(*) FROM bars('A', 'minute')").fetchone()[0]
        check(db, n, "opened again")
        assert n in (1000, ACTIONS[name][1])
        db.close()


def tiny_file_system():
    os.makedirs("tiny", exist_ok=True)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", "tiny"], check=False,
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0
    if not mounted:
        print("tmpfs: may not be mounted here")
        return
    db = None
    try:
        db = make("tiny/t.db")
        failed = 0
        for room in (0, 8, 24, 40):  # kilobytes that are left
            with open("tiny/ballast", "wb", buffering=0) as f:
                try:
                    while f.write(bytes(4096)) == 4096:
                        pass
                except OSError:
                    f.truncate(max(0, f.tell() - room * 1024))
            failed += not attempt(db, "import", f"import with {room} KB left")
            failed += not attempt(db, "insert", f"insert with {room} KB left")
            os.remove("tiny/ballast")
        assert failed == 8, failed
        assert attempt(db, "import", "import with room again")
        print(f"tmpfs: {failed} attempts on a full one")
    finally:
        if db:
            db.close()
        subprocess.run(["umount", "tiny"], check=True)


def main():
    make_file()
    page_counts()
    file_sizes()
    tiny_file_system()


if len(sys.argv) > 1:
    limited(*sys.argv[1:])
else:
    main()
