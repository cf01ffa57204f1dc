/*
** check.c - verifying everything that is stored: the tables' shapes, the catalog, rows, coverage; see
** check.h.
*/
#include "data/check.h"
#include "base/buf.h"
#include "data/bar_check.h"
#include "data/rowsum.h"
#include "data/sql.h"
#include "time/instant.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

extern const char bv_sql_schema[], bv_sql_result[], bv_sql_partition[];

/* ---- reporting ---- */

bv_rc bv_check_report(bv_check *c, const char *object, int64_t id, const char *fmt, ...) {
  char text[600], name[140];
  va_list args;
  va_start(args, fmt);
  vsnprintf(text, sizeof text, fmt, args);
  va_end(args);
  if (!c->s->parent) return c->found(c->ctx, object, id, text);
  snprintf(name, sizeof name, "%.100s.%s", c->s->partition ? c->s->file : c->s->schema, object);
  return c->found(c->ctx, name, id, text);
}

bv_rc bv_check_damage(bv_check *c, const char *object, int64_t id, bv_rc rc, bv_err *why,
                      bv_err *err) {
  if (rc == BV_OK) return BV_OK;
  if (rc != BV_CORRUPT && rc != BV_ARG && rc != BV_RANGE && rc != BV_NOTFOUND) {
    *err = *why;
    return rc;
  }
  rc = bv_check_report(c, object, id, "%s", bv_err_text(why, rc));
  bv_err_clear(why);
  return rc;
}

/* bv_bar_problem refuses negative prices; where there are some they are only compared with each other. */
const char *bv_check_bar(const double value[BV_NCOL]) {
  double rest[BV_NCOL];
  bool negative = false, finite = true;
  for (int c = 0; c < BV_NCOL; c++) {
    bool price = c <= BV_COL_CLOSE;
    rest[c] = price ? 0 : value[c];
    if (price) negative = negative || value[c] < 0;
    if (price) finite = finite && isfinite(value[c]);
  }
  if (!negative || !finite) return bv_bar_problem(value);
  const char *wrong = bv_bar_order_problem(value[BV_COL_OPEN], value[BV_COL_HIGH],
                                           value[BV_COL_LOW], value[BV_COL_CLOSE]);
  return wrong ? wrong : bv_bar_problem(rest);
}

/* ---- shapes ---- */

/* The columns of a table as one text; empty where it does not exist. */
static bv_rc shape_of(sqlite3 *db, const char *schema, const char *table, bv_buf *out,
                      bv_err *err) {
  sqlite3_stmt *st;
  int row;
  bv_buf_clear(out);
  BV_TRY(bv_sql_prepare(db,
                        "SELECT group_concat(name || ' ' || type || iif(\"notnull\", ' not null',"
                        " '') || iif(pk, ' key ' || pk, ''), ', ')"
                        " FROM (SELECT * FROM pragma_table_info(?1, ?2) ORDER BY cid)",
                        &st, err));
  sqlite3_bind_text(st, 1, table, -1, SQLITE_STATIC);
  sqlite3_bind_text(st, 2, schema, -1, SQLITE_STATIC);
  bv_rc rc = bv_sql_row(db, st, &row, err, "table_info");
  if (rc == BV_OK && row) rc = bv_buf_adds(out, bv_sql_text(st, 0));
  sqlite3_finalize(st);
  return rc;
}

/* Tables of version 1 lack the checksum. */
static bool same_shape(const char *want, const char *have) {
  static const char sum[] = ", checksum INTEGER";
  const char *at = strstr(want, sum);
  if (strcmp(want, have) == 0) return true;
  size_t n = at ? (size_t)(at - want) : 0;
  return at && strncmp(want, have, n) == 0 && strcmp(at + sizeof sum - 1, have + n) == 0;
}

static bv_rc check_shape(bv_check *c, sqlite3 *model, const char *table, bool needed, bv_err *err) {
  bv_buf want, have;
  bv_buf_init(&want, BV_MEM_BASE, 1 << 20);
  bv_buf_init(&have, BV_MEM_BASE, 1 << 20);
  bv_rc rc = shape_of(model, "main", table, &want, err);
  if (rc == BV_OK) rc = shape_of(c->s->db, c->s->schema, table, &have, err);
  if (rc == BV_OK && have.n == 0) {
    rc = needed ? bv_check_report(c, table, 0, "the table is missing") : BV_OK;
  } else if (rc == BV_OK && !same_shape(bv_buf_text(&want), bv_buf_text(&have))) {
    rc = bv_check_report(c, table, 0, "its columns are (%.250s) instead of (%.250s)",
                         bv_buf_text(&have), bv_buf_text(&want));
  }
  bv_buf_reset(&want);
  bv_buf_reset(&have);
  return rc;
}

