/*
** barhash.h - a hash of bars by their times and values, whatever way they are stored.
**
** It is the sum, modulo 2^64, of a hash of each value together with its column and its bar's time, and of one
** for each bar.  So it does not depend on how bars are cut into chunks or in which order they are added, it
** adds up over parts, and a value that is missing counts as little as a column that is absent.
*/
#ifndef BV_DATA_BARHASH_H
#define BV_DATA_BARHASH_H

#include "col/bars.h"

/* The stored columns of bars; 0 for none. */
uint64_t bv_bars_hash(const bv_bars *bars);

/* One step of a multiplicative hash. */
uint64_t bv_hash_mix(uint64_t h, uint64_t x);

#endif
