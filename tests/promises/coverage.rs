//! A fan-out's answer is exact over the stores that are covered, and says of every other what became of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use stuffgate_tests::testkit::scratch::Stop;
use stuffgate_tests::testkit::{Answer, Client, Error, FakeStore, Peer, frames};
use stuffgate_tests::{SERVICE, Servers, World, WorldPlan};

const ANALYST: &str = "ann";
const USERS: [&str; 4] = ["alice", "bob", "carol", "dave"];
const SCHEMA: &str =
    "CREATE TABLE todos (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), n int NOT NULL, title text)";
/// What each answers with a tier of its own.
const ASKED: [(&str, &str); 4] = [
    ("t0", "SELECT n FROM todos ORDER BY n"),
    ("t1", "SELECT count(*), sum(n) FROM todos"),
    ("t2", "SELECT count(*), sum(n) FROM todos"),
    ("t3", "SELECT count(*), sum(n) FROM todos"),
];
/// Time for a leg; what hangs is given up after it.
const LEG_MS: u64 = 3000;
/// Rows that a leg may send.
const LEG_ROWS: usize = 5000;

/// The numbers in a user's store.
fn numbers(user: &str) -> Vec<i64> {
    let at = USERS.iter().position(|one| *one == user).unwrap();
    let unit = 10_i64.pow(u32::try_from(at).unwrap());
    (1..=3).map(|n| n * unit).collect()
}

fn plan() -> WorldPlan {
    let settings = format!(
        "[pool]\nconnect_timeout_ms = 5000\nwait_timeout_ms = 5000\n\
         [fanout]\nleg_timeout_ms = {LEG_MS}\nleg_rows = {LEG_ROWS}"
    );
    WorldPlan::default().users(USERS).settings(&settings)
}

async fn fill(world: &World) -> Client {
    for login in USERS.into_iter().chain([SERVICE]) {
        world.connect(login).await.simple(SCHEMA).await.unwrap();
    }
    for user in USERS {
        let values: Vec<String> = numbers(user).iter().map(|n| format!("({n}, '{user}')")).collect();
        let insert = format!("INSERT INTO todos (n, title) VALUES {}", values.join(", "));
        world.connect(user).await.simple(&insert).await.unwrap();
    }
    world.add_analyst(ANALYST, 1);
    world.until(async || world.try_connect(ANALYST, &[]).await.is_ok()).await;
    world.connect(ANALYST).await
}

/// What Postgres would answer over the stores of all but `lost`.
fn expected(sql: &str, lost: &[&str]) -> Vec<Vec<Option<String>>> {
    let mut all: Vec<i64> = USERS.into_iter().filter(|user| !lost.contains(user)).flat_map(numbers).collect();
    all.sort_unstable();
    if sql.contains("count") {
        return vec![vec![Some(all.len().to_string()), Some(all.iter().sum::<i64>().to_string())]];
    }
    all.iter().map(|n| vec![Some(n.to_string())]).collect()
}

fn value(answer: &Answer, row: usize, column: usize) -> &str {
    answer.rows[row][column].as_deref().unwrap_or_default()
}

/// Every tier answers exactly for all but `lost`, who come to `outcome`; all channels say so.
async fn answered_without(analyst: &mut Client, lost: &[&str], outcome: &str) {
    for (tier, sql) in ASKED {
        analyst.simple(&format!("SET fanout.tier = '{tier}'")).await.unwrap();
        let answer = analyst.simple(sql).await.unwrap();
        assert_eq!(answer.errors, [], "{tier}, {outcome}");
        assert_eq!(answer.rows, expected(sql, lost), "{tier}, {outcome}");
        told(analyst, &answer, lost, outcome, tier).await;
    }
}

