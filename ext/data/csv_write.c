/* csv_write.c - bars as lines of delimited text; see csv_write.h. */
#include "data/csv_write.h"

#include "base/text.h"
#include "col/enckern.h"
#include "time/instant.h"

#include <math.h>
#include <string.h>

/* Two decimals with up to 15 digits never name the same double, so a decimal of 15 digits that is
** x, without zeros at its end, is the shortest text there is for it. */
#define EXACT_MAX  1e15
#define PLACES_MAX 10
/* Adding 1.5 * 2^52 rounds a double below 2^51 to a whole number, to even. */
#define ROUNDER 6755399441055744.0

static const double pow10[PLACES_MAX + 1] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5,
                                             1e6, 1e7, 1e8, 1e9, 1e10};

#define DIGITS_MAX 20

static const char two_digits[] = "00010203040506070809101112131415161718192021222324"
                                 "25262728293031323334353637383940414243444546474849"
                                 "50515253545556575859606162636465666768697071727374"
                                 "75767778798081828384858687888990919293949596979899";

static char *put_two(char *to, int v) {
  memcpy(to, two_digits + 2 * v, 2);
  return to + 2;
}

/* The eight digits of v < 10^8 as bytes 0 to 9 of a word, the first one lowest: halves, then pairs, then
** single digits, all at once in the parts of the word.  Built in a register and stored once, because a
** load of bytes that have just been stored one by one has to wait for them. */
static inline uint64_t eight_digits(uint64_t v) {
  uint64_t x = v / 10000 | v % 10000 << 32;
  uint64_t high = x * 10486 >> 20 & UINT64_C(0x0000007f0000007f); /* / 100 below 10,000 */
  x = high | (x - high * 100) << 16;
  high = x * 103 >> 10 & UINT64_C(0x000f000f000f000f); /* / 10 below 100 */
  return high | (x - high * 10) << 8;
}

#define ZEROS UINT64_C(0x3030303030303030)

/* The first of eight bytes lowest in the word, whatever the machine's order. */
static inline void put_word(char *to, uint64_t w) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  memcpy(to, &w, 8);
#else
  for (int i = 0; i < 8; i++) to[i] = (char)(w >> (8 * i));
#endif
}

/* v < 10^8.  Eight bytes are written. */
static char *put_short(char *to, uint64_t v) {
  const uint64_t w = eight_digits(v);
  const unsigned skip = w ? (unsigned)__builtin_ctzll(w) / 8 : 7;
  put_word(to, (w | ZEROS) >> (8 * skip));
  return to + 8 - skip;
}

/* The digits of v, at the end of text; returns the first. */
static char *digits(char text[DIGITS_MAX], uint64_t v) {
  char *p = text + DIGITS_MAX;
  for (; v >= 100; v /= 100) put_two(p -= 2, (int)(v % 100));
  if (v >= 10) {
    put_two(p -= 2, (int)v);
  } else {
    *--p = (char)('0' + v);
  }
  return p;
}

char *bv_csv_put_i64(char *to, int64_t x) {
  const uint64_t v = x < 0 ? -(uint64_t)x : (uint64_t)x;
  if (x < 0) *to++ = '-';
  if (v < 100000000) return put_short(to, v);
  if (v < UINT64_C(10000000000000000)) {
    to = put_short(to, v / 100000000);
    put_word(to, eight_digits(v % 100000000) | ZEROS);
    return to + 8;
  }
  char text[DIGITS_MAX], *p = digits(text, v);
  size_t n = (size_t)(text + DIGITS_MAX - p);
  memcpy(to, p, n);
  return to + n;
}

/* Whether x >= 0 is m / 10^places, exactly as reading the text would compute it. */
static bool is_decimal(double x, int places, uint64_t *m) {
  double scaled = x * pow10[places];
  if (!(scaled < EXACT_MAX)) return false;
  double whole = scaled + ROUNDER - ROUNDER;
  *m = (uint64_t)whole;
  return whole / pow10[places] == x;
}

