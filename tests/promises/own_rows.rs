//! Each user's rows are in that user's own store and nowhere else.

use stuffgate_tests::WorldPlan;

#[tokio::test]
async fn the_same_statements_of_two_users_end_in_two_stores() {
    for world in WorldPlan::default().start_in_each_kind() {
        for user in ["alice", "bob"] {
            let mut session = world.connect(user).await;
            let script =
                format!("CREATE TABLE public.notes (t text); INSERT INTO notes VALUES ('of {user}')");
            assert_eq!(session.simple(&script).await.unwrap().tags, ["CREATE TABLE", "INSERT 0 1"]);
            let answer = session.extended("SELECT t FROM notes", &[]).await.unwrap();
            assert_eq!(answer.column(), [format!("of {user}")]);
        }
        assert_eq!(world.direct("alice", "TABLE notes"), "of alice\n");
        assert_eq!(world.direct("bob", "TABLE notes"), "of bob\n");
        assert_eq!(world.direct("carol", "SELECT to_regclass('notes') IS NULL"), "t\n");
        assert_eq!(world.home("SELECT to_regclass('notes') IS NULL"), "t\n");
    }
}

#[test]
fn a_grant_makes_a_partition_that_is_empty() {
    let world = WorldPlan::default().users(["alice"]).start_without_gate();
    let sql = "SELECT count(*) FROM pg_class WHERE relnamespace = current_schema()::regnamespace";
    assert_eq!(world.direct("alice", sql), "0\n");
}
