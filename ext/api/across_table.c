/*
** across_table.c - the table bars_across: one indicator of many assets, at the clock.
**
**      bars_across('minute', 'roc:390' [, at])       WHERE asset IN (...)
**
** A row for each asset: those named; else in a run those its configuration names; else all that have bars of the
** timestep.  What was found about the assets is kept between executions, since a strategy
** asks for the same at every step.
**
** Rows come in order of value or name where that is asked for; in order of value they are taken off a heap, so that
** LIMIT 25 does not sort the rest.  `rank` numbers the rows of a call, so where it is read a condition on asset must
** not choose which rows there are: it is left to the core.
*/
#include "api/asset_list.h"
#include "api/functions.h"
#include "api/table.h"
#include "data/across.h"
#include "run/run.h"

#include <math.h>
#include <string.h>

enum { C_ASSET, C_VALUE, C_RANK, C_TS, C_KNOWN_AT, COLUMNS };
enum { TIMESTEP, SPEC, AT, ARGS };

static const char *const arg_name[ARGS] = {"timestep", "spec", "at"};

/* idxNum: arguments that are given, as bits, and */
enum {
  P_ASSET = 8, /* asset = ? or IN, before them */
  P_MANY = 16, /* it is IN */
  P_UP = 32,   /* in order of value, */
  P_DOWN = 64, /* or with the largest first */
  P_RANK = 128 /* ranks are read */

};

/* Calls that are kept. */
#define KEPT 8
typedef struct kept {
  char *step, *spec;
  bool all;    /* no names were given */
  int64_t run; /* the number of the run whose assets they are (bv_store.runs), or 0 */
  bv_across *across;
  int64_t used;
} kept;

typedef struct across_tab {
  bv_table table;
  kept kept[KEPT];
  int64_t tick;
} across_tab;

typedef struct cursor {
  sqlite3_vtab_cursor base;
  sqlite3_value *arg[ARGS];
  bv_across *across;
  bv_across_value *value;
  int32_t *row;  /* numbers of assets in order, or a heap of them */
  int32_t *rank; /* of assets, where they are read */
  int n, i;      /* rows that are left of a heap, or in all; the current one */
  int order;     /* P_UP, P_DOWN or 0 */
} cursor;

static int across_connect(sqlite3 *db, void *aux, int argc, const char *const *argv,
                          sqlite3_vtab **out, char **error) {
  (void)argc;
  (void)argv;
  (void)error;
  return bv_table_connect(
      db, aux,
      "CREATE TABLE x(asset TEXT, value REAL, rank INTEGER, ts INTEGER, known_at INTEGER,"
      " timestep HIDDEN, spec HIDDEN, at HIDDEN)",
      SQLITE_VTAB_INNOCUOUS, sizeof(across_tab), out);
}

static void forget(kept *k) {
  bv_across_unref(k->across);
  bv_free(k->step);
  bv_free(k->spec);
  *k = (kept){0};
}

static int across_disconnect(sqlite3_vtab *base) {
  across_tab *tab = (across_tab *)base;
  for (int i = 0; i < KEPT; i++) forget(&tab->kept[i]);
  return bv_table_disconnect(base);
}

/* ---- plans ---- */

/* ORDER BY asset, or value, with asset behind it. */
static int order_plan(const sqlite3_index_info *info) {
  const struct sqlite3_index_orderby *o = info->aOrderBy;
  const int n = info->nOrderBy;
  if (n == 1 && o[0].iColumn == C_ASSET && !o[0].desc) return 0;
  if (n < 1 || n > 2 || o[0].iColumn != C_VALUE) return -1;
  if (n == 2 && (o[1].iColumn != C_ASSET || o[1].desc)) return -1;
  return o[0].desc ? P_DOWN : P_UP;
}

