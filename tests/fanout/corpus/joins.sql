-- Joins are joins over the unions: inside a store where the key is unique over all stores, across stores where not.

SELECT count(*) FROM todos JOIN lists ON lists.id = todos.list_id;

SELECT lists.name, count(*), sum(todos.hours) FROM todos JOIN lists ON lists.id = todos.list_id GROUP BY lists.name;

SELECT l.name, count(*) FROM lists l, todos t WHERE t.list_id = l.id GROUP BY l.name;

SELECT l.name, count(t.id) FROM lists l LEFT JOIN todos t ON t.list_id = l.id GROUP BY l.name;

SELECT l.color, count(*) FROM todos t LEFT JOIN lists l ON l.id = t.list_id AND l.color = 'red' GROUP BY l.color;

SELECT l.name, t.title FROM lists l RIGHT JOIN todos t ON t.list_id = l.id WHERE t.small = 7;

SELECT l.name, t.title FROM lists l FULL JOIN todos t ON t.list_id = l.id AND t.small = 7 WHERE l.id IS NULL OR t.id IS NOT NULL;

SELECT t.title, g.label FROM todos t JOIN tags g ON g.todo_id = t.id;

SELECT g.label, count(DISTINCT t.id), sum(t.hours) FROM tags g JOIN todos t ON g.todo_id = t.id GROUP BY g.label;

SELECT l.name, g.label, count(*) FROM lists l JOIN todos t ON t.list_id = l.id JOIN tags g ON g.todo_id = t.id GROUP BY l.name, g.label;

SELECT l.name, count(*) FROM lists l JOIN todos t ON t.list_id = l.id LEFT JOIN events e ON e.todo_id = t.id GROUP BY l.name;

SELECT count(*) FROM todos a JOIN todos b ON a.id = b.id;

SELECT count(*) FROM todos a JOIN todos b ON a.n = b.n;

SELECT count(*) FROM todos a JOIN events e ON a.n = e.n;

SELECT count(*) FROM todos a JOIN events e USING (n);

SELECT count(*) FROM todos a JOIN todos b ON a.title = b.title AND a.id < b.id;

SELECT count(*) FROM todos a JOIN todos b ON a.list_id = b.list_id;

SELECT count(*) FROM lists a CROSS JOIN lists b;

SELECT count(*) FROM todos, lists;

SELECT count(*) FROM lists a JOIN lists b ON a.name = b.name;

SELECT count(*) FROM tags NATURAL JOIN events;

SELECT count(*) FROM todos t JOIN lists l ON t.list_id = l.id AND t.hours > 3 AND l.color = 'red';

SELECT count(*) FROM todos t JOIN lists l ON t.list_id = l.id OR t.hours = 13;

SELECT count(*) FROM todos t JOIN lists l ON t.list_id <> l.id;

SELECT count(*) FROM todos t JOIN events e ON e.todo_id = t.id AND e.at > t.at;

SELECT t.id, e.kind FROM todos t JOIN events e ON e.todo_id = t.id WHERE e.kind = 'done';

-- @ordered
SELECT t.id, l.name FROM todos t JOIN lists l ON l.id = t.list_id ORDER BY t.id LIMIT 10;

SELECT e.kind, l.color, count(*), sum(e.amount) FROM events e LEFT JOIN todos t ON t.id = e.todo_id LEFT JOIN lists l ON l.id = t.list_id GROUP BY e.kind, l.color;

SELECT l.name, count(DISTINCT t.mood), max(e.amount) FROM lists l LEFT JOIN todos t ON l.id = t.list_id LEFT JOIN events e ON t.id = e.todo_id GROUP BY l.name HAVING count(*) > 3;

SELECT a.label, b.label, count(*) FROM tags a JOIN tags b ON a.todo_id = b.todo_id AND a.id < b.id GROUP BY a.label, b.label;

SELECT count(*) FROM tags a JOIN events e ON a.todo_id = e.todo_id;

SELECT count(*) FROM odds a JOIN odds b ON a.parent = b.k;

SELECT count(*) FROM odds a LEFT JOIN odds b ON a.no = b.no AND a.k < b.k;

SELECT v.page, count(*) FROM visits v JOIN todos t ON t.due = v."on" GROUP BY v.page;

SELECT l.*, t.hours FROM lists l JOIN todos t ON t.list_id = l.id WHERE t.hours = 13;

SELECT count(*) FROM (todos t JOIN lists l ON l.id = t.list_id) JOIN tags g ON g.todo_id = t.id;

SELECT count(*) FROM todos t JOIN lists l ON (l.id = t.list_id) IS TRUE;

SELECT count(*) FROM todos t JOIN lists l ON l.id::text = t.list_id::text;

SELECT count(*) FROM lists l LEFT JOIN todos t ON t.list_id = l.id WHERE t.id IS NULL;

SELECT x.name, y.c FROM lists x JOIN (SELECT list_id, count(*) AS c FROM todos GROUP BY list_id) y ON y.list_id = x.id;

SELECT count(*) FROM todos t WHERE t.list_id = (SELECT id FROM lists l WHERE l.id = t.list_id AND l.name = 'home');

SELECT sum(l.budget), count(*) FROM lists l JOIN todos t ON t.list_id = l.id JOIN lists l2 ON l2.id = l.id;

SELECT t.mood, sum(s.rank) FROM todos t JOIN (SELECT todo_id, rank FROM tags WHERE rank > 1) s ON s.todo_id = t.id GROUP BY t.mood;

SELECT count(*) FROM todos t JOIN lists l ON l.id = t.list_id JOIN odds o ON o.k = t.small;
