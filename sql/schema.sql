-- The store: plain tables, readable in any SQLite, made on the first write.

-- One row per fact about the store itself; 'version' is the version of this schema.  1 had no checksums in
-- barsvt_series and barsvt_hot, 2 no hashes in barsvt_stat.
CREATE TABLE IF NOT EXISTS main.barsvt_meta(
  key   TEXT PRIMARY KEY,
  value
) WITHOUT ROWID;
INSERT OR IGNORE INTO main.barsvt_meta VALUES ('version', 3);

-- What is traded.  tz is the zone of its days, weeks and months; multiplier is money per price unit.
CREATE TABLE IF NOT EXISTS main.barsvt_asset(
  id         INTEGER PRIMARY KEY,
  asset      TEXT NOT NULL UNIQUE,
  tz         TEXT NOT NULL DEFAULT 'UTC',
  multiplier REAL NOT NULL DEFAULT 1.0
);

-- One series per asset, timestep and venue ('' where the source has one only).  checksum is that of the row
-- and its asset's (ext/data/rowsum.h), or NULL.
CREATE TABLE IF NOT EXISTS main.barsvt_series(
  id       INTEGER PRIMARY KEY,
  asset    INTEGER NOT NULL REFERENCES barsvt_asset(id),
  timestep TEXT NOT NULL,
  venue    TEXT NOT NULL DEFAULT '',
  checksum INTEGER,
  UNIQUE(asset, timestep, venue)
);

-- Sealed bars: one row per series, time-aligned chunk and column; the format is described in
-- ext/col/segment.c.
CREATE TABLE IF NOT EXISTS main.barsvt_seg(
  id       INTEGER PRIMARY KEY,
  n        INTEGER NOT NULL,
  first    INTEGER NOT NULL,
  last     INTEGER NOT NULL,
  codec    INTEGER NOT NULL,
  checksum INTEGER NOT NULL,
  min      REAL,
  max      REAL,
  sum      REAL,
  data     BLOB NOT NULL
);

-- Statistics of each sealed chunk, for summaries: ext/data/segstat.c.
CREATE TABLE IF NOT EXISTS main.barsvt_stat(
  id   INTEGER PRIMARY KEY,
  data BLOB NOT NULL
);

-- Bars not yet sealed.  ts is the open edge in epoch seconds, UTC; checksum that of the row
-- (ext/data/rowsum.h), or NULL.  It stands before what it covers: damage to the head of SQLite's record can cut
-- off the columns at its end, which then are NULL.
CREATE TABLE IF NOT EXISTS main.barsvt_hot(
  series        INTEGER NOT NULL,
  ts            INTEGER NOT NULL,
  checksum      INTEGER,
  open          REAL NOT NULL,
  high          REAL NOT NULL,
  low           REAL NOT NULL,
  close         REAL NOT NULL,
  volume        REAL,
  vwap          REAL,
  trades        REAL,
  bid           REAL,
  ask           REAL,
  open_interest REAL,
  PRIMARY KEY(series, ts)
) WITHOUT ROWID;

-- Which ranges [start, "end") of which source were asked for and answered, also where the answer was
-- empty; rows counts the bars it brought.
CREATE TABLE IF NOT EXISTS main.barsvt_coverage(
  series  INTEGER NOT NULL,
  source  TEXT NOT NULL,
  start   INTEGER NOT NULL,
  "end"   INTEGER NOT NULL,
  rows    INTEGER NOT NULL,
  PRIMARY KEY(series, source, start)
) WITHOUT ROWID;

-- Input rows that were set aside, with the line they stood on and why.
CREATE TABLE IF NOT EXISTS main.barsvt_reject(
  id       INTEGER PRIMARY KEY,
  source   TEXT NOT NULL,
  asset    TEXT,
  timestep TEXT,
  line     INTEGER,
  reason   TEXT NOT NULL,
  text     TEXT
);
