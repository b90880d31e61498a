//! A query that the gate has read as a tree: what every tier plans from.

use super::catalog::{Catalog, Lookup};
use super::home;
use super::plan::Tier;
use super::query::{Form, Made, Shape, Wishes};
use super::read::{self, Tree};
use super::refusal::{Refusal, Unfit};
use super::resolve::Resolved;
use super::source::Source;
use super::{alone, combine, gather, room, stream, tables, views};
use sqlparser::ast;

/// A tree, and the text that it was read from.
#[derive(Debug)]
pub(crate) struct Parsed {
    form: Form,
    own: String,
    source: Source,
    only: Vec<usize>,
    tree: Box<ast::Query>,
    partial: bool,
    /// Whether whole rows of views are values, whose text is in place of them.
    rows: bool,
}

impl Parsed {
    /// The tree of `own`, and the names in it to look up.
    ///
    /// # Errors
    ///
    /// What no tier may run, and what is not understood ([`field@Refusal::unread`]).
    pub(crate) fn of(form: &Form, own: &str) -> Result<(Self, Lookup), Refusal> {
        let Tree { plain, only, tree, partial } = read::tree(own)?;
        let lookup = Resolved::of(&tree, None)?.lookup;
        let (form, own) = (form.clone(), own.to_owned());
        Ok((Self { form, own, source: Source::new(plain), only, tree, partial, rows: false }, lookup))
    }

    pub(crate) fn form(&self) -> &Form {
        &self.form
    }

    /// The query's own text, as the client wrote it.
    pub(crate) fn text(&self) -> &str {
        &self.own
    }

    /// The tree of [`Parsed::source`].
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

    /// Whether whole rows of views are values.
    pub(crate) fn has_rows(&self) -> bool {
        self.rows
    }

    /// Names in the definitions of views that home has to be asked about.
    pub(crate) fn missing(&self, catalog: &Catalog) -> Result<Lookup, Refusal> {
        views::missing(&Resolved::of(&self.tree, Some(catalog))?, catalog)
    }

    /// The text on which home judges validity.
    pub(crate) fn described(&self, catalog: &Catalog) -> Result<String, Refusal> {
        if !tables::mentions_store(self.source.text()) {
            return Ok(self.own.clone());
        }
        home::described(self, catalog, &Resolved::of(&self.tree, Some(catalog))?)
    }

    /// How the query is answered at a tier.
    pub(crate) fn shape(&self, catalog: &Catalog, tier: Tier, wishes: &Wishes) -> Result<Shape, Unfit> {
        match views::expanded(self.source.text(), &self.tree, catalog)? {
            Some(_) if !self.only.is_empty() => Err(Unfit::Refused(Refusal::unsupported(
                "ONLY is not supported beside a view",
                "Leave ONLY out, or write the view's query itself.",
            ))),
            Some(views::Expanded { source, tree, partial, rows }) => {
                let (form, own) = (self.form.clone(), self.own.clone());
                Self { form, own, source, only: Vec::new(), tree, partial, rows }
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
}
