//! The rows of the stores: made up, the same in every run, and as unfriendly as Postgres allows.

use std::fmt::Write as _;

/// Whose stores there are, and how many todos are in each: one has most rows, two have none.
pub(crate) const STORES: [(&str, usize); 9] = [
    ("alice", 110),
    ("bob", 17),
    ("carol", 13),
    ("dave", 9),
    ("erin", 0),
    ("frank", 21),
    ("grace", 1),
    ("heidi", 12),
    ("ivan", 0),
];

/// Titles: case, accents written in two ways, both directions, what quoting has to survive.
const TITLES: &[&str] = &[
    "milk",
    "Milk",
    "MILK",
    "milk ",
    " milk",
    "",
    " ",
    "bread",
    "Brot",
    "brötchen",
    "bro\u{308}tchen",
    "Äpfel",
    "äpfel",
    "apfel",
    "Zebra",
    "zebra",
    "straße",
    "STRASSE",
    "İstanbul",
    "ısparta",
    "👨‍👩‍👧‍👦 call",
    "🎉",
    "שלום",
    "مرحبا بالعالم",
    "日本語",
    "ﬁsh",
    "it's",
    "\"quoted\"",
    "back\\slash",
    "\\N",
    "NULL",
    "line\nbreak",
    "car\r\nriage",
    "ta\tb",
    "100%",
    "under_score",
    "$1",
    "{}",
    "{a,b}",
    "(a,b)",
    "a,b",
    ";--",
    "'; DROP",
    "\u{1}bell",
    "\u{a0}nbsp",
    "\u{200f}rtl",
    "co-op",
    "coop",
    "co op",
    "résumé",
    "resume",
];
const WEIGHTS: &[&str] = &[
    "1.5",
    "1.50",
    "1.500",
    "0",
    "0.000",
    "-0.5",
    "2",
    "2.00",
    "-3.25",
    "10",
    "0.1",
    "0.10",
    "7.125",
    "99.999",
    "1e-20",
    "123456789012345678901234567890.123456789",
    "-98765432109876543210",
    "0.3333333333333333",
    "100",
];
const ODD: &[&str] = &["NaN", "Infinity", "-Infinity", "1", "2.5", "2.50", "-1", "1e100", "NULL", "NULL"];
const SCORES: &[&str] = &[
    "0.1",
    "0.2",
    "0.3",
    "-0.0",
    "0.0",
    "NaN",
    "Infinity",
    "-Infinity",
    "1e-7",
    "2.5",
    "1234.5678",
    "3.25",
    "0.30000000000000004",
    "17",
    "42.125",
    "1e15",
    "250000.75",
];
const RATIOS: &[&str] = &["0.1", "0.25", "0.7", "1.5", "3.3333333", "-0.0", "0", "12.75", "1e3", "0.0001"];
const SMALL: &[&str] = &["0", "1", "2", "-1", "32767", "-32768", "7", "100"];
const HOURS: &[&str] =
    &["0", "1", "2", "3", "5", "8", "8", "8", "13", "-4", "2147483647", "-2147483648", "24", "60"];
const BIG: &[&str] =
    &["0", "1", "9223372036854775807", "-9223372036854775808", "9223372036854775806", "42", "1000000", "-7"];
