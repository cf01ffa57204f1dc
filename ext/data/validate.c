/* validate.c - what is doubtful about a stored series; see validate.h. */
#include "data/validate.h"
#include "calc/robust.h"
#include "data/bar_check.h"
#include "data/gap.h"
#include "data/view.h"
#include "time/instant.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY 86400

const char *const bv_problem_name[BV_NPROBLEM + 1] = {
    [BV_P_PRICE] = "price",     [BV_P_OHLC] = "ohlc",           [BV_P_VOLUME] = "volume",
    [BV_P_CROSSED] = "crossed", [BV_P_OVERLAP] = "overlap",     [BV_P_JUMP] = "jump",
    [BV_P_OUTLIER] = "outlier", [BV_P_DUPLICATE] = "duplicate", [BV_P_GAP] = "gap",
    [BV_P_STALE] = "stale"};
const char *const bv_problem_severity[BV_NPROBLEM] = {
    [BV_P_PRICE] = "error",     [BV_P_OHLC] = "error",        [BV_P_VOLUME] = "error",
    [BV_P_CROSSED] = "warning", [BV_P_OVERLAP] = "error",     [BV_P_JUMP] = "warning",
    [BV_P_OUTLIER] = "warning", [BV_P_DUPLICATE] = "warning", [BV_P_GAP] = "info",
    [BV_P_STALE] = "warning"};

/* A growing array of numbers. */
typedef struct sample {
  double *v;
  int64_t n;
  double centre, sigma; /* NaN: too few to judge */
} sample;

typedef struct validator {
  bv_store *s;
  const bv_series *series;
  int64_t lo, hi;
  const bv_validate_options *opt;
  bv_err *err;
  bool intraday; /* bars shorter than a day: a local day has several */
  sample inside, across, volume;
  bv_problem *found;
  int64_t n;
} validator;

/* One bar, and what the next one is compared with. */
typedef struct bar {
  int64_t ts, end;
  double value[BV_NCOL];
} bar;

static bv_rc add_number(sample *p, double v) {
  BV_TRY(bv_room(BV_MEM_CURSOR, &p->v, p->n, sizeof *p->v));
  p->v[p->n++] = v;
  return BV_OK;
}

/* Centre and spread of what was gathered; the numbers are let go. */
static void judge(sample *p) {
  p->centre = p->sigma = NAN;
  if (p->n >= BV_VALIDATE_LEAST) {
    p->centre = bv_median(p->v, p->n);
    p->sigma = bv_mad_sigma(p->v, p->n, p->centre);
  }
  bv_free(p->v);
  p->v = NULL;
}

static bv_rc report(validator *v, bv_problem p) {
  if (!(v->opt->classes >> p.cls & 1)) return BV_OK;
  BV_TRY(bv_room(BV_MEM_CURSOR, &v->found, v->n, sizeof *v->found));
  v->found[v->n++] = p;
  return BV_OK;
}

static bv_problem about(bv_problem_class cls, const bar *b, const char *what, double value,
                        double expected, double bound) {
  return (bv_problem){cls, b->ts, b->end, what, value, expected, bound, 1};
}

/* ---- one bar alone ---- */

static bv_rc check_prices(validator *v, const bar *b, bool *order) {
  static const char *const wrong[][3] = {
      {"open is not a finite number", "open is negative", "open is zero"},
      {"high is not a finite number", "high is negative", "high is zero"},
      {"low is not a finite number", "low is negative", "low is zero"},
      {"close is not a finite number", "close is negative", "close is zero"}};
  *order = true;
  for (int c = BV_COL_OPEN; c <= BV_COL_CLOSE; c++) {
    double x = b->value[c];
    if (isfinite(x) && x > 0) continue;
    if (!isfinite(x)) *order = false;
    const char *what = wrong[c][!isfinite(x) ? 0 : x < 0 ? 1 : 2];
    BV_TRY(report(v, about(BV_P_PRICE, b, what, x, NAN, 0)));
  }
  return BV_OK;
}

static bv_rc check_order(validator *v, const bar *b) {
  double o = b->value[BV_COL_OPEN], h = b->value[BV_COL_HIGH];
  double l = b->value[BV_COL_LOW], c = b->value[BV_COL_CLOSE];
  if (h < l) return report(v, about(BV_P_OHLC, b, bv_bar_order_problem(o, h, l, c), h, NAN, l));
  if (o > h || o < l) {
    BV_TRY(report(v, about(BV_P_OHLC, b, "open lies outside low..high", o, NAN, o > h ? h : l)));
  }
  if (c > h || c < l) {
    BV_TRY(report(v, about(BV_P_OHLC, b, "close lies outside low..high", c, NAN, c > h ? h : l)));
  }
  return BV_OK;
}

