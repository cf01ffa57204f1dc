/*
** ind_session.c - what begins anew with each day, week or month: session_vwap, pivot.
**
** A period is told from the number of the local calendar day in input slot 0 (1970-01-01 is 0, a
** Thursday).  Weeks begin on Monday.
*/
#include "calc/ind.h"

enum { NEVER, DAY, WEEK, MONTH };

static const char *const with_never[] = {"never", "day", "week", "month", NULL};
static const char *const without[] = {"day", "week", "month", NULL};

/* The month of a day, counted from 0000-03 (H. Hinnant, days_from_civil, backwards). */
static double month_of(double day) {
  const double z = day + 719468, era = floor(z / 146097), doe = z - era * 146097;
  const double yoe =
      floor((doe - floor(doe / 1460) + floor(doe / 36524) - floor(doe / 146096)) / 365);
  const double doy = doe - (365 * yoe + floor(yoe / 4) - floor(yoe / 100));
  return (era * 400 + yoe) * 12 + floor((5 * doy + 2) / 153);
}

static double period_of(double day, int64_t kind) {
  switch (kind) {
  case DAY: return day;
  case WEEK: return floor((day + 3) / 7);
  case MONTH: return month_of(day);
  default: return 0;
  }
}

/* Whether the bar begins another period than the one before; days repeat, so most bars cost one
** comparison. */
typedef struct period {
  int64_t kind;
  double day, number;
} period;

static void period_init(period *p, int64_t kind) {
  *p = (period){kind, NAN, NAN};
}

static inline int period_begins(period *p, double day) {
  if (day == p->day) return 0;
  const double number = period_of(day, p->kind);
  const int new = !(number == p->number);
  p->day = day;
  p->number = number;
  return new;
}

/* ---- session_vwap ---- */

typedef struct vwap {
  period at;
  bv_dd flow, volume;
} vwap;

static size_t vwap_size(const double *param) {
  (void)param;
  return sizeof(vwap);
}

static void vwap_init(void *st, const double *param) {
  vwap *v = st;
  *v = (vwap){.flow = {0, 0}};
  period_init(&v->at, (int64_t)param[0]);
}

static void vwap_clean(void *st, const double *const *in, int64_t n, double *const *out) {
  vwap *v = st;
  for (int64_t i = 0; i < n; i++) {
    if (period_begins(&v->at, in[0][i])) v->flow = v->volume = (bv_dd){0, 0};
    bv_dd_add(&v->flow, in[1][i] * in[2][i]);
    bv_dd_add(&v->volume, in[2][i]);
    const double volume = v->volume.hi + v->volume.lo;
    out[0][i] = volume == 0 ? NAN : (v->flow.hi + v->flow.lo) / volume;
  }
}

const bv_indicator bv_ind_session_vwap = {
    .name = "session_vwap",
    .title = "Volume-weighted average price since the session began",
    .formula =
        "sum(x * volume) / sum(volume) since the first bar of the local day (week, month, or "
        "of the series); none while the volume is 0",
    .source = "common definition; Stock.Indicators (GetVwap)",
    .ninput = 3,
    .nparam = 1,
    .noutput = 1,
    .input = {BV_IN_DAY, BV_IN_REAL, BV_IN_VOLUME},
    .real_default = BV_IN_TYPICAL,
    .param = {{"reset", DAY, NEVER, MONTH, 1, 1, with_never}},
    .output = {{"session_vwap", "as input", "the average", BV_SEEN_SKENDER | BV_SEEN_REFERENCE}},
    .first = bv_ind_0,
    .state_size = vwap_size,
    .init = vwap_init,
    .run = bv_ind_clean_run,
    .clean = vwap_clean,
};

/* ---- pivot ---- */

typedef struct pivot {
  period at;
  int64_t periods;         /* begun, counted to 2 */
  double high, low, close; /* of the current period so far */
  double level[7];
} pivot;

static size_t pivot_size(const double *param) {
  (void)param;
  return sizeof(pivot);
}

static void pivot_init(void *st, const double *param) {
  pivot *p = st;
  *p = (pivot){.periods = 0};
  period_init(&p->at, (int64_t)param[0]);
}

static void pivot_levels(pivot *p) {
  const double h = p->high, l = p->low, range = h - l, pp = (h + l + p->close) / 3;
  const double level[7] = {pp,         pp * 2 - l, pp + range,      h + 2 * (pp - l),
                           pp * 2 - h, pp - range, l - 2 * (h - pp)};
  memcpy(p->level, level, sizeof level);
}

static void pivot_clean(void *st, const double *const *in, int64_t n, double *const *out) {
  pivot *p = st;
  for (int64_t i = 0; i < n; i++) {
    const double h = in[1][i], l = in[2][i];
    if (period_begins(&p->at, in[0][i])) {
      if (p->periods > 0) pivot_levels(p);
      p->periods += p->periods < 2;
      p->high = h;
      p->low = l;
    }
    p->high = h > p->high ? h : p->high;
    p->low = l < p->low ? l : p->low;
    p->close = in[3][i];
    for (int k = 0; k < 7; k++) out[k][i] = p->periods < 2 ? NAN : p->level[k];
  }
}

const bv_indicator bv_ind_pivot = {
    .name = "pivot",
    .title = "Pivot points",
    .formula =
        "of the local day (week, month) before: P = (H + L + C) / 3, R1 = 2 P - L, S1 = 2 P - "
        "H, R2 = P + H - L, S2 = P - H + L, R3 = H + 2 (P - L), S3 = L - 2 (H - P)",
    .source = "floor traders' pivots; Stock.Indicators (GetPivotPoints, standard)",
    .ninput = 4,
    .nparam = 1,
    .noutput = 7,
    .input = {BV_IN_DAY, BV_IN_HIGH, BV_IN_LOW, BV_IN_CLOSE},
    .real_default = BV_IN_CLOSE,
    .param = {{"of", DAY, DAY, MONTH, 1, 1, without}},
    .output = {{"pivot", "price", "the pivot", BV_SEEN_SKENDER | BV_SEEN_REFERENCE},
               {"pivot_r1", "price", "first resistance", BV_SEEN_SKENDER | BV_SEEN_REFERENCE},
               {"pivot_r2", "price", "second resistance", BV_SEEN_SKENDER | BV_SEEN_REFERENCE},
               {"pivot_r3", "price", "third resistance", BV_SEEN_SKENDER | BV_SEEN_REFERENCE},
               {"pivot_s1", "price", "first support", BV_SEEN_SKENDER | BV_SEEN_REFERENCE},
               {"pivot_s2", "price", "second support", BV_SEEN_SKENDER | BV_SEEN_REFERENCE},
               {"pivot_s3", "price", "third support", BV_SEEN_SKENDER | BV_SEEN_REFERENCE}},
    .first = bv_ind_1,
    .state_size = pivot_size,
    .init = pivot_init,
    .run = bv_ind_clean_run,
    .clean = pivot_clean,
};
