/* test_chunk.c - growing batches: adding, turning round, sorting with duplicates. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "col/chunk.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MASK (BV_COLBIT(BV_COL_OPEN) | BV_COLBIT(BV_COL_VOLUME) | BV_COLBIT(BV_COL_FILLED))

static uint64_t seed = 1;

static int64_t pick(int64_t n) {
  seed ^= seed << 13;
  seed ^= seed >> 7;
  seed ^= seed << 17;
  return (int64_t)(seed % (uint64_t)n);
}

/* A value that tells bar and column; every seventh is NaN with a payload of its own. */
static double value_of(int64_t i, int c) {
  uint64_t bits = 0x7ff8000000000000u | (uint64_t)i;
  double nan;
  memcpy(&nan, &bits, 8);
  return (i + c) % 7 == 0 ? nan : (double)(i * 16 + c);
}

static void add(bv_chunk *c, int64_t ts, int64_t i) {
  double v[BV_NCOL];
  for (int k = 0; k < BV_NCOL; k++) v[k] = value_of(i, k);
  assert_int_equal(bv_chunk_add(c, ts, v), BV_OK);
}

/* Bar `at` of the view is bar number i. */
static void check_bar(const bv_chunk *c, int64_t at, int64_t ts, int64_t i) {
  bv_bars b = bv_chunk_view(c);
  assert_int_equal(b.ts[at], ts);
  for (int k = 0; k < BV_NCOL; k++) {
    if (!(MASK & BV_COLBIT(k))) {
      assert_null(b.col[k]);
      continue;
    }
    double want = value_of(i, k);
    assert_memory_equal(&b.col[k][at], &want, 8);
  }
}

static void keeps_what_is_added(void **state) {
  (void)state;
  bv_chunk c;
  bv_chunk_init(&c, BV_MEM_IMPORT, MASK);
  assert_int_equal(bv_chunk_view(&c).n, 0);
  assert_true(bv_chunk_ordered(&c));
  int64_t before = bv_mem_used(BV_MEM_IMPORT);
  for (int64_t i = 0; i < 1000; i++) add(&c, i * 60, i);
  assert_true(bv_mem_used(BV_MEM_IMPORT) > before);
  assert_int_equal(bv_chunk_view(&c).n, 1000);
  for (int64_t i = 0; i < 1000; i++) check_bar(&c, i, i * 60, i);
  assert_true(bv_chunk_ordered(&c));
  int64_t cap = c.cap;
  bv_chunk_clear(&c);
  assert_int_equal(bv_chunk_view(&c).n, 0);
  assert_int_equal(c.cap, cap);
  add(&c, 5, 77);
  check_bar(&c, 0, 5, 77);
  assert_int_equal(bv_chunk_reserve(&c, 5000), BV_OK);
  assert_true(c.cap >= 5000);
  check_bar(&c, 0, 5, 77);
  bv_chunk_reset(&c);
  assert_int_equal(bv_mem_used(BV_MEM_IMPORT), before);
  add(&c, 6, 78); /* usable again, with its mask */
  check_bar(&c, 0, 6, 78);
  bv_chunk_reset(&c);
}

static void turns_round(void **state) {
  (void)state;
  for (int64_t n = 0; n < 9; n++) {
    bv_chunk c;
    bv_chunk_init(&c, BV_MEM_DECODE, MASK);
    for (int64_t i = 0; i < n; i++) add(&c, i, i);
    bv_chunk_reverse(&c);
    assert_int_equal(c.n, n);
    for (int64_t i = 0; i < n; i++) check_bar(&c, i, n - 1 - i, n - 1 - i);
    assert_int_equal(bv_chunk_ordered(&c), n < 2);
    bv_chunk_reset(&c);
  }
}

static void equal_times_are_not_order(void **state) {
  (void)state;
  bv_chunk c;
  bv_chunk_init(&c, BV_MEM_DECODE, MASK);
  add(&c, 1, 1);
  add(&c, 1, 2);
  assert_false(bv_chunk_ordered(&c));
  bv_chunk_reset(&c);
}

