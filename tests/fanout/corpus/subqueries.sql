-- Subqueries: derived tables, scalars, EXISTS, IN, ANY, LATERAL, correlated or not.

SELECT count(*) FROM (SELECT * FROM todos WHERE done) s;

SELECT sum(h) FROM (SELECT hours AS h FROM todos WHERE mood = 'ok') s;

SELECT mood, avg(c) FROM (SELECT mood, title, count(*) AS c FROM todos GROUP BY mood, title) s GROUP BY mood;

SELECT max(c) FROM (SELECT count(*) AS c FROM todos GROUP BY title) s;

SELECT count(*) FROM (SELECT title FROM todos GROUP BY title HAVING count(*) > 1) s;

SELECT * FROM (SELECT mood, count(*) AS c FROM todos GROUP BY mood) s WHERE c > 10;

SELECT title FROM todos WHERE hours = (SELECT max(hours) FROM todos);

SELECT count(*) FROM todos WHERE hours > (SELECT avg(hours) FROM todos);

SELECT count(*) FROM todos WHERE weight > (SELECT avg(weight) FROM todos WHERE weight < 100);

SELECT (SELECT count(*) FROM todos), (SELECT count(*) FROM events), (SELECT sum(amount) FROM events);

SELECT count(*), (SELECT max(name) FROM lists) FROM todos;

SELECT count(*) FROM todos WHERE EXISTS (SELECT 1 FROM events WHERE events.todo_id = todos.id);

SELECT count(*) FROM todos WHERE NOT EXISTS (SELECT 1 FROM tags WHERE tags.todo_id = todos.id AND label = 'home');

SELECT count(*) FROM todos WHERE EXISTS (SELECT 1 FROM events WHERE events.n = todos.n AND kind = 'made');

SELECT count(*) FROM todos WHERE id IN (SELECT todo_id FROM tags WHERE label = 'work');

SELECT count(*) FROM todos WHERE id NOT IN (SELECT todo_id FROM tags);

SELECT count(*) FROM todos WHERE id NOT IN (SELECT todo_id FROM events);

SELECT count(*) FROM todos WHERE n IN (SELECT n FROM events WHERE amount > 0);

SELECT count(*) FROM todos WHERE hours = ANY (SELECT rank FROM tags) OR hours > ALL (SELECT hits FROM visits);

SELECT count(*) FROM todos WHERE (mood, done) IN (SELECT mood, done FROM todos WHERE hours = 13);

SELECT id, (SELECT count(*) FROM tags WHERE todo_id = todos.id) FROM todos WHERE hours = 8;

SELECT id, (SELECT max(n) FROM events WHERE todo_id = todos.id), (SELECT name FROM lists WHERE lists.id = todos.list_id) FROM todos;

SELECT id, hours FROM todos t WHERE hours = (SELECT max(hours) FROM todos WHERE mood = t.mood);

SELECT l.name, s.c FROM lists l, LATERAL (SELECT count(*) AS c FROM todos WHERE list_id = l.id) s;

SELECT l.id, s.title FROM lists l LEFT JOIN LATERAL (SELECT title FROM todos WHERE list_id = l.id ORDER BY id LIMIT 1) s ON true;

SELECT ARRAY(SELECT DISTINCT hours FROM todos WHERE hours < 10 ORDER BY hours);

SELECT mood, ARRAY(SELECT label FROM tags WHERE tags.todo_id = todos.id ORDER BY label, rank) FROM todos WHERE small = 7;

SELECT sum(x) FROM (SELECT hours::int8 AS x FROM todos UNION ALL SELECT n FROM events) s;

SELECT count(*) FROM todos, (VALUES (1), (2)) AS v (x) WHERE hours = x;

SELECT x, count(*) FROM generate_series(1, 8) AS x LEFT JOIN todos ON hours = x GROUP BY x;

SELECT count(*) FROM (SELECT id FROM todos ORDER BY id LIMIT 20) s;

SELECT sum(hours) FROM (SELECT hours FROM todos ORDER BY hours DESC NULLS LAST, id LIMIT 5) s;

SELECT a.mood, a.c, b.c FROM (SELECT mood, count(*) AS c FROM todos GROUP BY mood) a JOIN (SELECT mood, count(*) AS c FROM todos WHERE done GROUP BY mood) b USING (mood);

SELECT mood, count(*), (SELECT count(*) FROM todos) AS whole FROM todos GROUP BY mood;

SELECT mood, count(*) FROM todos WHERE list_id IN (SELECT id FROM lists WHERE color ILIKE 'red') GROUP BY mood;

SELECT CASE WHEN EXISTS (SELECT FROM todos WHERE hours = 13) THEN 'yes' ELSE 'no' END;

SELECT u, count(*) FROM todos, unnest(tags) AS u GROUP BY u;

SELECT count(*) FROM todos t WHERE (SELECT bool_or(x = 'home') FROM unnest(t.tags) x);

SELECT key, count(*) FROM todos, jsonb_each(meta) WHERE jsonb_typeof(meta) = 'object' GROUP BY key;

SELECT unnest(tags) AS tag, id FROM todos WHERE hours = 5;

SELECT count(*) FROM (SELECT unnest(tags) FROM todos) s;
