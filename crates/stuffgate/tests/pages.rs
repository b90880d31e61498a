//! What the pages under `docs/` say of the code is true: messages, crates, bounds, links.
#![allow(clippy::panic, clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// A SQLSTATE and a message whose changing parts are `…`.
type Told = (String, String);

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn read(path: &str) -> String {
    let path = top().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A source file without its tests.
fn source(path: &str) -> String {
    let text = read(path);
    text.split("#[cfg(test)]").next().unwrap().to_owned()
}

/// The item (function, enum, struct) that begins with `head` at whatever depth, up to its closing brace.
fn item<'a>(text: &'a str, head: &str) -> &'a str {
    let at = text.find(head).unwrap_or_else(|| panic!("there is no `{head}`"));
    let line = text[..at].rfind('\n').map_or(0, |end| end + 1);
    let indent = text[line..].len() - text[line..].trim_start_matches(' ').len();
    let end = text[at..].find(&format!("\n{}}}", " ".repeat(indent))).unwrap();
    &text[at..at + end]
}

/// Every function of a file, by its head.
fn functions(text: &str) -> Vec<&str> {
    let heads = text.lines().map(str::trim_start).filter(|line| {
        let bare = line
            .trim_start_matches("pub(crate) ")
            .trim_start_matches("pub(super) ")
            .trim_start_matches("pub ");
        bare.trim_start_matches("async ").starts_with("fn ") && !line.ends_with(';')
    });
    heads.map(|head| item(text, head)).collect()
}

/// The string literals of a piece of code, each with where it ends; comments and lifetimes hold none.
fn literals(code: &str) -> Vec<(usize, String)> {
    let (bytes, mut at, mut found) = (code.as_bytes(), 0, Vec::new());
    while at < bytes.len() {
        match bytes[at] {
            b'"' => {
                let (text, end) = literal(&code[at + 1..]);
                at += 1 + end;
                found.push((at, text));
            }
            b'/' if code[at..].starts_with("//") => at += code[at..].find('\n').unwrap_or(code.len() - at),
            b'\'' if code[at..].starts_with("'\"'") => at += 3,
            _ => at += 1,
        }
    }
    found
}

/// One literal from behind its opening quote: what it means, and where it ends.
fn literal(code: &str) -> (String, usize) {
    let (mut text, mut characters) = (String::new(), code.char_indices().peekable());
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return (text, at + 1),
            '\\' => match characters.next().map(|(_, escaped)| escaped) {
                Some('\n') => while characters.next_if(|(_, next)| next.is_whitespace()).is_some() {},
                Some(escaped) => text.push(escaped),
                None => {}
            },
            other => text.push(other),
        }
    }
    panic!("a string never ends: {code}")
}

/// `{name}` and `{}` become `…`.
fn open(message: &str) -> String {
    let mut parts = message.split('{');
    let mut shown = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        shown.push('…');
        shown.push_str(part.split_once('}').map_or("", |(_, rest)| rest));
    }
    shown
}

/// Messages are sentences without a full stop; hints and details have one.
fn is_message(text: &str) -> bool {
    text.contains(' ') && !text.ends_with('.')
}

/// The messages of `#[error("…")]` in an item; none where it passes another error's on.
fn error_messages(code: &str) -> Vec<String> {
    let attributes = code.split("#[error(").skip(1);
    let messages = attributes.filter_map(|rest| {
        let rest = rest.trim_start();
        rest.starts_with('"').then(|| open(&literal(&rest[1..]).0))
    });
    messages.filter(|message| message != "…").collect()
}

/// SQLSTATEs by the name of their constant.
fn sqlstates() -> BTreeMap<String, String> {
    let text = read("crates/wire/src/sqlstate.rs");
    let lines = text.lines().filter_map(|line| line.trim().split_once(" = b\""));
    lines.map(|(name, rest)| (name.to_owned(), rest[..5].to_owned())).collect()
}

/// The SQLSTATEs that a piece of code names.
fn codes_in(code: &str, known: &BTreeMap<String, String>) -> BTreeSet<String> {
    let names = code.split("sqlstate::").skip(1).filter_map(|rest| {
        let end = rest.find(|c: char| !c.is_ascii_uppercase() && !c.is_ascii_digit() && c != '_')?;
        known.get(&rest[..end]).cloned()
    });
    let mut codes: BTreeSet<String> = names.collect();
    if code.contains("violation(") {
        codes.insert("08P01".to_owned());
    }
    codes
}

