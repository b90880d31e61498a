//! The statements that only a database partition needs.

use crate::grant_sql::{grant_on_each, join};
use crate::script::{Step, block, raise};
use crate::{GrantPlan, ServerVersion};
use model::partition::{quote_identifier as ident, quote_literal as literal};

/// A database that is there must be this partition's already, or empty.
pub(crate) fn free_database(plan: &GrantPlan) -> Step {
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
pub(crate) fn close_database(plan: &GrantPlan) -> Step {
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
pub(crate) fn own_public(plan: &GrantPlan, version: ServerVersion) -> Step {
    let owner = ident(&plan.owner_role);
    Step::new(
        format!("give schema public to {}", plan.owner_role),
        format!(
            "{}\nCREATE SCHEMA IF NOT EXISTS public;\nALTER SCHEMA public OWNER TO {owner};",
            join(&plan.owner_role, version)
        ),
    )
}

/// The same for a whole database, in which the owner role may make schemas.
pub(crate) fn read_database(plan: &GrantPlan) -> Step {
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
