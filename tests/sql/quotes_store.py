"""Bars of quotes in the store: series of the bid and of the ask beside those of trades.

What holds for a series of trades holds for each side, and none of the three gets in the way of the others: writing, reading,
deleting, sealing, aggregates, exports, checks, coverage, feeds, the clock, attached files, older files.  bars_quote is held against a
full join of the two series in SQL.
"""
import os
import random
import sqlite3
import sys
import zipfile

sys.dont_write_bytecode = True
from bt_help import Checks, SHARED, connect, one  # noqa: E402

checks = Checks()
START = 1704189600
STEPS = ('minute', 'minute bid', 'minute ask')


def fill(db, n=3000, asset='A', seed=1, hole=0.1):
    """Random bars: quotes around trades, with holes on each side.  Rows by timestep."""
    rng = random.Random(seed)
    rows = {step: [] for step in STEPS}
    price = 100.0
    for i in range(n):
        price = max(5.0, round(price + rng.uniform(-0.5, 0.5), 2))
        for step, shift in (('minute', 0), ('minute bid', -0.02), ('minute ask', 0.02)):
            if rng.random() < hole:
                continue
            o = round(price + shift, 2)
            h, l = round(o + rng.random() / 4, 2), round(o - rng.random() / 4, 2)
            rows[step].append((asset, step, START + 60 * i, o, h, l, round(rng.uniform(l, h), 2), float(rng.randrange(1, 900))))
    db.execute('BEGIN')
    for step in STEPS:
        db.executemany('INSERT INTO bars(asset, timestep, ts, open, high, low, close, volume) VALUES (?, ?, ?, ?, ?, ?, ?, ?)', rows[step])
    db.execute('COMMIT')
    return rows


def read(db, step, asset='A'):
    return db.execute('SELECT asset, timestep, ts, open, high, low, close, volume FROM bars(?, ?)', (asset, step)).fetchall()


def joined(rows):
    """What bars_quote must give."""
    bid = {r[2]: r[3:] for r in rows['minute bid']}
    ask = {r[2]: r[3:] for r in rows['minute ask']}
    none = (None,) * 5
    out = []
    for ts in sorted(bid.keys() | ask.keys()):
        b, a = bid.get(ts, none), ask.get(ts, none)
        both = ts in bid and ts in ask
        out.append((ts, *b, *a, (b[3] + a[3]) / 2 if both else None, a[3] - b[3] if both else None, ts + 60))
    return out


QUOTE = ('SELECT ts, bid_open, bid_high, bid_low, bid_close, bid_size, ask_open, ask_high, ask_low, ask_close, ask_size, mid, spread, known_at'
         ' FROM bars_quote')


