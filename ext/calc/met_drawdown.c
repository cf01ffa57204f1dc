/*
** met_drawdown.c - episodes of an equity curve below its running peak.
**
**        peak *-.         .* recovery           An episode runs from the last point at the peak to
**                '._   _.'                      the first point that reaches it again; one still
**                   '-'                         open at the end runs to the last point.  Its depth
**                 trough                        is trough / peak - 1, its length recovery - peak.
**
** The first value is a peak: in a run V_0, which stands at the first point's time.  backtesting.py
** starts from the first point, and does not count an open episode that is the last point alone: its
** average depth is then that of the point if there is no other episode, and its durations are not
** defined.  Others measure the length elsewhere: ffn from the first point below the peak, quantstats
** from there to the last point below, both included; LEAN counts recovered episodes only.
*/
#include "calc/met.h"

#include <math.h>

#define DAY_S 86400

static double trough(const met_drops *d) {
  return d->below > 0 ? d->low / d->peak - 1 : 0;
}

met_drops met_drops_from(int64_t ts, double first) {
  return (met_drops){.first = first, .peak = first, .low = first, .peak_ts = ts};
}

/* The open episode ends at ts, which is `points` points after its peak. */
void met_drops_end(met_drops *d, int64_t ts, int64_t points) {
  const int64_t len = ts - d->peak_ts;
  const double depth = trough(d);
  met_add(&d->depth, depth);
  if (depth < d->deepest) d->deepest = depth;
  d->episodes++;
  if (points > d->longest) d->longest = points;
  d->sum_s += len;
  if (len > d->longest_s) d->longest_s = len;
  d->sum_ffn_s += ts - d->first_ts;
  if (ts - d->first_ts > d->longest_ffn_s) d->longest_ffn_s = ts - d->first_ts;
  if (d->last_ts - d->first_ts > d->longest_qs_s) d->longest_qs_s = d->last_ts - d->first_ts;
}

static bool sound(const met_sample *s) {
  return s->n > 0 && (s->has_drops ? s->drops.first : s->x[0]) > 0;
}

/* The episodes of a sound sample; the one still open at the end is left open. */
static const met_drops *drops_once(met_sample *s) {
  if (s->has_drops) return &s->drops;
  met_drops d = met_drops_from(0, s->x[0]);
  for (int64_t i = 1; i < s->n; i++) met_drops_add(&d, i, s->x[i]);
  s->drops = d;
  s->has_drops = true;
  return &s->drops;
}

/* The same, the open one ended at the last point, which lies in it. */
static met_drops whole(met_sample *s) {
  met_drops d = *drops_once(s);
  if (d.below > 0) met_drops_end(&d, d.last_ts, d.below);
  return d;
}

double met_max_drawdown(met_sample *s) {
  if (!sound(s)) return NAN;
  const met_drops *d = drops_once(s);
  const double open = trough(d);
  return open < d->deepest ? open : d->deepest;
}

static double max_lean(met_sample *s) {
  return met_round(fabs(met_max_drawdown(s)), 3);
}

static double max_positive(met_sample *s) {
  return fabs(met_max_drawdown(s));
}

static double average(met_sample *s) {
  if (!sound(s)) return NAN;
  const met_drops d = whole(s);
  return met_ratio(met_total(&d.depth), (double)d.episodes);
}

static double length(met_sample *s) {
  return sound(s) ? (double)whole(s).longest : (double)NAN;
}

static double episodes(met_sample *s) {
  return sound(s) ? (double)whole(s).episodes : (double)NAN;
}

/* Sum over the values after the first of the drawdown, or of its square. */
static double sum_depths(const met_sample *s, bool squares) {
  met_sum sum = {0, 0};
  double peak = s->x[0];
  for (int64_t i = 1; i < s->n; i++) {
    peak = fmax(peak, s->x[i]);
    const double dd = s->x[i] / peak - 1;
    met_add(&sum, squares ? dd * dd : dd);
  }
  return met_total(&sum);
}

static double ulcer(met_sample *s) {
  return sound(s) && s->n > 2 ? sqrt(sum_depths(s, true) / (double)(s->n - 2)) : (double)NAN;
}

static double ulcer_martin(met_sample *s) {
  return sound(s) && s->n > 1 ? sqrt(sum_depths(s, true) / (double)(s->n - 1)) : (double)NAN;
}

static double ulcer_ffn(met_sample *s) {
  return sound(s) ? sqrt(sum_depths(s, true) / (double)s->n) : (double)NAN;
}

