/*
** fault_help.h - a scenario in SQL that touches everything, with the answers it gives when nothing
** fails: shared by the tests that make something fail.
*/
#ifndef BV_TEST_FAULT_HELP_H
#define BV_TEST_FAULT_HELP_H

#include "data_help.h"

#include <sys/stat.h>

#define SCENARIO_CSV "tests/tmp/fault.csv"

static const char *const scenario[] = {
    "SELECT bars_config('history', 40)",
    "SELECT bars_config('future', 20)",
    "SELECT count(*) FROM bars_coverage",
    "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 159) "
    "INSERT INTO bars(asset, timestep, ts, open, high, low, close, volume) SELECT 'A', 'minute', "
    "1704292200 + 60 * (i + i / 40 * 9), 100 + i % 7, 103 + i % 7, 95 + i % 5, 98 + i % 5, i FROM "
    "n",
    "INSERT OR REPLACE INTO bars(asset, timestep, time, open, high, low, close) VALUES "
    "('A', 'minute', '2024-01-03 14:31', 100, 110, 90, 105)",
    "INSERT OR IGNORE INTO bars(asset, timestep, ts, open, high, low, close) VALUES "
    "('A', 'minute', 1704292200, 1, 1, 1, 1)",
    "SELECT bars_import('" SCENARIO_CSV "', 'B', 'minute', '{\"tz\": \"UTC\"}')",
    "SELECT line, reason FROM barsvt_reject",
    "SELECT bars_compact()",
    "SELECT bars_import('" SCENARIO_CSV "', 'B', 'minute')",
    "SELECT bars_asset('A', 'tz', 'America/New_York')",
    "SELECT ts, open, high, low, close, volume, vwap, known_at, time FROM bars('A', 'minute') "
    "WHERE ts % 7 = 0",
    "SELECT ts, close FROM bars('A', 'minute') ORDER BY ts DESC LIMIT 70",
    "SELECT ts, asset, close FROM bars WHERE asset IN ('A', 'B') AND timestep = 'minute' "
    "AND start = '2024-01-03 14:40' AND \"end\" = '2024-01-03 14:50' ORDER BY ts",
    "SELECT ts, close, complete, count FROM bars_agg('A', '15 minutes')",
    "SELECT ts, close, filled FROM bars_agg('A', '3 minutes', NULL, NULL, NULL, '09:30-10:30', "
    "'prev')",
    "SELECT ts, close, vwap FROM bars_agg('B', 'day', NULL, NULL, 'Asia/Tokyo') ORDER BY ts DESC",
    "SELECT ts, close FROM bars_asof('A', 'minute', '2024-01-03 15:00:30', '5 minutes')",
    "SELECT ts, sma(bars, 5), rsi(bars, 7), prev(bars, 2), sma(bars, 3, 'rsi:5'), atr(bars, 4) "
    "FROM bars('A', 'minute')",
    "SELECT sma(bars_agg, 3, 'hl2') FROM bars_agg('A', '5 minutes') ORDER BY ts DESC LIMIT 9",
    "SELECT sma('A', 'minute', 20), ema('B', 'minute', 5, 'high', '2024-01-03 14:50'), "
    "last_price('A'), last_price('B', 'minute')",
    "SELECT ts, prev(bars, 0, 'sma:3@rsi:4 of B'), beta(bars, 3, 'close of B'), correl(bars, 4, "
    "'high', 'ema:3'), cross_above(bars, 'close', 'sma:5'), pivot_r1(bars, 'day') "
    "FROM bars('A', 'minute')",
    "SELECT prev(bars_agg, 0, 'ema:2 of B'), session_vwap(bars_agg) FROM bars_agg('A', '5 "
    "minutes')",
    "SELECT beta('A', 'minute', 3, 'close of B'), cross_below('A', 'minute', 'close', 99)",
    "SELECT ts, ta_macd_signal(close, 2, 3, 2) OVER w, ta_atr(high, low, close, 3) OVER w "
    "FROM bars('A', 'minute') WINDOW w AS (ORDER BY ts)",
    "SELECT ta_sma(close, 3) FROM bars('A', 'minute')",
    "SELECT ta_sma(close, 3) OVER (ORDER BY ts ROWS 2 PRECEDING) FROM bars('A', 'minute')",
    "SELECT prev(bars, 0, 'close of C') FROM bars('A', 'minute')",
    "SELECT bars_clock('2024-01-03 15:00')",
    "SELECT count(*), max(ts), last_price('A') FROM bars('A', 'minute')",
    "SELECT bars_clock(NULL)",
    "SELECT asset, timestep, first, last, bars, tz FROM bars_coverage ORDER BY 1",
    "SELECT count(*) FROM bars_indicator",
    "SELECT count(*) FROM bt_profile",
    "SELECT name, value FROM bars_setting",
    "SELECT count(*) FROM bars_stat",
    "SELECT count(*) < 99 FROM bars_cache",
    "SELECT class, ts, message FROM bars_validate(NULL, NULL, '2024-01-03', NULL, '{\"stale\": "
    "3}')",
    "SELECT class FROM bars_validate('A', 'minute', NULL, NULL, '{\"fail\": \"gap\"}')",
    "CREATE VIEW scores AS SELECT ts, asset, ts + 90 AS known_at, close AS score FROM "
    "bars('A', 'minute')",
    "SELECT class, ts, message FROM bars_validate_signals('scores', 'minute', '{\"timing\": "
    "\"custom\", \"lag\": 2, \"match\": \"asof\"}')",
    "SELECT class FROM bars_validate_signals('none', 'minute')",
    "CREATE TABLE market(ts, asset, mood)",
    "INSERT INTO market SELECT ts - 30, NULL, 'mood ' || ts FROM bars('A', 'minute')",
    "CREATE INDEX market_i ON market(asset, ts)",
    "CREATE VIRTUAL TABLE feed USING bars_feed(universe='A, B', timestep=minute, "
    "signals=(scores match=asof timing=next_bar), context=(market timing=custom lag=3 "
    "max_age='1 hour'))",
    "CREATE VIRTUAL TABLE wrong USING bars_feed(timestep=minute, signals=(scores mtach=asof))",
    "SELECT ts, asset, close, score, mood FROM feed",
    "SELECT asset, score, mood, sma(bars, 2) FROM feed WHERE ts > 1704292200 + 300 AND asset IN "
    "('A', 'B', 'C')",
    "SELECT ts, score, mood FROM feed WHERE asset = 'A' ORDER BY ts DESC LIMIT 5",
    "SELECT * FROM bars('NONE', 'minute')",
    "SELECT * FROM bars('A', '90 parsecs')",
    "SELECT bars_import('tests/tmp/none.csv', 'C', 'minute')",
    "INSERT INTO bars(asset, timestep, ts, open, high, low, close) VALUES "
    "('A', 'minute', 1704292200, 2, 2, 2, 2)",
    "INSERT INTO bars(asset, timestep, ts, open, high, low, close) VALUES ('A', 'minute', 0, 2, 1, "
    "2, 2)",
    "CREATE VIEW set_mode AS SELECT known_at, asset, CASE WHEN sma(bars, 3) > sma(bars, 8) THEN "
    "1.0 "
    "ELSE -0.5 END AS target_weight FROM bars('A', 'minute')",
    "CREATE VIEW step_mode AS SELECT asset, CASE WHEN close > prev(bars, 3) THEN bt_param('n', 1) "
    "ELSE 0 END AS target_qty, 'tag' AS tag FROM (SELECT * FROM bars_asof('A', 'minute')), "
    "(SELECT 1)",
    "DROP VIEW step_mode",
    "CREATE VIEW step_mode AS SELECT asset, CASE WHEN close > sma('A', 'minute', 3) THEN "
    "bt_param('n', 1) ELSE 0 END AS target_qty, 'tag' AS tag FROM bars_asof('A', 'minute')",
    "SELECT bt_run('set_mode', '{\"cash\": 10000, \"commission\": 0.001, \"benchmark\": \"B\", "
    "\"benchmark_timestep\": \"minute\"}')",
    "SELECT count(*) FROM bt_audit('set_mode', '{\"end\": \"2024-01-03 17:00\"}', '{\"samples\": "
    "4}')",
    "CREATE VIEW leak AS SELECT known_at, asset, lead(ts) OVER (ORDER BY ts) AS qty, 'x' AS tag "
    "FROM bars('A', 'minute') ORDER BY close LIMIT 30",
    "SELECT change, known_at, field, value, value_then, clock FROM bt_audit('leak', NULL, "
    "'{\"at\": [\"2024-01-03 15:00\", 1704295000]}')",
    "SELECT count(*) FROM bt_audit('leak', NULL, '{\"samples\": 5}')",
    "SELECT bt_run('step_mode', '{\"cash\": 10000, \"params\": {\"n\": 3}, \"end\": \"2024-01-03 "
    "16:00\"}')",
    "CREATE VIEW resting AS SELECT known_at, asset, CASE WHEN n % 3 THEN 5 ELSE -5 END AS qty, "
    "'limit' AS order_type, close * CASE WHEN n % 3 THEN 0.999 ELSE 1.001 END AS limit_price, "
    "'gtd' AS tif, known_at + 600 AS expire_at, close * CASE WHEN n % 3 THEN 1.01 ELSE 0.99 "
    "END AS take_profit, 'group' AS oco, 't' || ts % 7 AS tag, CASE WHEN ts % 300 = 0 THEN '*' END "
    "AS cancel FROM (SELECT known_at, asset, ts, close, ts / 60 AS n FROM bars('A', 'minute'))",
    "CREATE VIEW resting_step AS SELECT asset, -1 AS qty, close * 0.99 AS stop_price, 's' || ts "
    "AS tag, CASE WHEN ts % 120 = 0 THEN 't' END AS \"replace\", 1 AS reduce_only FROM "
    "bars_asof('A', 'minute')",
    "SELECT bt_run('resting')",
    "CREATE VIEW rates AS SELECT 1704205800 AS known_at, 'A' AS asset, 'borrow' "
    "AS kind, 50 AS rate UNION ALL SELECT 1704205800, 'Z', 'funding', 0.1",
    "SELECT bt_run('set_mode', '{\"cash\": 10000, \"financing\": {\"rates\": \"rates\", "
    "\"funding_rate\": 0.001, \"funding_hours\": 0.25}}')",
    "SELECT run, kind, cost, n FROM bt_cost",
    "SELECT bt_run('resting_step', '{\"end\": \"2024-01-03 16:00\"}')",
    "SELECT bars_action('A', '2024-01-03 10:00', 'split', 1.5)",
    "SELECT bars_asset('A', 'kind', 'future')",
    "SELECT bars_asset('A', 'expiry', '2024-01-03 12:00')",
    "SELECT bars_asset('A', 'initial_margin', 10)",
    "SELECT bars_asset('B', 'currency', 'EUR')",
    "SELECT bt_run('set_mode', '{\"margin_call\": \"warn\"}')",
    "SELECT bars_asset('A', 'kind', NULL)",
    "SELECT bars_asset('A', 'expiry', NULL)",
    "SELECT bars_asset('A', 'initial_margin', NULL)",
    "SELECT bars_asset('B', 'currency', NULL)",
    "SELECT bars_action('A', 1704294600, 'dividend', 0.1)",
    "SELECT bt_run('set_mode', '{\"cash\": 10000, \"account\": \"cash\"}')",
    "SELECT count(*), total(amount) FROM bt_cash_flow",
    "SELECT bars_action('A', '2024-01-03 10:00', 'split', NULL)",
    "INSERT INTO bars(asset, timestep, ts, open, high, low, close) SELECT 'A', 'minute ask', ts, "
    "open + 1, high + 1, low + 1, close + 1 FROM bars('A', 'minute') WHERE ts % 420",
    "SELECT ts, bid_open, ask_close, mid FROM bars_quote('A', 'minute') WHERE ts % 7 = 0",
    "SELECT ask_high FROM bars_quote('A', '5 minutes') LIMIT 9",
    "SELECT bt_run('set_mode', '{\"cash\": 10000, \"mark\": \"exit\", \"timestep\": \"minute\"}')",
    "SELECT class, ts FROM bars_validate('A', 'minute ask', NULL, NULL, '{\"classes\": "
    "\"crossed\"}')",
    "SELECT bars_action('A', 1704294600, 'dividend', NULL)",
    "SELECT run, count(*), total(stop_price), count(DISTINCT reason) FROM bt_order GROUP BY run",
    "SELECT * FROM bt_ambiguous",
    "SELECT m_sharpe(close, 252, 'smart'), m_alpha(close, open, 252), m_cvar(close), "
    "m_max_drawdown_r(close - open) FROM bars('A', 'minute')",
    "SELECT total(v) FROM (SELECT m_tail_ratio(close, 0.1) OVER (ORDER BY ts ROWS 9 PRECEDING) "
    "AS v FROM bars('A', 'minute'))",
    "SELECT m_sharpe(close, 252, 'no') FROM bars('A', 'minute')",
    "SELECT count(function) FROM bars_metric",
    "SELECT bt_run('set_mode', '{\"benchmark\": \"NONE\"}')",
    "SELECT count(*), total(a), total(above) FROM bars_above('A', 'minute', 'sma:3', 'sma:9')",
    "SELECT asset, value, rank, ts, known_at FROM bars_across('minute', 'sma:3', '2024-01-03 "
    "15:10')",
    "SELECT asset, value FROM bars_across('5 minutes', 'ema:3') WHERE asset IN ('B', 'A') ORDER BY "
    "value DESC LIMIT 1",
    "CREATE VIEW across AS SELECT asset, CASE rank WHEN 1 THEN 0.5 ELSE 0 END AS target_weight, "
    "value || '' AS tag FROM bars_across('minute', 'sma:3@rsi:4') WHERE value IS NOT NULL",
    "SELECT bt_run('across', '{\"assets\": [\"A\", \"B\"], \"timestep\": \"minute\", \"every\": "
    "\"5 minutes\"}')",
    "SELECT ts, asset, qty, tag FROM bt_order WHERE run = (SELECT max(id) FROM bt_run)",
    "CREATE TABLE pred(ts, asset, p)",
    "INSERT INTO pred VALUES (1, 'A', 2.5), (2, 'B', NULL)",
    "CREATE VIEW helper AS SELECT count(*) AS n FROM pred",
    "CREATE VIEW again AS SELECT known_at, asset, above AS target_qty FROM bars_above('A', "
    "'minute', 'sma:3', 'sma:9') WHERE (SELECT n FROM helper) > 0",
    "SELECT bt_run('again', '{\"commission\": 0.002, \"tz\": \"America/New_York\"}')",
    "SELECT kind, name, value FROM bt_input WHERE run = (SELECT max(id) FROM bt_run)",
    "SELECT what, name, run, other FROM bt_diff((SELECT max(id) FROM bt_run))",
    "DROP VIEW again",
    "SELECT bt_rerun((SELECT max(id) FROM bt_run), '{\"cash\": 9000}')",
    "SELECT what, name, run, other FROM bt_diff((SELECT max(id) FROM bt_run))",
    "SELECT what, name, run, other FROM bt_diff((SELECT max(id) FROM bt_run), (SELECT max(id) - 1 "
    "FROM bt_run))",
    "SELECT bt_rerun(99)",
    "SELECT bt_check('{\"strategy\": \"set_mode\", \"execution\": {\"initial_capital\": \"x\", "
    "\"unitz\": 1}, \"risk_rules\": {\"stop_loss\": 5}, \"params\": {\"a\": [\"${NO_SUCH_X}\"]}}')",
    "SELECT bt_run_document('{\"name\": \"doc\", \"timestep\": \"minute\", \"assets\": [\"A\"], "
    "\"end\": \"2024-01-03 16:00\", \"data_sources\": {\"signals\": {\"path\": "
    "\"tests/fixtures/scores.csv\"}}, \"risk_rules\": {\"stop_loss\": 0.05}, \"params\": {\"p\": "
    "\"${PATH}\"}, \"strategy\": \"SELECT known_at, asset, score AS target_weight FROM feed\"}')",
    "SELECT bt_rerun((SELECT max(id) FROM bt_run))",
    "SELECT count(*) FROM bt_diff((SELECT max(id) FROM bt_run))",
    "SELECT bt_run('none')",
    "SELECT bt_run('set_mode', '{\"cahs\": 1}')",
    "SELECT id, mode, status, steps, value, commission FROM bt_run",
    "SELECT run, name, variant, value FROM bt_metric",
    "SELECT run, ts, value, cash, drawdown, exposed FROM bt_equity WHERE run = 2",
    "SELECT run, asset, qty, entry_price, exit_price, pnl, tag FROM bt_trade",
    "SELECT count(*), max(depth) FROM bt_drawdown",
    "SELECT * FROM bt_return_monthly",
    "SELECT * FROM bt_return_yearly",
    "SELECT m_sharpe(ret, 252) FROM bt_return_daily",
    "SELECT count(*) FROM bt_reject",
    "UPDATE bars SET close = 101.5, high = 104 WHERE asset = 'A' AND timestep = 'minute' "
    "AND ts = 1704292200 + 120",
    "DELETE FROM bars WHERE asset = 'A' AND timestep = 'minute' AND ts < 1704292200 + 300",
    "SELECT count(*), total(close), min(ts) FROM bars('A', 'minute')",
    "DELETE FROM bars WHERE asset = 'B' AND timestep = 'minute'",
    "SELECT count(*) FROM bars('B', 'minute')",
};

