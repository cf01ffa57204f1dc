/*
** ind_cdl_one.c - candlestick patterns as TA-Lib defines them: patterns of one bar.
**
** 100 where a bullish pattern stands at the bar, -100 where a bearish one does, else 0.  Sizes are
** compared with averages before the bar that is measured (TA-Lib's default candle settings).
*/
#include "calc/cdl.h"

CDL(cdlbelthold, "Belt-hold",
    "long body that opens at its extreme: white without lower shadow, black without upper", 10, 0,
    0,
    BODY(i) > LONG(i) &&
        ((WHITE(i) && LOWER(i) < VERY_SHORT(i)) || (BLACK(i) && UPPER(i) < VERY_SHORT(i))),
    100 * COLOR(i))

CDL(cdlclosingmarubozu, "Closing marubozu",
    "long body that closes at its extreme: white without upper shadow, black without lower", 10, 0,
    0,
    BODY(i) > LONG(i) &&
        ((WHITE(i) && UPPER(i) < VERY_SHORT(i)) || (BLACK(i) && LOWER(i) < VERY_SHORT(i))),
    100 * COLOR(i))

CDL(cdldoji, "Doji", "almost no body", 10, 0, 0, BODY(i) <= DOJI(i), 100)

CDL(cdldragonflydoji, "Dragonfly doji", "doji without upper shadow, with a lower one", 10, 0, 0,
    BODY(i) <= DOJI(i) && UPPER(i) < VERY_SHORT(i) && LOWER(i) > VERY_SHORT(i), 100)

CDL(cdlgravestonedoji, "Gravestone doji", "doji without lower shadow, with an upper one", 10, 0, 0,
    BODY(i) <= DOJI(i) && LOWER(i) < VERY_SHORT(i) && UPPER(i) > VERY_SHORT(i), 100)

CDL(cdlhighwave, "High-wave", "short body with two very long shadows", 10, 0, 0,
    BODY(i) < SHORT(i) && UPPER(i) > 2 * BODY(i) && LOWER(i) > 2 * BODY(i), 100 * COLOR(i))

CDL(cdlinvertedhammer, "Inverted hammer",
    "short body below the body before, long upper shadow, almost no lower one", 11, 0, 0,
    BODY(i) < SHORT(i) && UPPER(i) > BODY(i) && LOWER(i) < VERY_SHORT(i) && GAP_DOWN(i, i - 1), 100)

CDL(cdllongleggeddoji, "Long-legged doji", "doji with a long shadow at least", 10, 0, 0,
    BODY(i) <= DOJI(i) && (LOWER(i) > BODY(i) || UPPER(i) > BODY(i)), 100)

CDL(cdllongline, "Long line", "long body with short shadows", 10, 0, 0,
    BODY(i) > LONG(i) && UPPER(i) < SHADOW_SHORT(i) && LOWER(i) < SHADOW_SHORT(i), 100 * COLOR(i))

CDL(cdlmarubozu, "Marubozu", "long body almost without shadows", 10, 0, 0,
    BODY(i) > LONG(i) && UPPER(i) < VERY_SHORT(i) && LOWER(i) < VERY_SHORT(i), 100 * COLOR(i))

CDL(cdlrickshawman, "Rickshaw man", "doji with two long shadows and the body near the middle", 10,
    0, 0,
    BODY(i) <= DOJI(i) && LOWER(i) > BODY(i) && UPPER(i) > BODY(i) &&
        BASE(i) <= b->l[i] + b->range[i] / 2 + NEAR(i) &&
        TOP(i) >= b->l[i] + b->range[i] / 2 - NEAR(i),
    100)

CDL(cdlshootingstar, "Shooting star",
    "short body above the body before, long upper shadow, almost no lower one", 11, 0, 0,
    BODY(i) < SHORT(i) && UPPER(i) > BODY(i) && LOWER(i) < VERY_SHORT(i) && GAP_UP(i, i - 1), -100)

CDL(cdlshortline, "Short line", "short body with short shadows", 10, 0, 0,
    BODY(i) < SHORT(i) && UPPER(i) < SHADOW_SHORT(i) && LOWER(i) < SHADOW_SHORT(i), 100 * COLOR(i))

CDL(cdlspinningtop, "Spinning top", "short body with two shadows that are longer", 10, 0, 0,
    BODY(i) < SHORT(i) && UPPER(i) > BODY(i) && LOWER(i) > BODY(i), 100 * COLOR(i))

CDL(cdltakuri, "Takuri", "doji without upper shadow, with a very long lower one", 10, 0, 0,
    BODY(i) <= DOJI(i) && UPPER(i) < VERY_SHORT(i) && LOWER(i) > 2 * BODY(i), 100)
