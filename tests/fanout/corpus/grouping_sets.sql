-- ROLLUP, CUBE, GROUPING SETS.

-- @at t3 t2
SELECT mood, done, count(*), sum(hours) FROM todos GROUP BY ROLLUP (mood, done);

SELECT mood, done, count(*), grouping(mood, done) FROM todos GROUP BY CUBE (mood, done);

SELECT mood, done, count(*), grouping(mood), grouping(done) FROM todos GROUP BY GROUPING SETS ((mood), (done), ());

SELECT mood, count(*) FROM todos GROUP BY GROUPING SETS ((mood), (mood));

SELECT mood, count(*) FROM todos GROUP BY GROUPING SETS ((mood), ());

SELECT count(*) FROM todos GROUP BY GROUPING SETS ((), ());

SELECT mood, count(*) FROM todos WHERE false GROUP BY ROLLUP (mood);

SELECT mood, done, small, count(*) FROM todos GROUP BY mood, ROLLUP (done, small);

SELECT mood, done, count(*) FROM todos GROUP BY ROLLUP (mood), ROLLUP (done);

SELECT mood, done, count(*) FROM todos GROUP BY DISTINCT ROLLUP (mood, done), ROLLUP (mood);

SELECT lower(title) AS l, count(*), avg(hours) FROM todos GROUP BY ROLLUP (l);

SELECT lower(title), mood, min(hours), max(hours) FROM todos GROUP BY GROUPING SETS ((1, 2), (1), ());

SELECT mood, done, avg(weight), stddev(small), count(DISTINCT title) FROM todos GROUP BY ROLLUP (mood, done);

SELECT mood, done, sum(hours) FROM todos GROUP BY CUBE (mood, done) HAVING grouping(mood) = 0 AND sum(hours) IS NOT NULL;

-- @ordered
SELECT mood, done, count(*) FROM todos GROUP BY ROLLUP (mood, done) ORDER BY grouping(mood), mood, grouping(done), done;

-- @ordered
SELECT mood, done, count(*) AS c FROM todos GROUP BY CUBE (mood, done) ORDER BY c DESC, mood, done, grouping(mood, done) LIMIT 5;

SELECT CASE WHEN grouping(mood) = 1 THEN 'all' ELSE coalesce(mood::text, 'none') END AS m, sum(small) FROM todos GROUP BY ROLLUP (mood);

SELECT coalesce(kind, 'all'), sum(amount), count(*) FILTER (WHERE amount > 0) FROM events GROUP BY ROLLUP (kind);

SELECT (mood, done), small, count(*) FROM todos GROUP BY ROLLUP ((mood, done), small);

SELECT done, string_agg(DISTINCT note, ',' ORDER BY note) FROM todos GROUP BY CUBE (done);

SELECT date_trunc('year', due) AS y, mood, count(*) FROM todos WHERE isfinite(due) GROUP BY CUBE (1, 2);

SELECT trim_scale(weight), count(*) FROM todos GROUP BY ROLLUP (trim_scale(weight));

-- @about
SELECT mood, sum(score), avg(ratio), var_pop(ratio) FROM todos WHERE abs(score) < 1e6 GROUP BY ROLLUP (mood);

SELECT mood, percentile_disc(0.5) WITHIN GROUP (ORDER BY hours) FROM todos GROUP BY ROLLUP (mood);
