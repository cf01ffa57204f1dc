/*
** bench_portfolio.c - W6 over many assets, everything stored: 250 assets by the day, the 25 with the highest
** score long and the 25 with the lowest short at 100 units; and (scale M) 250 symbols by the minute, the 25
** with the largest return over 390 minutes at equal weights, chosen at every full hour, marked every minute.
**
** "callback": a C program drives the run and gives the orders.  "sql": a view does.
*/
#include "bench.h"

enum { ASSETS = 250, DAYS = 5040, HELD = 25 };

static char name[ASSETS][8];

static void check(int code, char *error) {
  if (code == SQLITE_OK || code == SQLITE_ROW || code == SQLITE_DONE) return;
  fprintf(stderr, "bench: %s\n", error ? error : "error");
  exit(1);
}

static char *config_text(const char *timestep, const char *rest) {
  static char text[ASSETS * 10 + 400];
  size_t n = (size_t)snprintf(text, sizeof text, "{%s, \"timestep\": \"%s\", \"assets\": [", rest,
                              timestep);
  for (int i = 0; i < ASSETS; i++) {
    n += (size_t)snprintf(text + n, sizeof text - n, "%s\"%s\"", i ? "," : "", name[i]);
  }
  snprintf(text + n, sizeof text - n, "]}");
  return text;
}

/* The value of the account at the end, after undoing all that the run stored. */
static double close_run(sqlite3 *db, barsvt_run *run) {
  char *error = NULL;
  double value = barsvt_run_value(run);
  check(barsvt_run_close(run, 0, &error), error);
  bench_exec(db, "ROLLBACK TO bench; RELEASE bench");
  return value;
}

/* --- by the day --- */

/* Scores of the day as ranks: picked[i] is 1, -1 or 0. */
static void pick_daily(uint64_t *seed, int *picked) {
  uint64_t score[ASSETS];
  int order[ASSETS];
  for (int i = 0; i < ASSETS; i++) {
    score[i] = bench_random(seed);
    int k = i;
    for (; k > 0 && score[order[k - 1]] > score[i]; k--) order[k] = order[k - 1];
    order[k] = i;
  }
  memset(picked, 0, ASSETS * sizeof *picked);
  for (int k = 0; k < HELD; k++) {
    picked[order[k]] = -1;
    picked[order[ASSETS - 1 - k]] = 1;
  }
}

static void make_daily(sqlite3 *db) {
  uint64_t seed = 7;
  sqlite3_stmt *st =
      bench_prepare(db, "INSERT INTO bars(asset, timestep, ts, open, high, low, close, volume)"
                        " VALUES (?1, 'day', ?2, ?3, ?4, ?5, ?6, 1000)");
  bench_exec(db, "BEGIN");
  for (int i = 0; i < ASSETS; i++) {
    long px = 10000;
    sqlite3_bind_text(st, 1, name[i], -1, SQLITE_STATIC);
    for (int d = 0; d < DAYS; d++) {
      long o = px + (long)(bench_random(&seed) % 101) - 50,
           c = o + (long)(bench_random(&seed) % 201) - 100;
      if (o < 2000) o = 2000;
      if (c < 2000) c = 2000;
      sqlite3_bind_int64(st, 2, 946684800 + (int64_t)d * 86400);
      sqlite3_bind_double(st, 3, (double)o / 100);
      sqlite3_bind_double(st, 4,
                          (double)((o > c ? o : c) + (long)(bench_random(&seed) % 50)) / 100);
      sqlite3_bind_double(st, 5,
                          (double)((o < c ? o : c) - (long)(bench_random(&seed) % 50)) / 100);
      sqlite3_bind_double(st, 6, (double)c / 100);
      if (sqlite3_step(st) != SQLITE_DONE) bench_die(db, "bars");
      sqlite3_reset(st);
      px = c;
    }
  }
  sqlite3_finalize(st);
  /* What changes, as rows for a view. */
  bench_exec(db, "CREATE TABLE signal(known_at INTEGER, asset TEXT, target_qty REAL)");
  st = bench_prepare(db, "INSERT INTO signal VALUES (?1, ?2, ?3)");
  int held[ASSETS] = {0}, picked[ASSETS];
  seed = 11;
  for (int d = 0; d < DAYS; d++) {
    pick_daily(&seed, picked);
    for (int i = 0; i < ASSETS; i++) {
      if (picked[i] == held[i]) continue;
      held[i] = picked[i];
      sqlite3_bind_int64(st, 1, 946684800 + (int64_t)(d + 1) * 86400);
      sqlite3_bind_text(st, 2, name[i], -1, SQLITE_STATIC);
      sqlite3_bind_double(st, 3, 100.0 * picked[i]);
      if (sqlite3_step(st) != SQLITE_DONE) bench_die(db, "signal");
      sqlite3_reset(st);
    }
  }
  sqlite3_finalize(st);
  bench_exec(db, "COMMIT");
}

