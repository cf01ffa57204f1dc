#!/usr/bin/python3
"""bars_validate_signals against the rules of timing written here, on random tables of signals.

A row stamped s is used at the first bar that begins at s or after it (strict), after it (next_bar), or at the
n-th that begins after it (custom n); matched exactly only where a bar begins at s.  It is used when that bar ends.
"""
import os
import random
import sqlite3
import sys

sys.dont_write_bytecode = True
from bt_help import SHARED, Checks, connect, one  # noqa: E402

checks = Checks()
START = 1704292200
COLUMNS = 'class, asset, ts, used_at, exists_at, lag, rows'


def expected(bars, rows, lag, asof, tolerance):
    """Problems of one asset but coarse; bars are (ts, known_at), rows (ts, known_at or None) in order."""
    out, never, unmatched, unused, uses = [], [], [], [], []
    before = None
    for row in rows:
        s, e = row
        same = before is not None and before[0] == s
        previous, before = before, row
        if same and previous[1] == e:
            out.append(('duplicate', 'A', s, None, None, None, 1))
            continue
        if e is None:
            never.append(s)
            continue
        if not asof and all(t != s for t, _ in bars):
            unmatched.append(s)
            continue
        after = [b for b in bars if (b[0] > s if lag else b[0] >= s)]
        n = max(lag, 1) - 1
        if n >= len(after):
            unused.append(s)
            continue
        ts, known = after[n]
        if asof and tolerance is not None and ts - s > tolerance:
            unmatched.append(s)
            continue
        uses.append((ts, s))
        if e > known and not (same and previous[1] is not None and previous[1] <= known):
            out.append(('early', 'A', s, known, e, e - known, 1))
    for cls, hit in (('never', never), ('unmatched', unmatched), ('unused', unused)):
        if hit:
            out.append((cls, 'A', hit[0], None, None, None, len(hit)))
    if uses:
        bare = 0
        span = [t for t, _ in bars if uses[0][0] <= t <= uses[-1][0]]
        for t in span:
            newest = max((u for u in uses if u[0] <= t), key=lambda u: (u[0], u[1]))
            covered = newest[0] == t if not asof else tolerance is None or t - newest[1] <= tolerance
            bare += not covered
        if bare:
            out.append(('coverage', 'A', uses[0][0], None, None, None, bare))
    return sorted(out, key=str)


rng = random.Random(8)
met = set()
for n in range(150):
    db = connect()
    ts = START
    bars = []
    for _ in range(rng.choice((1, 5, 30))):
        bars.append((ts, ts + 60))
        ts += 60 * rng.choice((1, 1, 1, 2, 9))
    db.executemany("INSERT INTO bars(asset, timestep, ts, open, high, low, close) VALUES ('A', 'minute', ?, 1, 1, 1, 1)", [b[:1] for b in bars])
    known = rng.random() < 0.7
    rows = []
    for _ in range(rng.choice((1, 6, 40))):
        s = rng.choice(bars)[0] if rng.random() < 0.8 else START - 100 + rng.randrange(3000)
        rows.append((s, rng.choice((None, s, s, s + 60, s + 61, s + 130, s - 5, s + 5000)) if known else s))
        if rng.random() < 0.1:
            rows.append(rows[-1])
    rng.shuffle(rows)
    db.execute('CREATE TABLE scores(score, ticker, known_at, timestamp)' if known else 'CREATE TABLE scores(score, ticker, hint, timestamp)')
    db.executemany("INSERT INTO scores VALUES (1, 'A', ?, ?)", [(e, s) for s, e in rows])
    rows.sort(key=lambda r: (r[0], r[1] is not None, r[1] or 0))
    lag, asof = rng.choice((0, 1, 2, 5)), rng.random() < 0.5
    tolerance = rng.choice((None, 0, 60, 600)) if asof else None
    options = {0: '"timing": "strict"', 1: '"timing": "next_bar"'}.get(lag, f'"timing": "custom", "lag": {lag}')
    options += f', "match": "{"asof" if asof else "exact"}", "span": "none"' + (f', "tolerance": {tolerance}' if tolerance is not None else '')
    got = db.execute(f"SELECT {COLUMNS} FROM bars_validate_signals('scores', 'minute', ?)", ('{' + options + '}',)).fetchall()
    want = expected(bars, rows, lag, asof, tolerance)
    checks.equal(sorted(got, key=str), want, f'table {n} {options}')
    met.update(w[0] for w in want)
checks.equal(met, {'early', 'duplicate', 'never', 'unmatched', 'unused', 'coverage'}, 'every class was met')

# signals aligned one to one with bars are right under every timing
db = connect()
db.execute("INSERT INTO bars(asset, timestep, ts, open, high, low, close) SELECT 'A', 'minute', 1704292200 + 60 * value, 1, 1, 1, 1 FROM"
           " json_each('[0,1,2,3,4,5,6,7,8,9]')")
db.execute("CREATE VIEW aligned AS SELECT ts, asset, close AS score FROM bars('A', 'minute')")
for timing in ('{}', '{"timing": "next_bar"}', '{"timing": "custom", "lag": 2}'):
    checks.equal(one(db, "SELECT count(*) FROM bars_validate_signals('aligned', 'minute', ?) WHERE severity = 'error'", timing), 0, f'aligned, {timing}')

