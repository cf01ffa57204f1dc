/* join_universe.c - the assets a join is about; see join_universe.h. */
#include "data/join_universe.h"

#include <stdio.h>
#include <string.h>

typedef struct names {
  bv_name_list list;
  const bv_map *only; /* NULL: all */
} names;

static bv_rc add(names *l, const char *name) {
  if (l->only && !bv_map_find(l->only, name, strlen(name))) return BV_OK;
  return bv_name_list_add(&l->list, name);
}

/* The texts of a statement's first column; it is finalized. */
static bv_rc add_rows(names *l, sqlite3 *db, sqlite3_stmt *st, const char *doing, bv_err *err) {
  int row;
  bv_rc rc;
  while ((rc = bv_sql_row(db, st, &row, err, doing)) == BV_OK && row) {
    if (sqlite3_column_type(st, 0) != SQLITE_NULL) rc = add(l, bv_sql_text(st, 0));
    if (rc != BV_OK) break;
  }
  sqlite3_finalize(st);
  return rc;
}

static bv_rc add_table(names *l, bv_store *s, const char *table, bv_err *err) {
  sqlite3_stmt *st;
  char *sql = sqlite3_mprintf("SELECT asset FROM %s", table);
  if (!sql) return BV_NOMEM;
  bv_err why = {0};
  bv_rc rc = bv_sql_prepare(s->db, sql, &st, &why);
  sqlite3_free(sql);
  if (rc != BV_OK)
    return bv_fail_native(err, rc, why.native, "universe: %s", bv_err_text(&why, rc));
  return add_rows(l, s->db, st, "universe", err);
}

/* ", day, minute": the timesteps of a store, behind those that are in the text already. */
static bv_rc add_steps(bv_store *s, bv_store *home, char *list, size_t size, bv_err *err) {
  bool there;
  sqlite3_stmt *st;
  int row;
  bv_rc rc;
  BV_TRY(bv_store_has_schema(home, &there, err));
  if (!there) return BV_OK;
  BV_TRY(bv_store_prepare(
      home, "SELECT DISTINCT " BV_SERIES_STEP " FROM main.barsvt_series s ORDER BY 1", &st, err));
  while ((rc = bv_sql_row(s->db, st, &row, err, "barsvt_series")) == BV_OK && row) {
    char item[64];
    snprintf(item, sizeof item, ", %.40s", bv_sql_text(st, 0));
    if (!strstr(list, item) && strlen(list) + strlen(item) < size) strcat(list, item);
  }
  sqlite3_finalize(st);
  return rc;
}

/* Nobody has bars of the timestep. */
static bv_rc no_such_bars(bv_store *s, const bv_join_def *def, bv_err *err) {
  char list[160] = "";
  BV_TRY(add_steps(s, s, list, sizeof list, err));
  for (int i = 0; i < s->nattached; i++) {
    BV_TRY(add_steps(s, s->attached[i], list, sizeof list, err));
  }
  if (!list[0]) {
    return bv_fail(err, BV_NOTFOUND,
                   "%s: no bars are stored in this database yet; load some with bars_import() or "
                   "INSERT INTO bars",
                   def->name);
  }
  return bv_fail(err, BV_NOTFOUND, "%s: no '%.40s' bars are stored (there are: %s)", def->name,
                 def->step_text, list + 2);
}

static bv_rc gather(names *l, bv_store *s, const bv_join_def *def, const char *const *asked,
                    int nasked, bv_err *err) {
  if (def->universe_table) return add_table(l, s, def->universe_table, err);
  for (int i = 0; i < def->nasset; i++) BV_TRY(add(l, def->asset[i]));
  if (def->nasset) return BV_OK;
  for (int i = 0; i < nasked; i++) BV_TRY(add(l, asked[i]));
  if (asked) return BV_OK;
  BV_TRY(bv_name_list_add_stored(&l->list, s, def->step_text, err));
  return l->list.n > 0 ? BV_OK : no_such_bars(s, def, err);
}

bv_rc bv_join_universe(bv_store *s, const bv_join_def *def, const char *const *asked, int nasked,
                       bv_name_list *out, bv_err *err) {
  bv_map only;
  bv_map_init(&only);
  names l = {.only = asked ? &only : NULL};
  bv_rc rc = BV_OK;
  for (int i = 0; i < nasked && rc == BV_OK; i++) {
    rc = bv_map_put(&only, asked[i], strlen(asked[i]), &only);
  }
  if (rc == BV_OK) rc = gather(&l, s, def, asked, nasked, err);
  bv_map_reset(&only);
  if (rc != BV_OK) {
    bv_name_list_reset(&l.list);
    return rc;
  }
  bv_name_list_sort(&l.list);
  *out = l.list;
  return BV_OK;
}
