/*
** ind_cdl_two.c - candlestick patterns as TA-Lib defines them: patterns of two bars, and hikkake.
**
** 100 where a bullish pattern stands at the bar, -100 where a bearish one does, else 0.  Sizes are
** compared with averages before the bar that is measured (TA-Lib's default candle settings).
*/
#include "calc/cdl.h"

CDL(cdlcounterattack, "Counterattack", "two long bodies of different colours with equal closes", 11,
    0, 0,
    COLOR(i - 1) == -COLOR(i) && BODY(i - 1) > LONG(i - 1) && BODY(i) > LONG(i) &&
        WITHIN(b->c[i], b->c[i - 1], EQUAL(i - 1)),
    100 * COLOR(i))

CDL(cdldarkcloudcover, "Dark cloud cover",
    "long white, then a black bar that opens above its high and closes deep (penetration) in its "
    "body",
    11, 1, 0.5,
    WHITE(i - 1) && BODY(i - 1) > LONG(i - 1) && BLACK(i) && b->o[i] > b->h[i - 1] &&
        b->c[i] > b->o[i - 1] && b->c[i] < b->c[i - 1] - BODY(i - 1) * factor,
    -100)

CDL(cdldojistar, "Doji star", "long body, then a doji with a gap on", 11, 0, 0,
    BODY(i - 1) > LONG(i - 1) && BODY(i) <= DOJI(i) &&
        ((WHITE(i - 1) && GAP_UP(i, i - 1)) || (BLACK(i - 1) && GAP_DOWN(i, i - 1))),
    -100 * COLOR(i - 1))

CDL(cdlengulfing, "Engulfing",
    "a body of the other colour that holds the body before; 80 where they share one end", 2, 0, 0,
    (WHITE(i) && BLACK(i - 1) &&
     ((b->c[i] >= b->o[i - 1] && b->o[i] < b->c[i - 1]) ||
      (b->c[i] > b->o[i - 1] && b->o[i] <= b->c[i - 1]))) ||
        (BLACK(i) && WHITE(i - 1) &&
         ((b->o[i] >= b->c[i - 1] && b->c[i] < b->o[i - 1]) ||
          (b->o[i] > b->c[i - 1] && b->c[i] <= b->o[i - 1]))),
    COLOR(i) * (b->o[i] != b->c[i - 1] && b->c[i] != b->o[i - 1] ? 100 : 80))

CDL(cdlhammer, "Hammer",
    "short body, long lower shadow, almost no upper one, the body near or below the low before", 11,
    0, 0,
    BODY(i) < SHORT(i) && LOWER(i) > BODY(i) && UPPER(i) < VERY_SHORT(i) &&
        BASE(i) <= b->l[i - 1] + NEAR(i - 1),
    100)

CDL(cdlhangingman, "Hanging man",
    "short body, long lower shadow, almost no upper one, the body near or above the high before",
    11, 0, 0,
    BODY(i) < SHORT(i) && LOWER(i) > BODY(i) && UPPER(i) < VERY_SHORT(i) &&
        BASE(i) >= b->h[i - 1] - NEAR(i - 1),
    -100)

CDL(cdlharami, "Harami", "long body, then a short one inside it; 80 where they share one end", 11,
    0, 0,
    BODY(i - 1) > LONG(i - 1) && BODY(i) <= SHORT(i) && TOP(i) <= TOP(i - 1) &&
        BASE(i) >= BASE(i - 1),
    -COLOR(i - 1) * (TOP(i) < TOP(i - 1) && BASE(i) > BASE(i - 1) ? 100 : 80))

CDL(cdlharamicross, "Harami cross", "long body, then a doji inside it; 80 where they share one end",
    11, 0, 0,
    BODY(i - 1) > LONG(i - 1) && BODY(i) <= DOJI(i) && TOP(i) <= TOP(i - 1) &&
        BASE(i) >= BASE(i - 1),
    -COLOR(i - 1) * (TOP(i) < TOP(i - 1) && BASE(i) > BASE(i - 1) ? 100 : 80))

/* ---- hikkake: an inside bar and a false break of it, confirmed within three bars ---- */

/* The sign of a break at bar k of the inside bar before it: up 1 where it failed downwards. */
static inline int inside_break(const candle *b, int64_t k) {
  if (!(b->h[k - 1] < b->h[k - 2] && b->l[k - 1] > b->l[k - 2])) return 0;
  if (b->h[k] < b->h[k - 1] && b->l[k] < b->l[k - 1]) return 1;
  if (b->h[k] > b->h[k - 1] && b->l[k] > b->l[k - 1]) return -1;
  return 0;
}

/* The same, with the inside bar inside another that closes near the end the break goes to. */
static inline int inside_break_mod(const candle *b, int64_t k) {
  const int side = inside_break(b, k);
  if (!side || !(b->h[k - 2] < b->h[k - 3] && b->l[k - 2] > b->l[k - 3])) return 0;
  if (side > 0) return b->c[k - 2] <= b->l[k - 2] + NEAR(k - 2) ? 1 : 0;
  return b->c[k - 2] >= b->h[k - 2] - NEAR(k - 2) ? -1 : 0;
}

