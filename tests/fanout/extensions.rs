//! Types and functions of the extensions that a service declared are an analyst's to use.

use stuffgate_tests::WorldPlan;
use stuffgate_tests::testkit::Client;

const ANALYST: &str = "ana";
const EXTENSIONS: [&str; 4] = ["citext", "hstore", "pg_trgm", "ltree"];
const TABLE: &str = "CREATE TABLE things (id uuid PRIMARY KEY, email citext, attributes hstore, path ltree, names citext[], note text)";

/// Rows of alice's store and of bob's.
const ROWS: [(&str, &str); 2] = [
    (
        "alice",
        "INSERT INTO things VALUES
           ('00000000-0000-4000-8000-000000000001', 'A@x.org', 'a=>1, b=>NULL', 'top.left', '{Al,al}', 'words'),
           ('00000000-0000-4000-8000-000000000002', 'c@x.org', NULL, 'top', NULL, 'sword')",
    ),
    (
        "bob",
        "INSERT INTO things VALUES
           ('00000000-0000-4000-8000-000000000003', 'a@X.org', 'a=>2', 'top.left.leaf', '{bo}', 'other'),
           ('00000000-0000-4000-8000-000000000004', NULL, '', 'up', '{}', NULL)",
    ),
];

/// Questions of one value, and what Postgres answers over the rows of both.
const QUESTIONS: [(&str, &str); 17] = [
    ("SELECT count(*) FROM things WHERE email = 'a@x.ORG'", "2"),
    ("SELECT count(*) FROM things WHERE email = 'a@x.ORG'::text", "0"),
    ("SELECT count(DISTINCT email) FROM things", "2"),
    ("SELECT count(*) FROM (SELECT DISTINCT email FROM things) s", "3"),
    (
        "SELECT string_agg(n::text, ',' ORDER BY n) FROM (SELECT count(*) n FROM things GROUP BY email) s",
        "1,1,2",
    ),
    ("SELECT max(email) FROM things", "c@x.org"),
    ("SELECT email FROM things WHERE email > 'b' ORDER BY email LIMIT 1", "c@x.org"),
    ("SELECT count(*) FROM things WHERE email LIKE 'A@%'", "2"),
    ("SELECT count(*) FROM things WHERE names @> ARRAY['AL'::citext]", "1"),
    ("SELECT sum((attributes -> 'a')::int) FROM things", "3"),
    ("SELECT count(*) FROM things WHERE attributes ? 'b'", "1"),
    ("SELECT array_agg(DISTINCT key ORDER BY key)::text FROM things, each(attributes)", "{a,b}"),
    ("SELECT count(*) FROM things WHERE path <@ 'top'", "3"),
    ("SELECT max(nlevel(path)) FROM things", "3"),
    ("SELECT path FROM things ORDER BY path DESC LIMIT 1", "up"),
    ("SELECT count(*) FROM things WHERE similarity(note, 'words') > 0.1", "2"),
    ("SELECT count(*) FROM things WHERE note % 'words'", "1"),
];

#[tokio::test]
async fn extensions_mean_in_a_fan_out_what_they_mean_in_postgres() {
    let plan = WorldPlan::default().users(["alice", "bob"]).in_databases(["bob"]).extensions(EXTENSIONS);
    let world = plan.start();
    let create: String = EXTENSIONS.map(|name| format!("CREATE EXTENSION {name};")).concat();
    let _ = world.home(&format!("{create} SET ROLE home; {TABLE}"));
    for (user, rows) in ROWS {
        let mut session = world.connect(user).await;
        assert_eq!(session.simple(&format!("{TABLE}; {rows}")).await.unwrap().errors, [], "{user}");
    }
    world.add_analyst(ANALYST, 1);
    world.until(async || world.try_connect(ANALYST, &[]).await.is_ok()).await;
    let mut analyst = world.connect(ANALYST).await;
    let mut differ = Vec::new();
    for (question, expected) in QUESTIONS {
        for extended in [false, true] {
            let got = ask(&mut analyst, question, extended).await;
            if got != expected {
                differ.push(format!("{question}\n   expected {expected}, got {got}"));
            }
        }
    }
    assert!(differ.is_empty(), "{}", differ.join("\n"));
}

/// The one value, or the error.
async fn ask(session: &mut Client, question: &str, extended: bool) -> String {
    let answer =
        if extended { session.extended(question, &[]).await } else { session.simple(question).await };
    let answer = answer.unwrap();
    match answer.errors.first().or(answer.notices.first()) {
        Some(said) => format!("{said:?}"),
        None => answer.value().unwrap_or("NULL").to_owned(),
    }
}
