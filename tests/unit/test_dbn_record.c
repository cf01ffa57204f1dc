/* test_dbn_record.c - record layouts, tables, prices. */
#include "dbn_help.h"

#include "base/text.h"

#include <inttypes.h>

static void sizes_follow_the_version(void **state) {
  (void)state;
  /* bytes of versions 1, 2, 3 by rtype: the vendor's specification */
  static const struct {
    uint8_t rtype;
    int bytes[3];
  } want[] = {
      {0x00, {48, 48, 48}},    {0x01, {80, 80, 80}},   {0x0A, {368, 368, 368}},
      {0x11, {56, 56, 56}},    {0x12, {40, 40, 40}},   {0x13, {360, 400, 520}},
      {0x14, {112, 112, 112}}, {0x15, {80, 320, 320}}, {0x16, {80, 176, 176}},
      {0x17, {80, 320, 320}},  {0x18, {64, 64, 80}},   {0x20, {56, 56, 56}},
      {0x21, {56, 56, 56}},    {0x22, {56, 56, 56}},   {0x23, {56, 56, 56}},
      {0x24, {56, 56, 56}},    {0xA0, {56, 56, 56}},   {0xB1, {80, 80, 80}},
      {0xC0, {80, 80, 80}},    {0xC1, {80, 80, 80}},   {0xC2, {80, 80, 80}},
      {0xC3, {80, 80, 80}},    {0xC4, {80, 80, 80}},
  };
  int known = 0;
  for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
    const bv_dbn_type *t = bv_dbn_type_of(want[i].rtype);
    assert_true(t->kind != BV_DBN_UNKNOWN && t->name[0]);
    for (int v = 0; v < 3; v++) assert_int_equal(t->bytes[v], want[i].bytes[v]);
  }
  for (int i = 0; i < 256; i++) known += bv_dbn_type_of((uint8_t)i)->kind != BV_DBN_UNKNOWN;
  assert_int_equal(known, sizeof want / sizeof *want);
}

/* Nothing of a record is read behind the length its table row demands. */
static void fields_lie_inside_their_records(void **state) {
  (void)state;
  for (int i = 0; i < 256; i++) {
    const bv_dbn_type *t = bv_dbn_type_of((uint8_t)i);
    for (int v = 0; v < 3; v++) {
      assert_true(t->price + 8 <= t->bytes[v] || t->kind != BV_DBN_TRADES);
      assert_true(t->size + 4 <= t->bytes[v] || t->kind != BV_DBN_TRADES);
      assert_true(t->recv + 8 <= t->bytes[v] || t->kind != BV_DBN_TRADES);
      assert_true(t->text[v] + t->ntext[v] <= t->bytes[v]);
    }
    assert_true((t->kind == BV_DBN_TRADES) == (t->action > 0));
  }
}

static void schemas_by_number(void **state) {
  (void)state;
  static const char *const name[] = {
      "mbo",      "mbp-1",    "mbp-10",     "tbbo",       "trades", "ohlcv-1s",  "ohlcv-1m",
      "ohlcv-1h", "ohlcv-1d", "definition", "statistics", "status", "imbalance", "ohlcv-eod",
      "cmbp-1",   "cbbo-1s",  "cbbo-1m",    "tcbbo",      "bbo-1s", "bbo-1m"};
  for (uint16_t i = 0; i < 20; i++) {
    const bv_dbn_schema *s = bv_dbn_schema_of(i);
    assert_string_equal(s->name, name[i]);
    bv_dbn_kind kind = bv_dbn_type_of(s->rtype)->kind;
    assert_true(s->rows == (kind == BV_DBN_BARS || kind == BV_DBN_TRADES));
  }
  assert_null(bv_dbn_schema_of(20));
  assert_null(bv_dbn_schema_of(BV_DBN_NO_SCHEMA));
}

