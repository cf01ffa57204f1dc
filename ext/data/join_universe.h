/*
** join_universe.h - the assets a join is about.
*/
#ifndef BV_DATA_JOIN_UNIVERSE_H
#define BV_DATA_JOIN_UNIVERSE_H

#include "data/join.h"
#include "data/name_list.h"

/* The names of the universe, sorted, each once; of those in asked[0..nasked) where asked is not NULL.  Where there
** is no universe, these themselves. */
BV_MUST bv_rc bv_join_universe(bv_store *s, const bv_join_def *def, const char *const *asked,
                               int nasked, bv_name_list *out, bv_err *err);

#endif
