"""Runs that are committed as they go on: kill -9 at random moments, bt_resume() in another process, and the results are
the same bits as those of a run that nobody disturbed.  Onlookers, other writers, and everything that can be in the way.

A child process runs or resumes; this one watches bt_run through a connection of its own, kills the child once so
many steps are committed, and lets the next one go on.
"""
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import bt_help  # noqa: E402
from bt_help import Checks, one  # noqa: E402

T0, MINUTE, N = 1704067200, 60, 3000
ASSETS = ('AAA', 'BBB', 'CCC')
TABLES = ('bt_order', 'bt_fill', 'bt_lot', 'bt_cash_flow', 'bt_margin_call', 'bt_position', 'bt_risk', 'bt_trigger', 'bt_equity',
          'bt_figure', 'bt_input')
COLUMNS = 'target_weight, qty, order_type, limit_price, stop_price, trail_percent, tif, take_profit, stop_loss, tag, cancel'

# View, configuration.  Between them: both modes, profiles, brackets, trailing stops, margin calls, financing with a
# table of rates, risk rules, corporate actions, targets given together, many assets, a strategy that reads its own results.
CASES = [
    ('wishes', {'profile': 'backtrader', 'commission': 0.0005}),
    ('wishes', {'profile': 'lean', 'slippage': 0.0002, 'targets': {'max_gross': 0.6}}),
    ('wishes', {'account': 'reg_t', 'cash': 3000, 'margin_call': 'liquidate', 'long_maintenance': 0.5}),
    ('wishes', {'profile': 'zipline', 'financing': {'rates': 'rates'}, 'risk': [{'rule': 'trailing_stop', 'percent': 1},
                                                                              {'rule': 'context', 'asset': 'VIX', 'max': 21}]}),
    ('steps', {'commission': 0.001, 'financing': {'rates': 'rates'}}),
    ('steps', {'profile': 'backtesting.py', 'cash': 5000, 'benchmark': 'BBB'}),
    ('steps', {'profile': 'vectorbt', 'targets': {'unlisted': 'close'}, 'end': T0 + 2500 * MINUTE}),
    ('steps', {'every': '7 minutes'}),
    ('looks', {'account': 'reg_t', 'cash': 4000, 'risk': [{'rule': 'max_drawdown', 'percent': 30, 'action': 'warn'}]}),
]


def connect(path=':memory:', **options):
    """A connection with nap(), for strategies that take their time."""
    db = bt_help.connect(path, **options)
    db.create_function('nap', 1, lambda ms: time.sleep(ms / 1000) or 0)
    return db


def database(path):
    rng = random.Random(4)
    db = connect(path)
    db.execute('BEGIN')
    for k, asset in enumerate(ASSETS + ('VIX',)):
        price, rows = 20.0 + k, []
        for i in range(N):
            o = round(price * (1 + rng.gauss(0, 0.002)), 2)
            c = round(o * (1 + rng.gauss(0, 0.004)), 2)
            if k != 1 or i % 10 < 7:
                rows.append((asset, T0 + i * MINUTE, o, round(max(o, c) * 1.003, 2), round(min(o, c) * 0.997, 2), c))
            price = min(max(c, 12), 40)
        db.executemany("INSERT INTO bars(asset, timestep, ts, open, high, low, close, volume) VALUES (?, 'minute', ?, ?, ?, ?, ?, 1000)", rows)
    db.execute('CREATE TABLE wish(known_at INTEGER, asset, target_weight, qty, order_type, limit_price, stop_price, trail_percent, tif,'
               ' take_profit, stop_loss, tag, cancel)')
    db.execute('CREATE TABLE rates(known_at, asset, kind, rate)')
    for i in range(3, N, 2):
        at, asset, price = T0 + (i + 1) * MINUTE, rng.choice(ASSETS), 20 + rng.gauss(0, 5)
        row = rng.choice((
            (rng.choice((0, 0.3, -0.2, 0.9, 1.9)), None, None, None, None, None, None, None, None, None, None),
            (None, rng.choice((5, 20, -8)), None, None, None, None, 'day', price * 1.1, price * 0.9, f't{i}', None),
            (None, rng.choice((9, -9)), 'trailing_stop', None, None, 0.8, None, None, None, 'trail', None),
            (None, rng.choice((4, -4)), 'stop_limit', price, price * 1.01, None, 'gtc', None, None, 'sl', None),
            (None, None, None, None, None, None, None, None, None, None, 'trail')))
        db.execute('INSERT INTO wish VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)', (at, asset) + row)
        if i % 101 == 0:
            db.execute('INSERT INTO rates VALUES (?, ?, ?, ?)', (at, *rng.choice(((rng.choice(ASSETS), 'borrow'), (None, 'margin'), (None, 'cash'))), rng.random() / 10))
    db.execute('CREATE INDEX wish_at ON wish(known_at)')
    db.execute("SELECT bars_action('AAA', ?, 'split', 1.5), bars_action('CCC', ?, 'dividend', 0.1)", (T0 + 900 * MINUTE, T0 + 1700 * MINUTE))
    db.execute(f'CREATE VIEW wishes AS SELECT known_at, asset, {COLUMNS} FROM wish')
    db.execute(f"CREATE VIEW steps AS SELECT w.asset, {COLUMNS} FROM wish w WHERE known_at = bars_clock() UNION ALL"
               " SELECT asset, NULL, -bt_qty(asset), NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'out', NULL FROM"
               " bars('AAA', 'minute', bars_clock() - 60) WHERE bt_qty('AAA') > 200")
    db.execute("CREATE VIEW looks AS SELECT asset, target_weight * (1 + (SELECT count(*) FROM bt_fill WHERE run ="
               " (SELECT max(id) FROM bt_run)) % 3) / 4 AS target_weight, qty FROM wish WHERE known_at = bars_clock()")
    db.execute("CREATE VIEW noise AS SELECT 'AAA' AS asset, random() % 5 + nap(0.3) AS qty")
    db.execute("CREATE VIEW slow AS SELECT asset, target_weight, qty FROM steps UNION ALL SELECT 'AAA', NULL, NULL WHERE nap(0.2)")
    db.execute('COMMIT')
    db.execute('SELECT bt_run(?, ?)', ('wishes', json.dumps({'end': T0 + 60 * MINUTE})))  # looks reads tables of results
    return db


