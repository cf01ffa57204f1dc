"""What must hold for any run, whatever the strategy: on seeded random bars and signals.

Three assets with different timesteps, holes and beginnings are traded at random in every way a row can
ask.  From the bars and the stored fills alone everything else is computed again here: cash, positions,
lots first in first out, the equity curve, costs, and compared.  Set mode and step mode read the same
signals and must leave the same rows.

Tolerances: 1e-9 of the money involved for sums of doubles in another order; exact where the same
operations are done.
"""
import json
import math
import random
import sys

sys.dont_write_bytecode = True
from bt_help import Checks, connect, one  # noqa: E402

START = 1704067200  # 2024-01-01
SECONDS = {'15 minutes': 900, 'hour': 3600, 'day': 86400}
# asset -> timestep, bars, first bar, share of bars that are missing
ASSETS = {'AAA': ('hour', 600, START, 0.0), 'BBB': ('day', 25, START, 0.1), 'CCC': ('15 minutes', 900, START + 5 * 86400, 0.3)}
KINDS = ('target_weight', 'target_value', 'target_qty', 'qty')

checks = Checks()


def make_bars(rng, asset):
    step, n, first, holes = ASSETS[asset]
    price, out = rng.uniform(20, 200), []
    for i in range(n):
        start = price
        price = max(1.0, price * (1 + rng.gauss(0, 0.01)))
        high = max(start, price) * (1 + abs(rng.gauss(0, 0.004)))
        low = min(start, price) * (1 - abs(rng.gauss(0, 0.004)))
        if rng.random() >= holes:
            out.append((asset, step, first + i * SECONDS[step], start, high, low, price, float(rng.randint(1, 9999))))
    return out


def make_signals(rng, bars, n):
    """Random rows at ends of bars; some ask for nothing, some come twice in one step."""
    ends = sorted({b[2] + SECONDS[b[1]] for b in bars})
    out = []
    for i in range(n):
        asset, kind = rng.choice(list(ASSETS)), rng.choice(KINDS)
        amount = {'target_weight': rng.uniform(-0.6, 0.6), 'target_value': rng.uniform(-40000, 40000),
                  'target_qty': rng.randint(-300, 300), 'qty': rng.choice([-70, -5, 1, 20, 90])}[kind]
        if rng.random() < 0.1:
            amount = None
        row = [rng.choice(ends), asset] + [amount if k == kind else None for k in KINDS] + [f's{i % 7}']
        out.append(row)
        if rng.random() < 0.1:
            out.append(row[:2] + [None, None, None, 3, 'twice'])
    return sorted(out, key=lambda r: r[0])


def build(seed):
    rng = random.Random(seed)
    bars = [b for a in ASSETS for b in make_bars(rng, a)]
    db = connect()
    db.executemany('INSERT INTO bars(asset, timestep, ts, open, high, low, close, volume) VALUES (?,?,?,?,?,?,?,?)', bars)
    db.execute('CREATE TABLE signal(known_at, asset, target_weight, target_value, target_qty, qty, tag)')
    db.executemany('INSERT INTO signal VALUES (?,?,?,?,?,?,?)', make_signals(rng, bars, 400))
    db.execute('CREATE VIEW by_set AS SELECT * FROM signal')
    db.execute('CREATE VIEW by_step AS SELECT asset, target_weight, target_value, target_qty, qty, tag FROM signal'
               ' WHERE known_at = bars_clock()')
    return db, bars


class Replay:
    """The account, from fills and bars."""

    def __init__(self, cash):
        self.cash, self.qty, self.mark, self.lots, self.closed = cash, {}, {}, {}, []

    def value(self):
        return self.cash + sum(q * self.mark[a] for a, q in sorted(self.qty.items()))

    def fill(self, asset, qty, price, commission, ts, fill_id):
        self.cash -= qty * price + commission
        self.qty[asset] = self.qty.get(asset, 0.0) + qty
        lots, left = self.lots.setdefault(asset, []), qty
        while abs(left) > 1e-9 and lots and lots[0]['qty'] * left < 0:
            lot = lots[0]
            part = math.copysign(min(abs(left), abs(lot['qty'])), lot['qty'])
            entry = lot['commission'] * part / lot['qty']
            cost = entry + commission * abs(part / qty)
            self.closed.append((asset, part, lot['ts'], ts, lot['fill'], fill_id, lot['price'], price, cost,
                                part * (price - lot['price']) - cost))
            lot['commission'] -= entry
            lot['qty'] -= part
            left += part
            if abs(lot['qty']) < 1e-9:
                lots.pop(0)
        if abs(left) > 1e-9:
            lots.append({'qty': left, 'price': price, 'ts': ts, 'fill': fill_id, 'commission': commission * left / qty})


