/*
** source.h - where the bars of a window come from: a stored series, or an aggregate of one.
**
** A source knows no clock; windows above it do.  Buckets once made are kept (data/blocks.h).  An aggregate source with
** `cut` set sees base bars that have ended by `cut` only: that is how a partial last bucket is
** made.
*/
#ifndef BV_DATA_SOURCE_H
#define BV_DATA_SOURCE_H

#include "col/chunk.h"
#include "data/store.h"

typedef enum bv_fill { BV_FILL_NONE, BV_FILL_NULL, BV_FILL_PREV } bv_fill;

/* "none", "null", "prev": as it is written in SQL. */
const char *bv_fill_name(bv_fill fill);

typedef struct bv_source {
  bv_series base;
  bool agg;
  bv_timestep step;               /* of the bars delivered */
  const bv_zone *zone;            /* whose calendar days, weeks and months follow */
  int32_t session_lo, session_hi; /* seconds of the local day; equal: no session */
  bv_fill fill;
  int64_t cut; /* BV_NO_CLOCK: whole buckets */
} bv_source;

/* The stored series itself. */
bv_source bv_source_stored(const bv_series *series);

/* An aggregate of asset's stored series of timestep base, NULL or "": the finest suitable one.  tz NULL: the
** asset's zone; session NULL or "": none, else "HH:MM-HH:MM" local; fill NULL or "": none.
** BV_NOTFOUND: no such asset, or no stored timestep (or not this one) divides `step`; BV_ARG: an
** argument cannot be read. */
BV_MUST bv_rc bv_source_aggregate(bv_store *s, const char *asset, const char *step, const char *tz,
                                  const char *session, const char *fill, const char *base,
                                  bv_source *out, bv_err *err);

/* The stored series of that timestep, or where there is none the aggregate that takes its place. */
BV_MUST bv_rc bv_source_of(bv_store *s, const char *asset, const char *step, bv_source *out,
                           bv_err *err);

/* Forget what arguments were resolved to (assets or series have changed). */
void bv_source_forget(bv_store *s);

bool bv_source_eq(const bv_source *a, const bv_source *b);

/* The same source as bytes, for maps; returns how many. */
#define BV_SOURCE_KEY 96
size_t bv_source_key(const bv_source *src, char key[BV_SOURCE_KEY]);

/* The first bucket of an aggregate that starts at or after t. */
int64_t bv_source_bucket_after(const bv_source *src, int64_t t);

/* End of the bar that starts at ts: the first instant anybody could know it. */
int64_t bv_source_known_at(const bv_source *src, int64_t ts);

/* A bar that starts before this instant has ended by `clock`; one that starts at or after it has
** not.  BV_NO_CLOCK gives INT64_MAX. */
int64_t bv_source_limit(const bv_source *src, int64_t clock);

/* The columns a source reads for those asked for: what it can deliver of them, and for an aggregate
** what it needs itself (always the instant it is known at). */
unsigned bv_source_mask(const bv_source *src, unsigned mask);

/* As bv_raw_read, for any source. */
BV_MUST bv_rc bv_source_read(bv_store *s, const bv_source *src, int64_t lo, int64_t hi, int64_t max,
                             bool desc, bv_chunk *out, bv_err *err);

#endif
