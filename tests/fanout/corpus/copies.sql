-- COPY (…) TO STDOUT; rows that are copied.

COPY (SELECT id, title, weight, tags FROM todos) TO STDOUT;

-- @ordered
COPY (SELECT id, title, note FROM todos ORDER BY id) TO STDOUT;

COPY (SELECT mood, count(*), avg(hours) FROM todos GROUP BY mood) TO STDOUT;

COPY (SELECT id, title, meta FROM todos) TO STDOUT (FORMAT csv, HEADER);

-- @ordered
COPY (SELECT id, title FROM todos ORDER BY id LIMIT 9) TO STDOUT WITH CSV DELIMITER ';' QUOTE '''' NULL 'nil';

-- @ordered
COPY (SELECT id, hours, weight, title FROM todos ORDER BY id) TO STDOUT (FORMAT binary);

COPY (SELECT count(*) FROM todos WHERE false) TO STDOUT;

COPY todos TO STDOUT;

COPY lists TO STDOUT;

COPY public."lists" TO STDOUT WITH CSV HEADER;

COPY lists (id, name) TO STDOUT (FORMAT csv);

COPY (VALUES (1, 'a'), (2, NULL)) TO STDOUT;

COPY (SELECT raw, took, due, range FROM todos) TO STDOUT (DELIMITER '|', NULL '-');
