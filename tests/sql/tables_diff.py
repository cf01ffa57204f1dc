#!/usr/bin/python3
"""The table bars against a plain table of the same rows.

Every query is written for bars; the plain version is the same text with bars('A', 'minute', lo, hi)
replaced by the equivalent subquery and bars by the table's name, or is given beside it.  Rows must be
equal, values with their types; where the query orders them, their order too.  A fixed list covers joins,
subqueries and compounds one by one, then a seeded generator combines filters, orders and limits.  All of it runs
with bars kept as rows, with sealed bars, with windows of 40 bars and little memory, and, as views, in
the shell with trusted_schema off and defensive on.
"""
import datetime
import os
import random
import re
import sqlite3
import subprocess
import sys
import zoneinfo

SO = os.environ["BARSVT_SO"]
SHELL = os.environ.get("SQLITE3", "sqlite3")
UTC = datetime.timezone.utc
NY = zoneinfo.ZoneInfo("America/New_York")
COLUMNS = "asset, timestep, ts, open, high, low, close, volume, vwap, trades, bid, ask, open_interest"


def next_day(ts, zone):
    """The same wall clock a day later, which for a local midnight is the next local midnight."""
    local = datetime.datetime.fromtimestamp(ts, zone).replace(tzinfo=None) + datetime.timedelta(days=1)
    return int(local.replace(tzinfo=zone).timestamp())


def make_rows():
    """(asset, timestep, ts, prices..., known_at, time) of five series with gaps and odd bars."""
    rng = random.Random(20240102)
    rows = []

    def add(asset, step, ts, known_at):
        o, c = rng.randrange(900, 1100) / 10, rng.randrange(900, 1100) / 10
        h, l = max(o, c) + rng.randrange(0, 9) / 10, min(o, c) - rng.randrange(0, 9) / 10
        extra = [rng.choice((None, float(rng.randrange(1000)), rng.random())) for _ in range(6)]
        text = datetime.datetime.fromtimestamp(ts, UTC).strftime("%Y-%m-%d %H:%M:%S")
        rows.append((asset, step, ts, o, h, l, c, *extra, known_at, text))

    start = 1704205800
    for asset, n in (("A", 700), ("B", 300), ("é", 60)):
        ts = start - rng.randrange(5) * 60
        for _ in range(n):
            add(asset, "minute", ts, ts + 60)
            ts += 60 * rng.choice((1, 1, 1, 1, 2, 3, 90)) + (7 if rng.random() < 0.02 else 0)
    ts = start - start % 300
    for _ in range(120):
        add("A", "5 minutes", ts, ts + 300)
        ts += 300 * rng.choice((1, 1, 2))
    day = datetime.datetime(2024, 2, 20, tzinfo=NY)
    for k in range(80):  # over the change of clocks on March 10
        local = (day.replace(tzinfo=None) + datetime.timedelta(days=k)).replace(tzinfo=NY)
        ts = int(local.timestamp()) + (34200 if k % 17 == 3 else 0)
        if k % 7 != 5:
            add("B", "day", ts, next_day(ts, NY))
    return rows


ROWS = make_rows()
TIMES = sorted({r[2] for r in ROWS if r[1] == "minute"})


def fill(db):
    marks = ", ".join("?" * 13)
    db.execute("CREATE TABLE p(asset TEXT, timestep TEXT, ts INTEGER, open REAL, high REAL, low REAL, close REAL,"
               " volume REAL, vwap REAL, trades REAL, bid REAL, ask REAL, open_interest REAL, known_at INTEGER,"
               " time TEXT)")
    db.executemany(f"INSERT INTO p VALUES ({marks}, ?, ?)", ROWS)
    db.executemany(f"INSERT INTO bars({COLUMNS}) VALUES ({marks})", [r[:13] for r in ROWS])
    db.execute("SELECT bars_asset('B', 'tz', 'America/New_York')").fetchall()
    db.executescript("""
        CREATE TABLE sym(id INTEGER PRIMARY KEY, sym TEXT, step TEXT, at INTEGER);
        INSERT INTO sym(sym, step, at) VALUES ('A', 'minute', 1704206000), ('B', 'minute', 1704207000),
          ('A', '5 minutes', 1704209000), (NULL, 'minute', 1704206000), ('B', 'day', 1709000000),
          ('B', NULL, 1), ('A', 'minute', NULL);
        CREATE VIEW vb AS SELECT asset AS a, timestep AS s, * FROM bars WHERE timestep = 'minute';
        CREATE VIEW vp AS SELECT asset AS a, timestep AS s, ts, open, high, low, close, volume, vwap, trades, known_at,
          time FROM p WHERE timestep = 'minute';
        CREATE VIEW wb AS SELECT asset, ts, avg(close) OVER (PARTITION BY asset ORDER BY ts ROWS 3 PRECEDING) AS m
          FROM bars WHERE asset IN ('A', 'B') AND timestep = 'minute';
        CREATE VIEW wp AS SELECT asset, ts, avg(close) OVER (PARTITION BY asset ORDER BY ts ROWS 3 PRECEDING) AS m
          FROM p WHERE asset IN ('A', 'B') AND timestep = 'minute';
    """)
    db.commit()


