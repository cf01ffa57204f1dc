/* partition_move.c - moving bars of past periods out of a store's file and back; see partition_move.h. */
#include "data/partition_move.h"
#include "base/text.h"
#include "data/compact.h"
#include "data/json.h"
#include "data/own.h"
#include "data/partition.h"
#include "data/partition_file.h"
#include "data/seg.h"
#include "data/sql.h"
#include "time/instant.h"

#include <stdio.h>
#include <string.h>

extern const char bv_sql_partition[];

typedef struct mover {
  bv_store *s;
  bv_timestep period;
  const char *dir; /* "" or with a slash at its end */
  char *dir_text, *step_text;
  bool any_step;
  int64_t before; /* INT64_MIN: not given */
  bv_series *series;
  int nseries;
  int64_t files, bars;
  bv_buf unused; /* JSON texts of files that nothing refers to any more */
  sqlite3_stmt *poll;
} mover;

/* ---- options ---- */

static bv_rc keep_text(char **to, sqlite3_value *v) {
  bv_free(*to);
  *to = bv_strdup(BV_MEM_IMPORT, (const char *)sqlite3_value_text(v));
  return *to ? BV_OK : BV_NOMEM;
}

/* In the form in which it is stored. */
static bv_rc keep_step(mover *m, sqlite3_value *v, bv_err *err) {
  bv_timestep step;
  char canonical[32];
  BV_TRY(bv_timestep_parse((const char *)sqlite3_value_text(v), (size_t)sqlite3_value_bytes(v),
                           &step, err));
  bv_timestep_format(step, canonical);
  bv_free(m->step_text);
  m->step_text = bv_strdup(BV_MEM_IMPORT, canonical);
  return m->step_text ? BV_OK : BV_NOMEM;
}

static bv_rc option(void *ctx, const char *path, const char *type, sqlite3_value *v, bv_err *err) {
  static const char *const known[] = {"before", "dir", "timestep", NULL};
  mover *m = ctx;
  bool there = false;
  for (int i = 0; known[i]; i++) there = there || strcmp(path, known[i]) == 0;
  if (!there) {
    const char *near = bv_nearest(path, known);
    return bv_fail(err, BV_ARG, "bars_partition(): unknown option '%.60s'%s%s%s", path,
                   near ? "; did you mean '" : "; there are before, dir and timestep",
                   near ? near : "", near ? "'?" : "");
  }
  bv_err why = {0};
  bv_rc rc;
  if (strcmp(path, "before") == 0 && strcmp(type, "integer") == 0) {
    m->before = sqlite3_value_int64(v);
    rc = bv_instant_check(m->before, &why);
  } else if (strcmp(type, "text") != 0) {
    rc = bv_fail(&why, BV_ARG, "it must be a text");
  } else if (strcmp(path, "dir") == 0) {
    rc = keep_text(&m->dir_text, v);
  } else if (strcmp(path, "before") == 0) {
    rc = bv_instant_parse((const char *)sqlite3_value_text(v), (size_t)sqlite3_value_bytes(v), NULL,
                          &m->before, NULL, &why);
  } else {
    rc = keep_step(m, v, &why);
  }
  return rc == BV_OK ? rc
                     : bv_fail(err, rc, "bars_partition(): %s: %s", path, bv_err_text(&why, rc));
}

static bv_rc read_period(mover *m, const char *text, bv_err *err) {
  static const struct {
    const char *name;
    int64_t months;
  } known[] = {{"month", 1}, {"quarter", 3}, {"year", 12}};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    if (!bv_text_ieq(text, known[i].name)) continue;
    m->period = (bv_timestep){.n = known[i].months, .unit = BV_MONTH};
    return BV_OK;
  }
  return bv_fail(err, BV_ARG,
                 "bars_partition(): period is '%.40s'; it must be month, quarter or year", text);
}

/* The directory's name with one slash at its end. */
static bv_rc set_dir(mover *m) {
  size_t n = m->dir_text ? strlen(m->dir_text) : 0;
  if (n == 0) {
    m->dir = "";
    return BV_OK;
  }
  char *dir = bv_realloc(BV_MEM_IMPORT, m->dir_text, n + 2);
  if (!dir) return BV_NOMEM;
  if (dir[n - 1] != '/') strcpy(dir + n, "/");
  m->dir = m->dir_text = dir;
  return BV_OK;
}

/* ---- names ---- */

