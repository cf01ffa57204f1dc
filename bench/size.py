#!/usr/bin/python3
"""size.py EXTENSION.so OUT [CSV ...] - bytes a bar: our file and its segments, and the peers' zstd Parquet.

The sets are the CSV files given (generated bars: ts, asset, open, high, low, close, volume), and the minute files
of ../shared/data/real where they are there, each read into a database and written out again as CSV, from which
polars, pandas and DuckDB make their files.  Volumes are whole numbers there, so peers may store them as integers.
One JSON line per figure: {"w":"size","metric":SET,"peer":WHO,"n":BARS,"bytes":BYTES}; who is absent is said on
stderr.

Ours: "segments" are the coded bars alone, "file" all of a database that holds nothing else, its catalog and empty
tables included, which are some 60 KB.
"""
import glob
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys

REAL = "../shared/data/real/data/"
# name, files or directories, asset
REAL_SETS = [
    ("ES (future, 5 days)", [REAL + "bars/lean_es201312_minute_utc.csv"]),
    ("SPY (stock, 6 days)", [REAL + "bars/lean_spy_minute_rth_2013.csv"]),
    ("AAPL (stock, sparse)", [REAL + "bars/lean_aapl_minute_ext_2014.csv"]),
    ("Euro Stoxx (index future)", [REAL + "bars/bt_2006_vol_minute_eob.csv"]),
    ("BTCUSD (crypto, 9 days)", sorted(glob.glob(REAL + "lean/crypto/coinbase/minute/btcusd/*_trade.zip"))),
]
ZSTD_MOST = 200e6
absent = {}
totals = {}  # of the real sets, by who


def say_absent(who, why):
    if who not in absent:
        absent[who] = why
        print(f"bench: size: {who} is absent: {why}", file=sys.stderr)


def emit(name, who, bars, size):
    total = totals.setdefault(who, [0, 0])
    total[0] += bars
    total[1] += size
    print(json.dumps({"w": "size", "metric": name, "peer": who, "n": bars, "bytes": size}), flush=True)


def connect(path):
    db = sqlite3.connect(path, isolation_level=None)
    db.enable_load_extension(True)
    db.load_extension(os.path.abspath(SO))
    return db


def ours(name, files, asset, csv):
    """Sizes at level 0 and at the default level; leaves the bars in csv.  Returns how many."""
    for level in (0, 1):
        path = os.path.join(OUT, "size.db")
        if os.path.exists(path):
            os.remove(path)
        db = connect(path)
        db.execute("SELECT bars_config('level', ?)", (level,))
        for file in files:
            db.execute("SELECT bars_import(?, ?, 'minute')", (file, asset))
        db.execute("SELECT bars_compact()")
        (bars,) = db.execute("SELECT sum(bars) FROM bars_coverage").fetchone()
        (segments,) = db.execute("SELECT sum(length(data)) FROM barsvt_seg").fetchone()
        db.execute("VACUUM")
        if level == 1:
            db.execute("SELECT bars_export(?, ?, 'minute', NULL, NULL, '{\"time\": \"epoch\", \"overwrite\": true}')", (csv, asset))
        db.close()
        emit(name, f"libbarsvt segments, level {level}", bars, segments)
        emit(name, f"libbarsvt file, level {level}", bars, os.path.getsize(path))
    return bars


def run(who, command, text=None, cwd=None):
    """True where it ran; else it is absent, and why."""
    try:
        done = subprocess.run(command, input=text, cwd=cwd, capture_output=True, text=True, timeout=600, check=False)
    except (OSError, subprocess.TimeoutExpired) as e:
        say_absent(who, str(e)[:120])
        return False
    if done.returncode == 0:
        return True
    lines = done.stderr.splitlines() or ["?"]
    say_absent(who, next((line for line in lines if re.match(r"\w*Error\b.*:", line)), lines[-1])[:160])
    return False


def polars(csv, parquet):
    script = f"""import pl from "nodejs-polars";
pl.readCSV({json.dumps(csv)}).writeParquet({json.dumps(parquet)}, {{compression: "zstd"}});"""
    return run("polars", ["node", "--input-type=module"], script, NODE) and "polars"


def pandas(csv, parquet):
    script = f"import pandas; pandas.read_csv({csv!r}).to_parquet({parquet!r}, compression='zstd', index=False)"
    return run("pandas", [sys.executable, "-c", script]) and "pandas"


def duckdb(csv, parquet):
    sql = f"COPY (SELECT * FROM read_csv('{csv}')) TO '{parquet}' (FORMAT parquet, COMPRESSION zstd)"
    if shutil.which("duckdb"):
        return run("DuckDB", ["duckdb", "-c", sql]) and "DuckDB"
    return run("DuckDB", ["node", "duckrun.mjs", ":memory:", "-", sql], None, NODE) and "DuckDB"


def peers(name, csv, bars):
    if os.environ.get("PEERS", "yes") == "":
        return
    parquet = os.path.abspath(os.path.join(OUT, "size.parquet"))
    for peer in (polars, pandas, duckdb):
        if os.path.exists(parquet):
            os.remove(parquet)
        who = peer(os.path.abspath(csv), parquet)
        if who:
            emit(name, f"{who} Parquet zstd", bars, os.path.getsize(parquet))
    packed = csv + ".zst"
    if os.path.getsize(csv) > ZSTD_MOST:
        return  # it would take minutes
    if not shutil.which("zstd"):
        say_absent("zstd", "no such program")
    elif run("zstd", ["zstd", "-q", "-f", "-9", csv, "-o", packed]):
        emit(name, "CSV zstd -9", bars, os.path.getsize(packed))
        os.remove(packed)


def one_set(name, files, asset):
    csv = os.path.join(OUT, "size.csv")
    bars = ours(name, files, asset, csv)
    peers(name, csv, bars)


def together(sets):
    """All real sets in one database, against the sum of the peers' files."""
    sums = {who: total for who, total in totals.items() if "Parquet" in who or "CSV" in who}
    path = os.path.join(OUT, "size.db")
    os.remove(path)
    db = connect(path)
    for name, files in sets.items():
        for file in files:
            db.execute("SELECT bars_import(?, ?, 'minute')", (file, name))
    db.execute("SELECT bars_compact()")
    (bars,) = db.execute("SELECT sum(bars) FROM bars_coverage").fetchone()
    db.execute("VACUUM")
    db.close()
    emit("all real ones", "libbarsvt file, level 1", bars, os.path.getsize(path))
    for who, (count, size) in sums.items():
        if count == bars:
            emit("all real ones", who, bars, size)


def main():
    for file in sys.argv[3:]:
        one_set(f"generated {os.path.basename(file).split('.')[0]}", [file], None)
    totals.clear()
    there = {}
    for name, files in REAL_SETS:
        files = [file for file in files if os.path.exists(file)]
        if files:
            there[name] = files
            one_set(name, files, "X")
        else:
            say_absent(name, "no such files in ../shared/data/real")
    if there:
        together(there)


SO, OUT = sys.argv[1], sys.argv[2]
NODE = os.path.join(OUT, "peers", "node")
main()
