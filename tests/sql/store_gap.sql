-- bars_gap, bars_source, bars_coverage.

SELECT * FROM bars_gap;
SELECT * FROM bars_gap('A', 'minute');

-- New York time: 2024-03-07 (Thursday) to 2024-03-13; the clocks change on Sunday the 10th.
-- Thursday 10:00 to 10:09, of which 10:03 and 10:05 to 10:07 are missing.
INSERT INTO bars(asset, timestep, ts, open, high, low, close)
  SELECT 'NY', 'minute', bars_time('2024-03-07 10:00', 'America/New_York') + 60 * value, 1, 1, 1, 1
  FROM json_each('[0, 1, 2, 4, 8, 9]');
SELECT bars_asset('NY', 'tz', 'America/New_York');
-- Friday and Monday have none; Tuesday begins late, has a bar off the minute, and ends early.
INSERT INTO bars(asset, timestep, ts, open, high, low, close)
  SELECT 'NY', 'minute', bars_time('2024-03-12 11:30', 'America/New_York') + value, 1, 1, 1, 1
  FROM json_each('[0, 60, 150, 240]');
.mode column
SELECT datetime(start, 'unixepoch') AS start, datetime("end", 'unixepoch') AS end_, missing, kind FROM bars_gap('NY', 'minute');
SELECT count(*), sum(missing) FROM bars_gap('NY', 'minute', '2024-03-07 15:05', '2024-03-07 15:10');
.mode list
-- only what can be seen by the clock
SELECT bars_clock('2024-03-07 15:06');
SELECT count(*) FROM bars_gap('NY', 'minute');
SELECT bars_clock(NULL);

-- days: Monday 2024-01-01 to Friday the 12th without the 3rd, 5th and 8th; a weekend is no hole, but one
-- over a weekend is one
INSERT INTO bars(asset, timestep, ts, open, high, low, close)
  SELECT 'D', 'day', bars_time('2024-01-' || value), 1, 1, 1, 1
  FROM json_each('["01", "02", "04", "09", "10", "11", "12", "15"]');
SELECT date(start, 'unixepoch'), date("end", 'unixepoch'), missing, kind FROM bars_gap('D', 'day');

-- currency days begin at 17:00 New York time the day before: Sunday 17:00 is Monday
INSERT INTO bars(asset, timestep, ts, open, high, low, close)
  SELECT 'FX', 'day', bars_time('2024-06-' || value || ' 17:00', 'America/New_York'), 1, 1, 1, 1
  FROM json_each('["02", "03", "04", "05", "06", "09", "11"]');
SELECT bars_asset('FX', 'tz', 'America/New_York');
SELECT datetime(start, 'unixepoch'), missing, kind FROM bars_gap('FX', 'day');

-- weeks and months: whole periods
INSERT INTO bars(asset, timestep, ts, open, high, low, close)
  SELECT 'W', 'week', bars_time('2024-' || value), 1, 1, 1, 1 FROM json_each('["01-01", "01-08", "01-29", "02-06"]');
INSERT INTO bars(asset, timestep, ts, open, high, low, close)
  SELECT 'W', 'month', bars_time(value || '-01'), 1, 1, 1, 1 FROM json_each('["2023-11", "2023-12", "2024-03"]');
SELECT timestep, date(start, 'unixepoch'), date("end", 'unixepoch'), missing, kind FROM bars_gap('W');

SELECT DISTINCT asset, timestep FROM bars_gap;
SELECT * FROM bars_gap('NYX', 'minute');
SELECT * FROM bars_gap('NY', '5m');
SELECT * FROM bars_gap('NY', 'fortnight');
SELECT * FROM bars_gap('NY', 'minute', 'yesterday');

-- what was asked for: ranges that overlap or touch are one, empty answers count
INSERT INTO barsvt_coverage
  SELECT s.id, v.* FROM barsvt_series s, barsvt_asset a,
    (SELECT 'vendor' AS source, 100 AS start, 200 AS "end", 5 AS rows UNION ALL VALUES
      ('vendor', 150, 180, 2), ('vendor', 200, 300, 0), ('vendor', 400, 500, 1), ('file', 120, 220, 7)) v
  WHERE a.id = s.asset AND a.asset = 'D';
SELECT * FROM bars_source('D', 'day');
SELECT * FROM bars_source;
SELECT asset, timestep, bars, tz, source FROM bars_coverage;
