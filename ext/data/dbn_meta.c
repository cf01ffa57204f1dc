/*
** dbn_meta.c - the head of a DBN file; see dbn_meta.h.
**
**      0   "DBN"                        offsets in the fixed part, from byte 8:
**      3   u8 version                        0  char[16] dataset
**      4   u32 bytes after this              16 u16 schema, 0xFFFF none
**      8   fixed part, 100 bytes             42 u8 stype_in, 43 u8 stype_out     (50, 51 in version 1)
**    108   u32, 0                            45 u16 length L of a symbol     (22 in version 1)
**    112   symbols, partial, not found: each a u32 count and as many char[L]
**          mappings: u32 count, each { char[L] symbol, u32 count,
**                                      count x { u32 first day, u32 end day, char[L] symbol } }
**          unused bytes
**
** Days are yyyymmdd.  It is read field by field, so that memory follows what is there and not what is
** claimed; every count is held against the bytes that are left for it.
*/
#include "data/dbn_meta.h"

#include "base/text.h"
#include "data/dbn_record.h"
#include "time/asset.h"
#include "time/instant.h"

#include <stdlib.h>
#include <string.h>

#define PRELUDE    8
#define FIXED      100
#define BYTES_MIN  120 /* the fixed part and five counts */
#define BYTES_MAX  ((uint32_t)256 << 20)
#define TEXTS_MAX  ((size_t)64 << 20)
#define SYMBOL_V1  22
#define INSTRUMENT 0 /* the stype of instrument numbers */

typedef struct interval {
  uint32_t instrument;
  int32_t first, end; /* days since 1970 */
  int32_t reach;      /* the latest end of this one and those of the instrument before it */
  uint32_t place;     /* in the file */
  uint32_t text;      /* offset in texts */
} interval;

typedef struct head {
  bv_dbn_meta *m;
  bv_dbn_stream *s;
  uint64_t left; /* bytes of the head not yet read */
  size_t length; /* of a symbol */
  uint8_t stype_in, stype_out;
  uint32_t place;
} head;

static bv_rc bad(const head *h, const char *what, bv_err *err) {
  return bv_fail(err, BV_IO, "%s: the metadata is damaged near byte %lld: %s",
                 bv_infile_name(h->s->in), bv_dbn_stream_at(h->s), what);
}

static bv_rc cut_off(const bv_dbn_stream *s, bv_err *err) {
  return bv_fail(err, BV_IO, "%s: the file is cut off inside its metadata; get it again",
                 bv_infile_name(s->in));
}

static bv_rc take(head *h, size_t n, const uint8_t **p, bv_err *err) {
  if (n > h->left) return bad(h, "a field lies behind their end", err);
  BV_TRY(bv_dbn_stream_take(h->s, n, p, err));
  if (!*p) return cut_off(h->s, err);
  h->left -= n;
  return BV_OK;
}

/* A count of things that have `each` bytes at least. */
static bv_rc take_count(head *h, size_t each, uint32_t *n, bv_err *err) {
  const uint8_t *p;
  BV_TRY(take(h, 4, &p, err));
  *n = bv_dbn_u32(p);
  if ((uint64_t)*n * each > h->left) return bad(h, "a count is larger than what is left", err);
  return BV_OK;
}

/* Text without control characters.  Spaces around it are left to whoever uses it, and so is a text
** that is too long for a name. */
static bool is_text(const char *p, size_t n) {
  while (n > 0 && p[0] == ' ') p++, n--;
  while (n > 0 && p[n - 1] == ' ') n--;
  return n == 0 || n > BV_ASSET_MAX || bv_asset_check(p, n, NULL) == BV_OK;
}

static bv_rc take_symbol(head *h, const char **text, size_t *n, bv_err *err) {
  const uint8_t *p;
  BV_TRY(take(h, h->length, &p, err));
  const uint8_t *zero = memchr(p, 0, h->length);
  if (!zero) return bad(h, "a symbol does not end inside its field", err);
  *text = (const char *)p;
  *n = (size_t)(zero - p);
  return is_text(*text, *n) ? BV_OK : bad(h, "a symbol is not UTF-8 text", err);
}

static bv_rc parse_day(const head *h, uint32_t yyyymmdd, int32_t *day, bv_err *err) {
  int year = (int)(yyyymmdd / 10000), month = (int)(yyyymmdd / 100 % 100),
      dom = (int)(yyyymmdd % 100);
  if (year < 1 || year > 9999 || month < 1 || month > 12 || dom < 1 ||
      dom > bv_month_days(year, month)) {
    return bv_fail(err, BV_IO, "%s: the metadata is damaged near byte %lld: %u is no day",
                   bv_infile_name(h->s->in), bv_dbn_stream_at(h->s), yyyymmdd);
  }
  *day = (int32_t)bv_days_from_civil(year, month, dom);
  return BV_OK;
}

