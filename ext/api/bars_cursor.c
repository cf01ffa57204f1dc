/*
** bars_cursor.c - running a plan over bars, bars_agg and bars_asof.
**
** A cursor has one stream per asset, in order of the assets' names.  Without a wanted order the streams are
** walked one after the other; otherwise a heap merges them.
*/
#include "api/args.h"
#include "api/asset_list.h"
#include "api/bars_table.h"
#include "api/handle.h"
#include "api/range.h"
#include "data/stream_heap.h"
#include "time/instant.h"

#include <assert.h>
#include <math.h>
#include <string.h>

typedef struct cursor {
  sqlite3_vtab_cursor base;
  bv_stream *stream;   /* one per asset, in order of name */
  int nstream, at;     /* at: the stream that stands on the current row */
  bv_stream *now;      /* the same */
  int step;            /* of its bars: 1, or -1 newest first */
  bv_stream_heap heap; /* merged: the streams that have a bar */
  bool merge, known, desc, eof;
  bool plain; /* neither merged nor a single row: the next bar is the stream's next */
  sqlite3_value *arg[BV_NFIELD]; /* duplicates of the arguments, for xColumn */
  int64_t complete_at;           /* buckets that end by then are complete */
  uint32_t salt; /* of the arguments, for the rowids of tables that are not stored */
} cursor;

/* What xFilter gathers before it opens streams. */
typedef struct request {
  bv_store *store;
  const bv_bars_kind *kind;
  sqlite3_value *arg[BV_NFIELD]; /* borrowed; NULL where not given */
  bv_name_list asset;            /* sorted, each once */
  bv_range range; /* nothing: some argument is NULL: no rows, as SQLite's own functions do */
} request;

int bv_bars_open(sqlite3_vtab *tab, sqlite3_vtab_cursor **out) {
  (void)tab;
  cursor *c = bv_alloc0(BV_MEM_CURSOR, sizeof *c);
  if (!c) return SQLITE_NOMEM;
  *out = &c->base;
  return SQLITE_OK;
}

static void cursor_clear(cursor *c) {
  for (int i = 0; i < c->nstream; i++) bv_stream_close(&c->stream[i]);
  bv_free(c->stream);
  bv_stream_heap_close(&c->heap);
  for (int f = 0; f < BV_NFIELD; f++) sqlite3_value_free(c->arg[f]);
  c->stream = NULL;
  c->nstream = c->at = 0;
  c->salt = 0;
  memset(c->arg, 0, sizeof c->arg);
  c->eof = true;
}

int bv_bars_close(sqlite3_vtab_cursor *base) {
  cursor *c = (cursor *)base;
  cursor_clear(c);
  bv_free(c);
  return SQLITE_OK;
}

/* ---- arguments ---- */

static bv_rc gather_assets(request *q, bool many, bv_err *err) {
  sqlite3_value *v = q->arg[BV_F_ASSET];
  if (!many) return bv_asset_list_add(&q->asset, v);
  BV_TRY(bv_asset_list_add_all(&q->asset, v, q->kind->name, err));
  bv_name_list_sort(&q->asset);
  return BV_OK;
}

static bv_rc zone_argument(const request *q, sqlite3_value *tz, const bv_zone **out, bv_err *err) {
  *out = q->store->zone;
  const char *name;
  BV_TRY(bv_arg_optional(tz, &name));
  return name && name[0] ? bv_zone_find(name, out, err) : BV_OK;
}

static bv_rc time_arguments(request *q, bv_err *err) {
  sqlite3_value *const *arg = q->arg;
  const bv_zone *zone;
  BV_TRY(zone_argument(q, arg[BV_F_TZ], &zone, err));
  int64_t lo = INT64_MIN, hi = INT64_MAX;
  sqlite3_value *start = arg[BV_F_START], *end = arg[BV_F_END];
  bool has_lo = start && sqlite3_value_type(start) != SQLITE_NULL;
  bool has_hi = end && sqlite3_value_type(end) != SQLITE_NULL;
  if (has_lo) BV_TRY(bv_arg_instant(start, zone, q->kind->name, "start", &lo, err));
  if (has_hi) BV_TRY(bv_arg_instant(end, zone, q->kind->name, "end", &hi, err));
  if (has_lo && has_hi && lo > hi) {
    char a[32], b[32];
    bv_instant_format(lo, a);
    bv_instant_format(hi, b);
    return bv_fail(err, BV_ARG, "%s: start %s lies after end %s", q->kind->name, a, b);
  }
  if (lo > q->range.lo) q->range.lo = lo;
  if (hi < q->range.hi) q->range.hi = hi;
  return BV_OK;
}

/* ---- sources ---- */

