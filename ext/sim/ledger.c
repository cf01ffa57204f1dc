/*
** ledger.c - the truth about money and positions.
**
** An asset's open lots are a queue in one array; closing takes from the head (lots lifo: from the end; or
** those picked), opening appends:
**
**      lot   [ closed | closed | open 30 @ 11.2 | open 10 @ 11.9 |      ]
**                                ^ head           nlot = 2         cap
**
** All open lots of an asset have the sign of its position.  Extremes are kept as prices, so a lot
** closed in pieces needs no splitting of its excursions.  Reference: formulas section 6.2.
*/
#include "sim/ledger.h"

#include "sim/step.h"

#include <assert.h>
#include <math.h>
#include <string.h>

void bv_ledger_init(bv_ledger *l, const bv_sim_sink *sink, double cash, double lot) {
  memset(l, 0, sizeof *l);
  l->sink = sink;
  l->start = l->cash = cash;
  l->lot = lot;
  l->per_unit = bv_step_parts(lot);
  l->next_fill = l->next_lot = l->next_flow = 1;
}

void bv_ledger_reset(bv_ledger *l) {
  for (int i = 0; i < l->nasset; i++) {
    bv_free(l->asset[i].key);
    bv_free(l->asset[i].lot);
    bv_free(l->asset[i].def);
    bv_free(l->asset[i].liquidity);
  }
  bv_free(l->asset);
  bv_free(l->open);
  bv_free(l->busy);
  memset(l, 0, sizeof *l);
}

static bv_rc grow_assets(bv_ledger *l) {
  if (l->nasset < l->cap) return BV_OK;
  int cap = l->cap ? l->cap * 2 : 4;
  bv_asset *asset = bv_realloc(BV_MEM_SIM, l->asset, (size_t)cap * sizeof *asset);
  if (!asset) return BV_NOMEM;
  l->asset = asset;
  int *open = bv_realloc(BV_MEM_SIM, l->open, (size_t)cap * sizeof *open);
  if (!open) return BV_NOMEM;
  l->open = open;
  int *busy = bv_realloc(BV_MEM_SIM, l->busy, (size_t)cap * sizeof *busy);
  if (!busy) return BV_NOMEM;
  l->busy = busy;
  l->cap = cap;
  return BV_OK;
}

bv_rc bv_ledger_add(bv_ledger *l, const char *key, double multiplier) {
  BV_TRY(grow_assets(l));
  char *copy = bv_strdup(BV_MEM_SIM, key);
  if (!copy) return BV_NOMEM;
  l->asset[l->nasset++] = (bv_asset){.key = copy,
                                     .multiplier = multiplier,
                                     .unit = multiplier * l->lot,
                                     .contract = multiplier,
                                     .step = 1,
                                     .mark = NAN,
                                     .last_open = NAN,
                                     .bid = NAN,
                                     .ask = NAN,
                                     .target = NAN};
  return BV_OK;
}

void bv_ledger_convert(bv_ledger *l, bv_asset *a) {
  const bv_instrument *d = a->def;
  double rate = 1;
  if (d && d->fx >= 0) rate = d->fx_inverse ? 1 / l->asset[d->fx].mark : l->asset[d->fx].mark;
  if (!(rate > 0)) rate = NAN;
  a->multiplier = a->contract * rate;
  a->unit = a->multiplier * l->lot;
  if (!d) return;
  a->exposure = d->initial_margin * l->lot * rate * l->leverage;
  a->maintain = d->maintenance_margin * l->lot * rate;
}

double bv_ledger_exposure(const bv_asset *a, double n, double price) {
  return a->exposure > 0 ? fabs(n) * a->exposure : fabs(n * a->unit * price);
}

