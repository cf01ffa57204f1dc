-- Orders that make no sense.  A row that no order can be made of is an error and leaves no run; an order that makes no
-- sense ends as rejected with a reason; what cannot fill yet waits.
.mode list
.headers off
INSERT INTO bars(asset, timestep, ts, open, high, low, close, volume)
  SELECT 'AAA', 'day', 1704067200 + value * 86400, 10 + value, 12 + value, 9 + value, 11 + value, 1000 FROM generate_series(0, 5);
-- No bars on the 2nd and the 3rd, volumes that are missing or 0; and bars cannot be without prices.
INSERT INTO bars(asset, timestep, ts, open, high, low, close, volume) VALUES
  ('GAP', 'day', 1704067200, 10, 12, 9, 11, 1000),
  ('GAP', 'day', 1704326400, 11, 12, 9, 10, NULL),
  ('GAP', 'day', 1704412800, 12, 13, 9, 12.5, 0),
  ('GAP', 'day', 1704499200, 13, 14, 12, 13.5, 1000);
INSERT INTO bars(asset, timestep, ts, open, high, low, close, volume) VALUES ('GAP', 'day', 1704585600, NULL, 12, 9, 11, 1000);

CREATE TABLE ticket(day TEXT, asset TEXT DEFAULT 'AAA', qty, target_weight, order_type, limit_price, stop_price, trail_amount, trail_percent,
  tif, expire_at, take_profit, stop_loss, reduce_only, tag, cancel, "replace");
CREATE VIEW tickets AS SELECT bars_time(day) AS known_at, * FROM ticket;
CREATE VIEW outcome AS SELECT tag, ask, amount, qty, filled, price, state, reason FROM bt_order WHERE run = (SELECT max(id) FROM bt_run) ORDER BY id;

.print -- quantities
INSERT INTO ticket(day, qty, tag) VALUES ('2024-01-02', 0, 'zero'), ('2024-01-02', 0.4, 'below a lot'), ('2024-01-02', -0.9, 'below a lot'),
  ('2024-01-02', 1.9, 'rounded toward zero'), ('2024-01-02', 1e300, 'too many'), ('2024-01-02', NULL, 'nothing');
INSERT INTO ticket(day, target_weight, tag) VALUES ('2024-01-03', 1e-9, 'a weight below a lot');
SELECT bt_run('tickets', '{"timestep": "day"}') > 0;
SELECT * FROM outcome;
DELETE FROM ticket;
INSERT INTO ticket(day, qty, tag) VALUES ('2024-01-02', 1e-7, 'below a fraction'), ('2024-01-02', 0.4, 'a fraction');
SELECT bt_run('tickets', '{"timestep": "day", "units": "fractional"}') > 0;
SELECT * FROM outcome;
UPDATE ticket SET qty = 9e999;
SELECT bt_run('tickets', '{"timestep": "day"}');
UPDATE ticket SET qty = -9e999;
SELECT bt_run('tickets', '{"timestep": "day"}');
UPDATE ticket SET qty = 'ten';
SELECT bt_run('tickets', '{"timestep": "day"}');
UPDATE ticket SET qty = 9e999 - 9e999; -- SQLite makes NULL of NaN
SELECT bt_run('tickets', '{"timestep": "day", "assets": ["AAA"]}') > 0;
SELECT count(*) FROM outcome;
UPDATE ticket SET qty = 1, asset = 'AAB';
SELECT bt_run('tickets', '{"timestep": "day"}');
UPDATE ticket SET asset = NULL;
SELECT bt_run('tickets', '{"timestep": "day"}');

