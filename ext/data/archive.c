/* archive.c - the tables of bars in a zip archive; see archive.h. */
#define _XOPEN_SOURCE 700 /* realpath */
#include "data/archive.h"

#include "base/text.h"
#include "data/filelist.h"
#include "data/lean.h"
#include "data/zip.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PEEK     256
#define TEXT_MAX ((size_t)16 * 1024)

struct bv_archive {
  bv_zip *zip;
  bv_reject_fn reject; /* the caller's */
  void *reject_ctx;
  const char *name; /* of the entry being read */
  char *path;       /* resolved, for what its directories say */
  size_t next;
  bv_bar_reader_options options;
  bv_lean *lean; /* the entry being read: one of these two, or none */
  bv_bar_reader *csv;
  bool has_key;
  char key[BV_ASSET_MAX + 1]; /* symbol of csv where it has no column for it */
  int64_t rows, rejects;      /* of the entries before it */
  bv_bar_reader_info first;
  bv_buf time_kind, columns, warnings;
};

static bv_rc no_memory(bv_err *err) {
  return bv_fail(err, BV_NOMEM, "out of memory while reading a zip archive");
}

static bool is_table(const char *name) {
  static const char *const other[] = {".zip", ".dbn", ".parquet", ".pq"};
  const char *slash = strrchr(name, '/'), *base = slash ? slash + 1 : name;
  if (base[0] == '.' || !bv_file_is_bars(base)) return false;
  for (size_t i = 0; i < sizeof other / sizeof *other; i++) {
    size_t n = strlen(base), k = strlen(other[i]);
    if (n > k && bv_text_ieq(base + n - k, other[i])) return false;
  }
  return true;
}

static bv_rc open_csv(bv_archive *a, bv_infile *in, const char *name, bv_err *err) {
  size_t n = bv_file_symbol(name, a->key, sizeof a->key);
  a->has_key =
      !a->options.asset && bv_asset_check(a->key, n < sizeof a->key ? n : 0, NULL) == BV_OK;
  return bv_bar_reader_take(in, &a->options, &a->csv, err);
}

static bv_rc open_entry(bv_archive *a, size_t i, bv_err *err) {
  const char *name = bv_zip_at(a->zip, i)->name, *p;
  size_t n;
  bv_infile *in;
  bv_lean_file file;
  BV_TRY(bv_zip_stream(a->zip, i, &in, err));
  bv_rc rc = bv_infile_peek(in, PEEK, &p, &n, err);
  if (rc != BV_OK) {
    bv_infile_close(in);
    return rc;
  }
  bool named = bv_lean_read_name(name, &file);
  if (named) bv_lean_read_path(a->path, &file);
  return named && bv_lean_looks_like(&file, p, n)
             ? bv_lean_open(in, &file, &a->options, &a->lean, err)
             : open_csv(a, in, name, err);
}

static bv_bar_reader_info entry_info(const bv_archive *a) {
  if (a->lean) return bv_lean_info_of(a->lean);
  return a->csv ? bv_bar_reader_info_of(a->csv) : (bv_bar_reader_info){0};
}

static void close_entry(bv_archive *a) {
  bv_bar_reader_info info = entry_info(a);
  a->rows += info.rows;
  a->rejects += info.rejects;
  bv_lean_close(a->lean);
  bv_bar_reader_close(a->csv);
  a->lean = NULL;
  a->csv = NULL;
  a->has_key = false;
}

/* A warning too many is left out: the first ones say enough. */
static bv_rc warn(bv_archive *a, const char *name, const char *text) {
  bv_rc rc = bv_buf_addf(&a->warnings, "%.100s: %s", name, text);
  return rc == BV_LIMIT ? BV_OK : rc;
}

static bv_rc note_entry(bv_archive *a, const char *name, bv_err *err) {
  bv_bar_reader_info info = entry_info(a);
  bv_rc rc = info.warnings[0] ? warn(a, name, info.warnings) : BV_OK;
  if (rc == BV_OK && !a->first.time_kind) {
    a->first = info;
    rc = bv_buf_adds(&a->time_kind, info.time_kind);
    if (rc == BV_OK) rc = bv_buf_adds(&a->columns, info.columns);
  }
  return rc == BV_OK ? BV_OK : no_memory(err);
}

