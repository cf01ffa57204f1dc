/*
** asset.h - what an asset key may look like.
**
** A key is 1 to 64 bytes of UTF-8 without control characters and without leading or trailing space:
** "SPY", "BTC/USD", "ESZ4", "SPXW  240119C04750000".  Case is kept and matters.
*/
#ifndef BV_TIME_ASSET_H
#define BV_TIME_ASSET_H

#include "base/status.h"

#define BV_ASSET_MAX 64

/* BV_ARG with a text that says what is wrong with the key. */
BV_MUST bv_rc bv_asset_check(const char *key, size_t n, bv_err *err);

#endif
