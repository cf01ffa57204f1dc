#!/bin/bash
# self-test.sh - test the tools of scripts/: a checker that lets a fault pass is worse than none.
#
# Every tool runs on small trees made here, with faults it must report and cases it must accept.  Ends with
# "total: P passed, F failed, S skipped".
set -u
scripts=$(cd "$(dirname "$0")" && pwd)
python=/usr/bin/python3
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
passed=0 failed=0

# expect NAME STATUS PATTERN COMMAND ... - the command must end with the status and print a line like the pattern.
expect() {
  local name=$1 status=$2 pattern=$3 out got
  shift 3
  out=$("$@" 2>&1)
  got=$?
  if [ "$got" -eq "$status" ] && grep -Eq -- "$pattern" <<<"$out"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "FAIL  $name: wanted status $status and a line like \"$pattern\", got status $got and"
    sed 's/^/      /' <<<"$out"
  fi
}

# Take over the counts of a tool that tests itself.
include() {
  local out counts
  out=$("$@" 2>&1)
  counts=$(tail -n 1 <<<"$out" | sed -n 's/^total: \([0-9]*\) passed, \([0-9]*\) failed, .*/\1 \2/p')
  grep -v '^total: ' <<<"$out"
  read -r p f <<<"${counts:-0 1}"
  passed=$((passed + p)) failed=$((failed + f))
}

# --- run-units.sh ---

unit_program() { # NAME BODY
  cat >"$1.c" <<C
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
static void good(void **s) { (void)s; assert_int_equal(1, 1); }
static void bad(void **s) { (void)s; assert_int_equal(1, 2); }
static void skipping(void **s) { (void)s; skip(); }
static void dying(void **s) { (void)s; abort(); }
static void leaving(void **s) { (void)s; fflush(NULL); _Exit(0); }
static int no_setup(void **s) { (void)s; return -1; }
int main(void) {
  (void)good, (void)bad, (void)skipping, (void)dying, (void)leaving, (void)no_setup;
  $2
}
C
  gcc -o "$1" "$1.c" -lcmocka || failed=$((failed + 1))
}
group() { # TEST ... - C text that runs the tests as one group
  local test text=''
  for test in "$@"; do text="$text cmocka_unit_test($test),"; done
  echo "{ const struct CMUnitTest t[] = {$text}; r += cmocka_run_group_tests(t, NULL, NULL); }"
}
test_units() {
  unit_program fine "int r = 0; $(group good good skipping) $(group good) return r;"
  unit_program wrong "int r = 0; $(group good bad skipping) $(group good) return r;"
  unit_program crash "int r = 0; $(group good dying) return r;"
  unit_program quit "int r = 0; $(group good leaving good) return r;"
  unit_program setup 'const struct CMUnitTest t[] = {cmocka_unit_test_setup(good, no_setup)}; return cmocka_run_group_tests(t, NULL, NULL);'
  unit_program liar "int r = 0; $(group good bad) return r * 0;"
  unit_program empty 'return 0;'
  local run=$scripts/run-units.sh
  expect 'units: counts over groups' 0 '^total: 3 passed, 0 failed, 1 skipped$' "$run" ./fine
  expect 'units: names what was skipped' 0 'skipped: skipping$' "$run" ./fine
  expect 'units: a failing test' 1 '^total: 2 passed, 1 failed, 1 skipped$' "$run" ./wrong
  expect 'units: shows the failure' 1 '0x1 != 0x2' "$run" ./wrong
  # cmocka catches the signal and goes on
  expect 'units: a crash' 1 '^total: 1 passed, 1 failed, 0 skipped$' "$run" ./crash
  expect 'units: a test that leaves the program' 1 '^total: 1 passed, 2 failed, 0 skipped$' "$run" ./quit
  expect 'units: a failing setup' 1 '^total: 0 passed, 1 failed, 0 skipped$' "$run" ./setup
  expect 'units: failure in spite of status 0' 1 '^total: 1 passed, 1 failed, 0 skipped$' "$run" ./liar
  expect 'units: no test in a program' 1 '^total: 0 passed, 1 failed, 0 skipped$' "$run" ./empty
  expect 'units: a program that is not there' 1 '^FAIL  nowhere' "$run" ./nowhere
  expect 'units: no program' 1 '^total: 0 passed, 0 failed, 0 skipped$' "$run"
  expect 'units: sum over programs' 1 '^total: 5 passed, 1 failed, 2 skipped$' "$run" ./fine ./wrong
}

