-- json, jsonb and their functions.

SELECT id, meta FROM todos;

SELECT id, meta -> 'a', meta ->> 'a', meta #> '{b,0}', meta #>> '{b,2,c}' FROM todos;

SELECT id, meta || '{"x": 1}', meta - 'a', jsonb_pretty(meta) FROM todos WHERE jsonb_typeof(meta) = 'object';

SELECT payload, payload::text, payload ->> 'a', json_typeof(payload) FROM events;

SELECT jsonb_agg(meta ORDER BY meta, id) FROM todos WHERE hours = 8;

SELECT json_agg(payload ORDER BY n, at, amount, todo_id) FROM events WHERE kind = 'done';

SELECT meta ->> 'a' AS a, count(*), sum(hours) FROM todos GROUP BY 1;

SELECT jsonb_path_query(meta, '$.b[*]') FROM todos WHERE jsonb_typeof(meta) = 'object';

SELECT count(*) FROM todos WHERE meta -> 'b' ->> 0 = '1';

SELECT to_jsonb(t) ->> 'label' FROM tags t WHERE rank = 2;

SELECT row_to_json(g) FROM (SELECT label, rank FROM tags WHERE rank = 1) g;

SELECT id, jsonb_array_length(meta) FROM todos WHERE jsonb_typeof(meta) = 'array';

SELECT sum((meta ->> 'n')::int), count(meta ->> 'n') FROM todos WHERE meta ? 'n';

SELECT jsonb_object_agg(mood::text, c) FROM (SELECT mood, count(*) AS c FROM todos WHERE mood IS NOT NULL GROUP BY mood) s;

SELECT e.value, count(*) FROM todos, jsonb_array_elements(meta) e WHERE jsonb_typeof(meta) = 'array' GROUP BY 1;

SELECT max(meta::text), min(meta::text), count(DISTINCT meta) FROM todos;

SELECT id, meta @> '1', meta = 'null', meta IS NULL FROM todos;

SELECT json_build_array(count(*), max(hours), min(title)) FROM todos;
