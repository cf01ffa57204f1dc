/*
** partition_move.h - moving bars of past periods out of a store's file and back.
**
** Out: the bars of a period are copied into a file, which is complete and safe on the disk before anything else happens.
** Then, in one transaction of the store's, the file is recorded and the bars are removed from the store.  Readers go by
** what is recorded, so at every instant each bar is seen once; who is stopped in between leaves a file that nobody
** knows, which the next move of the same bars takes.
**
** Back: in one transaction the bars are written to the store and the record is removed.  The file stays where it is.
*/
#ifndef BV_DATA_PARTITION_MOVE_H
#define BV_DATA_PARTITION_MOVE_H

#include "base/buf.h"
#include "data/store.h"

/* Move out what lies in whole periods ("month", "quarter", "year"; of UTC) before an instant.  options: a JSON object with
** `before` (default: the period that holds the newest bar stays), `dir` (where the files go; relative to the store's
** own directory, which is the default) and `timestep` (default: those shorter than a day).  What was done is appended
** to out as JSON. */
BV_MUST bv_rc bv_partition_out(bv_store *s, const char *period, const char *options, bv_buf *out,
                               bv_err *err);

/* Bring back the bars of a file, as it is recorded; NULL: of all. */
BV_MUST bv_rc bv_partition_in(bv_store *s, const char *file, bv_buf *out, bv_err *err);

#endif
