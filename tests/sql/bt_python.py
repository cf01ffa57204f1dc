"""From Python: the standard sqlite3 module is enough.

Loads bars, writes a strategy as a view, runs it, reads the results as rows; then a model written in
Python decides inside a view, and a sweep over a parameter is one SELECT.  The figures are followed by
hand: prices rise by one a day, so everything can be counted.
"""
import json
import os
import sqlite3

db = sqlite3.connect('market.db')
db.enable_load_extension(True)
db.load_extension(os.path.splitext(os.environ['BARSVT_SO'])[0])
db.enable_load_extension(False)

# Bars are rows: open 10, 11, 12 ..., close half a point higher.
day, start = 86400, 1704067200
db.executemany("INSERT INTO bars(asset, timestep, ts, open, high, low, close, volume) VALUES ('ACME', 'day', ?, ?, ?, ?, ?, ?)",
               [(start + i * day, 10 + i, 11 + i, 9 + i, 10.5 + i, 1000) for i in range(30)])
db.commit()
assert db.execute("SELECT count(*), min(close), max(close) FROM bars('ACME', 'day')").fetchone() == (30, 10.5, 39.5)
closes = [row[0] for row in db.execute("SELECT close FROM bars('ACME', 'day', '2024-01-05', '2024-01-08')")]
assert closes == [14.5, 15.5, 16.5]

# A strategy in SQL.  bt_run() writes, so the module has begun no transaction of its own for the SELECT.
db.execute("CREATE VIEW above AS SELECT known_at, asset, CASE WHEN close > sma(bars, bt_param('n', 5)) THEN 10 END AS target_qty"
           " FROM bars('ACME', 'day')")
run, = db.execute("SELECT bt_run('above', ?)", (json.dumps({'cash': 1000, 'commission': 0.001}),)).fetchone()
assert not db.in_transaction
# The average of 5 closes is known at the end of the 5th day; bought at the next open, 15.
trade = db.execute("SELECT entry_time, entry_price, qty, open FROM bt_trade WHERE run = ?", (run,)).fetchall()
assert trade == [('2024-01-06 00:00:00', 15.0, 10.0, 1)], trade
value, = db.execute('SELECT value FROM bt_run WHERE id = ?', (run,)).fetchone()
assert abs(value - (1000 + 10 * (39.5 - 15) - 10 * 15 * 0.001)) < 1e-9, value
curve = db.execute('SELECT time, value FROM bt_equity(?)', (run,)).fetchall()
assert len(curve) == 30 and curve[0] == ('2024-01-02 00:00:00', 1000.0), curve[0]
metrics = dict(db.execute("SELECT name, value FROM bt_metric WHERE run = ? AND variant = ''", (run,)))
assert metrics['trades'] == 0 and abs(metrics['total_return'] - (value / 1000 - 1)) < 1e-12

# A model in Python decides, step by step: it is called with what is known, and with what is held.
asked = []


def model(close, average, held):
    asked.append((close, average, held))
    return 5 if average is not None and close - average < 2.5 and held < 20 else None


db.create_function('model', 3, model)
db.execute("CREATE TEMP VIEW learned AS SELECT asset, model(close, sma(bars, 4), bt_qty(asset)) AS qty"
           " FROM bars('ACME', 'day') ORDER BY ts DESC LIMIT 1")
run, = db.execute("SELECT bt_run('learned')").fetchone()
fills = db.execute('SELECT qty, price FROM bt_fill WHERE run = ? ORDER BY id', (run,)).fetchall()
assert fills == [(5.0, 14.0), (5.0, 15.0), (5.0, 16.0), (5.0, 17.0)], fills
assert asked[-1] == (39.5, 38.0, 20.0), asked[-1]

# A sweep: a run for each row.
sweep = db.execute("SELECT value, bt_run('above', json_object('params', json_object('n', value))) FROM json_each('[3, 5, 10, 20]')").fetchall()
entries = [db.execute('SELECT entry_price FROM bt_trade WHERE run = ?', (r,)).fetchone()[0] for _, r in sweep]
assert entries == [13.0, 15.0, 20.0, 30.0], entries

# Inside a transaction a run goes with it.
db.execute('BEGIN')
gone, = db.execute("SELECT bt_run('above')").fetchone()
db.rollback()
assert db.execute('SELECT count(*) FROM bt_run WHERE id = ?', (gone,)).fetchone() == (0,)

# Errors are exceptions with the whole text.
try:
    db.execute("SELECT bt_run('above', '{\"comission\": 0.001}')").fetchone()
    raise AssertionError('no error')
except sqlite3.OperationalError as e:
    assert "did you mean 'commission'" in str(e), e

# The results are in the file.
db.close()
plain = sqlite3.connect('market.db')
assert plain.execute('SELECT count(*) FROM bt_run').fetchone() == (6,)
assert plain.execute("SELECT count(*) > 50 FROM bt_metric WHERE run = 1").fetchone() == (1,)
