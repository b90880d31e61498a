-- Tables, a view, a function, types, comments, privileges: what the listings below then show.
CREATE TYPE mood AS ENUM ('low', 'fair', 'high');
CREATE DOMAIN short AS text CHECK (length(VALUE) <= 40);
CREATE TABLE public.lists (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name short NOT NULL UNIQUE);
CREATE TABLE todos (
    id serial PRIMARY KEY,
    list_id int REFERENCES public.lists (id) ON DELETE CASCADE,
    title text NOT NULL CHECK (title <> ''),
    feeling mood DEFAULT 'fair',
    due timestamptz,
    labels text[] NOT NULL DEFAULT '{}'
);
CREATE INDEX todos_due ON public.todos (due) WHERE due IS NOT NULL;
CREATE VIEW open_todos AS SELECT id, title FROM public.todos WHERE due IS NULL;
CREATE MATERIALIZED VIEW todo_counts AS SELECT list_id, count(*) AS n FROM todos GROUP BY list_id;
CREATE FUNCTION public.shout(public.todos) RETURNS text LANGUAGE sql STABLE AS 'SELECT upper($1.title)';
CREATE PROCEDURE clear_todos() LANGUAGE plpgsql AS $$ BEGIN DELETE FROM public.todos; END $$;
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.title := trim(NEW.title); RETURN NEW; END $$;
CREATE TRIGGER trimmed BEFORE INSERT ON todos FOR EACH ROW EXECUTE FUNCTION public.touch();
COMMENT ON TABLE public.todos IS 'what is to be done';
CREATE TABLE part_of (at date NOT NULL, n int) PARTITION BY RANGE (at);
CREATE TABLE part_of_2026 PARTITION OF public.part_of FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE STATISTICS todo_stats ON list_id, feeling FROM public.todos;
SELECT count(*) AS tables FROM pg_tables WHERE schemaname = 'public';
