-- What Postgres has since version 16. Any value will do, so that these are asked of values that are all alike.

-- @at t3 t2
SELECT any_value(1), any_value(mood) FILTER (WHERE mood = 'ok'), any_value(title) FILTER (WHERE false) FROM todos;

-- @at t3 t2
SELECT mood, done, any_value(mood), any_value(done), any_value(upper(mood::text)), count(*) FROM todos GROUP BY 1, 2;

-- @at t3 t2
SELECT any_value(meta), any_value(DISTINCT range), any_value(tags) FROM todos WHERE meta = '{}' AND range = '[7,)' AND tags = '{home}';

-- @at t3
SELECT mood, any_value(hours ORDER BY hours DESC NULLS LAST, id) FROM todos GROUP BY mood;

-- @at t3
SELECT done, json_agg_strict(hours ORDER BY id), jsonb_object_agg_unique(id::text, mood ORDER BY id) FROM todos GROUP BY done;

SELECT any_value(title) IS NULL, any_value(NULL::int) FROM todos;
