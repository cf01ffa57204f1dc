/* seg.c - sealed bars: the table barsvt_seg; see seg.h. */
#include "data/seg.h"
#include "data/barhash.h"
#include "data/cachelog.h"
#include "data/segfetch.h"
#include "data/segstat.h"
#include "data/sql.h"
#include "time/instant.h"

#include <math.h>

#define CACHE      8 /* decoded chunks kept */
#define PER_SERIES 2 /* of one series: a scan uses the memory of few chunks over and over */

typedef struct entry {
  int64_t series, chunk;
  int64_t used;    /* the larger the later */
  unsigned absent; /* columns known not to be stored */
  bool looked;     /* the store was asked: n = 0 means that the chunk is not sealed */
  bv_chunk bars;
  double
      *spare[BV_NCOL]; /* columns of what was here before, of bars.cap values, to be used again */
  int nspare;
} entry;

/* What the store keeps for this file. */
struct bv_segcache {
  bv_segctx *ctx;
  bv_timeset times;
  int64_t tick, generation;
  entry slot[CACHE];
};

static int64_t span_s(const bv_series *s) {
  int64_t nominal = bv_timestep_nominal_s(s->step);
  return nominal * (nominal < 86400 ? 65536 : 4096);
}

int64_t bv_seg_chunk_of(const bv_series *s, int64_t ts) {
  if (ts < BV_INSTANT_MIN) return 0;
  if (ts > BV_INSTANT_MAX) ts = BV_INSTANT_MAX;
  return (ts - BV_INSTANT_MIN) / span_s(s);
}

void bv_seg_range(const bv_series *s, int64_t chunk, int64_t *start, int64_t *end) {
  int64_t span = span_s(s);
  bool none = chunk > (BV_INSTANT_MAX - BV_INSTANT_MIN) / span;
  *start = none ? BV_INSTANT_MAX + 1 : BV_INSTANT_MIN + chunk * span;
  *end = *start + span;
}

int64_t bv_seg_id(int64_t series, int64_t chunk, int col) {
  return (int64_t)((uint64_t)series << 36 | (uint64_t)chunk << 4 | (uint64_t)col);
}

void bv_seg_split_id(int64_t id, int64_t *series, int64_t *chunk, int *col) {
  *series = id >> 36;
  *chunk = id >> 4 & ((INT64_C(1) << 32) - 1);
  *col = (int)(id & 15);
}

static int64_t make_id(const bv_series *s, int64_t chunk, int col) {
  return bv_seg_id(s->id, chunk, col);
}

/* ---- cache ---- */

static bv_rc get_cache(bv_store *s, struct bv_segcache **out) {
  if (!s->segcache) {
    struct bv_segcache *c = bv_alloc0(BV_MEM_DECODE, sizeof *c);
    if (!c) return BV_NOMEM;
    for (int i = 0; i < CACHE; i++) bv_chunk_init(&c->slot[i].bars, BV_MEM_DECODE, 0);
    s->segcache = c;
  }
  if (!s->segcache->ctx) BV_TRY(bv_segctx_new(&s->segcache->ctx));
  if (s->segcache->generation != s->seg_generation) {
    for (int i = 0; i < CACHE; i++) s->segcache->slot[i].series = 0;
    s->segcache->generation = s->seg_generation;
  }
  *out = s->segcache;
  return BV_OK;
}

static void entry_reset(entry *e) {
  while (e->nspare > 0) bv_free(e->spare[--e->nspare]);
  bv_chunk_reset(&e->bars);
  e->series = 0;
}

void bv_seg_cache_clear(bv_store *s) {
  struct bv_segcache *c = s->segcache;
  if (!c) return;
  for (int i = 0; i < CACHE; i++) entry_reset(&c->slot[i]);
  bv_timeset_reset(&c->times);
  bv_segctx_free(c->ctx);
  bv_free(c);
  s->segcache = NULL;
}

/* Empty an entry for another chunk; its memory stays. */
static void entry_reuse(entry *e, int64_t series, int64_t chunk) {
  for (int c = 0; c < BV_NCOL; c++) {
    if (e->bars.col[c]) e->spare[e->nspare++] = e->bars.col[c];
    e->bars.col[c] = NULL;
  }
  e->bars.n = 0;
  e->bars.mask = 0;
  e->absent = 0;
  e->looked = false;
  e->series = series;
  e->chunk = chunk;
}

/* Room for the times of n bars; columns that are too small are let go. */
static bv_rc entry_reserve(entry *e, int64_t n) {
  if (n > e->bars.cap) {
    while (e->nspare > 0) bv_free(e->spare[--e->nspare]);
  }
  return bv_chunk_reserve(&e->bars, n);
}

