/* map.c - hash map from byte strings to pointers; see map.h. */
#include "base/map.h"

#include <string.h>

/* Eight bytes at a time, each by a multiplication whose high bits, which know most, are brought down.  Keys are
** short names and small structs of ours, so nobody picks them to collide. */
static uint64_t mix(uint64_t h, uint64_t x) {
  h = (h ^ x) * UINT64_C(0x9e3779b97f4a7c15);
  return h ^ (h >> 32);
}

static uint64_t word_at(const char *p) {
  uint64_t x;
  memcpy(&x, p, 8);
  return x;
}

static uint64_t hash_bytes(const char *p, size_t n) {
  uint64_t h = n, x = 0;
  if (n >= 8) {
    for (size_t i = 0; i + 8 < n; i += 8) h = mix(h, word_at(p + i));
    return mix(h, word_at(p + n - 8));
  }
  for (size_t i = 0; i < n; i++) x |= (uint64_t)(unsigned char)p[i] << (8 * i);
  return mix(h, x);
}

void bv_map_init(bv_map *m) {
  *m = (bv_map){0};
}

void bv_map_reset(bv_map *m) {
  for (size_t i = 0; i < m->nentry; i++) bv_free(m->entry[i].key);
  bv_free(m->entry);
  bv_free(m->slot);
  *m = (bv_map){0};
}

/* Slot that holds the key, or the free slot that ends its probe sequence. */
static size_t probe(const bv_map *m, const char *key, size_t nkey, uint64_t hash) {
  size_t mask = m->nslot - 1;
  size_t s = (size_t)hash & mask;
  while (m->slot[s]) {
    const bv_map_entry *e = &m->entry[m->slot[s] - 1];
    if (e->key && e->hash == hash && e->nkey == nkey && memcmp(e->key, key, nkey) == 0) break;
    s = (s + 1) & mask;
  }
  return s;
}

void *bv_map_find(const bv_map *m, const char *key, size_t nkey) {
  if (!m->nslot) return NULL;
  size_t s = probe(m, key, nkey, hash_bytes(key, nkey));
  return m->slot[s] ? m->entry[m->slot[s] - 1].value : NULL;
}

/* Build a table for `want` live entries, dropping the holes. */
static bv_rc rebuild(bv_map *m, size_t want) {
  size_t nslot = 16;
  while (nslot * 7 < want * 10) nslot *= 2;
  uint32_t *slot = bv_alloc0(BV_MEM_BASE, nslot * sizeof *slot);
  if (!slot) return BV_NOMEM;
  bv_free(m->slot);
  m->slot = slot;
  m->nslot = nslot;
  size_t n = 0;
  for (size_t i = 0; i < m->nentry; i++) {
    if (m->entry[i].key) m->entry[n++] = m->entry[i];
  }
  m->nentry = n;
  for (size_t i = 0; i < n; i++) {
    size_t s = (size_t)m->entry[i].hash & (nslot - 1);
    while (slot[s]) s = (s + 1) & (nslot - 1);
    slot[s] = (uint32_t)(i + 1);
  }
  return BV_OK;
}

bv_rc bv_map_put(bv_map *m, const char *key, size_t nkey, void *value) {
  uint64_t hash = hash_bytes(key, nkey);
  if (m->nslot) {
    size_t s = probe(m, key, nkey, hash);
    if (m->slot[s]) {
      m->entry[m->slot[s] - 1].value = value;
      return BV_OK;
    }
  }
  BV_TRY(bv_room(BV_MEM_BASE, &m->entry, (int64_t)m->nentry, sizeof *m->entry));
  if (!m->nslot || (m->nentry + 1) * 10 > m->nslot * 7) BV_TRY(rebuild(m, m->live * 2 + 8));
  char *copy = bv_strndup(BV_MEM_BASE, key, nkey);
  if (!copy) return BV_NOMEM;
  m->entry[m->nentry] = (bv_map_entry){copy, nkey, hash, value};
  m->slot[probe(m, key, nkey, hash)] = (uint32_t)(m->nentry + 1);
  m->nentry++;
  m->live++;
  return BV_OK;
}

void *bv_map_remove(bv_map *m, const char *key, size_t nkey) {
  if (!m->nslot) return NULL;
  size_t s = probe(m, key, nkey, hash_bytes(key, nkey));
  if (!m->slot[s]) return NULL;
  bv_map_entry *e = &m->entry[m->slot[s] - 1];
  void *value = e->value;
  bv_free(e->key);
  e->key = NULL; /* the slot stays taken, so probe sequences through it remain whole */
  e->value = NULL;
  m->live--;
  return value;
}

const bv_map_entry *bv_map_next(const bv_map *m, size_t *at) {
  while (*at < m->nentry) {
    const bv_map_entry *e = &m->entry[(*at)++];
    if (e->key) return e;
  }
  return NULL;
}