static void venues(void **state) {
  (void)state;
  need(DBN_DIR "publishers.csv");
  FILE *f = fopen(DBN_DIR "publishers.csv", "r");
  char line[100], venue[8];
  unsigned id, last = 0;
  assert_non_null(f);
  assert_non_null(fgets(line, sizeof line, f)); /* the header */
  while (fgets(line, sizeof line, f)) {
    assert_int_equal(sscanf(line, "%u,%*[^,],%*[^,],%7[A-Z0-9]", &id, venue), 2);
    assert_string_equal(bv_dbn_venue((uint16_t)id), venue);
    last = id;
  }
  fclose(f);
  assert_true(last > 100);
  assert_null(bv_dbn_venue(0));
  assert_null(bv_dbn_venue((uint16_t)(last + 1)));
  assert_null(bv_dbn_venue(65535));
}

/* The nearest double, as strtod finds it from the decimal text. */
static double by_text(int64_t p) {
  char text[40];
  uint64_t u = p < 0 ? 0 - (uint64_t)p : (uint64_t)p;
  snprintf(text, sizeof text, "%s%" PRIu64 ".%09" PRIu64, p < 0 ? "-" : "", u / 1000000000,
           u % 1000000000);
  return strtod(text, NULL);
}

static void prices_are_the_nearest_doubles(void **state) {
  (void)state;
  const int64_t edge = (int64_t)1 << 53;
  static const int64_t some[] = {
      0, 1, -1, 5, 100000000, 333333333, 3720250000000, -37630000000, INT64_MIN, INT64_MAX - 1};
  for (size_t i = 0; i < sizeof some / sizeof *some; i++) {
    assert_true(bv_dbn_price(some[i]) == by_text(some[i]));
  }
  for (int64_t d = -1000; d <= 1000; d++) {
    assert_true(bv_dbn_price(edge + d) == by_text(edge + d));
    assert_true(bv_dbn_price(-edge + d) == by_text(-edge + d));
  }
  uint64_t x = 88172645463325252u;
  for (int i = 0; i < 200000; i++) {
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    int64_t p = (int64_t)(x >> (i % 40));
    assert_true(bv_dbn_price(p) == by_text(p));
  }
}

static const char *bar_flaw(uint64_t ns, int64_t o, int64_t h, int64_t l, int64_t c) {
  bv_buf b;
  bv_dbn_ohlcv out;
  bv_buf_init(&b, BV_MEM_BASE, 100);
  put_bar(&b, 0x21, 1, 1, 0, (const int64_t[4]){o, h, l, c}, 1);
  memcpy(b.p + 8, &ns, 8);
  const char *why = bv_dbn_read_ohlcv((const uint8_t *)b.p, &out);
  bv_buf_reset(&b);
  return why;
}

static void bad_bars(void **state) {
  (void)state;
  const int64_t none = BV_DBN_NO_PRICE;
  const uint64_t ns = 1704205800000000000u;
  assert_null(bar_flaw(ns, 2, 3, 1, 2));
  assert_null(bar_flaw(0, 2, 2, 2, 2));
  assert_null(bar_flaw(ns, -2, -1, -3, -2));
  assert_null(bar_flaw(ns, INT64_MIN, none - 1, INT64_MIN, 0));
  assert_string_equal(bar_flaw(UINT64_MAX, 2, 3, 1, 2), "the time is undefined");
  assert_string_equal(bar_flaw(ns + 1, 2, 3, 1, 2), "the bar does not begin at a whole second");
  assert_string_equal(bar_flaw(ns, none, 3, 1, 2), "open is undefined");
  assert_string_equal(bar_flaw(ns, 2, none, 1, 2), "high is undefined");
  assert_string_equal(bar_flaw(ns, 2, 3, none, 2), "low is undefined");
  assert_string_equal(bar_flaw(ns, 2, 3, 1, none), "close is undefined");
  assert_string_equal(bar_flaw(ns, 2, 1, 3, 2), "high is below low");
  assert_non_null(strstr(bar_flaw(ns, 4, 3, 1, 2), "open"));
  assert_non_null(strstr(bar_flaw(ns, 2, 3, 1, 0), "close"));
}

