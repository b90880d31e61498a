//! The rows of a store's catalog in the client's own terms.

use crate::look::{Look, MAX_LOOK_BYTES, SchemaNames};
use crate::state::State;
use model::partition::quote_identifier;
use relay::{Rows, ServerFault};
use sql::{Kind, Shown};
use wire::frame::{self, HEADER_BYTES, Reader, backend};

impl State {
    /// Of a text's statements, those whose rows may carry the schema's true name.
    pub(crate) fn rows_to_show(&self, look: &Look, names: Option<&SchemaNames>) -> Rows {
        if names.and_then(SchemaNames::distinct).is_none() {
            return Rows::NONE;
        }
        Rows::of(look.analysis.statements.iter().map(|statement| {
            statement.catalog || (self.catalog_cursors && matches!(statement.kind, Kind::Fetch))
        }))
    }

    /// The same of a text that the scan found nothing in: it may be a `FETCH`, which is no long one.
    pub(crate) fn rows_of_fetch(&self, text: &[u8], names: Option<&SchemaNames>) -> Rows {
        if text.len() > MAX_LOOK_BYTES {
            return Rows::NONE;
        }
        self.rows_to_show(&self.look(text, names), names)
    }

    /// Notes a cursor over the catalog: `FETCH` alone does not say whose rows it brings.
    pub(crate) fn note_cursor(&mut self, statement: &sql::Statement) {
        self.catalog_cursors |= statement.catalog && matches!(statement.kind, Kind::DeclareCursor { .. });
    }
}

/// A DataRow or CopyData in the client's names; `None`: as it came. `path`: the client's own, if it has
/// set one.
pub(crate) fn shown(
    message: &[u8],
    names: Shown,
    path: Option<&str>,
) -> Result<Option<Vec<u8>>, ServerFault> {
    let body = message.get(HEADER_BYTES..).unwrap_or_default();
    if !sql::mentions(body, names.schema) {
        return Ok(None);
    }
    if message.first() != Some(&backend::COPY_DATA) {
        return data_row(body, names, path).ok_or(ServerFault::Malformed('D'));
    }
    Ok(sql::show_copied(body, names).map(|shown| {
        let mut out = Vec::with_capacity(message.len());
        frame::write(&mut out, backend::COPY_DATA, |body| body.extend_from_slice(&shown));
        out
    }))
}

/// The inner `None`: as it came.
fn data_row(body: &[u8], names: Shown, path: Option<&str>) -> Option<Option<Vec<u8>>> {
    let [schema, extensions] = [names.schema, names.extensions].map(quote_identifier);
    let default_path = format!("{schema}, {extensions}");
    let mut reader = Reader::new(body);
    let count = reader.u16()?;
    let (mut values, mut changed) = (Vec::with_capacity(body.len()), false);
    for _ in 0..count {
        let value = reader.value()?;
        let shown = value.and_then(|value| match value {
            value if value == default_path.as_bytes() => Some(sql::show_search_path(path).into()),
            value => sql::show(value, names),
        });
        changed |= shown.is_some();
        frame::put_value(&mut values, shown.as_deref().or(value));
    }
    if !reader.rest().is_empty() {
        return None;
    }
    Some(changed.then(|| {
        let mut out = Vec::with_capacity(HEADER_BYTES + 2 + values.len());
        frame::write(&mut out, backend::DATA_ROW, |body| {
            body.extend_from_slice(&count.to_be_bytes());
            body.extend_from_slice(&values);
        });
        out
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEMA: &str = "stuff_todo_3fa9c2d1";

    fn shown(message: &[u8]) -> Result<Option<Vec<u8>>, ServerFault> {
        super::shown(message, Shown { schema: SCHEMA, extensions: "ext" }, Some("public, mine"))
    }

    fn row(values: &[Option<&[u8]>]) -> Vec<u8> {
        let mut out = Vec::new();
        frame::data_row(&mut out, values);
        out
    }

    #[test]
    fn each_value_of_a_row_is_shown_and_all_lengths_are_right() {
        let name = SCHEMA.as_bytes();
        let long = format!("{SCHEMA}.{}", "x".repeat(46)); // whose length, 66, is a letter
        let shown_long = format!("public.{}", "x".repeat(46));
        let before = row(&[Some(b"a"), Some(name), None, Some(long.as_bytes()), Some(b"")]);
        let after = row(&[Some(b"a"), Some(b"public"), None, Some(shown_long.as_bytes()), Some(b"")]);
        assert_eq!(shown(&before), Ok(Some(after)));
        let other = format!("{SCHEMA}x");
        assert_eq!(shown(&row(&[Some(other.as_bytes())])), Ok(None));
        assert_eq!(shown(&row(&[Some(b"a"), None])), Ok(None));
    }

    #[test]
    fn the_path_in_force_is_shown_as_the_client_has_set_it() {
        let path = format!("\"{SCHEMA}\", \"ext\"");
        assert_eq!(shown(&row(&[Some(path.as_bytes())])), Ok(Some(row(&[Some(b"public, mine")]))));
        let path = format!("{SCHEMA}, ext");
        assert_eq!(shown(&row(&[Some(path.as_bytes())])), Ok(Some(row(&[Some(b"public")]))));
    }

    #[test]
    fn a_row_that_does_not_add_up_is_malformed() {
        let whole = row(&[Some(SCHEMA.as_bytes()), None]);
        let malformed = Err(ServerFault::Malformed('D'));
        assert_eq!(shown(&whole[..whole.len() - 1]), malformed);
        assert_eq!(shown(&[&whole[..], b"x"].concat()), malformed);
        let mut longer = whole.clone();
        longer[6] = 9;
        assert_eq!(shown(&longer), malformed);
        let mut negative = whole;
        negative[7..11].copy_from_slice(&(-2_i32).to_be_bytes());
        assert_eq!(shown(&negative), malformed);
    }

    #[test]
    fn copied_rows_are_no_values() {
        let copied = |text: &str| {
            let mut out = Vec::new();
            frame::write(&mut out, backend::COPY_DATA, |body| body.extend_from_slice(text.as_bytes()));
            out
        };
        let before = copied(&format!("1\t{SCHEMA}\n"));
        assert_eq!(shown(&before), Ok(Some(copied("1\tpublic\n"))));
        assert_eq!(shown(&copied("1\n")), Ok(None));
    }
}
