/* import.c - loading bar files into the store; see import.h. */
#include "data/import.h"
#include "base/text.h"
#include "data/filelist.h"
#include "data/json.h"
#include "data/load.h"
#include "data/row_source.h"
#include "data/sql.h"
#include "time/instant.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define BATCH 256 /* rows, few enough to stay in the first cache */
#define POLL  4096
/* Bars kept in memory at a time, of 48 bytes and more. */
#define HELD_MAX (INT64_C(2) << 20)

typedef struct import {
  bv_store *s;
  const char *path, *timestep;
  const char *asset;    /* NULL: from the file */
  const char *fallback; /* symbol of rows without one; NULL: an error */
  char file_symbol[BV_ASSET_MAX + 1];
  bv_timestep step;
  char tz[64];
  bool has_tz;
  bv_on_conflict conflict;
  bv_bar_reader_options reader;
  char column[BV_ROLE_COUNT][64];
  bv_map target; /* asset -> bv_load* */
  bv_load_pool pool;
  bv_progress progress;
  sqlite3_stmt *poll;
  bv_load *latest;
  char latest_key[BV_ASSET_MAX];
  size_t nlatest;
  int64_t rejected;
  bool stop_on_error, no_progress;
  bv_savepoint savepoint;
} import;

/* ---- options ---- */

static bv_rc choice(const char *key, const char *text, const char *const *names, int *out,
                    bv_err *err) {
  char list[120] = "";
  for (int i = 0; names[i]; i++) {
    if (bv_text_ieq(text, names[i])) {
      *out = i;
      return BV_OK;
    }
    size_t n = strlen(list);
    snprintf(list + n, sizeof list - n, "%s%s", i ? ", " : "", names[i]);
  }
  return bv_fail(err, BV_ARG, "bars_import(): option %s is '%.40s'; it can be %s", key, text, list);
}

static bv_rc set_column(import *im, const char *role, const char *name, bv_err *err) {
  const char *roles[BV_ROLE_COUNT + 1] = {0};
  for (int r = 0; r < BV_ROLE_COUNT; r++) {
    roles[r] = bv_role_name((bv_role)r);
    if (!bv_text_ieq(role, roles[r])) continue;
    if (strlen(name) >= sizeof im->column[r]) {
      return bv_fail(err, BV_ARG, "bars_import(): option columns.%s is longer than %zu bytes", role,
                     sizeof im->column[r] - 1);
    }
    snprintf(im->column[r], sizeof im->column[r], "%s", name);
    im->reader.column[r] = im->column[r];
    return BV_OK;
  }
  char list[160] = "";
  for (int r = 0; r < BV_ROLE_COUNT; r++) {
    size_t n = strlen(list);
    snprintf(list + n, sizeof list - n, "%s%s", r ? ", " : "", roles[r]);
  }
  const char *near = bv_nearest(role, roles);
  return bv_fail(err, BV_ARG,
                 "bars_import(): option columns has no role '%.40s'%s%s%s roles are %s", role,
                 near ? "; did you mean '" : ";", near ? near : "", near ? "'?" : "", list);
}

static bv_rc set_tz(import *im, const char *text, sqlite3_value *v, bv_err *err) {
  (void)v;
  bv_err why = {0};
  bv_rc rc = bv_zone_find(text, &im->reader.tz, &why);
  if (rc != BV_OK) {
    return bv_fail(err, rc, "bars_import(): option tz: %s", bv_err_text(&why, rc));
  }
  snprintf(im->tz, sizeof im->tz, "%s", text);
  im->has_tz = im->reader.tz_given = true;
  return BV_OK;
}

static bv_rc set_label(import *im, const char *text, sqlite3_value *v, bv_err *err) {
  static const char *const labels[] = {"start", "end", NULL};
  int pick = 0;
  (void)v;
  BV_TRY(choice("label", text, labels, &pick, err));
  im->reader.label_end = pick == 1;
  return BV_OK;
}