static bv_rc parse_instrument(const head *h, const char *text, size_t n, uint32_t *out,
                              bv_err *err) {
  int64_t v;
  if (n == 0 || text[0] < '0' || text[0] > '9' || bv_parse_i64(text, n, &v) != BV_OK ||
      v > UINT32_MAX) {
    return bad(h, "a mapping's instrument is no number below 2^32", err);
  }
  *out = (uint32_t)v;
  return BV_OK;
}

static bv_rc too_many(const head *h, bv_rc rc, bv_err *err) {
  if (rc == BV_NOMEM) return bv_fail(err, rc, "out of memory");
  return bv_fail(err, rc, "%s: the metadata has more symbols than %zu MiB hold; split the file",
                 bv_infile_name(h->s->in), TEXTS_MAX >> 20);
}

static bv_rc keep_text(head *h, const char *text, size_t n, uint32_t *at, bv_err *err) {
  bv_buf *b = &h->m->texts;
  *at = (uint32_t)b->n;
  bv_rc rc = bv_buf_add(b, text, n);
  if (rc == BV_OK) rc = bv_buf_add(b, "", 1);
  return rc == BV_OK ? rc : too_many(h, rc, err);
}

/* The symbol a mapping is for: kept where instruments are looked up by it, else the instrument. */
typedef struct mapping {
  char number[16]; /* it may be an instrument's: its first bytes */
  size_t n;
  uint32_t text;
} mapping;

static bv_rc read_interval(head *h, const mapping *map, bv_err *err) {
  const uint8_t *p;
  const char *symbol;
  size_t n;
  interval v = {.text = map->text, .place = h->place++};
  BV_TRY(take(h, 8, &p, err));
  uint32_t first = bv_dbn_u32(p), end = bv_dbn_u32(p + 4);
  BV_TRY(parse_day(h, first, &v.first, err));
  BV_TRY(parse_day(h, end, &v.end, err));
  if (v.first > v.end) return bad(h, "an interval ends before it begins", err);
  BV_TRY(take_symbol(h, &symbol, &n, err));
  if (v.first == v.end || n == 0 || map->n == 0) return BV_OK;
  if (h->stype_out == INSTRUMENT) {
    BV_TRY(parse_instrument(h, symbol, n, &v.instrument, err));
  } else if (h->stype_in == INSTRUMENT) {
    BV_TRY(parse_instrument(h, map->number, map->n, &v.instrument, err));
    BV_TRY(keep_text(h, symbol, n, &v.text, err));
  } else {
    return BV_OK;
  }
  bv_rc rc = bv_buf_add(&h->m->intervals, &v, sizeof v);
  return rc == BV_OK ? rc : too_many(h, rc, err);
}

static bv_rc read_mapping(head *h, bv_err *err) {
  mapping map = {.text = 0};
  const char *symbol;
  uint32_t intervals;
  BV_TRY(take_symbol(h, &symbol, &map.n, err));
  memcpy(map.number, symbol, map.n < sizeof map.number ? map.n : sizeof map.number);
  if (h->stype_out == INSTRUMENT) {
    BV_TRY(keep_text(h, symbol, map.n, &map.text, err));
  } else if (map.n > sizeof map.number) {
    map.n = sizeof map.number; /* too long for a number either way */
  }
  BV_TRY(take_count(h, 8 + h->length, &intervals, err));
  for (uint32_t i = 0; i < intervals; i++) BV_TRY(read_interval(h, &map, err));
  return BV_OK;
}

static bv_rc read_lists(head *h, bv_err *err) {
  const char *symbol;
  uint32_t n;
  for (int list = 0; list < 3; list++) {
    size_t length;
    BV_TRY(take_count(h, h->length, &n, err));
    for (uint32_t i = 0; i < n; i++) BV_TRY(take_symbol(h, &symbol, &length, err));
  }
  BV_TRY(take_count(h, h->length + 4, &n, err));
  for (uint32_t i = 0; i < n; i++) BV_TRY(read_mapping(h, err));
  return BV_OK;
}

static int by_instrument(const void *a, const void *b) {
  const interval *x = a, *y = b;
  if (x->instrument != y->instrument) return x->instrument < y->instrument ? -1 : 1;
  if (x->first != y->first) return x->first < y->first ? -1 : 1;
  return x->place < y->place ? -1 : x->place > y->place;
}

