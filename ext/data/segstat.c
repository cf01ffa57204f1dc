/*
** segstat.c - statistics of sealed chunks; see segstat.h.
**
** A row's data, 104 bytes (96 in version 1, which has no hash), all little-endian:
**      0  u32      CRC-32C of the row's id (8 bytes) and of the bytes from 4 on
**      4  u16      version, 1 or 2
**      6  u16      columns
**      8  int64    n, first, last
**     32  float64  open, high, low, close, volume, sum, m2, turnover
**     96  u64      hash of the bars by their values (barhash.h)
*/
#include "data/segstat.h"
#include "col/crc32c.h"
#include "data/sql.h"

#include <math.h>
#include <string.h>

#define ROW_BYTES  104 /* of a row with a hash; one without ends before it */
#define HASH_AT    96
#define CHUNK_BITS 32

/* Values are added in four lanes, block by block, so that no sum grows far beyond its terms. */
#define BLOCK 256
#define LANES 4

/* ---- measuring ---- */

/* What one pass over a block of bars adds up. */
typedef struct sums {
  double close, volume, turnover;
} sums;

/* A sum and what its roundings lost. */
typedef struct tally {
  double sum, lost;
} tally;

static void tally_add(tally *t, double x) {
  double s = t->sum + x, part = s - t->sum;
  t->lost += (t->sum - (s - part)) + (x - part);
  t->sum = s;
}

static double tally_end(const tally *t) {
  double s = t->sum + t->lost;
  return isnan(s) ? t->sum : s; /* infinite terms leave no meaningful remainder */
}

static double lanes_end(const double lane[LANES]) {
  return (lane[0] + lane[1]) + (lane[2] + lane[3]);
}

static double weight(const bv_bars *b, int64_t i) {
  const double *volume = b->col[BV_COL_VOLUME];
  return volume && !isnan(volume[i]) ? volume[i] : 0;
}

static double price(const bv_bars *b, int64_t i) {
  const double *vwap = b->col[BV_COL_VWAP];
  return vwap && !isnan(vwap[i]) ? vwap[i] : b->col[BV_COL_CLOSE][i];
}

static sums add_block(const bv_bars *b, int64_t lo, int64_t hi) {
  double c[LANES] = {0}, v[LANES] = {0}, t[LANES] = {0};
  const double *close = b->col[BV_COL_CLOSE];
  for (int64_t i = lo; i < hi; i++) {
    int64_t lane = (i - lo) % LANES;
    double w = weight(b, i);
    c[lane] += close ? close[i] : 0;
    v[lane] += w;
    t[lane] += close && w != 0 ? price(b, i) * w : 0;
  }
  return (sums){lanes_end(c), lanes_end(v), lanes_end(t)};
}

/* Sum of squared distances from a value near the mean, corrected for its not being the mean. */
static double spread(const double *x, int64_t n, double mean) {
  tally square = {0}, rest = {0};
  for (int64_t lo = 0; lo < n; lo += BLOCK) {
    double q[LANES] = {0}, r[LANES] = {0};
    int64_t hi = lo + BLOCK < n ? lo + BLOCK : n;
    for (int64_t i = lo; i < hi; i++) {
      double d = x[i] - mean;
      q[(i - lo) % LANES] += d * d;
      r[(i - lo) % LANES] += d;
    }
    tally_add(&square, lanes_end(q));
    tally_add(&rest, lanes_end(r));
  }
  double off = tally_end(&rest), m2 = tally_end(&square) - off * off / (double)n;
  return m2 < 0 ? 0 : m2;
}

static unsigned columns_with_values(const bv_bars *b) {
  unsigned mask = 0;
  for (int c = 0; c <= BV_COL_OI; c++) {
    const double *x = b->col[c];
    for (int64_t i = 0; x && i < b->n; i++) {
      if (isnan(x[i])) continue;
      mask |= BV_COLBIT(c);
      break;
    }
  }
  return mask;
}

static double extreme(const double *x, int64_t n, bool largest) {
  double best = x ? x[0] : NAN;
  for (int64_t i = 1; x && i < n; i++) {
    if (largest ? x[i] > best : x[i] < best) best = x[i];
  }
  return best;
}

