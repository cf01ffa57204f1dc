/*
** ind_cdl_more.c - candlestick patterns as TA-Lib defines them: patterns of three to five bars.
**
** 100 where a bullish pattern stands at the bar, -100 where a bearish one does, else 0.  Sizes are
** compared with averages before the bar that is measured (TA-Lib's default candle settings).
*/
#include "calc/cdl.h"

CDL(cdl2crows, "Two crows",
    "long white, then a black body above it, then a black bar that opens in that body and closes "
    "in the first",
    12, 0, 0,
    WHITE(i - 2) && BODY(i - 2) > LONG(i - 2) && BLACK(i - 1) && GAP_UP(i - 1, i - 2) && BLACK(i) &&
        b->o[i] < b->o[i - 1] && b->o[i] > b->c[i - 1] && b->c[i] > b->o[i - 2] &&
        b->c[i] < b->c[i - 2],
    -100)

CDL(cdl3blackcrows, "Three black crows",
    "after a white bar three black ones almost without lower shadows, each opening in the body "
    "before and closing lower, the first below the high of the white",
    13, 0, 0,
    WHITE(i - 3) && BLACK(i - 2) && LOWER(i - 2) < VERY_SHORT(i - 2) && BLACK(i - 1) &&
        LOWER(i - 1) < VERY_SHORT(i - 1) && BLACK(i) && LOWER(i) < VERY_SHORT(i) &&
        b->o[i - 1] < b->o[i - 2] && b->o[i - 1] > b->c[i - 2] && b->o[i] < b->o[i - 1] &&
        b->o[i] > b->c[i - 1] && b->h[i - 3] > b->c[i - 2] && b->c[i - 2] > b->c[i - 1] &&
        b->c[i - 1] > b->c[i],
    -100)

CDL(cdl3inside, "Three inside",
    "a harami (long body, short body inside) and a bar that closes beyond the first open against "
    "it",
    12, 0, 0,
    BODY(i - 2) > LONG(i - 2) && BODY(i - 1) <= SHORT(i - 1) && TOP(i - 1) < TOP(i - 2) &&
        BASE(i - 1) > BASE(i - 2) &&
        ((WHITE(i - 2) && BLACK(i) && b->c[i] < b->o[i - 2]) ||
         (BLACK(i - 2) && WHITE(i) && b->c[i] > b->o[i - 2])),
    -100 * COLOR(i - 2))

CDL(cdl3linestrike, "Three-line strike",
    "three bars of one colour that go on, each opening in or near the body before, then one of the "
    "other colour that takes all of it back",
    8, 0, 0,
    COLOR(i - 3) == COLOR(i - 2) && COLOR(i - 2) == COLOR(i - 1) && COLOR(i) == -COLOR(i - 1) &&
        b->o[i - 2] >= BASE(i - 3) - NEAR(i - 3) && b->o[i - 2] <= TOP(i - 3) + NEAR(i - 3) &&
        b->o[i - 1] >= BASE(i - 2) - NEAR(i - 2) && b->o[i - 1] <= TOP(i - 2) + NEAR(i - 2) &&
        ((WHITE(i - 1) && b->c[i - 1] > b->c[i - 2] && b->c[i - 2] > b->c[i - 3] &&
          b->o[i] > b->c[i - 1] && b->c[i] < b->o[i - 3]) ||
         (BLACK(i - 1) && b->c[i - 1] < b->c[i - 2] && b->c[i - 2] < b->c[i - 3] &&
          b->o[i] < b->c[i - 1] && b->c[i] > b->o[i - 3])),
    100 * COLOR(i - 1))

CDL(cdl3outside, "Three outside", "an engulfing body and a bar that closes further on", 3, 0, 0,
    (WHITE(i - 1) && BLACK(i - 2) && b->c[i - 1] > b->o[i - 2] && b->o[i - 1] < b->c[i - 2] &&
     b->c[i] > b->c[i - 1]) ||
        (BLACK(i - 1) && WHITE(i - 2) && b->o[i - 1] > b->c[i - 2] && b->c[i - 1] < b->o[i - 2] &&
         b->c[i] < b->c[i - 1]),
    100 * COLOR(i - 1))

