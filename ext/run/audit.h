/*
** audit.h - does a view look ahead?  Its rows with everything visible against its rows at earlier clocks.
**
** A view with the column known_at says of each row when it is known.  Evaluated with the clock at t, bars and
** what is made of them end at t; so whatever the view says of instants up to t must be the same as without:
**
**      rows, clock at the end     r1 r2 r3 r4 r5 r6 r7
**      rows, clock at t           r1 r2 r3'              r3 has changed: it knew what came after t
**
** The instants are known_at values of the view's rows and, since a view may leave rows out for what comes after
** them, ends of the bars it reads, spread over both; at each of them the view is evaluated again.  A row that is the same at all of them may still look ahead at others.  Tables that do not follow the
** clock (plain ones) are the same at every clock, so what they know too early is not found; a feed delivers them in
** time (data/join.h).
*/
#ifndef BV_RUN_AUDIT_H
#define BV_RUN_AUDIT_H

#include "data/sql.h"
#include "data/store.h"

typedef enum bv_change_kind {
  BV_CHANGED, /* a value is another one */
  BV_MISSING, /* the row is not there at the clock */
  BV_EXTRA    /* the row is there at the clock alone */
} bv_change_kind;

/* A value of a row. */
typedef struct bv_audit_value {
  int type; /* SQLITE_... */
  int64_t i;
  double r;
  const char *text; /* of texts and blobs, n bytes */
  size_t n;
} bv_audit_value;

typedef struct bv_change {
  bv_change_kind kind;
  int64_t clock;
  int64_t known_at;
  const char *asset;         /* NULL: the row has none */
  const char *column;        /* NULL but for BV_CHANGED */
  bv_audit_value last, then; /* with everything visible, and at the clock */
} bv_change;

typedef struct bv_audit_options {
  int64_t samples;
  double tolerance; /* numbers that differ by less, in relation to the larger, are the same */
  int64_t *at;      /* instants asked for; NULL: spread over the rows */
  int nat;
} bv_audit_options;

/* Read options from JSON, NULL for none. */
BV_MUST bv_rc bv_audit_options_read(bv_store *s, const char *text, bv_audit_options *out,
                                    bv_err *err);
void bv_audit_options_reset(bv_audit_options *o);

/* Call `found` for every change, each row of the view once, at the first clock that shows it.  config: as of a
** run; its params, start and end count.  BV_ARG: the view has no known_at, or reads no bars. */
BV_MUST bv_rc bv_audit(bv_store *s, const char *view, const char *config,
                       const bv_audit_options *options,
                       bv_rc (*found)(void *ctx, const bv_change *c), void *ctx, bv_err *err);

#endif
