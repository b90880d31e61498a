//! What statements are and do, by example.

use sql::{
    Analysis, Arg, CopyDirection, Decision, Discard, Effects, Kind, Reset, Scan, Scanner, Scope, Show, Step,
    Strings, Value, analyse, analyse_as,
};

fn one(text: &str) -> sql::Statement {
    let Analysis { mut statements, unterminated } = analyse(text.as_bytes());
    assert!(!unterminated && statements.len() == 1, "{text}: {statements:?}");
    statements.remove(0)
}

fn kind(text: &str) -> Kind {
    one(text).kind
}

fn set(scope: Scope, name: &str, literal: Option<&str>, list: &[&str], raw: std::ops::Range<usize>) -> Kind {
    let list = list.iter().map(|s| (*s).to_owned()).collect();
    Kind::Set {
        scope,
        name: name.into(),
        value: Value::Text { raw, literal: literal.map(str::to_owned), list },
    }
}

#[test]
fn transaction_statements_are_told_apart() {
    let name = || "sp".to_owned();
    let table = [
        ("BEGIN", Kind::Begin { modes: 5..5 }),
        ("begin work", Kind::Begin { modes: 10..10 }),
        ("BEGIN ISOLATION LEVEL SERIALIZABLE, READ ONLY", Kind::Begin { modes: 6..45 }),
        ("START TRANSACTION READ ONLY", Kind::Begin { modes: 18..27 }),
        ("COMMIT", Kind::Commit { chain: false }),
        ("END TRANSACTION AND CHAIN", Kind::Commit { chain: true }),
        ("COMMIT AND NO CHAIN", Kind::Commit { chain: false }),
        ("ROLLBACK", Kind::Rollback { chain: false }),
        ("abort work", Kind::Rollback { chain: false }),
        ("ROLLBACK AND CHAIN", Kind::Rollback { chain: true }),
        ("SAVEPOINT \"sp\"", Kind::Savepoint { name: name() }),
        ("ROLLBACK TO SAVEPOINT Sp", Kind::RollbackTo { name: name() }),
        ("ROLLBACK WORK TO sp", Kind::RollbackTo { name: name() }),
        ("RELEASE sp", Kind::Release { name: name() }),
        ("RELEASE SAVEPOINT sp", Kind::Release { name: name() }),
        ("PREPARE TRANSACTION 'x'", Kind::PrepareTransaction),
        ("COMMIT PREPARED 'x'", Kind::CommitPrepared),
        ("ROLLBACK PREPARED 'x'", Kind::RollbackPrepared),
    ];
    for (text, expected) in table {
        assert_eq!(kind(text), expected, "{text}");
    }
    assert!(one("SAVEPOINT a").effects.contains(Effects::SAVEPOINT));
    assert!(one("COMMIT PREPARED 'x'").effects.contains(Effects::TWO_PHASE));
}

