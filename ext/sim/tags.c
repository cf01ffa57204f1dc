/* tags.c - the one copy of each tag; see tags.h. */
#include "sim/tags.h"

#include <string.h>

#define MANY 16384

typedef struct tag {
  uint64_t kept; /* in which round */
  char text[];
} tag;

void bv_tags_init(bv_tags *t) {
  *t = (bv_tags){.round = 1, .many = MANY};
  bv_map_init(&t->map);
}

void bv_tags_reset(bv_tags *t) {
  const bv_map_entry *e;
  size_t at = 0;
  while ((e = bv_map_next(&t->map, &at)) != NULL) bv_free(e->value);
  bv_map_reset(&t->map);
}

bv_rc bv_tags_take(bv_tags *t, const char *text, const char **out) {
  *out = NULL;
  if (!text) return BV_OK;
  const size_t n = strlen(text);
  tag *copy = bv_map_find(&t->map, text, n);
  if (!copy) {
    copy = bv_alloc(BV_MEM_SIM, sizeof *copy + n + 1);
    if (!copy) return BV_NOMEM;
    copy->kept = 0;
    memcpy(copy->text, text, n + 1);
    bv_rc rc = bv_map_put(&t->map, text, n, copy);
    if (rc != BV_OK) {
      bv_free(copy);
      return rc;
    }
  }
  *out = copy->text;
  return BV_OK;
}

void bv_tags_keep(bv_tags *t, const char *copy) {
  if (!copy) return;
  tag *of = bv_map_find(&t->map, copy, strlen(copy));
  if (of && of->text == copy) of->kept = t->round;
}

void bv_tags_drop(bv_tags *t) {
  const bv_map_entry *e;
  size_t at = 0;
  while ((e = bv_map_next(&t->map, &at)) != NULL) {
    tag *of = e->value;
    if (of->kept == t->round) continue;
    bv_map_remove(&t->map, e->key, e->nkey);
    bv_free(of);
  }
  t->round++;
  t->many = t->map.live > MANY / 2 ? 2 * t->map.live : MANY;
}