static sqlite3 *open_daily(void) {
  char file[600];
  const char *dir = getenv("PERF_DATA");
  snprintf(file, sizeof file, "%s/barsvt-daily.db", dir ? dir : "bench/out");
  int there = access(file, R_OK) == 0;
  sqlite3 *db = bench_connect(file);
  if (!there) make_daily(db);
  return db;
}

static const char daily_rest[] = "\"cash\": 10000000, \"commission\": 0.0001";

static double daily_callback(sqlite3 *db) {
  barsvt_run *run;
  char *error = NULL;
  int held[ASSETS] = {0}, picked[ASSETS], code;
  uint64_t seed = 11;
  int64_t ts;
  bench_exec(db, "SAVEPOINT bench");
  check(barsvt_run_open(db, NULL, config_text("day", daily_rest), &run, &error), error);
  while ((code = barsvt_run_step(run, &ts, &error)) == SQLITE_ROW) {
    pick_daily(&seed, picked);
    for (int i = 0; i < ASSETS; i++) {
      if (picked[i] == held[i]) continue;
      held[i] = picked[i];
      check(barsvt_run_order(run, name[i], BARSVT_TARGET_QTY, 100.0 * picked[i], NULL, &error),
            error);
    }
  }
  check(code, error);
  return close_run(db, run);
}

static double daily_sql(sqlite3 *db) {
  char sql[sizeof name + ASSETS * 10 + 500];
  bench_exec(db, "SAVEPOINT bench");
  snprintf(sql, sizeof sql, "SELECT bt_run('signals', '%s')", config_text("day", daily_rest));
  double run = bench_value(db, sql);
  snprintf(sql, sizeof sql, "SELECT value FROM bt_run WHERE id = %.0f", run);
  double value = bench_value(db, sql);
  bench_exec(db, "ROLLBACK TO bench; RELEASE bench");
  return value;
}

static void by_day(void) {
  sqlite3 *db = open_daily();
  bench_first_run(db, "day");
  bench_exec(db, "CREATE TEMP VIEW signals AS SELECT * FROM signal");
  double rows = bench_value(db, "SELECT count(*) FROM signal");
  BENCH("W6", "daily_picking", rows, "", {
    uint64_t seed = 11;
    int picked[ASSETS];
    for (int d = 0; d < DAYS; d++) pick_daily(&seed, picked);
    check += picked[0];
  });
  BENCH("W6", "daily_callback", rows, "", check += daily_callback(db););
  BENCH("W6", "daily_sql", rows, "", check += daily_sql(db););
  sqlite3_close(db);
}

/* --- by the minute --- */

static const char minute_rest[] = "\"cash\": 1000000, \"commission\": 0.0001, \"units\": "
                                  "\"fractional\", \"size_at\": \"fill\", \"every\": \"hour\"";

/* Steps of a session of 390 minutes at which the run asks: the first bar's end, the last hour of the day before being
** over, and seven full hours.  So the eighth before is the same minute of the day before. */
enum { HOURS = 8 };

typedef struct momentum {
  double before[HOURS][ASSETS];
  int held[ASSETS];
  long k;
  char *error;
} momentum;

