//! Tier T3: the rows that a query needs come to home, which runs the client's own words over them.

use super::catalog::{Catalog, Key, Relation, Type};
use super::disclosed;
use super::home;
use super::ident::quoted;
use super::narrow;
use super::parameters;
use super::parsed::Parsed;
use super::plan::{Answered, Discloses, Meaning, Parameter, Piece, Plan, TableNeeded, Temporary, Tier};
use super::pushed::Pushing;
use super::query::{Types, Wishes};
use super::refusal::{Refusal, Unfit};
use super::resolve::Resolved;
use super::tables::{self, Gathered};
use sqlparser::ast::Expr;

/// Rows to gather, before the types of the client's parameters are known.
#[derive(Debug)]
pub(crate) struct Shape {
    plan: Plan,
    /// The pieces without what depends on the client's parameters.
    plain: Vec<Piece>,
    /// What types of rows are called that may be in values: those of temporary tables are others.
    row_types: Vec<String>,
}

/// How the rows of a query are gathered.
pub(crate) fn shape(
    query: &Parsed,
    catalog: &Catalog,
    resolved: &Resolved,
    wishes: &Wishes,
) -> Result<Shape, Unfit> {
    if wishes.floor > 1 {
        return Err(below_floor().into());
    }
    let gathered = tables::gathered(query, catalog, resolved);
    if let Some(empty) = gathered.iter().find(|table| table.columns.is_empty()) {
        return Err(no_columns(empty.relation).into());
    }
    let sql = home::over_temporary(query, catalog, resolved, &gathered)?;
    let text = query.source().text();
    let pieces = |with_parameters| {
        let conditions = |table: &Gathered<'_>| {
            if wishes.bare {
                Vec::new()
            } else {
                narrow::conditions(query, catalog, resolved, table, with_parameters)
            }
        };
        gathered.iter().map(|table| piece(catalog, resolved, table, &conditions(table))).collect::<Vec<_>>()
    };
    let plan = Plan {
        tier: Tier::Gather,
        discloses: disclosed::by(query.tree(), catalog, resolved),
        collates: false,
        tables: gathered.iter().map(needed).collect(),
        pieces: pieces(true),
        answered: Answered::Gathered {
            tables: gathered.iter().map(|table| temporary(table, text)).collect(),
            rows: Vec::new(),
            parameters: parameters::of_client(&sql),
            sql,
        },
    };
    let rows = resolved.rows || query.has_rows() || gathered.iter().any(|table| table.typed);
    let row_types = if rows { row_types(catalog) } else { Vec::new() };
    Ok(Shape { plan, plain: pieces(false), row_types })
}

/// A text of which only the names are known: it runs over whole tables, and views of them.
#[derive(Debug)]
pub(crate) struct Whole<'a> {
    /// The client's text.
    pub(crate) text: &'a str,
    /// The same for home.
    pub(crate) sql: String,
    pub(crate) tables: Vec<Gathered<'a>>,
    /// Statements that make the views.
    pub(crate) views: Vec<String>,
    /// Whether whole rows may be values.
    pub(crate) rows: bool,
}

/// How that is answered.
pub(crate) fn whole(whole: &Whole<'_>, catalog: &Catalog, wishes: &Wishes) -> Result<Shape, Unfit> {
    let Whole { text, sql, tables: gathered, views, rows } = whole;
    if wishes.floor > 1 {
        return Err(below_floor().into());
    }
    if let Some(empty) = gathered.iter().find(|table| table.columns.is_empty()) {
        return Err(no_columns(empty.relation).into());
    }
    let resolved = Resolved::default();
    let pieces: Vec<Piece> = gathered.iter().map(|table| piece(catalog, &resolved, table, &[])).collect();
    let mut tables: Vec<Temporary> = gathered.iter().map(|table| temporary(table, text)).collect();
    if let Some(last) = tables.last_mut() {
        for view in views {
            last.create.push_str("; ");
            last.create.push_str(view);
        }
    }
    let plan = Plan {
        tier: Tier::Gather,
        discloses: Discloses::Rows,
        collates: false,
        tables: gathered.iter().map(needed).collect(),
        pieces: pieces.clone(),
        answered: Answered::Gathered {
            tables,
            rows: Vec::new(),
            parameters: parameters::of_client(sql),
            sql: sql.clone(),
        },
    };
    let row_types = if *rows { row_types(catalog) } else { Vec::new() };
    Ok(Shape { plan, plain: pieces, row_types })
}

impl Shape {
    pub(crate) fn has_rows(&self) -> bool {
        !self.row_types.is_empty()
    }

    /// The plan. Types of the service's own have other names in the stores: nothing is compared with those.
    pub(crate) fn plan(&self, types: &Types) -> Result<Plan, Unfit> {
        if let Some(told) = types.result.iter().find(|kind| self.tells(kind)) {
            return Err(Refusal::unsupported(
                format!("a result of type {} is not supported in this query", told.name),
                "Cast it to text or jsonb: a whole row within a value is of another type on home.",
            )
            .into());
        }
        let mut plan = self.plan.clone();
        if let Answered::Gathered { rows, .. } = &mut plan.answered {
            let found = types.result.iter().enumerate().filter(|(_, kind)| self.is_row(&kind.name));
            rows.extend(found.map(|(at, _)| at));
        }
        for (piece, plain) in plan.pieces.iter_mut().zip(&self.plain) {
            match parameters::typed(&piece.sql, &piece.parameters, &types.parameters) {
                Ok(sql) => piece.sql = sql,
                Err(_) => *piece = plain.clone(),
            }
        }
        Ok(plan)
    }

