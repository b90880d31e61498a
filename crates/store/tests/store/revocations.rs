//! What a revocation takes, and what it leaves.

use crate::bed::{ADMIN, Bed, Session, end_of, grant, on_each_major, provision, revoke};
use store::{GrantPlan, Revoked};

const GONE: Revoked = Revoked { already_done: false, kept: Vec::new() };

async fn served(bed: &Bed) -> (GrantPlan, Session) {
    let plan = grant("todo");
    provision(bed, &plan).await.unwrap();
    let service = bed.session("g_todo").await;
    service.run("CREATE TABLE items AS SELECT x FROM generate_series(1, 1000) x").await;
    (plan, service)
}

fn logins_left(bed: &Bed) -> String {
    bed.su(ADMIN, "SELECT rolname FROM pg_roles WHERE rolname ~ '^[gr]_' ORDER BY 1")
}

#[test]
fn an_open_session_with_an_open_cursor_ends() {
    on_each_major(&async |bed| {
        let (plan, service) = served(bed).await;
        let reader = bed.session("r_todo").await;
        service.run("BEGIN; DECLARE c CURSOR FOR TABLE items").await;
        assert_eq!(service.one("FETCH 1 FROM c").await, "1");
        assert_eq!(revoke(bed, &end_of(&plan)).await.unwrap(), GONE);
        for session in [&service, &reader] {
            assert!(["57P01", "closed"].contains(&session.refused("SELECT 1").await.as_str()));
        }
        assert!(bed.session_in(ADMIN, "g_todo").await.is_err());
        assert_eq!(logins_left(bed), "");
    });
}

#[test]
fn the_users_data_stay_and_a_later_grant_finds_them() {
    on_each_major(&async |bed| {
        let (plan, _service) = served(bed).await;
        revoke(bed, &end_of(&plan)).await.unwrap();
        assert_eq!(bed.su(ADMIN, "SELECT count(*), (SELECT tableowner FROM pg_tables WHERE tablename = 'items') FROM todo.items"), "1000|p_todo\n");
        provision(bed, &GrantPlan { operation: "later".into(), ..plan }).await.unwrap();
        assert_eq!(bed.session("g_todo").await.one("SELECT count(*) FROM items").await, "1000");
        assert_eq!(bed.session("r_todo").await.one("SELECT count(*) FROM items").await, "1000");
    });
}

#[test]
fn nothing_of_the_logins_is_left_in_the_catalogs() {
    on_each_major(&async |bed| {
        let (plan, service) = served(bed).await;
        service.run("GRANT SELECT ON items TO r_todo WITH GRANT OPTION; GRANT ALL ON items TO g_todo").await;
        revoke(bed, &end_of(&plan)).await.unwrap();
        let imprint = bed.imprint(ADMIN);
        assert!(!imprint.contains("g_todo") && !imprint.contains("r_todo"), "{imprint}");
        assert!(imprint.contains("p_todo"));
    });
}

#[test]
fn a_revocation_made_twice_is_made_once() {
    on_each_major(&async |bed| {
        let (plan, _service) = served(bed).await;
        let end = end_of(&plan);
        assert_eq!(revoke(bed, &end).await.unwrap(), GONE);
        assert!(revoke(bed, &end).await.unwrap().already_done);
        let another = store::RevokePlan { operation: "another".into(), ..end };
        assert_eq!(revoke(bed, &another).await.unwrap(), GONE);
    });
}

#[test]
fn a_grant_repeated_after_its_revocation_stays_revoked() {
    on_each_major(&async |bed| {
        let (plan, _service) = served(bed).await;
        revoke(bed, &end_of(&plan)).await.unwrap();
        assert!(provision(bed, &plan).await.unwrap().already_done);
        assert_eq!(logins_left(bed), "");
    });
}

