/* stretch.c - runs of steps at which nothing happens but that prices change; see stretch.h. */
#include "run/stretch.h"
#include "base/alloc.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum { LEAST = 16, PAUSE_MOST = 64 };

void bv_stretch_reset(bv_stretch *s) {
  bv_free(s->close);
  bv_free(s->room);
  s->close = NULL;
  s->room = NULL;
  s->n = s->at = 0;
}

/* How many grids still have bars; *one is the last of them. */
static int live_grids(const bv_feed *f, const bv_feed_grid **one) {
  int n = 0;
  for (int k = 0; k < f->ngrid; k++) {
    if (f->grid[k].event == BV_FEED_END) continue;
    *one = &f->grid[k];
    n++;
  }
  return n;
}

static void end_bars(const int64_t *restrict ts, int64_t length, int64_t n,
                     int64_t *restrict ends) {
  int64_t k = 0;
  for (; k + 8 <= n; k += 8) { /* vectors */
    for (int64_t j = 0; j < 8; j++) ends[k + j] = ts[k + j] + length;
  }
  for (; k < n; k++) ends[k] = ts[k] + length;
}

/* The ends of the only grid's next bars, as far as each is the next event but the opening of its bar.  The
** last bar of a chunk is left to the feed, which reads on after it. */
static int64_t lay_one(bv_stretch *s, int64_t now, int64_t until, int64_t most, int64_t *ends) {
  const bv_feed *f = s->feed;
  const bv_feed_grid *g = s->grid;
  const bv_feed_asset *a = &f->asset[g->first];
  const int64_t left = a->bars.n - 1 - g->i, *const ts = a->bars.ts + g->i;
  int64_t n = left < most ? left : most, before = now;
  if (n <= 0) return 0;
  if (a->length > 0 && ts[0] + a->length > now && ts[n - 1] + a->length < until) {
    end_bars(ts, a->length, n, ends);
    s->reached = n == most;
    return n;
  }
  for (int64_t k = 0; k < n; k++) {
    ends[k] = bv_feed_bar_end(f, g, g->i + k);
    if (ends[k] >= until || ends[k] <= before) return k;
    before = ends[k];
  }
  s->reached = n == most;
  return n;
}

