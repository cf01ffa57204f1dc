/* store.c - one connection's view of the store: statements, schema, generations; see store.h. */
#include "data/held.h"
#include "data/memo.h"
#include "data/store.h"
#include "data/partition.h"
#include "data/blocks.h"
#include "data/cachelog.h"
#include "data/checkpoint.h"
#include "data/settings.h"
#include "base/buf.h"
#include "col/segment.h"
#include "data/seg.h"
#include "data/sql.h"
#include "data/window.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

extern const char bv_sql_schema[];

#define VERSION 3 /* of the schema */

/* A series with what its checksum covers; `sum` is "s.checksum", or "NULL" where there is none. */
#define SERIES(sum, where)                                                                         \
  "SELECT s.id, a.asset, s.timestep, a.tz, a.multiplier, s.asset, s.venue, " sum                   \
  " FROM main.barsvt_series s JOIN main.barsvt_asset a ON a.id = s.asset WHERE " where
#define BY_NAME  "a.asset = ?1 AND s.timestep = ?2 AND s.venue = ?3"
#define OF_ASSET "a.asset = ?1 AND s.venue IN ('', 'bid', 'ask') ORDER BY s.id"
#define NEXT     "s.asset = ?1 AND s.id > ?2 ORDER BY s.id LIMIT 1"

#define HOT_VALUES "open, high, low, close, volume, vwap, trades, bid, ask, open_interest"
#define HOT_PUT(or)                                                                                \
  "INSERT OR " or " INTO main.barsvt_hot(series, ts, " HOT_VALUES ", checksum) VALUES "            \
                  "(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)"
#define HOT_PUT_UNSUMMED(or)                                                                       \
  "INSERT OR " or " INTO main.barsvt_hot(series, ts, " HOT_VALUES ") VALUES "                      \
                  "(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"
#define HOT_GET(sum)                                                                               \
  "SELECT " HOT_VALUES ", " sum " FROM main.barsvt_hot WHERE series = ?1 AND ts = ?2"

/* Sealed chunks are read by rowid, not by its name id: a damaged text of the table could make id another
** column, and everything sealed would seem to be gone. */
static const char *const stmt_sql[BV_ST_COUNT] = {
    [BV_ST_HAS_SCHEMA] =
        "SELECT name, sql LIKE '%checksum%' FROM main.sqlite_schema WHERE type = 'table'"
        " AND name IN ('barsvt_hot', 'barsvt_series', 'barsvt_partition_series')",
    [BV_ST_TOUCH] = "SELECT 1 FROM main.sqlite_schema LIMIT 1",
    [BV_ST_SERIES_FIND] = SERIES("s.checksum", BY_NAME),
    [BV_ST_SERIES_OF_ASSET] = SERIES("s.checksum", OF_ASSET),
    [BV_ST_SERIES_BY_ID] = SERIES("s.checksum", "s.id = ?1"),
    [BV_ST_SERIES_NEXT] = SERIES("s.checksum", NEXT),
    [BV_ST_SERIES_SIGN] = "UPDATE main.barsvt_series SET checksum = ?2 WHERE id = ?1",
    [BV_ST_ASSET_FIND] = "SELECT id, tz FROM main.barsvt_asset WHERE asset = ?1",
    [BV_ST_ASSET_ADD] = "INSERT INTO main.barsvt_asset(asset, tz) VALUES (?1, ?2)",
    [BV_ST_ASSET_TZ] = "UPDATE main.barsvt_asset SET tz = ?2 WHERE id = ?1",
    [BV_ST_SERIES_ADD] =
        "INSERT OR IGNORE INTO main.barsvt_series(asset, timestep, venue) VALUES (?1, ?2, ?3)",
    [BV_ST_HOT_INSERT] = HOT_PUT("IGNORE"),
    [BV_ST_HOT_REPLACE] = HOT_PUT("REPLACE"),
    [BV_ST_HOT_GET] = HOT_GET("checksum"),
    [BV_ST_HOT_COUNT] = "SELECT count(*) FROM (SELECT 1 FROM main.barsvt_hot WHERE series = ?1 AND"
                        " ts >= ?2 AND ts < ?3 LIMIT ?4)",
    [BV_ST_HOT_CLEAR] = "DELETE FROM main.barsvt_hot WHERE series = ?1 AND ts >= ?2 AND ts < ?3",
    [BV_ST_HOT_CHUNK] = "SELECT ts FROM main.barsvt_hot WHERE series = ?1 AND ts >= ?2"
                        " ORDER BY ts LIMIT 1",
    [BV_ST_SEG_GET] = "SELECT n, data, checksum FROM main.barsvt_seg WHERE rowid = ?1",
    [BV_ST_SEG_NEXT] =
        "SELECT rowid FROM main.barsvt_seg WHERE rowid BETWEEN ?1 AND ?2 ORDER BY rowid LIMIT 1",
    [BV_ST_SEG_PREV] = "SELECT rowid FROM main.barsvt_seg WHERE rowid BETWEEN ?1 AND ?2"
                       " ORDER BY rowid DESC LIMIT 1",
    [BV_ST_SEG_SPAN] = "SELECT coalesce(sum(n), 0), min(first), max(last) FROM main.barsvt_seg"
                       " WHERE rowid BETWEEN ?1 AND ?2 AND rowid & 15 = 15",
    [BV_ST_SEG_PUT] =
        "INSERT OR REPLACE INTO main.barsvt_seg VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8,"
        " ?9, ?10)",
    [BV_ST_SEG_DROP] = "DELETE FROM main.barsvt_seg WHERE id BETWEEN ?1 AND ?2",
    [BV_ST_SPAN] = "SELECT (SELECT min(ts) FROM main.barsvt_hot WHERE series = ?1),"
                   " (SELECT max(ts) FROM main.barsvt_hot WHERE series = ?1)",
    [BV_ST_REJECT] = "INSERT INTO main.barsvt_reject(source, asset, timestep, line, reason, text)"
                     " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    [BV_ST_UNSUMMED + BV_ST_SERIES_FIND] = SERIES("NULL", BY_NAME),
    [BV_ST_UNSUMMED + BV_ST_SERIES_OF_ASSET] = SERIES("NULL", OF_ASSET),
    [BV_ST_UNSUMMED + BV_ST_SERIES_BY_ID] = SERIES("NULL", "s.id = ?1"),
    [BV_ST_UNSUMMED + BV_ST_HOT_INSERT] = HOT_PUT_UNSUMMED("IGNORE"),
    [BV_ST_UNSUMMED + BV_ST_HOT_REPLACE] = HOT_PUT_UNSUMMED("REPLACE"),
    [BV_ST_UNSUMMED + BV_ST_HOT_GET] = HOT_GET("NULL"),
};

