/* doc_run.c - the run that a document describes; see doc_run.h. */
#include "run/doc_run.h"
#include "base/text.h"
#include "data/fingerprint.h"
#include "data/sql.h"
#include "run/around.h"
#include "run/doc_source.h"
#include "run/rerun.h"

#include <stdio.h>
#include <string.h>

static const char *const sources[] = {"signals", "features", "context"};
enum { SOURCES = 3 };

static const char *source_text(const bv_document *d, int i, const char *key) {
  char path[80];
  snprintf(path, sizeof path, "data_sources.%s.%s", sources[i], key);
  return bv_document_text(d, path);
}

/* ---- files ---- */

bv_rc bv_file_print(const char *path, char out[64], bool *there) {
  char piece[8192];
  uint64_t hash = 1;
  long long size = 0;
  size_t n;
  FILE *f = fopen(path, "rb");
  *there = f != NULL;
  if (!f) return BV_OK;
  while ((n = fread(piece, 1, sizeof piece, f)) > 0) {
    hash = (hash ^ bv_text_hash(piece, n)) * UINT64_C(0x9e3779b97f4a7c15);
    size += (long long)n;
  }
  fclose(f);
  snprintf(out, 64, "%lld bytes, %016llx", size, (unsigned long long)hash);
  return BV_OK;
}

/* The bars of a file, by bars_import(). */
static bv_rc import_options(bv_store *s, const bv_document *d, char **out, bv_err *err) {
  sqlite3_stmt *st;
  int row;
  BV_TRY(bv_sql_prepare(
      s->db,
      "SELECT json_patch(json_patch('{\"progress\": false}', json_object('tz', ?1, 'label', ?2)),"
      " json_object('columns', json_patch(CASE json_type(?5) WHEN 'object' THEN json(?5) ELSE"
      " json('{}') END, json_object('ts', ?3, 'symbol', ?4))))",
      &st, err));
  static const char *const key[] = {"tz", "label", "timestamp_column", "asset_column", "columns"};
  for (int i = 0; i < 5; i++) {
    char path[80];
    snprintf(path, sizeof path, "data_sources.prices.%s", key[i]);
    sqlite3_bind_text(st, i + 1, bv_document_text(d, path), -1, SQLITE_STATIC);
  }
  bv_rc rc = bv_sql_row(s->db, st, &row, err, "bars_import()");
  *out = rc == BV_OK ? bv_strdup(BV_MEM_RUN, bv_sql_text(st, 0)) : NULL;
  sqlite3_finalize(st);
  return rc == BV_OK && !*out ? BV_NOMEM : rc;
}

static bv_rc import_prices(bv_store *s, const bv_document *d, bv_err *err) {
  const char *path = bv_document_text(d, "data_sources.prices.path");
  sqlite3_stmt *st;
  char *options;
  int row;
  if (!path) return BV_OK;
  BV_TRY(import_options(s, d, &options, err));
  bv_rc rc = bv_sql_prepare(s->db, "SELECT bars_import(?1, ?2, json_extract(?3, '$.timestep'), ?4)",
                            &st, err);
  if (rc == BV_OK) {
    sqlite3_bind_text(st, 1, path, -1, SQLITE_STATIC);
    sqlite3_bind_text(st, 2, bv_document_text(d, "data_sources.prices.asset"), -1, SQLITE_STATIC);
    sqlite3_bind_text(st, 3, bv_buf_text(&d->flat), -1, SQLITE_STATIC);
    sqlite3_bind_text(st, 4, options, -1, SQLITE_STATIC);
    rc = bv_sql_row(s->db, st, &row, err, "$.data_sources.prices");
    sqlite3_finalize(st);
  }
  bv_free(options);
  return rc;
}

static bv_rc load_sources(bv_store *s, const bv_document *d, const bv_zone *zone, bv_err *err) {
  for (int i = 0; i < SOURCES; i++) {
    const char *path = source_text(d, i, "path"), *ts = source_text(d, i, "timestamp_column");
    if (path) BV_TRY(bv_file_table(s->db, path, sources[i], ts ? ts : "timestamp", zone, err));
  }
  return BV_OK;
}

