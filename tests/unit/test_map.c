/* test_map.c - the hash map against a plain array of what was put in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/map.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEYS = 4000 };

/* The reference: keys in insertion order; a key that is put again after its removal is new. */
typedef struct model {
  int key[40 * KEYS], value[KEYS]; /* value 0: not there */
  int at[KEYS];                    /* place of the key in `key` */
  int n, live;
} model;

static int slot[8 * KEYS]; /* values point here */

static void *value_of(int v) {
  return &slot[v];
}

static size_t make_key(int k, char out[24]) {
  return (size_t)snprintf(out, 24, "asset-%d", k);
}

static void check(const bv_map *m, const model *ref) {
  size_t at = 0;
  assert_int_equal(m->live, ref->live);
  for (int i = 0; i < ref->n; i++) {
    int k = ref->key[i];
    char key[24];
    if (!ref->value[k] || ref->at[k] != i) continue;
    const bv_map_entry *e = bv_map_next(m, &at);
    size_t n = make_key(k, key);
    assert_non_null(e);
    assert_int_equal(e->nkey, n);
    assert_string_equal(e->key, key);
    assert_ptr_equal(e->value, value_of(ref->value[k]));
  }
  assert_null(bv_map_next(m, &at));
  for (int k = 0; k < KEYS; k++) {
    char key[24];
    size_t n = make_key(k, key);
    assert_ptr_equal(bv_map_find(m, key, n), ref->value[k] ? value_of(ref->value[k]) : NULL);
  }
}

static void put(bv_map *m, model *ref, int k, int v) {
  char key[24];
  size_t n = make_key(k, key);
  assert_int_equal(bv_map_put(m, key, n, value_of(v)), BV_OK);
  if (!ref->value[k]) {
    ref->at[k] = ref->n;
    ref->key[ref->n++] = k;
    ref->live++;
  }
  ref->value[k] = v;
}

static void take(bv_map *m, model *ref, int k) {
  char key[24];
  size_t n = make_key(k, key);
  void *had = ref->value[k] ? value_of(ref->value[k]) : NULL;
  assert_ptr_equal(bv_map_remove(m, key, n), had);
  if (had) ref->live--;
  ref->value[k] = 0;
}

static void agrees_with_an_array(void **state) {
  (void)state;
  bv_map m;
  model *ref = calloc(1, sizeof *ref);
  uint64_t s = 88172645463325252u;
  assert_non_null(ref);
  bv_map_init(&m);
  check(&m, ref);
  for (int k = 0; k < KEYS; k++) put(&m, ref, k, k + 1);
  check(&m, ref);
  for (int round = 0; round < 8; round++) {
    for (int i = 0; i < KEYS; i++) {
      s ^= s << 13;
      s ^= s >> 7;
      s ^= s << 17;
      int k = (int)(s % KEYS);
      if (s >> 40 & 1) {
        put(&m, ref, k, 1 + (int)((s >> 20) % (8 * KEYS - 1)));
      } else {
        take(&m, ref, k);
      }
    }
    check(&m, ref);
  }
  for (int k = 0; k < KEYS; k++) take(&m, ref, k);
  check(&m, ref);
  put(&m, ref, 5, 1);
  check(&m, ref);
  bv_map_reset(&m);
  free(ref);
}

static void keys_are_bytes(void **state) {
  (void)state;
  static const struct {
    const char *p;
    size_t n;
  } key[] = {{"", 0},  {"\0", 1}, {"\0\0", 2}, {"a", 1},        {"a\0", 2},     {"a\0b", 3},
             {"A", 1}, {" a", 2}, {"a ", 2},   {"\xff\xfe", 2}, {"a\x1fmin", 5}};
  bv_map m;
  bv_map_init(&m);
  size_t n = sizeof key / sizeof *key;
  for (size_t i = 0; i < n; i++) {
    char copy[8];
    memcpy(copy, key[i].p, key[i].n);
    assert_int_equal(bv_map_put(&m, copy, key[i].n, value_of((int)i)), BV_OK);
    memset(copy, '!', sizeof copy); /* the map has its own copy */
  }
  assert_int_equal(m.live, n);
  size_t at = 0;
  for (size_t i = 0; i < n; i++) {
    const bv_map_entry *e = bv_map_next(&m, &at);
    assert_non_null(e);
    assert_int_equal(e->nkey, key[i].n);
    assert_memory_equal(e->key, key[i].p, key[i].n);
    assert_int_equal(e->key[e->nkey], 0);
    assert_ptr_equal(bv_map_find(&m, key[i].p, key[i].n), value_of((int)i));
  }
  assert_null(bv_map_find(&m, "b", 1));
  bv_map_reset(&m);
}

