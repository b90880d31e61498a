//! What is not the gate's is left alone.

use crate::bed::{ADMIN, Bed, grant, on_each_major, provision};
use store::{GrantPlan, StoreError};

async fn conflict(bed: &Bed, sql: &str, word: &str) {
    bed.su(ADMIN, sql);
    let before = bed.imprint(ADMIN);
    match provision(bed, &grant("todo")).await {
        Err(StoreError::Conflict(message)) => assert!(message.contains(word), "{sql}: {message}"),
        other => panic!("{sql}: {other:?}"),
    }
    assert_eq!(bed.imprint(ADMIN), before, "{sql} left something behind");
}

#[test]
fn a_schema_of_somebody_elses_is_a_conflict_that_changes_nothing() {
    on_each_major(&async |bed| {
        conflict(bed, "CREATE ROLE bob; CREATE SCHEMA todo AUTHORIZATION bob", "belongs to another role")
            .await;
        bed.su(ADMIN, "DROP SCHEMA todo");
        conflict(
            bed,
            "CREATE SCHEMA todo AUTHORIZATION alice; CREATE TABLE todo.mine (x int)",
            "objects of its owner",
        )
        .await;
        bed.su(ADMIN, "DROP SCHEMA todo CASCADE");
        conflict(
            bed,
            "CREATE SCHEMA todo AUTHORIZATION alice; GRANT CREATE ON SCHEMA todo TO bob",
            "may be written",
        )
        .await;
    });
}

#[test]
fn a_role_with_powers_or_a_login_is_not_taken_for_the_gates() {
    on_each_major(&async |bed| {
        for (sql, role) in [
            ("CREATE ROLE p_todo LOGIN", "p_todo"),
            ("CREATE ROLE p_todo CREATEDB", "p_todo"),
            ("CREATE ROLE g_todo SUPERUSER", "g_todo"),
            ("CREATE ROLE r_todo BYPASSRLS", "r_todo"),
        ] {
            conflict(bed, sql, role).await;
            bed.su(ADMIN, &format!("DROP ROLE {role}"));
        }
    });
}

#[test]
fn an_extension_schema_that_others_may_write_is_a_conflict() {
    on_each_major(&async |bed| {
        conflict(
            bed,
            "CREATE SCHEMA stuffgate_ext AUTHORIZATION alice; GRANT CREATE ON SCHEMA stuffgate_ext TO PUBLIC",
            "may be written",
        )
        .await;
        bed.su(ADMIN, "DROP SCHEMA stuffgate_ext");
        conflict(bed, "CREATE SCHEMA stuffgate_ext", "belongs to another role").await;
    });
}

#[test]
fn a_record_schema_of_somebody_elses_is_a_conflict() {
    on_each_major(&async |bed| {
        conflict(bed, "CREATE SCHEMA stuffgate", "belongs to another role").await;
    });
}

#[test]
fn an_empty_schema_that_the_owner_prepared_is_taken() {
    on_each_major(&async |bed| {
        bed.su(ADMIN, "CREATE SCHEMA todo AUTHORIZATION alice");
        provision(bed, &grant("todo")).await.unwrap();
        bed.session("g_todo").await.run("CREATE TABLE items (x int)").await;
    });
}

#[test]
fn a_second_service_does_not_get_the_firsts_partition() {
    on_each_major(&async |bed| {
        provision(bed, &grant("todo")).await.unwrap();
        let thief = GrantPlan { partition: grant("todo").partition, ..grant("chat") };
        let refused = provision(bed, &thief).await;
        assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
    });
}

#[test]
fn a_plan_for_another_database_is_refused() {
    on_each_major(&async |bed| {
        let plan = GrantPlan { database: "postgres".into(), ..grant("todo") };
        assert!(matches!(provision(bed, &plan).await, Err(StoreError::Plan(_))));
    });
}
