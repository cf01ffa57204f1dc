#!/bin/bash
# run-units.sh PROGRAM ... - run cmocka programs one by one: a line each, and the output of those that fail.
#
# Ends with "total: P passed, F failed, S skipped" over the single tests.  Exit status 1 when any
# failed, when a program died, ran too long or ran no test at all, or when no program was given.
set -u
limit=300 # seconds for one program
passed=0 failed=0 skipped=0
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
mkdir -p tests/tmp

# summed LABEL TAIL - add up the numbers of the summary lines "[LABEL] ... N test(s)TAIL"; a program may run
# several groups.
summed() {
  cat "$dir/out" "$dir/err" | awk -v label="$1" -v tail="$2" '
    index($0, "[" label "]") == 1 && (at = index($0, " test(s)" tail)) && at + 7 + length(tail) == length($0) {
      n += substr($0, match(substr($0, 1, at - 1), /[0-9]+$/))
    }
    END { print n + 0 }'
}

for program in "$@"; do
  name=$(basename "$program")
  # cmocka writes to both streams; apart, no line is cut by another.
  timeout "$limit" "$program" >"$dir/out" 2>"$dir/err"
  status=$?
  planned=$(sed -n 's/^\[==========\] .*Running \([0-9]*\) test(s)\.$/\1/p' "$dir/out" | awk '{ n += $1 } END { print n + 0 }')
  ok=$(summed '  PASSED  ' '.')
  skip=$(summed '  SKIPPED ' ', listed below:')
  bad=$((planned - ok - skip))
  if [ "$planned" -ne "$(summed '==========' ' run.')" ]; then # ended in the middle of a group: it has no summary
    ok=$(grep -c '^\[       OK \]' "$dir/out")
    skip=$(grep -c '^\[  SKIPPED \]' "$dir/out")
    bad=$((planned - ok - skip))
  fi
  [ "$status" -eq 0 ] || [ "$bad" -gt 0 ] || bad=1
  [ $((ok + bad + skip)) -gt 0 ] || bad=1
  passed=$((passed + ok)) failed=$((failed + bad)) skipped=$((skipped + skip))
  if [ "$bad" -eq 0 ]; then
    echo "ok    $name: $ok tests$([ "$skip" -gt 0 ] && echo ", $skip skipped")"
    [ "$skip" -eq 0 ] || cat "$dir/out" "$dir/err" | sed -n 's/^\[  SKIPPED \] \([A-Za-z_].*\)/      skipped: \1/p' | sort -u
  else
    echo "FAIL  $name: $ok passed, $bad failed, exit status $status$([ "$status" -eq 124 ] && echo " (over $limit s)")"
    grep -v '^\[ RUN      \]\|^\[       OK \]' "$dir/out" | tail -n 60 | sed 's/^/      /'
    tail -n 80 "$dir/err" | sed 's/^/      /'
  fi
done
echo "total: $passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ $((passed + skipped)) -gt 0 ]
