/*
** fuzz_zip.c - libFuzzer target: any bytes as a zip archive, every entry read to its end.
**
** Beyond memory errors: an entry never gives more bytes than the directory says, a reading without
** error gives exactly as many, failures have a text, and nothing stays allocated.
*/
#include "data/zip.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int ok) {
  if (!ok) abort();
}

/* Archives may say that they unpack to hundreds of MB, which takes time and shows nothing more. */
#define READ_MAX (INT64_C(4) << 20)

static void read_entry(const bv_zip *z, size_t i) {
  bv_infile *in;
  bv_err err = {0};
  char piece[4096];
  size_t n = 1;
  int64_t total = 0;
  bv_rc rc = bv_zip_stream(z, i, &in, &err);
  require(rc == BV_OK || err.msg[0]);
  if (rc != BV_OK) return;
  /* an entry that is gzip or zstd in itself gives more than its size */
  bool plain = bv_infile_kind_of(in) == BV_INFILE_PLAIN;
  while (n > 0 && total < READ_MAX) {
    rc = bv_infile_read(in, piece, sizeof piece, &n, &err);
    if (rc != BV_OK) break;
    total += (int64_t)n;
    require(!plain || total <= bv_zip_at(z, i)->size);
  }
  require(rc == BV_OK || err.msg[0]);
  if (rc == BV_OK && n == 0 && plain) require(total == bv_zip_at(z, i)->size);
  bv_infile_close(in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  int64_t before = bv_mem_total();
  bv_zip *z = NULL;
  bv_err err = {0};
  bv_rc rc = bv_zip_open_memory(data, size, "fuzz", &z, &err);
  require((rc == BV_OK) == (z != NULL));
  require(rc == BV_OK || err.msg[0]);
  if (z) {
    require(bv_zip_count(z) <= size);
    for (size_t i = 0; i < bv_zip_count(z) && i < 64; i++) {
      const bv_zip_entry *e = bv_zip_at(z, i);
      require(e->name[0] && e->size >= 0 && e->packed >= 0 && (uint64_t)e->packed <= size);
      read_entry(z, i);
    }
  }
  bv_zip_close(z);
  require(bv_mem_total() == before);
  return 0;
}
