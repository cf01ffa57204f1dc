/* series_choice.c - the series that the arguments asset and timestep choose; see series_choice.h. */
#include "api/series_choice.h"
#include "api/args.h"
#include "data/sql.h"

#include <string.h>

/* What the first two arguments say, NULL where they are not given. */
typedef struct choice {
  const char *asset, *step;
  char canonical[32];
} choice;

static bv_rc read_choice(sqlite3_value *const *arg, choice *c, bv_err *err) {
  *c = (choice){0};
  if (!bv_arg_null(arg[0])) {
    c->asset = bv_arg_text(arg[0]);
    if (!c->asset) return BV_NOMEM;
  }
  if (bv_arg_null(arg[1])) return BV_OK;
  const char *text = bv_arg_text(arg[1]);
  if (!text) return BV_NOMEM;
  bv_timestep step;
  BV_TRY(bv_timestep_parse(text, strlen(text), &step, err));
  bv_timestep_format(step, c->canonical);
  c->step = c->canonical;
  return BV_OK;
}

/* Call `add` for each series of one database that was chosen, by name. */
static bv_rc each_series_in(bv_store *home, const choice *c, bv_series_fn add, void *ctx, int *n,
                            bv_err *err) {
  bool there;
  sqlite3_stmt *st;
  int row = 0;
  BV_TRY(bv_store_has_schema(home, &there, err));
  if (!there) return BV_OK;
  BV_TRY(bv_store_prepare(home,
                          "SELECT s.id FROM main.barsvt_series s JOIN main.barsvt_asset a"
                          " ON a.id = s.asset WHERE (?1 IS NULL OR a.asset = ?1)"
                          " AND (?2 IS NULL OR " BV_SERIES_STEP " = ?2) ORDER BY a.asset, s.id",
                          &st, err));
  sqlite3_bind_text(st, 1, c->asset, -1, SQLITE_STATIC);
  sqlite3_bind_text(st, 2, c->step, -1, SQLITE_STATIC);
  bv_rc rc;
  while ((rc = bv_sql_row(home->db, st, &row, err, "reading barsvt_series")) == BV_OK && row) {
    bv_series series;
    bool found;
    rc = bv_series_by_id(home, sqlite3_column_int64(st, 0), &series, &found, err);
    if (rc == BV_OK && home->parent) series.home = home;
    if (rc == BV_OK && found) rc = add(home, &series, ctx, err);
    if (rc != BV_OK) break;
    ++*n;
  }
  sqlite3_finalize(st);
  return rc;
}

bv_rc bv_each_series(bv_store *s, const char *who, sqlite3_value *const *arg, bv_series_fn add,
                     void *ctx, bv_err *err) {
  choice c;
  int n = 0;
  BV_TRY(read_choice(arg, &c, err));
  BV_TRY(each_series_in(s, &c, add, ctx, &n, err));
  for (int i = 0; i < s->nattached; i++) {
    BV_TRY(each_series_in(s->attached[i], &c, add, ctx, &n, err));
  }
  if (n > 0 || !c.asset) return BV_OK;
  return bv_series_missing(s, who, c.asset, c.step ? c.step : "", err);
}
