/*
** rowsum.h - checksums of the rows that hold no blob: barsvt_hot, and barsvt_series with its asset.
**
** CRC-32C, integers and doubles as 8 bytes, little-endian:
**
**   barsvt_hot      series, ts, then open to open_interest as doubles; NULL is the NaN 0x7ff8000000000000,
**                   and there is no negative zero
**   barsvt_series   id, asset (its number), multiplier, then asset (its name), timestep, venue and tz, each
**                   ended by a zero byte
**
** A row whose checksum is NULL is taken as it is: another program wrote it, or the file is of a version that
** had no checksums.
*/
#ifndef BV_DATA_ROWSUM_H
#define BV_DATA_ROWSUM_H

#include "col/bars.h"

uint32_t bv_rowsum_hot(int64_t series, int64_t ts, const double value[BV_NCOL]);

uint32_t bv_rowsum_series(int64_t id, int64_t asset_id, double multiplier, const char *asset,
                          const char *timestep, const char *venue, const char *tz);

#endif
