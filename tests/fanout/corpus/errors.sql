-- Errors: Postgres's own SQLSTATE, at its own position.

SELECT count(*) FROM no_such_table;

SELECT no_such_column FROM todos;

SELECT id FROM todos JOIN lists ON true;

SELECT t.no_such FROM todos t;

SELECT title, count(*) FROM todos;

SELECT count(*) FROM todos WHERE count(*) > 1;

SELECT title FROM todos GROUP BY mood;

SELECT no_such_function(title) FROM todos;

SELECT sum(title) FROM todos;

SELECT title + 1 FROM todos;

SELECT count(*) FROM todos WHERE title = 1;

SELECT hours FROM todos WHERE hours = 'x';

SELECT 'x'::int;

SELECT selec FROM;

SELEC 1;

SELECT * FROM todos WHERE;

SELECT (1;

SELECT 'unterminated FROM todos;

SELECT count(*) FROM todos ORDER BY 3;

SELECT DISTINCT title FROM todos ORDER BY hours;

SELECT DISTINCT ON (mood) mood FROM todos ORDER BY hours;

SELECT title FROM todos UNION SELECT title, note FROM todos;

SELECT hours FROM todos UNION SELECT title FROM todos;

SELECT row_number() FROM todos;

SELECT count(*) FROM todos WHERE mood = 'furious';

SELECT count(*) FROM todos LIMIT -1;

SELECT id FROM todos ORDER BY id LIMIT 'x';

SELECT 1 / 0;

SELECT count(*) / 0 FROM todos;

SELECT hours / 0 FROM todos;

SELECT sum(hours / (small - small)) FROM todos;

SELECT count(*) FROM todos WHERE hours / small > 1 AND small = 0;

SELECT title::int FROM todos WHERE title = 'milk';

SELECT max(title::int) FROM todos WHERE title = 'milk';

SELECT sum(hours + hours) FROM todos WHERE hours = 2147483647;

SELECT big + big, sum(big) OVER () FROM todos WHERE big = 9223372036854775807;

SELECT sum(big)::int8 FROM todos WHERE big = 9223372036854775807;

SELECT (SELECT id FROM todos);

SELECT ln(0.0) FROM todos WHERE small = 7;

SELECT sqrt(-1 - abs(small)) FROM todos;

SELECT max(sqrt(hours)) FROM todos;

SELECT title ~ '(' FROM todos;

SELECT '{bad json'::jsonb FROM todos;

SELECT mood::text::int, count(*) FROM todos GROUP BY 1;

SELECT nosuch.todos.title FROM todos;

SELECT * FROM nosuch.todos;

SELECT count(*) FROM todos t WHERE todos.hours = 1;

SELECT percentile_cont(2) WITHIN GROUP (ORDER BY hours) FROM todos;

SELECT string_agg(title) FROM todos;

SELECT sum(DISTINCT) FROM todos;

SELECT * FROM todos a JOIN lists b USING (hours);

WITH t AS (SELECT 1) SELECT * FROM t, t;

SELECT 1 AS a FROM todos GROUP BY b;

SELECT substring(title FROM 1 FOR -1) FROM todos;

SELECT chr(0) FROM todos WHERE small = 7;

SELECT array_agg(hours)[1] FROM todos;

SELECT interval '1 day' + title FROM todos;

SELECT at::no_such_type FROM todos;

SELECT sum(hours) FILTER (WHERE hours) FROM todos;

SELECT count(*) FROM todos HAVING title = 'x';

SELECT CASE WHEN true THEN 1 ELSE 'x' END FROM todos;

SELECT hours FROM todos WHERE (SELECT hours FROM todos) = 1;

SELECT grouping(mood) FROM todos;

SELECT count(*) FROM todos WINDOW w AS (ORDER BY nope);

-- @with x
SELECT count(*) FROM todos WHERE hours = $1;

-- @with 0
SELECT sum(small / $1) FROM todos;

-- @with 1
SELECT count(*) FROM todos WHERE hours = $2;

-- @with -1
SELECT id FROM todos ORDER BY id LIMIT $1;

-- Postgres sums up the squares of deviations even for a mean.
SELECT avg(CASE WHEN done THEN 1e200::float8 ELSE -1e200 END) FROM todos;

SELECT avg(CASE WHEN _store = 'alice' THEN 1e200::float8 ELSE -1e200 END) FROM todos;
