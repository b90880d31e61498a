-- HAVING: never before all partial results are there.

-- @at t3 t2
SELECT title, count(*) FROM todos GROUP BY title HAVING count(*) > 3;

SELECT title, count(*) FROM todos GROUP BY title HAVING count(*) = 1;

SELECT title, sum(hours) FROM todos GROUP BY title HAVING sum(hours) > 10;

SELECT mood FROM todos GROUP BY mood HAVING avg(hours) IS NOT NULL AND max(small) > 5;

SELECT title FROM todos GROUP BY title HAVING title > 'm' AND count(*) > 1;

SELECT title, count(*) FROM todos GROUP BY title HAVING title LIKE 'm%' OR count(*) > 5;

SELECT count(*) FROM todos HAVING count(*) > 1000;

SELECT count(*) FROM todos HAVING count(*) > 10;

SELECT 1 FROM todos HAVING true;

SELECT 1 FROM todos HAVING false;

SELECT 'none' FROM todos WHERE false HAVING count(*) = 0;

SELECT mood, count(*) FROM todos GROUP BY mood HAVING count(DISTINCT title) > 5;

SELECT mood, count(*) FROM todos GROUP BY mood HAVING bool_or(done) AND NOT bool_and(done);

SELECT title, max(hours) - min(hours) FROM todos GROUP BY title HAVING max(hours) > min(hours) AND max(hours) < 1000 AND min(hours) > -1000;

SELECT hours, count(*) FROM todos GROUP BY hours HAVING count(*) FILTER (WHERE done) > 2;

SELECT hours, count(*) FROM todos GROUP BY hours HAVING count(*) > (SELECT count(*) / 20 FROM todos);

SELECT hours, count(*) FROM todos GROUP BY hours HAVING hours IN (1, 2, 3) OR hours IS NULL;

SELECT mood, sum(weight) FROM todos GROUP BY mood HAVING sum(weight) > avg(weight);

SELECT kind, sum(amount) FROM events GROUP BY kind HAVING sum(amount) BETWEEN 0 AND 10000000;

SELECT title, count(*) FROM todos GROUP BY title HAVING string_agg(mood::text, ',' ORDER BY mood, id) LIKE '%happy%';
