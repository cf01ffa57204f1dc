/* match_feed.c - the bars a run is matched on; see match_feed.h. */
#include "run/match_feed.h"
#include "data/raw.h"
#include "run/match_read.h"
#include "time/instant.h"

#include <math.h>
#include <string.h>

/* Bars that began before an instant but had not ended: one, or a few that overlap. */
enum { BACK = 8 };
void bv_feed_init(bv_feed *f, bv_store *s, int64_t start, int64_t end) {
  *f = (bv_feed){.store = s, .start = start, .end = end, .strip = INT64_MIN};
}

void bv_feed_reset(bv_feed *f) {
  for (int i = 0; i < f->n; i++) {
    bv_walk_close(&f->asset[i].walk);
    bv_chunk_reset(&f->asset[i].copied);
    bv_quotes_free(f->asset[i].quotes);
    bv_quotes_free(f->asset[i].fine_quotes);
  }
  bv_crew_free(f->crew);
  bv_free(f->asset);
  bv_free(f->grid);
  bv_free(f->bar);
  bv_free(f->of);
  bv_free(f->fine_bar);
  bv_free(f->fine_quote);
  bv_chunk_reset(&f->fine);
  *f = (bv_feed){0};
}

/* --- grids --- */

static const bv_bars *bars_of(const bv_feed *f, const bv_feed_grid *g) {
  return &f->asset[g->first].bars;
}

static int64_t end_of(const bv_feed_asset *a, int64_t ts) {
  return a->length > 0 ? ts + a->length : bv_timestep_end(a->series.step, a->series.zone, ts);
}

/* Say when the bar that comes next opens: at its start, but not before the one before it has closed.
** Ends rise with starts, so the first bar that ends after the feed's end is its end. */
static void await(const bv_feed *f, bv_feed_grid *g, int64_t not_before) {
  const bv_feed_asset *a = &f->asset[g->first];
  g->open = false;
  g->event = BV_FEED_END;
  if (g->i >= a->bars.n) return;
  int64_t ts = a->bars.ts[g->i];
  g->ends = end_of(a, ts);
  if (g->ends <= f->end) g->event = ts < not_before ? not_before : ts;
}

static bool same_times(const bv_feed_asset *a, const bv_feed_asset *b) {
  const int64_t *x = a->bars.ts, *y = b->bars.ts;
  return a->bars.n == b->bars.n && a->more == b->more && a->bars.n > 0 && x[0] == y[0] &&
         a->series.zone == b->series.zone && bv_timestep_eq(a->series.step, b->series.step) &&
         (x == y || memcmp(x, y, (size_t)a->bars.n * sizeof *x) == 0);
}

/* Put an asset whose bars are new into a grid that stands at its own start, or into one of its own. */
static void join_grid(bv_feed *f, int number, int64_t not_before) {
  bv_feed_asset *a = &f->asset[number];
  a->next = -1;
  a->seen = 0;
  int spare = -1;
  for (int k = 0; k < f->ngrid; k++) {
    bv_feed_grid *g = &f->grid[k];
    if (g->first < 0) {
      spare = k;
      continue;
    }
    bool fresh = g->i == 0 && !g->open;
    if (!fresh || g->quiet != a->quiet || !same_times(a, &f->asset[g->first])) continue;
    bv_feed_grid alone = {.first = number};
    await(f, &alone, not_before);
    if (alone.event != g->event) continue;
    a->grid = k;
    f->asset[g->last].next = number;
    g->last = number;
    return;
  }
  a->grid = spare >= 0 ? spare : f->ngrid++;
  bv_feed_grid *g = &f->grid[a->grid];
  *g = (bv_feed_grid){.first = number, .last = number, .quiet = a->quiet};
  await(f, g, not_before);
}

/* --- what the simulator knows --- */

bv_rc bv_feed_fill(bv_feed *f, const int *asset, int n, bv_err *err) {
  for (int k = 0; k < n; k++) {
    const int number = asset[k] < f->nof ? f->of[asset[k]] : -1;
    if (number >= 0) BV_TRY(bv_match_fill(&f->asset[number], err));
  }
  return BV_OK;
}

