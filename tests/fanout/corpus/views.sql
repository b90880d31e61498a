-- Views stand for their text.

SELECT count(*) FROM open_todos;

SELECT * FROM open_todos;

SELECT list_id, count(*), sum(hours) FROM open_todos GROUP BY list_id;

SELECT l.name, count(*) FROM open_todos o JOIN lists l ON l.id = o.list_id GROUP BY l.name;

SELECT * FROM list_totals;

SELECT count(*), sum(todos), max(weight) FROM list_totals;

SELECT l.name, v.todos FROM list_totals v JOIN lists l ON l.id = v.list_id;

-- @ordered
SELECT id, title FROM open_todos ORDER BY id LIMIT 5;

SELECT count(*) FROM todos t WHERE EXISTS (SELECT 1 FROM open_todos o WHERE o.id = t.id);

SELECT o.title, t.mood FROM open_todos o JOIN todos t USING (id) WHERE t.small = 7;

SELECT count(*) FROM public.open_todos WHERE hours = 8;

SELECT sum(weight) FROM list_totals WHERE todos > 3;
