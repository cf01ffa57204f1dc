/*
** duckdb.c - one statement in DuckDB; see duckdb.h.
**
** The prototypes below are those of DuckDB's C interface as its documentation gives them; the result
** struct has the size it has had since 0.3, of which only the error is asked for, by a call.
*/
#include "data/duckdb.h"

#include <assert.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SQL_MAX  ((size_t)1 << 20)
#define WHY_SIZE 300
#define NPM_PATH "./node_modules/@duckdb/node-bindings-linux-x64/libduckdb.so"
#define INSTALL  "npm install @duckdb/node-bindings-linux-x64"
#define SETTINGS                                                                                   \
  "SET memory_limit = '1GB'; SET temp_directory = ''; SET autoinstall_known_extensions = false; "

typedef struct duckdb_result {
  uint64_t old_columns, old_rows, old_changed;
  void *old_column;
  char *old_error;
  void *internal;
} duckdb_result;

typedef struct interface {
  int (*open)(const char *path, void **db);
  int (*connect)(void *db, void **connection);
  int (*query)(void *connection, const char *sql, duckdb_result *out);
  const char *(*error)(duckdb_result *result);
  void (*destroy)(duckdb_result *result);
  void (*disconnect)(void **connection);
  void (*close)(void **db);
  void (*interrupt)(void *connection);
} interface;

extern char **environ;

struct bv_duckdb {
  bv_duckdb_way way;
  int fd;    /* our end of the pipe; -1: closed */
  bool over; /* it has ended, and `failed` and `why` say how */
  bool failed;
  char why[WHY_SIZE];
  char *sql;
  /* the library */
  bool in_thread;
  interface api;
  pthread_t thread;
  pthread_mutex_t lock; /* of connection */
  void *connection;
  int other; /* DuckDB's end of the pipe, closed by the thread */
  /* the program */
  pid_t child;
  FILE *stderr_file;
};

static bv_rc no_memory(bv_err *err) {
  return bv_fail(err, BV_NOMEM, "out of memory while using DuckDB");
}

/* The first line of a text, made printable. */
static void set_why(bv_duckdb *d, const char *text) {
  size_t n = 0;
  if (!text || !text[0]) text = "no reason is given";
  for (; text[n] && text[n] != '\n' && n < WHY_SIZE - 1; n++) {
    d->why[n] = (unsigned char)text[n] < 0x20 ? ' ' : text[n];
  }
  d->why[n] = 0;
  d->failed = true;
}

/* ---- finding it ---------------------------------------------------------------------------- */

static bool has_all(void *lib, interface *api) {
  static const char *const name[] = {
      "duckdb_open",           "duckdb_connect",    "duckdb_query", "duckdb_result_error",
      "duckdb_destroy_result", "duckdb_disconnect", "duckdb_close", "duckdb_interrupt"};
  void *found[sizeof name / sizeof *name];
  for (size_t i = 0; i < sizeof name / sizeof *name; i++) {
    found[i] = dlsym(lib, name[i]);
    if (!found[i]) return false;
  }
  /* ISO C has no cast from an object's pointer to a function's; POSIX has the same bits for both. */
  _Static_assert(sizeof *api == sizeof found, "one pointer for each name");
  memcpy(api, found, sizeof found);
  return true;
}

static bool is_library(const char *path) {
  const char *base = strrchr(path, '/');
  return strstr(base ? base : path, ".so") != NULL;
}

static bool load(const char *path, interface *api) {
  void *lib = dlopen(path, RTLD_NOW | RTLD_LOCAL); /* stays: its threads may outlive any call */
  return lib && has_all(lib, api);
}

/* Where DuckDB is: *program is NULL for a library. */
static bv_rc find(interface *api, const char **program, bv_err *err) {
  const char *asked = getenv("BARSVT_DUCKDB");
  *program = NULL;
  if (asked && asked[0] && !is_library(asked)) {
    *program = asked;
    return BV_OK;
  }
  if (asked && asked[0]) {
    if (load(asked, api)) return BV_OK;
    const char *why = dlerror();
    return bv_fail(err, BV_NOTFOUND,
                   "BARSVT_DUCKDB names no DuckDB library (%.200s); get it by: %s",
                   why ? why : asked, INSTALL);
  }
  if (!load(NPM_PATH, api) && !load("libduckdb.so", api)) *program = "duckdb";
  return BV_OK;
}

/* ---- the library --------------------------------------------------------------------------- */

static void run_query(bv_duckdb *d) {
  duckdb_result result = {0};
  void *db = NULL, *connection = NULL;
  if (d->api.open(NULL, &db) != 0 || d->api.connect(db, &connection) != 0) {
    set_why(d, "it cannot make a database in memory");
  } else {
    pthread_mutex_lock(&d->lock);
    d->connection = connection;
    pthread_mutex_unlock(&d->lock);
    if (d->api.query(connection, d->sql, &result) != 0) set_why(d, d->api.error(&result));
    d->api.destroy(&result);
    pthread_mutex_lock(&d->lock);
    d->connection = NULL;
    pthread_mutex_unlock(&d->lock);
  }
  if (connection) d->api.disconnect(&connection);
  if (db) d->api.close(&db);
}