static bv_sim_bar bar_at(const bv_bars *c, int64_t i, int sim_asset, int64_t known_at) {
  return (bv_sim_bar){
      .asset = sim_asset,
      .ts = c->ts[i],
      .known_at = known_at,
      .open = c->col[BV_COL_OPEN][i],
      .high = c->col[BV_COL_HIGH][i],
      .low = c->col[BV_COL_LOW][i],
      .close = c->col[BV_COL_CLOSE][i],
      .volume = c->col[BV_COL_VOLUME] ? c->col[BV_COL_VOLUME][i] : NAN,
      .next_ts = i + 1 < c->n ? c->ts[i + 1] : 0,
  };
}

/* The asset's bar i as orders meet it: one that is alone has no prices, and is not the next one of any. */
static bv_sim_bar own_bar(const bv_feed_asset *a, int64_t i, int64_t known_at) {
  bv_sim_bar bar = bar_at(&a->bars, i, a->sim_asset, known_at);
  if (!a->quotes || !a->quotes->alone) return bar;
  if (a->quotes->alone[i]) bar.close = NAN;
  if (bar.next_ts && a->quotes->alone[i + 1]) bar.next_ts = 0;
  return bar;
}

/* The last of the bars [lo, hi) that is not alone; lo - 1 where all are. */
static int64_t last_own(const bv_feed_asset *a, int64_t lo, int64_t hi) {
  while (hi > lo && bv_quotes_alone(a->quotes, hi - 1)) hi--;
  return hi - 1;
}

/* Tell of the quotes at the close of bars [lo, hi) of the asset. */
static void tell_quotes(bv_feed *f, bv_feed_asset *a, int64_t lo, int64_t hi, int64_t known_at) {
  const bv_sim_bar bar = own_bar(a, hi - 1, known_at);
  bv_sim_quoted(f->sim, a->sim_asset, bv_quotes_last(a->quotes, &a->bars, &bar, lo, hi - 1));
}

/* What the simulator has not been told of the bars that have closed. */
static void catch_up(bv_feed *f, bv_feed_asset *a) {
  const bv_feed_grid *g = &f->grid[a->grid];
  int64_t closed = g->i;
  if (!f->sim || a->seen >= closed) return;
  const double *close = a->bars.col[BV_COL_CLOSE];
  int64_t last = closed - 1;
  while (last > a->seen && isnan(close[last])) last--;
  const int64_t own = last_own(a, a->seen, closed);
  bv_sim_skip(f->sim, a->sim_asset, own >= a->seen ? a->bars.ts[own] : INT64_MIN, close[last],
              closed - a->seen, g->closed);
  if (a->quotes) tell_quotes(f, a, a->seen, closed, g->closed);
  a->seen = closed;
}

void bv_feed_catch_up(bv_feed *f, int sim_asset) {
  if (!f->sim) return;
  if (sim_asset >= 0) {
    if (sim_asset < f->nof && f->of[sim_asset] >= 0) catch_up(f, &f->asset[f->of[sim_asset]]);
    return;
  }
  for (int i = 0; i < f->n; i++) catch_up(f, &f->asset[i]);
}

/* The assets of a grid read on. */
static bv_rc read_grid(bv_feed *f, int first, bv_err *err) {
  if (!f->crew) BV_TRY(bv_match_call_crew(f));
  for (int i = first; i >= 0; i = f->asset[i].next) {
    catch_up(f, &f->asset[i]);
    if (f->asset[i].base.n > 0) continue; /* of its last piece, which is still to come */
    BV_TRY(bv_raw_walk_ready(&f->asset[i].walk, err));
  }
  for (int i = first; i >= 0; i = f->asset[i].next) {
    BV_TRY(bv_match_read(f, &f->asset[i], err));
  }
  return BV_OK;
}

/* The next bar of a grid; where its chunks are used up, the next ones, and other grids for its assets. */
static bv_rc advance(bv_feed *f, int number, int64_t t, bv_err *err) {
  bv_feed_grid *g = &f->grid[number];
  g->i++;
  g->closed = g->ends;
  if (g->i < bars_of(f, g)->n || !f->asset[g->first].more) {
    await(f, g, t);
    return BV_OK;
  }
  const int first = g->first;
  BV_TRY(read_grid(f, first, err));
  g->first = g->last = -1;
  g->event = BV_FEED_END;
  for (int i = first, next; i >= 0; i = next) {
    next = f->asset[i].next;
    join_grid(f, i, t);
  }
  return BV_OK;
}

/* --- the feed --- */

