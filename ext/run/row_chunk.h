/*
** row_chunk.h - some rows of a result table as bytes, and back.
**
** In memory rows are columns: an array of 8-byte values for each (row_table.h says of which kind).  What is
** stored is a row of table bt_chunk; the form of its data is in row_chunk.c.  Rows of a chunk are in
** order of their number, each number once.  Chunks of a run and kind may overlap: an order that
** waited long is in a later chunk than its neighbours.
*/
#ifndef BV_RUN_ROW_CHUNK_H
#define BV_RUN_ROW_CHUNK_H

#include "col/block.h"
#include "run/row_table.h"

#define BV_ROW_CHUNK BV_BLOCK_MAX /* rows, at most */

/* Texts of a column while it is coded: which of them are new. */
typedef struct bv_row_dict {
  int n;
  const char *text[BV_ROW_CHUNK];
  size_t bytes[BV_ROW_CHUNK];
  const char *seen[2 * BV_ROW_CHUNK]; /* pointers met, hashed; they outnumber texts */
  uint16_t seen_as[2 * BV_ROW_CHUNK];
  uint16_t slot[2 * BV_ROW_CHUNK]; /* number of a text + 1, by its hash */
  int64_t code[BV_ROW_CHUNK];
} bv_row_dict;

typedef struct bv_row_room {
  bv_block_room block;
  bv_row_dict dict;
} bv_row_room;

/* Append 0 < n <= BV_ROW_CHUNK rows; hint[] has one for each column, or is NULL. */
BV_MUST bv_rc bv_row_encode(bv_row_room *room, const bv_row_table *t, void *const *col, size_t n,
                            bv_block_hint *hint, bv_buf *out);

/* A chunk that is read: the bytes, and the columns that were asked for. */
typedef struct bv_row_chunk {
  const bv_row_table *table;
  size_t n;
  int64_t first, last; /* number of the first and last row */
  int64_t bytes;       /* of memory */
  uint8_t *data;       /* NULL: all columns are there that ever will be */
  char *texts;         /* then: what the texts of its own point to, or NULL */
  int stored;          /* columns in data */
  const uint8_t *at[BV_ROW_COLUMNS_MAX];
  size_t size[BV_ROW_COLUMNS_MAX];
  void *col[BV_ROW_COLUMNS_MAX]; /* NULL: not decoded yet */
} bv_row_chunk;

/* Take a row of bt_chunk; the bytes are copied.  BV_CORRUPT where they are not such a chunk. */
BV_MUST bv_rc bv_row_chunk_new(const bv_row_table *t, const void *data, int64_t size, int64_t n,
                               int64_t first, int64_t last, int64_t checksum, bv_row_chunk **out,
                               bv_err *err);

/* A chunk without bytes, with memory for n rows of the columns of a set of bits. */
BV_MUST bv_row_chunk *bv_row_chunk_empty(const bv_row_table *t, size_t n, uint32_t columns);
void bv_row_chunk_free(bv_row_chunk *c);

/* Decode a column, once.  `room` is scratch, made where it is NULL. */
BV_MUST bv_rc bv_row_chunk_need(bv_row_chunk *c, int column, bv_row_room **room, bv_err *err);

/* The place of the first of n rising numbers that is not below one. */
size_t bv_row_lower(const int64_t *id, size_t n, int64_t number);

/* Decode all of it. */
BV_MUST bv_rc bv_row_chunk_all(bv_row_chunk *c, bv_row_room **room, bv_err *err);

static inline const int64_t *bv_row_numbers(const bv_row_chunk *c) {
  return c->col[0];
}

#endif
