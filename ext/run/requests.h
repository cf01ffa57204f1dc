/*
** requests.h - what a run was asked for, kept in table bt_request, and read again when it is resumed.
**
** What is added gathers until bv_requests_write(); a chunk that is not full is written anew the next time.
*/
#ifndef BV_RUN_REQUESTS_H
#define BV_RUN_REQUESTS_H

#include "run/request_code.h"

typedef struct bv_requests {
  sqlite3 *db;
  int64_t run;
  const char *source; /* 'strategy' or 'program' */
  bv_request_writer out;
  int64_t chunk;   /* its number */
  int64_t written; /* requests of it that are stored */
  bv_request_reader in;
  int64_t in_chunk; /* the one to read next */
  bv_signal next;
  bool ahead; /* next is read */
  bool ended; /* the last one has been */
} bv_requests;

void bv_requests_init(bv_requests *q, sqlite3 *db, int64_t run, const char *source);
void bv_requests_reset(bv_requests *q);

BV_MUST bv_rc bv_requests_add(bv_requests *q, int64_t at, const bv_signal *g);

/* Whether so much has gathered that it should be written. */
bool bv_requests_full(const bv_requests *q);
BV_MUST bv_rc bv_requests_write(bv_requests *q, bv_err *err);

/* The next stored one, borrowed until the one after is looked at; NULL after the last.  And go past it. */
BV_MUST bv_rc bv_requests_peek(bv_requests *q, bv_signal **out, bv_err *err);
void bv_requests_pass(bv_requests *q);

#endif
