#!/bin/bash
# layers.sh [ROOT] - check from the #include lines that the layers of ext/ point down only.
# layers.sh --self-test - check that the check finds one violation of every kind.
#
# The table below is the one of the design: a directory of ext/ is a layer and may include from
# itself and from the directories in its row.  Prints one line per violation; exit status 1 if any.
set -u

rules='
BEGIN {
  # layer: what it may include from, besides itself
  below["base"] = ""
  below["time"] = "base"
  below["calc"] = "time base"
  below["col"]  = "time base"
  below["data"] = "col calc time base"
  below["sim"]  = "calc time base"
  below["run"]  = "data sim col calc time base"
  below["api"]  = "run data sim col calc time base"
  below["cli"]  = "api"

  # Headers that only some files may name: pattern of the header, pattern of the files.
  limit("^sqlite3(ext)?\\.h$", "^(data|run|api)/",             "SQLite is for data, run and api")
  limit("^data/db\\.h$",       "^(data|run|api)/",             "SQLite is for data, run and api")
  limit("^(zstd.*|zdict)\\.h$", "^(col/segment|data/infile|data/outfile)\\.c$", "zstd is for col/segment.c and data/infile.c, outfile.c")
  limit("^z(lib|conf)\\.h$",   "^data/(infile|outfile|zip)\\.c$", "zlib is for data/infile.c, outfile.c, zip.c")
  limit("^yaml\\.h$",          "^cli/yaml_json\\.c$",         "libyaml is for cli/yaml_json.c")
  limit("^curl/",              "^data/http\\.c$",              "curl is for data/http.c")
  limit("^barsvt\\.h$",        "^(api|cli)/",                  "the public header is for api and cli")

  # Reached through another header is as good as named.
  unclamped = "data/raw.h"
  unclamped_users = "^(data/|run/((match|quote)_feed|match_read)\\.c$)"

  for (layer in below) {
    allowed[layer, layer] = 1
    n = split(below[layer], names, " ")
    for (i = 1; i <= n; i++) allowed[layer, names[i]] = 1
  }
}

function limit(header, users, reason) {
  limits++
  limited[limits] = header
  limited_to[limits] = users
  limited_why[limits] = reason
}

function report(where, what) {
  print where ": " what
  violations++
}

