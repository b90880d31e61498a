//! The combining statement: what home makes of the partials.

use super::super::catalog::Type;
use super::super::plan::{Answered, Plan, Tier};
use super::super::query::Types;
use super::super::refusal::Unfit;
use super::Shape;
use super::aggregates;
use super::call::Call;
use super::output;
use super::parts::{self, Answer, Part};
use super::piece::Columns;
use super::writer::{Reader, Writer, verbatim};
use sqlparser::ast::OrderByExpr;

/// The plan, once types are known.
pub(crate) fn plan(shape: &Shape, types: &Types) -> Result<Plan, Unfit> {
    let (plain, probed) = shape.split(types)?;
    check_types(shape, plain, probed)?;
    let mut columns = Columns::new(shape, plain, shape.floor > 1);
    let mut home = Writer::new(Reader::Home, &shape.tables, &types.parameters);
    let mut calls = Vec::with_capacity(shape.answers.len());
    for (call, answer) in shape.calls.calls.iter().zip(&shape.answers) {
        calls.push(text(call, answer, &mut columns, probed, &mut home)?);
    }
    let enough = match shape.floor {
        0 | 1 => None,
        // By names, which the gate knows: one store cannot stand for several.
        floor => Some(format!("count(DISTINCT {}) >= {floor}", columns.store())),
    };
    columns.at_least_one()?;
    let sql = statement(shape, &columns, &calls, enough, &mut home)?;
    let fold = columns.fold();
    if shape.tier == Tier::Fold && fold.is_none() {
        return Err(Unfit::not_here("the gate cannot add these partials up"));
    }
    Ok(Plan {
        tier: shape.tier,
        discloses: shape.discloses,
        collates: shape.collates || ordered_by_collation(shape, probed),
        tables: shape.needed.clone(),
        pieces: vec![columns.piece(&types.parameters)?],
        answered: Answered::Combined { sql, parameters: home.into_parameters(), fold },
    })
}

/// Types that travel as text and come back the same, and that stores can tell apart where they have to.
fn check_types(shape: &Shape, plain: &[Type], probed: &[Type]) -> Result<(), Unfit> {
    let all = plain.iter().chain(probed);
    if let Some(kind) = all.clone().find(|kind| matches!(kind.category, 'P' | 'X')) {
        return Err(Unfit::not_here(format!("values of type {} cannot be sent", kind.name)));
    }
    if let Some(kind) = all.clone().find(|kind| kind.name == "money") {
        return Err(Unfit::not_here(format!("the text of {} depends on the store's locale", kind.name)));
    }
    let values = plain.get(shape.keys.exprs.len()..).unwrap_or_default();
    match values.iter().find(|kind| !shape.rows && !can_be_grouped(kind)) {
        Some(kind) => {
            Err(Unfit::not_here(format!("it is not sure that values of type {} can be grouped", kind.name)))
        }
        None => Ok(()),
    }
}

fn can_be_grouped(kind: &Type) -> bool {
    match kind.category {
        'B' | 'D' | 'E' | 'I' | 'N' | 'R' | 'S' | 'T' | 'V' => true,
        _ => matches!(kind.name.as_str(), "uuid" | "bytea" | "jsonb" | "\"char\""),
    }
}

/// Whether stores choose the smallest or largest of values that compare by a collation.
fn ordered_by_collation(shape: &Shape, probed: &[Type]) -> bool {
    shape.calls.calls.iter().zip(&shape.answers).any(|(call, answer)| match answer {
        Answer::Partials(Some(at)) if matches!(call.name.as_str(), "min" | "max") => {
            probed.get(*at).is_some_and(|kind| kind.collatable)
        }
        _ => false,
    })
}

/// What stands for a call in the combining statement.
fn text(
    call: &Call,
    answer: &Answer,
    columns: &mut Columns<'_>,
    probed: &[Type],
    home: &mut Writer<'_>,
) -> Result<String, Unfit> {
    match answer {
        Answer::Partials(at) => {
            let kind = at.and_then(|at| probed.get(at));
            let unknown = || Unfit::not_here(format!("{} of this type", call.name));
            let partials = aggregates::partials(&call.name, kind).ok_or_else(unknown)?;
            let mut held = Vec::with_capacity(partials.len());
            for partial in partials {
                held.push(columns.partial(partial, &call.args, call.filter.as_ref(), kind)?);
            }
            aggregates::combined(&call.name, kind, &held).ok_or_else(unknown)
        }
        Answer::Values(over) => {
            let args =
                over.args.iter().map(|part| written(part, columns, home)).collect::<Result<Vec<_>, _>>()?;
            let filter = over.filter.as_ref().map(|part| written(part, columns, home)).transpose()?;
            let order = ordered(over, |part| written(part, columns, home))?;
            Ok(call.text(&args, filter.as_deref(), &order))
        }
        Answer::Weighted(over) => weighted(call, over, columns, home),
    }
}

