//! What holds for every text, shown on texts out of generators.

mod edits;

use edits::names_only;
use proptest::prelude::*;
use sql::{
    Decision, Effects, Kind, Lexer, Names, Role, Scan, Scanner, Strings, analyse_as, map_parameter, rewrite,
    rewrite_as,
};

const NAMES: Names =
    Names { schema: "p_todo's \"x\\", extensions: "ext", database: "todo", store_database: "theirs" };

/// Those of a partition whose schema the gate made.
const DISTINCT: Names = Names { schema: "stuff_todo_0a1b2c3d", ..NAMES };

/// The partition's schema as an identifier, in plain text and inside the quotes of a plain string.
const IDENTIFIER: &str = r#""p_todo's ""x\""#;

/// Fragments that lexers get wrong, and words that the gate looks for.
const FRAGMENTS: &[&str] = &[
    " ",
    "\n",
    "\t",
    ";",
    ",",
    ".",
    "(",
    ")",
    "[",
    "]",
    "'",
    "''",
    "\"",
    "\\",
    "\\'",
    "E'",
    "e'",
    "U&'",
    "u&\"",
    "U&\"publ\\0069c\"",
    "UESCAPE '!'",
    "N'",
    "B'01'",
    "x'",
    "$$",
    "$a$",
    "$1",
    "$2",
    "$",
    "--",
    "/*",
    "*/",
    "-",
    "+",
    "*",
    "=",
    "<>",
    "~",
    "::",
    ":=",
    "..",
    "1",
    "1.5e3",
    "0x",
    "public",
    "PUBLIC",
    "\"public\"",
    "'public'",
    "'public.t'",
    "'{public}'",
    "regclass",
    "::regclass",
    "::regnamespace",
    "nspname",
    "schemaname",
    "pg_tables",
    " pg_class ",
    " ONLY ",
    " WITH ",
    " UNION ",
    " WHERE ",
    " TABLE ",
    " TABLESAMPLE ",
    "information_schema",
    " information_schema.tables ",
    "table_schema",
    " = ",
    " IN ",
    " NOT ",
    " LIKE ",
    " ANY ",
    " ARRAY",
    " OPERATOR",
    " SELECT ",
    " FROM ",
    " AS ",
    " JOIN ",
    " UPDATE ",
    " SET ",
    " LOCAL ",
    " SCHEMA ",
    " CREATE ",
    " DROP ",
    " GRANT ",
    " ON ",
    " TO ",
    " DO ",
    " FUNCTION ",
    " EXECUTE ",
    " LANGUAGE ",
    " BEGIN ",
    " ATOMIC ",
    " END ",
    " CASE ",
    " INTO ",
    " TEMP ",
    " search_path ",
    " set_config",
    "'search_path'",
    " current_setting",
    "stuffgate.user",
    "'stuffgate.user'",
    "/*stuffgate.user='alice'*/",
    "%2E",
    " to_regclass",
    " nextval",
    " currval",
    " pg_advisory_lock",
    " coalesce",
    " unnest",
    " cast",
    " values ",
    "\u{e9}",
    "a",
    "_b",
    "t",
];

fn soup() -> impl Strategy<Value = Vec<u8>> {
    let fragment = prop_oneof![
        40 => prop::sample::select(FRAGMENTS).prop_map(|f| f.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..4),
    ];
    prop::collection::vec(fragment, 0..24).prop_map(|fragments| fragments.concat())
}

/// What a client writes, and what the server must get.
#[derive(Clone, Debug)]
struct Pair(String, String);

impl Pair {
    fn same(text: impl Into<String>) -> Self {
        let text = text.into();
        Self(text.clone(), text)
    }
}

/// `public` as an identifier.
fn schema() -> impl Strategy<Value = &'static str> {
    prop::sample::select(
        &[
            "public",
            "PUBLIC",
            "Public",
            "\"public\"",
            "U&\"publ\\0069c\"",
            "u&\"publ!0069c\" UESCAPE '!'",
            "U&\"\\+000070ublic\"",
        ][..],
    )
}

/// What may stand between any two tokens.
fn gap() -> impl Strategy<Value = &'static str> {
    prop::sample::select(
        &[
            " ",
            "\n",
            "\t ",
            " /* public.t */ ",
            " /* a /* public. */ 'public.t' */ ",
            " -- public.t 'x\n",
            " /*'*/ ",
        ][..],
    )
}

