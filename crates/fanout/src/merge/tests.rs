//! Keys compare as Postgres orders: asked of Postgres, for every type whose order is kept.

use super::*;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use testkit::scratch::{Binaries, Options, Server};

fn body(values: &[Option<Vec<u8>>]) -> Vec<u8> {
    let mut body = u16::try_from(values.len()).expect("few").to_be_bytes().to_vec();
    for value in values {
        wire::frame::put_value(&mut body, value.as_deref());
    }
    body
}

fn key(values: &[Option<Vec<u8>>], order: &[SortKey]) -> Result<Vec<u8>, BadRow> {
    let mut key = b"of an earlier row".to_vec();
    read(&body(values), values.len() - order.len(), order, &mut key).map(|()| key)
}

/// A type, how it compares, the function that gives its values in binary, and literals of it.
struct Kind {
    name: &'static str,
    by: Comparison,
    send: &'static str,
    literals: BoxedStrategy<String>,
}

fn of(edges: &'static [&'static str]) -> BoxedStrategy<String> {
    proptest::sample::select(edges).prop_map(str::to_owned).boxed()
}

fn or(
    edges: &'static [&'static str],
    many: impl Strategy<Value = String> + 'static,
) -> BoxedStrategy<String> {
    prop_oneof![of(edges), many].boxed()
}

fn kinds() -> Vec<Kind> {
    use Comparison::{Bytes, Numeric, Signed};
    let kind = |name, by, send, literals| Kind { name, by, send, literals };
    let numerics = [
        "NaN",
        "Infinity",
        "-Infinity",
        "0",
        "0.000",
        "1.5",
        "1.50",
        "-1.5",
        "9999",
        "10000",
        "-10000",
        "1e40",
        "1e-40",
        "-1e40",
        "-1e-40",
        "0.0001",
        "0.00010001",
        "10000.0001",
        "1e131071",
        "-1e131071",
        "1e-16383",
    ];
    vec![
        kind(
            "int2",
            Signed,
            "int2send",
            or(&["-32768", "32767", "0"], any::<i16>().prop_map(|n| n.to_string())),
        ),
        kind("int4", Signed, "int4send", or(&["-1", "0"], any::<i32>().prop_map(|n| n.to_string()))),
        kind("int8", Signed, "int8send", or(&["-1", "0"], any::<i64>().prop_map(|n| n.to_string()))),
        kind(
            "date",
            Signed,
            "date_send",
            of(&["infinity", "-infinity", "4713-01-01 BC", "1999-12-31", "2000-01-01"]),
        ),
        kind("time", Signed, "time_send", of(&["0:00", "24:00", "12:34:56.789012", "12:34:56.789013"])),
        kind(
            "timestamptz",
            Signed,
            "timestamptz_send",
            of(&[
                "infinity",
                "-infinity",
                "1999-12-31 23:59:59.999999Z",
                "2000-01-01Z",
                "294276-12-31Z",
                "4713-01-01Z BC",
            ]),
        ),
        kind("bool", Bytes, "boolsend", of(&["t", "f"])),
        kind("uuid", Bytes, "uuid_send", any::<u128>().prop_map(|n| format!("{n:032x}")).boxed()),
        kind(
            "bytea",
            Bytes,
            "byteasend",
            or(&["\\x", "\\x00", "\\x0000", "\\x00ff", "\\xff"], "\\\\x(00|61|ff){0,4}"),
        ),
        kind(
            "text COLLATE \"C\"",
            Bytes,
            "textsend",
            or(&["", "a", "A", "ä", "a b"], "[aAä\u{1}\u{10ffff} ]{0,4}"),
        ),
        kind(
            "numeric",
            Numeric,
            "numeric_send",
            prop_oneof![
                proptest::sample::select(numerics.to_vec()).prop_map(str::to_owned),
                "-?[0-9]{1,3}(0000){0,2}(\\.[0-9]{1,9})?",
                "-?[0-9]\\.[0-9]e-?[0-9]{1,2}",
            ]
            .boxed(),
        ),
    ]
}

