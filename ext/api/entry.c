/*
** entry.c - the entry point: register everything with a connection.
*/
#define BV_ENTRY_UNIT
#include "data/db.h"
SQLITE_EXTENSION_INIT1

#include "api/bars_table.h"
#include "api/functions.h"
#include "barsvt.h"

/* Oldest host that has sqlite3_vtab_in() and sqlite3_vtab_rhs_value(). */
#define MIN_SQLITE 3038000

static int refuse(char **error, const char *why) {
  if (error) *error = sqlite3_mprintf("libbarsvt: %s", why);
  return SQLITE_ERROR;
}

static int register_all(sqlite3 *db, bv_store *s) {
  static int (*const part[])(sqlite3 *, bv_store *) = {
      bv_bars_register,       bv_fn_store_register,     bv_fn_indicator_register,
      bv_fn_import_register,  bv_fn_run_register,       bv_info_register,
      bv_summary_register,    bv_gap_register,          bv_fn_check_register,
      bv_fn_export_register,  bv_fn_partition_register, bv_cache_tables_register,
      bv_fn_blob_register,    bv_fn_metric_register,    bv_fn_ta_register,
      bv_validate_register,   bv_feed_register,         bv_audit_register,
      bv_above_register,      bv_across_register,       bv_fn_asset_register,
      bv_diff_register,       bv_fn_size_register,      bv_pending_register,
      bv_fn_feature_register, bv_compare_register,      bv_fn_document_register,
      bv_quote_register};
  for (size_t i = 0; i < sizeof part / sizeof *part; i++) {
    int code = part[i](db, s);
    if (code != SQLITE_OK) return code;
  }
  return SQLITE_OK;
}

__attribute__((visibility("default"))) int sqlite3_barsvt_init(sqlite3 *db, char **error,
                                                               const sqlite3_api_routines *api) {
  SQLITE_EXTENSION_INIT2(api);
  (void)api;
  if (sqlite3_libversion_number() < MIN_SQLITE) {
    return refuse(error, "SQLite 3.38.0 or later is needed");
  }
  bv_store *s;
  if (bv_store_new(db, &s) != BV_OK) return SQLITE_NOMEM;
  int code = register_all(db, s);
  bv_store_unref(s); /* modules and functions hold their own references */
  if (code != SQLITE_OK) return refuse(error, sqlite3_errmsg(db));
  return SQLITE_OK_LOAD_PERMANENTLY; /* loaded zones live as long as the process */
}
