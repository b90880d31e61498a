-- What must be refused, never answered wrongly. A mark `gathered` says: answered, and then only as the oracle does.

-- @refused 0A000
INSERT INTO todos (id) VALUES (gen_random_uuid());

-- @refused 0A000
UPDATE todos SET done = true;

-- @refused 0A000
DELETE FROM todos;

-- @refused 0A000
MERGE INTO lists l USING todos t ON t.list_id = l.id WHEN MATCHED THEN DELETE;

-- @refused 0A000
TRUNCATE todos;

-- @refused 0A000
WITH gone AS (DELETE FROM todos RETURNING id) SELECT count(*) FROM gone;

-- @refused 0A000
WITH made AS (INSERT INTO lists (id, name) VALUES (gen_random_uuid(), 'x') RETURNING id) SELECT * FROM made;

-- @refused 0A000
SELECT * INTO copied FROM todos;

-- @refused 0A000
CREATE TABLE copied AS SELECT * FROM todos;

-- @refused 0A000
CREATE TEMP TABLE mine (n int);

-- @refused 0A000
CREATE VIEW v AS SELECT * FROM todos;

-- @refused 0A000
CREATE INDEX ON todos (title);

-- @refused 0A000
ALTER TABLE todos ADD COLUMN x int;

-- @refused 0A000
DROP TABLE todos;

-- @refused 0A000
COPY todos FROM STDIN;

-- @refused 0A000
COPY todos TO '/tmp/out';

-- @refused 0A000
COPY todos TO PROGRAM 'cat';

-- @refused 0A000
COPY (DELETE FROM todos RETURNING id) TO STDOUT;

-- @refused 0A000
SELECT id FROM todos FOR UPDATE;

-- @refused 0A000
SELECT id FROM todos FOR KEY SHARE SKIP LOCKED;

-- @refused 0A000
SELECT count(*) FROM (SELECT id FROM todos FOR SHARE) s;

-- @refused 0A000
SELECT count(*) FROM todos TABLESAMPLE SYSTEM (50);

-- @refused 0A000
SELECT count(*) FROM todos TABLESAMPLE BERNOULLI (100) REPEATABLE (1);

-- @refused 0A000
SELECT ctid FROM todos;

-- @refused 0A000
SELECT count(*) FROM todos WHERE xmin IS NOT NULL;

-- @refused 0A000
SELECT tableoid::regclass, count(*) FROM todos GROUP BY 1;

-- @refused 0A000
SELECT t.ctid FROM todos t WHERE t.cmin IS NOT NULL;

-- @refused 0A000
SELECT random() FROM todos;

-- @refused 0A000
SELECT id FROM todos ORDER BY random() LIMIT 3;

-- @refused 0A000
SELECT count(*) FROM todos WHERE random() < 2;

-- @refused 0A000
SELECT gen_random_uuid(), count(*) FROM todos;

-- @refused 0A000
SELECT nextval('todos_n_seq') FROM todos;

-- @refused 0A000
SELECT setval('todos_n_seq', 1);

-- @refused 0A000
SELECT clock_timestamp() > now() FROM todos;

-- @refused 0A000
SELECT timeofday() FROM todos;

-- @refused 0A000
SELECT pg_sleep(0.01) FROM todos;

-- @refused 0A000
SELECT set_config('work_mem', '1MB', false) FROM todos;

-- @refused 0A000
SELECT query_to_xml('SELECT * FROM todos', true, false, '');

-- @refused 0A000
SELECT table_to_xml('todos', true, false, '');

-- @refused 0A000
SELECT pg_advisory_lock(1) FROM todos;

-- @refused 0A000
SELECT lo_create(0);

-- @refused 0A000 42501
SELECT pg_read_file('/etc/passwd');

-- @refused 0A000 42501
SELECT pg_terminate_backend(1);

-- @refused 0A000
LOCK TABLE todos;

-- @refused 0A000
LISTEN news;

-- @refused 0A000
NOTIFY news;

-- @refused 0A000
VACUUM todos;

-- @refused 0A000
DO $$ BEGIN END $$;

-- @refused 0A000
CALL nothing();

-- @refused 0A000
DECLARE c SCROLL CURSOR FOR SELECT id FROM todos;

-- @refused 0A000
PREPARE p AS DELETE FROM todos;

-- @refused 0A000
GRANT SELECT ON todos TO PUBLIC;

-- @refused 0A000
SELECT later(n) FROM events;

-- @refused 0A000
SELECT count(*) FROM events WHERE at < later(1);

-- @refused 0A000
SELECT how_many();

-- @refused 0A000
SELECT * FROM kept;

-- @refused 0A000
SELECT last_value FROM todos_n_seq;

-- Rows of two stores have the same serial key: nobody can say which row a group stands for.

-- @refused 0A000 42803
SELECT n, kind, count(*) FROM events GROUP BY n;

-- @refused 0A000 42803
SELECT e.*, count(*) FROM events e GROUP BY e.n;

-- By their names alone, and by what whole rows are of.

-- @refused 0A000
SELECT concat(VARIADIC ARRAY[title, _store]) FROM todos;

-- @refused 0A000
SELECT concat(VARIADIC ARRAY[title]) FROM todos FOR UPDATE;

-- @refused 0A000
SELECT concat(VARIADIC ARRAY[title, random()::text]) FROM todos;

-- @refused 0A000
SELECT concat(VARIADIC ARRAY[c.chance::text]) FROM chances c;

-- @refused 0A000
WITH gone AS (DELETE FROM todos RETURNING title) SELECT concat(VARIADIC ARRAY[title]) FROM gone;

-- @refused 0A000
SELECT concat(VARIADIC ARRAY[mood]) FROM kept;

-- @refused 0A000
SELECT array_agg(l ORDER BY l.id) FROM lists l;

-- @refused 0A000
SELECT ROW(l, 1) FROM lists l;

-- @refused 0A000
SELECT to_jsonb(l), _store FROM lists l;

-- @refused 0A000
SELECT to_jsonb(NULL::lists), _store FROM lists;

-- Views and functions hide what they do.

-- @refused 0A000
SELECT count(*) FROM chances;

-- @refused 0A000
SELECT * FROM by_place;

-- Merely gathered, since a store alone cannot say.

SELECT count(*) FROM todos a JOIN events b ON a.n = b.n WHERE b.kind = 'made';

SELECT count(*) FROM todos WHERE n NOT IN (SELECT n FROM events);

SELECT id FROM todos t WHERE n = (SELECT max(n) FROM todos);

SELECT id, sum(hours) OVER (PARTITION BY n) FROM todos;

SELECT n FROM todos INTERSECT SELECT n FROM events;

SELECT a.n, a.kind, b.kind FROM events a JOIN events b ON a.n = b.n AND a.kind < b.kind;

SELECT count(*) FROM lists a JOIN lists b ON a.budget = b.budget;

SELECT title FROM todos GROUP BY title HAVING count(*) = (SELECT max(c) FROM (SELECT count(*) AS c FROM todos GROUP BY title) s);

SELECT DISTINCT ON (n) n FROM events ORDER BY n;

SELECT count(*) FROM (SELECT DISTINCT n FROM todos) s;

SELECT n, count(*) FROM events GROUP BY n;

-- @refused 0A000
SELECT pg_total_relation_size('todos');

-- @refused 0A000
SELECT pg_table_size('lists'), count(*) FROM todos;
