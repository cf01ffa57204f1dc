/* row_scan.c - reading the rows of a result table; see row_scan.h. */
#include "run/row_scan.h"

#include <string.h>

/* What the cache of a table may hold while it is read, and when it is not. */
#define MOST_BYTES (INT64_C(24) << 20)
#define IDLE_BYTES (INT64_C(1) << 20)

/* ---- cache ---- */

void bv_row_cache_init(bv_row_cache *c, sqlite3 *db, bv_rows_kind kind) {
  *c = (bv_row_cache){.db = db, .table = &bv_row_tables[kind], .kind = kind};
}

static void drop(bv_row_slot *s) {
  bv_row_chunk_free(s->chunk);
  *s = (bv_row_slot){0};
}

void bv_row_cache_reset(bv_row_cache *c) {
  sqlite3_finalize(c->list);
  sqlite3_finalize(c->next);
  sqlite3_finalize(c->read);
  for (int i = 0; i < BV_ROW_CACHE; i++) drop(&c->slot[i]);
  bv_free(c->room);
  *c = (bv_row_cache){0};
}

/* Give back what was used longest ago until the rest is within `most`; a free slot, or -1. */
static int trim(bv_row_cache *c, int64_t most) {
  for (;;) {
    int64_t bytes = 0;
    int oldest = -1, empty = -1;
    for (int i = 0; i < BV_ROW_CACHE; i++) {
      const bv_row_slot *s = &c->slot[i];
      if (!s->chunk) {
        empty = i;
        continue;
      }
      bytes += s->chunk->bytes;
      if (s->pins == 0 && (oldest < 0 || s->used < c->slot[oldest].used)) oldest = i;
    }
    if ((empty >= 0 && bytes <= most) || oldest < 0) return empty;
    drop(&c->slot[oldest]);
  }
}

static bool holds(const bv_row_slot *s, const bv_row_place *p) {
  return s->chunk && s->rowid == p->rowid && s->checksum == p->checksum &&
         s->chunk->first == p->first && s->chunk->last == p->last;
}

static int find_slot(const bv_row_cache *c, const bv_row_place *p) {
  if (p->slot >= 0 && holds(&c->slot[p->slot], p)) return p->slot;
  for (int i = 0; i < BV_ROW_CACHE; i++)
    if (holds(&c->slot[i], p)) return i;
  return -1;
}

/* ---- statements ---- */

/* Where there was no run yet there is no table, and no rows. */
static bv_rc prepare(bv_row_cache *c, const char *sql, sqlite3_stmt **st, bool *there,
                     bv_err *err) {
  *there = true;
  if (*st) return BV_OK;
  const int code = sqlite3_prepare_v3(c->db, sql, -1, SQLITE_PREPARE_PERSISTENT, st, NULL);
  if (code == SQLITE_OK) return BV_OK;
  sqlite3_stmt *has;
  bv_err why = {0};
  int row = 0;
  const bv_rc failed = bv_sql_fail(c->db, code, &why, c->table->name);
  BV_TRY(
      bv_sql_prepare(c->db, "SELECT 1 FROM main.sqlite_schema WHERE name = 'bt_chunk'", &has, err));
  bv_rc rc = bv_sql_row(c->db, has, &row, err, c->table->name);
  sqlite3_finalize(has);
  *there = row;
  if (rc == BV_OK && row) rc = bv_fail_native(err, failed, why.native, "%s", why.msg);
  return rc;
}

/* A table that was dropped since: the statement cannot be stepped any more. */
static bv_rc step(bv_row_cache *c, sqlite3_stmt **st, int *row, bv_err *err) {
  bv_rc rc = bv_sql_row(c->db, *st, row, err, c->table->name);
  if (rc == BV_OK) return BV_OK;
  sqlite3_finalize(*st);
  *st = NULL;
  return rc;
}

/* A chunk of the run; its tail is read from memory. */
static bv_rc add_place(bv_row_scan *s, int64_t run, sqlite3_stmt *st, bv_err *err) {
  BV_TRY(bv_room(BV_MEM_CURSOR, &s->place, s->nplace, sizeof *s->place));
  const bv_rows *g = s->range.gathered;
  const bv_rows_kept *kept = g && g->run == run ? &g->kept[s->cache->kind] : NULL;
  if (kept && kept->tail && kept->tail_first == sqlite3_column_int64(st, 1)) return BV_OK;
  bv_row_place *p = &s->place[s->nplace];
  *p = (bv_row_place){.rowid = sqlite3_column_int64(st, 0),
                      .first = sqlite3_column_int64(st, 1),
                      .last = sqlite3_column_int64(st, 2),
                      .checksum = sqlite3_column_int64(st, 3),
                      .slot = -1};
  const bv_row_place *before = s->nplace > 0 ? p - 1 : NULL;
  if (p->last < p->first || (before && p->first < before->first)) {
    return bv_fail(err, BV_CORRUPT, "bt_chunk: first or last of a chunk of %s rows cannot be",
                   s->cache->table->kind);
  }
  p->upto = before && before->upto > p->last ? before->upto : p->last;
  s->nplace++;
  return BV_OK;
}

