/*
** quote_table.c - the table bars_quote: bars of the bid and of the ask side by side.
**
**      bars_quote('EURUSD', 'minute' [, start [, end]])
**
** The two series are walked together: a row where either has a bar, NULL for a side that has none there.
** Where a series of the timestep is not stored its bars are made from finer ones, as bars_agg makes them.
*/
#include "api/functions.h"
#include "api/table.h"
#include "data/view.h"
#include "time/instant.h"

#include <math.h>
#include <string.h>

enum { C_TS, C_BID, C_ASK = C_BID + 5, C_MID = C_ASK + 5, C_SPREAD, C_KNOWN_AT, C_TIME, COLUMNS };
enum { ASSET, TIMESTEP, START, END, ARGS };
enum { BID, ASK, SIDES };

static const char *const arg_name[ARGS] = {"asset", "timestep", "start", "end"};

typedef struct cursor {
  sqlite3_vtab_cursor base;
  bv_stream side[SIDES];
  bool open[SIDES], here[SIDES]; /* here: has a bar at the current row */
  bool eof;
  int64_t ts;
  sqlite3_value *arg[ARGS];
} cursor;

static int quote_connect(sqlite3 *db, void *aux, int argc, const char *const *argv,
                         sqlite3_vtab **out, char **error) {
  (void)argc;
  (void)argv;
  (void)error;
  return bv_table_connect(
      db, aux,
      "CREATE TABLE x(ts INTEGER, bid_open REAL, bid_high REAL, bid_low REAL, bid_close REAL,"
      " bid_size REAL, ask_open REAL, ask_high REAL, ask_low REAL, ask_close REAL,"
      " ask_size REAL, mid REAL, spread REAL, known_at INTEGER, time TEXT,"
      " asset TEXT HIDDEN, timestep TEXT HIDDEN, start HIDDEN, \"end\" HIDDEN)",
      SQLITE_VTAB_INNOCUOUS, sizeof(bv_table), out);
}

/* Bounds of ts narrow the walk, and the core tests them again. */
enum { FROM = ARGS, UPTO, GIVEN };

static int bound_of(const struct sqlite3_index_constraint *c) {
  if (c->iColumn != C_TS || !c->usable) return -1;
  switch (c->op) {
  case SQLITE_INDEX_CONSTRAINT_GE:
  case SQLITE_INDEX_CONSTRAINT_GT: return FROM;
  case SQLITE_INDEX_CONSTRAINT_LE:
  case SQLITE_INDEX_CONSTRAINT_LT: return UPTO;
  default: return -1;
  }
}

/* idxNum: what is given, as bits.  Rows come in order of time. */
static int quote_best_index(sqlite3_vtab *base, sqlite3_index_info *info) {
  (void)base;
  int term[GIVEN] = {-1, -1, -1, -1, -1, -1}, n = 0;
  for (int i = 0; i < info->nConstraint; i++) {
    const struct sqlite3_index_constraint *c = &info->aConstraint[i];
    int arg = c->iColumn - COLUMNS;
    if (arg >= 0 && c->op != SQLITE_INDEX_CONSTRAINT_EQ) continue;
    if (arg >= 0 && !c->usable) return SQLITE_CONSTRAINT;
    if (arg < 0) arg = bound_of(c);
    if (arg >= 0 && term[arg] < 0) term[arg] = i;
  }
  for (int a = 0; a < GIVEN; a++) {
    if (term[a] < 0) continue;
    info->aConstraintUsage[term[a]].argvIndex = ++n;
    info->aConstraintUsage[term[a]].omit = a < ARGS;
    info->idxNum |= 1 << a;
  }
  info->orderByConsumed =
      info->nOrderBy == 1 && !info->aOrderBy[0].desc && info->aOrderBy[0].iColumn == C_TS;
  info->estimatedRows = term[FROM] >= 0 || term[UPTO] >= 0 ? 5000 : 50000;
  info->estimatedCost = 40.0 * (double)info->estimatedRows;
  return SQLITE_OK;
}

static int quote_open(sqlite3_vtab *base, sqlite3_vtab_cursor **out) {
  (void)base;
  return bv_table_open(sizeof(cursor), out);
}

static void cursor_clear(cursor *c) {
  for (int s = 0; s < SIDES; s++) {
    if (c->open[s]) bv_stream_close(&c->side[s]);
    c->open[s] = c->here[s] = false;
  }
  c->eof = true;
  for (int a = 0; a < ARGS; a++) {
    sqlite3_value_free(c->arg[a]);
    c->arg[a] = NULL;
  }
}

