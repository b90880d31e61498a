//! Gates with many registered stores: their registries hold copies of one user's rows, as many as wanted.

use crate::stage::{GATE_SETTINGS, USER};
use anyhow::Result;
use model::{Credential, GrantId, Sealed};
use registry::{Kek, Purpose, Sealer};
use rusqlite::{Connection, Statement, Transaction, params};
use std::fs;
use stuffgate_tests::World;
use testkit::Gate;

/// What copies are like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Copies {
    /// Registered and never used: each has a host and a role of its own, as stores have, that do not exist.
    Idle,
    /// Each leads to the one partition that there is, as a store of its own.
    Usable,
    /// Each leads to the partition's copy in a database of its own, which has the copy's [`name`].
    Databases,
}

/// The name of a copy's user.
pub(crate) fn name(number: usize) -> String {
    format!("copy{number:06}")
}

/// A gate, not yet started, whose registry is a world's with `count` stores more.
pub(crate) fn gate_with(world: &World, settings: &str, count: usize, copies: Copies) -> Result<Gate> {
    let gate = gate_like(world, settings)?;
    change(&gate, |transaction, sealer| {
        Template::of(transaction, sealer)?.copy(transaction, sealer, count, copies)
    })?;
    Ok(gate)
}

/// The same where all stores are said to be on another port and the new ones to take `secret`: a scripted
/// server's.
pub(crate) fn gate_with_scripted(
    world: &World,
    settings: &str,
    count: usize,
    (port, secret): (u16, &str),
) -> Result<Gate> {
    let gate = gate_like(world, settings)?;
    change(&gate, |transaction, sealer| {
        let credential = Credential::Password(secret.into());
        let template = Template { credential, ..Template::of(transaction, sealer)? };
        template.copy(transaction, sealer, count, Copies::Usable)?;
        transaction.execute("UPDATE stores SET port = ?1", params![port])?;
        Ok(())
    })?;
    Ok(gate)
}

