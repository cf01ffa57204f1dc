/*
** test_text.c - numbers from and to text, whatever the locale, and the nearest name.
**
** The reference for numbers is the C library's strtod, which is correctly rounded in glibc and is
** called in the C locale.  Locales with other decimal separators are made by the test itself: an
** LC_NUMERIC file of glibc is a few words long (locale/loadlocale.c there).
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/text.h"

#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static uint64_t next_random(uint64_t *s) {
  *s ^= *s << 13;
  *s ^= *s >> 7;
  *s ^= *s << 17;
  return *s;
}

static uint64_t bits(double x) {
  uint64_t b;
  memcpy(&b, &x, 8);
  return b;
}

static double from_bits(uint64_t b) {
  double x;
  memcpy(&x, &b, 8);
  return x;
}

/* The text in a block of its exact size, so that the sanitizer sees a read past its end. */
static bv_rc parse(const char *text, size_t n, double *out) {
  char *copy = malloc(n ? n : 1);
  assert_non_null(copy);
  memcpy(copy, text, n);
  bv_rc rc = bv_parse_f64(copy, n, out);
  free(copy);
  return rc;
}

static void same_as_strtod(const char *text) {
  double got = 77, want = strtod(text, NULL);
  assert_int_equal(parse(text, strlen(text), &got), BV_OK);
  if (bits(got) != bits(want)) fail_msg("%s: %.17g, strtod gives %.17g", text, got, want);
}

static void hard_numbers(void **state) {
  (void)state;
  static const char *const text[] = {
      "0",
      "-0",
      "0.0",
      "-0.000",
      "1",
      "+1",
      "1.",
      ".5",
      "-.5",
      "0.1",
      "12345.67",
      "00012.50",
      "9007199254740991",
      "9007199254740992",
      "9007199254740993",
      "9007199254740993.0",
      "9007199254740992.99999999999999999999",
      "9007199254740993.00000000000000000001",
      "99999999999999999999",
      "123456789012345678",
      "1234567890123456789",
      "0.3",
      "2.675",
      "1e22",
      "1e23",
      "8.98846567431158e307",
      "1.7976931348623157e308",
      "1.7976931348623158e308",
      "1.7976931348623159e308",
      "1e309",
      "-1e400",
      "2.2250738585072014e-308",
      "2.2250738585072011e-308", /* hung PHP and Java once: between two subnormals */
      "2.2250738585072012e-308",
      "4.9406564584124654e-324",
      "2.4703282292062327e-324",
      "2.4703282292062328e-324",
      "1e-400",
      "6.8985865317742005e-310",
      "5e-324",
      "0.000000000000000000000000000000000000000000000000000001",
      "0.5000000000000000000000000000000000000000000000000000000000000000000000000000001",
      "7.2057594037927933e16",
      "72057594037927945",
      "1.00000000000000011102230246251565404236316680908203125",
      "1.00000000000000011102230246251565404236316680908203124",
      "1.00000000000000011102230246251565404236316680908203126",
      "1E5",
      "1e+5",
      "1e-5",
      "1e0000005",
      "0e999999999",
      "0.1e-999999999",
      "1.5e3"};
  for (size_t i = 0; i < COUNT(text); i++) {
    same_as_strtod(text[i]);
  }
  double x;
  assert_int_equal(parse("1e309", 5, &x), BV_OK);
  assert_true(isinf(x) && x > 0);
  assert_int_equal(parse("-0", 2, &x), BV_OK);
  assert_true(x == 0 && signbit(x));
}

/* Decimals as files have them, and with more digits than a double holds. */
static void random_decimals(void **state) {
  (void)state;
  uint64_t s = 42;
  for (int i = 0; i < 200000; i++) {
    char text[96];
    int n = 0, before = (int)(next_random(&s) % 20), after = (int)(next_random(&s) % 28);
    if (next_random(&s) % 4 == 0) text[n++] = next_random(&s) & 1 ? '-' : '+';
    for (int k = 0; k < before; k++) text[n++] = (char)('0' + next_random(&s) % 10);
    if (after || !before) text[n++] = '.';
    if (before + after == 0) after = 1;
    for (int k = 0; k < after; k++) text[n++] = (char)('0' + next_random(&s) % 10);
    if (next_random(&s) % 8 == 0) {
      n += snprintf(text + n, 16, "e%d", (int)(next_random(&s) % 700) - 350);
    }
    text[n] = 0;
    same_as_strtod(text);
  }
}

