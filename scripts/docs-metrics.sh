#!/bin/bash
# docs-metrics.sh [EXTENSION.so] - print docs/metrics.md, from the table bars_metric and a few small runs.
#
#   scripts/docs-metrics.sh > docs/metrics.md
#
# A test compares the committed page with what this prints.  SQLITE3 names another shell.
set -eu
so=$(realpath "${1:-$(dirname "$0")/../libbarsvt.so}")
shell=${SQLITE3:-sqlite3}

cat <<'PAGE'
# Metrics

This page is made by `scripts/docs-metrics.sh` from the table `bars_metric`.

A metric has a name and a variant, because libraries that use one name differ in the formula. The variant '' is
ours; the others are named after the library whose figure they are, from the same numbers, or after what they use.
Shares are fractions also where a library prints percent. Drawdowns are below 0 (LEAN's and backtrader's above).
What is not defined is NULL, also where a library shows inf.

A run stores all metrics but those marked "not in a run", and `bt_metric` shows them. Those with a function can be
computed from any table, by the same code:

PAGE

# An example, as shown: the text is what it prints.
example=$(cat <<'SQL'
CREATE TABLE daily(day, ret, bench);
INSERT INTO daily VALUES (1, 0.012, 0.008), (2, -0.008, -0.004), (3, 0.005, NULL), (4, -0.021, -0.015), (5, 0.017, 0.011);
SELECT round(m_sharpe(ret, 252), 6), round(m_sharpe(ret, 252, 0.02, 'lean'), 6), round(m_beta(ret, bench), 6)
  FROM (SELECT * FROM daily ORDER BY day);
SELECT day, round(m_max_drawdown_r(ret) OVER (ORDER BY day ROWS 2 PRECEDING), 6) AS rolling FROM daily;
SELECT variant, formula FROM bars_metric WHERE name = 'sharpe' AND variant IN ('', 'lean', 'smart');
SELECT m_sharpe(ret, 252, 'lena') FROM daily;
SQL
)
printf '%s\n' '```sql' '.load ./libbarsvt' "$example" '```' '```text'
printf '%s\n' ".load $so" "$example" | "$shell" -batch -init /dev/null :memory: 2>&1 | sed 's/error near line [0-9]*:/error:/'
printf '%s\n\n' '```'

cat <<'PAGE'
`bt_return_daily`, `bt_return_monthly` and `bt_return_yearly` have the returns of a run, `bt_equity` its values,
`bt_trade` the results of its trades.

## Symbols

r are the returns of periods, n their number, P the periods per year, RF the yearly risk-free return and
rf = (1+RF)^(1/P) - 1 that of a period. V is the equity, V_0 its start, dd_t = V_t/max(V_0..V_t) - 1 the drawdown.
b are the returns of the benchmark in the same periods. p is the net result of a trade, x its return on the value at
entry. sd is the sample deviation (n-1), z_q the quantile of the normal distribution.

In a run the periods are local days (zone `tz` of the configuration), each with its last point, or the curve's own
points where those are a week or further apart. P is 252, or 365 where weekend days occur as for a market that never
closes, then 52, 12, 4, 1; `periods` sets another. V_0 is the starting cash. backtesting.py starts from the first
point V_1, and from it takes weeks, months or years where the points are that far apart. Drawdowns and durations
see every point. The benchmark is the series named by `benchmark`; its value at a point is the last close known
then. Without one its metrics are NULL.

## Functions

`m_name(columns, parameters [, variant])` is an aggregate and a window function.

- Columns: `ret` returns of equal periods, `bench` the benchmark's of the same periods, `equity` values of which the
  first is the start, `pnl` results of trades (or returns of periods), `mfe` and `mae` best and worst open results.
  A row with a NULL in a column is left out. A text that is no number, and an infinite number, are errors.
- Parameters: `periods` per year; `risk_free`, a yearly rate, for `m_omega` and `m_downside_deviation` the yearly return
  that is asked for; `cutoff` and `quantile`, shares from 0 to 1; `target_sharpe`, yearly; `trials`, the number of strategies
  tried, and `trial_sd`, the deviation of their Sharpe ratios per period; `capital` before the first trade. Those in
  brackets may be left out or NULL. A NULL in place of another gives NULL.
- The variant is the last argument, a text. Without it the variant '' is meant, or the only one there is. An unknown
  variant is an error that lists the known ones.
