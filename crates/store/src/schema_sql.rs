//! The statements that only a schema partition needs.

use crate::GrantPlan;
use crate::grant_sql::grant_on_each;
use crate::script::{Step, block, raise};
use model::partition::{quote_identifier as ident, quote_literal as literal};

/// The schema, owned by the admin. One that is there must be this partition's already, or empty.
pub(crate) fn partition_schema(plan: &GrantPlan, schema: &str) -> Step {
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
pub(crate) fn extension_schema(plan: &GrantPlan, schema: &str) -> Step {
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

/// The reader may read the owner role's tables in the schema, those that are there and those to come.
pub(crate) fn read_schema(plan: &GrantPlan, schema: &str) -> Step {
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
