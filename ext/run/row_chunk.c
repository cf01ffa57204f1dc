/*
** row_chunk.c - some rows of a result table as bytes, and back.
**
** FORMAT of table bt_chunk, version 1.  A row of it is up to 4,096 rows of one kind and run:
**
**     run, kind     kind is 'order', 'fill', 'lot', 'cash_flow', 'margin_call', 'risk' or 'trigger'
**     first, last   the smallest and largest number of a row; (run, kind, first) is the key
**     n             rows
**     checksum      CRC-32C of data
**     data          as follows; integers are little-endian, "varint" is base 128, low group first
**
**   u8       0x52
**   u8       version, 1
**   u8       m, columns
**   u8       0
**   u32      n
**   m x u32  bytes of every column
**   m columns, in the order of row_table.c without run:
**     numbers and doubles     a block (col/block.c); NULL is 0 where numbers may be NULL (BV_ROW_REF), and
**                             NaN in doubles
**     texts                   varint d, texts; d times: varint bytes, the text in UTF-8, u8 0; then a
**                             block of integers: which of them, from 0; d is NULL
**
** The first column rises from first to last.  A chunk with fewer columns than the table is of an earlier
** version: the others are NULL.  What is there beyond them is of a later one and not read.
*/
#include "run/row_chunk.h"
#include "col/crc32c.h"
#include "col/segdir.h"

#include <math.h>
#include <string.h>

enum { MAGIC = 0x52, VERSION = 1, HEAD = 8, SLOTS = 2 * BV_ROW_CHUNK };

_Static_assert((SLOTS & (SLOTS - 1)) == 0, "a power of two");

/* ---- writing ---- */

