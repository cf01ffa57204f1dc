/* test_ring.c - the ring of bars against a plain list of every bar ever pushed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "col/ring.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { BARS = 2000 };

#define START_MASK (BV_COLBIT(BV_COL_CLOSE) | BV_COLBIT(BV_COL_VOLUME))

static int64_t all_ts[BARS];
static double all_col[BV_NCOL][BARS];

static uint64_t seed = 1;

static int64_t pick(int64_t n) {
  seed ^= seed << 13;
  seed ^= seed >> 7;
  seed ^= seed << 17;
  return (int64_t)(seed % (uint64_t)n);
}

static int make_bars(void **state) {
  (void)state;
  int64_t t = -5000;
  for (int i = 0; i < BARS; i++) {
    t += 1 + pick(90);
    all_ts[i] = t;
    for (int c = 0; c < BV_NCOL; c++) all_col[c][i] = pick(30) ? (double)pick(1000000) / 100 : NAN;
  }
  return 0;
}

static bool same(double a, double b) {
  return memcmp(&a, &b, 8) == 0;
}

/* A ring, what it should hold, and which number of all bars has ring index `origin`. */
typedef struct model {
  bv_ring r;
  int64_t origin, first, next; /* ring indexes */
} model;

static int64_t bar_of(const model *m, int64_t i) {
  return i - m->origin;
}

static void check_view(const model *m, int64_t lo, int64_t hi) {
  bv_bars v;
  assert_int_equal(bv_ring_view(&m->r, lo, hi, &v), BV_OK);
  assert_int_equal(v.n, hi - lo);
  for (int64_t i = lo; i < hi; i++) {
    assert_int_equal(v.ts[i - lo], all_ts[bar_of(m, i)]);
    for (int c = 0; c < BV_NCOL; c++) {
      if (!(m->r.mask & BV_COLBIT(c))) {
        assert_null(v.col[c]);
      } else {
        assert_true(same(v.col[c][i - lo], all_col[c][bar_of(m, i)]));
      }
    }
  }
}

static void refused_view(const model *m, int64_t lo, int64_t hi) {
  bv_bars v;
  memset(&v, 0x5a, sizeof v);
  bv_bars before = v;
  assert_int_equal(bv_ring_view(&m->r, lo, hi, &v), BV_RANGE);
  assert_memory_equal(&v, &before, sizeof v);
}

static void check(const model *m) {
  const bv_ring *r = &m->r;
  assert_int_equal(r->first, m->first);
  assert_int_equal(r->next, m->next);
  check_view(m, r->first, r->next);
  for (int64_t i = r->first; i < r->next; i++) { /* both copies */
    int64_t s = bv_ring_slot(r, i);
    assert_in_range(s, 0, r->cap - 1);
    assert_int_equal(bv_ring_ts(r, i), all_ts[bar_of(m, i)]);
    assert_int_equal(r->ts[s], r->ts[s + r->cap]);
    for (int c = 0; c < BV_NCOL; c++) {
      if (r->col[c]) assert_true(same(r->col[c][s], r->col[c][s + r->cap]));
    }
  }
  for (int k = 0; k < 4; k++) {
    int64_t lo = r->first + pick(r->next - r->first + 1), hi = lo + pick(r->next - lo + 1);
    check_view(m, lo, hi);
  }
  refused_view(m, r->first - 1, r->next);
  refused_view(m, r->first, r->next + 1);
  if (r->next > r->first) refused_view(m, r->next, r->first);
}

static void check_bounds(const model *m) {
  for (int k = 0; k < 20; k++) {
    int64_t any = all_ts[pick(BARS)] + pick(3) - 1, want = m->first;
    while (want < m->next && all_ts[bar_of(m, want)] < any) want++;
    assert_int_equal(bv_ring_lower_bound(&m->r, any), want);
    int64_t near = m->first - 2 + pick((int)(m->next - m->first) + 5);
    assert_int_equal(bv_ring_lower_bound_near(&m->r, any, near), want);
    assert_int_equal(bv_ring_lower_bound_near(&m->r, INT64_MIN, near), m->first);
    assert_int_equal(bv_ring_lower_bound_near(&m->r, INT64_MAX, near), m->next);
  }
  assert_int_equal(bv_ring_lower_bound(&m->r, INT64_MIN), m->first);
  assert_int_equal(bv_ring_lower_bound(&m->r, INT64_MAX), m->next);
}

static bv_bars slice(const model *m, int64_t n) {
  int64_t at = bar_of(m, m->next);
  bv_bars b = {.n = n, .ts = all_ts + at};
  for (int c = 0; c < BV_NCOL; c++) b.col[c] = all_col[c] + at;
  return b;
}

static void push(model *m, int64_t n) {
  bv_bars b = slice(m, n);
  assert_int_equal(bv_ring_push(&m->r, &b), BV_OK);
  m->next += n;
  if (m->next - m->first > m->r.cap) m->first = m->next - m->r.cap;
}

static void add_column(model *m, int c) {
  if (m->r.mask & BV_COLBIT(c)) return;
  const double *values = m->next > m->first ? all_col[c] + bar_of(m, m->first) : NULL;
  assert_int_equal(bv_ring_add_column(&m->r, (bv_column)c, values), BV_OK);
}

