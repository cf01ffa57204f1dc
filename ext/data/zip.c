/*
** zip.c - the entries of a zip archive as byte streams; see zip.h.
**
** Layout, all numbers little-endian (APPNOTE.TXT 4.3):
**
**      [local header, name, extra, data] ...  [directory entry] ...  [end record, comment]
**
**      local header     0 "PK\3\4"  6 flags  8 method  26 name length  28 extra length  30 name
**      directory entry  0 "PK\1\2"  8 flags  10 method  16 crc  20 packed  24 size  28 name length
**                       30 extra length  32 comment length  42 offset of the local header  46 name
**      end record       0 "PK\5\6"  4 disk  6 disk of the directory  8 entries here  10 entries
**                       12 directory bytes  16 directory offset  20 comment length  22 comment
**
** The end record is searched from the file's end; one whose comment does not end where the file ends
** is none.  Zip64 adds, right before it, a locator (0 "PK\6\7"  8 offset) of a second end record
** (0 "PK\6\6"  16 disk  20 disk of the directory  24 entries here  32 entries  40 directory bytes
** 48 directory offset), which counts instead; and an extra field of kind 1 in a directory entry for
** each of size, packed and offset that says 0xffffffff.
*/
#include "data/zip.h"

#include "base/buf.h"
#include "data/zmem.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#define LOCAL_SIZE   30
#define ENTRY_SIZE   46
#define END_SIZE     22
#define LOCATOR_SIZE 20
#define END64_SIZE   56
#define NO_FIT       0xffffffff
#define COMMENT_MAX  65535
#define IN_SIZE      ((size_t)64 * 1024)
#define NAME_IN_TEXT 100

enum { STORED = 0, DEFLATED = 8, ENCRYPTED = 1 };

typedef struct entry {
  bv_zip_entry public;
  int64_t offset; /* of the local header */
  uint32_t crc;
  unsigned method, flags;
  size_t name_size;
} entry;

struct bv_zip {
  char *name;
  int fd; /* -1: in memory */
  const unsigned char *memory;
  int64_t size;       /* bytes of the archive */
  int64_t dir_at;     /* offset of the directory: data ends here */
  unsigned char *dir; /* the directory's bytes */
  size_t dir_size;
  entry *entry;
  size_t n;
  char *names; /* the entries' names, zero-terminated, one after the other */
};

static unsigned u16(const unsigned char *p) {
  return (unsigned)p[0] | (unsigned)p[1] << 8;
}

static uint32_t u32(const unsigned char *p) {
  return (uint32_t)u16(p) | (uint32_t)u16(p + 2) << 16;
}

static uint64_t u64(const unsigned char *p) {
  return (uint64_t)u32(p) | (uint64_t)u32(p + 4) << 32;
}

bool bv_zip_magic(const char *p, size_t n) {
  return n >= 4 && (!memcmp(p, "PK\3\4", 4) || !memcmp(p, "PK\5\6", 4));
}

static bv_rc no_memory(bv_err *err) {
  return bv_fail(err, BV_NOMEM, "out of memory while reading a zip archive");
}

static bv_rc broken(const bv_zip *z, const char *what, bv_err *err) {
  return bv_fail(err, BV_IO,
                 "%s: the zip archive is damaged or cut off (%s); fetch or copy it again", z->name,
                 what);
}

/* All n bytes at an offset that the caller has checked against the size. */
static bv_rc read_at(const bv_zip *z, int64_t offset, void *p, size_t n, bv_err *err) {
  assert(offset >= 0 && (int64_t)n <= z->size - offset);
  if (z->fd < 0) {
    if (n) memcpy(p, z->memory + offset, n);
    return BV_OK;
  }
  for (size_t have = 0; have < n;) {
    ssize_t got = pread(z->fd, (char *)p + have, n - have, (off_t)(offset + (int64_t)have));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      return bv_fail(err, BV_IO, "%s: cannot be read: %s", z->name, strerror(errno));
    }
    if (got == 0) return broken(z, "the file became shorter", err);
    have += (size_t)got;
  }
  return BV_OK;
}

/* ---- the directory ------------------------------------------------------------------------- */

/* What an end record of either kind says. */
typedef struct end_record {
  uint64_t disk, dir_disk, here, n, dir_size, dir_at;
} end_record;

static end_record read_end(const unsigned char *p) {
  return (end_record){u16(p + 4), u16(p + 6), u16(p + 8), u16(p + 10), u32(p + 12), u32(p + 16)};
}

