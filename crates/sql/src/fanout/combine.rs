//! Tiers T2 and T1: stores send partial aggregates, home combines them.

mod aggregates;
mod answer;
mod call;
pub(crate) mod canonical;
mod flatten;
mod floats;
mod groups;
pub(crate) mod inside;
pub(crate) mod joined;
mod output;
mod parts;
mod piece;
pub(crate) mod writer;

use super::catalog::{Catalog, Type};
use super::disclosed;
use super::parsed::Parsed;
use super::plan::{Discloses, Plan, TableNeeded, Tier};
use super::query::{Form, Types, Wishes};
use super::refusal::Unfit;
use super::resolve::Resolved;
use canonical::Names;
use groups::{Grouping, Keys};
use output::Output;
use parts::{Answer, Calls, Parting};
use sqlparser::ast::{self, Distinct, Expr, Select, SetExpr, TableWithJoins, Value};
use writer::{Reader, Table, Writer};

/// A query over partial aggregates, before the types of its parts are known.
#[derive(Debug)]
pub(crate) struct Shape {
    tier: Tier,
    floor: u32,
    discloses: Discloses,
    collates: bool,
    tables: Vec<Table>,
    needed: Vec<TableNeeded>,
    from: Vec<TableWithJoins>,
    selection: Option<Expr>,
    grouping: Grouping,
    keys: Keys,
    /// Values that stores send besides the keys.
    values: Vec<Expr>,
    /// Whether stores send a row for each row, and no partials.
    rows: bool,
    calls: Calls,
    answers: Vec<Answer>,
    /// Calls whose types the probe tells, with their argument.
    probed: Vec<(String, Expr)>,
    output: Output,
    probe: Option<String>,
}

/// How a query is combined.
pub(crate) fn shape(
    query: &Parsed,
    catalog: &Catalog,
    resolved: &Resolved,
    tier: Tier,
    wishes: &Wishes,
) -> Result<Shape, Unfit> {
    if wishes.bare {
        return Err(Unfit::not_here("nothing is left to the stores"));
    }
    let discloses = disclosed::by(query.tree(), catalog, resolved);
    let aim = Aim { tier, floor: wishes.floor, discloses };
    match flatten::flattened(query.tree(), catalog)? {
        None => over_tables(query, query.tree(), catalog, resolved, aim),
        Some(flat) => {
            // What is refused has been, in the query as it was written.
            let resolved = Resolved::of(&flat, Some(catalog));
            let resolved = resolved.map_err(|refusal| Unfit::not_here(refusal.message))?;
            over_tables(query, &flat, catalog, &resolved, aim)
        }
    }
}

/// What does not come from the query over tables.
#[derive(Clone, Copy, Debug)]
struct Aim {
    tier: Tier,
    floor: u32,
    discloses: Discloses,
}

/// How a query over tables is combined.
fn over_tables(
    query: &Parsed,
    tree: &ast::Query,
    catalog: &Catalog,
    resolved: &Resolved,
    aim: Aim,
) -> Result<Shape, Unfit> {
    let select = select(tree)?;
    let mut names = Names::of(query, catalog, resolved)?;
    let (from, mut collates) = names.canonical_from(&select.from)?;
    let selection = select.selection.as_ref().map(|condition| names.canonical(condition)).transpose()?;
    if let Some(selection) = &selection {
        collates |= names.examine(selection)?.collates;
    }
    inside::check(&from, selection.as_ref(), &names)?;

    let items = groups::items(&select.projection, &mut names)?;
    // Home's own copy has a heading, which is the client's only if every column's name is known.
    if matches!(query.form(), Form::Copy { .. }) && items.iter().any(|item| item.name.is_none()) {
        return Err(Unfit::not_here("a column of the result has no name"));
    }
    let mut keys = Keys::default();
    let mut grouping = groups::grouping(&select.group_by, &items, &mut names, &mut keys)?;
    let is_distinct = is_distinct(select)?;
    let mut output = Output::of(tree, select, items, &mut names)?;
    output.distinct = is_distinct;
    if grouping == Grouping::Whole && !output.is_grouped(catalog)? {
        if !is_distinct {
            return Err(Unfit::not_here("it is no aggregate"));
        }
        let all = output.items.iter().map(|item| keys.number(&item.expr)).collect();
        grouping = Grouping::By(vec![groups::Element::Keys(all)]);
    }
    let (output, calls) = output.grouped(&keys, catalog)?;
    for key in &keys.exprs {
        collates |= names.examine(key)?.collates;
    }
    let rows = calls.need_rows();
    let mut parting =
        Parting { names: &names, keys: &keys, rows, values: Keys::default(), probed: Vec::new(), collates };
    let answers = calls.calls.iter().map(|call| parting.answer(call)).collect::<Result<Vec<_>, _>>()?;
    let Parting { mut values, probed, collates, .. } = parting;
    if rows && keys.exprs.is_empty() && values.exprs.is_empty() {
        // Only that they are there.
        values.number(&Expr::value(Value::Boolean(true)));
    }
    let mut shape = Shape {
        tier: aim.tier,
        floor: aim.floor,
        discloses: aim.discloses,
        collates,
        tables: writer::tables(&names),
        needed: writer::needed(&names),
        from,
        selection,
        grouping,
        keys,
        values: values.exprs,
        rows,
        calls,
        answers,
        probed,
        output,
        probe: None,
    };
    shape.check_floor(&names)?;
    shape.probe = shape.write_probe()?;
    Ok(shape)
}

