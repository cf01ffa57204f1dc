/* curve_scan.c - reading the stored curve of a run; see curve_scan.h. */
#include "run/curve_scan.h"
#include "base/alloc.h"

/* ---- from the first point to the last ---- */

bv_rc bv_curve_scan_open(bv_curve_scan *s, sqlite3 *db, int64_t run, bv_err *err) {
  s->db = db;
  s->st = NULL;
  s->n = 0;
  BV_TRY(bv_sql_prepare(db, "SELECT n, data FROM main.bt_curve WHERE run = ?1 ORDER BY chunk",
                        &s->st, err));
  sqlite3_bind_int64(s->st, 1, run);
  return BV_OK;
}

bv_rc bv_curve_scan_next(bv_curve_scan *s, bv_err *err) {
  int row;
  s->n = 0;
  BV_TRY(bv_sql_row(s->db, s->st, &row, err, "bt_curve"));
  if (!row) return BV_OK;
  const int64_t n = sqlite3_column_int64(s->st, 0);
  BV_TRY(bv_curve_decode(sqlite3_column_blob(s->st, 1), sqlite3_column_bytes(s->st, 1), n, s->ts,
                         s->value, s->cash, s->exposed, err));
  s->n = n;
  return BV_OK;
}

void bv_curve_scan_close(bv_curve_scan *s) {
  sqlite3_finalize(s->st);
  s->st = NULL;
}

/* ---- by time ---- */

bv_rc bv_curve_marks_open(bv_curve_marks *m, sqlite3 *db, int64_t run, int64_t points,
                          bv_err *err) {
  *m = (bv_curve_marks){
      .db = db, .run = run, .chunks = (points + BV_CURVE_CHUNK - 1) / BV_CURVE_CHUNK};
  return bv_sql_prepare(
      db,
      "SELECT first, n, data, (SELECT first FROM main.bt_curve WHERE run = ?1 AND chunk = ?2 + 1)"
      " FROM main.bt_curve WHERE run = ?1 AND chunk = ?2",
      &m->st, err);
}

void bv_curve_marks_close(bv_curve_marks *m) {
  sqlite3_finalize(m->st);
  for (int i = 0; i < BV_CURVE_MARKS; i++) bv_free(m->mark[i].ts);
  *m = (bv_curve_marks){0};
}

/* Stand on the row of a chunk; the statement is to be reset. */
static bv_rc stand(bv_curve_marks *m, int64_t chunk, bv_err *err) {
  int row;
  sqlite3_bind_int64(m->st, 1, m->run);
  sqlite3_bind_int64(m->st, 2, chunk);
  BV_TRY(bv_sql_row(m->db, m->st, &row, err, "bt_curve"));
  return row ? BV_OK : bv_fail(err, BV_CORRUPT, "bt_curve: points are missing");
}

static bv_rc first_of(bv_curve_marks *m, int64_t chunk, int64_t *first, bv_err *err) {
  bv_rc rc = stand(m, chunk, err);
  if (rc == BV_OK) *first = sqlite3_column_int64(m->st, 0);
  sqlite3_reset(m->st);
  return rc;
}

static bv_rc load(bv_curve_marks *m, bv_curve_mark *k, int64_t chunk, bv_err *err) {
  if (!k->ts) k->ts = bv_alloc(BV_MEM_RUN, BV_CURVE_CHUNK * sizeof *k->ts);
  if (!k->ts) return BV_NOMEM;
  k->n = 0;
  bv_rc rc = stand(m, chunk, err);
  if (rc == BV_OK) {
    const int64_t n = sqlite3_column_int64(m->st, 1);
    rc = bv_curve_times(sqlite3_column_blob(m->st, 2), sqlite3_column_bytes(m->st, 2), n, k->ts,
                        err);
    if (rc == BV_OK && chunk + 1 < m->chunks && n != BV_CURVE_CHUNK)
      rc = bv_fail(err, BV_CORRUPT, "bt_curve: points are missing");
    const bool last = sqlite3_column_type(m->st, 3) == SQLITE_NULL;
    if (rc == BV_OK && last != (chunk + 1 == m->chunks))
      rc = bv_fail(err, BV_CORRUPT, "bt_curve: points are missing");
    k->limit = last ? INT64_MAX : sqlite3_column_int64(m->st, 3);
    if (rc == BV_OK) k->n = n;
  }
  sqlite3_reset(m->st);
  k->chunk = chunk;
  k->at = 0;
  if (rc == BV_OK) k->first = k->ts[0];
  return rc;
}

