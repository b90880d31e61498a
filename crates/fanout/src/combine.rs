//! Tier T2 on home: what the stores brought becomes arrays, one for each column, and home one statement over them.

use crate::answer::{Last, Refused};
use crate::array::Array;
use crate::asked;
use crate::error;
use crate::fold::Folding;
use crate::legs::{Fault, Held, Rows};
use crate::prepare::Planned;
use crate::statement::{Attempt, Work};
use sql::fanout::{Fold, Parameter};
use std::sync::Arc;
use wire::Fields;
use wire::frame::{HEADER_BYTES, Header, MAX_BODY_BYTES, Reader};

/// Room for the rest of a Bind beside its arrays, in bytes.
const BIND_BYTES: usize = 1024 * 1024;

/// The columns of partial rows.
#[derive(Debug)]
pub(crate) struct Columns(Vec<Array>);

impl Columns {
    /// As many as the piece has.
    pub(crate) fn new(count: usize) -> Self {
        Self((0..count).map(|_| Array::new()).collect())
    }

    /// Adds the rows of DataRow messages that stand one behind the other.
    pub(crate) fn push_messages(&mut self, messages: &[u8]) {
        for body in bodies(messages) {
            let mut row = Reader::new(body);
            let _count = row.u16();
            for column in &mut self.0 {
                column.push(row.value().flatten());
            }
        }
    }

    /// Adds what folding has left.
    pub(crate) fn push_folded(&mut self, folding: Folding) {
        folding.finish(|row| {
            for (column, value) in self.0.iter_mut().zip(row) {
                column.push(*value);
            }
        });
    }

    /// The arrays, if one statement can take them.
    ///
    /// # Errors
    /// 54000: they are too long for any message.
    pub(crate) fn into_arrays(self) -> Result<Vec<Vec<u8>>, Box<Fields>> {
        let bytes: usize = self.0.iter().map(Array::len).sum();
        if bytes + BIND_BYTES > MAX_BODY_BYTES as usize {
            return Err(error::too_many_groups(bytes));
        }
        Ok(self.0.into_iter().map(Array::into_bytes).collect())
    }
}

/// The bodies of messages that stand one behind the other.
pub(crate) fn bodies(mut messages: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let header = Header::peek(messages).ok().flatten()?;
        let (message, rest) = messages.split_at_checked(header.total())?;
        messages = rest;
        message.get(HEADER_BYTES..)
    })
}

impl Work<'_> {
    /// Combines partial results, added up before if `fold` says how.
    pub(crate) async fn combine(
        &mut self,
        planned: &Arc<Planned>,
        sql: &str,
        parameters: &[Parameter],
        fold: Option<&Fold>,
    ) -> Result<Attempt, Box<Fields>> {
        let mut legs = self.ask(planned).await?;
        self.home.query("SAVEPOINT stuffgate_fanout");
        let mut folding = fold.map(Folding::new);
        let mut held = legs.hold();
        let mut kept: Vec<(usize, Vec<Rows>)> = Vec::new();
        while let Some(finished) = legs.next().await {
            // Under a floor, home may not show what it finds over the rows: the store is left out instead.
            if asked::wants_bare(&finished) && !self.has_floor() && !self.lenient {
                return Ok(Attempt::Bare);
            }
            let Some((index, results)) = self.note(finished).await else { continue };
            match &mut folding {
                Some(folding) => {
                    if let Err(fault) = add_up(folding, &mut held, &results) {
                        self.drop_leg(index, &fault);
                    }
                }
                None => kept.push((index, results)),
            }
        }
        self.check_coverage()?;
        let count = planned.plan.pieces.first().map_or(0, |piece| piece.columns.len());
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
            // What one store sends can spoil the sum of all; rows cannot lie about what they come to.
            Err(Refused::Run(why)) if why.code.class() == "22" && self.home.is_usable() => {
                if self.has_floor() { Err(why) } else { Ok(Attempt::Doubted(why)) }
            }
            Err(refused) => Err(refused.into_fields()),
        }
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
        let own = kept.as_ref().map_or(sql, |(create, _)| create.as_str());
        let mut last = Last::of(own, parameters, self.client()).tentative();
        arrays.iter().for_each(|array| last.push(array));
        let Some((_, copy)) = &kept else {
            self.home.query("SET TRANSACTION READ ONLY");
            return self.tell(&last).await;
        };
        last.run(self.home, None, self.limit(), self.teller).await?;
        self.home.query("SET TRANSACTION READ ONLY");
        self.last(copy, &[]).await.map_err(Refused::Midway)
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
        self.try_bind(sql, parameters, Columns::new(count)).await??;
        let before = kept.len();
        for (index, leg) in std::mem::take(kept) {
            let mut columns = Columns::new(count);
            leg.iter().for_each(|rows| columns.push_messages(rows.messages()));
            match self.try_bind(sql, parameters, columns).await? {
                Ok(()) => kept.push((index, leg)),
                Err(why) => self.drop_leg(index, &Fault::refused(&why)),
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

/// Adds a leg's rows up, if there is room for them.
fn add_up(folding: &mut Folding, held: &mut Held, results: &[Rows]) -> Result<(), Fault> {
    let bytes: usize = results.iter().map(|rows| rows.messages().len()).sum();
    held.resize(folding.bytes().saturating_add(bytes))?;
    for body in results.iter().flat_map(|rows| bodies(rows.messages())) {
        folding.add(body).map_err(|bad| Fault::bad(bad.to_string()))?;
    }
    // Groups that were there already take no more.
    let _ = held.resize(folding.bytes());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::frame;

    #[test]
    fn rows_become_one_array_for_each_column() {
        let mut rows = Vec::new();
        frame::data_row(&mut rows, &[Some(b"a"), Some(b"1")]);
        frame::data_row(&mut rows, &[None, Some(b"2")]);
        let mut columns = Columns::new(2);
        columns.push_messages(&rows);
        let arrays = columns.into_arrays().expect("short");
        assert_eq!(arrays, [br#"{"a",NULL}"#.to_vec(), br#"{"1","2"}"#.to_vec()]);
    }
}
