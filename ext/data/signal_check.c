/* signal_check.c - what is doubtful about a table of signals; see signal_check.h. */
#include "data/signal_check.h"
#include "calc/robust.h"
#include "data/view.h"
#include "time/instant.h"

#include <stdio.h>
#include <string.h>

const char *const bv_signal_classes[] = {"early", "duplicate", "time",   "coarse",   "unknown",
                                         "never", "unmatched", "unused", "coverage", NULL};

#define NOT_GIVEN INT64_MIN

/* Rows of one kind, counted. */
typedef struct tally {
  int64_t n, first;
} tally;

/* The asset whose rows are coming. */
typedef struct group {
  char *asset;
  bool known; /* it has a series */
  bv_source src;
  bv_chunk bars; /* times alone */
  int64_t at;    /* bars before this one begin before the row's ts (strict), or not after it */
  bv_feature_row row;
  bool any; /* `row` is one of this asset */
  int64_t rows;
  int64_t use, use_ts;   /* the bar the row before is used at, and that row's ts */
  int64_t begin, filled; /* first bar that has a signal; how many have one */
  tally unknown, never, unmatched, unused;
  double *spacing; /* between neighbouring rows */
  int64_t nspacing;
} group;

typedef struct checker {
  bv_store *s;
  const bv_feature *f;
  const char *timestep;
  bv_rc (*found)(void *ctx, const bv_signal_problem *p);
  void *ctx;
  bv_err *err;
  group g;
} checker;

static void count(tally *t, int64_t ts) {
  if (t->n++ == 0) t->first = ts;
}

static bv_signal_problem problem(const checker *c, const char *cls, const char *severity,
                                 int64_t ts, int64_t rows) {
  return (bv_signal_problem){.cls = cls,
                             .severity = severity,
                             .asset = c->g.asset,
                             .ts = ts,
                             .used_at = NOT_GIVEN,
                             .exists_at = NOT_GIVEN,
                             .rows = rows};
}

static bv_rc report_tally(checker *c, const char *cls, const char *severity, const tally *t,
                          const char *what) {
  if (t->n == 0) return BV_OK;
  bv_signal_problem p = problem(c, cls, severity, t->first, t->n);
  snprintf(p.message, sizeof p.message, "%lld of %lld rows: %s", (long long)t->n,
           (long long)c->g.rows, what);
  return c->found(c->ctx, &p);
}

/* ---- one row ---- */

static bv_rc report_early(checker *c, const bv_feature_row *row, int64_t used_at) {
  char s[32], u[32], e[32];
  bv_signal_problem p = problem(c, "early", "error", row->ts, 1);
  p.used_at = used_at;
  p.exists_at = row->exists_at;
  bv_instant_format(row->ts, s);
  bv_instant_format(used_at, u);
  bv_instant_format(row->exists_at, e);
  snprintf(p.message, sizeof p.message,
           "the signal of %s would be used at %s, %lld s before it exists at %s", s, u,
           (long long)(row->exists_at - used_at), e);
  return c->found(c->ctx, &p);
}

static bv_rc report_duplicate(checker *c, const bv_feature_row *row) {
  bv_signal_problem p = problem(c, "duplicate", "error", row->ts, 1);
  snprintf(p.message, sizeof p.message, "the row before it has the same asset, %s",
           c->f->known ? "ts and known_at" : "and ts");
  return c->found(c->ctx, &p);
}

/* Bars [from, to) have the signal of use_ts, as far as the tolerance goes. */
static void fill(checker *c, int64_t from, int64_t to) {
  group *g = &c->g;
  if (!c->f->asof) to = from + 1;
  for (int64_t i = from; i < to && i < g->bars.n; i++) {
    if (c->f->tolerance >= 0 && g->bars.ts[i] - g->use_ts > c->f->tolerance) return;
    g->filled++;
  }
}

static bool beyond(const bv_feature *f, int64_t apart) {
  return f->tolerance >= 0 && apart > f->tolerance;
}

/* Find the bar a row is used at, and whether it exists by then.  A revision of a row that existed by then comes
** too late, which is no fault: until it exists the earlier one counts. */
static bv_rc place(checker *c, const bv_feature_row *row, const bv_feature_row *revised) {
  group *g = &c->g;
  const bv_feature *f = c->f;
  while (g->at < g->bars.n && g->bars.ts[g->at] < row->ts) g->at++;
  bool there = g->at < g->bars.n && g->bars.ts[g->at] == row->ts;
  if (!f->asof && !there) {
    count(&g->unmatched, row->ts);
    return BV_OK;
  }
  int64_t use = g->at + (f->lag > 0 && there) + (f->lag > 0 ? f->lag - 1 : 0);
  if (use >= g->bars.n) {
    count(&g->unused, row->ts);
    return BV_OK;
  }
  if (f->asof && beyond(f, g->bars.ts[use] - row->ts)) {
    count(&g->unmatched, row->ts);
    return BV_OK;
  }
  if (g->use >= 0 && use > g->use) fill(c, g->use, use);
  if (g->begin < 0) g->begin = use;
  g->use = use;
  g->use_ts = row->ts;
  int64_t used_at = bv_source_known_at(&g->src, g->bars.ts[use]);
  if (row->exists_at <= used_at || (revised && revised->exists_at <= used_at)) return BV_OK;
  return report_early(c, row, used_at);
}

static bv_rc note_spacing(group *g, int64_t ts) {
  if (!g->any || ts <= g->row.ts) return BV_OK;
  BV_TRY(bv_room(BV_MEM_CURSOR, &g->spacing, (int64_t)g->nspacing, sizeof *g->spacing));
  g->spacing[g->nspacing++] = (double)(ts - g->row.ts);
  return BV_OK;
}

