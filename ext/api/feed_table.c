/*
** feed_table.c - CREATE VIRTUAL TABLE ... USING bars_feed(...): prices with signals and context, point in time.
**
** The merging is data/join.h; here are the columns and the plans.
**
** idxStr has one letter per argument of xFilter, in order:
**   A asset (one value)   M assets (the values of an IN list)
**   = > } < {  ts equal to, after, not before, before, not after a value
**   e g f l k  the same of known_at; the core tests these again
** idxNum: bit 0 newest first; bits 8..23 the columns of bars that will be read; the value columns of sources
** that will be read are the bits of colUsed, which xFilter gets in idxStr after a ':', in hexadecimal.
*/
#include "api/args.h"
#include "api/asset_list.h"
#include "api/feed_columns.h"
#include "api/functions.h"
#include "api/handle.h"
#include "api/range.h"
#include "data/feature_take.h"
#include "data/join_def.h"
#include "base/buf.h"
#include "time/instant.h"

#include <stdlib.h>
#include <string.h>

#define PLAN_DESC  1
#define MASK_SHIFT 8
#define MAX_TERM   32

typedef struct feed_tab {
  sqlite3_vtab base;
  bv_store *store;
  bv_join_def def;
  int nvalue;   /* columns of the sources */
  bv_map names; /* of assets, which results of its cursors refer to */
} feed_tab;

/* An asset's name. */
typedef struct feed_name {
  const char *text;
  int n;
} feed_name;

typedef struct feed_cursor {
  sqlite3_vtab_cursor base;
  bv_join *join;
  const bv_tile *tile;
  int row;                  /* of the tile */
  feed_name *name;          /* of the assets, kept by the table: results refer to them */
  const bv_tile_col **from; /* per column: where in the tile it is; NULL: it is none of those */
  bool *wanted;
} feed_cursor;

/* ---- columns ---- */

static bv_rc declare(sqlite3 *db, const bv_join_def *d, bv_err *err) {
  bv_buf sql;
  bv_buf_init(&sql, BV_MEM_CURSOR, 1 << 20);
  bv_rc rc = bv_buf_adds(&sql, "CREATE TABLE x(ts INTEGER, asset TEXT, open REAL, high REAL,"
                               " low REAL, close REAL, volume REAL, known_at INTEGER,"
                               " vwap REAL HIDDEN, trades REAL HIDDEN, bars HIDDEN");
  for (int k = 0; k < d->nsource; k++) {
    for (int c = 0; c < d->source[k].ncolumn && rc == BV_OK; c++) {
      char *name = sqlite3_mprintf(", \"%w\"", d->source[k].column[c]);
      rc = name ? bv_buf_adds(&sql, name) : BV_NOMEM;
      sqlite3_free(name);
    }
  }
  if (rc == BV_OK) rc = bv_buf_adds(&sql, ")");
  if (rc == BV_OK) {
    int code = sqlite3_declare_vtab(db, bv_buf_text(&sql));
    if (code != SQLITE_OK) rc = bv_sql_fail(db, code, err, "columns");
  }
  bv_buf_reset(&sql);
  return rc;
}

/* ---- connecting ---- */

static bv_rc open_table(sqlite3 *db, feed_tab *tab, int argc, const char *const *argv,
                        bv_err *err) {
  BV_TRY(bv_join_def_read(db, argv[1], argv[2], argc - 3, argv + 3, &tab->def, err));
  BV_TRY(bv_feed_check_names(&tab->def, err));
  for (int k = 0; k < tab->def.nsource; k++) tab->nvalue += tab->def.source[k].ncolumn;
  return declare(db, &tab->def, err);
}

static int feed_connect(sqlite3 *db, void *store, int argc, const char *const *argv,
                        sqlite3_vtab **out, char **error) {
  bv_err err = {0};
  feed_tab *tab = bv_alloc0(BV_MEM_CURSOR, sizeof *tab);
  if (!tab) return SQLITE_NOMEM;
  bv_map_init(&tab->names);
  bv_rc rc = open_table(db, tab, argc, argv, &err);
  if (rc != BV_OK) {
    *error = rc == BV_NOMEM ? NULL : sqlite3_mprintf("%s: %s", argv[2], bv_err_text(&err, rc));
    bv_join_def_reset(&tab->def);
    bv_map_reset(&tab->names);
    bv_free(tab);
    return bv_sqlite_code(rc, &err);
  }
  sqlite3_vtab_config(db, SQLITE_VTAB_INNOCUOUS);
  tab->store = bv_store_ref(store);
  bv_store_vtab(tab->store, 1);
  *out = &tab->base;
  return SQLITE_OK;
}

