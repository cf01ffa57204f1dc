/* test_alloc.c - accounted memory: bytes per category, and the hook that makes allocations fail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/alloc.h"

#include <pthread.h>
#include <string.h>

#define PREFIX 16 /* bytes in front of every block, see alloc.h */

static int hook_off(void **state) {
  (void)state;
  bv_alloc_fail_after(-1, 0);
  return 0;
}

static void counts_real_bytes(void **state) {
  (void)state;
  int64_t total = bv_mem_total(), base = bv_mem_used(BV_MEM_BASE), sim = bv_mem_used(BV_MEM_SIM);
  char *a = bv_alloc(BV_MEM_BASE, 100);
  char *b = bv_alloc(BV_MEM_SIM, 7);
  assert_non_null(a);
  assert_non_null(b);
  assert_int_equal(bv_mem_used(BV_MEM_BASE) - base, 100 + PREFIX);
  assert_int_equal(bv_mem_used(BV_MEM_SIM) - sim, 7 + PREFIX);
  assert_int_equal(bv_mem_total() - total, 107 + 2 * PREFIX);
  memset(a, 'a', 100);
  char *grown = bv_realloc(BV_MEM_BASE, a, 5000);
  assert_non_null(grown);
  for (int i = 0; i < 100; i++) assert_int_equal(grown[i], 'a');
  assert_int_equal(bv_mem_used(BV_MEM_BASE) - base, 5000 + PREFIX);
  char *shrunk = bv_realloc(BV_MEM_BASE, grown, 3);
  assert_non_null(shrunk);
  assert_int_equal(bv_mem_used(BV_MEM_BASE) - base, 3 + PREFIX);
  bv_free(shrunk);
  bv_free(b);
  bv_free(NULL);
  assert_int_equal(bv_mem_total(), total);
}

static void total_is_the_sum_of_categories(void **state) {
  (void)state;
  void *p[BV_MEM_COUNT];
  int64_t before = bv_mem_total(), sum = 0;
  for (int c = 0; c < BV_MEM_COUNT; c++) {
    p[c] = bv_alloc((bv_mem)c, (size_t)(c + 1) * 10);
    assert_non_null(p[c]);
  }
  for (int c = 0; c < BV_MEM_COUNT; c++) sum += bv_mem_used((bv_mem)c);
  assert_int_equal(sum, bv_mem_total());
  for (int c = 0; c < BV_MEM_COUNT; c++) {
    assert_true(bv_mem_used((bv_mem)c) >= (c + 1) * 10 + PREFIX);
    assert_string_not_equal(bv_mem_name((bv_mem)c), "?");
    for (int d = 0; d < c; d++)
      assert_string_not_equal(bv_mem_name((bv_mem)c), bv_mem_name((bv_mem)d));
    bv_free(p[c]);
  }
  assert_string_equal(bv_mem_name(BV_MEM_COUNT), "?");
  assert_int_equal(bv_mem_total(), before);
}

static void gives_what_is_asked(void **state) {
  (void)state;
  void *none = bv_alloc(BV_MEM_BASE, 0);
  assert_non_null(none);
  for (size_t n = 1; n < 200; n++) {
    unsigned char *p = bv_alloc0(BV_MEM_BASE, n);
    assert_non_null(p);
    assert_int_equal((uintptr_t)p % 16, 0);
    for (size_t i = 0; i < n; i++) assert_int_equal(p[i], 0);
    memset(p, 255, n);
    bv_free(p);
  }
  bv_free(none);
  char *s = bv_strndup(BV_MEM_BASE, "abc\0def", 7);
  assert_memory_equal(s, "abc\0def", 8);
  bv_free(s);
  s = bv_strdup(BV_MEM_BASE, "");
  assert_string_equal(s, "");
  bv_free(s);
  assert_null(bv_strdup(BV_MEM_BASE, NULL));
  char *from_null = bv_realloc(BV_MEM_BASE, NULL, 12);
  assert_non_null(from_null);
  bv_free(from_null);
}

static void arrays_grow(void **state) {
  (void)state;
  int64_t *a = NULL, before = bv_mem_total(), sizes = 0, had = 0;
  for (int64_t n = 0; n < 5000; n++) {
    assert_int_equal(bv_room(BV_MEM_RUN, &a, n, sizeof *a), BV_OK);
    sizes += bv_mem_total() != had;
    had = bv_mem_total();
    assert_true(had - before >= (n + 1) * 8);
    a[n] = n * n;
  }
  assert_in_range(sizes, 8, 12); /* doubles, and is not moved at every item */
  for (int64_t n = 0; n < 5000; n++) assert_int_equal(a[n], n * n);
  bv_alloc_fail_after(0, 0);
  assert_int_equal(bv_room(BV_MEM_RUN, &a, 8192, sizeof *a), BV_NOMEM);
  bv_alloc_fail_after(-1, 0);
  assert_int_equal(a[4999], 4999 * 4999);
  bv_free(a);
  assert_int_equal(bv_mem_total(), before);
}

