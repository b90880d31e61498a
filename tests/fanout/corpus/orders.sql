-- Rows, ORDER BY, LIMIT, OFFSET.

-- @at t3 t0
SELECT id, title FROM todos;

-- @at t3 t0
SELECT * FROM todos;

SELECT todos.* FROM todos WHERE done;

SELECT t.id, t.* FROM todos t WHERE small = 7;

-- @at t3 t0
-- @ordered
SELECT id FROM todos ORDER BY id;

-- @ordered
SELECT id FROM todos ORDER BY id DESC LIMIT 7;

-- @at t3 t0
-- @ordered
SELECT id FROM todos ORDER BY id LIMIT 10 OFFSET 5;

-- @ordered
SELECT id, hours FROM todos ORDER BY hours, id;

-- @ordered
SELECT id, hours FROM todos ORDER BY hours DESC, id LIMIT 20;

-- @ordered
SELECT id, hours FROM todos ORDER BY hours NULLS FIRST, id DESC;

-- @ordered
SELECT id, hours FROM todos ORDER BY hours DESC NULLS LAST, id OFFSET 100;

-- @ordered
SELECT id, small, big FROM todos ORDER BY small, big DESC, id;

-- @ordered
SELECT id, done FROM todos ORDER BY done, id LIMIT 50;

-- @ordered
SELECT id, due FROM todos ORDER BY due DESC, id;

-- @ordered
SELECT id, at FROM todos ORDER BY at, id;

-- @ordered
SELECT id, stamp FROM todos ORDER BY stamp NULLS FIRST, id;

-- @ordered
SELECT id, weight FROM todos ORDER BY weight, id;

-- @ordered
SELECT id, weight FROM todos ORDER BY weight DESC NULLS LAST, id LIMIT 12;

-- @ordered
SELECT id, odd FROM todos ORDER BY odd, id;

-- @ordered
SELECT id, odd FROM todos ORDER BY odd DESC, id LIMIT 9 OFFSET 3;

-- @ordered
SELECT id, score FROM todos ORDER BY score, id;

-- @ordered
SELECT id, ratio FROM todos ORDER BY ratio DESC, id LIMIT 30;

-- @ordered
SELECT id, title FROM todos ORDER BY title, id;

-- @ordered
SELECT id, title FROM todos ORDER BY title COLLATE "C" DESC, id LIMIT 30;

-- @ordered
SELECT id, title FROM todos ORDER BY lower(title), title, id LIMIT 40;

-- @ordered
SELECT id, note, c FROM todos ORDER BY note, c, id;

-- @ordered
SELECT id, mood FROM todos ORDER BY mood, id;

-- @ordered
SELECT id, mood FROM todos ORDER BY mood DESC, id LIMIT 15;

-- @ordered
SELECT id, raw FROM todos ORDER BY raw, id;

-- @ordered
SELECT id, tags FROM todos ORDER BY tags, id;

-- @ordered
SELECT id, meta FROM todos ORDER BY meta, id;

-- @ordered
SELECT id, range FROM todos ORDER BY range, id;

-- @ordered
SELECT id, took FROM todos ORDER BY took, id;

-- @ordered
SELECT k, t, tz, ip FROM odds ORDER BY t, tz, ip, k, no;

-- @ordered
SELECT bits, more, k FROM odds ORDER BY bits DESC, more, k;

-- @ordered
SELECT id, title AS t FROM todos ORDER BY t, id LIMIT 5;

-- @ordered
SELECT hours::int8 * 2 AS d, id FROM todos WHERE hours < 1000000 ORDER BY d DESC, 2;

-- @ordered
SELECT id FROM todos ORDER BY hours, small, id LIMIT 25;

-- @ordered
SELECT title FROM todos ORDER BY id;

-- @ordered
SELECT id, hours FROM todos ORDER BY -hours::int8, id LIMIT 10;

-- @ordered
SELECT id, length(title) FROM todos ORDER BY length(title), id LIMIT 10;

-- @ordered
SELECT id, hours FROM todos ORDER BY hours USING >, id LIMIT 10;

-- @ordered
SELECT id, hours FROM todos ORDER BY hours IS NULL, hours > 5, id;

