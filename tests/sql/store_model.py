#!/usr/bin/python3
"""The store against a model: a Python dictionary of bars.

Random INSERTs (plain, OR REPLACE, OR IGNORE, failing ones), UPDATEs, DELETEs, imports, bars_compact(),
transactions, savepoints and VACUUM are done to both.  After every step what is read must equal the model,
bit for bit, and so must bars_summary.  At the end of each round the stored rows of the compacted
database must be byte for byte those of a clean load of the final bars: late, out-of-order, overlapping
and corrected bars leave no trace.  The seed is fixed; an argument gives another one.
"""
import csv
import math
import os
import random
import sqlite3
import statistics
import sys

SO = os.environ["BARSVT_SO"]
COLUMNS = ("open", "high", "low", "close", "volume", "vwap", "trades", "bid", "ask", "open_interest")
NAMES = ", ".join(COLUMNS)
MINUTE, DAY = 60, 86400
ORIGIN = -62167219200  # 0000-01-01, where chunks are counted from
SERIES = (("A", "minute"), ("B", "minute"), ("A", "day"), ("C", "second"))
STEP = {"minute": MINUTE, "day": DAY, "second": 1}
SPAN = {"minute": 65536 * MINUTE, "day": 4096 * DAY, "second": 65536}


def boundary(step):
    """The first instant of a chunk, about 2024."""
    return ORIGIN + ((1704067200 - ORIGIN) // SPAN[step]) * SPAN[step]


def connect(path):
    db = sqlite3.connect(path, isolation_level=None)
    db.enable_load_extension(True)
    db.load_extension(SO)
    return db


def make_bar(rng, style):
    """Ten values of a bar; style: cents, doubles, or all optional columns."""
    if style == "doubles":
        o, c = rng.uniform(1, 2), rng.uniform(1, 2)
        return (o, max(o, c) + rng.random() / 3, min(o, c) - rng.random() / 3, c, rng.random() * 1e9, *(None,) * 5)
    o, c = rng.randrange(9000, 11000) / 100, rng.randrange(9000, 11000) / 100
    h, l = max(o, c) + rng.randrange(20) / 100, min(o, c) - rng.randrange(20) / 100
    rest = [float(rng.randrange(1, 100000)), *(None,) * 5]
    if style == "all":
        rest = [rng.choice((None, 0.0, float(rng.randrange(10**6)), rng.random())) for _ in range(6)]
    return (o, round(h, 2), round(l, 2), c, *rest)


class Store:
    """The database and the model beside it."""

    def __init__(self, rng, path, reader):
        self.rng = rng
        self.db = connect(path)
        self.reader = reader  # another connection to the same file, or None
        self.bars = {s: {} for s in SERIES}
        self.saved = []  # copies of the model: one for BEGIN, one for each savepoint
        self.steps = {}
        self.db.execute("SELECT bars_config('history', 200), bars_config('future', 50)").fetchall()
        for asset, step in SERIES:  # series get their numbers in this order
            self.write((asset, step), "INSERT", [(boundary(step), make_bar(rng, "cents"))])

    def copy(self):
        return {s: dict(b) for s, b in self.bars.items()}

    def slot(self, series):
        step = series[1]
        return boundary(step) + self.rng.randrange(-900, 900) * STEP[step]

    def write(self, series, verb, rows):
        """One statement of many rows; False where it failed, with nothing changed in either."""
        marks = ", ".join("?" * 13)
        sql = f"{verb} INTO bars(asset, timestep, ts, {NAMES}) VALUES " + ", ".join(f"({marks})" for _ in rows)
        values = [v for ts, bar in rows for v in (*series, ts, *bar)]
        have = dict(self.bars[series])
        fails = False
        for ts, bar in rows:
            if "IGNORE" in verb:
                have.setdefault(ts, bar)
            elif "REPLACE" in verb:
                have[ts] = bar
            else:
                fails = fails or have.setdefault(ts, bar) != bar
        try:
            self.db.execute(sql, values)
        except sqlite3.IntegrityError:
            assert fails, f"{sql[:80]}: refused"
            return
        assert not fails, f"{sql[:80]}: not refused"
        self.bars[series] = have

    def op_insert(self):
        series = self.rng.choice(SERIES)
        verb = self.rng.choice(("INSERT", "INSERT OR REPLACE", "INSERT OR REPLACE", "INSERT OR IGNORE"))
        style = self.rng.choice(("cents", "cents", "doubles", "all"))
        n = self.rng.choice((1, 1, 2, 5, 20, 100, 400))
        start = self.slot(series)
        rows = [(start + i * STEP[series[1]] * self.rng.choice((1, 1, 1, 2)), make_bar(self.rng, style)) for i in range(n)]
        if self.rng.random() < 0.3:
            self.rng.shuffle(rows)
        if self.rng.random() < 0.2 and self.bars[series]:  # known bars again, some with other values
            rows += [(ts, b) for ts, b in list(self.bars[series].items())[:5]]
        for at in range(0, len(rows), 300):
            self.write(series, verb, rows[at:at + 300])

    def op_bad_insert(self):
        """The last row cannot be a bar: nothing of the statement stays."""
        series = self.rng.choice(SERIES)
        bad = (2.0, 1.0, 3.0, 2.0, *(None,) * 6)
        rows = [(self.slot(series), make_bar(self.rng, "cents")) for _ in range(3)] + [(self.slot(series), bad)]
        marks = ", ".join("?" * 13)
        sql = f"INSERT OR REPLACE INTO bars(asset, timestep, ts, {NAMES}) VALUES " + ", ".join(f"({marks})" for _ in rows)
        try:
            self.db.execute(sql, [v for ts, bar in rows for v in (*series, ts, *bar)])
        except sqlite3.Error as e:
            assert "high is below low" in str(e), e
        else:
            raise AssertionError("a bar with high below low was stored")

    def op_update(self):
        series = self.rng.choice(SERIES)
        bars = self.bars[series]
        if not bars:
            return
        ts = self.rng.choice(list(bars))
        where = "WHERE asset = ? AND timestep = ? AND ts = ?"
        if self.rng.random() < 0.5:
            volume = float(self.rng.randrange(1000))
            self.db.execute(f"UPDATE bars SET volume = ? {where}", (volume, *series, ts))
            bars[ts] = (*bars[ts][:4], volume, *bars[ts][5:])
            return
        to = ts + self.rng.choice((1, 2, 7)) * STEP[series[1]]
        if to not in bars:
            self.db.execute(f"UPDATE bars SET ts = ? {where}", (to, *series, ts))
            bars[to] = bars.pop(ts)

    def op_delete(self):
        series = self.rng.choice(SERIES)
        lo = self.slot(series)
        hi = lo + self.rng.choice((1, 3, 50, 2000)) * STEP[series[1]]
        self.db.execute("DELETE FROM bars WHERE asset = ? AND timestep = ? AND ts >= ? AND ts < ?", (*series, lo, hi))
        self.bars[series] = {ts: b for ts, b in self.bars[series].items() if not lo <= ts < hi}

    def op_import(self):
        series = self.rng.choice(SERIES)
        start, n = self.slot(series), self.rng.choice((1, 30, 150, 600))
        rows = [(start + i * STEP[series[1]], make_bar(self.rng, self.rng.choice(("cents", "doubles")))) for i in range(n)]
        if self.rng.random() < 0.3:
            self.rng.shuffle(rows)
        if self.rng.random() < 0.2:
            rows.append((rows[0][0], make_bar(self.rng, "cents")))  # the last row of a time counts
        how = self.rng.choice(("replace", "replace", "ignore", "error"))
        with open("in.csv", "w", newline="", encoding="ascii") as f:
            out = csv.writer(f)
            out.writerow(("ts", "open", "high", "low", "close", "volume"))
            out.writerows((ts, *(repr(v) for v in b[:5])) for ts, b in rows)
        have, fails = dict(self.bars[series]), False
        for ts, bar in rows:
            if how == "replace":
                have[ts] = bar
            elif how == "ignore":
                have.setdefault(ts, bar)
            else:
                fails = fails or have.setdefault(ts, bar) != bar
        try:
            self.db.execute("SELECT bars_import('in.csv', ?, ?, json_object('on_conflict', ?))", (*series, how)).fetchall()
        except sqlite3.Error as e:
            assert fails, e
            return
        assert not fails, "an import with another bar of a known time went through"
        self.bars[series] = have

    def op_compact(self):
        self.db.execute("SELECT bars_compact()").fetchall()

    def op_begin(self):
        if self.saved:
            name = f"s{len(self.saved)}"
            self.db.execute(f"SAVEPOINT {name}")
        else:
            name = "BEGIN"
            self.db.execute(self.rng.choice(("BEGIN", "BEGIN IMMEDIATE")))
        self.saved.append((name, self.copy()))

    def op_end(self):
        if not self.saved:
            return
        name, before = self.saved[-1]
        how = self.rng.choice(("keep", "keep", "undo", "undo and go on", "undo all"))
        if how == "undo all":
            self.db.execute("ROLLBACK")
            self.bars = self.saved[0][1]
            self.saved = []
        elif name == "BEGIN":
            self.db.execute("COMMIT" if how == "keep" else "ROLLBACK")
            if how != "keep":
                self.bars = before
            self.saved.pop()
        elif how == "keep":
            self.db.execute(f"RELEASE {name}")
            self.saved.pop()
        else:
            self.db.execute(f"ROLLBACK TO {name}")
            self.bars = {s: dict(b) for s, b in before.items()}
            if how == "undo":
                self.db.execute(f"RELEASE {name}")
                self.saved.pop()

    def op_vacuum(self):
        if not self.saved:
            self.db.execute("VACUUM")

    def step(self):
        ops = (self.op_insert,) * 6 + (self.op_bad_insert,) + (self.op_update,) * 2 + (self.op_delete,) * 2 + (
            self.op_import,) * 4 + (self.op_compact,) * 2 + (self.op_begin,) * 2 + (self.op_end,) * 4 + (self.op_vacuum,)
        op = self.rng.choice(ops)
        self.steps[op.__name__] = self.steps.get(op.__name__, 0) + 1
        op()
        return op.__name__

    # ---- comparison ----

    def compare(self):
        for series in SERIES:
            self.compare_reads(self.db, series, sorted(self.bars[series].items()))
        if self.reader and not self.saved:
            for series in SERIES:
                self.compare_reads(self.reader, series, sorted(self.bars[series].items()))

    def compare_reads(self, db, series, want):
        sql = f"SELECT ts, {NAMES} FROM bars WHERE asset = ? AND timestep = ?"
        rows = [(ts, *b) for ts, b in want]
        same(db.execute(sql + " ORDER BY ts", series).fetchall(), rows, series)
        lo = self.slot(series)
        hi = lo + self.rng.randrange(1, 700) * STEP[series[1]]
        part = [r for r in rows if lo <= r[0] < hi]
        same(db.execute(sql + " AND ts >= ? AND ts < ? ORDER BY ts", (*series, lo, hi)).fetchall(), part, "range")
        n = self.rng.choice((1, 3, 70, 500))
        before = [r for r in rows if r[0] < hi][::-1][:n]
        same(db.execute(sql + " AND ts < ? ORDER BY ts DESC LIMIT ?", (*series, hi, n)).fetchall(), before, "newest")
        same(db.execute(sql.replace(NAMES, "volume, bid") + " ORDER BY ts", series).fetchall(),
             [(r[0], r[5], r[8]) for r in rows], "columns")
        summary(db, series, None, None, rows)
        summary(db, series, lo, hi, part)


def same(got, want, what):
    if got == want and [[math.copysign(1, v) for v in r if v] for r in got[:50]] == [
            [math.copysign(1, v) for v in r if v] for r in want[:50]]:
        return
    first = next((i for i, (g, w) in enumerate(zip(got, want)) if g != w), min(len(got), len(want)))
    raise AssertionError(f"{what}: {len(got)} rows, not {len(want)}; row {first}: {got[first:first + 1]}, not {want[first:first + 1]}")


def close_to(got, want, what):
    """Sums of doubles, added in another order: 1e-12 of the result."""
    if got is None or want is None:
        assert got is want, (what, got, want)
    else:
        assert math.isclose(got, want, rel_tol=1e-12, abs_tol=1e-12), (what, got, want)


def summary(db, series, lo, hi, rows):
    got = db.execute("SELECT * FROM bars_summary(?, ?, ?, ?)", (*series, lo, hi)).fetchone()
    assert got[:2] == (series[0], len(rows)), got
    if not rows:
        assert got[2:] == (None,) * 10, got
        return
    exact = (rows[0][0], rows[-1][0], rows[0][1], max(r[2] for r in rows), min(r[3] for r in rows), rows[-1][4])
    assert got[2:8] == exact, (got, exact)
    volumes = [r for r in rows if r[5] is not None]
    total = math.fsum(r[5] for r in volumes) if volumes else None
    closes = [r[4] for r in rows]
    close_to(got[8], total, "volume")
    close_to(got[9], math.fsum(closes) / len(rows), "mean")
    money = math.fsum((r[4] if r[6] is None else r[6]) * r[5] for r in volumes)
    close_to(got[10], money / total if total else None, "vwap")
    close_to(got[11], statistics.stdev(closes) if len(rows) > 1 else None, "stdev")


def dump(db):
    """Everything that is stored of the bars."""
    return {table: db.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall()
            for table in ("barsvt_series", "barsvt_seg", "barsvt_stat", "barsvt_hot")}


def clean_load(bars):
    db = connect(":memory:")
    for asset, step in SERIES:  # the numbers of the series as before
        db.execute("INSERT INTO bars(asset, timestep, ts, open, high, low, close) VALUES (?, ?, 0, 1, 1, 1, 1)", (asset, step))
        db.execute("DELETE FROM bars WHERE asset = ? AND timestep = ?", (asset, step))
    db.execute("BEGIN")
    for series in SERIES:
        rows = [(*series, ts, *b) for ts, b in sorted(bars[series].items())]
        db.executemany(f"INSERT INTO bars(asset, timestep, ts, {NAMES}) VALUES ({', '.join('?' * 13)})", rows)
    db.execute("COMMIT")
    db.execute("SELECT bars_compact()").fetchall()
    return db


def check_clean(store):
    problems = store.db.execute("SELECT * FROM bars_check").fetchall()
    assert not problems, problems[:3]


def round_of(seed, mode, nsteps):
    rng = random.Random(seed)
    path = f"m{seed}.db"
    db = sqlite3.connect(path)
    db.execute(f"PRAGMA journal_mode = {mode}").fetchall()
    db.close()
    reader = connect(path) if mode == "wal" else None
    store = Store(rng, path, reader)
    for i in range(nsteps):
        done = store.step()
        try:
            store.compare()
            if i % 10 == 0:
                check_clean(store)
        except AssertionError as e:
            raise AssertionError(f"seed {seed}, step {i}, {done}: {e}") from e
    if store.saved:
        store.db.execute("COMMIT")
        store.saved = []
    store.op_compact()
    store.compare()
    check_clean(store)
    clean = clean_load(store.bars)
    got, want = dump(store.db), dump(clean)
    for table, rows in got.items():
        assert rows == want[table], f"seed {seed}: {table} differs from a clean load"
    assert len(got["barsvt_seg"]) >= 6, "nothing was sealed"
    assert len(store.steps) == 9, store.steps
    store.db.close()
    assert connect(path).execute("PRAGMA integrity_check").fetchone() == ("ok",)
    return len(got["barsvt_seg"]), len(got["barsvt_hot"])


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    for k, mode in enumerate(("delete", "wal", "memory", "delete")):
        seg, hot = round_of(seed + k, mode, 150)
        print(f"{mode}: {seg} sealed columns, {hot} rows at the end")


main()