fn written(part: &Part, columns: &Columns<'_>, home: &mut Writer<'_>) -> Result<String, Unfit> {
    match part {
        Part::Value(at) => Ok(columns.value(*at).0),
        Part::Row(parts) => {
            let parts =
                parts.iter().map(|part| written(part, columns, home)).collect::<Result<Vec<_>, _>>()?;
            Ok(format!("ROW({})", parts.join(", ")))
        }
        Part::Here(expr) => home.expr(expr),
    }
}

fn ordered(
    over: &parts::Over,
    mut write: impl FnMut(&Part) -> Result<String, Unfit>,
) -> Result<Vec<String>, Unfit> {
    over.order
        .iter()
        .map(|(part, key)| Ok(OrderByExpr { expr: verbatim(write(part)?), ..key.clone() }.to_string()))
        .collect()
}

/// The call over values as often as they are there, in a query of its own: what the rows of other values
/// and of partials are multiplied by does not touch the rest of the statement.
fn weighted(
    call: &Call,
    over: &parts::Over,
    columns: &mut Columns<'_>,
    home: &mut Writer<'_>,
) -> Result<String, Unfit> {
    let count = columns.weight(call.filter.as_ref())?;
    let args = over.args.iter().map(|part| written(part, columns, home)).collect::<Result<Vec<_>, _>>()?;
    let mut arrays = vec![format!("array_agg({count})")];
    let order = ordered(over, |part| match part {
        Part::Value(at) => {
            let (column, kind) = columns.value(*at);
            if kind.is_none_or(|kind| kind.array.is_none()) {
                return Err(Unfit::not_here("an ordered set of a type without arrays"));
            }
            arrays.push(format!("array_agg({column})"));
            Ok(format!("q.v{}", arrays.len() - 1))
        }
        Part::Row(_) => Err(Unfit::not_here("an ordered set of rows")),
        Part::Here(expr) => home.expr(expr),
    })?;
    let names = (1..arrays.len()).map(|at| format!(", v{at}")).collect::<String>();
    Ok(format!(
        "(SELECT {} FROM unnest({}) AS q(n{names}), generate_series(1, q.n))",
        call.text(&args, None, &order),
        arrays.join(", "),
    ))
}

/// The whole statement.
fn statement(
    shape: &Shape,
    columns: &Columns<'_>,
    calls: &[String],
    enough: Option<String>,
    home: &mut Writer<'_>,
) -> Result<String, Unfit> {
    let mut over = output::Over { writer: &mut *home, calls };
    let list = shape.output.list(&mut over)?;
    let having = shape.output.having(&mut over)?;
    let rest = shape.output.rest(&mut over)?;
    let group_by = shape.grouping.text(&output::column);
    let having = match (having, enough) {
        (Some(having), Some(enough)) => format!(" HAVING ({having}) AND {enough}"),
        (Some(one), None) | (None, Some(one)) => format!(" HAVING {one}"),
        (None, None) => String::new(),
    };
    let from = source(columns, home)?;
    Ok(format!("SELECT {list} FROM {from}{group_by}{having}{rest}"))
}

/// The partials of all stores as a table `p`.
///
/// Where columns compare by a collation, an empty SELECT over the tables themselves says which: text in an array
/// has forgotten it. Home's planner drops that part.
fn source(columns: &Columns<'_>, home: &mut Writer<'_>) -> Result<String, Unfit> {
    let types = columns.types();
    let names =
        |prefix: &str| (1..=types.len()).map(|at| format!("{prefix}c{at}")).collect::<Vec<_>>().join(", ");
    let own = columns.collatable().then(|| columns.select(home, Reader::Home)).transpose()?;
    let first = home.parameters() + 1;
    let arrays = types
        .iter()
        .enumerate()
        .map(|(at, kind)| format!("${}::{}", first + at, kind.array.as_deref().unwrap_or("text[]")));
    let arrays = arrays.collect::<Vec<_>>().join(", ");
    let unnest = format!("unnest({arrays})");
    if own.is_none() && types.iter().all(|kind| kind.array.is_some()) {
        return Ok(format!("{unnest} AS p({})", names("")));
    }
    let list = types.iter().enumerate().map(|(at, kind)| match kind.array {
        Some(_) => format!("u.c{}", at + 1),
        None => format!("u.c{}::{}", at + 1, kind.name),
    });
    let mut select =
        format!("SELECT {} FROM {unnest} AS u({})", list.collect::<Vec<_>>().join(", "), names(""));
    if let Some(own) = own {
        select = format!("SELECT * FROM ({own}) AS e WHERE false UNION ALL {select}");
    }
    Ok(format!("({select}) AS p({})", names("")))
}