static int across_best_index(sqlite3_vtab *base, sqlite3_index_info *info) {
  (void)base;
  int term[ARGS] = {-1, -1, -1}, asset = -1, n = 0, num = 0;
  const bool ranked = (info->colUsed >> C_RANK & 1) != 0;
  for (int i = 0; i < info->nConstraint; i++) {
    const struct sqlite3_index_constraint *c = &info->aConstraint[i];
    const int arg = c->iColumn - COLUMNS;
    if (c->op != SQLITE_INDEX_CONSTRAINT_EQ) continue;
    if (c->iColumn == C_ASSET && c->usable && !ranked && asset < 0 &&
        strcmp(sqlite3_vtab_collation(info, i), "BINARY") == 0) {
      asset = i;
    }
    if (arg < 0) continue;
    if (!c->usable) return SQLITE_CONSTRAINT;
    if (term[arg] < 0) term[arg] = i;
  }
  for (int a = 0; a < ARGS; a++) {
    if (term[a] < 0) continue;
    info->aConstraintUsage[term[a]].argvIndex = ++n;
    info->aConstraintUsage[term[a]].omit = 1;
    num |= 1 << a;
  }
  if (asset >= 0) {
    num |= P_ASSET;
    if (sqlite3_vtab_in(info, asset, 1)) num |= P_MANY;
    info->aConstraintUsage[asset].argvIndex = ++n;
    info->aConstraintUsage[asset].omit = 1;
  }
  const int order = order_plan(info);
  if (order >= 0) {
    num |= order;
    info->orderByConsumed = 1;
  }
  if (ranked) num |= P_RANK;
  const bool one = (num & P_ASSET) && !(num & P_MANY);
  info->idxNum = num;
  info->estimatedRows = one ? 1 : 250;
  info->estimatedCost = one ? 10 : 500;
  if (one) info->idxFlags = SQLITE_INDEX_SCAN_UNIQUE;
  return SQLITE_OK;
}

/* ---- the assets ---- */

static bv_rc given_assets(bv_name_list *l, int num, sqlite3_value *v, bv_err *err) {
  if (num & P_MANY) {
    BV_TRY(bv_asset_list_add_all(l, v, "bars_across()", err));
  } else {
    BV_TRY(bv_asset_list_add(l, v));
  }
  bv_name_list_sort(l);
  return BV_OK;
}

static bv_rc run_assets(bv_name_list *l, const bv_run *r) {
  for (int i = 0; i < r->config.nasset; i++) {
    BV_TRY(bv_name_list_add(l, r->config.asset[i]));
  }
  bv_name_list_sort(l);
  return BV_OK;
}

static bool same_names(const bv_across *a, const bv_across_of *of) {
  if (a->n != of->n) return false;
  for (int i = 0; i < of->n; i++) {
    if (strcmp(a->asset[i], of->name[i]) != 0) return false;
  }
  return true;
}

/* Whether a call has these arguments, whatever its assets, and holds. */
static bool same_spec(const kept *k, const char *step, const char *spec) {
  return k->across && bv_across_current(k->across) && strcmp(k->step, step) == 0 &&
         strcmp(k->spec, spec) == 0;
}

/* Another reference to a kept call of the run's assets, or (run 0) of those named; NULL: there is none. */
static bv_across *find_kept(across_tab *tab, const bv_across_of *of, const char *spec,
                            int64_t run) {
  for (int i = 0; i < KEPT; i++) {
    kept *k = &tab->kept[i];
    if (!same_spec(k, of->step, spec) || k->run != run) continue;
    if (run == 0 && (k->all != !of->name || (of->name && !same_names(k->across, of)))) continue;
    k->used = ++tab->tick;
    k->across->refs++;
    return k->across;
  }
  return NULL;
}

static bv_rc parse_spec(const char *text, bv_spec *out, bv_err *err) {
  bv_err why = {0};
  bv_rc rc = bv_spec_parse(text, out, &why);
  return rc == BV_OK ? BV_OK : bv_fail(err, rc, "bars_across(): %s", bv_err_text(&why, rc));
}

/* In the place of the call not used for longest. */
static bv_rc keep_call(across_tab *tab, const bv_across_of *of, const char *spec, int64_t run,
                       bv_across *across) {
  kept *old = &tab->kept[0];
  for (int i = 1; i < KEPT; i++) {
    if (tab->kept[i].used < old->used) old = &tab->kept[i];
  }
  forget(old);
  *old = (kept){.step = bv_strdup(BV_MEM_CURSOR, of->step),
                .spec = bv_strdup(BV_MEM_CURSOR, spec),
                .all = !of->name,
                .run = run,
                .used = ++tab->tick};
  if (!old->step || !old->spec) {
    forget(old);
    return BV_NOMEM;
  }
  old->across = across;
  across->refs++;
  return BV_OK;
}

static bv_rc make_call(across_tab *tab, bv_across_of *of, const char *spec, int64_t run, bool keep,
                       bv_across **out, bv_err *err) {
  bv_spec parsed;
  BV_TRY(parse_spec(spec, &parsed, err));
  of->spec = &parsed;
  BV_TRY(bv_across_new(tab->table.store, of, out, err));
  return keep ? keep_call(tab, of, spec, run, *out) : BV_OK;
}

static bv_rc find_named(cursor *c, across_tab *tab, bv_across_of *of, const char *spec, int num,
                        sqlite3_value *asset, bv_err *err) {
  bv_name_list list = {0};
  bv_rc rc = given_assets(&list, num, asset, err);
  of->name = (const char *const *)list.name;
  of->n = list.n;
  if (rc == BV_OK && list.n > 0) c->across = find_kept(tab, of, spec, 0);
  /* asset = ? is one of many in a join, and would drive out the others. */
  if (rc == BV_OK && list.n > 0 && !c->across) {
    rc = make_call(tab, of, spec, 0, (num & P_MANY) != 0, &c->across, err);
  }
  bv_name_list_reset(&list);
  return rc;
}

