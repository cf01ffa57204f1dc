/* filelist.c - the files that a path, a directory or a pattern means; see filelist.h. */
#include "data/filelist.h"

#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FILES_MAX ((size_t)1000000)

static const char *const table_ending[] = {".csv", ".tsv",     ".tab", ".txt", ".dbn",
                                           ".zip", ".parquet", ".pq",  NULL};
static const char *const packed_ending[] = {".gz", ".zst", ".zstd", NULL};

static bool ends_in(const char *p, size_t n, const char *const *list, size_t *left) {
  for (; *list; list++) {
    size_t k = strlen(*list);
    if (n <= k || !bv_text_ieqn(p + n - k, k, *list)) continue;
    *left = n - k;
    return true;
  }
  return false;
}

static const char *base_name(const char *path, size_t *n) {
  const char *slash = strrchr(path, '/');
  const char *base = slash ? slash + 1 : path;
  *n = strlen(base);
  return base;
}

/* Length of the name without its endings; *bars: it had one of a table. */
static size_t stem(const char *p, size_t n, bool *bars) {
  size_t left = n;
  ends_in(p, n, packed_ending, &left);
  *bars = ends_in(p, left, table_ending, &left);
  return left;
}

bool bv_file_is_bars(const char *name) {
  size_t n;
  bool bars;
  const char *base = base_name(name, &n);
  stem(base, n, &bars);
  return bars;
}

size_t bv_file_symbol(const char *path, char *out, size_t cap) {
  size_t n;
  bool bars;
  const char *base = base_name(path, &n);
  n = stem(base, n, &bars);
  size_t put = n < cap - 1 ? n : cap - 1;
  memcpy(out, base, put);
  out[put] = 0;
  return n;
}

void bv_filelist_reset(bv_filelist *l) {
  for (size_t i = 0; i < l->n; i++) bv_free(l->path[i]);
  bv_free((void *)l->path);
  *l = (bv_filelist){0};
}

/* Takes the text over, also when this call fails. */
static bv_rc add(bv_filelist *l, char *path, bv_err *err) {
  bv_rc rc = path ? BV_OK : BV_NOMEM;
  if (rc == BV_OK && l->n == FILES_MAX) {
    rc = bv_fail(err, BV_LIMIT, "more than %zu files", FILES_MAX);
  }
  if (rc == BV_OK) rc = bv_room(BV_MEM_IMPORT, &l->path, (int64_t)l->n, sizeof *l->path);
  if (rc == BV_OK) {
    l->path[l->n++] = path;
  } else {
    bv_free(path);
  }
  return rc == BV_NOMEM ? bv_fail(err, rc, "out of memory") : rc;
}

static bool is_file(const char *path) {
  struct stat st;
  return stat(path, &st) == 0 && !S_ISDIR(st.st_mode);
}

static bv_rc add_entry(bv_filelist *l, const char *dir, const char *name, bv_err *err) {
  size_t n = strlen(dir);
  if (name[0] == '.') return BV_OK;
  char *path = bv_alloc(BV_MEM_IMPORT, n + strlen(name) + 2);
  if (!path) return bv_fail(err, BV_NOMEM, "out of memory");
  strcpy(path, dir);
  if (n && dir[n - 1] != '/') path[n++] = '/';
  strcpy(path + n, name);
  bool file = is_file(path);
  if (file && bv_file_is_bars(name)) return add(l, path, err);
  l->skipped += file;
  bv_free(path);
  return BV_OK;
}

static bv_rc read_directory(const char *path, bv_filelist *l, bv_err *err) {
  DIR *d = opendir(path);
  if (!d) {
    return bv_fail(err, BV_IO, "%s: cannot be opened: %s", path, strerror(errno));
  }
  bv_rc rc = BV_OK;
  struct dirent *e;
  errno = 0;
  while (rc == BV_OK && (e = readdir(d))) rc = add_entry(l, path, e->d_name, err);
  if (rc == BV_OK && errno) {
    rc = bv_fail(err, BV_IO, "%s: cannot be read: %s", path, strerror(errno));
  }
  closedir(d);
  if (rc == BV_OK && l->n == 0) {
    rc = bv_fail(err, BV_NOTFOUND,
                 "%s: no file in this directory ends in .csv, .tsv, .tab, .txt, .dbn, "
                 ".zip, .parquet or .pq (or that with .gz or .zst)",
                 path);
  }
  return rc;
}

/* A directory that is not there has no matches; one that cannot be read might have some. */
static int on_error(const char *path, int why) {
  (void)path;
  return why != ENOENT && why != ENOTDIR;
}

static bv_rc match_pattern(const char *pattern, bv_filelist *l, bv_err *err) {
  glob_t g = {0};
  int code = glob(pattern, GLOB_NOSORT, on_error, &g);
  bv_rc rc = BV_OK;
  if (code == GLOB_NOSPACE) {
    rc = bv_fail(err, BV_NOMEM, "out of memory");
  } else if (code == GLOB_ABORTED) {
    rc = bv_fail(err, BV_IO, "%s: a directory on the way cannot be read", pattern);
  }
  for (size_t i = 0; rc == BV_OK && code == 0 && i < g.gl_pathc; i++) {
    if (is_file(g.gl_pathv[i])) rc = add(l, bv_strdup(BV_MEM_IMPORT, g.gl_pathv[i]), err);
  }
  globfree(&g);
  if (rc == BV_OK && l->n == 0) {
    rc = bv_fail(err, BV_NOTFOUND, "%s: no file matches this pattern", pattern);
  }
  return rc;
}

static int by_bytes(const void *a, const void *b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* LEAN keeps trades and quotes of a symbol in one directory. */
static bv_rc check_mixed(const char *path, const bv_filelist *l, bv_err *err) {
  bool trade = false, quote = false;
  for (size_t i = 0; i < l->n; i++) {
    size_t n;
    const char *base = base_name(l->path[i], &n);
    trade |= n > 10 && bv_text_ieq(base + n - 10, "_trade.zip");
    quote |= n > 10 && bv_text_ieq(base + n - 10, "_quote.zip");
  }
  if (!trade || !quote) return BV_OK;
  return bv_fail(err, BV_ARG,
                 "%s: trades and quotes of LEAN would be stored over each other; import "
                 "'*_trade.zip' or '*_quote.zip'",
                 path);
}

bv_rc bv_filelist_make(const char *path, bv_filelist *out, bv_err *err) {
  struct stat st;
  bv_rc rc;
  *out = (bv_filelist){0};
  bool there = stat(path, &st) == 0;
  out->many = there ? S_ISDIR(st.st_mode) : strpbrk(path, "*?[") != NULL;
  if (!out->many) {
    rc = add(out, bv_strdup(BV_MEM_IMPORT, path), err);
  } else {
    rc = there ? read_directory(path, out, err) : match_pattern(path, out, err);
    if (rc == BV_OK) qsort((void *)out->path, out->n, sizeof *out->path, by_bytes);
    if (rc == BV_OK) rc = check_mixed(path, out, err);
  }
  if (rc != BV_OK) bv_filelist_reset(out);
  return rc;
}
