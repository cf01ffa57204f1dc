/*
** test_run_memory.c - memory does not grow with the length of a run: eight times the steps, orders, fills and
** trades need no more of it, by the library's own accounting and, of a process of its own, by the kernel's.
*/
#include "data_help.h"

#include <sys/wait.h>

enum { SHORT = 80000, LONG = 8 * SHORT, SECONDS = 60, EACH = 10 };
#define BEGIN INT64_C(1600000020)

/* What may grow: some 40 bytes a day, a bit a step, and to their bounds the caches of decoded bars, 1 MB
** here, and SQLite's of pages, 2 MB by default.  A word for every step would be more than 4 MB. */
#define BOUND         (1200 * 1000)
#define PROCESS_BOUND (3500 * 1000)
/* Tags are dropped when there are more than 16,384; the longer run gives 64,000. */
#define TAGS_BOUND (BOUND + 16384 * 160)

/* Sanitizers keep what is freed for a while. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

static char path[64];

/* A file with bars at every minute, more than the longer run takes. */
static void make_bars(int64_t n) {
  sqlite3 *db = db_open(path);
  char *sql = sqlite3_mprintf(
      "WITH RECURSIVE c(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM c WHERE i < %lld)"
      " INSERT INTO bars(asset, timestep, ts, open, high, low, close, volume) SELECT 'A', 'minute',"
      " %lld + %d * i, 100 + i * 7919 %% 101 / 100.0, 102, 99, 100 + i * 7907 %% 97 / 100.0,"
      " 1000 FROM c",
      (long long)n - 1, (long long)BEGIN, SECONDS);
  sql_ok(db, "BEGIN");
  sql_ok(db, sql);
  sql_ok(db, "SELECT bars_compact()");
  sql_ok(db, "COMMIT");
  sqlite3_free(sql);
  db_close(db);
}

typedef struct trader {
  int64_t n;
  int asset;
  bool tags;
} trader;

static int at_step(void *ctx, barsvt_run *r, int64_t ts) {
  trader *t = ctx;
  (void)ts;
  if (t->n++ % EACH) return SQLITE_OK;
  char tag[32];
  snprintf(tag, sizeof tag, "step %lld", (long long)t->n);
  return barsvt_run_order_at(r, t->asset, BARSVT_TARGET_WEIGHT, (double)(t->n / EACH % 2),
                             t->tags ? tag : NULL, NULL);
}

/* The most memory a process had in use; 0 where the kernel does not say. */
static int64_t most_resident(void) {
  FILE *f = fopen("/proc/self/status", "r");
  char line[200];
  long long kb = 0;
  while (f && fgets(line, sizeof line, f) && sscanf(line, "VmHWM: %lld", &kb) != 1) continue;
  if (f) fclose(f);
  return kb * 1024;
}

/* How to run. */
typedef struct way {
  const char *name, *more; /* keys of the configuration */
  bool tags;
} way;

static const way ways[] = {
    {"plain", "", false},
    {"with a benchmark", ", \"benchmark\": \"A\"", false},
    {"in a zone", ", \"tz\": \"America/New_York\"", false},
    {"with checkpoints", ", \"checkpoint\": 1000", false},
    {"with a tag for each order", "", true},
    {"with tags and checkpoints", ", \"checkpoint\": 3000", true},
};

/* Run over the first n bars; the most memory that took, of the library and of the process. */
typedef struct peaks {
  int64_t own, resident;
} peaks;

static peaks run(int64_t n, const way *w) {
  sqlite3 *db = db_open(path);
  barsvt_run *r;
  char *why = NULL, config[200];
  trader t = {.tags = w->tags};
  snprintf(config, sizeof config,
           "{\"assets\": \"A\", \"timestep\": \"minute\", \"commission\": 0.0001, \"end\": %lld%s}",
           (long long)(BEGIN + n * SECONDS), w->more);
  if (barsvt_run_open(db, NULL, config, &r, &why) != SQLITE_OK) fail_msg("%s", why);
  t.asset = barsvt_run_find(r, "A");
  if (barsvt_run_each(r, at_step, &t, &why) != SQLITE_DONE) fail_msg("%s", why);
  if (barsvt_run_close(r, 0, &why) != SQLITE_OK) fail_msg("%s", why);
  const peaks p = {bv_mem_peak(), most_resident()};
  char *got = sql_text(db, "SELECT steps FROM bt_run ORDER BY id DESC");
  assert_int_equal(atoll(got), n);
  sqlite3_free(got);
  got = sql_text(db, "SELECT count(*) FROM bt_lot WHERE run = (SELECT max(id) FROM bt_run)");
  assert_in_range(atoll(got), n / EACH / 2 - 1, n / EACH / 2 + 1);
  sqlite3_free(got);
  db_close(db);
  return p;
}

static int64_t peak_of(int64_t n, const way *w) {
  bv_mem_peak_reset();
  return run(n, w).own;
}

static void by_our_own_accounts(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(ways); i++) {
    const int64_t few = peak_of(SHORT, &ways[i]), many = peak_of(LONG, &ways[i]);
    print_message("%s: %lld bytes for %d steps, %lld for %d\n", ways[i].name, (long long)few, SHORT,
                  (long long)many, LONG);
    const int64_t bound = ways[i].tags ? TAGS_BOUND : BOUND;
    if (many - few > bound) fail_msg("%s: more than %d", ways[i].name, (int)bound);
  }
}

static int64_t resident_of(int64_t n, const way *w) {
  int64_t used = 0;
  int to[2];
  assert_int_equal(pipe(to), 0);
  const pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    used = run(n, w).resident;
    _exit(write(to[1], &used, sizeof used) == sizeof used ? 0 : 1);
  }
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
  assert_int_equal(read(to[0], &used, sizeof used), (ssize_t)sizeof used);
  close(to[0]);
  close(to[1]);
  return used;
}

/* SQLite keeps 2 MB of pages by default, and the heap has gaps. */
static void by_the_kernels(void **state) {
  (void)state;
  if (most_resident() == 0 || SANITIZED) skip();
  const int64_t few = resident_of(SHORT, &ways[0]), many = resident_of(LONG, &ways[0]);
  print_message("%lld bytes for %d steps, %lld for %d\n", (long long)few, SHORT, (long long)many,
                LONG);
  if (many - few > PROCESS_BOUND) fail_msg("more than %d", PROCESS_BOUND);
}

static int setup(void **state) {
  (void)state;
  db_file_name("run-memory", path, sizeof path);
  make_bars(LONG + 1000);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  db_file_remove(path);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(by_the_kernels),
      cmocka_unit_test(by_our_own_accounts),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
