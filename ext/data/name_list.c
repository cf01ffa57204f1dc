/* name_list.c - names of assets, copied; see name_list.h. */
#include "data/name_list.h"

#include <stdlib.h>
#include <string.h>

bv_rc bv_name_list_add(bv_name_list *l, const char *name) {
  BV_TRY(bv_room(BV_MEM_CURSOR, &l->name, l->n, sizeof *l->name));
  l->name[l->n] = bv_strdup(BV_MEM_CURSOR, name);
  return l->name[l->n] ? (l->n++, BV_OK) : BV_NOMEM;
}

static bv_rc add_of(bv_name_list *l, bv_store *home, const char *step, bv_err *err) {
  bool there;
  sqlite3_stmt *st;
  int row;
  bv_rc rc;
  BV_TRY(bv_store_has_schema(home, &there, err));
  if (!there) return BV_OK;
  BV_TRY(bv_store_prepare(home,
                          "SELECT a.asset FROM main.barsvt_asset a WHERE ?1 IS NULL OR EXISTS"
                          " (SELECT 1 FROM main.barsvt_series s WHERE s.asset = a.id"
                          " AND " BV_SERIES_STEP " = ?1)",
                          &st, err));
  sqlite3_bind_text(st, 1, step, -1, SQLITE_STATIC);
  while ((rc = bv_sql_row(home->db, st, &row, err, "barsvt_asset")) == BV_OK && row) {
    rc = bv_name_list_add(l, bv_sql_text(st, 0));
    if (rc != BV_OK) break;
  }
  sqlite3_finalize(st);
  return rc;
}

bv_rc bv_name_list_add_stored(bv_name_list *l, bv_store *s, const char *step, bv_err *err) {
  BV_TRY(add_of(l, s, step, err));
  for (int i = 0; i < s->nattached; i++) BV_TRY(add_of(l, s->attached[i], step, err));
  return BV_OK;
}

static int by_name(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

void bv_name_list_sort(bv_name_list *l) {
  int n = 0;
  if (l->n > 1) qsort(l->name, (size_t)l->n, sizeof *l->name, by_name);
  for (int i = 0; i < l->n; i++) {
    if (n > 0 && strcmp(l->name[n - 1], l->name[i]) == 0) {
      bv_free(l->name[i]);
    } else {
      l->name[n++] = l->name[i];
    }
  }
  l->n = n;
}

void bv_name_list_reset(bv_name_list *l) {
  for (int i = 0; i < l->n; i++) bv_free(l->name[i]);
  bv_free(l->name);
  *l = (bv_name_list){0};
}