/* The zip64 end record, if a locator stands right before the ordinary one at `end`. */
static bv_rc read_end64(const bv_zip *z, int64_t end, end_record *out, bv_err *err) {
  unsigned char locator[LOCATOR_SIZE], p[END64_SIZE];
  if (end < LOCATOR_SIZE) return BV_OK;
  BV_TRY(read_at(z, end - LOCATOR_SIZE, locator, sizeof locator, err));
  if (memcmp(locator, "PK\6\7", 4) != 0) return BV_OK;
  uint64_t at = u64(locator + 8), last = (uint64_t)(end - LOCATOR_SIZE);
  if (at > last || last - at < END64_SIZE) return broken(z, "no zip64 end record", err);
  BV_TRY(read_at(z, (int64_t)at, p, sizeof p, err));
  if (memcmp(p, "PK\6\6", 4) != 0) return broken(z, "no zip64 end record", err);
  *out = (end_record){u32(p + 16), u32(p + 20), u64(p + 24), u64(p + 32), u64(p + 40), u64(p + 48)};
  return BV_OK;
}

/* `end` is where the ordinary end record stands. */
static bv_rc take_end(bv_zip *z, const end_record *e, int64_t end, bv_err *err) {
  if (e->disk || e->dir_disk || e->here != e->n) {
    return bv_fail(err, BV_ARG, "%s: this is a part of a split zip archive; join the parts first",
                   z->name);
  }
  if (e->dir_at > (uint64_t)end || e->dir_size > (uint64_t)end - e->dir_at ||
      e->n > e->dir_size / ENTRY_SIZE) {
    return broken(z, "the directory lies outside the file", err);
  }
  if (e->dir_size > BV_ZIP_DIR_MAX) {
    return bv_fail(err, BV_LIMIT, "%s: the zip directory has more than %zu MiB", z->name,
                   BV_ZIP_DIR_MAX >> 20);
  }
  z->n = (size_t)e->n;
  z->dir_size = (size_t)e->dir_size;
  z->dir_at = (int64_t)e->dir_at;
  return BV_OK;
}

/* Find the end record and take from it where the directory is. */
static bv_rc find_directory(bv_zip *z, bv_err *err) {
  if (z->size < END_SIZE) return broken(z, "no end record", err);
  int64_t span = z->size < END_SIZE + COMMENT_MAX ? z->size : END_SIZE + COMMENT_MAX;
  unsigned char *tail = bv_alloc(BV_MEM_IMPORT, (size_t)span);
  if (!tail) return no_memory(err);
  bv_rc rc = read_at(z, z->size - span, tail, (size_t)span, err);
  int64_t at = span - END_SIZE;
  end_record e = {0};
  while (rc == BV_OK && at >= 0 &&
         (memcmp(tail + at, "PK\5\6", 4) != 0 ||
          at + END_SIZE + (int64_t)u16(tail + at + 20) != span)) {
    at--;
  }
  if (rc == BV_OK && at < 0) rc = broken(z, "no end record", err);
  if (rc == BV_OK) {
    e = read_end(tail + at);
    at += z->size - span;
    rc = read_end64(z, at, &e, err);
  }
  bv_free(tail);
  return rc == BV_OK ? take_end(z, &e, at, err) : rc;
}

static bool name_is_text(const unsigned char *p, size_t n) {
  for (size_t i = 0; i < n; i++) {
    if (p[i] < 0x20 || p[i] == 0x7f) return false;
  }
  return n > 0;
}

static bv_rc check_ratio(const bv_zip *z, const entry *e, bv_err *err) {
  const bv_zip_entry *p = &e->public;
  if (p->size <= BV_ZIP_RATIO_FROM || p->size / BV_ZIP_RATIO_MAX <= p->packed) return BV_OK;
  return bv_fail(
      err, BV_LIMIT,
      "%s: %.*s says that it unpacks %lld bytes to %lld, more than %d times as many; that "
      "is no table of bars",
      z->name, NAME_IN_TEXT, p->name, (long long)p->packed, (long long)p->size, BV_ZIP_RATIO_MAX);
}