static double *entry_column(entry *e) {
  if (e->nspare > 0) return e->spare[--e->nspare];
  return bv_alloc(BV_MEM_DECODE, (size_t)e->bars.cap * 8);
}

bv_rc bv_seg_context(bv_store *s, bv_segctx **ctx, bv_timeset **times) {
  struct bv_segcache *c;
  BV_TRY(get_cache(s, &c));
  *ctx = c->ctx;
  *times = &c->times;
  return BV_OK;
}

/* The entry longest unused that holds memory, and how many do. */
static void cache_oldest(struct bv_segcache *c, entry **pick, int *n) {
  for (int i = 0; c && i < CACHE; i++) {
    entry *e = &c->slot[i];
    if (e->bars.cap == 0) continue;
    if (!*pick || e->used < (*pick)->used) *pick = e;
    ++*n;
  }
}

/* What encoding and decoding work in: more than a megabyte after sealing. */
static bool drop_context(struct bv_segcache *c) {
  if (c) bv_timeset_reset(&c->times);
  if (!c || !c->ctx) return false;
  bv_segctx_free(c->ctx);
  c->ctx = NULL;
  return true;
}

bool bv_seg_cache_drop_oldest(bv_store *s, bool but_one) {
  entry *e = NULL;
  int n = 0;
  bv_store *m;
  for (int i = 0; (m = bv_store_member(s, i)); i++) cache_oldest(m->segcache, &e, &n);
  if (n > (but_one ? 1 : 0)) {
    entry_reset(e);
    return true;
  }
  bool had = false;
  for (int i = 0; !but_one && (m = bv_store_member(s, i)); i++) {
    if (drop_context(m->segcache)) had = true;
  }
  return had;
}

static int64_t cache_bytes(const struct bv_segcache *c) {
  int64_t bytes = 0;
  for (int i = 0; c && i < CACHE; i++) {
    const entry *e = &c->slot[i];
    int64_t columns = 1 + e->nspare;
    for (int k = 0; k < BV_NCOL; k++) columns += e->bars.col[k] != NULL;
    bytes += e->bars.cap * 8 * columns;
  }
  return bytes;
}

int64_t bv_seg_cache_bytes(bv_store *s) {
  int64_t bytes = 0;
  bv_store *m;
  for (int i = 0; (m = bv_store_member(s, i)); i++) bytes += cache_bytes(m->segcache);
  return bytes;
}

/* While one chunk is decoded, the others go first where memory is short. */
static void make_room(struct bv_segcache *c, const entry *keep) {
  for (int i = 0; i < CACHE && bv_mem_total() > bv_mem_limit(); i++) {
    if (&c->slot[i] != keep) entry_reset(&c->slot[i]);
  }
}

/* The entry of a chunk, or the one longest unused, emptied for it: of the same series where that has
** enough. */
static entry *cache_slot(struct bv_segcache *c, int64_t series, int64_t chunk) {
  entry *pick = &c->slot[0], *same = NULL;
  int nsame = 0;
  for (int i = 0; i < CACHE; i++) {
    entry *e = &c->slot[i];
    if (e->series == series) {
      if (e->chunk == chunk) {
        e->used = ++c->tick;
        return e;
      }
      if (!same || e->used < same->used) same = e;
      nsame++;
    }
    if (pick->series != 0 && (e->series == 0 || e->used < pick->used)) pick = e;
  }
  if (same && (nsame >= PER_SERIES || same->used == 0)) pick = same;
  entry_reuse(pick, series, chunk);
  pick->used = ++c->tick;
  return pick;
}

/* ---- reading ---- */

bv_rc bv_seg_corrupt(const bv_series *series, int64_t chunk, int col, const char *what,
                     bv_err *err) {
  return bv_fail(err, BV_CORRUPT, "barsvt_seg: %s of %s %s, chunk %lld: %s", bv_column_name(col),
                 series->asset, series->step_text, (long long)chunk, what);
}

int64_t bv_seg_blob_crc(const void *blob, size_t bytes) {
  const uint8_t *p = blob;
  uint32_t crc = 0;
  if (!p || bytes < 4) return -1;
  for (size_t i = 0; i < 4; i++) crc |= (uint32_t)p[bytes - 4 + i] << (8 * i);
  return crc;
}

