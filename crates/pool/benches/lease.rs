//! What it costs to lease an idle connection and to give it back, with one pool and with many.

#![allow(clippy::expect_used, reason = "a bench that cannot go on says so and ends")]

use criterion::{Criterion, criterion_group, criterion_main};
use model::{Credential, Endpoint, GrantId, Sealed, ServiceId, TlsMode};
use pool::{Budgets, Credentials, Key, NoCredential, Place, Pools, Settings};
use std::sync::Arc;
use std::time::Duration;
use testkit::{Error, FakeStore, Peer, frames};
use tokio::runtime::{Builder, Runtime};

/// Pools with an idle connection each.
const MANY: i64 = 200;

/// Longer than any bench.
const LONG: Duration = Duration::from_hours(1);

struct Nothing;

impl Credentials for Nothing {
    fn open(&self, _: Key, _: &Sealed) -> Result<Credential, NoCredential> {
        Ok(Credential::Password(String::new().into()))
    }
}

fn pools() -> Arc<Pools> {
    let budgets = Budgets { total: 1000, per_service: 1000, per_store: 10 };
    let settings = Settings {
        budgets,
        wait_timeout: LONG,
        connect_timeout: LONG,
        idle_timeout: LONG,
        reset_timeout: LONG,
        max_waiters: 10,
        prepared_statements: 10,
        addresses: wire::dial::AddressPolicy { loopback: true, link_local: false },
    };
    Pools::new(settings, Arc::new(Nothing))
}

fn place(number: i64, port: u16) -> Arc<Place> {
    let host = testkit::scratch::HOST.into();
    Arc::new(Place {
        key: Key::Grant(GrantId(number)),
        service: ServiceId(1),
        label: format!("store {number}").into(),
        endpoint: Endpoint { host, port, database: "theirs".into(), tls: TlsMode::Disable, ca: None },
        role: "g_todo".into(),
        credential: Sealed::from_text("sealed"),
        startup: Vec::new(),
        allow_trust: true,
    })
}

/// Lets everybody in, and stays.
async fn store(mut peer: Peer) -> Result<(), Error> {
    peer.patience(LONG);
    peer.accept_start_up().await?;
    let welcome =
        [frames::authentication(0, &[]), frames::backend_key(4711, b"key!"), frames::ready(b'I')].concat();
    peer.send(&welcome).await?;
    peer.rest().await.map(drop)
}

/// Pools of so many stores, each with one idle connection.
async fn filled(count: i64) -> (FakeStore, Arc<Pools>, Vec<Arc<Place>>) {
    let fake = FakeStore::start(store).await.expect("a port");
    let (pools, places) = (pools(), (0..count).map(|number| place(number, fake.port())));
    let places: Vec<_> = places.collect();
    for place in &places {
        pools.lease(place, 1).await.expect("a connection").give_back();
    }
    (fake, pools, places)
}

fn lease(c: &mut Criterion) {
    let runtime: Runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let _entered = runtime.enter();
    let mut group = c.benchmark_group("lease and give back");
    for (name, count) in [("one pool", 1), ("many pools in turn", MANY)] {
        let (_fake, pools, places) = runtime.block_on(filled(count));
        let mut turns = places.iter().cycle();
        group.bench_function(name, |b| {
            b.iter(|| {
                let place = turns.next().expect("it never ends");
                pools.try_lease(place, 1).expect("an idle connection").give_back();
            });
        });
    }
    group.finish();
}

criterion_group!(benches, lease);
criterion_main!(benches);