bv_rc bv_store_new(sqlite3 *db, bv_store **out) {
  *out = NULL;
  bv_store *s = bv_alloc0(BV_MEM_BASE, sizeof *s);
  if (!s) return BV_NOMEM;
  s->db = db;
  strcpy(s->schema, "main");
  s->refs = 1;
  s->clock = BV_NO_CLOCK;
  s->schema_state = -1;
  s->data_version = -1;
  s->zone = bv_zone_utc();
  s->level = BV_SEG_LEVEL_DEFAULT;
  s->threads = sysconf(_SC_NPROCESSORS_ONLN) > 1 ? 2 : 1;
  s->history = 5000;
  s->future = s->trim = 1000;
  bv_map_init(&s->series);
  bv_map_init(&s->windows);
  bv_map_init(&s->blocks);
  bv_map_init(&s->checkpoints);
  bv_map_init(&s->reach);
  bv_map_init(&s->sources);
  if (bv_log_resize(s, BV_LOG_ROWS) != BV_OK) {
    bv_free(s);
    return BV_NOMEM;
  }
  *out = s;
  return BV_OK;
}

bv_store *bv_store_ref(bv_store *s) {
  s->refs++;
  return s;
}

static void drop_statements(bv_store *s) {
  for (int i = 0; i < BV_ST_COUNT; i++) {
    sqlite3_finalize(s->stmt[i]);
    s->stmt[i] = NULL;
  }
  for (int i = 0; i < s->nread; i++) sqlite3_finalize(s->read[i].st);
  s->nread = 0;
  bv_memo_drop_statements(s);
  if (s->drop_features) s->drop_features(s->features);
}

static void drop_catalog(bv_store *s) {
  s->catalog++;
  bv_source_forget(s);
  size_t at = 0;
  for (const bv_map_entry *e; (e = bv_map_next(&s->series, &at));) bv_free(e->value);
  bv_map_reset(&s->series);
}

void bv_store_child_free(bv_store *a) {
  if (!a) return;
  bv_partitions_free(a);
  drop_statements(a);
  drop_catalog(a);
  bv_seg_cache_clear(a);
  bv_log_free(a);
  bv_free(a);
}

