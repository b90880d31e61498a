//! One statement of a client, from its text to its plan.

use super::catalog::{Catalog, Lookup, Type};
use super::explain::Shown;
use super::plan::{Plan, Tier};
use super::read::{self, Read};
use super::refusal::{Refusal, Unfit};
use super::resolve::Resolved;
use super::source::Source;
use super::{alone, combine, gather, home, room, stream, tables, views, words};
use sqlparser::ast;

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
}

/// A statement that has been read.
#[derive(Debug)]
pub struct Query {
    form: Form,
    own: String,
    source: Source,
    only: Vec<usize>,
    tree: Box<ast::Query>,
    partial: bool,
    lookup: Lookup,
}

/// How a statement is to be answered, before home has said of which types its parts are.
#[derive(Debug)]
pub struct Shape {
    made: Made,
    depth: usize,
}

#[derive(Debug)]
enum Made {
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
        let Read { form, own, plain, only, tree, partial } = read::read(text)?;
        let lookup = Resolved::of(&tree, None)?.lookup;
        Ok(Self { form, own, source: Source::new(plain), only, tree, partial, lookup })
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
        views::missing(&Resolved::of(&self.tree, Some(catalog))?, catalog)
    }

    /// The text on which home judges validity, and which tells the columns of the result: the client's own,
    /// but where it names [`super::STORE`], which home's tables do not have.
    ///
    /// # Errors
    ///
    /// As [`Query::shape`].
    pub fn described(&self, catalog: &Catalog) -> Result<String, Refusal> {
        if !tables::mentions_store(self.source.text()) {
            return Ok(self.own.clone());
        }
        home::described(self, catalog, &Resolved::of(&self.tree, Some(catalog))?)
    }

    /// How the statement is answered at a tier.
    ///
    /// # Errors
    ///
    /// [`Unfit::Refused`] if no tier may answer it, [`Unfit::NotAtThisTier`] if another might.
    pub fn shape(&self, catalog: &Catalog, tier: Tier, wishes: &Wishes) -> Result<Shape, Unfit> {
        match views::expanded(self.source.text(), &self.tree, catalog)? {
            Some(_) if !self.only.is_empty() => Err(Unfit::Refused(Refusal::unsupported(
                "ONLY is not supported beside a view",
                "Leave ONLY out, or write the view's query itself.",
            ))),
            Some(views::Expanded { source, tree, partial }) => {
                let (form, own, lookup) = (self.form.clone(), self.own.clone(), self.lookup.clone());
                Self { form, own, source, only: Vec::new(), tree, partial, lookup }
                    .shape_with_room(catalog, tier, wishes)
            }
            None => self.shape_with_room(catalog, tier, wishes),
        }
    }

    fn shape_with_room(&self, catalog: &Catalog, tier: Tier, wishes: &Wishes) -> Result<Shape, Unfit> {
        let depth = room::depth(self.source.text());
        let made = room::with(depth, || self.shape_of_tables(catalog, tier, wishes))??;
        Ok(Shape { made, depth })
    }

    fn shape_of_tables(&self, catalog: &Catalog, tier: Tier, wishes: &Wishes) -> Result<Made, Unfit> {
        let resolved = Resolved::of(&self.tree, Some(catalog))?;
        if let Some(plan) = alone::plan(self, catalog, &resolved, tier)? {
            return Ok(Made::Alone(Box::new(plan)));
        }
        if self.partial && tier != Tier::Gather {
            return Err(Unfit::not_here("there are words in it that only home understands"));
        }
        let wishes = &Wishes { bare: wishes.bare || self.partial, ..*wishes };
        Ok(match tier {
            Tier::Gather => Made::Gather(Box::new(gather::shape(self, catalog, &resolved, wishes)?)),
            Tier::Fold | Tier::Combine => {
                Made::Combine(Box::new(combine::shape(self, catalog, &resolved, tier, wishes)?))
            }
            Tier::Stream => Made::Stream(Box::new(stream::shape(self, catalog, &resolved, wishes)?)),
        })
    }

    /// The tree of [`Query::source`].
    pub(crate) fn tree(&self) -> &ast::Query {
        &self.tree
    }

    /// The text that the tree's spans are of.
    pub(crate) fn source(&self) -> &Source {
        &self.source
    }

    /// Whether the name that begins at this byte was said to be ONLY.
    pub(crate) fn is_only(&self, at: usize) -> bool {
        self.only.contains(&at)
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

    /// The plan, given what home said of the probe and of the client's text.
    ///
    /// # Errors
    ///
    /// [`Unfit`] where those types do not allow it at this tier.
    pub fn plan(&self, types: &Types) -> Result<Plan, Unfit> {
        room::with(self.depth, || match &self.made {
            Made::Alone(plan) => Ok((**plan).clone()),
            Made::Gather(shape) => Ok(shape.plan(types)),
            Made::Combine(shape) => shape.plan(types),
            Made::Stream(shape) => shape.plan(types),
        })?
    }
}
