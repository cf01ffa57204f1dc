/* validate_options.c - the options of bars_validate, from JSON; see validate.h. */
#include "base/text.h"
#include "data/json.h"
#include "data/validate.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define ALL_CLASSES ((1u << BV_NPROBLEM) - 1u)

typedef struct reader {
  bv_validate_options *o;
  bool chosen; /* classes are named */
} reader;

static bool is_number(const char *type) {
  return strcmp(type, "integer") == 0 || strcmp(type, "real") == 0;
}

static bv_rc read_class(const char *path, const char *type, sqlite3_value *v, unsigned *mask,
                        bv_err *err) {
  const char *name = strcmp(type, "text") == 0 ? (const char *)sqlite3_value_text(v) : NULL;
  if (!name) {
    return bv_fail(err, BV_ARG, "options: '%s' must be the name of a class, such as \"ohlc\"",
                   path);
  }
  for (int c = 0; c < BV_NPROBLEM; c++) {
    if (!bv_text_ieq(name, bv_problem_name[c])) continue;
    *mask |= 1u << c;
    return BV_OK;
  }
  const char *near = bv_nearest(name, bv_problem_name);
  return bv_fail(err, BV_ARG,
                 "options: '%s': there is no class '%.40s'%s%s%s; classes are price, ohlc, volume, "
                 "crossed, overlap, duplicate, jump, outlier, stale, gap",
                 path, name, near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

/* A key that takes one name, or an array of them. */
static bool is_list(const char *path, const char *key) {
  size_t n = strlen(key);
  return bv_text_ieqn(path, strlen(path) < n ? strlen(path) : n, key) &&
         (path[n] == 0 || path[n] == '[');
}

static bv_rc read_leaf(void *ctx, const char *path, const char *type, sqlite3_value *v,
                       bv_err *err) {
  static const char *const keys[] = {"sigma",   "volume_sigma", "stale",    "gap",
                                     "classes", "fail",         "calendar", NULL};
  reader *r = ctx;
  bv_validate_options *o = r->o;
  if (is_list(path, "classes")) {
    if (!r->chosen) o->classes = 0;
    r->chosen = true;
    return read_class(path, type, v, &o->classes, err);
  }
  if (is_list(path, "fail")) {
    if (strcmp(type, "true") == 0) o->fail = ALL_CLASSES;
    if (strcmp(type, "true") == 0 || strcmp(type, "false") == 0) return BV_OK;
    return read_class(path, type, v, &o->fail, err);
  }
  if (bv_text_ieq(path, "calendar")) {
    const char *name = strcmp(type, "text") == 0 ? (const char *)sqlite3_value_text(v) : NULL;
    if (!name || !*name || strlen(name) >= sizeof o->calendar) {
      return bv_fail(err, BV_ARG, "options: 'calendar' must be the name of a table of sessions");
    }
    snprintf(o->calendar, sizeof o->calendar, "%s", name);
    return BV_OK;
  }
  double *real = bv_text_ieq(path, "sigma")          ? &o->sigma
                 : bv_text_ieq(path, "volume_sigma") ? &o->volume_sigma
                                                     : NULL;
  int64_t *count = bv_text_ieq(path, "stale") ? &o->stale
                   : bv_text_ieq(path, "gap") ? &o->gap
                                              : NULL;
  double x = sqlite3_value_double(v);
  if (real) {
    *real = x;
    if (is_number(type) && x > 0 && isfinite(x)) return BV_OK;
    return bv_fail(err, BV_ARG, "options: '%s' must be a number above 0", path);
  }
  if (count) {
    int64_t least = count == &o->stale ? 2 : 1;
    *count = sqlite3_value_int64(v);
    if (strcmp(type, "integer") == 0 && *count >= least) return BV_OK;
    return bv_fail(err, BV_ARG, "options: '%s' must be a whole number of bars, at least %d", path,
                   (int)least);
  }
  const char *near = bv_nearest(path, keys);
  return bv_fail(err, BV_ARG,
                 "options: unknown key '%.60s'%s%s%s; options are sigma, volume_sigma, stale, gap, "
                 "calendar, classes, fail",
                 path, near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

bv_rc bv_validate_options_read(sqlite3 *db, const char *text, bv_validate_options *out,
                               bv_err *err) {
  *out = (bv_validate_options){
      .sigma = 10, .volume_sigma = 6, .stale = 5, .gap = 1, .classes = ALL_CLASSES};
  reader r = {out, false};
  return bv_json_walk(db, text, "options", read_leaf, &r, err);
}