static bv_rc set_price_scale(import *im, const char *text, sqlite3_value *v, bv_err *err) {
  double scale = sqlite3_value_double(v);
  if (!(scale > 0) || isinf(scale)) {
    return bv_fail(
        err, BV_ARG,
        "bars_import(): option price_scale is '%.40s'; it must be a number above 0, such as"
        " 0.0001 for prices in 1/10000",
        text);
  }
  im->reader.price_scale = scale;
  return BV_OK;
}

static bv_rc set_delimiter(import *im, const char *text, sqlite3_value *v, bv_err *err) {
  (void)v;
  if (strlen(text) != 1) {
    return bv_fail(err, BV_ARG, "bars_import(): option delimiter '%.40s' is not one character",
                   text);
  }
  im->reader.delimiter = text[0];
  return BV_OK;
}

static bv_rc set_date_order(import *im, const char *text, sqlite3_value *v, bv_err *err) {
  static const char *const orders[] = {"month", "day", NULL};
  int pick = 0;
  (void)v;
  BV_TRY(choice("date_order", text, orders, &pick, err));
  im->reader.date_order = pick == 0 ? 'm' : 'd';
  return BV_OK;
}

static bv_rc set_on_conflict(import *im, const char *text, sqlite3_value *v, bv_err *err) {
  static const char *const conflicts[] = {"error", "ignore", "replace", NULL};
  int pick = 0;
  (void)v;
  BV_TRY(choice("on_conflict", text, conflicts, &pick, err));
  im->conflict = (bv_on_conflict)pick;
  return BV_OK;
}

static bv_rc set_venue(import *im, const char *text, sqlite3_value *v, bv_err *err) {
  static const char *const names[] = {"auto", "always", "never", NULL};
  int pick = 0;
  (void)v;
  BV_TRY(choice("venue", text, names, &pick, err));
  im->reader.venue = (bv_venue_keys)pick;
  return BV_OK;
}

static bv_rc flag(const char *key, const char *text, bool *out, bv_err *err) {
  static const char *const flags[] = {"0", "1", NULL};
  int pick = 0;
  if (choice("", text, flags, &pick, NULL) != BV_OK) {
    return bv_fail(err, BV_ARG, "bars_import(): option %s is '%.40s'; it can be true or false", key,
                   text);
  }
  *out = pick == 1;
  return BV_OK;
}

static bv_rc set_allow_negative(import *im, const char *text, sqlite3_value *v, bv_err *err) {
  (void)v;
  return flag("allow_negative", text, &im->reader.allow_negative, err);
}

static bv_rc set_stop_on_error(import *im, const char *text, sqlite3_value *v, bv_err *err) {
  (void)v;
  return flag("stop_on_error", text, &im->stop_on_error, err);
}

static bv_rc set_progress(import *im, const char *text, sqlite3_value *v, bv_err *err) {
  (void)v;
  bool on = true;
  BV_TRY(flag("progress", text, &on, err));
  im->no_progress = !on;
  return BV_OK;
}

static bv_rc set_columns(import *im, const char *text, sqlite3_value *v, bv_err *err) {
  (void)im;
  (void)v;
  return bv_fail(err, BV_ARG,
                 "bars_import(): option columns is '%.40s'; it must be an object such as"
                 " {\"close\": \"Last Price\"}",
                 text);
}

static const struct {
  const char *name;
  bv_rc (*set)(import *im, const char *text, sqlite3_value *v, bv_err *err);
} options_table[] = {
    {"tz", set_tz},
    {"label", set_label},
    {"price_scale", set_price_scale},
    {"delimiter", set_delimiter},
    {"date_order", set_date_order},
    {"on_conflict", set_on_conflict},
    {"allow_negative", set_allow_negative},
    {"columns", set_columns},
    {"venue", set_venue},
    {"stop_on_error", set_stop_on_error},
    {"progress", set_progress},
};

enum { OPTIONS = sizeof options_table / sizeof *options_table };