def config_of(extra):
    return {'assets': list(ASSETS), 'timestep': 'minute', **extra}


def results(db, run):
    """Every result of a run, floats to the bit."""
    out = {t: [repr(r[1:]) for r in db.execute(f'SELECT * FROM {t} WHERE run = ?', (run,))] for t in TABLES}
    for t in ('bt_input', 'bt_position'):
        out[t].sort()
    out['bt_run'] = [repr(r) for r in db.execute('SELECT strategy, sql, mode, profile, knobs, status, start, "end", steps, cash, value,'
                                                 ' commission, version FROM bt_run WHERE id = ?', (run,))]
    return out


def child(path, view, config, run):
    db = connect(path, timeout=20)
    print('ready', flush=True)
    if run == '0':
        db.execute('SELECT bt_run(?, ?)', (view, config)).fetchall()
    else:
        db.execute('SELECT bt_resume(?)', (int(run),)).fetchall()
    print('done', flush=True)


def start(path, view, config, run, **options):
    p = subprocess.Popen([sys.executable, __file__, path, view, config, str(run)], stdout=subprocess.PIPE, text=True, **options)
    assert p.stdout.readline() == 'ready\n'
    return p


def progress(db):
    """(id, status, steps) of the newest run, as an onlooker sees it."""
    try:
        row = db.execute('SELECT id, status, steps FROM bt_run ORDER BY id DESC LIMIT 1').fetchone()
    except sqlite3.OperationalError as e:
        assert 'no such table' in str(e) or 'locked' in str(e), e
        return None
    return row


def disturb(path, view, config, rng, checks, text):
    """Run in child processes that are killed; returns the run and how often that was."""
    watch = connect(path, timeout=20)
    run, kills, seen, step = 0, 0, 0, config['checkpoint']
    while True:
        p = start(path, view, json.dumps(config), run)
        target = seen + rng.choice((0, 1, step, 4 * step, 9 * step, 20 * step))
        while p.poll() is None:
            row = progress(watch)
            if not row or row[1] == 'done':
                continue
            assert row[2] % step == 0 and row[2] >= seen, f'{text}: {row[2]} steps are seen after {seen}'
            if kills == 0 and run == 0 and row[2] > 0:
                checks.error(lambda: one(watch, 'SELECT bt_resume(?)', row[0]), [f'run {row[0]} '], f'{text}: it is running, or has ended')
                run = row[0]
            if row[2] >= target:
                time.sleep(rng.random() * 0.01)
                p.send_signal(signal.SIGKILL)
                break
        p.stdout.close()
        killed = p.wait() == -signal.SIGKILL
        row = progress(watch)
        if row and row[1] == 'done':
            watch.close()
            return row[0], kills + killed
        assert killed, f'{text}: {p.returncode}'
        kills += 1
        if row:
            run, seen = row[0], row[2]
            checks.equal((row[1], one(watch, 'SELECT count(*) FROM bt_equity(?)', run)), ('running', seen), f'{text}: after a kill')
            checks.equal(one(watch, 'PRAGMA integrity_check'), 'ok', f'{text}: integrity')


