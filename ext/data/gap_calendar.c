/* gap_calendar.c - holes in a stored series against a table of sessions; see gap.h. */
#include "data/gap.h"
#include "data/sql.h"
#include "data/view.h"
#include "time/instant.h"

typedef struct walk {
  bv_store *s;
  const bv_series *series;
  const char *calendar;
  bv_stream bar; /* the first that has not ended before the instants looked at */
  bool intraday;
  bv_gap run;   /* what is missing so far; 0 bars: nothing */
  int64_t last; /* start of the last bucket looked at */
  bv_rc (*found)(void *ctx, const bv_gap *gap);
  void *ctx;
} walk;

/* A statement over the sessions, in order: start, end. */
static bv_rc open_sessions(walk *w, int64_t after, sqlite3_stmt **out, bv_err *err) {
  static const char *const columns[][2] = {{"start", "end"}, {"open", "close"}};
  *out = NULL;
  for (int i = 0; i < 2; i++) {
    char *sql =
        sqlite3_mprintf("SELECT c.\"%w\", c.\"%w\" FROM \"%w\" c WHERE c.\"%w\" > ?1 ORDER BY 1",
                        columns[i][0], columns[i][1], w->calendar, columns[i][1]);
    if (!sql) return BV_NOMEM;
    int code = sqlite3_prepare_v2(w->s->db, sql, -1, out, NULL);
    sqlite3_free(sql);
    if (code == SQLITE_OK) {
      sqlite3_bind_int64(*out, 1, after);
      return BV_OK;
    }
    if (code != SQLITE_ERROR) return bv_sql_fail(w->s->db, code, err, "calendar");
  }
  return bv_fail(
      err, BV_ARG,
      "calendar '%.60s' must be a table or view with the columns start and end (or open and "
      "close) of sessions, in epoch seconds: %s",
      w->calendar, sqlite3_errmsg(w->s->db));
}

static bv_rc read_session(const walk *w, sqlite3_stmt *st, int64_t *start, int64_t *end,
                          bv_err *err) {
  bv_err why = {0};
  for (int i = 0; i < 2; i++) {
    if (sqlite3_column_type(st, i) != SQLITE_INTEGER) {
      return bv_fail(
          err, BV_ARG,
          "calendar '%.60s': a session's %s is '%.40s', not a whole number of epoch seconds",
          w->calendar, i ? "end" : "start", bv_sql_text(st, i));
    }
    if (bv_instant_check(sqlite3_column_int64(st, i), &why) != BV_OK) {
      return bv_fail(err, BV_ARG, "calendar '%.60s': %s", w->calendar, why.msg);
    }
  }
  *start = sqlite3_column_int64(st, 0);
  *end = sqlite3_column_int64(st, 1);
  if (*end > *start) return BV_OK;
  return bv_fail(err, BV_ARG, "calendar '%.60s': the session at %lld ends before it has begun",
                 w->calendar, (long long)*start);
}

static bv_rc end_run(walk *w) {
  bv_gap run = w->run;
  w->run.missing = 0;
  return run.missing ? w->found(w->ctx, &run) : BV_OK;
}

/* Look for a bar in [start, end). */
static bv_rc look(walk *w, int64_t start, int64_t end, bv_err *err) {
  while (!w->bar.eof && bv_stream_known_at(&w->bar) <= start) BV_TRY(bv_stream_next(&w->bar, err));
  if (w->bar.eof) { /* nothing is missing after the last bar */
    w->run.missing = 0;
    return BV_OK;
  }
  if (bv_stream_ts(&w->bar) < end) return end_run(w);
  if (w->run.missing == 0) {
    w->run = (bv_gap){.kind = w->intraday ? "session" : "sessions", .start = start};
  }
  w->run.end = end;
  w->run.missing++;
  return BV_OK;
}

static bv_rc look_in_session(walk *w, int64_t start, int64_t end, int64_t first, bv_err *err) {
  if (!w->intraday) return end > first ? look(w, start, end, err) : BV_OK;
  int64_t next, at = bv_bucket_start(w->series->step, w->series->zone, start, &next);
  for (; at < end && !w->bar.eof; at = next) {
    bv_bucket_start(w->series->step, w->series->zone, at, &next);
    if (next <= first || at <= w->last) continue;
    w->last = at;
    BV_TRY(look(w, at, next, err));
  }
  return w->bar.eof ? BV_OK : end_run(w);
}

static bv_rc walk_sessions(walk *w, bv_err *err) {
  sqlite3_stmt *st;
  int row;
  if (w->bar.eof) return BV_OK;
  int64_t first = bv_stream_ts(&w->bar);
  BV_TRY(open_sessions(w, first, &st, err));
  bv_rc rc = BV_OK;
  while (rc == BV_OK && !w->bar.eof &&
         (rc = bv_sql_row(w->s->db, st, &row, err, "calendar")) == BV_OK && row) {
    int64_t start = 0, end = 0;
    rc = read_session(w, st, &start, &end, err);
    if (rc == BV_OK) rc = look_in_session(w, start, end, first, err);
  }
  sqlite3_finalize(st);
  return rc;
}

bv_rc bv_gap_in_sessions(bv_store *s, const bv_series *series, const char *calendar, int64_t lo,
                         int64_t hi, bv_rc (*found)(void *ctx, const bv_gap *gap), void *ctx,
                         bv_err *err) {
  walk w = {.s = s,
            .series = series,
            .calendar = calendar,
            .last = INT64_MIN,
            .found = found,
            .ctx = ctx};
  w.intraday = bv_timestep_nominal_s(series->step) < 86400;
  bv_source src = bv_source_stored(series);
  BV_TRY(bv_stream_open(&w.bar, s, &src, lo, hi, false, BV_STREAM_PIECE, 0, err));
  bv_rc rc = walk_sessions(&w, err);
  bv_stream_close(&w.bar);
  return rc;
}
