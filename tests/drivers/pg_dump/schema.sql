-- What is dumped and restored: one object of each kind that a service is likely to have.
CREATE TYPE public.mood AS ENUM ('low', 'fair', 'high');
CREATE TYPE pair AS (a int, b text);
CREATE DOMAIN short AS text CHECK (length(VALUE) <= 40);
CREATE TABLE public.lists (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name short NOT NULL UNIQUE,
    of_both pair,
    doubled int GENERATED ALWAYS AS (length(name::text) * 2) STORED
);
CREATE SEQUENCE counting START 100 INCREMENT 5;
CREATE TABLE todos (
    id serial PRIMARY KEY,
    list_id int REFERENCES public.lists ON DELETE CASCADE,
    title text NOT NULL CHECK (title <> ''),
    feeling mood DEFAULT 'fair',
    due timestamptz,
    labels text[] NOT NULL DEFAULT '{}',
    doc jsonb,
    picture bytea,
    n bigint DEFAULT nextval('public.counting')
);
COMMENT ON TABLE public.todos IS 'what is to be done, in public';
COMMENT ON COLUMN todos.due IS 'until when';
CREATE INDEX todos_due ON public.todos (due) WHERE due IS NOT NULL;
CREATE INDEX todos_doc ON todos USING gin (doc);
CREATE STATISTICS todo_stats ON list_id, feeling FROM public.todos;
CREATE FUNCTION public.shout(public.todos) RETURNS text LANGUAGE sql STABLE AS 'SELECT upper($1.title)';
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.title := trim(NEW.title); RETURN NEW; END $$;
CREATE FUNCTION inline(more int) RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT count(*)::int + more FROM public.todos; END;
CREATE FUNCTION with_setting() RETURNS bigint LANGUAGE sql SET "DateStyle" = ISO AS 'SELECT count(*) FROM lists';
CREATE PROCEDURE clear_todos() LANGUAGE plpgsql AS $$ BEGIN DELETE FROM public.todos; END $$;
CREATE AGGREGATE public.product(int) (SFUNC = int4mul, STYPE = int, INITCOND = '1');
CREATE TRIGGER trimmed BEFORE INSERT ON todos FOR EACH ROW EXECUTE FUNCTION public.touch();
CREATE VIEW open_todos AS SELECT id, title, shout(t) FROM public.todos t WHERE due IS NULL;
CREATE MATERIALIZED VIEW counts AS SELECT list_id, count(*) AS n FROM todos GROUP BY list_id;
CREATE UNIQUE INDEX ON counts (list_id);
CREATE RULE no_delete AS ON DELETE TO public.open_todos DO INSTEAD NOTHING;
CREATE TABLE parted (at date NOT NULL, n int) PARTITION BY RANGE (at);
CREATE TABLE parted_2026 PARTITION OF public.parted FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE TABLE parent (n int);
CREATE TABLE child (m int) INHERITS (public.parent);
ALTER TABLE todos ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_of_them ON public.todos USING (true);
INSERT INTO lists (name, of_both) SELECT 'list ' || g, ROW(g, 'it''s')::pair FROM generate_series(1, 20) g;
INSERT INTO todos (list_id, title, due, labels, doc, picture)
    SELECT g % 20 + 1, ' todo ' || g, '2026-01-01 00:00:00+00'::timestamptz + g * interval '1 hour', ARRAY['public', 'a, b', NULL],
           jsonb_build_object('schema', 'public', 'n', g), decode(md5(g::text), 'hex')
    FROM generate_series(1, 400) g;
INSERT INTO parted SELECT '2026-01-01'::date + g, g FROM generate_series(0, 99) g;
INSERT INTO child VALUES (1, 2);
REFRESH MATERIALIZED VIEW counts;
SELECT lo_from_bytea(0, decode(repeat('ab', 5000), 'hex')) IS NOT NULL AS large_object;
