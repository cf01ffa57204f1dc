/*
** bench_partition.c - W9: ten years of minutes of 25 symbols, 24.6 million bars, in one file and in a file per month:
** one month read, all read, and the months moved out.
**
** Every run of a read is a connection of its own, from sqlite3_open to sqlite3_close.  "mb" is the size of the file
** that holds the newest bars, "files" how many partitions were opened.
*/
#include "bench.h"

#include <sys/stat.h>

enum { SYMBOLS = 25, YEARS = 10 };

/* The bars of one symbol, year after year, under 25 names. */
static void make_years(const char *file) {
  char csv[512], sql[700];
  bench_csv(csv);
  sqlite3 *db = bench_connect(":memory:");
  snprintf(sql, sizeof sql, "SELECT bars_import('%s', NULL, 'minute')", csv);
  bench_exec(db, sql);
  bench_exec(db, "BEGIN");
  for (int y = 1; y < YEARS; y++) {
    snprintf(sql, sizeof sql,
             "INSERT INTO bars(asset, timestep, ts, open, high, low, close, volume) SELECT 'S000', "
             "'minute', ts - %d * 52 * 7 * 86400, open, high, low, close, volume FROM bars('S000', "
             "'minute', '2024-01-02')",
             y);
    bench_exec(db, sql);
  }
  bench_exec(db, "COMMIT");
  bench_exec(db, "SELECT bars_export('bench/out/years.csv', 'S000', 'minute', NULL, NULL, "
                 "'{\"overwrite\": true}')");
  sqlite3_close(db);
  db = bench_connect(file);
  bench_exec(db, "BEGIN");
  for (int i = 0; i < SYMBOLS; i++) {
    snprintf(sql, sizeof sql, "SELECT bars_import('bench/out/years.csv', 'S%03d', 'minute')", i);
    bench_exec(db, sql);
  }
  bench_exec(db, "COMMIT");
  sqlite3_close(db);
  unlink("bench/out/years.csv");
}

static void read_all(const char *metric, const char *file, double n, const char *range) {
  double t[BENCH_MAX_REPS], check = 0, opened = 0;
  char sql[300], extra[80];
  struct stat st = {0};
  int reps = bench_reps();
  snprintf(sql, sizeof sql,
           "SELECT sum(s.volume) FROM barsvt_asset a, bars_summary s WHERE s.asset = a.asset AND "
           "s.timestep = 'minute'%s",
           range);
  for (int r = 0; r < reps; r++) {
    double began = bench_now();
    sqlite3 *db = bench_connect(file);
    check = bench_value(db, sql);
    snprintf(sql, sizeof sql,
             "SELECT sum(b.close) FROM barsvt_asset a, bars b WHERE b.asset = a.asset AND "
             "b.timestep = 'minute'%s",
             range);
    check += bench_value(db, sql);
    opened = bench_value(db, "SELECT value FROM bars_stat WHERE name = 'partition'");
    sqlite3_close(db);
    t[r] = bench_now() - began;
  }
  stat(file, &st);
  snprintf(extra, sizeof extra, "\"mb\":%.1f,\"files\":%.0f", (double)st.st_size / 1e6, opened);
  bench_print("W9", metric, n, t, reps, check, extra);
}

int main(void) {
  const char *one = "bench/out/years.db", *many = "bench/out/parts/years.db";
  const char *month = " AND start = '2019-03-01' AND \"end\" = '2019-04-01'";
  if (access(one, R_OK) != 0) make_years(one);
  sqlite3 *db = bench_connect(one);
  const double n = bench_value(db, "SELECT sum(bars) FROM bars_coverage"),
               in_month =
                   bench_value(db, "SELECT sum(s.bars) FROM barsvt_asset a, bars_summary s WHERE"
                                   " s.asset = a.asset AND s.timestep = 'minute' AND start ="
                                   " '2019-03-01' AND \"end\" = '2019-04-01'");
  if (system("rm -rf bench/out/parts && mkdir bench/out/parts") != 0) bench_die(NULL, "parts");
  bench_exec(db, "VACUUM INTO 'bench/out/parts/years.db'");
  sqlite3_close(db);
  db = bench_connect(many);
  double t = bench_now();
  const double moved = bench_value(db, "SELECT bars_partition('month') ->> '$.bars'");
  t = bench_now() - t;
  bench_exec(db, "VACUUM");
  sqlite3_close(db);
  bench_print("W9", "move_out", moved, &t, 1, moved, "");
  read_all("month_of_one_file", one, in_month, month);
  read_all("month_of_months", many, in_month, month);
  read_all("all_of_one_file", one, n, "");
  read_all("all_of_months", many, n, "");
  return 0;
}
