#!/usr/bin/python3
"""Documents: what they describe is run as bt_run() would run it, everything wrong is found at once with its place,
secrets stay out of what is stored, and keys of ml4t are taken or answered."""
import json
import os
import random
import sys

sys.dont_write_bytecode = True
from bt_help import SHARED, Checks, connect, one  # noqa: E402
from bt_help.duck import Duck  # noqa: E402

DAY, START, N = 86400, 1704067200, 80
checks = Checks()
rng = random.Random(3)


def prices():
    out = {}
    for asset in ('AAA', 'BBB'):
        px, rows = 100.0, []
        for i in range(N):
            o, px = px, round(px * (1 + rng.gauss(0, 0.02)), 2)
            rows.append((START + i * DAY, o, max(o, px) + 0.5, min(o, px) - 0.5, px, 100))
        out[asset] = rows
    return out


def iso(ts):
    from datetime import datetime, timezone
    return datetime.fromtimestamp(ts, timezone.utc).strftime('%Y-%m-%d')


PRICES = prices()
SCORES = [(START + i * DAY, a, round(rng.gauss(0, 1), 3)) for i in range(N) for a in PRICES]
VIX = [(START + i * DAY, round(rng.uniform(10, 30), 1)) for i in range(0, N, 3)]
with open('prices.csv', 'w') as f:
    f.write('when,ticker,open,high,low,Settle,volume\n')
    f.writelines(f'{iso(t)},{a},{o},{h},{lo},{c},{v}\n' for a, rows in PRICES.items() for t, o, h, lo, c, v in rows)
with open('scores.csv', 'w') as f:
    f.write('timestamp,asset_id,score,note\n')
    f.writelines(f'{iso(t)},{a},{x if x > -2 else ""},n{i}\n' for i, (t, a, x) in enumerate(SCORES))
with open('vix.csv', 'w') as f:
    f.write('day,vix\n')
    f.writelines(f'{t},{x}\n' for t, x in VIX)
with open('strategy.sql', 'w') as f:
    f.write("SELECT known_at, asset, CASE WHEN score > 0.5 THEN 0.4 ELSE 0 END AS target_weight\n  FROM feed WHERE score IS NOT NULL AND vix < 25;\n")


def stored(db):
    """The same data, put into tables by hand."""
    db.executemany("INSERT INTO bars(asset, timestep, ts, open, high, low, close, volume) VALUES (?, 'day', ?, ?, ?, ?, ?, ?)",
                   [(a, *row) for a, rows in PRICES.items() for row in rows])
    db.execute('CREATE TABLE scores(ts INTEGER, asset TEXT, score REAL)')
    db.executemany('INSERT INTO scores VALUES (?, ?, ?)', [(t, a, x if x > -2 else None) for t, a, x in SCORES])
    db.execute('CREATE TABLE vix(ts INTEGER, vix REAL)')
    db.executemany('INSERT INTO vix VALUES (?, ?)', VIX)


def fills(db, run):
    return db.execute('SELECT ts, asset, qty, price, commission FROM bt_fill WHERE run = ? ORDER BY id', (run,)).fetchall()


DOCUMENT = {
    'name': 'scores', 'description': 'an example',
    'data_sources': {
        'prices': {'path': '${BT_DATA}/prices.csv', 'format': 'csv', 'timestamp_column': 'when', 'asset_column': 'ticker', 'columns': {'close': 'Settle'},
                   'timestep': 'day', 'assets': ['AAA', 'BBB']},
        'signals': {'path': '${BT_DATA}/scores.csv', 'columns': ['score'], 'timing': 'next_bar'},
        'context': {'path': 'vix.csv', 'timestamp_column': 'day'}},
    'execution': {'initial_capital': '${BT_CASH}', 'commission': {'type': 'percentage', 'rate': 0.001}, 'units': 'fractional'},
    'params': {'key': '${BT_SECRET}', 'list': 3},
    'strategy': {'file': 'strategy.sql'}}


