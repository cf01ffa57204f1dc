"""What the bt_*.py tests share: a connection with the extension, and counted checks.

The directory is a package and no test, so that the runner does not start it."""
import math
import os
import sqlite3
import sys
from datetime import datetime, timezone

SO = os.environ.get('BARSVT_SO', './libbarsvt.so')
ROOT = os.environ.get('ROOT', '.')
SHARED = os.environ.get('SHARED', os.path.join(ROOT, '..', 'shared'))

# The tables a run fills, all of them.
RESULT_TABLES = ('bt_run', 'bt_chunk', 'bt_position', 'bt_curve', 'bt_figure', 'bt_input')

# What is read out of bt_chunk.
ROW_TABLES = ('bt_order', 'bt_fill', 'bt_lot', 'bt_cash_flow', 'bt_margin_call', 'bt_risk', 'bt_trigger')


def connect(path=':memory:', **options):
    """A connection in autocommit mode (the module then begins no transactions of its own)."""
    db = sqlite3.connect(path, isolation_level=None, **options)
    db.enable_load_extension(True)
    db.load_extension(os.path.splitext(SO)[0])
    return db


def one(db, sql, *args):
    """The first column of the first row; None where there is none."""
    row = db.execute(sql, args).fetchone()
    return row[0] if row else None


def seconds(text):
    """'2005-01-03' or '2005-01-03 12:00:00', UTC."""
    fmt = '%Y-%m-%d %H:%M:%S' if ' ' in text else '%Y-%m-%d'
    return int(datetime.strptime(text, fmt).replace(tzinfo=timezone.utc).timestamp())


class Checks:
    """Counts what was checked; a test ends with finish(), which fails where nothing was."""

    def __init__(self):
        self.done = self.failed = 0

    def ok(self, good, text):
        self.done += 1
        if not good:
            self.failed += 1
            print('FAIL', text)
        return bool(good)

    def equal(self, got, want, text):
        return self.ok(got == want, f'{text}: got {got!r}, not {want!r}')

    def near(self, got, want, tol, text):
        good = got is not None and want is not None and math.fabs(got - want) <= tol
        return self.ok(good, f'{text}: got {got!r}, not {want!r} (within {tol:g})')

    def error(self, action, needles, text):
        """The action fails with a message that has every one of the needles."""
        try:
            action()
        except (sqlite3.Error, sqlite3.Warning) as e:
            missing = [n for n in needles if n not in str(e)]
            return self.ok(not missing, f'{text}: the error lacks {missing}: {e}')
        return self.ok(False, f'{text}: no error')

    def finish(self):
        print(f'{self.done} checks, {self.failed} failed')
        sys.exit(1 if self.failed or not self.done else 0)