bv_rc bv_ledger_reserve(bv_asset *a, size_t more) {
  if (a->head + a->nlot + more <= a->cap) return BV_OK;
  if (a->head > 0) memmove(a->lot, a->lot + a->head, a->nlot * sizeof *a->lot);
  a->head = 0;
  /* Moving to the front must free half the array, or a queue that only slides would move each time.
   */
  if ((a->nlot + more) * 2 <= a->cap) return BV_OK;
  size_t cap = (a->nlot + more) * 2 + 2;
  bv_lot *lot = bv_realloc(BV_MEM_SIM, a->lot, cap * sizeof *lot);
  if (!lot) return BV_NOMEM;
  a->lot = lot;
  a->cap = cap;
  return BV_OK;
}

void bv_ledger_mark_to_market(bv_ledger *l) {
  for (int i = 0; i < l->nopen; i++) {
    bv_asset *a = &l->asset[l->open[i]];
    if (!a->daily || a->mark == a->basis) continue;
    double change = a->unit * (a->mark - a->basis);
    l->cash += a->n * change;
    for (size_t k = a->head; k < a->head + a->nlot; k++) a->lot[k].banked += a->lot[k].n * change;
    a->basis = a->mark;
  }
}

/* An exchange rate has changed. */
static void convert_all(bv_ledger *l, int fx) {
  for (int i = 0; i < l->nasset; i++) {
    if (l->asset[i].foreign && l->asset[i].def->fx == fx) bv_ledger_convert(l, &l->asset[i]);
  }
}

void bv_ledger_quote(bv_ledger *l, bv_asset *a, const bv_sim_quote *q) {
  if (!q->alone || !isnan(q->bid.close)) a->bid = q->bid.close;
  if (!q->alone || !isnan(q->ask.close)) a->ask = q->ask.close;
  bool bid = q->has_bid || q->alone, ask = q->has_ask || q->alone;
  double at = NAN;
  if (l->mark_at == BV_MARKS_MID && bid && ask) at = (a->bid + a->ask) / 2;
  if (l->mark_at == BV_MARKS_EXIT && a->n > 0 && bid) at = a->bid;
  if (l->mark_at == BV_MARKS_EXIT && a->n < 0 && ask) at = a->ask;
  if (!isnan(at)) a->mark = at;
}

void bv_ledger_mark(bv_ledger *l, const bv_sim_bar *bar) {
  assert(bar->asset >= 0 && bar->asset < l->nasset);
  bv_asset *a = &l->asset[bar->asset];
  if (!isnan(bar->close)) a->mark = bar->close;
  if (bar->quote) bv_ledger_quote(l, a, bar->quote);
  if (a->is_fx) convert_all(l, bar->asset);
  a->bars++;
  a->last_known = bar->known_at;
  if (!bv_sim_bar_alone(bar)) {
    a->last_open = bar->open;
    a->last_ts = bar->ts;
  }
  for (size_t i = a->head; i < a->head + a->nlot; i++) {
    if (bar->high > a->lot[i].hi) a->lot[i].hi = bar->high;
    if (bar->low < a->lot[i].lo) a->lot[i].lo = bar->low;
  }
}

void bv_ledger_skip(bv_ledger *l, int asset, double close, int64_t count, int64_t known_at) {
  bv_asset *a = &l->asset[asset];
  assert(a->nlot == 0);
  if (!isnan(close)) a->mark = close;
  a->bars += count;
  a->last_known = known_at;
}

/* --- valuation --- */

double bv_ledger_price(const bv_asset *a, bv_value_at at) {
  double p = a->mark;
  if (a->bar && at == BV_VALUE_OPEN) p = a->bar->open;
  if (a->bar && at == BV_VALUE_CLOSE) p = a->bar->close;
  return isnan(p) ? a->mark : p;
}

double bv_ledger_value(const bv_ledger *l, bv_value_at at) {
  double sum = l->cash;
  for (int i = 0; i < l->nopen; i++) {
    const bv_asset *a = &l->asset[l->open[i]];
    sum += a->n * a->unit * (bv_ledger_price(a, at) - a->basis);
  }
  return sum;
}

