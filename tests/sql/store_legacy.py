#!/usr/bin/python3
"""Databases of every format version, committed as fixtures, open for ever.

tests/fixtures/legacy_vN.db were made once each by tests/tools/legacy_make.sh.  What they must hold is computed here
from the formulas that made it, not read from anywhere.  They are opened read-only and immutable; a copy is
written to, and keeps its version.
"""
import hashlib
import math
import os
import shutil
import sqlite3

SO = os.environ["BARSVT_SO"]
FIXTURES = {version: os.path.join(os.environ["ROOT"], f"tests/fixtures/legacy_v{version}.db") for version in (1, 2, 3)}
COLUMNS = "ts, open, high, low, close, volume, vwap, trades, bid, ask, open_interest"
NONE = (None,) * 5


def connect(path, **how):
    db = sqlite3.connect(path, isolation_level=None, **how)
    db.enable_load_extension(True)
    db.load_extension(SO)
    return db


def cents():
    bars = {}
    for i in range(2000):
        o, c = 10000 + i * 37 % 211, 10000 + i * 53 % 223
        volume = None if i % 50 == 49 else float(i * 7919 % 10007)
        bar = (o / 100.0, (max(o, c) + i % 5) / 100.0, (min(o, c) - i % 4) / 100.0, c / 100.0, volume)
        if i % 500 == 7:
            bar = (50.0, 51.0, 49.0, 50.5, None)
        bars[1704205800 + 60 * (i + i // 97)] = bar
    for i in range(5):
        bars[1704205800 + 60 * 97 + 60 * 98 * i] = (99.0, 99.0, 99.0, 99.0, float(i))
    return [(ts, *bar, *NONE) for ts, bar in sorted(bars.items())]


def every_column():
    return [(1704085200 + 86400 * i, 100.0 / (3 + i % 7), 100.0, 1.0 / (1 + i), 100.0 / (4 + i % 5), i * 1000.5,
             None if i % 3 == 0 else 50.0 / (1 + i % 11), float(i % 4), 99.0 / (5 + i % 3), 100.0 / (5 + i % 3),
             None if i < 150 else float(i * i)) for i in range(300)]


def flat():
    return [(1704205800 + 300 * i, 7.0, 7.0, 7.0, 7.0, 0.0, *NONE) for i in range(200)]


def imported():
    rows = []
    for i in range(100):
        if i in (40, 70):
            continue
        o, c = 5000 + (i * 31) % 101, 5000 + (i * 17) % 103
        rows.append((1704067200 + 3600 * i, o / 100.0, (max(o, c) + 1) / 100.0, (min(o, c) - 1) / 100.0, c / 100.0, float(i), *NONE))
    return rows


def seconds():
    return [(1704205800 + i, 1.0, 2.0, 0.5, 1 + i / 64.0, None, *NONE) for i in range(30)]


def all_series():
    return {("CENTS", "minute"): cents(), ("ALL", "day"): every_column(), ("FLAT", "5 minutes"): flat(),
            ("FILE", "hour"): imported(), ("ROWS", "second"): seconds()}


def check(db, series):
    for (asset, step), rows in series.items():
        got = db.execute(f"SELECT {COLUMNS} FROM bars(?, ?)", (asset, step)).fetchall()
        assert got == rows, f"{asset} {step}: {len(got)} bars, not {len(rows)}"
        back = db.execute(f"SELECT {COLUMNS} FROM bars(?, ?) ORDER BY ts DESC LIMIT 77", (asset, step)).fetchall()
        assert back == rows[::-1][:77], f"{asset} {step}, newest"
        middle = rows[len(rows) // 2][0]
        assert db.execute("SELECT close FROM bars_asof(?, ?, ?)", (asset, step, middle)).fetchall() == [(rows[len(rows) // 2 - 1][4],)]
        n, volume, mean = db.execute("SELECT bars, volume, mean FROM bars_summary(?, ?)", (asset, step)).fetchone()
        volumes = [r[5] for r in rows if r[5] is not None]
        assert n == len(rows) and volume == (math.fsum(volumes) if volumes else None)
        assert math.isclose(mean, math.fsum(r[4] for r in rows) / n, rel_tol=1e-12)
    zones = {"ALL": "America/New_York"}
    sources = {"FILE": "hours.csv"}
    want = [(a, s, r[0][0], r[-1][0], len(r), zones.get(a, "UTC"), sources.get(a, "")) for (a, s), r in sorted(series.items())]
    assert db.execute("SELECT * FROM bars_coverage ORDER BY asset").fetchall() == want
    assert db.execute("SELECT * FROM bars_source").fetchall() == [
        ("FILE", "hour", "hours.csv", 1704067200, 1704067200 + 100 * 3600, 98)]
    rejects = db.execute("SELECT source, asset, timestep, line, reason FROM barsvt_reject ORDER BY line").fetchall()
    assert rejects == [("hours.csv", "FILE", "hour", 42, "high is below low"), ("hours.csv", "FILE", "hour", 72, "no close")], rejects
    assert db.execute("SELECT multiplier FROM barsvt_asset WHERE asset = 'ALL'").fetchone() == (50.0,)
    gaps = db.execute("SELECT start, \"end\", missing FROM bars_gap('FILE', 'hour')").fetchall()
    assert gaps == [(1704067200 + 3600 * i, 1704067200 + 3600 * (i + 1), 1) for i in (40, 70)], gaps
    assert db.execute("SELECT * FROM bars_check").fetchall() == []


def sums(db, version):
    """How many rows of barsvt_hot and barsvt_series there are, and have a checksum."""
    count = "count(checksum)" if version > 1 else "0"
    return [db.execute(f"SELECT count(*), {count} FROM {table}").fetchone() for table in ("barsvt_hot", "barsvt_series")]


def stored_as(db, version):
    """The fixture holds what its script says: chunks of every kind, and rows."""
    assert db.execute("SELECT value FROM barsvt_meta WHERE key = 'version'").fetchone() == (version,)
    assert sums(db, version) == ([(39, 0), (5, 0)] if version == 1 else [(39, 39), (5, 5)])
    assert db.execute("SELECT DISTINCT codec FROM barsvt_seg").fetchall() == [(1,)]
    sealed = db.execute("SELECT a.asset, sum(g.id & 15 = 15), max(g.n), count(*) FROM barsvt_seg g JOIN barsvt_series s"
                        " ON s.id = g.id >> 36 JOIN barsvt_asset a ON a.id = s.asset GROUP BY 1 ORDER BY 1").fetchall()
    assert sealed == [("ALL", 1, 300, 11), ("CENTS", 1, 2000, 6), ("FILE", 1, 98, 6), ("FLAT", 1, 200, 6)], sealed
    assert db.execute("SELECT count(*) FROM barsvt_hot").fetchone() == (30 + 5 + 4,)
    assert db.execute("SELECT count(*) FROM barsvt_stat").fetchone() == (4,)


def test(version, fixture):
    series = all_series()
    before = hashlib.sha256(open(fixture, "rb").read()).hexdigest()
    for how in ("mode=ro", "immutable=1"):
        db = connect(f"file:{fixture}?{how}", uri=True)
        stored_as(db, version)
        check(db, series)
        db.close()
    assert hashlib.sha256(open(fixture, "rb").read()).hexdigest() == before, "reading changed the fixture"

    shutil.copy(fixture, "copy.db")
    os.chmod("copy.db", 0o600)
    db = connect("copy.db")
    db.execute("SELECT bars_compact()").fetchall()
    assert db.execute("SELECT count(*) FROM barsvt_hot").fetchone() == (30,)  # too few to seal
    check(db, series)
    db.execute("INSERT INTO bars(asset, timestep, ts, open, high, low, close) VALUES ('ROWS', 'second', 1704205830, 1, 1, 1, 1)")
    db.execute("DELETE FROM bars WHERE asset = 'ALL' AND timestep = 'day' AND ts < 1704085200 + 86400 * 100")
    series["ROWS", "second"].append((1704205830, 1.0, 1.0, 1.0, 1.0, None, *NONE))
    series["ALL", "day"] = series["ALL", "day"][100:]
    check(db, series)
    db.execute("SELECT bars_compact()").fetchall()
    check(db, series)
    assert db.execute("SELECT bars_asset('ALL', 'multiplier', 50)").fetchone() == (50,)
    assert sums(db, version) == ([(31, 0), (5, 0)] if version == 1 else [(31, 31), (5, 5)])
    assert db.execute("SELECT value FROM barsvt_meta WHERE key = 'version'").fetchone() == (version,)
    assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    db.close()


for each in FIXTURES.items():
    test(*each)
