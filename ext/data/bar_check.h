/*
** bar_check.h - what a bar must be before it is stored.
*/
#ifndef BV_DATA_BAR_CHECK_H
#define BV_DATA_BAR_CHECK_H

#include "col/bars.h"

/* What is wrong with a bar, as a text such as "high is below low", or NULL for a good one.  value
** has one number per column, NaN where the column is absent.  Open, high, low and close must be
** there, finite, and low <= open, close <= high; negative prices are refused; volume and trades
** must not be negative. */
const char *bv_bar_problem(const double value[BV_NCOL]);

/* The same for the order of four finite prices alone, of whatever sign. */
const char *bv_bar_order_problem(double open, double high, double low, double close);

#endif
