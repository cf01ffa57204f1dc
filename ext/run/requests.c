/* requests.c - what a run was asked for, in table bt_request; see requests.h. */
#include "run/requests.h"

#define CHUNK      4096       /* requests after which a chunk is closed */
#define FULL_BYTES (16 << 20) /* that gather before they are written without need */

void bv_requests_init(bv_requests *q, sqlite3 *db, int64_t run, const char *source) {
  *q = (bv_requests){.db = db, .run = run, .source = source};
  bv_request_writer_init(&q->out);
  bv_request_begin(&q->out);
  bv_request_reader_init(&q->in);
}

void bv_requests_reset(bv_requests *q) {
  bv_request_writer_reset(&q->out);
  bv_request_reader_reset(&q->in);
}

bv_rc bv_requests_add(bv_requests *q, int64_t at, const bv_signal *g) {
  return bv_request_put(&q->out, at, g);
}

bool bv_requests_full(const bv_requests *q) {
  return q->out.buf.n > FULL_BYTES;
}

bv_rc bv_requests_write(bv_requests *q, bv_err *err) {
  sqlite3_stmt *st;
  const void *p;
  size_t n;
  if (q->out.n == q->written) return BV_OK;
  BV_TRY(bv_request_bytes(&q->out, &p, &n));
  BV_TRY(bv_sql_prepare(
      q->db, "INSERT OR REPLACE INTO main.bt_request VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)", &st,
      err));
  sqlite3_bind_int64(st, 1, q->run);
  sqlite3_bind_text(st, 2, q->source, -1, SQLITE_STATIC);
  sqlite3_bind_int64(st, 3, q->chunk);
  sqlite3_bind_int64(st, 4, q->out.n);
  sqlite3_bind_int64(st, 5, q->out.first);
  sqlite3_bind_int64(st, 6, q->out.last.at);
  sqlite3_bind_blob64(st, 7, p, n, SQLITE_STATIC);
  bv_rc rc = bv_sql_done(q->db, st, err, "writing bt_request");
  sqlite3_finalize(st);
  if (rc != BV_OK) return rc;
  q->written = q->out.n;
  if (q->out.n < CHUNK) return BV_OK;
  q->chunk++;
  q->written = 0;
  bv_request_begin(&q->out);
  return BV_OK;
}

static bv_rc load(bv_requests *q, bool *found, bv_err *err) {
  sqlite3_stmt *st;
  int row;
  BV_TRY(bv_sql_prepare(q->db,
                        "SELECT n, data FROM main.bt_request WHERE run = ?1 AND source = ?2 AND"
                        " chunk = ?3",
                        &st, err));
  sqlite3_bind_int64(st, 1, q->run);
  sqlite3_bind_text(st, 2, q->source, -1, SQLITE_STATIC);
  sqlite3_bind_int64(st, 3, q->in_chunk);
  bv_rc rc = bv_sql_row(q->db, st, &row, err, "reading bt_request");
  *found = rc == BV_OK && row;
  if (*found) {
    rc = bv_request_load(&q->in, sqlite3_column_blob(st, 1), (size_t)sqlite3_column_bytes(st, 1),
                         sqlite3_column_int64(st, 0), err);
    q->in_chunk++;
  }
  sqlite3_finalize(st);
  return rc;
}

bv_rc bv_requests_peek(bv_requests *q, bv_signal **out, bv_err *err) {
  *out = NULL;
  while (!q->ahead && q->in.left == 0 && !q->ended) {
    bool found;
    BV_TRY(load(q, &found, err));
    q->ended = !found;
  }
  if (!q->ahead && q->in.left == 0) return BV_OK;
  if (!q->ahead) BV_TRY(bv_request_get(&q->in, &q->next, err));
  q->ahead = true;
  *out = &q->next;
  return BV_OK;
}

void bv_requests_pass(bv_requests *q) {
  q->ahead = false;
}
