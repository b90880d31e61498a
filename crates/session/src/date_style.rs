//! `DateStyle`, of which a statement may set one half and leave the other as it is.

use crate::parameters::Value;

/// What decides how dates and times are written, and in which order a date's fields are read (PostgreSQL manual,
/// "Date/Time Output").
#[derive(Default)]
struct Halves {
    style: Option<String>,
    order: Option<&'static str>,
}

/// The parameter's name.
pub(crate) const NAME: &str = "datestyle";

/// `next` with what it leaves of `now`, which was in force: both halves, as far as they are known.
pub(crate) fn following(now: Option<&Value>, next: Value) -> Value {
    let (Some(now), Some(set)) = (now.and_then(Halves::of), Halves::of(&next)) else { return next };
    let order = set.order.or(now.order).map(str::to_owned);
    let halves: Vec<String> = set.style.or(now.style).into_iter().chain(order).collect();
    Value::Text(halves.join(", "))
}

impl Halves {
    /// `None` where it says something else, or leaves it to the server's default.
    fn of(value: &Value) -> Option<Self> {
        let (Value::Text(text) | Value::Sql(text)) = value;
        let mut halves = Self::default();
        for word in text.split(',') {
            let word = word.trim_matches(|c: char| c.is_whitespace() || matches!(c, '\'' | '"'));
            let word = word.to_ascii_lowercase();
            match order(&word) {
                Some(order) => halves.order = Some(order),
                None if is_style(&word) => halves.style = Some(word),
                None => return None,
            }
        }
        // German dates have their order with them.
        let german = halves.style.as_deref().is_some_and(|style| style.starts_with("german"));
        halves.order = halves.order.or(german.then_some("dmy"));
        Some(halves)
    }
}

fn order(word: &str) -> Option<&'static str> {
    match word {
        "ymd" => Some("ymd"),
        "dmy" => Some("dmy"),
        "mdy" | "us" => Some("mdy"),
        _ if word.starts_with("euro") => Some("dmy"),
        _ if word.starts_with("noneuro") => Some("mdy"),
        _ => None,
    }
}

fn is_style(word: &str) -> bool {
    matches!(word, "iso" | "sql") || word.starts_with("postgres") || word.starts_with("german")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_half_that_is_not_named_stays_as_it_was() {
        for (now, next, expected) in [
            ("SQL, DMY", "Postgres", "postgres, dmy"),
            ("SQL, DMY", "YMD", "sql, ymd"),
            ("SQL", "European", "sql, dmy"),
            ("German", "ISO", "iso, dmy"),
            ("ISO, MDY", "German", "german, dmy"),
            ("ISO, MDY", "German, YMD", "german, ymd"),
            ("sql, noneuropean", "iso", "iso, mdy"),
            ("ISO, MDY", "DEFAULT", "DEFAULT"),
            ("ISO, MDY", "nonsense", "nonsense"),
        ] {
            let (now, next) = (Value::Text(now.to_owned()), Value::Text(next.to_owned()));
            assert_eq!(following(Some(&now), next), Value::Text(expected.to_owned()), "{now:?}");
        }
        let (now, raw) = (Value::Text("SQL, DMY".to_owned()), Value::Sql("\"ISO\", 'US'".to_owned()));
        assert_eq!(following(Some(&now), raw.clone()), Value::Text("iso, mdy".to_owned()));
        assert_eq!(following(None, raw.clone()), raw);
    }
}