/* The connection's log has what happens in it. */
bv_rc bv_store_child(bv_store *parent, sqlite3 *db, const char *schema, const char *file,
                     bv_store **out) {
  bv_store *a;
  *out = NULL;
  if (bv_store_new(db, &a) != BV_OK) return BV_NOMEM;
  bv_log_free(a);
  snprintf(a->schema, sizeof a->schema, "%s", schema);
  snprintf(a->file, sizeof a->file, "%s", file);
  a->parent = parent;
  a->level = parent->level;
  *out = a;
  return BV_OK;
}

bv_store *bv_store_member(bv_store *s, int i) {
  if (i == 0) return s;
  for (int k = -1; k < s->nattached; k++) {
    bv_store *of = k < 0 ? s : s->attached[k], *part;
    if (k >= 0 && --i == 0) return of;
    for (int j = 0; (part = bv_partition_store(of, j)); j++) {
      if (--i == 0) return part;
    }
  }
  return NULL;
}

void bv_store_unref(bv_store *s) {
  if (!s || --s->refs > 0) return;
  assert(s->vtabs == 0);
  for (int i = 0; i < s->nattached; i++) bv_store_child_free(s->attached[i]);
  bv_partitions_free(s);
  drop_statements(s);
  drop_catalog(s);
  bv_window_drop_all(s);
  bv_map_reset(&s->windows);
  bv_blocks_drop_all(s);
  bv_map_reset(&s->blocks);
  bv_checkpoint_drop_all(s);
  bv_map_reset(&s->checkpoints);
  bv_settings_forget(s);
  bv_log_free(s);
  bv_held_free(s);
  bv_memo_free(s);
  bv_free(s->scratch);
  bv_free(s->left);
  bv_seg_cache_clear(s);
  while (s->free_handle) {
    void *next = *(void **)s->free_handle;
    bv_free(s->free_handle);
    s->free_handle = next;
  }
  bv_free(s);
}

void bv_store_vtab(bv_store *s, int delta) {
  s->vtabs += delta;
  if (s->vtabs > 0) return;
  drop_statements(s);
  for (int i = 0; i < s->nattached; i++) drop_statements(s->attached[i]);
}

bv_rc bv_store_anchor(bv_store *s, bv_err *err) {
  if (s->parent) s = s->parent;
  if (s->vtabs > 0) return BV_OK;
  sqlite3_stmt *st;
  BV_TRY(bv_sql_prepare(s->db, "SELECT 1 FROM bars_setting", &st, err));
  sqlite3_finalize(st);
  return s->vtabs > 0 ? BV_OK : bv_fail(err, BV_INTERNAL, "table bars_setting is hidden");
}

/* The statement's text with the schema's name in place of "main". */
bv_rc bv_store_prepare(bv_store *s, const char *sql, sqlite3_stmt **out, bv_err *err) {
  BV_TRY(bv_store_anchor(s, err));
  if (!s->parent) return bv_sql_prepare(s->db, sql, out, err);
  bv_buf text;
  bv_buf_init(&text, BV_MEM_BASE, 8192);
  bv_rc rc = BV_OK;
  for (const char *at; rc == BV_OK && (at = strstr(sql, "main.")); sql = at + 5) {
    char *name = sqlite3_mprintf("\"%w\".", s->schema);
    rc = name ? bv_buf_add(&text, sql, (size_t)(at - sql)) : BV_NOMEM;
    if (rc == BV_OK) rc = bv_buf_adds(&text, name);
    sqlite3_free(name);
  }
  if (rc == BV_OK) rc = bv_buf_adds(&text, sql);
  if (rc == BV_OK) rc = bv_sql_prepare(s->db, bv_buf_text(&text), out, err);
  bv_buf_reset(&text);
  return rc;
}

/* Which text a statement has in this file. */
static bv_rc of_version(bv_store *s, bv_stmt *which, bv_err *err) {
  bool there;
  if (*which >= BV_ST_UNSUMMED || !stmt_sql[BV_ST_UNSUMMED + *which]) return BV_OK;
  BV_TRY(bv_store_has_schema(s, &there, err));
  bool hot = *which == BV_ST_HOT_INSERT || *which == BV_ST_HOT_REPLACE || *which == BV_ST_HOT_GET;
  if (there && !(hot ? s->hot_sums : s->series_sums)) *which += BV_ST_UNSUMMED;
  return BV_OK;
}

