//! Views: replaced by their definitions, so that what they read are the unions of tables too.

use super::catalog::{Called, Catalog, Lookup, Relation, RelationKind};
use super::ident::quoted;
use super::read;
use super::refusal::Refusal;
use super::resolve::{Resolved, Use};
use super::source::Source;
use super::words::Words;
use sqlparser::ast;

/// Views within views that are followed.
const MAX_ROUNDS: usize = 8;

/// A text without views, and its tree.
#[derive(Debug)]
pub(crate) struct Expanded {
    pub(crate) source: Source,
    pub(crate) tree: Box<ast::Query>,
    pub(crate) partial: bool,
    /// Whether whole rows of a view are values.
    pub(crate) rows: bool,
}

/// The text with every view replaced that `catalog` knows; `None` if there is none.
///
/// # Errors
///
/// Where a definition cannot be read, or calls what `catalog` does not know.
pub(crate) fn expanded(
    text: &str,
    tree: &ast::Query,
    catalog: &Catalog,
) -> Result<Option<Expanded>, Refusal> {
    let mut found: Option<Expanded> = None;
    let rows = Resolved::of(tree, Some(catalog))?.rows;
    for _ in 0..MAX_ROUNDS {
        let (text, tree) = found.as_ref().map_or((text, tree), |one| (one.source.text(), &*one.tree));
        let Some(next) = round(&Source::new(text.to_owned()), tree, catalog)? else { return Ok(found) };
        if next.len() > read::MAX_BYTES {
            return Err(too_long());
        }
        read::check(&next)?;
        let (tree, partial) = read::parse(&next)?;
        found = Some(Expanded { source: Source::new(next), tree, partial, rows });
    }
    Err(too_long())
}

fn too_long() -> Refusal {
    Refusal::too_complex(
        "the views of the statement are too long or too deep for a fan-out",
        format!("Views within views are followed {MAX_ROUNDS} deep."),
    )
}

/// The names in views' definitions that `catalog` has nothing about.
pub(crate) fn missing(resolved: &Resolved, catalog: &Catalog) -> Result<Lookup, Refusal> {
    let mut lookup = Lookup::default();
    missing_within(resolved, catalog, MAX_ROUNDS, &mut lookup)?;
    Ok(lookup)
}

fn missing_within(
    resolved: &Resolved,
    catalog: &Catalog,
    rounds: usize,
    lookup: &mut Lookup,
) -> Result<(), Refusal> {
    let rounds = rounds.checked_sub(1).ok_or_else(too_long)?;
    for (_, definition) in views(resolved, catalog) {
        let (_, tree) = definition_of(definition)?;
        let names = Resolved::of(&tree, None)?.lookup;
        let inner = Resolved::of(&tree, Some(catalog))?;
        for called in names.relations {
            let known = catalog.relations.iter().any(|relation| relation.called == called);
            if !known && !lookup.relations.contains(&called) {
                lookup.relations.push(called);
            }
        }
        for called in names.functions {
            if !known(&called, catalog) && !lookup.functions.contains(&called) {
                lookup.functions.push(called);
            }
        }
        missing_within(&inner, catalog, rounds, lookup)?;
    }
    Ok(())
}

fn views<'a>(resolved: &'a Resolved, catalog: &'a Catalog) -> impl Iterator<Item = (&'a Use, &'a str)> {
    resolved.uses.iter().filter_map(|one| match &catalog.relations.get(one.relation?)?.kind {
        RelationKind::View(definition) => Some((one, definition.as_str())),
        _ => None,
    })
}

/// Replaces the views that are in the text itself.
fn round(source: &Source, tree: &ast::Query, catalog: &Catalog) -> Result<Option<String>, Refusal> {
    let resolved = Resolved::of(tree, Some(catalog))?;
    let mut edits = Vec::new();
    for (one, definition) in views(&resolved, catalog) {
        let lost = || Refusal::unread("the place of a name");
        let first = one.parts.first().and_then(|part| source.range(*part)).ok_or_else(lost)?;
        let last = one.parts.last().and_then(|part| source.range(*part)).ok_or_else(lost)?;
        let alias = if one.aliased { String::new() } else { format!(" AS {}", quoted(&one.qualifier)) };
        edits.push((first.start..last.end, format!("({}){alias}", qualified(definition, catalog)?)));
    }
    if edits.is_empty() {
        return Ok(None);
    }
    if !resolved.schemas.is_empty() {
        return Err(Refusal::unsupported(
            "columns qualified by a schema are not supported beside a view",
            "Give tables and views an alias, and qualify columns by that.",
        ));
    }
    Ok(Some(source.edited(&mut edits)))
}

/// A definition whose tables have their schemas before them, so that no WITH query is taken for one of them.
fn qualified(definition: &str, catalog: &Catalog) -> Result<String, Refusal> {
    let (source, tree) = definition_of(definition)?;
    let resolved = Resolved::of(&tree, Some(catalog))?;
    for called in &resolved.lookup.functions {
        if !known(called, catalog) {
            return Err(Refusal::unsupported(
                format!("the function {} in a view is not supported in a fan-out", called.name),
                "Write the view's query itself.",
            ));
        }
    }
    let mut edits = Vec::new();
    for one in &resolved.uses {
        let relation: &Relation =
            one.relation.and_then(|index| catalog.relations.get(index)).ok_or_else(unknown)?;
        let first = one.parts.first().and_then(|part| source.range(*part)).ok_or_else(unknown)?;
        let last = one.parts.last().and_then(|part| source.range(*part)).ok_or_else(unknown)?;
        let name = format!("{}.{}", quoted(&relation.schema), quoted(&relation.called.name));
        edits.push((first.start..last.end, name));
    }
    Ok(source.edited(&mut edits))
}

fn unknown() -> Refusal {
    Refusal::unsupported("a view reads what home does not know", "Write the view's query itself.")
}

fn definition_of(definition: &str) -> Result<(Source, Box<ast::Query>), Refusal> {
    let words = Words::of(definition)?;
    let text = definition.get(read::span(&words.tokens)).unwrap_or_default().to_owned();
    read::check(&text)?;
    if words.tokens.iter().any(|token| super::words::is(definition, token, "only")) {
        return Err(Refusal::unsupported(
            "a view over ONLY a table is not supported in a fan-out",
            "Write the view's query itself.",
        ));
    }
    let (tree, _) = read::parse(&text)?;
    Ok((Source::new(text), tree))
}

/// Whether home has been asked about a function, or the grammar makes it.
fn known(called: &Called, catalog: &Catalog) -> bool {
    const GRAMMAR: [&str; 19] = [
        "coalesce",
        "nullif",
        "greatest",
        "least",
        "current_date",
        "current_time",
        "current_timestamp",
        "localtime",
        "localtimestamp",
        "current_user",
        "session_user",
        "user",
        "current_role",
        "current_catalog",
        "current_schema",
        "array",
        "row",
        "grouping",
        "any",
    ];
    GRAMMAR.contains(&called.name.as_str())
        || catalog.functions.iter().any(|function| function.called == *called)
}
