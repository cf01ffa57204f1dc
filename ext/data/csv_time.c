/* csv_time.c - the times of a text file; see csv_time.h. */
#include "data/csv_time.h"

#include "base/text.h"

#include <math.h>
#include <string.h>

#define DAY_S     86400
#define TEN_YEARS (3652LL * DAY_S)

static const char not_a_time[] = "not a time";
static const char out_of_range[] = "the time lies outside years 0000 to 9999";

/* A local wall clock as written. */
typedef struct wall {
  int64_t day;
  int32_t second; /* of the day; 86400 for 24:00 */
  bool has_time;
  bool has_offset;
  int32_t offset; /* seconds east */
} wall;

/* The parts of a date with separators, in the order written. */
typedef struct triple {
  int v[3];
  int width[3];
  char sep;
} triple;

typedef struct cursor {
  const char *p, *end;
} cursor;

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/* min to max digits; false leaves the cursor where it was. */
static bool take_int(cursor *c, int min, int max, int *out) {
  int n = 0, v = 0;
  while (n < max && c->p + n < c->end && is_digit(c->p[n])) v = v * 10 + (c->p[n++] - '0');
  if (n < min) return false;
  c->p += n;
  *out = v;
  return true;
}

static bool take(cursor *c, char ch) {
  if (c->p == c->end || *c->p != ch) return false;
  c->p++;
  return true;
}

/* A word in upper or lower case. */
static bool take_word(cursor *c, const char *word) {
  size_t n = strlen(word);
  if ((size_t)(c->end - c->p) < n || !bv_text_ieqn(c->p, n, word)) return false;
  c->p += n;
  return true;
}

static void skip_spaces(cursor *c) {
  while (take(c, ' ')) {
  }
}

static void skip_fraction(cursor *c) {
  if (c->p + 1 < c->end && *c->p == '.' && is_digit(c->p[1])) {
    for (c->p++; c->p < c->end && is_digit(*c->p);) c->p++;
  }
}

static bool clock_second(int h, int m, int s, int32_t *out) {
  if (h > 24 || m > 59 || s > 59 || (h == 24 && (m || s))) return false;
  *out = h * 3600 + m * 60 + s;
  return true;
}

/* [H]H:MM[:SS[.fff]] [AM|PM] */
static bool take_clock(cursor *c, int32_t *out) {
  int h, m, s = 0;
  if (!take_int(c, 1, 2, &h) || !take(c, ':') || !take_int(c, 2, 2, &m)) return false;
  if (take(c, ':') && !take_int(c, 2, 2, &s)) return false;
  skip_fraction(c);
  cursor back = *c;
  skip_spaces(c);
  bool pm = take_word(c, "pm");
  if (pm || take_word(c, "am")) {
    if (h < 1 || h > 12) return false;
    h = h % 12 + (pm ? 12 : 0);
  } else {
    *c = back;
  }
  return clock_second(h, m, s, out);
}

/* HHMM or HHMMSS[.fff] */
static bool take_digit_clock(cursor *c, int32_t *out) {
  int h, m, s = 0;
  if (!take_int(c, 2, 2, &h) || !take_int(c, 2, 2, &m)) return false;
  (void)take_int(c, 2, 2, &s);
  skip_fraction(c);
  return clock_second(h, m, s, out);
}

/* The rest of the text: nothing, or Z, UTC, GMT, an offset, or GMT with an offset. */
static bool take_offset(cursor *c, wall *w) {
  skip_spaces(c);
  if (c->p == c->end) return true;
  w->has_offset = true;
  bool named = take_word(c, "z") || take_word(c, "utc") || take_word(c, "gmt");
  if (named && c->p == c->end) return true;
  return bv_offset_parse(c->p, (size_t)(c->end - c->p), &w->offset) == BV_OK;
}