CALL = re.compile(r"\bbars\(([^(),]+), *([^(),]+)(?:, *([^(),]+))?(?:, *([^(),]+))?\)")


def plain(sql):
    """The same query over p.  NULL asset or timestep gives no rows, NULL start or end is open."""
    def subquery(m):
        asset, step, lo, hi = m.groups()
        text = f"SELECT * FROM p AS q WHERE q.asset = {asset} AND q.timestep = {step}"
        if lo:
            text += f" AND ({lo} IS NULL OR q.ts >= {lo})"
        if hi:
            text += f" AND ({hi} IS NULL OR q.ts < {hi})"
        return f"({text})"

    if isinstance(sql, tuple):
        return sql[1]
    sql = CALL.sub(subquery, sql)
    sql = re.sub(r"\bvb\b", "vp", re.sub(r"\bwb\b", "wp", sql))
    return re.sub(r"\bbars\b", "p", sql)


# ---- queries written out; in order where they end with ORDER BY ----

A = "asset = 'A' AND timestep = 'minute'"
FIXED = [
    "SELECT ts, open, high, low, close, volume, vwap, trades, known_at, time FROM bars('A', 'minute')",
    "SELECT asset, timestep, bid, ask, open_interest FROM bars WHERE asset IN ('A', 'B', 'é') AND timestep = 'minute'",
    "SELECT count(*), min(ts), max(ts), min(close), max(close), sum(volume) FROM bars('A', 'minute')",
    "SELECT min(ts) FROM bars('A', 'minute')",
    "SELECT max(ts) FROM bars('A', 'minute')",
    f"SELECT max(ts) FROM bars WHERE {A} AND ts < 1704300000",
    f"SELECT max(known_at) FROM bars WHERE {A} AND ts < 1704300000.5",
    "SELECT max(ts), close FROM bars('A', 'minute')",
    "SELECT min(ts), close FROM bars WHERE asset IN ('A', 'B') AND timestep = 'minute'",
    "SELECT max(ts) FROM bars WHERE asset IN ('A', 'B') AND timestep = 'minute'",
    "SELECT known_at - ts, count(*) FROM bars('B', 'day') GROUP BY 1 ORDER BY 1",
    "SELECT ts FROM bars(NULL, 'minute')",
    "SELECT ts FROM bars('A', NULL)",
    "SELECT count(*) FROM bars('A', 'minute', NULL, NULL)",
    "SELECT count(*) FROM bars('A', 'minute', NULL, 1704300000)",
    "SELECT count(*) FROM bars('A', 'minute', 1704300000, NULL)",
    "SELECT count(*) FROM bars('A', 'minute', 1704300000, 1704300000)",
    "SELECT ts FROM bars WHERE asset = NULL AND timestep = 'minute'",
    f"SELECT ts FROM bars WHERE {A} AND ts > NULL",
    f"SELECT ts FROM bars WHERE {A} AND ts = NULL",
    f"SELECT ts FROM bars WHERE {A} AND ts IS NULL",
    f"SELECT ts FROM bars WHERE {A} AND ts IS 1704205800",
    f"SELECT count(*) FROM bars WHERE {A} AND ts IS NOT NULL",
    # more than one value for one argument
    f"SELECT count(*) FROM bars WHERE {A} AND asset = 'A'",
    f"SELECT count(*) FROM bars WHERE {A} AND asset = 'B'",
    f"SELECT count(*) FROM bars WHERE {A} AND asset IN ('B', 'A')",
    f"SELECT count(*) FROM bars WHERE asset IN ('B', 'A') AND asset IN ('A', 'é') AND timestep = 'minute'",
    f"SELECT count(*) FROM bars WHERE {A} AND timestep = 'day'",
    f"SELECT count(*) FROM bars WHERE {A} AND (ts < 1704300000 OR close > 100)",
    f"SELECT ts FROM bars WHERE {A} AND (ts = 1704205860 OR ts = 1704205920.0 OR close > 109) ORDER BY ts",
    "SELECT asset, timestep, ts FROM bars WHERE (asset = 'A' AND timestep = 'minute' AND ts < 1704210000) OR (asset = 'B'"
    " AND timestep = 'day' AND close > 100) OR (asset = 'A' AND timestep = '5 minutes') ORDER BY 1, 2, 3",
    "SELECT count(*) FROM bars WHERE asset = 'A' AND timestep = 'minute' AND asset = 'a' COLLATE NOCASE",
    # few rows expected, more there
    "SELECT ts FROM bars WHERE asset = 'é' AND timestep = 'minute' AND ts > (SELECT 5) ORDER BY close, ts",
    "SELECT DISTINCT trades IS NULL FROM bars WHERE asset = 'é' AND timestep = 'minute' AND ts > (SELECT 5) ORDER BY 1",
    "SELECT count(*) FROM bars WHERE asset IN ('A', 'A', NULL, 'B') AND timestep = 'minute'",
    "SELECT count(*) FROM bars WHERE asset IN (NULL) AND timestep = 'minute'",
    "SELECT count(*) FROM bars WHERE asset IN (SELECT sym FROM sym) AND timestep = 'minute'",
    "SELECT asset, timestep, count(*) FROM bars WHERE asset = 'A' AND timestep IN ('minute', '5 minutes') GROUP BY 1, 2"
    " ORDER BY 1, 2",
    f"SELECT ts FROM bars WHERE {A} AND ts IN (1704205800, 1704205860, 1704205920.0, 5, NULL) ORDER BY ts",
    f"SELECT ts FROM bars WHERE {A} AND ts IN (SELECT ts FROM bars('B', 'minute')) ORDER BY ts DESC",
    f"SELECT ts FROM bars WHERE {A} AND ts NOT IN (SELECT ts FROM bars('B', 'minute')) ORDER BY ts",
    # twenty terms: the core tests those after the sixteenth itself
    f"SELECT count(*) FROM bars WHERE {' AND '.join(f'ts > {1704205000 + i}' for i in range(20))} AND {A}",
    f"SELECT count(*) FROM bars WHERE {' AND '.join(f'ts <> {i}' for i in range(20))} AND {A} AND ts < 1704300000",
    # joins
    "SELECT s.id, b.ts, b.close FROM sym s JOIN bars b ON b.asset = s.sym AND b.timestep = s.step",
    "SELECT s.id, b.ts, b.close FROM sym s CROSS JOIN bars b ON b.asset = s.sym AND b.timestep = s.step",
    "SELECT s.id, b.ts FROM bars b JOIN sym s ON b.asset = s.sym AND b.timestep = s.step WHERE b.ts < s.at",
    ("SELECT s.id, b.ts FROM sym s, bars(s.sym, s.step, s.at) b", "SELECT s.id, b.ts FROM sym s, p b WHERE"
     " b.asset = s.sym AND b.timestep = s.step AND (s.at IS NULL OR b.ts >= s.at)"),
    ("SELECT s.id, b.ts FROM sym s, bars(s.sym, s.step, s.at, 1709999999) b WHERE s.id <> 5", "SELECT s.id, b.ts FROM sym s,"
     " p b WHERE b.asset = s.sym AND b.timestep = s.step AND (s.at IS NULL OR b.ts >= s.at) AND b.ts < 1709999999"
     " AND s.id <> 5"),
    "SELECT s.id, b.ts FROM sym s LEFT JOIN bars b ON b.asset = s.sym AND b.timestep = s.step AND b.ts = s.at",
    "SELECT s.id, count(b.ts) FROM sym s LEFT JOIN bars b ON b.asset = s.sym AND b.timestep = s.step AND b.ts > s.at"
    " GROUP BY s.id ORDER BY s.id",
    ("SELECT s.id, b.ts FROM sym s LEFT JOIN bars(s.sym, s.step) b ON b.ts = s.at WHERE b.ts IS NULL", "SELECT s.id, b.ts"
     " FROM sym s LEFT JOIN p b ON b.asset = s.sym AND b.timestep = s.step AND b.ts = s.at WHERE b.ts IS NULL"),
    "SELECT a.ts, a.close, b.close FROM bars('A', 'minute') a JOIN bars('B', 'minute') b ON a.ts = b.ts",
    "SELECT a.ts, a.close, b.close FROM bars('A', 'minute') a JOIN bars('B', 'minute') b USING (ts) ORDER BY ts",
    "SELECT a.ts, b.close FROM bars('A', 'minute') a LEFT JOIN bars('B', 'minute') b ON a.ts = b.ts ORDER BY a.ts DESC",
    "SELECT a.ts, b.ts FROM bars('é', 'minute') a FULL JOIN bars('B', 'minute') b ON a.ts = b.ts",
    # as a right table SQLite gives no table-valued function its arguments; a subquery does
    "SELECT a.ts, b.ts FROM bars('é', 'minute') a RIGHT JOIN (SELECT * FROM bars('B', 'minute')) b ON a.ts = b.ts"
    " WHERE b.close > 105",
    "SELECT count(*) FROM bars('é', 'minute') a, bars('é', 'minute') b WHERE a.ts < b.ts",
    "SELECT a.asset, a.ts FROM bars a, bars b WHERE a.asset = b.asset AND a.timestep = b.timestep AND b.asset = 'é'"
    " AND b.timestep = 'minute' AND a.ts = b.ts ORDER BY a.ts",
    # subqueries
    "SELECT s.id, (SELECT close FROM bars b WHERE b.asset = s.sym AND b.timestep = s.step AND b.ts <= s.at"
    " ORDER BY ts DESC LIMIT 1) FROM sym s",
    "SELECT ts, (SELECT avg(close) FROM bars b WHERE b.asset = 'A' AND b.timestep = 'minute' AND b.ts <= a.ts"
    " AND b.ts > a.ts - 600) FROM bars('é', 'minute') a ORDER BY ts",
    "SELECT ts FROM bars('A', 'minute') a WHERE EXISTS (SELECT 1 FROM bars('B', 'minute') b WHERE b.ts = a.ts + 60)",
    "SELECT ts FROM bars('A', 'minute') a WHERE NOT EXISTS (SELECT 1 FROM bars('B', 'minute') b WHERE b.ts = a.ts)",
    "SELECT sym FROM sym WHERE EXISTS (SELECT 1 FROM bars b WHERE b.asset = sym AND b.timestep = step AND b.close > 109.5)",
    "SELECT ts, close FROM bars('A', 'minute') WHERE close = (SELECT max(close) FROM bars('A', 'minute')) ORDER BY ts",
    ("SELECT ts FROM bars('A', 'minute', (SELECT max(at) FROM sym WHERE id < 4)) ORDER BY ts LIMIT 5", "SELECT ts FROM p"
     " WHERE asset = 'A' AND timestep = 'minute' AND ts >= (SELECT max(at) FROM sym WHERE id < 4) ORDER BY ts LIMIT 5"),
    # compounds
    "SELECT ts FROM bars('A', 'minute') UNION SELECT ts FROM bars('B', 'minute') ORDER BY ts",
    "SELECT ts FROM bars('A', 'minute') EXCEPT SELECT ts FROM bars('B', 'minute') ORDER BY 1 DESC",
    "SELECT ts FROM bars('A', 'minute') INTERSECT SELECT ts FROM bars('B', 'minute') ORDER BY 1 LIMIT 7 OFFSET 3",
    "SELECT asset, ts FROM bars WHERE asset = 'A' AND timestep = 'minute' UNION ALL SELECT asset, ts FROM bars"
    " WHERE asset = 'B' AND timestep = 'minute' ORDER BY ts, asset LIMIT 40 OFFSET 11",
    "SELECT * FROM (SELECT ts FROM bars('A', 'minute') ORDER BY ts DESC LIMIT 5) UNION ALL"
    " SELECT * FROM (SELECT ts FROM bars('B', 'minute') ORDER BY ts LIMIT 5 OFFSET 2)",
    # views
    "SELECT a, s, ts, close FROM vb WHERE a = 'A' AND ts < 1704210000 ORDER BY ts",
    "SELECT a, count(*) FROM vb WHERE a IN ('A', 'B') GROUP BY a ORDER BY a",
    "SELECT ts FROM vb WHERE a = 'A' AND s = 'minute' ORDER BY ts DESC LIMIT 3",
    "SELECT x.ts FROM vb x JOIN vb y ON x.ts = y.ts AND x.a = 'A' AND y.a = 'B' ORDER BY x.ts",
    "SELECT asset, ts, m FROM wb WHERE asset = 'B' ORDER BY ts",
    "SELECT asset, ts, m FROM wb ORDER BY asset, ts",
    # aggregates, windows, DISTINCT
    "SELECT asset, count(*), min(ts), max(close) FROM bars WHERE asset IN ('B', 'A') AND timestep = 'minute' GROUP BY asset"
    " ORDER BY asset DESC",
    "SELECT ts / 3600, min(low), max(high) FROM bars('A', 'minute') GROUP BY 1 HAVING count(*) > 3 ORDER BY 1",
    "SELECT DISTINCT trades IS NULL FROM bars('A', 'minute')",
    "SELECT DISTINCT ts FROM bars WHERE asset IN ('A', 'B') AND timestep = 'minute' ORDER BY ts",
    "SELECT DISTINCT ts FROM bars WHERE asset IN ('A', 'B') AND timestep = 'minute' ORDER BY ts DESC LIMIT 9",
    "SELECT DISTINCT asset, timestep FROM bars WHERE asset IN ('A', 'B') AND timestep = 'minute' ORDER BY 1",
    "SELECT ts, lag(close) OVER (ORDER BY ts), sum(volume) OVER (ORDER BY ts ROWS 5 PRECEDING) FROM bars('A', 'minute')"
    " ORDER BY ts",
    "SELECT ts, row_number() OVER (ORDER BY ts DESC) FROM bars('B', 'minute') ORDER BY ts",
    "SELECT asset, ts, rank() OVER (PARTITION BY asset ORDER BY ts) FROM bars WHERE asset IN ('B', 'A', 'é')"
    " AND timestep = 'minute' ORDER BY asset, ts",
    "SELECT asset, ts, first_value(close) OVER (PARTITION BY asset ORDER BY ts DESC) FROM bars WHERE asset IN ('B', 'A')"
    " AND timestep = 'minute' ORDER BY asset, ts DESC",
    "WITH x AS MATERIALIZED (SELECT ts, close FROM bars('A', 'minute')) SELECT ts FROM x WHERE close > 109 ORDER BY ts",
    "WITH RECURSIVE t(n) AS (SELECT 1704205800 UNION ALL SELECT n + 600 FROM t WHERE n < 1704212000)"
    " SELECT n, (SELECT max(ts) FROM bars WHERE asset = 'A' AND timestep = 'minute' AND ts < n) FROM t ORDER BY n",
]

