#!/usr/bin/python3
"""The rules of docs/backtest.md, written down once more in Python, against the library.

Two assets with gaps of their own make a few thousand minutes of prices in whole cents.  Strategies run in set
mode and in step mode with several costs and limits; every fill and the whole equity curve must agree with the
simulation below, which knows nothing but the text of docs/backtest.md (profile default).
"""
import json
import math
import os
import random
import sqlite3
import sys

MINUTE = 60
START = 1704205800


def make_bars(seed, minutes, missing):
    """{ts: (open, high, low, close)} in cents."""
    rng, price, bars = random.Random(seed), 10000, {}
    for k in range(minutes):
        price = max(500, price + rng.randrange(-40, 41))
        path = [price]
        for _ in range(3):
            path.append(max(500, path[-1] + rng.randrange(-15, 16)))
        price = path[-1]
        if rng.random() >= missing:
            bars[START + k * MINUTE] = (path[0], max(path), min(path), price)
    return bars


BARS = {"AA": make_bars(1, 4000, 0.0), "BB": make_bars(2, 4000, 0.1)}


class Account:
    """Profile default: sized in whole lots at the decision, one order per target, cut to buying power."""

    def __init__(self, config):
        commission = config.get("commission", {})
        self.cash = config["cash"]
        self.per_share = commission.get("model") == "per_share"
        self.rate, self.fixed = commission.get("rate", 0), commission.get("fixed", 0)
        self.minimum, self.extra = commission.get("minimum", 0), commission.get("sell_extra", 0)
        self.slip = config.get("slippage", 0)
        self.leverage = config.get("leverage", 1)
        self.lot = config.get("lot", 1)
        self.held, self.mark, self.waiting, self.fills, self.ids = {}, {}, {}, [], 0

    def paid(self, price, side):
        return price * (1 + side * self.slip)

    def commission(self, lots, price):
        rate = self.rate + (self.extra if lots < 0 else 0)
        units = abs(lots) * self.lot
        cost = self.fixed + units * (rate if self.per_share else price * rate)
        return max(cost, self.minimum) if self.minimum > 0 else cost

    def value(self, price):
        return self.cash + sum(n * self.lot * price[a] for a, n in self.held.items() if n)

    def per_unit(self, price, side):
        paid = self.paid(price, side)
        rate = self.rate + (self.extra if side < 0 else 0)
        return price + abs(paid - price) + (rate if self.per_share else paid * rate)

    def target(self, asset, weight):
        """Lots of a target weight, at the closes known."""
        base, price = self.held.get(asset, 0), self.mark[asset]
        value = self.value(self.mark)
        if weight * base < 0:  # what leaving the other side costs is not there any more
            paid = self.paid(price, -1 if base > 0 else 1)
            value -= abs(base * self.lot * (paid - price)) + self.commission(-base, paid)
        lots = weight * value / (price * self.lot)
        kept = base if lots * base > 0 else 0
        if abs(lots) > abs(kept):
            lots = kept + (lots - kept) * price / self.per_unit(price, 1 if lots > 0 else -1)
        return math.copysign(math.floor(abs(lots) + 1e-9), lots)

    def decide(self, asset, weight):
        self.waiting.pop(asset, None)
        lots = (self.target(asset, weight) if weight else 0) - self.held.get(asset, 0)
        if lots:
            self.ids += 1
            self.waiting[asset] = (self.ids, lots)

    def carries(self, asset, lots, price):
        paid = self.paid(price[asset], 1 if lots > 0 else -1)
        after = dict(self.held)
        after[asset] = after.get(asset, 0) + lots
        worth = [n * self.lot * price[a] for a, n in after.items() if n]
        value = self.cash - lots * self.lot * paid - self.commission(lots, paid) + sum(worth)
        gross = sum(abs(w) for w in worth)
        return gross <= self.leverage * value + 1e-12 * (abs(value) + gross)

    def fill(self, ts, asset, lots, price):
        base = self.held.get(asset, 0)
        closing = math.copysign(min(abs(lots), abs(base)), lots) if base * lots < 0 else 0
        opening = lots - closing
        if opening and not self.carries(asset, lots, price):
            low, high = 0, abs(opening)
            while high - low > 1:
                mid = (low + high) // 2
                if self.carries(asset, closing + math.copysign(mid, opening), price):
                    low = mid
                else:
                    high = mid
            opening = math.copysign(low, opening)
        lots = closing + opening
        if not lots:
            return
        paid = self.paid(price[asset], 1 if lots > 0 else -1)
        commission = self.commission(lots, paid)
        self.cash -= lots * self.lot * paid + commission
        self.held[asset] = base + lots
        self.fills.append((ts, asset, lots * self.lot, paid, commission))

    def open(self, ts, opens):
        price = {**self.mark, **opens}
        orders = sorted((self.waiting.pop(a) + (a,) for a in list(self.waiting) if a in opens))

        def reduces(order):
            base = self.held.get(order[2], 0)
            return base * order[1] < 0 and abs(base + order[1]) <= abs(base)

        first = [order for order in orders if reduces(order)]
        for _, lots, asset in first + [order for order in orders if order not in first]:
            self.fill(ts, asset, lots, price)


