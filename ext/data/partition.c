/* partition.c - the files that hold a store's bars of past periods; see partition.h. */
#include "data/partition.h"
#include "col/crc32c.h"
#include "data/seg.h"
#include "data/sql.h"
#include "time/instant.h"

#include <string.h>

#define BUSY_MS 2000 /* to wait for somebody who writes to a file */
#define CACHED  4    /* files whose decoded chunks are kept */

/* What the store keeps for this file: the tables as of a generation. */
struct bv_partset {
  int64_t generation; /* of the connection's store; -1: to be read again */
  int64_t tick;
  int n;
  bv_partition *at;
  bv_map series;      /* its number -> bv_parts*, which may be empty */
  bv_partition *last; /* used */
};

static bv_store *top_of(bv_store *s) {
  return s->parent ? s->parent : s;
}

/* ---- the list of files ---- */

static void close_file(bv_partition *p) {
  sqlite3 *db = p->store ? p->store->db : NULL;
  bv_store_child_free(p->store);
  sqlite3_close(db);
  p->store = NULL;
}

static void forget_series(struct bv_partset *set) {
  size_t at = 0;
  for (const bv_map_entry *e; (e = bv_map_next(&set->series, &at));) bv_free(e->value);
  bv_map_reset(&set->series);
  bv_map_init(&set->series);
}

static void free_files(bv_partition *at, int n) {
  for (int i = 0; i < n; i++) {
    close_file(&at[i]);
    bv_free(at[i].file);
  }
  bv_free(at);
}

void bv_partitions_free(bv_store *s) {
  struct bv_partset *set = s->partset;
  if (!set) return;
  forget_series(set);
  free_files(set->at, set->n);
  bv_free(set);
  s->partset = NULL;
}

void bv_partitions_changed(bv_store *s) {
  s->schema_state = -1; /* there may be tables now */
  if (s->partset) s->partset->generation = -1;
}

static bv_rc damaged(bv_store *s, int64_t id, const char *what, bv_err *err) {
  return bv_fail(err, BV_CORRUPT, "barsvt_partition: row %lld in %s: %s", (long long)id, s->schema,
                 what);
}

static int64_t int_or_none(sqlite3_stmt *st, int col) {
  return sqlite3_column_type(st, col) == SQLITE_NULL ? -1 : sqlite3_column_int64(st, col);
}

static bv_rc read_file_row(bv_store *s, sqlite3_stmt *st, bv_partition *p, bv_err *err) {
  *p = (bv_partition){.id = sqlite3_column_int64(st, 0),
                      .start = sqlite3_column_int64(st, 2),
                      .end = sqlite3_column_int64(st, 3),
                      .size = int_or_none(st, 4),
                      .checksum = int_or_none(st, 5)};
  if (bv_instant_check(p->start, NULL) != BV_OK || bv_instant_check(p->end, NULL) != BV_OK ||
      p->start >= p->end) {
    return damaged(s, p->id, "start and end are no range of times", err);
  }
  const char *file = bv_sql_text(st, 1);
  if (!file[0]) return damaged(s, p->id, "it names no file", err);
  p->file = bv_strdup(BV_MEM_BASE, file);
  return p->file ? BV_OK : BV_NOMEM;
}

/* A file that is open stays so, where it is still the same. */
static void take_over(struct bv_partset *set, bv_partition *p) {
  for (int i = 0; i < set->n; i++) {
    bv_partition *old = &set->at[i];
    if (!old->store || old->id != p->id || old->size != p->size || old->checksum != p->checksum ||
        strcmp(old->file, p->file) != 0) {
      continue;
    }
    p->store = old->store;
    p->used = old->used;
    old->store = NULL;
  }
}

static bv_rc read_files(bv_store *s, bv_partition **out, int *n, bv_err *err) {
  sqlite3_stmt *st;
  int row;
  BV_TRY(bv_store_prepare(
      s, "SELECT id, file, start, \"end\", size, checksum FROM main.barsvt_partition ORDER BY id",
      &st, err));
  bv_rc rc;
  while ((rc = bv_sql_row(s->db, st, &row, err, "barsvt_partition")) == BV_OK && row) {
    rc = bv_room(BV_MEM_BASE, out, *n, sizeof **out);
    if (rc != BV_OK) break;
    rc = read_file_row(s, st, &(*out)[*n], err);
    if (rc != BV_OK) break;
    ++*n;
  }
  sqlite3_finalize(st);
  return rc;
}