# ---- queries made by a generator ----


def bound(rng):
    """A value that a time is compared with: whole, fractional, text, huge, NULL."""
    t = rng.choice(TIMES)
    return rng.choice((t, t, t, t + 1, t - 1, t + 0.5, float(t), f"'{t}'", f"'{t}.5'", 1e300, -1e300, 9223372036854775807,
                       -9223372036854775807, 0, "NULL"))


def term(rng):
    op = rng.choice(("=", "==", "<", "<=", ">", ">=", "<>", "IS", "IS NOT"))
    kind = rng.randrange(10)
    if kind < 5:
        return f"{rng.choice(('ts', 'ts', 'known_at'))} {op} {bound(rng)}"
    if kind == 5:
        return f"{bound(rng)} {op} ts"
    if kind == 6:
        return f"ts BETWEEN {bound(rng)} AND {bound(rng)}"
    if kind == 7:
        return f"ts IN ({', '.join(str(bound(rng)) for _ in range(rng.randrange(1, 5)))})"
    return rng.choice(("close > 100", "volume IS NULL", "high - low < 5", "time LIKE '%:0%'", "known_at <= 1704300000",
                       "ts % 3 = 0", "known_at > 1704220000.5", "close BETWEEN 95 AND 105"))


def random_query(rng):
    many = rng.random() < 0.4
    step = "minute" if rng.random() < 0.8 or many else "5 minutes"
    assets = rng.sample(("A", "B", "é"), rng.randrange(1, 4)) if many else []
    one = "A" if step == "5 minutes" else rng.choice(("A", "A", "é"))
    which = f"asset IN ({', '.join(repr(a) for a in assets)})" if many else f"asset = '{one}'"
    terms = [which, f"timestep = '{step}'"] + [term(rng) for _ in range(rng.randrange(0, 4))]
    rng.shuffle(terms)
    where = " AND ".join(terms)
    # ts is unique within one asset; over several, (asset, ts) is
    total = ["ts", "ts DESC", "known_at", "known_at DESC", "ts DESC, close", "asset, ts", "asset, ts DESC"]
    if many:
        total = ["asset, ts", "asset DESC, ts", "asset, ts DESC", "ts, asset", "ts DESC, asset DESC", "known_at, asset"]
    columns = rng.choice(("ts, close", "asset, timestep, ts, open, high", "time, known_at, volume, ts", "*"))
    if columns == "*":
        columns = "ts, open, high, low, close, volume, vwap, trades, known_at, time"
    order = rng.choice(total)
    if many and rng.random() < 0.5:  # ties: only what is ordered by can be compared
        columns = order = rng.choice(("ts", "known_at"))
        order += rng.choice(("", " DESC"))
    sql = f"SELECT {columns} FROM bars WHERE {where} ORDER BY {order}"
    if rng.random() < 0.5:
        sql += f" LIMIT {rng.choice((0, 1, 2, 10, 100, -1))}"
        if rng.random() < 0.5:
            sql += f" OFFSET {rng.choice((0, 1, 5, 50, 1000))}"
    return sql


