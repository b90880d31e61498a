//! TLS is what it says: towards clients, and towards stores.

use rustix::process::Signal;
use stuffgate_tests::testkit::certificates::{ALPN, Authority};
use stuffgate_tests::testkit::scratch::{Options, Tls};
use stuffgate_tests::testkit::{Client, Error, Gate, Login, Peer, frames};
use stuffgate_tests::{SERVICE, World, WorldPlan, secret_of};

const HOSTS: [&str; 2] = ["localhost", "127.0.0.1"];

/// A world whose gate shows a certificate of the authority's.
pub(super) fn world(mode: &str) -> (World, Authority) {
    let authority = Authority::new("gate's").unwrap();
    let issued = authority.server(&HOSTS).unwrap();
    let mut world = WorldPlan::default().users(["alice"]).start_without_gate();
    let folder = world.gate.folder().to_owned();
    std::fs::write(folder.join("cert.pem"), &issued.certificate).unwrap();
    std::fs::write(folder.join("key.pem"), &issued.key).unwrap();
    start(&mut world.gate, &format!("[tls]\nmode = '{mode}'\ncert = 'cert.pem'\nkey = 'key.pem'"));
    (world, authority)
}

fn start(gate: &mut Gate, settings: &str) {
    gate.configure(settings).unwrap();
    gate.start().unwrap_or_else(|error| panic!("{error}"));
}

pub(super) async fn log_in(peer: Peer, world: &World) -> Result<Client, Error> {
    let secret = secret_of("alice");
    let port = world.gate.port();
    peer.log_in(&Login { port, user: "alice", secret: &secret, database: SERVICE, parameters: &[] }).await
}

pub(super) async fn encrypted(world: &World, authority: &Authority) -> Result<Peer, Error> {
    let peer = Peer::connect(world.gate.port()).await?;
    peer.ask_for_tls(authority.client_config(None, &[]).unwrap(), "localhost").await
}

#[tokio::test]
async fn require_means_require() {
    let (world, authority) = world("require");
    let plain = log_in(Peer::connect(world.gate.port()).await.unwrap(), &world).await;
    assert!(plain.is_err());
    let mut session = log_in(encrypted(&world, &authority).await.unwrap(), &world).await.unwrap();
    assert_eq!(session.simple("SELECT 1").await.unwrap().value(), Some("1"));
}

#[tokio::test]
async fn prefer_takes_both_and_binds_scram_to_the_channel() {
    let (world, authority) = world("prefer");
    log_in(Peer::connect(world.gate.port()).await.unwrap(), &world).await.unwrap();
    let mut peer = encrypted(&world, &authority).await.unwrap();
    let parameters = [("user", "alice"), ("database", SERVICE)];
    peer.send(&frames::start_up(frames::PROTOCOL_3_0, &parameters)).await.unwrap();
    let offer = peer.expect(b'R').await.unwrap();
    assert!(offer.texts(4).contains(&"SCRAM-SHA-256-PLUS".to_owned()), "{offer:?}");
    log_in(encrypted(&world, &authority).await.unwrap(), &world).await.unwrap();
}

#[tokio::test]
async fn somebody_in_the_middle_cannot_pass_the_exchange_on() {
    let (world, authority) = world("require");
    let middle = Authority::new("middle").unwrap();
    let shown = middle.server(&HOSTS).unwrap().server_config().unwrap();
    let inner = authority.client_config(None, &[]).unwrap();
    let port = world.gate.port();
    let relay = stuffgate_tests::testkit::FakeStore::start(move |mut client: Peer| {
        let (shown, inner) = (shown.clone(), inner.clone());
        async move {
            client.bytes(8).await?;
            client.send(b"S").await?;
            let mut client = client.into_tls_server(shown).await?;
            let mut gate = Peer::connect(port).await?.ask_for_tls(inner, "localhost").await?;
            let start_up =
                frames::start_up(frames::PROTOCOL_3_0, &[("user", "alice"), ("database", SERVICE)]);
            client.bytes(start_up.len()).await?;
            gate.send(&start_up).await?;
            for _ in 0..2 {
                let frame = gate.frame().await?;
                client.send(&frames::message(frame.tag, &frame.body)).await?;
                let frame = client.frame().await?;
                gate.send(&frames::message(frame.tag, &frame.body)).await?;
            }
            let frame = gate.frame().await?;
            client.send(&frames::message(frame.tag, &frame.body)).await
        }
    });
    let relay = relay.await.unwrap();
    let victim = Peer::connect(relay.port()).await.unwrap();
    let victim = victim.ask_for_tls(middle.client_config(None, &[]).unwrap(), "localhost").await.unwrap();
    assert!(log_in(victim, &world).await.is_err());
}

