-- Aggregates without groups: one row, whatever the stores hold.

-- @at t3 t2 t1
SELECT count(*) FROM todos;

-- @at t3 t2 t1
SELECT count(title), count(done), count(weight), count(NULL) FROM todos;

-- @at t3 t2 t1
SELECT count(*) FILTER (WHERE done), count(*) FILTER (WHERE NOT done), count(*) FILTER (WHERE done IS NULL) FROM todos;

-- @at t3 t2
SELECT count(DISTINCT title), count(DISTINCT mood), count(DISTINCT hours) FROM todos;

-- @at t3 t2 t1
SELECT sum(small), sum(hours), sum(big) FROM todos;

-- @at t3 t2 t1
SELECT sum(weight) FROM todos;

-- @at t3 t2
SELECT sum(odd), avg(odd), count(odd) FROM todos;

SELECT sum(odd) FROM todos WHERE odd < 'Infinity' AND odd > '-Infinity';

-- @at t3 t2
SELECT avg(small), avg(hours), avg(big), avg(weight) FROM todos;

SELECT avg(weight) FROM todos WHERE weight IN (1.5, 2, 7.125);

SELECT sum(took), avg(took) FROM todos;

-- @at t3 t2
SELECT min(small), max(small), min(hours), max(hours), min(big), max(big) FROM todos;

-- @scale
SELECT min(weight), max(weight) FROM todos;

SELECT min(title), max(title), min(note), max(note), min(c), max(c) FROM todos;

SELECT min(title COLLATE "C"), max(title COLLATE "C") FROM todos;

SELECT min(due), max(due), min(at), max(at), min(stamp), max(stamp) FROM todos;

SELECT min(mood), max(mood) FROM todos;

SELECT min(score), max(score) FROM todos;

SELECT max(score) FROM todos WHERE score < 'Infinity';

SELECT min(ratio), max(ratio) FROM todos WHERE ratio <> 0;

SELECT min(tags), max(tags) FROM todos;

SELECT min(t), max(t), min(tz), max(tz), min(ip), max(ip) FROM odds;

SELECT min(k), max(k), sum(k), avg(k) FROM odds;

SELECT bool_and(done), bool_or(done), every(done) FROM todos;

SELECT bool_and(hours > -5000000000), bool_or(hours = 13), every(title IS NOT NULL) FROM todos;

SELECT bit_and(small), bit_or(small), bit_xor(small), bit_and(hours), bit_or(hours), bit_xor(hours) FROM todos;

SELECT bit_and(big), bit_or(big), bit_xor(big) FROM todos;

SELECT bit_and(bits), bit_or(bits), bit_xor(bits) FROM odds;

SELECT range_agg(range) FROM todos WHERE NOT isempty(range);

SELECT range_intersect_agg(range) FROM todos WHERE range @> 2;

SELECT sum(share), avg(share), max(share) FROM odds;

SELECT sum(budget), avg(budget), min(budget), max(budget) FROM lists;

SELECT sum(amount), avg(amount) FROM events;

SELECT sum(amount) FILTER (WHERE kind = 'made'), avg(amount) FILTER (WHERE kind = 'none such') FROM events;

SELECT count(*) + 1 AS more, sum(hours::numeric) * 2 - count(hours), -sum(big) FROM todos;

SELECT count(*)::text || ' todos', round(avg(weight), 3), abs(sum(small)) FROM todos;

SELECT CASE WHEN count(*) > 100 THEN 'many' ELSE 'few' END AS how_many FROM todos;

SELECT coalesce(sum(hours), 0) AS hours, nullif(count(*), 0), greatest(max(small), 5) FROM todos WHERE title = 'no such title';

SELECT sum(hours), avg(hours), min(hours), count(hours), bool_and(done), bit_or(small) FROM todos WHERE false;

SELECT sum(hours), count(*) FROM todos WHERE title IS NULL AND title IS NOT NULL;

SELECT sum(hours * small::int8), sum(hours::int8 + big::numeric), max(length(title)) FROM todos;

SELECT sum(CASE WHEN done THEN 1 ELSE 0 END), sum((NOT done)::int), count(nullif(done, false)) FROM todos;

SELECT sum(1), sum(1.10), avg(2), count(1), max('x'::text), min(NULL::int) FROM todos;

