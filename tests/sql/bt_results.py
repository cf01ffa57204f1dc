"""The tables and views of a run's results, each against a computation of its own from bt_equity's rows.

Two runs of random trading over 400 days, so that there are drawdowns that recover and one that does not,
months in plenty, and more than one run to tell apart.
"""
import json
import math
import random
import sys
from datetime import datetime, timezone

sys.dont_write_bytecode = True
from bt_help import Checks, connect, one  # noqa: E402

DAY, START = 86400, 1672531200  # 2023-01-01
checks = Checks()


def build():
    rng = random.Random(5)
    db, price = connect(), 100.0
    rows = []
    for i in range(400):
        start, price = price, max(5.0, price * (1 + rng.gauss(0.0005, 0.02)))
        rows.append(('AAA', 'day', START + i * DAY, start, max(start, price) + 0.1, min(start, price) - 0.1, price, 100))
    db.executemany('INSERT INTO bars(asset, timestep, ts, open, high, low, close, volume) VALUES (?,?,?,?,?,?,?,?)', rows)
    db.execute("CREATE VIEW v AS SELECT known_at, asset, CASE WHEN sma(bars, 3) > sma(bars, bt_param('slow', 8)) THEN 1.0 ELSE -0.5 END AS target_weight"
               " FROM bars('AAA', 'day')")
    db.execute("CREATE VIEW late AS SELECT known_at, asset, 1.0 AS target_weight FROM bars('AAA', 'day') LIMIT 1 OFFSET 380")
    for config in ({'commission': 0.001}, {'params': {'slow': 20}, 'units': 'fractional'}):
        one(db, "SELECT bt_run('v', ?)", json.dumps(config))
    one(db, "SELECT bt_run('late')")
    return db


def curve(db, run):
    return db.execute('SELECT ts, value FROM bt_equity WHERE run = ? ORDER BY ts', (run,)).fetchall()


def drawdowns(points):
    """Episodes below a peak: start (the peak), recovery or None, depth, seconds."""
    out, peak_ts, peak, low = [], points[0][0], points[0][1], None
    for ts, value in points[1:]:
        if value >= peak:
            if low is not None:
                out.append((peak_ts, ts, low / peak - 1, ts - peak_ts))
            peak_ts, peak, low = ts, value, None
        else:
            low = value if low is None else min(low, value)
    if low is not None:
        out.append((peak_ts, None, low / peak - 1, points[-1][0] - peak_ts))
    return out


def months(points, cash):
    """Return of each month; a point at midnight belongs to the day before."""
    last = {}
    for ts, value in points:
        last[datetime.fromtimestamp(ts - 1, timezone.utc).strftime('%Y-%m')] = value
    out, before = [], cash
    for month in sorted(last):
        out.append((month, last[month] / before - 1))
        before = last[month]
    return out


def test_drawdown(db):
    seen_open = False
    for run in (1, 2, 3):
        want = drawdowns(curve(db, run))
        got = db.execute('SELECT start, recovery, depth, seconds FROM bt_drawdown WHERE run = ? ORDER BY start', (run,)).fetchall()
        checks.equal([g[:2] + g[3:] for g in got], [w[:2] + w[3:] for w in want], f'drawdown, run {run}: episodes')
        checks.ok(all(math.isclose(g[2], w[2], rel_tol=1e-12) for g, w in zip(got, want)), f'drawdown, run {run}: depths')
        deepest = min(w[2] for w in want)
        metric = one(db, "SELECT value FROM bt_metric WHERE run = ? AND name = 'max_drawdown' AND variant = ''", run)
        checks.near(metric, deepest, 1e-12, f'drawdown, run {run}: the metric')
        checks.near(one(db, 'SELECT min(drawdown) FROM bt_equity WHERE run = ?', run), deepest, 1e-12, f'drawdown, run {run}: bt_equity')
        longest = one(db, "SELECT value FROM bt_metric WHERE run = ? AND name = 'max_drawdown_duration' AND variant = ''", run)
        checks.equal(longest, max(w[3] for w in want), f'drawdown, run {run}: the longest')
        seen_open |= want[-1][1] is None
    checks.ok(seen_open, 'drawdown: one is not over at the end')
    text = db.execute('SELECT start, start_time, recovery, recovery_time FROM bt_drawdown WHERE recovery IS NOT NULL LIMIT 1').fetchone()
    for ts, time in (text[:2], text[2:]):
        checks.equal(time, datetime.fromtimestamp(ts, timezone.utc).strftime('%Y-%m-%d %H:%M:%S'), 'drawdown: times as text')


