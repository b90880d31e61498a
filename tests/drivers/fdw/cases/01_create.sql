-- Both users' tables, made as each of them, and what is the service's own.
\connect :url
CREATE TYPE public.mood AS ENUM ('low', 'high');
CREATE TABLE public.todos (id int PRIMARY KEY, title text NOT NULL UNIQUE, region int, feeling mood DEFAULT 'low', due timestamptz, labels text[], doc jsonb, amount numeric, picture bytea, u uuid);
INSERT INTO todos SELECT g, 'of the first ' || g, g % 3, 'high', '2026-01-01 00:00:00+00'::timestamptz + g * interval '1 day', ARRAY['a', 'public'], '{"n": 1}', g / 8.0, '\x00ff', '6ba7b810-9dad-11d1-80b4-00c04fd430c8' FROM generate_series(1, 30) g;
CREATE VIEW titles AS SELECT title FROM public.todos;
ANALYZE todos;
\connect :other_url
CREATE TYPE public.mood AS ENUM ('low', 'high');
CREATE TABLE public.todos (id int PRIMARY KEY, title text NOT NULL UNIQUE, region int, feeling mood DEFAULT 'low', due timestamptz, labels text[], doc jsonb, amount numeric, picture bytea, u uuid);
INSERT INTO todos (id, title, region) SELECT g, 'of the second ' || g, g % 3 FROM generate_series(1, 7) g;
SELECT count(*) FROM todos;