FNR == 1 {
  path = FILENAME
  sub(/^.*\/?ext\//, "", path)
  layer = path
  sub(/\/.*/, "", layer)
  files[path] = 1
  if (!(layer in below) || split(path, parts, "/") != 2) report("ext/" path, "is in no layer of the table")
  stem = path
  sub(/^.*\//, "", stem)
  sub(/\.[^.]*$/, "", stem)
  if (stem in home && home[stem] != layer) report("ext/" path, "base name " stem " exists in ext/" home[stem] " too")
  home[stem] = layer
}

FNR == 601 { print "warning: ext/" path " has more than 600 lines" }

/^[ \t]*#[ \t]*include/ {
  where = "ext/" path ":" FNR
  if (!match($0, /["<][^">]*[">]/)) {
    report(where, "an #include that names no file")
    next
  }
  quoted = substr($0, RSTART, 1) == "\""
  header = substr($0, RSTART + 1, RLENGTH - 2)
  count[path]++
  included[path, count[path]] = header
  line[path, count[path]] = FNR

  for (i = 1; i <= limits; i++)
    if (header ~ limited[i] && path !~ limited_to[i] && !(layer == "cli" && header == "sqlite3.h"))
      report(where, "may not include " header ": " limited_why[i])

  target = header
  if (!sub(/\/.*/, "", target)) target = ""
  if (header ~ /\.\.?\//) report(where, "write " header " as \"layer/name.h\"")
  else if (target in below) {
    if (!quoted) report(where, "write <" header "> in quotes")
    if (!((layer, target) in allowed)) report(where, layer " may not include from " target " (" header ")")
  }
  else if (quoted && header != "barsvt.h") report(where, "write " header " as \"layer/name.h\"")
}

# Every header reached from here; a header met again on the way down is a cycle.
function walk(file, start,    i, header) {
  on_way[file] = 1
  reached[start, file] = 1
  for (i = 1; i <= count[file]; i++) {
    header = included[file, i]
    if (header == unclamped && start !~ unclamped_users && !((start, "told") in reached)) {
      reached[start, "told"] = 1
      report("ext/" start (file == start ? ":" line[file, i] : ""),
             "reaches the unclamped reader " unclamped (file == start ? "" : " through " file))
    }
    if (!(header in files)) continue
    if (header in on_way) {
      if (!((file, header) in cycle_told)) report("ext/" file ":" line[file, i], "cycle of includes through " header)
      cycle_told[file, header] = 1
    }
    else if (!((start, header) in reached)) walk(header, start)
  }
  delete on_way[file]
}

END {
  for (path in files)
    for (i = 1; i <= count[path]; i++) {
      target = included[path, i]
      sub(/\/.*/, "", target)
      if (target in below && !(included[path, i] in files))
        report("ext/" path ":" line[path, i], included[path, i] " does not exist")
    }
  for (path in files) walk(path, path)
  exit violations > 0
}'

# check ROOT
check() {
  local list
  list=$(cd "$1" && find ext -type f ! -name '*.md' | sort)
  if [ -z "$list" ]; then
    echo "no files under ext/"
    return 1
  fi
  # shellcheck disable=SC2086  # a list of paths without blanks
  (cd "$1" && awk "$rules" $list | sort -u; exit "${PIPESTATUS[0]}")
}

# --- self-test: a clean tree, then the same tree with one file added or changed ---

clean_tree() {
  rm -rf "$tree"
  mkdir -p "$tree"/ext/{base,time,calc,col,data,sim,run,api,cli}
  put() { cat >"$tree/ext/$1"; }
  echo '#include <stdint.h>' | put base/status.h
  echo '#include "base/status.h"' | put time/zone.h
  echo '#include "time/zone.h"' | put calc/indicator.h
  echo '#include "base/status.h"' | put col/ring.h
  printf '%s\n' '#include "col/ring.h"' '  #  include <zstd.h>' | put col/segment.c
  printf '%s\n' '#include <sqlite3.h>' '#include "base/status.h"' | put data/db.h
  echo '#include "col/ring.h"' | put data/raw.h
  printf '%s\n' '#include "data/raw.h"' '#include "data/db.h"' '#include "calc/indicator.h"' | put data/window.c
  printf '%s\n' '#include <zlib.h>' '#include <zstd.h>' | tee "$tree/ext/data/outfile.c" | put data/infile.c
  echo '#include <zlib.h>' | put data/zip.c
  echo '#include <curl/curl.h>' | put data/http.c
  printf '%s\n' '#include "calc/indicator.h"' '#include "time/zone.h"' | put sim/sim.h
  printf '%s\n' '#include "sim/sim.h"' '#include "data/raw.h"' '#include "data/db.h"' | put run/match_feed.c
  echo '#include "sim/sim.h"' | put run/driver.h
  printf '%s\n' '#include <sqlite3ext.h>' '#include "run/driver.h"' '#include "barsvt.h"' | put api/entry.c
  echo '#include "base/status.h"' | put api/entry.h
  printf '%s\n' '#include "api/entry.h"' '#include <sqlite3.h>' '#include "barsvt.h"' | put cli/main.c
  echo "#include <stdio.h>" | put cli/main.h
}

self_test() {
  local passed=0 failed=0 out status
  tree=$(mktemp -d) || exit 1
  trap 'rm -rf "$tree"' EXIT

  clean_tree
  if out=$(check "$tree") && [ -z "$out" ]; then
    passed=1
  else
    failed=1
    printf 'FAIL  a clean tree\n%s\n' "$out"
  fi

  # Each row: file | line added to it | the one report expected (extended regular expression)
  while IFS='|' read -r file text expected; do
    [ -n "$file" ] || continue
    clean_tree
    mkdir -p "$(dirname "$tree/ext/$file")"
    echo "$text" >>"$tree/ext/$file"
    out=$(check "$tree")
    status=$?
    if [ "$status" -eq 1 ] && [ "$(echo "$out" | wc -l)" -eq 1 ] && echo "$out" | grep -Eq "^ext/$file.*$expected"; then
      passed=$((passed + 1))
    else
      failed=$((failed + 1))
      printf 'FAIL  %s with %s: expected one line with "%s", got\n%s\n' "$file" "$text" "$expected" "$out"
    fi
  done <<'ROWS'
base/buf.c|#include "time/zone.h"|base may not include from time
base/buf.c|#include <sqlite3.h>|SQLite is for
time/a.c|#include "calc/indicator.h"|time may not include from calc
time/a.c|#include "col/ring.h"|time may not include from col
calc/a.c|#include "col/ring.h"|calc may not include from col
calc/a.c|#include <sqlite3ext.h>|SQLite is for
col/a.c|#include "calc/indicator.h"|col may not include from calc
col/a.c|# include <sqlite3.h>|SQLite is for
col/ring.c|#include <zstd.h>|zstd is for
data/a.c|#include "sim/sim.h"|data may not include from sim
data/a.c|#include "run/driver.h"|data may not include from run
data/a.c|#include "barsvt.h"|public header
data/a.c|#include <zlib.h>|zlib is for
data/a.c|#include <zdict.h>|zstd is for
data/zip.c|#include <zstd.h>|zstd is for
data/a.c|#include <curl/curl.h>|curl is for
sim/a.c|#include "col/ring.h"|sim may not include from col
sim/a.c|#include <sqlite3.h>|SQLite is for
run/driver.c|#include "data/raw.h"|reaches the unclamped reader data/raw.h$
run/a.c|#include "api/entry.h"|run may not include from api
api/a.c|#include "data/raw.h"|reaches the unclamped reader
api/a.c|#include <zstd.h>|zstd is for
api/a.c|#include "cli/main.h"|api may not include from cli
cli/a.c|#include "run/driver.h"|cli may not include from run
cli/a.c|#include <sqlite3ext.h>|SQLite is for
time/ring.c||base name ring exists|
col/a.c|#include "../base/status.h"|as "layer/name.h"
col/a.c|#include "ring.h"|as "layer/name.h"
col/a.c|#include <base/status.h>|in quotes
col/a.c|#include "base/none.h"|does not exist
col/a.c|#include HEADER|names no file
base/status.h|#include "base/status.h"|cycle of includes
misc/a.c||in no layer
col/deep/a.c||in no layer
ROWS

  # Kinds that take two files or many lines.
  while IFS='|' read -r name expected; do
    [ -n "$name" ] || continue
    clean_tree
    "$name"
    out=$(check "$tree")
    if echo "$out" | grep -Eq "$expected"; then
      passed=$((passed + 1))
    else
      failed=$((failed + 1))
      printf 'FAIL  %s: expected "%s", got\n%s\n' "$name" "$expected" "$out"
    fi
  done <<'ROWS'
cycle_of_two|cycle of includes through col/(one|two)\.h
leak_through_header|^ext/run/driver\.c: reaches the unclamped reader data/raw\.h through data/leak\.h
too_long|^warning: ext/col/long\.c has more than 600 lines
ROWS
  echo "total: $passed passed, $failed failed, 0 skipped"
  [ "$failed" -eq 0 ]
}
cycle_of_two() {
  echo '#include "col/two.h"' | put col/one.h
  echo '#include "col/one.h"' | put col/two.h
}
leak_through_header() {
  echo '#include "data/raw.h"' | put data/leak.h
  echo '#include "data/leak.h"' | put run/driver.c
}
too_long() { yes '' | head -n 601 | put col/long.c; }

case ${1:-} in
--self-test) self_test ;;
*) check "${1:-$(dirname "$0")/..}" ;;
esac