enum { STEPS = COUNT(scenario) };

/* What a statement gave: its rows (or its error) as text. */
typedef struct answer {
  int code; /* SQLITE_DONE, or the error */
  char error[200];
  char *rows; /* malloc */
  size_t n, cap;
} answer;

static inline void answer_add(answer *a, const char *text) {
  size_t n = strlen(text);
  if (a->n + n + 1 > a->cap) {
    a->cap = 2 * (a->n + n + 1);
    a->rows = realloc(a->rows, a->cap);
    assert_non_null(a->rows);
  }
  memcpy(a->rows + a->n, text, n + 1);
  a->n += n;
}

/* One value; false where SQLite had no memory to give its text. */
static inline bool answer_value(answer *a, sqlite3_stmt *st, int col) {
  char text[64] = "NULL";
  switch (sqlite3_column_type(st, col)) {
  case SQLITE_INTEGER:
    snprintf(text, sizeof text, "%lld", (long long)sqlite3_column_int64(st, col));
    break;
  case SQLITE_FLOAT: snprintf(text, sizeof text, "%.17g", sqlite3_column_double(st, col)); break;
  case SQLITE_TEXT: {
    const char *s = (const char *)sqlite3_column_text(st, col);
    if (!s) return false;
    answer_add(a, s);
    answer_add(a, "|");
    return true;
  }
  default: break;
  }
  answer_add(a, text);
  answer_add(a, "|");
  return true;
}

