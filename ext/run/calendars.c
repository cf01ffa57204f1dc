/* calendars.c - the trading days of a run's assets; see calendars.h. */
#include "run/calendars.h"

#include "base/alloc.h"
#include "data/sessions.h"
#include "data/sql.h"
#include "time/instant.h"

#include <string.h>

struct bv_calendar_read {
  struct bv_calendar_read *next;
  const bv_zone *zone;
  bv_calendar calendar;
  int64_t *day;
  char name[];
};

static bv_rc add_day(struct bv_calendar_read *c, int64_t day) {
  size_t n = c->calendar.n;
  if (n > 0 && day <= c->day[n - 1]) return BV_OK; /* a second session of a day */
  BV_TRY(bv_room(BV_MEM_RUN, &c->day, (int64_t)n, sizeof *c->day));
  c->calendar.day = c->day;
  c->day[c->calendar.n++] = day;
  return BV_OK;
}

static bv_rc read_days(struct bv_calendar_read *c, sqlite3 *db, bv_err *err) {
  sqlite3_stmt *st;
  bv_err why = {0};
  int row = 0;
  bv_rc rc = bv_sessions_open(db, c->name, INT64_MIN, &st, &why);
  if (rc != BV_OK) {
    return bv_fail(err, rc, "%s; built in are weekdays, 24/7 and XNYS", bv_err_text(&why, rc));
  }
  while ((rc = bv_sql_row(db, st, &row, err, "calendar")) == BV_OK && row) {
    int64_t start = 0, end = 0;
    rc = bv_sessions_read(st, c->name, &start, &end, err);
    if (rc == BV_OK) rc = add_day(c, bv_floor_div(bv_zone_to_local(c->zone, start), 86400));
    if (rc != BV_OK) break;
  }
  sqlite3_finalize(st);
  return rc;
}

bv_rc bv_calendars_find(bv_calendars *all, sqlite3 *db, const char *name, const bv_zone *zone,
                        const bv_calendar **out, bv_err *err) {
  if (!zone) zone = bv_zone_utc();
  *out = bv_calendar_builtin(name);
  for (const struct bv_calendar_read *c = all->first; c && !*out; c = c->next) {
    if (c->zone == zone && strcmp(c->name, name) == 0) *out = &c->calendar;
  }
  if (*out) return BV_OK;
  size_t n = strlen(name) + 1;
  struct bv_calendar_read *c = bv_alloc0(BV_MEM_RUN, sizeof *c + n);
  if (!c) return BV_NOMEM;
  memcpy(c->name, name, n);
  c->zone = zone;
  c->next = all->first;
  all->first = c;
  BV_TRY(read_days(c, db, err));
  *out = &c->calendar;
  return BV_OK;
}

void bv_calendars_reset(bv_calendars *all) {
  while (all->first) {
    struct bv_calendar_read *c = all->first;
    all->first = c->next;
    bv_free(c->day);
    bv_free(c);
  }
}
