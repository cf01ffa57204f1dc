-- requires: shared
-- DBN files through bars_import, then read back.  Values are those of the expected rows beside the files.
.mode list

-- One instrument: its symbol from the file, or the name given.
SELECT bars_import('@SHARED@/data/dbn/python/GLBX.MDP3/test_data.ohlcv-1m.dbn.zst', NULL, 'minute');
SELECT time, open, high, low, close, volume FROM bars('ESH1', 'minute');
SELECT bars_import('@SHARED@/data/dbn/python/GLBX.MDP3/test_data.ohlcv-1m.dbn.zst', 'ES', 'minute') ->> 'new';
SELECT count(*), sum(volume) FROM bars('ES', 'minute');
-- Again: nothing changes.
SELECT bars_import('@SHARED@/data/dbn/python/GLBX.MDP3/test_data.ohlcv-1m.dbn.zst', 'ES', 'minute') ->> 'changed';

-- Several venues of one instrument: a series each.
SELECT bars_import('@SHARED@/data/dbn/python/OPRA.PILLAR/test_data.ohlcv-1h.dbn.zst', NULL, 'hour') ->> 'assets';
SELECT asset FROM bars_coverage WHERE timestep = 'hour' ORDER BY asset;
SELECT time, open, high, low, close, volume FROM bars('AAPL  250221C00250000@XCBO', 'hour');
-- They cannot all be one asset.
SELECT bars_import('@SHARED@/data/dbn/python/OPRA.PILLAR/test_data.ohlcv-1h.dbn.zst', 'X', 'hour');

-- Trades become bars: 4 trades in one second, 3702.75, 3702.75, 3702.50, 3702.75, one contract each.
SELECT bars_import('@SHARED@/data/dbn/python/GLBX.MDP3/test_data.trades.dbn.zst', 'T', 'minute') ->> 'rows';
SELECT time, open, high, low, close, volume, vwap, trades FROM bars('T', 'minute');
SELECT bars_import('@SHARED@/data/dbn/python/GLBX.MDP3/test_data.trades.dbn.zst', 'T', 'day', '{"tz":"America/Chicago"}') ->> 'first';

-- Rows set aside, with the number of the record.
SELECT bars_import('@SHARED@/data/dbn/synthetic/ok_v3_edge_values.dbn', NULL, 'minute') ->> 'rejected';
SELECT line, reason, text FROM barsvt_reject;
SELECT low, close FROM bars('ESH4', 'minute') WHERE low < 0;

-- What cannot be imported says so, and leaves nothing.
SELECT bars_import('@SHARED@/data/dbn/python/GLBX.MDP3/test_data.ohlcv-1m.dbn.zst', 'N', 'hour');
SELECT bars_import('@SHARED@/data/dbn/python/GLBX.MDP3/test_data.definition.dbn.zst', 'N', 'minute');
SELECT bars_import('@SHARED@/data/dbn/dbn/test_data.ohlcv-1m.dbz', 'N', 'minute');
SELECT bars_import('@SHARED@/data/dbn/cpp/test_data.definition.v2.dbn.frag', 'N', 'minute');
SELECT bars_import('@SHARED@/data/dbn/synthetic/bad_csv.dbn', 'N', 'minute');
SELECT bars_import('@SHARED@/data/dbn/synthetic/bad_gzip.dbn.gz', 'N', 'minute');
SELECT count(*) FROM bars('N', 'minute');
