//! What a grant gives, and what it does not give.

use crate::bed::{ADMIN, Bed, grant, on_each_major, provision, soon, verifier};
use model::Partition;
use store::{Provisioned, StoreError};

async fn granted(bed: &Bed, services: &[&str]) {
    for service in services {
        provision(bed, &grant(service)).await.unwrap();
    }
}

#[test]
fn what_migrations_create_belongs_to_the_owner_role_in_the_partition() {
    on_each_major(&async |bed| {
        granted(bed, &["todo"]).await;
        let service = bed.session("g_todo").await;
        assert_eq!(service.one("SELECT current_user").await, "p_todo");
        assert_eq!(service.one("SHOW search_path").await, "todo, stuffgate_ext");
        service
            .run("CREATE TABLE items (id serial, text text); INSERT INTO items (text) VALUES ('milk')")
            .await;
        service.run("CREATE TEMP TABLE scratch (x int)").await;
        assert_eq!(
            bed.su(ADMIN, "SELECT schemaname, tableowner FROM pg_tables WHERE tablename = 'items'"),
            "todo|p_todo\n"
        );
    });
}

#[test]
fn reset_role_and_discard_all_land_on_the_owner_role_again() {
    on_each_major(&async |bed| {
        granted(bed, &["todo"]).await;
        let service = bed.session("g_todo").await;
        for away in ["SET ROLE NONE", "SET SESSION AUTHORIZATION DEFAULT"] {
            for back in ["RESET ROLE", "DISCARD ALL"] {
                service.run(away).await;
                service.run("SET search_path TO pg_catalog").await;
                service.run(back).await;
                service.run("RESET ALL").await;
                assert_eq!(service.one("SELECT current_user").await, "p_todo", "{away}, {back}");
                assert_eq!(service.one("SHOW search_path").await, "todo, stuffgate_ext", "{away}, {back}");
            }
        }
    });
}

#[test]
fn the_login_itself_has_no_rights() {
    on_each_major(&async |bed| {
        granted(bed, &["todo"]).await;
        let service = bed.session("g_todo").await;
        service.run("CREATE TABLE items (x int); SET ROLE NONE").await;
        assert_eq!(service.one("SELECT current_user").await, "g_todo");
        assert_eq!(service.refused("TABLE todo.items").await, "42501");
        assert_eq!(service.refused("CREATE TABLE todo.more (x int)").await, "42501");
        assert_eq!(service.refused("CREATE SCHEMA mine").await, "42501");
    });
}

#[test]
fn the_reader_reads_what_is_there_and_what_comes_later_and_writes_nothing() {
    on_each_major(&async |bed| {
        granted(bed, &["todo"]).await;
        let service = bed.session("g_todo").await;
        service.run("CREATE TABLE before (x int); INSERT INTO before VALUES (1)").await;
        let again = store::GrantPlan { operation: "again".into(), ..grant("todo") };
        provision(bed, &again).await.unwrap();
        service.run("CREATE TABLE after (x int); INSERT INTO after VALUES (2)").await;
        service.run("CREATE VIEW everything AS TABLE before UNION ALL TABLE after").await;

        let reader = bed.session("r_todo").await;
        assert_eq!(reader.one("SELECT sum(x) FROM everything").await, "3");
        assert_eq!(reader.one("SHOW default_transaction_read_only").await, "on");
        assert_eq!(reader.refused("CREATE TEMP TABLE t (x int)").await, "25006");
        reader.run("SET default_transaction_read_only TO off").await;
        for write in
            ["INSERT INTO after VALUES (3)", "DELETE FROM before", "TRUNCATE after", "CREATE TABLE t (x int)"]
        {
            assert_eq!(reader.refused(write).await, "42501", "{write}");
        }
        assert_eq!(reader.refused("SET ROLE p_todo").await, "42501");
    });
}

#[test]
fn a_table_made_before_the_reader_was_is_read_too() {
    on_each_major(&async |bed| {
        granted(bed, &["todo"]).await;
        bed.session("g_todo").await.run("CREATE TABLE items (x int); INSERT INTO items VALUES (1)").await;
        let second = store::GrantPlan {
            operation: "second".into(),
            login_role: "g_second".into(),
            reader_role: "r_second".into(),
            ..grant("todo")
        };
        provision(bed, &second).await.unwrap();
        assert_eq!(bed.session("r_second").await.one("SELECT x FROM items").await, "1");
        assert_eq!(bed.session("g_second").await.one("SELECT x FROM items").await, "1");
    });
}

