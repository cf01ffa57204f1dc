/* rows_table.c - the rows of runs as tables; see rows_table.h. */
#include "api/rows_table.h"
#include "api/table.h"
#include "run/row_scan.h"
#include "run/run.h"

#include <math.h>
#include <string.h>

typedef struct rows_tab {
  bv_table table;
  bv_row_cache cache;
} rows_tab;

typedef struct rows_cursor {
  sqlite3_vtab_cursor base;
  bv_row_scan scan;
} rows_cursor;

/* What the module of a table carries. */
typedef struct rows_aux {
  bv_store *store;
  bv_rows_kind kind;
} rows_aux;

/* "CREATE TABLE x(run INTEGER, ..., of INTEGER HIDDEN)" */
static bv_rc declaration(const bv_row_table *t, bv_buf *out) {
  static const char *const type[] = {"INTEGER", "INTEGER", "REAL", "TEXT"};
  BV_TRY(bv_buf_adds(out, "CREATE TABLE x(run INTEGER"));
  for (int i = 0; i < t->ncolumn; i++) {
    BV_TRY(bv_buf_addf(out, ", \"%s\" %s", t->column[i].name, type[t->column[i].type]));
  }
  return bv_buf_adds(out, ", of INTEGER HIDDEN)");
}

static int rows_connect(sqlite3 *db, void *p, int argc, const char *const *argv, sqlite3_vtab **out,
                        char **error) {
  (void)argc;
  (void)argv;
  (void)error;
  const rows_aux *aux = p;
  bv_buf sql;
  bv_buf_init(&sql, BV_MEM_CURSOR, 4096);
  int code = SQLITE_NOMEM;
  if (declaration(&bv_row_tables[aux->kind], &sql) == BV_OK)
    code = bv_table_connect(db, aux->store, bv_buf_text(&sql), SQLITE_VTAB_INNOCUOUS,
                            sizeof(rows_tab), out);
  bv_buf_reset(&sql);
  if (code == SQLITE_OK) bv_row_cache_init(&((rows_tab *)*out)->cache, db, aux->kind);
  return code;
}

static int rows_disconnect(sqlite3_vtab *base) {
  bv_row_cache_reset(&((rows_tab *)base)->cache);
  return bv_table_disconnect(base);
}

/* ---- plans ---- */

/* idxNum: which values xFilter gets, in this order, and above them the bits of the columns that are read,
** without run. */
enum {
  P_RUN = 1,    /* run = ?, or the argument */
  P_ID = 2,     /* number = ? */
  P_LO = 4,     /* number > ? or >= ? */
  P_HI = 8,     /* number < ? or <= ? */
  P_ABOVE = 16, /* it is > */
  P_BELOW = 32, /* it is < */
  P_COLUMNS = 8 /* shift */
};
_Static_assert(BV_ROW_COLUMNS_MAX + P_COLUMNS < 32, "room in idxNum");

/* The constraints of a plan, by their place in the list; -1: none. */
typedef struct terms {
  int run, id, lo, hi;
} terms;

static void note(terms *t, int i, const struct sqlite3_index_constraint *c, int of) {
  const bool eq = c->op == SQLITE_INDEX_CONSTRAINT_EQ;
  if (!c->usable) return;
  if ((c->iColumn == 0 || c->iColumn == of) && eq) {
    if (t->run < 0 || c->iColumn == of) t->run = i;
  } else if (c->iColumn == 1) {
    if (eq) t->id = i;
    if (c->op == SQLITE_INDEX_CONSTRAINT_GT || c->op == SQLITE_INDEX_CONSTRAINT_GE) t->lo = i;
    if (c->op == SQLITE_INDEX_CONSTRAINT_LT || c->op == SQLITE_INDEX_CONSTRAINT_LE) t->hi = i;
  }
}

static void use(sqlite3_index_info *info, int term, int bit, int *n) {
  if (term < 0) return;
  info->aConstraintUsage[term].argvIndex = ++*n;
  info->idxNum |= bit;
}

