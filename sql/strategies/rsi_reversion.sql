-- Mean reversion: buy when the RSI is low, sell when it has recovered or after `hold` bars.
-- Step mode: the view has no known_at, so it is executed at every step and may ask what is held.
-- Parameters: asset, timestep, period, low, high, hold, weight.
CREATE TEMP VIEW rsi_reversion AS
  SELECT asset,
         CASE WHEN bt_qty(asset) = 0 AND rsi < bt_param('low', 30) THEN bt_param('weight', 1.0)
              WHEN bt_qty(asset) > 0 AND (rsi > bt_param('high', 55)
                                          OR bt_bars_held(asset) >= bt_param('hold', 60))
              THEN 0.0 END AS target_weight,
         CASE WHEN bt_bars_held(asset) >= bt_param('hold', 60) THEN 'time' ELSE 'rsi' END AS tag
  FROM (SELECT asset, rsi(bars, bt_param('period', 14)) AS rsi
        FROM bars(bt_param('asset', 'AAA'), bt_param('timestep', 'minute'))
        ORDER BY ts DESC LIMIT 1);
