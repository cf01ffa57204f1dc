#!/usr/bin/python3
"""README.md and docs/*.md name everything that is there, and nothing that is not.

What they show is run by scripts/run-readme.py; this test compares names: functions, tables, columns,
settings, import options, stored tables, knobs, metrics with variant and unit, options of the program, links.
"""
import os
import re
import sqlite3
import subprocess
import sys

ROOT = os.environ["ROOT"]
INTERNAL = {"barsvt_store", "barsvt_take", "barsvt_hash", "barsvt_rising"}  # for the library itself
# What runs store as rows: the table is in docs/sql.md, its columns in the pages about runs.
ROWS = {"bt_order", "bt_fill", "bt_lot", "bt_cash_flow", "bt_margin_call", "bt_risk", "bt_trigger"}
problems = []


def read(name):
    with open(os.path.join(ROOT, name), encoding="utf-8") as text:
        return text.read()


def check(condition, message):
    if not condition:
        problems.append(message)


def mentions(text, name):
    return re.search(r"(?<![\w.])" + re.escape(name) + r"(?!\w)", text) is not None


def column(db, sql, *args):
    return [row[0] for row in db.execute(sql, args)]


FUNCTIONS = "SELECT DISTINCT name FROM pragma_function_list"
MODULES = "SELECT name FROM pragma_module_list"
db = sqlite3.connect("docs.db")
before = set(column(db, FUNCTIONS)), set(column(db, MODULES))
db.enable_load_extension(True)
db.load_extension(os.environ["BARSVT_SO"])
functions = set(column(db, FUNCTIONS)) - before[0] - INTERNAL
tables = set(column(db, MODULES)) - before[1] - INTERNAL
check(len(functions) > 40 and len(tables) > 8, f"too little was found: {functions} {tables}")

db.executescript("""
  INSERT INTO bars(asset, timestep, ts, open, high, low, close)
    WITH RECURSIVE day(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM day WHERE n < 9)
    SELECT 'A', 'day', 86400 * n, n, n + 1, n, n + 1 FROM day;
  CREATE VIEW hold AS SELECT known_at, asset, 1 AS target_weight FROM bars('A', 'day');
  SELECT bars_action('A', 86400 * 5, 'split', 2);
  SELECT bars_partition('month');
  SELECT bt_run('hold');
  SELECT bt_run('hold', '{"checkpoint": 5}');
""")
stored = {name: column(db, "SELECT name FROM pragma_table_info(?)", name)
          for name in column(db, "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view')"
                             " AND (name LIKE 'barsvt~_%' ESCAPE '~' OR name LIKE 'bt~_%' ESCAPE '~')")}
check({"barsvt_asset", "bt_run", "bt_metric"} <= set(stored), f"stored tables: {sorted(stored)}")

readme, sql, store, backtest, metrics, header, ind = (read(name) for name in (
    "README.md", "docs/sql.md", "docs/store.md", "docs/backtest.md", "docs/metrics.md", "include/barsvt.h", "docs/indicators.md"))
# What runs store and know is told in more than one page.
runs = "\n".join([backtest] + [read(f"docs/{page}.md") for page in ("accounts", "costs", "orders", "risk")])
indicators = set(column(db, "SELECT name FROM bars_indicator"))
for name in sorted(indicators - functions):
    check(False, f"bars_indicator lists {name}, which is no function")
for name in sorted(indicators):
    check(mentions(ind, name), f"docs/indicators.md does not name the indicator {name}")
    check(name.startswith(("cdl", "candle_")) or mentions(readme, name), f"README.md does not name the indicator {name}")
    check("ta_" + name in functions, f"there is no window function ta_{name}")
for name in sorted(functions - indicators - {"ta_" + name for name in indicators}):
    where, text = ("docs/metrics.md", metrics) if name.startswith("m_") else ("docs/sql.md", sql)
    check(mentions(text, name), f"{where} does not name the function {name}")
