-- Runs that are committed while they go on: plain tables, made by the first run that has the key checkpoint.

-- How far such a run is.  The row goes when the run has ended.
CREATE TABLE IF NOT EXISTS main.bt_checkpoint(
  run      INTEGER PRIMARY KEY,
  every    INTEGER NOT NULL,  -- steps from one commit to the next
  steps    INTEGER NOT NULL,  -- committed
  ts       INTEGER,           -- of the last one of them
  "end"    INTEGER,           -- of the run, where the configuration or bars_clock() gave one
  data_end INTEGER NOT NULL,  -- end of the last bar there was when it began
  trail    TEXT NOT NULL,     -- count and hash of every kind of result
  error    TEXT               -- what has stopped it; NULL: nothing, or it could not say
);

-- What strategy and program asked for, as they asked (run/request_code.h).  The rows go when the run has ended.
CREATE TABLE IF NOT EXISTS main.bt_request(
  run    INTEGER NOT NULL,
  source TEXT NOT NULL,       -- 'strategy', 'program'
  chunk  INTEGER NOT NULL,
  n      INTEGER NOT NULL,
  first  INTEGER NOT NULL,    -- instants of the first and the last one
  last   INTEGER NOT NULL,
  data   BLOB NOT NULL,
  UNIQUE(run, source, chunk)
);

-- A run that is resumed is written anew, but what it is resumed from stays.
CREATE TRIGGER IF NOT EXISTS main.bt_request_delete AFTER DELETE ON bt_run WHEN old.status <> 'resuming' BEGIN
  DELETE FROM bt_request WHERE run = old.id;
  DELETE FROM bt_checkpoint WHERE run = old.id;
END;
