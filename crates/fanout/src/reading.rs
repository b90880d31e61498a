//! A text on its way to being prepared: read by the planner, judged by home, its names looked up.

use crate::described::ColumnDescribed;
use crate::error;
use crate::facts::Learnt;
use crate::home::Home;
use crate::legs::Stores;
use crate::like::Like;
use crate::reply;
use model::partition::quote_literal;
use sql::fanout::{Catalog, Lookup, Query, RelationKind, STORE, WholeCopy, whole_copy};
use wire::Fields;
use wire::frame::{self, backend};

/// The columns that COPY of a whole table copies: not those that are computed from others.
const COPIED: &str = "SELECT pg_catalog.string_agg(pg_catalog.quote_ident(attname), ', ' ORDER BY attnum) \
     FROM pg_catalog.pg_attribute \
     WHERE attnum > 0 AND NOT attisdropped AND attgenerated = '' AND attrelid = pg_catalog.to_regclass(";

/// A name that is no column of anything.
const UNDEFINED_COLUMN: &str = "42703";

/// Deepest nesting of views in views that is followed.
const MAX_VIEWS_DEEP: usize = 32;

/// What home says of a text.
#[derive(Debug, Default)]
pub(crate) struct Judged {
    pub(crate) parameters: Vec<u32>,
    pub(crate) columns: Option<Vec<ColumnDescribed>>,
}

/// A text on its way to being prepared: what the planner reads in it.
pub(crate) enum Reading {
    /// A query.
    Query(Box<Query>),
    /// Home's alone to answer.
    Show,
}

impl Reading {
    /// Reads a text. What the planner cannot read, or may not answer, is put before home first: its error
    /// about the text is the better one.
    pub(crate) async fn of(home: &mut Home, text: &str, types: &[u32]) -> Result<Self, Box<Fields>> {
        if is_show(text) {
            return Ok(Self::Show);
        }
        let named = match whole_copy(text) {
            Some(copy) => home.with_columns(copy).await?,
            None => None,
        };
        match Query::read(named.as_deref().unwrap_or(text)) {
            Ok(query) => Ok(Self::Query(Box::new(query))),
            Err(refusal) => {
                if refusal.unread {
                    home.run("BEGIN READ ONLY").await?;
                    home.objects_to(text, types).await?;
                }
                Err(error::refused(&refusal))
            }
        }
    }

    /// The names to look up.
    pub(crate) fn lookup(&self) -> Lookup {
        match self {
            Self::Query(query) => query.lookup(),
            Self::Show => Lookup::default(),
        }
    }
}

/// `SHOW name`: the gate's own parameters never come here.
fn is_show(text: &str) -> bool {
    let word = text.trim_start().get(..5).unwrap_or_default();
    word.get(..4).is_some_and(|show| show.eq_ignore_ascii_case("show"))
        && word.ends_with(|behind: char| behind.is_ascii_whitespace())
}

impl Home {
    /// What home says of a text, without running it.
    pub(crate) async fn judge(&mut self, text: &str, types: &[u32]) -> Result<Judged, Box<Fields>> {
        self.until_quiet().await?;
        let out = self.out();
        frame::parse(out, "", text, types);
        frame::describe(out, frame::Kind::Statement, "");
        self.sync();
        let mut judged = Judged::default();
        self.until_ready(|tag, body| match tag {
            backend::PARAMETER_DESCRIPTION => {
                judged.parameters = reply::parameter_description(body).unwrap_or_default();
            }
            backend::ROW_DESCRIPTION => judged.columns = reply::row_description(body),
            _ => {}
        })
        .await?;
        Ok(judged)
    }

    /// A COPY of a whole table with the columns that Postgres would copy; none where there is no such table, which
    /// is told when the names are looked up.
    async fn with_columns(&mut self, copy: WholeCopy<'_>) -> Result<Option<String>, Box<Fields>> {
        self.query(&format!("{COPIED}{})", quote_literal(copy.table)));
        let mut columns = None;
        self.until_ready(|tag, body| {
            if tag == backend::DATA_ROW {
                let value = reply::values(body).and_then(|values| values.first().copied().flatten());
                columns = value.map(|list| copy.with(&String::from_utf8_lossy(list)));
            }
        })
        .await?;
        Ok(columns)
    }