def sides_and_trades():
    db = connect()
    rows = fill(db)
    want = joined(rows)
    for sealed in (False, True):
        if sealed:
            db.execute('SELECT bars_compact()').fetchall()
        for step in STEPS:
            checks.equal(read(db, step), rows[step], f'{step} (sealed: {sealed})')
        checks.equal(db.execute(QUOTE + "('A', 'minute')").fetchall(), want, f'bars_quote (sealed: {sealed})')
        checks.equal(db.execute('SELECT * FROM bars_check').fetchall(), [], f'bars_check (sealed: {sealed})')
    lo, hi = START + 6000, START + 9000
    some = [r for r in want if lo <= r[0] < hi]
    checks.equal(db.execute(QUOTE + "('A', 'minute', ?, ?)", (lo, hi)).fetchall(), some, 'start and end')
    checks.equal(db.execute(QUOTE + " WHERE asset = 'A' AND timestep = '1m' AND ts >= ? AND ts < ?", (lo, hi)).fetchall(), some, 'bounds of ts')
    checks.equal(db.execute(QUOTE + " WHERE asset = 'A' AND timestep = '1m' AND ts > ? AND ts <= ?", (lo, hi)).fetchall(),
                 [r for r in want if lo < r[0] <= hi], 'open bounds of ts')
    checks.equal(db.execute(QUOTE + "('A', 'minute') ORDER BY ts DESC LIMIT 5").fetchall(), want[::-1][:5], 'newest first')
    checks.equal(db.execute("SELECT count(*) FROM (SELECT 'A' AS x UNION ALL SELECT 'A') JOIN bars_quote(x, 'minute')").fetchone()[0],
                 2 * len(want), 'argument from a table')
    checks.equal(db.execute(QUOTE + "(NULL, 'minute')").fetchall(), [], 'a NULL asset')
    # the clock
    for clock in (START + 60, START + 61, START + 119, START + 6030, START + 6060):
        db.execute('SELECT bars_clock(?)', (clock,)).fetchall()
        checks.equal(db.execute(QUOTE + "('A', 'minute')").fetchall(), [r for r in want if r[-1] <= clock], f'clock {clock - START}')
    db.execute('SELECT bars_clock(NULL)').fetchall()
    # aggregates of a side are those of its bars alone
    for step in ('bid', 'ask'):
        got = db.execute('SELECT ts, open, high, low, close, volume, count FROM bars_agg(?, ?)', ('A', f'5 minutes {step}')).fetchall()
        by = {}
        for r in rows[f'minute {step}']:
            by.setdefault(r[2] // 300 * 300, []).append(r)
        last = rows[f'minute {step}'][-1][2] + 60
        whole = [(t, x[0][3], max(r[4] for r in x), min(r[5] for r in x), x[-1][6], sum(r[7] for r in x), len(x))
                 for t, x in sorted(by.items()) if t + 300 <= last]
        checks.equal(got[:len(whole)], whole, f'5 minutes {step}')
    got = db.execute("SELECT ts, bid_open, ask_close, bid_size FROM bars_quote('A', '5 minutes')").fetchall()
    bid = dict(db.execute("SELECT ts, open FROM bars_agg('A', '5 minutes bid')"))
    ask = dict(db.execute("SELECT ts, close FROM bars_agg('A', '5 minutes ask')"))
    checks.equal(got, [(t, bid.get(t), ask.get(t), None) for t in sorted(bid.keys() | ask.keys())], 'quotes of 5 minutes')
    # by name
    checks.equal(one(db, "SELECT sma('A', 'minute bid', 3)"), one(db, "SELECT sma(bars, 3) FROM bars('A', 'minute bid') ORDER BY ts DESC LIMIT 1"),
                 'an indicator of the bid')
    checks.equal(one(db, "SELECT last_price('A', 'minute ask')"), rows['minute ask'][-1][6], 'last_price of the ask')
    checks.equal(one(db, "SELECT last_price('A')"), rows['minute'][-1][6], 'last_price is that of trades')
    checks.equal(one(db, "SELECT close FROM bars_asof('A', 'minute bid', ?)", START + 6000), [r for r in rows['minute bid'] if r[2] + 60 <= START + 6000][-1][6], 'bars_asof')
    checks.equal(db.execute('SELECT timestep, bars FROM bars_coverage').fetchall(), [(s, len(rows[s])) for s in STEPS], 'bars_coverage')
    checks.equal(db.execute("SELECT timestep FROM bars_coverage('A', 'minute bid')").fetchall(), [('minute bid',)], 'bars_coverage of the bid')
    checks.equal({r[0] for r in db.execute("SELECT DISTINCT timestep FROM bars_gap('A', 'minute ask')")}, {'minute ask'}, 'bars_gap of the ask')
    checks.equal(one(db, "SELECT bars FROM bars_summary('A', 'minute ask')"), len(rows['minute ask']), 'bars_summary')
    db.execute("CREATE VIRTUAL TABLE temp.f USING bars_feed(universe='A', timestep='minute bid')")
    checks.equal(db.execute('SELECT ts, close FROM f').fetchall(), [(r[2], r[6]) for r in rows['minute bid']], 'bars_feed')
    # a correction and a deletion touch one side
    db.execute("INSERT OR REPLACE INTO bars(asset, timestep, ts, open, high, low, close) VALUES ('A', 'minute ask', ?, 1, 1, 1, 1)", (START + 600,))
    db.execute("DELETE FROM bars WHERE asset = 'A' AND timestep = 'minute bid' AND ts >= ?", (START + 1200,))
    checks.equal(one(db, "SELECT close FROM bars('A', 'minute ask') WHERE ts = ?", START + 600), 1.0, 'the corrected ask')
    checks.equal(read(db, 'minute bid'), [r for r in rows['minute bid'] if r[2] < START + 1200], 'the bid that is left')
    checks.equal(read(db, 'minute'), rows['minute'], 'trades are as they were')
    checks.equal(db.execute('SELECT * FROM bars_check').fetchall(), [], 'bars_check after changes')
    # what is asked of the whole asset
    db.execute("SELECT bars_asset('A', 'tz', 'America/New_York')").fetchall()
    checks.equal({r[0] for r in db.execute('SELECT tz FROM bars_coverage')}, {'America/New_York'}, 'the zone is the asset\'s')
    checks.equal(db.execute('SELECT * FROM bars_check').fetchall(), [], 'checksums after a change of zone')
    checks.equal(db.execute('SELECT timestep, venue FROM barsvt_series ORDER BY id').fetchall(), [('minute', ''), ('minute', 'bid'), ('minute', 'ask')],
                 'the keys')


def files():
    db, again = connect(), connect()
    rows = fill(db, 500)
    for step in STEPS:
        name = step.replace(' ', '_') + '.csv'
        one(db, "SELECT bars_export(?, 'A', ?)", name, step)
        one(again, "SELECT bars_import(?, 'A', ?)", name, step)
        checks.equal(read(again, step), rows[step], f'{step} through a file')
    one(db, "SELECT bars_export('all.csv', NULL, 'minute ask')")
    checks.equal(sum(1 for _ in open('all.csv')) - 1, len(rows['minute ask']), 'export of all assets')
    # one table of both sides, under several names
    for style in ('bid_open', 'Open Bid', 'bidOpen', 'BID.OPEN', 'open_bid'):
        def name(side, what):
            return style.lower().replace('bid', side).replace('open', what) if style.islower() else style.replace('Bid', side).replace('bid', side).replace('BID', side).replace('Open', what).replace('OPEN', what)
        header = ['ts', 'close'] + [name(s, w) for s in ('bid', 'ask') for w in ('open', 'high', 'low', 'close')]
        with open('both.csv', 'w') as f:
            print(','.join(header), file=f)
            for r in joined(rows):
                values = [r[0], 7] + list(r[1:5]) + list(r[6:10])
                print(','.join('' if v is None else repr(v) for v in values), file=f)
        other = connect()
        for step in ('minute bid', 'minute ask'):
            got = one(other, "SELECT bars_import('both.csv', 'A', ?) ->> '$.rejected'", step)
            checks.equal(got, 0, f'{style}: no rows set aside')
            checks.equal([r[2:7] for r in read(other, step)], [r[2:7] for r in rows[step]], f'{style}: {step}')
        checks.error(lambda: one(other, "SELECT bars_import('both.csv', 'A', 'minute')"), ['no column for open'], f'{style}: there are no trades')
    # bad rows of one side
    with open('bad.csv', 'w') as f:
        f.write('ts,bid_open,bid_high,bid_low,bid_close,ask_open,ask_high,ask_low,ask_close\n'
                f'{START},1,2,1,1.5,1,2,1,1.5\n{START + 60},1,,1,1.5,1,2,1,1.5\n{START + 120},1,2,3,1.5,nan,nan,nan,nan\n{START + 180},x,2,1,1,1,2,1,1.5\n')
    bad = connect()
    checks.equal(one(bad, "SELECT bars_import('bad.csv', 'A', 'minute bid') ->> '$.rejected'"), 3, 'bad bids')
    checks.equal(one(bad, "SELECT bars_import('bad.csv', 'A', 'minute ask') ->> '$.rejected'"), 0, 'no bad asks')
    checks.equal(bad.execute('SELECT timestep, line, reason FROM barsvt_reject ORDER BY line').fetchall(),
                 [('minute bid', 3, 'no high'), ('minute bid', 4, 'high is below low'), ('minute bid', 5, 'open is not a number')], 'barsvt_reject')
    checks.equal(len(read(bad, 'minute ask')), 3, 'asks: a row of nan is no bar')


def lean():
    """The sides of LEAN's quote files, against the text in them."""
    base = os.path.join(SHARED, 'data', 'real', 'data', 'lean')
    if not os.path.exists(base):
        print('no LEAN data beside the checkout')
        return
    db = connect()
    for path, asset, scale in (('equity/usa/minute/spy/20131007', 'spy', 10000), ('forex/oanda/minute/eurusd/20140507', 'eurusd', 1)):
        full = os.path.join(base, path + '_quote.zip')
        with zipfile.ZipFile(full) as z:
            lines = [x.split(',') for x in z.read(z.namelist()[0]).decode().split()]
        for step, at in (('minute bid', 1), ('minute ask', 6)):
            got = one(db, 'SELECT bars_import(?, NULL, ?)', full, step)
            want = [tuple(float(v) / scale for v in x[at:at + 4]) + (float(x[at + 4]),) for x in lines if x[at]]
            rows = db.execute('SELECT open, high, low, close, volume FROM bars(?, ?)', (asset, step)).fetchall()
            checks.equal(rows, want, f'{path} {step}: {got}')
        # the same day of trades stays apart
    trade = os.path.join(base, 'equity/usa/minute/spy/20131007_trade.zip')
    one(db, "SELECT bars_import(?, NULL, 'minute')", trade)
    checks.equal([r[0] for r in db.execute("SELECT timestep FROM bars_coverage('spy')")], ['minute bid', 'minute ask', 'minute'], 'three series of spy')
    checks.error(lambda: one(db, "SELECT bars_import(?, NULL, 'minute bid')", trade), ['bars of trades', 'no bid'], 'trades have no bid')
    checks.ok(one(db, "SELECT count(*) FROM bars_validate('spy', NULL) WHERE class = 'crossed'") == 7, 'crossed minutes of SPY')


def faults():
    db = connect()
    fill(db, 50)
    bars = "INSERT INTO bars(asset, timestep, ts, open, high, low, close) VALUES "
    for sql, needles in (
            ("SELECT * FROM bars_quote('A', 'minute bid')", ['names one side']),
            ("SELECT * FROM bars_quote('A')", ['timestep is missing']),
            ("SELECT * FROM bars_quote('B', 'minute')", ["unknown asset 'B'"]),
            ("SELECT * FROM bars_quote('A', 'minite')", ['is not understood']),
            ("SELECT * FROM bars('A', 'bid')", ['is not understood']),
            ("SELECT * FROM bars('A', 'minute mid')", ['is not understood', "' bid'"]),
            ("SELECT * FROM bars('A', 'hour bid')", ["no 'hour bid' bars", "bars_agg('A', 'hour bid')"]),
            ("SELECT * FROM bars_asof('A', 'minute', '2024-01-03', '1 day ask')", ['length of time']),
            (bars + f"('A', 'minute ask', {START + 600000}, 1, 2, 3, 1)", ['high is below low', "'minute ask'"]),
            (bars + f"('A', 'minute ask', {START + 600000}, NULL, 2, 1, 1)", ['open is missing']),
            ("SELECT * FROM bars_agg('A', 'hour bid', NULL, NULL, NULL, NULL, NULL, NULL, 'minute')", ["'hour bid'", 'do not divide'])):
        checks.error(lambda: db.execute(sql).fetchall(), needles, sql)
    only = connect()
    only.execute(bars + f"('Q', 'minute ask', {START}, 1, 1, 1, 1), ('Q', 'day bid', {START}, 1, 1, 1, 1)")
    checks.error(lambda: only.execute("SELECT * FROM bars('Q', 'minute')").fetchall(), ['there are: day bid, minute ask'], 'quotes only')
    checks.error(lambda: one(only, "SELECT last_price('Q')"), ['no bars of trades', 'minute ask'], 'last_price of quotes only')
    checks.equal(only.execute("SELECT bid_close, ask_close FROM bars_quote('Q', 'minute')").fetchall(), [(None, 1.0)], 'one side only')
    checks.equal(only.execute("SELECT bars_asset('Q', 'multiplier', 5)").fetchall(), [(5,)], 'bars_asset of quotes only')
    checks.equal(only.execute('SELECT * FROM bars_check').fetchall(), [], 'bars_check of quotes only')
    # a key as no program of ours writes it
    only.execute("UPDATE barsvt_series SET timestep = 'minute ask', venue = '', checksum = NULL WHERE venue = 'ask'")
    checks.error(lambda: only.execute("SELECT * FROM bars('Q', 'minute ask')").fetchall(), ['cannot be read'], 'a side in the timestep is damage')
    checks.ok('minute ask' in one(only, 'SELECT problem FROM bars_check'), 'and bars_check tells')


def attached():
    for name in ('one.db', 'two.db'):
        if os.path.exists(name):
            os.remove(name)
    first = connect('one.db')
    rows = fill(first, 200)
    first.close()
    db = connect('two.db')
    db.execute("ATTACH 'one.db' AS other")
    checks.equal(db.execute(QUOTE + "('A', 'minute')").fetchall(), joined(rows), 'quotes of an attached file')
    checks.equal(len(db.execute('SELECT DISTINCT timestep FROM bars_gap').fetchall()), 3, 'bars_gap of an attached file')
    plain = sqlite3.connect('one.db')
    checks.equal([r[0] for r in plain.execute("SELECT timestep || rtrim(' ' || venue) FROM barsvt_series ORDER BY id")], list(STEPS), 'without the extension')


sides_and_trades()
files()
lean()
faults()
attached()
checks.finish()