static bv_rc grow(bv_feed *f) {
  if (f->n < f->cap) return BV_OK;
  int cap = f->cap ? f->cap * 2 : 8;
  bv_feed_asset *asset = bv_realloc(BV_MEM_RUN, f->asset, (size_t)cap * sizeof *asset);
  if (!asset) return BV_NOMEM;
  f->asset = asset;
  bv_feed_grid *grid = bv_realloc(BV_MEM_RUN, f->grid, (size_t)cap * sizeof *grid);
  if (!grid) return BV_NOMEM;
  f->grid = grid;
  bv_sim_bar *bar = bv_realloc(BV_MEM_RUN, f->bar, (size_t)cap * sizeof *bar);
  if (!bar) return BV_NOMEM;
  f->bar = bar;
  f->cap = cap;
  return BV_OK;
}

static bv_rc number_asset(bv_feed *f, int sim_asset, int number) {
  if (sim_asset >= f->nof) {
    int n = sim_asset + 1 + f->nof;
    int *of = bv_realloc(BV_MEM_RUN, f->of, (size_t)n * sizeof *of);
    if (!of) return BV_NOMEM;
    for (int i = f->nof; i < n; i++) of[i] = -1;
    f->of = of;
    f->nof = n;
  }
  f->of[sim_asset] = number;
  return BV_OK;
}

bv_rc bv_feed_add(bv_feed *f, const bv_series *series, int sim_asset, int64_t from, bool quiet,
                  bv_err *err) {
  BV_TRY(grow(f));
  BV_TRY(number_asset(f, sim_asset, f->n));
  int number = f->n++;
  bv_feed_asset *a = &f->asset[number];
  *a = (bv_feed_asset){.series = *series,
                       .sim_asset = sim_asset,
                       .length = bv_timestep_dur_s(series->step),
                       .more = true,
                       .more_base = true,
                       .quiet = quiet};
  const bv_source src = bv_source_stored(series);
  if (from < f->start) from = f->start;
  a->from = from;
  bv_chunk_init(&a->copied, BV_MEM_RUN, bv_match_columns(f));
  bv_walk_open(&a->walk, f->store, &src, from, f->end, bv_match_columns(f), number);
  a->walk.crew = f->crew;
  bv_rc rc = f->quoted ? bv_quotes_open(f->store, series, &a->quotes, err) : BV_OK;
  if (rc == BV_OK) rc = bv_match_read(f, a, err);
  join_grid(f, number, INT64_MIN);
  return rc;
}

int64_t bv_feed_next(const bv_feed *f) {
  int64_t t = BV_FEED_END;
  for (int i = 0; i < f->ngrid; i++) {
    if (f->grid[i].event < t) t = f->grid[i].event;
  }
  return t;
}

/* The close of a side's newest bar that began after `from` and had ended by t; NaN where there is none. */
static bv_rc side_before(bv_feed *f, const bv_series *side, int64_t from, int64_t t, double *out,
                         bv_err *err) {
  bv_chunk c;
  bv_chunk_init(&c, BV_MEM_RUN, BV_COLBIT(BV_COL_CLOSE));
  *out = NAN;
  bv_rc rc = bv_raw_read(f->store, side, from + 1, t, BACK, true, &c, err);
  for (int64_t i = 0; rc == BV_OK && i < c.n; i++) {
    if (bv_timestep_end(side->step, side->zone, c.ts[i]) <= t) *out = c.col[BV_COL_CLOSE][i];
  }
  bv_chunk_reset(&c);
  return rc;
}

/* What was quoted alone after the bar. */
static bv_rc quoted_since(bv_feed *f, bv_quotes_feed *q, int64_t from, int64_t t, bv_err *err) {
  for (int k = 0; k < BV_QUOTE_SIDES; k++) {
    double close;
    if (!q->side[k].there || q->side[k].base) continue;
    BV_TRY(side_before(f, &q->side[k].series, from, t, &close, err));
    if (isnan(close)) continue;
    *(k == BV_QUOTE_BID ? &q->now.bid.close : &q->now.ask.close) = close;
    *(k == BV_QUOTE_BID ? &q->now.has_bid : &q->now.has_ask) = true;
  }
  return BV_OK;
}

