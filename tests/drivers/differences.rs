//! Where a client may see something else through the gate than on plain Postgres, and why.

use stuffgate_tests::Target;

/// One case of one client that differs. A difference that does not occur is an error as well.
pub(crate) struct Difference {
    /// The client's test.
    pub(crate) test: &'static str,
    /// The case that differs.
    pub(crate) case: &'static str,
    /// Where; [`Target::Plain`] allows an ERROR that plain Postgres gives too.
    pub(crate) target: Target,
    /// Why, in words for docs/compatibility.md.
    pub(crate) reason: &'static str,
}

const EXTENSIONS: &str =
    "extensions live in a schema of their own, `extensions`, which is there beside `public`";

/// The type is looked for by the name of its schema, which asyncpg takes to be `public` unless told.
const HSTORE: &str = "`set_builtin_type_codec` must be told where the type is: `schema='extensions'`";

/// sqlx's checks at compile time run SQL's EXECUTE on what the protocol prepared.
const EXECUTE: &str = "SQL's `EXECUTE` does not know statements that the protocol prepared: `query!` and \
                       `cargo sqlx prepare` need a database of the developer's own";

/// A partition's role may become, but is no member of, the login that the gate connects with.
const BACKENDS: &str =
    "`pg_cancel_backend` is refused: server processes are the gate's; cancel requests work";

const NO_POSTGRES: &str =
    "`psql -l` connects to the database `postgres`, and a database's name is a service's name here";
const READER: &str = "a partition has a role that may read it, which listings of privileges show";

/// `current_database()` and the catalog's columns for it are the store's; the URL names the service.
const DATABASE_NAME: &str = "in a database partition nothing is rewritten: the database has a name of its own, not \
                             the one in the URL";

const OWN_SCHEMA: &str =
    "`CREATE SCHEMA` is for database partitions (42501); set `migrationsSchema: 'public'`";

const QUEUE_SCHEMA: &str = "`CREATE SCHEMA` is for database partitions (42501); set `schema: 'public'`";

/// Knex gives the process id that it was told at login to `pg_cancel_backend`.
const PROCESS_ID: &str = "the process id that a client is told is the gate's, so `timeout` with `cancel` cancels \
                          nothing in the server; `statement_timeout` works";

const STORED_NAME: &str = "TypeORM notes a view's schema in a table and joins that with the catalog, inside the \
                           server: synchronize proposes the view again; make views in migrations";

/// What type a function's argument has is known in the server alone.
const ARGUMENT: &str = "`f('public.t')` where `f` is the service's own and takes a `regclass`: say `'t'`, or \
                        `'public.t'::regclass`";

const DUMPED_TOO: &str =
    "the gate's comment on the partition's schema is dumped too; `--no-comments` leaves it out";

/// Sorted by test.
pub(crate) const DIFFERENCES: &[Difference] = &[
    Difference { test: "asyncpg", case: "hstore", target: Target::Schema, reason: HSTORE },
    Difference { test: "diesel", case: "regclass_argument", target: Target::Schema, reason: ARGUMENT },
    Difference { test: "drizzle", case: "own_schema", target: Target::Schema, reason: OWN_SCHEMA },
    Difference { test: "graphile_worker", case: "own_schema", target: Target::Schema, reason: QUEUE_SCHEMA },
    Difference { test: "knex", case: "cancel", target: Target::Database, reason: PROCESS_ID },
    Difference { test: "knex", case: "cancel", target: Target::Schema, reason: PROCESS_ID },
    Difference { test: "node_postgres", case: "cancel_backend", target: Target::Database, reason: BACKENDS },
    Difference { test: "node_postgres", case: "cancel_backend", target: Target::Schema, reason: BACKENDS },
    Difference { test: "node_postgres", case: "schemas", target: Target::Schema, reason: EXTENSIONS },
    Difference { test: "pg_boss", case: "own_schema", target: Target::Schema, reason: QUEUE_SCHEMA },
    Difference { test: "pg_dump", case: "dump", target: Target::Schema, reason: DUMPED_TOO },
    Difference { test: "pg_dump", case: "dump_custom", target: Target::Schema, reason: DUMPED_TOO },
    Difference { test: "pg_dump", case: "privileges", target: Target::Database, reason: READER },
    Difference { test: "pg_dump", case: "privileges", target: Target::Schema, reason: READER },
    Difference { test: "pgx", case: "schemas", target: Target::Schema, reason: EXTENSIONS },
    Difference { test: "php_pdo_pgsql", case: "schemas", target: Target::Schema, reason: EXTENSIONS },
    Difference { test: "php_pgsql", case: "schemas", target: Target::Schema, reason: EXTENSIONS },
    Difference { test: "psql", case: "databases", target: Target::Database, reason: NO_POSTGRES },
    Difference { test: "psql", case: "databases", target: Target::Schema, reason: NO_POSTGRES },
    Difference { test: "psql", case: "privileges", target: Target::Database, reason: READER },
    Difference { test: "psql", case: "privileges", target: Target::Schema, reason: READER },
    Difference { test: "psql", case: "schemas", target: Target::Schema, reason: EXTENSIONS },
    Difference { test: "psycopg_3", case: "schemas", target: Target::Schema, reason: EXTENSIONS },
    Difference { test: "ruby_pg", case: "schemas", target: Target::Schema, reason: EXTENSIONS },
    Difference { test: "sequelize", case: "alter", target: Target::Database, reason: DATABASE_NAME },
    Difference { test: "sequelize", case: "foreign_keys", target: Target::Database, reason: DATABASE_NAME },
    Difference { test: "sqlx", case: "cancel_backend", target: Target::Database, reason: BACKENDS },
    Difference { test: "sqlx", case: "cancel_backend", target: Target::Schema, reason: BACKENDS },
    Difference { test: "sqlx", case: "describe", target: Target::Database, reason: EXECUTE },
    Difference { test: "sqlx", case: "describe", target: Target::Schema, reason: EXECUTE },
    Difference { test: "tokio_postgres", case: "schemas", target: Target::Schema, reason: EXTENSIONS },
    Difference { test: "typeorm", case: "database", target: Target::Database, reason: DATABASE_NAME },
    Difference { test: "typeorm", case: "view", target: Target::Schema, reason: STORED_NAME },
];
