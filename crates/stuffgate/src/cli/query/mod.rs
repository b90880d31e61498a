//! `stuffgate query`: a statement over everybody's stores, its answer, and whom it covers.

mod asking;
mod coverage;
mod csv;
mod json;
mod progress;
mod table;

use super::gate::{ConfigPath, block_on};
use super::secret::GivenSecret;
use super::{Exit, Failure};
use crate::talk::{Column, TalkError, Told, query};
use asking::Asking;
use clap::ValueEnum;
use coverage::Coverage;
use model::Name;
use progress::Progress;
use std::io::{self, Write};
use wire::{Fields, Peer, Severity, Stream};

/// The parameter in which a gate tells how many of how many stores have answered.
const PROGRESS: &str = "stuffgate.progress";

/// How the gate's warning begins where coverage is not full.
const COVERAGE_WARNING: &str = "fan-out covered ";

/// Arguments of `query`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  stuffgate query todo 'SELECT done, count(*) FROM todos GROUP BY done'
  stuffgate query todo --format csv 'SELECT * FROM todos' > todos.csv
  stuffgate query todo --url 'postgres://ana@gate.example.org/todo' --set fanout.min_coverage=0.9 \\
    'SELECT count(*) FROM todos'

Without --url it asks the gate of this configuration, which must be running, by an analyst's login that is made
for this one statement and removed after it. Exit code 6 says that not all stores are in the answer.")]
pub(crate) struct Query {
    /// The service whose stores are asked
    service: Name,
    /// The statement
    statement: String,
    /// How the answer is printed
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
    /// URL, without the secret, of an analyst's login
    #[arg(long, value_name = "URL", env = "STUFFGATE_URL")]
    url: Option<String>,
    /// A parameter of the session, such as fanout.min_coverage=0.9
    #[arg(long, value_name = "NAME=VALUE", value_parser = parse_setting)]
    set: Vec<(String, String)>,
    #[command(flatten)]
    secret: GivenSecret,
}

/// How an answer is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Aligned columns, and underneath what was covered
    Table,
    /// RFC 4180, NULL as nothing and an empty text as ""; what was covered on standard error
    Csv,
    /// One object: columns, rows, coverage
    Json,
}

/// Prints one answer.
trait Printer: Send {
    /// The columns of the rows to come.
    fn columns(&mut self, columns: Vec<Column>) -> io::Result<()>;
    /// A row.
    fn row(&mut self, row: &[Option<&[u8]>]) -> io::Result<()>;
    /// The end of it: the command's tag, and what is known of coverage.
    fn end(&mut self, tag: &str, coverage: Option<&Coverage>) -> io::Result<()>;
}

impl Query {
    pub(crate) fn run(&self, config: &ConfigPath) -> Result<(), Failure> {
        let asking = match &self.url {
            Some(url) => Asking::by_url(url, &self.service, &self.secret)?,
            None if self.secret.is_named() => {
                return Err(Failure::usage(
                    "a secret without --url is for nothing: the login is made for this",
                ));
            }
            None => Asking::by_own_login(config, &self.service)?,
        };
        block_on(async {
            tokio::select! {
                done = Box::pin(self.ask(&asking)) => done,
                // The gate cancels what a client that is gone has asked for.
                _ = tokio::signal::ctrl_c() => Err(Failure::new(Exit::Failed, "interrupted")),
            }
        })
    }

    async fn ask(&self, asking: &Asking) -> Result<(), Failure> {
        let mut peer = Peer::new(asking.connect().await?);
        for (name, value) in &self.set {
            set(&mut peer, name, value).await?;
        }
        let mut progress = Progress::new();
        if progress.is_shown() {
            set(&mut peer, "fanout.progress", "on").await?;
        }
        let mut out = io::BufWriter::new(io::stdout());
        let mut printer: Box<dyn Printer + '_> = match self.format {
            Format::Table => Box::new(table::Table::new(&mut out)),
            Format::Csv => Box::new(csv::Csv::new(&mut out)),
            Format::Json => Box::new(json::Json::new(&mut out)),
        };
        let answered = self.answer(&mut peer, &mut *printer, &mut progress).await;
        progress.clear();
        let coverage = if may_go_on(&answered) { Coverage::ask(&mut peer).await? } else { None };
        match answered {
            Ok(tag) => printer.end(&tag, coverage.as_ref())?,
            Err(error) => {
                tell(coverage.as_ref())?;
                return Err(self.failed(&error));
            }
        }
        drop(printer);
        out.flush()?;
        if self.format == Format::Csv {
            tell(coverage.as_ref())?;
        }
        if coverage.is_none_or(|coverage| coverage.is_full()) {
            Ok(())
        } else {
            Err(Failure::told(Exit::Partial))
        }
    }

    /// Prints the rows, and returns the command's tag.
    async fn answer(
        &self,
        peer: &mut Peer<Stream>,
        printer: &mut dyn Printer,
        progress: &mut Progress,
    ) -> Result<String, TalkError> {
        let mut last = String::new();
        query(peer, &self.statement, |told| {
            match told {
                Told::Columns(columns) => printer.columns(columns)?,
                Told::Row(row) => {
                    progress.clear();
                    printer.row(&row)?;
                }
                Told::Complete(tag) => tag.clone_into(&mut last),
                Told::Parameter(PROGRESS, value) => progress.show(value),
                Told::Parameter(..) => {}
                // Coverage is told in full at the end.
                Told::Notice(notice) if notice.message.starts_with(COVERAGE_WARNING) => {}
                Told::Notice(notice) => {
                    progress.clear();
                    eprintln!("{}: {}", notice.severity.as_str(), notice.message);
                }
            }
            Ok(())
        })
        .await?;
        Ok(last)
    }

    fn failed(&self, error: &TalkError) -> Failure {
        match error {
            TalkError::Refused(fields) => Failure::new(Exit::Failed, explained(fields, &self.statement)),
            other => Failure::new(Exit::Failed, other.to_string()),
        }
    }
}

