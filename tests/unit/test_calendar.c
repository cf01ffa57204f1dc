/* test_calendar.c - trading days: known holidays, and the days on which stored series of real markets have bars. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "time/calendar.h"
#include "time/instant.h"

#include <stdio.h>
#include <string.h>

static bool open_on(int year, int month, int day) {
  return bv_calendar_trades(bv_calendar_builtin("xnys"), bv_days_from_civil(year, month, day));
}

/* The holidays the NYSE has published for 2022 to 2026 (nyse.com/markets/hours-calendars). */
static void test_published_holidays(void **state) {
  (void)state;
  static const int holiday[][3] = {
      {2022, 1, 17}, {2022, 2, 21}, {2022, 4, 15},  {2022, 5, 30},  {2022, 6, 20},
      {2022, 7, 4},  {2022, 9, 5},  {2022, 11, 24}, {2022, 12, 26}, {2023, 1, 2},
      {2023, 1, 16}, {2023, 2, 20}, {2023, 4, 7},   {2023, 5, 29},  {2023, 6, 19},
      {2023, 7, 4},  {2023, 9, 4},  {2023, 11, 23}, {2023, 12, 25}, {2024, 1, 1},
      {2024, 1, 15}, {2024, 2, 19}, {2024, 3, 29},  {2024, 5, 27},  {2024, 6, 19},
      {2024, 7, 4},  {2024, 9, 2},  {2024, 11, 28}, {2024, 12, 25}, {2025, 1, 1},
      {2025, 1, 9},  {2025, 1, 20}, {2025, 2, 17},  {2025, 4, 18},  {2025, 5, 26},
      {2025, 6, 19}, {2025, 7, 4},  {2025, 9, 1},   {2025, 11, 27}, {2025, 12, 25},
      {2026, 1, 1},  {2026, 1, 19}, {2026, 2, 16},  {2026, 4, 3},   {2026, 5, 25},
      {2026, 6, 19}, {2026, 7, 3},  {2026, 9, 7},   {2026, 11, 26}, {2026, 12, 25}};
  size_t n = sizeof holiday / sizeof *holiday, k = 0;
  const bv_calendar *weekdays = bv_calendar_builtin("weekdays");
  for (int64_t day = bv_days_from_civil(2022, 1, 1); day < bv_days_from_civil(2027, 1, 1); day++) {
    const int *h = holiday[k < n ? k : n - 1];
    bool closed = k < n && day == bv_days_from_civil(h[0], h[1], h[2]);
    bool trades = bv_calendar_trades(bv_calendar_builtin("XNYS"), day);
    if (trades != (bv_calendar_trades(weekdays, day) && !closed)) {
      fail_msg("day %lld is wrong, near %d-%d-%d", (long long)day, h[0], h[1], h[2]);
    }
    k += closed;
  }
  assert_int_equal(k, n);
}

static void test_special_days(void **state) {
  (void)state;
  assert_false(open_on(2001, 9, 14)); /* the attacks */
  assert_true(open_on(2001, 9, 17));
  assert_false(open_on(2012, 10, 30)); /* a hurricane */
  assert_true(open_on(2021, 12, 31));  /* New Year 2022 is a Saturday */
  assert_true(open_on(2021, 6, 18));   /* no holiday yet */
  assert_true(open_on(1997, 1, 20));
  assert_true(open_on(1984, 12, 25)); /* before the list begins */
  assert_false(open_on(2024, 6, 22)); /* a Saturday */
}

static void test_other_calendars(void **state) {
  (void)state;
  const int64_t monday = bv_days_from_civil(2024, 1, 1);
  const int64_t days[] = {monday + 1, monday + 5, monday + 8};
  const bv_calendar list = {.day = days, .n = 3}, none = {.n = 0};
  assert_null(bv_calendar_builtin("XLON"));
  assert_null(bv_calendar_builtin(""));
  for (int i = -14; i < 21; i++) {
    bool weekday = i % 7 != 5 && i % 7 != 6 && i % 7 != -1 && i % 7 != -2;
    bool listed = i == 1 || i == 5 || i == 8;
    assert_int_equal(bv_calendar_trades(NULL, monday + i), weekday);
    assert_int_equal(bv_calendar_trades(bv_calendar_builtin("weekdays"), monday + i), weekday);
    assert_true(bv_calendar_trades(bv_calendar_builtin("24/7"), monday + i));
    assert_int_equal(bv_calendar_trades(&none, monday + i), weekday);
    assert_int_equal(bv_calendar_trades(&list, monday + i), i < 1 || i > 8 ? weekday : listed);
  }
}

/* Every day of the file has a bar exactly where the calendar says so. */
static void check_file(const char *path, const char *form, bool month_first) {
  char line[256];
  int64_t next = 0, days = 0;
  FILE *f = fopen(path, "r");
  if (!f) {
    print_message("no %s\n", path);
    skip();
  }
  while (fgets(line, sizeof line, f)) {
    int a, b, c;
    if (sscanf(line, form, &a, &b, &c) != 3) continue;
    int64_t day = month_first ? bv_days_from_civil(c, a, b) : bv_days_from_civil(a, b, c);
    const bv_calendar *ny = bv_calendar_builtin("XNYS");
    for (; next > 0 && next < day; next++) {
      if (bv_calendar_trades(ny, next)) fail_msg("no bar on day %lld", (long long)next);
    }
    if (!bv_calendar_trades(ny, day)) fail_msg("a bar on a day off: %s", line);
    next = day + 1;
    days++;
  }
  fclose(f);
  assert_true(days > 5000);
}

static void test_days_of_spy(void **state) {
  (void)state;
  check_file("../shared/data/real/data/bars/lean_spy_daily.csv", "%4d-%2d-%2d", false);
}

static void test_days_of_spx(void **state) {
  (void)state;
  check_file("../shared/data/real/data/skender/spx.csv", "%2d/%2d/%4d", true);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_published_holidays), cmocka_unit_test(test_special_days),
      cmocka_unit_test(test_other_calendars),    cmocka_unit_test(test_days_of_spy),
      cmocka_unit_test(test_days_of_spx),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
