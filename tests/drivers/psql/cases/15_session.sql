CREATE TEMP TABLE scratch (n int);
INSERT INTO scratch VALUES (1), (2);
SELECT count(*) FROM scratch;
SELECT pg_advisory_lock(7), pg_try_advisory_lock(7);
SELECT pg_advisory_unlock(7), pg_advisory_unlock(7), pg_advisory_unlock(7);
LISTEN news;
NOTIFY news, 'good';
SELECT 1 AS one;
SET application_name = 'psql cases';
SHOW application_name;
SET search_path TO public;
SHOW search_path;
SELECT count(*) FROM lists;
RESET search_path;
SHOW search_path;
SET TimeZone TO 'Europe/Vienna';
\encoding
SELECT 'ä', '2026-07-01 00:00:00+00'::timestamptz;
\encoding latin1
\encoding UTF8
DO $$ BEGIN RAISE NOTICE 'a note about public.todos'; RAISE WARNING 'beware'; END $$;
\errverbose
SELECT 1;SELECT 2\; SELECT 3;
