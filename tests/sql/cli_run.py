"""The program `backtest`: options, exit codes, parameters, texts, the terminal, and being stopped."""
import json
import os
import pty
import re
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True
from bt_help import ROOT, Checks, connect, one  # noqa: E402

BACKTEST = os.environ['BACKTEST']
checks = Checks()


def backtest(*args, code=0, out=(), err=(), text=''):
    """Run it; the exit code, and what its output and its errors must contain ('' for nothing at all)."""
    p = subprocess.run([BACKTEST, *args], capture_output=True, text=True, timeout=120)
    name = text or ' '.join(args) or '(no arguments)'
    checks.equal(p.returncode, code, f'{name}: exit code ({p.stderr.strip()[:300]})')
    for stream, needles in ((p.stdout, out), (p.stderr, err)):
        for needle in (needles,) if isinstance(needles, str) else needles:
            checks.ok(needle in stream if needle else not stream, f'{name}: no {needle!r} in {stream!r}')
    return p


def write(name, text):
    with open(name, 'w') as f:
        f.write(text)
    return name


def make(name, n=3000):
    db = connect(name)
    db.execute("WITH RECURSIVE c(v) AS (SELECT 0 UNION ALL SELECT v + 1 FROM c WHERE v < ?) INSERT INTO bars(asset, timestep, ts, open, high,"
               " low, close, volume) SELECT 'AAA', 'minute', 1704067200 + v * 60, 10 + v % 7, 19, 9, 10 + v % 5, 1 FROM c", (n - 1,))
    return db


def test_usage():
    backtest('--help', out=('usage: backtest run STRATEGY', '--db FILE', '--config FILE', '--profile NAME', '--param', '--quiet', '130'), err='')
    backtest('-h', out='usage:', err='')
    backtest('run', 'x', '--help', out='usage:', err='')
    backtest('--version', out='backtest ' + one(connect(), 'SELECT bars_version()'), err='')
    for args, text in (((), 'no command'), (('walk',), 'unknown command walk'), (('run',), 'no strategy'), (('run', 'v'), 'no database'),
                       (('run', 'v', '--db'), 'a value is missing after --db'), (('run', 'v', '--db', 'm.db', '--fast'), 'unknown option --fast'),
                       (('run', 'v', 'w', '--db', 'm.db'), 'one argument too many: w'),
                       (('run', 'v', '--db', 'm.db', '--param', 'x'), '--param takes NAME=VALUE, not x'),
                       (('run', 'v', '--db', 'm.db', '--param', '=1'), '--param takes NAME=VALUE, not =1'),
                       (('run', 'v', '--db', 'm.db') + ('--param', 'a=1') * 65, 'too many --param')):
        backtest(*args, code=2, out='', err=(text, 'backtest --help'), text=text)


def test_strategies():
    db = make('m.db')
    db.execute("CREATE VIEW stored AS SELECT known_at, asset, 1 AS qty FROM bars('AAA', 'minute') LIMIT 3")
    p = backtest('run', 'stored', '--db', 'm.db', err='', out=('run 1: stored, set mode, profile default, 3000 steps, 2024-01-01 00:01:00 to 2024-01-03 02:00:00',
                                                            'final value', 'Sharpe', 'max drawdown', 'first trades:'))
    value = one(db, 'SELECT value FROM bt_run WHERE id = 1')
    checks.equal(re.search(r'final value\s+([\d.]+)', p.stdout).group(1), f'{value:.2f}', 'the summary: final value')
    checks.equal(len(re.findall(r'\(open\)', p.stdout)), 3, 'the summary: trades')
    backtest('run', 'STORED', '--db', 'm.db', '--quiet', out='', err='')
    write('temp.sql', "CREATE TEMP VIEW temp AS SELECT asset, 2 AS qty FROM bars('AAA', 'minute') ORDER BY ts DESC LIMIT 1;")
    backtest('run', 'temp.sql', '--db', 'm.db', out='run 3: temp, step mode')
    backtest('run', './temp.sql', '--db', 'm.db', '--quiet')
    # The view named as the file, else the only new one.
    write('two.sql', "CREATE TEMP VIEW helper AS SELECT 1 AS x;\nCREATE TEMP VIEW two AS SELECT known_at, asset, x AS qty FROM bars('AAA', 'minute'), helper;")
    backtest('run', 'two.sql', '--db', 'm.db', out=': two, set mode')
    write('other.sql', "-- a comment\nCREATE TEMP VIEW only AS SELECT known_at, asset, 1 AS qty FROM bars('AAA', 'minute');")
    backtest('run', 'other.sql', '--db', 'm.db', out=': only, set mode')
    write('lost.sql', 'CREATE TEMP VIEW a AS SELECT 1; CREATE TEMP VIEW b AS SELECT 2;')
    backtest('run', 'lost.sql', '--db', 'm.db', code=1, out='', err="lost.sql makes no view named 'lost', nor exactly one new view")
    write('kept.sql', "CREATE VIEW kept AS SELECT known_at, asset, 1 AS qty FROM bars('AAA', 'minute') LIMIT 1;")
    backtest('run', 'kept.sql', '--db', 'm.db', '--quiet')
    backtest('run', 'kept.sql', '--db', 'm.db', code=1, err=('kept.sql: view kept already exists', 'CREATE TEMP VIEW'))
    backtest('run', os.path.join(ROOT, 'sql/strategies/sma_cross.sql'), '--db', 'm.db', out='sma_cross')
    for name, text, err in (('syntax.sql', 'CREATE TEMP VIEW x AS SELEC 1;', 'syntax.sql: near "SELEC": syntax error'), ('empty.sql', '', "'empty.sql' is empty"),
                            ('nul.sql', 'CREATE\0', "'nul.sql' is not a text file"), ('nothing.sql', '-- nothing', 'nothing.sql makes no view')):
        backtest('run', write(name, text), '--db', 'm.db', code=1, out='', err=('backtest: ' + err,))
    backtest('run', 'missing.sql', '--db', 'm.db', code=1, out='', err="cannot read 'missing.sql': No such file")
    backtest('run', 'missing', '--db', 'm.db', code=1, out='', err="no view 'missing'")
    backtest('run', '.', '--db', 'm.db', code=1, out='', err="'.'")