def test_kills(checks):
    rng = random.Random(8)
    database('base.db').close()
    total = 0
    for i, (view, extra) in enumerate(CASES):
        config = config_of(extra)
        shutil.copy('base.db', 'calm.db')
        shutil.copy('base.db', 'kill.db')
        if i % 2:
            with_log = connect('kill.db')
            with_log.execute('PRAGMA journal_mode = wal')
            with_log.close()
        db = connect('calm.db')
        plain = results(db, one(db, 'SELECT bt_run(?, ?)', view, json.dumps(config)))
        config['checkpoint'] = rng.choice((20, 50, 300))
        calm = results(db, one(db, 'SELECT bt_run(?, ?)', view, json.dumps(config)))
        db.close()
        run, kills = disturb('kill.db', view, config, rng, checks, f'case {i}')
        total += kills
        db = connect('kill.db')
        got = results(db, run)
        for t, rows in plain.items():
            checks.ok(calm[t] == rows, f'case {i}: {t} of a run with checkpoints differs')
            checks.ok(got[t] == rows, f'case {i}: {t} differs after {kills} kills')
        checks.ok(len(got['bt_fill']) > 30, f'case {i}: {len(got["bt_fill"])} fills')
        checks.equal([one(db, f'SELECT count(*) FROM {t}') for t in ('bt_request', 'bt_checkpoint')], [0, 0], f'case {i}: what is left')
        checks.equal([f for f in os.listdir('.') if '-run' in f], [], f'case {i}: files that are left')
        if i == 2:
            checks.ok(len(got['bt_margin_call']) > 0, 'there are margin calls')
        if i == 3:
            checks.ok(len(got['bt_risk']) > 0 and len(got['bt_cash_flow']) > 1, 'rules fire, interest is paid')
        db.close()
        for f in ('calm.db', 'kill.db', 'kill.db-wal', 'kill.db-shm'):
            if os.path.exists(f):
                os.remove(f)
    print(f'{len(CASES)} runs, {total} kills')
    checks.ok(total >= 2 * len(CASES), f'only {total} kills')


def test_noise(checks):
    """A strategy that says something else each time: what it had said stays said."""
    shutil.copy('base.db', 'noise.db')
    config = config_of({'checkpoint': 100})
    p = start('noise.db', 'noise', json.dumps(config), 0)
    watch = connect('noise.db', timeout=20)
    while not (progress(watch) or (0, 0, 0))[2] >= 300:
        assert p.poll() is None
    checks.error(lambda: one(watch, 'SELECT bt_resume(?)', progress(watch)[0]), ['is being executed right now'], 'noise: it is running')
    p.send_signal(signal.SIGKILL)
    p.wait()
    p.stdout.close()
    run, _, steps = progress(watch)
    before = {t: watch.execute(f'SELECT * FROM {t} WHERE run = ?', (run,)).fetchall() for t in ('bt_order', 'bt_fill', 'bt_equity')}
    checks.equal(one(watch, 'SELECT bt_resume(?)', run), run, 'noise: resumed')
    for t, rows in before.items():
        got = watch.execute(f'SELECT * FROM {t} WHERE run = ?', (run,)).fetchall()
        same = got[:len(rows)] == rows
        checks.ok(same and len(got) > len(rows) > 0, f'noise: {t} up to step {steps}')
    watch.close()


def stopped(db, view, config, needles, checks, text):
    """Let a run fail; returns its number."""
    checks.error(lambda: one(db, 'SELECT bt_run(?, ?)', view, json.dumps(config)), needles, text)
    run, status, _ = progress(db)
    checks.ok(status in ('stopped', 'running'), f'{text}: it is {status}')
    return run


