/* settings.c - what bars_config() reads and sets; see settings.h. */
#include "data/settings.h"
#include "base/text.h"
#include "col/segment.h"
#include "data/window.h"

#include <stdio.h>
#include <string.h>

enum { S_MEMORY_LIMIT, S_HISTORY, S_FUTURE, S_LEVEL, S_TZ, S_COUNT };

static const bv_setting table[S_COUNT] = {
    [S_MEMORY_LIMIT] = {"memory_limit", "bytes",
                        "memory of the whole process above which cached windows are dropped; "
                        "takes '512 MB', '1 GB'"},
    [S_HISTORY] = {"history", "bars", "bars before the clock that a window keeps"},
    [S_FUTURE] = {"future", "bars", "bars a window reads ahead"},
    [S_LEVEL] =
        {"level", "0 to 19",
         "compression of bars sealed from now on: 0 bit packing alone, 1 with entropy coding, "
         "2 and more also look for repetitions"},
    [S_TZ] = {"tz", "zone", "zone of times given as text without an offset"},
};

const bv_setting *bv_settings(int *n) {
  *n = S_COUNT;
  return table;
}

static bv_rc find(const char *name, int *out, bv_err *err) {
  const char *names[S_COUNT + 1] = {0};
  for (int i = 0; i < S_COUNT; i++) {
    names[i] = table[i].name;
    if (bv_text_ieq(name, table[i].name)) {
      *out = i;
      return BV_OK;
    }
  }
  const char *near = bv_nearest(name, names);
  return bv_fail(err, BV_ARG, "unknown setting '%.40s'%s%s%s SELECT * FROM bars_setting lists them",
                 name, near ? "; did you mean '" : ";", near ? near : "", near ? "'?" : "");
}

bv_rc bv_setting_get(const bv_store *s, const char *name, char out[64], bv_err *err) {
  int which = 0;
  BV_TRY(find(name, &which, err));
  switch (which) {
  case S_MEMORY_LIMIT: snprintf(out, 64, "%lld", (long long)s->memory_limit); break;
  case S_HISTORY: snprintf(out, 64, "%lld", (long long)s->history); break;
  case S_LEVEL: snprintf(out, 64, "%lld", (long long)s->level); break;
  case S_FUTURE: snprintf(out, 64, "%lld", (long long)s->future); break;
  default: snprintf(out, 64, "%s", bv_zone_name(s->zone)); break;
  }
  return BV_OK;
}

/* "512", "512 kB", "1 GB", "2 MiB": units of 1000 or 1024 as written. */
static bv_rc parse_bytes(const char *text, int64_t *out, bv_err *err) {
  static const struct {
    const char *name;
    int64_t size;
  } unit[] = {{"", 1},          {"b", 1},           {"kb", 1000},
              {"mb", 1000000},  {"gb", 1000000000}, {"kib", 1 << 10},
              {"mib", 1 << 20}, {"gib", 1 << 30}};
  size_t n = strspn(text, "0123456789");
  int64_t v = 0;
  const char *rest = text + n + strspn(text + n, " ");
  if (bv_parse_i64(text, n, &v) == BV_OK) {
    for (size_t i = 0; i < sizeof unit / sizeof *unit; i++) {
      if (!bv_text_ieq(rest, unit[i].name) || v > INT64_MAX / unit[i].size) continue;
      *out = v * unit[i].size;
      return BV_OK;
    }
  }
  return bv_fail(err, BV_ARG,
                 "memory_limit '%.40s' is not a size such as 1073741824, '512 MB' or "
                 "'1 GB'",
                 text);
}

static bv_rc parse_count(const char *name, const char *text, int64_t lo, int64_t hi, int64_t *out,
                         bv_err *err) {
  int64_t v;
  if (bv_parse_i64(text, strlen(text), &v) != BV_OK || v < lo || v > hi) {
    return bv_fail(err, BV_ARG, "%s '%.40s' is not a whole number from %lld to %lld", name, text,
                   (long long)lo, (long long)hi);
  }
  *out = v;
  return BV_OK;
}

bv_rc bv_setting_set(bv_store *s, const char *name, const char *value, bv_err *err) {
  int which = 0;
  BV_TRY(find(name, &which, err));
  int64_t v = 0;
  switch (which) {
  case S_MEMORY_LIMIT:
    BV_TRY(parse_bytes(value, &v, err));
    if (v < 1000000) return bv_fail(err, BV_ARG, "memory_limit '%.40s' is below 1 MB", value);
    s->memory_limit = v;
    bv_window_evict(s);
    return BV_OK;
  case S_LEVEL: return parse_count("level", value, 0, BV_SEG_LEVEL_MAX, &s->level, err);
  case S_HISTORY: BV_TRY(parse_count("history", value, 1, 100000000, &s->history, err)); break;
  case S_FUTURE: BV_TRY(parse_count("future", value, 1, 100000000, &s->future, err)); break;
  default: {
    const bv_zone *zone; /* the setting stays as it is where there is no such zone */
    BV_TRY(bv_zone_find(value, &zone, err));
    s->zone = zone;
    return BV_OK;
  }
  }
  bv_window_drop_all(s); /* windows have the old capacity */
  return BV_OK;
}
