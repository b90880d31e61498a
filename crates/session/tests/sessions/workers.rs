//! A store lives on one worker, and nobody notices who goes there.

use crate::house::House;
use std::time::{Duration, Instant};
use testkit::frames::{bind, execute, parse, query, sync};
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

/// A worker's runtime on a thread of its own; it ends when the sender is dropped.
fn worker() -> (Handle, oneshot::Sender<()>) {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let (handle, (end, ended)) = (runtime.handle().clone(), oneshot::channel());
    std::thread::spawn(move || runtime.block_on(async move { drop(ended.await) }));
    (handle, end)
}

fn sessions_on(worker: &Handle) -> usize {
    worker.metrics().num_alive_tasks()
}

#[tokio::test]
async fn a_session_for_one_store_goes_to_its_worker_with_all_that_it_has() {
    let (there, _end) = worker();
    // Alice's grant is number 1, bob's number 2.
    let house = House::with_workers(2, vec![Handle::current(), there.clone()]).await;
    let (mut alice, mut bob, mut service) =
        (house.user("alice").await, house.user("bob").await, house.service().await);
    alice.send(&[parse("kept", "SELECT name FROM whose"), sync()].concat()).await.expect("sent");
    alice.answer().await.expect("an answer");
    alice.simple("SET TimeZone = 'Asia/Tokyo'").await.expect("an answer");
    let until = Instant::now() + Duration::from_secs(10);
    while sessions_on(&there) == 0 {
        assert!(Instant::now() < until, "it stays where it was accepted");
        assert_eq!(
            alice.simple("SELECT name FROM whose").await.expect("an answer").rows,
            [[Some("alice".to_owned())]]
        );
    }
    // What it sends at once arrives in order, across as many leases.
    let kept = [bind("", "kept", &[]), execute("", 0), sync()].concat();
    alice.send(&[kept, query("SHOW TimeZone"), query("SELECT 1")].concat()).await.expect("sent");
    for expected in ["alice", "Asia/Tokyo", "1"] {
        assert_eq!(alice.answer().await.expect("an answer").rows, [[Some(expected.to_owned())]]);
    }
    for user in ["bob", "alice", "bob"] {
        assert_eq!(
            bob.simple("SELECT name FROM whose").await.expect("an answer").rows,
            [[Some("bob".to_owned())]]
        );
        service.simple(&format!("SET stuffgate.user = '{user}'")).await.expect("an answer");
        assert_eq!(
            service.simple("SELECT name FROM whose").await.expect("an answer").rows,
            [[Some(user.to_owned())]]
        );
    }
    assert_eq!(sessions_on(&there), 1, "others went along");
}

#[tokio::test]
async fn clients_are_told_their_own_login_and_not_whom_the_gate_is_at_a_store() {
    let house = House::with(2).await;
    let mut service = house.service().await;
    let told = |parameters: &[(String, String)]| -> Vec<String> {
        let ours = parameters.iter().filter(|(name, _)| name == "session_authorization");
        ours.map(|(_, value)| value.clone()).collect()
    };
    assert_eq!(told(&service.parameters), ["svc"]);
    for user in ["alice", "bob", "alice"] {
        let sql = format!("/*stuffgate.user='{user}'*/ SELECT name FROM whose");
        let answer = service.simple(&sql).await.expect("an answer");
        assert_eq!(answer.rows, [[Some(user.to_owned())]]);
        assert!(told(&answer.parameters).is_empty(), "{:?}", answer.parameters);
    }
}
