/* test_asset.c - what an asset key may look like. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "time/asset.h"

/* Check a copy of exactly n bytes, so that a read past the end is seen by the sanitizer. */
static bv_rc check(const char *key, size_t n, bv_err *err) {
  char *copy = malloc(n ? n : 1);
  assert_non_null(copy);
  memcpy(copy, key, n);
  bv_rc rc = bv_asset_check(copy, n, err);
  free(copy);
  return rc;
}

static void good_keys(void **state) {
  (void)state;
  static const char *const good[] = {
      "SPY",
      "BTC/USD",
      "ESZ4",
      "SPXW  240119C04750000",
      "brk.b",
      "^GSPC",
      "a",
      "\xC2\xA0",      /* U+00A0, the first after the C1 controls */
      "Z\xC3\xBCrich", /* two bytes */
      "\xE8\xB2\xB4\xE5\xB7\x9E\xE8\x8C\x85\xE5\x8F\xB0", /* three bytes */
      "\xF0\x9F\x9A\x80",                                 /* four bytes */
      "\xED\x9F\xBF",     /* U+D7FF, the last before the surrogates */
      "\xEE\x80\x80",     /* U+E000, the first after them */
      "\xF4\x8F\xBF\xBF", /* U+10FFFF */
  };
  for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
    bv_err err = {0};
    assert_int_equal(check(good[i], strlen(good[i]), &err), BV_OK);
  }
}

static void bad_keys(void **state) {
  (void)state;
  static const struct {
    const char *key;
    size_t n;
    const char *says;
  } bad[] = {
      {"", 0, "empty"},
      {" SPY", 4, "space"},
      {"SPY ", 4, "space"},
      {" ", 1, "space"},
      {"SP\0Y", 4, "control character at byte 3"},
      {"SPY\n", 4, "control"},
      {"\tSPY", 4, "control"},
      {"SP\x7FY", 4, "control"},
      {"SP\xC2\x80", 4, "control"},               /* U+0080 */
      {"SP\xC2\x9F", 4, "control"},               /* U+009F */
      {"SP\x80", 3, "not UTF-8: byte 3 is 0x80"}, /* lone continuation */
      {"\xC0\xAF", 2, "UTF-8"},                   /* overlong '/' */
      {"\xC1\xBF", 2, "UTF-8"},
      {"\xE0\x9F\xBF", 3, "UTF-8"},     /* overlong */
      {"\xF0\x8F\xBF\xBF", 4, "UTF-8"}, /* overlong */
      {"\xED\xA0\x80", 3, "UTF-8"},     /* surrogate */
      {"\xF4\x90\x80\x80", 4, "UTF-8"}, /* past U+10FFFF */
      {"\xF5\x80\x80\x80", 4, "UTF-8"},
      {"\xFF", 1, "UTF-8"},
      {"\xC3", 1, "UTF-8"}, /* cut short */
      {"\xE2\x82", 2, "UTF-8"},
      {"\xF0\x9F\x9A", 3, "UTF-8"},
      {"\xE2\x28\xA1", 3, "UTF-8"},
      {"\xE2\x82\x28", 3, "UTF-8"},
  };
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    bv_err err = {0};
    assert_int_equal(check(bad[i].key, bad[i].n, &err), BV_ARG);
    assert_int_equal(err.rc, BV_ARG);
    assert_non_null(strstr(err.msg, bad[i].says));
  }
}

static void longest_key(void **state) {
  (void)state;
  char key[BV_ASSET_MAX + 1];
  memset(key, 'x', sizeof key);
  bv_err err = {0};
  assert_int_equal(check(key, BV_ASSET_MAX, &err), BV_OK);
  assert_int_equal(check(key, BV_ASSET_MAX + 1, &err), BV_ARG);
  assert_non_null(strstr(err.msg, "65 bytes"));
}

static void no_error_struct_is_fine(void **state) {
  (void)state;
  assert_int_equal(check("", 0, NULL), BV_ARG);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(good_keys),
      cmocka_unit_test(bad_keys),
      cmocka_unit_test(longest_key),
      cmocka_unit_test(no_error_struct_is_fine),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