#[test]
fn set_statements_say_name_scope_and_value() {
    use Scope::{Local, Session};
    let table = [
        ("SET stuffgate.user = 'alice'", set(Session, "stuffgate.user", Some("alice"), &["alice"], 21..28)),
        (
            "SET LOCAL Stuffgate.User TO alice",
            set(Local, "stuffgate.user", Some("alice"), &["alice"], 28..33),
        ),
        ("SET SESSION datestyle = ISO, DMY", set(Session, "datestyle", None, &["iso", "dmy"], 24..32)),
        ("SET \"TimeZone\" TO 'UTC'", set(Session, "timezone", Some("UTC"), &["UTC"], 18..23)),
        ("SET TIME ZONE 'UTC'", set(Session, "timezone", Some("UTC"), &["UTC"], 14..19)),
        ("SET LOCAL TIME ZONE -7", set(Local, "timezone", Some("-7"), &["-7"], 20..22)),
        ("SET NAMES 'UTF8'", set(Session, "client_encoding", Some("UTF8"), &["UTF8"], 10..16)),
        ("SET SCHEMA 'public'", set(Session, "search_path", Some("public"), &["public"], 11..19)),
        ("SET statement_timeout = 5000", set(Session, "statement_timeout", Some("5000"), &["5000"], 24..28)),
        (
            "SET search_path TO public, \"$user\"",
            set(Session, "search_path", None, &["public", "$user"], 19..34),
        ),
        ("SET TIME ZONE INTERVAL '2' HOUR", set(Session, "timezone", None, &[], 14..31)),
        ("SET TIME ZONE LOCAL", Kind::Set { scope: Session, name: "timezone".into(), value: Value::Default }),
        ("SET x TO DEFAULT", Kind::Set { scope: Session, name: "x".into(), value: Value::Default }),
        ("SET x FROM CURRENT", Kind::Set { scope: Session, name: "x".into(), value: Value::Current }),
        ("SET ROLE admin", Kind::SetRole { scope: Session, role: Some("admin".into()) }),
        ("SET LOCAL ROLE 'a'", Kind::SetRole { scope: Local, role: Some("a".into()) }),
        ("SET ROLE NONE", Kind::SetRole { scope: Session, role: None }),
        ("SET role = 'x'", Kind::SetRole { scope: Session, role: Some("x".into()) }),
        (
            "SET SESSION AUTHORIZATION x",
            Kind::SetSessionAuthorization { scope: Session, role: Some("x".into()) },
        ),
        (
            "SET SESSION SESSION AUTHORIZATION DEFAULT",
            Kind::SetSessionAuthorization { scope: Session, role: None },
        ),
        ("SET TRANSACTION READ ONLY", Kind::SetTransaction { modes: Some(16..25) }),
        ("SET LOCAL TRANSACTION READ ONLY", Kind::SetTransaction { modes: Some(22..31) }),
        ("SET TRANSACTION SNAPSHOT 'x'", Kind::SetTransaction { modes: None }),
        ("SET TRANSACTION READ", Kind::SetTransaction { modes: None }),
        ("SET CONSTRAINTS ALL DEFERRED", Kind::SetConstraints { deferred: true }),
        ("SET CONSTRAINTS x DEFERRED", Kind::Other),
        (
            "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
            Kind::SetSessionCharacteristics { modes: 43..52 },
        ),
    ];
    for (text, expected) in table {
        assert_eq!(kind(text), expected, "{text}");
    }
    assert_eq!(one("SET LOCAL a = 1").effects, Effects::SETS_LOCAL);
    assert_eq!(one("SET search_path = pg_temp, a").effects, Effects::SETS_PARAMETER | Effects::TEMP);
    assert!(one("SET ROLE x").effects.contains(Effects::ROLE));
}

#[test]
fn reset_show_and_discard_say_what() {
    let table = [
        ("RESET stuffgate.USER", Kind::Reset(Reset::Name("stuffgate.user".into()))),
        ("RESET ALL", Kind::Reset(Reset::All)),
        ("RESET ROLE", Kind::Reset(Reset::Role)),
        ("RESET SESSION AUTHORIZATION", Kind::Reset(Reset::SessionAuthorization)),
        ("RESET TIME ZONE", Kind::Reset(Reset::Name("timezone".into()))),
        ("SHOW stuffgate.pinned;", Kind::Show(Show::Name("stuffgate.pinned".into()))),
        ("SHOW ALL", Kind::Show(Show::All)),
        ("show transaction isolation level", Kind::Show(Show::Name("transaction_isolation".into()))),
        ("DISCARD ALL", Kind::Discard(Discard::All)),
        ("DISCARD PLANS", Kind::Discard(Discard::Plans)),
        ("DISCARD SEQUENCES", Kind::Discard(Discard::Sequences)),
        ("DISCARD TEMPORARY", Kind::Discard(Discard::Temp)),
    ];
    for (text, expected) in table {
        assert_eq!(kind(text), expected, "{text}");
    }
}

