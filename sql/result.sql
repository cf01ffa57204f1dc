-- Results of backtests: plain tables, made on the first run.  Times are epoch seconds, UTC.

CREATE TABLE IF NOT EXISTS main.bt_run(
  id         INTEGER PRIMARY KEY,
  strategy   TEXT NOT NULL,  -- name of the view; '' for a program's own orders
  sql        TEXT NOT NULL,  -- its text at the time of the run
  mode       TEXT NOT NULL,  -- 'set' or 'step'
  profile    TEXT NOT NULL,
  config     TEXT NOT NULL,  -- as given
  knobs      TEXT NOT NULL,  -- every knob of the simulator as used, JSON
  status     TEXT NOT NULL,  -- 'running', 'done'
  start      INTEGER,        -- first and last step
  "end"      INTEGER,
  steps      INTEGER NOT NULL DEFAULT 0,
  cash       REAL NOT NULL,  -- at the start
  value      REAL,           -- at the end
  commission REAL,
  version    TEXT NOT NULL
);

-- Every order, once it is final.
CREATE TABLE IF NOT EXISTS main.bt_order(
  run     INTEGER NOT NULL,
  id      INTEGER NOT NULL,
  ts      INTEGER NOT NULL,  -- decided
  done_ts INTEGER NOT NULL,  -- final
  asset   TEXT NOT NULL,
  ask     TEXT NOT NULL,     -- 'target_weight', 'target_value', 'target_qty', 'qty', 'cancel', 'combo'
  amount  REAL NOT NULL,     -- as asked
  qty     REAL NOT NULL,     -- units ordered, signed
  filled  REAL NOT NULL,     -- units filled, signed
  price   REAL,              -- average of the fills
  state   TEXT NOT NULL,     -- 'filled', 'cancelled', 'rejected', 'expired'
  reason  TEXT NOT NULL,
  tag     TEXT,
  order_type    TEXT NOT NULL DEFAULT 'market',  -- 'market', 'limit', 'stop', 'stop_limit', 'trailing_stop' ...
  limit_price   REAL,
  stop_price    REAL,        -- of a trailing stop: where it got to
  trail_amount  REAL,
  trail_percent REAL,
  tif           TEXT NOT NULL DEFAULT 'gtc',     -- 'gtc', 'day', 'gtd', 'ioc', 'fok'
  parent        INTEGER,     -- of a bracket: the entry; of a leg: the order for the whole
  PRIMARY KEY(run, id)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS main.bt_fill(
  run        INTEGER NOT NULL,
  id         INTEGER NOT NULL,
  order_id   INTEGER NOT NULL,
  ts         INTEGER NOT NULL,
  asset      TEXT NOT NULL,
  qty        REAL NOT NULL,   -- signed
  price      REAL NOT NULL,   -- with slippage
  commission REAL NOT NULL,
  slippage   REAL NOT NULL,   -- cost of slippage in currency
  pnl        REAL NOT NULL,   -- realised, before commissions
  position   REAL NOT NULL,   -- units held afterwards
  cash       REAL NOT NULL,   -- afterwards
  ambiguous  INTEGER NOT NULL,
  PRIMARY KEY(run, id)
) WITHOUT ROWID;

-- Pieces of positions, first in first out: closed, or open at the end and marked at the last price.
CREATE TABLE IF NOT EXISTS main.bt_lot(
  run         INTEGER NOT NULL,
  id          INTEGER NOT NULL,
  asset       TEXT NOT NULL,
  qty         REAL NOT NULL,
  entry_ts    INTEGER NOT NULL,
  exit_ts     INTEGER NOT NULL,
  entry_fill  INTEGER NOT NULL,
  exit_fill   INTEGER NOT NULL,
  entry_price REAL NOT NULL,
  exit_price  REAL NOT NULL,
  commission  REAL NOT NULL,
  pnl         REAL NOT NULL,
  ret         REAL,
  bars        INTEGER NOT NULL,
  mae         REAL NOT NULL,
  mfe         REAL NOT NULL,
  open        INTEGER NOT NULL,
  tag         TEXT,
  PRIMARY KEY(run, id)
) WITHOUT ROWID;

-- Money that came or went without a fill: dividends.
CREATE TABLE IF NOT EXISTS main.bt_cash_flow(
  run    INTEGER NOT NULL,
  id     INTEGER NOT NULL,
  ts     INTEGER NOT NULL,
  kind   TEXT NOT NULL,   -- 'dividend'
  asset  TEXT,            -- NULL: the account as a whole
  qty    REAL NOT NULL,   -- units held, signed; 0 where it is not about units
  amount REAL NOT NULL,   -- in the account's currency; below 0 it was paid
  cash   REAL NOT NULL,   -- afterwards
  PRIMARY KEY(run, id)
) WITHOUT ROWID;
CREATE TRIGGER IF NOT EXISTS main.bt_cash_flow_delete AFTER DELETE ON bt_run BEGIN
  DELETE FROM bt_cash_flow WHERE run = old.id;
END;

-- The account against what its positions require.
CREATE TABLE IF NOT EXISTS main.bt_margin_call(
  run      INTEGER NOT NULL,
  id       INTEGER NOT NULL,
  ts       INTEGER NOT NULL,
  event    TEXT NOT NULL,     -- 'warning', 'call', 'restored'
  value    REAL NOT NULL,     -- of the account
  required REAL NOT NULL,     -- maintenance margin of its positions
  orders   INTEGER NOT NULL,  -- that were made for the next open, or enlarged
  PRIMARY KEY(run, id)
) WITHOUT ROWID;
CREATE TRIGGER IF NOT EXISTS main.bt_margin_call_delete AFTER DELETE ON bt_run BEGIN
  DELETE FROM bt_margin_call WHERE run = old.id;
END;

-- What is held at the end.
CREATE TABLE IF NOT EXISTS main.bt_position(
  run       INTEGER NOT NULL,
  asset     TEXT NOT NULL,
  qty       REAL NOT NULL,
  avg_price REAL NOT NULL,
  price     REAL NOT NULL,
  value     REAL NOT NULL,
  PRIMARY KEY(run, asset)
) WITHOUT ROWID;

-- Every time a risk rule fired.
CREATE TABLE IF NOT EXISTS main.bt_risk(
  run      INTEGER NOT NULL,
  id       INTEGER NOT NULL,
  ts       INTEGER NOT NULL,
  asset    TEXT,              -- NULL: the account
  rule     TEXT NOT NULL,     -- 'stop_loss', 'max_position' ...
  number   INTEGER NOT NULL,  -- its place in the configuration's list, from 1
  value    REAL,              -- what was seen
  "limit"  REAL,              -- the level or bound
  action   TEXT NOT NULL,     -- 'exit', 'warn', 'reduce', 'halt', 'liquidate'
  order_id INTEGER,           -- the order that left, or was cut or refused
  PRIMARY KEY(run, id)
) WITHOUT ROWID;
CREATE TRIGGER IF NOT EXISTS main.bt_risk_delete AFTER DELETE ON bt_run BEGIN
  DELETE FROM bt_risk WHERE run = old.id;
END;

-- Orders with a stop and a limit that became limit orders and waited on.
CREATE TABLE IF NOT EXISTS main.bt_trigger(
  run      INTEGER NOT NULL,
  order_id INTEGER NOT NULL,
  ts       INTEGER NOT NULL,  -- start of the bar that reached the stop
  price    REAL NOT NULL,     -- the stop
  PRIMARY KEY(run, order_id)
) WITHOUT ROWID;
CREATE TRIGGER IF NOT EXISTS main.bt_trigger_delete AFTER DELETE ON bt_run BEGIN
  DELETE FROM bt_trigger WHERE run = old.id;
END;

-- The equity curve, read through the table bt_equity.  data holds n times, values, amounts of cash and
-- whether a position was open (run/curve_code.h).
CREATE TABLE IF NOT EXISTS main.bt_curve(
  run   INTEGER NOT NULL,
  chunk INTEGER NOT NULL,
  n     INTEGER NOT NULL,
  first INTEGER NOT NULL,
  last  INTEGER NOT NULL,
  data  BLOB NOT NULL,
  UNIQUE(run, chunk)
);

CREATE TABLE IF NOT EXISTS main.bt_figure(
  run     INTEGER NOT NULL,
  rank    INTEGER NOT NULL,  -- order of the metrics; the key comes first in the row
  name    TEXT NOT NULL,
  variant TEXT NOT NULL,
  value   REAL,
  unit    TEXT NOT NULL,
  PRIMARY KEY(run, rank)
) WITHOUT ROWID;

-- What a run was made from, beside its configuration (run/inputs.h).
CREATE TABLE IF NOT EXISTS main.bt_input(
  run   INTEGER NOT NULL,
  kind  TEXT NOT NULL,       -- 'version', 'setting', 'bars', 'asset', 'actions', 'view', 'table', 'document', 'file'
  name  TEXT NOT NULL,
  value TEXT,
  PRIMARY KEY(run, kind, name)
) WITHOUT ROWID;

CREATE TRIGGER IF NOT EXISTS main.bt_input_delete AFTER DELETE ON bt_run BEGIN
  DELETE FROM bt_input WHERE run = old.id;
END;

-- Deleting a run deletes all of it.
CREATE TRIGGER IF NOT EXISTS main.bt_run_delete AFTER DELETE ON bt_run BEGIN
  DELETE FROM bt_order WHERE run = old.id;
  DELETE FROM bt_fill WHERE run = old.id;
  DELETE FROM bt_lot WHERE run = old.id;
  DELETE FROM bt_position WHERE run = old.id;
  DELETE FROM bt_curve WHERE run = old.id;
  DELETE FROM bt_figure WHERE run = old.id;
END;

-- ---- views ----

CREATE VIEW IF NOT EXISTS main.bt_trade AS
  SELECT run, id, asset, qty,
         datetime(entry_ts, 'unixepoch') AS entry_time, entry_price,
         datetime(exit_ts, 'unixepoch') AS exit_time, exit_price,
         pnl, ret, commission, bars, mae, mfe, open, tag, entry_ts, exit_ts, entry_fill, exit_fill
  FROM bt_lot ORDER BY run, id;

CREATE VIEW IF NOT EXISTS main.bt_metric AS
  SELECT run, name, variant, value, unit FROM bt_figure ORDER BY run, rank;

CREATE VIEW IF NOT EXISTS main.bt_reject AS
  SELECT run, id, datetime(ts, 'unixepoch') AS time, asset, ask, amount, qty, filled, state, reason,
         ts
  FROM bt_order WHERE reason <> '' ORDER BY run, id;

-- What happened to each order, step by step, derived from the orders and their fills.  stage and fill put
-- the events of one instant in order.
CREATE VIEW IF NOT EXISTS main.bt_order_event AS
  WITH part AS (
    SELECT run, id, order_id, ts, qty, price,
           max(id) OVER (PARTITION BY run, order_id) AS last,
           sum(qty) OVER (PARTITION BY run, order_id ORDER BY id) AS filled
    FROM bt_fill
  ), event AS (
    SELECT run, id AS order_id, ts, 0 AS stage, 0 AS fill, 'submitted' AS event, qty, NULL AS price, 0.0 AS filled
    FROM bt_order
    UNION ALL
    SELECT run, id, ts, 1, 0, 'accepted', qty, NULL, 0.0 FROM bt_order WHERE state <> 'rejected' OR filled <> 0
    UNION ALL
    SELECT o.run, o.id, max(o.ts, min(p.ts)), 2, 0, 'activated', o.qty, NULL, 0.0
    FROM bt_order o JOIN part p ON p.run = o.run AND p.order_id = o.parent
    WHERE o.reason NOT IN ('the entry opened nothing', 'the entry was not filled whole') GROUP BY o.run, o.id
    UNION ALL
    SELECT t.run, t.order_id, t.ts, 3, 0, 'triggered', o.qty, t.price, 0.0
    FROM bt_trigger t JOIN bt_order o ON o.run = t.run AND o.id = t.order_id
    UNION ALL
    SELECT p.run, p.order_id, p.ts, 4, p.id,
           CASE WHEN p.id = p.last AND o.state = 'filled' THEN 'filled' ELSE 'partially filled' END,
           p.qty, p.price, p.filled
    FROM part p JOIN bt_order o ON o.run = p.run AND o.id = p.order_id
    UNION ALL
    SELECT run, id, done_ts, 4, 0, 'filled', qty, price, filled FROM bt_order WHERE ask = 'combo' AND state = 'filled'
    UNION ALL
    SELECT run, id, done_ts, 5, 0, CASE reason WHEN 'replaced' THEN 'replaced' ELSE state END, qty, NULL, filled
    FROM bt_order WHERE state <> 'filled'
  )
  SELECT e.run, e.order_id, datetime(e.ts, 'unixepoch') AS time, o.asset, e.event, e.qty, e.price,
         o.qty - e.filled AS left, CASE WHEN e.stage > 3 AND e.event <> 'partially filled' THEN o.reason ELSE '' END AS reason,
         o.tag, e.ts, e.stage, e.fill
  FROM event e JOIN bt_order o ON o.run = e.run AND o.id = e.order_id
  ORDER BY e.run, e.ts, e.order_id, e.stage, e.fill;

-- Trades whose result hangs on a guess about the order of events inside a bar: the fill that entered
-- or the one that left is marked ambiguous.
CREATE VIEW IF NOT EXISTS main.bt_ambiguous AS
  SELECT run, (SELECT count(*) FROM bt_fill f WHERE f.run = r.run AND f.ambiguous) AS fills,
         trades, pnl, pnl / nullif(total, 0) AS share
  FROM (
    SELECT l.run, count(*) FILTER (WHERE e.ambiguous OR x.ambiguous) AS trades,
           coalesce(sum(l.pnl) FILTER (WHERE e.ambiguous OR x.ambiguous), 0.0) AS pnl,
           sum(l.pnl) AS total
    FROM bt_lot l JOIN bt_fill e ON e.run = l.run AND e.id = l.entry_fill
         LEFT JOIN bt_fill x ON x.run = l.run AND x.id = l.exit_fill
    GROUP BY l.run
  ) AS r;

-- What a run has cost, by kind: commission, slippage (which the prices of the fills hold), and cash flows such as
-- borrow_fee.  What was received is below 0.
CREATE VIEW IF NOT EXISTS main.bt_cost AS
  SELECT run, 'commission' AS kind, sum(commission) AS cost, count(*) FILTER (WHERE commission <> 0) AS n
  FROM bt_fill GROUP BY run
  UNION ALL
  SELECT run, 'slippage', sum(slippage), count(*) FILTER (WHERE slippage <> 0) FROM bt_fill GROUP BY run
  UNION ALL
  SELECT run, kind, 0 - sum(amount), count(*) FROM bt_cash_flow GROUP BY run, kind;

-- Each time below the running peak: from the peak to the recovery (or the end of the run).  The
-- starting cash is a peak that stands at the first point.
CREATE VIEW IF NOT EXISTS main.bt_drawdown AS
  WITH point AS (
    SELECT e.run, e.ts, e.value,
           max(r.cash, max(e.value) OVER (PARTITION BY e.run ORDER BY e.ts)) AS peak
    FROM bt_equity e JOIN bt_run r ON r.id = e.run
  ), marked AS (
    SELECT run, ts, value, peak,
           sum(value >= peak) OVER (PARTITION BY run ORDER BY ts) AS episode
    FROM point
  ), whole AS (
    SELECT run, episode, min(ts) AS start, max(ts) AS last, max(peak) AS peak, min(value) AS trough
    FROM marked GROUP BY run, episode
  )
  SELECT run, start, recovery, depth, coalesce(recovery, last) - start AS seconds,
         datetime(start, 'unixepoch') AS start_time,
         datetime(recovery, 'unixepoch') AS recovery_time
  FROM (
    SELECT run, start, last, trough < peak AS below, trough / peak - 1 AS depth,
           lead(start) OVER (PARTITION BY run ORDER BY episode) AS recovery
    FROM whole
  ) WHERE below;

-- Return of each day, month and year of UTC in which the run has a point, from the last value before it
-- (at first the starting cash); NULL where that was not positive.
CREATE VIEW IF NOT EXISTS main.bt_return_daily AS
  WITH closing AS ( -- value is the one of the row that has max(ts)
    SELECT run, strftime('%Y-%m-%d', ts - 1, 'unixepoch') AS day, max(ts) AS ts, value
    FROM bt_equity GROUP BY 1, 2
  ), pair AS (
    SELECT c.run, day, ts, c.value,
           coalesce(lag(c.value) OVER (PARTITION BY c.run ORDER BY day), r.cash) AS before
    FROM closing c JOIN bt_run r ON r.id = c.run
  )
  SELECT run, day, CASE WHEN before > 0 THEN value / before - 1 END AS ret, ts, value FROM pair;

CREATE VIEW IF NOT EXISTS main.bt_return_monthly AS
  WITH closing AS (
    SELECT run, strftime('%Y-%m', ts - 1, 'unixepoch') AS month, max(ts) AS ts, value
    FROM bt_equity GROUP BY 1, 2
  ), pair AS (
    SELECT c.run, month, c.value,
           coalesce(lag(c.value) OVER (PARTITION BY c.run ORDER BY month), r.cash) AS before
    FROM closing c JOIN bt_run r ON r.id = c.run
  )
  SELECT run, month, CASE WHEN before > 0 THEN value / before - 1 END AS ret FROM pair;

CREATE VIEW IF NOT EXISTS main.bt_return_yearly AS
  WITH closing AS (
    SELECT run, strftime('%Y', ts - 1, 'unixepoch') AS year, max(ts) AS ts, value
    FROM bt_equity GROUP BY 1, 2
  ), pair AS (
    SELECT c.run, year, c.value,
           coalesce(lag(c.value) OVER (PARTITION BY c.run ORDER BY year), r.cash) AS before
    FROM closing c JOIN bt_run r ON r.id = c.run
  )
  SELECT run, year, CASE WHEN before > 0 THEN value / before - 1 END AS ret FROM pair;