# a day's value at its first minute: seen as coarse, and as early once it is said what ts labels
db.execute("CREATE TABLE daily AS SELECT 'A' AS asset, 1704240000 + 86400 * value AS ts, 1 AS score FROM json_each('[0,1,2]')")
checks.equal(db.execute("SELECT class, severity, rows FROM bars_validate_signals('daily', 'minute', '{\"match\": \"asof\"}')").fetchall(),
             [('unused', 'info', 2), ('coarse', 'warning', 3)], 'days on minutes')
checks.equal(db.execute("SELECT class, used_at, exists_at, lag, message FROM bars_validate_signals('daily', 'minute',"
                        " '{\"match\": \"asof\", \"span\": \"day\"}') WHERE severity = 'error'").fetchall(),
             [('early', START + 60, 1704326400, 1704326400 - START - 60, 'the signal of 2024-01-03 00:00:00 would be used at 2024-01-03 14:31:00,'
               ' 34140 s before it exists at 2024-01-04 00:00:00')], 'days on minutes with their span')
checks.equal(db.execute("SELECT class FROM bars_validate_signals('daily', 'minute', '{\"match\": \"asof\", \"span\": \"none\"}')").fetchall(),
             [('unused',)], 'days on minutes that are instants')

# rows that are no signals
db.execute('CREATE TABLE odd(ts, asset, score)')
db.executemany('INSERT INTO odd VALUES (?, ?, 1)', [(None, 'A'), ('2024-01-03', 'A'), (1704292200000, 'A'), (START, None), (START, 'Q'), (1704292200.5, 'A')])
checks.equal(db.execute("SELECT class, severity, asset, rows FROM bars_validate_signals('odd', 'minute')").fetchall(),
             [('time', 'error', 'A', 1)] * 4 + [('unknown', 'warning', 'Q', 1)], 'times that are none, assets that are none')
checks.error(lambda: db.execute("SELECT * FROM bars_validate_signals('odd', 'minute', '{\"fail\": true}')").fetchall(),
             ['bars_validate_signals: time: A', 'not a whole number of epoch seconds'], 'fail')
db.execute('CREATE TABLE market(ts, vix)')
for sql, needles in (("('none', 'minute')", ['no such table: none']), ("('odd')", ['missing argument timestep']), ("(NULL, 'minute')", ['missing argument signals']),
                     ("('market', 'minute')", ["signals 'market'", 'no column asset', 'context']), ("('odd', 'minute', '{\"ts\": \"when\"}')", ["no column 'when'"]),
                     ("('odd', 'parsec')", ['parsec']), ("('odd', 'minute', '{\"timing\": \"later\"}')", ['strict, next_bar, custom']),
                     ("('odd', 'minute', '{\"timing\": \"custom\"}')", ['needs lag']), ("('odd', 'minute', '{\"lag\": 2}')", ['timing = custom']),
                     ("('odd', 'minute', '{\"timing\": \"custom\", \"lag\": 0}')", ['from 1 to 1000']), ("('odd', 'minute', '{\"match\": \"near\"}')", ['neither exact nor asof']),
                     ("('odd', 'minute', '{\"tolerance\": 5}')", ['go with match = asof']), ("('odd', 'minute', '{\"match\": \"asof\", \"tolerance\": \"long\"}')", ["tolerance 'long'"]),
                     ("('odd', 'minute', '{\"span\": \"parsec\"}')", ['span', 'parsec']), ("('odd', 'minute', '{\"timming\": 1}')", ["did you mean 'timing'"])):
    checks.error(lambda: db.execute(f'SELECT * FROM bars_validate_signals{sql}').fetchall(), ['bars_validate_signals', *needles], sql)

# in an attached database, a view, an untrusted schema
db.execute("ATTACH ':memory:' AS aux2")
db.execute('CREATE TABLE aux2."my scores"(ts, asset, score)')
db.execute('INSERT INTO aux2."my scores" VALUES (?, \'A\', 1), (1, \'A\', 1)', (START,))
checks.equal(db.execute("SELECT class, ts FROM bars_validate_signals('aux2.my scores', 'minute') WHERE class = 'unmatched'").fetchall(), [('unmatched', 1)], 'attached')
db.execute("CREATE VIEW v AS SELECT class FROM bars_validate_signals('odd', 'minute')")
db.execute('PRAGMA trusted_schema = OFF')
checks.equal(len(db.execute('SELECT * FROM v').fetchall()), 5, 'a view of an untrusted schema')

lean = os.path.join(SHARED, 'data/real/data/lean/equity/usa')
if os.path.isdir(lean):
    db = connect()
    for path, step in (('daily/spy.zip', 'day'), ('minute/spy/20131007_trade.zip', 'minute'), ('minute/spy/20131008_trade.zip', 'minute')):
        db.execute("SELECT bars_import(?, 'SPY', ?)", (f'{lean}/{path}', step))
    # days of SPY as signals for its minutes: known when they end, used from the first minute after they begin
    db.execute("CREATE TABLE days AS SELECT asset, ts, known_at, close FROM bars('SPY', 'day', '2013-10-01', '2013-10-09')")
    got = db.execute("SELECT ts, used_at, exists_at FROM bars_validate_signals('days', 'minute', '{\"match\": \"asof\"}') WHERE class = 'early'").fetchall()
    minutes = "SELECT min(m.known_at) FROM bars('SPY', 'minute') m WHERE m.ts >= d.ts"
    want = db.execute(f"SELECT * FROM (SELECT ts, ({minutes}) AS used, known_at FROM days d) WHERE used < known_at").fetchall()
    checks.equal(got, want, "SPY's days on its minutes")
    checks.ok(len(want) == 2, 'both days with minutes are early')
checks.finish()