static bv_rc take(checker *c, const bv_feature_row *row) {
  group *g = &c->g;
  g->rows++;
  if (!g->known) {
    count(&g->unknown, row->ts);
    return BV_OK;
  }
  const bv_feature_row before = g->row;
  bool revision = g->any && row->ts == before.ts;
  bool again = revision && row->exists_at == before.exists_at;
  BV_TRY(note_spacing(g, row->ts));
  g->any = true;
  g->row = *row;
  if (again) return report_duplicate(c, row);
  if (row->exists_at == BV_NEVER) {
    count(&g->never, row->ts);
    return BV_OK;
  }
  return place(c, row, revision ? &before : NULL);
}

/* ---- one asset ---- */

static bv_rc begin(checker *c, const char *asset) {
  group *g = &c->g;
  const bv_series *series;
  *g = (group){.use = -1, .begin = -1};
  bv_chunk_init(&g->bars, BV_MEM_CURSOR, 0);
  g->asset = bv_strdup(BV_MEM_CURSOR, asset);
  if (!g->asset) return BV_NOMEM;
  BV_TRY(bv_series_find(c->s, asset, c->timestep, &series, c->err));
  g->known = series != NULL;
  if (!series) return BV_OK;
  g->src = bv_source_stored(series);
  return bv_view_read(c->s, &g->src, INT64_MIN, INT64_MAX, &g->bars, c->err);
}

static void forget(group *g) {
  bv_free(g->asset);
  bv_free(g->spacing);
  bv_chunk_reset(&g->bars);
  *g = (group){0};
}

static bv_rc report_coarse(checker *c) {
  group *g = &c->g;
  if (c->f->known || c->f->span_told || g->nspacing == 0) return BV_OK;
  int64_t bar = bv_timestep_nominal_s(g->src.step);
  double apart = bv_median(g->spacing, g->nspacing);
  if (apart < 2 * (double)bar) return BV_OK;
  bv_signal_problem p = problem(c, "coarse", "warning", g->row.ts, g->rows);
  snprintf(
      p.message, sizeof p.message,
      "rows are %.0f s apart, bars last %lld s: if ts is where a longer bar begins, the row is "
      "used before that bar has ended; give a column known_at, or span (none: ts is when it "
      "exists)",
      apart, (long long)bar);
  return c->found(c->ctx, &p);
}

static bv_rc report_coverage(checker *c) {
  const group *g = &c->g;
  if (g->begin < 0) return BV_OK;
  int64_t bars = g->use - g->begin + 1;
  if (g->filled >= bars) return BV_OK;
  bv_signal_problem p = problem(c, "coverage", "info", g->bars.ts[g->begin], bars - g->filled);
  snprintf(p.message, sizeof p.message,
           "%lld of %lld bars between the first signal used and the last have none",
           (long long)(bars - g->filled), (long long)bars);
  return c->found(c->ctx, &p);
}

static bv_rc end(checker *c) {
  group *g = &c->g;
  if (!g->asset) return BV_OK;
  if (g->use >= 0) fill(c, g->use, g->use + 1);
  char missing[120];
  snprintf(missing, sizeof missing, "there are no bars of '%.40s' and '%.32s'", g->asset,
           c->timestep);
  BV_TRY(report_tally(c, "unknown", "warning", &g->unknown, missing));
  BV_TRY(report_tally(c, "never", "warning", &g->never, "known_at is NULL, they are never used"));
  BV_TRY(report_tally(c, "unmatched", "warning", &g->unmatched,
                      c->f->asof ? "there is no bar within the tolerance after ts"
                                 : "there is no bar that begins at ts"));
  BV_TRY(report_tally(c, "unused", "info", &g->unused, "too few bars follow for them to be used"));
  if (g->known) {
    BV_TRY(report_coarse(c));
    BV_TRY(report_coverage(c));
  }
  forget(g);
  return BV_OK;
}

/* ---- all of them ---- */

static bv_rc report_time(checker *c, sqlite3_stmt *st, const bv_err *why) {
  bv_signal_problem p = problem(c, "time", "error", NOT_GIVEN, 1);
  p.asset = (const char *)sqlite3_column_text(st, 2);
  snprintf(p.message, sizeof p.message, "%.230s", bv_err_text(why, BV_ARG));
  return c->found(c->ctx, &p);
}

static bv_rc walk(checker *c, sqlite3_stmt *st) {
  for (;;) {
    bv_feature_row row;
    bv_err why = {0};
    bool more;
    bv_rc rc = bv_feature_next(c->f, st, &row, &more, &why);
    if (rc == BV_ARG && more) {
      BV_TRY(report_time(c, st, &why));
      continue;
    }
    if (rc != BV_OK) return bv_fail_native(c->err, rc, why.native, "%s", bv_err_text(&why, rc));
    if (!more) return end(c);
    if (!c->g.asset || strcmp(c->g.asset, row.asset) != 0) {
      BV_TRY(end(c));
      BV_TRY(begin(c, row.asset));
    }
    if (c->g.known) bv_feature_apply_span(c->f, c->g.src.base.zone, &row);
    BV_TRY(take(c, &row));
  }
}

bv_rc bv_signal_check(bv_store *s, const bv_feature *f, const char *timestep,
                      bv_rc (*found)(void *ctx, const bv_signal_problem *p), void *ctx,
                      bv_err *err) {
  checker c = {.s = s, .f = f, .timestep = timestep, .found = found, .ctx = ctx, .err = err};
  sqlite3_stmt *st;
  BV_TRY(bv_feature_prepare(f, BV_WALK_ASSETS, &st, err));
  bv_rc rc = walk(&c, st);
  forget(&c.g);
  sqlite3_finalize(st);
  return rc;
}