/* One leaf of the options.  JSON's true arrives as 1; null leaves an option as it is by default. */
static bv_rc set_option(void *ctx, const char *path, const char *type, sqlite3_value *v,
                        bv_err *err) {
  import *im = ctx;
  const char *known[OPTIONS + 1] = {0};
  const char *text = (const char *)sqlite3_value_text(v);
  bool null = strcmp(type, "null") == 0;
  if (!text) text = "";
  if (strncmp(path, "columns.", 8) == 0) {
    return null ? BV_OK : set_column(im, path + 8, text, err);
  }
  char list[160] = "";
  size_t name = strcspn(path, "[.");
  for (int i = 0; i < OPTIONS; i++) {
    known[i] = options_table[i].name;
    if (bv_text_ieqn(path, name, known[i])) {
      if (null) return BV_OK;
      return path[name] && options_table[i].set != set_columns
                 ? bv_fail(err, BV_ARG, "bars_import(): option %s must be a single value", known[i])
                 : options_table[i].set(im, text, v, err);
    }
    size_t n = strlen(list);
    snprintf(list + n, sizeof list - n, "%s%s", i ? ", " : "", known[i]);
  }
  const char *near = bv_nearest(path, known);
  return bv_fail(err, BV_ARG, "bars_import(): unknown option '%.40s'%s%s%s options are %s", path,
                 near ? "; did you mean '" : ";", near ? near : "", near ? "'?" : "", list);
}

/* ---- rows ---- */

static bv_rc put_reject(void *ctx, int64_t line, const char *raw, const char *reason, bv_err *err) {
  import *im = ctx;
  sqlite3_stmt *st;
  BV_TRY(bv_store_stmt(im->s, BV_ST_REJECT, &st, err));
  sqlite3_bind_text(st, 1, im->path, -1, SQLITE_STATIC);
  if (im->asset) {
    sqlite3_bind_text(st, 2, im->asset, -1, SQLITE_STATIC);
  } else {
    sqlite3_bind_null(st, 2);
  }
  sqlite3_bind_text(st, 3, im->timestep, -1, SQLITE_STATIC);
  sqlite3_bind_int64(st, 4, line);
  sqlite3_bind_text(st, 5, reason, -1, SQLITE_STATIC);
  sqlite3_bind_text(st, 6, raw, -1, SQLITE_STATIC);
  im->rejected++;
  return bv_sql_done(im->s->db, st, err, "writing barsvt_reject");
}

static bv_rc new_target(import *im, const char *key, size_t n, bv_load **out, bv_err *err) {
  char asset[BV_ASSET_MAX + 1];
  bv_series series;
  BV_TRY(bv_asset_check(key, n, err));
  memcpy(asset, key, n);
  asset[n] = 0;
  if (im->asset && im->target.live > 0) {
    return bv_fail(
        err, BV_ARG,
        "bars_import(): '%.200s' has bars of several symbols; give NULL as asset to load "
        "each under its own name",
        im->path);
  }
  BV_TRY(bv_series_make(im->s, im->asset ? im->asset : asset, im->step, im->has_tz ? im->tz : NULL,
                        &series, err));
  bv_load *l = bv_alloc(BV_MEM_IMPORT, sizeof *l);
  if (!l) return BV_NOMEM;
  bv_load_init(l, &series, im->conflict, &im->pool);
  bv_rc rc = bv_map_put(&im->target, key, n, l);
  if (rc != BV_OK) {
    bv_free(l);
    return rc;
  }
  *out = l;
  return BV_OK;
}

/* The series of a row; mostly that of the row before. */
static bv_rc find_target(import *im, const bv_bar_row *row, bv_load **out, bv_err *err) {
  const char *key = row->symbol;
  size_t n = row->nsymbol;
  if (!key || n == 0) {
    key = im->asset ? im->asset : im->fallback;
    if (!key) {
      return bv_fail(err, BV_ARG,
                     "bars_import(): '%.200s' has no symbol column, so an asset must be given",
                     im->path);
    }
    n = strlen(key);
  }
  if (im->latest && n == im->nlatest && memcmp(key, im->latest_key, n) == 0) {
    *out = im->latest;
    return BV_OK;
  }
  *out = bv_map_find(&im->target, key, n);
  if (!*out) {
    if (im->latest) BV_TRY(bv_load_rest(im->latest));
    BV_TRY(new_target(im, key, n, out, err));
  }
  im->latest = *out;
  im->nlatest = n;
  memcpy(im->latest_key, key, n); /* a key that was taken fits */
  return BV_OK;
}

