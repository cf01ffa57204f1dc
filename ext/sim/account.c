/* account.c - kinds of accounts; see account.h. */
#include "sim/account.h"

#include "time/instant.h"
#include "time/timestep.h"

#include <math.h>
#include <string.h>

static bool pays_in_full(const bv_sim_config *c) {
  switch (c->borrow) {
  case BV_BORROW_NONE:
  case BV_BORROW_UNITS: return true;
  case BV_BORROW_MONEY:
  case BV_BORROW_BOTH: return false;
  case BV_BORROW_AUTO:
  default: return c->account == BV_ACCOUNT_CASH || c->account == BV_ACCOUNT_CRYPTO;
  }
}

static bool sells_short(const bv_sim_config *c) {
  if (!c->allow_short) return false;
  switch (c->borrow) {
  case BV_BORROW_UNITS:
  case BV_BORROW_BOTH: return true;
  case BV_BORROW_NONE:
  case BV_BORROW_MONEY: return false;
  case BV_BORROW_AUTO:
  default: return c->account == BV_ACCOUNT_MARGIN || c->account == BV_ACCOUNT_REG_T;
  }
}

bv_account_rules bv_account_rules_of(const bv_sim_config *c) {
  bv_account_rules r = {
      .paid = pays_in_full(c), .short_sales = sells_short(c), .leverage = c->leverage};
  r.long_maintenance = c->long_maintenance;
  r.short_maintenance = c->short_maintenance;
  r.call = c->margin_call;
  if (c->account == BV_ACCOUNT_REG_T) {
    double initial = c->initial_margin > 0 ? c->initial_margin : 0.5;
    r.leverage = 1 / initial;
    if (r.long_maintenance == 0) r.long_maintenance = fmin(0.25, initial);
    if (r.short_maintenance == 0) r.short_maintenance = fmin(0.3, initial);
    if (r.call == BV_CALL_AUTO) r.call = BV_CALL_LIQUIDATE;
  }
  if (r.call == BV_CALL_AUTO) r.call = BV_CALL_NONE;
  if (c->short_cash == BV_SHORT_LOCK_PROCEEDS) r.lock = 1;
  if (c->short_cash == BV_SHORT_LOCK_NOTIONAL) r.lock = 2;
  return r;
}

bv_rc bv_account_check(const bv_sim_config *c, bv_err *err) {
  bool paid = pays_in_full(c);
  if (c->account == BV_ACCOUNT_CASH && c->borrow > BV_BORROW_NONE) {
    return bv_fail(err, BV_ARG, "a cash account borrows nothing; use account margin or crypto");
  }
  if (c->account == BV_ACCOUNT_REG_T && c->leverage != 1) {
    return bv_fail(err, BV_ARG,
                   "leverage is for account margin; what a reg_t account carries is 1 / "
                   "initial_margin");
  }
  if (c->account != BV_ACCOUNT_REG_T && c->initial_margin != 0) {
    return bv_fail(err, BV_ARG, "initial_margin is for account reg_t; others have leverage");
  }
  if (c->account == BV_ACCOUNT_CASH && c->leverage != 1) {
    return bv_fail(err, BV_ARG,
                   "leverage in a cash account, which borrows nothing; use account margin");
  }
  if (paid && c->leverage != 1) {
    return bv_fail(err, BV_ARG, "leverage without borrowed money; set borrow to money or both");
  }
  if (paid && c->funds == BV_FUNDS_ALLOW) {
    return bv_fail(err, BV_ARG,
                   "funds allow lets the cash fall below zero, but the account borrows no money");
  }
  bv_account_rules r = bv_account_rules_of(c);
  double initial = paid ? 1 : 1 / r.leverage;
  if (fmax(r.long_maintenance, r.short_maintenance) > initial * (1 + 1e-12) &&
      r.call != BV_CALL_NONE) {
    return bv_fail(
        err, BV_ARG,
        "long_maintenance or short_maintenance is more than opening a position takes (%g "
        "of its value), so every position would be called at once",
        initial);
  }
  if (r.call == BV_CALL_NONE && (c->margin_warning != 0 || c->margin_buffer != 0)) {
    return bv_fail(err, BV_ARG,
                   "margin_warning and margin_buffer need margin_call warn or liquidate");
  }
  if (r.call == BV_CALL_NONE && (c->long_maintenance != 0 || c->short_maintenance != 0)) {
    return bv_fail(err, BV_ARG,
                   "long_maintenance and short_maintenance need margin_call warn or liquidate");
  }
  if (c->settlement_days > 0 && c->account != BV_ACCOUNT_CASH) {
    return bv_fail(err, BV_ARG, "settlement_days is for account cash");
  }
  if (c->settlement_days != floor(c->settlement_days)) {
    return bv_fail(err, BV_ARG, "settlement_days is no whole number");
  }
  if (!paid && c->short_cash != BV_SHORT_CREDIT) {
    return bv_fail(err, BV_ARG,
                   "short_cash is for accounts that borrow no money; set borrow to units");
  }
  if (c->margin == BV_MARGIN_AVAILABLE && (paid || c->account != BV_ACCOUNT_MARGIN)) {
    return bv_fail(err, BV_ARG, "margin available needs account margin, and borrow auto or both");
  }
  if (c->sides == BV_SIDES_BOTH && (paid || c->lots == BV_LOTS_AVERAGE)) {
    return bv_fail(err, BV_ARG,
                   "sides both needs an account that borrows money, and lots fifo or lifo");
  }
  return BV_OK;
}

/* --- settlement --- */

/* The midnight that begins the `days`-th trading day after the local day of ts. */
static int64_t due_at(int64_t ts, const bv_asset *a, int days) {
  const bv_timestep day = {.unit = BV_DAY, .n = 1};
  const bv_zone *zone = a->zone ? a->zone : bv_zone_utc();
  int64_t at, end = 0;
  bv_bucket_start(day, zone, ts, &at);
  for (;;) {
    int64_t number = bv_floor_div(bv_zone_to_local(zone, at), 86400);
    if (bv_calendar_trades(a->calendar, number) && --days <= 0) return at;
    bv_bucket_start(day, zone, at, &end);
    at = end;
  }
}

void bv_settlement_add(bv_settlement *s, int64_t ts, const bv_asset *a, int days, double amount) {
  int64_t due = due_at(ts, a, days);
  int gone = 0;
  while (gone < s->n && s->item[gone].due <= ts) gone++;
  s->n -= gone;
  memmove(s->item, s->item + gone, (size_t)s->n * sizeof s->item[0]);
  int i = s->n;
  while (i > 0 && s->item[i - 1].due > due) i--;
  if (i > 0 && s->item[i - 1].due == due) {
    s->item[i - 1].amount += amount;
  } else if (s->n == BV_UNSETTLED_MAX) {
    struct bv_unsettled *last = &s->item[s->n - 1];
    last->amount += amount;
    if (due > last->due) last->due = due;
  } else {
    memmove(&s->item[i + 1], &s->item[i], (size_t)(s->n - i) * sizeof s->item[0]);
    s->item[i] = (struct bv_unsettled){due, amount};
    s->n++;
  }
}

double bv_settlement_left(const bv_settlement *s, int64_t ts) {
  double sum = 0;
  for (int i = 0; i < s->n; i++) {
    if (s->item[i].due > ts) sum += s->item[i].amount;
  }
  return sum;
}
