/*
** crc32c.c - CRC-32C by the machine's instruction where there is one, else by table.
*/
#include "col/crc32c.h"
#include "col/simd.h"

#include <pthread.h>
#include <string.h>

#ifdef BV_X86
#include <nmmintrin.h>
#endif

/* table[0] advances the checksum by a byte, table[k] by a byte followed by k zero bytes, so that
** eight look-ups advance it by eight bytes ("slicing by eight"). */
static uint32_t table[8][256];
static pthread_once_t table_once = PTHREAD_ONCE_INIT;

static void table_make(void) {
  for (uint32_t b = 0; b < 256; b++) {
    uint32_t c = b;
    for (int i = 0; i < 8; i++) c = (c >> 1) ^ (c & 1 ? 0x82F63B78u : 0); /* reflected polynomial */
    table[0][b] = c;
  }
  for (int k = 1; k < 8; k++)
    for (uint32_t b = 0; b < 256; b++)
      table[k][b] = (table[k - 1][b] >> 8) ^ table[0][table[k - 1][b] & 255];
}

static uint32_t crc_plain(const uint8_t *p, size_t n) {
  pthread_once(&table_once, table_make);
  uint32_t c = 0xFFFFFFFFu;
  for (; n >= 8; n -= 8, p += 8) {
    const uint32_t a =
        c ^ ((uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24);
    c = table[7][a & 255] ^ table[6][a >> 8 & 255] ^ table[5][a >> 16 & 255] ^ table[4][a >> 24] ^
        table[3][p[4]] ^ table[2][p[5]] ^ table[1][p[6]] ^ table[0][p[7]];
  }
  for (; n > 0; n--, p++) c = (c >> 8) ^ table[0][(c ^ *p) & 255];
  return ~c;
}

#ifdef BV_X86
BV_TARGET_SSE42 static uint32_t crc_sse42(const uint8_t *p, size_t n) {
  uint64_t c = 0xFFFFFFFFu;
  size_t i = 0;
  for (; i + 8 <= n; i += 8) {
    uint64_t w;
    memcpy(&w, p + i, 8);
    c = _mm_crc32_u64(c, w);
  }
  uint32_t d = (uint32_t)c;
  for (; i < n; i++) d = _mm_crc32_u8(d, p[i]);
  return ~d;
}
#endif

uint32_t bv_crc32c(const void *p, size_t n) {
#ifdef BV_X86
  /* Every machine with AVX2 has SSE 4.2. */
  if (bv_simd_level() >= BV_SIMD_AVX2) return crc_sse42(p, n);
#endif
  return crc_plain(p, n);
}