# --- run-sql-tests.sh ---

toy_extension() { # a function toy(text) that returns 42 or misbehaves as told
  cat >toy.c <<'C'
#include <sqlite3ext.h>
SQLITE_EXTENSION_INIT1
#include <stdlib.h>
#include <string.h>
static char *volatile kept;
static void toy(sqlite3_context *c, int n, sqlite3_value **v) {
  const char *text = (const char *)sqlite3_value_text(v[n - 1]);
  int sum = 2147483647;
  if (!strcmp(text, "leak"))
    for (int i = 0; i < 5; i++) kept = malloc(100);
  kept = NULL;
  if (!strcmp(text, "overflow")) {
    char *p = malloc(8);
    p[strlen(text)] = 1;
    free(p);
  }
  if (!strcmp(text, "undefined")) sum += (int)strlen(text);
  if (!strcmp(text, "error"))
    sqlite3_result_error(c, "toy: bad", -1);
  else
    sqlite3_result_int(c, sum == 0 ? 0 : 42);
}
int sqlite3_barsvt_init(sqlite3 *db, char **e, const sqlite3_api_routines *a) {
  (void)e;
  SQLITE_EXTENSION_INIT2(a);
  return sqlite3_create_function(db, "toy", 1, SQLITE_UTF8, NULL, toy, NULL, NULL);
}
C
  mkdir -p plain checked
  gcc -g -shared -fPIC -o plain/libbarsvt.so toy.c &&
    gcc -g -shared -fPIC -fsanitize=address,undefined -fno-sanitize-recover=all -o checked/libbarsvt.so toy.c ||
    failed=$((failed + 1))
  printf '#!/bin/sh\necho backtest\n' >backtest
  chmod +x backtest
}
sql_run() { # TEST ... on plain/
  SQL_TEST_DIR=$work/sql "$scripts/run-sql-tests.sh" plain/libbarsvt.so ./backtest "$@"
}
sql_run_checked() {
  SQL_TEST_DIR=$work/sql "$scripts/run-sql-tests.sh" --asan checked/libbarsvt.so ./backtest "$@"
}
test_sql() {
  toy_extension
  mkdir sql
  cat >sql/good.sql <<'SQL'
SELECT toy('x');
SELECT toy('error');
SELECT nobody;
.open other.db
SELECT toy('no extension on this connection');
.load @SO@
SELECT toy('x'), '@ROOT@', '@SHARED@', '@BACKTEST@';
SQL
  cat >sql/good.out <<'OUT'
42
error: toy: bad
error: no such column: nobody
  SELECT nobody;
         ^--- error here
error: no such function: toy
  SELECT toy('no extension on this connection');
         ^--- error here
42|@ROOT@|@SHARED@|@BACKTEST@
OUT
  local kind
  for kind in leak overflow undefined; do
    echo "SELECT toy('$kind');" >sql/$kind.sql
    echo 42 >sql/$kind.out
  done
  echo 'SELECT 1;' >sql/differs.sql
  echo 2 >sql/differs.out
  echo 'SELECT 1;' >sql/no_out.sql
  printf 'import os, sqlite3\ndb = sqlite3.connect(":memory:")\ndb.enable_load_extension(True)\ndb.load_extension(os.environ["BARSVT_SO"])\nassert db.execute("SELECT toy(1)").fetchone() == (42,)\n' >sql/good.py
  echo 'assert False' >sql/bad.py
  echo '"$BACKTEST" | grep -q backtest && [ -d "$ROOT/scripts" ] && [ -z "$(ls)" ]' >sql/good.sh
  echo 'exit 3' >sql/bad.sh
  echo 'echo no such tool; exit 77' >sql/skip.sh
  expect 'sql: placeholders, errors, order' 0 '^ok    good.sql' sql_run good.sql
  expect 'sql: other output' 1 '^ *\+1$' sql_run differs.sql
  expect 'sql: no expectation' 1 'no no_out.out' sql_run no_out.sql
  expect 'sql: no such test' 1 'no such test' sql_run none.sql
  expect 'sql: a program' 0 '^total: 2 passed, 0 failed, 0 skipped$' sql_run good.py good.sh
  expect 'sql: a failing program' 1 '^total: 0 passed, 2 failed, 0 skipped$' sql_run bad.py bad.sh
  expect 'sql: a program that cannot run here' 0 '^skip  skip.sh: no such tool' sql_run skip.sh
  expect 'sql: all in the directory' 1 '^total: 6 passed, 4 failed, 1 skipped$' sql_run
  touch sql/orphan.out
  expect 'sql: expectation without test' 1 'orphan.out has no .sql' sql_run
  expect 'sql: sanitizer, nothing wrong' 0 '^total: 2 passed' sql_run_checked good.sql good.py
  expect 'sql: sanitizer, overflow' 1 'heap-buffer-overflow' sql_run_checked overflow.sql
  expect 'sql: sanitizer, undefined' 1 'signed integer overflow' sql_run_checked undefined.sql
  if sql_run_checked good.sql | grep -q 'LeakSanitizer does not run here'; then
    echo 'note: the leak test of the SQL runner is left out, LeakSanitizer does not run here'
  else
    expect 'sql: sanitizer, leak' 1 '^ *leaks memory' sql_run_checked leak.sql
  fi
  rm -rf sql
  mkdir sql
  expect 'sql: no tests at all' 1 '^total: 0 passed, 1 failed' sql_run
  # The root of a copy without ../shared
  mkdir -p lone/tree/scripts lone/tree/tests/sql
  cp "$scripts/run-sql-tests.sh" lone/tree/scripts/
  printf -- '-- requires: shared\nSELECT 1;\n' >lone/tree/tests/sql/needs.sql
  echo 1 >lone/tree/tests/sql/needs.out
  expect 'sql: needs ../shared' 0 '^total: 0 passed, 0 failed, 1 skipped$' \
    lone/tree/scripts/run-sql-tests.sh plain/libbarsvt.so ./backtest
}

