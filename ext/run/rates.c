/* rates.c - rates that change over a run; see rates.h. */
#include "run/rates.h"

#include "base/alloc.h"
#include "base/text.h"

#include <math.h>
#include <string.h>

static const char *const kinds[BV_RATES] = {[BV_RATE_BORROW] = "borrow",
                                            [BV_RATE_FUNDING] = "funding",
                                            [BV_RATE_ROLLOVER] = "rollover",
                                            [BV_RATE_MARGIN] = "margin",
                                            [BV_RATE_CASH] = "cash"};

static bv_rc next_row(bv_rates *r, bv_err *err) {
  int row;
  BV_TRY(bv_sql_row(r->db, r->st, &row, err, "financing.rates"));
  r->more = row;
  r->at++;
  r->next_at = row ? sqlite3_column_int64(r->st, 0) : INT64_MAX;
  if (!row || sqlite3_column_type(r->st, 0) == SQLITE_INTEGER) return BV_OK;
  return bv_fail(err, BV_ARG,
                 "financing.rates: known_at must be epoch seconds; bars_time() makes them");
}

bv_rc bv_rates_open(bv_rates *r, sqlite3 *db, const char *table, bv_err *err) {
  *r = (bv_rates){.db = db};
  char *sql =
      sqlite3_mprintf("SELECT known_at, asset, kind, rate FROM \"%w\" ORDER BY known_at", table);
  if (!sql) return BV_NOMEM;
  int code = sqlite3_prepare_v2(db, sql, -1, &r->st, NULL);
  sqlite3_free(sql);
  if ((code & 0xff) == SQLITE_ERROR) {
    return bv_fail(
        err, BV_ARG,
        "config: financing.rates must be a table or view with the columns known_at, asset, "
        "kind and rate: %s",
        sqlite3_errmsg(db));
  }
  if (code != SQLITE_OK) return bv_sql_fail(db, code, err, "financing.rates");
  return next_row(r, err);
}

void bv_rates_close(bv_rates *r) {
  sqlite3_finalize(r->st);
  for (int i = 0; i < r->nearly; i++) bv_free(r->early[i].asset);
  bv_free(r->early);
  *r = (bv_rates){0};
}

/* Keep it for the asset's coming. */
static bv_rc keep(bv_rates *r, const char *asset, bv_rate kind, double rate) {
  int i = 0;
  while (i < r->nearly && strcmp(r->early[i].asset, asset) != 0) i++;
  if (i == r->nearly) {
    bv_rates_early *more = bv_realloc(BV_MEM_RUN, r->early, (size_t)(i + 1) * sizeof *more);
    if (!more) return BV_NOMEM;
    r->early = more;
    char *copy = bv_strdup(BV_MEM_RUN, asset);
    if (!copy) return BV_NOMEM;
    r->early[r->nearly++] = (bv_rates_early){.asset = copy};
    for (int k = 0; k < BV_RATES; k++) more[i].rate[k] = NAN;
  }
  r->early[i].rate[kind] = rate;
  return BV_OK;
}

static bv_rc hand_over(bv_rates *r, bv_sim *sim, bv_err *err) {
  int64_t t = sqlite3_column_int64(r->st, 0);
  const char *asset = bv_sql_text(r->st, 1), *kind = bv_sql_text(r->st, 2);
  int k = 0, number = -1;
  while (k < BV_RATES && !(kind && bv_text_ieq(kind, kinds[k]))) k++;
  if (k == BV_RATES) {
    return bv_fail(
        err, BV_ARG,
        "financing.rates: kind is '%.40s'; it must be one of: borrow, funding, rollover, "
        "margin, cash",
        kind ? kind : "NULL");
  }
  int type = sqlite3_column_type(r->st, 3);
  if (type != SQLITE_FLOAT && type != SQLITE_INTEGER) {
    return bv_fail(err, BV_ARG, "financing.rates: the rate of kind %s is not a number", kinds[k]);
  }
  double rate = sqlite3_column_double(r->st, 3);
  if (asset && *asset) {
    number = bv_sim_asset_number(sim, asset);
    if (number < 0) return keep(r, asset, (bv_rate)k, rate);
  }
  bv_err why = {0};
  bv_rc rc = bv_sim_rate(sim, t, number, (bv_rate)k, rate, &why);
  return rc == BV_OK ? BV_OK : bv_fail(err, rc, "financing.rates: %s", bv_err_text(&why, rc));
}

void bv_rates_rest(bv_rates *r) {
  if (!r->st || r->resting) return;
  sqlite3_reset(r->st);
  r->resting = true;
}

/* Stand on the same row again. */
static bv_rc rise(bv_rates *r, bv_err *err) {
  const int64_t at = r->at;
  r->resting = false;
  r->at = 0;
  do {
    BV_TRY(next_row(r, err));
  } while (r->more && r->at < at);
  return BV_OK;
}

bv_rc bv_rates_advance(bv_rates *r, int64_t t, bv_sim *sim, bv_err *err) {
  if (r->resting && r->more && r->next_at <= t) BV_TRY(rise(r, err));
  while (r->more && r->next_at <= t) {
    BV_TRY(hand_over(r, sim, err));
    BV_TRY(next_row(r, err));
  }
  return BV_OK;
}

bv_rc bv_rates_joined(bv_rates *r, int64_t t, bv_sim *sim, int asset, bv_err *err) {
  const char *key = bv_sim_asset_key(sim, asset);
  for (int i = 0; i < r->nearly; i++) {
    if (strcmp(r->early[i].asset, key) != 0) continue;
    for (int k = 0; k < BV_RATES; k++) {
      if (isnan(r->early[i].rate[k])) continue;
      BV_TRY(bv_sim_rate(sim, t, asset, (bv_rate)k, r->early[i].rate[k], err));
    }
  }
  return BV_OK;
}
