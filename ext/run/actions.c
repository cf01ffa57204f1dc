/* actions.c - corporate actions of a run; see actions.h. */
#include "run/actions.h"

#include "base/alloc.h"

#include <string.h>

void bv_actions_reset(bv_actions *a) {
  bv_free(a->due);
  memset(a, 0, sizeof *a);
}

typedef struct adding {
  bv_actions *to;
  int sim_asset;
} adding;

/* Behind all of its time or earlier, so the actions of one asset keep their sequence. */
static bv_rc add(void *ctx, const bv_corporate_action *action, bv_err *err) {
  adding *add = ctx;
  bv_actions *a = add->to;
  if (bv_room(BV_MEM_RUN, &a->due, a->n, sizeof *a->due) != BV_OK)
    return bv_fail(err, BV_NOMEM, "out of memory for corporate actions");
  int at = a->n++;
  for (; at > a->next && a->due[at - 1].ts > action->ts; at--) a->due[at] = a->due[at - 1];
  a->due[at] = (struct bv_action_due){
      .ts = action->ts,
      .action = {.asset = add->sim_asset,
                 .kind = action->kind == BV_CORPORATE_SPLIT ? BV_ACTION_SPLIT : BV_ACTION_DIVIDEND,
                 .value = action->value}};
  return BV_OK;
}

bv_rc bv_actions_add(bv_actions *a, bv_store *s, const char *asset, int sim_asset, int64_t from,
                     bv_err *err) {
  adding to = {a, sim_asset};
  return bv_corporate_read(s, asset, from, add, &to, err);
}

bv_rc bv_actions_run(bv_actions *a, bv_feed *feed, int64_t t, bv_err *err) {
  while (a->next < a->n && a->due[a->next].ts <= t) {
    const struct bv_action_due *due = &a->due[a->next++];
    bv_feed_catch_up(feed, due->action.asset);
    BV_TRY(bv_sim_act(feed->sim, due->ts, &due->action, err));
  }
  return BV_OK;
}