#[test]
fn roles_and_schema_that_the_user_dropped_are_no_obstacle() {
    on_each_major(&async |bed| {
        for dropped in [
            "DROP OWNED BY g_todo; DROP ROLE g_todo",
            "DROP OWNED BY r_todo; DROP ROLE r_todo",
            "DROP SCHEMA todo CASCADE",
            "DROP OWNED BY p_todo CASCADE; DROP ROLE p_todo",
        ] {
            let plan = GrantPlan { operation: format!("grant {dropped}"), ..grant("todo") };
            provision(bed, &plan).await.unwrap();
            bed.session("g_todo").await.run("CREATE TABLE items (x int)").await;
            bed.su(ADMIN, dropped);
            assert_eq!(revoke(bed, &end_of(&plan)).await.unwrap(), GONE, "{dropped}");
            assert_eq!(logins_left(bed), "", "{dropped}");
            bed.su(ADMIN, "DROP SCHEMA IF EXISTS todo CASCADE");
        }
    });
}

#[test]
fn a_session_that_locks_its_own_role_does_not_hold_its_revocation_up() {
    on_each_major(&async |bed| {
        let (plan, service) = served(bed).await;
        service.run("SET ROLE NONE; BEGIN; ALTER ROLE CURRENT_USER PASSWORD 'mine'; SET ROLE p_todo; LOCK TABLE items").await;
        assert_eq!(revoke(bed, &end_of(&plan)).await.unwrap(), GONE);
    });
}

#[test]
fn what_a_login_made_in_its_own_name_becomes_the_partitions() {
    on_each_major(&async |bed| {
        let (plan, service) = served(bed).await;
        service.run("SET ROLE NONE; SELECT lo_from_bytea(4711, 'kept')").await;
        assert_eq!(revoke(bed, &end_of(&plan)).await.unwrap(), GONE);
        let owner =
            "SELECT lomowner::regrole, convert_from(lo_get(4711), 'utf8') FROM pg_largeobject_metadata";
        assert_eq!(bed.su(ADMIN, owner), "p_todo|kept\n");
    });
}

#[test]
fn a_login_that_owns_something_in_another_database_is_kept_without_rights() {
    on_each_major(&async |bed| {
        let (plan, service) = served(bed).await;
        let elsewhere = bed.session_in("postgres", "g_todo").await.unwrap();
        elsewhere.run("SELECT lo_create(4711)").await;
        let revoked = revoke(bed, &end_of(&plan)).await.unwrap();
        assert_eq!(revoked.kept, ["g_todo"]);
        for session in [&service, &elsewhere] {
            assert!(["57P01", "closed"].contains(&session.refused("SELECT 1").await.as_str()));
        }
        assert_eq!(
            bed.su(ADMIN, "SELECT rolcanlogin, rolpassword IS NULL, pg_has_role('g_todo', 'p_todo', 'MEMBER') FROM pg_authid WHERE rolname = 'g_todo'"),
            "f|t|f\n"
        );
        bed.su("postgres", "DROP OWNED BY g_todo");
        let again = store::RevokePlan { operation: "again".into(), ..end_of(&plan) };
        assert_eq!(revoke(bed, &again).await.unwrap(), GONE);
    });
}

#[test]
fn another_grant_on_the_partition_goes_on() {
    on_each_major(&async |bed| {
        let (plan, _service) = served(bed).await;
        let second =
            GrantPlan { operation: "grant second".into(), login_role: "g_second".into(), ..plan.clone() };
        provision(bed, &second).await.unwrap();
        let end = store::RevokePlan { reader_role: None, ..end_of(&plan) };
        assert_eq!(revoke(bed, &end).await.unwrap(), GONE);
        assert_eq!(bed.session("g_second").await.one("SELECT count(*) FROM items").await, "1000");
        assert_eq!(bed.session("r_todo").await.one("SELECT count(*) FROM items").await, "1000");
        assert_eq!(logins_left(bed), "g_second\nr_todo\n");
    });
}

#[test]
fn a_store_never_provisioned_has_nothing_to_revoke() {
    on_each_major(&async |bed| {
        assert_eq!(revoke(bed, &end_of(&grant("todo"))).await.unwrap(), GONE);
    });
}
