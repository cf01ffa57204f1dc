/*
** capi.h - what the files of the C interface share.
*/
#ifndef BV_API_CAPI_H
#define BV_API_CAPI_H

#include "data/store.h"

/* The SQLITE_* code of an error; *errmsg, where it is given, gets its text. */
int bv_capi_error(char **errmsg, bv_rc rc, const bv_err *err);

/* The connection's store.  BV_ARG: the extension is not loaded there. */
BV_MUST bv_rc bv_capi_store(sqlite3 *db, bv_store **out, bv_err *err);

#endif
