/* cachelog.c - what the caches decided and why; see cachelog.h. */
#include "data/cachelog.h"

#include <string.h>
#include <time.h>

struct bv_cachelog {
  int64_t cap;  /* rows kept */
  int64_t next; /* id of the next row; row id is at (id - 1) % cap */
  bv_log_entry row[];
};

int64_t bv_log_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Rows are written often: the clock's coarse form costs a few nanoseconds and is exact enough. */
static int64_t wall(void) {
  struct timespec t;
#ifdef CLOCK_REALTIME_COARSE
  clock_gettime(CLOCK_REALTIME_COARSE, &t);
#else
  clock_gettime(CLOCK_REALTIME, &t);
#endif
  return (int64_t)t.tv_sec;
}

void bv_log_free(bv_store *s) {
  bv_free(s->log);
  s->log = NULL;
}

bv_rc bv_log_resize(bv_store *s, int64_t rows) {
  struct bv_cachelog *l = NULL;
  if (rows > 0) {
    l = bv_alloc(BV_MEM_BASE, sizeof *l + (size_t)rows * sizeof *l->row);
    if (!l) return BV_NOMEM;
    l->cap = rows;
    l->next = 1;
  }
  bv_log_free(s);
  s->log = l;
  return BV_OK;
}

int64_t bv_log_size(const bv_store *s) {
  return s->log ? s->log->cap : 0;
}

static bv_log_entry *slot(struct bv_cachelog *l, int64_t id) {
  return &l->row[(id - 1) % l->cap];
}

static void copy(char *to, size_t cap, const char *from) {
  size_t n = from ? strlen(from) : 0;
  if (n >= cap) n = cap - 1;
  if (n) memcpy(to, from, n);
  to[n] = 0;
}

int64_t bv_log_add(bv_store *s, const bv_decision *d) {
  struct bv_cachelog *l = s->log;
  if (!l) return 0;
  int64_t id = l->next++;
  bv_log_entry *e = slot(l, id);
  const bv_series *series = d->src ? &d->src->base : d->series;
  e->id = id;
  e->time = wall();
  e->event = d->event;
  e->held = d->held;
  copy(e->asset, sizeof e->asset, series->asset);
  if (d->src && d->src->agg) {
    bv_timestep_format(d->src->step, e->step);
  } else {
    copy(e->step, sizeof e->step, series->step_text);
  }
  copy(e->what, sizeof e->what, d->what);
  e->count = 1;
  e->need = d->need;
  e->have = d->have;
  e->bars = d->bars;
  e->bytes = d->bytes;
  e->ns = d->ns;
  e->reason = d->reason;
  return id;
}

int64_t bv_log_hit(bv_store *s, int64_t id, bv_held held, const bv_source *src) {
  struct bv_cachelog *l = s->log;
  if (id > 0 && l && id < l->next && id >= l->next - l->cap) {
    slot(l, id)->count++;
    return id;
  }
  return bv_log_add(s, &(bv_decision){.event = BV_EV_HIT, .held = held, .src = src});
}

const bv_log_entry *bv_log_row(const bv_store *s, int64_t i) {
  struct bv_cachelog *l = s->log;
  if (!l || i < 0) return NULL;
  int64_t n = l->next - 1 < l->cap ? l->next - 1 : l->cap;
  return i < n ? slot(l, l->next - n + i) : NULL;
}

const char *bv_event_name(bv_event e) {
  static const char *const name[BV_EV_COUNT] = {
      [BV_EV_HIT] = "hit",         [BV_EV_MISS] = "miss",     [BV_EV_LOAD] = "load",
      [BV_EV_EXTEND] = "extend",   [BV_EV_TRIM] = "trim",     [BV_EV_EVICT] = "evict",
      [BV_EV_DROP] = "drop",       [BV_EV_STREAM] = "stream", [BV_EV_RESAMPLE] = "resample",
      [BV_EV_COMPUTE] = "compute", [BV_EV_DECODE] = "decode",
  };
  return e < BV_EV_COUNT ? name[e] : "?";
}

const char *bv_held_name(bv_held h) {
  static const char *const name[] = {"window", "aggregate", "indicator", "chunk"};
  return name[h];
}