static bv_rc make_source(const request *q, const char *asset, bv_source *out, bv_err *err) {
  sqlite3_value *const *arg = q->arg;
  const char *step = bv_arg_text(arg[BV_F_TIMESTEP]);
  if (!step) return BV_NOMEM;
  if (q->kind->agg) {
    const char *tz, *session, *fill, *base;
    BV_TRY(bv_arg_optional(arg[BV_F_TZ], &tz));
    BV_TRY(bv_arg_optional(arg[BV_F_SESSION], &session));
    BV_TRY(bv_arg_optional(arg[BV_F_FILL], &fill));
    BV_TRY(bv_arg_optional(arg[BV_F_BASE], &base));
    BV_TRY(bv_source_aggregate(q->store, asset, step, tz, session, fill, base, out, err));
    bool partial;
    BV_TRY(bv_arg_flag(arg[BV_F_PARTIAL], q->kind->name, "partial", &partial, err));
    if (partial) out->cut = q->store->clock;
    return BV_OK;
  }
  const bv_series *series;
  BV_TRY(bv_series_find(q->store, asset, step, &series, err));
  if (!series) return bv_series_missing(q->store, q->kind->name, asset, step, err);
  *out = bv_source_stored(series);
  return BV_OK;
}

/* bars_asof: the newest bar that had ended by `at`, and by the clock; not older than tolerance. */
static bv_rc asof_range(const request *q, const bv_source *src, int64_t *lo, int64_t *hi,
                        bv_err *err) {
  sqlite3_value *const *arg = q->arg;
  int64_t at = q->store->clock, tolerance = -1;
  sqlite3_value *v = arg[BV_F_AT], *tol = arg[BV_F_TOLERANCE];
  if (v && sqlite3_value_type(v) != SQLITE_NULL) {
    int64_t asked;
    BV_TRY(bv_arg_instant(v, q->store->zone, q->kind->name, "at", &asked, err));
    if (asked < at) at = asked;
  }
  *lo = INT64_MIN;
  *hi = bv_source_limit(src, at);
  if (!tol || sqlite3_value_type(tol) == SQLITE_NULL) return BV_OK;
  if (sqlite3_value_type(tol) == SQLITE_TEXT) {
    bv_timestep span;
    const char *text = bv_arg_text(tol);
    if (!text) return BV_NOMEM;
    bv_err why = {0};
    bv_rc rc = bv_span_parse(text, strlen(text), &span, &why);
    if (rc != BV_OK) return bv_fail(err, rc, "bars_asof: tolerance: %s", bv_err_text(&why, rc));
    tolerance = bv_timestep_nominal_s(span);
  } else {
    tolerance = sqlite3_value_int64(tol);
  }
  if (tolerance < 0) {
    return bv_fail(err, BV_ARG, "bars_asof: tolerance %lld is negative", (long long)tolerance);
  }
  if (at == BV_NO_CLOCK) return bv_fail(err, BV_ARG, "bars_asof: tolerance needs the argument at");
  *lo = bv_source_limit(src,
                        at - tolerance - 1); /* starts of bars that ended at - tolerance or later */
  return BV_OK;
}

/* Stand on the stream whose bar comes next. */
static void choose(cursor *c) {
  if (c->merge) {
    int top = bv_stream_heap_top(&c->heap);
    c->eof = top < 0;
    if (!c->eof) c->at = top;
  } else {
    while (c->at < c->nstream && c->stream[c->at].eof) c->at++;
    c->eof = c->at >= c->nstream;
  }
  c->now = c->eof ? NULL : &c->stream[c->at];
}

/* ---- xFilter, xNext ---- */

static bv_rc open_streams(cursor *c, request *q, int plan, bv_err *err) {
  unsigned mask = (unsigned)plan >> BV_PLAN_MASK_SHIFT & 0xffff;
  int64_t piece = BV_STREAM_PIECE; /* many streams share the memory of eight */
  if (q->asset.n > 8) piece = piece * 8 / q->asset.n;
  if (piece < 256) piece = 256;
  c->stream = bv_alloc0(BV_MEM_CURSOR, (size_t)q->asset.n * sizeof *c->stream);
  if (!c->stream) return BV_NOMEM;
  for (int i = 0; i < q->asset.n; i++) {
    bv_source src;
    int64_t lo = q->range.lo, hi = q->range.hi;
    BV_TRY(make_source(q, q->asset.name[i], &src, err));
    if (q->kind->asof) BV_TRY(asof_range(q, &src, &lo, &hi, err));
    bv_stream *st = &c->stream[c->nstream++];
    BV_TRY(bv_stream_open(st, q->store, &src, lo, hi, c->desc, piece, mask, err));
  }
  if (!c->merge) return BV_OK;
  return bv_stream_heap_open(&c->heap, c->stream, c->nstream, c->known, c->desc);
}

