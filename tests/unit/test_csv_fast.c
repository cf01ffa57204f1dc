/*
** test_csv_fast.c - the short way through a record gives what the general way gives, or steps aside.
*/
#include "data/csv_fast.h"
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* ts, symbol, open, close, with a passed-over column between. */
static bv_csv_layout layout(char delimiter, bool epoch) {
  bv_csv_columns c = {.nfield = 5, .header = true};
  for (int r = 0; r < BV_ROLE_COUNT; r++) c.at[r] = -1;
  c.at[BV_ROLE_TS] = 0;
  c.at[BV_ROLE_SYMBOL] = 1;
  c.at[BV_ROLE_OPEN] = 3;
  c.at[BV_ROLE_CLOSE] = 4;
  bv_csv_layout l;
  assert_true(bv_csv_layout_of(&c, delimiter, epoch, &l));
  return l;
}

/* Texts are looked at past their end: each in a buffer with room. */
static char room[600];

static size_t read_as(const char *text, char delimiter, bool epoch, bv_csv_values *v) {
  bv_csv_layout l = layout(delimiter, epoch);
  assert_true(strlen(text) + 1 + BV_CSV_SLACK < sizeof room);
  memset(room, '7', sizeof room);
  strcpy(room, text);
  return bv_csv_fast(room, &l, v);
}

static size_t read_one(const char *text, bv_csv_values *v) {
  return read_as(text, ',', false, v);
}

static void plain_records(void **state) {
  (void)state;
  bv_csv_values v;
  const char *text = "2024-01-02 14:30:00,SPY,anything,100.25,7\nnext";
  assert_int_equal(read_one(text, &v), strcspn(text, "\n"));
  assert_ptr_equal(v.text[BV_ROLE_TS].p, room);
  assert_memory_equal(v.text[BV_ROLE_TS].p, "2024-01-02 14:30:00", v.text[BV_ROLE_TS].n);
  assert_int_equal(v.text[BV_ROLE_TS].n, 19);
  assert_int_equal(v.text[BV_ROLE_SYMBOL].n, 3);
  assert_true(v.number[BV_ROLE_OPEN] == 100.25);
  assert_true(v.number[BV_ROLE_CLOSE] == 7.0);
  assert_int_equal(read_one("1,S,x,0.1,0.2\r\n", &v), 13);
  assert_int_equal(read_as("1\tS\tx\t1\t2\n", '\t', false, &v), 9);
}

/* Whatever is not plain is refused, so that the general way decides. */
static void steps_aside(void **state) {
  (void)state;
  static const char *const text[] = {
      "1,S,x,1.5,2",                    /* ends with the buffer */
      "1,S,x,1.5\n",                    /* a field too few */
      "1,S,x,1.5,2,3\n",                /* one too many */
      "1,S,x,-1.5,2\n",                 /* a sign */
      "1,S,x,1e5,2\n",                  /* an exponent */
      "1,S,x,,2\n",                     /* empty */
      "1,S,x, 1.5,2\n",                 /* space */
      "1,\"S\",x,1.5,2\n",              /* quotes */
      "1,S ,x,1.5,2\n",                 /* space after the symbol */
      "1,S,\"a,b\",1.5,2\n",            /* quotes in a passed-over field */
      "1,S,x,1.5.2,2\n",                /* two points */
      "1,S,x,1.,2\n",                   /* a point without digits */
      "1,S,x,12345678901234567890,2\n", /* too long */
      "1,S,x,9007199254740993.5,2\n",   /* needs more than 53 bits */
      "1,S,x,nan,2\n",
      "1,S,x,1234567.,2\n", /* eight characters, and nine */
      "1,S,x,12345678.,2\n",
      "1,S,x,.,2\n",
      "1,S,x,1..2,2\n",
      "1,S,x,1:2,2\n", /* next to the digits */
      "1,S,x,1/2,2\n",
      "1,S,x,1\2652,2\n",    /* a digit but for its high bit */
      "1,S\xc3\xa9,x,1,2\n", /* ends in a byte beyond ASCII */
      "1,S,x\ty,1,2\n",      /* a control character */
  };
  bv_csv_values v;
  for (size_t i = 0; i < sizeof text / sizeof *text; i++) {
    if (read_one(text[i], &v) != 0) fail_msg("taken: %s", text[i]);
  }
}

