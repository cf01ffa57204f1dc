/* capi_feed.c - the C interface to feeds; see include/barsvt.h. */
#include "api/args.h"
#include "api/capi.h"
#include "api/feed_columns.h"
#include "barsvt.h"
#include "base/text.h"
#include "col/lay.h"
#include "data/join_def.h"
#include "time/instant.h"

#include <string.h>

/* One column that is delivered. */
typedef struct feed_column {
  const char *name;
  int kind;
  bv_column own;     /* of the bars, or BV_COL_NONE and */
  int value;         /* of the sources, all counted */
  const char *label; /* of the source */
} feed_column;

struct barsvt_feed {
  sqlite3 *db;
  bv_store *store;
  bv_join_def def;
  bv_join *join;
  sqlite3_stmt *hold; /* keeps the state of the database that is read */
  feed_column *column;
  int ncolumn;
  bool *wanted;
  const bv_tile *tile;
  int row;           /* of the tile: the next to be delivered */
  int last;          /* rows of the last batch */
  int64_t *known_at; /* of a batch */
  const double **value;
  const uint8_t **valid;
  bv_rc rc; /* first error: afterwards the feed can only be closed */
  int native;
};

/* ---- columns ---- */

static void add(barsvt_feed *f, const feed_column *c) {
  f->column[f->ncolumn++] = *c;
}

static void add_own(barsvt_feed *f, int c) {
  add(f, &(feed_column){.name = bv_feed_names[c],
                        .kind = BARSVT_BAR,
                        .own = (bv_column)bv_feed_bar_column[c],
                        .value = -1});
}

/* The name-th column, of the bars or a source; false where there is none. */
static bool add_named(barsvt_feed *f, const char *name, size_t n) {
  for (int c = 0; name && c < BV_FEED_OWN; c++) {
    if (bv_feed_bar_column[c] < 0 || !bv_text_ieqn(name, n, bv_feed_names[c])) continue;
    add_own(f, c);
    return true;
  }
  int value = 0;
  for (int k = 0; k < f->def.nsource; k++) {
    const bv_feature *s = &f->def.source[k];
    for (int c = 0; c < s->ncolumn; c++, value++) {
      if (name && !bv_text_ieqn(name, n, s->column[c])) continue;
      add(f, &(feed_column){.name = s->column[c],
                            .kind = s->context ? BARSVT_CONTEXT : BARSVT_SIGNAL,
                            .own = BV_COL_NONE,
                            .value = value,
                            .label = s->label});
      if (name) return true;
    }
  }
  return !name;
}

static int count_values(const bv_join_def *d) {
  int n = 0;
  for (int k = 0; k < d->nsource; k++) n += d->source[k].ncolumn;
  return n;
}

/* "close, score"; NULL: all of the sources, and of the bars those that a feed shows. */
static bv_rc choose_columns(barsvt_feed *f, const char *names, bv_err *err) {
  int room = BV_FEED_OWN + count_values(&f->def);
  for (const char *p = names; p && *p; p++) room += *p == ',';
  f->column = bv_alloc0(BV_MEM_CURSOR, (size_t)(room + 1) * sizeof *f->column);
  f->value = bv_alloc0(BV_MEM_CURSOR, (size_t)(room + 1) * sizeof *f->value);
  f->valid = bv_alloc0(BV_MEM_CURSOR, (size_t)(room + 1) * sizeof *f->valid);
  f->wanted = bv_alloc0(BV_MEM_CURSOR, (size_t)count_values(&f->def) + 1);
  if (!f->column || !f->value || !f->valid || !f->wanted) return BV_NOMEM;
  if (!names) {
    for (int c = BV_FEED_OPEN; c <= BV_FEED_VOLUME; c++) add_own(f, c);
    add_named(f, NULL, 0);
  }
  for (const char *p = names; p && *p;) {
    size_t n = strcspn(p, ","), from = strspn(p, " "), to = n;
    while (to > from && p[to - 1] == ' ') to--;
    if (from < to && !add_named(f, p + from, to - from)) {
      return bv_fail(err, BV_ARG, "%s: there is no column '%.*s'", f->def.name, (int)(to - from),
                     p + from);
    }
    p += n + (p[n] == ',');
  }
  for (int i = 0; i < f->ncolumn; i++) {
    if (f->column[i].value >= 0) f->wanted[f->column[i].value] = true;
  }
  return BV_OK;
}

/* ---- opening ---- */

