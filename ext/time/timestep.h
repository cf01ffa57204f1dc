/*
** timestep.h - lengths of bars, and the calendar buckets they make.
**
** A timestep is a count and a unit.  Seconds, minutes and hours have a fixed length and make even
** UTC buckets from origin Monday 2000-01-03 00:00 UTC.  Days, weeks and months follow the local
** calendar of a zone: days and weeks from Monday 2000-01-03, months and years (12 months) from
** 2000-01-01.  Bucket edges below are half open, [start, end).
**
** A local day begins at the first instant whose wall clock shows its date, or a later one.  So
** where the clock jumps over midnight the day begins at the jump; where it falls back over midnight
** the day has begun at the first midnight; and a date that never was (Apia, 2011-12-30) is an empty
** bucket that no instant lies in.  Buckets tile time without holes or overlap.
**
** Beside its length a timestep says what prices its bars are made of: trades unless said otherwise, or
** the bid or the ask of the quotes ("minute bid").  Bars of different prices are different series.
*/
#ifndef BV_TIME_TIMESTEP_H
#define BV_TIME_TIMESTEP_H

#include "base/status.h"
#include "time/zone.h"

#include <stdbool.h>
#include <stdint.h>

typedef enum bv_unit { BV_SECOND, BV_MINUTE, BV_HOUR, BV_DAY, BV_WEEK, BV_MONTH } bv_unit;

/* The prices that bars are made of. */
typedef enum bv_bars_of { BV_OF_TRADES, BV_OF_BID, BV_OF_ASK } bv_bars_of;

/* Always in lowest terms of its family: 60 seconds are 1 minute, 120 minutes 2 hours, 12 months
** stay 12 months, 7 days are 1 week, 24 hours stay 24 hours (a day may have 23 or 25 hours). */
typedef struct bv_timestep {
  int64_t n; /* >= 1 */
  bv_unit unit;
  bv_bars_of of;
} bv_timestep;

/* Read "minute", "5 minutes", "15m", "hour", "2h", "day", "1d", "week", "month", "mo", "second",
** "30s", "year", "quarter", with or without spaces, any case (but "1M" is an error that asks "1m
** or 1mo?"), followed by " bid" or " ask" for bars of quotes.  BV_ARG with a text that lists the grammar; BV_RANGE for a count of 0 or too large
** (more than 100 years).  On error *out is untouched. */
BV_MUST bv_rc bv_timestep_parse(const char *p, size_t n, bv_timestep *out, bv_err *err);

/* The same for a length of time: BV_ARG where it says bid or ask. */
BV_MUST bv_rc bv_span_parse(const char *p, size_t n, bv_timestep *out, bv_err *err);

/* The canonical text, which parses back to the same: "minute", "5 minutes bid", "month", "12 months".
 */
void bv_timestep_format(bv_timestep s, char out[32]);

/* "" for trades, "bid", "ask"; and back: false where the text is none of them. */
const char *bv_bars_of_name(bv_bars_of of);
bool bv_bars_of_find(const char *p, size_t n, bv_bars_of *out);

bool bv_timestep_eq(bv_timestep a, bv_timestep b);

/* Length in seconds where fixed (second, minute, hour), else 0. */
int64_t bv_timestep_dur_s(bv_timestep s);

/* Nominal length in seconds, for ordering and estimates: day 86400, week 604800, month 2629746. */
int64_t bv_timestep_nominal_s(bv_timestep s);

/* The shortest and the longest a bar of this timestep can last, in seconds, over all zones.  A bar
** that starts at ts has ended by ts + max; it has not ended before ts + min.  Exact where the
** length is fixed, else with room to spare: half a day less for one day, otherwise a day either
** side for the zone (the date line is the longest jump of a clock), and for months the calendar's
** range. */
void bv_timestep_bounds_s(bv_timestep s, int64_t *min_s, int64_t *max_s);

/* Whether buckets of `coarse` are made of whole bars of `fine`, of the same prices: same zone assumed.  Fixed lengths
** must divide; any fixed length up to an hour that divides 900 s fits into a day (zones are shifted
** by quarter hours); days fit into weeks and months, weeks do not fit into months. */
bool bv_timestep_divides(bv_timestep fine, bv_timestep coarse);

/* The end of the bar that starts at ts, always later than ts.  Fixed lengths: ts + length.  Where
** ts starts a bucket of s: the bucket's end.  Otherwise the same local wall clock n days, weeks or
** months later (a day of month that does not exist becomes the month's last; a time in a gap is
** read as by bv_zone_to_utc), and from the first instant of a day to the first instant of a day. */
int64_t bv_timestep_end(bv_timestep s, const bv_zone *z, int64_t ts);

/* The bucket that holds instant t: its start, and (if end is given) its end. */
int64_t bv_bucket_start(bv_timestep s, const bv_zone *z, int64_t t, int64_t *end);

#endif
