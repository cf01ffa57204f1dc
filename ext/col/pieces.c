/* pieces.c - columns of a sealed chunk, a piece at a time; see pieces.h. */
#include "col/pieces.h"
#include "base/alloc.h"
#include "col/segread.h"

#include <string.h>

/* Memory of a column: a line of the cache, of which the last value is the one before the piece, and the piece. */
#define LINE   64
#define BEFORE 8
#define STRIDE ((BEFORE + BV_PIECE) * sizeof(double))
#define PAGE   4096

typedef struct failure {
  bv_rc rc;
  int col;
  bv_err err;
} failure;

struct bv_pieces {
  bv_task task; /* first: whose piece it decodes */
  unsigned columns, has, wanted;
  int number;
  int64_t total;
  bv_segread *reader[BV_SEG_NCOL];
  bool begun[BV_SEG_NCOL];   /* readers that have begun with what they hold */
  int64_t past[BV_SEG_NCOL]; /* bars that they have passed */
  bv_piece now, next;
  unsigned coming; /* columns of the next piece that are decoded with it */
  int side, to;    /* where they lie */
  char *room[2];   /* of all columns; the second where there is a crew */
  failure failed;  /* of decoding the next piece */
};

int64_t bv_pieces_bytes(int columns, int64_t bars) {
  return (int64_t)sizeof(bv_pieces) + PAGE + columns * ((int64_t)STRIDE + 3 * bars);
}

static void decode_task(bv_task *t, void *ctx);

bv_rc bv_pieces_new(unsigned columns, int number, bv_pieces **out) {
  *out = NULL;
  bv_pieces *p = bv_alloc0(BV_MEM_CURSOR, sizeof *p);
  if (!p) return BV_NOMEM;
  p->task.run = decode_task;
  p->columns = p->wanted = columns;
  p->number = number;
  *out = p;
  return BV_OK;
}

void bv_pieces_free(bv_pieces *p, bv_crew *crew) {
  if (!p) return;
  bv_pieces_leave(p, crew);
  for (int c = 0; c < BV_SEG_NCOL; c++) bv_segread_free(p->reader[c]);
  bv_free(p->room[0]);
  bv_free(p->room[1]);
  bv_free(p);
}

/* ---- chunks ---- */

void bv_pieces_leave(bv_pieces *p, bv_crew *crew) {
  (void)bv_crew_take(crew, &p->task, NULL);
  p->has = 0;
  p->total = 0;
  p->now = (bv_piece){0};
}

bv_rc bv_pieces_hold(bv_pieces *p, bv_column col, const void *blob, size_t bytes) {
  if (!p->reader[col]) BV_TRY(bv_segread_new(&p->reader[col]));
  BV_TRY(bv_segread_hold(p->reader[col], blob, bytes));
  p->has |= BV_COLBIT(col);
  return BV_OK;
}

void bv_pieces_begin(bv_pieces *p, int64_t n) {
  p->total = n;
  memset(p->begun, 0, sizeof p->begun);
  memset(p->past, 0, sizeof p->past);
  p->now = (bv_piece){0};
}

void bv_pieces_want(bv_pieces *p, unsigned columns) {
  p->wanted = columns | BV_COLBIT(BV_COL_CLOSE);
}

unsigned bv_pieces_has(const bv_pieces *p) {
  return p->has;
}

const bv_piece *bv_pieces_at(const bv_pieces *p) {
  return &p->now;
}

/* ---- decoding ---- */

/* Columns of many chunks are read side by side, at the same place in each; where each begins elsewhere in its page, those
** places do not share a few sets of the processor's caches. */
static bool make_room(bv_pieces *p, int side) {
  const int columns = __builtin_popcount(p->columns);
  if (!p->room[side]) {
    p->room[side] = bv_alloc(BV_MEM_CURSOR, (size_t)columns * STRIDE + PAGE + LINE);
  }
  return p->room[side] != NULL;
}

static double *room_of(const bv_pieces *p, int side, int col) {
  const int columns = __builtin_popcount(p->columns);
  const int k = __builtin_popcount(p->columns & (BV_COLBIT(col) - 1));
  uintptr_t from = ((uintptr_t)p->room[side] + LINE - 1) / LINE * LINE;
  from += (uintptr_t)(p->number * columns) * LINE % PAGE;
  return (double *)(from + (uintptr_t)k * STRIDE) + BEFORE;
}

/* A column must have those before it that it is coded against. */
static bv_rc begin_reader(bv_pieces *p, int c, bv_segctx *ctx, bv_err *err) {
  BV_TRY(bv_segread_begin(p->reader[c], ctx, (bv_column)c, err));
  if ((int64_t)bv_segread_bars(p->reader[c]) != p->total) {
    return bv_fail(err, BV_CORRUPT, "count differs");
  }
  if (bv_segread_needs(p->reader[c]) & ~p->has) {
    return bv_fail(err, BV_CORRUPT, "a column it is coded against is missing");
  }
  p->begun[c] = true;
  return BV_OK;
}

/* How many of the next n bars lie in one block, at least one. */
static bv_rc in_block(bv_segread *r, int64_t n, size_t *out, bool *whole, bv_err *err) {
  BV_TRY(bv_segread_left(r, out, whole, err));
  if (*out == 0) return bv_fail(err, BV_CORRUPT, "count differs");
  if (*out > (size_t)n) *out = (size_t)n;
  return BV_OK;
}

