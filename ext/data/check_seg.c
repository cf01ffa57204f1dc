/*
** check_seg.c - verifying segments and the statistics of their chunks; see check.h.
**
** The rows of barsvt_seg are walked in order of their ids; those of one chunk follow each other and are
** checked together.
*/
#include "data/check.h"
#include "data/barhash.h"
#include "col/segment.h"
#include "data/seg.h"
#include "data/segstat.h"
#include "data/sql.h"
#include "time/instant.h"

#include <math.h>
#include <string.h>

static const char table[] = "barsvt_seg";

typedef struct seg_check {
  bv_check *c;
  bv_segctx *ctx;
  sqlite3_stmt *get; /* one row */
  bv_series series;  /* of the chunk at hand; id 0: it does not exist */
  int64_t series_id, chunk;
  unsigned present; /* columns it has, bit 15 for the times */
  bv_chunk bars;    /* as decoded */
  bool broken;      /* a column could not be decoded */
  bool stats;       /* there is a table of statistics */
} seg_check;

static int64_t row_id(const seg_check *k, int col) {
  return bv_seg_id(k->series_id, k->chunk, col);
}

/* Report a problem of one column. */
static bv_rc report(seg_check *k, int col, const char *what) {
  int64_t lo, hi;
  char when[32];
  bv_seg_range(&k->series, k->chunk, &lo, &hi);
  bv_instant_format(lo, when);
  return bv_check_report(k->c, table, row_id(k, col), "%s of %s %s, chunk from %s: %s",
                         bv_column_name(col), k->series.asset, k->series.step_text, when, what);
}

static bool is(const seg_check *k, int at, int type) {
  return sqlite3_column_type(k->get, at) == type;
}

/* A REAL that may be NULL against what it should be, NaN for NULL. */
static bool same_real(const seg_check *k, int at, double want) {
  if (isnan(want)) return is(k, at, SQLITE_NULL);
  return (is(k, at, SQLITE_FLOAT) || is(k, at, SQLITE_INTEGER)) &&
         sqlite3_column_double(k->get, at) == want;
}

static bool same_int(const seg_check *k, int at, int64_t want) {
  return is(k, at, SQLITE_INTEGER) && sqlite3_column_int64(k->get, at) == want;
}

/* The columns of a row beside its data.  The times are decoded by now. */
static const char *row_problem(const seg_check *k, int col, const bv_seg_stat *stat) {
  double sum;
  bool times = col == BV_COL_TS;
  const bv_chunk *b = &k->bars;
  if (stat->n != b->n) return "it has not as many bars as the times";
  if (!same_int(k, 0, stat->n)) return "n is not that of the data";
  if (!same_int(k, 1, b->ts[0])) return "first is not that of the times";
  if (!same_int(k, 2, b->ts[b->n - 1])) return "last is not that of the times";
  if (!same_int(k, 3, BV_SEG_VERSION)) return "codec is not one that is known";
  if (!same_real(k, 5, times ? NAN : stat->min)) return "min is not that of the data";
  if (!same_real(k, 6, times ? NAN : stat->max)) return "max is not that of the data";
  if (!bv_seg_sum(stat, &sum)) sum = NAN;
  if (!same_real(k, 7, times ? NAN : sum)) return "sum is not that of the data";
  return NULL;
}

static bv_rc decode(seg_check *k, int col, const void *blob, size_t bytes, bv_err *why) {
  bv_chunk *b = &k->bars;
  bv_seg_stat stat;
  size_t n = 0;
  BV_TRY(bv_segment_stat(blob, bytes, &stat, why));
  if (stat.n <= 0) return bv_fail(why, BV_CORRUPT, "it has no bars");
  if (col == BV_COL_TS) {
    BV_TRY(bv_chunk_reserve(b, stat.n));
    BV_TRY(bv_segment_decode_ts(k->ctx, blob, bytes, b->ts, (size_t)stat.n, &n, why));
    b->n = (int64_t)n;
    return bv_segment_check(k->ctx, BV_COL_TS, blob, bytes, NULL, why);
  }
  if (stat.n != b->n) return bv_fail(why, BV_CORRUPT, "it has not as many bars as the times");
  bv_bars deps = bv_chunk_view(b);
  double *values = bv_alloc(BV_MEM_DECODE, (size_t)b->n * 8);
  if (!values) return BV_NOMEM;
  bv_rc rc =
      bv_segment_decode(k->ctx, (bv_column)col, blob, bytes, &deps, values, (size_t)b->n, &n, why);
  if (rc == BV_OK) rc = bv_segment_check(k->ctx, (bv_column)col, blob, bytes, &deps, why);
  if (rc != BV_OK) {
    bv_free(values);
    return rc;
  }
  b->col[col] = values;
  return BV_OK;
}