#[tokio::test]
async fn direct_tls_needs_the_protocols_name() {
    let (world, authority) = world("prefer");
    let direct = async |names: &[&[u8]]| {
        let peer = Peer::connect(world.gate.port()).await?;
        let peer = peer.into_tls_client(authority.client_config(None, names).unwrap(), "localhost").await?;
        log_in(peer, &world).await
    };
    direct(&[ALPN]).await.unwrap();
    assert!(direct(&[b"http/1.1"]).await.is_err());
    assert!(direct(&[]).await.is_err());
}

#[tokio::test]
async fn sighup_takes_up_new_certificates_and_keeps_sessions() {
    let (world, authority) = world("prefer");
    let mut session = log_in(encrypted(&world, &authority).await.unwrap(), &world).await.unwrap();
    let next = Authority::new("next").unwrap();
    let issued = next.server(&HOSTS).unwrap();
    std::fs::write(world.gate.folder().join("cert.pem"), &issued.certificate).unwrap();
    std::fs::write(world.gate.folder().join("key.pem"), &issued.key).unwrap();
    world.gate.signal(Signal::HUP);
    world.until(async || encrypted(&world, &next).await.is_ok()).await;
    assert!(encrypted(&world, &authority).await.is_err());
    assert_eq!(session.simple("SELECT 1").await.unwrap().value(), Some("1"));
}

#[tokio::test]
async fn off_says_no_and_goes_on_in_the_clear() {
    let world = WorldPlan::default().users(["alice"]).start();
    for request in [frames::SSL_REQUEST, frames::GSSENC_REQUEST] {
        let mut peer = Peer::connect(world.gate.port()).await.unwrap();
        peer.send(&request).await.unwrap();
        assert_eq!(peer.bytes(1).await.unwrap().as_ref(), b"N");
        log_in(peer, &world).await.unwrap();
    }
}

/// Whether a store that shows `issued` is taken with the URL parameters given, by `stuffgate store test`.
fn store_is_taken(authority: &Authority, hosts: &[&str], host: &str, parameters: &str) -> Result<(), String> {
    let issued = authority.server(hosts).unwrap();
    let tls = Tls { certificate: issued.certificate, key: issued.key, client_authority: None };
    let options = Options { tls: Some(tls), ..Options::default() };
    let world = WorldPlan::default().users(["alice"]).options(options).start_without_gate();
    std::fs::write(world.gate.folder().join("ca.pem"), authority.pem()).unwrap();
    std::fs::write(world.gate.folder().join("other.pem"), Authority::new("other").unwrap().pem()).unwrap();
    world.add_user("erin");
    let url = world.store_url_without_secret("alice").replace("127.0.0.1", host) + parameters;
    let added = world.gate.run(&["store", "add", "erin", &url], Some(&secret_of("alice_store")));
    added.map(drop).map_err(|error| error.to_string())
}

#[test]
fn a_store_is_checked_as_its_url_says() {
    let authority = Authority::new("store's").unwrap();
    let taken = |hosts: &[&str], parameters: &str| store_is_taken(&authority, hosts, "localhost", parameters);
    taken(&HOSTS, "?sslmode=verify-full&sslrootcert=ca.pem").unwrap();
    taken(&["elsewhere.example"], "?sslmode=verify-ca&sslrootcert=ca.pem").unwrap();
    taken(&HOSTS, "?sslmode=require").unwrap();
    for (hosts, parameters) in [
        (["elsewhere.example"].as_slice(), "?sslmode=verify-full&sslrootcert=ca.pem"),
        (&HOSTS, "?sslmode=verify-full&sslrootcert=other.pem"),
        (&HOSTS, "?sslmode=verify-ca&sslrootcert=other.pem"),
        (&HOSTS, "?sslmode=verify-full"),
    ] {
        let refused = taken(hosts, parameters).unwrap_err();
        assert!(refused.to_lowercase().contains("certificate"), "{hosts:?} {parameters}: {refused}");
    }
}