    /// What home has to say against a text that is refused anyway, but for a `_store` that its tables do not have.
    async fn objects_to(&mut self, text: &str, types: &[u32]) -> Result<(), Box<Fields>> {
        match self.judge(text, types).await {
            Err(error) if error.code.as_str() == UNDEFINED_COLUMN && error.message.contains(STORE) => Ok(()),
            judged => judged.map(|_| ()),
        }
    }

    /// What home says of a text whose names it would not look up, if that is anything; otherwise `error`.
    pub(crate) async fn better(&mut self, error: Box<Fields>, text: &str, types: &[u32]) -> Box<Fields> {
        if !self.is_usable() || self.run("ROLLBACK").await.is_err() {
            return error;
        }
        self.judge(text, types).await.err().unwrap_or(error)
    }

    /// Begins the statement's transaction, and learns of home what its names stand for: those in its text,
    /// and those in the views that it uses.
    pub(crate) async fn learn(
        &mut self,
        reading: &Lookup,
        ahead: Option<&Like>,
        stores: &Stores,
    ) -> Result<Learnt, Box<Fields>> {
        let mut learnt = self.begin(reading, ahead, stores).await?;
        let catalog = &mut learnt.catalog;
        let mut fresh = 0;
        for _ in 0..MAX_VIEWS_DEEP {
            let behind = behind_views(catalog, fresh);
            fresh = catalog.relations.len();
            if behind.relations.is_empty() && behind.functions.is_empty() {
                break;
            }
            let more = self.look_up(&behind, stores).await?;
            catalog.relations.extend(more.relations);
            catalog.functions.extend(more.functions);
        }
        Ok(learnt)
    }
}

/// Names in the views from the `fresh`th relation on that have not been looked up.
fn behind_views(catalog: &Catalog, fresh: usize) -> Lookup {
    let mut behind = Lookup::default();
    for relation in catalog.relations.iter().skip(fresh) {
        let RelationKind::View(definition) = &relation.kind else { continue };
        // What cannot be read in it, the planner refuses when it comes to it.
        let Ok(query) = Query::read(definition) else { continue };
        let Lookup { relations, functions } = query.lookup();
        behind.relations.extend(relations);
        behind.functions.extend(functions);
    }
    behind.relations.retain(|name| !catalog.relations.iter().any(|known| known.called == *name));
    behind.functions.retain(|name| !catalog.functions.iter().any(|known| known.called == *name));
    for names in [&mut behind.relations, &mut behind.functions] {
        names.sort();
        names.dedup();
    }
    behind
}

/// Has home judge the text on which the planner wants it judged. Positions in its errors are the client's.
pub(crate) async fn judge(
    home: &mut Home,
    text: &str,
    types: &[u32],
    query: Option<&Query>,
    catalog: &Catalog,
) -> Result<Judged, Box<Fields>> {
    let Some(query) = query else { return home.judge(text, types).await };
    let own = query.text();
    let described = match query.described(catalog) {
        Ok(described) => described,
        Err(refusal) => {
            // What home has to say of the text itself is the better reason.
            home.objects_to(own, types).await.map_err(|error| placed(error, text, own))?;
            return Err(error::refused(&refusal));
        }
    };
    home.judge(&described, types).await.map_err(|mut error| {
        if described != own {
            error.position = None;
        }
        placed(error, text, own)
    })
}

/// An error about a part of a text, as one about the text.
fn placed(mut error: Box<Fields>, text: &str, part: &str) -> Box<Fields> {
    let before = text.find(part).and_then(|start| text.get(..start));
    let before = before.and_then(|before| u32::try_from(before.chars().count()).ok());
    // What is no part of it has no place in it.
    error.position = error.position.zip(before).and_then(|(position, before)| position.checked_add(before));
    error
}
