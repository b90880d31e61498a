//! The walk over a query: its WITH queries, SELECTs and clauses, each with the names that it sees.

use super::catalog::{Called, Catalog, Relation};
use super::columns;
use super::expressions::Expressions;
use super::forbidden;
use super::from;
use super::ident::{folded, idents};
use super::refusal::Refusal;
use super::resolve::{Reference, Resolved};
use super::scope::{Level, Outputs, Source};
use sqlparser::ast::{
    self, Distinct, Expr, LimitClause, OrderBy, OrderByKind, Select, SelectItem,
    SelectItemQualifiedWildcardKind, SetExpr, Visit,
};
use sqlparser::tokenizer::Location;

/// The walk over a query.
#[derive(Debug, Default)]
pub(crate) struct Walk<'a> {
    pub(crate) catalog: Option<&'a Catalog>,
    pub(crate) resolved: Resolved,
    pub(crate) levels: Vec<Level>,
    pub(crate) ctes: Vec<(String, Outputs)>,
    refusal: Option<Refusal>,
}

impl<'a> Walk<'a> {
    /// Walks over the whole query.
    pub(crate) fn over(query: &ast::Query, catalog: Option<&'a Catalog>) -> Result<Resolved, Refusal> {
        let mut walk = Self { catalog, ..Self::default() };
        walk.query(query);
        match walk.refusal {
            Some(refusal) => Err(refusal),
            None => Ok(walk.resolved),
        }
    }

    /// The first refusal is the one that is told.
    pub(crate) fn refuse(&mut self, refusal: Refusal) {
        self.refusal.get_or_insert(refusal);
    }

    pub(crate) fn check(&mut self, checked: Result<(), Refusal>) {
        if let Err(refusal) = checked {
            self.refuse(refusal);
        }
    }

    /// The relation of the catalog that goes by this name.
    pub(crate) fn relation(&self, called: &Called) -> Option<(usize, &Relation)> {
        self.catalog?.relations.iter().enumerate().find(|(_, relation)| {
            relation.called == *called
                || (relation.called.name == called.name && called.schema.as_ref() == Some(&relation.schema))
        })
    }

    pub(crate) fn query(&mut self, query: &ast::Query) -> Outputs {
        self.check(forbidden::query(query));
        let known = self.ctes.len();
        if let Some(with) = &query.with {
            self.with(with);
        }
        let outputs = self.set(&query.body, query.order_by.as_ref());
        match &query.limit_clause {
            Some(LimitClause::LimitOffset { limit, offset, .. }) => {
                self.maybe(limit.as_ref());
                self.maybe(offset.as_ref().map(|offset| &offset.value));
            }
            Some(LimitClause::OffsetCommaLimit { .. }) => self.refuse(Refusal::unread("LIMIT with a comma")),
            None => {}
        }
        self.maybe(query.fetch.as_ref().and_then(|fetch| fetch.quantity.as_ref()));
        self.ctes.truncate(known);
        outputs
    }

    fn with(&mut self, with: &ast::With) {
        let first = self.ctes.len();
        if with.recursive {
            for cte in &with.cte_tables {
                self.ctes.push((folded(&cte.alias.name), Outputs { names: Vec::new(), open: true }));
            }
        }
        for (index, cte) in with.cte_tables.iter().enumerate() {
            let outputs = from::renamed(self.query(&cte.query), &cte.alias.columns);
            if with.recursive {
                self.ctes[first + index].1 = outputs;
            } else {
                self.ctes.push((folded(&cte.alias.name), outputs));
            }
        }
    }