/* The row that k->get stands on. */
static bv_rc check_row(seg_check *k, int col, bv_err *err) {
  const void *blob = sqlite3_column_blob(k->get, 8);
  size_t bytes = (size_t)sqlite3_column_bytes(k->get, 8);
  bv_err why = {0};
  bv_seg_stat stat;
  if (!is(k, 8, SQLITE_BLOB) || !blob) {
    k->broken = true;
    return report(k, col, "data is not a blob");
  }
  bv_rc rc = decode(k, col, blob, bytes, &why);
  if (rc == BV_NOMEM) return BV_NOMEM;
  if (rc != BV_OK) {
    k->broken = true;
    return report(k, col, bv_err_text(&why, rc));
  }
  if (!same_int(k, 4, bv_seg_blob_crc(blob, bytes))) {
    BV_TRY(report(k, col, "checksum is not that of the data"));
  }
  BV_TRY(bv_segment_stat(blob, bytes, &stat, err));
  const char *wrong = row_problem(k, col, &stat);
  return wrong ? report(k, col, wrong) : BV_OK;
}

static bv_rc check_column(seg_check *k, int col, bv_err *err) {
  int row;
  sqlite3_bind_int64(k->get, 1, row_id(k, col));
  BV_TRY(bv_sql_row(k->c->s->db, k->get, &row, err, "reading barsvt_seg"));
  if (!row) return BV_OK; /* only a damaged tree shows a row in one way and not in the other */
  bv_rc rc = check_row(k, col, err);
  sqlite3_reset(k->get);
  return rc;
}

static bv_rc check_times(seg_check *k) {
  int64_t lo, hi;
  const bv_chunk *b = &k->bars;
  bv_seg_range(&k->series, k->chunk, &lo, &hi);
  if (!bv_chunk_ordered(b)) return report(k, BV_COL_TS, "the times are not in order");
  if (b->ts[0] >= lo && b->ts[b->n - 1] < hi) return BV_OK;
  return report(k, BV_COL_TS, "the times lie outside the chunk");
}

/* The first bar that cannot be one. */
static bv_rc check_bars(seg_check *k) {
  const bv_chunk *b = &k->bars;
  for (int64_t i = 0; i < b->n; i++) {
    double v[BV_NCOL];
    for (int c = 0; c < BV_NCOL; c++) v[c] = b->col[c] ? b->col[c][i] : NAN;
    const char *wrong = bv_check_bar(v);
    if (!wrong) continue;
    char when[32];
    bv_instant_format(b->ts[i], when);
    return bv_check_report(k->c, table, row_id(k, BV_COL_TS), "%s %s at %s: %s", k->series.asset,
                           k->series.step_text, when, wrong);
  }
  return BV_OK;
}

static bv_rc check_stats(seg_check *k, bv_err *err) {
  bv_bars view = bv_chunk_view(&k->bars);
  bv_stats want = bv_stats_of(&view), have = {0};
  want.hash = bv_bars_hash(&view);
  want.hashed = true;
  bool found = false;
  bv_err why = {0};
  bv_rc rc = bv_segstat_read(k->c->s, k->series_id, k->chunk, &have, &found, &why);
  int64_t id = bv_segstat_id(k->series_id, k->chunk);
  if (rc != BV_OK) return bv_check_damage(k->c, "barsvt_stat", id, rc, &why, err);
  if (!found) return bv_check_report(k->c, "barsvt_stat", id, "the chunk's row is missing");
  if (have.hashed && k->c->s->version < BV_VERSION_HASHED) {
    BV_TRY(bv_check_report(k->c, "barsvt_stat", id,
                           "it has a hash, which files of version %d have not", k->c->s->version));
  }
  if (bv_stats_same(&want, &have)) return BV_OK;
  return bv_check_report(k->c, "barsvt_stat", id, "the statistics are not those of the bars");
}

/* All of a chunk, whose columns are known.  Columns that others are coded against come first. */
static bv_rc check_chunk(seg_check *k, bv_err *err) {
  static const int order[] = {BV_COL_TS,   BV_COL_VOLUME, BV_COL_CLOSE, BV_COL_OPEN,
                              BV_COL_HIGH, BV_COL_LOW,    BV_COL_VWAP,  BV_COL_TRADES,
                              BV_COL_BID,  BV_COL_ASK,    BV_COL_OI};
  static const unsigned needed = BV_COLBIT(BV_COL_OPEN) | BV_COLBIT(BV_COL_HIGH) |
                                 BV_COLBIT(BV_COL_LOW) | BV_COLBIT(BV_COL_CLOSE) |
                                 BV_COLBIT(BV_COL_TS);
  unsigned known = BV_STORED_MASK | BV_COLBIT(BV_COL_TS);
  bv_chunk_reset(&k->bars);
  k->broken = false;
  if (k->series.id == 0) return BV_OK; /* reported */
  for (int c = 0; c < 16; c++) {
    if (k->present & ~known & BV_COLBIT(c)) {
      BV_TRY(bv_check_report(k->c, table, row_id(k, c), "there is no column %d", c));
    }
    if (needed & ~k->present & BV_COLBIT(c)) {
      k->broken = true;
      BV_TRY(report(k, c, "the column is missing"));
    }
  }
  if (!(k->present & BV_COLBIT(BV_COL_TS))) return BV_OK;
  for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
    if (!(k->present & BV_COLBIT(order[i]))) continue;
    if (i > 0 && k->bars.n == 0) return BV_OK; /* without times nothing can be told */
    BV_TRY(check_column(k, order[i], err));
  }
  if (k->bars.n == 0) return BV_OK;
  BV_TRY(check_times(k));
  if (k->broken) return BV_OK;
  BV_TRY(check_bars(k));
  return k->stats ? check_stats(k, err) : BV_OK;
}

