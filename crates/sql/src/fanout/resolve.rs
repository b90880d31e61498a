//! Which table, column or function each name in a query stands for, as Postgres scopes names.
//!
//! What is found is certain if the query is valid, which home judges. Names that could stand for several things
//! are said to be uncertain; callers leave those alone.

use super::catalog::{Called, Catalog, Lookup, Relation};
use super::columns;
use super::expressions::Expressions;
use super::forbidden;
use super::from;
use super::ident::{folded, idents};
use super::refusal::Refusal;
use sqlparser::ast::{
    self, Distinct, Expr, Ident, LimitClause, OrderBy, OrderByKind, Select, SelectItem,
    SelectItemQualifiedWildcardKind, SetExpr, Visit,
};
use sqlparser::tokenizer::{Location, Span};
use std::collections::HashMap;

/// All names of a query.
#[derive(Debug, Default)]
pub(crate) struct Resolved {
    /// Relations in FROM that are no WITH query, in the order of the text.
    pub(crate) uses: Vec<Use>,
    /// What `*` and `t.*` in a SELECT list stand for.
    pub(crate) stars: Vec<Star>,
    /// Names to look up.
    pub(crate) lookup: Lookup,
    /// Whether there is a NATURAL join, which every column of its tables takes part in.
    pub(crate) natural: bool,
    /// Whether there is a join whose columns are merged by name.
    pub(crate) using: bool,
    /// Uses within a join that has an alias of its own, which counts and shows all columns.
    pub(crate) whole: Vec<usize>,
    /// Whether whole rows are values.
    pub(crate) rows: bool,
    /// Qualifiers with a schema: where the schema begins, and where the table does.
    pub(crate) schemas: Vec<(Location, Location)>,
    references: HashMap<Location, Reference>,
}

/// A relation in a FROM.
#[derive(Debug)]
pub(crate) struct Use {
    /// As it is written.
    pub(crate) called: Called,
    /// Where it is in [`Catalog::relations`]; `None` if home does not know it.
    pub(crate) relation: Option<usize>,
    /// Where its name is.
    pub(crate) parts: Vec<Span>,
    /// How columns are qualified: its alias, or else the table's name.
    pub(crate) qualifier: String,
    /// Whether it has an alias.
    pub(crate) aliased: bool,
    /// Its columns as this FROM calls them.
    pub(crate) columns: Vec<String>,
    /// The SELECT it is in, by where that word is.
    pub(crate) select: Location,
}

/// What a column reference stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reference {
    /// A column of one of the uses.
    Column {
        /// Which of [`Resolved::uses`].
        table: usize,
        /// Which of its relation's columns.
        column: usize,
    },
    /// The pseudo column of one of the uses that says whose store a row is from.
    Store(usize),
    /// A column of several uses that a join has merged.
    Merged(Vec<usize>),
    /// The whole row of one of the uses.
    Row(usize),
    /// A column of a subquery, WITH query or function, or a column of the result in ORDER BY or GROUP BY.
    Derived,
    /// Any of these.
    Uncertain,
}

/// A `*` or `t.*` in a SELECT list.
#[derive(Debug)]
pub(crate) struct Star {
    /// Where the `*` is.
    pub(crate) at: Span,
    /// Where the qualifier begins, if there is one.
    pub(crate) qualifier: Option<Span>,
    /// What it stands for: qualifier and columns of each source; `None` where that is not known for sure.
    pub(crate) columns: Option<Vec<(String, Vec<String>)>>,
    /// Uses all columns of which it stands for.
    pub(crate) uses: Vec<usize>,
}

impl Resolved {
    /// Resolves a query; without a catalog only [`Resolved::lookup`] has a meaning.
    ///
    /// # Errors
    ///
    /// What no tier may run, and what is not understood.
    pub(crate) fn of(query: &ast::Query, catalog: Option<&Catalog>) -> Result<Self, Refusal> {
        let mut walk = Walk { catalog, ..Walk::default() };
        walk.query(query);
        match walk.refusal {
            Some(refusal) => Err(refusal),
            None => Ok(walk.resolved),
        }
    }

    /// What the expression stands for, if it is a bare or qualified name.
    pub(crate) fn reference(&self, expr: &Expr) -> Option<&Reference> {
        match expr {
            Expr::Identifier(ident) => self.references.get(&ident.span.start),
            Expr::CompoundIdentifier(parts) => self.references.get(&parts.first()?.span.start),
            _ => None,
        }
    }

    /// All references, in no order.
    pub(crate) fn references(&self) -> impl Iterator<Item = &Reference> {
        self.references.values()
    }
}

/// Columns that something in a FROM, or a query, has.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outputs {
    /// Their names.
    pub(crate) names: Vec<String>,
    /// Whether there may be others.
    pub(crate) open: bool,
}

/// One thing in a FROM.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) qualifier: Option<String>,
    pub(crate) schema: Option<String>,
    pub(crate) outputs: Outputs,
    pub(crate) table: Option<usize>,
    /// Whether it has the pseudo column.
    pub(crate) store: bool,
    /// Uses within it that have one, if it is a join with an alias.
    pub(crate) within: Vec<usize>,
}

/// The FROM of one SELECT.
#[derive(Debug)]
pub(crate) struct Level {
    pub(crate) sources: Vec<Source>,
    /// Not seen from a subquery in FROM that is not LATERAL.
    pub(crate) hidden: bool,
    pub(crate) select: Location,
}

/// The walk over a query.
#[derive(Debug, Default)]
pub(crate) struct Walk<'a> {
    pub(crate) catalog: Option<&'a Catalog>,
    pub(crate) resolved: Resolved,
    pub(crate) levels: Vec<Level>,
    pub(crate) ctes: Vec<(String, Outputs)>,
    refusal: Option<Refusal>,
}