    fn set(&mut self, body: &SetExpr, order: Option<&OrderBy>) -> Outputs {
        match body {
            SetExpr::Select(select) => self.select(select, order),
            SetExpr::Query(query) => {
                let outputs = self.query(query);
                self.order_of_set(order, &outputs);
                outputs
            }
            SetExpr::SetOperation { left, right, .. } => {
                let outputs = self.set(left, None);
                self.set(right, None);
                self.order_of_set(order, &outputs);
                outputs
            }
            SetExpr::Values(values) => {
                for row in &values.rows {
                    for expr in &row.content {
                        self.expr(expr);
                    }
                }
                let width = values.rows.first().map_or(0, |row| row.content.len());
                let outputs =
                    Outputs { names: (1..=width).map(|n| format!("column{n}")).collect(), open: false };
                self.order_of_set(order, &outputs);
                outputs
            }
            SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_) => {
                self.refuse(forbidden::write());
                Outputs::default()
            }
            SetExpr::Table(_) => {
                self.refuse(Refusal::unread("TABLE in an unusual place"));
                Outputs::default()
            }
        }
    }

    /// Over a UNION, VALUES or parentheses, ORDER BY sees the result's columns only.
    fn order_of_set(&mut self, order: Option<&OrderBy>, outputs: &Outputs) {
        let source = Source {
            qualifier: None,
            schema: None,
            outputs: outputs.clone(),
            table: None,
            store: false,
            within: Vec::new(),
        };
        self.levels.push(Level { sources: vec![source], hidden: false, select: Location::empty() });
        self.order(order, &[]);
        self.levels.pop();
    }

    fn select(&mut self, select: &Select, order: Option<&OrderBy>) -> Outputs {
        self.check(forbidden::select(select));
        let at = select.select_token.0.span.start;
        self.levels.push(Level { sources: Vec::new(), hidden: false, select: at });
        for item in &select.from {
            self.from(item);
        }
        let mut outputs = Outputs::default();
        let mut aliases = Vec::new();
        for item in &select.projection {
            self.item(item, &mut outputs, &mut aliases);
        }
        if let Some(Distinct::On(on)) = &select.distinct {
            on.iter().for_each(|expr| self.output_or_expr(expr, &aliases, true));
        }
        self.maybe(select.selection.as_ref());
        self.group_by(select, &aliases);
        self.maybe(select.having.as_ref());
        for window in &select.named_window {
            self.visit(&window.1);
        }
        self.order(order, &aliases);
        self.levels.pop();
        outputs
    }

    fn item(&mut self, item: &SelectItem, outputs: &mut Outputs, aliases: &mut Vec<String>) {
        match item {
            SelectItem::UnnamedExpr(expr) => {
                self.expr(expr);
                match columns::name(expr) {
                    Some(name) => {
                        aliases.push(name.clone());
                        outputs.names.push(name);
                    }
                    None => outputs.open = true,
                }
            }
            SelectItem::ExprWithAlias { expr, alias } => {
                self.expr(expr);
                aliases.push(folded(alias));
                outputs.names.push(folded(alias));
            }
            SelectItem::Wildcard(options) => {
                self.check(forbidden::star(options));
                self.star(options.wildcard_token.0.span, None, outputs);
            }
            SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), options) => {
                self.check(forbidden::star(options));
                match idents(name) {
                    Some(parts) => self.star(options.wildcard_token.0.span, Some(&parts), outputs),
                    None => self.refuse(Refusal::unread("a name before .*")),
                }
            }
            SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::Expr(expr), options) => {
                self.check(forbidden::star(options));
                self.expr(expr);
                outputs.open = true;
            }
            SelectItem::ExprWithAliases { .. } => self.refuse(Refusal::unread("several aliases")),
        }
    }

    fn group_by(&mut self, select: &Select, aliases: &[String]) {
        match &select.group_by {
            ast::GroupByExpr::All(_) => self.refuse(Refusal::unread("GROUP BY ALL")),
            ast::GroupByExpr::Expressions(exprs, modifiers) => {
                exprs.iter().for_each(|expr| self.output_or_expr(expr, aliases, false));
                if !modifiers.is_empty() {
                    self.refuse(Refusal::unread("GROUP BY … WITH"));
                }
            }
        }
    }

    fn order(&mut self, order: Option<&OrderBy>, aliases: &[String]) {
        let Some(order) = order else { return };
        match &order.kind {
            OrderByKind::All(_) => self.refuse(Refusal::unread("ORDER BY ALL")),
            OrderByKind::Expressions(exprs) => {
                for one in exprs {
                    self.output_or_expr(&one.expr, aliases, true);
                }
            }
        }
        if order.interpolate.is_some() {
            self.refuse(Refusal::unread("INTERPOLATE"));
        }
    }

    /// A bare name in ORDER BY means a column of the result before one of FROM, in GROUP BY after.
    fn output_or_expr(&mut self, expr: &Expr, aliases: &[String], result_first: bool) {
        if let Expr::Identifier(ident) = expr {
            let name = folded(ident);
            let here = self.levels.last().map_or(0, |level| level.matches(&name).count());
            if aliases.contains(&name) && (result_first || here == 0) {
                self.resolved.references.insert(ident.span.start, Reference::Derived);
                return;
            }
        }
        self.expr(expr);
    }

    pub(crate) fn maybe(&mut self, expr: Option<&Expr>) {
        if let Some(expr) = expr {
            self.expr(expr);
        }
    }

    pub(crate) fn expr(&mut self, expr: &Expr) {
        self.visit(expr);
    }

    /// Every expression in `node`, and every query in it as a query of its own.
    pub(crate) fn visit<N: Visit>(&mut self, node: &N) {
        let _ = node.visit(&mut Expressions::new(self));
    }
}
