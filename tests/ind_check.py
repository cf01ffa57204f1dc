#!/usr/bin/python3
"""Compare every indicator with a slow reference on 10,000 random bars.

    tests/ind_check.py [PROGRAM] [--ref ../shared/reference]

PROGRAM is what tests/tools/ind_dump.c became, by default where `make tool-bin` puts it.  The
reference is ref_indicators.py in the given directory: definitions in plain Python, checked by its
authors against TA-Lib and Tulip.  The bars have ties, flat stretches and gaps.  Values must agree to
1e-9 of themselves, plus 1e-12 of the level of what they are computed from (a difference of two
averages near 100 cannot be better than that), and must begin at the same bar, which must also be
first(params).  Then once more with unusable bars between: a windowed indicator must begin anew after
each, a recursive one must go on as if it were not there.

The outputs compared must be those that claim it in the table (BV_SEEN_TALIB, BV_SEEN_REFERENCE; the
latter are those of DEFINED_HERE, which nobody ran against TA-Lib).  Candlestick patterns are compared
with recorded results instead, see tests/unit.  Exit status 0: all agree; 77: the reference is not there.
"""
import argparse
import datetime
import math
import os
import random
import subprocess
import sys

TALIB, REFERENCE = 1, 64
DEFINED_HERE = {"rma", "wilder", "hma", "vwma", "zlema", "donchian", "ichimoku_base", "ichimoku_conversion", "ichimoku_span_a",
                "ichimoku_span_b", "keltner", "supertrend", "heikin_ashi", "session_vwap", "pivot"}
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def make_bars(n, seed, tick=0.01, start=100.0):
    """Random walk in ticks: a third of the steps are 0, some stretches are flat, some bars are points.

    Then a second price, partly the first one's, and the day, of 1 to 9 bars."""
    rng = random.Random(seed)
    level = round(start / tick)
    bars = []
    flat, day, second = 0, 19000, 20000
    for _ in range(n):
        if flat == 0 and rng.random() < 0.004:
            flat = rng.randrange(5, 60)
        if flat > 0:
            flat -= 1
            o = h = l = c = level
        else:
            o = level + rng.choice((0, 0, 0, -3, 2, 40, -35) if rng.random() < 0.1 else (0, 0, 1, -1))
            c = max(50, o + rng.choice((0, 0, 1, -1, 4, -4, 9, -9, 25, -25)))
            h = max(o, c) + rng.choice((0, 0, 1, 5))
            l = min(o, c) - rng.choice((0, 0, 1, 5))
        level = c
        v = 0 if rng.random() < 0.01 else rng.randrange(100, 100000)
        second = max(50, second + (c - o) * rng.choice((0, 1, 2)) + rng.choice((0, 0, 1, -1)))
        if rng.random() < 0.2:
            day += rng.choice((1, 1, 1, 2, 4))
        bars.append([o * tick, h * tick, l * tick, c * tick, float(v), second * tick, float(day)])
    return [list(col) for col in zip(*bars)]


def mid(a, b):
    return [None if x is None else (x + y) / 2 for x, y in zip(a, b)]


def shift(a, n):
    return [None] * n + a[:-n]


def cci(R, h, l, c, n):
    """0 where the typical prices of the window are equal: the reference divides its own rounding."""
    t = [(a + b + d) / 3 for a, b, d in zip(h, l, c)]
    return [0.0 if v is not None and max(t[i - n + 1:i + 1]) - min(t[i - n + 1:i + 1]) < 1e-9 else v
            for i, v in enumerate(R.cci(h, l, c, n))]


def cmo(R, c, n):
    """0 where rsi sees a flat series, as in TA-Lib's C source; the reference says 2 * 0 - 100."""
    return [0.0 if r == 0 and c[i] == c[i - 1] else v
            for i, (r, v) in enumerate(zip(R.rsi(c, n), R.cmo(c, n)))]


