/*
** bitpack.c - patched bit packing of unsigned residuals (layout in the header).
**
** The packed words are little-endian in memory and are moved as they are, so this file needs a
** little-endian machine; the static assert below says so.  Unpacking is one loop per width with the
** width known to the compiler, instantiated for plain C and AVX2 (AVX-512 gains nothing: a row is
** 256 bits).
*/
#include "col/bitpack.h"
#include "col/simd.h"

#include <assert.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "stored words are little-endian");

/* One row: a 32-bit word of each of the 8 lanes. */
typedef uint32_t row8 __attribute__((vector_size(32)));

enum { LANES = 8, ROWS = BV_FRAME / LANES, ROW_BYTES = 4 * LANES, MAX_EXC = 255, HAS_EXC = 128 };
_Static_assert(sizeof(row8) == ROW_BYTES, "a row is 32 bytes");

/* Bytes of m values at a width of at most 32 bits. */
static size_t packed_bytes(size_t m, unsigned width) {
  size_t rows = (m + LANES - 1) / LANES;
  return ROW_BYTES * ((rows * width + 31) / 32);
}

/* Bytes of the low b bits of m values. */
static size_t low_bytes(size_t m, unsigned b) {
  return b <= 32 ? packed_bytes(m, b) : packed_bytes(m, 32) + packed_bytes(m, b - 32);
}

size_t bv_pack_bound(size_t n) {
  return (n + BV_FRAME - 1) / BV_FRAME * (3 + (size_t)ROW_BYTES * 64);
}

size_t bv_plane_bytes(size_t n, unsigned h) {
  return n / BV_FRAME * packed_bytes(BV_FRAME, h) + packed_bytes(n % BV_FRAME, h);
}

/* ---- lanes ---- */

BV_INLINE void unpack_width(const uint8_t *in, uint32_t *out, const unsigned b) {
  const uint32_t mask = b == 32 ? UINT32_MAX : (1u << b) - 1;
#pragma GCC unroll 32
  for (unsigned i = 0; i < ROWS; i++) {
    const unsigned bit = i * b, word = bit / 32, s = bit % 32;
    row8 x, y;
    memcpy(&x, in + ROW_BYTES * word, ROW_BYTES);
    x >>= s;
    if (s + b > 32) {
      memcpy(&y, in + ROW_BYTES * (word + 1), ROW_BYTES);
      x |= y << (32 - s);
    }
    x &= mask;
    memcpy(out + LANES * i, &x, ROW_BYTES);
  }
}

#define WIDTH(b)                                                                                   \
  case b: unpack_width(in, out, b); break

/* 256 values of b <= 32 bits from 32 * b bytes. */
BV_INLINE void unpack_any(const uint8_t *in, uint32_t *out, unsigned b) {
  switch (b) {
  case 0:
    memset(out, 0, BV_FRAME * sizeof *out);
    break;
    WIDTH(1);
    WIDTH(2);
    WIDTH(3);
    WIDTH(4);
    WIDTH(5);
    WIDTH(6);
    WIDTH(7);
    WIDTH(8);
    WIDTH(9);
    WIDTH(10);
    WIDTH(11);
    WIDTH(12);
    WIDTH(13);
    WIDTH(14);
    WIDTH(15);
    WIDTH(16);
    WIDTH(17);
    WIDTH(18);
    WIDTH(19);
    WIDTH(20);
    WIDTH(21);
    WIDTH(22);
    WIDTH(23);
    WIDTH(24);
    WIDTH(25);
    WIDTH(26);
    WIDTH(27);
    WIDTH(28);
    WIDTH(29);
    WIDTH(30);
    WIDTH(31);
    WIDTH(32);
  default: assert(0);
  }
}

/* The way back: the low b bits of 256 values. */
BV_INLINE void pack_width(const uint32_t *in, uint8_t *out, const unsigned b) {
  const uint32_t mask = b == 32 ? UINT32_MAX : (1u << b) - 1;
  row8 words = {0};
#pragma GCC unroll 32
  for (unsigned i = 0; i < ROWS; i++) {
    const unsigned bit = i * b, s = bit % 32;
    row8 x;
    memcpy(&x, in + LANES * i, ROW_BYTES);
    x &= mask;
    words = s == 0 ? x : words | x << s;
    if (s + b < 32) continue;
    memcpy(out + ROW_BYTES * (bit / 32), &words, ROW_BYTES);
    if (s + b > 32) words = x >> (32 - s);
  }
}

#define PACK(b)                                                                                    \
  case b: pack_width(in, out, b); break

