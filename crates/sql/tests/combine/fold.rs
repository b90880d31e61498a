//! Adding rows of partials up as the gate may, by the plainest means.

use crate::house::Rows;
use sql::fanout::{Adding, Fold};

/// Rows with the same keys as one.
pub(crate) fn folded(rows: &Rows, fold: &Fold) -> Rows {
    let mut out: Rows = Vec::new();
    for row in rows {
        let known = out.iter_mut().find(|one| one[..fold.keys] == row[..fold.keys]);
        match known.and_then(|known| Some((both(known, row, fold)?, known))) {
            Some((both, known)) => *known = both,
            None => out.push(row.clone()),
        }
    }
    out
}

/// Two rows as one; `None` where a sum is too large, which leaves them as they are.
fn both(row: &[Option<String>], other: &[Option<String>], fold: &Fold) -> Option<Vec<Option<String>>> {
    let mut sum = row[..fold.keys].to_vec();
    for (at, adding) in fold.columns.iter().enumerate() {
        sum.push(match (&row[fold.keys + at], &other[fold.keys + at]) {
            (None, one) | (one, None) => one.clone(),
            (Some(one), Some(other)) => Some(added(*adding, one, other)?),
        });
    }
    Some(sum)
}

fn added(adding: Adding, one: &str, other: &str) -> Option<String> {
    let (a, b) = (|| one.parse::<i128>().unwrap(), || other.parse::<i128>().unwrap());
    let both = |and: bool| match and {
        true => one == "t" && other == "t",
        false => one == "t" || other == "t",
    };
    let letter = |truth: bool| if truth { "t".to_owned() } else { "f".to_owned() };
    Some(match adding {
        Adding::Integer => (a() + b()).to_string(),
        Adding::Numeric => decimal(one, other)?,
        Adding::SmallerInteger => a().min(b()).to_string(),
        Adding::LargerInteger => a().max(b()).to_string(),
        Adding::And => letter(both(true)),
        Adding::Or => letter(both(false)),
        Adding::BitAnd => (a() & b()).to_string(),
        Adding::BitOr => (a() | b()).to_string(),
        Adding::BitXor => (a() ^ b()).to_string(),
    })
}

/// The sum of two decimals of up to 38 digits.
fn decimal(one: &str, other: &str) -> Option<String> {
    if let Some(special) = [one, other].into_iter().find(|text| text.contains(['N', 'I'])) {
        return (special == "NaN").then(|| special.to_owned());
    }
    let scale = |text: &str| text.split_once('.').map_or(0, |(_, tail)| tail.len());
    let most = scale(one).max(scale(other));
    let units =
        |text: &str| format!("{}{}", text.replace('.', ""), "0".repeat(most - scale(text))).parse::<i128>();
    let sum = units(one).ok()?.checked_add(units(other).ok()?)?;
    let digits = format!("{:0>width$}", sum.unsigned_abs(), width = most + 1);
    let (whole, tail) = digits.split_at(digits.len() - most);
    let sign = if sum < 0 { "-" } else { "" };
    Some(if most == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{tail}") })
}
