//! What home and stores say of a statement, read from its messages.

use crate::described::ColumnDescribed;
use wire::frame::Reader;

/// Reads a RowDescription. `None` if it is not one.
pub(crate) fn row_description(body: &[u8]) -> Option<Vec<ColumnDescribed>> {
    let mut body = Reader::new(body);
    let count = body.u16()?;
    (0..count).map(|_| column(&mut body)).collect()
}

fn column(body: &mut Reader<'_>) -> Option<ColumnDescribed> {
    let name = String::from_utf8_lossy(body.cstr()?).into_owned();
    let (_table, _number) = (body.u32()?, body.u16()?);
    let oid = body.u32()?;
    let length = body.u16()?.cast_signed();
    let modifier = body.i32()?;
    let _format = body.u16()?;
    Some(ColumnDescribed { name, oid, length, modifier })
}

/// Reads a ParameterDescription. `None` if it is not one.
pub(crate) fn parameter_description(body: &[u8]) -> Option<Vec<u32>> {
    let mut body = Reader::new(body);
    let count = body.u16()?;
    (0..count).map(|_| body.u32()).collect()
}

/// Reads the values of a DataRow. `None` if it is not one.
pub(crate) fn values(body: &[u8]) -> Option<Vec<Option<&[u8]>>> {
    let mut body = Reader::new(body);
    let count = body.u16()?;
    (0..count).map(|_| body.value()).collect()
}

/// The tag of a CommandComplete.
pub(crate) fn tag(body: &[u8]) -> String {
    let text = wire::frame::cstr(body).map_or(body, |(text, _)| text);
    String::from_utf8_lossy(text).into_owned()
}