static int64_t divisor(int64_t a, int64_t b) {
  while (b != 0) {
    const int64_t rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}

/* The length of a slot, and *until lowered to the end of the first chunk that ends; 0 where the next instant comes
** no earlier than that, or bars have no fixed length. */
static int64_t slot_of(const bv_feed *f, int64_t now, int64_t *until) {
  int64_t slot = 0, next = INT64_MAX;
  for (int k = 0; k < f->ngrid; k++) {
    const bv_feed_grid *g = &f->grid[k];
    if (g->event == BV_FEED_END) continue;
    const int64_t length = f->asset[g->first].length;
    if (length == 0 || g->ends <= now) return 0;
    slot = divisor(divisor(slot, length), g->ends - now);
    if (g->ends < next) next = g->ends;
    const int64_t last = bv_feed_bar_end(f, g, f->asset[g->first].bars.n - 1);
    if (last < *until) *until = last;
  }
  return next < *until ? slot : 0;
}

/* Mark the slots in which the grid's bars end; a bar that ends between two is the limit. */
static void mark_ends(bv_stretch *s, const bv_feed_grid *g, int64_t now, int64_t slot,
                      int64_t *until) {
  const int64_t *ts = s->feed->asset[g->first].bars.ts;
  const int64_t length = g->ends - ts[g->i];
  int64_t at = 0, before = now;
  for (int64_t i = g->i; ts[i] + length < *until; i++) {
    const int64_t end = ts[i] + length, gap = end - before;
    if (gap == slot) {
      at++;
    } else if (gap % slot == 0) {
      at += gap / slot;
    } else {
      *until = end;
      return;
    }
    s->mark[at] = 1;
    before = end;
  }
}

static int64_t lay_several(bv_stretch *s, int64_t now, int64_t until, int64_t most, int64_t *ends) {
  const bv_feed *f = s->feed;
  const int64_t slot = slot_of(f, now, &until);
  int64_t n = 0;
  if (slot == 0) return 0;
  s->reached = until > now + most * slot;
  if (s->reached) until = now + most * slot + 1;
  memset(s->mark, 0, (size_t)most + 1);
  for (int k = 0; k < f->ngrid; k++) {
    if (f->grid[k].event != BV_FEED_END) mark_ends(s, &f->grid[k], now, slot, &until);
  }
  for (int64_t k = 1; k <= most && now + k * slot < until; k++) {
    if (s->mark[k]) ends[n++] = now + k * slot;
  }
  return n;
}

/* The closes of an asset at the instants, each until the next one comes. */
static void fill_closes(const bv_feed *f, const bv_feed_asset *a, const int64_t *ends, int64_t n,
                        double *out) {
  const bv_feed_grid *g = &f->grid[a->grid];
  const int64_t *ts = a->bars.ts, length = g->ends - ts[g->i];
  const double *close = a->bars.col[BV_COL_CLOSE];
  double p = bv_sim_price(f->sim, a->sim_asset);
  int64_t i = g->i;
  for (int64_t k = 0; k < n; k++) {
    while (ts[i] + length <= ends[k]) p = close[i++];
    out[k] = p;
  }
}

static bv_rc room_for(bv_stretch *s, int64_t assets, int64_t values) {
  if (assets > s->cap) {
    const double **more = bv_realloc(BV_MEM_RUN, s->close, 2 * (size_t)assets * sizeof *more);
    if (!more) return BV_NOMEM;
    s->close = more;
    s->cap = 2 * assets;
  }
  if (values > s->cap_room) {
    double *more = bv_realloc(BV_MEM_RUN, s->room, 2 * (size_t)values * sizeof *more);
    if (!more) return BV_NOMEM;
    s->room = more;
    s->cap_room = 2 * values;
  }
  return BV_OK;
}

static bv_rc lay_closes(bv_stretch *s, const int *held, int nheld, int64_t n, const int64_t *ends) {
  const bv_feed *f = s->feed;
  BV_TRY(room_for(s, nheld, s->grid ? 0 : nheld * n));
  for (int i = 0; i < nheld; i++) {
    const bv_feed_asset *a = &f->asset[f->of[held[i]]];
    const bv_feed_grid *g = &f->grid[a->grid];
    s->close[i] = NULL;
    if (g->event == BV_FEED_END) continue;
    if (s->grid) {
      s->close[i] = a->bars.col[BV_COL_CLOSE] + g->i;
    } else {
      fill_closes(f, a, ends, n, s->room + i * n);
      s->close[i] = s->room + i * n;
    }
  }
  return BV_OK;
}

bv_rc bv_stretch_begin(bv_stretch *s, bv_feed *f, bv_curve *c, int64_t now, int64_t until,
                       int64_t limit, bv_err *err) {
  const int *held;
  int nheld;
  int64_t expiry, most = BV_CURVE_CHUNK - c->n, *ends = c->ts + c->n;
  s->n = s->at = 0;
  s->reached = false;
  s->asked = -1;
  s->asked_close = NULL;
  s->feed = f;
  s->curve = c;
  if (s->pause > 0) s->pause--;
  if (s->pause > 0 || most == 0) return BV_OK;
  if (!bv_sim_calm(f->sim, &held, &nheld, &expiry)) return BV_OK;
  const int grids = live_grids(f, &s->grid);
  if (grids == 0) return BV_OK;
  if (grids > 1) s->grid = NULL;
  if (s->most < LEAST) s->most = LEAST;
  if (most > s->most) most = s->most;
  if (most > limit) most = limit;
  if (until > expiry) until = expiry;
  if (f->end < until) until = f->end < INT64_MAX ? f->end + 1 : f->end;
  const int64_t n =
      s->grid ? lay_one(s, now, until, most, ends) : lay_several(s, now, until, most, ends);
  if (n == 0) return BV_OK;
  BV_TRY(bv_feed_fill(f, held, nheld, err)); /* for when they have passed */
  BV_TRY(lay_closes(s, held, nheld, n, ends));
  s->n = bv_sim_calm_values(f->sim, s->close, n, c->value + c->n);
  return BV_OK;
}

/* Let the next stretch be as long as this one has shown to be worth it. */
static void learn(bv_stretch *s) {
  if (s->at < s->n) {
    s->most = 2 * s->at;
  } else if (s->reached && s->most < BV_CURVE_CHUNK) {
    s->most *= 2;
  }
  s->paused = s->at > 1 || s->at == s->n ? 0
              : s->paused < PAUSE_MOST   ? 2 * s->paused + 1
                                         : s->paused;
  s->pause = s->paused;
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
  int64_t until;
  const bool calm = bv_sim_calm(sim, &held, &nheld, &until);
  assert(calm);
  bv_feed_pass(s->feed, c->ts[c->n + n - 1], held, calm ? nheld : 0, s->grid, n);
  bv_curve_extend(c, n, bv_sim_cash(sim), bv_sim_exposed(sim), nheld > 0);
}

double bv_stretch_seek(bv_stretch *s, int sim_asset) {
  const bv_feed *f = s->feed;
  const int number = sim_asset < f->nof ? f->of[sim_asset] : -1;
  const bool on_grid = s->grid && number >= 0 && &f->grid[f->asset[number].grid] == s->grid;
  s->asked = sim_asset;
  s->asked_close = on_grid ? f->asset[number].bars.col[BV_COL_CLOSE] + s->grid->i : NULL;
  if (on_grid && !isnan(s->asked_close[s->at - 1])) return s->asked_close[s->at - 1];
  return bv_feed_close_by(f, sim_asset, s->curve->ts[s->curve->n + s->at - 1]);
}
