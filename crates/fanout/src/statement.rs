//! One statement, from its plan to its last row.

use crate::answer::{Client, Last, Refused};
use crate::asked::{self, Asked};
use crate::combine::Columns;
use crate::coverage;
use crate::described::Described;
use crate::error;
use crate::explain;
use crate::facts::Facts;
use crate::fanout::Fanout;
use crate::fold::Folding;
use crate::gather::Tables;
use crate::home::Home;
use crate::legs::{Expected, Finished, Legs, Rows, Statement};
use crate::prepare::{Planned, Prepared};
use crate::run::Teller;
use crate::stream::{self, Streamed};
use crate::tally::Tally;
use crate::{Asker, Done, Failure, Settings, TierWish, Values};
use model::Outcome;
use sql::fanout::{Answered, Fold, Form, Parameter, Plan, Temporary, Tier};
use std::sync::Arc;
use wire::{Fields, sqlstate};

/// Rows of legs that are loaded at a time, in bytes, where several legs are done.
const BATCH_BYTES: usize = 4 * 1024 * 1024;

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
    let tag = answer_on_home(fanout, asker, described, values, teller, tally, &mut asked).await;
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
    let needed = described.parameters.len();
    if values.parameters.len() != needed {
        return Err(error::parameter_count(values.parameters.len(), needed));
    }
    let mut home = Home::of(&fanout.pools, asker).await?;
    let known = Some(Arc::clone(&described.prepared));
    let tag = match fanout.prepare(&mut home, &described.key, known).await {
        Ok((facts, prepared)) if prepared.is_as_described(described) => {
            let mut work = Work {
                fanout,
                asker,
                values,
                teller,
                prepared: &prepared,
                facts: &facts,
                home: &mut home,
                asked,
            };
            let tag = work.answer(tally).await;
            if tag.is_err() {
                fanout.cache.forget(&described.key);
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
struct Work<'a> {
    fanout: &'a Fanout,
    asker: &'a Asker,
    values: &'a Values,
    teller: &'a Teller,
    prepared: &'a Prepared,
    facts: &'a Facts,
    home: &'a mut Home,
    /// The legs that were asked last.
    asked: &'a mut Option<Asked>,
}

/// How an attempt ended, if not in an error.
enum Attempt {
    /// The tag of the whole answer.
    Done(String),
    /// The statement itself may be at fault: home is to judge over the rows.
    Bare,
    /// Home refuses a value that was added up: whose it was is to be found out.
    Unfolded,
    /// Rows cannot pass as the stores send them; nothing has.
    NotStreamed,
}

impl<'a> Work<'a> {
    async fn answer(&mut self, tally: &mut Tally) -> Result<String, Box<Fields>> {
        let planned = self.prepared.plan(self.home, self.asker, false).await?;
        let fold = self.folds(&planned.plan).is_some();
        if *self.prepared.form() == Form::Explain {
            tally.tier("explain");
            return explain::tell(self.fanout, self.asker, &planned, fold, self.teller).await;
        }
        tally.tier(explain::tier(&planned.plan, fold));
        let attempt = match self.attempt(&planned, fold, false).await? {
            Attempt::Unfolded => self.attempt(&planned, false, false).await?,
            Attempt::NotStreamed => self.gathered(tally).await?,
            attempt => attempt,
        };
        match attempt {
            Attempt::Done(tag) => Ok(tag),
            Attempt::Bare | Attempt::Unfolded | Attempt::NotStreamed => self.barely(tally).await,
        }
    }

    /// Once more, over rows that home has.
    async fn gathered(&mut self, tally: &mut Tally) -> Result<Attempt, Box<Fields>> {
        let settings = Settings { tier: TierWish::Only(Tier::Gather), ..self.asker.settings };
        let asker = Asker { settings, ..self.asker.clone() };
        let planned = self.prepared.plan(self.home, &asker, false).await?;
        tally.tier(Tier::Gather.as_str());
        self.attempt(&planned, false, false).await
    }

    /// Once more, at the tier that lets home see the rows themselves.
    async fn barely(&mut self, tally: &mut Tally) -> Result<String, Box<Fields>> {
        self.home.run("ROLLBACK TO SAVEPOINT stuffgate_fanout").await?;
        let planned = self.prepared.plan(self.home, self.asker, true).await?;
        tally.tier(Tier::Gather.as_str());
        match self.attempt(&planned, false, true).await? {
            Attempt::Done(tag) => Ok(tag),
            Attempt::Bare | Attempt::Unfolded | Attempt::NotStreamed => Err(error::no_attempt_left()),
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

    async fn attempt(&mut self, planned: &Planned, fold: bool, bare: bool) -> Result<Attempt, Box<Fields>> {
        match &planned.plan.answered {
            Answered::Alone { sql, parameters } => {
                self.home.query("SET TRANSACTION READ ONLY");
                self.last(sql, parameters).await.map(Attempt::Done)
            }
            Answered::Gathered { tables, sql, parameters } => {
                self.gather(&planned.plan, tables, sql, parameters, bare).await
            }
            Answered::Combined { sql, parameters, fold: by } => {
                let by = by.as_ref().filter(|_| fold);
                self.combine(&planned.plan, sql, parameters, by).await
            }
            Answered::Streamed { .. } => self.stream(&planned.plan).await,
        }
    }

    /// What legs are asked.
    async fn statement(&mut self, plan: &Arc<Plan>) -> Result<Statement, Box<Fields>> {
        let found = self.home.check(&plan.tables).await?;
        let Values { parameters, formats, .. } = self.values;
        Ok(Statement {
            plan: Arc::clone(plan),
            expected: Expected::of(&plan.tables, found.as_ref()),
            pinned: self.facts.pinned(plan),
            parameters: parameters.clone(),
            formats: formats.clone(),
            now: self.facts.now.clone(),
            results: Vec::new(),
            limits: self.fanout.limits,
            settings: self.asker.settings,
            session: self.asker.session,
        })
    }

    /// Asks all stores.
    async fn ask(&mut self, plan: &Arc<Plan>) -> Result<Legs, Box<Fields>> {
        let statement = self.statement(plan).await?;
        let scope = self.fanout.stores.scope(self.asker.service, plan.discloses).await;
        *self.asked = Some(Asked::of(scope.clone()));
        Ok(Legs::start(&self.fanout.stores, scope, statement))
    }

    fn client(&self) -> Client<'a> {
        Client { types: &self.prepared.parameters, values: self.values, facts: self.facts }
    }

    /// Notes that a leg is over; the rows of each piece, if they are part of the answer.
    async fn note(&mut self, finished: Finished) -> Option<(usize, Vec<Rows>)> {
        if let Some(asked) = self.asked.as_mut() {
            asked.note(&finished);
            if self.asker.settings.progress {
                self.teller.tell(asked.progress()).await;
            }
        }
        finished.results.map(|results| (finished.index, results))
    }

    fn drop_leg(&mut self, index: usize, outcome: Outcome, why: &Fields) {
        if let Some(asked) = self.asked.as_mut() {
            asked.drop_leg(index, outcome, why);
        }
    }

    /// Whether as many stores are covered as have to be.
    fn check_coverage(&self) -> Result<(), Box<Fields>> {
        let coverage = self.asked.as_ref().map(Asked::coverage).unwrap_or_default();
        coverage::check(&coverage, self.asker.settings.min_coverage)
    }

    /// The statement whose answer is the client's.
    async fn last(&mut self, sql: &str, parameters: &[Parameter]) -> Result<String, Box<Fields>> {
        let copy = self.copy(sql);
        let last = Last::of(copy.as_deref().unwrap_or(sql), parameters, self.client());
        self.tell(&last).await.map_err(Refused::into_fields)
    }

    async fn tell(&mut self, last: &Last<'_>) -> Result<String, Refused> {
        last.run(self.home, self.prepared.columns.as_deref(), self.teller).await
    }

    /// The COPY of a query, if that is what the client wants.
    fn copy(&self, sql: &str) -> Option<String> {
        match self.prepared.form() {
            Form::Copy { options } => Some(format!("COPY ({sql}\n) TO STDOUT {options}")),
            Form::Rows | Form::Explain => None,
        }
    }

    async fn stream(&mut self, plan: &Arc<Plan>) -> Result<Attempt, Box<Fields>> {
        let statement = self.statement(plan).await?;
        self.home.run("SAVEPOINT stuffgate_fanout").await?;
        let scope = self.fanout.stores.scope(self.asker.service, plan.discloses).await;
        let asked = self.asked.insert(Asked::of(scope.clone()));
        let stores = &self.fanout.stores;
        match stream::run(stores, scope, statement, self.values, self.teller, asked).await? {
            Streamed::Done(rows) => {
                self.check_coverage()?;
                Ok(Attempt::Done(format!("SELECT {rows}")))
            }
            Streamed::Bare => Ok(Attempt::Bare),
            Streamed::Not => Ok(Attempt::NotStreamed),
        }
    }

    async fn gather(
        &mut self,
        plan: &Arc<Plan>,
        tables: &[Temporary],
        sql: &str,
        parameters: &[Parameter],
        bare: bool,
    ) -> Result<Attempt, Box<Fields>> {
        let mut legs = self.ask(plan).await?;
        self.home.query("SAVEPOINT stuffgate_fanout");
        let types = Last::of(sql, parameters, self.client()).types;
        let mut tables = Tables::create(self.home, tables, sql, &types).await?;
        while let Some(finished) = legs.next().await {
            let mut batch = Vec::new();
            let mut bytes = 0;
            let mut next = Some(finished);
            while let Some(finished) = next {
                if !bare && asked::wants_bare(&finished) {
                    return Ok(Attempt::Bare);
                }
                if let Some((index, results)) = self.note(finished).await {
                    bytes += results.iter().map(|rows| rows.messages().len()).sum::<usize>();
                    batch.push((index, results));
                }
                next = if bytes < BATCH_BYTES { ready(&mut legs).await } else { None };
            }
            self.load(&mut tables, &batch).await?;
        }
        self.check_coverage()?;
        tables.close(self.home).await?;
        self.last(sql, parameters).await.map(Attempt::Done)
    }

    /// Loads legs, all together if home takes them so, and each alone if not.
    async fn load(
        &mut self,
        tables: &mut Tables<'_>,
        batch: &[(usize, Vec<Rows>)],
    ) -> Result<(), Box<Fields>> {
        let rows = |leg: &Vec<Rows>| leg.iter().map(|rows| rows.len() as u64).sum::<u64>();
        let all: Vec<Vec<&[u8]>> = batch.iter().map(|(_, leg)| messages(leg)).collect();
        if all.iter().flatten().all(|part| part.is_empty()) {
            return Ok(());
        }
        if tables.load(self.home, &all).await?.is_ok() {
            tables.count(batch.iter().map(|(_, leg)| rows(leg)).sum());
            return Ok(());
        }
        for ((index, leg), one) in batch.iter().zip(&all) {
            match tables.load(self.home, std::slice::from_ref(one)).await? {
                Ok(()) => tables.count(rows(leg)),
                Err(why) => self.drop_leg(*index, Outcome::BadData, &why),
            }
        }
        Ok(())
    }

    async fn combine(
        &mut self,
        plan: &Arc<Plan>,
        sql: &str,
        parameters: &[Parameter],
        fold: Option<&Fold>,
    ) -> Result<Attempt, Box<Fields>> {
        let mut legs = self.ask(plan).await?;
        self.home.query("SAVEPOINT stuffgate_fanout");
        let mut folding = fold.map(Folding::new);
        let mut kept: Vec<(usize, Vec<Rows>)> = Vec::new();
        while let Some(finished) = legs.next().await {
            if asked::wants_bare(&finished) {
                return Ok(Attempt::Bare);
            }
            let Some((index, results)) = self.note(finished).await else { continue };
            match &mut folding {
                Some(folding) => {
                    if let Err(why) = self.add_up(folding, &results) {
                        self.drop_leg(index, Outcome::Limit, &why);
                    }
                }
                None => kept.push((index, results)),
            }
        }
        self.check_coverage()?;
        let count = plan.pieces.first().map_or(0, |piece| piece.columns.len());
        let mut columns = Columns::new(count);
        kept.iter().for_each(|(_, leg)| leg.iter().for_each(|rows| columns.push_messages(rows.messages())));
        let folded = folding.is_some();
        folding.into_iter().for_each(|folding| columns.push_folded(folding));
        match self.combined(sql, parameters, columns).await {
            Ok(tag) => Ok(Attempt::Done(tag)),
            Err(Refused::Bound(why)) if why.code.class() == "22" && self.home.is_usable() => {
                if folded {
                    self.home.run("ROLLBACK TO SAVEPOINT stuffgate_fanout").await?;
                    return Ok(Attempt::Unfolded);
                }
                self.without_poison(sql, parameters, count, &mut kept, why).await.map(Attempt::Done)
            }
            Err(refused) => Err(refused.into_fields()),
        }
    }

    /// Adds a leg's rows up, if there is room for them.
    fn add_up(&self, folding: &mut Folding, results: &[Rows]) -> Result<(), Box<Fields>> {
        let bytes: usize = results.iter().map(|rows| rows.messages().len()).sum();
        if folding.bytes().saturating_add(bytes) > self.fanout.limits.total_bytes {
            return Err(error::budget(self.fanout.limits.total_bytes));
        }
        for body in results.iter().flat_map(|rows| crate::combine::bodies(rows.messages())) {
            folding
                .add(body)
                .map_err(|bad| Box::new(Fields::error(sqlstate::INTERNAL_ERROR, bad.to_string())))?;
        }
        Ok(())
    }

    /// Home's one statement over what the stores brought.
    async fn combined(
        &mut self,
        sql: &str,
        parameters: &[Parameter],
        columns: Columns,
    ) -> Result<String, Refused> {
        let arrays = columns.into_arrays().map_err(Refused::Run)?;
        let kept = self.kept(sql);
        let mut last =
            Last::of(kept.as_ref().map_or(sql, |(create, _)| create.as_str()), parameters, self.client());
        arrays.iter().for_each(|array| last.push(array));
        let Some((_, copy)) = &kept else {
            self.home.query("SET TRANSACTION READ ONLY");
            return self.tell(&last).await;
        };
        last.run(self.home, None, self.teller).await?;
        self.home.query("SET TRANSACTION READ ONLY");
        self.last(copy, &[]).await.map_err(Refused::Run)
    }

    /// Where the answer is to be copied, which takes no parameters: what keeps it in a table, and the query over
    /// that.
    fn kept(&self, sql: &str) -> Option<(String, String)> {
        self.copy(sql)?;
        let columns = &self.prepared.result;
        let names: Vec<String> = (1..=columns.len()).map(|number| format!("c{number}")).collect();
        let shown: Vec<String> = names
            .iter()
            .zip(columns)
            .map(|(name, column)| format!("{name} AS {}", model::partition::quote_identifier(&column.name)))
            .collect();
        let create = format!("CREATE TEMPORARY TABLE stuffgate_answer ({}) AS {sql}", names.join(", "));
        Some((create, format!("SELECT {} FROM pg_temp.stuffgate_answer", shown.join(", "))))
    }

    /// Home has refused a value: finds out whose it was, and does it again without them.
    async fn without_poison(
        &mut self,
        sql: &str,
        parameters: &[Parameter],
        count: usize,
        kept: &mut Vec<(usize, Vec<Rows>)>,
        why: Box<Fields>,
    ) -> Result<String, Box<Fields>> {
        self.home.run("ROLLBACK TO SAVEPOINT stuffgate_fanout").await?;
        // The client's own values are tried first.
        if let Err(why) = self.try_bind(sql, parameters, Columns::new(count)).await? {
            return Err(why);
        }
        let before = kept.len();
        for (index, leg) in std::mem::take(kept) {
            let mut columns = Columns::new(count);
            leg.iter().for_each(|rows| columns.push_messages(rows.messages()));
            match self.try_bind(sql, parameters, columns).await? {
                Ok(()) => kept.push((index, leg)),
                Err(why) => self.drop_leg(index, Outcome::BadData, &why),
            }
        }
        if kept.len() == before {
            return Err(why);
        }
        self.check_coverage()?;
        let mut columns = Columns::new(count);
        kept.iter().for_each(|(_, leg)| leg.iter().for_each(|rows| columns.push_messages(rows.messages())));
        self.combined(sql, parameters, columns).await.map_err(Refused::into_fields)
    }

    async fn try_bind(
        &mut self,
        sql: &str,
        parameters: &[Parameter],
        columns: Columns,
    ) -> Result<Result<(), Box<Fields>>, Box<Fields>> {
        let arrays = columns.into_arrays()?;
        let mut last = Last::of(sql, parameters, self.client());
        arrays.iter().for_each(|array| last.push(array));
        match last.bind(self.home).await {
            Ok(()) => Ok(Ok(())),
            Err(why) if self.home.is_usable() => {
                self.home.run("ROLLBACK TO SAVEPOINT stuffgate_fanout").await?;
                Ok(Err(why))
            }
            Err(lost) => Err(lost),
        }
    }
}

/// A leg that is over already, if there is one.
async fn ready(legs: &mut Legs) -> Option<Finished> {
    tokio::select! {
        biased;
        finished = legs.next() => finished,
        () = std::future::ready(()) => None,
    }
}

/// The rows for each table.
fn messages(leg: &[Rows]) -> Vec<&[u8]> {
    leg.iter().map(Rows::messages).collect()
}