def test_run():
    os.environ.update(BT_DATA='.', BT_CASH='20000', BT_SECRET='do"not\\tell')
    db = connect('doc.db')
    checks.equal(one(db, 'SELECT bt_check(?)', json.dumps(DOCUMENT)), '[]', 'check: nothing wrong')
    a = one(db, 'SELECT bt_run_document(?)', json.dumps(DOCUMENT))
    other = connect()
    stored(other)
    other.execute("CREATE VIRTUAL TABLE feed USING bars_feed(timestep=day, universe='AAA, BBB', signals=(scores timing=next_bar), context=vix)")
    other.execute("CREATE VIEW v AS SELECT known_at, asset, CASE WHEN score > 0.5 THEN 0.4 ELSE 0 END AS target_weight FROM feed WHERE score IS NOT NULL AND vix < 25")
    b = one(other, """SELECT bt_run('v', '{"cash": 20000, "commission": 0.001, "units": "fractional", "assets": ["AAA", "BBB"], "timestep": "day"}')""")
    checks.ok(len(fills(db, a)) > 10 and fills(db, a) == fills(other, b), 'run: as with tables, feed and bt_run() by hand')
    checks.equal(one(db, 'SELECT count(*) FROM sqlite_temp_schema'), 0, 'run: no TEMP object is left')
    row = db.execute('SELECT strategy, sql, config, mode FROM bt_run').fetchone()
    checks.ok(row[0] == 'scores' and row[1].startswith('CREATE VIEW "scores" AS SELECT') and row[3] == 'set', f'run: its row {row}')
    checks.equal(json.loads(row[2])['params'], {'key': '${BT_SECRET}', 'list': 3}, 'run: the configuration is stored as written')
    everything = '\n'.join(db.iterdump())
    checks.ok('tell' not in everything, 'run: the secret is nowhere in the database')
    checks.equal(json.loads(one(db, "SELECT value FROM bt_input WHERE kind = 'document'")), DOCUMENT, 'run: the document is stored')
    checks.equal([r[0] for r in db.execute("SELECT name FROM bt_input WHERE kind = 'file' ORDER BY 1")],
                 ['data_sources.context.path', 'data_sources.prices.path', 'data_sources.signals.path', 'strategy.file'], 'run: its files')
    c = one(db, 'SELECT bt_rerun(?)', a)
    checks.equal(db.execute('SELECT * FROM bt_diff(?, ?)', (a, c)).fetchall(), [], 'rerun: no difference')
    checks.equal(db.execute('SELECT * FROM bt_diff(?)', (a,)).fetchall(), [], 'rerun: nothing has changed')
    d = one(db, """SELECT bt_rerun(?, '{"cash": 10000}')""", a)
    checks.equal(one(db, 'SELECT cash FROM bt_run WHERE id = ?', d), 10000.0, 'rerun: with another cash')
    with open('vix.csv', 'a') as f:
        f.write(f'{START + 300 * DAY},9\n')
    checks.equal([r[:2] for r in db.execute('SELECT * FROM bt_diff(?)', (a,))], [('file', 'data_sources.context.path')], 'rerun: a file has changed')
    # In a statement that reads, where SQLite drops no table.
    e = one(db, 'SELECT bt_run_document(?) FROM bt_run LIMIT 1', json.dumps(DOCUMENT))
    checks.equal(one(db, "SELECT count(*) FROM sqlite_temp_schema WHERE name NOT GLOB 'barsvt_source_*'"), 0, 'run: in a reading statement, no TEMP object is left')
    f = one(db, 'SELECT bt_rerun(?)', e)
    checks.equal(one(db, 'SELECT count(*) FROM sqlite_temp_schema'), 0, 'run: and the next one sweeps')
    checks.equal(fills(db, e), fills(db, f), 'run: in a reading statement')
    # bt_param() sees the value, and the strategy may be a view or a text.
    p = dict(DOCUMENT, strategy="SELECT known_at, asset, length(bt_param('key', '')) AS target_qty, bt_param('key', 'none') AS tag FROM bars('AAA', 'day')")
    checks.equal(one(db, 'SELECT tag FROM bt_order WHERE run = ? LIMIT 1', one(db, 'SELECT bt_run_document(?)', json.dumps(p))), 'do"not\\tell', 'params: expanded')
    db.execute("CREATE VIEW hold AS SELECT known_at, asset, 0.5 AS target_weight FROM bars('BBB', 'day')")
    checks.ok(one(db, """SELECT bt_run_document('{"strategy": "hold", "cash": 500}')""") > 0, 'strategy: a view')
    checks.ok(one(db, """SELECT bt_run_document('{"strategy": {"view": "hold"}, "commission": 0.01, "profile": "backtrader"}')""") > 0, 'flat keys')
    e = one(db, """SELECT bt_run_document('{"strategy": "hold", "risk_rules": {"stop_loss": 0.05, "max_vix": 20, "vix_asset": "AAA"}}')""")
    checks.equal(json.loads(one(db, 'SELECT config FROM bt_run WHERE id = ?', e))['risk'],
                 [{'rule': 'stop_loss', 'percent': 5}, {'rule': 'context', 'asset': 'AAA', 'max': 20}], 'risk_rules')


