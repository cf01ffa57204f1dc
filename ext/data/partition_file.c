/* partition_file.c - making the file of a partition; see partition_file.h. */
#include "data/partition_file.h"
#include "data/barhash.h"
#include "data/compact.h"
#include "data/fingerprint.h"
#include "data/partition.h"
#include "data/raw.h"
#include "data/seg.h"
#include "data/sql.h"
#include "data/summary.h"
#include "time/instant.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define NAMES 1000 /* tried for one file */

static bv_rc fail_file(const char *path, const char *what, bv_err *err) {
  return bv_fail(err, BV_IO, "bars_partition(): %s cannot be %s: %s", path, what, strerror(errno));
}

/* ---- writing ---- */

/* What an asset is beside its name and zone. */
static bv_rc write_asset(bv_store *p, const bv_series *series, bv_err *err) {
  sqlite3_stmt *st;
  int row;
  if (series->multiplier == 1.0) return BV_OK;
  BV_TRY(bv_sql_prepare(
      p->db, "UPDATE barsvt_asset SET multiplier = ?2 WHERE asset = ?1 RETURNING id", &st, err));
  sqlite3_bind_text(st, 1, series->asset, -1, SQLITE_STATIC);
  sqlite3_bind_double(st, 2, series->multiplier);
  bv_rc rc = bv_sql_row(p->db, st, &row, err, "barsvt_asset");
  const int64_t id = row ? sqlite3_column_int64(st, 0) : -1;
  sqlite3_finalize(st);
  return rc == BV_OK ? bv_series_sign(p, id, err) : rc;
}

static void count(bv_moving *m, const bv_bars *bars) {
  if (m->n == 0) m->first = bars->ts[0];
  m->last = bars->ts[bars->n - 1];
  m->n += bars->n;
  m->hash += bv_bars_hash(bars);
}

/* The bars of one series, chunk by chunk: chunks are cut alike in all files. */
static bv_rc write_series(bv_store *s, bv_store *p, const bv_partition_file *f, bv_moving *m,
                          bv_err *err) {
  bv_series inner;
  bv_chunk bars;
  BV_TRY(bv_series_make(p, m->series.asset, m->series.step, bv_zone_name(m->series.zone), &inner,
                        err));
  BV_TRY(write_asset(p, &m->series, err));
  bv_chunk_init(&bars, BV_MEM_IMPORT, BV_STORED_MASK);
  bv_rc rc = BV_OK;
  const int64_t end = bv_seg_chunk_of(&inner, f->hi - 1);
  for (int64_t k = bv_seg_chunk_of(&inner, f->lo); k <= end && rc == BV_OK; k++) {
    int64_t lo, hi;
    bv_seg_range(&inner, k, &lo, &hi);
    if (lo < f->lo) lo = f->lo;
    if (hi > f->hi) hi = f->hi;
    bv_chunk_clear(&bars);
    rc = bv_raw_read(s, &m->series, lo, hi, INT64_MAX, false, &bars, err);
    if (rc != BV_OK || bars.n == 0) continue;
    const bv_bars v = bv_chunk_view(&bars);
    count(m, &v);
    rc = bv_compact_put(p, &inner, k, &v, err);
  }
  bv_chunk_reset(&bars);
  return rc;
}

/* SQLite's header has a number for the user: with this one no other content has the same header. */
static bv_rc mark(sqlite3 *db, const bv_partition_file *f, bv_err *err) {
  uint64_t h = 0;
  char sql[60];
  for (int i = 0; i < f->n; i++) {
    const bv_moving *m = &f->series[i];
    h = bv_hash_mix(bv_hash_mix(h, m->hash),
                    bv_text_hash(m->series.asset, strlen(m->series.asset)));
  }
  snprintf(sql, sizeof sql, "PRAGMA user_version = %d", (int)(h >> 33));
  return bv_sql_exec(db, sql, err);
}