bv_rc bv_check_has_table(bv_check *c, const char *name, bool *out, bv_err *err) {
  sqlite3_stmt *st;
  int row = 0;
  BV_TRY(bv_store_prepare(
      c->s, "SELECT 1 FROM main.sqlite_schema WHERE type = 'table' AND name = ?1", &st, err));
  sqlite3_bind_text(st, 1, name, -1, SQLITE_STATIC);
  bv_rc rc = bv_sql_row(c->s->db, st, &row, err, "schema");
  *out = row;
  sqlite3_finalize(st);
  return rc;
}

/* Every table against a model made from the same text in memory. */
static bv_rc check_against(bv_check *c, sqlite3 *model, bv_err *err) {
  sqlite3_stmt *st;
  int row;
  bool store, runs, parts, rows; /* rows of an earlier version: there is no bt_chunk yet */
  BV_TRY(bv_check_has_table(c, "barsvt_hot", &store, err));
  BV_TRY(bv_check_has_table(c, "bt_run", &runs, err));
  BV_TRY(bv_check_has_table(c, "barsvt_partition_series", &parts, err));
  BV_TRY(bv_check_has_table(c, "bt_order", &rows, err));
  BV_TRY(bv_sql_exec(model, bv_sql_schema, err));
  BV_TRY(bv_sql_exec(model, bv_sql_result, err));
  BV_TRY(bv_sql_exec(model, bv_sql_partition, err));
  BV_TRY(bv_sql_prepare(model, "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name",
                        &st, err));
  bv_rc rc;
  while ((rc = bv_sql_row(model, st, &row, err, "schema")) == BV_OK && row) {
    const char *name = bv_sql_text(st, 0);
    bool needed = strncmp(name, "bt_", 3) == 0                 ? runs
                  : strncmp(name, "barsvt_partition", 16) == 0 ? parts
                                                               : store;
    if (rows && strcmp(name, "bt_chunk") == 0) needed = false;
    rc = check_shape(c, model, name, needed, err);
    if (rc != BV_OK) break;
  }
  sqlite3_finalize(st);
  return rc;
}

static bv_rc check_shapes(bv_check *c, bv_err *err) {
  sqlite3 *model = NULL;
  int code = sqlite3_open_v2(":memory:", &model, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);
  bv_rc rc = code == SQLITE_OK ? check_against(c, model, err)
                               : bv_fail(err, bv_sql_rc(code), "bars_check: no database in memory");
  sqlite3_close(model);
  return rc;
}

/* ---- rows ---- */

/* A table to be walked: a statement, and what looks at each of its rows. */
typedef struct walk {
  bv_check *c;
  const char *table;
  sqlite3_stmt *st;
  int64_t series; /* the one looked up last, and whether it is there */
  bool known;
} walk;

static bool is(const walk *w, int col, int type) {
  return sqlite3_column_type(w->st, col) == type;
}

/* Text that reads the same everywhere. */
static bool is_text(const walk *w, int col) {
  return is(w, col, SQLITE_TEXT) &&
         strlen(bv_sql_text(w->st, col)) == (size_t)sqlite3_column_bytes(w->st, col);
}

static bool is_number(const walk *w, int col) {
  return is(w, col, SQLITE_FLOAT) || is(w, col, SQLITE_INTEGER);
}

static bool is_instant(const walk *w, int col) {
  return is(w, col, SQLITE_INTEGER) &&
         bv_instant_check(sqlite3_column_int64(w->st, col), NULL) == BV_OK;
}

#define REPORT(w, id, ...) bv_check_report((w)->c, (w)->table, id, __VA_ARGS__)

static bv_rc check_meta(walk *w, bv_err *err) {
  (void)err;
  int64_t version = sqlite3_column_int64(w->st, 0);
  if (is(w, 0, SQLITE_INTEGER) && version >= 1 && version <= 3) return BV_OK;
  return REPORT(w, 0, "version is '%.40s'; this library knows versions 1 to 3",
                bv_sql_text(w->st, 0));
}

