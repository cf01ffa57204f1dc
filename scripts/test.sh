#!/bin/sh
# test.sh - every check on a machine that may lack the tools: install them, then what `make test` runs.
# check.sh is called without make in between, so that its closing line stays the last one when a
# test fails (make would print its own error below it).
set -eu
cd "$(dirname "$0")/.."
scripts/deps.sh test
if duckdb=$(scripts/duckdb.sh); then
  export BARSVT_DUCKDB="$duckdb"
fi
exec scripts/check.sh
