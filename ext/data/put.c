/* put.c - writing stored bars; see put.h. */
#include "data/put.h"
#include "data/compact.h"
#include "data/hot.h"
#include "data/partition.h"
#include "data/seg.h"
#include "time/instant.h"

#include <math.h>

bool bv_bar_same(const double *a, const double *b) {
  for (int c = 0; c <= BV_COL_OI; c++) {
    if (a[c] != b[c] && !(isnan(a[c]) && isnan(b[c]))) return false;
  }
  return true;
}

bv_rc bv_put_conflict(const bv_series *series, int64_t ts, bv_err *err) {
  char when[32];
  bv_instant_format(ts, when);
  return bv_fail(err, BV_CONFLICT,
                 "bars: %s %s at %s is already stored with other values; use INSERT"
                 " OR REPLACE to correct it or INSERT OR IGNORE to keep it",
                 series->asset, series->step_text, when);
}

/* The sealed bar of that time, in the file itself. */
static bv_rc sealed_get(bv_store *s, const bv_series *series, int64_t ts, double value[BV_NCOL],
                        bool *found, bv_err *err) {
  bv_bars b;
  *found = false;
  BV_TRY(bv_seg_load(s, series, bv_seg_chunk_of(series, ts), BV_STORED_MASK, &b, err));
  int64_t lo = bv_bars_lower_bound(&b, ts);
  if (lo == b.n || b.ts[lo] != ts) return BV_OK;
  for (int c = 0; c < BV_NCOL; c++) value[c] = b.col[c] ? b.col[c][lo] : NAN;
  *found = true;
  return BV_OK;
}

/* The bar of that time in a partition. */
static bv_rc parted_get(bv_store *s, const bv_series *series, int64_t ts, double value[BV_NCOL],
                        const bv_part **part, bool *found, bv_err *err) {
  const bv_parts *parts;
  bv_series inner;
  *found = false;
  BV_TRY(bv_parts_of(s, series, &parts, err));
  *part = bv_parts_at(parts, ts);
  if (!*part) return BV_OK;
  BV_TRY(bv_part_open(s, series, *part, &inner, err));
  bv_rc rc = bv_hot_get(inner.home, inner.id, ts, value, found, err);
  if (rc == BV_OK && !*found) rc = sealed_get(inner.home, &inner, ts, value, found, err);
  return bv_part_done(s, *part, rc, err);
}

/* The bar of that time below the rows. */
static bv_rc below_get(bv_store *s, const bv_series *series, int64_t ts, double value[BV_NCOL],
                       bool *found, bv_err *err) {
  const bv_part *part;
  BV_TRY(sealed_get(s, series, ts, value, found, err));
  return *found ? BV_OK : parted_get(s, series, ts, value, &part, found, err);
}

bv_rc bv_raw_get(bv_store *s, const bv_series *series, int64_t ts, double value[BV_NCOL],
                 bool *found, bv_err *err) {
  BV_TRY(bv_hot_get(s, series->id, ts, value, found, err));
  return *found ? BV_OK : below_get(s, series, ts, value, found, err);
}

/* Decoded chunks must be those that are written to: another connection may have committed since. */
static bv_rc prepare_write(bv_store *s, const bv_series *series, bv_err *err) {
  if (series->home) {
    return bv_fail(err, BV_ARG,
                   "bars: '%s' is stored in an attached database; only bars of the main database "
                   "can be written",
                   series->asset);
  }
  return bv_store_sync(s, err);
}

/* Most bars are new: not sealed, in no partition, and not in the rows, whose insert does nothing for a known time. */
bv_rc bv_raw_put(bv_store *s, const bv_series *series, int64_t ts, const double value[BV_NCOL],
                 bv_on_conflict how, bv_put_result *what, bv_err *err) {
  bv_put_result none;
  bool wrote = false, found;
  double have[BV_NCOL];
  if (!what) what = &none;
  BV_TRY(prepare_write(s, series, err));
  BV_TRY(below_get(s, series, ts, have, &found, err));
  if (!found) {
    BV_TRY(bv_hot_put(s, series->id, ts, value, false, &wrote, err));
    *what = wrote ? BV_PUT_NEW : BV_PUT_SAME;
    if (wrote) {
      bv_store_wrote(s, series, ts);
      return bv_compact_note(s, series, ts, err);
    }
  }
  *what = BV_PUT_SAME;
  if (how == BV_CONFLICT_IGNORE) return BV_OK;
  bool hot;
  double newer[BV_NCOL];
  BV_TRY(bv_hot_get(s, series->id, ts, newer, &hot, err));
  if (hot ? bv_bar_same(newer, value) : found && bv_bar_same(have, value)) return BV_OK;
  if (how == BV_CONFLICT_ERROR) return bv_put_conflict(series, ts, err);
  *what = BV_PUT_CHANGED;
  BV_TRY(bv_hot_put(s, series->id, ts, value, true, &wrote, err));
  bv_store_wrote(s, series, ts);
  return bv_compact_note(s, series, ts, err);
}

/* What a partition has cannot be taken away from it. */
static bv_rc check_deletable(bv_store *s, const bv_series *series, int64_t ts, bv_err *err) {
  double have[BV_NCOL];
  const bv_part *part;
  bool found;
  char when[32];
  BV_TRY(parted_get(s, series, ts, have, &part, &found, err));
  if (!found) return BV_OK;
  bv_instant_format(ts, when);
  return bv_fail(err, BV_ARG,
                 "bars: %s %s at %s is in the partition '%.200s', which is not written to; SELECT "
                 "bars_unpartition('%.200s') brings its bars back",
                 series->asset, series->step_text, when, part->in->file, part->in->file);
}

/* A sealed chunk that loses a bar becomes rows again; compaction seals it anew. */
bv_rc bv_raw_delete(bv_store *s, const bv_series *series, int64_t ts, bv_err *err) {
  double have[BV_NCOL];
  bool sealed;
  BV_TRY(prepare_write(s, series, err));
  BV_TRY(check_deletable(s, series, ts, err));
  BV_TRY(sealed_get(s, series, ts, have, &sealed, err));
  bv_store_wrote(s, series, ts);
  if (sealed) BV_TRY(bv_compact_unseal(s, series, bv_seg_chunk_of(series, ts), err));
  return bv_hot_delete(s, series->id, ts, ts + 1, err);
}