static bv_rc list_places(bv_row_scan *s, int64_t run, bv_err *err) {
  bv_row_cache *c = s->cache;
  bool there;
  int row;
  s->listed = false;
  s->nplace = 0;
  s->changes = sqlite3_total_changes(c->db);
  BV_TRY(prepare(c,
                 "SELECT rowid, first, last, checksum FROM main.bt_chunk WHERE run = ?1 AND"
                 " kind = ?2 ORDER BY first",
                 &c->list, &there, err));
  if (!there) return BV_OK;
  sqlite3_bind_int64(c->list, 1, run);
  sqlite3_bind_text(c->list, 2, c->table->kind, -1, SQLITE_STATIC);
  bv_rc rc;
  while ((rc = step(c, &c->list, &row, err)) == BV_OK && row) {
    rc = add_place(s, run, c->list, err);
    if (rc != BV_OK) break;
  }
  sqlite3_reset(c->list);
  s->listed = rc == BV_OK;
  return rc;
}

/* The first run after one that may have rows; *found false where there is none. */
static bv_rc next_run(bv_row_scan *s, int64_t after, int64_t *run, bool *found, bv_err *err) {
  bv_row_cache *c = s->cache;
  const bv_rows *g = s->range.gathered;
  bool there;
  int row = 0;
  *found = false;
  BV_TRY(prepare(c, "SELECT min(run) FROM main.bt_chunk WHERE run > ?1", &c->next, &there, err));
  if (there) {
    sqlite3_bind_int64(c->next, 1, after);
    BV_TRY(step(c, &c->next, &row, err));
    *found = row && sqlite3_column_type(c->next, 0) == SQLITE_INTEGER;
    *run = *found ? sqlite3_column_int64(c->next, 0) : 0;
    sqlite3_reset(c->next);
  }
  if (g && g->run > after && (!*found || g->run < *run)) {
    *run = g->run;
    *found = true;
  }
  return BV_OK;
}

/* ---- sources ---- */

/* Read a chunk; *out stays NULL where its row is there no more. */
static bv_rc load(bv_row_scan *s, const bv_row_place *p, bv_row_chunk **out, bv_err *err) {
  bv_row_cache *c = s->cache;
  bool there;
  int row;
  *out = NULL;
  BV_TRY(prepare(c,
                 "SELECT n, first, last, checksum, data FROM main.bt_chunk WHERE rowid = ?1 AND"
                 " run = ?2 AND kind = ?3",
                 &c->read, &there, err));
  if (!there) return BV_OK;
  sqlite3_bind_int64(c->read, 1, p->rowid);
  sqlite3_bind_int64(c->read, 2, s->run);
  sqlite3_bind_text(c->read, 3, c->table->kind, -1, SQLITE_STATIC);
  BV_TRY(step(c, &c->read, &row, err));
  bv_rc rc = BV_OK;
  if (row && sqlite3_column_int64(c->read, 3) == p->checksum) {
    rc = bv_row_chunk_new(c->table, sqlite3_column_blob(c->read, 4),
                          sqlite3_column_bytes(c->read, 4), sqlite3_column_int64(c->read, 0),
                          sqlite3_column_int64(c->read, 1), sqlite3_column_int64(c->read, 2),
                          p->checksum, out, err);
  }
  sqlite3_reset(c->read);
  if (rc == BV_OK && *out) rc = bv_row_chunk_need(*out, 0, &c->room, err);
  if (rc == BV_OK) return BV_OK;
  bv_row_chunk_free(*out);
  *out = NULL;
  return rc;
}

/* The chunk of a place, pinned in the cache, or the source's own where the cache has no slot. */
static bv_rc fetch(bv_row_scan *s, bv_row_place *p, bv_row_source *out, bv_err *err) {
  bv_row_cache *c = s->cache;
  int i = find_slot(c, p);
  *out = (bv_row_source){.slot = i};
  if (i < 0) {
    BV_TRY(load(s, p, &out->chunk, err));
    if (!out->chunk) return BV_OK;
    i = out->slot = trim(c, MOST_BYTES);
    if (i < 0) return BV_OK;
    c->slot[i] = (bv_row_slot){.rowid = p->rowid, .checksum = p->checksum, .chunk = out->chunk};
  }
  p->slot = i;
  c->slot[i].pins++;
  c->slot[i].used = ++c->uses;
  out->chunk = c->slot[i].chunk;
  return BV_OK;
}

static void let_go(bv_row_scan *s, bv_row_source *from) {
  if (from->slot >= 0)
    s->cache->slot[from->slot].pins--;
  else
    bv_row_chunk_free(from->chunk);
}

/* Add a source of the rows in the range; one without any is let go. */
static bv_rc add_source(bv_row_scan *s, bv_row_source from) {
  const int64_t *id = bv_row_numbers(from.chunk), lo = s->range.lo, hi = s->range.hi;
  from.at = bv_row_lower(id, from.chunk->n, lo);
  from.end = hi >= from.chunk->last ? from.chunk->n : bv_row_lower(id, from.chunk->n, hi + 1);
  const bool any = from.at < from.end;
  bv_rc rc = any ? bv_room(BV_MEM_CURSOR, &s->source, s->nsource, sizeof *s->source) : BV_OK;
  if (rc == BV_OK && any)
    s->source[s->nsource++] = from;
  else
    let_go(s, &from);
  return rc;
}