bv_stats bv_stats_of(const bv_bars *b) {
  bv_stats out = {.n = b->n};
  if (b->n == 0) return out;
  const double *open = b->col[BV_COL_OPEN], *close = b->col[BV_COL_CLOSE];
  tally c = {0}, v = {0}, t = {0};
  for (int64_t lo = 0; lo < b->n; lo += BLOCK) {
    sums s = add_block(b, lo, lo + BLOCK < b->n ? lo + BLOCK : b->n);
    tally_add(&c, s.close);
    tally_add(&v, s.volume);
    tally_add(&t, s.turnover);
  }
  out.first = b->ts[0];
  out.last = b->ts[b->n - 1];
  out.columns = columns_with_values(b);
  out.open = open ? open[0] : NAN;
  out.close = close ? close[b->n - 1] : NAN;
  out.high = extreme(b->col[BV_COL_HIGH], b->n, true);
  out.low = extreme(b->col[BV_COL_LOW], b->n, false);
  out.volume = tally_end(&v);
  out.sum = tally_end(&c);
  out.turnover = tally_end(&t);
  out.m2 = close ? spread(close, b->n, out.sum / (double)b->n) : NAN;
  return out;
}

/* Chan, Golub and LeVeque, "Updating Formulae and a Pairwise Algorithm for Computing Sample
** Variances", Stanford STAN-CS-79-773, 1979, formula 2.1b. */
void bv_stats_add(bv_stats *to, const bv_stats *later) {
  if (later->n == 0) return;
  if (to->n == 0) {
    *to = *later;
    return;
  }
  double na = (double)to->n, nb = (double)later->n;
  double d = later->sum / nb - to->sum / na;
  to->m2 += later->m2 + d * d * (na * nb / (na + nb));
  to->n += later->n;
  to->last = later->last;
  to->columns |= later->columns;
  to->close = later->close;
  if (later->high > to->high) to->high = later->high;
  if (later->low < to->low) to->low = later->low;
  to->volume += later->volume;
  to->sum += later->sum;
  to->turnover += later->turnover;
  to->hash += later->hash;
  to->hashed = to->hashed && later->hashed;
}

/* ---- rows ---- */

int64_t bv_segstat_id(int64_t series, int64_t chunk) {
  return (int64_t)((uint64_t)series << CHUNK_BITS | (uint64_t)chunk);
}

static void put_u64(uint8_t *p, uint64_t x) {
  for (int i = 0; i < 8; i++) p[i] = (uint8_t)(x >> (8 * i));
}

static uint64_t get_u64(const uint8_t *p) {
  uint64_t x = 0;
  for (int i = 0; i < 8; i++) x |= (uint64_t)p[i] << (8 * i);
  return x;
}

static void put_f64(uint8_t *p, double x) {
  uint64_t bits;
  memcpy(&bits, &x, 8);
  put_u64(p, bits);
}

static double get_f64(const uint8_t *p) {
  uint64_t bits = get_u64(p);
  double x;
  memcpy(&x, &bits, 8);
  return x;
}

/* The id takes the place of the checksum while that is computed, and four bytes before it. */
static uint32_t row_crc(int64_t id, const uint8_t *row, int bytes) {
  uint8_t all[ROW_BYTES + 4];
  put_u64(all, (uint64_t)id);
  memcpy(all + 8, row + 4, (size_t)bytes - 4);
  return bv_crc32c(all, (size_t)bytes + 4);
}

/* Returns the row's length. */
static int pack(int64_t id, const bv_stats *v, uint8_t row[ROW_BYTES]) {
  const int bytes = v->hashed ? ROW_BYTES : HASH_AT;
  const uint64_t version = v->hashed ? 2 : 1;
  const double value[8] = {v->open,   v->high, v->low, v->close,
                           v->volume, v->sum,  v->m2,  v->turnover};
  put_u64(row, version << 32 | (uint64_t)v->columns << 48);
  put_u64(row + 8, (uint64_t)v->n);
  put_u64(row + 16, (uint64_t)v->first);
  put_u64(row + 24, (uint64_t)v->last);
  for (int i = 0; i < 8; i++) put_f64(row + 32 + 8 * i, value[i]);
  if (v->hashed) put_u64(row + HASH_AT, v->hash);
  uint32_t crc = row_crc(id, row, bytes);
  for (int i = 0; i < 4; i++) row[i] = (uint8_t)(crc >> (8 * i));
  return bytes;
}

