/* csv_fast.c - the short way through a record of plain numbers; see csv_fast.h. */
#include "data/csv_fast.h"

#include <string.h>

bool bv_csv_layout_of(const bv_csv_columns *columns, char delimiter, bv_csv_layout *out) {
  if (columns->nfield > BV_CSV_FAST_FIELDS) return false;
  *out = (bv_csv_layout){.delimiter = delimiter, .nfield = (int)columns->nfield};
  memset(out->role, -1, sizeof out->role);
  for (int role = 0; role < BV_ROLE_COUNT; role++) {
    if (columns->at[role] >= 0) out->role[columns->at[role]] = (signed char)role;
  }
  return true;
}

static bool ends_line(char c) {
  return c == '\n' || c == '\r';
}

/* Digits with at most one point among them.  Up to 18 characters fit 64 bits; see bv_parse_f64. */
static const char *plain_number(const char *p, double *out) {
  static const double pow10[] = {1,    1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8, 1e9,
                                 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18};
  const char *q = p, *fraction = NULL;
  uint64_t m = 0;
  unsigned d;
  for (; (d = (unsigned)(unsigned char)*q - '0') < 10; q++) m = m * 10 + d;
  if (*q == '.') {
    fraction = ++q;
    for (; (d = (unsigned)(unsigned char)*q - '0') < 10; q++) m = m * 10 + d;
    if (q == fraction) return NULL;
  }
  if (q == p || q - p > 18 || m > (UINT64_C(1) << 53)) return NULL;
  *out = fraction ? (double)m / pow10[q - fraction] : (double)m;
  return q;
}

/* A field taken as text: no quotes, no space at its ends. */
static const char *plain_text(const char *p, char delimiter, bv_field *out) {
  const char *q = p;
  while (*q != delimiter && !ends_line(*q)) {
    if (*q == 0 || *q == '"') return NULL;
    q++;
  }
  if (q == p || p[0] <= ' ' || q[-1] <= ' ') return NULL;
  *out = (bv_field){p, (size_t)(q - p)};
  return q;
}

size_t bv_csv_fast(const char *p, const bv_csv_layout *layout, bv_csv_values *out) {
  const char *q = p;
  for (int i = 0;; i++) {
    int role = layout->role[i];
    bv_field passed;
    if (role > BV_ROLE_SYMBOL) {
      q = plain_number(q, &out->number[role]);
    } else {
      q = plain_text(q, layout->delimiter, role < 0 ? &passed : &out->text[role]);
    }
    if (!q) return 0;
    if (i + 1 == layout->nfield) return ends_line(*q) ? (size_t)(q - p) : 0;
    if (*q != layout->delimiter) return 0;
    q++;
  }
}
