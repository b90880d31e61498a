-- Arrays.

SELECT id, tags, tags[1], tags[1:1], cardinality(tags), array_ndims(tags), array_lower(tags, 1) FROM todos;

SELECT id, tags || 'x'::text, array_append(tags, NULL), array_position(tags, 'work'), array_remove(tags, 'home') FROM todos WHERE array_ndims(tags) = 1;

SELECT id, tags @> '{home}', tags && '{work}', 'home' = ANY (tags), 'home' <> ALL (tags) FROM todos;

SELECT id, array_to_string(tags, ','), ARRAY[hours, small], ARRAY[title, note] FROM todos;

SELECT tags[1] AS first, count(*) FROM todos GROUP BY tags[1];

SELECT array_agg(tags[1] ORDER BY id) FROM todos WHERE hours = 8;

SELECT tag, count(*) FROM (SELECT unnest(tags) AS tag FROM todos) s GROUP BY tag;

-- @ordered
SELECT tags, id FROM todos WHERE tags > '{home}' ORDER BY tags DESC, id;

SELECT array_agg(DISTINCT hours ORDER BY hours) FROM todos WHERE hours < 100;

SELECT mood, array_agg(hours ORDER BY hours, id) FROM todos GROUP BY mood;

SELECT k, grid, grid[2][1], moods, 'sad' = ANY (moods), moods || 'ok'::mood FROM odds;

SELECT count(*) FROM todos WHERE hours = ANY ('{1,2,8}'::int[]);

SELECT array_agg(x ORDER BY x) FROM (SELECT DISTINCT cardinality(tags) AS x FROM todos) s;

SELECT sum(s) FROM (SELECT (SELECT sum(x) FROM unnest(grid) x) AS s FROM odds) t;