static bv_rc define(barsvt_feed *f, const char *feed, bv_err *err) {
  BV_TRY(strchr(feed, '=') ? bv_join_def_parse(f->db, "main", "feed", feed, &f->def, err)
                           : bv_join_def_find(f->db, feed, &f->def, err));
  return bv_feed_check_names(&f->def, err);
}

/* A read transaction, so that all pieces are of one state of the database. */
static bv_rc hold(barsvt_feed *f, bv_err *err) {
  int row;
  BV_TRY(bv_sql_prepare(f->db, "SELECT 1 FROM sqlite_master UNION ALL SELECT 1", &f->hold, err));
  BV_TRY(bv_sql_row(f->db, f->hold, &row, err, "database"));
  BV_TRY(bv_store_anchor(f->store, err));
  return bv_store_sync(f->store, err);
}

static bv_rc open_join(barsvt_feed *f, const barsvt_feed_options *o, bv_err *err) {
  bv_join_request q = {.asset = o->asset, .nasset = o->nasset, .lo = INT64_MIN, .hi = INT64_MAX};
  if (o->start) q.lo = o->start;
  if (o->end) q.hi = o->end;
  q.wanted = f->wanted;
  for (int i = 0; i < f->ncolumn; i++) {
    if (f->column[i].own != BV_COL_NONE) q.mask |= BV_COLBIT(f->column[i].own);
  }
  BV_TRY(bv_join_open(f->store, &f->def, &q, &f->join, err));
  f->tile = bv_join_tile(f->join);
  f->known_at = bv_alloc(BV_MEM_CURSOR, (size_t)bv_join_lanes(f->join) * sizeof *f->known_at + 1);
  return f->known_at ? BV_OK : BV_NOMEM;
}

static bv_rc check_options(const barsvt_feed_options *o, bv_err *err) {
  if (o->size != sizeof *o) {
    return bv_fail(err, BV_ARG, "barsvt_feed_options.size must be sizeof(barsvt_feed_options)");
  }
  if (o->nasset < 0 || (o->nasset > 0 && !o->asset)) {
    return bv_fail(err, BV_ARG, "barsvt_feed_options: nasset without assets");
  }
  for (int i = 0; i < o->nasset; i++) {
    if (!o->asset[i]) return bv_fail(err, BV_ARG, "barsvt_feed_options: asset %d is NULL", i);
  }
  return BV_OK;
}

static bv_rc open_feed(barsvt_feed *f, const char *feed, const barsvt_feed_options *o,
                       bv_err *err) {
  BV_TRY(check_options(o, err));
  BV_TRY(hold(f, err));
  BV_TRY(define(f, feed, err));
  BV_TRY(choose_columns(f, o->columns, err));
  return open_join(f, o, err);
}

int barsvt_feed_open(sqlite3 *db, const char *feed, const barsvt_feed_options *options,
                     barsvt_feed **out, char **errmsg) {
  static const barsvt_feed_options all = {.size = sizeof all};
  bv_err err = {0};
  bv_store *s = NULL;
  *out = NULL;
  bv_rc rc = bv_capi_store(db, &s, &err);
  barsvt_feed *f = rc == BV_OK ? bv_alloc0(BV_MEM_CURSOR, sizeof *f) : NULL;
  if (rc == BV_OK && !f) rc = BV_NOMEM;
  if (rc == BV_OK) {
    f->db = db;
    f->store = bv_store_ref(s);
    rc = open_feed(f, feed, options ? options : &all, &err);
  }
  if (rc != BV_OK) {
    if (f) barsvt_feed_close(f);
    return bv_capi_error(errmsg, rc, &err);
  }
  *out = f;
  return SQLITE_OK;
}

void barsvt_feed_close(barsvt_feed *f) {
  if (!f) return;
  bv_join_close(f->join);
  bv_join_def_reset(&f->def);
  sqlite3_finalize(f->hold);
  bv_store_unref(f->store);
  bv_free(f->column);
  bv_free(f->value);
  bv_free(f->valid);
  bv_free(f->wanted);
  bv_free(f->known_at);
  bv_free(f);
}

/* ---- what there is ---- */

int barsvt_feed_assets(const barsvt_feed *f) {
  return bv_join_lanes(f->join);
}

const char *barsvt_feed_asset(const barsvt_feed *f, int asset) {
  if (asset < 0 || asset >= bv_join_lanes(f->join)) return NULL;
  return bv_join_source(f->join, asset)->base.asset;
}

int barsvt_feed_columns(const barsvt_feed *f) {
  return f->ncolumn;
}

