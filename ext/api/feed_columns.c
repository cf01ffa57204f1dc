/* feed_columns.c - the columns of a feed before those of its sources; see feed_columns.h. */
#include "api/feed_columns.h"
#include "base/map.h"

#include <string.h>

const char *const bv_feed_names[BV_FEED_OWN] = {
    "ts", "asset", "open", "high", "low", "close", "volume", "known_at", "vwap", "trades", "bars"};
const signed char bv_feed_bar_column[BV_FEED_OWN] = {
    [BV_FEED_TS] = BV_COL_NONE,       [BV_FEED_ASSET] = BV_COL_NONE,
    [BV_FEED_OPEN] = BV_COL_OPEN,     [BV_FEED_HIGH] = BV_COL_HIGH,
    [BV_FEED_LOW] = BV_COL_LOW,       [BV_FEED_CLOSE] = BV_COL_CLOSE,
    [BV_FEED_VOLUME] = BV_COL_VOLUME, [BV_FEED_KNOWN_AT] = BV_COL_NONE,
    [BV_FEED_VWAP] = BV_COL_VWAP,     [BV_FEED_TRADES] = BV_COL_TRADES,
    [BV_FEED_HANDLE] = BV_COL_NONE};

static bool is_own(const char *name) {
  for (int i = 0; i < BV_FEED_OWN; i++) {
    if (sqlite3_stricmp(name, bv_feed_names[i]) == 0) return true;
  }
  return false;
}

bv_rc bv_feed_check_names(const bv_join_def *d, bv_err *err) {
  bv_map seen;
  bv_map_init(&seen);
  bv_rc rc = BV_OK;
  for (int k = 0; k < d->nsource && rc == BV_OK; k++) {
    const bv_feature *f = &d->source[k];
    for (int c = 0; c < f->ncolumn && rc == BV_OK; c++) {
      char *name = sqlite3_mprintf("%s", f->column[c]);
      if (!name) rc = BV_NOMEM;
      for (char *p = name; p && *p; p++) *p = (char)(*p >= 'A' && *p <= 'Z' ? *p + 32 : *p);
      bool taken = name && (is_own(name) || bv_map_find(&seen, name, strlen(name)));
      if (taken) {
        rc = bv_fail(err, BV_ARG,
                     "%s: there is a column '%.60s' already; rename it in a view, or leave it out "
                     "with columns='...'",
                     f->label, f->column[c]);
      }
      if (rc == BV_OK) rc = bv_map_put(&seen, name, strlen(name), &seen);
      sqlite3_free(name);
    }
  }
  bv_map_reset(&seen);
  return rc;
}
