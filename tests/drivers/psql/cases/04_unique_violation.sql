INSERT INTO lists (name) VALUES ('home');
\echo :SQLSTATE :LAST_ERROR_MESSAGE
SELECT count(*) FROM lists;
INSERT INTO todos (list_id, title) VALUES (99, 'x');
INSERT INTO todos (title) VALUES ('');
INSERT INTO lists (name) VALUES (repeat('x', 41));
INSERT INTO public.todos (titel) VALUES ('x');
SELECT * FROM public.nowhere;
SELECT public.nofunction(1);
DROP TABLE public.lists;
