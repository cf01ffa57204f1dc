/* audit.c - does a view look ahead?  See audit.h. */
#include "run/audit.h"
#include "data/json.h"
#include "data/view.h"
#include "run/audit_rows.h"
#include "run/run.h"
#include "base/text.h"
#include "time/instant.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define MAX_SAMPLES 100000

typedef struct audit {
  bv_store *s;
  const bv_audit_options *opt;
  char label[100]; /* "view 'name'" */
  sqlite3_stmt *st;
  bv_audit_columns columns;
  int nvalue; /* columns of a record */
  int64_t start, end;
  bv_audit_rows last, then; /* rows with everything visible, and at a clock */
  bv_map extra;             /* rows told to be there at a clock alone */
  bool reads_bars, changes;
  bv_series finest; /* of the series that are read */
  bv_rc (*found)(void *ctx, const bv_change *c);
  void *ctx;
  bv_err *err;
} audit;

/* ---- options ---- */

static bv_rc add_instant(bv_audit_options *o, int64_t t) {
  BV_TRY(bv_room(BV_MEM_RUN, &o->at, o->nat, sizeof *o->at));
  int i = o->nat;
  while (i > 0 && o->at[i - 1] > t) i--;
  if (i > 0 && o->at[i - 1] == t) return BV_OK;
  memmove(o->at + i + 1, o->at + i, (size_t)(o->nat - i) * sizeof *o->at);
  o->at[i] = t;
  o->nat++;
  return BV_OK;
}

typedef struct option_reader {
  bv_store *s;
  bv_audit_options *o;
} option_reader;

static bv_rc read_instant(option_reader *r, const char *path, const char *type, sqlite3_value *v,
                          bv_err *err) {
  int64_t t = sqlite3_value_int64(v);
  bv_err why = {0};
  bv_rc rc = BV_ARG;
  if (strcmp(type, "integer") == 0) rc = bv_instant_check(t, &why);
  if (strcmp(type, "text") == 0) {
    const char *text = (const char *)sqlite3_value_text(v);
    if (!text) return BV_NOMEM;
    rc = bv_instant_parse(text, strlen(text), r->s->zone, &t, NULL, &why);
  }
  if (rc == BV_OK) return add_instant(r->o, t);
  return bv_fail(err, BV_ARG, "options: '%s' is not a time%s%s", path, why.msg[0] ? ": " : "",
                 why.msg);
}