.print -- prices that do not fit
DELETE FROM ticket;
INSERT INTO ticket(day, qty, tag, order_type, limit_price, stop_price, trail_amount, trail_percent, tif, expire_at, take_profit, stop_loss) VALUES
  ('2024-01-02', 1, 'buy stop below', NULL, NULL, 10, NULL, NULL, NULL, NULL, NULL, NULL),
  ('2024-01-02', -1, 'sell stop above', NULL, NULL, 12, NULL, NULL, NULL, NULL, NULL, NULL),
  ('2024-01-02', 1, 'zero', 'limit', 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
  ('2024-01-02', 1, 'below zero', 'limit', -1, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
  ('2024-01-02', 1, 'infinite', 'stop', NULL, 9e999, NULL, NULL, NULL, NULL, NULL, NULL),
  ('2024-01-02', 1, 'no price', 'stop_limit', 12, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
  ('2024-01-02', 1, 'too many prices', 'market', 12, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
  ('2024-01-02', -1, 'two trails', NULL, NULL, NULL, 1, 5, NULL, NULL, NULL, NULL),
  ('2024-01-02', -1, 'all of it', NULL, NULL, NULL, NULL, 100, NULL, NULL, NULL, NULL),
  ('2024-01-02', 1, 'no end', NULL, NULL, NULL, NULL, NULL, 'gtd', NULL, NULL, NULL),
  ('2024-01-02', 1, 'an end gone by', NULL, NULL, NULL, NULL, NULL, NULL, 1704067200, NULL, NULL),
  ('2024-01-02', 1, 'an end for nothing', NULL, NULL, NULL, NULL, NULL, 'day', 1705000000, NULL, NULL),
  ('2024-01-02', 1, 'a stop at the close', NULL, NULL, 12, NULL, NULL, 'cls', NULL, NULL, NULL),
  ('2024-01-02', 1, 'two times', 'market_on_open', NULL, NULL, NULL, NULL, 'day', NULL, NULL, NULL),
  ('2024-01-02', 1, 'crossed', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 9, 13),
  ('2024-01-02', 1, 'target below', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 10, NULL),
  ('2024-01-02', -1, 'stop below a short', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 10),
  ('2024-01-02', 1, 'stop above the limit', NULL, 10, NULL, NULL, NULL, NULL, NULL, NULL, 10.5),
  ('2024-01-02', 1, 'no price to protect', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, -1);
SELECT bt_run('tickets', '{"timestep": "day"}') > 0;
SELECT tag, state, reason FROM outcome;

.print -- orders that are over, or are not there
DELETE FROM ticket;
INSERT INTO ticket(day, qty, tag, cancel, "replace", limit_price, reduce_only) VALUES
  ('2024-01-02', 1, 'once', NULL, NULL, NULL, NULL),
  ('2024-01-04', NULL, NULL, 'once', NULL, NULL, NULL),
  ('2024-01-04', NULL, NULL, NULL, 'once', 9, NULL),
  ('2024-01-04', NULL, NULL, 'never', NULL, NULL, NULL),
  ('2024-01-04', NULL, NULL, '*', NULL, NULL, NULL),
  ('2024-01-04', 5, 'nothing to reduce', NULL, NULL, NULL, 1),
  ('2024-01-04', -5, 'more than is held', NULL, NULL, NULL, 1),
  ('2024-01-05', 1, 'waits', NULL, NULL, 5, NULL),
  ('2024-01-05', NULL, NULL, NULL, 'waits', -5, NULL);
SELECT bt_run('tickets', '{"timestep": "day", "assets": ["AAA"]}') > 0;
SELECT tag, ask, qty, filled, state, reason FROM outcome;

.print -- days without bars, bars without volume
DELETE FROM ticket;
INSERT INTO ticket(day, asset, qty, tag, limit_price, order_type, tif, stop_price) VALUES
  ('2024-01-02', 'GAP', 1, 'waits for a bar', NULL, NULL, NULL, NULL),
  ('2024-01-02', 'GAP', 1, 'waits for a price', 9.5, NULL, NULL, NULL),
  ('2024-01-02', 'GAP', 1, 'waits for a close', NULL, 'market_on_close', NULL, NULL),
  ('2024-01-03', 'GAP', 1, 'the first open', NULL, NULL, 'ioc', NULL),
  ('2024-01-03', 'GAP', 1, 'for a day: that of the first bar', 5, NULL, 'day', NULL),
  ('2024-01-07', 'GAP', 1, 'after the end', NULL, NULL, NULL, NULL);
SELECT bt_run('tickets', '{"timestep": "day"}') > 0;
SELECT tag, date(done_ts, 'unixepoch'), filled, price, state, reason FROM bt_order WHERE run = (SELECT max(id) FROM bt_run) ORDER BY id;
SELECT bt_run('tickets', '{"timestep": "day", "volume": {"model": "share", "share": 0.001}}') > 0;
SELECT tag, date(done_ts, 'unixepoch'), filled, price, state, reason FROM bt_order WHERE run = (SELECT max(id) FROM bt_run) ORDER BY id;

.print -- knobs
SELECT bt_run('tickets', '{"volume": {"model": "share"}}');
SELECT bt_run('tickets', '{"volume": {"share": 0.1}}');
SELECT bt_run('tickets', '{"volume": {"model": "shares", "share": 0.1}}');
SELECT bt_run('tickets', '{"volume": {"model": "share", "share": 1.5}}');
SELECT bt_run('tickets', '{"volume": {"model": "fixed", "sise": 10}}');
SELECT bt_run('tickets', '{"volume": {"model": "bar_point", "share": 0.5}}');
SELECT bt_run('tickets', '{"volume": {"model": "fixed", "size": 10}, "fill_at": "signal_close"}');
SELECT bt_run('tickets', '{"submit_check": true}');
SELECT bt_run('tickets', '{"volume": 0.1}');
SELECT bt_run('tickets', '{"commission": "cheap"}');
SELECT bt_run('tickets', '{"cash": 1000, "cash": 2000}');
SELECT bt_run('tickets', '{"commission": 0.001, "Commission": {"rate": 0.002}}');
SELECT bt_run('tickets', '{"slippage": {"rate": 0.1}, "slippage.rate": 0.1}');
SELECT bt_run('tickets', '{"params": {"a": 1, "a": 2}}');
SELECT bt_run('tickets', '{"account": "cash", "leverage": 2}');
SELECT bt_run('tickets', '{"risk": [{"rule": "group", "percent": 5, "property": "sectr"}]}');

.print -- columns that are nearly ours
CREATE VIEW slip AS SELECT 'AAA' AS asset, 1 AS qty, 9 AS limit_prise;
SELECT bt_run('slip', '{"assets": ["AAA"]}');
CREATE VIEW slip2 AS SELECT 'AAA' AS asset, 1 AS Target_Wieght;
SELECT bt_run('slip2', '{"assets": ["AAA"]}');
CREATE VIEW no_slip AS SELECT 'AAA' AS asset, 1 AS qty, 9 AS limit_price, 8 AS limit_prices, 7 AS close, 6 AS stop;
SELECT bt_run('no_slip', '{"assets": ["AAA"]}') > 0;

.print -- an asset whose bars end: what is held stays at its last price, or is settled where the asset has an end
INSERT INTO bars(asset, timestep, ts, open, high, low, close, volume)
  SELECT 'DEAD', 'day', 1704067200 + value * 86400, 10 + value, 12 + value, 9 + value, 11 + value, 1000 FROM generate_series(0, 2);
DELETE FROM ticket;
INSERT INTO ticket(day, asset, qty, tag) VALUES ('2024-01-02', 'DEAD', 10, 'in'), ('2024-01-05', 'DEAD', -10, 'too late'), ('2024-01-05', 'AAA', 1, 'other');
SELECT bt_run('tickets', '{"timestep": "day"}') > 0;
SELECT tag, date(done_ts, 'unixepoch'), filled, price, state, reason FROM bt_order WHERE run = (SELECT max(id) FROM bt_run) ORDER BY id;
SELECT asset, qty, price FROM bt_position WHERE run = (SELECT max(id) FROM bt_run) ORDER BY asset;
SELECT bars_asset('DEAD', 'expiry', '2024-01-04');
SELECT bt_run('tickets', '{"timestep": "day"}') > 0;
SELECT tag, date(done_ts, 'unixepoch'), filled, price, state, reason FROM bt_order WHERE run = (SELECT max(id) FROM bt_run) ORDER BY id;
SELECT asset, qty, price FROM bt_position WHERE run = (SELECT max(id) FROM bt_run) ORDER BY asset;