bv_rc bv_seg_fetch(bv_store *s, const bv_series *series, int64_t chunk, int col, sqlite3_stmt **st,
                   const void **blob, int *bytes, int64_t *n, bv_err *err) {
  int row;
  *n = -1;
  BV_TRY(bv_store_stmt(s, BV_ST_SEG_GET, st, err));
  sqlite3_bind_int64(*st, 1, make_id(series, chunk, col));
  BV_TRY(bv_sql_row(s->db, *st, &row, err, "reading barsvt_seg"));
  if (!row) return BV_OK;
  *n = sqlite3_column_int64(*st, 0);
  *blob = sqlite3_column_blob(*st, 1);
  *bytes = sqlite3_column_bytes(*st, 1);
  const char *wrong = NULL;
  if (*n <= 0 || *n > BV_SEG_SEAL_MAX || !*blob) wrong = "the row's count or data make no sense";
  if (!wrong && sqlite3_column_int64(*st, 2) != bv_seg_blob_crc(*blob, (size_t)*bytes)) {
    wrong = "the row's checksum is not that of its data";
  }
  if (!wrong) return BV_OK;
  sqlite3_reset(*st);
  return bv_seg_corrupt(series, chunk, col, wrong, err);
}

static bv_rc check_times(const bv_series *series, int64_t chunk, const bv_chunk *bars,
                         bv_err *err) {
  int64_t lo, hi;
  bv_seg_range(series, chunk, &lo, &hi);
  if (bars->ts[0] < lo || bars->ts[bars->n - 1] >= hi || !bv_chunk_ordered(bars)) {
    return bv_seg_corrupt(series, chunk, BV_COL_TS,
                          "times lie outside the chunk or are not in order", err);
  }
  return BV_OK;
}

bv_rc bv_seg_check_unsealed(bv_store *s, const bv_series *series, int64_t chunk, bv_err *err) {
  int64_t found;
  BV_TRY(bv_seg_find(s, series, chunk, false, &found, err));
  return found == chunk ? bv_seg_corrupt(series, chunk, BV_COL_TS, "the column is missing", err)
                        : BV_OK;
}

bv_rc bv_seg_decoded(const bv_series *series, int64_t chunk, int col, bv_rc rc, const bv_err *why,
                     bool whole, bv_err *err) {
  if (rc == BV_NOMEM || (rc == BV_OK && whole)) return rc;
  return bv_seg_corrupt(series, chunk, col, rc == BV_OK ? "count differs" : why->msg, err);
}

/* Counters of an attached store are its own; the log is the connection's. */
void bv_seg_note(bv_store *s, const bv_series *series, int col, int64_t n, int64_t t0) {
  s->counter[BV_N_DECODE]++;
  bv_log_add(s->parent ? s->parent : s, &(bv_decision){.event = BV_EV_DECODE,
                                                       .held = BV_HELD_CHUNK,
                                                       .series = series,
                                                       .what = bv_column_name(col),
                                                       .bars = n,
                                                       .ns = bv_log_now() - t0});
}

static bv_rc load_times(bv_store *s, const bv_series *series, entry *e, bv_err *err) {
  sqlite3_stmt *st;
  const void *blob = NULL;
  int bytes = 0;
  int64_t n;
  BV_TRY(bv_seg_fetch(s, series, e->chunk, BV_COL_TS, &st, &blob, &bytes, &n, err));
  if (n < 0) return bv_seg_check_unsealed(s, series, e->chunk, err);
  int64_t t0 = bv_log_now();
  bv_rc rc = entry_reserve(e, n);
  size_t got = 0;
  if (rc == BV_OK) {
    bv_err why = {0};
    rc = bv_segment_decode_ts(s->segcache->ctx, blob, (size_t)bytes, e->bars.ts, (size_t)n, &got,
                              &why);
    rc = bv_seg_decoded(series, e->chunk, BV_COL_TS, rc, &why, (int64_t)got == n, err);
  }
  sqlite3_reset(st);
  if (rc != BV_OK) return rc;
  e->bars.n = n;
  bv_seg_note(s, series, BV_COL_TS, n, t0);
  return check_times(series, e->chunk, &e->bars, err);
}

static bv_rc load_column(bv_store *s, const bv_series *series, entry *e, int col, bv_err *err);

/* Columns that a blob is coded against come first. */
static bv_rc load_needs(bv_store *s, const bv_series *series, entry *e, unsigned needs,
                        bv_err *err) {
  static const int order[] = {BV_COL_CLOSE, BV_COL_OPEN};
  for (int i = 0; i < 2; i++) {
    int c = order[i];
    if ((needs & BV_COLBIT(c)) && !e->bars.col[c]) BV_TRY(load_column(s, series, e, c, err));
  }
  return BV_OK;
}

