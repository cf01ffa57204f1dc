/* settings.c - what bars_config() reads and sets; see settings.h. */
#include "data/settings.h"
#include "base/text.h"
#include "col/segment.h"
#include "data/cachelog.h"
#include "data/evict.h"
#include "data/window.h"

#define MOST 100000000

#include <stdio.h>
#include <string.h>

enum { S_MEMORY_LIMIT, S_HISTORY, S_FUTURE, S_TRIM, S_LOG, S_LEVEL, S_THREADS, S_TZ, S_COUNT };

static const bv_setting table[S_COUNT] = {
    [S_MEMORY_LIMIT] = {"memory_limit", "bytes",
                        "memory of the whole process above which cached windows are dropped; "
                        "takes '512 MB', '1 GB'"},
    [S_HISTORY] = {"history", "bars", "bars before the clock that a window keeps"},
    [S_FUTURE] = {"future", "bars", "bars a window reads ahead"},
    [S_TRIM] = {"trim", "bars",
                "bars a window may hold besides before those earlier than its history are dropped"},
    [S_LOG] = {"log", "rows", "decisions kept in bars_log; 0 keeps none"},
    [S_LEVEL] =
        {"level", "0 to 19",
         "compression of bars sealed from now on: 0 bit packing alone, 1 with entropy coding, "
         "2 and more also look for repetitions"},
    [S_THREADS] = {"threads", "1 to 16",
                   "threads a run works with: the caller's, and others that decode bars of many "
                   "assets ahead of it and code results"},
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
  case S_MEMORY_LIMIT: snprintf(out, 64, "%lld", (long long)bv_mem_limit()); break;
  case S_HISTORY: snprintf(out, 64, "%lld", (long long)s->history); break;
  case S_TRIM: snprintf(out, 64, "%lld", (long long)s->trim); break;
  case S_LOG: snprintf(out, 64, "%lld", (long long)bv_log_size(s)); break;
  case S_LEVEL: snprintf(out, 64, "%lld", (long long)s->level); break;
  case S_THREADS: snprintf(out, 64, "%lld", (long long)s->threads); break;
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
    bv_mem_set_limit(v);
    bv_evict(s);
    return BV_OK;
  case S_LEVEL: return parse_count("level", value, 0, BV_SEG_LEVEL_MAX, &s->level, err);
  case S_THREADS: return parse_count("threads", value, 1, BV_THREADS_MOST, &s->threads, err);
  case S_LOG: BV_TRY(parse_count("log", value, 0, 10000000, &v, err)); return bv_log_resize(s, v);
  case S_TRIM: BV_TRY(parse_count("trim", value, 1, MOST, &s->trim, err)); break;
  case S_HISTORY: BV_TRY(parse_count("history", value, 1, MOST, &s->history, err)); break;
  case S_FUTURE: BV_TRY(parse_count("future", value, 1, MOST, &s->future, err)); break;
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

/* ---- series with a history or future of their own ---- */

static size_t reach_key(const char *asset, const char *timestep, char key[BV_ASSET_MAX + 1 + 32]) {
  size_t na = strlen(asset), nt = strlen(timestep);
  memcpy(key, asset, na);
  key[na] = '\x1f';
  memcpy(key + na + 1, timestep, nt);
  return na + 1 + nt;
}

bv_rc bv_setting_set_for(bv_store *s, const char *name, const char *value, const char *asset,
                         const char *timestep, bv_err *err) {
  int which = 0;
  int64_t v = 0;
  bv_timestep step;
  bv_reach found = {0};
  BV_TRY(find(name, &which, err));
  if (which != S_HISTORY && which != S_FUTURE) {
    return bv_fail(err, BV_ARG,
                   "'%s' is a setting of the connection; of a series there are history and future",
                   table[which].name);
  }
  BV_TRY(bv_asset_check(asset, strlen(asset), err));
  BV_TRY(bv_timestep_parse(timestep, strlen(timestep), &step, err));
  if (value) BV_TRY(parse_count(table[which].name, value, 1, MOST, &v, err));
  strcpy(found.asset, asset);
  bv_timestep_format(step, found.timestep);
  char key[BV_ASSET_MAX + 1 + 32];
  size_t n = reach_key(found.asset, found.timestep, key);
  bv_reach *r = bv_map_find(&s->reach, key, n);
  if (!r) {
    r = bv_alloc(BV_MEM_BASE, sizeof *r);
    if (!r) return BV_NOMEM;
    *r = found;
    bv_rc rc = bv_map_put(&s->reach, key, n, r);
    if (rc != BV_OK) {
      bv_free(r);
      return rc;
    }
  }
  *(which == S_HISTORY ? &r->history : &r->future) = v;
  if (r->history == 0 && r->future == 0) {
    bv_map_remove(&s->reach, key, n);
    bv_free(r);
  }
  bv_window_drop_all(s);
  return BV_OK;
}

const bv_reach *bv_setting_next_reach(const bv_store *s, size_t *at) {
  const bv_map_entry *e = bv_map_next(&s->reach, at);
  return e ? e->value : NULL;
}

void bv_setting_reach(const bv_store *s, const bv_source *src, int64_t *history, int64_t *future) {
  *history = s->history;
  *future = s->future;
  if (s->reach.live == 0) return;
  char key[BV_ASSET_MAX + 1 + 32], step[32];
  bv_timestep_format(src->step, step);
  const bv_reach *r = bv_map_find(&s->reach, key, reach_key(src->base.asset, step, key));
  if (r && r->history) *history = r->history;
  if (r && r->future) *future = r->future;
}

void bv_settings_forget(bv_store *s) {
  size_t at = 0;
  for (const bv_map_entry *e; (e = bv_map_next(&s->reach, &at));) bv_free(e->value);
  bv_map_reset(&s->reach);
}