/* m / 10^places, m < 10^8, places <= 7: zeros at the end are left out, at least one digit stands before the
** point.  17 bytes are written. */
static char *put_short_decimal(char *to, uint64_t m, unsigned places) {
  const uint64_t w = eight_digits(m);
  if (w == 0) {
    *to = '0';
    return to + 1;
  }
  const unsigned last = (unsigned)__builtin_clzll(w) / 8, first = (unsigned)__builtin_ctzll(w) / 8;
  const unsigned skip = first < 7 - places ? first : 7 - places, whole = 8 - places - skip;
  const uint64_t text = (w | ZEROS) >> (8 * skip);
  put_word(to, text);
  if (last >= places) return to + whole;
  to[whole] = '.';
  put_word(to + whole + 1, text >> (8 * whole));
  return to + whole + 1 + places - last;
}

/* m / 10^places, m < 10^15.  Both parts are moved as 16 bytes: what is too much is overwritten. */
static char *put_decimal(char *to, uint64_t m, int places) {
  if (m < 100000000 && places <= 7) return put_short_decimal(to, m, (unsigned)places);
  char text[DIGITS_MAX + 16];
  while (places > 0 && m % 10 == 0) m /= 10, places--;
  char *p = digits(text, m);
  size_t n = (size_t)(text + DIGITS_MAX - p), part = (size_t)places;
  while (n <= part) *--p = '0', n++;
  memcpy(to, p, 16);
  if (part == 0) return to + n;
  to += n - part;
  *to++ = '.';
  memcpy(to, p + n - part, 16);
  return to + part;
}

static bool all_decimal(const double *x, size_t n, int places, int64_t *k) {
  const bv_enckern *kernel = bv_enckern_now();
  const double p = pow10[places];
  int64_t lo, hi;
  if (kernel->place(x, n, 1.0, p, p, k) != 0) return false;
  kernel->range(k, n, &lo, &hi);
  return lo > -(int64_t)EXACT_MAX && hi < (int64_t)EXACT_MAX;
}

bool bv_csv_decimals(const double *x, size_t n, int *places, int64_t *k) {
  uint64_t m;
  if (n == 0 || isnan(x[0])) return false;
  if (all_decimal(x, n, *places, k)) return true;
  int need = 0; /* the first number's places, or one more, which the first of ten decimals lacks */
  while (need <= PLACES_MAX && !is_decimal(fabs(x[0]), need, &m)) need++;
  for (int end = need + 1; need <= end && need <= PLACES_MAX; need++) {
    if (need == *places || !all_decimal(x, n, need, k)) continue;
    *places = need;
    return true;
  }
  return false;
}

char *bv_csv_put_decimal(char *to, int64_t k, int places) {
  if (k < 0) *to++ = '-';
  return put_decimal(to, k < 0 ? -(uint64_t)k : (uint64_t)k, places);
}

char *bv_csv_put_f64(char *to, double x, int *places) {
  uint64_t m;
  if (isnan(x)) return to;
  double a = fabs(x);
  int k = *places;
  if (!is_decimal(a, k, &m)) {
    for (k = 0; k <= PLACES_MAX && !is_decimal(a, k, &m); k++) {
    }
    if (k <= PLACES_MAX) *places = k;
  }
  if (k > PLACES_MAX) {
    char text[32];
    bv_format_f64(x, text);
    size_t n = strlen(text);
    memcpy(to, text, n);
    return to + n;
  }
  if (signbit(x)) *to++ = '-';
  return put_decimal(to, m, k);
}

char *bv_csv_put_time(char *to, int64_t t, bv_csv_day *d) {
  int64_t day = bv_floor_div(t, 86400);
  int second = (int)(t - day * 86400);
  if (!d->valid || d->day != day) {
    int64_t year;
    int month, mday;
    bv_civil_from_days(day, &year, &month, &mday);
    put_two(put_two(d->text, (int)(year / 100)), (int)(year % 100));
    d->text[4] = d->text[7] = '-';
    put_two(d->text + 5, month);
    put_two(d->text + 8, mday);
    d->text[10] = 'T';
    d->day = day;
    d->valid = true;
  }
  memcpy(to, d->text, 11);
  to = put_two(to + 11, second / 3600);
  *to++ = ':';
  to = put_two(to, second / 60 % 60);
  *to++ = ':';
  to = put_two(to, second % 60);
  *to++ = 'Z';
  return to;
}