/// Data that speaks of the schema in every kind of constant.
fn data() -> impl Strategy<Value = String> {
    let content = prop_oneof![
        Just("public".to_owned()),
        Just("public.t".to_owned()),
        Just("\"public\".\"t\"".to_owned()),
        Just("{public}".to_owned()),
        "[a-z.\"{} \u{e9}/*-]{0,12}",
    ];
    (content, 0..7).prop_map(|(content, style)| match style {
        0 => format!("'{content}'"),
        1 => format!("'it''s {content}'"),
        2 => format!("E'\\'{content}\\\\'"),
        3 => format!("U&'{content}\\0041'"),
        4 => format!("$${content}$$"),
        5 => format!("$q_1$'{content}$$ public.t$q_1$"),
        _ => format!("'a'\n  '{content}'"),
    })
}

/// A string constant of `value`, which holds neither quotes nor backslashes of its own, and the
/// same one of what the server must get.
fn constant(value: &'static str, mapped: String) -> impl Strategy<Value = Pair> {
    (0..5).prop_map(move |style| {
        let doubled = mapped.replace('\'', "''");
        let escaped = doubled.replace('\\', "\\\\");
        match style {
            0 => Pair(format!("'{value}'"), format!("'{doubled}'")),
            1 => Pair(format!("E'{value}'"), format!("E'{escaped}'")),
            2 => Pair(format!("U&'{value}'"), format!("U&'{escaped}'")),
            3 => Pair(format!("$x${value}$x$"), format!("$x${mapped}$x$")),
            _ => Pair(format!("N'{value}'"), format!("N'{doubled}'")),
        }
    })
}

fn item() -> impl Strategy<Value = Pair> {
    let qualified =
        (schema(), gap(), prop::sample::select(&["f(1)", "t.a", "\"public\".b", "\u{e9}t\u{e9}.x$1"][..]))
            .prop_map(|(schema, gap, rest)| {
                Pair(format!("{schema}{gap}.{rest}"), format!("{IDENTIFIER}{gap}.{rest}"))
            });
    let cast = constant("public.t", format!("{IDENTIFIER}.t"))
        .prop_map(|Pair(client, server)| Pair(format!("{client}::regclass"), format!("{server}::regclass")));
    let compared = constant("public", NAMES.schema.to_owned()).prop_map(|Pair(client, server)| {
        Pair(format!("n.nspname = {client}"), format!("n.nspname = {server}"))
    });
    let plain = prop::sample::select(
        &[
            "public",
            "is_public",
            "a.public",
            "x -> 'public'",
            "-1",
            "a @-1",
            "b<=-.5e3",
            "c OPERATOR(pg_catalog.+) 2",
            "$1 + $2",
            "B'01'",
            "arr[1:2]",
            "x::public_t",
            "d AS public",
            "count(*)",
            "\"Public\".a",
            "E'\\\\' || 'public.t'",
            "1_000 + 0x_ff + 1e1_0",
            "a<->b @>-1",
            "!!x || N'public'",
            "\"pub\"\"lic\".a",
            "\u{441}\u{442}.public",
            "U&\"\\0441\".public",
            "$a$public.t$b$ $a$",
            "(public_x).public",
            "/* ' */ x /* $$ */",
            "b'1'::bit(1)",
            "a IS DISTINCT FROM pg_class",
            "extract(day FROM pg_class)",
        ][..],
    );
    prop_oneof![qualified, cast, compared, plain.prop_map(Pair::same), data().prop_map(Pair::same)]
}

fn statement() -> impl Strategy<Value = Pair> {
    (prop::collection::vec((item(), gap()), 1..8), schema(), gap()).prop_map(|(items, schema, end)| {
        let mut both = Pair::same("SELECT ");
        for (n, (Pair(client, server), gap)) in items.iter().enumerate() {
            let comma = if n > 0 { "," } else { "" };
            both.0 += &format!("{comma}{gap}{client}");
            both.1 += &format!("{comma}{gap}{server}");
        }
        both.0 += &format!(" FROM{end}{schema}.t AS a, pg_namespace n WHERE public = 'public'");
        both.1 += &format!(" FROM{end}{IDENTIFIER}.t AS a, pg_namespace n WHERE public = 'public'");
        both
    })
}

/// A relation as a query lists it: what the client writes, with the partition's names, and whether it
/// is narrowed by its columns' qualifier.
#[derive(Clone, Debug)]
struct Listed {
    both: Pair,
    narrowed_by: Option<String>,
}