/* The database's file without directory and ending. */
static void stem_of(bv_store *s, char out[128]) {
  const char *name = sqlite3_db_filename(s->db, s->schema);
  const char *slash = name ? strrchr(name, '/') : NULL;
  snprintf(out, 128, "%s", slash ? slash + 1 : "bars");
  char *dot = strrchr(out, '.');
  if (dot && dot > out) *dot = 0;
}

/* market-2024-01, market-2024-Q1, market-2024 */
static bv_rc file_stem(const mover *m, int64_t lo, char **out) {
  char base[128], when[32], part[16];
  stem_of(m->s, base);
  bv_instant_format(lo, when); /* YYYY-MM-DD ... */
  const int month = (when[5] - '0') * 10 + (when[6] - '0');
  part[0] = 0;
  if (m->period.n == 1) snprintf(part, sizeof part, "-%02d", month);
  if (m->period.n == 3) snprintf(part, sizeof part, "-Q%d", (month + 2) / 3);
  const size_t n = strlen(m->dir) + sizeof base + 16;
  *out = bv_alloc(BV_MEM_IMPORT, n);
  if (!*out) return BV_NOMEM;
  snprintf(*out, n, "%s%s-%.4s%s", m->dir, base, when, part);
  return BV_OK;
}

/* ---- what is moved ---- */

static bool wanted(const mover *m, const bv_series *series) {
  if (m->step_text) return strcmp(series->step_text, m->step_text) == 0;
  return bv_timestep_dur_s(series->step) > 0;
}

static bv_rc list_series(mover *m, bv_err *err) {
  sqlite3_stmt *st;
  int row;
  BV_TRY(bv_sql_prepare(m->s->db, "SELECT id FROM main.barsvt_series ORDER BY id", &st, err));
  bv_rc rc;
  while ((rc = bv_sql_row(m->s->db, st, &row, err, "barsvt_series")) == BV_OK && row) {
    bv_series one;
    bool found;
    rc = bv_series_by_id(m->s, sqlite3_column_int64(st, 0), &one, &found, err);
    if (rc == BV_OK) rc = bv_room(BV_MEM_IMPORT, &m->series, m->nseries, sizeof one);
    if (rc != BV_OK) break;
    if (found && wanted(m, &one)) m->series[m->nseries++] = one;
  }
  sqlite3_finalize(st);
  return rc;
}

/* From the period of the first bar to the end of the last one that is moved. */
static bv_rc find_range(mover *m, int64_t *lo, int64_t *hi, bv_err *err) {
  int64_t first = INT64_MAX, last = INT64_MIN;
  for (int i = 0; i < m->nseries; i++) {
    int64_t a, b, n;
    BV_TRY(bv_series_span(m->s, &m->series[i], &a, &b, &n, err));
    if (n == 0) continue;
    if (a < first) first = a;
    if (b > last) last = b;
  }
  *lo = *hi = 0;
  if (first > last) return BV_OK;
  int64_t end;
  *lo = bv_bucket_start(m->period, bv_zone_utc(), first, NULL);
  *hi = bv_bucket_start(m->period, bv_zone_utc(), last, &end);
  if (m->before == INT64_MIN) return BV_OK;
  const int64_t limit = bv_bucket_start(m->period, bv_zone_utc(), m->before, NULL);
  *hi = limit < end ? limit : end;
  return BV_OK;
}

/* Parts of other periods are in the way; one of the same is replaced. */
static bv_rc check_parts(const mover *m, const bv_series *series, int64_t lo, int64_t hi,
                         bv_err *err) {
  const bv_parts *parts;
  BV_TRY(bv_parts_of(m->s, series, &parts, err));
  for (int i = 0; parts && i < parts->n; i++) {
    const bv_partition *p = parts->at[i].in;
    if (p->start >= hi || p->end <= lo || (p->start == lo && p->end == hi)) continue;
    return bv_fail(err, BV_ARG,
                   "bars_partition(): the partition '%.200s' has bars of %s %s of another period "
                   "that overlaps; SELECT bars_unpartition('%.200s') brings them back",
                   p->file, series->asset, series->step_text, p->file);
  }
  return BV_OK;
}

