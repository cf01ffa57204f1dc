#!/usr/bin/python3
"""bars_across() against the functions of one series, bit for bit: at clocks, at instants, and at the steps of runs."""
import os
import random
import sqlite3
import struct
import sys

N = 2600  # bars of an asset at most: several pieces of a walk
BEGIN = 1704205800
SPECS = ("close", "volume", "hl2", "roc:5", "roc:390", "mom:3", "sma:20", "sma:9@rsi:14@high", "ema:10", "rsi:14", "stdev:30",
         "atr:14", "obv", "highest:50@high", "supertrend:10:3", "session_vwap", "trades", "close of B", "rsi:14 of A", "sma:5@close")
failed = compared = 0


def connect(file=":memory:"):
    db = sqlite3.connect(file, isolation_level=None)
    db.enable_load_extension(True)
    db.load_extension(os.environ["BARSVT_SO"])
    return db


def check(what, got, want):
    global failed, compared
    compared += len(want)
    if got != want:
        failed += 1
        print(f"{what}: {len(got)} rows, not {len(want)}; first {next((p for p in zip(got, want) if p[0] != p[1]), None)}")


def bits(v):
    return struct.pack("<d", v) if isinstance(v, float) else v


def fill(db):
    """Assets with gaps, of different lengths, at other minutes, without volume, with few bars, by the day alone, of quotes."""
    rng = random.Random(3)
    rows = []

    def series(asset, step, times, volume):
        px = 100.0
        for ts in times:
            o, px = px, round(max(1, px + rng.randrange(-9, 10) / 8), 3)
            v = float(rng.randrange(1, 900)) if volume and rng.random() < volume else None
            rows.append((asset, step, ts, o, max(o, px) + rng.randrange(3) / 4, min(o, px) - rng.randrange(3) / 4, px, v, None if v is None else rng.randrange(9)))

    def day(k, of):  # k-th minute, so many a day
        return BEGIN + k // of * 86400 + k % of * 60

    series("A", "minute", [day(k, 390) for k in range(N)], 1)
    series("B", "minute", [day(k, 390) for k in range(N) if k % 7 and not 300 < k < 900], 0.8)
    series("C", "minute", [day(k, 390) for k in range(700, 1500)], 0)
    series("D", "minute", [day(k, 200) + 30 for k in range(1200)], 1)
    series("few", "minute", [day(k, 390) for k in (5, 6, 7)], 1)
    series("daily", "day", [BEGIN // 86400 * 86400 + 86400 * k for k in range(40)], 1)
    series("A", "day", [BEGIN // 86400 * 86400 + 86400 * k for k in range(7)], 1)
    for side in ("bid", "ask"):
        for asset, off in (("A", 0), ("quoted", 3)):
            series(asset, f"minute {side}", [day(k, 390) for k in range(off, 900, 1 + off)], 0.5)
    db.executemany("INSERT INTO bars(asset, timestep, ts, open, high, low, close, volume, trades) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)


def values(db, step, spec, at=None):
    got = db.execute("SELECT asset, value, ts, known_at FROM bars_across(?, ?, ?) ORDER BY asset", (step, spec, at)).fetchall()
    return [(a, bits(v), ts, k) for a, v, ts, k in got]


def by_functions(db, step, spec, at=None):
    out = []
    for asset, in db.execute("SELECT asset FROM bars_coverage WHERE timestep = ? GROUP BY asset ORDER BY asset", (step,)).fetchall():
        args, tail = [asset, step, spec], ""
        if at is not None:
            args, tail = args + [at], ", ?"
        v, = db.execute(f"SELECT prev(?, ?, 0, ?{tail})", args).fetchone()
        ts, known = db.execute("SELECT ts, known_at FROM bars_asof(?, ?, ?)", (asset, step, at)).fetchone() or (None, None)
        out.append((asset, bits(v), ts, known))
    return out


def outside(db):
    clocks = [None, BEGIN, BEGIN + 59, BEGIN + 60, BEGIN + 600, BEGIN + 86400 + 7200, BEGIN + 3 * 86400 + 17, BEGIN + 50 * 86400]
    for clock in clocks + clocks[::-2]:
        db.execute("SELECT bars_clock(?)", (clock,))
        for step in ("minute", "day", "minute bid", "minute ask"):
            for spec in SPECS:
                if " of " in spec and step != "minute":
                    continue  # B has none
                check(f"{step} {spec} at clock {clock}", values(db, step, spec), by_functions(db, step, spec))
        for at in (BEGIN + 300, BEGIN + 2 * 86400, "2024-01-04 16:00"):
            check(f"at {at}, clock {clock}", values(db, "minute", "sma:20", at), by_functions(db, "minute", "sma:20", at))
    # By the functions' own names.
    db.execute("SELECT bars_clock(?)", (BEGIN + 4 * 86400 + 777,))
    for spec, call in (("roc:390", "roc(asset, 'minute', 390)"), ("rsi:14", "rsi(asset, 'minute', 14)"), ("sma:5@high", "sma(asset, 'minute', 5, 'high')"),
                       ("macd_signal:12:26:9", "macd_signal(asset, 'minute', 12, 26, 9)"), ("close", "last_price(asset, 'minute')")):
        want = db.execute(f"SELECT asset, {call} FROM bars_coverage WHERE timestep = 'minute' ORDER BY asset").fetchall()
        check(spec, db.execute("SELECT asset, value FROM bars_across('minute', ?)", (spec,)).fetchall(), want)


def aggregates(db):
    for clock in (None, BEGIN + 3 * 86400 + 17, BEGIN + 86400 + 3600):
        db.execute("SELECT bars_clock(?)", (clock,))
        for step in ("15 minutes", "2 hours"):
            for spec in ("close", "sma:3", "rsi:14", "atr:5"):
                want = []
                for asset in ("A", "B", "C", "D", "few"):
                    ts, known, v = db.execute("SELECT ts, known_at, prev(bars_agg, 0, ?) FROM bars_agg(?, ?) ORDER BY ts DESC LIMIT 1",
                                              (spec, asset, step)).fetchone() or (None, None, None)
                    want.append((asset, bits(v), ts, known))
                check(f"{step} {spec} at clock {clock}", values(db, step, spec), want)
    db.execute("SELECT bars_clock(NULL)")


def relations(db):
    def rows(sql, *args):
        return db.execute(sql, args).fetchall()

    for clock in (None, BEGIN + 86400 + 3600, BEGIN + 1800):
        db.execute("SELECT bars_clock(?)", (clock,))
        for spec in ("roc:5", "mom:400", "volume", "hl2"):
            everyone = rows("SELECT asset, value FROM bars_across('minute', ?)", spec)
            check("names in order", [a for a, _ in everyone], sorted(a for a, _ in everyone))
            have = sorted((r for r in everyone if r[1] is not None), key=lambda r: (-r[1], r[0]))
            none = [r for r in everyone if r[1] is None]
            check("down", rows("SELECT asset, value FROM bars_across('minute', ?) ORDER BY value DESC", spec), have + none)
            check("down, by name", rows("SELECT asset, value FROM bars_across('minute', ?) ORDER BY value DESC, asset", spec), have + none)
            check("up", rows("SELECT asset, value FROM bars_across('minute', ?) ORDER BY value", spec),
                  none + sorted((r for r in everyone if r[1] is not None), key=lambda r: (r[1], r[0])))
            check("down, names down", rows("SELECT asset, value FROM bars_across('minute', ?) ORDER BY value DESC, asset DESC", spec),
                  sorted(have, key=lambda r: (r[1], r[0]), reverse=True) + none[::-1])
            check("the best", rows("SELECT asset FROM bars_across('minute', ?) WHERE value IS NOT NULL ORDER BY value DESC LIMIT 2", spec), [(a,) for a, _ in have[:2]])
            ranks = {a: i + 1 for i, (a, _) in enumerate(have)}
            check("ranks", rows("SELECT asset, rank FROM bars_across('minute', ?) ORDER BY value", spec),
                  [(a, ranks.get(a)) for a, in rows("SELECT asset FROM bars_across('minute', ?) ORDER BY value", spec)])
            for a in ("A", "few"):  # a condition on asset chooses rows, it does not change them
                check("rank of one", rows("SELECT rank FROM bars_across('minute', ?) WHERE asset = ?", spec, a), [(ranks.get(a),)])
                check("one", rows("SELECT asset, value FROM bars_across('minute', ?) WHERE asset = ?", spec, a), [r for r in everyone if r[0] == a])
            check("some", rows("SELECT asset, value FROM bars_across('minute', ?) WHERE asset IN ('D', 'A', 'few', 'A', NULL)", spec), [r for r in everyone if r[0] in ("A", "D", "few")])
            check("some, collated", rows("SELECT asset, value FROM bars_across('minute', ?) WHERE asset COLLATE NOCASE = 'FEW'", spec), [r for r in everyone if r[0] == "few"])
            check("joined", rows("SELECT a.asset, x.value FROM (VALUES ('C'), ('A')) AS v JOIN barsvt_asset AS a ON a.asset = v.column1"
                                 " JOIN bars_across('minute', ?) AS x ON x.asset = a.asset ORDER BY 1", spec), [r for r in everyone if r[0] in ("A", "C")])
    db.execute("SELECT bars_clock(NULL)")
    check("two at once", rows("SELECT x.asset, x.value, y.value FROM bars_across('minute', 'close') AS x JOIN bars_across('minute', 'open') AS y USING (asset)"),
          [(a, v, o) for (a, v), (_, o) in zip(rows("SELECT asset, value FROM bars_across('minute', 'close')"), rows("SELECT asset, value FROM bars_across('minute', 'open')"))])
    check("specs of a table", rows("SELECT s.column1, count(x.value) FROM (VALUES ('close'), ('sma:3'), ('roc:2000')) AS s, bars_across('minute', s.column1) AS x GROUP BY 1"),
          [("close", 5), ("roc:2000", 1), ("sma:3", 5)])
    check("NULL", rows("SELECT * FROM bars_across(NULL, 'close')") + rows("SELECT * FROM bars_across('minute', NULL)") + rows("SELECT * FROM bars_across('minute', 'close') WHERE asset = NULL"), [])
    # What is stored later is there at once.
    before = rows("SELECT count(*) FROM bars_across('minute', 'close')")[0][0]
    db.execute("SAVEPOINT later")
    db.execute("INSERT INTO bars(asset, timestep, ts, open, high, low, close) VALUES ('new', 'minute', ?, 7, 7, 7, 7), ('A', 'minute', ?, 8, 8, 8, 8)", (BEGIN, BEGIN + 400 * 86400))
    check("a new asset", rows("SELECT asset, value FROM bars_across('minute', 'close') WHERE asset IN ('new', 'A')"), [("A", 8.0), ("new", 7.0)])
    db.execute("ROLLBACK TO later")
    db.execute("RELEASE later")
    check("and gone", rows("SELECT count(*) FROM bars_across('minute', 'close')"), [(before,)])


def runs(db):
    """Each step's values as tags of orders, of a view over bars_across and of one over the functions."""
    def tags(view, config):
        run, = db.execute("SELECT bt_run(?, ?)", (view, config)).fetchone()
        return run, db.execute("SELECT ts, asset, tag FROM bt_order WHERE run = ? ORDER BY ts, asset", (run,)).fetchall()

    db.executescript("DROP TABLE IF EXISTS traded; CREATE TABLE traded(asset TEXT PRIMARY KEY)")
    for universe, step, specs, every in ((("A", "B", "C", "D", "few"), "minute", SPECS, '"every": "hour", '), (("A", "B"), "minute", ("roc:390", "obv", "ema:10"), ""),
                                         (("A", "daily"), "day", ("roc:3", "ema:4"), ""), (("A", "quoted"), "minute bid", ("sma:20", "volume"), '"every": "15 minutes", '),
                                         (("A", "B", "D"), "30 minutes", ("rsi:5",), '"every": "hour", ')):
        db.execute("DELETE FROM traded")
        db.executemany("INSERT INTO traded VALUES (?)", [(a,) for a in universe])
        stepped = "minute" if step == "30 minutes" else step
        config = f'{{{every}"cash": 1e9, "timestep": "{stepped}", "quotes": "ignore", "assets": [{", ".join(f"{chr(34)}{a}{chr(34)}" for a in universe)}]}}'
        for spec in specs:
            function = f"prev(asset, '{step}', 0, '{spec}')"
            if step == "30 minutes":
                function = f"(SELECT prev(bars_agg, 0, '{spec}') FROM bars_agg(t.asset, '{step}') ORDER BY ts DESC LIMIT 1)"
            db.executescript(f"""
              DROP VIEW IF EXISTS table_view; DROP VIEW IF EXISTS function_view; DROP VIEW IF EXISTS named_view;
              CREATE TEMP VIEW table_view AS SELECT asset, 1 AS qty, printf('%!.20g', value) AS tag FROM bars_across('{step}', '{spec}');
              CREATE TEMP VIEW named_view AS SELECT asset, 1 AS qty, printf('%!.20g', value) AS tag FROM bars_across('{step}', '{spec}') WHERE asset IN (SELECT asset FROM traded);
              CREATE TEMP VIEW function_view AS SELECT asset, 1 AS qty, printf('%!.20g', {function}) AS tag FROM traded AS t;
            """)
            (one, got), (two, want), (_, named) = tags("table_view", config), tags("function_view", config), tags("named_view", config)
            check(f"run {step} {spec} {every}", got, want)
            check(f"run {step} {spec} {every}, named", named, want)
            if len({t for _, _, t in want}) < 5:
                check(f"run {step} {spec}: values", [], ["none"])
            columns = "ts, order_id, qty, price, cash"
            check("fills", db.execute(f"SELECT {columns} FROM bt_fill WHERE run = ?", (one,)).fetchall(), db.execute(f"SELECT {columns} FROM bt_fill WHERE run = ?", (two,)).fetchall())
            db.execute("DELETE FROM bt_run")
    # Two of them in one view; the clock alone, in the middle of a run, is no other for a second reader.
    db.execute("CREATE TEMP VIEW IF NOT EXISTS pair AS SELECT x.asset, 1 AS qty, printf('%!.20g %!.20g %!.20g', x.value, y.value, z.value) AS tag FROM bars_across('minute', 'roc:30') AS x"
               " JOIN bars_across('minute', 'ema:10') AS y USING (asset) JOIN bars_across('minute', 'close', '2024-01-03 15:00') AS z USING (asset)")
    db.execute("CREATE TEMP VIEW IF NOT EXISTS pair_functions AS SELECT asset, 1 AS qty, printf('%!.20g %!.20g %!.20g', roc(asset, 'minute', 30), ema(asset, 'minute', 10),"
               " prev(asset, 'minute', 0, '2024-01-03 15:00')) AS tag FROM traded")
    db.execute("DELETE FROM traded")
    db.executemany("INSERT INTO traded VALUES (?)", [(a,) for a in ("A", "B", "C", "D", "few")])
    config = '{"cash": 1e9, "every": "hour", "timestep": "minute", "assets": ["A", "B", "C", "D", "few"]}'
    check("two in a view", tags("pair", config)[1], tags("pair_functions", config)[1])
    # Without a list of assets: those that the table reads.
    db.execute("CREATE TEMP VIEW IF NOT EXISTS anyone AS SELECT asset, 1 AS qty FROM bars_across('minute', 'close')")
    run, = db.execute("SELECT bt_run('anyone', '{\"every\": \"day\", \"cash\": 1e9}')").fetchone()
    check("everybody", db.execute("SELECT DISTINCT asset FROM bt_order WHERE run = ? ORDER BY 1", (run,)).fetchall(), [(a,) for a in ("A", "B", "C", "D", "few")])
    inputs = db.execute("SELECT count(*) FROM bt_input WHERE run = ? AND kind = 'bars' AND name LIKE '%, minute'", (run,)).fetchone()
    check("inputs", inputs, (5,))
    # The same as of any of them that is done again, from checkpoints too.
    again, = db.execute("SELECT bt_rerun(?)", (run,)).fetchone()
    check("again", db.execute("SELECT * FROM bt_diff(?, ?)", (run, again)).fetchall(), [])
    # Set mode: the values of the run's end at every row; the audit sees that they look ahead.
    db.execute("CREATE TEMP VIEW IF NOT EXISTS ahead AS SELECT b.known_at, b.asset, x.value AS target_qty FROM bars('A', 'day') AS b JOIN bars_across('day', 'sma:2') AS x USING (asset)")
    if not db.execute("SELECT count(*) FROM bt_audit('ahead') WHERE field = 'target_qty'").fetchone()[0]:
        check("audit of a view that looks ahead", [], ["rows"])
    db.execute("CREATE TEMP VIEW IF NOT EXISTS newest AS SELECT known_at, asset, value AS target_qty FROM bars_across('day', 'sma:2', '2024-01-05') WHERE asset = 'A'")
    check("audit of one row", db.execute("SELECT DISTINCT change FROM bt_audit('newest')").fetchall(), [("extra",)])  # a clock before shows an earlier bar


def errors(db):
    for args, where, part in (("", "", "timestep is missing"), ("'minute'", "", "spec is missing"), ("'minut'", "", "spec is missing"), ("'minut', 'close'", "", "minut"),
                              ("'minute', 'clos'", "", "bars_across(): unknown column 'clos'"), ("'minute', 'sma:x'", "", "sma"), ("'minute', 'beta:60'", "", "two series"),
                              ("'second', 'close'", "", "no asset has 'second' bars"), ("'minute', 'close', 'x'", "", "at"), ("'minute', 'close', 1, 2", "", "too many"),
                              ("'minute', 'close'", " WHERE asset = 'NOPE'", "unknown asset 'NOPE'"), ("'minute', 'close'", " WHERE asset IN ('A', 'b')", "unknown asset 'b'"),
                              ("'minute', 'close'", " WHERE asset = 'daily'", "daily"), ("'minute', 'close of NOPE'", "", "NOPE")):
        try:
            db.execute(f"SELECT asset, value FROM bars_across{f'({args})' if args else ''}{where}").fetchall()
            why = "no error"
        except sqlite3.Error as e:
            why = str(e)
        if part not in why:
            check(f"bars_across({args}){where}", [why], [part])
    # Where ranks are read the condition chooses among all rows, so nobody is called that.
    check("rank of nobody", db.execute("SELECT rank FROM bars_across('minute', 'close') WHERE asset IN ('NOPE', 'daily')").fetchall(), [])
    check("an empty database", connect().execute("SELECT * FROM bars_across('minute', 'close')").fetchall(), [])


def attached():
    """An asset of an attached database counts, one of both as the main one has it."""
    bar = "INSERT INTO bars(asset, timestep, ts, open, high, low, close) VALUES (?, 'day', ?, ?, ?, ?, ?)"
    for file, assets, px in (("across_other.db", ("X", "Y"), 5.0), ("across_main.db", ("A", "Y"), 3.0)):
        for end in ("", "-wal", "-journal"):
            if os.path.exists(file + end):
                os.remove(file + end)
        db = connect(file)
        for asset in assets:
            db.execute(bar, (asset, 86400, px, px, px, px))
    db.execute("ATTACH 'across_other.db' AS other")
    check("attached", db.execute("SELECT asset, value FROM bars_across('day', 'close')").fetchall(), [("A", 3.0), ("X", 5.0), ("Y", 3.0)])


def main():
    db = connect()
    fill(db)
    outside(db)
    aggregates(db)
    relations(db)
    runs(db)
    db.execute("SELECT bars_compact()")  # sealed chunks are walked otherwise than rows
    runs(db)
    errors(db)
    attached()
    print(f"{compared} rows, {failed} failed")
    return failed != 0 or compared < 1000


sys.exit(main())