def test_months(db):
    for run in (1, 2, 3):
        want = months(curve(db, run), 100000.0)
        got = db.execute('SELECT month, ret FROM bt_return_monthly WHERE run = ? ORDER BY month', (run,)).fetchall()
        checks.equal([g[0] for g in got], [w[0] for w in want], f'months, run {run}')
        checks.ok(all(math.isclose(g[1], w[1], rel_tol=1e-12, abs_tol=1e-15) for g, w in zip(got, want)), f'months, run {run}: returns')
        total = math.prod(1 + g[1] for g in got) - 1
        checks.near(one(db, "SELECT value FROM bt_metric WHERE run = ? AND name = 'total_return' AND variant = ''", run), total, 1e-12,
                    f'months, run {run}: they compound to the total')
    checks.equal(one(db, "SELECT ret FROM bt_return_monthly WHERE run = 3 ORDER BY month LIMIT 1"), 0.0, 'months: nothing held')


def test_equity(db):
    rows = curve(db, 2)
    checks.equal(len(rows), 400, 'equity: points')
    same = {
        'argument': 'SELECT ts, value FROM bt_equity(2) ORDER BY ts',
        'WHERE': 'SELECT ts, value FROM bt_equity WHERE run = 2',
        'text': "SELECT ts, value FROM bt_equity WHERE run = '2'",
        'join': "SELECT e.ts, e.value FROM bt_run r JOIN bt_equity e ON e.run = r.id WHERE r.id = 2 ORDER BY e.ts",
        'argument from a join': "SELECT e.ts, e.value FROM bt_run r, bt_equity(r.id) e WHERE r.id = 2",
        'subquery': 'SELECT ts, value FROM bt_equity WHERE run = (SELECT max(id) - 1 FROM bt_run)',
        'IN': 'SELECT ts, value FROM bt_equity WHERE run IN (2, 99)',
        'range': 'SELECT ts, value FROM bt_equity WHERE run > 1 AND run < 3',
        'unordered': 'SELECT * FROM (SELECT ts, value FROM bt_equity WHERE run = 2) ORDER BY ts',
        'both': 'SELECT ts, value FROM bt_equity(2) WHERE run = 2',
    }
    for name, sql in same.items():
        checks.ok(db.execute(sql).fetchall() == rows, f'equity: {name}')
    none = ('SELECT * FROM bt_equity(7)', 'SELECT * FROM bt_equity(NULL)', 'SELECT * FROM bt_equity WHERE run IS NULL',
            "SELECT * FROM bt_equity('x')", 'SELECT * FROM bt_equity(2) WHERE run = 1', 'SELECT * FROM bt_equity WHERE run = 2.5')
    for sql in none:
        checks.equal(db.execute(sql).fetchall(), [], f'equity: {sql}')
    checks.ok([r[1] for r in db.execute('SELECT ts, value FROM bt_equity(2) ORDER BY ts DESC')] == [r[1] for r in reversed(rows)], 'equity: DESC')
    checks.ok([r[0] for r in db.execute('SELECT value FROM bt_equity(2) ORDER BY value')] == sorted(r[1] for r in rows), 'equity: by value')
    order = db.execute('SELECT run, ts FROM bt_equity ORDER BY run, ts').fetchall()
    checks.ok(order == sorted(order) and len(order) == 1200, 'equity: all runs')
    checks.equal(db.execute('SELECT run, count(*) FROM bt_equity GROUP BY run').fetchall(), [(1, 400), (2, 400), (3, 400)], 'equity: groups')
    checks.ok(db.execute('SELECT ts, value FROM bt_equity(2) WHERE ts > ? LIMIT 3', (rows[9][0],)).fetchall() == rows[10:13], 'equity: LIMIT')
    ts, time, cash, drawdown, exposed = db.execute('SELECT ts, time, cash, drawdown, exposed FROM bt_equity(3) WHERE ts = ?', (rows[380][0],)).fetchone()
    checks.equal((time, cash, drawdown, exposed), (datetime.fromtimestamp(ts, timezone.utc).strftime('%Y-%m-%d %H:%M:%S'), 100000.0, 0.0, 0),
                 'equity: before the first trade')
    checks.equal(one(db, 'SELECT sum(exposed) FROM bt_equity(3)'), 19, 'equity: exposed once something is held')
    checks.error(lambda: db.execute('DELETE FROM bt_equity').fetchall(), ['may not be modified'], 'equity: it is read only')
    checks.error(lambda: db.execute('SELECT * FROM bt_equity(1, 2)').fetchall(), ['bt_equity'], 'equity: two arguments')


