//! A client that does nothing costs the gate next to nothing.

use super::tls;
use stuffgate_tests::testkit::Client;
use stuffgate_tests::{World, WorldPlan};

const CLIENTS: usize = 500;
/// Most bytes of the gate's own memory for each client that has run a statement and waits. A release build takes
/// 1,200 of 10,000 clients (docs/decisions/memory-of-an-idle-client.md); of few, what an allocator takes ahead
/// weighs more.
const PLAIN: usize = 2_500;
/// The same with TLS.
const ENCRYPTED: usize = 15_000;

/// Has clients log in and run a statement, until so many wait.
async fn fill(clients: &mut Vec<Client>, connect: impl AsyncFn() -> Client) {
    while clients.len() < CLIENTS {
        let mut client = connect().await;
        assert_eq!(client.simple("SELECT 1").await.unwrap().value(), Some("1"));
        clients.push(client);
    }
}

/// What the gate's memory grows by for each of many clients, once it has served a few.
async fn costs_at_most(world: &World, most: usize, connect: impl AsyncFn() -> Client) {
    let mut clients = vec![connect().await];
    clients[0].simple("SELECT 1").await.unwrap();
    let before = world.anonymous_bytes();
    fill(&mut clients, connect).await;
    let each = || world.anonymous_bytes().saturating_sub(before) / CLIENTS;
    println!("{} bytes each, at first", each());
    // What was in use during the last login is given back in time.
    world.until(async || each() <= most).await;
}

#[tokio::test]
async fn plain_clients_cost_little() {
    let world = WorldPlan::default().users(["alice"]).settings("[log]\nfilter = 'info'").start();
    costs_at_most(&world, PLAIN, async || world.connect("alice").await).await;
}

#[tokio::test]
async fn encrypted_clients_cost_what_their_keys_cost() {
    let (world, authority) = tls::world("require");
    let connect = async || {
        let peer = tls::encrypted(&world, &authority).await.unwrap();
        tls::log_in(peer, &world).await.unwrap()
    };
    costs_at_most(&world, ENCRYPTED, connect).await;
}
