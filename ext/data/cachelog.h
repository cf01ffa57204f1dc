/*
** cachelog.h - what the caches decided and why: the rows of bars_log and the counters of bars_stat.
**
** A log keeps the last `log` decisions of a connection (a setting; 0 keeps none).  Hits of one window
** that follow each other are one row with a count, so that stepping does not push everything else
** out.  Its memory is taken when its size is set, so that writing a row cannot fail.
*/
#ifndef BV_DATA_CACHELOG_H
#define BV_DATA_CACHELOG_H

#include "data/source.h"

typedef enum bv_event {
  BV_EV_HIT,      /* answered from memory */
  BV_EV_MISS,     /* not held, or not all of it */
  BV_EV_LOAD,     /* a window was filled */
  BV_EV_EXTEND,   /* a window was read on at its end */
  BV_EV_TRIM,     /* bars before the history were dropped */
  BV_EV_EVICT,    /* dropped to stay under memory_limit */
  BV_EV_DROP,     /* dropped because its bars have changed */
  BV_EV_STREAM,   /* a scan longer than a window reads for itself */
  BV_EV_RESAMPLE, /* buckets were made */
  BV_EV_COMPUTE,  /* indicator values were computed */
  BV_EV_DECODE,   /* a column of a sealed chunk was decoded */
  BV_EV_COUNT
} bv_event;

/* What was decided about. */
typedef enum bv_held {
  BV_HELD_WINDOW,
  BV_HELD_AGGREGATE,
  BV_HELD_INDICATOR,
  BV_HELD_CHUNK
} bv_held;

typedef struct bv_log_entry {
  int64_t id;   /* 1 for the first of the connection */
  int64_t time; /* UTC seconds when it was last counted */
  bv_event event;
  bv_held held;
  char asset[BV_ASSET_MAX + 1];
  char step[32];
  char what[48];       /* column or spec, where it is about one */
  int64_t count;       /* decisions in this row: 1, or hits in a row */
  int64_t need, have;  /* bars wanted and held; need 0: does not apply */
  int64_t bars, bytes; /* read, made or dropped; bytes 0: does not apply */
  int64_t ns;          /* how long it took; 0: not measured */
  const char *reason;  /* static text, or NULL */
} bv_log_entry;

/* A decision to note: what of an entry applies.  src or series names it. */
typedef struct bv_decision {
  bv_event event;
  bv_held held;
  const bv_source *src;
  const bv_series *series;
  const char *what;
  int64_t need, have, bars, bytes, ns;
  const char *reason;
} bv_decision;

/* Note a decision.  Returns its row's id, 0 where none is kept. */
int64_t bv_log_add(bv_store *s, const bv_decision *d);

/* Count a hit of the row `id`, or of a new one where that has gone; returns the row's id. */
int64_t bv_log_hit(bv_store *s, int64_t id, bv_held held, const bv_source *src);

/* Rows kept, oldest first; NULL where i is past the end. */
const bv_log_entry *bv_log_row(const bv_store *s, int64_t i);

/* Keep `rows` from now on; the log begins anew.  BV_NOMEM: it stays as it was. */
#define BV_LOG_ROWS 500
BV_MUST bv_rc bv_log_resize(bv_store *s, int64_t rows);
int64_t bv_log_size(const bv_store *s);
void bv_log_free(bv_store *s);

const char *bv_event_name(bv_event e);
const char *bv_held_name(bv_held h);

/* Monotonic nanoseconds, to measure how long a step takes. */
int64_t bv_log_now(void);

#endif
