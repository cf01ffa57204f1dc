/* request_code.c - requests as bytes, and back; see request_code.h. */
#include "run/request_code.h"
#include "col/crc32c.h"

#include <stddef.h>
#include <string.h>

#define MOST_BYTES (256u << 20)

typedef enum kind { TEXT, NUMBER, WHOLE, CHOICE, FLAG } kind;

#define ASK(field) offsetof(bv_signal, ask.field)

static const struct {
  kind kind;
  size_t at; /* in bv_signal; of a text: its number */
} fields[] = {
    {TEXT, BV_TEXT_ASSET},
    {NUMBER, ASK(amount)},
    {CHOICE, ASK(ask)},
    {FLAG, offsetof(bv_signal, none)},
    {FLAG, offsetof(bv_signal, no_order)},
    {TEXT, BV_TEXT_TAG},
    {CHOICE, ASK(type)},
    {NUMBER, ASK(limit)},
    {NUMBER, ASK(stop)},
    {NUMBER, ASK(take_profit)},
    {NUMBER, ASK(stop_loss)},
    {CHOICE, ASK(tif)},
    {WHOLE, ASK(until)},
    {NUMBER, ASK(trail)},
    {NUMBER, ASK(trail_percent)},
    {CHOICE, ASK(reduce_only)},
    {TEXT, BV_TEXT_OCO},
    {TEXT, BV_TEXT_CLOSES},
    {TEXT, BV_TEXT_OTO},
    {TEXT, BV_TEXT_CANCEL},
    {TEXT, BV_TEXT_REPLACE},
    {TEXT, BV_TEXT_COMBO},
    {NUMBER, ASK(net_limit)},
    {CHOICE, ASK(has_net_limit)},
};
enum { FIELDS = sizeof fields / sizeof *fields };

_Static_assert(
    sizeof(void *) != 8 || (sizeof(bv_sim_request) == 144 && sizeof(bv_signal) == 224),
    "a new field of a request is a row of fields[], a bit of the mask, and in the header");
_Static_assert(sizeof(bv_ask) == 4 && sizeof(bool) == 1, "choices and flags are read as such");

static uint64_t zigzag(int64_t x) {
  return ((uint64_t)x << 1) ^ (uint64_t)(x >> 63);
}

static int64_t unzigzag(uint64_t u) {
  return (int64_t)((u >> 1) ^ (0 - (u & 1)));
}

/* A field that is no text, as 64 bits. */
static uint64_t bits_at(const bv_signal *g, int f) {
  const char *p = (const char *)g + fields[f].at;
  uint64_t u = 0;
  int32_t i;
  switch (fields[f].kind) {
  case CHOICE: memcpy(&i, p, sizeof i); return (uint64_t)(int64_t)i;
  case FLAG: return *(const bool *)p;
  default: memcpy(&u, p, sizeof u); return u;
  }
}

static void set_bits(bv_signal *g, int f, uint64_t u) {
  char *p = (char *)g + fields[f].at;
  int32_t i = (int32_t)(int64_t)u;
  switch (fields[f].kind) {
  case CHOICE: memcpy(p, &i, sizeof i); break;
  case FLAG: *(bool *)p = u != 0; break;
  default: memcpy(p, &u, sizeof u); break;
  }
}

static void state_begin(bv_request_state *s) {
  s->at = 0;
  memset(&s->g, 0, sizeof s->g);
}

static void state_reset(bv_request_state *s) {
  for (int i = 0; i < BV_TEXTS; i++) bv_free(s->text[i]);
  *s = (bv_request_state){0};
}

/* Let text i of a state be a copy of n bytes; p NULL: none. */
static bv_rc set_text(bv_request_state *s, size_t i, const char *p, size_t n) {
  s->g.text[i] = NULL;
  if (!p) return BV_OK;
  if (n + 1 > s->cap[i]) {
    char *more = bv_realloc(BV_MEM_RUN, s->text[i], 2 * (n + 1));
    if (!more) return BV_NOMEM;
    s->text[i] = more;
    s->cap[i] = 2 * (n + 1);
  }
  memcpy(s->text[i], p, n);
  s->text[i][n] = 0;
  s->g.text[i] = s->text[i];
  return BV_OK;
}

/* ---- writing ---- */

void bv_request_writer_init(bv_request_writer *w) {
  *w = (bv_request_writer){0};
  bv_buf_init(&w->buf, BV_MEM_RUN, MOST_BYTES);
}

void bv_request_writer_reset(bv_request_writer *w) {
  bv_buf_reset(&w->buf);
  state_reset(&w->last);
}

void bv_request_begin(bv_request_writer *w) {
  bv_buf_clear(&w->buf);
  w->n = 0;
  state_begin(&w->last);
}

static bv_rc put_varint(bv_buf *b, uint64_t x) {
  uint8_t p[10];
  size_t n = 0;
  for (; x >= 128; x >>= 7) p[n++] = (uint8_t)(x | 128);
  p[n++] = (uint8_t)x;
  return bv_buf_add(b, p, n);
}

static bool same(const bv_signal *a, const bv_signal *b, int f) {
  if (fields[f].kind != TEXT) return bits_at(a, f) == bits_at(b, f);
  const char *x = a->text[fields[f].at], *y = b->text[fields[f].at];
  return x && y ? strcmp(x, y) == 0 : x == y;
}