def commission_of(config, qty, price):
    c = dict(config.get('commission', {}))
    value = abs(qty) * (c.get('rate', 0) if c.get('model') == 'per_share' else price * c.get('rate', 0))
    return max(c.get('fixed', 0) + value, c.get('minimum', 0))


def check_fills(name, db, run, bars, config):
    """Each fill is at the open of a bar that starts at or after the order, with the costs configured."""
    bar = {(b[0], b[2]): b for b in bars}
    rate = config.get('slippage', {}).get('rate', 0)
    clamp = config.get('slippage', {}).get('clamp', True)
    early = outside = price_off = cost_off = 0
    rows = db.execute('SELECT f.ts, f.asset, f.qty, f.price, f.commission, f.slippage, o.ts FROM bt_fill f JOIN bt_order o'
                      ' ON o.run = f.run AND o.id = f.order_id WHERE f.run = ?', (run,)).fetchall()
    for ts, asset, qty, price, commission, slippage, decided in rows:
        b = bar.get((asset, ts))
        if not checks.ok(b is not None, f'{name}: a fill of {asset} at {ts}, where no bar starts'):
            continue
        _, _, _, start, high, low, _, _ = b
        early += ts < decided
        paid = start * (1 + math.copysign(rate, qty))
        if clamp:
            paid = min(max(paid, low), high)
        price_off += abs(paid - price) > 1e-12 * price
        outside += not low <= (price if clamp or not rate else start) <= high
        cost_off += abs(commission - commission_of(config, qty, price)) > 1e-9 * (1 + commission)
        cost_off += abs(slippage - abs(qty * (price - start))) > 1e-9 * (1 + slippage)
    checks.ok(len(rows) > 100, f'{name}: enough fills to say something ({len(rows)})')
    checks.equal((early, outside, price_off, cost_off), (0, 0, 0, 0), f'{name}: early, outside, price, cost')


def check_account(name, db, run, bars, cash):
    """Equity, cash, positions and lots follow from the fills."""
    account = Replay(cash)
    fills = db.execute('SELECT ts, asset, qty, price, commission, id, position, cash FROM bt_fill WHERE run = ?'
                       ' ORDER BY id', (run,)).fetchall()
    ends = {}
    for b in bars:
        ends.setdefault(b[2] + SECONDS[b[1]], []).append(b)
    curve = db.execute('SELECT ts, value, cash FROM bt_equity WHERE run = ? ORDER BY ts', (run,)).fetchall()
    checks.equal([c[0] for c in curve], sorted(ends), f'{name}: a step at every end of a bar')
    at, worst, books = 0, 0.0, 0
    for ts, value, in_cash in curve:
        while at < len(fills) and fills[at][0] < ts:
            f = fills[at]
            account.fill(f[1], f[2], f[3], f[4], f[0], f[5])
            books += abs(account.cash - f[7]) > 1e-6 or abs(account.qty[f[1]] - f[6]) > 1e-6
            at += 1
        for b in ends[ts]:
            account.mark[b[0]] = b[6]
        worst = max(worst, abs(account.value() - value), abs(account.cash - in_cash))
    checks.equal((at, books), (len(fills), 0), f'{name}: fills booked, and booked wrongly')
    checks.ok(worst < 1e-6, f'{name}: equity is off by {worst:g}')
    lots = db.execute('SELECT asset, qty, entry_ts, exit_ts, entry_fill, exit_fill, entry_price, exit_price, commission,'
                      ' pnl FROM bt_lot WHERE run = ? AND NOT open ORDER BY id', (run,)).fetchall()
    checks.equal(len(lots), len(account.closed), f'{name}: closed lots')
    off = sum(g[0] != w[0] or any(abs(a - b) > 1e-6 for a, b in zip(g[1:], w[1:])) for g, w in zip(lots, account.closed))
    checks.equal(off, 0, f'{name}: lots that differ')
    want = {a: q for a, q in account.qty.items() if abs(q) > 1e-9}
    held = dict(db.execute('SELECT asset, qty FROM bt_position WHERE run = ?', (run,)))
    checks.ok(set(held) == set(want) and all(abs(held[a] - want[a]) < 1e-6 for a in held), f'{name}: positions {held}, {want}')
    return account