/* Against the naive rule: for each time that occurs, in order, the bar added last. */
static void check_sort(int64_t n, int64_t times) {
  bv_chunk c;
  int64_t ts[600], last[600], kept = 0, dropped = -1;
  assert_true(n <= 600 && times <= 600);
  bv_chunk_init(&c, BV_MEM_DECODE, MASK);
  for (int64_t t = 0; t < times; t++) last[t] = -1;
  for (int64_t i = 0; i < n; i++) {
    ts[i] = pick(times);
    last[ts[i]] = i;
    add(&c, ts[i] * 1000 - 100000, i);
  }
  assert_int_equal(bv_chunk_sort(&c, &dropped), BV_OK);
  for (int64_t t = 0; t < times; t++) {
    if (last[t] < 0) continue;
    assert_true(kept < c.n);
    check_bar(&c, kept, t * 1000 - 100000, last[t]);
    kept++;
  }
  assert_int_equal(c.n, kept);
  assert_int_equal(dropped, n - kept);
  assert_true(bv_chunk_ordered(&c));
  add(&c, INT64_MAX, 9); /* still growable */
  check_bar(&c, kept, INT64_MAX, 9);
  bv_chunk_reset(&c);
}

static void sorts_like_the_naive_rule(void **state) {
  (void)state;
  for (int64_t n = 0; n < 40; n++) check_sort(n, 1 + pick(20));
  for (int round = 0; round < 300; round++) check_sort(pick(600), 1 + pick(600));
}

static void sorts_runs_and_reversals(void **state) {
  (void)state;
  bv_chunk c;
  bv_chunk_init(&c, BV_MEM_DECODE, MASK);
  for (int64_t i = 0; i < 100; i++) add(&c, 100 - i, i);
  for (int64_t i = 0; i < 100; i++) add(&c, 200 + i, i);
  assert_int_equal(bv_chunk_sort(&c, NULL), BV_OK);
  for (int64_t i = 0; i < 100; i++) check_bar(&c, i, i + 1, 99 - i);
  for (int64_t i = 0; i < 100; i++) check_bar(&c, 100 + i, 200 + i, i);
  bv_chunk_reset(&c);
}

static void ordered_bars_need_no_memory(void **state) {
  (void)state;
  bv_chunk c;
  int64_t dropped = 7;
  bv_chunk_init(&c, BV_MEM_DECODE, MASK);
  for (int64_t i = 0; i < 50; i++) add(&c, i, i);
  bv_alloc_fail_after(0, 1);
  bv_rc rc = bv_chunk_sort(&c, &dropped);
  bv_alloc_fail_after(-1, 0);
  assert_int_equal(rc, BV_OK);
  assert_int_equal(dropped, 0);
  bv_chunk_reset(&c);
}

static void failed_allocation_changes_nothing(void **state) {
  (void)state;
  int64_t before = bv_mem_total();
  for (int fail = 0; fail < 12; fail++) {
    bv_chunk c;
    bv_chunk_init(&c, BV_MEM_DECODE, MASK);
    for (int64_t i = 0; i < 64; i++) add(&c, i / 2, i); /* full, not in order */
    bv_alloc_fail_after(fail, 1);
    bv_rc grown = bv_chunk_reserve(&c, 10000), sorted = bv_chunk_sort(&c, NULL);
    bv_alloc_fail_after(-1, 0);
    assert_int_equal(grown, fail < 4 ? BV_NOMEM : BV_OK); /* times and three columns */
    assert_int_equal(sorted, fail < 6 ? BV_NOMEM : BV_OK);
    assert_int_equal(c.n, sorted == BV_OK ? 32 : 64);
    for (int64_t i = 0; i < c.n; i++) {
      if (sorted == BV_OK) check_bar(&c, i, i, 2 * i + 1);
      if (sorted != BV_OK) check_bar(&c, i, i / 2, i);
    }
    for (int64_t i = c.n; i < 200; i++) add(&c, i, i);
    check_bar(&c, 199, 199, 199);
    bv_chunk_reset(&c);
  }
  assert_int_equal(bv_mem_total(), before);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(keeps_what_is_added),
      cmocka_unit_test(turns_round),
      cmocka_unit_test(equal_times_are_not_order),
      cmocka_unit_test(sorts_like_the_naive_rule),
      cmocka_unit_test(sorts_runs_and_reversals),
      cmocka_unit_test(ordered_bars_need_no_memory),
      cmocka_unit_test(failed_allocation_changes_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