/// Changes a registry in one transaction, and leaves no log of it: nobody follows it yet.
fn change(gate: &Gate, write: impl FnOnce(&Transaction<'_>, &Sealer) -> Result<()>) -> Result<()> {
    let mut connection = Connection::open(gate.folder().join("registry.db"))?;
    let transaction = connection.transaction()?;
    write(&transaction, &Sealer::new(Kek::from_file(&gate.folder().join("kek"))?))?;
    transaction.execute("DELETE FROM changes WHERE version < (SELECT max(version) FROM changes)", [])?;
    Ok(transaction.commit()?)
}

/// A gate, not yet started, that knows one store only.
pub(crate) fn gate_with_one(world: &World, settings: &str) -> Result<Gate> {
    let gate = gate_like(world, settings)?;
    let connection = Connection::open(gate.folder().join("registry.db"))?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.execute("DELETE FROM users WHERE name <> ?1", params![USER])?;
    Ok(gate)
}

fn gate_like(world: &World, settings: &str) -> Result<Gate> {
    let mut gate = Gate::init(GATE_SETTINGS)?;
    gate.configure(settings)?;
    let (from, to) = (world.gate.folder(), gate.folder());
    for file in ["registry.db", "registry.db-wal", "registry.db-shm", "kek"] {
        let _ = fs::remove_file(to.join(file));
    }
    fs::copy(from.join("kek"), to.join("kek"))?;
    let to = to.join("registry.db");
    Connection::open(from.join("registry.db"))?.execute("VACUUM INTO ?1", params![to.to_string_lossy()])?;
    fs::set_permissions(&to, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    Ok(gate)
}

/// The rows that are copied: numbers of one user's grant, store, partition and login, and the secrets.
struct Template {
    grant: i64,
    store: i64,
    partition: i64,
    login: i64,
    credential: Credential,
    reader: Credential,
}

impl Template {
    fn of(transaction: &Transaction<'_>, sealer: &Sealer) -> Result<Self> {
        let sql = "SELECT grants.id, grants.store_id, partition_id, logins.id, credential, reader_credential FROM grants \
                   JOIN users ON users.id = grants.user_id JOIN logins ON logins.user_id = users.id \
                   WHERE users.name = ?1 AND state = 'active'";
        let row = |row: &rusqlite::Row<'_>| {
            let numbers = (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
            Ok((numbers, row.get::<_, String>(4)?, row.get::<_, String>(5)?))
        };
        let ((grant, store, partition, login), own, reader) = transaction.query_row(sql, [USER], row)?;
        let open = |purpose, sealed: String| sealer.open_credential(purpose, &Sealed::from_text(sealed));
        let credential = open(Purpose::GrantLogin(GrantId(grant)), own)?;
        let reader = open(Purpose::GrantReader(GrantId(grant)), reader)?;
        Ok(Self { grant, store, partition, login, credential, reader })
    }

    fn copy(&self, to: &Transaction<'_>, sealer: &Sealer, count: usize, copies: Copies) -> Result<()> {
        let mut inserts = Inserts::prepare(to)?;
        for number in 1..=count {
            let name = name(number);
            let idle = copies == Copies::Idle;
            let host = idle.then(|| format!("store-{number:06}.example.net"));
            let role = idle.then(|| format!("g_todo_{number:08x}"));
            let user = inserts.user.insert(params![name])?;
            inserts.login.insert(params![name, user, self.login])?;
            let database = (copies == Copies::Databases).then_some(&name);
            let store = inserts.store.insert(params![user, host, self.store, database])?;
            let partition = inserts.partition.insert(params![store, self.partition])?;
            let grant = inserts.grant.insert(params![user, store, partition, role, self.grant])?;
            // A secret is sealed for one row only.
            let id = GrantId(grant);
            let sealed = sealer.seal_credential(Purpose::GrantLogin(id), &self.credential)?;
            let reader = sealer.seal_credential(Purpose::GrantReader(id), &self.reader)?;
            inserts.seal.execute(params![grant, sealed.as_text(), reader.as_text()])?;
        }
        Ok(())
    }
}

/// A statement for each kind of row.
struct Inserts<'t> {
    user: Statement<'t>,
    login: Statement<'t>,
    store: Statement<'t>,
    partition: Statement<'t>,
    grant: Statement<'t>,
    seal: Statement<'t>,
}

impl<'t> Inserts<'t> {
    fn prepare(to: &'t Transaction<'_>) -> Result<Self> {
        Ok(Self {
            user: to.prepare("INSERT INTO users (name) VALUES (?1)")?,
            login: to.prepare(
                "INSERT INTO logins (name, kind, user_id, verifier) \
                 SELECT ?1, kind, ?2, verifier FROM logins WHERE id = ?3",
            )?,
            store: to.prepare(
                "INSERT INTO stores (user_id, host, port, database, tls, ca, admin_role, admin_credential) \
                 SELECT ?1, coalesce(?2, host), port, coalesce(?4, database), tls, ca, admin_role, admin_credential \
                 FROM stores WHERE id = ?3",
            )?,
            partition: to.prepare(
                "INSERT INTO partitions (store_id, service, kind, schema, extensions, database, owner_role) \
                 SELECT ?1, service, kind, schema, extensions, database, owner_role FROM partitions WHERE id = ?2",
            )?,
            grant: to.prepare(
                "INSERT INTO grants (user_id, service_id, store_id, partition_id, role, credential, reader_role, \
                 reader_credential, state) SELECT ?1, service_id, ?2, ?3, coalesce(?4, role), '', reader_role, \
                 reader_credential, state FROM grants WHERE id = ?5",
            )?,
            seal: to.prepare("UPDATE grants SET credential = ?2, reader_credential = ?3 WHERE id = ?1")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Client;
    use crate::scram::Keys;
    use crate::target::Target;
    use stuffgate_tests::{SERVICE, WorldPlan, secret_of};
    use testkit::scratch::HOST;

    fn target(gate: &Gate, user: &str) -> Target {
        Target {
            name: user.to_owned(),
            pid: gate.pid(),
            host: HOST.to_owned(),
            port: gate.port(),
            user: user.to_owned(),
            password: secret_of(USER),
            database: SERVICE.to_owned(),
            options: String::new(),
        }
    }

    #[test]
    fn copies_of_a_store_can_be_logged_in_to_and_the_only_one_has_none() {
        let world = WorldPlan::default().users([USER]).start();
        let mut many = gate_with(&world, "", 2, Copies::Usable).unwrap();
        let mut one = gate_with_one(&world, "").unwrap();
        many.start().unwrap();
        one.start().unwrap();
        for user in [USER, &name(1), &name(2)] {
            let mut client = Client::connect(&target(&many, user), &mut Keys::default()).unwrap();
            client.simple("SELECT 1").unwrap();
        }
        assert!(Client::connect(&target(&one, &name(1)), &mut Keys::default()).is_err());
        Client::connect(&target(&one, USER), &mut Keys::default()).unwrap().simple("SELECT 1").unwrap();
    }
}
