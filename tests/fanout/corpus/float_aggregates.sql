-- Aggregates of float8 and real: Postgres leaves the order of addition open.

-- @about
-- @at t3 t2
SELECT sum(score), avg(score) FROM todos WHERE abs(score) < 1e6;

-- @about real
-- @at t3 t2
SELECT sum(ratio) FROM todos;

-- @about
SELECT avg(ratio) FROM todos;

-- @about
SELECT sum(score), avg(score), count(score) FROM todos;

-- @about
SELECT sum(score) FROM todos WHERE score = 'Infinity' OR score < 100;

-- @about
SELECT avg(score) FROM todos WHERE score = 'NaN';

-- @about
SELECT mood, sum(score), avg(score) FROM todos WHERE score BETWEEN -1e6 AND 1e6 GROUP BY mood;

-- @about
SELECT done, sum(score * 2), avg(score + 1), sum(score) / count(*) FROM todos WHERE abs(score) < 1e6 GROUP BY done;

-- @about real
SELECT hours, sum(ratio), sum(ratio * 2) FROM todos GROUP BY hours;

-- @about
SELECT sum(score) FILTER (WHERE done), avg(score) FILTER (WHERE NOT done) FROM todos WHERE abs(score) < 1e6;

-- @about
SELECT sum(DISTINCT score), avg(DISTINCT score) FROM todos WHERE abs(score) < 1e6;

-- @about
SELECT round(sum(score)::numeric, 3) FROM todos WHERE score IN (2.5, 3.25, 17, 42.125);

-- @about
SELECT title, sum(score) FROM todos WHERE abs(score) < 1e6 GROUP BY title HAVING sum(score) > 1;

-- @about
SELECT sum(hours::float8), avg(weight::float8), sum(small * 0.5::float8) FROM todos;

-- @about
SELECT sum(sqrt(abs(hours::int8))), avg(ln(abs(hours::int8) + 1.0::float8)), sum(exp(small / 32768.0::float8)) FROM todos;

-- @about
SELECT sum(extract(epoch FROM took))::float8, avg(date_part('epoch', took)) FROM todos;

-- Close to each other and far from zero: means of stores, once rounded, would say nothing of their distances.
-- @about
-- @at t3 t2
SELECT mood, var_samp(1e9::float8 + small % 7), stddev_pop(1e9::float8 - hours % 5), variance(1e9::float8 + small % 7) FROM todos GROUP BY mood;

-- @about
-- @at t3 t2
SELECT done, regr_sxx(1e9::float8 + small % 7, 1e9::float8 - hours % 5), covar_samp(1e9::float8 + small % 7, 1e9::float8 - hours % 5), regr_slope(1e9::float8 + small % 7, 1e9::float8 - hours % 5), corr(1e9::float8 + small % 7, 1e9::float8 - hours % 5) FROM todos GROUP BY done;

-- The squares of deviations vanish.
-- @about
-- @at t3 t2
SELECT var_pop(hours * 1e-200::float8), stddev(hours * 1e-200::float8), covar_pop(hours * 1e-200::float8, small), corr(hours * 1e-200::float8, small) FROM todos;

-- @about
-- @at t3 t2
SELECT avg(5e-324::float8), var_samp(5e-324::float8), avg(CASE WHEN done THEN 5e-324::float8 END) FROM todos;

-- @about
SELECT sum(CASE WHEN _store = 'alice' THEN 1e200::float8 ELSE -1e200 END) FROM todos WHERE hours = 24;

SELECT avg(score), regr_avgx(1, score), sum(score) FROM todos WHERE score::text = '-0';
