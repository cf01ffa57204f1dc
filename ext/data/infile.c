/* infile.c - byte streams from plain, gzip and zstd files; see infile.h. */
#include "data/infile.h"

#include "data/zmem.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#define IN_SIZE    ((size_t)64 * 1024)
#define WINDOW_LOG 27

struct bv_infile {
  bv_infile_source source;
  char *name;
  bv_infile_kind kind;
  bv_rc failed;      /* sticky */
  bool source_ended; /* the source gave its last byte */
  bool inside;       /* a gzip member or zstd frame has begun and not ended */
  int64_t bytes_in;  /* bytes taken from the source */
  int64_t units;     /* gzip members or zstd frames that ended well */
  z_stream z;
  bool z_live;
  ZSTD_DStream *zstd;
  const char *peek_at; /* decoded bytes read ahead by peek */
  size_t npeek;
  char peek[BV_INFILE_PEEK_MAX];
  unsigned char *in; /* IN_SIZE bytes; [in_lo, in_hi) is not yet decoded */
  size_t in_lo, in_hi;
};

static bv_rc fail(bv_infile *f, bv_rc rc) {
  f->failed = rc;
  return rc;
}

/* Where in the compressed input the decoder stands. */
static long long position(const bv_infile *f) {
  return (long long)(f->bytes_in - (int64_t)(f->in_hi - f->in_lo));
}

/* Fill the empty input buffer; an ended source leaves it empty. */
static bv_rc refill(bv_infile *f, bv_err *err) {
  assert(f->in_lo == f->in_hi);
  f->in_lo = f->in_hi = 0;
  if (f->source_ended) return BV_OK;
  size_t n = 0;
  bv_rc rc = f->source.read(f->source.ctx, f->in, IN_SIZE, &n, err);
  if (rc != BV_OK) return fail(f, rc);
  f->in_hi = n;
  f->bytes_in += (int64_t)n;
  f->source_ended = n == 0;
  return BV_OK;
}

/* Gather the first bytes of the source, however small the pieces it delivers. */
static bv_rc fill_magic(bv_infile *f, bv_err *err) {
  while (f->in_hi < 4 && !f->source_ended) {
    size_t n = 0;
    bv_rc rc = f->source.read(f->source.ctx, f->in + f->in_hi, IN_SIZE - f->in_hi, &n, err);
    if (rc != BV_OK) return fail(f, rc);
    f->in_hi += n;
    f->bytes_in += (int64_t)n;
    f->source_ended = n == 0;
  }
  return BV_OK;
}

