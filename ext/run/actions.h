/*
** actions.h - the corporate actions of a run's assets, in order of time.
*/
#ifndef BV_RUN_ACTIONS_H
#define BV_RUN_ACTIONS_H

#include "data/contract.h"
#include "run/match_feed.h"

typedef struct bv_actions {
  struct bv_action_due {
    int64_t ts;
    bv_sim_action action;
  } * due; /* those before `next` have taken place */
  int n, next;
} bv_actions;

void bv_actions_reset(bv_actions *a);

/* Add those of an asset that show in bars from `from` on. */
BV_MUST bv_rc bv_actions_add(bv_actions *a, bv_store *s, const char *asset, int sim_asset,
                             int64_t from, bv_err *err);

/* Let those due by t take place. */
BV_MUST bv_rc bv_actions_run(bv_actions *a, bv_feed *feed, int64_t t, bv_err *err);

#endif
