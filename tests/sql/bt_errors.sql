-- What a user gets who asks bt_run() for something that cannot be.  Each error names what was wrong and
-- what to do; nothing of the run is kept.
.mode list
SELECT bt_run('nothing');
SELECT bt_run(NULL);
SELECT bt_run(NULL, '{}');
CREATE VIEW nobars AS SELECT known_at, asset, 1 AS target_weight FROM bars('AAA', 'day');
SELECT bt_run('nobars');
SELECT count(*) FROM bt_equity;

INSERT INTO bars(asset, timestep, ts, open, high, low, close, volume)
  SELECT 'AAA', 'day', 1704067200 + value * 86400, 10, 12, 9, 11, 1 FROM generate_series(0, 9);

-- the strategy
SELECT bt_run('nothing');
CREATE TABLE plain(known_at, asset, target_weight);
SELECT bt_run('plain');
SELECT bt_run('bars');
SELECT bt_run('');
SELECT bt_run(7);
SELECT bt_run(x'00ff');
CREATE VIEW no_target AS SELECT known_at, asset, close FROM bars('AAA', 'day');
SELECT bt_run('no_target');
CREATE VIEW no_asset AS SELECT known_at, 1.0 AS target_weight FROM bars('AAA', 'day');
SELECT bt_run('no_asset');
CREATE VIEW nothing_at_all AS SELECT 1 AS x;
SELECT bt_run('nothing_at_all');
CREATE VIEW limits AS SELECT known_at, asset, 1 AS qty, 'cheap' AS limit_price FROM bars('AAA', 'day');
SELECT bt_run('limits');
CREATE VIEW types AS SELECT known_at, asset, 1 AS qty, 'lmt' AS order_type FROM bars('AAA', 'day');
SELECT bt_run('types');
CREATE VIEW times AS SELECT known_at, asset, 1 AS qty, 'week' AS tif FROM bars('AAA', 'day');
SELECT bt_run('times');
CREATE VIEW ends AS SELECT known_at, asset, 1 AS qty, '2024-01-01' AS expire_at FROM bars('AAA', 'day');
SELECT bt_run('ends');
CREATE VIEW reduces AS SELECT known_at, asset, 1 AS qty, 'yes' AS reduce_only FROM bars('AAA', 'day');
SELECT bt_run('reduces');
CREATE VIEW both AS SELECT known_at, asset, 1 AS qty, 'a' AS cancel, 'a' AS replace FROM bars('AAA', 'day');
SELECT bt_run('both');
CREATE VIEW aims AS SELECT known_at, asset, 1 AS target_qty, 'a' AS replace FROM bars('AAA', 'day');
SELECT bt_run('aims');
CREATE VIEW broken AS SELECT known_at, asset, 1 AS qty FROM missing_table;
SELECT bt_run('broken');
CREATE VIEW wrong_column AS SELECT known_at, asset, 1 AS qty FROM (SELECT known_at, asset FROM bars('AAA', 'day')) WHERE nonsense > 1;
SELECT bt_run('wrong_column');
CREATE VIEW wrong_timestep AS SELECT known_at, asset, 1 AS qty FROM bars('AAA', 'hour');
SELECT bt_run('wrong_timestep');
CREATE VIEW wrong_asset AS SELECT known_at, asset, 1 AS qty FROM bars('AAB', 'day');
SELECT bt_run('wrong_asset');
CREATE VIEW no_bars AS SELECT 'AAA' AS asset, 1 AS qty;
SELECT bt_run('no_bars');

-- its rows
CREATE VIEW row_of AS SELECT coalesce(bt_param('known_at', NULL), known_at) AS known_at, bt_param('asset', 'AAA') AS asset,
  CASE bt_param('kind', '') WHEN 'blob' THEN x'01' WHEN 'inf' THEN 9e999 WHEN 'minus' THEN -9e999 ELSE bt_param('weight', 1.0) END AS target_weight
  FROM bars('AAA', 'day');
