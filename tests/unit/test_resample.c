/*
** test_resample.c - longer bars from shorter ones: against a naive reference, in random pieces, in
** sessions, and on the days when clocks change.
*/
#include "time_help.h"

#include "col/resample.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

enum { BARS = 6000 };

static int64_t ts[BARS];
static double col[BV_NCOL][BARS];
static uint64_t seed = 1;

static int64_t pick(int64_t n) {
  seed ^= seed << 13;
  seed ^= seed >> 7;
  seed ^= seed << 17;
  return (int64_t)(seed % (uint64_t)n);
}

static bool same(double a, double b) {
  return memcmp(&a, &b, 8) == 0 || (isnan(a) && isnan(b));
}

/* Minute bars from `from` on with holes of minutes, hours and days; missing: one in so many lacks
** its volume, trades or vwap. */
static void make_bars(int64_t from, int missing) {
  for (int i = 0; i < BARS; i++) {
    int64_t hole = pick(40) ? 0 : pick(12) ? pick(10) : pick(6) ? pick(400) : pick(9000);
    ts[i] = from;
    from += 60 * (1 + hole);
    double low = 100 + (double)pick(1000) / 100, span = (double)pick(300) / 100;
    col[BV_COL_LOW][i] = low;
    col[BV_COL_HIGH][i] = low + span;
    col[BV_COL_OPEN][i] = low + span * (double)pick(5) / 4;
    col[BV_COL_CLOSE][i] = low + span * (double)pick(5) / 4;
    col[BV_COL_VOLUME][i] = pick(missing) ? (double)pick(500) : NAN;
    col[BV_COL_TRADES][i] = pick(missing) ? (double)pick(50) : NAN;
    col[BV_COL_VWAP][i] = pick(missing) ? low + span / 2 : NAN;
  }
}

static bv_bars bars_from(int64_t at, int64_t n) {
  bv_bars b = {.n = n, .ts = ts + at};
  for (int c = 0; c < BV_NCOL; c++) {
    if (BV_RESAMPLE_MASK & BV_COLBIT(c)) b.col[c] = col[c] + at;
  }
  return b;
}

static bv_timestep step_of(const char *text) {
  bv_timestep s = {1, BV_MINUTE, BV_OF_TRADES};
  assert_int_equal(bv_timestep_parse(text, strlen(text), &s, NULL), BV_OK);
  return s;
}

typedef struct plan {
  const char *step, *zone;
  int32_t lo, hi; /* session, in minutes of the day */
} plan;

static bv_resample begin(const plan *p) {
  bv_resample r;
  bv_resample_init(&r, step_of(p->step), zone(p->zone), p->lo * 60, p->hi * 60);
  return r;
}

/* All bars in pieces of random size up to `most`. */
static bv_chunk run(const plan *p, int64_t most) {
  bv_chunk out;
  bv_resample r = begin(p);
  bv_chunk_init(&out, BV_MEM_DERIVED, BV_RESAMPLE_OUT);
  for (int64_t i = 0; i < BARS;) {
    int64_t n = most == 1 ? 1 : pick(most + 1);
    if (n > BARS - i) n = BARS - i;
    bv_bars b = bars_from(i, n);
    assert_int_equal(bv_resample_feed(&r, &b, &out), BV_OK);
    i += n;
  }
  assert_int_equal(bv_resample_flush(&r, &out), BV_OK);
  int64_t n = out.n;
  assert_int_equal(bv_resample_flush(&r, &out), BV_OK); /* there is no open bucket any more */
  assert_int_equal(out.n, n);
  return out;
}

static const plan plans[] = {
    {"minute", "UTC", 0, 0},
    {"7 minutes", "UTC", 0, 0},
    {"15 minutes", "Asia/Kathmandu", 0, 0},
    {"hour", "America/New_York", 0, 0},
    {"6 hours", "UTC", 0, 0},
    {"day", "UTC", 0, 0},
    {"day", "America/New_York", 0, 0},
    {"3 days", "Australia/Lord_Howe", 0, 0},
    {"week", "Europe/London", 0, 0},
    {"month", "America/New_York", 0, 0},
    {"30 minutes", "America/New_York", 570, 960},
    {"day", "America/New_York", 570, 960},
    {"hour", "America/New_York", 1080, 1020},
    {"day", "Asia/Kolkata", 1320, 120},
    {"day", "UTC", 0, 1440},
};

