/* outfile.c - new files that appear whole or not at all; see outfile.h. */
#define _XOPEN_SOURCE 700 /* realpath */
#include "data/outfile.h"

#include "data/zmem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#define OUT_SIZE ((size_t)256 * 1024)
#define TRIES    1000

struct bv_outfile {
  char *path, *temp;
  int fd;     /* -1: not open */
  bool there; /* the temporary file was made */
  bool overwrite;
  bv_rc failed;
  bv_outfile_kind kind;
  z_stream z;
  bool z_live;
  ZSTD_CStream *zstd;
  unsigned char *out; /* compressed bytes on their way to the file */
};

static bv_rc fail_io(bv_outfile *f, const char *doing, bv_err *err) {
  int why = errno;
  f->failed = BV_IO;
  return bv_fail(err, BV_IO, "%s: cannot be %s: %s", f->path, doing, strerror(why));
}

static bv_rc no_memory(bv_err *err) {
  return bv_fail(err, BV_NOMEM, "out of memory while writing a file");
}

/* ---- making it ----------------------------------------------------------------------------- */

/* Where the bytes shall end up: the file behind a symbolic link. */
static bv_rc find_target(bv_outfile *f, const char *path, bv_err *err) {
  struct stat st;
  char *full = realpath(path, NULL);
  f->path = bv_strdup(BV_MEM_IMPORT, full ? full : path);
  free(full); /* realpath allocates by malloc */
  if (!f->path) return no_memory(err);
  if (stat(f->path, &st) != 0) return BV_OK;
  if (S_ISDIR(st.st_mode)) return bv_fail(err, BV_ARG, "%s: this is a directory", path);
  if (!S_ISREG(st.st_mode)) return bv_fail(err, BV_ARG, "%s: this is not a regular file", path);
  if (f->overwrite) return BV_OK;
  return bv_fail(err, BV_ARG, "%s: the file exists; set the option overwrite to replace it", path);
}