def test_databases():
    backtest('run', 'v', '--db', 'none.db', code=1, out='', err="cannot open database 'none.db'")
    checks.ok(not os.path.exists('none.db'), 'no database is made')
    backtest('run', 'v', '--db', write('text.db', 'no database at all\n' * 100), code=1, err='not a database')
    write('zero.db', '')
    backtest('run', 'v', '--db', 'zero.db', code=1, err="no view 'v'")
    backtest('run', 'v', '--db', '/', code=1, err='cannot open database')
    write('one.sql', "CREATE TEMP VIEW one AS SELECT known_at, asset, 1 AS qty FROM bars('AAA', 'minute');")
    backtest('run', 'one.sql', '--db', 'zero.db', code=1, err='no bars are stored')


def test_config():
    db = make('c.db')
    db.execute("CREATE VIEW v AS SELECT known_at, bt_param('asset', 'AAA') AS asset, bt_param('qty', 1) AS qty, typeof(bt_param('x', NULL)) || bt_param('x', '') AS tag"
               " FROM bars('AAA', 'minute') LIMIT 3")

    def kept(what):
        return one(db, f'SELECT {what} FROM bt_run ORDER BY id DESC LIMIT 1')

    def tag():
        return one(db, 'SELECT tag FROM bt_order ORDER BY run DESC LIMIT 1')

    config = write('c.json', json.dumps({'cash': 5000, 'commission': 0.001, 'params': {'qty': 4, 'x': 'file'}}))
    backtest('run', 'v', '--db', 'c.db', '--config', config, out='final value')
    checks.equal((kept('cash'), one(db, 'SELECT sum(qty) FROM bt_fill WHERE run = 1'), tag()), (5000.0, 12.0, 'textfile'), 'a configuration file')
    backtest('run', 'v', '--db', 'c.db', '--config', config, '--param', 'x=cli', '--profile', 'backtesting.py', out='profile backtesting.py')
    checks.equal((kept('cash'), kept("json_extract(config, '$.params.qty')"), tag()), (5000.0, 4, 'textcli'), 'options on top of the file')
    for value, want in (('7', 'integer7'), ('-7', 'integer-7'), ('1.5', 'real1.5'), ('1e3', 'real1000.0'), ('abc', 'textabc'), ('007', 'text007'), ('', 'text'),
                        ('a=b', 'texta=b'), ('true', 'texttrue'), ('null', 'textnull'), ('"q"', 'text"q"'), ('[1, 2]', 'text[1, 2]'), ('2024-01-02', 'text2024-01-02'),
                        ('é', 'texté')):
        backtest('run', 'v', '--db', 'c.db', '--quiet', '--param', 'x=' + value)
        checks.equal(tag(), want, f'--param x={value}')
    backtest('run', 'v', '--db', 'c.db', '--quiet', '--param', 'qty=2', '--param', 'qty=3', '--param', 'x=both')
    checks.equal((one(db, 'SELECT max(qty) FROM bt_fill WHERE run = (SELECT max(id) FROM bt_run)'), tag()), (3.0, 'textboth'), 'the last of two counts')
    before = one(db, 'SELECT count(*) FROM bt_run')
    for text, err in (('{"cash": ', 'not valid JSON'), ('[]', 'must be a JSON object'), ('{"csh": 1}', "did you mean 'cash'"), ('{"cash": "x"}', 'it takes a number')):
        backtest('run', 'v', '--db', 'c.db', '--config', write('bad.json', text), code=1, out='', err=err, text=text)
    backtest('run', 'v', '--db', 'c.db', '--config', 'bad.json', '--param', 'x=1', code=1, out='', err='it takes a number')
    backtest('run', 'v', '--db', 'c.db', '--config', write('worse.json', '{'), '--param', 'x=1', code=1, out='', err='malformed JSON')
    backtest('run', 'v', '--db', 'c.db', '--config', 'missing.json', code=1, out='', err="cannot read 'missing.json'")
    backtest('run', 'v', '--db', 'c.db', '--profile', 'backtester', code=1, out='', err="unknown profile 'backtester'")
    backtest('run', 'v', '--db', 'c.db', '--param', 'asset=NONE', code=1, out='', err="unknown asset 'NONE'")
    checks.equal(one(db, 'SELECT count(*) FROM bt_run'), before, 'nothing of the failed ones is kept')