/* The series that have bars of the period in the store itself. */
static bv_rc list_moving(const mover *m, int64_t lo, int64_t hi, bv_moving *out, int *n,
                         bv_err *err) {
  *n = 0;
  for (int i = 0; i < m->nseries; i++) {
    bool any;
    BV_TRY(bv_own_any(m->s, &m->series[i], lo, hi, &any, err));
    if (!any) continue;
    BV_TRY(check_parts(m, &m->series[i], lo, hi, err));
    out[(*n)++] = (bv_moving){.series = m->series[i]};
  }
  return BV_OK;
}

/* ---- the record ---- */

/* Run one statement with up to six integers; sql names main. */
static bv_rc run(bv_store *s, const char *sql, const char *text, int n, const int64_t *v,
                 bv_err *err) {
  sqlite3_stmt *st;
  BV_TRY(bv_sql_prepare(s->db, sql, &st, err));
  for (int i = 0; i < n; i++) sqlite3_bind_int64(st, i + 1, v[i]);
  if (text) sqlite3_bind_text(st, n + 1, text, -1, SQLITE_STATIC);
  bv_rc rc = bv_sql_done(s->db, st, err, "barsvt_partition");
  sqlite3_finalize(st);
  return rc;
}

/* Rows of files that have no series any more go; their names are told. */
static bv_rc drop_unused(mover *m, bv_err *err) {
  static const char none[] = " FROM main.barsvt_partition WHERE id NOT IN"
                             " (SELECT \"partition\" FROM main.barsvt_partition_series)";
  char sql[200];
  sqlite3_stmt *st;
  int row;
  snprintf(sql, sizeof sql, "SELECT json_quote(file)%s", none);
  BV_TRY(bv_sql_prepare(m->s->db, sql, &st, err));
  bv_rc rc;
  while ((rc = bv_sql_row(m->s->db, st, &row, err, "barsvt_partition")) == BV_OK && row) {
    rc = bv_buf_addf(&m->unused, "%s%s", m->unused.n > 0 ? "," : "", bv_sql_text(st, 0));
    if (rc != BV_OK) break;
  }
  sqlite3_finalize(st);
  snprintf(sql, sizeof sql, "DELETE%s", none);
  return rc == BV_OK ? run(m->s, sql, NULL, 0, NULL, err) : rc;
}

static bv_rc record(mover *m, const bv_partition_file *f, bv_err *err) {
  const int64_t file[] = {f->lo, f->hi, f->size, f->checksum};
  BV_TRY(run(m->s,
             "INSERT INTO main.barsvt_partition(start, \"end\", size, checksum, file)"
             " VALUES (?1, ?2, ?3, ?4, ?5)",
             f->name, 4, file, err));
  const int64_t id = sqlite3_last_insert_rowid(m->s->db);
  for (int i = 0; i < f->n; i++) {
    const bv_moving *x = &f->series[i];
    const int64_t old[] = {x->series.id, f->lo, f->hi};
    BV_TRY(run(m->s,
               "DELETE FROM main.barsvt_partition_series WHERE series = ?1 AND \"partition\" IN"
               " (SELECT id FROM main.barsvt_partition WHERE start = ?2 AND \"end\" = ?3)",
               NULL, 3, old, err));
    const int64_t row[] = {x->series.id, id, x->n, x->first, x->last, (int64_t)x->hash};
    BV_TRY(run(m->s, "INSERT INTO main.barsvt_partition_series VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
               NULL, 6, row, err));
  }
  return drop_unused(m, err);
}

/* ---- the store's own bars ---- */

/* Remove the bars of [lo, hi) from the file.  Chunks at the ends keep their others. */
static bv_rc take_out(bv_store *s, const bv_series *series, int64_t lo, int64_t hi, bv_err *err) {
  const int64_t end = bv_seg_chunk_of(series, hi - 1);
  bv_chunk rest;
  bv_chunk_init(&rest, BV_MEM_IMPORT, BV_STORED_MASK);
  bv_rc rc = BV_OK;
  for (int64_t k = bv_seg_chunk_of(series, lo); k <= end && rc == BV_OK; k++) {
    int64_t a, b;
    bv_seg_range(series, k, &a, &b);
    bv_chunk_clear(&rest);
    rc = bv_own_read(s, series, a, lo, INT64_MAX, false, &rest, err);
    if (rc == BV_OK) rc = bv_own_read(s, series, hi, b, INT64_MAX, false, &rest, err);
    const bv_bars v = bv_chunk_view(&rest);
    if (rc == BV_OK) rc = bv_compact_put(s, series, k, &v, err);
  }
  bv_chunk_reset(&rest);
  return rc;
}