static int64_t number_of(const bv_row_source *from) {
  return bv_row_numbers(from->chunk)[from->at];
}

static void clear_sources(bv_row_scan *s) {
  for (int i = 0; i < s->nsource; i++) let_go(s, &s->source[i]);
  s->nsource = 0;
}

/* The source with the smallest number, and how far it may go alone. */
static void choose(bv_row_scan *s) {
  s->now = 0;
  s->limit = INT64_MAX;
  for (int i = 1; i < s->nsource; i++)
    if (number_of(&s->source[i]) < number_of(&s->source[s->now])) s->now = i;
  for (int i = 0; i < s->nsource; i++) {
    const int64_t number = number_of(&s->source[i]);
    if (i != s->now && number < s->limit) s->limit = number;
  }
  const bv_row_place *next = s->next_place < s->nplace ? &s->place[s->next_place] : NULL;
  if (next && next->first < s->limit) s->limit = next->first;
}

/* Open the chunks that begin at or before the smallest number there is, and choose. */
static bv_rc settle(bv_row_scan *s, bv_err *err) {
  for (;;) {
    if (s->nsource > 0) choose(s);
    if (s->next_place == s->nplace) return BV_OK;
    bv_row_place *p = &s->place[s->next_place];
    if (p->first > s->range.hi) {
      s->next_place = s->nplace;
      continue;
    }
    if (s->nsource > 0 && p->first > number_of(&s->source[s->now])) return BV_OK;
    s->next_place++;
    if (p->last < s->range.lo) continue;
    bv_row_source from;
    BV_TRY(fetch(s, p, &from, err));
    if (from.chunk) BV_TRY(add_source(s, from));
  }
}

/* ---- scan ---- */

void bv_row_scan_open(bv_row_scan *s, bv_row_cache *cache) {
  *s = (bv_row_scan){.cache = cache, .eof = true};
  cache->scans++;
}

void bv_row_scan_close(bv_row_scan *s) {
  clear_sources(s);
  if (--s->cache->scans == 0) (void)trim(s->cache, IDLE_BYTES);
  bv_free(s->place);
  bv_free(s->source);
}

/* The first place whose chunk, or one before it, reaches the range. */
static int first_place(const bv_row_scan *s) {
  int lo = 0, hi = s->nplace;
  while (lo < hi) {
    const int mid = lo + (hi - lo) / 2;
    if (s->place[mid].upto < s->range.lo)
      lo = mid + 1;
    else
      hi = mid;
  }
  return lo;
}

static bv_rc enter_run(bv_row_scan *s, int64_t run, bv_err *err) {
  bv_rows *g = s->range.gathered;
  clear_sources(s);
  if (g && g->run == run) BV_TRY(bv_rows_settle(g, s->cache->kind, err));
  const bool known =
      s->listed && s->run == run && s->changes == sqlite3_total_changes(s->cache->db);
  s->run = run;
  if (!known) BV_TRY(list_places(s, run, err));
  s->next_place = first_place(s);
  if (g && g->run == run) {
    bv_row_source from = {.slot = -1};
    BV_TRY(
        bv_rows_copy(g, s->cache->kind, s->range.lo, s->range.hi, s->range.columns, &from.chunk));
    if (from.chunk) BV_TRY(add_source(s, from));
  }
  return settle(s, err);
}

/* The next run with a row in the range, or the end. */
static bv_rc go_on(bv_row_scan *s, int64_t after, bv_err *err) {
  bool found = false;
  int64_t run;
  for (;;) {
    if (!s->range.one) BV_TRY(next_run(s, after, &run, &found, err));
    if (!found) break;
    BV_TRY(enter_run(s, run, err));
    if (s->nsource > 0) return BV_OK;
    after = run;
  }
  s->eof = true;
  return BV_OK;
}

bv_rc bv_row_scan_start(bv_row_scan *s, const bv_row_range *range, bv_err *err) {
  s->range = *range;
  s->eof = false;
  if (range->lo > range->hi) {
    s->eof = true;
    return BV_OK;
  }
  if (!range->one) return go_on(s, INT64_MIN, err);
  BV_TRY(enter_run(s, range->run, err));
  s->eof = s->nsource == 0;
  return BV_OK;
}

bv_rc bv_row_scan_next(bv_row_scan *s, bv_err *err) {
  bv_row_source *from = &s->source[s->now];
  if (++from->at < from->end) {
    if (number_of(from) < s->limit) return BV_OK;
  } else {
    let_go(s, from);
    *from = s->source[--s->nsource];
  }
  BV_TRY(settle(s, err));
  return s->nsource > 0 ? BV_OK : go_on(s, s->run, err);
}

bv_rc bv_row_scan_need(bv_row_scan *s, int column, bv_err *err) {
  return bv_row_chunk_need(s->source[s->now].chunk, column, &s->cache->room, err);
}
