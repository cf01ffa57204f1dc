/* bar_check.c - what a bar must be before it is stored; see bar_check.h. */
#include "data/bar_check.h"

#include <math.h>

static const struct {
  bv_column column;
  const char *missing, *infinite, *negative;
} price[] = {
    {BV_COL_OPEN, "open is missing or not a number", "open is infinite", "open is negative"},
    {BV_COL_HIGH, "high is missing or not a number", "high is infinite", "high is negative"},
    {BV_COL_LOW, "low is missing or not a number", "low is infinite", "low is negative"},
    {BV_COL_CLOSE, "close is missing or not a number", "close is infinite", "close is negative"},
};

const char *bv_bar_order_problem(double o, double h, double l, double c) {
  if (h < l) return "high is below low";
  if (o > h || o < l) return "open lies outside low..high";
  if (c > h || c < l) return "close lies outside low..high";
  return 0;
}

const char *bv_bar_problem(const double value[BV_NCOL]) {
  for (int i = 0; i < 4; i++) {
    double x = value[price[i].column];
    if (isnan(x)) return price[i].missing;
    if (isinf(x)) return price[i].infinite;
    if (x < 0) return price[i].negative;
  }
  const char *why = bv_bar_order_problem(value[BV_COL_OPEN], value[BV_COL_HIGH], value[BV_COL_LOW],
                                         value[BV_COL_CLOSE]);
  if (why) return why;
  if (value[BV_COL_VOLUME] < 0) return "volume is negative";
  if (value[BV_COL_TRADES] < 0) return "trades is negative";
  for (int i = BV_COL_VOLUME; i < BV_NCOL; i++) {
    if (isinf(value[i])) return "a value is infinite";
  }
  return 0;
}