static double pain(met_sample *s) {
  return sound(s) && s->n > 1 ? -sum_depths(s, false) / (double)(s->n - 1) : (double)NAN;
}

/* Deepest drawdown of the equity that the returns compound to. */
double met_depth(met_sample *s) {
  if (s->known_depth) return s->depth;
  double value = 1, peak = 1, deepest = 0;
  for (int64_t i = 0; i < s->n; i++) {
    value *= 1 + s->x[i];
    peak = fmax(peak, value);
    deepest = fmin(deepest, value / peak - 1);
  }
  return s->n > 0 ? deepest : (double)NAN;
}

static void own_facts(met_run *r, double *fact) {
  met_sample *s = &r->s[MET_POINTS];
  if (!sound(s)) return;
  const met_drops d = whole(s);
  fact[MET_EQUITY_PEAK] = d.peak;
  if (d.episodes == 0) return;
  fact[MET_MAX_DD_S] = (double)d.longest_s;
  fact[MET_AVG_DD_S] = (double)d.sum_s / (double)d.episodes;
}

static void bt_facts(met_run *r, const met_curve *c, double *fact) {
  met_sample *s = &r->s[MET_POINTS_BT];
  if (!sound(s)) return;
  const bool last_alone = drops_once(s)->below == 1;
  const met_drops d = last_alone ? *drops_once(s) : whole(s);
  fact[MET_EQUITY_PEAK_BT] = d.peak;
  if (d.episodes == 0) {
    if (last_alone) fact[MET_AVG_DD_BT] = trough(&d);
    return;
  }
  fact[MET_AVG_DD_BT] = met_total(&d.depth) / (double)d.episodes;
  fact[MET_MAX_DD_S_BT] = met_round_up(c, d.longest_s, 1);
  fact[MET_AVG_DD_S_BT] = met_round_up(c, d.sum_s, d.episodes);
}

/* Of the periods, by their local days. */
static void period_facts(met_run *r, double *fact) {
  met_sample *s = &r->s[MET_PERIOD_ENDS];
  if (!sound(s)) return;
  fact[MET_MAX_DD_S_LEAN] = (double)drops_once(s)->longest_recovered_s;
  const met_drops d = whole(s);
  if (d.episodes == 0) return;
  fact[MET_MAX_DD_S_FFN] = (double)d.longest_ffn_s;
  fact[MET_AVG_DD_S_FFN] = (double)d.sum_ffn_s / (double)d.episodes;
  fact[MET_MAX_DD_S_QS] = (double)d.longest_qs_s + DAY_S;
}

void met_drawdown_facts(met_run *r, const met_curve *c, double *fact) {
  if (c->points == 0) return;
  fact[MET_EQUITY_FINAL] = c->last;
  own_facts(r, fact);
  bt_facts(r, c, fact);
  period_facts(r, fact);
}

