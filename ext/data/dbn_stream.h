/*
** dbn_stream.h - the decoded bytes of a DBN file, piece by piece and record by record.
*/
#ifndef BV_DATA_DBN_STREAM_H
#define BV_DATA_DBN_STREAM_H

#include "data/infile.h"

typedef struct bv_dbn_stream {
  bv_infile *in;
  uint8_t *buf;
  size_t lo, hi; /* bytes read and not yet taken: buf[lo, hi) */
  bool ended;    /* there are no more than those */
  int64_t base;  /* place of buf[0] in the decoded file */
  int64_t records;
} bv_dbn_stream;

/* No piece can be longer. */
#define BV_DBN_PIECE_MAX ((size_t)64 * 1024)

/* Start on a stream, which is taken over, also when this call fails. */
BV_MUST bv_rc bv_dbn_stream_open(bv_dbn_stream *s, bv_infile *in, bv_err *err);

/* Close; all zero is fine. */
void bv_dbn_stream_close(bv_dbn_stream *s);

/* Take n (at most BV_DBN_PIECE_MAX) bytes, borrowed until the next call; *p is NULL where the file
** has fewer, and nothing is taken then. */
BV_MUST bv_rc bv_dbn_stream_take(bv_dbn_stream *s, size_t n, const uint8_t **p, bv_err *err);

/* Pass over n bytes; BV_IO where the file has fewer. */
BV_MUST bv_rc bv_dbn_stream_skip(bv_dbn_stream *s, uint64_t n, bv_err *err);

/* The next record of a file of that version, borrowed until the next call; NULL at the end.  Its
** length is at least what its kind needs.  BV_IO: a length that cannot be, or the file is cut off. */
BV_MUST bv_rc bv_dbn_stream_next(bv_dbn_stream *s, int version, const uint8_t **rec, bv_err *err);

/* Where the next piece lies in the decoded file. */
long long bv_dbn_stream_at(const bv_dbn_stream *s);

#endif
