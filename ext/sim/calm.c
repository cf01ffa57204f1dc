/* calm.c - time in which nothing can happen to an account but that prices change; see sim.h. */
#include "sim/finance.h"
#include "sim/state.h"

#include <assert.h>
#include <math.h>

/* What looks at every bar, or at every instant, must be named here. */
bool bv_sim_calm(const bv_sim *s, const int **held, int *n, int64_t *until) {
  const bv_ledger *l = &s->ledger;
  if (s->queue.n > 0 || s->risk || s->finance || s->liquid || s->follows) return false;
  if (l->mark_at != BV_MARKS_LAST) return false;
  if (l->nfx > 0 || l->ndaily > 0 || s->account.call != BV_CALL_NONE) return false;
  *held = l->open;
  *n = l->nopen;
  *until = s->next_expiry;
  return true;
}

int64_t bv_sim_calm_values(const bv_sim *s, const double *const *close, int64_t n, double *value) {
  const bv_ledger *l = &s->ledger;
  for (int64_t k = 0; k < n; k++) value[k] = l->cash;
  for (int i = 0; i < l->nopen; i++) { /* the same sums in the same order as bv_ledger_value() */
    const bv_asset *a = &l->asset[l->open[i]];
    const double worth = a->n * a->unit, basis = a->basis, still = worth * (a->mark - basis);
    const double *p = close[i];
    for (int64_t k = 0; p && k < n; k++) value[k] += worth * (p[k] - basis);
    for (int64_t k = 0; !p && k < n; k++) value[k] += still;
  }
  const bool ruin = s->cfg.ruin == BV_RUIN_STOP && l->nopen > 0;
  const double least = ruin ? 0 : -INFINITY;
  for (int64_t k = 0; k < n; k++) {
    if (!(value[k] > least)) return k;
  }
  return n;
}

void bv_sim_calm_pass(bv_sim *s, const bv_sim_calm_bars *b) {
  const bv_sim_bar *last = b->last;
  bv_asset *a = &s->ledger.asset[last->asset];
  assert(b->n > 0 && s->queue.n == 0);
  a->mark = last->close;
  if (last->quote) {
    a->bid = last->quote->bid.close;
    a->ask = last->quote->ask.close;
  }
  a->bars += b->n;
  a->last_open = last->open;
  a->last_ts = last->ts;
  a->last_known = last->known_at;
  if (a->nlot == 0) return;
  double hi = -INFINITY, lo = INFINITY;
  for (int64_t k = 0; k < b->n; k++) {
    if (b->high[k] > hi) hi = b->high[k];
    if (b->low[k] < lo) lo = b->low[k];
  }
  for (size_t i = a->head; i < a->head + a->nlot; i++) {
    if (hi > a->lot[i].hi) a->lot[i].hi = hi;
    if (lo < a->lot[i].lo) a->lot[i].lo = lo;
  }
}
