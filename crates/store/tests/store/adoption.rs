//! A role and schema that the store's owner prepared by hand.

use crate::bed::{ADMIN, Bed, SECRET, on_each_major, secret, soon};
use store::{Adopted, StoreError};

async fn adopt(bed: &Bed, schema: &str) -> Result<Adopted, StoreError> {
    store::adopt(&bed.endpoint(ADMIN), "hand", &secret(), schema, soon()).await
}

fn prepare(bed: &Bed, sql: &str) {
    bed.su(ADMIN, &format!("CREATE ROLE hand LOGIN PASSWORD '{SECRET}'; CREATE SCHEMA s; {sql}"));
}

#[test]
fn a_login_that_can_work_in_its_schema_alone_is_taken_without_a_word() {
    on_each_major(&async |bed| {
        prepare(
            bed,
            "CREATE ROLE keeper; GRANT keeper TO hand; GRANT ALL ON SCHEMA s TO keeper; ALTER ROLE hand SET role = 'keeper'",
        );
        let adopted = adopt(bed, "s").await.unwrap();
        assert_eq!((adopted.acts_as.as_str(), adopted.version.major()), ("keeper", bed.major));
        assert_eq!(adopted.warnings, Vec::<String>::new());
    });
}

#[test]
fn a_missing_right_is_named_with_the_statement_that_gives_it() {
    on_each_major(&async |bed| {
        prepare(bed, "GRANT USAGE ON SCHEMA s TO hand");
        match adopt(bed, "s").await {
            Err(StoreError::Rights { missing, hint }) => {
                assert_eq!(missing, "role \"hand\" has no CREATE on schema \"s\"");
                assert!(hint.ends_with("GRANT CREATE ON SCHEMA \"s\" TO \"hand\""), "{hint}");
            }
            other => panic!("{other:?}"),
        }
        assert!(matches!(adopt(bed, "t").await, Err(StoreError::Conflict(_))));
    });
}

#[test]
fn more_rights_than_the_service_needs_are_told() {
    on_each_major(&async |bed| {
        prepare(
            bed,
            "GRANT ALL ON SCHEMA s TO hand; CREATE TABLE public.diary (x int); GRANT SELECT ON public.diary TO PUBLIC; ALTER ROLE hand CREATEDB BYPASSRLS",
        );
        let warnings = adopt(bed, "s").await.unwrap().warnings;
        assert_eq!(warnings.len(), 2, "{warnings:?}");
        assert!(warnings[0].contains("CREATEDB, BYPASSRLS"), "{}", warnings[0]);
        assert!(warnings[1].contains("schema \"public\" has 1 tables"), "{}", warnings[1]);
    });
}
