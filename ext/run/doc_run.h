/*
** doc_run.h - the run that a document describes.
**
** Its bars are imported, its signals loaded, its feed and its strategy made as TEMP objects, which are gone
** when the run has ended.  All of it is one savepoint: after an error nothing is left.  With the key checkpoint what the
** document brings is committed before the run, and a part of the run with it (keep.h).
*/
#ifndef BV_RUN_DOC_RUN_H
#define BV_RUN_DOC_RUN_H

#include "run/document.h"
#include "run/run.h"

/* how: version, knobs, zone and end as for any run; the rest is the document's. */
BV_MUST bv_rc bv_document_run(bv_store *s, const char *text, const bv_run_start *how, int64_t *id,
                              bv_err *err);

/* Everything that is wrong with a document, also what only the database can tell. */
BV_MUST bv_rc bv_document_check(bv_store *s, const char *text, bv_document *out, bv_err *err);

/* What identifies a file: "1234 bytes, 0123456789abcdef"; NULL where it cannot be read. */
BV_MUST bv_rc bv_file_print(const char *path, char out[64], bool *there);

#endif
