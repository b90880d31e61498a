CREATE SCHEMA service;
CREATE TABLE service.regions (n int PRIMARY KEY, name text);
INSERT INTO service.regions VALUES (0, 'north'), (1, 'south'), (2, 'east');
CREATE TYPE service.mood AS ENUM ('low', 'high');
CREATE SERVER first_stuff FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host :'host', port :'port', dbname :'database');
CREATE SERVER second_stuff FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host :'host', port :'other_port', dbname :'other_database');
CREATE USER MAPPING FOR CURRENT_USER SERVER first_stuff OPTIONS (user :'user', password :'secret');
CREATE USER MAPPING FOR CURRENT_USER SERVER second_stuff OPTIONS (user :'other_user', password :'other_secret');
CREATE SCHEMA alice;
CREATE SCHEMA bob;
-- A type of the foreign side's is looked for here under its name there: postgres_fdw wants it in public.
CREATE TYPE public.mood AS ENUM ('low', 'high');
IMPORT FOREIGN SCHEMA public FROM SERVER first_stuff INTO alice OPTIONS (import_default 'true', import_collate 'true');
IMPORT FOREIGN SCHEMA public LIMIT TO (todos) FROM SERVER second_stuff INTO bob;
IMPORT FOREIGN SCHEMA nowhere FROM SERVER second_stuff INTO bob;
SELECT foreign_table_schema, foreign_table_name, foreign_server_name FROM information_schema.foreign_tables ORDER BY 1, 2;
SELECT ftrelid::regclass, ftoptions FROM pg_foreign_table ORDER BY 1::text;
SELECT attname, format_type(atttypid, atttypmod), attnotnull, attfdwoptions, pg_get_expr(adbin, adrelid) FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum WHERE attrelid = 'alice.todos'::regclass AND attnum > 0 ORDER BY attnum;
