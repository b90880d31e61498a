//! What sessions find in the directory while rows come, change and go.

#![allow(clippy::expect_used, reason = "test code")]

use model::{
    Change, Directory, Disclosure, Endpoint, Grant, GrantId, GrantState, Login, LoginId, LoginKind,
    Partition, ScramVerifier, Sealed, ServiceId, Store, StoreId, StoreState, TlsMode, User, UserId,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

fn user(id: i64, name: &str) -> Change {
    Change::User(User { id: UserId(id), name: name.parse().expect("a name"), disabled: false })
}

fn store(ca: Option<&Arc<str>>) -> Store {
    let (host, database) = ("db.example.org".into(), "stuff".into());
    let endpoint = Endpoint { host, port: 5432, database, tls: TlsMode::VerifyFull, ca: ca.cloned() };
    Store { id: StoreId(1), user: UserId(1), endpoint, state: StoreState::Active }
}

fn grant(id: i64, service: i64) -> Grant {
    Grant {
        id: GrantId(id),
        user: UserId(1),
        service: ServiceId(service),
        store: StoreId(1),
        partition: Partition::Database,
        database: Some("todo_1f2e3d4c".into()),
        role: "g_todo".into(),
        credential: Sealed::from_text("sg:v1:1a2b3c4d:AAECAwQF"),
        state: GrantState::Active,
        expires_at: Some(100),
        fanout: Disclosure::Rows,
    }
}

fn login(kind: LoginKind, disabled: bool, expires_at: Option<i64>) -> Login {
    let (salt, stored_key, server_key) = (Box::from(*b"salt"), [1; 32], [2; 32]);
    let verifier = ScramVerifier { iterations: 4096, salt, stored_key, server_key };
    let name = "alice".parse().expect("a name");
    Login { id: LoginId(1), name, kind, verifier, disabled, expires_at, min_stores_per_group: 0 }
}

#[test]
fn a_renamed_user_is_found_by_the_new_name_only() {
    let directory = Directory::default();
    directory.apply(&user(1, "alice"));
    directory.apply(&user(1, "alicia"));
    assert!(directory.user_named("alice").is_none());
    assert_eq!(directory.user_named("alicia").map(|found| found.id), Some(UserId(1)));
}

#[test]
fn every_change_raises_the_version() {
    let directory = Directory::default();
    let before = directory.version();
    directory.apply(&user(1, "alice"));
    directory.apply(&Change::UserGone(UserId(1)));
    assert_eq!(directory.version(), before + 2);
    assert!(directory.user_named("alice").is_none() && directory.user_ids().is_empty());
}

#[test]
fn a_name_taken_over_by_another_row_survives_the_first_rows_removal() {
    let directory = Directory::default();
    directory.apply(&user(1, "alice"));
    directory.apply(&user(2, "alice"));
    assert_eq!(directory.user_named("alice").map(|found| found.id), Some(UserId(2)));
    directory.apply(&Change::UserGone(UserId(1)));
    assert_eq!(directory.user_named("alice").map(|found| found.id), Some(UserId(2)));
}

#[test]
fn many_names_are_each_found_and_two_users_may_swap_theirs() {
    let directory = Directory::default();
    (1..=2_000).for_each(|id| directory.apply(&user(id, &format!("u{id}"))));
    directory.apply(&user(1, "u2"));
    directory.apply(&user(2, "u1"));
    let found = |name: &str| directory.user_named(name).map(|found| found.id.0);
    assert_eq!(
        (found("u1"), found("u2"), found("u2000"), found("u2001")),
        (Some(2), Some(1), Some(2_000), None)
    );
    assert!((3..=2_000).all(|id| found(&format!("u{id}")) == Some(id)));
    assert_eq!(directory.user_ids().len(), 2_000);
}

#[test]
fn rows_come_out_as_they_went_in() {
    let directory = Directory::default();
    let ca: Arc<str> = "a certificate".into();
    directory.apply(&Change::Store(store(Some(&ca))));
    assert_eq!(directory.store(StoreId(1)), Some(store(Some(&ca))));
    directory.apply(&Change::Store(store(None)));
    assert_eq!(directory.store(StoreId(1)), Some(store(None)));
    assert_eq!(Arc::strong_count(&ca), 1, "a CA that nobody trusts any more is kept");
    directory.apply(&Change::Grant(grant(1, 1)));
    assert_eq!(directory.grant(GrantId(1)), Some(grant(1, 1)));
    for kind in [LoginKind::Admin, LoginKind::User(UserId(1)), LoginKind::Analyst(ServiceId(i64::MAX))] {
        let login = login(kind, true, Some(-1));
        directory.apply(&Change::Login(login.clone()));
        assert_eq!(directory.login_named("alice"), Some(login));
    }
    directory.apply(&Change::LoginGone(LoginId(1)));
    assert_eq!(directory.login_named("alice"), None);
}

#[test]
fn the_later_of_two_grants_counts_in_whatever_order_they_arrive() {
    let directory = Directory::default();
    let latest = || directory.grant_of(ServiceId(1), UserId(1)).map(|grant| grant.id.0);
    directory.apply(&Change::Grant(grant(3, 1)));
    directory.apply(&Change::Grant(grant(2, 1)));
    directory.apply(&Change::Grant(grant(4, 2)));
    assert_eq!(latest(), Some(3));
    directory.apply(&Change::GrantGone(GrantId(2)));
    assert_eq!(latest(), Some(3));
    directory.apply(&Change::GrantGone(GrantId(3)));
    assert_eq!(latest(), None);
    assert_eq!(directory.grant_id_of(ServiceId(2), UserId(1)), Some(GrantId(4)));
}

#[test]
fn a_login_and_a_grant_are_usable_as_long_as_their_user_is() {
    let directory = Directory::default();
    directory.apply(&user(1, "alice"));
    directory.apply(&Change::Grant(grant(1, 1)));
    directory.apply(&Change::Login(login(LoginKind::User(UserId(1)), false, Some(50))));
    let usable =
        |now| (directory.login_is_usable(LoginId(1), now), directory.grant_is_usable(GrantId(1), now));
    assert_eq!((usable(49), usable(50), usable(100)), ((true, true), (false, true), (false, false)));
    let disabled = User { id: UserId(1), name: "alice".parse().expect("a name"), disabled: true };
    directory.apply(&Change::User(disabled));
    assert_eq!(usable(49), (false, false));
    directory.apply(&user(1, "alice"));
    directory.apply(&Change::Grant(Grant { state: GrantState::Revoked, ..grant(1, 1) }));
    assert_eq!(usable(49), (true, false));
    directory.apply(&Change::UserGone(UserId(1)));
    assert_eq!(usable(49), (false, false));
}

#[test]
fn a_row_that_is_changed_is_never_away_for_a_moment() {
    let directory = Directory::default();
    let rows =
        [user(1, "alice"), Change::Grant(grant(1, 1)), Change::Login(login(LoginKind::Admin, false, None))];
    rows.iter().for_each(|row| directory.apply(row));
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let changing = scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                rows.iter().for_each(|row| directory.apply(row));
                directory.apply(&user(2, "bob"));
                directory.apply(&Change::UserGone(UserId(2)));
            }
        });
        let here = || {
            directory.user_named("alice").is_some()
                && directory.login_named("alice").is_some()
                && directory.grant_of(ServiceId(1), UserId(1)) == Some(grant(1, 1))
        };
        let always_here = (0..20_000).all(|_| here());
        over.store(true, Ordering::Relaxed);
        assert!(always_here, "a row was away");
        changing.join().expect("the thread that changes rows");
    });
}
