/*
** crc32c.h - the checksum of stored bytes: CRC-32C (Castagnoli, RFC 3720 appendix B.4).
**
** It finds every error burst of up to 32 bits, so any single damaged byte is found for certain.
*/
#ifndef BV_COL_CRC32C_H
#define BV_COL_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Checksum of n bytes; "123456789" gives 0xE3069283. */
uint32_t bv_crc32c(const void *p, size_t n);

#endif
