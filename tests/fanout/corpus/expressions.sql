-- Expressions in the select list: casts, CASE, functions, operators.

SELECT id, upper(title), initcap(title), reverse(title) FROM todos;

SELECT id, title || ' / ' || coalesce(note, ''), concat(title, note, hours), concat_ws('-', title, NULL, note) FROM todos;

SELECT id, hours::text, hours::numeric(12, 2), small::int4, big::float8, weight::text FROM todos;

SELECT id, CAST(weight AS numeric(40, 1)), weight::numeric(60, 20) FROM todos WHERE weight < 1e10;

SELECT id, title::varchar(3), title::char(3), c::text, note::text FROM todos;

SELECT id, score::text, ratio::text, ratio::float8, score::numeric FROM todos WHERE abs(score) < 1e5;

SELECT id, CASE hours WHEN 8 THEN 'eight' WHEN 1 THEN 'one' ELSE hours::text END FROM todos;

SELECT id, CASE WHEN done THEN title ELSE note END AS either FROM todos;

SELECT id, hours + small, hours - small, hours::int8 * small, hours / 2, hours % 3, hours ^ 2, @ hours::int8 FROM todos WHERE hours BETWEEN -100 AND 100;

SELECT id, hours & 7, hours | 1, hours # 5, ~hours, hours << 1, hours >> 1 FROM todos WHERE hours BETWEEN -100 AND 100;

SELECT id, round(weight, 1), trunc(weight), ceil(weight), floor(weight), sign(weight), -weight FROM todos;

SELECT id, greatest(hours, small), least(title, note), nullif(title, 'milk') FROM todos;

SELECT id, substring(title FROM 2 FOR 3), substring(title, '[a-z]+'), position('i' IN title), overlay(title PLACING '#' FROM 1 FOR 1) FROM todos;

SELECT id, trim(title), ltrim(title), btrim(title, 'm '), lpad(title, 7, '*'), repeat(title, 2) FROM todos;

SELECT id, replace(title, 'i', 'I'), translate(title, 'abc', 'xyz'), regexp_replace(title, '[aeiou]', '_', 'g'), split_part(title, ' ', 1) FROM todos;

SELECT id, length(title), char_length(title), octet_length(title), bit_length(title), ascii(title) FROM todos;

SELECT id, md5(title), encode(raw, 'hex'), encode(raw, 'base64'), sha256(raw), quote_literal(title), quote_ident(title), quote_nullable(title) FROM todos;

SELECT id, normalize(title, NFC), title IS NFC NORMALIZED FROM todos WHERE title LIKE 'br%';

SELECT id, raw, raw || '\x01', length(raw), get_byte(raw || '\x00', 0), raw::text FROM todos;

SELECT id, title IS NULL, title IS NOT NULL, done IS TRUE, done IS NOT FALSE, hours IS DISTINCT FROM small FROM todos;

SELECT id, hours BETWEEN 1 AND 8, hours IN (1, 2), title LIKE '%i%', title ~ 'i' FROM todos;

SELECT id, done AND hours > 3, done OR NULL, NOT done FROM todos;

SELECT id, ROW(hours, title), ROW(id, done) = ROW(id, true), (hours, small) FROM todos WHERE small = 7;

SELECT id, lower(range), upper(range), isempty(range), range * '[2,6)', range @> 3 FROM todos;

SELECT id, mood::text, mood > 'sad', enum_range(mood), enum_first(mood) FROM todos;

SELECT id, to_char(weight, 'FM999999990.00'), to_char(hours, '999,999'), to_number('12,345', '99,999') FROM todos WHERE weight < 1000;

SELECT id, width_bucket(hours, 0, 24, 6), div(weight, 2), mod(small, 3), power(small, 2) FROM todos WHERE hours BETWEEN 0 AND 30;

SELECT k, p, p[0], p <-> point '(0,0)', circle(p, 2) FROM odds;

SELECT k, host(ip), masklen(ip), network(ip), ip::text, t + interval '1 hour', bits | B'00001111', length(more) FROM odds;

SELECT k, share + 1, share::int, called || 'x', ch::text, grid[1], array_dims(grid), moods[1]::text FROM odds;

SELECT k, ch, called, share, bits, more, tz, p, m, grid, moods FROM odds;

SELECT 1 + 1, 'a' || 'b', now() = now(), NULL, true, 1.50, 'x'::text, B'101', X'1F';

SELECT 'text', 1 AS "?column?", 2.0, ARRAY[1, 2], '{}'::int[], '{"a": 1}'::jsonb, interval '1 day';

SELECT pg_typeof(title), pg_typeof(c), pg_typeof(mood), pg_typeof(range), pg_typeof(tags) FROM todos WHERE small = 7;

SELECT title AS "Title", hours AS "SELECT", small "small things", done AS "a,b" FROM todos WHERE hours = 13;

SELECT todos.title, public.todos.hours FROM public.todos WHERE public.todos.small = 7;

SELECT id, twice(hours) FROM todos WHERE hours BETWEEN 0 AND 100;

SELECT id, format('%s is %I and %L', title, note, mood) FROM todos WHERE note IS NOT NULL;

SELECT id, string_to_array(title, ' '), array_to_string(tags, ',', 'null'), chr(65 + small % 10) FROM todos WHERE small BETWEEN 0 AND 100;

SELECT id, num_nulls(title, note, done), num_nonnulls(hours, small), jsonb_build_object('t', title, 'h', hours) FROM todos;

SELECT id, title < note, title COLLATE "C" < note COLLATE "C" FROM todos;

SELECT id, hashtext(title) = hashtext(title), pg_column_size(1) FROM todos WHERE small = 7;

SELECT id, title FROM todos WHERE id > 'ffffffff-0000-0000-0000-000000000000' OR id::text LIKE '0000%';

SELECT id, weight / 3, weight * weight, weight + 0.00, 1 / 3.0 FROM todos WHERE abs(weight) < 1000;

SELECT id, ratio * 2, ratio + 0.1::real, score * 2, ratio::numeric FROM todos WHERE abs(score) < 1e5;

-- What a function of this name may do depends on how many arguments it is given.
-- @at t3 t2 t1
SELECT max(length(title)), sum(length(c)), max(length(raw)), max(length(note)) FROM todos;

-- @at t3
SELECT max(length(raw, 'LATIN1')) FROM todos WHERE position('\x00'::bytea IN raw) = 0;

-- @at t3 t2
SELECT max(age(stamp, timestamp '2000-01-01')) FROM todos WHERE isfinite(stamp);
