CREATE TABLE t(i INTEGER PRIMARY KEY, r, b);
INSERT INTO t VALUES (1, 0.01, 0.02), (2, '0.02', -0.01), (3, NULL, 0.03), (4, -0.01, NULL), (5, -0.03, -0.02);
-- numbers as text count, rows with NULL do not
SELECT round(m_total_return(r), 6), round(m_beta(r, b), 6), round(m_win_rate(r), 6) FROM t;
SELECT m_total_return(r) IS NULL, m_sharpe(r, NULL) IS NULL, round(m_sharpe(r, 252, NULL), 4), round(m_sharpe(r, 252, NULL, NULL), 4) FROM t;
SELECT typeof(m_sharpe(r, 252)), typeof(m_total_return(r)) FROM t WHERE i = 1;
SELECT typeof(m_sharpe(r, 252)) FROM t WHERE i = 99;
-- arguments
SELECT m_sharpe();
SELECT m_sharpe(r) FROM t;
SELECT m_sharpe(r, 252, 0, 0, 0) FROM t;
SELECT m_beta(r) FROM t;
SELECT m_beta(r, b, 252) FROM t;
SELECT m_max_drawdown_r(r, 1, 2) FROM t;
SELECT m_sharpe(r, 0) FROM t;
SELECT m_sharpe(r, 1e10) FROM t;
SELECT m_sharpe(r, x'00') FROM t;
SELECT m_sharpe(r, '252') FROM t;
SELECT m_sharpe(r, 252, -1) FROM t;
SELECT m_var(r, 1.5) FROM t;
SELECT m_var(r, -0.1) FROM t;
SELECT m_deflated_sharpe(r, 0, 0.1) FROM t;
SELECT m_deflated_sharpe(r, 5) FROM t;
SELECT m_expectancy(r, -1) FROM t;
-- columns
SELECT m_sharpe('a', 252) FROM t;
SELECT m_sharpe(x'00', 252) FROM t;
SELECT m_sharpe(9e999, 252) FROM t;
SELECT m_beta(r, 'x') FROM t;
SELECT m_max_drawdown('x') FROM t;
SELECT m_edge_ratio(1, 'x');
-- variants
SELECT m_sharpe(r, 252, 'Lean') FROM t;
SELECT m_beta(r, b, 'none') FROM t;
SELECT m_serenity(r, '') FROM t;
SELECT round(m_serenity(r), 4) = round(m_serenity(r, 'quantstats'), 4) FROM t;
-- the same in every row
SELECT m_sharpe(r, i) FROM t;
SELECT m_sharpe(r, 252, CASE i WHEN 1 THEN 'lean' ELSE 'smart' END) FROM t;
SELECT m_sharpe(r, 252, CASE i WHEN 1 THEN 'lean' END) FROM t;
SELECT m_sharpe(r, CASE i WHEN 1 THEN 252 END) FROM t;
SELECT m_sharpe(r, i) OVER (ORDER BY i) FROM t;
-- what it is not
SELECT m_sharpe(r, 252) FILTER (WHERE b IS NOT NULL) IS NOT NULL FROM t;
SELECT count(*) FROM t GROUP BY m_sharpe(r, 252);
SELECT m_none(r) FROM t;
INSERT INTO bars_metric VALUES (1);
SELECT name, run FROM bars_metric WHERE variant = 'smart' ORDER BY name;
