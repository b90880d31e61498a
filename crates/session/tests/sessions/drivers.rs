//! What drivers, pools and frameworks send between their users' statements is answered as by plain Postgres.

use crate::house::House;
use crate::twin::Twins;
use testkit::frames::{bind, close, describe, execute, parse, query, sync};

/// Parse, Bind, Describe, Execute and Sync of an unnamed statement.
fn unnamed(sql: &str) -> Vec<Vec<u8>> {
    vec![parse("", sql), bind("", "", &[]), describe(b'P', ""), execute("", 0), sync()]
}

async fn all_agree(connections: usize, script: &[(&str, Vec<Vec<u8>>)]) {
    let mut twins = Twins::start(connections).await;
    let mut differ = Vec::new();
    for (what, messages) in script {
        differ.extend(twins.agree(what, messages).await);
    }
    assert!(differ.is_empty(), "{}", differ.join("\n"));
}

#[tokio::test]
async fn discard_all_is_done_by_either_protocol() {
    let named = vec![parse("d", "DISCARD ALL"), bind("", "d", &[]), execute("", 0), sync()];
    let script = [
        ("unnamed", unnamed("DISCARD ALL")),
        ("named", named),
        ("behind a Close", vec![close(b'S', "x"), parse("", "SELECT 1"), describe(b'S', ""), sync()]),
        ("simple, after that", vec![query("DISCARD ALL")]),
        ("behind a Close alone", vec![close(b'S', "x"), sync()]),
        ("simple, after that", vec![query("DISCARD ALL")]),
        ("simple, with no Sync before", vec![close(b'S', "x"), query("DISCARD ALL")]),
        ("in a message of several", vec![query("SELECT 1; DISCARD ALL")]),
        ("first in a message of several", vec![query("DISCARD ALL; SELECT 1")]),
        (
            "behind another in a pipeline",
            [unnamed("RESET ALL")[..4].to_vec(), unnamed("DISCARD ALL")].concat(),
        ),
    ];
    all_agree(1, &script).await;
}

#[tokio::test]
async fn what_is_reported_after_a_reset_is_reported() {
    let mut script = Vec::new();
    for reset in ["RESET ALL", "DISCARD ALL", "RESET timezone", "SET timezone TO DEFAULT"] {
        script.push((reset, vec![query("SET timezone = 'Asia/Tokyo'")]));
        script.push((reset, vec![query("SET client_encoding = 'LATIN1'")]));
        script.push((reset, vec![query(reset)]));
        script.push((reset, vec![query("SHOW timezone"), query("SHOW client_encoding")]));
        script.push((reset, vec![query("SET timezone = 'Asia/Tokyo'")]));
        script.push((reset, unnamed(reset)));
        script.push((reset, vec![query("SHOW timezone")]));
    }
    all_agree(1, &script).await;
}

/// The messages that have a statement run in some way.
type Form = fn(&str) -> Vec<Vec<u8>>;

/// On plain Postgres the partition is named in as many characters as `public` has.
fn on_plain(sql: &str) -> String {
    sql.replace("public.", "\"todo\".")
}

#[tokio::test]
async fn a_position_in_an_error_is_one_in_the_statement_that_failed() {
    let mut twins = Twins::start(1).await;
    let (rewritten, plain) =
        ("SELECT 1 FROM public.whose WHERE nowhere = 1", "SELECT count(*) FROM whose WHERE nowhere = 1");
    let forms: [Form; 4] = [
        |sql| vec![query(sql)],
        |sql| vec![query("BEGIN"), query(sql), query("ROLLBACK")],
        |sql| unnamed(sql),
        |sql| vec![parse("n", sql), sync()],
    ];
    let mut differ = Vec::new();
    for first in forms {
        for second in forms {
            for sql in [rewritten, plain, rewritten] {
                differ.extend(twins.agree_as(sql, &first(&on_plain(sql)), &first(sql)).await);
                differ.extend(twins.agree_as(sql, &second(&on_plain(plain)), &second(plain)).await);
            }
        }
    }
    let several =
        "SELECT 'é'; SELECT set_config('stuffgate.user', 'alice', true); SELECT nowhere FROM public.whose";
    let on_plain = on_plain(several).replace("stuffgate.user", "something.else");
    differ.extend(twins.agree_as(several, &[query(&on_plain)], &[query(several)]).await);
    assert!(differ.is_empty(), "{}", differ.join("\n"));
}

