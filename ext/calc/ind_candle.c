/*
** ind_candle.c - candlestick patterns as Tulip Indicators defines them: candle_*.
**
** 1 where the pattern stands at the bar, else 0.  All sizes are compared with averages over the ten
** bars before the newest bar of the pattern, whichever of its bars is measured.
*/
#include "calc/candle.h"

#define WHITE(k) (b->o[k] < b->c[k])
#define BLACK(k) (b->o[k] > b->c[k])

/* Tulip's default configuration; the averages are those at bar i. */
#define AVG_BODY      (b->body10[i] * 0.1)
#define AVG_RANGE     (b->range10[i] * 0.1)
#define BODY_NONE(k)  (b->body[k] < 0.05 * AVG_RANGE)
#define BODY_SHORT(k) (b->body[k] < 0.5 * AVG_BODY)
#define BODY_LONG(k)  (b->body[k] > 1.4 * AVG_BODY)
#define UPPER_NONE(k) (candle_upper(b, k) < 0.05 * AVG_RANGE)
#define LOWER_NONE(k) (candle_lower(b, k) < 0.05 * AVG_RANGE)
#define UPPER_LONG(k) (candle_upper(b, k) > 0.6 * AVG_BODY)
#define LOWER_LONG(k) (candle_lower(b, k) > 0.6 * AVG_BODY)
#define NEAR          (0.3 * AVG_RANGE)

#define GAP_UP(k)      (candle_base(b, k) >= candle_top(b, (k)-1))
#define GAP_DOWN(k)    (candle_top(b, k) <= candle_base(b, (k)-1))
#define STAR_UP(k)     (b->l[k] >= b->h[(k)-1])
#define STAR_DOWN(k)   (b->h[k] <= b->l[(k)-1])
#define OPEN_INSIDE(k) (b->o[k] < candle_top(b, (k)-1) && b->o[k] > candle_base(b, (k)-1))

/* First values at bar 10 as in Tulip; patterns that look further back need no more, since ten bars
** stand before. */
static int64_t window_11(const double *param) {
  (void)param;
  return 11;
}
static int64_t first_10(const double *param) {
  (void)param;
  return 10;
}

