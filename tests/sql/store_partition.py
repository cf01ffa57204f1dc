#!/usr/bin/python3
"""Partitions: every reader shows the same with bars of past periods in files of their own, whatever is written over
them; a query opens the files it needs and no other; files that are missing, changed, damaged, moved or opened alone;
transactions, other connections, and the way back."""
import glob
import json
import os
import random
import shutil
import sys

sys.dont_write_bytecode = True
from bt_help import Checks, connect, one, seconds  # noqa: E402

checks = Checks()
COLUMNS = 'ts, open, high, low, close, volume, vwap, trades, bid, ask, open_interest'
START, END = seconds('2023-11-20'), seconds('2024-03-10')


def bar(rng, price, volume=True):
    close = round(max(1.0, price + rng.gauss(0, 0.3)), 2)
    high, low = max(price, close) + round(rng.random(), 2), min(price, close) - round(rng.random() / 2, 2)
    return [price, round(high, 2), round(low, 2), close, float(rng.randrange(1000)) if volume and rng.random() > 0.02 else None]


def rows_of(asset, step, span, seed, hole=0.02):
    rng, price, rows = random.Random(seed), 100.0, []
    for ts in range(START, END, span):
        if rng.random() < hole or (step == 'minute' and ts // 3600 % 24 not in (14, 15)):
            continue
        b = bar(rng, price)
        price = b[3]
        rows.append((asset, step, ts, *b, *((round(b[3] + 0.001, 3), 7.0, None, None, float(ts % 97)) if asset == 'WIDE' else (None,) * 5)))
    return rows


def put(db, rows, how='INSERT'):
    db.execute('SAVEPOINT put')
    try:
        db.executemany(f'{how} INTO bars(asset, timestep, {COLUMNS}) VALUES ({",".join("?" * 13)})', rows)
    finally:
        db.execute('RELEASE put')


def build(path):
    db = connect(path)
    db.execute('BEGIN')
    put(db, rows_of('AAA', 'minute', 60, 1))
    put(db, rows_of('BBB', 'minute', 60, 2, 0.6))
    put(db, rows_of('WIDE', 'hour', 3600, 3))  # rows, and optional columns
    put(db, rows_of('AAA', 'day', 86400, 4))
    db.execute("SELECT bars_asset('AAA', 'tz', 'America/New_York'), bars_asset('AAA', 'multiplier', 5)").fetchall()
    db.execute('SELECT bars_compact()').fetchall()
    rng = random.Random(7)  # rows over sealed bars
    some = db.execute("SELECT ts FROM bars('AAA', 'minute')").fetchall()
    put(db, [('AAA', 'minute', ts, *bar(rng, 50.0), *(None,) * 5) for (ts,) in rng.sample(some, 60)], 'INSERT OR REPLACE')
    db.execute('CREATE TABLE score(ts, asset, p)')
    db.executemany('INSERT INTO score VALUES (?, ?, ?)', [(ts + 60, a, ts % 11) for a in ('AAA', 'BBB') for ts in range(START, END, 5400)])
    db.execute('CREATE VIRTUAL TABLE feed USING bars_feed(universe=\'AAA, BBB\', timestep=minute, signals=(score timing=next_bar match=asof max_age=\'2 hours\'))')
    db.execute("CREATE VIEW cross_v AS SELECT known_at, asset, CASE WHEN sma(bars, 20) > sma(bars, 90) THEN 0.8 ELSE -0.3 END AS target_weight FROM bars('AAA', 'minute')")
    db.execute("CREATE VIEW step_v AS SELECT 'BBB' AS asset, CASE WHEN bt_qty('BBB') = 0 THEN 1.0 WHEN bt_bars_held('BBB') > 40 THEN 0.0 END AS target_weight")
    db.execute('COMMIT')
    return db


MARKS = [START - 5, seconds('2023-12-01') - 60, seconds('2023-12-01'), seconds('2023-12-31 15:30:00'), seconds('2024-01-01'), seconds('2024-01-15 15:00:00'),
         seconds('2024-02-01') - 1, seconds('2024-02-01') + 7200, END - 86400, END + 5]


def queries(marks):
    for asset, step in (('AAA', 'minute'), ('BBB', 'minute'), ('WIDE', 'hour'), ('AAA', 'day')):
        who = f"'{asset}', '{step}'"
        yield f'SELECT * FROM bars({who})'
        yield f'SELECT {COLUMNS}, known_at FROM bars({who}) ORDER BY ts DESC'
        yield f'SELECT ts, close FROM bars({who}) ORDER BY ts DESC LIMIT 50 OFFSET 4000'
        for i, a in enumerate(marks):
            for b in marks[i + 1:]:
                yield f'SELECT count(*), min(ts), max(ts), sum(ts) FROM bars({who}, {a}, {b})'
                yield f'SELECT ts, close FROM bars({who}, {a}, {b}) ORDER BY ts DESC LIMIT 3'
                yield f'SELECT asset, bars, first, last, open, high, low, close, volume, round(mean, 9), round(vwap, 8), round(stdev, 8) FROM bars_summary({who}, {a}, {b})'
            yield f'SELECT ts, close, volume FROM bars_asof({who}, {a})'
            yield f"SELECT ts, sma(bars, 30), rsi(bars, 14), ema(bars, 50) FROM bars({who}, {a}, {a + 86400 * 2})"
            yield f"SELECT sma('{asset}', '{step}', 300, {a}), ema('{asset}', '{step}', 9, {a})"
        yield f"SELECT * FROM bars_gap({who})"
        yield f"SELECT class, severity, count(*) FROM bars_validate({who}) GROUP BY 1, 2"
    yield 'SELECT * FROM bars_coverage ORDER BY 1, 2'
    yield "SELECT asset, ts, close FROM bars WHERE asset IN ('AAA', 'BBB') AND timestep = 'minute' AND ts BETWEEN 1703900000 AND 1704700000 ORDER BY ts, asset"
    for tail in ("'hour'", "'day'", "'week'", "'month'", "'15 minutes', NULL, NULL, 'Asia/Tokyo'"):
        yield f"SELECT * FROM bars_agg('AAA', {tail})"
    yield "SELECT ts, close, volume FROM bars_agg('AAA', 'day') WHERE session = '14:30-16:00' ORDER BY ts DESC LIMIT 40"
    yield "SELECT hex(bars_agg_blob('BBB', 'day', 'close,volume', 70))"
    yield 'SELECT * FROM feed WHERE ts BETWEEN 1704000000 AND 1704500000'
    yield 'SELECT count(*), sum(close), sum(p), count(p) FROM feed'
    yield "SELECT last_price('AAA'), last_price('WIDE')"


def contents(db, marks):
    return {sql: db.execute(sql).fetchall() for sql in queries(marks)}


def export(db, name):
    for asset in ('AAA', 'WIDE'):
        db.execute('SELECT bars_export(?, ?, ?)', (f'{name}-{asset}.csv', asset, 'minute' if asset == 'AAA' else 'hour')).fetchall()
    data = [open(f'{name}-{a}.csv', 'rb').read() for a in ('AAA', 'WIDE')]
    for a in ('AAA', 'WIDE'):
        os.remove(f'{name}-{a}.csv')
    return data


def runs(db):
    out = []
    for view, config in (('cross_v', {'start': '2023-12-20', 'end': '2024-01-20'}), ('step_v', {'assets': ['BBB'], 'timestep': 'minute', 'start': '2023-12-28', 'end': '2024-01-05'}),
                         ('cross_v', {'commission': 0.001})):
        run = one(db, 'SELECT bt_run(?, ?)', view, json.dumps(config))
        out.append([db.execute(f'SELECT {c} FROM {t} WHERE run = ?', (run,)).fetchall()
                    for t, c in (('bt_fill', 'ts, asset, qty, price'), ('bt_equity', 'ts, value, cash'), ('bt_input', 'kind, name, value'))])
        checks.ok(out[-1][0], f'{view}: it trades')
    return out


def same(db, plain, name, full=False):
    marks = MARKS if full else MARKS[1::3]
    want, got = contents(plain, marks), contents(db, marks)
    for sql, rows in want.items():
        checks.ok(got[sql] == rows, f'{name}: {sql}: {len(got[sql])} rows {got[sql][:2]}, not {len(rows)} {rows[:2]}')
    if full:
        checks.ok(export(db, 'a') == export(plain, 'b'), f'{name}: exports')
        a, b = runs(db), runs(plain)
        checks.ok(a == b, f'{name}: runs and their inputs')
    checks.equal(db.execute('SELECT * FROM bars_check').fetchall(), [], f'{name}: bars_check')


def opened(db, sql):
    """How many files a query opens, on a connection that has none open."""
    other = connect(db.execute('PRAGMA database_list').fetchone()[2])
    other.execute(sql).fetchall()
    n = one(other, "SELECT value FROM bars_stat WHERE name = 'partition'")
    other.close()
    return n


def move(db, *args):
    return json.loads(one(db, f"SELECT bars_partition({', '.join('?' * len(args))})", *args))


def back(db, *args):
    return json.loads(one(db, f"SELECT bars_unpartition({', '.join('?' * len(args))})", *args))


def files(db):
    return [r[0] for r in db.execute('SELECT file FROM barsvt_partition ORDER BY start, id')]


def test_readers():
    plain, db = build('plain.db'), build('main.db')
    everything = one(db, 'SELECT count(*) FROM barsvt_seg'), one(db, 'SELECT count(*) FROM barsvt_hot')
    done = move(db, 'month')
    checks.equal(files(db), [f'main-{m}.db' for m in ('2023-11', '2023-12', '2024-01', '2024-02')], 'the newest month stays')
    checks.equal((done['partitions'], done['unused']), (4, []), 'answer')
    in_files = one(db, 'SELECT sum(n) FROM barsvt_partition_series')
    checks.equal(done['bars'], in_files, 'answer: bars')
    checks.ok(one(db, 'SELECT count(*) FROM barsvt_seg') < everything[0], 'the file has fewer chunks')
    checks.equal(one(db, f"SELECT count(*) FROM barsvt_hot WHERE ts < {seconds('2024-03-01')} AND series <> 4"), 0, 'and no rows of those months but of days')
    same(db, plain, 'months')
    same(connect('main.db'), plain, 'months, a new connection', full=True)
    checks.equal(move(db, 'month'), {'partitions': 0, 'bars': 0, 'unused': []}, 'nothing is left to move')

    # each file alone is a database like others
    for name, (lo, hi) in zip(files(db), zip(MARKS[2:], MARKS)):
        alone = connect(name)
        lo, hi = one(db, 'SELECT start FROM barsvt_partition WHERE file = ?', name), one(db, 'SELECT "end" FROM barsvt_partition WHERE file = ?', name)
        for asset, step in (('AAA', 'minute'), ('WIDE', 'hour')):
            rows = [c.execute(f'SELECT {COLUMNS}, known_at FROM bars(?, ?, ?, ?)', (asset, step, lo, hi)).fetchall() for c in (alone, plain)]
            checks.ok(rows[0] and rows[0] == rows[1], f'{name} alone: {asset}')
        checks.equal(alone.execute("SELECT asset, tz, multiplier FROM barsvt_asset WHERE asset = 'AAA'").fetchall(), [('AAA', 'America/New_York', 5.0)], f'{name}: the asset')
        checks.equal(alone.execute('SELECT * FROM bars_check').fetchall(), [], f'{name} alone: bars_check')
        alone.close()

    # pruning
    def span(a, b):
        return f"SELECT sum(close) FROM bars('AAA', 'minute', '{a}', '{b}')"
    for sql, n in ((span('2023-12-01', '2024-01-01'), 1), (span('2023-12-05', '2023-12-06'), 1), (span('2023-12-31', '2024-01-02'), 2), (span('2024-03-01', '2024-04-01'), 0),
                   (span('2020-01-01', '2030-01-01'), 4), ("SELECT ts FROM bars('AAA', 'minute') ORDER BY ts DESC LIMIT 5", 0), ("SELECT count(*) FROM bars('AAA', 'day')", 0),
                   ("SELECT * FROM bars_asof('AAA', 'minute', '2024-01-20 15:30')", 1), ("SELECT * FROM bars_coverage", 0),
                   ("SELECT bars FROM bars_summary('AAA', 'minute', '2023-12-10', '2024-01-10')", 2), ("SELECT close FROM bars_agg('WIDE', 'day', '2024-03-02', '2024-03-04')", 4)):
        checks.equal(opened(db, sql), n, f'files opened by {sql}')
    run = "SELECT bt_run('cross_v', '{\"start\": \"2024-01-10\", \"end\": \"2024-01-20\"}')"
    checks.equal(opened(db, run), 3, 'a run opens no file of later months; its view reads the earlier ones')
    for c in (plain, db):
        c.execute('DELETE FROM bt_run')

    # what is written over them wins, and everything else is as without
    rng = random.Random(3)
    lo, hi = seconds('2023-12-28'), seconds('2024-01-04')
    for c in (plain, db):
        rng.seed(3)
        some = [r[0] for r in c.execute("SELECT ts FROM bars('AAA', 'minute', ?, ?)", (lo, hi))]
        put(c, [('AAA', 'minute', ts, *bar(rng, 70.0), *(None,) * 5) for ts in rng.sample(some, 30)], 'INSERT OR REPLACE')
        put(c, [('AAA', 'minute', ts, *bar(rng, 90.0), *(None,) * 5) for ts in some[::9]], 'INSERT OR IGNORE')
        put(c, [('BBB', 'minute', ts + 17, *bar(rng, 80.0), *(None,) * 5) for ts in some[::2]])  # new ones between
        c.execute("UPDATE bars SET volume = 1e6 WHERE asset = 'WIDE' AND timestep = 'hour' AND ts BETWEEN ? AND ?", (lo, hi))
        put(c, [('NEW', 'minute', ts, *bar(rng, 30.0), *(None,) * 5) for ts in range(lo, hi, 60)])
        checks.equal(c.execute("SELECT bars_compact()").fetchone() is not None, True, 'compacted')
    same(db, plain, 'written over', full=True)
    whole = "SELECT count(*), sum(close) FROM bars('NEW', 'minute')"
    checks.equal(db.execute(whole).fetchall(), plain.execute(whole).fetchall(), 'a new asset in a past month')
    ts = one(db, "SELECT ts FROM bars('AAA', 'minute', '2023-12-10', NULL)")
    checks.error(lambda: put(db, [('AAA', 'minute', ts, 5, 6, 4, 5, 1, *(None,) * 5)]), ['already stored with other values'], 'INSERT of another bar')
    before = one(db, 'SELECT total_changes()')
    put(db, [('AAA', 'minute', *r) for r in db.execute(f"SELECT {COLUMNS} FROM bars('AAA', 'minute', '2023-12-10', '2023-12-12')").fetchall()])
    checks.equal(one(db, f"SELECT count(*) FROM barsvt_hot WHERE ts BETWEEN {seconds('2023-12-10')} AND {seconds('2023-12-12')} AND series = 1"), 0, f'the same bars again write nothing ({before})')
    for sql in (f"DELETE FROM bars WHERE asset = 'AAA' AND timestep = 'minute' AND ts = {ts}", "DELETE FROM bars WHERE asset = 'AAA' AND timestep = 'minute'",
                f"UPDATE bars SET ts = ts + 1 WHERE asset = 'AAA' AND timestep = 'minute' AND ts = {ts}"):
        checks.error(lambda sql=sql: db.execute(sql), ["in the partition 'main-2023-1", "bars_unpartition('main-2023-1"], sql)
    new = one(db, "SELECT ts FROM bars('BBB', 'minute', '2023-12-29', NULL) WHERE ts % 60 = 17")
    for c in (plain, db):
        c.execute("DELETE FROM bars WHERE asset = 'BBB' AND timestep = 'minute' AND ts = ?", (new,))  # it is in no file
    same(db, plain, 'deleted')
    with open('again.csv', 'w', encoding='ascii') as f:
        f.write('ts,open,high,low,close,volume\n')
        f.writelines(','.join('' if x is None else repr(x) for x in r) + '\n' for r in plain.execute("SELECT ts, open, high, low, close, volume FROM bars('AAA', 'minute')"))
    got = json.loads(one(db, "SELECT bars_import('again.csv', 'AAA', 'minute')"))
    checks.equal((got['new'], got['changed']), (0, 0), 'an import of all that is there changes nothing')
    for c in (plain, db):
        c.execute('DELETE FROM barsvt_coverage')

    # the same months once more: new files, and the old ones are not needed any more where nothing else is in them
    done = move(db, 'month')
    checks.equal((done['partitions'], sorted(done['unused'])), (2, ['main-2023-12.db', 'main-2024-01.db']), 'once more: every series has other bars')
    checks.equal(files(db), ['main-2023-11.db', 'main-2023-12-2.db', 'main-2024-01-2.db', 'main-2024-02.db'], 'once more: files')
    same(db, plain, 'once more')
    for assets, names, unused in ((['BBB'], ['main-2023-11.db', 'main-2023-12-2.db', 'main-2023-12-3.db', 'main-2024-01-2.db', 'main-2024-02.db'], []),
                                  (['AAA', 'NEW', 'WIDE'], ['main-2023-11.db', 'main-2023-12-3.db', 'main-2023-12-4.db', 'main-2024-01-2.db', 'main-2024-02.db'], ['main-2023-12-2.db'])):
        for c in (plain, db):
            for a in assets:
                c.execute(f"UPDATE bars SET volume = 5 WHERE timestep = '{'hour' if a == 'WIDE' else 'minute'}' AND asset = '{a}' AND ts BETWEEN {lo + 30000} AND {lo + 60000}")
        done = move(db, 'month')
        checks.equal((files(db), done['unused']), (names, unused), f'{assets} once more: a file goes when nothing in it is in use')
        same(db, plain, f'{assets} once more')

    # other periods are in the way, or come beside
    checks.error(lambda: move(db, 'year', '{"before": "2025-01-01"}'), ['another period', "bars_unpartition('main-20"], 'a year over months')
    done = move(db, 'year', '{"timestep": "1d", "before": "2025-02-03"}')
    checks.equal((files(db)[0], done['partitions']), ('main-2023.db', 2), 'years of days')
    same(db, plain, 'years of days')
    checks.equal(opened(db, "SELECT count(close) FROM bars('AAA', 'day', '2024-01-03', '2024-02-01')"), 1, 'days of a year: one file')

    # and back
    done = back(db, 'main-2024-02.db')
    checks.equal(done['unused'], ['main-2024-02.db'], 'one comes back')
    same(db, plain, 'one came back')
    checks.error(lambda: back(db, 'main-2024-02.db'), ['no partition', 'barsvt_partition'], 'it is no partition any more')
    db.execute("DELETE FROM bars WHERE asset = 'AAA' AND timestep = 'minute' AND ts = ?", (seconds('2024-02-05 15:00:00'),))
    plain.execute("DELETE FROM bars WHERE asset = 'AAA' AND timestep = 'minute' AND ts = ?", (seconds('2024-02-05 15:00:00'),))
    back(db)
    checks.equal(files(db), [], 'all are back')
    same(db, plain, 'all came back', full=True)
    plain.execute('SELECT bars_compact()').fetchall()
    db.execute('SELECT bars_compact()').fetchall()
    sealed = 'SELECT id, n, first, last, checksum, min, max FROM barsvt_seg ORDER BY id'
    checks.equal(db.execute(sealed).fetchall() == plain.execute(sealed).fetchall(), True, 'stored as if they had never been away')
    plain.close()
    return db


def small(path):
    """Three months of an asset, moved out."""
    db = connect(path)
    put(db, [('A', 'hour', ts, 10.0, 12.0, 9.0, 10 + ts % 7 / 4, 1.0, *(None,) * 5) for ts in range(seconds('2024-01-01'), seconds('2024-04-05'), 3600)])
    return db


ALL = "SELECT count(*), sum(ts), sum(close) FROM bars('A', 'hour')"
JANUARY, MARCH = ALL.replace("'hour'", "'hour', '2024-01-01', '2024-02-01'"), ALL.replace("'hour'", "'hour', '2024-03-01', '2024-04-01'")


def test_files():
    os.mkdir('x')
    db = small('x/m.sqlite')
    want, march = db.execute(ALL).fetchall(), db.execute(MARCH).fetchall()
    os.mkdir('x/parts')
    move(db, 'month', '{"dir": "parts", "before": "2024-03-15"}')
    checks.equal(files(db), ['parts/m-2024-01.db', 'parts/m-2024-02.db'], 'names in a directory')
    checks.equal(db.execute(ALL).fetchall(), want, 'in a directory')
    db.close()

    # a missing file: who needs it says so
    os.rename('x/parts/m-2024-01.db', 'gone')
    db = connect('x/m.sqlite')
    checks.equal(db.execute(MARCH).fetchall(), march, 'missing: others are read')
    for sql in (JANUARY, ALL, "SELECT * FROM bars_asof('A', 'hour', '2024-01-05')", "SELECT close FROM bars_agg('A', 'day', '2024-01-05', '2024-01-07')"):
        checks.error(lambda sql=sql: db.execute(sql).fetchall(), ['x/parts/m-2024-01.db', 'bars from 2024-01-01 to 2024-02-01', 'cannot be opened', 'put it back'], f'missing: {sql}')
    problems = db.execute('SELECT object, problem FROM bars_check').fetchall()
    checks.ok(len(problems) == 1 and problems[0][0] == 'barsvt_partition' and 'm-2024-01.db' in problems[0][1], f'missing: {problems}')
    checks.equal(one(db, 'SELECT bars FROM bars_coverage'), want[0][0], 'missing: coverage needs no file')
    os.rename('gone', 'x/parts/m-2024-01.db')
    checks.equal(db.execute(ALL).fetchall(), want, 'it is back')

    # another directory, the file's own name stays
    db.close()
    os.rename('x', 'y')
    db = connect('y/m.sqlite')
    checks.equal(db.execute(ALL).fetchall(), want, 'the directory has moved')
    other = connect()
    other.execute("ATTACH 'y/m.sqlite' AS far")
    checks.equal(other.execute(ALL).fetchall(), want, 'attached')
    other.execute('DETACH far')
    other.close()
    for f in glob.glob('y/parts/*') + ['y/m.sqlite']:
        os.chmod(f, 0o444)
    other = connect('file:y/m.sqlite?mode=ro', uri=True)
    checks.equal(other.execute(ALL).fetchall(), want, 'read-only')
    checks.error(lambda: move(other, 'month'), ['readonly'], 'read-only: nothing is moved')
    other.close()
    for f in glob.glob('y/parts/*') + ['y/m.sqlite']:
        os.chmod(f, 0o644)

    # a file that is in use is not written to; one that was is refused
    db.execute(JANUARY).fetchall()
    alone = connect('y/parts/m-2024-01.db', timeout=0.05)
    checks.error(lambda: alone.execute("UPDATE bars SET close = 10.5 WHERE asset = 'A' AND timestep = 'hour' AND ts < 1704100000"), ['locked'], 'written to while it is open')
    db.close()
    keep = open('y/parts/m-2024-01.db', 'rb').read()
    alone.execute("UPDATE bars SET close = 10.5 WHERE asset = 'A' AND timestep = 'hour' AND ts < 1704100000")
    alone.close()
    db = connect('y/m.sqlite')
    checks.error(lambda: db.execute(ALL).fetchall(), ['m-2024-01.db', 'not the file that was recorded', 'barsvt_partition to NULL'], 'changed')
    checks.equal(db.execute(MARCH).fetchall(), march, 'changed: others are read')
    db.execute("UPDATE barsvt_partition SET size = NULL, checksum = NULL WHERE file LIKE '%-01.db'")
    got = db.execute(ALL).fetchall()
    checks.ok(got[0][:2] == want[0][:2] and got[0][2] != want[0][2], 'changed: and taken as it is')
    problems = db.execute('SELECT object, id, problem FROM bars_check').fetchall()
    checks.ok(len(problems) == 1 and problems[0][:2] == ('barsvt_partition_series', 1) and 'hash is not that' in problems[0][2], f'changed: {problems}')
    db.close()
    shutil.copy('y/parts/m-2024-02.db', 'y/parts/m-2024-01.db')  # another partition under its name
    db = connect('y/m.sqlite')
    problems = [p for (p,) in db.execute('SELECT problem FROM bars_check')]
    checks.ok(problems, 'another file, not checked on opening: bars_check')
    db.execute('UPDATE barsvt_partition SET checksum = 1 + checksum, size = ? WHERE id = 2', (len(keep),))
    db.close()
    db = connect('y/m.sqlite')
    checks.error(lambda: db.execute(ALL.replace("'hour'", "'hour', '2024-02-01', '2024-02-05'")).fetchall(), ['not the file that was recorded'], 'another checksum')
    db.close()

    # any byte of the file: an error, found by bars_check, or in nobody's data
    db = small('z.db')
    move(db, 'month')
    db.close()
    good = open('z-2024-02.db', 'rb').read()
    rng, wrong = random.Random(2), 0
    for i in rng.sample(range(len(good)), 120) + list(range(0, 100, 7)):
        with open('z-2024-02.db', 'wb') as f:
            f.write(good[:i] + bytes([good[i] ^ (1 << rng.randrange(8))]) + good[i + 1:])
        db = connect('z.db')
        try:
            got = db.execute(ALL).fetchall()
        except Exception as e:
            checks.ok('z-2024-02.db' in str(e), f'damaged byte {i}: the error names the file: {e}')
            wrong += 1
            got = want
        checks.equal(got, want, f'damaged byte {i}')
        db.close()
    checks.ok(wrong > 5, f'damage: {wrong} of them were noticed')
    with open('z-2024-02.db', 'wb') as f:
        f.write(good[:len(good) // 2])
    db = connect('z.db')
    checks.error(lambda: db.execute(ALL).fetchall(), ['z-2024-02.db'], 'cut off')
    with open('z-2024-02.db', 'wb') as f:
        f.write(b'not a database, only a text of more than a hundred bytes, so that SQLite looks at its head and sees it is none' * 9)
    checks.error(lambda: db.execute(ALL).fetchall(), ['z-2024-02.db', 'not a database'], 'no database')
    with open('z-2024-02.db', 'wb') as f:
        f.write(good)
    checks.equal(db.execute(ALL).fetchall(), want, 'whole again')
    # tables that contradict themselves
    for sql, part in (("UPDATE barsvt_partition_series SET first = first - 40 * 86400 WHERE \"partition\" = 2", 'not those of their files'),
                      ("UPDATE barsvt_partition_series SET \"partition\" = 77 WHERE \"partition\" = 2", 'no partition 77'),
                      ("UPDATE barsvt_partition SET start = \"end\"", 'no range of times'), ("UPDATE barsvt_partition SET file = ''WHERE id = 1", 'names no file')):
        db.execute('BEGIN')
        db.execute(sql)
        other = None
        db.execute("SELECT bars_asset('A', 'multiplier', 1)").fetchall()  # tables changed by hand are looked at again
        checks.error(lambda: db.execute(ALL).fetchall(), [part], sql)
        checks.ok(any(part in p for (p,) in db.execute('SELECT problem FROM bars_check')), f'bars_check: {sql}')
        db.execute('ROLLBACK')
    checks.equal(db.execute(ALL).fetchall(), want, 'rolled back')
    db.execute("DELETE FROM barsvt_partition_series WHERE \"partition\" = 2")
    db.close()


def test_transactions():
    db = small('t.db')
    want = db.execute(ALL).fetchall()
    db.execute('BEGIN')
    checks.equal(move(db, 'month')['partitions'], 3, 'in a transaction')
    checks.equal(db.execute(ALL).fetchall(), want, 'in a transaction: seen')
    other = connect('t.db')
    checks.equal(other.execute(ALL).fetchall(), want, 'in a transaction: another connection')
    db.execute('ROLLBACK')
    checks.equal((db.execute(ALL).fetchall(), os.path.exists('t-2024-01.db')), (want, True), 'rolled back: the files are there, nobody knows them')
    checks.equal(one(db, "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'barsvt_partition%'"), 0, 'rolled back: no tables')
    move(db, 'month')
    checks.equal(files(db), ['t-2024-01.db', 't-2024-02.db', 't-2024-03.db'], 'and are taken by the next move')
    checks.equal((db.execute(ALL).fetchall(), other.execute(ALL).fetchall()), (want, want), 'moved')
    db.execute('BEGIN')
    back(db)
    db.execute("UPDATE bars SET close = 9.5 WHERE asset = 'A' AND timestep = 'hour' AND ts % 7200 = 0")
    db.execute('ROLLBACK')
    checks.equal(db.execute(ALL).fetchall(), want, 'back, rolled back')
    back(db)
    db.execute("UPDATE bars SET close = 9.5 WHERE asset = 'A' AND timestep = 'hour' AND ts BETWEEN ? AND ? + 3600", (seconds('2024-01-05'),) * 2)
    want = db.execute(ALL).fetchall()
    move(db, 'month')
    checks.equal(files(db), ['t-2024-01-2.db', 't-2024-02.db', 't-2024-03.db'], 'other bars get another file, the same ones take theirs')
    checks.equal((db.execute(ALL).fetchall(), other.execute(ALL).fetchall()), (want, want), 'moved again')
    other.close()
    db.close()

    # a reader's snapshot is of before, also where it opens files late
    db = small('w.db')
    db.execute('PRAGMA journal_mode = wal')
    want = db.execute(ALL).fetchall()
    other = connect('w.db')
    other.execute('BEGIN')
    other.execute('SELECT count(*) FROM barsvt_hot').fetchall()
    move(db, 'month')
    checks.equal(other.execute(ALL).fetchall(), want, 'snapshot of before')
    back(db)
    other.execute('COMMIT')
    move(db, 'month')
    other.execute('BEGIN')
    other.execute('SELECT count(*) FROM barsvt_hot').fetchall()
    back(db)
    db.execute("DELETE FROM bars WHERE asset = 'A' AND timestep = 'hour' AND ts < ?", (seconds('2024-03-01'),))
    checks.equal(other.execute(ALL).fetchall(), want, 'snapshot with files that are back meanwhile')
    other.execute('COMMIT')
    checks.equal(other.execute(ALL).fetchall(), db.execute(ALL).fetchall(), 'and after it')
    other.close()
    db.close()
    db = small('s.db')
    db.execute('PRAGMA journal_mode = delete')
    other = connect('s.db', timeout=0.05)
    other.execute('BEGIN IMMEDIATE')
    db.execute('PRAGMA busy_timeout = 50')
    checks.error(lambda: move(db, 'month'), ['locked'], 'somebody writes')
    checks.equal(glob.glob('s-*'), [], 'somebody writes: no file is made')
    other.close()
    db.close()


def test_errors():
    db = small('e.db')
    for args, part in ((('week',), "period is 'week'; it must be month, quarter or year"), ((None,), 'write bars_partition('), ((), 'write bars_partition('),
                       (('month', '{"dri": "x"}'), "did you mean 'dir'"), (('month', '{"dir": 5}'), 'dir: it must be a text'), (('month', '[]'), 'JSON object'), (('month', 'x'), 'not valid JSON'),
                       (('month', '{"before": "soon"}'), 'before:'), (('month', '{"before": 1e9}'), 'before: it must be'), (('month', '{"before": 1700000000000}'), 'before:'),
                       (('month', '{"timestep": "moon"}'), 'timestep:'), (('month', '{"dir": "nowhere"}'), 'nowhere/e-2024-01.db-partial cannot be created')):
        checks.error(lambda args=args: move(db, *args), ['bars_partition()', part], f'bars_partition{args}')
    checks.error(lambda: back(db, None), ['write bars_unpartition'], 'NULL')
    checks.error(lambda: back(db, 'x', 'y'), ['write bars_unpartition'], 'two arguments')
    checks.error(lambda: back(db, 'x'), ['no partition'], 'no such partition')
    checks.equal(back(db), {'partitions': 0, 'bars': 0, 'unused': []}, 'there are none')
    checks.equal(move(connect('empty.db'), 'month'), {'partitions': 0, 'bars': 0, 'unused': []}, 'an empty database')
    db.execute('CREATE VIEW evil AS SELECT bars_partition(\'month\')')
    checks.error(lambda: db.execute('SELECT * FROM evil').fetchall(), ['unsafe use'], 'in a view')
    memory = small(':memory:')
    checks.error(lambda: move(memory, 'month'), ['not in a file', 'must be absolute'], 'a database in memory')
    want = memory.execute(ALL).fetchall()
    move(memory, 'quarter', json.dumps({'dir': os.getcwd() + '/', 'before': '2024-07-01'}))
    checks.equal((files(memory), memory.execute(ALL).fetchall()), ([f'{os.getcwd()}/bars-2024-Q1.db', f'{os.getcwd()}/bars-2024-Q2.db'], want), 'in memory, with an absolute directory')
    checks.equal(one(memory, 'SELECT count(*) FROM barsvt_hot') + one(memory, 'SELECT count(*) FROM barsvt_seg'), 0, 'everything has moved')
    with open('e-2024-01.db', 'w', encoding='ascii') as f:
        f.write('mine')
    move(db, 'month')
    checks.equal((files(db)[0], open('e-2024-01.db', encoding='ascii').read()), ('e-2024-01-2.db', 'mine'), 'files of others stay')
    checks.equal(glob.glob('*partial*'), [], 'nothing is left lying about')
    many = connect('many.db')
    put(many, [('A', 'hour', ts, 10.0, 12.0, 9.0, 10 + ts % 7 / 4, 1.0, *(None,) * 5) for ts in range(seconds('2020-01-01'), seconds('2024-01-01'), 3600 * 5)])
    want = many.execute(ALL).fetchall()
    move(many, 'month', '{"before": 1704067200}')
    checks.equal((len(files(many)), many.execute(ALL).fetchall()), (48, want), '48 files')
    backward = [r[0] for r in many.execute("SELECT ts FROM bars('A', 'hour') ORDER BY ts DESC")]
    checks.ok(len(backward) == want[0][0] and backward == sorted(backward, reverse=True), '48 files, backwards')
    checks.equal(one(many, "SELECT value FROM bars_stat WHERE name = 'partition'"), 48, 'each is opened once')
    many.execute("SELECT bars_config('memory_limit', 2000000)").fetchall()
    checks.equal(many.execute(ALL).fetchall(), want, '48 files in little memory')
    checks.equal(many.execute('SELECT * FROM bars_check').fetchall(), [], '48 files: bars_check')


for test in (test_readers, test_files, test_transactions, test_errors):
    test()
checks.finish()
