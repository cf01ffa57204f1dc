/* rows.c - orders, fills, lots and cash flows on their way into their tables; see rows.h. */
#include "run/rows.h"
#include "run/names.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define POINTER "barsvt-rows"

/* ---- the tables, as lists of columns ---- */

typedef enum source_of {
  RUN,   /* the run's number */
  INT64, /* int64_t */
  INT,   /* int */
  REF,   /* int64_t, 0 is NULL */
  REAL,  /* double, NaN is NULL */
  TEXT,  /* const char *, NULL is NULL */
  ASSET, /* int, the number of an asset: its name */
  NAME   /* enum: its name */
} source_of;

typedef struct column {
  const char *name;
  source_of from;
  size_t at;               /* offset into the row's struct */
  const char *const *text; /* NAME */
} column;

#define OF(type, field) offsetof(bv_sim_##type, field)

static const column order_columns[] = {
    {"run", RUN, 0, NULL},
    {"id", INT64, OF(order, id), NULL},
    {"ts", INT64, OF(order, ts), NULL},
    {"done_ts", INT64, OF(order, done_ts), NULL},
    {"asset", ASSET, OF(order, asset), NULL},
    {"ask", NAME, OF(order, ask), bv_ask_name},
    {"amount", REAL, OF(order, amount), NULL},
    {"qty", REAL, OF(order, qty), NULL},
    {"filled", REAL, OF(order, filled), NULL},
    {"price", REAL, OF(order, avg_price), NULL},
    {"state", NAME, OF(order, state), bv_state_name},
    {"reason", TEXT, OF(order, reason), NULL},
    {"tag", TEXT, OF(order, tag), NULL},
    {"order_type", NAME, OF(order, type), bv_type_name},
    {"limit_price", REAL, OF(order, limit), NULL},
    {"stop_price", REAL, OF(order, stop), NULL},
    {"trail_amount", REAL, OF(order, trail), NULL},
    {"trail_percent", REAL, OF(order, trail_percent), NULL},
    {"tif", NAME, OF(order, tif), bv_tif_name},
    {"parent", REF, OF(order, parent), NULL},
};

static const column fill_columns[] = {
    {"run", RUN, 0, NULL},
    {"id", INT64, OF(fill, id), NULL},
    {"order_id", INT64, OF(fill, order), NULL},
    {"ts", INT64, OF(fill, ts), NULL},
    {"asset", ASSET, OF(fill, asset), NULL},
    {"qty", REAL, OF(fill, qty), NULL},
    {"price", REAL, OF(fill, price), NULL},
    {"commission", REAL, OF(fill, commission), NULL},
    {"slippage", REAL, OF(fill, slippage), NULL},
    {"pnl", REAL, OF(fill, pnl), NULL},
    {"position", REAL, OF(fill, position), NULL},
    {"cash", REAL, OF(fill, cash), NULL},
    {"ambiguous", INT, OF(fill, ambiguous), NULL},
};

static const column lot_columns[] = {
    {"run", RUN, 0, NULL},
    {"id", INT64, OF(lot, id), NULL},
    {"asset", ASSET, OF(lot, asset), NULL},
    {"qty", REAL, OF(lot, qty), NULL},
    {"entry_ts", INT64, OF(lot, entry_ts), NULL},
    {"exit_ts", INT64, OF(lot, exit_ts), NULL},
    {"entry_fill", INT64, OF(lot, entry_fill), NULL},
    {"exit_fill", INT64, OF(lot, exit_fill), NULL},
    {"entry_price", REAL, OF(lot, entry_price), NULL},
    {"exit_price", REAL, OF(lot, exit_price), NULL},
    {"commission", REAL, OF(lot, commission), NULL},
    {"pnl", REAL, OF(lot, pnl), NULL},
    {"ret", REAL, OF(lot, ret), NULL},
    {"bars", INT64, OF(lot, bars), NULL},
    {"mae", REAL, OF(lot, mae), NULL},
    {"mfe", REAL, OF(lot, mfe), NULL},
    {"open", INT, OF(lot, open), NULL},
    {"tag", TEXT, OF(lot, tag), NULL},
};

static const column flow_columns[] = {
    {"run", RUN, 0, NULL},
    {"id", INT64, OF(flow, id), NULL},
    {"ts", INT64, OF(flow, ts), NULL},
    {"kind", TEXT, OF(flow, kind), NULL},
    {"asset", ASSET, OF(flow, asset), NULL},
    {"qty", REAL, OF(flow, qty), NULL},
    {"amount", REAL, OF(flow, amount), NULL},
    {"cash", REAL, OF(flow, cash), NULL},
};

static const column margin_columns[] = {
    {"run", RUN, 0, NULL},
    {"id", INT64, OF(margin, id), NULL},
    {"ts", INT64, OF(margin, ts), NULL},
    {"event", TEXT, OF(margin, event), NULL},
    {"value", REAL, OF(margin, value), NULL},
    {"required", REAL, OF(margin, required), NULL},
    {"orders", INT, OF(margin, orders), NULL},
};

#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))
#define MAX_COLUMNS  24

