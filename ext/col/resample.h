/*
** resample.h - bars of a longer timestep from bars of a shorter one.
**
** Buckets are closed left and labelled left.  A resampler is fed base bars in order, in as many
** pieces as one likes, and appends a bucket to the output once a bar of a later one arrives, or
** when it is flushed.  Open is the first, high the largest, low the smallest, close the last; volume
** and trades are sums of what is there (NaN only where every bar lacks it); vwap is the mean
** weighted by volume, NaN where some bar with volume lacks it.  count is the number of base bars.  The
** bars may be buckets of a finer step themselves, with their counts and known_at.
**
** A session keeps only bars whose local start lies in [lo, hi) seconds after local midnight; lo > hi
** means a session over midnight, lo = hi none.
*/
#ifndef BV_COL_RESAMPLE_H
#define BV_COL_RESAMPLE_H

#include "col/chunk.h"
#include "time/timestep.h"

/* Columns a resampler reads, and those it writes. */
#define BV_RESAMPLE_MASK                                                                           \
  (BV_COLBIT(BV_COL_OPEN) | BV_COLBIT(BV_COL_HIGH) | BV_COLBIT(BV_COL_LOW) |                       \
   BV_COLBIT(BV_COL_CLOSE) | BV_COLBIT(BV_COL_VOLUME) | BV_COLBIT(BV_COL_VWAP) |                   \
   BV_COLBIT(BV_COL_TRADES))
#define BV_RESAMPLE_OUT                                                                            \
  (BV_RESAMPLE_MASK | BV_COLBIT(BV_COL_COUNT) | BV_COLBIT(BV_COL_FILLED) | BV_COLBIT(BV_COL_KNOWN))

typedef struct bv_resample {
  bv_timestep step;
  const bv_zone *zone;
  int32_t session_lo, session_hi;
  bv_timestep base_step; /* of the bars fed; n = 0: they end with their bucket */
  const bv_zone *base_zone;
  int64_t dur, base_dur; /* where fixed, else 0 */
  int64_t start, end;    /* the open bucket, or the last one while count = 0 */
  int64_t last;          /* its last bar's start */
  int64_t count;         /* bars in it, as they were fed */
  double bars,
      known; /* base bars, and the latest known_at, where the fed bars are buckets themselves */
  double open, high, low, close;
  double volume, trades; /* NaN until a bar has one */
  double value;          /* sum of vwap * volume; NaN once a bar lacks its vwap */
} bv_resample;

void bv_resample_init(bv_resample *r, bv_timestep step, const bv_zone *zone, int32_t session_lo,
                      int32_t session_hi);

/* Say how long the fed bars last: a bucket is known when it has ended and its last bar, too, which may
** reach past the bucket's end. */
void bv_resample_base(bv_resample *r, bv_timestep step, const bv_zone *zone);

/* Whether a bar that starts at ts belongs to the session; always, where there is none. */
bool bv_resample_in_session(const bv_zone *zone, int32_t lo, int32_t hi, int64_t ts);

/* The columns of base bars that are needed for these of buckets. */
unsigned bv_resample_needs(unsigned out);

/* Take bars, in any columns, and append finished buckets in the columns that `out` has.  What an absent
** column would give is NaN. */
BV_MUST bv_rc bv_resample_feed(bv_resample *r, const bv_bars *in, bv_chunk *out);

/* Append the open bucket, if there is one. */
BV_MUST bv_rc bv_resample_flush(bv_resample *r, bv_chunk *out);

#endif