/* Add the bars of a part to the file; what it has of the same times came later and stays. */
static bv_rc take_in(bv_store *s, const bv_series *series, const bv_part *p, bv_err *err) {
  const int64_t end = bv_seg_chunk_of(series, p->last);
  bv_chunk old, own, all;
  bv_series inner;
  BV_TRY(bv_part_open(s, series, p, &inner, err));
  bv_chunk_init(&old, BV_MEM_IMPORT, BV_STORED_MASK);
  bv_chunk_init(&own, BV_MEM_IMPORT, BV_STORED_MASK);
  bv_chunk_init(&all, BV_MEM_IMPORT, BV_STORED_MASK);
  bv_rc rc = BV_OK;
  for (int64_t k = bv_seg_chunk_of(series, p->first); k <= end && rc == BV_OK; k++) {
    int64_t a, b;
    bv_seg_range(series, k, &a, &b);
    bv_chunk_clear(&old);
    bv_chunk_clear(&own);
    bv_chunk_clear(&all);
    rc = bv_own_read(inner.home, &inner, a, b, INT64_MAX, false, &old, err);
    rc = bv_part_done(s, p, rc, err);
    if (rc == BV_OK) rc = bv_own_read(s, series, a, b, INT64_MAX, false, &own, err);
    if (rc != BV_OK || old.n == 0) continue;
    const bv_bars x = bv_chunk_view(&old), y = bv_chunk_view(&own);
    rc = bv_own_merge(&all, &x, 0, x.n, &y, INT64_MAX);
    const bv_bars v = bv_chunk_view(&all);
    if (rc == BV_OK) rc = bv_compact_put(s, series, k, &v, err);
  }
  bv_chunk_reset(&old);
  bv_chunk_reset(&own);
  bv_chunk_reset(&all);
  return rc;
}

/* ---- moving out ---- */

static bv_rc move_period(mover *m, int64_t lo, int64_t hi, bv_moving *list, bv_err *err) {
  bv_partition_file f = {.lo = lo, .hi = hi, .series = list};
  char *stem;
  BV_TRY(list_moving(m, lo, hi, list, &f.n, err));
  if (f.n == 0) return BV_OK;
  BV_TRY(file_stem(m, lo, &stem));
  f.stem = stem;
  bv_rc rc = bv_partition_write(m->s, &f, err);
  if (rc == BV_OK) rc = record(m, &f, err);
  for (int i = 0; i < f.n && rc == BV_OK; i++) {
    rc = take_out(m->s, &list[i].series, lo, hi, err);
    m->bars += list[i].n;
  }
  bv_partitions_changed(m->s);
  m->files++;
  bv_free(f.name);
  bv_free(stem);
  return rc;
}

static bv_rc move_all(mover *m, bv_err *err) {
  int64_t lo, hi, end;
  BV_TRY(list_series(m, err));
  BV_TRY(find_range(m, &lo, &hi, err));
  bv_moving *list = bv_alloc(BV_MEM_IMPORT, (size_t)(m->nseries + 1) * sizeof *list);
  if (!list) return BV_NOMEM;
  bv_rc rc = BV_OK;
  for (; lo < hi && rc == BV_OK; lo = end) {
    bv_bucket_start(m->period, bv_zone_utc(), lo, &end);
    if (end > hi) break;
    rc = bv_sql_poll(m->s->db, m->poll, err);
    if (rc == BV_OK) rc = move_period(m, lo, end, list, err);
  }
  bv_free(list);
  return rc;
}

/* ---- moving back ---- */

static bv_rc bring_back(mover *m, const bv_partition *p, bv_err *err) {
  sqlite3_stmt *st;
  int row;
  const int64_t id = p->id;
  BV_TRY(bv_sql_prepare(
      m->s->db,
      "SELECT series FROM main.barsvt_partition_series WHERE \"partition\" = ?1 ORDER BY 1", &st,
      err));
  sqlite3_bind_int64(st, 1, id);
  bv_rc rc;
  while ((rc = bv_sql_row(m->s->db, st, &row, err, "barsvt_partition_series")) == BV_OK && row) {
    bv_series series;
    const bv_parts *parts = NULL;
    bool found;
    rc = bv_series_by_id(m->s, sqlite3_column_int64(st, 0), &series, &found, err);
    if (rc == BV_OK && found) rc = bv_parts_of(m->s, &series, &parts, err);
    for (int i = 0; parts && rc == BV_OK && i < parts->n; i++) {
      if (parts->at[i].in->id != id) continue;
      m->bars += parts->at[i].n;
      rc = take_in(m->s, &series, &parts->at[i], err);
    }
    if (rc == BV_OK) rc = bv_sql_poll(m->s->db, m->poll, err);
    if (rc != BV_OK) break;
  }
  sqlite3_finalize(st);
  BV_TRY(rc);
  m->files++;
  BV_TRY(run(m->s, "DELETE FROM main.barsvt_partition_series WHERE \"partition\" = ?1", NULL, 1,
             &id, err));
  return drop_unused(m, err);
}