static int quote_close(sqlite3_vtab_cursor *base) {
  cursor_clear((cursor *)base);
  bv_free(base);
  return SQLITE_OK;
}

/* The stored series of a side, or the aggregate that takes its place; false where there is neither. */
static bv_rc find_side(bv_store *s, const char *asset, const char *step, bv_source *out,
                       bool *found, bv_err *err) {
  bv_err why = {0};
  bv_rc rc = bv_source_of(s, asset, step, out, &why);
  *found = rc == BV_OK;
  if (rc == BV_OK || rc == BV_NOTFOUND) return BV_OK;
  return bv_fail_native(err, rc, why.native, "%s", bv_err_text(&why, rc));
}

static bv_rc open_sides(cursor *c, bv_store *s, bv_timestep step, int64_t lo, int64_t hi,
                        bv_err *err) {
  const unsigned mask = BV_COLBIT(BV_COL_OPEN) | BV_COLBIT(BV_COL_HIGH) | BV_COLBIT(BV_COL_LOW) |
                        BV_COLBIT(BV_COL_CLOSE);
  const char *asset = bv_arg_text(c->arg[ASSET]);
  char name[32];
  bool any = false;
  if (!asset) return BV_NOMEM;
  for (int i = 0; i < SIDES; i++) {
    bv_source src;
    bool found;
    step.of = i == BID ? BV_OF_BID : BV_OF_ASK;
    bv_timestep_format(step, name);
    BV_TRY(find_side(s, asset, name, &src, &found, err));
    any |= found;
    if (!found) continue;
    bv_rc rc = bv_stream_open(&c->side[i], s, &src, lo, hi, false, BV_STREAM_PIECE, mask, err);
    c->open[i] = true;
    if (rc != BV_OK) return rc;
  }
  step.of = BV_OF_BID;
  bv_timestep_format(step, name);
  return any ? BV_OK : bv_series_missing(s, "bars_quote", asset, name, err);
}

/* Stand on the earliest bar of the two. */
static void choose(cursor *c) {
  c->eof = true;
  for (int i = 0; i < SIDES; i++) {
    c->here[i] = c->open[i] && !c->side[i].eof;
    if (!c->here[i]) continue;
    int64_t ts = bv_stream_ts(&c->side[i]);
    if (c->eof || ts < c->ts) c->ts = ts;
    c->eof = false;
  }
  for (int i = 0; i < SIDES; i++) c->here[i] = c->here[i] && bv_stream_ts(&c->side[i]) == c->ts;
}

static bv_rc start(cursor *c, bv_store *s, int64_t lo, int64_t hi, bv_err *err) {
  bv_timestep step;
  for (int a = 0; a <= TIMESTEP; a++) {
    if (!c->arg[a]) {
      return bv_fail(err, BV_ARG,
                     "bars_quote(): %s is missing; write bars_quote('EURUSD', 'minute')",
                     arg_name[a]);
    }
    if (bv_arg_null(c->arg[a])) return BV_OK; /* no rows */
  }
  BV_TRY(bv_store_sync(s, err));
  BV_TRY(bv_arg_range(c->arg + START, s->zone, "bars_quote", &lo, &hi, err));
  const char *text = bv_arg_text(c->arg[TIMESTEP]);
  if (!text) return BV_NOMEM;
  BV_TRY(bv_timestep_parse(text, strlen(text), &step, err));
  if (step.of != BV_OF_TRADES) {
    return bv_fail(
        err, BV_ARG,
        "bars_quote(): timestep '%.40s' names one side, and the table has both: leave it "
        "out, or read bars() for one",
        text);
  }
  BV_TRY(open_sides(c, s, step, lo, hi, err));
  choose(c);
  return BV_OK;
}

/* A bound of ts in whole seconds; a value that is no number bounds nothing here. */
static void bound(sqlite3_value *v, bool upper, int64_t *lo, int64_t *hi) {
  int type = sqlite3_value_numeric_type(v);
  if (type != SQLITE_INTEGER && type != SQLITE_FLOAT) return;
  int64_t t = sqlite3_value_int64(v);
  if (upper) {
    *hi = t < INT64_MAX - 1 ? t + 1 : INT64_MAX;
  } else {
    *lo = t > INT64_MIN ? t - 1 : INT64_MIN;
  }
}

