//! A hundred thousand stores: how long they take to load, what they weigh, and that one more costs one row.

#![allow(clippy::expect_used, reason = "test code")]

mod common;

use common::{Scratch, endpoint, name, secret};
use model::Directory;
use registry::Registry;
use std::time::{Duration, Instant};

const STORES: i64 = 100_000;

/// Loading is allowed this long in an unoptimised build on a busy machine.
const LOAD_LIMIT: Duration = Duration::from_secs(20);

/// Loading may need this much memory above what the directory keeps, in bytes.
const PEAK_LIMIT: u64 = 8 * 1024 * 1024;

/// Forgets the most memory that was resident so far (proc(5), clear_refs).
fn reset_peak() {
    std::fs::write("/proc/self/clear_refs", "5").expect("the peak is forgotten");
}

/// The most memory that was resident since, in bytes (proc(5), status).
fn peak_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("status");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("the peak");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") * 1024
}

/// Resident memory, in bytes (proc(5), statm; pages of 4 KiB).
fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("statm");
    statm.split_whitespace().nth(1).expect("resident pages").parse::<u64>().expect("a number") * 4096
}

/// Users, stores, logins and grants as rows, without sealing a secret for each.
fn fill(scratch: &Scratch, registry: &mut Registry) {
    registry.add_service(&name("todo"), None, &[]).expect("a service");
    registry.add_user(&name("first"), &secret("x")).expect("a user");
    let sealed = "sg:v1:01234567:".to_owned() + &"A".repeat(240);
    let connection = rusqlite::Connection::open(scratch.path()).expect("a connection");
    let fill = format!(
        "BEGIN;
         CREATE TEMP TABLE n AS WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < {STORES})
            SELECT i FROM n;
         INSERT INTO users (id, name) SELECT i, 'user-' || i FROM n;
         INSERT INTO logins (name, kind, user_id, verifier) SELECT 'user-' || i, 'user', i,
            (SELECT verifier FROM logins LIMIT 1) FROM n;
         INSERT INTO stores (id, user_id, host, port, database, tls, admin_role, admin_credential)
            SELECT i, i, 'host-' || i || '.example.org', 5432, 'stuff', 'verify-full', 'owner', '{sealed}' FROM n;
         INSERT INTO partitions (id, store_id, service, kind, schema, extensions, owner_role)
            SELECT i, i, 'todo', 'schema', 'todo', 'extensions', 'p_todo_' || i FROM n;
         INSERT INTO grants (user_id, service_id, store_id, partition_id, role, credential, state)
            SELECT i, 1, i, i, 'g_todo_' || i, '{sealed}', 'active' FROM n;
         DELETE FROM changes WHERE version <= (SELECT max(version) FROM changes) - 100000;
         COMMIT"
    );
    connection.execute_batch(&fill).expect("filled");
}

#[test]
fn a_hundred_thousand_stores_load_once_and_one_more_costs_one_row() {
    let (scratch, mut registry) = Scratch::new();
    fill(&scratch, &mut registry);
    let directory = Directory::default();
    reset_peak();
    let (before, begun) = (resident_bytes(), Instant::now());
    let version = registry.load_directory(&directory).expect("loaded");
    let (took, after) = (begun.elapsed(), resident_bytes());
    let (bytes, extra) = (after.saturating_sub(before), peak_bytes().saturating_sub(after));
    println!(
        "{STORES} users, logins, stores and grants: {took:?}, {} bytes each, {extra} more at the peak",
        bytes / STORES.unsigned_abs()
    );
    assert!(extra < PEAK_LIMIT, "loading needs {extra} bytes that are not kept");
    assert_eq!(directory.store_ids().len(), 99_999);
    assert!(took < LOAD_LIMIT, "loading took {took:?}");

    let admin = ("owner", &secret("x"));
    registry.add_store(&name("first"), &endpoint("one.more.example.org"), admin).expect("a store");
    let begun = Instant::now();
    let (changes, _) = registry.changes_since(version).expect("read").expect("the log reaches back");
    println!("the changes of one more store: {:?}", begun.elapsed());
    assert_eq!(changes.len(), 1, "one more store is one change");
    changes.iter().for_each(|change| directory.apply(change));
    assert_eq!(directory.store_ids().len(), 100_000);
}
