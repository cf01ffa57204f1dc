-- A bar that begins in one bucket and ends in the next is not known when the first bucket ends.  So at a
-- clock between the two ends nothing of it may be seen in bars_agg: what bars shows is the bound.
-- Minutes that begin at odd seconds:
INSERT INTO bars(asset, timestep, ts, open, high, low, close) VALUES ('A', 'minute', '2024-01-02 14:28:00', 1, 1, 1, 1),
  ('A', 'minute', '2024-01-02 14:29:30', 1, 9, 1, 1), ('A', 'minute', '2024-01-02 14:32:00', 2, 2, 2, 2);
SELECT bars_clock('2024-01-02 14:30:10') IS NOT NULL;
SELECT max(high) FROM bars('A', 'minute');
SELECT coalesce(max(high), 0) <= 1 FROM bars_agg('A', '5m');
SELECT max(high) FROM bars_agg('A', '5m') WHERE partial = 1;
SELECT coalesce(max(sma(bars_agg, 1, 'high')), 0) <= 1 FROM bars_agg('A', '5m');
SELECT bars_clock('2024-01-02 14:35:00') IS NOT NULL;
SELECT max(high) FROM bars('A', 'minute');
SELECT max(high) FROM bars_agg('A', '5m');
SELECT bars_clock(NULL) IS NULL;
-- Days stamped at midnight UTC of an asset in New York: Monday's bar begins on Sunday, 19:00 there.
INSERT INTO bars(asset, timestep, ts, open, high, low, close) VALUES ('D', 'day', '2024-01-05', 2, 2, 2, 2),
  ('D', 'day', '2024-01-08', 2, 99, 2, 2), ('D', 'day', '2024-01-09', 2, 3, 2, 2);
SELECT bars_asset('D', 'tz', 'America/New_York');
SELECT bars_clock('2024-01-08 06:00') IS NOT NULL;
SELECT max(high) FROM bars('D', 'day');
SELECT coalesce(max(high), 0) <= 2 FROM bars_agg('D', 'week');