/* Not the function above itself: a table that may be created and not used by the module's name alone. */
static int feed_create(sqlite3 *db, void *store, int argc, const char *const *argv,
                       sqlite3_vtab **out, char **error) {
  return feed_connect(db, store, argc, argv, out, error);
}

static void free_names(bv_map *names) {
  const bv_map_entry *e;
  for (size_t at = 0; (e = bv_map_next(names, &at)) != NULL;) bv_free(e->value);
  bv_map_reset(names);
}

static int feed_disconnect(sqlite3_vtab *base) {
  feed_tab *tab = (feed_tab *)base;
  bv_store_vtab(tab->store, -1);
  bv_join_def_reset(&tab->def);
  free_names(&tab->names);
  bv_store_unref(tab->store);
  bv_free(tab);
  return SQLITE_OK;
}

/* ---- plans ---- */

typedef struct plan {
  sqlite3_index_info *info;
  char letter[MAX_TERM + 32];
  int n;
  bool one;   /* a single asset */
  bool equal; /* a single time */
  bool lower, upper;
} plan;

static void use(plan *p, int term, char letter, bool omit) {
  p->letter[p->n++] = letter;
  p->info->aConstraintUsage[term].argvIndex = p->n;
  p->info->aConstraintUsage[term].omit = omit;
}

static char comparison(int op, const char *letters) {
  switch (op) {
  case SQLITE_INDEX_CONSTRAINT_EQ: return letters[0];
  case SQLITE_INDEX_CONSTRAINT_GT: return letters[1];
  case SQLITE_INDEX_CONSTRAINT_GE: return letters[2];
  case SQLITE_INDEX_CONSTRAINT_LT: return letters[3];
  case SQLITE_INDEX_CONSTRAINT_LE: return letters[4];
  default: return 0;
  }
}

static void use_asset(plan *p) {
  for (int i = 0; i < p->info->nConstraint; i++) {
    const struct sqlite3_index_constraint *c = &p->info->aConstraint[i];
    if (c->iColumn != BV_FEED_ASSET || c->op != SQLITE_INDEX_CONSTRAINT_EQ || !c->usable) continue;
    if (strcmp(sqlite3_vtab_collation(p->info, i), "BINARY") != 0) continue;
    bool many = sqlite3_vtab_in(p->info, i, 1);
    use(p, i, many ? 'M' : 'A', true);
    p->one = !many;
    return;
  }
}

static void use_times(plan *p) {
  for (int i = 0; i < p->info->nConstraint && p->n < MAX_TERM; i++) {
    const struct sqlite3_index_constraint *c = &p->info->aConstraint[i];
    bool known = c->iColumn == BV_FEED_KNOWN_AT;
    if (!c->usable || (c->iColumn != BV_FEED_TS && !known)) continue;
    char letter = comparison(c->op, known ? "egflk" : "=>}<{");
    if (!letter || (strchr("=e", letter) && sqlite3_vtab_in(p->info, i, -1))) continue;
    use(p, i, letter, !known);
    p->equal |= strchr("=e", letter) != NULL;
    p->lower |= strchr(">}gf", letter) != NULL;
    p->upper |= strchr("<{lk", letter) != NULL;
  }
}

