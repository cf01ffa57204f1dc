/*
** buf.h - the one growing byte buffer.
**
** A buffer has a ceiling, given at init: growing past it is BV_LIMIT, so that no input decides how
** much memory is used.  The bytes are always followed by a zero that is not counted in n.
*/
#ifndef BV_BASE_BUF_H
#define BV_BASE_BUF_H

#include "base/alloc.h"

typedef struct bv_buf {
  char *p;
  size_t n;
  size_t cap;
  size_t max;
  bv_mem cat;
} bv_buf;

/* An empty buffer in the caller's storage; nothing is allocated yet. */
void bv_buf_init(bv_buf *b, bv_mem cat, size_t max);

/* Release the bytes; the buffer is empty and usable again. */
void bv_buf_reset(bv_buf *b);

/* Keep the memory, forget the bytes. */
void bv_buf_clear(bv_buf *b);

/* Make room for n more bytes. */
BV_MUST bv_rc bv_buf_reserve(bv_buf *b, size_t n);

BV_MUST bv_rc bv_buf_add(bv_buf *b, const void *p, size_t n);
BV_MUST bv_rc bv_buf_adds(bv_buf *b, const char *s);
BV_MUST BV_PRINTF(2, 3) bv_rc bv_buf_addf(bv_buf *b, const char *fmt, ...);

/* Append s as a JSON string with its quotes. */
BV_MUST bv_rc bv_buf_add_json(bv_buf *b, const char *s);

/* The bytes as zero-terminated text ("" when empty); borrowed until the next change. */
const char *bv_buf_text(const bv_buf *b);

#endif