def check_totals(name, db, run, cash):
    value, commission = db.execute('SELECT value, commission FROM bt_run WHERE id = ?', (run,)).fetchone()
    pnl = one(db, 'SELECT sum(pnl) FROM bt_trade WHERE run = ?', run)
    checks.near(pnl, value - cash, 1e-9 * cash, f'{name}: sum of the P&L of trades and change of equity')
    checks.near(one(db, 'SELECT sum(commission) FROM bt_fill WHERE run = ?', run), commission, 1e-9 * cash, f'{name}: commission')
    checks.near(one(db, 'SELECT value FROM bt_equity WHERE run = ? ORDER BY ts DESC LIMIT 1', run), value, 0, f'{name}: last value')
    checks.equal(one(db, "SELECT count(*) FROM bt_order WHERE run = ? AND state NOT IN ('filled','cancelled','rejected','expired')",
                     run), 0, f'{name}: orders without an end')
    checks.equal(one(db, 'SELECT count(*) FROM bt_order WHERE run = ? AND done_ts < ts', run), 0, f'{name}: done before decided')
    bad = one(db, "SELECT count(*) FROM bt_order o WHERE run = ? AND abs(filled - coalesce((SELECT sum(qty) FROM bt_fill f"
              " WHERE f.run = o.run AND f.order_id = o.id), 0)) > 1e-6", run)
    checks.equal(bad, 0, f'{name}: orders whose fills are not what they say')
    checks.equal(one(db, "SELECT count(*) FROM bt_order WHERE run = ? AND state = 'rejected' AND (filled <> 0 OR reason = '')", run),
                 0, f'{name}: rejected orders without a reason, or filled')


def rows_of(db, run):
    return [[tuple(map(repr, r[1:])) for r in db.execute(f'SELECT * FROM {t} WHERE run = ?', (run,))]
            for t in ('bt_order', 'bt_fill', 'bt_lot', 'bt_equity', 'bt_position', 'bt_metric')]


CONFIGS = {
    'free': {},
    'percentage and slippage': {'commission': {'rate': 0.001}, 'slippage': {'rate': 0.002, 'clamp': False}},
    'clamped slippage': {'slippage': {'rate': 0.004, 'clamp': True}},
    'per share with a minimum': {'commission': {'model': 'per_share', 'rate': 0.005, 'minimum': 1}},
    'fixed and rate': {'commission': {'fixed': 2, 'rate': 0.0005}},
    'fractional': {'units': 'fractional', 'commission': {'rate': 0.001}},
    'no shorts': {'allow_short': False, 'commission': {'rate': 0.001}},
    'leverage': {'leverage': 3, 'commission': {'rate': 0.0002}},
    'sized at the fill': {'size_at': 'fill', 'commission': {'rate': 0.001}},
    'close first': {'flip': 'close_first', 'fill_per': 'lot'},
}


def main():
    for seed, (name, config) in enumerate(CONFIGS.items()):
        db, bars = build(seed + 1)
        full = json.dumps(dict(config, assets=list(ASSETS)))
        by_set = one(db, "SELECT bt_run('by_set', ?)", full)
        by_step = one(db, "SELECT bt_run('by_step', ?)", full)
        checks.ok(rows_of(db, by_set) == rows_of(db, by_step), f'{name}: set mode and step mode differ')
        check_fills(name, db, by_set, bars, config)
        check_account(name, db, by_set, bars, 100000.0)
        check_totals(name, db, by_set, 100000.0)
        if config.get('allow_short') is False:
            checks.equal(one(db, 'SELECT count(*) FROM bt_fill WHERE position < 0'), 0, f'{name}: short positions')
        elif name == 'free':
            checks.ok(one(db, 'SELECT count(*) FROM bt_fill WHERE position < 0') > 10, f'{name}: short positions occur')
        if config.get('units') == 'fractional':
            checks.ok(one(db, 'SELECT count(*) FROM bt_fill WHERE qty <> round(qty)') > 10, f'{name}: fractions occur')
        else:
            checks.equal(one(db, 'SELECT count(*) FROM bt_fill WHERE qty <> round(qty)'), 0, f'{name}: whole units')
        db.close()
    checks.finish()


main()