/* Neighbours of one symbol share one copy of it, in most readers; each run of them goes to its load. */
static bv_rc put_batch(import *im, const bv_bar_row *rows, size_t n, bv_err *err) {
  for (size_t i = 0, j; i < n; i = j) {
    bv_load *l = NULL;
    for (j = i + 1;
         j < n && rows[j].symbol == rows[i].symbol && rows[j].nsymbol == rows[i].nsymbol;)
      j++;
    BV_TRY(find_target(im, rows + i, &l, err));
    BV_TRY(bv_load_rows(im->s, l, rows + i, j - i, err));
  }
  return BV_OK;
}

/* Bars of many series that come in order of time are all collected at once.  Where they get too many, what
** there is is written, and written again with what follows: slower, but of bounded memory. */
static bv_rc bound_memory(import *im, bv_err *err) {
  size_t at = 0;
  if (im->pool.held <= HELD_MAX) return BV_OK;
  for (const bv_map_entry *e; (e = bv_map_next(&im->target, &at));)
    BV_TRY(bv_load_flush(im->s, e->value, err));
  return BV_OK;
}

/* Now and then: the user may stop it, and is told. */
static bv_rc tell(void *ctx, int64_t done, const char *unit, bv_err *err) {
  import *im = ctx;
  bv_progress_show(&im->progress, im->path, done, unit);
  return bv_sql_poll(im->s->db, im->poll, err);
}

/* All rows of the file, in batches. */
static bv_rc put_batches(import *im, bv_row_source *src, bv_err *err) {
  bv_bar_row *rows = bv_alloc(BV_MEM_IMPORT, BATCH * sizeof *rows);
  if (!rows) return BV_NOMEM;
  bv_rc rc;
  size_t n = 0;
  int64_t done = 0, told = 0;
  while ((rc = src->next(src->self, rows, BATCH, &n, err)) == BV_OK && n > 0) {
    rc = put_batch(im, rows, n, err);
    if (rc == BV_OK) rc = bound_memory(im, err);
    if (rc != BV_OK) break;
    done += (int64_t)n;
    if (done - told < POLL) continue;
    told = done;
    rc = tell(im, done, "rows", err);
    if (rc != BV_OK) break;
  }
  bv_free(rows);
  return rc;
}

static bv_rc put_rows(import *im, bv_row_source *src, bv_err *err) {
  bv_rc rc = put_batches(im, src, err);
  size_t at = 0;
  for (const bv_map_entry *e; rc == BV_OK && (e = bv_map_next(&im->target, &at));) {
    rc = bv_load_finish(im->s, e->value, err);
  }
  return rc;
}

/* ---- the end ---- */

static bv_rc put_coverage(import *im, bv_err *err) {
  sqlite3_stmt *st;
  BV_TRY(bv_sql_prepare(im->s->db,
                        "INSERT OR REPLACE INTO main.barsvt_coverage VALUES (?1, ?2, ?3, "
                        "?4, ?5)",
                        &st, err));
  size_t at = 0;
  bv_rc rc = BV_OK;
  for (const bv_map_entry *e; rc == BV_OK && (e = bv_map_next(&im->target, &at));) {
    const bv_load *t = e->value;
    if (t->rows == 0) continue;
    sqlite3_bind_int64(st, 1, t->series.id);
    sqlite3_bind_text(st, 2, im->path, -1, SQLITE_STATIC);
    sqlite3_bind_int64(st, 3, t->first);
    sqlite3_bind_int64(st, 4, bv_timestep_end(im->step, t->series.zone, t->last));
    sqlite3_bind_int64(st, 5, t->rows);
    rc = bv_sql_done(im->s->db, st, err, "writing barsvt_coverage");
  }
  sqlite3_finalize(st);
  return rc;
}

