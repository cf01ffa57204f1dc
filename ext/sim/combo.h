/*
** combo.h - several orders that fill together or not at all: a combo, or multi-leg order.
**
** Requests of one instant with the same name in `combo` become its legs, and one more order stands for the
** whole (bv_order.combo, .legs; kind BV_ASK_COMBO):
**
**      combo 'spread'   7  whole: 5 units, net limit 1.10
**                       8    leg +5 C100        9    leg -5 C110
**
** The quantities of the legs, in lots, divided by their greatest common divisor are the ratios; that divisor
** is the number of units.  The net price of a unit is
**
**      sum of ratio x multiplier x price / largest multiplier of the legs
**
** above 0 a debit, below 0 a credit.  A combo fills at the opens (fill_at next_close: the closes) of one instant
** at which every leg has a bar: if each leg with a limit has its price, bars have the volume for all legs, and
** the net price, slippage included, is not above the net limit.  Until then it waits.  Once it could fill, the
** account must carry all legs together, else it is rejected; risk rules that would cut a leg refuse the
** whole.  Sales are booked before purchases.
**
** Legs and whole are dormant orders, so everything that looks at single orders passes them by.  They end
** together: bv_order_finish() of one that does not fill ends all.
*/
#ifndef BV_SIM_COMBO_H
#define BV_SIM_COMBO_H

#include "sim/execute.h"

enum { BV_COMBO_LEGS = 16 };

/* Add a leg, prepared as an order, to the combo `name` of its instant; room for two orders must be reserved.
** refusal: why its asset cannot be traded, or NULL.  What is wrong shows once the combo is sealed. */
BV_MUST bv_rc bv_combo_add(bv_sim *s, bv_order *leg, const bv_sim_request *r, const char *name,
                           const char *refusal, bv_err *err);

/* Combos of instants before t have all their legs: those that make no sense are rejected. */
BV_MUST bv_rc bv_combo_seal(bv_sim *s, int64_t t, bv_err *err);

/* Change the combo of which order i of the queue is a part, as the request names it; room for its orders must be
** reserved. */
BV_MUST bv_rc bv_combo_replace(bv_sim *s, int64_t t, size_t i, const bv_sim_request *r,
                               bv_err *err);

/* Bars begin at ts: combos wake, and expire. */
BV_MUST bv_rc bv_combo_begin(bv_sim *s, int64_t ts, bv_err *err);

/* The turns of combos among the orders of an instant, at opens or at closes. */
void bv_combo_turns(bv_sim *s, bool closing);

/* Fill the combo if it can be, or refuse it. */
BV_MUST bv_rc bv_combo_try(bv_sim *s, bv_order *whole, bool closing, bv_err *err);

/* Those that could fill at this instant alone and did not end. */
BV_MUST bv_rc bv_combo_over(bv_sim *s, int64_t ts, bool closing, bv_err *err);

/* A split of the asset of a leg, by which its quantity is multiplied. */
BV_MUST bv_rc bv_combo_split(bv_sim *s, bv_order *leg, double ratio, int64_t t, bv_err *err);

/* Splits have changed quantities: the units of combos anew, and their net limits per unit, for the same money. */
void bv_combo_measure(bv_sim *s);

#endif
