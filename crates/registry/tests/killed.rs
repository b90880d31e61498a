//! A writer that is killed anywhere leaves each operation done or not done, and the next one goes on.

#![allow(clippy::expect_used, reason = "test code")]

mod common;

use common::{Scratch, endpoint, name, request, secret};
use model::GrantState;
use registry::{Kek, Purpose, Registry, Where};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Command, Stdio};

const FOLDER: &str = "STUFFGATE_TEST_FOLDER";
const KILLS: usize = 12;

/// The child's part: adds, grants and revokes until it is killed, and says so at every step.
#[test]
fn writes_until_it_is_killed_when_it_is_the_child() {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else { return };
    let kek = Kek::from_file(&folder.join("kek")).expect("the key");
    let mut registry = Registry::open(&folder.join("registry.db"), kek).expect("the registry");
    let first = registry.users().expect("users").len();
    let step = || {
        println!("step");
        std::io::stdout().flush().expect("a reader");
    };
    for at in first.. {
        let user = format!("user-{at}");
        registry.add_user(&name(&user), &secret("x")).expect("a user");
        step();
        registry.add_store(&name(&user), &endpoint(&user), ("owner", &secret("x"))).expect("a store");
        step();
        let grant = registry.begin_grant(&request(&user, "todo", Where::Schema)).expect("a grant");
        step();
        registry.finish_grant(grant.grant.id).expect("finished");
        step();
        registry.begin_revoke(&name(&user), &name("todo")).expect("revoked");
        step();
    }
}

#[test]
fn a_writer_killed_anywhere_leaves_whole_operations() {
    let folder = tempfile::tempdir().expect("a folder");
    let kek = Kek::create_file(&folder.path().join("kek")).expect("a key");
    let path = folder.path().join("registry.db");
    Registry::create(&path, kek.clone())
        .expect("a registry")
        .add_service(&name("todo"), None, &[])
        .expect("todo");
    for kill in 0..KILLS {
        let mut child = Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", "writes_until_it_is_killed_when_it_is_the_child", "--nocapture"])
            .env(FOLDER, folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the child");
        let lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let steps = lines.map_while(Result::ok).filter(|line| line.contains("step")).take(3 + kill).count();
        child.kill().expect("killed");
        child.wait().expect("its end");
        assert_eq!(steps, 3 + kill, "the child ended by itself");
        check(&Registry::open(&path, kek.clone()).expect("the registry opens"));
    }
}

/// What must hold between any two operations.
fn check(registry: &Registry) {
    let logins = registry.logins().expect("logins").len();
    assert_eq!(registry.users().expect("users").len(), logins, "a user without a login");
    for store in registry.stores().expect("stores") {
        let admin = store.admin.expect("a store without the admin it came with");
        registry.open_credential(Purpose::StoreAdmin(store.store.id), &admin.credential).expect("it opens");
    }
    for record in registry.grants(true).expect("grants") {
        let id = record.grant.id;
        registry.open_credential(Purpose::GrantLogin(id), &record.grant.credential).expect("it opens");
        let reader = record.reader.expect("a reader");
        registry.open_credential(Purpose::GrantReader(id), &reader.credential).expect("it opens");
        let revoked = record.grant.state == GrantState::Revoked;
        assert_eq!(revoked, record.waiting, "a revocation without its clean-up, or the other way round");
    }
}

#[test]
fn two_writers_take_turns() {
    let (scratch, mut one) = Scratch::new();
    let mut other = scratch.open();
    std::thread::scope(|scope| {
        for (writer, prefix) in [(&mut one, "a"), (&mut other, "b")] {
            scope.spawn(move || {
                for at in 0..20 {
                    writer.add_user(&name(&format!("{prefix}{at}")), &secret("x")).expect("its turn");
                }
            });
        }
    });
    assert_eq!(one.users().expect("users").len(), 40);
}
