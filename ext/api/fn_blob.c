/*
** fn_blob.c - columns of bars as one value, for hosts that compute on arrays:
**
**   bars_blob(asset, timestep, columns [, n [, at]])
**   bars_agg_blob(asset, timestep, columns [, n [, at [, tz [, session [, fill [, partial [, base]]]]]]])
**
** The newest n bars known at the clock (or at an instant before it), oldest first; without n all of
** them.  columns is a list such as 'close' or 'ts,open,high,low,close,volume'.  The value is one array
** per column, one after the other, of doubles with the lowest byte first: length / 8 / columns bars.
** What is NULL in a row is a NaN here.
*/
#include "api/args.h"
#include "api/functions.h"
#include "base/text.h"
#include "data/settings.h"
#include "data/view.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define MAX_COLUMNS 16

/* What a function carries. */
typedef struct fn {
  bv_store *store;
  bool agg;
  const char *name;
} fn;

typedef struct request {
  int ncolumn;
  int column[MAX_COLUMNS]; /* bv_column, BV_COL_TS */
  unsigned mask;           /* of those that are columns of a source */
  int64_t n;               /* 0: all */
  int64_t at;
  bv_source src;
} request;

static void fn_free(void *p) {
  fn *f = p;
  bv_store_unref(f->store);
  bv_free(f);
}

/* ---- arguments ---- */

static bool is_null(int argc, sqlite3_value **argv, int i) {
  return i >= argc || bv_arg_null(argv[i]);
}

static bv_rc add_column(const fn *f, request *q, const char *name, size_t n, bv_err *err) {
  char one[32] = "";
  if (n < sizeof one) memcpy(one, name, n);
  bv_column c = bv_column_find(one);
  bool made = c == BV_COL_COUNT || c == BV_COL_FILLED;
  if (c == BV_COL_NONE || (made && !f->agg)) {
    return bv_fail(
        err, BV_ARG,
        "%s(): '%.*s' is no column; there are ts, known_at, open, high, low, close, volume, "
        "vwap, trades%s",
        f->name, n < 40 ? (int)n : 40, name,
        f->agg ? ", count, filled" : ", bid, ask, open_interest");
  }
  if (q->ncolumn == MAX_COLUMNS) {
    return bv_fail(err, BV_ARG, "%s(): more than %d columns", f->name, MAX_COLUMNS);
  }
  q->column[q->ncolumn++] = c;
  if (c != BV_COL_TS) q->mask |= BV_COLBIT(c);
  return BV_OK;
}

static bv_rc parse_columns(const fn *f, request *q, const char *list, bv_err *err) {
  for (const char *p = list;;) {
    p += strspn(p, " ");
    size_t n = strcspn(p, ","), used = n;
    while (used > 0 && p[used - 1] == ' ') used--;
    BV_TRY(add_column(f, q, p, used, err));
    p += n;
    if (!*p) return BV_OK;
    p++;
  }
}

static bv_rc parse_count(const fn *f, request *q, sqlite3_value *v, bv_err *err) {
  double n;
  BV_TRY(bv_arg_number(v, f->name, "n", &n, err));
  if (n != floor(n) || n < 1 || n > 1e9) {
    return bv_fail(err, BV_ARG,
                   "%s(): n %g is not a whole number of bars from 1 to 1000000000; "
                   "leave it out or write NULL for all",
                   f->name, n);
  }
  q->n = (int64_t)n;
  return BV_OK;
}

static bv_rc parse_aggregate(const fn *f, request *q, const char *asset, const char *step, int argc,
                             sqlite3_value **argv, bv_err *err) {
  const char *text[5] = {NULL}; /* tz, session, fill, partial (not a text), base */
  for (int i = 0; i < 5; i++) {
    if (i != 3 && argc > 5 + i) BV_TRY(bv_arg_optional(argv[5 + i], &text[i]));
  }
  BV_TRY(
      bv_source_aggregate(f->store, asset, step, text[0], text[1], text[2], text[4], &q->src, err));
  bool partial;
  BV_TRY(bv_arg_flag(argc > 8 ? argv[8] : NULL, f->name, "partial", &partial, err));
  if (partial) q->src.cut = f->store->clock;
  return BV_OK;
}