static void follows_a_list(void **state) {
  (void)state;
  static const int64_t cap[] = {1, 2, 3, 7, 64, 501};
  for (size_t k = 0; k < sizeof cap / sizeof *cap; k++) {
    for (int round = 0; round < 6; round++) {
      model m = {.origin = pick(3) ? pick(900) - 450 : 0};
      m.first = m.next = m.origin;
      assert_int_equal(bv_ring_init(&m.r, cap[k], m.origin, START_MASK), BV_OK);
      check(&m);
      while (bar_of(&m, m.next) < BARS) {
        int64_t left = BARS - bar_of(&m, m.next), n = pick(pick(5) ? 4 : 2 * cap[k] + 4);
        push(&m, n < left ? n : left);
        if (pick(9) == 0) {
          int64_t lo = m.first - 2 + pick(m.next - m.first + 5);
          bv_ring_trim(&m.r, lo);
          if (lo > m.next) lo = m.next;
          if (lo > m.first) m.first = lo;
        }
        if (pick(40) == 0) add_column(&m, (int)pick(BV_NCOL));
        if (pick(4) == 0 || cap[k] < 8) check(&m);
        if (pick(8) == 0) check_bounds(&m);
      }
      check(&m);
      bv_ring_reset(&m.r);
    }
  }
}

static void older_bars_are_refused(void **state) {
  (void)state;
  model m = {0};
  assert_int_equal(bv_ring_init(&m.r, 8, 0, START_MASK), BV_OK);
  push(&m, 5);
  int64_t ts[3] = {all_ts[4], all_ts[4] + 1, all_ts[4] + 2};
  bv_bars b = {.n = 3, .ts = ts};
  assert_int_equal(bv_ring_push(&m.r, &b), BV_RANGE); /* the same time again */
  ts[0]--;
  assert_int_equal(bv_ring_push(&m.r, &b), BV_RANGE);
  ts[0] = all_ts[4] + 1;
  assert_int_equal(bv_ring_push(&m.r, &b), BV_RANGE); /* twice the same inside */
  ts[1] = ts[0] - 1;
  assert_int_equal(bv_ring_push(&m.r, &b), BV_RANGE); /* back inside */
  check(&m);
  b.n = 0;
  assert_int_equal(bv_ring_push(&m.r, &b), BV_OK);
  check(&m);
  bv_ring_trim(&m.r, 5); /* nothing held: any time may come next */
  ts[0] = -100000;
  b.n = 1;
  assert_int_equal(bv_ring_push(&m.r, &b), BV_OK);
  assert_int_equal(bv_ring_ts(&m.r, 5), -100000);
  bv_ring_reset(&m.r);
}

static void absent_column_becomes_nan(void **state) {
  (void)state;
  bv_ring r;
  bv_bars v;
  assert_int_equal(bv_ring_init(&r, 5, -3, START_MASK), BV_OK);
  for (int at = 0; at < 12; at += 3) {
    bv_bars b = {.n = 3, .ts = all_ts + at};
    b.col[BV_COL_CLOSE] = all_col[BV_COL_CLOSE] + at;
    assert_int_equal(bv_ring_push(&r, &b), BV_OK);
  }
  assert_int_equal(bv_ring_view(&r, r.first, r.next, &v), BV_OK);
  assert_int_equal(v.n, 5);
  for (int i = 0; i < 5; i++) {
    assert_true(same(v.col[BV_COL_CLOSE][i], all_col[BV_COL_CLOSE][7 + i]));
    assert_true(isnan(v.col[BV_COL_VOLUME][i]));
    assert_true(isnan(r.col[BV_COL_VOLUME][i + 5]));
  }
  bv_ring_reset(&r);
}

static void failed_allocation_leaves_nothing(void **state) {
  (void)state;
  int64_t before = bv_mem_total();
  for (int fail = 0; fail < 3; fail++) {
    bv_ring r;
    bv_alloc_fail_after(fail, 0);
    bv_rc rc = bv_ring_init(&r, 100, 0, START_MASK);
    bv_alloc_fail_after(-1, 0);
    assert_int_equal(rc, BV_NOMEM);
    assert_int_equal(bv_mem_total(), before);
    bv_ring_reset(&r); /* of a ring that was not made is fine */
  }
  model m = {0};
  assert_int_equal(bv_ring_init(&m.r, 100, 0, START_MASK), BV_OK);
  push(&m, 150);
  bv_alloc_fail_after(0, 0);
  assert_int_equal(bv_ring_add_column(&m.r, BV_COL_OPEN, all_col[BV_COL_OPEN] + 50), BV_NOMEM);
  bv_alloc_fail_after(-1, 0);
  assert_int_equal(m.r.mask, START_MASK);
  check(&m);
  add_column(&m, BV_COL_OPEN);
  check(&m);
  bv_ring_reset(&m.r);
  assert_int_equal(bv_mem_total(), before);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(follows_a_list),
      cmocka_unit_test(older_bars_are_refused),
      cmocka_unit_test(absent_column_becomes_nan),
      cmocka_unit_test(failed_allocation_leaves_nothing),
  };
  return cmocka_run_group_tests(tests, make_bars, NULL);
}
