#!/usr/bin/python3
# requires: shared
"""fill = 'prev' against LEAN's fill-forward log of SPX days (expected/lean/fillforward).

LEAN logs a bar at each trading day's close, FF True where it repeated the bar before.  Between the first
and the last real bar, bars_agg with fill = 'prev' must have a row for each of those days with the same
close, and say filled where LEAN does.  Two rules differ and are not compared: LEAN repeats open, high and
low, too, where a filled row here has the close only; and LEAN goes on after the last real bar, where
nothing is invented here.  Days without trading (weekends) are filled, too: there is no calendar.
"""
import datetime
import os
import re
import sqlite3
import sys
import zipfile

REAL = os.path.join(os.environ["SHARED"], "data", "real")
LOG = os.path.join(REAL, "expected", "lean", "fillforward", "FillForwardStrictEndTimeDailyRegressionAlgorithm.zip")
LINE = re.compile(r"(\d+)/(\d+)/(\d+) .*FF (True|False)\. SPX: O: (\S+) H: (\S+) L: (\S+) C: (\S+) V: (\S+)")

db = sqlite3.connect(":memory:")
db.enable_load_extension(True)
db.load_extension(os.environ["BARSVT_SO"])
db.execute("SELECT bars_import(?, 'SPX', 'day', '{\"tz\": \"America/Chicago\"}')",
           (os.path.join(REAL, "data", "lean", "index", "usa", "daily", "spx.zip"),)).fetchall()
with zipfile.ZipFile(LOG) as z:
    text = z.read(z.namelist()[0]).decode()
logged = {}
for month, day, year, filled, o, h, l, c, v in LINE.findall(text):
    # The log has runs of several set-ups; the same day is logged with the same values.
    logged[datetime.date(int(year), int(month), int(day))] = (filled == "True", float(o), float(h), float(l), float(c), float(v))
rows = {datetime.date.fromisoformat(time[:10]): (filled == 1, o, h, l, c, v) for time, filled, o, h, l, c, v in db.execute(
    "SELECT datetime(ts, 'unixepoch', '-6 hours'), filled, open, high, low, close, volume FROM bars_agg('SPX', 'day') WHERE fill = 'prev'")}
real = [d for d, r in rows.items() if not r[0]]
failures = compared = 0
for day, want in sorted(logged.items()):
    if not min(real) <= day <= max(real):
        continue
    got = rows.get(day)
    same = got is not None and got[0] == want[0] and got[4] == want[4] and got[5] == want[5]
    if same and not want[0]:
        same = got[1:4] == want[1:4]
    compared += 1
    if not same:
        failures += 1
        print(f"{day}: {got}, LEAN has {want}")
if compared < 8:
    failures += 1
    print(f"only {compared} days were compared: {sorted(logged)}")
sys.exit(1 if failures else 0)
