//! What outlives a transaction, or concerns other sessions, finds its way through changing connections.

use std::time::Duration;
use stuffgate_tests::testkit::scratch::Options;
use stuffgate_tests::testkit::{Answer, Client, Peer, frames};
use stuffgate_tests::{SERVICE, World, WorldPlan, secret_of};

async fn ok(session: &mut Client, sql: &str) -> Answer {
    let answer = session.simple(sql).await.unwrap();
    assert_eq!(answer.errors, [], "{sql}");
    answer
}

/// Alice in a schema partition, bob in a database of his own.
fn both_kinds() -> WorldPlan {
    WorldPlan::default().users(["alice", "bob"]).in_databases(["bob"])
}

#[tokio::test]
async fn a_transaction_prepared_by_one_session_is_committed_or_rolled_back_by_another() {
    let options = Options { conf: vec!["max_prepared_transactions = 5".to_owned()], ..Options::default() };
    let world = both_kinds().options(options).start();
    for user in ["alice", "bob"] {
        let (mut one, mut other) = (world.connect(user).await, world.connect(user).await);
        ok(&mut one, "CREATE TABLE t (n int)").await;
        for (n, end, count) in [(1, "COMMIT PREPARED", "1"), (2, "ROLLBACK PREPARED", "1")] {
            // Connections are shared: what was prepared is on none of them any more.
            ok(&mut one, &format!("BEGIN; INSERT INTO public.t VALUES ({n})")).await;
            assert_eq!(ok(&mut one, "PREPARE TRANSACTION 'half'").await.status, 'I');
            assert_eq!(ok(&mut one, "SHOW stuffgate.pinned").await.value(), Some(""));
            drop(std::mem::replace(&mut one, world.connect(user).await));
            let seen = "SELECT gid FROM pg_prepared_xacts WHERE database = current_database()";
            assert_eq!(ok(&mut other, seen).await.column(), ["half"], "{user}");
            if user == "alice" {
                let named = format!("SELECT database FROM pg_prepared_xacts WHERE database = '{SERVICE}'");
                assert_eq!(ok(&mut other, &named).await.column(), [SERVICE]);
            }
            assert_eq!(ok(&mut other, &format!("{end} 'half'")).await.tags, [end]);
            assert_eq!(ok(&mut one, "SELECT count(*) FROM t").await.value(), Some(count), "{user} {end}");
        }
    }
    // A service's session: the binding ends with PREPARE TRANSACTION as it does with COMMIT.
    let mut service = world.connect(SERVICE).await;
    for sql in [
        "BEGIN; SET LOCAL stuffgate.user = 'alice'; INSERT INTO t VALUES (3); PREPARE TRANSACTION 'of alice'",
        "BEGIN; SET LOCAL stuffgate.user = 'bob'; INSERT INTO t VALUES (3); PREPARE TRANSACTION 'of bob'",
    ] {
        ok(&mut service, sql).await;
        assert_eq!(ok(&mut service, "SHOW stuffgate.user").await.value(), Some(""));
    }
    ok(&mut service, "COMMIT PREPARED 'of alice' /*stuffgate.user='alice'*/").await;
    let foreign = service.simple("COMMIT PREPARED 'of bob' /*stuffgate.user='alice'*/").await.unwrap();
    assert!(!foreign.errors.is_empty(), "{foreign:?}");
    ok(&mut service, "ROLLBACK PREPARED 'of bob' /*stuffgate.user='bob'*/").await;
    assert_eq!(world.connect("alice").await.simple("SELECT max(n) FROM t").await.unwrap().value(), Some("3"));
    assert_eq!(world.connect("bob").await.simple("SELECT max(n) FROM t").await.unwrap().value(), Some("1"));
}

/// The next notification, channel and payload.
async fn notification(session: &mut Client) -> Vec<String> {
    session.expect(b'A').await.unwrap().texts(4)
}

