/*
** dbn_help.h - making DBN files in memory and reading them whole, for the tests of the DBN reader.
*/
#ifndef BV_TEST_DBN_HELP_H
#define BV_TEST_DBN_HELP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"
#include "data/dbn.h"
#include "data/dbn_record.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

#define DBN_DIR "../shared/data/dbn/"

static inline void need(const char *path) {
  if (access(path, R_OK) == 0) return;
  print_message("skipped: %s is not there\n", path);
  skip();
}

/* ---- writing ---- */

typedef struct bytes {
  unsigned char *p;
  size_t n;
} bytes;

static inline void put_bytes(bv_buf *b, const void *p, size_t n) {
  assert_int_equal(bv_buf_add(b, p, n), BV_OK);
}
static inline void put_int(bv_buf *b, uint64_t v, size_t n) {
  unsigned char p[8];
  for (size_t i = 0; i < 8; i++) p[i] = (unsigned char)(v >> (8 * i));
  put_bytes(b, p, n);
}
static inline void put_text(bv_buf *b, const char *text, size_t n) {
  char field[80] = "";
  assert_true(strlen(text) < sizeof field && n <= sizeof field);
  memcpy(field, text, strlen(text));
  put_bytes(b, field, n);
}

typedef struct mapping {
  const char *symbol;
  uint32_t first, end;
  const char *value; /* the text of the interval */
} mapping;

typedef struct head {
  int version;
  unsigned schema, stype_in, stype_out;
  const mapping *map;
  size_t nmap;
} head;

/* The bytes before the records: every mapping has one interval. */
static inline void put_head(bv_buf *b, head h) {
  size_t length = h.version == 1 ? 22 : 71;
  size_t body = 100 + 4 + 4 + h.nmap * length + 8 + 4 + h.nmap * (length + 4 + 8 + length);
  put_bytes(b, "DBN", 3);
  put_int(b, (uint64_t)h.version, 1);
  put_int(b, body, 4);
  put_text(b, "TEST.TEST", 16);
  put_int(b, h.schema, 2);
  put_int(b, 0, 8);
  put_int(b, UINT64_MAX, 8);
  put_int(b, 0, 8);
  if (h.version == 1) put_int(b, UINT64_MAX, 8);
  put_int(b, h.stype_in, 1);
  put_int(b, h.stype_out, 1);
  put_int(b, 0, 1);
  if (h.version == 1) {
    put_text(b, "", 47);
  } else {
    put_int(b, length, 2);
    put_text(b, "", 53);
  }
  put_int(b, 0, 4);
  put_int(b, h.nmap, 4);
  for (size_t i = 0; i < h.nmap; i++) put_text(b, h.map[i].symbol, length);
  put_int(b, 0, 8);
  put_int(b, h.nmap, 4);
  for (size_t i = 0; i < h.nmap; i++) {
    put_text(b, h.map[i].symbol, length);
    put_int(b, 1, 4);
    put_int(b, h.map[i].first, 4);
    put_int(b, h.map[i].end, 4);
    put_text(b, h.map[i].value, length);
  }
}

static inline void put_header(bv_buf *b, size_t n, unsigned rtype, unsigned publisher,
                              uint32_t instrument, uint64_t ns) {
  put_int(b, n / 4, 1);
  put_int(b, rtype, 1);
  put_int(b, publisher, 2);
  put_int(b, instrument, 4);
  put_int(b, ns, 8);
}

static inline void put_bar(bv_buf *b, unsigned rtype, unsigned publisher, uint32_t instrument,
                           int64_t s, const int64_t price[4], uint64_t volume) {
  put_header(b, 56, rtype, publisher, instrument, (uint64_t)s * 1000000000);
  for (int i = 0; i < 4; i++) put_int(b, (uint64_t)price[i], 8);
  put_int(b, volume, 8);
}

static inline void put_trade(bv_buf *b, unsigned publisher, uint32_t instrument, uint64_t event,
                             uint64_t recv, int64_t price, uint32_t size) {
  put_header(b, 48, 0, publisher, instrument, event);
  put_int(b, (uint64_t)price, 8);
  put_int(b, size, 4);
  put_bytes(b, "TA\0\0", 4);
  put_int(b, recv, 8);
  put_int(b, 0, 8);
}

static inline bytes zstd_of(const void *p, size_t n) {
  bytes out = {malloc(ZSTD_compressBound(n) + 64), ZSTD_compressBound(n) + 64};
  ZSTD_CCtx *c = ZSTD_createCCtx();
  assert_non_null(c);
  ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, 1);
  out.n = ZSTD_compress2(c, out.p, out.n, p, n);
  assert_false(ZSTD_isError(out.n));
  ZSTD_freeCCtx(c);
  return out;
}

static inline bytes bytes_of_file(const char *path) {
  FILE *f = fopen(path, "rb");
  assert_non_null(f);
  bytes out = {malloc(1 << 22), 0};
  out.n = fread(out.p, 1, 1 << 22, f);
  assert_true(out.n < 1 << 22);
  fclose(f);
  return out;
}

/* ---- whole files ---- */

#define T0 ((int64_t)1704205800) /* 2024-01-02 14:30:00 */

/* A bar of prices and volume, in billionths and as numbers. */
static const int64_t px[4] = {2000000000, 3000000000, 1000000000, 2500000000};
static const double pv[5] = {2, 3, 1, 2.5, 7};

