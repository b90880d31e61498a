CREATE FOREIGN TABLE service.slow (slept text) SERVER first_stuff OPTIONS (schema_name 'public', table_name 'slow');
\connect :url
CREATE VIEW public.slow AS SELECT pg_sleep(20)::text AS slept;
