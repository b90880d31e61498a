-- Variances, deviations, correlations, regressions.

-- @at t3 t2
SELECT var_pop(hours), var_samp(hours), variance(hours), stddev_pop(hours), stddev_samp(hours), stddev(hours) FROM todos;

-- @at t3 t2
SELECT var_pop(small), var_samp(small), stddev(small), stddev_pop(small) FROM todos;

SELECT var_pop(big), var_samp(big), stddev(big), stddev_pop(big) FROM todos;

SELECT var_pop(weight), var_samp(weight), stddev(weight), stddev_pop(weight) FROM todos;

SELECT var_pop(weight), var_samp(weight), stddev(weight), stddev_pop(weight) FROM todos WHERE weight BETWEEN -5 AND 20;

SELECT var_pop(weight), variance(weight), stddev(weight), stddev_pop(weight) FROM todos WHERE weight = 1.5;

SELECT mood, var_pop(weight), var_samp(weight), stddev(weight), stddev_pop(weight) FROM todos WHERE weight BETWEEN -5 AND 200 GROUP BY mood;

SELECT hours, stddev(small), variance(small), stddev_pop(small), var_pop(small) FROM todos GROUP BY hours;

SELECT title, stddev(hours), variance(weight) FROM todos WHERE weight < 1000 AND weight > -1000 GROUP BY title;

SELECT var_pop(odd), stddev(odd), variance(odd), stddev_pop(odd) FROM todos;

SELECT var_pop(odd), stddev(odd) FROM todos WHERE odd BETWEEN -10 AND 10;

SELECT stddev(amount), variance(amount), stddev_pop(amount), var_pop(amount) FROM events;

SELECT variance(budget), stddev(budget) FROM lists;

SELECT stddev(weight) FILTER (WHERE done), var_pop(hours) FILTER (WHERE NOT done) FROM todos WHERE weight BETWEEN -5 AND 20;

SELECT stddev(DISTINCT hours), var_pop(DISTINCT small), variance(DISTINCT trim_scale(weight)) FROM todos;

SELECT round(stddev(weight), 4), trunc(variance(weight)) FROM todos WHERE weight BETWEEN -5 AND 20;

SELECT stddev(hours), variance(hours), stddev_pop(hours) FROM todos WHERE hours = 13 AND small = 7;

SELECT variance(hours), var_pop(hours), stddev(weight), stddev_pop(weight) FROM todos WHERE false;

SELECT var_pop(weight * 0), var_samp(weight - weight), stddev(1.50 + weight * 0) FROM todos;

-- @about
-- @at t3 t2
SELECT var_pop(score), var_samp(score), stddev(score), stddev_pop(score) FROM todos WHERE abs(score) < 1e4;

-- @about
SELECT var_pop(ratio), var_samp(ratio), stddev(ratio), stddev_pop(ratio) FROM todos;

-- @about
SELECT mood, var_pop(ratio), stddev(ratio) FROM todos GROUP BY mood;

-- @about
SELECT var_pop(score), stddev(score) FROM todos;

-- @about
-- @at t3 t2
SELECT corr(hours, small), covar_pop(hours, small), covar_samp(hours, small) FROM todos;

-- @about
SELECT regr_avgx(ratio, small), regr_avgy(ratio, small), regr_sxx(ratio, small), regr_syy(ratio, small), regr_sxy(ratio, small) FROM todos;

-- @about
SELECT regr_slope(ratio, small), regr_intercept(ratio, small), regr_r2(ratio, small), regr_count(ratio, small) FROM todos;

-- @about
SELECT done, corr(ratio, hours), covar_samp(ratio, hours), regr_slope(ratio, hours), regr_r2(ratio, hours) FROM todos GROUP BY done;

-- @about
SELECT title, corr(ratio, small), regr_slope(ratio, small), covar_samp(ratio, small) FROM todos GROUP BY title HAVING count(*) = 1;

-- @about
SELECT corr(score, ratio), covar_pop(score, ratio) FROM todos WHERE abs(score) < 1e4;

-- @about
SELECT corr(hours, hours), corr(1, small), regr_slope(small, 1), regr_r2(1, small), covar_pop(2, 3) FROM todos;

-- @about
SELECT corr(score, ratio), regr_sxx(score, ratio), regr_syy(score, ratio) FROM todos;