#[tokio::test]
async fn notifications_arrive_while_idle_and_in_the_middle_of_a_query() {
    let world = both_kinds().start();
    for user in ["alice", "bob"] {
        let (mut listener, mut speaker) = (world.connect(user).await, world.connect(user).await);
        ok(&mut listener, "LISTEN news").await;
        ok(&mut speaker, "NOTIFY news, 'while idle'").await;
        assert_eq!(notification(&mut listener).await, ["news", "while idle"], "{user}");

        listener.send(&frames::query("SELECT pg_sleep(0.5)")).await.unwrap();
        ok(&mut speaker, "BEGIN; NOTIFY news, 'in mid-query'; COMMIT").await;
        let came = listener.frames_until(b'Z').await.unwrap();
        let came = if came.iter().any(|frame| frame.tag == b'A') {
            came
        } else {
            listener.frames_until(b'A').await.unwrap()
        };
        let told = came.iter().find(|frame| frame.tag == b'A').unwrap();
        assert_eq!(told.texts(4), ["news", "in mid-query"], "{user}");

        ok(&mut listener, "BEGIN").await;
        ok(&mut speaker, "SELECT pg_notify('news', 'in a transaction')").await;
        ok(&mut listener, "SELECT 1").await;
        listener.send(&frames::query("COMMIT")).await.unwrap();
        let came = listener.frames_until(b'A').await.unwrap();
        assert_eq!(came.last().unwrap().texts(4), ["news", "in a transaction"], "{user}");
    }
}

#[tokio::test]
async fn a_service_session_hears_the_user_it_is_bound_to_and_nobody_else() {
    let world = both_kinds().start();
    let mut listener = world.connect(SERVICE).await;
    for user in ["alice", "bob"] {
        let other = if user == "alice" { "bob" } else { "alice" };
        ok(&mut listener, &format!("SET stuffgate.user = '{user}'")).await;
        ok(&mut listener, "LISTEN news").await;
        ok(&mut world.connect(other).await, "NOTIFY news, 'not for you'").await;
        ok(&mut world.connect(SERVICE).await, "NOTIFY news, 'at home'").await;
        ok(&mut world.connect(user).await, &format!("NOTIFY news, 'for {user}'")).await;
        assert_eq!(notification(&mut listener).await, ["news", &format!("for {user}")]);
        // Whoever is listened to keeps the session; letting go frees it for the next.
        let refused = listener.simple(&format!("SET stuffgate.user = '{other}'")).await.unwrap();
        assert_eq!((refused.code(), refused.status), ("25001", 'I'));
        ok(&mut listener, "UNLISTEN *").await;
    }
}

#[tokio::test]
async fn an_advisory_lock_is_held_over_transactions_and_against_others() {
    let world = both_kinds().start();
    for user in ["alice", "bob"] {
        let (mut holder, mut other) = (world.connect(user).await, world.connect(user).await);
        ok(&mut holder, "SELECT pg_advisory_lock(11)").await;
        for _ in 0..3 {
            ok(&mut holder, "BEGIN; SELECT 1; COMMIT").await;
            assert_eq!(ok(&mut other, "SELECT pg_try_advisory_lock(11)").await.value(), Some("f"));
        }
        ok(&mut other, "SELECT pg_advisory_unlock_all()").await;
        ok(&mut holder, "SELECT pg_advisory_unlock(11)").await;
        assert_eq!(ok(&mut other, "SELECT pg_try_advisory_lock(11)").await.value(), Some("t"));
        drop(other);
        world.until(async || holder_free(&world, user).await).await;
    }
}

/// Whether the lock of a session that has gone is free.
async fn holder_free(world: &World, user: &str) -> bool {
    let sql = "SELECT pg_try_advisory_lock(11)";
    world.connect(user).await.simple(sql).await.unwrap().value() == Some("t")
}

