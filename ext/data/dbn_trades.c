/* dbn_trades.c - trades into bars; see dbn_trades.h. */
#include "data/dbn_trades.h"

#include <math.h>
#include <string.h>

#define NS_PER_S 1000000000u

void bv_dbn_series_learn(bv_dbn_series *s, const bv_dbn_trade *t) {
  if (t->recv > s->clock) s->clock = t->recv;
  if (s->clock > t->event && s->clock - t->event > s->late) s->late = s->clock - t->event;
}

void bv_dbn_series_rewind(bv_dbn_series *s) {
  s->clock = 0;
}

void bv_dbn_series_reset(bv_dbn_series *s) {
  bv_free(s->bar);
  *s = (bv_dbn_series){0};
}

/* The first unfinished bar that begins after `t`, as an index into [0, n]. */
static size_t find_after(const bv_dbn_series *s, int64_t t) {
  if (s->n == 0) return 0;
  const bv_dbn_bar *b = s->bar + s->lo;
  size_t lo = 0, hi = s->n;
  while (lo < hi) {
    size_t mid = lo + (hi - lo) / 2;
    if (b[mid].start <= t) {
      lo = mid + 1;
    } else {
      hi = mid;
    }
  }
  return lo;
}

/* Room for one more: first by closing the gap that finished bars left, then by growing. */
static bv_rc make_room(bv_dbn_series *s) {
  if (s->lo + s->n < s->cap) return BV_OK;
  if (s->lo > s->cap / 2) {
    memmove(s->bar, s->bar + s->lo, s->n * sizeof *s->bar);
    s->lo = 0;
    return BV_OK;
  }
  size_t cap = s->cap ? 2 * s->cap : 2;
  bv_dbn_bar *bar = bv_realloc(BV_MEM_IMPORT, s->bar, cap * sizeof *bar);
  if (!bar) return BV_NOMEM;
  s->bar = bar;
  s->cap = cap;
  return BV_OK;
}

static void begin(bv_dbn_bar *b, const bv_dbn_trade *t, int64_t line) {
  b->open = b->high = b->low = b->close = t->price;
  b->opened = b->closed = t->event;
  b->line = line;
}

static void put(bv_dbn_bar *b, const bv_dbn_trade *t) {
  if (t->event < b->opened) {
    b->open = t->price;
    b->opened = t->event;
  }
  if (t->event >= b->closed) {
    b->close = t->price;
    b->closed = t->event;
    b->size = t->size;
  }
  if (t->price > b->high) b->high = t->price;
  if (t->price < b->low) b->low = t->price;
  b->value += (bv_dbn_i128)t->price * t->size;
  b->volume += t->size;
  b->trades++;
}

/* A new bar at index i of the unfinished ones, for a trade at second `at`. */
static bv_rc insert(bv_dbn_trades *all, bv_dbn_series *s, size_t i, int64_t at, bv_dbn_bar **out,
                    const char *name, bv_err *err) {
  bv_dbn_bar b = {0};
  b.start = bv_bucket_start(all->step, all->zone, at, &b.end);
  if (s->any && b.start < s->done) {
    return bv_fail(err, BV_IO, "%s: the file changed while it was read", name);
  }
  if (all->open >= BV_DBN_OPEN_MAX) {
    return bv_fail(err, BV_LIMIT,
                   "%s: records come so late that more than %zu bars would have to be kept open; "
                   "import them with a longer timestep, or split the file",
                   name, BV_DBN_OPEN_MAX);
  }
  if (make_room(s) != BV_OK) return bv_fail(err, BV_NOMEM, "out of memory");
  bv_dbn_bar *p = s->bar + s->lo + i;
  memmove(p + 1, p, (s->n - i) * sizeof *p);
  *p = b;
  s->n++;
  all->open++;
  *out = p;
  return BV_OK;
}

bv_rc bv_dbn_series_add(bv_dbn_trades *all, bv_dbn_series *s, const bv_dbn_trade *t, int64_t line,
                        const char *name, bv_err *err) {
  int64_t at = (int64_t)(t->event / NS_PER_S);
  bv_dbn_bar *last = s->n ? s->bar + s->lo + s->n - 1 : NULL, *b = NULL;
  if (t->recv > s->clock) s->clock = t->recv;
  if (last && at >= last->start && at < last->end) {
    put(last, t);
    return BV_OK;
  }
  size_t i = last && at >= last->end ? s->n : find_after(s, at);
  if (i > 0 && at < s->bar[s->lo + i - 1].end) {
    b = &s->bar[s->lo + i - 1];
  } else {
    BV_TRY(insert(all, s, i, at, &b, name, err));
    begin(b, t, line);
  }
  put(b, t);
  return BV_OK;
}

/* The exact sum is divided as integers first, so that trades of one price give that price. */
static double vwap(const bv_dbn_bar *b) {
  if (b->volume == 0) return NAN;
  bv_dbn_i128 whole = b->value / (bv_dbn_i128)b->volume, rest = b->value % (bv_dbn_i128)b->volume;
  if (rest == 0) return bv_dbn_price((int64_t)whole);
  double v = ((double)whole + (double)rest / (double)b->volume) / 1e9;
  return fmax(bv_dbn_price(b->low), fmin(v, bv_dbn_price(b->high)));
}

bool bv_dbn_series_pop(bv_dbn_trades *all, bv_dbn_series *s, bool at_end, bv_bar_row *row) {
  if (s->n == 0) return false;
  const bv_dbn_bar *b = s->bar + s->lo;
  bool over = s->clock > s->late && (int64_t)((s->clock - s->late) / NS_PER_S) >= b->end;
  if (!over && !at_end) return false;
  row->ts = b->start;
  row->open = bv_dbn_price(b->open);
  row->high = bv_dbn_price(b->high);
  row->low = bv_dbn_price(b->low);
  row->close = bv_dbn_price(b->close);
  row->volume = all->quotes ? (double)b->size : (double)b->volume;
  row->vwap = all->quotes ? NAN : vwap(b);
  row->trades = all->quotes ? NAN : (double)b->trades;
  row->bid = row->ask = row->open_interest = NAN;
  row->line = b->line;
  s->done = b->end;
  s->any = true;
  s->lo++;
  s->n--;
  all->open--;
  if (s->n == 0) s->lo = 0;
  return true;
}
