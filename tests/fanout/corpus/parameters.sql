-- Parameters of the extended protocol.

-- @with milk
SELECT count(*) FROM todos WHERE title = $1;

-- @with NULL
SELECT count(*) FROM todos WHERE title = $1;

-- @with 8
SELECT count(*), sum(hours) FROM todos WHERE hours = $1;

-- @with 1 | 8
SELECT mood, count(*) FROM todos WHERE hours BETWEEN $1 AND $2 GROUP BY mood;

-- @with 8 | 1
SELECT mood, count(*) FROM todos WHERE hours BETWEEN $2 AND $1 GROUP BY mood;

-- @with 1.50
SELECT count(*), $1 * sum(weight) FROM todos WHERE weight = $1;

-- @with {1,2,8}
SELECT hours, count(*) FROM todos WHERE hours = ANY ($1) GROUP BY hours;

-- @with happy
SELECT count(*) FROM todos WHERE mood = $1;

-- @with 2024-01-01 | 2024-12-31
SELECT count(*), max(due) FROM todos WHERE due >= $1 AND due <= $2;

-- @with 2024-03-31 01:00:00+00
SELECT count(*) FROM todos WHERE at < $1;

-- @with 1 day
SELECT count(*), sum(took + $1) FROM todos WHERE took > $1;

-- @with {"a": 1}
SELECT count(*) FROM todos WHERE meta @> $1;

-- @with \x00ff
SELECT count(*) FROM todos WHERE raw = $1;

-- @with true
SELECT id FROM todos WHERE done = $1;

-- @ordered
-- @with 5 | 3
SELECT id FROM todos ORDER BY id LIMIT $1 OFFSET $2;

-- @ordered
-- @with NULL
SELECT id FROM todos ORDER BY id LIMIT $1;

-- @ordered
-- @with 4
SELECT title, count(*) FROM todos GROUP BY title HAVING count(*) > $1 ORDER BY 2 DESC, 1;

-- @with x | 3
SELECT $1::text, $2::int + 1, count(*) FROM todos;

-- @with a'b"c\d
SELECT $1::text AS given, count(*) FROM todos WHERE title <> $1;

-- @with 8
SELECT hours + $1 AS more, count(*) FROM todos WHERE hours < 100 GROUP BY hours + $1;

-- @with 2
SELECT hours % $1, count(*) FROM todos GROUP BY 1;

-- @with 3 | 4
SELECT $1::int + $2::int;

-- @with alice
SELECT count(*) FROM todos WHERE _store = $1;

-- @with m% | 2
SELECT l.name, count(*) FROM todos t JOIN lists l ON l.id = t.list_id WHERE t.title LIKE $1 OR t.small > $2 GROUP BY l.name;

-- @with 8
SELECT id, rank() OVER (ORDER BY hours + $1, id) FROM todos WHERE hours < 100;

-- @with 0.5
SELECT percentile_disc($1) WITHIN GROUP (ORDER BY hours) FROM todos;

-- @with ;
SELECT string_agg(title, $1 ORDER BY title, id) FROM todos WHERE small > 0;

-- @with 7
SELECT count(*) FILTER (WHERE small = $1), sum(CASE WHEN hours > $1 THEN 1 ELSE 0 END) FROM todos;

-- @with 1
SELECT $1 FROM todos WHERE small = 7;

-- @with home | 2
SELECT count(*) FROM todos WHERE id IN (SELECT todo_id FROM tags WHERE label = $1 AND rank >= $2);

-- @with 10
WITH t AS (SELECT hours FROM todos WHERE hours < $1) SELECT sum(hours), $1 FROM t;
