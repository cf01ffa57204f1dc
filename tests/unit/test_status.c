/* test_status.c - error texts: who wins, what fits, what stays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/status.h"

#include <string.h>

static void first_text_wins(void **state) {
  (void)state;
  bv_err err = {0};
  assert_int_equal(bv_fail(&err, BV_RANGE, "row %d", 7), BV_RANGE);
  assert_int_equal(bv_fail(&err, BV_ARG, "later"), BV_ARG); /* its own code is still returned */
  assert_int_equal(err.rc, BV_RANGE);
  assert_int_equal(err.native, 0);
  assert_string_equal(err.msg, "row 7");
  bv_err_clear(&err);
  assert_int_equal(err.rc, BV_OK);
  assert_string_equal(err.msg, "");
  assert_int_equal(bv_fail_native(&err, BV_BUSY, 261, "busy: %s", "x"), BV_BUSY);
  assert_int_equal(err.native, 261);
  assert_string_equal(err.msg, "busy: x");
  bv_err_clear(&err);
  assert_int_equal(err.native, 0);
}

static void null_error_is_allowed(void **state) {
  (void)state;
  assert_int_equal(bv_fail(NULL, BV_IO, "x"), BV_IO);
  assert_int_equal(bv_fail_native(NULL, BV_IO, 10, "x"), BV_IO);
  bv_err_clear(NULL);
  assert_string_equal(bv_err_text(NULL, BV_IO), "input/output error");
}

static void long_text_is_cut(void **state) {
  (void)state;
  bv_err err = {0};
  char wide[1000];
  memset(wide, 'w', sizeof wide - 1);
  wide[sizeof wide - 1] = 0;
  assert_int_equal(bv_fail(&err, BV_LIMIT, "%s", wide), BV_LIMIT);
  assert_int_equal(strlen(err.msg), sizeof err.msg - 1);
  assert_memory_equal(err.msg, wide, sizeof err.msg - 1);
}

static void every_code_has_a_name(void **state) {
  (void)state;
  for (int a = BV_OK; a <= BV_INTERNAL; a++) {
    const char *text = bv_rc_text((bv_rc)a);
    assert_true(strlen(text) > 1);
    assert_string_not_equal(text, "unknown error");
    for (int b = BV_OK; b < a; b++) assert_string_not_equal(text, bv_rc_text((bv_rc)b));
  }
  assert_string_equal(bv_rc_text((bv_rc)(BV_INTERNAL + 1)), "unknown error");
  assert_string_equal(bv_rc_text((bv_rc)-1), "unknown error");
}

static void text_falls_back_to_the_name(void **state) {
  (void)state;
  bv_err err = {0};
  assert_string_equal(bv_err_text(&err, BV_NOMEM), "out of memory");
  bv_fail(&err, BV_NOMEM, "no room for it");
  assert_string_equal(bv_err_text(&err, BV_NOMEM), "no room for it");
}

static bv_rc counted(bv_rc rc, int *calls) {
  ++*calls;
  return rc;
}

static bv_rc tries(bv_rc rc, int *calls) {
  BV_TRY(counted(rc, calls));
  ++*calls;
  return BV_OK;
}

static void try_returns_the_code_once(void **state) {
  (void)state;
  int calls = 0;
  assert_int_equal(tries(BV_NET, &calls), BV_NET);
  assert_int_equal(calls, 1);
  assert_int_equal(tries(BV_OK, &calls), BV_OK);
  assert_int_equal(calls, 3);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(first_text_wins),
      cmocka_unit_test(null_error_is_allowed),
      cmocka_unit_test(long_text_is_cut),
      cmocka_unit_test(every_code_has_a_name),
      cmocka_unit_test(text_falls_back_to_the_name),
      cmocka_unit_test(try_returns_the_code_once),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