static bool set_date(wall *w, int y, int m, int d) {
  if (m < 1 || m > 12 || d < 1 || d > bv_month_days(y, m)) return false;
  w->day = bv_days_from_civil(y, m, d);
  return true;
}

/* What follows a date: nothing, or a time of day behind 'T', a comma or spaces. */
static bool take_rest(cursor *c, wall *w, bool digit_clock) {
  if (c->p == c->end) return true;
  take(c, ',');
  if (!take(c, 'T') && !take(c, 't')) skip_spaces(c);
  if (c->p == c->end) return true;
  w->has_time = true;
  cursor back = *c;
  if (!take_clock(c, &w->second)) {
    *c = back;
    if (!digit_clock || !take_digit_clock(c, &w->second)) return false;
  }
  return take_offset(c, w);
}

/* YYYYMMDD with a plausible year, so that an eight-digit epoch is not taken for a date. */
static bool parse_compact(bv_field f, wall *w) {
  cursor c = {f.p, f.p + f.n};
  int y, m, d;
  *w = (wall){0};
  if (!take_int(&c, 4, 4, &y) || !take_int(&c, 2, 2, &m) || !take_int(&c, 2, 2, &d)) return false;
  if (y < 1800 || y > 2200 || !set_date(w, y, m, d)) return false;
  if (c.p < c.end && (*c.p == '-' || *c.p == '_')) c.p++;
  return take_rest(&c, w, true);
}

static bool take_triple(cursor *c, triple *t) {
  for (int i = 0; i < 3; i++) {
    const char *from = c->p;
    if (!take_int(c, 1, 4, &t->v[i])) return false;
    t->width[i] = (int)(c->p - from);
    if (i == 0) t->sep = c->p < c->end ? *c->p : 0;
    if (i < 2 && !take(c, t->sep)) return false;
  }
  if (t->sep != '/' && t->sep != '-' && t->sep != '.') return false;
  return t->width[1] <= 2 &&
         (t->width[0] == 4 ? t->width[2] <= 2
                           : t->width[0] <= 2 && t->width[2] != 1 && t->width[2] != 3);
}

/* A triple is year-month-day, or ends in a year of four or two digits. */
static bool triple_date(const triple *t, bool day_first, wall *w) {
  if (t->width[0] == 4) return set_date(w, t->v[0], t->v[1], t->v[2]);
  int y = t->v[2];
  if (t->width[2] == 2) y += y >= 69 ? 1900 : 2000;
  return set_date(w, y, t->v[day_first ? 1 : 0], t->v[day_first ? 0 : 1]);
}

static bool parse_calendar(bv_field f, bool day_first, wall *w, triple *t) {
  cursor c = {f.p, f.p + f.n};
  *w = (wall){0};
  return take_triple(&c, t) && triple_date(t, day_first, w) && take_rest(&c, w, false);
}

/* The common shapes of ISO text: a date, and HH:MM[:SS[.fff]] with or without an offset. */
static bool parse_iso(bv_csv_time *t, bv_field f, wall *w) {
  if (f.n < 10) return false;
  *w = (wall){.day = t->iso_day};
  if (memcmp(f.p, t->iso_text, 10) != 0) {
    cursor c = {f.p, f.p + 10};
    int y, m, d;
    if (!take_int(&c, 4, 4, &y) || !take(&c, '-') || !take_int(&c, 2, 2, &m) || !take(&c, '-') ||
        !take_int(&c, 2, 2, &d) || !set_date(w, y, m, d)) {
      return false;
    }
    memcpy(t->iso_text, f.p, 10);
    t->iso_day = w->day;
  }
  if (f.n == 10) return true;
  cursor c = {f.p + 10, f.p + f.n};
  if (!take(&c, ' ') && !take(&c, 'T')) return false;
  w->has_time = true;
  return take_clock(&c, &w->second) && take_offset(&c, w);
}