-- @ordered
SELECT id FROM todos ORDER BY CASE WHEN done THEN 0 ELSE 1 END, id LIMIT 33;

-- @ordered
SELECT id FROM todos ORDER BY id FETCH FIRST 3 ROWS ONLY;

-- @ordered
SELECT hours FROM todos ORDER BY hours DESC NULLS LAST FETCH FIRST 3 ROWS WITH TIES;

SELECT id FROM todos LIMIT 0;

-- @ordered
SELECT id FROM todos ORDER BY id LIMIT ALL OFFSET 170;

-- @ordered
SELECT id FROM todos ORDER BY id OFFSET 10000;

-- @ordered
SELECT id FROM todos ORDER BY id LIMIT 2 + 3 OFFSET 1 * 2;

-- @ordered
SELECT id FROM todos ORDER BY id LIMIT NULL OFFSET NULL;

-- @ordered
SELECT id FROM todos ORDER BY id LIMIT (SELECT 4);

SELECT count(*) FROM (SELECT 1 FROM todos LIMIT 40) s;

SELECT count(*) FROM (SELECT id FROM todos OFFSET 40) s;

-- @ordered
SELECT mood, count(*) FROM todos GROUP BY mood ORDER BY mood;

-- @ordered
SELECT title, count(*) FROM todos GROUP BY title ORDER BY count(*) DESC, title LIMIT 10;

-- @ordered
SELECT title, count(*) AS c FROM todos GROUP BY title ORDER BY c DESC, title COLLATE "C" LIMIT 10 OFFSET 3;

-- @ordered
SELECT title, sum(hours::int8) FROM todos GROUP BY title ORDER BY 2 DESC NULLS LAST, 1 LIMIT 5;

-- @ordered
SELECT title, max(hours) FROM todos GROUP BY title ORDER BY title LIMIT 12;

-- @ordered
SELECT hours, count(*) FROM todos GROUP BY hours ORDER BY hours LIMIT 4;

-- @ordered
SELECT hours, small, count(*) FROM todos GROUP BY hours, small ORDER BY hours DESC, small LIMIT 14 OFFSET 2;

-- @ordered
SELECT hours, count(*) FROM todos GROUP BY hours ORDER BY avg(small), hours LIMIT 6;

-- @ordered
SELECT mood FROM todos GROUP BY mood ORDER BY count(DISTINCT title), mood;

-- @ordered
SELECT mood, count(*) FROM todos GROUP BY mood ORDER BY max(title) DESC, mood DESC LIMIT 2;

-- @ordered
SELECT trim_scale(weight), sum(hours) FROM todos GROUP BY 1 ORDER BY 1 LIMIT 6;

-- @ordered
SELECT count(*) FROM todos GROUP BY weight ORDER BY weight LIMIT 6;

-- @ordered
SELECT count(*) FROM todos ORDER BY 1;

-- @ordered
SELECT sum(hours) FROM todos ORDER BY count(*) LIMIT 1;

SELECT count(*) FROM todos LIMIT 0;

SELECT count(*) FROM todos OFFSET 1;

-- @ordered
SELECT "on", page, hits FROM visits ORDER BY "on", page, hits;

-- @ordered
SELECT "Order", "a b" FROM "Mixed Case" ORDER BY "Order" NULLS FIRST, "a b";

TABLE lists;

TABLE nothing;

SELECT FROM todos WHERE small = 7;

SELECT * FROM visits;

SELECT * FROM odds;

SELECT no, k, parent FROM odds;

SELECT * FROM "Mixed Case";

SELECT * FROM lists;

SELECT id, todo_id, label, rank FROM tags;

SELECT n, kind, amount, payload FROM events;

SELECT id, id, title, title FROM todos WHERE small = 1;

SELECT t FROM tags t WHERE rank = 1;

SELECT (t).label, (t).rank FROM tags t WHERE (t).rank = 2;

SELECT hours, title FROM ONLY todos WHERE hours = 13;

(SELECT id FROM todos WHERE hours = 3);

-- @ordered
SELECT id FROM (SELECT id FROM todos ORDER BY id LIMIT 9) s ORDER BY id DESC LIMIT 3;