# --- run-readme.py ---

readme() { # NAME STATUS PATTERN, the README on standard input
  cat >readme/README.md
  expect "readme: $1" "$2" "$3" "$scripts/run-readme.py" readme/README.md --tree readme
}
test_readme() {
  mkdir -p readme/include readme/scripts readme/build
  echo '#define FIVE 5' >readme/include/barsvt.h
  echo 'int six(void) { return 6; }' >six.c
  gcc -c six.c
  printf 'all:\n\tar rcs libbarsvt.a %s\n\tcp %s libbarsvt.so\n' "$work/six.o" "$work/plain/libbarsvt.so" >readme/Makefile
  printf '#!/bin/sh\ntouch %s/test.ran\n' "$work" >readme/scripts/test.sh
  chmod +x readme/scripts/test.sh
  readme 'everything it can run' 0 '^total: 7 passed, 0 failed, 1 skipped$' <<'MD'
Build it:
```sh
make
test ! -e build && echo copied
scripts/test.sh
```
```text
...
copied
```
```sql db=demo.db
.load ./libbarsvt
CREATE TABLE t(x); INSERT INTO t VALUES (1);
```
```sh
sqlite3 demo.db 'INSERT INTO t VALUES (2)'
```
```sql db=demo.db
SELECT toy('x'), count(*) FROM t;  -- the session goes on
```

```text
42|2
```
```sh skip-if=true
false
```
```json file=it.json
{"a": 1}
```
```python
import json; print(json.load(open("it.json"))["a"])
```
```text
1
```
```c
#include <barsvt.h>
#include <stdio.h>
int six(void);
int main(void) { return printf("%d %d\n", FIVE, six()) < 0; }
```
```text
5 6
```
```
ext/base <- ext/time     a drawing
```
MD
  expect 'readme: does not run itself' 1 '' test -e test.ran
  readme 'an error it shows' 0 '^total: 1 passed' <<'MD'
```sql
SELECT nobody;
```
```text
Parse error near line 1: no such column: nobody
...
```
MD
  readme 'other output' 1 '^FAIL  line 1' < <(printf '```sh\necho 1\n```\n```text\n2\n```\n')
  readme 'a failing command' 1 'exit status 1' < <(printf '```sh\nfalse\ntrue\n```\n')
  readme 'a failing statement' 1 'no such column' < <(printf '```sql\nSELECT nobody;\n```\n')
  readme 'C that does not compile' 1 'error:' < <(printf '```c\nint main(void) { return x; }\n```\n')
  readme 'Python that fails' 1 'AssertionError' < <(printf '```python\nassert False\n```\n')
  readme 'code nobody runs' 1 'js block is neither' < <(printf '```js\nx\n```\n')
  readme 'a file nobody uses' 1 'nothing below uses' < <(printf '```json file=a.json\n{}\n```\n```sh\nls\n```\n')
  readme 'output of nothing' 1 'directly below' < <(printf '```sh\nls\n```\nprose\n```text\nx\n```\n')
  readme 'a command as a drawing' 1 'looks like a command' < <(printf '```sh\nls\n```\n```\n$ make\n```\n')
  readme 'indented code' 1 'not run' < <(printf '```sh\nls\n```\n\n    make\n')
  readme 'an unknown attribute' 1 'unknown fence attribute' < <(printf '```sh norun=1\nls\n```\n')
  readme 'a missing semicolon' 1 'semicolon' < <(printf '```sql\nSELECT 1\n```\n')
  readme 'an open block' 1 'not closed' < <(printf '```sh\nls\n')
  readme 'nothing to run' 1 'shows no command' < <(echo '# words')
}

