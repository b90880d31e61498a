//! A Postgres with the same partition in two databases: alone in one, among others' things in the other.

use scratch::{Binaries, Options, Server};
use std::collections::BTreeMap;

/// The partition's schema.
pub(crate) const SCHEMA: &str = "stuff_todo_0a1b2c3d";

/// What a service makes; `tables` more of one kind, to make the catalog as big as others' are.
fn partition(schema: &str, word: &str, tables: u32) -> String {
    format!(
        "SET search_path = {schema};
CREATE TYPE {word}mood AS ENUM ('sad', 'ok');
CREATE DOMAIN {word}email AS text CHECK (value LIKE '%@%');
CREATE FUNCTION {word}twice(a int) RETURNS int LANGUAGE sql AS 'SELECT a * 2';
CREATE TABLE {word}lists (id serial PRIMARY KEY, title text NOT NULL UNIQUE);
CREATE TABLE {word}todos (
  id bigserial PRIMARY KEY, list int REFERENCES {word}lists ON DELETE CASCADE, title varchar(80) DEFAULT 'new',
  mood {word}mood, email {word}email, done bool NOT NULL DEFAULT false, CHECK (length(title) > 0));
CREATE INDEX {word}todos_done ON {word}todos (done) WHERE NOT done;
CREATE STATISTICS {word}statistics ON list, done FROM {word}todos;
CREATE VIEW {word}open AS SELECT id, title FROM {word}todos WHERE NOT done;
CREATE MATERIALIZED VIEW {word}counts AS SELECT list, count(*) AS n FROM {word}todos GROUP BY list;
CREATE FUNCTION {word}stamp() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
CREATE TRIGGER {word}stamps BEFORE INSERT ON {word}todos FOR EACH ROW EXECUTE FUNCTION {word}stamp();
CREATE COLLATION {word}plain (locale = 'C');
CREATE TEXT SEARCH CONFIGURATION {word}words (COPY = pg_catalog.simple);
CREATE OPERATOR === (LEFTARG = int, RIGHTARG = int, FUNCTION = int4eq);
COMMENT ON TABLE {word}todos IS 'what is to be done';
DO 'BEGIN FOR i IN 1..{tables} LOOP
  EXECUTE format(''CREATE TABLE {word}t%s (id serial PRIMARY KEY, list int REFERENCES {word}lists)'', i);
END LOOP; END';\n"
    )
}

/// Everything in the schema becomes the service's.
fn given() -> String {
    format!(
        "GRANT USAGE, CREATE ON SCHEMA {SCHEMA} TO p_todo;
DO 'DECLARE r record; BEGIN
  FOR r IN SELECT c.oid::regclass AS name FROM pg_class c LEFT JOIN pg_depend d ON d.objid = c.oid AND d.deptype = ''a''
    AND d.classid = ''pg_class''::regclass AND c.relkind = ''S''
    WHERE c.relnamespace = ''{SCHEMA}''::regnamespace AND c.relkind IN (''r'', ''v'', ''m'', ''S'') AND d.objid IS NULL
  LOOP EXECUTE format(''ALTER TABLE %s OWNER TO p_todo'', r.name); END LOOP;
END';\n"
    )
}

pub(crate) struct Store {
    server: Server,
}

impl Store {
    /// With `tables` tables more in each schema.
    pub(crate) fn with_tables(tables: u32) -> Self {
        let binaries = Binaries::find().unwrap_or_else(|error| panic!("{error}"));
        let server = Server::start(&binaries, Options::default()).unwrap_or_else(|error| panic!("{error}"));
        let store = Self { server };
        store.run("postgres", "CREATE ROLE p_todo; CREATE DATABASE alone; CREATE DATABASE crowded;");
        let own = format!("CREATE SCHEMA {SCHEMA};\n{}{}", partition(SCHEMA, "", tables), given());
        store.run("alone", &format!("DROP SCHEMA public; {own}"));
        store.run("crowded", &own);
        for schema in ["stuff_chat_99999999", "hidden", "public"] {
            let others = partition(schema, "hidden_", tables);
            let open = format!("GRANT ALL ON ALL TABLES IN SCHEMA {schema} TO PUBLIC; ANALYZE hidden_todos;");
            store.run("crowded", &format!("CREATE SCHEMA IF NOT EXISTS {schema};\n{others}{open}"));
        }
        store
    }

    /// What psql prints.
    pub(crate) fn run(&self, database: &str, script: &str) -> String {
        self.server.sql(database, script).unwrap_or_else(|error| panic!("{error}"))
    }

    /// What the service sees of each statement, by the statement's number.
    pub(crate) fn seen(&self, database: &str, statements: &[String]) -> BTreeMap<usize, String> {
        let mut script =
            format!("SET SESSION AUTHORIZATION p_todo; SET search_path = {SCHEMA}, extensions;\n");
        for (number, statement) in statements.iter().enumerate() {
            script += &format!("\\echo @{number}\n{statement};\n");
        }
        let printed = self.run(database, &script);
        let parts = printed.split('@').filter_map(|part| part.split_once('\n'));
        parts.filter_map(|(number, rows)| Some((number.parse().ok()?, rows.to_owned()))).collect()
    }
}
