/* gap_calendar.c - holes in a stored series against a table of sessions; see gap.h. */
#include "data/gap.h"
#include "data/sessions.h"
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
  BV_TRY(bv_sessions_open(w->s->db, w->calendar, first, &st, err));
  bv_rc rc = BV_OK;
  while (rc == BV_OK && !w->bar.eof &&
         (rc = bv_sql_row(w->s->db, st, &row, err, "calendar")) == BV_OK && row) {
    int64_t start = 0, end = 0;
    rc = bv_sessions_read(st, w->calendar, &start, &end, err);
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
