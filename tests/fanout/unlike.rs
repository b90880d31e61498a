//! Stores that are not alike: versions, collations, defaults, columns. Answers are exact all the same, or the store
//! is named and the answer exact without it.

use crate::agreement::{Oracle, Tally};
use crate::corpus::{self, Case};
use crate::data::STORES;
use crate::reply::{Form, Reply, ask};
use crate::stage::{PATIENT, SCHEMA, Stage};
use std::collections::BTreeMap;
use stuffgate_tests::WorldPlan;
use stuffgate_tests::testkit::Client;

/// How home collates: not as plain servers do.
const HOME: &str = "TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en-US'";
/// How stores do: as home, on the same and on other servers; by another language; byte by byte.
const COLLATING: [(&str, &str); 4] = [
    ("alice", HOME),
    ("carol", HOME),
    ("erin", "TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'sv'"),
    ("grace", "TEMPLATE template0 LOCALE_PROVIDER libc LOCALE 'C'"),
];
/// What the owners of stores have set for their databases.
const DEFAULTS: [(&str, &str); 22] = [
    ("bob", "DateStyle = 'SQL, DMY'"),
    ("bob", "TimeZone = 'Asia/Tokyo'"),
    ("carol", "IntervalStyle = 'iso_8601'"),
    ("dave", "bytea_output = 'escape'"),
    ("frank", "extra_float_digits = -5"),
    ("heidi", "standard_conforming_strings = off"),
    ("alice", "array_nulls = off"),
    ("grace", "quote_all_identifiers = on"),
    ("frank", "transform_null_equals = on"),
    ("bob", "lc_time = 'C.UTF-8'"),
    ("bob", "default_text_search_config = 'pg_catalog.german'"),
    ("carol", "xmloption = document"),
    ("carol", "timezone_abbreviations = 'India'"),
    ("carol", "enable_seqscan = off"),
    ("dave", "backslash_quote = off"),
    ("dave", "row_security = on"),
    ("frank", "gin_fuzzy_search_limit = 1"),
    ("frank", "default_transaction_isolation = serializable"),
    ("grace", "lc_numeric = 'C.UTF-8'"),
    ("grace", "xmlbinary = hex"),
    ("heidi", "search_path = pg_temp"),
    ("heidi", "default_transaction_deferrable = on"),
];
/// Subjects in which it shows how values are written.
const STYLED: [&str; 10] = [
    "aggregates",
    "arrays",
    "copies",
    "dates",
    "distinct",
    "expressions",
    "float_aggregates",
    "grouping",
    "json",
    "orders",
];
/// The store that was never migrated to the newest schema.
const OLD: &str = "heidi";
/// The columns that it lacks, as the corpus names them; `*` and whole rows need all of them.
const LACKS: &str = "ALTER TABLE todos DROP COLUMN note; ALTER TABLE events ALTER amount TYPE float8;";

fn schema(store: usize) -> String {
    match STORES[store].0 {
        // The same columns in another order, after one that is gone, with more of them.
        "frank" => SCHEMA.replace(
            "    list_id uuid REFERENCES lists (id),\n    n serial,\n    title text,",
            "    extra int DEFAULT 7,\n    n serial,\n    title text,\n    list_id uuid REFERENCES lists (id),\n    \"more\" text DEFAULT 'x',",
        ),
        _ => SCHEMA.to_owned(),
    }
}

async fn start() -> Stage {
    let names = || STORES.iter().map(|(name, _)| *name);
    let mut plan = WorldPlan::default()
        .users(names())
        .in_databases(["bob", "frank"])
        .majors([15, 16, 17, 18])
        .database("home", HOME)
        .settings(PATIENT);
    for (user, options) in COLLATING {
        plan = plan.database(user, options);
    }
    let stage = Stage::of(plan, schema).await;
    for (user, setting) in DEFAULTS {
        let set = format!(
            "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET ' || $x${setting}$x$, current_database()); END $$"
        );
        let _ = stage.world.direct(user, &set);
    }
    let _ = stage.world.direct(OLD, LACKS);
    for (user, _) in DEFAULTS {
        stage.world.restart_connections(user).await;
    }
    stage
}

#[tokio::test]
async fn unlike_stores_give_the_same_answers_or_are_named() {
    let stage = start().await;
    agree(&stage, "auto", Form::Text, &[], corpus::all()).await;
}

#[tokio::test]
async fn unlike_stores_give_the_same_answers_when_all_is_gathered() {
    let stage = start().await;
    agree(&stage, "t3", Form::Binary, &[], corpus::all().into_iter().step_by(3).collect()).await;
}

