//! Scripts of SQL: steps with a reason each, run as one transaction or printed to be run by hand.

use crate::StoreError;
use crate::error::CONFLICT;
use crate::link::Link;
use model::partition::quote_literal;

/// One statement, or a few that belong together. Running it twice changes nothing more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    /// What it does; completes "refused to …".
    pub(crate) doing: String,
    /// Complete statements, each with its semicolon.
    pub(crate) sql: String,
}

impl Step {
    pub(crate) fn new(doing: impl Into<String>, sql: impl Into<String>) -> Self {
        Self { doing: doing.into(), sql: sql.into() }
    }
}

/// `body` as a PL/pgSQL block.
pub(crate) fn block(body: &str) -> String {
    let mut tag = "$do$".to_owned();
    while body.contains(&tag) {
        tag.insert(1, '_');
    }
    format!("DO {tag}\nBEGIN\n{body}\nEND\n{tag};")
}

/// A PL/pgSQL statement that ends the script because something is in the way.
pub(crate) fn raise(message: &str) -> String {
    format!("RAISE EXCEPTION USING ERRCODE = '{CONFLICT}', MESSAGE = {};", quote_literal(message))
}

/// The script as text for psql.
pub(crate) fn print(steps: &[Step]) -> String {
    steps.iter().map(|step| format!("-- {}\n{}\n\n", one_line(&step.doing), step.sql)).collect()
}

/// Begins a transaction. One that an interrupted call left open is given up first.
pub(crate) async fn begin(link: &Link) -> Result<(), StoreError> {
    link.batch("begin", "ROLLBACK; BEGIN").await
}

/// Commits.
pub(crate) async fn commit(link: &Link) -> Result<(), StoreError> {
    link.batch("commit", "COMMIT").await
}

/// Runs the steps inside the transaction that is open; the first refusal rolls it back.
pub(crate) async fn run(link: &Link, steps: &[Step]) -> Result<(), StoreError> {
    for step in steps {
        if let Err(error) = link.batch(&step.doing, &step.sql).await {
            // The refusal is what matters; a connection that cannot even roll back is gone anyway.
            let _ = link.batch("roll back", "ROLLBACK").await;
            return Err(error);
        }
    }
    Ok(())
}

/// Runs the steps as one transaction.
pub(crate) async fn transact(link: &Link, steps: &[Step]) -> Result<(), StoreError> {
    begin(link).await?;
    run(link, steps).await?;
    commit(link).await
}

/// A comment ends with its line, whatever names are in it.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blocks_quotes_do_not_end_inside_it() {
        assert_eq!(block("x"), "DO $do$\nBEGIN\nx\nEND\n$do$;");
        assert_eq!(block("$do$ $_do$"), "DO $__do$\nBEGIN\n$do$ $_do$\nEND\n$__do$;");
    }

    #[test]
    fn a_printed_comment_holds_no_statement() {
        let step = Step::new("x\nDROP TABLE y", "SELECT 1;");
        assert_eq!(print(&[step]), "-- x DROP TABLE y\nSELECT 1;\n\n");
    }
}
