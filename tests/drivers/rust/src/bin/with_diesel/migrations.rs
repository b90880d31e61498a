//! Tables by diesel's migrations, embedded in the program.

use diesel::PgConnection;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use rust_drivers::Outcome;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/diesel");

pub fn migrate(it: &mut PgConnection) -> Outcome {
    println!("migrate: pending {}", it.has_pending_migration(MIGRATIONS)?);
    let run: Vec<String> = it.run_pending_migrations(MIGRATIONS)?.iter().map(ToString::to_string).collect();
    println!("migrate: run {run:?}");
    let back = it.revert_last_migration(MIGRATIONS)?.to_string();
    println!("migrate: back {back}, pending {}", it.has_pending_migration(MIGRATIONS)?);
    println!("migrate: {} again", it.run_pending_migrations(MIGRATIONS)?.len());
    let applied: Vec<String> = it.applied_migrations()?.iter().map(ToString::to_string).collect();
    println!("migrate: applied {applied:?}");
    let made = diesel::select(diesel::dsl::sql::<Bool>(
        "EXISTS (SELECT FROM pg_trigger WHERE tgrelid = 'public.ds_item'::regclass AND tgname = 'set_updated_at')",
    ));
    println!("migrate: diesel's own trigger is there: {}", made.get_result::<bool>(it)?);
    Ok(())
}
