/* row_move.c - results of earlier versions; see row_move.h. */
#include "run/row_move.h"
#include "run/rows.h"

#include <math.h>
#include <string.h>

extern const char bv_sql_result[];

/* Texts that live until their rows are written. */
typedef struct texts {
  char *block[1024];
  int n;
  size_t used, size; /* of the last block */
} texts;

static void texts_reset(texts *t) {
  for (int i = 0; i < t->n; i++) bv_free(t->block[i]);
  *t = (texts){0};
}

static bool texts_full(const texts *t) {
  return t->n == (int)(sizeof t->block / sizeof *t->block);
}

static const char *texts_keep(texts *t, const char *text, size_t n) {
  if (t->n == 0 || t->size - t->used <= n) {
    const size_t size = n < 65536 ? 65536 : n + 1;
    char *p = texts_full(t) ? NULL : bv_alloc(BV_MEM_RUN, size);
    if (!p) return NULL;
    t->block[t->n++] = p;
    t->size = size;
    t->used = 0;
  }
  char *to = t->block[t->n - 1] + t->used;
  memcpy(to, text, n);
  to[n] = 0;
  t->used += n + 1;
  return to;
}

/* One table on its way. */
typedef struct mover {
  sqlite3 *db;
  bv_rows_kind kind;
  const bv_row_table *table;
  sqlite3_stmt *from;
  bv_rows rows;
  texts texts;
} mover;

/* The column's value as a cell; false where it is of another type. */
static bool take_cell(mover *m, int i, bv_row_cell *out, bv_rc *rc) {
  sqlite3_value *v = sqlite3_column_value(m->from, i + 1);
  const int type = sqlite3_value_type(v);
  switch (m->table->column[i].type) {
  case BV_ROW_INT: out->i = sqlite3_value_int64(v); return type == SQLITE_INTEGER;
  case BV_ROW_REF:
    out->i = sqlite3_value_int64(v);
    return type == SQLITE_NULL || (type == SQLITE_INTEGER && out->i != 0);
  case BV_ROW_REAL:
    out->r = type == SQLITE_NULL ? NAN : sqlite3_value_double(v);
    return type == SQLITE_NULL || type == SQLITE_FLOAT || type == SQLITE_INTEGER;
  default: {
    out->text = NULL;
    if (type != SQLITE_TEXT) return type == SQLITE_NULL;
    const char *text = (const char *)sqlite3_value_text(v);
    const size_t n = (size_t)sqlite3_value_bytes(v);
    out->text = text ? texts_keep(&m->texts, text, n) : NULL;
    if (!out->text) *rc = BV_NOMEM;
    return !text || strlen(text) == n;
  }
  }
}

static bv_rc move_row(mover *m, bv_err *err) {
  bv_row_cell cell[BV_ROW_COLUMNS_MAX];
  bv_rc rc = BV_OK;
  for (int i = 0; i < m->table->ncolumn; i++) {
    if (take_cell(m, i, &cell[i], &rc)) continue;
    return bv_fail(
        err, BV_CORRUPT,
        "%s: run %lld, row %lld: the value in %s does not belong there, so the rows of an "
        "earlier version cannot be moved; mend or delete it, or the run",
        m->table->name, (long long)sqlite3_column_int64(m->from, 0),
        (long long)sqlite3_column_int64(m->from, 1), m->table->column[i].name);
  }
  if (rc != BV_OK) return rc;
  return bv_rows_put_cells(&m->rows, m->kind, cell, err);
}

/* Write what gathered before a row of another run, and before there is too much of it. */
static bv_rc make_way(mover *m, bv_err *err) {
  const int64_t run = sqlite3_column_int64(m->from, 0);
  const bool full = m->rows.kept[m->kind].n == BV_ROW_CHUNK || texts_full(&m->texts);
  if (run == m->rows.run && !full) return BV_OK;
  BV_TRY(bv_rows_flush(&m->rows, err));
  texts_reset(&m->texts);
  m->rows.run = run;
  return BV_OK;
}