def test_corrupt_curve(db):
    """Chunks that cannot be right are an error, not a crash."""
    n, blob = db.execute('SELECT n, data FROM bt_curve WHERE run = 1').fetchone()
    swapped = blob[8:16] + blob[:8] + blob[16:]
    for name, change in {'short': (n, blob[:-1]), 'long': (n, blob + b'x'), 'empty': (n, b''), 'text': (n, 'x' * len(blob)), 'number': (n, 5),
                         'count': (n - 1, blob), 'negative count': (-1, blob), 'no count': (0, b''), 'huge count': (2**40, blob),
                         'times': (n, swapped)}.items():
        db.execute('SAVEPOINT damage')
        db.execute('UPDATE bt_curve SET n = ?, data = ? WHERE run = 1', change)
        try:
            got = db.execute('SELECT ts, value, cash, exposed FROM bt_equity(1)').fetchall()
            checks.ok(name == 'text' and len(got) == n, f'damaged curve, {name}: it is read')
        except Exception as e:
            checks.ok('bt_curve' in str(e), f'damaged curve, {name}: {e}')
        db.execute('ROLLBACK TO damage')
        db.execute('RELEASE damage')
    checks.equal(one(db, 'SELECT count(*) FROM bt_equity(1)'), 400, 'damaged curve: mended')


def test_run_row(db):
    row = db.execute('SELECT strategy, mode, profile, config, status, start, "end", steps, cash, version FROM bt_run WHERE id = 1').fetchone()
    checks.equal(row, ('v', 'set', 'default', '{"commission": 0.001}', 'done', START + DAY, START + 400 * DAY, 400, 100000.0,
                       one(db, 'SELECT bars_version()')), 'run: its row')
    knobs = json.loads(one(db, 'SELECT knobs FROM bt_run WHERE id = 1'))
    checks.equal((knobs['commission.rate'], knobs['commission.model'], knobs['units'], knobs['allow_short']), (0.001, 'percentage', 'whole', True), 'run: knobs')
    want = {r[0] for r in db.execute("SELECT DISTINCT knob FROM bt_profile")}
    checks.equal(set(knobs), want, 'run: every knob of bt_profile is kept')
    # The knobs kept are a configuration that repeats the run.
    config = {'params': {}}
    for name, value in knobs.items():
        part, _, rest = name.partition('.')
        if rest:
            config.setdefault(part, {})[rest] = value
        else:
            config[part] = value
    again = one(db, "SELECT bt_run('v', ?)", json.dumps(config))
    for table in ('bt_order', 'bt_fill', 'bt_lot', 'bt_equity'):
        a, b = ([r[1:] for r in db.execute(f'SELECT * FROM {table} WHERE run = ?', (i,))] for i in (1, again))
        checks.ok(a == b and a, f'run: {table} of a run with the knobs of another')


