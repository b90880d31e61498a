//! What of a Bind decides whether rows can pass, and which.

use super::Window;
use crate::Values;
use sql::fanout::{Bound, Plan, Type};

/// Binary.
const BINARY: i16 = 1;

/// Numbers of types from here on differ from store to store.
const FIRST_OWN_TYPE: u32 = 16_384;

/// `record` and its array: in binary they name the types of their fields.
const RECORDS: [u32; 2] = [2249, 2287];

/// Which rows are the client's. `None` where its values are for home to judge: a negative LIMIT, or what is no
/// number.
pub(crate) fn window(limit: Option<Bound>, offset: Option<Bound>, values: &Values) -> Option<Window> {
    let limit = limit.map_or(Some(None), |limit| rows(limit, values))?;
    let offset = offset.map_or(Some(None), |offset| rows(offset, values))?;
    Some(Window::new(offset.unwrap_or(0), limit))
}

/// The inner `None` is no bound.
fn rows(bound: Bound, values: &Values) -> Option<Option<u64>> {
    let at = match bound {
        Bound::Rows(rows) => return Some(Some(rows)),
        Bound::Parameter(at) => at,
    };
    let Some(value) = values.parameters.get(at)? else { return Some(None) };
    let rows = if format_of(&values.formats, at) == BINARY {
        i64::from_be_bytes(value.as_ref().try_into().ok()?)
    } else {
        std::str::from_utf8(value).ok()?.parse::<i64>().ok()?
    };
    u64::try_from(rows).ok().map(Some)
}

/// The format codes of what stores send: the client's for what it sees, binary for what is hidden. `None` where a
/// value in binary means something in its own store only.
pub(crate) fn formats(plan: &Plan, hidden: usize, results: &[i16]) -> Option<Vec<i16>> {
    let columns = &plan.pieces.first()?.columns;
    let shown = columns.len().checked_sub(hidden)?;
    let format = |at| if at < shown { format_of(results, at) } else { BINARY };
    let codes: Vec<i16> = (0..columns.len()).map(format).collect();
    let fits = columns.iter().zip(&codes).all(|(kind, code)| *code != BINARY || !has_numbers(kind));
    fits.then_some(codes)
}

/// Whether a type's binary format has numbers of types in it that differ from store to store: rows, and arrays
/// and ranges of types that a service or an extension brought.
fn has_numbers(kind: &Type) -> bool {
    RECORDS.contains(&kind.oid)
        || (kind.oid >= FIRST_OWN_TYPE && matches!(kind.category, 'A' | 'C' | 'P' | 'R'))
}

/// One code for all, one for each, or none, which is text.
fn format_of(codes: &[i16], at: usize) -> i16 {
    match codes {
        [] => 0,
        [all] => *all,
        each => each.get(at).copied().unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use sql::fanout::{Answered, Discloses, Piece, Tier};

    fn plan(columns: &[(u32, char)]) -> Plan {
        let kind = |(oid, category): &(u32, char)| Type {
            oid: *oid,
            name: String::new(),
            array: None,
            category: *category,
            collatable: false,
        };
        let columns = columns.iter().map(kind).collect();
        Plan {
            tier: Tier::Stream,
            discloses: Discloses::Rows,
            collates: false,
            tables: Vec::new(),
            pieces: vec![Piece { sql: String::new(), parameters: Vec::new(), columns, meanings: Vec::new() }],
            answered: Answered::Streamed { order: Vec::new(), hidden: 0, limit: None, offset: None },
        }
    }

    #[test]
    fn hidden_columns_are_binary_and_shown_ones_as_the_client_wants() {
        let plan = plan(&[(23, 'N'), (25, 'S'), (23, 'N')]);
        assert_eq!(formats(&plan, 1, &[]), Some(vec![0, 0, 1]));
        assert_eq!(formats(&plan, 1, &[1]), Some(vec![1, 1, 1]));
        assert_eq!(formats(&plan, 2, &[0]), Some(vec![0, 1, 1]));
        assert_eq!(formats(&plan, 1, &[1, 0]), Some(vec![1, 0, 1]));
        assert_eq!(formats(&plan, 4, &[]), None);
    }

    #[test]
    fn values_that_name_types_by_number_pass_as_text_only() {
        for (kind, passes) in [
            ((23, 'N'), true),
            ((1007, 'A'), true),
            ((16_500, 'E'), true),
            ((16_500, 'A'), false),
            ((16_500, 'C'), false),
            ((16_500, 'R'), false),
            ((2249, 'P'), false),
        ] {
            assert_eq!(formats(&plan(&[kind]), 0, &[1]).is_some(), passes, "{kind:?}");
            assert!(formats(&plan(&[kind]), 0, &[]).is_some(), "{kind:?}");
        }
    }

    #[test]
    fn bounds_are_read_from_the_bind_and_odd_ones_are_left_to_home() {
        let of = |value: Option<&'static [u8]>, format: i16| {
            let parameters = vec![value.map(Bytes::from_static)];
            let values = Values { parameters, formats: vec![format], results: Vec::new() };
            window(Some(Bound::Parameter(0)), Some(Bound::Rows(2)), &values)
        };
        assert_eq!(of(Some(b"7"), 0), Some(Window::new(2, Some(7))));
        assert_eq!(of(Some(&[0, 0, 0, 0, 0, 0, 0, 7]), 1), Some(Window::new(2, Some(7))));
        assert_eq!(of(None, 0), Some(Window::new(2, None)));
        for (value, format) in [(&b"-1"[..], 0), (b"x", 0), (b"", 0), (&[0xff; 8], 1), (&[0, 0, 0, 1], 1)] {
            assert_eq!(of(Some(value), format), None, "{value:?}");
        }
        assert_eq!(window(Some(Bound::Parameter(3)), None, &Values::default()), None);
        assert_eq!(window(None, None, &Values::default()), Some(Window::new(0, None)));
    }
}
