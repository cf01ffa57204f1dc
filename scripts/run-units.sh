#!/bin/sh
# run-units.sh PROGRAM ... - run cmocka programs one by one; print a line each and the failing output.
# Exit status: the number of programs that failed (at most 99).
fail=0
for p in "$@"; do
  log=$(mktemp)
  if "$p" >"$log" 2>&1; then
    n=$(grep -c '\[       OK \]' "$log")
    s=$(grep -c '\[  SKIPPED \]' "$log")
    echo "ok    $(basename "$p"): $n tests$([ "$s" -gt 0 ] && echo ", $s skipped")"
  else
    fail=$((fail + 1))
    echo "FAIL  $(basename "$p")"
    tail -n 60 "$log" | sed 's/^/      /'
  fi
  rm -f "$log"
done
[ "$fail" -gt 99 ] && fail=99
exit "$fail"
