//! With stores lost, the answer is the exact one over those that are left, and the client is told.

use crate::agreement::{Oracle, Tally, is_refused};
use crate::corpus::{self, Case};
use crate::data::STORES;
use crate::reply::{Form, Reply, ask};
use crate::stage::Stage;
use stuffgate_tests::testkit::Client;

/// Every how manyth query of the corpus is asked.
const SAMPLE: usize = 6;
/// The same while one store hangs, which takes the leg's whole time for each query.
const SLOW_SAMPLE: usize = 45;
/// `fanout.leg_timeout` meanwhile.
const LEG_TIMEOUT: &str = "400ms";

/// Queries that ask all stores: errors and the catalog are home's alone.
fn sample(every: usize) -> impl Iterator<Item = Case> {
    let alone = ["errors", "catalog", "copies"];
    corpus::all().into_iter().filter(move |case| !alone.contains(&case.subject.as_str())).step_by(every)
}

#[tokio::test]
async fn answers_are_the_oracles_without_the_stores_that_were_lost() {
    let stage = Stage::start().await;
    let mut lost: Vec<&str> = Vec::new();
    // Refused connections, a partition that is gone, and rights taken away, one after another.
    shut(&stage, "heidi");
    lost.push("heidi");
    agree_without(&stage, &lost, SAMPLE, "auto").await;
    let _ = stage
        .world
        .direct("carol", &format!("ALTER SCHEMA \"{}\" RENAME TO gone", stage.world.schema("carol")));
    lost.push("carol");
    agree_without(&stage, &lost, SAMPLE, "t3").await;
    take_rights_away(&stage, "frank");
    lost.push("frank");
    agree_without(&stage, &lost, SAMPLE, "t2").await;
    // The store with most rows hangs.
    let holder = hang(&stage, "alice").await;
    lost.push("alice");
    agree_without(&stage, &lost, SLOW_SAMPLE, "auto").await;
    drop(holder);
}

/// Nobody may connect to the database any more.
fn shut(stage: &Stage, user: &str) {
    let database = stage.world.direct(user, "SELECT current_database()");
    let database = database.trim();
    let shut = format!(
        "ALTER DATABASE \"{database}\" ALLOW_CONNECTIONS false; \
         SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{database}'"
    );
    let _ = stage.world.on_server_of(user, &shut);
}

/// Nobody but their owner may read the tables any more.
fn take_rights_away(stage: &Stage, user: &str) {
    let _ = stage.world.direct(
        user,
        "DO $$ DECLARE role text; BEGIN FOR role IN SELECT rolname FROM pg_roles WHERE NOT rolsuper LOOP \
         EXECUTE format('REVOKE ALL ON ALL TABLES IN SCHEMA %I FROM %I', current_schema(), role); END LOOP; END $$; \
         REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC",
    );
}

/// Locks every table of a store for as long as the session lives.
async fn hang(stage: &Stage, user: &str) -> Client {
    let mut holder = stage.world.connect(user).await;
    let lock = "BEGIN; LOCK TABLE todos, lists, tags, events, odds, visits, \"Mixed Case\", nothing IN ACCESS EXCLUSIVE MODE";
    assert_eq!(holder.simple(lock).await.unwrap().errors, []);
    holder
}

async fn agree_without(stage: &Stage, lost: &[&str], every: usize, tier: &str) {
    let left: Vec<&str> = STORES.iter().map(|(name, _)| *name).filter(|name| !lost.contains(name)).collect();
    stage.cover(&left).await;
    let mut oracle = Oracle::of(stage).await;
    let mut analyst = stage.analyst(tier).await;
    let set = format!("SET fanout.leg_timeout = '{LEG_TIMEOUT}'");
    assert_eq!(analyst.simple(&set).await.unwrap().errors, []);
    let told = format!("01000 fan-out covered {} of {} stores", left.len(), STORES.len());
    let mut tally = Tally::default();
    for case in sample(every) {
        let wanted = oracle.ask(&case, Form::Text).await;
        let mut got = ask(&mut analyst, Form::Text, &case.sql, &case.given()).await.unwrap();
        let how = format!("{tier} without {lost:?}");
        if !is_refused(&wanted, &got) && !asks_no_store(&case) && !take_warning(&mut got, &told) {
            tally.differ(&case, &how, &format!("no warning {told:?} but {:?} {:?}", got.notices, got.error));
        }
        tally.take(&case, &how, &wanted, &got);
    }
    tally.demand_agreement();
    let (answered, refused) = tally.counts();
    assert!(answered * 3 >= answered + refused, "{answered} answered, {refused} refused at {tier}");
}

fn asks_no_store(case: &Case) -> bool {
    !["todos", "lists", "tags", "events", "odds", "visits", "Mixed", "nothing"]
        .iter()
        .any(|name| case.sql.contains(name))
        || case.sql.starts_with("WITH todos AS (SELECT 1")
}

fn take_warning(reply: &mut Reply, told: &str) -> bool {
    let before = reply.notices.len();
    reply.notices.retain(|notice| notice != told);
    before - reply.notices.len() == 1
}
