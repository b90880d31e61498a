-- WHERE: what stores are asked to leave out.

SELECT count(*) FROM todos WHERE done;

SELECT count(*) FROM todos WHERE NOT done OR done IS NULL;

SELECT count(*) FROM todos WHERE title = 'milk';

SELECT count(*) FROM todos WHERE title = 'milk ';

SELECT count(*) FROM todos WHERE c = 'ab';

SELECT count(*) FROM todos WHERE title <> 'milk' AND title >= 'a' AND title < 'z';

SELECT count(*) FROM todos WHERE title LIKE 'm%';

SELECT count(*) FROM todos WHERE title ILIKE '%MILK%';

SELECT count(*) FROM todos WHERE title LIKE '100!%' ESCAPE '!';

SELECT count(*) FROM todos WHERE title LIKE '%\_%' OR title LIKE E'%\\\\%';

SELECT count(*) FROM todos WHERE title SIMILAR TO '(b|B)%';

SELECT count(*) FROM todos WHERE title ~ '^[[:upper:]]' AND title !~* 'zebra';

SELECT count(*) FROM todos WHERE title ~ '\s$';

SELECT id, title FROM todos WHERE title IN ('it''s', '"quoted"', E'back\\slash', E'line\nbreak', '''; DROP', '$1');

SELECT id, title FROM todos WHERE title = E'ta\tb' OR title = U&'\05E9\05DC\05D5\05DD' OR title = $$it's$$ OR title = $q$\N$q$;

SELECT count(*) FROM todos WHERE title = U&'bro\0308tchen' AND title <> U&'br\00F6tchen';

SELECT count(*) FROM todos WHERE hours BETWEEN 1 AND 8;

SELECT count(*) FROM todos WHERE hours NOT BETWEEN SYMMETRIC 8 AND 1;

SELECT count(*) FROM todos WHERE hours = ANY (ARRAY[1, 2, 3]) AND hours <> ALL ('{2}');

SELECT count(*) FROM todos WHERE hours NOT IN (1, 2, NULL);

SELECT count(*) FROM todos WHERE (hours, small) = (8, 7) OR (hours, small) < (0, 0);

SELECT count(*) FROM todos WHERE (hours, small) IS NOT NULL;

SELECT count(*) FROM todos WHERE weight = 1.5;

SELECT count(*) FROM todos WHERE weight > 1e19 OR weight < -1e19;

SELECT count(*) FROM todos WHERE odd = 'NaN' OR odd = 'Infinity';

SELECT count(*) FROM todos WHERE score = 'NaN';

SELECT count(*) FROM todos WHERE score > 1e300;

SELECT count(*) FROM todos WHERE score = 0;

SELECT count(*) FROM todos WHERE score = 0.3;

SELECT count(*) FROM todos WHERE ratio = 0.7;

SELECT count(*) FROM todos WHERE ratio = 0.7::real;

SELECT count(*) FROM todos WHERE due = '2024-02-29';

SELECT count(*) FROM todos WHERE due > '2024-01-01' AND due < 'infinity';

SELECT count(*) FROM todos WHERE due = DATE '0001-01-01 BC' OR due = '-infinity';

SELECT count(*) FROM todos WHERE at < '2024-03-31 01:00:00+00';

SELECT count(*) FROM todos WHERE at >= TIMESTAMPTZ '2024-03-31 02:00:00+02' AND isfinite(at);

SELECT count(*) FROM todos WHERE took > interval '1 day';

SELECT count(*) FROM todos WHERE took = '1 day';

SELECT count(*) FROM todos WHERE 'home' = ANY (tags);

SELECT count(*) FROM todos WHERE tags @> '{home}' OR tags && ARRAY['zero'];

SELECT count(*) FROM todos WHERE tags = '{}' OR tags[1] IS NULL;

SELECT count(*) FROM todos WHERE meta @> '{"a": 1}';

SELECT count(*) FROM todos WHERE meta ? 'a' OR meta ?| ARRAY['b', 'ü'];

SELECT count(*) FROM todos WHERE meta ->> 'a' = '1';

SELECT count(*) FROM todos WHERE (meta ->> 'a')::numeric > 1 AND jsonb_typeof(meta -> 'a') = 'number';

SELECT count(*) FROM todos WHERE meta @? '$.b[*] ? (@ > 1)';

SELECT count(*) FROM todos WHERE mood = 'happy';

SELECT count(*) FROM todos WHERE mood > 'sad';

SELECT count(*) FROM todos WHERE mood::text > 'ok';

SELECT count(*) FROM todos WHERE mood IN ('sad', 'ok') AND mood <> 'ok'::mood;

SELECT count(*) FROM todos WHERE raw = '\x00ff' OR raw = E'\\000';

SELECT count(*) FROM todos WHERE range @> 3 OR range && '[10,20)' OR isempty(range);

SELECT count(*) FROM todos WHERE list_id IS NULL;

SELECT count(*) FROM todos WHERE done IS DISTINCT FROM true;

SELECT count(*) FROM todos WHERE title IS NOT DISTINCT FROM NULL;

SELECT count(*) FROM todos WHERE done IS UNKNOWN OR (hours > 5) IS NOT TRUE;

SELECT count(*) FROM todos WHERE CASE WHEN small <> 0 THEN hours::int8 / small > 1 ELSE false END;

SELECT count(*) FROM todos WHERE coalesce(hours, 0) = 0 AND nullif(title, '') IS NOT NULL;

SELECT count(*) FROM todos WHERE length(title) = 4 AND upper(title) = 'MILK';

SELECT count(*) FROM todos WHERE starts_with(title, 'b') OR position('z' IN title) > 0;

SELECT count(*) FROM odds WHERE ip <<= '10.0.0.0/8' OR family(ip) = 6;

SELECT count(*) FROM odds WHERE t > '12:00' AND tz < '13:00+00';

SELECT count(*) FROM odds WHERE bits & B'00000001' = B'00000001' OR more = B'0101';

SELECT count(*) FROM odds WHERE moods @> '{happy}'::mood[] OR m @> 6;

SELECT count(*) FROM odds WHERE called = 'Beta' OR ch = 'Z' OR share > 10;

SELECT count(*) FROM "Mixed Case" WHERE "a b" > 'M' AND "select" > 0;

SELECT count(*) FROM visits WHERE "on" >= '2024-01-01' AND page = '/A';

SELECT count(*) FROM todos WHERE true AND 1 = 1 AND NOT false;

SELECT count(*) FROM todos WHERE NULL;

SELECT count(*) FROM todos WHERE title = NULL;

SELECT count(*) FROM todos WHERE NOT (title = NULL) OR hours = 8;

SELECT count(*) FROM todos WHERE hours::text = '8' AND title COLLATE "C" < 'a';

SELECT count(*) FROM todos t WHERE t IS NOT NULL OR t.small = 7;

SELECT count(*) FROM todos WHERE EXISTS (SELECT 1);

-- A comment, /* another */ and a third are in the text.

SELECT count(*) -- all of them
FROM todos /* but /* nested */ */ WHERE hours = 8 -- and no more
;
