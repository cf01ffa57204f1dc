#!/bin/sh
# quickstart.sh - from a fresh clone to a backtest: install what is missing, build, make up a year of
# minute bars for three assets, load them, run a strategy and show what came out.
# Everything it makes besides the build is in ./quickstart; run it again to start over.
set -eu
cd "$(dirname "$0")/.."

strategy=sql/strategies/sma_cross.sql
dir=quickstart
db=$dir/market.db
year=2024
symbols='AAA BBB CCC'

say() { printf '\n== %s\n' "$*"; }

say 'Build'
scripts/deps.sh build
make -s all make-bars

say "A year of made-up minute bars: $symbols"
rm -rf "$dir"
mkdir "$dir"
# shellcheck disable=SC2086  # a list of words
build/default/scripts/make-bars "$dir" "$year" $symbols

say "Load them into $db"
{
  echo '.load ./libbarsvt'
  for symbol in $symbols; do
    echo "SELECT '$symbol', bars_import('$dir/$symbol.csv', '$symbol', 'minute');"
  done
  echo '.mode column'
  echo "SELECT asset, bars, first, last, low, high, volume FROM bars_summary WHERE asset IN ('AAA', 'BBB', 'CCC') AND timestep = 'minute';"
} >"$dir/load.sql"
sqlite3 -bail "$db" <"$dir/load.sql"
wc -c "$dir"/*.csv "$db" # bytes

say "Run $strategy"
./backtest run "$strategy" --db "$db"

say 'The result is tables'
sqlite3 -bail "$db" <<'SQL'
.load ./libbarsvt
.mode column
SELECT * FROM bt_metric;
SELECT * FROM bt_trade LIMIT 10;
SQL

say "Look further with: sqlite3 $db"
