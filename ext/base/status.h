/*
** status.h - result codes and error texts.
**
** Every function that can fail returns a bv_rc that the caller must look at.  The first place that
** knows why something failed writes the text into the bv_err passed as its last argument; callers
** above only pass the code on (BV_TRY).  A NULL bv_err is allowed: the code alone is returned.
**
** `native` carries the code of the library that failed underneath (a SQLITE_* code), so that the
** outermost layer can answer with exactly that code; 0 where there is none.
*/
#ifndef BV_BASE_STATUS_H
#define BV_BASE_STATUS_H

#include <stddef.h>

typedef enum bv_rc {
  BV_OK = 0,
  BV_NOMEM,     /* an allocation failed */
  BV_RANGE,     /* an index, time or number lies outside what is possible */
  BV_ARG,       /* the caller's argument makes no sense */
  BV_CORRUPT,   /* stored data contradicts itself */
  BV_IO,        /* a file or the database could not be read or written */
  BV_NET,       /* a network request failed */
  BV_BUSY,      /* somebody else holds what is needed */
  BV_LIMIT,     /* a configured ceiling was reached */
  BV_LOOKAHEAD, /* a reader asked for something after its clock */
  BV_INTERRUPT, /* the user asked to stop */
  BV_CONFLICT,  /* a different value is already stored under the same key */
  BV_NOTFOUND,  /* the thing named does not exist */
  BV_INTERNAL   /* a bug in this library */
} bv_rc;

typedef struct bv_err {
  bv_rc rc;
  int native;
  char msg[480];
} bv_err;

#if defined(__GNUC__)
#define BV_MUST              __attribute__((warn_unused_result))
#define BV_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define BV_MUST
#define BV_PRINTF(fmt, args)
#endif

/* Return from the enclosing function when expr is not BV_OK. */
#define BV_TRY(expr)                                                                               \
  do {                                                                                             \
    bv_rc try_rc_ = (expr);                                                                        \
    if (try_rc_ != BV_OK) return try_rc_;                                                          \
  } while (0)

/* Write rc and a printf text into err (if given) and return rc, so that `return bv_fail(...)` reads
** as one sentence.  An error already written stays: the first place that knew why wins. */
BV_PRINTF(3, 4) bv_rc bv_fail(bv_err *err, bv_rc rc, const char *fmt, ...);

/* The same for an error that another library reported with its own code. */
BV_PRINTF(4, 5) bv_rc bv_fail_native(bv_err *err, bv_rc rc, int native, const char *fmt, ...);

/* Empty an error, so that the struct can be used for another call. */
void bv_err_clear(bv_err *err);

/* The code's plain name ("out of memory"), for errors without a text. */
const char *bv_rc_text(bv_rc rc);

/* The text of err, or the code's plain name where nobody wrote one. */
const char *bv_err_text(const bv_err *err, bv_rc rc);

#endif
