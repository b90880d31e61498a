//! Canonical expressions as text, for the stores and for home.

use super::super::STORE;
use super::super::catalog::Type;
use super::super::functions;
use super::super::ident::{called, folded, quoted};
use super::super::plan::{Parameter, TableNeeded};
use super::super::refusal::Unfit;
use super::super::traits;
use super::canonical::Names;
use sqlparser::ast::{
    Expr, Ident, ObjectName, ObjectNamePart, TableAlias, TableFactor, TableWithJoins, Value, VisitMut,
    VisitorMut,
};
use std::ops::ControlFlow;

/// For whom text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reader {
    /// Described by home; parameters keep the client's numbers.
    Probe,
    /// Run by home.
    Home,
    /// Run by each store.
    Store,
}

/// A table in FROM.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    qualifier: String,
    schema: String,
    name: String,
    /// Whether its `_store` is used.
    store: bool,
}

/// The tables of a query, by the names they go by.
pub(crate) fn tables(names: &Names<'_>) -> Vec<Table> {
    let uses = names.uses().iter().enumerate();
    uses.filter_map(|(table, one)| {
        let relation = names.relation(table)?;
        Some(Table {
            qualifier: one.qualifier.clone(),
            schema: relation.schema.clone(),
            name: relation.called.name.clone(),
            store: names.stores().contains(&table),
        })
    })
    .collect()
}

/// Writes one statement.
#[derive(Debug)]
pub(crate) struct Writer<'a> {
    reader: Reader,
    tables: &'a [Table],
    /// Types of the client's parameters.
    types: &'a [Type],
    parameters: Vec<Parameter>,
}

impl<'a> Writer<'a> {
    pub(crate) fn new(reader: Reader, tables: &'a [Table], types: &'a [Type]) -> Self {
        Self { reader, tables, types, parameters: Vec::new() }
    }

    /// Values of the parameters in what was written so far.
    pub(crate) fn into_parameters(self) -> Vec<Parameter> {
        self.parameters
    }

    /// How many parameters there are in what was written so far.
    pub(crate) fn parameters(&self) -> usize {
        self.parameters.len()
    }

    /// The parameter, as text with its type.
    pub(crate) fn parameter(&mut self, parameter: Parameter) -> Result<String, Unfit> {
        let client = match parameter {
            Parameter::Client(index) => Some(index),
            Parameter::Store | Parameter::Now => None,
        };
        if let (Reader::Probe, Some(index)) = (self.reader, client) {
            return Ok(format!("${}", index + 1));
        }
        let kind = match parameter {
            Parameter::Store => "text",
            Parameter::Now => "timestamptz",
            Parameter::Client(index) => {
                let kind =
                    self.types.get(index).ok_or_else(|| Unfit::not_here("a parameter of no known type"))?;
                self.check_type(kind)?;
                &kind.name
            }
        };
        let at = self.parameters.iter().position(|one| *one == parameter).unwrap_or(self.parameters.len());
        if at == self.parameters.len() {
            self.parameters.push(parameter);
        }
        Ok(format!("(${}::{kind})", at + 1))
    }

    /// Schemas have other names in a store.
    fn check_type(&self, kind: &Type) -> Result<(), Unfit> {
        if self.reader == Reader::Store && kind.name.contains('.') {
            return Err(Unfit::not_here(
                "a parameter's type is named with its schema, which is another in a store",
            ));
        }
        Ok(())
    }

    /// An expression.
    pub(crate) fn expr(&mut self, expr: &Expr) -> Result<String, Unfit> {
        let mut expr = expr.clone();
        match VisitMut::visit(&mut expr, self) {
            ControlFlow::Continue(()) => Ok(expr.to_string()),
            ControlFlow::Break(unfit) => Err(unfit),
        }
    }

