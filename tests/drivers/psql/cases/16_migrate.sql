BEGIN;
CREATE SCHEMA IF NOT EXISTS public;
ALTER TABLE public.todos ADD COLUMN done boolean NOT NULL DEFAULT false;
ALTER TABLE todos RENAME COLUMN title TO subject;
CREATE TABLE public.schema_migrations (version text PRIMARY KEY, at timestamptz DEFAULT now());
INSERT INTO public.schema_migrations (version) VALUES ('0002');
COMMIT;
ALTER TYPE public.mood ADD VALUE 'elated';
CREATE INDEX CONCURRENTLY todos_subject ON public.todos (subject);
VACUUM ANALYZE todos;
LOCK TABLE public.todos;
DO $$ BEGIN IF NOT EXISTS (SELECT 1 FROM information_schema.columns WHERE table_schema = 'public' AND table_name = 'todos' AND column_name = 'note') THEN ALTER TABLE public.todos ADD COLUMN note text; END IF; END $$;
\d public.todos
TRUNCATE public.todos RESTART IDENTITY CASCADE;
SELECT nextval('public.todos_id_seq'::regclass);
