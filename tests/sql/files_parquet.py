#!/usr/bin/python3
"""Parquet files of every kind of column are read through DuckDB, exactly, and bars written to Parquet come back
the same; with the library and with the program.

The files are made here by DuckDB itself from SQL literals, so what is in them is known.  Skipped where DuckDB is
not found: set BARSVT_DUCKDB, or install it in ../shared/peers/node.
"""
import datetime
import json
import os
import random
import sqlite3
import stat
import struct
import sys
import zoneinfo

sys.dont_write_bytecode = True
from bt_help.duck import Duck  # noqa: E402

SO = os.environ["BARSVT_SO"]
NPM = "/peers/node/node_modules/@duckdb/node-bindings-linux-x64/libduckdb.so"
LIBRARY = os.environ.get("BARSVT_DUCKDB") or os.environ["SHARED"] + NPM
if not os.path.exists(LIBRARY) or ".so" not in LIBRARY:
    print("no libduckdb.so: set BARSVT_DUCKDB (npm install @duckdb/node-bindings-linux-x64)")
    sys.exit(77)
os.environ["BARSVT_DUCKDB"] = LIBRARY

failures = checks = 0
START = 1704205800  # 2024-01-02 14:30 UTC, 09:30 in New York
BARS = [(START + 60 * k, 10 + k / 8, 12.25 + k, 9.5, 11 + k / 16, float(v)) for k, v in ((0, 100), (1, 0), (2, 7), (5, 12345678))]


def equal(what, got, want):
    global failures, checks
    checks += 1
    if got != want:
        failures += 1
        print(f"{what}:\n  got  {got}\n  want {want}"[:900])


def connect():
    db = sqlite3.connect(":memory:", isolation_level=None)
    db.enable_load_extension(True)
    db.load_extension(SO)
    return db


def make(duck, path, columns, rows=BARS):
    """A file with a row per bar; columns: SQL with {ts}, {o}, {h}, {l}, {c}, {v} of the bar and {k}, its number."""
    select = " UNION ALL ".join("SELECT " + columns.format(k=k, ts=b[0], o=repr(b[1]), h=repr(b[2]), l=repr(b[3]), c=repr(b[4]),
                                                          v=repr(b[5])) for k, b in enumerate(rows))
    if os.path.exists(path):
        os.unlink(path)
    quoted = path.replace("'", "''")
    duck.run(f"COPY ({select}) TO '{quoted}' (FORMAT parquet)")


def load(path, asset="A", timestep="minute", **options):
    """The summary, the bars, and the rejected rows."""
    db = connect()
    got = json.loads(db.execute("SELECT bars_import(?, ?, ?, ?)", (path, asset, timestep, json.dumps(options))).fetchone()[0])
    names = [r[0] for r in db.execute("SELECT DISTINCT asset FROM barsvt_asset ORDER BY asset")]
    bars = {a: db.execute("SELECT ts, open, high, low, close, volume FROM bars(?, ?)", (a, timestep)).fetchall() for a in names}
    return got, bars, db.execute("SELECT reason, count(*) FROM barsvt_reject GROUP BY reason ORDER BY reason").fetchall()


def error(path, *args, db=None):
    try:
        return str((db or connect()).execute("SELECT bars_import(?, ?, ?)", (path, *args)).fetchone())
    except sqlite3.Error as e:
        return str(e)


PRICES = ", {o}::DOUBLE AS open, {h}::DOUBLE AS high, {l}::DOUBLE AS low, {c}::DOUBLE AS close, {v}::DOUBLE AS volume"
UTC_TEXT = "(TIMESTAMP '1970-01-01' + INTERVAL ({ts}) SECOND)"
NY_TEXT = "(TIMESTAMP '1970-01-01' + INTERVAL ({ts} - 5 * 3600) SECOND)"


