/* pieces.c - columns of a sealed chunk, a piece at a time; see pieces.h. */
#include "col/pieces.h"
#include "base/alloc.h"
#include "col/segread.h"

/* Memory of a column: a line of the cache, of which the last value is the one before the piece, and the piece. */
#define LINE   64
#define BEFORE 8
#define STRIDE ((BEFORE + BV_PIECE) * sizeof(double))
#define PAGE   4096

struct bv_pieces {
  bv_task task; /* first: whose piece it decodes */
  unsigned columns, has;
  int number;
  int64_t total;
  bool begun; /* readers have begun with what they hold */
  bv_segread *reader[BV_SEG_NCOL];
  bv_piece now, next;
  int side, to;  /* where they lie */
  char *room[2]; /* of all columns; the second where there is a crew */
  bv_rc rc;      /* of decoding the next piece, with */
  int bad;       /* its column */
  bv_err err;
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
  p->columns = columns;
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
  (void)bv_crew_take(crew, &p->task);
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
  p->begun = false;
  bv_err_clear(&p->err);
  p->now = (bv_piece){0};
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

static bv_rc bad(bv_pieces *p, int col, bv_rc rc) {
  p->bad = col;
  return rc;
}

/* Every column must have those before it that it is coded against. */
static bv_rc begin_readers(bv_pieces *p, bv_segctx *ctx) {
  for (int c = 0; c < BV_SEG_NCOL; c++) {
    if (!(p->has & BV_COLBIT(c))) continue;
    bv_rc rc = bv_segread_begin(p->reader[c], ctx, (bv_column)c, &p->err);
    if (rc == BV_OK && (int64_t)bv_segread_bars(p->reader[c]) != p->total) {
      rc = bv_fail(&p->err, BV_CORRUPT, "count differs");
    }
    if (rc == BV_OK && bv_segread_needs(p->reader[c]) & ~p->has) {
      rc = bv_fail(&p->err, BV_CORRUPT, "a column it is coded against is missing");
    }
    if (rc != BV_OK) return bad(p, c, rc);
  }
  p->begun = true;
  return BV_OK;
}

/* How many bars come next of all columns: up to the first end of a block. */
static bv_rc size_next(bv_pieces *p) {
  bv_piece *x = &p->next;
  const int64_t left = p->total - x->at;
  x->n = left < BV_PIECE ? left : BV_PIECE;
  for (int c = 0; c < BV_SEG_NCOL; c++) {
    size_t of_block;
    bool whole;
    if (!(p->has & BV_COLBIT(c))) continue;
    bv_rc rc = bv_segread_left(p->reader[c], &of_block, &whole, &p->err);
    if (rc == BV_OK && of_block == 0 && left > 0) {
      rc = bv_fail(&p->err, BV_CORRUPT, "count differs");
    }
    if (rc != BV_OK) return bad(p, c, rc);
    if ((int64_t)of_block < x->n) x->n = (int64_t)of_block;
    if (whole) x->whole |= BV_COLBIT(c);
  }
  return BV_OK;
}

/* Decode what comes after the piece at hand. */
static bv_rc decode_next(bv_pieces *p, bv_segctx *ctx) {
  static const int order[BV_SEG_NCOL] = {BV_COL_CLOSE,  BV_COL_OPEN, BV_COL_HIGH,   BV_COL_LOW,
                                         BV_COL_VOLUME, BV_COL_VWAP, BV_COL_TRADES, BV_COL_BID,
                                         BV_COL_ASK,    BV_COL_OI};
  bv_piece *x = &p->next;
  *x = (bv_piece){.at = p->now.at + p->now.n};
  if (!p->begun) BV_TRY(begin_readers(p, ctx));
  BV_TRY(size_next(p));
  const int64_t before = p->now.n;
  if (p->has & BV_COLBIT(BV_COL_CLOSE) && before > 0) {
    room_of(p, p->to, BV_COL_CLOSE)[-1] = room_of(p, p->side, BV_COL_CLOSE)[before - 1];
  }
  const int back = x->at > 0;
  bv_deps deps = {.at = (size_t)back};
  if (p->has & BV_COLBIT(BV_COL_OPEN)) deps.open = room_of(p, p->to, BV_COL_OPEN) - back;
  if (p->has & BV_COLBIT(BV_COL_CLOSE)) deps.close = room_of(p, p->to, BV_COL_CLOSE) - back;
  for (int i = 0; i < BV_SEG_NCOL && x->n > 0; i++) {
    const int c = order[i];
    if (!(p->has & BV_COLBIT(c))) continue;
    double *to = room_of(p, p->to, c);
    bv_rc rc = bv_segread_next(p->reader[c], ctx, (size_t)x->n, &deps, to, &p->err);
    if (rc != BV_OK) return bad(p, c, rc);
    x->col[c] = to;
  }
  return BV_OK;
}

static void decode_task(bv_task *t, void *ctx) {
  bv_pieces *p = (bv_pieces *)t;
  p->rc = decode_next(p, ctx);
}

void bv_pieces_ahead(bv_pieces *p, bv_crew *crew) {
  if (p->now.at + p->now.n >= p->total || !make_room(p, !p->side)) return;
  p->to = !p->side;
  bv_crew_give(crew, &p->task);
}

bv_rc bv_pieces_next(bv_pieces *p, bv_crew *crew, bv_segctx *ctx, int *bad_column, bv_err *err) {
  if (!bv_crew_take(crew, &p->task)) {
    p->to = p->side;
    if (!make_room(p, p->to)) return bv_fail(err, BV_NOMEM, "segment: no memory");
    decode_task(&p->task, ctx);
  }
  if (p->rc != BV_OK) {
    *bad_column = p->bad;
    if (err) *err = p->err;
    return p->rc;
  }
  p->now = p->next;
  p->side = p->to;
  return BV_OK;
}