/* Numbers that do not fit 32 bits stand in the extra field of kind 1, in this order and only they. */
static bool read_zip64(const unsigned char *extra, size_t n, uint64_t *v[3]) {
  while (n >= 4) {
    size_t kind = u16(extra), len = u16(extra + 2);
    extra += 4;
    n -= 4;
    if (len > n) return false;
    for (size_t i = 0, at = 0; kind == 1 && i < 3; i++) {
      if (*v[i] != NO_FIT) continue;
      if (len - at < 8) return false;
      *v[i] = u64(extra + at);
      at += 8;
    }
    if (kind == 1) return true;
    extra += len;
    n -= len;
  }
  return false;
}

static bv_rc read_entry(const bv_zip *z, const unsigned char *p, char *name, entry *e,
                        bv_err *err) {
  uint64_t size = u32(p + 24), packed = u32(p + 20), offset = u32(p + 42);
  *e = (entry){.flags = u16(p + 8), .method = u16(p + 10), .crc = u32(p + 16)};
  e->name_size = u16(p + 28);
  if (!name_is_text(p + ENTRY_SIZE, e->name_size)) return broken(z, "a name is not text", err);
  memcpy(name, p + ENTRY_SIZE, e->name_size);
  name[e->name_size] = 0;
  if (size == NO_FIT || packed == NO_FIT || offset == NO_FIT) {
    uint64_t *v[3] = {&size, &packed, &offset};
    if (!read_zip64(p + ENTRY_SIZE + e->name_size, u16(p + 30), v)) {
      return broken(z, "a zip64 field is missing", err);
    }
  }
  uint64_t room = (uint64_t)z->dir_at, head = LOCAL_SIZE + e->name_size;
  if (offset > room || head > room - offset || packed > room - offset - head) {
    return broken(z, "an entry reaches into the directory", err);
  }
  if (size > INT64_MAX) return broken(z, "an entry is larger than any file", err);
  e->public = (bv_zip_entry){name, (int64_t)size, (int64_t)packed};
  e->offset = (int64_t)offset;
  return BV_OK;
}

static bv_rc read_entries(bv_zip *z, bv_err *err) {
  size_t at = 0, name_at = 0;
  for (size_t i = 0; i < z->n; i++) {
    const unsigned char *p = z->dir + at;
    if (z->dir_size - at < ENTRY_SIZE || memcmp(p, "PK\1\2", 4) != 0) {
      return broken(z, "an entry of the directory is missing", err);
    }
    size_t need = ENTRY_SIZE + (size_t)u16(p + 28) + u16(p + 30) + u16(p + 32);
    if (need > z->dir_size - at) return broken(z, "an entry of the directory is cut off", err);
    BV_TRY(read_entry(z, p, z->names + name_at, &z->entry[i], err));
    BV_TRY(check_ratio(z, &z->entry[i], err));
    name_at += z->entry[i].name_size + 1;
    at += need;
  }
  return BV_OK;
}

static int by_offset(const void *a, const void *b) {
  const entry *x = *(const entry *const *)a, *y = *(const entry *const *)b;
  return (x->offset > y->offset) - (x->offset < y->offset);
}

/* No two entries may share bytes: archives that unpack to more than they hold are made that way. */
static bv_rc check_overlap(const bv_zip *z, bv_err *err) {
  const entry **sorted = bv_alloc(BV_MEM_IMPORT, (z->n + 1) * sizeof(entry *));
  bv_rc rc = BV_OK;
  if (!sorted) return no_memory(err);
  for (size_t i = 0; i < z->n; i++) sorted[i] = &z->entry[i];
  qsort(sorted, z->n, sizeof *sorted, by_offset);
  for (size_t i = 1; i < z->n && rc == BV_OK; i++) {
    const entry *e = sorted[i - 1];
    int64_t end = e->offset + LOCAL_SIZE + (int64_t)e->name_size + e->public.packed;
    if (end > sorted[i]->offset) rc = broken(z, "two entries share bytes", err);
  }
  bv_free((void *)sorted);
  return rc;
}

static bv_rc read_directory(bv_zip *z, bv_err *err) {
  BV_TRY(find_directory(z, err));
  z->dir = bv_alloc(BV_MEM_IMPORT, z->dir_size + 1);
  z->names = bv_alloc(BV_MEM_IMPORT, z->dir_size + z->n + 1);
  z->entry = bv_alloc0(BV_MEM_IMPORT, (z->n + 1) * sizeof *z->entry);
  if (!z->dir || !z->names || !z->entry) return no_memory(err);
  BV_TRY(read_at(z, z->dir_at, z->dir, z->dir_size, err));
  BV_TRY(read_entries(z, err));
  return check_overlap(z, err);
}