/* Rows come in order of ts and, for one ts, of assets.  Bars that all last as long end in the order in which they
** begin, and so do those of one asset. */
static bv_rc order(const feed_tab *tab, plan *p, int *desc, bv_err *err) {
  sqlite3_index_info *info = p->info;
  *desc = 0;
  if (info->nOrderBy < 1 || info->nOrderBy > 2) return BV_OK;
  int first = info->aOrderBy[0].iColumn;
  bool even = p->one || bv_timestep_dur_s(tab->def.step) != 0;
  if (first != BV_FEED_TS && !(first == BV_FEED_KNOWN_AT && even)) return BV_OK;
  bool down = info->aOrderBy[0].desc;
  if (info->nOrderBy == 2 &&
      (down || info->aOrderBy[1].iColumn != BV_FEED_ASSET || info->aOrderBy[1].desc)) {
    return BV_OK;
  }
  /* newest first needs sources that can be walked back; else the core sorts */
  for (int k = 0; k < tab->def.nsource && down; k++) {
    bool seekable;
    BV_TRY(bv_feature_ordered(&tab->def.source[k], BV_WALK_BACK, &seekable, err));
    if (!seekable) return BV_OK;
  }
  info->orderByConsumed = 1;
  *desc = down ? PLAN_DESC : 0;
  return BV_OK;
}

static int feed_best_index(sqlite3_vtab *base, sqlite3_index_info *info) {
  feed_tab *tab = (feed_tab *)base;
  plan p = {.info = info};
  bv_err err = {0};
  int desc;
  use_asset(&p);
  use_times(&p);
  bv_rc rc = order(tab, &p, &desc, &err);
  if (rc != BV_OK) return bv_vtab_error_of(base, tab->def.name, rc, &err);
  unsigned mask = 0;
  for (int c = 0; c < BV_FEED_OWN; c++) {
    if ((info->colUsed >> c & 1) && bv_feed_bar_column[c] >= 0)
      mask |= BV_COLBIT(bv_feed_bar_column[c]);
  }
  info->idxNum = (int)(mask << MASK_SHIFT) | desc;
  info->idxStr = sqlite3_mprintf("%.*s:%llx", p.n, p.letter, (unsigned long long)info->colUsed);
  if (!info->idxStr) return SQLITE_NOMEM;
  info->needToFreeIdxStr = 1;
  double rows = p.one ? 100000 : 1000000;
  if (p.equal) {
    rows = p.one ? 1 : 100;
  } else {
    rows /= (p.lower ? 4 : 1) * (p.upper ? 4 : 1);
  }
  info->estimatedRows = (sqlite3_int64)rows;
  info->estimatedCost = 100 + 2 * rows;
  return SQLITE_OK;
}

/* ---- running ---- */

typedef struct request {
  bv_name_list asset;
  bool chosen; /* assets are given */
  bv_range range;
} request;

/* A bar that is known at t began between t less the longest and t less the shortest that it can last. */
static bv_rc compare_known_at(const feed_tab *tab, request *q, char letter, sqlite3_value *v,
                              bv_err *err) {
  int64_t min_s, max_s;
  bv_range known = bv_range_all(q->range.who);
  BV_TRY(bv_range_compare(&known, "known_at", "=>}<{"[strchr("egflk", letter) - "egflk"], v, err));
  bv_timestep_bounds_s(tab->def.step, &min_s, &max_s);
  if (known.nothing) q->range.nothing = true;
  if (known.lo != INT64_MIN && known.lo - max_s > q->range.lo) q->range.lo = known.lo - max_s;
  if (known.hi != INT64_MAX && known.hi - min_s < q->range.hi) q->range.hi = known.hi - min_s;
  return BV_OK;
}

static bv_rc bind(const feed_tab *tab, request *q, const char *letters, sqlite3_value **argv,
                  bv_err *err) {
  for (int i = 0; letters[i] != ':'; i++) {
    if (letters[i] == 'A') {
      q->chosen = true;
      BV_TRY(bv_asset_list_add(&q->asset, argv[i]));
    } else if (letters[i] == 'M') {
      q->chosen = true;
      BV_TRY(bv_asset_list_add_all(&q->asset, argv[i], q->range.who, err));
    } else if (strchr("egflk", letters[i])) {
      BV_TRY(compare_known_at(tab, q, letters[i], argv[i], err));
    } else {
      BV_TRY(bv_range_compare(&q->range, "ts", letters[i], argv[i], err));
    }
  }
  return BV_OK;
}

