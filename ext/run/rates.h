/*
** rates.h - rates that change over a run: rows of a table or view, handed to the simulator as they become known.
**
** The columns are known_at (epoch seconds), asset (NULL: all that have no rate of their own), kind (borrow,
** funding, rollover, margin, cash) and rate.  A row counts from known_at on.
*/
#ifndef BV_RUN_RATES_H
#define BV_RUN_RATES_H

#include "data/sql.h"
#include "sim/sim.h"

/* The last rates of an asset that is not in the run yet. */
typedef struct bv_rates_early {
  char *asset;
  double rate[BV_RATES]; /* NaN: none */
} bv_rates_early;

typedef struct bv_rates {
  sqlite3 *db;
  sqlite3_stmt *st; /* NULL: none are given */
  bool more;        /* it stands on a row, the one of number `at`, known at next_at */
  bool resting;     /* it was reset there */
  int64_t at, next_at;
  bv_rates_early *early;
  int nearly;
} bv_rates;

/* BV_ARG: there is no such table, or it lacks a column. */
BV_MUST bv_rc bv_rates_open(bv_rates *r, sqlite3 *db, const char *table, bv_err *err);
void bv_rates_close(bv_rates *r);

/* Read nothing until the next row is due, so that a transaction can end. */
void bv_rates_rest(bv_rates *r);

/* Hand over the rows known by t. */
BV_MUST bv_rc bv_rates_advance(bv_rates *r, int64_t t, bv_sim *sim, bv_err *err);

/* An asset has joined the run. */
BV_MUST bv_rc bv_rates_joined(bv_rates *r, int64_t t, bv_sim *sim, int asset, bv_err *err);

#endif
