/*
** owner.h - that a run is being executed: a lock which ends with the process that holds it.
**
** The lock is one on the file DATABASE-runN beside the database, made for it and removed at the end.  A
** killed process leaves the file behind without a lock on it.  A database in memory has no such file, and
** needs none: nobody else can see the run.
*/
#ifndef BV_RUN_OWNER_H
#define BV_RUN_OWNER_H

#include "data/db.h"
#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct bv_owner {
  char *path; /* NULL: nothing is held */
  int fd;
} bv_owner;

/* BV_BUSY: somebody else has it. */
BV_MUST bv_rc bv_owner_take(sqlite3 *db, int64_t run, bv_owner *out, bv_err *err);
void bv_owner_drop(bv_owner *o);

#endif
