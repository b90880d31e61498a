//! Rows of the registry as the nouns of the model.

use crate::scram;
use model::{
    Disclosure, Endpoint, Grant, GrantId, GrantState, Home, Login, LoginId, LoginKind, Name, Partition,
    Sealed, Service, ServiceId, Store, StoreId, StoreState, User, UserId,
};
use rusqlite::types::{FromSql, Type};
use rusqlite::{Connection, OptionalExtension as _, Result, Row, params};
use std::collections::HashMap;
use std::sync::{Arc, Weak};

pub(crate) const USER: &str = "SELECT id, name, disabled FROM users";

pub(crate) const SERVICE: &str = "SELECT id, name, extensions, home_host, home_port, home_database, home_tls, \
                                  home_ca, home_role, home_credential FROM services";

pub(crate) const STORE: &str = "SELECT id, user_id, host, port, database, tls, ca, \
                                EXISTS (SELECT 1 FROM outbox WHERE store_id = stores.id) FROM stores";

pub(crate) const GRANT: &str = "SELECT g.id, g.user_id, g.service_id, g.store_id, p.kind, p.schema, p.extensions, \
                                p.database, g.role, g.credential, g.state, g.expires_at, g.fanout \
                                FROM grants g JOIN partitions p ON p.id = g.partition_id";

pub(crate) const LOGIN: &str = "SELECT id, name, kind, user_id, service_id, verifier, disabled, expires_at, min_stores_per_group FROM logins";

/// CA bundles already read and still in use, so that endpoints that trust the same one share its text. A
/// bundle's row never changes, nor is its number used again.
#[derive(Default)]
pub(crate) struct Cas(HashMap<i64, Weak<str>>);

impl Cas {
    fn get(&mut self, connection: &Connection, id: Option<i64>) -> Result<Option<Arc<str>>> {
        let Some(id) = id else { return Ok(None) };
        if let Some(known) = self.0.get(&id).and_then(Weak::upgrade) {
            return Ok(Some(known));
        }
        let pem: String =
            connection.query_row("SELECT pem FROM cas WHERE id = ?1", params![id], |row| row.get(0))?;
        let pem: Arc<str> = pem.into();
        self.0.insert(id, Arc::downgrade(&pem));
        Ok(Some(pem))
    }
}

/// The row number of a CA bundle, which is added if it is new.
pub(crate) fn ca_id(connection: &Connection, ca: Option<&str>) -> Result<Option<i64>> {
    let Some(pem) = ca else { return Ok(None) };
    connection.execute("INSERT INTO cas (pem) VALUES (?1) ON CONFLICT DO NOTHING", params![pem])?;
    connection.query_row("SELECT id FROM cas WHERE pem = ?1", params![pem], |row| row.get(0)).optional()
}

pub(crate) fn user(row: &Row<'_>) -> Result<User> {
    Ok(User { id: UserId(row.get(0)?), name: parsed(row, 1)?, disabled: row.get(2)? })
}

pub(crate) fn service(row: &Row<'_>, connection: &Connection, cas: &mut Cas) -> Result<Service> {
    let home = match row.get::<_, Option<String>>(3)? {
        None => None,
        Some(_) => Some(Home {
            endpoint: endpoint(row, 3, connection, cas)?,
            role: text(row, 8)?,
            credential: Sealed::from_text(text(row, 9)?),
        }),
    };
    let extensions: String = row.get(2)?;
    Ok(Service {
        id: ServiceId(row.get(0)?),
        name: parsed(row, 1)?,
        home,
        extensions: extensions.lines().map(Box::from).collect(),
    })
}

pub(crate) fn store(row: &Row<'_>, connection: &Connection, cas: &mut Cas) -> Result<Store> {
    let reconciling: bool = row.get(7)?;
    Ok(Store {
        id: StoreId(row.get(0)?),
        user: UserId(row.get(1)?),
        endpoint: endpoint(row, 2, connection, cas)?,
        state: if reconciling { StoreState::Reconciling } else { StoreState::Active },
    })
}

pub(crate) fn grant(row: &Row<'_>) -> Result<Grant> {
    let kind: String = row.get(4)?;
    let partition = match kind.as_str() {
        "database" => Partition::Database,
        _ => Partition::Schema { schema: text(row, 5)?, extensions: text(row, 6)? },
    };
    Ok(Grant {
        id: GrantId(row.get(0)?),
        user: UserId(row.get(1)?),
        service: ServiceId(row.get(2)?),
        store: StoreId(row.get(3)?),
        partition,
        database: row.get::<_, Option<String>>(7)?.map(Into::into),
        role: text(row, 8)?,
        credential: Sealed::from_text(text(row, 9)?),
        state: match row.get::<_, String>(10)?.as_str() {
            "pending" => GrantState::Pending,
            "active" => GrantState::Active,
            _ => GrantState::Revoked,
        },
        expires_at: row.get(11)?,
        fanout: disclosure(row, 12)?,
    })
}

pub(crate) fn login(row: &Row<'_>) -> Result<Login> {
    let service = |row: &Row<'_>| row.get(4).map(ServiceId);
    let verifier: String = row.get(5)?;
    Ok(Login {
        id: LoginId(row.get(0)?),
        name: parsed(row, 1)?,
        kind: match row.get::<_, String>(2)?.as_str() {
            "user" => LoginKind::User(UserId(row.get(3)?)),
            "service" => LoginKind::Service(service(row)?),
            "analyst" => LoginKind::Analyst(service(row)?),
            _ => LoginKind::Admin,
        },
        verifier: scram::from_text(&verifier).ok_or_else(|| wrong(5, "not a SCRAM verifier"))?,
        disabled: row.get(6)?,
        expires_at: row.get(7)?,
        min_stores_per_group: row.get(8)?,
    })
}

fn disclosure(row: &Row<'_>, at: usize) -> Result<Disclosure> {
    row.get::<_, String>(at)?.parse().map_err(|error: model::BadDisclosure| wrong(at, &error.to_string()))
}

/// Host, port, database, TLS mode and CA from five columns in that order.
fn endpoint(row: &Row<'_>, at: usize, connection: &Connection, cas: &mut Cas) -> Result<Endpoint> {
    Ok(Endpoint {
        host: text(row, at)?,
        port: row.get(at + 1)?,
        database: text(row, at + 2)?,
        tls: row.get::<_, String>(at + 3)?.parse().map_err(|error: String| wrong(at + 3, &error))?,
        ca: cas.get(connection, row.get(at + 4)?)?,
    })
}

pub(crate) fn text(row: &Row<'_>, at: usize) -> Result<Box<str>> {
    row.get::<_, String>(at).map(Into::into)
}

pub(crate) fn parsed(row: &Row<'_>, at: usize) -> Result<Name> {
    row.get::<_, String>(at)?.parse().map_err(|error: model::BadName| wrong(at, &error.to_string()))
}

fn wrong(at: usize, why: &str) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(at, Type::Text, why.to_owned().into())
}

/// One column of one row, if there is a row.
pub(crate) fn column<T: FromSql>(
    connection: &Connection,
    sql: &str,
    params: impl rusqlite::Params,
) -> Result<Option<T>> {
    connection.query_row(sql, params, |row| row.get(0)).optional()
}

/// All rows of a query, mapped.
pub(crate) fn all<T>(
    connection: &Connection,
    sql: &str,
    params: impl rusqlite::Params,
    map: impl FnMut(&Row<'_>) -> Result<T>,
) -> Result<Vec<T>> {
    connection.prepare(sql)?.query_map(params, map)?.collect()
}
