/* catalog.c - assets and series of the store; see store.h. */
#include "base/buf.h"
#include "base/text.h"
#include "data/hot.h"
#include "data/own.h"
#include "data/partition.h"
#include "data/rowsum.h"
#include "data/seg.h"
#include "data/sql.h"
#include "data/store.h"
#include "time/instant.h"

#include <stdio.h>
#include <string.h>

/* The checksum of a row of the catalog's statements.  Where memory runs out for a text there is none. */
static bv_rc row_sum(sqlite3_stmt *st, int64_t *out) {
  *out = bv_rowsum_series(sqlite3_column_int64(st, 0), sqlite3_column_int64(st, 5),
                          sqlite3_column_double(st, 4), bv_sql_text(st, 1), bv_sql_text(st, 2),
                          bv_sql_text(st, 6), bv_sql_text(st, 3));
  return sqlite3_errcode(sqlite3_db_handle(st)) == SQLITE_NOMEM ? BV_NOMEM : BV_OK;
}

static bv_rc check_sum(sqlite3_stmt *st, bv_err *err) {
  int64_t sum;
  if (sqlite3_column_type(st, 7) == SQLITE_NULL) return BV_OK;
  BV_TRY(row_sum(st, &sum));
  if (sqlite3_column_type(st, 7) == SQLITE_INTEGER && sqlite3_column_int64(st, 7) == sum)
    return BV_OK;
  return bv_fail(err, BV_CORRUPT,
                 "barsvt_series: row %lld (asset '%.64s', timestep '%.32s') or the asset's row is "
                 "damaged: the checksum differs; where it was changed on purpose, set checksum to "
                 "NULL",
                 (long long)sqlite3_column_int64(st, 0), bv_sql_text(st, 1), bv_sql_text(st, 2));
}

/* A row (id, asset, timestep, tz, multiplier, number of the asset, venue, checksum) as a series.  The row was
** written by us or by the user with any tool, so it is checked as foreign data. */
static bv_rc series_from_row(sqlite3_stmt *st, bv_series *out, bv_err *err) {
  const char *asset = bv_sql_text(st, 1), *step = bv_sql_text(st, 2), *tz = bv_sql_text(st, 3);
  *out = (bv_series){.id = sqlite3_column_int64(st, 0), .multiplier = sqlite3_column_double(st, 4)};
  if (bv_asset_check(asset, strlen(asset), NULL) != BV_OK ||
      strlen(step) >= sizeof out->step_text ||
      bv_timestep_parse(step, strlen(step), &out->step, NULL) != BV_OK || out->id <= 0 ||
      out->step.of != BV_OF_TRADES || out->id >= (INT64_C(1) << 24) || !(out->multiplier > 0)) {
    return bv_fail(err, BV_CORRUPT,
                   "barsvt_series: row %lld (asset '%.64s', timestep '%.32s') "
                   "cannot be read",
                   (long long)out->id, asset, step);
  }
  BV_TRY(check_sum(st, err));
  memcpy(out->asset, asset, strlen(asset) + 1);
  const char *venue = bv_sql_text(st, 6);
  (void)bv_bars_of_find(venue, strlen(venue), &out->step.of); /* another venue says nothing of it */
  bv_timestep_format(out->step, out->step_text);
  return bv_zone_find(tz, &out->zone, err);
}

/* The key of a series in its table: asset or its number, and the two parts of the timestep. */
static void bind_step(sqlite3_stmt *st, bv_timestep step) {
  char length[32];
  const char *venue = bv_bars_of_name(step.of);
  step.of = BV_OF_TRADES;
  bv_timestep_format(step, length);
  sqlite3_bind_text(st, 2, length, -1, SQLITE_TRANSIENT);
  sqlite3_bind_text(st, 3, venue, -1, SQLITE_STATIC);
}

