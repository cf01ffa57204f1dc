-- What is traded, beyond its bars: plain tables, made by the first bars_action() or property of bars_asset().

-- Corporate actions.  ts is the instant from which bars show the action; value is the number of new units for an old
-- one ('split'), or money per unit in the asset's price ('dividend').
CREATE TABLE IF NOT EXISTS main.barsvt_action(
  asset TEXT NOT NULL,
  ts    INTEGER NOT NULL,
  kind  TEXT NOT NULL,
  value REAL NOT NULL,
  PRIMARY KEY(asset, ts, kind)
) WITHOUT ROWID;

-- Properties of assets, beside tz and multiplier in barsvt_asset; docs/sql.md lists them under bars_asset.
CREATE TABLE IF NOT EXISTS main.barsvt_property(
  asset TEXT NOT NULL,
  name  TEXT NOT NULL,
  value NOT NULL,
  PRIMARY KEY(asset, name)
) WITHOUT ROWID;