def zlema(x, n):
    """Tulip: starts with x at lag - 1."""
    lag, k = (n - 1) // 2, 2 / (n + 1)
    out = [None] * (lag - 1) + [x[lag - 1]]
    for i in range(lag, len(x)):
        out.append(out[-1] + (2 * x[i] - x[i - lag] - out[-1]) * k)
    return out


def keltner(R, h, l, c, n, m, w):
    e, a = R.ema(c, n), R.atr(h, l, c, m)
    both = [x is not None and y is not None for x, y in zip(e, a)]
    return ([x + w * y if ok else None for x, y, ok in zip(e, a, both)],
            [x if ok else None for x, ok in zip(e, both)],
            [x - w * y if ok else None for x, y, ok in zip(e, a, both)])


def aroon(R, h, l, n):
    down, up = R.aroon(h, l, n)
    return down, up, [None if d is None else u - d for d, u in zip(down, up)]


def heikin(o, h, l, c):
    ho, hc, hh, hl = [], [], [], []
    for i in range(len(c)):
        ho.append((o[i] + c[i]) / 2 if i == 0 else (ho[-1] + hc[-1]) / 2)
        hc.append((o[i] + h[i] + l[i] + c[i]) / 4)
        hh.append(max(h[i], ho[i], hc[i]))
        hl.append(min(l[i], ho[i], hc[i]))
    return ho, hh, hl, hc


def supertrend(R, h, l, c, n, w):
    a = R.atr(h, l, c, n)
    line, side = [None] * len(c), [None] * len(c)
    up = fu = fl = None
    for i in range(n, len(c)):
        m = (h[i] + l[i]) / 2
        u, d = m + w * a[i], m - w * a[i]
        if fu is None:
            up, fu, fl = c[i] >= m, u, d
        fu = u if u < fu or c[i - 1] > fu else fu
        fl = d if d > fl or c[i - 1] < fl else fl
        up = c[i] > (fl if up else fu)
        line[i], side[i] = (fl, 1.0) if up else (fu, -1.0)
    return line, side


def vwma(c, v, n):
    return [None if i < n - 1 else float("nan") if not any(v[i - n + 1:i + 1]) else
            sum(x * y for x, y in zip(c[i - n + 1:i + 1], v[i - n + 1:i + 1])) / sum(v[i - n + 1:i + 1])
            for i in range(len(c))]


def stochrsi(R, c, n, k, d):
    """0 where rsi stands still but for rounding; the reference divides its own rounding there."""
    r = R.rsi(c, n)
    t = next(i for i, v in enumerate(r) if v is not None)
    a, b = R.hh(r[t:], k), R.ll(r[t:], k)
    fk = [None if x is None else 0.0 if x - y <= 1e-9 else 100 * (z - y) / (x - y)
          for x, y, z in zip(a, b, r[t:])]
    fd = R._map_valid(R.sma, fk, d)
    return [None] * t + [None if y is None else x for x, y in zip(fk, fd)], [None] * t + fd


def period(day, kind):
    date = datetime.date(1970, 1, 1) + datetime.timedelta(days=int(day))
    return (0, day, date.isocalendar()[:2], (date.year, date.month))[kind]


def session_vwap(h, l, c, v, d, kind):
    out, flow, volume, last = [], 0.0, 0.0, None
    for i in range(len(c)):
        if period(d[i], kind) != last:
            flow = volume = 0.0
            last = period(d[i], kind)
        flow += (h[i] + l[i] + c[i]) / 3 * v[i]
        volume += v[i]
        out.append(flow / volume if volume else float("nan"))
    return out


def pivot(h, l, c, d, kind):
    out, before, now, last = [[None] * len(c) for _ in range(7)], None, None, None
    for i in range(len(c)):
        if period(d[i], kind) != last:
            before, now, last = now, (h[i], l[i], c[i]), period(d[i], kind)
        now = (max(now[0], h[i]), min(now[1], l[i]), c[i])
        if before:
            bh, bl, bc = before
            p = (bh + bl + bc) / 3
            for k, x in enumerate((p, 2 * p - bl, p + bh - bl, bh + 2 * (p - bl), 2 * p - bh, p - bh + bl, bl - 2 * (bh - p))):
                out[k][i] = x
    return tuple(out)