def errors(db, document):
    text = document if isinstance(document, str) else json.dumps(document)
    return {e['path']: e['message'] for e in json.loads(one(db, 'SELECT bt_check(?)', text))}


def test_parquet():
    """Signals and context from Parquet files: the same run as from CSV."""
    library = os.environ.get('BARSVT_DUCKDB') or SHARED + '/peers/node/node_modules/@duckdb/node-bindings-linux-x64/libduckdb.so'
    sources = dict(DOCUMENT['data_sources'], signals={'path': 'scores.parquet', 'columns': ['score'], 'timing': 'next_bar', 'format': 'parquet'},
                   context={'path': 'vix.parquet', 'timestamp_column': 'day'})
    document = dict(DOCUMENT, data_sources=sources)
    db = connect()
    for name in ('scores', 'vix'):  # what begins so is Parquet
        with open(f'{name}.parquet', 'wb') as out:
            out.write(b'PAR1 and nothing else')
    os.environ['BARSVT_DUCKDB'] = '/no/such/libduckdb.so'
    checks.error(lambda: one(db, 'SELECT bt_run_document(?)', json.dumps(document)), ['BARSVT_DUCKDB names no DuckDB', 'npm install'], 'parquet: without DuckDB')
    checks.equal(one(db, 'SELECT count(*) FROM sqlite_temp_schema'), 0, 'parquet: without DuckDB nothing TEMP')
    os.environ['BARSVT_DUCKDB'] = library
    if not os.path.exists(library):
        print('no libduckdb.so, Parquet was not read: set BARSVT_DUCKDB')
        return
    checks.error(lambda: one(db, 'SELECT bt_run_document(?)', json.dumps(document)), ['DuckDB:'], 'parquet: damaged')
    duck = Duck(library)
    duck.run("COPY (SELECT * REPLACE (CAST(score AS FLOAT) AS score), score > 0.5 AS up, NULL::INTEGER AS gone FROM 'scores.csv') TO 'scores.parquet' (FORMAT parquet)")
    duck.run("COPY (SELECT to_timestamp(CAST(day AS BIGINT)) AS day, vix FROM 'vix.csv') TO 'vix.parquet' (FORMAT parquet)")
    a, b = (one(db, 'SELECT bt_run_document(?)', json.dumps(d)) for d in (document, DOCUMENT))
    checks.ok(len(fills(db, a)) > 10 and fills(db, a) == fills(db, b), f'parquet: the same run as from CSV: {len(fills(db, a))} fills, {len(fills(db, b))}')
    checks.equal(db.execute('SELECT * FROM bt_diff(?, ?)', (a, one(db, 'SELECT bt_rerun(?)', a))).fetchall(), [], 'parquet: rerun')
    text = "SELECT known_at, asset, CASE WHEN typeof(up) = 'integer' AND gone IS NULL THEN up * 0.4 END AS target_weight FROM feed WHERE up IS NOT NULL"
    run = one(db, 'SELECT bt_run_document(?)', json.dumps(dict(document, strategy=text, data_sources=dict(sources, signals={'path': 'scores.parquet'}))))
    checks.ok(len(fills(db, run)) > 10, 'parquet: true and false are 1 and 0')
    duck.run("COPY (SELECT asset_id, score FROM 'scores.csv') TO 'scores.parquet' (FORMAT parquet)")
    checks.error(lambda: one(db, 'SELECT bt_run_document(?)', json.dumps(document)), ["has no column 'timestamp'"], 'parquet: no column of times')


