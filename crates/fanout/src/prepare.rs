//! From a text to its plan: read by the planner, judged by home, and remembered.

use crate::Asker;
use crate::described::{ColumnDescribed, Described};
use crate::error;
use crate::explain;
use crate::facts::Learnt;
use crate::home::Home;
use crate::legs::Stores;
use crate::like::Like;
use crate::reply;
use crate::settings::TierWish;
use model::partition::quote_literal;
use sql::fanout::{
    Answered, Catalog, Discloses, Form, Lookup, Plan, Query, RelationKind, STORE, Tier, Types, Unfit,
    WholeCopy, Wishes, whole_copy,
};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
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

/// A statement that home has judged, with what was known of home then.
#[derive(Debug)]
pub(crate) struct Prepared {
    /// The client's text.
    pub(crate) text: String,
    /// As the planner reads it; none for SHOW, which is home's alone.
    pub(crate) query: Option<Query>,
    /// What the names in it stand for.
    pub(crate) catalog: Catalog,
    /// Types of its parameters.
    pub(crate) parameters: Vec<u32>,
    /// Columns of what the client is told.
    pub(crate) columns: Option<Vec<ColumnDescribed>>,
    /// Columns of the query.
    pub(crate) result: Vec<ColumnDescribed>,
    plans: Mutex<HashMap<Aim, Result<Arc<Planned>, NoPlan>>>,
}

/// What a plan was made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Aim {
    tier: TierWish,
    may_stream: bool,
    wishes: Wishes,
}

/// A plan, and why it is none of a cheaper tier.
#[derive(Debug)]
pub(crate) struct Planned {
    pub(crate) plan: Arc<Plan>,
    /// Whether stores only send rows, and compute nothing.
    pub(crate) bare: bool,
    /// What stores have to be like.
    pub(crate) like: Like,
    /// Cheaper tiers, and why they do not fit.
    pub(crate) cheaper: Vec<(Tier, String)>,
}