async fn told(analyst: &mut Client, answer: &Answer, lost: &[&str], outcome: &str, tier: &str) {
    let (asked, ok) = (USERS.len(), USERS.len() - lost.len());
    let warnings: Vec<_> = answer.notices.iter().filter(|notice| notice.code() == "01000").collect();
    if lost.is_empty() {
        assert!(warnings.is_empty(), "{tier}: {warnings:?}");
    } else {
        assert_eq!(warnings.len(), 1, "{tier}, {outcome}: {:?}", answer.notices);
        let said = format!("fan-out covered {ok} of {asked} stores");
        assert_eq!(warnings[0].message(), said, "{tier}");
        assert!(warnings[0].hint().contains("stuffgate.legs"), "{tier}: {warnings:?}");
    }
    let legs =
        analyst.simple("SELECT \"user\", outcome FROM stuffgate.legs ORDER BY \"user\"").await.unwrap();
    assert_eq!(legs.errors, [], "{tier}");
    let why = "SELECT \"user\", message FROM stuffgate.legs WHERE message IS NOT NULL";
    let why = analyst.simple(why).await.unwrap();
    let wanted: Vec<Vec<Option<String>>> = USERS
        .iter()
        .map(|user| (user, if lost.contains(user) { outcome } else { "ok" }))
        .map(|(user, outcome)| vec![Some((*user).to_owned()), Some(outcome.to_owned())])
        .collect();
    assert_eq!(legs.rows, wanted, "{tier}, {outcome}: {:?}", why.rows);
    let coverage = analyst.simple("SHOW stuffgate.coverage").await.unwrap();
    assert_eq!((value(&coverage, 0, 0), value(&coverage, 0, 1)), (&*asked.to_string(), &*ok.to_string()));
}

/// Waits until all stores answer again: the pool leaves one alone for a moment after it has refused a login.
async fn until_covered(world: &World) {
    let analyst = tokio::sync::Mutex::new(world.connect(ANALYST).await);
    let full = async || {
        let answer = analyst.lock().await.simple("SELECT count(*) FROM todos").await.unwrap();
        answer.errors.is_empty() && answer.notices.is_empty()
    };
    world.until(full).await;
}

/// The read-only role of a user's partition.
fn reader(world: &World, user: &str) -> String {
    let schema = world.schema(user);
    let sql = format!(
        "SELECT r.rolname FROM pg_namespace n CROSS JOIN aclexplode(n.nspacl) a JOIN pg_roles r ON r.oid = a.grantee \
         WHERE n.nspname = '{schema}' AND r.rolname LIKE 'r\\_%'"
    );
    let found = world.direct(user, &sql);
    found.trim().to_owned()
}

/// Ends the connections that legs have left idle in a user's store.
fn end_legs(world: &World, user: &str) {
    let role = reader(world, user);
    let sql =
        format!("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = '{role}'");
    let _ = world.direct(user, &sql);
}

#[tokio::test]
async fn what_is_taken_away_in_a_store_costs_that_store_only() {
    let world = plan().start();
    let mut analyst = fill(&world).await;
    answered_without(&mut analyst, &[], "ok").await;
    let role = reader(&world, "bob");
    let faults = [
        (format!("ALTER ROLE {role} NOLOGIN"), format!("ALTER ROLE {role} LOGIN"), "revoked"),
        (
            format!("REVOKE SELECT ON todos FROM {role}"),
            format!("GRANT SELECT ON todos TO {role}"),
            "revoked",
        ),
        ("ALTER TABLE todos RENAME TO gone".into(), "ALTER TABLE gone RENAME TO todos".into(), "schema"),
        (
            "ALTER TABLE todos RENAME COLUMN n TO m".into(),
            "ALTER TABLE todos RENAME COLUMN m TO n".into(),
            "schema",
        ),
        (
            "ALTER TABLE todos ALTER COLUMN n TYPE text".into(),
            "ALTER TABLE todos ALTER COLUMN n TYPE int USING n::int".into(),
            "schema",
        ),
    ];
    for (fault, mend, outcome) in faults {
        let _ = world.direct("bob", &fault);
        end_legs(&world, "bob");
        answered_without(&mut analyst, &["bob"], outcome).await;
        let _ = world.direct("bob", &mend);
        until_covered(&world).await;
    }
    let _ = world.direct("bob", &format!("ALTER ROLE {role} PASSWORD 'another'"));
    end_legs(&world, "bob");
    answered_without(&mut analyst, &["bob"], "auth").await;
}

