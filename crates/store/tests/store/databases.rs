//! Partitions that are databases of their own.

use crate::bed::{ADMIN, Bed, Session, end_of, grant, on_each_major, provision, revoke};
use model::Partition;
use store::{GrantPlan, Revoked, StoreError};

fn plan() -> GrantPlan {
    GrantPlan { database: "todo_db".into(), partition: Partition::Database, ..grant("todo") }
}

async fn service(bed: &Bed) -> Session {
    bed.session_in("todo_db", "g_todo").await.unwrap()
}

#[test]
fn public_really_is_public_and_may_be_dropped_and_made_again() {
    on_each_major(&async |bed| {
        provision(bed, &plan()).await.unwrap();
        let session = service(bed).await;
        assert_eq!(session.one("SELECT current_user").await, "p_todo");
        assert_eq!(session.one("SHOW search_path").await, "\"$user\", public");
        session.run("CREATE TABLE public.items (x int); DROP SCHEMA public CASCADE; CREATE SCHEMA public; CREATE TABLE items AS SELECT 1 AS x; CREATE SCHEMA jobs; CREATE TABLE jobs.queue (x int); CREATE EXTENSION citext").await;
        let reader = bed.session_in("todo_db", "r_todo").await.unwrap();
        assert_eq!(reader.one("SELECT x FROM public.items").await, "1");
        assert_eq!(reader.one("SELECT count(*) FROM jobs.queue").await, "0");
        assert_eq!(
            reader.refused("SET transaction_read_only TO off; INSERT INTO public.items VALUES (2)").await,
            "42501"
        );
    });
}

#[test]
fn roles_of_other_partitions_cannot_even_connect() {
    on_each_major(&async |bed| {
        provision(bed, &plan()).await.unwrap();
        provision(bed, &grant("chat")).await.unwrap();
        let refused = bed.session_in("todo_db", "g_chat").await.err().unwrap();
        assert_eq!(refused.code().map(|code| code.code()), Some("42501"));
    });
}

#[test]
fn declared_extensions_are_in_public() {
    on_each_major(&async |bed| {
        provision(bed, &GrantPlan { extensions: vec!["pgcrypto".into()], ..plan() }).await.unwrap();
        assert_eq!(service(bed).await.one("SELECT length(public.gen_salt('md5'))").await, "11");
    });
}

#[test]
fn a_second_run_changes_nothing_and_a_later_grant_finds_the_data() {
    on_each_major(&async |bed| {
        provision(bed, &plan()).await.unwrap();
        service(bed).await.run("CREATE TABLE items AS SELECT 1 AS x").await;
        let imprint = bed.imprint("todo_db");
        assert!(provision(bed, &plan()).await.unwrap().already_done);
        let anew = GrantPlan { operation: "anew".into(), ..plan() };
        assert!(!provision(bed, &anew).await.unwrap().already_done);
        assert_eq!(bed.imprint("todo_db"), imprint);
        revoke(bed, &end_of(&plan())).await.unwrap();
        provision(bed, &GrantPlan { operation: "later".into(), ..plan() }).await.unwrap();
        assert_eq!(service(bed).await.one("SELECT x FROM items").await, "1");
        assert_eq!(bed.session_in("todo_db", "r_todo").await.unwrap().one("SELECT x FROM items").await, "1");
    });
}

#[test]
fn a_revocation_ends_sessions_and_leaves_the_data_only() {
    on_each_major(&async |bed| {
        provision(bed, &plan()).await.unwrap();
        let session = service(bed).await;
        session.run("CREATE TABLE items AS SELECT 1 AS x; GRANT ALL ON items TO g_todo").await;
        session.run("BEGIN; LOCK TABLE items").await;
        let gone = Revoked { already_done: false, kept: vec![] };
        assert_eq!(revoke(bed, &end_of(&plan())).await.unwrap(), gone);
        assert!(["57P01", "closed"].contains(&session.refused("SELECT 1").await.as_str()));
        let imprint = bed.imprint("todo_db");
        assert!(!imprint.contains("g_todo") && !imprint.contains("r_todo"), "{imprint}");
        assert_eq!(bed.su("todo_db", "TABLE items"), "1\n");
        assert!(revoke(bed, &end_of(&plan())).await.unwrap().already_done);
    });
}

#[test]
fn a_database_that_the_user_dropped_is_no_obstacle_to_its_revocation() {
    on_each_major(&async |bed| {
        provision(bed, &plan()).await.unwrap();
        bed.su("postgres", "DROP DATABASE todo_db WITH (FORCE)");
        let gone = Revoked { already_done: false, kept: vec![] };
        assert_eq!(revoke(bed, &end_of(&plan())).await.unwrap(), gone);
    });
}

#[test]
fn a_database_of_somebody_elses_is_a_conflict() {
    on_each_major(&async |bed| {
        bed.su("postgres", "CREATE DATABASE todo_db");
        assert!(matches!(provision(bed, &plan()).await, Err(StoreError::Conflict(_))));
        bed.su("postgres", "ALTER DATABASE todo_db OWNER TO alice");
        bed.su("todo_db", "CREATE TABLE diary (x int)");
        assert!(matches!(provision(bed, &plan()).await, Err(StoreError::Conflict(_))));
    });
}

#[test]
fn the_stores_own_database_is_never_taken_for_a_partition() {
    on_each_major(&async |bed| {
        let own = GrantPlan { database: ADMIN.into(), ..plan() };
        assert!(matches!(provision(bed, &own).await, Err(StoreError::Plan(_))));
    });
}

#[test]
fn an_admin_without_createdb_is_told_so() {
    on_each_major(&async |bed| {
        bed.su(ADMIN, "ALTER ROLE alice NOCREATEDB");
        match provision(bed, &plan()).await {
            Err(StoreError::Rights { hint, .. }) => assert!(hint.ends_with("ALTER ROLE \"alice\" CREATEDB")),
            other => panic!("{other:?}"),
        }
    });
}
