//! The client's own words, with the names in them that mean something else on home.

use super::catalog::{Catalog, RelationKind};
use super::ident::quoted;
use super::parsed::Parsed;
use super::refusal::Refusal;
use super::resolve::{Resolved, Star, Use};
use super::tables::{self, Gathered};
use std::collections::BTreeSet;
use std::ops::Range;

type Edits = Vec<(Range<usize>, String)>;

/// The text that runs over temporary tables.
pub(crate) fn over_temporary(
    query: &Parsed,
    catalog: &Catalog,
    resolved: &Resolved,
    gathered: &[Gathered<'_>],
) -> Result<String, Refusal> {
    let mut edits = Vec::new();
    for table in gathered {
        for one in table.uses.iter().filter_map(|index| resolved.uses.get(*index)) {
            let alias = if one.aliased || table.temporary == one.called.name {
                String::new()
            } else {
                format!(" AS {}", quoted(&one.qualifier))
            };
            edits.push((name(query, one)?, format!("pg_temp.{}{alias}", quoted(&table.temporary))));
        }
    }
    finished(query, catalog, resolved, edits)
}

/// The text that home describes, where every table has its pseudo column.
pub(crate) fn described(query: &Parsed, catalog: &Catalog, resolved: &Resolved) -> Result<String, Refusal> {
    let mut edits = Vec::new();
    for one in &resolved.uses {
        let Some(relation) = one.relation.and_then(|index| catalog.relations.get(index)) else { continue };
        if !tables::has_store(relation) {
            continue;
        }
        let alias = if one.aliased { String::new() } else { format!(" AS {}", quoted(&one.qualifier)) };
        let table = format!("{}.{}", quoted(&relation.schema), quoted(&relation.called.name));
        let store = quoted(super::STORE);
        edits.push((name(query, one)?, format!("(SELECT *, ''::text AS {store} FROM {table}){alias}")));
    }
    finished(query, catalog, resolved, edits)
}

fn finished(
    query: &Parsed,
    catalog: &Catalog,
    resolved: &Resolved,
    mut edits: Edits,
) -> Result<String, Refusal> {
    same_qualifiers(catalog, resolved)?;
    let store = tables::mentions_store(query.source().text());
    if store && resolved.natural {
        return Err(ambiguous("NATURAL JOIN"));
    }
    if store && (resolved.rows || speaks_of_rows(query, catalog, resolved)) {
        return Err(ambiguous("a whole row"));
    }
    let mut expanded: Vec<Range<usize>> = Vec::new();
    if store {
        for star in resolved.stars.iter().filter(|star| !star.uses.is_empty()) {
            let edit = expansion(query, resolved, star)?;
            expanded.push(edit.0.clone());
            edits.push(edit);
        }
    }
    for (schema, table) in &resolved.schemas {
        let (Some(from), Some(to)) = (query.source().offset(*schema), query.source().offset(*table)) else {
            return Err(Refusal::unread("the place of a name"));
        };
        if !expanded.iter().any(|range| range.contains(&from)) {
            edits.push((from..to, String::new()));
        }
    }
    Ok(query.source().edited(&mut edits))
}

/// Whether the type of a table's rows may be meant somewhere: the temporary table's has one column more.
fn speaks_of_rows(query: &Parsed, catalog: &Catalog, resolved: &Resolved) -> bool {
    let numbers: BTreeSet<usize> = resolved.uses.iter().filter_map(|one| one.relation).collect();
    numbers
        .iter()
        .filter_map(|number| catalog.relations.get(*number))
        .any(|relation| tables::has_store(relation) && tables::is_type(query, relation))
}

/// Where the name of a use is.
fn name(query: &Parsed, one: &Use) -> Result<Range<usize>, Refusal> {
    let lost = || Refusal::unread("the place of a name");
    let first = one.parts.first().and_then(|part| query.source().range(*part)).ok_or_else(lost)?;
    let last = one.parts.last().and_then(|part| query.source().range(*part)).ok_or_else(lost)?;
    Ok(first.start..last.end)
}

/// A `*` that leaves the pseudo column out.
fn expansion(query: &Parsed, resolved: &Resolved, star: &Star) -> Result<(Range<usize>, String), Refusal> {
    let Some(sources) = star.columns.as_ref().filter(|_| !resolved.using || star.qualifier.is_some()) else {
        return Err(ambiguous("*"));
    };
    let mut names = Vec::new();
    for (qualifier, columns) in sources {
        for column in columns {
            let name = format!("{}.{}", quoted(qualifier), quoted(column));
            if names.contains(&name) {
                return Err(ambiguous("*"));
            }
            names.push(name);
        }
    }
    let lost = || Refusal::unread("the place of a *");
    let at = query.source().range(star.at).ok_or_else(lost)?;
    let start = match star.qualifier {
        Some(qualifier) => query.source().offset(qualifier.start).ok_or_else(lost)?,
        None => at.start,
    };
    Ok((start..at.end, names.join(", ")))
}

fn ambiguous(what: &str) -> Refusal {
    Refusal::unsupported(
        format!("{what} beside {} is not supported in this query", super::STORE),
        "Name the columns: the pseudo column is no part of *.",
    )
}

/// `a.t` and `b.t` side by side are both called t once the schemas are gone.
fn same_qualifiers(catalog: &Catalog, resolved: &Resolved) -> Result<(), Refusal> {
    let table = |one: &Use| {
        let relation = one.relation.and_then(|index| catalog.relations.get(index));
        relation.is_some_and(|relation| matches!(relation.kind, RelationKind::Table | RelationKind::View(_)))
    };
    for (index, one) in resolved.uses.iter().enumerate() {
        let twin = resolved.uses[..index].iter().any(|other| {
            other.select == one.select && other.qualifier == one.qualifier && (table(other) || table(one))
        });
        if twin {
            return Err(Refusal::unsupported(
                format!("two tables in one FROM are both called {}", one.qualifier),
                "Give each an alias.",
            ));
        }
    }
    Ok(())
}