/* Look up (asset, timestep) in the tables; *found = 0 where it is not there. */
static bv_rc load_from(bv_store *s, const char *asset, bv_timestep step, bv_series *out, int *found,
                       bv_err *err) {
  bool there;
  *found = 0;
  BV_TRY(bv_store_usable(s, &there, err));
  if (!there) return BV_OK;
  sqlite3_stmt *st;
  BV_TRY(bv_store_stmt(s, BV_ST_SERIES_FIND, &st, err));
  sqlite3_bind_text(st, 1, asset, -1, SQLITE_STATIC);
  bind_step(st, step);
  bv_rc rc = bv_sql_row(s->db, st, found, err, "barsvt_series");
  if (rc == BV_OK && *found) rc = series_from_row(st, out, err);
  sqlite3_reset(st);
  if (rc == BV_OK && *found && s->parent) out->home = s;
  return rc;
}

static bv_rc load_series(bv_store *s, const char *asset, bv_timestep step, bv_series *out,
                         int *found, bv_err *err) {
  BV_TRY(load_from(s, asset, step, out, found, err));
  for (int i = 0; i < s->nattached && !*found; i++) {
    BV_TRY(load_from(s->attached[i], asset, step, out, found, err));
  }
  return BV_OK;
}

bv_rc bv_series_by_id(bv_store *s, int64_t id, bv_series *out, bool *found, bv_err *err) {
  sqlite3_stmt *st;
  int row;
  BV_TRY(bv_store_stmt(s, BV_ST_SERIES_BY_ID, &st, err));
  sqlite3_bind_int64(st, 1, id);
  bv_rc rc = bv_sql_row(s->db, st, &row, err, "barsvt_series");
  *found = rc == BV_OK && row;
  if (*found) rc = series_from_row(st, out, err);
  sqlite3_reset(st);
  return rc;
}

/* Remember a series that was found under its key, until the catalog is dropped. */
static bv_rc keep_series(bv_store *s, const char *key, size_t n, const bv_series *found,
                         const bv_series **out) {
  bv_series *keep = bv_alloc(BV_MEM_BASE, sizeof *keep);
  if (!keep) return BV_NOMEM;
  *keep = *found;
  bv_rc rc = bv_map_put(&s->series, key, n, keep);
  if (rc != BV_OK) {
    bv_free(keep);
    return rc;
  }
  *out = keep;
  return BV_OK;
}

bv_rc bv_series_find(bv_store *s, const char *asset, const char *timestep, const bv_series **out,
                     bv_err *err) {
  *out = NULL;
  char key[BV_ASSET_MAX + 64];
  size_t na = strlen(asset), nt = strlen(timestep);
  bool cacheable = na <= BV_ASSET_MAX && nt < 32;
  if (cacheable) {
    memcpy(key, asset, na);
    key[na] = '\x1f';
    memcpy(key + na + 1, timestep, nt);
    *out = bv_map_find(&s->series, key, na + 1 + nt);
    if (*out) return BV_OK;
  }
  bv_timestep step;
  BV_TRY(bv_timestep_parse(timestep, nt, &step, err));
  bv_series found;
  int any;
  BV_TRY(load_series(s, asset, step, &found, &any, err));
  if (!any) return BV_OK;
  if (!cacheable) return bv_fail(err, BV_ARG, "timestep '%.40s' is too long", timestep);
  return keep_series(s, key, na + 1 + nt, &found, out);
}

/* Which of two series comes first: trades before quotes, then the finer. */
static bool comes_before(const bv_series *a, const bv_series *b) {
  if (a->step.of != b->step.of) return a->step.of < b->step.of;
  return bv_timestep_nominal_s(a->step) < bv_timestep_nominal_s(b->step);
}

/* Insert into n series in their order; of more than cap the last is left out. */
static int keep_finest(bv_series *out, int n, int cap, const bv_series *one) {
  int at = n;
  while (at > 0 && comes_before(one, &out[at - 1])) at--;
  if (at == cap) return 0;
  int last = n < cap ? n : cap - 1;
  for (int i = last; i > at; i--) out[i] = out[i - 1];
  out[at] = *one;
  return n < cap;
}