static bv_rc check_asset(walk *w, bv_err *err) {
  (void)err;
  int64_t id = sqlite3_column_int64(w->st, 0);
  bv_err why = {0};
  const bv_zone *zone;
  const char *name = bv_sql_text(w->st, 1);
  if (!is_text(w, 1)) {
    BV_TRY(REPORT(w, id, "the asset's name is not text"));
  } else if (bv_asset_check(name, strlen(name), &why) != BV_OK) {
    BV_TRY(REPORT(w, id, "%s", why.msg));
  }
  bv_err_clear(&why);
  if (!is_text(w, 2) || bv_zone_find(bv_sql_text(w->st, 2), &zone, &why) != BV_OK) {
    BV_TRY(REPORT(w, id, "tz: %s", why.msg[0] ? why.msg : "is not text"));
  }
  double m = sqlite3_column_double(w->st, 3);
  if (is_number(w, 3) && m > 0 && !isinf(m)) return BV_OK;
  return REPORT(w, id, "multiplier '%.40s' is not a number above 0", bv_sql_text(w->st, 3));
}

static bv_rc check_series(walk *w, bv_err *err) {
  int64_t id = sqlite3_column_int64(w->st, 0);
  bv_timestep step;
  char canonical[32] = "";
  const char *text = bv_sql_text(w->st, 2);
  if (id <= 0 || id >= INT64_C(1) << 24) return REPORT(w, id, "the id is out of range");
  if (is(w, 4, SQLITE_NULL)) {
    BV_TRY(REPORT(w, id, "there is no asset %s", bv_sql_text(w->st, 1)));
  }
  if (bv_timestep_parse(text, strlen(text), &step, NULL) == BV_OK && step.of == BV_OF_TRADES) {
    bv_timestep_format(step, canonical);
  }
  if (!is_text(w, 2) || strcmp(canonical, text) != 0) {
    return REPORT(w, id, "'%.40s' is not a timestep as it is stored", text);
  }
  if (!is_text(w, 3)) return REPORT(w, id, "venue is not text");
  bv_series series; /* and the checksum */
  bool found;
  bv_err why = {0};
  bv_rc rc = bv_series_by_id(w->c->s, id, &series, &found, &why);
  return bv_check_damage(w->c, w->table, id, rc, &why, err);
}

/* Report a series that does not exist, once for the rows that follow each other. */
static bv_rc check_reference(walk *w, bv_err *err) {
  int64_t id = sqlite3_column_int64(w->st, 0);
  if (!is(w, 0, SQLITE_INTEGER))
    return REPORT(w, 0, "series '%.40s' is not a number", bv_sql_text(w->st, 0));
  if (id == w->series) return BV_OK;
  bv_series series;
  bv_err why = {0};
  bv_rc rc = bv_series_by_id(w->c->s, id, &series, &w->known, &why);
  w->series = id;
  if (rc != BV_OK) return bv_check_damage(w->c, w->table, id, rc, &why, err);
  return w->known ? BV_OK : REPORT(w, id, "there is no series %lld", (long long)id);
}

/* Why the values of a row cannot be a bar. */
static const char *row_problem(const walk *w) {
  double value[BV_NCOL];
  for (int k = 0; k < BV_NCOL; k++) value[k] = NAN;
  for (int k = 0; k <= BV_COL_OI; k++) {
    if (is(w, 2 + k, SQLITE_NULL)) continue;
    if (!is_number(w, 2 + k)) return "a value is not a number";
    value[k] = sqlite3_column_double(w->st, 2 + k);
  }
  return bv_check_bar(value);
}

/* A row without checksum is as good as it looks. */
static bool sum_differs(const walk *w) {
  double value[BV_NCOL];
  if (sqlite3_column_count(w->st) <= 3 + BV_COL_OI || is(w, 3 + BV_COL_OI, SQLITE_NULL))
    return false;
  for (int k = 0; k <= BV_COL_OI; k++) {
    value[k] = is(w, 2 + k, SQLITE_NULL) ? NAN : sqlite3_column_double(w->st, 2 + k);
  }
  return !is(w, 3 + BV_COL_OI, SQLITE_INTEGER) ||
         sqlite3_column_int64(w->st, 3 + BV_COL_OI) !=
             (int64_t)bv_rowsum_hot(sqlite3_column_int64(w->st, 0), sqlite3_column_int64(w->st, 1),
                                    value);
}

static bv_rc check_hot(walk *w, bv_err *err) {
  int64_t id = sqlite3_column_int64(w->st, 0);
  BV_TRY(check_reference(w, err));
  if (!is_instant(w, 1)) return REPORT(w, id, "ts '%.40s' is not a time", bv_sql_text(w->st, 1));
  const char *wrong = row_problem(w);
  if (!wrong && sum_differs(w)) wrong = "the checksum is not that of the values";
  if (!wrong) return BV_OK;
  char when[32];
  bv_instant_format(sqlite3_column_int64(w->st, 1), when);
  return REPORT(w, id, "%s: %s", when, wrong);
}