/* 100 at the break, 200 at the first of the next three bars that closes beyond the inside bar, unless
** another break comes first. */
static inline double hikkake(const candle *b, int64_t i, int (*side_at)(const candle *, int64_t)) {
  const int now = side_at(b, i);
  if (now) return 100 * now;
  for (int64_t k = i - 1; k >= i - 3; k--) {
    const int side = side_at(b, k);
    if (!side) continue;
    for (int64_t j = k + 1; j <= i; j++) {
      const int meant = side > 0 ? b->c[j] > b->h[k - 1] : b->c[j] < b->l[k - 1];
      if (meant) return j == i ? 200 * side : 0;
    }
    return 0;
  }
  return 0;
}

static double cdlhikkake_test(const candle *b, int64_t i, double factor) {
  (void)factor;
  return hikkake(b, i, inside_break);
}
CDL_ENTRY(cdlhikkake, "Hikkake",
          "an inside bar and a break of it (100: downwards, which is expected to fail); 200 at the "
          "close beyond the inside bar's other end within three bars",
          5, 0, 0)

static double cdlhikkakemod_test(const candle *b, int64_t i, double factor) {
  (void)factor;
  return hikkake(b, i, inside_break_mod);
}
CDL_ENTRY(cdlhikkakemod, "Modified hikkake",
          "a hikkake whose inside bar lies in an inside bar that closes near the end of the break; "
          "200 at the confirmation within three bars",
          10, 0, 0)

CDL(cdlhomingpigeon, "Homing pigeon", "long black body, then a short black one inside it", 11, 0, 0,
    BLACK(i - 1) && BLACK(i) && BODY(i - 1) > LONG(i - 1) && BODY(i) <= SHORT(i) &&
        b->o[i] < b->o[i - 1] && b->c[i] > b->c[i - 1],
    100)

CDL(cdlinneck, "In-neck",
    "long black, then a white bar that opens below its low and closes at its close or just above",
    11, 0, 0,
    BLACK(i - 1) && BODY(i - 1) > LONG(i - 1) && WHITE(i) && b->o[i] < b->l[i - 1] &&
        b->c[i] <= b->c[i - 1] + EQUAL(i - 1) && b->c[i] >= b->c[i - 1],
    -100)

CDL(cdlkicking, "Kicking", "two marubozu of different colours with a gap between", 11, 0, 0,
    COLOR(i - 1) == -COLOR(i) && BODY(i - 1) > LONG(i - 1) && UPPER(i - 1) < VERY_SHORT(i - 1) &&
        LOWER(i - 1) < VERY_SHORT(i - 1) && BODY(i) > LONG(i) && UPPER(i) < VERY_SHORT(i) &&
        LOWER(i) < VERY_SHORT(i) &&
        ((BLACK(i - 1) && ALL_UP(i, i - 1)) || (WHITE(i - 1) && ALL_DOWN(i, i - 1))),
    100 * COLOR(i))

CDL(cdlkickingbylength, "Kicking by length", "kicking, with the sign of the longer marubozu", 11, 0,
    0,
    COLOR(i - 1) == -COLOR(i) && BODY(i - 1) > LONG(i - 1) && UPPER(i - 1) < VERY_SHORT(i - 1) &&
        LOWER(i - 1) < VERY_SHORT(i - 1) && BODY(i) > LONG(i) && UPPER(i) < VERY_SHORT(i) &&
        LOWER(i) < VERY_SHORT(i) &&
        ((BLACK(i - 1) && ALL_UP(i, i - 1)) || (WHITE(i - 1) && ALL_DOWN(i, i - 1))),
    100 * (BODY(i) > BODY(i - 1) ? COLOR(i) : COLOR(i - 1)))

CDL(cdlmatchinglow, "Matching low", "two black bars with equal closes", 6, 0, 0,
    BLACK(i - 1) && BLACK(i) && WITHIN(b->c[i], b->c[i - 1], EQUAL(i - 1)), 100)

CDL(cdlonneck, "On-neck", "long black, then a white bar that opens below its low and closes at it",
    11, 0, 0,
    BLACK(i - 1) && BODY(i - 1) > LONG(i - 1) && WHITE(i) && b->o[i] < b->l[i - 1] &&
        WITHIN(b->c[i], b->l[i - 1], EQUAL(i - 1)),
    -100)

CDL(cdlpiercing, "Piercing",
    "long black, then a long white bar that opens below its low and closes above the middle of its "
    "body",
    11, 0, 0,
    BLACK(i - 1) && BODY(i - 1) > LONG(i - 1) && WHITE(i) && BODY(i) > LONG(i) &&
        b->o[i] < b->l[i - 1] && b->c[i] < b->o[i - 1] && b->c[i] > b->c[i - 1] + BODY(i - 1) * 0.5,
    100)

CDL(cdlseparatinglines, "Separating lines",
    "a bar, then a long body of the other colour from the same open without shadow behind it", 11,
    0, 0,
    COLOR(i - 1) == -COLOR(i) && WITHIN(b->o[i], b->o[i - 1], EQUAL(i - 1)) && BODY(i) > LONG(i) &&
        ((WHITE(i) && LOWER(i) < VERY_SHORT(i)) || (BLACK(i) && UPPER(i) < VERY_SHORT(i))),
    100 * COLOR(i))

CDL(cdlthrusting, "Thrusting",
    "long black, then a white bar that opens below its low and closes in the lower half of its "
    "body",
    11, 0, 0,
    BLACK(i - 1) && BODY(i - 1) > LONG(i - 1) && WHITE(i) && b->o[i] < b->l[i - 1] &&
        b->c[i] > b->c[i - 1] + EQUAL(i - 1) && b->c[i] <= b->c[i - 1] + BODY(i - 1) * 0.5,
    -100)
