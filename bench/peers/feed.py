#!/usr/bin/python3
"""feed.py S|M - the work of bench_feed in Python: bars of all assets, one instant after the other, every value used.

feed_batch_5_columns   five columns of every bar are added up, instant by instant
  numpy                columns are arrays of (asset, instant), as they are stored; a block of them is turned round, then an
                       instant is a slice of each: what a careful user writes
  pandas               a loop over groupby("ts") of a frame in order of ts
  polars               a loop over partition_by("ts"), which is how ml4t delivers its events
asof_bars_left         at scale S only; ../shared/peers has it at M

Data are the peers' raw columns in PERF_DATA; REPS as theirs.  Slow loops run once, and over the first instants alone (n says
how many bars that was, so time per bar can be compared).  What is not installed is said to be missing.
"""
import importlib.util
import sys

import numpy as np

from bench import DATA, REPS, bench

COLUMNS = ("open", "high", "low", "close", "volume")
INSTANTS = 98280
SLOW_INSTANTS = 2000


def raw(name, dtype):
    return np.fromfile(f"{DATA}/{name}.bin", dtype)


def numpy_batches(columns):
    """Sum of everything, an instant at a time."""
    assets, total, block = columns[0].shape[0], 0.0, 1024
    for at in range(0, INSTANTS, block):
        turned = [np.ascontiguousarray(c[:, at:at + block].T) for c in columns]
        for i in range(turned[0].shape[0]):
            for c in turned:
                total += c[i].sum()
    return total


def frame_batches(groups):
    total = 0.0
    for group in groups:
        for c in COLUMNS:
            total += group[c].sum()
    return total


def missing(module):
    if importlib.util.find_spec(module):
        return False
    print(f"feed.py: {module} is not installed: missing", file=sys.stderr)
    return True


def main():
    scale = sys.argv[1]
    flat = [raw("M_" + c, "<i8" if c == "volume" else "<f8").astype("f8", copy=False) for c in COLUMNS]
    ts = raw("M_ts", "<i8")
    assets = len(ts) // INSTANTS
    metric, n = f"feed_batch_5_columns_{scale}", len(ts)
    matrix = [c.reshape(assets, INSTANTS) for c in flat]
    bench("W7", "numpy-" + np.__version__ + "-loop", metric, n, lambda: numpy_batches(matrix), reps=min(3, REPS))
    first = np.arange(len(ts)).reshape(assets, INSTANTS)[:, :SLOW_INSTANTS].T.ravel()  # in order of (ts, asset)
    if not missing("pandas"):
        import pandas as pd
        frame = pd.DataFrame({"ts": ts[first], **{c: a[first] for c, a in zip(COLUMNS, flat)}})
        bench("W7", "pandas-" + pd.__version__ + "-groupby", metric, len(first),
              lambda: frame_batches(g for _, g in frame.groupby("ts", sort=False)), reps=1)
    if not missing("polars"):
        import polars as pl
        table = pl.DataFrame({"ts": ts[first], **{c: a[first] for c, a in zip(COLUMNS, flat)}})
        bench("W7", "polars-" + pl.__version__ + "-partition_by", metric, len(first),
              lambda: frame_batches(table.partition_by("ts", maintain_order=True)), reps=1)
    missing("ml4t")
    if scale == "S":
        at, value = raw("SIG_ts", "<i8"), raw("SIG_val", "<f8")

        def asof():
            row = np.searchsorted(at, ts, side="right") - 1
            return np.nansum(np.where(row >= 0, value[np.maximum(row, 0)], np.nan))
        bench("W7", "numpy-" + np.__version__, "asof_bars_left", n, asof)


if __name__ == "__main__":
    main()
