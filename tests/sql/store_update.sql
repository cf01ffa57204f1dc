-- A failing UPDATE of one bar leaves the bar where it was, also inside a transaction.

INSERT INTO bars(asset, timestep, ts, open, high, low, close) VALUES ('A', 'minute', 60, 1, 1, 1, 1), ('A', 'minute', 120, 2, 2, 2, 2);
UPDATE bars SET ts = 120 WHERE asset = 'A' AND timestep = 'minute' AND ts = 60;
SELECT ts, close FROM bars('A', 'minute');
BEGIN;
UPDATE bars SET ts = 120 WHERE asset = 'A' AND timestep = 'minute' AND ts = 60;
SELECT ts, close FROM bars('A', 'minute');
COMMIT;
SELECT ts, close FROM bars('A', 'minute');
UPDATE OR REPLACE bars SET ts = 120 WHERE asset = 'A' AND timestep = 'minute' AND ts = 60;
SELECT ts, close FROM bars('A', 'minute');