static bv_rc check_bar(validator *v, const bar *b) {
  bool order;
  BV_TRY(check_prices(v, b, &order));
  if (order) BV_TRY(check_order(v, b));
  double volume = b->value[BV_COL_VOLUME];
  if (volume < 0 || isinf(volume)) {
    const char *what = isinf(volume) ? "volume is not a finite number" : "volume is negative";
    BV_TRY(report(v, about(BV_P_VOLUME, b, what, volume, NAN, 0)));
  }
  return BV_OK;
}

/* ---- neighbouring bars ---- */

/* The logarithm of the step from one close to the next, and which sample it belongs to; NULL where there is
** nothing to judge. */
static sample *step_of(validator *v, const bar *before, const bar *b, double *out) {
  double from = before->value[BV_COL_CLOSE], to = b->value[BV_COL_CLOSE];
  if (!isfinite(from) || !isfinite(to) || from <= 0 || to <= 0 || from == to) return NULL;
  *out = log(to / from);
  if (!v->intraday) return &v->inside;
  int64_t a = bv_floor_div(bv_zone_to_local(v->series->zone, before->ts), DAY);
  int64_t z = bv_floor_div(bv_zone_to_local(v->series->zone, b->ts), DAY);
  return a == z ? &v->inside : &v->across;
}

static bv_rc check_overlap(validator *v, const bar *before, const bar *b) {
  if (b->ts >= before->end) return BV_OK;
  bv_problem p = about(BV_P_OVERLAP, b, "the bar begins before the one before it has ended",
                       (double)b->ts, NAN, (double)before->end);
  return report(v, p);
}

static bv_rc check_jump(validator *v, const bar *before, const bar *b) {
  double step;
  const sample *usual = step_of(v, before, b, &step);
  if (!usual || !(usual->sigma > 0)) return BV_OK;
  double reach = v->opt->sigma * usual->sigma;
  if (fabs(step - usual->centre) <= reach) return BV_OK;
  double bound = step < usual->centre ? usual->centre - reach : usual->centre + reach;
  const char *what = usual == &v->across ? "the close jumps from one day to another"
                                         : "the close jumps from the bar before";
  return report(v, about(BV_P_JUMP, b, what, step, usual->centre, bound));
}

static bv_rc check_volume(validator *v, const bar *b) {
  double volume = b->value[BV_COL_VOLUME];
  const sample *usual = &v->volume;
  if (!(volume > 0) || isinf(volume) || !(usual->sigma > 0)) return BV_OK;
  double bound = usual->centre + v->opt->volume_sigma * usual->sigma;
  if (log(volume) <= bound) return BV_OK;
  return report(v, about(BV_P_OUTLIER, b, "volume is unusually high", volume, exp(usual->centre),
                         exp(bound)));
}

/* ---- stale runs ---- */

typedef struct stale_run {
  bar first, last;
  int64_t n;
} stale_run;

static bool goes_on(const stale_run *r, const bar *b) {
  double was = r->last.value[BV_COL_VOLUME], is = b->value[BV_COL_VOLUME];
  if (r->n == 0 || b->value[BV_COL_CLOSE] != r->last.value[BV_COL_CLOSE]) return false;
  return is == 0 || is == was || (isnan(is) && isnan(was));
}

static bv_rc end_run(validator *v, stale_run *r) {
  if (r->n < v->opt->stale) return BV_OK;
  bv_problem p = about(BV_P_STALE, &r->first, "the close does not move", (double)r->n, NAN,
                       (double)v->opt->stale);
  p.end = r->last.end;
  p.bars = r->n;
  return report(v, p);
}

static bv_rc follow_run(validator *v, stale_run *r, const bar *b) {
  if (!goes_on(r, b)) {
    BV_TRY(end_run(v, r));
    *r = (stale_run){.first = *b};
  }
  r->last = *b;
  r->n++;
  return BV_OK;
}

/* ---- the bid and the ask ---- */

typedef struct bid_side {
  bv_stream st;
  bar bid; /* at the current bar of st */
} bid_side;

static bv_rc read_prices(bv_stream *st, bar *b, bv_err *err) {
  b->ts = bv_stream_ts(st);
  for (int c = BV_COL_OPEN; c <= BV_COL_CLOSE; c++) {
    BV_TRY(bv_stream_value(st, (bv_column)c, &b->value[c], err));
  }
  return BV_OK;
}