/* of: NULL for all. */
static bv_rc series_in(bv_store *s, const char *asset, const bv_bars_of *of, bv_series *out,
                       int cap, int *n, bv_err *err) {
  bool there;
  *n = 0;
  BV_TRY(bv_store_usable(s, &there, err));
  if (!there) return BV_OK;
  sqlite3_stmt *st;
  BV_TRY(bv_store_stmt(s, BV_ST_SERIES_OF_ASSET, &st, err));
  sqlite3_bind_text(st, 1, asset, -1, SQLITE_STATIC);
  bv_rc rc;
  int row = 0;
  while ((rc = bv_sql_row(s->db, st, &row, err, "barsvt_series")) == BV_OK && row) {
    bv_series one;
    rc = series_from_row(st, &one, err);
    if (rc != BV_OK) break;
    if (s->parent) one.home = s;
    if (of && one.step.of != *of) continue;
    *n += keep_finest(out, *n, cap, &one);
  }
  sqlite3_reset(st);
  return rc;
}

static bv_rc first_series(bv_store *s, const char *asset, const bv_bars_of *of, bv_series *out,
                          int cap, int *n, bv_err *err) {
  BV_TRY(series_in(s, asset, of, out, cap, n, err));
  for (int i = 0; i < s->nattached && *n == 0; i++) {
    BV_TRY(series_in(s->attached[i], asset, of, out, cap, n, err));
  }
  return BV_OK;
}

bv_rc bv_series_of(bv_store *s, const char *asset, bv_bars_of of, bv_series *out, int cap, int *n,
                   bv_err *err) {
  return first_series(s, asset, &of, out, cap, n, err);
}

/* No timestep begins with this byte, so the keys are not those of bv_series_find. */
bv_rc bv_series_finest(bv_store *s, const char *asset, const bv_series **out, bv_err *err) {
  char key[BV_ASSET_MAX + 2];
  const size_t n = strlen(asset);
  bv_series one;
  int any;
  *out = NULL;
  if (n > BV_ASSET_MAX) return BV_OK; /* no asset is called that */
  memcpy(key, asset, n);
  key[n] = key[n + 1] = '\x1f';
  *out = bv_map_find(&s->series, key, n + 2);
  if (*out) return BV_OK;
  BV_TRY(bv_series_of(s, asset, BV_OF_TRADES, &one, 1, &any, err));
  return any ? keep_series(s, key, n + 2, &one, out) : BV_OK;
}

bv_rc bv_series_all(bv_store *s, const char *asset, bv_series *out, int cap, int *n, bv_err *err) {
  return first_series(s, asset, NULL, out, cap, n, err);
}

/* The stored asset whose name is nearest, into a buffer; empty where none is near. */
static bv_rc nearest_asset(bv_store *s, const char *asset, char out[BV_ASSET_MAX + 1],
                           bv_err *err) {
  bool there;
  sqlite3_stmt *st;
  out[0] = 0;
  BV_TRY(bv_store_has_schema(s, &there, err));
  if (!there) return BV_OK;
  BV_TRY(bv_sql_prepare(s->db, "SELECT asset FROM main.barsvt_asset ORDER BY asset", &st, err));
  int row;
  while (bv_sql_row(s->db, st, &row, NULL, "") == BV_OK && row) {
    const char *name = bv_sql_text(st, 0);
    const char *const list[] = {out[0] ? out : name, name,
                                NULL}; /* the best so far, and this one */
    const char *best = strlen(name) > BV_ASSET_MAX ? NULL : bv_nearest(asset, list);
    if (best == name) memcpy(out, name, strlen(name) + 1);
  }
  sqlite3_finalize(st);
  return BV_OK;
}