#[test]
fn a_lone_set_config_is_read_with_literals_and_parameters() {
    let table = [
        (
            "SELECT set_config('stuffgate.user', 'alice', true)",
            Arg::Literal("stuffgate.user".into()),
            Arg::Literal("alice".into()),
            Arg::Literal("true".into()),
            "set_config",
        ),
        (
            "select pg_catalog.set_config($1::varchar, $2::character varying(10), $3::bool) AS x;",
            Arg::Parameter(1),
            Arg::Parameter(2),
            Arg::Parameter(3),
            "x",
        ),
        (
            "SELECT SET_CONFIG('a.b', NULL, lower('F')) y",
            Arg::Literal("a.b".into()),
            Arg::Null,
            Arg::Other,
            "y",
        ),
    ];
    for (text, name, value, is_local, column) in table {
        assert_eq!(
            kind(text),
            Kind::SetConfigSelect { name, value, is_local, column: column.into() },
            "{text}"
        );
    }
    assert_eq!(
        kind("SELECT current_setting('stuffgate.user', true) AS u"),
        Kind::CurrentSettingSelect {
            name: Arg::Literal("stuffgate.user".into()),
            missing_ok: Some(Arg::Literal("true".into())),
            column: "u".into()
        }
    );
    assert_eq!(
        kind("SELECT current_setting('jit') AS cur, set_config('JIT', 'off', false) AS new"),
        Kind::SettingsSelect { settings: vec![("jit".into(), "off".into())] }
    );
    for text in [
        "SELECT set_config('a', 'b', false) FROM t",
        "SELECT set_config('a', 'b', false), 1",
        "SELECT set_config('a', 'b', false), set_config('c', $1, false)",
        "SELECT set_config('a', 'b', false), set_config('role', 'c', false)",
        "SELECT set_config('a', 'b', false), current_setting('c') WHERE false",
        "SELECT set_config('a', 'b', false), current_setting('c') || 'd'",
    ] {
        assert_eq!(kind(text), Kind::Other, "{text}");
        assert!(one(text).effects.contains(Effects::UNREPLAYABLE), "{text}");
    }
    assert_eq!(
        one("SELECT set_config('a', 'b', true), set_config('c', $1, true)").effects,
        Effects::SETS_LOCAL
    );
    assert_eq!(one("SELECT set_config('a', $1, false)").effects, Effects::SETS_PARAMETER);
    assert!(one("SELECT set_config($1, $2, false)").effects.contains(Effects::UNREPLAYABLE));
}

#[test]
fn binding_in_company_of_other_expressions_is_refused() {
    for text in [
        "SELECT set_config('stuffgate.user', 'a', true), 1",
        "SELECT * FROM pg_catalog.set_config('Stuffgate.User', $1, false)",
    ] {
        assert!(
            matches!(one(text).decision, Decision::RefuseEverywhere(r) if r.sqlstate == "0A000"),
            "{text}"
        );
    }
    assert_eq!(one("SELECT set_config('stuffgate.user', 'a', true)").decision, Decision::Forward);
}

