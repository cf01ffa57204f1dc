#!/bin/bash
# check.sh [STEP ...] - every check of the tree, or the steps named; `make test`.
# check.sh --list     - the names of the steps, in order.
#
# Prints "ok NAME (seconds): tests" or "FAIL NAME" with the failing output for each step, and last, alone on
# its line, "N passed, N failed[, N skipped]" over the single tests.  Exit status 1 when any failed.
#
# A step is a function step_NAME below; its output is shown when it fails.  A step that runs many tests
# ends its output with "total: P passed, F failed, S skipped"; another counts as one test.  Steps build
# what they need, so each can run alone.
#
# CHECK_DIR: where the builds go instead of build/ and the tree's root.
set -u
cd "$(dirname "$0")/.." || exit 1
# What was given to an outer make is not for the builds here.
unset MAKEFLAGS MFLAGS MAKELEVEL BUILD OUT OPT CC

dir=${CHECK_DIR:-build}
default_out=${CHECK_DIR:+$CHECK_DIR/out}
default_out=${default_out:-.}
jobs=$(nproc)
[ "$jobs" -gt 4 ] && jobs=4
python=/usr/bin/python3
# clang's undefined group has float-cast-overflow too; gcc's has not.
sanitize='-O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined,float-cast-overflow -fno-sanitize-recover=all'
fuzz_seconds=${FUZZ_SECONDS:-5}

steps=(format layers self build clang exports headers units sql tools examples fuzz tsan asan-units asan-sql readme)

build_default() { make -s -j"$jobs" CC=gcc BUILD="$dir/default" OUT="$default_out" "$@"; }
build_asan() { make -s -j"$jobs" CC=gcc OPT="$sanitize" BUILD="$dir/asan" OUT="$dir/asan/out" "$@"; }

# names DIRECTORY PATTERN - file names without directory and ending, sorted
names() {
  local file
  for file in "$1"/$2; do
    [ -e "$file" ] && basename "${file%.*}"
  done
}

# Count one test: verdict NAME COMMAND ... prints its line and its output when it fails; 77 means skipped.
passed=0 failed=0 skipped=0
verdict() {
  local name=$1 log status
  shift
  log=$("$@" 2>&1)
  status=$?
  case $status in
  0) passed=$((passed + 1)) && echo "ok    $name" ;;
  77) skipped=$((skipped + 1)) && echo "skip  $name: ${log%%$'\n'*}" ;;
  *)
    failed=$((failed + 1))
    echo "FAIL  $name (exit status $status)"
    echo "$log" | tail -n 60 | sed 's/^/      /'
    ;;
  esac
}
total() {
  echo "total: $passed passed, $failed failed, $skipped skipped"
  [ "$failed" -eq 0 ]
}

# --- the steps ---

step_format() { scripts/format.sh --check; }

step_layers() { scripts/layers.sh; }

# The checkers themselves, on trees with known faults.
step_self() { scripts/self-test.sh; }

step_build() { build_default all unit-bin bench-bin tool-bin example-bin make-bars; }

step_clang() {
  make -s -j"$jobs" CC=clang BUILD="$dir/clang" OUT="$dir/clang/out" all unit-bin bench-bin tool-bin example-bin make-bars
}

step_exports() {
  build_default all || return 1
  local so=$default_out/libbarsvt.so exported needed
  exported=$(nm -D --defined-only "$so" | awk '{ print $NF }')
  if [ "$exported" != sqlite3_barsvt_init ]; then
    printf '%s must export sqlite3_barsvt_init alone, it exports:\n%s\n' "$so" "$exported"
    return 1
  fi
  # SQLite is the host's, curl is opened at the first fetch.
  needed=$(objdump -p "$so" | awk '$1 == "NEEDED" && $2 ~ /^lib(sqlite3|curl)/ { print $2 }')
  [ -z "$needed" ] || { echo "$so must not be linked with $needed"; return 1; }
}

step_headers() {
  local header found=''
  for header in include/*.h; do
    [ -e "$header" ] || continue
    found=1
    verdict "$header as C11" gcc -std=c11 -Wall -Wextra -Wpedantic -Werror -Iinclude -fsyntax-only -x c "$header"
    verdict "$header as C++17" clang++ -std=c++17 -Wall -Wextra -Wpedantic -Werror -Wno-pragma-once-outside-header \
      -Iinclude -fsyntax-only -x c++ "$header"
  done
  [ -n "$found" ] || { echo 'no public header in include/'; failed=1; }
  for header in ext/*/*.h; do
    verdict "$header alone" gcc -std=c11 -Wall -Wextra -Werror -D_POSIX_C_SOURCE=200809L -Iext -Iinclude -fsyntax-only -x c "$header"
  done
  total
}

run_units() { # BUILD
  local list=() name
  for name in $(names tests/unit 'test_*.c'); do list+=("$1/unit/$name"); done
  scripts/run-units.sh "${list[@]}"
}

step_units() { build_default unit-bin && run_units "$dir/default"; }

step_sql() { build_default all && scripts/run-sql-tests.sh "$default_out/libbarsvt.so" "$default_out/backtest"; }