fn is_distinct(select: &Select) -> Result<bool, Unfit> {
    match &select.distinct {
        None | Some(Distinct::All) => Ok(false),
        Some(Distinct::Distinct) => Ok(true),
        Some(Distinct::On(_)) => Err(Unfit::not_here("DISTINCT ON")),
    }
}

/// The one SELECT of a query.
fn select(tree: &ast::Query) -> Result<&Select, Unfit> {
    if tree.with.is_some() {
        return Err(Unfit::not_here("a WITH query"));
    }
    let SetExpr::Select(select) = tree.body.as_ref() else {
        return Err(Unfit::not_here("it is not a single SELECT"));
    };
    if select.from.is_empty() {
        return Err(Unfit::not_here("it reads no table"));
    }
    if !select.named_window.is_empty() {
        return Err(Unfit::not_here("a WINDOW clause"));
    }
    Ok(select)
}

impl Shape {
    pub(crate) fn probe(&self) -> Option<&str> {
        self.probe.as_deref()
    }

    /// A group has to come from enough stores, and so does whatever is shown of it.
    fn check_floor(&self, names: &Names<'_>) -> Result<(), Unfit> {
        let of_calls = self.calls.calls.iter().flat_map(|call| call.args.iter().chain(&call.filter));
        if self.floor > 1 && of_calls.into_iter().any(|expr| canonical::reads_store(expr, names)) {
            return Err(Unfit::not_here("_store chooses rows of single stores within a group"));
        }
        Ok(())
    }

    /// Keys, values and calls as columns of one SELECT that groups nothing.
    fn write_probe(&self) -> Result<Option<String>, Unfit> {
        let mut writer = Writer::new(Reader::Probe, &self.tables, &[]);
        let mut columns = Vec::new();
        for expr in self.keys.exprs.iter().chain(&self.values) {
            columns.push(writer.expr(expr)?);
        }
        for (template, arg) in &self.probed {
            let arg = writer.expr(arg)?;
            columns.push(format!("{} OVER ()", piece::fill(template, &[("x", &arg)])));
        }
        if columns.is_empty() {
            return Ok(None);
        }
        let from = writer.from(&self.from)?;
        let condition = self.condition(&mut writer)?;
        Ok(Some(format!("SELECT {} FROM {from}{condition}", columns.join(", "))))
    }

    /// ` WHERE …`
    fn condition(&self, writer: &mut Writer<'_>) -> Result<String, Unfit> {
        match &self.selection {
            Some(selection) => Ok(format!(" WHERE {}", writer.expr(selection)?)),
            None => Ok(String::new()),
        }
    }

    /// The types of keys and values, and of the probed calls.
    fn split<'t>(&self, types: &'t Types) -> Result<(&'t [Type], &'t [Type]), Unfit> {
        let plain = self.keys.exprs.len() + self.values.len();
        if types.columns.len() != plain + self.probed.len() {
            return Err(Unfit::not_here("home has told other types than it was asked for"));
        }
        Ok(types.columns.split_at(plain))
    }

    pub(crate) fn plan(&self, types: &Types) -> Result<Plan, Unfit> {
        answer::plan(self, types)
    }
}
