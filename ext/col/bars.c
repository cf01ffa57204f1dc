/*
** bars.c - searching by time, and the names of the columns.
*/
#include "col/bars.h"
#include "base/text.h"

static const char *const column_name[BV_NCOL] = {
    "open", "high", "low",           "close", "volume", "vwap",    "trades",
    "bid",  "ask",  "open_interest", "count", "filled", "known_at"};

int64_t bv_bars_lower_bound(const bv_bars *b, int64_t ts) {
  int64_t lo = 0, hi = b->n;
  while (lo < hi) {
    int64_t mid = lo + (hi - lo) / 2;
    if (b->ts[mid] < ts) {
      lo = mid + 1;
    } else {
      hi = mid;
    }
  }
  return lo;
}

/* In steps of a fixed size, which compilers make wide instructions of. */
bool bv_ts_ordered(const int64_t *ts, int64_t n) {
  enum { STEP = 64 };
  int64_t i = 1;
  for (; i + STEP <= n; i += STEP) {
    int64_t wrong = 0;
    for (int k = 0; k < STEP; k++) wrong += ts[i + k] <= ts[i + k - 1];
    if (wrong > 0) return false;
  }
  for (; i < n; i++) {
    if (ts[i] <= ts[i - 1]) return false;
  }
  return true;
}

bv_bars bv_bars_range(const bv_bars *b, int64_t i, int64_t j) {
  bv_bars v = {.n = j > i ? j - i : 0, .ts = b->ts ? b->ts + i : NULL};
  for (int c = 0; c < BV_NCOL; c++) v.col[c] = b->col[c] ? b->col[c] + i : NULL;
  return v;
}

const char *bv_column_name(int col) {
  if (col == BV_COL_TS) return "ts";
  return col >= 0 && col < BV_NCOL ? column_name[col] : "?";
}

bv_column bv_column_find(const char *name) {
  if (bv_text_ieq(name, "ts")) return BV_COL_TS;
  for (int c = 0; c < BV_NCOL; c++)
    if (bv_text_ieq(name, column_name[c])) return (bv_column)c;
  return BV_COL_NONE;
}