/* Numbers come out as bv_parse_f64 reads them, to the bit. */
static void same_numbers(void **state) {
  (void)state;
  uint64_t seed = 1;
  for (int i = 0; i < 200000; i++) {
    char number[40], text[120];
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    unsigned long long whole = seed >> (20 + (seed & 31)), part = (seed * 7) >> 40;
    snprintf(number, sizeof number, "%llu.%0*llu", whole, 1 + (int)(seed % 8), part % 1000);
    snprintf(text, sizeof text, "1,S,x,%s,1\n", number);
    bv_csv_values v;
    double want;
    if (read_one(text, &v) == 0) continue;
    assert_int_equal(bv_parse_f64(number, strlen(number), &want), BV_OK);
    if (memcmp(&want, &v.number[BV_ROLE_OPEN], sizeof want) != 0) fail_msg("%s", number);
  }
}

/* Every length of number, with the point at every place and beside every kind of neighbour, is read as the
** general way reads it or not at all. */
static void every_shape(void **state) {
  (void)state;
  static const char digits[] = "907060504030201009";
  for (int n = 1; n <= 18; n++) {
    for (int point = -1; point <= n; point++) {
      char number[40], text[120];
      int at = point < 0 ? n : point;
      snprintf(number, sizeof number, "%.*s%s%s", at, digits, point < 0 ? "" : ".",
               point < 0 ? "" : digits + (18 - n) + at);
      snprintf(text, sizeof text, "1,S,x,%s,%s\n", number, number);
      bv_csv_values v;
      double want;
      bool plain = read_one(text, &v) != 0;
      size_t len = strlen(number);
      bool fits = len <= 18 && number[len - 1] != '.' && bv_parse_f64(number, len, &want) == BV_OK;
      if (plain && !fits) fail_msg("taken: %s", number);
      if (!plain && fits && n <= 15) fail_msg("not taken: %s", number);
      if (!plain) continue;
      if (memcmp(&want, &v.number[BV_ROLE_OPEN], 8) || memcmp(&want, &v.number[BV_ROLE_CLOSE], 8))
        fail_msg("%s", number);
    }
  }
}

/* A record across blocks of 64 bytes, at every place in them. */
static void long_records(void **state) {
  (void)state;
  for (int n = 1; n <= 300; n++) {
    char text[500];
    int k = snprintf(text, sizeof text, "1,S,%0*d,100.25,7.5\nnext", n, 0);
    bv_csv_values v;
    assert_int_equal(read_one(text, &v), k - 5);
    assert_true(v.number[BV_ROLE_OPEN] == 100.25 && v.number[BV_ROLE_CLOSE] == 7.5);
    text[k - 5] = 0; /* cut off before the line's end */
    assert_int_equal(read_one(text, &v), 0);
  }
}

static void counts(void **state) {
  (void)state;
  static const char *const good[] = {"0",
                                     "7",
                                     "12345678",
                                     "123456789",
                                     "1704205800",
                                     "1704205800123",
                                     "1704205800123456",
                                     "17042058001234567",
                                     "1704205800123456789",
                                     "9223372036854775807"};
  static const char *const bad[] = {"",
                                    "-1",
                                    "+1",
                                    "1.5",
                                    "170420580x",
                                    "x704205800",
                                    "1704205:00",
                                    " 1704205800",
                                    "9223372036854775808",
                                    "17042058001234567890123"};
  char text[120];
  bv_csv_values v;
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    int64_t want;
    snprintf(text, sizeof text, "%s,S,x,1,2\n", good[i]);
    assert_true(read_as(text, ',', true, &v) > 0);
    assert_int_equal(bv_parse_i64(good[i], strlen(good[i]), &want), BV_OK);
    assert_int_equal(v.count, want);
  }
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    snprintf(text, sizeof text, "%s,S,x,1,2\n", bad[i]);
    if (read_as(text, ',', true, &v) != 0) fail_msg("taken: %s", bad[i]);
  }
}

static void too_many_fields(void **state) {
  (void)state;
  bv_csv_columns c = {.nfield = BV_CSV_FAST_FIELDS + 1};
  bv_csv_layout l;
  assert_false(bv_csv_layout_of(&c, ',', false, &l));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(plain_records),   cmocka_unit_test(steps_aside),
      cmocka_unit_test(same_numbers),    cmocka_unit_test(every_shape),
      cmocka_unit_test(long_records),    cmocka_unit_test(counts),
      cmocka_unit_test(too_many_fields),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
