//! Tier T2 on home: what the stores brought becomes arrays, one for each column, and home one statement over them.

use crate::array::Array;
use crate::error;
use crate::fold::Folding;
use wire::Fields;
use wire::frame::{HEADER_BYTES, Header, MAX_BODY_BYTES, Reader};

/// Room for the rest of a Bind beside its arrays, in bytes.
const BIND_BYTES: usize = 1024 * 1024;

/// The columns of partial rows.
#[derive(Debug)]
pub(crate) struct Columns(Vec<Array>);

impl Columns {
    /// As many as the piece has.
    pub(crate) fn new(count: usize) -> Self {
        Self((0..count).map(|_| Array::new()).collect())
    }

    /// Adds the rows of DataRow messages that stand one behind the other.
    pub(crate) fn push_messages(&mut self, messages: &[u8]) {
        for body in bodies(messages) {
            let mut row = Reader::new(body);
            let _count = row.u16();
            for column in &mut self.0 {
                column.push(row.value().flatten());
            }
        }
    }

    /// Adds what folding has left.
    pub(crate) fn push_folded(&mut self, folding: Folding) {
        folding.finish(|row| {
            for (column, value) in self.0.iter_mut().zip(row) {
                column.push(*value);
            }
        });
    }

    /// The arrays, if one statement can take them.
    ///
    /// # Errors
    /// 54000: they are too long for any message.
    pub(crate) fn into_arrays(self) -> Result<Vec<Vec<u8>>, Box<Fields>> {
        let bytes: usize = self.0.iter().map(Array::len).sum();
        if bytes + BIND_BYTES > MAX_BODY_BYTES as usize {
            return Err(error::too_many_groups(bytes));
        }
        Ok(self.0.into_iter().map(Array::into_bytes).collect())
    }
}

/// The bodies of messages that stand one behind the other.
pub(crate) fn bodies(mut messages: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let header = Header::peek(messages).ok().flatten()?;
        let (message, rest) = messages.split_at_checked(header.total())?;
        messages = rest;
        message.get(HEADER_BYTES..)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::frame;

    #[test]
    fn rows_become_one_array_for_each_column() {
        let mut rows = Vec::new();
        frame::data_row(&mut rows, &[Some(b"a"), Some(b"1")]);
        frame::data_row(&mut rows, &[None, Some(b"2")]);
        let mut columns = Columns::new(2);
        columns.push_messages(&rows);
        let arrays = columns.into_arrays().expect("short");
        assert_eq!(arrays, [br#"{"a",NULL}"#.to_vec(), br#"{"1","2"}"#.to_vec()]);
    }
}
