/*
** metric.c - the table of run metrics.
**
** A row is a name, a variant and the fact it shows; adding a library's variant of a figure that
** another row computes already is adding a row.  Variants:
**
**      ""                ours
**      "empyrical"       empyrical-reloaded, fed with the returns of our periods
**      "quantstats"      quantstats, the same way
**      "backtesting.py"  backtesting.py 0.6.6, what its stats print (as fractions, not percent)
**      others            another form of the same figure, told apart by what it uses
**
** Periods.  An equity curve may have a point per minute.  Figures that speak of periods (r, n, P in
** the formulas below) use the last point of each local day, or the curve's own points where those
** are a week, a month or further apart; P is 252 or, where weekend days occur as for a market that
** never closes, 365, then 52, 12, 4, 1.  met_series.c has the exact rule, and backtesting.py's own.
** V_0 is the starting value and counts as the first point of every figure but backtesting.py's,
** which start from the first point V_1.  Figures that need no period (drawdowns, durations) see
** every point.  RF is the annual risk-free return, rf the same per period; p is a trade's net P&L,
** x its net return.
**
** Not defined, hence NaN: everything where the curve has no finite point; ratios with a zero
** denominator (no losses, no drawdown, no deviation, where backtesting.py and empyrical may print
** inf); deviations of fewer than two returns; growth from a start that is not positive, or to an
** end below zero; averages of no episodes or no trades.  Where the equity was not positive no
** return is defined for the next period, and it is left out.
*/
#include "calc/met.h"

#include <math.h>

#define FORMULAS_BT "backtesting.py 0.6.6 _stats.py"