static void impossible_sizes_are_refused(void **state) {
  (void)state;
  int64_t before = bv_mem_total();
  assert_null(bv_alloc(BV_MEM_BASE, SIZE_MAX));
  assert_null(bv_alloc(BV_MEM_BASE, SIZE_MAX - 8));
  assert_null(bv_alloc0(BV_MEM_BASE, SIZE_MAX / 2 + 1));
  char *p = bv_strdup(BV_MEM_BASE, "kept");
  assert_null(bv_realloc(BV_MEM_BASE, p, SIZE_MAX));
  assert_string_equal(p, "kept");
  bv_free(p);
  assert_int_equal(bv_mem_total(), before);
}

/* The outcome of n allocations as text, '1' for one that succeeds. */
static void outcomes(int n, char *out) {
  for (int i = 0; i < n; i++) {
    void *p = bv_alloc(BV_MEM_BASE, 8);
    out[i] = p ? '1' : '0';
    bv_free(p);
  }
  out[n] = 0;
}

static void hook_fails_once(void **state) {
  (void)state;
  char out[16];
  bv_alloc_fail_after(0, 0);
  outcomes(4, out);
  assert_string_equal(out, "0111");
  assert_int_equal(bv_alloc_failures(), 1);
  bv_alloc_fail_after(3, 0);
  assert_int_equal(bv_alloc_failures(), 0);
  outcomes(6, out);
  assert_string_equal(out, "111011");
  assert_int_equal(bv_alloc_failures(), 1);
}

static void hook_keeps_failing(void **state) {
  (void)state;
  char out[16];
  bv_alloc_fail_after(2, 1);
  outcomes(6, out);
  assert_string_equal(out, "110000");
  assert_int_equal(bv_alloc_failures(), 4);
  bv_alloc_fail_after(-1, 1);
  outcomes(3, out);
  assert_string_equal(out, "111");
  assert_int_equal(bv_alloc_failures(), 0);
}

/* Every function that gives memory asks the hook once. */
static void hook_counts_every_kind(void **state) {
  (void)state;
  bv_alloc_fail_after(5, 1);
  void *a = bv_alloc(BV_MEM_BASE, 1);
  void *b = bv_alloc0(BV_MEM_BASE, 1);
  void *c = bv_strdup(BV_MEM_BASE, "c");
  void *d = bv_realloc(BV_MEM_BASE, NULL, 1);
  void *e = bv_realloc(BV_MEM_BASE, d, 2);
  assert_true(a && b && c && d && e);
  assert_null(bv_alloc0(BV_MEM_BASE, 1));
  assert_null(bv_strndup(BV_MEM_BASE, "abc", 2));
  int64_t used = bv_mem_used(BV_MEM_BASE);
  memcpy(e, "xy", 2);
  assert_null(bv_realloc(BV_MEM_BASE, e, 3));
  assert_memory_equal(e, "xy", 2); /* the old block is still ours */
  assert_int_equal(bv_mem_used(BV_MEM_BASE), used);
  assert_int_equal(bv_alloc_failures(), 3);
  bv_alloc_fail_after(-1, 0);
  bv_free(a);
  bv_free(b);
  bv_free(c);
  bv_free(e);
}

static void *churn(void *seed) {
  uint64_t s = (uint64_t)(uintptr_t)seed * 2654435761u + 1;
  void *held[32] = {0};
  for (int i = 0; i < 20000; i++) {
    s = s * 6364136223846793005u + 1442695040888963407u;
    size_t k = (s >> 33) % 32;
    bv_free(held[k]);
    held[k] = bv_alloc((bv_mem)((s >> 40) % BV_MEM_COUNT), (s >> 45) % 500);
  }
  for (int k = 0; k < 32; k++) bv_free(held[k]);
  return NULL;
}

static void counters_hold_over_threads(void **state) {
  (void)state;
  int64_t before[BV_MEM_COUNT];
  pthread_t thread[4];
  for (int c = 0; c < BV_MEM_COUNT; c++) before[c] = bv_mem_used((bv_mem)c);
  for (int i = 0; i < 4; i++) {
    assert_int_equal(pthread_create(&thread[i], NULL, churn, (void *)(uintptr_t)(i + 1)), 0);
  }
  for (int i = 0; i < 4; i++) assert_int_equal(pthread_join(thread[i], NULL), 0);
  for (int c = 0; c < BV_MEM_COUNT; c++) assert_int_equal(bv_mem_used((bv_mem)c), before[c]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(counts_real_bytes),
      cmocka_unit_test(total_is_the_sum_of_categories),
      cmocka_unit_test(gives_what_is_asked),
      cmocka_unit_test(arrays_grow),
      cmocka_unit_test(impossible_sizes_are_refused),
      cmocka_unit_test_teardown(hook_fails_once, hook_off),
      cmocka_unit_test_teardown(hook_keeps_failing, hook_off),
      cmocka_unit_test_teardown(hook_counts_every_kind, hook_off),
      cmocka_unit_test(counters_hold_over_threads),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