/* FNV-1a over an argument's text. */
static uint32_t add_salt(uint32_t salt, sqlite3_value *v) {
  const char *p = sqlite3_value_type(v) == SQLITE_NULL ? "" : bv_arg_text(v);
  for (; p && *p; p++) salt = (salt ^ (unsigned char)*p) * 16777619u;
  return (salt ^ 0xff) * 16777619u;
}

/* Read the plan's letters into the request. */
static bv_rc bind(cursor *c, request *q, const char *letters, sqlite3_value **argv, bv_err *err) {
  bool many = false;
  for (int i = 0; letters[i]; i++) {
    if (letters[i] == 'A' || letters[i] == 'M') {
      q->arg[BV_F_ASSET] = argv[i];
      many = letters[i] == 'M';
    } else if (strchr("=>}<{", letters[i])) {
      BV_TRY(bv_range_compare(&q->range, "ts", letters[i], argv[i], err));
    } else if (strchr("?]", letters[i])) {
      char op = letters[i] == ']' ? '<' : 0; /* a bar ends after its time */
      BV_TRY(bv_range_compare(&q->range, "known_at", op, argv[i], err));
    } else {
      int f = BV_FIRST_ARG + (letters[i] - 'a');
      q->arg[f] = argv[i];
      c->arg[f] = sqlite3_value_dup(argv[i]);
      if (!c->arg[f]) return BV_NOMEM;
      if (q->kind->agg || q->kind->asof) c->salt = add_salt(c->salt, argv[i]);
    }
  }
  if (sqlite3_value_type(q->arg[BV_F_TIMESTEP]) == SQLITE_NULL) q->range.nothing = true;
  BV_TRY(time_arguments(q, err));
  return gather_assets(q, many, err);
}

/* Run one of the plans that only say why they cannot run. */
static bv_rc wrong_arguments(const bv_bars_kind *kind, const char *letters, bv_err *err) {
  if (letters[0] == BV_PLAN_EXTRA) {
    return bv_fail(err, BV_ARG, "%s(): too many arguments; they are %s", kind->name,
                   kind->agg    ? "asset, timestep, start, end, tz, session, fill, partial, base"
                   : kind->asof ? "asset, timestep, at, tolerance"
                                : "asset, timestep, start, end");
  }
  if (letters[0] == BV_PLAN_COLLATED) {
    return bv_fail(err, BV_ARG, "%s(): argument %s cannot be given by a comparison with COLLATE",
                   kind->name, letters + 1);
  }
  return bv_fail(err, BV_ARG,
                 "%s(): missing argument %s; write for example %s, or WHERE asset = 'SPY' AND"
                 " timestep = 'minute'",
                 kind->name, letters + 1, kind->example);
}

static bv_rc filter(cursor *c, request *q, int plan, const char *letters, sqlite3_value **argv,
                    bv_err *err) {
  if (letters[0] == BV_PLAN_MISSING || letters[0] == BV_PLAN_EXTRA ||
      letters[0] == BV_PLAN_COLLATED) {
    return wrong_arguments(q->kind, letters, err);
  }
  BV_TRY(bv_store_sync(q->store, err));
  c->desc = (plan & BV_PLAN_DESC) != 0 || q->kind->asof;
  c->step = c->desc ? -1 : 1;
  c->merge = (plan & BV_PLAN_MERGE) != 0;
  c->known = (plan & BV_PLAN_KNOWN) != 0;
  c->plain = !c->merge && !q->kind->asof;
  c->complete_at = q->store->clock;
  BV_TRY(bind(c, q, letters, argv, err));
  if (q->range.nothing || q->asset.n == 0) return BV_OK;
  BV_TRY(open_streams(c, q, plan, err));
  choose(c);
  return BV_OK;
}

int bv_bars_filter(sqlite3_vtab_cursor *base, int plan, const char *letters, int argc,
                   sqlite3_value **argv) {
  (void)argc;
  cursor *c = (cursor *)base;
  bv_bars_tab *tab = (bv_bars_tab *)base->pVtab;
  bv_err err;
  bv_err_clear(&err);
  request q = {.store = tab->store, .kind = tab->kind};
  q.range = bv_range_all(tab->kind->name);
  cursor_clear(c);
  bv_rc rc = filter(c, &q, plan, letters, argv, &err);
  bv_name_list_reset(&q.asset);
  if (rc == BV_OK) return SQLITE_OK;
  cursor_clear(c);
  return bv_vtab_error_of(base->pVtab, tab->kind->name, rc, &err);
}

