/* times.c - the times of sealed chunks, one copy for all series that have the same; see times.h. */
#include "data/times.h"
#include "base/alloc.h"

#include <string.h>

void bv_times_done(bv_times *t) {
  if (!t || --t->readers > 0) return;
  bv_free(t->ts);
  bv_free(t);
}

void bv_timeset_reset(bv_timeset *set) {
  for (size_t i = 0; i < sizeof set->slot / sizeof *set->slot; i++) bv_times_done(set->slot[i]);
  *set = (bv_timeset){0};
}

static bv_rc decode(bv_segctx *ctx, const void *blob, size_t bytes, int64_t n, bv_times **out,
                    bv_err *err) {
  size_t got = 0;
  bv_times *t = bv_alloc(BV_MEM_DECODE, sizeof *t + bytes);
  if (!t) return BV_NOMEM;
  *t = (bv_times){.readers = 1, .n = n, .bytes = bytes};
  memcpy(t->blob, blob, bytes);
  t->ts = bv_alloc(BV_MEM_DECODE, (size_t)n * sizeof *t->ts);
  bv_rc rc = t->ts ? BV_OK : BV_NOMEM;
  if (rc == BV_OK) rc = bv_segment_decode_ts(ctx, blob, bytes, t->ts, (size_t)n, &got, err);
  if (rc == BV_OK && (int64_t)got != n) rc = bv_fail(err, BV_CORRUPT, "count differs");
  if (rc != BV_OK) {
    bv_times_done(t);
    return rc;
  }
  t->ordered = bv_ts_ordered(t->ts, n);
  *out = t;
  return BV_OK;
}

bv_rc bv_times_get(bv_timeset *set, bv_segctx *ctx, const void *blob, size_t bytes, int64_t n,
                   bv_times **out, bv_err *err) {
  const unsigned slots = sizeof set->slot / sizeof *set->slot;
  for (unsigned i = 0; i < slots; i++) {
    bv_times *t = set->slot[i];
    if (!t || t->n != n || t->bytes != bytes || memcmp(t->blob, blob, bytes) != 0) continue;
    t->readers++;
    *out = t;
    return BV_OK;
  }
  BV_TRY(decode(ctx, blob, bytes, n, out, err));
  bv_times_done(set->slot[set->next]);
  set->slot[set->next] = *out;
  set->next = (set->next + 1) % slots;
  (*out)->readers++;
  return BV_OK;
}