static bv_rc find_run(cursor *c, across_tab *tab, bv_across_of *of, const char *spec,
                      const bv_run *r, bv_err *err) {
  bv_name_list list = {0};
  const int64_t number = tab->table.store->runs;
  c->across = find_kept(tab, of, spec, number);
  if (c->across) return BV_OK;
  bv_rc rc = run_assets(&list, r);
  of->name = (const char *const *)list.name;
  of->n = list.n;
  of->some = true;
  if (rc == BV_OK) rc = make_call(tab, of, spec, number, true, &c->across, err);
  bv_name_list_reset(&list);
  return rc;
}

static bv_rc find_assets(cursor *c, across_tab *tab, int num, sqlite3_value *asset, bv_err *err) {
  const bv_run *r = tab->table.store->run;
  const char *step = bv_arg_text(c->arg[TIMESTEP]), *spec = bv_arg_text(c->arg[SPEC]);
  bv_across_of of = {.who = "bars_across()", .step = step};
  if (!step || !spec) return BV_NOMEM;
  if (num & P_ASSET) return find_named(c, tab, &of, spec, num, asset, err);
  if (r && r->config.nasset > 0) return find_run(c, tab, &of, spec, r, err);
  c->across = find_kept(tab, &of, spec, 0);
  return c->across ? BV_OK : make_call(tab, &of, spec, 0, true, &c->across, err);
}

/* ---- order ---- */

/* Whether asset x comes before y: by value, one without as SQLite has NULL, and by name. */
static bool before(const cursor *c, int32_t x, int32_t y) {
  const double a = c->value[x].value, b = c->value[y].value;
  const bool none = isnan(a), other = isnan(b);
  if (none != other) return none == (c->order == P_UP);
  if (none || a == b) return x < y;
  return c->order == P_UP ? a < b : a > b;
}

static void sift_down(cursor *c, int i) {
  const int32_t moved = c->row[i];
  for (;;) {
    int child = 2 * i + 1;
    if (child >= c->n) break;
    if (child + 1 < c->n && before(c, c->row[child + 1], c->row[child])) child++;
    if (!before(c, c->row[child], moved)) break;
    c->row[i] = c->row[child];
    i = child;
  }
  c->row[i] = moved;
}

static void pop(cursor *c) {
  c->row[0] = c->row[--c->n];
  if (c->n > 0) sift_down(c, 0);
}

static void make_heap(cursor *c, int order) {
  c->order = order;
  for (int i = 0; i < c->n; i++) c->row[i] = i;
  for (int i = c->n / 2; order && i-- > 0;) sift_down(c, i);
}

/* The largest value is number 1; those without have none.  Rows with the largest first are in order then. */
static void find_ranks(cursor *c, int order) {
  const int n = c->n;
  make_heap(c, P_DOWN);
  for (int at = 0; c->n > 0; at++) {
    c->rank[c->row[0]] = at;
    pop(c);
  }
  c->n = n;
  for (int32_t x = 0; order == P_DOWN && x < n; x++) c->row[c->rank[x]] = x;
  for (int32_t x = 0; x < n; x++) c->rank[x] = isnan(c->value[x].value) ? 0 : c->rank[x] + 1;
  if (order == P_DOWN) {
    c->order = 0;
  } else {
    make_heap(c, order);
  }
}

/* ---- rows ---- */

static int across_open(sqlite3_vtab *base, sqlite3_vtab_cursor **out) {
  (void)base;
  return bv_table_open(sizeof(cursor), out);
}

static void cursor_clear(cursor *c) {
  for (int a = 0; a < ARGS; a++) {
    sqlite3_value_free(c->arg[a]);
    c->arg[a] = NULL;
  }
  bv_across_unref(c->across);
  bv_free(c->value);
  c->across = NULL;
  c->value = NULL;
  c->row = c->rank = NULL;
  c->n = c->i = c->order = 0;
}

static int across_close(sqlite3_vtab_cursor *base) {
  cursor_clear((cursor *)base);
  bv_free(base);
  return SQLITE_OK;
}

