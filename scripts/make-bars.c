/*
** make-bars.c - made-up 1-minute bars to try the library on.
**
**   make-bars OUTDIR YEAR SYMBOL...
**
** writes OUTDIR/SYMBOL.csv: ts,open,high,low,close,volume, with ts the bar's open edge in UTC as
** ISO-8601.  Every trading day of the New York Stock Exchange has 390 bars, 09:30 to 16:00 New York
** time.  The exchange's few half days are made whole, its unscheduled closings are not known.
**
** A file is a pure function of symbol and year: the random numbers are splitmix64 (G. L. Steele,
** D. Lea, C. H. Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014) seeded with a
** hash of both, and all arithmetic is on integers, so no mathematical library can change a digit.
** Prices are random walks: they have no edge for a strategy to find.
*/
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BARS_PER_DAY = 390, TRADES_PER_BAR = 12, OPEN_MINUTE = 9 * 60 + 30 };
enum { FIRST_YEAR = 2007, LAST_YEAR = 2100 }; /* the daylight saving rule below holds since 2007 */
enum { PPM = 1000000 };                       /* prices are kept in millionths of a dollar */

/* --- random numbers --- */

typedef struct {
  uint64_t state;
} rng;

static uint64_t rng_next(rng *r) {
  uint64_t z = r->state += UINT64_C(0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
  return z ^ (z >> 31);
}

/* FNV-1a, 64 bit, over the symbol and the year (Fowler, Noll, Vo; public domain). */
static rng rng_for(const char *symbol, int year) {
  char text[64];
  const int n = snprintf(text, sizeof text, "%.40s/%d", symbol, year);
  uint64_t h = UINT64_C(0xcbf29ce484222325);
  for (int i = 0; i < n; i++) h = (h ^ (unsigned char)text[i]) * UINT64_C(0x100000001b3);
  return (rng){h};
}

/* Nearly normal with mean 0 and standard deviation 1000: the sum of the four 16-bit quarters of one
** random number.  Each quarter has variance (2^16 squared - 1) / 12, so the sum's deviation is
** 37837. */
static int64_t rng_normal(rng *r) {
  const uint64_t bits = rng_next(r);
  const int64_t sum = (int64_t)(bits & 0xffff) + (int64_t)(bits >> 16 & 0xffff) +
                      (int64_t)(bits >> 32 & 0xffff) + (int64_t)(bits >> 48);
  return (sum - 2 * 65535) * 1000 / 37837;
}

static int64_t rng_between(rng *r, int64_t lo, int64_t hi) {
  return lo + (int64_t)(rng_next(r) % (uint64_t)(hi - lo));
}

/* --- the calendar --- */

/* Days since 1970-01-01, by counting the leap days before the year. */
static int64_t day_number(int year, int month, int day) {
  static const int before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  const int y = year - 1;
  const int64_t leap_days = y / 4 - y / 100 + y / 400 - (1969 / 4 - 1969 / 100 + 1969 / 400);
  return 365 * (int64_t)(year - 1970) + leap_days + before[month - 1] + (leap && month > 2) + day -
         1;
}

enum { SUNDAY, MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY, SATURDAY };

static int weekday(int64_t day) {
  return (int)((day + THURSDAY) % 7);
} /* 1970-01-01 was a Thursday */

/* The nth (from 1) given weekday of a month. */
static int64_t nth_weekday(int year, int month, int wanted, int nth) {
  const int64_t first = day_number(year, month, 1);
  return first + (wanted - weekday(first) + 7) % 7 + 7 * (nth - 1);
}

/* Easter Sunday by the algorithm of Meeus, Jones and Butcher (Nature 13, 1876, p. 487). */
static int64_t easter(int year) {
  const int a = year % 19, b = year / 100, c = year % 100;
  const int h = (19 * a + b - b / 4 - (b - (b + 8) / 25 + 1) / 3 + 15) % 30;
  const int l = (32 + 2 * (b % 4) + 2 * (c / 4) - h - c % 4) % 7;
  const int m = (a + 11 * h + 22 * l) / 451;
  const int n = h + l - 7 * m + 114;
  return day_number(year, n / 31, n % 31 + 1);
}

/* A fixed-date holiday moves from Saturday to Friday and from Sunday to Monday. */
static int64_t observed(int64_t day) {
  return day + (weekday(day) == SUNDAY) - (weekday(day) == SATURDAY);
}

/* Holidays by NYSE Rule 7.2; New Year's Day on a Saturday is not kept on the Friday before. */
static bool is_holiday(int year, int64_t day) {
  const int64_t new_year = day_number(year, 1, 1);
  const int64_t memorial = nth_weekday(year, 6, MONDAY, 1) - 7; /* last Monday of May */
  const int64_t holidays[] = {
      weekday(new_year) == SATURDAY ? new_year : observed(new_year),
      nth_weekday(year, 1, MONDAY, 3), /* Martin Luther King Jr. Day */
      nth_weekday(year, 2, MONDAY, 3), /* Washington's Birthday */
      easter(year) - 2,                /* Good Friday */
      memorial,
      observed(day_number(year, 7, 4)),                     /* Independence Day */
      nth_weekday(year, 9, MONDAY, 1),                      /* Labor Day */
      nth_weekday(year, 11, THURSDAY, 4),                   /* Thanksgiving */
      observed(day_number(year, 12, 25)),                   /* Christmas */
      year < 2022 ? -1 : observed(day_number(year, 6, 19)), /* Juneteenth, since 2022 */
  };
  for (size_t i = 0; i < sizeof holidays / sizeof holidays[0]; i++)
    if (holidays[i] == day) return true;
  return false;
}

static bool is_trading_day(int year, int64_t day) {
  return weekday(day) != SUNDAY && weekday(day) != SATURDAY && !is_holiday(year, day);
}

/* UTC is New York's clock plus 4 hours from the second Sunday of March to the first of November,
** else plus 5 (15 U.S.C. 260a as of 2007). */
static int utc_minus_local_minutes(int year, int64_t day) {
  const bool summer =
      day >= nth_weekday(year, 3, SUNDAY, 2) && day < nth_weekday(year, 11, SUNDAY, 1);
  return summer ? 4 * 60 : 5 * 60;
}

/* --- prices --- */

typedef struct {
  rng r;
  int64_t px;         /* in millionths of a dollar */
  int64_t volatility; /* of a trade, in millionths of the price */
  int64_t volume;     /* shares of a quiet minute */
} market;

typedef struct {
  int64_t open, high, low, close, volume; /* prices in cents */
} bar;

/* Move the price by a normal step of the given size and keep it between 1 and 100,000 dollars, so
** that the arithmetic cannot overflow. */
static void step(market *m, int64_t size_ppm) {
  const int64_t lo = 1 * (int64_t)PPM, hi = 100000 * (int64_t)PPM;
  const int64_t moved = m->px + m->px / 1000 * size_ppm / 1000 * rng_normal(&m->r) / 1000;
  m->px = moved < lo ? lo : moved > hi ? hi : moved;
}

static int64_t cents(int64_t px) {
  return (px + PPM / 200) / (PPM / 100);
}

/* 0 in the middle of the day, 1000 at open and close: the square of the distance from noon. */
static int64_t edge_of_day(int minute) {
  const int64_t d = 2 * minute - (BARS_PER_DAY - 1);
  return 1000 * d * d / ((int64_t)(BARS_PER_DAY - 1) * (BARS_PER_DAY - 1));
}

/* Volatility and volume are higher near open and close. */
static bar next_bar(market *m, int minute) {
  const int64_t edge = edge_of_day(minute);
  const int64_t size = m->volatility * (1000 + edge) / 1000;
  step(m, size);
  bar b = {.open = cents(m->px), .high = cents(m->px), .low = cents(m->px)};
  for (int i = 1; i < TRADES_PER_BAR; i++) {
    step(m, size);
    const int64_t px = cents(m->px);
    if (px > b.high) b.high = px;
    if (px < b.low) b.low = px;
  }
  b.close = cents(m->px);
  /* The product of two uniform factors is skewed to the right, as volume is. */
  const int64_t busy = m->volume * (1000 + 4 * edge) / 1000;
  b.volume = 1 + busy * rng_between(&m->r, 200, 1800) / 1000 * rng_between(&m->r, 200, 1800) / 1000;
  return b;
}

static market market_open(const char *symbol, int year) {
  market m = {.r = rng_for(symbol, year)};
  m.px = rng_between(&m.r, 20, 400) * PPM;
  m.volatility = rng_between(&m.r, 100, 300);
  m.volume = rng_between(&m.r, 500, 20000);
  return m;
}

/* --- files --- */

static void write_bar(FILE *f, const char *date, int minute_utc, const bar *b) {
  fprintf(f, "%sT%02d:%02d:00Z", date, minute_utc / 60, minute_utc % 60);
  const int64_t px[] = {b->open, b->high, b->low, b->close};
  for (int i = 0; i < 4; i++) fprintf(f, ",%" PRId64 ".%02" PRId64, px[i] / 100, px[i] % 100);
  fprintf(f, ",%" PRId64 "\n", b->volume);
}

static void write_day(FILE *f, market *m, int year, int month, int day_of_month) {
  const int64_t day = day_number(year, month, day_of_month);
  char date[40];
  snprintf(date, sizeof date, "%04d-%02d-%02d", year, month, day_of_month);
  const int utc_open = OPEN_MINUTE + utc_minus_local_minutes(year, day);
  step(m, 8000); /* overnight: 0.8 % */
  for (int minute = 0; minute < BARS_PER_DAY; minute++) {
    const bar b = next_bar(m, minute);
    write_bar(f, date, utc_open + minute, &b);
  }
}

static bool write_year(const char *dir, int year, const char *symbol) {
  static const int month_days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  char path[4096];
  const int n = snprintf(path, sizeof path, "%s/%s.csv", dir, symbol);
  FILE *f = n > 0 && (size_t)n < sizeof path ? fopen(path, "w") : NULL;
  if (f == NULL) {
    fprintf(stderr, "make-bars: cannot write %s: %s\n", path, strerror(errno));
    return false;
  }
  fputs("ts,open,high,low,close,volume\n", f);
  market m = market_open(symbol, year);
  for (int month = 1; month <= 12; month++) {
    const int64_t next = month < 12 ? day_number(year, month + 1, 1) : day_number(year + 1, 1, 1);
    for (int d = 1; d <= month_days[month - 1] && day_number(year, month, d) < next; d++)
      if (is_trading_day(year, day_number(year, month, d))) write_day(f, &m, year, month, d);
  }
  const bool written = !ferror(f);
  if (fclose(f) == 0 && written) return true;
  fprintf(stderr, "make-bars: cannot write %s: %s\n", path, strerror(errno));
  return false;
}

static bool is_symbol(const char *s) {
  const size_t n = strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-");
  return n > 0 && n <= 40 && s[n] == '\0';
}

int main(int argc, char **argv) {
  const long year = argc > 2 ? strtol(argv[2], NULL, 10) : 0;
  if (argc < 4 || year < FIRST_YEAR || year > LAST_YEAR) {
    fprintf(stderr, "usage: make-bars OUTDIR YEAR SYMBOL...   (YEAR from %d to %d)\n", FIRST_YEAR,
            LAST_YEAR);
    return 2;
  }
  for (int i = 3; i < argc; i++) {
    if (!is_symbol(argv[i])) {
      fprintf(stderr, "make-bars: symbol '%s': letters, digits, _ and - only\n", argv[i]);
      return 2;
    }
    if (!write_year(argv[1], (int)year, argv[i])) return 1;
  }
  return 0;
}
