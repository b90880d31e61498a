//! The statements of a revocation.

use crate::script::{Step, block};
use crate::{RevokePlan, ServerVersion, grant_sql};
use model::partition::{quote_identifier as ident, quote_literal as literal};

/// Makes the admin a member of the logins, without which it may neither end their sessions nor drop what
/// they own (PostgreSQL manual, "Server Signaling Functions", "DROP OWNED").
pub(crate) fn join_logins(plan: &RevokePlan, version: ServerVersion) -> Step {
    let each = |role| if_role(role, &grant_sql::join(role, version));
    Step::new("take charge of the grant's logins", block(&lines(plan.logins().map(each))))
}

/// From here on nobody gets in as one of the logins, and a session that is in has no rights left once it
/// is its login again. An open cursor still returns rows: sessions must be ended too.
pub(crate) fn bar(plan: &RevokePlan) -> Step {
    let each = |role: &str| {
        let name = ident(role);
        let leave = if_role(&plan.owner_role, &format!("REVOKE {} FROM {name};", ident(&plan.owner_role)));
        if_role(role, &format!("ALTER ROLE {name} NOLOGIN PASSWORD NULL;\n{leave}"))
    };
    Step::new("bar the grant's logins", block(&lines(plan.logins().map(each))))
}

/// Ends the sessions of the logins, in whatever database, and waits up to a second for each: one row per
/// session that there was.
pub(crate) fn end_sessions(plan: &RevokePlan, wait: bool) -> String {
    let names: Vec<String> = plan.logins().map(literal).collect();
    let patience = if wait { ", 1000" } else { "" };
    format!(
        "SELECT pg_terminate_backend(pid{patience}) FROM pg_stat_activity WHERE usename IN ({})",
        names.join(", ")
    )
}

/// Takes from the logins all they have in this database. What one made in its own name, by `SET ROLE NONE`,
/// is the user's data like the rest: it goes to the owner role, or to the admin where that is gone.
pub(crate) fn disown(plan: &RevokePlan, version: ServerVersion) -> Step {
    let (owner, owner_text) = (ident(&plan.owner_role), literal(&plan.owner_role));
    let each = |role: &str| {
        let name = ident(role);
        if_role(
            role,
            &format!(
                "IF EXISTS (SELECT FROM pg_roles WHERE rolname = {owner_text}) THEN
  REASSIGN OWNED BY {name} TO {owner};
ELSE
  REASSIGN OWNED BY {name} TO CURRENT_USER;
END IF;
DROP OWNED BY {name};"
            ),
        )
    };
    let join = if_role(&plan.owner_role, &grant_sql::join(&plan.owner_role, version));
    let leave = if_role(&plan.owner_role, &format!("REVOKE {owner} FROM CURRENT_USER;"));
    let body = lines(std::iter::once(join).chain(plan.logins().map(each)).chain([leave]));
    Step::new("take everything from the grant's logins", block(&body))
}

/// Drops the logins. One that owns something in another database of the server stays, barred.
pub(crate) fn drop_logins(plan: &RevokePlan) -> Step {
    let each = |role: &str| {
        let name = ident(role);
        if_role(
            role,
            &format!(
                "BEGIN
  DROP ROLE {name};
EXCEPTION WHEN dependent_objects_still_exist THEN
  REVOKE {name} FROM CURRENT_USER;
END;"
            ),
        )
    };
    Step::new("drop the grant's logins", block(&lines(plan.logins().map(each))))
}

/// The logins that are still there.
pub(crate) fn remaining(plan: &RevokePlan) -> String {
    let names: Vec<String> = plan.logins().map(literal).collect();
    format!("SELECT rolname FROM pg_roles WHERE rolname IN ({}) ORDER BY 1", names.join(", "))
}

fn if_role(role: &str, then: &str) -> String {
    format!("IF EXISTS (SELECT FROM pg_roles WHERE rolname = {}) THEN\n{then}\nEND IF;", literal(role))
}

fn lines(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join("\n")
}