static bv_rc parse(const fn *f, request *q, int argc, sqlite3_value **argv, bv_err *err) {
  const char *asset = bv_arg_text(argv[0]), *step = bv_arg_text(argv[1]),
             *columns = bv_arg_text(argv[2]);
  if (!asset || !step || !columns) return BV_NOMEM;
  *q = (request){.at = BV_NO_CLOCK};
  BV_TRY(parse_columns(f, q, columns, err));
  if (!is_null(argc, argv, 3)) BV_TRY(parse_count(f, q, argv[3], err));
  if (!is_null(argc, argv, 4)) {
    BV_TRY(bv_arg_instant(argv[4], f->store->zone, f->name, "at", &q->at, err));
  }
  if (f->agg) return parse_aggregate(f, q, asset, step, argc, argv, err);
  const bv_series *series;
  BV_TRY(bv_series_find(f->store, asset, step, &series, err));
  if (!series) return bv_series_missing(f->store, f->name, asset, step, err);
  q->src = bv_source_stored(series);
  return BV_OK;
}

/* ---- the value ---- */

static void put_column(const request *q, const bv_bars *b, int column, double *out) {
  const double *v = column < BV_NCOL ? b->col[column] : NULL;
  for (int64_t i = 0; !v && i < b->n; i++) {
    if (column == BV_COL_TS) {
      out[i] = (double)b->ts[i];
    } else if (column == BV_COL_KNOWN) {
      out[i] = (double)bv_source_known_at(&q->src, b->ts[i]);
    } else {
      out[i] = column == BV_COL_FILLED ? 0 : NAN;
    }
  }
  if (v && b->n > 0) memcpy(out, v, (size_t)b->n * sizeof *out);
}

static void lowest_byte_first(double *v, int64_t n) {
  const uint16_t one = 1;
  if (*(const uint8_t *)&one == 1) return;
  for (int64_t i = 0; i < n; i++) {
    uint8_t *p = (uint8_t *)&v[i];
    for (int k = 0; k < 4; k++) {
      uint8_t t = p[k];
      p[k] = p[7 - k];
      p[7 - k] = t;
    }
  }
}

/* Give the bars as the function's result. */
static bv_rc result(sqlite3_context *ctx, const fn *f, const request *q, const bv_bars *b,
                    bv_err *err) {
  int most = sqlite3_limit(f->store->db, SQLITE_LIMIT_LENGTH, -1);
  int64_t bytes = b->n * 8 * q->ncolumn;
  if (bytes > most) {
    return bv_fail(err, BV_LIMIT,
                   "%s(): %lld bars of %d columns are more than a value may hold (%d bytes)",
                   f->name, (long long)b->n, q->ncolumn, most);
  }
  double *out = sqlite3_malloc64(bytes > 0 ? (sqlite3_uint64)bytes : 1);
  if (!out) return BV_NOMEM;
  for (int k = 0; k < q->ncolumn; k++) put_column(q, b, q->column[k], out + k * b->n);
  lowest_byte_first(out, b->n * q->ncolumn);
  sqlite3_result_blob(ctx, out, (int)bytes, sqlite3_free);
  return BV_OK;
}

static bv_rc from_window(sqlite3_context *ctx, const fn *f, const request *q, int64_t hi,
                         bv_err *err) {
  bv_window *w;
  bv_bars b;
  int64_t from, to;
  BV_TRY(bv_view_newest(f->store, &q->src, hi, q->n, q->mask, &w, &from, &to, err));
  bv_rc rc = bv_ring_view(&w->ring, from, to, &b);
  if (rc == BV_OK) rc = result(ctx, f, q, &b, err);
  bv_window_unref(w);
  return rc;
}