/* Lots of both sides. */
static double lots_held(const bv_asset *a) {
  double n = 0;
  for (size_t i = a->head; i < a->head + a->nlot; i++) n += fabs(a->lot[i].n);
  return n;
}

double bv_ledger_gross(const bv_ledger *l, bv_value_at at) {
  double sum = 0;
  for (int i = 0; i < l->nopen; i++) {
    const bv_asset *a = &l->asset[l->open[i]];
    double n = l->both ? lots_held(a) : fabs(a->n);
    sum += n * (a->exposure > 0 ? a->exposure : fabs(a->unit * bv_ledger_price(a, at)));
  }
  return sum;
}

double bv_ledger_short_cost(const bv_ledger *l) {
  double sum = 0;
  for (int i = 0; i < l->nopen; i++) {
    const bv_asset *a = &l->asset[l->open[i]];
    if (a->n < 0) sum -= a->n * a->unit * bv_ledger_average(a);
  }
  return sum;
}

void bv_ledger_worth(const bv_ledger *l, bv_value_at at, double *value, double *gross) {
  double worth = l->cash, sizes = 0;
  if (l->both) {
    *value = bv_ledger_value(l, at);
    *gross = bv_ledger_gross(l, at);
    return;
  }
  for (int i = 0; i < l->nopen; i++) {
    const bv_asset *a = &l->asset[l->open[i]];
    double price = bv_ledger_price(a, at);
    worth += a->n * a->unit * (price - a->basis);
    sizes += fabs(a->n) * (a->exposure > 0 ? a->exposure : fabs(a->unit * price));
  }
  *value = worth;
  *gross = sizes;
}

double bv_ledger_average(const bv_asset *a) {
  double sum = 0;
  for (size_t i = a->head; i < a->head + a->nlot; i++) sum += a->lot[i].n * a->lot[i].price;
  return a->n != 0 ? sum / a->n : NAN;
}

/* --- booking --- */

/* Keep the list of open positions sorted by key: sums must not depend on asset numbers. */
static void list_open(bv_ledger *l, int asset) {
  int at = l->nopen++;
  while (at > 0 && strcmp(l->asset[l->open[at - 1]].key, l->asset[asset].key) > 0) {
    l->open[at] = l->open[at - 1];
    at--;
  }
  l->open[at] = asset;
}

static void list_close(bv_ledger *l, int asset) {
  int at = 0;
  while (l->open[at] != asset) at++;
  l->nopen--;
  memmove(l->open + at, l->open + at + 1, (size_t)(l->nopen - at) * sizeof *l->open);
}

void bv_ledger_left(bv_ledger *l, int asset) {
  list_close(l, asset);
}

static bool picks(bv_pick p, const bv_lot *lot) {
  if (p.side && lot->n * p.side < 0) return false;
  return (!p.tag || p.tag == lot->tag) && (!p.order || p.order == lot->order);
}

static bool picky(bv_pick p) {
  return p.tag || p.order || p.side;
}

const bv_lot *bv_ledger_lot(const bv_ledger *l, const bv_asset *a, size_t k) {
  return &a->lot[l->lots == BV_LOTS_LIFO ? a->head + a->nlot - 1 - k : a->head + k];
}

const bv_lot *bv_ledger_next(const bv_ledger *l, const bv_asset *a, bv_pick pick) {
  for (size_t k = 0; picky(pick) && k < a->nlot; k++) {
    const bv_lot *lot = bv_ledger_lot(l, a, k);
    if (picks(pick, lot)) return lot;
  }
  return bv_ledger_lot(l, a, 0);
}

double bv_ledger_picked(const bv_asset *a, bv_pick pick) {
  if (!picky(pick)) return a->n;
  double n = 0;
  for (size_t i = a->head; i < a->head + a->nlot; i++) {
    if (picks(pick, &a->lot[i])) n += a->lot[i].n;
  }
  return n;
}