/* As rows, which have no gaps. */
bool bv_stats_same(const bv_stats *a, const bv_stats *b) {
  uint8_t x[ROW_BYTES], y[ROW_BYTES];
  bv_stats one = *a, other = *b;
  one.hashed = other.hashed = a->hashed && b->hashed;
  const int bytes = pack(0, &one, x);
  pack(0, &other, y);
  return memcmp(x, y, (size_t)bytes) == 0;
}

bv_rc bv_segstat_row(sqlite3_stmt *st, int64_t *series, int64_t *chunk, bv_stats *out,
                     bv_err *err) {
  int64_t id = sqlite3_column_int64(st, 0);
  const uint8_t *row = sqlite3_column_blob(st, 1);
  *series = id >> CHUNK_BITS;
  *chunk = id & ((INT64_C(1) << CHUNK_BITS) - 1);
  uint64_t head = 0;
  const int bytes = sqlite3_column_bytes(st, 1);
  const bool hashed = bytes == ROW_BYTES;
  bool good = row && (hashed || bytes == HASH_AT);
  if (good) head = get_u64(row);
  good = good && (head >> 32 & 0xffff) == (hashed ? 2u : 1u) &&
         (uint32_t)head == row_crc(id, row, bytes);
  if (!good) {
    return bv_fail(err, BV_CORRUPT, "barsvt_stat: the row of series %lld, chunk %lld is damaged",
                   (long long)*series, (long long)*chunk);
  }
  *out = (bv_stats){.columns = (unsigned)(head >> 48),
                    .n = (int64_t)get_u64(row + 8),
                    .first = (int64_t)get_u64(row + 16),
                    .last = (int64_t)get_u64(row + 24),
                    .open = get_f64(row + 32),
                    .high = get_f64(row + 40),
                    .low = get_f64(row + 48),
                    .close = get_f64(row + 56),
                    .volume = get_f64(row + 64),
                    .sum = get_f64(row + 72),
                    .m2 = get_f64(row + 80),
                    .turnover = get_f64(row + 88),
                    .hashed = hashed,
                    .hash = hashed ? get_u64(row + HASH_AT) : 0};
  return BV_OK;
}

/* These two run once for a chunk that is written or found incomplete, so nothing is kept prepared. */
bv_rc bv_segstat_write(bv_store *s, int64_t series, int64_t chunk, const bv_stats *stats,
                       bv_err *err) {
  sqlite3_stmt *st;
  uint8_t row[ROW_BYTES];
  int64_t id = bv_segstat_id(series, chunk);
  BV_TRY(bv_store_prepare(s,
                          stats->n ? "INSERT OR REPLACE INTO main.barsvt_stat VALUES (?1, ?2)"
                                   : "DELETE FROM main.barsvt_stat WHERE id = ?1",
                          &st, err));
  sqlite3_bind_int64(st, 1, id);
  if (stats->n) sqlite3_bind_blob(st, 2, row, pack(id, stats, row), SQLITE_STATIC);
  bv_rc rc = bv_sql_done(s->db, st, err, "writing barsvt_stat");
  sqlite3_finalize(st);
  return rc;
}

bv_rc bv_segstat_read(bv_store *s, int64_t series, int64_t chunk, bv_stats *out, bool *found,
                      bv_err *err) {
  sqlite3_stmt *st;
  int row = 0;
  int64_t same_series, same_chunk;
  *found = false;
  BV_TRY(bv_store_prepare(s, BV_SEGSTAT_SCAN, &st, err));
  sqlite3_bind_int64(st, 1, bv_segstat_id(series, chunk));
  sqlite3_bind_int64(st, 2, bv_segstat_id(series, chunk));
  bv_rc rc = bv_sql_row(s->db, st, &row, err, "reading barsvt_stat");
  if (rc == BV_OK && row) rc = bv_segstat_row(st, &same_series, &same_chunk, out, err);
  *found = rc == BV_OK && row;
  sqlite3_finalize(st);
  return rc;
}
