/*
** config.h - the configuration of a run, from JSON.
*/
#ifndef BV_RUN_CONFIG_H
#define BV_RUN_CONFIG_H

#include "base/buf.h"
#include "base/map.h"
#include "data/store.h"
#include "sim/profile.h"
#include "sim/rule.h"

typedef struct bv_run_config {
  bv_sim_config sim;
  char profile[40];
  char timestep[32]; /* of the bars orders are matched on; "" = the finest the strategy reads */
  bv_timestep every; /* at the ends of whose buckets the strategy is asked; n = 0: at every step */
  char **asset;      /* assets of the run; none: those the strategy reads */
  int nasset;
  int64_t start, end;  /* bars that lie between them take part: start <= ts, end of bar <= end */
  const bv_zone *zone; /* of days and months in the metrics, and of times in the configuration */
  double risk_free, periods;
  int64_t checkpoint;          /* steps between two commits; 0: one, at the end */
  char currency[16];           /* of the account */
  char *benchmark;             /* asset the metrics compare with; NULL: none */
  char benchmark_timestep[32]; /* "" = its finest */
  bv_ruleset risk;             /* the list "risk" */
  char *calendar;              /* of assets that name none; NULL: weekdays */
  char *rates;                 /* table of rates that change; NULL: none */
  bv_map param;                /* name -> sqlite3_value* (own copies) */
} bv_run_config;

/* Read a configuration; text may be NULL or "".  Every key is checked: BV_ARG names an unknown one
** with the nearest known, and values of the wrong type or range.  zone: the default one.
**
** Besides the simulator's knobs (bv_sim_knobs): profile, timestep, every (a timestep), assets (a name or an array of
** names), start, end (epoch seconds, or text in the zone tz), tz, currency, risk_free, periods, benchmark (an
** asset), benchmark_timestep, financing.rates (a table), calendar (a name), params (an object, what bt_param() answers), checkpoint (steps), risk (a list of rules, rule.h).  {"commission": x} and {"slippage": x} are short for the
** percentage model at that rate. */
BV_MUST bv_rc bv_run_config_read(sqlite3 *db, const char *text, const bv_zone *zone,
                                 bv_run_config *out, bv_err *err);

/* The same on top of `base`, values of knobs as bv_run_config_knobs() writes them, in place of the
** profile's; knobs that are no longer known are passed over.  base NULL: the profile's. */
BV_MUST bv_rc bv_run_config_read_on(sqlite3 *db, const char *base, const char *text,
                                    const bv_zone *zone, bv_run_config *out, bv_err *err);

/* BV_ARG: a key is there twice.  Configurations that are put together from others may have that: the last counts. */
BV_MUST bv_rc bv_run_config_twice(sqlite3 *db, const char *text, bv_err *err);

/* The same without looking at what hangs on several keys. */
BV_MUST bv_rc bv_run_config_parse(sqlite3 *db, const char *text, const bv_zone *zone,
                                  bv_run_config *out, bv_err *err);

/* The i-th key there is, 0, 1, ...: knobs, then the others; NULL after the last. */
const char *bv_run_config_key(int i);
void bv_run_config_reset(bv_run_config *c);

/* Every knob as used, as a JSON object. */
BV_MUST bv_rc bv_run_config_knobs(const bv_run_config *c, bv_buf *out);

#endif
