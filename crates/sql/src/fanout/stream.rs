//! Tier T0: rows of the stores pass through the gate, in any order or in one that it can keep.
//!
//! They are of one table, or of a join that is sure to stay inside a store.

mod bounds;
mod order;

use super::catalog::{Catalog, Type};
use super::combine::canonical::{Names, Place, is_store};
use super::combine::inside;
use super::combine::joined::constraint;
use super::combine::writer::{self, Reader, Table, Writer};
use super::disclosed;
use super::ident::{folded, idents};
use super::parsed::Parsed;
use super::plan::{Answered, Discloses, Meaning, Piece, Plan, TableNeeded, Tier};
use super::query::{Form, Types, Wishes};
use super::refusal::Unfit;
use super::resolve::Resolved;
use bounds::Bounds;
use order::Key;
use sqlparser::ast::{
    self, Expr, GroupByExpr, JoinConstraint, Select, SelectItem, SelectItemQualifiedWildcardKind, SetExpr,
    TableWithJoins,
};

/// A query whose rows are passed on, before their types are known.
#[derive(Debug)]
pub(crate) struct Shape {
    probe: String,
    outputs: Vec<Expr>,
    keys: Vec<Key>,
    from: Vec<TableWithJoins>,
    selection: Option<Expr>,
    bounds: Bounds,
    tables: Vec<Table>,
    needed: Vec<TableNeeded>,
    collates: bool,
    discloses: Discloses,
}

/// One column of the result.
#[derive(Debug)]
struct Output {
    /// What ORDER BY can call it.
    name: Option<String>,
    expr: Expr,
}

fn not_here(why: &str) -> Unfit {
    Unfit::not_here(why)
}

/// How a query is streamed.
pub(crate) fn shape(
    query: &Parsed,
    catalog: &Catalog,
    resolved: &Resolved,
    wishes: &Wishes,
) -> Result<Shape, Unfit> {
    if wishes.bare || wishes.floor > 1 {
        return Err(not_here("its rows are not to pass as the stores send them"));
    }
    if matches!(query.form(), Form::Copy { .. }) {
        return Err(not_here("COPY's format is home's to write"));
    }
    let tree = query.tree();
    let SetExpr::Select(select) = &*tree.body else {
        return Err(not_here("it is more than one SELECT"));
    };
    if tree.with.is_some() || select.from.is_empty() {
        return Err(not_here("it reads something else than tables"));
    }
    check_select(select)?;
    let bounds = Bounds::of(tree)?;
    let mut names = Names::of(query, catalog, resolved)?;
    let (from, mut collates) = names.canonical_from(&select.from)?;
    let selection = select.selection.as_ref().map(|condition| names.canonical(condition)).transpose()?;
    inside::check(&from, selection.as_ref(), &names)?;
    let outputs = outputs(select, &mut names)?;
    let keys = order::keys(tree.order_by.as_ref(), &outputs, &mut names)?;
    let outputs: Vec<Expr> = outputs.into_iter().map(|output| output.expr).collect();
    for expr in outputs.iter().chain(keys.iter().map(|key| &key.expr)).chain(&selection) {
        collates |= collated(expr, &names)?;
    }
    let discloses = disclosed::by(tree, catalog, resolved);
    let (tables, needed) = (writer::tables(&names), writer::needed(&names));
    let probe = String::new();
    let mut shape =
        Shape { probe, outputs, keys, from, selection, bounds, tables, needed, collates, discloses };
    shape.probe = shape.rows(&mut Writer::new(Reader::Probe, &shape.tables, &[]))?;
    Ok(shape)
}

fn check_select(select: &Select) -> Result<(), Unfit> {
    let grouped =
        !matches!(&select.group_by, GroupByExpr::Expressions(by, with) if by.is_empty() && with.is_empty());
    if select.distinct.is_some() || grouped || select.having.is_some() || !select.named_window.is_empty() {
        return Err(not_here("its rows are not single rows of a table"));
    }
    Ok(())
}

fn outputs(select: &Select, names: &mut Names<'_>) -> Result<Vec<Output>, Unfit> {
    let mut outputs = Vec::new();
    for item in &select.projection {
        match item {
            SelectItem::UnnamedExpr(expr) => {
                outputs.push(Output { name: super::columns::name(expr), expr: names.canonical(expr)? });
            }
            SelectItem::ExprWithAlias { expr, alias } => {
                outputs.push(Output { name: Some(folded(alias)), expr: names.canonical(expr)? });
            }
            SelectItem::Wildcard(_) => {
                if select.from.iter().any(merges) {
                    return Err(not_here("a * over columns that a join has merged"));
                }
                for table in 0..names.uses().len() {
                    columns(table, names, &mut outputs)?;
                }
            }
            SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), _) => {
                let qualifier = idents(name).and_then(|parts| parts.last().map(|part| folded(part)));
                let table = names.uses().iter().position(|one| Some(&one.qualifier) == qualifier.as_ref());
                columns(table.ok_or_else(|| not_here("what a * stands for"))?, names, &mut outputs)?;
            }
            _ => return Err(not_here("something in its SELECT list")),
        }
    }
    if outputs.is_empty() { Err(not_here("its rows have no columns")) } else { Ok(outputs) }
}

