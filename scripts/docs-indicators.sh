#!/bin/sh
# docs-indicators.sh [LIBRARY] - print docs/indicators.md, which is generated from the table bars_indicator.
#
# LIBRARY: libbarsvt.so as it was built, by default that of the tree's root.  `make docs` writes the page;
# tests/sql/docs_generated.py fails when the committed one differs.
set -eu
cd "$(dirname "$0")/.."
library=${1:-./libbarsvt.so}
sqlite3 -batch -bail -list -noheader :memory: <<SQL
.load ${library%.so}
SELECT '# Indicators

This page is made from the table \`bars_indicator\` by \`make docs\`. How indicators are called is told in
[sql.md](sql.md#indicators): as \`name(bars, parameters...)\` at the row of a scan, as \`name(asset, timestep,
parameters...)\` for a series, and as \`ta_name(inputs..., parameters...) OVER (ORDER BY ...)\` for any columns.

- **Inputs** stand in the order in which \`ta_name\` takes them. \`x=close\` is an input that can be chosen, with what
  the row functions read by default. Where there is an \`x\` beside it, \`x\` is the series to measure against and must be given.
- **Parameters** are told with their defaults and ranges. Where one must be given, 20 stands as an example.
- **Warm-up**: bars before the first value with these parameters.
- **Windowed** indicators depend on the bars of their window alone, **recursive** ones on all bars before.
- **Confirmed**: recorded results of others that the tests compare the output with. *TA-Lib formulas (reference)* is
  a slow form of TA-Lib''s definitions that was run against TA-Lib; *own reference* is one that nobody''s program
  confirmed.

\`\`\`sql
.load ./libbarsvt
SELECT params, inputs, warmup, confirmed FROM bars_indicator WHERE name = ''rsi'';
\`\`\`
\`\`\`text';
SELECT params, inputs, warmup, confirmed FROM bars_indicator WHERE name = 'rsi';
SELECT '\`\`\`
';

CREATE TEMP TABLE t AS SELECT rowid AS id, * FROM bars_indicator;
CREATE TEMP VIEW part AS
  SELECT *, CASE WHEN name LIKE 'cdl%' THEN 2 WHEN name LIKE 'candle~_%' ESCAPE '~' THEN 3 ELSE 1 END AS part FROM t;
-- Outputs of one indicator stand together and have its title and parameters.
CREATE TEMP TABLE f AS
  SELECT min(id) AS id, title, params, ranges, formula, source, inputs, kind, warmup,
         group_concat('\`' || name || '\`', ', ') AS names
    FROM (SELECT * FROM part WHERE part = 1 ORDER BY id) GROUP BY title, formula, source, params;

SELECT '## All

| function | indicator | unit | confirmed |
|---|---|---|---|';
SELECT '| \`' || name || '\` | ' || title || ' | ' || unit || ' | ' || coalesce(nullif(confirmed, ''), '-') || ' |'
  FROM part WHERE part = 1 ORDER BY id;
SELECT '
Candlestick patterns follow [below](#candlestick-patterns-of-ta-lib).

## One by one
';
SELECT '### ' || title || '

' || names || '

' || formula || '.

- Inputs: ' || inputs || '. ' || upper(substr(kind, 1, 1)) || substr(kind, 2) || '. Warm-up: ' || warmup || '.
' || CASE WHEN params = '' THEN '- No parameters.' ELSE '- Parameters: ' || params || '. Ranges: ' || ranges || '.' END
|| coalesce((SELECT '
- Outputs: ' || group_concat('\`' || name || '\` ' || doc || ' (' || unit || ')', ', ') || '.'
    FROM (SELECT * FROM t WHERE t.title = f.title AND t.formula = f.formula ORDER BY id) HAVING count(*) > 1), '') || '
- Source: ' || source || '.
' FROM f ORDER BY id;

SELECT '## Candlestick patterns of TA-Lib

100 where a bullish pattern stands at the bar, -100 where a bearish one does, 0 elsewhere; 80 and 200 where it is said.
A body is long or short against the mean of the ten before, a doji has a body of no more than a tenth of the mean range,
shadows are measured against the body and the mean range. Inputs: open, high, low, close. The tests compare all of
them with LEAN''s record of TA-Lib 0.4 over 500 days.

| function | pattern | what it is | parameters | warm-up |
|---|---|---|---|---|';
SELECT '| \`' || name || '\` | ' || title || ' | ' || formula || ' | ' || coalesce(nullif(params, ''), '-') || ' | ' || warmup || ' |'
  FROM part WHERE part = 2 ORDER BY id;
SELECT '
## Candlestick patterns of Tulip Indicators

1 where the pattern stands at the bar, else 0. Sizes are compared with means over the ten bars before: no body is below
0.05 of the mean range, a short one below 0.5 of the mean body, a long one above 1.4 of it; no wick is below 0.05 of
the mean range, a long one above 0.6 of the mean body; near is 0.3 of the mean range. Inputs: open, high, low, close.

| function | pattern | what it is | confirmed |
|---|---|---|---|';
SELECT '| \`' || name || '\` | ' || title || ' | ' || doc || ' | ' || coalesce(nullif(confirmed, ''), '-') || ' |'
  FROM part WHERE part = 3 ORDER BY id;
SQL