/* 256 values to 32 * b bytes, 1 <= b <= 32. */
BV_INLINE void pack_any(const uint32_t *in, uint8_t *out, unsigned b) {
  switch (b) {
    PACK(1);
    PACK(2);
    PACK(3);
    PACK(4);
    PACK(5);
    PACK(6);
    PACK(7);
    PACK(8);
    PACK(9);
    PACK(10);
    PACK(11);
    PACK(12);
    PACK(13);
    PACK(14);
    PACK(15);
    PACK(16);
    PACK(17);
    PACK(18);
    PACK(19);
    PACK(20);
    PACK(21);
    PACK(22);
    PACK(23);
    PACK(24);
    PACK(25);
    PACK(26);
    PACK(27);
    PACK(28);
    PACK(29);
    PACK(30);
    PACK(31);
    PACK(32);
  default: assert(0);
  }
}

/* lo |= hi << s, for a plane above packed bits. */
BV_INLINE void merge_any(uint32_t *restrict lo, const uint32_t *restrict hi, unsigned s) {
  for (unsigned i = 0; i < BV_FRAME; i++) lo[i] |= hi[i] << s;
}

/* The same values in 32 bits. */
BV_INLINE void narrow_any(const uint64_t *restrict u, uint32_t *restrict out) {
  for (unsigned i = 0; i < BV_FRAME; i++) out[i] = (uint32_t)u[i];
}

/* How many values have more than b < 32 bits. */
BV_INLINE unsigned above_any(const uint32_t *u, unsigned b) {
  uint32_t within = 0;
  for (unsigned i = 0; i < BV_FRAME; i++) within += (u[i] >> b) == 0;
  return BV_FRAME - within;
}

BV_INLINE uint64_t union_any(const uint64_t *u) {
  uint64_t all = 0;
  for (unsigned i = 0; i < BV_FRAME; i++) all |= u[i];
  return all;
}

static void unpack_plain(const uint8_t *in, uint32_t *out, unsigned b) {
  unpack_any(in, out, b);
}
static void pack_plain(const uint32_t *in, uint8_t *out, unsigned b) {
  pack_any(in, out, b);
}
static void merge_plain(uint32_t *lo, const uint32_t *hi, unsigned s) {
  merge_any(lo, hi, s);
}
static void narrow_plain(const uint64_t *u, uint32_t *out) {
  narrow_any(u, out);
}
static unsigned above_plain(const uint32_t *u, unsigned b) {
  return above_any(u, b);
}
static uint64_t union_plain(const uint64_t *u) {
  return union_any(u);
}

#ifdef BV_X86
BV_TARGET_AVX2 static void unpack_avx2(const uint8_t *in, uint32_t *out, unsigned b) {
  unpack_any(in, out, b);
}
BV_TARGET_AVX2 static void pack_avx2(const uint32_t *in, uint8_t *out, unsigned b) {
  pack_any(in, out, b);
}
BV_TARGET_AVX2 static void merge_avx2(uint32_t *lo, const uint32_t *hi, unsigned s) {
  merge_any(lo, hi, s);
}
BV_TARGET_AVX2 static void narrow_avx2(const uint64_t *u, uint32_t *out) {
  narrow_any(u, out);
}
BV_TARGET_AVX2 static unsigned above_avx2(const uint32_t *u, unsigned b) {
  return above_any(u, b);
}
BV_TARGET_AVX2 static uint64_t union_avx2(const uint64_t *u) {
  return union_any(u);
}
#endif

typedef struct lane_kernels {
  void (*unpack)(const uint8_t *in, uint32_t *out, unsigned b);
  void (*pack)(const uint32_t *in, uint8_t *out, unsigned b);
  void (*merge)(uint32_t *lo, const uint32_t *hi, unsigned s);
  void (*narrow)(const uint64_t *u, uint32_t *out);
  unsigned (*above)(const uint32_t *u, unsigned b);
  uint64_t (*all)(const uint64_t *u);
} lane_kernels;

static const lane_kernels *lanes(void) {
  static const lane_kernels plain = {unpack_plain, pack_plain,  merge_plain,
                                     narrow_plain, above_plain, union_plain};
#ifdef BV_X86
  static const lane_kernels avx2 = {unpack_avx2, pack_avx2,  merge_avx2,
                                    narrow_avx2, above_avx2, union_avx2};
  if (bv_simd_level() >= BV_SIMD_AVX2) return &avx2;
#endif
  return &plain;
}

