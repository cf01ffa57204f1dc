# requires: shared
"""bars_import of DBN files: real ones of the vendor's repositories and synthetic ones.

Beside each real file lie its rows as another reader gave them (integers as stored).  For files of bars
the stored bars must be those rows; for files of trades the bars are made here from those rows, in exact
arithmetic, for several timesteps.  Files of anything else, and fragments and legacy files, must be refused
with a text that says why.  What every synthetic file must give is in synthetic/expected.json.
"""
import csv
import json
import os
import sys
from datetime import datetime, timedelta, timezone
from fractions import Fraction
from zoneinfo import ZoneInfo

sys.dont_write_bytecode = True
from bt_help import SHARED, Checks, connect, one  # noqa: E402

DBN = os.path.join(SHARED, 'data', 'dbn')
SYNTHETIC = os.path.join(DBN, 'synthetic')
BARS = {'ohlcv-1s': 'second', 'ohlcv-1m': 'minute', 'ohlcv-1h': 'hour', 'ohlcv-1d': 'day', 'ohlcv-eod': 'day'}
TRADES = ('trades', 'tbbo', 'mbp-1', 'mbp-10', 'mbo', 'cmbp-1', 'tcbbo')
SAMPLES = {'bbo-1s': 'second', 'bbo-1m': 'minute', 'cbbo-1s': 'second', 'cbbo-1m': 'minute'}
BOOKS = ('tbbo', 'mbp-1', 'mbp-10', 'cmbp-1', 'tcbbo')
SECONDS = {'second': 1, 'minute': 60, '5 minutes': 300, 'hour': 3600, 'day': 86400}
NO_PRICE, NO_TIME = 2**63 - 1, 2**64 - 1
NEW_YORK = ZoneInfo('America/New_York')
check = Checks()

with open(os.path.join(DBN, 'publishers.csv')) as f:
    VENUE = {int(r['publisher_id']): r['venue'] for r in csv.DictReader(f)}


def price(billionths):
    """The nearest double."""
    return float(Fraction(billionths, 10**9))


def stored(db, timestep):
    """All bars of that timestep: {(asset, ts): (open, high, low, close, volume, vwap, trades)}."""
    out = {}
    for asset, in db.execute('SELECT DISTINCT asset FROM bars_coverage WHERE timestep = ?', (timestep,)).fetchall():
        for row in db.execute('SELECT ts, open, high, low, close, volume, vwap, trades FROM bars(?, ?)', (asset, timestep)):
            out[asset, row[0]] = row[1:]
    return out


def load(path, timestep, asset=None, options=None):
    """A connection with the file's bars, and the summary; the error's text in place of it."""
    db = connect()
    try:
        return db, json.loads(one(db, 'SELECT bars_import(?, ?, ?, ?)', path, asset, timestep, options))
    except Exception as e:
        return db, str(e)


def keys(rows):
    """The asset key of each row: the symbol, and with several publishers of it also the venue."""
    publishers = {}
    for r in rows:
        publishers.setdefault(r['symbol'], set()).add(r['publisher_id'])
    return [r['symbol'] if len(publishers[r['symbol']]) == 1 else r['symbol'] + '@' + VENUE[int(r['publisher_id'])]
            for r in rows]


def bucket(timestep, ns):
    """Start of the bar that holds the instant: even in UTC below a day, else New York's calendar."""
    s = ns // 10**9
    width = {'second': 1, 'minute': 60, '5 minutes': 300, 'hour': 3600}.get(timestep)
    if width:
        return s - s % width
    local = datetime.fromtimestamp(s, timezone.utc).astimezone(NEW_YORK).replace(hour=0, minute=0, second=0)
    if timestep == 'week':
        local -= timedelta(days=local.weekday())
    return int(local.timestamp())