/* The quotes beside a bar that is in no chunk, as they stood at t. */
static bv_rc quote_before(bv_feed *f, int sim_asset, int64_t t, bv_sim_bar *bar, bv_err *err) {
  bv_feed_asset *a =
      sim_asset < f->nof && f->of[sim_asset] >= 0 ? &f->asset[f->of[sim_asset]] : NULL;
  if (!a || !a->quotes) return BV_OK;
  const bv_bars one = {.ts = &bar->ts, .n = 1};
  bv_rc rc = bv_quotes_lay(a->quotes, f->store, &one, err);
  if (rc == BV_OK) bar->quote = bv_quotes_at(a->quotes, bar, 0);
  a->quotes->now.alone = false;
  if (rc == BV_OK && f->alone) rc = quoted_since(f, a->quotes, bar->ts, t, err);
  /* what was laid beside the bars at hand is there no more */
  return rc == BV_OK ? bv_quotes_lay(a->quotes, f->store, &a->bars, err) : rc;
}

bv_rc bv_feed_before(bv_feed *f, const bv_series *series, int sim_asset, int64_t t, bv_sim_bar *out,
                     bool *found, bv_err *err) {
  bv_chunk c;
  bv_chunk_init(&c, BV_MEM_RUN, BV_MATCH_COLUMNS);
  *found = false;
  bv_rc rc = bv_raw_read(f->store, series, INT64_MIN, t, BACK, true, &c, err);
  const bv_bars bars = bv_chunk_view(&c);
  for (int64_t i = 0; rc == BV_OK && i < c.n; i++) {
    int64_t end = bv_timestep_end(series->step, series->zone, c.ts[i]);
    if (end > t) continue;
    *out = bar_at(&bars, i, sim_asset, end);
    *found = true;
  }
  bv_chunk_reset(&c);
  if (rc == BV_OK && *found) rc = quote_before(f, sim_asset, t, out, err);
  return rc;
}

static void give(bv_feed *f, const bv_feed_asset *a, int64_t i, int64_t known_at, int *n) {
  bv_sim_bar *bar = &f->bar[(*n)++];
  *bar = own_bar(a, i, known_at);
  if (i + 1 == a->bars.n && !a->more) bar->next_ts = INT64_MAX;
  if (a->quotes) bar->quote = bv_quotes_at(a->quotes, bar, i);
}

/* Hand over the bars at t of grids that stand as `open` says. */
static bv_rc give_bars(bv_feed *f, int64_t t, bool open, int *given, bv_err *err) {
  const int *busy = NULL;
  int n = 0, nbusy = f->sim ? bv_sim_busy(f->sim, open, &busy) : -1;
  for (int k = 0; k < nbusy; k++) {
    bv_feed_asset *a = &f->asset[f->of[busy[k]]];
    const bv_feed_grid *g = &f->grid[a->grid];
    if (g->event != t || g->open != open) continue;
    catch_up(f, a);
    BV_TRY(bv_match_fill(a, err));
    give(f, a, g->i, open ? t : g->ends, &n);
    if (open) a->seen = g->i + 1;
  }
  for (int k = 0; nbusy < 0 && k < f->ngrid; k++) {
    const bv_feed_grid *g = &f->grid[k];
    if (g->event != t || g->open != open) continue;
    for (int i = g->first; i >= 0; i = f->asset[i].next) {
      BV_TRY(bv_match_fill(&f->asset[i], err));
      give(f, &f->asset[i], g->i, open ? t : g->ends, &n);
      if (open) f->asset[i].seen = g->i + 1;
    }
  }
  *given = n;
  return BV_OK;
}

/* Where an order waits for the close of a day, say when the next bar comes after the last of a chunk, too. */
static bv_rc look_ahead(bv_feed *f, int n, bv_err *err) {
  for (int i = 0; i < n; i++) {
    bv_sim_bar *bar = &f->bar[i];
    if (bar->next_ts) continue;
    bv_chunk c;
    bv_chunk_init(&c, BV_MEM_RUN, BV_COLBIT(BV_COL_CLOSE));
    const bv_series *series = &f->asset[f->of[bar->asset]].series;
    bv_rc rc = bv_raw_read(f->store, series, bar->ts + 1, f->end, 1, false, &c, err);
    if (rc == BV_OK) bar->next_ts = c.n > 0 ? c.ts[0] : INT64_MAX;
    bv_chunk_reset(&c);
    if (rc != BV_OK) return rc;
  }
  return BV_OK;
}

void bv_feed_speak(bv_feed *f, int sim_asset) {
  bv_feed_asset *a = &f->asset[f->of[sim_asset]];
  if (!a->quiet) return;
  a->quiet = false;
  f->grid[a->grid].quiet = false;
}

