//! What a store's values show of a partition's schema: tables and properties.

#![allow(clippy::expect_used)]

use proptest::prelude::*;
use sql::{Shown, show, show_copied};

const SCHEMA: &str = "stuff_todo_3fa9c2d1";

const NAMES: Shown = Shown { schema: SCHEMA, extensions: "extensions" };

fn said(text: &str) -> String {
    text.replace("SCHEMA", SCHEMA)
}

fn shown(value: &[u8]) -> Vec<u8> {
    show(value, NAMES).unwrap_or_else(|| value.to_vec())
}

#[test]
fn the_true_name_becomes_public_wherever_it_is_a_whole_identifier() {
    let table = [
        ("SCHEMA", "public"),
        ("SCHEMA.t", "public.t"),
        ("\"SCHEMA\".\"t\"", "\"public\".\"t\""),
        ("{SCHEMA,pg_catalog}", "{public,pg_catalog}"),
        ("{\"SCHEMA.t\",SCHEMA}", "{\"public.t\",public}"),
        ("(SCHEMA,t)", "(public,t)"),
        (r#"{"schema" : "SCHEMA", "n" : 1}"#, r#"{"schema" : "public", "n" : 1}"#),
        (r#"{"def": " SELECT\nSCHEMA.t.a\tSCHEMA.b"}"#, r#"{"def": " SELECT\npublic.t.a\tpublic.b"}"#),
        (r"a\\nSCHEMA", r"a\\nSCHEMA"),
        (
            " SELECT t.a\n   FROM SCHEMA.t\n  WHERE SCHEMA.f(t.a);",
            " SELECT t.a\n   FROM public.t\n  WHERE public.f(t.a);",
        ),
        (
            "Seq Scan on SCHEMA.t  (cost=0.00..1.01 rows=1 width=4)",
            "Seq Scan on public.t  (cost=0.00..1.01 rows=1 width=4)",
        ),
        ("nextval('SCHEMA.t_id_seq'::regclass)", "nextval('public.t_id_seq'::regclass)"),
        ("Relation »SCHEMA.t« existiert nicht", "Relation »public.t« existiert nicht"),
        ("\u{1}{\"a\": \"SCHEMA\"}", "\u{1}{\"a\": \"public\"}"),
        ("xSCHEMA", "xSCHEMA"),
        ("SCHEMAx", "SCHEMAx"),
        ("SCHEMA_idx", "SCHEMA_idx"),
        ("SCHEMA$", "SCHEMA$"),
        ("éSCHEMA", "éSCHEMA"),
        ("SCHEMAé", "SCHEMAé"),
        ("SCHEMA1 SCHEMA", "SCHEMA1 public"),
        ("stuff_todo_3fa9c2d2", "stuff_todo_3fa9c2d2"),
        ("STUFF_TODO_3FA9C2D1", "STUFF_TODO_3FA9C2D1"),
        ("", ""),
    ];
    for (value, expected) in table {
        let value = said(value);
        let expected = said(expected);
        let shown = show(value.as_bytes(), NAMES);
        assert_eq!(shown.is_some(), value != expected, "{value}");
        let shown = shown.unwrap_or_else(|| value.clone().into_bytes());
        assert_eq!(String::from_utf8_lossy(&shown), expected, "{value}");
    }
}

#[test]
fn search_paths_are_those_that_the_client_has_set() {
    let table = [
        ("SCHEMA, extensions", "public"),
        ("\"SCHEMA\", \"extensions\"", "\"public\""),
        ("pg_catalog, SCHEMA, extensions, other", "pg_catalog, public, other"),
        ("search_path=SCHEMA, extensions", "search_path=public"),
        ("{work_mem=4MB,\"search_path=SCHEMA, extensions\"}", "{work_mem=4MB,\"search_path=public\"}"),
        (
            "{\"search_path=\\\"$user\\\", SCHEMA, extensions, pg_temp\"}",
            "{\"search_path=\\\"$user\\\", public, pg_temp\"}",
        ),
        (
            " SET search_path TO '$user', 'SCHEMA', 'extensions'\nAS $function$",
            " SET search_path TO '$user', 'public'\nAS $function$",
        ),
        ("extensions, SCHEMA", "extensions, public"),
        ("SCHEMA, extensions_of_mine", "public, extensions_of_mine"),
        ("(SCHEMA,extensions)", "(public,extensions)"),
        ("[\"SCHEMA\", \"extensions\"]", "[\"public\", \"extensions\"]"),
        ("{\"a\" : \"SCHEMA\", \"extensions\" : 1}", "{\"a\" : \"public\", \"extensions\" : 1}"),
        ("in SCHEMA, extensions and others", "in public, extensions and others"),
        ("search_path = 'SCHEMA", "search_path = 'public"),
    ];
    for (value, expected) in table {
        let shown = shown(said(value).as_bytes());
        assert_eq!(String::from_utf8_lossy(&shown), expected, "{value}");
    }
}

#[test]
fn marks_of_an_encoding_of_one_byte_are_no_part_of_the_name() {
    let value = [b"Relation \xbb", SCHEMA.as_bytes(), b".t\xab"].concat();
    assert_eq!(shown(&value), b"Relation \xbbpublic.t\xab");
    let value = [b"\xe9", SCHEMA.as_bytes()].concat();
    assert_eq!(show(&value, NAMES), None);
}

/// An array of one dimension in binary form.
fn array(elements: &[Option<&[u8]>]) -> Vec<u8> {
    let nulls = i32::from(elements.iter().any(Option::is_none));
    let count = i32::try_from(elements.len()).expect("few");
    let head = [1, nulls, 19, count, 1].map(i32::to_be_bytes).concat();
    [head, elements.iter().map(|element| value(*element)).collect::<Vec<_>>().concat()].concat()
}

/// A record in binary form.
fn record(fields: &[Option<&[u8]>]) -> Vec<u8> {
    let count = i32::try_from(fields.len()).expect("few").to_be_bytes().to_vec();
    let fields = fields.iter().map(|field| [25_i32.to_be_bytes().to_vec(), value(*field)].concat());
    [count, fields.collect::<Vec<_>>().concat()].concat()
}

fn value(value: Option<&[u8]>) -> Vec<u8> {
    match value {
        None => (-1_i32).to_be_bytes().to_vec(),
        Some(value) => [&i32::try_from(value.len()).expect("short").to_be_bytes(), value].concat(),
    }
}

/// A row of a binary `COPY`.
fn row(fields: &[Option<&[u8]>]) -> Vec<u8> {
    let count = i16::try_from(fields.len()).expect("few").to_be_bytes().to_vec();
    [count, fields.iter().map(|field| value(*field)).collect::<Vec<_>>().concat()].concat()
}

#[test]
fn arrays_and_records_are_written_anew_with_their_lengths() {
    let name = Some(SCHEMA.as_bytes());
    let public = Some(&b"public"[..]);
    let other = Some(&b"pg_catalog"[..]);
    let qualified = said("SCHEMA.t");
    let table = [
        (array(&[name]), array(&[public])),
        (array(&[other, None, name]), array(&[other, None, public])),
        (array(&[Some(qualified.as_bytes())]), array(&[Some(b"public.t")])),
        (record(&[name, None, other]), record(&[public, None, other])),
        (record(&[Some(&array(&[name, other]))]), record(&[Some(&array(&[public, other]))])),
        (array(&[Some(&record(&[name])), None]), array(&[Some(&record(&[public])), None])),
    ];
    for (value, expected) in table {
        assert_eq!(show(&value, NAMES), Some(expected));
    }
    let square = |a: &[u8], b: &[u8]| {
        let head = [2, 0, 25, 1, 1, 2, 1].map(i32::to_be_bytes).concat();
        [head, value(Some(a)), value(Some(b))].concat()
    };
    assert_eq!(show(&square(b"a", SCHEMA.as_bytes()), NAMES), Some(square(b"a", b"public")));
}

#[test]
fn what_does_not_add_up_is_left_alone() {
    let whole = array(&[Some(SCHEMA.as_bytes()), None]);
    for end in 0..whole.len() {
        assert_eq!(show(&whole[..end], NAMES), None, "cut at {end}");
    }
    let mut longer = whole.clone();
    longer.push(0);
    assert_eq!(show(&longer, NAMES), None);
    let mut negative = whole.clone();
    negative[20..24].copy_from_slice(&(-2_i32).to_be_bytes());
    assert_eq!(show(&negative, NAMES), None);
    let mut huge = whole;
    huge[12..16].copy_from_slice(&i32::MAX.to_be_bytes());
    assert_eq!(show(&huge, NAMES), None);
    let blob = [&[0, 1, 2][..], SCHEMA.as_bytes(), &[0]].concat();
    assert_eq!(show(&blob, NAMES), None);
}

#[test]
fn arrays_inside_arrays_are_followed_only_so_deep() {
    let nested =
        |name: &[u8], depth: usize| (0..depth).fold(name.to_vec(), |inner, _| record(&[Some(&inner)]));
    assert_eq!(show(&nested(SCHEMA.as_bytes(), 4), NAMES), Some(nested(b"public", 4)));
    assert_eq!(show(&nested(SCHEMA.as_bytes(), 5), NAMES), None);
}

#[test]
fn rows_that_are_copied_out_are_read_in_both_formats() {
    let name = Some(SCHEMA.as_bytes());
    let text = said("1\tSCHEMA\ta\\nSCHEMA.t\n");
    assert_eq!(show_copied(text.as_bytes(), NAMES), Some(b"1\tpublic\ta\\npublic.t\n".to_vec()));
    assert_eq!(show_copied(b"1\t2\n", NAMES), None);
    let head = [b"PGCOPY\n\xff\r\n\0".to_vec(), vec![0; 8]].concat();
    let end = (-1_i16).to_be_bytes().to_vec();
    let file = |name: Option<&[u8]>| [&head[..], &row(&[None, name]), &row(&[name]), &end].concat();
    assert_eq!(show_copied(&file(name), NAMES), Some(file(Some(b"public"))));
    let nested = row(&[Some(&array(&[name]))]);
    assert_eq!(show_copied(&nested, NAMES), Some(row(&[Some(&array(&[Some(b"public")]))])));
    for end in 0..nested.len() {
        assert_eq!(show_copied(&nested[..end], NAMES), None, "cut at {end}");
    }
}

fn element() -> impl Strategy<Value = Option<String>> {
    let text = prop_oneof![
        Just(SCHEMA.to_owned()),
        Just(said("SCHEMA.t")),
        Just(said("\"SCHEMA\"")),
        Just(said("xSCHEMA")),
        "[a-z_ .]{0,6}",
    ];
    proptest::option::of(text)
}

proptest! {
    #[test]
    fn no_value_makes_it_panic(value: Vec<u8>, at in 0..64_usize) {
        let mut value = value;
        let at = at.min(value.len());
        value.splice(at..at, SCHEMA.bytes());
        let _ = (show(&value, NAMES), show_copied(&value, NAMES));
    }

    #[test]
    fn a_value_without_the_name_is_never_touched(value: Vec<u8>) {
        prop_assert_eq!(show(&value, NAMES), None);
        prop_assert_eq!(show_copied(&value, NAMES), None);
    }

    #[test]
    fn text_is_shown_as_its_words_are(words in proptest::collection::vec(element(), 0..6)) {
        let words: Vec<String> = words.into_iter().flatten().collect();
        let each: Vec<Vec<u8>> = words.iter().map(|word| shown(word.as_bytes())).collect();
        prop_assert_eq!(shown(words.join(" ").as_bytes()), each.join(&b' '));
    }

    #[test]
    fn arrays_records_and_copied_rows_are_shown_element_by_element(
        elements in proptest::collection::vec(element(), 0..6),
    ) {
        let old: Vec<Option<&[u8]>> = elements.iter().map(|e| e.as_deref().map(str::as_bytes)).collect();
        let new: Vec<Option<Vec<u8>>> = old.iter().map(|e| e.map(shown)).collect();
        let new: Vec<Option<&[u8]>> = new.iter().map(Option::as_deref).collect();
        prop_assert_eq!(shown(&array(&old)), array(&new));
        prop_assert_eq!(shown(&record(&old)), record(&new));
        let copied = row(&old);
        prop_assert_eq!(show_copied(&copied, NAMES).unwrap_or(copied), row(&new));
    }

    #[test]
    fn what_was_shown_is_shown_as_it_is(value: Vec<u8>, other: Vec<u8>) {
        let value = [&value[..], SCHEMA.as_bytes(), &other].concat();
        if let Some(once) = show(&value, NAMES) {
            prop_assert!(once.len() < value.len());
            prop_assert_eq!(show(&once, NAMES), None);
        }
    }
}
