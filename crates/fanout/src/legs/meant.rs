//! What columns hold by the statement, beyond what their types let through: the name of the store, numbers of rows.

use super::outcome::Fault;
use sql::fanout::{Meaning, Piece};
use wire::frame::Reader;

/// Rows that home may have to make anew for one store, for each row that it may send (`fanout.leg_rows`).
const WEIGHT_FOR_ROW: u64 = 16;

/// Columns of one piece that are looked at for more than their shape.
#[derive(Debug, Default)]
pub(crate) struct Meant {
    columns: Vec<(usize, Meaning)>,
}

impl Meant {
    /// What the plan says of them. That a number of rows can be one is a matter of its shape.
    pub(crate) fn of(piece: &Piece) -> Self {
        let columns = piece.meanings.iter().filter(|(_, meaning)| *meaning != Meaning::Count);
        Self { columns: columns.copied().collect() }
    }

    /// Looks at a row of `user`'s store whose shape is right; `weight` is that of the rows before it.
    pub(crate) fn check(
        &self,
        body: &[u8],
        user: &str,
        weight: &mut u64,
        leg_rows: u64,
    ) -> Result<(), Fault> {
        if self.columns.is_empty() {
            return Ok(());
        }
        let mut reader = Reader::new(body);
        let count = reader.u16().unwrap_or_default();
        for at in 0..usize::from(count) {
            let value = reader.value().flatten();
            let meaning = self.columns.iter().find(|(column, _)| *column == at).map(|(_, meaning)| *meaning);
            match (meaning, value) {
                (Some(Meaning::Store), Some(name)) if name != user.as_bytes() => {
                    return Err(Fault::bad("it sent rows under another store's name"));
                }
                (Some(Meaning::Weight), Some(rows)) => {
                    let rows = std::str::from_utf8(rows).ok().and_then(|rows| rows.parse::<u64>().ok());
                    *weight = weight.saturating_add(rows.unwrap_or(u64::MAX));
                }
                _ => {}
            }
        }
        let most = leg_rows.saturating_mul(WEIGHT_FOR_ROW);
        if *weight > most {
            return Err(Fault::limit(&format!("home can make {most} rows of"), "16 times fanout.leg_rows"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Outcome;
    use wire::frame;

    #[test]
    fn names_are_the_stores_own_and_weights_are_bounded_together() {
        let columns = vec![(0, Meaning::Store), (1, Meaning::Weight), (2, Meaning::Count)];
        let piece = Piece { sql: String::new(), parameters: vec![], columns: vec![], meanings: columns };
        let meant = Meant::of(&piece);
        let mut weight = 0;
        let mut check = |name: Option<&[u8]>, rows: &[u8]| {
            let mut row = Vec::new();
            frame::data_row(&mut row, &[name, Some(rows), Some(b"9999")]);
            let checked = meant.check(&row[frame::HEADER_BYTES..], "alice", &mut weight, 10);
            checked.map_err(|fault| fault.outcome)
        };
        assert_eq!(check(Some(b"alice"), b"100"), Ok(()));
        assert_eq!(check(None, b"60"), Ok(()), "in the rows of NULLs of an outer join");
        assert_eq!(check(Some(b"bob"), b"0"), Err(Outcome::BadData));
        assert_eq!(check(Some(b"alice"), b"1"), Err(Outcome::Limit));
        assert_eq!(check(Some(b"alice"), b"18446744073709551615"), Err(Outcome::Limit));
    }
}