static void removal_during_a_walk(void **state) {
  (void)state;
  bv_map m;
  char key[24];
  bv_map_init(&m);
  for (int k = 0; k < 100; k++) {
    assert_int_equal(bv_map_put(&m, key, make_key(k, key), value_of(k)), BV_OK);
  }
  size_t at = 0;
  int seen = 0;
  for (const bv_map_entry *e; (e = bv_map_next(&m, &at)); seen++) {
    memcpy(key, e->key, e->nkey + 1);
    if (seen % 2 == 0) assert_ptr_equal(bv_map_remove(&m, key, e->nkey), value_of(seen));
  }
  assert_int_equal(seen, 100);
  assert_int_equal(m.live, 50);
  at = 0;
  for (int k = 1; k < 100; k += 2) assert_ptr_equal(bv_map_next(&m, &at)->value, value_of(k));
  bv_map_reset(&m);
}

static void churn_does_not_grow(void **state) {
  (void)state;
  bv_map m;
  char key[24];
  bv_map_init(&m);
  for (int k = 0; k < 10; k++) {
    assert_int_equal(bv_map_put(&m, key, make_key(k, key), value_of(k)), BV_OK);
  }
  int64_t most = 0;
  for (int i = 0; i < 100000; i++) {
    size_t n = make_key(10 + i, key);
    assert_int_equal(bv_map_put(&m, key, n, value_of(1)), BV_OK);
    assert_ptr_equal(bv_map_remove(&m, key, n), value_of(1));
    if (bv_mem_used(BV_MEM_BASE) > most) most = bv_mem_used(BV_MEM_BASE);
  }
  assert_true(m.nslot <= 128);
  assert_true(m.nentry <= 128);
  assert_true(most < 20000);
  bv_map_reset(&m);
}

static void failed_put_changes_nothing(void **state) {
  (void)state;
  int64_t before = bv_mem_total();
  for (int fail = 0; fail < 600; fail++) {
    bv_map m;
    char key[24];
    int k = 0;
    bv_rc rc = BV_OK;
    bv_map_init(&m);
    bv_alloc_fail_after(fail, 0);
    for (; k < 200 && rc == BV_OK; k++) rc = bv_map_put(&m, key, make_key(k, key), value_of(k));
    bool failed = bv_alloc_failures() > 0;
    bv_alloc_fail_after(-1, 0);
    assert_int_equal(rc, failed ? BV_NOMEM : BV_OK);
    if (failed) {
      k--;
      assert_int_equal(m.live, k);
      assert_null(bv_map_find(&m, key, make_key(k, key)));
      assert_int_equal(bv_map_put(&m, key, make_key(k, key), value_of(k)), BV_OK); /* goes on */
    }
    size_t at = 0;
    for (int i = 0; i < k; i++) assert_ptr_equal(bv_map_next(&m, &at)->value, value_of(i));
    bv_map_reset(&m);
    if (!failed) {
      assert_true(fail > 200); /* a key each, and the growth of both tables */
      assert_int_equal(bv_mem_total(), before);
      return;
    }
  }
  fail_msg("200 keys took more than 600 allocations");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(agrees_with_an_array),       cmocka_unit_test(keys_are_bytes),
      cmocka_unit_test(removal_during_a_walk),      cmocka_unit_test(churn_does_not_grow),
      cmocka_unit_test(failed_put_changes_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
