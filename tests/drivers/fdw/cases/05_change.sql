INSERT INTO alice.todos (id, title) VALUES (100, 'from home') RETURNING id, title, feeling;
INSERT INTO alice.todos (id, title) SELECT g, 'many ' || g FROM generate_series(200, 260) g;
UPDATE alice.todos SET region = 9, doc = '{"changed": true}' WHERE id = 100 RETURNING doc;
UPDATE alice.todos SET region = r.n + 10 FROM service.regions r WHERE r.n = todos.region AND todos.id < 5;
DELETE FROM alice.todos WHERE id >= 230;
INSERT INTO bob.todos (id, title) VALUES (100, 'from home, too');
SELECT count(*), sum(region) FROM alice.todos;
SELECT count(*) FROM bob.todos;
COPY alice.todos (id, title) FROM STDIN;
300	copied
301	copied, too
\.
SELECT title FROM alice.todos WHERE id >= 300 ORDER BY id;
TRUNCATE bob.todos;
SELECT count(*) FROM bob.todos;
-- Read by each of them, not through the foreign tables.
\connect :url
SELECT count(*), md5(string_agg(t::text, '|' ORDER BY id)) FROM public.todos t;
\connect :other_url
SELECT count(*) FROM public.todos;
