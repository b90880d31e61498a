//! Whether the gate's answer is the oracle's: byte for byte, but where Postgres itself leaves something open.

use crate::reply::{Column, Reply, Row};
use bytes::Bytes;

const REAL: u32 = 700;
const DOUBLE: u32 = 701;
const NUMERIC: u32 = 1700;

/// What Postgres leaves open in an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Open {
    /// The order of rows is not.
    pub(crate) ordered: bool,
    /// How far float aggregates may be off, relatively: the order of addition.
    pub(crate) about: f64,
    /// How many zeros a numeric ends in: 1.5 and 1.50 are one group, and either may stand for it.
    pub(crate) scale: bool,
}

/// The first difference, in words.
pub(crate) fn difference(oracle: &Reply, gate: &Reply, open: Open) -> Option<String> {
    let told = |what: &str, wanted: &dyn std::fmt::Debug, got: &dyn std::fmt::Debug| {
        Some(format!("{what}\n      oracle {wanted:?}\n      gate   {got:?}"))
    };
    if let (Some(wanted), Some(got)) = (&oracle.error, &gate.error) {
        return if (&wanted.0, &wanted.1) == (&got.0, &got.1) { None } else { told("error", wanted, got) };
    }
    if oracle.error != gate.error {
        return told("error", &oracle.error, &gate.error);
    }
    if oracle.columns != gate.columns {
        return told("columns", &oracle.columns, &gate.columns);
    }
    if oracle.parameters != gate.parameters {
        return told("parameters", &oracle.parameters, &gate.parameters);
    }
    if (&oracle.tags, &oracle.marks, &oracle.status) != (&gate.tags, &gate.marks, &gate.status) {
        let of = |reply: &Reply| (reply.tags.clone(), reply.marks.clone(), reply.status.clone());
        return told("tag", &of(oracle), &of(gate));
    }
    if let Some(notice) = gate.notices.iter().find(|notice| !oracle.notices.contains(notice)) {
        return told("notice", &oracle.notices, notice);
    }
    if let Some((wanted, got)) = copied(oracle, gate, open) {
        return told("copied", &wanted, &got);
    }
    rows(oracle, gate, open)
}

fn copied(oracle: &Reply, gate: &Reply, open: Open) -> Option<(String, String)> {
    let whole = |reply: &Reply| {
        reply.copy.as_ref().map(|(head, data)| {
            let all = data.concat();
            let mut lines: Vec<Vec<u8>> = all.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
            if !open.ordered {
                lines.sort();
            }
            (head.clone(), lines)
        })
    };
    let (wanted, got) = (whole(oracle), whole(gate));
    let shown = |of: Option<(Bytes, Vec<Vec<u8>>)>| {
        of.map_or_else(String::new, |(head, lines)| format!("{head:?} {}", lines.join(&b'\n').escape_ascii()))
    };
    (wanted != got).then(|| (shown(wanted), shown(got)))
}

fn rows(oracle: &Reply, gate: &Reply, open: Open) -> Option<String> {
    let columns = oracle.columns.last().map(Vec::as_slice).unwrap_or_default();
    let shown =
        |rows: &[&Row]| rows.iter().take(4).map(|row| shown(row, columns)).collect::<Vec<_>>().join(" | ");
    let (mut missing, mut extra) = (Vec::new(), gate.rows.iter().collect::<Vec<_>>());
    if open.ordered {
        let unlike = oracle.rows.iter().zip(&gate.rows).position(|(a, b)| !same_row(a, b, columns, open));
        if let Some(at) = unlike {
            let (wanted, got) = (shown(&[&oracle.rows[at]]), shown(&[&gate.rows[at]]));
            return Some(format!("row {at}\n      oracle {wanted}\n      gate   {got}"));
        }
        extra.drain(..oracle.rows.len().min(extra.len()));
        missing.extend(oracle.rows.iter().skip(gate.rows.len()));
    } else {
        for row in &oracle.rows {
            match extra.iter().position(|other| same_row(row, other, columns, open)) {
                Some(at) => drop(extra.swap_remove(at)),
                None => missing.push(row),
            }
        }
    }
    if missing.is_empty() && extra.is_empty() {
        return None;
    }
    let counts = format!("{} rows missing, {} too many", missing.len(), extra.len());
    Some(format!("{counts}\n      oracle {}\n      gate   {}", shown(&missing), shown(&extra)))
}

fn shown(row: &Row, columns: &[Column]) -> String {
    let value = |(at, value): (usize, &Option<Bytes>)| match value {
        None => "NULL".to_owned(),
        Some(value) if columns.get(at).is_some_and(Column::is_binary) => format!("\\x{value:02x?}"),
        Some(value) => format!("{:?}", String::from_utf8_lossy(value)),
    };
    row.iter().enumerate().map(value).collect::<Vec<_>>().join(", ")
}

fn same_row(a: &Row, b: &Row, columns: &[Column], open: Open) -> bool {
    a.len() == b.len()
        && a.iter().zip(b).enumerate().all(|(at, (a, b))| match (a, b) {
            (Some(a), Some(b)) => a == b || columns.get(at).is_some_and(|column| alike(a, b, column, open)),
            (a, b) => a == b,
        })
}

fn alike(a: &Bytes, b: &Bytes, column: &Column, open: Open) -> bool {
    match column.oid {
        REAL | DOUBLE if open.about > 0.0 => match (float(a, column), float(b, column)) {
            (Some(a), Some(b)) if a.is_nan() || b.is_nan() => a.is_nan() && b.is_nan(),
            (Some(a), Some(b)) => a == b || (a - b).abs() <= open.about * a.abs().max(b.abs()),
            _ => false,
        },
        NUMERIC if open.scale && column.is_binary() => unscaled(a) == unscaled(b),
        NUMERIC if open.scale => trimmed(a) == trimmed(b),
        _ => false,
    }
}

fn float(value: &Bytes, column: &Column) -> Option<f64> {
    match (column.is_binary(), column.oid) {
        (true, REAL) => value.as_ref().try_into().ok().map(|four| f64::from(f32::from_be_bytes(four))),
        (true, _) => value.as_ref().try_into().ok().map(f64::from_be_bytes),
        (false, _) => std::str::from_utf8(value).ok()?.parse().ok(),
    }
}

/// Binary numeric without its display scale, the fourth of its 16-bit words.
fn unscaled(value: &Bytes) -> Vec<u8> {
    let (head, digits) = value.split_at(value.len().min(8));
    [&head[..head.len().min(6)], digits].concat()
}

/// Numeric as text without the zeros it ends in.
fn trimmed(value: &Bytes) -> &[u8] {
    if !value.contains(&b'.') {
        return value;
    }
    let end = value.iter().rposition(|byte| *byte != b'0').map_or(0, |at| at + 1);
    let kept = &value[..end];
    kept.strip_suffix(b".").unwrap_or(kept)
}
