-- Whoever has no mapping of their own, or another's name with the wrong secret, reads nothing.
CREATE SERVER wrong FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host :'host', port :'port', dbname :'database');
CREATE FOREIGN TABLE service.wrong (id int) SERVER wrong OPTIONS (schema_name 'public', table_name 'todos');
\set VERBOSITY sqlstate
SELECT count(*) FROM service.wrong;
CREATE USER MAPPING FOR CURRENT_USER SERVER wrong OPTIONS (user :'user', password :'other_secret');
SELECT count(*) FROM service.wrong;
DROP SERVER first_stuff CASCADE;
DROP SERVER second_stuff CASCADE;
DROP SERVER wrong CASCADE;
DROP SCHEMA service, alice, bob CASCADE;
DROP TYPE public.mood;
SELECT count(*) FROM pg_class WHERE relkind = 'f';