static bv_rc add_time(bv_buf *b, const char *key, int64_t ts, bool any) {
  char text[32];
  if (!any) return bv_buf_addf(b, ",\"%s\":null", key);
  bv_instant_format(ts, text);
  return bv_buf_addf(b, ",\"%s\":\"%s\"", key, text);
}

/* The warnings, one per line, as an array; nothing where there is none. */
static bv_rc add_warnings(bv_buf *b, const char *lines) {
  char line[400];
  const char *sep = ",\"warnings\":[";
  for (size_t n; *lines; lines += n + (lines[n] == '\n')) {
    n = strcspn(lines, "\n");
    snprintf(line, sizeof line, "%.*s", (int)n, lines);
    BV_TRY(bv_buf_adds(b, sep));
    BV_TRY(bv_buf_add_json(b, line));
    sep = ",";
  }
  return sep[1] ? BV_OK : bv_buf_adds(b, "]");
}

static bv_rc sum_up(import *im, bv_import_totals *t) {
  size_t at = 0;
  for (const bv_map_entry *e; (e = bv_map_next(&im->target, &at));) {
    const bv_load *l = e->value;
    const char *asset = l->series.asset;
    BV_TRY(bv_map_put(&t->assets, asset, strlen(asset), t));
    if (l->rows == 0) continue;
    if (t->rows == 0 || l->first < t->first) t->first = l->first;
    if (t->rows == 0 || l->last > t->last) t->last = l->last;
    t->rows += l->rows;
    t->fresh += l->fresh;
    t->changed += l->changed;
  }
  t->rejected += im->rejected;
  return BV_OK;
}

bv_rc bv_import_add_totals(bv_buf *b, const bv_import_totals *t) {
  BV_TRY(bv_buf_addf(b, "\"rows\":%lld,\"new\":%lld,\"changed\":%lld,\"rejected\":%lld",
                     (long long)t->rows, (long long)t->fresh, (long long)t->changed,
                     (long long)t->rejected));
  BV_TRY(add_time(b, "first", t->first, t->rows > 0));
  BV_TRY(add_time(b, "last", t->last, t->rows > 0));
  return bv_buf_addf(b, ",\"assets\":%zu", t->assets.live);
}

static bv_rc write_summary(const bv_import_totals *t, const bv_bar_reader_info *info, bv_buf *b) {
  BV_TRY(bv_buf_adds(b, "{"));
  BV_TRY(bv_import_add_totals(b, t));
  BV_TRY(bv_buf_adds(b, ",\"time\":"));
  BV_TRY(bv_buf_add_json(b, info->time_kind));
  BV_TRY(bv_buf_adds(b, ",\"columns\":"));
  BV_TRY(bv_buf_add_json(b, info->columns));
  BV_TRY(add_warnings(b, info->warnings));
  return bv_buf_adds(b, "}");
}

/* What an earlier load of the same file set aside: this load says it again, or it is mended. */
static bv_rc forget_rejects(import *im, bv_err *err) {
  sqlite3_stmt *st;
  BV_TRY(bv_sql_prepare(im->s->db,
                        "DELETE FROM main.barsvt_reject WHERE source = ?1 AND asset IS ?2 AND"
                        " timestep = ?3",
                        &st, err));
  sqlite3_bind_text(st, 1, im->path, -1, SQLITE_STATIC);
  if (im->asset) sqlite3_bind_text(st, 2, im->asset, -1, SQLITE_STATIC);
  sqlite3_bind_text(st, 3, im->timestep, -1, SQLITE_STATIC);
  bv_rc rc = bv_sql_done(im->s->db, st, err, "writing barsvt_reject");
  sqlite3_finalize(st);
  return rc;
}

