-- What a restored partition must hold, read as a program would.
SELECT count(*), md5(string_agg(t::text, '|' ORDER BY id)) FROM public.todos t;
SELECT count(*), md5(string_agg(l::text, '|' ORDER BY id)) FROM lists l;
SELECT tableoid::regclass, count(*), sum(n) FROM public.parted GROUP BY 1;
SELECT count(*) FROM ONLY parent;
SELECT sum(n) FROM public.counts;
SELECT nextval('counting'), nextval('public.todos_id_seq');
SELECT public.inline(1), with_setting(), product(n) FROM (VALUES (2), (3)) AS v(n);
SELECT count(*) FILTER (WHERE shout LIKE 'TODO%') FROM open_todos;
SELECT count(*), sum(length(lo_get(oid))) FROM pg_largeobject_metadata WHERE lomowner = current_user::regrole;
