SELECT count(*) AS how_many, 'it''s' AS quoted FROM lists \gset
\echo :how_many :'quoted' :"quoted"
SELECT :how_many + 1 AS next \gx
SELECT name FROM lists WHERE name = 'home' \gset got_
\echo :got_name
SELECT 1 AS n WHERE false \gset
SELECT id, title FROM todos \gdesc
SELECT format('CREATE TABLE public.made_%s (n int)', g) FROM generate_series(1, 3) g \gexec
SELECT relname, relnamespace::regnamespace FROM pg_class WHERE relname LIKE 'made%' ORDER BY 1;
SELECT format('DROP TABLE %I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname = 'public' AND tablename LIKE 'made%' \gexec
SELECT count(*) FROM pg_class WHERE relname LIKE 'made%';
SELECT 'from a pipe' \g |cat
