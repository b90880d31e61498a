//! What is known of an expression: which tables it reads, and whether each store computes it as home would.

use super::catalog::{Catalog, Column, RelationKind};
use super::functions::{self, Known};
use super::ident::called;
use super::refusal::Unfit;
use super::resolve::{Reference, Resolved};
pub(crate) use super::values::{FIRST_OWN, Kind, kind_of};
use super::values::{constant, type_kind};
use sqlparser::ast::{
    self, AccessExpr, BinaryOperator as Op, DataType, Expr, FunctionArg, FunctionArgExpr, FunctionArguments,
    Subscript,
};
use std::collections::BTreeSet;

/// What is known of an expression that a store can compute.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Traits {
    /// The uses that it reads columns of.
    pub(crate) tables: BTreeSet<usize>,
    /// Whether its value depends on the default collation: orders of text, case, patterns.
    pub(crate) collates: bool,
    /// Whether it may raise an error for some rows.
    pub(crate) can_fail: bool,
    /// What its value is.
    pub(crate) is: Kind,
}

/// Examines expressions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Examiner<'a> {
    pub(crate) catalog: &'a Catalog,
    pub(crate) resolved: &'a Resolved,
}

pub(super) type Examined = Result<Traits, Unfit>;

pub(super) fn not_pushed(what: &str) -> Unfit {
    Unfit::not_here(format!("{what} is not left to the stores"))
}

impl<'a> Examiner<'a> {
    /// What is known of an expression without aggregates and window functions.
    ///
    /// # Errors
    ///
    /// [`Unfit::NotAtThisTier`] where it is not known that each store computes it as home would.
    pub(crate) fn examine(&self, expr: &Expr) -> Examined {
        match expr {
            Expr::Identifier(_) | Expr::CompoundIdentifier(_) => self.name(expr),
            Expr::Value(value) => constant(&value.value),
            Expr::TypedString(typed) => self.typed(typed),
            Expr::Nested(inner) => self.examine(inner),
            Expr::BinaryOp { left, op, right } => self.binary(left, op, right),
            Expr::UnaryOp { op, expr } => self.unary(op, expr),
            Expr::IsNull(inner)
            | Expr::IsNotNull(inner)
            | Expr::IsTrue(inner)
            | Expr::IsNotTrue(inner)
            | Expr::IsFalse(inner)
            | Expr::IsNotFalse(inner)
            | Expr::IsUnknown(inner)
            | Expr::IsNotUnknown(inner) => self.all([inner.as_ref()], Kind::Plain),
            Expr::IsDistinctFrom(left, right) | Expr::IsNotDistinctFrom(left, right) => {
                self.all([left.as_ref(), right.as_ref()], Kind::Plain)
            }
            Expr::InList { expr, list, .. } => self.all(list.iter().chain([expr.as_ref()]), Kind::Plain),
            Expr::Between { expr, low, high, .. } => {
                self.ordered([expr.as_ref(), low.as_ref(), high.as_ref()])
            }
            Expr::Like { expr, pattern, escape_char: None, any: false, .. } => {
                self.like(expr, pattern, false)
            }
            Expr::ILike { expr, pattern, escape_char: None, any: false, .. } => {
                self.like(expr, pattern, true)
            }
            Expr::AnyOp { left, compare_op, right, .. } | Expr::AllOp { left, compare_op, right } => {
                self.binary(left, compare_op, right)
            }
            Expr::Array(array) => self.all(&array.elem, Kind::Unknown),
            Expr::Tuple(parts) => self.all(parts, Kind::Unknown),
            Expr::Interval(interval) => self.all([interval.value.as_ref()], Kind::Plain),
            _ => self.call(expr),
        }
    }

