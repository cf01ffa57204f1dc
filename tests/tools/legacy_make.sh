#!/bin/bash
# legacy_make.sh EXTENSION.so OUT.db - the databases of tests/fixtures/legacy_v*.db, by the library of that time.
#
# Every format that a store may hold: chunks sealed at several levels, with all columns and
# with five, rows beside and over sealed chunks, an import with bars set aside, several timesteps and zones.
# All values follow from formulas on integers that tests/sql/store_legacy.py has too.  The fixture was made
# once and stays as it is: a new format gets a new fixture beside it.
set -eu
if [ $# -ne 2 ] || [ -e "$2" ]; then
  echo "usage: legacy_make.sh EXTENSION.so OUT.db (which must not exist)" >&2
  exit 2
fi
so=$(realpath "$1") out=$(realpath -m "$2")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

# 100 hours of bars, two of which cannot be
awk 'BEGIN {
  print "ts,open,high,low,close,volume"
  for (i = 0; i < 100; i++) {
    o = 5000 + (i * 31) % 101; c = 5000 + (i * 17) % 103
    h = (o > c ? o : c) + 1; l = (o < c ? o : c) - 1
    if (i == 40) h = l - 1
    printf "%d,%.2f,%.2f,%.2f,%s,%d\n", 1704067200 + 3600 * i, o / 100, h / 100, l / 100, i == 70 ? "" : sprintf("%.2f", c / 100), i
  }
}' >hours.csv

"${SQLITE3:-sqlite3}" -batch -init /dev/null -cmd ".load $so" "$out" <<'SQL' >/dev/null
PRAGMA page_size = 1024;
.bail on

-- 2,000 minutes in cents with holes; no column beyond volume, which some bars lack
CREATE TEMP VIEW n AS WITH RECURSIVE n(i) AS (VALUES (0) UNION ALL SELECT i + 1 FROM n WHERE i < 1999) SELECT i FROM n;
CREATE TEMP VIEW cents AS SELECT i, 1704205800 + 60 * (i + i / 97) AS ts, 10000 + i * 37 % 211 AS o, 10000 + i * 53 % 223 AS c,
  iif(i % 50 = 49, NULL, i * 7919 % 10007) AS v FROM n;
SELECT bars_config('level', 0);
BEGIN;
INSERT INTO bars(asset, timestep, ts, open, high, low, close, volume)
  SELECT 'CENTS', 'minute', ts, o / 100.0, (max(o, c) + i % 5) / 100.0, (min(o, c) - i % 4) / 100.0, c / 100.0, v FROM cents;
COMMIT;
SELECT bars_compact();

-- 300 days of New York with every column, of doubles that are no decimals
SELECT bars_config('level', 1);
BEGIN;
INSERT INTO bars(asset, timestep, ts, open, high, low, close, volume, vwap, trades, bid, ask, open_interest)
  SELECT 'ALL', 'day', 1704085200 + 86400 * i, 100.0 / (3 + i % 7), 100.0, 1.0 / (1 + i), 100.0 / (4 + i % 5), i * 1000.5,
    iif(i % 3 = 0, NULL, 50.0 / (1 + i % 11)), i % 4, 99.0 / (5 + i % 3), 100.0 / (5 + i % 3), iif(i < 150, NULL, i * i)
  FROM n WHERE i < 300;
COMMIT;
SELECT bars_asset('ALL', 'tz', 'America/New_York'), bars_asset('ALL', 'multiplier', 50);
SELECT bars_compact();

-- 200 bars of one price at an entropy level of zstd
SELECT bars_config('level', 9);
BEGIN;
INSERT INTO bars(asset, timestep, ts, open, high, low, close, volume)
  SELECT 'FLAT', '5 minutes', 1704205800 + 300 * i, 7, 7, 7, 7, 0 FROM n WHERE i < 200;
COMMIT;
SELECT bars_compact();

-- an import
SELECT bars_config('level', 1);
SELECT bars_import('hours.csv', 'FILE', 'hour');

-- rows: too few to seal, after a sealed chunk, in its holes, and over its bars
INSERT INTO bars(asset, timestep, ts, open, high, low, close) SELECT 'ROWS', 'second', 1704205800 + i, 1, 2, 0.5, 1 + i / 64.0 FROM n WHERE i < 30;
INSERT INTO bars(asset, timestep, ts, open, high, low, close, volume)
  SELECT 'CENTS', 'minute', 1704205800 + 60 * 97 + 60 * 98 * i, 99, 99, 99, 99, i FROM n WHERE i < 5;
INSERT OR REPLACE INTO bars(asset, timestep, ts, open, high, low, close, volume) SELECT 'CENTS', 'minute', ts, 50, 51, 49, 50.5, NULL FROM cents WHERE i % 500 = 7;
VACUUM;
SQL
