//! One partial aggregate in text format, read, added to another and written as Postgres writes it.

use sql::fanout::Adding;
use std::fmt::Write as _;

/// A value that can be added. What Postgres would write otherwise, or what does not fit, is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Partial {
    /// Of an integer type.
    Integer(i64),
    /// Boolean.
    Bool(bool),
    /// `numeric` of up to 38 digits: `digits` · 10^-`scale`, with `scale` digits behind the point shown.
    Decimal {
        /// Without the point.
        digits: i128,
        /// Digits behind the point.
        scale: u16,
    },
}

impl Partial {
    /// Reads a value of a column that is added up so; `None` for what is left to home.
    pub(crate) fn read(adding: Adding, text: &[u8]) -> Option<Self> {
        match adding {
            Adding::Numeric => decimal(text),
            Adding::And | Adding::Or => match text {
                b"t" => Some(Self::Bool(true)),
                b"f" => Some(Self::Bool(false)),
                _ => None,
            },
            _ => integer(text).map(Self::Integer),
        }
    }

    /// Both together; `None` where the sum does not fit.
    pub(crate) fn add(self, other: Self, adding: Adding) -> Option<Self> {
        match (self, other) {
            (Self::Integer(a), Self::Integer(b)) => integers(adding, a, b).map(Self::Integer),
            (Self::Bool(a), Self::Bool(b)) => {
                Some(Self::Bool(if adding == Adding::And { a && b } else { a || b }))
            }
            (Self::Decimal { digits: a, scale: of_a }, Self::Decimal { digits: b, scale: of_b }) => {
                let scale = of_a.max(of_b);
                let digits = shifted(a, scale - of_a)?.checked_add(shifted(b, scale - of_b)?)?;
                Some(Self::Decimal { digits, scale })
            }
            _ => None,
        }
    }

    /// Appends it as Postgres writes it.
    pub(crate) fn put(self, text: &mut String) {
        match self {
            Self::Integer(number) => put_number(text, &number),
            Self::Bool(value) => text.push(if value { 't' } else { 'f' }),
            Self::Decimal { digits, scale } => put_decimal(text, digits, usize::from(scale)),
        }
    }
}

fn put_number(text: &mut String, number: &dyn std::fmt::Display) {
    // Writing to a String cannot fail.
    let _ = write!(text, "{number}");
}

fn put_decimal(text: &mut String, digits: i128, scale: usize) {
    if digits < 0 {
        text.push('-');
    }
    let start = text.len();
    put_number(text, &digits.unsigned_abs());
    let written = text.len() - start;
    if scale >= written {
        let zeros = scale + 1 - written;
        text.insert_str(start, &"0".repeat(zeros));
    }
    if scale > 0 {
        text.insert(text.len() - scale, '.');
    }
}

fn integers(adding: Adding, a: i64, b: i64) -> Option<i64> {
    match adding {
        Adding::Integer => a.checked_add(b),
        Adding::SmallerInteger => Some(a.min(b)),
        Adding::LargerInteger => Some(a.max(b)),
        Adding::BitAnd => Some(a & b),
        Adding::BitOr => Some(a | b),
        Adding::BitXor => Some(a ^ b),
        Adding::Numeric | Adding::And | Adding::Or => None,
    }
}

