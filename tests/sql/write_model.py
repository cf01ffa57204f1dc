#!/usr/bin/python3
"""INSERT, UPDATE, DELETE, imports and compaction on bars against a dictionary.

A seeded sequence of statements runs on a database in a file and on a model of it: (asset, timestep, ts)
-> values.  INSERT of a bar that is stored with the same values does nothing; with others it is an error,
is ignored or replaces, as the statement says; a statement that fails changes nothing; transactions and
savepoints are undone as a whole.  After every statement the connection must show the model, and a second
connection the last commit.  In both journal modes, and with rows sealed in chunks below and between.
"""
import json
import os
import random
import sqlite3
import sys

SO = os.environ["BARSVT_SO"]
COLUMNS = "asset, timestep, ts, open, high, low, close, volume"
START = 1704153600
SERIES = [("A", "minute", 60), ("B", "minute", 60), ("A", "hour", 3600)]


def connect(path):
    db = sqlite3.connect(path, isolation_level=None, timeout=0)
    db.enable_load_extension(True)
    db.load_extension(SO)
    return db


class Model:
    """What the database must hold; undo is a stack of (savepoint name, copy), the first for BEGIN."""

    def __init__(self):
        self.bars, self.undo = {}, []

    def committed(self):
        return self.undo[0][1] if self.undo else self.bars


class Failed(Exception):
    pass


def put(state, row, how):
    key, value = row[:3], row[3:]
    o, h, l, c, v = value
    if None in (o, h, l, c) or h < l or not l <= o <= h or not l <= c <= h or l < 0 or (v is not None and v < 0):
        raise Failed
    if key in state and state[key] != value:
        if how == "IGNORE":
            return
        if how != "REPLACE":
            raise Failed
    state[key] = value