def test_stops(checks):
    """Errors and interrupts keep what was committed, and do not matter once their cause is gone."""
    shutil.copy('base.db', 'stop.db')
    db = connect('stop.db', check_same_thread=False)
    down = [0]

    def service(asset):
        down[0] -= 1
        if down[0] == 0:
            raise ValueError('no answer')
        return 1.0
    db.create_function('service', 1, service)
    db.execute(f'CREATE VIEW asks AS SELECT asset, service(asset) * target_weight AS target_weight, qty FROM wish WHERE known_at = bars_clock()')
    config = config_of({'checkpoint': 100})
    plain = results(db, one(db, "SELECT bt_run('asks', ?)", json.dumps(config_of({}))))
    down[0] = 600
    run = stopped(db, 'asks', config, ["view 'asks'", 'is kept up to step', f'bt_resume('], checks, 'strategy error')
    checks.equal(db.execute('SELECT status, r.steps > 0, error LIKE ? FROM bt_run r JOIN bt_checkpoint ON run = id WHERE id = ?',
                            ('%user-defined function raised exception%', run)).fetchone(), ('stopped', 1, 1), 'strategy error: what is stored')
    checks.equal(one(db, 'SELECT bt_resume(?)', run), run, 'strategy error: resumed')
    checks.ok(results(db, run) == plain, 'strategy error: the results')
    # An interrupt, of both modes, now and again.
    for view in ('wishes', 'steps', 'looks'):
        plain = results(db, one(db, 'SELECT bt_run(?, ?)', view, json.dumps(config_of({}))))
        config, run = config_of({'checkpoint': 10}), 0
        for k in range(40):
            timer = threading.Timer(0.05 * 1.2 ** k, db.interrupt)
            timer.start()
            try:
                run = one(db, 'SELECT bt_resume(?)', run) if run else one(db, 'SELECT bt_run(?, ?)', view, json.dumps(config))
                break
            except sqlite3.OperationalError as e:
                checks.ok('interrupted' in str(e), f'interrupt, {view}: {e}')
                run = progress(db)[0] if 'is kept up to its last checkpoint' in str(e) else run
                if run and progress(db)[1] == 'done':  # it came after the last commit
                    break
            finally:
                timer.cancel()
                timer.join()
        checks.equal(db.in_transaction, False, f'interrupt, {view}: open transaction')
        checks.ok(results(db, run) == plain, f'interrupt, {view}: the results after {k} interrupts')
    # A full disk.
    pages = one(db, 'PRAGMA page_count')
    db.execute(f'PRAGMA max_page_count = {pages + 12}')
    run = stopped(db, 'steps', config, ['database or disk is full', 'is kept up to step'], checks, 'full disk')
    checks.error(lambda: one(db, 'SELECT bt_resume(?)', run), ['database or disk is full'], 'full disk: still')
    db.execute('PRAGMA max_page_count = 1000000')
    checks.equal(one(db, 'SELECT bt_resume(?)', run), run, 'full disk: resumed')
    plain = results(db, one(db, 'SELECT bt_run(?, ?)', 'steps', json.dumps(config_of({}))))
    checks.ok(results(db, run) == plain, 'full disk: the results')
    db.close()


def test_partitions(checks):
    """Bars in files of months: killed runs; a store that is divided, and put together again, while a run is stopped."""
    global T0
    before, T0 = T0, 1706659200  # January 31
    rng = random.Random(21)
    database('months.db').close()
    shutil.copy('months.db', 'parts.db')
    db = connect('parts.db')
    checks.equal(one(db, "SELECT bars_partition('month') ->> '$.partitions'"), 1, 'partitions: files')
    db.close()
    for view, extra in (CASES[3], CASES[4]):
        config = config_of(extra)
        db = connect('months.db')
        plain = results(db, one(db, 'SELECT bt_run(?, ?)', view, json.dumps(config)))
        db.close()
        config['checkpoint'] = 50
        run, kills = disturb('parts.db', view, config, rng, checks, f'partitions, {view}')
        db = connect('parts.db')
        got = results(db, run)
        db.close()
        for t, rows in plain.items():
            checks.ok(got[t] == rows, f'partitions, {view}: {t} differs after {kills} kills')
    # While it is stopped the store changes its form, and then a file is not there.
    db = connect('months.db')
    down = [600]

    def service(asset):
        down[0] -= 1
        if down[0] == 0:
            raise ValueError('no answer')
        return 1.0
    db.create_function('service', 1, service)
    db.execute('CREATE VIEW asks AS SELECT asset, service(asset) * target_weight AS target_weight, qty FROM wish WHERE known_at = bars_clock()')
    config = config_of({'checkpoint': 100})
    run = stopped(db, 'asks', config, ['is kept up to step'], checks, 'partitions: stopped')
    checks.equal(one(db, "SELECT bars_partition('month') ->> '$.partitions'"), 1, 'partitions: while it is stopped')
    file = one(db, 'SELECT file FROM barsvt_partition')
    os.rename(file, 'away')
    checks.error(lambda: one(db, 'SELECT bt_resume(?)', run), [file], 'partitions: a file that is away')
    os.rename('away', file)
    down[0] = 300
    checks.error(lambda: one(db, 'SELECT bt_resume(?)', run), ['is kept up to step'], 'partitions: goes on, and stops again')
    db.execute('SELECT bars_unpartition()').fetchone()
    checks.equal(one(db, 'SELECT count(*) FROM barsvt_partition'), 0, 'partitions: put together')
    checks.equal(one(db, 'SELECT bt_resume(?)', run), run, 'partitions: resumed')
    plain = results(db, one(db, "SELECT bt_run('asks', ?)", json.dumps(config_of({}))))
    checks.ok(results(db, run) == plain, 'partitions: the results')
    db.close()
    T0 = before