static const bv_metric_def rows[] = {
    MET_ROW("max_drawdown", "", "fraction", "max_drawdown", MET_POINTS, met_max_drawdown,
            "min(V_t/peak_t - 1), V_0 is a peak", "common"),
    MET_ROW("max_drawdown", "empyrical", "fraction", "max_drawdown", MET_PERIOD_ENDS,
            met_max_drawdown, "min(V_t/peak_t - 1) over periods", "empyrical max_drawdown"),
    MET_ROW("max_drawdown", "quantstats", "fraction", "max_drawdown", MET_PERIOD_ENDS,
            met_max_drawdown, "min(V_t/peak_t - 1) over periods", "quantstats max_drawdown"),
    MET_ROW("max_drawdown", "ffn", "fraction", "max_drawdown", MET_PERIOD_ENDS, met_max_drawdown,
            "min(V_t/peak_t - 1) over periods", "ffn calc_max_drawdown"),
    MET_ROW("max_drawdown", "backtesting.py", "fraction", "max_drawdown", MET_POINTS_BT,
            met_max_drawdown, "min(V_t/peak_t - 1), from V_1", MET_BT " Max. Drawdown"),
    MET_ROW("max_drawdown", "lean", "fraction", "max_drawdown", MET_PERIOD_ENDS, max_lean,
            "|min(V_t/peak_t - 1)| over periods, rounded to 3 decimals", MET_LEAN " Drawdown"),
    MET_ROW("max_drawdown", "backtrader", "fraction", "max_drawdown", MET_POINTS, max_positive,
            "|min(V_t/peak_t - 1)|; backtrader prints percent", "backtrader analyzers/drawdown.py"),
    MET_ROW("avg_drawdown", "", "fraction", "avg_drawdown", MET_POINTS, average,
            "mean of the episodes' depths", "ffn avg_drawdown"),
    MET_ROW("avg_drawdown", "ffn", "fraction", "avg_drawdown", MET_PERIOD_ENDS, average,
            "mean of the episodes' depths over periods", "ffn avg_drawdown"),
    MET_FACT("avg_drawdown", "backtesting.py", "fraction", MET_AVG_DD_BT,
             "mean of the episodes' depths, from V_1, a last single point left out",
             MET_BT " Avg. Drawdown"),
    MET_ROW("drawdowns", "", "count", "drawdowns", MET_POINTS, episodes, "number of episodes",
            "common"),
    MET_ROW("max_drawdown_length", "", "count", "max_drawdown_length", MET_POINTS, length,
            "most points from peak to recovery or end", "common"),
    MET_FACT("max_drawdown_duration", "", "seconds", MET_MAX_DD_S,
             "longest time from peak to recovery or end", "common"),
    MET_FACT("max_drawdown_duration", "backtesting.py", "seconds", MET_MAX_DD_S_BT,
             "the same from V_1, rounded up to the unit of the curve's spacing",
             MET_BT " Max. Drawdown Duration"),
    MET_FACT("max_drawdown_duration", "ffn", "seconds", MET_MAX_DD_S_FFN,
             "longest time of days from the first below the peak to recovery or end",
             "ffn drawdown_details Length"),
    MET_FACT("max_drawdown_duration", "quantstats", "seconds", MET_MAX_DD_S_QS,
             "longest time of days from the first to the last below the peak, and one day",
             "quantstats drawdown_details days"),
    MET_FACT("max_drawdown_duration", "lean", "seconds", MET_MAX_DD_S_LEAN,
             "longest time of days from peak to recovery, 0 where none recovered",
             MET_LEAN ", drawdown recovery"),
    MET_FACT("avg_drawdown_duration", "", "seconds", MET_AVG_DD_S,
             "mean time from peak to recovery or end", "common"),
    MET_FACT("avg_drawdown_duration", "backtesting.py", "seconds", MET_AVG_DD_S_BT,
             "the same from V_1, rounded up to the unit of the curve's spacing",
             MET_BT " Avg. Drawdown Duration"),
    MET_FACT("avg_drawdown_duration", "ffn", "seconds", MET_AVG_DD_S_FFN,
             "mean time of days from the first below the peak to recovery or end",
             "ffn avg_drawdown_days"),
    MET_ROW("ulcer_index", "", "fraction", "ulcer_index", MET_PERIOD_ENDS, ulcer,
            "sqrt(sum(dd_t^2)/(n-1)) over periods t = 1..n", "quantstats ulcer_index"),
    MET_ROW("ulcer_index", "quantstats", "fraction", "ulcer_index", MET_PERIOD_ENDS, ulcer,
            "sqrt(sum(dd_t^2)/(n-1)) over periods t = 1..n", "quantstats ulcer_index"),
    MET_ROW("ulcer_index", "martin", "fraction", "ulcer_index", MET_PERIOD_ENDS, ulcer_martin,
            "sqrt(sum(dd_t^2)/n) over periods t = 1..n", "Martin, McCann 1989"),
    MET_ROW("ulcer_index", "ffn", "fraction", "ulcer_index", MET_PERIOD_ENDS, ulcer_ffn,
            "sqrt(mean(dd_t^2)), t = 0..n; ffn prints percent", "ffn to_ulcer_index"),
    MET_ROW("pain_index", "", "fraction", "pain_index", MET_PERIOD_ENDS, pain,
            "mean(|dd_t|) over periods t = 1..n", "Becker 2006"),
    MET_FACT("equity_final", "", "currency", MET_EQUITY_FINAL, "V_n", "common"),
    MET_FACT("equity_final", "backtesting.py", "currency", MET_EQUITY_FINAL, "V_n",
             MET_BT " Equity Final"),
    MET_FACT("equity_peak", "", "currency", MET_EQUITY_PEAK, "max(V_0, ..., V_n)", "common"),
    MET_FACT("equity_peak", "backtesting.py", "currency", MET_EQUITY_PEAK_BT, "max(V_1, ..., V_n)",
             MET_BT " Equity Peak"),
};

met_rows met_rows_drawdown(void) {
  return MET_ROWS(rows);
}