static bv_rc open_archive(bv_zip from, const char *name, bv_zip **out, bv_err *err) {
  bv_rc rc = BV_NOMEM;
  *out = NULL;
  bv_zip *z = bv_alloc(BV_MEM_IMPORT, sizeof *z);
  if (z) {
    *z = from;
    z->name = bv_strdup(BV_MEM_IMPORT, name);
    rc = z->name ? read_directory(z, err) : no_memory(err);
  } else {
    if (from.fd >= 0) close(from.fd);
    no_memory(err);
  }
  if (rc != BV_OK) {
    bv_zip_close(z);
    return rc;
  }
  *out = z;
  return BV_OK;
}

bv_rc bv_zip_open(const char *path, bv_zip **out, bv_err *err) {
  const char *slash = strrchr(path, '/');
  struct stat st;
  *out = NULL;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0 || fstat(fd, &st) != 0) {
    int why = errno;
    if (fd >= 0) close(fd);
    return bv_fail(err, BV_IO, "%s: cannot be opened: %s", path, strerror(why));
  }
  if (!S_ISREG(st.st_mode)) {
    close(fd);
    return bv_fail(err, BV_ARG, "%s: a zip archive must be a regular file", path);
  }
  bv_zip from = {.fd = fd, .size = (int64_t)st.st_size};
  return open_archive(from, slash && slash[1] ? slash + 1 : path, out, err);
}

bv_rc bv_zip_open_memory(const void *p, size_t n, const char *name, bv_zip **out, bv_err *err) {
  bv_zip from = {.fd = -1, .memory = p, .size = (int64_t)n};
  return open_archive(from, name, out, err);
}

size_t bv_zip_count(const bv_zip *z) {
  return z->n;
}

const bv_zip_entry *bv_zip_at(const bv_zip *z, size_t i) {
  assert(i < z->n);
  return &z->entry[i].public;
}

void bv_zip_close(bv_zip *z) {
  if (!z) return;
  if (z->fd >= 0) close(z->fd);
  bv_free(z->name);
  bv_free(z->dir);
  bv_free(z->names);
  bv_free(z->entry);
  bv_free(z);
}

/* ---- one entry ----------------------------------------------------------------------------- */

typedef struct unpacker {
  const bv_zip *zip;
  const entry *e;
  int64_t at, packed_left; /* where the next packed byte stands, and how many there are */
  int64_t size_left;       /* bytes still to be given */
  uint32_t crc;            /* of those given */
  bool ended;              /* deflate's last block was read */
  z_stream z;
  bool z_live;
  unsigned char *in;
} unpacker;

static bv_rc damaged(const unpacker *u, const char *what, bv_err *err) {
  return bv_fail(err, BV_IO, "%s: %.*s is damaged (%s); fetch or copy the archive again",
                 u->zip->name, NAME_IN_TEXT, u->e->public.name, what);
}

/* Nothing more to give: does everything agree with the directory? */
static bv_rc finish(const unpacker *u, bv_err *err) {
  if (u->size_left) return damaged(u, "it is shorter than the directory says", err);
  if (u->packed_left || u->z.avail_in) {
    return damaged(u, "packed bytes follow its end", err);
  }
  return u->crc == u->e->crc ? BV_OK : damaged(u, "its checksum does not match", err);
}

static bv_rc take_packed(unpacker *u, void *p, size_t cap, size_t *n, bv_err *err) {
  *n = u->packed_left < (int64_t)cap ? (size_t)u->packed_left : cap;
  BV_TRY(read_at(u->zip, u->at, p, *n, err));
  u->at += (int64_t)*n;
  u->packed_left -= (int64_t)*n;
  return BV_OK;
}

/* Unpack until there is at least one byte, or the end. */
static bv_rc unpack(unpacker *u, void *p, size_t cap, size_t *n, bv_err *err) {
  u->z.next_out = p;
  u->z.avail_out = (unsigned)cap;
  while (u->z.avail_out == cap && !u->ended) {
    if (u->z.avail_in == 0) {
      size_t got;
      BV_TRY(take_packed(u, u->in, IN_SIZE, &got, err));
      if (got == 0) return damaged(u, "its packed data is cut off", err);
      u->z.next_in = u->in;
      u->z.avail_in = (unsigned)got;
    }
    int status = inflate(&u->z, Z_NO_FLUSH);
    if (status == Z_MEM_ERROR) return no_memory(err);
    if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR) {
      return damaged(u, u->z.msg ? u->z.msg : "not deflated data", err);
    }
    u->ended = status == Z_STREAM_END;
  }
  *n = cap - u->z.avail_out;
  return BV_OK;
}