/* A chunk's statistics know which columns it has. */
bv_rc bv_seg_check_absent(bv_store *s, const bv_series *series, int64_t chunk, int col,
                          bv_err *err) {
  bv_stats stats;
  bool found;
  BV_TRY(bv_segstat_read(s, series->id, chunk, &stats, &found, err));
  if (found && col > BV_COL_CLOSE && !(stats.columns & BV_COLBIT(col))) return BV_OK;
  return bv_seg_corrupt(series, chunk, col,
                        found ? "the column is missing" : "the statistics are missing", err);
}

static bv_rc load_column(bv_store *s, const bv_series *series, entry *e, int col, bv_err *err) {
  BV_TRY(load_needs(s, series, e, bv_segment_needs((bv_column)col), err));
  sqlite3_stmt *st;
  const void *blob = NULL;
  int bytes = 0;
  int64_t n;
  int64_t t0 = bv_log_now();
  make_room(s->segcache, e);
  BV_TRY(bv_seg_fetch(s, series, e->chunk, col, &st, &blob, &bytes, &n, err));
  if (n < 0) return bv_seg_check_absent(s, series, e->chunk, col, err);
  bv_rc rc = BV_OK;
  size_t got = 0;
  double *values = entry_column(e);
  if (!values) rc = BV_NOMEM;
  if (rc == BV_OK && n != e->bars.n)
    rc = bv_seg_corrupt(series, e->chunk, col, "count differs", err);
  bv_bars deps = bv_chunk_view(&e->bars);
  if (rc == BV_OK) {
    bv_err why = {0};
    rc = bv_segment_decode(s->segcache->ctx, (bv_column)col, blob, (size_t)bytes, &deps, values,
                           (size_t)n, &got, &why);
    rc = bv_seg_decoded(series, e->chunk, col, rc, &why, (int64_t)got == n, err);
  }
  sqlite3_reset(st);
  if (rc != BV_OK) {
    bv_free(values);
    return rc;
  }
  e->bars.col[col] = values;
  e->bars.mask |= BV_COLBIT(col);
  bv_seg_note(s, series, col, n, t0);
  s->counter[BV_N_READ] += n;
  return BV_OK;
}

bv_rc bv_seg_load(bv_store *s, const bv_series *series, int64_t chunk, unsigned mask, bv_bars *out,
                  bv_err *err) {
  struct bv_segcache *c;
  *out = (bv_bars){0};
  BV_TRY(get_cache(s, &c));
  entry *e = cache_slot(c, series->id, chunk);
  bv_rc rc = e->looked ? BV_OK : load_times(s, series, e, err);
  e->looked = true;
  for (int col = 0; col <= BV_COL_OI && rc == BV_OK && e->bars.n > 0; col++) {
    if (!(mask & BV_COLBIT(col)) || e->bars.col[col] || (e->absent & BV_COLBIT(col))) continue;
    rc = load_column(s, series, e, col, err);
    if (rc == BV_OK && !e->bars.col[col]) e->absent |= BV_COLBIT(col);
  }
  if (rc != BV_OK) {
    e->series = 0; /* nothing half loaded stays */
    return rc;
  }
  *out = bv_chunk_view(&e->bars);
  return BV_OK;
}

void bv_seg_done(bv_store *s, const bv_series *series, int64_t chunk) {
  for (int i = 0; s->segcache && i < CACHE; i++) {
    entry *e = &s->segcache->slot[i];
    if (e->series == series->id && e->chunk == chunk) e->used = 0;
  }
}

bv_rc bv_seg_find(bv_store *s, const bv_series *series, int64_t from, bool desc, int64_t *chunk,
                  bv_err *err) {
  sqlite3_stmt *st;
  int row;
  *chunk = -1;
  BV_TRY(bv_store_stmt(s, desc ? BV_ST_SEG_PREV : BV_ST_SEG_NEXT, &st, err));
  int64_t lo = make_id(series, desc ? 0 : from, 0);
  int64_t hi = desc ? make_id(series, from, 15) : make_id(series, (INT64_C(1) << 32) - 1, 15);
  sqlite3_bind_int64(st, 1, lo);
  sqlite3_bind_int64(st, 2, hi);
  BV_TRY(bv_sql_row(s->db, st, &row, err, "reading barsvt_seg"));
  int64_t same_series;
  int col;
  if (row) bv_seg_split_id(sqlite3_column_int64(st, 0), &same_series, chunk, &col);
  sqlite3_reset(st);
  return BV_OK;
}