/* Names are tried one after the other, so that no other file is touched. */
static bv_rc make_temp(bv_outfile *f, bv_err *err) {
  size_t n = strlen(f->path) + 48;
  f->temp = bv_alloc(BV_MEM_IMPORT, n);
  if (!f->temp) return no_memory(err);
  for (int i = 0; i < TRIES; i++) {
    snprintf(f->temp, n, "%s.tmp-%ld-%d", f->path, (long)getpid(), i);
    f->fd = open(f->temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    f->there = f->fd >= 0;
    if (f->there) return BV_OK;
    if (errno != EEXIST) break;
  }
  return fail_io(f, "made", err);
}

static bv_rc start_encoder(bv_outfile *f, int level, bv_err *err) {
  if (f->kind == BV_OUTFILE_PLAIN) return BV_OK;
  f->out = bv_alloc(BV_MEM_IMPORT, OUT_SIZE);
  if (!f->out) return no_memory(err);
  if (f->kind == BV_OUTFILE_GZIP) {
    f->z.zalloc = bv_z_alloc;
    f->z.zfree = bv_z_free;
    int code = deflateInit2(&f->z, level ? level : 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
    f->z_live = code == Z_OK;
    return f->z_live ? BV_OK : no_memory(err);
  }
  f->zstd = ZSTD_createCStream();
  if (!f->zstd) return no_memory(err);
  size_t a = ZSTD_CCtx_setParameter(f->zstd, ZSTD_c_compressionLevel, level ? level : 3);
  size_t b = ZSTD_CCtx_setParameter(f->zstd, ZSTD_c_checksumFlag, 1);
  return ZSTD_isError(a) || ZSTD_isError(b) ? bv_fail(err, BV_INTERNAL, "zstd parameters") : BV_OK;
}

bv_rc bv_outfile_open(const char *path, bv_outfile_kind kind, int level, bool overwrite,
                      bv_outfile **out, bv_err *err) {
  *out = NULL;
  bv_outfile *f = bv_alloc0(BV_MEM_IMPORT, sizeof *f);
  if (!f) return no_memory(err);
  f->fd = -1;
  f->kind = kind;
  f->overwrite = overwrite;
  bv_rc rc = find_target(f, path, err);
  if (rc == BV_OK) rc = make_temp(f, err);
  if (rc == BV_OK) rc = start_encoder(f, level, err);
  if (rc != BV_OK) {
    bv_outfile_discard(f);
    return rc;
  }
  *out = f;
  return BV_OK;
}

const char *bv_outfile_temp(const bv_outfile *f) {
  return f->temp;
}

/* ---- writing ------------------------------------------------------------------------------- */

static bv_rc put(bv_outfile *f, const void *p, size_t n, bv_err *err) {
  for (size_t done = 0; done < n;) {
    ssize_t put = write(f->fd, (const char *)p + done, n - done);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return fail_io(f, "written", err);
    done += (size_t)put;
  }
  return BV_OK;
}

/* Feed n bytes (at most 1 GiB) to deflate; flush Z_FINISH ends the member. */
static bv_rc put_gzip(bv_outfile *f, const void *p, size_t n, int flush, bv_err *err) {
  f->z.next_in = (z_const unsigned char *)p;
  f->z.avail_in = (unsigned)n;
  int code;
  do {
    f->z.next_out = f->out;
    f->z.avail_out = (unsigned)OUT_SIZE;
    code = deflate(&f->z, flush);
    if (code == Z_STREAM_ERROR) return bv_fail(err, f->failed = BV_INTERNAL, "deflate");
    BV_TRY(put(f, f->out, OUT_SIZE - f->z.avail_out, err));
  } while (f->z.avail_out == 0 || (flush == Z_FINISH && code != Z_STREAM_END));
  return BV_OK;
}

static bv_rc put_zstd(bv_outfile *f, const void *p, size_t n, ZSTD_EndDirective how, bv_err *err) {
  ZSTD_inBuffer in = {p, n, 0};
  size_t left;
  do {
    ZSTD_outBuffer out = {f->out, OUT_SIZE, 0};
    left = ZSTD_compressStream2(f->zstd, &out, &in, how);
    if (ZSTD_isError(left)) {
      f->failed = BV_NOMEM; /* the only way it fails with valid buffers */
      return bv_fail(err, f->failed, "zstd: %s", ZSTD_getErrorName(left));
    }
    BV_TRY(put(f, f->out, out.pos, err));
  } while (in.pos < n || (how == ZSTD_e_end && left > 0));
  return BV_OK;
}

bv_rc bv_outfile_write(bv_outfile *f, const void *p, size_t n, bv_err *err) {
  if (f->failed != BV_OK) return bv_fail(err, f->failed, "%s: writing it failed before", f->path);
  for (size_t done = 0, part; done < n; done += part) {
    part = n - done < (size_t)1 << 30 ? n - done : (size_t)1 << 30;
    const char *from = (const char *)p + done;
    switch (f->kind) {
    case BV_OUTFILE_GZIP: BV_TRY(put_gzip(f, from, part, Z_NO_FLUSH, err)); break;
    case BV_OUTFILE_ZSTD: BV_TRY(put_zstd(f, from, part, ZSTD_e_continue, err)); break;
    default: BV_TRY(put(f, from, part, err));
    }
  }
  return BV_OK;
}

/* ---- the end ------------------------------------------------------------------------------- */

static bv_rc finish(bv_outfile *f, int64_t *bytes, bv_err *err) {
  struct stat st;
  if (f->failed != BV_OK) return bv_fail(err, f->failed, "%s: writing it failed before", f->path);
  if (f->kind == BV_OUTFILE_GZIP) BV_TRY(put_gzip(f, "", 0, Z_FINISH, err));
  if (f->kind == BV_OUTFILE_ZSTD) BV_TRY(put_zstd(f, NULL, 0, ZSTD_e_end, err));
  if (fsync(f->fd) != 0 || fstat(f->fd, &st) != 0) return fail_io(f, "written", err);
  if (bytes) *bytes = (int64_t)st.st_size;
  int code = close(f->fd);
  f->fd = -1;
  return code == 0 ? BV_OK : fail_io(f, "written", err);
}

/* A second name for the file fails where the target has come into being meanwhile; file systems without
** second names take the risk. */
static bv_rc give_name(bv_outfile *f, bv_err *err) {
  struct stat st;
  if (!f->overwrite && link(f->temp, f->path) == 0) return BV_OK;
  if (!f->overwrite && (errno == EEXIST || stat(f->path, &st) == 0)) {
    return bv_fail(err, BV_ARG, "%s: the file exists; set the option overwrite to replace it",
                   f->path);
  }
  if (rename(f->temp, f->path) != 0) return fail_io(f, "named", err);
  f->there = false;
  return BV_OK;
}

bv_rc bv_outfile_commit(bv_outfile *f, int64_t *bytes, bv_err *err) {
  bv_rc rc = finish(f, bytes, err);
  if (rc == BV_OK) rc = give_name(f, err);
  bv_outfile_discard(f);
  return rc;
}

void bv_outfile_discard(bv_outfile *f) {
  if (!f) return;
  if (f->z_live) deflateEnd(&f->z);
  ZSTD_freeCStream(f->zstd);
  if (f->fd >= 0) close(f->fd);
  if (f->there) unlink(f->temp);
  bv_free(f->out);
  bv_free(f->temp);
  bv_free(f->path);
  bv_free(f);
}
