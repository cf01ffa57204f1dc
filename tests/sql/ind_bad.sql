-- Indicators asked for with what they cannot do: at a row, of a series, as window functions.
INSERT INTO bars(asset, timestep, ts, open, high, low, close, volume) VALUES
  ('SPY', 'minute', '2024-01-02 14:30', 10, 11, 9, 10.5, 100), ('SPY', 'minute', '2024-01-02 14:31', 10.5, 12, 10, 11, NULL),
  ('SPY', 'minute', '2024-01-02 14:32', 11, 12, 10.5, 11.5, 300), ('SPY', 'minute', '2024-01-02 14:33', 11, 12, 10.5, 11.5, 300),
  ('FLAT', 'minute', '2024-01-02 14:30', 5, 5, 5, 5, 0), ('FLAT', 'minute', '2024-01-02 14:31', 5, 5, 5, 5, 0),
  ('FLAT', 'minute', '2024-01-02 14:32', 5, 5, 5, 5, 0), ('FLAT', 'minute', '2024-01-02 14:33', 5, 5, 5, 5, 0),
  ('NONE', 'minute', '2024-01-02 14:30', 5, 5, 5, 5, 0);
DELETE FROM bars WHERE asset = 'NONE' AND timestep = 'minute' AND ts > 0;
CREATE TABLE t(i INTEGER PRIMARY KEY, x, y);
INSERT INTO t VALUES (1, 1.0, 5), (2, 2.0, 5), (3, NULL, 5), (4, 4.0, 5), (5, 5.0, 5), (6, 6.0, 5);
CREATE TABLE empty(i, x);
.print -- periods
SELECT rsi(bars, 0) FROM bars('SPY', 'minute');
SELECT rsi('SPY', 'minute', 0);
SELECT ta_rsi(x, 0) OVER (ORDER BY i) FROM t;
SELECT ema(bars, -1) FROM bars('SPY', 'minute');
SELECT ema('SPY', 'minute', -1);
SELECT ta_ema(x, -1) OVER (ORDER BY i) FROM t;
SELECT atr(bars, 1e9) FROM bars('SPY', 'minute');
SELECT atr('SPY', 'minute', 1e9);
SELECT ta_atr(x, x, x, 1e9) OVER (ORDER BY i) FROM t;
SELECT macd(bars, 12, 26.5) FROM bars('SPY', 'minute');
SELECT macd('SPY', 'minute', 12, 26.5);
SELECT ta_macd(x, 12, 26.5) OVER (ORDER BY i) FROM t;
SELECT sma(bars, NULL) FROM bars('SPY', 'minute');
SELECT sma('SPY', 'minute', NULL);
SELECT ta_sma(x, NULL) OVER (ORDER BY i) FROM t;
SELECT sma(bars) FROM bars('SPY', 'minute');
SELECT sma('SPY', 'minute');
SELECT ta_sma(x) OVER (ORDER BY i) FROM t;
SELECT bb_upper(bars, 5, -1) FROM bars('SPY', 'minute');
SELECT sar(bars, 'fast') FROM bars('SPY', 'minute');
SELECT ta_sar(x, x, 'fast') OVER (ORDER BY i) FROM t;
SELECT correl(bars, 1, 'high') FROM bars('SPY', 'minute');
SELECT ta_correl(x, y, 1) OVER (ORDER BY i) FROM t;
SELECT ta_sma(x, i) OVER (ORDER BY i) FROM t;
SELECT ta_sma(x, 2, 3) OVER (ORDER BY i) FROM t;
SELECT ta_atr(x, x) OVER (ORDER BY i) FROM t;
.print -- words
SELECT pivot(bars, 'hour') FROM bars('SPY', 'minute');
SELECT pivot('SPY', 'minute', 'hour');
SELECT ta_pivot(i, x, x, x, 'hour') OVER (ORDER BY i) FROM t;
SELECT pivot(bars, 0) FROM bars('SPY', 'minute');
SELECT prev(bars, 0, 'pivot:year') FROM bars('SPY', 'minute');
SELECT session_vwap(bars, 'Week'), session_vwap(bars, 2), prev(bars, 0, 'session_vwap:week') FROM bars('SPY', 'minute');
.print -- longer than the series
SELECT count(*), count(sma(bars, 5)), count(sma(bars, 100000)), count(macd(bars)) FROM bars('SPY', 'minute');
SELECT sma('SPY', 'minute', 5) IS NULL, adx('SPY', 'minute') IS NULL, prev('SPY', 'minute', 9) IS NULL;
SELECT count(v), count(*) FROM (SELECT ta_sma(x, 100000) OVER (ORDER BY i) AS v FROM t);
.print -- no bars
SELECT count(sma(bars, 2)) FROM bars('NONE', 'minute');
SELECT sma('NONE', 'minute', 2) IS NULL, cross_above('NONE', 'minute', 'close', 5) IS NULL;
SELECT ta_sma(x, 2) OVER (ORDER BY i) FROM empty;
SELECT prev(bars, 0, 'close of NONE') IS NULL, correl(bars, 2, 'close of NONE') IS NULL FROM bars('SPY', 'minute') LIMIT 1;
.print -- constant
SELECT sma(bars, 2), stdev(bars, 2), rsi(bars, 2), roc(bars, 1), willr(bars, 2), cci(bars, 2), mfi(bars, 2), correl(bars, 2, 'high'),
  beta(bars, 2, 'high'), obv(bars), vwma(bars, 2) IS NULL, session_vwap(bars) IS NULL, bop(bars), linearreg_slope(bars, 2),
  cross_above(bars, 'high', 'low'), cdldoji(bars) IS NULL FROM bars('FLAT', 'minute') WHERE ts = bars_time('2024-01-02 14:33');