#[tokio::test]
async fn a_position_in_a_pipeline_is_one_in_the_statement_that_failed_there() {
    let mut twins = Twins::start(1).await;
    let texts = [
        "SELECT 1 FROM public.whose WHERE nowhere = 1",
        "SELECT public.whose.name, public.whose.nothing FROM public.whose",
        "SELECT count(*) FROM whose WHERE nowhere = 1",
        "SELECT name FROM public.whose",
        // Found out when it is executed.
        "CREATE TABLE public.made (a public.whose, b public.nothing)",
        "SELECT public.nothing(1) FROM public.whose, public.whose w",
    ];
    let mut differ = Vec::new();
    for (at, first) in texts.iter().enumerate() {
        for second in texts {
            let third = texts[(at + 3) % texts.len()];
            for form in [
                |all: [&str; 3]| all.map(|sql| vec![query(sql)]).concat(),
                |all: [&str; 3]| all.map(unnamed).concat(),
                |all: [&str; 3]| [vec![query(all[0])], unnamed(all[1]), vec![query(all[2])]].concat(),
                |all: [&str; 3]| {
                    let named = all.map(|sql| [parse("n", sql), close(b'S', "n")].concat());
                    vec![named.concat(), sync()]
                },
                |all: [&str; 3]| {
                    let one = |(name, sql)| [parse(name, sql), bind(name, name, &[])].concat();
                    let bound = ["x", "y", "z"].into_iter().zip(all).map(one).collect::<Vec<_>>().concat();
                    let ends = ["y", "z", "x"].map(|portal| execute(portal, 0)).concat();
                    let closed = ["x", "y", "z"].map(|name| close(b'S', name)).concat();
                    vec![bound, ends, sync(), closed, sync()]
                },
            ] {
                let all = [*first, second, third];
                let plain = all.map(on_plain);
                let plain = form([&plain[0], &plain[1], &plain[2]]);
                differ.extend(twins.agree_as(&format!("{all:?}"), &plain, &form(all)).await);
            }
        }
    }
    // What the schema is called in a message is another test's.
    let names_it_only = |differ: &String| {
        let (_, answers) = differ.split_once("\n  plain ").expect("what plain Postgres says");
        let (plain, gated) = answers.split_once("\n  gated ").expect("what the gate says");
        plain.replace("todo.", "public.") == gated
    };
    differ.retain(|differ| !names_it_only(differ));
    assert!(differ.is_empty(), "{}", differ.join("\n"));
}

#[tokio::test]
async fn the_path_that_was_set_is_the_one_that_is_told() {
    let script = [
        ("set", vec![query("SET search_path = pg_catalog, nowhere")]),
        ("shown", vec![query("SHOW search_path")]),
        ("asked for", vec![query("SELECT current_setting('search_path')")]),
        ("asked for, extended", unnamed("SELECT current_setting('search_path') AS path")),
        (
            "in a transaction",
            vec![query("BEGIN"), query("SET search_path = elsewhere"), query("SHOW search_path")],
        ),
        ("rolled back", vec![query("ROLLBACK"), query("SHOW search_path")]),
        (
            "local",
            vec![query("BEGIN"), query("SET LOCAL search_path = elsewhere"), query("SHOW search_path")],
        ),
        ("committed", vec![query("COMMIT"), query("SHOW search_path")]),
        ("local in one message", vec![query("BEGIN; SET LOCAL search_path = elsewhere; SHOW search_path")]),
        ("and back", vec![query("SET LOCAL search_path = \"Some where\""), query("SHOW search_path")]),
        ("rolled back", vec![query("ROLLBACK"), query("SHOW search_path")]),
    ];
    all_agree(1, &script).await;
}

#[tokio::test]
async fn types_of_the_partitions_own_pin_nobody() {
    let house = House::with(1).await;
    let mut one = house.user("alice").await;
    for sql in ["CREATE TYPE fr AS RANGE (subtype = float8)", "SELECT name FROM whose", "SELECT '[1,2]'::fr"]
    {
        let answer = one.simple(sql).await.expect("an answer");
        assert!(answer.errors.is_empty(), "{:?}", answer.errors);
    }
    let mut next = house.user("alice").await;
    next.simple("SELECT fr(1, 2)").await.expect("an answer");
    assert_eq!(next.simple("SHOW stuffgate.pinned").await.expect("an answer").value(), Some(""));
}

