/* evict.c - giving memory back when the process is over its budget; see evict.h. */
#include "data/evict.h"
#include "base/alloc.h"
#include "data/blocks.h"
#include "data/checkpoint.h"
#include "data/derived.h"
#include "data/held.h"
#include "data/seg.h"

static bool over(int64_t allowance) {
  return bv_mem_total() - allowance > bv_mem_limit();
}

/* Of blocks, windows of aggregates and indicator columns the one not used for longest; false: none. */
static bool drop_made(bv_store *s) {
  int64_t block, window, column;
  bool blocks = bv_blocks_oldest(s, &block);
  bool windows = bv_window_oldest(s, true, &window);
  bool columns = bv_derived_oldest(s, &column);
  if (blocks && (!windows || block <= window) && (!columns || block <= column)) {
    bv_blocks_drop_oldest(s);
  } else if (columns && (!windows || column <= window)) {
    bv_derived_drop_oldest(s);
  } else if (windows) {
    bv_window_drop_oldest(s, true);
  } else {
    return false;
  }
  s->counter[BV_N_EVICT]++;
  return true;
}

static void evict(bv_store *s, int64_t allowance) {
  if (over(allowance) && bv_held_drop(s)) s->counter[BV_N_EVICT]++;
  while (over(allowance) && drop_made(s)) continue;
  while (over(allowance) && bv_checkpoint_drop_oldest(s)) continue;
  int64_t used;
  while (over(allowance) && bv_window_oldest(s, false, &used)) {
    bv_window_drop_oldest(s, false);
    s->counter[BV_N_EVICT]++;
  }
}

void bv_evict(bv_store *s) {
  while (over(0) && bv_seg_cache_drop_oldest(s, false)) continue;
  if (over(0)) evict(s, 0);
}

void bv_evict_in_scan(bv_store *s) {
  while (over(0) && bv_seg_cache_drop_oldest(s, true)) continue;
  if (over(0)) evict(s, bv_seg_cache_bytes(s));
}
