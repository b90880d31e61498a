-- Window functions: only over all rows together.

SELECT id, row_number() OVER (ORDER BY id) FROM todos;

SELECT id, rank() OVER (ORDER BY hours), dense_rank() OVER (ORDER BY hours) FROM todos;

SELECT id, mood, rank() OVER (PARTITION BY mood ORDER BY hours DESC NULLS LAST) FROM todos;

SELECT id, sum(hours) OVER (ORDER BY id), count(*) OVER () FROM todos;

SELECT id, sum(small) OVER (PARTITION BY done ORDER BY id ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) FROM todos;

SELECT id, avg(hours) OVER (PARTITION BY mood), max(title) OVER (PARTITION BY mood) FROM todos;

SELECT id, lag(id) OVER (ORDER BY id), lead(title, 2, 'none') OVER (ORDER BY id) FROM todos;

SELECT id, first_value(id) OVER w, last_value(id) OVER w, nth_value(id, 3) OVER w FROM todos WINDOW w AS (PARTITION BY mood ORDER BY id);

SELECT id, ntile(4) OVER (ORDER BY id), percent_rank() OVER (ORDER BY hours), cume_dist() OVER (ORDER BY hours) FROM todos;

SELECT id, count(*) FILTER (WHERE done) OVER (PARTITION BY hours) FROM todos;

SELECT id, sum(hours) OVER (ORDER BY due RANGE BETWEEN '1 mon' PRECEDING AND CURRENT ROW) FROM todos WHERE isfinite(due);

SELECT id, sum(small) OVER (ORDER BY hours GROUPS BETWEEN 1 PRECEDING AND 1 FOLLOWING EXCLUDE CURRENT ROW) FROM todos;

SELECT mood, count(*), rank() OVER (ORDER BY count(*) DESC) FROM todos GROUP BY mood;

SELECT mood, sum(count(*)) OVER (), sum(sum(hours)) OVER (ORDER BY mood) FROM todos GROUP BY mood;

-- @ordered
SELECT id, row_number() OVER (ORDER BY hours, id) AS r FROM todos ORDER BY r LIMIT 10;

SELECT * FROM (SELECT id, mood, row_number() OVER (PARTITION BY mood ORDER BY id) AS r FROM todos) s WHERE r <= 3;

SELECT title, count(*) OVER (PARTITION BY title) FROM todos WHERE hours = 8;

-- @ordered
SELECT title, hours - lag(hours) OVER (ORDER BY id) AS step FROM todos WHERE abs(hours::int8) < 1000 ORDER BY id;

SELECT DISTINCT mood, count(*) OVER (PARTITION BY mood) FROM todos;

SELECT sum(c) FROM (SELECT count(*) OVER (PARTITION BY title) AS c FROM todos) s;

SELECT page, sum(hits) OVER (PARTITION BY page ORDER BY "on", hits) FROM visits;