#[tokio::test]
async fn what_a_grant_does_not_allow_is_not_asked_for() {
    let world = plan().start();
    let mut analyst = fill(&world).await;
    for (class, lost) in [("none", &["carol"][..]), ("additive", &[]), ("rows", &[])] {
        world.run(&["grant", "carol", SERVICE, "--fanout", class]);
        let sql = "SELECT count(*), sum(n) FROM todos";
        let answers = tokio::sync::Mutex::new(world.connect(ANALYST).await);
        world
            .until(async || answers.lock().await.simple(sql).await.unwrap().rows == expected(sql, lost))
            .await;
        let mut analyst = answers.into_inner();
        let answer = analyst.simple(sql).await.unwrap();
        told(&mut analyst, &answer, lost, "not_granted", class).await;
    }
    world.run(&["grant", "carol", SERVICE, "--fanout", "values"]);
    let allowed = tokio::sync::Mutex::new(&mut analyst);
    let max = "SELECT max(n) FROM todos WHERE n < 1000";
    world.until(async || allowed.lock().await.simple(max).await.unwrap().value() == Some("300")).await;
    let answer = analyst.simple("SELECT n FROM todos ORDER BY n").await.unwrap();
    assert_eq!(answer.rows, expected("SELECT n", &["carol"]));
    told(&mut analyst, &answer, &["carol"], "not_granted", "values").await;
}

#[tokio::test]
async fn a_store_that_is_away_or_hangs_costs_its_own_rows_and_no_more_time_than_a_leg_has() {
    let mut world = plan().servers(Servers::Each).start();
    let mut analyst = fill(&world).await;
    world.server("alice").stop(Stop::Kill).unwrap();
    answered_without(&mut analyst, &["alice"], "unreachable").await;
    world.server("alice").start_again().unwrap();
    until_covered(&world).await;

    world.server("dave").pause();
    let began = Instant::now();
    let sql = "SELECT count(*), sum(n) FROM todos";
    analyst.simple("RESET fanout.tier").await.unwrap();
    let answer = analyst.simple(sql).await.unwrap();
    assert!(began.elapsed() < Duration::from_millis(LEG_MS + 1000), "{:?}", began.elapsed());
    world.server("dave").resume();
    assert_eq!(answer.rows, expected(sql, &["dave"]));
    told(&mut analyst, &answer, &["dave"], "timeout", "paused").await;
    until_covered(&world).await;

    let mut session = world.connect("carol").await;
    session.simple("BEGIN; LOCK TABLE todos IN ACCESS EXCLUSIVE MODE").await.unwrap();
    answered_without(&mut analyst, &["carol"], "timeout").await;
}

#[tokio::test]
async fn below_min_coverage_no_row_is_sent() {
    let mut world = plan().servers(Servers::Each).start();
    let mut analyst = fill(&world).await;
    analyst.simple("SET fanout.min_coverage = 1").await.unwrap();
    let full = analyst.simple("SELECT n FROM todos ORDER BY n").await.unwrap();
    assert_eq!(full.rows, expected("SELECT n", &[]));
    world.server("bob").stop(Stop::Kill).unwrap();
    for sql in ["SELECT n FROM todos", "SELECT count(*) FROM todos"] {
        let answer = analyst.simple(sql).await.unwrap();
        assert!(!answer.errors.is_empty() && answer.rows.is_empty(), "{sql}: {answer:?}");
    }
    analyst.simple("SET fanout.min_coverage = 0.75").await.unwrap();
    let answer = analyst.simple("SELECT n FROM todos ORDER BY n").await.unwrap();
    assert_eq!(answer.rows, expected("SELECT n", &["bob"]));
    for user in ["alice", "carol", "dave"] {
        world.server(user).stop(Stop::Kill).unwrap();
    }
    analyst.simple("SET fanout.min_coverage = 0").await.unwrap();
    let answer = analyst.simple("SELECT count(*) FROM todos").await.unwrap();
    assert!(!answer.errors.is_empty() && answer.rows.is_empty(), "nobody answered: {answer:?}");
}

