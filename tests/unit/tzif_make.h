/*
** tzif_make.h - small TZif files made in memory (RFC 8536), for tests of zones no system has.
*/
#ifndef BV_TESTS_TZIF_MAKE_H
#define BV_TESTS_TZIF_MAKE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct tzif_type {
  int32_t offset;
  uint8_t dst;
} tzif_type;

typedef struct tzif_jump {
  int64_t at;
  uint8_t type;
} tzif_jump;

typedef struct tzif_spec {
  char version; /* 0, '2', '3', '4' */
  const tzif_type *type;
  size_t ntype;
  const tzif_jump *jump;
  size_t njump;
  const char *footer;
} tzif_spec;

typedef struct tzif_bytes {
  uint8_t p[2048];
  size_t n;
} tzif_bytes;

static inline void tzif_put(tzif_bytes *b, uint64_t v, int bytes) {
  while (bytes-- > 0) b->p[b->n++] = (uint8_t)(v >> (8 * bytes));
}

static inline void tzif_block(tzif_bytes *b, const tzif_spec *s, int time_bytes, size_t ntype,
                              size_t njump) {
  memcpy(b->p + b->n, "TZif", 4);
  b->p[b->n + 4] = (uint8_t)s->version;
  memset(b->p + b->n + 5, 0, 15);
  b->n += 20;
  tzif_put(b, 0, 4);     /* isut */
  tzif_put(b, 0, 4);     /* isstd */
  tzif_put(b, 0, 4);     /* leap */
  tzif_put(b, njump, 4); /* times */
  tzif_put(b, ntype, 4); /* types */
  tzif_put(b, 4, 4);     /* bytes of abbreviations */
  for (size_t i = 0; i < njump; i++) tzif_put(b, (uint64_t)s->jump[i].at, time_bytes);
  for (size_t i = 0; i < njump; i++) tzif_put(b, s->jump[i].type, 1);
  for (size_t i = 0; i < ntype; i++) {
    tzif_put(b, (uint32_t)s->type[i].offset, 4);
    tzif_put(b, s->type[i].dst, 1);
    tzif_put(b, 0, 1);
  }
  memcpy(b->p + b->n, "ABC", 4);
  b->n += 4;
}

/* A version 2+ file gets the smallest first block, as `zic -b slim` writes it. */
static inline void tzif_make(tzif_bytes *b, const tzif_spec *s) {
  b->n = 0;
  if (s->version == 0) {
    tzif_block(b, s, 4, s->ntype, s->njump);
    return;
  }
  tzif_block(b, s, 4, 1, 0);
  tzif_block(b, s, 8, s->ntype, s->njump);
  b->p[b->n++] = '\n';
  memcpy(b->p + b->n, s->footer, strlen(s->footer));
  b->n += strlen(s->footer);
  b->p[b->n++] = '\n';
}

#endif
