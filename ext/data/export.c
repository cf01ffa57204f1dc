/* export.c - writing stored bars to files; see export.h. */
#include "data/export.h"

#include "base/text.h"
#include "data/csv_write.h"
#include "data/json.h"
#include "data/outfile.h"
#include "data/parquet.h"
#include "data/progress.h"
#include "data/partition.h"
#include "data/raw.h"
#include "data/segstat.h"
#include "data/source.h"
#include "time/instant.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PIECE       16384 /* bars read at a time */
#define LINES       512   /* bars written at a time */
#define OUT_SIZE    ((size_t)1 << 18)
#define SUMMARY_MAX ((size_t)1024) /* but for the file's name */
/* A line: an asset key with its quotes doubled, the time, the values, commas, the end. */
#define LINE_MAX_SIZE (2 * BV_ASSET_MAX + 3 + (2 + BV_NCOL) * (BV_CSV_CELL_MAX + 1))
#define ALWAYS                                                                                     \
  (BV_COLBIT(BV_COL_OPEN) | BV_COLBIT(BV_COL_HIGH) | BV_COLBIT(BV_COL_LOW) |                       \
   BV_COLBIT(BV_COL_CLOSE) | BV_COLBIT(BV_COL_VOLUME))

typedef struct export {
  bv_store *s;
  const char *path, *asset, *timestep;
  char step_text[32]; /* canonical */
  int64_t lo, hi;
  bool overwrite, epoch, no_progress, parquet;
  int level;
  bv_outfile_kind kind;
  bv_outfile *file;
  bv_duckdb *duck; /* Parquet: lines go to it instead of the file */
  sqlite3_stmt *poll;
  bv_progress progress;
  char **name; /* assets, sorted */
  size_t nname;
  unsigned mask; /* columns written */
  char *out;
  size_t nout;
  int places[BV_NCOL];
  bool plain[BV_NCOL]; /* of the lines being written: decimals, in ... */
  int64_t(*decimal)[LINES];
  bv_csv_day day;
  int64_t rows, first, last, bytes;
  bv_buf columns;
}
export;

/* ---- options ---- */

static bv_rc bad_option(const char *key, const char *text, const char *can, bv_err *err) {
  return bv_fail(err, BV_ARG, "bars_export(): option %s is '%.40s'; it can be %s", key, text, can);
}

static bv_rc set_option(void *ctx, const char *path, const char *type, sqlite3_value *v,
                        bv_err *err) {
  export *x = ctx;
  static const char *const known[] = {"overwrite", "level", "time", "progress", NULL};
  const char *text = (const char *)sqlite3_value_text(v);
  bool yes = strcmp(type, "true") == 0, no = strcmp(type, "false") == 0;
  if (!text) text = "";
  if (strcmp(type, "null") == 0) return BV_OK;
  if (bv_text_ieq(path, "overwrite") || bv_text_ieq(path, "progress")) {
    if (!yes && !no) return bad_option(path, text, "true or false", err);
    if (bv_text_ieq(path, "overwrite")) {
      x->overwrite = yes;
    } else {
      x->no_progress = no;
    }
    return BV_OK;
  }
  if (bv_text_ieq(path, "time")) {
    x->epoch = bv_text_ieq(text, "epoch");
    return x->epoch || bv_text_ieq(text, "iso") ? BV_OK : bad_option(path, text, "iso, epoch", err);
  }
  if (bv_text_ieq(path, "level")) {
    sqlite3_int64 level = sqlite3_value_int64(v);
    if (strcmp(type, "integer") != 0 || level < 1 || level > 19) {
      return bad_option(path, text, "1 to 19 (9 for gzip)", err);
    }
    x->level = (int)level;
    return BV_OK;
  }
  const char *near = bv_nearest(path, known);
  return bv_fail(err, BV_ARG,
                 "bars_export(): unknown option '%.40s'%s%s%s options are overwrite, level, time, "
                 "progress",
                 path, near ? "; did you mean '" : ";", near ? near : "", near ? "'?" : "");
}

static bool ends_in(const char *path, const char *ending) {
  size_t n = strlen(path), k = strlen(ending);
  return n > k && path[n - k - 1] != '/' && bv_text_ieq(path + n - k, ending);
}

