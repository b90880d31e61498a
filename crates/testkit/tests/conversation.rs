//! The scripted client and server understand real Postgres and each other.
#![allow(clippy::unwrap_used)]

use scratch::{Account, Binaries, Options, Server, Tls};
use testkit::certificates::Authority;
use testkit::{Client, Error, FakeStore, Login, Peer, frames};

fn alice(port: u16) -> Login<'static> {
    Login { port, user: "alice", secret: "s3cret", database: "alice", parameters: &[] }
}

#[tokio::test]
async fn the_client_logs_in_to_real_postgres_and_sorts_its_answers() {
    let server = Server::start(&Binaries::find().unwrap(), Options::default()).unwrap();
    server.create(&[Account::owner("alice", "s3cret")]).unwrap();
    let mut client = Client::connect(&alice(server.port())).await.unwrap();
    let answer = client.simple("SELECT 'a', NULL; BEGIN; SELECT 1/0").await.unwrap();
    assert_eq!(answer.rows, [[Some("a".to_owned()), None]]);
    assert_eq!(answer.tags, ["SELECT 1", "BEGIN"]);
    assert_eq!((answer.code(), answer.status), ("22012", 'E'));
    client.simple("ROLLBACK").await.unwrap();
    let answer = client.extended("SELECT $1::int + 1", &[Some("41")]).await.unwrap();
    assert_eq!(answer.value(), Some("42"));
    client.send(&frames::query("SELECT pg_sleep(60)")).await.unwrap();
    // Postgres forgets a cancel that comes before its query.
    let begun = "SELECT count(*) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(60)'";
    while server.sql("postgres", begun).unwrap().trim() == "0" {}
    client.cancel(server.port()).await.unwrap();
    assert_eq!(client.answer().await.unwrap().code(), "57014");
}

#[tokio::test]
async fn over_tls_the_client_binds_to_the_channel_and_knows_its_authority() {
    let (ours, other) = (Authority::new("ours").unwrap(), Authority::new("other").unwrap());
    let issued = ours.server(&["localhost", "127.0.0.1"]).unwrap();
    let tls = Tls { certificate: issued.certificate, key: issued.key, client_authority: None };
    let options = Options { tls: Some(tls), ..Options::default() };
    let server = Server::start(&Binaries::find().unwrap(), options).unwrap();
    server.create(&[Account::owner("alice", "s3cret")]).unwrap();

    let peer = Peer::connect(server.port()).await.unwrap();
    let peer = peer.ask_for_tls(ours.client_config(None, &[]).unwrap(), "127.0.0.1").await.unwrap();
    let mut client = peer.log_in(&alice(server.port())).await.unwrap();
    let answer = client.simple("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()").await.unwrap();
    assert_eq!(answer.value(), Some("t"));

    let peer = Peer::connect(server.port()).await.unwrap();
    let refused = peer.ask_for_tls(other.client_config(None, &[]).unwrap(), "127.0.0.1").await;
    assert!(matches!(refused, Err(Error::Socket(_))));
}

#[tokio::test]
async fn the_fake_store_passes_for_a_real_one() {
    let store = FakeStore::start(async |mut peer: Peer| {
        let start_up = peer.let_in("s3cret").await?;
        assert!(start_up.texts(4).contains(&"alice".to_owned()));
        while peer.frame().await?.tag == b'Q' {
            let reply = [
                frames::row_description(&["x"]),
                frames::data_row(&[Some("scripted")]),
                frames::command_complete("SELECT 1"),
                frames::ready(b'I'),
            ];
            peer.send(&reply.concat()).await?;
        }
        Ok(())
    });
    let store = store.await.unwrap();
    let mut client = Client::connect(&alice(store.port())).await.unwrap();
    assert_eq!(client.simple("anything").await.unwrap().value(), Some("scripted"));
    client.send(&frames::terminate()).await.unwrap();
    assert!(client.rest().await.unwrap().is_empty());
    assert_eq!(store.accepted(), 1);
}

#[tokio::test]
async fn the_fake_store_can_stand_before_a_real_one() {
    let server = Server::start(&Binaries::find().unwrap(), Options::default()).unwrap();
    server.create(&[Account::owner("alice", "s3cret")]).unwrap();
    let real_port = server.port();
    let store = FakeStore::start(move |mut client: Peer| async move {
        let (kept, _real) = client.stand_before(real_port, "marker").await?;
        client.send(&frames::message(b'N', &kept.body)).await
    });
    let store = store.await.unwrap();
    let mut client = Client::connect(&alice(store.port())).await.unwrap();
    assert_eq!(client.extended("SELECT 6 * 7", &[]).await.unwrap().value(), Some("42"));
    client.send(&frames::query("marker")).await.unwrap();
    assert_eq!(client.expect(b'N').await.unwrap().texts(0), ["marker"]);
    assert!(client.rest().await.unwrap().is_empty());
}