static int rebalance(void *ctx, barsvt_run *run, int64_t ts) {
  (void)ts;
  momentum *m = ctx;
  double *then = m->before[m->k++ % HOURS], now[ASSETS], ret[ASSETS];
  int top[HELD], n = 0, picked[ASSETS] = {0};
  barsvt_run_state(run, now, NULL);
  for (int i = 0; i < ASSETS; i++) {
    ret[i] = (now[i] / then[i] - 1) * 100; /* as roc() has it */
    then[i] = now[i];
    if (n == HELD && !(ret[i] > ret[top[HELD - 1]])) continue;
    int j = n < HELD ? n++ : HELD - 1;
    for (; j > 0 && ret[top[j - 1]] < ret[i]; j--) top[j] = top[j - 1];
    top[j] = i;
  }
  if (m->k <= HOURS) return 0;
  for (int j = 0; j < HELD; j++) picked[top[j]] = 1;
  for (int i = 0; i < ASSETS; i++) {
    if (!picked[i] && !m->held[i]) continue;
    m->held[i] = picked[i];
    double weight = picked[i] ? 1.0 / HELD : 0;
    check(barsvt_run_order_at(run, i, BARSVT_TARGET_WEIGHT, weight, NULL, &m->error), m->error);
  }
  return 0;
}

static double momentum_callback(sqlite3 *db) {
  static momentum m;
  barsvt_run *run;
  memset(&m, 0, sizeof m);
  bench_exec(db, "SAVEPOINT bench");
  check(barsvt_run_open(db, NULL, config_text("minute", minute_rest), &run, &m.error), m.error);
  check(barsvt_run_each(run, rebalance, &m, &m.error), m.error);
  return close_run(db, run);
}

/* The same by views in step mode. */
static void make_momentum(sqlite3 *db) {
  bench_exec(db, "CREATE TEMP TABLE universe(asset TEXT PRIMARY KEY) WITHOUT ROWID");
  for (int i = 0; i < ASSETS; i++) {
    char sql[80];
    snprintf(sql, sizeof sql, "INSERT INTO universe VALUES ('S%03d')", i);
    bench_exec(db, sql);
  }
  bench_exec(db, "CREATE TEMP VIEW best AS SELECT asset, 0.04 AS target_weight"
                 " FROM bars_across('minute', 'roc:390') WHERE value IS NOT NULL"
                 " ORDER BY value DESC, asset LIMIT 25;"
                 "CREATE TEMP VIEW everyone AS"
                 " SELECT asset, CASE WHEN rank <= 25 THEN 0.04 ELSE 0.0 END AS target_weight"
                 " FROM bars_across('minute', 'roc:390') WHERE value IS NOT NULL"
                 " ORDER BY value DESC, asset;"
                 "CREATE TEMP VIEW by_functions AS"
                 " SELECT asset, CASE WHEN place <= 25 THEN 0.04 ELSE 0.0 END AS target_weight FROM"
                 " (SELECT asset, row_number() OVER (ORDER BY change DESC, asset) AS place FROM"
                 " (SELECT asset, roc(asset, 'minute', 390) AS change FROM universe)"
                 " WHERE change IS NOT NULL)");
}

static double momentum_sql(sqlite3 *db, const char *view, const char *more) {
  char sql[ASSETS * 10 + 600], rest[sizeof minute_rest + 100];
  bench_exec(db, "SAVEPOINT bench");
  snprintf(rest, sizeof rest, "%s%s", minute_rest, more);
  snprintf(sql, sizeof sql, "SELECT bt_run('%s', '%s')", view, config_text("minute", rest));
  double run = bench_value(db, sql);
  snprintf(sql, sizeof sql, "SELECT value FROM bt_run WHERE id = %.0f", run);
  double value = bench_value(db, sql);
  bench_exec(db, "ROLLBACK TO bench; RELEASE bench");
  return value;
}

static void by_minute(void) {
  sqlite3 *db = bench_open();
  bench_first_run(db, "minute");
  make_momentum(db);
  double n = bench_value(db, "SELECT 24570000");
  BENCH("W6", "momentum_callback", n, "", check += momentum_callback(db););
  BENCH("W6", "momentum_sql", n, "",
        check += momentum_sql(db, "best", ", \"targets.unlisted\": \"close\""););
  BENCH("W6", "momentum_sql_all", n, "", check += momentum_sql(db, "everyone", ""););
  BENCH("W6", "momentum_sql_functions", n, "", check += momentum_sql(db, "by_functions", ""););
  sqlite3_close(db);
}

int main(void) {
  for (int i = 0; i < ASSETS; i++) snprintf(name[i], sizeof name[i], "S%03d", i);
  by_day();
  if (strcmp(bench_scale(), "M") == 0) by_minute();
  return 0;
}
