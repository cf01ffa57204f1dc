/*
** fuzz_bar_reader.c - libFuzzer target: any bytes as a file of bars, under options drawn from the
** first byte.  Beyond memory errors it checks what the reader promises about the bars it gives.
*/
#include "data/bar_reader.h"
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
  require(line >= 1 && why && why[0] && strlen(raw) <= BV_REJECT_RAW_MAX);
  for (; *raw; raw++) require((unsigned char)*raw >= 0x20 && *raw != 0x7f);
  return BV_OK;
}

static void check_bar(const bv_bar_row *b, bool allow_negative) {
  require(b->ts >= BV_INSTANT_MIN && b->ts <= BV_INSTANT_MAX);
  require(b->low <= b->open && b->open <= b->high && b->low <= b->close && b->close <= b->high);
  require(allow_negative || b->low >= 0.0);
  require(isnan(b->volume) || (isfinite(b->volume) && b->volume >= 0.0));
  require(isnan(b->trades) || (isfinite(b->trades) && b->trades >= 0.0));
  require(!b->symbol || bv_asset_check(b->symbol, b->nsymbol, NULL) == BV_OK);
}

static void read_all(bv_bar_reader *reader, size_t cap, bool allow_negative,
                     const int64_t *rejects) {
  bv_bar_row rows[16];
  size_t n;
  bv_err err = {0};
  bv_rc rc;
  while ((rc = bv_bar_reader_next(reader, rows, cap, &n, &err)) == BV_OK && n) {
    for (size_t i = 0; i < n; i++) check_bar(&rows[i], allow_negative);
  }
  require(rc == BV_OK || err.msg[0]);
  require(bv_bar_reader_info_of(reader).rejects == *rejects);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const bv_timestep steps[] = {{0, BV_SECOND, BV_OF_TRADES},
                                      {1, BV_MINUTE, BV_OF_TRADES},
                                      {1, BV_DAY, BV_OF_TRADES},
                                      {1, BV_MONTH, BV_OF_TRADES}};
  int64_t rejects = 0, before = bv_mem_total();
  if (size == 0) return 0;
  unsigned pick = data[0];
  bv_bar_reader_options o = {.reject = check_reject, .reject_ctx = &rejects};
  o.allow_negative = pick & 1;
  o.price_scale = pick & 2 ? 1e-4 : 0;
  o.step = steps[pick >> 2 & 3];
  o.label_end = o.step.n && pick & 16;
  o.date_order = pick & 32 ? 'd' : 0;
  if (pick & 64) require(bv_zone_find("+05:30", &o.tz, NULL) == BV_OK);
  bv_infile *in = NULL;
  bv_bar_reader *reader = NULL;
  bv_err err = {0};
  if (bv_infile_open_memory(data + 1, size - 1, "fuzz", &in, &err) != BV_OK) return 0;
  bv_rc rc = bv_bar_reader_take(in, &o, &reader, &err);
  require((rc == BV_OK) == (reader != NULL));
  require(rc == BV_OK || err.msg[0]);
  if (reader) read_all(reader, 1 + (pick >> 4), o.allow_negative, &rejects);
  bv_bar_reader_close(reader);
  require(pick & 64 || bv_mem_total() == before);
  return 0;
}
