//! What a query discloses of a store's rows.

use super::catalog::Catalog;
use super::ident::{called, folded};
use super::plan::Discloses;
use super::resolve::{Reference, Resolved};
use sqlparser::ast::{
    self, DuplicateTreatment, Expr, FunctionArguments, GroupByExpr, OrderByKind, Select, SelectItem, SetExpr,
    Value, Visit, VisitMut, Visitor, VisitorMut,
};
use std::ops::ControlFlow;

/// Aggregates that add up: no value of a row is in them.
const SUMS: [&str; 24] = [
    "count",
    "sum",
    "avg",
    "bool_and",
    "bool_or",
    "every",
    "var_pop",
    "var_samp",
    "variance",
    "stddev",
    "stddev_pop",
    "stddev_samp",
    "corr",
    "covar_pop",
    "covar_samp",
    "regr_avgx",
    "regr_avgy",
    "regr_count",
    "regr_intercept",
    "regr_r2",
    "regr_slope",
    "regr_sxx",
    "regr_sxy",
    "regr_syy",
];

/// What the query, not the tier, discloses. Only an aggregate of tables by groups is less than rows, and DISTINCT
/// over tables less than that; what groups are called counts as part of their sums.
pub(crate) fn by(query: &ast::Query, catalog: &Catalog, resolved: &Resolved) -> Discloses {
    let (SetExpr::Select(select), None) = (query.body.as_ref(), &query.with) else { return Discloses::Rows };
    if !select.from.iter().all(is_plain) || matches!(select.distinct, Some(ast::Distinct::On(_))) {
        return Discloses::Rows;
    }
    let mut measure = Measure { catalog, resolved, groups: groups(select), found: Discloses::Sums };
    let grouped = !measure.groups.is_empty() || select.having.is_some() || has_aggregate(select, catalog);
    if !grouped {
        let distinct = matches!(select.distinct, Some(ast::Distinct::Distinct));
        let values = distinct && !has_rows(&select.projection);
        return if values { Discloses::Values } else { Discloses::Rows };
    }
    for item in &select.projection {
        match item {
            SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => measure.expr(expr),
            _ => return Discloses::Rows,
        }
    }
    if !has_aggregate(select, catalog) {
        measure.at_least(Discloses::Values); // it is DISTINCT, written otherwise
    }
    if has_rows(&query.limit_clause) || has_rows(&query.fetch) {
        measure.at_least(Discloses::Rows); // how many groups are shown says what the query there does
    }
    select.having.iter().for_each(|expr| measure.expr(expr));
    if let Some(OrderByKind::Expressions(order)) = query.order_by.as_ref().map(|order| &order.kind) {
        order.iter().for_each(|one| measure.expr(&stands_for(select, &one.expr)));
    }
    measure.found
}

/// Tables and their joins, without queries among them.
fn is_plain(item: &ast::TableWithJoins) -> bool {
    struct Queries;
    impl Visitor for Queries {
        type Break = ();

        fn pre_visit_query(&mut self, _: &ast::Query) -> ControlFlow<()> {
            ControlFlow::Break(())
        }
    }
    item.visit(&mut Queries).is_continue()
}

/// What a query is grouped by, with numbers and aliases replaced by what they stand for.
fn groups(select: &Select) -> Vec<Expr> {
    let GroupByExpr::Expressions(exprs, _) = &select.group_by else { return Vec::new() };
    let mut groups = Vec::new();
    for expr in exprs {
        match expr {
            Expr::GroupingSets(sets) | Expr::Cube(sets) | Expr::Rollup(sets) => {
                groups.extend(sets.iter().flatten().map(|one| stands_for(select, one)));
            }
            Expr::Tuple(parts) => groups.extend(parts.iter().map(|one| stands_for(select, one))),
            one => groups.push(stands_for(select, one)),
        }
    }
    groups
}

