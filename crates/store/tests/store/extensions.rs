//! Extensions that a service declared.

use crate::bed::{ADMIN, grant, on_each_major, provision};
use store::{GrantPlan, StoreError};

fn with(extensions: &[&str]) -> GrantPlan {
    GrantPlan { extensions: extensions.iter().map(|name| (*name).to_owned()).collect(), ..grant("todo") }
}

#[test]
fn trusted_extensions_are_on_the_services_path_and_need_no_superuser() {
    on_each_major(&async |bed| {
        provision(bed, &with(&["pgcrypto", "citext", "uuid-ossp", "pg_trgm"])).await.unwrap();
        let service = bed.session("g_todo").await;
        service.run("CREATE EXTENSION IF NOT EXISTS pgcrypto").await;
        service.run("CREATE TABLE t (id uuid DEFAULT uuid_generate_v4(), name citext); CREATE INDEX ON t USING gin ((name::text) gin_trgm_ops)").await;
        service.run("INSERT INTO t (name) VALUES ('Milk')").await;
        let reader = bed.session("r_todo").await;
        assert_eq!(reader.one("SELECT count(*) FROM t WHERE name = 'mILK'").await, "1");
        assert_eq!(
            service.refused("CREATE FUNCTION stuffgate_ext.f() RETURNS int LANGUAGE sql AS 'SELECT 1'").await,
            "42501"
        );
    });
}

#[test]
fn an_extension_that_is_installed_elsewhere_is_left_there_and_told() {
    on_each_major(&async |bed| {
        bed.su(ADMIN, "CREATE EXTENSION citext SCHEMA public");
        let provisioned = provision(bed, &with(&["citext", "pgcrypto"])).await.unwrap();
        assert_eq!(provisioned.extensions_elsewhere, [("citext".to_owned(), "public".to_owned())]);
    });
}

#[test]
fn an_extension_that_cannot_be_had_is_a_matter_of_rights_and_changes_nothing() {
    on_each_major(&async |bed| {
        for (name, word) in [("no_such_thing", "package"), ("pg_stat_statements", "superuser")] {
            let before = bed.imprint(ADMIN);
            match provision(bed, &with(&[name])).await {
                Err(StoreError::Rights { missing, hint }) => {
                    assert!(missing.contains(name) && hint.contains(word), "{missing}; {hint}");
                }
                other => panic!("{name}: {other:?}"),
            }
            assert_eq!(bed.imprint(ADMIN), before);
        }
    });
}