def test_refused(checks):
    """What cannot be resumed, and what has changed meanwhile."""
    checks.error(lambda: one(connect(), 'SELECT bt_resume(1)'), ['there is no run 1'], 'no runs at all')
    shutil.copy('base.db', 'no.db')
    db = connect('no.db')
    checks.error(lambda: one(db, "SELECT bt_resume('x')"), ['the first argument is the number of a run'], 'a text')
    run = one(db, 'SELECT bt_run(?, ?)', 'wishes', json.dumps(config_of({})))
    checks.error(lambda: one(db, 'SELECT bt_resume(?)', run), [f'run {run} has finished', f'bt_rerun({run})'], 'a finished run')
    checks.error(lambda: one(db, 'SELECT bt_resume(99)'), ['there is no run 99'], 'an unknown run')
    db.execute("INSERT INTO bt_run(strategy, sql, mode, profile, config, knobs, status, cash, version) VALUES ('wishes', '', 'set',"
               " 'default', '{}', '{}', 'running', 1, '0')")
    checks.error(lambda: one(db, 'SELECT bt_resume(?)', run + 1), ['was made without checkpoints'], 'no checkpoints')
    db.execute('DELETE FROM bt_run WHERE id = ?', (run + 1,))
    for bad in (-1, 1.5, 'x', True):
        checks.error(lambda: one(db, 'SELECT bt_run(?, ?)', 'wishes', json.dumps({'checkpoint': bad})), ['checkpoint', 'whole number'], f'{bad}')
    db.execute('BEGIN')
    checks.error(lambda: one(db, 'SELECT bt_run(?, ?)', 'wishes', json.dumps(config_of({'checkpoint': 10}))),
                 ['checkpoint', 'inside a transaction'], 'inside a transaction')
    checks.error(lambda: one(db, 'SELECT bt_resume(1)'), ['inside a transaction'], 'resume inside a transaction')
    db.execute('ROLLBACK')
    checks.error(lambda: db.execute("CREATE TABLE t AS SELECT bt_run('wishes', ?)", (json.dumps(config_of({'checkpoint': 10})),)),
                 ['inside a statement that writes'], 'inside a statement that writes')
    down = [0]

    def service(x):
        down[0] -= 1
        if down[0] == 0:
            raise ValueError('no answer')
        return x
    db.create_function('service', 1, service)
    db.execute('CREATE VIEW asks AS SELECT asset, service(target_weight) AS target_weight, qty FROM wish WHERE known_at = bars_clock()')
    down[0] = 600
    db.execute("INSERT INTO bars(asset, timestep, ts, open, high, low, close) SELECT asset, 'minute ask', ts, open + 0.05, high + 0.05,"
               " low + 0.05, close + 0.05 FROM bars('CCC', 'minute')")
    run = stopped(db, 'asks', config_of({'checkpoint': 100}), ['is kept up to step'], checks, 'stopped')
    checks.error(lambda: one(db, 'SELECT bt_rerun(?)', run), ['has not finished', 'bt_resume'], 'rerun of a stopped run')
    kept = db.execute('SELECT * FROM bt_fill WHERE run = ?', (run,)).fetchall()
    for sql, back, needles in (
            ("UPDATE wish SET qty = qty + 1 WHERE rowid = 1400", "UPDATE wish SET qty = qty - 1 WHERE rowid = 1400", ["table 'wish' changed"]),
            ("INSERT OR REPLACE INTO bars(asset, timestep, ts, open, high, low, close, volume) SELECT asset, timestep, ts, open, high, low, close,"
             f" volume + 1 FROM bars('AAA', 'minute', {T0 + 2900 * MINUTE}) LIMIT 1",
             "INSERT OR REPLACE INTO bars(asset, timestep, ts, open, high, low, close, volume) SELECT asset, timestep, ts, open, high, low, close,"
             f" volume - 1 FROM bars('AAA', 'minute', {T0 + 2900 * MINUTE}) LIMIT 1", ["bars 'AAA, minute' changed"]),
            (f"INSERT OR REPLACE INTO bars(asset, timestep, ts, open, high, low, close) VALUES ('CCC', 'minute ask', {T0 - MINUTE}, 1, 1, 1, 1)",
             f"DELETE FROM bars WHERE asset = 'CCC' AND timestep = 'minute ask' AND ts = {T0 - MINUTE}", ["bars 'CCC, minute ask' changed"]),
            ("UPDATE bt_checkpoint SET trail = replace(trail, 'fills ', 'fills 1')", "UPDATE bt_checkpoint SET trail = replace(trail, 'fills 1', 'fills ')",
             ['its fills are not those that were stored']),
            ("UPDATE bt_request SET data = substr(data, 1, 50)", None, ['a chunk is damaged'])):
        data = db.execute('SELECT rowid, data FROM bt_request').fetchall()
        db.execute(sql)
        checks.error(lambda: one(db, 'SELECT bt_resume(?)', run), needles, sql)
        checks.ok(db.execute('SELECT * FROM bt_fill WHERE run = ?', (run,)).fetchall() == kept and not db.in_transaction, f'{sql}: it is as it was')
        if back:
            db.execute(back)
        else:
            db.executemany('UPDATE bt_request SET data = ?2 WHERE rowid = ?1', data)
    for bad, needles in (('{"change": true}', ["unknown key 'change'"]), ('{"changed": 1}', ["'changed' must be true or false"]), ('[', ['options'])):
        checks.error(lambda: one(db, 'SELECT bt_resume(?, ?)', run, bad), needles, f'options {bad}')
    # Bars that are added, or stored otherwise, do not matter, nor does what has become of the view.
    db.execute('DROP VIEW asks')
    db.execute('CREATE VIEW asks AS SELECT 1 AS x')
    db.execute('SELECT bars_compact()').fetchall()
    db.execute("INSERT INTO bars(asset, timestep, ts, open, high, low, close, volume) VALUES ('AAA', 'minute', ?, 10, 11, 9, 10, 1)", (T0 + N * MINUTE,))
    checks.equal(one(db, 'SELECT bt_resume(?)', run), run, 'after all that')
    checks.equal(one(db, 'SELECT "end" FROM bt_run WHERE id = ?', run), T0 + N * MINUTE, 'the end is that of the bars there were')
    db.execute("DELETE FROM bars WHERE asset = 'AAA' AND timestep = 'minute' AND ts = ?", (T0 + N * MINUTE,))
    checks.equal(one(db, "SELECT count(*) FROM sqlite_temp_schema"), 0, 'the view that stood in is gone')
    other = one(db, 'SELECT bt_rerun(?)', run)
    left, right = results(db, run), results(db, other)
    checks.ok(all(left[t] == right[t] for t in TABLES if t != 'bt_input'), 'rerun of a resumed run')
    db.execute('DROP VIEW asks')
    db.execute('CREATE VIEW asks AS SELECT asset, service(target_weight) AS target_weight, qty FROM wish WHERE known_at = bars_clock()')
    down[0] = 600
    run = stopped(db, 'asks', config_of({'checkpoint': 100}), ['is kept up to step'], checks, 'stopped once more')
    kept = db.execute('SELECT * FROM bt_fill WHERE run = ?', (run,)).fetchall()
    db.execute('DROP VIEW asks')
    db.execute("CREATE VIEW asks AS SELECT asset, 0 AS target_weight FROM wish WHERE known_at = bars_clock()")
    checks.equal(one(db, """SELECT bt_resume(?, '{"changed": true}')""", run), run, 'changed')
    checks.ok(db.execute('SELECT * FROM bt_fill WHERE run = ?', (run,)).fetchall()[:len(kept)] == kept, 'changed: the fills before')
    checks.ok(one(db, 'SELECT sql FROM bt_run WHERE id = ?', run).endswith('0 AS target_weight FROM wish WHERE known_at = bars_clock()'), 'changed: the text')
    db.execute('DROP VIEW asks')
    db.execute('CREATE VIEW asks AS SELECT asset, service(target_weight) AS target_weight, qty FROM wish WHERE known_at = bars_clock()')
    down[0] = 600
    run = stopped(db, 'asks', config_of({'checkpoint': 100}), ['is kept up to step'], checks, 'stopped again')
    db.execute('DELETE FROM bt_run WHERE id = ?', (run,))
    checks.equal([one(db, f'SELECT count(*) FROM {t}') for t in ('bt_request', 'bt_checkpoint')], [0, 0], 'a deleted run')
    db.close()


