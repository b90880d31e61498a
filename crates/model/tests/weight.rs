//! What a hundred thousand people weigh who have a store each and do not use it now.
//!
//! Alone in its program: nothing else may come and go in the memory that is measured.

#![allow(clippy::expect_used, reason = "test code")]

use model::{
    Change, Directory, Disclosure, Endpoint, Grant, GrantId, GrantState, Login, LoginId, LoginKind, Name,
    Partition, ScramVerifier, Sealed, ServiceId, Store, StoreId, StoreState, TlsMode, User, UserId,
};

/// The gate's own.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// The promise, in bytes of resident memory: a store, the grant in it, its user, and the user's login.
const RESIDENT_BYTES: u64 = 512;

/// Of these, what a store and the grant in it may weigh.
const STORE_AND_GRANT_BYTES: u64 = 340;

const STORES: u64 = 100_000;

/// Resident memory, in bytes (proc(5), statm; pages of 4 KiB).
fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("statm");
    statm.split_whitespace().nth(1).expect("resident pages").parse::<u64>().expect("a number") * 4096
}

/// Bytes that look like no others, as keys and sealed secrets do.
fn bytes<const N: usize>(seed: u64) -> [u8; N] {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    std::array::from_fn(|_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    })
}

fn name(number: u64) -> Name {
    format!("person-{number:06}").parse().expect("a name")
}

fn id(number: u64) -> i64 {
    number.cast_signed()
}

fn user(number: u64) -> Change {
    Change::User(User { id: UserId(id(number)), name: name(number), disabled: false })
}

fn login(number: u64) -> Change {
    let verifier = ScramVerifier {
        iterations: 4096,
        salt: Box::new(bytes::<16>(number)),
        stored_key: bytes(number + 1),
        server_key: bytes(number + 2),
    };
    let (id, kind) = (LoginId(id(number)), LoginKind::User(UserId(id(number))));
    Change::Login(Login {
        id,
        name: name(number),
        kind,
        verifier,
        disabled: false,
        expires_at: None,
        min_stores_per_group: 0,
    })
}

fn store(number: u64) -> Change {
    let endpoint = Endpoint {
        host: format!("abcdef-{number:06}.db.example.org").into(),
        port: 5432,
        database: "stuff".into(),
        tls: TlsMode::VerifyFull,
        ca: None,
    };
    let (id, user) = (StoreId(id(number)), UserId(id(number)));
    Change::Store(Store { id, user, endpoint, state: StoreState::Active })
}

/// A grant whose sealed secret is as long as those that the gate makes: 174 bytes in base64.
fn grant(number: u64) -> Change {
    let base64 = bytes::<232>(number).map(|byte| char::from(b'A' + byte % 26)).iter().collect::<String>();
    Change::Grant(Grant {
        id: GrantId(id(number)),
        user: UserId(id(number)),
        service: ServiceId(1),
        store: StoreId(id(number)),
        partition: Partition::Schema {
            schema: "stuff_todo_1f2e3d4c".into(),
            extensions: "extensions".into(),
        },
        database: None,
        role: format!("g_todo_{number:08x}").into(),
        credential: Sealed::from_text(format!("sg:v1:1a2b3c4d:{base64}")),
        state: GrantState::Active,
        expires_at: None,
        fanout: Disclosure::Rows,
    })
}

/// What the rows of all stores that `rows` makes weigh, for each store.
fn weight(directory: &Directory, rows: &[fn(u64) -> Change]) -> u64 {
    let before = resident_bytes();
    for row in rows {
        (1..=STORES).for_each(|number| directory.apply(&row(number)));
    }
    (resident_bytes() - before) / STORES
}

#[test]
fn a_store_that_nobody_uses_weighs_at_most_512_bytes_with_grant_user_and_login() {
    let directory = Directory::default();
    let store_and_grant = weight(&directory, &[store, grant]);
    let user_and_login = weight(&directory, &[user, login]);
    println!("{store_and_grant} bytes for a store and its grant, {user_and_login} for its user and login");
    assert!(store_and_grant <= STORE_AND_GRANT_BYTES);
    assert!(store_and_grant + user_and_login <= RESIDENT_BYTES);
    let found = directory.login_named(name(STORES).as_str()).expect("the last login");
    assert_eq!(Change::Login(found), login(STORES));
    let found = directory.grant_of(ServiceId(1), UserId(1)).expect("the first grant");
    assert_eq!(Change::Grant(found), grant(1));
}