CDL(cdl3starsinsouth, "Three stars in the south",
    "three black bars: long body and long lower shadow; smaller, with a higher low; a small "
    "marubozu inside the range of the second",
    12, 0, 0,
    BLACK(i - 2) && BLACK(i - 1) && BLACK(i) && BODY(i - 2) > LONG(i - 2) &&
        LOWER(i - 2) > BODY(i - 2) && BODY(i - 1) < BODY(i - 2) && b->o[i - 1] > b->c[i - 2] &&
        b->o[i - 1] <= b->h[i - 2] && b->l[i - 1] < b->c[i - 2] && b->l[i - 1] >= b->l[i - 2] &&
        LOWER(i - 1) > VERY_SHORT(i - 1) && BODY(i) < SHORT(i) && LOWER(i) < VERY_SHORT(i) &&
        UPPER(i) < VERY_SHORT(i) && b->l[i] > b->l[i - 1] && b->h[i] < b->h[i - 1],
    100)

CDL(cdl3whitesoldiers, "Three white soldiers",
    "three white bars almost without upper shadows, each opening in or near the body before and "
    "closing higher, none far smaller than the one before, the last not short",
    12, 0, 0,
    WHITE(i - 2) && UPPER(i - 2) < VERY_SHORT(i - 2) && WHITE(i - 1) &&
        UPPER(i - 1) < VERY_SHORT(i - 1) && WHITE(i) && UPPER(i) < VERY_SHORT(i) &&
        b->c[i] > b->c[i - 1] && b->c[i - 1] > b->c[i - 2] && b->o[i - 1] > b->o[i - 2] &&
        b->o[i - 1] <= b->c[i - 2] + NEAR(i - 2) && b->o[i] > b->o[i - 1] &&
        b->o[i] <= b->c[i - 1] + NEAR(i - 1) && BODY(i - 1) > BODY(i - 2) - FAR(i - 2) &&
        BODY(i) > BODY(i - 1) - FAR(i - 1) && BODY(i) > SHORT(i),
    100)

CDL(cdlabandonedbaby, "Abandoned baby",
    "long body, a doji beyond its range, and a body back across that gap that closes deep "
    "(penetration) in the first",
    12, 1, 0.3,
    BODY(i - 2) > LONG(i - 2) && BODY(i - 1) <= DOJI(i - 1) && BODY(i) > SHORT(i) &&
        ((WHITE(i - 2) && BLACK(i) && b->c[i] < b->c[i - 2] - BODY(i - 2) * factor &&
          ALL_UP(i - 1, i - 2) && ALL_DOWN(i, i - 1)) ||
         (BLACK(i - 2) && WHITE(i) && b->c[i] > b->c[i - 2] + BODY(i - 2) * factor &&
          ALL_DOWN(i - 1, i - 2) && ALL_UP(i, i - 1))),
    100 * COLOR(i))

CDL(cdladvanceblock, "Advance block",
    "three white bars that close higher but weaken: smaller bodies or longer upper shadows", 12, 0,
    0,
    WHITE(i - 2) && WHITE(i - 1) && WHITE(i) && b->c[i] > b->c[i - 1] &&
        b->c[i - 1] > b->c[i - 2] && b->o[i - 1] > b->o[i - 2] &&
        b->o[i - 1] <= b->c[i - 2] + NEAR(i - 2) && b->o[i] > b->o[i - 1] &&
        b->o[i] <= b->c[i - 1] + NEAR(i - 1) && BODY(i - 2) > LONG(i - 2) &&
        UPPER(i - 2) < SHADOW_SHORT(i - 2) &&
        ((BODY(i - 1) < BODY(i - 2) - FAR(i - 2) && BODY(i) < BODY(i - 1) + NEAR(i - 1)) ||
         BODY(i) < BODY(i - 1) - FAR(i - 1) ||
         (BODY(i) < BODY(i - 1) && BODY(i - 1) < BODY(i - 2) &&
          (UPPER(i) > SHADOW_SHORT(i) || UPPER(i - 1) > SHADOW_SHORT(i - 1))) ||
         (BODY(i) < BODY(i - 1) && UPPER(i) > BODY(i))),
    -100)