bv_rc bv_series_missing(bv_store *s, const char *who, const char *asset, const char *timestep,
                        bv_err *err) {
  bool there = s->nattached > 0;
  if (!there) BV_TRY(bv_store_has_schema(s, &there, err));
  if (!there) {
    return bv_fail(err, BV_NOTFOUND,
                   "%s: no bars are stored in this database yet; load some with "
                   "bars_import() or INSERT INTO bars",
                   who);
  }
  enum { MAX = 32 };
  bv_series have[MAX];
  int n;
  BV_TRY(bv_series_all(s, asset, have, MAX, &n, err));
  if (n == 0) {
    char near[BV_ASSET_MAX + 1];
    BV_TRY(nearest_asset(s, asset, near, err));
    if (near[0]) {
      return bv_fail(err, BV_NOTFOUND, "%s: unknown asset '%.80s'; did you mean '%s'?", who, asset,
                     near);
    }
    return bv_fail(err, BV_NOTFOUND,
                   "%s: unknown asset '%.80s'; SELECT * FROM bars_coverage lists "
                   "what is stored",
                   who, asset);
  }
  char list[160] = "";
  for (int i = 0; i < n; i++) {
    size_t used = strlen(list);
    snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", have[i].step_text);
  }
  bv_timestep step;
  bool longer = false, read = bv_timestep_parse(timestep, strlen(timestep), &step, NULL) == BV_OK;
  for (int i = 0; i < n && read; i++) {
    longer |= step.of == have[i].step.of &&
              bv_timestep_nominal_s(step) > bv_timestep_nominal_s(have[i].step);
  }
  if (!timestep[0]) {
    return bv_fail(
        err, BV_NOTFOUND,
        "%s: '%.80s' has no bars of trades, but of quotes: name the timestep (there are: "
        "%s)",
        who, asset, list);
  }
  if (!longer) {
    return bv_fail(err, BV_NOTFOUND, "%s: no '%.40s' bars of '%.80s' are stored (there are: %s)",
                   who, timestep, asset, list);
  }
  return bv_fail(err, BV_NOTFOUND,
                 "%s: no '%.40s' bars of '%.80s' are stored (there are: %s); "
                 "bars_agg('%.80s', '%.40s') makes longer bars from shorter ones",
                 who, timestep, asset, list, asset, timestep);
}

/* The checksum of the asset's first series after `id`; *id becomes its number, -1 where there is none. */
static bv_rc next_sum(bv_store *s, int64_t asset_id, int64_t *id, int64_t *sum, bv_err *err) {
  sqlite3_stmt *st;
  int row;
  BV_TRY(bv_store_stmt(s, BV_ST_SERIES_NEXT, &st, err));
  sqlite3_bind_int64(st, 1, asset_id);
  sqlite3_bind_int64(st, 2, *id);
  BV_TRY(bv_sql_row(s->db, st, &row, err, "barsvt_series"));
  *id = row ? sqlite3_column_int64(st, 0) : -1;
  bv_rc rc = row ? row_sum(st, sum) : BV_OK;
  sqlite3_reset(st);
  return rc;
}

static bv_rc sign_one(bv_store *s, int64_t id, int64_t sum, bv_err *err) {
  sqlite3_stmt *st;
  BV_TRY(bv_store_stmt(s, BV_ST_SERIES_SIGN, &st, err));
  sqlite3_bind_int64(st, 1, id);
  sqlite3_bind_int64(st, 2, sum);
  return bv_sql_done(s->db, st, err, "barsvt_series");
}

bv_rc bv_series_sign(bv_store *s, int64_t asset_id, bv_err *err) {
  bool there;
  int64_t id = 0, sum;
  BV_TRY(bv_store_has_schema(s, &there, err));
  while (s->series_sums) {
    BV_TRY(next_sum(s, asset_id, &id, &sum, err));
    if (id < 0) break;
    BV_TRY(sign_one(s, id, sum, err));
  }
  return BV_OK;
}

/* Damage must not be signed: all series of the asset are read, and with them their checksums. */
static bv_rc read_before_change(bv_store *s, const char *asset, bv_err *err) {
  bv_series any;
  int n;
  return series_in(s, asset, NULL, &any, 1, &n, err);
}

