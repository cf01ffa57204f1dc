/*
** zip.h - the entries of a zip archive as byte streams.
**
** Read are archives of APPNOTE 6.3.10, zip64 included, without encryption and split parts, entries
** stored or deflated.  The central directory is the truth; a local header must have the same name and
** method.  Everything is checked before it is used: offsets against the file, entries against each
** other (no two may share bytes), each entry's length and CRC against the directory at its end.
**
** Memory is bounded whatever the archive says: the directory (at most BV_ZIP_DIR_MAX bytes) and, per
** open entry, 64 KiB of input and zlib's 32 KiB window.  An entry that gives more bytes than the
** directory says is an error at the first byte too many, and one that says more than BV_ZIP_RATIO_MAX
** times its packed length (above BV_ZIP_RATIO_FROM bytes) is refused unread: no table of bars packs
** like that.
**
**      BV_IO      cannot be opened or read, is cut off, contradicts itself, CRC does not match
**      BV_ARG     not a zip archive, or one of a kind that is not read (the text says which)
**      BV_LIMIT   larger than the limits above
*/
#ifndef BV_DATA_ZIP_H
#define BV_DATA_ZIP_H

#include "data/infile.h"

#define BV_ZIP_DIR_MAX    ((size_t)16 << 20)
#define BV_ZIP_RATIO_MAX  250
#define BV_ZIP_RATIO_FROM (INT64_C(1) << 20)

typedef struct bv_zip bv_zip;

typedef struct bv_zip_entry {
  const char *name; /* as in the archive, without control characters; a directory ends in '/' */
  int64_t size;     /* bytes unpacked */
  int64_t packed;
} bv_zip_entry;

/* Whether a file that begins so is a zip archive. */
bool bv_zip_magic(const char *p, size_t n);

/* Open an archive and read its directory.  It must be a regular file. */
BV_MUST bv_rc bv_zip_open(const char *path, bv_zip **out, bv_err *err);

/* The same in n bytes of memory that must outlive the archive; `name` is used in errors. */
BV_MUST bv_rc bv_zip_open_memory(const void *p, size_t n, const char *name, bv_zip **out,
                                 bv_err *err);

size_t bv_zip_count(const bv_zip *z);

/* Entry i, in the order of the directory; borrowed from the archive. */
const bv_zip_entry *bv_zip_at(const bv_zip *z, size_t i);

/* Entry i as a stream, named "archive.zip/entry" in errors.  The archive must outlive it.  Several may
** be open at once. */
BV_MUST bv_rc bv_zip_stream(const bv_zip *z, size_t i, bv_infile **out, bv_err *err);

/* NULL is fine. */
void bv_zip_close(bv_zip *z);

#endif