/* The store's files as its tables say now; NULL where it has none. */
static bv_rc get_set(bv_store *s, struct bv_partset **out, bv_err *err) {
  bool there;
  *out = NULL;
  BV_TRY(bv_store_has_schema(s, &there, err));
  if (!there || !s->partitioned) {
    if (s->partset) bv_partitions_free(s);
    return BV_OK;
  }
  struct bv_partset *set = s->partset;
  if (set && set->generation == top_of(s)->generation) {
    *out = set;
    return BV_OK;
  }
  if (!set) {
    set = bv_alloc0(BV_MEM_BASE, sizeof *set);
    if (!set) return BV_NOMEM;
    bv_map_init(&set->series);
    s->partset = set;
  }
  bv_partition *at = NULL;
  int n = 0;
  forget_series(set);
  set->generation = -1;
  bv_rc rc = read_files(s, &at, &n, err);
  if (rc != BV_OK) {
    free_files(at, n);
    return rc;
  }
  for (int i = 0; i < n; i++) take_over(set, &at[i]);
  free_files(set->at, set->n);
  set->last = NULL;
  set->at = at;
  set->n = n;
  set->generation = top_of(s)->generation;
  *out = set;
  return BV_OK;
}

bv_rc bv_partitions(bv_store *s, bv_partition **out, int *n, bv_err *err) {
  struct bv_partset *set;
  BV_TRY(get_set(s, &set, err));
  *out = set ? set->at : NULL;
  *n = set ? set->n : 0;
  return BV_OK;
}

bv_store *bv_partition_store(const bv_store *s, int i) {
  const struct bv_partset *set = s->partset;
  for (int k = 0; set && k < set->n; k++) {
    if (set->at[k].store && i-- == 0) return set->at[k].store;
  }
  return NULL;
}

/* ---- the parts of a series ---- */

static bv_partition *find_id(struct bv_partset *set, int64_t id) {
  for (int i = 0; i < set->n; i++) {
    if (set->at[i].id == id) return &set->at[i];
  }
  return NULL;
}

/* Each part in its file's range, and behind the one before. */
static bool in_order(const bv_parts *parts) {
  for (int i = 0; i < parts->n; i++) {
    const bv_part *p = &parts->at[i];
    if (p->n <= 0 || p->first > p->last || p->first < p->in->start || p->last >= p->in->end) {
      return false;
    }
    if (i > 0 && p->in->start < parts->at[i - 1].in->end) return false;
  }
  return true;
}

static bv_rc read_parts(bv_store *s, struct bv_partset *set, const bv_series *series,
                        bv_parts **out, bv_err *err) {
  sqlite3_stmt *st;
  int row;
  bv_parts *parts = bv_alloc0(BV_MEM_BASE, sizeof *parts + (size_t)set->n * sizeof parts->at[0]);
  *out = parts;
  if (!parts) return BV_NOMEM;
  BV_TRY(bv_store_prepare(s,
                          "SELECT \"partition\", n, first, last, hash FROM"
                          " main.barsvt_partition_series WHERE series = ?1 ORDER BY first",
                          &st, err));
  sqlite3_bind_int64(st, 1, series->id);
  bv_rc rc;
  while ((rc = bv_sql_row(s->db, st, &row, err, "barsvt_partition_series")) == BV_OK && row) {
    bv_partition *in = find_id(set, sqlite3_column_int64(st, 0));
    if (!in || parts->n == set->n) {
      rc = bv_fail(err, BV_CORRUPT, "barsvt_partition_series: %s %s: there is no partition %lld",
                   series->asset, series->step_text, (long long)sqlite3_column_int64(st, 0));
      break;
    }
    parts->at[parts->n++] = (bv_part){.in = in,
                                      .n = sqlite3_column_int64(st, 1),
                                      .first = sqlite3_column_int64(st, 2),
                                      .last = sqlite3_column_int64(st, 3),
                                      .hash = (uint64_t)sqlite3_column_int64(st, 4)};
  }
  sqlite3_finalize(st);
  if (rc == BV_OK && !in_order(parts)) {
    rc = bv_fail(err, BV_CORRUPT,
                 "barsvt_partition_series: the times of %s %s are not those of their files, or "
                 "files overlap",
                 series->asset, series->step_text);
  }
  return rc;
}

bv_rc bv_parts_of(bv_store *s, const bv_series *series, const bv_parts **out, bv_err *err) {
  struct bv_partset *set;
  *out = NULL;
  BV_TRY(get_set(s, &set, err));
  if (!set || set->n == 0) return BV_OK;
  const char *key = (const char *)&series->id;
  bv_parts *parts = bv_map_find(&set->series, key, sizeof series->id);
  if (!parts) {
    bv_rc rc = read_parts(s, set, series, &parts, err);
    if (rc == BV_OK) rc = bv_map_put(&set->series, key, sizeof series->id, parts);
    if (rc != BV_OK) {
      bv_free(parts);
      return rc;
    }
  }
  if (parts->n > 0) *out = parts;
  return BV_OK;
}

