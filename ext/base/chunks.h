/*
** chunks.h - loops that compilers make vectors of.
*/
#ifndef BV_BASE_CHUNKS_H
#define BV_BASE_CHUNKS_H

#include <stddef.h>

/* Run body for i in [0, n): whole chunks of a constant length, which compilers vectorise at -O2 with
** nothing left over, then the rest. */
#define BV_FOR_CHUNKS_OF(length, n, body)                                                          \
  do {                                                                                             \
    size_t base_ = 0;                                                                              \
    for (; base_ + (length) <= (n); base_ += (length))                                             \
      for (size_t j_ = 0; j_ < (length); j_++) {                                                   \
        const size_t i = base_ + j_;                                                               \
        body;                                                                                      \
      }                                                                                            \
    for (size_t i = base_; i < (n); i++) {                                                         \
      body;                                                                                        \
    }                                                                                              \
  } while (0)

#define BV_CHUNK               64
#define BV_FOR_CHUNKS(n, body) BV_FOR_CHUNKS_OF(BV_CHUNK, n, body)

#endif