static bv_rc read_option(void *ctx, const char *path, const char *type, sqlite3_value *v,
                         bv_err *err) {
  static const char *const keys[] = {"samples", "tolerance", "at", NULL};
  option_reader *r = ctx;
  bool whole = strcmp(type, "integer") == 0, number = whole || strcmp(type, "real") == 0;
  if (bv_text_ieq(path, "samples")) {
    r->o->samples = sqlite3_value_int64(v);
    if (whole && r->o->samples >= 1 && r->o->samples <= MAX_SAMPLES) return BV_OK;
    return bv_fail(err, BV_ARG, "options: 'samples' must be a whole number from 1 to %d",
                   MAX_SAMPLES);
  }
  if (bv_text_ieq(path, "tolerance")) {
    r->o->tolerance = sqlite3_value_double(v);
    if (number && r->o->tolerance >= 0 && r->o->tolerance < 1) return BV_OK;
    return bv_fail(err, BV_ARG, "options: 'tolerance' must be a number from 0 to less than 1");
  }
  if (bv_text_ieq(path, "at") || strncmp(path, "at[", 3) == 0) {
    return read_instant(r, path, type, v, err);
  }
  const char *near = bv_nearest(path, keys);
  return bv_fail(err, BV_ARG,
                 "options: unknown key '%.60s'%s%s%s; options are samples, tolerance, at", path,
                 near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

bv_rc bv_audit_options_read(bv_store *s, const char *text, bv_audit_options *out, bv_err *err) {
  *out = (bv_audit_options){.samples = 50};
  option_reader r = {s, out};
  bv_rc rc = bv_json_walk(s->db, text, "options", read_option, &r, err);
  if (rc != BV_OK) bv_audit_options_reset(out);
  return rc;
}

void bv_audit_options_reset(bv_audit_options *o) {
  bv_free(o->at);
  *o = (bv_audit_options){0};
}

/* ---- the view ---- */

static bv_rc open_view(audit *a, const char *view) {
  snprintf(a->label, sizeof a->label, "view '%.80s'", view);
  char *sql = sqlite3_mprintf("SELECT * FROM \"%w\"", view);
  if (!sql) return BV_NOMEM;
  int code = sqlite3_prepare_v2(a->s->db, sql, -1, &a->st, NULL);
  sqlite3_free(sql);
  if (code != SQLITE_OK) return bv_sql_fail(a->s->db, code, a->err, a->label);
  a->columns = (bv_audit_columns){-1, -1, sqlite3_column_count(a->st)};
  for (int c = 0; c < a->columns.n; c++) {
    const char *name = sqlite3_column_name(a->st, c);
    if (!name) return BV_NOMEM;
    if (a->columns.known_at < 0 && bv_text_ieq(name, "known_at")) a->columns.known_at = c;
    if (a->columns.asset < 0 && bv_text_ieq(name, "asset")) a->columns.asset = c;
  }
  a->nvalue = a->columns.n - 1 - (a->columns.asset >= 0);
  if (a->columns.known_at >= 0) return BV_OK;
  return bv_fail(
      a->err, BV_ARG,
      "%s has no column known_at: it is executed at every step, with the clock at that step, and "
      "cannot look ahead",
      a->label);
}

static void on_touch(void *ctx, const bv_series *series) {
  audit *a = ctx;
  if (!a->reads_bars ||
      bv_timestep_nominal_s(series->step) < bv_timestep_nominal_s(a->finest.step)) {
    a->finest = *series;
  }
  a->reads_bars = true;
}

/* The rows up to instant `hi`, with the clock there. */
static bv_rc evaluate(audit *a, int64_t clock, bv_audit_rows *out) {
  bv_store *s = a->s;
  s->clock = clock;
  s->touched = on_touch;
  s->touched_ctx = a;
  bv_rc rc = bv_audit_rows_read(out, s->db, a->st, &a->columns, a->start, clock, a->label, a->err);
  s->touched = NULL;
  return rc;
}

/* ---- comparing ---- */

static bv_rc tell(audit *a, bv_change_kind kind, int64_t clock, const bv_audit_rows *r, int64_t i) {
  bv_change c = {.kind = kind,
                 .clock = clock,
                 .known_at = r->row[i].known_at,
                 .asset = bv_audit_asset(r, i),
                 .last = {.type = SQLITE_NULL},
                 .then = {.type = SQLITE_NULL}};
  a->changes = true;
  return a->found(a->ctx, &c);
}

static bv_rc tell_missing(audit *a, int64_t clock, int64_t i) {
  if (a->last.row[i].told) return BV_OK;
  a->last.row[i].told = true;
  return tell(a, BV_MISSING, clock, &a->last, i);
}

/* A row that only clocks see has no place among the others to be marked. */
static bv_rc tell_extra(audit *a, int64_t clock, int64_t i) {
  char key[200];
  const char *asset = bv_audit_asset(&a->then, i);
  int n = snprintf(key, sizeof key, "%lld %.150s", (long long)a->then.row[i].known_at,
                   asset ? asset : "");
  if (bv_map_find(&a->extra, key, (size_t)n)) return BV_OK;
  BV_TRY(bv_map_put(&a->extra, key, (size_t)n, a));
  return tell(a, BV_EXTRA, clock, &a->then, i);
}

static bv_rc tell_changed(audit *a, int64_t clock, int64_t i, int64_t j) {
  bv_audit_row *row = &a->last.row[i];
  size_t p = row->record, q = a->then.row[j].record;
  if (row->told) return BV_OK;
  row->told = true;
  for (int c = 0; c < a->columns.n; c++) {
    if (c == a->columns.known_at || c == a->columns.asset) continue;
    bv_change change = {.kind = BV_CHANGED,
                        .clock = clock,
                        .known_at = row->known_at,
                        .asset = bv_audit_asset(&a->last, i),
                        .column = sqlite3_column_name(a->st, c),
                        .last = bv_audit_value_at(&a->last, &p),
                        .then = bv_audit_value_at(&a->then, &q)};
    if (!change.column) return BV_NOMEM;
    if (bv_audit_same(&change.last, &change.then, a->opt->tolerance)) continue;
    a->changes = true;
    BV_TRY(a->found(a->ctx, &change));
  }
  return BV_OK;
}

/* The rows from i on with the key of row i. */
static int64_t key_end(const bv_audit_rows *r, int64_t i, int64_t n) {
  int64_t e = i + 1;
  while (e < n && bv_audit_key_cmp(r, i, r, e) == 0) e++;
  return e;
}

/* Rows of one key: those that are on both sides are paired first, the others in their order. */
static bv_rc compare_key(audit *a, int64_t clock, int64_t i, int64_t iend, int64_t j,
                         int64_t jend) {
  int64_t p = i, q = j;
  bool equal = iend - i == jend - j;
  for (; equal && p < iend; p++, q++) {
    equal = bv_audit_same_record(&a->last, p, &a->then, q, a->nvalue, a->opt->tolerance);
  }
  if (equal) return BV_OK;
  bool *taken = bv_alloc0(BV_MEM_RUN, (size_t)(jend - j) + (size_t)(iend - i));
  if (!taken) return BV_NOMEM;
  bool *paired = taken + (jend - j);
  for (p = i; p < iend; p++) {
    for (q = j; q < jend && !paired[p - i]; q++) {
      if (taken[q - j]) continue;
      if (!bv_audit_same_record(&a->last, p, &a->then, q, a->nvalue, a->opt->tolerance)) continue;
      taken[q - j] = paired[p - i] = true;
    }
  }
  bv_rc rc = BV_OK;
  for (p = i, q = j; p < iend && rc == BV_OK; p++) {
    if (paired[p - i]) continue;
    while (q < jend && taken[q - j]) q++;
    rc = q < jend ? tell_changed(a, clock, p, q++) : tell_missing(a, clock, p);
  }
  for (; q < jend && rc == BV_OK; q++) {
    if (!taken[q - j]) rc = tell_extra(a, clock, q);
  }
  bv_free(taken);
  return rc;
}

/* All rows known by the clock, here and there. */
static bv_rc compare(audit *a, int64_t clock) {
  int64_t i = 0, j = 0, n = a->last.n, m = a->then.n;
  while (i < n && a->last.row[i].known_at <= clock) {
    int c = j < m ? bv_audit_key_cmp(&a->last, i, &a->then, j) : -1;
    if (c < 0) {
      BV_TRY(tell_missing(a, clock, i++));
    } else if (c > 0) {
      BV_TRY(tell_extra(a, clock, j++));
    } else {
      int64_t iend = key_end(&a->last, i, n), jend = key_end(&a->then, j, m);
      BV_TRY(compare_key(a, clock, i, iend, j, jend));
      i = iend;
      j = jend;
    }
  }
  for (; j < m; j++) BV_TRY(tell_extra(a, clock, j));
  return BV_OK;
}

static bv_rc look_at(audit *a, int64_t clock) {
  BV_TRY(evaluate(a, clock, &a->then));
  return compare(a, clock);
}

/* ---- sampling ---- */

/* A number that depends on i alone and looks random (splitmix64). */
static uint64_t scatter(uint64_t i) {
  uint64_t z = (i + 1) * UINT64_C(0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
  return z ^ (z >> 31);
}

/* Instants, in order and each once. */
typedef struct instants {
  int64_t *t;
  int64_t n;
} instants;

static bv_rc note(instants *w, int64_t t) {
  if (w->n > 0 && w->t[w->n - 1] == t) return BV_OK;
  BV_TRY(bv_room(BV_MEM_RUN, &w->t, w->n, sizeof *w->t));
  w->t[w->n++] = t;
  return BV_OK;
}

/* One out of each of `samples` even shares. */
static void thin(instants *w, int64_t samples) {
  if (w->n <= samples) return;
  for (int64_t i = 0; i < samples; i++) {
    int64_t lo = w->n * i / samples, hi = w->n * (i + 1) / samples;
    w->t[i] = w->t[lo + (int64_t)(scatter((uint64_t)i) % (uint64_t)(hi - lo))];
  }
  w->n = samples;
}

static bv_rc known_of_rows(audit *a, instants *w) {
  for (int64_t i = 0; i < a->last.n; i++) BV_TRY(note(w, a->last.row[i].known_at));
  return BV_OK;
}

/* Ends of bars: a row that the view leaves out for what comes after it has none of its own. */
static bv_rc ends_of_bars(audit *a, instants *w) {
  bv_source src = bv_source_stored(&a->finest);
  bv_stream st;
  a->s->clock = a->end;
  bv_rc rc =
      bv_stream_open(&st, a->s, &src, INT64_MIN, INT64_MAX, false, BV_STREAM_PIECE, 0, a->err);
  while (rc == BV_OK && !st.eof) {
    int64_t t = bv_stream_known_at(&st);
    if (t >= a->start) rc = note(w, t);
    if (rc == BV_OK) rc = bv_stream_next(&st, a->err);
  }
  bv_stream_close(&st);
  return rc;
}

static bv_rc look_around(audit *a) {
  instants rows = {0}, ends = {0};
  int64_t of_ends = a->opt->samples / 2;
  bv_rc rc = known_of_rows(a, &rows);
  if (rc == BV_OK && a->reads_bars && of_ends > 0) rc = ends_of_bars(a, &ends);
  thin(&rows, a->opt->samples - of_ends);
  thin(&ends, of_ends);
  for (int64_t i = 0, j = 0; rc == BV_OK && (i < rows.n || j < ends.n);) {
    int64_t t = j == ends.n || (i < rows.n && rows.t[i] <= ends.t[j]) ? rows.t[i] : ends.t[j];
    if (i < rows.n && rows.t[i] == t) i++;
    if (j < ends.n && ends.t[j] == t) j++;
    rc = look_at(a, t);
  }
  bv_free(rows.t);
  bv_free(ends.t);
  return rc;
}

static bv_rc look_all(audit *a) {
  BV_TRY(evaluate(a, a->end, &a->last));
  if (!a->opt->at) BV_TRY(look_around(a));
  for (int i = 0; i < a->opt->nat; i++) {
    if (a->opt->at[i] <= a->end) BV_TRY(look_at(a, a->opt->at[i]));
  }
  if (a->reads_bars || a->changes) return BV_OK;
  return bv_fail(
      a->err, BV_ARG,
      "%s reads no bars: nothing in it follows the clock, so its rows are the same at any",
      a->label);
}

/* The connection is in a run of set mode meanwhile, so that the view is told the configuration's parameters and
** refused the account. */
bv_rc bv_audit(bv_store *s, const char *view, const char *config, const bv_audit_options *options,
               bv_rc (*found)(void *ctx, const bv_change *c), void *ctx, bv_err *err) {
  if (s->run) return bv_fail(err, BV_BUSY, "a run is in progress on this connection");
  bv_run *run = bv_alloc0(BV_MEM_RUN, sizeof *run);
  if (!run) return BV_NOMEM;
  const int64_t clock = s->clock;
  audit a = {.s = s, .opt = options, .found = found, .ctx = ctx, .err = err};
  bv_audit_rows_init(&a.last);
  bv_audit_rows_init(&a.then);
  bv_map_init(&a.extra);
  run->strategy.set_mode = true;
  bv_rc rc = bv_run_config_twice(s->db, config, err);
  if (rc == BV_OK) rc = bv_run_config_read(s->db, config, s->zone, &run->config, err);
  bool configured = rc == BV_OK;
  if (rc == BV_OK) {
    a.start = run->config.start;
    a.end = run->config.end < clock ? run->config.end : clock;
    s->run = run;
    s->frozen++;
    rc = open_view(&a, view);
    if (rc == BV_OK) rc = look_all(&a);
    s->frozen--;
    s->run = NULL;
    s->clock = clock;
  }
  sqlite3_finalize(a.st);
  if (configured) bv_run_config_reset(&run->config);
  bv_map_reset(&a.extra);
  bv_audit_rows_reset(&a.last);
  bv_audit_rows_reset(&a.then);
  bv_free(run);
  return rc;
}
