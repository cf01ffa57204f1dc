/*
** zone.h - time zones from the system's TZif files (RFC 8536), versions 1 to 4.
**
** A zone is loaded once per process and lives until the process ends; the handle is immutable and
** may be used from any thread.  Rules after the last stored transition come from the file's POSIX
** footer, which is evaluated for every year.  Before its first transition a zone keeps its first
** standard offset, which usually is the local mean time of its city.
*/
#ifndef BV_TIME_ZONE_H
#define BV_TIME_ZONE_H

#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct bv_zone bv_zone;

/* The zone of that IANA name ("America/New_York"), "UTC", or a fixed offset "+05:30".  Files are
** looked for in $TZDIR, /usr/share/zoneinfo and its usual siblings; a name with "..", or one that
** begins with '/', is never looked for.  BV_NOTFOUND names the zone and suggests what to do;
** BV_CORRUPT: the file is not TZif; BV_ARG: the file counts leap seconds ("right/..."); BV_IO: it
** cannot be read; BV_NOMEM.  Only zones that were found are kept. */
BV_MUST bv_rc bv_zone_find(const char *name, const bv_zone **out, bv_err *err);

/* The UTC zone; never fails. */
const bv_zone *bv_zone_utc(void);

/* The name it was asked for. */
const char *bv_zone_name(const bv_zone *z);

/* True where local time is UTC for ever, so callers can skip the conversion. */
bool bv_zone_is_utc(const bv_zone *z);

/* Seconds east of UTC in force at instant t. */
int32_t bv_zone_offset(const bv_zone *z, int64_t t);

/* The instant up to which that offset is known to stay in force; > t. */
int64_t bv_zone_steady(const bv_zone *z, int64_t t);

/* Local wall clock of instant t, as seconds since 1970-01-01 00:00:00 local. */
int64_t bv_zone_to_local(const bv_zone *z, int64_t t);

/* Instant of a local wall clock.  In a fold (the hour that happens twice) the first; in a gap (the
** hour that does not happen) the offset before the gap is used, as Python's datetime does with
** fold=0.  *kind, if given: 0 ordinary, 1 fold, -1 gap. */
int64_t bv_zone_to_utc(const bv_zone *z, int64_t local, int *kind);

/* The first instant whose local wall clock shows `local` or later.  Differs from bv_zone_to_utc in
** a gap only, where it is the instant of the jump.  It never decreases as `local` grows, which
** makes it the right edge of calendar buckets. */
int64_t bv_zone_reach(const bv_zone *z, int64_t local);

#endif
