/*
** main.c - the program `backtest`: run a strategy from a file over a database of bars.
*/
#define _POSIX_C_SOURCE 200809L
#include "barsvt.h"
#include "cli/options.h"
#include "cli/print.h"

#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Exit codes; --help lists them. */
enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_DIFFERS = 3, EXIT_STOPPED = 130 };

static sqlite3 *running; /* for the signal handler */
static volatile sig_atomic_t stopped;

static void on_signal(int sig) {
  (void)sig;
  stopped = 1;
  if (running) sqlite3_interrupt(running);
}

static int complain(sqlite3 *db, char *text) {
  fprintf(stderr, "backtest: %s\n", text ? text : db ? sqlite3_errmsg(db) : "out of memory");
  sqlite3_free(text);
  return EXIT_FAILED;
}

/* Say how far a run was committed; 0 where nothing of it was. */
static int tell_kept(sqlite3 *db, int64_t id) {
  sqlite3_stmt *st;
  int kept = 0;
  if (!id || sqlite3_prepare_v2(db, "SELECT steps FROM bt_checkpoint WHERE run = ?1", -1, &st,
                                NULL) != SQLITE_OK) {
    return 0;
  }
  sqlite3_bind_int64(st, 1, id);
  if (sqlite3_step(st) == SQLITE_ROW) {
    kept = 1;
    fprintf(
        stderr,
        "backtest: run %lld is kept up to step %lld; to go on: backtest resume %lld --db FILE\n",
        (long long)id, (long long)sqlite3_column_int64(st, 0), (long long)id);
  }
  sqlite3_finalize(st);
  return kept;
}

static int complain_stopped(sqlite3 *db, int64_t id, char *text) {
  if (!tell_kept(db, id)) fprintf(stderr, "backtest: stopped; nothing of this run was kept\n");
  sqlite3_free(text);
  return EXIT_STOPPED;
}

static double seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* One line on a terminal, rewritten ten times a second. */
typedef struct progress {
  int on;
  double began, shown;
  long long steps;
} progress;

static void show(progress *p, const barsvt_run *r, int64_t ts, int last) {
  double now = seconds();
  if (!p->on || (!last && (p->steps % 256 != 0 || now - p->shown < 0.1))) return;
  char day[32];
  time_t t = (time_t)ts;
  struct tm tm;
  gmtime_r(&t, &tm);
  strftime(day, sizeof day, "%Y-%m-%d", &tm);
  fprintf(stderr, "\r%s  %lld steps  %.0f steps/s  value %.2f   ", day, p->steps,
          (double)p->steps / (now - p->began + 1e-9), barsvt_run_value(r));
  if (last) fputc('\n', stderr);
  p->shown = now;
}

static int step_all(sqlite3 *db, const cli_options *o, const char *strategy, const char *config,
                    int64_t *id) {
  barsvt_run *r;
  char *text = NULL;
  int64_t ts = 0;
  progress p = {.on = !o->quiet && isatty(STDERR_FILENO), .began = seconds()};
  int code = barsvt_run_open(db, strategy, config, &r, &text);
  if (code != SQLITE_OK) return stopped ? complain_stopped(db, 0, text) : complain(db, text);
  while (!stopped && (code = barsvt_run_step(r, &ts, &text)) == SQLITE_ROW) {
    p.steps++;
    show(&p, r, ts, 0);
  }
  if (!stopped && code == SQLITE_DONE) show(&p, r, ts, 1);
  *id = barsvt_run_id(r);
  int halted = stopped && code != SQLITE_DONE; /* read once: it may change at any time */
  int discard = halted || code != SQLITE_DONE;
  char *close_text = NULL;
  int closed = barsvt_run_close(r, 0, &close_text);
  if (halted && p.on) fputc('\n', stderr); /* after the progress line */
  if (halted) return complain_stopped(db, *id, text);
  if (!discard && closed == SQLITE_OK) return EXIT_DONE;
  if (!discard && stopped) return complain_stopped(db, *id, close_text);
  int result = complain(db, discard ? text : close_text);
  (void)tell_kept(db, *id);
  return result;
}

/* The first column of a statement's one row as a number. */
static int number(sqlite3 *db, const char *sql, const char *text, int64_t n, int64_t *out) {
  sqlite3_stmt *st;
  int code = sqlite3_prepare_v2(db, sql, -1, &st, NULL);
  if (code != SQLITE_OK) return complain(db, NULL);
  sqlite3_bind_text(st, 1, text, -1, SQLITE_STATIC);
  if (n) sqlite3_bind_int64(st, 2, n);
  code = sqlite3_step(st);
  if (code == SQLITE_ROW) *out = sqlite3_column_int64(st, 0);
  int result = code == SQLITE_ROW ? EXIT_DONE
               : stopped          ? complain_stopped(db, n, NULL)
                                  : complain(db, NULL);
  sqlite3_finalize(st);
  return result;
}

