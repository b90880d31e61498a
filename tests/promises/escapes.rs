//! A service reaches its own partition of a store and nothing else of it: the store's own rights see to that.

use stuffgate_tests::{World, WorldPlan};

/// A world in which alice also grants a second service, which keeps a diary.
async fn two_services() -> (World, String) {
    let world = WorldPlan::default().users(["alice"]).start();
    world.run(&["service", "add", "diary"]);
    world.run(&["grant", "alice", "diary"]);
    world.until(async || world.connect_to("diary", "alice").await.is_ok()).await;
    let mut diary = world.connect_to("diary", "alice").await.unwrap();
    let answer = diary
        .simple("CREATE TABLE secrets AS SELECT 'dear diary' AS entry; CREATE FUNCTION peek() RETURNS text LANGUAGE sql AS 'SELECT entry FROM secrets'")
        .await
        .unwrap();
    assert_eq!(answer.errors, []);
    let grants: Vec<serde_json::Value> = serde_json::from_str(&world.run(&["grants", "--json"])).unwrap();
    let schema = grants.iter().find(|grant| grant["service"] == "diary").unwrap()["schema"].clone();
    (world, schema.as_str().unwrap().to_owned())
}

#[tokio::test]
async fn no_way_leads_into_another_services_partition() {
    let (world, other) = two_services().await;
    let mut session = world.connect("alice").await;
    for attempt in [
        format!("SELECT entry FROM {other}.secrets"),
        format!("SELECT entry FROM \"{other}\".\"secrets\""),
        format!("TABLE U&\"{other}\".secrets"),
        format!("SELECT '{other}.secrets'::regclass::text"),
        format!("SET search_path = {other}; SELECT entry FROM secrets"),
        format!("SELECT set_config('search_path', '{other}', false); SELECT entry FROM secrets"),
        format!("SELECT {other}.peek()"),
        format!("INSERT INTO {other}.secrets VALUES ('mine')"),
        format!("CREATE TABLE {other}.mine ()"),
        format!("DROP SCHEMA {other} CASCADE"),
        format!("ALTER SCHEMA {other} RENAME TO mine"),
        format!("DO $$ BEGIN EXECUTE format('SELECT 1 FROM %I.secrets', '{other}'); END $$"),
        format!(
            "CREATE FUNCTION reach() RETURNS SETOF text LANGUAGE sql SECURITY DEFINER AS 'SELECT entry FROM {other}.secrets'; SELECT reach()"
        ),
        format!("CREATE VIEW v AS SELECT * FROM {other}.secrets"),
        format!("COPY {other}.secrets TO STDOUT"),
        format!("LOCK TABLE {other}.secrets"),
        "SET ROLE alice_store".to_owned(),
        "SET SESSION AUTHORIZATION postgres".to_owned(),
        "COPY (SELECT 1) TO PROGRAM 'true'".to_owned(),
        "SELECT pg_read_file('PG_VERSION')".to_owned(),
        "CREATE ROLE mine".to_owned(),
        "ALTER SYSTEM SET work_mem = '1GB'".to_owned(),
    ] {
        let answer = session.simple(&attempt).await.unwrap();
        assert!(!answer.errors.is_empty(), "{attempt} was let through: {answer:?}");
        assert!(!format!("{answer:?}").contains("dear diary"), "{attempt}: {answer:?}");
        assert!(answer.copied.is_empty(), "{attempt}");
        session.simple("ROLLBACK; RESET search_path").await.unwrap();
    }
    let kept = world.direct("alice", &format!("SELECT entry FROM {other}.secrets"));
    assert_eq!(kept, "dear diary\n");
}

#[tokio::test]
async fn the_roles_in_the_store_can_do_no_more_than_they_need() {
    let (world, _) = two_services().await;
    let mut session = world.connect("alice").await;
    let answer = session
        .simple("SELECT rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
        .await
        .unwrap();
    assert_eq!(answer.value(), Some("f"), "{answer:?}");
    let reachable = "SELECT string_agg(rolname, ',') FROM pg_roles WHERE pg_has_role(session_user, oid, 'MEMBER') AND rolname NOT LIKE 'g\\_%' AND rolname NOT LIKE 'p\\_%'";
    let answer = session.simple(reachable).await.unwrap();
    assert_eq!(answer.rows, [[None]], "{answer:?}");
    assert_ne!(world.schema("alice"), "public");
}

#[tokio::test]
async fn a_database_partition_is_nobody_elses_and_leads_nowhere() {
    let plan = WorldPlan::default().users(["alice", "bob"]).in_databases(["alice", "bob"]);
    let world = plan.start();
    let (mut alice, mut bob) = (world.connect("alice").await, world.connect("bob").await);
    bob.simple("CREATE TABLE secrets AS SELECT 'dear diary' AS entry").await.unwrap();
    let sql = "SELECT string_agg(datname, ',') FROM pg_database WHERE datname <> current_database() AND has_database_privilege(datname, 'CONNECT') AND NOT datistemplate AND datname LIKE '%todo%'";
    let reachable = alice.simple(sql).await.unwrap();
    assert_eq!(reachable.rows, [[None]], "{reachable:?}");
    for attempt in [
        "SET ROLE alice_store",
        "SET ROLE bob_store",
        "SET SESSION AUTHORIZATION postgres",
        "CREATE DATABASE mine",
        "CREATE ROLE mine",
        "COPY (SELECT 1) TO PROGRAM 'true'",
        "COPY (SELECT 1) TO '/tmp/stolen'",
        "SELECT pg_read_file('PG_VERSION')",
        "SELECT lo_export(1, '/tmp/stolen')",
        "ALTER SYSTEM SET work_mem = '1GB'",
        "CREATE EXTENSION dblink",
        "CREATE EXTENSION postgres_fdw",
        "CREATE LANGUAGE plpython3u",
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'postgres'",
        "CREATE SUBSCRIPTION s CONNECTION 'host=127.0.0.1' PUBLICATION p",
        "CREATE TABLESPACE mine LOCATION '/tmp'",
    ] {
        let answer = alice.simple(attempt).await.unwrap();
        let nothing = answer.rows.is_empty() && answer.tags.iter().all(|tag| tag == "SELECT 0");
        assert!(!answer.errors.is_empty() || nothing, "{attempt} was let through: {answer:?}");
        alice.simple("ROLLBACK").await.unwrap();
    }
    // Whatever is made of the whole of it stays the service's own affair.
    for sql in [
        "DROP SCHEMA public CASCADE",
        "CREATE SCHEMA public",
        "CREATE SCHEMA other",
        "CREATE TABLE other.t ()",
    ] {
        assert_eq!(alice.simple(sql).await.unwrap().errors, [], "{sql}");
    }
    assert_eq!(bob.simple("SELECT entry FROM secrets").await.unwrap().value(), Some("dear diary"));
}
