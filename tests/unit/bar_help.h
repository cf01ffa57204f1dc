/*
** bar_help.h - reading whole files of bars, shared by the tests of the bar reader.
*/
#ifndef BV_TEST_BAR_HELP_H
#define BV_TEST_BAR_HELP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/text.h"
#include "data/bar_reader.h"
#include "time/instant.h"

#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

/* What a reading gave: bars (symbols copied), and the rejects as text "line:reason|raw;". */
typedef struct reading {
  bv_rc rc;
  bv_err err;
  bv_bar_row *row;
  size_t n;
  char key[8][BV_ROLE_COUNT * 8];
  bv_buf rejects, warnings, columns;
  char time_kind[16];
  int64_t nreject;
} reading;

static inline bv_rc note_reject(void *ctx, int64_t line, const char *raw, const char *reason,
                                bv_err *err) {
  (void)err;
  reading *r = ctx;
  return bv_buf_addf(&r->rejects, "%lld:%s|%s;", (long long)line, reason, raw);
}

static inline void read_all(reading *r, bv_bar_reader *reader, size_t batch) {
  size_t cap = 0, n;
  bv_bar_row *rows = malloc(batch * sizeof *rows);
  while ((r->rc = bv_bar_reader_next(reader, rows, batch, &n, &r->err)) == BV_OK && n) {
    assert_true(n <= batch);
    if (r->n + n > cap) r->row = realloc(r->row, (cap = 2 * (r->n + n)) * sizeof *rows);
    memcpy(r->row + r->n, rows, n * sizeof *rows);
    for (size_t i = 0; i < n; i++) {
      if (r->n + i < 8 && rows[i].symbol) {
        snprintf(r->key[r->n + i], sizeof r->key[0], "%.*s", (int)rows[i].nsymbol, rows[i].symbol);
      }
      r->row[r->n + i].symbol = NULL;
    }
    r->n += n;
  }
  bv_bar_reader_info info = bv_bar_reader_info_of(reader);
  snprintf(r->time_kind, sizeof r->time_kind, "%s", info.time_kind);
  assert_int_equal(bv_buf_adds(&r->warnings, info.warnings), BV_OK);
  assert_int_equal(bv_buf_adds(&r->columns, info.columns), BV_OK);
  if (r->rc == BV_OK) assert_int_equal(info.rows, (int64_t)r->n);
  r->nreject = info.rejects;
  free(rows);
}

static inline reading start(bv_bar_reader_options *o) {
  reading r = {0};
  bv_buf_init(&r.rejects, BV_MEM_BASE, (size_t)1 << 20);
  bv_buf_init(&r.warnings, BV_MEM_BASE, (size_t)1 << 16);
  bv_buf_init(&r.columns, BV_MEM_BASE, (size_t)1 << 16);
  o->reject = note_reject;
  return r;
}

static inline void finish(reading *r) {
  free(r->row);
  bv_buf_reset(&r->rejects);
  bv_buf_reset(&r->warnings);
  bv_buf_reset(&r->columns);
}

static inline reading read_path(const char *path, bv_bar_reader_options o) {
  reading r = start(&o);
  bv_bar_reader *reader = NULL;
  o.reject_ctx = &r;
  r.rc = bv_bar_reader_open(path, &o, &reader, &r.err);
  if (r.rc == BV_OK) read_all(&r, reader, 1000);
  bv_bar_reader_close(reader);
  return r;
}

static inline reading read_bytes(const void *p, size_t n, bv_bar_reader_options o) {
  reading r = start(&o);
  bv_bar_reader *reader = NULL;
  bv_infile *in = NULL;
  o.reject_ctx = &r;
  assert_int_equal(bv_infile_open_memory(p, n, "m.csv", &in, NULL), BV_OK);
  r.rc = bv_bar_reader_take(in, &o, &reader, &r.err);
  if (r.rc == BV_OK) read_all(&r, reader, 3);
  bv_bar_reader_close(reader);
  return r;
}

static inline reading read_text(const char *text, bv_bar_reader_options o) {
  return read_bytes(text, strlen(text), o);
}

static const bv_bar_reader_options plain = {0};

static inline void need(const char *path) {
  if (access(path, R_OK) == 0) return;
  print_message("skipped: %s is not there\n", path);
  skip();
}

static inline void assert_bar(const bv_bar_row *b, int64_t ts, const double v[5]) {
  const double got[5] = {b->open, b->high, b->low, b->close, b->volume};
  assert_int_equal(b->ts, ts);
  for (int i = 0; i < 5; i++) {
    /* Exact: both sides are the correctly rounded double of the same decimal text. */
    if (!(got[i] == v[i] || (isnan(got[i]) && isnan(v[i]))))
      fail_msg("%d: %.17g, not %.17g", i, got[i], v[i]);
  }
}

typedef struct bytes {
  unsigned char *p;
  size_t n;
} bytes;

static inline bytes pack(const void *p, size_t n, bool zstd) {
  bytes out = {malloc(2 * n + 1000), 2 * n + 1000};
  assert_non_null(out.p);
  if (zstd) {
    out.n = ZSTD_compress(out.p, out.n, p, n, 3);
    assert_false(ZSTD_isError(out.n));
    return out;
  }
  z_stream z = {.avail_in = (unsigned)n, .next_out = out.p, .avail_out = (unsigned)out.n};
  bytes copy = {malloc(n), n}; /* zlib's input pointer is not const */
  memcpy(copy.p, p, n);
  z.next_in = copy.p;
  assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
  out.n = z.total_out;
  deflateEnd(&z);
  free(copy.p);
  return out;
}

#endif