def test_stop():
    """SIGINT and SIGTERM: exit code 130, nothing kept, the database is as before."""
    db = make('s.db', 400000)
    db.execute("CREATE VIEW slow AS SELECT asset, (ts / 60) % 2 AS target_weight FROM bars('AAA', 'minute') ORDER BY ts DESC LIMIT 1")
    db.execute("CREATE VIEW heavy AS SELECT known_at, asset, (SELECT count(*) FROM bars('AAA', 'minute') b WHERE b.close > a.close) % 2 AS qty FROM bars('AAA', 'minute') a")
    for view, sig in (('slow', signal.SIGINT), ('slow', signal.SIGTERM), ('heavy', signal.SIGINT)):
        p = subprocess.Popen([BACKTEST, 'run', view, '--db', 's.db'], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        time.sleep(0.3)
        p.send_signal(sig)
        out, err = p.communicate(timeout=60)
        checks.equal((p.returncode, out, err), (130, '', 'backtest: stopped; nothing of this run was kept\n'), f'{view} stopped by {sig}')
        checks.equal(one(db, "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'bt_%'"), 0, f'{view} stopped by {sig}: kept')
    checks.equal(one(db, 'PRAGMA integrity_check'), 'ok', 'stopped: integrity')


def test_locked():
    db = make('l.db', 100)
    db.execute("CREATE VIEW v AS SELECT known_at, asset, 1 AS qty FROM bars('AAA', 'minute')")
    db.execute('BEGIN IMMEDIATE')
    p = subprocess.Popen([BACKTEST, 'run', 'v', '--db', 'l.db', '--quiet'], stderr=subprocess.PIPE, text=True)
    time.sleep(0.5)
    checks.equal(p.poll(), None, 'locked: it waits')
    db.execute('COMMIT')
    checks.equal((p.wait(timeout=30), p.stderr.read()), (0, ''), 'locked: and goes on')
    p.stderr.close()


def test_terminal():
    """On a terminal a line tells how far it is; a pipe gets none (the other tests)."""
    db = make('t.db', 100000)
    db.execute("CREATE VIEW v AS SELECT asset, (ts / 60) % 2 AS target_weight FROM bars('AAA', 'minute') ORDER BY ts DESC LIMIT 1")
    for args, shown in (((), True), (('--quiet',), False)):
        parent, child = pty.openpty()
        p = subprocess.Popen([BACKTEST, 'run', 'v', '--db', 't.db', *args], stdout=subprocess.DEVNULL, stderr=child)
        os.close(child)
        got = b''
        try:
            while True:
                piece = os.read(parent, 4096)
                if not piece:
                    break
                got += piece
        except OSError:
            pass  # the end of a pseudo terminal
        os.close(parent)
        checks.equal(p.wait(timeout=60), 0, f'terminal {args}: exit code')
        if shown:
            checks.ok(re.search(rb'\r2024-\d\d-\d\d  100000 steps  \d+ steps/s  value [\d.]+ +\r?\n$', got), f'terminal: the last line, {got[-120:]!r}')
        else:
            checks.equal(got, b'', f'terminal {args}: nothing')


for name, test in sorted(globals().items()):
    if name.startswith('test_'):
        test()
checks.finish()
