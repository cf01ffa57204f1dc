/* tile.c - rows of a join, column by column; see tile.h. */
#include "data/tile.h"
#include "base/alloc.h"

static bool open_column(bv_tile_col *c, size_t n) {
  c->word = bv_alloc(BV_MEM_CURSOR, n * sizeof *c->word);
  c->type = bv_alloc(BV_MEM_CURSOR, n * sizeof *c->type);
  c->seen = UINT8_MAX;
  c->ones = false;
  return c->word && c->type;
}

bv_rc bv_tile_open(bv_tile *t, int cap, unsigned mask, const bool *wanted, int nvalue) {
  size_t n = (size_t)cap;
  *t = (bv_tile){.cap = cap, .nvalue = nvalue};
  t->ts = bv_alloc(BV_MEM_CURSOR, n * sizeof *t->ts);
  t->lane = bv_alloc(BV_MEM_CURSOR, n * sizeof *t->lane);
  t->bar = bv_alloc(BV_MEM_CURSOR, n * sizeof *t->bar);
  t->value = bv_alloc0(BV_MEM_CURSOR, (size_t)nvalue * sizeof *t->value + 1);
  bool ok = t->ts && t->lane && t->bar && t->value;
  for (int c = 0; c < BV_NCOL && ok; c++) {
    if (mask & BV_COLBIT(c)) ok = open_column(&t->own[c], n);
  }
  for (int c = 0; c < nvalue && ok; c++) {
    if (wanted[c]) ok = open_column(&t->value[c], n);
  }
  return ok ? BV_OK : BV_NOMEM;
}

static void close_column(bv_tile_col *c) {
  bv_free(c->word);
  bv_free(c->type);
}

void bv_tile_close(bv_tile *t) {
  for (int c = 0; c < BV_NCOL; c++) close_column(&t->own[c]);
  for (int c = 0; t->value && c < t->nvalue; c++) close_column(&t->value[c]);
  bv_free(t->value);
  bv_free(t->ts);
  bv_free(t->lane);
  bv_free(t->bar);
  *t = (bv_tile){0};
}