def times(duck):
    cases = {
        "timestamp": f"{UTC_TEXT} AS ts",
        "timestamp s": f"{UTC_TEXT}::TIMESTAMP_S AS ts",
        "timestamp ms": f"{UTC_TEXT}::TIMESTAMP_MS AS datetime",
        "timestamp ns": f"{UTC_TEXT}::TIMESTAMP_NS AS \"Date\"",
        "with time zone": "to_timestamp({ts}) AS \"Timestamp\"",
        "with fraction": "to_timestamp({ts} + 0.999999) AS ts",
        "epoch s": "{ts}::BIGINT AS ts",
        "epoch s, 32 bits": "{ts}::INTEGER AS ts",
        "epoch ms": "({ts}::BIGINT * 1000) AS ts",
        "epoch us": "({ts}::BIGINT * 1000000) AS ts",
        "epoch ns": "({ts}::BIGINT * 1000000000) AS ts_event",
        "epoch ns, unsigned": "({ts}::BIGINT * 1000000000)::UBIGINT AS ts_event",
        "epoch double": "({ts} + 0.25)::DOUBLE AS t",
        "text": f"strftime({UTC_TEXT}, '%Y-%m-%dT%H:%M:%SZ') AS ts",
        "date and time": f"{UTC_TEXT}::DATE AS date, {UTC_TEXT}::TIME AS time",
        "dictionary": f"strftime({UTC_TEXT}, '%m/%d/%Y %H:%M:%S') AS ts",
    }
    for what, sql in cases.items():
        make(duck, "t.parquet", sql + PRICES)
        got, bars, bad = load("t.parquet", date_order="month")
        equal(what, (bars["A"], bad, got["rows"]), (BARS, [], 4))
    make(duck, "t.parquet", NY_TEXT + " AS ts" + PRICES)
    equal("local times", load("t.parquet", tz="America/New_York")[1]["A"], BARS)
    # a zone of the file comes before the option
    make(duck, "t.parquet", "to_timestamp({ts}) AS ts" + PRICES)
    equal("instants in spite of a zone", load("t.parquet", tz="America/New_York")[1]["A"], BARS)
    days = [(1704153600 + 86400 * k, *b[1:]) for k, b in enumerate(BARS)]
    make(duck, "t.parquet", "(DATE '2024-01-02' + {k}) AS date" + PRICES, days)
    equal("days", load("t.parquet", timestep="day")[1]["A"], days)
    old = [(-86400 * 365 * 30 - 1, *BARS[0][1:]), (-1, *BARS[1][1:]), (0, *BARS[2][1:])]
    make(duck, "t.parquet", "to_timestamp({ts}) AS ts" + PRICES, old)
    equal("before 1970", load("t.parquet", timestep="second")[1]["A"], old)


def values(duck):
    """All bits of doubles; floats as they are; decimals as the nearest double."""
    random.seed(7)
    hard = []
    while len(hard) < 3000:
        x = struct.unpack("<d", struct.pack("<Q", random.getrandbits(63)))[0]
        if x == x and x != float("inf"):
            hard.append(x)
    hard += [5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, 0.1 + 0.2, 1 / 3, 0.0]
    rows = [(START + 60 * k, x, x, x, x, x) for k, x in enumerate(hard)]
    # the double of its decimal text is the nearest one, which repr's text names
    duck.run("CREATE OR REPLACE TABLE texts (k BIGINT, x DOUBLE)")
    for at in range(0, len(hard), 500):
        duck.run("INSERT INTO texts VALUES " + ", ".join(f"({at + i}, '{x!r}'::DOUBLE)" for i, x in enumerate(hard[at:at + 500])))
    duck.run(f"COPY (SELECT to_timestamp({START} + 60 * k) AS ts, x AS open, x AS high, x AS low, x AS close, x AS volume "
             "FROM texts ORDER BY k) TO 'h.parquet' (FORMAT parquet)")
    got = load("h.parquet")[1]["A"]
    equal("bits of doubles", [struct.pack("<d", r[1]) for r in got], [struct.pack("<d", r[1]) for r in rows])
    equal("all of them", got, rows)
    make(duck, "t.parquet", "{ts} AS ts, 0.1::FLOAT AS open, 0.3::FLOAT AS high, 0.1::FLOAT AS low, 0.2::FLOAT AS close")
    f32 = [struct.unpack("<f", struct.pack("<f", x))[0] for x in (0.1, 0.3, 0.1, 0.2)]
    equal("floats", load("t.parquet")[1]["A"][0], (START, *f32, None))
    make(duck, "t.parquet", "{ts} AS ts, 10.1000::DECIMAL(18,4) AS open, 11::SMALLINT AS high, 9::HUGEINT AS low, 10.07::DECIMAL(4,2) "
                            "AS close, 5::UTINYINT AS volume")
    equal("decimals and integers", load("t.parquet")[1]["A"][0], (START, 10.1, 11.0, 9.0, 10.07, 5.0))


