#!/usr/bin/python3
"""The program with documents: JSON and YAML run alike, a check lists what is wrong, a rerun says whether it is the same."""
import json
import os
import sqlite3
import subprocess
import sys

sys.dont_write_bytecode = True
from bt_help import Checks, connect  # noqa: E402

checks = Checks()
with open('days.csv', 'w') as f:
    f.write('when,ticker,open,high,low,close\n')
    f.writelines(f'2024-01-{i + 1:02d},UP,{10 + i % 4},{11 + i % 4},{9 + i % 4},{10.5 + i % 4}\n' for i in range(30))
DOCUMENT = {'name': 'up', 'data_sources': {'prices': {'path': '${BT_DIR}/days.csv', 'timestep': 'day', 'timestamp_column': 'when', 'asset_column': 'ticker'}},
            'cash': 5000, 'commission': 0.001, 'params': {'n': 2, 'flag': 'no', 'half': 0.5, 'on': True},
            'strategy': "SELECT known_at, asset, CASE WHEN sma(bars, bt_param('n', 9)) < close THEN bt_param('half', 0) ELSE 0 END AS target_weight, bt_param('flag', '') AS tag"
                        " FROM bars('UP', 'day')"}
YAML = """# the same
name: up
data_sources:
  prices: {path: "${BT_DIR}/days.csv", timestep: day, timestamp_column: when, asset_column: ticker}
cash: 5000
commission: 1e-3
params:
  n: 2
  flag: no          # a text
  half: 0.50
  on: true
strategy: |
  SELECT known_at, asset, CASE WHEN sma(bars, bt_param('n', 9)) < close THEN bt_param('half', 0) ELSE 0 END AS target_weight, bt_param('flag', '') AS tag
  FROM bars('UP', 'day')
"""
with open('up.json', 'w') as f:
    json.dump(DOCUMENT, f)
with open('up.yaml', 'w') as f:
    f.write(YAML)
with open('wrong.yml', 'w') as f:
    f.write('nam: x\nstrategy: nope\nexecution:\n  initial_capital: [1]\n')


def program(*args, **env):
    p = subprocess.run([os.environ['BACKTEST'], *args], capture_output=True, text=True, env=dict(os.environ, BT_DIR='.', **env))
    return p.returncode, p.stdout, p.stderr


code, out, err = program('run', 'up.json', '--db', 'a.db')
checks.ok(code == 0 and 'run 1: up, set mode' in out, f'run: JSON {code} {out} {err}')
code, out, err = program('run', 'up.yaml', '--db', 'a.db')
checks.ok(code == 0 and 'run 2: up, set mode' in out, f'run: YAML {code} {err}')
db = connect('a.db')
rows = [db.execute('SELECT ts, qty, price, commission FROM bt_fill WHERE run = ?', (r,)).fetchall() for r in (1, 2)]
checks.ok(len(rows[0]) > 5 and rows[0] == rows[1], 'run: the same fills')
checks.equal(db.execute('SELECT DISTINCT tag FROM bt_order').fetchall(), [('no',)], 'YAML: no is a text')
checks.equal(json.loads(db.execute("SELECT value FROM bt_input WHERE run = 2 AND kind = 'document'").fetchone()[0])['params'], DOCUMENT['params'], 'YAML: values')
code, out, err = program('run', 'up.json', '--db', 'a.db', '--param', 'n=5', '--profile', 'backtrader', '--quiet')
checks.ok(code == 0 and out == '', f'run: options {err}')
checks.equal(db.execute("SELECT profile, config ->> '$.params.n' FROM bt_run WHERE id = 3").fetchone(), ('backtrader', 5), 'run: options are merged')
code, out, err = program('run', 'up.json', '--db', 'a.db', '--config', 'x.json')
checks.ok(code == 2 and 'in itself' in err, 'run: no --config with a document')

code, out, err = program('check', 'up.yaml')
checks.ok(code == 0 and 'nothing wrong' in out, f'check: good {out}')
code, out, err = program('check', 'wrong.yml')
checks.ok(code == 1 and len(out.splitlines()) == 3 and out.startswith("$.nam: unknown key; did you mean 'name'?") and "$.strategy: there is no view 'nope'" in out, f'check: wrong {out}')
code, out, err = program('run', 'wrong.yml', '--db', 'b.db')
checks.ok(code == 1 and '$.nam' in err and '$.strategy' in err, f'run: wrong {err}')

code, out, err = program('rerun', '1', '--db', 'a.db')
checks.ok(code == 0 and 'repeats run 1 to the bit' in out, f'rerun: the same {code} {out} {err}')
with open('less.json', 'w') as f:
    f.write('{"cash": 900}')
code, out, err = program('rerun', '1', '--db', 'a.db', '--config', 'less.json')
checks.ok(code == 3 and 'knob cash: 5000 -> 900' in out and 'result bt_fill' in out, f'rerun: with overrides {code} {out}')
with open('days.csv', 'a') as f:
    f.write('2024-01-05,UP,20,21,19,20\n')
code, out, err = program('rerun', '1', '--db', 'a.db')
checks.ok(code == 3 and 'file data_sources.prices.path' in out and 'result bt_equity' in out, f'rerun: changed data {code} {out}')
for args, part in ((('rerun', 'x', '--db', 'a.db'), 'number of a run'), (('rerun', '--db', 'a.db'), 'no run given'), (('check', 'up.sql'), 'a document is'), (('run', 'up.json'), 'no database'),
                   (('what', 'x', '--db', 'a.db'), 'unknown command')):
    code, out, err = program(*args)
    checks.ok(code == 2 and part in err, f'usage: {args} {code} {err}')
code, out, err = program('rerun', '77', '--db', 'a.db')
checks.ok(code == 1 and 'no finished run 77' in err, f'rerun: {err}')

for text, want in (('a: b: c', 'line 1'), ('a: &x 1\nb: *x', 'anchors'), ('--- 1\n--- 2\n', 'more than one document'), ('? [1]\n: 2', 'key that is no text'), ('a: !!int 3', 'tags'),
                   ('[' * 80, ''), ('a: "\\x01\\n\\"', 'line')):
    with open('bad.yaml', 'w') as f:
        f.write(text)
    code, out, err = program('check', 'bad.yaml')
    checks.ok(code == 1 and want in err and ('bad.yaml' in err or not want), f'YAML: {text[:20]!r}: {code} {out} {err}')
values = {'01': '01', '1': 1, '-1.5e3': -1500.0, '.5': '.5', '+1': '+1', '0x10': '0x10', 'yes': 'yes', 'True': 'True', 'null': None, '~': None, '': None, '2024-01-01': '2024-01-01',
          '"1"': '1', "'true'": 'true', '1_000': '1_000', 'é\u2713': 'é\u2713', '"a\\tb\\"c\\\\"': 'a\tb"c\\', 'inf': 'inf', '12345678901234567890': 12345678901234567890}
with open('values.yaml', 'w') as f:
    f.write('strategy: SELECT 1\nname: v\ndescription: x\nmetadata:\n' + ''.join(f'  - {k}\n' for k in values))
program('run', 'values.yaml', '--db', 'c.db')
with open('values.yaml', 'w') as f:
    f.write(YAML + 'metadata:\n' + ''.join(f'  - {k}\n' for k in values))
code, out, err = program('run', 'values.yaml', '--db', 'a.db', '--quiet')
got = json.loads(db.execute("SELECT value FROM bt_input WHERE kind = 'document' ORDER BY run DESC LIMIT 1").fetchone()[0])['metadata']
checks.equal(got, list(values.values()), 'YAML: scalars')
assert sqlite3
checks.finish()