/// The SQLSTATE that stands right before a message, in the same call.
fn code_before(code: &str, known: &BTreeMap<String, String>) -> Option<String> {
    let before = code.trim_end().trim_end_matches("format!(").trim_end();
    if before.ends_with("violation(") {
        return Some("08P01".to_owned());
    }
    let name = before.strip_suffix(',')?.rsplit_once("sqlstate::")?.1;
    known.get(name).cloned()
}

/// Texts of these files that go to the log, to another function, or into a statement.
const NOT_TOLD: [&str; 14] = [
    "the mock verifier was satisfied",
    "no random numbers",
    "the client went away",
    "the console's client went away",
    "a client did not log in in time",
    "login refused",
    "it did not say why",
    "a value is not one of its type",
    "no greeting",
    "an expression",
    "the name of a start-up parameter",
    "TLS is switched off",
    "DISCARD ALL",
    "DEALLOCATE ALL",
];

/// What a file's functions tell, where code and message stand in them; and what they may tell, where a
/// message stands apart from the codes of its function.
fn told_by(
    path: &str,
    known: &BTreeMap<String, String>,
) -> (BTreeSet<Told>, Vec<(String, BTreeSet<String>)>) {
    let (mut exact, mut loose) = (BTreeSet::new(), Vec::new());
    let text = source(path);
    for function in functions(&text) {
        for (end, message) in literals(function) {
            let shown = open(&message);
            let is_tag = message.starts_with("SELECT ") || message.starts_with("BEGIN ");
            if !is_message(&message) || NOT_TOLD.contains(&message.as_str()) || is_tag {
                continue;
            }
            let start = function[..end - 1].rfind(&written(&message)).map_or(end, |at| at - 1);
            match code_before(&function[..start], known) {
                Some(code) => drop(exact.insert((code, shown))),
                None => {
                    let codes = codes_in(function, known);
                    if !codes.is_empty() {
                        loose.push((shown, codes));
                    }
                }
            }
        }
    }
    (exact, loose)
}

/// A literal's beginning as it is written in the source, up to what may be escaped.
fn written(message: &str) -> String {
    message.split(['"', '\\']).next().unwrap_or_default().to_owned()
}

/// The rows of the tables under a heading of a page: their cells, backquotes taken off.
fn rows(page: &str, heading: &str) -> Vec<Vec<String>> {
    let text = read(page);
    let level = heading.split(' ').next().unwrap();
    let from = text.find(&format!("\n{heading}\n")).unwrap_or_else(|| panic!("{page} has no {heading}"));
    let section = &text[from + heading.len() + 2..];
    let ends = ["\n## ", "\n### "].into_iter().filter(|end| end.trim().len() <= level.len());
    let end = ends.filter_map(|end| section.find(end)).min().unwrap_or(section.len());
    let lines = section[..end].lines().filter(|line| line.starts_with("| ") && !line.starts_with("|--"));
    let cells = |line: &str| -> Vec<String> {
        line.trim_matches('|').split(" | ").map(|cell| cell.trim().trim_matches('`').to_owned()).collect()
    };
    lines.skip(1).map(cells).collect()
}

fn table(page: &str, heading: &str) -> BTreeSet<Told> {
    rows(page, heading).into_iter().map(|row| (row[0].clone(), row[1].clone())).collect()
}

/// Compares a table with what the code tells.
fn compare(
    table: &BTreeSet<Told>,
    exact: &BTreeSet<Told>,
    loose: &[(String, BTreeSet<String>)],
) -> Vec<String> {
    let mut wrong = Vec::new();
    for told in exact.difference(table) {
        wrong.push(format!("the page lacks {told:?}"));
    }
    for (message, codes) in loose {
        let known = table.iter().any(|(code, there)| there == message && codes.contains(code));
        if !known {
            wrong.push(format!("the page lacks {message:?} with one of {codes:?}"));
        }
    }
    let may =
        |(code, message): &Told| loose.iter().any(|(there, codes)| there == message && codes.contains(code));
    for row in table.iter().filter(|row| !exact.contains(*row) && !may(row)) {
        wrong.push(format!("no code tells {row:?}"));
    }
    wrong
}

