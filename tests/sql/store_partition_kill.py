#!/usr/bin/python3
"""kill -9 while bars are moved into partitions and back: no bar is lost, none is there twice, and who comes next goes on.

A child process moves months out, writes over some bars, moves again and brings files back, and says so after each
commit; it is killed at a random moment.  The parent then sees the bars as of the last commit said, or of the next.
"""
import glob
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time

SO = os.environ["BARSVT_SO"]
START = 1704067200  # 2024-01-01
STEP, BARS = 300, 40000  # 5 minutes: four and a half months
MARK = 9000  # the bar of February that tells how often bars were written
ROUNDS = 40


def connect():
    db = sqlite3.connect("p.db", isolation_level=None)
    db.enable_load_extension(True)
    db.load_extension(SO)
    return db


def bar(i):
    o, c = 50 + (i * 31 % 997) / 100, 50 + (i * 17 % 991) / 100
    return (START + STEP * i, o, max(o, c), min(o, c), c, float(i % 1000))


def make():
    db = connect()
    db.execute("BEGIN")
    db.executemany("INSERT INTO bars(asset, timestep, ts, open, high, low, close, volume) VALUES ('A', '5m', ?, ?, ?, ?, ?, ?)", [bar(i) for i in range(BARS)])
    db.executemany("INSERT INTO bars(asset, timestep, ts, open, high, low, close, volume) VALUES ('B', '5m', ?, ?, ?, ?, ?, ?)", [bar(i) for i in range(0, BARS, 3)])
    db.execute("SELECT bars_compact()").fetchall()
    db.execute("COMMIT")
    db.close()


def child(seed, k):
    db, rng = connect(), random.Random(seed)
    print("ready", flush=True)
    while True:
        what = rng.randrange(4)
        if what == 0:
            db.execute("SELECT bars_partition(?)", ("month",)).fetchall()
        elif what == 1:
            files = [r[0] for r in db.execute("SELECT file FROM barsvt_partition")] if db.execute("SELECT 1 FROM sqlite_schema WHERE name = 'barsvt_partition'").fetchone() else []
            if files:
                db.execute("SELECT bars_unpartition(?)", (rng.choice(files),)).fetchall()
        elif what == 2 and rng.random() < 0.3:
            db.execute("SELECT bars_unpartition()").fetchall()
        else:
            k += 1
            ts, o, h, l, c, _ = bar(MARK)
            db.execute("INSERT OR REPLACE INTO bars(asset, timestep, ts, open, high, low, close, volume) VALUES ('A', '5m', ?, ?, ?, ?, ?, ?)", (ts, o, h, l, c, float(k)))
            print(k, flush=True)


def run_and_kill(seed, k, rng):
    p = subprocess.Popen([sys.executable, __file__, str(seed), str(k)], stdout=subprocess.PIPE, text=True)
    assert p.stdout.readline() == "ready\n"
    time.sleep(rng.random() * 0.3)
    p.send_signal(signal.SIGKILL)
    said = [int(x) for x in p.stdout.read().split()]
    p.stdout.close()
    assert p.wait() == -signal.SIGKILL
    return said[-1] if said else k


def check(db, k):
    """The bars of the mark k or the next; which it is."""
    rows = {a: db.execute("SELECT ts, open, high, low, close, volume FROM bars(?, '5m')", (a,)).fetchall() for a in "AB"}
    got = rows["A"][MARK][5]
    assert got in (k, k + 1), f"the bar says {got}, {k} was said"
    want = [bar(i) for i in range(BARS)]
    want[MARK] = (*want[MARK][:5], got)
    assert rows["A"] == want, f"{len(rows['A'])} bars of A"
    assert rows["B"] == [bar(i) for i in range(0, BARS, 3)], f"{len(rows['B'])} bars of B"
    assert db.execute("SELECT sum(bars) FROM bars_coverage").fetchone() == (BARS + len(rows["B"]),)
    assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    problems = db.execute("SELECT * FROM bars_check").fetchall()
    assert not problems, problems[:3]
    return int(got)


def main():
    rng, k = random.Random(8), int(bar(MARK)[5])
    journals = partials = unknown = 0
    make()
    for i in range(ROUNDS):
        if i == ROUNDS // 2:
            db = connect()
            assert db.execute("PRAGMA journal_mode = wal").fetchone() == ("wal",)
            db.close()
        k = run_and_kill(i, k, rng)
        journals += os.path.exists("p.db-journal") or os.path.exists("p.db-wal")
        partials += bool(glob.glob("p-*-partial"))
        db = connect()
        k = check(db, k)
        known = {r[0] for r in db.execute("SELECT file FROM barsvt_partition")} if db.execute("SELECT 1 FROM sqlite_schema WHERE name = 'barsvt_partition'").fetchone() else set()
        unknown += bool(set(glob.glob("p-*.db")) - known)
        if i % 8 == 7:  # go on, to the end; then without what is left of files that nobody knows
            db.execute("SELECT bars_partition('month')").fetchall()
            check(db, k)
            known = {r[0] for r in db.execute("SELECT file FROM barsvt_partition")}
            assert not glob.glob("p-*-partial*"), "a file half made is left"
            for f in set(glob.glob("p-*.db")) - known:
                os.remove(f)
            check(db, k)
        db.close()
    print(f"{ROUNDS} kills, {journals} with a journal left behind, {partials} with a file half made, {unknown} with one that is not recorded")
    assert journals > ROUNDS // 8 and partials + unknown > 3, "the kills did not hit moves"


if len(sys.argv) > 1:
    child(int(sys.argv[1]), int(sys.argv[2]))
else:
    main()
