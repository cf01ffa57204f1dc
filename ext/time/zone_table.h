/*
** zone_table.h - inside of a zone: its transitions, ready for lookup.
**
** For zone.c, which finds and keeps zones, and for tests of files no system should have.  Everybody
** else includes zone.h.
*/
#ifndef BV_TIME_ZONE_TABLE_H
#define BV_TIME_ZONE_TABLE_H

#include "time/zone.h"

#include <stddef.h>

struct bv_zone {
  const char *name;   /* owned, but for UTC's */
  size_t n;           /* transitions; each changes the offset */
  int64_t *at;        /* n instants, strictly ascending */
  int32_t *off;       /* n+1 offsets: off[i] before at[i], off[n] after the last */
  uint16_t *guess;    /* nguess+1: how many transitions lie before at[0] + (b << shift) */
  size_t nguess;      /* 0 where n is 0 */
  int shift;          /* log2 of the seconds per guess */
  int64_t cycle_from; /* from here on the rule repeats every 400 years; INT64_MAX: it has none */
};

/* A zone from the bytes of a TZif file; name is copied.  BV_CORRUPT, BV_ARG (leap seconds),
** BV_NOMEM. */
BV_MUST bv_rc bv_zone_build(const char *name, const uint8_t *tzif, size_t n, bv_zone **out,
                            bv_err *err);

/* A zone that is always off_s east of UTC.  BV_NOMEM. */
BV_MUST bv_rc bv_zone_build_fixed(const char *name, int32_t off_s, bv_zone **out, bv_err *err);

/* Release a zone that was built here and not given away; NULL is fine. */
void bv_zone_free(bv_zone *z);

#endif