double bv_ledger_side(const bv_ledger *l, const bv_asset *a, int sign) {
  if (l->both) return fabs(bv_ledger_picked(a, (bv_pick){.side = sign}));
  return fmax(0, a->n * sign);
}

/* What closing `part` lots of a lot realises. */
static double gain(const bv_asset *a, const bv_lot *lot, double part, double price) {
  if (!a->foreign) return part * a->unit * (price - lot->price);
  return lot->banked * (part / lot->n) + part * a->unit * (price - a->basis);
}

/* Of those picked, then of the rest. */
double bv_ledger_realised(const bv_ledger *l, const bv_asset *a, double n, double price,
                          bv_pick pick) {
  double sum = 0, left = fabs(n);
  for (int picked = picky(pick); picked >= 0; picked--) {
    for (size_t k = 0; left > 0 && k < a->nlot; k++) {
      const bv_lot *lot = bv_ledger_lot(l, a, k);
      if (picky(pick) && picks(pick, lot) != (picked == 1)) continue;
      double part = fmin(left, fabs(lot->n));
      sum += gain(a, lot, copysign(part, lot->n), price);
      left -= part;
    }
  }
  return sum;
}

/* Take a lot that is closed out of the queue. */
static void remove_lot(bv_asset *a, size_t i) {
  size_t after = a->head + a->nlot - i - 1;
  if (i == a->head) {
    a->head++;
  } else {
    memmove(&a->lot[i], &a->lot[i + 1], after * sizeof *a->lot);
  }
  a->nlot--;
}

/* `part` lots (signed) of `lot` as a reported piece; exit fields and costs are the caller's. */
static bv_sim_lot piece_of(const bv_ledger *l, const bv_asset *a, const bv_lot *lot, double part,
                           double exit_price) {
  double worst = lot->n > 0 ? fmin(lot->lo, exit_price) : fmax(lot->hi, exit_price);
  double best = lot->n > 0 ? fmax(lot->hi, exit_price) : fmin(lot->lo, exit_price);
  return (bv_sim_lot){.asset = (int)(a - l->asset),
                      .qty = bv_ledger_qty(l, part),
                      .entry_ts = lot->ts,
                      .entry_fill = lot->fill,
                      .entry_price = lot->price,
                      .exit_price = exit_price,
                      .commission =
                          part == lot->n ? lot->commission : lot->commission * (part / lot->n),
                      .mae = part * a->unit * (worst - lot->price),
                      .mfe = part * a->unit * (best - lot->price),
                      .tag = lot->tag};
}

/* What rounding adds to a profit. */
static double odd_of(const bv_ledger *l, double pnl) {
  return l->profit_step > 0 ? bv_step_round(pnl, l->profit_step) - pnl : 0;
}

/* `odd`: what rounding adds to the profit of the piece. */
static void settle(const bv_asset *a, const bv_lot *lot, double part, double odd,
                   bv_sim_lot *piece) {
  double points = piece->exit_price - piece->entry_price;
  double entry_value = piece->qty * a->multiplier * piece->entry_price;
  piece->pnl = piece->qty * a->multiplier * points - piece->commission;
  if (a->foreign) piece->pnl = gain(a, lot, part, piece->exit_price) - piece->commission;
  piece->pnl += odd;
  piece->ret = piece->pnl / fabs(entry_value);
}

