/* test_bars.c - the columns: names both ways, and numbers that never change. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "col/bars.h"

#include <ctype.h>
#include <string.h>

/* The numbers are stored in databases: this table is the promise. */
static const struct {
  int number;
  const char *name;
} column[] = {{0, "open"},   {1, "high"},    {2, "low"},       {3, "close"}, {4, "volume"},
              {5, "vwap"},   {6, "trades"},  {7, "bid"},       {8, "ask"},   {9, "open_interest"},
              {10, "count"}, {11, "filled"}, {12, "known_at"}, {15, "ts"}};

enum { COLUMNS = sizeof column / sizeof *column };

static void numbers_and_names(void **state) {
  (void)state;
  assert_int_equal(BV_NCOL, COLUMNS - 1);
  for (int i = 0; i < COLUMNS; i++) {
    char upper[20] = "";
    assert_string_equal(bv_column_name(column[i].number), column[i].name);
    assert_int_equal(bv_column_find(column[i].name), column[i].number);
    for (size_t k = 0; column[i].name[k]; k++) {
      upper[k] = (char)toupper((unsigned char)column[i].name[k]);
    }
    assert_int_equal(bv_column_find(upper), column[i].number);
  }
}

static void what_is_no_column(void **state) {
  (void)state;
  static const char *const name[] = {"", "clos", "closes", " close", "time", "?", "open interest"};
  static const int number[] = {-1, BV_NCOL, 13, 14, 16, 1000, -1000};
  for (size_t i = 0; i < sizeof name / sizeof *name; i++) {
    assert_int_equal(bv_column_find(name[i]), BV_COL_NONE);
  }
  for (size_t i = 0; i < sizeof number / sizeof *number; i++) {
    assert_string_equal(bv_column_name(number[i]), "?");
  }
}

static void a_set_fits_sixteen_bits(void **state) {
  (void)state;
  unsigned all = 0;
  for (int i = 0; i < COLUMNS; i++) {
    assert_int_equal(all & BV_COLBIT(column[i].number), 0);
    all |= BV_COLBIT(column[i].number);
  }
  assert_true(all <= 0xffff);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(numbers_and_names),
      cmocka_unit_test(what_is_no_column),
      cmocka_unit_test(a_set_fits_sixteen_bits),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