    /// What reads like a call.
    fn call(&self, expr: &Expr) -> Examined {
        match expr {
            Expr::Cast { expr, data_type, format: None, .. } => self.cast(expr, data_type),
            Expr::Collate { expr, collation } => {
                let known = called(collation)
                    .is_some_and(|name| matches!(name.name.as_str(), "C" | "POSIX" | "ucs_basic"));
                if !known {
                    return Err(not_pushed("this COLLATE"));
                }
                Ok(Traits { is: Kind::Plain, ..self.examine(expr)? })
            }
            Expr::AtTimeZone { timestamp, time_zone } => {
                self.failing([timestamp.as_ref(), time_zone.as_ref()], Kind::Plain)
            }
            Expr::Extract { expr, .. } => self.failing([expr.as_ref()], Kind::Plain),
            Expr::Ceil { expr, .. } | Expr::Floor { expr, .. } => self.failing([expr.as_ref()], Kind::Plain),
            Expr::Position { expr, r#in } => self.all([expr.as_ref(), r#in.as_ref()], Kind::Plain),
            Expr::Substring { expr, substring_from, substring_for, .. } => {
                let parts = [Some(expr), substring_from.as_ref(), substring_for.as_ref()];
                self.failing(parts.into_iter().flatten().map(AsRef::as_ref), Kind::Text)
            }
            Expr::Trim { expr, trim_what, trim_characters: None, .. } => {
                let parts = [Some(expr), trim_what.as_ref()];
                self.all(parts.into_iter().flatten().map(AsRef::as_ref), Kind::Text)
            }
            Expr::Case { operand, conditions, else_result, .. } => {
                let parts = conditions.iter().flat_map(|when| [&when.condition, &when.result]);
                let others = operand.iter().chain(else_result.iter()).map(AsRef::as_ref);
                self.all(parts.chain(others), Kind::Unknown)
            }
            Expr::CompoundFieldAccess { root, access_chain } => self.subscripts(root, access_chain),
            Expr::Function(function) => self.function(function),
            _ => Err(not_pushed("an expression")),
        }
    }

    /// All of these; the value is of the kind `is`.
    pub(super) fn all<'e>(&self, parts: impl IntoIterator<Item = &'e Expr>, is: Kind) -> Examined {
        let mut traits = Traits { is, ..Traits::default() };
        for part in parts {
            let part = self.examine(part)?;
            traits.tables.extend(part.tables);
            traits.collates |= part.collates;
            traits.can_fail |= part.can_fail;
        }
        Ok(traits)
    }

