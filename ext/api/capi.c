/* capi.c - the C interface to runs; see include/barsvt.h. */
#include "api/args.h"
#include "api/capi.h"
#include "api/version.h"
#include "barsvt.h"
#include "run/resume.h"
#include "run/run.h"

#include <assert.h>
#include <math.h>
#include <string.h>

struct barsvt_run {
  bv_run *run;
  bv_store *store;
  bv_rc rc; /* first error: afterwards the run can only be closed */
  bv_err err;
};

const char *barsvt_version(void) {
  return BARSVT_VERSION;
}

int bv_capi_error(char **errmsg, bv_rc rc, const bv_err *err) {
  if (rc == BV_OK) return SQLITE_OK;
  if (errmsg) *errmsg = sqlite3_mprintf("%s", bv_err_text(err, rc));
  return bv_sqlite_code(rc, err);
}

/* Only our own functions know it: one of them hands it over. */
bv_rc bv_capi_store(sqlite3 *db, bv_store **out, bv_err *err) {
  sqlite3_stmt *st;
  *out = NULL;
  int code = sqlite3_prepare_v2(db, "SELECT barsvt_store(?1)", -1, &st, NULL);
  if (code != SQLITE_OK) {
    return bv_fail_native(err, BV_ARG, code,
                          "libbarsvt is not loaded in this connection; call "
                          "sqlite3_barsvt_init() first");
  }
  sqlite3_bind_pointer(st, 1, out, "barsvt-store", NULL);
  sqlite3_step(st);
  sqlite3_finalize(st);
  return *out ? BV_OK : bv_fail(err, BV_INTERNAL, "the connection's store cannot be found");
}

static bv_rc new_run(sqlite3 *db, barsvt_run **out, bv_err *err) {
  bv_store *s = NULL;
  *out = NULL;
  BV_TRY(bv_capi_store(db, &s, err));
  *out = bv_alloc0(BV_MEM_RUN, sizeof **out);
  if (!*out) return BV_NOMEM;
  (*out)->store = s;
  return BV_OK;
}

/* A run that is not there. */
static int no_run(char **errmsg) {
  if (errmsg) *errmsg = sqlite3_mprintf("the run is NULL");
  return SQLITE_MISUSE;
}

static int opened(bv_rc rc, barsvt_run **run, char **errmsg, const bv_err *err) {
  if (rc == BV_OK) return SQLITE_OK;
  bv_free(*run);
  *run = NULL;
  return bv_capi_error(errmsg, rc, err);
}

int barsvt_run_open(sqlite3 *db, const char *strategy, const char *config, barsvt_run **run,
                    char **errmsg) {
  if (!run) return no_run(errmsg);
  bv_err err = {0};
  bv_rc rc = new_run(db, run, &err);
  if (rc == BV_OK) {
    rc = bv_run_open((*run)->store, strategy, config, BARSVT_VERSION, &(*run)->run, &err);
  }
  return opened(rc, run, errmsg, &err);
}

int barsvt_run_resume(sqlite3 *db, int64_t id, const char *options, barsvt_run **run, int64_t *ts,
                      char **errmsg) {
  if (!run) return no_run(errmsg);
  bv_err err = {0};
  bv_rc rc = new_run(db, run, &err);
  if (rc == BV_OK)
    rc = bv_resume_open((*run)->store, id, options, BARSVT_VERSION, &(*run)->run, &err);
  if (rc == BV_OK && ts) *ts = (*run)->run->now;
  return opened(rc, run, errmsg, &err);
}

/* A step that may be more than a matter of counting. */
static int whole_step(barsvt_run *r, int64_t *ts, char **errmsg) {
  bv_err err;
  bool more = false;
  bv_err_clear(&err);
  if (r->rc != BV_OK) {
    bv_fail(&err, BV_ARG, "the run has failed and can only be closed");
    return bv_capi_error(errmsg, BV_ARG, &err);
  }
  r->rc = bv_run_step(r->run, &more, &err);
  if (r->rc != BV_OK) r->err = err;
  if (r->rc != BV_OK) return bv_capi_error(errmsg, r->rc, &err);
  if (ts) *ts = r->run->now;
  return more ? SQLITE_ROW : SQLITE_DONE;
}

