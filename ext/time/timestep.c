/*
** timestep.c - the grammar and the arithmetic of bar lengths; see timestep.h.
**
** Every word is a row of one table: which unit it means and how many of it.  So "quarter" is three
** months, and adding a word is adding a row.
*/
#include "time/timestep.h"
#include "base/text.h"

#include <stdio.h>

#define DAY_S   86400
#define MONTH_S 2629746 /* 365.2425 days / 12 */
#define MAX_S   (1200LL * MONTH_S)

static const struct word {
  const char *text;
  bv_unit unit;
  int64_t n;
} word_table[] = {
    {"s", BV_SECOND, 1},       {"sec", BV_SECOND, 1},     {"secs", BV_SECOND, 1},
    {"second", BV_SECOND, 1},  {"seconds", BV_SECOND, 1}, {"m", BV_MINUTE, 1},
    {"min", BV_MINUTE, 1},     {"mins", BV_MINUTE, 1},    {"minute", BV_MINUTE, 1},
    {"minutes", BV_MINUTE, 1}, {"h", BV_HOUR, 1},         {"hr", BV_HOUR, 1},
    {"hrs", BV_HOUR, 1},       {"hour", BV_HOUR, 1},      {"hours", BV_HOUR, 1},
    {"d", BV_DAY, 1},          {"day", BV_DAY, 1},        {"days", BV_DAY, 1},
    {"w", BV_WEEK, 1},         {"wk", BV_WEEK, 1},        {"week", BV_WEEK, 1},
    {"weeks", BV_WEEK, 1},     {"mo", BV_MONTH, 1},       {"mon", BV_MONTH, 1},
    {"month", BV_MONTH, 1},    {"months", BV_MONTH, 1},   {"q", BV_MONTH, 3},
    {"quarter", BV_MONTH, 3},  {"quarters", BV_MONTH, 3}, {"y", BV_MONTH, 12},
    {"yr", BV_MONTH, 12},      {"year", BV_MONTH, 12},    {"years", BV_MONTH, 12},
};

static const struct {
  const char *name;
  int64_t dur_s; /* 0: depends on the calendar */
  int64_t nominal_s;
} unit_table[] = {
    [BV_SECOND] = {"second", 1, 1},     [BV_MINUTE] = {"minute", 60, 60},
    [BV_HOUR] = {"hour", 3600, 3600},   [BV_DAY] = {"day", 0, DAY_S},
    [BV_WEEK] = {"week", 0, 7 * DAY_S}, [BV_MONTH] = {"month", 0, MONTH_S},
};

static const struct word *find_word(const char *p, size_t n) {
  for (size_t i = 0; i < sizeof word_table / sizeof word_table[0]; i++) {
    if (bv_text_ieqn(p, n, word_table[i].text)) return &word_table[i];
  }
  return NULL;
}

static bv_timestep lowest_terms(bv_timestep s) {
  if (s.unit == BV_SECOND && s.n % 60 == 0) s = (bv_timestep){s.n / 60, BV_MINUTE, s.of};
  if (s.unit == BV_MINUTE && s.n % 60 == 0) s = (bv_timestep){s.n / 60, BV_HOUR, s.of};
  if (s.unit == BV_DAY && s.n % 7 == 0) s = (bv_timestep){s.n / 7, BV_WEEK, s.of};
  return s;
}

static bv_rc unknown(const char *p, size_t n, bv_err *err) {
  return bv_fail(err, BV_ARG,
                 "timestep '%.*s' is not understood: write a count and a unit, such as 'minute', "
                 "'5 minutes', '15m', '2h', 'day', 'week', 'month' (units: s, m or min, h, d, w, "
                 "mo, q, y and their names; behind it ' bid' or ' ask' for bars of quotes)",
                 n < 40 ? (int)n : 40, p);
}

static bv_rc bad_count(const char *p, size_t n, bv_err *err) {
  return bv_fail(err, BV_RANGE,
                 "timestep '%.*s': the count must be at least 1, and the whole at "
                 "most 100 years",
                 n < 40 ? (int)n : 40, p);
}

/* What the bars are of, as the last word says it, which is cut off. */
static bv_bars_of take_of(const char *p, size_t from, size_t *to) {
  size_t at = *to;
  bv_bars_of of;
  while (at > from && p[at - 1] != ' ') at--;
  if (at == from || !bv_bars_of_find(p + at, *to - at, &of)) return BV_OF_TRADES;
  while (at > from && p[at - 1] == ' ') at--;
  *to = at;
  return of;
}