#[test]
fn two_services_of_one_store_cannot_reach_each_other() {
    on_each_major(&async |bed| {
        granted(bed, &["todo", "chat"]).await;
        bed.session("g_todo").await.run("CREATE TABLE items (x int); CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE TYPE mood AS ENUM ('fine'); CREATE SEQUENCE s").await;
        for role in ["g_chat", "r_chat"] {
            let other = bed.session(role).await;
            for reach in [
                "TABLE todo.items",
                "INSERT INTO todo.items VALUES (1)",
                "DELETE FROM todo.items",
                "DROP TABLE todo.items",
                "LOCK TABLE todo.items IN ACCESS SHARE MODE",
                "SELECT todo.f()",
                "SELECT 'fine'::todo.mood",
                "SELECT 'todo.items'::regclass",
                "SELECT nextval('todo.s')",
                "SET ROLE p_todo",
                "SET ROLE g_todo",
                "SET ROLE r_todo",
                "SET ROLE alice",
                "ALTER ROLE g_todo NOLOGIN",
                "GRANT p_todo TO g_chat",
                "TABLE stuffgate.operation",
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'alice'",
            ] {
                let outcome = other.ask(&format!("SET transaction_read_only TO off; {reach}")).await;
                let harmless = reach.contains("alice'") && outcome == Ok(vec![]);
                assert!(harmless || outcome == Err("42501".into()), "{role}: {reach}: {outcome:?}");
            }
            let made = [
                "CREATE TABLE public.t (x int)",
                "CREATE TABLE stuffgate_ext.t (x int)",
                "CREATE TABLE todo.t (x int)",
                "CREATE SCHEMA t",
            ];
            for create in made {
                let refusal = other.refused(&format!("SET transaction_read_only TO off; {create}")).await;
                assert_eq!(refusal, "42501", "{role}: {create}");
            }
        }
    });
}

#[test]
fn the_admin_has_no_rights_on_what_a_service_keeps() {
    on_each_major(&async |bed| {
        granted(bed, &["todo"]).await;
        bed.session("g_todo").await.run("CREATE TABLE items (x int)").await;
        provision(bed, &store::GrantPlan { operation: "again".into(), ..grant("todo") }).await.unwrap();
        let owner = bed.session(ADMIN).await;
        assert_eq!(owner.refused("TABLE todo.items").await, "42501");
        assert_eq!(owner.refused("INSERT INTO todo.items VALUES (1)").await, "42501");
        let members = "SELECT count(*) FROM pg_auth_members a JOIN pg_roles m ON m.oid = a.member \
                       WHERE m.rolname = 'alice' AND (a.roleid = 'p_todo'::regrole)";
        let expected = if bed.major >= 16 { "1" } else { "0" };
        assert_eq!(owner.one(members).await, expected);
    });
}

#[test]
fn a_grant_made_twice_is_made_once() {
    on_each_major(&async |bed| {
        let plan = grant("todo");
        let first = provision(bed, &plan).await.unwrap();
        assert_eq!(first, Provisioned { already_done: false, extensions_elsewhere: vec![] });
        let imprint = bed.imprint(ADMIN);
        assert!(provision(bed, &plan).await.unwrap().already_done);
        assert_eq!(bed.imprint(ADMIN), imprint);
        let anew = store::GrantPlan { operation: "another".into(), ..plan };
        assert!(!provision(bed, &anew).await.unwrap().already_done);
        assert_eq!(bed.imprint(ADMIN), imprint);
    });
}

#[test]
fn the_same_grant_at_the_same_time_is_made_once() {
    on_each_major(&async |bed| {
        provision(bed, &grant("chat")).await.unwrap();
        let plan = grant("todo");
        let one = async || provision(bed, &plan).await.unwrap().already_done;
        let (first, second, third) = tokio::join!(one(), one(), one());
        assert_eq!([first, second, third].into_iter().filter(|done| !done).count(), 1);
    });
}