def cases(R):
    """name, parameters, reference of (o, h, l, c, v) -> list or tuple of lists, level"""
    price, pct, lots = 100.0, 100.0, 1e7
    thin = 1e4    # cci: an ulp of the price over a mean deviation of half a tick
    yield "sma", [1], lambda o, h, l, c, v: R.sma(c, 1), price
    yield "sma", [20], lambda o, h, l, c, v: R.sma(c, 20), price
    yield "sma", [777], lambda o, h, l, c, v: R.sma(c, 777), price
    yield "ema", [1], lambda o, h, l, c, v: R.ema(c, 1), price
    yield "ema", [30], lambda o, h, l, c, v: R.ema(c, 30), price
    yield "rma", [14], lambda o, h, l, c, v: R.rma(c, 14), price
    yield "wilder", [5], lambda o, h, l, c, v: R.rma(c, 5), price
    yield "wma", [1], lambda o, h, l, c, v: R.wma(c, 1), price
    yield "wma", [30], lambda o, h, l, c, v: R.wma(c, 30), price
    yield "dema", [1], lambda o, h, l, c, v: R.dema(c, 1), price
    yield "dema", [30], lambda o, h, l, c, v: R.dema(c, 30), price
    yield "tema", [30], lambda o, h, l, c, v: R.tema(c, 30), price
    yield "trima", [1], lambda o, h, l, c, v: R.trima(c, 1), price
    yield "trima", [2], lambda o, h, l, c, v: R.trima(c, 2), price
    yield "trima", [29], lambda o, h, l, c, v: R.trima(c, 29), price
    yield "trima", [30], lambda o, h, l, c, v: R.trima(c, 30), price
    yield "kama", [1], lambda o, h, l, c, v: R.kama(c, 1), price
    yield "kama", [30], lambda o, h, l, c, v: R.kama(c, 30), price
    yield "kama", [10, 5, 40], lambda o, h, l, c, v: R.kama(c, 10, 5, 40), price
    yield "t3", [5], lambda o, h, l, c, v: R.t3(c, 5), price
    yield "t3", [12, 0.3], lambda o, h, l, c, v: R.t3(c, 12, 0.3), price
    yield "hma", [2], lambda o, h, l, c, v: R.hma(c, 2), price
    yield "hma", [30], lambda o, h, l, c, v: R.hma(c, 30), price
    yield "zlema", [3], lambda o, h, l, c, v: zlema(c, 3), price
    yield "zlema", [30], lambda o, h, l, c, v: zlema(c, 30), price
    yield "vwma", [1], lambda o, h, l, c, v: vwma(c, v, 1), price
    yield "vwma", [20], lambda o, h, l, c, v: R.vwma(c, v, 20), price
    yield "highest", [1], lambda o, h, l, c, v: R.hh(h, 1), 0
    yield "highest", [14], lambda o, h, l, c, v: R.hh(h, 14), 0
    yield "lowest", [55], lambda o, h, l, c, v: R.ll(l, 55), 0
    yield "midpoint", [14], lambda o, h, l, c, v: mid(R.hh(c, 14), R.ll(c, 14)), 0
    yield "midprice", [14], lambda o, h, l, c, v: mid(R.hh(h, 14), R.ll(l, 14)), 0
    yield "donchian", [20], lambda o, h, l, c, v: (R.hh(h, 20), mid(R.hh(h, 20), R.ll(l, 20)),
                                                   R.ll(l, 20)), 0
    yield "ichimoku_conversion", [], lambda o, h, l, c, v: mid(R.hh(h, 9), R.ll(l, 9)), 0
    yield "ichimoku_base", [], lambda o, h, l, c, v: mid(R.hh(h, 26), R.ll(l, 26)), 0
    yield "ichimoku_span_b", [], lambda o, h, l, c, v: shift(mid(R.hh(h, 52), R.ll(l, 52)), 26), 0
    yield "ichimoku_span_a", [], lambda o, h, l, c, v: shift(
        [None if b is None else (a + b) / 2 for a, b in
         zip(mid(R.hh(h, 9), R.ll(l, 9)), mid(R.hh(h, 26), R.ll(l, 26)))], 26), 0
    yield "aroon", [1], lambda o, h, l, c, v: aroon(R, h, l, 1), 0
    yield "aroon", [14], lambda o, h, l, c, v: aroon(R, h, l, 14), 0
    yield "willr", [14], lambda o, h, l, c, v: R.willr(h, l, c, 14), 0
    yield "stochf", [], lambda o, h, l, c, v: R.stochf(h, l, c), pct
    yield "stochf", [1, 1], lambda o, h, l, c, v: R.stochf(h, l, c, 1, 1), pct
    yield "stoch", [], lambda o, h, l, c, v: R.stoch(h, l, c), pct
    yield "stoch", [14, 5, 7], lambda o, h, l, c, v: R.stoch(h, l, c, 14, 5, 7), pct
    yield "cci", [1], lambda o, h, l, c, v: cci(R, h, l, c, 1), thin
    yield "cci", [14], lambda o, h, l, c, v: cci(R, h, l, c, 14), thin
    yield "ultosc", [], lambda o, h, l, c, v: R.ultosc(h, l, c), pct
    yield "ultosc", [30, 2, 10], lambda o, h, l, c, v: R.ultosc(h, l, c, 30, 2, 10), pct
    yield "bop", [], lambda o, h, l, c, v: R.bop(o, h, l, c), 0
    yield "apo", [], lambda o, h, l, c, v: R.apo(c), price
    yield "apo", [26, 12], lambda o, h, l, c, v: R.apo(c), price
    yield "ppo", [], lambda o, h, l, c, v: R.ppo(c), pct
    yield "var", [5], lambda o, h, l, c, v: R.var(c, 5), 1e-3
    yield "stdev", [5], lambda o, h, l, c, v: R.stddev(c, 5), 1e-1
    yield "stdev", [100], lambda o, h, l, c, v: R.stddev(c, 100), 1e-1
    yield "bbands", [20], lambda o, h, l, c, v: R.bbands(c, 20), price
    yield "bbands", [5, 1.5, 2.5], lambda o, h, l, c, v: R.bbands(c, 5, 1.5, 2.5), price
    yield "trange", [], lambda o, h, l, c, v: R.trange(h, l, c), price
    yield "atr", [1], lambda o, h, l, c, v: R.atr(h, l, c, 1), price
    yield "atr", [14], lambda o, h, l, c, v: R.atr(h, l, c, 14), price
    yield "natr", [14], lambda o, h, l, c, v: R.natr(h, l, c, 14), pct
    yield "keltner", [], lambda o, h, l, c, v: keltner(R, h, l, c, 20, 10, 2), price
    yield "keltner", [5, 30, 1.5], lambda o, h, l, c, v: keltner(R, h, l, c, 5, 30, 1.5), price
    yield "supertrend", [], lambda o, h, l, c, v: supertrend(R, h, l, c, 10, 3), price
    yield "heikin_ashi", [], lambda o, h, l, c, v: heikin(o, h, l, c), price
    yield "rsi", [1], lambda o, h, l, c, v: R.rsi(c, 1), pct
    yield "rsi", [14], lambda o, h, l, c, v: R.rsi(c, 14), pct
    yield "cmo", [14], lambda o, h, l, c, v: cmo(R, c, 14), pct
    yield "stochrsi", [], lambda o, h, l, c, v: stochrsi(R, c, 14, 5, 3), thin
    yield "stochrsi", [9, 14, 1], lambda o, h, l, c, v: stochrsi(R, c, 9, 14, 1), thin
    yield "mom", [10], lambda o, h, l, c, v: R.mom(c, 10), 0
    yield "roc", [10], lambda o, h, l, c, v: R.roc(c, 10), pct
    yield "trix", [], lambda o, h, l, c, v: R.trix(c), pct
    yield "trix", [1], lambda o, h, l, c, v: R.trix(c, 1), pct
    yield "macd", [], lambda o, h, l, c, v: R.macd(c), price
    yield "macd", [26, 12, 9], lambda o, h, l, c, v: R.macd(c), price
    yield "macd", [3, 10, 16], lambda o, h, l, c, v: R.macd(c, 3, 10, 16), price
    yield "dmi", [1], lambda o, h, l, c, v: R._dmi(h, l, c, 1), pct
    yield "dmi", [14], lambda o, h, l, c, v: R._dmi(h, l, c, 14), pct
    yield "adx", [14], lambda o, h, l, c, v: R.adx(h, l, c, 14), pct
    yield "adxr", [1], lambda o, h, l, c, v: R.adxr(h, l, c, 1), pct
    yield "adxr", [14], lambda o, h, l, c, v: R.adxr(h, l, c, 14), pct
    yield "sar", [], lambda o, h, l, c, v: R.sar(h, l), price
    yield "sar", [0.05, 0.5], lambda o, h, l, c, v: R.sar(h, l, 0.05, 0.5), price
    yield "obv", [], lambda o, h, l, c, v: R.obv(c, v), lots
    yield "ad", [], lambda o, h, l, c, v: R.ad(h, l, c, v), lots
    yield "adosc", [], lambda o, h, l, c, v: R.adosc(h, l, c, v), lots
    yield "mfi", [14], lambda o, h, l, c, v: R.mfi(h, l, c, v, 14), pct
    yield "linearreg", [14], lambda o, h, l, c, v: tuple(R.linreg(c, 14)[:3]), price
    yield "linearreg_angle", [14], lambda o, h, l, c, v: R.linreg(c, 14)[3], price
    yield "linearreg", [2], lambda o, h, l, c, v: tuple(R.linreg(c, 2)[:3]), price
    yield "tsf", [14], lambda o, h, l, c, v: R.linreg(c, 14)[4], price
    yield "correl", [30], lambda o, h, l, c, v, s, d: R.correl(s, c, 30), 1e3
    yield "correl", [2], lambda o, h, l, c, v, s, d: R.correl(s, c, 2), 1e3
    yield "correl", [300], lambda o, h, l, c, v, s, d: R.correl(s, c, 300), 1e3
    yield "beta", [5], lambda o, h, l, c, v, s, d: R.beta(s, c, 5), 1e3
    yield "beta", [60], lambda o, h, l, c, v, s, d: R.beta(s, c, 60), 1e3
    for k in range(4):
        yield "session_vwap", [k], lambda o, h, l, c, v, s, d, k=k: session_vwap(h, l, c, v, d, k), price
    for k in range(1, 4):
        yield "pivot", [k], lambda o, h, l, c, v, s, d, k=k: pivot(h, l, c, d, k), price


