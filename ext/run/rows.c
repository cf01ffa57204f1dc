/* rows.c - rows of a run on their way into chunks; see rows.h. */
#include "run/rows.h"
#include "col/crc32c.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST_BYTES ((size_t)1 << 30) /* of a chunk: texts may be long */

/* A chunk on its way through the crew, and the memory for it, which changes places with that of the rows that gather. */
typedef struct bv_rows_away {
  bv_task task; /* first: the chunk that it codes */
  const bv_row_table *table;
  bool there; /* there is a chunk */
  size_t n;
  void *col[BV_ROW_COLUMNS_MAX];
  bv_block_hint *hint;
  bv_buf data;
  bv_rc rc; /* of coding it */
  bv_row_room room;
  bv_row_cell memory[];
} bv_rows_away;

void bv_rows_open(sqlite3 *db, int64_t run, sqlite3_stmt *insert, sqlite3_stmt *remove,
                  bv_rows *out) {
  *out = (bv_rows){.db = db, .run = run, .insert = insert, .remove = remove};
  bv_buf_init(&out->data, BV_MEM_RUN, MOST_BYTES);
}

static void drop_away(bv_rows_away *a, bv_crew *crew) {
  if (!a) return;
  (void)bv_crew_take(crew, &a->task, NULL);
  bv_buf_reset(&a->data);
  bv_free(a);
}

void bv_rows_close(bv_rows *r) {
  for (int k = 0; k < BV_ROWS_KINDS; k++) {
    drop_away(r->kept[k].away, r->crew);
    bv_free(r->kept[k].stage); /* columns and stage are one allocation */
    r->kept[k] = (bv_rows_kept){0};
  }
  bv_free(r->room);
  r->room = NULL;
  bv_buf_reset(&r->data);
}

/* ---- gathering ---- */

static bv_rc make_room(bv_rows_kept *k, const bv_row_table *t) {
  const size_t column = BV_ROWS_MAX * 8, stage = (BV_ROWS_STAGE * t->size + 15) & ~(size_t)15;
  char *p = bv_alloc(BV_MEM_RUN, stage + (size_t)t->ncolumn * column);
  if (!p) return BV_NOMEM;
  k->stage = p;
  for (int i = 0; i < t->ncolumn; i++) k->col[i] = p + stage + (size_t)i * column;
  return BV_OK;
}

#define EACH(type, expression)                                                                     \
  for (size_t i = 0; i < n; i++, p += size) {                                                      \
    const type *at = (const type *)(const void *)p;                                                \
    to[i] = expression;                                                                            \
  }                                                                                                \
  break

/* A column of n structs. */
static void spread_column(const bv_rows *r, const bv_row_column *c, const char *p, size_t size,
                          size_t n, bv_row_cell *to) {
  p += c->at;
  switch (c->from) {
  case BV_FROM_INT64: EACH(int64_t, (bv_row_cell){.i = *at});
  case BV_FROM_INT: EACH(int, (bv_row_cell){.i = *at});
  case BV_FROM_DOUBLE: EACH(double, (bv_row_cell){.r = *at});
  case BV_FROM_TEXT: EACH(char *const, (bv_row_cell){.text = *at});
  case BV_FROM_ASSET: EACH(int, (bv_row_cell){.text = bv_sim_asset_key(r->sim, *at)});
  default: EACH(unsigned, (bv_row_cell){.text = c->text[*at]});
  }
}

/* The staged structs become columns. */
static void spread(const bv_rows *r, bv_rows_kept *k, const bv_row_table *t) {
  if (k->staged == 0) return;
  for (int c = 0; c < t->ncolumn; c++) {
    bv_row_cell *to = (bv_row_cell *)k->col[c] + k->n;
    spread_column(r, &t->column[c], k->stage, t->size, k->staged, to);
  }
  const int64_t *id = k->col[0];
  for (size_t i = k->n > 0 ? k->n : 1; i < k->n + k->staged; i++) k->mixed |= id[i] <= id[i - 1];
  k->n += k->staged;
  k->staged = 0;
}

typedef struct place {
  int64_t id;
  size_t at;
} place;

static int by_number(const void *a, const void *b) {
  const int64_t x = ((const place *)a)->id, y = ((const place *)b)->id;
  return (x > y) - (x < y);
}

