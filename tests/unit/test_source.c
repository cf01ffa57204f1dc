/*
** test_source.c - reading stored and aggregated series: random ranges, both directions, any number of
** bars, against the bars the test stored; what ends when; which source an argument list gives.
*/
#include "store_fixture.h"

#include "col/resample.h"
#include "data/raw.h"
#include "data/source.h"

static model minute, odd, daily;

static const bv_zone *zone(const char *name) {
  const bv_zone *z = NULL;
  bv_err err = {0};
  ok(bv_zone_find(name, &z, &err), &err);
  return z;
}

static int setup(void **state) {
  setup_store(state);
  minute = model_new("minute", 1709251200 - 300000, 5000, 6, false, 1); /* around 2024-03-01 */
  odd = model_new("minute", -200000, 1500, 1, true, 2);                 /* around 1970 */
  daily = model_new("day", 946684800, 900, 3, false, 3);
  model_store(store, &minute, "MIN", "minute", "America/New_York");
  model_store(store, &odd, "ODD", "minute", NULL);
  model_store(store, &daily, "DAY", "day", "Australia/Lord_Howe");
  return 0;
}

static int teardown(void **state) {
  model_free(&minute);
  model_free(&odd);
  model_free(&daily);
  return teardown_store(state);
}

/* ---- stored ---- */

static void check_stored_rows(const model *m, const bv_chunk *c, int64_t at, int64_t first,
                              int64_t n) {
  assert_int_equal(c->n - at, n);
  for (int64_t i = 0; i < n; i++) {
    assert_int_equal(c->ts[at + i], m->ts[first + i]);
    for (int k = 0; k < STORED_COLUMNS; k++) {
      if (c->col[k]) assert_true(same(c->col[k][at + i], m->col[k][first + i]));
    }
  }
}

static void stored_ranges(void **state) {
  (void)state;
  const model *all[] = {&minute, &odd, &daily};
  uint64_t r = 5;
  bv_err err = {0};
  for (int round = 0; round < 1200; round++) {
    const model *m = all[round % 3];
    bv_source src = bv_source_stored(&m->series);
    int64_t lo = model_instant(m, &r), hi = model_instant(m, &r);
    int64_t max = pick(&r, 4) ? 1 + pick(&r, 300) : pick(&r, 2) ? INT64_MAX : 0;
    bool desc = pick(&r, 2);
    bv_chunk c;
    bv_chunk_init(&c, BV_MEM_DECODE, bv_source_mask(&src, (unsigned)pick(&r, 1 << BV_NCOL)));
    ok(bv_source_read(store, &src, lo, hi, max, desc, &c, &err), &err);
    int64_t a = model_find(m, lo), b = model_find(m, hi);
    if (b < a) b = a;
    if (b - a > max && desc) a = b - max;
    if (b - a > max && !desc) b = a + max;
    check_stored_rows(m, &c, 0, a, b - a);
    bv_chunk_reset(&c);
  }
}

/* Pieces read one after the other, appended to one chunk, make the whole. */
static void stored_pieces(void **state) {
  (void)state;
  static const int64_t piece[] = {1, 3, 64, 999, 5000, 8192};
  bv_err err = {0};
  for (size_t k = 0; k < COUNT(piece); k++) {
    const model *m = k == 0 ? &odd : &minute;
    bv_source src = bv_source_stored(&m->series);
    bv_chunk c;
    int64_t at = INT64_MIN, before;
    bv_chunk_init(&c, BV_MEM_DECODE, BV_COLBIT(BV_COL_CLOSE) | BV_COLBIT(BV_COL_VWAP));
    do {
      before = c.n;
      ok(bv_source_read(store, &src, at, INT64_MAX, piece[k], false, &c, &err), &err);
      if (c.n > before) at = c.ts[c.n - 1] + 1;
    } while (c.n - before == piece[k]);
    check_stored_rows(m, &c, 0, 0, m->n);
    bv_chunk_reset(&c);
    int64_t hi = INT64_MAX, left = m->n;
    bv_chunk_init(&c, BV_MEM_DECODE, BV_COLBIT(BV_COL_OPEN));
    while (left > 0) {
      bv_chunk_clear(&c);
      ok(bv_source_read(store, &src, INT64_MIN, hi, piece[k], true, &c, &err), &err);
      assert_int_equal(c.n, left < piece[k] ? left : piece[k]);
      left -= c.n;
      check_stored_rows(m, &c, 0, left, c.n);
      hi = c.ts[0];
    }
    bv_chunk_reset(&c);
  }
}