/* The integer part of a number, rounded down: fractions of a unit are cut towards the past. */
static bool parse_epoch(bv_field f, int64_t *out) {
  if (bv_parse_i64(f.p, f.n, out) == BV_OK) return true;
  const char *dot = memchr(f.p, '.', f.n);
  double x;
  if (bv_parse_f64(f.p, f.n, &x) != BV_OK || !isfinite(x) || fabs(x) > 9.2e18) return false;
  size_t whole = dot ? (size_t)(dot - f.p) : 0;
  /* A double holds no whole nanoseconds of today; the digits before the point do. */
  bool plain = dot && !memchr(f.p, 'e', f.n) && !memchr(f.p, 'E', f.n);
  if (!plain || bv_parse_i64(f.p, whole, out) != BV_OK) {
    *out = (int64_t)floor(x);
  } else if (x < (double)*out) {
    --*out;
  }
  return true;
}

/* 0 s, 1 ms, 2 us, 3 ns: seconds up to year 5138, milliseconds from 1973, and so on. */
static int unit_class(int64_t v) {
  double a = fabs((double)v);
  return a < 1e11 ? 0 : a < 1e14 ? 1 : a < 1e17 ? 2 : 3;
}

static const int64_t unit_per_s[4] = {1, 1000, 1000000, 1000000000};

void bv_csv_time_init(bv_csv_time *t, const bv_zone *zone, char order, bool clock_is_ms) {
  *t = (bv_csv_time){.zone = zone ? zone : bv_zone_utc(),
                     .order_given = order != 0,
                     .day_first = order == 'd',
                     .clock = clock_is_ms ? BV_CLOCK_MS : BV_CLOCK_NONE,
                     .unit = 1,
                     .zone_day = INT64_MIN};
  memcpy(t->iso_text, "1970-01-01", sizeof t->iso_text);
}

static void sample_calendar(bv_csv_time *t, const triple *d) {
  if (d->width[0] == 4) return;
  t->seen.year_last++;
  t->seen.dotted += d->sep == '.';
  t->seen.first_over_12 += d->v[0] > 12;
  t->seen.second_over_12 += d->v[1] > 12;
}

static void sample_clock(bv_csv_time *t, bv_field f) {
  if (memchr(f.p, ':', f.n)) {
    t->seen.clock_colon++;
  } else if (f.n > 4) {
    t->seen.clock_long++;
  } else {
    t->seen.clock_short += f.n > 0;
  }
}

/* The kind of one stamp, or -1; COMPACT before EPOCH, because a date is the stranger number. */
static int kind_of(bv_csv_time *t, bv_field f, wall *w, triple *d, int64_t *epoch) {
  bool date_only;
  if (f.n == 0) return -1;
  if (parse_iso(t, f, w)) return BV_CSV_TIME_ISO;
  if (parse_compact(f, w)) return BV_CSV_TIME_COMPACT;
  if (parse_epoch(f, epoch)) return BV_CSV_TIME_EPOCH;
  if (parse_calendar(f, false, w, d) || parse_calendar(f, true, w, d)) return BV_CSV_TIME_CALENDAR;
  *w = (wall){.has_time = true};
  return bv_instant_parse(f.p, f.n, NULL, epoch, &date_only, NULL) == BV_OK ? BV_CSV_TIME_ISO : -1;
}

void bv_csv_time_sample(bv_csv_time *t, bv_field stamp, const bv_field *clock) {
  wall w;
  triple d;
  int64_t epoch;
  if (clock) sample_clock(t, *clock);
  int kind = kind_of(t, stamp, &w, &d, &epoch);
  if (kind < 0) return;
  t->seen.kind[kind]++;
  if (kind == BV_CSV_TIME_EPOCH) {
    int unit = unit_class(epoch);
    if (epoch > t->seen.latest_epoch[unit] || !t->seen.unit[unit]) {
      t->seen.latest_epoch[unit] = epoch;
    }
    t->seen.unit[unit]++;
    return;
  }
  t->seen.with_time += w.has_time;
  if (kind == BV_CSV_TIME_CALENDAR) sample_calendar(t, &d);
}

