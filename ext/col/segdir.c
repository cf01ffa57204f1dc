/*
** segdir.c - head and block directory of a segment blob (format in segment.c).
*/
#include "col/segdir.h"
#include "base/bits.h"
#include "col/crc32c.h"
#include "col/enckern.h"

#include <math.h>
#include <string.h>

enum {
  ENTRY_CODEC = 3, /* mask */
  ENTRY_WIDE = 4,
  ENTRY_ZIGZAG = 8,
  ENTRY_PATCHED = 16,
  ENTRY_EXACT = 32,
  ENTRY_DOT = 64,
  ENTRY_ZERO = 128
};

static uint32_t load32(const uint8_t *p) {
  return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void store32(uint8_t *p, uint32_t x) {
  for (int i = 0; i < 4; i++) p[i] = (uint8_t)(x >> (8 * i));
}

/* ---- variable-length integers ---- */

static bv_rc put128(bv_buf *out, bv_u128 x) {
  uint8_t b[20];
  size_t n = 0;
  for (; x >= 128; x >>= 7) b[n++] = (uint8_t)(x | 128);
  b[n++] = (uint8_t)x;
  return bv_buf_add(out, b, n);
}

bv_rc bv_varint_put(bv_buf *out, uint64_t x) {
  return put128(out, x);
}

static const uint8_t *get128(const uint8_t *p, const uint8_t *end, bv_u128 *x) {
  *x = 0;
  for (unsigned s = 0; p != NULL && p < end && s < 133; s += 7) {
    const uint8_t b = *p++;
    if (s == 126 && b > 3) return NULL;
    *x |= (bv_u128)(b & 127) << s;
    if (b < 128) return p;
  }
  return NULL;
}

const uint8_t *bv_varint_get(const uint8_t *p, const uint8_t *end, uint64_t *x) {
  bv_u128 wide;
  p = get128(p, end, &wide);
  *x = (uint64_t)wide;
  return wide > UINT64_MAX ? NULL : p;
}

static const uint8_t *get_signed(const uint8_t *p, const uint8_t *end, int64_t *x) {
  uint64_t u;
  p = bv_varint_get(p, end, &u);
  *x = bv_unzigzag(u);
  return p;
}

static const uint8_t *get_double(const uint8_t *p, const uint8_t *end, double *x) {
  *x = 0;
  if (p == NULL || end - p < 8) return NULL;
  memcpy(x, p, 8);
  return p + 8;
}

/* ---- head ---- */

size_t bv_seg_nblock(const bv_seg_head *h) {
  const size_t block = (size_t)1 << h->log2;
  return (h->n + block - 1) / block;
}

size_t bv_seg_head_size(const bv_seg_head *h) {
  return BV_SEG_FIXED + (size_t)h->dir + SEG_CRC;
}

bv_rc bv_seg_head_write(const bv_seg_head *h, bv_buf *out) {
  uint8_t f[BV_SEG_FIXED] = {SEG_MAGIC, BV_SEG_VERSION, (uint8_t)h->col,
                             h->plane ? SEG_FLAG_PLANE : 0};
  store32(f + 4, h->total);
  store32(f + 8, h->n);
  f[12] = (uint8_t)h->log2;
  f[13] = (uint8_t)h->pred;
  f[14] = (uint8_t)h->h;
  store32(f + 16, h->plane_z);
  f[20] = (uint8_t)h->dir;
  f[21] = (uint8_t)(h->dir >> 8);
  return bv_buf_add(out, f, sizeof f);
}

/* Which predictions a column may use. */
static bool pred_fits(bv_column col, unsigned pred) {
  if (col == BV_COL_TS) return pred == BV_PRED_PREV || pred == BV_PRED_TREND;
  if (pred >= BV_PRED_TREND) return false;
  return (bv_pred_needs((bv_pred)pred) & ~bv_segment_needs(col)) == 0;
}

static bool fixed_ok(const uint8_t *p) {
  const unsigned h = p[14];
  const bool plane = p[3] == SEG_FLAG_PLANE;
  return p[3] <= SEG_FLAG_PLANE && (p[2] < BV_SEG_NCOL || p[2] == BV_COL_TS) &&
         load32(p + 8) <= BV_SEG_MAX && p[12] >= SEG_BLOCK_LOG2_MIN &&
         p[12] <= SEG_BLOCK_LOG2_MAX && pred_fits((bv_column)p[2], p[13]) && p[15] == 0 &&
         (plane ? h == 1 || h == 2 || h == 4 || h == 8 : h == 0 && load32(p + 16) == 0);
}

size_t bv_segment_head_bytes(const void *blob, size_t bytes) {
  const uint8_t *p = blob;
  if (bytes < BV_SEG_FIXED || p[0] != SEG_MAGIC || p[1] != BV_SEG_VERSION) return 0;
  return BV_SEG_FIXED + (size_t)(p[20] | p[21] << 8) + SEG_CRC;
}

bv_rc bv_seg_head_read(const uint8_t *p, size_t bytes, bv_seg_head *h, bv_seg_cursor *c,
                       bv_err *err) {
  if (bytes < BV_SEG_FIXED + SEG_CRC)
    return bv_fail(err, BV_CORRUPT, "segment: %zu bytes are too few", bytes);
  if (p[0] != SEG_MAGIC) return bv_fail(err, BV_CORRUPT, "segment: not a segment");
  if (p[1] != BV_SEG_VERSION)
    return bv_fail(err, BV_CORRUPT, "segment: format version %d, known is %d", p[1],
                   BV_SEG_VERSION);
  const size_t size = bv_segment_head_bytes(p, bytes);
  if (size > bytes) return bv_fail(err, BV_CORRUPT, "segment: cut off in its head");
  if (bv_crc32c(p, size - SEG_CRC) != load32(p + size - SEG_CRC))
    return bv_fail(err, BV_CORRUPT, "segment: the head's checksum does not match");
  if (!fixed_ok(p)) return bv_fail(err, BV_CORRUPT, "segment: impossible values in the head");
  *h = (bv_seg_head){.col = (bv_column)p[2],
                     .plane = p[3] == SEG_FLAG_PLANE,
                     .total = load32(p + 4),
                     .n = load32(p + 8),
                     .log2 = p[12],
                     .pred = (bv_pred)p[13],
                     .h = p[14],
                     .plane_z = load32(p + 16),
                     .dir = (uint32_t)(size - BV_SEG_FIXED - SEG_CRC)};
  if (h->total < size + SEG_CRC || h->total - size - SEG_CRC < h->plane_z)
    return bv_fail(err, BV_CORRUPT, "segment: its parts are longer than the whole");
  if (h->n == 0 && (h->dir != 0 || h->plane || h->total != size + SEG_CRC))
    return bv_fail(err, BV_CORRUPT, "segment: bytes without bars");
  *c = (bv_seg_cursor){p + BV_SEG_FIXED, p + size - SEG_CRC, 0, 0};
  return BV_OK;
}

/* ---- directory entries ---- */

bv_rc bv_seg_block_write(bv_column col, const bv_seg_block *b, bv_buf *out) {
  const bv_model *m = &b->model;
  const uint8_t kind =
      (uint8_t)((int)m->codec | (b->wide ? ENTRY_WIDE : 0) | (m->zigzag ? ENTRY_ZIGZAG : 0) |
                (b->patched ? ENTRY_PATCHED : 0) | (b->exact ? ENTRY_EXACT : 0) |
                (b->has_dot ? ENTRY_DOT : 0) | (b->zero ? ENTRY_ZERO : 0));
  BV_TRY(bv_buf_add(out, &kind, 1));
  BV_TRY(bv_varint_put(out, b->bytes));
  if (!m->zigzag) BV_TRY(bv_varint_put(out, bv_zigzag((int64_t)m->ref)));
  if (b->patched) BV_TRY(bv_varint_put(out, b->nulls));
  if (m->codec == BV_CODEC_BITS) {
    const uint8_t shift = (uint8_t)m->shift;
    BV_TRY(bv_buf_add(out, &shift, 1));
  } else {
    if (m->codec == BV_CODEC_TICK) BV_TRY(bv_varint_put(out, (uint64_t)m->scale));
    BV_TRY(bv_varint_put(out, (uint64_t)m->g));
    if (m->codec == BV_CODEC_TIME) BV_TRY(bv_varint_put(out, bv_zigzag(m->delta)));
    BV_TRY(bv_varint_put(out, bv_zigzag(m->first)));
  }
  if (!b->exact) {
    const double raw[4] = {b->d_first, b->d_last, b->d_min, b->d_max};
    return bv_buf_add(out, raw, sizeof raw);
  }
  BV_TRY(bv_varint_put(out, bv_zigzag((int64_t)((uint64_t)b->k_last - (uint64_t)m->first))));
  BV_TRY(bv_varint_put(out, (uint64_t)m->first - (uint64_t)b->k_min));
  BV_TRY(bv_varint_put(out, (uint64_t)b->k_max - (uint64_t)m->first));
  if (m->codec == BV_CODEC_TIME) return BV_OK;
  BV_TRY(bv_varint_put(out, b->sum));
  if (col == BV_COL_CLOSE) BV_TRY(put128(out, b->sumsq));
  if (!b->has_dot) return BV_OK;
  BV_TRY(bv_varint_put(out, (uint64_t)b->vol_scale));
  return put128(out, ((bv_u128)b->dot << 1) ^ (bv_u128)(b->dot >> 127));
}

/* The integers of an exact entry. */
static const uint8_t *read_exact(const bv_seg_head *h, const uint8_t *p, const uint8_t *end,
                                 bv_seg_block *b) {
  uint64_t down, up, vol_scale;
  int64_t step;
  bv_u128 dot;
  p = get_signed(p, end, &step);
  p = bv_varint_get(p, end, &down);
  p = bv_varint_get(p, end, &up);
  const uint64_t first = (uint64_t)b->model.first;
  b->k_last = (int64_t)(first + (uint64_t)step);
  b->k_min = (int64_t)(first - down);
  b->k_max = (int64_t)(first + up);
  if (h->col == BV_COL_TS) return p;
  p = bv_varint_get(p, end, &b->sum);
  if (h->col == BV_COL_CLOSE) p = get128(p, end, &b->sumsq);
  if (!b->has_dot) return p;
  p = bv_varint_get(p, end, &vol_scale);
  p = get128(p, end, &dot);
  b->vol_scale = vol_scale <= BV_SCALE_MAX ? (int)vol_scale : -1;
  b->dot = (bv_i128)((dot >> 1) ^ (0 - (dot & 1)));
  return p;
}

static bool tick_ok(int64_t k) {
  return k > -BV_TICK_LIMIT && k < BV_TICK_LIMIT;
}

/* Do the numbers of an entry fit together? */
static bool entry_ok(const bv_seg_head *h, const bv_seg_block *b) {
  const bv_model *m = &b->model;
  if (m->codec >= BV_CODEC_COUNT) return false;
  if ((m->codec == BV_CODEC_TIME) != (h->col == BV_COL_TS)) return false;
  if (b->nulls > b->n || (b->zero && b->wide)) return false;
  if (m->codec == BV_CODEC_TIME)
    return m->g >= 1 && b->exact && !b->patched && !b->has_dot && b->k_min <= m->first &&
           m->first <= b->k_max && b->k_min <= b->k_last && b->k_last <= b->k_max;
  if (m->codec == BV_CODEC_BITS) return m->shift <= 63 && !b->exact && !b->has_dot;
  if (m->scale < 0 || m->g < 1 || m->g >= BV_TICK_LIMIT || !tick_ok(m->first)) return false;
  if (!b->exact) return b->patched && !b->has_dot;
  if (!tick_ok(b->k_min) || !tick_ok(b->k_max) || b->k_min > m->first || b->k_max < m->first ||
      b->k_last < b->k_min || b->k_last > b->k_max)
    return false;
  const uint64_t span = (uint64_t)(b->k_max - b->k_min), most = span * b->n;
  if (b->sum > most || b->sumsq > (bv_u128)most * span) return false;
  if (!b->has_dot) return true;
  const bv_i128 limit = (bv_i128)1 << 116;
  return (h->col == BV_COL_CLOSE || h->col == BV_COL_VWAP) && !b->patched && b->vol_scale >= 0 &&
         b->dot > -limit && b->dot < limit;
}

static void read_kind(unsigned kind, bv_seg_block *b) {
  b->model.codec = (bv_codec)(kind & ENTRY_CODEC);
  b->model.zigzag = (kind & ENTRY_ZIGZAG) != 0;
  b->wide = (kind & ENTRY_WIDE) != 0;
  b->patched = (kind & ENTRY_PATCHED) != 0;
  b->exact = (kind & ENTRY_EXACT) != 0;
  b->has_dot = (kind & ENTRY_DOT) != 0;
  b->zero = (kind & ENTRY_ZERO) != 0;
}

/* What the codec of an entry needs to know; impossible values become ones that entry_ok refuses. */
static const uint8_t *read_model(const uint8_t *p, const uint8_t *end, bv_model *m) {
  uint64_t scale = 0, g = 1;
  m->g = 1;
  if (m->codec == BV_CODEC_BITS) {
    if (p == NULL || p == end) return NULL;
    m->shift = *p;
    return p + 1;
  }
  if (m->codec == BV_CODEC_TICK) p = bv_varint_get(p, end, &scale);
  p = bv_varint_get(p, end, &g);
  if (m->codec == BV_CODEC_TIME) p = get_signed(p, end, &m->delta);
  m->scale = scale <= BV_SCALE_MAX ? (int)scale : -1;
  m->g = g <= INT64_MAX ? (int64_t)g : 0;
  return get_signed(p, end, &m->first);
}

/* An entry as stored; NULL where its bytes end early or a number is too large for its place. */
static const uint8_t *read_entry(const bv_seg_head *h, const uint8_t *p, const uint8_t *end,
                                 bv_seg_block *b) {
  uint64_t bytes = 0, nulls = 0;
  int64_t ref = 0;
  if (p == end) return NULL;
  read_kind(*p++, b);
  p = bv_varint_get(p, end, &bytes);
  if (!b->model.zigzag) p = get_signed(p, end, &ref);
  if (b->patched) p = bv_varint_get(p, end, &nulls);
  if (bytes > h->total || nulls > b->n) return NULL;
  b->bytes = (uint32_t)bytes;
  b->nulls = (size_t)nulls;
  b->model.ref = (uint64_t)ref;
  p = read_model(p, end, &b->model);
  if (b->exact) return read_exact(h, p, end, b);
  p = get_double(p, end, &b->d_first);
  p = get_double(p, end, &b->d_last);
  p = get_double(p, end, &b->d_min);
  return get_double(p, end, &b->d_max);
}

bv_rc bv_seg_block_read(const bv_seg_head *h, bv_seg_cursor *c, bv_seg_block *b, bv_err *err) {
  const size_t block = (size_t)1 << h->log2, index = c->at >> h->log2;
  memset(b, 0, sizeof *b);
  b->at = c->at;
  b->n = h->n - c->at < block ? h->n - c->at : block;
  b->model.pred = h->pred;
  const uint8_t *p = read_entry(h, c->p, c->end, b);
  if (p == NULL)
    return bv_fail(err, BV_CORRUPT, "segment: the entry of block %zu is cut off", index);
  if (!entry_ok(h, b))
    return bv_fail(err, BV_CORRUPT, "segment: the entry of block %zu contradicts itself", index);
  if (b->model.codec == BV_CODEC_BITS) {
    uint64_t bits;
    memcpy(&bits, &b->d_first, 8);
    b->model.first = (int64_t)(bits >> b->model.shift);
  }
  c->p = p;
  c->at += b->n;
  c->bytes += b->bytes;
  const size_t rest = h->total - bv_seg_head_size(h) - h->plane_z - SEG_CRC;
  if (c->bytes > rest || (c->at == h->n && (c->bytes != rest || p != c->end)))
    return bv_fail(err, BV_CORRUPT, "segment: the blocks do not fill the segment");
  return BV_OK;
}

/* ---- statistics ---- */

static void measure_doubles(const double *x, size_t n, bv_seg_block *b) {
  bool any = false;
  b->d_first = b->d_last = b->d_min = b->d_max = (double)NAN;
  for (size_t i = 0; i < n; i++) {
    if (x[i] != x[i]) continue;
    if (!any) b->d_first = b->d_min = b->d_max = x[i];
    any = true;
    b->d_last = x[i];
    if (x[i] < b->d_min) b->d_min = x[i];
    if (x[i] > b->d_max) b->d_max = x[i];
  }
}

static void measure_extremes(const int64_t *k, size_t n, bv_seg_block *b) {
  b->k_min = b->k_max = b->model.first;
  if (n > 0) bv_enckern_now()->range(k, n, &b->k_min, &b->k_max);
  b->k_last = n > 0 ? k[n - 1] : b->model.first;
}

/* Sums above the minimum, patches left out. */
static void measure_sums(const int64_t *k, const uint8_t *patch, bool squares, bv_seg_block *b) {
  const int64_t lo = b->k_min;
  uint64_t sum = 0;
  bv_u128 sumsq = 0;
  if (!b->patched)
    sum = bv_enckern_now()->sum(k, b->n, lo);
  else
    for (size_t i = 0; i < b->n; i++) sum += patch[i] ? 0 : (uint64_t)(k[i] - lo);
  for (size_t i = 0; i < b->n && squares; i++) {
    const uint64_t above = b->patched && patch[i] ? 0 : (uint64_t)(k[i] - lo);
    sumsq += (bv_u128)above * above;
  }
  b->sum = sum;
  b->sumsq = sumsq;
}

void bv_seg_block_measure(bv_column col, const double *x, const int64_t *k, const uint8_t *patch,
                          const bv_model *volume, const int64_t *volume_k, bv_seg_block *b) {
  const size_t n = b->n;
  b->nulls = 0;
  b->exact = b->model.codec == BV_CODEC_TICK;
  if (b->patched) {
    for (size_t i = 0; i < n; i++) b->nulls += x[i] != x[i];
    for (size_t i = 0; i < n; i++) b->exact = b->exact && (!patch[i] || x[i] != x[i]);
  }
  b->has_dot =
      b->exact && !b->patched && volume != NULL && (col == BV_COL_CLOSE || col == BV_COL_VWAP);
  if (!b->exact) {
    measure_doubles(x, n, b);
    return;
  }
  /* Patches repeat a neighbour, so they move no extreme; sums leave them out. */
  measure_extremes(k, n, b);
  measure_sums(k, patch, col == BV_COL_CLOSE, b);
  b->dot = 0;
  if (!b->has_dot) return;
  b->vol_scale = volume->scale;
  for (size_t i = 0; i < n; i++) b->dot += (bv_i128)k[i] * volume_k[i];
  b->dot *= volume->g;
}

void bv_seg_block_measure_time(const int64_t *ts, bv_seg_block *b) {
  b->exact = true;
  measure_extremes(ts, b->n, b);
}

static bv_i128 pow10_int(int s) {
  bv_i128 p = 1;
  while (s-- > 0) p *= 10;
  return p;
}

/* *sum / 10^*scale += x / 10^xs on the finer of the two scales; false where that overflows. */
static bool add_scaled(bv_i128 *sum, int scale, bv_i128 x, int xs, int to) {
  bv_i128 a, b;
  return to - scale <= 38 && to - xs <= 38 &&
         !__builtin_mul_overflow(*sum, pow10_int(to - scale), &a) &&
         !__builtin_mul_overflow(x, pow10_int(to - xs), &b) && !__builtin_add_overflow(a, b, sum);
}

void bv_seg_stat_begin(const bv_seg_head *h, bv_seg_stat *out) {
  memset(out, 0, sizeof *out);
  out->col = h->col;
  out->needs = bv_pred_needs(h->pred);
  out->first = out->last = out->min = out->max = (double)NAN;
  out->nblock = (int)bv_seg_nblock(h);
  out->entropy = h->plane;
  if (h->col == BV_COL_TS) return;
  out->exact = BV_STAT_SUM;
  if (h->col == BV_COL_CLOSE) out->exact |= BV_STAT_SUMSQ;
  if (h->col == BV_COL_CLOSE || h->col == BV_COL_VWAP) out->exact |= BV_STAT_DOT;
}

static void add_sums(const bv_seg_block *b, bv_seg_stat *out) {
  const bv_model *m = &b->model;
  const bv_i128 count = (bv_i128)(b->n - b->nulls), lo = b->k_min, above = (bv_i128)b->sum;
  const bv_i128 sum = (above + lo * count) * m->g;
  const int to = out->scale > m->scale ? out->scale : m->scale;
  if (!b->exact || !add_scaled(&out->sum, out->scale, sum, m->scale, to))
    out->exact &= ~BV_STAT_SUM;

  /* sum of k^2 = sum of (k - lo)^2 + 2 lo sum of (k - lo) + count lo^2; |k g| < 2^50 unless the
  ** entry was forged, so the product is checked. */
  const bv_i128 k2 = (bv_i128)b->sumsq + 2 * lo * above + count * lo * lo;
  bv_i128 sq;
  if (!b->exact || __builtin_mul_overflow(k2, (bv_i128)m->g * m->g, &sq) ||
      !add_scaled(&out->sumsq, 2 * out->scale, sq, 2 * m->scale, 2 * to))
    out->exact &= ~BV_STAT_SUMSQ;

  const int ds = m->scale + b->vol_scale, dot_to = out->dot_scale > ds ? out->dot_scale : ds;
  bv_i128 dot;
  if (!b->has_dot || __builtin_mul_overflow(b->dot, (bv_i128)m->g, &dot) ||
      !add_scaled(&out->dot, out->dot_scale, dot, ds, dot_to))
    out->exact &= ~BV_STAT_DOT;
  out->scale = to;
  out->dot_scale = dot_to;
}

static void add_times(const bv_seg_block *b, bv_seg_stat *out) {
  if (out->n == 0) {
    out->ts_first = out->ts_min = out->ts_max = b->model.first;
  }
  out->ts_last = b->k_last;
  if (b->k_min < out->ts_min) out->ts_min = b->k_min;
  if (b->k_max > out->ts_max) out->ts_max = b->k_max;
}

static void add_values(const bv_seg_block *b, bv_seg_stat *out) {
  double first = b->d_first, last = b->d_last, lo = b->d_min, hi = b->d_max;
  if (b->exact) {
    first = bv_tick_value(&b->model, b->model.first);
    last = bv_tick_value(&b->model, b->k_last);
    lo = bv_tick_value(&b->model, b->k_min);
    hi = bv_tick_value(&b->model, b->k_max);
  }
  if (b->nulls == b->n) return;
  if (out->nulls == out->n) {
    out->first = first;
    out->min = lo;
    out->max = hi;
  }
  out->last = last;
  if (lo < out->min) out->min = lo;
  if (hi > out->max) out->max = hi;
}

void bv_seg_stat_add(const bv_seg_head *h, const bv_seg_block *b, bv_seg_stat *out) {
  if (h->col == BV_COL_TS) {
    add_times(b, out);
  } else {
    add_values(b, out);
    add_sums(b, out);
  }
  if (out->n == 0) out->at = (int64_t)b->at;
  out->n += (int64_t)b->n;
  out->nulls += (int64_t)b->nulls;
  out->bytes += b->bytes;
}