/* The chunk that holds instant t; the first one where it lies before all. */
static bv_rc search(bv_curve_marks *m, int64_t t, int64_t *chunk, bv_err *err) {
  int64_t lo = 0, hi = m->chunks;
  while (hi - lo > 1) {
    const int64_t mid = lo + (hi - lo) / 2;
    int64_t first;
    BV_TRY(first_of(m, mid, &first, err));
    if (first <= t)
      lo = mid;
    else
      hi = mid;
  }
  *chunk = lo;
  return BV_OK;
}

static bool holds(const bv_curve_mark *k, int64_t t) {
  return k->n > 0 && (t >= k->first || k->chunk == 0) && (t < k->limit || k->limit == INT64_MAX);
}

/* Make the chunk that holds t the current one.  Instants walk on more than they jump about, so the one after the
** current one is tried first. */
static bv_rc turn_to(bv_curve_marks *m, int64_t t, bv_err *err) {
  const bv_curve_mark *from = &m->mark[m->now];
  int64_t chunk = from->n > 0 && !holds(from, t) && t >= from->limit ? from->chunk + 1 : -1;
  int oldest = 0;
  m->uses++;
  for (int i = 0; i < BV_CURVE_MARKS; i++) {
    bv_curve_mark *k = &m->mark[i];
    if (holds(k, t)) {
      k->used = m->uses;
      m->now = i;
      return BV_OK;
    }
    if (k->n == 0 ? m->mark[oldest].n > 0 : k->used < m->mark[oldest].used && m->mark[oldest].n > 0)
      oldest = i;
  }
  if (chunk >= 0) BV_TRY(load(m, &m->mark[oldest], chunk, err));
  if (chunk < 0 || !holds(&m->mark[oldest], t)) {
    BV_TRY(search(m, t, &chunk, err));
    BV_TRY(load(m, &m->mark[oldest], chunk, err));
  }
  m->mark[oldest].used = m->uses;
  m->now = oldest;
  return BV_OK;
}

/* Points of a chunk at or before t, looked for from where it was the last time. */
static int64_t count_in(bv_curve_mark *k, int64_t t) {
  int64_t lo = k->at, hi = k->n, step = 1; /* ts[lo - 1] <= t < ts[hi] */
  if (lo > 0 && k->ts[lo - 1] > t) {
    hi = lo - 1;
    lo = 0;
  }
  while (lo + step <= hi && k->ts[lo + step - 1] <= t) {
    lo += step;
    step *= 2;
  }
  if (lo + step - 1 < hi) hi = lo + step - 1;
  while (lo < hi) {
    const int64_t mid = lo + (hi - lo) / 2;
    if (k->ts[mid] <= t)
      lo = mid + 1;
    else
      hi = mid;
  }
  return k->at = lo;
}

bv_rc bv_curve_marks_count(bv_curve_marks *m, const int64_t *t, int64_t n, int64_t *points,
                           bv_err *err) {
  for (int64_t i = 0; i < n; i++) {
    if (!holds(&m->mark[m->now], t[i])) BV_TRY(turn_to(m, t[i], err));
    bv_curve_mark *k = &m->mark[m->now];
    points[i] = k->chunk * BV_CURVE_CHUNK + count_in(k, t[i]);
  }
  return BV_OK;
}
