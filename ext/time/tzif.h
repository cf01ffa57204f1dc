/*
** tzif.h - a checked view of the bytes of a TZif file (RFC 8536, RFC 9636), versions 1 to 4.
*/
#ifndef BV_TIME_TZIF_H
#define BV_TIME_TZIF_H

#include "base/status.h"

#include <stdint.h>

/* No file may hold more transitions than this; tzcode's own limit is 2000. */
#define BV_TZIF_TIMES_MAX 16000

/* Offsets lie in (-25 h, +26 h) (RFC 8536, section 3.2). */
#define BV_TZIF_OFFSET_MIN (-89999)
#define BV_TZIF_OFFSET_MAX 93599

/* Borrowed from the file's bytes: valid as long as they are. */
typedef struct bv_tzif {
  size_t ntime, ntype;  /* ntype >= 1 */
  size_t time_bytes;    /* 4 in version 1, else 8 */
  const uint8_t *time;  /* ntime big-endian times, strictly ascending */
  const uint8_t *index; /* ntime numbers of types, each < ntype */
  const uint8_t *type;  /* ntype records of 6 bytes: offset, is it DST, name */
  const char *footer;   /* the POSIX TZ text, not zero-terminated; empty if there is none */
  size_t nfooter;
} bv_tzif;

/* Check everything but the footer's text.  BV_CORRUPT with a text; BV_ARG for a file whose times
** count leap seconds ("right/..."), which instants here do not. */
BV_MUST bv_rc bv_tzif_view(const uint8_t *p, size_t n, bv_tzif *out, bv_err *err);

/* Instant of transition i. */
int64_t bv_tzif_time(const bv_tzif *f, size_t i);

/* Seconds east of UTC from transition i on. */
int32_t bv_tzif_offset(const bv_tzif *f, size_t i);

/* Seconds east of UTC before the first transition: the first type that is not DST, else type 0. */
int32_t bv_tzif_offset_before(const bv_tzif *f);

#endif