static inline answer ask(sqlite3 *db, const char *sql) {
  answer a = {0};
  sqlite3_stmt *st = NULL;
  answer_add(&a, "");
  a.code = sqlite3_prepare_v2(db, sql, -1, &st, NULL);
  if (a.code == SQLITE_OK) {
    while ((a.code = sqlite3_step(st)) == SQLITE_ROW) {
      for (int c = 0; c < sqlite3_column_count(st); c++) {
        if (!answer_value(&a, st, c)) a.code = SQLITE_NOMEM;
      }
      if (a.code == SQLITE_NOMEM) break;
      answer_add(&a, "\n");
    }
  }
  if (a.code != SQLITE_DONE) {
    snprintf(a.error, sizeof a.error, "%s", sqlite3_errmsg(db));
    if (sqlite3_extended_errcode(db) != SQLITE_OK && a.code != SQLITE_NOMEM) {
      a.code = sqlite3_extended_errcode(db);
    }
  }
  sqlite3_finalize(st);
  return a;
}

static inline void answer_free(answer *a) {
  free(a->rows);
  a->rows = NULL;
}

static inline bool same_answer(const answer *a, const answer *b) {
  return a->code == b->code && strcmp(a->rows, b->rows) == 0;
}

/* How much every table of ours holds; equal before and after means that nothing was written. */
static inline char *stored_state(sqlite3 *db) {
  static const char *const table[] = {
      "barsvt_asset",    "barsvt_series", "barsvt_hot", "barsvt_seg", "barsvt_stat",
      "barsvt_coverage", "barsvt_reject", "bt_run",     "bt_chunk",   "barsvt_action",
      "barsvt_property", "bt_position",   "bt_curve",   "bt_figure",  "bt_input"};
  answer all = ask(db, "SELECT type, name FROM sqlite_schema WHERE type = 'view' ORDER BY name");
  for (size_t i = 0; i < COUNT(table); i++) {
    char sql[200];
    snprintf(sql, sizeof sql, "SELECT count(*), total(length(quote(%s))) FROM %s",
             strcmp(table[i], "barsvt_hot") == 0 ? "close" : "rowid", table[i]);
    if (strcmp(table[i], "barsvt_hot") != 0 && strcmp(table[i], "barsvt_seg") != 0) {
      snprintf(sql, sizeof sql, "SELECT count(*) FROM %s", table[i]);
    }
    answer one = ask(db, sql);
    answer_add(&all, one.code == SQLITE_DONE ? one.rows : "-\n");
    answer_free(&one);
  }
  return all.rows;
}

