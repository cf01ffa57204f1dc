/*
** cache_tables.c - tables that show the caches: bars_stat, bars_cache, bars_log.
*/
#include "api/functions.h"
#include "api/list_table.h"
#include "data/blocks.h"
#include "data/cachelog.h"
#include "data/derived.h"

#include <stdio.h>

/* ---- bars_stat ---- */

static bv_rc stat_row(bv_list *out, const char *name, int64_t value, const char *doc) {
  BV_TRY(bv_list_text(out, name));
  BV_TRY(bv_list_int(out, value));
  return bv_list_text(out, doc);
}

/* What was asked for, what memory answered, and its share; NULL where nothing was asked for. */
static bv_rc rate_rows(bv_list *out, const char *what, int64_t hit, int64_t miss) {
  char name[48];
  snprintf(name, sizeof name, "%s.hit", what);
  BV_TRY(stat_row(out, name, hit, "reads of that kind answered from memory"));
  snprintf(name, sizeof name, "%s.miss", what);
  BV_TRY(stat_row(out, name, miss, "reads of that kind for which something was read or computed"));
  snprintf(name, sizeof name, "%s.hit_rate", what);
  BV_TRY(bv_list_text(out, name));
  if (hit + miss > 0) {
    BV_TRY(bv_list_real(out, (double)hit / (double)(hit + miss)));
  } else {
    BV_TRY(bv_list_null(out));
  }
  return bv_list_text(out, "hits / (hits + misses)");
}

static bv_rc fill_stat(bv_store *s, bv_list *out, sqlite3_value *const *arg, bv_err *err) {
  (void)arg;
  (void)err;
  static const struct {
    const char *name, *doc;
    bv_counter counter;
  } row[] = {
      {"hit", "reads answered by a window in memory", BV_N_HIT},
      {"miss", "reads that were not, or not all of it", BV_N_MISS},
      {"load", "windows filled from the store", BV_N_LOAD},
      {"extend", "windows read on at their end", BV_N_EXTEND},
      {"trim", "times that bars before the history were dropped", BV_N_TRIM},
      {"stream", "scans longer than a window", BV_N_STREAM},
      {"evict", "windows, blocks and indicator columns dropped to stay under memory_limit",
       BV_N_EVICT},
      {"drop", "windows dropped because their bars have changed", BV_N_DROP},
      {"read", "bars read from the database", BV_N_READ},
      {"decode", "columns of sealed chunks decoded", BV_N_DECODE},
      {"resample", "aggregated bars made", BV_N_RESAMPLE},
      {"derive", "indicator values computed", BV_N_DERIVE},
      {"warm", "bars run before a window for the state of an indicator at its first bar",
       BV_N_WARM},
      {"partition", "files of partitions opened", BV_N_PARTITION},
  };
  const int64_t *n = s->counter;
  for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
    BV_TRY(stat_row(out, row[i].name, n[row[i].counter], row[i].doc));
  }
  BV_TRY(rate_rows(out, "window", n[BV_N_HIT] - n[BV_N_HIT_AGG], n[BV_N_MISS] - n[BV_N_MISS_AGG]));
  BV_TRY(rate_rows(out, "aggregate", n[BV_N_HIT_AGG], n[BV_N_MISS_AGG]));
  BV_TRY(rate_rows(out, "indicator", n[BV_N_HIT_IND], n[BV_N_MISS_IND]));
  BV_TRY(stat_row(out, "memory", bv_mem_total(), "bytes in use by the library in this process"));
  BV_TRY(stat_row(out, "memory_peak", bv_mem_peak(), "the most it was"));
  for (int c = 0; c < BV_MEM_COUNT; c++) {
    char name[40];
    snprintf(name, sizeof name, "memory.%s", bv_mem_name((bv_mem)c));
    BV_TRY(stat_row(out, name, bv_mem_used((bv_mem)c), "bytes of that kind"));
  }
  return BV_OK;
}

/* ---- bars_cache ---- */

typedef struct held_row {
  const bv_source *src;
  const char *kind, *spec; /* spec NULL: none */
  int64_t bars, first, last, bytes, hits, misses;
  int64_t used, pins;
} held_row;

/* What tells the aggregates of one asset and timestep apart: NULL for stored bars, and for no session. */
static bv_rc source_columns(bv_list *out, const bv_source *src) {
  char session[32];
  int lo = src->session_lo / 60, hi = src->session_hi / 60;
  snprintf(session, sizeof session, "%02d:%02d-%02d:%02d", lo / 60, lo % 60, hi / 60, hi % 60);
  BV_TRY(bv_list_text(out, src->agg ? src->base.step_text : NULL));
  BV_TRY(bv_list_text(out, src->agg ? bv_zone_name(src->zone) : NULL));
  BV_TRY(bv_list_text(out, src->agg && lo != hi ? session : NULL));
  return bv_list_text(out, src->agg ? bv_fill_name(src->fill) : NULL);
}

