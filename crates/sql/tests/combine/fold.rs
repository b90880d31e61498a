//! Adding rows of partials up as the gate may, by the plainest means.

use crate::house::Rows;
use sql::fanout::{Adding, Fold};

/// Rows with the same keys as one.
pub fn folded(rows: &Rows, fold: &Fold) -> Rows {
    let mut out: Rows = Vec::new();
    for row in rows {
        let known = out.iter_mut().find(|one| one[..fold.keys] == row[..fold.keys]);
        let Some(known) = known else {
            out.push(row.clone());
            continue;
        };
        for (at, adding) in fold.columns.iter().enumerate() {
            let (one, other) = (&known[fold.keys + at], &row[fold.keys + at]);
            known[fold.keys + at] = match (one, other) {
                (None, other) => other.clone(),
                (one, None) => one.clone(),
                (Some(one), Some(other)) => Some(added(*adding, one, other)),
            };
        }
    }
    out
}

fn added(adding: Adding, one: &str, other: &str) -> String {
    let (a, b) = (|| one.parse::<i128>().unwrap(), || other.parse::<i128>().unwrap());
    let both = |and: bool| match and {
        true => one == "t" && other == "t",
        false => one == "t" || other == "t",
    };
    let letter = |truth: bool| if truth { "t".to_owned() } else { "f".to_owned() };
    match adding {
        Adding::Integer => (a() + b()).to_string(),
        Adding::Numeric => decimal(one, other),
        Adding::SmallerInteger => a().min(b()).to_string(),
        Adding::LargerInteger => a().max(b()).to_string(),
        Adding::And => letter(both(true)),
        Adding::Or => letter(both(false)),
        Adding::BitAnd => (a() & b()).to_string(),
        Adding::BitOr => (a() | b()).to_string(),
        Adding::BitXor => (a() ^ b()).to_string(),
    }
}

/// The sum of two decimals of up to 38 digits.
fn decimal(one: &str, other: &str) -> String {
    if let Some(special) = [one, other].into_iter().find(|text| text.contains(['N', 'I'])) {
        let opposite = one != other && one.contains("Inf") && other.contains("Inf");
        let is_nan = [one, other].contains(&"NaN") || opposite;
        return if is_nan { "NaN".to_owned() } else { special.to_owned() };
    }
    let scale = |text: &str| text.split_once('.').map_or(0, |(_, tail)| tail.len());
    let most = scale(one).max(scale(other));
    let units = |text: &str| -> i128 {
        let digits = format!("{}{}", text.replace('.', ""), "0".repeat(most - scale(text)));
        digits.parse().unwrap()
    };
    let sum = units(one) + units(other);
    let digits = format!("{:0>width$}", sum.unsigned_abs(), width = most + 1);
    let (whole, tail) = digits.split_at(digits.len() - most);
    let sign = if sum < 0 { "-" } else { "" };
    if most == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{tail}") }
}
