/* dbn_stream.c - the decoded bytes of a DBN file; see dbn_stream.h. */
#include "data/dbn_stream.h"

#include "data/dbn_record.h"

#include <assert.h>
#include <string.h>

#define BUF_SIZE ((size_t)256 * 1024)

bv_rc bv_dbn_stream_open(bv_dbn_stream *s, bv_infile *in, bv_err *err) {
  *s = (bv_dbn_stream){.in = in, .buf = bv_alloc(BV_MEM_IMPORT, BUF_SIZE)};
  if (s->buf) return BV_OK;
  bv_dbn_stream_close(s);
  return bv_fail(err, BV_NOMEM, "out of memory");
}

void bv_dbn_stream_close(bv_dbn_stream *s) {
  bv_infile_close(s->in);
  bv_free(s->buf);
  *s = (bv_dbn_stream){0};
}

/* Have `want` bytes in the buffer, or all that are left. */
static bv_rc fill(bv_dbn_stream *s, size_t want, bv_err *err) {
  assert(want <= BV_DBN_PIECE_MAX);
  if (s->hi - s->lo >= want || s->ended) return BV_OK;
  memmove(s->buf, s->buf + s->lo, s->hi - s->lo);
  s->base += (int64_t)s->lo;
  s->hi -= s->lo;
  s->lo = 0;
  while (s->hi < want && !s->ended) {
    size_t n;
    BV_TRY(bv_infile_read(s->in, s->buf + s->hi, BUF_SIZE - s->hi, &n, err));
    s->hi += n;
    s->ended = n == 0;
  }
  return BV_OK;
}

bv_rc bv_dbn_stream_take(bv_dbn_stream *s, size_t n, const uint8_t **p, bv_err *err) {
  BV_TRY(fill(s, n, err));
  *p = NULL;
  if (s->hi - s->lo < n) return BV_OK;
  *p = s->buf + s->lo;
  s->lo += n;
  return BV_OK;
}

bv_rc bv_dbn_stream_skip(bv_dbn_stream *s, uint64_t n, bv_err *err) {
  while (n > 0) {
    const uint8_t *p;
    size_t piece = n < BV_DBN_PIECE_MAX ? (size_t)n : BV_DBN_PIECE_MAX;
    BV_TRY(bv_dbn_stream_take(s, piece, &p, err));
    if (!p) {
      return bv_fail(err, BV_IO, "%s: the file is cut off after byte %lld; get it again",
                     bv_infile_name(s->in), (long long)(s->base + (int64_t)s->hi));
    }
    n -= piece;
  }
  return BV_OK;
}

long long bv_dbn_stream_at(const bv_dbn_stream *s) {
  return (long long)(s->base + (int64_t)s->lo);
}

static bv_rc cut_off(const bv_dbn_stream *s, bv_err *err) {
  return bv_fail(err, BV_IO,
                 "%s: record %lld at byte %lld is cut off: the file ends inside it; get it again",
                 bv_infile_name(s->in), (long long)s->records + 1, bv_dbn_stream_at(s));
}

static bv_rc bad_length(const bv_dbn_stream *s, size_t bytes, size_t least, const char *kind,
                        bv_err *err) {
  return bv_fail(err, BV_IO,
                 "%s: record %lld at byte %lld has a length of %zu bytes, but %s has %zu at "
                 "least; the file is damaged",
                 bv_infile_name(s->in), (long long)s->records + 1, bv_dbn_stream_at(s), bytes, kind,
                 least);
}

bv_rc bv_dbn_stream_next(bv_dbn_stream *s, int version, const uint8_t **rec, bv_err *err) {
  assert(version >= 1 && version <= BV_DBN_VERSIONS);
  *rec = NULL;
  BV_TRY(fill(s, BV_DBN_HEADER, err));
  size_t have = s->hi - s->lo;
  if (have == 0) return BV_OK;
  const uint8_t *p = s->buf + s->lo;
  size_t bytes = bv_dbn_bytes(p);
  if (bytes < BV_DBN_HEADER) return bad_length(s, bytes, BV_DBN_HEADER, "every record", err);
  if (have < BV_DBN_HEADER) return cut_off(s, err);
  const bv_dbn_type *type = bv_dbn_type_of(bv_dbn_rtype(p));
  size_t least = type->bytes[version - 1];
  if (bytes < least) return bad_length(s, bytes, least, type->name, err);
  BV_TRY(fill(s, bytes, err));
  if (s->hi - s->lo < bytes) return cut_off(s, err);
  *rec = s->buf + s->lo;
  s->lo += bytes;
  s->records++;
  return BV_OK;
}
