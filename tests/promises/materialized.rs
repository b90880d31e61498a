//! Answers that are kept on home: made anew as a whole or not at all, and without whoever revoked.

use serde_json::Value;
use stuffgate_tests::World;

const OWNERS: &str = "SELECT name, count(*) AS n, 1.50::numeric(9,2) AS \"Odd name\", NULL::date AS d, E'a\\tb\\\\' AS t \
                      FROM owner GROUP BY name";

fn define(world: &World, statement: &str) -> Result<String, String> {
    let arguments = ["materialize", "owners", "--service", "todo", "--every", "1h", statement];
    world.gate.run(&arguments, None).map_err(|error| error.to_string())
}

fn listed(world: &World) -> Value {
    serde_json::from_str(&world.run(&["materialize", "list", "--json"])).unwrap()
}

const KEPT: &str = "SELECT name, n FROM stuffgate_materialized.owners ORDER BY name";

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_kept_with_what_it_covered_and_goes_with_whoever_revokes() {
    let world = World::start();
    world.stamp().await;
    let said = define(&world, OWNERS).unwrap();
    assert!(
        said.contains("stuffgate_materialized.owners on the home of todo: 3 row(s), 3 of 3 stores"),
        "{said}"
    );
    assert_eq!(world.home(KEPT).trim(), "alice|1\nbob|1\ncarol|1");
    let types = "SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', ' ORDER BY attnum)
                 FROM pg_attribute WHERE attrelid = 'stuffgate_materialized.owners'::regclass AND attnum > 0";
    assert_eq!(world.home(types).trim(), "name text, n bigint, Odd name numeric(9,2), d date, t text");
    let first = "SELECT \"Odd name\", d IS NULL, t = E'a\\tb\\\\' FROM stuffgate_materialized.owners LIMIT 1";
    assert_eq!(world.home(first).trim(), "1.50|t|t");
    let noted =
        "SELECT asked, ok, outcomes, rows, elapsed_ms > 0, error IS NULL, now() - as_of < interval '1 min'
                 FROM stuffgate_materialized.refreshes WHERE name = 'owners'";
    assert_eq!(world.home(noted).trim(), "3|3|{\"ok\": 3}|3|t|t|t");

    // The service reads it where it is: without a binding it is on home.
    let mut service = world.connect("todo").await;
    let answer = service.simple(KEPT).await.unwrap();
    assert_eq!((answer.errors.as_slice(), answer.rows.len()), (&[][..], 3));

    world.run(&["revoke", "bob", "todo"]);
    let said = world.run(&["materialize", "refresh", "owners"]);
    assert!(said.contains("2 row(s), 2 of 2 stores"), "{said}");
    assert_eq!(world.home(KEPT).trim(), "alice|1\ncarol|1");
    assert_eq!(world.home("SELECT count(*) FROM stuffgate_materialized.refreshes").trim(), "2");

    world.run(&["materialize", "drop", "owners"]);
    assert_eq!(listed(&world), serde_json::json!([]));
    let left = "SELECT to_regclass('stuffgate_materialized.owners') IS NULL,
                       (SELECT count(*) FROM stuffgate_materialized.refreshes)";
    assert_eq!(world.home(left).trim(), "t|0");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_that_fails_keeps_the_old_answer_and_says_why() {
    let world = World::start();
    world.stamp().await;
    define(&world, OWNERS).unwrap();
    for (statement, why) in [
        ("SELECT nonsense FROM owner", "42703"),
        ("SELECT name, 1 AS n, 1 AS n FROM owner", "42701"),
        ("SELECT name, 1 / (count(*) - 1) AS n FROM owner GROUP BY name", "22012"),
        ("SELECT name, count(*) AS n FROM owner WHERE name = $1 GROUP BY name", "no parameters"),
        ("DELETE FROM owner", "0A000"),
    ] {
        let said = define(&world, statement).unwrap_err();
        assert!(said.contains(why), "{statement}: {said}");
        assert_eq!(world.home(KEPT).trim(), "alice|1\nbob|1\ncarol|1", "{statement}");
        let listed = listed(&world);
        assert!(listed[0]["last_error"].as_str().is_some_and(|error| error.contains(why)), "{listed}");
        assert_eq!(listed[0]["rows"], 3, "{statement}");
        let noted =
            "SELECT error FROM stuffgate_materialized.refreshes ORDER BY as_of DESC, ctid DESC LIMIT 1";
        assert!(world.home(noted).contains(why), "{statement}: {}", world.home(noted));
    }
    assert_eq!(world.home("SELECT count(*) FROM owner").trim(), "1");

    // Other columns make another table; it replaces the old one as a whole.
    define(&world, "SELECT count(*) AS stores FROM owner").unwrap();
    assert_eq!(world.home("SELECT * FROM stuffgate_materialized.owners").trim(), "3");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_made_anew_by_itself_and_the_console_shows_it() {
    let world = World::start();
    world.stamp().await;
    world.run(&[
        "materialize",
        "owners",
        "--service",
        "todo",
        "--every",
        "1s",
        "SELECT name, 1 AS n FROM owner",
    ]);
    world.connect("alice").await.simple("INSERT INTO owner VALUES ('another')").await.unwrap();
    world.until(async || world.home(KEPT).contains("another")).await;

    let mut admin = world.connect("ops").await;
    let shown = admin.simple("SHOW MATERIALIZED").await.unwrap();
    assert_eq!(shown.rows[0][0].as_deref(), Some("owners"));
    let metrics = world.metrics().await;
    assert!(metrics.contains("stuffgate_materialized_refreshes_total{outcome=\"done\"}"), "{metrics}");
}
