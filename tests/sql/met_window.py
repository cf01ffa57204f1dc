"""Every aggregate m_* in every variant: over a window frame it is the plain aggregate of the frame's rows.

Frames of many kinds over series with NULLs, ties, constants, zeros, only losses, ruin.  The values must be
the same to the bit, and NULL in the same places, as the aggregate over a table that holds the frame alone.
NULL rows must change nothing; the order of rows must not matter where the figure does not depend on it."""
import os
import random
import re
import sys

sys.path.insert(0, os.path.join(os.environ['ROOT'], 'tests', 'sql'))
from bt_help import Checks, connect  # noqa: E402

N = 60
checks = Checks()
db = connect()
rng = random.Random(20240105)


def some(null, make):
    return [None if rng.random() < null else make() for _ in range(N)]


SERIES = {
    'random': some(0, lambda: rng.gauss(0.001, 0.02)),
    'gaps': some(0.3, lambda: rng.gauss(0.001, 0.02)),
    'ties': some(0.1, lambda: rng.choice((-0.02, -0.01, 0, 0, 0.01, 0.02))),
    'constant': [0.01] * N,
    'zero': [0.0] * N,
    'losses': some(0.1, lambda: -abs(rng.gauss(0.01, 0.01))),
    'wins': some(0.1, lambda: abs(rng.gauss(0.01, 0.01))),
    'ruin': [0.01, -0.5, -1.0, 0.2, -1.5, 0.1] * (N // 6),
    'empty': [None] * N,
    'big': some(0.1, lambda: rng.gauss(0, 1e6)),
}
FRAMES = ('ROWS BETWEEN 9 PRECEDING AND CURRENT ROW', 'ROWS BETWEEN 2 PRECEDING AND 3 FOLLOWING',
          'ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW', 'ROWS BETWEEN 5 FOLLOWING AND 8 FOLLOWING',
          'ROWS BETWEEN 4 PRECEDING AND UNBOUNDED FOLLOWING', 'RANGE BETWEEN 6 PRECEDING AND 1 PRECEDING',
          'GROUPS BETWEEN 1 PRECEDING AND 1 FOLLOWING', 'ROWS BETWEEN 6 PRECEDING AND 2 FOLLOWING EXCLUDE CURRENT ROW')
VALUES = {'periods': '252', 'risk_free': '0.02', 'cutoff': '0.1', 'quantile': '0.9', 'target_sharpe': '0.5',
          'trials': '20', 'trial_sd': '0.04', 'capital': '1000'}


def calls():
    """(call text, whether the input is equity) of every function and variant."""
    for signatures, variant in db.execute('SELECT function, variant FROM bars_metric WHERE function IS NOT NULL'):
        for name, inside in re.findall(r'(m_\w+)\(([^)]*)\)', signatures):
            words = re.findall(r'\w+', inside)
            assert words[-1] == 'variant', signatures
            columns = [w for w in words if w in ('ret', 'bench', 'equity', 'pnl', 'mfe', 'mae')]
            params = [VALUES[w] for w in words if w not in columns and w != 'variant']
            args = ['x', 'y'][:len(columns)] + params + ["'" + variant.replace("'", "''") + "'"]
            yield f'{name}({", ".join(args)})', 'equity' in columns


def fill(name, xs, equity):
    ys = SERIES['gaps'] if name != 'gaps' else SERIES['random']
    if equity:
        ys, xs = xs, [None if x is None else 100 * (1 + x) ** 3 for x in xs]
    db.execute('DELETE FROM t')
    db.executemany('INSERT INTO t VALUES (?, ?, ?, ?)', [(i, i // 3, x, y) for i, (x, y) in enumerate(zip(xs, ys))])


def frame_rows(frame):
    """The rows of each frame, by SQLite itself: their numbers as a list."""
    order = 'g' if 'GROUPS' in frame else 'i'
    out = db.execute(f"SELECT i, json_group_array(i) OVER (ORDER BY {order} {frame}) FROM t ORDER BY i").fetchall()
    return {i: tuple(sorted(int(w) for w in re.findall(r'\d+', ids))) for i, ids in out}


def check_frames():
    every = list(dict.fromkeys(calls()))
    checks.ok(len(every) > 150, f'{len(every)} functions and variants')
    for equity in (False, True):
        some_calls = [c for c, e in every if e == equity]
        for name, xs in SERIES.items():
            fill(name, xs, equity)
            for frame in rng.sample(FRAMES, 3):
                order = 'g' if 'GROUPS' in frame else 'i'
                rows = frame_rows(frame)
                cols = ', '.join(f'{c} OVER (ORDER BY {order} {frame})' for c in some_calls)
                got = {r[0]: r[1:] for r in db.execute(f'SELECT i, {cols} FROM t')}
                plain = {}
                for ids in set(rows.values()):
                    where = ','.join(map(str, ids)) or 'NULL'
                    plain[ids] = db.execute(
                        f'SELECT {", ".join(some_calls)} FROM (SELECT * FROM t WHERE i IN ({where}) ORDER BY i)').fetchone()
                bad = [(i, c, g, p) for i, ids in rows.items()
                       for c, g, p in zip(some_calls, got[i], plain[ids]) if g != p]
                checks.ok(not bad, f'{name}, {frame}: {len(bad)} differ, first {bad[:2]}')


def check_null_rows():
    for call, equity in list(dict.fromkeys(calls())):
        fill('gaps', SERIES['gaps'], equity)
        with_null = db.execute(f'SELECT {call} FROM (SELECT * FROM t ORDER BY i)').fetchone()
        need_y = ', y' in call
        db.execute('DELETE FROM t WHERE x IS NULL' + (' OR y IS NULL' if need_y else ''))
        without = db.execute(f'SELECT {call} FROM (SELECT * FROM t ORDER BY i)').fetchone()
        checks.equal(with_null, without, f'{call} with NULL rows')
        db.execute('DELETE FROM t')
        checks.equal(db.execute(f'SELECT {call} FROM t').fetchone(), (None,), f'{call} of no rows')


def check_groups():
    """A group has its own parameters; views and prepared statements run again from the start."""
    fill('random', SERIES['random'], False)
    got = db.execute('SELECT g % 2, m_sharpe(x, CASE g % 2 WHEN 0 THEN 252 ELSE 12 END) FROM t GROUP BY 1').fetchall()
    for odd, value in got:
        want = db.execute(f'SELECT m_sharpe(x, {12 if odd else 252}) FROM t WHERE g % 2 = {odd}').fetchone()[0]
        checks.equal(value, want, f'group {odd}')
    db.execute('CREATE VIEW v AS SELECT m_sharpe(x, 252) AS a, m_sharpe(x, 252, 0.02) AS b FROM t')
    checks.equal(db.execute('SELECT * FROM v').fetchall(), db.execute('SELECT * FROM v').fetchall(), 'a view')
    db.execute('PRAGMA trusted_schema = OFF')
    checks.ok(db.execute('SELECT a > b FROM v').fetchone() == (1,), 'a view without trusted_schema')


db.execute('CREATE TABLE t(i INTEGER PRIMARY KEY, g, x, y)')
check_frames()
check_null_rows()
check_groups()
checks.finish()
