#!/bin/bash
# run-units.sh PROGRAM ... - run cmocka programs: a line each, and the output of those that fail.
#
# As many run at a time as there are processors (at most 4); what is shown keeps the order given.
# Ends with "total: P passed, F failed, S skipped" over the single tests.  Exit status 1 when any
# failed, when a program died, ran too long or ran no test at all, or when no program was given.
set -u
limit=300 # seconds for one program
passed=0 failed=0 skipped=0
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
mkdir -p tests/tmp

# summed LABEL TAIL - of the program now shown, add up the numbers of the summary lines
# "[LABEL] ... N test(s)TAIL"; it may have run several groups.
summed() {
  cat "$out" "$err" | awk -v label="$1" -v tail="$2" '
    index($0, "[" label "]") == 1 && (at = index($0, " test(s)" tail)) && at + 7 + length(tail) == length($0) {
      n += substr($0, match(substr($0, 1, at - 1), /[0-9]+$/))
    }
    END { print n + 0 }'
}

# show NUMBER PROGRAM - its line, and the counts.
show() {
  local out=$dir/$1.out err=$dir/$1.err name status planned ok skip bad
  name=$(basename "$2")
  status=$(cat "$dir/$1.status")
  planned=$(sed -n 's/^\[==========\] .*Running \([0-9]*\) test(s)\.$/\1/p' "$out" | awk '{ n += $1 } END { print n + 0 }')
  ok=$(summed '  PASSED  ' '.')
  skip=$(summed '  SKIPPED ' ', listed below:')
  bad=$((planned - ok - skip))
  if [ "$planned" -ne "$(summed '==========' ' run.')" ]; then # ended in the middle of a group: it has no summary
    ok=$(grep -c '^\[       OK \]' "$out")
    skip=$(grep -c '^\[  SKIPPED \]' "$out")
    bad=$((planned - ok - skip))
  fi
  [ "$status" -eq 0 ] || [ "$bad" -gt 0 ] || bad=1
  [ $((ok + bad + skip)) -gt 0 ] || bad=1
  passed=$((passed + ok)) failed=$((failed + bad)) skipped=$((skipped + skip))
  if [ "$bad" -eq 0 ]; then
    echo "ok    $name: $ok tests$([ "$skip" -gt 0 ] && echo ", $skip skipped")"
    [ "$skip" -eq 0 ] || cat "$out" "$err" | sed -n 's/^\[  SKIPPED \] \([A-Za-z_].*\)/      skipped: \1/p' | sort -u
  else
    echo "FAIL  $name: $ok passed, $bad failed, exit status $status$([ "$status" -eq 124 ] && echo " (over $limit s)")"
    grep -v '^\[ RUN      \]\|^\[       OK \]' "$out" | tail -n 60 | sed 's/^/      /'
    tail -n 80 "$err" | sed 's/^/      /'
  fi
}

programs=("$@") next=0
show_done() {
  while [ -e "$dir/$next.status" ]; do
    show "$next" "${programs[next]}"
    rm "$dir/$next".*
    next=$((next + 1))
  done
}

jobs=$(nproc)
[ "$jobs" -gt 4 ] && jobs=4
running=0
for number in "${!programs[@]}"; do
  if [ "$running" -eq "$jobs" ]; then
    wait -n
    running=$((running - 1))
    show_done
  fi
  # cmocka writes to both streams; apart, no line is cut by another.
  {
    timeout "$limit" "${programs[number]}" >"$dir/$number.out" 2>"$dir/$number.err"
    echo "$?" >"$dir/ended.$number" && mv "$dir/ended.$number" "$dir/$number.status"
  } &
  running=$((running + 1))
done
wait
show_done
echo "total: $passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ $((passed + skipped)) -gt 0 ]