static int quote_filter(sqlite3_vtab_cursor *base, int given, const char *text, int argc,
                        sqlite3_value **argv) {
  (void)text;
  (void)argc;
  cursor *c = (cursor *)base;
  bv_err err;
  int n = 0;
  int64_t lo = INT64_MIN, hi = INT64_MAX;
  bv_err_clear(&err);
  cursor_clear(c);
  for (int a = 0; a < GIVEN; a++) {
    if (!(given >> a & 1)) continue;
    sqlite3_value *v = argv[n++];
    if (a >= ARGS) {
      bound(v, a == UPTO, &lo, &hi);
      continue;
    }
    c->arg[a] = sqlite3_value_dup(v);
    if (!c->arg[a]) return SQLITE_NOMEM;
  }
  bv_rc rc = start(c, ((bv_table *)base->pVtab)->store, lo, hi, &err);
  if (rc != BV_OK) c->eof = true;
  return rc == BV_OK ? SQLITE_OK : bv_vtab_error_of(base->pVtab, "bars_quote", rc, &err);
}

static int quote_next(sqlite3_vtab_cursor *base) {
  cursor *c = (cursor *)base;
  bv_err err;
  bv_err_clear(&err);
  for (int i = 0; i < SIDES; i++) {
    if (!c->here[i] || bv_stream_step(&c->side[i], 1)) continue;
    bv_rc rc = bv_stream_next(&c->side[i], &err);
    if (rc != BV_OK) return bv_vtab_error_of(base->pVtab, "bars_quote", rc, &err);
  }
  choose(c);
  return SQLITE_OK;
}

static int quote_eof(sqlite3_vtab_cursor *base) {
  return ((cursor *)base)->eof;
}

static bv_rc value_of(cursor *c, int side, bv_column column, double *out, bv_err *err) {
  *out = NAN;
  /* The size is what was offered at the close, which does not add up over bars. */
  if (!c->here[side] || (column == BV_COL_VOLUME && c->side[side].src.agg)) return BV_OK;
  return bv_stream_value(&c->side[side], column, out, err);
}

static bv_rc number_of(cursor *c, int col, double *out, bv_err *err) {
  static const bv_column column[] = {BV_COL_OPEN, BV_COL_HIGH, BV_COL_LOW, BV_COL_CLOSE,
                                     BV_COL_VOLUME};
  if (col < C_ASK) return value_of(c, BID, column[col - C_BID], out, err);
  if (col < C_MID) return value_of(c, ASK, column[col - C_ASK], out, err);
  double bid, ask;
  BV_TRY(value_of(c, BID, BV_COL_CLOSE, &bid, err));
  BV_TRY(value_of(c, ASK, BV_COL_CLOSE, &ask, err));
  *out = col == C_MID ? (bid + ask) / 2 : ask - bid;
  return BV_OK;
}

static int64_t known_at(const cursor *c) {
  int64_t bid = c->here[BID] ? bv_stream_known_at(&c->side[BID]) : INT64_MIN;
  int64_t ask = c->here[ASK] ? bv_stream_known_at(&c->side[ASK]) : INT64_MIN;
  return bid > ask ? bid : ask;
}

static int quote_column(sqlite3_vtab_cursor *base, sqlite3_context *ctx, int col) {
  cursor *c = (cursor *)base;
  bv_err err;
  char text[32];
  double v;
  if (col >= COLUMNS) {
    if (c->arg[col - COLUMNS]) sqlite3_result_value(ctx, c->arg[col - COLUMNS]);
    return SQLITE_OK;
  }
  switch (col) {
  case C_TS: sqlite3_result_int64(ctx, c->ts); return SQLITE_OK;
  case C_KNOWN_AT: sqlite3_result_int64(ctx, known_at(c)); return SQLITE_OK;
  case C_TIME:
    bv_instant_format(c->ts, text);
    sqlite3_result_text(ctx, text, -1, SQLITE_TRANSIENT);
    return SQLITE_OK;
  default: break;
  }
  bv_err_clear(&err);
  bv_rc rc = number_of(c, col, &v, &err);
  if (rc != BV_OK) return bv_vtab_error_of(base->pVtab, "bars_quote", rc, &err);
  if (!isnan(v)) sqlite3_result_double(ctx, v);
  return SQLITE_OK;
}

static int quote_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *out) {
  *out = ((cursor *)base)->ts;
  return SQLITE_OK;
}

static const sqlite3_module quote_module = {
    .iVersion = 2,
    .xConnect = quote_connect,
    .xBestIndex = quote_best_index,
    .xDisconnect = bv_table_disconnect,
    .xOpen = quote_open,
    .xClose = quote_close,
    .xFilter = quote_filter,
    .xNext = quote_next,
    .xEof = quote_eof,
    .xColumn = quote_column,
    .xRowid = quote_rowid,
};

int bv_quote_register(sqlite3 *db, bv_store *s) {
  return sqlite3_create_module_v2(db, "bars_quote", &quote_module, bv_store_ref(s),
                                  bv_store_release);
}
