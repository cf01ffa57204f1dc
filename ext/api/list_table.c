/* list_table.c - small read-only tables whose rows are made all at once; see list_table.h. */
#include "api/list_table.h"
#include "api/table.h"

#include <math.h>
#include <string.h>

/* One value; texts live in the list's own memory. */
typedef struct cell {
  int type; /* SQLITE_INTEGER, SQLITE_FLOAT, SQLITE_TEXT, SQLITE_NULL */
  union {
    int64_t i;
    double r;
    char *text;
  } u;
} cell;

struct bv_list {
  cell *cell;
  int64_t n;
};

/* What a module carries: its definition and the connection's store. */
typedef struct list_aux {
  const bv_list_def *def;
  bv_store *store;
} list_aux;

typedef struct list_tab {
  bv_table table;
  const bv_list_def *def;
} list_tab;

typedef struct list_cursor {
  sqlite3_vtab_cursor base;
  bv_list list;
  sqlite3_value *arg[BV_LIST_MAX_ARG];
  int64_t row;
} list_cursor;

static bv_rc add(bv_list *l, cell c) {
  BV_TRY(bv_room(BV_MEM_CURSOR, &l->cell, l->n, sizeof *l->cell));
  l->cell[l->n++] = c;
  return BV_OK;
}

bv_rc bv_list_int(bv_list *l, int64_t v) {
  return add(l, (cell){.type = SQLITE_INTEGER, .u.i = v});
}

bv_rc bv_list_real(bv_list *l, double v) {
  if (isnan(v)) return bv_list_null(l);
  return add(l, (cell){.type = SQLITE_FLOAT, .u.r = v});
}

bv_rc bv_list_text(bv_list *l, const char *v) {
  if (!v) return bv_list_null(l);
  char *copy = bv_strdup(BV_MEM_CURSOR, v);
  if (!copy) return BV_NOMEM;
  bv_rc rc = add(l, (cell){.type = SQLITE_TEXT, .u.text = copy});
  if (rc != BV_OK) bv_free(copy);
  return rc;
}

bv_rc bv_list_null(bv_list *l) {
  return add(l, (cell){.type = SQLITE_NULL});
}

bv_rc bv_list_value(bv_list *l, sqlite3_value *v) {
  switch (sqlite3_value_type(v)) {
  case SQLITE_INTEGER: return bv_list_int(l, sqlite3_value_int64(v));
  case SQLITE_FLOAT: return bv_list_real(l, sqlite3_value_double(v));
  case SQLITE_NULL: return bv_list_null(l);
  default: return bv_list_text(l, bv_arg_text(v));
  }
}

static void list_clear(bv_list *l) {
  for (int64_t i = 0; i < l->n; i++) {
    if (l->cell[i].type == SQLITE_TEXT) bv_free(l->cell[i].u.text);
  }
  bv_free(l->cell);
  *l = (bv_list){0};
}

static int list_connect(sqlite3 *db, void *p, int argc, const char *const *argv, sqlite3_vtab **out,
                        char **error) {
  (void)argc;
  (void)argv;
  (void)error;
  const list_aux *aux = p;
  char *sql = sqlite3_mprintf("CREATE TABLE x(%s)", aux->def->columns);
  if (!sql) return SQLITE_NOMEM;
  int code = bv_table_connect(db, aux->store, sql,
                              aux->def->flags & BV_LIST_DIRECT ? SQLITE_VTAB_DIRECTONLY
                                                               : SQLITE_VTAB_INNOCUOUS,
                              sizeof(list_tab), out);
  sqlite3_free(sql);
  if (code == SQLITE_OK) ((list_tab *)*out)->def = aux->def;
  return code;
}

/* idxNum: bit i = argument i is given, in order. */
static int list_best_index(sqlite3_vtab *base, sqlite3_index_info *info) {
  const list_tab *tab = (const list_tab *)base;
  int term[BV_LIST_MAX_ARG], n = 0;
  for (int a = 0; a < BV_LIST_MAX_ARG; a++) term[a] = -1;
  for (int i = 0; i < info->nConstraint; i++) {
    int arg = info->aConstraint[i].iColumn - tab->def->ncolumn;
    if (info->aConstraint[i].op != SQLITE_INDEX_CONSTRAINT_EQ || arg < 0) continue;
    if (!info->aConstraint[i].usable) return SQLITE_CONSTRAINT;
    if (term[arg] < 0) term[arg] = i;
  }
  for (int a = 0; a < tab->def->narg; a++) {
    if (term[a] < 0) continue;
    info->aConstraintUsage[term[a]].argvIndex = ++n;
    info->aConstraintUsage[term[a]].omit = 1;
    info->idxNum |= 1 << a;
  }
  info->estimatedRows = 100;
  info->estimatedCost = n ? 100 : 1000;
  return SQLITE_OK;
}