static bv_rc skip_to(bv_pieces *p, int c, int64_t at, bv_segctx *ctx, double *scratch,
                     bv_err *err) {
  while (p->past[c] < at) {
    size_t n;
    bool whole;
    const int64_t left = at - p->past[c];
    BV_TRY(in_block(p->reader[c], left < BV_PIECE ? left : BV_PIECE, &n, &whole, err));
    BV_TRY(bv_segread_skip(p->reader[c], ctx, n, scratch, err));
    p->past[c] += (int64_t)n;
  }
  return BV_OK;
}

/* Decode a column of a piece that lies on a side, after those it is coded against. */
static bv_rc decode_column(bv_pieces *p, bv_piece *x, int side, int c, bv_segctx *ctx,
                           bv_err *err) {
  double *to = room_of(p, side, c);
  const int back = x->at > 0; /* the bar before is there, too */
  bv_deps deps = {.at = (size_t)back};
  if (x->have & BV_COLBIT(BV_COL_OPEN)) deps.open = x->col[BV_COL_OPEN] - back;
  if (x->have & BV_COLBIT(BV_COL_CLOSE)) deps.close = x->col[BV_COL_CLOSE] - back;
  if (!p->begun[c]) BV_TRY(begin_reader(p, c, ctx, err));
  BV_TRY(skip_to(p, c, x->at, ctx, to, err));
  bool all_whole = true;
  for (int64_t i = 0; i < x->n;) {
    size_t n;
    bool whole;
    BV_TRY(in_block(p->reader[c], x->n - i, &n, &whole, err));
    BV_TRY(bv_segread_next(p->reader[c], ctx, n, &deps, to + i, err));
    deps.at += n;
    i += (int64_t)n;
    p->past[c] = x->at + i;
    all_whole &= whole;
  }
  x->col[c] = to;
  x->have |= BV_COLBIT(c);
  if (all_whole) x->whole |= BV_COLBIT(c);
  return BV_OK;
}

static bv_rc decode_columns(bv_pieces *p, bv_piece *x, int side, unsigned columns, bv_segctx *ctx,
                            failure *f) {
  static const int order[BV_SEG_NCOL] = {BV_COL_CLOSE,  BV_COL_OPEN, BV_COL_HIGH,   BV_COL_LOW,
                                         BV_COL_VOLUME, BV_COL_VWAP, BV_COL_TRADES, BV_COL_BID,
                                         BV_COL_ASK,    BV_COL_OI};
  f->rc = BV_OK;
  bv_err_clear(&f->err);
  for (int i = 0; i < BV_SEG_NCOL && x->n > 0 && f->rc == BV_OK; i++) {
    f->col = order[i];
    if (!(columns & ~x->have & BV_COLBIT(f->col))) continue;
    f->rc = decode_column(p, x, side, f->col, ctx, &f->err);
  }
  return f->rc;
}

/* What follows needs nothing of the piece at hand any more, nor of what may happen to it. */
static bool prepare(bv_pieces *p, int to, unsigned columns) {
  bv_piece *x = &p->next;
  const bv_piece *now = &p->now;
  if (!make_room(p, to)) return false;
  p->to = to;
  p->coming = columns & p->has;
  *x = (bv_piece){.at = now->at + now->n};
  x->n = p->total - x->at < BV_PIECE ? p->total - x->at : BV_PIECE;
  const double *close = now->n > 0 ? now->col[BV_COL_CLOSE] : NULL;
  if (close) room_of(p, to, BV_COL_CLOSE)[-1] = close[now->n - 1];
  return true;
}

static void decode_task(bv_task *t, void *ctx) {
  bv_pieces *p = (bv_pieces *)t;
  (void)decode_columns(p, &p->next, p->to, p->coming, ctx, &p->failed);
}

/* Columns that the piece at hand has not may still be asked for: their readers must not go on before it is used up. */
void bv_pieces_ahead(bv_pieces *p, bv_crew *crew) {
  if (p->now.at + p->now.n >= p->total) return;
  if (!prepare(p, !p->side, p->now.n > 0 ? p->wanted & p->now.have : p->wanted)) return;
  bv_crew_give(crew, &p->task);
}

static bv_rc tell(const failure *f, int *bad, bv_err *err) {
  if (f->rc == BV_OK) return BV_OK;
  *bad = f->col;
  if (err) *err = f->err;
  return f->rc;
}

bv_rc bv_pieces_next(bv_pieces *p, bv_crew *crew, bv_segctx *ctx, int *bad, bv_err *err) {
  if (!bv_crew_take(crew, &p->task, ctx)) {
    if (!prepare(p, p->side, p->wanted)) return bv_fail(err, BV_NOMEM, "segment: no memory");
    decode_task(&p->task, ctx);
  }
  BV_TRY(tell(&p->failed, bad, err));
  p->now = p->next;
  p->side = p->to;
  return bv_pieces_fill(p, ctx, bad, err);
}

bv_rc bv_pieces_fill(bv_pieces *p, bv_segctx *ctx, int *bad, bv_err *err) {
  failure f;
  const unsigned wanted = p->has & p->wanted;
  if (p->now.n == 0 || !(wanted & ~p->now.have)) return BV_OK;
  (void)decode_columns(p, &p->now, p->side, wanted, ctx, &f);
  return tell(&f, bad, err);
}
