-- What the service todo has made at home and in each partition, the same statements everywhere.
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE DOMAIN percent AS int4 CHECK (VALUE BETWEEN 0 AND 100);
CREATE TABLE lists (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    color varchar(10),
    budget numeric(12, 2),
    created date,
    shout text GENERATED ALWAYS AS (name || '!') STORED
);
CREATE TABLE todos (
    id uuid PRIMARY KEY,
    list_id uuid REFERENCES lists (id),
    n serial,
    title text,
    done bool,
    weight numeric,
    odd numeric,
    score float8,
    ratio real,
    small int2,
    hours int4,
    big int8,
    due date,
    at timestamptz,
    stamp timestamp,
    took interval,
    tags text[],
    meta jsonb,
    mood mood,
    raw bytea,
    note varchar(20),
    c char(5),
    range int4range
);
CREATE TABLE tags (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    todo_id uuid NOT NULL REFERENCES todos (id),
    label text,
    rank int
);
CREATE TABLE events (
    n serial PRIMARY KEY,
    todo_id uuid REFERENCES todos (id),
    kind text,
    amount numeric(10, 2),
    at timestamptz,
    payload json
);
CREATE TABLE odds (
    no int GENERATED ALWAYS AS IDENTITY,
    k int NOT NULL,
    parent int,
    t time,
    tz timetz,
    ip inet,
    bits bit(8),
    more varbit,
    p point,
    share percent,
    called name,
    ch "char",
    moods mood[],
    grid int[],
    m int4multirange
);
CREATE TABLE "Mixed Case" ("Order" int, "a b" text, "select" numeric(6, 3));
CREATE TABLE visits ("on" date NOT NULL, page text, hits int) PARTITION BY RANGE ("on");
CREATE TABLE visits_early PARTITION OF visits FOR VALUES FROM (MINVALUE) TO ('2024-01-01');
CREATE TABLE visits_late PARTITION OF visits FOR VALUES FROM ('2024-01-01') TO (MAXVALUE);
CREATE TABLE nothing ();
CREATE COLLATION folded (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TABLE phrases (k int, plain text COLLATE "C", posix text COLLATE "POSIX", root text COLLATE "und-x-icu", fold text COLLATE folded);
CREATE VIEW open_todos AS SELECT id, list_id, title, weight, hours FROM todos WHERE done IS NOT TRUE;
CREATE VIEW list_totals AS SELECT list_id, count(*) AS todos, sum(weight) AS weight FROM todos GROUP BY list_id;
CREATE FUNCTION twice(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1 * 2';
CREATE FUNCTION later(int) RETURNS timestamptz STABLE LANGUAGE sql AS 'SELECT now() + $1 * interval ''1 day''';
CREATE FUNCTION how_many() RETURNS bigint STABLE LANGUAGE sql AS 'SELECT count(*) FROM todos';
CREATE MATERIALIZED VIEW kept AS SELECT mood, count(*) FROM todos GROUP BY mood;
CREATE VIEW chances AS SELECT id, random() AS chance FROM todos;
CREATE VIEW by_place AS SELECT id, ctid AS place FROM todos;
