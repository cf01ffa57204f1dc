/* checkpoint.c - states of recursive indicators along a series; see checkpoint.h. */
#include "data/checkpoint.h"

#include <assert.h>
#include <string.h>

enum {
  MOST = 64,      /* states of one indicator */
  LARGEST = 65536 /* bytes of a state worth keeping: a chain may have a long window in it */
};

/* The states of one indicator over one source, in order of time. */
typedef struct states {
  bv_source src;
  size_t size;
  int64_t n, used;
  int64_t seen[MOST];
  char *state; /* n * size bytes, and room */
} states;

/* Source and spec as bytes: fields one by one, since structs have holes. */
static size_t key_of(const bv_source *src, const bv_spec *spec, char *key) {
  size_t n = bv_source_key(src, key);
#define ADD(field)                                                                                 \
  memcpy(key + n, &(field), sizeof(field));                                                        \
  n += sizeof(field)
  ADD(spec->op.price);
  ADD(spec->op.column);
  for (int k = 0; k < spec->op.nstage; k++) {
    const bv_stage *st = &spec->op.stage[k];
    ADD(st->ind);
    if (k + 1 < spec->op.nstage) {
      ADD(st->output); /* the last stage's states serve all its outputs */
    }
    for (int p = 0; p < st->ind->nparam; p++) {
      ADD(st->param[p]);
    }
  }
#undef ADD
  return n;
}

#define KEY_BYTES                                                                                  \
  (BV_SOURCE_KEY + 2 * sizeof(int) +                                                               \
   BV_MAX_STAGE * (sizeof(void *) + sizeof(int) + BV_IND_MAX_PARAM * sizeof(double)))

static void states_free(states *c) {
  bv_free(c->state);
  bv_free(c);
}

void bv_checkpoint_drop_all(bv_store *s) {
  size_t at = 0;
  for (const bv_map_entry *e; (e = bv_map_next(&s->checkpoints, &at));) states_free(e->value);
  bv_map_reset(&s->checkpoints);
  bv_map_init(&s->checkpoints);
}

bool bv_checkpoint_drop_oldest(bv_store *s) {
  const bv_map_entry *oldest = NULL;
  size_t at = 0;
  for (const bv_map_entry *e; (e = bv_map_next(&s->checkpoints, &at));) {
    const states *c = e->value;
    if (!oldest || c->used < ((const states *)oldest->value)->used) oldest = e;
  }
  if (!oldest) return false;
  states_free(bv_map_remove(&s->checkpoints, oldest->key, oldest->nkey));
  return true;
}

const void *bv_checkpoint_find(bv_store *s, const bv_source *src, const bv_spec *spec, int64_t ts,
                               size_t size, int64_t *seen) {
  char key[KEY_BYTES];
  states *c = bv_map_find(&s->checkpoints, key, key_of(src, spec, key));
  if (!c || c->size != size) return NULL;
  int64_t i = c->n;
  while (i > 0 && c->seen[i - 1] >= ts) i--;
  if (i == 0) return NULL;
  c->used = ++s->tick;
  *seen = c->seen[i - 1];
  return c->state + (size_t)(i - 1) * size;
}

static void move(states *c, int64_t to, int64_t from, int64_t n) {
  memmove(c->seen + to, c->seen + from, (size_t)n * sizeof *c->seen);
  memmove(c->state + (size_t)to * c->size, c->state + (size_t)from * c->size, (size_t)n * c->size);
}

/* Of the older half every second goes. */
static void thin(states *c) {
  int64_t n = 0;
  for (int64_t i = 0; i < c->n; i++) {
    if (i < c->n / 2 && i % 2 == 1) continue;
    move(c, n++, i, 1);
  }
  c->n = n;
}

static bv_rc get_states(bv_store *s, const bv_source *src, const bv_spec *spec, size_t size,
                        states **out) {
  char key[KEY_BYTES];
  size_t n = key_of(src, spec, key);
  *out = bv_map_find(&s->checkpoints, key, n);
  if (*out) return BV_OK;
  states *c = bv_alloc0(BV_MEM_DERIVED, sizeof *c);
  if (!c) return BV_NOMEM;
  c->src = *src;
  c->size = size;
  bv_rc rc = bv_map_put(&s->checkpoints, key, n, c);
  if (rc != BV_OK) {
    states_free(c);
    return rc;
  }
  *out = c;
  return BV_OK;
}

static bv_rc make_room(states *c) {
  if (c->n == MOST) thin(c);
  return bv_room(BV_MEM_DERIVED, &c->state, c->n, c->size);
}

bv_rc bv_checkpoint_keep(bv_store *s, const bv_source *src, const bv_spec *spec, int64_t seen,
                         const void *state, size_t size) {
  states *c;
  if (size > LARGEST) return BV_OK;
  BV_TRY(get_states(s, src, spec, size, &c));
  assert(c->size == size);
  c->used = ++s->tick;
  BV_TRY(make_room(c));
  int64_t i = c->n;
  while (i > 0 && c->seen[i - 1] >= seen) i--;
  if (i < c->n && c->seen[i] == seen) return BV_OK;
  move(c, i + 1, i, c->n - i);
  c->seen[i] = seen;
  memcpy(c->state + (size_t)i * size, state, size);
  c->n++;
  return BV_OK;
}

void bv_checkpoint_written(bv_store *s, const bv_series *series, int64_t ts) {
  size_t at = 0;
  for (const bv_map_entry *e; (e = bv_map_next(&s->checkpoints, &at));) {
    states *c = e->value;
    const bv_source *src = &c->src;
    if (src->base.id != series->id || src->base.home != series->home) continue;
    int64_t start = src->agg ? bv_bucket_start(src->step, src->zone, ts, NULL) : ts;
    while (c->n > 0 && c->seen[c->n - 1] >= start) c->n--;
  }
}
