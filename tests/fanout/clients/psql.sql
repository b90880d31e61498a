\set ON_ERROR_STOP 0
\timing off
\pset null NULL
SELECT mood, count(*), avg(hours) FROM todos GROUP BY mood ORDER BY mood;
SELECT id, at, due, took, tags, meta, raw, weight, score, done FROM todos ORDER BY id LIMIT 25 \g
SELECT nope FROM todos;
BEGIN;
SELECT sum(weight) FROM todos;
SELECT 1/0;
SELECT 2;
ROLLBACK;
\copy (SELECT id, title FROM todos ORDER BY id LIMIT 5) TO STDOUT
COPY (SELECT mood, count(*) FROM todos GROUP BY 1 ORDER BY 1) TO STDOUT WITH CSV;
SHOW TimeZone;
SET TimeZone = 'Asia/Tokyo';
SELECT at FROM todos WHERE at IS NOT NULL ORDER BY id LIMIT 3;
SELECT count(*) AS n FROM todos \gset
\echo :n
SELECT title, mood FROM todos \gdesc
SELECT 1 AS a \; SELECT count(*) FROM todos;
\set FETCH_COUNT 7
SELECT id, title FROM todos ORDER BY id LIMIT 23;
SELECT nope FROM todos;
\set FETCH_COUNT 0
\d lists
\dT mood
\dt lists
EXPLAIN (COSTS OFF) SELECT 1 WHERE false \g /dev/null
SHOW server_encoding;
