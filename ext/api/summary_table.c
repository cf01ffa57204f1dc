/*
** summary_table.c - the table bars_summary: one row of figures per asset.
**
**      SELECT * FROM bars_summary('SPY', 'minute', '2024-01-01', '2025-01-01');
**      SELECT * FROM bars_summary WHERE asset IN ('SPY', 'QQQ') AND timestep = 'minute';
**
** One call of xFilter makes the row of one asset; over a list the core calls it once for each.
**
** mean is the average of close, stdev the standard deviation of close in the sample (n - 1), vwap the
** sum of volume times the bar's vwap, or its close where it has none, divided by the volume.
*/
#include "api/args.h"
#include "api/functions.h"
#include "data/summary.h"

#include <math.h>
#include <string.h>

typedef enum field {
  F_ASSET,
  F_BARS,
  F_FIRST,
  F_LAST,
  F_OPEN,
  F_HIGH,
  F_LOW,
  F_CLOSE,
  F_VOLUME,
  F_MEAN,
  F_VWAP,
  F_STDEV,
  F_ARG_ASSET, /* arguments */
  F_ARG_TIMESTEP,
  F_ARG_START,
  F_ARG_END,
  NFIELD
} field;

#define NARG (NFIELD - F_ARG_ASSET)

static const char columns[] =
    "CREATE TABLE x(asset TEXT, bars INTEGER, first INTEGER, last INTEGER, open REAL, high REAL,"
    " low REAL, close REAL, volume REAL, mean REAL, vwap REAL, stdev REAL, \"asset=\" HIDDEN,"
    " timestep HIDDEN, start HIDDEN, \"end\" HIDDEN)";

/* The bars' columns that a field is made of. */
static const unsigned needs[NFIELD] = {
    [F_OPEN] = BV_COLBIT(BV_COL_OPEN),
    [F_HIGH] = BV_COLBIT(BV_COL_HIGH),
    [F_LOW] = BV_COLBIT(BV_COL_LOW),
    [F_CLOSE] = BV_COLBIT(BV_COL_CLOSE),
    [F_VOLUME] = BV_COLBIT(BV_COL_VOLUME),
    [F_MEAN] = BV_COLBIT(BV_COL_CLOSE),
    [F_STDEV] = BV_COLBIT(BV_COL_CLOSE),
    [F_VWAP] = BV_COLBIT(BV_COL_CLOSE) | BV_COLBIT(BV_COL_VOLUME) | BV_COLBIT(BV_COL_VWAP)};

typedef struct table {
  sqlite3_vtab base;
  bv_summary_reader reader;
} table;

typedef struct cursor {
  sqlite3_vtab_cursor base;
  bool eof;
  int64_t series, lo, hi; /* what the row is of */
  char asset[BV_ASSET_MAX + 1];
  bv_stats stats;
  sqlite3_value *arg[NARG];
} cursor;

static int connect(sqlite3 *db, void *aux, int argc, const char *const *argv, sqlite3_vtab **out,
                   char **error) {
  (void)argc;
  (void)argv;
  int code = sqlite3_declare_vtab(db, columns);
  if (code != SQLITE_OK) {
    *error = sqlite3_mprintf("bars_summary: %s", sqlite3_errmsg(db));
    return code;
  }
  sqlite3_vtab_config(db, SQLITE_VTAB_INNOCUOUS);
  table *tab = bv_alloc0(BV_MEM_CURSOR, sizeof *tab);
  if (!tab) return SQLITE_NOMEM;
  tab->reader.store = bv_store_ref(aux);
  bv_store_vtab(aux, 1);
  *out = &tab->base;
  return SQLITE_OK;
}

static int disconnect(sqlite3_vtab *base) {
  table *tab = (table *)base;
  bv_summary_reset(&tab->reader);
  bv_store_vtab(tab->reader.store, -1);
  bv_store_unref(tab->reader.store);
  bv_free(tab);
  return SQLITE_OK;
}

/* ---- plan ----
**
** idxNum: bits 0..3 the arguments given, in the order asset, timestep, start, end; bits 8..23 the bars'
** columns that will be read; or one of these, for a plan that cannot run: */
enum { PLAN_MASK_SHIFT = 8, PLAN_NO_ASSET = -1, PLAN_NO_TIMESTEP = -2 };

