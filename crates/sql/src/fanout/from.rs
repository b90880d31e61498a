//! What is in a FROM: tables, WITH queries, subqueries, functions and their joins.

use super::catalog::{Called, RelationKind};
use super::forbidden;
use super::ident::{called, folded, idents};
use super::refusal::Refusal;
use super::resolve::Use;
use super::scope::{Outputs, Source};
use super::walk::Walk;
use sqlparser::ast::{
    JoinConstraint, JoinOperator, ObjectName, TableAlias, TableAliasColumnDef, TableFactor, TableWithJoins,
};

impl Walk<'_> {
    pub(crate) fn from(&mut self, item: &TableWithJoins) {
        self.factor(&item.relation);
        for join in &item.joins {
            self.factor(&join.relation);
            if join.global {
                self.refuse(Refusal::unread("GLOBAL before a join"));
            }
            self.join(&join.join_operator);
        }
    }

    fn join(&mut self, operator: &JoinOperator) {
        use JoinOperator as J;
        let (J::Join(constraint)
        | J::Inner(constraint)
        | J::Left(constraint)
        | J::LeftOuter(constraint)
        | J::Right(constraint)
        | J::RightOuter(constraint)
        | J::FullOuter(constraint)
        | J::CrossJoin(constraint)) = operator
        else {
            return self.refuse(Refusal::unread("a join"));
        };
        match constraint {
            JoinConstraint::On(expr) => self.expr(expr),
            JoinConstraint::Natural => self.resolved.natural = true,
            JoinConstraint::Using(_) => self.resolved.using = true,
            JoinConstraint::None => {}
        }
    }

    fn factor(&mut self, factor: &TableFactor) {
        self.check(forbidden::factor(factor));
        match factor {
            TableFactor::Table { name, alias, args: None, .. } => self.table(name, alias.as_ref()),
            TableFactor::Table { name, alias, args: Some(args), .. } => {
                self.called_function(name);
                for arg in &args.args {
                    self.visit(arg);
                }
                self.source(alias.as_ref(), Outputs { names: Vec::new(), open: true });
            }
            TableFactor::Derived { lateral, subquery, alias, .. } => {
                self.hide(!lateral);
                let outputs = self.query(subquery);
                self.hide(false);
                self.source(alias.as_ref(), outputs);
            }
            TableFactor::Function { name, args, alias, .. } => {
                self.called_function(name);
                for arg in args {
                    self.visit(arg);
                }
                self.source(alias.as_ref(), Outputs { names: Vec::new(), open: true });
            }
            TableFactor::NestedJoin { table_with_joins, alias } => {
                self.nested(table_with_joins, alias.as_ref());
            }
            TableFactor::UNNEST { alias, .. }
            | TableFactor::XmlTable { alias, .. }
            | TableFactor::JsonTable { alias, .. } => {
                self.parts_of(factor);
                self.source(alias.as_ref(), Outputs { names: Vec::new(), open: true });
            }
            _ => self.refuse(Refusal::unread("something in FROM")),
        }
    }

    fn parts_of(&mut self, factor: &TableFactor) {
        match factor {
            TableFactor::UNNEST { array_exprs, .. } => array_exprs.iter().for_each(|expr| self.expr(expr)),
            TableFactor::XmlTable { namespaces, row_expression, passing, columns, .. } => {
                self.visit(namespaces);
                self.expr(row_expression);
                self.visit(passing);
                self.visit(columns);
            }
            TableFactor::JsonTable { json_expr, columns, .. } => {
                self.expr(json_expr);
                self.visit(columns);
            }
            _ => {}
        }
    }

    /// Whether the tables so far are out of sight.
    fn hide(&mut self, hidden: bool) {
        if let Some(level) = self.levels.last_mut() {
            level.hidden = hidden;
        }
    }

    /// `(a JOIN b …)`, whose alias hides what is in it.
    fn nested(&mut self, inner: &TableWithJoins, alias: Option<&TableAlias>) {
        let before = self.levels.last().map_or(0, |level| level.sources.len());
        self.from(inner);
        if alias.is_none() {
            return;
        }
        let Some(level) = self.levels.last_mut() else { return };
        let inner = level.sources.split_off(before);
        let mut outputs = Outputs::default();
        let mut within = Vec::new();
        for source in inner {
            outputs.open |= source.outputs.open;
            outputs.names.extend(source.outputs.names);
            within.extend(source.table.into_iter().chain(source.within));
        }
        self.resolved.whole.extend(&within);
        self.source(alias, outputs);
        if let Some(source) = self.levels.last_mut().and_then(|level| level.sources.last_mut()) {
            source.within = within;
        }
    }

    fn source(&mut self, alias: Option<&TableAlias>, outputs: Outputs) {
        let outputs = match alias {
            Some(alias) => renamed(outputs, &alias.columns),
            None => outputs,
        };
        let source = Source {
            qualifier: alias.map(|alias| folded(&alias.name)),
            schema: None,
            outputs,
            table: None,
            store: false,
            within: Vec::new(),
        };
        if let Some(level) = self.levels.last_mut() {
            level.sources.push(source);
        }
    }

    fn table(&mut self, name: &ObjectName, alias: Option<&TableAlias>) {
        let (Some(called), Some(parts)) = (called(name), idents(name)) else {
            return self.refuse(Refusal::unread("a name of three parts in FROM"));
        };
        if let Some(outputs) = self.cte(&called) {
            let qualifier = alias.map_or(called.name, |alias| folded(&alias.name));
            let outputs = alias.map_or(outputs.clone(), |alias| renamed(outputs, &alias.columns));
            if let Some(level) = self.levels.last_mut() {
                level.sources.push(Source {
                    qualifier: Some(qualifier),
                    schema: None,
                    outputs,
                    table: None,
                    store: false,
                    within: Vec::new(),
                });
            }
            return;
        }
        if !self.resolved.lookup.relations.contains(&called) {
            self.resolved.lookup.relations.push(called.clone());
        }
        let found = self.relation(&called);
        let relation = found.map(|(index, _)| index);
        let schema = found.map(|(_, relation)| relation.schema.clone());
        let outputs = found.map_or(Outputs { names: Vec::new(), open: true }, |(_, relation)| Outputs {
            names: relation.columns.iter().map(|column| column.name.clone()).collect(),
            open: false,
        });
        let outputs = alias.map_or(outputs.clone(), |alias| renamed(outputs, &alias.columns));
        let qualifier = alias.map_or_else(|| called.name.clone(), |alias| folded(&alias.name));
        let schema = if alias.is_some() { None } else { schema.or_else(|| called.schema.clone()) };
        let store = found.is_some_and(|(_, relation)| relation.kind == RelationKind::Table);
        let table = self.resolved.uses.len();
        let Some(level) = self.levels.last_mut() else { return };
        self.resolved.uses.push(Use {
            called,
            relation,
            parts: parts.iter().map(|part| part.span).collect(),
            qualifier: qualifier.clone(),
            aliased: alias.is_some(),
            columns: outputs.names.clone(),
            select: level.select,
        });
        level.sources.push(Source {
            qualifier: Some(qualifier),
            schema,
            outputs,
            table: Some(table),
            store,
            within: Vec::new(),
        });
    }

    fn cte(&self, called: &Called) -> Option<Outputs> {
        if called.schema.is_some() {
            return None;
        }
        self.ctes.iter().rev().find(|(name, _)| *name == called.name).map(|(_, outputs)| outputs.clone())
    }

    /// Notes a function to look up.
    pub(crate) fn called_function(&mut self, name: &ObjectName) {
        let Some(called) = called(name) else {
            return self.refuse(Refusal::unread("the name of a function"));
        };
        self.check(forbidden::function(&called, self.catalog));
        self.function_name(called);
    }

    pub(crate) fn function_name(&mut self, called: Called) {
        if !self.resolved.lookup.functions.contains(&called) {
            self.resolved.lookup.functions.push(called);
        }
    }
}

/// Columns after the names in an alias have been given to the first of them.
pub(crate) fn renamed(mut outputs: Outputs, columns: &[TableAliasColumnDef]) -> Outputs {
    for (index, column) in columns.iter().enumerate() {
        let name = folded(&column.name);
        match outputs.names.get_mut(index) {
            Some(old) => *old = name,
            None => outputs.names.push(name),
        }
    }
    outputs
}
