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

-- The rows of runs, many to a chunk: orders, fills, lots, cash flows, margin calls, firings of risk rules and
-- triggered orders.  They are read through the tables bt_order, bt_fill, bt_lot, bt_cash_flow, bt_margin_call,
-- bt_risk and bt_trigger, which the extension makes; run/row_table.c has their columns, run/row_chunk.c the
-- form of data.
CREATE TABLE IF NOT EXISTS main.bt_chunk(
  run      INTEGER NOT NULL,
  kind     TEXT NOT NULL,     -- 'order', 'fill', 'lot', 'cash_flow', 'margin_call', 'risk', 'trigger'
  first    INTEGER NOT NULL,  -- smallest and largest number of a row
  last     INTEGER NOT NULL,
  n        INTEGER NOT NULL,  -- rows
  checksum INTEGER NOT NULL,  -- CRC-32C of data
  data     BLOB NOT NULL,
  UNIQUE(run, kind, first)
);

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

-- Deleting a run deletes all of it.  The triggers of earlier versions name tables that are there no more.
DROP TRIGGER IF EXISTS main.bt_run_delete;
DROP TRIGGER IF EXISTS main.bt_cash_flow_delete;
DROP TRIGGER IF EXISTS main.bt_margin_call_delete;
DROP TRIGGER IF EXISTS main.bt_risk_delete;
DROP TRIGGER IF EXISTS main.bt_trigger_delete;
DROP TRIGGER IF EXISTS main.bt_input_delete;
CREATE TRIGGER IF NOT EXISTS main.bt_results_delete AFTER DELETE ON bt_run BEGIN
  DELETE FROM bt_chunk WHERE run = old.id;
  DELETE FROM bt_position WHERE run = old.id;
  DELETE FROM bt_curve WHERE run = old.id;
  DELETE FROM bt_figure WHERE run = old.id;
  DELETE FROM bt_input WHERE run = old.id;
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