/* Close up to |x->n| lots, those picked first, then from the head; what of x->n is left to open goes to *rest.
** What rounding has added to the fill's profit is the first one's. */
static bv_rc close_lots(bv_ledger *l, bv_asset *a, const bv_exec *x, int64_t fill, double odd,
                        double *rest, bv_err *err) {
  double left = fabs(x->n);
  while (left > 0 && a->nlot > 0) {
    size_t i = (size_t)(bv_ledger_next(l, a, x->pick) - a->lot);
    bv_lot *lot = &a->lot[i];
    if (lot->n * x->n >= 0) break;
    double part = copysign(fmin(left, fabs(lot->n)), lot->n);
    bv_sim_lot piece = piece_of(l, a, lot, part, x->price);
    lot->commission -= piece.commission;
    piece.commission += x->commission * fabs(part / x->n);
    piece.id = l->next_lot++;
    piece.exit_ts = x->ts;
    piece.exit_fill = fill;
    piece.bars = x->bar - lot->bar;
    settle(a, lot, part, odd, &piece);
    odd = 0;
    lot->banked -= lot->banked * (part / lot->n);
    l->realised += piece.pnl;
    left -= fabs(part);
    lot->n -= part;
    if (lot->n == 0) remove_lot(a, i);
    if (l->sink->lot) BV_TRY(l->sink->lot(l->sink->ctx, &piece, err));
  }
  if (a->nlot == 0) a->head = 0;
  *rest = copysign(left, x->n);
  return BV_OK;
}

static void open_lot(bv_asset *a, const bv_exec *x, int64_t fill, double n) {
  assert(a->head + a->nlot < a->cap);
  a->lot[a->head + a->nlot++] = (bv_lot){.n = n,
                                         .price = x->price,
                                         .commission = x->commission * (n / x->n),
                                         .banked = -n * a->unit * (x->price - a->basis),
                                         .hi = x->price,
                                         .lo = x->price,
                                         .ts = x->ts,
                                         .fill = fill,
                                         .order = x->order,
                                         .bar = x->bar,
                                         .tag = x->tag};
}

/* Every lot stands at the position's average price; the lots stay what they are otherwise, so orders
** that close some of them find theirs. */
static void average_lots(bv_asset *a) {
  double average = bv_ledger_average(a), banked = 0;
  for (size_t i = a->head; i < a->head + a->nlot; i++) banked += a->lot[i].banked;
  for (size_t i = a->head; i < a->head + a->nlot; i++) {
    bv_lot *lot = &a->lot[i];
    lot->price = average;
    lot->banked = banked * (lot->n / a->n);
    lot->hi = fmax(lot->hi, average);
    lot->lo = fmin(lot->lo, average);
  }
}

bv_rc bv_ledger_book(bv_ledger *l, const bv_exec *x, bv_err *err) {
  bv_asset *a = &l->asset[x->asset];
  int64_t id = l->next_fill++;
  double before = a->n, rest = x->n;
  bool opposite = l->both ? x->closes : before * x->n < 0;
  bool was_held = a->nlot > 0;
  bool is_held = l->both ? !opposite || lots_held(a) > fabs(x->n) : before + x->n != 0;
  double pnl = opposite ? bv_ledger_realised(l, a, x->n, x->price, x->pick) : 0;
  double odd = odd_of(l, pnl);
  a->n = before + x->n;
  if (a->daily && !was_held) a->basis = x->price;
  l->cash -= x->n * a->unit * (x->price - a->basis) + x->commission - odd;
  l->commission += x->commission;
  l->slippage += x->slippage;
  l->touched = true;
  if (!was_held) list_open(l, x->asset);
  if (!is_held) list_close(l, x->asset);
  if (!was_held || (!l->both && before * a->n < 0)) a->opened = a->bars;
  if (isnan(a->mark)) a->mark = x->price;
  if (l->sink->fill) {
    bv_sim_fill f = {.id = id,
                     .order = x->order,
                     .ts = x->ts,
                     .asset = x->asset,
                     .qty = bv_ledger_qty(l, x->n),
                     .price = x->price,
                     .commission = x->commission,
                     .slippage = x->slippage,
                     .pnl = pnl + odd,
                     .position = bv_ledger_qty(l, a->n),
                     .cash = l->cash,
                     .ambiguous = x->ambiguous};
    BV_TRY(l->sink->fill(l->sink->ctx, &f, err));
  }
  if (opposite) BV_TRY(close_lots(l, a, x, id, odd, &rest, err));
  if (rest != 0) open_lot(a, x, id, rest);
  if (rest != 0 && l->lots == BV_LOTS_AVERAGE && a->nlot > 1) average_lots(a);
  return BV_OK;
}