/* ---- the feed ---- */

static bv_rc add_option(bv_buf *sql, const char *name, const char *value) {
  if (!value) return BV_OK;
  char *quoted = sqlite3_mprintf(" %s=%Q", name, value);
  bv_rc rc = quoted ? bv_buf_adds(sql, quoted) : BV_NOMEM;
  sqlite3_free(quoted);
  return rc;
}

/* A JSON list of names as "a, b". */
static bv_rc name_list(bv_store *s, const char *json, char **out, bv_err *err) {
  sqlite3_stmt *st;
  int row;
  *out = NULL;
  if (!json) return BV_OK;
  BV_TRY(bv_sql_prepare(s->db,
                        "SELECT CASE json_type(?1) WHEN 'array' THEN (SELECT group_concat(value,"
                        " ', ') FROM json_each(?1)) ELSE ?1 ->> '$' END",
                        &st, err));
  sqlite3_bind_text(st, 1, json, -1, SQLITE_STATIC);
  bv_rc rc = bv_sql_row(s->db, st, &row, err, "document");
  if (rc == BV_OK && sqlite3_column_type(st, 0) != SQLITE_NULL) {
    *out = bv_strdup(BV_MEM_RUN, bv_sql_text(st, 0));
    if (!*out) rc = BV_NOMEM;
  }
  sqlite3_finalize(st);
  return rc;
}

static bv_rc add_source(bv_store *s, const bv_document *d, int i, bv_buf *sql, bv_err *err) {
  static const char *const option[] = {"timing", "lag", "match", "tolerance", "max_age", "span"};
  const char *table = source_text(d, i, "table"), *path = source_text(d, i, "path");
  const char *asset = source_text(d, i, "asset_column"),
             *ts = source_text(d, i, "timestamp_column");
  const bool context = i == 2;
  char *columns = NULL;
  bool has = false;
  if (!table && !path) return BV_OK;
  if (path && !ts) ts = "timestamp";
  if (path && !asset) {
    BV_TRY(bv_file_has(path, "asset_id", &has, err));
    if (has) asset = "asset_id";
  }
  BV_TRY(name_list(s, source_text(d, i, "columns"), &columns, err));
  bv_rc rc =
      bv_buf_addf(sql, ", %s=(%s", context ? "context" : "signals", table ? table : sources[i]);
  if (rc == BV_OK) rc = add_option(sql, "ts", ts);
  if (rc == BV_OK) rc = add_option(sql, "asset", asset);
  if (rc == BV_OK) rc = add_option(sql, "columns", columns);
  for (size_t k = 0; k < sizeof option / sizeof *option && rc == BV_OK; k++) {
    char path_of[40];
    const char *value = source_text(d, i, option[k]);
    snprintf(path_of, sizeof path_of, "feed.%s", option[k]);
    if (!value) value = bv_document_text(d, path_of);
    rc = add_option(sql, option[k], value);
  }
  bv_free(columns);
  return rc == BV_OK ? bv_buf_adds(sql, ")") : rc;
}

static bool has_feed(const bv_document *d) {
  bool any = false;
  for (int i = 0; i < SOURCES; i++) any |= source_text(d, i, "table") || source_text(d, i, "path");
  return any;
}

static const char *feed_name(const bv_document *d) {
  const char *name = bv_document_text(d, "feed.name");
  return name ? name : "feed";
}

static bv_rc flat_value(bv_store *s, const bv_document *d, const char *sql, char **out,
                        bv_err *err) {
  sqlite3_stmt *st;
  int row;
  *out = NULL;
  BV_TRY(bv_sql_prepare(s->db, sql, &st, err));
  sqlite3_bind_text(st, 1, bv_buf_text(&d->flat), -1, SQLITE_STATIC);
  bv_rc rc = bv_sql_row(s->db, st, &row, err, "document");
  if (rc == BV_OK && row && sqlite3_column_type(st, 0) != SQLITE_NULL) {
    *out = bv_strdup(BV_MEM_RUN, bv_sql_text(st, 0));
    if (!*out) rc = BV_NOMEM;
  }
  sqlite3_finalize(st);
  return rc;
}

