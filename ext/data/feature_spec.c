/* feature_spec.c - how a feature source is described; see feature.h. */
#include "base/alloc.h"
#include "base/text.h"
#include "data/feature.h"

#include <stddef.h>
#include <string.h>

const char *const bv_feature_keys[] = {"columns", "ts",     "asset", "known_at",
                                       "match",   "timing", "lag",   "tolerance",
                                       "max_age", "span",   NULL};

static const size_t offsets[] = {
    offsetof(bv_feature_spec, columns), offsetof(bv_feature_spec, ts),
    offsetof(bv_feature_spec, asset),   offsetof(bv_feature_spec, known_at),
    offsetof(bv_feature_spec, match),   offsetof(bv_feature_spec, timing),
    offsetof(bv_feature_spec, lag),     offsetof(bv_feature_spec, tolerance),
    offsetof(bv_feature_spec, max_age), offsetof(bv_feature_spec, span)};

static char **field(bv_feature_spec *spec, size_t i) {
  return (char **)(void *)((char *)spec + offsets[i]);
}

bv_rc bv_feature_set(bv_feature_spec *spec, const char *key, const char *value) {
  for (size_t i = 0; bv_feature_keys[i]; i++) {
    if (!bv_text_ieq(key, bv_feature_keys[i])) continue;
    char *copy = bv_strdup(BV_MEM_CURSOR, value);
    if (!copy) return BV_NOMEM;
    bv_free(*field(spec, i));
    *field(spec, i) = copy;
    return BV_OK;
  }
  return BV_NOTFOUND;
}

void bv_feature_spec_reset(bv_feature_spec *spec) {
  bv_free(spec->name);
  for (size_t i = 0; bv_feature_keys[i]; i++) bv_free(*field(spec, i));
  *spec = (bv_feature_spec){0};
}