/* At every instant the ask is at least the bid, so its extremes are too. */
static bv_rc check_crossed(validator *v, const bar *before, const bar *ask, void *ctx) {
  static const char *const what[] = {
      "the ask's open is below the bid's", "the ask's high is below the bid's",
      "the ask's low is below the bid's", "the ask's close is below the bid's"};
  (void)before;
  bid_side *side = ctx;
  while (!side->st.eof && bv_stream_ts(&side->st) < ask->ts) {
    BV_TRY(bv_stream_next(&side->st, v->err));
  }
  if (side->st.eof || bv_stream_ts(&side->st) != ask->ts) return BV_OK;
  BV_TRY(read_prices(&side->st, &side->bid, v->err));
  static const bv_column order[] = {BV_COL_CLOSE, BV_COL_OPEN, BV_COL_HIGH, BV_COL_LOW};
  for (int i = 0; i < 4; i++) {
    double a = ask->value[order[i]], b = side->bid.value[order[i]];
    if (!(a < b)) continue;
    return report(v, about(BV_P_CROSSED, ask, what[order[i]], a, NAN, b));
  }
  return BV_OK;
}

/* ---- passes over the series ---- */

typedef bv_rc (*bar_fn)(validator *v, const bar *before, const bar *b, void *ctx);

static bv_rc each_bar(validator *v, bar_fn fn, void *ctx) {
  static const bv_column read[] = {BV_COL_OPEN, BV_COL_HIGH, BV_COL_LOW, BV_COL_CLOSE,
                                   BV_COL_VOLUME};
  bv_source src = bv_source_stored(v->series);
  bv_stream st;
  bar before = {0}, b = {0};
  unsigned mask = 0;
  for (size_t i = 0; i < sizeof read / sizeof *read; i++) mask |= BV_COLBIT(read[i]);
  bv_rc rc = bv_stream_open(&st, v->s, &src, v->lo, v->hi, false, BV_STREAM_PIECE, mask, v->err);
  for (bool any = false; rc == BV_OK && !st.eof; any = true) {
    b.ts = bv_stream_ts(&st);
    b.end = bv_stream_known_at(&st);
    for (size_t i = 0; i < sizeof read / sizeof *read && rc == BV_OK; i++) {
      rc = bv_stream_value(&st, read[i], &b.value[read[i]], v->err);
    }
    if (rc == BV_OK) rc = fn(v, any ? &before : NULL, &b, ctx);
    before = b;
    if (rc == BV_OK) rc = bv_stream_next(&st, v->err);
  }
  bv_stream_close(&st);
  return rc;
}

/* First pass: what needs no statistics, and the numbers for those. */
static bv_rc look(validator *v, const bar *before, const bar *b, void *ctx) {
  double step, volume = b->value[BV_COL_VOLUME];
  BV_TRY(check_bar(v, b));
  BV_TRY(follow_run(v, ctx, b));
  if (volume > 0 && isfinite(volume)) BV_TRY(add_number(&v->volume, log(volume)));
  if (!before) return BV_OK;
  BV_TRY(check_overlap(v, before, b));
  sample *p = step_of(v, before, b, &step);
  return p ? add_number(p, step) : BV_OK;
}

static bv_rc compare(validator *v, const bar *before, const bar *b, void *ctx) {
  (void)ctx;
  if (before) BV_TRY(check_jump(v, before, b));
  return check_volume(v, b);
}

static bv_rc add_gap(void *ctx, const bv_gap *gap) {
  validator *v = ctx;
  if (gap->missing < v->opt->gap) return BV_OK;
  const char *what = "whole periods have no bar";
  if (strcmp(gap->kind, "intraday") == 0) what = "bars are missing inside a day";
  if (strcmp(gap->kind, "day") == 0) what = "weekdays have no bar";
  if (strcmp(gap->kind, "session") == 0) what = "bars are missing inside a session";
  if (strcmp(gap->kind, "sessions") == 0) what = "sessions have no bar";
  return report(v, (bv_problem){BV_P_GAP, gap->start, gap->end, what, (double)gap->missing, NAN,
                                (double)v->opt->gap, gap->missing});
}

static int by_time(const void *x, const void *y) {
  const bv_problem *a = x, *b = y;
  if (a->ts != b->ts) return a->ts < b->ts ? -1 : 1;
  if (a->cls != b->cls) return a->cls < b->cls ? -1 : 1;
  return strcmp(a->what, b->what);
}

static bool wants(const validator *v, unsigned classes) {
  return (v->opt->classes & classes) != 0;
}

