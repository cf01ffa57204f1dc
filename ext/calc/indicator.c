/*
** indicator.c - the table of indicators: lookup by output name, and check of parameters.
*/
#include "calc/indicator.h"

#include "base/text.h"
#include "calc/ind.h"

#include <stdio.h>

#define ONE(name) +1
#define TABLE_N   (BV_IND_LIST(ONE))

/* The kernels are compiled several times, for the instructions of x86-64-v3 (AVX2) and x86-64-v4 (AVX-512)
** too; all give the same bits. */
const bv_indicator *const *bv_indicators_of(bv_ind_level level, int *n) {
  *n = TABLE_N;
  switch (level) {
#ifdef BV_LEVELS
  case BV_LEVEL_V3:
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                   __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2")
               ? bv_ind_table_v3
               : NULL;
  case BV_LEVEL_V4:
    return bv_indicators_of(BV_LEVEL_V3, n) && __builtin_cpu_supports("avx512f") &&
                   __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512cd") &&
                   __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")
               ? bv_ind_table_v4
               : NULL;
#endif
  case BV_LEVEL_BASE: return bv_ind_table;
  default: return NULL;
  }
}

const bv_indicator *const *bv_indicators(int *n) {
  const bv_indicator *const *table = bv_indicators_of(BV_LEVEL_V4, n);
  if (!table) table = bv_indicators_of(BV_LEVEL_V3, n);
  return table ? table : bv_indicators_of(BV_LEVEL_BASE, n);
}

const bv_indicator *bv_indicator_find(const char *name, int *output) {
  int n;
  const bv_indicator *const *table = bv_indicators(&n);
  for (int i = 0; i < n; i++) {
    for (int k = 0; k < table[i]->noutput; k++) {
      if (!bv_text_ieq(table[i]->output[k].name, name)) continue;
      *output = k;
      return table[i];
    }
  }
  return NULL;
}

const char *bv_indicator_nearest(const char *name) {
  const char *list[(TABLE_N)*BV_IND_MAX_OUTPUT + 1];
  int n = 0;
  for (int i = 0; i < TABLE_N; i++) {
    const bv_indicator *ind = bv_ind_table[i];
    for (int k = 0; k < ind->noutput; k++) list[n++] = ind->output[k].name;
  }
  list[n] = NULL;
  return bv_nearest(name, list);
}

double bv_indicator_choice(const bv_ind_param *p, const char *name) {
  for (int i = 0; p->choice && p->choice[i]; i++) {
    if (bv_text_ieq(p->choice[i], name)) return p->min + i;
  }
  return NAN;
}

void bv_indicator_choices(const bv_ind_param *p, char *out, size_t size) {
  size_t n = 0;
  out[0] = 0;
  for (int i = 0; p->choice && p->choice[i] && n < size; i++) {
    n += (size_t)snprintf(out + n, size - n, "%s%s", i ? ", " : "", p->choice[i]);
  }
}

const char *bv_indicator_input_name(const bv_indicator *ind, int slot) {
  static const char *const name[BV_IN_COUNT] = {"x",      "open",    "high", "low", "close",
                                                "volume", "typical", "x",    "ts"};
  if (ind->input[slot] != BV_IN_REAL) return name[ind->input[slot]];
  for (int i = 0; i < ind->ninput; i++) {
    if (ind->input[i] == BV_IN_OTHER) return "y"; /* measured against x */
  }
  return "x";
}

int bv_indicator_seen_text(unsigned seen, char *out, int size) {
  static const char *const name[] = {"TA-Lib formulas (reference)",
                                     "Tulip",
                                     "Stock.Indicators",
                                     "backtrader",
                                     "LEAN",
                                     "StockCharts",
                                     "own reference"};
  int used = 0;
  out[0] = 0;
  for (int i = 0; i < (int)(sizeof name / sizeof *name); i++) {
    if (!(seen >> i & 1)) continue;
    used += snprintf(out + used, (size_t)(size - used), "%s%s", used ? ", " : "", name[i]);
    if (used >= size) return 0;
  }
  return 1;
}

static bv_rc check_param(const bv_indicator *ind, const bv_ind_param *p, double x, bv_err *err) {
  if (!(x >= p->min && x <= p->max)) {
    return bv_fail(err, BV_ARG, "%s: %s = %.15g is outside %.15g .. %.15g", ind->name, p->name, x,
                   p->min, p->max);
  }
  if (p->integer && x != floor(x)) {
    return bv_fail(err, BV_ARG, "%s: %s = %.15g must be a whole number from %.15g to %.15g",
                   ind->name, p->name, x, p->min, p->max);
  }
  return BV_OK;
}

bv_rc bv_indicator_params(const bv_indicator *ind, const double *given, int n,
                          double param[BV_IND_MAX_PARAM], bv_err *err) {
  if (n > ind->nparam) {
    return bv_fail(err, BV_ARG, "%s: %d parameters given, it takes at most %d", ind->name, n,
                   ind->nparam);
  }
  for (int i = 0; i < ind->nparam; i++) {
    const bv_ind_param *p = &ind->param[i];
    const int missing = i >= n || isnan(given[i]);
    if (missing && !p->optional) {
      return bv_fail(err, BV_ARG, "%s: the parameter %s is missing (%.15g .. %.15g)", ind->name,
                     p->name, p->min, p->max);
    }
    param[i] = missing ? p->def : given[i];
    BV_TRY(check_param(ind, p, param[i], err));
  }
  for (int i = ind->nparam; i < BV_IND_MAX_PARAM; i++) param[i] = 0;
  return BV_OK;
}

int64_t bv_ind_n(const double *param) {
  return (int64_t)param[0];
}
int64_t bv_ind_n_less_1(const double *param) {
  return (int64_t)param[0] - 1;
}
int64_t bv_ind_n_plus_1(const double *param) {
  return (int64_t)param[0] + 1;
}

int64_t bv_ind_0(const double *param) {
  (void)param;
  return 0;
}

int64_t bv_ind_1(const double *param) {
  (void)param;
  return 1;
}

int64_t bv_ind_2(const double *param) {
  (void)param;
  return 2;
}

void bv_ind_no_anchor(void *state) {
  (void)state;
}
