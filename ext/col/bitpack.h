/*
** bitpack.h - patched bit packing of unsigned residuals.
**
** Values are packed in frames of 256.  A frame stores the low b bits of every value, chosen so that
** most values fit, and the missing high bits of the few others as exceptions.  Optionally h bits
** above the low ones go to a separate plane of bytes, which compresses well by an entropy coder
** because only the random low bits stay behind:
**
**      value   [ exception : w ][ plane : h ][ packed : b ]        b + h + w <= 64
**
** Stored frame, m values (256, or fewer in the last frame), rows = ceil(m / 8):
**
**      u8 b, plus 128 if e > 0; then u8 e, u8 w only if e > 0
**      the low min(b, 32) bits of every value, then where b > 32 the next b - 32 bits, each as
**        8 lanes of 32-bit little-endian words: value i is in lane i % 8, at bit (i / 8) * width;
**        word j of lane l is at byte 32 * j + 4 * l; 32 * ceil(rows * width / 32) bytes
**      u8 position[e], strictly increasing
**      e values of w bits, little-endian bit stream, padded with zeros to a byte
**
** The plane holds h bits of every value in the same lane layout, frame after frame.
*/
#ifndef BV_COL_BITPACK_H
#define BV_COL_BITPACK_H

#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

#define BV_FRAME 256

/* Values whose bits all fit here are "narrow": they decode to 32 bits and fit an int32. */
#define BV_NARROW_BITS 31

/* Most bytes that n values can take, plane not counted. */
size_t bv_pack_bound(size_t n);

/* Bytes of the plane of n values with h bits (h = 0, 1, 2, 4 or 8). */
size_t bv_plane_bytes(size_t n, unsigned h);

/* Pack n values into out (bv_pack_bound(n) bytes); returns the bytes written.  With h = 0 every
** frame takes the cheapest width and plane is unused.  With h > 0 a frame packs at least k low bits
** and the next h go to plane (bv_plane_bytes(n, h) bytes); k + h <= 64.  *wide tells whether any
** frame is not narrow. */
size_t bv_pack(const uint64_t *u, size_t n, unsigned h, unsigned k, uint8_t *out, uint8_t *plane,
               bool *wide);

/* The same with h = 0 and each frame at the width of its widest value, which is found in a tenth of the time. */
size_t bv_pack_whole(const uint64_t *u, size_t n, uint8_t *out, bool *wide);

/* The bytes that bv_pack with h = 0 would write. */
size_t bv_pack_size(const uint64_t *u, size_t n);

/* Unpack n values from `bytes` bytes at p; plane holds bv_plane_bytes(n, h) bytes.  Returns the
** bytes consumed, or 0 where the bytes contradict themselves or are too few (n > 0 always consumes
** some).  out has room for n rounded up to full frames.  The narrow form refuses frames that are
** not narrow. */
size_t bv_unpack32(const uint8_t *p, size_t bytes, size_t n, unsigned h, const uint8_t *plane,
                   uint32_t *out);
size_t bv_unpack64(const uint8_t *p, size_t bytes, size_t n, unsigned h, const uint8_t *plane,
                   uint64_t *out);

/* The bytes that unpacking n values would consume, without it; 0 as above. */
size_t bv_packed_bytes(const uint8_t *p, size_t bytes, size_t n, unsigned h);

/* Number of significant bits: 0 for 0, 64 for the largest. */
static inline unsigned bv_bit_width(uint64_t u) {
  return u ? 64u - (unsigned)__builtin_clzll(u) : 0u;
}

#endif
