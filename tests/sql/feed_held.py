#!/usr/bin/python3
"""A feed read again: rows of its sources that were kept from the first time are used only while nothing has changed.

Every state is read three times (the first time from SQL, then from what was kept) and compared with a join in SQL."""
import os
import sqlite3
import sys

sys.dont_write_bytecode = True
from bt_help import Checks, connect, one  # noqa: E402

checks = Checks()
START = 1704292200


def bars(db, asset, first, n):
    db.execute(f"INSERT INTO bars(asset, timestep, ts, open, high, low, close) WITH RECURSIVE i(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM i WHERE n < {n - 1})"
               f" SELECT ?, 'minute', {START} + 60 * ({first} + n), 10, 12, 9, 10 + n % 3 FROM i", (asset,))


def check(db, what, columns='score', extra='', clock=None):
    """Signals as of, context as of: both plain tables, so the newest row with ts at or before the bar's."""
    want = db.execute("SELECT b.ts, b.asset, (SELECT score FROM scores s WHERE s.asset = b.asset AND s.ts <= b.ts ORDER BY s.ts DESC LIMIT 1),"
                      " (SELECT vix FROM macro m WHERE m.ts <= b.ts ORDER BY m.ts DESC LIMIT 1)"
                      f" FROM bars b WHERE b.asset IN ('A', 'B') AND b.timestep = 'minute' {extra} ORDER BY b.ts, b.asset").fetchall()
    for time in range(3):
        checks.equal(db.execute(f"SELECT ts, asset, score, vix FROM feed WHERE 1 {extra}").fetchall(), want, f'{what}, time {time}')
    checks.equal(db.execute(f"SELECT ts, asset, score FROM feed WHERE asset = 'B' {extra}").fetchall(), [r[:3] for r in want if r[1] == 'B'], f'{what}, one asset')


for file in (':memory:', 'held.db'):
    for index in ('', 'CREATE INDEX scores_i ON scores(asset, ts)', 'CREATE INDEX scores_t ON scores(ts)'):
        if os.path.exists(file):
            os.remove(file)
        db = connect(file)
        bars(db, 'A', 0, 900)
        bars(db, 'B', 300, 700)
        db.execute('CREATE TABLE scores(ts INTEGER, asset TEXT, score)')
        db.execute('CREATE TABLE macro(ts INTEGER, vix REAL)')
        db.execute(f"INSERT INTO scores SELECT ts + 17, asset, CASE ts / 60 % 7 WHEN 0 THEN NULL WHEN 1 THEN 3 ELSE ts % 1000 / 8.0 END FROM bars WHERE asset IN ('A', 'B')"
                   f" AND timestep = 'minute' AND ts % 300 = 0")
        db.execute(f'INSERT INTO macro VALUES ({START - 99}, 1), ({START + 6000}, 2), ({START + 9000}, 3)')
        if index:
            db.execute(index)
        db.execute('CREATE VIRTUAL TABLE feed USING bars_feed(timestep=minute, signals=(scores match=asof), context=macro)')
        what = f'{file} {index or "no index"}: '
        check(db, what + 'as made')
        check(db, what + 'a range', extra=f'AND b.ts >= {START + 7777} AND b.ts < {START + 40000}'.replace('b.ts', 'ts'))
        db.execute(f'UPDATE scores SET score = -1 WHERE ts > {START + 20000}')
        check(db, what + 'updated')
        db.execute('BEGIN')
        db.execute(f"INSERT INTO scores VALUES ({START + 31000}, 'B', 77)")
        check(db, what + 'in a transaction')
        db.execute('ROLLBACK')
        check(db, what + 'rolled back')
        db.execute('DELETE FROM scores WHERE asset = \'A\'')
        check(db, what + 'deleted')
        bars(db, 'A', 900, 300)
        db.execute(f"INSERT INTO macro VALUES ({START + 60 * 1000}, 9)")
        check(db, what + 'more bars')
        db.execute('ALTER TABLE scores RENAME TO olds')
        db.execute('CREATE TABLE scores AS SELECT ts + 60 AS ts, asset, score FROM olds')
        check(db, what + 'another table of the name')
        db.execute('DROP TABLE scores')
        db.execute('CREATE VIEW scores AS SELECT ts, asset, score FROM olds')
        check(db, what + 'a view')
        db.execute('UPDATE olds SET score = score + 1')
        check(db, what + 'a view of what was updated')
        db.execute('DROP VIEW scores')
        db.execute('ALTER TABLE olds RENAME TO scores')
        db.execute(f"INSERT INTO scores VALUES ({START + 60}, 'B', 'text')")
        check(db, what + 'with a text')
        # under a clock only what was known then is seen, whatever was kept before
        whole = db.execute('SELECT ts, asset, score, vix, known_at FROM feed').fetchall()
        for clock in (START + 3000, START + 30030, START + 61000):
            db.execute('SELECT bars_clock(?)', (clock,))
            for time in range(2):
                checks.equal(db.execute('SELECT ts, asset, score, vix, known_at FROM feed').fetchall(), [r for r in whole if r[4] <= clock], f'{what}{clock}, time {time}')
        db.execute('SELECT bars_clock(NULL)')
        checks.equal(db.execute('SELECT ts, asset, score, vix, known_at FROM feed').fetchall(), whole, what + 'no clock again')
        if file != ':memory:':  # another connection writes
            db.execute("DELETE FROM scores WHERE score = 'text'")
            check(db, what + 'before the other')
            other = sqlite3.connect(file, isolation_level=None)
            other.execute('UPDATE scores SET score = score * 2')
            check(db, what + 'after the other')
            other.close()
        db.execute("SELECT bars_config('memory_limit', '1 MB')")
        check(db, what + 'with little memory')
        db.execute("SELECT bars_config('memory_limit', '1 GB')")
        db.close()

# rows that were kept are memory that is given back
db = connect()
bars(db, 'A', 0, 200000)
db.execute("CREATE TABLE scores AS SELECT ts, asset, close AS score FROM bars('A', 'minute')")
db.execute('CREATE INDEX scores_i ON scores(asset, ts)')
db.execute('CREATE VIRTUAL TABLE feed USING bars_feed(timestep=minute, signals=scores)')


def used():
    return one(db, "SELECT value FROM bars_stat WHERE name = 'memory.cursor'") + one(db, "SELECT value FROM bars_stat WHERE name = 'memory.derived'")


before = used()
total = one(db, 'SELECT sum(score) FROM feed')
checks.ok(used() - before > 200000 * 17, f'rows are kept: {used() - before} bytes')
checks.equal(one(db, 'SELECT sum(score) FROM feed'), total, 'from what was kept')
db.execute("SELECT bars_config('memory_limit', '2 MB')")
checks.equal(one(db, 'SELECT sum(score) FROM feed'), total, 'little memory')
checks.ok(used() - before < 1000000, f'memory was given back: {used() - before} bytes are left')
db.execute("SELECT bars_config('memory_limit', '1 GB')")
checks.finish()