int barsvt_run_step(barsvt_run *r, int64_t *ts, char **errmsg) {
  if (!r) return no_run(errmsg);
  if (r->rc != BV_OK || !bv_run_glide(r->run)) return whole_step(r, ts, errmsg);
  if (ts) *ts = r->run->now;
  return SQLITE_ROW;
}

int barsvt_run_each(barsvt_run *r, int (*fn)(void *ctx, barsvt_run *run, int64_t ts), void *ctx,
                    char **errmsg) {
  if (!r) return no_run(errmsg);
  int64_t ts;
  int code;
  while ((code = whole_step(r, &ts, errmsg)) == SQLITE_ROW) {
    if (fn(ctx, r, ts)) return SQLITE_OK;
    while (r->rc == BV_OK && bv_run_glide(r->run)) {
      if (fn(ctx, r, r->run->now)) return SQLITE_OK;
    }
  }
  return code;
}

static const bv_ask asks[] = {[BARSVT_TARGET_WEIGHT] = BV_ASK_WEIGHT,
                              [BARSVT_TARGET_VALUE] = BV_ASK_VALUE,
                              [BARSVT_TARGET_QTY] = BV_ASK_TARGET,
                              [BARSVT_QTY] = BV_ASK_QTY};

int barsvt_run_order(barsvt_run *r, const char *asset, int kind, double amount, const char *tag,
                     char **errmsg) {
  if (!r) return no_run(errmsg);
  bv_err err;
  bv_rc rc;
  bv_err_clear(&err);
  if (!asset || kind < 0 || kind > BARSVT_QTY) {
    rc = bv_fail(&err, BV_ARG, "an order needs an asset and one of the four kinds");
  } else if (r->rc != BV_OK) {
    rc = bv_fail(&err, BV_ARG, "the run has failed and can only be closed");
  } else {
    bv_signal g = {.text = {[BV_TEXT_ASSET] = asset, [BV_TEXT_TAG] = tag},
                   .ask = {.ask = asks[kind], .amount = amount}};
    rc = bv_run_order(r->run, &g, &err);
  }
  return bv_capi_error(errmsg, rc, &err);
}

static_assert((int)BARSVT_LIMIT_ON_CLOSE == (int)BV_TYPE_LIMIT_ON_CLOSE,
              "types are numbered alike");
static_assert((int)BARSVT_CLS == (int)BV_TIF_CLS, "times in force are numbered alike");

static bv_signal signal_of(const barsvt_order *o) {
  bool none = o->kind == BARSVT_NONE;
  return (bv_signal){.text = {[BV_TEXT_ASSET] = o->asset,
                              [BV_TEXT_TAG] = o->tag,
                              [BV_TEXT_OCO] = o->oco,
                              [BV_TEXT_CLOSES] = o->closes,
                              [BV_TEXT_OTO] = o->oto,
                              [BV_TEXT_COMBO] = o->combo,
                              [BV_TEXT_CANCEL] = o->cancel,
                              [BV_TEXT_REPLACE] = o->replace},
                     .ask = {.ask = none ? BV_ASK_WEIGHT : asks[o->kind],
                             .amount = none ? 0 : o->amount,
                             .type = (bv_order_type)o->type,
                             .tif = (bv_tif)o->tif,
                             .until = o->expire_at,
                             .limit = o->limit_price,
                             .stop = o->stop_price,
                             .trail = o->trail_amount,
                             .trail_percent = o->trail_percent,
                             .take_profit = o->take_profit,
                             .stop_loss = o->stop_loss,
                             .reduce_only = o->reduce_only != 0,
                             .net_limit = o->net_limit,
                             .has_net_limit = o->has_net_limit != 0},
                     .no_order = none};
}

