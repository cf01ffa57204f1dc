/*
** strategy.h - a strategy view, prepared: its rows as requests for the simulator.
*/
#ifndef BV_RUN_STRATEGY_H
#define BV_RUN_STRATEGY_H

#include "base/buf.h"
#include "data/sql.h"
#include "sim/sim.h"

#include <stdbool.h>

/* Columns beside asset, known_at and the targets, in the order of the table in strategy.c. */
enum { BV_ROW_COLUMNS = 18 };

typedef struct bv_strategy {
  sqlite3 *db;
  char *name;
  char *sql;       /* text of the view */
  char label[100]; /* "view 'name'", for errors */
  bool set_mode;   /* has known_at: evaluated once, in order */
  sqlite3_stmt *st;
  int at_ask[4];              /* column numbers in st by bv_ask, -1 where absent */
  int ncolumn;                /* of the others, those the view has: */
  int column[BV_ROW_COLUMNS]; /* which, */
  int at[BV_ROW_COLUMNS];     /* and where in st */
} bv_strategy;

/* The texts of a row. */
enum {
  BV_TEXT_ASSET,
  BV_TEXT_TAG,
  BV_TEXT_OCO,
  BV_TEXT_CLOSES,
  BV_TEXT_OTO,
  BV_TEXT_COMBO,
  BV_TEXT_CANCEL,
  BV_TEXT_REPLACE,
  BV_TEXTS
};

/* One row.  Texts are valid until the next row; NULL where there is none. */
typedef struct bv_signal {
  int64_t known_at; /* set mode */
  const char *text[BV_TEXTS];
  bv_sim_request ask; /* but asset, tag, oco and closes */
  bool none;          /* it asks for nothing: no target, no cancel, no replace */
  bool no_order;      /* no target */
} bv_signal;

/* Find and prepare the view.  BV_NOTFOUND: no such view; BV_ARG: it is not a view, or lacks the columns
** a strategy needs (the text lists what it has and what is needed). */
BV_MUST bv_rc bv_strategy_open(sqlite3 *db, const char *name, bv_strategy *out, bv_err *err);
void bv_strategy_close(bv_strategy *s);

/* Read a set-mode strategy without sorting it, where that gives the same (in_order.h). */
BV_MUST bv_rc bv_strategy_unsorted(bv_strategy *s, bv_err *err);

/* Let a view that was opened under another name pass for the one it stands in for, which had this text. */
BV_MUST bv_rc bv_strategy_call(bv_strategy *s, const char *name, const char *sql);

/* The next row; *more = false at the end (the statement is then reset).  A row that makes no sense is
** BV_ARG with its number's text. */
BV_MUST bv_rc bv_strategy_next(bv_strategy *s, bv_signal *out, bool *more, bv_err *err);

/* The text of a view, to be freed; *sql = NULL where no database of the connection has one of this name. */
BV_MUST bv_rc bv_view_text(sqlite3 *db, const char *name, char **sql, bv_err *err);

#endif