/* Any double, printed exactly, and the points halfway to its neighbour. */
static void random_doubles(void **state) {
  (void)state;
  uint64_t s = 7;
  for (int i = 0; i < 100000; i++) {
    char text[128];
    double x = from_bits(next_random(&s)), back = 0;
    if (!isfinite(x)) continue;
    snprintf(text, sizeof text, "%.*e", (int)(next_random(&s) % 40), x);
    same_as_strtod(text);
    snprintf(text, sizeof text, "%.17g", x);
    assert_int_equal(parse(text, strlen(text), &back), BV_OK);
    assert_int_equal(bits(back), bits(x));
    double price = (double)(next_random(&s) % 100000000) / 10000; /* ties need few digits here */
    double half = price / 2 + nextafter(price, INFINITY) / 2;
    if (snprintf(text, sizeof text, "%.70f", half) < 128) same_as_strtod(text);
    snprintf(text, sizeof text, "%.60f1", price + half / 3);
    same_as_strtod(text);
  }
}

static void refuses_what_is_no_number(void **state) {
  (void)state;
  static const char *const text[] = {
      "",      "+",      "-",          ".",    "-.",  "e5",    ".e5",     "1e",        "1e+",
      "1.7e+", "--1",    "+-1",        "1-",   "1 ",  " 1",    "\t1",     "\n1",       "\r1",
      "\v1",   "\f1",    "1\n",        "1 2",  "1,5", "1_000", "0x10",    "0X1p3",     "1.2.3",
      "1e5.5", "nan(1)", "nan()",      "nanx", "in",  "infi",  "infinit", "infinityx", "$1",
      "1d",    "1f",     "\xc2\xa0 1", "na",   "- 1", "1e 5"};
  for (size_t i = 0; i < COUNT(text); i++) {
    double x = 77;
    if (parse(text[i], strlen(text[i]), &x) != BV_ARG) fail_msg("'%s' was read as %g", text[i], x);
    assert_true(x == 77); /* untouched */
  }
  double x = 77;
  assert_int_equal(parse("1\0002", 3, &x), BV_ARG);
  assert_int_equal(parse("1\0", 2, &x), BV_ARG);
  char wide[200];
  memset(wide, '1', sizeof wide);
  assert_int_equal(parse(wide, 127, &x), BV_OK);
  assert_int_equal(parse(wide, 128, &x), BV_ARG);
  assert_int_equal(parse(wide, 200, &x), BV_ARG);
}

static void reads_nan_and_infinity(void **state) {
  (void)state;
  static const char *const inf[] = {"inf", "+Inf", "INFINITY", "infinity"};
  double x;
  for (size_t i = 0; i < COUNT(inf); i++) {
    assert_int_equal(parse(inf[i], strlen(inf[i]), &x), BV_OK);
    assert_true(isinf(x) && x > 0);
  }
  assert_int_equal(parse("-inf", 4, &x), BV_OK);
  assert_true(isinf(x) && x < 0);
  assert_int_equal(parse("NaN", 3, &x), BV_OK);
  assert_true(isnan(x));
  assert_int_equal(parse("-nan", 4, &x), BV_OK);
  assert_true(isnan(x));
}

/* The text reads back as x, and no shorter count of digits does. */
static void check_format(double x) {
  char out[32], shorter[64];
  double back = 77;
  memset(out, '!', sizeof out);
  bv_format_f64(x, out);
  assert_non_null(memchr(out, 0, sizeof out));
  assert_int_equal(bv_parse_f64(out, strlen(out), &back), BV_OK);
  if (bits(back) != bits(x)) fail_msg("%a is printed as %s, which is %a", x, out, back);
  int digits = 0;
  bool begun = false;
  for (const char *c = out; *c && *c != 'e'; c++) {
    begun = begun || (*c >= '1' && *c <= '9');
    digits += begun && *c >= '0' && *c <= '9';
  }
  if (digits <= 1) return;
  for (int k = digits < 16 ? 1 : digits - 1; k < digits; k++) {
    snprintf(shorter, sizeof shorter, "%.*e", k - 1, x);
    double y = strtod(shorter, NULL);
    if (y == x && !strchr(out, 'e') && strchr(out, '.')) {
      fail_msg("%s has too many digits, %s does", out, shorter);
    }
  }
}