static void pieces_give_the_same_bits(void **state) {
  (void)state;
  for (size_t k = 0; k < COUNT(plans); k++) {
    make_bars(at("2024-02-20"), 1 + (int)k * 3);
    bv_chunk whole = run(&plans[k], BARS);
    static const int64_t most[] = {1, 2, 7, 300, BARS};
    assert_true(whole.n > 1);
    assert_true(bv_chunk_ordered(&whole));
    for (size_t m = 0; m < COUNT(most); m++) {
      bv_chunk cut = run(&plans[k], most[m]);
      assert_int_equal(cut.n, whole.n);
      assert_memory_equal(cut.ts, whole.ts, (size_t)whole.n * 8);
      for (int c = 0; c < BV_NCOL; c++) {
        if (!whole.col[c]) continue;
        assert_memory_equal(cut.col[c], whole.col[c], (size_t)whole.n * 8);
      }
      bv_chunk_reset(&cut);
    }
    bv_chunk_reset(&whole);
  }
}

/* ---- against a naive reference ---- */

static bool in_session(const plan *p, int64_t t) {
  if (p->lo == p->hi) return true;
  int64_t m = bv_floor_mod(bv_zone_to_local(zone(p->zone), t), DAY_S) / 60;
  return p->lo < p->hi ? m >= p->lo && m < p->hi : m >= p->lo || m < p->hi;
}

/* One bucket over bars [a, b), of those in session. */
static void check_bucket(const plan *p, const bv_chunk *out, int64_t at, int a, int b) {
  double open = NAN, high = -INFINITY, low = INFINITY, close = NAN;
  double volume = 0, trades = 0, value = 0, volumes = 0, trade_counts = 0, count = 0;
  for (int i = a; i < b; i++) {
    if (!in_session(p, ts[i])) continue;
    if (count++ == 0) open = col[BV_COL_OPEN][i];
    high = fmax(high, col[BV_COL_HIGH][i]);
    low = fmin(low, col[BV_COL_LOW][i]);
    close = col[BV_COL_CLOSE][i];
    double v = col[BV_COL_VOLUME][i], n = col[BV_COL_TRADES][i];
    if (!isnan(v)) volume += v, volumes++;
    if (!isnan(n)) trades += n, trade_counts++;
    if (v > 0) value += col[BV_COL_VWAP][i] * v;
  }
  assert_true(same(out->col[BV_COL_OPEN][at], open));
  assert_true(same(out->col[BV_COL_HIGH][at], high));
  assert_true(same(out->col[BV_COL_LOW][at], low));
  assert_true(same(out->col[BV_COL_CLOSE][at], close));
  assert_true(same(out->col[BV_COL_VOLUME][at], volumes > 0 ? volume : NAN));
  assert_true(same(out->col[BV_COL_TRADES][at], trade_counts > 0 ? trades : NAN));
  assert_true(same(out->col[BV_COL_VWAP][at], volume > 0 ? value / volume : NAN));
  assert_true(same(out->col[BV_COL_COUNT][at], count));
  assert_true(same(out->col[BV_COL_FILLED][at], 0));
}

static void agrees_with_the_naive_reference(void **state) {
  (void)state;
  for (size_t k = 0; k < COUNT(plans); k++) {
    const plan *p = &plans[k];
    bv_timestep s = step_of(p->step);
    make_bars(at("2024-10-01 03:17"), 2 + (int)k);
    bv_chunk out = run(p, 1000);
    int64_t n = 0;
    for (int i = 0; i < BARS;) {
      int64_t end, start = bv_bucket_start(s, zone(p->zone), ts[i], &end);
      int j = i;
      bool any = false;
      for (; j < BARS && ts[j] < end; j++) any = any || in_session(p, ts[j]);
      if (any) {
        assert_true(n < out.n);
        assert_int_equal(out.ts[n], start);
        check_bucket(p, &out, n++, i, j);
      }
      i = j;
    }
    assert_int_equal(out.n, n);
    bv_chunk_reset(&out);
  }
}