# tests/x_check.py (or xs_check.py) compares what the program tests/tools/x_dump.c prints with another
# source; it gets the program's path.
step_tools() {
  build_default tool-bin || return 1
  local check dump used=' '
  for check in $(names tests '*_check.py'); do
    dump=${check%_check}_dump
    [ -e "tests/tools/$dump.c" ] || dump=${check%s_check}_dump
    used+="$dump "
    verdict "$check" "$python" "tests/$check.py" "$dir/default/tools/$dump"
  done
  for dump in $(names tests/tools '*_dump.c'); do
    [[ $used == *" $dump "* ]] || verdict "$dump: no tests/${dump%_dump}_check.py uses it" false
  done
  total
}

# An example must exit 0 in an empty directory, and print what tests/examples/NAME.out says, if it exists.
run_example() {
  local at expected=$PWD/tests/examples/$1.out program status
  program=$(realpath "$dir/default/examples/$1")
  at=$(mktemp -d)
  (cd "$at" && timeout 120 "$program" >out 2>&1)
  status=$?
  [ "$status" -eq 0 ] || cat "$at/out"
  if [ "$status" -eq 0 ] && [ -e "$expected" ]; then
    diff -u "$expected" "$at/out"
    status=$?
  fi
  rm -rf "$at"
  return "$status"
}
step_examples() {
  build_default example-bin || return 1
  local name
  for name in $(names tests/examples '*.c'); do verdict "$name" run_example "$name"; done
  total
}

# A few seconds from the corpus on and a fixed seed: finds what breaks at once.  For a search, run the
# programs in build/fuzz/fuzz by hand for longer.
step_fuzz() {
  make -s -j"$jobs" CC=clang BUILD="$dir/fuzz" OUT="$dir/fuzz/out" fuzz-bin \
    OPT='-O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all' || return 1
  local name corpus
  for name in $(names tests/fuzz '*.c'); do
    corpus=()
    [ -d "tests/fuzz/corpus/$name" ] && corpus=("tests/fuzz/corpus/$name")
    mkdir -p "$dir/fuzz/found/$name"
    verdict "$name" "$dir/fuzz/fuzz/$name" -seed=1 -max_total_time="$fuzz_seconds" -timeout=20 -rss_limit_mb=2048 \
      -artifact_prefix="$dir/fuzz/found/$name/crash-" "$dir/fuzz/found/$name" "${corpus[@]}"
  done
  total
}

# ThreadSanitizer wants the address space where it was in older kernels: without randomisation it is.
step_tsan() {
  local threaded=(test_threads test_crew test_pieces test_ahead test_across)
  make -s -j"$jobs" CC=clang OPT='-O1 -g -fsanitize=thread' BUILD="$dir/tsan" OUT="$dir/tsan/out" \
    "${threaded[@]/#/$dir/tsan/unit/}" || return 1
  local plain=() t
  setarch "$(uname -m)" -R true 2>/dev/null && plain=(setarch "$(uname -m)" -R)
  for t in "${threaded[@]}"; do verdict "$t" "${plain[@]}" "$dir/tsan/unit/$t"; done
  total
}

# Refused allocations give NULL, as without the sanitizer.
step_asan-units() {
  build_asan unit-bin &&
    ASAN_OPTIONS=detect_leaks=1:allocator_may_return_null=1 UBSAN_OPTIONS=print_stacktrace=1 run_units "$dir/asan"
}

step_asan-sql() { build_asan all && scripts/run-sql-tests.sh --asan "$dir/asan/out/libbarsvt.so" "$dir/asan/out/backtest"; }

step_readme() { scripts/run-readme.py; }

# --- running them ---

if [ "${1:-}" = --list ]; then
  printf '%s\n' "${steps[@]}"
  exit 0
fi
[ $# -eq 0 ] || steps=("$@")

log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT
all_passed=0 all_failed=0 all_skipped=0
for step in "${steps[@]}"; do
  if ! declare -F "step_$step" >/dev/null; then
    echo "check.sh: no step $step; see check.sh --list" >&2
    exit 2
  fi
  began=$SECONDS
  ("step_$step") >"$log" 2>&1 </dev/null
  status=$?
  took=$((SECONDS - began))
  counts=$(tail -n 1 "$log" | sed -n 's/^total: \([0-9]*\) passed, \([0-9]*\) failed, \([0-9]*\) skipped$/\1 \2 \3/p')
  if [ -n "$counts" ]; then
    read -r p f s <<<"$counts"
    tests=": $p passed$([ "$f" -gt 0 ] && echo ", $f failed")$([ "$s" -gt 0 ] && echo ", $s skipped")"
    [ "$status" -ne 0 ] && [ "$f" -eq 0 ] && f=1
  else
    p=$((status == 0)) f=$((status != 0)) s=0 tests=''
  fi
  all_passed=$((all_passed + p)) all_failed=$((all_failed + f)) all_skipped=$((all_skipped + s))
  if [ "$status" -eq 0 ]; then
    echo "ok $step ($took s)$tests"
    grep -E '^(skip|warning:|note:|      skipped:)' "$log" | sed 's/^ */    /'
  else
    echo "FAIL $step ($took s)$tests"
    grep -v '^ok  ' "$log" | tail -n 300 | sed 's/^/    /'
  fi
done
echo "$all_passed passed, $all_failed failed$([ "$all_skipped" -gt 0 ] && echo ", $all_skipped skipped")"
[ "$all_failed" -eq 0 ]
