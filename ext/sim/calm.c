/* calm.c - time in which nothing can happen to an account but that prices change; see sim.h. */
#include "base/bits.h"
#include "base/chunks.h"
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

/* Stretches are short: what is left over of a chunk should be little. */
#define EACH(n, body) BV_FOR_CHUNKS_OF(16, (size_t)(n), body)

static void move_value(double *restrict value, const double *restrict p, double worth, double basis,
                       int64_t n) {
  EACH(n, value[i] += worth * (p[i] - basis));
}

static void raise_value(double *value, double by, int64_t n) {
  EACH(n, value[i] += by);
}

/* 0 where all values are finite, and above 0 where that is asked for. */
static uint64_t look_at(const double *value, bool above, int64_t n) {
  const uint64_t infinite = bv_bits_of(INFINITY);
  uint64_t odd = 0, low = 0;
  EACH(n, {
    const uint64_t bits = bv_bits_of(value[i]);
    odd |= (infinite - 1 - (bits & INT64_MAX)) >> 63;
    low |= (bits | (bits - 1)) >> 63;
  });
  return odd | (above ? low : 0);
}

/* The first value that is not above, n where all are. */
static int64_t first_not_above(const double *value, double least, int64_t n) {
  if (look_at(value, least == 0, n) == 0) return n;
  for (int64_t k = 0; k < n; k++) {
    if (!(value[k] > least)) return k;
  }
  return n;
}

static void fill_value(double *value, double with, int64_t n) {
  EACH(n, value[i] = with);
}

int64_t bv_sim_calm_values(const bv_sim *s, const double *const *close, int64_t n, double *value) {
  const bv_ledger *l = &s->ledger;
  fill_value(value, l->cash, n);
  for (int i = 0; i < l->nopen; i++) { /* the same sums in the same order as bv_ledger_value() */
    const bv_asset *a = &l->asset[l->open[i]];
    const double worth = a->n * a->unit, basis = a->basis;
    if (close[i])
      move_value(value, close[i], worth, basis, n);
    else
      raise_value(value, worth * (a->mark - basis), n);
  }
  if (l->nopen == 0 && l->cash > -INFINITY) return n;
  const bool ruin = s->cfg.ruin == BV_RUIN_STOP && l->nopen > 0;
  return first_not_above(value, ruin ? 0 : -INFINITY, n);
}

void bv_sim_calm_pass(bv_sim *s, const bv_sim_calm_bars *b) {
  const bv_sim_bar *last = b->last;
  bv_asset *a = &s->ledger.asset[last->asset];
  assert(b->n > 0 && s->queue.n == 0);
  if (last->close == last->close) a->mark = last->close;
  if (last->quote) bv_ledger_quote(&s->ledger, a, last->quote); /* marks are last ones */
  a->bars += b->n;
  a->last_known = last->known_at;
  if (last->ts > INT64_MIN) {
    a->last_open = last->open;
    a->last_ts = last->ts;
  }
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
