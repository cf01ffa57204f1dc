/* buf.c - the one growing byte buffer; see buf.h. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void bv_buf_init(bv_buf *b, bv_mem cat, size_t max) {
  size_t most =
      SIZE_MAX / 4; /* no allocation is that large: sizes can be doubled without a check */
  *b = (bv_buf){.max = max < most ? max : most, .cat = cat};
}

void bv_buf_reset(bv_buf *b) {
  bv_free(b->p);
  b->p = NULL;
  b->n = b->cap = 0;
}

void bv_buf_clear(bv_buf *b) {
  b->n = 0;
  if (b->p) b->p[0] = 0;
}

bv_rc bv_buf_reserve(bv_buf *b, size_t n) {
  if (n > b->max || b->n > b->max - n) return BV_LIMIT;
  size_t need = b->n + n + 1;
  if (need <= b->cap) return BV_OK;
  size_t cap = b->cap ? b->cap : 64;
  while (cap < need) cap *= 2;
  if (cap > b->max + 1) cap = b->max + 1;
  char *p = bv_realloc(b->cat, b->p, cap);
  if (!p) return BV_NOMEM;
  p[b->n] = 0;
  b->p = p;
  b->cap = cap;
  return BV_OK;
}

bv_rc bv_buf_add(bv_buf *b, const void *p, size_t n) {
  BV_TRY(bv_buf_reserve(b, n));
  if (n) memcpy(b->p + b->n, p, n);
  b->n += n;
  b->p[b->n] = 0;
  return BV_OK;
}

bv_rc bv_buf_adds(bv_buf *b, const char *s) {
  return bv_buf_add(b, s, strlen(s));
}

bv_rc bv_buf_addf(bv_buf *b, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  int n = vsnprintf(NULL, 0, fmt, ap);
  va_end(ap);
  if (n < 0) return BV_ARG;
  BV_TRY(bv_buf_reserve(b, (size_t)n));
  va_start(ap, fmt);
  vsnprintf(b->p + b->n, (size_t)n + 1, fmt, ap);
  va_end(ap);
  b->n += (size_t)n;
  return BV_OK;
}

bv_rc bv_buf_add_json(bv_buf *b, const char *s) {
  BV_TRY(bv_buf_adds(b, "\""));
  for (; *s; s++) {
    unsigned char c = (unsigned char)*s;
    if (c == '"' || c == '\\') {
      BV_TRY(bv_buf_addf(b, "\\%c", c));
    } else if (c < 0x20) {
      BV_TRY(bv_buf_addf(b, "\\u%04x", c));
    } else {
      BV_TRY(bv_buf_add(b, s, 1));
    }
  }
  return bv_buf_adds(b, "\"");
}

const char *bv_buf_text(const bv_buf *b) {
  return b->p ? b->p : "";
}