/// Whether the connection can still be asked what was covered.
fn may_go_on(answered: &Result<String, TalkError>) -> bool {
    match answered {
        Ok(_) => true,
        Err(TalkError::Refused(fields)) => fields.severity == Severity::Error,
        Err(TalkError::Broke(_) | TalkError::Garbled(_)) => false,
    }
}

/// Says on standard error what was covered, where anything was asked.
fn tell(coverage: Option<&Coverage>) -> io::Result<()> {
    match coverage {
        Some(coverage) => coverage.print(&mut io::stderr().lock()),
        None => Ok(()),
    }
}

async fn set(peer: &mut Peer<Stream>, name: &str, value: &str) -> Result<(), Failure> {
    let sql = format!("SET {name} = '{}'", value.replace('\'', "''"));
    query(peer, &sql, |_| Ok(())).await.map_err(|error| Failure::new(Exit::Failed, error.to_string()))
}

/// `NAME=VALUE`, where NAME can stand in a SET as it is.
fn parse_setting(text: &str) -> Result<(String, String), String> {
    let is_name = |name: &str| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.".contains(&byte))
    };
    match text.split_once('=') {
        Some((name, value)) if is_name(name) => Ok((name.to_owned(), value.to_owned())),
        _ => Err(format!("{text:?} is not NAME=VALUE")),
    }
}

/// An error as psql shows it: with the line that it is about, and a mark under the place.
fn explained(fields: &Fields, statement: &str) -> String {
    let mut text = format!("{}: {}: {}", fields.severity.as_str(), fields.code, fields.message);
    if let Some((number, line, before)) = fields.position.and_then(|position| place(statement, position)) {
        let head = format!("LINE {number}: ");
        let mark = " ".repeat(table::width(&head) + table::width(&table::shown(before)));
        text.push_str(&format!("\n{head}{}\n{mark}^", table::shown(line)));
    }
    for (word, more) in [("DETAIL", &fields.detail), ("HINT", &fields.hint)] {
        if let Some(more) = more {
            text.push_str(&format!("\n{word}: {more}"));
        }
    }
    text
}

/// The line of a position that counts characters from 1, its number, and what stands before the position.
fn place(statement: &str, position: u32) -> Option<(usize, &str, &str)> {
    let nth = usize::try_from(position).ok()?.checked_sub(1)?;
    let at = statement.char_indices().map(|(at, _)| at).chain([statement.len()]).nth(nth)?;
    let start = statement[..at].rfind('\n').map_or(0, |end| end + 1);
    let end = statement[at..].find('\n').map_or(statement.len(), |length| at + length);
    Some((statement[..at].matches('\n').count() + 1, &statement[start..end], &statement[start..at]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::sqlstate;

    #[test]
    fn an_error_points_at_its_place() {
        let fields = Fields::error(sqlstate::SYNTAX_ERROR, "column \"w\" does not exist").with_hint("Try v.");
        let said = explained(&fields.clone().with_position(16), "SELECT v,\n 'é' w\nFROM t");
        assert_eq!(
            said,
            "ERROR: 42601: column \"w\" does not exist\nLINE 2:  'é' w\n             ^\nHINT: Try v."
        );
        assert_eq!(place("SELECT", 7), Some((1, "SELECT", "SELECT")));
        for outside in [0, 8, u32::MAX] {
            assert_eq!(place("SELECT", outside), None, "{outside}");
        }
    }

    #[test]
    fn a_setting_is_a_name_and_a_value() {
        let split = |name: &str, value: &str| Ok((name.to_owned(), value.to_owned()));
        assert_eq!(parse_setting("fanout.tier=t3"), split("fanout.tier", "t3"));
        assert_eq!(parse_setting("TimeZone=a=b"), split("TimeZone", "a=b"));
        for bad in ["", "=x", "fanout.tier", "a b=c", "a;b=c", "a'=c"] {
            assert!(parse_setting(bad).is_err(), "{bad:?} was taken");
        }
    }
}
