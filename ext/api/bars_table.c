/* bars_table.c - the tables bars, bars_agg and bars_asof: columns, connection; see bars_table.h. */
#include "api/args.h"
#include "api/bars_table.h"

#include <string.h>

#define BAR_COLUMNS                                                                                \
  "ts INTEGER, open REAL, high REAL, low REAL, close REAL, volume REAL, vwap REAL, trades REAL, "  \
  "known_at INTEGER, time TEXT"
#define BAR_FIELDS                                                                                 \
  BV_F_TS, BV_F_OPEN, BV_F_HIGH, BV_F_LOW, BV_F_CLOSE, BV_F_VOLUME, BV_F_VWAP, BV_F_TRADES,        \
      BV_F_KNOWN_AT, BV_F_TIME

static const bv_bars_kind kinds[] = {
    {.name = "bars",
     .columns =
         BAR_COLUMNS ", asset TEXT HIDDEN, timestep TEXT HIDDEN, start HIDDEN, \"end\" HIDDEN,"
                     " bars HIDDEN, bid REAL HIDDEN, ask REAL HIDDEN,"
                     " open_interest REAL HIDDEN",
     .example = "bars('SPY', 'minute')",
     .nfield = 18,
     .field = {BAR_FIELDS, BV_F_ASSET, BV_F_TIMESTEP, BV_F_START, BV_F_END, BV_F_HANDLE, BV_F_BID,
               BV_F_ASK, BV_F_OI}},
    {.name = "bars_agg",
     .columns = BAR_COLUMNS ", complete INTEGER, filled INTEGER, count INTEGER, asset TEXT HIDDEN,"
                            " timestep TEXT HIDDEN, start HIDDEN, \"end\" HIDDEN, tz TEXT HIDDEN,"
                            " session TEXT HIDDEN, fill TEXT HIDDEN, partial HIDDEN,"
                            " base TEXT HIDDEN,"
                            " bars_agg HIDDEN",
     .example = "bars_agg('SPY', '15 minutes')",
     .nfield = 23,
     .agg = true,
     .field = {BAR_FIELDS, BV_F_COMPLETE, BV_F_FILLED, BV_F_COUNT, BV_F_ASSET, BV_F_TIMESTEP,
               BV_F_START, BV_F_END, BV_F_TZ, BV_F_SESSION, BV_F_FILL, BV_F_PARTIAL, BV_F_BASE,
               BV_F_HANDLE}},
    {.name = "bars_asof",
     .columns =
         BAR_COLUMNS ", asset TEXT HIDDEN, timestep TEXT HIDDEN, at HIDDEN, tolerance HIDDEN,"
                     " bars_asof HIDDEN",
     .example = "bars_asof('SPY', 'minute', '2024-01-03 15:30')",
     .nfield = 15,
     .asof = true,
     .field = {BAR_FIELDS, BV_F_ASSET, BV_F_TIMESTEP, BV_F_AT, BV_F_TOLERANCE, BV_F_HANDLE}},
};

bv_column bv_field_column(bv_field f) {
  static const signed char col[BV_NFIELD] = {
      [BV_F_OPEN] = BV_COL_OPEN + 1,     [BV_F_HIGH] = BV_COL_HIGH + 1,
      [BV_F_LOW] = BV_COL_LOW + 1,       [BV_F_CLOSE] = BV_COL_CLOSE + 1,
      [BV_F_VOLUME] = BV_COL_VOLUME + 1, [BV_F_VWAP] = BV_COL_VWAP + 1,
      [BV_F_TRADES] = BV_COL_TRADES + 1, [BV_F_FILLED] = BV_COL_FILLED + 1,
      [BV_F_COUNT] = BV_COL_COUNT + 1,   [BV_F_BID] = BV_COL_BID + 1,
      [BV_F_ASK] = BV_COL_ASK + 1,       [BV_F_OI] = BV_COL_OI + 1};
  return (bv_column)(col[f] - 1);
}

static int connect(sqlite3 *db, void *aux, int argc, const char *const *argv, sqlite3_vtab **out,
                   char **error) {
  bv_store *store = aux;
  const bv_bars_kind *kind = NULL;
  for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
    if (argc > 0 && strcmp(argv[0], kinds[k].name) == 0) kind = &kinds[k];
  }
  if (!kind) return SQLITE_INTERNAL;
  char *sql = sqlite3_mprintf("CREATE TABLE x(%s)", kind->columns);
  if (!sql) return SQLITE_NOMEM;
  int code = sqlite3_declare_vtab(db, sql);
  sqlite3_free(sql);
  if (code != SQLITE_OK) {
    *error = sqlite3_mprintf("%s: %s", kind->name, sqlite3_errmsg(db));
    return code;
  }
  /* Readers never write or fetch, so views over these tables are safe in any schema. */
  sqlite3_vtab_config(db, SQLITE_VTAB_INNOCUOUS);
  sqlite3_vtab_config(db, SQLITE_VTAB_CONSTRAINT_SUPPORT, 1);
  bv_bars_tab *tab = bv_alloc0(BV_MEM_CURSOR, sizeof *tab);
  if (!tab) return SQLITE_NOMEM;
  tab->store = bv_store_ref(store);
  tab->kind = kind;
  for (int i = 0; i < BV_NFIELD; i++) {
    bv_field f = i < kind->nfield ? (bv_field)kind->field[i] : BV_F_TS;
    bool whole = f == BV_F_COUNT || f == BV_F_FILLED;
    tab->value[i] = (signed char)(whole ? BV_COL_NONE : bv_field_column(f));
  }
  bv_store_vtab(store, 1);
  *out = &tab->base;
  return SQLITE_OK;
}

static int disconnect(sqlite3_vtab *base) {
  bv_bars_tab *tab = (bv_bars_tab *)base;
  bv_store_vtab(tab->store, -1);
  bv_store_unref(tab->store);
  bv_free(tab);
  return SQLITE_OK;
}

/* xCreate is absent: the tables exist by name only (eponymous). */
static const sqlite3_module stored_module = {
    .iVersion = 2,
    .xConnect = connect,
    .xBestIndex = bv_bars_best_index,
    .xDisconnect = disconnect,
    .xOpen = bv_bars_open,
    .xClose = bv_bars_close,
    .xFilter = bv_bars_filter,
    .xNext = bv_bars_next,
    .xEof = bv_bars_eof,
    .xColumn = bv_bars_column,
    .xRowid = bv_bars_rowid,
    .xUpdate = bv_bars_update,
    .xBegin = bv_bars_begin,
    .xCommit = bv_bars_commit,
    .xRollback = bv_bars_rollback,
    .xSavepoint = bv_bars_savepoint,
    .xRelease = bv_bars_savepoint,
    .xRollbackTo = bv_bars_rollback_to,
};

static const sqlite3_module reading_module = {
    .iVersion = 2,
    .xConnect = connect,
    .xBestIndex = bv_bars_best_index,
    .xDisconnect = disconnect,
    .xOpen = bv_bars_open,
    .xClose = bv_bars_close,
    .xFilter = bv_bars_filter,
    .xNext = bv_bars_next,
    .xEof = bv_bars_eof,
    .xColumn = bv_bars_column,
    .xRowid = bv_bars_rowid,
};

int bv_bars_register(sqlite3 *db, bv_store *s) {
  for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
    const sqlite3_module *m = kinds[k].agg || kinds[k].asof ? &reading_module : &stored_module;
    int code = sqlite3_create_module_v2(db, kinds[k].name, m, bv_store_ref(s), bv_store_release);
    if (code != SQLITE_OK) return code; /* the core has released the reference */
  }
  return SQLITE_OK;
}