/* Find the constraint that binds each argument; false where another join order has it. */
static bool find_arguments(sqlite3_index_info *info, int term[NARG]) {
  bool unusable[NARG] = {false};
  for (int a = 0; a < NARG; a++) term[a] = -1;
  for (int i = 0; i < info->nConstraint; i++) {
    const struct sqlite3_index_constraint *c = &info->aConstraint[i];
    int a = c->iColumn == F_ASSET ? 0 : c->iColumn - F_ARG_ASSET;
    if (c->op != SQLITE_INDEX_CONSTRAINT_EQ || a < 0 || c->iColumn >= NFIELD) continue;
    if (!c->usable) {
      unusable[a] = true;
    } else if (term[a] < 0 && strcmp(sqlite3_vtab_collation(info, i), "BINARY") == 0) {
      term[a] = i;
    }
  }
  for (int a = 0; a < NARG; a++) {
    if (term[a] < 0 && unusable[a]) return false;
  }
  return true;
}

static int best_index(sqlite3_vtab *base, sqlite3_index_info *info) {
  (void)base;
  int term[NARG], n = 0;
  if (!find_arguments(info, term)) return SQLITE_CONSTRAINT;
  if (term[0] < 0 || term[1] < 0) { /* no plan is worse, and running it says what is missing */
    info->idxNum = term[0] < 0 ? PLAN_NO_ASSET : PLAN_NO_TIMESTEP;
    info->estimatedRows = INT64_C(1) << 60;
    info->estimatedCost = 1e90;
    return SQLITE_OK;
  }
  unsigned plan = 0, mask = 0;
  for (int a = 0; a < NARG; a++) {
    if (term[a] < 0) continue;
    info->aConstraintUsage[term[a]].argvIndex = ++n;
    info->aConstraintUsage[term[a]].omit = 1;
    plan |= 1u << a;
  }
  for (int f = 0; f < NFIELD; f++) {
    if (info->colUsed >> f & 1) mask |= needs[f];
  }
  info->idxNum = (int)(plan | mask << PLAN_MASK_SHIFT);
  info->idxFlags = SQLITE_INDEX_SCAN_UNIQUE;
  info->estimatedRows = 1;
  info->estimatedCost = 50;
  return SQLITE_OK;
}

/* ---- rows ---- */

static int open_cursor(sqlite3_vtab *base, sqlite3_vtab_cursor **out) {
  (void)base;
  cursor *c = bv_alloc0(BV_MEM_CURSOR, sizeof *c);
  if (!c) return SQLITE_NOMEM;
  *out = &c->base;
  return SQLITE_OK;
}

static void clear(cursor *c) {
  for (int a = 0; a < NARG; a++) sqlite3_value_free(c->arg[a]);
  memset(c->arg, 0, sizeof c->arg);
  c->eof = true;
}

static int close_cursor(sqlite3_vtab_cursor *base) {
  clear((cursor *)base);
  bv_free(base);
  return SQLITE_OK;
}

static bv_rc time_argument(const bv_store *s, sqlite3_value *v, const char *name, int64_t *out,
                           bv_err *err) {
  return bv_arg_null(v) ? BV_OK : bv_arg_instant(v, s->zone, "bars_summary", name, out, err);
}

static bv_rc fill(table *tab, cursor *c, unsigned mask, bv_err *err) {
  bv_store *s = tab->reader.store;
  const bv_series *series;
  int64_t lo = INT64_MIN, hi = INT64_MAX;
  if (bv_arg_null(c->arg[0]) || bv_arg_null(c->arg[1]))
    return BV_OK; /* no rows, as SQLite's own do */
  BV_TRY(time_argument(s, c->arg[2], "start", &lo, err));
  BV_TRY(time_argument(s, c->arg[3], "end", &hi, err));
  if (lo > hi) return bv_fail(err, BV_ARG, "bars_summary: start lies after end");
  const char *asset = bv_arg_text(c->arg[0]), *step = bv_arg_text(c->arg[1]);
  if (!asset || !step) return BV_NOMEM;
  BV_TRY(bv_store_sync(s, err));
  BV_TRY(bv_series_find(s, asset, step, &series, err));
  if (!series) return bv_series_missing(s, "bars_summary", asset, step, err);
  bv_series one = *series;
  c->series = one.id;
  c->lo = lo;
  c->hi = hi;
  memcpy(c->asset, one.asset, sizeof c->asset);
  BV_TRY(bv_summary_read(&tab->reader, &one, lo, hi, mask, &c->stats, err));
  c->eof = false;
  return BV_OK;
}