    /// All of FROM.
    pub(crate) fn from(&mut self, from: &[TableWithJoins]) -> Result<String, Unfit> {
        let mut from = from.to_vec();
        for item in &mut from {
            if let ControlFlow::Break(unfit) = VisitMut::visit(item, self) {
                return Err(unfit);
            }
        }
        Ok(from.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
    }

    /// A table, which has a column `_store` where that is used: NULL in the rows of NULLs of an outer join,
    /// which the parameter by itself would not be.
    fn table(&mut self, qualifier: &str) -> Result<TableFactor, Unfit> {
        let table = self.tables.iter().find(|table| table.qualifier == qualifier);
        let table = table.ok_or_else(|| Unfit::not_here("a table is not known"))?;
        let name = match self.reader {
            Reader::Store => quoted(&table.name),
            Reader::Probe | Reader::Home => format!("{}.{}", quoted(&table.schema), quoted(&table.name)),
        };
        let text = if table.store {
            let store = match self.reader {
                Reader::Store => self.parameter(Parameter::Store)?,
                Reader::Probe | Reader::Home => "NULL::text".to_owned(),
            };
            format!("(SELECT {store} AS {}, * FROM {name})", quoted(STORE))
        } else {
            name
        };
        let alias = TableAlias {
            explicit: true,
            name: Ident::with_quote('"', &table.qualifier),
            columns: Vec::new(),
            at: None,
        };
        Ok(TableFactor::Table {
            name: ObjectName(vec![ObjectNamePart::Identifier(Ident::new(text))]),
            alias: Some(alias),
            args: None,
            with_hints: Vec::new(),
            version: None,
            with_ordinality: false,
            partitions: Vec::new(),
            json_path: None,
            sample: None,
            index_hints: Vec::new(),
        })
    }

    /// What stands for an expression, if it is not that itself.
    fn instead(&mut self, expr: &Expr) -> Result<Option<String>, Unfit> {
        match expr {
            Expr::Value(value) => match &value.value {
                Value::Placeholder(name) => {
                    let number = name.strip_prefix('$').and_then(|digits| digits.parse::<usize>().ok());
                    let index = number.and_then(|number| number.checked_sub(1));
                    let index = index.ok_or_else(|| Unfit::not_here("a parameter of this form"))?;
                    self.parameter(Parameter::Client(index)).map(Some)
                }
                _ => Ok(None),
            },
            Expr::Function(function) if self.reader == Reader::Store => {
                let Some(kind) = called(&function.name).and_then(|name| functions::moment(&name.name)) else {
                    return Ok(None);
                };
                if traits::arguments(&function.args).is_none_or(|args| !args.is_empty()) {
                    return Err(Unfit::not_here("the current time in a given precision"));
                }
                let now = self.parameter(Parameter::Now)?;
                Ok(Some(if kind == "timestamptz" { now } else { format!("({now}::{kind})") }))
            }
            _ => Ok(None),
        }
    }
}

/// An expression or name that is written as it is.
pub(crate) fn verbatim(text: String) -> Expr {
    Expr::Identifier(Ident::new(text))
}

impl VisitorMut for Writer<'_> {
    type Break = Unfit;

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<Unfit> {
        let TableFactor::Table { name, alias, .. } = &*factor else { return ControlFlow::Continue(()) };
        let qualifier = match (alias, name.0.last()) {
            (Some(alias), _) => folded(&alias.name),
            (None, Some(ObjectNamePart::Identifier(ident))) => folded(ident),
            _ => return ControlFlow::Break(Unfit::not_here("something in FROM")),
        };
        match self.table(&qualifier) {
            Ok(table) => {
                *factor = table;
                ControlFlow::Continue(())
            }
            Err(unfit) => ControlFlow::Break(unfit),
        }
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Unfit> {
        match self.instead(expr) {
            Ok(Some(text)) => {
                *expr = verbatim(text);
                ControlFlow::Continue(())
            }
            Ok(None) => ControlFlow::Continue(()),
            Err(unfit) => ControlFlow::Break(unfit),
        }
    }
}

/// What a store has to have of the tables.
pub(crate) fn needed(names: &Names<'_>) -> Vec<TableNeeded> {
    let mut needed: Vec<TableNeeded> = Vec::new();
    for (table, columns) in names.used() {
        let Some(relation) = names.relation(*table) else { continue };
        let name = quoted(&relation.called.name);
        let at = needed.iter().position(|one| one.name == name).unwrap_or(needed.len());
        if at == needed.len() {
            needed.push(TableNeeded { name, columns: Vec::new() });
        }
        let Some(one) = needed.get_mut(at) else { continue };
        for column in columns.iter().filter_map(|at| relation.columns.get(*at)) {
            let column = (column.name.clone(), column.kind.name.clone());
            if !one.columns.contains(&column) {
                one.columns.push(column);
            }
        }
    }
    needed
}