/* Numbers lie close together nearly always: then each finds its place in a table.  False where they do not. */
static bool place_numbers(const int64_t *id, size_t n, place *out) {
  static const size_t most = (size_t)4 * BV_ROWS_MAX;
  uint16_t table[4 * BV_ROWS_MAX] = {0};
  int64_t lo = id[0], hi = id[0];
  for (size_t i = 1; i < n; i++) {
    lo = id[i] < lo ? id[i] : lo;
    hi = id[i] > hi ? id[i] : hi;
  }
  if ((uint64_t)hi - (uint64_t)lo >= most) return false;
  for (size_t i = 0; i < n; i++) table[id[i] - lo] = (uint16_t)(i + 1);
  size_t k = 0;
  for (size_t i = 0; i <= (size_t)(hi - lo); i++)
    if (table[i]) out[k++] = (place){lo + (int64_t)i, table[i] - 1u};
  return k == n; /* each number once */
}

/* Put the rows in order of their number. */
static bv_rc sort_rows(bv_rows_kept *k, const bv_row_table *t) {
  if (!k->mixed) return BV_OK;
  place *order = bv_alloc(BV_MEM_RUN, k->n * (sizeof *order + 8));
  if (!order) return BV_NOMEM;
  const int64_t *id = k->col[0];
  bv_row_cell *copy = (bv_row_cell *)(order + k->n);
  if (!place_numbers(id, k->n, order)) {
    for (size_t i = 0; i < k->n; i++) order[i] = (place){id[i], i};
    qsort(order, k->n, sizeof *order, by_number);
  }
  for (int c = 0; c < t->ncolumn; c++) {
    memcpy(copy, k->col[c], k->n * 8);
    bv_row_cell *to = k->col[c];
    for (size_t i = 0; i < k->n; i++) to[i] = copy[order[i].at];
  }
  bv_free(order);
  k->mixed = false;
  return BV_OK;
}

/* ---- writing ---- */

/* The chunk of n rows with these numbers whose bytes these are. */
static bv_rc insert_bytes(bv_rows *r, const bv_row_table *t, const int64_t *id, size_t n,
                          const bv_buf *data, bv_err *err) {
  sqlite3_bind_int64(r->insert, 1, r->run);
  sqlite3_bind_text(r->insert, 2, t->kind, -1, SQLITE_STATIC);
  sqlite3_bind_int64(r->insert, 3, id[0]);
  sqlite3_bind_int64(r->insert, 4, id[n - 1]);
  sqlite3_bind_int64(r->insert, 5, (int64_t)n);
  sqlite3_bind_int64(r->insert, 6, bv_crc32c(data->p, data->n));
  sqlite3_bind_blob64(r->insert, 7, data->p, data->n, SQLITE_STATIC);
  bv_rc rc = bv_sql_done(r->db, r->insert, err, "writing bt_chunk");
  sqlite3_clear_bindings(r->insert);
  return rc;
}

static bv_rc insert_chunk(bv_rows *r, const bv_row_table *t, bv_rows_kept *k, size_t n,
                          bv_err *err) {
  if (!r->room) r->room = bv_alloc(BV_MEM_RUN, sizeof *r->room);
  if (!r->room) return BV_NOMEM;
  bv_buf_clear(&r->data);
  BV_TRY(bv_row_encode(r->room, t, k->col, n, k->hint, &r->data));
  return insert_bytes(r, t, k->col[0], n, &r->data, err);
}

static bv_rc remove_tail(bv_rows *r, bv_rows_kept *k, const bv_row_table *t, bv_err *err) {
  if (!k->tail) return BV_OK;
  sqlite3_bind_int64(r->remove, 1, r->run);
  sqlite3_bind_text(r->remove, 2, t->kind, -1, SQLITE_STATIC);
  sqlite3_bind_int64(r->remove, 3, k->tail_first);
  BV_TRY(bv_sql_done(r->db, r->remove, err, "writing bt_chunk"));
  k->tail = false;
  return BV_OK;
}

/* ---- through the crew ---- */

static void code_task(bv_task *t, void *tool) {
  (void)tool;
  bv_rows_away *a = (bv_rows_away *)t;
  bv_buf_clear(&a->data);
  a->rc = bv_row_encode(&a->room, a->table, a->col, a->n, a->hint, &a->data);
}

