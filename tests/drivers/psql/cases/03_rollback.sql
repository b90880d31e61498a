BEGIN;
DELETE FROM todos;
SELECT count(*) FROM todos;
ROLLBACK;
SELECT count(*) FROM todos;
BEGIN; CREATE TABLE gone (n int); ROLLBACK;
TABLE public.gone;