/* The asset's id, made in zone tz if it is new.  A given zone that differs from the stored one is
** written: the asset's calendar is what its data say it is. */
static bv_rc make_asset(bv_store *s, const char *asset, const char *tz, int64_t *id, bv_err *err) {
  sqlite3_stmt *st;
  int row;
  BV_TRY(bv_store_stmt(s, BV_ST_ASSET_FIND, &st, err));
  sqlite3_bind_text(st, 1, asset, -1, SQLITE_STATIC);
  BV_TRY(bv_sql_row(s->db, st, &row, err, "barsvt_asset"));
  if (row) {
    *id = sqlite3_column_int64(st, 0);
    bool same = !tz || strcmp(bv_sql_text(st, 1), tz) == 0;
    sqlite3_reset(st);
    if (same) return BV_OK;
    BV_TRY(read_before_change(s, asset, err));
    BV_TRY(bv_store_stmt(s, BV_ST_ASSET_TZ, &st, err));
    sqlite3_bind_int64(st, 1, *id);
    sqlite3_bind_text(st, 2, tz, -1, SQLITE_STATIC);
    BV_TRY(bv_sql_done(s->db, st, err, "barsvt_asset"));
    return bv_series_sign(s, *id, err);
  }
  BV_TRY(bv_store_stmt(s, BV_ST_ASSET_ADD, &st, err));
  sqlite3_bind_text(st, 1, asset, -1, SQLITE_STATIC);
  sqlite3_bind_text(st, 2, tz ? tz : "UTC", -1, SQLITE_STATIC);
  BV_TRY(bv_sql_done(s->db, st, err, "barsvt_asset"));
  *id = sqlite3_last_insert_rowid(s->db);
  return BV_OK;
}

/* Sign a series that was just made. */
static bv_rc sign_new(bv_store *s, const char *asset, bv_timestep step, bv_err *err) {
  sqlite3_stmt *st;
  int row;
  if (!s->series_sums) return BV_OK;
  BV_TRY(bv_store_stmt(s, BV_ST_SERIES_FIND, &st, err));
  sqlite3_bind_text(st, 1, asset, -1, SQLITE_STATIC);
  bind_step(st, step);
  BV_TRY(bv_sql_row(s->db, st, &row, err, "barsvt_series"));
  int64_t id = row ? sqlite3_column_int64(st, 0) : -1, sum = 0;
  bv_rc rc = row ? row_sum(st, &sum) : BV_OK;
  sqlite3_reset(st);
  return rc == BV_OK && row ? sign_one(s, id, sum, err) : rc;
}

bv_rc bv_series_make(bv_store *s, const char *asset, bv_timestep step, const char *tz,
                     bv_series *out, bv_err *err) {
  BV_TRY(bv_asset_check(asset, strlen(asset), err));
  const bv_zone *zone;
  if (tz) BV_TRY(bv_zone_find(tz, &zone, err));
  BV_TRY(bv_store_create_schema(s, err));
  int64_t id;
  BV_TRY(make_asset(s, asset, tz, &id, err));
  sqlite3_stmt *st;
  BV_TRY(bv_store_stmt(s, BV_ST_SERIES_ADD, &st, err));
  sqlite3_bind_int64(st, 1, id);
  bind_step(st, step);
  int before = sqlite3_total_changes(s->db);
  BV_TRY(bv_sql_done(s->db, st, err, "barsvt_series"));
  if (sqlite3_total_changes(s->db) != before) BV_TRY(sign_new(s, asset, step, err));
  if (tz) {
    bv_store_catalog_changed(s); /* days of what is stored may have moved */
  } else {
    bv_store_catalog_grew(s);
  }
  int found;
  BV_TRY(load_from(s, asset, step, out, &found, err));
  return found ? BV_OK : bv_fail(err, BV_CORRUPT, "barsvt_series: the row just written is gone");
}

/* First, last and count come from tables that anybody can write. */
static bv_rc check_span(const bv_series *series, int64_t first, int64_t last, int64_t n,
                        bv_err *err) {
  bool possible = first >= BV_INSTANT_MIN && first <= last && last <= BV_INSTANT_MAX;
  if (n == 0 || (possible && n > 0 && n <= last - first + 1)) return BV_OK;
  return bv_fail(err, BV_CORRUPT, "%s %s: the stored times or counts make no sense; see bars_check",
                 series->asset, series->step_text);
}

static void widen(int64_t *lo, int64_t *hi, int64_t *n, int64_t first, int64_t last, int64_t add) {
  if (add == 0) return;
  if (*n == 0 || first < *lo) *lo = first;
  if (*n == 0 || last > *hi) *hi = last;
  *n += add;
}

