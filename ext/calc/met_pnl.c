/*
** met_pnl.c - results one by one: net P&L of trades, their returns, or returns of periods.
**
** p are the results.  p = 0 is neither won nor lost, but counts in the win rate's denominator; in
** quantstats' it does not.  LEAN counts it as lost.  quantstats reads the returns of periods where
** others read trades, and its rows do so in a run.
*/
#include "calc/met.h"

#include <math.h>

/* Count and sum of the positive and of the negative values. */
typedef struct sides {
  int64_t nwin, nloss;
  double win, loss;
} sides;

static sides sides_of(met_sample *s) {
  const met_tally *t = met_tally_once(s);
  return (sides){t->nwin, t->nloss, met_total(&t->win), met_total(&t->loss)};
}

static double win_rate(met_sample *s) {
  return met_ratio((double)sides_of(s).nwin, (double)s->n);
}

static double win_rate_qs(met_sample *s) {
  const sides r = sides_of(s);
  if (s->n < 1) return NAN;
  return r.nwin + r.nloss > 0 ? (double)r.nwin / (double)(r.nwin + r.nloss) : 0;
}

static double profit_factor(met_sample *s) {
  const sides r = sides_of(s);
  return met_ratio(r.win, fabs(r.loss));
}

double met_profit_factor_qs(met_sample *s) {
  const sides r = sides_of(s);
  if (s->n > 0 && r.nwin + r.nloss == 0) return 0;
  return met_ratio(r.win, fabs(r.loss));
}

static double profit_factor_lean(met_sample *s) {
  const sides r = sides_of(s);
  if (s->n < 1) return NAN;
  return r.nwin == 0 ? 0 : r.nloss == 0 ? 10 : r.win / fabs(r.loss);
}

static double avg_win(met_sample *s) {
  const sides r = sides_of(s);
  return met_ratio(r.win, (double)r.nwin);
}

static double avg_loss(met_sample *s) {
  const sides r = sides_of(s);
  return met_ratio(r.loss, (double)r.nloss);
}

static double avg_nonzero(met_sample *s) {
  const sides r = sides_of(s);
  return met_ratio(r.win + r.loss, (double)(r.nwin + r.nloss));
}

static double payoff(met_sample *s) {
  return avg_win(s) / fabs(avg_loss(s));
}

static double payoff_lean(met_sample *s) {
  const sides r = sides_of(s);
  if (s->n < 1) return NAN;
  if (r.nloss == 0 || r.nwin == 0) return 0;
  return r.win / (double)r.nwin / fabs(r.loss / (double)(s->n - r.nwin));
}

static double expectancy_tharp(met_sample *s) {
  return met_mean(s) / fabs(avg_loss(s));
}

/* Each result over the capital before it; a win rate times payoff less a loss rate of those. */
static double expectancy_lean(met_sample *s) {
  if (!s->has_stakes) {
    met_stakes k = {.capital = s->slot[BV_METRIC_A]};
    for (int64_t i = 0; i < s->n; i++) met_stakes_add(&k, s->x[i]);
    s->stakes = k;
    s->has_stakes = true;
  }
  const met_stakes *k = &s->stakes;
  if (s->n < 1 || isnan(k->capital)) return NAN;
  const double n = (double)s->n, won = (double)k->nwin, lost = n - won;
  const double mean_win = k->nwin > 0 ? k->win / won : 0;
  const double mean_loss = lost > 0 ? fabs(k->loss / lost) : 0;
  return won / n * (mean_loss > 0 ? mean_win / mean_loss : 0) - lost / n;
}

static double sd_of(met_sample *s, int less) {
  const met_moments *m = met_moments_once(s);
  return met_sd(m, less, fmax(fabs(m->lo), fabs(m->hi)));
}

static double sqn(met_sample *s) {
  return met_ratio(sqrt((double)s->n) * met_mean(s), sd_of(s, 1));
}

static double sqn_backtrader(met_sample *s) {
  return met_ratio(sqrt((double)s->n) * met_mean(s), sd_of(s, 0));
}

static double kelly(met_sample *s) {
  const double w = win_rate(s);
  return w - (1 - w) / payoff(s);
}

static double kelly_qs(met_sample *s) {
  const double w = win_rate_qs(s);
  return w - (1 - w) / payoff(s);
}

static double ruin(met_sample *s) {
  const double w = win_rate(s);
  return pow((1 - w) / (1 + w), (double)s->n);
}

static double ruin_qs(met_sample *s) {
  const double w = win_rate_qs(s);
  return pow((1 - w) / (1 + w), (double)s->n);
}

/* Longest runs of results on one side. */
static double streak_won(met_sample *s) {
  return s->n > 0 ? (double)met_tally_once(s)->most_won : (double)NAN;
}

static double streak_lost(met_sample *s) {
  return s->n > 0 ? (double)met_tally_once(s)->most_lost : (double)NAN;
}

static double largest_win(met_sample *s) {
  const double p = met_max(s);
  return p > 0 ? p : (double)NAN;
}

static double largest_loss(met_sample *s) {
  const double p = met_min(s);
  return p < 0 ? p : (double)NAN;
}