def test_errors():
    os.environ.pop('BT_NO', None)
    db = connect()
    db.execute("CREATE VIEW hold AS SELECT known_at, asset, 0.5 AS target_weight FROM bars('BBB', 'day')")
    ok = {'strategy': 'hold'}
    checks.equal(errors(db, ok), {}, 'errors: none')
    many = errors(db, {'nam': 'x', 'strategy': 'nope', 'data_sources': {'prices': {'path': '/no/such.csv', 'fromat': 'csv'}, 'signals': {'table': 'none', 'lag': 0}},
                       'execution': {'initial_capital': 'much', 'max_leverage': -1, 'unitz': 1, 'commission': {'type': 'tiered'}},
                       'risk_rules': {'min_vix': 30, 'max_vix': 20, 'stop_loss': 5, 'take_profit': 'x'}, 'params': {'a': ['${BT_NO}']}, 'start': '2024-13-01',
                       'benchmark': {'asset': 5}, 'risk': [{'rule': 'stop_los'}], 'orders': 3, 'cash': {'initial': -1}, 'feed': {'timing': 7}})
    parts = {'$.nam': "did you mean 'name'", '$.strategy': "no view 'nope'", '$.data_sources.prices.path': "no file '/no/such.csv'",
             '$.data_sources.prices.fromat': "did you mean 'format'", '$.data_sources.prices': 'needs timestep', '$.data_sources.signals.table': "no table 'none'",
             '$.data_sources.signals.lag': '1 to 1000', '$.execution.initial_capital': 'number', '$.execution.max_leverage': 'from 0.01', '$.execution.unitz': "did you mean 'units'",
             '$.execution.commission.type': 'commission.model tiered', '$.risk_rules.min_vix': 'above max_vix', '$.risk_rules.stop_loss': 'not a fraction',
             '$.risk_rules.take_profit': 'a number', '$.params[0]': None, '$.params.a[0]': 'BT_NO is not defined', '$.start': 'does not exist', '$.benchmark.asset': 'text',
             '$.risk': "did you mean 'stop_loss'", '$.orders': 'an object', '$.cash.initial': 'from 0', '$.feed.timing': 'a text'}
    for path, part in parts.items():
        checks.ok(part is None or part in many.get(path, ''), f'errors: {path}: {many.get(path)}')
    checks.equal(set(many), {p for p, part in parts.items() if part}, 'errors: these and no others')
    for document, path, part in (
            ('x', '$', 'not valid JSON'), ('[1]', '$', 'must be an object'), ('{}', '$.strategy', 'missing'), ({'strategy': {'view': 'a', 'sql': 'b'}}, '$.strategy', 'more than one'),
            ({'strategy': 'SELECT 1 +'}, '$.strategy', 'incomplete input'), ({'strategy': 'SELECT ${HOME}'}, '$.strategy', 'not defined' if 'HOME' not in os.environ else 'syntax'),
            (dict(ok, sides='both'), '$', 'flip'), (dict(ok, data_sources={'signals': {'table': 'hold', 'path': 'scores.csv'}}), '$.data_sources.signals', 'give one of them'),
            (dict(ok, data_sources={'prices': {'format': 'hdf5'}}), '$.data_sources.prices.format', 'csv, parquet'), (dict(ok, features={'type': 'callable'}), '$.features.type', 'SQL function'),
            (dict(ok, risk=[], risk_rules={'stop_loss': 0.1}), '$.risk_rules', 'write all rules in risk'), (dict(ok, strategy={'file': 'none.sql'}), '$.strategy.file', 'no file'),
            (dict(ok, **{'x' * 300: 1}), '$.' + 'x' * 300, 'unknown key'), (dict(ok, cash='${BT_NO}'), '$.cash', 'BT_NO is not defined')):
        got = errors(db, document)
        checks.ok(part in got.get(path, ''), f'{str(document)[:80]}: {str(got)[:200]}')
    checks.error(lambda: one(db, 'SELECT bt_run_document(?)', json.dumps({'strategy': 'nope', 'cahs': 1})), ['$.cahs', '$.strategy'], 'run: refused')
    checks.error(lambda: one(db, 'SELECT bt_run_document(NULL)'), ['document is NULL'], 'NULL')
    checks.error(lambda: one(db, 'SELECT bt_check(NULL)'), ['document is NULL'], 'check: NULL')
    for name in ('bt_check', 'bt_run_document'):
        db.execute(f"CREATE VIEW evil AS SELECT {name}('x')")
        checks.error(lambda: db.execute('SELECT * FROM evil').fetchall(), [f'unsafe use of {name}'], f'{name}: not from a view')
        db.execute('DROP VIEW evil')
    # What fails while it runs leaves nothing.
    bad = dict(DOCUMENT, strategy='SELECT known_at, asset, nope AS qty FROM feed')
    with open('vix.csv', 'w') as f:
        f.write(f'day,vix\n{START},1\nyesterday,2\n')
    for document, part in ((DOCUMENT, "line 3: 'yesterday'"), (dict(bad, data_sources={k: v for k, v in DOCUMENT['data_sources'].items() if k != 'context'}), 'nope'),
                           (dict(DOCUMENT, data_sources=dict(DOCUMENT['data_sources'], context={'path': 'vix.csv'})), "no column 'timestamp'"),
                           (dict(ok, strategy='SELECT 1 AS asset; DROP TABLE bars'), 'more than one statement')):
        checks.error(lambda: one(db, 'SELECT bt_run_document(?)', json.dumps(document)), [part], f'fails: {part}')
        checks.equal(one(db, 'SELECT count(*) FROM sqlite_temp_schema'), 0, f'fails: {part}: nothing TEMP')
        checks.equal(one(db, "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'bt~_%' ESCAPE '~' OR name LIKE 'barsvt~_seg%' ESCAPE '~'"), 0, f'fails: {part}: nothing stored')


