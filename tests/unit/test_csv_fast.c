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
static bv_csv_layout layout(char delimiter) {
  bv_csv_columns c = {.nfield = 5, .header = true};
  for (int r = 0; r < BV_ROLE_COUNT; r++) c.at[r] = -1;
  c.at[BV_ROLE_TS] = 0;
  c.at[BV_ROLE_SYMBOL] = 1;
  c.at[BV_ROLE_OPEN] = 3;
  c.at[BV_ROLE_CLOSE] = 4;
  bv_csv_layout l;
  assert_true(bv_csv_layout_of(&c, delimiter, &l));
  return l;
}

static size_t read_one(const char *text, bv_csv_values *v) {
  bv_csv_layout l = layout(',');
  return bv_csv_fast(text, &l, v);
}

static void plain_records(void **state) {
  (void)state;
  bv_csv_values v;
  const char *text = "2024-01-02 14:30:00,SPY,anything,100.25,7\nnext";
  assert_int_equal(read_one(text, &v), strcspn(text, "\n"));
  assert_memory_equal(v.text[BV_ROLE_TS].p, "2024-01-02 14:30:00", v.text[BV_ROLE_TS].n);
  assert_int_equal(v.text[BV_ROLE_TS].n, 19);
  assert_int_equal(v.text[BV_ROLE_SYMBOL].n, 3);
  assert_true(v.number[BV_ROLE_OPEN] == 100.25);
  assert_true(v.number[BV_ROLE_CLOSE] == 7.0);
  assert_int_equal(read_one("1,S,x,0.1,0.2\r\n", &v), 13);
  bv_csv_layout tabs = layout('\t');
  assert_int_equal(bv_csv_fast("1\tS\tx\t1\t2\n", &tabs, &v), 9);
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

static void too_many_fields(void **state) {
  (void)state;
  bv_csv_columns c = {.nfield = BV_CSV_FAST_FIELDS + 1};
  bv_csv_layout l;
  assert_false(bv_csv_layout_of(&c, ',', &l));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(plain_records),
      cmocka_unit_test(steps_aside),
      cmocka_unit_test(same_numbers),
      cmocka_unit_test(too_many_fields),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
