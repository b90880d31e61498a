//! The statements of a grant: design, "a grant in a store".
//!
//! What a CREATEROLE admin may do changed with 16 (PostgreSQL manual, "Role Membership", and the release
//! notes of 16). Up to 15 it may alter any role that is no superuser and make anybody a member of it.
//! From 16 on it may do so to the roles it made itself, on which it got ADMIN; membership has the options
//! INHERIT (to have the role's rights) and SET (to become it). Either way the admin is a member of the
//! owner role only for some statements in the middle of the transaction, never at rest.

use crate::GrantPlan;
use crate::ServerVersion;
use crate::script::{Step, block, raise};
use model::Partition;
use model::partition::{quote_identifier as ident, quote_literal as literal};

/// All statements that run in the partition's database, in order.
pub(crate) fn steps(plan: &GrantPlan, version: ServerVersion) -> Vec<Step> {
    let mut steps = roles(plan, version);
    match &plan.partition {
        Partition::Schema { schema, extensions } => {
            steps.push(database_rights(plan, "TEMPORARY"));
            steps.push(partition_schema(plan, schema));
            steps.push(extension_schema(plan, extensions));
            steps.extend(plan.extensions.iter().map(|name| extension(name, extensions)));
            steps.push(become_owner(plan, version));
            steps.push(read_schema(plan, schema));
        }
        Partition::Database => {
            steps.insert(0, free_database(plan));
            steps.push(close_database(plan));
            steps.push(database_rights(plan, "CREATE, TEMPORARY"));
            steps.push(own_public(plan, version));
            steps.push(become_owner(plan, version));
            steps.extend(plan.extensions.iter().map(|name| extension(name, "public")));
            steps.push(read_database(plan));
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

/// The schema, owned by the admin. One that is there must be this partition's already, or empty.
fn partition_schema(plan: &GrantPlan, schema: &str) -> Step {
    let (name, text) = (ident(schema), literal(schema));
    let (owner, owner_text) = (ident(&plan.owner_role), literal(&plan.owner_role));
    let conflict = |what: &str| {
        raise(&format!("schema {schema:?} {what}; choose another schema, or grant with --existing"))
    };
    let body = format!(
        "IF NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = {text}) THEN
  CREATE SCHEMA {name};
ELSIF EXISTS (SELECT FROM pg_namespace WHERE nspname = {text} AND NOT pg_has_role(nspowner, 'USAGE')) THEN
  {}
ELSIF EXISTS (SELECT FROM pg_namespace n, aclexplode(n.nspacl) a WHERE n.nspname = {text} AND a.privilege_type = 'CREATE'
    AND a.grantee <> n.nspowner AND a.grantee <> (SELECT oid FROM pg_roles WHERE rolname = {owner_text})) THEN
  {}
ELSIF NOT EXISTS (SELECT FROM pg_namespace n, aclexplode(n.nspacl) a WHERE n.nspname = {text} AND a.privilege_type = 'CREATE'
    AND a.grantee = (SELECT oid FROM pg_roles WHERE rolname = {owner_text}))
  AND EXISTS (SELECT relnamespace FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname = {text}
    UNION ALL SELECT pronamespace FROM pg_proc JOIN pg_namespace n ON n.oid = pronamespace WHERE nspname = {text}
    UNION ALL SELECT typnamespace FROM pg_type JOIN pg_namespace n ON n.oid = typnamespace WHERE nspname = {text}) THEN
  {}
END IF;",
        conflict("belongs to another role"),
        conflict("may be written by another role"),
        conflict("holds objects of its owner's"),
    );
    let comment = literal(&format!("Stuffgate: partition of service {}", plan.service));
    Step::new(
        format!("make schema {schema}"),
        format!(
            "{}
COMMENT ON SCHEMA {name} IS {comment};
REVOKE ALL ON SCHEMA {name} FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA {name} TO {owner};
GRANT USAGE ON SCHEMA {name} TO {};",
            block(&body),
            ident(&plan.reader_role)
        ),
    )
}

/// The schema that holds extensions for all partitions. Nobody but its owner may write there: what is
/// planted in it would be found by every service of the store.
fn extension_schema(plan: &GrantPlan, schema: &str) -> Step {
    let (name, text) = (ident(schema), literal(schema));
    let conflict =
        |what: &str| raise(&format!("schema {schema:?} {what}; choose another one for extensions"));
    let body = format!(
        "IF NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = {text}) THEN
  CREATE SCHEMA {name};
ELSIF EXISTS (SELECT FROM pg_namespace WHERE nspname = {text} AND NOT pg_has_role(nspowner, 'USAGE')) THEN
  {}
ELSIF EXISTS (SELECT FROM pg_namespace n, aclexplode(n.nspacl) a WHERE n.nspname = {text} AND a.privilege_type = 'CREATE'
    AND a.grantee <> n.nspowner) THEN
  {}
END IF;",
        conflict("belongs to another role"),
        conflict("may be written by another role"),
    );
    Step::new(
        format!("make schema {schema} for extensions"),
        format!(
            "{}\nGRANT USAGE ON SCHEMA {name} TO {}, {};",
            block(&body),
            ident(&plan.owner_role),
            ident(&plan.reader_role)
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

/// The reader may read the owner role's tables in the schema, those that are there and those to come.
fn read_schema(plan: &GrantPlan, schema: &str) -> Step {
    let (reader, owner) = (ident(&plan.reader_role), literal(&plan.owner_role));
    let body = grant_on_each(&format!(
        "SELECT format('GRANT SELECT ON %I.%I TO %I', n.nspname, c.relname, {}) AS sql
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_roles o ON o.oid = c.relowner
    WHERE n.nspname = {} AND o.rolname = {owner} AND c.relkind IN ('r', 'p', 'v', 'm', 'f')",
        literal(&plan.reader_role),
        literal(schema)
    ));
    Step::new(
        format!("let {} read {}'s tables", plan.reader_role, plan.owner_role),
        format!(
            "ALTER DEFAULT PRIVILEGES IN SCHEMA {} GRANT SELECT ON TABLES TO {reader};\n{body}",
            ident(schema)
        ),
    )
}

/// The same for a whole database, in which the owner role may make schemas.
fn read_database(plan: &GrantPlan) -> Step {
    let (reader, reader_text) = (ident(&plan.reader_role), literal(&plan.reader_role));
    let owner = literal(&plan.owner_role);
    let body = grant_on_each(&format!(
        "SELECT format('GRANT USAGE ON SCHEMA %I TO %I', n.nspname, {reader_text}) AS sql
    FROM pg_namespace n JOIN pg_roles o ON o.oid = n.nspowner
    WHERE o.rolname = {owner} AND n.nspname !~ '^pg_'
    UNION ALL SELECT format('GRANT SELECT ON %I.%I TO %I', n.nspname, c.relname, {reader_text})
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_roles o ON o.oid = c.relowner
    WHERE o.rolname = {owner} AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname !~ '^pg_'"
    ));
    Step::new(
        format!("let {} read {}'s tables", plan.reader_role, plan.owner_role),
        format!(
            "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO {reader};
ALTER DEFAULT PRIVILEGES GRANT USAGE ON SCHEMAS TO {reader};
{body}"
        ),
    )
}

fn grant_on_each(query: &str) -> String {
    let body = format!("FOR one IN {query}\nLOOP\n  EXECUTE one.sql;\nEND LOOP;");
    block(&body).replacen("\nBEGIN\n", "\nDECLARE one record;\nBEGIN\n", 1)
}

/// A database that is there must be this partition's already, or empty.
fn free_database(plan: &GrantPlan) -> Step {
    let (database, owner) = (literal(&plan.database), literal(&plan.owner_role));
    let conflict = |what: &str| raise(&format!("database {:?} {what}; choose another name", plan.database));
    let body = format!(
        "IF EXISTS (SELECT FROM pg_database WHERE datname = {database} AND NOT pg_has_role(datdba, 'USAGE')) THEN
  {}
ELSIF NOT EXISTS (SELECT FROM pg_database d, aclexplode(d.datacl) a JOIN pg_roles r ON r.oid = a.grantee
    WHERE d.datname = {database} AND r.rolname = {owner} AND a.privilege_type = 'CREATE')
  AND EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = c.oid AND deptype = 'e')) THEN
  {}
END IF;",
        conflict("belongs to another role"),
        conflict("holds tables of its owner's"),
    );
    Step::new(format!("take database {} for the partition", plan.database), block(&body))
}

/// The partition is the whole database: roles of other partitions have no business in it.
fn close_database(plan: &GrantPlan) -> Step {
    let database = ident(&plan.database);
    let comment = literal(&format!("Stuffgate: partition of service {}", plan.service));
    Step::new(
        format!("close database {} to everybody else", plan.database),
        format!(
            "COMMENT ON DATABASE {database} IS {comment};\nREVOKE ALL ON DATABASE {database} FROM PUBLIC;"
        ),
    )
}

/// `public` belongs to the owner role, so that it may be dropped and made again as migration tools do.
fn own_public(plan: &GrantPlan, version: ServerVersion) -> Step {
    let owner = ident(&plan.owner_role);
    Step::new(
        format!("give schema public to {}", plan.owner_role),
        format!(
            "{}\nCREATE SCHEMA IF NOT EXISTS public;\nALTER SCHEMA public OWNER TO {owner};",
            join(&plan.owner_role, version)
        ),
    )
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
