/*
** document.h - one JSON document that describes a backtest, read and checked.
**
** Everything wrong with it is found at once, each with its place: unknown keys with the nearest known one,
** values of a wrong type or range, files and environment variables that are not there, limits that
** contradict each other.  Any text may hold ${NAME}: the environment variable's value takes its place
** where the document is used, never where it is stored.
**
** Of a good document there is the flat configuration that bt_run() takes, once with these values and
** once as written, and the texts that are not part of it: sources, feed, strategy.
*/
#ifndef BV_RUN_DOCUMENT_H
#define BV_RUN_DOCUMENT_H

#include "base/buf.h"
#include "base/map.h"
#include "data/store.h"

typedef struct bv_doc_error {
  char *path; /* "$.execution.cahs" */
  char *message;
} bv_doc_error;

typedef struct bv_document {
  bv_doc_error *error;
  int nerror;
  bv_err failed;       /* what kept it from being read at all */
  bv_map text;         /* path -> char *, of the keys the document itself needs */
  bv_buf flat, stored; /* flat configuration: as used; as written, with ${NAME} */
} bv_document;

/* Read a document.  BV_OK also where it has errors, which are then in *out. */
BV_MUST bv_rc bv_document_read(bv_store *s, const char *text, bv_document *out, bv_err *err);
void bv_document_reset(bv_document *d);

/* The value of a key, numbers, lists and objects as JSON; NULL where it is not given. */
const char *bv_document_text(const bv_document *d, const char *path);

/* One more error. */
BV_MUST BV_PRINTF(3, 4) bv_rc
    bv_document_error(bv_document *d, const char *path, const char *fmt, ...);

/* The first errors as one, for a caller that wants to go on. */
bv_rc bv_document_fail(const bv_document *d, bv_err *err);

/* A text with its variables' values, to be freed; *missing names one that is not defined. */
BV_MUST bv_rc bv_expand(const char *text, char **out, char missing[64]);

#endif
