//! What a running gate is promised: it sees other processes' writes within a second, and survives a registry that goes away.

#![allow(clippy::expect_used, reason = "test code")]

mod common;

use common::{Scratch, furnish, name, request, secret};
use model::{Change, Directory, Disclosure, GrantState, StoreState};
use registry::{FollowEvent, Follower, Where};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

/// What the hook told, in a form that can be sent.
#[derive(Debug, PartialEq)]
enum Told {
    Changed(Change),
    Lost(String),
    Recovered,
}

fn follow(scratch: &Scratch) -> (Arc<Directory>, Follower, mpsc::Receiver<Told>) {
    let directory = Arc::new(Directory::default());
    let (tell, told) = mpsc::channel();
    let follower = Follower::start(&scratch.path(), Arc::clone(&directory), move |event| {
        let _ = tell.send(match event {
            FollowEvent::Changed(change) => Told::Changed(change.clone()),
            FollowEvent::Lost(error) => Told::Lost(error.to_string()),
            FollowEvent::Recovered => Told::Recovered,
        });
    });
    (directory, follower.expect("a follower"), told)
}

/// Waits for the first told thing that fits.
fn wait_for(told: &mpsc::Receiver<Told>, fits: impl Fn(&Told) -> bool) -> Told {
    let end = Instant::now() + Duration::from_secs(10);
    loop {
        let left = end.saturating_duration_since(Instant::now());
        let event = told.recv_timeout(left).expect("it was never told");
        if fits(&event) {
            return event;
        }
    }
}

#[test]
fn a_write_of_another_connection_is_seen_within_a_second() {
    let (scratch, mut registry) = Scratch::new();
    let (directory, _follower, told) = follow(&scratch);
    let begun = Instant::now();
    registry.add_user(&name("alice"), &secret("x")).expect("a user");
    wait_for(&told, |told| matches!(told, Told::Changed(Change::Login(_))));
    assert!(begun.elapsed() < Duration::from_secs(1), "it took {:?}", begun.elapsed());
    assert!(directory.user_named("alice").is_some() && directory.login_named("alice").is_some());
}

#[test]
fn every_step_of_a_grants_life_reaches_the_directory() {
    let (scratch, mut registry) = Scratch::new();
    let store = furnish(&mut registry, "alice", "todo");
    let (directory, _follower, told) = follow(&scratch);
    let user = directory.user_named("alice").expect("alice").id;
    let service = directory.service_named("todo").expect("todo").id;
    let state = || directory.grant_of(service, user).map(|grant| grant.state);
    assert_eq!(state(), None);

    let grant = registry.begin_grant(&request("alice", "todo", Where::Schema)).expect("a grant").grant;
    wait_for(&told, |told| matches!(told, Told::Changed(Change::Grant(_))));
    registry.finish_grant(grant.id).expect("finished");
    wait_for(&told, |told| matches!(told, Told::Changed(Change::Grant(g)) if g.state == GrantState::Active));
    assert_eq!(state(), Some(GrantState::Active));

    registry.set_fanout(&name("alice"), &name("todo"), Disclosure::Additive).expect("a class");
    wait_for(&told, |told| matches!(told, Told::Changed(Change::Grant(_))));
    assert_eq!(directory.grant(grant.id).map(|grant| grant.fanout), Some(Disclosure::Additive));

    let (_, operation) = registry.begin_revoke(&name("alice"), &name("todo")).expect("revoked");
    wait_for(&told, |told| matches!(told, Told::Changed(Change::Grant(g)) if g.state == GrantState::Revoked));
    assert_eq!(state(), Some(GrantState::Revoked));
    assert_eq!(directory.store(store).expect("the store").state, StoreState::Reconciling);

    registry.operation_done(&operation.expect("an operation").id).expect("done");
    wait_for(&told, |told| matches!(told, Told::Changed(Change::Store(s)) if s.state == StoreState::Active));

    registry.remove_user(&name("alice")).expect("removed");
    wait_for(&told, |told| matches!(told, Told::Changed(Change::UserGone(_))));
    assert!(directory.user_named("alice").is_none() && directory.login_named("alice").is_none());
    assert!(directory.store(store).is_none() && directory.grant(grant.id).is_none());
}

#[test]
fn a_registry_that_vanishes_leaves_the_last_snapshot_and_is_found_again() {
    let (scratch, mut registry) = Scratch::new();
    registry.add_user(&name("alice"), &secret("x")).expect("a user");
    drop(registry);
    let (directory, _follower, told) = follow(&scratch);

    let aside = scratch.home().with_file_name("aside");
    std::fs::rename(scratch.home(), &aside).expect("moved away");
    wait_for(&told, |told| matches!(told, Told::Lost(_)));
    assert!(directory.user_named("alice").is_some());

    let moved = aside.join("registry.db");
    let mut elsewhere = registry::Registry::open(&moved, scratch.kek.clone()).expect("the registry");
    elsewhere.add_user(&name("bob"), &secret("x")).expect("a user");
    elsewhere.remove_user(&name("alice")).expect("removed");
    drop(elsewhere);
    std::fs::rename(&aside, scratch.home()).expect("moved back");
    wait_for(&told, |told| *told == Told::Recovered);
    assert!(directory.user_named("bob").is_some());
    assert!(directory.user_named("alice").is_none());
    assert!(told.try_iter().all(|told| !matches!(told, Told::Lost(_))), "one loss was told twice");
}

#[test]
fn a_registry_that_comes_back_locked_is_waited_for() {
    let (scratch, registry) = Scratch::new();
    drop(registry);
    let (directory, _follower, told) = follow(&scratch);
    let aside = scratch.home().with_file_name("aside");
    std::fs::rename(scratch.home(), &aside).expect("moved away");
    wait_for(&told, |told| matches!(told, Told::Lost(_)));

    let locked = rusqlite::Connection::open(aside.join("registry.db")).expect("a connection");
    locked
        .execute_batch("PRAGMA locking_mode = exclusive; INSERT INTO users (name) VALUES ('bob')")
        .expect("locked");
    std::fs::rename(&aside, scratch.home()).expect("moved back");
    assert!(told.recv_timeout(4 * registry::FOLLOW_INTERVAL).is_err(), "a locked registry was read");
    drop(locked);
    wait_for(&told, |told| *told == Told::Recovered);
    assert!(directory.user_named("bob").is_some());
}

#[test]
fn a_follower_that_fell_behind_the_log_reads_everything_again() {
    let (_scratch, mut registry) = Scratch::new();
    registry.add_user(&name("alice"), &secret("x")).expect("a user");
    let directory = Directory::default();
    let version = registry.load_directory(&directory).expect("loaded");
    registry.add_user(&name("bob"), &secret("x")).expect("a user");
    let (changes, next) = registry.changes_since(version).expect("read").expect("the log reaches back");
    assert_eq!((changes.len(), next), (2, version + 2));
    assert_eq!(registry.changes_since(next).expect("read"), Some((Vec::new(), next)));
    assert_eq!(registry.changes_since(next + 1).expect("read"), None, "a version from another file");
    assert_eq!(registry.changes_since(-1).expect("read"), None, "before the log's first row");
    registry.remove_user(&name("alice")).expect("removed");
    registry.load_directory(&directory).expect("loaded again");
    assert!(directory.user_named("alice").is_none() && directory.user_named("bob").is_some());
}
