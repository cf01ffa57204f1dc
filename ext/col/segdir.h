/*
** segdir.h - head and block directory of a segment blob: the parts that are read without decoding.
**
** Internal to the segment files.  The stored format is in segment.c.
*/
#ifndef BV_COL_SEGDIR_H
#define BV_COL_SEGDIR_H

#include "col/segment.h"

enum {
  SEG_MAGIC = 0x42,
  SEG_BLOCK_LOG2_MIN = 8,
  SEG_BLOCK_LOG2_MAX = 12,
  SEG_BLOCK_MAX = 1 << SEG_BLOCK_LOG2_MAX,
  SEG_CRC = 4,
  SEG_FLAG_PLANE = 1
};

/* The fixed part of a head. */
typedef struct bv_seg_head {
  bv_column col;
  bool plane;       /* an entropy-coded plane follows the head */
  uint32_t total;   /* bytes of the blob */
  uint32_t n;       /* bars */
  unsigned log2;    /* bars of a block */
  bv_pred pred;     /* of every block */
  unsigned h;       /* bits of a value in the plane */
  uint32_t plane_z; /* bytes of the plane as stored */
  uint32_t dir;     /* bytes of the directory */
} bv_seg_head;

/* One entry of the directory. */
typedef struct bv_seg_block {
  bv_model model;
  size_t at, n;                         /* bars */
  bool wide, zero, patched;             /* see the format */
  bool exact, has_dot;                  /* k_... and sums hold; dot holds */
  uint32_t bytes;                       /* payload */
  size_t nulls;                         /* NaN */
  int64_t k_last, k_min, k_max;         /* exact or time: integers; the first is model.first */
  uint64_t sum;                         /* exact: sum of k - k_min */
  bv_u128 sumsq;                        /* exact close: sum of (k - k_min)^2 */
  bv_i128 dot;                          /* sum of k * volume integer * volume g */
  int vol_scale;                        /* decimal places of the volume in dot */
  double d_first, d_last, d_min, d_max; /* otherwise */
} bv_seg_block;

/* A reader's place in the directory. */
typedef struct bv_seg_cursor {
  const uint8_t *p, *end;
  size_t at;    /* bars passed */
  size_t bytes; /* payload passed */
} bv_seg_cursor;

size_t bv_seg_nblock(const bv_seg_head *h);
size_t bv_seg_head_size(const bv_seg_head *h); /* with its checksum */

/* Read and verify the head, checksum included; the cursor is set to the first entry. */
BV_MUST bv_rc bv_seg_head_read(const uint8_t *p, size_t bytes, bv_seg_head *h, bv_seg_cursor *c,
                               bv_err *err);

/* Read the next entry; the caller asks at most bv_seg_nblock times. */
BV_MUST bv_rc bv_seg_block_read(const bv_seg_head *h, bv_seg_cursor *c, bv_seg_block *b,
                                bv_err *err);

/* Append an entry, and a fixed part. */
BV_MUST bv_rc bv_seg_block_write(bv_column col, const bv_seg_block *b, bv_buf *out);
BV_MUST bv_rc bv_seg_head_write(const bv_seg_head *h, bv_buf *out);

/* Fill the statistics of a block from its values, integers and patches.  volume: the volumes of the
** same bars on a grid (model, integers), or NULL. */
void bv_seg_block_measure(bv_column col, const double *x, const int64_t *k, const uint8_t *patch,
                          const bv_model *volume, const int64_t *volume_k, bv_seg_block *b);
void bv_seg_block_measure_time(const int64_t *ts, bv_seg_block *b);

/* The public statistics of one entry, and of all of them in order. */
void bv_seg_stat_begin(const bv_seg_head *h, bv_seg_stat *out);
void bv_seg_stat_add(const bv_seg_head *h, const bv_seg_block *b, bv_seg_stat *out);

/* Little-endian base-128 integers; a reader returns NULL where the bytes end or overflow. */
BV_MUST bv_rc bv_varint_put(bv_buf *out, uint64_t x);
const uint8_t *bv_varint_get(const uint8_t *p, const uint8_t *end, uint64_t *x);

#endif
