-- Two moving averages: long while the fast one is above the slow one, flat otherwise.
-- Set mode: the view has known_at, so it is evaluated once.
-- Parameters: asset, timestep, fast, slow.
CREATE TEMP VIEW sma_cross AS
  SELECT known_at, asset,
         CASE WHEN sma(bars, bt_param('fast', 10)) > sma(bars, bt_param('slow', 30))
              THEN 1.0 ELSE 0.0 END AS target_weight
  FROM bars(bt_param('asset', 'AAA'), bt_param('timestep', 'minute'));
