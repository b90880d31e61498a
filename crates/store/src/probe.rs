//! Whether a store is fit for the gate, in one line that a person can act on.

use crate::link::Row;
use crate::{Admin, ServerVersion, StoreError};
use model::TlsMode;
use model::partition::quote_identifier as ident;

/// One row about the server, the role and the database.
const QUESTIONS: &str = "SELECT r.rolsuper, r.rolcreaterole, r.rolcreatedb, r.rolinherit,
  pg_has_role(d.datdba, 'USAGE'), pg_get_userbyid(d.datdba), has_database_privilege(d.oid, 'CREATE'),
  current_setting('password_encryption'), pg_is_in_recovery(), current_user, session_user,
  EXISTS (SELECT FROM pg_namespace n, aclexplode(n.nspacl) a
    WHERE n.nspname = 'public' AND a.grantee = 0 AND a.privilege_type = 'CREATE')
FROM pg_roles r, pg_database d WHERE r.rolname = current_user AND d.datname = current_database()";

/// What a store is like, as its admin sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The server's version.
    pub version: ServerVersion,
    /// How the connection is protected.
    pub tls: TlsMode,
    /// The admin's role.
    pub role: String,
    /// Database.
    pub database: String,
    /// Owner of the database.
    pub owner: String,
    /// The admin is a superuser: it works, and is more than the gate should have.
    pub superuser: bool,
    /// The admin may create roles.
    pub createrole: bool,
    /// The admin may create databases (needed for database partitions only).
    pub createdb: bool,
    /// The admin's role has INHERIT (needed up to 15 only).
    pub inherit: bool,
    /// The admin is the owner of the database, or a member of its owner.
    pub owns_database: bool,
    /// The admin may create schemas in the database.
    pub create_in_database: bool,
    /// The server is a replica.
    pub read_only: bool,
    /// The server's `password_encryption`.
    pub password_encryption: String,
    /// Everybody may create objects in schema `public`, as was usual up to 14.
    pub public_is_open: bool,
    /// Names of the extensions that could be created, sorted.
    pub extensions: Vec<String>,
}

/// Asks the store what [`Report`] says. Changes nothing.
///
/// # Errors
/// Those of a lost connection. Cancel-safe.
pub async fn probe(admin: &Admin) -> Result<Report, StoreError> {
    let link = admin.link();
    let rows = link.rows("say what it is like", &format!("ROLLBACK; {QUESTIONS}")).await?;
    let row = rows.into_iter().next().unwrap_or_default();
    let sql = "SELECT name FROM pg_available_extensions ORDER BY 1";
    let extensions = link.rows("list its extensions", sql).await?.into_iter().flatten().flatten().collect();
    Ok(Report::read(admin, &row, extensions))
}

impl Report {
    fn read(admin: &Admin, row: &Row, extensions: Vec<String>) -> Self {
        let text = |at: usize| row.get(at).cloned().flatten().unwrap_or_default();
        let yes = |at: usize| text(at) == "t";
        let endpoint = admin.endpoint();
        Self {
            version: admin.version(),
            tls: if endpoint.host.starts_with('/') { TlsMode::Disable } else { endpoint.tls },
            role: text(9),
            database: endpoint.database.to_string(),
            owner: text(5),
            superuser: yes(0),
            createrole: yes(1) || yes(0),
            createdb: yes(2) || yes(0),
            inherit: yes(3),
            owns_database: yes(4),
            create_in_database: yes(6),
            read_only: yes(8),
            password_encryption: text(7),
            public_is_open: yes(11),
            extensions,
        }
    }

    /// What keeps the gate from working here; the gravest only.
    #[must_use]
    pub fn problem(&self) -> Option<StoreError> {
        let (role, database) = (ident(&self.role), ident(&self.database));
        let rights = |missing: String, sql: String| {
            Some(StoreError::Rights { missing, hint: format!("let a superuser run: {sql}") })
        };
        if self.read_only {
            return Some(StoreError::Rights {
                missing: "the server is a read-only replica".into(),
                hint: "give the primary server's host and port".into(),
            });
        }
        if !self.createrole {
            let sql = format!("ALTER ROLE {role} CREATEROLE");
            return rights(format!("role {:?} may not create roles", self.role), sql);
        }
        if !self.owns_database {
            let missing = format!(
                "role {:?} does not own database {:?}, {:?} does",
                self.role, self.database, self.owner
            );
            return rights(missing, format!("ALTER DATABASE {database} OWNER TO {role}"));
        }
        if !self.create_in_database {
            let missing =
                format!("role {:?} may not create schemas in database {:?}", self.role, self.database);
            return rights(missing, format!("GRANT CREATE ON DATABASE {database} TO {role}"));
        }
        if !self.inherit && !self.superuser && !self.version.has_membership_options() {
            let missing = format!("role {:?} does not inherit the rights of roles it is in", self.role);
            return rights(missing, format!("ALTER ROLE {role} INHERIT"));
        }
        None
    }

    /// What works and had better be otherwise.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.superuser {
            warnings.push(format!(
                "role {:?} is a superuser: give the gate one with CREATEROLE that owns the database",
                self.role
            ));
        }
        if self.tls == TlsMode::Require {
            warnings.push("sslmode=require does not check who answers: prefer verify-full".into());
        }
        if self.password_encryption != "scram-sha-256" {
            warnings.push(format!(
                "password_encryption is {:?}: set scram-sha-256 on the server",
                self.password_encryption
            ));
        }
        if self.public_is_open {
            warnings.push(
                "everybody may create in schema public: REVOKE CREATE ON SCHEMA public FROM PUBLIC".into(),
            );
        }
        warnings
    }

    /// The report on one line: the problem, or that all is well and the warnings.
    #[must_use]
    pub fn one_line(&self) -> String {
        if let Some(problem) = self.problem() {
            return problem.to_string();
        }
        let databases = if self.createdb { ", database partitions possible" } else { "" };
        let mut line = format!(
            "ready: PostgreSQL {}, sslmode={}, {} owns {}{databases}",
            self.version,
            self.tls.as_str(),
            self.role,
            self.database
        );
        for warning in self.warnings() {
            line += "; warning: ";
            line += &warning;
        }
        line
    }
}