# --- make-bars ---

# Days on which the exchange was closed in 2024 besides weekends: NYSE, "Holidays and Trading Hours", 2024.
check_bars() {
  "$python" - <<'PY'
import collections, csv, datetime, zoneinfo
closed = "01-01 01-15 02-19 03-29 05-27 06-19 07-04 09-02 11-28 12-25".split()
days = [datetime.date(2024, 1, 1) + datetime.timedelta(n) for n in range(366)]
want = [day for day in days if day.weekday() < 5 and f"{day:%m-%d}" not in closed]
got, last = collections.Counter(), None
for row in csv.DictReader(open("bars/AAA.csv")):
    time = datetime.datetime.fromisoformat(row["ts"].replace("Z", "+00:00"))
    local = time.astimezone(zoneinfo.ZoneInfo("America/New_York"))
    minute = local.hour * 60 + local.minute - 570
    assert minute == got[local.date()], row
    assert last is None or time > last, row
    got[local.date()] += 1
    last = time
    o, h, l, c = (float(row[name]) for name in ("open", "high", "low", "close"))
    assert 0 < l <= min(o, c) <= max(o, c) <= h, row
    assert all(len(row[name].split(".")[1]) == 2 for name in ("open", "high", "low", "close")), row
    assert int(row["volume"]) > 0, row
assert sorted(got) == want
assert set(got.values()) == {390}
print("98280 bars" if sum(got.values()) == 98280 else "wrong number of bars")
PY
}
test_bars() {
  gcc -std=c11 -Wall -Wextra -Werror -fsanitize=undefined -fno-sanitize-recover=all -D_POSIX_C_SOURCE=200809L \
    -o make-bars "$scripts/make-bars.c" || failed=$((failed + 1))
  mkdir -p bars again
  expect 'make-bars: writes' 0 '' ./make-bars bars 2024 AAA BBB
  expect 'make-bars: days, minutes, prices' 0 '^98280 bars$' check_bars
  ./make-bars again 2024 BBB
  expect 'make-bars: a pure function of symbol and year' 0 '' cmp bars/BBB.csv again/BBB.csv
  expect 'make-bars: another symbol, other bars' 1 'differ' cmp bars/AAA.csv bars/BBB.csv
  expect 'make-bars: a symbol that is a path' 2 'symbol' ./make-bars bars 2024 ../AAA
  expect 'make-bars: a year without rule' 2 'YEAR from 2007' ./make-bars bars 2006 AAA
  expect 'make-bars: no directory' 1 'cannot write' ./make-bars nowhere 2024 AAA
  expect 'make-bars: full disk' 1 'cannot write' ./make-bars full 2024 AAA
}

