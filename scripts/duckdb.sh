#!/bin/sh
# duckdb.sh - print the path of DuckDB's library for the tests of Parquet: the one BARSVT_DUCKDB names, or what
# the npm package holds, put under build/ the first time.  Status 1 where there is neither: those tests then skip.
set -eu
cd "$(dirname "$0")/.."
[ -z "${BARSVT_DUCKDB:-}" ] || { echo "$BARSVT_DUCKDB" && exit 0; }
package=@duckdb/node-bindings-linux-x64
library=$PWD/build/duckdb/node_modules/$package/libduckdb.so
if [ ! -e "$library" ]; then
  [ "$(uname -sm)" = 'Linux x86_64' ] && command -v npm >/dev/null || exit 1
  mkdir -p build/duckdb
  timeout 120 npm install --silent --ignore-scripts --no-save --fetch-retries=1 --prefix build/duckdb \
    "$package@1.5.6-r.1" >build/duckdb/npm.log 2>&1 </dev/null || exit 1
fi
[ -e "$library" ] && echo "$library"