CDL(cdlbreakaway, "Breakaway",
    "long body, a gap on in the same colour, two more bars further on, then one of the other "
    "colour that closes inside the gap",
    14, 0, 0,
    BODY(i - 4) > LONG(i - 4) && COLOR(i - 4) == COLOR(i - 3) && COLOR(i - 3) == COLOR(i - 1) &&
        COLOR(i - 1) == -COLOR(i) &&
        ((BLACK(i - 4) && GAP_DOWN(i - 3, i - 4) && b->h[i - 2] < b->h[i - 3] &&
          b->l[i - 2] < b->l[i - 3] && b->h[i - 1] < b->h[i - 2] && b->l[i - 1] < b->l[i - 2] &&
          b->c[i] > b->o[i - 3] && b->c[i] < b->c[i - 4]) ||
         (WHITE(i - 4) && GAP_UP(i - 3, i - 4) && b->h[i - 2] > b->h[i - 3] &&
          b->l[i - 2] > b->l[i - 3] && b->h[i - 1] > b->h[i - 2] && b->l[i - 1] > b->l[i - 2] &&
          b->c[i] < b->o[i - 3] && b->c[i] > b->c[i - 4])),
    100 * COLOR(i))

CDL(cdlconcealbabyswall, "Concealing baby swallow",
    "two black marubozu, a black bar with a gap down whose upper shadow reaches into them, and a "
    "black bar that engulfs it with its shadows",
    13, 0, 0,
    BLACK(i - 3) && BLACK(i - 2) && BLACK(i - 1) && BLACK(i) && LOWER(i - 3) < VERY_SHORT(i - 3) &&
        UPPER(i - 3) < VERY_SHORT(i - 3) && LOWER(i - 2) < VERY_SHORT(i - 2) &&
        UPPER(i - 2) < VERY_SHORT(i - 2) && GAP_DOWN(i - 1, i - 2) &&
        UPPER(i - 1) > VERY_SHORT(i - 1) && b->h[i - 1] > b->c[i - 2] && b->h[i] > b->h[i - 1] &&
        b->l[i] < b->l[i - 1],
    100)

CDL(cdleveningdojistar, "Evening doji star",
    "long white, a doji above its body, a black body that closes deep (penetration) in the first",
    12, 1, 0.3,
    BODY(i - 2) > LONG(i - 2) && WHITE(i - 2) && BODY(i - 1) <= DOJI(i - 1) &&
        GAP_UP(i - 1, i - 2) && BODY(i) > SHORT(i) && BLACK(i) &&
        b->c[i] < b->c[i - 2] - BODY(i - 2) * factor,
    -100)

CDL(cdleveningstar, "Evening star",
    "long white, a short body above it, a black body that closes deep (penetration) in the first",
    12, 1, 0.3,
    BODY(i - 2) > LONG(i - 2) && WHITE(i - 2) && BODY(i - 1) <= SHORT(i - 1) &&
        GAP_UP(i - 1, i - 2) && BODY(i) > SHORT(i) && BLACK(i) &&
        b->c[i] < b->c[i - 2] - BODY(i - 2) * factor,
    -100)

CDL(cdlgapsidesidewhite, "Gap side-by-side white lines",
    "two white bars of about the same size and open, both beyond the body before", 7, 0, 0,
    ((GAP_UP(i - 1, i - 2) && GAP_UP(i, i - 2)) ||
     (GAP_DOWN(i - 1, i - 2) && GAP_DOWN(i, i - 2))) &&
        WHITE(i - 1) && WHITE(i) && WITHIN(BODY(i), BODY(i - 1), NEAR(i - 1)) &&
        WITHIN(b->o[i], b->o[i - 1], EQUAL(i - 1)),
    GAP_UP(i - 1, i - 2) ? 100 : -100)

CDL(cdlidentical3crows, "Identical three crows",
    "three black bars almost without lower shadows, each opening at the close before", 12, 0, 0,
    BLACK(i - 2) && LOWER(i - 2) < VERY_SHORT(i - 2) && BLACK(i - 1) &&
        LOWER(i - 1) < VERY_SHORT(i - 1) && BLACK(i) && LOWER(i) < VERY_SHORT(i) &&
        b->c[i - 2] > b->c[i - 1] && b->c[i - 1] > b->c[i] &&
        WITHIN(b->o[i - 1], b->c[i - 2], EQUAL(i - 2)) &&
        WITHIN(b->o[i], b->c[i - 1], EQUAL(i - 1)),
    -100)

