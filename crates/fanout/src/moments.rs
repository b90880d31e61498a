//! Parameters that mean another moment to every clock: `today` and the like, sent as text.

use crate::Values;
use crate::error;
use sql::fanout::{Parameter, Plan};
use wire::Fields;

/// Numbers of `date`, `time`, `timestamp`, `timestamptz`, `timetz`, and of arrays of them.
const TIMES: [u32; 10] = [1082, 1083, 1114, 1184, 1266, 1182, 1183, 1115, 1185, 1270];

/// Words that are read by the clock of whoever reads them (PostgreSQL manual, "Special Date/Time Inputs").
const WORDS: [&str; 4] = ["now", "today", "tomorrow", "yesterday"];

/// Whether stores would read one of the client's parameters by their own clocks, of which a statement has one.
///
/// # Errors
/// 0A000
pub(crate) fn check(plan: &Plan, types: &[u32], values: &Values) -> Result<(), Box<Fields>> {
    let asked = plan.pieces.iter().flat_map(|piece| &piece.parameters);
    for parameter in asked {
        let Parameter::Client(at) = *parameter else { continue };
        let is_time = types.get(at).is_some_and(|kind| TIMES.contains(kind)) && values.format(at) == 0;
        let value = values.parameters.get(at).and_then(Option::as_deref);
        if is_time && value.is_some_and(says_a_moment) {
            return Err(error::moment(at + 1));
        }
    }
    Ok(())
}

fn says_a_moment(value: &[u8]) -> bool {
    let mut words = value.split(|byte| !byte.is_ascii_alphabetic());
    words.any(|word| WORDS.iter().any(|moment| word.eq_ignore_ascii_case(moment.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_count_and_not_what_they_are_parts_of() {
        for said in ["now", "today", " Tomorrow 12:00", "12:00 YESTERDAY", "{2020-01-01,now}"] {
            assert!(says_a_moment(said.as_bytes()), "{said}");
        }
        for not in ["", "2020-01-01", "infinity", "nov 3 2020", "known", "epoch"] {
            assert!(!says_a_moment(not.as_bytes()), "{not}");
        }
    }
}