- Parameters and variant must be the same in every row of a group.
- No row, or only rows left out, give NULL.
- Drawdowns, streaks, `stability`, `autocorr_penalty`, `vwr`, `var` of LEAN and `expectancy` of LEAN depend on the order of
  the rows. An aggregate sees rows as SQLite delivers them: read from a subquery with ORDER BY, or use a window.
- Over a window the figure is computed from the rows of the frame, whatever the frame; it costs one pass over the
  frame per row.
- A function of `equity` has a sister of `ret`, with `_r` at the end: of the equity that the returns compound to.

PAGE

"$shell" -batch -init /dev/null :memory: <<SQL
.load $so
.mode list
.headers off
SELECT '| function | |';
SELECT '|---|---|';
SELECT DISTINCT '| \`' || replace(function, '), m_', ')\`, \`m_') || '\` | ' || group_concat('''' || variant || '''', ', ') || ' |'
  FROM (SELECT DISTINCT function, variant FROM bars_metric WHERE function IS NOT NULL)
  GROUP BY function ORDER BY function;
SELECT '';
SELECT '## All metrics';
SELECT '';
SELECT '| name | variant | unit | formula | source |';
SELECT '|---|---|---|---|---|';
SELECT '| \`' || name || '\` | ' || iif(variant = '', '', '\`' || variant || '\`') || ' | ' || unit || ' | '
       || replace(replace(formula, '|', '\\|'), '<>', '&lt;&gt;') || iif(run, '', ' (not in a run)') || ' | ' || source || ' |'
  FROM bars_metric;
SQL

cat <<'PAGE'

## Runs at the edge

What a run has for each metric where little happened: `idle`, ten days without a trade; `one bar`, a single day, nothing
bought; `flat`, a trade at a price that never moves; `losses`, three trades, all lost; `ruin`, a short position that
costs more than the account has. Figures are rounded to four digits. No figure is ever inf, and no division by zero
occurs. The benchmark has a flat price.

PAGE

"$shell" -batch -init /dev/null :memory: <<SQL
.load $so
.mode list
.headers off
CREATE TABLE day AS WITH RECURSIVE d(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM d WHERE i < 9)
  SELECT i, 1704067200 + (i + i / 5 * 2) * 86400 AS ts FROM d;
INSERT INTO bars(asset, timestep, ts, open, high, low, close, volume)
  SELECT 'FLAT', 'day', ts, 100, 100, 100, 100, 1e6 FROM day UNION ALL
  SELECT 'ONE', 'day', ts, 100, 101, 99, 100, 1e6 FROM day WHERE i = 0 UNION ALL
  SELECT 'DOWN', 'day', ts, 100 - i, 100 - i, 99 - i, 99 - i, 1e6 FROM day UNION ALL
  SELECT 'UP', 'day', ts, 100 << i, 100 << (i + 1), 100 << i, 100 << (i + 1), 1e6 FROM day;
CREATE VIEW idle AS SELECT known_at, asset, 0.0 AS target_qty FROM bars('FLAT', 'day');
CREATE VIEW one AS SELECT known_at, asset, 0.0 AS target_qty FROM bars('ONE', 'day');
CREATE VIEW flat AS SELECT known_at, asset, iif(i < 4, 5.0, 0.0) AS target_qty FROM bars('FLAT', 'day') JOIN day USING (ts);
CREATE VIEW losses AS SELECT known_at, asset, iif(i IN (0, 3, 4, 7), 5.0, 0.0) AS target_qty
  FROM bars('DOWN', 'day') JOIN day USING (ts);
CREATE VIEW ruin AS SELECT known_at, asset, -4.0 AS target_qty FROM bars('UP', 'day');
.output /dev/null
SELECT bt_run(column1, '{"cash": 1000, "slippage": 0, "commission": 0, "benchmark": "FLAT"}')
  FROM (VALUES ('idle'), ('one'), ('flat'), ('losses'), ('ruin'));
.output
SELECT '| name | variant | idle | one bar | flat | losses | ruin |';
SELECT '|---|---|---|---|---|---|---|';
SELECT '| \`' || name || '\` | ' || iif(variant = '', '', '\`' || variant || '\`') || ' | '
       || group_concat(iif(value IS NULL, 'NULL', printf('%.4g', value)), ' | ') || ' |'
  FROM (SELECT * FROM bt_figure ORDER BY rank, run) GROUP BY rank;
SQL