def run(tool, name, param, text):
    p = subprocess.run([tool, name] + [repr(a) for a in param], input=text, capture_output=True, text=True)
    if p.returncode:
        raise SystemExit("%s %s: %s" % (name, param, p.stderr))
    lines = p.stdout.split("\n")
    first, window = map(int, lines[0].split())
    return first, window, list(zip(*[[float(x) for x in line.split(",")] for line in lines[1:] if line]))


def differ(want, got, first, level, calendar=False):
    """The first disagreement as text, or None.  What follows the calendar begins at first or later."""
    if len(want) != len(got):
        return "%d values, reference has %d" % (len(got), len(want))
    for i, (w, g) in enumerate(zip(want, got)):
        if first is not None and (w is None) != (i < first) and not (calendar and w is None):
            return "first is %d, reference says otherwise at %d" % (first, i)
        if w is None:
            if not math.isnan(g):
                return "bar %d: %r before the first value" % (i, g)
        elif math.isnan(w) and math.isnan(g):
            continue
        elif not abs(w - g) <= 1e-9 * abs(w) + 1e-12 * level:
            return "bar %d: %r, reference %r" % (i, g, w)
    return None


def reference(ref, cols):
    want = ref(*cols[:ref.__code__.co_argcount - len(ref.__defaults__ or ())])
    return want if isinstance(want, tuple) else (want,)