for name in sorted(tables):
    check(mentions(sql, name), f"docs/sql.md does not name the table {name}")
    for col in column(db, "SELECT name FROM pragma_table_xinfo(?)", name):
        col = col.rstrip("=")
        where, text = ("pages about runs", runs) if name in ROWS else ("docs/sql.md", sql)
        check(mentions(text, col), f"{where}: missing is the column {col} of {name}")
for name, columns in sorted(stored.items()):
    where, text = ("docs/store.md", store) if name.startswith("barsvt_") else ("pages about runs", runs)
    check(mentions(text, name), f"{where}: missing is the table {name}")
    for col in columns:
        check(mentions(text, col), f"{where}: missing is the column {col} of {name}")

# Names in the documents that do not exist.
exists = functions | tables | set(stored)
for where, text in (("README.md", readme), ("docs/sql.md", sql), ("docs/store.md", store), ("docs/backtest.md and its pages", runs),
                    ("docs/metrics.md", metrics), ("docs/indicators.md", ind)):
    for name in sorted(set(re.findall(r"(?<![\w.#])(?:bars|bt|barsvt)_[a-z_]+(?![\w*])", text))):
        check(name in exists or mentions(header, name), f"{where} names {name}, which does not exist")

for name in column(db, "SELECT name FROM bars_setting"):
    check(mentions(sql, name), f"docs/sql.md does not name the setting {name}")
    check(mentions(readme, name), f"README.md does not name the setting {name}")
for name in column(db, "SELECT DISTINCT knob FROM bt_profile"):
    check(mentions(backtest, name), f"docs/backtest.md does not name the knob {name}")
for name in column(db, "SELECT DISTINCT profile FROM bt_profile"):
    check(mentions(readme, name), f"README.md does not name the profile {name}")
    check(mentions(backtest, name), f"docs/backtest.md does not name the profile {name}")

with open("empty.csv", "w", encoding="utf-8") as out:
    out.write("ts,open,high,low,close\n")
try:
    db.execute("SELECT bars_import('empty.csv', 'A', 'day', '{\"?\": 1}')").fetchall()
    options = []
except sqlite3.Error as error:
    options = re.findall(r"\w+", str(error).partition("options are ")[2])
check(len(options) > 5, f"the import options were not found: {options}")
for name in options:
    check(mentions(sql, name), f"docs/sql.md does not name the option {name} of bars_import")
    check(mentions(readme, name), f"README.md does not name the option {name} of bars_import")

table = metrics.partition("## All metrics")[2].partition("\n## ")[0]
told = {tuple(cell.strip().strip("`") for cell in row.split("|")[1:4])
        for row in table.splitlines() if re.match(r"\| `\w+` \| (`[^`]+`)? *\| \w+ \|", row)}
listed = set(db.execute("SELECT name, variant, unit FROM bars_metric"))
check(len(listed) > 200, f"only {len(listed)} metrics")
for row in sorted(listed ^ told):
    check(False, f"docs/metrics.md {'lacks' if row in listed else 'invents'} the metric {row}")
real = set(db.execute("SELECT name, variant, unit FROM bt_metric WHERE run = 1"))
check(real == set(db.execute("SELECT name, variant, unit FROM bars_metric WHERE run")), "bars_metric and bt_metric differ")

usage = subprocess.run([os.environ["BACKTEST"], "--help"], stdout=subprocess.PIPE, text=True, check=True).stdout
for option in re.findall(r"--[a-z-]+", usage):
    check(option in readme, f"README.md does not name the option {option} of backtest")


def anchors(text):
    heads = re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S), re.M)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


for where in ("README.md", "docs/sql.md", "docs/store.md", "docs/backtest.md", "docs/metrics.md", "docs/indicators.md"):
    for target in re.findall(r"\]\(([^)]+)\)", read(where)):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        full = os.path.normpath(os.path.join(os.path.dirname(where), path)) if path else where
        there = os.path.isfile(os.path.join(ROOT, full))
        check(there, f"{where} links to {target}, which is not there")
        check(not anchor or (there and anchor in anchors(read(full))), f"{where} links to {target}: no such heading")

print("\n".join(problems))
sys.exit(1 if problems else 0)
