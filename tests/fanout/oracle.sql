-- Makes a copy of home's database the oracle: `whole` has the rows of all stores, each with whose they are; `public`
-- and `stores` have those of the covered ones, without and with the column `_store`.
ALTER TABLE events DROP CONSTRAINT events_pkey;
CREATE SCHEMA whole;
CREATE SCHEMA stores;
DO $$
DECLARE name text;
BEGIN
    FOR name IN SELECT relname FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
    LOOP
        EXECUTE format('CREATE TABLE whole.%1$I (LIKE public.%1$I INCLUDING DEFAULTS INCLUDING IDENTITY)', name);
        EXECUTE format('ALTER TABLE whole.%I ADD _store text NOT NULL', name);
        EXECUTE format('CREATE TABLE stores.%1$I (LIKE public.%1$I INCLUDING ALL)', name);
        EXECUTE format('ALTER TABLE stores.%I ADD _store text NOT NULL', name);
    END LOOP;
END $$;
CREATE FUNCTION whole.of_store(store text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE name text;
BEGIN
    FOR name IN SELECT relname FROM pg_class WHERE relnamespace = 'whole'::regnamespace AND relkind = 'r' LOOP
        EXECUTE format('ALTER TABLE whole.%I ALTER _store SET DEFAULT %L', name, store);
    END LOOP;
    ALTER SEQUENCE public.todos_n_seq RESTART;
    ALTER SEQUENCE public.events_n_seq RESTART;
    ALTER TABLE whole.odds ALTER no RESTART;
END $$;
CREATE FUNCTION whole.cover(names text[], backwards bool) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    name text;
    columns text;
    rest text := 'FROM whole.%1$I WHERE _store = ANY ($1)' || CASE WHEN backwards THEN ' ORDER BY ctid DESC' ELSE '' END;
BEGIN
    TRUNCATE public.lists, public.todos, public.tags, public.events;
    FOR name IN SELECT relname FROM pg_class WHERE relnamespace = 'whole'::regnamespace AND relkind = 'r'
        ORDER BY array_position('{lists,todos,tags,events}', relname::text)
    LOOP
        SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) INTO columns FROM pg_attribute
            WHERE attrelid = format('public.%I', name)::regclass AND attnum > 0 AND attgenerated = '';
        EXECUTE format('TRUNCATE public.%1$I, stores.%1$I CASCADE', name);
        IF columns IS NULL THEN
            EXECUTE format('INSERT INTO public.%1$I SELECT ' || rest, name) USING names;
        ELSE
            EXECUTE format('INSERT INTO public.%1$I (%2$s) OVERRIDING SYSTEM VALUE SELECT %2$s ' || rest, name, columns) USING names;
        END IF;
        columns := concat_ws(', ', columns, '_store');
        EXECUTE format('INSERT INTO stores.%1$I (%2$s) OVERRIDING SYSTEM VALUE SELECT %2$s ' || rest, name, columns) USING names;
    END LOOP;
END $$;
SET search_path = stores, public;
CREATE VIEW open_todos AS SELECT id, list_id, title, weight, hours FROM todos WHERE done IS NOT TRUE;
CREATE VIEW list_totals AS SELECT list_id, count(*) AS todos, sum(weight) AS weight FROM todos GROUP BY list_id;
