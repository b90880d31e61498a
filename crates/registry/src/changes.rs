//! What changed since a version, as changes of the directory.

use crate::Result;
use crate::registry::Registry;
use crate::rows::{self, Cas};
use model::{Change, Directory, GrantId, LoginId, ServiceId, StoreId, UserId};
use rusqlite::{Connection, OptionalExtension as _, Params, params};
use std::collections::HashSet;

impl Registry {
    /// Fills an empty directory, or brings one that fell behind back in line, and tells which version it
    /// then has. Reads every row.
    ///
    /// # Errors
    /// [`crate::Error::Sqlite`]; the directory then holds part of what there is.
    pub fn load_directory(&self, directory: &Directory) -> Result<i64> {
        load(&self.connection, &mut Cas::default(), directory, &mut |change| directory.apply(change))
    }

    /// What changed since `version`, and the version that it leads to. `None` when the log does not reach
    /// back that far: [`Registry::load_directory`] again.
    ///
    /// # Errors
    /// [`crate::Error::Sqlite`].
    pub fn changes_since(&self, version: i64) -> Result<Option<(Vec<Change>, i64)>> {
        since(&self.connection, &mut Cas::default(), version)
    }
}

/// The newest version in the log. AUTOINCREMENT keeps it when the log's rows are pruned away.
fn newest(connection: &Connection) -> rusqlite::Result<i64> {
    let sql = "SELECT seq FROM sqlite_sequence WHERE name = 'changes'";
    Ok(connection.query_row(sql, [], |row| row.get(0)).optional()?.unwrap_or(0))
}

/// Hands every row over as a change, one at a time, and as gone what `directory` has and the registry has
/// not.
pub(crate) fn load(
    connection: &Connection,
    cas: &mut Cas,
    directory: &Directory,
    give: &mut dyn FnMut(&Change),
) -> Result<i64> {
    let snapshot = connection.unchecked_transaction()?;
    let version = newest(&snapshot)?;
    let mut left = Left::of(directory);
    each(&snapshot, rows::USER, [], rows::user, |user| {
        left.users.remove(&user.id);
        give(&Change::User(user));
    })?;
    each(
        &snapshot,
        rows::SERVICE,
        [],
        |row| rows::service(row, &snapshot, cas),
        |service| {
            left.services.remove(&service.id);
            give(&Change::Service(service));
        },
    )?;
    each(
        &snapshot,
        rows::STORE,
        [],
        |row| rows::store(row, &snapshot, cas),
        |store| {
            left.stores.remove(&store.id);
            give(&Change::Store(store));
        },
    )?;
    // A revoked grant is as good as none, and there may be many.
    let live = format!("{} WHERE g.state <> 'revoked'", rows::GRANT);
    each(&snapshot, &live, [], rows::grant, |grant| {
        left.grants.remove(&grant.id);
        give(&Change::Grant(grant));
    })?;
    each(&snapshot, rows::LOGIN, [], rows::login, |login| {
        left.logins.remove(&login.id);
        give(&Change::Login(login));
    })?;
    left.give_gone(give);
    Ok(version)
}

fn each<T>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    map: impl FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
    mut take: impl FnMut(T),
) -> Result<()> {
    let mut statement = connection.prepare(sql)?;
    for item in statement.query_map(params, map)? {
        take(item?);
    }
    Ok(())
}

/// What a directory had before and no row has been read of yet: at first nothing, so that it weighs nothing
/// when there is most to read.
struct Left {
    users: HashSet<UserId>,
    services: HashSet<ServiceId>,
    stores: HashSet<StoreId>,
    grants: HashSet<GrantId>,
    logins: HashSet<LoginId>,
}

impl Left {
    fn of(directory: &Directory) -> Self {
        Self {
            users: directory.user_ids().into_iter().collect(),
            services: directory.services().into_iter().map(|service| service.id).collect(),
            stores: directory.store_ids().into_iter().collect(),
            grants: directory.grant_ids().into_iter().collect(),
            logins: directory.login_ids().into_iter().collect(),
        }
    }

    fn give_gone(self, give: &mut dyn FnMut(&Change)) {
        self.logins.into_iter().for_each(|id| give(&Change::LoginGone(id)));
        self.grants.into_iter().for_each(|id| give(&Change::GrantGone(id)));
        self.stores.into_iter().for_each(|id| give(&Change::StoreGone(id)));
        self.services.into_iter().for_each(|id| give(&Change::ServiceGone(id)));
        self.users.into_iter().for_each(|id| give(&Change::UserGone(id)));
    }
}

/// What changed since `version`, each row once as it is now: what is refused first, so that a batch never
/// opens more than its end does.
pub(crate) fn since(
    connection: &Connection,
    cas: &mut Cas,
    version: i64,
) -> Result<Option<(Vec<Change>, i64)>> {
    let snapshot = connection.unchecked_transaction()?;
    let newest = newest(&snapshot)?;
    if newest == version {
        return Ok(Some((Vec::new(), newest)));
    }
    let sql = "SELECT min(version) FROM changes";
    let oldest: Option<i64> = snapshot.query_row(sql, [], |row| row.get(0))?;
    if newest < version || oldest.is_none_or(|oldest| oldest > version + 1) {
        return Ok(None);
    }
    let sql = "SELECT entity, id FROM changes WHERE version > ?1 GROUP BY entity, id ORDER BY max(version)";
    let keys =
        rows::all(&snapshot, sql, params![version], |row| Ok((row.get::<_, String>(0)?, row.get(1)?)))?;
    let mut changes = Vec::with_capacity(keys.len());
    for (entity, id) in keys {
        changes.push(change(&snapshot, &entity, id, cas)?);
    }
    changes.sort_by_key(rank);
    Ok(Some((changes, newest)))
}

/// The row as it is now, or that it is gone.
fn change(connection: &Connection, entity: &str, id: i64, cas: &mut Cas) -> Result<Change> {
    let by_id = |sql: &str, column: &str| format!("{sql} WHERE {column} = ?1");
    let key = params![id];
    Ok(match entity {
        "user" => connection
            .query_row(&by_id(rows::USER, "id"), key, rows::user)
            .optional()?
            .map_or(Change::UserGone(UserId(id)), Change::User),
        "service" => connection
            .query_row(&by_id(rows::SERVICE, "id"), key, |row| rows::service(row, connection, cas))
            .optional()?
            .map_or(Change::ServiceGone(ServiceId(id)), Change::Service),
        "store" => connection
            .query_row(&by_id(rows::STORE, "id"), key, |row| rows::store(row, connection, cas))
            .optional()?
            .map_or(Change::StoreGone(StoreId(id)), Change::Store),
        "grant" => connection
            .query_row(&by_id(rows::GRANT, "g.id"), key, rows::grant)
            .optional()?
            .map_or(Change::GrantGone(GrantId(id)), Change::Grant),
        _ => connection
            .query_row(&by_id(rows::LOGIN, "id"), key, rows::login)
            .optional()?
            .map_or(Change::LoginGone(LoginId(id)), Change::Login),
    })
}

/// What goes, goes first; then users, services and stores come before the grants and logins that name them.
fn rank(change: &Change) -> u8 {
    match change {
        Change::LoginGone(_) => 0,
        Change::GrantGone(_) => 1,
        Change::StoreGone(_) => 2,
        Change::ServiceGone(_) => 3,
        Change::UserGone(_) => 4,
        Change::User(_) => 5,
        Change::Service(_) => 6,
        Change::Store(_) => 7,
        Change::Grant(_) => 8,
        Change::Login(_) => 9,
    }
}
