/*
** settings.h - what bars_config() reads and sets, for one connection.
*/
#ifndef BV_DATA_SETTINGS_H
#define BV_DATA_SETTINGS_H

#include "base/buf.h"
#include "data/store.h"

typedef struct bv_setting {
  const char *name;
  const char *unit;
  const char *doc;
} bv_setting;

/* The table of settings, *n rows. */
const bv_setting *bv_settings(int *n);

/* The value of a setting as text.  BV_ARG for an unknown name, with the nearest one. */
BV_MUST bv_rc bv_setting_get(const bv_store *s, const char *name, char out[64], bv_err *err);

/* Set it from text ("1073741824", "1 GB", "America/New_York"). */
BV_MUST bv_rc bv_setting_set(bv_store *s, const char *name, const char *value, bv_err *err);

#endif