    pub(super) fn failing<'e>(&self, parts: impl IntoIterator<Item = &'e Expr>, is: Kind) -> Examined {
        Ok(Traits { can_fail: true, ..self.all(parts, is)? })
    }

    /// All of these, compared by order.
    pub(super) fn ordered<'e>(&self, parts: impl IntoIterator<Item = &'e Expr>) -> Examined {
        let parts: Vec<&Expr> = parts.into_iter().collect();
        let mut collates = true;
        for part in &parts {
            match self.examine(part)?.is {
                Kind::Plain => collates = false,
                Kind::Text => {
                    collates = true;
                    break;
                }
                Kind::Open | Kind::Unknown => {}
            }
        }
        let all = self.all(parts, Kind::Plain)?;
        Ok(Traits { collates: all.collates || collates, ..all })
    }

    fn name(&self, expr: &Expr) -> Examined {
        match self.resolved.reference(expr) {
            Some(Reference::Column { table, column }) => {
                let found =
                    self.column(*table, *column).ok_or_else(|| not_pushed("a column of home's own"))?;
                let is =
                    kind_of(&found.kind).ok_or_else(|| not_pushed("a type of an extension or service"))?;
                Ok(Traits { tables: BTreeSet::from([*table]), is, ..Traits::default() })
            }
            Some(Reference::Store(table)) => {
                Ok(Traits { tables: BTreeSet::from([*table]), is: Kind::Text, ..Traits::default() })
            }
            _ => Err(not_pushed("a name that is no column of a table")),
        }
    }

    /// A column of a table that is gathered from the stores.
    pub(crate) fn column(&self, table: usize, column: usize) -> Option<&'a Column> {
        let relation = self.catalog.relations.get(self.resolved.uses.get(table)?.relation?)?;
        (relation.kind == RelationKind::Table).then_some(relation.columns.get(column))?
    }

    fn typed(&self, typed: &ast::TypedString) -> Examined {
        let mut traits = constant(&typed.value.value)?;
        traits.is = type_kind(&typed.data_type).ok_or_else(|| not_pushed("a constant of this type"))?;
        Ok(traits)
    }

    fn cast(&self, inner: &Expr, to: &DataType) -> Examined {
        let is = type_kind(to).ok_or_else(|| not_pushed("a cast to this type"))?;
        let all = self.all([inner], is)?;
        let constant = matches!(inner, Expr::Value(_));
        let text = matches!(to, DataType::Text | DataType::Varchar(None) | DataType::CharacterVarying(None));
        Ok(Traits { can_fail: all.can_fail || !(constant || text), ..all })
    }

    fn subscripts(&self, root: &Expr, chain: &[AccessExpr]) -> Examined {
        let mut parts = vec![root];
        for access in chain {
            match access {
                AccessExpr::Subscript(Subscript::Index { index }) => parts.push(index),
                AccessExpr::Subscript(Subscript::Slice { lower_bound, upper_bound, stride: None }) => {
                    parts.extend(lower_bound.iter().chain(upper_bound));
                }
                _ => return Err(not_pushed("a field of a row")),
            }
        }
        self.all(parts, Kind::Unknown)
    }

    fn function(&self, function: &ast::Function) -> Examined {
        let plain = function.filter.is_none()
            && function.over.is_none()
            && function.null_treatment.is_none()
            && function.within_group.is_empty()
            && matches!(function.parameters, FunctionArguments::None)
            && !function.uses_odbc_syntax;
        let args =
            arguments(&function.args).filter(|_| plain).ok_or_else(|| not_pushed("a call of this form"))?;
        let name = called(&function.name).ok_or_else(|| not_pushed("a call of this form"))?;
        if let (true, [_, pattern]) = (functions::has_pattern(&name.name), args.as_slice()) {
            match pattern {
                Expr::Value(value) if functions::is_plain_pattern(&value.value) => {}
                _ => return Err(not_pushed("a pattern that may depend on the locale")),
            }
        }
        match functions::known(&name, args.len(), self.catalog) {
            Some(Known::Compares) => {
                let all = self.ordered(args.iter().copied())?;
                Ok(Traits { is: Kind::Unknown, ..all })
            }
            Some(Known::Chooses) => self.all(args, Kind::Unknown),
            Some(Known::Moment(is)) => Ok(Traits { is, ..Traits::default() }),
            Some(Known::Computes { collates, can_fail, is }) => {
                let all = self.all(args, is)?;
                Ok(Traits { collates: all.collates || collates, can_fail: all.can_fail || can_fail, ..all })
            }
            None => Err(not_pushed(&format!("the function {}", name.name))),
        }
    }
}

/// The arguments of a plain call; `None` if there is anything but expressions.
pub(crate) fn arguments(args: &FunctionArguments) -> Option<Vec<&Expr>> {
    match args {
        FunctionArguments::None => Some(Vec::new()),
        FunctionArguments::Subquery(_) => None,
        FunctionArguments::List(list) => {
            if list.duplicate_treatment.is_some() || !list.clauses.is_empty() {
                return None;
            }
            list.args
                .iter()
                .map(|arg| match arg {
                    FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr),
                    _ => None,
                })
                .collect()
        }
    }
}

/// The parts of a condition that must all be true.
pub(crate) fn conjuncts(condition: &Expr) -> Vec<&Expr> {
    let mut parts = Vec::new();
    let mut left = vec![condition];
    while let Some(expr) = left.pop() {
        match expr {
            Expr::BinaryOp { left: first, op: Op::And, right } => {
                left.extend([right.as_ref(), first.as_ref()]);
            }
            Expr::Nested(inner) if matches!(**inner, Expr::BinaryOp { op: Op::And, .. }) => left.push(inner),
            other => parts.push(other),
        }
    }
    parts
}
