/*
** check.h - verifying everything that is stored.
**
** Nothing is trusted and nothing is changed: every row of every table is read, every segment decoded
** and compared with its statistics.  What is wrong is named, and the check goes on.
*/
#ifndef BV_DATA_CHECK_H
#define BV_DATA_CHECK_H

#include "data/store.h"

/* One check.  `found` is called for every problem: the table, its row's id (of tables without one the
** series' number; 0: the table as a whole) and a sentence.  Its error ends the check. */
typedef struct bv_check {
  bv_store *s; /* the store checked: main's, an attached one, or a partition */
  bv_rc (*found)(void *ctx, const char *object, int64_t id, const char *problem);
  void *ctx;
} bv_check;

/* Check one database.  Errors are those of memory, of interrupts, of the file, and of `found`; damage is
** a problem, not an error. */
BV_MUST bv_rc bv_check_store(bv_check *c, bv_err *err);

/* Report a problem; printf. */
BV_PRINTF(4, 5)
BV_MUST bv_rc bv_check_report(bv_check *c, const char *object, int64_t id, const char *fmt, ...);

/* Damage found while reading is a problem like others: report it and go on. */
BV_MUST bv_rc bv_check_damage(bv_check *c, const char *object, int64_t id, bv_rc rc, bv_err *why,
                              bv_err *err);

/* Whether the database has a table of that name. */
BV_MUST bv_rc bv_check_has_table(bv_check *c, const char *name, bool *out, bv_err *err);

/* What is wrong with a stored bar, or NULL.  Unlike one that is inserted it may have negative prices. */
const char *bv_check_bar(const double value[BV_NCOL]);

/* The segments and their statistics (check_seg.c); part of bv_check_store. */
BV_MUST bv_rc bv_check_segments(bv_check *c, bv_err *err);

/* The partitions of a store: each file like a store, and what the tables say of it (check_part.c). */
BV_MUST bv_rc bv_check_partitions(bv_check *c, bv_err *err);

#endif
