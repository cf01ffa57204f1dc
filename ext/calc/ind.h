/*
** ind.h - what the files of indicators (ind_*.c) share: the list, and common parts of an entry.
*/
#ifndef BV_CALC_IND_H
#define BV_CALC_IND_H

#include "calc/indicator.h"
#include "calc/roll.h"

#define BV_PERIOD_MAX 100000

/* A period that must be given, with 20 as an example; one with a default. */
#define BV_PERIOD(lo)                                                                              \
  { "period", 20, lo, BV_PERIOD_MAX, 1, 0, NULL }
#define BV_PERIOD_OR(name, def, lo)                                                                \
  { name, def, lo, BV_PERIOD_MAX, 1, 1, NULL }

/* Short names for sources cited by many entries. */
#define BV_SRC_TALIB  "TA-Lib 0.6, default compatibility, unstable period 0"
#define BV_SRC_WILDER "J. W. Wilder, New Concepts in Technical Trading Systems (1978)"

/* param[0] as the period n: first value at n - 1 or n, window of n or n + 1. */
int64_t bv_ind_n(const double *param);
int64_t bv_ind_n_less_1(const double *param);
int64_t bv_ind_n_plus_1(const double *param);
int64_t bv_ind_0(const double *param);
int64_t bv_ind_1(const double *param);
int64_t bv_ind_2(const double *param);

/* run() of the indicators that leave bars with an unusable input to bv_split(): their value is NaN. */
void bv_ind_clean_run(const bv_indicator *self, void *state, const double *const *in, int64_t n,
                      double *const *out);

/* A windowed state with nothing that rounds. */
void bv_ind_no_anchor(void *state);

/* The part of a state that begins `at` bytes into it. */
static inline void *bv_part(void *state, size_t at) {
  return (char *)state + at;
}

/* One constant per indicator, in alphabetical order of the names. */
/* clang-format off */
#define BV_IND_LIST(X)                                                                             \
  X(ad) X(adosc) X(adx) X(adxr) X(apo) X(aroon) X(atr) X(bbands) X(beta) X(bop)                    \
  X(candle_abandoned_baby_bear) X(candle_abandoned_baby_bull) X(candle_big_black)                  \
  X(candle_big_white) X(candle_black_marubozu) X(candle_doji) X(candle_dragonfly_doji)             \
  X(candle_engulfing_bear) X(candle_engulfing_bull) X(candle_evening_doji_star)                    \
  X(candle_evening_star) X(candle_four_price_doji) X(candle_gravestone_doji) X(candle_hammer)      \
  X(candle_hanging_man) X(candle_inverted_hammer) X(candle_long_legged_doji) X(candle_marubozu)    \
  X(candle_morning_doji_star) X(candle_morning_star) X(candle_shooting_star)                       \
  X(candle_spinning_top) X(candle_star) X(candle_three_black_crows)                                \
  X(candle_three_white_soldiers) X(candle_white_marubozu) X(cci) X(cdl2crows) X(cdl3blackcrows)    \
  X(cdl3inside) X(cdl3linestrike) X(cdl3outside) X(cdl3starsinsouth) X(cdl3whitesoldiers)          \
  X(cdlabandonedbaby) X(cdladvanceblock) X(cdlbelthold) X(cdlbreakaway) X(cdlclosingmarubozu)      \
  X(cdlconcealbabyswall) X(cdlcounterattack) X(cdldarkcloudcover) X(cdldoji) X(cdldojistar)        \
  X(cdldragonflydoji) X(cdlengulfing) X(cdleveningdojistar) X(cdleveningstar)                      \
  X(cdlgapsidesidewhite) X(cdlgravestonedoji) X(cdlhammer) X(cdlhangingman) X(cdlharami)           \
  X(cdlharamicross) X(cdlhighwave) X(cdlhikkake) X(cdlhikkakemod) X(cdlhomingpigeon)               \
  X(cdlidentical3crows) X(cdlinneck) X(cdlinvertedhammer) X(cdlkicking) X(cdlkickingbylength)      \
  X(cdlladderbottom) X(cdllongleggeddoji) X(cdllongline) X(cdlmarubozu) X(cdlmatchinglow)          \
  X(cdlmathold) X(cdlmorningdojistar) X(cdlmorningstar) X(cdlonneck) X(cdlpiercing)                \
  X(cdlrickshawman) X(cdlrisefall3methods) X(cdlseparatinglines) X(cdlshootingstar)                \
  X(cdlshortline) X(cdlspinningtop) X(cdlstalledpattern) X(cdlsticksandwich) X(cdltakuri)          \
  X(cdltasukigap) X(cdlthrusting) X(cdltristar) X(cdlunique3river) X(cdlupsidegap2crows)           \
  X(cdlxsidegap3methods) X(cmo) X(correl) X(dema) X(dmi) X(donchian) X(ema) X(heikin_ashi)         \
  X(highest) X(hma) X(ichimoku_base) X(ichimoku_conversion) X(ichimoku_span_a) X(ichimoku_span_b)  \
  X(kama) X(keltner) X(linearreg) X(linearreg_angle) X(lowest) X(macd) X(mfi) X(midpoint) X(midprice) X(mom) X(natr)  \
  X(obv) X(pivot) X(ppo) X(rma) X(roc) X(rsi) X(sar) X(session_vwap) X(sma) X(stdev) X(stoch)      \
  X(stochf) X(stochrsi) X(supertrend) X(t3) X(tema) X(trange) X(trima) X(trix) X(tsf) X(ultosc)    \
  X(var) X(vwma) X(wilder) X(willr) X(wma) X(zlema)
/* clang-format on */

#define BV_IND_DECLARE(name) extern const bv_indicator bv_ind_##name;
BV_IND_LIST(BV_IND_DECLARE)
#undef BV_IND_DECLARE

/* Their tables (ind_table.c); the build names the one it compiles. */
#ifndef BV_IND_TABLE
#define BV_IND_TABLE bv_ind_table
#endif
extern const bv_indicator *const bv_ind_table[];
extern const bv_indicator *const bv_ind_table_v3[];
extern const bv_indicator *const bv_ind_table_v4[];

#endif