# --- deps.sh, check.sh ---

test_others() {
  expect 'deps: usage' 1 'usage' "$scripts/deps.sh"
  expect 'deps: nothing to do here' 0 '^$' "$scripts/deps.sh" build
  # With no tool in reach it must name the packages and stop, not fail halfway.
  mkdir -p only
  for tool in sh cat tr id dirname; do ln -s "$(command -v $tool)" only/; done
  expect 'deps: no apt-get' 1 'missing: gcc make .*apt-get' env PATH="$work/only" "$scripts/deps.sh" build
  mkdir -p tree/scripts
  cp "$scripts/check.sh" tree/scripts/
  printf '#!/bin/sh\necho total: 4 passed, 0 failed, 2 skipped\n' >tree/scripts/self-test.sh
  printf '#!/bin/sh\necho broken\nexit 1\n' >tree/scripts/layers.sh
  printf '#!/bin/sh\nexit 0\n' >tree/scripts/format.sh
  chmod +x tree/scripts/*
  expect 'check: sums up' 1 '^5 passed, 1 failed, 2 skipped$' tree/scripts/check.sh format self layers
  expect 'check: shows what failed' 1 '^    broken$' tree/scripts/check.sh layers
  expect 'check: all well' 0 '^1 passed, 0 failed$' tree/scripts/check.sh format
  expect 'check: unknown step' 2 'no step' tree/scripts/check.sh nothing
  printf '#!/bin/sh\necho total: 4 passed, 0 failed, 0 skipped\nexit 1\n' >tree/scripts/self-test.sh
  expect 'check: failure without a failed test' 1 '^4 passed, 1 failed$' tree/scripts/check.sh self
}

# --- bench/report.py ---

report() { "$python" "$scripts/../bench/report.py" "$1"; }
test_report() {
  cat >lines.json <<'JSON'
{"w":"W2","peer":"libbarsvt","metric":"m","n":10,"seconds":1,"check":100}
{"w":"W2","peer":"pandas-1","metric":"m","n":10,"seconds":3,"check":100.00001}
{"w":"W2","peer":"odd","metric":"m","n":10,"seconds":0.5,"check":7}
JSON
  expect 'report: ratio per unit' 0 'pandas-1 .* 3\.00x' report lines.json
  expect 'report: a peer that did other work' 0 'odd .* 0\.50x CHECK DIFFERS' report lines.json
  expect 'report: the metric names the way' 0 'slice_S .* 2\.00x$' report <(sed 's/W2/W1/; s/pandas-1","metric":"m"/numpy","metric":"slice_S"/; s/"seconds":3/"seconds":2/' lines.json)
  expect 'report: another n confirms nothing' 1 'CHECK DIFFERS' report <(sed '/pandas/s/"n":10/"n":20/' lines.json)
  grep -v pandas lines.json >wrong.json
  expect 'report: nobody confirms ours' 1 'CHECK DIFFERS' report wrong.json
  : >none.json
  expect 'report: no figures' 1 'no figures' report none.json
}

mkdir full && ln -s /dev/full full/AAA.csv
test_units
test_sql
test_readme
test_bars
test_others
test_report
include "$scripts/layers.sh" --self-test
echo "total: $passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
