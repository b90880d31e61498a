\connect :url
CREATE TABLE public.numbers AS SELECT g AS n, 'row ' || g AS what FROM generate_series(1, 100000) g;