static bv_rc make_feed(bv_store *s, const bv_document *d, bv_err *err) {
  char *step = NULL, *assets = NULL, *list = NULL;
  bv_buf sql;
  if (!has_feed(d)) return BV_OK;
  bv_buf_init(&sql, BV_MEM_RUN, 1 << 16);
  bv_rc rc = flat_value(s, d, "SELECT json_extract(?1, '$.timestep')", &step, err);
  if (rc == BV_OK)
    rc = flat_value(s, d, "SELECT json_quote(json_extract(?1, '$.assets'))", &assets, err);
  if (rc == BV_OK && assets && strcmp(assets, "null") != 0) rc = name_list(s, assets, &list, err);
  if (rc == BV_OK && !step) {
    rc = bv_fail(err, BV_ARG, "$.data_sources.prices: a feed needs timestep, such as \"minute\"");
  }
  char *begin =
      rc == BV_OK ? sqlite3_mprintf("CREATE VIRTUAL TABLE temp.\"%w\" USING bars_feed("
                                    "timestep=%Q%s%Q",
                                    feed_name(d), step, list ? ", universe=" : "", list ? list : "")
                  : NULL;
  if (rc == BV_OK && !begin) rc = BV_NOMEM;
  if (rc == BV_OK) {
    size_t n = strlen(begin);
    if (!list) n -= 2; /* the empty text */
    rc = bv_buf_add(&sql, begin, n);
  }
  sqlite3_free(begin);
  for (int i = 0; i < SOURCES && rc == BV_OK; i++) rc = add_source(s, d, i, &sql, err);
  if (rc == BV_OK) rc = bv_buf_adds(&sql, ")");
  if (rc == BV_OK) rc = bv_sql_exec(s->db, bv_buf_text(&sql), err);
  bv_buf_reset(&sql);
  bv_free(step);
  bv_free(assets);
  bv_free(list);
  return rc;
}

/* ---- the strategy ---- */

static bool is_query(const char *text) {
  static const char *const begin[] = {"select", "with", "values"};
  text += strspn(text, " \t\r\n(");
  const size_t n = strcspn(text, " \t\r\n(");
  for (size_t i = 0; i < 3; i++) {
    if (bv_text_ieqn(text, n, begin[i])) return true;
  }
  return false;
}

/* A whole file as text, to be freed. */
static bv_rc read_text(const char *path, char **out, bv_err *err) {
  bv_buf b;
  char piece[4096];
  size_t n;
  FILE *f = fopen(path, "rb");
  *out = NULL;
  if (!f) return bv_fail(err, BV_NOTFOUND, "'%.300s' cannot be read", path);
  bv_buf_init(&b, BV_MEM_RUN, 1 << 20);
  bv_rc rc = BV_OK;
  while (rc == BV_OK && (n = fread(piece, 1, sizeof piece, f)) > 0) rc = bv_buf_add(&b, piece, n);
  fclose(f);
  if (rc == BV_OK) *out = bv_strdup(BV_MEM_RUN, bv_buf_text(&b));
  bv_buf_reset(&b);
  return rc == BV_OK && !*out ? BV_NOMEM : rc;
}

/* The strategy: *view its name, *sql its text where the document has it (to be freed). */
static bv_rc strategy_of(const bv_document *d, const char **view, char **sql, bv_err *err) {
  const char *text = bv_document_text(d, "strategy"), *file = bv_document_text(d, "strategy.file");
  *sql = NULL;
  *view = bv_document_text(d, "strategy.view");
  if (file) return read_text(file, sql, err);
  if (!text) text = bv_document_text(d, "strategy.sql");
  if (text && (is_query(text) || !bv_document_text(d, "strategy"))) {
    *sql = bv_strdup(BV_MEM_RUN, text);
    return *sql ? BV_OK : BV_NOMEM;
  }
  if (text) *view = text;
  return BV_OK;
}