/* ---- aggregates ---- */

typedef struct agg_case {
  const char *asset, *step, *tz, *session;
} agg_case;

static const agg_case agg_cases[] = {
    {"MIN", "minute", NULL, NULL},       {"MIN", "5 minutes", NULL, NULL},
    {"MIN", "hour", "UTC", ""},          {"MIN", "day", NULL, NULL},
    {"MIN", "day", NULL, "09:30-16:00"}, {"MIN", "15 minutes", NULL, "09:30-16:00"},
    {"MIN", "week", "Asia/Tokyo", NULL}, {"MIN", "day", "Europe/London", "22:00-02:00"},
    {"MIN", "month", NULL, NULL},        {"ODD", "minute", NULL, NULL},
    {"ODD", "7 minutes", NULL, NULL},    {"ODD", "day", "Asia/Kolkata", "18:00-17:00"},
    {"DAY", "3 days", NULL, NULL},       {"DAY", "month", NULL, NULL},
    {"DAY", "year", "UTC", NULL},        {"MIN", "hour", NULL, "00:00-23:59"},
};

static const model *model_of(const char *asset) {
  return asset[0] == 'M' ? &minute : asset[0] == 'O' ? &odd : &daily;
}

static bv_source source_of(const agg_case *c) {
  bv_source src;
  bv_err err = {0};
  ok(bv_source_aggregate(store, c->asset, c->step, c->tz, c->session, NULL, NULL, &src, &err),
     &err);
  return src;
}

/* Every bucket, from the base bars that had ended by the cut. */
static bv_chunk all_buckets(const bv_source *src, const model *m) {
  bv_chunk out;
  bv_resample r;
  bv_bars b = {.ts = m->ts};
  for (int c = 0; c < BV_COL_BID; c++) b.col[c] = m->col[c];
  while (b.n < m->n && (src->cut == BV_NO_CLOCK ||
                        bv_timestep_end(m->series.step, m->series.zone, m->ts[b.n]) <= src->cut)) {
    b.n++;
  }
  bv_chunk_init(&out, BV_MEM_DERIVED, BV_RESAMPLE_OUT);
  bv_resample_init(&r, src->step, src->zone, src->session_lo, src->session_hi);
  bv_resample_base(&r, m->series.step, m->series.zone);
  bv_resample_base(&r, m->series.step, m->series.zone);
  assert_int_equal(bv_resample_feed(&r, &b, &out), BV_OK);
  assert_int_equal(bv_resample_flush(&r, &out), BV_OK);
  return out;
}

static void check_agg_read(const bv_source *src, const bv_chunk *ref, int64_t lo, int64_t hi,
                           int64_t max, bool desc) {
  bv_err err = {0};
  bv_chunk c;
  bv_chunk_init(&c, BV_MEM_DECODE, BV_RESAMPLE_OUT);
  ok(bv_source_read(store, src, lo, hi, max, desc, &c, &err), &err);
  int64_t a = 0;
  while (a < ref->n && ref->ts[a] < lo) a++;
  int64_t b = a;
  while (b < ref->n && ref->ts[b] < hi) b++;
  if (b - a > max && desc) a = b - max;
  if (b - a > max && !desc) b = a + max;
  if (c.n != b - a) {
    fail_msg("%s %s [%lld, %lld) max %lld %s: %lld buckets, not %lld", src->base.asset,
             src->base.step_text, (long long)lo, (long long)hi, (long long)max,
             desc ? "desc" : "asc", (long long)c.n, (long long)(b - a));
  }
  for (int64_t i = 0; i < c.n; i++) {
    assert_int_equal(c.ts[i], ref->ts[a + i]);
    for (int k = 0; k < BV_NCOL; k++) {
      if (ref->col[k]) assert_true(same(c.col[k][i], ref->col[k][a + i]));
    }
  }
  bv_chunk_reset(&c);
}

static void aggregate_ranges(void **state) {
  (void)state;
  uint64_t r = 7;
  for (size_t k = 0; k < COUNT(agg_cases); k++) {
    const model *m = model_of(agg_cases[k].asset);
    for (int cut = 0; cut < 3; cut++) {
      bv_source src = source_of(&agg_cases[k]);
      if (cut > 0) src.cut = m->ts[pick(&r, m->n)] + pick(&r, 200) - 60;
      bv_chunk ref = all_buckets(&src, m);
      for (int round = 0; round < 40; round++) {
        int64_t lo = model_instant(m, &r), hi = model_instant(m, &r);
        int64_t max = pick(&r, 3) ? 1 + pick(&r, 9) : 1 + pick(&r, 5000);
        check_agg_read(&src, &ref, lo, hi, max, round % 2);
      }
      check_agg_read(&src, &ref, INT64_MIN, INT64_MAX, 10000, false);
      check_agg_read(&src, &ref, INT64_MIN, INT64_MAX, 10000, true);
      check_agg_read(&src, &ref, INT64_MIN, INT64_MAX, 1, true);
      check_agg_read(&src, &ref, INT64_MIN, INT64_MAX, 1, false);
      bv_chunk_reset(&ref);
    }
  }
}

