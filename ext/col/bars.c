/*
** bars.c - the names of the columns.
*/
#include "col/bars.h"
#include "base/text.h"

static const char *const column_name[BV_NCOL] = {
    "open", "high", "low",           "close", "volume", "vwap",    "trades",
    "bid",  "ask",  "open_interest", "count", "filled", "known_at"};

const char *bv_column_name(int col) {
  if (col == BV_COL_TS) return "ts";
  return col >= 0 && col < BV_NCOL ? column_name[col] : "?";
}

bv_column bv_column_find(const char *name) {
  if (bv_text_ieq(name, "ts")) return BV_COL_TS;
  for (int c = 0; c < BV_NCOL; c++)
    if (bv_text_ieq(name, column_name[c])) return (bv_column)c;
  return BV_COL_NONE;
}