static void trades_and_their_flaws(void **state) {
  (void)state;
  const uint64_t t = 1704205800000000001u, day = (uint64_t)86400 * 1000000000;
  static const struct {
    uint64_t shift_recv, shift_event;
    int64_t price;
    uint32_t size;
    char action;
    const char *why;
  } cases[] = {
      {5, 0, 7, 9, 'T', NULL},
      {0, 5, -7, 0, 'T', NULL},
      {0, 0, 7, 9, 'A', "the action is not a trade"},
      {0, 0, BV_DBN_NO_PRICE, 9, 'T', "the price is undefined"},
      {0, 0, 7, BV_DBN_NO_SIZE, 'T', "the size is undefined"},
  };
  bv_dbn_trade out;
  bool is;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    bv_buf b;
    bv_buf_init(&b, BV_MEM_BASE, 100);
    put_trade(&b, 1, 2, t + cases[i].shift_event, t + cases[i].shift_recv, cases[i].price,
              cases[i].size);
    b.p[28] = cases[i].action;
    const char *why = bv_dbn_read_trade((const uint8_t *)b.p, true, &is, &out);
    if (cases[i].why) {
      assert_string_equal(why, cases[i].why);
    } else {
      assert_null(why);
      assert_true(is && out.price == cases[i].price && out.size == cases[i].size);
      assert_true(out.event == t + cases[i].shift_event && out.recv == t + cases[i].shift_recv);
    }
    if (cases[i].action != 'T') {
      assert_null(bv_dbn_read_trade((const uint8_t *)b.p, false, &is, &out));
      assert_false(is);
    }
    bv_buf_reset(&b);
  }
  bv_buf b;
  bv_buf_init(&b, BV_MEM_BASE, 1000);
  put_trade(&b, 1, 2, t, t + day, 7, 9);
  put_trade(&b, 1, 2, t, t + day + 1, 7, 9);
  put_trade(&b, 1, 2, t, t - day, 7, 9);
  put_trade(&b, 1, 2, t, t - day - 1, 7, 9);
  put_trade(&b, 1, 2, UINT64_MAX, t, 7, 9);
  put_trade(&b, 1, 2, t, UINT64_MAX, 7, 9);
  const uint8_t *p = (const uint8_t *)b.p;
  assert_null(bv_dbn_read_trade(p, true, &is, &out));
  assert_non_null(strstr(bv_dbn_read_trade(p + 48, true, &is, &out), "more than a day after"));
  assert_null(bv_dbn_read_trade(p + 96, true, &is, &out));
  assert_non_null(strstr(bv_dbn_read_trade(p + 144, true, &is, &out), "more than a day before"));
  assert_string_equal(bv_dbn_read_trade(p + 192, true, &is, &out), "the time is undefined");
  assert_null(bv_dbn_read_trade(p + 240, true, &is, &out));
  assert_true(out.recv == t); /* not known: the time of the trade */
  bv_buf_reset(&b);
}

/* A record with a best level of the book, 80 bytes. */
static void put_level(bv_buf *b, uint8_t rtype, uint64_t event, uint64_t recv, int64_t bid,
                      int64_t ask) {
  put_header(b, 80, rtype, 1, 2, event);
  put_int(b, (uint64_t)BV_DBN_NO_PRICE, 8);
  put_int(b, 0, 8);
  put_int(b, recv, 8);
  put_int(b, 0, 8);
  put_int(b, (uint64_t)bid, 8);
  put_int(b, (uint64_t)ask, 8);
  put_int(b, 10, 4);
  put_int(b, 20, 4);
  put_int(b, 0, 8);
}

