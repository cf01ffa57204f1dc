#!/usr/bin/python3
"""kill -9 in the middle of imports, inserts and compaction.

A child process loads one file after the other and says so after each; it is killed at a random moment.
Afterwards the database must hold exactly the files it spoke of, or one more, each whole; SQLite's own check
and bars_check must find nothing; and the next child goes on from there.
"""
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time

SO = os.environ["BARSVT_SO"]
START = 1704067200
ROUNDS = 24
BARS = 12000  # a file's bars: every fourth one corrects a bar of the file before


def connect():
    db = sqlite3.connect("k.db", isolation_level=None)
    db.enable_load_extension(True)
    db.load_extension(SO)
    return db


def bar(k, i):
    """Bar i as file k has it."""
    o, c = 50 + (i * 31 % 997) / 100 + k, 50 + (i * 17 % 991) / 100 + k
    return (START + 60 * i, o, max(o, c), min(o, c), c, float(i % 1000))


def rows_of(k):
    """File k: bars that are new, and some of the file before with other values."""
    old = [i for i in range((k - 1) * BARS, k * BARS) if i % 4 == 0] if k else []
    return [bar(k, i) for i in old + list(range(k * BARS, (k + 1) * BARS))]


def child(first):
    db = connect()
    print("ready", flush=True)
    for k in range(first, 100000):
        kind = k % 3
        if kind < 2:  # an import; every other time inside a transaction with a compaction
            with open("k.csv", "w", encoding="ascii") as f:
                f.write("ts,open,high,low,close,volume\n")
                f.writelines(",".join(map(repr, r)) + "\n" for r in rows_of(k))
            db.execute("BEGIN")
            db.execute("SELECT bars_import('k.csv', 'A', 'minute')").fetchall()
            if kind:
                db.execute("SELECT bars_compact()").fetchall()
        else:
            db.execute("BEGIN")
            db.executemany("INSERT OR REPLACE INTO bars(asset, timestep, ts, open, high, low, close, volume)"
                           " VALUES ('A', 'minute', ?, ?, ?, ?, ?, ?)", rows_of(k))
        db.execute("COMMIT")
        print(k, flush=True)


def expected(n):
    """What n files leave."""
    bars = {}
    for k in range(n):
        bars.update((r[0], r) for r in rows_of(k))
    return sorted(bars.values())


def run_and_kill(first, rng):
    """How many files the child had loaded when it was killed, as far as it could say."""
    p = subprocess.Popen([sys.executable, __file__, str(first)], stdout=subprocess.PIPE, text=True)
    assert p.stdout.readline() == "ready\n"
    time.sleep(rng.random() * 0.25)
    p.send_signal(signal.SIGKILL)
    said = p.stdout.read().split()
    p.stdout.close()
    assert p.wait() == -signal.SIGKILL
    return first + len(said)


def main():
    rng = random.Random(5)
    files, more, busy = 0, 0, 0
    for path in ("k.db", "k.db-wal", "k.db-journal"):
        if os.path.exists(path):
            os.remove(path)
    for i in range(ROUNDS):
        if i == ROUNDS // 2:  # the second half with a write-ahead log
            db = connect()
            assert db.execute("PRAGMA journal_mode = wal").fetchone() == ("wal",)
            db.close()
        said = run_and_kill(files, rng)
        busy += os.path.exists("k.db-journal") or os.path.exists("k.db-wal")
        db = connect()
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        problems = db.execute("SELECT * FROM bars_check").fetchall()
        assert not problems, problems[:3]
        stored = 0
        if db.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'barsvt_hot'").fetchone()[0]:
            last = db.execute("SELECT max(last) FROM bars_coverage").fetchone()[0]
            stored = 0 if last is None else (last - START) // 60 // BARS + 1
        assert stored in (said, said + 1), f"{stored} files are stored, {said} were reported"
        if stored:
            got = db.execute("SELECT ts, open, high, low, close, volume FROM bars('A', 'minute')").fetchall()
            assert got == expected(stored), "the bars are not those of whole files"
        more += stored > said
        files = stored
        if files > 8:  # start again, so that it stays quick
            db.execute("DELETE FROM bars WHERE asset = 'A' AND timestep = 'minute'")
            files = 0
        db.close()
    print(f"{ROUNDS} kills, {busy} with a journal left behind, {more} after a commit that was not reported")
    assert busy > ROUNDS // 4, "the kills did not hit transactions"


if len(sys.argv) > 1:
    child(int(sys.argv[1]))
else:
    main()