static bv_rc foreign(const bv_row_table *t, bv_err *err) {
  return bv_fail(
      err, BV_ARG,
      "bt_run(): the results cannot be stored: %s is a table or view of another kind; the "
      "names bt_run, bt_chunk, bt_curve, bt_figure, bt_position, bt_input and those of the "
      "tables that read them belong to them",
      t->name);
}

/* SELECT run, ... FROM main.bt_fill ORDER BY run, id */
static bv_rc prepare_from(mover *m, bv_err *err) {
  const bv_row_table *t = m->table;
  bv_buf sql;
  bv_buf_init(&sql, BV_MEM_RUN, 4096);
  bv_rc rc = bv_buf_adds(&sql, "SELECT run");
  for (int i = 0; i < t->ncolumn && rc == BV_OK; i++) {
    rc = bv_buf_addf(&sql, ", \"%s\"", t->column[i].name);
  }
  if (rc == BV_OK) rc = bv_buf_addf(&sql, " FROM main.%s ORDER BY run, 2", t->name);
  if (rc == BV_OK) {
    bv_err why = {0};
    rc = bv_sql_prepare(m->db, bv_buf_text(&sql), &m->from, &why);
    if (rc != BV_OK && (why.native & 0xff) == SQLITE_ERROR)
      rc = foreign(t, err);
    else if (rc != BV_OK)
      rc = bv_fail_native(err, rc, why.native, "%s", why.msg);
  }
  bv_buf_reset(&sql);
  return rc;
}

/* Orders of the first versions had fewer columns. */
static bv_rc complete_orders(sqlite3 *db, bv_err *err) {
  static const char more[] =
      "ALTER TABLE main.bt_order ADD COLUMN order_type TEXT NOT NULL DEFAULT 'market';"
      "ALTER TABLE main.bt_order ADD COLUMN limit_price REAL;"
      "ALTER TABLE main.bt_order ADD COLUMN stop_price REAL;"
      "ALTER TABLE main.bt_order ADD COLUMN trail_amount REAL;"
      "ALTER TABLE main.bt_order ADD COLUMN trail_percent REAL;"
      "ALTER TABLE main.bt_order ADD COLUMN tif TEXT NOT NULL DEFAULT 'gtc';"
      "ALTER TABLE main.bt_order ADD COLUMN parent INTEGER";
  sqlite3_stmt *st;
  int row;
  BV_TRY(bv_sql_prepare(db,
                        "SELECT count(*) = 13 AND max(name = 'tag') FROM"
                        " pragma_table_info('bt_order', 'main')",
                        &st, err));
  bv_rc rc = bv_sql_row(db, st, &row, err, "bt_order");
  const bool few = rc == BV_OK && row && sqlite3_column_int(st, 0) == 1;
  sqlite3_finalize(st);
  return few ? bv_sql_exec(db, more, err) : rc;
}

static bv_rc move_table(sqlite3 *db, bv_rows_kind kind, bv_err *err) {
  mover m = {.db = db, .kind = kind, .table = &bv_row_tables[kind]};
  sqlite3_stmt *insert = NULL;
  int row;
  if (kind == BV_ROWS_ORDER) BV_TRY(complete_orders(db, err));
  BV_TRY(prepare_from(&m, err));
  bv_rc rc = bv_sql_prepare(db, BV_ROWS_INSERT, &insert, err);
  bv_rows_open(db, 0, insert, NULL, &m.rows);
  while (rc == BV_OK && (rc = bv_sql_row(db, m.from, &row, err, m.table->name)) == BV_OK && row) {
    rc = make_way(&m, err);
    if (rc == BV_OK) rc = move_row(&m, err);
  }
  if (rc == BV_OK) rc = bv_rows_flush(&m.rows, err);
  bv_rows_close(&m.rows);
  texts_reset(&m.texts);
  sqlite3_finalize(insert);
  sqlite3_finalize(m.from);
  return rc;
}