/* Written whole and left there, since programs may run side by side. */
static inline void write_scenario_csv(void) {
  char path[64];
  mkdir("tests/tmp", 0777);
  snprintf(path, sizeof path, "tests/tmp/fault.%d", (int)getpid());
  FILE *f = fopen(path, "w");
  assert_non_null(f);
  fprintf(f, "Date,Open,High,Low,Close,Volume,VWAP\n");
  for (int i = 0; i < 90; i++) {
    fprintf(f, "2024-01-03 %02d:%02d,%d.5,%d.5,%d.25,%d,%d,%d.4\n", 14 + (i + 30) / 60,
            (i + 30) % 60, 50 + i % 9, 54 + i % 9, 48 + i % 9, 51 + i % 9, 100 + i, 51 + i % 9);
    if (i % 30 == 11) fprintf(f, "2024-01-03 14:00,x,1,1,1,1,1\n");
  }
  fclose(f);
  assert_int_equal(rename(path, SCENARIO_CSV), 0);
}

/* A run in which nothing fails: before step k stood state[k], and image[k] is the database itself. */
typedef struct expectation {
  answer step[STEPS];
  char *state[STEPS + 1];
  sqlite3 *image[STEPS];
} expectation;

static inline void copy_database(sqlite3 *from, sqlite3 *to) {
  sqlite3_backup *b = sqlite3_backup_init(to, "main", from, "main");
  assert_non_null(b);
  assert_int_equal(sqlite3_backup_step(b, -1), SQLITE_DONE);
  assert_int_equal(sqlite3_backup_finish(b), SQLITE_OK);
}

