-- bars_summary against the aggregates of bars.  Sums are added in another order, so mean, vwap and stdev
-- are compared to 1e-12 of their value; the rest is exact.

SELECT * FROM bars_summary('A', 'minute');

-- A: 3,000 bars in two sealed chunks, some without volume; B: the same with vwap, half of it as rows
BEGIN;
WITH RECURSIVE n(i) AS (VALUES (0) UNION ALL SELECT i + 1 FROM n WHERE i < 2999)
INSERT INTO bars(asset, timestep, ts, open, high, low, close, volume, vwap)
  SELECT a.value, 'minute', 1706638080 + 60 * i, 10 + i % 11 / 100.0, 12 + i % 13 / 100.0, 9 - i % 17 / 100.0,
         10 + i % 7 / 10.0, iif(i % 10 = 3, NULL, i), iif(a.value = 'B' AND i % 3 = 0, 10 + i % 5 / 100.0, NULL)
  FROM n, json_each('["A", "B"]') a;
COMMIT;
SELECT bars_compact() IS NOT NULL;
UPDATE bars SET close = close + 0.01 WHERE asset = 'B' AND timestep = 'minute' AND ts % 7200 = 0;
SELECT count(*) > 0 FROM barsvt_hot;

CREATE TEMP VIEW want AS
  SELECT asset, count(*) AS bars, min(ts) AS first, max(ts) AS last, max(high) AS high, min(low) AS low,
         sum(volume) AS volume, avg(close) AS mean, sum(coalesce(vwap, close) * volume) / sum(volume) AS vwap,
         sqrt((sum((close - 10.3) * (close - 10.3)) - sum(close - 10.3) * sum(close - 10.3) / count(*)) / (count(*) - 1)) AS stdev
  FROM bars WHERE timestep = 'minute' AND asset IN ('A', 'B') GROUP BY asset;
CREATE TEMP VIEW got AS SELECT * FROM bars_summary WHERE asset IN ('B', 'A') AND timestep = 'minute';

SELECT g.asset, g.bars = w.bars, g.first = w.first, g.last = w.last, g.high = w.high, g.low = w.low, g.volume = w.volume,
       abs(g.mean / w.mean - 1) < 1e-12, abs(g.vwap / w.vwap - 1) < 1e-12, abs(g.stdev / w.stdev - 1) < 1e-11
  FROM got g JOIN want w ON g.asset = w.asset ORDER BY g.asset;
SELECT g.asset, g.open = (SELECT open FROM bars(g.asset, 'minute') ORDER BY ts LIMIT 1),
       g.close = (SELECT close FROM bars(g.asset, 'minute') ORDER BY ts DESC LIMIT 1) FROM got g ORDER BY g.asset;

-- ranges that cut a chunk, are empty, or have one bar
SELECT bars, first, last, volume FROM bars_summary('A', 'minute', 1706638080 + 60 * 5, 1706638080 + 60 * 8);
SELECT * FROM bars_summary('A', 'minute', 0, 1);
SELECT bars, mean, vwap, stdev FROM bars_summary('A', 'minute', 1706638080 + 60 * 4, 1706638080 + 60 * 5);
SELECT bars, volume, vwap FROM bars_summary('A', 'minute', 1706638080 + 60 * 3, 1706638080 + 60 * 4);

-- the clock: bars that have ended by it
SELECT bars_clock(1706638080 + 600);
SELECT bars, last - 1706638080 FROM bars_summary('A', 'minute');
SELECT bars_clock(1706638080);
SELECT bars FROM bars_summary('A', 'minute');
SELECT bars_clock(NULL);

-- arguments: by WHERE, in a join, in OR, in a list with others; NULL gives no row
SELECT asset, bars FROM bars_summary WHERE timestep = '1m' AND asset = 'A' AND start = '2024-01-31 18:08';
SELECT a.asset, s.bars FROM barsvt_asset a LEFT JOIN bars_summary s ON s.asset = a.asset AND s.timestep = 'minute' ORDER BY 1;
SELECT a.asset, s.bars FROM barsvt_asset a, bars_summary(a.asset, 'minute') s ORDER BY 1;
SELECT asset, bars FROM bars_summary WHERE timestep = 'minute' AND (asset = 'A' OR asset = 'B') ORDER BY 1;
SELECT bars FROM bars_summary WHERE timestep = 'minute' AND asset = 'A' AND (start = 1706638140 OR start = 1706638200) ORDER BY 1;
SELECT count(*) FROM bars_summary(NULL, 'minute');
SELECT count(*) FROM bars_summary('A', 'minute') WHERE asset = 'B';
SELECT bars FROM bars_summary('A', 'minute', NULL, NULL);

-- errors
SELECT * FROM bars_summary;
SELECT * FROM bars_summary('A');
SELECT * FROM bars_summary WHERE asset = 'a' COLLATE NOCASE AND timestep = 'minute';
SELECT * FROM bars_summary('AA', 'minute');
SELECT * FROM bars_summary('A', 'day');
SELECT * FROM bars_summary('A', 'minute', 'soon');
SELECT * FROM bars_summary('A', 'minute', 2000000000, 1000000000);
UPDATE barsvt_stat SET data = substr(data, 1, 95) || x'00' WHERE id = (SELECT min(id) FROM barsvt_stat);
SELECT * FROM bars_summary('A', 'minute');
SELECT bars FROM bars_summary('B', 'minute');

-- views may use it in a hardened shell
CREATE VIEW v AS SELECT bars FROM bars_summary('B', 'minute');
PRAGMA trusted_schema = OFF;
SELECT * FROM v;
