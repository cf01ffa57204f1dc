#!/bin/bash
# run-sql-tests.sh [--asan] [--print] EXTENSION.so BACKTEST [TEST ...] - the tests of tests/sql.
#
# tests/sql/NAME.sql runs in the sqlite3 shell, on a database in memory with the extension loaded; its
#   output, errors included, must equal tests/sql/NAME.out.
# tests/sql/NAME.py and NAME.sh are programs that must exit 0 (77: could not run here, skipped).
#
# Every test runs in a fresh empty directory, as many at a time as there are processors (at most 4).  In a .sql these words stand for paths, and the paths in
# its output are turned back into them: @SO@ (the extension, for .load after .open), @BACKTEST@, @ROOT@
# (the source tree), @SHARED@ (../shared beside the tree).  Programs get the same as environment BARSVT_SO,
# BACKTEST, ROOT, SHARED, with SQLITE3 and PYTHON.  The shell's "Runtime error near line 3: text" is compared as "error: text",
# so that an edit above does not move expectations.
#
# A line "-- requires: shared" ("# requires: shared" in programs) skips the test where ../shared is absent.
# --asan: EXTENSION.so is built with AddressSanitizer: preload its run time, and fail on leaks from it.
# --print: show what the named .sql tests print now, compare nothing.
# TEST: names such as import.sql; all of tests/sql by default.  Ends with "total: P passed, F failed, S skipped".
# For its own test, SQL_TEST_DIR names another directory than tests/sql.
set -u
root=$(cd "$(dirname "$0")/.." && pwd)
limit=300 # seconds for one test
asan='' print=''
while :; do
  case ${1:-} in
  --asan) asan=1 ;;
  --print) print=1 ;;
  *) break ;;
  esac
  shift
done
if [ $# -lt 2 ]; then
  echo "usage: run-sql-tests.sh [--asan] [--print] EXTENSION.so BACKTEST [TEST ...]" >&2
  exit 2
fi
for file in "$1" "$2"; do
  [ -e "$file" ] || { echo "run-sql-tests.sh: no $file, run make first" >&2; exit 2; }
done
so=$(realpath "$1") backtest=$(realpath "$2")
shift 2
tests=${SQL_TEST_DIR:-$root/tests/sql}
shared=$root/../shared
[ -d "$shared" ] && shared=$(cd "$shared" && pwd)
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
export BARSVT_SO=$so BACKTEST=$backtest ROOT=$root SHARED=$shared
export SQLITE3=${SQLITE3:-sqlite3} PYTHON=${PYTHON:-/usr/bin/python3}

preload=() leaks=0
if [ -n "$asan" ]; then
  preload=(env "LD_PRELOAD=$(gcc -print-file-name=libasan.so)")
  # LeakSanitizer needs ptrace, which some containers refuse.
  echo 'int main(void) { return 0; }' >"$work/probe.c"
  if gcc -fsanitize=address -o "$work/probe" "$work/probe.c" && "$work/probe" 2>/dev/null; then
    leaks=1
  else
    echo "note: LeakSanitizer does not run here, leaks are not looked for"
  fi
fi

# The functions below work in $at, the directory of one test: dir/ is where it runs, the rest is about it.

# Sanitizer reports go to files: they must not mix with the output compared.  A leak does not change the
# exit status, because the shell itself may leak; ours_leaked decides.
sanitizer_options() {
  echo "ASAN_OPTIONS=detect_leaks=$1:log_path=$at/report"
  echo "UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1:log_path=$at/report"
  echo "LSAN_OPTIONS=exitcode=0"
}

# The shell unloads the extension at .open and at its end, so frames in it may be of an "unknown module".
ours_leaked() { cat "$at"/report.* 2>/dev/null | grep -q 'libbarsvt\|<unknown module>'; }

# Run a .sql test: output into $at/out.
run_sql() {
  local sanitize=()
  [ -z "$asan" ] || mapfile -t sanitize < <(sanitizer_options "$leaks")
  sed -e "s|@SO@|$so|g" -e "s|@BACKTEST@|$backtest|g" -e "s|@SHARED@|$shared|g" -e "s|@ROOT@|$root|g" "$1" >"$at/input"
  (cd "$at/dir" && env "${sanitize[@]}" timeout "$limit" "${preload[@]}" \
    "$SQLITE3" -batch -init /dev/null -cmd ".load $so" :memory: <"$at/input" >"$at/raw" 2>&1)
  shell_status=$?
  sed -E -e "s|$so|@SO@|g" -e "s|${so%.so}|@SO@|g" -e "s|$backtest|@BACKTEST@|g" -e "s|$shared|@SHARED@|g" \
    -e "s|$root|@ROOT@|g" -e "s|$at/dir|@DIR@|g" \
    -e 's/^(Parse|Runtime) error near line [0-9]+: /error: /' -e 's/^Error: near line [0-9]+: /error: /' "$at/raw" >"$at/out"
}

# The shell's status is 1 after any error in the script, which the expected output shows; anything above
# is a crash, a time limit or a sanitizer.
test_sql() {
  if [ ! -f "${1%.sql}.out" ]; then
    echo "no $(basename "${1%.sql}.out") beside it; it prints:" >"$at/why"
    run_sql "$1"
    cat "$at/out" >>"$at/why"
    return 1
  fi
  run_sql "$1"
  diff -u --label "expected: $(basename "${1%.sql}.out")" --label "printed" "${1%.sql}.out" "$at/out" >"$at/why" || return 1
  if [ "$shell_status" -gt 1 ]; then
    echo "the shell ended with status $shell_status" >"$at/why"
    return 1
  fi
}

test_program() {
  local run sanitize=()
  case $1 in
  *.py) run=$PYTHON ;;
  *) run=bash ;;
  esac
  # Interpreters leak by design.
  [ -z "$asan" ] || mapfile -t sanitize < <(sanitizer_options 0)
  (cd "$at/dir" && env "${sanitize[@]}" timeout "$limit" "${preload[@]}" "$run" "$1" </dev/null >"$at/why" 2>&1)
  local status=$?
  if [ "$status" -ne 0 ]; then
    echo "exit status $status$([ "$status" -eq 124 ] && echo " (over $limit s)")" >>"$at/why"
  fi
  return "$status"
}