/* Lines are counted by entry, so the reason says which one it is. */
static bv_rc name_reject(void *ctx, int64_t line, const char *raw, const char *reason,
                         bv_err *err) {
  bv_archive *a = ctx;
  char named[300];
  snprintf(named, sizeof named, "%.150s: %s", a->name, reason);
  return a->reject(a->reject_ctx, line, raw, named, err);
}

/* Go on to the next table; none is left with a->lean and a->csv NULL. */
static bv_rc next_entry(bv_archive *a, bv_err *err) {
  close_entry(a);
  while (a->next < bv_zip_count(a->zip)) {
    size_t i = a->next++;
    const char *name = bv_zip_at(a->zip, i)->name;
    if (is_table(name)) {
      a->name = name;
      BV_TRY(open_entry(a, i, err));
      return note_entry(a, name, err);
    }
    bool directory = name[strlen(name) - 1] == '/';
    if (!directory && warn(a, name, "not a table, left out\n") != BV_OK) return no_memory(err);
  }
  return BV_OK;
}

bv_rc bv_archive_open(const char *path, const bv_bar_reader_options *options, bv_archive **out,
                      bv_err *err) {
  *out = NULL;
  bv_archive *a = bv_alloc0(BV_MEM_IMPORT, sizeof *a);
  if (!a) return no_memory(err);
  a->options = *options;
  bv_buf_init(&a->time_kind, BV_MEM_IMPORT, TEXT_MAX);
  bv_buf_init(&a->columns, BV_MEM_IMPORT, 2 * TEXT_MAX);
  bv_buf_init(&a->warnings, BV_MEM_IMPORT, TEXT_MAX);
  char *full = realpath(path, NULL);
  a->path = bv_strdup(BV_MEM_IMPORT, full ? full : path);
  free(full); /* realpath allocates by malloc */
  bv_rc rc = a->path ? bv_zip_open(path, &a->zip, err) : no_memory(err);
  if (rc == BV_OK && a->options.reject && bv_zip_count(a->zip) > 1) {
    a->reject = options->reject;
    a->reject_ctx = options->reject_ctx;
    a->options.reject = name_reject;
    a->options.reject_ctx = a;
  }
  if (rc == BV_OK) rc = next_entry(a, err);
  if (rc == BV_OK && !a->lean && !a->csv) {
    rc = bv_fail(err, BV_ARG, "%s: no .csv, .tsv, .tab or .txt in this zip archive", path);
  }
  if (rc != BV_OK) {
    bv_archive_close(a);
    return rc;
  }
  *out = a;
  return BV_OK;
}

bv_rc bv_archive_next(bv_archive *a, bv_bar_row *rows, size_t cap, size_t *n, bv_err *err) {
  assert(cap > 0);
  *n = 0;
  while (a->lean || a->csv) {
    if (a->lean) {
      BV_TRY(bv_lean_next(a->lean, rows, cap, n, err));
    } else {
      BV_TRY(bv_bar_reader_next(a->csv, rows, cap, n, err));
    }
    if (*n > 0) break;
    BV_TRY(next_entry(a, err));
  }
  for (size_t i = 0; a->has_key && i < *n; i++) {
    if (rows[i].symbol) break;
    rows[i].symbol = a->key;
    rows[i].nsymbol = strlen(a->key);
  }
  return BV_OK;
}

bv_bar_reader_info bv_archive_info_of(const bv_archive *a) {
  bv_bar_reader_info info = a->first, now = entry_info(a);
  info.time_kind = bv_buf_text(&a->time_kind);
  info.compression = "zip";
  info.columns = bv_buf_text(&a->columns);
  info.warnings = bv_buf_text(&a->warnings);
  info.rows = a->rows + now.rows;
  info.rejects = a->rejects + now.rejects;
  return info;
}

void bv_archive_close(bv_archive *a) {
  if (!a) return;
  close_entry(a);
  bv_zip_close(a->zip);
  bv_free(a->path);
  bv_buf_reset(&a->time_kind);
  bv_buf_reset(&a->columns);
  bv_buf_reset(&a->warnings);
  bv_free(a);
}
