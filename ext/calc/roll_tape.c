/*
** roll_tape.c - the last bars of a chain, to play it again from a known state.
*/
#include "calc/roll.h"

size_t bv_tape_size(int64_t cap, int nin) {
  return sizeof(bv_tape) + (size_t)(cap * nin) * sizeof(double);
}

void bv_tape_init(bv_tape *t, int64_t cap, int nin) {
  memset(t, 0, bv_tape_size(cap, nin));
  t->cap = cap;
  t->nin = nin;
}

void bv_tape_reset(bv_tape *t) {
  t->fill = t->pos = 0;
}

void bv_tape_push(bv_tape *t, const double *const *in, int64_t n) {
  const int64_t take = n < t->cap ? n : t->cap, skip = n - take;
  const int64_t a = take < t->cap - t->pos ? take : t->cap - t->pos;
  for (int64_t c = 0; c < t->nin; c++) {
    double *v = t->v + c * t->cap;
    memcpy(v + t->pos, in[c] + skip, (size_t)a * sizeof *v);
    memcpy(v, in[c] + skip + a, (size_t)(take - a) * sizeof *v);
  }
  t->pos = t->pos + take < t->cap ? t->pos + take : t->pos + take - t->cap;
  t->fill = t->fill + take < t->cap ? t->fill + take : t->cap;
}

/* Bars at ring positions [lo, hi). */
static void play_span(const bv_tape *t, void *state, const bv_roll_stage *chain, int64_t lo,
                      int64_t hi) {
  double scratch[BV_SPLIT_MAX][BV_RUN_MAX];
  const double *in[BV_SPLIT_MAX];
  double *out[BV_SPLIT_MAX];
  for (int c = 0; c < chain->nout; c++) out[c] = scratch[c];
  while (lo < hi) {
    const int64_t n = hi - lo < BV_RUN_MAX ? hi - lo : BV_RUN_MAX;
    for (int64_t c = 0; c < t->nin; c++) in[c] = t->v + c * t->cap + lo;
    chain->clean(state, in, n, out);
    lo += n;
  }
}

void bv_tape_play(const bv_tape *t, void *state, const bv_roll_stage *chain) {
  chain->reset(state);
  if (t->fill == t->cap) play_span(t, state, chain, t->pos, t->cap);
  play_span(t, state, chain, 0, t->pos);
}
