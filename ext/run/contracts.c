/* contracts.c - what the store says of a run's assets; see contracts.h. */
#include "run/contracts.h"

#include "base/text.h"
#include "data/contract.h"

#include <stdio.h>
#include <string.h>

_Static_assert((int)BV_KIND_INDEX == 5 && (int)BV_RIGHT_PUT == 2 && (int)BV_DELIVERY_PHYSICAL == 1,
               "the words of data/contract.c are in this order");

/* The stored asset of one currency in another: the name under which it is; "" where it is not. */
static bv_rc find_pair(bv_run *r, const char *from, const char *to, char out[BV_ASSET_MAX + 1],
                       bv_err *err) {
  static const char *const between[] = {"", "/", "-"};
  bv_series any;
  int n = 0;
  for (size_t i = 0; i < sizeof between / sizeof *between; i++) {
    snprintf(out, BV_ASSET_MAX + 1, "%s%s%s", from, between[i], to);
    BV_TRY(bv_series_all(r->store, out, &any, 1, &n, err));
    if (n > 0) return BV_OK;
  }
  out[0] = 0;
  return BV_OK;
}

static bv_rc find_rate(bv_run *r, const char *asset, const char *currency, int64_t from,
                       bv_instrument *d, bv_err *err) {
  char name[BV_ASSET_MAX + 1];
  const char *account = r->config.currency;
  BV_TRY(find_pair(r, currency, account, name, err));
  if (!name[0]) {
    BV_TRY(find_pair(r, account, currency, name, err));
    d->fx_inverse = true;
  }
  if (!name[0]) {
    return bv_fail(
        err, BV_NOTFOUND,
        "'%.64s' is quoted in %s, the account is in %s, and neither '%s%s' nor '%s%s' is "
        "stored; store bars of one of them, or set currency in the configuration",
        asset, currency, account, currency, account, account, currency);
  }
  return bv_run_follow(r, name, from, &d->fx, err);
}

/* Its own calendar, else the run's; where nothing settles none is needed. */
static bv_rc find_calendar(bv_run *r, const char *asset, int number, const char *own, bv_err *err) {
  const char *name = own[0] ? own : r->config.calendar ? r->config.calendar : "weekdays";
  const bv_calendar *calendar;
  bv_err why = {0};
  if (r->config.sim.settlement_days == 0) return BV_OK;
  bv_rc rc = bv_calendars_find(&r->calendars, r->store->db, name, bv_sim_zone(r->sim, number),
                               &calendar, &why);
  if (rc != BV_OK) {
    return bv_fail_native(err, rc, why.native, "'%.64s': %s", asset, bv_err_text(&why, rc));
  }
  bv_sim_asset_calendar(r->sim, number, calendar);
  return BV_OK;
}

/* Splits of an option's underlying from its first bar to the run's. */
typedef struct adjusting {
  bv_instrument *option;
  int64_t from, upto;
} adjusting;

static bv_rc adjust(void *ctx, const bv_corporate_action *x, bv_err *err) {
  adjusting *a = ctx;
  (void)err;
  bool past = x->ts > a->from && x->ts < a->upto;
  if (past && x->kind == BV_CORPORATE_SPLIT) bv_sim_adjust(a->option, x->value);
  return BV_OK;
}

/* The terms of an option are those at its first bar; what comes later in the run is applied when it comes. */
static bv_rc adjust_terms(bv_run *r, const bv_series *series, const char *underlying, int64_t from,
                          bv_instrument *d, bv_err *err) {
  int64_t first, last, n;
  if (from == INT64_MIN) return BV_OK;
  BV_TRY(bv_series_span(r->store, series, &first, &last, &n, err));
  adjusting a = {d, n > 0 ? first : from, from};
  return bv_corporate_read(r->store, underlying, a.from, adjust, &a, err);
}

bv_rc bv_contract_define(bv_run *r, const bv_series *series, int number, int64_t from,
                         bv_err *err) {
  const char *asset = series->asset;
  bv_contract c;
  BV_TRY(bv_contract_read(r->store, asset, &c, err));
  BV_TRY(find_calendar(r, asset, number, c.calendar, err));
  if (!c.given) return BV_OK;
  bv_instrument d = {.kind = (bv_kind)c.kind,
                     .tick = c.tick,
                     .lot = c.lot,
                     .initial_margin = c.initial_margin,
                     .maintenance_margin = c.maintenance_margin,
                     .expiry = c.expiry ? c.expiry : INT64_MAX,
                     .strike = c.strike,
                     .right = (bv_right)c.right,
                     .delivery = (bv_delivery)c.delivery,
                     .settlement_price = c.settlement_price,
                     .underlying = -1,
                     .fx = -1};
  if (strcmp(c.underlying, asset) == 0) {
    return bv_fail(err, BV_ARG, "'%.64s' is its own underlying", asset);
  }
  if (c.underlying[0]) BV_TRY(bv_run_follow(r, c.underlying, from, &d.underlying, err));
  if (d.kind == BV_KIND_OPTION) BV_TRY(adjust_terms(r, series, c.underlying, from, &d, err));
  bool foreign = c.currency[0] && !bv_text_ieq(c.currency, r->config.currency);
  if (foreign) BV_TRY(find_rate(r, asset, c.currency, from, &d, err));
  bv_err why = {0};
  bv_rc rc = bv_sim_define(r->sim, number, &d, &why);
  return rc == BV_OK ? BV_OK : bv_fail(err, rc, "%s", bv_err_text(&why, rc));
}
