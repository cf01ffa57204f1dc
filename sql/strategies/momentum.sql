-- Momentum over several assets: at every `every` seconds hold the `best` ones by their return over the
-- last `lookback` bars, in equal parts, and none that fell.
-- Step mode: each asset is ranked by what is known of it at that instant.
-- Parameters: assets (a JSON array as text), timestep, lookback, best, every.
CREATE TEMP VIEW momentum AS
  WITH ret AS (
    SELECT u.value AS asset,
           (SELECT close / prev(bars, bt_param('lookback', 60)) - 1
            FROM bars(u.value, bt_param('timestep', 'minute')) ORDER BY ts DESC LIMIT 1) AS ret
    FROM json_each(bt_param('assets', '["AAA", "BBB", "CCC"]')) AS u
    WHERE bars_clock() % bt_param('every', 3600) = 0
  )
  SELECT asset,
         CASE WHEN ret > 0 AND rank() OVER (ORDER BY ret DESC, asset) <= bt_param('best', 2)
              THEN 1.0 / bt_param('best', 2) ELSE 0.0 END AS target_weight
  FROM ret WHERE ret IS NOT NULL;