CDL(cdlladderbottom, "Ladder bottom",
    "three black bars with falling opens and closes, a black one with an upper shadow, a white one "
    "that opens above its body and closes above its high",
    14, 0, 0,
    BLACK(i - 4) && BLACK(i - 3) && BLACK(i - 2) && b->o[i - 4] > b->o[i - 3] &&
        b->o[i - 3] > b->o[i - 2] && b->c[i - 4] > b->c[i - 3] && b->c[i - 3] > b->c[i - 2] &&
        BLACK(i - 1) && UPPER(i - 1) > VERY_SHORT(i - 1) && WHITE(i) && b->o[i] > b->o[i - 1] &&
        b->c[i] > b->h[i - 1],
    100)

CDL(cdlmathold, "Mat hold",
    "long white, a black body above it, two short ones that fall but stay in its upper part "
    "(penetration), and a white bar above all highs",
    14, 1, 0.5,
    BODY(i - 4) > LONG(i - 4) && BODY(i - 3) < SHORT(i - 3) && BODY(i - 2) < SHORT(i - 2) &&
        BODY(i - 1) < SHORT(i - 1) && WHITE(i - 4) && BLACK(i - 3) && WHITE(i) &&
        GAP_UP(i - 3, i - 4) && BASE(i - 2) < b->c[i - 4] && BASE(i - 1) < b->c[i - 4] &&
        BASE(i - 2) > b->c[i - 4] - BODY(i - 4) * factor &&
        BASE(i - 1) > b->c[i - 4] - BODY(i - 4) * factor && TOP(i - 2) < b->o[i - 3] &&
        TOP(i - 1) < TOP(i - 2) && b->o[i] > b->c[i - 1] && b->c[i] > b->h[i - 3] &&
        b->c[i] > b->h[i - 2] && b->c[i] > b->h[i - 1],
    100)

CDL(cdlmorningdojistar, "Morning doji star",
    "long black, a doji below its body, a white body that closes deep (penetration) in the first",
    12, 1, 0.3,
    BODY(i - 2) > LONG(i - 2) && BLACK(i - 2) && BODY(i - 1) <= DOJI(i - 1) &&
        GAP_DOWN(i - 1, i - 2) && BODY(i) > SHORT(i) && WHITE(i) &&
        b->c[i] > b->c[i - 2] + BODY(i - 2) * factor,
    100)

CDL(cdlmorningstar, "Morning star",
    "long black, a short body below it, a white body that closes deep (penetration) in the first",
    12, 1, 0.3,
    BODY(i - 2) > LONG(i - 2) && BLACK(i - 2) && BODY(i - 1) <= SHORT(i - 1) &&
        GAP_DOWN(i - 1, i - 2) && BODY(i) > SHORT(i) && WHITE(i) &&
        b->c[i] > b->c[i - 2] + BODY(i - 2) * factor,
    100)

CDL(cdlrisefall3methods, "Rising or falling three methods",
    "long body, three short ones of the other colour that stay in its range and go against it, and "
    "a long one that closes beyond the first",
    14, 0, 0,
    BODY(i - 4) > LONG(i - 4) && BODY(i - 3) < SHORT(i - 3) && BODY(i - 2) < SHORT(i - 2) &&
        BODY(i - 1) < SHORT(i - 1) && BODY(i) > LONG(i) && COLOR(i - 4) == -COLOR(i - 3) &&
        COLOR(i - 3) == COLOR(i - 2) && COLOR(i - 2) == COLOR(i - 1) && COLOR(i - 1) == -COLOR(i) &&
        BASE(i - 3) < b->h[i - 4] && TOP(i - 3) > b->l[i - 4] && BASE(i - 2) < b->h[i - 4] &&
        TOP(i - 2) > b->l[i - 4] && BASE(i - 1) < b->h[i - 4] && TOP(i - 1) > b->l[i - 4] &&
        b->c[i - 2] * COLOR(i - 4) < b->c[i - 3] * COLOR(i - 4) &&
        b->c[i - 1] * COLOR(i - 4) < b->c[i - 2] * COLOR(i - 4) &&
        b->o[i] * COLOR(i - 4) > b->c[i - 1] * COLOR(i - 4) &&
        b->c[i] * COLOR(i - 4) > b->c[i - 4] * COLOR(i - 4),
    100 * COLOR(i - 4))

