/* asset_list.c - the assets that a query asks for; see asset_list.h. */
#include "api/asset_list.h"
#include "api/args.h"

bv_rc bv_asset_list_add(bv_asset_list *l, sqlite3_value *v) {
  if (bv_arg_null(v)) return BV_OK;
  BV_TRY(bv_room(BV_MEM_CURSOR, &l->name, l->n, sizeof *l->name));
  const char *text = bv_arg_text(v);
  char *copy = text ? bv_strdup(BV_MEM_CURSOR, text) : NULL;
  if (!copy) return BV_NOMEM;
  l->name[l->n++] = copy;
  return BV_OK;
}

bv_rc bv_asset_list_add_all(bv_asset_list *l, sqlite3_value *in, const char *who, bv_err *err) {
  sqlite3_value *one;
  int code = sqlite3_vtab_in_first(in, &one);
  for (; code == SQLITE_OK && one; code = sqlite3_vtab_in_next(in, &one)) {
    BV_TRY(bv_asset_list_add(l, one));
  }
  if (code == SQLITE_OK || code == SQLITE_DONE) return BV_OK;
  return bv_fail_native(err, BV_ARG, code, "%s: the list of assets cannot be read", who);
}

void bv_asset_list_reset(bv_asset_list *l) {
  for (int i = 0; i < l->n; i++) bv_free(l->name[i]);
  bv_free(l->name);
  *l = (bv_asset_list){0};
}
