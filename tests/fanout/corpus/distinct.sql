-- DISTINCT and DISTINCT ON.

SELECT DISTINCT mood FROM todos;

SELECT DISTINCT title FROM todos;

SELECT DISTINCT mood, done FROM todos;

SELECT DISTINCT hours, small FROM todos WHERE done;

SELECT DISTINCT lower(title), length(title) FROM todos;

-- @scale
SELECT DISTINCT weight FROM todos;

SELECT DISTINCT round(weight, 2) FROM todos;

SELECT DISTINCT c, note FROM todos;

SELECT DISTINCT tags FROM todos;

SELECT DISTINCT meta FROM todos;

SELECT DISTINCT raw, range FROM todos;

SELECT DISTINCT due, mood FROM todos;

-- @ordered
SELECT DISTINCT title FROM todos ORDER BY title;

-- @ordered
SELECT DISTINCT hours FROM todos ORDER BY hours DESC LIMIT 4;

-- @ordered
SELECT DISTINCT hours, mood FROM todos ORDER BY hours, mood LIMIT 11 OFFSET 4;

-- @ordered
SELECT DISTINCT ON (mood) mood, id, title FROM todos ORDER BY mood, id;

-- @ordered
SELECT DISTINCT ON (hours) hours, small, id FROM todos ORDER BY hours, small DESC NULLS LAST, id DESC;

-- @ordered
SELECT DISTINCT ON (list_id, mood) list_id, mood, id FROM todos WHERE list_id IS NOT NULL ORDER BY list_id, mood, at DESC, id;

-- @ordered
SELECT DISTINCT ON (title) title, id FROM todos ORDER BY title, id LIMIT 6;

-- @ordered
SELECT DISTINCT ON (lower(title)) title, id FROM todos ORDER BY lower(title), title DESC, id;

SELECT count(*) FROM (SELECT DISTINCT title, mood FROM todos) s;

SELECT DISTINCT count(*), mood IS NULL FROM todos GROUP BY mood;

SELECT DISTINCT ON (count(*)) count(*) FROM todos GROUP BY title ORDER BY count(*);

SELECT DISTINCT sum(hours) OVER (PARTITION BY mood) FROM todos;

SELECT DISTINCT 1, 'x' FROM todos;

SELECT DISTINCT ROW(done, mood) FROM todos;

SELECT ALL mood FROM todos WHERE small = 1;

SELECT DISTINCT * FROM visits;

SELECT DISTINCT "Order" FROM "Mixed Case" WHERE "select" IS NOT NULL;