static const char *view_name(const bv_document *d) {
  const char *name = bv_document_text(d, "name");
  return name ? name : "strategy";
}

/* One statement, and nothing after it. */
static bv_rc exec_one(bv_store *s, const char *sql, const char *where, bv_err *err) {
  sqlite3_stmt *st = NULL;
  const char *tail = "";
  int code = sqlite3_prepare_v2(s->db, sql, -1, &st, &tail);
  bv_rc rc = code == SQLITE_OK ? BV_OK : bv_sql_fail(s->db, code, err, where);
  if (rc == BV_OK && tail[strspn(tail, " \t\r\n;")]) {
    rc = bv_fail(err, BV_ARG, "%s: more than one statement", where);
  }
  if (rc == BV_OK) rc = bv_sql_done(s->db, st, err, where);
  sqlite3_finalize(st);
  return rc;
}

static bv_rc make_view(bv_store *s, const bv_document *d, const char *sql, bv_err *err) {
  const size_t n = strlen(sql);
  size_t end = n;
  while (end > 0 && strchr(" \t\r\n;", sql[end - 1])) end--;
  char *make = sqlite3_mprintf("CREATE TEMP VIEW \"%w\" AS %.*s", view_name(d), (int)end, sql);
  bv_rc rc = make ? exec_one(s, make, "$.strategy", err) : BV_NOMEM;
  sqlite3_free(make);
  return rc;
}

/* ---- the run ---- */

/* Drop what the document made; rc is that of the run. */
static bv_rc drop_all(bv_store *s, const bv_document *d, bool view, bv_err *err) {
  for (int i = -2; i < SOURCES; i++) {
    const char *name = i == -2 ? view_name(d) : i == -1 ? feed_name(d) : sources[i];
    const bool there = i == -2 ? view : i == -1 ? has_feed(d) : source_text(d, i, "path") != NULL;
    if (!there) continue;
    if (i >= 0) {
      BV_TRY(bv_file_drop(s->db, name, err));
      continue;
    }
    char *sql = sqlite3_mprintf("DROP %s temp.\"%w\"", i == -2 ? "VIEW" : "TABLE", name);
    bv_rc rc = sql ? bv_sql_exec(s->db, sql, err) : BV_NOMEM;
    sqlite3_free(sql);
    if (rc != BV_OK) return rc;
  }
  return BV_OK;
}

/* Size and hash of each file that the document names. */
static bv_rc print_files(const bv_document *d, bv_inputs *out) {
  static const char *const key[] = {"data_sources.prices.path", "data_sources.signals.path",
                                    "data_sources.features.path", "data_sources.context.path",
                                    "strategy.file"};
  bv_rc rc = BV_OK;
  for (size_t i = 0; i < sizeof key / sizeof *key && rc == BV_OK; i++) {
    const char *path = bv_document_text(d, key[i]);
    char print[64];
    bool there = false;
    if (path) rc = bv_file_print(path, print, &there);
    if (rc == BV_OK && there) rc = bv_inputs_add(out, "file", key[i], print);
  }
  return rc;
}

/* What a document becomes. */
typedef struct parts {
  bv_run_start start;
  bv_inputs files;
  char *sql; /* of its view; NULL: it names one of the database */
} parts;

static void parts_reset(parts *p) {
  bv_inputs_reset(&p->files);
  bv_free(p->sql);
}

