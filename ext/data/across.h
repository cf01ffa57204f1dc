/*
** across.h - the value of one spec for many assets, at the clock.
**
**      asset   A   B   C   D
**      value   v   v   -   v      each at the asset's newest bar that had ended; NaN where it has none,
**                                 or too few
**
** Values are those that bv_view_asof() and bv_view_value() give, bit for bit; outside a run they are what is asked.
**
** In a run the clock only moves on, so from the second time on each asset has a stream of its own: a walk over its
** bars (data/walk.h) that a chain (data/chain.h) is run over a piece at a time.  The next values are then a matter of
** counting bars, and nothing of an asset's past is held but the chain's state.  The run's crew (base/crew.h), if there
** is one, decodes the pieces that come next.  Streams end with the run, and for the rest of it where bars are written
** meanwhile.
*/
#ifndef BV_DATA_ACROSS_H
#define BV_DATA_ACROSS_H

#include "base/crew.h"
#include "data/source.h"
#include "data/spec.h"

struct bv_across_stream;

/* One asset's value: NaN where there is none. */
typedef struct bv_across_value {
  double value;
  int64_t ts;   /* of its newest bar; INT64_MIN: none has ended */
  int64_t ends; /* that of an aggregate: when it was known */
} bv_across_value;

typedef struct bv_across {
  bv_store *store;
  struct bv_across *next, **at; /* in the store's list */
  int refs;
  bv_spec spec;
  int n;
  char **asset;   /* names in their order, each once */
  bv_source *src; /* base.id 0: it has no bars of the timestep */
  int64_t generation, catalog, writes;
  struct bv_across_stream *stream; /* of each asset; NULL: none */
  int64_t streamed;                /* the clock they have come to */
  bv_crew *crew;                   /* of the run, set before each read; or NULL */
  bool written;                    /* bars were written while there were streams */
} bv_across;

/* Which assets: those named (sorted, each once); of these, with `some`, one without bars of the timestep has no value,
** otherwise it is BV_NOTFOUND.  name NULL: all that have such bars stored; where nobody has, all that have finer ones
** which make them, and BV_NOTFOUND where there are assets but none has. */
typedef struct bv_across_of {
  const char *who; /* for errors */
  const char *step;
  const bv_spec *spec;
  const char *const *name;
  int n;
  bool some;
} bv_across_of;

/* The caller gets a reference. */
BV_MUST bv_rc bv_across_new(bv_store *s, const bv_across_of *of, bv_across **out, bv_err *err);
void bv_across_unref(bv_across *a);

/* Whether what was found about the assets still holds. */
bool bv_across_current(const bv_across *a);

/* The values at instant `at`, or at the clock if that is earlier, into out[0..n). */
BV_MUST bv_rc bv_across_read(bv_across *a, int64_t at, bv_across_value *out, bv_err *err);

/* When the newest bar of asset i was known. */
static inline int64_t bv_across_known_at(const bv_across *a, int i, const bv_across_value *v) {
  return a->src[i].agg ? v->ends : bv_source_known_at(&a->src[i], v->ts);
}

/* A run is over, its crew about to go: end all streams of the store. */
void bv_across_rest(bv_store *s);

#endif
