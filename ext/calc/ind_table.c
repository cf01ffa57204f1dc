/*
** ind_table.c - the table of indicators, once for each set of instructions the kernels are compiled for.
*/
#include "calc/ind.h"

#define ADDRESS(name) &bv_ind_##name,
const bv_indicator *const BV_IND_TABLE[] = {BV_IND_LIST(ADDRESS)};
