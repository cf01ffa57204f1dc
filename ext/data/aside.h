/*
** aside.h - what a chain reads besides its bars; see chain.h.
*/
#ifndef BV_DATA_ASIDE_H
#define BV_DATA_ASIDE_H

#include "data/chain.h"

typedef struct bv_aside bv_aside;

BV_MUST bv_rc bv_aside_new(const bv_aside_spec *spec, bool agg, bv_aside **out);
void bv_aside_free(bv_aside *f);
void bv_aside_reset(bv_aside *f);

/* Columns it reads of the chain's bars, and whether it must see all of them. */
unsigned bv_aside_mask(const bv_aside *f);
bool bv_aside_recursive(const bv_aside *f);

/* The stages it runs over the chain's own bars; NULL where it reads another series. */
const bv_operand *bv_aside_own(const bv_aside *f);

/* Its values at the bars, which follow those of the last call.  BV_NOTFOUND names a series that is not
** stored. */
BV_MUST bv_rc bv_aside_run(bv_aside *f, bv_store *s, const bv_source *src, const bv_bars *b,
                           double *out, bv_err *err);

#endif
