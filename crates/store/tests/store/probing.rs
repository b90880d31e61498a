//! A store is judged in one line that a person can act on.

use crate::bed::{ADMIN, Bed, grant, on_each_major, provision};
use store::StoreError;

async fn line(bed: &Bed) -> String {
    store::probe(&bed.admin().await).await.unwrap().one_line()
}

#[test]
fn a_fit_store_is_ready() {
    on_each_major(&async |bed| {
        let line = line(bed).await;
        let expected = format!("ready: PostgreSQL {}", bed.major);
        assert!(
            line.starts_with(&expected) && line.ends_with("alice owns alice, database partitions possible"),
            "{line}"
        );
        let report = store::probe(&bed.admin().await).await.unwrap();
        assert!(report.extensions.iter().any(|name| name == "citext"));
    });
}

#[test]
fn each_missing_right_is_named_with_the_statement_that_gives_it_and_stops_a_grant() {
    on_each_major(&async |bed| {
        let mut cases = vec![
            (
                "ALTER ROLE alice NOCREATEROLE",
                "ALTER ROLE alice CREATEROLE",
                "may not create roles; let a superuser run: ALTER ROLE \"alice\" CREATEROLE",
            ),
            (
                "ALTER DATABASE alice OWNER TO postgres",
                "ALTER DATABASE alice OWNER TO alice",
                "\"postgres\" does; let a superuser run: ALTER DATABASE \"alice\" OWNER TO \"alice\"",
            ),
            (
                "REVOKE CREATE ON DATABASE alice FROM alice",
                "GRANT CREATE ON DATABASE alice TO alice",
                "GRANT CREATE ON DATABASE \"alice\" TO \"alice\"",
            ),
        ];
        if bed.major < 16 {
            cases.push((
                "ALTER ROLE alice NOINHERIT",
                "ALTER ROLE alice INHERIT",
                "ALTER ROLE \"alice\" INHERIT",
            ));
        }
        for (spoil, mend, expected) in cases {
            bed.su(ADMIN, spoil);
            let line = line(bed).await;
            assert!(line.ends_with(expected), "{line}");
            let refused = provision(bed, &grant("todo")).await;
            assert!(matches!(refused, Err(StoreError::Rights { .. })), "{refused:?}");
            bed.su(ADMIN, mend);
        }
        provision(bed, &grant("todo")).await.unwrap();
    });
}

#[test]
fn an_admin_that_does_not_inherit_is_fit_from_16_on() {
    on_each_major(&async |bed| {
        bed.su(ADMIN, "ALTER ROLE alice NOINHERIT");
        if bed.major >= 16 {
            provision(bed, &grant("todo")).await.unwrap();
            crate::bed::revoke(bed, &crate::bed::end_of(&grant("todo"))).await.unwrap();
        }
    });
}

#[test]
fn what_had_better_be_otherwise_is_warned_of() {
    on_each_major(&async |bed| {
        bed.su(ADMIN, "ALTER ROLE alice SUPERUSER; GRANT CREATE ON SCHEMA public TO PUBLIC; ALTER DATABASE alice SET password_encryption = 'md5'");
        let line = line(bed).await;
        for expected in [
            "ready:",
            "is a superuser",
            "everybody may create in schema public",
            "password_encryption is \"md5\"",
        ] {
            assert!(line.contains(expected), "{expected}: {line}");
        }
        provision(bed, &grant("todo")).await.unwrap();
        bed.session("g_todo").await.run("CREATE TABLE items (x int)").await;
        crate::bed::revoke(bed, &crate::bed::end_of(&grant("todo"))).await.unwrap();
    });
}

#[test]
fn an_admin_by_way_of_the_owners_group_is_fit() {
    on_each_major(&async |bed| {
        bed.su(
            ADMIN,
            "CREATE ROLE household; GRANT household TO alice; ALTER DATABASE alice OWNER TO household",
        );
        assert_eq!(store::probe(&bed.admin().await).await.unwrap().problem(), None);
        provision(bed, &grant("todo")).await.unwrap();
        bed.session("g_todo").await.run("CREATE TABLE items (x int)").await;
        crate::bed::revoke(bed, &crate::bed::end_of(&grant("todo"))).await.unwrap();
    });
}