/* The first m of 256 values, at a width of 0 to 32 bits; returns the end of the output. */
static uint8_t *pack_short(const lane_kernels *k, const uint32_t *in, size_t m, unsigned b,
                           uint8_t *out) {
  uint8_t full[ROW_BYTES * 32];
  const size_t n = packed_bytes(m, b);
  if (b == 0) return out;
  k->pack(in, m < BV_FRAME ? full : out, b);
  if (m < BV_FRAME) memcpy(out, full, n);
  return out + n;
}

/* Unpack from exactly packed_bytes(m, b) bytes: a short frame is widened with zeros first. */
static void unpack_short(const lane_kernels *k, const uint8_t *in, uint32_t *out, size_t m,
                         unsigned b) {
  uint8_t full[ROW_BYTES * 32];
  if (m < BV_FRAME) {
    size_t have = packed_bytes(m, b);
    memcpy(full, in, have);
    memset(full + have, 0, ROW_BYTES * b - have);
    in = full;
  }
  k->unpack(in, out, b);
}

/* Bits [s, s + b) of m values of a full frame padded with zeros (b <= 32); returns the end of the
** output. */
static uint8_t *pack_lanes(const uint64_t *u, size_t m, unsigned s, unsigned b, uint8_t *out) {
  row8 words[33];
  const uint32_t mask = b == 32 ? UINT32_MAX : (1u << b) - 1;
  const size_t rows = (m + LANES - 1) / LANES, n = packed_bytes(m, b);
  memset(words, 0, ROW_BYTES * (size_t)(b + 1));
  for (size_t i = 0; i < rows && b > 0; i++) {
    uint32_t v[LANES];
    for (size_t l = 0; l < LANES; l++) v[l] = (uint32_t)(u[LANES * i + l] >> s);
    row8 x;
    memcpy(&x, v, sizeof x);
    x &= mask;
    const size_t bit = i * b, word = bit / 32;
    const uint32_t at = (uint32_t)(bit % 32);
    words[word] |= x << at;
    if (at + b > 32) words[word + 1] |= x >> (32 - at);
  }
  memcpy(out, words, n);
  return out + n;
}

/* ---- exceptions ---- */

/* Little-endian load of up to 8 bytes that never reads past end. */
static uint64_t load_bounded(const uint8_t *p, const uint8_t *end) {
  uint64_t x = 0;
  memcpy(&x, p, end - p >= 8 ? 8u : (size_t)(end - p));
  return x;
}

/* w bits (1 to 64) at a bit offset of a stream that ends at `end` and contains them. */
static uint64_t get_bits(const uint8_t *p, const uint8_t *end, size_t bit, unsigned w) {
  const unsigned s = (unsigned)(bit % 8);
  p += bit / 8;
  uint64_t x = load_bounded(p, end) >> s;
  if (s + w > 64) x |= load_bounded(p + 8, end) << (64 - s);
  return w == 64 ? x : x & ((UINT64_C(1) << w) - 1);
}

/* Append w bits to a stream whose bytes from bit / 8 on are zero. */
static void put_bits(uint8_t *p, size_t bit, unsigned w, uint64_t x) {
  for (unsigned done = 0; done < w;) {
    const unsigned s = (unsigned)((bit + done) % 8), take = w - done < 8 - s ? w - done : 8 - s;
    p[(bit + done) / 8] |= (uint8_t)(((x >> done) & ((1u << take) - 1)) << s);
    done += take;
  }
}

/* Count, width, positions and high bits. */
static size_t exception_bytes(size_t e, unsigned w) {
  return e ? 2 + e + (e * w + 7) / 8 : 0;
}

/* ---- frames ---- */

typedef struct frame {
  unsigned b, w;
  size_t e;
  bool low; /* all values have at most 32 bits */
} frame;

/* How many of a frame's values have more than b bits. */
static size_t count_above(const lane_kernels *k, const uint64_t *u, const uint32_t *low,
                          unsigned top, unsigned b) {
  if (top <= 32) return k->above(low, b);
  size_t n = 0;
  for (size_t i = 0; i < BV_FRAME; i++) n += (u[i] >> b) != 0;
  return n;
}

/* The cheapest width for the m values of a full frame padded with zeros, not below k; h bits above
** it are stored elsewhere.  Widths are tried downwards until the exceptions alone cost more than the
** best width so far.  low[] gets the values, where all fit. */
static frame frame_plan(const lane_kernels *lane, const uint64_t *u, size_t m, unsigned h,
                        unsigned k, uint32_t low[BV_FRAME]) {
  const unsigned top = bv_bit_width(lane->all(u));
  frame best = {top > h ? top - h : 0, 0, 0, top <= 32};
  if (best.b < k) best.b = k;
  size_t best_cost = low_bytes(m, best.b);
  if (best.low) lane->narrow(u, low);
  for (unsigned b = best.b; b-- > k;) {
    const size_t e = count_above(lane, u, low, top, b + h);
    const unsigned w = top - (b + h);
    const size_t extra = exception_bytes(e, w), cost = low_bytes(m, b) + extra;
    if (e > MAX_EXC || extra > best_cost) break;
    if (cost < best_cost) {
      best_cost = cost;
      best.b = b;
      best.w = w;
      best.e = e;
    }
  }
  return best;
}

