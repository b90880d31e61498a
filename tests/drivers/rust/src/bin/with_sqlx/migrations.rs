//! Tables by sqlx's own migrator: its lock, its record, forwards and backwards.

use crate::{pool, told};
use rust_drivers::Outcome;
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::{Connection as _, PgConnection, PgPool, SqlSafeStr as _};
use std::path::Path;

/// The one before the last; the last makes an index concurrently, which waits for whoever waits for the lock.
const BOTH: i64 = 20_240_102_000_000;

pub async fn migrate(it: &PgPool) -> Outcome {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations/sqlx");
    let migrator = Migrator::new(folder.as_path()).await?;
    println!("migrate: {} files", migrator.iter().count());
    let second = pool().await?;
    for _ in 0..2 {
        let (one, other) = tokio::join!(migrator.run_to(BOTH, it), migrator.run_to(BOTH, &second));
        println!("migrate: two at once {} and {}", ended(one), ended(other));
        println!(
            "migrate: the rest {}, once more {}",
            ended(migrator.run(it).await),
            ended(migrator.run(&second).await)
        );
        record(it).await?;
        println!("migrate: back to the first {}", ended(migrator.undo(it, 20_240_101_000_000).await));
        record(it).await?;
    }
    println!("migrate: forwards {}", ended(migrator.run(&second).await));
    second.close().await;
    refused(it).await
}

/// What the migrator says of files that do not fit, and of one that fails half way. It keeps its lock then,
/// so each has a connection of its own.
async fn refused(it: &PgPool) -> Outcome {
    let one = |version, sql: &'static str| {
        Migration::new(version, "made up".into(), MigrationType::Simple, sql.into_sql_str(), false)
    };
    let mut changed = Migrator::with_migrations(vec![one(20_240_101_000_000, "SELECT 1")]);
    changed.set_ignore_missing(true);
    println!("migrate: changed {}", alone(&changed).await?);
    let half = "CREATE TABLE public.sq_half (id int); SELECT * FROM public.sq_nowhere";
    let mut failing = Migrator::with_migrations(vec![one(20_240_104_000_000, half)]);
    failing.set_ignore_missing(true);
    println!("migrate: failing {}", alone(&failing).await?);
    let left: bool = sqlx::query_scalar("SELECT to_regclass('public.sq_half') IS NULL").fetch_one(it).await?;
    println!("migrate: nothing is left of it: {left}");
    record(it).await
}

async fn alone(migrator: &Migrator) -> Result<String, sqlx::Error> {
    let mut connection = PgConnection::connect(&std::env::var("DATABASE_URL").unwrap_or_default()).await?;
    let told = ended(migrator.run(&mut connection).await);
    connection.close().await?;
    Ok(told)
}

/// The migrator's own table.
async fn record(it: &PgPool) -> Outcome {
    let rows: Vec<(i64, String, bool, bool)> = sqlx::query_as(
        "SELECT version, description, success, length(checksum) = 48 FROM public._sqlx_migrations ORDER BY 1",
    )
    .fetch_all(it)
    .await?;
    println!("migrate: {rows:?}");
    Ok(())
}

fn ended(result: Result<(), MigrateError>) -> String {
    match result {
        Ok(()) => "well".to_owned(),
        Err(MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _)) => told(&error),
        Err(error) => error.to_string(),
    }
}