const PAGE: &str = "docs/operations.md";

#[test]
fn every_message_and_sqlstate_of_a_session_is_in_the_operators_table_and_no_other() {
    let known = sqlstates();
    let (mut exact, mut loose) = (BTreeSet::new(), Vec::new());
    for path in [
        "crates/session/src/error.rs",
        "crates/session/src/login.rs",
        "crates/session/src/serve.rs",
        "crates/session/src/extended.rs",
        "crates/session/src/simple.rs",
        "crates/session/src/local.rs",
        "crates/fanout/src/error.rs",
        "crates/fanout/src/coverage.rs",
        "crates/session/src/analyst/refusals.rs",
        "crates/wire/src/greet.rs",
        "crates/wire/src/startup.rs",
        "crates/wire/src/admit.rs",
    ] {
        let (more, apart) = told_by(path, &known);
        exact.extend(more);
        loose.extend(apart);
    }
    let errors = source("crates/session/src/error.rs");
    let admit = source("crates/wire/src/admit.rs");
    for (path, head, codes) in [
        ("crates/session/src/route.rs", "enum NoRoute", item(&errors, "fn no_route(")),
        ("crates/pool/src/error.rs", "enum LeaseError", item(&errors, "fn no_lease(")),
        ("crates/relay/src/fault.rs", "enum ClientFault", item(&errors, "fn client_fault(")),
        ("crates/wire/src/scram/mod.rs", "enum ScramError", item(&admit, "fn authenticate(")),
    ] {
        let text = source(path);
        let codes = codes_in(codes, &known);
        // What the gate meets as a store's client stands in a table of its own.
        let stores = table_of_stores();
        let messages = error_messages(item(&text, head)).into_iter();
        let messages = messages.filter(|message| !stores.contains(message) && message != "wrong secret");
        loose.extend(messages.map(|message| (message, codes.clone())));
    }
    let frame = error_messages(&source("crates/wire/src/frame/mod.rs"));
    loose.extend(frame.into_iter().map(|message| (message, ["08P01".to_owned()].into())));
    exact.extend(refused_by_sql());
    let wrong = compare(&table(PAGE, "### In a session"), &exact, &loose);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// `sqlstate: "…", message: "…"` of statements that the gate answers itself.
fn refused_by_sql() -> Vec<Told> {
    let mut told = Vec::new();
    for path in ["crates/sql/src/refuse.rs", "crates/sql/src/classify.rs"] {
        for part in source(path).split("sqlstate: \"").skip(1) {
            let message = part.split("message: \"").nth(1).unwrap();
            told.push((part[..5].to_owned(), literal(message).0));
        }
    }
    told
}

/// What the planner of fan-outs refuses.
fn refused_by_planner() -> BTreeSet<Told> {
    let mut told = BTreeSet::new();
    let mut folders = vec![top().join("crates/sql/src/fanout")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                folders.push(entry);
                continue;
            }
            let text = source(entry.strip_prefix(top()).unwrap().to_str().unwrap());
            let heads = [
                ("Refusal::unsupported(", "0A000"),
                ("Refusal::too_complex(", "54001"),
                ("sqlstate: \"", ""),
            ];
            for (head, code) in heads {
                for part in text.split(head).skip(1) {
                    let code = if code.is_empty() { &part[..5] } else { code };
                    let part =
                        if head.ends_with('(') { part } else { part.split_once("message: ").unwrap().1 };
                    if let Some((_, message)) = part.split_once('"').filter(|(before, _)| before.len() < 40) {
                        told.insert((code.to_owned(), open(&literal(message).0)));
                    }
                }
            }
        }
    }
    told
}