def test_writers(checks):
    """Another connection writes while a run goes on: what the run does not read does not matter, its bars do."""
    for wal in (False, True):
        for f in ('write.db', 'write.db-wal', 'write.db-shm'):
            if os.path.exists(f):
                os.remove(f)
        shutil.copy('base.db', 'write.db')
        db = connect('write.db', timeout=20)
        if wal:
            db.execute('PRAGMA journal_mode = wal')
        db.execute('CREATE TABLE mine(x)')
        plain = results(db, one(db, 'SELECT bt_run(?, ?)', 'slow', json.dumps(config_of({}))))
        p = start('write.db', 'slow', json.dumps(config_of({'checkpoint': 30})), 0)
        wrote = worst = 0
        while p.poll() is None:
            began = time.monotonic()
            db.execute('INSERT INTO mine VALUES (1)')
            db.execute("INSERT INTO bars(asset, timestep, ts, open, high, low, close, volume) VALUES ('NEW', 'minute', ?, 10, 11, 9, 10, 1)", (T0 + wrote * MINUTE,))
            wrote += 1
            worst = max(worst, time.monotonic() - began)
            time.sleep(0.01)
        checks.equal((p.stdout.read(), p.returncode), ('done\n', 0), f'writers, wal {wal}: the run')
        p.stdout.close()
        print(f'wal {wal}: {wrote} writes beside a run, {worst * 1000:.0f} ms the longest')
        checks.ok(wrote > 3 and worst < 5, f'writers, wal {wal}: {wrote} writes, the longest took {worst} s')
        run = progress(db)[0]
        checks.ok(results(db, run) == plain, f'writers, wal {wal}: the results')
        db.execute('DELETE FROM bt_run WHERE id = ?', (run,))
        p = start('write.db', 'slow', json.dumps(config_of({'checkpoint': 10})), 0, stderr=subprocess.DEVNULL)
        while not (progress(db) or (0, '', 0))[1] == 'running':
            assert p.poll() is None
        db.execute("INSERT OR REPLACE INTO bars(asset, timestep, ts, open, high, low, close, volume) VALUES ('AAA', 'minute', ?, 10, 11, 9, 10, 1)",
                   (T0 + 2999 * MINUTE,))
        said = p.communicate()[0]
        run, status, steps = progress(db)
        checks.equal((said, p.returncode != 0, status), ('', True, 'stopped'), f'writers, wal {wal}: bars change')
        checks.ok(steps < N and "bars 'AAA, minute' changed" in one(db, 'SELECT error FROM bt_checkpoint WHERE run = ?', run), 'the reason')
        db.close()


