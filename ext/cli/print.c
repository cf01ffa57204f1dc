/* print.c - the summary `backtest` prints; see print.h. */
#include "cli/print.h"

/* Figures of the summary, in order; the rest is in bt_metric. */
static const struct {
  const char *name, *label;
} figures[] = {
    {"equity_final", "final value"},
    {"total_return", "total return"},
    {"cagr", "CAGR"},
    {"volatility", "volatility"},
    {"sharpe", "Sharpe"},
    {"sortino", "Sortino"},
    {"max_drawdown", "max drawdown"},
    {"max_drawdown_duration", "longest drawdown"},
    {"calmar", "Calmar"},
    {"exposure", "exposure"},
    {"trades", "closed trades"},
    {"win_rate", "win rate"},
    {"profit_factor", "profit factor"},
    {"expectancy", "expectancy"},
    {"sqn", "SQN"},
    {"commission", "commission"},
};

static int print_head(sqlite3 *db, int64_t run, FILE *out) {
  sqlite3_stmt *st;
  int code =
      sqlite3_prepare_v2(db,
                         "SELECT strategy, mode, profile, steps, datetime(start, 'unixepoch'),"
                         " datetime(\"end\", 'unixepoch') FROM bt_run WHERE id = ?1",
                         -1, &st, NULL);
  if (code != SQLITE_OK) return code;
  sqlite3_bind_int64(st, 1, run);
  if (sqlite3_step(st) == SQLITE_ROW) {
    fprintf(
        out, "run %lld: %s, %s mode, profile %s, %lld steps, %s to %s\n\n", (long long)run,
        sqlite3_column_text(st, 0), sqlite3_column_text(st, 1), sqlite3_column_text(st, 2),
        (long long)sqlite3_column_int64(st, 3),
        sqlite3_column_type(st, 4) == SQLITE_NULL ? "-" : (const char *)sqlite3_column_text(st, 4),
        sqlite3_column_type(st, 5) == SQLITE_NULL ? "-" : (const char *)sqlite3_column_text(st, 5));
  }
  return sqlite3_finalize(st);
}

static void print_value(FILE *out, double v, const char *unit) {
  switch (unit[0]) {
  case 'f': fprintf(out, "%12.2f %%\n", v * 100); break;     /* fraction */
  case 's': fprintf(out, "%12.1f days\n", v / 86400); break; /* seconds */
  case 'c': fprintf(out, "%12.0f\n", v); break;              /* count */
  default: fprintf(out, "%12.3f\n", v); break;
  }
}

static int print_figures(sqlite3 *db, int64_t run, FILE *out) {
  sqlite3_stmt *st;
  int code = sqlite3_prepare_v2(db,
                                "SELECT value, unit FROM bt_figure WHERE run = ?1 AND name = ?2 AND"
                                " variant = ''",
                                -1, &st, NULL);
  if (code != SQLITE_OK) return code;
  for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
    sqlite3_bind_int64(st, 1, run);
    sqlite3_bind_text(st, 2, figures[i].name, -1, SQLITE_STATIC);
    if (sqlite3_step(st) == SQLITE_ROW) {
      fprintf(out, "  %-18s", figures[i].label);
      if (sqlite3_column_type(st, 0) == SQLITE_NULL) {
        fprintf(out, "%12s\n", "-");
      } else {
        const char *unit = (const char *)sqlite3_column_text(st, 1);
        if (unit[0] == 'c' && unit[1] == 'u') {
          fprintf(out, "%12.2f\n", sqlite3_column_double(st, 0));
        } else {
          print_value(out, sqlite3_column_double(st, 0), unit);
        }
      }
    }
    sqlite3_reset(st);
  }
  return sqlite3_finalize(st);
}

static int print_trades(sqlite3 *db, int64_t run, FILE *out) {
  sqlite3_stmt *st;
  int code = sqlite3_prepare_v2(db,
                                "SELECT asset, qty, entry_time, entry_price, exit_time, exit_price,"
                                " pnl, open FROM bt_trade WHERE run = ?1 LIMIT 5",
                                -1, &st, NULL);
  if (code != SQLITE_OK) return code;
  sqlite3_bind_int64(st, 1, run);
  int n = 0;
  while (sqlite3_step(st) == SQLITE_ROW) {
    if (n++ == 0) fprintf(out, "\nfirst trades:\n");
    fprintf(out, "  %-8s %10g  %s at %-10g  %s at %-10g  %10.2f%s\n", sqlite3_column_text(st, 0),
            sqlite3_column_double(st, 1), sqlite3_column_text(st, 2), sqlite3_column_double(st, 3),
            sqlite3_column_text(st, 4), sqlite3_column_double(st, 5), sqlite3_column_double(st, 6),
            sqlite3_column_int(st, 7) ? " (open)" : "");
  }
  return sqlite3_finalize(st);
}

int cli_summary(sqlite3 *db, int64_t run, FILE *out) {
  int code = print_head(db, run, out);
  if (code == SQLITE_OK) code = print_figures(db, run, out);
  if (code == SQLITE_OK) code = print_trades(db, run, out);
  return code;
}