static const struct {
  const char *table;
  const column *column;
  int ncolumn;
  size_t first, size; /* the rows in bv_rows, and the bytes of one */
} tables[BV_ROWS_KINDS] = {
    [BV_ROWS_ORDER] = {"bt_order", order_columns, COUNT(order_columns), offsetof(bv_rows, order),
                       sizeof(bv_sim_order)},
    [BV_ROWS_FILL] = {"bt_fill", fill_columns, COUNT(fill_columns), offsetof(bv_rows, fill),
                      sizeof(bv_sim_fill)},
    [BV_ROWS_LOT] = {"bt_lot", lot_columns, COUNT(lot_columns), offsetof(bv_rows, lot),
                     sizeof(bv_sim_lot)},
    [BV_ROWS_FLOW] = {"bt_cash_flow", flow_columns, COUNT(flow_columns), offsetof(bv_rows, flow),
                      sizeof(bv_sim_flow)},
    [BV_ROWS_MARGIN] = {"bt_margin_call", margin_columns, COUNT(margin_columns),
                        offsetof(bv_rows, margin), sizeof(bv_sim_margin)},
};

_Static_assert(COUNT(order_columns) <= MAX_COLUMNS, "barsvt_rows has a column for each");
_Static_assert(COUNT(fill_columns) <= MAX_COLUMNS, "barsvt_rows has a column for each");
_Static_assert(COUNT(lot_columns) <= MAX_COLUMNS, "barsvt_rows has a column for each");

bv_rc bv_rows_insert_sql(bv_rows_kind kind, bv_buf *out) {
  const column *c = tables[kind].column;
  /* OR FAIL: a run that fails is undone as a whole, so no statement needs a journal of its own. */
  BV_TRY(bv_buf_addf(out, "INSERT OR FAIL INTO main.%s(", tables[kind].table));
  for (int i = 0; i < tables[kind].ncolumn; i++) {
    BV_TRY(bv_buf_addf(out, "%s%s", i ? ", " : "", c[i].name));
  }
  BV_TRY(bv_buf_adds(out, ") SELECT "));
  for (int i = 0; i < tables[kind].ncolumn; i++) {
    BV_TRY(bv_buf_addf(out, "%sc%d", i ? ", " : "", i));
  }
  return bv_buf_addf(out, " FROM barsvt_rows(?1)");
}

/* ---- gathering ---- */

/* What the statement of a kind is given. */
typedef struct source {
  const bv_rows *rows;
  bv_rows_kind kind;
} source;

static bv_rc flush_kind(bv_rows *r, bv_rows_kind kind, bv_err *err) {
  source s = {r, kind};
  char doing[24] = "writing ";
  if (r->n[kind] == 0) return BV_OK;
  sqlite3_bind_pointer(r->st[kind], 1, &s, POINTER, NULL);
  bv_rc rc = bv_sql_done(r->db, r->st[kind], err, strcat(doing, tables[kind].table));
  sqlite3_clear_bindings(r->st[kind]);
  r->n[kind] = 0;
  return rc;
}

bv_rc bv_rows_flush(bv_rows *r, bv_err *err) {
  for (int k = 0; k < BV_ROWS_KINDS; k++) BV_TRY(flush_kind(r, (bv_rows_kind)k, err));
  return BV_OK;
}

bv_rc bv_rows_order(bv_rows *r, const bv_sim_order *o, bv_err *err) {
  if (r->n[BV_ROWS_ORDER] == BV_ROWS_MAX) BV_TRY(flush_kind(r, BV_ROWS_ORDER, err));
  r->order[r->n[BV_ROWS_ORDER]++] = *o;
  return BV_OK;
}

bv_rc bv_rows_fill(bv_rows *r, const bv_sim_fill *f, bv_err *err) {
  if (r->n[BV_ROWS_FILL] == BV_ROWS_MAX) BV_TRY(flush_kind(r, BV_ROWS_FILL, err));
  r->fill[r->n[BV_ROWS_FILL]++] = *f;
  return BV_OK;
}

bv_rc bv_rows_lot(bv_rows *r, const bv_sim_lot *l, bv_err *err) {
  if (r->n[BV_ROWS_LOT] == BV_ROWS_MAX) BV_TRY(flush_kind(r, BV_ROWS_LOT, err));
  r->lot[r->n[BV_ROWS_LOT]++] = *l;
  return BV_OK;
}

bv_rc bv_rows_flow(bv_rows *r, const bv_sim_flow *f, bv_err *err) {
  if (r->n[BV_ROWS_FLOW] == BV_ROWS_MAX) BV_TRY(flush_kind(r, BV_ROWS_FLOW, err));
  r->flow[r->n[BV_ROWS_FLOW]++] = *f;
  return BV_OK;
}

bv_rc bv_rows_margin(bv_rows *r, const bv_sim_margin *m, bv_err *err) {
  if (r->n[BV_ROWS_MARGIN] == BV_ROWS_MAX) BV_TRY(flush_kind(r, BV_ROWS_MARGIN, err));
  r->margin[r->n[BV_ROWS_MARGIN]++] = *m;
  return BV_OK;
}

/* ---- the table barsvt_rows ---- */

