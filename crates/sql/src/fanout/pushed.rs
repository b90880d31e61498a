//! Text for the stores: expressions printed anew, with the gate's parameters in them.

use super::catalog::Catalog;
use super::functions;
use super::ident::called;
use super::plan::Parameter;
use super::refusal::Unfit;
use super::resolve::{Reference, Resolved};
use super::traits;
use sqlparser::ast::{Expr, Ident, Value, VisitMut, VisitorMut};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::Parser;
use std::ops::ControlFlow;

/// Writes the expressions of one piece; what is written has to be [examined](traits::Examiner::examine) first.
#[derive(Debug)]
pub(crate) struct Pushing<'a> {
    catalog: &'a Catalog,
    resolved: &'a Resolved,
    parameters: Vec<Parameter>,
}

impl<'a> Pushing<'a> {
    pub(crate) fn new(catalog: &'a Catalog, resolved: &'a Resolved) -> Self {
        Self { catalog, resolved, parameters: Vec::new() }
    }

    /// Values of the parameters in what has been written so far.
    pub(crate) fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// The number of a parameter, from 1.
    pub(crate) fn parameter(&mut self, parameter: Parameter) -> usize {
        match self.parameters.iter().position(|one| *one == parameter) {
            Some(index) => index + 1,
            None => {
                self.parameters.push(parameter);
                self.parameters.len()
            }
        }
    }

    /// `expr` as a store is asked it: columns by their own names with the qualifier of their use, which FROM
    /// has to give its table; `_store` and the current time as parameters.
    ///
    /// # Errors
    ///
    /// [`Unfit::NotAtThisTier`] where what was printed does not mean the same.
    pub(crate) fn sql(&mut self, expr: &Expr) -> Result<String, Unfit> {
        let mut expr = expr.clone();
        if let ControlFlow::Break(unfit) = VisitMut::visit(&mut expr, &mut Rewriting { pushing: self }) {
            return Err(unfit);
        }
        let text = expr.to_string();
        if parsed(&text).as_ref() != Some(&expr) {
            return Err(Unfit::not_here("an expression that does not read as it is written"));
        }
        Ok(text)
    }

    fn rewritten(&mut self, expr: &Expr) -> Result<Option<Expr>, Unfit> {
        let text = match (expr, self.resolved.reference(expr)) {
            (_, Some(Reference::Column { table, column })) => return self.column(*table, *column).map(Some),
            (_, Some(Reference::Store(_))) => format!("(${}::text)", self.parameter(Parameter::Store)),
            (_, Some(_)) => return Err(Unfit::not_here("a name that is no column of a table")),
            (Expr::Function(function), _) => {
                let name = called(&function.name).filter(|name| functions::moment(&name.name).is_some());
                match (name, traits::arguments(&function.args)) {
                    (Some(name), Some(args)) if args.is_empty() => {
                        let kind = functions::moment(&name.name).unwrap_or("timestamptz");
                        format!("(${}::timestamptz)::{kind}", self.parameter(Parameter::Now))
                    }
                    _ => return Ok(None),
                }
            }
            (Expr::Value(value), _) => match &value.value {
                Value::Placeholder(name) => {
                    let number = name.strip_prefix('$').and_then(|digits| digits.parse::<usize>().ok());
                    let index = number.and_then(|number| number.checked_sub(1));
                    let index = index.ok_or_else(|| Unfit::not_here("a parameter of this form"))?;
                    format!("${}", self.parameter(Parameter::Client(index)))
                }
                _ => return Ok(None),
            },
            _ => return Ok(None),
        };
        parsed(&text).map(Some).ok_or_else(|| Unfit::not_here("an expression"))
    }

    fn column(&self, table: usize, column: usize) -> Result<Expr, Unfit> {
        let unknown = || Unfit::not_here("a column of home's own");
        let one = self.resolved.uses.get(table).ok_or_else(unknown)?;
        let relation =
            one.relation.and_then(|index| self.catalog.relations.get(index)).ok_or_else(unknown)?;
        let column = relation.columns.get(column).ok_or_else(unknown)?;
        let ident = |name: &str| Ident::with_quote('"', name);
        Ok(Expr::CompoundIdentifier(vec![ident(&one.qualifier), ident(&column.name)]))
    }
}

pub(crate) fn parsed(text: &str) -> Option<Expr> {
    let mut parser = Parser::new(&PostgreSqlDialect {}).try_with_sql(text).ok()?;
    let expr = parser.parse_expr().ok()?;
    (parser.peek_token().token == sqlparser::tokenizer::Token::EOF).then_some(expr)
}

/// Rewrites from the leaves up, so that nothing is rewritten twice.
struct Rewriting<'p, 'a> {
    pushing: &'p mut Pushing<'a>,
}

impl VisitorMut for Rewriting<'_, '_> {
    type Break = Unfit;

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Unfit> {
        match self.pushing.rewritten(expr) {
            Ok(Some(new)) => {
                *expr = new;
                ControlFlow::Continue(())
            }
            Ok(None) => ControlFlow::Continue(()),
            Err(unfit) => ControlFlow::Break(unfit),
        }
    }
}
