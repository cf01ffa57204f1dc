/*
** args.h - SQL values as our arguments, and our errors as SQL results.
*/
#ifndef BV_API_ARGS_H
#define BV_API_ARGS_H

#include "data/store.h"

/* The SQLITE_* code for an error. */
int bv_sqlite_code(bv_rc rc, const bv_err *err);

/* Give a function's result as the error; `who` is put in front unless the text starts with it. */
void bv_result_error(sqlite3_context *ctx, const char *who, bv_rc rc, const bv_err *err);

/* Put the error into a virtual table's message and return its SQLITE_* code. */
int bv_vtab_error(sqlite3_vtab *tab, bv_rc rc, const bv_err *err);

/* The same, with `who` in front unless the text starts with it. */
int bv_vtab_error_of(sqlite3_vtab *tab, const char *who, bv_rc rc, const bv_err *err);

/* The error `why` passed on, with `who` in front unless its text starts with it. */
bv_rc bv_fail_named(bv_err *err, const char *who, bv_rc rc, const bv_err *why);

/* An instant from an integer (epoch seconds), a real without fraction, or ISO-8601 text; text
** without an offset is local time of `zone`.  who and arg name the place in errors. */
BV_MUST bv_rc bv_arg_instant(sqlite3_value *v, const bv_zone *zone, const char *who,
                             const char *arg, int64_t *out, bv_err *err);

/* The optional arguments start and end, arg[0] and arg[1]: [*lo, *hi) shrinks to them. */
BV_MUST bv_rc bv_arg_range(sqlite3_value *const *arg, const bv_zone *zone, const char *who,
                           int64_t *lo, int64_t *hi, bv_err *err);

/* A finite or infinite number; text that reads as one counts.  BV_ARG otherwise. */
BV_MUST bv_rc bv_arg_number(sqlite3_value *v, const char *who, const char *arg, double *out,
                            bv_err *err);

/* Whether an argument is NULL, or (v = NULL) not given. */
bool bv_arg_null(sqlite3_value *v);

/* 0 or 1; 0 where nothing is given.  BV_ARG otherwise. */
BV_MUST bv_rc bv_arg_flag(sqlite3_value *v, const char *who, const char *arg, bool *out,
                          bv_err *err);

/* The text of an optional argument: *out is NULL where v is, or where it is not given.  BV_NOMEM. */
BV_MUST bv_rc bv_arg_optional(sqlite3_value *v, const char **out);

/* Text of a value that is not NULL (numbers as their text); NULL where memory runs out. */
const char *bv_arg_text(sqlite3_value *v);

/* Release a bv_store held as a module's or function's client data. */
void bv_store_release(void *store);

/* The number of a run, or its error.  After an interrupt id > 0 says that a part of it is kept. */
void bv_result_run(sqlite3_context *ctx, const char *who, bv_rc rc, const bv_err *err, int64_t id);

#endif
