SELECT count(*), min(title), max(amount), sum(region) FROM alice.todos;
SELECT count(*), min(title), max(title) FROM bob.todos;
SELECT * FROM alice.todos WHERE id = 2;
SELECT * FROM alice.titles ORDER BY title LIMIT 2;
SELECT title FROM alice.todos WHERE due > '2026-01-29 00:00:00+00' AND labels @> '{public}' ORDER BY id;
SELECT count(*) FROM alice.todos WHERE feeling = 'high';
PREPARE by_id (int) AS SELECT title FROM alice.todos WHERE id = $1;
EXECUTE by_id(1); EXECUTE by_id(2); EXECUTE by_id(3); EXECUTE by_id(4); EXECUTE by_id(5); EXECUTE by_id(6); EXECUTE by_id(7);
