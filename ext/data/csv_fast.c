/* csv_fast.c - the short way through a record of plain numbers; see csv_fast.h. */
#include "data/csv_fast.h"

#include "base/text.h"

#include <string.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

bool bv_csv_layout_of(const bv_csv_columns *columns, char delimiter, bool epoch,
                      bv_csv_layout *out) {
  if (columns->nfield > BV_CSV_FAST_FIELDS) return false;
  *out = (bv_csv_layout){.delimiter = delimiter, .epoch = epoch, .nfield = (int)columns->nfield};
  memset(out->role, -1, sizeof out->role);
  for (int role = 0; role < BV_ROLE_COUNT; role++) {
    if (columns->at[role] >= 0) out->role[columns->at[role]] = (signed char)role;
  }
  return true;
}

static bool ends_line(char c) {
  return c == '\n' || c == '\r';
}

/* ---- where fields end ---- */

/* Which of 64 bytes end a field, or are what a plain record has not: NUL, quotes, control characters up to
** the line ends, which are the last of them. */
static inline uint64_t stops_of(const char *p, char delimiter) {
  uint64_t bits = 0;
#if defined(__SSE2__)
  const __m128i d = _mm_set1_epi8(delimiter), cr = _mm_set1_epi8('\r'), quote = _mm_set1_epi8('"');
  for (int k = 0; k < 4; k++) {
    const __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(p + 16 * k));
    const __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(v, cr), v);
    const __m128i hit =
        _mm_or_si128(low, _mm_or_si128(_mm_cmpeq_epi8(v, d), _mm_cmpeq_epi8(v, quote)));
    bits |= (uint64_t)(unsigned)_mm_movemask_epi8(hit) << (16 * k);
  }
#else
  for (int k = 0; k < 64; k++) {
    const char c = p[k];
    bits |= (uint64_t)(c == delimiter || (unsigned char)c <= '\r' || c == '"') << k;
  }
#endif
  return bits;
}

/* A walk from stop to stop. */
typedef struct stops {
  const char *block;
  uint64_t bits;
  char delimiter;
} stops;

/* The NUL behind the text is a stop, so the walk never leaves it. */
static inline const char *next_stop(stops *s) {
  while (s->bits == 0) {
    s->block += 64;
    s->bits = stops_of(s->block, s->delimiter);
  }
  const char *at = s->block + __builtin_ctzll(s->bits);
  s->bits &= s->bits - 1;
  return at;
}

/* ---- numbers ---- */

/* Digits with at most one point among them.  Up to 18 characters fit 64 bits; see bv_parse_f64. */
static bool long_number(const char *p, const char *end, double *out) {
  static const double pow10[] = {1,    1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8, 1e9,
                                 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18};
  const char *q = p, *fraction = NULL;
  uint64_t m = 0;
  unsigned d;
  if (end - p > 18) return false;
  for (; (d = (unsigned)(unsigned char)*q - '0') < 10; q++) m = m * 10 + d;
  if (*q == '.') {
    fraction = ++q;
    for (; (d = (unsigned)(unsigned char)*q - '0') < 10; q++) m = m * 10 + d;
    if (q == fraction) return false;
  }
  if (q == p || q != end || m > (UINT64_C(1) << 53)) return false;
  *out = fraction ? (double)m / pow10[q - fraction] : (double)m;
  return true;
}

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define WORDS 1

#define ZEROS UINT64_C(0x3030303030303030)
#define HIGHS UINT64_C(0x8080808080808080)
#define POINT ('.' ^ '0')

/* n bytes, 1 to 8, as values of digits at the top of a word, the last byte uppermost. */
static inline uint64_t top_bytes(const char *p, size_t n) {
  uint64_t w;
  memcpy(&w, p, 8);
  return (w ^ ZEROS) << (64 - 8 * n);
}

/* A bit above the lowest byte that is no digit, and maybe others further up; 0 where all are digits. */
static inline uint64_t no_digits(uint64_t w) {
  return (w | (w + UINT64_C(0x7676767676767676))) & HIGHS;
}

/* The number of eight digits: pairs, then fours, then all. */
static inline uint64_t value_of(uint64_t w) {
  w = w * 10 + (w >> 8);
  const uint64_t pairs = UINT64_C(0x000000FF000000FF);
  return ((w & pairs) * UINT64_C(0x000F424000000064) +
          (w >> 16 & pairs) * UINT64_C(0x0000271000000001)) >>
         32;
}

/* A number of at most eight characters. */
static inline bool short_number(const char *p, size_t n, double *out) {
  static const double pow10[8] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7};
  uint64_t w = top_bytes(p, n), off = no_digits(w);
  unsigned places = 0;
  if (off != 0) { /* take the point out */
    const unsigned at = (unsigned)__builtin_ctzll(off) - 7;
    if ((w >> at & 0xff) != POINT || at == 56 || n == 1) return false;
    const uint64_t below = (UINT64_C(1) << at) - 1;
    w = (w & ~below & ~(UINT64_C(0xff) << at)) | (w & below) << 8;
    if (no_digits(w) != 0) return false;
    places = 7 - at / 8;
  }
  *out = (double)(int64_t)value_of(w);
  if (places > 0) *out /= pow10[places];
  return true;
}

/* A count of 9 to 16 digits. */
static inline bool long_count(const char *p, size_t n, int64_t *out) {
  const uint64_t high = top_bytes(p, n - 8), low = top_bytes(p + n - 8, 8);
  if ((no_digits(high) | no_digits(low)) != 0) return false;
  *out = (int64_t)(value_of(high) * 100000000 + value_of(low));
  return true;
}
#else
#define WORDS 0
#endif

static inline bool number(const char *p, const char *end, double *out) {
#if WORDS
  if (end - p <= 8) return short_number(p, (size_t)(end - p), out);
#endif
  return long_number(p, end, out);
}

static inline bool count(const char *p, const char *end, int64_t *out) {
  const size_t n = (size_t)(end - p);
#if WORDS
  if (n >= 9 && n <= 16) return long_count(p, n, out);
#endif
  return *p >= '0' && *p <= '9' && bv_parse_i64(p, n, out) == BV_OK;
}

size_t bv_csv_fast(const char *p, const bv_csv_layout *layout, bv_csv_values *out) {
  stops s = {p, stops_of(p, layout->delimiter), layout->delimiter};
  const char *q = p;
  for (int i = 0;; i++) {
    const int role = layout->role[i];
    const char *end = next_stop(&s);
    if (end == q) return 0;
    if (role > BV_ROLE_SYMBOL) {
      if (!number(q, end, &out->number[role])) return 0;
    } else if (role == BV_ROLE_TS && layout->epoch) {
      if (!count(q, end, &out->count)) return 0;
    } else {
      if (q[0] <= ' ' || end[-1] <= ' ') return 0;
      if (role >= 0) out->text[role] = (bv_field){q, (size_t)(end - q)};
    }
    q = end + 1;
    if (i + 1 == layout->nfield) break;
    if (*end != layout->delimiter) return 0;
  }
  return ends_line(q[-1]) ? (size_t)(q - 1 - p) : 0;
}
