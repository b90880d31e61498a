//! Points in time on the command line, in seconds since the Unix epoch.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Reads when something ends: a date or time (UTC), or from now on: `90d`, `12h`.
///
/// # Errors
/// What would be understood.
pub(crate) fn parse_end(text: &str) -> Result<i64, String> {
    match humantime::parse_duration(text) {
        Ok(duration) => seconds(SystemTime::now() + duration),
        Err(_) => parse_moment(text),
    }
}

/// Reads a date (its first moment) or time, in UTC.
///
/// # Errors
/// What would be understood.
pub(crate) fn parse_moment(text: &str) -> Result<i64, String> {
    let whole = if text.len() == "2030-01-31".len() { format!("{text}T00:00:00Z") } else { text.to_owned() };
    let moment = humantime::parse_rfc3339_weak(&whole).map_err(|_| {
        format!("{text:?} is not a time: write 2030-01-31, 2030-01-31T12:00:00Z or, from now, 90d")
    })?;
    seconds(moment)
}

/// Writes a point in time as RFC 3339 does, in UTC.
#[must_use]
pub(crate) fn format(seconds: i64) -> String {
    let since = Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
    UNIX_EPOCH.checked_add(since).map_or_else(
        || "never".to_owned(),
        // The formatter ends with the year 9999.
        |moment| {
            if seconds > 253_402_300_799 {
                "never".to_owned()
            } else {
                humantime::format_rfc3339_seconds(moment).to_string()
            }
        },
    )
}

/// Now.
#[must_use]
pub(crate) fn now() -> i64 {
    seconds(SystemTime::now()).unwrap_or(0)
}

fn seconds(moment: SystemTime) -> Result<i64, String> {
    let since =
        moment.duration_since(UNIX_EPOCH).map_err(|_| "a time before 1970 makes no end".to_owned())?;
    i64::try_from(since.as_secs()).map_err(|_| "that is too far away".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_times_and_spans_are_read() {
        assert_eq!(parse_moment("2030-01-31"), Ok(1_896_048_000));
        assert_eq!(parse_moment("2030-01-31T12:00:00Z"), Ok(1_896_091_200));
        assert_eq!(parse_moment("2030-01-31 12:00:00"), Ok(1_896_091_200));
        let tomorrow = parse_end("1d").expect("a day");
        assert!((now() + 86_390..=now() + 86_410).contains(&tomorrow));
        for bad in ["", "soon", "2030-13-01", "1960-01-01", "31.1.2030"] {
            assert!(parse_moment(bad).is_err(), "{bad} was read");
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        assert_eq!(format(1_896_091_200), "2030-01-31T12:00:00Z");
        assert_eq!(format(i64::MAX), "never");
    }
}