/* Whether bars open or close at t; *steps: of assets that make steps. */
static bool at_instant(const bv_feed *f, int64_t t, bool closing, bool *steps) {
  bool some = false;
  for (int k = 0; k < f->ngrid; k++) {
    bool here = f->grid[k].event == t && f->grid[k].open == closing;
    some |= here;
    *steps |= here && !f->grid[k].quiet;
  }
  return some;
}

bv_rc bv_feed_closes(bv_feed *f, int64_t t, bv_feed_bars *out, bv_err *err) {
  *out = (bv_feed_bars){.bar = f->bar};
  if (!at_instant(f, t, true, &out->any)) return BV_OK;
  BV_TRY(give_bars(f, t, true, &out->n, err));
  if (f->sim && bv_sim_awaits_close(f->sim)) BV_TRY(look_ahead(f, out->n, err));
  for (int k = 0, n = f->ngrid; k < n; k++) {
    if (f->grid[k].event == t && f->grid[k].open) BV_TRY(advance(f, k, t, err));
  }
  return BV_OK;
}

bv_rc bv_feed_opens(bv_feed *f, int64_t t, bv_feed_bars *out, bv_err *err) {
  *out = (bv_feed_bars){.bar = f->bar};
  if (!at_instant(f, t, false, &out->any)) return BV_OK;
  BV_TRY(give_bars(f, t, false, &out->n, err));
  for (int k = 0; k < f->ngrid; k++) {
    bv_feed_grid *g = &f->grid[k];
    if (g->event != t || g->open) continue;
    g->open = true;
    g->event = g->ends > t ? g->ends : t + 1; /* a bar closes after it has opened */
  }
  return BV_OK;
}

/* --- many instants at once --- */

int64_t bv_feed_bar_end(const bv_feed *f, const bv_feed_grid *g, int64_t i) {
  const bv_feed_asset *a = &f->asset[g->first];
  return end_of(a, a->bars.ts[i]);
}

/* From where it was found last in steps that double, then by halves. */
int64_t bv_feed_ended(const bv_feed *f, bv_feed_grid *g, int64_t t) {
  const int64_t n = bars_of(f, g)->n;
  int64_t lo = g->peek > g->i ? g->peek : g->i, step = 1;
  while (lo + step <= n && bv_feed_bar_end(f, g, lo + step - 1) <= t) {
    lo += step;
    step *= 2;
  }
  int64_t hi = lo + step - 1 < n ? lo + step - 1 : n;
  while (lo < hi) {
    const int64_t mid = lo + (hi - lo) / 2;
    if (bv_feed_bar_end(f, g, mid) <= t) {
      lo = mid + 1;
    } else {
      hi = mid;
    }
  }
  return g->peek = lo;
}

double bv_feed_close_by(const bv_feed *f, int sim_asset, int64_t t) {
  const int number = sim_asset < f->nof ? f->of[sim_asset] : -1;
  if (number < 0) return NAN;
  const bv_feed_asset *a = &f->asset[number];
  bv_feed_grid *g = &f->grid[a->grid];
  if (g->event == BV_FEED_END) return NAN;
  const double *close = a->bars.col[BV_COL_CLOSE];
  int64_t i = bv_feed_ended(f, g, t);
  while (i > g->i && isnan(close[i - 1])) i--;
  return i > g->i ? close[i - 1] : NAN;
}

static void pass_bars(bv_feed *f, bv_feed_asset *a, int64_t to) {
  const int64_t from = f->grid[a->grid].i;
  const int64_t end = bv_feed_bar_end(f, &f->grid[a->grid], to - 1);
  const int64_t own = last_own(a, from, to);
  bv_sim_bar last = own_bar(a, to - 1, end);
  if (a->quotes) last.quote = bv_quotes_last(a->quotes, &a->bars, &last, from, to - 1);
  if (own < to - 1) { /* what is quoted alone after it moves no price of its own */
    last.ts = own < from ? INT64_MIN : a->bars.ts[own];
    last.open = own < from ? NAN : a->bars.col[BV_COL_OPEN][own];
    last.close = a->bars.col[BV_COL_CLOSE][to - 1];
  }
  bv_sim_calm_pass(f->sim, &(bv_sim_calm_bars){.last = &last,
                                               .n = to - from,
                                               .high = a->bars.col[BV_COL_HIGH] + from,
                                               .low = a->bars.col[BV_COL_LOW] + from});
  a->seen = to;
}