def holed(ref, cols, holes, window):
    """The reference where some bars are unusable: runs between them, or all others in a row."""
    n = len(cols[0])
    runs = [[i for i in range(n) if i not in holes]]
    if window:
        edges = [-1] + sorted(holes) + [n]
        runs = [list(range(a + 1, b)) for a, b in zip(edges, edges[1:]) if b - a > 1]
    out = None
    for run in runs:
        want = reference(ref, [[col[i] for i in run] for col in cols])
        out = out or [[None] * n for _ in want]
        for k, w in enumerate(want):
            for i, x in zip(run, w):
                out[k][i] = x
    return out


def text_of(cols, holes=()):
    return "\n".join("nan,nan,nan,nan,nan,nan,nan" if i in holes else ",".join(repr(x) for x in row)
                     for i, row in enumerate(zip(*cols))) + "\n"


def claims(table, compared):
    """Outputs whose claim is not what was compared."""
    bad = 0
    for ind, output, seen in table:
        want = 0 if ind not in compared else REFERENCE if ind in DEFINED_HERE else TALIB
        if int(seen) & (TALIB | REFERENCE) != want:
            print("%s: claims %d of the sets, %d compared" % (output, int(seen) & (TALIB | REFERENCE), want))
            bad += 1
        if want == 0 and not ind.startswith(("cdl", "candle_")):
            print("%s: no case" % ind)
            bad += 1
    return bad


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("tool", nargs="?", default=os.path.join(ROOT, "build/default/tools/ind_dump"))
    ap.add_argument("--ref", default=os.path.join(ROOT, "../shared/reference"))
    ap.add_argument("--bars", type=int, default=10000)
    arg = ap.parse_args()
    if not os.path.exists(os.path.join(arg.ref, "ref_indicators.py")):
        print("skipped: no ref_indicators.py in", arg.ref)
        return 77
    sys.dont_write_bytecode = True
    sys.path.insert(0, arg.ref)
    import ref_indicators as R
    cols = make_bars(arg.bars, 20240105)
    rng = random.Random(7)
    some = 3000  # bars of the second pass
    short = [col[:some] for col in cols]
    holes = {rng.randrange(some) for _ in range(12)} | {0, 500, 501, some - 1}
    text, holed_text = text_of(cols), text_of(short, holes)
    failed = n = 0
    compared = set()
    for name, param, ref, level in cases(R):
        compared.add(name)
        first, window, got = run(arg.tool, name, param, text)
        passes = [("", reference(ref, cols), got, first)]
        if some > 4 * max(param + [0]) + 200:
            passes.append((" with holes", holed(ref, short, holes, window), run(arg.tool, name, param, holed_text)[2], None))
        for what, want, got, first in passes:
            n += 1
            if len(want) != len(got):
                print("%s %s: %d outputs, reference has %d" % (name, param, len(got), len(want)))
                failed += 1
            for k, (w, g) in enumerate(zip(want, got)):
                why = differ(w, g, first, level, name == "pivot")
                if why:
                    print("%s %s%s output %d: %s" % (name, param, what, k, why))
                    failed += 1
    table = [line.split() for line in subprocess.run([arg.tool, "--list"], capture_output=True, text=True).stdout.splitlines()]
    failed += claims(table, compared)
    print("%d cases, %d bars each, %d failed" % (n, arg.bars, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