SELECT sma('FLAT', 'minute', 2), stdev('FLAT', 'minute', 2), rsi('FLAT', 'minute', 2), aroon_osc('FLAT', 'minute', 2);
SELECT DISTINCT ta_stdev(y, 2) OVER w, ta_rsi(y, 2) OVER w, ta_correl(y, y, 3) OVER w FROM t WINDOW w AS (ORDER BY i);
.print -- NULL inside
SELECT volume, sma(bars, 2, 'volume'), ema(bars, 2, 'volume'), obv(bars) FROM bars('SPY', 'minute');
SELECT x, ta_sma(x, 2) OVER w, ta_ema(x, 2) OVER w, ta_highest(x, 2) OVER w, ta_mom(x, 1) OVER w FROM t WINDOW w AS (ORDER BY i);
SELECT ta_sma(x, 2) OVER (ORDER BY i), ta_ema(x, 2) OVER (ORDER BY i) FROM (SELECT i, NULL AS x FROM t) LIMIT 2;
SELECT ta_sma(x, 1) OVER (ORDER BY i) FROM (SELECT 1 AS i, 'ten' AS x);
SELECT ta_sma(x, 1) OVER (ORDER BY i) FROM (SELECT 1 AS i, x'00' AS x);
SELECT ta_sma(x, 1) OVER (ORDER BY i), ta_sma(-x, 1) OVER (ORDER BY i) FROM (SELECT 1 AS i, 9e999 AS x);
SELECT ta_session_vwap('noon', 1, 1) OVER ();
SELECT ta_session_vwap(NULL, 1, 1) OVER () IS NULL, ta_session_vwap('2024-01-02 14:30', 3, 1) OVER ();
.print -- two series
SELECT correl(bars, 5) FROM bars('SPY', 'minute');
SELECT correl('SPY', 'minute', 5);
SELECT beta(bars, 5, 'close of SPX') FROM bars('SPY', 'minute');
SELECT beta('SPY', 'minute', 5, 'close of SPX');
SELECT beta(bars, 5, 'clos of FLAT') FROM bars('SPY', 'minute');
SELECT beta(bars, 5, 'close of ') FROM bars('SPY', 'minute');
SELECT beta(bars, 5, 'high', 'low', 'open') FROM bars('SPY', 'minute');
SELECT sma(bars, 5, 'beta:5') FROM bars('SPY', 'minute');
SELECT prev(bars_agg, 0, 'close of SPX') FROM bars_agg('SPY', '5 minutes');
SELECT atr(bars, 5, 'close of FLAT') FROM bars('SPY', 'minute');
SELECT prev(bars, 0, 'atr:1 of FLAT'), prev(bars, 0, 'close of SPY') FROM bars('SPY', 'minute') LIMIT 2;
.print -- crossings
SELECT cross_above(bars, 'close') FROM bars('SPY', 'minute');
SELECT cross_above(bars, 5, 'close') FROM bars('SPY', 'minute');
SELECT cross_above(bars, 'close', NULL) FROM bars('SPY', 'minute');
SELECT cross_above(bars, 'close', 'smaa:5') FROM bars('SPY', 'minute');
SELECT cross_below('SPY', 'minute', 'close', 'open', 'high', 1);
SELECT cross_below();
.print -- frames and use
SELECT ta_ema(x, 2) FROM t;
SELECT ta_ema(x, 2) FROM empty;
SELECT i, ta_ema(x, 2) FROM t GROUP BY i;
SELECT ta_ema(x, 2) OVER (ORDER BY i ROWS 2 PRECEDING) FROM t LIMIT 1 OFFSET 3;
SELECT ta_sma(x, 2) OVER (ORDER BY i ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) FROM t LIMIT 1 OFFSET 1;
SELECT ta_sma(x, 2) OVER (ORDER BY i ROWS UNBOUNDED PRECEDING EXCLUDE CURRENT ROW) FROM t;
SELECT group_concat(v) FROM (SELECT ta_sma(x, 2) OVER (ORDER BY i ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS v FROM t);
SELECT group_concat(v) FROM (SELECT ta_sma(x, 2) OVER (ORDER BY i ROWS UNBOUNDED PRECEDING) AS v FROM t);
SELECT group_concat(v) FROM (SELECT ta_sma(x, 2) OVER (ORDER BY i RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS v FROM t);
SELECT group_concat(v) FROM (SELECT ta_sma(x, 2) OVER () AS v FROM t);
SELECT group_concat(v) FROM (SELECT ta_sma(x, 2) FILTER (WHERE x IS NOT NULL) OVER (ORDER BY i) AS v FROM t);
PRAGMA trusted_schema = OFF;
CREATE VIEW v AS SELECT i, ta_sma(x, 2) OVER (ORDER BY i) AS s FROM t;
SELECT group_concat(s) FROM v;