def columns(duck):
    make(duck, "t.parquet", "{ts} AS \"Open Time\", {o} AS \"1. open\", {h} AS \"High\", {l} AS px_low, {c} AS \"Close\"\"last\", "
                            "{v} AS \"Volume BTC\", [1, 2] AS list, {{'a': 1}} AS struct, 'x'::BLOB AS bytes, true AS flag")
    got, bars, _ = load("t.parquet")
    equal("names as in text files", (bars["A"], got["columns"]),
          (BARS, 'ts=Open Time, open=1. open, high=High, low=px_low, close=Close"last, volume=Volume BTC; ignored: flag'))
    make(duck, "t.parquet", "{ts} AS x, {o} AS a, {h} AS b, {l} AS c, {c} AS d, {v} AS e")
    names = {"ts": "x", "open": "a", "high": "b", "low": "c", "close": "d", "volume": "e"}
    equal("names given", load("t.parquet", columns=names)[1]["A"], BARS)
    equal("names missing", "no column for ts, open, high, low" in error("t.parquet", "A", "minute"), True)
    # what pandas writes for an index without a name comes last and is the time
    make(duck, "t.parquet", "{o} AS \"Open\", {h} AS \"High\", {l} AS \"Low\", {c} AS \"Close\", {v} AS \"Volume\", "
                            f"{UTC_TEXT} AS __index_level_0__")
    equal("pandas index", load("t.parquet")[1]["A"], BARS)
    make(duck, "t.parquet", "CASE {k} % 2 WHEN 0 THEN 'EVEN' ELSE 'O,\"D' END AS symbol, {ts} AS ts" + PRICES)
    equal("symbols", load("t.parquet", None)[1], {"EVEN": BARS[::2], 'O,"D': BARS[1::2]})
    make(duck, "t.parquet", "{ts} AS ts" + PRICES + ", {c} AS vwap, 3 AS trades, 1.5 AS bid, NULL::DOUBLE AS ask, 7 AS open_interest")
    db = connect()
    db.execute("SELECT bars_import('t.parquet', 'A', 'minute')")
    equal("optional columns", db.execute("SELECT vwap, trades, bid, ask, open_interest FROM bars('A', 'minute')").fetchall(),
          [(b[4], 3.0, 1.5, None, 7.0) for b in BARS])
    make(duck, "t.parquet", "{ts} AS ts, CASE {k} WHEN 0 THEN NULL ELSE {o} END AS open, CASE {k} WHEN 1 THEN 1 ELSE {h} END AS high, "
                            "{l} AS low, CASE {k} WHEN 2 THEN 'nan'::DOUBLE ELSE {c} END AS close, {v} AS volume")
    got, bars, bad = load("t.parquet")
    equal("bad rows are set aside", (bars["A"], bad), (BARS[3:], [("high is below low", 1), ("no close", 1), ("no open", 1)]))
    make(duck, "t.parquet", "{ts} AS ts, ({o} * 10000)::BIGINT AS open, ({h} * 10000)::BIGINT AS high, ({l} * 10000)::BIGINT AS low, "
                            "({c} * 10000)::BIGINT AS close, {v} AS volume")
    equal("price scale", load("t.parquet", price_scale=0.0001)[1]["A"], BARS)
    duck.run("COPY (SELECT 1::BIGINT AS ts, 1.0 AS open, 1.0 AS high, 1.0 AS low, 1.0 AS close WHERE false) TO 'e.parquet' (FORMAT parquet)")
    equal("no rows", load("e.parquet")[0]["rows"], 0)
    duck.run("COPY (SELECT [1] AS a) TO 'n.parquet' (FORMAT parquet)")
    equal("no plain column", "no column of a plain type" in error("n.parquet", "A", "minute"), True)


