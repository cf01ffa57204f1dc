/* asset_list.c - the assets that a query asks for; see asset_list.h. */
#include "api/asset_list.h"
#include "api/args.h"

bv_rc bv_asset_list_add(bv_name_list *l, sqlite3_value *v) {
  if (bv_arg_null(v)) return BV_OK;
  const char *text = bv_arg_text(v);
  return text ? bv_name_list_add(l, text) : BV_NOMEM;
}

bv_rc bv_asset_list_add_all(bv_name_list *l, sqlite3_value *in, const char *who, bv_err *err) {
  sqlite3_value *one;
  int code = sqlite3_vtab_in_first(in, &one);
  for (; code == SQLITE_OK && one; code = sqlite3_vtab_in_next(in, &one)) {
    BV_TRY(bv_asset_list_add(l, one));
  }
  if (code == SQLITE_OK || code == SQLITE_DONE) return BV_OK;
  return bv_fail_native(err, BV_ARG, code, "%s: the list of assets cannot be read", who);
}