/* Rows of bt_check or bt_diff, a line each; *n: how many. */
static int list(sqlite3 *db, const char *sql, const char *text, int64_t a, int64_t b, int *n) {
  sqlite3_stmt *st;
  int code = sqlite3_prepare_v2(db, sql, -1, &st, NULL);
  *n = 0;
  if (code != SQLITE_OK) return complain(db, NULL);
  if (text) sqlite3_bind_text(st, 1, text, -1, SQLITE_STATIC);
  if (a) sqlite3_bind_int64(st, 1, a);
  if (b) sqlite3_bind_int64(st, 2, b);
  while ((code = sqlite3_step(st)) == SQLITE_ROW) {
    printf("%s\n", (const char *)sqlite3_column_text(st, 0));
    ++*n;
  }
  int result = code == SQLITE_DONE ? EXIT_DONE : complain(db, NULL);
  sqlite3_finalize(st);
  return result;
}

static int check(sqlite3 *db, const cli_options *o, const char *document) {
  int n, result = list(db,
                       "SELECT value ->> 'path' || ': ' || (value ->> 'message') FROM"
                       " json_each(bt_check(?1))",
                       document, 0, 0, &n);
  if (result == EXIT_DONE && n == 0 && !o->quiet) printf("%s: nothing wrong\n", o->strategy);
  return result == EXIT_DONE && n > 0 ? EXIT_FAILED : result;
}

#define DIFFERENCE                                                                                 \
  "SELECT what || rtrim(' ' || name) || ': ' || coalesce(run, 'none') || ' -> ' ||"                \
  " coalesce(other, 'none') FROM "

static int rerun(sqlite3 *db, const cli_options *o, const char *overrides, int64_t *id) {
  int64_t old = strtoll(o->strategy, NULL, 10);
  int n, changed, result = list(db, DIFFERENCE "bt_diff(?1)", NULL, old, 0, &changed);
  if (result != EXIT_DONE) return result;
  result = number(db, "SELECT bt_rerun(?2, ?1)", overrides, old, id);
  if (result != EXIT_DONE) return result;
  result = list(db, DIFFERENCE "bt_diff(?1, ?2) WHERE what IN ('result', 'config', 'knob')", NULL,
                old, *id, &n);
  if (result != EXIT_DONE) return result;
  if (!o->quiet) {
    printf("run %lld repeats run %lld%s\n\n", (long long)*id, (long long)old,
           n ? " with the differences above" : " to the bit");
  }
  return n ? EXIT_DIFFERS : EXIT_DONE;
}

/* What the command says, on an open database. */
static int perform(sqlite3 *db, const cli_options *o, int64_t *id) {
  char *text = NULL, *strategy = NULL, *config = NULL;
  const int by_number = o->command == CLI_DO_RERUN || o->command == CLI_DO_RESUME;
  int result, document = !by_number && cli_is_document(o);
  int failed = document    ? cli_load_document(db, o, &config, &text)
               : by_number ? cli_load_config(db, o, &config, &text)
                           : cli_load_strategy(db, o, &strategy, &text) ||
                                 cli_load_config(db, o, &config, &text);
  if (failed) {
    result = stopped ? complain_stopped(db, 0, text) : complain(db, text);
  } else if (o->command == CLI_DO_CHECK) {
    result = check(db, o, config);
  } else if (o->command == CLI_DO_RESUME) {
    result = number(db, "SELECT bt_resume(?2)", NULL, strtoll(o->strategy, NULL, 10), id);
  } else if (o->command == CLI_DO_RERUN) {
    result = rerun(db, o, config, id);
  } else if (document) {
    result = number(db, "SELECT bt_run_document(?1)", config, 0, id);
  } else {
    result = step_all(db, o, strategy, config, id);
  }
  sqlite3_free(strategy);
  sqlite3_free(config);
  return result;
}

static int run(const cli_options *o) {
  sqlite3 *db = NULL;
  char *text = NULL;
  int64_t id = 0;
  int result = EXIT_FAILED;
  /* A document may bring its own data, and a check needs none. */
  int make = o->command != CLI_DO_RERUN && o->command != CLI_DO_RESUME && cli_is_document(o)
                 ? SQLITE_OPEN_CREATE
                 : 0;
  const char *file = o->db ? o->db : ":memory:";
  if (sqlite3_open_v2(file, &db, SQLITE_OPEN_READWRITE | make, NULL) != SQLITE_OK) {
    fprintf(stderr, "backtest: cannot open database '%s': %s\n", file, sqlite3_errmsg(db));
    goto done;
  }
  running = db;
  sqlite3_busy_timeout(db, 5000);
  int code = sqlite3_barsvt_init(db, &text, NULL);
  if (code != SQLITE_OK && code != SQLITE_OK_LOAD_PERMANENTLY) {
    complain(db, text);
    goto done;
  }
  result = perform(db, o, &id);
  if ((result == EXIT_DONE || result == EXIT_DIFFERS) && id && !o->quiet &&
      cli_summary(db, id, stdout) != SQLITE_OK) {
    result = complain(db, NULL);
  }
done:
  running = NULL;
  sqlite3_close(db);
  return result;
}

int main(int argc, char **argv) {
  cli_options o;
  switch (cli_parse(argc, argv, &o)) {
  case CLI_RUN: break;
  case CLI_HELP: cli_help(stdout); return EXIT_DONE;
  case CLI_VERSION: printf("backtest %s\n", barsvt_version()); return EXIT_DONE;
  default: return EXIT_USAGE;
  }
  struct sigaction act = {.sa_handler = on_signal};
  sigaction(SIGINT, &act, NULL);
  sigaction(SIGTERM, &act, NULL);
  return run(&o);
}