static bv_rc make_parts(bv_store *s, const bv_document *d, const char *text,
                        const bv_run_start *how, parts *p, bv_err *err) {
  const char *view;
  p->start = *how;
  BV_TRY(strategy_of(d, &view, &p->sql, err));
  BV_TRY(print_files(d, &p->files));
  BV_TRY(bv_keep_same_files(how->resume, &p->files, err));
  BV_TRY(import_prices(s, d, err));
  BV_TRY(load_sources(s, d, how->zone ? how->zone : s->zone, err));
  BV_TRY(make_feed(s, d, err));
  if (p->sql) BV_TRY(make_view(s, d, p->sql, err));
  p->start.strategy = p->sql ? view_name(d) : view;
  p->start.config = bv_buf_text(&d->flat);
  p->start.stored = bv_buf_text(&d->stored);
  p->start.document = text;
  p->start.merged = true;
  p->start.files = &p->files;
  return BV_OK;
}

/* All of it or nothing. */
static bv_rc run_whole(bv_store *s, const bv_document *d, const char *text, const bv_run_start *how,
                       parts *p, int64_t *id, bv_err *err) {
  bv_around around;
  BV_TRY(bv_around_open(s, "bt_run_document()", &around, err));
  bv_rc rc = make_parts(s, d, text, how, p, err);
  if (rc == BV_OK) rc = bv_run_all(s, &p->start, id, err);
  if (rc == BV_OK) rc = drop_all(s, d, p->sql != NULL, err);
  return bv_around_close(s, &around, rc, err);
}

static bv_rc drop_now(bv_store *s, const bv_document *d, const parts *p, bv_err *err) {
  bv_around around;
  BV_TRY(bv_around_open(s, "bt_run_document()", &around, err));
  bv_rc rc = drop_all(s, d, p->sql != NULL, err);
  return bv_around_close(s, &around, rc, err);
}

/* After an interrupt nothing can be dropped: leave it to the next document. */
static void leave(bv_store *s, const bv_document *d) {
  char *sql = sqlite3_mprintf("DROP VIEW IF EXISTS temp.\"%w\"; DROP TABLE IF EXISTS temp.\"%w\";"
                              "DROP VIEW IF EXISTS temp.signals; DROP VIEW IF EXISTS temp.features;"
                              "DROP VIEW IF EXISTS temp.context",
                              view_name(d), feed_name(d));
  bv_free(s->left);
  s->left = sql ? bv_strdup(BV_MEM_RUN, sql) : NULL;
  sqlite3_free(sql);
}

static bv_rc drop_left(bv_store *s, bv_err *err) {
  if (!s->left) return BV_OK;
  BV_TRY(bv_sql_exec(s->db, s->left, err));
  bv_free(s->left);
  s->left = NULL;
  return BV_OK;
}

/* A run with checkpoints: what the document makes is committed before it, and dropped after it. */
static bv_rc run_kept(bv_store *s, const bv_document *d, const char *text, const bv_run_start *how,
                      parts *p, int64_t *id, bv_err *err) {
  bv_around around;
  BV_TRY(bv_around_open(s, "bt_run_document()", &around, err));
  bv_rc rc = make_parts(s, d, text, how, p, err);
  rc = bv_around_close(s, &around, rc, err);
  if (rc != BV_OK) return rc;
  rc = bv_run_all(s, &p->start, id, err);
  bv_err why = {0};
  bv_rc dropped = drop_now(s, d, p, &why);
  if (dropped != BV_OK) leave(s, d);
  if (rc != BV_OK || dropped == BV_OK) return rc;
  return bv_fail_native(err, dropped, why.native, "%s", bv_err_text(&why, dropped));
}

static bv_rc has_checkpoints(bv_store *s, const bv_document *d, bool *out, bv_err *err) {
  char *every;
  BV_TRY(flat_value(s, d, "SELECT json_extract(?1, '$.checkpoint')", &every, err));
  *out = every && strcmp(every, "0") != 0;
  bv_free(every);
  return BV_OK;
}

