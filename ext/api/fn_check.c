/*
** fn_check.c - the table bars_check: a row for everything wrong with what is stored, none where all is
** well.
*/
#include "api/functions.h"
#include "api/list_table.h"
#include "data/check.h"
#include "data/sql.h"
#include "run/curve.h"
#include "run/row_chunk.h"

#include <string.h>

/* A file can be broken in every row; nobody reads more than this. */
#define MAX_PROBLEMS 10000

typedef struct problems {
  bv_list *out;
  int64_t n;
} problems;

static bv_rc add_row(bv_list *out, const char *object, int64_t id, const char *problem) {
  BV_TRY(bv_list_text(out, object));
  BV_TRY(id ? bv_list_int(out, id) : bv_list_null(out));
  return bv_list_text(out, problem);
}

static bv_rc add_problem(void *ctx, const char *object, int64_t id, const char *problem) {
  problems *p = ctx;
  if (p->n++ == MAX_PROBLEMS) return BV_LIMIT;
  return add_row(p->out, object, id, problem);
}

/* The chunk of an equity curve that the statement stands on. */
static bv_rc check_curve(bv_check *c, sqlite3_stmt *st, bv_curve *room, bv_err *err) {
  int64_t id = sqlite3_column_int64(st, 0), n = sqlite3_column_int64(st, 1);
  bv_err why = {0};
  bv_rc rc = bv_curve_decode(sqlite3_column_blob(st, 4), sqlite3_column_bytes(st, 4), n, room->ts,
                             room->value, room->cash, room->exposed, &why);
  if (rc != BV_OK) return bv_check_damage(c, "bt_curve", id, rc, &why, err);
  if (sqlite3_column_int64(st, 2) != room->ts[0] ||
      sqlite3_column_int64(st, 3) != room->ts[n - 1]) {
    BV_TRY(bv_check_report(c, "bt_curve", id, "first or last is not that of the data"));
  }
  if (sqlite3_column_int(st, 5) == 1) return BV_OK;
  return bv_check_report(c, "bt_curve", id, "its run is not in bt_run");
}

static bv_rc walk_curves(bv_check *c, bv_err *err) {
  sqlite3_stmt *st;
  int row;
  BV_TRY(bv_store_prepare(c->s,
                          "SELECT rowid, n, first, last, data, run IN (SELECT id FROM main.bt_run)"
                          " FROM main.bt_curve ORDER BY rowid",
                          &st, err));
  bv_curve *room = bv_alloc(BV_MEM_RUN, sizeof *room);
  bv_rc rc = room ? BV_OK : BV_NOMEM;
  while (rc == BV_OK) {
    rc = bv_sql_row(c->s->db, st, &row, err, "reading bt_curve");
    if (rc != BV_OK || !row) break;
    rc = check_curve(c, st, room, err);
  }
  bv_free(room);
  sqlite3_finalize(st);
  return rc;
}

/* The chunk of rows that the statement stands on. */
static bv_rc check_chunk(bv_check *c, sqlite3_stmt *st, bv_row_room **room, bv_err *err) {
  const int64_t id = sqlite3_column_int64(st, 0);
  const bv_row_table *t = NULL;
  for (int k = 0; k < BV_ROWS_KINDS; k++) {
    if (strcmp(bv_sql_text(st, 1), bv_row_tables[k].kind) == 0) t = &bv_row_tables[k];
  }
  if (!t) return bv_check_report(c, "bt_chunk", id, "there is no kind '%.40s'", bv_sql_text(st, 1));
  bv_row_chunk *chunk = NULL;
  bv_err why = {0};
  bv_rc rc =
      bv_row_chunk_new(t, sqlite3_column_blob(st, 6), sqlite3_column_bytes(st, 6),
                       sqlite3_column_int64(st, 2), sqlite3_column_int64(st, 3),
                       sqlite3_column_int64(st, 4), sqlite3_column_int64(st, 5), &chunk, &why);
  if (rc == BV_OK) rc = bv_row_chunk_all(chunk, room, &why);
  bv_row_chunk_free(chunk);
  BV_TRY(bv_check_damage(c, "bt_chunk", id, rc, &why, err));
  if (sqlite3_column_int(st, 7) == 1) return BV_OK;
  return bv_check_report(c, "bt_chunk", id, "its run is not in bt_run");
}

static bv_rc walk_chunks(bv_check *c, bv_err *err) {
  sqlite3_stmt *st;
  int row;
  bv_row_room *room = NULL;
  BV_TRY(bv_store_prepare(c->s,
                          "SELECT rowid, kind, n, first, last, checksum, data, run IN (SELECT id"
                          " FROM main.bt_run) FROM main.bt_chunk ORDER BY rowid",
                          &st, err));
  bv_rc rc;
  while ((rc = bv_sql_row(c->s->db, st, &row, err, "reading bt_chunk")) == BV_OK && row) {
    if ((rc = check_chunk(c, st, &room, err)) != BV_OK) break;
  }
  bv_free(room);
  sqlite3_finalize(st);
  return rc;
}

static bv_rc check_results(bv_check *c, const char *table, bv_rc (*walk)(bv_check *, bv_err *),
                           bv_err *err) {
  bv_err why = {0};
  bool there;
  BV_TRY(bv_check_has_table(c, table, &there, err));
  if (!there) return BV_OK;
  const bv_rc rc = walk(c, &why);
  return bv_check_damage(c, table, 0, rc, &why, err);
}

static bv_rc check_one(bv_store *s, problems *p, bv_err *err) {
  bv_check c = {.s = s, .found = add_problem, .ctx = p};
  BV_TRY(bv_check_store(&c, err));
  BV_TRY(bv_check_partitions(&c, err));
  BV_TRY(check_results(&c, "bt_curve", walk_curves, err));
  return check_results(&c, "bt_chunk", walk_chunks, err);
}

static bv_rc fill_check(bv_store *s, bv_list *out, sqlite3_value *const *arg, bv_err *err) {
  (void)arg;
  problems p = {.out = out};
  bv_rc rc = check_one(s, &p, err);
  for (int i = 0; i < s->nattached && rc == BV_OK; i++) rc = check_one(s->attached[i], &p, err);
  if (rc != BV_LIMIT) return rc;
  bv_err_clear(err);
  return add_row(out, "bars_check", 0, "there are more problems than are listed");
}

static const bv_list_def table = {
    "bars_check", "object TEXT, id INTEGER, problem TEXT", 3, 0, fill_check, true};

int bv_fn_check_register(sqlite3 *db, bv_store *s) {
  return bv_list_register(db, s, &table);
}
