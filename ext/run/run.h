/*
** run.h - the driver: steps a strategy over the bars of its assets.
**
** At each instant t at which something happens the order is: bars that end at t (marks, fills inside
** them), the equity row, the strategy's decisions at t, corporate actions that show from t on,
** bars that start at t (fills at their opens).
** A step is an instant at which a bar ended.
**
**   set mode   the view is read once, ordered by known_at, and each row is handed over at its
**              known_at.  The clock stands at the run's end.
**   step mode  the view is executed at every step with the clock at that step: whatever it says, it
**              cannot see later bars.
**
** With the key `every` of the configuration a step-mode view, or the caller who gives orders, is asked only at
** the first step at or after the end of each bucket of that length (hours, days of the zone tz, ...).
**
** The run's range is that of the bars it steps over; a decision is taken after its start and by its
** end.  An asset that a row names first comes in at that instant, at the last price before it.
**
** Everything is written inside one savepoint.  A run that fails leaves nothing; an interrupt during
** bt_run() rolls the whole transaction back, as SQLite does for any statement that writes.  With the key
** checkpoint it is a transaction every so many steps (keep.h).
*/
#ifndef BV_RUN_RUN_H
#define BV_RUN_RUN_H

#include "run/actions.h"
#include "run/around.h"
#include "run/batch.h"
#include "run/calendars.h"
#include "run/config.h"
#include "run/inputs.h"
#include "run/keep.h"
#include "run/match_feed.h"
#include "run/rates.h"
#include "run/result.h"
#include "run/risk_config.h"
#include "run/strategy.h"
#include "run/stretch.h"

typedef struct bv_run {
  bv_store *store;
  bv_run_config config;
  bv_strategy strategy; /* name NULL: the caller gives all orders */
  bv_sim *sim;
  bv_feed feed;
  bv_context context; /* what risk rules look at */
  bv_actions actions;
  bv_calendars calendars;
  int nquiet;     /* assets that are followed only */
  bv_rates rates; /* where the configuration names a table of them */
  bv_result *result;
  bv_around around;
  bv_map asset;       /* name -> bv_feed_asset number + 1 */
  bv_series *touched; /* series the strategy has opened */
  int ntouched;
  bool touch_failed;
  int64_t saved_clock;
  int64_t now;   /* the current step */
  int64_t began; /* when the first bar opened */
  int64_t due;   /* the strategy is asked at the first step from here on */
  bv_stretch stretch;
  bv_inputs inputs;
  bv_keep keep;              /* of a run that is committed as it goes on */
  bv_series benchmark;       /* where the configuration names one */
  bv_signal next;            /* set mode: the row that comes next */
  char *next_text[BV_TEXTS]; /* its texts, kept over steps */
  size_t next_cap[BV_TEXTS];
  bv_batch batch;      /* the rows of the step */
  bv_sim_request *ask; /* of those that are given together */
  int cap_ask;
  bool has_next, in_strategy, done, finished;
} bv_run;

/* What a run begins with. */
typedef struct bv_run_start {
  const char
      *strategy;       /* name of a view; NULL: none, the configuration names assets and timestep */
  const char *config;  /* JSON, may be NULL */
  const char *version; /* of the library, stored */
  const char *knobs;   /* values of knobs in place of the profile's, JSON; NULL: the profile's */
  const bv_zone *zone; /* of times; NULL: the store's */
  const char *stored;  /* the configuration as it is stored; NULL: config */
  const char *document;     /* that describes the run, stored too; NULL: none */
  int64_t end;              /* as the configuration's, the earlier one counts; INT64_MAX: none */
  bool alone;               /* nobody acts between its steps */
  bool whole;               /* commit nothing before the end, whatever the configuration says */
  const bv_resumed *resume; /* NULL: a new run */
  const bv_inputs *files;   /* what a document names, for the life of the run; NULL: none */
  bool
      merged; /* config was put together from others: of a key that is there twice the last counts */
} bv_run_start;

BV_MUST bv_rc bv_run_begin(bv_store *s, const bv_run_start *how, bv_run **out, bv_err *err);

/* Begin.  strategy NULL: none (the configuration names assets and timestep).  version is stored. */
BV_MUST bv_rc bv_run_open(bv_store *s, const char *strategy, const char *config,
                          const char *version, bv_run **out, bv_err *err);

/* The end of the newest bar there is (of the 100 series that were made last); BV_INSTANT_MIN: none. */
BV_MUST bv_rc bv_run_data_end(bv_store *s, int64_t *end, bv_err *err);

/* The end of the newest bar of all. */
BV_MUST bv_rc bv_run_last_end(bv_store *s, int64_t *end, bv_err *err);

/* The next step at which the strategy is asked; *more = false after the last, when the results are complete. */
BV_MUST bv_rc bv_run_step(bv_run *r, bool *more, bv_err *err);

/* One more of the steps that are laid out ahead, where the strategy is asked at all of them: r->now. */
static inline bool bv_run_glide(bv_run *r) {
  if (r->config.every.n > 0 || !bv_stretch_pass(&r->stretch, &r->now)) return false;
  if (!r->strategy.set_mode) r->store->clock = r->now;
  return true;
}

/* Part of the way to it: one step, or some at which nothing happens, but never past a commit. */
BV_MUST bv_rc bv_run_advance(bv_run *r, bool *asked, bv_err *err);

/* An order of the caller at the current step, as a row of a strategy gives it. */
BV_MUST bv_rc bv_run_order(bv_run *r, bv_signal *g, bv_err *err);

/* End: keep the results where rc is BV_OK and the run is complete, undo everything otherwise. */
BV_MUST bv_rc bv_run_close(bv_run *r, bv_rc rc, bv_err *err);

/* Let an asset be followed from instant `from` on: its prices count, but it makes no steps. */
BV_MUST bv_rc bv_run_follow(bv_run *r, const char *asset, int64_t from, int *number, bv_err *err);

/* The account's value and an asset's last price (by its number; -1: NaN) as of the step; and letting the simulator
** know of all that has passed, for who asks it itself. */
double bv_run_value(const bv_run *r);
double bv_run_price(bv_run *r, int asset);
static inline void bv_run_settle(bv_run *r) {
  bv_stretch_settle(&r->stretch);
}

/* The simulator's number of an asset; -1 where it takes no part (yet). */
int bv_run_asset(const bv_run *r, const char *asset);

#endif
