//! What commands print: aligned columns for people, JSON for programs.

use super::Failure;
use serde::Serialize;
use std::io::Write as _;

/// How a listing is printed.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct Listing {
    /// Print JSON: one array of objects
    #[arg(long)]
    pub(crate) json: bool,
}

/// A row of a listing: its JSON is its `Serialize`, its columns are these.
pub(crate) trait Row: Serialize {
    /// Headings, in capitals.
    const HEADINGS: &'static [&'static str];

    /// One cell for each heading.
    fn cells(&self) -> Vec<String>;
}

impl Listing {
    /// Prints the rows.
    ///
    /// # Errors
    /// When nobody reads standard output any more.
    pub(crate) fn print<R: Row>(self, rows: &[R]) -> Result<(), Failure> {
        let text = if self.json {
            json(&rows)?
        } else {
            columns(R::HEADINGS, rows.iter().map(Row::cells).collect())
        };
        say(&text)
    }
}

/// Prints a line, or several.
///
/// # Errors
/// When nobody reads standard output any more.
pub(crate) fn say(text: &str) -> Result<(), Failure> {
    Ok(writeln!(std::io::stdout(), "{}", text.trim_end())?)
}

/// A value as JSON, indented.
///
/// # Errors
/// Never for the types printed here.
pub(crate) fn json(value: &impl Serialize) -> Result<String, Failure> {
    serde_json::to_string_pretty(value).map_err(|error| Failure::from(std::io::Error::from(error)))
}

fn columns(headings: &[&str], rows: Vec<Vec<String>>) -> String {
    let mut all = vec![headings.iter().map(|heading| (*heading).to_owned()).collect::<Vec<_>>()];
    all.extend(rows);
    let width = |at: usize| all.iter().filter_map(|row| row.get(at)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..headings.len()).map(|at| width(at).unwrap_or(0)).collect();
    let mut text = String::new();
    for row in &all {
        let line: Vec<String> =
            row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        text.push_str(line.join("  ").trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let row = |cells: [&str; 2]| cells.map(str::to_owned).to_vec();
        let text = columns(&["NAME", "X"], vec![row(["a", "1"]), row(["längste", ""])]);
        assert_eq!(text, "NAME     X\na        1\nlängste\n");
    }
}
