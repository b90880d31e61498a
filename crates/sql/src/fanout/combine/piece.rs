//! The statement for the stores: its columns, what home calls them, and how the gate may add them up.

use super::super::catalog::Type;
use super::super::plan::{Adding, Fold, Meaning, Parameter, Piece};
use super::super::refusal::Unfit;
use super::Shape;
use super::aggregates::{self, Partial, Typed};
use super::canonical::{is_store, stripped};
use super::output::column;
use super::writer::{Reader, Writer};
use sqlparser::ast::Expr;

/// A partial that stores send.
#[derive(Debug)]
struct Sent {
    partial: Partial,
    /// Arguments, and FILTER as the last; to compare by.
    of: (Vec<Expr>, Option<Expr>),
    /// The same as they are written.
    written: (Vec<Expr>, Option<Expr>),
    kind: Type,
    /// What it holds, if that is a number of rows.
    meaning: Option<Meaning>,
}

/// The columns of a piece while they are collected.
#[derive(Debug)]
pub(crate) struct Columns<'s> {
    shape: &'s Shape,
    /// Types of keys and values.
    plain: &'s [Type],
    /// Whether the name of the store is one, after keys and values.
    store: bool,
    sent: Vec<Sent>,
}

/// A partial that is read from no argument.
pub(crate) const ROWS: Partial =
    Partial { sql: "count(*){f}", typed: Typed::Int8, adding: Some(Adding::Integer) };

impl<'s> Columns<'s> {
    pub(crate) fn new(shape: &'s Shape, plain: &'s [Type], store: bool) -> Self {
        Self { shape, plain, store, sent: Vec::new() }
    }

    /// The column that holds a partial, as home calls it.
    pub(crate) fn partial(
        &mut self,
        partial: Partial,
        args: &[Expr],
        filter: Option<&Expr>,
        probed: Option<&Type>,
    ) -> Result<String, Unfit> {
        let at = self.place(partial, args, filter, probed)?;
        Ok(column(self.leading() + at))
    }

    /// The column that holds how many rows are not filtered out, as many as which home makes anew.
    pub(crate) fn weight(&mut self, filter: Option<&Expr>) -> Result<String, Unfit> {
        let at = self.place(ROWS, &[], filter, None)?;
        if let Some(sent) = self.sent.get_mut(at) {
            sent.meaning = Some(Meaning::Weight);
        }
        Ok(column(self.leading() + at))
    }

    /// Where a partial is among those that are sent.
    fn place(
        &mut self,
        partial: Partial,
        args: &[Expr],
        filter: Option<&Expr>,
        probed: Option<&Type>,
    ) -> Result<usize, Unfit> {
        let of = (args.iter().map(stripped).collect(), filter.map(stripped));
        if let Some(known) = self.sent.iter().position(|sent| sent.partial == partial && sent.of == of) {
            return Ok(known);
        }
        let kind = match partial.typed {
            Typed::Int8 => int8(),
            Typed::Numeric => numeric(),
            Typed::Double => double(),
            Typed::AsProbed => {
                probed.cloned().ok_or_else(|| Unfit::not_here("a partial of no known type"))?
            }
        };
        let meaning = is_count(&partial).then_some(Meaning::Count);
        self.sent.push(Sent { partial, of, written: (args.to_vec(), filter.cloned()), kind, meaning });
        Ok(self.sent.len() - 1)
    }

    /// The column that holds a value.
    pub(crate) fn value(&self, at: usize) -> (String, Option<&'s Type>) {
        let at = self.shape.keys.exprs.len() + at;
        (column(at), self.plain.get(at))
    }

    /// The column that holds the name of the store.
    pub(crate) fn store(&self) -> String {
        column(self.plain.len())
    }

    /// Columns before the partials.
    fn leading(&self) -> usize {
        self.plain.len() + usize::from(self.store)
    }

    /// Types of all columns.
    pub(crate) fn types(&self) -> Vec<Type> {
        let mut types = self.plain.to_vec();
        types.extend(self.store.then(text));
        types.extend(self.sent.iter().map(|sent| sent.kind.clone()));
        types
    }

    /// Whether home has to know by which collations columns compare.
    pub(crate) fn collatable(&self) -> bool {
        self.plain.iter().chain(self.sent.iter().map(|sent| &sent.kind)).any(|kind| kind.collatable)
    }