/* ---- what ends when ---- */

/* A bar starts before the limit if and only if it has ended by the clock. */
static void check_limit(const bv_source *src, uint64_t *r) {
  for (int round = 0; round < 200; round++) {
    int64_t ts = pick(r, 4000000000) - 500000000;
    ts = bv_bucket_start(src->step, src->zone, ts, NULL) + (pick(r, 3) ? 0 : pick(r, 100000));
    int64_t end = bv_source_known_at(src, ts), clock = end + pick(r, 5) - 2;
    assert_true(end > ts);
    assert_int_equal(ts < bv_source_limit(src, clock), end <= clock);
    clock = ts + pick(r, 400000) - 100000;
    assert_int_equal(ts < bv_source_limit(src, clock), end <= clock);
  }
  assert_int_equal(bv_source_limit(src, BV_NO_CLOCK), INT64_MAX);
}

static void limits(void **state) {
  (void)state;
  static const char *const step[] = {"second", "minute", "90 minutes", "hour",    "24 hours", "day",
                                     "2 days", "week",   "month",      "quarter", "year"};
  static const char *const name[] = {"UTC", "America/New_York", "Australia/Lord_Howe",
                                     "Pacific/Apia", "Africa/Cairo"};
  uint64_t r = 11;
  for (size_t s = 0; s < COUNT(step); s++) {
    for (size_t z = 0; z < COUNT(name); z++) {
      bv_source src = bv_source_stored(&minute.series);
      assert_int_equal(bv_timestep_parse(step[s], strlen(step[s]), &src.step, NULL), BV_OK);
      src.zone = zone(name[z]);
      check_limit(&src, &r);
    }
  }
}

static void known_at_of_some_days(void **state) {
  (void)state;
  bv_source src = bv_source_stored(&minute.series);
  src.step = (bv_timestep){1, BV_DAY, BV_OF_TRADES}; /* New York, 2024-03-10 and 2024-11-03 */
  assert_int_equal(bv_source_known_at(&src, 1710046800), 1710046800 + 23 * 3600);
  assert_int_equal(bv_source_known_at(&src, 1730606400), 1730606400 + 25 * 3600);
  assert_int_equal(bv_source_limit(&src, 1710046800 + 23 * 3600 - 1), 1710046800);
  src.step = (bv_timestep){1, BV_MINUTE, BV_OF_TRADES};
  assert_int_equal(bv_source_known_at(&src, 90), 150);
  assert_int_equal(bv_source_limit(&src, 150), 91);
}

/* ---- arguments ---- */

static void refused(const char *asset, const char *step, const char *tz, const char *session,
                    const char *fill, bv_rc want, const char *part) {
  bv_source src;
  bv_err err = {0};
  assert_int_equal(bv_source_aggregate(store, asset, step, tz, session, fill, NULL, &src, &err),
                   want);
  if (!strstr(err.msg, part)) fail_msg("'%s' does not name '%s'", err.msg, part);
}

static void arguments_are_checked(void **state) {
  (void)state;
  refused("NONE", "hour", NULL, NULL, NULL, BV_NOTFOUND, "NONE");
  refused("MINX", "hour", NULL, NULL, NULL, BV_NOTFOUND, "did you mean 'MIN'");
  refused("MIN", "second", NULL, NULL, NULL, BV_NOTFOUND, "does not divide");
  refused("MIN", "90 seconds", NULL, NULL, NULL, BV_NOTFOUND, "does not divide");
  refused("DAY", "hour", NULL, NULL, NULL, BV_NOTFOUND, "does not divide");
  refused("MIN", "fortnight", NULL, NULL, NULL, BV_ARG, "fortnight");
  refused("MIN", "1M", NULL, NULL, NULL, BV_ARG, "1mo");
  refused("MIN", "hour", "Mars/Olympus", NULL, NULL, BV_NOTFOUND, "Mars");
  refused("MIN", "hour", NULL, NULL, "zero", BV_ARG, "zero");
  static const char *const session[] = {
      "9-16",        "09:30",       "09:30-16:00x", "24:00-01:00",  "09:60-10:00", "09:30-24:01",
      "09:30-25:00", "-1:00-02:00", "09:30-09:30",  "00:00-00:00x", "a:b-c:d",     "09:30 16:00"};
  for (size_t i = 0; i < COUNT(session); i++) {
    refused("MIN", "hour", NULL, session[i], NULL, BV_ARG, "session");
  }
}