def places(duck):
    """Names with all that could be read as a pattern or end a text."""
    os.mkdir("d[1]*")
    for name in ("d[1]*/a?.parquet", "it's.parquet", "[ab]{c}*.parquet", "sp ace.pq", "no_ending"):
        make(duck, "t.parquet", "{ts} AS ts" + PRICES)
        os.rename("t.parquet", name)
        equal(name, load(name)[1]["A"], BARS)
    make(duck, "t.parquet", "{ts} AS ts" + PRICES)
    with open("t.parquet", "rb") as f:
        whole = f.read()
    db = connect()
    for n in (4, 8, len(whole) // 2, len(whole) - 1):
        with open("cut.parquet", "wb") as f:
            f.write(whole[:n])
        equal(f"cut to {n} bytes", error("cut.parquet", "A", "minute", db=db).startswith("bars_import(): DuckDB: "), True)
    equal("nothing of them", db.execute("SELECT count(*) FROM bars_coverage").fetchone()[0], 0)


def many_rows(duck):
    """More than one row group, in order, in bounded memory."""
    n = 300000
    duck.run(f"COPY (SELECT to_timestamp({START} + 60 * range) AS ts, 100 + range % 100 / 100 AS open, 102.5 AS high, 99.5 AS low, "
             f"101::DOUBLE AS close, range AS volume FROM range({n})) TO 'm.parquet' (FORMAT parquet, ROW_GROUP_SIZE 50000)")
    db = connect()
    db.execute("SELECT bars_import('m.parquet', 'M', 'minute')")
    equal("many rows", db.execute("SELECT count(*), min(ts), max(ts), sum(volume), sum(open) FROM bars('M', 'minute')").fetchone(),
          (n, START, START + 60 * (n - 1), float(n * (n - 1) // 2), sum(100 + k % 100 / 100 for k in range(n))))


def round_trip():
    """Bars out and in again: Parquet with and without epochs, several assets, all columns."""
    random.seed(3)
    db, rows = connect(), []
    for asset in ("A", "B,\"x\"", "é"):
        ts = START
        for _ in range(3000):
            o, c = random.uniform(1e-3, 1e3), random.choice([random.uniform(1, 2), 100.25, 1e-300])
            extra = [random.choice([None, 0.0, random.random() * 1e6]) for _ in range(6)] if asset != "A" else [1.0] + [None] * 5
            rows.append((asset, ts, o, max(o, c), min(o, c), c, *extra))
            ts += 60 * random.choice([1, 1, 2, 5000])
    db.execute("BEGIN")
    db.executemany("INSERT INTO bars(asset, timestep, ts, open, high, low, close, volume, vwap, trades, bid, ask, open_interest) "
                   "VALUES (?, 'minute', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
    db.execute("COMMIT")
    for options in ({}, {"time": "epoch"}, {"level": 9}):
        options["overwrite"] = True
        got = json.loads(db.execute("SELECT bars_export('r.parquet', NULL, 'minute', NULL, NULL, ?)", (json.dumps(options),)).fetchone()[0])
        equal(f"export {options}", (got["rows"], got["assets"], got["bytes"]), (9000, 3, os.path.getsize("r.parquet")))
        back = connect()
        back.execute("SELECT bars_import('r.parquet', NULL, 'minute')")
        equal(f"back {options}", [r for a in ("A", "B,\"x\"", "é") for r in back.execute(
            "SELECT asset, ts, open, high, low, close, volume, vwap, trades, bid, ask, open_interest FROM bars(?, 'minute')", (a,))], rows)
    got = json.loads(db.execute("SELECT bars_export('a.pq', 'A', 'minute', '2024-01-05', '2024-07-01')").fetchone()[0])
    want = [r[1:7] for r in rows if r[0] == "A" and 1704412800 <= r[1] < 1719792000]
    equal("there are some", len(want) > 50, True)
    equal("a range of one asset", (got["rows"], got["columns"]), (len(want), "ts,open,high,low,close,volume"))
    equal("its bars", load("a.pq", "Q")[1]["Q"], want)
    # not written: the target's directory is not there, and the old file stays where something fails
    before = open("r.parquet", "rb").read()
    for path, part in (("no/x.parquet", "cannot be made: No such file"), ("r.parquet", "the file exists")):
        try:
            text = str(db.execute("SELECT bars_export(?, NULL, 'minute')", (path,)).fetchone())
        except sqlite3.Error as e:
            text = str(e)
        equal(path, part in text, True)
    equal("the old file", open("r.parquet", "rb").read() == before, True)
    equal("no temporary files", [n for n in os.listdir(".") if ".tmp" in n], [])


PROGRAM = """#!{python}
import ctypes, os, sys
class Result(ctypes.Structure):
    _fields_ = [("a", ctypes.c_uint64 * 3), ("b", ctypes.c_void_p * 3)]
assert "-batch" in sys.argv and "-bail" in sys.argv and sys.argv[sys.argv.index("-init") + 1] == "/dev/null"
lib = ctypes.CDLL({library!r})
lib.duckdb_result_error.restype = ctypes.c_char_p
base, connection, result = ctypes.c_void_p(), ctypes.c_void_p(), Result()
lib.duckdb_open(None, ctypes.byref(base))
lib.duckdb_connect(base, ctypes.byref(connection))
failed = lib.duckdb_query(connection, sys.argv[sys.argv.index("-c") + 1].encode(), ctypes.byref(result)) != 0
if failed:
    sys.stderr.write("\\n" + lib.duckdb_result_error(ctypes.byref(result)).decode() + "\\n")
os._exit(failed)
"""


def program(duck):
    """The program duckdb does what the library does.  A stand-in for it: the same options, the same engine."""
    os.mkdir("bin")
    with open("bin/duckdb", "w") as f:
        f.write(PROGRAM.format(python=sys.executable, library=LIBRARY))
    os.chmod("bin/duckdb", 0o755)
    os.environ["BARSVT_DUCKDB"] = os.path.abspath("bin/duckdb")
    make(duck, "t.parquet", "to_timestamp({ts}) AS ts" + PRICES)
    equal("program reads", load("t.parquet")[1]["A"], BARS)
    equal("program fails", "DuckDB: " in error("cut.parquet", "A", "minute"), True)
    db = connect()
    db.execute("SELECT bars_import('t.parquet', 'A', 'minute')")
    equal("program writes", json.loads(db.execute("SELECT bars_export('p.parquet', 'A', 'minute')").fetchone()[0])["rows"], 4)
    equal("and reads it", load("p.parquet")[1]["A"], BARS)
    os.environ["BARSVT_DUCKDB"] = "/nonexistent/duckdb"
    for text in (error("t.parquet", "A", "minute"),):
        equal("no DuckDB", "npm install @duckdb/node-bindings-linux-x64" in text and "not found" in text, True)
    os.environ["BARSVT_DUCKDB"] = LIBRARY


def found_by_npm(duck):
    """Without the variable: the npm package below the current directory."""
    del os.environ["BARSVT_DUCKDB"]
    os.makedirs("node_modules/@duckdb/node-bindings-linux-x64")
    os.symlink(LIBRARY, "node_modules/@duckdb/node-bindings-linux-x64/libduckdb.so")
    make(duck, "t.parquet", "{ts} AS ts" + PRICES)
    equal("found in node_modules", load("t.parquet")[1]["A"], BARS)
    os.environ["BARSVT_DUCKDB"] = LIBRARY


duckdb = Duck(LIBRARY)
for part in (times, values, columns, places, many_rows):
    part(duckdb)
round_trip()
program(duckdb)
found_by_npm(duckdb)
print(f"{checks} checks, {failures} failures")
sys.exit(failures > 0)
