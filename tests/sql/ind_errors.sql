-- Indicators, prev() and the small functions, called wrongly.
INSERT INTO bars(asset, timestep, ts, open, high, low, close, volume) VALUES
  ('SPY', 'minute', '2024-01-02 14:30', 10, 11, 9, 10.5, 100), ('SPY', 'minute', '2024-01-02 14:31', 10.5, 12, 10, 11, 200),
  ('SPY', 'minute', '2024-01-02 14:32', 11, 12, 10.5, 11.5, 300);
.print -- parameters
SELECT sma(bars) FROM bars('SPY', 'minute');
SELECT sma(bars, 0) FROM bars('SPY', 'minute');
SELECT sma(bars, 2.5) FROM bars('SPY', 'minute');
SELECT sma(bars, -1) FROM bars('SPY', 'minute');
SELECT sma(bars, 1e9) FROM bars('SPY', 'minute');
SELECT sma(bars, NULL) FROM bars('SPY', 'minute');
SELECT sma(bars, x'02') FROM bars('SPY', 'minute');
SELECT sma(bars, 2, 3) FROM bars('SPY', 'minute');
SELECT rsi(bars, 2, 'close', 4) FROM bars('SPY', 'minute');
SELECT bb_upper(bars, 'x') FROM bars('SPY', 'minute');
.print -- columns
SELECT sma(bars, 2, 'clos') FROM bars('SPY', 'minute');
SELECT sma(bars, 2, '') FROM bars('SPY', 'minute');
SELECT sma(bars, 2, 'smaa:10') FROM bars('SPY', 'minute');
SELECT sma(bars, 2, 'sma:ten') FROM bars('SPY', 'minute');
SELECT sma(bars, 2, 'sma:9@rsy:14') FROM bars('SPY', 'minute');
SELECT sma(bars, 2, 'hl2@sma:3') FROM bars('SPY', 'minute');
SELECT atr(bars, 2, 'high') FROM bars('SPY', 'minute');
SELECT sma(bars, 2, 'sma:2@sma:2@sma:2@sma:2@close') FROM bars('SPY', 'minute');
.print -- the row
SELECT sma(close, 2) FROM bars('SPY', 'minute');
SELECT sma(NULL, 2);
SELECT sma();
SELECT sma(bars, 2) FROM bars('SPY', 'minute') ORDER BY close;
SELECT sma(h, 2) FROM (SELECT bars AS h FROM bars('SPY', 'minute') ORDER BY close LIMIT 9);
CREATE TABLE kept(h);
INSERT INTO kept SELECT bars FROM bars('SPY', 'minute');
SELECT sma(h, 2) FROM kept;
SELECT sma(x'0011', 2);
.print -- the series by name
SELECT sma('SPY');
SELECT sma('SPY', 'minute');
SELECT sma('SPY', NULL, 2);
SELECT sma('SPX', 'minute', 2);
SELECT sma('SPY', 'day', 2);
SELECT sma('SPY', 'min', 2, 'noon');
SELECT sma('SPY', 'minute', 2, '2024-01-99');
SELECT sma('SPY', 'minute', 2, 1704205800000);
SELECT sma('SPY', 'minute', 2), sma('SPY', 'minute', 2, '2024-01-02 14:32'), sma('SPY', 'minute', 2, 'high', 1704205920);
.print -- prev
SELECT prev(bars) FROM bars('SPY', 'minute');
SELECT prev(bars, -1) FROM bars('SPY', 'minute');
SELECT prev(bars, 0.5) FROM bars('SPY', 'minute');
SELECT prev(bars, NULL) FROM bars('SPY', 'minute');
SELECT prev(bars, 1, 'clos') FROM bars('SPY', 'minute');
SELECT prev(bars, 1, 'close', 2) FROM bars('SPY', 'minute');
SELECT prev(bars, 1), prev(bars, 1, 'hl2'), prev(bars, 99), sma(bars, 2, 'prev:1') FROM bars('SPY', 'minute');
.print -- a handle that is used after its scan ended is still right
SELECT max(close), sma(bars, 2) FROM bars('SPY', 'minute');
.print -- clock, settings, times
SELECT bars_clock('noon');
SELECT bars_clock(1704205800000);
SELECT bars_clock(1, 2);
SELECT bars_clock() IS NULL;
SELECT bars_config();
SELECT bars_config('histori');
SELECT bars_config('history', 'all');
SELECT bars_config('history', 0);
SELECT bars_config('history', NULL);
SELECT bars_config('memory_limit', '1 XB');
SELECT bars_config('memory_limit', 5);
SELECT bars_config('tz', 'Mars/Olympus');
SELECT bars_config('history'), bars_config('tz');
SELECT bars_time('noon');
SELECT bars_time('2024-01-02 09:30', 'Mars');
SELECT bars_time();
SELECT bars_time(NULL) IS NULL, bars_time('2024-01-02 09:30', NULL) IS NULL, bars_time('2024-01-02 09:30', 'America/New_York');
SELECT last_price();
SELECT last_price(NULL) IS NULL, last_price('SPY', NULL) IS NULL, last_price('SPY'), last_price('SPY', '1m');
SELECT last_price('SPX');
SELECT last_price('SPY', 'day');
SELECT bars_asset('SPY', 'tz');
SELECT bars_asset('SPY', 'tz', 'Mars');
SELECT bars_asset('SPX', 'tz', 'UTC');
SELECT bars_asset('SPY', 'zone', 'UTC');
SELECT bars_asset('SPY', 'multiplier', 0);
SELECT bars_asset('SPY', NULL, 1);
