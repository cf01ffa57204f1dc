/*
** tzif.c - a checked view of the bytes of a TZif file; see tzif.h.
**
**      version 1    header  block(4-byte times)
**      version 2+   header  block(4-byte times)  header  block(8-byte times)  \n footer \n
**
**      header   "TZif", version, 15 zero bytes, then six 4-byte counts:
**               isut, isstd, leap, time, type, char
**      block    time * (4|8), time * 1, type * 6, char * 1, leap * (8|12), isstd * 1, isut * 1
**
** All numbers are big-endian.  Of a version 2+ file only the second block is read.
*/
#include "time/tzif.h"

#include <string.h>

#define HEADER_BYTES 44
#define TYPE_BYTES   6

typedef struct counts {
  size_t isut, isstd, leap, time, type, chr;
} counts;

static uint32_t be32(const uint8_t *p) {
  return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | (uint32_t)p[3];
}

static int64_t be_time(const uint8_t *p, size_t bytes) {
  if (bytes == 4) return (int32_t)be32(p);
  return (int64_t)((uint64_t)be32(p) << 32 | be32(p + 4));
}

static int32_t type_offset(const bv_tzif *f, size_t type) {
  return (int32_t)be32(f->type + type * TYPE_BYTES);
}

int64_t bv_tzif_time(const bv_tzif *f, size_t i) {
  return be_time(f->time + i * f->time_bytes, f->time_bytes);
}

int32_t bv_tzif_offset(const bv_tzif *f, size_t i) {
  return type_offset(f, f->index[i]);
}

int32_t bv_tzif_offset_before(const bv_tzif *f) {
  for (size_t i = 0; i < f->ntype; i++) {
    if (f->type[i * TYPE_BYTES + 4] == 0) return type_offset(f, i);
  }
  return type_offset(f, 0);
}

static bv_rc corrupt(bv_err *err, const char *what) {
  return bv_fail(err, BV_CORRUPT, "the file is not a sound TZif file: %s", what);
}

static bv_rc read_header(const uint8_t *p, size_t n, counts *c, bv_err *err) {
  if (n < 4 || memcmp(p, "TZif", 4) != 0) return corrupt(err, "it does not begin with TZif");
  if (n < HEADER_BYTES) return corrupt(err, "it ends inside a header");
  *c = (counts){be32(p + 20), be32(p + 24), be32(p + 28), be32(p + 32), be32(p + 36), be32(p + 40)};
  /* Far above any real file, and low enough that sizes below cannot overflow. */
  size_t most = BV_TZIF_TIMES_MAX;
  if (c->isut > most || c->isstd > most || c->leap > most || c->time > most || c->type > 256 ||
      c->chr > most) {
    return corrupt(err, "a count in its header is out of range");
  }
  return BV_OK;
}

static size_t block_bytes(const counts *c, size_t time_bytes) {
  return c->time * (time_bytes + 1) + c->type * TYPE_BYTES + c->chr + c->leap * (time_bytes + 4) +
         c->isstd + c->isut;
}

static bv_rc check_types(const bv_tzif *f, size_t nchr, bv_err *err) {
  for (size_t i = 0; i < f->ntype; i++) {
    const uint8_t *type = f->type + i * TYPE_BYTES;
    int32_t offset = type_offset(f, i);
    if (offset < BV_TZIF_OFFSET_MIN || offset > BV_TZIF_OFFSET_MAX) {
      return corrupt(err, "an offset from UTC is longer than a day");
    }
    if (type[4] > 1) return corrupt(err, "a DST flag is neither 0 nor 1");
    if (type[5] >= nchr) return corrupt(err, "an abbreviation lies outside its table");
  }
  return BV_OK;
}

static bv_rc check_times(const bv_tzif *f, bv_err *err) {
  for (size_t i = 0; i < f->ntime; i++) {
    if (f->index[i] >= f->ntype) return corrupt(err, "a transition names a type that is missing");
    if (i > 0 && bv_tzif_time(f, i) <= bv_tzif_time(f, i - 1)) {
      return corrupt(err, "its transitions are not in order");
    }
  }
  return BV_OK;
}

/* The block at p, whose size has been checked, into *f. */
static bv_rc read_block(const uint8_t *p, const counts *c, size_t time_bytes, bv_tzif *f,
                        bv_err *err) {
  if (c->type == 0) return corrupt(err, "it has no local time type");
  if (c->chr == 0) return corrupt(err, "it has no abbreviation");
  if ((c->isut && c->isut != c->type) || (c->isstd && c->isstd != c->type)) {
    return corrupt(err, "its indicators do not match its types");
  }
  if (c->leap) {
    return bv_fail(err, BV_ARG, "the file counts leap seconds: use the zone without 'right/'");
  }
  f->ntime = c->time;
  f->ntype = c->type;
  f->time_bytes = time_bytes;
  f->time = p;
  f->index = f->time + c->time * time_bytes;
  f->type = f->index + c->time;
  f->footer = "";
  f->nfooter = 0;
  BV_TRY(check_types(f, c->chr, err));
  return check_times(f, err);
}

static bv_rc read_footer(const uint8_t *p, size_t n, bv_tzif *f, bv_err *err) {
  if (n < 2 || p[0] != '\n') return corrupt(err, "its footer is missing");
  const uint8_t *end = memchr(p + 1, '\n', n - 1);
  if (!end) return corrupt(err, "its footer does not end");
  f->footer = (const char *)p + 1;
  f->nfooter = (size_t)(end - p) - 1;
  return BV_OK;
}

bv_rc bv_tzif_view(const uint8_t *p, size_t n, bv_tzif *out, bv_err *err) {
  counts c;
  BV_TRY(read_header(p, n, &c, err));
  uint8_t version = p[4];
  if (version != 0 && version < '2') return corrupt(err, "its version is unknown");
  size_t at = HEADER_BYTES, bytes = block_bytes(&c, 4);
  if (n - at < bytes) return corrupt(err, "it ends inside its first block");
  if (version == 0) return read_block(p + at, &c, 4, out, err);

  at += bytes;
  BV_TRY(read_header(p + at, n - at, &c, err));
  at += HEADER_BYTES;
  bytes = block_bytes(&c, 8);
  if (n - at < bytes) return corrupt(err, "it ends inside its second block");
  BV_TRY(read_block(p + at, &c, 8, out, err));
  at += bytes;
  return read_footer(p + at, n - at, out, err);
}
