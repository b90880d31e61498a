//! Functions of Postgres that a store computes as home would.

use super::catalog::{Called, Catalog};
use super::traits::Kind;
use sqlparser::ast::Value;

/// What is known of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    /// GREATEST and LEAST: by the order of its arguments.
    Compares,
    /// COALESCE and NULLIF: one of its arguments.
    Chooses,
    /// The query's one point in time.
    Moment(Kind),
    /// Any other.
    Computes {
        /// Depends on the default collation.
        collates: bool,
        /// May raise an error.
        can_fail: bool,
        /// What it returns.
        is: Kind,
    },
}

/// Immutable, never an error, and never by a collation: for any argument.
const SURE: [&str; 16] = [
    "length",
    "char_length",
    "character_length",
    "octet_length",
    "bit_length",
    "btrim",
    "ltrim",
    "rtrim",
    "left",
    "right",
    "replace",
    "strpos",
    "reverse",
    "md5",
    "starts_with",
    "isfinite",
];

/// Immutable, and never by a collation, whatever their arguments.
const NEUTRAL: [&str; 35] = [
    "age",
    "substr",
    "substring",
    "lpad",
    "rpad",
    "repeat",
    "split_part",
    "translate",
    "ascii",
    "chr",
    "encode",
    "decode",
    "sha256",
    "sha224",
    "sha384",
    "sha512",
    "to_hex",
    "abs",
    "ceil",
    "ceiling",
    "floor",
    "round",
    "trunc",
    "sign",
    "mod",
    "div",
    "power",
    "sqrt",
    "exp",
    "ln",
    "log",
    "date_bin",
    "make_date",
    "make_interval",
    "array_length",
];

/// Not immutable only because of settings that every leg pins to the client's.
const PINNED: [&str; 15] = [
    "date_trunc",
    "date_part",
    "timezone",
    "to_char",
    "to_date",
    "to_timestamp",
    "to_number",
    "concat",
    "concat_ws",
    "make_timestamptz",
    "array_to_string",
    "jsonb_build_object",
    "json_build_object",
    "to_json",
    "to_jsonb",
];

/// Whether the second argument of a function is a pattern such as `YYYY-MM`.
pub(crate) fn has_pattern(name: &str) -> bool {
    matches!(name, "to_char" | "to_date" | "to_timestamp" | "to_number")
}

/// Whether a pattern says nothing that `lc_time`, `lc_numeric` or `lc_monetary` decide: those are not pinned, since
/// not every store has every locale.
pub(crate) fn is_plain_pattern(pattern: &Value) -> bool {
    let Value::SingleQuotedString(pattern) = pattern else { return false };
    let pattern = pattern.to_ascii_uppercase();
    let of_numbers = pattern.contains(['9', '0']);
    let by_locale = of_numbers && pattern.contains(['L', 'D', 'G']);
    !by_locale && !pattern.contains("TM")
}

/// What is known of the function that is called so.
pub(crate) fn known(called: &Called, arguments: usize, catalog: &Catalog) -> Option<Known> {
    if called.schema.as_deref().is_some_and(|schema| schema != "pg_catalog") {
        return None;
    }
    let name = called.name.as_str();
    if called.schema.is_none() {
        match (name, arguments) {
            ("coalesce" | "nullif", _) => return Some(Known::Chooses),
            ("greatest" | "least", _) => return Some(Known::Compares),
            _ => {}
        }
    }
    if moment(name).is_some() && arguments == 0 {
        return Some(Known::Moment(Kind::Plain));
    }
    let overloads = catalog.functions.iter().filter(|function| function.called == *called);
    let mut overloads = overloads.filter(|function| function.arguments.contains(&arguments)).peekable();
    overloads.peek()?;
    let pinned = PINNED.contains(&name);
    let ours = overloads.all(|function| {
        function.schema == "pg_catalog"
            && function.kind == 'f'
            && !function.returns_set
            && (function.volatility == 'i' || (pinned && function.volatility == 's'))
    });
    ours.then(|| {
        let sure = SURE.contains(&name);
        let neutral = sure || pinned || NEUTRAL.contains(&name);
        Known::Computes { collates: !neutral, can_fail: !sure, is: Kind::Unknown }
    })
}

/// The type that a name for the current time is cast to, from the query's point in time.
pub(crate) fn moment(name: &str) -> Option<&'static str> {
    Some(match name {
        "now" | "current_timestamp" | "transaction_timestamp" | "statement_timestamp" => "timestamptz",
        "current_date" => "date",
        "current_time" => "timetz",
        "localtime" => "time",
        "localtimestamp" => "timestamp",
        _ => return None,
    })
}