static const bv_metric_def table[] = {
    {"total_return", "", "fraction", "V_n/V_0 - 1", "common", MET_TOTAL_RETURN},
    {"total_return", "empyrical", "fraction", "prod(1+r) - 1", "empyrical cum_returns_final",
     MET_TOTAL_RETURN},
    {"total_return", "backtesting.py", "fraction", "(V_n - V_1)/V_1", FORMULAS_BT " Return",
     MET_TOTAL_RETURN_BT},

    {"cagr", "", "fraction", "(V_n/V_0)^(P/n) - 1", "empyrical, quantstats", MET_CAGR_COUNT},
    {"cagr", "count", "fraction", "(V_n/V_0)^(P/n) - 1", "empyrical, quantstats", MET_CAGR_COUNT},
    {"cagr", "empyrical", "fraction", "(V_n/V_0)^(P/n) - 1", "empyrical cagr", MET_CAGR_COUNT},
    {"cagr", "365.25", "fraction", "(V_n/V_0)^(31557600/(t_n - t_1)) - 1, t in seconds",
     "ffn calc_cagr", MET_CAGR_CALENDAR},
    {"cagr", "backtesting.py", "fraction", "(V_n/V_1)^(31557600/(t_n - t_1)) - 1",
     FORMULAS_BT " CAGR", MET_CAGR_BT},

    {"annual_return", "", "fraction", "(V_n/V_0)^(P/n) - 1", "empyrical annual_return",
     MET_CAGR_COUNT},
    {"annual_return", "empyrical", "fraction", "(V_n/V_0)^(P/n) - 1", "empyrical annual_return",
     MET_CAGR_COUNT},
    {"annual_return", "backtesting.py", "fraction",
     "(1+g)^P - 1, g = exp(mean ln(1+r)) - 1, 0 if any r <= -1", FORMULAS_BT " Return (Ann.)",
     MET_ANNUAL_BT},

    {"volatility", "", "fraction", "sd(r) sqrt(P)", "common", MET_VOLATILITY},
    {"volatility", "empyrical", "fraction", "sd(r) sqrt(P)", "empyrical annual_volatility",
     MET_VOLATILITY},
    {"volatility", "backtesting.py", "fraction", "sqrt((sd(r)^2 + (1+g)^2)^P - (1+g)^(2P))",
     FORMULAS_BT " Volatility (Ann.)", MET_VOLATILITY_BT},

    {"downside_deviation", "", "fraction", "sqrt(mean(min(r - rf, 0)^2)) sqrt(P)",
     "empyrical downside_risk", MET_DOWNSIDE},
    {"downside_deviation", "empyrical", "fraction", "sqrt(mean(min(r - rf, 0)^2)) sqrt(P)",
     "empyrical downside_risk", MET_DOWNSIDE},

    {"sharpe", "", "ratio", "mean(r - rf)/sd(r) sqrt(P), rf = (1+RF)^(1/P) - 1", "Sharpe 1994",
     MET_SHARPE},
    {"sharpe", "empyrical", "ratio", "mean(r - rf)/sd(r) sqrt(P)", "empyrical sharpe_ratio",
     MET_SHARPE},
    {"sharpe", "backtesting.py", "ratio", "(annual_return - RF)/volatility, both backtesting.py",
     FORMULAS_BT " Sharpe Ratio", MET_SHARPE_BT},

    {"sortino", "", "ratio", "(mean(r) - rf) P/downside_deviation", "empyrical sortino_ratio",
     MET_SORTINO},
    {"sortino", "empyrical", "ratio", "(mean(r) - rf) P/downside_deviation",
     "empyrical sortino_ratio", MET_SORTINO},
    {"sortino", "backtesting.py", "ratio", "(annual_return - RF)/(sqrt(mean(min(r, 0)^2)) sqrt(P))",
     FORMULAS_BT " Sortino Ratio", MET_SORTINO_BT},

    {"calmar", "", "ratio", "cagr/|max_drawdown|, drawdown of all points", "Young 1991",
     MET_CALMAR},
    {"calmar", "empyrical", "ratio", "cagr/|max_drawdown|, drawdown of periods",
     "empyrical calmar_ratio", MET_CALMAR_PERIOD},
    {"calmar", "backtesting.py", "ratio", "annual_return/|max_drawdown|, both backtesting.py",
     FORMULAS_BT " Calmar Ratio", MET_CALMAR_BT},

    {"omega", "", "ratio", "sum(max(r - rf, 0))/sum(max(rf - r, 0))", "Keating, Shadwick 2002",
     MET_OMEGA},
    {"omega", "empyrical", "ratio", "sum(max(r - rf, 0))/sum(max(rf - r, 0))",
     "empyrical omega_ratio", MET_OMEGA},

    {"max_drawdown", "", "fraction", "min(V_t/peak_t - 1), V_0 is a peak", "common", MET_MAX_DD},
    {"max_drawdown", "empyrical", "fraction", "min(V_t/peak_t - 1) over periods",
     "empyrical max_drawdown", MET_MAX_DD_PERIOD},
    {"max_drawdown", "backtesting.py", "fraction", "min(V_t/peak_t - 1), from V_1",
     FORMULAS_BT " Max. Drawdown", MET_MAX_DD_BT},
    {"avg_drawdown", "", "fraction", "mean of the episodes' depths", "ffn avg_drawdown",
     MET_AVG_DD},
    {"avg_drawdown", "backtesting.py", "fraction",
     "mean of the episodes' depths, from V_1, a last single point left out",
     FORMULAS_BT " Avg. Drawdown", MET_AVG_DD_BT},
    {"max_drawdown_duration", "", "seconds", "longest time from peak to recovery or end", "common",
     MET_MAX_DD_S},
    {"max_drawdown_duration", "backtesting.py", "seconds",
     "the same from V_1, rounded up to the unit of the curve's spacing",
     FORMULAS_BT " Max. Drawdown Duration", MET_MAX_DD_S_BT},
    {"avg_drawdown_duration", "", "seconds", "mean time from peak to recovery or end", "common",
     MET_AVG_DD_S},
    {"avg_drawdown_duration", "backtesting.py", "seconds",
     "the same from V_1, rounded up to the unit of the curve's spacing",
     FORMULAS_BT " Avg. Drawdown Duration", MET_AVG_DD_S_BT},
    {"ulcer_index", "", "fraction", "sqrt(sum(dd_t^2)/(n-1)) over periods",
     "quantstats ulcer_index", MET_ULCER},
    {"ulcer_index", "quantstats", "fraction", "sqrt(sum(dd_t^2)/(n-1)) over periods",
     "quantstats ulcer_index", MET_ULCER},

    {"var_95", "", "fraction", "5th percentile of r, linear interpolation",
     "empyrical value_at_risk", MET_VAR95},
    {"var_95", "empyrical", "fraction", "5th percentile of r, linear interpolation",
     "empyrical value_at_risk", MET_VAR95},
    {"cvar_95", "", "fraction", "mean of the floor(0.05 (n-1)) + 1 smallest r",
     "empyrical conditional_value_at_risk", MET_CVAR95},
    {"cvar_95", "empyrical", "fraction", "mean of the floor(0.05 (n-1)) + 1 smallest r",
     "empyrical conditional_value_at_risk", MET_CVAR95},
    {"skew", "", "ratio", "m3/m2^1.5", "scipy skew", MET_SKEW},
    {"skew", "quantstats", "ratio", "m3/m2^1.5 sqrt(n (n-1))/(n-2)", "quantstats skew, pandas",
     MET_SKEW_UNBIASED},
    {"kurtosis", "", "ratio", "m4/m2^2 - 3", "scipy kurtosis", MET_KURTOSIS},
    {"kurtosis", "quantstats", "ratio", "(n-1)/((n-2)(n-3)) ((n+1) (m4/m2^2 - 3) + 6)",
     "quantstats kurtosis, pandas", MET_KURTOSIS_UNBIASED},
    {"tail_ratio", "", "ratio", "|95th percentile of r|/|5th|", "empyrical tail_ratio",
     MET_TAIL_RATIO},
    {"tail_ratio", "empyrical", "ratio", "|95th percentile of r|/|5th|", "empyrical tail_ratio",
     MET_TAIL_RATIO},
    {"stability", "", "ratio", "R^2 of the cumulative sum of ln(1+r) on time",
     "empyrical stability_of_timeseries", MET_STABILITY},
    {"stability", "empyrical", "ratio", "R^2 of the cumulative sum of ln(1+r) on time",
     "empyrical stability_of_timeseries", MET_STABILITY},
    {"best_period", "", "fraction", "max(r)", "common", MET_BEST_PERIOD},
    {"worst_period", "", "fraction", "min(r)", "common", MET_WORST_PERIOD},
    {"periods", "", "count", "n", "met_series.c", MET_PERIODS},
    {"periods_per_year", "", "count", "P", "met_series.c", MET_PER_YEAR},
    {"periods_per_year", "backtesting.py", "count", "P", FORMULAS_BT " annual_trading_days",
     MET_PER_YEAR_BT},

    {"equity_final", "", "currency", "V_n", "common", MET_EQUITY_FINAL},
    {"equity_final", "backtesting.py", "currency", "V_n", FORMULAS_BT " Equity Final",
     MET_EQUITY_FINAL},
    {"equity_peak", "", "currency", "max(V_0, ..., V_n)", "common", MET_EQUITY_PEAK},
    {"equity_peak", "backtesting.py", "currency", "max(V_1, ..., V_n)", FORMULAS_BT " Equity Peak",
     MET_EQUITY_PEAK_BT},
    {"commission", "", "currency", "sum paid", "common", MET_COMMISSION},
    {"commission", "backtesting.py", "currency", "sum over closed trades",
     FORMULAS_BT " Commissions", MET_COMMISSION_CLOSED},
    {"exposure", "", "fraction", "share of steps in which a position was open", "common",
     MET_EXPOSURE},
    {"exposure", "backtesting.py", "fraction",
     "share of steps from entry to exit of a closed trade, both included",
     FORMULAS_BT " Exposure Time", MET_EXPOSURE_BT},
    {"turnover", "", "ratio", "sum(|traded value|)/mean equity/n P", "common", MET_TURNOVER},
    {"turnover", "period", "ratio", "sum(|traded value|)/mean equity/n", "common",
     MET_TURNOVER_PERIOD},

    {"trades", "", "count", "closed trades", "common", MET_TRADES},
    {"trades", "all", "count", "closed and open trades", "common", MET_TRADES_ALL},
    {"trades", "backtesting.py", "count", "closed trades", FORMULAS_BT " # Trades", MET_TRADES},
    {"win_rate", "", "fraction", "#(p > 0)/#trades", "common", MET_WIN_RATE},
    {"win_rate", "backtesting.py", "fraction", "#(p > 0)/#trades", FORMULAS_BT " Win Rate",
     MET_WIN_RATE},
    {"profit_factor", "", "ratio", "sum(p > 0)/|sum(p < 0)|, p in currency", "common",
     MET_PROFIT_FACTOR},
    {"profit_factor", "backtesting.py", "ratio", "sum(x > 0)/|sum(x < 0)|, x the trades' returns",
     FORMULAS_BT " Profit Factor", MET_PROFIT_FACTOR_BT},
    {"payoff", "", "ratio", "mean(p > 0)/|mean(p < 0)|", "common", MET_PAYOFF},
    {"expectancy", "", "currency", "mean(p)", "common", MET_EXPECTANCY},
    {"expectancy", "percent", "fraction", "mean(x), x the trades' returns", "common",
     MET_EXPECTANCY_PCT},
    {"expectancy", "backtesting.py", "fraction", "mean(x)", FORMULAS_BT " Expectancy",
     MET_EXPECTANCY_PCT},
    {"sqn", "", "ratio", "sqrt(N) mean(p)/sd(p)", "Tharp 2008", MET_SQN},
    {"sqn", "backtesting.py", "ratio", "sqrt(N) mean(p)/sd(p)", FORMULAS_BT " SQN", MET_SQN},
    {"kelly", "", "fraction", "w - (1 - w)/payoff, w the win rate", "Kelly 1956", MET_KELLY},
    {"kelly", "backtesting.py", "fraction", "w - (1 - w)/payoff", FORMULAS_BT " Kelly Criterion",
     MET_KELLY},
    {"best_trade", "", "fraction", "max(x)", "common", MET_BEST_TRADE},
    {"best_trade", "backtesting.py", "fraction", "max(x)", FORMULAS_BT " Best Trade",
     MET_BEST_TRADE},
    {"worst_trade", "", "fraction", "min(x)", "common", MET_WORST_TRADE},
    {"worst_trade", "backtesting.py", "fraction", "min(x)", FORMULAS_BT " Worst Trade",
     MET_WORST_TRADE},
    {"avg_trade", "", "fraction", "mean(x)", "common", MET_AVG_TRADE},
    {"avg_trade", "backtesting.py", "fraction", "exp(mean ln(1+x)) - 1, 0 if any x <= -1",
     FORMULAS_BT " Avg. Trade", MET_AVG_TRADE_BT},
    {"max_trade_duration", "", "seconds", "max(exit - entry)", "common", MET_MAX_TRADE_S},
    {"max_trade_duration", "backtesting.py", "seconds",
     "max(exit - entry), rounded up to the unit of the curve's spacing",
     FORMULAS_BT " Max. Trade Duration", MET_MAX_TRADE_S_BT},
    {"avg_trade_duration", "", "seconds", "mean(exit - entry)", "common", MET_AVG_TRADE_S},
    {"avg_trade_duration", "backtesting.py", "seconds",
     "mean(exit - entry), rounded up to the unit of the curve's spacing",
     FORMULAS_BT " Avg. Trade Duration", MET_AVG_TRADE_S_BT},
};

#define ROWS ((int)(sizeof table / sizeof *table))

const bv_metric_def *bv_metric_defs(int *n) {
  *n = ROWS;
  return table;
}

static bv_rc facts_of(const bv_metric_input *in, const met_curve *c, double *fact, bv_err *err) {
  met_drawdown_facts(in, c, fact);
  BV_TRY(met_return_facts(in, c, fact, err));
  return met_trade_facts(in, c, fact, err);
}

bv_rc bv_metric_compute(const bv_metric_input *in, bv_metric_value *out, bv_err *err) {
  double fact[MET_FACTS];
  met_curve c;
  for (int i = 0; i < MET_FACTS; i++) fact[i] = NAN;
  bv_rc rc = met_curve_init(&c, in, err);
  if (rc == BV_OK) rc = facts_of(in, &c, fact, err);
  met_curve_reset(&c);
  if (rc != BV_OK) return rc;
  for (int i = 0; i < ROWS; i++) {
    const double v = fact[table[i].fact];
    out[i] = (bv_metric_value){table[i].name, table[i].variant, table[i].unit,
                               isfinite(v) ? v : (double)NAN};
  }
  return BV_OK;
}
