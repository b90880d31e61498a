-- WITH.

WITH done AS (SELECT * FROM todos WHERE done) SELECT count(*) FROM done;

WITH t AS (SELECT mood, count(*) AS c FROM todos GROUP BY mood) SELECT max(c), min(c), sum(c) FROM t;

WITH t AS MATERIALIZED (SELECT hours FROM todos) SELECT sum(hours), (SELECT max(hours) FROM t) FROM t;

WITH t AS NOT MATERIALIZED (SELECT hours FROM todos) SELECT hours, count(*) FROM t GROUP BY hours;

WITH a AS (SELECT id, list_id FROM todos WHERE done), b AS (SELECT list_id, count(*) AS c FROM a GROUP BY list_id) SELECT l.name, b.c FROM b JOIN lists l ON l.id = b.list_id;

WITH todos AS (SELECT 1 AS id UNION ALL SELECT 2) SELECT count(*), sum(id) FROM todos;

WITH todos AS (SELECT * FROM todos WHERE hours = 8) SELECT count(*) FROM todos;

WITH t (a, b) AS (SELECT mood, sum(hours) FROM todos GROUP BY mood) SELECT a, b FROM t WHERE b > 0;

WITH RECURSIVE up (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM up WHERE i < 5) SELECT i, count(*) FROM up JOIN todos ON todos.hours = up.i GROUP BY i;

WITH RECURSIVE tree AS (SELECT k, parent, 0 AS depth FROM odds WHERE parent IS NULL UNION SELECT o.k, o.parent, depth + 1 FROM odds o JOIN tree ON o.parent = tree.k WHERE depth < 3) SELECT depth, count(*) FROM tree GROUP BY depth;

WITH RECURSIVE i AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM i WHERE n < 3) SELECT sum(n) FROM i;

-- @ordered
WITH ranked AS (SELECT title, count(*) AS c, rank() OVER (ORDER BY count(*) DESC) AS r FROM todos GROUP BY title) SELECT * FROM ranked WHERE r <= 3 ORDER BY r, title;

WITH a AS (SELECT sum(hours) AS s FROM todos), b AS (SELECT count(*) AS c FROM events) SELECT s, c FROM a, b;

SELECT (WITH t AS (SELECT max(hours) AS m FROM todos) SELECT m FROM t), count(*) FROM todos;

WITH t AS (SELECT mood, done FROM todos) SELECT mood, count(*) FILTER (WHERE done) FROM t GROUP BY ROLLUP (mood);

WITH e AS (SELECT todo_id, count(*) AS c FROM events GROUP BY todo_id) SELECT t.title, coalesce(e.c, 0) FROM todos t LEFT JOIN e ON e.todo_id = t.id WHERE t.hours = 8;

WITH unused AS (SELECT * FROM lists) SELECT count(*) FROM todos;
