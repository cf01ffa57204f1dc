/*
** zmem.h - zlib's memory, taken from the library's own accounts.
*/
#ifndef BV_DATA_ZMEM_H
#define BV_DATA_ZMEM_H

#include "base/alloc.h"

/* For z_stream.zalloc.  Zeroed: zlib writes before it reads, except in its window, which valgrind and
** msan would report. */
static inline void *bv_z_alloc(void *ctx, unsigned items, unsigned size) {
  (void)ctx;
  return bv_alloc0(BV_MEM_IMPORT, (size_t)items * size);
}

/* For z_stream.zfree. */
static inline void bv_z_free(void *ctx, void *p) {
  (void)ctx;
  bv_free(p);
}

#endif
