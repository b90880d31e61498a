//! Tier T0: rows of the stores pass through the gate, in any order or in one that it can keep.

mod bounds;
mod order;

use super::catalog::{Catalog, RelationKind, Type};
use super::disclosed;
use super::ident::{folded, quoted};
use super::parameters;
use super::plan::{Answered, Parameter, Piece, Plan, TableNeeded, Tier};
use super::pushed::Pushing;
use super::query::{Form, Query, Types, Wishes};
use super::refusal::Unfit;
use super::resolve::{Reference, Resolved};
use super::traits::Examiner;
use bounds::Bounds;
use order::Key;
use sqlparser::ast::{self, Expr, GroupByExpr, Ident, Select, SelectItem, SetExpr, TableFactor};
use std::collections::BTreeSet;

/// A query whose rows are passed on, before their types are known.
#[derive(Debug)]
pub(crate) struct Shape {
    probe: String,
    sql: String,
    parameters: Vec<Parameter>,
    shown: usize,
    keys: Vec<Key>,
    bounds: Bounds,
    collates: bool,
    table: TableNeeded,
    discloses: super::plan::Discloses,
}

/// One column of the result.
#[derive(Debug)]
struct Output {
    /// What ORDER BY can call it.
    name: Option<String>,
    expr: Expr,
}

/// A query that reads like one that can be streamed.
struct Simple<'a> {
    catalog: &'a Catalog,
    resolved: &'a Resolved,
    select: &'a Select,
    outputs: Vec<Output>,
    keys: Vec<Key>,
    bounds: Bounds,
    collates: bool,
}

fn not_here(why: &str) -> Unfit {
    Unfit::not_here(why)
}

/// How a query is streamed.
pub(crate) fn shape(
    query: &Query,
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
    if tree.with.is_some() {
        return Err(not_here("it has a WITH"));
    }
    check_select(select)?;
    check_from(query, catalog, resolved, select)?;
    let mut simple = Simple {
        catalog,
        resolved,
        select,
        outputs: outputs(catalog, resolved, select)?,
        keys: Vec::new(),
        bounds: Bounds::of(tree)?,
        collates: false,
    };
    simple.examine(tree.order_by.as_ref())?;
    simple.shape(disclosed::by(tree, catalog, resolved))
}

fn check_select(select: &Select) -> Result<(), Unfit> {
    let grouped =
        !matches!(&select.group_by, GroupByExpr::Expressions(by, with) if by.is_empty() && with.is_empty());
    if select.distinct.is_some() || grouped || select.having.is_some() || !select.named_window.is_empty() {
        return Err(not_here("its rows are not single rows of a table"));
    }
    Ok(())
}

/// One table, under names that every store understands.
fn check_from(query: &Query, catalog: &Catalog, resolved: &Resolved, select: &Select) -> Result<(), Unfit> {
    let ([from], [table]) = (select.from.as_slice(), resolved.uses.as_slice()) else {
        return Err(not_here("it reads more than one table"));
    };
    let TableFactor::Table { alias, args: None, with_ordinality: false, .. } = &from.relation else {
        return Err(not_here("it reads something else than a table"));
    };
    if !from.joins.is_empty() || alias.as_ref().is_some_and(|alias| !alias.columns.is_empty()) {
        return Err(not_here("it reads something else than a table"));
    }
    let relation = table.relation.and_then(|index| catalog.relations.get(index));
    if relation.is_none_or(|relation| relation.kind != RelationKind::Table) {
        return Err(not_here("it reads something else than a table"));
    }
    let at = table.parts.first().and_then(|span| query.source().range(*span));
    if at.is_none_or(|at| query.is_only(at.start)) {
        return Err(not_here("it reads ONLY a table, without those that inherit from it"));
    }
    Ok(())
}

fn outputs(catalog: &Catalog, resolved: &Resolved, select: &Select) -> Result<Vec<Output>, Unfit> {
    let mut outputs = Vec::new();
    for item in &select.projection {
        match item {
            SelectItem::UnnamedExpr(expr) => {
                outputs.push(Output { name: super::columns::name(expr), expr: expr.clone() });
            }
            SelectItem::ExprWithAlias { expr, alias } => {
                outputs.push(Output { name: Some(folded(alias)), expr: expr.clone() });
            }
            SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..) => {
                outputs.extend(columns(catalog, resolved)?);
            }
            SelectItem::ExprWithAliases { .. } => return Err(not_here("something in its SELECT list")),
        }
    }
    if outputs.is_empty() { Err(not_here("its rows have no columns")) } else { Ok(outputs) }
}

/// What `*` stands for: home's columns, in home's order.
fn columns(catalog: &Catalog, resolved: &Resolved) -> Result<Vec<Output>, Unfit> {
    let table = resolved.uses.first();
    let relation = table.and_then(|table| catalog.relations.get(table.relation?));
    let (Some(table), Some(relation)) = (table, relation) else { return Err(not_here("what * stands for")) };
    let column = |column: &super::catalog::Column| Output {
        name: Some(column.name.clone()),
        expr: Expr::CompoundIdentifier(vec![
            Ident::with_quote('"', &table.qualifier),
            Ident::with_quote('"', &column.name),
        ]),
    };
    Ok(relation.columns.iter().map(column).collect())
}