/* Rows come in order of run and number. */
static bool in_order(const sqlite3_index_info *info, bool one_run) {
  int want = one_run ? 1 : 0;
  for (int i = 0; i < info->nOrderBy; i++) {
    const struct sqlite3_index_orderby *o = &info->aOrderBy[i];
    if (o->desc) return false;
    if (one_run && o->iColumn == 0) continue;
    if (o->iColumn != want++ || want > 2) return false;
  }
  return info->nOrderBy > 0;
}

static int rows_best_index(sqlite3_vtab *base, sqlite3_index_info *info) {
  const rows_tab *tab = (const rows_tab *)base;
  const int of = tab->cache.table->ncolumn + 1;
  terms t = {-1, -1, -1, -1};
  int n = 0;
  for (int i = 0; i < info->nConstraint; i++) note(&t, i, &info->aConstraint[i], of);
  use(info, t.run, P_RUN, &n);
  use(info, t.id, P_ID, &n);
  if (t.id < 0) use(info, t.lo, P_LO, &n);
  if (t.id < 0) use(info, t.hi, P_HI, &n);
  if (t.lo >= 0 && info->aConstraint[t.lo].op == SQLITE_INDEX_CONSTRAINT_GT)
    info->idxNum |= P_ABOVE;
  if (t.hi >= 0 && info->aConstraint[t.hi].op == SQLITE_INDEX_CONSTRAINT_LT)
    info->idxNum |= P_BELOW;
  const uint32_t columns = (uint32_t)(info->colUsed >> 1) & ((1u << BV_ROW_COLUMNS_MAX) - 1);
  info->idxNum |= (int)(columns << P_COLUMNS);
  info->estimatedRows = t.run >= 0 ? 100000 : 1000000;
  info->estimatedCost = t.run >= 0 ? 100000 : 1000000;
  if (t.id >= 0) {
    info->estimatedRows = t.run >= 0 ? 1 : 10;
    info->estimatedCost = t.run >= 0 ? 5 : 1000;
  } else if (t.lo >= 0 || t.hi >= 0) {
    info->estimatedRows /= t.lo >= 0 && t.hi >= 0 ? 16 : 4;
    info->estimatedCost /= t.lo >= 0 && t.hi >= 0 ? 16 : 4;
  }
  if (t.run >= 0 && t.id >= 0) info->idxFlags = SQLITE_INDEX_SCAN_UNIQUE;
  info->orderByConsumed = in_order(info, t.run >= 0);
  return SQLITE_OK;
}

/* ---- cursor ---- */

static int rows_open(sqlite3_vtab *base, sqlite3_vtab_cursor **out) {
  rows_cursor *c = bv_alloc0(BV_MEM_CURSOR, sizeof *c);
  if (!c) return SQLITE_NOMEM;
  bv_row_scan_open(&c->scan, &((rows_tab *)base)->cache);
  *out = &c->base;
  return SQLITE_OK;
}

static int rows_close(sqlite3_vtab_cursor *base) {
  bv_row_scan_close(&((rows_cursor *)base)->scan);
  bv_free(base);
  return SQLITE_OK;
}

/* A value that is compared with whole numbers: itself, or the whole numbers beside it.  False where it
** is beyond all of them, or nothing that has a place among them; the core compares again. */
static bool whole(sqlite3_value *v, int64_t *below, int64_t *above) {
  const int type = sqlite3_value_numeric_type(v);
  if (type == SQLITE_INTEGER) {
    *below = *above = sqlite3_value_int64(v);
    return true;
  }
  const double x = type == SQLITE_FLOAT ? sqlite3_value_double(v) : NAN;
  if (!(fabs(x) < 9e18)) return false;
  *below = (int64_t)floor(x);
  *above = (int64_t)ceil(x);
  return true;
}

/* The range of a plan; *none: no row can be in it. */
static void take_range(int plan, sqlite3_value **argv, bv_row_range *r, bool *none) {
  int64_t below, above;
  int n = 0;
  *none = false;
  r->lo = INT64_MIN;
  r->hi = INT64_MAX;
  if (plan & P_RUN) {
    r->one = whole(argv[n++], &r->run, &above) && r->run == above;
    *none |= !r->one;
  }
  if (plan & P_ID) *none |= !whole(argv[n++], &r->hi, &r->lo); /* between two: lo > hi */
  if (plan & P_LO) {
    *none |= sqlite3_value_type(argv[n]) == SQLITE_NULL;
    if (whole(argv[n++], &below, &above)) r->lo = above;
  }
  if (plan & P_HI) {
    *none |= sqlite3_value_type(argv[n]) == SQLITE_NULL;
    if (whole(argv[n], &below, &above)) r->hi = below;
  }
}

