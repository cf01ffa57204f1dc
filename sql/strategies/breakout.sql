-- Channel breakout: long from a close above the highest high of the `enter` bars before it, until a close
-- below the lowest low of the `leave` bars before it.
-- Set mode: a NULL target leaves the position as it is, so no state is needed.
-- Parameters: asset, timestep, enter, leave, weight.
CREATE TEMP VIEW breakout AS
  SELECT known_at, asset,
         CASE WHEN close > prev(bars, 1, 'highest:' || bt_param('enter', 20) || '@high')
              THEN bt_param('weight', 1.0)
              WHEN close < prev(bars, 1, 'lowest:' || bt_param('leave', 10) || '@low')
              THEN 0.0 END AS target_weight
  FROM bars(bt_param('asset', 'AAA'), bt_param('timestep', 'minute'));
