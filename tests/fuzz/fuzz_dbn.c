/*
** fuzz_dbn.c - libFuzzer target: any bytes as a DBN file, under options drawn from the first byte.
** Beyond memory errors it checks what the reader promises about the bars it gives.
**
** With its highest bit the first byte puts a sound head before the rest, so that records are reached
** without the fuzzer having to find one.
*/
#include "data/dbn.h"
#include "time/asset.h"
#include "time/instant.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int ok) {
  if (!ok) abort();
}

static bv_rc check_reject(void *ctx, int64_t line, const char *raw, const char *why, bv_err *err) {
  (void)err;
  ++*(int64_t *)ctx;
  require(line >= 1 && why && why[0] && raw[0] && strlen(raw) <= BV_REJECT_RAW_MAX);
  for (; *raw; raw++) require((unsigned char)*raw >= 0x20 && *raw != 0x7f);
  return BV_OK;
}

static void check_bar(const bv_bar_row *b) {
  require(b->ts >= BV_INSTANT_MIN && b->ts <= BV_INSTANT_MAX && b->line >= 1);
  require(b->low <= b->open && b->open <= b->high && b->low <= b->close && b->close <= b->high);
  require(isfinite(b->low) && isfinite(b->high) && isfinite(b->volume) && b->volume >= 0.0);
  require(isnan(b->trades) || b->trades >= 1.0);
  require(isnan(b->vwap) || (b->vwap >= b->low && b->vwap <= b->high));
  require(bv_asset_check(b->symbol, b->nsymbol, NULL) == BV_OK);
}

static void read_all(bv_row_source *src, size_t cap, const int64_t *rejects) {
  bv_bar_row rows[16];
  size_t n;
  bv_err err = {0};
  bv_rc rc;
  while ((rc = src->next(src->self, rows, cap, &n, &err)) == BV_OK && n) {
    for (size_t i = 0; i < n; i++) check_bar(&rows[i]);
  }
  require(rc == BV_OK || err.msg[0]);
  require(src->info(src->self).rejects == *rejects);
}

/* A head of version 1 + pick % 3 without symbols or schema. */
static size_t put_head(uint8_t *p, unsigned pick) {
  memset(p, 0, 128);
  memcpy(p, "DBN", 3);
  p[3] = (uint8_t)(1 + pick % 3);
  p[4] = 120;
  memset(p + 24, 0xff, 2);        /* schema: none */
  p[8 + 45] = p[3] == 1 ? 0 : 71; /* symbol length; in version 1 it is reserved */
  return 128;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const bv_timestep steps[] = {{0, BV_SECOND, BV_OF_TRADES},
                                      {1, BV_SECOND, BV_OF_TRADES},
                                      {1, BV_MINUTE, BV_OF_TRADES},
                                      {1, BV_DAY, BV_OF_TRADES}};
  int64_t rejects = 0, before = bv_mem_total();
  if (size == 0 || size > 1 << 20) return 0;
  unsigned pick = data[0];
  uint8_t *p = malloc(size + 128);
  size_t n = 0;
  require(p != NULL);
  if (pick & 128) n = put_head(p, pick >> 2);
  memcpy(p + n, data + 1, size - 1);
  n += size - 1;
  bv_bar_reader_options o = {
      .reject = check_reject, .reject_ctx = &rejects, .step = steps[pick & 3]};
  o.step.of = (bv_bars_of)((pick >> 5) % 3);
  bv_infile *in = NULL;
  bv_row_source src = {0};
  bv_err err = {0};
  if (bv_infile_open_memory(p, n, "fuzz", &in, &err) == BV_OK) {
    bv_rc rc = bv_dbn_open(in, NULL, &o, &src, &err);
    require((rc == BV_OK) == (src.self != NULL));
    require(rc == BV_OK || err.msg[0]);
    if (src.self) {
      read_all(&src, 1 + (pick >> 4), &rejects);
      src.close(src.self);
    }
  }
  free(p);
  require(bv_mem_total() == before);
  return 0;
}