static int list_open(sqlite3_vtab *base, sqlite3_vtab_cursor **out) {
  (void)base;
  return bv_table_open(sizeof(list_cursor), out);
}

static void cursor_clear(list_cursor *c) {
  list_clear(&c->list);
  for (int a = 0; a < BV_LIST_MAX_ARG; a++) sqlite3_value_free(c->arg[a]);
  memset(c->arg, 0, sizeof c->arg);
  c->row = 0;
}

static int list_close(sqlite3_vtab_cursor *base) {
  cursor_clear((list_cursor *)base);
  bv_free(base);
  return SQLITE_OK;
}

static int list_filter(sqlite3_vtab_cursor *base, int given, const char *letters, int argc,
                       sqlite3_value **argv) {
  (void)letters;
  (void)argc;
  list_cursor *c = (list_cursor *)base;
  list_tab *tab = (list_tab *)base->pVtab;
  bv_err err = {0};
  int n = 0;
  cursor_clear(c);
  for (int a = 0; a < tab->def->narg; a++) {
    if (!(given >> a & 1)) continue;
    c->arg[a] = sqlite3_value_dup(argv[n++]);
    if (!c->arg[a]) return SQLITE_NOMEM;
  }
  bv_rc rc = tab->def->flags & BV_LIST_SYNC ? bv_store_sync(tab->table.store, &err) : BV_OK;
  if (rc == BV_OK) rc = tab->def->fill(tab->table.store, &c->list, c->arg, &err);
  if (rc == BV_OK) return SQLITE_OK;
  list_clear(&c->list);
  return bv_vtab_error(base->pVtab, rc, &err);
}

static int list_next(sqlite3_vtab_cursor *base) {
  ((list_cursor *)base)->row++;
  return SQLITE_OK;
}

static int list_eof(sqlite3_vtab_cursor *base) {
  const list_cursor *c = (const list_cursor *)base;
  return c->row * ((const list_tab *)base->pVtab)->def->ncolumn >= c->list.n;
}

static int list_column(sqlite3_vtab_cursor *base, sqlite3_context *ctx, int col) {
  const list_cursor *c = (const list_cursor *)base;
  const bv_list_def *def = ((const list_tab *)base->pVtab)->def;
  if (col >= def->ncolumn) {
    if (c->arg[col - def->ncolumn]) sqlite3_result_value(ctx, c->arg[col - def->ncolumn]);
    return SQLITE_OK;
  }
  const cell *v = &c->list.cell[c->row * def->ncolumn + col];
  switch (v->type) {
  case SQLITE_INTEGER: sqlite3_result_int64(ctx, v->u.i); break;
  case SQLITE_FLOAT: sqlite3_result_double(ctx, v->u.r); break;
  case SQLITE_TEXT: sqlite3_result_text(ctx, v->u.text, -1, SQLITE_TRANSIENT); break;
  default: break;
  }
  return SQLITE_OK;
}

static int list_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *out) {
  *out = ((list_cursor *)base)->row;
  return SQLITE_OK;
}

static const sqlite3_module list_module = {
    .iVersion = 2,
    .xConnect = list_connect,
    .xBestIndex = list_best_index,
    .xDisconnect = bv_table_disconnect,
    .xOpen = list_open,
    .xClose = list_close,
    .xFilter = list_filter,
    .xNext = list_next,
    .xEof = list_eof,
    .xColumn = list_column,
    .xRowid = list_rowid,
};

static void aux_free(void *p) {
  list_aux *aux = p;
  bv_store_unref(aux->store);
  bv_free(aux);
}

int bv_list_register(sqlite3 *db, bv_store *s, const bv_list_def *def) {
  list_aux *aux = bv_alloc(BV_MEM_CURSOR, sizeof *aux);
  if (!aux) return SQLITE_NOMEM;
  *aux = (list_aux){def, bv_store_ref(s)};
  return sqlite3_create_module_v2(db, def->name, &list_module, aux, aux_free);
}