#[test]
fn other_statements_that_concern_a_session_are_named() {
    let table = [
        ("LISTEN \"Chan\"", Kind::Listen { channel: "Chan".into() }, Effects::LISTEN),
        ("UNLISTEN *", Kind::Unlisten { channel: None }, Effects::NONE),
        ("UNLISTEN a", Kind::Unlisten { channel: Some("a".into()) }, Effects::NONE),
        ("NOTIFY a, 'x'", Kind::Notify, Effects::NONE),
        ("PREPARE p (int) AS SELECT $1", Kind::Prepare { name: "p".into() }, Effects::SQL_PREPARE),
        ("EXECUTE p (1)", Kind::Execute { name: "p".into() }, Effects::NONE),
        ("DEALLOCATE PREPARE p", Kind::Deallocate { name: Some("p".into()) }, Effects::NONE),
        ("DEALLOCATE ALL", Kind::Deallocate { name: None }, Effects::NONE),
        ("DECLARE c CURSOR FOR SELECT 1", Kind::DeclareCursor { hold: false }, Effects::NONE),
        ("DECLARE c SCROLL CURSOR WITH HOLD FOR SELECT 1", Kind::DeclareCursor { hold: true }, Effects::HOLD),
        ("CLOSE c", Kind::Close { cursor: Some("c".into()) }, Effects::NONE),
        ("COPY t (a, b) FROM STDIN", Kind::Copy { direction: CopyDirection::In }, Effects::NONE),
        ("COPY (SELECT 1 FROM t) TO stdout", Kind::Copy { direction: CopyDirection::Out }, Effects::NONE),
        ("COPY t TO PROGRAM 'x'", Kind::Copy { direction: CopyDirection::Server }, Effects::NONE),
        ("DO $$ BEGIN END $$", Kind::Do, Effects::UNREPLAYABLE),
        ("CALL p()", Kind::Call, Effects::UNREPLAYABLE),
        ("LOAD 'x'", Kind::Load, Effects::UNREPLAYABLE),
        ("CREATE TABLE t (a int)", Kind::Ddl, Effects::DDL),
        ("CREATE TEMP TABLE t (a int)", Kind::Ddl, Effects::DDL | Effects::TEMP),
        ("CREATE TABLE pg_temp.t (a int)", Kind::Ddl, Effects::DDL | Effects::TEMP),
        ("create or replace temporary view v as select 1", Kind::Ddl, Effects::DDL | Effects::TEMP),
        (
            "CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql RETURN 1",
            Kind::Ddl,
            Effects::DDL | Effects::FUNCTION_DDL,
        ),
        ("SELECT 1 AS a INTO TEMP t", Kind::Other, Effects::TEMP),
        ("SELECT temp FROM weather", Kind::Other, Effects::NONE),
        ("SELECT pg_advisory_lock(1)", Kind::Other, Effects::SESSION_ADVISORY),
        ("SELECT pg_try_advisory_lock_shared(1)", Kind::Other, Effects::SESSION_ADVISORY),
        ("SELECT pg_advisory_unlock(1)", Kind::Other, Effects::NONE),
        ("SELECT pg_advisory_unlock_all()", Kind::AdvisoryUnlockAll, Effects::NONE),
        ("SELECT pg_catalog.pg_advisory_unlock_all()", Kind::AdvisoryUnlockAll, Effects::NONE),
        ("SELECT pg_advisory_unlock_all() WHERE false", Kind::Other, Effects::NONE),
        ("SELECT pg_advisory_unlock_all(), pg_advisory_lock(1)", Kind::Other, Effects::SESSION_ADVISORY),
        ("SELECT pg_advisory_xact_lock(1), pg_try_advisory_xact_lock_shared(1)", Kind::Other, Effects::NONE),
        ("SELECT currval('s')", Kind::Other, Effects::SEQUENCE_STATE),
        ("SELECT lastval()", Kind::Other, Effects::SEQUENCE_STATE),
        ("SELECT 'pg_advisory_lock(1)' -- lastval()", Kind::Other, Effects::NONE),
        ("  -- nothing\n/* at all */ ", Kind::Empty, Effects::NONE),
        ("", Kind::Empty, Effects::NONE),
    ];
    for (text, expected, effects) in table {
        let statement = one(text);
        assert_eq!((statement.kind, statement.effects), (expected, effects), "{text}");
    }
}

#[test]
fn statements_are_separated_at_semicolons_of_the_top_level_only() {
    let table: &[(&str, &[&str])] = &[
        ("SELECT 1; SELECT 2 ;", &["SELECT 1", "SELECT 2"]),
        (";;SELECT ';' ; ", &["SELECT ';'"]),
        ("/* ; */ SELECT $$;$$ -- ;\n; SELECT \";\"", &["/* ; */ SELECT $$;$$ -- ;", "SELECT \";\""]),
        (
            "CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2); SELECT 3",
            &["CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2)", "SELECT 3"],
        ),
        (
            "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN a THEN 1 END; SELECT 2; END; SELECT 3",
            &[
                "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN a THEN 1 END; SELECT 2; END",
                "SELECT 3",
            ],
        ),
        ("BEGIN; SELECT 1; END; SELECT 2", &["BEGIN", "SELECT 1", "END", "SELECT 2"]),
    ];
    for (text, expected) in table {
        let analysis = analyse(text.as_bytes());
        let found: Vec<&str> = analysis.statements.iter().map(|s| &text[s.range.clone()]).collect();
        assert_eq!(&found, expected, "{text}");
    }
}

