/*
** asset.c - what an asset key may look like; see asset.h.
**
** Keys end up in file names of exports, in JSON and on terminals, so what no reader could see or
** type is refused: control characters (ASCII and C1), and UTF-8 that is not well formed.
*/
#include "time/asset.h"

#include <stdbool.h>

/* Length of the well-formed UTF-8 sequence at p (Unicode 15, table 3-7), 0 if there is none. */
static size_t utf8_length(const unsigned char *p, size_t n) {
  unsigned char lo = 0x80, hi = 0xBF;
  size_t len;
  if (p[0] < 0x80) return 1;
  if (p[0] >= 0xC2 && p[0] <= 0xDF) {
    len = 2;
  } else if (p[0] >= 0xE0 && p[0] <= 0xEF) {
    len = 3;
    if (p[0] == 0xE0) lo = 0xA0; /* shorter forms exist */
    if (p[0] == 0xED) hi = 0x9F; /* surrogates */
  } else if (p[0] >= 0xF0 && p[0] <= 0xF4) {
    len = 4;
    if (p[0] == 0xF0) lo = 0x90;
    if (p[0] == 0xF4) hi = 0x8F; /* past U+10FFFF */
  } else {
    return 0;
  }
  if (n < len || p[1] < lo || p[1] > hi) return 0;
  for (size_t i = 2; i < len; i++) {
    if (p[i] < 0x80 || p[i] > 0xBF) return 0;
  }
  return len;
}

static bool is_control(const unsigned char *p, size_t len) {
  if (len == 1) return p[0] < 0x20 || p[0] == 0x7F;
  return len == 2 && p[0] == 0xC2 && p[1] < 0xA0;
}

bv_rc bv_asset_check(const char *key, size_t n, bv_err *err) {
  const unsigned char *p = (const unsigned char *)key;
  if (n == 0) return bv_fail(err, BV_ARG, "the asset's name is empty");
  if (n > BV_ASSET_MAX) {
    return bv_fail(err, BV_ARG, "the asset's name has %zu bytes; %d is the most", n, BV_ASSET_MAX);
  }
  for (size_t i = 0, len; i < n; i += len) {
    len = utf8_length(p + i, n - i);
    if (len == 0) {
      return bv_fail(err, BV_ARG, "the asset's name is not UTF-8: byte %zu is 0x%02X", i + 1, p[i]);
    }
    if (is_control(p + i, len)) {
      return bv_fail(err, BV_ARG, "the asset's name has a control character at byte %zu: remove it",
                     i + 1);
    }
  }
  if (p[0] == ' ' || p[n - 1] == ' ') {
    return bv_fail(err, BV_ARG, "the asset's name '%.*s' begins or ends with a space: trim it",
                   (int)n, key);
  }
  return BV_OK;
}
