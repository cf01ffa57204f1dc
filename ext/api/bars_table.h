/*
** bars_table.h - the tables bars, bars_agg and bars_asof.
**
** One implementation serves the three; a bv_bars_kind says which columns a table has, in order.
** Arguments are hidden columns.  The parts: bars_plan.c chooses a plan (xBestIndex), bars_cursor.c
** runs it, bars_write.c changes stored bars, bars_table.c connects them.
*/
#ifndef BV_API_BARS_TABLE_H
#define BV_API_BARS_TABLE_H

#include "data/view.h"

/* What a column is. */
typedef enum bv_field {
  BV_F_TS,
  BV_F_OPEN,
  BV_F_HIGH,
  BV_F_LOW,
  BV_F_CLOSE,
  BV_F_VOLUME,
  BV_F_VWAP,
  BV_F_TRADES,
  BV_F_KNOWN_AT,
  BV_F_TIME,
  BV_F_COMPLETE,
  BV_F_FILLED,
  BV_F_COUNT,
  BV_F_BID,
  BV_F_ASK,
  BV_F_OI,
  BV_F_HANDLE,
  /* arguments */
  BV_F_ASSET,
  BV_F_TIMESTEP,
  BV_F_START,
  BV_F_END,
  BV_F_AT,
  BV_F_TOLERANCE,
  BV_F_TZ,
  BV_F_SESSION,
  BV_F_FILL,
  BV_F_PARTIAL,
  BV_F_BASE,
  BV_NFIELD
} bv_field;

#define BV_FIRST_ARG BV_F_ASSET

typedef struct bv_bars_kind {
  const char *name;    /* "bars" */
  const char *columns; /* for CREATE TABLE */
  const char *example; /* a call that works, for error texts */
  int nfield;
  bool agg, asof;
  signed char field[BV_NFIELD]; /* column number -> bv_field */
} bv_bars_kind;

typedef struct bv_bars_tab {
  sqlite3_vtab base;
  bv_store *store;
  const bv_bars_kind *kind;
  signed char value[BV_NFIELD]; /* column number -> bv_column where it is a plain value, else -1 */
} bv_bars_tab;

/* ---- plans ----
**
** idxStr has one letter per argument of xFilter, in order:
**   A asset (one value)   M assets (the values of an IN list)
**   an argument field f is the letter 'a' + (f - BV_FIRST_ARG)
**   = > } < {  ts equal to, after, not before, before, not after a value
**   ] ?  known_at not after a value (or before, or equal to it), or after one: see that it is a number
** idxNum: bit 0 newest first; bit 1 rows must come in order of time over all assets; bit 2 that
** order is by known_at instead of ts; bits 8..23 the columns that will be read, BV_COLBIT each.
*/
#define BV_PLAN_MISSING    '!' /* idxStr of a plan that cannot run: this and the argument's name */
#define BV_PLAN_EXTRA      '+' /* the same: more values than arguments */
#define BV_PLAN_COLLATED   '~' /* the same, the argument being compared by a collation */
#define BV_PLAN_DESC       1
#define BV_PLAN_MERGE      2
#define BV_PLAN_KNOWN      4
#define BV_PLAN_MASK_SHIFT 8

int bv_bars_best_index(sqlite3_vtab *tab, sqlite3_index_info *info);

int bv_bars_open(sqlite3_vtab *tab, sqlite3_vtab_cursor **out);
int bv_bars_close(sqlite3_vtab_cursor *cur);
int bv_bars_filter(sqlite3_vtab_cursor *cur, int plan, const char *letters, int argc,
                   sqlite3_value **argv);
int bv_bars_next(sqlite3_vtab_cursor *cur);
int bv_bars_eof(sqlite3_vtab_cursor *cur);
int bv_bars_column(sqlite3_vtab_cursor *cur, sqlite3_context *ctx, int col);
int bv_bars_rowid(sqlite3_vtab_cursor *cur, sqlite3_int64 *out);

/* A stored bar's rowid: the series' number and the bar's time. */
sqlite3_int64 bv_bars_make_rowid(int64_t series, int64_t ts);
void bv_bars_split_rowid(sqlite3_int64 rowid, int64_t *series, int64_t *ts);

int bv_bars_update(sqlite3_vtab *tab, int argc, sqlite3_value **argv, sqlite3_int64 *rowid);
int bv_bars_begin(sqlite3_vtab *tab);
int bv_bars_commit(sqlite3_vtab *tab);
int bv_bars_rollback(sqlite3_vtab *tab);
int bv_bars_savepoint(sqlite3_vtab *tab, int n);
int bv_bars_rollback_to(sqlite3_vtab *tab, int n);

/* Register the three tables. */
int bv_bars_register(sqlite3 *db, bv_store *s);

/* The column of values a field shows, BV_COL_NONE for others. */
bv_column bv_field_column(bv_field f);

#endif