fn stands_for(select: &Select, expr: &Expr) -> Expr {
    let item = match expr {
        Expr::Value(value) => match &value.value {
            Value::Number(digits, _) => {
                digits.parse::<usize>().ok().and_then(|number| select.projection.get(number.checked_sub(1)?))
            }
            _ => None,
        },
        Expr::Identifier(ident) => select.projection.iter().find(|item| match item {
            SelectItem::ExprWithAlias { alias, .. } => folded(alias) == folded(ident),
            _ => false,
        }),
        Expr::Nested(inner) => return stands_for(select, inner),
        _ => None,
    };
    match item {
        Some(SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. }) => expr.clone(),
        _ => expr.clone(),
    }
}

fn has_aggregate(select: &Select, catalog: &Catalog) -> bool {
    struct Aggregates<'a>(&'a Catalog);
    impl Visitor for Aggregates<'_> {
        type Break = ();

        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            match expr {
                Expr::Function(function) if is_aggregate(function, self.0) => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            }
        }
    }
    let mut aggregates = Aggregates(catalog);
    select.projection.visit(&mut aggregates).is_break() || select.having.visit(&mut aggregates).is_break()
}

/// Whether a call is of an aggregate, as such.
pub(crate) fn is_aggregate(function: &ast::Function, catalog: &Catalog) -> bool {
    let Some(called) = called(&function.name) else { return false };
    function.over.is_none()
        && catalog.functions.iter().any(|known| known.called == called && known.kind == 'a')
}

/// Whether there is a query or a window function in it.
fn has_rows<N: Visit>(node: &N) -> bool {
    struct Rows;
    impl Visitor for Rows {
        type Break = ();

        fn pre_visit_query(&mut self, _: &ast::Query) -> ControlFlow<()> {
            ControlFlow::Break(())
        }

        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            match expr {
                Expr::Function(function) if function.over.is_some() => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            }
        }
    }
    node.visit(&mut Rows).is_break()
}

/// Whether there is a name in it.
fn has_names<N: Visit>(node: &N) -> bool {
    struct Names;
    impl Visitor for Names {
        type Break = ();

        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            match expr {
                Expr::Identifier(_) | Expr::CompoundIdentifier(_) => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            }
        }
    }
    node.visit(&mut Names).is_break()
}

struct Measure<'a> {
    catalog: &'a Catalog,
    resolved: &'a Resolved,
    groups: Vec<Expr>,
    found: Discloses,
}

impl Measure<'_> {
    fn at_least(&mut self, found: Discloses) {
        self.found = self.found.max(found);
    }

    /// An expression over groups: what is neither a key nor within an aggregate is of a row.
    fn expr(&mut self, expr: &Expr) {
        let mut rest = expr.clone();
        let _ = VisitMut::visit(&mut rest, &mut Taking { measure: self });
        if has_rows(&rest) || has_names(&rest) {
            self.at_least(Discloses::Rows);
        }
    }

    fn is_key(&self, expr: &Expr) -> bool {
        let column = self.resolved.reference(expr).filter(|one| matches!(one, Reference::Column { .. }));
        self.groups
            .iter()
            .any(|key| key == expr || (column.is_some() && self.resolved.reference(key) == column))
    }

    fn aggregate(&mut self, function: &ast::Function) {
        let name = function.name.0.last().and_then(|part| part.as_ident()).map(folded).unwrap_or_default();
        let distinct = match &function.args {
            FunctionArguments::List(list) => list.duplicate_treatment == Some(DuplicateTreatment::Distinct),
            _ => false,
        };
        let sums = SUMS.contains(&name.as_str()) && !distinct && function.within_group.is_empty();
        self.at_least(if sums { Discloses::Sums } else { Discloses::Values });
    }
}

/// Takes the keys and aggregates out of an expression.
struct Taking<'m, 'a> {
    measure: &'m mut Measure<'a>,
}

impl VisitorMut for Taking<'_, '_> {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        let taken = match expr {
            _ if self.measure.is_key(expr) => true,
            Expr::Function(function) if is_aggregate(function, self.measure.catalog) => {
                self.measure.aggregate(function);
                true
            }
            _ => false,
        };
        if taken {
            *expr = Expr::value(Value::Null);
        }
        ControlFlow::Continue(())
    }
}
