/*
** met_fn.c - the aggregate functions: what each takes, and their evaluation.
*/
#include "calc/met.h"

#include <math.h>
#include <string.h>

#define ANY 1e300
#define PERIODS                                                                                    \
  { "periods", BV_METRIC_PERIODS, false, (double)NAN, 0, 1e9, true }
#define YEAR                                                                                       \
  { "periods", BV_METRIC_PERIODS, true, 252, 0, 1e9, true }
#define RISK_FREE                                                                                  \
  { "risk_free", BV_METRIC_RISK_FREE, true, 0, -1, ANY, true }
#define TAIL(name, def)                                                                            \
  { name, BV_METRIC_A, true, def, 0, 1, false }

static const bv_metric_fn table[] = {
    {"total_return", BV_METRIC_RETURN, {{0}}},
    {"cagr", BV_METRIC_RETURN, {PERIODS}},
    {"annual_return", BV_METRIC_RETURN, {PERIODS}},
    {"geometric_mean", BV_METRIC_RETURN, {{0}}},
    {"volatility", BV_METRIC_RETURN, {PERIODS}},
    {"downside_deviation", BV_METRIC_RETURN, {PERIODS, RISK_FREE}},
    {"sharpe", BV_METRIC_RETURN, {PERIODS, RISK_FREE}},
    {"autocorr_penalty", BV_METRIC_RETURN, {{0}}},
    {"sortino", BV_METRIC_RETURN, {PERIODS, RISK_FREE}},
    {"calmar", BV_METRIC_RETURN, {PERIODS}},
    {"recovery_factor", BV_METRIC_RETURN, {{0}}},
    {"upi", BV_METRIC_RETURN, {PERIODS, RISK_FREE}},
    {"serenity", BV_METRIC_RETURN, {RISK_FREE}},
    {"omega", BV_METRIC_RETURN, {PERIODS, RISK_FREE}},
    {"gain_to_pain", BV_METRIC_RETURN, {{0}}},
    {"rar", BV_METRIC_RETURN, {PERIODS}},
    {"vwr", BV_METRIC_RETURN, {PERIODS}},
    {"var", BV_METRIC_RETURN, {TAIL("cutoff", 0.05), YEAR}},
    {"cvar", BV_METRIC_RETURN, {TAIL("cutoff", 0.05)}},
    {"tail_ratio", BV_METRIC_RETURN, {TAIL("cutoff", 0.05)}},
    {"common_sense_ratio", BV_METRIC_RETURN, {{0}}},
    {"outlier_win_ratio", BV_METRIC_RETURN, {TAIL("quantile", 0.99)}},
    {"outlier_loss_ratio", BV_METRIC_RETURN, {TAIL("quantile", 0.01)}},
    {"skew", BV_METRIC_RETURN, {{0}}},
    {"kurtosis", BV_METRIC_RETURN, {{0}}},
    {"stability", BV_METRIC_RETURN, {{0}}},
    {"psr",
     BV_METRIC_RETURN,
     {PERIODS, {"target_sharpe", BV_METRIC_A, true, (double)NAN, -ANY, ANY, false}}},
    {"deflated_sharpe",
     BV_METRIC_RETURN,
     {{"trials", BV_METRIC_A, false, (double)NAN, 1, 1e15, false},
      {"trial_sd", BV_METRIC_B, false, (double)NAN, 0, ANY, false}}},
    {"avg_return", BV_METRIC_RETURN, {{0}}},
    {"profit_ratio", BV_METRIC_RETURN, {{0}}},
    {"cpc_index", BV_METRIC_RETURN, {{0}}},
    {"exposure", BV_METRIC_RETURN, {{0}}},

    {"max_drawdown", BV_METRIC_EQUITY, {{0}}},
    {"avg_drawdown", BV_METRIC_EQUITY, {{0}}},
    {"drawdowns", BV_METRIC_EQUITY, {{0}}},
    {"max_drawdown_length", BV_METRIC_EQUITY, {{0}}},
    {"ulcer_index", BV_METRIC_EQUITY, {{0}}},
    {"pain_index", BV_METRIC_EQUITY, {{0}}},

    {"active_return", BV_METRIC_PAIR, {{0}}},
    {"alpha", BV_METRIC_PAIR, {PERIODS, RISK_FREE}},
    {"beta", BV_METRIC_PAIR, {{0}}},
    {"correlation", BV_METRIC_PAIR, {{0}}},
    {"r_squared", BV_METRIC_PAIR, {{0}}},
    {"tracking_error", BV_METRIC_PAIR, {PERIODS}},
    {"information_ratio", BV_METRIC_PAIR, {PERIODS}},
    {"treynor", BV_METRIC_PAIR, {PERIODS, RISK_FREE}},
    {"capture", BV_METRIC_PAIR, {PERIODS}},
    {"capture_up", BV_METRIC_PAIR, {PERIODS}},
    {"capture_down", BV_METRIC_PAIR, {PERIODS}},
    {"capture_ratio", BV_METRIC_PAIR, {PERIODS}},
    {"beta_fragility", BV_METRIC_PAIR, {{0}}},

    {"win_rate", BV_METRIC_PNL, {{0}}},
    {"profit_factor", BV_METRIC_PNL, {{0}}},
    {"payoff", BV_METRIC_PNL, {{0}}},
    {"expectancy", BV_METRIC_PNL, {{"capital", BV_METRIC_A, true, (double)NAN, 0, ANY, true}}},
    {"sqn", BV_METRIC_PNL, {{0}}},
    {"kelly", BV_METRIC_PNL, {{0}}},
    {"risk_of_ruin", BV_METRIC_PNL, {{0}}},
    {"avg_win", BV_METRIC_PNL, {{0}}},
    {"avg_loss", BV_METRIC_PNL, {{0}}},
    {"consecutive_wins", BV_METRIC_PNL, {{0}}},
    {"consecutive_losses", BV_METRIC_PNL, {{0}}},
    {"edge_ratio", BV_METRIC_EXCURSION, {{0}}},
};

const bv_metric_fn *bv_metric_fns(int *n) {
  *n = (int)(sizeof table / sizeof *table);
  return table;
}

const bv_metric_def *bv_metric_find(const char *fn, const char *variant) {
  for (int i = 0; i < bv_metric_count(); i++) {
    const bv_metric_def *d = bv_metric_at(i);
    if (!d->fn || strcmp(d->fn, fn) != 0) continue;
    if (!variant || strcmp(d->variant, variant) == 0) return d;
  }
  return NULL;
}

double met_eval(const bv_metric_def *d, met_sample *s) {
  if (s->n < 1 && !s->known_gross) return NAN;
  const double v = d->kernel(s);
  return isfinite(v) ? v : (double)NAN;
}

double bv_metric_of(const bv_metric_def *d, const double slot[BV_METRIC_SLOTS], const double *x,
                    const double *y, int64_t n, double *room) {
  met_sample s = {.x = x, .y = y, .n = n, .room = room};
  memcpy(s.slot, slot, sizeof s.slot);
  return met_eval(d, &s);
}
