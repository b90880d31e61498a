//! Tier T3: the rows that a query needs come to home, which runs the client's own words over them.

use super::catalog::{Catalog, Relation, RelationKind};
use super::disclosed;
use super::ident::quoted;
use super::parameters;
use super::plan::{Answered, Piece, Plan, TableNeeded, Temporary, Tier};
use super::query::{Query, Wishes};
use super::refusal::{Refusal, Unfit};
use super::resolve::Resolved;

/// The plan of gathering.
pub(crate) fn plan(
    query: &Query,
    catalog: &Catalog,
    resolved: &Resolved,
    wishes: &Wishes,
) -> Result<Plan, Unfit> {
    if wishes.floor > 1 {
        return Err(below_floor().into());
    }
    let mut relations: Vec<usize> = resolved
        .uses
        .iter()
        .filter_map(|one| one.relation)
        .filter(|index| catalog.relations.get(*index).is_some_and(|one| one.kind == RelationKind::Table))
        .collect();
    relations.sort_unstable();
    relations.dedup();
    let used: Vec<&Relation> = relations.iter().filter_map(|index| catalog.relations.get(*index)).collect();
    let mut edits = Vec::new();
    for one in &resolved.uses {
        let (Some(first), Some(last)) = (one.parts.first(), one.parts.last()) else { continue };
        let is_table = one.relation.is_some_and(|index| relations.contains(&index));
        if let (true, Some(from), Some(to)) =
            (is_table, query.source().range(*first), query.source().range(*last))
        {
            edits.push((from.start..to.end, format!("pg_temp.{}", quoted(&one.called.name))));
        }
    }
    let sql = query.source().edited(&mut edits);
    Ok(Plan {
        tier: Tier::Gather,
        discloses: disclosed::by(query.tree()),
        collates: false,
        tables: used.iter().map(|table| needed(table)).collect(),
        pieces: used.iter().map(|table| piece(table)).collect(),
        answered: Answered::Gathered {
            tables: used.iter().map(|table| temporary(table)).collect(),
            parameters: parameters::of_client(&sql),
            sql,
        },
    })
}

fn below_floor() -> Refusal {
    Refusal {
        sqlstate: "42501",
        message: "rows cannot be shown under min_stores_per_group".to_owned(),
        hint: "Ask for sums and counts by groups; groups of too few stores are left out.".to_owned(),
        unread: false,
    }
}

fn needed(table: &Relation) -> TableNeeded {
    TableNeeded {
        name: quoted(&table.called.name),
        columns: table.columns.iter().map(|column| (column.name.clone(), column.kind.name.clone())).collect(),
    }
}

fn columns(table: &Relation) -> String {
    table.columns.iter().map(|column| quoted(&column.name)).collect::<Vec<_>>().join(", ")
}

fn piece(table: &Relation) -> Piece {
    Piece {
        sql: format!("SELECT {} FROM {}", columns(table), quoted(&table.called.name)),
        parameters: Vec::new(),
        columns: table.columns.iter().map(|column| column.kind.clone()).collect(),
    }
}

fn temporary(table: &Relation) -> Temporary {
    let name = quoted(&table.called.name);
    Temporary {
        create: format!(
            "CREATE TEMPORARY TABLE {name} AS SELECT {} FROM {}.{name} WITH NO DATA",
            columns(table),
            quoted(&table.schema),
        ),
        copy: format!("pg_temp.{name} ({})", columns(table)),
        keys: Vec::new(),
    }
}