/* The m values at u as a full frame: u itself, or a copy with zeros behind them. */
static const uint64_t *full_frame(const uint64_t *u, size_t m, uint64_t copy[BV_FRAME]) {
  if (m == BV_FRAME) return u;
  memcpy(copy, u, m * sizeof *u);
  memset(copy + m, 0, (BV_FRAME - m) * sizeof *u);
  return copy;
}

static uint8_t *frame_put(const lane_kernels *lane, const uint64_t *u, const uint32_t *low,
                          size_t m, unsigned h, frame f, uint8_t *out) {
  *out++ = (uint8_t)(f.b | (f.e ? HAS_EXC : 0));
  if (f.e) {
    *out++ = (uint8_t)f.e;
    *out++ = (uint8_t)f.w;
  }
  out = f.low && f.b <= 32 ? pack_short(lane, low, m, f.b, out)
                           : pack_lanes(u, m, 0, f.b < 32 ? f.b : 32, out);
  if (f.b > 32) out = pack_lanes(u, m, 32, f.b - 32, out);
  if (f.e == 0) return out;

  const size_t high_bytes = (f.e * f.w + 7) / 8;
  uint8_t *high = out + f.e;
  memset(high, 0, high_bytes);
  size_t j = 0;
  for (size_t i = 0; i < m; i++) {
    uint64_t x = u[i] >> (f.b + h);
    if (x == 0) continue;
    out[j] = (uint8_t)i;
    put_bits(high, j * f.w, f.w, x);
    j++;
  }
  assert(j == f.e);
  return high + high_bytes;
}

size_t bv_pack(const uint64_t *u, size_t n, unsigned h, unsigned k, uint8_t *out, uint8_t *plane,
               bool *wide) {
  const lane_kernels *lane = lanes();
  uint64_t copy[BV_FRAME];
  uint32_t low[BV_FRAME];
  uint8_t *p = out;
  *wide = false;
  for (size_t at = 0; at < n; at += BV_FRAME) {
    const size_t m = n - at < BV_FRAME ? n - at : BV_FRAME;
    const uint64_t *v = full_frame(u + at, m, copy);
    const frame f = frame_plan(lane, v, m, h, k, low);
    p = frame_put(lane, v, low, m, h, f, p);
    if (h) plane = pack_lanes(v, m, f.b, h, plane);
    if (f.b + h + f.w > BV_NARROW_BITS) *wide = true;
  }
  return (size_t)(p - out);
}

size_t bv_pack_whole(const uint64_t *u, size_t n, uint8_t *out, bool *wide) {
  const lane_kernels *lane = lanes();
  uint64_t copy[BV_FRAME];
  uint32_t low[BV_FRAME];
  uint8_t *p = out;
  *wide = false;
  for (size_t at = 0; at < n; at += BV_FRAME) {
    const size_t m = n - at < BV_FRAME ? n - at : BV_FRAME;
    const uint64_t *v = full_frame(u + at, m, copy);
    const unsigned top = bv_bit_width(lane->all(v));
    if (top <= 32) lane->narrow(v, low);
    p = frame_put(lane, v, low, m, 0, (frame){.b = top, .low = top <= 32}, p);
    if (top > BV_NARROW_BITS) *wide = true;
  }
  return (size_t)(p - out);
}

size_t bv_pack_size(const uint64_t *u, size_t n) {
  uint64_t copy[BV_FRAME];
  uint32_t low[BV_FRAME];
  size_t bytes = 0;
  for (size_t at = 0; at < n; at += BV_FRAME) {
    const size_t m = n - at < BV_FRAME ? n - at : BV_FRAME;
    const frame f = frame_plan(lanes(), full_frame(u + at, m, copy), m, 0, 0, low);
    bytes += 1 + low_bytes(m, f.b) + exception_bytes(f.e, f.w);
  }
  return bytes;
}