/// A relation of the server, in every way of writing its name.
fn of_server() -> impl Strategy<Value = Listed> {
    let name = prop::sample::select(&["pg_class", "PG_Class", "\"pg_class\"", "U&\"pg\\005fclass\""][..]);
    let schema =
        prop::sample::select(&["", "pg_catalog.", "PG_CATALOG .", "\"pg_catalog\" /* public. */."][..]);
    let alias =
        prop::sample::select(&["", "c", "AS C", "as \"select\"", "\u{441}1$", "AS public", "\"fr.om\""][..]);
    let before = prop::sample::select(&["", "ONLY"][..]);
    (name, schema, alias, before, gap()).prop_map(|(name, schema, alias, before, gap)| {
        let called = alias.rsplit(' ').next().filter(|alias| !alias.is_empty()).unwrap_or(name);
        let text = format!("{before} {schema}{name}{gap}{alias}");
        Listed { both: Pair::same(text.trim_start().to_owned()), narrowed_by: Some(called.to_owned()) }
    })
}

/// Anything else that a query may list.
fn of_others() -> impl Strategy<Value = Listed> {
    let plain = prop::sample::select(
        &[
            "t",
            "other.pg_class c",
            "pg_attribute a",
            "unnest(ARRAY['public.t']) WITH ORDINALITY AS x (a, b)",
            "(SELECT 'public', 1 AS from) y",
            "LATERAL (VALUES (1), (2)) v (pg_class)",
            "ROWS FROM (f(1), g('pg_class')) r",
            "pg_class (1)",
        ][..],
    );
    let qualified =
        schema().prop_map(|schema| Pair(format!("{schema}.t AS a"), format!("{IDENTIFIER}.t AS a")));
    prop_oneof![plain.prop_map(Pair::same), qualified].prop_map(|both| Listed { both, narrowed_by: None })
}

/// A query, and the qualifiers of the columns by which it is narrowed, in order.
fn query() -> impl Strategy<Value = (Pair, Vec<String>)> {
    let listed = prop_oneof![2 => of_server(), 1 => of_others()];
    let joined = prop::sample::select(
        &[",", ", ", " CROSS JOIN ", " natural left join\n", " /* , */ CROSS JOIN "][..],
    );
    let items = prop::collection::vec((item(), gap()), 1..4);
    (items, prop::collection::vec((listed, joined, gap()), 1..6), data()).prop_map(
        |(items, relations, data)| {
            let (mut both, mut qualifiers) = (Pair::same("SELECT "), Vec::new());
            let mut push = |client: &str, server: &str| {
                both.0 += client;
                both.1 += server;
            };
            for (n, (Pair(client, server), gap)) in items.iter().enumerate() {
                push(
                    &format!("{}{gap}{client}", if n > 0 { "," } else { "" }),
                    &format!("{}{gap}{server}", if n > 0 { "," } else { "" }),
                );
            }
            for (n, (listed, joined, gap)) in relations.iter().enumerate() {
                let joined = if n > 0 { joined } else { " FROM " };
                push(&format!("{joined}{gap}{}", listed.both.0), &format!("{joined}{gap}{}", listed.both.1));
                qualifiers.extend(listed.narrowed_by.clone());
            }
            let end = format!(" WHERE x = {data} ORDER BY pg_class, pg_type");
            push(&end, &end);
            (both, qualifiers)
        },
    )
}

fn roles() -> impl Strategy<Value = Role> {
    prop::sample::select(
        &[
            Role::Schema,
            Role::SchemaIdentifier,
            Role::SchemaPattern,
            Role::SchemaRegex,
            Role::Schemas,
            Role::Qualified,
            Role::QualifiedPart,
            Role::QualifiedText,
            Role::QualifiedNames,
            Role::SearchPath,
            Role::ValueOf(1),
        ][..],
    )
}

fn names() -> impl Strategy<Value = Names<'static>> {
    prop::sample::select(&[NAMES, DISTINCT][..])
}