/* Values, rows and ranks lie in one piece of memory. */
static bv_rc read_values(cursor *c, int num, int64_t at, bv_err *err) {
  const size_t n = (size_t)c->across->n;
  c->value = bv_alloc(BV_MEM_CURSOR, n * (sizeof *c->value + sizeof *c->row + sizeof *c->rank) + 1);
  if (!c->value) return BV_NOMEM;
  c->row = (int32_t *)(void *)(c->value + n);
  c->rank = c->row + n;
  const bv_run *r = c->across->store->run;
  c->across->crew = r ? r->feed.crew : NULL;
  BV_TRY(bv_across_read(c->across, at, c->value, err));
  c->n = (int)n;
  if (num & P_RANK) {
    find_ranks(c, num & (P_UP | P_DOWN));
  } else {
    make_heap(c, num & (P_UP | P_DOWN));
  }
  return BV_OK;
}

static bv_rc start(cursor *c, across_tab *tab, int num, sqlite3_value *asset, bv_err *err) {
  bv_store *s = tab->table.store;
  int64_t at = BV_NO_CLOCK;
  for (int a = 0; a <= SPEC; a++) {
    if (c->arg[a] && !bv_arg_null(c->arg[a])) continue;
    if (c->arg[a]) return BV_OK; /* NULL: no rows */
    return bv_fail(err, BV_ARG,
                   "bars_across(): %s is missing; write bars_across('minute', 'rsi:14')",
                   arg_name[a]);
  }
  if (!bv_arg_null(c->arg[AT])) {
    BV_TRY(bv_arg_instant(c->arg[AT], s->zone, "bars_across", "at", &at, err));
  }
  BV_TRY(find_assets(c, tab, num, asset, err));
  return c->across ? read_values(c, num, at, err) : BV_OK;
}

static int across_filter(sqlite3_vtab_cursor *base, int num, const char *letters, int argc,
                         sqlite3_value **argv) {
  (void)letters;
  (void)argc;
  cursor *c = (cursor *)base;
  across_tab *tab = (across_tab *)base->pVtab;
  bv_err err = {0};
  int n = 0;
  cursor_clear(c);
  for (int a = 0; a < ARGS; a++) {
    if (!(num >> a & 1)) continue;
    c->arg[a] = sqlite3_value_dup(argv[n++]);
    if (!c->arg[a]) return SQLITE_NOMEM;
  }
  bv_rc rc = bv_store_hold(tab->table.store, &err);
  if (rc == BV_OK) {
    rc = start(c, tab, num, num & P_ASSET ? argv[n] : NULL, &err);
    bv_store_let_go(tab->table.store);
  }
  if (rc == BV_OK) return SQLITE_OK;
  cursor_clear(c);
  return bv_vtab_error_of(base->pVtab, "bars_across", rc, &err);
}

static int across_next(sqlite3_vtab_cursor *base) {
  cursor *c = (cursor *)base;
  if (c->order) {
    pop(c);
  } else {
    c->i++;
  }
  return SQLITE_OK;
}

static int across_eof(sqlite3_vtab_cursor *base) {
  const cursor *c = (const cursor *)base;
  return c->i >= c->n;
}

static int across_column(sqlite3_vtab_cursor *base, sqlite3_context *ctx, int col) {
  const cursor *c = (const cursor *)base;
  if (col >= COLUMNS) {
    if (c->arg[col - COLUMNS]) sqlite3_result_value(ctx, c->arg[col - COLUMNS]);
    return SQLITE_OK;
  }
  const int32_t x = c->row[c->i];
  const bv_across_value *v = &c->value[x];
  switch (col) {
  case C_ASSET: sqlite3_result_text(ctx, c->across->asset[x], -1, SQLITE_TRANSIENT); break;
  case C_VALUE: sqlite3_result_double(ctx, v->value); break; /* NaN is NULL */
  case C_RANK:
    if (c->rank[x]) sqlite3_result_int(ctx, c->rank[x]);
    break;
  case C_TS:
    if (v->ts != INT64_MIN) sqlite3_result_int64(ctx, v->ts);
    break;
  default:
    if (v->ts != INT64_MIN) sqlite3_result_int64(ctx, bv_across_known_at(c->across, x, v));
  }
  return SQLITE_OK;
}

static int across_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *out) {
  const cursor *c = (const cursor *)base;
  *out = c->row[c->i];
  return SQLITE_OK;
}

static const sqlite3_module across_module = {
    .iVersion = 2,
    .xConnect = across_connect,
    .xBestIndex = across_best_index,
    .xDisconnect = across_disconnect,
    .xOpen = across_open,
    .xClose = across_close,
    .xFilter = across_filter,
    .xNext = across_next,
    .xEof = across_eof,
    .xColumn = across_column,
    .xRowid = across_rowid,
};

int bv_across_register(sqlite3 *db, bv_store *s) {
  return sqlite3_create_module_v2(db, "bars_across", &across_module, bv_store_ref(s),
                                  bv_store_release);
}