static int filter(sqlite3_vtab_cursor *base, int plan, const char *text, int argc,
                  sqlite3_value **argv) {
  (void)text;
  (void)argc;
  cursor *c = (cursor *)base;
  bv_err err = {0};
  bv_rc rc = BV_OK;
  int n = 0;
  clear(c);
  if (plan < 0) {
    rc = bv_fail(&err, BV_ARG,
                 "bars_summary(): missing argument %s; write for example bars_summary('SPY', "
                 "'minute')",
                 plan == PLAN_NO_ASSET ? "asset" : "timestep");
    return bv_vtab_error(base->pVtab, rc, &err);
  }
  for (int a = 0; a < NARG; a++) {
    if (!(plan >> a & 1)) continue;
    c->arg[a] = sqlite3_value_dup(argv[n++]);
    if (!c->arg[a]) return SQLITE_NOMEM;
  }
  rc = fill((table *)base->pVtab, c, (unsigned)plan >> PLAN_MASK_SHIFT, &err);
  return rc == BV_OK ? SQLITE_OK : bv_vtab_error(base->pVtab, rc, &err);
}

static int next(sqlite3_vtab_cursor *base) {
  ((cursor *)base)->eof = true;
  return SQLITE_OK;
}

static int eof(sqlite3_vtab_cursor *base) {
  return ((const cursor *)base)->eof;
}

/* A figure of at least one bar; NaN is NULL. */
static double figure(const bv_stats *v, int col) {
  double n = (double)v->n;
  bool volume = (v->columns & BV_COLBIT(BV_COL_VOLUME)) != 0;
  switch (col) {
  case F_OPEN: return v->open;
  case F_HIGH: return v->high;
  case F_LOW: return v->low;
  case F_CLOSE: return v->close;
  case F_VOLUME: return volume ? v->volume : NAN;
  case F_MEAN: return v->sum / n;
  case F_VWAP: return volume && v->volume != 0 ? v->turnover / v->volume : NAN;
  default: return v->n > 1 ? sqrt(v->m2 / (n - 1)) : NAN;
  }
}

static int column(sqlite3_vtab_cursor *base, sqlite3_context *ctx, int col) {
  const cursor *c = (const cursor *)base;
  if (col >= F_ARG_ASSET) {
    if (c->arg[col - F_ARG_ASSET]) sqlite3_result_value(ctx, c->arg[col - F_ARG_ASSET]);
  } else if (col == F_ASSET) {
    sqlite3_result_text(ctx, c->asset, -1, SQLITE_TRANSIENT);
  } else if (col == F_BARS) {
    sqlite3_result_int64(ctx, c->stats.n);
  } else if (c->stats.n > 0 && (col == F_FIRST || col == F_LAST)) {
    sqlite3_result_int64(ctx, col == F_FIRST ? c->stats.first : c->stats.last);
  } else if (c->stats.n > 0) {
    double v = figure(&c->stats, col);
    if (!isnan(v)) sqlite3_result_double(ctx, v);
  }
  return SQLITE_OK;
}

/* A query with OR tells rows apart by their rowids. */
static int rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *out) {
  const cursor *c = (const cursor *)base;
  uint64_t range = ((uint64_t)c->lo * 0x9e3779b97f4a7c15u + (uint64_t)c->hi) * 0x9e3779b97f4a7c15u;
  *out = (sqlite3_int64)((uint64_t)c->series << 39 | range >> 25);
  return SQLITE_OK;
}

static const sqlite3_module module = {
    .iVersion = 2,
    .xConnect = connect,
    .xBestIndex = best_index,
    .xDisconnect = disconnect,
    .xOpen = open_cursor,
    .xClose = close_cursor,
    .xFilter = filter,
    .xNext = next,
    .xEof = eof,
    .xColumn = column,
    .xRowid = rowid,
};

int bv_summary_register(sqlite3 *db, bv_store *s) {
  return sqlite3_create_module_v2(db, "bars_summary", &module, bv_store_ref(s), bv_store_release);
}
