//! What it costs to look something up among a hundred thousand users, logins, stores and grants.

#![allow(clippy::expect_used, missing_docs, reason = "a bench")]

use criterion::{Criterion, criterion_group, criterion_main};
use model::{
    Change, Directory, Disclosure, Endpoint, Grant, GrantId, GrantState, Login, LoginId, LoginKind,
    Partition, ScramVerifier, Sealed, ServiceId, Store, StoreId, StoreState, TlsMode, User, UserId,
};
use std::hint::black_box;

const STORES: i64 = 100_000;

fn add(directory: &Directory, id: i64) {
    let name: model::Name = format!("person-{id:06}").parse().expect("a name");
    let (user, state) = (UserId(id), StoreState::Active);
    directory.apply(&Change::User(User { id: user, name: name.clone(), disabled: false }));
    let (host, database) = (format!("{id}.db.example.org").into(), "stuff".into());
    let endpoint = Endpoint { host, port: 5432, database, tls: TlsMode::VerifyFull, ca: None };
    directory.apply(&Change::Store(Store { id: StoreId(id), user, endpoint, state }));
    directory.apply(&Change::Grant(Grant {
        id: GrantId(id),
        user,
        service: ServiceId(1),
        store: StoreId(id),
        partition: Partition::Schema {
            schema: "stuff_todo_1f2e3d4c".into(),
            extensions: "extensions".into(),
        },
        database: None,
        role: format!("g_todo_{id:08x}").into(),
        credential: Sealed::from_text(format!("sg:v1:1a2b3c4d:{}", "Abc1".repeat(58))),
        state: GrantState::Active,
        expires_at: None,
        fanout: Disclosure::Rows,
    }));
    let verifier =
        ScramVerifier { iterations: 4096, salt: Box::new([7; 16]), stored_key: [8; 32], server_key: [9; 32] };
    let (id, kind) = (LoginId(id), LoginKind::User(user));
    directory.apply(&Change::Login(Login {
        id,
        name,
        kind,
        verifier,
        disabled: false,
        expires_at: None,
        min_stores_per_group: 0,
    }));
}

fn look_ups(criterion: &mut Criterion) {
    let directory = Directory::default();
    (1..=STORES).for_each(|id| add(&directory, id));
    let names: Vec<String> = (1..=STORES).map(|id| format!("person-{id:06}")).collect();
    let mut at = 0_usize;
    // A stride that meets all of them, and never the one whose row was just read.
    let mut next = move || {
        at = (at + 7_919) % names.len();
        (names[at].clone(), i64::try_from(at).expect("few") + 1)
    };
    let mut bench = |name: &str, look: &dyn Fn(&str, i64) -> bool| {
        criterion.bench_function(&format!("directory/{name}"), |bencher| {
            bencher.iter(|| {
                let (name, id) = next();
                assert!(look(black_box(&name), black_box(id)));
            });
        });
    };
    bench("nothing", &|name, id| !name.is_empty() && id > 0);
    bench("login by name", &|name, _| directory.login_named(name).is_some());
    bench("login is usable", &|_, id| directory.login_is_usable(LoginId(id), 0));
    bench("grant is usable", &|_, id| directory.grant_is_usable(GrantId(id), 0));
    bench("what a route needs", &|name, _| {
        let user = directory.user_named(name).expect("a user");
        let grant = directory.grant_of(ServiceId(1), user.id).expect("a grant");
        directory.store(grant.store).is_some()
    });
    bench("one changed grant", &|_, id| {
        let grant = directory.grant(GrantId(id)).expect("a grant");
        directory.apply(&Change::Grant(grant));
        true
    });
}

criterion_group!(benches, look_ups);
criterion_main!(benches);