static bv_rc bring_all_back(mover *m, const char *file, bv_err *err) {
  bv_partition *p;
  int n;
  BV_TRY(bv_partitions(m->s, &p, &n, err));
  for (int i = 0; i < n; i++) {
    if (!file || strcmp(p[i].file, file) == 0) BV_TRY(bring_back(m, &p[i], err));
  }
  bv_partitions_changed(m->s);
  if (m->files > 0 || !file) return BV_OK;
  return bv_fail(err, BV_NOTFOUND,
                 "bars_unpartition(): there is no partition '%.200s'; SELECT file FROM "
                 "barsvt_partition lists them",
                 file);
}

/* ---- both ---- */

/* Nobody else may move bars meanwhile: the transaction writes before it looks.  Files of a library that knows no
** partitions would seem to lack bars to it, so it has to refuse them. */
static bv_rc begin(mover *m, bv_err *err) {
  BV_TRY(bv_store_create_schema(m->s, err));
  BV_TRY(bv_sql_exec(m->s->db, bv_sql_partition, err));
  BV_TRY(bv_sql_exec(
      m->s->db, "UPDATE main.barsvt_meta SET value = max(value, 3) WHERE key = 'version'", err));
  bv_partitions_changed(m->s);
  return bv_store_sync(m->s, err);
}

static bv_rc summary(mover *m, bv_buf *out) {
  return bv_buf_addf(out, "{\"partitions\":%lld,\"bars\":%lld,\"unused\":[%s]}",
                     (long long)m->files, (long long)m->bars, bv_buf_text(&m->unused));
}

static void mover_reset(mover *m) {
  sqlite3_finalize(m->poll);
  bv_free(m->series);
  bv_free(m->dir_text);
  bv_free(m->step_text);
  bv_buf_reset(&m->unused);
}

/* All or nothing. */
static bv_rc move(mover *m, const char *who, bv_rc (*work)(mover *m, const char *file, bv_err *err),
                  const char *file, bv_buf *out, bv_err *err) {
  bv_savepoint sp;
  if (m->s->run) return bv_fail(err, BV_ARG, "%s: a run is in progress", who);
  BV_TRY(bv_sql_prepare(m->s->db, "SELECT 1", &m->poll, err));
  BV_TRY(bv_store_savepoint(m->s, &sp, err));
  bv_rc rc = begin(m, err);
  if (rc == BV_OK) rc = work(m, file, err);
  if (rc == BV_OK) rc = summary(m, out);
  rc = bv_savepoint_close(m->s->db, &sp, rc, err);
  if (rc != BV_OK) bv_store_rolled_back(m->s);
  return rc;
}

static bv_rc all_out(mover *m, const char *file, bv_err *err) {
  (void)file;
  return move_all(m, err);
}

bv_rc bv_partition_out(bv_store *s, const char *period, const char *options, bv_buf *out,
                       bv_err *err) {
  mover m = {.s = s, .before = INT64_MIN};
  bv_buf_init(&m.unused, BV_MEM_IMPORT, 1 << 20);
  bv_rc rc = read_period(&m, period, err);
  if (rc == BV_OK) rc = bv_json_walk(s->db, options, "bars_partition(): options", option, &m, err);
  if (rc == BV_OK) rc = set_dir(&m);
  if (rc == BV_OK) rc = move(&m, "bars_partition()", all_out, NULL, out, err);
  mover_reset(&m);
  return rc;
}

bv_rc bv_partition_in(bv_store *s, const char *file, bv_buf *out, bv_err *err) {
  mover m = {.s = s};
  bv_buf_init(&m.unused, BV_MEM_IMPORT, 1 << 20);
  bv_rc rc = move(&m, "bars_unpartition()", bring_all_back, file, out, err);
  mover_reset(&m);
  return rc;
}