bv_rc bv_store_stmt(bv_store *s, bv_stmt which, sqlite3_stmt **out, bv_err *err) {
  BV_TRY(of_version(s, &which, err));
  if (!s->stmt[which]) BV_TRY(bv_store_prepare(s, stmt_sql[which], &s->stmt[which], err));
  *out = s->stmt[which];
  return BV_OK;
}

void bv_store_changed(bv_store *s) {
  s->generation++;
  bv_blocks_drop_all(s);
  bv_checkpoint_drop_all(s);
}

void bv_store_wrote(bv_store *s, const bv_series *series, int64_t ts) {
  s->writes++;
  bv_window_written(s, series, ts);
  bv_blocks_written(s, series, ts);
  bv_checkpoint_written(s, series, ts);
}

void bv_store_catalog_grew(bv_store *s) {
  drop_catalog(s);
}

void bv_store_catalog_changed(bv_store *s) {
  bv_store_changed(s);
  drop_catalog(s);
}

void bv_store_rolled_back(bv_store *s) {
  s->schema_state = -1;
  s->seg_generation++;
  for (int i = 0; i < s->nattached; i++) s->attached[i]->seg_generation++;
  bv_store_catalog_changed(s);
  bv_window_drop_stale(s);
}

/* The pager knows whether another connection has committed as of the start of the current read
** transaction; where there is none, one is begun and ended by reading the schema. */
static bv_rc sync_one(bv_store *s, bool *changed, bv_err *err) {
  if (sqlite3_txn_state(s->db, s->schema) == SQLITE_TXN_NONE) {
    sqlite3_stmt *st;
    int row;
    BV_TRY(bv_store_stmt(s, BV_ST_TOUCH, &st, err));
    BV_TRY(bv_sql_row(s->db, st, &row, err, "database"));
    sqlite3_reset(st);
  }
  unsigned v = 0;
  int code = sqlite3_file_control(s->db, s->schema, SQLITE_FCNTL_DATA_VERSION, &v);
  if (code != SQLITE_OK) return bv_sql_fail(s->db, code, err, "data version");
  if (s->data_version == (int64_t)v) return BV_OK;
  if (s->data_version != -1) {
    s->schema_state = -1;
    s->seg_generation++;
    *changed = true;
  }
  s->data_version = v;
  return BV_OK;
}

void bv_store_committed(bv_store *s) {
  unsigned v = 0;
  int code = sqlite3_file_control(s->db, "main", SQLITE_FCNTL_DATA_VERSION, &v);
  if (code == SQLITE_OK && s->data_version != -1) s->data_version = v;
}

static const char *file_of(bv_store *s, const char *schema) {
  const char *file = sqlite3_db_filename(s->db, schema);
  return file ? file : "";
}

/* Whether the list of attached databases is still the one that is known. */
static bool same_attached(bv_store *s) {
  for (int i = 0;; i++) {
    const char *name = sqlite3_db_name(s->db, i + 2);
    if (i == s->nattached || !name) return i == s->nattached && !name;
    const bv_store *a = s->attached[i];
    if (strcmp(a->schema, name) != 0 ||
        strncmp(a->file, file_of(s, name), sizeof a->file - 1) != 0) {
      return false;
    }
  }
}

static bv_rc add_attached(bv_store *s, const char *name, bv_err *err) {
  if (s->nattached == BV_MAX_ATTACHED || strlen(name) >= sizeof s->schema) {
    return bv_fail(err, BV_LIMIT,
                   "database '%.64s' cannot be read: %d attached databases with names "
                   "of up to 63 bytes are",
                   name, BV_MAX_ATTACHED);
  }
  bv_store *a;
  BV_TRY(bv_store_child(s, s->db, name, file_of(s, name), &a));
  s->attached[s->nattached++] = a;
  return BV_OK;
}

/* sqlite3_db_name() came with 3.39.0; an older host has main alone. */
static bv_rc sync_attached(bv_store *s, bool *changed, bv_err *err) {
  if (sqlite3_libversion_number() < 3039000) return BV_OK;
  if (!same_attached(s)) {
    *changed = true;
    while (s->nattached > 0) bv_store_child_free(s->attached[--s->nattached]);
    const char *name;
    for (int i = 2; (name = sqlite3_db_name(s->db, i)); i++) BV_TRY(add_attached(s, name, err));
  }
  for (int i = 0; i < s->nattached; i++) BV_TRY(sync_one(s->attached[i], changed, err));
  return BV_OK;
}

bv_rc bv_store_sync(bv_store *s, bv_err *err) {
  return s->frozen ? BV_OK : bv_store_look(s, err);
}

