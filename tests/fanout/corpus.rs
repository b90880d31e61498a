//! The corpus: queries in files, one file a subject, and what is known of each.
//!
//! A file is paragraphs. One of `--` lines alone is a remark; in any other, lines `-- @…` ahead of the query mark it:
//!
//! - `ordered`: ORDER BY leaves nothing open, so that rows are compared in order
//! - `about`, `about real`: float aggregates may be off by 1e-9, or 1e-4 for `sum(real)`
//! - `scale`: a numeric stands for equal ones of other scales
//! - `with a | b | NULL`: values of parameters; not sent as a simple query
//! - `at t2 t1`: must be answered at these tiers when they are forced, not only may
//! - `oracle SQL`: what the oracle is asked instead
//! - `refused 0A000`: the gate's error; several codes are alternatives

use crate::compare::Open;

/// One query.
#[derive(Clone, Debug, Default)]
pub(crate) struct Case {
    pub(crate) subject: String,
    pub(crate) sql: String,
    pub(crate) open: Open,
    pub(crate) values: Option<Vec<Option<String>>>,
    pub(crate) tiers: Vec<String>,
    pub(crate) oracle: Option<String>,
    pub(crate) refused: Vec<String>,
}

impl Case {
    /// What the oracle is asked.
    pub(crate) fn for_oracle(&self) -> &str {
        self.oracle.as_deref().unwrap_or(&self.sql)
    }

    /// The schema in which the oracle is asked.
    pub(crate) fn schema(&self) -> &'static str {
        if self.for_oracle().contains("_store") { "stores" } else { "public" }
    }

    fn mark(&mut self, mark: &str) {
        let (word, rest) = mark.split_once(' ').unwrap_or((mark, ""));
        let words = || rest.split_whitespace().map(str::to_owned).collect();
        match (word, rest) {
            ("ordered", "") => self.open.ordered = true,
            ("about", "") => self.open.about = 1e-9,
            ("about", "real") => self.open.about = 1e-4,
            ("scale", "") => self.open.scale = true,
            ("with", _) => {
                let value = |text: &str| Some(text.trim().to_owned()).filter(|text| text != "NULL");
                self.values = Some(rest.split('|').map(value).collect());
            }
            ("at", _) => self.tiers = words(),
            ("oracle", _) => self.oracle = Some(rest.to_owned()),
            ("refused", _) => self.refused = words(),
            _ => panic!("what does the mark {mark:?} mean?"),
        }
    }
}

/// What only newer versions of Postgres can be asked.
pub(crate) fn newer() -> Vec<Case> {
    read("newer", include_str!("corpus/newer.sql"))
}

/// Reads a file's queries.
pub(crate) fn read(subject: &str, text: &str) -> Vec<Case> {
    text.split("\n\n").filter_map(|paragraph| case(subject, paragraph)).collect()
}

fn case(subject: &str, paragraph: &str) -> Option<Case> {
    let mut case = Case { subject: subject.to_owned(), ..Case::default() };
    let mut rest = paragraph.trim();
    while let Some(line) = rest.strip_prefix("-- ") {
        let (line, after) = line.split_once('\n').unwrap_or((line, ""));
        if let Some(mark) = line.strip_prefix('@') {
            case.mark(mark.trim());
        }
        rest = after;
    }
    case.sql = rest.strip_suffix(';').unwrap_or(rest).to_owned();
    (!case.sql.is_empty()).then_some(case)
}

/// The part of the corpus that is asked for while looking at something; how many are answered is not judged then.
pub(crate) fn part() -> Option<String> {
    std::env::var("STUFFGATE_QUERIES").ok()
}

macro_rules! subjects {
    ($($name:literal),+ $(,)?) => {
        /// Every subject and its queries; with `STUFFGATE_QUERIES`, those that contain its text.
        pub(crate) fn all() -> Vec<Case> {
            let mut all = [$(read($name, include_str!(concat!("corpus/", $name, ".sql")))),+].concat();
            if let Some(part) = part() {
                all.retain(|case: &Case| case.subject == part || case.sql.contains(&part));
            }
            all
        }
    };
}

subjects!(
    "aggregates",
    "arrays",
    "catalog",
    "copies",
    "ctes",
    "dates",
    "distinct",
    "errors",
    "expressions",
    "filters",
    "float_aggregates",
    "grouping",
    "grouping_sets",
    "having",
    "joins",
    "json",
    "names",
    "ordered_sets",
    "orders",
    "parameters",
    "rows",
    "set_operations",
    "statistics",
    "stores",
    "subqueries",
    "views",
    "windows",
);
