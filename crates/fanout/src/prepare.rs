//! The plans of a statement that home has judged: one for each aim, made when it is first asked for.

use crate::Asker;
use crate::described::{ColumnDescribed, Described};
use crate::error;
use crate::explain;
use crate::home::Home;
use crate::legs::Stores;
use crate::like::Like;
use crate::reading::{Reading, judge};
use crate::settings::TierWish;
use sql::fanout::{Answered, Catalog, Discloses, Form, Lookup, Plan, Query, Tier, Types, Unfit, Wishes};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use wire::Fields;

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

impl Home {
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
