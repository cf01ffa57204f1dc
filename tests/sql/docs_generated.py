#!/usr/bin/python3
"""The pages of docs/ that `make docs` makes are what it would make now, and name every indicator once."""
import os
import re
import sqlite3
import subprocess
import sys

ROOT = os.environ["ROOT"]
SO = os.path.abspath(os.environ["BARSVT_SO"])
page = "docs/indicators.md"

with open(os.path.join(ROOT, page), encoding="utf-8") as text:
    committed = text.read()
made = subprocess.run([os.path.join(ROOT, "scripts/docs-indicators.sh"), SO], stdout=subprocess.PIPE, text=True, check=True).stdout
problems = []
if made != committed:
    line = next((i for i, (a, b) in enumerate(zip(made.split("\n"), committed.split("\n")), 1) if a != b), 0)
    problems.append(f"{page} is not what scripts/docs-indicators.sh prints, from line {line} on: run make docs")

db = sqlite3.connect(":memory:")
db.enable_load_extension(True)
db.load_extension(SO)
rows = re.findall(r"^\| `(\w+)` \|", committed, re.M)
names = [r[0] for r in db.execute("SELECT name FROM bars_indicator")]
if sorted(rows) != sorted(names):
    problems.append(f"the tables of {page} and bars_indicator differ in {sorted(set(rows) ^ set(names))}")
for name, formula in db.execute("SELECT name, formula FROM bars_indicator WHERE name NOT LIKE 'candle%'"):
    if formula not in committed:
        problems.append(f"{page} lacks the formula of {name}")
print("\n".join(problems))
sys.exit(1 if problems else 0)