def simulate(config, rule):
    """rule(asset, bars of it so far) gives a weight or None."""
    account, curve, seen = Account(config), [], {a: [] for a in BARS}
    times = sorted({t for bars in BARS.values() for ts in bars for t in (ts, ts + MINUTE)})
    for t in times:
        ended = [a for a in sorted(BARS) if t - MINUTE in BARS[a]]
        for a in ended:
            seen[a].append(BARS[a][t - MINUTE])
            account.mark[a] = seen[a][-1][3] / 100
        if ended:
            curve.append((t, account.value(account.mark), account.cash))
        for a in ended:
            weight = rule(a, seen[a])
            if weight is not None:
                account.decide(a, weight)
        opens = {a: BARS[a][t][0] / 100 for a in sorted(BARS) if t in BARS[a]}
        if opens:
            account.open(t, opens)
    return account.fills, curve


# Each strategy three times: in Python, on cents, where sums are exact; in set mode; in step mode.
def cross(asset, bars):
    if asset != "AA":
        return None
    fast, slow = (sum(bar[3] for bar in bars[-n:]) for n in (10, 30))
    return 1.0 if len(bars) >= 30 and 3 * fast > slow else 0.0


def breakout(asset, bars):
    if len(bars) <= 40:
        return None
    close, before = bars[-1][3], bars[-41:-1]
    if close > max(bar[1] for bar in before):
        return 0.5
    return 0.0 if close < min(bar[2] for bar in before) else None


def flip(asset, bars):
    if len(bars) <= 20:
        return None
    move = bars[-1][3] - bars[-21][3]
    return 0.4 if move > 0 else -0.4 if move < 0 else 0.0


SET = "SELECT known_at, asset, {} AS target_weight FROM bars WHERE asset IN ({}) AND timestep = 'minute'"
STEP = "SELECT asset, {} AS target_weight FROM barsvt_asset WHERE bt_is_new(asset) AND asset IN ({})"
BOTH = "'AA', 'BB'"
STRATEGIES = {
    "cross": (cross, "'AA'", "CASE WHEN sma({row}, 10) > sma({row}, 30) THEN 1.0 ELSE 0.0 END"),
    "breakout": (breakout, BOTH, "CASE WHEN prev({row}, 0) > prev({row}, 1, 'highest:40@high') THEN 0.5"
                                 " WHEN prev({row}, 0) < prev({row}, 1, 'lowest:40@low') THEN 0.0 END"),
    "flip": (flip, BOTH, "0.4 * sign(prev({row}, 0) - prev({row}, 20))"),
}
CONFIGS = {
    "cross": [{"cash": 100000}, {"cash": 777, "commission": {"rate": 0.002, "fixed": 0.5}}],
    "breakout": [{"cash": 50000, "commission": {"rate": 0.0005}},
                 {"cash": 50000, "units": "fractional", "lot": 0.01, "slippage": 0.0003, "slippage.clamp": False}],
    "flip": [{"cash": 25000, "commission": {"model": "per_share", "rate": 0.005, "minimum": 1}, "slippage": 0.0001, "slippage.clamp": False},
             {"cash": 25000, "leverage": 2, "commission": {"rate": 0.0001, "sell_extra": 0.0002}}],
}


def connect():
    db = sqlite3.connect(":memory:")
    db.enable_load_extension(True)
    db.load_extension(os.environ["BARSVT_SO"])
    # In step mode a row is wanted for the assets whose bar has just ended, as in set mode.
    db.create_function("bt_is_new", 1, lambda asset: db.execute(
        "SELECT known_at = bars_clock() FROM bars_asof(?, 'minute')", (asset,)).fetchone() == (1,))
    for asset, bars in BARS.items():
        db.executemany("INSERT INTO bars(asset, timestep, ts, open, high, low, close) VALUES (?, 'minute', ?, ?, ?, ?, ?)",
                       [(asset, ts, *(p / 100 for p in bar)) for ts, bar in bars.items()])
    for name, (_, assets, expression) in STRATEGIES.items():
        db.execute(f"CREATE TEMP VIEW {name}_set AS " + SET.format(expression.format(row="bars"), assets))
        db.execute(f"CREATE TEMP VIEW {name}_step AS " + STEP.format(expression.format(row="asset, 'minute'"), assets))
    return db


def close_to(a, b):
    return a == b or (isinstance(a, float) and math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-6))


def differing(want, got):
    """The first row that differs, as a text; None where all agree."""
    for number, (a, b) in enumerate(zip(want, got)):
        if not all(close_to(x, y) for x, y in zip(a, b)):
            return f"row {number}: {a} wanted, {b} got"
    return None if len(want) == len(got) else f"{len(want)} rows wanted, {len(got)} got"


def main():
    db, bad, filled = connect(), 0, 0
    for name, (rule, _, _) in STRATEGIES.items():
        for config in CONFIGS[name]:
            fills, curve = simulate(config, rule)
            filled += len(fills)
            for mode in ("set", "step"):
                full = dict(config, assets=sorted(BARS), timestep="minute")
                (run,) = db.execute("SELECT bt_run(?, ?)", (f"{name}_{mode}", json.dumps(full))).fetchone()
                pairs = {
                    "bt_fill": (fills, db.execute(
                        "SELECT ts, asset, qty, price, commission FROM bt_fill WHERE run = ? ORDER BY id", (run,)).fetchall()),
                    "bt_equity": (curve, db.execute(
                        "SELECT ts, value, cash FROM bt_equity WHERE run = ?", (run,)).fetchall()),
                }
                for table, (want, got) in pairs.items():
                    wrong = differing(want, got)
                    if wrong:
                        bad += 1
                        print(f"{name}, {mode} mode, {config}, {table}: {wrong}")
    if filled < 500:
        bad += 1
        print(f"only {filled} fills were compared")
    return 1 if bad else 0


sys.exit(main())
