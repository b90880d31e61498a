//! Bounds of a fan-out's text: what is too large is refused, and what is not fits a thread's stack.
#![allow(clippy::panic, clippy::expect_used)]

mod home;

use proptest::prelude::*;
use sql::fanout::{Catalog, Query, Refusal, Tier, Types, Unfit, Wishes};

/// The stack of a thread of the gate.
const STACK: usize = 2 * 1024 * 1024;

/// All that is done with a text, in a thread of the gate.
fn planned(text: String) -> Result<(), Refusal> {
    let thread = std::thread::Builder::new().stack_size(STACK);
    thread.spawn(move || plan(&text)).expect("a thread").join().expect("no panic")
}

fn plan(text: &str) -> Result<(), Refusal> {
    let query = Query::read(text)?;
    for catalog in [Catalog::default(), home::catalog(&query)] {
        let _ = query.described(&catalog);
        for tier in [Tier::Stream, Tier::Fold, Tier::Combine, Tier::Gather] {
            for bare in [false, true] {
                let shape = query.shape(&catalog, tier, &Wishes { floor: 0, bare });
                let _ = shape.and_then(|shape| shape.plan(&Types::default()));
            }
        }
    }
    Ok(())
}

/// Why only the names in a text over tables are known, if that is so.
fn only_names(text: &str) -> Option<String> {
    let query = Query::read(text).ok()?;
    match query.shape(&home::catalog(&query), Tier::Stream, &Wishes::default()) {
        Err(Unfit::NotAtThisTier(why)) => Some(why)
            .filter(|why| why.starts_with("the statement ") || why.starts_with("the gate cannot read")),
        _ => None,
    }
}

/// Chains of as many operators as may be, and nests as deep as the parser follows, alone and together.
#[test]
fn what_is_allowed_fits_the_stack() {
    let chains = [
        ("SELECT id FROM todos WHERE id = 1", " OR id = 1", "", 190),
        ("SELECT count(*) FROM todos WHERE id = 0", " AND NOT done", "", 190),
        ("SELECT id", " + id", " FROM todos", 390),
        ("SELECT id", "::int", " FROM todos", 390),
        ("SELECT sum(id", " - id", ") FROM todos GROUP BY title", 390),
        ("SELECT title", " || title", " FROM todos ORDER BY 1", 390),
        ("SELECT id", " IS NULL", " FROM todos", 390),
        ("SELECT 1", " UNION ALL SELECT id FROM todos", "", 390),
        ("SELECT due", "[1]", " FROM todos", 5_000),
        ("SELECT NULL::int", "[]", "", 390),
        ("SELECT 1 FROM todos t", " JOIN todos u ON true", "", 60),
        ("SELECT 1 FROM todos t", ", lists l", "", 1),
        ("SELECT 1 WHERE 1 IN (1", ", 1", ")", 6_000),
        ("SELECT 1", ", 1", "", 6_000),
        ("VALUES (1)", ", (1)", "", 6_000),
        ("SELECT CASE", " WHEN true THEN 1", " END", 2_000),
        ("WITH a AS (SELECT 1)", ", a AS (SELECT 1)", " SELECT 1", 2_000),
    ];
    for (head, link, tail, count) in chains {
        let got = planned(format!("{head}{}{tail}", link.repeat(count)));
        assert!(got.is_ok() || link.contains("JOIN"), "{link}: {got:?}");
    }
    let nests = [
        ("(", ")"),
        ("abs(", ")"),
        ("(SELECT ", ")"),
        ("ARRAY[", "]"),
        ("CASE WHEN ", " THEN 1 END"),
        ("- ", ""),
    ];
    for (open, close) in nests {
        let most = (1..60).take_while(|count| only_names(&nest(open, close, *count)).is_none()).count();
        assert!(most >= 8, "{open} {most}");
        assert_eq!(planned(nest(open, close, most)), Ok(()), "{open}");
        let chained = nest(open, close, most - 2).replace("id", &format!("id{}", " * id".repeat(150)));
        assert_eq!(planned(chained), Ok(()), "{open}");
    }
}

fn nest(open: &str, close: &str, count: usize) -> String {
    let inner = format!("{}id{}", open.repeat(count), close.repeat(count));
    format!("SELECT {inner} FROM todos WHERE {inner} = 1")
}

#[test]
fn what_is_deeper_is_left_before_it_is_too_deep() {
    let endless = [
        "(",
        "((",
        "[",
        "-",
        "- ",
        "~",
        "@",
        "{",
        "NOT ",
        "x(",
        "x.",
        "x::",
        "a[",
        "CASE ",
        "CASE WHEN ",
        "EXISTS (",
        "SELECT (",
        "(SELECT ",
        "SELECT * FROM (",
        "SELECT * FROM t JOIN (",
        "t JOIN ",
        "t LEFT JOIN ",
        "ARRAY[",
        "ARRAY(",
        "CAST(",
        "WITH x AS (",
        "1 IN (",
        "INTERVAL ",
        "INTERVAL '1' ",
        "a COLLATE ",
        "a AT TIME ZONE ",
        "1 + ",
        "1 OR ",
        "1 AND ",
        "1 BETWEEN ",
        "x IS ",
        "x LIKE ",
        "SELECT 1 UNION ",
        "SELECT 1 UNION (",
        "f(a => ",
        "DATE ",
        "ROW(",
        "x -> ",
        "REGEXP ",
        "RLIKE ",
        "XOR ",
        "GROUPING SETS (",
        "x::int[]",
        "STRUCT<",
        "x::Nullable(",
        "x::LowCardinality(",
        "VALUES (",
        "LATERAL (",
        "TABLE ",
        "ONLY ",
        "EXTRACT(",
        "TRIM(",
        "SUBSTRING(",
        "POSITION(",
        "x FILTER (WHERE ",
        "x OVER (ORDER BY ",
        "PRIOR ",
        "CONNECT_BY_ROOT ",
        "MAP {",
        "x ESCAPE ",
        "EXPLAIN ",
        "COPY (",
    ];
    for link in endless {
        for head in ["SELECT ", "SELECT 1 FROM ", "SELECT x::", ""] {
            for count in [100, 10_000 / link.len()] {
                // Whatever becomes of it, the stack is not what ends it.
                let _ = planned(format!("{head}{} FROM todos", link.repeat(count)));
            }
        }
    }
}