const char *barsvt_feed_column(const barsvt_feed *f, int column, int *kind) {
  if (column < 0 || column >= f->ncolumn) return NULL;
  if (kind) *kind = f->column[column].kind;
  return f->column[column].name;
}

/* ---- batches ---- */

static const bv_tile_col *words_of(const barsvt_feed *f, int c) {
  const feed_column *col = &f->column[c];
  return col->value >= 0 ? &f->tile->value[col->value] : &f->tile->own[col->own];
}

static bv_rc no_number(const barsvt_feed *f, const feed_column *c, int row, bv_err *err) {
  char at[32];
  bv_instant_format(f->tile->ts[row], at);
  return bv_fail(
      err, BV_ARG,
      "%s: %s: %s is no number at the bar of '%.64s' at %s; leave the column out, or make it a "
      "number in a view",
      f->def.name, c->label, c->name, barsvt_feed_asset(f, f->tile->lane[row]), at);
}

/* All values of a tile as doubles. */
static bv_rc to_doubles(const barsvt_feed *f, const feed_column *c, bv_err *err) {
  const bv_tile_col *t = &f->tile->value[c->value];
  if (!(t->seen & (BV_WORD_INT | BV_WORD_OTHER))) return BV_OK;
  for (int r = 0; r < f->tile->n; r++) {
    if (t->type[r] == BV_WORD_OTHER) return no_number(f, c, r, err);
    if (t->type[r] != BV_WORD_INT) continue;
    t->word[r].r = (double)t->word[r].i;
    t->type[r] = BV_WORD_REAL;
  }
  return BV_OK;
}

static bv_rc begin_tile(barsvt_feed *f, bv_err *err) {
  f->row = 0;
  for (int c = 0; c < f->ncolumn; c++) {
    if (f->column[c].value >= 0) BV_TRY(to_doubles(f, &f->column[c], err));
  }
  return BV_OK;
}

/* How many rows from `row` on are of its instant: as many as last time, as a rule. */
static int rows_of_instant(const barsvt_feed *f) {
  const int64_t *ts = f->tile->ts + f->row;
  int left = f->tile->n - f->row, n = f->last;
  if (n > 0 && n <= left && ts[n - 1] == ts[0] && (n == left || ts[n] != ts[0])) return n;
  for (n = 1; n < left && ts[n] == ts[0]; n++) {
  }
  return n;
}

static void fill(barsvt_feed *f, barsvt_batch *b) {
  const bv_tile *t = f->tile;
  int n = rows_of_instant(f);
  b->ts = t->ts[f->row];
  b->n = f->last = n;
  b->asset = t->lane + f->row;
  int64_t dur = bv_timestep_dur_s(f->def.step);
  if (dur) bv_fill_i64(f->known_at, b->ts + dur, n);
  for (int i = 0; !dur && i < n; i++) {
    f->known_at[i] = bv_source_known_at(bv_join_source(f->join, b->asset[i]), b->ts);
  }
  b->known_at = f->known_at;
  for (int c = 0; c < f->ncolumn; c++) {
    const bv_tile_col *col = words_of(f, c);
    f->value[c] = &col->word[f->row].r;
    f->valid[c] = col->type + f->row;
  }
  b->value = f->value;
  b->valid = f->valid;
  f->row += n;
}

int barsvt_feed_next(barsvt_feed *f, barsvt_batch *batch, char **errmsg) {
  bv_err err = {0};
  memset(batch, 0, sizeof *batch);
  if (f->rc != BV_OK) {
    bv_fail(&err, BV_ARG, "the feed has failed and can only be closed");
    return bv_capi_error(errmsg, BV_ARG, &err);
  }
  if (f->last == 0 && f->tile->n > 0) f->rc = begin_tile(f, &err);
  if (f->rc == BV_OK && f->last > 0 && f->row >= f->tile->n && f->tile->n > 0) {
    f->rc = bv_join_next(f->join, &err);
    if (f->rc == BV_OK) f->rc = begin_tile(f, &err);
  }
  if (f->rc != BV_OK) return bv_capi_error(errmsg, f->rc, &err);
  if (f->tile->n == 0) return SQLITE_DONE;
  fill(f, batch);
  return SQLITE_ROW;
}

int barsvt_feed_each(barsvt_feed *f, int (*fn)(void *ctx, const barsvt_batch *batch), void *ctx,
                     char **errmsg) {
  barsvt_batch b;
  int code;
  while ((code = barsvt_feed_next(f, &b, errmsg)) == SQLITE_ROW) {
    if (fn(ctx, &b)) return SQLITE_OK;
  }
  return code == SQLITE_DONE ? SQLITE_OK : code;
}