static size_t largest(const int64_t *v, size_t n) {
  size_t best = 0;
  for (size_t i = 1; i < n; i++) {
    if (v[i] > v[best]) best = i;
  }
  return best;
}

bool bv_csv_time_decide(bv_csv_time *t) {
  t->kind = (bv_csv_time_kind)largest(t->seen.kind, BV_CSV_TIME_COUNT);
  t->unit = unit_per_s[largest(t->seen.unit, 4)];
  if (!t->order_given && t->seen.first_over_12 != t->seen.second_over_12) {
    t->day_first = t->seen.first_over_12 > t->seen.second_over_12;
  } else if (!t->order_given) {
    t->day_first = t->seen.dotted > 0;
    t->guessed = t->kind == BV_CSV_TIME_CALENDAR && t->seen.year_last > 0;
  }
  if (t->clock != BV_CLOCK_MS) {
    bool colon = t->seen.clock_colon >= t->seen.clock_long + t->seen.clock_short;
    /* Leading zeros are often lost, so one long value makes all of them HHMMSS. */
    t->clock = colon ? BV_CLOCK_COLON : t->seen.clock_long > 0 ? BV_CLOCK_HHMMSS : BV_CLOCK_HHMM;
  }
  return t->seen.kind[t->kind] > 0;
}

bool bv_csv_time_looks_like(bv_field f) {
  bv_csv_time t;
  wall w;
  triple d;
  int64_t epoch;
  bv_csv_time_init(&t, NULL, 0, false);
  return kind_of(&t, f, &w, &d, &epoch) >= 0;
}

static bool read_clock(bv_csv_clock kind, bv_field f, int32_t *second) {
  cursor c = {f.p, f.p + f.n};
  if (kind == BV_CLOCK_COLON) return take_clock(&c, second) && c.p == c.end;
  int64_t v;
  const char *dot = memchr(f.p, '.', f.n);
  if (dot) f.n = (size_t)(dot - f.p);
  if (bv_parse_i64(f.p, f.n, &v) != BV_OK || v < 0) return false;
  if (kind == BV_CLOCK_MS) {
    *second = (int32_t)(v / 1000);
    return v < (int64_t)DAY_S * 1000;
  }
  if (kind == BV_CLOCK_HHMM) v *= 100;
  if (v > 240000) return false;
  return clock_second((int)(v / 10000), (int)(v / 100 % 100), (int)(v % 100), second);
}

bool bv_csv_time_looks_like_clock(bv_field f) {
  int32_t second;
  bool long_digits = f.n == 6 && !memchr(f.p, '.', f.n);
  bool short_digits = f.n == 4 && !memchr(f.p, '.', f.n);
  return read_clock(BV_CLOCK_COLON, f, &second) ||
         (long_digits && read_clock(BV_CLOCK_HHMMSS, f, &second)) ||
         (short_digits && read_clock(BV_CLOCK_HHMM, f, &second));
}

/* Offsets change at most once a day, so equal offsets at both ends of a local day hold throughout;
** that saves the search for all but the first row of a day. */
static void load_zone_day(bv_csv_time *t, int64_t day) {
  int64_t lo = day * DAY_S, hi = lo + DAY_S;
  int32_t a = (int32_t)(lo - bv_zone_to_utc(t->zone, lo, NULL));
  int32_t b = (int32_t)(hi - bv_zone_to_utc(t->zone, hi, NULL));
  t->zone_day = day;
  t->zone_offset = a;
  t->zone_day_even = a == b;
}

static int64_t wall_to_utc(bv_csv_time *t, const wall *w) {
  int64_t local = w->day * DAY_S + w->second;
  if (w->has_offset) return local - w->offset;
  if (w->day != t->zone_day) load_zone_day(t, w->day);
  if (t->zone_day_even) return local - t->zone_offset;
  /* A date is the day's first instant, as calendar buckets have it. */
  return w->has_time ? bv_zone_to_utc(t->zone, local, NULL) : bv_zone_reach(t->zone, local);
}

