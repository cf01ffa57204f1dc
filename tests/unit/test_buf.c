/* test_buf.c - the growing buffer and its ceiling. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"

#include <stdio.h>
#include <string.h>

static void grows_as_text_is_added(void **state) {
  (void)state;
  bv_buf b;
  char want[20000] = "";
  size_t n = 0;
  bv_buf_init(&b, BV_MEM_BASE, sizeof want);
  assert_string_equal(bv_buf_text(&b), "");
  for (int i = 0; i < 3000; i++) {
    char piece[16];
    int k = snprintf(piece, sizeof piece, "%d,", i);
    assert_int_equal(i % 2 ? bv_buf_adds(&b, piece) : bv_buf_addf(&b, "%d,", i), BV_OK);
    memcpy(want + n, piece, (size_t)k + 1);
    n += (size_t)k;
    assert_int_equal(b.n, n);
    assert_int_equal(b.p[b.n], 0);
  }
  assert_string_equal(bv_buf_text(&b), want);
  bv_buf_reset(&b);
}

static void holds_any_bytes(void **state) {
  (void)state;
  bv_buf b;
  bv_buf_init(&b, BV_MEM_BASE, 1000);
  assert_int_equal(bv_buf_add(&b, "a\0b", 3), BV_OK);
  assert_int_equal(bv_buf_add(&b, NULL, 0), BV_OK);
  assert_int_equal(bv_buf_add(&b, "\xff", 1), BV_OK);
  assert_int_equal(b.n, 4);
  assert_memory_equal(b.p, "a\0b\xff", 5);
  bv_buf_reset(&b);
}

static void ceiling_is_exact(void **state) {
  (void)state;
  for (size_t max = 0; max < 200; max += 7) {
    bv_buf b;
    char fill[256];
    memset(fill, 'f', sizeof fill);
    bv_buf_init(&b, BV_MEM_BASE, max);
    assert_int_equal(bv_buf_add(&b, fill, max + 1), BV_LIMIT);
    assert_int_equal(b.n, 0);
    assert_int_equal(bv_buf_add(&b, fill, max), BV_OK);
    assert_int_equal(bv_buf_add(&b, fill, 1), BV_LIMIT);
    assert_int_equal(bv_buf_addf(&b, "%c", 'f'), BV_LIMIT);
    assert_int_equal(bv_buf_reserve(&b, SIZE_MAX), BV_LIMIT);
    assert_int_equal(bv_buf_reserve(&b, 0), BV_OK);
    assert_int_equal(b.n, max);
    assert_true(b.cap <= max + 1);
    assert_memory_equal(bv_buf_text(&b), fill, max);
    assert_int_equal(strlen(bv_buf_text(&b)), max);
    bv_buf_reset(&b);
  }
}

static void no_ceiling_is_not_a_trap(void **state) {
  (void)state;
  bv_buf b;
  bv_buf_init(&b, BV_MEM_BASE, SIZE_MAX);
  assert_int_equal(bv_buf_adds(&b, "abc"), BV_OK);
  assert_int_equal(bv_buf_reserve(&b, SIZE_MAX - 3), BV_LIMIT);
  assert_int_not_equal(bv_buf_reserve(&b, SIZE_MAX / 4 - 8), BV_OK);
  assert_string_equal(bv_buf_text(&b), "abc");
  bv_buf_reset(&b);
}

static void reserve_leaves_a_text(void **state) {
  (void)state;
  bv_buf b;
  bv_buf_init(&b, BV_MEM_BASE, 1000);
  assert_int_equal(bv_buf_reserve(&b, 10), BV_OK);
  assert_string_equal(bv_buf_text(&b), "");
  assert_int_equal(bv_buf_adds(&b, "xyz"), BV_OK);
  assert_int_equal(bv_buf_reserve(&b, 500), BV_OK);
  assert_string_equal(bv_buf_text(&b), "xyz");
  char *p = b.p;
  memset(b.p + b.n, 'q', 500); /* what was reserved is ours to write */
  b.n += 500;
  b.p[b.n] = 0;
  bv_buf_clear(&b);
  assert_string_equal(bv_buf_text(&b), "");
  assert_ptr_equal(b.p, p);
  bv_buf_reset(&b);
  assert_string_equal(bv_buf_text(&b), "");
  assert_int_equal(bv_buf_adds(&b, "again"), BV_OK);
  assert_string_equal(bv_buf_text(&b), "again");
  bv_buf_reset(&b);
  bv_buf_clear(&b);
}

static void json_escapes(void **state) {
  (void)state;
  bv_buf b;
  bv_buf_init(&b, BV_MEM_BASE, 1000);
  assert_int_equal(bv_buf_add_json(&b, "a\"b\\c\n\x01\x1f\x7f/\xc3\xa9"), BV_OK);
  assert_string_equal(bv_buf_text(&b), "\"a\\\"b\\\\c\\u000a\\u0001\\u001f\x7f/\xc3\xa9\"");
  bv_buf_clear(&b);
  assert_int_equal(bv_buf_add_json(&b, ""), BV_OK);
  assert_string_equal(bv_buf_text(&b), "\"\"");
  bv_buf_reset(&b);
}

static void failed_growth_changes_nothing(void **state) {
  (void)state;
  bv_buf b;
  int64_t before = bv_mem_total();
  bv_buf_init(&b, BV_MEM_BASE, 100000);
  bv_alloc_fail_after(0, 1);
  assert_int_equal(bv_buf_adds(&b, "x"), BV_NOMEM);
  assert_int_equal(bv_buf_addf(&b, "%d", 1), BV_NOMEM);
  assert_string_equal(bv_buf_text(&b), "");
  bv_alloc_fail_after(-1, 0);
  assert_int_equal(bv_buf_adds(&b, "kept"), BV_OK);
  bv_alloc_fail_after(0, 1);
  assert_int_equal(bv_buf_reserve(&b, 50000), BV_NOMEM);
  assert_int_equal(bv_buf_adds(&b, "!"), BV_OK); /* there is room for one more */
  bv_alloc_fail_after(-1, 0);
  assert_string_equal(bv_buf_text(&b), "kept!");
  bv_buf_reset(&b);
  assert_int_equal(bv_mem_total(), before);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(grows_as_text_is_added),
      cmocka_unit_test(holds_any_bytes),
      cmocka_unit_test(ceiling_is_exact),
      cmocka_unit_test(no_ceiling_is_not_a_trap),
      cmocka_unit_test(reserve_leaves_a_text),
      cmocka_unit_test(json_escapes),
      cmocka_unit_test(failed_growth_changes_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
