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
make -s -j"$(nproc)" all make-bars
./backtest --version

say "A year of made-up minute bars: $symbols"
rm -rf "$dir"
mkdir "$dir"
# shellcheck disable=SC2086  # a list of words
build/default/scripts/make-bars "$dir" "$year" $symbols

say "Load them into $db"
{
  echo '.load ./libbarsvt'
  for symbol in $symbols; do
    echo "SELECT bars_import('$dir/$symbol.csv', '$symbol', 'minute', '{\"tz\": \"America/New_York\"}');"
  done
  echo '.mode column'
  echo "SELECT asset, timestep, bars, datetime(first, 'unixepoch') AS first, datetime(last, 'unixepoch') AS last, tz FROM bars_coverage;"
} >"$dir/load.sql"
sqlite3 -batch -init /dev/null -bail "$db" <"$dir/load.sql"

say "Run $strategy"
./backtest run "$strategy" --db "$db"

say 'The results are tables'
sqlite3 -batch -init /dev/null -bail "$db" <<'SQL'
.load ./libbarsvt
.mode column
SELECT name, variant, round(value, 4) AS value, unit FROM bt_metric WHERE name IN ('cagr', 'sharpe', 'max_drawdown');
SELECT asset, qty, entry_time, entry_price, exit_time, exit_price, round(pnl, 2) AS pnl FROM bt_trade LIMIT 10;
SQL

say "Look further with: sqlite3 $db"
