/*
** segment_golden.c - write the golden segments of the current format version.
**
**   cc -std=c11 -Iext -Itests/unit -o segment_golden tests/tools/segment_golden.c libbarsvt.a ...
**   ./segment_golden > tests/fixtures/segment_v1.bin
**
** Every column of both series at level 0; of the first also open, close and volume at level 1.  Run
** it once per format version; the file is then input for ever.
*/
#include "segment_golden.h"

#include <stdio.h>
#include <stdlib.h>

static golden data;

static void put(bv_segctx *ctx, int series, bv_column col, int level) {
  bv_err err = {BV_OK, 0, ""};
  bv_buf blob;
  const bv_bars bars = golden_view(&data);
  bv_buf_init(&blob, BV_MEM_BASE, 1 << 24);
  if (bv_segment_encode(ctx, &bars, col, level, &blob, NULL, &err) != BV_OK) {
    fprintf(stderr, "segment_golden: %s\n", err.msg);
    exit(1);
  }
  const unsigned char head[8] = {(unsigned char)series,         (unsigned char)col,
                                 (unsigned char)level,          0,
                                 (unsigned char)blob.n,         (unsigned char)(blob.n >> 8),
                                 (unsigned char)(blob.n >> 16), (unsigned char)(blob.n >> 24)};
  fwrite(head, 1, sizeof head, stdout);
  fwrite(blob.p, 1, blob.n, stdout);
  bv_buf_reset(&blob);
}

int main(void) {
  bv_segctx *ctx;
  if (bv_segctx_new(&ctx) != BV_OK) return 1;
  for (int s = 0; s < GOLDEN_SERIES; s++) {
    golden_make(s, &data);
    put(ctx, s, BV_COL_TS, 0);
    for (int c = 0; c < BV_SEG_NCOL; c++) put(ctx, s, (bv_column)c, 0);
    if (s != 0) continue;
    put(ctx, s, BV_COL_OPEN, 1);
    put(ctx, s, BV_COL_CLOSE, 1);
    put(ctx, s, BV_COL_VOLUME, 1);
  }
  bv_segctx_free(ctx);
  return fflush(stdout) == 0 ? 0 : 1;
}
