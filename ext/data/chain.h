/*
** chain.h - a column spec being run over the bars of one source.
**
** A chain is fed the source's bars in order and writes the spec's value at each.  What a spec reads
** besides the bars is a feed: a spec of the same bars (the second input of correl), or of another
** asset's series of the same timestep, as it stood when the bar ended: at a bar that ends at K the
** value of the other series' last bar with known_at <= K, NaN before its first.  No clock is needed
** for that, and none is passed.
**
** No value depends on where the run begins: see derived.h.
*/
#ifndef BV_DATA_CHAIN_H
#define BV_DATA_CHAIN_H

#include "data/source.h"
#include "data/spec.h"

#define BV_CHAIN_PIECE INT64_C(1024) /* bars run at a time: scratch stays small */

struct bv_aside;

typedef struct bv_chain {
  bv_operand op;
  struct bv_aside *price; /* replaces op's price; NULL: op's own */
  struct bv_aside *other; /* what BV_IN_OTHER reads; NULL: no stage does */
  unsigned mask;          /* columns it reads */
  bool recursive;         /* a value may depend on the whole series */
  void *state[BV_MAX_STAGE];
  double *scratch, *own; /* arrays of a piece; own where they are not shared */
  int64_t block;         /* time block of the last bar run */
  bool started;
  int64_t day_lo, day_hi; /* the instants of the day below */
  double day;
} bv_chain;

/* agg: the bars will be those of an aggregate.  shared: where chains that never run inside another keep
** the scratch memory they share, made here if need be and freed by its owner; NULL: the chain's own. */
BV_MUST bv_rc bv_chain_init(bv_chain *c, const bv_spec *spec, bool agg, double **shared);
void bv_chain_done(bv_chain *c);

/* The columns that a spec without feeds reads. */
unsigned bv_chain_mask(const bv_spec *spec);

/* To the state before the first bar. */
void bv_chain_reset(bv_chain *c);

/* Run over bars in the columns of mask; the values go to out, where it is given.  After an error the
** chain must be reset. */
BV_MUST bv_rc bv_chain_run(bv_chain *c, bv_store *s, const bv_source *src, const bv_bars *b,
                           double *out, bv_err *err);

/* To the state before the bar at ts, from stored bars. */
BV_MUST bv_rc bv_chain_warm(bv_chain *c, bv_store *s, const bv_source *src, int64_t ts,
                            bv_err *err);

#endif