#[tokio::test]
async fn what_pools_send_on_release_gives_the_server_back() {
    let house = House::with(1).await;
    let mut one = house.user("alice").await;
    let asyncpg = "SELECT pg_advisory_unlock_all(); CLOSE ALL; UNLISTEN *; RESET ALL;";
    let holding = ["LISTEN a", "SELECT pg_advisory_lock(1)", "DECLARE c CURSOR WITH HOLD FOR SELECT 1"];
    for (held, given_back) in [
        (&holding[..0], &[asyncpg][..]),
        (&holding, &[asyncpg]),
        (&[], &["SELECT pg_advisory_unlock(1)"]),
        (&[], &["ABORT", "RESET ALL", "SET SESSION AUTHORIZATION DEFAULT"]),
        (&["SET ROLE alice"], &["RESET ROLE"]),
        (&["LISTEN a"], &["BEGIN", "UNLISTEN *", "COMMIT"]),
        (&["PREPARE p AS SELECT 1"], &["DEALLOCATE ALL"]),
    ] {
        for sql in held.iter().chain(given_back) {
            let answer = one.simple(sql).await.expect("an answer");
            assert!(answer.errors.is_empty(), "{sql}: {:?}", answer.errors);
        }
        let pinned = one.simple("SHOW stuffgate.pinned").await.expect("an answer");
        assert_eq!(pinned.value(), Some(""), "{held:?}, {given_back:?}");
        let mut next = house.user("alice").await;
        assert_eq!(next.simple("SELECT name FROM whose").await.expect("an answer").value(), Some("alice"));
    }
}

#[tokio::test]
async fn what_is_held_again_or_not_given_back_for_good_stays_held() {
    let house = House::with(1).await;
    for (script, reason) in [
        (&["LISTEN a", "UNLISTEN *; LISTEN b"][..], "listen"),
        (&["LISTEN a", "BEGIN", "UNLISTEN *", "LISTEN b", "COMMIT"], "listen"),
        (&["LISTEN a", "BEGIN", "UNLISTEN *", "ROLLBACK"], "listen"),
        (&["LISTEN a", "BEGIN; SAVEPOINT s; UNLISTEN *; ROLLBACK TO s; COMMIT"], "listen"),
        (&["LISTEN a", "UNLISTEN b"], "listen"),
        (
            &["SELECT pg_advisory_lock(1)", "SELECT pg_advisory_unlock_all() WHERE false"],
            "session advisory lock",
        ),
        (&["SELECT pg_advisory_unlock_all(); SELECT pg_advisory_lock(1)"], "session advisory lock"),
    ] {
        let mut one = house.user("alice").await;
        for sql in script {
            let answer = one.simple(sql).await.expect("an answer");
            assert!(answer.errors.is_empty(), "{sql}: {:?}", answer.errors);
        }
        let pinned = one.simple("SHOW stuffgate.pinned").await.expect("an answer");
        assert_eq!(pinned.value(), Some(reason), "{script:?}");
        one.send(b"X\0\0\0\x04").await.expect("terminated");
    }
}

#[tokio::test]
async fn parameters_set_beside_others_that_are_asked_for_travel() {
    let house = House::with(1).await;
    let mut one = house.user("alice").await;
    let sql = "SELECT current_setting('jit') AS cur, set_config('jit', 'off', false) AS new";
    assert!(one.extended(sql, &[]).await.expect("an answer").errors.is_empty());
    let mut next = house.user("alice").await;
    assert_eq!(next.simple("SHOW jit").await.expect("an answer").value(), Some("on"));
    assert_eq!(one.simple("SHOW jit").await.expect("an answer").value(), Some("off"));
    let back = one.extended("SELECT set_config('jit', $1, false)", &[Some("on")]).await.expect("an answer");
    assert!(back.errors.is_empty(), "{:?}", back.errors);
    assert_eq!(one.simple("SHOW stuffgate.pinned").await.expect("an answer").value(), Some(""));
    assert_eq!(one.simple("SHOW jit").await.expect("an answer").value(), Some("on"));
}