static const mapping one_map[] = {{"ESH4", 20240101, 20250101, "101"}};

static inline bv_buf new_file(head h) {
  bv_buf b;
  bv_buf_init(&b, BV_MEM_BASE, (size_t)1 << 26);
  put_head(&b, h);
  return b;
}

static inline bv_buf minutes_file(int version, int64_t n) {
  bv_buf b =
      new_file((head){.version = version, .schema = 6, .stype_in = 1, .map = one_map, .nmap = 1});
  for (int64_t i = 0; i < n; i++) put_bar(&b, 0x21, 1, 101, T0 + 60 * i, px, 7);
  return b;
}

static inline void put_mapping_record(bv_buf *b, int version, uint32_t instrument,
                                      const char *symbol) {
  size_t room = version == 1 ? 22 : 71;
  put_header(b, version == 1 ? 80 : 176, 0x16, 0, instrument, 0);
  if (version > 1) put_int(b, 1, 1);
  put_text(b, "asked", room);
  if (version > 1) put_int(b, 1, 1);
  put_text(b, symbol, room);
  put_text(b, "", version == 1 ? 4 : 0);
  put_int(b, 0, 8);
  put_int(b, 0, 8);
}

/* ---- reading ---- */

/* What a reading gave.  keys: of the rows, joined by spaces; rejects: "record:reason;". */
typedef struct reading {
  bv_rc rc;
  bv_err err;
  bv_bar_row *row;
  size_t n;
  bv_buf keys, rejects, warnings;
} reading;

static inline bv_rc note_reject(void *ctx, int64_t line, const char *raw, const char *reason,
                                bv_err *err) {
  (void)err;
  reading *r = ctx;
  assert_true(raw[0] && strlen(raw) <= BV_REJECT_RAW_MAX);
  return bv_buf_addf(&r->rejects, "%lld:%s;", (long long)line, reason);
}

static inline void keep_rows(reading *r, bv_row_source *src, size_t batch) {
  bv_bar_row *rows = malloc(batch * sizeof *rows);
  size_t n, cap = 0;
  while ((r->rc = src->next(src->self, rows, batch, &n, &r->err)) == BV_OK && n) {
    assert_true(n <= batch);
    if (r->n + n > cap) r->row = realloc(r->row, (cap = 2 * (r->n + n)) * sizeof *rows);
    memcpy(r->row + r->n, rows, n * sizeof *rows);
    for (size_t i = 0; i < n; i++) {
      put_bytes(&r->keys, rows[i].symbol, rows[i].nsymbol);
      put_bytes(&r->keys, " ", 1);
      r->row[r->n + i].symbol = NULL;
    }
    r->n += n;
  }
  bv_bar_reader_info info = src->info(src->self);
  assert_int_equal(bv_buf_adds(&r->warnings, info.warnings), BV_OK);
  if (r->rc == BV_OK) assert_int_equal(info.rows, (int64_t)r->n);
  free(rows);
}

/* Read a stream; path as for bv_dbn_open. */
static inline reading read_stream(bv_infile *in, const char *path, bv_bar_reader_options o,
                                  size_t batch) {
  reading r = {0};
  bv_row_source src;
  bv_buf_init(&r.keys, BV_MEM_BASE, (size_t)1 << 24);
  bv_buf_init(&r.rejects, BV_MEM_BASE, (size_t)1 << 20);
  bv_buf_init(&r.warnings, BV_MEM_BASE, (size_t)1 << 20);
  o.reject = note_reject;
  o.reject_ctx = &r;
  r.rc = bv_dbn_open(in, path, &o, &src, &r.err);
  assert_true((r.rc == BV_OK) == (src.self != NULL));
  if (r.rc == BV_OK) {
    keep_rows(&r, &src, batch);
    src.close(src.self);
  }
  assert_true(r.rc == BV_OK || r.err.msg[0]);
  return r;
}

static inline reading read_bytes(const void *p, size_t n, bv_bar_reader_options o, size_t batch) {
  bv_infile *in;
  reading r = {0};
  r.rc = bv_infile_open_memory(p, n, "m.dbn", &in, &r.err);
  return r.rc == BV_OK ? read_stream(in, NULL, o, batch) : r;
}

static inline reading read_path(const char *path, bv_bar_reader_options o) {
  bv_infile *in;
  reading r = {0};
  r.rc = bv_infile_open(path, &in, &r.err);
  return r.rc == BV_OK ? read_stream(in, path, o, 100) : r;
}

static inline void finish(reading *r) {
  free(r->row);
  bv_buf_reset(&r->keys);
  bv_buf_reset(&r->rejects);
  bv_buf_reset(&r->warnings);
}

static inline void assert_row(const bv_bar_row *b, int64_t ts, const double v[5]) {
  const double got[5] = {b->open, b->high, b->low, b->close, b->volume};
  assert_int_equal(b->ts, ts);
  /* Exact: both sides are the nearest double of the same decimal number. */
  for (int i = 0; i < 5; i++) {
    if (!(got[i] == v[i])) fail_msg("%d: %.17g, not %.17g", i, got[i], v[i]);
  }
}

static const bv_bar_reader_options minute = {.step = {1, BV_MINUTE, BV_OF_TRADES}};

#endif
