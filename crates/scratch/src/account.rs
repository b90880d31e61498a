//! A role with a database of its own, as a store's owner has them.

use crate::{HOST, Server};

/// A LOGIN role and the database it owns. With `create_role` it is what a store's admin is: able to
/// make roles, owner of its database, not a superuser.
#[derive(Clone, Debug)]
pub struct Account {
    /// Role name.
    pub role: String,
    /// Its password.
    pub password: String,
    /// Database it owns.
    pub database: String,
    /// Whether it has CREATEROLE.
    pub create_role: bool,
}

impl Account {
    /// An account whose role and database share `name`, with CREATEROLE.
    #[must_use]
    pub fn owner(name: &str, password: &str) -> Self {
        Self { role: name.into(), password: password.into(), database: name.into(), create_role: true }
    }

    /// The URL to reach the account's database on `server`, secret included.
    #[must_use]
    pub fn url(&self, server: &Server) -> String {
        let Self { role, password, database, .. } = self;
        let part = |text: &str| percent(text);
        format!("postgres://{}:{}@{HOST}:{}/{}", part(role), part(password), server.port(), part(database))
    }

    /// SQL that makes it; a database is made outside any transaction.
    pub(crate) fn sql(&self) -> String {
        let role = identifier(&self.role);
        let create_role = if self.create_role { "CREATEROLE" } else { "NOCREATEROLE" };
        let password = self.password.replace('\'', "''");
        format!(
            "CREATE ROLE {role} LOGIN {create_role} PASSWORD '{password}';\n\
             CREATE DATABASE {} OWNER {role};\n",
            identifier(&self.database)
        )
    }
}

fn identifier(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

/// Percent-encodes everything but RFC 3986's unreserved characters.
pub(crate) fn percent(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            other => format!("%{other:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_quoted_wherever_it_is_named() {
        let odd = Account {
            role: "a\"b".into(),
            password: "it's/@".into(),
            database: "d".into(),
            create_role: false,
        };
        assert_eq!(
            odd.sql(),
            "CREATE ROLE \"a\"\"b\" LOGIN NOCREATEROLE PASSWORD 'it''s/@';\nCREATE DATABASE \"d\" OWNER \"a\"\"b\";\n"
        );
        assert_eq!(percent(&odd.password), "it%27s%2F%40");
    }
}
