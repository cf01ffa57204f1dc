/* batch.c - the rows of one step; see batch.h. */
#include "run/batch.h"

#include "base/alloc.h"

#include <string.h>

void bv_batch_reset(bv_batch *b) {
  bv_free(b->row);
  bv_free(b->text);
  *b = (bv_batch){0};
}

void bv_batch_clear(bv_batch *b) {
  b->n = 0;
  b->used = 1; /* an offset of 0 is no text */
}

bv_signal *bv_batch_next(bv_batch *b) {
  if (bv_room(BV_MEM_RUN, &b->row, b->n, sizeof *b->row) != BV_OK) return NULL;
  return &b->row[b->n];
}

static bv_rc keep_text(bv_batch *b, const char **text) {
  if (!*text) return BV_OK;
  size_t n = strlen(*text) + 1;
  if (b->used + n > b->room) {
    size_t room = (b->used + n) * 2;
    char *more = bv_realloc(BV_MEM_RUN, b->text, room);
    if (!more) return BV_NOMEM;
    b->text = more;
    b->room = room;
  }
  memcpy(b->text + b->used, *text, n);
  *text = (const char *)(uintptr_t)b->used;
  b->used += n;
  return BV_OK;
}

bv_rc bv_batch_keep(bv_batch *b) {
  bv_signal *g = &b->row[b->n];
  for (int i = 0; i < BV_TEXTS; i++) BV_TRY(keep_text(b, &g->text[i]));
  b->n++;
  return BV_OK;
}

void bv_batch_seal(bv_batch *b) {
  for (int i = 0; i < b->n; i++) {
    for (int t = 0; t < BV_TEXTS; t++) {
      uintptr_t at = (uintptr_t)b->row[i].text[t];
      if (at) b->row[i].text[t] = b->text + at;
    }
  }
}
