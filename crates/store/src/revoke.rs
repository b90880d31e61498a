//! Ending a grant inside its store.

use crate::ledger::{self, Kind};
use crate::link::Link;
use crate::provision::database_exists;
use crate::script;
use crate::{Admin, RevokePlan, StoreError, revoke_sql};
use model::Partition;

/// What a revocation came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revoked {
    /// The store had recorded the operation already; nothing was done.
    pub already_done: bool,
    /// Logins that could not be dropped because they own something in another database of the server. They
    /// cannot log in and have no rights in the partition.
    pub kept: Vec<String>,
}

/// Ends a grant exactly once per operation: nobody gets in any more, running sessions end whatever they
/// hold open, the logins lose all rights and go. The partition, its owner role and all data stay.
/// Succeeds as well when roles or database are gone already. The admin must be connected to the store's
/// own database.
///
/// # Errors
/// [`StoreError::Rights`] with what the admin lacks, [`StoreError::Plan`], and those of a lost connection.
/// Cancel-safe: call it again with the same plan.
pub async fn revoke(admin: &Admin, plan: &RevokePlan) -> Result<Revoked, StoreError> {
    plan.check()?;
    if let Partition::Schema { .. } = plan.partition {
        admin.must_be_in(&plan.database)?;
    }
    let (link, version) = (admin.link(), admin.version());
    let already_done = ledger::begin(link, &plan.operation, Kind::Revoke).await?;
    if already_done {
        script::commit(link).await?;
        return Ok(Revoked { already_done, kept: remaining(link, plan).await? });
    }
    script::run(link, &[revoke_sql::join_logins(plan, version)]).await?;
    script::commit(link).await?;
    // A session may hold a lock on its own role that would keep us from barring it, so sessions end
    // before that, and again after it, when no new one can begin.
    end_sessions(link, plan, false).await?;
    script::transact(link, &[revoke_sql::bar(plan)]).await?;
    end_sessions(link, plan, true).await?;
    Box::pin(remove(admin, plan)).await?;
    Ok(Revoked { already_done, kept: remaining(link, plan).await? })
}

/// Takes the logins' rights, drops them and records the operation.
async fn remove(admin: &Admin, plan: &RevokePlan) -> Result<(), StoreError> {
    let (link, version) = (admin.link(), admin.version());
    if plan.partition == Partition::Database && database_exists(link, &plan.database).await? {
        let inside = admin.in_database(&plan.database).await?;
        script::transact(inside.link(), &[revoke_sql::disown(plan, version)]).await?;
    }
    ledger::begin(link, &plan.operation, Kind::Revoke).await?;
    let record = ledger::record(&plan.operation, Kind::Revoke);
    script::run(link, &[revoke_sql::disown(plan, version), revoke_sql::drop_logins(plan), record]).await?;
    script::commit(link).await
}

/// Ends the logins' sessions; with `wait`, until there is none. The connection's deadline bounds it.
async fn end_sessions(link: &Link, plan: &RevokePlan, wait: bool) -> Result<(), StoreError> {
    let sql = revoke_sql::end_sessions(plan, wait);
    while link.exists("end the grant's sessions", &sql).await? && wait {}
    Ok(())
}

async fn remaining(link: &Link, plan: &RevokePlan) -> Result<Vec<String>, StoreError> {
    let rows = link.rows("look for the grant's logins", &revoke_sql::remaining(plan)).await?;
    Ok(rows.into_iter().flatten().flatten().collect())
}
