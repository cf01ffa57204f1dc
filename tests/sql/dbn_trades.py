"""Trades of made-up DBN files into bars, against the same bars made here in exact arithmetic.

Files are in order of reception, with trades that come up to hours late, several instruments, an
instrument whose symbol changes overnight, a symbol that two instruments have one after the other, a symbol
with two publishers, instruments without symbol, and trades that cannot be bars.  Every version of the
format, every layout that carries trades, plain and with a send time behind each record.
"""
import os
import random
import sqlite3
import struct
import sys
from datetime import datetime, timedelta, timezone
from fractions import Fraction
from zoneinfo import ZoneInfo

sys.dont_write_bytecode = True
from bt_help import Checks, connect, one  # noqa: E402

NS = 10**9
DAY = 86400
START = int(datetime(2024, 3, 9, 22, tzinfo=timezone.utc).timestamp())  # over New York's change to summer time
NO_PRICE, NO_TIME, NO_SIZE = 2**63 - 1, 2**64 - 1, 2**32 - 1
SCHEMA = {'mbo': 0, 'mbp-1': 1, 'mbp-10': 2, 'tbbo': 3, 'trades': 4, 'cmbp-1': 14, 'tcbbo': 17}
RTYPE = {'mbo': 0xA0, 'mbp-1': 1, 'mbp-10': 10, 'tbbo': 1, 'trades': 0, 'cmbp-1': 0xB1, 'tcbbo': 0xC2}
SIZE = {'mbo': 56, 'mbp-1': 80, 'mbp-10': 368, 'tbbo': 80, 'trades': 48, 'cmbp-1': 80, 'tcbbo': 80}
BOOKS = ('mbo', 'mbp-1', 'mbp-10', 'cmbp-1')
NEW_YORK = ZoneInfo('America/New_York')
check = Checks()


def cstr(text, n):
    return text.encode().ljust(n, b'\0')


def head(version, schema, mappings, ts_out=0):
    """The bytes before the records.  mappings: [(symbol, [(first, end, instrument)])], days as yyyymmdd."""
    length = 22 if version == 1 else 71
    fixed = cstr('TEST.TEST', 16) + struct.pack('<HQQQ', schema, START * NS, NO_TIME, 0)
    if version == 1:
        fixed += struct.pack('<QBBB', NO_TIME, 1, 0, ts_out)
    else:
        fixed += struct.pack('<BBBH', 1, 0, ts_out, length)
    body = fixed.ljust(100, b'\0') + struct.pack('<I', 0)
    body += struct.pack('<I', len(mappings)) + b''.join(cstr(m[0], length) for m in mappings)
    body += struct.pack('<II', 0, 0)
    body += struct.pack('<I', len(mappings))
    for symbol, intervals in mappings:
        body += cstr(symbol, length) + struct.pack('<I', len(intervals))
        for first, end, instrument in intervals:
            body += struct.pack('<II', first, end) + cstr(str(instrument), length)
    return b'DBN' + struct.pack('<BI', version, len(body)) + body


