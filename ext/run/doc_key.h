/*
** doc_key.h - the keys of a document that describes a backtest, as data.
**
** A key is a dotted path ("execution.initial_capital").  Besides the keys of the table a document takes
** every key of a run's flat configuration, at its top or in the sections execution, costs and account.
*/
#ifndef BV_RUN_DOC_KEY_H
#define BV_RUN_DOC_KEY_H

#include <stdbool.h>

typedef enum bv_doc_kind {
  BV_DOC_SECTION, /* an object of such keys */
  BV_DOC_TEXT,    /* a text that the document itself needs */
  BV_DOC_NUMBER,  /* a number that it needs */
  BV_DOC_FILE,    /* the same, naming a file that must be there */
  BV_DOC_TREE,    /* an object or a list that it needs, not looked into here */
  BV_DOC_ANY,     /* kept with the run, used for nothing */
  BV_DOC_FLAT,    /* key `to` of the flat configuration, any value it takes */
  BV_DOC_MAP, /* the same by a list of values: "in>to=out;in>to=out"; `in` alone: nothing to do */
  BV_DOC_RISK /* a fraction that becomes percent of the risk rule `to` */
} bv_doc_kind;

typedef struct bv_doc_key {
  const char *path;
  bv_doc_kind kind;
  const char *to;
  const char *doc; /* what it is, or for values a map does not have what we call it */
} bv_doc_key;

const bv_doc_key *bv_doc_keys(int *n);

/* The key of a path, or NULL. */
const bv_doc_key *bv_doc_key_find(const char *path);

/* The key of the flat configuration that a path of a document is ("execution.units": "units"); NULL where
** it is none.  *section: it is an object with such keys ("commission"). */
const char *bv_doc_flat(const char *path, bool *section);

/* Names that could be meant in place of `path`, ended by NULL, into out[max]: paths with the same
** section. */
void bv_doc_near(const char *path, const char **out, int max);

#endif
