//! Throw-away stores to try things on, one per major.

use aws_lc_rs::{digest, hmac, pbkdf2};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use model::{Endpoint, Partition, TlsMode};
use scratch::{Binaries, Options, Server};
use secrecy::SecretString;
use std::num::NonZeroU32;
use std::process::Command;
use std::time::{Duration, Instant};
use store::{Admin, GrantPlan, RevokePlan, StoreError};
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

/// The store's admin, owner of the database of the same name.
pub(crate) const ADMIN: &str = "alice";
/// Password of everybody.
pub(crate) const SECRET: &str = "open sesame";

/// A server with one store in it.
pub(crate) struct Bed {
    pub(crate) server: Server,
    pub(crate) major: u32,
}

/// Runs a test on a fresh server of every major that is asked for.
pub(crate) fn on_each_major(test: &impl AsyncFn(&Bed)) {
    on_each_major_with(Options::default, test);
}

/// The same on servers of a kind.
pub(crate) fn on_each_major_with(options: impl Fn() -> Options, test: &impl AsyncFn(&Bed)) {
    let wanted = std::env::var("STUFFGATE_PG_MAJORS").unwrap_or_else(|_| "15".into());
    let majors: Vec<u32> = wanted.split(',').map(|text| text.trim().parse().expect("a major")).collect();
    assert!(!majors.is_empty());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for major in majors {
        let binaries = Binaries::of_major(major)
            .unwrap_or_else(|error| panic!("{error}; bring it with: tests/fetch-postgres {major}"));
        println!("on PostgreSQL {}", binaries.version());
        let server = Server::start(&binaries, options()).unwrap();
        let bed = Bed { server, major };
        bed.add_store(ADMIN);
        runtime.block_on(test(&bed));
    }
}

impl Bed {
    /// A database and its owner, both called `name`: CREATEROLE and CREATEDB, no superuser.
    pub(crate) fn add_store(&self, name: &str) {
        self.su(
            "postgres",
            &format!("CREATE ROLE {name} LOGIN CREATEROLE CREATEDB PASSWORD '{SECRET}';\nCREATE DATABASE {name} OWNER {name};"),
        );
    }

    /// Runs a script by psql as the store's admin; whether psql was content, and what it said.
    pub(crate) fn psql(&self, script: &str) -> (bool, String) {
        let psql = self.server.binaries().program("psql");
        let url = format!("host={} port={} user={ADMIN} dbname={ADMIN}", scratch::HOST, self.server.port());
        let file =
            std::env::temp_dir().join(format!("stuffgate-{}-{}.sql", std::process::id(), self.server.port()));
        std::fs::write(&file, script).unwrap();
        let ended = Command::new(psql)
            .args(["-Xq", &url, "-f"])
            .arg(&file)
            .env("PGPASSWORD", SECRET)
            .output()
            .unwrap();
        std::fs::remove_file(&file).unwrap();
        (ended.status.success(), String::from_utf8_lossy(&ended.stderr).into_owned())
    }

    /// Takes the todo service's grant and partition away, as if they had never been.
    pub(crate) fn forget_todo(&self) {
        self.su(
            ADMIN,
            "DROP DATABASE IF EXISTS todo_db WITH (FORCE);
             DROP SCHEMA IF EXISTS todo, stuffgate_ext, stuffgate CASCADE;
             SELECT format('DROP OWNED BY %1$I CASCADE; DROP ROLE %1$I', rolname) FROM pg_roles
             WHERE rolname IN ('p_todo', 'g_todo', 'r_todo') \\gexec",
        );
    }

    /// Runs SQL as the superuser.
    pub(crate) fn su(&self, database: &str, sql: &str) -> String {
        self.server.sql(database, sql).unwrap()
    }

    pub(crate) fn endpoint(&self, database: &str) -> Endpoint {
        Endpoint {
            host: scratch::HOST.into(),
            port: self.server.port(),
            database: database.into(),
            tls: TlsMode::Disable,
            ca: None,
        }
    }

    pub(crate) async fn admin(&self) -> Admin {
        self.admin_of(ADMIN).await
    }

    pub(crate) async fn admin_of(&self, name: &str) -> Admin {
        Admin::connect(&self.endpoint(name), name, &secret(), soon()).await.unwrap()
    }