static bv_rc write_all(bv_store *s, sqlite3 *db, bv_partition_file *f, bv_err *err) {
  bv_store *p;
  BV_TRY(bv_store_child(s->parent ? s->parent : s, db, "main", f->stem, &p));
  p->partition = true;
  bv_rc rc = BV_OK;
  for (int i = 0; i < f->n && rc == BV_OK; i++) {
    f->series[i].n = 0;
    f->series[i].hash = 0;
    rc = write_series(s, p, f, &f->series[i], err);
  }
  bv_store_child_free(p);
  if (rc == BV_OK) rc = mark(db, f, err);
  if (rc == BV_OK) rc = bv_sql_exec(db, "COMMIT", err);
  return rc == BV_OK ? bv_partition_identity(db, &f->size, &f->checksum, err) : rc;
}

/* An empty database of ours alone.  What somebody left there who was stopped is removed. */
static bv_rc open_empty(const char *path, sqlite3 **db, bv_err *err) {
  for (int i = 0; i < 2; i++) {
    sqlite3_stmt *st;
    int row;
    int code = sqlite3_open_v2(path, db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);
    if (code != SQLITE_OK) {
      return bv_fail_native(err, bv_sql_rc(code), code,
                            "bars_partition(): %s cannot be created: %s", path,
                            sqlite3_errstr(code));
    }
    BV_TRY(bv_sql_exec(*db,
                       "PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL;"
                       " BEGIN EXCLUSIVE",
                       err));
    BV_TRY(bv_sql_prepare(*db, "SELECT 1 FROM sqlite_schema", &st, err));
    bv_rc rc = bv_sql_row(*db, st, &row, err, "sqlite_schema");
    sqlite3_finalize(st);
    if (rc != BV_OK || !row) return rc;
    sqlite3_close(*db);
    *db = NULL;
    if (unlink(path) != 0) return fail_file(path, "removed", err);
  }
  return bv_fail(err, BV_BUSY, "bars_partition(): another process is writing to %s", path);
}

/* ---- the name ---- */

/* The directory's entry must last, too. */
static bv_rc sync_directory(const char *path, bv_err *err) {
  char *dir = bv_strdup(BV_MEM_IMPORT, path);
  if (!dir) return BV_NOMEM;
  char *slash = strrchr(dir, '/');
  if (slash) slash[slash == dir] = 0;
  const int fd = open(slash ? dir : ".", O_RDONLY);
  bv_rc rc = fd < 0 || (fsync(fd) != 0 && errno != EINVAL) ? fail_file(dir, "synced", err) : BV_OK;
  if (fd >= 0) close(fd);
  bv_free(dir);
  return rc;
}

/* A second name for the file fails where there is one already; file systems without second names take the risk. */
static bv_rc give_name(const char *temp, const char *path, bool *taken, bv_err *err) {
  *taken = false;
  if (link(temp, path) == 0) {
    if (unlink(temp) != 0) return fail_file(temp, "removed", err);
  } else if (errno == EEXIST || access(path, F_OK) == 0) {
    *taken = true;
    return BV_OK;
  } else if (rename(temp, path) != 0) {
    return fail_file(path, "named", err);
  }
  return sync_directory(path, err);
}

static bv_rc same_series(bv_store *p, const bv_moving *m, bool *same, bv_err *err) {
  const bv_series *found;
  bv_stats stats;
  *same = false;
  BV_TRY(bv_series_find(p, m->series.asset, m->series.step_text, &found, err));
  if (!found) return BV_OK;
  BV_TRY(bv_summary_hash(p, found, INT64_MAX, &stats, err));
  *same = stats.n == m->n && stats.hash == m->hash && found->zone == m->series.zone &&
          found->multiplier == m->series.multiplier;
  return BV_OK;
}

static bv_rc same_bars(bv_store *p, const bv_partition_file *f, bool *same, bv_err *err) {
  sqlite3_stmt *st;
  int row;
  BV_TRY(bv_sql_prepare(p->db, "SELECT count(*) FROM barsvt_series", &st, err));
  bv_rc rc = bv_sql_row(p->db, st, &row, err, "barsvt_series");
  *same = row && sqlite3_column_int64(st, 0) == f->n;
  sqlite3_finalize(st);
  for (int i = 0; i < f->n && *same && rc == BV_OK; i++) {
    rc = same_series(p, &f->series[i], same, err);
  }
  return rc;
}