# ---- comparison ----


def rows_of(db, sql, ordered):
    rows = db.execute(sql).fetchall()
    rows = [tuple((type(v).__name__, v) if v is not None else None for v in r) for r in rows]
    return rows if ordered else sorted(rows, key=repr)


def written(query):
    return query[0] if isinstance(query, tuple) else query


def is_ordered(sql):
    return re.search(r"ORDER BY [^()]*$", sql) is not None


def compare(db, queries, what):
    bad = nonempty = 0
    for query in queries:
        sql = written(query)
        ordered = is_ordered(sql)
        try:
            got, want = rows_of(db, sql, ordered), rows_of(db, plain(query), ordered)
        except sqlite3.Error as e:
            print(f"{what}: {e}\n  {sql}")
            bad += 1
            continue
        nonempty += bool(want)
        if got != want:
            first = next((i for i, (g, w) in enumerate(zip(got, want)) if g != w), min(len(got), len(want)))
            print(f"{what}: differs at row {first} ({len(got)} rows, not {len(want)}): {got[first:first + 1]}"
                  f" instead of {want[first:first + 1]}\n  {sql}")
            bad += 1
    if nonempty < len(queries) / 2:
        print(f"{what}: only {nonempty} of {len(queries)} queries have rows")
        bad += 1
    return bad