#[test]
fn what_is_too_large_has_a_sqlstate_of_its_own() {
    let names: Vec<String> = (0..3_000).map(|number| format!("f{number}()")).collect();
    let cases = [
        format!("SELECT '{}'", "x".repeat(300_000)),
        format!("SELECT {} FROM todos", names.join(" + ")),
        format!("SELECT _store FROM todos WHERE id = 1{}", " + 1".repeat(1_000)),
    ];
    for text in cases {
        let refusal = planned(text.clone()).expect_err("refused");
        assert_eq!((refusal.sqlstate, refusal.unread), ("54001", false), "{}", &text[..40]);
        assert!(refusal.hint.len() > 10);
    }
}

/// No tree is made of them, and none is needed to gather what they name.
#[test]
fn what_is_too_deep_for_a_tree_is_answered_by_its_names() {
    let cases = [
        (format!("SELECT 1{} FROM todos", " + 1".repeat(1_000)), "operators"),
        (format!("SELECT 1 FROM todos{}", " JOIN lists ON true".repeat(100)), "joins"),
        (format!("SELECT {}1{} FROM todos", "(".repeat(100), ")".repeat(100)), "deeply"),
        (format!("SELECT {}1{} FROM todos", "(SELECT ".repeat(100), ")".repeat(100)), "deeply"),
    ];
    for (text, why) in cases {
        assert!(only_names(&text).is_some_and(|told| told.contains(why)), "{}", &text[..40]);
        assert_eq!(planned(text), Ok(()));
    }
}

/// Places in a long line are found at once, not by counting from its start.
#[test]
fn long_lines_are_read_in_time_that_grows_with_them() {
    let start = std::time::Instant::now();
    let text = format!("SELECT 'é' FROM todos WHERE id IN (1{})", ", 1".repeat(20_000));
    planned(text).expect("read");
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
}

/// Pieces of SQL, valid in some order.
const PIECES: [&str; 96] = [
    "SELECT",
    "FROM",
    "WHERE",
    "GROUP BY",
    "HAVING",
    "ORDER BY",
    "LIMIT",
    "OFFSET",
    "FETCH FIRST 1 ROWS ONLY",
    "WITH",
    "WITH RECURSIVE",
    "AS",
    "(",
    ")",
    "(",
    ")",
    ",",
    ",",
    ".",
    "*",
    "t",
    "todos",
    "lists",
    "public",
    "audit",
    "open_todos",
    "titles",
    "\"T\"",
    "id",
    "title",
    "done",
    "_store",
    "ctid",
    "x",
    "\"Odd Name\"",
    "1",
    "-1",
    "1.5",
    "'x'",
    "E'\\n'",
    "$1",
    "$2",
    "$$x$$",
    "NULL",
    "true",
    "+",
    "-",
    "/",
    "||",
    "=",
    "<",
    "<>",
    "->>",
    "::int",
    "::text",
    "AND",
    "OR",
    "NOT",
    "IS NULL",
    "IN",
    "BETWEEN",
    "BETWEEN SYMMETRIC",
    "LIKE",
    "EXISTS",
    "ANY",
    "count(*)",
    "count(",
    "sum(",
    "avg(",
    "now()",
    "current_date",
    "random()",
    "DISTINCT",
    "DISTINCT ON",
    "UNION ALL",
    "EXCEPT",
    "JOIN",
    "LEFT JOIN",
    "NATURAL JOIN",
    "ON",
    "USING",
    "LATERAL",
    "CASE WHEN",
    "THEN",
    "END",
    "OVER ()",
    "FILTER (WHERE",
    "WITHIN GROUP (ORDER BY",
    "ROLLUP",
    "VALUES",
    "TABLE",
    "ONLY",
    "COPY (",
    ") TO STDOUT",
    "EXPLAIN",
    "é 漢 \n--\r/* */",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_soup_of_words_makes_a_panic(picks in proptest::collection::vec(0..PIECES.len(), 0..40)) {
        let words: Vec<&str> = picks.into_iter().map(|pick| PIECES[pick]).collect();
        let _ = plan(&words.join(" "));
        let _ = plan(&format!("SELECT {}", words.join(" ")));
        let _ = plan(&format!("SELECT id FROM todos WHERE {}", words.concat()));
    }

    #[test]
    fn no_text_makes_a_panic(text in "\\PC*", ascii in "[ -~\n]{0,200}") {
        let _ = plan(&text);
        let _ = plan(&format!("SELECT {text} FROM todos"));
        let _ = plan(&format!("SELECT {ascii}"));
    }
}
