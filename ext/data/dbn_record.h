/*
** dbn_record.h - what DBN records look like: kinds, sizes, layouts, schemas, publishers.
**
** Every record begins with 16 bytes: u8 length in words of 4 bytes, u8 rtype, u16 publisher,
** u32 instrument, u64 ts_event (ns since 1970, UTC).  Numbers are little-endian and not aligned.
*/
#ifndef BV_DATA_DBN_RECORD_H
#define BV_DATA_DBN_RECORD_H

#include "base/status.h"
#include "time/timestep.h"

#include <stdint.h>

#define BV_DBN_VERSIONS   3
#define BV_DBN_HEADER     ((size_t)16)
#define BV_DBN_NO_PRICE   INT64_MAX
#define BV_DBN_NO_TIME    UINT64_MAX
#define BV_DBN_NO_SIZE    UINT32_MAX
#define BV_DBN_NO_SCHEMA  0xFFFF
#define BV_DBN_RTYPE_BARS 0x11 /* bars of the schema's length, in old files */

static inline uint16_t bv_dbn_u16(const uint8_t *p) {
  return (uint16_t)(p[0] | p[1] << 8);
}
static inline uint32_t bv_dbn_u32(const uint8_t *p) {
  return (uint32_t)bv_dbn_u16(p) | (uint32_t)bv_dbn_u16(p + 2) << 16;
}
static inline uint64_t bv_dbn_u64(const uint8_t *p) {
  return (uint64_t)bv_dbn_u32(p) | (uint64_t)bv_dbn_u32(p + 4) << 32;
}
static inline int64_t bv_dbn_i64(const uint8_t *p) {
  return (int64_t)bv_dbn_u64(p);
}

/* Fields of the header. */
static inline size_t bv_dbn_bytes(const uint8_t *rec) {
  return (size_t)rec[0] * 4;
}
static inline uint8_t bv_dbn_rtype(const uint8_t *rec) {
  return rec[1];
}
static inline uint16_t bv_dbn_publisher(const uint8_t *rec) {
  return bv_dbn_u16(rec + 2);
}
static inline uint32_t bv_dbn_instrument(const uint8_t *rec) {
  return bv_dbn_u32(rec + 4);
}
static inline uint64_t bv_dbn_ts_event(const uint8_t *rec) {
  return bv_dbn_u64(rec + 8);
}

/* What a record is good for here. */
typedef enum bv_dbn_kind {
  BV_DBN_UNKNOWN, /* no such rtype */
  BV_DBN_OTHER,
  BV_DBN_BARS,
  BV_DBN_TRADES, /* has price, size and action: may be a trade */
  BV_DBN_MAPPING,
  BV_DBN_SYSTEM,
  BV_DBN_ERROR
} bv_dbn_kind;

typedef struct bv_dbn_type {
  bv_dbn_kind kind;
  const char *name;
  uint16_t bytes[BV_DBN_VERSIONS]; /* least length by version */
  bv_timestep step;                /* of bars; n = 0: the schema says; of quotes that are samples */
  uint8_t price, size, action, recv; /* of trades: offsets of i64, u32, char, u64 */
  uint8_t text[BV_DBN_VERSIONS];     /* of mappings and errors: offset of a text ... */
  uint16_t ntext[BV_DBN_VERSIONS];   /* ... and its room */
  bool every;                        /* each record is a trade */
  bool quotes;                       /* has the best bid and ask, at BV_DBN_LEVEL */
} bv_dbn_type;

/* The best level of a book: i64 bid, i64 ask, u32 size of the bid, u32 of the ask. */
#define BV_DBN_LEVEL ((size_t)48)

const bv_dbn_type *bv_dbn_type_of(uint8_t rtype);

/* A schema: the records of one kind that a file was asked for. */
typedef struct bv_dbn_schema {
  const char *name;
  bool rows;     /* its records give rows */
  uint8_t rtype; /* of those */
  bool every;    /* each of them is a trade */
} bv_dbn_schema;

/* NULL for a number that is none, or not known yet. */
const bv_dbn_schema *bv_dbn_schema_of(uint16_t code);

/* The venue of a publisher ("XNAS"), NULL where it is not known. */
const char *bv_dbn_venue(uint16_t publisher);

typedef struct bv_dbn_ohlcv {
  double open, high, low, close, volume;
  int64_t ts; /* s */
} bv_dbn_ohlcv;

/* Read bars; the answer says why the record is none, NULL where all is well. */
const char *bv_dbn_read_ohlcv(const uint8_t *rec, bv_dbn_ohlcv *out);

typedef struct bv_dbn_trade {
  int64_t price; /* billionths */
  uint32_t size;
  uint64_t event; /* ns, when it happened */
  uint64_t recv;  /* ns, when the vendor received it; the same as event where unknown */
} bv_dbn_trade;

/* A trade may be stamped this much earlier or later than it was received. */
#define BV_DBN_LATE_MAX_S 86400

/* Read the trade of a record of kind BV_DBN_TRADES.  *is false: a change of the book.  The answer
** says why the record is no good trade.  every: a record that is no trade is a bad one. */
const char *bv_dbn_read_trade(const uint8_t *rec, bool every, bool *is, bv_dbn_trade *out);

/* Read one side of the best level of a record that has one.  *is false: nothing is bid, or asked.  A sample stands for
** the time before it was taken, a nanosecond before the end of its interval.  The answer says why the record is no
** good one. */
const char *bv_dbn_read_quote(const uint8_t *rec, bool ask, bool *is, bv_dbn_trade *out);

/* The double nearest to a price in billionths. */
double bv_dbn_price(int64_t billionths);

/* A record in a line of text, for the list of rejects. */
void bv_dbn_record_text(const uint8_t *rec, char *out, size_t size);

#endif