static size_t hash_bits(uint64_t x) {
  return (size_t)((x * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & (SLOTS - 1);
}

static size_t hash_text(const char *text, size_t n) {
  uint64_t h = n;
  for (size_t i = 0; i < n; i++) h = (h ^ (uint8_t)text[i]) * UINT64_C(0x100000001b3);
  return hash_bits(h);
}

/* The number of a text, which may be new. */
static int by_text(bv_row_dict *d, const char *text) {
  const size_t bytes = strlen(text);
  size_t at = hash_text(text, bytes);
  for (; d->slot[at]; at = (at + 1) & (SLOTS - 1)) {
    const int k = d->slot[at] - 1;
    if (d->bytes[k] == bytes && memcmp(d->text[k], text, bytes) == 0) return k;
  }
  d->text[d->n] = text;
  d->bytes[d->n] = bytes;
  d->slot[at] = (uint16_t)++d->n;
  return d->n - 1;
}

/* The same by its address first: most texts are met again at the same place. */
static int by_address(bv_row_dict *d, const char *text) {
  size_t at = hash_bits((uint64_t)(uintptr_t)text >> 3);
  for (; d->seen[at]; at = (at + 1) & (SLOTS - 1)) {
    if (d->seen[at] == text) return d->seen_as[at];
  }
  d->seen[at] = text;
  d->seen_as[at] = (uint16_t)by_text(d, text);
  return d->seen_as[at];
}

static bool same_address(const char *const *text, size_t n) {
  return memcmp(text, text + 1, (n - 1) * sizeof *text) == 0;
}

/* Numbers of all texts, in order of their first appearance. */
static void number_texts(bv_row_dict *d, const char *const *text, size_t n) {
  d->n = 0;
  if (same_address(text, n)) {
    if (text[0]) d->text[0] = text[0];
    if (text[0]) d->bytes[d->n++] = strlen(text[0]);
    memset(d->code, 0, n * sizeof *d->code);
    return;
  }
  memset(d->seen, 0, sizeof d->seen);
  memset(d->slot, 0, sizeof d->slot);
  for (size_t i = 0; i < n; i++) {
    if (!text[i])
      d->code[i] = -1;
    else
      d->code[i] = i > 0 && text[i] == text[i - 1] ? d->code[i - 1] : by_address(d, text[i]);
  }
  for (size_t i = 0; i < n; i++)
    if (d->code[i] < 0) d->code[i] = d->n;
}

static bv_rc put_texts(bv_row_room *room, const char *const *text, size_t n, bv_block_hint *hint,
                       bv_buf *out) {
  bv_row_dict *d = &room->dict;
  number_texts(d, text, n);
  BV_TRY(bv_varint_put(out, (uint64_t)d->n));
  for (int i = 0; i < d->n; i++) {
    BV_TRY(bv_varint_put(out, d->bytes[i]));
    BV_TRY(bv_buf_add(out, d->text[i], d->bytes[i] + 1));
  }
  return bv_block_put_int(&room->block, d->code, n, hint, out);
}

static void store32(char *p, size_t x) {
  for (int i = 0; i < 4; i++) p[i] = (char)(uint8_t)(x >> (8 * i));
}

bv_rc bv_row_encode(bv_row_room *room, const bv_row_table *t, void *const *col, size_t n,
                    bv_block_hint *hint, bv_buf *out) {
  const size_t start = out->n, head = HEAD + 4 * (size_t)t->ncolumn;
  BV_TRY(bv_buf_reserve(out, head));
  char *p = out->p + start;
  memset(p, 0, head);
  p[0] = MAGIC;
  p[1] = VERSION;
  p[2] = (char)t->ncolumn;
  store32(p + 4, n);
  out->n += head;
  for (int i = 0; i < t->ncolumn; i++) {
    const size_t before = out->n;
    bv_block_hint *of = hint ? &hint[i] : NULL;
    switch (t->column[i].type) {
    case BV_ROW_REAL: BV_TRY(bv_block_put_real(&room->block, col[i], n, of, out)); break;
    case BV_ROW_TEXT: BV_TRY(put_texts(room, col[i], n, of, out)); break;
    default: BV_TRY(bv_block_put_int(&room->block, col[i], n, of, out)); break;
    }
    store32(out->p + start + HEAD + 4 * (size_t)i, out->n - before);
  }
  return BV_OK;
}

/* ---- reading ---- */

static size_t load32(const uint8_t *p) {
  return (size_t)p[0] | (size_t)p[1] << 8 | (size_t)p[2] << 16 | (size_t)p[3] << 24;
}

/* Where every column is; the sizes must make up the whole. */
static bool take_head(bv_row_chunk *c, size_t size) {
  const uint8_t *p = c->data;
  if (size < HEAD || p[0] != MAGIC || p[1] != VERSION || p[3] != 0 || load32(p + 4) != c->n)
    return false;
  const int m = p[2];
  size_t at = HEAD + 4 * (size_t)m;
  for (int i = 0; i < m; i++) {
    if (at > size) return false;
    const size_t bytes = load32(p + HEAD + 4 * (size_t)i);
    if (bytes > size - at) return false;
    if (i < c->table->ncolumn) {
      c->at[i] = p + at;
      c->size[i] = bytes;
    }
    at += bytes;
  }
  c->stored = m < c->table->ncolumn ? m : c->table->ncolumn;
  return m > 0 && at == size;
}

static bv_rc corrupt(const bv_row_chunk *c, const char *what, bv_err *err) {
  return bv_fail(err, BV_CORRUPT, "bt_chunk: the chunk of %s rows %lld to %lld is damaged: %s",
                 c->table->kind, (long long)c->first, (long long)c->last, what);
}

bv_rc bv_row_chunk_new(const bv_row_table *t, const void *data, int64_t size, int64_t n,
                       int64_t first, int64_t last, int64_t checksum, bv_row_chunk **out,
                       bv_err *err) {
  const bv_row_chunk told = {.table = t, .first = first, .last = last};
  *out = NULL;
  if (!data || n <= 0 || n > BV_ROW_CHUNK || first > last)
    return corrupt(&told, "n, first or last cannot be", err);
  if (checksum != (int64_t)bv_crc32c(data, (size_t)size))
    return corrupt(&told, "the checksum is not that of the data", err);
  bv_row_chunk *c = bv_alloc0(BV_MEM_DECODE, sizeof *c);
  if (!c) return BV_NOMEM;
  *c = told;
  c->n = (size_t)n;
  c->bytes = (int64_t)sizeof *c + size;
  c->data = bv_alloc(BV_MEM_DECODE, (size_t)size);
  bv_rc rc = c->data ? BV_OK : BV_NOMEM;
  if (rc == BV_OK) memcpy(c->data, data, (size_t)size);
  if (rc == BV_OK && !take_head(c, (size_t)size)) rc = corrupt(c, "its head", err);
  if (rc == BV_OK) *out = c;
  if (rc != BV_OK) bv_row_chunk_free(c);
  return rc;
}

void bv_row_chunk_free(bv_row_chunk *c) {
  if (!c) return;
  for (int i = 0; i < c->table->ncolumn; i++) bv_free(c->col[i]);
  bv_free(c->data);
  bv_free(c->texts);
  bv_free(c);
}

bv_row_chunk *bv_row_chunk_empty(const bv_row_table *t, size_t n, uint32_t columns) {
  bv_row_chunk *c = bv_alloc0(BV_MEM_DECODE, sizeof *c);
  if (!c) return NULL;
  c->table = t;
  c->n = n;
  for (int i = 0; i < t->ncolumn; i++) {
    if (!(columns >> i & 1)) continue;
    c->col[i] = bv_alloc(BV_MEM_DECODE, n * 8);
    if (c->col[i]) continue;
    bv_row_chunk_free(c);
    return NULL;
  }
  return c;
}

/* The texts of a column, and how many; *used gets the bytes they took. */
static bool get_texts(const uint8_t *p, size_t bytes, size_t n, const char **text, size_t *count,
                      size_t *used) {
  const uint8_t *const start = p, *const end = p + bytes;
  uint64_t d, size;
  p = bv_varint_get(p, end, &d);
  if (p == NULL || d > n) return false;
  for (size_t i = 0; i < d; i++) {
    p = bv_varint_get(p, end, &size);
    if (p == NULL || size >= (size_t)(end - p) || p[size] != 0) return false;
    text[i] = (const char *)p;
    p += size + 1;
  }
  *count = (size_t)d;
  *used = (size_t)(p - start);
  return true;
}

static bool decode_texts(const bv_row_chunk *c, int i, bv_row_room *room, const char **out) {
  bv_row_dict *d = &room->dict;
  size_t count, used;
  if (!get_texts(c->at[i], c->size[i], c->n, d->text, &count, &used)) return false;
  if (!bv_block_get_int(&room->block, c->at[i] + used, c->size[i] - used, c->n, d->code))
    return false;
  for (size_t k = 0; k < c->n; k++) {
    if (d->code[k] < 0 || (size_t)d->code[k] > count) return false;
    out[k] = (size_t)d->code[k] == count ? NULL : d->text[d->code[k]];
  }
  return true;
}

static bool decode_numbers(const bv_row_chunk *c, bv_row_room *room, int64_t *out) {
  if (!bv_block_get_int(&room->block, c->at[0], c->size[0], c->n, out)) return false;
  for (size_t k = 1; k < c->n; k++)
    if (out[k] <= out[k - 1]) return false;
  return out[0] == c->first && out[c->n - 1] == c->last;
}

static bool decode(const bv_row_chunk *c, int i, bv_row_room *room, void *out) {
  if (i == 0) return decode_numbers(c, room, out);
  switch (c->table->column[i].type) {
  case BV_ROW_REAL: return bv_block_get_real(&room->block, c->at[i], c->size[i], c->n, out);
  case BV_ROW_TEXT: return decode_texts(c, i, room, out);
  default: return bv_block_get_int(&room->block, c->at[i], c->size[i], c->n, out);
  }
}

/* A column that an earlier version did not have. */
static void fill_null(const bv_row_chunk *c, int i, void *out) {
  double *real = out;
  memset(out, 0, c->n * 8);
  for (size_t k = 0; c->table->column[i].type == BV_ROW_REAL && k < c->n; k++) real[k] = NAN;
}

bv_rc bv_row_chunk_need(bv_row_chunk *c, int i, bv_row_room **room, bv_err *err) {
  if (c->col[i]) return BV_OK;
  if (!c->data) return bv_fail(err, BV_INTERNAL, "bt_chunk: a column was not asked for");
  if (!*room) *room = bv_alloc(BV_MEM_DECODE, sizeof **room);
  void *out = *room ? bv_alloc(BV_MEM_DECODE, c->n * 8) : NULL;
  if (!out) return BV_NOMEM;
  if (i >= c->stored) {
    fill_null(c, i, out);
  } else if (!decode(c, i, *room, out)) {
    bv_free(out);
    return corrupt(c, c->table->column[i].name, err);
  }
  c->col[i] = out;
  c->bytes += (int64_t)(c->n * 8);
  return BV_OK;
}

size_t bv_row_lower(const int64_t *id, size_t n, int64_t number) {
  size_t lo = 0, hi = n;
  if (n == 0 || number <= id[0]) return 0;
  const uint64_t straight = (uint64_t)number - (uint64_t)id[0]; /* most have no gaps */
  if (straight < n && id[straight] == number) return (size_t)straight;
  while (lo < hi) {
    const size_t mid = lo + (hi - lo) / 2;
    if (id[mid] < number)
      lo = mid + 1;
    else
      hi = mid;
  }
  return lo;
}

bv_rc bv_row_chunk_all(bv_row_chunk *c, bv_row_room **room, bv_err *err) {
  for (int i = 0; i < c->table->ncolumn; i++) BV_TRY(bv_row_chunk_need(c, i, room, err));
  return BV_OK;
}