static void quotes_and_their_flaws(void **state) {
  (void)state;
  const uint64_t t = (uint64_t)T0 * 1000000000, day = 86400ull * 1000000000;
  bv_dbn_trade out;
  bool is;
  bv_buf b;
  bv_buf_init(&b, BV_MEM_BASE, 1000);
  put_level(&b, 0x01, t, t + 5, -7, 9);                       /* mbp-1 */
  put_level(&b, 0xC4, BV_DBN_NO_TIME, t, 7, BV_DBN_NO_PRICE); /* bbo-1m: no trade, nothing asked */
  put_level(&b, 0x01, BV_DBN_NO_TIME, t, 7, 9);
  put_level(&b, 0x01, t, t + day + 1, 7, 9);
  put_level(&b, 0xC3, t, BV_DBN_NO_TIME, 7, 9);
  put_level(&b, 0xC3, t, 0, 7, 9);
  uint8_t *p = (uint8_t *)b.p;
  assert_null(bv_dbn_read_quote(p, false, &is, &out));
  assert_true(is && out.price == -7 && out.size == 10 && out.event == t && out.recv == t + 5);
  assert_null(bv_dbn_read_quote(p, true, &is, &out));
  assert_true(is && out.price == 9 && out.size == 20);
  assert_null(bv_dbn_read_quote(p + 80, false, &is, &out));
  assert_true(is && out.event == t - 1 && out.recv == t); /* of the interval that it ends */
  assert_null(bv_dbn_read_quote(p + 80, true, &is, &out));
  assert_false(is);
  assert_string_equal(bv_dbn_read_quote(p + 160, false, &is, &out), "the time is undefined");
  assert_non_null(strstr(bv_dbn_read_quote(p + 240, false, &is, &out), "more than a day after"));
  assert_string_equal(bv_dbn_read_quote(p + 320, false, &is, &out), "the time is undefined");
  assert_string_equal(bv_dbn_read_quote(p + 400, false, &is, &out), "the time is undefined");
  memset(p + 64, 0xff, 4);
  assert_string_equal(bv_dbn_read_quote(p, false, &is, &out), "the size is undefined");
  char text[BV_REJECT_RAW_MAX + 1];
  bv_dbn_record_text(p + 400, text, sizeof text);
  assert_non_null(strstr(text, "bid=7 x 10 ask=9 x 20 received=0"));
  bv_buf_reset(&b);
}

static void records_as_text(void **state) {
  (void)state;
  char text[BV_REJECT_RAW_MAX + 1];
  bv_buf b;
  bv_buf_init(&b, BV_MEM_BASE, 1000);
  put_bar(&b, 0x21, 65535, UINT32_MAX, 1,
          (const int64_t[4]){INT64_MIN, INT64_MIN, INT64_MIN, INT64_MIN}, UINT64_MAX);
  put_trade(&b, 3, 4, 5, 6, -7, 8);
  b.p[56 + 28] = '\n';
  put_header(&b, 16, 0x7f, 1, 2, 3);
  bv_dbn_record_text((const uint8_t *)b.p, text, sizeof text);
  assert_string_equal(text, "ohlcv-1m publisher=65535 instrument=4294967295 ts=1000000000 "
                            "o=-9223372036854775808 h=-9223372036854775808 l=-9223372036854775808 "
                            "c=-9223372036854775808 v=18446744073709551615");
  bv_dbn_record_text((const uint8_t *)b.p + 56, text, sizeof text);
  assert_string_equal(text,
                      "trades publisher=3 instrument=4 ts=5 price=-7 size=8 action=? received=6");
  bv_dbn_record_text((const uint8_t *)b.p + 104, text, sizeof text);
  assert_string_equal(text, "? publisher=1 instrument=2 ts=3");
  for (size_t size = 1; size < 80; size++) {
    bv_dbn_record_text((const uint8_t *)b.p + 56, text, size);
    assert_true(strlen(text) < size);
  }
  bv_buf_reset(&b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(sizes_follow_the_version),
      cmocka_unit_test(fields_lie_inside_their_records),
      cmocka_unit_test(schemas_by_number),
      cmocka_unit_test(venues),
      cmocka_unit_test(prices_are_the_nearest_doubles),
      cmocka_unit_test(bad_bars),
      cmocka_unit_test(trades_and_their_flaws),
      cmocka_unit_test(quotes_and_their_flaws),
      cmocka_unit_test(records_as_text),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
