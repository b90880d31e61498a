//! Queries without a table of the service: home answers, once.

use super::catalog::{Called, Catalog, Relation, RelationKind};
use super::parameters;
use super::parsed::Parsed;
use super::plan::{Answered, Discloses, Plan, Tier};
use super::refusal::Refusal;
use super::resolve::Resolved;

/// What the names of the catalog's tables begin with, which come before all others in a store.
const OF_POSTGRES: &str = "pg_";

/// The plan, if no table is used; [`Refusal`] where something else than a table or view is.
pub(crate) fn plan(
    query: &Parsed,
    catalog: &Catalog,
    resolved: &Resolved,
    tier: Tier,
) -> Result<Option<Plan>, Refusal> {
    let mut stores = false;
    for one in &resolved.uses {
        let Some(relation) = one.relation.and_then(|index| catalog.relations.get(index)) else {
            return Err(no_such_table(&one.called));
        };
        match relation.kind {
            RelationKind::Table => stores = true,
            // What is left of a view is one that reads no table.
            RelationKind::View(_) => {}
            RelationKind::Catalog => {}
            RelationKind::Other => return Err(neither(relation)),
        }
    }
    Ok((!stores).then(|| of(query.text(), tier)))
}

/// The plan of a text that uses no table of the service.
pub(crate) fn of(text: &str, tier: Tier) -> Plan {
    Plan {
        tier,
        discloses: Discloses::Sums,
        collates: false,
        tables: Vec::new(),
        pieces: Vec::new(),
        answered: Answered::Alone { sql: text.to_owned(), parameters: parameters::of_client(text) },
    }
}

/// A relation whose rows no store can be asked for.
pub(crate) fn neither(relation: &Relation) -> Refusal {
    if relation.called.name.starts_with(OF_POSTGRES) {
        return Refusal::unsupported(
            format!("the table {} is called as Postgres's own are", relation.called.name),
            "In a store the name stands for the catalog's table, if there is one: give yours another.",
        );
    }
    Refusal::unsupported(
        format!("{} is neither a table nor a view", relation.called.name),
        "A fan-out reads tables and views; materialized views, sequences and foreign tables differ from store to store.",
    )
}

/// Home does not know the table either, and says so first.
fn no_such_table(called: &Called) -> Refusal {
    Refusal {
        sqlstate: "42P01",
        message: format!("relation {:?} does not exist", called.name),
        hint: "A fan-out reads the tables of the service's schema.".to_owned(),
        unread: false,
    }
}
