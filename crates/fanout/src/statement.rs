//! One statement, from its plan to its last row.

use crate::answer::{Client, Last, Refused};
use crate::asked::Asked;
use crate::coverage;
use crate::described::Described;
use crate::error;
use crate::explain;
use crate::facts::Begun;
use crate::fanout::Fanout;
use crate::home::Home;
use crate::legs::{Expected, Fault, Finished, Legs, Rows, Statement};
use crate::moments;
use crate::prepare::{Planned, Prepared};
use crate::run::Teller;
use crate::stream::{self, Streamed};
use crate::tally::Tally;
use crate::{Asker, Done, Failure, Settings, TierWish, Values};
use model::Outcome;
use sql::fanout::{Answered, Fold, Form, Parameter, Plan, Tier};
use std::sync::Arc;
use std::time::{Duration, Instant};
use wire::Fields;

/// Answers a statement.
pub(crate) async fn answer(
    fanout: &Fanout,
    asker: &Asker,
    described: &Described,
    values: &Values,
    teller: &Teller,
    tally: &mut Tally,
) -> Result<Done, Failure> {
    let mut asked = None;
    let work = answer_on_home(fanout, asker, described, values, teller, tally, &mut asked);
    let tag = Box::pin(work).await;
    let coverage = asked.map(|asked: Asked| Arc::new(asked.coverage()));
    match tag {
        Ok(tag) => Ok(Done { tag, coverage }),
        Err(fields) => Err(Failure { fields, coverage }),
    }
}

async fn answer_on_home(
    fanout: &Fanout,
    asker: &Asker,
    described: &Described,
    values: &Values,
    teller: &Teller,
    tally: &mut Tally,
    asked: &mut Option<Asked>,
) -> Result<String, Box<Fields>> {
    let began = Instant::now();
    let needed = described.parameters.len();
    if values.parameters.len() != needed {
        return Err(error::parameter_count(values.parameters.len(), needed));
    }
    let (mut home, begun) = fanout.begin(asker, described).await?;
    let tag = match begun {
        Ok((begun, prepared)) if prepared.is_as_described(described) => {
            let mut work = Work {
                fanout,
                asker,
                values,
                teller,
                prepared: &prepared,
                begun: &begun,
                home: &mut home,
                asked,
                began,
                lenient: false,
            };
            let tag = work.answer(tally).await.map_err(|error| work.told(error));
            if tag.as_ref().is_err_and(|error| matches!(error.code.class(), "0A" | "42" | "XX")) {
                fanout.cache.forget(&described.key); // it may be what was remembered
            }
            tag
        }
        Ok(_) => Err(error::changed()),
        Err(error) => Err(error),
    };
    home.finish().await;
    tag
}

/// A statement at work.
pub(crate) struct Work<'a> {
    pub(crate) fanout: &'a Fanout,
    asker: &'a Asker,
    values: &'a Values,
    pub(crate) teller: &'a Teller,
    pub(crate) prepared: &'a Prepared,
    begun: &'a Begun,
    pub(crate) home: &'a mut Home,
    /// The legs that were asked last.
    asked: &'a mut Option<Asked>,
    began: Instant,
    /// A store that fails at a value is left out.
    pub(crate) lenient: bool,
}

/// How an attempt ended, if not in an error.
pub(crate) enum Attempt {
    /// The tag of the whole answer.
    Done(String),
    /// The statement itself may be at fault: home is to judge over the rows.
    Bare,
    /// Home refuses a value that was added up: whose it was is to be found out.
    Unfolded,
    /// Rows cannot pass as the stores send them; nothing has.
    NotStreamed,
    /// Home fails, with this, at what the stores have computed: it is to judge over the rows.
    Doubted(Box<Fields>),
    /// Home was to judge over the rows, and some store has more of them than may be kept.
    TooLarge,
}

impl<'a> Work<'a> {
    async fn answer(&mut self, tally: &mut Tally) -> Result<String, Box<Fields>> {
        let planned = self.plan().await?;
        let fold = self.folds(&planned.plan).is_some();
        if let Form::Explain(shown) = self.prepared.form() {
            tally.tier("explain");
            return explain::tell(self.fanout, self.asker, &planned, (fold, *shown), self.teller).await;
        }
        tally.tier(explain::tier(&planned.plan, fold));
        let attempt = match self.attempt(&planned, fold).await? {
            Attempt::Unfolded => self.attempt(&planned, false).await?,
            Attempt::NotStreamed => self.gathered(tally).await?,
            attempt => attempt,
        };
        match attempt {
            Attempt::Done(tag) => Ok(tag),
            Attempt::Doubted(why) => match self.barely(tally).await {
                // It has no answer over the rows either, for a reason that says less.
                Err(other) if other.code.class() != "22" => Err(why),
                Ok(Attempt::Done(tag)) => Ok(tag),
                Ok(_) => Err(why),
                Err(judged) => Err(judged),
            },
            _ => match self.barely(tally).await? {
                Attempt::Done(tag) => Ok(tag),
                Attempt::TooLarge => self.leniently(&planned, tally).await,
                _ => Err(error::no_attempt_left()),
            },
        }
    }

