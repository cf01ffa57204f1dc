/*
** map.h - hash map from byte strings to pointers.
**
** Open addressing with linear probing, power-of-two size, at most 70 % full.  Keys are copied.
** Values are borrowed: the map never frees them.  Iteration follows insertion order, so that
** results do not depend on hashing.
*/
#ifndef BV_BASE_MAP_H
#define BV_BASE_MAP_H

#include "base/alloc.h"

typedef struct bv_map_entry {
  char *key; /* zero-terminated copy; NULL once removed */
  size_t nkey;
  uint64_t hash;
  void *value;
} bv_map_entry;

typedef struct bv_map {
  bv_map_entry *entry; /* in insertion order, holes where keys were removed */
  size_t nentry;
  uint32_t *slot; /* index into entry + 1, 0 = free */
  size_t nslot;   /* power of two, or 0 */
  size_t live;    /* entries that are not holes */
} bv_map;

/* An empty map in the caller's storage. */
void bv_map_init(bv_map *m);

/* Release the map and its keys, not the values. */
void bv_map_reset(bv_map *m);

/* The value stored under the key, or NULL. */
void *bv_map_find(const bv_map *m, const char *key, size_t nkey);

/* Store or replace. */
BV_MUST bv_rc bv_map_put(bv_map *m, const char *key, size_t nkey, void *value);

/* Remove the key; returns the value it had, or NULL. */
void *bv_map_remove(bv_map *m, const char *key, size_t nkey);

/* Walk in insertion order: start with *at = 0; NULL at the end. */
const bv_map_entry *bv_map_next(const bv_map *m, size_t *at);

#endif