#[test]
fn a_token_without_an_end_makes_one_statement_for_the_server_to_judge() {
    for text in
        ["SELECT 'a; SELECT 1", "SET stuffgate.user = \"alice", "SELECT 1 /* x", "SELECT $a$ $b$; BEGIN"]
    {
        let analysis = analyse(text.as_bytes());
        assert!(analysis.unterminated, "{text}");
        assert_eq!((analysis.statements.len(), &analysis.statements[0].kind), (1, &Kind::Other), "{text}");
    }
    let backslash = br"SELECT '\'; SELECT '\\'";
    assert_eq!(analyse(backslash).statements.len(), 2);
    assert!(analyse_as(br"SELECT '\'; SELECT 1", Strings::Escapes).unterminated);
}

#[test]
fn statements_about_the_schema_itself_have_a_decided_answer() {
    for text in [
        "DROP SCHEMA public CASCADE",
        "drop schema if exists a, \"public\"",
        "ALTER SCHEMA public RENAME TO x",
        "ALTER SCHEMA public OWNER TO x",
    ] {
        assert!(
            matches!(one(text).decision, Decision::Refuse(r) if r.sqlstate == "0A000" && r.hint.contains("database partition")),
            "{text}"
        );
    }
    assert!(matches!(one("CREATE SCHEMA public").decision, Decision::Refuse(r) if r.sqlstate == "42P06"));
    assert!(
        matches!(one("CREATE SCHEMA IF NOT EXISTS \"public\"").decision, Decision::Skip(s) if s.tag == "CREATE SCHEMA")
    );
    for text in [
        "CREATE SCHEMA pgboss",
        "DROP SCHEMA a",
        "GRANT USAGE ON SCHEMA public TO x",
        "COMMENT ON SCHEMA public IS 'x'",
    ] {
        assert_eq!(one(text).decision, Decision::Forward, "{text}");
    }
}

#[test]
fn the_scan_lets_plain_statements_pass_and_looks_at_the_rest() {
    let scanner = Scanner::new();
    for text in [
        "SELECT * FROM todos WHERE id = $1",
        " /* x */ -- y\n insert into todos (title) values ('a') ;  ",
        "(SELECT 1)",
        "COPY todos FROM STDIN",
        "UPDATE a SET b = b & 'x'",
    ] {
        assert_eq!(scanner.scan(text.as_bytes()), Scan::Plain, "{text}");
    }
    for (text, step) in [
        ("BEGIN", Step::Begin),
        (" begin transaction ; ", Step::Begin),
        ("START TRANSACTION", Step::Begin),
        ("COMMIT;", Step::Commit),
        ("END", Step::Commit),
        ("ROLLBACK WORK", Step::Rollback),
        ("ABORT", Step::Rollback),
    ] {
        assert_eq!(scanner.scan(text.as_bytes()), Scan::Transaction(step), "{text}");
    }
    for text in [
        "",
        "BEGIN READ ONLY",
        "BEGIN; SELECT 1",
        "/*stuffgate.user='alice'*/ BEGIN",
        "ROLLBACK TO a",
        "SELECT 1; SELECT 2",
        "SELECT * FROM PUBLIC.t",
        "SELECT U&\"publ\\0069c\".t",
        "SELECT 1 /*stuffgate.user='a'*/",
        "SELECT 1 INTO teMp x",
        "SELECT nspname FROM pg_namespace WHERE nspname = $1",
        "SET a = 1",
        "CREATE TABLE a ()",
        "CALL x()",
        "/* /* nested */ */ SELECT 1",
        "EXPLAIN SELECT 1",
        "SELECT * FROM \"PG_CLASS\"",
        "SELECT tableOID FROM t",
        "SELECT format_type(23, NULL)",
        "SELECT x::regconfig",
        "SELECT table_to_xml($1, true, true, '')",
    ] {
        assert_eq!(scanner.scan(text.as_bytes()), Scan::Look, "{text}");
    }
}