static int rows_filter(sqlite3_vtab_cursor *base, int plan, const char *text, int argc,
                       sqlite3_value **argv) {
  (void)text;
  (void)argc;
  rows_cursor *c = (rows_cursor *)base;
  const rows_tab *tab = (const rows_tab *)base->pVtab;
  const bv_run *run = tab->table.store->run;
  bv_row_range range = {.columns = (uint32_t)plan >> P_COLUMNS};
  bool none;
  bv_err err = {0};
  take_range(plan, argv, &range, &none);
  if (none) range.lo = INT64_MAX, range.hi = INT64_MIN;
  if (run && run->result) range.gathered = &run->result->rows;
  bv_rc rc = bv_row_scan_start(&c->scan, &range, &err);
  return rc == BV_OK ? SQLITE_OK : bv_vtab_error(base->pVtab, rc, &err);
}

static int rows_next(sqlite3_vtab_cursor *base) {
  bv_row_scan *scan = &((rows_cursor *)base)->scan;
  if (bv_row_scan_quick(scan)) return SQLITE_OK;
  bv_err err = {0};
  bv_rc rc = bv_row_scan_next(scan, &err);
  return rc == BV_OK ? SQLITE_OK : bv_vtab_error(base->pVtab, rc, &err);
}

static int rows_eof(sqlite3_vtab_cursor *base) {
  return ((rows_cursor *)base)->scan.eof;
}

/* Decode a column of the current chunk. */
static int need(sqlite3_vtab_cursor *base, int column) {
  bv_err err = {0};
  bv_rc rc = bv_row_scan_need(&((rows_cursor *)base)->scan, column, &err);
  return rc == BV_OK ? SQLITE_OK : bv_vtab_error(base->pVtab, rc, &err);
}

static int rows_column(sqlite3_vtab_cursor *base, sqlite3_context *ctx, int i) {
  rows_cursor *c = (rows_cursor *)base;
  const bv_row_table *t = c->scan.cache->table;
  if (i == 0 || i > t->ncolumn) {
    sqlite3_result_int64(ctx, c->scan.run);
    return SQLITE_OK;
  }
  const void *at = bv_row_scan_at(&c->scan, i - 1);
  if (!at) {
    const int code = need(base, i - 1);
    if (code != SQLITE_OK) return code;
    at = bv_row_scan_at(&c->scan, i - 1);
  }
  switch (t->column[i - 1].type) {
  case BV_ROW_INT: sqlite3_result_int64(ctx, *(const int64_t *)at); break;
  case BV_ROW_REF:
    if (*(const int64_t *)at) sqlite3_result_int64(ctx, *(const int64_t *)at);
    break;
  case BV_ROW_REAL: sqlite3_result_double(ctx, *(const double *)at); break; /* NaN is NULL */
  default: {
    const char *text = *(const char *const *)at;
    if (text) sqlite3_result_text(ctx, text, -1, SQLITE_TRANSIENT);
  }
  }
  return SQLITE_OK;
}

static int rows_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *out) {
  const bv_row_source *from = &((rows_cursor *)base)->scan.source[((rows_cursor *)base)->scan.now];
  *out = bv_row_numbers(from->chunk)[from->at];
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

static void aux_free(void *p) {
  bv_store_unref(((rows_aux *)p)->store);
  bv_free(p);
}

int bv_rows_table_register(sqlite3 *db, bv_store *s) {
  for (int k = 0; k < BV_ROWS_KINDS; k++) {
    rows_aux *aux = bv_alloc(BV_MEM_CURSOR, sizeof *aux);
    if (!aux) return SQLITE_NOMEM;
    *aux = (rows_aux){bv_store_ref(s), (bv_rows_kind)k};
    const int code =
        sqlite3_create_module_v2(db, bv_row_tables[k].name, &rows_module, aux, aux_free);
    if (code != SQLITE_OK) return code;
  }
  return SQLITE_OK;
}