/* The first part that does not end before ts. */
static int part_from(const bv_parts *p, int64_t ts) {
  int lo = 0, hi = p->n;
  while (lo < hi) {
    const int mid = lo + (hi - lo) / 2;
    if (p->at[mid].last < ts) {
      lo = mid + 1;
    } else {
      hi = mid;
    }
  }
  return lo;
}

const bv_part *bv_parts_at(const bv_parts *p, int64_t ts) {
  const int i = p ? part_from(p, ts) : 0;
  return p && i < p->n && p->at[i].first <= ts ? &p->at[i] : NULL;
}

bv_stretch bv_parts_first(const bv_parts *p, int64_t lo, int64_t hi) {
  const int i = p ? part_from(p, lo) : 0;
  if (!p || i == p->n || p->at[i].first >= hi) return (bv_stretch){lo, hi, NULL};
  const bv_part *part = &p->at[i];
  if (part->first > lo) return (bv_stretch){lo, part->first, NULL};
  return (bv_stretch){lo, part->last < hi ? part->last + 1 : hi, part};
}

/* ---- opening ---- */

bv_rc bv_partition_path(bv_store *s, const char *file, char **out, bv_err *err) {
  const char *name = sqlite3_db_filename(s->db, s->schema);
  const char *slash = name ? strrchr(name, '/') : NULL;
  *out = NULL;
  if (file[0] == '/') {
    *out = bv_strdup(BV_MEM_BASE, file);
  } else if (!slash) {
    return bv_fail(
        err, BV_ARG,
        "partition '%.200s': the database is not in a file, so the name must be absolute", file);
  } else {
    const size_t dir = (size_t)(slash - name) + 1, n = strlen(file);
    *out = bv_alloc(BV_MEM_BASE, dir + n + 1);
    if (*out) {
      memcpy(*out, name, dir);
      memcpy(*out + dir, file, n + 1);
    }
  }
  return *out ? BV_OK : BV_NOMEM;
}

bv_rc bv_partition_identity(sqlite3 *db, int64_t *size, int64_t *checksum, bv_err *err) {
  sqlite3_file *f = NULL;
  unsigned char head[100];
  sqlite3_int64 bytes = 0;
  int code = sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &f);
  if (code == SQLITE_OK && (!f || !f->pMethods)) code = SQLITE_CANTOPEN;
  if (code == SQLITE_OK) code = f->pMethods->xFileSize(f, &bytes);
  if (code == SQLITE_OK) code = f->pMethods->xRead(f, head, sizeof head, 0);
  if (code != SQLITE_OK) return bv_fail_native(err, BV_IO, code, "%s", sqlite3_errstr(code));
  *size = bytes;
  *checksum = bv_crc32c(head, sizeof head);
  return BV_OK;
}

static const char again[] =
    "put the file back as it was; where it was changed on purpose, set size and checksum of its "
    "row in barsvt_partition to NULL";

static bv_rc check_identity(const bv_partition *p, sqlite3 *db, bv_err *err) {
  int64_t size, checksum;
  BV_TRY(bv_partition_identity(db, &size, &checksum, err));
  if (p->size >= 0 && p->size != size) {
    return bv_fail(err, BV_CORRUPT,
                   "it is not the file that was recorded (%lld bytes, not %lld): %s",
                   (long long)size, (long long)p->size, again);
  }
  if (p->checksum >= 0 && p->checksum != checksum) {
    return bv_fail(err, BV_CORRUPT, "it is not the file that was recorded, or was written to: %s",
                   again);
  }
  return BV_OK;
}

/* A read transaction that lasts as long as the connection, which takes little memory: there may be many. */
static bv_rc begin(sqlite3 *db, bv_err *err) {
  sqlite3_busy_timeout(db, BUSY_MS);
  sqlite3_db_config(db, SQLITE_DBCONFIG_LOOKASIDE, NULL, 0, 0);
  return bv_sql_exec(db,
                     "PRAGMA query_only = 1; PRAGMA cache_size = -256; BEGIN;"
                     " SELECT 1 FROM sqlite_schema LIMIT 1",
                     err);
}

