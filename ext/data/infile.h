/*
** infile.h - byte streams from plain, gzip and zstd files.
**
** The compression is told from the first bytes, never from the name.  A gzip file may have several
** members and a zstd file several frames (skippable ones included); their contents follow each
** other.  Memory is bounded whatever the file says: one input buffer of 64 KiB, zlib's 32 KiB
** window and a zstd window of at most 2^27 bytes (a frame that wants more is an error).  zlib
** allocates through bv_alloc; libzstd's stable interface takes no allocator, so its decoder, which
** is a little more than the frame's window, is not in the counters.
**
** Errors name the file and the byte of the (compressed) input.  They are sticky: after one, every
** read gives the same code again.
**      BV_IO      cannot be opened or read; compressed data is damaged, cut off or followed by
**                 bytes that belong to no member or frame
**      BV_LIMIT   the zstd window is too large
*/
#ifndef BV_DATA_INFILE_H
#define BV_DATA_INFILE_H

#include "base/alloc.h"

#include <stdbool.h>
#include <stdint.h>

#define BV_INFILE_PEEK_MAX 512

typedef struct bv_infile bv_infile;

typedef enum bv_infile_kind { BV_INFILE_PLAIN, BV_INFILE_GZIP, BV_INFILE_ZSTD } bv_infile_kind;

/* Where raw bytes come from.  `read` stores up to cap bytes and their number; 0 is the end.  It may
** give fewer than asked for.  `close` may be NULL. */
typedef struct bv_infile_source {
  bv_rc (*read)(void *ctx, void *p, size_t cap, size_t *n, bv_err *err);
  void (*close)(void *ctx);
  void *ctx;
} bv_infile_source;

/* Open a file, pipe or device.  A directory or a missing file is BV_IO with the system's reason. */
BV_MUST bv_rc bv_infile_open(const char *path, bv_infile **out, bv_err *err);

/* Read from n bytes of memory that must outlive the stream; `name` is used in errors. */
BV_MUST bv_rc bv_infile_open_memory(const void *p, size_t n, const char *name, bv_infile **out,
                                    bv_err *err);

/* Read from the caller's source, which is closed with the stream, and also when this call fails. */
BV_MUST bv_rc bv_infile_open_source(bv_infile_source source, const char *name, bv_infile **out,
                                    bv_err *err);

/* Store up to cap (> 0) decoded bytes at p and their number in *n; less than cap is no sign of the
** end, *n = 0 is. */
BV_MUST bv_rc bv_infile_read(bv_infile *f, void *p, size_t cap, size_t *n, bv_err *err);

/* The next decoded bytes without consuming them: `want` (at most BV_INFILE_PEEK_MAX) or, near the
** end, fewer.  Borrowed until the next read or peek. */
BV_MUST bv_rc bv_infile_peek(bv_infile *f, size_t want, const char **p, size_t *n, bv_err *err);

/* The name for messages: the path's last part, or the name given. */
const char *bv_infile_name(const bv_infile *f);

bv_infile_kind bv_infile_kind_of(const bv_infile *f);

/* "plain", "gzip", "zstd" */
const char *bv_infile_kind_name(bv_infile_kind kind);

/* Bytes taken from the source so far (compressed). */
int64_t bv_infile_bytes_in(const bv_infile *f);

/* NULL is fine. */
void bv_infile_close(bv_infile *f);

#endif