const DUE: &[&str] = &[
    "2024-02-29",
    "2024-03-31",
    "2024-10-27",
    "2023-12-31",
    "2024-01-01",
    "1999-12-31",
    "0001-01-01 BC",
    "9999-12-31",
    "infinity",
    "-infinity",
    "2024-03-10",
    "2024-03-31",
];
const AT: &[&str] = &[
    "2024-03-31 00:59:59.999999+00",
    "2024-03-31 01:00:00+00",
    "2024-10-27 00:30:00+00",
    "2024-10-27 01:30:00+00",
    "2024-12-31 23:59:59.5+00",
    "2024-01-01 00:00:00+14",
    "1970-01-01 00:00:00+00",
    "infinity",
    "-infinity",
    "0044-03-15 12:00:00+00 BC",
    "2024-06-15 12:00:00-07",
    "2024-03-10 09:59:59+00",
    "2024-03-10 10:00:00+00",
];
const STAMP: &[&str] = &[
    "2024-03-31 02:30:00",
    "2024-10-27 02:30:00",
    "2024-02-29 23:59:60",
    "2000-01-01 00:00:00.000001",
    "infinity",
    "-infinity",
    "2024-01-15 08:00:00",
    "2024-01-15 08:00:00",
];
const TOOK: &[&str] = &[
    "1 day",
    "24:00:00",
    "1 mon",
    "30 days",
    "-1 day +02:03:04",
    "00:00:00",
    "1 year 2 mons 3 days 04:05:06.789",
    "90 minutes",
    "01:30:00",
    "-00:00:00.000001",
    "100 years",
];
const TAGS: &[&str] = &[
    "{}",
    "{home}",
    "{home,work}",
    "{work,home}",
    "{NULL}",
    "{home,NULL,\"a b\"}",
    "{\"\"}",
    "{\"it's\",\"q\\\"q\"}",
    "{{a,b},{c,d}}",
    "[0:1]={zero,one}",
    "{NULL,NULL}",
    "{\"NULL\"}",
];
const META: &[&str] = &[
    "{}",
    "null",
    "[]",
    "1",
    "\"text\"",
    "{\"a\": 1}",
    "{\"a\": 1, \"b\": [1, 2, {\"c\": null}]}",
    "{\"a\": \"1\"}",
    "{\"b\": 2, \"a\": 3}",
    "[1, 2, 3]",
    "{\"a\": null}",
    "{\"ü\": \"\\u00fc\\n\"}",
    "true",
    "{\"a\": 12345678901234567890.5}",
    "{\"tags\": [\"x\", \"y\"], \"n\": 7}",
];
const RAW: &[&str] = &["\\x", "\\x00", "\\x00ff", "\\xdeadbeef", "\\x5c", "\\x27", "\\x68690a"];
const NOTES: &[&str] = &["short", "Short", "with space ", "", "twenty characters ok", "ünï", "a", "b", "B"];
const CHARS: &[&str] = &["a", "ab", "ab ", "abcde", "", "é", "A"];
const RANGES: &[&str] = &["empty", "[1,5)", "[1,4]", "(,3)", "[7,)", "(,)", "[10,11)", "[2,6)"];
const KINDS: &[&str] = &["made", "done", "Done", "moved", "made", "made", "shared"];
const LABELS: &[&str] = &["home", "Home", "work", "urgent", "later", "ürgent", "", "a%b", "a_b"];

/// A store's rows as INSERT statements, which mean the same under any settings of the store.
pub(crate) fn inserts(store: usize) -> String {
    let mut pick = Pick { state: 0x9e37_79b9 + store as u64 };
    let todos = STORES[store].1;
    if todos == 0 {
        return String::new();
    }
    [lists(store, &mut pick), rows_of_todos(store, todos, &mut pick), small_tables(store, todos, &mut pick)]
        .concat()
}

/// Numbers that look random and never change.
struct Pick {
    state: u64,
}

impl Pick {
    fn below(&mut self, bound: usize) -> usize {
        self.state =
            self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.state >> 33).unwrap() % bound
    }

    /// One of the values or, one time in nine, NULL.
    fn of(&mut self, values: &[&str]) -> String {
        let value = values[self.below(values.len())];
        if self.below(9) == 0 { "NULL".to_owned() } else { literal(value) }
    }
}

/// An E'' literal: the same whatever standard_conforming_strings is.
fn literal(value: &str) -> String {
    if value == "NULL" {
        return "NULL".to_owned();
    }
    let mut text = String::from("E'");
    for character in value.chars() {
        match character {
            '\'' => text.push_str("''"),
            '\\' => text.push_str("\\\\"),
            other => text.push(other),
        }
    }
    text + "'"
}

fn uuid(kind: usize, store: usize, row: usize) -> String {
    // Spread, so that the order of uuids is not the order of stores.
    let mixed = (row * 7919 + store * 104_729 + kind) % 65_536;
    format!("'{mixed:08x}-{kind:04x}-4{store:03x}-8000-{row:012x}'")
}

fn lists(store: usize, pick: &mut Pick) -> String {
    let mut sql = String::new();
    for row in 0..4 {
        let (name, color) =
            (pick.of(&["home", "Home", "work", "räder", "it's"]), pick.of(&["red", "green", "Red"]));
        let (name, budget) =
            (if name == "NULL" { "'none'" } else { &name }, pick.of(&["10.50", "0.00", "99999.99"]));
        let (id, created) = (uuid(1, store, row), pick.of(DUE));
        let _ = writeln!(
            sql,
            "INSERT INTO lists (id, name, color, budget, created) VALUES ({id}, {name}, {color}, {budget}, {created});"
        );
    }
    sql
}

