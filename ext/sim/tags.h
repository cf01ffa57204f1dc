/*
** tags.h - the one copy of each text that orders and lots are called by, so that equal names are equal
** pointers.
**
** A copy outlives its order: lots have it, and rows that were reported.  Where a program gives every order a
** tag of its own, copies that nobody has any more are dropped now and then:
**
**      bv_tags_keep    for each that somebody has, then
**      bv_tags_drop    the others go
*/
#ifndef BV_SIM_TAGS_H
#define BV_SIM_TAGS_H

#include "base/map.h"

#include <stdbool.h>

typedef struct bv_tags {
  bv_map map; /* text -> its copy */
  uint64_t round;
  size_t many; /* so many are worth looking for those to drop */
} bv_tags;

void bv_tags_init(bv_tags *t);
void bv_tags_reset(bv_tags *t);

/* The copy of a text; NULL of NULL. */
BV_MUST bv_rc bv_tags_take(bv_tags *t, const char *text, const char **out);

static inline bool bv_tags_many(const bv_tags *t) {
  return t->map.live >= t->many;
}

/* Not to be dropped the next time.  What is no copy of ours is passed over. */
void bv_tags_keep(bv_tags *t, const char *copy);
void bv_tags_drop(bv_tags *t);

#endif