impl Walk<'_> {
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

    fn star(&mut self, at: Span, qualifier: Option<&[&Ident]>, outputs: &mut Outputs) {
        if let Some([schema, table]) = qualifier {
            self.resolved.schemas.push((schema.span.start, table.span.start));
        }
        let sources: Vec<Source> = match qualifier {
            None => self.levels.last().map(|level| level.sources.clone()).unwrap_or_default(),
            Some(parts) => self.qualified(parts).cloned().into_iter().collect(),
        };
        let certain = !sources.is_empty() && sources.iter().all(|source| !source.outputs.open);
        outputs.open |= !certain;
        for source in &sources {
            outputs.names.extend(source.outputs.names.iter().cloned());
        }
        let columns = sources
            .iter()
            .map(|source| Some((source.qualifier.clone()?, source.outputs.names.clone())))
            .collect::<Option<Vec<_>>>();
        self.resolved.stars.push(Star {
            at,
            qualifier: qualifier.and_then(|parts| Some(parts.first()?.span)),
            columns: columns.filter(|_| certain),
            uses: sources
                .iter()
                .flat_map(|source| source.table.iter().chain(&source.within).copied())
                .collect(),
        });
    }

    /// The source that a qualifier stands for.
    fn qualified(&self, parts: &[&Ident]) -> Option<&Source> {
        let (schema, name) = match parts {
            [name] => (None, folded(name)),
            [schema, name] => (Some(folded(schema)), folded(name)),
            _ => return None,
        };
        self.levels.iter().rev().filter(|level| !level.hidden).find_map(|level| {
            level.sources.iter().find(|source| {
                source.qualifier.as_deref() == Some(&name) && (schema.is_none() || source.schema == schema)
            })
        })
    }

    /// All columns of a use are looked at, as a row.
    pub(crate) fn whole_row(&mut self, table: usize) {
        self.resolved.whole.push(table);
        self.resolved.rows = true;
    }

    /// The same of `t.*` as an argument, if that is one of the uses.
    pub(crate) fn row_of(&mut self, name: &ast::ObjectName) -> bool {
        let table =
            idents(name).filter(|parts| parts.len() == 1).and_then(|parts| self.qualified(&parts)?.table);
        table.map(|table| self.whole_row(table)).is_some()
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

    /// A name without qualifier.
    pub(crate) fn bare(&mut self, ident: &Ident) {
        let name = folded(ident);
        let reference = self.find_bare(&name);
        if reference == Reference::Uncertain {
            self.check(forbidden::bare(&name));
        }
        self.note(ident, reference);
    }

    fn find_bare(&self, name: &str) -> Reference {
        let seen = || self.levels.iter().rev().filter(|level| !level.hidden);
        let mut open = false;
        for level in seen() {
            let matches: Vec<_> = level.matches(name).collect();
            match matches.as_slice() {
                [] => open |= level.sources.iter().any(|source| source.outputs.open),
                _ if open => break,
                [Some(reference)] => return reference.clone(),
                many => {
                    let tables: Vec<_> = many.iter().flatten().filter_map(Reference::table).collect();
                    return if tables.is_empty() { Reference::Derived } else { Reference::Merged(tables) };
                }
            }
        }
        // It may be a row, also where a function in FROM may have such a column.
        let row = seen()
            .find_map(|level| level.sources.iter().find(|source| source.qualifier.as_deref() == Some(name)));
        match row.map(|source| source.table) {
            // Without a catalog it may be a column.
            Some(Some(table)) if self.catalog.is_some() => Reference::Row(table),
            Some(None) if !open => Reference::Derived,
            _ => Reference::Uncertain,
        }
    }

    /// A name with a qualifier.
    pub(crate) fn compound(&mut self, parts: &[Ident]) {
        let (Some(first), Some((last, qualifier))) = (parts.first(), parts.split_last()) else { return };
        let qualifier: Vec<&Ident> = qualifier.iter().collect();
        let name = folded(last);
        if let [schema, table] = qualifier.as_slice() {
            self.resolved.schemas.push((schema.span.start, table.span.start));
        }
        let reference = match self.qualified(&qualifier) {
            None => Reference::Uncertain,
            Some(source) => match (source.find(&name), source.table) {
                (Some(reference), _) => reference.unwrap_or(Reference::Derived),
                (None, None) => Reference::Derived,
                (None, Some(_)) if source.outputs.open => Reference::Uncertain,
                (None, Some(_)) => {
                    self.check(forbidden::unknown_column(&name));
                    Reference::Uncertain
                }
            },
        };
        self.note(first, reference);
    }

    fn note(&mut self, at: &Ident, reference: Reference) {
        self.resolved.references.insert(at.span.start, reference);
    }
}

impl Level {
    /// The columns of this name in the sources; `None` for those that are no tables.
    fn matches(&self, name: &str) -> impl Iterator<Item = Option<Reference>> {
        self.sources.iter().filter_map(move |source| source.find(name))
    }
}

impl Source {
    /// The column of this name, if there is one; `Some(None)` where this is no table.
    fn find(&self, name: &str) -> Option<Option<Reference>> {
        if let Some(column) = self.outputs.names.iter().position(|one| one == name) {
            return Some(self.table.map(|table| Reference::Column { table, column }));
        }
        (self.store && name == super::STORE).then_some(self.table.map(Reference::Store))
    }
}

impl Reference {
    /// The use that it is a column of.
    fn table(&self) -> Option<usize> {
        match self {
            Self::Column { table, .. } | Self::Store(table) => Some(*table),
            _ => None,
        }
    }
}
