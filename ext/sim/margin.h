/*
** margin.h - maintenance margin: warnings, margin calls, and the orders that answer them.
**
** After the marks of a close the account's value is held against what its positions require:
**
**      required = sum over positions of the maintenance margin per contract, where that is given, else of
**                 |value| x long_maintenance or short_maintenance
**      warning    value - required <= margin_warning x value
**      call       required > value x (1 + margin_buffer), or the value is not above 0
**
** A call makes market orders for the next open (margin_call liquidate): positions with the largest open loss
** first, of equal ones the lesser key, and of one asset the long side (with sides both each side is a position), each cut until, at the last prices and with the costs of closing
** that are known, the rest is in order.  If the next close finds it is not, more follow.  The orders
** cannot be cancelled; they carry the tag "margin call".
*/
#ifndef BV_SIM_MARGIN_H
#define BV_SIM_MARGIN_H

#include "sim/state.h"

/* After the marks of a close.  BV_NOMEM: no room for the orders. */
BV_MUST bv_rc bv_margin_check(bv_sim *s, int64_t t, bv_err *err);

/* What the positions require. */
double bv_margin_required(const bv_sim *s);

#endif