#[test]
fn a_store_that_took_connect_and_temp_from_everybody_works() {
    on_each_major(&async |bed| {
        bed.su(ADMIN, "REVOKE ALL ON DATABASE alice FROM PUBLIC");
        granted(bed, &["todo"]).await;
        bed.session("g_todo").await.run("CREATE TEMP TABLE t (x int); CREATE TABLE items (x int)").await;
        assert_eq!(bed.session("r_todo").await.one("SELECT count(*) FROM items").await, "0");
    });
}

#[test]
fn limits_and_end_of_a_grant_are_the_stores_own() {
    on_each_major(&async |bed| {
        let plan =
            store::GrantPlan { connection_limit: Some(1), valid_until: Some(4_000_000_000), ..grant("todo") };
        provision(bed, &plan).await.unwrap();
        assert_eq!(
            bed.su(
                ADMIN,
                "SELECT rolvaliduntil AT TIME ZONE 'UTC' FROM pg_roles WHERE rolname IN ('g_todo', 'r_todo')"
            ),
            "2096-10-02 07:06:40\n2096-10-02 07:06:40\n"
        );
        let held = bed.session("g_todo").await;
        assert!(bed.session_in(ADMIN, "g_todo").await.is_err());
        drop(held);
        let past = store::GrantPlan { operation: "past".into(), valid_until: Some(1), ..plan };
        provision(bed, &past).await.unwrap();
        assert!(bed.session_in(ADMIN, "g_todo").await.is_err());
    });
}

#[test]
fn names_that_need_quoting_work() {
    on_each_major(&async |bed| {
        let odd = |prefix: &str| format!("{prefix}_to\"do's $do$ -- \\x");
        let plan = store::GrantPlan {
            operation: "it's \\ \"odd\"\n".into(),
            service: "it's\nodd".into(),
            partition: Partition::Schema { schema: odd("s").into(), extensions: odd("x").into() },
            owner_role: odd("p"),
            login_role: odd("g"),
            reader_role: odd("r"),
            extensions: vec!["uuid-ossp".into()],
            ..grant("todo")
        };
        provision(bed, &plan).await.unwrap();
        let service = bed.session(&odd("g")).await;
        service.run("CREATE TABLE \"o'\"\"dd\" AS SELECT uuid_generate_v4()").await;
        assert_eq!(service.one("SELECT current_user").await, odd("p"));
        provision(bed, &store::GrantPlan { operation: "again".into(), ..plan.clone() }).await.unwrap();
        assert_eq!(bed.session(&odd("r")).await.one("SELECT count(*) FROM \"o'\"\"dd\"").await, "1");
        let revoked = crate::bed::revoke(bed, &crate::bed::end_of(&plan)).await;
        assert!(revoked.is_err_and(|error| matches!(error, StoreError::Plan(_))), "one operation, two kinds");
        let end = store::RevokePlan { operation: "end".into(), ..crate::bed::end_of(&plan) };
        assert_eq!(crate::bed::revoke(bed, &end).await.unwrap().kept, Vec::<String>::new());
    });
}

#[test]
fn a_rotated_secret_is_in_force_at_once_and_sessions_go_on() {
    on_each_major(&async |bed| {
        granted(bed, &["todo"]).await;
        let session = bed.session("g_todo").await;
        let admin = bed.admin().await;
        store::set_verifier(&admin, "g_todo", &verifier("another")).await.unwrap();
        store::set_verifier(&admin, "g_todo", &verifier("another")).await.unwrap();
        assert!(bed.session_in(ADMIN, "g_todo").await.is_err());
        assert_eq!(session.one("SELECT 1").await, "1");
        let refused = store::set_verifier(&admin, "g_todo", "a password").await;
        assert!(matches!(refused, Err(StoreError::Plan(_))));
        let unknown = store::set_verifier(&admin, "g_gone", &verifier("x")).await;
        assert!(matches!(unknown, Err(StoreError::Sql { state, .. }) if state == "42704"));
        let (endpoint, secret) = (bed.endpoint(ADMIN), "another".to_owned().into());
        assert!(store::Admin::connect(&endpoint, "g_todo", &secret, soon()).await.is_ok());
    });
}
