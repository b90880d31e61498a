-- The pseudo column _store.

SELECT _store, count(*) FROM todos GROUP BY _store;

SELECT _store FROM todos WHERE small = 7;

SELECT DISTINCT _store FROM todos;

SELECT count(DISTINCT _store) FROM todos;

SELECT t._store, t.id FROM todos t WHERE t.hours = 13;

SELECT _store AS whose, sum(hours), max(title) FROM todos GROUP BY whose HAVING count(*) > 5;

SELECT count(*) FROM todos WHERE _store = 'alice';

SELECT count(*) FROM todos WHERE _store <> 'alice' AND _store LIKE '%a%';

SELECT count(*) FROM todos WHERE _store IN ('bob', 'carol', 'nobody');

SELECT upper(_store), length(_store), count(*) FROM todos GROUP BY 1, 2;

-- @ordered
SELECT _store, count(*) FROM todos GROUP BY _store ORDER BY count(*) DESC, _store;

-- @ordered
SELECT _store, id FROM todos ORDER BY _store DESC, id LIMIT 10;

-- @ordered
SELECT id FROM todos ORDER BY _store, id;

SELECT _store, mood, count(*) FROM todos GROUP BY ROLLUP (_store, mood);

SELECT count(*) FROM todos t JOIN events e ON e.n = t.n AND e._store = t._store;

SELECT t._store, count(*) FROM todos t JOIN events e ON e.n = t.n AND e._store = t._store GROUP BY t._store;

SELECT t._store, e.kind, sum(t.hours) FROM todos t LEFT JOIN events e ON e._store = t._store AND e.n = t.n GROUP BY 1, 2;

SELECT count(*) FROM todos t JOIN events e USING (_store, n);

SELECT a._store, b._store, count(*) FROM todos a JOIN todos b ON a.title = b.title AND a._store < b._store GROUP BY 1, 2;

SELECT count(*) FROM odds a JOIN odds b ON a.parent = b.k AND a._store = b._store;

SELECT _store, max(c) FROM (SELECT _store, title, count(*) AS c FROM todos GROUP BY _store, title) s GROUP BY _store;

SELECT count(*) FROM todos t WHERE EXISTS (SELECT 1 FROM events e WHERE e._store = t._store AND e.n = t.n AND e.kind = 'made');

SELECT _store, id, rank() OVER (PARTITION BY _store ORDER BY id) FROM todos;

SELECT string_agg(DISTINCT _store, ',' ORDER BY _store) FROM todos;

SELECT title, count(DISTINCT _store) FROM todos GROUP BY title HAVING count(DISTINCT _store) > 2;

SELECT min(_store), max(_store) FROM todos;

SELECT avg(c) FROM (SELECT count(*) AS c FROM todos GROUP BY _store) s;

WITH per AS (SELECT _store, count(*) AS c FROM todos GROUP BY _store) SELECT max(c), min(c) FROM per;

-- @oracle SELECT id, list_id, n, title, _store FROM todos WHERE done
SELECT id, list_id, n, title, _store FROM todos WHERE done;

-- @oracle SELECT id, name, color, budget, created, shout, _store FROM lists
SELECT *, _store FROM lists;

SELECT pg_typeof(_store) FROM todos WHERE small = 7;

SELECT _store || '/' || coalesce(title, '-') FROM todos WHERE hours = 5;

SELECT _store, count(*) FROM nothing GROUP BY _store;

SELECT _store FROM lists UNION SELECT _store FROM events;