bv_rc bv_series_span(bv_store *s, const bv_series *series, int64_t *first, int64_t *last,
                     int64_t *n, bv_err *err) {
  sqlite3_stmt *st;
  int row;
  if (series->home) s = series->home;
  BV_TRY(bv_seg_span(s, series, first, last, n, err));
  BV_TRY(check_span(series, *first, *last, *n, err));
  BV_TRY(bv_store_stmt(s, BV_ST_SPAN, &st, err));
  sqlite3_bind_int64(st, 1, series->id);
  BV_TRY(bv_sql_row(s->db, st, &row, err, "barsvt_hot"));
  if (row && sqlite3_column_type(st, 0) == SQLITE_INTEGER) {
    int64_t lo = sqlite3_column_int64(st, 0), hi = sqlite3_column_int64(st, 1);
    bv_rc rc = check_span(series, lo, hi, 1, err);
    if (rc != BV_OK) {
      sqlite3_reset(st);
      return rc;
    }
    widen(first, last, n, lo, hi, (hi - lo) / bv_timestep_nominal_s(series->step) / 3 + 1);
  }
  sqlite3_reset(st);
  const bv_parts *parts;
  BV_TRY(bv_parts_of(s, series, &parts, err));
  for (int i = 0; parts && i < parts->n; i++) {
    widen(first, last, n, parts->at[i].first, parts->at[i].last, parts->at[i].n);
  }
  return BV_OK;
}

/* How many bars there are of a part, with those that came later. */
static bv_rc count_part(bv_store *s, const bv_series *series, const bv_part *p, int64_t *n,
                        bv_err *err) {
  bool both;
  BV_TRY(bv_own_any(s, series, p->first, p->last + 1, &both, err));
  *n += p->n;
  if (!both) return BV_OK;
  bv_chunk all, own;
  bv_chunk_init(&all, BV_MEM_DECODE, 0);
  bv_chunk_init(&own, BV_MEM_DECODE, 0);
  bv_rc rc = bv_raw_read(s, series, p->first, p->last + 1, INT64_MAX, false, &all, err);
  if (rc == BV_OK) rc = bv_own_read(s, series, p->first, p->last + 1, INT64_MAX, false, &own, err);
  *n += all.n - p->n - own.n; /* the file's own are counted with the others of the file */
  bv_chunk_reset(&all);
  bv_chunk_reset(&own);
  return rc;
}

static bv_rc count_parts(bv_store *s, const bv_series *series, int64_t *n, bv_err *err) {
  const bv_parts *parts;
  BV_TRY(bv_parts_of(s, series, &parts, err));
  for (int i = 0; parts && i < parts->n; i++) {
    BV_TRY(count_part(s, series, &parts->at[i], n, err));
  }
  return BV_OK;
}

/* Rows count, but those whose time is sealed too, which are corrections, not further bars. */
bv_rc bv_series_count(bv_store *s, const bv_series *series, int64_t *first, int64_t *last,
                      int64_t *n, bv_err *err) {
  int64_t sealed_first, sealed_last, from = INT64_MIN, ts, lo, hi;
  bool found;
  if (series->home) s = series->home;
  BV_TRY(bv_series_span(s, series, first, last, n, err));
  BV_TRY(bv_seg_span(s, series, &sealed_first, &sealed_last, n, err));
  for (;;) { /* chunk by chunk through those that have rows */
    BV_TRY(bv_hot_first(s, series->id, from, &ts, &found, err));
    if (!found) return count_parts(s, series, n, err);
    int64_t chunk = bv_seg_chunk_of(series, ts);
    bv_bars sealed;
    bv_chunk all;
    bv_seg_range(series, chunk, &lo, &hi);
    BV_TRY(bv_seg_load(s, series, chunk, 0, &sealed, err));
    int64_t before = sealed.n;
    bv_chunk_init(&all, BV_MEM_DECODE, 0);
    bv_rc rc = bv_own_read(s, series, lo, hi, INT64_MAX, false, &all, err);
    *n += all.n - before;
    bv_chunk_reset(&all);
    if (rc != BV_OK) return rc;
    from = hi;
  }
}
