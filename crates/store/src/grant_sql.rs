//! The statements of a grant: the roles, their rights, and the order of it all.
//!
//! What a CREATEROLE admin may do changed with 16 (PostgreSQL manual, "Role Membership", and the release
//! notes of 16). Up to 15 it may alter any role that is no superuser and make anybody a member of it.
//! From 16 on it may do so to the roles it made itself, on which it got ADMIN; membership has the options
//! INHERIT (to have the role's rights) and SET (to become it). Either way the admin is a member of the
//! owner role only for some statements in the middle of the transaction, never at rest.

use crate::script::{Step, block, raise};
use crate::{GrantPlan, ServerVersion, database_sql, schema_sql};
use model::Partition;
use model::partition::{quote_identifier as ident, quote_literal as literal};

/// All statements that run in the partition's database, in order.
pub(crate) fn steps(plan: &GrantPlan, version: ServerVersion) -> Vec<Step> {
    let mut steps = roles(plan, version);
    match &plan.partition {
        Partition::Schema { schema, extensions } => {
            steps.push(database_rights(plan, "TEMPORARY"));
            steps.push(schema_sql::partition_schema(plan, schema));
            steps.push(schema_sql::extension_schema(plan, extensions));
            steps.extend(plan.extensions.iter().map(|name| extension(name, extensions)));
            steps.push(become_owner(plan, version));
            steps.push(schema_sql::read_schema(plan, schema));
        }
        Partition::Database => {
            steps.insert(0, database_sql::free_database(plan));
            steps.push(database_sql::close_database(plan));
            steps.push(database_rights(plan, "CREATE, TEMPORARY"));
            steps.push(database_sql::own_public(plan, version));
            steps.push(become_owner(plan, version));
            steps.extend(plan.extensions.iter().map(|name| extension(name, "public")));
            steps.push(database_sql::read_database(plan));
        }
    }
    steps.push(be_admin_again(plan));
    steps
}

/// `GRANT role TO CURRENT_USER`, to have its rights and to become it.
pub(crate) fn join(role: &str, version: ServerVersion) -> String {
    let options = if version.has_membership_options() { " WITH INHERIT TRUE, SET TRUE" } else { "" };
    format!("GRANT {} TO CURRENT_USER{options};", ident(role))
}

fn roles(plan: &GrantPlan, version: ServerVersion) -> Vec<Step> {
    let GrantPlan { owner_role, login_role, reader_role, .. } = plan;
    let (owner, login, reader) = (ident(owner_role), ident(login_role), ident(reader_role));
    let options = if version.has_membership_options() { " WITH INHERIT FALSE, SET TRUE" } else { "" };
    let until = plan.valid_until.map_or_else(|| "infinity".to_owned(), timestamp);
    let limit = plan.connection_limit.unwrap_or(-1);
    let database = ident(&plan.database);
    let path = plan.partition.search_path();
    let path_of = |role: &str| match &path {
        Some(path) => format!("\nALTER ROLE {role} IN DATABASE {database} SET search_path = {path};"),
        None => String::new(),
    };
    vec![
        role(plan, owner_role, "owns what the service makes", true),
        role(plan, login_role, "lets the gate in for the service", false),
        Step::new(
            format!("let {login_role} in as {owner_role}"),
            format!(
                "ALTER ROLE {login} LOGIN NOINHERIT CONNECTION LIMIT {limit} VALID UNTIL '{until}' PASSWORD {};
GRANT {owner} TO {login}{options};
ALTER ROLE {login} IN DATABASE {database} SET role = {};{}",
                literal(&plan.login_verifier),
                literal(owner_role),
                path_of(&login),
            ),
        ),
        role(plan, reader_role, "reads the partition for fan-out", false),
        Step::new(
            format!("let {reader_role} in to read"),
            format!(
                "ALTER ROLE {reader} LOGIN NOINHERIT VALID UNTIL '{until}' PASSWORD {};
ALTER ROLE {reader} IN DATABASE {database} SET default_transaction_read_only = on;{}",
                literal(&plan.reader_verifier),
                path_of(&reader),
            ),
        ),
    ]
}