bv_rc bv_ledger_sell_fraction(bv_ledger *l, int asset, const bv_lot *rest, double price,
                              double after, int64_t order, int64_t ts, bv_err *err) {
  const bv_asset *a = &l->asset[asset];
  bv_sim_lot piece = piece_of(l, a, rest, rest->n, price);
  double odd = odd_of(l, gain(a, rest, rest->n, price));
  settle(a, rest, rest->n, odd, &piece);
  piece.id = l->next_lot++;
  piece.exit_ts = ts;
  piece.exit_fill = l->next_fill++;
  piece.bars = a->bars > rest->bar ? a->bars - rest->bar : 0;
  l->realised += piece.pnl;
  l->cash += rest->n * a->unit * (price - a->basis) + odd;
  if (l->sink->fill) {
    bv_sim_fill f = {.id = piece.exit_fill,
                     .order = order,
                     .ts = ts,
                     .asset = asset,
                     .qty = bv_ledger_qty(l, -rest->n),
                     .price = price,
                     .pnl = piece.pnl + piece.commission,
                     .position = bv_ledger_qty(l, after),
                     .cash = l->cash};
    BV_TRY(l->sink->fill(l->sink->ctx, &f, err));
  }
  return l->sink->lot ? l->sink->lot(l->sink->ctx, &piece, err) : BV_OK;
}

bv_rc bv_ledger_flow(bv_ledger *l, const bv_sim_flow *flow, bv_err *err) {
  bv_sim_flow f = *flow;
  l->cash += f.amount;
  l->flows += f.amount;
  f.id = l->next_flow++;
  f.cash = l->cash;
  return l->sink->flow ? l->sink->flow(l->sink->ctx, &f, err) : BV_OK;
}

void bv_ledger_forgive(bv_ledger *l) {
  if (l->cash >= 0) return;
  l->forgiven -= l->cash;
  l->cash = 0;
}

bv_rc bv_ledger_report_open(bv_ledger *l, int64_t ts, bv_err *err) {
  for (int i = 0; l->sink->lot && i < l->nopen; i++) {
    const bv_asset *a = &l->asset[l->open[i]];
    for (size_t k = a->head; k < a->head + a->nlot; k++) {
      const bv_lot *lot = &a->lot[k];
      bv_sim_lot piece = piece_of(l, a, lot, lot->n, a->mark);
      piece.id = l->next_lot++;
      piece.exit_ts = ts;
      piece.open = 1;
      piece.bars = a->bars - 1 > lot->bar ? a->bars - 1 - lot->bar : 0;
      settle(a, lot, lot->n, 0, &piece);
      BV_TRY(l->sink->lot(l->sink->ctx, &piece, err));
    }
  }
  return BV_OK;
}

double bv_ledger_error(const bv_ledger *l) {
  double pnl = l->realised + l->flows + l->forgiven,
         scale = fabs(l->start) + fabs(l->realised) + fabs(l->cash);
  int held = 0;
  for (int i = 0; i < l->nasset; i++) {
    const bv_asset *a = &l->asset[i];
    double n = 0;
    for (size_t k = a->head; k < a->head + a->nlot; k++) {
      const bv_lot *lot = &a->lot[k];
      n += lot->n;
      if (lot->n == 0 || (!l->both && lot->n * a->n <= 0)) return INFINITY;
      pnl += gain(a, lot, lot->n, a->mark) - lot->commission;
      scale += fabs(lot->n * a->unit * a->mark);
    }
    if (n != a->n) return INFINITY;
    held += a->nlot > 0;
  }
  if (held != l->nopen) return INFINITY;
  return fabs(bv_ledger_value(l, BV_VALUE_MARK) - l->start - pnl) / scale;
}