/* A bucket is known at its end, or when its last bar ends, where that reaches further. */
static void known_when_the_last_bar_is(void **state) {
  (void)state;
  static const struct {
    const char *bar_step, *bars[3], *known;
  } row[] = {
      {"minute", {"00:00:00", "00:30:00", "00:59:00"}, "2024-05-01 01:00:00"},
      {"minute", {"00:00:00", "00:30:00", "00:59:01"}, "2024-05-01 01:00:01"},
      {"minute", {"00:00:00", "00:00:10", "00:00:20"}, "2024-05-01 01:00:00"},
      {"hour", {"00:00:00", "00:10:00", "00:59:59"}, "2024-05-01 01:59:59"},
      {"day", {"00:00:00", "00:10:00", "00:20:00"}, "2024-05-02 00:20:00"},
      {NULL, {"00:00:00", "00:10:00", "00:59:59"}, "2024-05-01 01:00:00"},
  };
  for (size_t k = 0; k < COUNT(row); k++) {
    const plan p = {"hour", "UTC", 0, 0};
    bv_resample r = begin(&p);
    if (row[k].bar_step) bv_resample_base(&r, step_of(row[k].bar_step), zone("UTC"));
    bv_chunk out;
    bv_chunk_init(&out, BV_MEM_DERIVED, BV_RESAMPLE_OUT);
    int64_t t[3];
    static const double px[3] = {1, 1, 1};
    bv_bars b = {.n = 3, .ts = t};
    for (int c = BV_COL_OPEN; c <= BV_COL_CLOSE; c++) b.col[c] = px;
    for (int i = 0; i < 3; i++) {
      char text[40];
      snprintf(text, sizeof text, "2024-05-01 %s", row[k].bars[i]);
      t[i] = at(text);
    }
    assert_int_equal(bv_resample_feed(&r, &b, &out), BV_OK);
    assert_int_equal(bv_resample_flush(&r, &out), BV_OK);
    assert_int_equal(out.n, 1);
    assert_int_equal((int64_t)out.col[BV_COL_KNOWN][0], at(row[k].known));
    bv_chunk_reset(&out);
  }
}

/* Even buckets need no calendar: floor division from Monday 2000-01-03 says the same. */
static void even_buckets_by_division(void **state) {
  (void)state;
  static const struct {
    const char *step;
    int64_t dur;
  } row[] = {{"minute", 60}, {"7 minutes", 420}, {"hour", 3600}, {"5 hours", 18000}};
  const int64_t origin = 946857600;
  for (size_t k = 0; k < COUNT(row); k++) {
    plan p = {row[k].step, "America/New_York", 0, 0};
    make_bars(at("1999-12-20 11:11"), 5); /* before and after the origin */
    bv_chunk out = run(&p, 100);
    int64_t n = 0, last = INT64_MIN;
    for (int i = 0; i < BARS; i++) {
      int64_t start = origin + bv_floor_div(ts[i] - origin, row[k].dur) * row[k].dur;
      if (start == last) continue;
      assert_true(n < out.n);
      assert_int_equal(out.ts[n++], start);
      last = start;
    }
    assert_int_equal(out.n, n);
    bv_chunk_reset(&out);
  }
}

/* ---- one bar per minute, so that counts can be said beforehand ---- */

static bv_chunk run_minutes(const plan *p, const char *from, const char *to) {
  static double one[BV_NCOL];
  bv_chunk out;
  bv_resample r = begin(p);
  bv_chunk_init(&out, BV_MEM_DERIVED, BV_RESAMPLE_OUT);
  for (int c = 0; c < BV_NCOL; c++) one[c] = 1;
  for (int64_t t = at(from); t < at(to); t += 60) {
    bv_bars b = {.n = 1, .ts = &t};
    for (int c = 0; c < BV_COL_BID; c++) b.col[c] = one + c;
    assert_int_equal(bv_resample_feed(&r, &b, &out), BV_OK);
  }
  assert_int_equal(bv_resample_flush(&r, &out), BV_OK);
  return out;
}

typedef struct bucket {
  const char *start;
  int count;
} bucket;

static void check_minutes(const plan *p, const char *from, const char *to, const bucket *want,
                          int n) {
  bv_chunk out = run_minutes(p, from, to);
  assert_int_equal(out.n, n);
  for (int i = 0; i < n; i++) {
    assert_int_equal(out.ts[i], at(want[i].start));
    assert_true(out.col[BV_COL_COUNT][i] == want[i].count);
    assert_true(out.col[BV_COL_VOLUME][i] == want[i].count);
  }
  bv_chunk_reset(&out);
}

