/*
** csv_time.h - the times of a text file: which format it uses, and reading it fast.
**
** A file is expected to use one format.  The caller shows a sample of its stamps, the format is
** decided by majority, and then every stamp is read in that format.
**
**      kind      examples
**      ISO       2024-01-03   2024-01-03 14:30   2024-01-03T14:30:00.000-05:00
**      COMPACT   20240103   20240103 1430   20240103 143000   20240103  14:30:00   20240103143000
**      CALENDAR  2024/1/3   2024.01.03 14:30   1/3/2024   03.01.2024 14:30:00.000   1/3/24 2:30 PM
**      EPOCH     1704292200   1704292200000   1704292200.25   in s, ms, us or ns by magnitude
**
** Any of the first three may stand in a date column with the time of day in a second column, as
** 9:30[:00[.000]], with AM or PM, as the digits HHMM or HHMMSS, or as milliseconds since midnight.
** Times without an offset are local time of the zone given; "Z", "UTC", "GMT" and +HH:MM after a
** time are understood.  Fractions of a second are cut.  Years of two digits: 69-99 are 19xx, 00-68
** are 20xx (POSIX strptime, %y).
**
** Day and month: a sample value above 12 tells which comes first.  Where none does, dates with
** slashes or hyphens are read month first and dates with dots day first, and `guessed` is set; a
** later row that contradicts the guess is BV_CONFLICT, because the rows before it were read
** wrongly.
*/
#ifndef BV_DATA_CSV_TIME_H
#define BV_DATA_CSV_TIME_H

#include "data/csv.h"
#include "time/instant.h"
#include "time/zone.h"

typedef enum bv_csv_time_kind {
  BV_CSV_TIME_ISO,
  BV_CSV_TIME_COMPACT,
  BV_CSV_TIME_CALENDAR,
  BV_CSV_TIME_EPOCH,
  BV_CSV_TIME_COUNT
} bv_csv_time_kind;

/* How a column of times of day is written; COLON also covers 9:30 AM. */
typedef enum bv_csv_clock {
  BV_CLOCK_NONE,
  BV_CLOCK_COLON,
  BV_CLOCK_HHMM,
  BV_CLOCK_HHMMSS,
  BV_CLOCK_MS
} bv_csv_clock;

/* Plain storage; set up by bv_csv_time_init, nothing to release. */
typedef struct bv_csv_time {
  const bv_zone *zone;
  bv_csv_time_kind kind;
  bv_csv_clock clock;
  bool day_first;
  bool guessed;     /* nothing in the sample told day from month */
  bool order_given; /* the caller said it */
  int64_t unit;     /* EPOCH: counts per second */

  struct { /* what the sample showed */
    int64_t kind[BV_CSV_TIME_COUNT];
    int64_t unit[4];
    int64_t with_time, year_last, dotted, first_over_12, second_over_12;
    int64_t latest_epoch[4]; /* largest count seen, by unit */
    int64_t clock_colon, clock_long, clock_short;
  } seen;

  char iso_text[10]; /* the last ISO date and its day number */
  int64_t iso_day;
  int64_t zone_day; /* the last local day, and its offset if one offset holds all day */
  int32_t zone_offset;
  bool zone_day_even;
  bool has_last;
  int64_t last; /* the last epoch read */
} bv_csv_time;

typedef struct bv_csv_stamp {
  int64_t ts;
  bool date_only; /* no time of day was given: ts is local midnight */
} bv_csv_stamp;

/* order: 'm' month first, 'd' day first, 0 detect.  clock_is_ms: the second column counts
** milliseconds since midnight. */
void bv_csv_time_init(bv_csv_time *t, const bv_zone *zone, char order, bool clock_is_ms);

/* Show one stamp (and its time of day, or NULL) of the sample. */
void bv_csv_time_sample(bv_csv_time *t, bv_field stamp, const bv_field *clock);

/* Settle the format; false where no stamp of the sample was a time at all. */
bool bv_csv_time_decide(bv_csv_time *t);

/* Whether the text is a time in any of the formats. */
bool bv_csv_time_looks_like(bv_field f);

/* Whether the text is a time of day as it stands in a column of its own. */
bool bv_csv_time_looks_like_clock(bv_field f);

/* Read one stamp.  BV_ARG: not a time of this file's format, *why says what is wrong (static text);
** BV_CONFLICT: the day-month guess was wrong. */
BV_MUST bv_rc bv_csv_time_read(bv_csv_time *t, bv_field stamp, const bv_field *clock,
                               bv_csv_stamp *out, const char **why);

/* The same of a count that is read already, where the kind is EPOCH. */
BV_MUST bv_rc bv_csv_time_count(bv_csv_time *t, int64_t count, bv_csv_stamp *out, const char **why);

/* "epoch ms", "date", "date-time", "date+time". */
const char *bv_csv_time_text(const bv_csv_time *t, bool two_columns);

#endif