/* The bid beside a series of the ask. */
static bv_rc compare_sides(validator *v) {
  bv_timestep step = v->series->step;
  char name[32];
  const bv_series *bid;
  bid_side side = {0};
  if (step.of != BV_OF_ASK) return BV_OK;
  step.of = BV_OF_BID;
  bv_timestep_format(step, name);
  BV_TRY(bv_series_find(v->s, v->series->asset, name, &bid, v->err));
  if (!bid) return BV_OK;
  bv_source src = bv_source_stored(bid);
  bv_rc rc = bv_stream_open(&side.st, v->s, &src, v->lo, v->hi, false, BV_STREAM_PIECE,
                            BV_COLBIT(BV_COL_OPEN) | BV_COLBIT(BV_COL_HIGH) |
                                BV_COLBIT(BV_COL_LOW) | BV_COLBIT(BV_COL_CLOSE),
                            v->err);
  if (rc == BV_OK) rc = each_bar(v, check_crossed, &side);
  bv_stream_close(&side.st);
  return rc;
}

static bv_rc search(validator *v) {
  const unsigned judged = 1u << BV_P_JUMP | 1u << BV_P_OUTLIER;
  if (wants(v, ~(1u << BV_P_GAP | 1u << BV_P_DUPLICATE | 1u << BV_P_CROSSED))) {
    stale_run run = {0};
    BV_TRY(each_bar(v, look, &run));
    BV_TRY(end_run(v, &run));
  }
  judge(&v->inside);
  judge(&v->across);
  judge(&v->volume);
  if (wants(v, judged)) BV_TRY(each_bar(v, compare, NULL));
  if (wants(v, 1u << BV_P_CROSSED)) BV_TRY(compare_sides(v));
  if (wants(v, 1u << BV_P_GAP)) {
    BV_TRY(v->opt->calendar[0] ? bv_gap_in_sessions(v->s, v->series, v->opt->calendar, v->lo, v->hi,
                                                    add_gap, v, v->err)
                               : bv_gap_find(v->s, v->series, v->lo, v->hi, add_gap, v, v->err));
  }
  if (v->n) qsort(v->found, (size_t)v->n, sizeof *v->found, by_time);
  return BV_OK;
}

bv_rc bv_validate(bv_store *s, const bv_series *series, int64_t lo, int64_t hi,
                  const bv_validate_options *options,
                  bv_rc (*found)(void *ctx, const bv_problem *p), void *ctx, bv_err *err) {
  validator v = {.s = s, .series = series, .lo = lo, .hi = hi, .opt = options, .err = err};
  v.intraday = bv_timestep_dur_s(series->step) != 0;
  bv_rc rc = search(&v);
  for (int64_t i = 0; i < v.n && rc == BV_OK; i++) {
    rc = bv_problem_fail(&v.found[i], series, options, err);
    if (rc == BV_OK) rc = found(ctx, &v.found[i]);
  }
  bv_free(v.inside.v);
  bv_free(v.across.v);
  bv_free(v.volume.v);
  bv_free(v.found);
  return rc;
}

/* ---- words ---- */

void bv_problem_text(const bv_problem *p, char out[160]) {
  char a[32];
  switch (p->cls) {
  case BV_P_OVERLAP:
    bv_instant_format((int64_t)p->bound, a);
    snprintf(out, 160, "%s, at %s", p->what, a);
    break;
  case BV_P_DUPLICATE: snprintf(out, 160, "%s (%lld bars)", p->what, (long long)p->bars); break;
  case BV_P_JUMP:
    snprintf(out, 160, "%s by %+.4g %%; up to %+.4g %% would be usual", p->what,
             100 * expm1(p->value), 100 * expm1(p->bound));
    break;
  case BV_P_OUTLIER:
    snprintf(out, 160, "%s: %.6g; the median is %.6g, up to %.6g would be usual", p->what, p->value,
             p->expected, p->bound);
    break;
  case BV_P_STALE: snprintf(out, 160, "%s over %lld bars", p->what, (long long)p->bars); break;
  case BV_P_GAP: snprintf(out, 160, "%s: %lld", p->what, (long long)p->bars); break;
  default:
    if (isnan(p->value)) {
      snprintf(out, 160, "%s", p->what);
    } else {
      snprintf(out, 160, "%s: %.10g%s%.10g", p->what, p->value,
               p->cls == BV_P_OHLC      ? ", beyond "
               : p->cls == BV_P_CROSSED ? ", the bid is "
                                        : ", not above ",
               p->bound);
    }
  }
}

bv_rc bv_problem_fail(const bv_problem *p, const bv_series *series,
                      const bv_validate_options *options, bv_err *err) {
  if (!(options->fail >> p->cls & 1)) return BV_OK;
  char text[160], at[32];
  bv_problem_text(p, text);
  bv_instant_format(p->ts, at);
  return bv_fail(err, BV_CONFLICT, "%s: %s %s at %s: %s", bv_problem_name[p->cls], series->asset,
                 series->step_text, at, text);
}
