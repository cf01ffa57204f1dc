-- Bars of attached databases are read where main has none of the asset; everything is written to main.
ATTACH 'market.db' AS market;
CREATE TABLE market.note(text);
SELECT count(*) FROM bars_coverage;
DETACH market;

-- a database of its own, with 300 bars of A and 3 of B
.shell sqlite3 -batch -init /dev/null -cmd '.load @SO@' market.db "INSERT INTO bars(asset, timestep, ts, open, high, low, close, volume) SELECT 'A', 'minute', 1704205800 + 60 * value, 10, 12, 9, 10 + value % 2, 5 FROM generate_series(0, 299); INSERT INTO bars(asset, timestep, ts, open, high, low, close) VALUES ('B', 'minute', 60, 1, 1, 1, 1), ('B', 'minute', 120, 2, 2, 2, 2), ('B', 'minute', 180, 3, 3, 3, 3); SELECT bars_compact()"

ATTACH 'market.db' AS market;
SELECT count(*), sum(close), min(ts), max(ts) FROM bars('A', 'minute');
SELECT count(*), sum(volume) FROM bars_agg('A', '5m');
SELECT last_price('A'), last_price('B'), sma('B', 'minute', 2);
SELECT asset, bars, close FROM bars_summary WHERE asset IN ('A', 'B') AND timestep = 'minute';

-- not from here
DELETE FROM bars WHERE asset = 'A' AND timestep = 'minute';
UPDATE bars SET close = 9.5 WHERE asset = 'B' AND timestep = 'minute';

-- an INSERT goes to main, where the asset is found first from then on
INSERT INTO bars(asset, timestep, ts, open, high, low, close) VALUES ('B', 'minute', 600, 7, 7, 7, 7);
SELECT ts, close FROM bars('B', 'minute');
SELECT (SELECT count(*) FROM main.barsvt_hot), (SELECT count(*) FROM market.barsvt_hot WHERE ts = 600);

-- a run reads from market and leaves its rows in main
CREATE VIEW hold AS SELECT known_at, asset, 1.0 AS target_weight FROM bars('A', 'minute');
SELECT bt_run('hold');
SELECT steps, (SELECT count(*) FROM market.sqlite_schema WHERE name LIKE 'bt%') FROM main.bt_run;

-- another file under the same name, then none
DETACH market;
SELECT count(*) FROM bars('A', 'minute');
ATTACH ':memory:' AS market;
SELECT count(*) FROM bars('A', 'minute');
SELECT ts, close FROM bars('B', 'minute');