bv_rc bv_timestep_parse(const char *p, size_t n, bv_timestep *out, bv_err *err) {
  size_t from = 0, to = n;
  while (from < to && p[from] == ' ') from++;
  while (to > from && p[to - 1] == ' ') to--;
  bv_bars_of of = take_of(p, from, &to);
  size_t digits = from;
  while (digits < to && p[digits] >= '0' && p[digits] <= '9') digits++;
  size_t unit = digits;
  while (unit < to && p[unit] == ' ') unit++;

  if (to - unit == 1 && p[unit] == 'M') {
    int shown = digits - from < 20 ? (int)(digits - from) : 20;
    return bv_fail(err, BV_ARG, "timestep '%.*s' could be minutes or months: %.*sm or %.*smo?",
                   to - from < 40 ? (int)(to - from) : 40, p + from, shown, p + from, shown,
                   p + from);
  }
  const struct word *w = find_word(p + unit, to - unit);
  if (!w) return unknown(p, n, err);
  int64_t count = 1;
  if (digits > from && bv_parse_i64(p + from, digits - from, &count) != BV_OK) {
    return bad_count(p, n, err);
  }
  if (count < 1 || count > MAX_S) return bad_count(p, n, err);
  bv_timestep s = {count * w->n, w->unit, of};
  if (bv_timestep_nominal_s(s) > MAX_S) return bad_count(p, n, err);
  *out = lowest_terms(s);
  return BV_OK;
}

bv_rc bv_span_parse(const char *p, size_t n, bv_timestep *out, bv_err *err) {
  bv_timestep s;
  BV_TRY(bv_timestep_parse(p, n, &s, err));
  if (s.of != BV_OF_TRADES) {
    return bv_fail(err, BV_ARG, "'%.*s' is a length of time here, which has no bid or ask",
                   n < 40 ? (int)n : 40, p);
  }
  *out = s;
  return BV_OK;
}

static const char *const of_name[] = {
    [BV_OF_TRADES] = "", [BV_OF_BID] = "bid", [BV_OF_ASK] = "ask"};

const char *bv_bars_of_name(bv_bars_of of) {
  return of_name[of];
}

bool bv_bars_of_find(const char *p, size_t n, bv_bars_of *out) {
  for (int i = BV_OF_TRADES; i <= BV_OF_ASK; i++) {
    if (!bv_text_ieqn(p, n, of_name[i])) continue;
    *out = (bv_bars_of)i;
    return true;
  }
  return false;
}

void bv_timestep_format(bv_timestep s, char out[32]) {
  const char *name = unit_table[s.unit].name, *gap = s.of ? " " : "";
  if (s.n == 1) {
    snprintf(out, 32, "%s%s%s", name, gap, of_name[s.of]);
  } else {
    snprintf(out, 32, "%lld %ss%s%s", (long long)s.n, name, gap, of_name[s.of]);
  }
}

bool bv_timestep_eq(bv_timestep a, bv_timestep b) {
  return a.n == b.n && a.unit == b.unit && a.of == b.of;
}

int64_t bv_timestep_dur_s(bv_timestep s) {
  return s.n * unit_table[s.unit].dur_s;
}

int64_t bv_timestep_nominal_s(bv_timestep s) {
  return s.n * unit_table[s.unit].nominal_s;
}

/* Days in whole weeks or days, 0 for the other units. */
static int64_t whole_days(bv_timestep s) {
  return s.unit == BV_DAY ? s.n : s.unit == BV_WEEK ? s.n * 7 : 0;
}

/* The fewest and the most days that n months in a row, from any day, can have. */
static void month_days_range(int64_t n, int64_t *lo, int64_t *hi) {
  if (n == 1) {
    *lo = 28;
    *hi = 31;
    return;
  }
  /* The widest deviations over all months of a 400-year cycle and all n up to 1200: 37 months from
  ** 1800-01-31, and 119 from 1803-03-01. */
  int64_t mean = n * MONTH_S / DAY_S;
  *lo = mean - 3;
  *hi = mean + 4;
}

void bv_timestep_bounds_s(bv_timestep s, int64_t *min_s, int64_t *max_s) {
  int64_t dur = bv_timestep_dur_s(s);
  if (dur > 0) {
    *min_s = *max_s = dur;
    return;
  }
  int64_t lo = whole_days(s), hi = lo;
  if (s.unit == BV_MONTH) month_days_range(s.n, &lo, &hi);
  *min_s = lo == 1 ? DAY_S / 2 : (lo - 1) * DAY_S;
  *max_s = (hi + 1) * DAY_S;
}

bool bv_timestep_divides(bv_timestep fine, bv_timestep coarse) {
  int64_t dur = bv_timestep_dur_s(fine), coarse_dur = bv_timestep_dur_s(coarse);
  if (fine.of != coarse.of) return false;
  if (dur > 0) return coarse_dur > 0 ? coarse_dur % dur == 0 : 900 % dur == 0;
  if (coarse_dur > 0) return false;
  int64_t days = whole_days(fine);
  if (coarse.unit == BV_MONTH) return days > 0 ? days == 1 : coarse.n % fine.n == 0;
  return days > 0 && whole_days(coarse) % days == 0;
}
