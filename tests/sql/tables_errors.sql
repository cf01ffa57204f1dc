-- Bad input to bars, bars_agg and bars_asof: each error names the table, the argument, what was wrong and
-- what to do.  Nothing stored yet:
SELECT * FROM bars('SPY', 'minute');
SELECT * FROM bars_agg('SPY', 'hour');
SELECT last_price('SPY');
INSERT INTO bars(asset, timestep, ts, open, high, low, close, volume) VALUES
  ('SPY', 'minute', '2024-01-02 14:30', 10, 11, 9, 10.5, 100), ('SPY', 'minute', '2024-01-02 14:31', 10.5, 12, 10, 11, 200),
  ('QQQ', 'day', '2024-01-02', 20, 21, 19, 20.5, 1000);
.print -- asset
SELECT * FROM bars;
SELECT * FROM bars WHERE timestep = 'minute';
SELECT * FROM bars WHERE asset = 'SPY' OR timestep = 'minute';
SELECT * FROM bars_agg WHERE timestep = 'hour';
SELECT * FROM bars('SPX', 'minute');
SELECT * FROM bars('', 'minute');
SELECT * FROM bars('Volkswagen', 'minute');
SELECT * FROM bars(CAST(x'ff4162c3' AS TEXT), 'minute');
SELECT * FROM bars('a' || char(10) || 'é' || char(0x1f600), 'minute');
SELECT count(*) FROM bars WHERE asset IN ('SPY', 'SPQ') AND timestep = 'minute';
SELECT count(*) FROM bars WHERE asset = 'spy' COLLATE NOCASE AND timestep = 'minute';
SELECT count(*) FROM (SELECT 'SPY' AS a UNION SELECT 'IBM') JOIN bars(a, 'minute');
.print -- timestep
SELECT * FROM bars('SPY');
SELECT * FROM bars('SPY', 'min0te');
SELECT * FROM bars('SPY', '1M');
SELECT * FROM bars('SPY', '0 minutes');
SELECT * FROM bars('SPY', 5);
SELECT * FROM bars('SPY', 'day');
SELECT * FROM bars_agg('SPY', '90 seconds');
SELECT * FROM bars_agg('QQQ', 'hour');
.print -- start and end
SELECT * FROM bars('SPY', 'minute', '2024-01-03', '2024-01-02');
SELECT * FROM bars('SPY', 'minute', 'yesterday');
SELECT * FROM bars('SPY', 'minute', '2024-02-30');
SELECT * FROM bars('SPY', 'minute', NULL, 1704292200000);
SELECT * FROM bars('SPY', 'minute', 1704205800.5);
SELECT * FROM bars('SPY', 'minute', x'00');
SELECT * FROM bars('SPY', 'minute', 1, 2, 3);
.print -- times that are compared with text
SELECT count(*) FROM bars('SPY', 'minute') WHERE ts > '2024-01-02';
SELECT count(*) FROM bars('SPY', 'minute') WHERE ts BETWEEN '2024-01-02' AND '2024-01-03';
SELECT count(*) FROM bars('SPY', 'minute') WHERE known_at <= '2024-01-02 14:31';
SELECT count(*) FROM bars('SPY', 'minute') WHERE ts < x'00';
SELECT count(*) FROM bars('SPY', 'minute') WHERE ts > '1704205800' AND known_at > '1' AND known_at <= bars_time('2024-01-02 14:32');
.print -- columns
SELECT opn FROM bars('SPY', 'minute');
.print -- arguments of bars_agg
SELECT * FROM bars_agg('SPY', 'hour', NULL, NULL, 'America/New_Yorc');
SELECT * FROM bars_agg('SPY', 'hour', NULL, NULL, NULL, '9:30');
SELECT * FROM bars_agg('SPY', 'hour', NULL, NULL, NULL, '09:30-25:00');
SELECT * FROM bars_agg('SPY', 'hour', NULL, NULL, NULL, NULL, 'forward');
SELECT * FROM bars_agg('SPY', 'hour', NULL, NULL, NULL, NULL, NULL, 'yes');
SELECT * FROM bars_agg('SPY', 'hour', NULL, NULL, NULL, NULL, NULL, 2);
SELECT * FROM bars_agg('SPY', 'hour', NULL, NULL, NULL, NULL, NULL, 1, 'minute', 5);
.print -- bars_asof
SELECT * FROM bars_asof('SPY', 'minute', 'noon');
SELECT * FROM bars_asof('SPY', 'minute', '2024-01-02 14:33', -5);
SELECT * FROM bars_asof('SPY', 'minute', '2024-01-02 14:33', 'a while');
SELECT * FROM bars_asof('SPY', 'minute', NULL, 60);
SELECT * FROM bars_asof('SPY', 'minute', 1, 2, 3);
.print -- NULL gives no rows; NULL start, end, tz, session, fill, partial are not given
SELECT count(*) FROM bars(NULL, 'minute');
SELECT count(*) FROM bars('SPY', NULL);
SELECT count(*) FROM bars(NULL, NULL, NULL, NULL);
SELECT count(*) FROM bars('SPY', 'minute', NULL, NULL);
SELECT count(*) FROM bars WHERE asset IN (NULL) AND timestep = 'minute';
SELECT count(*) FROM bars_agg(NULL, 'hour');
SELECT count(*) FROM bars_agg('SPY', 'hour', NULL, NULL, NULL, NULL, NULL, NULL);
SELECT count(*) FROM bars_asof('SPY', NULL);
SELECT time FROM bars_asof('SPY', 'minute', NULL, NULL);
.print -- bars_coverage
SELECT asset, bars FROM bars_coverage('SPY', '1m');
SELECT asset, bars FROM bars_coverage(NULL, '1d');
SELECT asset, bars FROM bars_coverage('SPY', '1M');
SELECT asset, bars FROM bars_coverage('SPY', 'minute', 5);
.print -- what cannot be done to these tables
INSERT INTO bars_agg(asset) VALUES ('SPY');
DELETE FROM bars_asof WHERE asset = 'SPY' AND timestep = 'minute';
CREATE VIRTUAL TABLE mine USING bars;
DROP TABLE bars;