SELECT bt_run('row_of', '{"params": {"weight": "half"}}');
SELECT bt_run('row_of', '{"params": {"weight": "0.5"}}');
SELECT bt_run('row_of', '{"params": {"weight": ""}}');
SELECT bt_run('row_of', '{"params": {"kind": "blob"}}');
SELECT bt_run('row_of', '{"params": {"kind": "inf"}}');
SELECT bt_run('row_of', '{"params": {"kind": "minus"}}');
SELECT bt_run('row_of', '{"params": {"asset": "AAC"}}');
SELECT bt_run('row_of', '{"params": {"asset": null}}');
SELECT bt_run('row_of', '{"params": {"asset": ""}}');
SELECT bt_run('row_of', '{"params": {"known_at": "2024-01-05"}}');
SELECT bt_run('row_of', '{"params": {"known_at": 1.5}}');
SELECT bt_run('row_of', '{"params": {"known_at": 1704412800000}}');
CREATE VIEW null_known AS SELECT NULL AS known_at, asset, 1 AS qty FROM bars('AAA', 'day');
SELECT bt_run('null_known');
CREATE VIEW two_targets AS SELECT known_at, asset, 1 AS qty, 0.5 AS target_weight FROM bars('AAA', 'day');
SELECT bt_run('two_targets');
CREATE VIEW text_qty AS SELECT asset, 'many' AS qty FROM bars('AAA', 'day') ORDER BY ts DESC LIMIT 1;
SELECT bt_run('text_qty');
CREATE VIEW itself AS SELECT known_at, asset, bt_run('itself') AS qty FROM bars('AAA', 'day');
SELECT bt_run('itself');

-- the configuration
CREATE VIEW good AS SELECT known_at, asset, 1 AS qty FROM bars('AAA', 'day');
SELECT bt_run('good', 'nonsense');
SELECT bt_run('good', '{"cash": 1000');
SELECT bt_run('good', '[1]');
SELECT bt_run('good', '"text"');
SELECT bt_run('good', 5);
SELECT bt_run('good', '{"cahs": 1000}');
SELECT bt_run('good', '{"comission": 0.001}');
SELECT bt_run('good', '{"commission": {"raet": 0.001}}');
SELECT bt_run('good', '{"zzzzzzzz": 1}');
SELECT bt_run('good', '{"cash": "much"}');
SELECT bt_run('good', '{"cash": true}');
SELECT bt_run('good', '{"cash": null}');
SELECT bt_run('good', '{"cash": 0}');
SELECT bt_run('good', '{"cash": -1}');
SELECT bt_run('good', '{"commission": 2}');
SELECT bt_run('good', '{"commission": {"model": "none", "rate": 0.1}}');
SELECT bt_run('good', '{"commission": {"model": "per_shear"}}');
SELECT bt_run('good', '{"units": "whole", "lot": 0.5}');
SELECT bt_run('good', '{"margin": "available"}');
SELECT bt_run('good', '{"fill_at": 3}');
SELECT bt_run('good', '{"allow_short": "no"}');
SELECT bt_run('good', '{"profile": "zipline2"}');
SELECT bt_run('good', '{"profile": 1}');
SELECT bt_run('good', '{"timestep": "fortnight"}');
SELECT bt_run('good', '{"timestep": "1M"}');
SELECT bt_run('good', '{"timestep": "hour"}');
SELECT bt_run('good', '{"assets": ["BBB"]}');
SELECT bt_run('good', '{"assets": 1}');
SELECT bt_run('good', '{"params": 1}');
SELECT bt_run('good', '{"start": "soon"}');
SELECT bt_run('good', '{"start": 1704067200000}');
SELECT bt_run('good', '{"start": 1.5}');
SELECT bt_run('good', '{"start": "2024-01-09", "end": "2024-01-03"}');
SELECT bt_run('good', '{"start": "2025-01-01"}');
SELECT bt_run('good', '{"tz": "Mars/Olympus"}');
SELECT bt_run('good', '{"periods": -3}');
SELECT bt_run('good', '{"risk_free": "low"}');

-- after all that nothing was kept, and a good run works
SELECT count(*) FROM sqlite_schema WHERE name LIKE 'bt\_%' ESCAPE '\';
SELECT bt_run('good'), bt_run('good', NULL), bt_run('good', ''), bt_run('good', '{}');
SELECT id, strategy, status, steps FROM bt_run;

-- inside a statement that writes
CREATE TABLE kept AS SELECT bt_run('good') AS id;
INSERT INTO plain SELECT bt_run('good'), 1, 2;
SELECT count(*) FROM bt_run;

-- the user's own tables in the way
CREATE VIEW bt_equity_of AS SELECT * FROM bt_equity(1);
SELECT count(*) FROM bt_equity_of;
DROP TABLE bt_fill;
DROP TABLE bt_chunk;
SELECT bt_run('good');
SELECT run, count(*) FROM bt_fill GROUP BY run;
DROP VIEW bt_trade;
CREATE TABLE bt_lot(x);
SELECT bt_run('good');
SELECT count(*) FROM bt_run;
DROP TABLE bt_lot;
SELECT bt_run('good');
SELECT count(*) FROM bt_trade;
