-- A read decodes the columns it needs and no others, and once.

-- 3,000 bars in two chunks: sealed, all columns stored but vwap and open_interest
BEGIN;
WITH RECURSIVE n(i) AS (VALUES (0) UNION ALL SELECT i + 1 FROM n WHERE i < 2999)
INSERT INTO bars(asset, timestep, ts, open, high, low, close, volume, trades, bid, ask)
  SELECT 'A', 'minute', 1706638080 + 60 * i, 10, 12, 9, 10 + (i % 7) / 10.0, i, i % 5, 9.5, 10.5 FROM n;
COMMIT;
SELECT bars_compact() IS NOT NULL, (SELECT count(*) FROM barsvt_hot);
SELECT count(*), count(DISTINCT id >> 4), sum(n) / count(*) FROM barsvt_seg;

CREATE TEMP TABLE was(value); -- a commit to main may drop what is cached
INSERT INTO was SELECT value FROM bars_stat WHERE name = 'decode';
CREATE TEMP VIEW decoded AS SELECT value - (SELECT value FROM was) AS n FROM bars_stat WHERE name = 'decode';

-- counts need the times alone
SELECT 'count', count(*) FROM bars('A', 'minute');
SELECT n FROM decoded;
UPDATE was SET value = value + (SELECT n FROM decoded);

-- avg(close): one more column of each chunk
SELECT 'close', round(avg(close), 6) FROM bars('A', 'minute');
SELECT n FROM decoded;
UPDATE was SET value = value + (SELECT n FROM decoded);

-- again: nothing
SELECT 'close again', round(avg(close), 6) FROM bars('A', 'minute');
SELECT n FROM decoded;

-- high is coded against open and close: open and high are new
SELECT 'high', max(high) FROM bars('A', 'minute');
SELECT n FROM decoded;
UPDATE was SET value = value + (SELECT n FROM decoded);

-- columns that no bar has cost nothing
SELECT 'vwap', count(vwap), count(open_interest) FROM bars('A', 'minute');
SELECT n FROM decoded;

-- a summary of whole chunks decodes nothing
SELECT 'summary', bars, close, volume, round(mean, 6), round(stdev, 6) FROM bars_summary('A', 'minute');
SELECT n FROM decoded;

-- a bar of one chunk: that chunk alone, here the columns left of the second one
SELECT 'bar', ts, volume, trades, bid, ask FROM bars('A', 'minute') WHERE ts = 1706638080 + 60 * 2999;
SELECT n FROM decoded;