static inline void expectation_record(expectation *e) {
  sqlite3 *db = db_open(":memory:");
  for (int k = 0; k < (int)STEPS; k++) {
    e->state[k] = stored_state(db);
    assert_int_equal(sqlite3_open(":memory:", &e->image[k]), SQLITE_OK);
    copy_database(db, e->image[k]);
    e->step[k] = ask(db, scenario[k]);
  }
  e->state[STEPS] = stored_state(db);
  db_close(db);
}

static inline void expectation_free(expectation *e) {
  for (int k = 0; k < (int)STEPS; k++) {
    answer_free(&e->step[k]);
    free(e->state[k]);
    sqlite3_close(e->image[k]);
  }
  free(e->state[STEPS]);
}

/* A new connection to a copy of the database as it was before step k, with the settings and the clock of
** that moment. */
static inline sqlite3 *db_before(const expectation *e, int k) {
  sqlite3 *db = db_open(":memory:");
  copy_database(e->image[k], db);
  for (int i = 0; i < k; i++) {
    bool session = strncmp(scenario[i], "SELECT bars_config(", 19) == 0 ||
                   strncmp(scenario[i], "SELECT bars_clock(", 18) == 0;
    if (session) sql_ok(db, scenario[i]);
  }
  return db;
}

#endif
