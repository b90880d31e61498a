//! What is printed to be run by hand is what the gate runs.

use crate::bed::{ADMIN, Bed, grant, on_each_major, provision};
use model::Partition;
use store::{GrantPlan, ServerVersion, plan_sql};

async fn same_by_hand(bed: &Bed, plan: &GrantPlan) {
    provision(bed, plan).await.unwrap();
    let by_the_gate = bed.imprint(&plan.database);
    bed.forget_todo();
    let script = plan_sql(plan, ServerVersion::of_major(bed.major)).unwrap();
    for _ in 0..2 {
        let (content, said) = bed.psql(&script);
        assert!(content, "{said}");
        let by_hand = bed.imprint(&plan.database);
        assert_eq!(by_hand, by_the_gate);
    }
}

#[test]
fn psql_makes_the_same_schema_partition() {
    on_each_major(&async |bed| {
        let plan = GrantPlan { extensions: vec!["citext".into()], ..grant("todo") };
        same_by_hand(bed, &plan).await;
        assert!(provision(bed, &plan).await.unwrap().already_done);
    });
}

#[test]
fn psql_makes_the_same_database_partition() {
    on_each_major(&async |bed| {
        let plan = GrantPlan { database: "todo_db".into(), partition: Partition::Database, ..grant("todo") };
        same_by_hand(bed, &plan).await;
    });
}

#[test]
fn a_conflict_ends_the_printed_script_without_a_trace() {
    on_each_major(&async |bed| {
        bed.su(ADMIN, "CREATE SCHEMA todo");
        let before = bed.imprint(ADMIN);
        let (content, said) =
            bed.psql(&plan_sql(&grant("todo"), ServerVersion::of_major(bed.major)).unwrap());
        assert!(!content && said.contains("belongs to another role"), "{said}");
        assert_eq!(bed.imprint(ADMIN), before);
    });
}