/* One pattern: its test, its run and its entry.  Only the shooting star is in none of the recorded
** tests; test_ind_value.c has one. */
#define PATTERN(id, heading, text, sets, ...)                                                      \
  static double id##_test(const candle *b, int64_t i, double factor) {                             \
    (void)factor;                                                                                  \
    return (__VA_ARGS__) ? 1 : 0;                                                                  \
  }                                                                                                \
  static void id##_clean(void *st, const double *const *in, int64_t n, double *const *out) {       \
    candle_run(st, in, n, out, 10, id##_test);                                                     \
  }                                                                                                \
  const bv_indicator bv_ind_candle_##id = {                                                        \
      .name = "candle_" #id,                                                                       \
      .title = heading,                                                                            \
      .formula = "1: " text,                                                                       \
      .source = "Tulip Indicators 0.9.2, candles, default configuration",                          \
      .ninput = 4,                                                                                 \
      .noutput = 1,                                                                                \
      .input = {BV_IN_OPEN, BV_IN_HIGH, BV_IN_LOW, BV_IN_CLOSE},                                   \
      .real_default = BV_IN_CLOSE,                                                                 \
      .output = {{"candle_" #id, "0 or 1", text, sets}},                                           \
      .first = first_10,                                                                           \
      .window = window_11,                                                                         \
      .state_size = bv_candle_size,                                                                \
      .init = bv_candle_init,                                                                      \
      .anchor = bv_ind_no_anchor,                                                                  \
      .run = bv_ind_clean_run,                                                                     \
      .clean = id##_clean,                                                                         \
      .reset = bv_candle_reset,                                                                    \
  };

PATTERN(abandoned_baby_bear, "Abandoned baby, bearish",
        "a long white bar, a doji wholly above it, a black bar wholly below the doji that closes "
        "no higher than the first",
        BV_SEEN_TULIP,
        WHITE(i - 2) && BODY_LONG(i - 2) && STAR_UP(i - 1) && BODY_NONE(i - 1) && BLACK(i) &&
            STAR_DOWN(i) && b->c[i] <= b->c[i - 2])
PATTERN(abandoned_baby_bull, "Abandoned baby, bullish",
        "a long black bar, a doji wholly below it, a white bar wholly above the doji that closes "
        "no lower than the first",
        BV_SEEN_TULIP,
        BLACK(i - 2) && BODY_LONG(i - 2) && STAR_DOWN(i - 1) && BODY_NONE(i - 1) && WHITE(i) &&
            STAR_UP(i) && b->c[i] >= b->c[i - 2])
PATTERN(big_black, "Big black candle", "black with a long body", BV_SEEN_TULIP,
        BLACK(i) && BODY_LONG(i))
PATTERN(big_white, "Big white candle", "white with a long body", BV_SEEN_TULIP,
        WHITE(i) && BODY_LONG(i))
PATTERN(black_marubozu, "Black marubozu", "black with a long body and no wicks", BV_SEEN_TULIP,
        BLACK(i) && BODY_LONG(i) && UPPER_NONE(i) && LOWER_NONE(i))
PATTERN(doji, "Doji", "no body", BV_SEEN_TULIP, BODY_NONE(i))
PATTERN(dragonfly_doji, "Dragonfly doji", "no body, no upper wick, a long lower one", BV_SEEN_TULIP,
        BODY_NONE(i) && UPPER_NONE(i) && LOWER_LONG(i))
PATTERN(engulfing_bear, "Engulfing, bearish",
        "a black body that holds the white body before inside", BV_SEEN_TULIP,
        BLACK(i) && WHITE(i - 1) && b->c[i] < b->o[i - 1] && b->o[i] > b->c[i - 1])
PATTERN(engulfing_bull, "Engulfing, bullish",
        "a white body that holds the black body before inside", BV_SEEN_TULIP,
        WHITE(i) && BLACK(i - 1) && b->c[i] > b->o[i - 1] && b->o[i] < b->c[i - 1])
PATTERN(evening_doji_star, "Evening doji star",
        "as the evening star, its middle bar without a body", BV_SEEN_TULIP,
        WHITE(i - 2) && BODY_LONG(i - 2) && GAP_UP(i - 1) && BODY_NONE(i - 1) && BLACK(i) &&
            GAP_DOWN(i) && b->c[i] <= b->c[i - 2])
PATTERN(evening_star, "Evening star",
        "a long white body, a short body above it, a black body below that one which closes no "
        "higher than the first",
        BV_SEEN_TULIP,
        WHITE(i - 2) && BODY_LONG(i - 2) && GAP_UP(i - 1) && BODY_SHORT(i - 1) && BLACK(i) &&
            GAP_DOWN(i) && b->c[i] <= b->c[i - 2])
PATTERN(four_price_doji, "Four price doji", "no body and no wicks", BV_SEEN_TULIP,
        BODY_NONE(i) && UPPER_NONE(i) && LOWER_NONE(i))
PATTERN(gravestone_doji, "Gravestone doji", "no body, no lower wick, a long upper one",
        BV_SEEN_TULIP, BODY_NONE(i) && UPPER_LONG(i) && LOWER_NONE(i))
PATTERN(hammer, "Hammer",
        "a short body, no upper wick, a long lower one, the body near or below the low before",
        BV_SEEN_TULIP,
        BODY_SHORT(i) && UPPER_NONE(i) && LOWER_LONG(i) && candle_base(b, i) <= b->l[i - 1] + NEAR)
PATTERN(hanging_man, "Hanging man",
        "a short body, no upper wick, a long lower one, the body near or above the high before",
        BV_SEEN_TULIP,
        BODY_SHORT(i) && UPPER_NONE(i) && LOWER_LONG(i) && candle_base(b, i) >= b->h[i - 1] - NEAR)
PATTERN(inverted_hammer, "Inverted hammer",
        "a short body, a long upper wick, no lower one, the body below the body before",
        BV_SEEN_TULIP, BODY_SHORT(i) && UPPER_LONG(i) && LOWER_NONE(i) && GAP_DOWN(i))
PATTERN(long_legged_doji, "Long-legged doji", "no body and two long wicks", BV_SEEN_TULIP,
        BODY_NONE(i) && UPPER_LONG(i) && LOWER_LONG(i))
PATTERN(marubozu, "Marubozu", "a long body and no wicks", BV_SEEN_TULIP,
        BODY_LONG(i) && UPPER_NONE(i) && LOWER_NONE(i))
PATTERN(morning_doji_star, "Morning doji star",
        "as the morning star, its middle bar without a body", BV_SEEN_TULIP,
        BLACK(i - 2) && BODY_LONG(i - 2) && GAP_DOWN(i - 1) && BODY_NONE(i - 1) && WHITE(i) &&
            GAP_UP(i) && b->c[i] >= b->c[i - 2])
PATTERN(morning_star, "Morning star",
        "a long black body, a short body below it, a white body above that one which closes no "
        "lower than the first",
        BV_SEEN_TULIP,
        BLACK(i - 2) && BODY_LONG(i - 2) && GAP_DOWN(i - 1) && BODY_SHORT(i - 1) && WHITE(i) &&
            GAP_UP(i) && b->c[i] >= b->c[i - 2])
PATTERN(shooting_star, "Shooting star",
        "a short body, a long upper wick, no lower one, the body above the body before", 0,
        BODY_SHORT(i) && UPPER_LONG(i) && LOWER_NONE(i) && GAP_UP(i))
PATTERN(spinning_top, "Spinning top", "a short body and two wicks that are longer", BV_SEEN_TULIP,
        BODY_SHORT(i) && candle_upper(b, i) > b->body[i] && candle_lower(b, i) > b->body[i])
PATTERN(star, "Star", "a bar wholly above or below the bar before", BV_SEEN_TULIP,
        STAR_UP(i) || STAR_DOWN(i))
PATTERN(three_black_crows, "Three black crows",
        "three black bars, each of which opens inside the body before", BV_SEEN_TULIP,
        BLACK(i - 2) && BLACK(i - 1) && BLACK(i) && OPEN_INSIDE(i - 1) && OPEN_INSIDE(i))
PATTERN(three_white_soldiers, "Three white soldiers",
        "three white bars, each of which opens inside the body before", BV_SEEN_TULIP,
        WHITE(i - 2) && WHITE(i - 1) && WHITE(i) && OPEN_INSIDE(i - 1) && OPEN_INSIDE(i))
PATTERN(white_marubozu, "White marubozu", "white with a long body and no wicks", BV_SEEN_TULIP,
        WHITE(i) && BODY_LONG(i) && UPPER_NONE(i) && LOWER_NONE(i))