/// Why there is no plan.
#[derive(Clone, Debug)]
enum NoPlan {
    Refused(sql::fanout::Refusal),
    NotAt(Tier, String),
}

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

    /// Has home describe a SELECT: the types of its columns, or why it is none. The transaction goes on.
    async fn probe(&mut self, sql: &str, types: &[u32]) -> Result<Result<Vec<u32>, String>, Box<Fields>> {
        self.run("SAVEPOINT stuffgate").await?;
        match self.judge(sql, types).await {
            Ok(judged) => {
                Ok(Ok(judged.columns.unwrap_or_default().iter().map(|column| column.oid).collect()))
            }
            Err(error) if self.is_usable() => {
                tracing::debug!(%error, sql, "home does not take a probe");
                self.run("ROLLBACK TO SAVEPOINT stuffgate").await?;
                Ok(Err(error.message))
            }
            Err(error) => Err(error),
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

impl Prepared {
    /// Has home judge a text whose names stand for `catalog`.
    pub(crate) async fn of(
        home: &mut Home,
        text: &str,
        types: &[u32],
        reading: Reading,
        catalog: Catalog,
    ) -> Result<Self, Box<Fields>> {
        let query = match reading {
            Reading::Query(query) => Some(*query),
            Reading::Show => None,
        };
        let judged = judge(home, text, types, query.as_ref(), &catalog).await?;
        let result = judged.columns.clone().unwrap_or_default();
        let columns = match query.as_ref().map_or(&Form::Rows, Query::form) {
            Form::Rows => judged.columns,
            Form::Copy { .. } if !judged.parameters.is_empty() => return Err(error::no_parameter()),
            Form::Copy { .. } => None,
            Form::Explain(shown) => Some(vec![explain::column(*shown)]),
        };
        let parameters = judged.parameters;
        let plans = Mutex::default();
        Ok(Self { text: text.to_owned(), query, catalog, parameters, columns, result, plans })
    }

    /// The names that it was looked up by: those in its views come of themselves.
    pub(crate) fn lookup(&self) -> Lookup {
        self.query.as_ref().map(Query::lookup).unwrap_or_default()
    }

    /// The form of its answer.
    pub(crate) fn form(&self) -> &Form {
        self.query.as_ref().map_or(&Form::Rows, Query::form)
    }

    /// The plan for this asker, if it has been made.
    pub(crate) fn known_plan(&self, asker: &Asker) -> Option<Arc<Planned>> {
        let aim = self.aim(asker, false);
        self.plans.lock().unwrap_or_else(PoisonError::into_inner).get(&aim)?.clone().ok()
    }

    fn aim(&self, asker: &Asker, bare: bool) -> Aim {
        let wishes = Wishes { floor: asker.min_stores_per_group, bare };
        Aim { tier: asker.settings.tier, may_stream: self.may_stream(asker), wishes }
    }

    /// The plan for this asker, made on home if it has not been made yet. `bare`: nothing is pushed to the
    /// stores that could fail there.
    pub(crate) async fn plan(
        &self,
        home: &mut Home,
        stores: &Stores,
        asker: &Asker,
        bare: bool,
    ) -> Result<Arc<Planned>, Box<Fields>> {
        let aim = self.aim(asker, bare);
        let known = self.plans.lock().unwrap_or_else(PoisonError::into_inner).get(&aim).cloned();
        let made = match known {
            Some(known) => known,
            None => {
                let made = self.make(home, stores, aim).await?;
                let mut plans = self.plans.lock().unwrap_or_else(PoisonError::into_inner);
                plans.entry(aim).or_insert(made).clone()
            }
        };
        made.map_err(|no| match no {
            NoPlan::Refused(refusal) => error::refused(&refusal),
            NoPlan::NotAt(tier, reason) => error::not_at(tier, &reason, aim.tier),
        })
    }

    /// Whether it takes and returns what the client was told.
    pub(crate) fn is_as_described(&self, described: &Described) -> bool {
        self.parameters == described.parameters && self.columns == described.columns
    }

    /// Rows that were passed on cannot be taken back: where a part of the stores has to answer, that has to be
    /// known before.
    fn may_stream(&self, asker: &Asker) -> bool {
        asker.settings.min_coverage <= 0.0 && matches!(self.form(), Form::Rows | Form::Explain(_))
    }

    async fn make(
        &self,
        home: &mut Home,
        stores: &Stores,
        aim: Aim,
    ) -> Result<Result<Arc<Planned>, NoPlan>, Box<Fields>> {
        let Some(query) = &self.query else { return Ok(Ok(Arc::new(shown(&self.text)))) };
        let mut cheaper = Vec::new();
        let tiers: &[Tier] = match aim {
            Aim { wishes: Wishes { bare: true, .. }, .. } => &[Tier::Gather],
            Aim { tier: TierWish::Only(Tier::Stream), .. } => &[Tier::Stream],
            Aim { tier: TierWish::Only(Tier::Fold), .. } => &[Tier::Fold],
            Aim { tier: TierWish::Only(Tier::Combine), .. } => &[Tier::Combine],
            Aim { tier: TierWish::Only(Tier::Gather), .. } => &[Tier::Gather],
            Aim { tier: TierWish::Auto, .. } => &[Tier::Stream, Tier::Combine, Tier::Gather],
        };
        for tier in tiers {
            match self.at_tier(home, query, *tier, aim).await? {
                Ok(plan) => {
                    let like = Like::of(&plan.tables, |text| stores.hash(text));
                    let bare = aim.wishes.bare;
                    return Ok(Ok(Arc::new(Planned { plan: Arc::new(plan), bare, like, cheaper })));
                }
                Err(Unfit::Refused(refusal)) => return Ok(Err(NoPlan::Refused(refusal))),
                Err(Unfit::NotAtThisTier(reason)) => cheaper.push((*tier, reason)),
            }
        }
        let (tier, reason) = cheaper.pop().unwrap_or((Tier::Gather, String::new()));
        Ok(Err(NoPlan::NotAt(tier, reason)))
    }

    async fn at_tier(
        &self,
        home: &mut Home,
        query: &Query,
        tier: Tier,
        aim: Aim,
    ) -> Result<Result<Plan, Unfit>, Box<Fields>> {
        let shape = match query.shape(&self.catalog, tier, &aim.wishes) {
            Ok(shape) => shape,
            Err(unfit) => return Ok(Err(unfit)),
        };
        let columns = match shape.probe() {
            None => Vec::new(),
            Some(probe) => match home.probe(probe, &self.parameters).await? {
                Ok(columns) => columns,
                Err(reason) => return Ok(Err(Unfit::NotAtThisTier(reason))),
            },
        };
        let result = self.result.iter().filter(|_| shape.has_rows()).map(|column| column.oid);
        let result: Vec<u32> = result.collect();
        let types = home.types(&[&columns[..], &self.parameters, &result].concat()).await?;
        let (columns, types) = types.split_at(columns.len().min(types.len()));
        let (parameters, result) = types.split_at(self.parameters.len().min(types.len()));
        let (columns, parameters) = (columns.to_vec(), parameters.to_vec());
        let types = Types { columns, parameters, result: result.to_vec() };
        let plan = shape.plan(&types);
        Ok(plan.and_then(|plan| match cannot_pass(&plan, aim) {
            Some(why) => Err(Unfit::NotAtThisTier(why.to_owned())),
            None => Ok(plan),
        }))
    }
}

/// Why rows that a plan would pass on as they come must not be.
fn cannot_pass(plan: &Plan, aim: Aim) -> Option<&'static str> {
    if !matches!(plan.answered, Answered::Streamed { .. }) {
        return None;
    }
    if !aim.may_stream {
        return Some("fanout.min_coverage and COPY need the coverage before the first row");
    }
    // Rows of some stores would be on their way when another turns out to collate otherwise, and would be left out.
    (plan.collates && aim.tier == TierWish::Auto).then_some("it depends on how each store collates")
}

/// The plan of SHOW.
fn shown(text: &str) -> Planned {
    let plan = Plan {
        tier: Tier::Gather,
        discloses: Discloses::Sums,
        collates: false,
        tables: Vec::new(),
        pieces: Vec::new(),
        answered: Answered::Alone { sql: text.to_owned(), parameters: Vec::new() },
    };
    let like = Like::of(&plan.tables, |_| 0);
    Planned { plan: Arc::new(plan), bare: false, like, cheaper: Vec::new() }
}

/// Has home judge the text on which the planner wants it judged. Positions in its errors are the client's.
async fn judge(
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