def backtest(*args):
    return subprocess.Popen([os.environ['BACKTEST'], *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_command(checks):
    """The program: a strategy from a file, stopped and killed, and `backtest resume`."""
    with open('mine.sql', 'w', encoding='ascii') as f:  # a TEMP view, which goes with the session
        f.write("CREATE TEMP VIEW mine AS SELECT asset, target_weight, qty + (SELECT count(*) FROM wish) * 0 AS qty FROM wish WHERE known_at = bars_clock();")
    for sig in (signal.SIGINT, signal.SIGKILL):
        shutil.copy('base.db', 'cli.db')
        db = connect('cli.db', timeout=20)
        with open('config.json', 'w', encoding='ascii') as f:
            json.dump(config_of({}), f)
        p = backtest('run', 'mine.sql', '--db', 'cli.db', '--config', 'config.json')
        out, err = p.communicate()
        checks.equal((p.returncode, err), (0, ''), 'command: undisturbed')
        plain = results(db, 2)
        with open('config.json', 'w', encoding='ascii') as f:
            json.dump(config_of({'checkpoint': 20}), f)
        for k in range(20):  # until a signal comes in time
            p = backtest('run', 'mine.sql', '--db', 'cli.db', '--config', 'config.json')
            while p.poll() is None and (progress(db)[:2] != (3 + k, 'running') or progress(db)[2] < 10):
                pass
            p.send_signal(sig)
            out, err = p.communicate()
            if progress(db)[1] != 'done':
                break
        run, status, steps = progress(db)
        if sig == signal.SIGINT:
            checks.equal((p.returncode, status), (130, 'stopped'), 'command: SIGINT')
            checks.ok(f'run {run} is kept up to step {steps}; to go on: backtest resume {run}' in err, f'command: {err}')
        p = backtest('resume', str(run), '--db', 'cli.db')
        out, err = p.communicate()
        checks.equal((p.returncode, err), (0, ''), 'command: resumed')
        checks.ok(f'run {run}: mine, step mode' in out, f'command: {out}')
        checks.ok(results(db, run) == plain, 'command: the results')
        p = backtest('resume', str(run), '--db', 'cli.db')
        checks.ok('has finished' in p.communicate()[1] and p.returncode == 1, 'command: a finished run')
        db.close()
    for args, needle in ((('resume',), 'no run given'), (('resume', 'x', '--db', 'cli.db'), 'the number of a run is needed'),
                         (('resume', '1'), 'no database'), (('resume', '1', '--db', 'cli.db', '--param', 'a=1'), 'it takes none')):
        p = backtest(*args)
        checks.ok(needle in p.communicate()[1] and p.returncode == 2, f'command: {args}')


def test_documents(checks):
    """A run that a document describes: its bars are imported, its feed and its strategy are TEMP objects."""
    rng = random.Random(3)
    price = 50.0
    with open('doc.csv', 'w', encoding='ascii') as f, open('score.csv', 'w', encoding='ascii') as g:
        f.write('timestamp,open,high,low,close,volume\n')
        g.write('timestamp,asset_id,score\n')
        for i in range(4000):
            o, c = price, round(price * (1 + rng.gauss(0, 0.003)), 2)
            f.write(f'{T0 + i * MINUTE},{o},{max(o, c)},{min(o, c)},{c},100\n')
            if i % 5 == 0:
                g.write(f'{T0 + i * MINUTE},DOC,{rng.random():.3f}\n')
            price = c
    document = {'name': 'described', 'strategy': "SELECT asset, CASE WHEN score > 0.5 THEN 0.8 ELSE 0.1 END AS target_weight FROM feed"
                " WHERE ts = bars_clock() - 60",
                'data_sources': {'prices': {'path': 'doc.csv', 'asset': 'DOC', 'timestep': 'minute', 'assets': ['DOC']}, 'signals': {'path': 'score.csv'}},
                'execution': {'commission': 0.001}}
    db = connect('doc.db', check_same_thread=False, timeout=20)
    plain = results(db, one(db, 'SELECT bt_run_document(?)', json.dumps(document)))
    document['execution']['checkpoint'] = 20
    text = json.dumps(document)

    def same(got):
        return all(got[t] == plain[t] for t in TABLES if t != 'bt_input') and got['bt_run'] == plain['bt_run']
    checks.ok(len(plain['bt_fill']) > 50, f'document: {len(plain["bt_fill"])} fills')
    checks.ok(same(results(db, one(db, 'SELECT bt_run_document(?)', text))), 'document: with checkpoints')
    checks.equal(one(db, 'SELECT count(*) FROM sqlite_temp_schema'), 0, 'document: TEMP objects')
    run = 0
    for k in range(40):
        timer = threading.Timer(0.05 * 1.2 ** k, db.interrupt)
        timer.start()
        try:
            run = one(db, 'SELECT bt_resume(?)', run) if run else one(db, 'SELECT bt_run_document(?)', text)
            break
        except sqlite3.OperationalError as e:
            checks.ok('interrupted' in str(e), f'document, interrupt: {e}')
            run = progress(db)[0] if 'is kept up to its last checkpoint' in str(e) else run
            if run and progress(db)[1] == 'done':
                break
        finally:
            timer.cancel()
            timer.join()
    checks.ok(same(results(db, run)), f'document: after {k} interrupts')
    with open('doc.json', 'w', encoding='ascii') as f:
        f.write(text)
    for k in range(20):
        p = backtest('run', 'doc.json', '--db', 'doc.db')
        while p.poll() is None and not (progress(db)[0] > run + k and progress(db)[2] >= 100):
            pass
        p.send_signal(signal.SIGKILL)
        p.communicate()
        if progress(db)[1] != 'done':
            break
    killed = progress(db)[0]
    with open('score.csv', 'a', encoding='ascii') as g:
        g.write(f'{T0 + 4000 * MINUTE},DOC,0.5\n')
    checks.error(lambda: one(db, 'SELECT bt_resume(?)', killed), ["file 'data_sources.signals.path' changed"], 'document: another file')
    lines = open('score.csv', encoding='ascii').readlines()[:-1]
    with open('score.csv', 'w', encoding='ascii') as g:
        g.writelines(lines)
    p = backtest('resume', str(killed), '--db', 'doc.db')
    checks.equal((p.communicate()[1], p.returncode), ('', 0), 'document: resumed')
    checks.ok(same(results(db, killed)), 'document: after a kill')
    db.execute('BEGIN')
    checks.error(lambda: one(db, 'SELECT bt_run_document(?)', text), ['inside a transaction'], 'document: inside a transaction')
    db.execute('ROLLBACK')
    db.close()


def main():
    checks = Checks()
    began = time.monotonic()
    test_kills(checks)
    print(f'{time.monotonic() - began:.0f} s')
    test_noise(checks)
    test_stops(checks)
    print(f'{time.monotonic() - began:.0f} s')
    test_partitions(checks)
    print(f'{time.monotonic() - began:.0f} s')
    test_refused(checks)
    print(f'{time.monotonic() - began:.0f} s')
    test_writers(checks)
    print(f'{time.monotonic() - began:.0f} s')
    test_command(checks)
    print(f'{time.monotonic() - began:.0f} s')
    test_documents(checks)
    checks.finish()


if len(sys.argv) > 1:
    child(*sys.argv[1:])
else:
    main()
