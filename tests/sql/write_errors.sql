-- INSERT, UPDATE and DELETE on bars: what is refused, and that a refused statement changes nothing.
INSERT INTO bars(asset, timestep, ts, open, high, low, close, volume) VALUES ('A', 'day', '2024-01-02', 1, 2, 1, 2, 5);
INSERT INTO bars(asset, timestep, ts, open, high, low, close, volume) VALUES ('A', 'day', '2024-01-02', 1, 2, 1, 2, 5);
INSERT INTO bars(asset, timestep, time, open, high, low, close) VALUES ('A', 'day', '2024-01-03', 1, 2, 1, 2);
.print -- columns that must be there
INSERT INTO bars VALUES ('2024-01-04', 1, 2, 1, 2, 5, NULL, NULL, NULL, NULL);
INSERT INTO bars(asset, ts, open, high, low, close) VALUES ('A', '2024-01-04', 1, 2, 1, 2);
INSERT INTO bars(asset, timestep, open, high, low, close) VALUES ('A', 'day', 1, 2, 1, 2);
INSERT INTO bars(asset, timestep, ts, open, high, low) VALUES ('A', 'day', '2024-01-04', 1, 2, 1);
.print -- names and times
INSERT INTO bars(asset, timestep, ts, open, high, low, close) VALUES ('', 'day', '2024-01-04', 1, 2, 1, 2);
INSERT INTO bars(asset, timestep, ts, open, high, low, close) VALUES ('A', 'dya', '2024-01-04', 1, 2, 1, 2);
INSERT INTO bars(asset, timestep, ts, open, high, low, close) VALUES ('A', 'day', 'Tuesday', 1, 2, 1, 2);
INSERT INTO bars(asset, timestep, ts, open, high, low, close) VALUES ('A', 'day', 1704326400000, 1, 2, 1, 2);
INSERT INTO bars(asset, timestep, ts, open, high, low, close) VALUES ('A', 'day', 1704326400.25, 1, 2, 1, 2);
INSERT INTO bars(asset, timestep, ts, time, open, high, low, close) VALUES ('A', 'day', '2024-01-04', '2024-01-05', 1, 2, 1, 2);
INSERT INTO bars(asset, timestep, ts, open, high, low, close, known_at) VALUES ('A', 'day', '2024-01-04', 1, 2, 1, 2, '2024-01-06');
.print -- values
INSERT INTO bars(asset, timestep, ts, open, high, low, close) VALUES ('A', 'day', '2024-01-04', 1, 2, 1, 'two');
INSERT INTO bars(asset, timestep, ts, open, high, low, close) VALUES ('A', 'day', '2024-01-04', 1, 2, 1, x'02');
INSERT INTO bars(asset, timestep, ts, open, high, low, close) VALUES ('A', 'day', '2024-01-04', 1, 2, 1, NULL);
INSERT INTO bars(asset, timestep, ts, open, high, low, close) VALUES ('A', 'day', '2024-01-04', 1, 9e999, 1, 2);
INSERT INTO bars(asset, timestep, ts, open, high, low, close) VALUES ('A', 'day', '2024-01-04', -1, 2, -1, 2);
INSERT INTO bars(asset, timestep, ts, open, high, low, close) VALUES ('A', 'day', '2024-01-04', 1, 1, 2, 1);
INSERT INTO bars(asset, timestep, ts, open, high, low, close) VALUES ('A', 'day', '2024-01-04', 3, 2, 1, 2);
INSERT INTO bars(asset, timestep, ts, open, high, low, close) VALUES ('A', 'day', '2024-01-04', 1, 2, 1, 0.5);
INSERT INTO bars(asset, timestep, ts, open, high, low, close, volume) VALUES ('A', 'day', '2024-01-04', 1, 2, 1, 2, -1);
INSERT INTO bars(asset, timestep, ts, open, high, low, close, trades) VALUES ('A', 'day', '2024-01-04', 1, 2, 1, 2, 'few');
.print -- the same time with other values
INSERT INTO bars(asset, timestep, ts, open, high, low, close, volume) VALUES ('A', 'day', '2024-01-02', 1, 2, 1, 2, 6);
INSERT OR IGNORE INTO bars(asset, timestep, ts, open, high, low, close, volume) VALUES ('A', 'day', '2024-01-02', 1, 2, 1, 2, 7);
SELECT time, volume FROM bars('A', 'day');
INSERT OR REPLACE INTO bars(asset, timestep, ts, open, high, low, close, volume) VALUES ('A', 'day', '2024-01-02', 1, 2, 1, 2, 8);
SELECT time, volume FROM bars('A', 'day');
UPDATE bars SET ts = bars_time('2024-01-02') WHERE asset = 'A' AND timestep = 'day' AND ts = bars_time('2024-01-03');
UPDATE OR FAIL bars SET ts = bars_time('2024-01-02') WHERE asset = 'A' AND timestep = 'day' AND ts = bars_time('2024-01-03');
UPDATE OR IGNORE bars SET ts = bars_time('2024-01-02') WHERE asset = 'A' AND timestep = 'day' AND ts = bars_time('2024-01-03');
SELECT time, volume FROM bars('A', 'day');
.print -- one bad row of three, in a transaction with a good statement before
BEGIN;
INSERT INTO bars(asset, timestep, ts, open, high, low, close) VALUES ('B', 'day', '2024-01-01', 1, 2, 1, 1);
INSERT INTO bars(asset, timestep, ts, open, high, low, close) VALUES ('B', 'day', '2024-01-02', 1, 2, 1, 1),
  ('B', 'day', '2024-01-03', 1, 2, 3, 1), ('B', 'day', '2024-01-04', 1, 2, 1, 1);
INSERT OR IGNORE INTO bars(asset, timestep, ts, open, high, low, close) VALUES ('B', 'day', '2024-01-02', 1, 2, 1, 1),
  ('B', 'day', '2024-01-03', 1, 2, 3, 1);
SELECT time FROM bars('B', 'day');
COMMIT;
SELECT time FROM bars('B', 'day');
.print -- updates
UPDATE bars SET close = 20 WHERE asset = 'A' AND timestep = 'day';
UPDATE bars SET known_at = 5 WHERE asset = 'A' AND timestep = 'day';
UPDATE bars SET time = 'never' WHERE asset = 'A' AND timestep = 'day' AND ts = bars_time('2024-01-03');
UPDATE bars SET time = '2024-01-08' WHERE asset = 'A' AND timestep = 'day' AND ts = bars_time('2024-01-03');
UPDATE bars SET close = 1.5, asset = 'C' WHERE asset = 'A' AND timestep = 'day' AND ts = bars_time('2024-01-08');
SELECT time, close, volume FROM bars('A', 'day');
SELECT time, close, volume FROM bars('C', 'day');
SELECT bars_config('tz', 'America/New_York');
UPDATE bars SET volume = 9 WHERE asset = 'C' AND timestep = 'day';
SELECT time, close, volume FROM bars('C', 'day');
.print -- statements that name no series
UPDATE bars SET close = 1;
DELETE FROM bars;
DELETE FROM bars WHERE asset = 'A';
DELETE FROM bars WHERE asset = 'Z' AND timestep = 'day';
INSERT INTO bars(asset, timestep, ts, open, high, low, close) VALUES ('A', 'day', '2024-01-02', 1, 2, 1, 1) ON CONFLICT DO NOTHING;
DELETE FROM bars WHERE asset = 'A' AND timestep = 'day' AND volume = 8;
SELECT count(*) FROM bars('A', 'day');
