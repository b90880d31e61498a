//! What EXPLAIN is asked to show, and how (PostgreSQL manual, "EXPLAIN").

use super::refusal::Refusal;

/// How a plan is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Shown {
    /// As lines of text.
    #[default]
    Text,
    /// As one value of type `json`.
    Json,
}

/// Options that say of a plan of Postgres what a fan-out's does not have: they may stand there.
const OTHERS: [&str; 11] = [
    "verbose",
    "costs",
    "settings",
    "generic_plan",
    "buffers",
    "wal",
    "timing",
    "summary",
    "memory",
    "serialize",
    "io",
];

/// What options say, each given as its words.
pub(super) fn options(options: &[Vec<&str>]) -> Result<Shown, Refusal> {
    let mut shown = Shown::default();
    for option in options {
        let (name, value) = match option.as_slice() {
            [name] => (name.to_ascii_lowercase(), String::new()),
            [name, value] => (name.to_ascii_lowercase(), value.trim_matches('\'').to_ascii_lowercase()),
            _ => return Err(Refusal::unread("an option of EXPLAIN")),
        };
        match name.as_str() {
            "analyze" | "analyse" if ["false", "off", "0"].contains(&value.as_str()) => {}
            "analyze" | "analyse" => return Err(analyzed()),
            "format" => shown = format(&value)?,
            other if OTHERS.contains(&other) => {}
            other => return Err(wrong("42601", format!("unrecognized EXPLAIN option \"{other}\""))),
        }
    }
    Ok(shown)
}

fn format(value: &str) -> Result<Shown, Refusal> {
    match value {
        "text" => Ok(Shown::Text),
        "json" => Ok(Shown::Json),
        "xml" | "yaml" => Err(Refusal::unsupported(
            format!("EXPLAIN (FORMAT {value}) is not supported in a fan-out"),
            "Use FORMAT TEXT or FORMAT JSON.",
        )),
        other => {
            Err(wrong("22023", format!("unrecognized value for EXPLAIN option \"format\": \"{other}\"")))
        }
    }
}

fn wrong(sqlstate: &'static str, message: String) -> Refusal {
    Refusal {
        sqlstate,
        message,
        hint: "EXPLAIN (FORMAT JSON) and EXPLAIN are answered.".to_owned(),
        unread: false,
    }
}

/// EXPLAIN would run the statement.
pub(super) fn analyzed() -> Refusal {
    Refusal::unsupported(
        "EXPLAIN ANALYZE is not supported in a fan-out",
        "EXPLAIN without ANALYZE shows the tier and the statements; stuffgate.legs shows what each store took.",
    )
}
