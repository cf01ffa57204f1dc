/* rowsum.c - checksums of rows; see rowsum.h. */
#include "data/rowsum.h"

#include "col/crc32c.h"
#include "time/asset.h"

#include <math.h>
#include <string.h>

/* Texts beyond this are no names. */
#define TEXT_MAX 256

static uint8_t *put_u64(uint8_t *p, uint64_t x) {
  for (int i = 0; i < 8; i++) p[i] = (uint8_t)(x >> (8 * i));
  return p + 8;
}

static uint8_t *put_f64(uint8_t *p, double x) {
  uint64_t bits = UINT64_C(0x7ff8000000000000);
  x += 0.0;
  if (!isnan(x)) memcpy(&bits, &x, sizeof bits);
  return put_u64(p, bits);
}

static uint8_t *put_text(uint8_t *p, const char *text) {
  size_t n = strlen(text);
  if (n >= TEXT_MAX) n = TEXT_MAX - 1;
  memcpy(p, text, n);
  p[n] = 0;
  return p + n + 1;
}

uint32_t bv_rowsum_hot(int64_t series, int64_t ts, const double value[BV_NCOL]) {
  uint8_t all[8 * (2 + BV_COL_OI + 1)];
  uint8_t *p = put_u64(put_u64(all, (uint64_t)series), (uint64_t)ts);
  for (int c = 0; c <= BV_COL_OI; c++) p = put_f64(p, value[c]);
  return bv_crc32c(all, sizeof all);
}

uint32_t bv_rowsum_series(int64_t id, int64_t asset_id, double multiplier, const char *asset,
                          const char *timestep, const char *venue, const char *tz) {
  uint8_t all[8 * 3 + 4 * TEXT_MAX];
  uint8_t *p = put_f64(put_u64(put_u64(all, (uint64_t)id), (uint64_t)asset_id), multiplier);
  p = put_text(put_text(put_text(put_text(p, asset), timestep), venue), tz);
  return bv_crc32c(all, (size_t)(p - all));
}
