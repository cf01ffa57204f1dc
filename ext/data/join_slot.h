/*
** join_slot.h - the rows of one feature source that one asset may still use; see join.h.
**
** Rows come in order of (ts, exists_at).  A slot drops what no later bar of the asset can use: a row is
** dominated by the next one if that may be used wherever it may.
*/
#ifndef BV_DATA_JOIN_SLOT_H
#define BV_DATA_JOIN_SLOT_H

#include "data/feature.h"

/* One value. */
typedef struct bv_cell {
  int type; /* SQLITE_INTEGER, SQLITE_FLOAT, SQLITE_NULL; else a copy */
  union {
    int64_t i;
    double r;
    sqlite3_value *v;
  } u;
} bv_cell;

/* A row of a source, shared by the slots it is in. */
typedef struct bv_entry {
  int refs, ncell;
  int64_t ts, exists_at;
  bv_cell cell[];
} bv_entry;

/* The starts of an asset's last bars, newest last; as many as the longest lag. */
typedef struct bv_trail {
  int64_t *ts;
  int n, cap;
} bv_trail;

typedef struct bv_slot {
  bv_entry **entry;
  int n, cap;
  bv_entry *now; /* what the current bar uses, borrowed; NULL: nothing */
} bv_slot;

/* The bar a row is to be used at. */
typedef struct bv_use {
  int64_t ts, known_at;
} bv_use;

/* The row the statement stands on, with one reference; wanted: which values are copied (NULL else). */
BV_MUST bv_rc bv_entry_new(sqlite3_stmt *st, const bv_feature *f, const bv_feature_row *row,
                           const bool *wanted, bv_entry **out);
void bv_entry_unref(bv_entry *e);

/* Note a bar that has been delivered. */
void bv_trail_add(bv_trail *t, int64_t ts);

/* Add a reference to a row that follows those there.  Bars before `at` have been delivered, later ones begin at
** it or after.  BV_CONFLICT: it has the ts and exists_at of the row before. */
BV_MUST bv_rc bv_slot_push(bv_slot *s, const bv_feature *f, const bv_trail *t, bv_entry *e,
                           int64_t at);

/* Choose slot->now for the bar, which follows those of the trail. */
void bv_slot_choose(bv_slot *s, const bv_feature *f, const bv_trail *t, bv_use bar);

/* Whether a row may be used at the bar: 1 yes, 0 no, -1 nor may any row before it. */
int bv_entry_fits(const bv_feature *f, const bv_trail *t, bv_use bar, int64_t ts,
                  int64_t exists_at);

/* Whether a row that may be used at the bar is too old to be. */
bool bv_entry_stale(const bv_feature *f, bv_use bar, int64_t ts, int64_t exists_at);

void bv_slot_reset(bv_slot *s);

#endif
