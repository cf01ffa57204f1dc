/*
** funds.h - buying power: what of an order the account carries at the place where it fills.
*/
#ifndef BV_SIM_FUNDS_H
#define BV_SIM_FUNDS_H

#include "sim/execute.h"

/* The reason of an order that nothing could be opened of. */
extern const char *const bv_no_funds;

/* Cut the plan to what can be carried, or to nothing, as knob funds says: its opening part, and where no
** money is borrowed its closing part too. */
void bv_funds_limit(const bv_sim *s, const bv_asset *a, const bv_order *o, const bv_place *at,
                    bv_plan *p);

/* Whether the account carries all the legs together. */
bool bv_funds_carry(const bv_sim *s, const bv_leg *leg, int n);

/* Cash that buys at `ts`, in an account that borrows no money. */
double bv_funds_free(const bv_sim *s, int64_t ts);

/* One fill does for the whole order, or the closing and the opening part have their own. */
bool bv_funds_single_fill(const bv_sim *s, double close, double open);

#endif