fn literal(value: Option<String>) -> String {
    value.map_or("NULL".into(), |text| format!("'{}'", text.replace('\'', "''")))
}

/// A statement that ranks rows of two values as Postgres orders them, and gives their values in binary.
fn ranked(a: &Kind, b: &Kind, order: [SortKey; 2], runner: &mut TestRunner) -> String {
    let mut draw = |kind: &Kind| {
        let value = prop::option::of(kind.literals.clone()).new_tree(runner).expect("a literal").current();
        literal(value)
    };
    let rows: Vec<String> = (0..60).map(|_| format!("({},{})", draw(a), draw(b))).collect();
    let column = |name: &str, kind: &Kind, sort: SortKey| {
        let collate = kind.name.strip_prefix("text").unwrap_or_default();
        let direction = if sort.descending { "DESC" } else { "ASC" };
        let nulls = if sort.nulls_first { "FIRST" } else { "LAST" };
        format!(
            "v.{name}::{} {collate} {direction} NULLS {nulls}",
            kind.name.split(' ').next().unwrap_or_default()
        )
    };
    let hex = |name: &str, kind: &Kind| {
        let of = kind.name.split(' ').next().unwrap_or_default();
        format!("coalesce(encode({}(v.{name}::{of}), 'hex'), 'NULL')", kind.send)
    };
    format!(
        "SELECT dense_rank() OVER (ORDER BY {}, {}), {}, {} FROM (VALUES {}) v(a, b);\n",
        column("a", a, order[0]),
        column("b", b, order[1]),
        hex("a", a),
        hex("b", b),
        rows.join(",")
    )
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if text == "NULL" {
        return None;
    }
    let byte = |at| u8::from_str_radix(&text[at..at + 2], 16).expect("hex");
    Some((0..text.len()).step_by(2).map(byte).collect())
}

#[test]
fn rows_compare_as_postgres_orders_them() {
    let server =
        Server::start(&Binaries::find().expect("a Postgres"), Options::default()).expect("it starts");
    let mut runner = TestRunner::deterministic();
    let kinds = kinds();
    for a in &kinds {
        for (at, b) in kinds.iter().enumerate() {
            let sort = |by, bits: usize| SortKey { by, descending: bits & 1 > 0, nulls_first: bits & 2 > 0 };
            let order = [sort(a.by, at), sort(b.by, at / 4 + at)];
            let answer = server.sql("postgres", &ranked(a, b, order, &mut runner)).expect("valid literals");
            let rows: Vec<(u32, Vec<u8>)> = answer.lines().map(|line| rank_and_key(line, &order)).collect();
            assert_eq!(rows.len(), 60);
            compare(&rows, &format!("{}, {}, {order:?}", a.name, b.name));
        }
    }
}

fn compare(rows: &[(u32, Vec<u8>)], what: &str) {
    for (rank, one) in rows {
        for (other_rank, other) in rows {
            assert_eq!(one.cmp(other), rank.cmp(other_rank), "{what}: {one:?} and {other:?}");
        }
    }
}

fn rank_and_key(line: &str, order: &[SortKey]) -> (u32, Vec<u8>) {
    let [rank, values @ ..] = &line.split('|').collect::<Vec<_>>()[..] else { panic!("{line}") };
    let values: Vec<_> = values.iter().map(|value| unhex(value)).collect();
    (rank.parse().expect("a rank"), key(&values, order).expect("values of Postgres's own"))
}

const SIGNED: SortKey = SortKey { by: Comparison::Signed, descending: false, nulls_first: false };
const NUMERIC: SortKey = SortKey { by: Comparison::Numeric, ..SIGNED };