fn strings() -> impl Strategy<Value = Strings> {
    prop::sample::select(&[Strings::Standard, Strings::Escapes][..])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn rewriting_changes_the_schemas_name_and_nothing_else(Pair(client, server) in statement()) {
        let rewritten = rewrite(client.as_bytes(), &NAMES).expect("the table is qualified");
        let names = names_only(client.as_bytes(), &rewritten);
        prop_assert_eq!(String::from_utf8_lossy(&names), server, "{}", client);
    }

    #[test]
    fn narrowing_brackets_the_relations_of_the_server_and_nothing_else((Pair(client, server), qualifiers) in query()) {
        let Some(rewritten) = rewrite(client.as_bytes(), &NAMES) else {
            prop_assert!(qualifiers.is_empty() && client == server, "{}", client);
            return Ok(());
        };
        let names = names_only(client.as_bytes(), &rewritten);
        prop_assert_eq!(String::from_utf8_lossy(&names), server, "{}", client);
        let added: Vec<_> = rewritten
            .edits
            .iter()
            .filter(|edit| edit.client.is_empty())
            .map(|edit| String::from_utf8_lossy(&rewritten.text[edit.server.clone()]))
            .collect();
        let expected = qualifiers.iter().enumerate().flat_map(|(n, qualifier)| {
            let on = format!(" JOIN (SELECT) AS stuffgate_{} ON (({qualifier}.relnamespace < 16384", n + 1);
            ["(".to_owned(), on]
        });
        let expected: Vec<_> = expected.collect();
        prop_assert_eq!(added.len(), expected.len(), "{}", client);
        for (added, expected) in added.iter().zip(&expected) {
            prop_assert!(added.starts_with(expected.as_str()), "{} in {}", added, client);
        }
    }

    /// Names in the partition's terms stay, and a query of the catalog is narrowed alike whoever wrote
    /// its names: what the first pass makes of the names, the second makes into the same text.
    #[test]
    fn rewriting_twice_is_rewriting_once(text in soup(), strings in strings(), names in names()) {
        if let Some(once) = rewrite_as(&text, &names, strings) {
            let mapped = names_only(&text, &once);
            let twice = rewrite_as(&mapped, &names, strings).map_or_else(|| mapped.clone(), |r| r.text);
            prop_assert_eq!(String::from_utf8_lossy(&once.text), String::from_utf8_lossy(&twice), "{}", String::from_utf8_lossy(&text));
        }
    }

    #[test]
    fn edits_lead_from_one_text_to_the_other(text in soup(), names in names()) {
        if let Some(rewritten) = rewrite(&text, &names) {
            let (mut client, mut server, mut back) = (0, 0, Vec::new());
            for edit in &rewritten.edits {
                prop_assert_eq!(&text[client..edit.client.start], &rewritten.text[server..edit.server.start]);
                back.extend_from_slice(&rewritten.text[server..edit.server.start]);
                back.extend_from_slice(&text[edit.client.clone()]);
                (client, server) = (edit.client.end, edit.server.end);
            }
            back.extend_from_slice(&rewritten.text[server..]);
            prop_assert_eq!(back, text);
        }
    }

    #[test]
    fn every_byte_belongs_to_one_token(text in prop_oneof![soup(), prop::collection::vec(any::<u8>(), 0..64)], strings in strings()) {
        let mut end = 0;
        for token in Lexer::new(&text, strings) {
            prop_assert_eq!(token.start, end);
            prop_assert!(token.end > token.start);
            end = token.end;
        }
        prop_assert_eq!(end, text.len());
    }

    #[test]
    fn a_plain_text_is_one_statement_that_concerns_nobody(
        text in prop_oneof![soup(), soup().prop_map(|s| [b"SELECT ", s.as_slice()].concat())],
        strings in strings(),
        names in names(),
    ) {
        let scan = Scanner::new().scan(&text);
        let analysis = analyse_as(&text, strings);
        prop_assert!(!analysis.statements.is_empty());
        if scan != Scan::Look {
            prop_assert_eq!(analysis.statements.len(), 1);
            let statement = &analysis.statements[0];
            prop_assert_eq!((statement.effects, &statement.tag, &statement.decision), (Effects::NONE, &None, &Decision::Forward));
            prop_assert_eq!(rewrite_as(&text, &names, strings), None);
            let transaction = matches!(statement.kind, Kind::Begin { .. } | Kind::Commit { chain: false } | Kind::Rollback { chain: false });
            prop_assert_eq!(transaction, scan != Scan::Plain);
        }
    }

    #[test]
    fn statements_lie_in_the_text_one_behind_the_other(text in soup(), strings in strings()) {
        let mut end = 0;
        for statement in &analyse_as(&text, strings).statements {
            prop_assert!(statement.range.start >= end && statement.range.end <= text.len());
            end = statement.range.end;
        }
    }

    #[test]
    fn mapping_a_value_twice_is_mapping_it_once(role in roles(), value in prop_oneof![soup(), Just(b"public".to_vec())], names in names()) {
        if let Some(once) = map_parameter(role, &value, &names) {
            prop_assert_eq!(map_parameter(role, &once, &names), None, "{}", String::from_utf8_lossy(&once));
        }
    }
}
