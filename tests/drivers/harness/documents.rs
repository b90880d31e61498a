//! The table of clients in docs/compatibility.md.

use crate::differences::Difference;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use stuffgate_tests::Target;

/// Environment variable that has rows written instead of checked.
const WRITE: &str = "STUFFGATE_WRITE_DOCS";
/// The table's head.
const HEAD: &str = "| client | version | schema partition | database partition | what differs, and why | alone |\n\
                    |---|---|---|---|---|---|\n";

/// One client's row.
pub(crate) struct Row {
    pub(crate) test: String,
    pub(crate) client: String,
    pub(crate) version: String,
    pub(crate) schema: String,
    pub(crate) database: String,
    pub(crate) why: String,
}

impl Row {
    fn text(&self) -> String {
        let Self { test, client, version, schema, database, why } = self;
        let why = if why.is_empty() { "nothing" } else { why };
        format!("| {client} | {version} | {schema} | {database} | {why} | `tests/run {test}` |")
    }
}

/// What differs, and why: cases with the same reason together, with where they differ.
pub(crate) fn why(differences: &[&Difference]) -> String {
    let mut cases: BTreeMap<(&str, &str), BTreeSet<Target>> = BTreeMap::new();
    for difference in differences {
        cases.entry((difference.reason, difference.case)).or_default().insert(difference.target);
    }
    let mut reasons: BTreeMap<(&str, BTreeSet<Target>), Vec<String>> = BTreeMap::new();
    for ((reason, case), targets) in cases {
        reasons.entry((reason, targets)).or_default().push(format!("`{case}`"));
    }
    let told = reasons.into_iter().map(|((reason, targets), cases)| {
        let places: Vec<&str> = targets.into_iter().map(Target::word).collect();
        format!("{} ({}): {reason}", cases.join(", "), places.join(", "))
    });
    told.collect::<Vec<_>>().join("; ")
}

/// Checks a client's row, or writes it when asked to.
pub(crate) fn check(row: &Row) {
    let wanted = row.text();
    if std::env::var_os(WRITE).is_some() {
        return write(row);
    }
    let found = rows(&read()).into_iter().find(|text| test_of(text) == row.test);
    assert_eq!(
        found.as_deref(),
        Some(wanted.as_str()),
        "docs/compatibility.md does not say this (right) of {}; {WRITE}=1 writes it",
        row.test
    );
}

/// Every row of the table names a test that there is.
pub(crate) fn every_row_has_its_test() {
    let program = std::env::current_exe().unwrap();
    let told = Command::new(program).args(["--list", "--format", "terse"]).output().unwrap();
    let told = String::from_utf8(told.stdout).unwrap();
    let tests: Vec<&str> = told.lines().filter_map(|line| line.strip_suffix(": test")).collect();
    for row in rows(&read()) {
        let end = format!("::{}", test_of(&row));
        assert!(tests.iter().any(|test| test.ends_with(&end)), "no test runs the client of: {row}");
    }
}

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/compatibility.md")
}

fn read() -> String {
    fs::read_to_string(path()).unwrap()
}

/// The table's rows as they stand.
fn rows(text: &str) -> Vec<String> {
    let table = text.split_once(HEAD).unwrap_or_else(|| panic!("no table with this head:\n{HEAD}")).1;
    table.lines().take_while(|line| line.starts_with('|')).map(str::to_owned).collect()
}

/// The test that a row names in its last column.
fn test_of(row: &str) -> &str {
    let last = row.trim_end_matches(" |").rsplit("| ").next().unwrap_or_default();
    last.trim_matches('`').strip_prefix("tests/run ").unwrap_or_default()
}

/// Puts a row into the table, which stays sorted by its text.
fn write(row: &Row) {
    // Tests are processes of their own, and several may write.
    let lock = File::create(Path::new(env!("CARGO_TARGET_TMPDIR")).join("compatibility.lock")).unwrap();
    lock.lock().unwrap();
    let text = read();
    let before = rows(&text);
    let mut after: Vec<String> = before.iter().filter(|text| test_of(text) != row.test).cloned().collect();
    after.push(row.text());
    after.sort_by_key(|text| text.to_lowercase());
    let table = |rows: &[String]| rows.iter().map(|row| format!("{row}\n")).collect::<String>();
    let text = text.replacen(&format!("{HEAD}{}", table(&before)), &format!("{HEAD}{}", table(&after)), 1);
    fs::write(path(), text).unwrap();
}