/// Whether a join has columns of both sides in one.
fn merges(item: &TableWithJoins) -> bool {
    let of_join = |join: &ast::Join| match constraint(&join.join_operator) {
        Some(JoinConstraint::On(_) | JoinConstraint::None) => within(&join.relation),
        _ => true,
    };
    within(&item.relation) || item.joins.iter().any(of_join)
}

fn within(factor: &ast::TableFactor) -> bool {
    match factor {
        ast::TableFactor::NestedJoin { table_with_joins, .. } => merges(table_with_joins),
        _ => false,
    }
}

/// What `*` stands for: home's columns, in home's order.
fn columns(table: usize, names: &mut Names<'_>, outputs: &mut Vec<Output>) -> Result<(), Unfit> {
    let relation = names.relation(table).ok_or_else(|| not_here("what a * stands for"))?;
    for (at, column) in relation.columns.iter().enumerate() {
        let expr = names.take(table, at).ok_or_else(|| not_here("what a * stands for"))?;
        outputs.push(Output { name: Some(column.name.clone()), expr });
    }
    Ok(())
}

/// Whether an expression depends on a collation; an error if it is not the same wherever it is computed.
fn collated(expr: &Expr, names: &Names<'_>) -> Result<bool, Unfit> {
    match names.column(expr) {
        // Its values are passed on; no operator of its type has a part in that.
        Some(Place::Column(_, column)) if refers(&column.kind) => Err(refers_to_its_own()),
        Some(_) => Ok(false),
        None => Ok(names.examine(expr)?.collates),
    }
}

fn refers_to_its_own() -> Unfit {
    not_here("values of a type that refers to its own database")
}

/// Types whose values are numbers of objects of one database, or are written by a setting that no leg pins.
fn refers(kind: &Type) -> bool {
    kind.name.trim_end_matches("[]").starts_with("reg") || kind.name.trim_end_matches("[]") == "money"
}

impl Shape {
    pub(crate) fn probe(&self) -> Option<&str> {
        Some(&self.probe)
    }

    pub(crate) fn plan(&self, types: &Types) -> Result<Plan, Unfit> {
        let shown = self.outputs.len();
        if types.columns.len() != shown + self.keys.len() || types.columns.iter().any(refers) {
            return Err(refers_to_its_own());
        }
        let (_, hidden) = types.columns.split_at(shown);
        let order = self.keys.iter().zip(hidden).map(|(key, kind)| key.kept(kind));
        let order = order.collect::<Result<_, _>>()?;
        let mut writer = Writer::new(Reader::Store, &self.tables, &types.parameters);
        let sql = self.statement(&mut writer)?;
        let (parameters, columns) = (writer.into_parameters(), types.columns.clone());
        Ok(Plan {
            tier: Tier::Stream,
            discloses: self.discloses,
            collates: self.collates,
            tables: self.needed.clone(),
            pieces: vec![Piece { sql, parameters, columns, meanings: self.meanings() }],
            answered: Answered::Streamed {
                order,
                hidden: self.keys.len(),
                limit: self.bounds.limit,
                offset: self.bounds.offset,
            },
        })
    }

    /// Which columns are the name of the store.
    fn meanings(&self) -> Vec<(usize, Meaning)> {
        let stores = self.outputs.iter().enumerate().filter(|(_, output)| is_store(output));
        stores.map(|(at, _)| (at, Meaning::Store)).collect()
    }

    /// The statement for the stores.
    fn statement(&self, writer: &mut Writer<'_>) -> Result<String, Unfit> {
        let mut sql = self.rows(writer)?;
        for (at, key) in self.keys.iter().enumerate() {
            sql += if at == 0 { " ORDER BY " } else { ", " };
            sql += &key.sql(self.outputs.len() + at + 1);
        }
        Ok(sql + &self.bounds.sql(writer)?)
    }

    /// All rows, with what they are ordered by.
    fn rows(&self, writer: &mut Writer<'_>) -> Result<String, Unfit> {
        let exprs = self.outputs.iter().chain(self.keys.iter().map(|key| &key.expr));
        let columns = exprs.map(|expr| writer.expr(expr)).collect::<Result<Vec<_>, _>>()?.join(", ");
        let from = writer.from(&self.from)?;
        match &self.selection {
            Some(condition) => Ok(format!("SELECT {columns} FROM {from} WHERE {}", writer.expr(condition)?)),
            None => Ok(format!("SELECT {columns} FROM {from}")),
        }
    }
}