def test_views(db):
    checks.equal(one(db, "SELECT count(*) FROM bt_trade WHERE run = 1"), one(db, 'SELECT count(*) FROM bt_lot WHERE run = 1'), 'trades: one for each lot')
    off = one(db, "SELECT count(*) FROM bt_trade t JOIN bt_lot l ON l.run = t.run AND l.id = t.id WHERE t.entry_time <> datetime(l.entry_ts, 'unixepoch')"
                  " OR t.exit_time <> datetime(l.exit_ts, 'unixepoch') OR t.pnl <> l.pnl OR t.qty <> l.qty")
    checks.equal(off, 0, 'trades: as the lots')
    ids = [r[0] for r in db.execute('SELECT id FROM bt_trade WHERE run = 1')]
    checks.equal(ids, list(range(1, len(ids) + 1)), 'trades: in order')
    opened = db.execute('SELECT qty, exit_price, entry_price FROM bt_trade WHERE run = 3').fetchall()
    last = one(db, "SELECT close FROM bars('AAA', 'day') ORDER BY ts DESC LIMIT 1")
    checks.equal(db.execute('SELECT asset, qty, avg_price, price, value FROM bt_position WHERE run = 3').fetchall(),
                 [('AAA', opened[0][0], opened[0][2], last, opened[0][0] * last)], 'positions: what is open')
    checks.equal(one(db, 'SELECT count(*) FROM bt_reject'), one(db, "SELECT count(*) FROM bt_order WHERE reason <> ''"), 'rejects')
    names = db.execute("SELECT name, variant, count(*) FROM bt_metric WHERE run = 1 GROUP BY 1, 2 HAVING count(*) > 1").fetchall()
    checks.equal(names, [], 'metrics: each once')
    need = {'total_return', 'cagr', 'volatility', 'sharpe', 'sortino', 'max_drawdown', 'max_drawdown_duration', 'calmar', 'exposure', 'trades',
            'win_rate', 'profit_factor', 'expectancy', 'sqn'}
    for variant in ('', 'backtesting.py'):
        have = {r[0] for r in db.execute('SELECT name FROM bt_metric WHERE run = 1 AND variant = ?', (variant,))}
        checks.equal(need - have, set(), f"metrics: of variant '{variant}'")
    # Simple ones by hand.
    pnl = [r[0] for r in db.execute('SELECT pnl FROM bt_trade WHERE run = 1 AND NOT open')]
    for name, want in (('trades', len(pnl)), ('win_rate', sum(p > 0 for p in pnl) / len(pnl)), ('expectancy', sum(pnl) / len(pnl)),
                       ('profit_factor', sum(p for p in pnl if p > 0) / -sum(p for p in pnl if p < 0)),
                       ('exposure', one(db, 'SELECT avg(exposed) FROM bt_equity(1)')),
                       ('equity_final', one(db, 'SELECT value FROM bt_run WHERE id = 1')),
                       ('commission', one(db, 'SELECT sum(commission) FROM bt_fill WHERE run = 1'))):
        checks.near(one(db, "SELECT value FROM bt_metric WHERE run = 1 AND variant = '' AND name = ?", name), want, 1e-9 * abs(want), f'metrics: {name}')


def test_zz_delete(db):
    """Deleting a run deletes its rows everywhere, and its number is not given again."""
    last = one(db, 'SELECT max(id) FROM bt_run')
    db.execute('DELETE FROM bt_run WHERE id IN (1, ?)', (last,))
    for table in ('bt_order', 'bt_fill', 'bt_lot', 'bt_equity', 'bt_position', 'bt_metric', 'bt_trade', 'bt_drawdown', 'bt_return_monthly'):
        checks.equal(one(db, f'SELECT count(*) FROM {table} WHERE run IN (1, ?)', last), 0, f'delete: {table}')
        if table not in ('bt_position',):
            checks.ok(one(db, f'SELECT count(*) FROM {table} WHERE run = 2') > 0, f'delete: {table} of another run')
    db.execute('INSERT INTO bt_chunk SELECT ?, kind, first, last, n, checksum, data FROM bt_chunk WHERE run = 2 LIMIT 1', (last + 5,))
    checks.equal(one(db, "SELECT bt_run('v')"), last + 6, 'delete: the next number')


db = build()
for name, test in sorted(globals().items()):
    if name.startswith('test_'):
        test(db)
checks.finish()