static bv_rc entry_read(void *ctx, void *p, size_t cap, size_t *n, bv_err *err) {
  unpacker *u = ctx;
  *n = 0;
  if (cap > (size_t)1 << 30) cap = (size_t)1 << 30; /* avail_out is an unsigned int */
  if (u->e->method == STORED) {
    BV_TRY(take_packed(u, p, cap, n, err));
  } else {
    BV_TRY(unpack(u, p, cap, n, err));
  }
  if (*n == 0) return finish(u, err);
  if ((int64_t)*n > u->size_left) return damaged(u, "it is longer than the directory says", err);
  u->size_left -= (int64_t)*n;
  u->crc = (uint32_t)crc32(u->crc, p, (unsigned)*n);
  return BV_OK;
}

static void entry_close(void *ctx) {
  unpacker *u = ctx;
  if (u->z_live) inflateEnd(&u->z);
  bv_free(u->in);
  bv_free(u);
}

/* Check the local header and find where the data begins. */
static bv_rc find_data(unpacker *u, bv_err *err) {
  unsigned char h[LOCAL_SIZE];
  char piece[256];
  const bv_zip *z = u->zip;
  const entry *e = u->e;
  BV_TRY(read_at(z, e->offset, h, sizeof h, err));
  if (memcmp(h, "PK\3\4", 4) != 0 || u16(h + 8) != e->method || u16(h + 26) != e->name_size) {
    return damaged(u, "its local header is wrong", err);
  }
  for (size_t at = 0; at < e->name_size; at += sizeof piece) {
    size_t n = e->name_size - at < sizeof piece ? e->name_size - at : sizeof piece;
    BV_TRY(read_at(z, e->offset + LOCAL_SIZE + (int64_t)at, piece, n, err));
    if (memcmp(piece, e->public.name + at, n) != 0) {
      return damaged(u, "its local header has another name", err);
    }
  }
  u->at = e->offset + LOCAL_SIZE + (int64_t)e->name_size + (int64_t)u16(h + 28);
  u->packed_left = e->public.packed;
  u->size_left = e->public.size;
  if (u->at + u->packed_left > z->dir_at) return damaged(u, "it reaches into the directory", err);
  return BV_OK;
}

static bv_rc start_unpacker(unpacker *u, bv_err *err) {
  const entry *e = u->e;
  if (e->flags & ENCRYPTED) {
    return bv_fail(err, BV_ARG, "%s: %.*s is encrypted; unpack it first", u->zip->name,
                   NAME_IN_TEXT, e->public.name);
  }
  if (e->method != STORED && e->method != DEFLATED) {
    return bv_fail(err, BV_ARG,
                   "%s: %.*s is packed with method %u; only stored and deflated entries are read, "
                   "unpack it first",
                   u->zip->name, NAME_IN_TEXT, e->public.name, e->method);
  }
  BV_TRY(find_data(u, err));
  if (e->method == STORED) {
    return e->public.size == e->public.packed ? BV_OK
                                              : damaged(u, "a stored entry has two lengths", err);
  }
  u->in = bv_alloc(BV_MEM_IMPORT, IN_SIZE);
  if (!u->in) return no_memory(err);
  u->z.zalloc = bv_z_alloc;
  u->z.zfree = bv_z_free;
  if (inflateInit2(&u->z, -15) != Z_OK) return no_memory(err);
  u->z_live = true;
  return BV_OK;
}

bv_rc bv_zip_stream(const bv_zip *z, size_t i, bv_infile **out, bv_err *err) {
  assert(i < z->n);
  *out = NULL;
  unpacker *u = bv_alloc0(BV_MEM_IMPORT, sizeof *u);
  if (!u) return no_memory(err);
  u->zip = z;
  u->e = &z->entry[i];
  bv_rc rc = start_unpacker(u, err);
  char name[2 * NAME_IN_TEXT + 2];
  snprintf(name, sizeof name, "%.*s/%.*s", NAME_IN_TEXT, z->name, NAME_IN_TEXT, u->e->public.name);
  if (rc != BV_OK) {
    entry_close(u);
    return rc;
  }
  bv_infile_source source = {entry_read, entry_close, u};
  return bv_infile_open_source(source, name, out, err);
}