static void *thread_main(void *ctx) {
  bv_duckdb *d = ctx;
  run_query(d);
  close(d->other); /* now the other side sees the end */
  return NULL;
}

/* DuckDB's own threads inherit the mask: a broken pipe shall be an error, not a signal. */
static bv_rc start_thread(bv_duckdb *d, bv_err *err) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_mutex_init(&d->lock, NULL);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int code = pthread_create(&d->thread, NULL, thread_main, d);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  d->in_thread = code == 0;
  if (code != 0) {
    close(d->other);
    return bv_fail(err, BV_IO, "DuckDB: no thread can be started: %s", strerror(code));
  }
  return BV_OK;
}

/* ---- the program --------------------------------------------------------------------------- */

static bv_rc start_child(bv_duckdb *d, const char *program, bv_err *err) {
  posix_spawn_file_actions_t act;
  char *const argv[] = {(char *)program, "-batch", "-bail", "-init",
                        "/dev/null",     "-c",     d->sql,  NULL};
  d->stderr_file = tmpfile();
  if (!d->stderr_file) {
    close(d->other);
    return bv_fail(err, BV_IO, "DuckDB: no temporary file: %s", strerror(errno));
  }
  posix_spawn_file_actions_init(&act);
  posix_spawn_file_actions_adddup2(&act, d->other, d->way == BV_DUCKDB_READ ? 1 : 0);
  posix_spawn_file_actions_addopen(&act, d->way == BV_DUCKDB_READ ? 0 : 1, "/dev/null", O_RDWR, 0);
  posix_spawn_file_actions_adddup2(&act, fileno(d->stderr_file), 2);
  int code = posix_spawnp(&d->child, program, &act, NULL, argv, environ);
  posix_spawn_file_actions_destroy(&act);
  close(d->other);
  if (code == 0) return BV_OK;
  d->child = 0;
  return bv_fail(
      err, BV_NOTFOUND,
      "DuckDB is needed for Parquet files and was not found (neither libduckdb.so nor the "
      "program %.100s: %s); get it by: %s, or name it in the environment as BARSVT_DUCKDB",
      program, strerror(code), INSTALL);
}

static void reap(bv_duckdb *d) {
  int status = 0;
  while (waitpid(d->child, &status, 0) < 0 && errno == EINTR) {
  }
  d->child = 0;
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return;
  char text[WHY_SIZE] = "";
  rewind(d->stderr_file);
  do { /* the reason may follow an empty line */
    if (!fgets(text, sizeof text, d->stderr_file)) text[0] = 0;
  } while (text[0] == '\n');
  set_why(d, text);
}

/* ---- both ---------------------------------------------------------------------------------- */

static void close_pipe(bv_duckdb *d) {
  if (d->fd >= 0) close(d->fd);
  d->fd = -1;
}

static void wait_for_end(bv_duckdb *d) {
  if (d->over) return;
  if (d->in_thread) {
    pthread_join(d->thread, NULL);
    pthread_mutex_destroy(&d->lock);
    d->in_thread = false;
  }
  if (d->child) reap(d);
  d->over = true;
}

static bv_rc outcome(bv_duckdb *d, bv_err *err) {
  close_pipe(d);
  wait_for_end(d);
  return d->failed ? bv_fail(err, BV_IO, "DuckDB: %s", d->why) : BV_OK;
}

static bv_rc make_pipe(bv_duckdb *d, bv_err *err) {
  int end[2];
  if (pipe(end) != 0) return bv_fail(err, BV_IO, "DuckDB: no pipe: %s", strerror(errno));
  for (int i = 0; i < 2; i++) fcntl(end[i], F_SETFD, FD_CLOEXEC);
  d->fd = end[d->way == BV_DUCKDB_READ ? 0 : 1];
  d->other = end[d->way == BV_DUCKDB_READ ? 1 : 0];
  return BV_OK;
}

static bv_rc make_sql(bv_duckdb *d, const char *head, const char *tail, bool child, bv_err *err) {
  bv_buf b;
  char fd_path[32];
  snprintf(fd_path, sizeof fd_path, "/dev/fd/%d", d->other);
  const char *std_path = d->way == BV_DUCKDB_READ ? "/dev/stdout" : "/dev/stdin";
  bv_buf_init(&b, BV_MEM_IMPORT, SQL_MAX);
  bv_rc rc = bv_buf_adds(&b, SETTINGS);
  if (rc == BV_OK) rc = bv_buf_adds(&b, head);
  if (rc == BV_OK) rc = bv_duckdb_quote(&b, '\'', child ? std_path : fd_path);
  if (rc == BV_OK) rc = bv_buf_adds(&b, tail);
  if (rc == BV_OK) d->sql = bv_strdup(BV_MEM_IMPORT, bv_buf_text(&b));
  bv_buf_reset(&b);
  if (rc == BV_LIMIT) return bv_fail(err, rc, "DuckDB: the table has too many columns");
  return rc == BV_OK && d->sql ? BV_OK : no_memory(err);
}