/* Which of the tables are there, as bits. */
static bv_rc old_tables(sqlite3 *db, unsigned *tables, bv_err *err) {
  sqlite3_stmt *st;
  int row;
  bv_rc rc;
  *tables = 0;
  BV_TRY(bv_sql_prepare(db,
                        "SELECT lower(name), type FROM main.sqlite_schema WHERE type IN ('table',"
                        " 'view') AND name LIKE 'bt\\_%' ESCAPE '\\'",
                        &st, err));
  while ((rc = bv_sql_row(db, st, &row, err, "sqlite_schema")) == BV_OK && row) {
    for (int k = 0; k < BV_ROWS_KINDS && rc == BV_OK; k++) {
      if (strcmp(bv_sql_text(st, 0), bv_row_tables[k].name) != 0) continue;
      *tables |= 1u << k;
      if (strcmp(bv_sql_text(st, 1), "view") == 0) rc = foreign(&bv_row_tables[k], err);
    }
    if (rc != BV_OK) break;
  }
  sqlite3_finalize(st);
  return rc;
}

static bv_rc drop_tables(sqlite3 *db, unsigned tables, bv_err *err) {
  for (int k = 0; k < BV_ROWS_KINDS; k++) {
    if (!(tables >> k & 1)) continue;
    char *sql = sqlite3_mprintf("DROP TABLE main.%s", bv_row_tables[k].name);
    const int code = sql ? sqlite3_exec(db, sql, NULL, NULL, NULL) : SQLITE_NOMEM;
    sqlite3_free(sql);
    if ((code & 0xff) == SQLITE_LOCKED) {
      return bv_fail_native(
          err, BV_BUSY, code,
          "%s is a table of an earlier version, whose rows have to be moved while "
          "nothing else reads: call bt_run() once in a SELECT without FROM",
          bv_row_tables[k].name);
    }
    if (code != SQLITE_OK)
      return bv_sql_fail(db, code, err, "dropping a table of an earlier version");
  }
  return BV_OK;
}

/* The views over them say what that version knew: they are made anew. */
static bv_rc drop_views(sqlite3 *db, bv_err *err) {
  static const char views[] =
      "SELECT group_concat('DROP VIEW main.' || name, ';') FROM main.sqlite_schema"
      " WHERE type = 'view' AND name IN ('bt_trade', 'bt_metric', 'bt_reject', 'bt_order_event',"
      " 'bt_ambiguous', 'bt_cost', 'bt_drawdown', 'bt_return_daily', 'bt_return_monthly',"
      " 'bt_return_yearly')";
  sqlite3_stmt *st;
  int row;
  BV_TRY(bv_sql_prepare(db, views, &st, err));
  bv_rc rc = bv_sql_row(db, st, &row, err, "sqlite_schema");
  char *sql = rc == BV_OK && row ? bv_strdup(BV_MEM_RUN, bv_sql_text(st, 0)) : NULL;
  sqlite3_finalize(st);
  if (rc == BV_OK && row) rc = sql ? bv_sql_exec(db, sql, err) : BV_NOMEM;
  bv_free(sql);
  return rc;
}

bv_rc bv_rows_move(sqlite3 *db, bv_savepoint *sp, bv_err *err) {
  unsigned tables;
  int row;
  BV_TRY(old_tables(db, &tables, err));
  if (!tables) return BV_OK;
  BV_TRY(drop_views(db, err));
  BV_TRY(bv_sql_exec(db, bv_sql_result, err));
  for (int k = 0; k < BV_ROWS_KINDS; k++) {
    if (tables >> k & 1) BV_TRY(move_table(db, (bv_rows_kind)k, err));
  }
  if (sp->reader) sqlite3_reset(sp->reader);
  bv_rc rc = drop_tables(db, tables, err);
  if (rc != BV_OK || !sp->reader) return rc;
  return bv_sql_row(db, sp->reader, &row, err, "sqlite_schema");
}
