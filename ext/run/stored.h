/*
** stored.h - a run as its row in bt_run tells it.
*/
#ifndef BV_RUN_STORED_H
#define BV_RUN_STORED_H

#include "base/buf.h"
#include "data/store.h"
#include "run/inputs.h"

typedef struct bv_stored {
  int64_t id, end;
  char *strategy, *sql, *profile, *config, *knobs, *status;
  bv_inputs inputs;
} bv_stored;

/* A run, finished or not; *found = false: there is none of this number.  It is to be reset in any case. */
BV_MUST bv_rc bv_stored_find(bv_store *s, int64_t run, bv_stored *out, bool *found, bv_err *err);

/* BV_NOTFOUND where there is no such finished run. */
BV_MUST bv_rc bv_stored_read(bv_store *s, int64_t run, bv_stored *out, bv_err *err);
void bv_stored_reset(bv_stored *r);

/* The value of one of its inputs; NULL where it has none. */
const char *bv_stored_input(const bv_stored *r, const char *kind, const char *name);

#endif
