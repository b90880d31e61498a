//! Calls of aggregates, in the parts that they are taken apart by.

use super::super::catalog::Catalog;
use super::super::ident::called;
use super::super::refusal::Unfit;
use super::aggregates::{self, Sort};
use super::canonical::stripped;
use sqlparser::ast::{
    DuplicateTreatment, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentClause,
    FunctionArguments, OrderByExpr,
};

/// A call of an aggregate, its expressions in canonical form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) name: String,
    pub(crate) sort: Sort,
    /// Arguments; none for `count(*)`.
    pub(crate) args: Vec<Expr>,
    /// DISTINCT, where it makes a difference.
    pub(crate) distinct: bool,
    /// FILTER.
    pub(crate) filter: Option<Expr>,
    /// ORDER BY among the arguments, where it makes a difference, or after WITHIN GROUP.
    pub(crate) order: Vec<OrderByExpr>,
}

impl Call {
    /// The call, if `function` is an aggregate.
    pub(crate) fn of(function: &Function, catalog: &Catalog) -> Result<Option<Self>, Unfit> {
        let called = called(&function.name).ok_or_else(|| Unfit::not_here("a function"))?;
        let overloads: Vec<_> = catalog.functions.iter().filter(|one| one.called == called).collect();
        if !overloads.iter().any(|one| one.kind == 'a') {
            return Ok(None);
        }
        let name = called.name;
        let unknown = || Unfit::not_here(format!("the aggregate {name} cannot be put together from parts"));
        if overloads.iter().any(|one| one.schema != "pg_catalog") {
            return Err(unknown());
        }
        let sort = aggregates::sort(&name).ok_or_else(unknown)?;
        let FunctionArguments::List(list) = &function.args else { return Err(unknown()) };
        let mut args = Vec::new();
        for arg in &list.args {
            match arg {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => args.push(expr.clone()),
                FunctionArg::Unnamed(FunctionArgExpr::Wildcard) if sort == Sort::Count => {}
                _ => return Err(unknown()),
            }
        }
        let own_order = list.clauses.iter().flat_map(|clause| match clause {
            FunctionArgumentClause::OrderBy(keys) => keys.as_slice(),
            _ => &[],
        });
        let distinct = list.duplicate_treatment == Some(DuplicateTreatment::Distinct);
        let order = match sort {
            Sort::Ordered if function.within_group.is_empty() => return Err(unknown()),
            Sort::Ordered => function.within_group.clone(),
            Sort::List => own_order.clone().cloned().collect(),
            _ => Vec::new(),
        };
        // Any value will do, but with an order Postgres takes the first.
        let first = name == "any_value" && own_order.count() > 0;
        if first || order.iter().any(|key| key.with_fill.is_some()) {
            return Err(unknown());
        }
        let distinct = distinct && !aggregates::ignores_duplicates(&name);
        let filter = function.filter.as_deref().cloned();
        Ok(Some(Self { name, sort, args, distinct, filter, order }))
    }

    /// How the call is answered.
    pub(crate) fn way(&self) -> Way {
        match self.sort {
            Sort::Ordered => Way::Weighted,
            _ if self.distinct => Way::Distinct,
            Sort::List => Way::Rows,
            _ => Way::Partials,
        }
    }

    /// To compare by.
    pub(crate) fn stripped(&self) -> Self {
        let order = |key: &OrderByExpr| OrderByExpr { expr: stripped(&key.expr), ..key.clone() };
        Self {
            args: self.args.iter().map(stripped).collect(),
            filter: self.filter.as_ref().map(stripped),
            order: self.order.iter().map(order).collect(),
            ..self.clone()
        }
    }

    /// The call as home has it over columns, with these arguments, FILTER and order.
    pub(crate) fn text(&self, args: &[String], filter: Option<&str>, order: &[String]) -> String {
        let distinct = if self.distinct { "DISTINCT " } else { "" };
        let args = if args.is_empty() && self.sort == Sort::Count { "*".to_owned() } else { args.join(", ") };
        let by = if order.is_empty() { String::new() } else { format!("ORDER BY {}", order.join(", ")) };
        let filter = filter.map_or_else(String::new, |filter| format!(" FILTER (WHERE {filter})"));
        let name = &self.name;
        match self.sort {
            Sort::Ordered => format!("{name}({args}) WITHIN GROUP ({by}){filter}"),
            _ if by.is_empty() => format!("{name}({distinct}{args}){filter}"),
            _ => format!("{name}({distinct}{args} {by}){filter}"),
        }
    }
}

/// How a call is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// From partials.
    Partials,
    /// By itself, over the distinct values of each store.
    Distinct,
    /// By itself, over distinct values and how often each is there.
    Weighted,
    /// By itself, over the values of every row.
    Rows,
}
