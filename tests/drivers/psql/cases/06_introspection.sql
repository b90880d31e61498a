SELECT table_schema, table_name, table_type FROM information_schema.tables WHERE table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY 2;
SELECT current_schema();
SELECT 'todos'::regclass, 'public.todos'::regclass, 'mood'::regtype;
SELECT pg_get_viewdef('open_todos');
SELECT pg_get_indexdef('todos_due'::regclass);
SELECT pg_get_functiondef('public.shout'::regproc);
SELECT pg_get_serial_sequence('public.todos', 'id');
SHOW search_path;
EXPLAIN (VERBOSE, COSTS OFF) SELECT * FROM public.todos;
