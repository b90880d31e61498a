//! A service session reaches the user it is bound to, by every form of binding, and nobody by guess.

use stuffgate_tests::testkit::{Answer, Client};
use stuffgate_tests::{SERVICE, World, WorldPlan};

/// Every store, and the home, says whose it is.
const WHO: &str = "SELECT name FROM owner";

/// Worlds of both kinds of partition.
async fn stamped() -> Vec<World> {
    let worlds = WorldPlan::default().start_in_each_kind();
    for world in &worlds {
        world.stamp().await;
    }
    worlds
}

async fn ok(session: &mut Client, sql: &str) -> Answer {
    let answer = session.simple(sql).await.unwrap();
    assert_eq!(answer.errors, [], "{sql}");
    answer
}

async fn who(session: &mut Client) -> String {
    ok(session, WHO).await.value().unwrap().to_owned()
}

#[tokio::test]
async fn every_form_of_binding_reaches_that_users_store() {
    for world in stamped().await {
        for form in [
            "SET stuffgate.user = 'bob'",
            "SET stuffgate.user TO bob",
            "set session Stuffgate.User to 'bob'",
            "SELECT set_config('stuffgate.user', 'bob', false)",
            "SELECT pg_catalog.set_config('stuffgate.user', 'bob', false)",
        ] {
            let mut session = world.connect(SERVICE).await;
            ok(&mut session, form).await;
            assert_eq!(who(&mut session).await, "bob", "{form}");
            assert_eq!(ok(&mut session, "SHOW stuffgate.user").await.value(), Some("bob"), "{form}");
            let setting = "SELECT current_setting('stuffgate.user', true)";
            assert_eq!(ok(&mut session, setting).await.value(), Some("bob"), "{form}");
        }
        let mut session = world.connect_with(SERVICE, &[("options", "-c stuffgate.user=bob")]).await;
        assert_eq!(who(&mut session).await, "bob");

        let mut session = world.connect(SERVICE).await;
        let set = "SELECT set_config('stuffgate.user', $1, $2)";
        let answer = session.extended(set, &[Some("bob"), Some("false")]).await.unwrap();
        assert_eq!(answer.value(), Some("bob"));
        assert_eq!(session.extended(WHO, &[]).await.unwrap().value(), Some("bob"));
    }
}

#[tokio::test]
async fn a_tag_binds_its_statements_transaction_only() {
    for world in stamped().await {
        let mut session = world.connect(SERVICE).await;
        for tagged in
            [format!("/*stuffgate.user='bob'*/ {WHO}"), format!("{WHO} /*a='b',stuffgate.user='b%6Fb'*/")]
        {
            assert_eq!(ok(&mut session, &tagged).await.value(), Some("bob"), "{tagged}");
            assert_eq!(session.extended(&tagged, &[]).await.unwrap().value(), Some("bob"), "{tagged}");
            assert_eq!(who(&mut session).await, "home");
        }
        ok(&mut session, "BEGIN").await;
        assert_eq!(ok(&mut session, &format!("/*stuffgate.user='bob'*/ {WHO}")).await.value(), Some("bob"));
        assert_eq!(who(&mut session).await, "bob");
        ok(&mut session, "COMMIT").await;
        assert_eq!(who(&mut session).await, "home");
    }
}

#[tokio::test]
async fn two_different_tags_in_one_transaction_are_refused() {
    for world in stamped().await {
        let mut session = world.connect(SERVICE).await;
        ok(&mut session, "BEGIN").await;
        ok(&mut session, &format!("/*stuffgate.user='bob'*/ {WHO}")).await;
        let answer = session.simple(&format!("/*stuffgate.user='alice'*/ {WHO}")).await.unwrap();
        assert!(!answer.errors.is_empty() && answer.rows.is_empty());
    }
}

#[tokio::test]
async fn the_last_binding_wins_and_reset_goes_back_to_the_start() {
    for world in stamped().await {
        for back in ["RESET stuffgate.user", "SET stuffgate.user TO DEFAULT", "RESET ALL", "DISCARD ALL"] {
            let mut session = world.connect_with(SERVICE, &[("options", "-c stuffgate.user=alice")]).await;
            ok(&mut session, "SET stuffgate.user = 'bob'").await;
            ok(&mut session, "SET stuffgate.user = 'carol'").await;
            assert_eq!(who(&mut session).await, "carol");
            ok(&mut session, back).await;
            assert_eq!(who(&mut session).await, "alice", "{back}");
        }
    }
}

#[tokio::test]
async fn set_local_inside_a_transaction_that_touched_nothing_binds_that_transaction() {
    for world in stamped().await {
        let mut session = world.connect(SERVICE).await;
        for end in ["COMMIT", "ROLLBACK"] {
            ok(&mut session, "BEGIN").await;
            ok(&mut session, "SET LOCAL stuffgate.user = 'alice'").await;
            assert_eq!(who(&mut session).await, "alice");
            ok(&mut session, end).await;
            assert_eq!(who(&mut session).await, "home");
        }
        let script = format!("BEGIN; SET LOCAL stuffgate.user = 'bob'; {WHO}; COMMIT; {WHO}");
        assert_eq!(ok(&mut session, &script).await.column(), ["bob", "home"]);
    }
}