    /// The plan. Where texts lose something on their way to home, home does all of it.
    async fn plan(&mut self) -> Result<Arc<Planned>, Box<Fields>> {
        let stores = &self.fanout.stores;
        let planned = self.prepared.plan(self.home, stores, self.asker, false).await?;
        let by_home = matches!(planned.plan.answered, Answered::Gathered { .. } | Answered::Combined { .. });
        if by_home && self.begun.facts.is_lossy() {
            return self.prepared.plan(self.home, stores, self.asker, true).await;
        }
        Ok(planned)
    }

    /// Once more, over rows that home has.
    async fn gathered(&mut self, tally: &mut Tally) -> Result<Attempt, Box<Fields>> {
        let settings = Settings { tier: TierWish::Only(Tier::Gather), ..self.asker.settings };
        let asker = Asker { settings, ..self.asker.clone() };
        let planned = self.prepared.plan(self.home, &self.fanout.stores, &asker, false).await?;
        tally.tier(Tier::Gather.as_str());
        self.attempt(&planned, false).await
    }

    /// Once more, at the tier that lets home see the rows themselves.
    async fn barely(&mut self, tally: &mut Tally) -> Result<Attempt, Box<Fields>> {
        self.home.run("ROLLBACK TO SAVEPOINT stuffgate_fanout").await?;
        let planned = self.prepared.plan(self.home, &self.fanout.stores, self.asker, true).await?;
        tally.tier(Tier::Gather.as_str());
        self.attempt(&planned, false).await
    }

    /// Once more as at first, without the stores that fail at a value: home cannot judge whether one Postgres would
    /// have failed too, and other stores are not to be left out for them.
    async fn leniently(&mut self, planned: &Arc<Planned>, tally: &mut Tally) -> Result<String, Box<Fields>> {
        self.home.run("ROLLBACK TO SAVEPOINT stuffgate_fanout").await?;
        tally.tier(explain::tier(&planned.plan, false));
        self.lenient = true;
        match self.attempt(planned, false).await? {
            Attempt::Done(tag) => Ok(tag),
            Attempt::Doubted(why) => Err(why),
            _ => Err(error::no_attempt_left()),
        }
    }

