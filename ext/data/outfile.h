/*
** outfile.h - new files, plain or compressed, that appear whole or not at all.
**
** Bytes go to a temporary file in the target's directory (its name and ".tmp-" with numbers behind
** it), which is synced and given its name at the end; a crash before that leaves the target as it
** was.  A target that exists is kept, unless overwriting was asked for; where it is a symbolic link,
** the file it points to is replaced.  Targets that are no regular files are refused.
**
** Errors name the target.  They are sticky: after one, every call gives the same code again.
**      BV_IO        cannot be made, written or synced: no such directory, no permission, disk full
**      BV_ARG       the target exists, or is no regular file
*/
#ifndef BV_DATA_OUTFILE_H
#define BV_DATA_OUTFILE_H

#include "base/alloc.h"

#include <stdbool.h>

typedef enum bv_outfile_kind { BV_OUTFILE_PLAIN, BV_OUTFILE_GZIP, BV_OUTFILE_ZSTD } bv_outfile_kind;

typedef struct bv_outfile bv_outfile;

/* level: of gzip 1 to 9, of zstd 1 to 19; 0: 6 and 3. */
BV_MUST bv_rc bv_outfile_open(const char *path, bv_outfile_kind kind, int level, bool overwrite,
                              bv_outfile **out, bv_err *err);

BV_MUST bv_rc bv_outfile_write(bv_outfile *f, const void *p, size_t n, bv_err *err);

/* The temporary file's path, for a plain file that somebody else fills instead. */
const char *bv_outfile_temp(const bv_outfile *f);

/* Finish the file and give it its name; *bytes (may be NULL) is its size.  f is freed in any case; after
** an error there is no file. */
BV_MUST bv_rc bv_outfile_commit(bv_outfile *f, int64_t *bytes, bv_err *err);

/* Give it up: the temporary file is removed.  NULL is fine. */
void bv_outfile_discard(bv_outfile *f);

#endif