static bv_rc check_coverage(walk *w, bv_err *err) {
  int64_t id = sqlite3_column_int64(w->st, 0);
  BV_TRY(check_reference(w, err));
  if (!is(w, 1, SQLITE_TEXT)) BV_TRY(REPORT(w, id, "source is not text"));
  if (!is_instant(w, 2) || !is(w, 3, SQLITE_INTEGER) ||
      sqlite3_column_int64(w->st, 2) > sqlite3_column_int64(w->st, 3)) {
    BV_TRY(REPORT(w, id, "'%.30s' to '%.30s' is not a range of time", bv_sql_text(w->st, 2),
                  bv_sql_text(w->st, 3)));
  }
  if (is(w, 4, SQLITE_INTEGER) && sqlite3_column_int64(w->st, 4) >= 0) return BV_OK;
  return REPORT(w, id, "rows '%.30s' is not a count", bv_sql_text(w->st, 4));
}

static bool text_or_null(const walk *w, int col) {
  return is(w, col, SQLITE_TEXT) || is(w, col, SQLITE_NULL);
}

static bv_rc check_reject(walk *w, bv_err *err) {
  (void)err;
  bool line =
      is(w, 4, SQLITE_NULL) || (is(w, 4, SQLITE_INTEGER) && sqlite3_column_int64(w->st, 4) >= 0);
  bool good = is(w, 1, SQLITE_TEXT) && text_or_null(w, 2) && text_or_null(w, 3) && line &&
              is(w, 5, SQLITE_TEXT) && text_or_null(w, 6);
  return good ? BV_OK : REPORT(w, sqlite3_column_int64(w->st, 0), "a value is of the wrong type");
}

#define HOT_COLUMNS                                                                                \
  "series, ts, open, high, low, close, volume, vwap, trades, bid, ask, open_interest"

static const struct {
  const char *table, *sql;
  bv_rc (*check)(walk *w, bv_err *err);
  const char *unsummed; /* the statement for a table without checksums, where it differs */
} walks[] = {
    {"barsvt_meta", "SELECT (SELECT value FROM main.barsvt_meta WHERE key = 'version')", check_meta,
     NULL},
    {"barsvt_asset", "SELECT id, asset, tz, multiplier FROM main.barsvt_asset ORDER BY id",
     check_asset, NULL},
    {"barsvt_series",
     "SELECT s.id, s.asset, s.timestep, s.venue, a.id FROM main.barsvt_series s"
     " LEFT JOIN main.barsvt_asset a ON a.id = s.asset ORDER BY s.id",
     check_series, NULL},
    {"barsvt_hot", "SELECT " HOT_COLUMNS ", checksum FROM main.barsvt_hot ORDER BY series, ts",
     check_hot, "SELECT " HOT_COLUMNS " FROM main.barsvt_hot ORDER BY series, ts"},
    {"barsvt_coverage",
     "SELECT series, source, start, \"end\", rows FROM main.barsvt_coverage ORDER BY 1, 2, 3",
     check_coverage, NULL},
    {"barsvt_reject",
     "SELECT id, source, asset, timestep, line, reason, text FROM main.barsvt_reject ORDER BY id",
     check_reject, NULL},
};

static bv_rc walk_rows(walk *w, bv_rc (*check)(walk *w, bv_err *err), const char *sql,
                       bv_err *err) {
  int row;
  BV_TRY(bv_store_prepare(w->c->s, sql, &w->st, err));
  bv_rc rc;
  while ((rc = bv_sql_row(w->c->s->db, w->st, &row, err, "reading")) == BV_OK && row) {
    if ((rc = check(w, err)) != BV_OK) break;
  }
  sqlite3_finalize(w->st);
  return rc;
}

bv_rc bv_check_store(bv_check *c, bv_err *err) {
  bool any;
  BV_TRY(bv_store_has_schema(c->s, &any, err));
  BV_TRY(check_shapes(c, err));
  for (size_t i = 0; i < sizeof walks / sizeof *walks; i++) {
    bool there;
    BV_TRY(bv_check_has_table(c, walks[i].table, &there, err));
    if (!there) continue; /* reported with the shapes, where it should be there */
    walk w = {.c = c, .table = walks[i].table};
    bv_err why = {0};
    bool plain = walks[i].unsummed && !c->s->hot_sums;
    bv_rc rc = walk_rows(&w, walks[i].check, plain ? walks[i].unsummed : walks[i].sql, &why);
    BV_TRY(bv_check_damage(c, walks[i].table, 0, rc, &why, err));
  }
  return bv_check_segments(c, err);
}