CDL(cdlstalledpattern, "Stalled pattern",
    "two long white bars and a short one at the end of the second", 12, 0, 0,
    WHITE(i - 2) && WHITE(i - 1) && WHITE(i) && b->c[i] > b->c[i - 1] &&
        b->c[i - 1] > b->c[i - 2] && BODY(i - 2) > LONG(i - 2) && BODY(i - 1) > LONG(i - 1) &&
        UPPER(i - 1) < VERY_SHORT(i - 1) && b->o[i - 1] > b->o[i - 2] &&
        b->o[i - 1] <= b->c[i - 2] + NEAR(i - 2) && BODY(i) < SHORT(i) &&
        b->o[i] >= b->c[i - 1] - BODY(i) - NEAR(i - 1),
    -100)

CDL(cdlsticksandwich, "Stick sandwich",
    "black, white above its close, black with the close of the first", 7, 0, 0,
    BLACK(i - 2) && WHITE(i - 1) && BLACK(i) && b->l[i - 1] > b->c[i - 2] &&
        WITHIN(b->c[i], b->c[i - 2], EQUAL(i - 2)),
    100)

CDL(cdltasukigap, "Tasuki gap",
    "a gap on, then a bar of about the same size and the other colour that opens in the second "
    "body and closes inside the gap",
    7, 0, 0,
    (GAP_UP(i - 1, i - 2) && WHITE(i - 1) && BLACK(i) && b->o[i] < b->c[i - 1] &&
     b->o[i] > b->o[i - 1] && b->c[i] < b->o[i - 1] && b->c[i] > TOP(i - 2) &&
     fabs(BODY(i - 1) - BODY(i)) < NEAR(i - 1)) ||
        (GAP_DOWN(i - 1, i - 2) && BLACK(i - 1) && WHITE(i) && b->o[i] < b->o[i - 1] &&
         b->o[i] > b->c[i - 1] && b->c[i] > b->o[i - 1] && b->c[i] < BASE(i - 2) &&
         fabs(BODY(i - 1) - BODY(i)) < NEAR(i - 1)),
    100 * COLOR(i - 1))

CDL(cdltristar, "Tristar", "three doji, the second with a gap on, the third back", 12, 0, 0,
    BODY(i - 2) <= DOJI(i - 2) && BODY(i - 1) <= DOJI(i - 2) && BODY(i) <= DOJI(i - 2) &&
        ((GAP_UP(i - 1, i - 2) && TOP(i) < TOP(i - 1)) ||
         (GAP_DOWN(i - 1, i - 2) && BASE(i) > BASE(i - 1))),
    GAP_UP(i - 1, i - 2) ? -100 : 100)

CDL(cdlunique3river, "Unique three river",
    "long black, a black body inside with a lower low, a short white one above that low", 12, 0, 0,
    BODY(i - 2) > LONG(i - 2) && BLACK(i - 2) && BLACK(i - 1) && b->c[i - 1] > b->c[i - 2] &&
        b->o[i - 1] <= b->o[i - 2] && b->l[i - 1] < b->l[i - 2] && BODY(i) < SHORT(i) && WHITE(i) &&
        b->o[i] > b->l[i - 1],
    100)

CDL(cdlupsidegap2crows, "Upside gap two crows",
    "long white, a short black body above it, a black one that engulfs it and closes above the "
    "first",
    12, 0, 0,
    WHITE(i - 2) && BODY(i - 2) > LONG(i - 2) && BLACK(i - 1) && BODY(i - 1) <= SHORT(i - 1) &&
        GAP_UP(i - 1, i - 2) && BLACK(i) && b->o[i] > b->o[i - 1] && b->c[i] < b->c[i - 1] &&
        b->c[i] > b->c[i - 2],
    -100)

CDL(cdlxsidegap3methods, "Upside or downside gap three methods",
    "two bars of one colour with a gap, then one of the other colour from the second body into the "
    "first",
    2, 0, 0,
    COLOR(i - 2) == COLOR(i - 1) && COLOR(i - 1) == -COLOR(i) && b->o[i] < TOP(i - 1) &&
        b->o[i] > BASE(i - 1) && b->c[i] < TOP(i - 2) && b->c[i] > BASE(i - 2) &&
        ((WHITE(i - 2) && GAP_UP(i - 1, i - 2)) || (BLACK(i - 2) && GAP_DOWN(i - 1, i - 2))),
    100 * COLOR(i - 2))
