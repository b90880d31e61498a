//! What a query groups by: its keys, and the sets of them.

use super::super::columns;
use super::super::ident::folded;
use super::super::refusal::Unfit;
use super::canonical::{Names, bare, stripped};
use sqlparser::ast::{Expr, GroupByExpr, SelectItem, Value};

/// How rows are grouped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Grouping {
    /// All rows are one group, which is there even if no row is.
    Whole,
    /// By the elements of GROUP BY.
    By(Vec<Element>),
}

/// An element of GROUP BY; numbers are those of keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Element {
    /// `a`, `(a, b)` or `()`
    Keys(Vec<usize>),
    /// `GROUPING SETS (…)`
    Sets(Vec<Vec<usize>>),
    /// `ROLLUP (…)`
    Rollup(Vec<Vec<usize>>),
    /// `CUBE (…)`
    Cube(Vec<Vec<usize>>),
}

/// A column of the result.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    /// Canonical.
    pub(crate) expr: Expr,
    /// Its name; `None` where that is not known for sure.
    pub(crate) name: Option<String>,
}

/// The columns of the result.
pub(crate) fn items(projection: &[SelectItem], names: &mut Names<'_>) -> Result<Vec<Item>, Unfit> {
    let mut items = Vec::with_capacity(projection.len());
    for item in projection {
        let (expr, name) = match item {
            SelectItem::UnnamedExpr(expr) => (expr, columns::name(expr)),
            SelectItem::ExprWithAlias { expr, alias } => (expr, Some(folded(alias))),
            _ => return Err(Unfit::not_here("a * in the SELECT list")),
        };
        items.push(Item { expr: names.canonical(expr)?, name });
    }
    Ok(items)
}

/// The column of the result that a name in GROUP BY or ORDER BY, which is no column of a table, stands for.
pub(crate) fn output(name: &str, items: &[Item]) -> Result<Option<usize>, Unfit> {
    if let Some(at) = items.iter().position(|item| item.name.as_deref() == Some(name)) {
        return Ok(Some(at));
    }
    if items.iter().any(|item| item.name.is_none()) {
        return Err(Unfit::not_here(format!("it is not sure which column of the result {name} is")));
    }
    Ok(None)
}

/// Keys while they are collected.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    /// As they are written, canonical.
    pub(crate) exprs: Vec<Expr>,
    /// The same to compare by.
    stripped: Vec<Expr>,
}

impl Keys {
    /// The number of a key, which is added if it is new.
    pub(crate) fn number(&mut self, expr: &Expr) -> usize {
        let stripped = stripped(expr);
        if let Some(at) = self.stripped.iter().position(|one| *one == stripped) {
            return at;
        }
        self.exprs.push(expr.clone());
        self.stripped.push(stripped);
        self.exprs.len() - 1
    }

    /// The number of a key that is there.
    pub(crate) fn find(&self, expr: &Expr) -> Option<usize> {
        if self.stripped.is_empty() {
            return None;
        }
        let stripped = stripped(expr);
        self.stripped.iter().position(|one| *one == stripped)
    }
}

/// What is grouped by.
pub(crate) fn grouping(
    group_by: &GroupByExpr,
    items: &[Item],
    names: &mut Names<'_>,
    keys: &mut Keys,
) -> Result<Grouping, Unfit> {
    let GroupByExpr::Expressions(exprs, modifiers) = group_by else {
        return Err(Unfit::not_here("GROUP BY ALL"));
    };
    if !modifiers.is_empty() {
        return Err(Unfit::not_here("something after GROUP BY"));
    }
    if exprs.is_empty() {
        return Ok(Grouping::Whole);
    }
    let mut reader = Reader { items, names, keys };
    let elements = exprs.iter().map(|expr| reader.element(expr)).collect::<Result<Vec<_>, _>>()?;
    Ok(Grouping::By(elements))
}

struct Reader<'r, 'n> {
    items: &'r [Item],
    names: &'r mut Names<'n>,
    keys: &'r mut Keys,
}

impl Reader<'_, '_> {
    fn element(&mut self, expr: &Expr) -> Result<Element, Unfit> {
        Ok(match expr {
            Expr::GroupingSets(sets) => Element::Sets(self.sets(sets)?),
            Expr::Rollup(sets) => Element::Rollup(self.sets(sets)?),
            Expr::Cube(sets) => Element::Cube(self.sets(sets)?),
            Expr::Tuple(exprs) => Element::Keys(self.keys(exprs)?),
            expr => Element::Keys(vec![self.key(expr)?]),
        })
    }

    fn sets(&mut self, sets: &[Vec<Expr>]) -> Result<Vec<Vec<usize>>, Unfit> {
        sets.iter().map(|set| self.keys(set)).collect()
    }

    fn keys(&mut self, exprs: &[Expr]) -> Result<Vec<usize>, Unfit> {
        exprs.iter().map(|expr| self.key(expr)).collect()
    }

    /// A number is a column of the result; a name is a column of a table, or else one of the result.
    fn key(&mut self, expr: &Expr) -> Result<usize, Unfit> {
        let expr = bare(expr);
        match expr {
            Expr::Value(value) => {
                let at = match &value.value {
                    Value::Number(number, _) => number.parse::<usize>().ok(),
                    _ => None,
                };
                let item = at.and_then(|at| self.items.get(at.checked_sub(1)?));
                let item = item.ok_or_else(|| Unfit::not_here("a constant in GROUP BY"))?;
                return Ok(self.keys.number(&item.expr));
            }
            Expr::Identifier(ident) if self.names.canonical(expr).is_err() => {
                let at = output(&folded(ident), self.items)?;
                if let Some(item) = at.and_then(|at| self.items.get(at)) {
                    return Ok(self.keys.number(&item.expr));
                }
            }
            Expr::Function(function) if is_set(&function.name.to_string()) => {
                return Err(Unfit::not_here("grouping sets within grouping sets"));
            }
            _ => {}
        }
        let key = self.names.canonical(expr)?;
        Ok(self.keys.number(&key))
    }
}

fn is_set(name: &str) -> bool {
    ["rollup", "cube"].iter().any(|word| word.eq_ignore_ascii_case(name))
}

impl Grouping {
    /// As home has it, over columns that hold the keys.
    pub(crate) fn text(&self, column: &impl Fn(usize) -> String) -> String {
        let Self::By(elements) = self else { return String::new() };
        let list = |keys: &Vec<usize>| keys.iter().map(|key| column(*key)).collect::<Vec<_>>().join(", ");
        let sets = |sets: &[Vec<usize>]| {
            sets.iter().map(|set| format!("({})", list(set))).collect::<Vec<_>>().join(", ")
        };
        let texts = elements.iter().map(|element| match element {
            Element::Keys(keys) if keys.len() == 1 => list(keys),
            Element::Keys(keys) => format!("({})", list(keys)),
            Element::Sets(of) => format!("GROUPING SETS ({})", sets(of)),
            Element::Rollup(of) => format!("ROLLUP ({})", sets(of)),
            Element::Cube(of) => format!("CUBE ({})", sets(of)),
        });
        format!(" GROUP BY {}", texts.collect::<Vec<_>>().join(", "))
    }
}
