/* stretch.c - runs of steps at which nothing happens but that prices change; see stretch.h. */
#include "run/stretch.h"

#include <math.h>

enum { LEAST = 16 };

void bv_stretch_reset(bv_stretch *s) {
  bv_free(s->close);
  *s = (bv_stretch){0};
}

/* The one grid that still has bars; NULL where there are several. */
static bv_feed_grid *only_grid(const bv_feed *f) {
  bv_feed_grid *one = NULL;
  for (int k = 0; k < f->ngrid; k++) {
    bv_feed_grid *g = &f->grid[k];
    if (g->event == BV_FEED_END) continue;
    if (one || g->quiet) return NULL;
    one = g;
  }
  return one;
}

/* The ends of the grid's next bars, as far as each is the next event but the opening of its bar.  The last
** bar of a chunk is left to the feed, which reads on after it. */
static int64_t lay_times(const bv_feed *f, const bv_feed_grid *g, int64_t now, int64_t until,
                         int64_t most, int64_t *ends) {
  const bv_feed_asset *a = &f->asset[g->first];
  const int64_t *ts = a->bars.ts + g->i, left = a->bars.n - 1 - g->i;
  const int64_t fixed = bv_timestep_dur_s(a->series.step);
  int64_t n = left < most ? left : most, before = now;
  if (until > f->end) until = f->end < INT64_MAX ? f->end + 1 : f->end;
  for (int64_t k = 0; k < n; k++) {
    ends[k] = fixed > 0 ? ts[k] + fixed : bv_timestep_end(a->series.step, a->series.zone, ts[k]);
    if (ends[k] >= until || ends[k] <= before) return k;
    before = ends[k];
  }
  return n > 0 ? n : 0;
}

/* The closes of the assets held; false where one has bars that do not go with the others'. */
static bool lay_closes(bv_stretch *s, const bv_feed *f, const int *held, int n) {
  for (int i = 0; i < n; i++) {
    const int number = held[i] < f->nof ? f->of[held[i]] : -1;
    if (number < 0) return false;
    const bv_feed_asset *a = &f->asset[number];
    const bool moves = &f->grid[a->grid] == s->grid;
    if (moves && a->seen != s->grid->i) return false;
    s->close[i] = moves ? a->bars.col[BV_COL_CLOSE] + s->grid->i : NULL;
  }
  return true;
}

static bv_rc room_for(bv_stretch *s, int n) {
  if (n <= s->cap) return BV_OK;
  const double **more = bv_realloc(BV_MEM_RUN, s->close, 2 * (size_t)n * sizeof *more);
  if (!more) return BV_NOMEM;
  s->close = more;
  s->cap = 2 * n;
  return BV_OK;
}

bv_rc bv_stretch_begin(bv_stretch *s, bv_feed *f, bv_curve *c, int64_t now, int64_t until) {
  const int *held;
  int nheld;
  int64_t expiry, room = BV_CURVE_CHUNK - c->n;
  s->n = s->at = 0;
  s->feed = f;
  s->curve = c;
  if (room == 0 || !bv_sim_calm(f->sim, &held, &nheld, &expiry)) return BV_OK;
  s->grid = only_grid(f);
  if (!s->grid) return BV_OK;
  BV_TRY(room_for(s, nheld));
  if (!lay_closes(s, f, held, nheld)) return BV_OK;
  if (s->most < LEAST) s->most = LEAST;
  if (room > s->most) room = s->most;
  const int64_t n = lay_times(f, s->grid, now, until < expiry ? until : expiry, room, c->ts + c->n);
  s->n = n > 0 ? bv_sim_calm_values(f->sim, s->close, n, c->value + c->n) : 0;
  return BV_OK;
}

/* Let the next stretch be as long as this one has shown to be worth it. */
static void learn(bv_stretch *s) {
  if (s->at < s->n) {
    s->most = 2 * s->at;
  } else if (s->n == s->most && s->most < BV_CURVE_CHUNK) {
    s->most *= 2;
  }
}

void bv_stretch_settle(bv_stretch *s) {
  const int64_t n = s->at;
  if (s->n == 0) return;
  learn(s);
  s->n = s->at = 0;
  if (n == 0) return;
  bv_sim *sim = s->feed->sim;
  bv_curve *c = s->curve;
  const int *held;
  int nheld;
  int64_t until, t = c->ts[c->n + n - 1];
  bool calm = bv_sim_calm(sim, &held, &nheld, &until);
  bv_feed_pass(s->feed, s->grid, n, t, held, calm ? nheld : 0);
  bv_curve_extend(c, n, bv_sim_cash(sim), bv_sim_exposed(sim), nheld > 0);
}

double bv_stretch_price(const bv_stretch *s, int sim_asset) {
  const bv_feed *f = s->feed;
  const int number = sim_asset < f->nof ? f->of[sim_asset] : -1;
  if (number < 0 || &f->grid[f->asset[number].grid] != s->grid) return NAN;
  return f->asset[number].bars.col[BV_COL_CLOSE][s->grid->i + s->at - 1];
}