static bv_rc open_store(bv_store *s, const bv_partition *p, sqlite3 *db, bv_store **out,
                        bv_err *err) {
  bool there;
  BV_TRY(begin(db, err));
  BV_TRY(check_identity(p, db, err));
  BV_TRY(bv_store_child(top_of(s), db, "main", p->file, out));
  (*out)->partition = true;
  bv_rc rc = bv_store_usable(*out, &there, err);
  if (rc == BV_OK && !there) rc = bv_fail(err, BV_CORRUPT, "it holds no bars");
  if (rc != BV_OK) {
    bv_store_child_free(*out);
    *out = NULL;
  }
  return rc;
}

/* One that is not used is closed when there are too many. */
static void make_room(struct bv_partset *set) {
  bv_partition *oldest = NULL;
  int open = 0;
  for (int i = 0; i < set->n; i++) {
    bv_partition *p = &set->at[i];
    if (!p->store) continue;
    open++;
    if (!oldest || p->used < oldest->used) oldest = p;
  }
  if (open >= BV_PARTITIONS_OPEN) close_file(oldest);
}

/* Decoded chunks of files that others were used after. */
static void drop_cached(struct bv_partset *set) {
  bv_partition *oldest = NULL;
  int cached = 0;
  for (int i = 0; i < set->n; i++) {
    bv_partition *p = &set->at[i];
    if (!p->store || !p->store->segcache) continue;
    cached++;
    if (!oldest || p->used < oldest->used) oldest = p;
  }
  if (cached >= CACHED) bv_seg_cache_clear(oldest->store);
}

/* The file's name, its range and what is wrong. */
static bv_rc fail_file(const bv_partition *p, const char *path, bv_rc rc, const bv_err *why,
                       bv_err *err) {
  char from[32], to[32];
  if (rc == BV_NOMEM) return rc;
  bv_instant_format(p->start, from);
  bv_instant_format(p->end, to);
  const bool missing = (why->native & 0xff) == SQLITE_CANTOPEN;
  return bv_fail_native(err, rc, why->native,
                        "partition %.200s, with the bars from %.10s to %.10s%s: %s", path, from, to,
                        missing ? ", cannot be opened; put it back, or correct its name in "
                                  "barsvt_partition"
                                : "",
                        bv_err_text(why, rc));
}

bv_rc bv_partition_open(bv_store *s, bv_partition *p, bv_err *err) {
  struct bv_partset *set = s->partset;
  bv_err why = {0};
  char *path;
  sqlite3 *db = NULL;
  p->used = ++set->tick;
  if (set->last != p && (!p->store || !p->store->segcache)) drop_cached(set);
  set->last = p;
  if (p->store) return BV_OK;
  BV_TRY(bv_partition_path(s, p->file, &path, err));
  make_room(set);
  int code = sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL);
  bv_rc rc = code == SQLITE_OK
                 ? BV_OK
                 : bv_fail_native(&why, bv_sql_rc(code), code, "%s", sqlite3_errstr(code));
  if (rc == BV_OK) rc = open_store(s, p, db, &p->store, &why);
  if (rc != BV_OK) {
    sqlite3_close(db);
    rc = fail_file(p, path, rc, &why, err);
  } else {
    top_of(s)->counter[BV_N_PARTITION]++;
  }
  bv_free(path);
  return rc;
}

bv_rc bv_part_open(bv_store *s, const bv_series *series, const bv_part *p, bv_series *out,
                   bv_err *err) {
  const bv_series *found;
  BV_TRY(bv_partition_open(s, p->in, err));
  bv_rc rc = bv_series_find(p->in->store, series->asset, series->step_text, &found, err);
  if (rc == BV_OK && !found) {
    rc = bv_fail(err, BV_CORRUPT, "there are no %s bars of '%s'", series->step_text, series->asset);
  }
  if (rc != BV_OK) return bv_part_done(s, p, rc, err);
  *out = *found;
  out->home = p->in->store;
  return BV_OK;
}

bv_rc bv_part_done(bv_store *s, const bv_part *p, bv_rc rc, bv_err *err) {
  static const bv_counter counted[] = {BV_N_READ, BV_N_DECODE};
  for (size_t i = 0; p->in->store && i < sizeof counted / sizeof *counted; i++) {
    top_of(s)->counter[counted[i]] += p->in->store->counter[counted[i]];
    p->in->store->counter[counted[i]] = 0;
  }
  if (rc == BV_OK || rc == BV_NOMEM || !err || !err->msg[0]) return rc;
  const bv_err why = *err;
  bv_err_clear(err);
  return bv_fail_native(err, rc, why.native, "partition %.120s: %s", p->in->file, why.msg);
}