static void format_reads_back(void **state) {
  (void)state;
  static const struct {
    double x;
    const char *text;
  } row[] = {{0, "0"},
             {-0.0, "-0"},
             {0.1, "0.1"},
             {1, "1"},
             {-2.5, "-2.5"},
             {56263.51934, "56263.51934"},
             {1e300, "1e+300"},
             {1e15, "1e+15"},
             {123456789012345, "123456789012345"},
             {0.3 + 0.6, "0.8999999999999999"},
             {0.1 + 0.2, "0.30000000000000004"},
             {1.0 / 3, "0.3333333333333333"},
             {DBL_MAX, "1.7976931348623157e+308"},
             {DBL_MIN, "2.2250738585072014e-308"},
             {5e-324, "5e-324"},
             {1e-310, "1e-310"},
             {9007199254740993.0, "9007199254740992"},
             {INFINITY, "inf"},
             {-INFINITY, "-inf"},
             {NAN, "nan"}};
  char out[32];
  for (size_t i = 0; i < COUNT(row); i++) {
    bv_format_f64(row[i].x, out);
    assert_string_equal(out, row[i].text);
  }
  uint64_t s = 3;
  for (int i = 0; i < 100000; i++) {
    double x = from_bits(next_random(&s));
    if (isfinite(x)) check_format(x);
    check_format(from_bits(next_random(&s) >> 12)); /* below DBL_MIN */
    check_format((double)(int64_t)(next_random(&s) % 2000000000) / 100);
    check_format((double)(next_random(&s) % 1000000) * 0.0001);
  }
}

/* ---- locales ---- */

/* Make locale `name` under tests/tmp, all of it like C but the decimal separator, and switch to it. */
static bool use_locale(const char *name, const char *point) {
  char path[200], base[120], file[128] = {0};
  snprintf(base, sizeof base, "tests/tmp/locale-%d", (int)getpid());
  mkdir("tests/tmp", 0777);
  mkdir(base, 0777);
  snprintf(path, sizeof path, "%s/%s", base, name);
  mkdir(path, 0777);
  snprintf(path, sizeof path, "%s/%s/LC_NUMERIC", base, name);
  /* magic, number of items, their offsets; decimal point, thousands separator, grouping, both
  ** separators as wide characters, code set */
  const uint32_t head[] = {0x20031115u ^ 1u, 6, 32, 48, 52, 56, 60, 64}, wide[] = {',', 0};
  memcpy(file, head, sizeof head);
  memcpy(file + 32, point, strlen(point));
  memcpy(file + 56, wide, sizeof wide);
  memcpy(file + 64, "UTF-8", 6);
  FILE *f = fopen(path, "wb");
  if (f) fwrite(file, 1, 72, f);
  if (f) fclose(f);
  setenv("LOCPATH", base, 1);
  bool ok = setlocale(LC_NUMERIC, name) && strcmp(localeconv()->decimal_point, point) == 0;
  unlink(path);
  snprintf(path, sizeof path, "%s/%s", base, name);
  rmdir(path);
  rmdir(base);
  return ok;
}

static int back_to_c(void **state) {
  (void)state;
  unsetenv("LOCPATH");
  return setlocale(LC_NUMERIC, "C") == NULL;
}

static void check_in_locale(const char *name, const char *point) {
  if (!use_locale(name, point)) {
    print_message("skipped: no locale with the decimal separator '%s' could be made\n", point);
    skip();
  }
  char native[32], out[32];
  snprintf(native, sizeof native, "%.1f", 1.5);
  assert_non_null(strstr(native, point)); /* the C library does print it */
  static const double row[] = {1.5, -0.1, 1e-5, 1.0 / 3, 2.5e300, 5e-324, 7};
  static const char *const text[] = {"1.5",      "-0.1",   "1e-05", "0.3333333333333333",
                                     "2.5e+300", "5e-324", "7"};
  for (size_t i = 0; i < COUNT(row); i++) {
    double back = 0;
    bv_format_f64(row[i], out);
    assert_string_equal(out, text[i]);
    assert_int_equal(parse(out, strlen(out), &back), BV_OK);
    assert_int_equal(bits(back), bits(row[i]));
  }
  double x = 0;
  assert_int_equal(parse("0.10000000000000000000000001", 28, &x), BV_OK); /* the slow way */
  assert_true(x == 0.1);
  assert_int_equal(parse("1,5", 3, &x), BV_ARG);
  assert_int_equal(parse("1,50000000000000000000001", 25, &x), BV_ARG);
}

static void decimal_comma(void **state) {
  (void)state;
  check_in_locale("bv_COMMA", ",");
}

static void decimal_separator_of_two_bytes(void **state) {
  (void)state;
  check_in_locale("bv_ARABIC", "\xd9\xab");
}

/* ---- integers ---- */

