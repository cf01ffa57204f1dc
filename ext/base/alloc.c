/* alloc.c - accounted memory; see alloc.h. */
#include "base/alloc.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

typedef struct prefix {
  uint64_t size;
  uint32_t cat;
  uint32_t magic;
} prefix;

_Static_assert(sizeof(prefix) == 16, "the prefix keeps user bytes 16-byte aligned");

#define LIVE 0x62767631u /* a freed or foreign pointer lacks this mark */
#define DEAD 0x64656164u

static _Atomic int64_t used[BV_MEM_COUNT];
static _Atomic int64_t all, peak;
static _Atomic int64_t limit = INT64_C(1) << 30;
static _Atomic int64_t fail_left = -1; /* < 0: the hook is off */
static _Atomic int fail_keep;
static _Atomic int64_t fail_count;

static int must_fail(void) {
  if (atomic_load_explicit(&fail_left, memory_order_relaxed) < 0) return 0;
  int64_t left = atomic_fetch_sub(&fail_left, 1);
  if (left > 0) return 0;
  if (atomic_load(&fail_keep)) {
    atomic_store(&fail_left, 0);
  } else {
    atomic_store(&fail_left, -1);
    if (left < 0) return 0;
  }
  atomic_fetch_add(&fail_count, 1);
  return 1;
}

static void account(bv_mem cat, int64_t delta) {
  atomic_fetch_add_explicit(&used[cat], delta, memory_order_relaxed);
  int64_t now = atomic_fetch_add_explicit(&all, delta, memory_order_relaxed) + delta;
  int64_t most = atomic_load_explicit(&peak, memory_order_relaxed);
  while (now > most && !atomic_compare_exchange_weak_explicit(
                           &peak, &most, now, memory_order_relaxed, memory_order_relaxed)) {
  }
}

void *bv_alloc(bv_mem cat, size_t n) {
  assert(cat < BV_MEM_COUNT);
  if (n > SIZE_MAX / 2 || must_fail()) return NULL;
  prefix *h = malloc(sizeof *h + n);
  if (!h) return NULL;
  *h = (prefix){n, cat, LIVE};
  account(cat, (int64_t)(n + sizeof *h));
  return h + 1;
}

void *bv_alloc0(bv_mem cat, size_t n) {
  void *p = bv_alloc(cat, n);
  if (p) memset(p, 0, n);
  return p;
}

void *bv_realloc(bv_mem cat, void *p, size_t n) {
  if (!p) return bv_alloc(cat, n);
  if (n > SIZE_MAX / 2 || must_fail()) return NULL;
  prefix *h = (prefix *)p - 1;
  assert(h->magic == LIVE && h->cat == cat);
  int64_t old = (int64_t)h->size;
  h = realloc(h, sizeof *h + n);
  if (!h) return NULL;
  h->size = n;
  account(cat, (int64_t)n - old);
  return h + 1;
}

bv_rc bv_room(bv_mem cat, void *array, int64_t n, size_t item) {
  void *p;
  memcpy(&p, array, sizeof p);
  const size_t full = (size_t)n * item;
  if (p && full + item <= ((prefix *)p - 1)->size) return BV_OK;
  p = bv_realloc(cat, p, n ? 2 * full : 8 * item);
  if (!p) return BV_NOMEM;
  memcpy(array, &p, sizeof p);
  return BV_OK;
}

char *bv_strndup(bv_mem cat, const char *s, size_t n) {
  char *p = bv_alloc(cat, n + 1);
  if (!p) return NULL;
  memcpy(p, s, n);
  p[n] = 0;
  return p;
}

char *bv_strdup(bv_mem cat, const char *s) {
  return s ? bv_strndup(cat, s, strlen(s)) : NULL;
}

void bv_free(void *p) {
  if (!p) return;
  prefix *h = (prefix *)p - 1;
  assert(h->magic == LIVE);
  h->magic = DEAD;
  account((bv_mem)h->cat, -(int64_t)(h->size + sizeof *h));
  free(h);
}

int64_t bv_mem_used(bv_mem cat) {
  return atomic_load_explicit(&used[cat], memory_order_relaxed);
}

int64_t bv_mem_total(void) {
  return atomic_load_explicit(&all, memory_order_relaxed);
}

int64_t bv_mem_peak(void) {
  return atomic_load_explicit(&peak, memory_order_relaxed);
}

void bv_mem_peak_reset(void) {
  atomic_store_explicit(&peak, bv_mem_total(), memory_order_relaxed);
}

int64_t bv_mem_limit(void) {
  return atomic_load_explicit(&limit, memory_order_relaxed);
}

void bv_mem_set_limit(int64_t bytes) {
  atomic_store_explicit(&limit, bytes, memory_order_relaxed);
}

const char *bv_mem_name(bv_mem cat) {
  static const char *const name[BV_MEM_COUNT] = {
      [BV_MEM_BASE] = "base",       [BV_MEM_TIME] = "time",     [BV_MEM_WINDOW] = "window",
      [BV_MEM_DERIVED] = "derived", [BV_MEM_CURSOR] = "cursor", [BV_MEM_DECODE] = "decode",
      [BV_MEM_IMPORT] = "import",   [BV_MEM_SIM] = "sim",       [BV_MEM_RUN] = "run",
  };
  return cat < BV_MEM_COUNT ? name[cat] : "?";
}

void bv_alloc_fail_after(int64_t n, int keep) {
  atomic_store(&fail_keep, keep);
  atomic_store(&fail_count, 0);
  atomic_store(&fail_left, n);
}

int64_t bv_alloc_failures(void) {
  return atomic_load(&fail_count);
}