bv_rc bv_document_run(bv_store *s, const char *text, const bv_run_start *how, int64_t *id,
                      bv_err *err) {
  bv_document d;
  parts p = {0};
  bool kept = false;
  if (s->run) return bv_fail(err, BV_BUSY, "a run is in progress on this connection");
  BV_TRY(drop_left(s, err));
  BV_TRY(bv_document_check(s, text, &d, err));
  bv_rc rc = d.nerror > 0 ? bv_document_fail(&d, err) : bv_file_sweep(s->db, err);
  if (rc == BV_OK && !how->whole) rc = has_checkpoints(s, &d, &kept, err);
  if (rc == BV_OK) {
    kept = kept && sqlite3_get_autocommit(s->db); /* else the run says that it cannot be */
    rc = kept ? run_kept(s, &d, text, how, &p, id, err) : run_whole(s, &d, text, how, &p, id, err);
    if (rc == BV_OK) rc = bv_file_sweep(s->db, err); /* now that nothing of ours reads any more */
  }
  parts_reset(&p);
  bv_document_reset(&d);
  return rc;
}

/* ---- what the database can tell ---- */

static bv_rc check_view(bv_store *s, bv_document *d, const char *view, bv_err *err) {
  char *text;
  BV_TRY(bv_view_text(s->db, view, &text, err));
  const bool there = text != NULL;
  bv_free(text);
  return there
             ? BV_OK
             : bv_document_error(d, "$.strategy", "there is no view '%.80s' in the database", view);
}

/* The text of a strategy can be prepared here unless it reads what the document makes. */
static bv_rc check_sql(bv_store *s, bv_document *d, const char *sql, bv_err *err) {
  if (strstr(sql, "${")) {
    return bv_document_error(d, "$.strategy",
                             "${...} is not expanded in the text of a strategy; use"
                             " params and bt_param()");
  }
  if (has_feed(d)) return BV_OK;
  sqlite3_stmt *st = NULL;
  int code = sqlite3_prepare_v2(s->db, sql, -1, &st, NULL);
  sqlite3_finalize(st);
  if (code != SQLITE_OK && (code & 0xff) != SQLITE_ERROR) {
    return bv_sql_fail(s->db, code, err, "$.strategy");
  }
  return code == SQLITE_OK ? BV_OK
                           : bv_document_error(d, "$.strategy", "%s", sqlite3_errmsg(s->db));
}

static bv_rc check_tables(bv_store *s, bv_document *d, bv_err *err) {
  for (int i = 0; i < SOURCES; i++) {
    const char *table = source_text(d, i, "table");
    char path[80];
    int row;
    sqlite3_stmt *st;
    if (!table) continue;
    BV_TRY(bv_sql_prepare(s->db, "SELECT 1 FROM pragma_table_info(?1)", &st, err));
    sqlite3_bind_text(st, 1, table, -1, SQLITE_STATIC);
    bv_rc rc = bv_sql_row(s->db, st, &row, err, "tables");
    sqlite3_finalize(st);
    if (rc != BV_OK) return rc;
    snprintf(path, sizeof path, "$.data_sources.%s.table", sources[i]);
    if (!row) BV_TRY(bv_document_error(d, path, "there is no table '%.80s'", table));
  }
  return BV_OK;
}

static bv_rc check_parts(bv_store *s, bv_document *d, bv_err *err) {
  const char *view;
  char *sql;
  BV_TRY(check_tables(s, d, err));
  for (int i = 0; i < d->nerror; i++) { /* nothing to look at */
    if (strncmp(d->error[i].path, "$.strategy", 10) == 0) return BV_OK;
  }
  bv_rc rc = strategy_of(d, &view, &sql, err);
  if (rc == BV_OK && sql) rc = check_sql(s, d, sql, err);
  if (rc == BV_OK && !sql && view) rc = check_view(s, d, view, err);
  bv_free(sql);
  return rc;
}

bv_rc bv_document_check(bv_store *s, const char *text, bv_document *out, bv_err *err) {
  BV_TRY(bv_document_read(s, text, out, err));
  bv_rc rc = check_parts(s, out, err);
  if (rc != BV_OK) bv_document_reset(out);
  return rc;
}