    /// The SELECT, for a store or as home would have it.
    pub(crate) fn select(&self, writer: &mut Writer<'_>, reader: Reader) -> Result<String, Unfit> {
        let mut columns = Vec::new();
        for expr in self.shape.keys.exprs.iter().chain(&self.shape.values) {
            columns.push(writer.expr(expr)?);
        }
        if self.store {
            columns.push(match reader {
                Reader::Store => writer.parameter(Parameter::Store)?,
                Reader::Probe | Reader::Home => "NULL::text".to_owned(),
            });
        }
        for sent in &self.sent {
            columns.push(sent.text(writer)?);
        }
        let list = columns.iter().enumerate().map(|(at, text)| format!("{text} AS c{}", at + 1));
        let list = list.collect::<Vec<_>>().join(", ");
        let from = writer.from(&self.shape.from)?;
        let condition = self.shape.condition(writer)?;
        let keys = (1..=self.leading()).map(|at| at.to_string()).collect::<Vec<_>>().join(", ");
        let group_by =
            if self.shape.rows || keys.is_empty() { String::new() } else { format!(" GROUP BY {keys}") };
        Ok(format!("SELECT {list} FROM {from}{condition}{group_by}"))
    }

    /// The piece.
    pub(crate) fn piece(&self, parameters: &[Type]) -> Result<Piece, Unfit> {
        let mut writer = Writer::new(Reader::Store, &self.shape.tables, parameters);
        let sql = self.select(&mut writer, Reader::Store)?;
        Ok(Piece {
            sql,
            parameters: writer.into_parameters(),
            columns: self.types(),
            meanings: self.meanings(),
        })
    }

    /// What is known of columns beyond their types.
    fn meanings(&self) -> Vec<(usize, Meaning)> {
        let plain = self.shape.keys.exprs.iter().chain(&self.shape.values).enumerate();
        let stores = plain.filter(|(_, expr)| is_store(expr)).map(|(at, _)| at);
        let stores = stores.chain(self.store.then_some(self.plain.len())).map(|at| (at, Meaning::Store));
        let sent = self.sent.iter().enumerate();
        let counts = sent.filter_map(|(at, sent)| Some((self.leading() + at, sent.meaning?)));
        stores.chain(counts).collect()
    }

    /// How the gate may add rows up.
    pub(crate) fn fold(&self) -> Option<Fold> {
        if self.shape.rows {
            return None;
        }
        let columns = self.sent.iter().map(|sent| sent.partial.adding).collect::<Option<Vec<_>>>()?;
        Some(Fold { keys: self.leading(), columns })
    }

    /// Something to send, where nothing is needed but that rows are there.
    pub(crate) fn at_least_one(&mut self) -> Result<(), Unfit> {
        if self.leading() == 0 && self.sent.is_empty() {
            self.partial(ROWS, &[], None, None)?;
        }
        Ok(())
    }
}

impl Sent {
    fn text(&self, writer: &mut Writer<'_>) -> Result<String, Unfit> {
        let (args, filter) = &self.written;
        let args = args.iter().map(|arg| writer.expr(arg)).collect::<Result<Vec<_>, _>>()?;
        let filter = filter.as_ref().map(|filter| writer.expr(filter)).transpose()?;
        let filter = filter.map_or_else(String::new, |filter| format!(" FILTER (WHERE {filter})"));
        let x = args.last().map_or("*", String::as_str);
        let y = args.first().map_or("*", String::as_str);
        Ok(fill(self.partial.sql, &[("x", x), ("y", y), ("f", &filter)]))
    }
}

/// Whether a partial counts rows, and nothing but a count can come of it.
fn is_count(partial: &Partial) -> bool {
    *partial == ROWS || *partial == aggregates::COUNT || partial.sql.starts_with("regr_count(")
}

/// A template with its places filled; what is filled in is not looked at again.
pub(crate) fn fill(template: &str, places: &[(&str, &str)]) -> String {
    let mut out = String::with_capacity(template.len() + 32);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let (name, tail) = after.split_once('}').unwrap_or((after, ""));
        out.push_str(places.iter().find(|(place, _)| *place == name).map_or("", |(_, text)| text));
        rest = tail;
    }
    out.push_str(rest);
    out
}

fn of_postgres(oid: u32, name: &str, category: char) -> Type {
    Type { oid, name: name.to_owned(), array: Some(format!("{name}[]")), category, collatable: false }
}

fn int8() -> Type {
    of_postgres(20, "bigint", 'N')
}

fn numeric() -> Type {
    of_postgres(1700, "numeric", 'N')
}

fn double() -> Type {
    of_postgres(701, "double precision", 'N')
}

fn text() -> Type {
    Type { collatable: true, ..of_postgres(25, "text", 'S') }
}
