/*
** list_table.h - small read-only tables whose rows are made all at once.
**
** A list table is a name, its columns, and a function that appends rows.  Values are collected as
** SQL values, so a row may hold texts, numbers and NULLs.  Used for settings, counters, coverage
** and the documentation tables.
*/
#ifndef BV_API_LIST_TABLE_H
#define BV_API_LIST_TABLE_H

#include "data/store.h"

#define BV_LIST_MAX_ARG 6

typedef struct bv_list bv_list;

/* SYNC: it reads the store, so notice other connections' commits first (`true` alone means this).  DIRECT:
** not in views and triggers, for it does more than read. */
enum { BV_LIST_SYNC = 1, BV_LIST_DIRECT = 2 };

typedef struct bv_list_def {
  const char *name;
  const char *columns; /* for CREATE TABLE; hidden argument columns come last */
  int ncolumn;         /* without the hidden ones */
  int narg;            /* hidden ones, each an optional equality */
  /* Append rows: for each, bv_list_* once per column.  arg[i] is NULL where not given. */
  bv_rc (*fill)(bv_store *s, bv_list *out, sqlite3_value *const *arg, bv_err *err);
  int flags;
} bv_list_def;

BV_MUST bv_rc bv_list_int(bv_list *l, int64_t v);
BV_MUST bv_rc bv_list_real(bv_list *l, double v);      /* NaN: NULL */
BV_MUST bv_rc bv_list_text(bv_list *l, const char *v); /* NULL: NULL; copied */
BV_MUST bv_rc bv_list_null(bv_list *l);
BV_MUST bv_rc bv_list_value(bv_list *l, sqlite3_value *v);

int bv_list_register(sqlite3 *db, bv_store *s, const bv_list_def *def);

#endif