/* Look the series up where it is another one than that of the chunk before. */
static bv_rc set_series(seg_check *k, int64_t id, bv_err *err) {
  bool found = false;
  bv_err why = {0};
  if (id == k->series_id) return BV_OK;
  k->series_id = id;
  bv_rc rc = bv_series_by_id(k->c->s, id, &k->series, &found, &why);
  if (rc == BV_OK && found) return BV_OK;
  k->series.id = 0;
  if (rc != BV_OK) return bv_check_damage(k->c, table, bv_seg_id(id, 0, 0), rc, &why, err);
  return bv_check_report(k->c, table, bv_seg_id(id, 0, 0), "there is no series %lld",
                         (long long)id);
}

static bv_rc walk_ids(seg_check *k, sqlite3_stmt *ids, bv_err *err) {
  int row;
  for (bool any = false;; any = true) {
    BV_TRY(bv_sql_row(k->c->s->db, ids, &row, err, "reading barsvt_seg"));
    int64_t series = 0, chunk = 0;
    int col = 0;
    if (row) bv_seg_split_id(sqlite3_column_int64(ids, 0), &series, &chunk, &col);
    if (any && (!row || series != k->series_id || chunk != k->chunk)) BV_TRY(check_chunk(k, err));
    if (!row) return BV_OK;
    if (!any || series != k->series_id || chunk != k->chunk) k->present = 0;
    BV_TRY(set_series(k, series, err));
    k->chunk = chunk;
    k->present |= BV_COLBIT(col);
  }
}

static bv_rc walk_segments(seg_check *k, bv_err *err) {
  sqlite3_stmt *ids;
  BV_TRY(bv_segctx_new(&k->ctx));
  BV_TRY(bv_store_prepare(k->c->s,
                          "SELECT n, first, last, codec, checksum, min, max, sum, data"
                          " FROM main.barsvt_seg WHERE id = ?1",
                          &k->get, err));
  BV_TRY(bv_store_prepare(k->c->s, "SELECT id FROM main.barsvt_seg ORDER BY id", &ids, err));
  bv_rc rc = walk_ids(k, ids, err);
  sqlite3_finalize(ids);
  return rc;
}

/* Statistics whose chunk is gone. */
static bv_rc walk_stats(bv_check *c, bv_err *err) {
  sqlite3_stmt *st;
  int row;
  BV_TRY(bv_store_prepare(c->s,
                          "SELECT id FROM main.barsvt_stat t WHERE NOT EXISTS (SELECT 1 FROM"
                          " main.barsvt_seg WHERE id = (((t.id >> 32) << 36) |"
                          " ((t.id & 4294967295) << 4) | 15)) ORDER BY id",
                          &st, err));
  bv_rc rc;
  while ((rc = bv_sql_row(c->s->db, st, &row, err, "reading barsvt_stat")) == BV_OK && row) {
    rc = bv_check_report(c, "barsvt_stat", sqlite3_column_int64(st, 0),
                         "there is no such chunk in barsvt_seg");
    if (rc != BV_OK) break;
  }
  sqlite3_finalize(st);
  return rc;
}

bv_rc bv_check_segments(bv_check *c, bv_err *err) {
  bool segments;
  bv_err why = {0};
  seg_check k = {.c = c, .series_id = INT64_MIN};
  BV_TRY(bv_check_has_table(c, table, &segments, err));
  BV_TRY(bv_check_has_table(c, "barsvt_stat", &k.stats, err));
  if (!segments) return BV_OK;
  if (bv_store_usable(c->s, &segments, &why) != BV_OK) bv_err_clear(&why); /* reported */
  bv_chunk_init(&k.bars, BV_MEM_DECODE, 0);
  bv_rc rc = walk_segments(&k, &why);
  bv_chunk_reset(&k.bars);
  sqlite3_finalize(k.get);
  bv_segctx_free(k.ctx);
  BV_TRY(bv_check_damage(c, table, 0, rc, &why, err));
  if (!k.stats) return BV_OK;
  rc = walk_stats(c, &why);
  return bv_check_damage(c, "barsvt_stat", 0, rc, &why, err);
}
