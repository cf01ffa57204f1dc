/*
** settings.h - what bars_config() reads and sets, for one connection.
*/
#ifndef BV_DATA_SETTINGS_H
#define BV_DATA_SETTINGS_H

#include "base/buf.h"
#include "data/source.h"

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

/* A series' own history or future (value NULL: the setting's again).  BV_ARG as above, or where the setting
** is not of that kind. */
BV_MUST bv_rc bv_setting_set_for(bv_store *s, const char *name, const char *value,
                                 const char *asset, const char *timestep, bv_err *err);

/* Walk the series with a history or future of their own: start with *at = 0; false at the end.  What is
** the setting's is 0. */
typedef struct bv_reach {
  char asset[BV_ASSET_MAX + 1], timestep[32];
  int64_t history, future;
} bv_reach;
const bv_reach *bv_setting_next_reach(const bv_store *s, size_t *at);

/* Bars a window of a source keeps before the instant asked for and reads ahead: the settings history and
** future, or those of its series; an aggregate is a series of its own timestep. */
void bv_setting_reach(const bv_store *s, const bv_source *src, int64_t *history, int64_t *future);

/* Forget them (the store is closed). */
void bv_settings_forget(bv_store *s);

#endif