static bv_rows_away *make_away(bv_rows_kept *k, const bv_row_table *t) {
  const size_t cells = (size_t)t->ncolumn * BV_ROWS_MAX;
  bv_rows_away *a = bv_alloc(BV_MEM_RUN, sizeof *a + cells * sizeof(bv_row_cell));
  if (!a) return NULL;
  a->task = (bv_task){.run = code_task};
  a->table = t;
  a->there = false;
  a->hint = k->hint;
  for (int c = 0; c < t->ncolumn; c++) a->col[c] = a->memory + (size_t)c * BV_ROWS_MAX;
  bv_buf_init(&a->data, BV_MEM_RUN, MOST_BYTES);
  return a;
}

bv_rc bv_rows_settle(bv_rows *r, bv_rows_kind kind, bv_err *err) {
  bv_rows_away *a = r->kept[kind].away;
  if (!a || !a->there) return BV_OK;
  if (!bv_crew_take(r->crew, &a->task, NULL)) code_task(&a->task, NULL);
  BV_TRY(a->rc); /* it stays, and is coded again when it is asked for again */
  BV_TRY(insert_bytes(r, a->table, a->col[0], a->n, &a->data, err));
  a->there = false;
  return BV_OK;
}

/* Give the first n rows to the crew, which has none of this kind; those behind them stay. */
static void give_away(bv_rows *r, bv_rows_kept *k, const bv_row_table *t, size_t n) {
  bv_rows_away *a = k->away;
  for (int c = 0; c < t->ncolumn; c++) {
    void *full = k->col[c];
    k->col[c] = a->col[c];
    a->col[c] = full;
    memcpy(k->col[c], (char *)full + n * 8, (k->n - n) * 8);
  }
  k->n -= n;
  a->n = n;
  a->there = true;
  bv_crew_give(r->crew, &a->task);
}

/* Write the rows with the lowest numbers, at most a chunk of them. */
static bv_rc write_some(bv_rows *r, bv_rows_kind kind, bool later, bv_err *err) {
  bv_rows_kept *k = &r->kept[kind];
  const bv_row_table *t = &bv_row_tables[kind];
  BV_TRY(bv_rows_settle(r, kind, err));
  BV_TRY(sort_rows(k, t));
  BV_TRY(remove_tail(r, k, t, err));
  const size_t n = k->n < BV_ROW_CHUNK ? k->n : BV_ROW_CHUNK;
  if (r->crew && later && !k->away) k->away = make_away(k, t);
  if (r->crew && later && k->away) {
    give_away(r, k, t, n);
    return BV_OK;
  }
  BV_TRY(insert_chunk(r, t, k, n, err));
  k->n -= n;
  for (int c = 0; k->n > 0 && c < t->ncolumn; c++) {
    memmove(k->col[c], (char *)k->col[c] + n * 8, k->n * 8);
  }
  return BV_OK;
}

/* ---- rows that come ---- */

bv_rc bv_rows_put(bv_rows *r, bv_rows_kind kind, const void *row, bv_err *err) {
  const bv_row_table *t = &bv_row_tables[kind];
  bv_rows_kept *k = &r->kept[kind];
  if (!k->stage) BV_TRY(make_room(k, t));
  if (k->n + k->staged == BV_ROWS_MAX) {
    spread(r, k, t);
    BV_TRY(write_some(r, kind, true, err));
  }
  k->more = true;
  memcpy(k->stage + k->staged * t->size, row, t->size);
  if (++k->staged == BV_ROWS_STAGE) spread(r, k, t);
  return BV_OK;
}

bv_rc bv_rows_put_cells(bv_rows *r, bv_rows_kind kind, const bv_row_cell *cell, bv_err *err) {
  const bv_row_table *t = &bv_row_tables[kind];
  bv_rows_kept *k = &r->kept[kind];
  if (!k->stage) BV_TRY(make_room(k, t));
  spread(r, k, t);
  if (k->n == BV_ROWS_MAX) BV_TRY(write_some(r, kind, false, err));
  for (int c = 0; c < t->ncolumn; c++) ((bv_row_cell *)k->col[c])[k->n] = cell[c];
  if (k->n > 0) k->mixed |= cell[0].i <= ((const int64_t *)k->col[0])[k->n - 1];
  k->n++;
  return BV_OK;
}

bv_rc bv_rows_flush(bv_rows *r, bv_err *err) {
  for (int i = 0; i < BV_ROWS_KINDS; i++) {
    bv_rows_kept *k = &r->kept[i];
    spread(r, k, &bv_row_tables[i]);
    BV_TRY(bv_rows_settle(r, (bv_rows_kind)i, err));
    while (k->n > 0) BV_TRY(write_some(r, (bv_rows_kind)i, false, err));
  }
  return BV_OK;
}

