/* patch.c - values that have no place on a block's grid; see patch.h. */
#include "col/patch.h"
#include "col/segdir.h"

#include <string.h>

bv_rc bv_patches_put(const double *x, const uint8_t *patch, size_t n, bv_buf *out) {
  size_t runs = 0, end = 0;
  for (size_t i = 0; i < n; i++)
    runs += patch[i] && !(i > 0 && patch[i - 1] && memcmp(x + i, x + i - 1, 8) == 0);
  BV_TRY(bv_varint_put(out, runs));
  const double *last = NULL;
  for (size_t i = 0; i < n;) {
    if (!patch[i]) {
      i++;
      continue;
    }
    size_t j = i + 1;
    while (j < n && patch[j] && memcmp(x + j, x + i, 8) == 0) j++;
    const bool same = last != NULL && memcmp(last, x + i, 8) == 0;
    BV_TRY(bv_varint_put(out, i - end));
    BV_TRY(bv_varint_put(out, 2 * (j - i) + same));
    if (!same) BV_TRY(bv_buf_add(out, x + i, 8));
    last = x + i;
    end = i = j;
  }
  return BV_OK;
}

bool bv_patches_begin(bv_patches *c, const uint8_t *p, const uint8_t *end, size_t n) {
  *c = (bv_patches){.end = end, .left = n};
  c->p = bv_varint_get(p, end, &c->runs);
  return c->p != NULL && c->runs > 0 && c->runs <= n;
}

bool bv_patches_end(const bv_patches *c) {
  return c->runs == 0 && c->len == 0 && c->p == c->end;
}

/* The next run of patches. */
static bool next_run(bv_patches *c) {
  uint64_t len;
  c->p = bv_varint_get(c->p, c->end, &c->gap);
  c->p = bv_varint_get(c->p, c->end, &len);
  if (c->p == NULL) return false;
  if (!(len & 1)) {
    if (c->end - c->p < 8) return false;
    memcpy(&c->value, c->p, 8);
    c->p += 8;
  } else if (!c->any) {
    return false;
  }
  c->any = true;
  c->runs--;
  c->len = len >> 1;
  if (c->len == 0 || c->gap > c->left || c->len > c->left - c->gap) return false;
  c->left -= c->gap + c->len;
  return true;
}

bool bv_patches_apply(bv_patches *c, double *x, size_t n) {
  for (size_t at = 0;;) {
    if (c->len == 0 && c->runs == 0) return true;
    if (c->len == 0 && !next_run(c)) return false;
    if (c->gap >= n - at) {
      c->gap -= n - at;
      return true;
    }
    at += c->gap;
    const size_t take = c->len < n - at ? c->len : n - at;
    for (size_t i = 0; i < take; i++) x[at + i] = c->value;
    c->gap = 0;
    c->len -= take;
    at += take;
  }
}
