/*
** request_code.h - what a strategy or a program asked for, as bytes: a chunk of table bt_request.
**
**      per request   varint zigzag(instant less the one before; at first the instant itself)
**                    varint mask of the fields that are not as in the request before (at first: not 0, or there)
**                    these fields, lowest bit first:
**                      number    8 bytes, an IEEE double to the bit
**                      whole     varint zigzag
**                      text      varint 0 where there is none, else length + 1, and the bytes
**      at the end    CRC-32C of all bytes before
**
** Bits of the mask: 0 asset (text), 1 amount (number), 2 what is asked for (whole: bv_ask), 3 nothing at all (whole:
** 0, 1), 4 no order (whole), 5 tag (text), 6 order type (whole: bv_order_type), 7 limit, 8 stop, 9 take_profit, 10 stop_loss
** (numbers), 11 time in force (whole: bv_tif), 12 expire_at (whole), 13 trail_amount, 14 trail_percent (numbers),
** 15 reduce_only (whole), 16 oco, 17 closes, 18 oto, 19 cancel, 20 replace, 21 combo (texts), 22 net_limit (number), 23
** whether it has one (whole).  Little-endian.
**
** Strategies mostly repeat themselves, so most requests take two bytes.
*/
#ifndef BV_RUN_REQUEST_CODE_H
#define BV_RUN_REQUEST_CODE_H

#include "run/strategy.h"

/* A request whose texts are copies. */
typedef struct bv_request_state {
  int64_t at;
  bv_signal g;
  char *text[BV_TEXTS];
  size_t cap[BV_TEXTS];
} bv_request_state;

typedef struct bv_request_writer {
  bv_buf buf;
  int64_t n, first;
  bv_request_state last;
} bv_request_writer;

void bv_request_writer_init(bv_request_writer *w);
void bv_request_writer_reset(bv_request_writer *w);

/* Begin a chunk. */
void bv_request_begin(bv_request_writer *w);
BV_MUST bv_rc bv_request_put(bv_request_writer *w, int64_t at, const bv_signal *g);

/* The chunk so far, borrowed; more can be put afterwards. */
BV_MUST bv_rc bv_request_bytes(bv_request_writer *w, const void **p, size_t *n);

typedef struct bv_request_reader {
  bv_buf blob;
  size_t pos, size;
  int64_t left;
  bv_request_state now;
} bv_request_reader;

void bv_request_reader_init(bv_request_reader *r);
void bv_request_reader_reset(bv_request_reader *r);

/* Take a chunk of n requests (copied).  BV_CORRUPT: it is damaged. */
BV_MUST bv_rc bv_request_load(bv_request_reader *r, const void *p, size_t size, int64_t n,
                              bv_err *err);

/* The next one, of reader->left: borrowed until the next call.  known_at is its instant. */
BV_MUST bv_rc bv_request_get(bv_request_reader *r, bv_signal *out, bv_err *err);

#endif
