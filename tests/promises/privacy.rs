//! What a grant's class and a login's floor keep from being shown is not shown by other ways either.

use stuffgate_tests::testkit::{Answer, Client};
use stuffgate_tests::{SERVICE, World, WorldPlan};

const USERS: [&str; 3] = ["alice", "bob", "carol"];
const SCHEMA: &str =
    "CREATE TABLE notes (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), secret text, pin int)";

/// A world whose users let sums through; `ann` sees all groups, `flo` those of two stores.
async fn start(class: &str) -> World {
    let world = WorldPlan::default().users(USERS).start();
    for login in USERS.into_iter().chain([SERVICE]) {
        world.connect(login).await.simple(SCHEMA).await.unwrap();
    }
    for (at, user) in (1..).zip(USERS) {
        let insert = format!("INSERT INTO notes (secret, pin) VALUES ('hidden-{user}', {at}4711)");
        world.connect(user).await.simple(&insert).await.unwrap();
        world.run(&["grant", user, SERVICE, "--fanout", class]);
    }
    for (name, floor) in [("ann", 1), ("flo", 2)] {
        world.add_analyst(name, floor);
        let ready = async || match world.try_connect(name, &[]).await {
            // The classes have reached the gate too.
            Ok(mut session) => {
                let rows = session.simple("SELECT pin FROM notes").await.unwrap();
                class == "rows" || rows.rows.is_empty()
            }
            Err(_) => false,
        };
        world.until(ready).await;
    }
    world
}

/// Everything that a session was told of a statement.
async fn all_told(session: &mut Client, sql: &str) -> (Answer, String) {
    let answer = session.simple(sql).await.unwrap();
    let legs = session.simple("SELECT * FROM stuffgate.legs").await.unwrap();
    let without_time: Vec<_> = legs.rows.iter().map(|row| &row[..6]).collect();
    let told = format!("{answer:?} {without_time:?}");
    (answer, told)
}

#[tokio::test]
async fn errors_do_not_quote_values_that_are_not_to_be_seen() {
    const ASKED: [(&str, &str); 6] = [
        ("SELECT sum(secret::int) FROM notes", "22P02"),
        ("SELECT count(*) FROM notes WHERE secret::date > '2020-01-01'", "22007"),
        ("SELECT count(*) FROM notes GROUP BY secret::uuid", "22P02"),
        ("SELECT sum(get_byte('\\x00', pin)) FROM notes", "2202E"),
        ("SELECT sum((secret::json ->> 'a')::int) FROM notes", "22P02"),
        // Computed by home, over rows that were gathered.
        ("SELECT count(*) FROM notes WHERE current_setting(secret) = 'x'", "42704"),
    ];
    let world = start("additive").await;
    for login in ["ann", "flo"] {
        let mut session = world.connect(login).await;
        for tier in ["auto", "t2", "t3"] {
            session.simple(&format!("SET fanout.tier = '{tier}'")).await.unwrap();
            for (sql, code) in ASKED {
                let (answer, told) = all_told(&mut session, sql).await;
                assert!(answer.rows.is_empty(), "{login}, {tier}: {told}");
                assert!(!told.contains("hidden") && !told.contains("4711"), "{login}, {tier}, {sql}: {told}");
                let expected = [code, "0A000", "42501", "55000"];
                assert!(expected.contains(&answer.code()), "{login}, {tier}, {sql}: {told}");
                assert!(login != "ann" || tier != "auto" || answer.code() == code, "{sql}: {told}");
            }
        }
    }
}

#[tokio::test]
async fn where_rows_may_be_seen_errors_are_those_of_postgres() {
    let world = start("rows").await;
    let mut session = world.connect("ann").await;
    let answer = session.simple("SELECT sum(secret::int) FROM notes WHERE pin = 14711").await.unwrap();
    assert_eq!(answer.errors[0].message(), "invalid input syntax for type integer: \"hidden-alice\"");
}

#[tokio::test]
async fn under_a_floor_nobody_is_told_how_much_one_store_sent() {
    let world = start("rows").await;
    let sql = "SELECT count(*) FROM notes WHERE pin < 20000 GROUP BY pin";
    let sizes = "SELECT count(rows) + count(bytes) FROM stuffgate.legs";
    let mut session = world.connect("flo").await;
    assert_eq!(session.simple(sql).await.unwrap().rows.len(), 0, "alice's group is hers alone");
    assert_eq!(session.simple(sizes).await.unwrap().value(), Some("0"));
    let mut session = world.connect("ann").await;
    assert_eq!(session.simple(sql).await.unwrap().rows.len(), 1);
    assert_eq!(session.simple(sizes).await.unwrap().value(), Some("6"));
}

#[tokio::test]
async fn values_are_not_had_from_a_class_of_sums_by_another_name() {
    let world = start("additive").await;
    let mut session = world.connect("ann").await;
    assert_eq!(session.simple("SELECT count(*) FROM notes").await.unwrap().value(), Some("3"));
    for sql in [
        "SELECT secret FROM notes GROUP BY secret",
        "SELECT DISTINCT secret FROM notes",
        "SELECT bit_or(pin) FROM notes",
        "SELECT count(*) FROM notes HAVING min(secret) > 'a'",
        "SELECT count(*) FROM notes ORDER BY max(pin)",
        "SELECT count(*) FROM notes LIMIT (SELECT max(pin) FROM notes)",
        "SELECT count(*), (SELECT secret FROM notes LIMIT 1) FROM notes",
        "SELECT count(*) FROM notes UNION ALL SELECT pin FROM notes",
        "SELECT count(DISTINCT secret) FROM notes",
        "SELECT percentile_disc(0) WITHIN GROUP (ORDER BY pin) FROM notes",
    ] {
        let (answer, told) = all_told(&mut session, sql).await;
        assert_eq!((answer.code(), answer.rows.len()), ("55000", 0), "{sql}: {told}");
        assert!(told.contains("not_granted"), "{sql}: {told}");
    }
}
