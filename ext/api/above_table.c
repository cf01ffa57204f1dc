/*
** above_table.c - the table bars_above: the bars at which one line comes to stand above another, or no
** longer does.
**
**      bars_above('SPY', 'minute', 'sma:10', 'sma:30' [, start [, end]])
**
** A line is a column or an indicator ('close', 'rsi:14'), the second one may be a number.  The first row
** is the first bar of the range at which both have a value, the others are those at which a > b has
** changed.  Bars at which one has no value change nothing.  What a strategy would say at every bar this
** says where it matters, without a row of SQL for each.
*/
#include "api/functions.h"
#include "api/table.h"
#include "data/view.h"

#include <math.h>

enum { C_ASSET, C_TS, C_KNOWN_AT, C_ABOVE, C_A, C_B, COLUMNS };
enum { ASSET, TIMESTEP, A, B, START, END, ARGS };

static const char *const arg_name[ARGS] = {"asset", "timestep", "a", "b", "start", "end"};

typedef struct cursor {
  sqlite3_vtab_cursor base;
  bv_stream stream;
  bool open, eof;
  sqlite3_value *arg[ARGS];
  bv_spec a, b;
  double level; /* of b, where it is a number; else NaN */
  int above;    /* of the current row; -1 before the first */
  double va, vb;
} cursor;

static int above_connect(sqlite3 *db, void *aux, int argc, const char *const *argv,
                         sqlite3_vtab **out, char **error) {
  (void)argc;
  (void)argv;
  (void)error;
  return bv_table_connect(
      db, aux,
      "CREATE TABLE x(asset TEXT, ts INTEGER, known_at INTEGER, above INTEGER, a REAL, b REAL,"
      " \"asset=\" HIDDEN, \"timestep=\" HIDDEN, \"a=\" HIDDEN, \"b=\" HIDDEN,"
      " \"start=\" HIDDEN, \"end=\" HIDDEN)",
      SQLITE_VTAB_INNOCUOUS, sizeof(bv_table), out);
}

/* idxNum: which arguments are given, as bits.  Rows come in order of time. */
static int above_best_index(sqlite3_vtab *base, sqlite3_index_info *info) {
  (void)base;
  int term[ARGS] = {-1, -1, -1, -1, -1, -1}, n = 0;
  for (int i = 0; i < info->nConstraint; i++) {
    const struct sqlite3_index_constraint *c = &info->aConstraint[i];
    const int arg = c->iColumn - COLUMNS;
    if (arg < 0 || c->op != SQLITE_INDEX_CONSTRAINT_EQ) continue;
    if (!c->usable) return SQLITE_CONSTRAINT;
    if (term[arg] < 0) term[arg] = i;
  }
  for (int a = 0; a < ARGS; a++) {
    if (term[a] < 0) continue;
    info->aConstraintUsage[term[a]].argvIndex = ++n;
    info->aConstraintUsage[term[a]].omit = 1;
    info->idxNum |= 1 << a;
  }
  const bool by_time =
      info->nOrderBy == 1 && !info->aOrderBy[0].desc &&
      (info->aOrderBy[0].iColumn == C_TS || info->aOrderBy[0].iColumn == C_KNOWN_AT);
  info->orderByConsumed = by_time;
  info->estimatedRows = 5000;
  info->estimatedCost = 100000;
  return SQLITE_OK;
}

static int above_open(sqlite3_vtab *base, sqlite3_vtab_cursor **out) {
  (void)base;
  return bv_table_open(sizeof(cursor), out);
}

static void cursor_clear(cursor *c) {
  if (c->open) bv_stream_close(&c->stream);
  c->open = false;
  c->eof = true;
  c->above = -1;
  for (int a = 0; a < ARGS; a++) {
    sqlite3_value_free(c->arg[a]);
    c->arg[a] = NULL;
  }
}

static int above_close(sqlite3_vtab_cursor *base) {
  cursor_clear((cursor *)base);
  bv_free(base);
  return SQLITE_OK;
}

