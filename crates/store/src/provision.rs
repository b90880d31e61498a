//! Making a partition in a store, or bringing one to what its plan says.

use crate::grant_sql::steps;
use crate::ledger::{self, Kind};
use crate::link::Link;
use crate::script::{self, Step};
use crate::{Admin, GrantPlan, Report, ServerVersion, StoreError, probe};
use model::Partition;
use model::partition::{quote_identifier as ident, quote_literal as literal};

/// What a provisioning came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provisioned {
    /// The store had recorded the operation already; nothing was done.
    pub already_done: bool,
    /// Declared extensions that were installed before, with their schemas, when those are not on the
    /// partition's search path: the service does not find them there.
    pub extensions_elsewhere: Vec<(String, String)>,
}

/// Makes the partition, its roles and rights as the plan says, exactly once per operation. The admin must
/// be connected to the store's own database.
///
/// A schema partition happens as a whole or not at all. A database partition is made in steps that change
/// nothing the second time: the database, then all that is in it as a whole, then the record.
///
/// # Errors
/// [`StoreError::Rights`] with what the admin lacks, [`StoreError::Conflict`] when a schema, database or
/// role of the name is somebody else's, [`StoreError::Plan`], and those of a lost connection.
/// Cancel-safe: call it again with the same plan.
pub async fn provision(admin: &Admin, plan: &GrantPlan) -> Result<Provisioned, StoreError> {
    plan.check()?;
    let report = probe(admin).await?;
    if let Some(problem) = report.problem() {
        return Err(problem);
    }
    match plan.partition {
        Partition::Schema { .. } => Box::pin(provision_schema(admin, plan)).await,
        Partition::Database => Box::pin(provision_database(admin, plan, &report)).await,
    }
}

/// The very statements that [`provision`] runs on a server of that version, as text for psql.
///
/// # Errors
/// [`StoreError::Plan`].
pub fn plan_sql(plan: &GrantPlan, version: ServerVersion) -> Result<String, StoreError> {
    plan.check()?;
    let body = script::print(&whole(plan, version));
    let before = match plan.partition {
        Partition::Schema { .. } => format!("\\connect {}\n", ident(&plan.database)),
        Partition::Database => format!(
            "SELECT {} WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = {}) \\gexec\n\\connect {}\n",
            literal(&create_database(plan)),
            literal(&plan.database),
            ident(&plan.database)
        ),
    };
    Ok(format!(
        "-- Partition of service {} in database {}, for PostgreSQL {}.
-- Run with psql as the owner of the store, which needs CREATEROLE. Running it twice does no harm.
\\set ON_ERROR_STOP on
{before}SET search_path TO pg_catalog, pg_temp;
BEGIN;

{body}COMMIT;
",
        plan.service.replace(char::is_control, " "),
        plan.database.replace(char::is_control, " "),
        version.major()
    ))
}

/// All statements of the transaction in the partition's database. A schema partition's contains the record
/// of operations; a database partition's record is in the store's own database.
fn whole(plan: &GrantPlan, version: ServerVersion) -> Vec<Step> {
    match plan.partition {
        Partition::Database => steps(plan, version),
        Partition::Schema { .. } => {
            let mut all = vec![ledger::open()];
            all.extend(steps(plan, version));
            all.push(ledger::record(&plan.operation, Kind::Grant));
            all
        }
    }
}

async fn provision_schema(admin: &Admin, plan: &GrantPlan) -> Result<Provisioned, StoreError> {
    admin.must_be_in(&plan.database)?;
    let link = admin.link();
    let already_done = ledger::begin(link, &plan.operation, Kind::Grant).await?;
    if !already_done {
        script::run(link, &whole(plan, admin.version())).await.map_err(explain_extension)?;
    }
    script::commit(link).await?;
    Ok(Provisioned { already_done, extensions_elsewhere: elsewhere(link, plan).await? })
}

async fn provision_database(
    admin: &Admin,
    plan: &GrantPlan,
    report: &Report,
) -> Result<Provisioned, StoreError> {
    if *admin.endpoint().database == *plan.database {
        return Err(StoreError::Plan("a database partition cannot be the store's own database".into()));
    }
    let link = admin.link();
    let already_done = ledger::begin(link, &plan.operation, Kind::Grant).await?;
    script::commit(link).await?;
    let exists = database_exists(link, &plan.database).await?;
    if already_done && !exists {
        return Ok(Provisioned { already_done, extensions_elsewhere: Vec::new() });
    }
    if !exists {
        if !report.createdb {
            return Err(StoreError::Rights {
                missing: format!("role {:?} may not create databases", admin.role()),
                hint: format!("let a superuser run: ALTER ROLE {} CREATEDB", ident(admin.role())),
            });
        }
        link.batch(&format!("create database {}", plan.database), &create_database(plan)).await?;
    }
    let inside = admin.in_database(&plan.database).await?;
    if !already_done {
        let all = whole(plan, admin.version());
        script::transact(inside.link(), &all).await.map_err(explain_extension)?;
        ledger::begin(link, &plan.operation, Kind::Grant).await?;
        script::run(link, &[ledger::record(&plan.operation, Kind::Grant)]).await?;
        script::commit(link).await?;
    }
    Ok(Provisioned { already_done, extensions_elsewhere: elsewhere(inside.link(), plan).await? })
}

fn create_database(plan: &GrantPlan) -> String {
    format!("CREATE DATABASE {}", ident(&plan.database))
}

pub(crate) async fn database_exists(link: &Link, database: &str) -> Result<bool, StoreError> {
    let sql = format!("SELECT 1 FROM pg_database WHERE datname = {}", literal(database));
    link.exists("look for the database", &sql).await
}

async fn elsewhere(link: &Link, plan: &GrantPlan) -> Result<Vec<(String, String)>, StoreError> {
    if plan.extensions.is_empty() {
        return Ok(Vec::new());
    }
    let names: Vec<String> = plan.extensions.iter().map(|name| literal(name)).collect();
    let home = match &plan.partition {
        Partition::Schema { extensions, .. } => extensions,
        Partition::Database => "public",
    };
    let sql = format!(
        "SELECT extname, nspname FROM pg_extension JOIN pg_namespace n ON n.oid = extnamespace
         WHERE extname IN ({}) AND nspname NOT IN ({}, 'pg_catalog') ORDER BY 1",
        names.join(", "),
        literal(home)
    );
    let rows = link.rows("look for extensions", &sql).await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| <[_; 2]>::try_from(row).ok())
        .filter_map(|[a, b]| a.zip(b))
        .collect())
}

/// A refused extension needs somebody with other rights than the admin's.
fn explain_extension(error: StoreError) -> StoreError {
    let step = "create extension ";
    match error {
        StoreError::Sql { doing, state, message }
            if doing.starts_with(step) && ["0A000", "58P01", "22023"].contains(&state.as_str()) =>
        {
            StoreError::Rights {
                missing: format!("the store cannot {doing}: {message}"),
                hint:
                    "install the package that has it on the server, or take it from the service's extensions"
                        .into(),
            }
        }
        StoreError::Rights { missing, .. } if missing.contains(step) => StoreError::Rights {
            missing,
            hint: "let a superuser create it in this database once, then try again".into(),
        },
        other => other,
    }
}
