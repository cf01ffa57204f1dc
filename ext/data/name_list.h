/*
** name_list.h - names of assets, copied.
*/
#ifndef BV_DATA_NAME_LIST_H
#define BV_DATA_NAME_LIST_H

#include "data/store.h"

/* Begins as {0}; it is to be reset after an error too. */
typedef struct bv_name_list {
  char **name;
  int n;
} bv_name_list;

BV_MUST bv_rc bv_name_list_add(bv_name_list *l, const char *name);

/* Those that are stored and have bars of the timestep, in its canonical form, in the store or one attached to it; step
** NULL: all. */
BV_MUST bv_rc bv_name_list_add_stored(bv_name_list *l, bv_store *s, const char *step, bv_err *err);

/* In order, each once. */
void bv_name_list_sort(bv_name_list *l);

void bv_name_list_reset(bv_name_list *l);

#endif