typedef struct cursor {
  sqlite3_vtab_cursor base;
  const bv_rows *rows;
  const column *column;
  const char *row; /* the current one */
  size_t size;
  int ncolumn, left; /* rows from the current one on */
} cursor;

static int rows_connect(sqlite3 *db, void *aux, int argc, const char *const *argv,
                        sqlite3_vtab **out, char **error) {
  (void)aux;
  (void)argc;
  (void)argv;
  (void)error;
  int code = sqlite3_declare_vtab(
      db,
      "CREATE TABLE x(c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14, c15, c16,"
      " c17, c18, c19, c20, c21, c22, c23, rows HIDDEN)");
  if (code != SQLITE_OK) return code;
  *out = bv_alloc0(BV_MEM_RUN, sizeof **out);
  return *out ? SQLITE_OK : SQLITE_NOMEM;
}

static int rows_disconnect(sqlite3_vtab *base) {
  bv_free(base);
  return SQLITE_OK;
}

static int rows_best_index(sqlite3_vtab *base, sqlite3_index_info *info) {
  (void)base;
  for (int i = 0; i < info->nConstraint; i++) {
    const struct sqlite3_index_constraint *c = &info->aConstraint[i];
    if (c->iColumn != MAX_COLUMNS || c->op != SQLITE_INDEX_CONSTRAINT_EQ) continue;
    if (!c->usable) return SQLITE_CONSTRAINT;
    info->aConstraintUsage[i].argvIndex = 1;
    info->aConstraintUsage[i].omit = 1;
    info->idxNum = 1;
    break;
  }
  info->estimatedRows = BV_ROWS_MAX;
  info->estimatedCost = BV_ROWS_MAX;
  return SQLITE_OK;
}

static int rows_open(sqlite3_vtab *base, sqlite3_vtab_cursor **out) {
  (void)base;
  cursor *c = bv_alloc0(BV_MEM_RUN, sizeof *c);
  if (!c) return SQLITE_NOMEM;
  *out = &c->base;
  return SQLITE_OK;
}

static int rows_close(sqlite3_vtab_cursor *base) {
  bv_free(base);
  return SQLITE_OK;
}

static int rows_filter(sqlite3_vtab_cursor *base, int plan, const char *text, int argc,
                       sqlite3_value **argv) {
  (void)text;
  (void)argc;
  cursor *c = (cursor *)base;
  const source *s = plan ? sqlite3_value_pointer(argv[0], POINTER) : NULL;
  c->left = 0;
  if (!s) return SQLITE_OK;
  c->rows = s->rows;
  c->column = tables[s->kind].column;
  c->ncolumn = tables[s->kind].ncolumn;
  c->row = (const char *)s->rows + tables[s->kind].first;
  c->size = tables[s->kind].size;
  c->left = s->rows->n[s->kind];
  return SQLITE_OK;
}

static int rows_next(sqlite3_vtab_cursor *base) {
  cursor *c = (cursor *)base;
  c->row += c->size;
  c->left--;
  return SQLITE_OK;
}

static int rows_eof(sqlite3_vtab_cursor *base) {
  return ((cursor *)base)->left == 0;
}

static void result_text(sqlite3_context *ctx, const char *text) {
  if (text) sqlite3_result_text(ctx, text, -1, SQLITE_STATIC);
}

static void result_real(sqlite3_context *ctx, double x) {
  if (!isnan(x)) sqlite3_result_double(ctx, x);
}

static int rows_column(sqlite3_vtab_cursor *base, sqlite3_context *ctx, int i) {
  const cursor *c = (const cursor *)base;
  if (i >= c->ncolumn) return SQLITE_OK;
  const column *col = &c->column[i];
  const void *at = c->row + col->at;
  switch (col->from) {
  case RUN: sqlite3_result_int64(ctx, c->rows->run); break;
  case INT64: sqlite3_result_int64(ctx, *(const int64_t *)at); break;
  case INT: sqlite3_result_int(ctx, *(const int *)at); break;
  case REF:
    if (*(const int64_t *)at) sqlite3_result_int64(ctx, *(const int64_t *)at);
    break;
  case REAL: result_real(ctx, *(const double *)at); break;
  case TEXT: result_text(ctx, *(const char *const *)at); break;
  case ASSET: result_text(ctx, bv_sim_asset_key(c->rows->sim, *(const int *)at)); break;
  case NAME:
  default: result_text(ctx, col->text[*(const unsigned *)at]); break;
  }
  return SQLITE_OK;
}

static int rows_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *out) {
  *out = ((cursor *)base)->left;
  return SQLITE_OK;
}

static const sqlite3_module rows_module = {
    .iVersion = 2,
    .xConnect = rows_connect,
    .xBestIndex = rows_best_index,
    .xDisconnect = rows_disconnect,
    .xOpen = rows_open,
    .xClose = rows_close,
    .xFilter = rows_filter,
    .xNext = rows_next,
    .xEof = rows_eof,
    .xColumn = rows_column,
    .xRowid = rows_rowid,
};

int bv_rows_register(sqlite3 *db) {
  return sqlite3_create_module_v2(db, "barsvt_rows", &rows_module, NULL, NULL);
}