static void integers(void **state) {
  (void)state;
  static const struct {
    const char *text;
    bv_rc rc;
    int64_t v;
  } row[] = {{"0", BV_OK, 0},
             {"-0", BV_OK, 0},
             {"+17", BV_OK, 17},
             {"007", BV_OK, 7},
             {"9223372036854775807", BV_OK, INT64_MAX},
             {"9223372036854775808", BV_RANGE, 0},
             {"-9223372036854775808", BV_OK, INT64_MIN},
             {"-9223372036854775809", BV_RANGE, 0},
             {"18446744073709551616", BV_RANGE, 0},
             {"99999999999999999999999999", BV_RANGE, 0},
             {"00000000000000000000000000000009", BV_OK, 9},
             {"", BV_ARG, 0},
             {"-", BV_ARG, 0},
             {"+", BV_ARG, 0},
             {"1.0", BV_ARG, 0},
             {"1e3", BV_ARG, 0},
             {" 1", BV_ARG, 0},
             {"1 ", BV_ARG, 0},
             {"--1", BV_ARG, 0},
             {"0x1", BV_ARG, 0},
             {"12a", BV_ARG, 0}};
  for (size_t i = 0; i < COUNT(row); i++) {
    int64_t v = 77;
    bv_rc rc = bv_parse_i64(row[i].text, strlen(row[i].text), &v);
    if (rc != row[i].rc) fail_msg("'%s': %s", row[i].text, bv_rc_text(rc));
    assert_true(v == (rc == BV_OK ? row[i].v : 77));
  }
  uint64_t s = 11;
  for (int i = 0; i < 20000; i++) {
    char text[32];
    int64_t want, got;
    uint64_t r = next_random(&s) >> (next_random(&s) % 64);
    memcpy(&want, &r, 8);
    int n = snprintf(text, sizeof text, "%lld", (long long)want);
    assert_int_equal(bv_parse_i64(text, (size_t)n, &got), BV_OK);
    assert_true(got == want);
  }
}

/* ---- names ---- */

static void equal_but_for_case(void **state) {
  (void)state;
  assert_true(bv_text_ieq("Close", "cLOSE"));
  assert_true(bv_text_ieq("", ""));
  assert_false(bv_text_ieq("close", "closes"));
  assert_false(bv_text_ieq("closes", "close"));
  assert_false(bv_text_ieq("a@", "a`")); /* 32 apart, but no letters */
  assert_false(bv_text_ieq("[", "{"));
  assert_true(bv_text_ieqn("CLOSEx", 5, "close"));
  assert_false(bv_text_ieqn("CLOSEx", 6, "close"));
  assert_false(bv_text_ieqn("clo", 3, "close"));
  assert_true(bv_text_ieqn("x", 0, ""));
  assert_false(bv_text_ieqn("x", 0, "x"));
}

static void nearest_name(void **state) {
  (void)state;
  static const char *const list[] = {"open",   "high",         "low", "close",
                                     "volume", "memory_limit", NULL};
  static const struct {
    const char *word, *near;
  } row[] = {{"close", "close"},
             {"CLOSE", "close"},
             {"colse", "close"},
             {"closee", "close"},
             {"clse", "close"},
             {"memorylimit", "memory_limit"},
             {"memmory_limt", "memory_limit"},
             {"hgih", "high"},
             {"lwo", "low"},
             {"zzzz", NULL},
             {"xyzxyzxyz", NULL},
             {"volumes", "volume"},
             {"opne", "open"}};
  for (size_t i = 0; i < COUNT(row); i++) {
    const char *got = bv_nearest(row[i].word, list);
    if (!row[i].near) {
      assert_null(got);
    } else {
      assert_non_null(got);
      assert_string_equal(got, row[i].near);
    }
  }
  static const char *const twins[] = {"aab", "aac", NULL}, *const none[] = {NULL};
  assert_string_equal(bv_nearest("aaa", twins), "aab"); /* the first of equals */
  assert_null(bv_nearest("aaa", none));
  char wide[300];
  memset(wide, 'c', sizeof wide - 1);
  for (size_t n = 60; n < 299; n++) {
    wide[n] = 0;
    assert_null(bv_nearest(wide, list));
    wide[n] = 'c';
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(hard_numbers),
      cmocka_unit_test(random_decimals),
      cmocka_unit_test(random_doubles),
      cmocka_unit_test(refuses_what_is_no_number),
      cmocka_unit_test(reads_nan_and_infinity),
      cmocka_unit_test(format_reads_back),
      cmocka_unit_test_teardown(decimal_comma, back_to_c),
      cmocka_unit_test_teardown(decimal_separator_of_two_bytes, back_to_c),
      cmocka_unit_test(integers),
      cmocka_unit_test(equal_but_for_case),
      cmocka_unit_test(nearest_name),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
