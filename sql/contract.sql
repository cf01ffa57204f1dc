-- What is traded, beyond its bars: plain tables, made by the first bars_action().

-- Corporate actions.  ts is the instant from which bars show the action; value is the number of new units for an old
-- one ('split'), or money per unit in the asset's price ('dividend').
CREATE TABLE IF NOT EXISTS main.barsvt_action(
  asset TEXT NOT NULL,
  ts    INTEGER NOT NULL,
  kind  TEXT NOT NULL,
  value REAL NOT NULL,
  PRIMARY KEY(asset, ts, kind)
) WITHOUT ROWID;
