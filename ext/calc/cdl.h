/*
** cdl.h - TA-Lib's candle settings and the form of a pattern, for ind_cdl*.c.
*/
#ifndef BV_CALC_CDL_H
#define BV_CALC_CDL_H

#include "calc/candle.h"

#define WHITE(k) (candle_white(b, k))
#define BLACK(k) (!candle_white(b, k))
#define COLOR(k) (candle_white(b, k) ? 1 : -1)
#define BODY(k)  (b->body[k])
#define TOP(k)   (candle_top(b, k))
#define BASE(k)  (candle_base(b, k))
#define UPPER(k) (candle_upper(b, k))
#define LOWER(k) (candle_lower(b, k))

/* A shadow is long when it is longer than the body of its bar, very long at twice that; short when
** below half the average of both shadows. */
#define LONG(k)         (b->body10[k] / 10)
#define SHORT(k)        (b->body10[k] / 10)
#define DOJI(k)         (0.1 * (b->range10[k] / 10))
#define VERY_SHORT(k)   (0.1 * (b->range10[k] / 10))
#define SHADOW_SHORT(k) ((b->range10[k] - b->body10[k]) / 10 / 2)
#define NEAR(k)         (0.2 * (b->range5[k] / 5))
#define FAR(k)          (0.6 * (b->range5[k] / 5))
#define EQUAL(k)        (0.05 * (b->range5[k] / 5))

#define WITHIN(x, y, d) ((x) <= (y) + (d) && (x) >= (y) - (d))
#define GAP_UP(k, j)    (BASE(k) > TOP(j))
#define GAP_DOWN(k, j)  (TOP(k) < BASE(j))
#define ALL_UP(k, j)    (b->l[k] > b->h[j])
#define ALL_DOWN(k, j)  (b->h[k] < b->l[j])

/* One pattern whose first value stands at index `lead_`: its test, its run and its entry.  `deep` is
** the penetration by default, 0 where the pattern has none. */
#define CDL(id, heading, text, lead_, npar, deep, cond, value)                                     \
  static double id##_test(const candle *b, int64_t i, double factor) {                             \
    (void)factor;                                                                                  \
    return (cond) ? (value) : 0;                                                                   \
  }                                                                                                \
  CDL_ENTRY(id, heading, text, lead_, npar, deep)

#define CDL_ENTRY(id, heading, text, lead_, npar, deep)                                            \
  static void id##_clean(void *st, const double *const *in, int64_t n, double *const *out) {       \
    candle_run(st, in, n, out, lead_, id##_test);                                                  \
  }                                                                                                \
  static int64_t id##_first(const double *param) {                                                 \
    (void)param;                                                                                   \
    return lead_;                                                                                  \
  }                                                                                                \
  static int64_t id##_window(const double *param) {                                                \
    (void)param;                                                                                   \
    return (lead_) + 1;                                                                            \
  }                                                                                                \
  const bv_indicator bv_ind_##id = {                                                               \
      .name = #id,                                                                                 \
      .title = heading,                                                                            \
      .formula = text,                                                                             \
      .source = "TA-Lib 0.6, default candle settings",                                             \
      .ninput = 4,                                                                                 \
      .nparam = npar,                                                                              \
      .noutput = 1,                                                                                \
      .input = {BV_IN_OPEN, BV_IN_HIGH, BV_IN_LOW, BV_IN_CLOSE},                                   \
      .real_default = BV_IN_CLOSE,                                                                 \
      .param = {{"penetration", deep, 0, 1e6, 0, 1, NULL}},                                        \
      .output = {{#id, "-100, 0, 100", heading, BV_SEEN_LEAN}},                                    \
      .first = id##_first,                                                                         \
      .window = id##_window,                                                                       \
      .state_size = bv_candle_size,                                                                \
      .init = bv_candle_init,                                                                      \
      .anchor = bv_ind_no_anchor,                                                                  \
      .run = bv_ind_clean_run,                                                                     \
      .clean = id##_clean,                                                                         \
      .reset = bv_candle_reset,                                                                    \
  };

#endif
