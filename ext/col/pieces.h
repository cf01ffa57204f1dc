/*
** pieces.h - the value columns of a sealed chunk, decoded a piece at a time.
**
** The columns are held compressed; decoded are the bars at hand and, with a crew (base/crew.h), those after them: a
** thread decodes them while the owner works on the ones at hand.
**
**      bars of the chunk    | used up | at hand | ahead   |  compressed        |
**                                     at        at + n
**
** All columns have the same pieces.  Only columns that are wanted are decoded; another one can be asked for while its piece
** is at hand, and costs nothing where it is not.
*/
#ifndef BV_COL_PIECES_H
#define BV_COL_PIECES_H

#include "base/crew.h"
#include "col/segment.h"

/* Bars of a piece: a multiple of the frames of segments. */
#define BV_PIECE 1024

typedef struct bv_piece {
  int64_t at, n;
  unsigned have;  /* columns that are decoded */
  unsigned whole; /* those of them in which there is no NaN for sure */
  const double *col[BV_SEG_NCOL];
} bv_piece;

typedef struct bv_pieces bv_pieces;

/* For these columns; number tells those apart that are read side by side. */
BV_MUST bv_rc bv_pieces_new(unsigned columns, int number, bv_pieces **out);
void bv_pieces_free(bv_pieces *p, bv_crew *crew);

/* Bytes for so many columns of so many bars, about. */
int64_t bv_pieces_bytes(int columns, int64_t bars);

/* Let go of the chunk at hand; then begin with another one: keep copies of the blobs of its columns, n bars each. */
void bv_pieces_leave(bv_pieces *p, bv_crew *crew);
BV_MUST bv_rc bv_pieces_hold(bv_pieces *p, bv_column col, const void *blob, size_t bytes);
void bv_pieces_begin(bv_pieces *p, int64_t n);

/* The columns that are held. */
unsigned bv_pieces_has(const bv_pieces *p);

/* The columns that are wanted from now on, of those that are held: all of them at first, close always.  With a column those
** that it is coded against must be wanted. */
void bv_pieces_want(bv_pieces *p, unsigned columns);

/* The piece at hand, of no bars at the beginning. */
const bv_piece *bv_pieces_at(const bv_pieces *p);

/* Let the crew (not NULL) decode the next piece, if there is one. */
void bv_pieces_ahead(bv_pieces *p, bv_crew *crew);

/* Go on to the next piece, of no bars at the end; the one before is no more.  *bad is the column that an error is about, whose
** text is that of bv_segment_decode. */
BV_MUST bv_rc bv_pieces_next(bv_pieces *p, bv_crew *crew, bv_segctx *ctx, int *bad, bv_err *err);

/* Decode what of the wanted columns is not decoded of the piece at hand. */
BV_MUST bv_rc bv_pieces_fill(bv_pieces *p, bv_segctx *ctx, int *bad, bv_err *err);

#endif
