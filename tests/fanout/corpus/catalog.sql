-- Queries about the catalog, and queries without a table: home answers once.

SELECT 1;

SELECT 1 AS one, 'two' AS two, NULL::int AS three WHERE true;

SELECT 1 WHERE false;

SELECT generate_series(1, 5);

SELECT version() IS NOT NULL, current_setting('server_version_num')::int > 0;

SELECT count(*) FROM generate_series(1, 100) g WHERE g % 7 = 0;

SELECT relname, relkind FROM pg_class WHERE relname IN ('todos', 'lists', 'open_todos') AND pg_table_is_visible(oid);

SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'todos'::regclass AND attnum > 0;

SELECT column_name, data_type, is_nullable FROM information_schema.columns WHERE table_name = 'todos' AND table_schema = 'public';

SELECT typname, typcategory FROM pg_catalog.pg_type WHERE typname = 'mood';

SELECT enumlabel FROM pg_enum e JOIN pg_type t ON t.oid = e.enumtypid WHERE typname = 'mood';

SELECT table_name FROM information_schema.tables WHERE table_schema = 'public';

SELECT 'todos'::regclass::text, to_regclass('no_such_table') IS NULL, 'int4'::regtype;

SELECT pg_get_viewdef('open_todos'::regclass);

SELECT conname, contype FROM pg_constraint WHERE conrelid = 'lists'::regclass;

SELECT unnest(ARRAY['a', 'b']), 1;

SELECT x, y FROM (VALUES (1, 'one'), (2, 'two')) AS v (x, y) WHERE x > 1;

SELECT exists(SELECT 1), ARRAY(SELECT generate_series(1, 3));

SELECT datname = current_database() FROM pg_database WHERE datname = current_database();

SELECT name FROM pg_settings WHERE name = 'work_mem';

SELECT obj_description('todos'::regclass) IS NULL, pg_table_is_visible('todos'::regclass);

SELECT c.relname, pg_table_size(c.oid) >= 0, pg_total_relation_size(c.oid) >= 0 FROM pg_class c
WHERE c.relname = 'pg_proc';

SELECT pg_database_size(datname) > 0 FROM pg_database WHERE datname = current_database();