static double profit_ratio(met_sample *s) {
  const sides r = sides_of(s);
  const double nwin = (double)(s->n - r.nloss), nloss = (double)r.nloss; /* 0 counts as won */
  if (s->n < 1) return NAN;
  return nwin == 0 ? 0 : met_ratio(r.win / nwin / nwin, fabs(r.loss / nloss / nloss));
}

static double cpc(met_sample *s) {
  return met_profit_factor_qs(s) * win_rate_qs(s) * payoff(s);
}

double met_exposure_qs(met_sample *s) {
  const sides r = sides_of(s);
  return met_ratio(ceil((double)(r.nwin + r.nloss) / (double)s->n * 100), 100 * (s->n > 0));
}

static double edge(met_sample *s) {
  if (!s->has_edge) {
    s->mfe = s->mae = (met_sum){0, 0};
    for (int64_t i = 0; i < s->n; i++) {
      met_add(&s->mfe, s->x[i]);
      met_add(&s->mae, s->y[i]);
    }
    s->has_edge = true;
  }
  return s->n > 0 ? met_ratio(met_total(&s->mfe), fabs(met_total(&s->mae))) : (double)NAN;
}

static const bv_metric_def rows[] = {
    MET_ROW("win_rate", "", "fraction", "win_rate", MET_PNL, win_rate, "#(p > 0)/#p", "common"),
    MET_ROW("win_rate", "backtesting.py", "fraction", "win_rate", MET_PNL, win_rate, "#(p > 0)/#p",
            MET_BT " Win Rate"),
    MET_ROW("win_rate", "lean", "fraction", "win_rate", MET_PNL, win_rate, "#(p > 0)/#p",
            MET_LEAN " WinRate"),
    MET_ROW("win_rate", "quantstats", "fraction", "win_rate", MET_RETURNS, win_rate_qs,
            "#(r > 0)/#(r <> 0), r the periods' returns; 0 where all are", "quantstats win_rate"),
    MET_ROW("profit_factor", "", "ratio", "profit_factor", MET_PNL, profit_factor,
            "sum(p > 0)/|sum(p < 0)|, p in currency", "common"),
    MET_ROW("profit_factor", "backtesting.py", "ratio", "profit_factor", MET_TRADE_RETURN,
            profit_factor, "sum(x > 0)/|sum(x < 0)|, x the trades' returns",
            MET_BT " Profit Factor"),
    MET_ROW("profit_factor", "lean", "ratio", "profit_factor", MET_PNL, profit_factor_lean,
            "sum(p > 0)/|sum(p < 0)|, 10 without a loss, 0 without a win",
            MET_LEAN " TradeStatistics ProfitFactor"),
    MET_ROW("profit_factor", "nautilus", "ratio", "profit_factor", MET_PNL, profit_factor,
            "sum(p > 0)/|sum(p < 0)|, NULL without a loss", "nautilus_trader profit_factor"),
    MET_ROW("profit_factor", "quantstats", "ratio", "profit_factor", MET_RETURNS,
            met_profit_factor_qs, "sum(r > 0)/|sum(r < 0)|, r the periods' returns",
            "quantstats profit_factor"),
    MET_ROW("payoff", "", "ratio", "payoff", MET_PNL, payoff, "mean(p > 0)/|mean(p < 0)|",
            "common"),
    MET_ROW("payoff", "lean", "ratio", "payoff", MET_PNL, payoff_lean,
            "mean(p > 0)/|mean(p <= 0)|, 0 without either",
            MET_LEAN " TradeStatistics ProfitLossRatio"),
    MET_ROW("payoff", "quantstats", "ratio", "payoff", MET_RETURNS, payoff,
            "mean(r > 0)/|mean(r < 0)|, r the periods' returns", "quantstats payoff_ratio"),
    MET_ROW("expectancy", "", "currency", "expectancy", MET_PNL, met_mean, "mean(p)", "common"),
    MET_ROW("expectancy", "percent", "fraction", "expectancy", MET_TRADE_RETURN, met_mean,
            "mean(x), x the trades' returns", "common"),
    MET_ROW("expectancy", "backtesting.py", "fraction", "expectancy", MET_TRADE_RETURN, met_mean,
            "mean(x), x the trades' returns", MET_BT " Expectancy"),
    MET_ROW("expectancy", "tharp", "ratio", "expectancy", MET_PNL, expectancy_tharp,
            "mean(p)/|mean(p < 0)|", "Tharp 2008"),
    MET_ROW("expectancy", "lean", "ratio", "expectancy", MET_PNL, expectancy_lean,
            "w mean(q > 0)/|mean(q <= 0)| - (1 - w), q = p/capital before it",
            MET_LEAN " Expectancy"),
    MET_ROW("sqn", "", "ratio", "sqn", MET_PNL, sqn, "sqrt(N) mean(p)/sd(p)", "Tharp 2008"),
    MET_ROW("sqn", "backtesting.py", "ratio", "sqn", MET_PNL, sqn, "sqrt(N) mean(p)/sd(p)",
            MET_BT " SQN"),
    MET_ROW("sqn", "backtrader", "ratio", "sqn", MET_PNL, sqn_backtrader,
            "sqrt(N) mean(p)/sd_n(p), sd_n divided by N", "backtrader analyzers/sqn.py"),
    MET_ROW("kelly", "", "fraction", "kelly", MET_PNL, kelly, "w - (1 - w)/payoff, w the win rate",
            "Kelly 1956"),
    MET_ROW("kelly", "backtesting.py", "fraction", "kelly", MET_PNL, kelly, "w - (1 - w)/payoff",
            MET_BT " Kelly Criterion"),
    MET_ROW("kelly", "quantstats", "fraction", "kelly", MET_RETURNS, kelly_qs,
            "w - (1 - w)/payoff, both quantstats", "quantstats kelly_criterion"),
    MET_ROW("risk_of_ruin", "", "fraction", "risk_of_ruin", MET_PNL, ruin,
            "((1 - w)/(1 + w))^N, w the win rate", "quantstats, over trades"),
    MET_ROW("risk_of_ruin", "quantstats", "fraction", "risk_of_ruin", MET_RETURNS, ruin_qs,
            "((1 - w)/(1 + w))^n, w that of quantstats", "quantstats risk_of_ruin"),
    MET_ROW("avg_win", "", "currency", "avg_win", MET_PNL, avg_win, "mean(p > 0)", "common"),
    MET_ROW("avg_win", "quantstats", "fraction", "avg_win", MET_RETURNS, avg_win,
            "mean(r > 0), r the periods' returns", "quantstats avg_win"),
    MET_ROW("avg_loss", "", "currency", "avg_loss", MET_PNL, avg_loss, "mean(p < 0)", "common"),
    MET_ROW("avg_loss", "quantstats", "fraction", "avg_loss", MET_RETURNS, avg_loss,
            "mean(r < 0), r the periods' returns", "quantstats avg_loss"),
    MET_ROW("avg_return", "quantstats", "fraction", "avg_return", MET_RETURNS, avg_nonzero,
            "mean(r <> 0), r the periods' returns", "quantstats avg_return"),
    MET_ROW("consecutive_wins", "", "count", "consecutive_wins", MET_PNL, streak_won,
            "longest run of p > 0", "common"),
    MET_ROW("consecutive_wins", "quantstats", "count", "consecutive_wins", MET_RETURNS, streak_won,
            "longest run of r > 0, r the periods' returns", "quantstats consecutive_wins"),
    MET_ROW("consecutive_losses", "", "count", "consecutive_losses", MET_PNL, streak_lost,
            "longest run of p < 0", "common"),
    MET_ROW("consecutive_losses", "quantstats", "count", "consecutive_losses", MET_RETURNS,
            streak_lost, "longest run of r < 0, r the periods' returns",
            "quantstats consecutive_losses"),
    MET_ROW("profit_ratio", "quantstats", "ratio", "profit_ratio", MET_RETURNS, profit_ratio,
            "(mean(r >= 0)/#(r >= 0))/|mean(r < 0)/#(r < 0)|", "quantstats profit_ratio"),
    MET_ROW("cpc_index", "quantstats", "ratio", "cpc_index", MET_RETURNS, cpc,
            "profit_factor x win_rate x payoff, all quantstats", "quantstats cpc_index"),
    MET_ROW("exposure", "quantstats", "fraction", "exposure", MET_RETURNS, met_exposure_qs,
            "#(r <> 0)/n rounded up to 0.01", "quantstats exposure"),
    MET_ROW("edge_ratio", "", "ratio", "edge_ratio", MET_EXCURSIONS, edge,
            "sum(mfe)/|sum(mae)|, in a run both over the value at entry",
            "Faith 2007, without division by volatility"),
    MET_ROW("best_trade", "", "fraction", NULL, MET_TRADE_RETURN, met_max, "max(x)", "common"),
    MET_ROW("best_trade", "backtesting.py", "fraction", NULL, MET_TRADE_RETURN, met_max, "max(x)",
            MET_BT " Best Trade"),
    MET_ROW("worst_trade", "", "fraction", NULL, MET_TRADE_RETURN, met_min, "min(x)", "common"),
    MET_ROW("worst_trade", "backtesting.py", "fraction", NULL, MET_TRADE_RETURN, met_min, "min(x)",
            MET_BT " Worst Trade"),
    MET_ROW("largest_win", "", "currency", NULL, MET_PNL, largest_win, "max(p > 0)", "common"),
    MET_ROW("largest_loss", "", "currency", NULL, MET_PNL, largest_loss, "min(p < 0)", "common"),
    MET_ROW("avg_trade", "", "fraction", NULL, MET_TRADE_RETURN, met_mean, "mean(x)", "common"),
    MET_ROW("avg_trade", "backtesting.py", "fraction", NULL, MET_TRADE_RETURN, met_geometric_bt,
            "exp(mean ln(1+x)) - 1, 0 if any x <= -1", MET_BT " Avg. Trade"),
};

met_rows met_rows_pnl(void) {
  return MET_ROWS(rows);
}
