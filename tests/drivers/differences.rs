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

/// Sorted by test.
pub(crate) const DIFFERENCES: &[Difference] = &[
    Difference { test: "asyncpg", case: "hstore", target: Target::Schema, reason: HSTORE },
    Difference { test: "perl_dbd_pg", case: "schemas", target: Target::Schema, reason: EXTENSIONS },
    Difference { test: "pgjdbc", case: "schemas", target: Target::Schema, reason: EXTENSIONS },
    Difference { test: "pgx", case: "schemas", target: Target::Schema, reason: EXTENSIONS },
    Difference { test: "php_pdo_pgsql", case: "schemas", target: Target::Schema, reason: EXTENSIONS },
    Difference { test: "php_pgsql", case: "schemas", target: Target::Schema, reason: EXTENSIONS },
    Difference { test: "psycopg_3", case: "schemas", target: Target::Schema, reason: EXTENSIONS },
    Difference { test: "ruby_pg", case: "schemas", target: Target::Schema, reason: EXTENSIONS },
    Difference { test: "sqlalchemy", case: "schemas", target: Target::Schema, reason: EXTENSIONS },
];
