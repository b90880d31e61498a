//! Texts that the parser does not know, by the names in them: home runs them over whole tables.
//!
//! Nothing is known of such a text but its words. Every word that could be the name of a table is looked up, and
//! whatever is a table is gathered, all of it: one too many costs rows, and none is read that is not there. What
//! no tier may run has words of its own, and every word that could be the name of a function is one for this.

use super::alone;
use super::catalog::{Called, Catalog, Lookup, Relation, RelationKind};
use super::forbidden;
use super::gather;
use super::ident::{self, quoted};
use super::plan::Tier;
use super::query::{Made, Shape, Wishes};
use super::read;
use super::refusal::{Refusal, Unfit};
use super::room;
use super::source;
use super::tables::{self, Gathered};
use super::words;
use crate::{Token, TokenKind};
use std::collections::HashSet;
use std::ops::Range;

/// Most different names in a text of which only the names are known.
const MAX_NAMES: usize = 2_000;

/// The names to look up on home for a text that was not understood because of `why`.
///
/// # Errors
///
/// What no tier may run, and `why` where names alone are not enough.
pub(crate) fn lookup(text: &str, why: &Refusal) -> Result<Lookup, Refusal> {
    let names = Names::of(text);
    names.check()?;
    let mut lookup = Lookup {
        relations: names.relations().map(|(_, called)| called).collect(),
        functions: names.functions(),
    };
    for names in [&mut lookup.relations, &mut lookup.functions] {
        names.sort();
        names.dedup();
    }
    let many = lookup.relations.len() + lookup.functions.len() > MAX_NAMES;
    if many || tables::mentions_store(text) { Err(why.clone()) } else { Ok(lookup) }
}

/// The names in the views of the catalog of which nothing is known.
pub(crate) fn missing(catalog: &Catalog) -> Result<Lookup, Refusal> {
    let mut missing = Lookup::default();
    for view in catalog.relations.iter().filter_map(definition) {
        let inner = lookup(&view, &Refusal::unread("a view"))?;
        let known = |called: &Called| catalog.relations.iter().any(|one| one.called == *called);
        missing.relations.extend(inner.relations.into_iter().filter(|called| !known(called)));
        let known = |called: &Called| catalog.functions.iter().any(|one| one.called == *called);
        missing.functions.extend(inner.functions.into_iter().filter(|called| !known(called)));
    }
    Ok(missing)
}

/// How such a text is answered at a tier.
pub(crate) fn shape(
    text: &str,
    why: &Refusal,
    catalog: &Catalog,
    tier: Tier,
    wishes: &Wishes,
) -> Result<Shape, Unfit> {
    lookup(text, why)?;
    let mut reach = Reach { catalog, why, relations: Vec::new(), views: Vec::new() };
    let sql = reach.text(text, 0)?;
    let Reach { relations, views, .. } = reach;
    let tables = relations.into_iter().filter(|relation| relation.kind == RelationKind::Table);
    let tables: Vec<Gathered<'_>> = tables.map(Gathered::whole).collect();
    let whole = gather::Whole { text, sql, tables, views, rows: has_rows(text, catalog) };
    let made = if whole.tables.is_empty() {
        Made::Alone(Box::new(alone::of(text, tier)))
    } else if tier == Tier::Gather {
        Made::Gather(Box::new(gather::whole(&whole, catalog, wishes)?))
    } else {
        return Err(Unfit::not_here(why.message.clone()));
    };
    Ok(Shape { made, depth: room::NONE })
}

/// What a text reads, directly and by views.
struct Reach<'a> {
    catalog: &'a Catalog,
    why: &'a Refusal,
    relations: Vec<&'a Relation>,
    /// Statements that make views over temporary tables, those within others first.
    views: Vec<String>,
}

impl Reach<'_> {
    /// The text with temporary tables and views in place of what it names, `depth` views deep.
    fn text(&mut self, text: &str, depth: usize) -> Result<String, Refusal> {
        let names = Names::of(text);
        for called in names.functions() {
            forbidden::function(&called, Some(self.catalog))?;
        }
        let mut edits = Vec::new();
        for (called, relation) in found(&names, self.catalog) {
            match relation.kind {
                RelationKind::Catalog => continue,
                RelationKind::Other => return Err(alone::neither(relation)),
                RelationKind::Table | RelationKind::View(_) => {}
            }
            edits.extend(names.schemas(&called).map(|schema| (schema, "pg_temp".to_owned())));
            self.relation(relation, depth)?;
        }
        edits.dedup();
        Ok(source::edited(text, &mut edits))
    }
}

impl<'a> Reach<'a> {
    fn relation(&mut self, relation: &'a Relation, depth: usize) -> Result<(), Refusal> {
        let twin = self.relations.iter().find(|one| one.called.name == relation.called.name);
        match twin {
            Some(twin) if twin.schema == relation.schema => return Ok(()),
            // On home they would go by one name.
            Some(_) => return Err(self.why.clone()),
            None => self.relations.push(relation),
        }
        let Some(definition) = definition(relation) else { return Ok(()) };
        if depth == MAX_VIEWS {
            return Err(self.why.clone());
        }
        Names::of(&definition).check()?;
        let inner = self.text(&definition, depth + 1)?;
        self.views.push(format!("CREATE TEMPORARY VIEW {} AS {inner}", quoted(&relation.called.name)));
        Ok(())
    }
}

/// Views within views that are followed.
const MAX_VIEWS: usize = 8;