/* Read a frame's head; moves *p past it and leaves the lanes and exceptions within `end`. */
static bool frame_head(const uint8_t **p, const uint8_t *end, size_t m, unsigned h, frame *f) {
  const uint8_t *q = *p;
  f->e = 0;
  f->w = 0;
  if (q == end) return false;
  const uint8_t head = *q++;
  f->b = head & (HAS_EXC - 1);
  if (head & HAS_EXC) {
    if (end - q < 2) return false;
    f->e = *q++;
    f->w = *q++;
    if (f->e == 0 || f->w == 0) return false;
  }
  if (f->b + h + f->w > 64 || f->e > m) return false;
  const size_t tail = f->e ? exception_bytes(f->e, f->w) - 2 : 0;
  if ((size_t)(end - q) < low_bytes(m, f->b) + tail) return false;
  *p = q;
  return true;
}

/* Positions must increase and lie inside the frame. */
static bool positions_ok(const uint8_t *pos, size_t e, size_t m) {
  for (size_t j = 1; j < e; j++)
    if (pos[j] <= pos[j - 1]) return false;
  return e == 0 || pos[e - 1] < m;
}

size_t bv_packed_bytes(const uint8_t *p, size_t bytes, size_t n, unsigned h) {
  const uint8_t *const start = p, *const end = p + bytes;
  for (size_t at = 0; at < n; at += BV_FRAME) {
    const size_t m = n - at < BV_FRAME ? n - at : BV_FRAME;
    frame f;
    if (!frame_head(&p, end, m, h, &f)) return 0;
    p += low_bytes(m, f.b) + (f.e ? exception_bytes(f.e, f.w) - 2 : 0);
  }
  return (size_t)(p - start);
}

size_t bv_unpack32(const uint8_t *p, size_t bytes, size_t n, unsigned h, const uint8_t *plane,
                   uint32_t *out) {
  const uint8_t *const start = p, *const end = p + bytes;
  const lane_kernels *k = lanes();
  uint32_t high[BV_FRAME];
  for (size_t at = 0; at < n; at += BV_FRAME, out += BV_FRAME) {
    const size_t m = n - at < BV_FRAME ? n - at : BV_FRAME;
    frame f;
    if (!frame_head(&p, end, m, h, &f)) return 0;
    if (f.b + h + f.w > BV_NARROW_BITS) return 0;
    if (h == 0 || f.b > 0) unpack_short(k, p, out, m, f.b);
    p += low_bytes(m, f.b);
    if (h && f.b == 0) {
      unpack_short(k, plane, out, m, h);
    } else if (h) {
      unpack_short(k, plane, high, m, h);
      k->merge(out, high, f.b);
    }
    if (h) plane += packed_bytes(m, h);
    if (f.e == 0) continue;
    if (!positions_ok(p, f.e, m)) return 0;
    const uint8_t *bits = p + f.e, *stop = bits + (f.e * f.w + 7) / 8;
    for (size_t j = 0; j < f.e; j++)
      out[p[j]] |= (uint32_t)get_bits(bits, stop, j * f.w, f.w) << (f.b + h);
    p = stop;
  }
  return (size_t)(p - start);
}

size_t bv_unpack64(const uint8_t *p, size_t bytes, size_t n, unsigned h, const uint8_t *plane,
                   uint64_t *out) {
  const uint8_t *const start = p, *const end = p + bytes;
  const lane_kernels *k = lanes();
  uint32_t part[BV_FRAME];
  for (size_t at = 0; at < n; at += BV_FRAME, out += BV_FRAME) {
    const size_t m = n - at < BV_FRAME ? n - at : BV_FRAME;
    frame f;
    if (!frame_head(&p, end, m, h, &f)) return 0;
    unpack_short(k, p, part, m, f.b < 32 ? f.b : 32);
    for (size_t i = 0; i < BV_FRAME; i++) out[i] = part[i];
    if (f.b > 32) {
      unpack_short(k, p + packed_bytes(m, 32), part, m, f.b - 32);
      for (size_t i = 0; i < BV_FRAME; i++) out[i] |= (uint64_t)part[i] << 32;
    }
    p += low_bytes(m, f.b);
    if (h) {
      unpack_short(k, plane, part, m, h);
      for (size_t i = 0; i < BV_FRAME; i++) out[i] |= (uint64_t)part[i] << f.b;
      plane += packed_bytes(m, h);
    }
    if (f.e == 0) continue;
    if (!positions_ok(p, f.e, m)) return 0;
    const uint8_t *bits = p + f.e, *stop = bits + (f.e * f.w + 7) / 8;
    for (size_t j = 0; j < f.e; j++) out[p[j]] |= get_bits(bits, stop, j * f.w, f.w) << (f.b + h);
    p = stop;
  }
  return (size_t)(p - start);
}
