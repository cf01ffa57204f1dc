-- Venues in the asset keys of DBN files: where there are several of a symbol, always, or never.
.mode list
SELECT bars_import('@ROOT@/tests/fixtures/venues.dbn', NULL, 'day') ->> '$.assets';
SELECT asset, bars, source IS NOT NULL FROM bars_coverage ORDER BY asset;
SELECT time, close, volume FROM bars('ACME@XNYS', 'day');
SELECT bars_import('@ROOT@/tests/fixtures/venues.dbn', NULL, 'day', '{"venue": "always"}') ->> '$.new';
SELECT asset, bars FROM bars_coverage ORDER BY asset;
SELECT bars_import('@ROOT@/tests/fixtures/venues.dbn', NULL, 'day', '{"venue": "never"}');
SELECT bars_import('@ROOT@/tests/fixtures/venues.dbn', 'ACME', 'day');
SELECT bars_import('@ROOT@/tests/fixtures/venues.dbn', NULL, 'day', '{"venue": "XNAS"}');
-- Of formats without venues the option says nothing.
CREATE TABLE one AS SELECT 1;
SELECT bars_export('z.csv', 'ZINC', 'day') ->> '$.rows';
SELECT bars_import('z.csv', 'Z', 'day', '{"venue": "always"}') ->> '$.rows';
SELECT asset FROM bars_coverage ORDER BY asset;
SELECT count(*) FROM bars_check;