/* Whether the file at path holds just what was written; what cannot be read does not. */
static bv_rc adopt(bv_store *s, const char *path, bv_partition_file *f, bool *same) {
  sqlite3 *db = NULL;
  bv_store *p = NULL;
  bv_err why = {0};
  *same = false;
  int code = sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL);
  bv_rc rc = bv_sql_rc(code);
  if (rc == BV_OK) rc = bv_sql_exec(db, "BEGIN; SELECT 1 FROM sqlite_schema", &why);
  if (rc == BV_OK) rc = bv_store_child(s->parent ? s->parent : s, db, "main", path, &p);
  if (rc == BV_OK) rc = same_bars(p, f, same, &why);
  if (rc == BV_OK && *same) rc = bv_partition_identity(db, &f->size, &f->checksum, &why);
  bv_store_child_free(p);
  sqlite3_close(db);
  if (rc != BV_OK) *same = false;
  return rc == BV_NOMEM ? rc : BV_OK;
}

static bv_rc recorded(bv_store *s, const char *name, bool *out, bv_err *err) {
  bv_partition *p;
  int n;
  *out = false;
  BV_TRY(bv_partitions(s, &p, &n, err));
  for (int i = 0; i < n; i++) *out = *out || strcmp(p[i].file, name) == 0;
  return BV_OK;
}

/* One name: *taken where it is somebody else's. */
static bv_rc try_name(bv_store *s, bv_partition_file *f, const char *temp, bool *taken,
                      bv_err *err) {
  char *path;
  bool same = false;
  BV_TRY(recorded(s, f->name, taken, err));
  if (*taken) return BV_OK;
  BV_TRY(bv_partition_path(s, f->name, &path, err));
  bv_rc rc = give_name(temp, path, taken, err);
  if (rc == BV_OK && *taken) rc = adopt(s, path, f, &same);
  if (rc == BV_OK && same) rc = unlink(temp) == 0 ? BV_OK : fail_file(temp, "removed", err);
  if (same) *taken = false;
  bv_free(path);
  return rc;
}

static bv_rc find_name(bv_store *s, bv_partition_file *f, const char *temp, bv_err *err) {
  const size_t size = strlen(f->stem) + 16;
  f->name = bv_alloc(BV_MEM_IMPORT, size);
  if (!f->name) return BV_NOMEM;
  for (int i = 1; i <= NAMES; i++) {
    bool taken;
    if (i == 1) {
      snprintf(f->name, size, "%s.db", f->stem);
    } else {
      snprintf(f->name, size, "%s-%d.db", f->stem, i);
    }
    BV_TRY(try_name(s, f, temp, &taken, err));
    if (!taken) return BV_OK;
  }
  return bv_fail(err, BV_ARG,
                 "bars_partition(): there are %d files %.200s-*.db already; remove "
                 "those that are not in barsvt_partition",
                 NAMES, f->stem);
}

bv_rc bv_partition_write(bv_store *s, bv_partition_file *f, bv_err *err) {
  static const char partial[] = ".db-partial";
  char *name = bv_alloc(BV_MEM_IMPORT, strlen(f->stem) + sizeof partial), *temp = NULL;
  sqlite3 *db = NULL;
  f->name = NULL;
  if (!name) return BV_NOMEM;
  strcpy(name, f->stem);
  strcat(name, partial);
  bv_rc rc = bv_partition_path(s, name, &temp, err);
  if (rc == BV_OK) rc = open_empty(temp, &db, err);
  const bool ours = rc == BV_OK;
  if (rc == BV_OK) rc = write_all(s, db, f, err);
  sqlite3_close(db);
  if (rc == BV_OK) rc = find_name(s, f, temp, err);
  if (rc != BV_OK) {
    if (ours) unlink(temp);
    bv_free(f->name);
    f->name = NULL;
  }
  bv_free(name);
  bv_free(temp);
  return rc;
}