/* ---- arguments ---- */

static bv_rc line(const cursor *c, int arg, bv_spec *out, bv_err *err) {
  const char *text = bv_arg_text(c->arg[arg]);
  bv_err why = {0};
  if (!text) return BV_NOMEM;
  bv_rc rc = bv_spec_parse(text, out, &why);
  return rc == BV_OK ? BV_OK : bv_fail(err, rc, "bars_above(): %s", bv_err_text(&why, rc));
}

static bv_rc second_line(cursor *c, bv_err *err) {
  const int type = sqlite3_value_type(c->arg[B]);
  c->level = NAN;
  if (type != SQLITE_INTEGER && type != SQLITE_FLOAT) return line(c, B, &c->b, err);
  c->level = sqlite3_value_double(c->arg[B]);
  return BV_OK;
}

static bv_rc find_source(const cursor *c, bv_store *s, bv_source *out, bv_err *err) {
  const char *asset = bv_arg_text(c->arg[ASSET]), *step = bv_arg_text(c->arg[TIMESTEP]);
  return asset && step ? bv_source_of(s, asset, step, out, err) : BV_NOMEM;
}

static bv_rc start(cursor *c, bv_store *s, bv_err *err) {
  int64_t lo = INT64_MIN, hi = INT64_MAX;
  bv_source src;
  for (int a = 0; a <= B; a++) {
    if (!bv_arg_null(c->arg[a])) continue;
    return bv_fail(err, BV_ARG,
                   "bars_above(): %s is %s; write bars_above('SPY', 'minute', 'sma:10', 'sma:30')",
                   arg_name[a], c->arg[a] ? "NULL" : "missing");
  }
  BV_TRY(bv_store_sync(s, err));
  BV_TRY(line(c, A, &c->a, err));
  BV_TRY(second_line(c, err));
  BV_TRY(bv_arg_range(c->arg + START, s->zone, "bars_above", &lo, &hi, err));
  BV_TRY(find_source(c, s, &src, err));
  bv_rc rc = bv_stream_open(&c->stream, s, &src, lo, hi, false, BV_STREAM_PIECE,
                            BV_COLBIT(BV_COL_CLOSE), err);
  c->open = true;
  c->eof = rc != BV_OK || c->stream.eof;
  return rc;
}

/* ---- rows ---- */

/* Whether the lines stand differently than at the row before; where one has no value they do not. */
static inline bool turned(cursor *c, double va, double vb) {
  const int above = va > vb;
  if (above == c->above || isnan(va) || isnan(vb)) return false;
  c->above = above;
  c->va = va;
  c->vb = vb;
  return true;
}

/* Among the bars from the current one on that lie in a row: to the first that is a row, or the last. */
static bv_rc seek_run(cursor *c, bool *found, bv_err *err) {
  bv_stream *st = &c->stream;
  const double *a, *b = NULL;
  int64_t n = st->stop - st->i, na, nb = n;
  /* The first read of the second line may move the first. */
  if (isnan(c->level)) BV_TRY(bv_derived_run(st->w, &c->b, st->i, &b, &nb, err));
  BV_TRY(bv_derived_run(st->w, &c->a, st->i, &a, &na, err));
  if (isnan(c->level)) BV_TRY(bv_derived_run(st->w, &c->b, st->i, &b, &nb, err));
  if (n > na) n = na;
  if (n > nb) n = nb;
  int64_t j = 0;
  while (j < n && !turned(c, a[j], b ? b[j] : c->level)) j++;
  *found = j < n;
  st->i += *found ? j : n - 1;
  return BV_OK;
}

static bv_rc seek_one(cursor *c, bool *found, bv_err *err) {
  bv_stream *st = &c->stream;
  const int64_t ts = bv_stream_ts(st);
  double va, vb = c->level;
  BV_TRY(bv_view_value(st->w, st->i, ts, &c->a, 0, &va, err));
  if (isnan(c->level)) BV_TRY(bv_view_value(st->w, st->i, ts, &c->b, 0, &vb, err));
  *found = turned(c, va, vb);
  return BV_OK;
}