    /// How the gate adds up what the stores send, if the session lets it.
    fn folds<'p>(&self, plan: &'p Plan) -> Option<&'p Fold> {
        match &plan.answered {
            Answered::Combined { fold, .. } if self.asker.settings.tier != TierWish::Only(Tier::Combine) => {
                fold.as_ref()
            }
            _ => None,
        }
    }

    async fn attempt(&mut self, planned: &Arc<Planned>, fold: bool) -> Result<Attempt, Box<Fields>> {
        match &planned.plan.answered {
            Answered::Alone { sql, parameters } => {
                self.home.query("SET TRANSACTION READ ONLY");
                self.last(sql, parameters).await.map(Attempt::Done)
            }
            Answered::Gathered { tables, rows, sql, parameters } => {
                let copy = self.copy(sql);
                let last = Last::of(copy.as_deref().unwrap_or(sql), parameters, self.client());
                self.gather(planned, tables, sql, last.with_rows(rows)).await
            }
            Answered::Combined { sql, parameters, fold: by } => {
                let by = by.as_ref().filter(|_| fold);
                self.combine(planned, sql, parameters, by).await
            }
            Answered::Streamed { .. } => self.stream(planned).await,
        }
    }

    /// What legs are asked.
    async fn statement(&mut self, planned: &Arc<Planned>) -> Result<Statement, Box<Fields>> {
        let plan = &planned.plan;
        moments::check(plan, &self.prepared.parameters, self.values)?;
        let found = match &self.begun.found {
            Some((ahead, found)) if Arc::ptr_eq(ahead, planned) => Some(found.clone()),
            _ => self.home.check(&planned.like).await?,
        };
        let Values { parameters, formats, .. } = self.values;
        Ok(Statement {
            plan: Arc::clone(plan),
            expected: Expected::of(&plan.tables, found.as_ref()),
            pinned: self.begun.facts.pinned(planned),
            parameters: parameters.clone(),
            formats: formats.clone(),
            now: self.begun.facts.now.clone(),
            results: Vec::new(),
            limits: self.fanout.limits,
            settings: self.asker.settings,
            floor: self.has_floor(),
            began: self.began,
            session: self.asker.session,
        })
    }

    /// Asks all stores.
    pub(crate) async fn ask(&mut self, planned: &Arc<Planned>) -> Result<Legs, Box<Fields>> {
        let statement = self.statement(planned).await?;
        let scope = self.fanout.stores.scope(self.asker.service, planned.plan.discloses).await;
        *self.asked = Some(Asked::of(scope.clone()));
        Ok(Legs::start(&self.fanout.stores, scope, statement))
    }

    /// An error as the client may see it: home's about a value has the value in its words.
    fn told(&self, error: Box<Fields>) -> Box<Fields> {
        let guarded = self.has_floor() || self.asked.as_ref().is_some_and(Asked::has_guarded);
        if guarded && self.asked.is_some() { error::without_words(error) } else { error }
    }

    /// What a store does wrong that home has found out, as the client may see it.
    fn fault(&self, fault: &Fault) -> Fault {
        let guarded = self.has_floor() || self.asked.as_ref().is_some_and(Asked::has_guarded);
        if guarded { fault.clone().without_words() } else { fault.clone() }
    }

    /// Whether groups of too few stores are left out.
    pub(crate) fn has_floor(&self) -> bool {
        self.asker.min_stores_per_group > 1
    }

    pub(crate) fn client(&self) -> Client<'a> {
        Client { types: &self.prepared.parameters, values: self.values, facts: &self.begun.facts }
    }

    /// Notes that a leg is over; the rows of each piece, if they are part of the answer.
    pub(crate) async fn note(&mut self, finished: Finished) -> Option<(usize, Vec<Rows>)> {
        if let Some(asked) = self.asked.as_mut() {
            asked.note(&finished);
            if self.asker.settings.progress {
                self.teller.tell(asked.progress()).await;
            }
        }
        finished.results.map(|results| (finished.index, results))
    }

    /// A leg that was ok is no part of the answer after all.
    pub(crate) fn drop_leg(&mut self, index: usize, fault: &Fault) {
        let fault = &self.fault(fault);
        if let Some(asked) = self.asked.as_mut() {
            asked.drop_leg(index, fault);
        }
    }

    /// Whether a store is left out for that.
    pub(crate) fn has_lost(&self, outcome: Outcome) -> bool {
        self.asked.as_ref().is_some_and(|asked| asked.has(outcome))
    }

    /// Whether as many stores are covered as have to be.
    pub(crate) fn check_coverage(&self) -> Result<(), Box<Fields>> {
        let coverage = self.asked.as_ref().map(Asked::coverage).unwrap_or_default();
        coverage::check(&coverage, self.asker.settings.min_coverage)
    }

    /// The statement whose answer is the client's.
    pub(crate) async fn last(&mut self, sql: &str, parameters: &[Parameter]) -> Result<String, Box<Fields>> {
        let copy = self.copy(sql);
        let last = Last::of(copy.as_deref().unwrap_or(sql), parameters, self.client());
        self.tell(&last).await.map_err(|refused| self.in_options(refused, last.sql))
    }

    pub(crate) async fn tell(&mut self, last: &Last<'_>) -> Result<String, Refused> {
        last.run(self.home, self.prepared.columns.as_deref(), self.limit(), self.teller).await
    }

    /// How long home may take until the first row.
    pub(crate) fn limit(&self) -> Duration {
        self.asker.settings.deadline
    }

    /// The COPY of a query, if that is what the client wants.
    pub(crate) fn copy(&self, sql: &str) -> Option<String> {
        match self.prepared.form() {
            Form::Copy { options } => Some(format!("COPY ({sql}\n) TO STDOUT {options}")),
            Form::Rows | Form::Explain(_) => None,
        }
    }

    /// An error of a COPY of the gate's own, as one about the client's text: both end with the same options.
    pub(crate) fn in_options(&self, refused: Refused, copy: &str) -> Box<Fields> {
        let mut error = refused.into_fields();
        let Form::Copy { options } = self.prepared.form() else { return error };
        let before = |text: &str| {
            let start = text.rfind(options.as_str()).filter(|_| !options.is_empty())?;
            u32::try_from(text.get(..start)?.chars().count()).ok()
        };
        let ours = error.position.zip(before(copy)).and_then(|(at, before)| at.checked_sub(before));
        error.position = ours.zip(before(&self.prepared.text)).map(|(at, before)| at + before);
        error
    }

    async fn stream(&mut self, planned: &Arc<Planned>) -> Result<Attempt, Box<Fields>> {
        let statement = self.statement(planned).await?;
        self.home.run("SAVEPOINT stuffgate_fanout").await?;
        let scope = self.fanout.stores.scope(self.asker.service, planned.plan.discloses).await;
        let asked = self.asked.insert(Asked::of(scope.clone()));
        let stores = &self.fanout.stores;
        match stream::run(stores, scope, statement, self.values, self.teller, asked, self.lenient).await? {
            Streamed::Done(rows) => {
                self.check_coverage()?;
                Ok(Attempt::Done(format!("SELECT {rows}")))
            }
            Streamed::Bare => Ok(Attempt::Bare),
            Streamed::Not => Ok(Attempt::NotStreamed),
        }
    }
}
