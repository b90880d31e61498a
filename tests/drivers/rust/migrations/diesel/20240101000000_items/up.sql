CREATE TYPE public.ds_mood AS ENUM ('sad', 'ok', 'happy');

CREATE TABLE public.ds_item (
    id serial PRIMARY KEY,
    name varchar(40) NOT NULL CONSTRAINT ds_one_name UNIQUE,
    mood public.ds_mood NOT NULL DEFAULT 'ok',
    tags text[] NOT NULL DEFAULT '{}',
    about jsonb,
    amount numeric(12, 4),
    mark uuid,
    content bytea,
    made timestamptz,
    updated_at timestamp NOT NULL DEFAULT '2000-01-01'
);

CREATE TABLE "public"."ds_line" (
    item integer NOT NULL REFERENCES public.ds_item (id) ON DELETE CASCADE,
    number integer NOT NULL,
    note text,
    PRIMARY KEY (item, number)
);

COMMENT ON TABLE public.ds_item IS 'What there is.';
COMMENT ON COLUMN public.ds_item.name IS 'What it is called.';

SELECT diesel_manage_updated_at('ds_item');