static bv_rc cache_row(bv_store *s, bv_list *out, const held_row *h, int64_t rank) {
  char step[32];
  bv_timestep_format(h->src->step, step);
  BV_TRY(bv_list_text(out, h->src->base.asset));
  BV_TRY(bv_list_text(out, step));
  BV_TRY(bv_list_text(out, h->kind));
  BV_TRY(bv_list_int(out, h->bars));
  BV_TRY(h->bars ? bv_list_int(out, h->first) : bv_list_null(out));
  BV_TRY(h->bars ? bv_list_int(out, h->last) : bv_list_null(out));
  BV_TRY(bv_list_int(out, h->bytes));
  BV_TRY(bv_list_int(out, h->hits));
  BV_TRY(bv_list_int(out, rank));
  BV_TRY(h->spec ? bv_list_text(out, h->spec) : bv_list_null(out));
  BV_TRY(bv_list_int(out, h->misses));
  BV_TRY(bv_list_int(out, s->tick - h->used));
  BV_TRY(bv_list_int(out, h->pins));
  return source_columns(out, h->src);
}

static bv_rc cache_window(bv_store *s, bv_list *out, const bv_window *w, int64_t *rank) {
  int64_t n = w->ring.next - w->ring.first;
  held_row h = {.src = &w->src,
                .kind = w->src.agg ? "aggregate" : "window",
                .bars = n,
                .bytes = bv_window_bytes(w),
                .hits = w->hits,
                .misses = w->misses,
                .used = w->used,
                .pins = w->pins};
  if (n) {
    h.first = bv_ring_ts(&w->ring, w->ring.first);
    h.last = bv_ring_ts(&w->ring, w->ring.next - 1);
  }
  BV_TRY(cache_row(s, out, &h, ++*rank));
  bv_derived_info d;
  for (const struct bv_derived *p = NULL; (p = bv_derived_next(w, p, &d));) {
    held_row i = {&w->src, "indicator", d.spec,   d.bars, d.first, d.last,
                  d.bytes, d.hits,      d.misses, d.used, w->pins};
    BV_TRY(cache_row(s, out, &i, *rank));
  }
  return BV_OK;
}

static bv_rc fill_cache(bv_store *s, bv_list *out, sqlite3_value *const *arg, bv_err *err) {
  (void)arg;
  (void)err;
  int64_t rank = 0;
  for (const bv_window *w = s->window; w; w = w->next) BV_TRY(cache_window(s, out, w, &rank));
  size_t at = 0;
  for (bv_block_info b; bv_blocks_next(s, &at, &b);) {
    held_row h = {b.src,   "blocks", NULL,     b.bars, b.first, b.last,
                  b.bytes, b.hits,   b.blocks, b.used, 0};
    BV_TRY(cache_row(s, out, &h, ++rank));
  }
  return BV_OK;
}

/* ---- bars_log ---- */

static bv_rc int_or_null(bv_list *out, bool there, int64_t v) {
  return there ? bv_list_int(out, v) : bv_list_null(out);
}

static bv_rc fill_log(bv_store *s, bv_list *out, sqlite3_value *const *arg, bv_err *err) {
  (void)arg;
  (void)err;
  const bv_log_entry *e;
  for (int64_t i = 0; (e = bv_log_row(s, i)); i++) {
    bool moved = e->event != BV_EV_HIT && e->event != BV_EV_MISS;
    BV_TRY(bv_list_int(out, e->id));
    BV_TRY(bv_list_int(out, e->time));
    BV_TRY(bv_list_text(out, bv_event_name(e->event)));
    BV_TRY(bv_list_text(out, bv_held_name(e->held)));
    BV_TRY(bv_list_text(out, e->asset));
    BV_TRY(bv_list_text(out, e->step));
    BV_TRY(e->what[0] ? bv_list_text(out, e->what) : bv_list_null(out));
    BV_TRY(bv_list_int(out, e->count));
    BV_TRY(int_or_null(out, e->need > 0, e->need));
    BV_TRY(int_or_null(out, e->need > 0, e->have));
    BV_TRY(int_or_null(out, moved, e->bars));
    BV_TRY(int_or_null(out, e->bytes > 0, e->bytes));
    BV_TRY(e->ns > 0 ? bv_list_real(out, (double)e->ns / 1000) : bv_list_null(out));
    BV_TRY(e->reason ? bv_list_text(out, e->reason) : bv_list_null(out));
  }
  return BV_OK;
}

static const bv_list_def tables[] = {
    {"bars_stat", "name TEXT, value, doc TEXT", 3, 0, fill_stat, false},
    {"bars_cache",
     "asset TEXT, timestep TEXT, kind TEXT, bars INTEGER, first INTEGER, last INTEGER, bytes "
     "INTEGER, hits INTEGER, rank INTEGER, spec TEXT, misses INTEGER, age INTEGER, pins INTEGER, "
     "base TEXT, tz TEXT, session TEXT, fill TEXT",
     17, 0, fill_cache, false},
    {"bars_log",
     "id INTEGER, time INTEGER, event TEXT, kind TEXT, asset TEXT, timestep TEXT, what TEXT, "
     "count INTEGER, need INTEGER, have INTEGER, bars INTEGER, bytes INTEGER, us REAL, reason TEXT",
     14, 0, fill_log, false},
};

int bv_cache_tables_register(sqlite3 *db, bv_store *s) {
  for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
    int code = bv_list_register(db, s, &tables[i]);
    if (code != SQLITE_OK) return code;
  }
  return SQLITE_OK;
}
