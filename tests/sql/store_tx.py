#!/usr/bin/python3
"""Sealed bars and rows under transactions: commit, rollback, savepoints, failing statements, two
connections in both journal modes, VACUUM, VACUUM INTO, the backup interface, read-only and immutable
opening.  What is read is compared with bars the test knows; caches of one connection must notice what the
other did.
"""
import os
import shutil
import sqlite3
import stat

SO = os.environ["BARSVT_SO"]
START = 1704205800
COLUMNS = "asset, timestep, ts, open, high, low, close, volume"


def connect(path, **how):
    db = sqlite3.connect(path, isolation_level=None, timeout=0, **how)
    db.enable_load_extension(True)
    db.load_extension(SO)
    return db


def bar(i, shift=0):
    """Bar number i, a pure function."""
    o = 100 + (i * 37 % 211) / 100 + shift
    c = 100 + (i * 53 % 223) / 100 + shift
    return (START + 60 * i, o, max(o, c), min(o, c), c, float(i * 7919 % 10007))


def bars(lo, hi, shift=0):
    return [bar(i, shift) for i in range(lo, hi)]


def put(db, rows, verb="INSERT OR REPLACE", asset="A"):
    db.executemany(f"{verb} INTO bars({COLUMNS}) VALUES ('{asset}', 'minute', ?, ?, ?, ?, ?, ?)", rows)


def read(db, asset="A"):
    return db.execute("SELECT ts, open, high, low, close, volume FROM bars WHERE asset = ? AND timestep = 'minute'"
                      " ORDER BY ts", (asset,)).fetchall()


def figures(db, asset="A"):
    return db.execute("SELECT bars, open, close, volume FROM bars_summary(?, 'minute')", (asset,)).fetchone()


def expect(db, rows, what):
    got = read(db)
    assert got == rows, f"{what}: {len(got)} rows, not {len(rows)}"
    want = (len(rows), rows[0][1], rows[-1][4], sum(r[5] for r in rows)) if rows else (0, None, None, None)
    assert figures(db) == want, f"{what}: summary {figures(db)}, not {want}"
    assert db.execute("SELECT * FROM bars_check").fetchall() == [], what


def fails(db, sql, part):
    try:
        db.execute(sql).fetchall()
    except sqlite3.Error as e:
        assert part in str(e), f"{sql}: {e}"
        return
    raise AssertionError(f"{sql}: no error")


def sealed(db):
    return db.execute("SELECT count(*) FROM barsvt_seg").fetchone()[0]


def make(path, mode="delete", n=3000):
    for old in (path, path + "-wal", path + "-shm", path + "-journal"):
        if os.path.exists(old):
            os.remove(old)
    db = connect(path)
    assert db.execute(f"PRAGMA journal_mode = {mode}").fetchone()[0] == mode
    db.execute("BEGIN")
    put(db, bars(0, n))
    db.execute("COMMIT")
    db.execute("SELECT bars_compact()").fetchall()
    assert sealed(db) > 0
    return db


def rollback():
    db = make("r.db")
    before = bars(0, 3000)
    expect(db, before, "loaded")

    db.execute("BEGIN")
    put(db, bars(1000, 1010, 5))
    expect(db, bars(0, 1000) + bars(1000, 1010, 5) + bars(1010, 3000), "corrected")
    db.execute("SELECT bars_compact()").fetchall()
    expect(db, bars(0, 1000) + bars(1000, 1010, 5) + bars(1010, 3000), "corrected and sealed")
    db.execute("ROLLBACK")
    expect(db, before, "rolled back")

    db.execute("BEGIN")
    db.execute("DELETE FROM bars WHERE asset = 'A' AND timestep = 'minute' AND ts < ?", (START + 60 * 2000,))
    expect(db, bars(2000, 3000), "deleted")
    db.execute("SAVEPOINT s")
    db.execute("DELETE FROM bars WHERE asset = 'A' AND timestep = 'minute'")
    expect(db, [], "all deleted")
    db.execute("ROLLBACK TO s")
    expect(db, bars(2000, 3000), "back at the savepoint")
    put(db, bars(3000, 3100))
    db.execute("SELECT bars_compact()").fetchall()
    db.execute("RELEASE s")
    db.execute("COMMIT")
    expect(db, bars(2000, 3100), "committed")

    # the tables themselves are undone too
    fresh = connect(":memory:")
    fresh.execute("BEGIN")
    put(fresh, bars(0, 5))
    fresh.execute("ROLLBACK")
    fails(fresh, "SELECT * FROM bars('A', 'minute')", "no bars are stored")
    put(fresh, bars(0, 5))
    expect(fresh, bars(0, 5), "after the tables were made again")