/// Logs in with a protocol version and further parameters; every message up to ReadyForQuery.
async fn start_up(
    world: &World,
    protocol: u32,
    more: &[(&str, &str)],
) -> (Peer, Vec<stuffgate_tests::testkit::Frame>) {
    let mut peer = Peer::connect(world.gate.port()).await.unwrap();
    let parameters = [&[("user", "alice"), ("database", SERVICE)], more].concat();
    peer.send(&frames::start_up(protocol, &parameters)).await.unwrap();
    let mut came = Vec::new();
    if protocol & 0xffff > 2 || more.iter().any(|(name, _)| name.starts_with("_pq_")) {
        came.push(peer.expect(b'v').await.unwrap());
    }
    peer.prove(&secret_of("alice")).await.unwrap();
    came.extend(peer.frames_until(b'Z').await.unwrap());
    (peer, came)
}

#[tokio::test]
async fn each_protocol_version_has_its_keys_and_they_cancel() {
    let world = both_kinds().start();
    for (protocol, more, key_bytes) in [
        (frames::PROTOCOL_3_0, &[][..], 4..=4),
        (frames::PROTOCOL_3_2, &[][..], 5..=256),
        (frames::PROTOCOL_3_2, &[("_pq_.something", "1")][..], 5..=256),
        (0x0003_0000 + 9999, &[("_pq_.test_protocol_negotiation", "")][..], 5..=256),
    ] {
        let (mut peer, came) = start_up(&world, protocol, more).await;
        if let Some(negotiated) = came.iter().find(|frame| frame.tag == b'v') {
            assert_eq!(negotiated.number(0) & 0xffff, 2, "{protocol:x}");
            assert_eq!(usize::try_from(negotiated.number(4)).unwrap(), more.len(), "{protocol:x}");
            assert_eq!(negotiated.texts(8), more.iter().map(|(name, _)| *name).collect::<Vec<_>>());
        }
        let key = came.iter().find(|frame| frame.tag == b'K').unwrap();
        assert!(key_bytes.contains(&(key.body.len() - 4)), "{protocol:x}: {} bytes", key.body.len() - 4);
        peer.send(&frames::query("SELECT pg_sleep(60)")).await.unwrap();
        let running =
            "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%' AND state = 'active'";
        world.until(async || world.on_server_of("alice", running) == "1\n").await;
        let (pid, secret) = (key.number(0), key.body.slice(4..));
        for wrong in [&secret[..secret.len() - 1], &[secret.as_ref(), b"x"].concat(), &[7; 256]] {
            Client::cancel_by_key(world.gate.port(), pid, wrong).await.unwrap();
        }
        assert_eq!(world.on_server_of("alice", running), "1\n", "a key that is not its own");
        Client::cancel_by_key(world.gate.port(), pid, &secret).await.unwrap();
        assert_eq!(Answer::of(&peer.frames_until(b'Z').await.unwrap()).code(), "57014", "{protocol:x}");
    }
}

#[tokio::test]
async fn what_the_gate_does_not_do_is_refused_in_words() {
    let world = both_kinds().start();
    let mut peer = Peer::connect(world.gate.port()).await.unwrap();
    peer.send(&frames::GSSENC_REQUEST).await.unwrap();
    assert_eq!(peer.bytes(1).await.unwrap().as_ref(), b"N");
    let parameters = [("user", "alice"), ("database", SERVICE)];
    peer.send(&frames::start_up(frames::PROTOCOL_3_0, &parameters)).await.unwrap();
    peer.prove(&secret_of("alice")).await.unwrap();
    peer.patience(Duration::from_secs(5));
    peer.frames_until(b'Z').await.unwrap();

    for value in ["database", "true", "on", "1"] {
        let error = world.try_connect("alice", &[("replication", value)]).await.err().map(|e| e.to_string());
        let error = error.unwrap_or_else(|| panic!("replication={value} was let in"));
        assert!(error.contains("0A000") && error.contains("replication"), "{error}");
    }
    let mut plain = world.connect_with("alice", &[("replication", "false")]).await;
    assert_eq!(ok(&mut plain, "SELECT 1").await.value(), Some("1"));
}
