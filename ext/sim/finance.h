/*
** finance.h - what holding costs: borrowed stock, borrowed and lent money, funding of perpetuals, rollover of
** currencies.
**
** Charges fall due at the edges of days and at stated hours, and are booked before the first bar that
** begins then or later is looked at: on what is held then, at the last price.  So a position that a bar opened is
** charged for the night after it, and one that the first bar of the morning closes still for the night
** before.  With coarse bars several charges of one kind are booked as one.
**
**      borrow_fee        days x price x units short x rate / year     the last price, or the entry's
**      margin_interest   days x (0 - cash) x rate / year              below 0
**      cash_interest     days x cash x rate / year                    above 0, received
**      funding           units x price x rate                        at each boundary; longs pay a rate above 0
**      rollover          units x price x rate / year x nights        at 17:00 New York; longs receive it
**
** Days are local days of the asset, and of UTC for cash.  Every charge is a bv_sim_flow of that kind.
**
** With rollover_days utc nights are no instants that pass but what the bars of a UTC day bring, one at most for
** each.  Its first bar begins on some day in New York; the night is that day's, weekend or not, and is booked with the
** first bar that begins at 17:00 of it or later.  In winter, where 17:00 is 22:00 UTC:
**
**      bars of     first bar     17:00 of                 booked with the bar of
**      Friday      00:00         Thursday, 2 hours ago    00:00, as Thursday's night
**      Sunday      22:00         Sunday, now              22:00, as Sunday's
**      Monday      00:00         Sunday, 2 hours ago      00:00, as Sunday's once more; Friday's never comes
*/
#ifndef BV_SIM_FINANCE_H
#define BV_SIM_FINANCE_H

#include "sim/state.h"

typedef struct bv_finance_asset {
  int64_t day, boundary, rollover; /* the last ones charged for */
  double rate[BV_RATES];           /* NaN: that of all assets */
} bv_finance_asset;

/* The night of the UTC day under way. */
typedef struct bv_finance_night {
  int64_t day;  /* INT64_MIN until the first bar */
  int64_t due;  /* local time of New York */
  double count; /* nights it stands for; 0 once it is booked */
} bv_finance_night;

struct bv_finance {
  int64_t next; /* nothing falls due before; INT64_MIN until the first bar */
  int64_t day;
  const bv_zone *new_york; /* NULL where nothing rolls over */
  bv_finance_night night;  /* with rollover_days utc */
  double rate[BV_RATES];   /* of all assets, and of the account */
  bv_finance_asset *asset;
  int n, cap;
};

/* Whether the configuration has anything to charge. */
bool bv_finance_needed(const bv_sim_config *c);

BV_MUST bv_rc bv_finance_new(const bv_sim_config *c, bv_finance **out, bv_err *err);
void bv_finance_free(bv_finance *f);

/* Room for asset number n. */
BV_MUST bv_rc bv_finance_reserve(bv_finance *f, int n);

/* Book what has fallen due by `ts`, at which bars begin. */
BV_MUST bv_rc bv_finance_accrue(bv_sim *s, int64_t ts, bv_err *err);

#endif
