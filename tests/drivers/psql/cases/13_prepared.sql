PREPARE by_name (text) AS SELECT id FROM public.lists WHERE name = $1;
EXECUTE by_name('home');
EXECUTE by_name('nobody');
DEALLOCATE by_name;
EXECUTE by_name('home');