/* New York: clocks go forward on 2024-03-10 and back on 2024-11-03. */
static void days_of_23_and_25_hours(void **state) {
  (void)state;
  const plan day = {"day", "America/New_York", 0, 0};
  const bucket spring[] = {
      {"2024-03-09 05:00", 1440}, {"2024-03-10 05:00", 23 * 60}, {"2024-03-11 04:00", 1440}};
  check_minutes(&day, "2024-03-09 05:00", "2024-03-12 04:00", spring, 3);
  const bucket fall[] = {
      {"2024-11-02 04:00", 1440}, {"2024-11-03 04:00", 25 * 60}, {"2024-11-04 05:00", 1440}};
  check_minutes(&day, "2024-11-02 04:00", "2024-11-05 05:00", fall, 3);
  const plan week = {"week", "America/New_York", 0, 0};
  const bucket weeks[] = {{"2024-03-04 05:00", 7 * 1440 - 60}, {"2024-03-11 04:00", 7 * 1440}};
  check_minutes(&week, "2024-03-04 05:00", "2024-03-18 04:00", weeks, 2);
  const plan month = {"month", "America/New_York", 0, 0};
  const bucket months[] = {{"2024-11-01 04:00", 30 * 1440 + 60}};
  check_minutes(&month, "2024-11-01 04:00", "2024-12-01 05:00", months, 1);
}

static void sessions_follow_local_time(void **state) {
  (void)state;
  const plan regular = {"day", "America/New_York", 570, 960}; /* 9:30 to 16:00 */
  const bucket days[] = {{"2024-03-08 05:00", 390},
                         {"2024-03-09 05:00", 390},
                         {"2024-03-10 05:00", 390},
                         {"2024-03-11 04:00", 390}};
  check_minutes(&regular, "2024-03-08 05:00", "2024-03-12 04:00", days, 4);
  const plan hours = {"hour", "America/New_York", 570, 960};
  const bucket before[] = {{"2024-03-08 14:00", 30}, {"2024-03-08 15:00", 60},
                           {"2024-03-08 16:00", 60}, {"2024-03-08 17:00", 60},
                           {"2024-03-08 18:00", 60}, {"2024-03-08 19:00", 60},
                           {"2024-03-08 20:00", 60}};
  check_minutes(&hours, "2024-03-08 05:00", "2024-03-09 05:00", before, 7);
  const bucket after[] = {{"2024-03-11 13:00", 30}, {"2024-03-11 14:00", 60},
                          {"2024-03-11 15:00", 60}, {"2024-03-11 16:00", 60},
                          {"2024-03-11 17:00", 60}, {"2024-03-11 18:00", 60},
                          {"2024-03-11 19:00", 60}};
  check_minutes(&hours, "2024-03-11 04:00", "2024-03-12 04:00", after, 7);
}

/* 22:00 to 02:00 in Tokyo (UTC+9): the bars after midnight fall on the next local day. */
static void session_over_midnight(void **state) {
  (void)state;
  const plan night = {"day", "Asia/Tokyo", 1320, 120};
  const bucket days[] = {{"2024-05-01 15:00", 120 + 120}, {"2024-05-02 15:00", 120 + 120}};
  check_minutes(&night, "2024-05-01 15:00", "2024-05-03 15:00", days, 2);
  const plan hours = {"hour", "Asia/Tokyo", 1320, 120};
  const bucket want[] = {{"2024-05-01 13:00", 60},
                         {"2024-05-01 14:00", 60},
                         {"2024-05-01 15:00", 60},
                         {"2024-05-01 16:00", 60}};
  check_minutes(&hours, "2024-05-01 03:00", "2024-05-02 03:00", want, 4);
}

/* ---- what is missing ---- */

typedef struct sums {
  double volume[3], trades[3], vwap[3];
  double want_volume, want_trades, want_vwap;
} sums;