#[tokio::test]
async fn unlike_stores_answer_in_the_style_that_the_client_has_set() {
    let stage = start().await;
    let set = [
        "SET TimeZone = 'America/New_York'",
        "SET DateStyle = 'German, DMY'",
        "SET IntervalStyle = 'postgres_verbose'",
        "SET bytea_output = 'escape'",
        "SET extra_float_digits = 0",
    ];
    let mut cases = corpus::all();
    cases.retain(|case| STYLED.contains(&case.subject.as_str()));
    agree(&stage, "auto", Form::Simple, &set, cases).await;
}

#[tokio::test]
async fn a_store_that_hides_rows_or_takes_other_texts_for_equal_is_named() {
    let stage = Stage::start().await;
    let _ = stage.world.direct("bob", "ALTER TABLE todos ENABLE ROW LEVEL SECURITY");
    let policy = "ALTER TABLE todos ENABLE ROW LEVEL SECURITY; CREATE POLICY busy ON todos USING (hours > 1)";
    let _ = stage.world.direct("carol", policy);
    for tier in ["auto", "t3"] {
        let mut analyst = stage.analyst(tier).await;
        for sql in
            ["SELECT count(*) FROM todos", "SELECT id FROM todos ORDER BY id", "SELECT max(title) FROM todos"]
        {
            assert_eq!(analyst.simple(sql).await.unwrap().errors, [], "{sql}");
            assert_eq!(lost(&mut analyst).await, ["bob", "carol"], "{tier}: {sql}");
        }
        let legs = analyst
            .simple("SELECT outcome, sqlstate FROM stuffgate.legs WHERE \"user\" = 'bob'")
            .await
            .unwrap();
        let told: Vec<_> = legs.rows.concat().into_iter().flatten().collect();
        assert_eq!(told, ["revoked", "42501"]);
    }
}

/// Asks the gate everything, then the oracle without the stores that the gate has named.
async fn agree(stage: &Stage, tier: &str, form: Form, set: &[&str], cases: Vec<Case>) {
    let mut analyst = stage.analyst(tier).await;
    for statement in set {
        assert_eq!(analyst.simple(statement).await.unwrap().errors, [], "{statement}");
    }
    let mut replies: BTreeMap<Vec<String>, Vec<(Case, Form, Reply)>> = BTreeMap::new();
    for case in cases {
        let form = if case.forms().contains(&form) { form } else { Form::Text };
        let mut reply = ask(&mut analyst, form, &case.sql, &case.given()).await.unwrap();
        let before = reply.notices.len();
        reply.notices.retain(|notice| !notice.starts_with("01000 fan-out covered"));
        let lost = if reply.notices.len() < before { lost(&mut analyst).await } else { Vec::new() };
        replies.entry(lost).or_default().push((case, form, reply));
    }
    let mut tally = Tally::default();
    for (lost, replies) in &replies {
        let left: Vec<&str> =
            STORES.iter().map(|(name, _)| *name).filter(|name| !lost.iter().any(|one| one == name)).collect();
        stage.cover(&left).await;
        let mut oracle = Oracle::of(stage).await;
        for statement in set {
            oracle.set(statement).await;
        }
        for (case, form, got) in replies {
            let how = format!("{tier} {form:?} without {lost:?}");
            let wanted = oracle.ask(case, *form).await;
            tally.take(case, &how, &wanted, got);
            if lost.iter().any(|name| name != OLD) || !lost.is_empty() && !needs_what_is_lacking(case) {
                tally.differ(case, &how, "a store was left out that has all that is needed");
            }
        }
    }
    tally.demand_agreement();
    let (answered, refused) = tally.counts();
    assert!(corpus::part().is_some() || refused * 20 < answered, "{answered} answered, {refused} refused");
}

/// Whom the session's last fan-out did not cover.
async fn lost(analyst: &mut Client) -> Vec<String> {
    let legs = analyst.simple("SELECT * FROM stuffgate.legs").await.unwrap();
    assert_eq!(legs.errors, []);
    let mut lost: Vec<String> = legs
        .rows
        .into_iter()
        .filter(|row| row[1].as_deref() != Some("ok"))
        .filter_map(|row| row.into_iter().next()?)
        .collect();
    lost.sort();
    assert!(!lost.is_empty());
    lost
}

/// A text of which only the names are known needs whole tables.
fn needs_what_is_lacking(case: &Case) -> bool {
    case.subject == "names"
        || ["note", "amount", "*", " t ", "TABLE", "COPY todos", "todos t", "events"]
            .iter()
            .any(|word| case.sql.contains(word))
}