# The keys of ml4t's configuration with their defaults: first generation; second, and what later ones add.
ML4T_1 = {'name': 'n', 'description': 'd', 'data_sources': {k: {'path': 'scores.csv', 'format': 'csv', 'timestamp_column': 'timestamp', 'asset_column': 'asset_id', 'columns': None}
                                                            for k in ('prices', 'signals', 'features', 'context')},
          'features': {'type': 'precomputed', 'path': 'x', 'columns': None, 'timestamp_column': 't', 'asset_column': 'a', 'module': 'm', 'function': 'f', 'kwargs': {}},
          'execution': {'initial_capital': 100000, 'commission': {'type': 'percentage', 'rate': 0.001, 'minimum': 0}, 'slippage': {'type': 'percentage', 'rate': 0.001},
                        'enable_margin': False, 'max_leverage': 1.0, 'execution_delay': True, 'allow_immediate_reentry': True},
          'risk_rules': {'max_position_size': None, 'max_portfolio_heat': None, 'stop_loss': None, 'take_profit': None, 'min_vix': None, 'max_vix': None}}
ML4T_2 = {'account': {'allow_short_selling': False, 'allow_leverage': False, 'initial_margin': 0.5, 'long_maintenance_margin': 0.25, 'short_maintenance_margin': 0.30,
                      'fixed_margin_schedule': None, 'short_cash_policy': 'credit', 'margin_pct_schedule': None, 'lock_notional_update_mode': 'position_legs'},
          'execution': {'execution_price': 'open', 'execution_mode': 'next_bar', 'mark_price': 'price'},
          'stops': {'stop_fill_mode': 'stop_price', 'stop_level_basis': 'fill_price', 'trail_hwm_source': 'close', 'initial_hwm_source': 'fill_price', 'trail_stop_timing': 'lagged',
                    'trail_include_entry_bar_extremes': False},
          'position_sizing': {'share_type': 'fractional', 'share_rounding': 'nearest'},
          'commission': {'model': 'percentage', 'rate': 0.001, 'per_share': 0, 'per_trade': 0, 'minimum': 0},
          'slippage': {'model': 'percentage', 'rate': 0.001, 'fixed': 0, 'stop_rate': 0, 'spread': 0, 'spread_by_asset': {}, 'spread_convention': 'full_spread'},
          'cash': {'initial': 100000, 'buffer_pct': 0}, 'settlement': {'delay': 0, 'reduces_buying_power': True},
          'orders': {'reject_on_insufficient_cash': True, 'skip_cash_validation': False, 'partial_fills_allowed': False, 'fill_ordering': 'exit_first',
                     'entry_order_priority': 'submission', 'next_bar_submission_precheck': False, 'next_bar_simple_cash_check': False, 'buying_power_reservation': False,
                     'immediate_fill': False, 'rebalance_mode': 'incremental', 'rebalance_headroom_pct': 1.0, 'missing_price_policy': 'skip', 'late_asset_policy': 'allow',
                     'late_asset_min_bars': 1, 'next_bar_queue_shadow_validation': False},
          'calendar': {'calendar': None, 'timezone': 'UTC', 'data_frequency': 'daily', 'enforce_sessions': False},
          'feed': {}, 'metadata': {'any': [1, {'thing': 2}]}, 'retain_intent_history': False, 'retain_lifecycle_history': False}


def test_ml4t():
    db = connect()
    db.execute("CREATE VIEW hold AS SELECT known_at, asset, 0.5 AS target_weight FROM bars('BBB', 'day')")
    first = errors(db, dict(ML4T_1, strategy='hold', timestep='day'))
    checks.equal(set(first), {'$.features.type'}, f'ml4t: the first generation is taken but for callables and features of its own {first}')
    second = errors(db, dict(ML4T_2, strategy='hold'))
    unknown = [p for p, m in second.items() if m.startswith('unknown')]
    checks.equal(unknown, [], 'ml4t: no key is unknown')
    checks.ok(len(second) <= 5, f'ml4t: few defaults are answered {second}')
    knobs = {k: v for k, v in second.items()}
    checks.ok(all(len(m) > 20 for m in knobs.values()), 'ml4t: what is not taken is answered')
    d = {'strategy': 'hold', 'execution': {'commission': {'type': 'fixed', 'rate': 5}}}
    checks.ok('commission.fixed' in errors(db, d).get('$.execution.commission.type', ''), 'ml4t: a fee for each trade')


test_run()
test_parquet()
test_errors()
test_ml4t()
checks.finish()
