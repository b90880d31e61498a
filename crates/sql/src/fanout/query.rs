//! One statement of a client, from its text to its plan.

use super::catalog::{Catalog, Lookup, Type};
use super::explain::Shown;
use super::parsed::Parsed;
use super::plan::{Plan, Tier};
use super::refusal::{Refusal, Unfit};
use super::{combine, gather, named, read, room, stream, words};

/// What is to become of the rows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    /// They go to the client as they are.
    Rows,
    /// They go to the client in COPY's format: `COPY (…) TO STDOUT …`.
    Copy {
        /// What is written after STDOUT.
        options: String,
    },
    /// There are none: the plan is shown.
    Explain(Shown),
}

/// Whether a text is a COPY of a table whose columns are not named: home knows which are copied.
#[must_use]
pub fn whole_copy(text: &str) -> Option<WholeCopy<'_>> {
    let (table, at) = words::copied_whole(text)?;
    Some(WholeCopy { text, table, at })
}

/// A COPY of a table whose columns are not named.
#[derive(Clone, Copy, Debug)]
pub struct WholeCopy<'a> {
    text: &'a str,
    /// The table's name as it is written.
    pub table: &'a str,
    at: usize,
}

impl WholeCopy<'_> {
    /// The same with these columns, as they are written in a list.
    #[must_use]
    pub fn with(&self, columns: &str) -> String {
        let (before, behind) = self.text.split_at(self.at);
        format!("{before} ({columns}){behind}")
    }
}

/// What a plan has to keep to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Wishes {
    /// Groups to which fewer stores contributed are not shown; 0 and 1 show all.
    pub floor: u32,
    /// Nothing is pushed to the stores that could raise an error or depends on a collation.
    pub bare: bool,
}

/// What home said of types.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Types {
    /// Of the columns of [`Shape::probe`]; none if there is no probe.
    pub columns: Vec<Type>,
    /// Of the client's parameters, as [`Query::described`] has them.
    pub parameters: Vec<Type>,
    /// Of the result's columns, as [`Query::described`] has them; none unless [`Shape::has_rows`].
    pub result: Vec<Type>,
}

/// A statement that has been read.
#[derive(Debug)]
pub struct Query {
    form: Form,
    own: String,
    reading: Reading,
    lookup: Lookup,
}

/// What is known of a query's text.
#[derive(Debug)]
enum Reading {
    /// All of it.
    Parsed(Box<Parsed>),
    /// The names in it, and why no more.
    Named(Refusal),
}

/// How a statement is to be answered, before home has said of which types its parts are.
#[derive(Debug)]
pub struct Shape {
    pub(super) made: Made,
    /// How deep the trees in it are, at most.
    pub(super) depth: usize,
}

#[derive(Debug)]
pub(super) enum Made {
    Alone(Box<Plan>),
    Gather(Box<gather::Shape>),
    Combine(Box<combine::Shape>),
    Stream(Box<stream::Shape>),
}

impl Query {
    /// Reads one statement.
    ///
    /// # Errors
    ///
    /// What is no query, what is too large (54001), what no tier may run, and what is not understood
    /// ([`field@Refusal::unread`]).
    pub fn read(text: &str) -> Result<Self, Refusal> {
        let (form, own) = read::query(text)?;
        let (reading, lookup) = match Parsed::of(&form, &own) {
            Ok((parsed, lookup)) => (Reading::Parsed(Box::new(parsed)), lookup),
            Err(why) if why.leaves_names() => {
                let lookup = named::lookup(&own, &why)?;
                (Reading::Named(why), lookup)
            }
            Err(refusal) => return Err(refusal),
        };
        Ok(Self { form, own, reading, lookup })
    }

    /// What is to become of the rows.
    #[must_use]
    pub fn form(&self) -> &Form {
        &self.form
    }

    /// The query's own text, without COPY or EXPLAIN around it; parameters keep their numbers.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.own
    }

    /// The names to look up on home.
    #[must_use]
    pub fn lookup(&self) -> Lookup {
        self.lookup.clone()
    }

    /// Names in the definitions of views that home has to be asked about, given what it has said so far. There
    /// may be more behind those: ask again while names come up that home has not been asked about.
    ///
    /// # Errors
    ///
    /// Where a definition cannot be read.
    pub fn missing(&self, catalog: &Catalog) -> Result<Lookup, Refusal> {
        match &self.reading {
            Reading::Parsed(parsed) => parsed.missing(catalog),
            Reading::Named(_) => named::missing(catalog),
        }
    }

    /// The text on which home judges validity, and which tells the columns of the result: the client's own,
    /// but where it names [`super::STORE`], which home's tables do not have.
    ///
    /// # Errors
    ///
    /// As [`Query::shape`].
    pub fn described(&self, catalog: &Catalog) -> Result<String, Refusal> {
        match &self.reading {
            Reading::Parsed(parsed) => parsed.described(catalog),
            Reading::Named(_) => Ok(self.own.clone()),
        }
    }

    /// How the statement is answered at a tier. Home has to judge it first: what home does not take has no plan.
    ///
    /// # Errors
    ///
    /// [`Unfit::Refused`] if no tier may answer it, [`Unfit::NotAtThisTier`] if another might.
    pub fn shape(&self, catalog: &Catalog, tier: Tier, wishes: &Wishes) -> Result<Shape, Unfit> {
        match &self.reading {
            Reading::Parsed(parsed) => match parsed.shape(catalog, tier, wishes) {
                Err(Unfit::Refused(why)) if why.leaves_names() => {
                    named::shape(&self.own, &why, catalog, tier, wishes)
                }
                shape => shape,
            },
            Reading::Named(why) => named::shape(&self.own, why, catalog, tier, wishes),
        }
    }
}

impl Shape {
    /// A SELECT that home only describes: the types of its columns are what [`Shape::plan`] needs. It numbers
    /// parameters as the client's text does, and is to be parsed with the types that home found for those there.
    #[must_use]
    pub fn probe(&self) -> Option<&str> {
        match &self.made {
            Made::Alone(_) | Made::Gather(_) => None,
            Made::Combine(shape) => shape.probe(),
            Made::Stream(shape) => shape.probe(),
        }
    }

    /// Whether whole rows of tables may be values in it, so that the plan depends on what is made of them.
    #[must_use]
    pub fn has_rows(&self) -> bool {
        match &self.made {
            Made::Gather(shape) => shape.has_rows(),
            Made::Alone(_) | Made::Combine(_) | Made::Stream(_) => false,
        }
    }

    /// The plan, given what home said of the probe and of the client's text.
    ///
    /// # Errors
    ///
    /// [`Unfit`] where those types do not allow it at this tier.
    pub fn plan(&self, types: &Types) -> Result<Plan, Unfit> {
        room::with(self.depth, || match &self.made {
            Made::Alone(plan) => Ok((**plan).clone()),
            Made::Gather(shape) => shape.plan(types),
            Made::Combine(shape) => shape.plan(types),
            Made::Stream(shape) => shape.plan(types),
        })?
    }
}