def statements():
    """A statement that fails half way leaves nothing."""
    db = make("s.db")
    before = bars(0, 3000)
    for inside in (False, True):
        if inside:
            db.execute("BEGIN")
        # new bars, then one that is stored with other values
        fails(db, f"WITH n(i) AS (VALUES (4000), (4001), (4002), (5)) INSERT INTO bars({COLUMNS})"
                  f" SELECT 'A', 'minute', {START} + 60 * i, 1, 1, 1, 1, 1 FROM n", "already stored")
        expect(db, before, "after a failed INSERT")
        fails(db, f"WITH n(i) AS (VALUES (4000), (6), (4001), (-1)) INSERT OR REPLACE INTO bars({COLUMNS})"
                  f" SELECT 'A', 'minute', {START} + 60 * i, i, i, i, i, 1 FROM n", "negative")
        expect(db, before, "after a failed REPLACE")
        fails(db, "UPDATE bars SET low = low + 1 WHERE asset = 'A' AND timestep = 'minute'", "low")
        expect(db, before, "after a failed UPDATE")
        fails(db, "SELECT bars_import('nowhere.csv', 'A', 'minute')", "nowhere.csv")
        expect(db, before, "after a failed import")
        if inside:
            put(db, bars(3000, 3001))
            db.execute("COMMIT")
            expect(db, bars(0, 3001), "the rest of the transaction stays")


def two_connections(mode):
    a = make("t.db", mode)
    b = connect("t.db")
    before = bars(0, 3000)
    expect(a, before, "a")
    expect(b, before, "b")

    # what a commits, b sees at its next statement, through every cache
    put(a, [bar(10, 1)])
    after = bars(0, 10) + [bar(10, 1)] + bars(11, 3000)
    expect(b, after, "a row written by the other")
    a.execute("SELECT bars_compact()").fetchall()
    expect(b, after, "sealed by the other")
    assert b.execute("SELECT close FROM bars('A', 'minute') ORDER BY ts DESC LIMIT 1").fetchone() == (bar(2999)[4],)
    put(b, bars(3000, 3200))
    b.execute("SELECT bars_compact()").fetchall()
    assert a.execute("SELECT close FROM bars('A', 'minute') ORDER BY ts DESC LIMIT 1").fetchone() == (bar(3199)[4],)
    after += bars(3000, 3200)
    expect(a, after, "sealed by b")

    # a transaction reads one state
    b.execute("BEGIN")
    expect(b, after, "b begins")
    if mode == "wal":
        put(a, bars(3200, 3300))
        a.execute("SELECT bars_compact()").fetchall()
        expect(a, after + bars(3200, 3300), "a goes on")
        expect(b, after, "b stays")
        fails(b, f"INSERT INTO bars({COLUMNS}) VALUES ('A', 'minute', 60, 1, 1, 1, 1, 1)", "locked")
        b.execute("COMMIT")
        after += bars(3200, 3300)
        expect(b, after, "b moves on")
    else:
        a.execute("BEGIN IMMEDIATE")
        put(a, bars(3200, 3300))
        fails(a, "COMMIT", "locked")  # b reads
        expect(b, after, "b does not see it")
        b.execute("COMMIT")
        a.execute("COMMIT")
        after += bars(3200, 3300)
        expect(b, after, "b sees it once it is committed")

    # one writer at a time; nothing of the other's attempt stays
    a.execute("BEGIN IMMEDIATE")
    put(a, [bar(20, 2)])
    fails(b, f"INSERT INTO bars({COLUMNS}) VALUES ('A', 'minute', 60, 1, 1, 1, 1, 1)", "locked")
    fails(b, "SELECT bars_compact()", "locked")
    expect(b, after, "b without a's open transaction")
    a.execute("ROLLBACK")
    expect(a, after, "a rolled back")
    expect(b, after, "b after a's rollback")
    put(b, [bar(20, 2)])
    after[20] = bar(20, 2)
    expect(a, after, "b's turn")
    # a bar that a decoded long ago is corrected and sealed by b; what a writes next is compared with that
    put(a, [bar(30)], "INSERT OR IGNORE")
    put(b, [bar(31, 3), bar(32, 3)])
    b.execute("SELECT bars_compact()").fetchall()
    put(a, [bar(31)])
    try:
        put(a, [bar(32)], "INSERT")
    except sqlite3.IntegrityError as e:
        assert "already stored" in str(e), e
    else:
        raise AssertionError("another value of b was taken for the same")
    after[32] = bar(32, 3)
    for db in (a, b):
        expect(db, after, "corrected by both")
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        db.close()


