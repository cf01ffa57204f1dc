/*
** request.h - what requests share that are made into orders in more than one file.
*/
#ifndef BV_SIM_REQUEST_H
#define BV_SIM_REQUEST_H

#include "sim/state.h"

/* An order that ends as it begins. */
BV_MUST bv_rc bv_request_reject(bv_sim *s, bv_order *o, const char *reason, bv_err *err);

/* What of its prices does not go with its type; NULL: nothing. */
const char *bv_request_bad_shape(const bv_order *o);

/* The newest waiting order with the tag, of any asset, that is not part of `combo`; NULL where there is none. */
bv_order *bv_request_leader(bv_sim *s, const char *tag, int64_t combo);

#endif