#[test]
fn what_the_planner_of_fan_outs_refuses_is_in_its_table_and_nothing_else() {
    let wrong = compare(&table(PAGE, "### What a fan-out does not answer"), &refused_by_planner(), &[]);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn table_of_stores() -> BTreeSet<String> {
    rows(PAGE, "### Why a store cannot be used").into_iter().map(|row| row[0].clone()).collect()
}

#[test]
fn whatever_is_said_of_a_store_that_cannot_be_used_is_explained() {
    let scram = source("crates/wire/src/scram/mod.rs");
    let dial = source("crates/wire/src/dial/error.rs");
    let faults = source("crates/relay/src/fault.rs");
    let ledger = source("crates/relay/src/ledger.rs");
    let mut may: BTreeSet<String> = error_messages(&dial).into_iter().collect();
    may.extend(error_messages(item(&faults, "enum ServerFault")));
    may.extend(error_messages(&ledger));
    let explained = table_of_stores();
    let missing: Vec<_> = may.difference(&explained).collect();
    assert!(missing.is_empty(), "{PAGE} does not explain {missing:#?}");
    may.extend(error_messages(item(&scram, "enum ScramError")));
    let idle: Vec<_> = explained.difference(&may).collect();
    assert!(idle.is_empty(), "nothing says {idle:#?}");
}

#[test]
fn every_refusal_of_the_admin_console_is_in_the_operators_table() {
    let text = source("crates/admin/src/refuse.rs");
    let codes = codes_in(item(&text, "fn code("), &sqlstates());
    let messages = error_messages(item(&text, "enum Refusal"));
    let loose: Vec<_> = messages.into_iter().map(|message| (message, codes.clone())).collect();
    let wrong = compare(&table(PAGE, "### In the admin console"), &BTreeSet::new(), &loose);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_failure_of_a_command_is_in_the_operators_table() {
    let mut may = BTreeSet::new();
    for path in [
        "crates/registry/src/error.rs",
        "crates/store/src/error.rs",
        "crates/stuffgate/src/config.rs",
        "crates/stuffgate/src/provisioning.rs",
    ] {
        may.extend(error_messages(&source(path)));
    }
    let explained: BTreeSet<String> =
        table(PAGE, "### On the command line").into_iter().map(|(_, message)| message).collect();
    let clean = |set: BTreeSet<String>| -> BTreeSet<String> {
        set.into_iter().map(|message| message.trim_matches('`').to_owned()).collect()
    };
    assert_eq!(clean(explained), clean(may));
}

#[test]
fn crates_know_whom_the_architecture_page_says() {
    let written: BTreeMap<String, [String; 2]> = rows("docs/architecture.md", "## Who may know whom")
        .into_iter()
        .map(|row| (row[0].clone(), [names(&row[1]), names(&row[2])]))
        .collect();
    let mut real = BTreeMap::new();
    for entry in fs::read_dir(top().join("crates")).unwrap() {
        let folder = entry.unwrap().path();
        let manifest: toml::Table = fs::read_to_string(folder.join("Cargo.toml")).unwrap().parse().unwrap();
        let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        let ours = |key: &str| -> String {
            let there = manifest.get(key).and_then(toml::Value::as_table);
            let all = there.into_iter().flat_map(toml::Table::keys);
            let mut all: Vec<&str> =
                all.map(String::as_str).filter(|name| top().join("crates").join(name).is_dir()).collect();
            all.sort_unstable();
            all.join(" ")
        };
        real.insert(name, [ours("dependencies"), ours("dev-dependencies")]);
    }
    assert_eq!(written, real);
}

/// The names in a cell such as "`a`, `b`", sorted.
fn names(cell: &str) -> String {
    let mut all: Vec<&str> =
        cell.split(", ").map(|name| name.trim_matches('`')).filter(|n| *n != "–").collect();
    all.sort_unstable();
    all.join(" ")
}

#[test]
fn every_bound_that_the_architecture_page_names_exists_in_its_file() {
    for row in rows("docs/architecture.md", "## Limits") {
        let text = read(&row[2]);
        for name in row[0].split(", ") {
            let name = name.trim_matches('`');
            assert!(text.contains(&format!("const {name}:")), "{} has no {name}", row[2]);
        }
    }
}

#[test]
fn every_file_that_the_architecture_page_names_for_a_question_exists() {
    for row in rows("docs/architecture.md", "## Which question is answered where") {
        let crates: Vec<String> = row[1].split(", ").map(|name| name.trim_matches('`').to_owned()).collect();
        let files = row[2]
            .split(|c: char| "`, ;:()".contains(c))
            .filter(|w| w.ends_with(".rs") || w.ends_with(".sql"));
        for file in files {
            let there = |name: &String| top().join("crates").join(name).join("src").join(file).is_file();
            assert!(crates.iter().any(there), "{}: there is no {file} in {crates:?}", row[0]);
        }
    }
}

#[test]
fn every_setting_is_explained_with_its_default() {
    let rows = rows(PAGE, "## Configuration");
    let template = read("crates/stuffgate/src/config/stuffgate.toml");
    let mut section = String::new();
    for line in template.lines() {
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']').to_owned();
        }
        let setting = line.trim_start_matches("# ").split_once(" = ");
        let Some((key, default)) = setting.filter(|(key, _)| !key.contains(' ')) else { continue };
        let name = format!("{section}.{key}");
        let of = |cell: &str| cell.split(", ").any(|there| there.trim_matches('`') == name);
        let row = rows.iter().find(|row| of(&row[0])).unwrap_or_else(|| panic!("{PAGE} lacks {name}"));
        assert!(row[1] == default || row[1] == "–", "{name}: {} is {default}", row[1]);
    }
}