def copies():
    db = make("c.db")
    put(db, [bar(10, 1), bar(5000)])  # rows beside sealed chunks
    rows = bars(0, 10) + [bar(10, 1)] + bars(11, 3000) + [bar(5000)]
    expect(db, rows, "before")
    db.execute("VACUUM")
    expect(db, rows, "after VACUUM")
    db.execute("VACUUM INTO 'into.db'")
    expect(connect("into.db"), rows, "VACUUM INTO")
    target = connect("backup.db")
    put(target, [bar(1)], asset="Z")  # something in its caches
    assert len(read(target, "Z")) == 1
    db.backup(target)
    expect(target, rows, "backup into a connection that knew other bars")
    target.close()
    expect(connect("backup.db"), rows, "backup")
    db.close()


def read_only():
    db = make("o.db")
    put(db, [bar(10, 1)])
    rows = bars(0, 10) + [bar(10, 1)] + bars(11, 3000)
    db.close()
    os.makedirs("ro", exist_ok=True)
    shutil.copy("o.db", "ro/o.db")
    content = open("ro/o.db", "rb").read()
    os.chmod("ro/o.db", stat.S_IRUSR)
    os.chmod("ro", stat.S_IRUSR | stat.S_IXUSR)
    for uri in ("file:ro/o.db?mode=ro", "file:ro/o.db?immutable=1", "file:ro/o.db?mode=ro&immutable=1"):
        db = connect(uri, uri=True)
        expect(db, rows, uri)
        assert db.execute("SELECT bars FROM bars_coverage").fetchall() == [(3000,)]
        assert db.execute("SELECT count(*) FROM bars_gap('A', 'minute')").fetchone() == (0,)
        for sql in (f"INSERT INTO bars({COLUMNS}) VALUES ('A', 'minute', 60, 1, 1, 1, 1, 1)",
                    "DELETE FROM bars WHERE asset = 'A' AND timestep = 'minute'", "SELECT bars_compact()"):
            fails(db, sql, "readonly")
        expect(db, rows, uri + " after refused writes")
        db.close()
    os.chmod("ro", stat.S_IRWXU)
    assert open("ro/o.db", "rb").read() == content, "reading changed the file"
    assert os.listdir("ro") == ["o.db"], os.listdir("ro")


def main():
    rollback()
    statements()
    two_connections("delete")
    two_connections("wal")
    copies()
    read_only()


main()
