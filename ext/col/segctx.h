/*
** segctx.h - scratch of segment coding.  Internal to the segment files.
*/
#ifndef BV_COL_SEGCTX_H
#define BV_COL_SEGCTX_H

#include "col/bitpack.h"
#include "col/patch.h"
#include "col/segdir.h"

/* One growing array that keeps its memory between calls. */
typedef struct seg_scratch {
  void *p;
  size_t cap;
} seg_scratch;

struct bv_segctx {
  void *compressor, *decompressor; /* made at first use */
  struct bv_segread *reader;       /* the same, for segments that are decoded whole */
  seg_scratch plane;               /* bits above the packed ones */
  seg_scratch plane_z;             /* the same, compressed */
  seg_scratch ints, vol_ints;      /* int64 of a segment, of a block's volumes */
  seg_scratch residual;            /* uint64 of a segment */
  seg_scratch patch, vol_patch;    /* a byte for each of them */
  seg_scratch packed;              /* packed blocks */
  seg_scratch block;               /* directory entries of a segment */
  bv_buf patches;                  /* stored patch lists of a segment */
  bv_buf dir;                      /* the directory as stored */
  uint64_t wide[SEG_BLOCK_MAX];    /* residuals of a block while decoding */
  uint32_t narrow[SEG_BLOCK_MAX];
};

/* At least n bytes of scratch, or NULL. */
void *bv_seg_room(seg_scratch *s, size_t n);

/* Entropy-code n bytes of a plane into the scratch plane_z; *z gets the size. */
BV_MUST bv_rc bv_seg_deflate(bv_segctx *ctx, const uint8_t *plane, size_t n, int level, size_t *z,
                             bv_err *err);

/* And back: nz bytes of it to exactly n. */
BV_MUST bv_rc bv_seg_inflate(bv_segctx *ctx, const uint8_t *z, size_t nz, uint8_t *out, size_t n,
                             bv_err *err);

#endif