#[test]
fn statements_whose_rows_may_carry_schema_names_are_marked() {
    for text in [
        "SELECT * FROM pg_tables",
        "SELECT relname FROM pg_catalog.PG_CLASS",
        "SELECT * FROM \"pg_class\"",
        "TABLE information_schema.tables",
        "SELECT current_schema()",
        "SELECT current_schema",
        "SELECT current_schemas(true) AS s, 1",
        "SELECT current_setting('search_path'), 1",
        "SELECT set_config('search_path', 'public', false)",
        "SELECT 'public.t'::regclass",
        "SELECT CAST(a AS regtype) FROM t",
        "SELECT to_regclass('t')",
        "SELECT tableoid::text FROM t",
        "INSERT INTO t VALUES (1) RETURNING tableoid",
        "SELECT format_type(a, NULL) FROM t",
        "SELECT pg_get_viewdef('v')",
        "SELECT pg_typeof(a) FROM t",
        "SELECT schema_to_xml('public', true, true, '')",
        "EXPLAIN SELECT 1",
        "EXPLAIN (FORMAT JSON) UPDATE t SET a = 1",
        "EXECUTE p",
        "SHOW ALL",
        "PREPARE p AS SELECT * FROM pg_tables",
        "DECLARE c CURSOR FOR SELECT nspname FROM pg_namespace",
        "COPY (SELECT nspname FROM pg_namespace) TO STDOUT",
        "WITH x AS (SELECT 1) SELECT * FROM x, pg_class",
    ] {
        assert!(one(text).catalog, "{text}");
    }
    for text in [
        "SELECT * FROM todos",
        "SELECT 'pg_class', $$information_schema$$ -- pg_class",
        "SELECT pg_catalog.now(), a OPERATOR(pg_catalog.+) b FROM public.t",
        "SELECT pg_backend_pid(), pg_sleep(1)",
        "SELECT pg_advisory_lock(1), pg_try_advisory_xact_lock(2)",
        "SELECT * FROM pg_temp.t",
        "SELECT nextval('s'), register, region FROM t",
        "FETCH 10 FROM c",
        "BEGIN",
        "",
    ] {
        assert!(!one(text).catalog, "{text}");
    }
    let two = analyse(b"SELECT 1; SELECT * FROM pg_class").statements;
    assert_eq!(two.iter().map(|s| s.catalog).collect::<Vec<_>>(), [false, true]);
}

#[test]
fn schemas_of_the_gates_own_making_are_known_by_their_names() {
    assert!(sql::is_distinct("stuff_todo_0a1b2c3d"));
    for schema in ["todo", "public", "stuff", "Stuff_x", "stuffgate", "x_stuff_y"] {
        assert!(!sql::is_distinct(schema), "{schema}");
    }
}

#[test]
fn rows_of_constants_are_left_out_of_a_long_text_and_nothing_else_is() {
    let row = ",(-1,'a public b',NULL),(2.5,'x',default),(now(),set_config('role', 'x', false),TRUE)";
    let list = row.repeat(15_000);
    let text = format!("INSERT INTO public.t VALUES (1, '', FALSE){list}; SELECT currval('s'); COMMIT");
    let analysis = sql::analyse(text.as_bytes());
    let kinds: Vec<_> = analysis.statements.iter().map(|s| &s.kind).collect();
    assert!(matches!(kinds[..], [Kind::Other, Kind::Other, Kind::Commit { .. }]), "{kinds:?}");
    assert!(analysis.statements[0].effects.contains(Effects::UNREPLAYABLE));
    assert!(analysis.statements[1].effects.contains(Effects::SEQUENCE_STATE));
    assert_eq!(analysis.statements[2].range, text.len() - 6..text.len());
    let names = sql::Names { schema: "p", extensions: "e", database: "d", store_database: "s" };
    let rewritten = sql::rewrite(text.as_bytes(), &names).expect("another text");
    assert_eq!(rewritten.text, text.replacen("public", "\"p\"", 1).into_bytes());
}

#[test]
fn a_text_of_too_many_statements_is_refused_and_never_let_through_unseen() {
    for text in [";".repeat(300_000), "SET role x;".repeat(250_001)] {
        let analysis = sql::analyse(text.as_bytes());
        assert_eq!(analysis.statements.len(), 1);
        assert!(matches!(
            analysis.statements[0].decision,
            Decision::RefuseEverywhere(refusal) if refusal.sqlstate == "54001"
        ));
    }
}
