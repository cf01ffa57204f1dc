#!/usr/bin/python3
"""Gaps against a calendar: every bucket of every session is looked for in plain SQL; and what a calendar may not be."""
import random
import sys

sys.dont_write_bytecode = True
from bt_help import Checks, connect, one  # noqa: E402

checks = Checks()
DAY = 86400
START = 1704240000 - 1704240000 % DAY
rng = random.Random(5)


def gaps(db, asset, step, more=''):
    return db.execute(f"""SELECT ts, "end", bars FROM bars_validate(?, ?, NULL, NULL, '{{"classes": ["gap"], "calendar": "sessions"{more}}}')""", (asset, step)).fetchall()


for n in range(40):
    db = connect()
    step = rng.choice((60, 300, 3600))
    name = {60: 'minute', 300: '5 minutes', 3600: 'hour'}[step]
    db.execute('CREATE TABLE sessions("start" INTEGER, "end" INTEGER)' if n % 2 else 'CREATE TABLE sessions(open INTEGER, close INTEGER)')
    sessions, buckets = [], []
    for day in range(rng.randrange(1, 12)):
        if rng.random() < 0.3:
            continue  # a holiday
        begin = START + DAY * day + rng.choice((34200, 36000))
        end = begin + rng.choice((6.5, 3.5, 5)) * 3600
        sessions.append((begin, int(end)))
        buckets.append([b for b in range(begin - begin % step, int(end), step)])
    db.executemany('INSERT INTO sessions VALUES (?, ?)', rng.sample(sessions, len(sessions)))
    have = [b for s in buckets for b in s if rng.random() < 0.9] + [START + DAY * 3 + 1 * 3600, START + DAY * 20]
    if rng.random() < 0.3:
        have = [h for h in have if not START + DAY * 4 <= h < START + DAY * 6]
    have = sorted(set(have))
    db.executemany("INSERT INTO bars(asset, timestep, ts, open, high, low, close) VALUES ('A', ?, ?, 1, 2, 1, 1)", [(name, h) for h in have])
    want = []
    for s in buckets:
        run = []
        for b in [*s, None]:
            if b is not None and have[0] < b < have[-1] and b not in have:
                run.append(b)
            elif run:
                want.append((run[0], run[-1] + step, len(run)))
                run = []
    checks.equal(gaps(db, 'A', name), want, f'{n}: {name}')
    checks.equal(gaps(db, 'A', name, ', "gap": 3'), [g for g in want if g[2] >= 3], f'{n}: {name}, at least three')
    # days: one bar per session
    kept = [s for s in sessions if rng.random() < 0.6]
    if len(kept) > 1:
        db.executemany("INSERT INTO bars(asset, timestep, ts, open, high, low, close) VALUES ('D', 'day', ?, 1, 2, 1, 1)", [(s[0] - s[0] % DAY,) for s in kept])
        want = []
        run = []
        for s in sessions:
            if s in kept and run:
                want.append((run[0][0], run[-1][1], len(run)))
            run = [] if s in kept else run + [s] if s > kept[0] else []
        checks.equal(gaps(db, 'D', 'day'), want, f'{n}: days')

db = connect()
db.execute("INSERT INTO bars(asset, timestep, ts, open, high, low, close) VALUES ('A', 'minute', ?, 1, 1, 1, 1), ('A', 'minute', ?, 1, 1, 1, 1)", (START, START + 600))
VALIDATE = "SELECT message FROM bars_validate('A', 'minute', NULL, NULL, ?)"
checks.equal(db.execute(VALIDATE, ('{"classes": ["gap"]}',)).fetchall(), [('bars are missing inside a day: 9',)], 'without a calendar')
db.execute(f'CREATE VIEW hours AS SELECT {START} - 60 AS start, {START} + 300 AS "end"')
checks.equal(db.execute(VALIDATE, ('{"classes": ["gap"], "calendar": "hours"}',)).fetchall(), [('bars are missing inside a session: 4',)], 'a view')
for options, needles in (('{"calendar": "nowhere"}', ["calendar 'nowhere'", 'no such table']), ('{"calendar": 3}', ["'calendar' must be the name"]),
                         ('{"calendar": "words"}', ["start is '2024-01-03'", 'epoch seconds']), ('{"calendar": "turned"}', ['ends before it has begun']),
                         ('{"calendar": "millis"}', ['milliseconds'])):
    db.execute("CREATE TABLE IF NOT EXISTS words AS SELECT '2024-01-03' AS start, '2024-01-04' AS \"end\"")
    db.execute(f'CREATE TABLE IF NOT EXISTS turned AS SELECT {START} + 100 AS open, {START} + 50 AS close')
    db.execute(f'CREATE TABLE IF NOT EXISTS millis AS SELECT {START}000 AS open, {START}000 AS close')
    checks.error(lambda: db.execute(VALIDATE, (options,)).fetchall(), ['bars_validate', *needles], options)

# signals: fail by class
db.execute(f"CREATE TABLE scores AS SELECT {START} AS ts, 'A' AS asset, 1 AS s UNION ALL SELECT {START} + 60, 'B', 2")
for option, needle in (('["unknown"]', 'unknown'), ('["early", "UNKNOWN"]', 'unknown'), ('"unknown"', 'unknown')):
    checks.error(lambda: db.execute(f"""SELECT * FROM bars_validate_signals('scores', 'minute', '{{"fail": {option}}}')""").fetchall(), ['bars_validate_signals', needle], f'fail {option}')
for option in ('["early"]', 'true', 'false'):
    checks.equal(db.execute(f"""SELECT class FROM bars_validate_signals('scores', 'minute', '{{"fail": {option}}}') WHERE asset = 'B'""").fetchall(), [('unknown',)], f'fail {option}')
checks.error(lambda: db.execute("""SELECT * FROM bars_validate_signals('scores', 'minute', '{"fail": ["late"]}')""").fetchall(), ["'fail[0]' must be true, false or classes"], 'fail of no class')
checks.finish()