fn rows_of_todos(store: usize, count: usize, pick: &mut Pick) -> String {
    let mut rows = Vec::new();
    for row in 0..count {
        // Every eighth row is the same in all stores but for its key.
        let mut same = Pick { state: 77 + row as u64 };
        let pick = if row % 8 == 3 { &mut same } else { &mut *pick };
        let list = if pick.below(7) == 0 { "NULL".to_owned() } else { uuid(1, store, pick.below(4)) };
        let of = |pick: &mut Pick, values: &[&str]| format!(", {}", pick.of(values));
        let mut text = format!("({}, {list}", uuid(2, store, row));
        text += &of(pick, TITLES);
        text += &of(pick, &["true", "false"]);
        for values in [WEIGHTS, ODD, SCORES, RATIOS, SMALL, HOURS, BIG, DUE, AT, STAMP, TOOK, TAGS, META] {
            text += &of(pick, values);
        }
        for values in [&["sad", "ok", "happy"] as &[&str], RAW, NOTES, CHARS, RANGES] {
            text += &of(pick, values);
        }
        rows.push(text + ")");
    }
    format!(
        "INSERT INTO todos (id, list_id, title, done, weight, odd, score, ratio, small, hours, big, due, at, stamp, took, \
         tags, meta, mood, raw, note, c, range) VALUES\n{};\n",
        rows.join(",\n")
    )
}

fn small_tables(store: usize, todos: usize, pick: &mut Pick) -> String {
    let mut sql = String::new();
    for row in 0..todos {
        let todo = uuid(2, store, pick.below(todos));
        let (id, label, rank) = (uuid(3, store, row), pick.of(LABELS), pick.of(&["1", "2", "3"]));
        let _ = writeln!(
            sql,
            "INSERT INTO tags (id, todo_id, label, rank) VALUES ({id}, {todo}, {label}, {rank});"
        );
        let todo = if pick.below(6) == 0 { "NULL".to_owned() } else { uuid(2, store, pick.below(todos)) };
        let (kind, amount, at) =
            (pick.of(KINDS), pick.of(&["1.10", "2.25", "-3.00", "0.00", "1000000.01"]), pick.of(AT));
        let payload = pick.of(&["{\"a\":1}", "{ \"a\" : 1 }", "[]", "{\"a\":1,\"a\":2}", "null"]);
        let _ = writeln!(
            sql,
            "INSERT INTO events (todo_id, kind, amount, at, payload) VALUES ({todo}, {kind}, {amount}, {at}, {payload});"
        );
    }
    for row in 0..todos.min(10) {
        sql += &odd(row, pick);
        let (on, page, hits) = (pick.of(&DUE[..6]), pick.of(&["/", "/a", "/A", "/ü"]), pick.of(HOURS));
        let on = if on == "NULL" { "'2024-05-05'" } else { &on };
        let _ = writeln!(sql, "INSERT INTO visits VALUES ({on}, {page}, {hits});");
        let (order, text, number) =
            (pick.of(SMALL), pick.of(TITLES), pick.of(&["1.500", "-2.125", "0", "999.999"]));
        let _ = writeln!(sql, "INSERT INTO \"Mixed Case\" VALUES ({order}, {text}, {number});");
        sql += "INSERT INTO nothing DEFAULT VALUES;\n";
    }
    sql + &phrases(store, todos)
}

fn phrases(store: usize, todos: usize) -> String {
    let mut pick = Pick { state: 0x0b5e_55ed + store as u64 };
    let row = |row| {
        let texts = [TITLES; 3].map(|texts| pick.of(texts)).join(", ");
        let folded = pick.of(&["a", "A", "á", "b", "B", "é", "É"]);
        format!("INSERT INTO phrases VALUES ({}, {texts}, {folded});\n", store * 1000 + row)
    };
    (0..todos.min(25)).map(row).collect()
}

fn odd(row: usize, pick: &mut Pick) -> String {
    let parent = if row == 0 { "NULL".to_owned() } else { pick.below(row).to_string() };
    let mut text = format!("{row}, {parent}");
    let columns: [&[&str]; 12] = [
        &["00:00:00", "23:59:59.999999", "24:00:00", "12:30:00"],
        &["12:00:00+00", "13:00:00+01", "00:00:00-12", "12:00:00.5+05:30"],
        &["10.0.0.1", "10.0.0.0/8", "::1", "192.168.1.1/24", "fe80::/10"],
        &["10101010", "00000000", "11111111", "00000001"],
        &["", "1", "0101", "111"],
        &["(0,0)", "(1.5,-2)", "(0.1,0.2)"],
        &["0", "50", "100"],
        &["alpha", "Beta", "gamma"],
        &["a", "Z", "~"],
        &["{sad,happy}", "{}", "{NULL,ok}"],
        &["{1,2,3}", "{{1,2},{3,4}}", "{}", "{NULL}"],
        &["{}", "{[1,3),[5,7)}", "{(,)}"],
    ];
    for values in columns {
        let _ = write!(text, ", {}", pick.of(values));
    }
    format!(
        "INSERT INTO odds (k, parent, t, tz, ip, bits, more, p, share, called, ch, moods, grid, m) VALUES ({text});\n"
    )
}