#[tokio::test]
async fn a_value_that_fails_in_one_store_is_an_error_as_in_postgres_but_under_a_floor_costs_that_store() {
    let world = plan().start();
    let mut analyst = fill(&world).await;
    // Bob has the row n = 20.
    let sql = "SELECT sum(1000 / (n - 20)) FROM todos WHERE n < 100";
    let answer = analyst.simple(sql).await.unwrap();
    assert_eq!((answer.code(), answer.rows.len()), ("22012", 0), "{answer:?}");
    world.add_analyst("floored", 1);
    world.add_analyst("two", 2);
    world.until(async || world.try_connect("two", &[]).await.is_ok()).await;
    let answer = world.connect("floored").await.simple(sql).await.unwrap();
    assert_eq!(answer.code(), "22012", "{answer:?}");
    let mut two = world.connect("two").await;
    let sql = "SELECT count(1000 / (n - 20)) FROM todos";
    let answer = two.simple(sql).await.unwrap();
    assert_eq!(answer.value(), Some("9"), "{answer:?}");
    told(&mut two, &answer, &["bob"], "bad_data", "t1").await;
    let rows = two.simple("SELECT n FROM todos").await.unwrap();
    assert_eq!((rows.code(), rows.rows.len()), ("42501", 0), "{rows:?}");
    let alone = two.simple("SELECT n < 10 AS small, count(*) FROM todos GROUP BY 1").await.unwrap();
    assert_eq!(alone.rows, [vec![Some("f".to_owned()), Some("9".to_owned())]], "alice's group is not shown");
}

/// What a store sends in place of its rows.
#[derive(Clone, Copy, Debug)]
enum Sends {
    EndlessRows,
    Garbage,
    WrongCount,
    NotANumber,
    HalfARow,
    NothingAtAll,
}

async fn misbehave(mut gate: Peer, real_port: u16, what: Sends) -> Result<(), Error> {
    // The statement for the rows, not the question whether the table is there.
    let (_asked, _real) = gate.stand_before(real_port, "FROM \"todos\"").await?;
    let row = frames::data_row(&[Some("7"), Some("7")]);
    match what {
        Sends::EndlessRows => loop {
            gate.send(&row.repeat(1000)).await?;
        },
        Sends::Garbage => gate.send(&[b"\x01\xff\xff\xff\xff".as_slice(), &[7; 500]].concat()).await?,
        Sends::WrongCount => gate.send(&frames::data_row(&[Some("7"); 9])).await?,
        Sends::NotANumber => gate.send(&frames::data_row(&[Some("seven")])).await?,
        Sends::HalfARow => return gate.send(&row[..row.len() - 1]).await,
        Sends::NothingAtAll => {}
    }
    gate.rest().await.map(drop)
}

#[tokio::test]
async fn a_store_that_sends_what_it_should_not_is_dropped_whole_and_named() {
    let outcomes = [
        (Sends::EndlessRows, &["limit", "bad_data"][..]),
        (Sends::Garbage, &["bad_data"]),
        (Sends::WrongCount, &["bad_data"]),
        (Sends::NotANumber, &["bad_data"]),
        (Sends::HalfARow, &["unreachable", "bad_data"]),
        (Sends::NothingAtAll, &["timeout"]),
    ];
    let mut world = plan().servers(Servers::Each).start();
    let mut analyst = fill(&world).await;
    let server = world.server("alice");
    let port = server.port();
    server.stop(Stop::Fast).unwrap();
    server.start_elsewhere().unwrap();
    let real = server.port();
    let which = Arc::new(AtomicUsize::new(0));
    let whats = outcomes.map(|(what, _)| what);
    let now = Arc::clone(&which);
    let script = move |peer| misbehave(peer, real, whats[now.load(Ordering::Relaxed)]);
    let _fake = FakeStore::start_on(port, script).await.unwrap();
    for (at, (what, outcomes)) in outcomes.into_iter().enumerate() {
        which.store(at, Ordering::Relaxed);
        for sql in ["SELECT count(*), sum(n) FROM todos", "SELECT n FROM todos ORDER BY n"] {
            let answer = analyst.simple(sql).await.unwrap();
            let leg =
                analyst.simple("SELECT outcome FROM stuffgate.legs WHERE \"user\" = 'alice'").await.unwrap();
            let outcome = leg.value().unwrap_or_default().to_owned();
            assert!(outcomes.contains(&outcome.as_str()), "{what:?}, {sql}: {outcome}, {answer:?}");
            assert_eq!(answer.rows, expected(sql, &["alice"]), "{what:?}, {sql}");
            told(&mut analyst, &answer, &["alice"], &outcome, sql).await;
        }
    }
}
