/*
** rows.h - orders, fills, lots and other rows of a run on their way into chunks (row_chunk.h).
**
** Rows gather here, as columns, until there are enough for a chunk.  They can be read meanwhile, through
** the tables (row_scan.h) as through bv_rows_copy, so nothing has to be written before it is read.
**
** A chunk gets the rows with the lowest numbers of those that gathered, and some stay behind: orders
** become final a little out of order, and chunks that do not overlap are read faster.
**
** With a crew (base/crew.h) a full chunk is coded by a thread, and inserted by the caller when the next one of its kind
** is full, or somebody reads or writes rows before (bv_rows_settle).
**
** Where others are to see all that gathered, at a commit in the middle of a run, it is written as a chunk of its
** own, the tail, and stays here: the next chunk takes its place.
*/
#ifndef BV_RUN_ROWS_H
#define BV_RUN_ROWS_H

#include "base/crew.h"
#include "data/sql.h"
#include "run/row_chunk.h"

/* Rows that gather of a kind, and how many of them arrive at once as they are. */
#define BV_ROWS_MAX   (BV_ROW_CHUNK + 512)
#define BV_ROWS_STAGE 64

typedef struct bv_rows_kept {
  size_t n;      /* rows in the columns */
  size_t staged; /* rows behind them, as structs */
  bool mixed;    /* they are not in order of their number */
  bool tail;     /* they are written as a chunk, the tail, whose first number is tail_first, */
  bool more;     /* but those that came since */
  int64_t tail_first;
  void *col[BV_ROW_COLUMNS_MAX];
  bv_block_hint hint[BV_ROW_COLUMNS_MAX];
  char *stage;
  struct bv_rows_away *away; /* a chunk that the crew codes; NULL: there was none yet */
} bv_rows_kept;

typedef struct bv_rows {
  sqlite3 *db;
  int64_t run;
  const bv_sim
      *sim; /* for the names of assets; other texts of rows live until the rows are written */
  sqlite3_stmt *insert, *remove; /* borrowed */
  bv_rows_kept kept[BV_ROWS_KINDS];
  bv_row_room *room; /* NULL until a chunk is written */
  bv_buf data;
  bv_crew *crew; /* borrowed, once there is one; NULL: the caller codes */
} bv_rows;

/* The statement that writes a chunk.  OR FAIL: a run that fails is undone as a whole, so no statement needs
** a journal of its own. */
#define BV_ROWS_INSERT                                                                             \
  "INSERT OR FAIL INTO main.bt_chunk(run, kind, first, last, n, checksum, data)"                   \
  " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"

/* And the one that deletes a tail. */
#define BV_ROWS_REMOVE "DELETE FROM main.bt_chunk WHERE run = ?1 AND kind = ?2 AND first = ?3"

/* Ready for rows of a run, with these statements; `remove` may be NULL where there will be no tails. */
void bv_rows_open(sqlite3 *db, int64_t run, sqlite3_stmt *insert, sqlite3_stmt *remove,
                  bv_rows *out);
void bv_rows_close(bv_rows *r);

/* Add a row, given as the struct of its kind; rows before it may be written. */
BV_MUST bv_rc bv_rows_put(bv_rows *r, bv_rows_kind kind, const void *row, bv_err *err);

/* Add a row given as its columns; texts are borrowed until it is written. */
typedef union bv_row_cell {
  int64_t i;
  double r;
  const char *text;
} bv_row_cell;
BV_MUST bv_rc bv_rows_put_cells(bv_rows *r, bv_rows_kind kind, const bv_row_cell *cell,
                                bv_err *err);

/* Insert what the crew has of a kind. */
BV_MUST bv_rc bv_rows_settle(bv_rows *r, bv_rows_kind kind, bv_err *err);

/* Write all that gathered.  And the same in the middle of a run: as tails. */
BV_MUST bv_rc bv_rows_flush(bv_rows *r, bv_err *err);
BV_MUST bv_rc bv_rows_tails(bv_rows *r, bv_err *err);

/* Every text that rows which gathered, or are on their way through the crew, borrow of their structs, some more than
** once, NULL among them. */
void bv_rows_texts(const bv_rows *r, void (*fn)(void *ctx, const char *text), void *ctx);

/* What gathered of a kind, and is settled, with a number from lo to hi, as a chunk in order of it: the columns of a set of
** bits, the first one always, with copies of texts.  *out is NULL where there is nothing. */
BV_MUST bv_rc bv_rows_copy(bv_rows *r, bv_rows_kind kind, int64_t lo, int64_t hi, uint32_t columns,
                           bv_row_chunk **out);

#endif