#[test]
fn a_store_without_tls_is_refused_where_tls_is_asked_for() {
    let world = WorldPlan::default().users(["alice"]).start_without_gate();
    world.add_user("erin");
    let url = world.store_url_without_secret("alice") + "?sslmode=require";
    let refused =
        world.gate.run(&["store", "add", "erin", &url], Some(&secret_of("alice_store"))).unwrap_err();
    assert!(refused.to_string().contains("TLS"), "{refused}");
}

/// What became of each store in an analyst's statement over all of them, and the count that it had.
async fn asked(world: &World) -> (Option<String>, Vec<Vec<Option<String>>>) {
    let mut analyst = world.connect("ann").await;
    let counted = analyst.simple("SELECT count(*) FROM t").await.unwrap();
    let legs = "SELECT outcome, coalesce(message, '') FROM stuffgate.legs ORDER BY \"user\"";
    (counted.value().map(str::to_owned), analyst.simple(legs).await.unwrap().rows)
}

#[tokio::test]
async fn legs_of_a_fan_out_are_protected_as_their_stores_urls_say() {
    const USERS: [&str; 3] = ["alice", "bob", "carol"];
    let authority = Authority::new("store's").unwrap();
    let issued = authority.server(&HOSTS).unwrap();
    let tls = Tls { certificate: issued.certificate, key: issued.key, client_authority: None };
    let options = Options { tls: Some(tls), ..Options::default() };
    let mut world = WorldPlan::default().users(USERS).options(options).start_without_gate();
    for (name, pem) in [("ca.pem", authority.pem()), ("other.pem", Authority::new("other").unwrap().pem())] {
        std::fs::write(world.gate.folder().join(name), pem).unwrap();
    }
    let point = |world: &World, modes: [&str; 3]| {
        let store = |(user, mode): (&str, &str)| {
            let url = world.store_url_without_secret(user);
            format!(
                "[[store]]\nuser = '{user}'\nurl = '{url}?sslmode={mode}'\nsecret_file = '{user}_store.secret'\n"
            )
        };
        let text: String = USERS.into_iter().zip(modes).map(store).collect();
        std::fs::write(world.gate.folder().join("stores.toml"), text).unwrap();
        let _ = world.run(&["apply", "stores.toml"]);
    };
    let full = "verify-full&sslrootcert=ca.pem";
    point(&world, [full, "verify-ca&sslrootcert=ca.pem", "require"]);
    world.add_analyst("ann", 1);
    world.gate.start().unwrap();
    for login in USERS.into_iter().chain([SERVICE]) {
        world.connect(login).await.simple("CREATE TABLE t AS SELECT 1 AS n").await.unwrap();
    }
    let (count, legs) = asked(&world).await;
    assert_eq!(count.as_deref(), Some("3"), "{legs:?}");
    let readers = "SELECT bool_and(s.ssl), count(*) FROM pg_stat_ssl s JOIN pg_stat_activity a USING (pid) \
                   WHERE a.usename LIKE 'r\\_%'";
    assert_eq!(world.on_server_of("alice", readers).trim(), "t|3", "a leg's connection is not encrypted");

    // Whoever shows a certificate that is not the store's is asked nothing.
    world.gate.kill();
    point(&world, [full, "verify-full&sslrootcert=other.pem", "verify-ca&sslrootcert=other.pem"]);
    world.gate.start().unwrap();
    let (count, legs) = asked(&world).await;
    assert_eq!(count.as_deref(), Some("1"), "{legs:?}");
    for leg in &legs[1..] {
        let message = leg[1].as_deref().unwrap_or_default().to_lowercase();
        assert!(leg[0].as_deref() == Some("unreachable") && message.contains("certificate"), "{legs:?}");
    }
}
