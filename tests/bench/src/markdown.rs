//! The report as Markdown, and its place in a page.

use crate::machine::Machine;
use crate::report::{Section, Table, Verdict};
use anyhow::{Context, Result};
use std::path::Path;

/// Between these two lines a page is the bench's.
const BEGIN: &str = "<!-- bench: begin -->";
const END: &str = "<!-- bench: end -->";

/// The whole report; `plots` is where its plots are, if they were drawn.
pub(crate) fn report(machine: &Machine, sections: &[Section], plots: Option<&Path>) -> String {
    let mut text = String::from("## Goals\n\n");
    text += &verdicts(sections.iter().flat_map(|section| &section.verdicts));
    text += "\n## The run\n\n";
    for (name, value) in machine.rows() {
        text += &format!("- {name}: {value}\n");
    }
    for section in sections {
        text += &one(section, plots);
    }
    text
}

fn one(section: &Section, plots: Option<&Path>) -> String {
    let mut text = format!("\n## {}\n\n", section.title);
    for note in &section.notes {
        text += &format!("{note}\n");
    }
    if let Some(failure) = &section.failure {
        text += &format!("\n**Not measured**: {failure}\n");
    }
    for shown in &section.tables {
        text += &format!("\n{}:\n\n{}", shown.caption, table(shown));
    }
    if let Some(folder) = plots {
        for plot in &section.plots {
            let path = folder.join(plot.name).with_extension("svg");
            text += &format!("\n![{}]({})\n", plot.title, path.display());
        }
    }
    text
}

fn verdicts<'v>(all: impl Iterator<Item = &'v Verdict>) -> String {
    let rows = all.map(|verdict| {
        let measured = verdict.figure(verdict.measured);
        vec![verdict.goal.clone(), verdict.wanted(), measured, verdict.word()]
    });
    let head = ["work", "goal", "measured", "verdict"].map(str::to_owned).to_vec();
    table(&Table { caption: String::new(), head, rows: rows.collect() })
}

fn table(shown: &Table) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let rule = format!("|{}\n", "---|".repeat(shown.head.len()));
    line(&shown.head) + &rule + &shown.rows.iter().map(|row| line(row)).collect::<String>()
}

/// Puts a report into a page, in place of the one that is there.
pub(crate) fn document(page: &Path, report: &str) -> Result<()> {
    let text = std::fs::read_to_string(page).with_context(|| page.display().to_string())?;
    let replaced = replaced(&text, report)
        .with_context(|| format!("{} lacks the lines {BEGIN} and {END}", page.display()))?;
    Ok(std::fs::write(page, replaced)?)
}

fn replaced(page: &str, report: &str) -> Option<String> {
    let (before, rest) = page.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n\n{report}\n{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Bound;

    #[test]
    fn a_report_takes_the_place_of_the_one_before() {
        let page = format!("# Title\n\n{BEGIN}\nold\n{END}\nfoot\n");
        let once = replaced(&page, "new").unwrap();
        assert_eq!(once, format!("# Title\n\n{BEGIN}\n\nnew\n{END}\nfoot\n"));
        assert_eq!(replaced(&once, "new").unwrap(), once);
        assert_eq!(replaced("no marks", "new"), None);
    }

    #[test]
    fn a_table_has_a_line_for_each_goal() {
        let goal = Verdict::new("CPU", 1.2, "×", Bound::AtMost(1.0));
        let text = verdicts([goal].iter());
        assert!(
            text.ends_with("|---|---|---|---|\n| CPU | ≤ 1 × | 1.20 × | **missed by 20.0 %** |\n"),
            "{text}"
        );
    }
}
