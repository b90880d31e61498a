//! A reset counts only if the server confirmed it and said nothing else.

use crate::world::*;
use pool::ResetError;
use std::time::Duration;
use testkit::frames::{command_complete, data_row, message, message_of_length, ready, report};
use testkit::{FakeStore, Peer};

/// What a store may answer to a query of the gate's own; `None`: it closes the connection.
fn answers() -> Vec<(&'static str, Option<Vec<u8>>)> {
    let done = || command_complete("DONE");
    let error = report(b'E', "ERROR", "XX000", "no");
    let copying = message(b'G', &[0, 0, 0]);
    vec![
        ("an error", Some([error, ready(b'I')].concat())),
        (
            "an error in a later statement",
            Some([done(), report(b'E', "ERROR", "XX000", "no"), ready(b'I')].concat()),
        ),
        ("nothing", Some(Vec::new())),
        ("half an answer", Some(done()[..4].to_vec())),
        ("no ReadyForQuery", Some(done())),
        ("a row after ReadyForQuery", Some([done(), ready(b'I'), data_row(&[])].concat())),
        ("a byte after ReadyForQuery", Some([done(), ready(b'I'), vec![b'Z']].concat())),
        ("a transaction left open", Some([done(), ready(b'T')].concat())),
        ("a failed transaction", Some([done(), ready(b'E')].concat())),
        ("a copy", Some(copying)),
        ("a ReadyForQuery of another length", Some(message(b'Z', b"II"))),
        ("an impossible length", Some(message_of_length(b'C', -1, b""))),
        ("a long message", Some(message_of_length(b'D', 1 << 20, b""))),
        ("its end", None),
    ]
}

#[tokio::test]
async fn a_reset_that_is_not_confirmed_closes_the_connection() {
    let mut settings = settings();
    settings.reset_timeout = Duration::from_millis(300);
    for (what, answer) in answers() {
        let script = move |mut peer: Peer| {
            let answer = answer.clone();
            async move {
                let_in(&mut peer).await?;
                peer.expect(b'Q').await?;
                let Some(answer) = answer else { return peer.end().await };
                peer.send(&answer).await?;
                peer.rest().await.map(drop)
            }
        };
        let store = FakeStore::start(script).await.expect("a port");
        let pools = pools(settings);
        let place = place(1, store.port());
        let mut lease = pools.lease(&place, 1).await.expect("a lease");
        let refused = lease.reset().await;
        assert!(refused.is_err(), "{what} was taken for a reset");
        if answer_hangs(what) {
            assert!(matches!(refused, Err(ResetError::TimedOut(_))), "{what}: {refused:?}");
        }
        lease.give_back();
        assert_eq!(pools.connections(), 0, "{what}: the connection was kept");
        assert_nothing_leaks(&pools).await;
    }
}

fn answer_hangs(what: &str) -> bool {
    matches!(what, "nothing" | "half an answer" | "no ReadyForQuery")
}

#[tokio::test]
async fn a_query_of_the_gates_own_that_was_given_up_closes_the_connection() {
    let script = |mut peer: Peer| async move {
        let_in(&mut peer).await?;
        peer.rest().await.map(drop)
    };
    let store = FakeStore::start(script).await.expect("a port");
    let pools = pools(settings());
    let place = place(1, store.port());
    let mut lease = pools.lease(&place, 1).await.expect("a lease");
    {
        let mut running = Box::pin(lease.run("SELECT 1"));
        let polled =
            std::future::poll_fn(|cx| std::task::Poll::Ready(running.as_mut().poll(cx).is_pending()));
        assert!(polled.await);
    }
    assert!(lease.server.peer.outbox.is_empty(), "it was sent");
    lease.give_back();
    assert_eq!(pools.connections(), 0);
    assert_nothing_leaks(&pools).await;
}

#[tokio::test]
async fn a_reset_leaves_nothing_of_the_session_behind() {
    let (server, pools) = (postgres(), pools(settings()));
    let place = place(1, server.port());
    let mut lease = pools.lease(&place, 1).await.expect("a lease");
    let known = pid(&mut lease).await;
    server.sql("postgres", "CREATE ROLE somebody; CREATE SEQUENCE s").expect("made");
    let left_behind = [
        "SET work_mem = '123kB'",
        "SET app.who = 'alice'",
        "SET ROLE somebody; RESET ROLE",
        "CREATE TEMP TABLE t (x int)",
        "SELECT pg_advisory_lock(4711)",
        "DECLARE c CURSOR WITH HOLD FOR SELECT 1",
        "LISTEN channel",
        "PREPARE p AS SELECT 1",
        "SELECT nextval('s')",
        "SET SESSION AUTHORIZATION somebody",
    ];
    for sql in left_behind {
        lease.run(sql).await.expect(sql);
    }
    lease.reset().await.expect("confirmed");
    lease.give_back();
    let mut next = pools.lease(&place, 2).await.expect("a lease");
    assert_eq!(pid(&mut next).await, known);
    let table = [
        ("SELECT current_setting('work_mem') <> '123kB'", "t"),
        ("SELECT coalesce(current_setting('app.who', true), '')", ""),
        ("SELECT current_user || session_user", "postgrespostgres"),
        ("SELECT to_regclass('pg_temp.t') IS NULL", "t"),
        ("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'", "0"),
        ("SELECT count(*) FROM pg_cursors", "0"),
        ("SELECT count(*) FROM pg_listening_channels()", "0"),
        ("SELECT count(*) FROM pg_prepared_statements", "0"),
    ];
    for (sql, wanted) in table {
        assert_eq!(next.ask(sql).await.expect(sql).expect("a row"), wanted, "{sql}");
    }
    assert!(matches!(next.ask("SELECT currval('s')").await, Err(ResetError::Refused(_))));
    assert!(!format!("{next:?}").contains(place.credential.as_text()));
    drop(next);
    assert_nothing_leaks(&pools).await;
}