/* Texts given as results may be kept as long as the statement: longer than the join. */
static bv_rc keep_names(feed_cursor *c, feed_tab *tab) {
  int n = bv_join_lanes(c->join);
  bv_free(c->name);
  c->name = bv_alloc(BV_MEM_CURSOR, (size_t)n * sizeof *c->name + 1);
  if (!c->name) return BV_NOMEM;
  for (int i = 0; i < n; i++) {
    const char *asset = bv_join_source(c->join, i)->base.asset;
    char *kept = bv_map_find(&tab->names, asset, strlen(asset));
    if (!kept) {
      kept = bv_strdup(BV_MEM_CURSOR, asset);
      if (!kept) return BV_NOMEM;
      bv_rc rc = bv_map_put(&tab->names, asset, strlen(asset), kept);
      if (rc != BV_OK) {
        bv_free(kept);
        return rc;
      }
    }
    c->name[i] = (feed_name){kept, (int)strlen(kept)};
  }
  return BV_OK;
}

static bv_rc filter(feed_cursor *c, feed_tab *tab, request *q, int plan_bits, const char *letters,
                    sqlite3_value **argv, bv_err *err) {
  BV_TRY(bv_store_sync(tab->store, err));
  BV_TRY(bind(tab, q, letters, argv, err));
  if (q->range.nothing || q->range.lo >= q->range.hi || (q->chosen && q->asset.n == 0))
    return BV_OK;
  unsigned long long used = strtoull(strchr(letters, ':') + 1, NULL, 16);
  for (int i = 0; i < tab->nvalue; i++) {
    int bit = BV_FEED_OWN + i < 63 ? BV_FEED_OWN + i : 63;
    c->wanted[i] = used >> bit & 1;
  }
  const bv_join_request r = {.asset = q->chosen ? (const char *const *)q->asset.name : NULL,
                             .nasset = q->asset.n,
                             .lo = q->range.lo,
                             .hi = q->range.hi,
                             .desc = plan_bits & PLAN_DESC,
                             .mask = (unsigned)plan_bits >> MASK_SHIFT & 0xffff,
                             .wanted = c->wanted,
                             .handles = used >> BV_FEED_HANDLE & 1};
  BV_TRY(bv_join_open(tab->store, &tab->def, &r, &c->join, err));
  c->tile = bv_join_tile(c->join);
  for (int i = 0; i < BV_FEED_OWN; i++) {
    if (bv_feed_bar_column[i] >= 0) c->from[i] = &c->tile->own[bv_feed_bar_column[i]];
  }
  for (int i = 0; i < c->tile->nvalue; i++) c->from[BV_FEED_OWN + i] = &c->tile->value[i];
  return keep_names(c, tab);
}

static int feed_open(sqlite3_vtab *base, sqlite3_vtab_cursor **out) {
  feed_cursor *c = bv_alloc0(BV_MEM_CURSOR, sizeof *c);
  if (!c) return SQLITE_NOMEM;
  size_t nvalue = (size_t)((feed_tab *)base)->nvalue;
  c->wanted = bv_alloc0(BV_MEM_CURSOR, nvalue + 1);
  c->from = bv_alloc0(BV_MEM_CURSOR, (BV_FEED_OWN + nvalue) * sizeof *c->from);
  if (!c->wanted || !c->from) {
    bv_free(c->wanted);
    bv_free(c->from);
    bv_free(c);
    return SQLITE_NOMEM;
  }
  *out = &c->base;
  return SQLITE_OK;
}

static int feed_close(sqlite3_vtab_cursor *base) {
  feed_cursor *c = (feed_cursor *)base;
  bv_join_close(c->join);
  bv_free(c->name);
  bv_free(c->wanted);
  bv_free(c->from);
  bv_free(c);
  return SQLITE_OK;
}

static int feed_filter(sqlite3_vtab_cursor *base, int plan_bits, const char *letters, int argc,
                       sqlite3_value **argv) {
  (void)argc;
  feed_cursor *c = (feed_cursor *)base;
  feed_tab *tab = (feed_tab *)base->pVtab;
  bv_err err = {0};
  request q = {.range = bv_range_all(tab->def.name)};
  bv_join_close(c->join);
  c->join = NULL;
  c->tile = NULL;
  c->row = 0;
  bv_rc rc = filter(c, tab, &q, plan_bits, letters, argv, &err);
  bv_name_list_reset(&q.asset);
  return rc == BV_OK ? SQLITE_OK : bv_vtab_error_of(base->pVtab, tab->def.name, rc, &err);
}