static bv_rc choose_format(export *x, bv_err *err) {
  static const struct {
    const char *ending;
    bv_outfile_kind kind;
    bool parquet;
    int levels;
  } format[] = {{".csv", BV_OUTFILE_PLAIN, false, 0},
                {".csv.gz", BV_OUTFILE_GZIP, false, 9},
                {".csv.zst", BV_OUTFILE_ZSTD, false, 19},
                {".parquet", BV_OUTFILE_PLAIN, true, 19},
                {".pq", BV_OUTFILE_PLAIN, true, 19}};
  for (size_t i = 0; i < sizeof format / sizeof *format; i++) {
    if (!ends_in(x->path, format[i].ending)) continue;
    x->kind = format[i].kind;
    x->parquet = format[i].parquet;
    if (x->level <= format[i].levels) return BV_OK;
    return bv_fail(err, BV_ARG, "bars_export(): option level is %d; %s takes %s", x->level,
                   format[i].ending, format[i].levels ? "1 to 9" : "none");
  }
  return bv_fail(err, BV_ARG,
                 "bars_export(): '%.200s' does not end in .csv, .csv.gz, .csv.zst, .parquet or .pq",
                 x->path);
}

/* ---- what is exported ---- */

static bv_rc add_name(export *x, const char *name) {
  BV_TRY(bv_room(BV_MEM_IMPORT, &x->name, (int64_t)x->nname, sizeof *x->name));
  x->name[x->nname] = bv_strdup(BV_MEM_IMPORT, name);
  return x->name[x->nname] ? (x->nname++, BV_OK) : BV_NOMEM;
}