bv_rc bv_duckdb_start(bv_duckdb_way way, const char *head, const char *tail, bv_duckdb **out,
                      bv_err *err) {
  const char *program;
  *out = NULL;
  bv_duckdb *d = bv_alloc0(BV_MEM_IMPORT, sizeof *d);
  if (!d) return no_memory(err);
  d->way = way;
  d->fd = -1;
  bv_rc rc = find(&d->api, &program, err);
  if (rc == BV_OK) rc = make_pipe(d, err);
  if (rc == BV_OK) {
    rc = make_sql(d, head, tail, program != NULL, err);
    if (rc != BV_OK) close(d->other);
  }
  if (rc == BV_OK) rc = program ? start_child(d, program, err) : start_thread(d, err);
  if (rc != BV_OK) {
    bv_duckdb_close(d);
    return rc;
  }
  *out = d;
  return BV_OK;
}

bv_rc bv_duckdb_read(bv_duckdb *d, void *p, size_t cap, size_t *n, bv_err *err) {
  assert(d->way == BV_DUCKDB_READ && cap > 0);
  *n = 0;
  ssize_t got = 0;
  if (d->fd >= 0) {
    do {
      got = read(d->fd, p, cap);
    } while (got < 0 && errno == EINTR);
  }
  if (got < 0) return bv_fail(err, BV_IO, "DuckDB: %s", strerror(errno));
  *n = (size_t)got;
  return got > 0 ? BV_OK : outcome(d, err);
}

/* write() without SIGPIPE: one that it raises is taken away before the mask is set back. */
static ssize_t write_quietly(int fd, const void *p, size_t n) {
  sigset_t broken, pending, before;
  const struct timespec now = {0, 0};
  sigemptyset(&broken);
  sigaddset(&broken, SIGPIPE);
  sigpending(&pending);
  pthread_sigmask(SIG_BLOCK, &broken, &before);
  ssize_t put = write(fd, p, n);
  int why = errno;
  if (put < 0 && why == EPIPE && !sigismember(&pending, SIGPIPE)) {
    while (sigtimedwait(&broken, NULL, &now) < 0 && errno == EINTR) {
    }
  }
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  errno = why;
  return put;
}

bv_rc bv_duckdb_write(bv_duckdb *d, const void *p, size_t n, bv_err *err) {
  assert(d->way == BV_DUCKDB_WRITE);
  for (size_t done = 0; done < n;) {
    ssize_t put = write_quietly(d->fd, (const char *)p + done, n - done);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) { /* it has stopped reading; why, it knows itself */
      BV_TRY(outcome(d, err));
      return bv_fail(err, BV_IO, "DuckDB: it ended before it had read everything");
    }
    done += (size_t)put;
  }
  return BV_OK;
}

bv_rc bv_duckdb_finish(bv_duckdb *d, bv_err *err) {
  return outcome(d, err);
}

void bv_duckdb_close(bv_duckdb *d) {
  if (!d) return;
  close_pipe(d);
  if (d->in_thread) {
    pthread_mutex_lock(&d->lock);
    if (d->connection) d->api.interrupt(d->connection);
    pthread_mutex_unlock(&d->lock);
  }
  if (d->child) kill(d->child, SIGTERM);
  wait_for_end(d);
  if (d->stderr_file) fclose(d->stderr_file);
  bv_free(d->sql);
  bv_free(d);
}

bv_rc bv_duckdb_quote(bv_buf *b, char q, const char *text) {
  BV_TRY(bv_buf_add(b, &q, 1));
  for (; *text; text++) {
    if (*text == q) BV_TRY(bv_buf_add(b, &q, 1));
    BV_TRY(bv_buf_add(b, text, 1));
  }
  return bv_buf_add(b, &q, 1);
}

bv_rc bv_duckdb_quote_path(bv_buf *b, const char *path) {
  BV_TRY(bv_buf_adds(b, "'"));
  for (; *path; path++) {
    bool special = *path == '*' || *path == '?' || *path == '[';
    if (special) {
      BV_TRY(bv_buf_addf(b, "[%c]", *path));
    } else {
      BV_TRY(bv_buf_add(b, path, 1));
      if (*path == '\'') BV_TRY(bv_buf_adds(b, "'"));
    }
  }
  return bv_buf_adds(b, "'");
}