int barsvt_run_submit(barsvt_run *r, const barsvt_order *given, char **errmsg) {
  if (!r) return no_run(errmsg);
  bv_err err;
  bv_rc rc = BV_OK;
  barsvt_order order = {0}, *o = &order;
  /* A program that was compiled with an earlier header has an earlier end. */
  size_t least = offsetof(barsvt_order, oto);
  bool fits = given && given->size >= least && given->size <= sizeof order;
  if (fits) memcpy(&order, given, given->size);
  bv_err_clear(&err);
  if (!fits) {
    rc = bv_fail(&err, BV_ARG, "barsvt_order.size must be sizeof(barsvt_order)");
  } else if (!o->asset || o->kind < BARSVT_NONE || o->kind > BARSVT_QTY) {
    rc = bv_fail(&err, BV_ARG, "an order needs an asset and one of the four kinds, or BARSVT_NONE");
  } else if (o->cancel && o->replace) {
    rc = bv_fail(&err, BV_ARG, "an order cannot both cancel and replace");
  } else if (o->kind == BARSVT_NONE && !o->cancel && !o->replace) {
    rc = bv_fail(&err, BV_ARG, "an order of kind BARSVT_NONE must cancel or replace");
  } else if (o->replace && o->kind != BARSVT_NONE && o->kind != BARSVT_QTY) {
    rc = bv_fail(&err, BV_ARG, "replace goes with kind BARSVT_QTY or BARSVT_NONE");
  } else if (r->rc != BV_OK) {
    rc = bv_fail(&err, BV_ARG, "the run has failed and can only be closed");
  } else {
    bv_signal g = signal_of(o);
    rc = bv_run_order(r->run, &g, &err);
  }
  return bv_capi_error(errmsg, rc, &err);
}

int barsvt_run_write(barsvt_run *r, char **errmsg) {
  if (!r) return no_run(errmsg);
  bv_err err;
  bv_err_clear(&err);
  if (r->rc == BV_OK && !r->run->finished) {
    r->rc = bv_keep_flush(r->run, &err);
    if (r->rc != BV_OK) r->err = err;
    return bv_capi_error(errmsg, r->rc, &err);
  }
  return SQLITE_OK;
}

int64_t barsvt_run_id(const barsvt_run *r) {
  return r->run->result->run;
}
double barsvt_run_value(const barsvt_run *r) {
  return bv_run_value(r->run);
}
double barsvt_run_cash(const barsvt_run *r) {
  return bv_sim_cash(r->run->sim);
}

double barsvt_run_qty(const barsvt_run *r, const char *asset) {
  return barsvt_run_qty_at(r, barsvt_run_find(r, asset));
}

double barsvt_run_price(const barsvt_run *r, const char *asset) {
  return bv_run_price(r->run, barsvt_run_find(r, asset));
}

/* ---- assets by number ---- */

int barsvt_run_assets(const barsvt_run *r) {
  return bv_sim_asset_count(r->run->sim);
}

const char *barsvt_run_asset(const barsvt_run *r, int asset) {
  return bv_sim_asset_key(r->run->sim, asset);
}

int barsvt_run_find(const barsvt_run *r, const char *asset) {
  return asset ? bv_run_asset(r->run, asset) : -1;
}

double barsvt_run_qty_at(const barsvt_run *r, int asset) {
  return bv_sim_qty(r->run->sim, asset);
}

double barsvt_run_price_at(const barsvt_run *r, int asset) {
  return bv_run_price(r->run, asset);
}

int barsvt_run_order_at(barsvt_run *r, int asset, int kind, double amount, const char *tag,
                        char **errmsg) {
  if (!r) return no_run(errmsg);
  return barsvt_run_order(r, barsvt_run_asset(r, asset), kind, amount, tag, errmsg);
}

void barsvt_run_state(const barsvt_run *r, double *price, double *qty) {
  const int n = barsvt_run_assets(r);
  for (int a = 0; price && a < n; a++) price[a] = bv_run_price(r->run, a);
  for (int a = 0; qty && a < n; a++) qty[a] = bv_sim_qty(r->run->sim, a);
}

int barsvt_run_close(barsvt_run *r, int discard, char **errmsg) {
  if (!r) return SQLITE_OK;
  bv_err err = r->err;
  bool drop = discard || r->rc != BV_OK || !r->run->finished;
  r->run->keep.drop = discard != 0;
  bv_rc rc = bv_run_close(r->run, drop ? BV_INTERRUPT : BV_OK, &err);
  bv_free(r);
  return drop ? SQLITE_OK : bv_capi_error(errmsg, rc, &err);
}