static void missing_values(void **state) {
  (void)state;
  const double n = NAN;
  static const int64_t t[3] = {0, 60, 120};
  static const double px[3] = {10, 12, 11};
  const sums row[] = {
      {{1, 2, 3}, {4, 5, 6}, {10, 11, 12}, 6, 15, (10 + 22 + 36) / 6.0},
      {{n, n, n}, {n, n, n}, {10, 11, 12}, n, n, n},
      {{1, n, 3}, {n, 5, n}, {10, 11, 12}, 4, 5, (10 + 36) / 4.0},
      {{1, 2, 3}, {0, 0, 0}, {10, n, 12}, 6, 0, n},               /* a bar with volume lacks it */
      {{1, 0, 3}, {0, 0, n}, {10, n, 12}, 4, 0, (10 + 36) / 4.0}, /* it had no volume */
      {{1, n, 3}, {0, 0, n}, {10, n, 12}, 4, 0, (10 + 36) / 4.0},
      {{0, 0, 0}, {0, 0, 0}, {10, 11, 12}, 0, 0, n},
      {{0, n, 0}, {n, n, 7}, {n, n, n}, 0, 7, n},
  };
  for (size_t k = 0; k < COUNT(row); k++) {
    bv_chunk out;
    plan p = {"hour", "UTC", 0, 0};
    bv_resample r = begin(&p);
    bv_chunk_init(&out, BV_MEM_DERIVED, BV_RESAMPLE_OUT);
    bv_bars b = {.n = 3, .ts = t};
    for (int c = BV_COL_OPEN; c <= BV_COL_CLOSE; c++) b.col[c] = px;
    b.col[BV_COL_VOLUME] = row[k].volume;
    b.col[BV_COL_TRADES] = row[k].trades;
    b.col[BV_COL_VWAP] = row[k].vwap;
    assert_int_equal(bv_resample_feed(&r, &b, &out), BV_OK);
    assert_int_equal(out.n, 0); /* the hour may go on */
    assert_int_equal(bv_resample_flush(&r, &out), BV_OK);
    assert_int_equal(out.n, 1);
    assert_true(same(out.col[BV_COL_VOLUME][0], row[k].want_volume));
    assert_true(same(out.col[BV_COL_TRADES][0], row[k].want_trades));
    assert_true(same(out.col[BV_COL_VWAP][0], row[k].want_vwap));
    bv_chunk_reset(&out);
  }
}

static void absent_columns(void **state) {
  (void)state;
  plan p = {"hour", "UTC", 0, 0};
  bv_resample r = begin(&p);
  bv_chunk out;
  make_bars(0, 1000);
  bv_chunk_init(&out, BV_MEM_DERIVED, BV_RESAMPLE_OUT);
  bv_bars b = bars_from(0, 500);
  b.col[BV_COL_VOLUME] = b.col[BV_COL_TRADES] = b.col[BV_COL_VWAP] = NULL;
  assert_int_equal(bv_resample_feed(&r, &b, &out), BV_OK);
  assert_true(out.n > 1);
  for (int64_t i = 0; i < out.n; i++) {
    assert_true(isnan(out.col[BV_COL_VOLUME][i]));
    assert_true(isnan(out.col[BV_COL_TRADES][i]));
    assert_true(isnan(out.col[BV_COL_VWAP][i]));
    assert_true(!isnan(out.col[BV_COL_CLOSE][i]));
  }
  bv_chunk_reset(&out);
}

static void nothing_comes_of_nothing(void **state) {
  (void)state;
  plan p = {"day", "America/New_York", 570, 960};
  bv_resample r = begin(&p);
  bv_chunk out;
  bv_bars none = {0};
  bv_chunk_init(&out, BV_MEM_DERIVED, BV_RESAMPLE_OUT);
  assert_int_equal(bv_resample_feed(&r, &none, &out), BV_OK);
  assert_int_equal(bv_resample_flush(&r, &out), BV_OK);
  assert_int_equal(out.n, 0);
  bv_chunk night = run_minutes(&p, "2024-05-01 00:00", "2024-05-01 13:30");
  assert_int_equal(night.n, 0); /* all before the session opens */
  bv_chunk_reset(&night);
}

static void memory_failure_is_told(void **state) {
  (void)state;
  int64_t before = bv_mem_total();
  plan p = {"hour", "UTC", 0, 0};
  bv_resample r = begin(&p);
  bv_chunk out;
  make_bars(0, 1000);
  bv_bars b = bars_from(0, BARS);
  bv_chunk_init(&out, BV_MEM_DERIVED, BV_RESAMPLE_OUT);
  bv_alloc_fail_after(3, 0);
  assert_int_equal(bv_resample_feed(&r, &b, &out), BV_NOMEM);
  bv_alloc_fail_after(-1, 0);
  bv_chunk_reset(&out);
  assert_int_equal(bv_mem_total(), before);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(pieces_give_the_same_bits),
      cmocka_unit_test(agrees_with_the_naive_reference),
      cmocka_unit_test(known_when_the_last_bar_is),
      cmocka_unit_test(even_buckets_by_division),
      cmocka_unit_test(days_of_23_and_25_hours),
      cmocka_unit_test(sessions_follow_local_time),
      cmocka_unit_test(session_over_midnight),
      cmocka_unit_test(missing_values),
      cmocka_unit_test(absent_columns),
      cmocka_unit_test(nothing_comes_of_nothing),
      cmocka_unit_test(memory_failure_is_told),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