static int by_name(const void *a, const void *b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The assets that one database has in this timestep. */
static bv_rc list_in(export *x, bv_store *s, bv_err *err) {
  bool there;
  int row;
  sqlite3_stmt *st;
  BV_TRY(bv_store_has_schema(s, &there, err));
  if (!there) return BV_OK;
  BV_TRY(bv_store_prepare(s,
                          "SELECT a.asset FROM main.barsvt_asset a JOIN main.barsvt_series s ON "
                          "s.asset = a.id WHERE " BV_SERIES_STEP " = ?1",
                          &st, err));
  sqlite3_bind_text(st, 1, x->step_text, -1, SQLITE_STATIC);
  bv_rc rc;
  while ((rc = bv_sql_row(s->db, st, &row, err, "barsvt_series")) == BV_OK && row) {
    rc = add_name(x, bv_sql_text(st, 0));
    if (rc != BV_OK) break;
  }
  sqlite3_finalize(st);
  return rc;
}

/* An asset in several databases is read from the first, as everywhere. */
static bv_rc list_names(export *x, bv_err *err) {
  if (x->asset) return add_name(x, x->asset);
  BV_TRY(list_in(x, x->s, err));
  for (int i = 0; i < x->s->nattached; i++) BV_TRY(list_in(x, x->s->attached[i], err));
  if (x->nname == 0) {
    return bv_fail(err, BV_NOTFOUND, "bars_export(): no '%.40s' bars are stored", x->timestep);
  }
  qsort((void *)x->name, x->nname, sizeof *x->name, by_name);
  size_t kept = 1;
  for (size_t i = 1; i < x->nname; i++) {
    if (strcmp(x->name[i], x->name[kept - 1]) == 0) {
      bv_free(x->name[i]);
    } else {
      x->name[kept++] = x->name[i];
    }
  }
  x->nname = kept;
  return BV_OK;
}

static bv_rc find_series(export *x, const char *name, bv_series *out, bv_err *err) {
  const bv_series *found;
  BV_TRY(bv_series_find(x->s, name, x->timestep, &found, err));
  if (!found) return bv_series_missing(x->s, "bars_export()", name, x->timestep, err);
  *out = *found;
  return BV_OK;
}

/* Columns that have a value in a sealed chunk of the series, or in a row. */
static bv_rc sealed_columns(bv_store *s, const bv_series *series, unsigned *mask, bv_err *err) {
  sqlite3_stmt *st;
  int row;
  int64_t id, chunk;
  bv_stats stats;
  BV_TRY(bv_store_prepare(s, BV_SEGSTAT_SCAN, &st, err));
  sqlite3_bind_int64(st, 1, bv_segstat_id(series->id, 0));
  sqlite3_bind_int64(st, 2, bv_segstat_id(series->id + 1, 0) - 1);
  bv_rc rc;
  while ((rc = bv_sql_row(s->db, st, &row, err, "reading barsvt_stat")) == BV_OK && row) {
    rc = bv_segstat_row(st, &id, &chunk, &stats, err);
    if (rc != BV_OK) break;
    *mask |= stats.columns;
  }
  sqlite3_finalize(st);
  return rc;
}

static bv_rc row_columns(bv_store *s, const bv_series *series, unsigned *mask, bv_err *err) {
  static const bv_column column[] = {BV_COL_VWAP, BV_COL_TRADES, BV_COL_BID, BV_COL_ASK, BV_COL_OI};
  sqlite3_stmt *st;
  int row;
  BV_TRY(bv_store_prepare(s,
                          "SELECT count(vwap), count(trades), count(bid), count(ask), "
                          "count(open_interest) FROM main.barsvt_hot WHERE series = ?1",
                          &st, err));
  sqlite3_bind_int64(st, 1, series->id);
  bv_rc rc = bv_sql_row(s->db, st, &row, err, "barsvt_hot");
  for (int i = 0; rc == BV_OK && row && i < 5; i++) {
    if (sqlite3_column_int64(st, i) > 0) *mask |= BV_COLBIT(column[i]);
  }
  sqlite3_finalize(st);
  return rc;
}

/* The columns that have values in the file, and in its partitions in [lo, hi). */
static bv_rc columns_of(bv_store *home, const bv_series *series, int64_t lo, int64_t hi,
                        unsigned *mask, bv_err *err) {
  const bv_parts *parts;
  BV_TRY(sealed_columns(home, series, mask, err));
  BV_TRY(row_columns(home, series, mask, err));
  BV_TRY(bv_parts_of(home, series, &parts, err));
  for (int i = 0; parts && i < parts->n; i++) {
    const bv_part *p = &parts->at[i];
    bv_series inner;
    if (p->first >= hi || p->last < lo) continue;
    BV_TRY(bv_part_open(home, series, p, &inner, err));
    bv_rc rc = columns_of(inner.home, &inner, lo, hi, mask, err);
    BV_TRY(bv_part_done(home, p, rc, err));
  }
  return BV_OK;
}

static bv_rc find_columns(export *x, bv_err *err) {
  x->mask = ALWAYS;
  for (size_t i = 0; i < x->nname; i++) {
    bv_series series;
    BV_TRY(find_series(x, x->name[i], &series, err));
    BV_TRY(columns_of(series.home ? series.home : x->s, &series, x->lo, x->hi, &x->mask, err));
  }
  x->mask &= BV_STORED_MASK;
  return BV_OK;
}

/* ---- lines ---- */

static bv_rc flush(export *x, bv_err *err) {
  size_t n = x->nout;
  x->nout = 0;
  return x->duck ? bv_duckdb_write(x->duck, x->out, n, err)
                 : bv_outfile_write(x->file, x->out, n, err);
}

/* An asset key as a field with the comma behind it; returns its length. */
static size_t quote_asset(const char *asset, char *to) {
  size_t n = 0;
  bool quote = strpbrk(asset, ",\"") != NULL;
  if (quote) to[n++] = '"';
  for (; *asset; asset++) {
    if (*asset == '"') to[n++] = '"';
    to[n++] = *asset;
  }
  if (quote) to[n++] = '"';
  to[n++] = ',';
  return n;
}

/* Line i of the bars from `at` on. */
static char *put_line(export *x, char *to, const bv_bars *b, int64_t at, int64_t i) {
  to = x->epoch || x->parquet ? bv_csv_put_i64(to, b->ts[at + i])
                              : bv_csv_put_time(to, b->ts[at + i], &x->day);
  for (int c = 0; c <= BV_COL_OI; c++) {
    if (!(x->mask & BV_COLBIT(c))) continue;
    *to++ = ',';
    if (x->plain[c]) {
      to = bv_csv_put_decimal(to, x->decimal[c][i], x->places[c]);
    } else if (b->col[c]) {
      to = bv_csv_put_f64(to, b->col[c][at + i], &x->places[c]);
    }
  }
  *to++ = '\n';
  return to;
}

/* The bars from `at` on; key is readable for 16 bytes. */
static bv_rc put_lines(export *x, const bv_bars *b, int64_t at, int64_t n, const char *key,
                       size_t nkey, bv_err *err) {
  for (int c = 0; c <= BV_COL_OI; c++) {
    x->plain[c] = (x->mask & BV_COLBIT(c)) && b->col[c] &&
                  bv_csv_decimals(b->col[c] + at, (size_t)n, &x->places[c], x->decimal[c]);
  }
  for (int64_t i = 0; i < n; i++) {
    if (OUT_SIZE - x->nout < LINE_MAX_SIZE) BV_TRY(flush(x, err));
    char *to = x->out + x->nout;
    memcpy(to, key, nkey <= 16 ? 16 : nkey);
    x->nout = (size_t)(put_line(x, to + nkey, b, at, i) - x->out);
  }
  return BV_OK;
}

static bv_rc put_bars(export *x, const bv_bars *b, const char *key, size_t nkey, bv_err *err) {
  for (int64_t at = 0; at < b->n; at += LINES) {
    BV_TRY(put_lines(x, b, at, b->n - at < LINES ? b->n - at : LINES, key, nkey, err));
  }
  if (b->n > 0) {
    if (x->rows == 0 || b->ts[0] < x->first) x->first = b->ts[0];
    if (x->rows == 0 || b->ts[b->n - 1] > x->last) x->last = b->ts[b->n - 1];
    x->rows += b->n;
  }
  bv_progress_show(&x->progress, x->path, x->rows, "rows");
  return bv_sql_poll(x->s->db, x->poll, err);
}

static bv_rc put_series(export *x, const char *name, bv_chunk *piece, bv_err *err) {
  bv_series series;
  char key[2 * BV_ASSET_MAX + 3] = "";
  BV_TRY(find_series(x, name, &series, err));
  bv_store *home = series.home ? series.home : x->s;
  bv_source src = bv_source_stored(&series);
  int64_t limit = bv_source_limit(&src, x->s->clock), hi = x->hi < limit ? x->hi : limit;
  size_t nkey = x->asset ? 0 : quote_asset(name, key);
  for (int64_t lo = x->lo; lo < hi;) {
    bv_chunk_clear(piece);
    BV_TRY(bv_raw_read(home, &series, lo, hi, PIECE, false, piece, err));
    bv_bars view = bv_chunk_view(piece);
    if (view.n == 0) break;
    BV_TRY(put_bars(x, &view, key, nkey, err));
    lo = view.ts[view.n - 1] + 1;
  }
  return BV_OK;
}

static void put_header(export *x) {
  const char *text = bv_buf_text(&x->columns);
  memcpy(x->out, text, x->columns.n);
  x->nout = x->columns.n;
  x->out[x->nout++] = '\n';
}

static bv_rc put_all(export *x, bv_err *err) {
  bv_chunk piece;
  bv_chunk_init(&piece, BV_MEM_IMPORT, x->mask);
  bv_rc rc = BV_OK;
  put_header(x);
  for (size_t i = 0; i < x->nname && rc == BV_OK; i++) rc = put_series(x, x->name[i], &piece, err);
  if (rc == BV_OK) rc = flush(x, err);
  bv_chunk_reset(&piece);
  return rc;
}

/* ---- the whole ---- */

static bv_rc name_columns(export *x, const char *column[BV_NCOL + 2], size_t *n) {
  *n = 0;
  if (!x->asset) column[(*n)++] = "asset";
  column[(*n)++] = "ts";
  for (int c = 0; c <= BV_COL_OI; c++) {
    if (x->mask & BV_COLBIT(c)) column[(*n)++] = bv_column_name(c);
  }
  for (size_t i = 0; i < *n; i++) {
    if (i) BV_TRY(bv_buf_adds(&x->columns, ","));
    BV_TRY(bv_buf_adds(&x->columns, column[i]));
  }
  return BV_OK;
}

static bv_rc write_file(export *x, bv_err *err) {
  const char *column[BV_NCOL + 2];
  size_t n;
  x->out = bv_alloc(BV_MEM_IMPORT, OUT_SIZE);
  x->decimal = bv_alloc(BV_MEM_IMPORT, (BV_COL_OI + 1) * sizeof *x->decimal);
  if (!x->out || !x->decimal || name_columns(x, column, &n) != BV_OK) {
    return bv_fail(err, BV_NOMEM, "out of memory");
  }
  BV_TRY(bv_outfile_open(x->path, x->kind, x->level, x->overwrite, &x->file, err));
  if (x->parquet) {
    BV_TRY(
        bv_parquet_create(bv_outfile_temp(x->file), column, n, x->epoch, x->level, &x->duck, err));
  }
  BV_TRY(put_all(x, err));
  if (x->duck) BV_TRY(bv_duckdb_finish(x->duck, err));
  bv_outfile *file = x->file;
  x->file = NULL;
  return bv_outfile_commit(file, &x->bytes, err);
}

static bv_rc add_time(bv_buf *b, const char *key, int64_t ts, bool any) {
  char text[32];
  if (!any) return bv_buf_addf(b, ",\"%s\":null", key);
  bv_instant_format(ts, text);
  return bv_buf_addf(b, ",\"%s\":\"%s\"", key, text);
}

static bv_rc write_summary(const export *x, bv_buf *b) {
  BV_TRY(bv_buf_adds(b, "{\"file\":"));
  BV_TRY(bv_buf_add_json(b, x->path));
  BV_TRY(bv_buf_addf(b, ",\"rows\":%lld,\"assets\":%zu,\"bytes\":%lld", (long long)x->rows,
                     x->nname, (long long)x->bytes));
  BV_TRY(add_time(b, "first", x->first, x->rows > 0));
  BV_TRY(add_time(b, "last", x->last, x->rows > 0));
  BV_TRY(bv_buf_adds(b, ",\"columns\":"));
  BV_TRY(bv_buf_add_json(b, bv_buf_text(&x->columns)));
  return bv_buf_adds(b, "}");
}

static bv_rc run(export *x, const char *options, bv_buf *summary, bv_err *err) {
  bv_timestep step;
  BV_TRY(bv_timestep_parse(x->timestep, strlen(x->timestep), &step, err));
  bv_timestep_format(step, x->step_text);
  if (x->asset) BV_TRY(bv_asset_check(x->asset, strlen(x->asset), err));
  BV_TRY(bv_json_walk(x->s->db, options, "bars_export(): options", set_option, x, err));
  BV_TRY(choose_format(x, err));
  BV_TRY(bv_store_sync(x->s, err));
  BV_TRY(list_names(x, err));
  BV_TRY(find_columns(x, err));
  BV_TRY(bv_sql_prepare(x->s->db, "SELECT 1", &x->poll, err));
  /* once the file is there, nothing must fail for want of memory */
  if (bv_buf_reserve(summary, 6 * strlen(x->path) + SUMMARY_MAX) != BV_OK) {
    return bv_fail(err, BV_NOMEM, "out of memory");
  }
  bv_progress_init(&x->progress, !x->no_progress);
  bv_rc rc = write_file(x, err);
  bv_progress_clear(&x->progress);
  return rc == BV_OK ? write_summary(x, summary) : rc;
}

bv_rc bv_export_file(bv_store *s, const char *path, const char *asset, const char *timestep,
                     int64_t lo, int64_t hi, const char *options, bv_buf *summary, bv_err *err) {
  export x = {.s = s, .path = path, .asset = asset, .timestep = timestep, .lo = lo, .hi = hi};
  bv_buf_init(&x.columns, BV_MEM_IMPORT, 1024);
  bv_rc rc = run(&x, options, summary, err);
  bv_duckdb_close(x.duck); /* before its file goes */
  bv_outfile_discard(x.file);
  sqlite3_finalize(x.poll);
  for (size_t i = 0; i < x.nname; i++) bv_free(x.name[i]);
  bv_free((void *)x.name);
  bv_free(x.out);
  bv_free((void *)x.decimal);
  bv_buf_reset(&x.columns);
  return rc;
}