    fn is_row(&self, kind: &str) -> bool {
        self.row_types.iter().any(|name| kind == name || kind.ends_with(&format!(".{name}")))
    }

    /// Whether values of a type may tell of which type a row in them is: arrays and records do in binary.
    fn tells(&self, kind: &Type) -> bool {
        let of_rows = kind.name.strip_suffix("[]").is_some_and(|element| self.is_row(element));
        of_rows
            || self.has_rows()
                && matches!(kind.name.as_str(), "record" | "record[]" | "regtype" | "regtype[]")
    }
}

/// How types of rows are called, quoted or not.
fn row_types(catalog: &Catalog) -> Vec<String> {
    let names = catalog.relations.iter().map(|relation| &relation.called.name);
    names.flat_map(|name| [name.clone(), quoted(name)]).collect()
}

fn below_floor() -> Refusal {
    Refusal {
        sqlstate: "42501",
        message: "rows cannot be gathered where groups of few stores are not to be shown".to_owned(),
        hint: "Ask for sums and counts of one table by groups; groups of too few stores are left out."
            .to_owned(),
        unread: false,
    }
}

fn no_columns(table: &Relation) -> Refusal {
    Refusal::unsupported(
        format!("the table {} has no columns", table.called.name),
        "Ask for tables that have at least one.",
    )
}

/// The table as the stores know it: their schema has a name of its own, other schemas keep theirs.
fn in_store(table: &Relation) -> String {
    match &table.called.schema {
        Some(schema) if schema != "public" => format!("{}.{}", quoted(schema), quoted(&table.called.name)),
        _ => quoted(&table.called.name),
    }
}

fn needed(table: &Gathered<'_>) -> TableNeeded {
    TableNeeded {
        name: in_store(table.relation),
        columns: table.columns.iter().map(|one| (one.name.clone(), one.kind.name.clone())).collect(),
    }
}

fn columns(table: &Gathered<'_>, store: &str) -> String {
    let names = table.columns.iter().map(|column| quoted(&column.name));
    names.chain(table.store.then(|| store.to_owned())).collect::<Vec<_>>().join(", ")
}

fn piece(catalog: &Catalog, resolved: &Resolved, table: &Gathered<'_>, conditions: &[Expr]) -> Piece {
    let mut pushing = Pushing::new(catalog, resolved);
    let written: Vec<String> = conditions.iter().filter_map(|one| pushing.sql(one).ok()).collect();
    let mut sql = String::from("SELECT ");
    let store = table.store.then(|| format!("${}::text", pushing.parameter(Parameter::Store)));
    sql.push_str(&columns(table, store.as_deref().unwrap_or_default()));
    sql.push_str(if table.only { " FROM ONLY " } else { " FROM " });
    sql.push_str(&in_store(table.relation));
    let qualifier = table.uses.first().and_then(|index| resolved.uses.get(*index));
    if let (false, Some(one)) = (written.is_empty(), qualifier) {
        sql.push_str(&format!(" AS {} WHERE ({})", quoted(&one.qualifier), written.join(") AND (")));
    }
    let kinds = table.columns.iter().map(|column| column.kind.clone());
    Piece {
        sql,
        parameters: pushing.parameters().to_vec(),
        columns: kinds.chain(table.store.then(parameters::text_type)).collect(),
        meanings: table.store.then_some((table.columns.len(), Meaning::Store)).into_iter().collect(),
    }
}

fn temporary(table: &Gathered<'_>, text: &str) -> Temporary {
    let name = quoted(&table.temporary);
    let store = quoted(super::STORE);
    let made = columns(table, &format!("''::text AS {store}"));
    let original = format!("{}.{}", quoted(&table.relation.schema), quoted(&table.relation.called.name));
    Temporary {
        create: format!("CREATE TEMPORARY TABLE {name} AS SELECT {made} FROM {original} WITH NO DATA"),
        copy: format!("pg_temp.{name} ({})", columns(table, &store)),
        keys: if text.to_ascii_lowercase().contains("group") {
            key(table).into_iter().collect()
        } else {
            Vec::new()
        },
    }
}

/// The key by which GROUP BY may name fewer columns than are shown: the first one, if all of it is here.
fn key(table: &Gathered<'_>) -> Option<String> {
    let columns = table.relation.keys.iter().find_map(|key| match key {
        Key::Unique(columns) => Some(columns),
        Key::Primary(_) | Key::Foreign { .. } => None,
    })?;
    let here = columns.iter().all(|name| table.columns.iter().any(|column| column.name == *name));
    let columns = columns.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", ");
    here.then(|| format!("ALTER TABLE pg_temp.{} ADD PRIMARY KEY ({columns})", quoted(&table.temporary)))
}