    /// A session of a role in the store's database.
    pub(crate) async fn session(&self, role: &str) -> Session {
        self.session_in(ADMIN, role).await.unwrap()
    }

    pub(crate) async fn session_in(
        &self,
        database: &str,
        role: &str,
    ) -> Result<Session, tokio_postgres::Error> {
        let (client, connection) = tokio_postgres::Config::new()
            .host(scratch::HOST)
            .port(self.server.port())
            .user(role)
            .password(SECRET)
            .dbname(database)
            .connect(NoTls)
            .await?;
        tokio::spawn(connection);
        Ok(Session(client))
    }

    /// All that a grant leaves in the catalog of a database, in words: roles, memberships, settings,
    /// rights, comments.
    pub(crate) fn imprint(&self, database: &str) -> String {
        self.su(database, include_str!("imprint.sql"))
    }
}

/// A service's session, straight to the store.
pub(crate) struct Session(pub(crate) Client);

impl Session {
    /// First column of every row, or the SQLSTATE of the refusal.
    pub(crate) async fn ask(&self, sql: &str) -> Result<Vec<String>, String> {
        match self.0.simple_query(sql).await {
            Ok(messages) => Ok(messages
                .into_iter()
                .filter_map(|message| match message {
                    SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
                    _ => None,
                })
                .collect()),
            Err(error) => Err(error.code().map_or("closed".into(), |code| code.code().to_owned())),
        }
    }

    pub(crate) async fn one(&self, sql: &str) -> String {
        self.ask(sql).await.unwrap_or_else(|state| panic!("{sql}: {state}")).remove(0)
    }

    pub(crate) async fn run(&self, sql: &str) {
        self.ask(sql).await.unwrap_or_else(|state| panic!("{sql}: {state}"));
    }

    pub(crate) async fn refused(&self, sql: &str) -> String {
        self.ask(sql).await.err().unwrap_or_else(|| panic!("{sql} was let through"))
    }
}

pub(crate) fn secret() -> SecretString {
    SECRET.to_owned().into()
}

/// A deadline that an honest server on this machine meets.
pub(crate) fn soon() -> Instant {
    Instant::now() + Duration::from_secs(60)
}

/// A grant to a service as the gate would make it.
pub(crate) fn grant(service: &str) -> GrantPlan {
    GrantPlan {
        operation: format!("grant {service}"),
        service: service.into(),
        database: ADMIN.into(),
        partition: Partition::Schema { schema: service.into(), extensions: "stuffgate_ext".into() },
        owner_role: format!("p_{service}"),
        login_role: format!("g_{service}"),
        reader_role: format!("r_{service}"),
        login_verifier: verifier(SECRET),
        reader_verifier: verifier(SECRET),
        connection_limit: None,
        valid_until: None,
        extensions: Vec::new(),
    }
}

/// The end of that grant.
pub(crate) fn end_of(plan: &GrantPlan) -> RevokePlan {
    RevokePlan {
        operation: plan.operation.replace("grant", "revoke"),
        database: plan.database.clone(),
        partition: plan.partition.clone(),
        owner_role: plan.owner_role.clone(),
        login_role: plan.login_role.clone(),
        reader_role: Some(plan.reader_role.clone()),
    }
}

/// Provisions on a connection of its own.
pub(crate) async fn provision(bed: &Bed, plan: &GrantPlan) -> Result<store::Provisioned, StoreError> {
    store::provision(&bed.admin().await, plan).await
}

/// Revokes on a connection of its own.
pub(crate) async fn revoke(bed: &Bed, plan: &RevokePlan) -> Result<store::Revoked, StoreError> {
    store::revoke(&bed.admin().await, plan).await
}

/// A verifier as Postgres writes it (RFC 5802, section 3).
pub(crate) fn verifier(secret: &str) -> String {
    let (salt, rounds) = ([9; 16], 4096);
    let mut salted = [0; 32];
    let iterations = NonZeroU32::new(rounds).unwrap();
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, iterations, &salt, secret.as_bytes(), &mut salted);
    let key = |name: &str| {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &salted);
        hmac::sign(&key, name.as_bytes())
    };
    let stored = digest::digest(&digest::SHA256, key("Client Key").as_ref());
    format!(
        "SCRAM-SHA-256${rounds}:{}${}:{}",
        STANDARD.encode(salt),
        STANDARD.encode(stored),
        STANDARD.encode(key("Server Key"))
    )
}