bv_rc bv_store_look(bv_store *s, bv_err *err) {
  bool changed = false;
  bv_rc rc = sync_one(s, &changed, err);
  if (rc == BV_OK) rc = sync_attached(s, &changed, err);
  if (changed) {
    bv_store_catalog_changed(s);
    bv_window_drop_stale(s);
  }
  return rc;
}

/* The first row of the schema, not stepped further, keeps a read transaction open. */
bv_rc bv_store_hold(bv_store *s, bv_err *err) {
  if (!s->frozen && sqlite3_txn_state(s->db, s->schema) == SQLITE_TXN_NONE) {
    sqlite3_stmt *st;
    int row;
    BV_TRY(bv_store_stmt(s, BV_ST_TOUCH, &st, err));
    BV_TRY(bv_sql_row(s->db, st, &row, err, "database"));
  }
  bv_rc rc = bv_store_sync(s, err);
  if (rc != BV_OK) bv_store_let_go(s);
  return rc;
}

void bv_store_let_go(bv_store *s) {
  sqlite3_stmt *st = s->stmt[BV_ST_TOUCH];
  if (st && sqlite3_stmt_busy(st)) sqlite3_reset(st);
}

/* An INSERT of no rows still begins a transaction on the virtual table. */
bv_rc bv_store_enlist(bv_store *s, bv_err *err) {
  return bv_sql_exec(s->db, "INSERT INTO bars(asset) SELECT NULL WHERE 0", err);
}

bv_rc bv_store_savepoint(bv_store *s, bv_savepoint *sp, bv_err *err) {
  BV_TRY(bv_savepoint_open(s->db, sp, err));
  bv_rc rc = bv_store_enlist(s, err);
  if (rc == BV_OK) rc = bv_savepoint_guard_schema(s->db, sp, err);
  return rc == BV_OK ? BV_OK : bv_savepoint_close(s->db, sp, rc, err);
}

static bv_rc look_at_schema(bv_store *s, sqlite3_stmt *st, bv_err *err) {
  int row;
  bool there = false;
  s->hot_sums = s->series_sums = s->partitioned = false;
  for (;;) {
    BV_TRY(bv_sql_row(s->db, st, &row, err, "schema"));
    if (!row) break;
    const char *name = bv_sql_text(st, 0);
    bool hot = strcmp(name, "barsvt_hot") == 0, sums = sqlite3_column_int(st, 1);
    there = there || hot;
    if (hot) {
      s->hot_sums = sums;
    } else if (strcmp(name, "barsvt_series") == 0) {
      s->series_sums = sums;
    } else {
      s->partitioned = true;
    }
  }
  s->schema_state = there;
  s->version = 0;
  return BV_OK;
}

bv_rc bv_store_has_schema(bv_store *s, bool *out, bv_err *err) {
  if (s->schema_state < 0) {
    sqlite3_stmt *st;
    BV_TRY(bv_store_stmt(s, BV_ST_HAS_SCHEMA, &st, err));
    bv_rc rc = look_at_schema(s, st, err);
    sqlite3_reset(st);
    if (rc != BV_OK) return rc;
  }
  *out = s->schema_state == 1;
  return BV_OK;
}

/* A missing or senseless version is for bars_check to report. */
bv_rc bv_store_usable(bv_store *s, bool *out, bv_err *err) {
  BV_TRY(bv_store_has_schema(s, out, err));
  if (!*out || s->version > 0) return BV_OK;
  sqlite3_stmt *st;
  int row;
  BV_TRY(bv_store_prepare(s, "SELECT value FROM main.barsvt_meta WHERE key = 'version'", &st, err));
  bv_rc rc = bv_sql_row(s->db, st, &row, err, "barsvt_meta");
  int64_t version = row ? sqlite3_column_int64(st, 0) : 1;
  sqlite3_finalize(st);
  if (rc != BV_OK) return rc;
  if (version > VERSION) {
    return bv_fail(err, BV_CORRUPT,
                   "barsvt_meta: the store in %s is of version %lld, this library knows versions "
                   "up to %d: use the newer library that made it",
                   s->schema, (long long)version, VERSION);
  }
  s->version = version < 1 ? 1 : (int)version;
  return BV_OK;
}

bv_rc bv_store_create_schema(bv_store *s, bv_err *err) {
  bool there;
  BV_TRY(bv_store_usable(s, &there, err));
  if (there) return BV_OK;
  BV_TRY(bv_sql_exec(s->db, bv_sql_schema, err));
  s->schema_state = -1;
  return bv_store_has_schema(s, &there, err);
}