needs_shared() { grep -Eq '^(--|#) requires: shared *$' "$1"; }

all=''
if [ $# -eq 0 ]; then
  all=1
  mapfile -t names < <(cd "$tests" && find . -maxdepth 1 \( -name '*.sql' -o -name '*.py' -o -name '*.sh' \) -printf '%f\n' | sort)
else
  names=("$@")
fi

# Run test number $1, $2, in a directory of its own: its verdict line and, where it failed, why.
run_test() {
  local at=$work/$1 name=$2 file=$tests/$2 result
  mkdir -p "$at/dir"
  if [ ! -f "$file" ]; then
    echo "FAIL  $name: no such test"
    return
  fi
  if needs_shared "$file" && [ ! -d "$shared" ]; then
    echo "skip  $name: no ../shared here"
    return
  fi
  if [ -n "$print" ]; then
    run_sql "$file"
    cat "$at/out"
    return
  fi
  : >"$at/why"
  case $name in
  *.sql) test_sql "$file" ;;
  *) test_program "$file" ;;
  esac
  result=$?
  if [ "$result" -eq 0 ] && ours_leaked; then
    result=1
    echo "leaks memory" >>"$at/why"
    # Once more with the extension kept in memory to the end, for names in the report's stacks.
    rm -f "$at"/report.*
    preload=("${preload[0]}" "${preload[1]}:$so")
    run_sql "$file"
  fi
  if [ "$result" -eq 77 ] && [[ $name != *.sql ]]; then
    echo "skip  $name: $(head -n 1 "$at/why")"
  elif [ "$result" -eq 0 ]; then
    echo "ok    $name"
  else
    echo "FAIL  $name"
    cat "$at/why" "$at"/report.* 2>/dev/null | sed '/^Shadow bytes around/,/^==/d' | head -n 120 | sed 's/^/      /'
  fi
}

passed=0 failed=0 skipped=0 shown=0
# Show and count the tests that are done, in order.
show_done() {
  while [ -e "$work/$shown.done" ]; do
    cat "$work/$shown.log"
    case $(head -n 1 "$work/$shown.log") in
    'ok    '*) passed=$((passed + 1)) ;;
    'skip  '*) skipped=$((skipped + 1)) ;;
    *) failed=$((failed + 1)) ;;
    esac
    rm -rf "${work:?}/$shown" "$work/$shown.log" "$work/$shown.done"
    shown=$((shown + 1))
  done
}

jobs=$(nproc)
[ "$jobs" -gt 4 ] && jobs=4
running=0
for number in "${!names[@]}"; do
  if [ "$running" -eq "$jobs" ]; then
    wait -n
    running=$((running - 1))
    show_done
  fi
  { run_test "$number" "${names[number]}" >"$work/$number.log" 2>&1; : >"$work/$number.done"; } &
  running=$((running + 1))
done
wait
show_done

[ -z "$print" ] || exit 0

if [ "${#names[@]}" -eq 0 ]; then
  failed=1
  echo "FAIL  no tests in $tests"
fi
# An expectation without its test is a test that no longer runs.
for out in "$tests"/*.out; do
  if [ -n "$all" ] && [ -e "$out" ] && [ ! -e "${out%.out}.sql" ]; then
    failed=$((failed + 1))
    echo "FAIL  $(basename "$out") has no .sql"
  fi
done
echo "total: $passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
