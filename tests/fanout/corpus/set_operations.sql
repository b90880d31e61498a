-- UNION, INTERSECT, EXCEPT, VALUES.

SELECT title FROM todos WHERE done UNION SELECT label FROM tags;

SELECT title FROM todos UNION ALL SELECT label FROM tags;

SELECT hours FROM todos INTERSECT SELECT rank FROM tags;

SELECT hours FROM todos INTERSECT ALL SELECT hits FROM visits;

SELECT hours FROM todos EXCEPT SELECT rank FROM tags;

SELECT hours FROM todos EXCEPT ALL SELECT rank FROM tags;

SELECT n FROM todos EXCEPT SELECT n FROM events;

SELECT 'todos' AS what, count(*) FROM todos UNION ALL SELECT 'tags', count(*) FROM tags UNION ALL SELECT 'events', count(*) FROM events;

-- @ordered
SELECT 'a' AS x, count(*) FROM todos UNION ALL SELECT 'b', count(*) FROM events ORDER BY x DESC;

-- @ordered
(SELECT id FROM todos ORDER BY id LIMIT 3) UNION ALL (SELECT id FROM todos ORDER BY id DESC LIMIT 3) ORDER BY id;

SELECT mood::text, sum(hours) FROM todos GROUP BY mood UNION SELECT 'all', sum(hours) FROM todos;

SELECT small FROM todos UNION SELECT hours FROM todos UNION SELECT big FROM todos;

SELECT NULL UNION ALL SELECT max(title) FROM todos;

SELECT count(*) FROM (SELECT title FROM todos UNION SELECT note FROM todos) s;

(SELECT mood FROM todos EXCEPT SELECT 'ok'::mood) UNION SELECT 'happy';

SELECT hours FROM todos WHERE hours > 5 UNION (SELECT 1 EXCEPT SELECT 2);

VALUES (1, 'a'), (2, 'b');

SELECT * FROM (VALUES (1), (NULL), (3)) v (x);

SELECT id, title FROM todos WHERE done UNION ALL SELECT id, title FROM todos WHERE NOT done;
