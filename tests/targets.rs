//! The places that a client's program is run against: plain Postgres, and both kinds of partition.

#![allow(clippy::panic, clippy::unwrap_used)]

use crate::plan::WorldPlan;
use crate::world::{SERVICE, World, secret_of};
use testkit::scratch::{Account, HOST, Options};

/// The role on plain Postgres, named as the gate names a partition's roles so that one pattern finds both.
pub const PLAIN_ROLE: &str = "p_todo_00000000";
/// The role of a second plain database, which has its name.
const SECOND_PLAIN_ROLE: &str = "p_todo_00000001";
/// What services declare that need more than Postgres brings by itself; all of them are trusted, so that
/// a database's owner may install them on plain Postgres.
const EXTENSIONS: [&str; 8] =
    ["btree_gin", "btree_gist", "citext", "hstore", "ltree", "pg_trgm", "pgcrypto", "uuid-ossp"];

/// Where a program is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// A database of plain Postgres.
    Plain,
    /// Through the gate, in a schema partition.
    Schema,
    /// Through the gate, in a database partition.
    Database,
}

impl Target {
    /// Both that are reached through the gate.
    pub const OF_THE_GATE: [Self; 2] = [Self::Schema, Self::Database];

    /// Its word, as in `docs/compatibility.md`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Plain => "plain Postgres",
            Self::Schema => "schema partition",
            Self::Database => "database partition",
        }
    }

    /// Whom a program is run for there: two users at once where there is the gate, the first of them
    /// where there is not.
    #[must_use]
    pub fn logins(self) -> &'static [&'static str] {
        match self {
            Self::Plain => &[PLAIN_ROLE, SECOND_PLAIN_ROLE],
            Self::Schema => &["alice", "bob"],
            Self::Database => &["carol", "dave"],
        }
    }
}

/// Programs and their servers share a few cores with other tests: a store may be slow to confirm what it is told.
const PATIENT: &str = "[pool]\nreset_timeout_ms = 20000\nconnect_timeout_ms = 20000\nwait_timeout_ms = 30000";

/// One Postgres server with all of them, and a gate. Dropping it leaves nothing behind.
pub struct Targets {
    world: World,
}

impl Targets {
    /// Starts it: two users with each kind of partition, and plain databases beside their stores. The
    /// service declares extensions, and the plain databases have them.
    #[must_use]
    pub fn start() -> Self {
        Self::with(&EXTENSIONS)
    }

    /// The same without extensions.
    #[must_use]
    pub fn bare() -> Self {
        Self::with(&[])
    }

    fn with(extensions: &[&str]) -> Self {
        let users = Target::OF_THE_GATE.iter().flat_map(|target| target.logins()).copied();
        let mut world = WorldPlan::default()
            .users(users)
            .in_databases(Target::Database.logins().iter().copied())
            .extensions(extensions.iter().copied())
            .settings(PATIENT)
            .options(Options { conf: vec!["max_prepared_transactions = 10".into()], ..Options::default() })
            .start();
        let server = world.server("alice");
        let extensions: String =
            extensions.iter().map(|name| format!("CREATE EXTENSION \"{name}\";\n")).collect();
        for login in Target::Plain.logins() {
            let account = plain(login);
            let script = format!("ALTER SCHEMA public OWNER TO {login};\nSET ROLE {login};\n{extensions}");
            let made = server.create(std::slice::from_ref(&account));
            let made = made.and_then(|()| server.sql(&account.database, &script));
            made.unwrap_or_else(|error| panic!("{error}"));
        }
        Self { world }
    }

    /// What one of a target's logins connects with, secret included.
    #[must_use]
    pub fn url(&mut self, target: Target, login: &str) -> String {
        match target {
            Target::Plain => plain(login).url(self.world.server("alice")),
            Target::Schema | Target::Database => self.world.url(login),
        }
    }

    /// The environment that tells an ordinary program where its database is.
    #[must_use]
    pub fn environment(&mut self, target: Target, login: &str) -> [(&'static str, String); 6] {
        let (port, database) = match target {
            Target::Plain => (self.world.server("alice").port(), plain(login).database),
            Target::Schema | Target::Database => (self.world.gate.port(), SERVICE.to_owned()),
        };
        [
            ("DATABASE_URL", self.url(target, login)),
            ("PGHOST", HOST.to_owned()),
            ("PGPORT", port.to_string()),
            ("PGUSER", login.to_owned()),
            ("PGPASSWORD", secret_of(login)),
            ("PGDATABASE", database),
        ]
    }

    /// The gate and the stores.
    #[must_use]
    pub fn world(&self) -> &World {
        &self.world
    }

    /// Reads directly what a program left for one of a target's logins, as superuser.
    #[must_use]
    pub fn direct(&mut self, target: Target, login: &str, sql: &str) -> String {
        if target != Target::Plain {
            return self.world.direct(login, sql);
        }
        let database = plain(login).database;
        self.world.server("alice").sql(&database, sql).unwrap_or_else(|error| panic!("{error}"))
    }
}

/// The role that owns a plain database, as a service's role does.
fn plain(role: &str) -> Account {
    let database = if role == PLAIN_ROLE { SERVICE } else { role };
    Account { role: role.into(), password: secret_of(role), database: database.into(), create_role: false }
}