static bv_infile_kind kind_of_magic(const unsigned char *p, size_t n) {
  if (n >= 2 && p[0] == 0x1f && p[1] == 0x8b) return BV_INFILE_GZIP;
  if (n < 4) return BV_INFILE_PLAIN;
  uint32_t m = (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
  bool skippable = (m & ZSTD_MAGIC_SKIPPABLE_MASK) == ZSTD_MAGIC_SKIPPABLE_START;
  return m == ZSTD_MAGICNUMBER || skippable ? BV_INFILE_ZSTD : BV_INFILE_PLAIN;
}

/* Where the caller has the room, the source fills it itself. */
static bv_rc read_plain(bv_infile *f, void *p, size_t cap, size_t *n, bv_err *err) {
  if (f->in_lo == f->in_hi && cap >= IN_SIZE && !f->source_ended) {
    bv_rc rc = f->source.read(f->source.ctx, p, cap, n, err);
    if (rc != BV_OK) return fail(f, rc);
    f->bytes_in += (int64_t)*n;
    f->source_ended = *n == 0;
    return BV_OK;
  }
  if (f->in_lo == f->in_hi) BV_TRY(refill(f, err));
  size_t have = f->in_hi - f->in_lo;
  *n = have < cap ? have : cap;
  memcpy(p, f->in + f->in_lo, *n);
  f->in_lo += *n;
  return BV_OK;
}

static bv_rc cut_off(bv_infile *f, bv_err *err) {
  bv_fail(err, BV_IO, "%s: the %s data is cut off after byte %lld; fetch or copy the file again",
          f->name, bv_infile_kind_name(f->kind), (long long)f->bytes_in);
  return fail(f, BV_IO);
}

static bv_rc garbage(bv_infile *f, bv_err *err) {
  bv_fail(err, BV_IO, "%s: after the end of the %s data at byte %lld there are other bytes",
          f->name, bv_infile_kind_name(f->kind), position(f));
  return fail(f, BV_IO);
}

static bv_rc damaged(bv_infile *f, const char *why, bv_err *err) {
  bv_fail(err, BV_IO, "%s: the %s data is damaged near byte %lld (%s)", f->name,
          bv_infile_kind_name(f->kind), position(f), why);
  return fail(f, BV_IO);
}

/* Between two members: gzip pads with zeros on block devices, so those are passed over.  Sets
** f->inside when another member begins; leaves it false at the end of the input. */
static bv_rc next_member(bv_infile *f, bv_err *err) {
  for (;;) {
    while (f->in_lo < f->in_hi && f->in[f->in_lo] == 0) f->in_lo++;
    if (f->in_lo < f->in_hi) break;
    BV_TRY(refill(f, err));
    if (f->in_hi == 0) return BV_OK;
  }
  if (f->in[f->in_lo] != 0x1f) return garbage(f, err);
  if (inflateReset(&f->z) != Z_OK) {
    bv_fail(err, BV_INTERNAL, "%s: zlib cannot be reset", f->name);
    return fail(f, BV_INTERNAL);
  }
  f->inside = true;
  return BV_OK;
}

static bv_rc gzip_status(bv_infile *f, int status, bv_err *err) {
  switch (status) {
  case Z_OK:
  case Z_BUF_ERROR: /* no progress possible without more input */ return BV_OK;
  case Z_STREAM_END:
    f->inside = false;
    f->units++;
    return BV_OK;
  case Z_MEM_ERROR:
    bv_fail(err, BV_NOMEM, "%s: out of memory while unpacking", f->name);
    return fail(f, BV_NOMEM);
  default: return damaged(f, f->z.msg ? f->z.msg : "not gzip", err);
  }
}

static bv_rc read_gzip(bv_infile *f, void *p, size_t cap, size_t *n, bv_err *err) {
  *n = 0;
  if (cap > IN_SIZE * 1024) cap = IN_SIZE * 1024; /* avail_out is an unsigned int */
  while (*n == 0) {
    if (!f->inside) {
      BV_TRY(next_member(f, err));
      if (!f->inside) return BV_OK;
    }
    if (f->in_lo == f->in_hi) BV_TRY(refill(f, err));
    size_t have = f->in_hi - f->in_lo;
    f->z.next_in = f->in + f->in_lo;
    f->z.avail_in = (unsigned)have;
    f->z.next_out = p;
    f->z.avail_out = (unsigned)cap;
    int status = inflate(&f->z, Z_NO_FLUSH);
    f->in_lo += have - f->z.avail_in;
    *n = cap - f->z.avail_out;
    BV_TRY(gzip_status(f, status, err));
    if (f->inside && *n == 0 && have == 0) return cut_off(f, err);
  }
  return BV_OK;
}

static bv_rc zstd_error(bv_infile *f, size_t code, bool at_start, bv_err *err) {
  switch (ZSTD_getErrorCode(code)) {
  case ZSTD_error_memory_allocation:
    bv_fail(err, BV_NOMEM, "%s: out of memory while unpacking", f->name);
    return fail(f, BV_NOMEM);
  case ZSTD_error_frameParameter_windowTooLarge:
    bv_fail(err, BV_LIMIT,
            "%s: the zstd window is larger than 2^%d bytes; compress it again without --ultra or "
            "--long above %d",
            f->name, WINDOW_LOG, WINDOW_LOG);
    return fail(f, BV_LIMIT);
  case ZSTD_error_prefix_unknown:
    if (at_start && f->units > 0) return garbage(f, err);
    return damaged(f, ZSTD_getErrorName(code), err);
  default: return damaged(f, ZSTD_getErrorName(code), err);
  }
}

static bv_rc read_zstd(bv_infile *f, void *p, size_t cap, size_t *n, bv_err *err) {
  *n = 0;
  while (*n == 0) {
    if (f->in_lo == f->in_hi) BV_TRY(refill(f, err));
    size_t have = f->in_hi - f->in_lo;
    if (have == 0 && !f->inside) return BV_OK;
    ZSTD_inBuffer in = {f->in + f->in_lo, have, 0};
    ZSTD_outBuffer out = {p, cap, 0};
    bool at_start = !f->inside;
    size_t left = ZSTD_decompressStream(f->zstd, &out, &in);
    if (ZSTD_isError(left)) return zstd_error(f, left, at_start, err);
    f->in_lo += in.pos;
    *n = out.pos;
    f->inside = left != 0;
    f->units += left == 0;
    if (f->inside && have == 0 && *n == 0) return cut_off(f, err);
  }
  return BV_OK;
}

static bv_rc start_decoder(bv_infile *f, bv_err *err) {
  f->kind = kind_of_magic(f->in, f->in_hi);
  if (f->kind == BV_INFILE_GZIP) {
    f->z.zalloc = bv_z_alloc;
    f->z.zfree = bv_z_free;
    if (inflateInit2(&f->z, 15 + 16) != Z_OK) return bv_fail(err, BV_NOMEM, "out of memory");
    f->z_live = f->inside = true;
  } else if (f->kind == BV_INFILE_ZSTD) {
    f->zstd = ZSTD_createDStream();
    if (!f->zstd) return bv_fail(err, BV_NOMEM, "out of memory");
    size_t rc = ZSTD_DCtx_setParameter(f->zstd, ZSTD_d_windowLogMax, WINDOW_LOG);
    if (ZSTD_isError(rc)) return bv_fail(err, BV_INTERNAL, "zstd: %s", ZSTD_getErrorName(rc));
  }
  return BV_OK;
}

bv_rc bv_infile_open_source(bv_infile_source source, const char *name, bv_infile **out,
                            bv_err *err) {
  *out = NULL;
  bv_rc rc = BV_NOMEM;
  bv_infile *f = bv_alloc0(BV_MEM_IMPORT, sizeof *f);
  if (!f) {
    if (source.close) source.close(source.ctx);
    return bv_fail(err, BV_NOMEM, "out of memory");
  }
  f->source = source;
  f->name = bv_strdup(BV_MEM_IMPORT, name);
  f->in = bv_alloc(BV_MEM_IMPORT, IN_SIZE);
  if (!f->name || !f->in) {
    bv_fail(err, rc, "out of memory");
    goto done;
  }
  rc = fill_magic(f, err);
  if (rc == BV_OK) rc = start_decoder(f, err);
done:
  if (rc != BV_OK) {
    bv_infile_close(f);
    return rc;
  }
  *out = f;
  return BV_OK;
}

typedef struct file_source {
  int fd;
  char *name;
} file_source;

static bv_rc file_read(void *ctx, void *p, size_t cap, size_t *n, bv_err *err) {
  file_source *s = ctx;
  ssize_t got;
  do {
    got = read(s->fd, p, cap);
  } while (got < 0 && errno == EINTR);
  if (got < 0) {
    return bv_fail(err, BV_IO, "%s: cannot be read: %s", s->name, strerror(errno));
  }
  *n = (size_t)got;
  return BV_OK;
}

static void file_close(void *ctx) {
  file_source *s = ctx;
  close(s->fd);
  bv_free(s->name);
  bv_free(s);
}

bv_rc bv_infile_open(const char *path, bv_infile **out, bv_err *err) {
  *out = NULL;
  const char *slash = strrchr(path, '/');
  const char *base = slash && slash[1] ? slash + 1 : path;
  file_source *s = bv_alloc0(BV_MEM_IMPORT, sizeof *s);
  if (!s) return bv_fail(err, BV_NOMEM, "out of memory");
  s->name = bv_strdup(BV_MEM_IMPORT, base);
  if (!s->name) {
    bv_free(s);
    return bv_fail(err, BV_NOMEM, "out of memory");
  }
  s->fd = open(path, O_RDONLY | O_CLOEXEC);
  if (s->fd < 0) {
    int why = errno;
    bv_free(s->name);
    bv_free(s);
    return bv_fail(err, BV_IO, "%s: cannot be opened: %s", path, strerror(why));
  }
  bv_infile_source source = {file_read, file_close, s};
  return bv_infile_open_source(source, base, out, err);
}

typedef struct memory_source {
  const char *p;
  size_t n;
} memory_source;

static bv_rc memory_read(void *ctx, void *p, size_t cap, size_t *n, bv_err *err) {
  (void)err;
  memory_source *s = ctx;
  *n = s->n < cap ? s->n : cap;
  if (*n) memcpy(p, s->p, *n);
  s->p += *n;
  s->n -= *n;
  return BV_OK;
}

bv_rc bv_infile_open_memory(const void *p, size_t n, const char *name, bv_infile **out,
                            bv_err *err) {
  *out = NULL;
  memory_source *s = bv_alloc(BV_MEM_IMPORT, sizeof *s);
  if (!s) return bv_fail(err, BV_NOMEM, "out of memory");
  *s = (memory_source){p, n};
  bv_infile_source source = {memory_read, bv_free, s};
  return bv_infile_open_source(source, name, out, err);
}

static bv_rc read_decoded(bv_infile *f, void *p, size_t cap, size_t *n, bv_err *err) {
  if (f->failed != BV_OK) return bv_fail(err, f->failed, "%s: reading it failed before", f->name);
  switch (f->kind) {
  case BV_INFILE_GZIP: return read_gzip(f, p, cap, n, err);
  case BV_INFILE_ZSTD: return read_zstd(f, p, cap, n, err);
  default: return read_plain(f, p, cap, n, err);
  }
}

bv_rc bv_infile_read(bv_infile *f, void *p, size_t cap, size_t *n, bv_err *err) {
  assert(cap > 0);
  *n = 0;
  if (f->npeek == 0) return read_decoded(f, p, cap, n, err);
  *n = f->npeek < cap ? f->npeek : cap;
  memcpy(p, f->peek_at, *n);
  f->peek_at += *n;
  f->npeek -= *n;
  return BV_OK;
}

bv_rc bv_infile_peek(bv_infile *f, size_t want, const char **p, size_t *n, bv_err *err) {
  assert(want <= sizeof f->peek);
  if (f->npeek) memmove(f->peek, f->peek_at, f->npeek);
  f->peek_at = f->peek;
  while (f->npeek < want) {
    size_t got = 0;
    BV_TRY(read_decoded(f, f->peek + f->npeek, want - f->npeek, &got, err));
    if (got == 0) break;
    f->npeek += got;
  }
  *p = f->peek;
  *n = f->npeek < want ? f->npeek : want;
  return BV_OK;
}

const char *bv_infile_name(const bv_infile *f) {
  return f->name;
}

bv_infile_kind bv_infile_kind_of(const bv_infile *f) {
  return f->kind;
}

const char *bv_infile_kind_name(bv_infile_kind kind) {
  static const char *const name[] = {
      [BV_INFILE_PLAIN] = "plain", [BV_INFILE_GZIP] = "gzip", [BV_INFILE_ZSTD] = "zstd"};
  return name[kind];
}

int64_t bv_infile_bytes_in(const bv_infile *f) {
  return f->bytes_in;
}

void bv_infile_close(bv_infile *f) {
  if (!f) return;
  if (f->z_live) inflateEnd(&f->z);
  ZSTD_freeDStream(f->zstd);
  if (f->source.close) f->source.close(f->source.ctx);
  bv_free(f->in);
  bv_free(f->name);
  bv_free(f);
}
