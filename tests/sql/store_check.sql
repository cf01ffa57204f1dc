-- bars_check names what is wrong, and goes on.

SELECT count(*) FROM bars_check;

BEGIN;
WITH RECURSIVE n(i) AS (VALUES (0) UNION ALL SELECT i + 1 FROM n WHERE i < 99)
INSERT INTO bars(asset, timestep, ts, open, high, low, close, volume)
  SELECT 'A', 'minute', 1706638080 + 60 * i, 10, 12, 9, 10 + (i % 7) / 10.0, i FROM n;
COMMIT;
SELECT bars_compact() IS NOT NULL;
INSERT INTO bars(asset, timestep, ts, open, high, low, close) VALUES ('B', 'day', 86400, 1, 1, 1, 1);
SELECT count(*) FROM bars_check;
SELECT count(*) FROM bars_check();

-- the catalog
SAVEPOINT s;
INSERT INTO barsvt_asset VALUES (10, 'C', 'Mars/Base', -1), (11, 'D' || char(10), 'UTC', 'x');
INSERT INTO barsvt_series(id, asset, timestep, venue) VALUES (5, 77, 'minute', ''), (6, 1, '60s', ''), (7, 1, 'day', x'00'), (20000000, 1, 'hour', '');
UPDATE barsvt_meta SET value = 9;
SELECT object, id, substr(problem, 1, 60) FROM bars_check;
ROLLBACK TO s;

-- values that might be, but were not written; a row of another program has no checksum
SELECT count(*), count(checksum) FROM barsvt_hot;
UPDATE barsvt_hot SET close = 2, high = 2;
UPDATE barsvt_asset SET multiplier = 50 WHERE asset = 'A';
SELECT * FROM bars_check;
SELECT * FROM bars('B', 'day');
SELECT count(*) FROM bars('A', 'minute');
SELECT bars_asset('A', 'tz', 'Europe/Berlin');
INSERT INTO bars(asset, timestep, ts, open, high, low, close) VALUES ('A', 'minute', 86400, 1, 1, 1, 1);
UPDATE barsvt_hot SET checksum = NULL;
UPDATE barsvt_series SET checksum = NULL;
SELECT close FROM bars('B', 'day');
SELECT bars_asset('A', 'multiplier', 5);
SELECT count(*) FROM bars('A', 'minute');
SELECT asset, checksum IS NULL FROM barsvt_series;
SELECT count(*) FROM bars_check;
ROLLBACK TO s;
UPDATE barsvt_meta SET value = 4;
SELECT * FROM bars('B', 'day');
INSERT INTO bars(asset, timestep, ts, open, high, low, close) VALUES ('Z', 'day', 86400, 1, 1, 1, 1);
ROLLBACK TO s;

-- rows
INSERT INTO barsvt_hot(series, ts, open, high, low, close, volume) VALUES (9, 60, 1, 1, 1, 1, 1),
  (2, 'noon', 1, 1, 1, 1, 1), (2, 1e300, 1, 1, 1, 1, 1), (2, 60, 1, 0, 1, 1, 1), (2, 120, 1, 1, 1, 1, 'many'),
  (2, 180, -1, 1, -2, 0, -3), (2, 240, -1, 1, -2, 0, 3), (2, 300, 9e999, 9e999, 1, 1, 1);
INSERT INTO barsvt_coverage VALUES (2, 'x', 10, 5, 1), (2, 'y', 1, 5, -1), (8, 'z', 1, 5, 1);
INSERT INTO barsvt_reject VALUES (1, 'f', NULL, NULL, 'line', 'why', NULL);
SELECT * FROM bars_check;
ROLLBACK TO s;

-- segments: each column of a row, the rows of a chunk, the statistics
UPDATE barsvt_seg SET n = 99 WHERE id & 15 = 0;
UPDATE barsvt_seg SET first = first + 60 WHERE id & 15 = 1;
UPDATE barsvt_seg SET last = last - 60 WHERE id & 15 = 2;
UPDATE barsvt_seg SET codec = 2 WHERE id & 15 = 4;
UPDATE barsvt_seg SET checksum = checksum + 1 WHERE id & 15 = 3;
SELECT * FROM bars_check;
ROLLBACK TO s;
UPDATE barsvt_seg SET min = 8 WHERE id & 15 = 2;
UPDATE barsvt_seg SET max = NULL WHERE id & 15 = 1;
UPDATE barsvt_seg SET sum = 1 WHERE id & 15 = 4;
UPDATE barsvt_seg SET data = (SELECT data FROM barsvt_seg WHERE id & 15 = 4) WHERE id & 15 = 3;
SELECT * FROM bars_check;
ROLLBACK TO s;
DELETE FROM barsvt_seg WHERE id & 15 = 4;
INSERT INTO barsvt_seg SELECT id - 1, n, first, last, codec, checksum, min, max, sum, data FROM barsvt_seg WHERE id & 15 = 15;
UPDATE barsvt_stat SET data = zeroblob(96);
INSERT INTO barsvt_stat SELECT id + 1, data FROM barsvt_stat;
SELECT * FROM bars_check;
ROLLBACK TO s;
DELETE FROM barsvt_seg WHERE id & 15 = 15;
SELECT * FROM bars_check;
SELECT count(*) FROM bars('A', 'minute');
ROLLBACK TO s;
UPDATE barsvt_seg SET id = id + 16;
SELECT * FROM bars_check;
SELECT count(*) FROM bars('A', 'minute');
ROLLBACK TO s;
UPDATE barsvt_seg SET id = id + (7 << 36);
SELECT * FROM bars_check;
ROLLBACK TO s;

-- tables
DROP TABLE barsvt_reject;
ALTER TABLE barsvt_hot DROP COLUMN open_interest;
ALTER TABLE barsvt_coverage RENAME COLUMN rows TO n;
SELECT object, substr(problem, 1, 30) FROM bars_check;
ROLLBACK TO s;

RELEASE s;

-- an attached database is checked under its name
ATTACH 'other.db' AS other;
CREATE TABLE other.barsvt_hot(x);
SELECT object, problem FROM bars_check LIMIT 3;
DETACH other;
SELECT count(*) FROM bars_check;