#[test]
fn links_between_pages_lead_somewhere() {
    let mut pages = vec![PathBuf::from("README.md"), PathBuf::from("CHANGELOG.md")];
    for folder in ["docs", "docs/decisions"] {
        let there = fs::read_dir(top().join(folder)).unwrap().map(|entry| entry.unwrap().file_name());
        pages.extend(there.map(|name| Path::new(folder).join(name)).filter(|p| p.extension().is_some()));
    }
    for page in pages {
        let text = read(page.to_str().unwrap());
        for rest in text.split("](").skip(1) {
            let target = rest.split(')').next().unwrap();
            if target.starts_with("http") {
                continue;
            }
            let (file, heading) = target.split_once('#').unwrap_or((target, ""));
            let file = if file.is_empty() { page.clone() } else { page.parent().unwrap().join(file) };
            assert!(top().join(&file).exists(), "{}: {target} is not there", page.display());
            if !heading.is_empty() {
                let anchors: Vec<String> =
                    read(file.to_str().unwrap()).lines().filter(|l| l.starts_with('#')).map(anchor).collect();
                assert!(anchors.iter().any(|a| a == heading), "{}: {target}: {anchors:?}", page.display());
            }
        }
    }
}

/// A heading as links name it.
fn anchor(heading: &str) -> String {
    let kept = heading.trim_start_matches('#').trim().to_lowercase();
    kept.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c)).collect::<String>().replace(' ', "-")
}

#[test]
fn every_file_and_test_that_the_security_page_names_exists() {
    let page = read("docs/security.md");
    let named = page.split('`').filter(|word| word.starts_with("crates/") || word.starts_with("tests/"));
    for word in named {
        let (file, test) = word.split_once("::").unwrap_or((word, ""));
        let text = read(file);
        assert!(test.is_empty() || text.contains(&format!("fn {test}(")), "there is no {word}");
    }
}

#[test]
fn every_metric_is_explained_and_no_other() {
    let metrics = |text: &str| -> BTreeSet<String> {
        let words = text.split(|c: char| !c.is_ascii_lowercase() && c != '_');
        words.filter(|word| word.starts_with("stuffgate_")).map(str::to_owned).collect()
    };
    let explained =
        rows(PAGE, "## Watching it").iter().flat_map(|row| metrics(&row[0])).collect::<BTreeSet<_>>();
    assert_eq!(explained, metrics(&source("crates/admin/src/metrics.rs")));
}

#[test]
fn whatever_pins_a_session_is_explained() {
    let state = source("crates/session/src/state.rs");
    let table = &state[state.find("const PINNING").unwrap()..];
    let reasons = literals(table.split("\n];").next().unwrap_or(table));
    let page: String =
        rows("docs/sessions.md", "### What pins").into_iter().map(|row| format!("`{}`", row[0])).collect();
    assert!(!reasons.is_empty());
    for (_, reason) in reasons {
        assert!(page.contains(&format!("`{reason}`")), "docs/sessions.md lacks {reason:?}: {page}");
    }
}