SELECT sum(DISTINCT hours), avg(DISTINCT small), count(DISTINCT (hours, small)) FROM todos;

SELECT sum(DISTINCT hours) FILTER (WHERE done), count(DISTINCT title) FILTER (WHERE title LIKE 'm%') FROM todos;

SELECT count(DISTINCT weight), sum(DISTINCT trim_scale(weight)) FROM todos;

SELECT count(DISTINCT score), count(DISTINCT ratio), count(DISTINCT took) FROM todos;

SELECT count(DISTINCT lower(title)), count(DISTINCT c), count(DISTINCT note) FROM todos;

SELECT array_agg(hours ORDER BY hours, id) FROM todos WHERE small > 5;

SELECT array_agg(DISTINCT title ORDER BY title) FROM todos;

SELECT array_agg(DISTINCT mood ORDER BY mood DESC NULLS LAST) FROM todos;

SELECT string_agg(title, ',' ORDER BY title, id) FROM todos;

SELECT string_agg(DISTINCT title, '|' ORDER BY title DESC) FROM todos WHERE title < 'n';

SELECT string_agg(title, ', ' ORDER BY title COLLATE "C" DESC, id) FILTER (WHERE done) FROM todos;

SELECT string_agg(raw, '\x2c'::bytea ORDER BY raw, id) FROM todos;

SELECT json_agg(title ORDER BY title, id), jsonb_agg(hours ORDER BY hours DESC NULLS FIRST, id) FROM todos WHERE done;

SELECT json_object_agg(id, title ORDER BY id) FROM todos WHERE small = 7;

SELECT jsonb_object_agg(id, hours ORDER BY id) FROM todos WHERE small = 7;

SELECT array_agg(tags ORDER BY id) FROM todos WHERE tags = '{home,work}';

SELECT (SELECT array_agg(x ORDER BY x) FROM unnest(a) x) FROM (SELECT array_agg(hours) AS a FROM todos) s;

SELECT length(string_agg(title, '')) FROM todos;

SELECT count(*), sum(length(raw)), max(octet_length(title)) FROM todos;

SELECT count(t.*), count(t) FROM todos t;

SELECT count(*) FROM nothing;

SELECT count(*) FROM visits;

SELECT sum("select"), avg("select"), max("a b") FROM "Mixed Case";

SELECT count("Order"), sum("Order") AS "Sum of Order" FROM "Mixed Case" WHERE "Order" <> 1;

SELECT count(*) AS "select", sum(hours) AS "Größe", max(small) AS "a""b" FROM todos;

SELECT sum(hours) sum, count(*) count, avg(hours) FROM public.todos;

SELECT count(*), count(*), sum(small), sum(small) FROM todos;

SELECT sum(sum) FROM (SELECT sum(hours) AS sum FROM todos GROUP BY mood) s;

SELECT count(*) FROM todos WHERE (SELECT true);

SELECT count(*) FROM todos AS t (a, b, d) WHERE d > 3;

SELECT sum(n), max(n), count(DISTINCT n) FROM todos;

SELECT max(n), count(n), count(DISTINCT n) FROM events;

SELECT pg_typeof(sum(small)), pg_typeof(sum(hours)), pg_typeof(sum(big)), pg_typeof(avg(hours)), pg_typeof(sum(weight)) FROM todos;

SELECT sum(all hours), count(all title) FROM todos;

SELECT regr_count(hours, small), regr_count(score, ratio) FROM todos;

SELECT bool_or(title ~ '^m'), bool_and(length(c) <= 5), count(*) FILTER (WHERE range @> 3) FROM todos;

SELECT max(at) - min(at) FROM todos WHERE at > '2000-01-01' AND at < '2100-01-01';

SELECT sum(hours) / count(hours), sum(hours)::float8 / count(hours), sum(hours) % 7 FROM todos;

SELECT ROW(count(*), sum(hours)) FROM todos;

SELECT ARRAY[count(*), count(done), sum(small)] FROM todos;

-- Nothing of the rows but that they are there.
SELECT string_agg('x', ','), count(*), sum(1.50) FROM todos;

SELECT array_agg(1), sum(2), avg(3), count(4) FROM todos WHERE done GROUP BY ();

SELECT string_agg('x', ''), count(*) FROM todos WHERE false;