#[tokio::test]
async fn a_binding_that_is_rolled_back_never_was() {
    for world in stamped().await {
        let mut session = world.connect(SERVICE).await;
        ok(&mut session, "BEGIN").await;
        ok(&mut session, "SET stuffgate.user = 'alice'").await;
        assert_eq!(who(&mut session).await, "alice");
        ok(&mut session, "ROLLBACK").await;
        assert_eq!(who(&mut session).await, "home");
        ok(&mut session, "BEGIN; SET stuffgate.user = 'alice'; COMMIT").await;
        assert_eq!(who(&mut session).await, "alice");
    }
}

#[tokio::test]
async fn a_transaction_that_touched_a_server_cannot_change_hands_and_stays_usable() {
    for world in stamped().await {
        let mut session = world.connect(SERVICE).await;
        ok(&mut session, "SET stuffgate.user = 'alice'").await;
        ok(&mut session, "BEGIN").await;
        ok(&mut session, "INSERT INTO owner VALUES ('again')").await;
        for form in ["SET stuffgate.user = 'bob'", "SELECT set_config('stuffgate.user', 'bob', true)"] {
            let answer = session.simple(form).await.unwrap();
            assert_eq!((answer.code(), answer.status), ("25001", 'T'), "{form}");
        }
        ok(&mut session, "SET stuffgate.user = 'alice'").await;
        assert_eq!(ok(&mut session, "SELECT count(*) FROM owner").await.value(), Some("2"));
        ok(&mut session, "COMMIT").await;
        assert_eq!(world.direct("alice", "SELECT count(*) FROM owner"), "2\n");
        assert_eq!(world.direct("bob", "SELECT count(*) FROM owner"), "1\n");
    }
}

#[tokio::test]
async fn statements_of_one_message_are_honoured_in_order() {
    for world in stamped().await {
        let mut session = world.connect(SERVICE).await;
        let script = format!(
            "{WHO}; SET stuffgate.user = 'alice'; {WHO}; SET stuffgate.user = 'bob'; {WHO}; RESET stuffgate.user; {WHO}"
        );
        let answer = session.simple(&script).await.unwrap();
        // As one implicit transaction the message may be refused from the first change of hands on; what it
        // must never do is answer a statement from another store than its own.
        let expected = ["home", "alice", "bob", "home"];
        assert_eq!(answer.column(), expected[..answer.rows.len()]);
        assert!(answer.rows.len() == 4 || answer.code() == "25001", "{answer:?}");
    }
}

#[tokio::test]
async fn a_user_login_is_its_own_user_and_nobody_elses() {
    for world in stamped().await {
        let mut session = world.connect("alice").await;
        for foreign in [
            "SET stuffgate.user = 'bob'".to_owned(),
            "SELECT set_config('stuffgate.user', 'bob', false)".to_owned(),
            format!("/*stuffgate.user='bob'*/ {WHO}"),
            format!("BEGIN; SET LOCAL stuffgate.user = 'bob'; {WHO}"),
        ] {
            let answer = session.simple(&foreign).await.unwrap();
            assert_eq!(answer.code(), "28000", "{foreign}");
            assert_eq!(answer.rows.len(), 0, "{foreign}");
            session.simple("ROLLBACK").await.unwrap();
            assert_eq!(who(&mut session).await, "alice", "{foreign}");
        }
        ok(&mut session, "SET stuffgate.user = 'alice'").await;
        assert!(world.try_connect("alice", &[("options", "-c stuffgate.user=bob")]).await.is_err());
    }
}

#[tokio::test]
async fn without_a_binding_and_a_home_nothing_is_sent_anywhere() {
    let world = WorldPlan::default().without_home().start();
    let mut session = world.connect(SERVICE).await;
    for sql in ["SELECT 1", "CREATE TABLE t ()", "BEGIN; SELECT 1", "COPY t FROM STDIN"] {
        let answer = session.simple(sql).await.unwrap();
        assert_eq!(answer.code(), "28000", "{sql}");
        assert!(answer.errors[0].hint().contains("stuffgate.user"), "{sql}: {:?}", answer.errors);
        session.simple("ROLLBACK").await.unwrap();
    }
    let answer = session.extended("SELECT $1::text", &[Some("x")]).await.unwrap();
    assert_eq!(answer.code(), "28000");
    ok(&mut session, "SET stuffgate.user = 'alice'").await;
    assert_eq!(ok(&mut session, "SELECT 1").await.value(), Some("1"));
}

#[tokio::test]
async fn users_who_do_not_exist_or_granted_nothing_are_refused_alike() {
    for world in stamped().await {
        world.add_user("dave");
        let mut session = world.connect(SERVICE).await;
        let mut refusals = Vec::new();
        for user in ["dave", "nobody"] {
            // In one message, so that what follows a refused SET is not run for somebody else.
            let answer = session.simple(&format!("SET stuffgate.user = '{user}'; {WHO}")).await.unwrap();
            assert_eq!((answer.code(), answer.rows.len()), ("28000", 0), "{user}");
            refusals.push(answer.errors[0].message().replace(user, "USER"));
        }
        assert_eq!(refusals[0], refusals[1]);
        ok(&mut session, "SET stuffgate.user = 'bob'").await;
        assert_eq!(who(&mut session).await, "bob");
    }
}