/* A format that knows its market's zone sets it for the assets. */
static void take_zone(import *im, const bv_bar_reader_info *info) {
  if (im->has_tz || !info->tz) return;
  snprintf(im->tz, sizeof im->tz, "%s", info->tz);
  im->has_tz = true;
}

static bv_rc load(import *im, bv_import_totals *totals, bv_buf *summary, bv_err *err) {
  bv_row_source src;
  BV_TRY(bv_row_source_open(im->path, &im->reader, &src, err));
  bv_bar_reader_info info = src.info(src.self);
  take_zone(im, &info);
  bv_rc rc = put_rows(im, &src, err);
  if (rc == BV_OK) rc = put_coverage(im, err);
  if (rc == BV_OK) rc = sum_up(im, totals);
  info = src.info(src.self);
  if (rc == BV_OK && summary) rc = write_summary(totals, &info, summary);
  src.close(src.self);
  return rc;
}

/* What can be stopped and may take long. */
static bv_rc load_watched(import *im, bv_import_totals *totals, bv_buf *summary, bv_err *err) {
  BV_TRY(bv_store_create_schema(im->s, err));
  BV_TRY(forget_rejects(im, err));
  BV_TRY(bv_sql_prepare(im->s->db, "SELECT 1", &im->poll, err));
  bv_progress_init(&im->progress, !im->no_progress);
  bv_rc rc = load(im, totals, summary, err);
  bv_progress_clear(&im->progress);
  sqlite3_finalize(im->poll);
  return rc;
}

static bv_rc prepare(import *im, const bv_import_job *job, bv_err *err) {
  *im = (import){.s = job->s,
                 .path = job->path,
                 .timestep = job->timestep,
                 .asset = job->asset,
                 .conflict = BV_CONFLICT_REPLACE};
  im->reader.tz = job->s->zone;
  im->reader.asset = job->asset;
  im->reader.reject = put_reject;
  im->reader.reject_ctx = im;
  im->reader.tell = tell;
  im->reader.tell_ctx = im;
  if (job->asset) BV_TRY(bv_asset_check(job->asset, strlen(job->asset), err));
  BV_TRY(bv_timestep_parse(job->timestep, strlen(job->timestep), &im->step, err));
  im->reader.step = im->step;
  return bv_json_walk(job->s->db, job->options, "bars_import(): options", set_option, im, err);
}

bv_rc bv_import_check(const bv_import_job *job, bv_import_totals *out, bv_err *err) {
import im;
  BV_TRY(prepare(&im, job, err));
  out->stop_on_error = im.stop_on_error;
  return BV_OK;
}

/* A file name that is no key leaves the rows without one, which find_target says. */
static void name_after_file(import *im) {
  size_t n = bv_file_symbol(im->path, im->file_symbol, sizeof im->file_symbol);
  if (n >= sizeof im->file_symbol || bv_asset_check(im->file_symbol, n, NULL) != BV_OK) return;
  im->fallback = im->file_symbol;
}

bv_rc bv_import_one(const bv_import_job *job, bv_import_totals *totals, bv_buf *summary,
                    bv_err *err) {
import im;
  bv_store *s = job->s;
  BV_TRY(prepare(&im, job, err));
  if (job->name_symbol) name_after_file(&im);
  bv_map_init(&im.target);
  bv_load_pool_init(&im.pool);
  bv_rc rc = bv_store_savepoint(s, &im.savepoint, err);
  if (rc == BV_OK) {
    rc = bv_store_sync(s, err); /* of the state that is then read */
    if (rc == BV_OK) rc = load_watched(&im, totals, summary, err);
    rc = bv_savepoint_close(s->db, &im.savepoint, rc, err);
  }
  if (rc == BV_OK) {
    bv_store_changed(s);
  } else {
    bv_store_rolled_back(s);
  }
  size_t at = 0;
  for (const bv_map_entry *e; (e = bv_map_next(&im.target, &at));) {
    bv_load_reset(e->value);
    bv_free(e->value);
  }
  bv_map_reset(&im.target);
  bv_load_pool_reset(&im.pool);
  return rc;
}
