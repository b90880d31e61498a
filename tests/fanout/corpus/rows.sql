-- Whole rows as values.

-- @ordered
SELECT l FROM lists l ORDER BY l.id;

SELECT l::text, (l).name, l IS NOT NULL FROM lists l;

SELECT l.id, count(t) FROM lists l LEFT JOIN todos t ON t.list_id = l.id GROUP BY l.id;

SELECT t.id, l IS NULL FROM todos t LEFT JOIN lists l ON l.id = t.list_id;

SELECT DISTINCT l FROM lists l CROSS JOIN lists m;

-- @ordered
SELECT l.name FROM lists l ORDER BY l, l.id;

SELECT l = m FROM lists l JOIN lists m USING (id);

SELECT jsonb_build_object('list', l, 'todos', (SELECT jsonb_agg(t ORDER BY t.id) FROM todos t WHERE t.list_id = l.id)) FROM lists l;

SELECT to_jsonb(l) - 'id', md5(l::text), concat(l, '.') FROM lists l;

SELECT e.key, count(*) FROM todos t, jsonb_each(to_jsonb(t)) e WHERE e.value = 'null' GROUP BY e.key;

SELECT array_agg(l ORDER BY l.id)::text, count(DISTINCT l.*) FROM lists l;

SELECT (o).title, o::text, to_jsonb(o) FROM open_todos o;

SELECT row_to_json(json_populate_record(NULL::lists, '{"name":"x"}')) FROM lists;

SELECT row_to_json(r.x) FROM lists, json_to_recordset('[{"x":{"name":"q"}}]') AS r(x public.lists);

SELECT to_jsonb(CAST(NULL AS lists)), id FROM lists;