def record(schema, t, ts_out=False):
    tail = struct.pack('<Q', t['recv']) if ts_out else b''
    n = SIZE[schema] + len(tail)
    rec = struct.pack('<BBHIQ', n // 4, RTYPE[schema], t['publisher'], t['instrument'], t['event'])
    action = t['action'].encode()
    if schema == 'mbo':
        rec += struct.pack('<QqIBBcc', 7, t['price'], t['size'], 0, 0, action, b'A') + struct.pack('<QiI', t['recv'], 0, 1)
    else:
        rec += struct.pack('<qIccBB', t['price'], t['size'], action, b'A', 0, 0) + struct.pack('<QiI', t['recv'], 0, 1)
    return rec.ljust(SIZE[schema], b'\x55') + tail


MAPPINGS = [
    ('AAA', [(20240301, 20240311, 1), (20240311, 20240401, 2)]),  # instrument 1 until the 10th, then 2
    ('BBB', [(20240311, 20240401, 1)]),
    ('CCC', [(20240301, 20240401, 3)]),  # two publishers
    ('D D', [(20240301, 20240401, 4)]),
]


def symbol_of(t):
    at = t['recv'] if t['recv'] != NO_TIME else t['event']
    before = datetime.fromtimestamp(at // NS, timezone.utc) < datetime(2024, 3, 11, tzinfo=timezone.utc)
    if t['instrument'] == 1:
        return 'AAA' if before else 'BBB'
    if t['instrument'] == 2:
        return '2' if before else 'AAA'
    return {3: 'CCC', 4: 'D D'}.get(t['instrument'], str(t['instrument']))


def make_trades(rng, n, span, late, schema):
    """In order of reception.  late: the longest a trade may take, in s."""
    out = []
    for _ in range(n):
        recv = START * NS + rng.randrange(span * NS)
        delay = rng.randrange(10**6) if rng.random() < 0.8 else rng.randrange(max(late, 1) * NS)
        t = {'instrument': rng.choice((1, 1, 2, 3, 3, 3, 4, 77)), 'publisher': 2, 'event': recv - delay, 'recv': recv,
             'price': rng.choice((1, -1)) * rng.randrange(1, 500 * NS), 'size': rng.randrange(0, 1000),
             'action': 'T', 'why': None}
        if t['instrument'] == 3:
            t['publisher'] = rng.choice((2, 200))
        kind = rng.random()
        if kind < 0.02:
            t['price'], t['why'] = NO_PRICE, 'the price is undefined'
        elif kind < 0.04:
            t['size'], t['why'] = NO_SIZE, 'the size is undefined'
        elif kind < 0.06:
            t['event'], t['why'] = NO_TIME, 'the time is undefined'
        elif kind < 0.08:
            t['event'], t['why'] = recv - DAY * NS - 1, 'the trade was received more than a day after its time'
        elif kind < 0.10:
            t['event'], t['why'] = recv + DAY * NS + 1, 'the trade was received more than a day before its time'
        elif kind < 0.12:
            t['action'] = 'A'
            t['why'] = 'book' if schema in BOOKS else 'the action is not a trade'
        elif kind < 0.14:
            t['event'] = recv + rng.randrange(60 * NS)  # a clock that is ahead
        elif kind < 0.16:
            t['price'] = rng.choice((1, -1)) * rng.randrange(2**53, 2**63 - 1)  # past the exact doubles
        out.append(t)
    out.sort(key=lambda t: t['recv'])
    for t in out:
        if t['why'] is None and rng.random() < 0.05:
            t['recv'] = NO_TIME
            t['event'] = max(t['event'], START * NS)
    return out


def bucket(timestep, ns):
    s = ns // NS
    width = {'second': 1, 'minute': 60, '7 minutes': 420, 'hour': 3600}.get(timestep)
    if width:
        origin = int(datetime(2000, 1, 3, tzinfo=timezone.utc).timestamp())
        return s - (s - origin) % width
    local = datetime.fromtimestamp(s, timezone.utc).astimezone(NEW_YORK).replace(hour=0, minute=0, second=0)
    if timestep == 'week':
        local -= timedelta(days=local.weekday())
    return int(local.timestamp())


def expect(trades, timestep):
    good = [t for t in trades if t['why'] is None]
    publishers = {}
    for t in good:
        publishers.setdefault(symbol_of(t), set()).add(t['publisher'])
    bars = {}
    for place, t in enumerate(good):
        key = symbol_of(t)
        if len(publishers[key]) > 1:
            key += {2: '@XNAS', 200: '@200'}[t['publisher']]
        bars.setdefault((key, bucket(timestep, t['event'])), []).append((t['event'], place, t['price'], t['size']))
    out = {}
    for at, b in bars.items():
        b.sort()
        volume = sum(x[3] for x in b)
        value = Fraction(sum(x[2] * x[3] for x in b), NS)
        exact = [Fraction(x, NS) for x in (b[0][2], max(x[2] for x in b), min(x[2] for x in b), b[-1][2])]
        out[at] = tuple(map(float, exact)) + (float(volume), float(len(b)), value / volume if volume else None)
    return out


def near(got, want, bar):
    """vwap: the nearest double but for a few roundings of its terms, and never outside the bar."""
    if got is None or want is None:
        return got is None and want is None
    scale = max(abs(want), abs(Fraction(bar[1])) / 2**10, abs(Fraction(bar[2])) / 2**10)
    return abs(Fraction(got) - want) <= scale * Fraction(4, 2**53) and bar[2] <= got <= bar[1]


def check_case(rng, version, schema, timestep, n, span, late):
    what = f'version {version} {schema} {timestep}, {n} trades in {span} s, late up to {late} s'
    ts_out = rng.random() < 0.3
    trades = make_trades(rng, n, span, late, schema)
    with open('t.dbn', 'wb') as f:
        f.write(head(version, SCHEMA[schema], MAPPINGS, ts_out) + b''.join(record(schema, t, ts_out) for t in trades))
    db = connect()
    try:
        one(db, 'SELECT bars_import(?, NULL, ?, ?)', 't.dbn', timestep, '{"tz": "America/New_York"}')
    except sqlite3.Error as e:
        check.ok(False, f'{what}: {e}')
        return
    want, got = expect(trades, timestep), {}
    for asset, in db.execute('SELECT DISTINCT asset FROM bars_coverage').fetchall():
        for row in db.execute('SELECT ts, open, high, low, close, volume, trades, vwap FROM bars(?, ?)', (asset, timestep)):
            got[asset, row[0]] = row[1:]
    check.equal({k: v[:6] for k, v in got.items()}, {k: v[:6] for k, v in want.items()}, what)
    check.ok(all(near(v[6], want[k][6], v) for k, v in got.items() if k in want), what + ': vwap')
    rejects = [(i + 1, t['why']) for i, t in enumerate(trades) if t['why'] and t['why'] != 'book']
    check.equal(db.execute('SELECT line, reason FROM barsvt_reject ORDER BY line').fetchall(), rejects, what + ': rejects')


rng = random.Random(20240309)
for version in (1, 2, 3):
    for schema in SCHEMA:
        check_case(rng, version, schema, 'minute', 300, 3600, 600)
for timestep, span, late in (('second', 1000, 30), ('second', 3 * DAY, 5 * 3600), ('minute', 3 * DAY, 0), ('minute', 3 * DAY, 20 * 3600),
                             ('7 minutes', DAY, 1000), ('hour', 4 * DAY, 3600), ('day', 9 * DAY, 20 * 3600), ('week', 20 * DAY, DAY)):
    for n in (0, 1, 7, 4000):
        check_case(rng, rng.choice((1, 2, 3)), 'trades', timestep, n, span, late)

# More bars open at once than are kept: each instrument has a day of seconds, and then a trade a day late.
os.remove('t.dbn')
with open('late.dbn', 'wb') as f:
    f.write(head(3, SCHEMA['trades'], [('AAA', [(20240301, 20250401, 1)])]))
    t = {'instrument': 1, 'publisher': 2, 'price': NS, 'size': 1, 'action': 'T'}
    for i in range(40):
        for s in range(0, DAY, 3):
            at = (START + s) * NS
            f.write(record('trades', dict(t, instrument=i + 1, event=at, recv=at)))
        f.write(record('trades', dict(t, instrument=i + 1, event=START * NS, recv=(START + DAY) * NS)))
db = connect()
check.error(lambda: one(db, 'SELECT bars_import(?, NULL, ?)', 'late.dbn', 'second'), ['longer timestep'], 'too many open bars')
check.equal(one(db, 'SELECT count(*) FROM bars_coverage'), 0, 'nothing of it is stored')
summary = one(db, "SELECT bars_import('late.dbn', NULL, 'minute') ->> 'rows'")
check.equal(summary, 40 * DAY // 60, 'with a longer timestep it fits')
check.finish()