static void sort_intervals(bv_dbn_meta *m) {
  interval *v = (interval *)(void *)m->intervals.p;
  size_t n = m->intervals.n / sizeof *v;
  if (n == 0) return;
  qsort(v, n, sizeof *v, by_instrument);
  for (size_t i = 0; i < n; i++) {
    bool same = i > 0 && v[i].instrument == v[i - 1].instrument;
    v[i].reach = same && v[i - 1].reach > v[i].end ? v[i - 1].reach : v[i].end;
  }
}

static bv_rc read_fixed(head *h, bv_err *err) {
  bv_dbn_meta *m = h->m;
  const uint8_t *p;
  BV_TRY(take(h, FIXED, &p, err));
  if (!memchr(p, 0, 16) || !is_text((const char *)p, strlen((const char *)p))) {
    return bad(h, "the dataset's name is not UTF-8 text", err);
  }
  memcpy(m->dataset, p, 16);
  m->schema = bv_dbn_u16(p + 16);
  const uint8_t *stypes = m->version == 1 ? p + 50 : p + 42;
  h->stype_in = stypes[0];
  h->stype_out = stypes[1];
  h->length = m->version == 1 ? SYMBOL_V1 : bv_dbn_u16(p + 45);
  if (h->length == 0) return bad(h, "symbols have a length of 0", err);
  BV_TRY(take(h, 4, &p, err));
  if (bv_dbn_u32(p) != 0) return bad(h, "there is a schema definition, which no version has", err);
  return BV_OK;
}

static bv_rc read_prelude(head *h, bv_err *err) {
  const char *name = bv_infile_name(h->s->in);
  const uint8_t *p;
  BV_TRY(bv_dbn_stream_take(h->s, PRELUDE, &p, err));
  if (!p) {
    return bv_fail(err, BV_IO, "%s: the file ends inside its first 8 bytes; get it again", name);
  }
  if (memcmp(p, "DBN", 3) != 0) return bv_fail(err, BV_ARG, "%s: this is not a DBN file", name);
  if (p[3] < 1 || p[3] > BV_DBN_VERSIONS) {
    return bv_fail(err, BV_ARG, "%s: this is DBN version %d; versions 1 to %d can be read", name,
                   p[3], BV_DBN_VERSIONS);
  }
  h->m->version = p[3];
  uint32_t bytes = bv_dbn_u32(p + 4);
  if (bytes < BYTES_MIN || bytes > BYTES_MAX) {
    return bv_fail(err, BV_IO,
                   "%s: the metadata is damaged: it says it has %u bytes; %d to %u can be", name,
                   bytes, BYTES_MIN, BYTES_MAX);
  }
  h->left = bytes;
  h->m->bytes = PRELUDE + (uint64_t)bytes;
  return BV_OK;
}

bv_rc bv_dbn_meta_read(bv_dbn_meta *m, bv_dbn_stream *s, bv_err *err) {
  *m = (bv_dbn_meta){0};
  bv_buf_init(&m->texts, BV_MEM_IMPORT, TEXTS_MAX);
  bv_buf_init(&m->intervals, BV_MEM_IMPORT, TEXTS_MAX);
  head h = {.m = m, .s = s};
  BV_TRY(read_prelude(&h, err));
  BV_TRY(read_fixed(&h, err));
  BV_TRY(read_lists(&h, err));
  BV_TRY(bv_dbn_stream_skip(s, h.left, err));
  sort_intervals(m);
  return BV_OK;
}

void bv_dbn_meta_reset(bv_dbn_meta *m) {
  bv_buf_reset(&m->texts);
  bv_buf_reset(&m->intervals);
}

const char *bv_dbn_meta_symbol(const bv_dbn_meta *m, uint32_t instrument, int32_t day) {
  const interval *v = (const interval *)(const void *)m->intervals.p, *found = NULL;
  size_t lo = 0, hi = m->intervals.n / sizeof *v;
  while (lo < hi) { /* behind the last interval that begins by that day */
    size_t mid = lo + (hi - lo) / 2;
    bool before =
        v[mid].instrument != instrument ? v[mid].instrument < instrument : v[mid].first <= day;
    if (before) {
      lo = mid + 1;
    } else {
      hi = mid;
    }
  }
  while (lo > 0 && v[lo - 1].instrument == instrument && v[lo - 1].reach > day) {
    lo--;
    if (v[lo].end > day && (!found || v[lo].place > found->place)) found = &v[lo];
  }
  return found ? m->texts.p + found->text : NULL;
}