#[test]
fn values_that_no_type_has_are_refused() {
    let table: &[(SortKey, &[u8])] = &[
        (SIGNED, &[]),
        (SIGNED, &[1]),
        (SIGNED, &[1, 2, 3]),
        (SIGNED, &[0; 16]),
        (NUMERIC, &[]),
        (NUMERIC, &[0, 1, 0, 0, 0, 0, 0, 0]),
        (NUMERIC, &[0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
        (NUMERIC, &[0, 0, 0, 0, 0x80, 0, 0, 0]),
        (NUMERIC, &[0, 1, 0, 0, 0, 0, 0, 0, 0x27, 0x10]),
    ];
    for (sort, value) in table {
        assert_eq!(key(&[Some(value.to_vec())], &[*sort]), Err(BadRow), "{sort:?} of {value:?}");
    }
    assert_eq!(read(&[0, 2, 0, 0, 0, 0], 1, &[SIGNED], &mut Vec::new()), Err(BadRow), "a value is missing");
    assert_eq!(read(&[0, 1, 0, 0, 0, 0], 1, &[SIGNED], &mut Vec::new()), Err(BadRow), "a column is missing");
}

#[test]
fn digits_that_say_nothing_change_no_order() {
    let numeric = |weight: i16, digits: &[u16]| {
        let mut value = u16::try_from(digits.len()).expect("few").to_be_bytes().to_vec();
        value.extend_from_slice(&weight.to_be_bytes());
        value.extend_from_slice(&[0, 0, 0, 9]);
        digits.iter().for_each(|digit| value.extend_from_slice(&digit.to_be_bytes()));
        key(&[Some(value)], &[NUMERIC]).expect("a numeric")
    };
    assert_eq!(numeric(1, &[0, 5, 0]), numeric(0, &[5]));
    assert_eq!(numeric(0, &[0, 0]), numeric(0, &[]));
    assert!(numeric(i16::MIN, &[0, 1]) < numeric(i16::MIN, &[1]));
}

/// Merges `legs`, each sorted, of one `int4` to show and one to sort by.
fn merged(legs: &[Vec<i32>]) -> Vec<i32> {
    let row = |number: i32| body(&[Some(number.to_be_bytes().to_vec()), Some(number.to_be_bytes().to_vec())]);
    let mut at = vec![0; legs.len()];
    let mut heads = Heads::default();
    for (leg, rows) in legs.iter().enumerate() {
        if let Some(first) = rows.first() {
            let mut key = Vec::new();
            read(&row(*first), 1, &[SIGNED], &mut key).expect("a row");
            heads.push(leg, key);
        }
    }
    let mut out = BytesMut::new();
    while let Some(leg) = heads.first() {
        let taken = row(legs[leg][at[leg]]);
        cut(&taken, 1, &mut out);
        at[leg] += 1;
        let next = legs[leg].get(at[leg]).map(|number| row(*number));
        heads
            .advance(|key| next.map_or(Ok(false), |next| read(&next, 1, &[SIGNED], key).map(|()| true)))
            .expect("a row");
    }
    out.as_chunks::<15>().0.iter().map(shown).collect()
}

fn shown(row: &[u8; 15]) -> i32 {
    let [DATA_ROW, 0, 0, 0, 14, 0, 1, 0, 0, 0, 4, number @ ..] = row else { panic!("{row:?}") };
    i32::from_be_bytes(*number)
}

proptest! {
    #[test]
    fn merging_sorts(mut legs in prop::collection::vec(prop::collection::vec(-9..9_i32, 0..9), 0..9)) {
        legs.iter_mut().for_each(|leg| leg.sort_unstable());
        let mut all = legs.concat();
        all.sort_unstable();
        prop_assert_eq!(merged(&legs), all);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes: Vec<u8>, shown in 0..4_usize, by in 0..3) {
        let by = [Comparison::Signed, Comparison::Bytes, Comparison::Numeric][usize::try_from(by).expect("small")];
        let order = [SortKey { by, ..SIGNED }; 2];
        if read(&bytes, shown, &order, &mut Vec::new()).is_ok() {
            let mut out = BytesMut::new();
            cut(&bytes, shown, &mut out);
            prop_assert!(out.len() < 5 + bytes.len());
        }
    }
}

#[test]
fn a_leg_whose_next_row_is_garbage_is_out() {
    let mut heads = Heads::default();
    heads.push(0, vec![1]);
    assert_eq!(heads.first(), Some(0));
    assert_eq!(heads.advance(|_| Err(BadRow)), Err(BadRow));
    assert_eq!(heads.first(), None);
}
