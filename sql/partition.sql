-- Partitions: files that hold the bars of a period instead of this one.  Made with the first of them.

-- One row per file.  file is relative to this database's directory, or absolute; the bars in it start at
-- or after start and before "end".  size is the file's in bytes and checksum the CRC-32C of its first 100 bytes, SQLite's
-- header, which every change of it changes; NULL: not checked.
CREATE TABLE IF NOT EXISTS main.barsvt_partition(
  id       INTEGER PRIMARY KEY,
  file     TEXT NOT NULL UNIQUE,
  start    INTEGER NOT NULL,
  "end"    INTEGER NOT NULL,
  size     INTEGER,
  checksum INTEGER
);

-- Which series (of this database's barsvt_series) have bars in which file: how many, the first and the last,
-- and the hash of their values (ext/data/barhash.h).
CREATE TABLE IF NOT EXISTS main.barsvt_partition_series(
  series      INTEGER NOT NULL,
  "partition" INTEGER NOT NULL,
  n           INTEGER NOT NULL,
  first       INTEGER NOT NULL,
  last        INTEGER NOT NULL,
  hash        INTEGER NOT NULL,
  PRIMARY KEY(series, "partition")
) WITHOUT ROWID;