static bv_rc finish(bv_csv_time *t, const wall *w, bv_csv_stamp *out, const char **why) {
  out->ts = wall_to_utc(t, w);
  out->date_only = !w->has_time;
  if (out->ts < BV_INSTANT_MIN || out->ts > BV_INSTANT_MAX) {
    *why = out_of_range;
    return BV_ARG;
  }
  return BV_OK;
}

bv_rc bv_csv_time_count(bv_csv_time *t, int64_t v, bv_csv_stamp *out, const char **why) {
  out->ts = t->unit == 1 ? v : bv_floor_div(v, t->unit);
  out->date_only = false;
  *why = out_of_range;
  if (out->ts < BV_INSTANT_MIN || out->ts > BV_INSTANT_MAX) return BV_ARG;
  int64_t step = t->has_last ? out->ts - t->last : 0;
  *why = "the epoch is in another unit than the rest of the file";
  if (unit_per_s[unit_class(v)] != t->unit && (step > TEN_YEARS || step < -TEN_YEARS))
    return BV_ARG;
  t->last = out->ts;
  t->has_last = true;
  return BV_OK;
}

static bv_rc read_epoch(bv_csv_time *t, bv_field f, bv_csv_stamp *out, const char **why) {
  int64_t v;
  *why = not_a_time;
  if (!parse_epoch(f, &v)) return BV_ARG;
  return bv_csv_time_count(t, v, out, why);
}

/* BV_CONFLICT where the other order of day and month would have read it. */
static bv_rc read_calendar(const bv_csv_time *t, bv_field f, wall *w) {
  triple d;
  if (parse_calendar(f, t->day_first, w, &d)) return BV_OK;
  return t->guessed && parse_calendar(f, !t->day_first, w, &d) ? BV_CONFLICT : BV_ARG;
}

bv_rc bv_csv_time_read(bv_csv_time *t, bv_field stamp, const bv_field *clock, bv_csv_stamp *out,
                       const char **why) {
  wall w;
  bv_rc rc = BV_OK;
  *why = stamp.n ? not_a_time : "no time";
  switch (t->kind) {
  case BV_CSV_TIME_EPOCH: return clock ? BV_ARG : read_epoch(t, stamp, out, why);
  case BV_CSV_TIME_COMPACT: rc = parse_compact(stamp, &w) ? BV_OK : BV_ARG; break;
  case BV_CSV_TIME_CALENDAR: rc = read_calendar(t, stamp, &w); break;
  default:
    if (parse_iso(t, stamp, &w)) break;
    if (clock) return BV_ARG;
    return bv_instant_parse(stamp.p, stamp.n, t->zone, &out->ts, &out->date_only, NULL) == BV_OK
               ? BV_OK
               : BV_ARG;
  }
  if (rc == BV_CONFLICT) *why = "day and month are the other way round than in the rows before";
  if (rc != BV_OK) return rc;
  if (clock) {
    *why = "the date column has a time of day beside the time column";
    if (w.second != 0 || w.has_offset) return BV_ARG;
    *why = "not a time of day";
    if (!read_clock(t->clock, *clock, &w.second)) return BV_ARG;
    w.has_time = true;
  }
  return finish(t, &w, out, why);
}

const char *bv_csv_time_text(const bv_csv_time *t, bool two_columns) {
  if (two_columns) return "date+time";
  if (t->kind != BV_CSV_TIME_EPOCH) return t->seen.with_time > 0 ? "date-time" : "date";
  switch (t->unit) {
  case 1: return "epoch s";
  case 1000: return "epoch ms";
  case 1000000: return "epoch us";
  default: return "epoch ns";
  }
}
