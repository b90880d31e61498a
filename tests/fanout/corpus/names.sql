-- Texts that no tree is made of: the tables that they name are gathered, and home runs them.

SELECT a, b, count(*) FROM todos, ROWS FROM (generate_series(1, 3), generate_series(1, 2)) AS x(a, b) GROUP BY a, b;

SELECT format('%s of %s', VARIADIC ARRAY[title, note]) FROM todos;

SELECT concat(VARIADIC tags), count(*) FROM todos GROUP BY 1;

SELECT x.todo_id, count(*) FROM tags JOIN events USING (todo_id) AS x GROUP BY x.todo_id;

-- @ordered
SELECT xmlelement(NAME list, xmlattributes(l.id AS key), xmlagg(xmlelement(NAME todo, t.title) ORDER BY t.id))::text
FROM lists l JOIN todos t ON t.list_id = l.id WHERE t.title IN ('milk', 'bread') GROUP BY l.id ORDER BY l.id;

SELECT x.v FROM lists, XMLTABLE('/a' PASSING xmlelement(NAME a, name) COLUMNS v text PATH '.') x;

-- @ordered
WITH RECURSIVE r(k, p) AS (SELECT k, parent FROM odds UNION SELECT o.k, o.parent FROM odds o JOIN r ON r.p = o.k)
    CYCLE k SET again TO 'y' DEFAULT 'n' USING way SELECT k, again, count(*) FROM r GROUP BY k, again ORDER BY k, again;

-- @ordered
WITH RECURSIVE r(k, p) AS (SELECT k, parent FROM odds UNION SELECT o.k, o.parent FROM odds o JOIN r ON r.p = o.k)
    SEARCH BREADTH FIRST BY k SET way SELECT k, way FROM r ORDER BY way, k LIMIT 4;

SELECT count(*) FROM todos WHERE hours ISNULL OR weight NOTNULL AND title = U&'mil\006B';

SELECT count(*) FROM todos WHERE title IN ('mi'
'lk', 'bread');

SELECT substring(title SIMILAR 'm#"%#"k' ESCAPE '#') FROM todos;

SELECT concat(VARIADIC ARRAY[public.lists.name, m."a b"]) FROM public.lists, public."Mixed Case" AS m;

SELECT concat(VARIADIC ARRAY[o.title]), v.todos FROM open_todos o JOIN public.list_totals v USING (list_id);

WITH lists AS (SELECT 1 AS x) SELECT concat(VARIADIC ARRAY[x]), l.name FROM lists, public.lists l;

-- @with milk
SELECT concat(VARIADIC ARRAY[title, $1]) FROM todos WHERE title = $1;

SELECT xmlelement(NAME a, 'no table')::text;