static int feed_next(sqlite3_vtab_cursor *base) {
  feed_cursor *c = (feed_cursor *)base;
  if (++c->row < c->tile->n) return SQLITE_OK;
  bv_err err;
  bv_err_clear(&err);
  c->row = 0;
  bv_rc rc = bv_join_next(c->join, &err);
  if (rc == BV_OK) return SQLITE_OK;
  return bv_vtab_error_of(base->pVtab, ((feed_tab *)base->pVtab)->def.name, rc, &err);
}

static int feed_eof(sqlite3_vtab_cursor *base) {
  const feed_cursor *c = (const feed_cursor *)base;
  return !c->tile || c->row >= c->tile->n;
}

static inline void give(const bv_tile_col *col, int row, sqlite3_context *ctx) {
  if (col->ones) {
    sqlite3_result_double(ctx, col->word[row].r);
    return;
  }
  if (!col->word) return;
  switch (col->type[row]) {
  case BV_WORD_INT: sqlite3_result_int64(ctx, col->word[row].i); break;
  case BV_WORD_REAL: sqlite3_result_double(ctx, col->word[row].r); break;
  case BV_WORD_OTHER: sqlite3_result_value(ctx, col->word[row].v); break;
  default: break;
  }
}

static void give_name(const feed_name *name, sqlite3_context *ctx) {
  sqlite3_result_text(ctx, name->text, name->n, SQLITE_STATIC);
}

static int64_t known_at(const feed_cursor *c) {
  const bv_source *src = bv_join_source(c->join, c->tile->lane[c->row]);
  return bv_source_known_at(src, c->tile->ts[c->row]);
}

static int feed_column(sqlite3_vtab_cursor *base, sqlite3_context *ctx, int col) {
  const feed_cursor *c = (const feed_cursor *)base;
  const bv_tile *t = c->tile;
  if (c->from[col]) {
    give(c->from[col], c->row, ctx);
    return SQLITE_OK;
  }
  switch (col) {
  case BV_FEED_TS: sqlite3_result_int64(ctx, t->ts[c->row]); break;
  case BV_FEED_KNOWN_AT: sqlite3_result_int64(ctx, known_at(c)); break;
  case BV_FEED_ASSET: give_name(&c->name[t->lane[c->row]], ctx); break;
  default: bv_handle_result(ctx, bv_join_stream(c->join, c->row));
  }
  return SQLITE_OK;
}

/* A query with OR tells rows apart by their rowids, so the same bar has the same one in any plan. */
static int feed_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *out) {
  const feed_cursor *c = (const feed_cursor *)base;
  const bv_source *src = bv_join_source(c->join, c->tile->lane[c->row]);
  *out = (src->base.id & 0xffffff) << 39 | (c->tile->ts[c->row] - BV_INSTANT_MIN);
  if (src->base.home) *out = -*out;
  return SQLITE_OK;
}

static int feed_rename(sqlite3_vtab *base, const char *name) {
  feed_tab *tab = (feed_tab *)base;
  char *copy = bv_strdup(BV_MEM_CURSOR, name);
  if (!copy) return SQLITE_NOMEM;
  bv_free(tab->def.name);
  tab->def.name = copy;
  return SQLITE_OK;
}

static const sqlite3_module feed_module = {
    .iVersion = 2,
    .xCreate = feed_create,
    .xConnect = feed_connect,
    .xBestIndex = feed_best_index,
    .xDisconnect = feed_disconnect,
    .xDestroy = feed_disconnect,
    .xOpen = feed_open,
    .xClose = feed_close,
    .xFilter = feed_filter,
    .xNext = feed_next,
    .xEof = feed_eof,
    .xColumn = feed_column,
    .xRowid = feed_rowid,
    .xRename = feed_rename,
};

int bv_feed_register(sqlite3 *db, bv_store *s) {
  int code = bv_take_register(s);
  if (code != SQLITE_OK) return code;
  return sqlite3_create_module_v2(db, "bars_feed", &feed_module, bv_store_ref(s), bv_store_release);
}
