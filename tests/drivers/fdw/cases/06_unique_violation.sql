INSERT INTO alice.todos (id, title) VALUES (1, 'again');
SELECT count(*) FROM alice.todos;
BEGIN;
INSERT INTO alice.todos (id, title) VALUES (400, 'kept'), (401, 'kept');
SELECT 1;
ROLLBACK;
SELECT count(*) FROM alice.todos WHERE id >= 400;
