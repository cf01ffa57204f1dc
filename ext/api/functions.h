/*
** functions.h - registration of the SQL functions and small tables, one call per file.
*/
#ifndef BV_API_FUNCTIONS_H
#define BV_API_FUNCTIONS_H

#include "data/store.h"

/* Each returns a SQLITE_* code. */
int bv_fn_indicator_register(sqlite3 *db, bv_store *s); /* fn_indicator.c */
int bv_fn_ta_register(sqlite3 *db, bv_store *s);        /* fn_ta.c */
int bv_fn_store_register(sqlite3 *db, bv_store *s);     /* fn_store.c */
int bv_fn_asset_register(sqlite3 *db, bv_store *s);     /* fn_asset.c */
int bv_fn_import_register(sqlite3 *db, bv_store *s);    /* fn_import.c */
int bv_fn_export_register(sqlite3 *db, bv_store *s);    /* fn_export.c */
int bv_fn_partition_register(sqlite3 *db, bv_store *s); /* fn_partition.c */
int bv_fn_metric_register(sqlite3 *db, bv_store *s);    /* fn_metric.c */
int bv_fn_run_register(sqlite3 *db, bv_store *s);       /* fn_run.c */
int bv_compare_register(sqlite3 *db, bv_store *s);      /* compare_table.c */
int bv_fn_size_register(sqlite3 *db, bv_store *s);      /* fn_size.c */
int bv_info_register(sqlite3 *db, bv_store *s);         /* info_tables.c */
int bv_pending_register(sqlite3 *db, bv_store *s);      /* pending_table.c */
int bv_cache_tables_register(sqlite3 *db, bv_store *s); /* cache_tables.c */
int bv_fn_blob_register(sqlite3 *db, bv_store *s);      /* fn_blob.c */
int bv_fn_check_register(sqlite3 *db, bv_store *s);     /* fn_check.c */
int bv_gap_register(sqlite3 *db, bv_store *s);          /* gap_table.c */
int bv_validate_register(sqlite3 *db, bv_store *s);     /* validate_table.c */
int bv_feed_register(sqlite3 *db, bv_store *s);         /* feed_table.c */
int bv_audit_register(sqlite3 *db, bv_store *s);        /* audit_table.c */
int bv_fn_feature_register(sqlite3 *db, bv_store *s);   /* fn_feature.c */
int bv_fn_document_register(sqlite3 *db, bv_store *s);  /* fn_document.c */
int bv_diff_register(sqlite3 *db, bv_store *s);         /* diff_table.c */
int bv_above_register(sqlite3 *db, bv_store *s);        /* above_table.c */
int bv_across_register(sqlite3 *db, bv_store *s);       /* across_table.c */
int bv_quote_register(sqlite3 *db, bv_store *s);        /* quote_table.c */
int bv_summary_register(sqlite3 *db, bv_store *s);      /* summary_table.c */

/* bars_asset() for a property of barsvt_property (fn_asset.c). */
BV_MUST bv_rc bv_asset_property(bv_store *s, const char *asset, const char *name, sqlite3_value *v,
                                bv_err *err);

#endif
