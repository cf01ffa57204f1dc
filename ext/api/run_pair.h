/*
** run_pair.h - what the tables bt_compare and bt_diff share: two runs as arguments, and rows that set a thing of
** one beside that of the other.
*/
#ifndef BV_API_RUN_PAIR_H
#define BV_API_RUN_PAIR_H

#include "api/list_table.h"

#define BV_RUN_PAIR_COLUMNS                                                                        \
  "what TEXT, name TEXT, run TEXT, other TEXT, \"run=\" HIDDEN, \"other=\" HIDDEN"

/* The numbers of the runs; 0 where an argument is missing or NULL. */
BV_MUST bv_rc bv_run_pair_args(sqlite3_value *const *arg, int64_t *run, int64_t *other,
                               bv_err *err);

/* A row of the list `ctx`. */
BV_MUST bv_rc bv_run_pair_row(void *ctx, const char *what, const char *name, const char *a,
                              const char *b, bv_err *err);

#endif