/// Makes a role, or makes sure that the one of that name can be the gate's.
fn role(plan: &GrantPlan, name: &str, purpose: &str, is_owner: bool) -> Step {
    let (role, text) = (ident(name), literal(name));
    let login = if is_owner { " OR rolcanlogin" } else { "" };
    let taken =
        raise(&format!("role {name:?} exists and is not one that the gate made; choose another name"));
    let body = format!(
        "IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = {text}) THEN
  CREATE ROLE {role} NOLOGIN;
ELSIF EXISTS (SELECT FROM pg_roles WHERE rolname = {text} AND (rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls{login})) THEN
  {taken}
END IF;"
    );
    let comment = literal(&format!("Stuffgate, service {}: {purpose}", plan.service));
    Step::new(format!("make role {name}"), format!("{}\nCOMMENT ON ROLE {role} IS {comment};", block(&body)))
}

fn database_rights(plan: &GrantPlan, of_owner: &str) -> Step {
    let database = ident(&plan.database);
    Step::new(
        format!("open database {} to the grant's roles", plan.database),
        format!(
            "GRANT CONNECT ON DATABASE {database} TO {}, {};\nGRANT {of_owner} ON DATABASE {database} TO {};",
            ident(&plan.login_role),
            ident(&plan.reader_role),
            ident(&plan.owner_role)
        ),
    )
}

/// An extension that is installed already stays where it is.
fn extension(name: &str, schema: &str) -> Step {
    Step::new(
        format!("create extension {name}"),
        format!("CREATE EXTENSION IF NOT EXISTS {} WITH SCHEMA {};", ident(name), ident(schema)),
    )
}

/// From here on the statements run as the owner role: it alone may say who reads its tables.
fn become_owner(plan: &GrantPlan, version: ServerVersion) -> Step {
    Step::new(
        format!("act as {}", plan.owner_role),
        format!("{}\nSET LOCAL ROLE {};", join(&plan.owner_role, version), ident(&plan.owner_role)),
    )
}

fn be_admin_again(plan: &GrantPlan) -> Step {
    Step::new(
        "act as the admin again, without the owner role's rights",
        format!("RESET ROLE;\nREVOKE {} FROM CURRENT_USER;", ident(&plan.owner_role)),
    )
}

pub(crate) fn grant_on_each(query: &str) -> String {
    let body = format!("FOR one IN {query}\nLOOP\n  EXECUTE one.sql;\nEND LOOP;");
    block(&body).replacen("\nBEGIN\n", "\nDECLARE one record;\nBEGIN\n", 1)
}

/// Seconds since the Unix epoch as Postgres reads a time in UTC; years 1970 to 9999.
fn timestamp(seconds: i64) -> String {
    let seconds = seconds.clamp(0, 253_402_300_799);
    let (mut days, rest) = (seconds / 86_400, seconds % 86_400);
    let mut year = 1970;
    let leap = |year: i64| i64::from(year % 4 == 0 && (year % 100 != 0 || year % 400 == 0));
    while days >= 365 + leap(year) {
        days -= 365 + leap(year);
        year += 1;
    }
    let mut month = 1;
    for length in [31, 28 + leap(year), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    format!("{year:04}-{month:02}-{:02} {hour:02}:{minute:02}:{second:02}+00", days + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_in_utc() {
        for (seconds, expected) in [
            (0, "1970-01-01 00:00:00+00"),
            (951_782_400, "2000-02-29 00:00:00+00"),
            (1_767_225_599, "2025-12-31 23:59:59+00"),
            (4_107_542_400, "2100-03-01 00:00:00+00"),
            (i64::MAX, "9999-12-31 23:59:59+00"),
        ] {
            assert_eq!(timestamp(seconds), expected);
        }
    }
}