class Run:
    def __init__(self, journal, seed):
        self.rng = random.Random(seed)
        self.path = f"{journal}.db"
        self.db = connect(self.path)
        self.db.execute(f"PRAGMA journal_mode = {journal}")
        self.other = connect(self.path)
        self.model = Model()
        self.failures = self.steps = self.errors = self.sealed = 0
        self.kinds = {}

    def row(self, good=0.97):
        r = self.rng
        asset, step, size = r.choice(SERIES)
        ts = START + size * r.randrange(60)
        l = r.randrange(10, 20) / 4
        h = l + r.randrange(8) / 4
        o, c = r.choice((l, h)), r.choice((l, h, (l + h) / 2))
        v = r.choice((None, 0.0, float(r.randrange(100))))
        if r.random() > good:
            o, h, l, c, v = r.choice(((o, l - 1, l, c, v), (-1.0, h, l, c, v), (o, h, l, h + 1, v), (None, h, l, c, v), (o, h, l, c, -1.0)))
        return (asset, step, ts, o, h, l, c, v)

    def statement(self, sql, args, effect):
        """Run on both; they must agree on whether it failed."""
        want = dict(self.model.bars)
        try:
            effect(want)
            ok = True
        except Failed:
            want, ok = self.model.bars, False
            self.errors += 1
        try:
            self.db.execute(sql, args).fetchall()
            did, text = True, ""
        except sqlite3.Error as e:
            did, text = False, str(e)
        if did != ok:
            self.fail(f"{sql} {args}: {'no error' if did else text}, but {'none' if ok else 'one'} was due")
        self.model.bars = want

    def fail(self, text):
        self.failures += 1
        if self.failures < 10:
            print(f"{self.path} step {self.steps}: {text}"[:500])

    # ---- statements ----

    def insert(self):
        how = self.rng.choice(("", "", "OR IGNORE", "OR REPLACE", "OR FAIL"))
        n = 1 if how == "OR FAIL" else self.rng.choice((1, 1, 2, 5, 12))
        rows = [self.row() for _ in range(n)]
        if self.rng.random() < 0.3 and self.model.bars:  # some that are there already
            rows += [k + self.model.bars[k] for k in self.rng.sample(sorted(self.model.bars), 1)]
        marks = ", ".join(["(" + ", ".join("?" * 8) + ")"] * len(rows))

        def effect(state):
            for row in rows:
                put(state, row, how[3:])

        self.statement(f"INSERT {how} INTO bars({COLUMNS}) VALUES {marks}", [v for r in rows for v in r], effect)

    def some(self):
        """A range of one series: as SQL, and as a test."""
        asset, step, size = self.rng.choice(SERIES)
        lo = START + size * self.rng.randrange(60)
        hi = lo + size * self.rng.choice((1, 3, 20))
        if not any(k[:2] == (asset, step) for k in self.model.bars):
            return None, None
        return (f"WHERE asset = '{asset}' AND timestep = '{step}' AND ts >= {lo} AND ts < {hi}",
                lambda k: k[:2] == (asset, step) and lo <= k[2] < hi)

    def delete(self):
        where, test = self.some()
        if where:
            self.statement("DELETE FROM bars " + where, (), lambda state: [state.pop(k) for k in list(state) if test(k)])

    def update_values(self):
        where, test = self.some()
        if not where:
            return

        def effect(state):
            for k in sorted(filter(test, state)):
                o, h, l, c, v = state[k]
                put(state, k + (o, h, l, o, 7.0), "REPLACE")

        self.statement("UPDATE bars SET close = open, volume = 7 " + where, (), effect)

    def update_time(self):
        """Move bars by some steps: onto free times, or onto others, which is a conflict."""
        how = self.rng.choice(("", "OR IGNORE", "OR REPLACE"))
        key = self.rng.choice(sorted(self.model.bars)) if self.model.bars else None
        if key is None:
            return
        size = 3600 if key[1] == "hour" else 60
        to = key[2] + size * self.rng.randrange(-5, 6)
        column, value = self.rng.choice((("ts", str(to)), ("time", f"datetime({to}, 'unixepoch')")))

        def effect(state):
            value = state[key]
            put(state, key[:2] + (to,) + value, how[3:])
            if state[key[:2] + (to,)] == value and to != key[2]:
                del state[key]

        self.statement(f"UPDATE {how} bars SET {column} = {value} WHERE asset = ? AND timestep = ? AND ts = ?", key, effect)

    def update_series(self):
        if not self.model.bars:
            return
        key = self.rng.choice(sorted(self.model.bars))
        to = {"A": "B", "B": "C", "C": "A"}[key[0]]

        def effect(state):
            put(state, (to,) + key[1:] + state[key], "")
            del state[key]

        self.statement("UPDATE bars SET asset = ? WHERE asset = ? AND timestep = ? AND ts = ?", (to,) + key, effect)

    def load_long(self):
        """Enough bars to be sealed, over the times that the other statements touch."""
        self.load_rows("A", "minute", [("A", "minute", START + 60 * i, 5.0, 6.0 + i % 3, 5.0, 5.5, float(i)) for i in range(600)], "replace")

    def load(self):
        rows = sorted({(r := self.row(1.0))[2]: r for _ in range(self.rng.choice((3, 30)))}.values(), key=lambda r: r[2])
        asset, step, size = self.rng.choice(SERIES)
        rows = [(asset, step, START + size * ((r[2] - START) // 60 % 60)) + r[3:] for r in rows]
        self.load_rows(asset, step, list({r[:3]: r for r in rows}.values()), self.rng.choice(("replace", "ignore", "error")))

    def load_rows(self, asset, step, rows, how):
        with open("load.csv", "w", encoding="utf-8") as f:
            f.write("ts,open,high,low,close,volume\n")
            f.writelines(",".join("" if v is None else repr(v) for v in r[2:]) + "\n" for r in rows)

        def effect(state):
            for row in rows:
                put(state, row, {"replace": "REPLACE", "ignore": "IGNORE", "error": ""}[how])

        self.statement("SELECT bars_import('load.csv', ?, ?, ?)", (asset, step, json.dumps({"on_conflict": how})), effect)

    def compact(self):
        self.statement("SELECT bars_compact()", (), lambda state: None)

    def transaction(self):
        m, r = self.model, self.rng
        if not m.undo:
            name = r.choice(("", "s"))
            self.db.execute(f"SAVEPOINT {name}" if name else "BEGIN")
            m.undo.append((name, dict(m.bars)))
            return
        name, state = m.undo[-1]
        kind = r.randrange(4)
        if kind == 0 and len(m.undo) < 4:
            self.db.execute(f"SAVEPOINT p{len(m.undo)}")
            m.undo.append((f"p{len(m.undo)}", dict(m.bars)))
        elif kind == 1 and name:
            self.db.execute(f"ROLLBACK TO {name}")
            m.bars = dict(state)
        elif kind == 2 and name:
            self.db.execute(f"RELEASE {name}")
            m.undo.pop()
        elif kind == 3:
            end = r.choice(("COMMIT", "COMMIT", "ROLLBACK"))
            self.db.execute(end)
            if end == "ROLLBACK":
                m.bars = dict(m.undo[0][1])
            m.undo = []

    # ---- comparison ----

    def shown(self, db):
        out = {}
        for asset, step, first in db.execute("SELECT asset, timestep, first FROM bars_coverage").fetchall():
            for r in db.execute(f"SELECT {COLUMNS} FROM bars WHERE asset = ? AND timestep = ?", (asset, step)):
                out[r[:3]] = r[3:]
        return out

    def compare(self):
        for what, db, want in (("own connection", self.db, self.model.bars), ("other connection", self.other, self.model.committed())):
            got = self.shown(db)
            if got != want:
                diff = [(k, got.get(k), want.get(k)) for k in sorted(set(got) | set(want)) if got.get(k) != want.get(k)]
                self.fail(f"{what}: {len(diff)} differ, first (bar, shown, due): {diff[0]}")
                self.model.bars = dict(got) if what.startswith("own") else self.model.bars

    def run(self, n):
        menu = [self.insert] * 8 + [self.delete] * 2 + [self.update_values, self.update_time, self.update_time, self.update_series,
                self.load, self.load, self.compact, self.transaction, self.transaction, self.transaction]
        for self.steps in range(n):
            step = self.load_long if self.steps == 0 else self.rng.choice(menu)
            self.kinds[step.__name__] = self.kinds.get(step.__name__, 0) + 1
            step()
            self.compare()
            self.sealed += self.db.execute("SELECT count(*) > 0 FROM barsvt_seg").fetchone()[0]
            if self.failures >= 10:
                break
        ok = self.db.execute("PRAGMA integrity_check").fetchone()[0]
        if ok != "ok":
            self.fail(f"integrity: {ok}")
        if self.errors < n / 50 or len(self.kinds) < 8 or self.sealed < 3:
            self.fail(f"too little was tried: {self.errors} errors, {self.sealed} states with sealed chunks, {self.kinds}")
        return self.failures


def main():
    failures = 0
    for journal, seed in (("delete", 11), ("wal", 2)):
        run = Run(journal, seed)
        failures += run.run(250)
        print(f"{journal}: {run.steps + 1} statements, {run.errors} errors that were due, {len(run.model.bars)} bars, {run.failures} failures")
    return failures > 0


sys.exit(main())