/* All bars. */
static bv_rc from_store(sqlite3_context *ctx, const fn *f, const request *q, int64_t hi,
                        bv_err *err) {
  bv_chunk all;
  unsigned mask = bv_source_mask(&q->src, q->mask);
  if (f->store->clock == BV_NO_CLOCK && q->src.fill == BV_FILL_NONE) {
    mask &= q->mask; /* nothing is hidden: what was asked for will do */
  }
  bv_chunk_init(&all, BV_MEM_CURSOR, mask);
  bv_rc rc = bv_view_read(f->store, &q->src, INT64_MIN, hi, &all, err);
  bv_bars b = bv_chunk_view(&all);
  if (rc == BV_OK) rc = result(ctx, f, q, &b, err);
  bv_chunk_reset(&all);
  return rc;
}

/* More bars than a window holds are gathered backwards from a scan, and turned round. */
static bv_rc from_scan(sqlite3_context *ctx, const fn *f, const request *q, int64_t hi,
                       bv_err *err) {
  bv_stream st;
  bv_chunk all;
  bv_chunk_init(&all, BV_MEM_CURSOR, bv_source_mask(&q->src, q->mask));
  bv_rc rc =
      bv_stream_open(&st, f->store, &q->src, INT64_MIN, hi, true, BV_STREAM_PIECE, q->mask, err);
  while (rc == BV_OK && !st.eof && all.n < q->n) {
    bv_bars one = bv_bars_range(&st.view, st.i - st.base, st.i - st.base + 1);
    rc = bv_chunk_append(&all, &one);
    if (rc == BV_OK) rc = bv_stream_next(&st, err);
  }
  bv_stream_close(&st);
  bv_chunk_reverse(&all);
  bv_bars b = bv_chunk_view(&all);
  if (rc == BV_OK) rc = result(ctx, f, q, &b, err);
  bv_chunk_reset(&all);
  return rc;
}

static bv_rc value(sqlite3_context *ctx, const fn *f, int argc, sqlite3_value **argv, bv_err *err) {
  request q;
  int64_t history, future;
  BV_TRY(parse(f, &q, argc, argv, err));
  int64_t hi = bv_source_limit(&q.src, q.at);
  bv_setting_reach(f->store, &q.src, &history, &future);
  if (q.n == 0) return from_store(ctx, f, &q, hi, err);
  bool window = q.n <= history && q.src.cut == BV_NO_CLOCK;
  return window ? from_window(ctx, f, &q, hi, err) : from_scan(ctx, f, &q, hi, err);
}

static void run(sqlite3_context *ctx, int argc, sqlite3_value **argv) {
  const fn *f = sqlite3_user_data(ctx);
  bv_err err;
  bv_err_clear(&err);
  bv_rc rc;
  if (argc < 3 || argc > (f->agg ? 10 : 5)) {
    rc = bv_fail(&err, BV_ARG,
                 "%s(): write %s('SPY', '%s', 'close', 100) or 'ts,open,high,low,close,volume'",
                 f->name, f->name, f->agg ? "5 minutes" : "minute");
  } else if (is_null(argc, argv, 0) || is_null(argc, argv, 1) || is_null(argc, argv, 2)) {
    return; /* NULL, as SQLite's own functions */
  } else {
    rc = bv_store_hold(f->store, &err);
    if (rc == BV_OK) {
      rc = value(ctx, f, argc, argv, &err);
      bv_store_let_go(f->store);
    }
  }
  if (rc != BV_OK) bv_result_error(ctx, f->name, rc, &err);
}

int bv_fn_blob_register(sqlite3 *db, bv_store *s) {
  static const char *const name[] = {"bars_blob", "bars_agg_blob"};
  for (int i = 0; i < 2; i++) {
    fn *f = bv_alloc(BV_MEM_BASE, sizeof *f);
    if (!f) return SQLITE_NOMEM;
    *f = (fn){bv_store_ref(s), i == 1, name[i]};
    int code = sqlite3_create_function_v2(db, name[i], -1, SQLITE_UTF8 | SQLITE_INNOCUOUS, f, run,
                                          NULL, NULL, fn_free);
    if (code != SQLITE_OK) return code;
  }
  return SQLITE_OK;
}