/// The query of a view.
fn definition(relation: &Relation) -> Option<String> {
    match &relation.kind {
        RelationKind::View(definition) => Some(definition.trim().trim_end_matches(';').to_owned()),
        _ => None,
    }
}

/// The names in a text that stand for a relation of the catalog, each once.
fn found<'a>(names: &Names<'_>, catalog: &'a Catalog) -> Vec<(Called, &'a Relation)> {
    let mut found: Vec<(Called, &Relation)> = Vec::new();
    for (_, called) in names.relations() {
        let relation = catalog.relations.iter().find(|relation| relation.called == called);
        if let Some(relation) = relation.filter(|_| !found.iter().any(|(known, _)| *known == called)) {
            found.push((called, relation));
        }
    }
    found
}

/// Whether a whole row of a table may be a value in a text: a table's name, or what follows it, is in another place.
fn has_rows(text: &str, catalog: &Catalog) -> bool {
    let names = Names::of(text);
    let mut places = HashSet::new();
    let mut qualifiers = HashSet::new();
    for (at, called) in names.relations() {
        if !catalog.relations.iter().any(|relation| relation.called == called) {
            continue;
        }
        let last = if called.schema.is_some() { at + 2 } else { at };
        let alias = if names.is(Some(last + 1), "as") { last + 2 } else { last + 1 };
        qualifiers.extend(names.name(Some(alias)));
        qualifiers.insert(called.name);
        places.extend([last, alias]);
    }
    names.words().any(|(at, name)| {
        let qualifies = names.is_symbol(Some(at + 1), ".") && !names.is_symbol(Some(at + 2), "*");
        qualifiers.contains(&name) && !places.contains(&at) && !qualifies
    })
}

/// The words of a text.
struct Names<'t> {
    text: &'t str,
    tokens: Vec<Token>,
}

impl<'t> Names<'t> {
    fn of(text: &'t str) -> Self {
        Self { text, tokens: read::tokens(text) }
    }

    fn is(&self, at: Option<usize>, word: &str) -> bool {
        self.token(at).is_some_and(|token| words::is(self.text, token, word))
    }

    fn is_symbol(&self, at: Option<usize>, symbol: &str) -> bool {
        self.token(at).is_some_and(|token| &self.text[token.range()] == symbol)
    }

    fn token(&self, at: Option<usize>) -> Option<&Token> {
        self.tokens.get(at?)
    }

    fn name(&self, at: Option<usize>) -> Option<String> {
        ident::of_token(self.text, self.token(at)?)
    }

    /// Places of words, and the words.
    fn words(&self) -> impl Iterator<Item = (usize, String)> {
        (0..self.tokens.len()).filter_map(|at| Some((at, self.name(Some(at))?)))
    }

    /// What may be the name of a table: behind FROM, JOIN, TABLE, a comma or an opening parenthesis.
    fn relations(&self) -> impl Iterator<Item = (usize, Called)> {
        self.words().filter_map(|(at, name)| {
            let before = at.checked_sub(1);
            let begins = ["from", "join", "table"].iter().any(|word| self.is(before, word))
                || [",", "("].iter().any(|symbol| self.is_symbol(before, symbol));
            let next = Some(at + 1);
            if !begins || self.is_symbol(next, "(") {
                return None;
            }
            if self.is_symbol(next, ".") {
                let inner = self.name(Some(at + 2))?;
                return Some((at, Called { schema: Some(name), name: inner }));
            }
            Some((at, Called { schema: None, name }))
        })
    }

    /// Where the schema of a name with one is written, in FROM and before its columns.
    fn schemas(&self, called: &Called) -> impl Iterator<Item = Range<usize>> {
        self.words().filter_map(|(at, name)| {
            let same = called.schema.as_ref() == Some(&name)
                && self.is_symbol(Some(at + 1), ".")
                && self.name(Some(at + 2)).as_ref() == Some(&called.name);
            self.token(Some(at)).filter(|_| same).map(Token::range)
        })
    }

    /// What may be the name of a function: before an opening parenthesis, or behind a dot, as in `(row).name`.
    fn functions(&self) -> Vec<Called> {
        let mut functions = Vec::new();
        for (at, name) in self.words() {
            let dot = at.checked_sub(1).filter(|dot| self.is_symbol(Some(*dot), "."));
            let schema = dot.and_then(|dot| self.name(dot.checked_sub(1)));
            if dot.is_some() || self.is_symbol(Some(at + 1), "(") {
                functions.push(Called { schema: None, name: name.clone() });
            }
            if schema.is_some() {
                functions.push(Called { schema, name });
            }
        }
        functions
    }

    /// What no tier may run, by its words.
    fn check(&self) -> Result<(), Refusal> {
        for (at, name) in self.words() {
            let (before, at, next) = (at.checked_sub(1), Some(at), Some(at + 1));
            forbidden::bare(&name)?;
            if self.token(at).is_none_or(|token| token.kind != TokenKind::Word) {
                continue;
            }
            match name.as_str() {
                "for" if ["update", "share", "no", "key"].iter().any(|word| self.is(next, word)) => {
                    return Err(forbidden::locks());
                }
                "tablesample" => return Err(forbidden::sample()),
                "into" => return Err(forbidden::into()),
                "delete" if self.is(next, "from") => return Err(forbidden::write()),
                "update" if [")", "("].iter().any(|symbol| self.is_symbol(before, symbol)) => {
                    return Err(forbidden::write());
                }
                "only" if !self.is(before, "row") && !self.is(before, "rows") => {
                    return Err(Refusal::unread("ONLY beside what is not understood"));
                }
                _ => {}
            }
        }
        Ok(())
    }
}
