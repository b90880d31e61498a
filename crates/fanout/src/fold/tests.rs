//! Folding changes no answer: shown by properties, and by Postgres adding up what is left.

use super::*;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use std::collections::BTreeMap;
use testkit::scratch::{Binaries, Options, Server};

/// Groups by one column; adds an `int8` and a `numeric` up, has the smaller `int8`, and both of a boolean.
fn fold() -> Fold {
    Fold {
        keys: 1,
        columns: vec![Adding::Integer, Adding::Numeric, Adding::SmallerInteger, Adding::And, Adding::BitXor],
    }
}

type Row = Vec<Option<String>>;

fn body(row: &[Option<String>]) -> Vec<u8> {
    let mut body = u16::try_from(row.len()).expect("few").to_be_bytes().to_vec();
    for value in row {
        wire::frame::put_value(&mut body, value.as_deref().map(str::as_bytes));
    }
    body
}

fn folded(rows: &[Row]) -> Vec<Row> {
    let mut folding = Folding::new(&fold());
    for row in rows {
        folding.add(&body(row)).expect("of the right width");
    }
    let mut left = Vec::new();
    folding.finish(|row| {
        let text = |value: &&[u8]| String::from_utf8(value.to_vec()).expect("UTF-8");
        left.push(row.iter().map(|value| value.as_ref().map(text)).collect());
    });
    left
}

fn number() -> impl Strategy<Value = Option<String>> {
    let edges = [i64::MIN, i64::MAX, -1, 0, 1];
    prop_oneof![
        Just(None),
        any::<i32>().prop_map(|number| Some(number.to_string())),
        proptest::sample::select(edges.to_vec()).prop_map(|number| Some(number.to_string())),
    ]
}

fn numeric() -> impl Strategy<Value = Option<String>> {
    let edges = [
        "NaN",
        "Infinity",
        "-Infinity",
        "1.5",
        "1.50",
        "0.000",
        "1e0",
        "12345678901234567890123456789012345678901",
    ];
    prop_oneof![
        Just(None),
        (any::<i64>(), "(\\.[0-9]{1,12})?").prop_map(|(whole, part)| Some(format!("{whole}{part}"))),
        proptest::sample::select(edges.to_vec()).prop_map(|edge| Some(edge.to_owned())),
    ]
}

fn row() -> impl Strategy<Value = Row> {
    let key = prop_oneof![Just(None), "[ab]{0,2}".prop_map(Some)];
    let truth = proptest::sample::select(vec![None, Some("t".to_owned()), Some("f".to_owned())]);
    (key, number(), numeric(), number(), truth, number())
        .prop_map(|(key, sum, numeric, least, truth, bits)| vec![key, sum, numeric, least, truth, bits])
}

proptest! {
    #[test]
    fn rows_become_no_more_and_every_group_stays(rows in prop::collection::vec(row(), 0..40)) {
        let left = folded(&rows);
        prop_assert!(left.len() <= rows.len());
        let keys = |rows: &[Row]| rows.iter().map(|row| row[0].clone()).collect::<std::collections::BTreeSet<_>>();
        prop_assert_eq!(keys(&left), keys(&rows));
    }

    #[test]
    fn sums_stay_the_same(rows in prop::collection::vec(row(), 0..40)) {
        fn sums(rows: &[Row]) -> BTreeMap<Option<String>, i128> {
            let mut sums = BTreeMap::new();
            for row in rows {
                let number = row[1].as_ref().map_or(0, |text| text.parse::<i128>().expect("a number"));
                *sums.entry(row[0].clone()).or_default() += number;
            }
            sums
        }
        prop_assert_eq!(sums(&folded(&rows)), sums(&rows));
    }

    #[test]
    fn no_bytes_make_it_panic(bytes: Vec<u8>) {
        let mut folding = Folding::new(&fold());
        if folding.add(&bytes).is_err() {
            prop_assert_eq!(folding.bytes(), 0);
        }
        folding.finish(|_| ());
    }
}

#[test]
fn many_rows_of_few_groups_take_the_memory_of_the_groups() {
    let mut folding = Folding::new(&fold());
    for at in 0..100_000_u32 {
        let key = Some(format!("group {}", at % 10));
        let row =
            vec![key, Some(at.to_string()), Some("0.25".into()), None, Some("t".into()), Some("1".into())];
        folding.add(&body(&row)).expect("of the right width");
    }
    assert_eq!(folding.groups(), 10);
    assert!(folding.bytes() < 10_000, "{} bytes", folding.bytes());
    assert!(folding.apart.is_empty());
}

#[test]
fn what_cannot_be_added_is_kept_and_counted() {
    let row = |sum: &str| vec![Some("a".into()), Some(sum.into()), None, None, None, None];
    let left = folded(&[row("9223372036854775807"), row("1"), row("-1")]);
    assert_eq!(left, [row("9223372036854775806"), row("1")]);
}

/// One statement that makes `rows` a table and answers as home does for a plan of partials.
fn combined(rows: &[Row]) -> String {
    let literal = |value: &Option<String>| {
        value.as_ref().map_or("NULL".into(), |text| format!("'{}'", text.replace('\'', "''")))
    };
    let values: Vec<String> = rows
        .iter()
        .map(|row| format!("({})", row.iter().map(literal).collect::<Vec<_>>().join(",")))
        .collect();
    format!(
        "WITH p(k, s, n, l, b, x) AS (SELECT a::text, b::int8, c::numeric, d::int8, e::bool, f::int8 \
         FROM (VALUES {}) v(a, b, c, d, e, f)) \
         SELECT k, sum(s), sum(n), min(l), bool_and(b), bit_xor(x) FROM p GROUP BY k ORDER BY k;",
        values.join(",")
    )
}

#[test]
fn postgres_has_the_same_answer_over_what_is_left() {
    let binaries = Binaries::find().expect("a Postgres");
    let server = Server::start(&binaries, Options::default()).expect("it starts");
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let (mut plain, mut after) = (String::new(), String::new());
    for _ in 0..200 {
        let rows = prop::collection::vec(row(), 1..60).new_tree(&mut runner).expect("rows").current();
        plain += &combined(&rows);
        after += &combined(&folded(&rows));
    }
    let plain = server.sql("postgres", &plain).expect("valid rows");
    let after = server.sql("postgres", &after).expect("valid rows");
    assert!(plain.lines().count() > 200, "groups were compared");
    assert_eq!(after, plain);
}