bv_rc bv_rows_tails(bv_rows *r, bv_err *err) {
  for (int i = 0; i < BV_ROWS_KINDS; i++) {
    const bv_row_table *t = &bv_row_tables[i];
    bv_rows_kept *k = &r->kept[i];
    spread(r, k, t);
    BV_TRY(bv_rows_settle(r, (bv_rows_kind)i, err));
    if (k->n > BV_ROW_CHUNK) BV_TRY(write_some(r, (bv_rows_kind)i, false, err));
    if (!k->more || k->n == 0) continue;
    BV_TRY(sort_rows(k, t));
    BV_TRY(remove_tail(r, k, t, err));
    BV_TRY(insert_chunk(r, t, k, k->n, err));
    k->tail = true;
    k->more = false;
    k->tail_first = *(const int64_t *)k->col[0];
  }
  return BV_OK;
}

/* ---- reading what gathered ---- */

void bv_rows_texts(const bv_rows *r, void (*fn)(void *ctx, const char *text), void *ctx) {
  for (int i = 0; i < BV_ROWS_KINDS; i++) {
    const bv_rows_kept *k = &r->kept[i];
    const bv_row_table *t = &bv_row_tables[i];
    const bv_rows_away *a = k->away && k->away->there ? k->away : NULL;
    for (int c = 0; c < t->ncolumn; c++) {
      if (t->column[c].from != BV_FROM_TEXT) continue;
      for (size_t n = 0; n < k->n; n++) fn(ctx, ((const char *const *)k->col[c])[n]);
      for (size_t n = 0; a && n < a->n; n++) fn(ctx, ((const char *const *)a->col[c])[n]);
      for (size_t n = 0; n < k->staged; n++) {
        const char *text;
        memcpy(&text, k->stage + n * t->size + t->column[c].at, sizeof text);
        fn(ctx, text);
      }
    }
  }
}

/* Those that rows borrow may go before the chunk does.  The same one often comes several times in a row. */
static bv_rc own_texts(bv_row_chunk *c) {
  size_t bytes = 0;
  char *to = NULL;
  for (int pass = 0; pass < 2; pass++) {
    for (int i = 0; i < c->table->ncolumn; i++) {
      const char **text = c->col[i], *last = NULL, *copy = NULL;
      if (c->table->column[i].from != BV_FROM_TEXT || !text) continue;
      for (size_t k = 0; k < c->n; k++) {
        if (!text[k]) continue;
        if (text[k] != last) {
          const size_t n = strlen(text[k]) + 1;
          last = text[k];
          if (pass == 0) bytes += n;
          if (pass == 1) copy = memcpy(to, last, n);
          if (pass == 1) to += n;
        }
        if (pass == 1) text[k] = copy;
      }
    }
    if (bytes == 0) return BV_OK;
    if (pass == 0) to = c->texts = bv_alloc(BV_MEM_DECODE, bytes);
    if (!to) return BV_NOMEM;
  }
  return BV_OK;
}

bv_rc bv_rows_copy(bv_rows *r, bv_rows_kind kind, int64_t lo, int64_t hi, uint32_t columns,
                   bv_row_chunk **out) {
  const bv_row_table *t = &bv_row_tables[kind];
  bv_rows_kept *k = &r->kept[kind];
  *out = NULL;
  spread(r, k, t);
  BV_TRY(sort_rows(k, t));
  const int64_t *id = k->col[0];
  const size_t from = bv_row_lower(id, k->n, lo);
  const size_t to = hi == INT64_MAX ? k->n : bv_row_lower(id, k->n, hi + 1);
  if (from >= to) return BV_OK;
  bv_row_chunk *c = bv_row_chunk_empty(t, to - from, columns | 1);
  if (!c) return BV_NOMEM;
  for (int i = 0; i < t->ncolumn; i++) {
    if (c->col[i]) memcpy(c->col[i], (const char *)k->col[i] + from * 8, c->n * 8);
  }
  c->first = bv_row_numbers(c)[0];
  c->last = bv_row_numbers(c)[c->n - 1];
  bv_rc rc = own_texts(c);
  if (rc != BV_OK) bv_row_chunk_free(c);
  if (rc == BV_OK) *out = c;
  return rc;
}