bv_rc bv_seg_span(bv_store *s, const bv_series *series, int64_t *first, int64_t *last, int64_t *n,
                  bv_err *err) {
  sqlite3_stmt *st;
  int row;
  *first = *last = *n = 0;
  BV_TRY(bv_store_stmt(s, BV_ST_SEG_SPAN, &st, err));
  sqlite3_bind_int64(st, 1, make_id(series, 0, 0));
  sqlite3_bind_int64(st, 2, make_id(series, (INT64_C(1) << 32) - 1, 15));
  BV_TRY(bv_sql_row(s->db, st, &row, err, "reading barsvt_seg"));
  if (row) {
    *n = sqlite3_column_int64(st, 0);
    *first = sqlite3_column_int64(st, 1);
    *last = sqlite3_column_int64(st, 2);
  }
  sqlite3_reset(st);
  if (*n < 0 || (*n > 0 && *first > *last) || bv_instant_check(*first, NULL) != BV_OK ||
      bv_instant_check(*last, NULL) != BV_OK) {
    return bv_fail(err, BV_CORRUPT, "barsvt_seg: n, first or last of series %lld cannot be",
                   (long long)series->id);
  }
  return BV_OK;
}

/* ---- writing ---- */

bool bv_seg_sum(const bv_seg_stat *stat, double *out) {
  if (!(stat->exact & BV_STAT_SUM)) return false;
  *out = (double)((long double)stat->sum / powl(10.0L, stat->scale));
  return true;
}

static bv_rc write_column(bv_store *s, const bv_series *series, int64_t chunk, int col,
                          const bv_bars *bars, bv_buf *blob, bv_err *err) {
  bv_seg_stat stat;
  sqlite3_stmt *st;
  bv_buf_clear(blob);
  BV_TRY(
      bv_segment_encode(s->segcache->ctx, bars, (bv_column)col, (int)s->level, blob, &stat, err));
  BV_TRY(bv_store_stmt(s, BV_ST_SEG_PUT, &st, err));
  sqlite3_bind_int64(st, 1, make_id(series, chunk, col));
  sqlite3_bind_int64(st, 2, bars->n);
  sqlite3_bind_int64(st, 3, bars->ts[0]);
  sqlite3_bind_int64(st, 4, bars->ts[bars->n - 1]);
  sqlite3_bind_int64(st, 5, BV_SEG_VERSION);
  sqlite3_bind_int64(st, 6, bv_seg_blob_crc(blob->p, blob->n));
  sqlite3_bind_null(st, 7);
  sqlite3_bind_null(st, 8);
  sqlite3_bind_null(st, 9);
  if (col != BV_COL_TS) {
    bv_sql_bind_real(st, 7, stat.min);
    bv_sql_bind_real(st, 8, stat.max);
    double sum;
    if (bv_seg_sum(&stat, &sum)) sqlite3_bind_double(st, 9, sum);
  }
  sqlite3_bind_blob(st, 10, blob->p, (int)blob->n, SQLITE_STATIC);
  bv_rc rc = bv_sql_done(s->db, st, err, "writing barsvt_seg");
  sqlite3_clear_bindings(st);
  return rc;
}

bv_rc bv_seg_write(bv_store *s, const bv_series *series, int64_t chunk, const bv_bars *bars,
                   bv_err *err) {
  struct bv_segcache *c;
  sqlite3_stmt *st;
  bool there;
  BV_TRY(bv_store_usable(s, &there, err));
  BV_TRY(get_cache(s, &c));
  BV_TRY(bv_store_stmt(s, BV_ST_SEG_DROP, &st, err));
  sqlite3_bind_int64(st, 1, make_id(series, chunk, 0));
  sqlite3_bind_int64(st, 2, make_id(series, chunk, 15));
  BV_TRY(bv_sql_done(s->db, st, err, "writing barsvt_seg"));
  s->seg_generation++;
  bv_stats stats = bv_stats_of(bars);
  stats.hashed = s->version >= BV_VERSION_HASHED;
  if (stats.hashed) stats.hash = bv_bars_hash(bars);
  BV_TRY(bv_segstat_write(s, series->id, chunk, &stats, err));
  if (bars->n == 0) return BV_OK;
  bv_buf blob;
  bv_buf_init(&blob, BV_MEM_DECODE, 64u << 20);
  bv_rc rc = write_column(s, series, chunk, BV_COL_TS, bars, &blob, err);
  for (int col = 0; col <= BV_COL_OI && rc == BV_OK; col++) {
    if (col > BV_COL_CLOSE && !(stats.columns & BV_COLBIT(col))) continue;
    rc = write_column(s, series, chunk, col, bars, &blob, err);
  }
  bv_buf_reset(&blob);
  return rc;
}
