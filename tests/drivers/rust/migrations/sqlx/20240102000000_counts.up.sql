ALTER TABLE public.sq_item ADD COLUMN lines int NOT NULL DEFAULT 0;

CREATE FUNCTION public.sq_count_lines() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE public.sq_item SET lines = (SELECT count(*) FROM public.sq_line WHERE item = NEW.item) WHERE id = NEW.item;
    RETURN NEW;
END
$$;

CREATE TRIGGER sq_counted AFTER INSERT ON public.sq_line FOR EACH ROW EXECUTE FUNCTION public.sq_count_lines();

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
                   WHERE n.nspname = 'public' AND t.typname = 'sq_size') THEN
        CREATE TYPE public.sq_size AS (wide int, high int);
    END IF;
END
$$;

CREATE OR REPLACE VIEW public.sq_counted_item AS SELECT name, lines FROM public.sq_item;