static void sessions_are_read(void **state) {
  (void)state;
  static const struct {
    const char *text;
    int32_t lo, hi;
  } row[] = {{"09:30-16:00", 34200, 57600},
             {"9:30-16:00", 34200, 57600},
             {"18:00-17:00", 64800, 61200},
             {"12:00-24:00", 43200, 86400},
             {"00:00-00:01", 0, 60}};
  for (size_t i = 0; i < COUNT(row); i++) {
    agg_case c = {"MIN", "hour", NULL, row[i].text};
    bv_source src = source_of(&c);
    assert_int_equal(src.session_lo, row[i].lo);
    assert_int_equal(src.session_hi, row[i].hi);
  }
}

/* The finest stored series that divides the timestep is taken: 2 minutes make no quarter of an hour,
** by which zones are shifted, and so no days. */
static void base_is_the_finest_that_divides(void **state) {
  (void)state;
  bv_err err = {0};
  static const char *const stored[] = {"7 minutes", "hour", "day", "2 minutes"};
  for (size_t i = 0; i < COUNT(stored); i++) {
    bv_timestep s;
    bv_series made;
    assert_int_equal(bv_timestep_parse(stored[i], strlen(stored[i]), &s, NULL), BV_OK);
    ok(bv_series_make(store, "MANY", s, "Asia/Tokyo", &made, &err), &err);
  }
  static const struct {
    const char *step, *base;
  } row[] = {{"14 minutes", "2 minutes"},
             {"21 minutes", "7 minutes"},
             {"hour", "2 minutes"},
             {"day", "day"},
             {"week", "day"}};
  for (size_t i = 0; i < COUNT(row); i++) {
    agg_case c = {"MANY", row[i].step, NULL, NULL};
    bv_source src = source_of(&c);
    assert_string_equal(src.base.step_text, row[i].base);
    assert_string_equal(bv_zone_name(src.zone), "Asia/Tokyo");
    assert_true(src.agg);
  }
}

static void equality_and_columns(void **state) {
  (void)state;
  bv_source stored = bv_source_stored(&minute.series), other;
  assert_true(bv_source_eq(&stored, &stored));
  for (size_t i = 0; i < COUNT(agg_cases); i++) {
    for (size_t j = 0; j < COUNT(agg_cases); j++) {
      bv_source a = source_of(&agg_cases[i]), b = source_of(&agg_cases[j]);
      assert_int_equal(bv_source_eq(&a, &b), i == j);
      assert_false(bv_source_eq(&a, &stored));
    }
  }
  agg_case hour = {"MIN", "hour", NULL, NULL},
           sixty = {"MIN", "60 minutes", "America/New_York", ""};
  bv_source a = source_of(&hour), b = source_of(&sixty);
  assert_true(bv_source_eq(&a, &b));
  other = a;
  other.cut = 5;
  assert_false(bv_source_eq(&a, &other));
  other = a;
  other.fill = BV_FILL_PREV;
  assert_false(bv_source_eq(&a, &other));
  const unsigned open = BV_COLBIT(BV_COL_OPEN), count = BV_COLBIT(BV_COL_COUNT);
  assert_int_equal(bv_source_mask(&stored, open | count), open);
  assert_int_equal(bv_source_mask(&a, open), open | BV_COLBIT(BV_COL_KNOWN));
  assert_int_equal(bv_source_mask(&other, open), open | BV_COLBIT(BV_COL_KNOWN) |
                                                     BV_COLBIT(BV_COL_FILLED) |
                                                     BV_COLBIT(BV_COL_CLOSE));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(stored_ranges),         cmocka_unit_test(stored_pieces),
      cmocka_unit_test(aggregate_ranges),      cmocka_unit_test(limits),
      cmocka_unit_test(known_at_of_some_days), cmocka_unit_test(arguments_are_checked),
      cmocka_unit_test(sessions_are_read),     cmocka_unit_test(base_is_the_finest_that_divides),
      cmocka_unit_test(equality_and_columns),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