int bv_bars_next(sqlite3_vtab_cursor *base) {
  cursor *c = (cursor *)base;
  bv_stream *st = c->now;
  if (c->plain && bv_stream_step(st, c->step)) return SQLITE_OK;
  if (((bv_bars_tab *)base->pVtab)->kind->asof) {
    c->eof = true;
    return SQLITE_OK;
  }
  bv_err err;
  bv_err_clear(&err);
  bv_rc rc = bv_stream_next(st, &err);
  if (rc != BV_OK)
    return bv_vtab_error_of(base->pVtab, ((bv_bars_tab *)base->pVtab)->kind->name, rc, &err);
  if (c->merge) {
    bv_stream_heap_moved(&c->heap);
  } else if (!st->eof) {
    return SQLITE_OK;
  }
  choose(c);
  return SQLITE_OK;
}

int bv_bars_eof(sqlite3_vtab_cursor *base) {
  return ((cursor *)base)->eof;
}

/* ---- xColumn ---- */

/* A column not loaded yet, or one this source never has. */
static bool load_value(sqlite3_context *ctx, bv_stream *st, bv_column c, double *v) {
  bv_err err;
  bv_err_clear(&err);
  bv_rc rc = bv_stream_value(st, c, v, &err);
  if (rc != BV_OK) bv_result_error(ctx, NULL, rc, &err);
  return rc == BV_OK;
}

static void result_value(sqlite3_context *ctx, bv_stream *st, bv_field f) {
  bv_column c = bv_field_column(f);
  const double *values = st->view.col[c];
  double v;
  if (values) {
    v = values[st->i - st->base];
  } else if (!load_value(ctx, st, c, &v)) {
    return;
  }
  if (isnan(v)) {
    sqlite3_result_null(ctx);
  } else if (f == BV_F_COUNT || f == BV_F_FILLED) {
    sqlite3_result_int64(ctx, (int64_t)v);
  } else {
    sqlite3_result_double(ctx, v);
  }
}

static void result_time(sqlite3_context *ctx, int64_t ts) {
  char text[32];
  bv_instant_format(ts, text);
  sqlite3_result_text(ctx, text, -1, SQLITE_TRANSIENT);
}

int bv_bars_column(sqlite3_vtab_cursor *base, sqlite3_context *ctx, int col) {
  cursor *c = (cursor *)base;
  bv_bars_tab *tab = (bv_bars_tab *)base->pVtab;
  bv_stream *st = c->now;
  if (tab->value[col] >= 0) { /* most of what is read */
    const double *values = st->view.col[tab->value[col]];
    if (values && !isnan(values[st->i - st->base])) {
      sqlite3_result_double(ctx, values[st->i - st->base]);
      return SQLITE_OK;
    }
  }
  bv_field f = (bv_field)tab->kind->field[col];
  switch (f) {
  case BV_F_TS: sqlite3_result_int64(ctx, bv_stream_ts(st)); break;
  case BV_F_KNOWN_AT: sqlite3_result_int64(ctx, bv_stream_known_at(st)); break;
  case BV_F_TIME: result_time(ctx, bv_stream_ts(st)); break;
  case BV_F_COMPLETE: sqlite3_result_int(ctx, bv_stream_known_at(st) <= c->complete_at); break;
  case BV_F_HANDLE: bv_handle_result(ctx, st); break;
  case BV_F_ASSET: sqlite3_result_text(ctx, st->src.base.asset, -1, SQLITE_TRANSIENT); break;
  default:
    if (f < BV_FIRST_ARG) {
      result_value(ctx, st, f);
    } else if (c->arg[f]) {
      sqlite3_result_value(ctx, c->arg[f]);
    }
  }
  return SQLITE_OK;
}

sqlite3_int64 bv_bars_make_rowid(int64_t series, int64_t ts) {
  return (series << 39) | (ts - BV_INSTANT_MIN);
}

void bv_bars_split_rowid(sqlite3_int64 rowid, int64_t *series, int64_t *ts) {
  *series = rowid >> 39;
  *ts = (rowid & ((INT64_C(1) << 39) - 1)) + BV_INSTANT_MIN;
}

int bv_bars_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *out) {
  cursor *c = (cursor *)base;
  const bv_stream *st = c->now;
  /* A query with OR tells rows apart by their rowids: bars of other arguments are other rows. */
  int64_t series = (st->src.base.id ^ (int64_t)c->salt) & 0xffffff;
  *out = bv_bars_make_rowid(series, bv_stream_ts(st));
  if (st->src.base.home) *out = -*out; /* in an attached database: cannot be changed from here */
  return SQLITE_OK;
}