def bars_of_trades(rows, timestep):
    """What bars the trades make: values as in stored(), vwap as a fraction."""
    rows = [r for r in rows if r['action'] == 'T']
    bars = {}
    for place, (r, key) in enumerate(zip(rows, keys(rows))):
        at = (key, bucket(timestep, int(r['ts_event'])))
        bars.setdefault(at, []).append((int(r['ts_event']), place, int(r['price']), int(r['size'])))
    out = {}
    for at, t in bars.items():
        t.sort()
        volume = sum(x[3] for x in t)
        value = Fraction(sum(x[2] * x[3] for x in t), 10**9)
        out[at] = (price(t[0][2]), price(max(x[2] for x in t)), price(min(x[2] for x in t)), price(t[-1][2]),
                   float(volume), value / volume if volume else None, float(len(t)))
    return out


def same_vwap(got, want):
    if got is None or want is None:
        return got is None and want is None
    return abs(Fraction(got) - want) <= abs(want) * Fraction(3, 2**53)


def expected_rows(path):
    """The rows beside a file; none where it has no records."""
    if not os.path.exists(path + '.expected.csv'):
        return []
    with open(path + '.expected.csv', newline='') as f:
        return list(csv.DictReader(f))


def check_bars(path, schema):
    rows = expected_rows(path)
    db, summary = load(path, BARS[schema])
    if not check.ok(isinstance(summary, dict), f'{path}: {summary}'):
        return
    want = {(k, int(r['ts_event']) // 10**9):
            tuple(price(int(r[c])) for c in ('open', 'high', 'low', 'close')) + (float(r['volume']), None, None)
            for k, r in zip(keys(rows), rows)}
    check.equal(len(want), len(rows), f'{path}: rows with a key of their own')
    check.equal(stored(db, BARS[schema]), want, path)
    check.equal((summary['rows'], summary['rejected']), (len(rows), 0), path + ': counts')
    check.ok('warnings' not in summary, f'{path}: {summary}')
    other = 'hour' if BARS[schema] != 'hour' else 'minute'
    db, text = load(path, other)
    check.ok(isinstance(text, str) and f"timestep '{BARS[schema]}' (schema {schema})" in text, f'{path} as {other}: {text}')


def check_trades(path):
    rows = expected_rows(path)
    for timestep in ('second', 'minute', '5 minutes', 'hour', 'day', 'week'):
        db, summary = load(path, timestep, options='{"tz": "America/New_York"}')
        if not check.ok(isinstance(summary, dict), f'{path} {timestep}: {summary}'):
            continue
        got, want = stored(db, timestep), bars_of_trades(rows, timestep)
        check.equal({k: v[:5] + v[6:] for k, v in got.items()}, {k: v[:5] + v[6:] for k, v in want.items()},
                    f'{path} {timestep}')
        check.ok(all(same_vwap(got[k][5], want[k][5]) for k in got), f'{path} {timestep}: vwap {got}, not {want}')
        check.equal(summary['rejected'], 0, f'{path} {timestep}: rejected')
    return len(rows)


def bars_of_quotes(rows, schema, side, timestep):
    """What bars one side of the book makes: the size at the close as volume; a sample is of the interval that it ends."""
    rows = [r for r in rows if int(r[side + '_px_00']) != NO_PRICE]
    bars = {}
    for place, (r, key) in enumerate(zip(rows, keys(rows))):
        event = int(r['ts_recv']) - 1 if schema in SAMPLES else int(r['ts_event'])
        bars.setdefault((key, bucket(timestep, event)), []).append((event, place, int(r[side + '_px_00']), int(r[side + '_sz_00'])))
    out = {}
    for at, t in bars.items():
        t.sort()
        out[at] = (price(t[0][2]), price(max(x[2] for x in t)), price(min(x[2] for x in t)), price(t[-1][2]), float(t[-1][3]), None, None)
    return out


def check_quotes(path, schema):
    rows = expected_rows(path)
    for side in ('bid', 'ask'):
        for timestep, seconds in SECONDS.items():
            db, summary = load(path, f'{timestep} {side}', options='{"tz": "America/New_York"}')
            if schema in SAMPLES and seconds < SECONDS[SAMPLES[schema]]:
                check.ok(isinstance(summary, str) and f"samples of quotes ({schema}), for bars of '{SAMPLES[schema]} {side}' and longer" in summary, f'{path} {timestep}: {summary}')
            elif check.ok(isinstance(summary, dict), f'{path} {timestep} {side}: {summary}'):
                check.equal(stored(db, f'{timestep} {side}'), bars_of_quotes(rows, schema, side, timestep), f'{path} {timestep} {side}')
                check.equal(summary['rejected'], 0, f'{path} {timestep} {side}: rejected')
    if schema in SAMPLES:
        text, step = load(path, 'minute')[1], SAMPLES[schema]
        check.ok(isinstance(text, str) and f"schema {schema}, which are quotes; import them as '{step} bid' and as '{step} ask'" in text, f'{path}: {text}')


def check_file(entry):
    path = os.path.join(DBN, entry['file'])
    schema, container = entry['schema'], entry['container']
    if container == 'dbz':
        text = load(path, BARS.get(schema, 'minute'))[1]
        check.ok(isinstance(text, str) and 'legacy DBZ' in text, f'{path}: {text}')
    elif container == 'frag':
        text = load(path, 'minute')[1]
        check.ok(isinstance(text, str) and 'fragment' in text, f'{path}: {text}')
    elif schema in BARS:
        check_bars(path, schema)
    elif schema in SAMPLES:
        check_quotes(path, schema)
    elif schema in TRADES:
        check_trades(path)
        if schema in BOOKS:
            check_quotes(path, schema)
        else:
            text = load(path, 'minute ask')[1]
            check.ok(isinstance(text, str) and f'schema {schema}, which have no ask' in text, f'{path}: {text}')
    elif schema is not None:
        text = load(path, 'minute')[1]
        check.ok(isinstance(text, str) and f'schema {schema}, which are neither bars nor trades' in text, f'{path}: {text}')
    return schema, container


def check_live():
    """A live capture: no schema, nine kinds of records, symbols from symbol-mapping records."""
    path = os.path.join(DBN, 'python', 'LIVE', 'test_data.live.dbn.zst')
    with open(path + '.expected.jsonl') as f:
        rows = [json.loads(line) for line in f]
    for timestep, rtype in (('second', 0x20), ('minute', 0x21)):
        db, summary = load(path, timestep)
        want = {('ESZ4', r['ts_event'] // 10**9): tuple(price(r[c]) for c in ('open', 'high', 'low', 'close')) +
                (float(r['volume']), None, None) for r in rows if r['rtype'] == rtype}
        check.equal(stored(db, timestep), want, f'{path} {timestep}')
        check.ok('statistics' in str(summary), f'{path}: {summary}')
    trades = [dict(r, symbol='ESZ4') for r in rows if r['rtype'] == 0]
    db, summary = load(path, 'hour')
    got, want = stored(db, 'hour'), bars_of_trades(trades, 'hour')
    check.equal({k: v[:5] + v[6:] for k, v in got.items()}, {k: v[:5] + v[6:] for k, v in want.items()}, path + ' hour')


# ---- synthetic files ----

STEP = {'ok_v3_continuous_map.dbn': 'day', 'ok_v3_inverse_map.dbn': 'day'}


def symbol_of(instrument):
    return {101: 'ESH4', 202: 'NQH4'}.get(instrument, str(instrument))


def check_rows1000(path):
    with open(os.path.join(SYNTHETIC, 'rows1000.expected.csv'), newline='') as f:
        rows = list(csv.DictReader(f))
    want = {(r['symbol'], int(r['ts_event']) // 10**9): tuple(price(int(r[c])) for c in ('open', 'high', 'low', 'close')) +
            (float(r['volume']), None, None) for r in rows}
    check.equal(len(want), 1000, 'rows1000')
    db, summary = load(path, 'minute')
    check.equal(stored(db, 'minute'), want, path)
    check.equal(summary['rows'], 1000, path + ': rows')


def check_edge(path, rows):
    """Undefined prices and times are set aside, negative prices and huge volumes are kept; a day that the
    mapping does not have leaves the number as symbol."""
    db, summary = load(path, 'minute')
    want = {}
    for rtype, instrument, ts, *ohlc, volume in rows:
        if ts == NO_TIME or NO_PRICE in ohlc:
            continue
        key = str(instrument) if ts == 0 else symbol_of(instrument)
        want[key, ts // 10**9] = tuple(price(p) for p in ohlc) + (float(volume), None, None)
    check.equal(stored(db, 'minute'), want, path)
    check.equal(db.execute('SELECT line, reason FROM barsvt_reject ORDER BY line').fetchall(),
                [(1, 'open is undefined'), (5, 'the time is undefined')], path + ': rejects')
    check.ok('the first is' in str(summary.get('warnings')), f'{path}: {summary}')


def check_synthetic(name, want):
    path = os.path.join(SYNTHETIC, name)
    db, got = load(path, STEP.get(name, 'minute'))
    if want['outcome'] == 'error':
        check.ok(isinstance(got, str) and name in got and len(got) > 40, f'{name} must be refused: {got}')
        check.equal(one(db, 'SELECT count(*) FROM bars_coverage'), 0, name + ': nothing may be stored')
        return
    if isinstance(got, str):
        check.ok(want['outcome'] == 'ok_or_error', f'{name} must be read: {got}')
        return
    check.ok(True, name)
    source = want.get('same_rows_as', name)
    if source in ('ok_v1_ohlcv1m_1000.dbn', 'ok_v2_ohlcv1m_1000.dbn', 'ok_v3_ohlcv1m_1000.dbn'):
        check_rows1000(path)
    elif name == 'ok_v3_edge_values.dbn':
        check_edge(path, want['rows'])
    elif 'symbols_resolved' in want:
        # Records are a day each; those without a symbol go by their number.
        symbols = [a for (a, ts) in sorted(stored(db, 'day'), key=lambda k: k[1])]
        check.equal(sorted(s for s in symbols if not s.isdigit()),
                    sorted(s for s in want['symbols_resolved'] if s), name + ': symbols')
        check.equal(sum(s.isdigit() for s in symbols), want['symbols_resolved'].count(None), name + ': numbers')
    elif 'ohlcv_records' not in want:
        check.equal(got['rows'], want['records'], name + ': rows')
    if 'sum_volume' in want:
        bars = stored(db, 'minute')
        check.equal(sum(v[4] for v in bars.values()), want['sum_volume'], name + ': volume')
        for at, key in (('first', min), ('last', max)):
            ts, _, instrument, symbol, o, h, l, c, v = want[at]
            asset = symbol or symbol_of(instrument)  # null: not recorded; the file maps it
            check.equal(bars.get((asset, ts // 10**9), ())[:5],
                        (price(o), price(h), price(l), price(c), float(v)), f'{name}: {at}')


def check_mixed():
    """Each timestep takes its own bars from a file that mixes them; minutes come twice.  No hour or day is made
    from others; where no bar fits, the trade becomes one."""
    path = os.path.join(SYNTHETIC, 'ok_v3_mixed.dbn')
    for timestep, volumes in (('second', [5]), ('minute', [6, 11]), ('hour', [7]), ('day', [8])):
        db, summary = load(path, timestep)
        got = stored(db, timestep)
        check.equal([len(got), {k[0] for k in got}], [len(volumes), {'ESH4'}], f'{path} {timestep}')
        check.equal(sorted(v[4] for v in got.values())[0], float(volumes[0]), f'{path} {timestep}: volume')
        check.ok('3 records of unknown kinds' in str(summary) and 'own error text' in str(summary), f'{path}: {summary}')
    db, summary = load(path, '5 minutes')
    check.equal([v[6] for v in stored(db, '5 minutes').values()], [1.0], path + ' 5 minutes: trades')


with open(os.path.join(DBN, 'index.json')) as f:
    index = [e for e in json.load(f) if os.path.exists(os.path.join(DBN, e['file']))]
seen = [check_file(e) for e in index]
check.ok(len(seen) > 150, f'only {len(seen)} files')
check.ok(set(BARS) - {'ohlcv-eod'} <= {s for s, c in seen} and set(TRADES) - {'tcbbo'} <= {s for s, c in seen}, 'schemas')
check_live()
check_mixed()
with open(os.path.join(SYNTHETIC, 'expected.json')) as f:
    for name, want in json.load(f).items():
        check_synthetic(name, want)
check.finish()
