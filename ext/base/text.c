/* text.c - numbers from text, names, and the nearest name; see text.h. */
#define _GNU_SOURCE /* strtod_l, newlocale */
#include "base/text.h"

#include <float.h>
#include <limits.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char lower(char c) {
  return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

bool bv_text_ieqn(const char *a, size_t na, const char *b) {
  for (size_t i = 0; i < na; i++) {
    if (!b[i] || lower(a[i]) != lower(b[i])) return false;
  }
  return b[na] == 0;
}

bool bv_text_ieq(const char *a, const char *b) {
  return bv_text_ieqn(a, strlen(a), b);
}

bv_rc bv_parse_i64(const char *p, size_t n, int64_t *out) {
  size_t i = 0;
  bool neg = false;
  if (n && (p[0] == '-' || p[0] == '+')) neg = p[i++] == '-';
  if (i == n) return BV_ARG;
  uint64_t v = 0, limit = neg ? (uint64_t)INT64_MAX + 1 : (uint64_t)INT64_MAX;
  for (; i < n; i++) {
    if (p[i] < '0' || p[i] > '9') return BV_ARG;
    uint64_t d = (uint64_t)(p[i] - '0');
    if (i >= 18 && v > (limit - d) / 10) return BV_RANGE; /* 18 digits always fit */
    v = v * 10 + d;
  }
  *out = neg ? (int64_t)(0 - v) : (int64_t)v;
  return BV_OK;
}

static locale_t c_locale;
static void make_locale(void) {
  c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

/* The general case: the C library's correctly rounded conversion, in the C locale. */
static bv_rc parse_slow(const char *p, size_t n, double *out) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  char stack[128];
  if (n == 0 || n >= sizeof stack) return BV_ARG;
  for (size_t i = 0; i < n; i++) { /* hex, nan(...), and the white space strtod passes over */
    if (p[i] == 'x' || p[i] == 'X' || p[i] == '(' || p[i] == ' ' ||
        (p[i] >= '\t' && p[i] <= '\r')) {
      return BV_ARG;
    }
  }
  memcpy(stack, p, n);
  stack[n] = 0;
  pthread_once(&once, make_locale);
  if (!c_locale) return BV_NOMEM;
  char *end;
  double v = strtod_l(stack, &end, c_locale);
  if (end != stack + n) return BV_ARG;
  *out = v;
  return BV_OK;
}

/* Text of at most 18 characters has a mantissa of at most 18 digits, which fits 64 bits.  One below 2^53
** and a small power of ten need one division of exact doubles, which IEEE arithmetic rounds correctly
** (Clinger 1990). */
bv_rc bv_parse_f64(const char *p, size_t n, double *out) {
  static const double pow10[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8, 1e9,
                                 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18};
  if (n == 0 || n > 18) return parse_slow(p, n, out);
  const char *at = p, *end = p + n, *point = NULL;
  bool neg = *at == '-';
  at += neg || *at == '+';
  const char *first = at;
  uint64_t m = 0;
  for (; at < end; at++) {
    unsigned d = (unsigned)(unsigned char)*at - '0';
    if (d < 10) {
      m = m * 10 + d;
    } else if (*at == '.' && !point) {
      point = at;
    } else {
      return parse_slow(p, n, out);
    }
  }
  ptrdiff_t digits = end - first - (point != NULL);
  if (digits == 0 || m > (1ull << 53)) return parse_slow(p, n, out);
  double v = (double)m;
  if (point) v /= pow10[end - point - 1];
  *out = neg ? -v : v;
  return BV_OK;
}

/* A decimal separator of the host's locale, which may be several bytes long, becomes a point. */
static void plain_point(char *text) {
  char *to = text;
  bool in_separator = false;
  for (const char *c = text; *c; c++) {
    bool part = (*c >= '0' && *c <= '9') || *c == 'e' || *c == '+' || *c == '-';
    if (part) {
      *to++ = *c;
    } else if (!in_separator) {
      *to++ = '.';
    }
    in_separator = !part;
  }
  *to = 0;
}

/* A normal double needs no more digits than the 15 that every decimal of that length keeps; below
** that range fewer may do. */
void bv_format_f64(double x, char out[32]) {
  if (isnan(x)) {
    strcpy(out, "nan");
    return;
  }
  if (isinf(x)) {
    strcpy(out, x < 0 ? "-inf" : "inf");
    return;
  }
  bool normal = x == 0 || fabs(x) >= DBL_MIN;
  for (int digits = normal ? 15 : 1; digits <= 17; digits++) {
    snprintf(out, 32, "%.*g", digits, x);
    plain_point(out);
    double back;
    if (bv_parse_f64(out, strlen(out), &back) == BV_OK && back == x) return;
  }
}

/* Levenshtein distance of two short words, case folded; INT_MAX where one has more than 63 letters. */
static int distance(const char *a, const char *b) {
  enum { MAX = 64 };
  int row[MAX];
  size_t na = strlen(a), nb = strlen(b);
  if (na >= MAX || nb >= MAX) return INT_MAX;
  for (size_t j = 0; j <= nb; j++) row[j] = (int)j;
  for (size_t i = 1; i <= na; i++) {
    int diag = row[0];
    row[0] = (int)i;
    for (size_t j = 1; j <= nb; j++) {
      int up = row[j];
      int cost = diag + (lower(a[i - 1]) != lower(b[j - 1]));
      int best = up + 1 < row[j - 1] + 1 ? up + 1 : row[j - 1] + 1;
      row[j] = cost < best ? cost : best;
      diag = up;
    }
  }
  return row[nb];
}

const char *bv_nearest(const char *word, const char *const *list) {
  return bv_nearest_within(word, list, (int)strlen(word) / 3 + 1);
}

const char *bv_nearest_within(const char *word, const char *const *list, int most) {
  const char *best = NULL;
  int best_d = most;
  for (; *list; list++) {
    int d = distance(word, *list);
    if (d <= best_d && (!best || d < best_d)) {
      best = *list;
      best_d = d;
    }
  }
  return best;
}