static bv_rc put_field(bv_request_writer *w, const bv_signal *g, int f) {
  if (fields[f].kind == TEXT) {
    const char *text = g->text[fields[f].at];
    const size_t n = text ? strlen(text) : 0;
    BV_TRY(put_varint(&w->buf, text ? n + 1 : 0));
    BV_TRY(bv_buf_add(&w->buf, text ? text : "", n));
    return set_text(&w->last, fields[f].at, text, n);
  }
  const uint64_t u = bits_at(g, f);
  set_bits(&w->last.g, f, u);
  if (fields[f].kind != NUMBER) return put_varint(&w->buf, zigzag((int64_t)u));
  uint8_t p[8];
  for (int b = 0; b < 8; b++) p[b] = (uint8_t)(u >> (8 * b));
  return bv_buf_add(&w->buf, p, sizeof p);
}

bv_rc bv_request_put(bv_request_writer *w, int64_t at, const bv_signal *g) {
  uint64_t mask = 0;
  for (int f = 0; f < FIELDS; f++) mask |= (uint64_t)!same(g, &w->last.g, f) << f;
  BV_TRY(put_varint(&w->buf, zigzag((int64_t)((uint64_t)at - (uint64_t)w->last.at))));
  BV_TRY(put_varint(&w->buf, mask));
  for (int f = 0; f < FIELDS; f++) {
    if (mask >> f & 1) BV_TRY(put_field(w, g, f));
  }
  if (w->n == 0) w->first = at;
  w->last.at = at;
  w->n++;
  return BV_OK;
}

bv_rc bv_request_bytes(bv_request_writer *w, const void **p, size_t *n) {
  const uint32_t crc = bv_crc32c(w->buf.p, w->buf.n);
  const uint8_t bytes[4] = {(uint8_t)crc, (uint8_t)(crc >> 8), (uint8_t)(crc >> 16),
                            (uint8_t)(crc >> 24)};
  BV_TRY(bv_buf_add(&w->buf, bytes, sizeof bytes));
  *p = w->buf.p;
  *n = w->buf.n;
  w->buf.n -= sizeof bytes;
  return BV_OK;
}

/* ---- reading ---- */

void bv_request_reader_init(bv_request_reader *r) {
  *r = (bv_request_reader){0};
  bv_buf_init(&r->blob, BV_MEM_RUN, MOST_BYTES);
}

void bv_request_reader_reset(bv_request_reader *r) {
  bv_buf_reset(&r->blob);
  state_reset(&r->now);
}

static bv_rc damaged(bv_err *err) {
  return bv_fail(err, BV_CORRUPT, "bt_request: a chunk is damaged");
}

bv_rc bv_request_load(bv_request_reader *r, const void *p, size_t size, int64_t n, bv_err *err) {
  const uint8_t *u = p;
  if (!p || size < 4 || n < 0 || (uint64_t)n > size) return damaged(err);
  const uint8_t *c = u + size - 4;
  const uint32_t crc =
      (uint32_t)c[0] | (uint32_t)c[1] << 8 | (uint32_t)c[2] << 16 | (uint32_t)c[3] << 24;
  if (bv_crc32c(p, size - 4) != crc) return damaged(err);
  bv_buf_clear(&r->blob);
  BV_TRY(bv_buf_add(&r->blob, p, size - 4));
  r->size = size - 4;
  r->pos = 0;
  r->left = n;
  state_begin(&r->now);
  return BV_OK;
}

static bv_rc get_varint(bv_request_reader *r, uint64_t *out, bv_err *err) {
  *out = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    if (r->pos == r->size) return damaged(err);
    const uint8_t b = (uint8_t)r->blob.p[r->pos++];
    *out |= (uint64_t)(b & 127) << shift;
    if (b < 128) return BV_OK;
  }
  return damaged(err);
}

static bv_rc get_text(bv_request_reader *r, size_t i, bv_err *err) {
  uint64_t n;
  BV_TRY(get_varint(r, &n, err));
  if (n == 0) return set_text(&r->now, i, NULL, 0);
  if (n - 1 > r->size - r->pos) return damaged(err);
  const char *p = r->blob.p + r->pos;
  r->pos += n - 1;
  return set_text(&r->now, i, p, n - 1);
}

static bv_rc get_field(bv_request_reader *r, int f, bv_err *err) {
  uint64_t u = 0;
  if (fields[f].kind == TEXT) return get_text(r, fields[f].at, err);
  if (fields[f].kind == NUMBER) {
    if (r->size - r->pos < 8) return damaged(err);
    for (int b = 0; b < 8; b++) u |= (uint64_t)(uint8_t)r->blob.p[r->pos++] << (8 * b);
  } else {
    BV_TRY(get_varint(r, &u, err));
    u = (uint64_t)unzigzag(u);
  }
  set_bits(&r->now.g, f, u);
  return BV_OK;
}

/* Whether the choices are some that there are. */
static bool choices_ok(const bv_sim_request *a) {
  return (unsigned)a->ask <= BV_ASK_CANCEL && (unsigned)a->type <= BV_TYPE_LIMIT_ON_CLOSE &&
         (unsigned)a->tif <= BV_TIF_CLS;
}

bv_rc bv_request_get(bv_request_reader *r, bv_signal *out, bv_err *err) {
  uint64_t delta, mask;
  if (r->left <= 0) return damaged(err);
  BV_TRY(get_varint(r, &delta, err));
  BV_TRY(get_varint(r, &mask, err));
  if (mask >> FIELDS) return damaged(err);
  r->now.at = (int64_t)((uint64_t)r->now.at + (uint64_t)unzigzag(delta));
  for (int f = 0; f < FIELDS; f++) {
    if (mask >> f & 1) BV_TRY(get_field(r, f, err));
  }
  r->left--;
  if (!choices_ok(&r->now.g.ask)) return damaged(err);
  if (!r->now.g.text[BV_TEXT_ASSET] || (r->left == 0 && r->pos != r->size)) return damaged(err);
  *out = r->now.g;
  out->known_at = r->now.at;
  return BV_OK;
}