void bv_feed_pass(bv_feed *f, int64_t t, const int *held, int nheld, const bv_feed_grid *only,
                  int64_t ended) {
  for (int k = 0; k < nheld; k++) {
    bv_feed_asset *a = &f->asset[f->of[held[k]]];
    bv_feed_grid *g = &f->grid[a->grid];
    if (g->event == BV_FEED_END) continue;
    const int64_t to = g == only ? g->i + ended : bv_feed_ended(f, g, t);
    if (to > g->i) pass_bars(f, a, to);
  }
  for (int k = 0; k < f->ngrid; k++) {
    bv_feed_grid *g = &f->grid[k];
    if (g->event == BV_FEED_END) continue;
    const int64_t to = g == only ? g->i + ended : bv_feed_ended(f, g, t);
    const int64_t ts = bars_of(f, g)->ts[to];
    if (to == g->i && (g->open || g->event >= t)) continue;
    if (to > g->i) g->closed = bv_feed_bar_end(f, g, to - 1);
    const bool began = to == g->i || (ts < t && g->closed < t);
    g->i = to;
    await(f, g, t);
    if (!began || g->event == BV_FEED_END) continue;
    g->open = true;
    g->event = g->ends;
  }
}

/* --- bars inside bars --- */

static bv_rc seek_finer(bv_feed *f, bv_feed_asset *a, bv_err *err) {
  enum { MAX = 32 };
  bv_series have[MAX];
  int n;
  BV_TRY(bv_series_of(f->store, a->series.asset, a->series.step.of, have, MAX, &n, err));
  int64_t own = bv_timestep_nominal_s(a->series.step);
  a->sought = true;
  a->has_finer = n > 0 && bv_timestep_nominal_s(have[0].step) < own;
  if (!a->has_finer) return BV_OK;
  a->finer = have[0];
  return f->quoted ? bv_quotes_open(f->store, &a->finer, &a->fine_quotes, err) : BV_OK;
}

static bv_rc room_for(bv_feed *f, int64_t n) {
  if (n <= f->cap_fine) return BV_OK;
  bv_sim_bar *more = bv_realloc(BV_MEM_RUN, f->fine_bar, (size_t)n * 2 * sizeof *more);
  if (!more) return BV_NOMEM;
  f->fine_bar = more;
  bv_sim_quote *quote = bv_realloc(BV_MEM_RUN, f->fine_quote, (size_t)n * 2 * sizeof *quote);
  if (!quote) return BV_NOMEM;
  f->fine_quote = quote;
  f->cap_fine = n * 2;
  return BV_OK;
}

bv_rc bv_feed_finer(void *ctx, int asset, int64_t from, int64_t to, const bv_sim_bar **bar, int *n,
                    bv_err *err) {
  enum { MOST = 1 << 20 };
  bv_feed *f = ctx;
  bv_feed_asset *a = &f->asset[f->of[asset]];
  *n = 0;
  if (!a->sought) BV_TRY(seek_finer(f, a, err));
  if (!a->has_finer) return BV_OK;
  bv_chunk_reset(&f->fine);
  bv_chunk_init(&f->fine, BV_MEM_RUN, BV_MATCH_COLUMNS & ~BV_COLBIT(BV_COL_VOLUME));
  BV_TRY(bv_raw_read(f->store, &a->finer, from, to, MOST, false, &f->fine, err));
  bv_bars fine = bv_chunk_view(&f->fine);
  if (a->fine_quotes && f->alone) {
    const bv_bars own = fine;
    BV_TRY(bv_quotes_merge(a->fine_quotes, f->store, &own, from, to, &fine, err));
  }
  BV_TRY(room_for(f, fine.n));
  if (a->fine_quotes) BV_TRY(bv_quotes_lay(a->fine_quotes, f->store, &fine, err));
  for (int64_t i = 0; i < fine.n; i++) {
    f->fine_bar[i] = bar_at(&fine, i, asset, to);
    if (bv_quotes_alone(a->fine_quotes, i)) f->fine_bar[i].close = NAN;
    if (!a->fine_quotes) continue;
    bv_quotes_fill(a->fine_quotes, &f->fine_bar[i], i, &f->fine_quote[i]);
    f->fine_bar[i].quote = &f->fine_quote[i];
  }
  *bar = f->fine_bar;
  *n = (int)fine.n;
  return BV_OK;
}