/* From the current bar on to one that is a row. */
static bv_rc seek(cursor *c, bv_err *err) {
  bv_stream *st = &c->stream;
  while (!st->eof) {
    bool found;
    if (bv_window_holds(st->w, st->i, bv_stream_ts(st))) {
      BV_TRY(seek_run(c, &found, err));
    } else {
      BV_TRY(seek_one(c, &found, err));
    }
    if (found) return BV_OK;
    if (!bv_stream_step(st, 1)) BV_TRY(bv_stream_next(st, err));
  }
  c->eof = true;
  return BV_OK;
}

static int above_filter(sqlite3_vtab_cursor *base, int given, const char *text, int argc,
                        sqlite3_value **argv) {
  (void)text;
  (void)argc;
  cursor *c = (cursor *)base;
  bv_err err;
  int n = 0;
  bv_err_clear(&err);
  cursor_clear(c);
  for (int a = 0; a < ARGS; a++) {
    if (!(given >> a & 1)) continue;
    c->arg[a] = sqlite3_value_dup(argv[n++]);
    if (!c->arg[a]) return SQLITE_NOMEM;
  }
  bv_rc rc = start(c, ((bv_table *)base->pVtab)->store, &err);
  if (rc == BV_OK) rc = seek(c, &err);
  return rc == BV_OK ? SQLITE_OK : bv_vtab_error_of(base->pVtab, "bars_above", rc, &err);
}

static int above_next(sqlite3_vtab_cursor *base) {
  cursor *c = (cursor *)base;
  bv_err err;
  bv_err_clear(&err);
  bv_rc rc = BV_OK;
  if (!bv_stream_step(&c->stream, 1)) rc = bv_stream_next(&c->stream, &err);
  if (rc == BV_OK) rc = seek(c, &err);
  return rc == BV_OK ? SQLITE_OK : bv_vtab_error_of(base->pVtab, "bars_above", rc, &err);
}

static int above_eof(sqlite3_vtab_cursor *base) {
  return ((cursor *)base)->eof;
}

static int above_column(sqlite3_vtab_cursor *base, sqlite3_context *ctx, int col) {
  const cursor *c = (const cursor *)base;
  switch (col) {
  case C_ASSET: sqlite3_result_text(ctx, c->stream.src.base.asset, -1, SQLITE_TRANSIENT); break;
  case C_TS: sqlite3_result_int64(ctx, bv_stream_ts(&c->stream)); break;
  case C_KNOWN_AT: sqlite3_result_int64(ctx, bv_stream_known_at(&c->stream)); break;
  case C_ABOVE: sqlite3_result_int(ctx, c->above); break;
  case C_A: sqlite3_result_double(ctx, c->va); break;
  case C_B: sqlite3_result_double(ctx, c->vb); break;
  default:
    if (c->arg[col - COLUMNS]) sqlite3_result_value(ctx, c->arg[col - COLUMNS]);
  }
  return SQLITE_OK;
}

static int above_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *out) {
  *out = bv_stream_ts(&((cursor *)base)->stream);
  return SQLITE_OK;
}

static const sqlite3_module above_module = {
    .iVersion = 2,
    .xConnect = above_connect,
    .xBestIndex = above_best_index,
    .xDisconnect = bv_table_disconnect,
    .xOpen = above_open,
    .xClose = above_close,
    .xFilter = above_filter,
    .xNext = above_next,
    .xEof = above_eof,
    .xColumn = above_column,
    .xRowid = above_rowid,
};

int bv_above_register(sqlite3 *db, bv_store *s) {
  return sqlite3_create_module_v2(db, "bars_above", &above_module, bv_store_ref(s),
                                  bv_store_release);
}