impl Simple<'_> {
    /// Finds out whether stores may compute everything in it.
    fn examine(&mut self, order: Option<&ast::OrderBy>) -> Result<(), Unfit> {
        let examiner = Examiner { catalog: self.catalog, resolved: self.resolved };
        for output in &self.outputs {
            if !self.is_column(&output.expr)? {
                self.collates |= examiner.examine(&output.expr)?.collates;
            }
        }
        if let Some(condition) = &self.select.selection {
            self.collates |= examiner.examine(condition)?.collates;
        }
        self.keys = order::keys(order, &self.outputs)?;
        for key in &self.keys {
            if !self.is_column(&key.expr)? {
                self.collates |= examiner.examine(&key.expr)?.collates;
            }
        }
        Ok(())
    }

    /// Whether an expression is nothing but a column, whose values mean the same wherever they are read.
    fn is_column(&self, expr: &Expr) -> Result<bool, Unfit> {
        let Some(column) = self.column(expr) else { return Ok(false) };
        let kind = self.table().and_then(|table| table.columns.get(column)).map(|column| &column.kind);
        match kind {
            Some(kind) if !refers(kind) => Ok(true),
            _ => Err(not_here("values of a type that refers to its own database")),
        }
    }

    fn table(&self) -> Option<&super::catalog::Relation> {
        self.catalog.relations.get(self.resolved.uses.first()?.relation?)
    }

    /// The column of the table that an expression is: as it is written, or as `*` stands for it.
    fn column(&self, expr: &Expr) -> Option<usize> {
        if let Some(Reference::Column { column, .. }) = self.resolved.reference(expr) {
            return Some(*column);
        }
        match expr {
            Expr::CompoundIdentifier(parts) if is_ours(parts) => {
                let name = &parts.last()?.value;
                self.table()?.columns.iter().position(|column| column.name == *name)
            }
            _ => None,
        }
    }

    fn shape(&self, discloses: super::plan::Discloses) -> Result<Shape, Unfit> {
        let mut pushing = Pushing::new(self.catalog, self.resolved);
        let sql = self.sql(&mut pushing, true)?;
        let mut probing = Pushing::new(self.catalog, self.resolved);
        // Numbered as in the client's text: what comes beside its parameters comes behind them.
        for at in 0..self.clients(pushing.parameters()) {
            probing.parameter(Parameter::Client(at));
        }
        let table = self.table().ok_or_else(|| not_here("what it reads"))?;
        Ok(Shape {
            probe: self.sql(&mut probing, false)?,
            sql,
            parameters: pushing.parameters().to_vec(),
            shown: self.outputs.len(),
            keys: self.keys.clone(),
            bounds: self.bounds,
            collates: self.collates,
            table: TableNeeded { name: quoted(&table.called.name), columns: self.used(table) },
            discloses,
        })
    }

    /// How many parameters the client's text counts, as far as what is pushed tells.
    fn clients(&self, parameters: &[Parameter]) -> usize {
        let pushed = parameters.iter().filter_map(|parameter| match parameter {
            Parameter::Client(at) => Some(at + 1),
            Parameter::Store | Parameter::Now => None,
        });
        pushed.max().unwrap_or(0)
    }

    /// The statement for the stores, or for home to describe.
    fn sql(&self, pushing: &mut Pushing<'_>, bounded: bool) -> Result<String, Unfit> {
        let mut columns = Vec::with_capacity(self.outputs.len() + self.keys.len());
        for expr in
            self.outputs.iter().map(|output| &output.expr).chain(self.keys.iter().map(|key| &key.expr))
        {
            columns.push(match expr {
                Expr::CompoundIdentifier(parts) if is_ours(parts) => expr.to_string(),
                _ => pushing.sql(expr)?,
            });
        }
        let from = pushing.from(0).ok_or_else(|| not_here("what it reads"))?;
        let mut sql = format!("SELECT {} FROM {from}", columns.join(", "));
        if let Some(condition) = &self.select.selection {
            sql += &format!(" WHERE {}", pushing.sql(condition)?);
        }
        if !bounded {
            return Ok(sql);
        }
        for (at, key) in self.keys.iter().enumerate() {
            sql += if at == 0 { " ORDER BY " } else { ", " };
            sql += &key.sql(self.outputs.len() + at + 1);
        }
        Ok(sql + &self.bounds.sql(pushing))
    }

    /// The columns that are used, with the names of their types.
    fn used(&self, table: &super::catalog::Relation) -> Vec<(String, String)> {
        let named = self.resolved.references().filter_map(|reference| match reference {
            Reference::Column { column, .. } => Some(*column),
            _ => None,
        });
        let shown = self.outputs.iter().filter_map(|output| self.column(&output.expr));
        let used: BTreeSet<usize> = named.chain(shown).collect();
        let columns = used.into_iter().filter_map(|column| table.columns.get(column));
        columns.map(|column| (column.name.clone(), column.kind.name.clone())).collect()
    }
}

/// Whether it is an expression that [`columns`] made: spans of the client's text are never empty.
fn is_ours(parts: &[Ident]) -> bool {
    parts.iter().all(|part| part.span == sqlparser::tokenizer::Span::empty())
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
        if types.columns.len() != self.shown + self.keys.len() || types.columns.iter().any(refers) {
            return Err(not_here("values of a type that refers to its own database"));
        }
        let (_, hidden) = types.columns.split_at(self.shown);
        let order = self.keys.iter().zip(hidden).map(|(key, kind)| key.kept(kind));
        let piece = Piece {
            sql: parameters::typed(&self.sql, &self.parameters, &types.parameters)?,
            parameters: self.parameters.clone(),
            columns: types.columns.clone(),
        };
        Ok(Plan {
            tier: Tier::Stream,
            discloses: self.discloses,
            collates: self.collates,
            tables: vec![self.table.clone()],
            pieces: vec![piece],
            answered: Answered::Streamed {
                order: order.collect::<Result<_, _>>()?,
                hidden: self.keys.len(),
                limit: self.bounds.limit,
                offset: self.bounds.offset,
            },
        })
    }
}