def in_the_shell(queries):
    """Each query as a view, in a hardened shell; both directions of EXCEPT must be empty."""
    script = [f".load {SO}", ".dbconfig defensive on", "PRAGMA trusted_schema = OFF;"]
    script += ["BEGIN;"]
    for i, query in enumerate(queries):
        script += [f"CREATE VIEW b{i} AS {written(query)};", f"CREATE VIEW p{i} AS {plain(query)};",
                   f"SELECT 'view {i} differs' WHERE (SELECT count(*) FROM b{i}) <> (SELECT count(*) FROM p{i})"
                   f" OR EXISTS (SELECT * FROM b{i} EXCEPT SELECT * FROM p{i})"
                   f" OR EXISTS (SELECT * FROM p{i} EXCEPT SELECT * FROM b{i});"]
    script += ["COMMIT;", "PRAGMA trusted_schema;", ".dbconfig defensive", "SELECT 'rows ' || count(*) FROM b0;"]
    done = subprocess.run([SHELL, "-batch", "-init", "/dev/null", "t.db"], input="\n".join(script), text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    want = ["defensive on", "0", "defensive on", "rows 700"]
    got = [" ".join(line.split()) for line in done.stdout.splitlines()]
    if got != want:
        print("hardened shell:", *got[:20], sep="\n  ")
    return got != want


def walks_in_order(db):
    """Orders that a walk over time has by itself need no sorter; the others do."""
    one, many = "asset = 'A' AND timestep = 'minute'", "asset IN ('A', 'B') AND timestep = 'minute'"
    cases = [(one, "ts", 0), (one, "ts DESC", 0), (one, "known_at DESC", 0), (one, "asset, ts", 0), (many, "ts", 0),
             (many, "ts DESC", 0), (many, "known_at", 0), (many, "asset, ts", 0), (many, "asset, ts DESC", 0),
             (many, "asset", 0), (one, "close", 1), (one, "ts, close", 1), (many, "asset DESC", 1), (many, "ts, asset", 1)]
    bad = 0
    for where, order, sorts in cases:
        sql = f"SELECT close FROM bars WHERE {where} ORDER BY {order}"
        steps = [r[3] for r in db.execute("EXPLAIN QUERY PLAN " + sql)]
        if sum("TEMP B-TREE" in step for step in steps) != sorts:
            print(f"plan of {sql}: {steps}")
            bad += 1
    return bad


def writes_what_it_reads(db):
    """INSERT ... SELECT from bars into bars: the source is read whole before it grows."""
    db.execute("BEGIN")
    db.execute(f"INSERT INTO bars({COLUMNS}) SELECT 'A2', timestep, ts, open, high, low, close, volume, vwap, trades, bid,"
               " ask, open_interest FROM bars WHERE asset = 'A' AND timestep = 'minute'")
    db.execute("INSERT INTO bars(asset, timestep, ts, open, high, low, close) SELECT asset, timestep, ts + 100000000, open,"
               " high, low, close FROM bars WHERE asset = 'A' AND timestep = 'minute'")
    n = db.execute("SELECT count(*) FROM bars('A', 'minute')").fetchone()[0]
    same = db.execute("SELECT count(*) FROM bars('A', 'minute') a JOIN bars('A2', 'minute') b ON a.ts = b.ts"
                      " AND a.close = b.close AND a.volume IS b.volume").fetchone()[0]
    db.execute("DELETE FROM bars WHERE asset = 'A' AND timestep = 'minute' AND ts > 100000000 AND ts % 2 = 0")
    left = db.execute("SELECT count(*) FROM bars('A', 'minute') WHERE ts % 2 = 0").fetchone()[0]
    db.execute("ROLLBACK")
    after = db.execute("SELECT count(*) FROM bars('A', 'minute')").fetchone()[0]
    if (n, same, left, after) != (1400, 700, 0, 700):
        print("INSERT ... SELECT from bars:", n, same, left, after)
        return 1
    return 0


def main():
    rng = random.Random(7)
    queries = FIXED + [random_query(rng) for _ in range(400)]
    db = sqlite3.connect("t.db", isolation_level=None)
    db.enable_load_extension(True)
    db.load_extension(SO)
    db.execute("BEGIN")
    fill(db)
    bad = compare(db, queries, "plain")
    bad += walks_in_order(db)
    bad += writes_what_it_reads(db)
    if '"bars":0' in db.execute("SELECT bars_compact()").fetchone()[0]:
        print("nothing was sealed")
        bad += 1
    bad += compare(db, queries, "sealed")
    db.execute("SELECT bars_config('history', 40), bars_config('future', 10), bars_config('memory_limit', '1 MB')").fetchall()
    bad += compare(db, queries, "small windows")
    shuffled = queries[:]
    rng.shuffle(shuffled)
    bad += compare(db, shuffled, "small windows, shuffled")
    db.close()
    bad += in_the_shell(queries)
    print(f"{len(queries)} queries, {bad} failures")
    return bad > 0


sys.exit(main())