/// Digits with at most a minus in front; what else Rust reads as a number (`+1`) Postgres never writes.
fn integer(text: &[u8]) -> Option<i64> {
    if text.first() == Some(&b'+') {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

fn decimal(text: &[u8]) -> Option<Partial> {
    let (negative, unsigned) = text.strip_prefix(b"-").map_or((false, text), |rest| (true, rest));
    let point = memchr::memchr(b'.', unsigned);
    let (whole, fraction) = match point {
        Some(at) => (unsigned.get(..at)?, unsigned.get(at + 1..)?),
        None => (unsigned, &b""[..]),
    };
    if whole.is_empty() || (point.is_some() && fraction.is_empty()) {
        return None;
    }
    let scale = u16::try_from(fraction.len()).ok()?;
    let mut digits: i128 = 0;
    for byte in whole.iter().chain(fraction) {
        let digit = byte.checked_sub(b'0').filter(|digit| *digit < 10)?;
        digits = digits.checked_mul(10)?.checked_add(i128::from(digit))?;
    }
    Some(Partial::Decimal { digits: if negative { -digits } else { digits }, scale })
}

fn shifted(digits: i128, by: u16) -> Option<i128> {
    if digits == 0 {
        return Some(0);
    }
    digits.checked_mul(10_i128.checked_pow(u32::from(by))?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn added(adding: Adding, a: &str, b: &str) -> Option<String> {
        let both = Partial::read(adding, a.as_bytes())?.add(Partial::read(adding, b.as_bytes())?, adding)?;
        let mut text = String::new();
        both.put(&mut text);
        Some(text)
    }

    #[test]
    fn sums_are_written_as_postgres_writes_them() {
        let most = i64::MAX.to_string();
        let long = "9".repeat(38);
        let table: &[(Adding, &str, &str, Option<&str>)] = &[
            (Adding::Integer, "2", "-3", Some("-1")),
            (Adding::Integer, &most, "0", Some(&most)),
            (Adding::Integer, &most, "1", None),
            (Adding::Integer, "+1", "1", None),
            (Adding::Integer, "", "1", None),
            (Adding::Integer, "1.0", "1", None),
            (Adding::Numeric, "1.5", "1.50", Some("3.00")),
            (Adding::Numeric, "0.05", "-0.06", Some("-0.01")),
            (Adding::Numeric, "1.5", "-1.50", Some("0.00")),
            (Adding::Numeric, "0", "0.000", Some("0.000")),
            (Adding::Numeric, "-12", "2", Some("-10")),
            (Adding::Numeric, &long, "0", Some(&long)),
            (Adding::Numeric, &long, "0.1", None),
            (Adding::Numeric, "NaN", "1", None),
            (Adding::Numeric, "Infinity", "1", None),
            (Adding::Numeric, "1e5", "1", None),
            (Adding::Numeric, ".5", "1", None),
            (Adding::Numeric, "5.", "1", None),
            (Adding::Numeric, "-", "1", None),
            (Adding::Numeric, "1.5.5", "1", None),
            (Adding::SmallerInteger, "-7", "3", Some("-7")),
            (Adding::LargerInteger, "-7", "3", Some("3")),
            (Adding::And, "t", "f", Some("f")),
            (Adding::Or, "t", "f", Some("t")),
            (Adding::Or, "true", "f", None),
            (Adding::BitAnd, "-1", "6", Some("6")),
            (Adding::BitOr, "5", "-8", Some("-3")),
            (Adding::BitXor, "5", "1", Some("4")),
        ];
        for (adding, a, b, sum) in table {
            assert_eq!(added(*adding, a, b).as_deref(), *sum, "{adding:?} of {a} and {b}");
            assert_eq!(added(*adding, b, a).as_deref(), *sum, "{adding:?} of {b} and {a}");
        }
    }

    proptest! {
        #[test]
        fn what_is_read_is_written_back(whole in "-?(0|[1-9][0-9]{0,18})", fraction in "(\\.[0-9]{1,18})?") {
            let text = format!("{whole}{fraction}");
            prop_assume!(!text.starts_with("-0") || text.contains(|c: char| ('1'..='9').contains(&c)));
            let mut back = String::new();
            Partial::read(Adding::Numeric, text.as_bytes()).expect("a numeric").put(&mut back);
            prop_assert_eq!(back, text);
        }

        #[test]
        fn no_bytes_make_it_panic(a: Vec<u8>, b: Vec<u8>, scale: u16) {
            for adding in [Adding::Integer, Adding::Numeric, Adding::And, Adding::BitXor] {
                if let (Some(a), Some(b)) = (Partial::read(adding, &a), Partial::read(adding, &b)) {
                    let _ = a.add(b, adding);
                }
            }
            let _ = Partial::Decimal { digits: 1, scale }.add(Partial::Decimal { digits: 0, scale: 0 }, Adding::Numeric);
        }
    }
}
