//! What the operations promise: names, conflicts, secrets, and grants that may be interrupted anywhere.

mod common;

use common::{Scratch, endpoint, furnish, name, request, secret};
use model::{Credential, GrantId, GrantState, LoginKind, Partition, StoreState};
use registry::{Error, LoginTarget, NewHome, Prepared, Purpose, ReaderRoles, Where, backoff_s, scram};
use secrecy::ExposeSecret as _;

#[test]
fn a_user_comes_with_a_login_and_goes_with_it() {
    let (_scratch, mut registry) = Scratch::new();
    let user = registry.add_user(&name("alice"), &secret("s3cret")).expect("a user");
    let login = registry.login(&name("alice")).expect("the login");
    assert_eq!(login.kind, LoginKind::User(user.id));
    assert!(scram::matches(&login.verifier, &secret("s3cret")));
    assert!(matches!(registry.add_user(&name("alice"), &secret("x")), Err(Error::Conflict(_))));
    assert!(matches!(registry.remove_login(&name("alice")), Err(Error::Conflict(_))));
    registry.remove_user(&name("alice")).expect("removed");
    assert!(matches!(registry.login(&name("alice")), Err(Error::NotFound { .. })));
    assert!(matches!(registry.remove_user(&name("alice")), Err(Error::NotFound { .. })));
}

#[test]
fn a_name_is_one_login_whatever_its_kind() {
    let (_scratch, mut registry) = Scratch::new();
    registry.add_service(&name("todo"), None, &[]).expect("a service");
    registry.add_login(&name("ops"), &LoginTarget::Admin, &secret("x"), None).expect("a login");
    let refused = registry.add_user(&name("ops"), &secret("x")).expect_err("taken").to_string();
    assert!(refused.contains("admin"), "{refused}");
    assert!(registry.user(&name("ops")).is_err(), "half a user was left");
    let target = LoginTarget::Service(name("nope"));
    assert!(matches!(
        registry.add_login(&name("x"), &target, &secret("x"), None),
        Err(Error::NotFound { what: "service", .. })
    ));
}

#[test]
fn rotating_a_login_replaces_its_secret() {
    let (_scratch, mut registry) = Scratch::new();
    registry.add_service(&name("todo"), None, &[]).expect("a service");
    let target = LoginTarget::Service(name("todo"));
    registry.add_login(&name("todo"), &target, &secret("old"), Some(4_102_444_800)).expect("a login");
    let login = registry.rotate_login(&name("todo"), &secret("new")).expect("rotated");
    assert!(
        scram::matches(&login.verifier, &secret("new")) && !scram::matches(&login.verifier, &secret("old"))
    );
    assert_eq!(login.expires_at, Some(4_102_444_800));
    let listed = registry.logins().expect("logins");
    assert_eq!(listed[0].service, Some(name("todo")));
}

#[test]
fn only_an_analysts_login_has_a_least_number_of_stores_per_group() {
    let (_scratch, mut registry) = Scratch::new();
    registry.add_service(&name("todo"), None, &[]).expect("a service");
    let target = LoginTarget::Analyst { service: name("todo"), min_stores_per_group: 5 };
    let login = registry.add_login(&name("ana"), &target, &secret("x"), None).expect("a login");
    assert_eq!(login.min_stores_per_group, 5);
    assert!(registry.set_min_stores_per_group(&name("ana"), 7).expect("changed"));
    assert!(!registry.set_min_stores_per_group(&name("ana"), 7).expect("the same"));
    assert_eq!(registry.logins().expect("logins")[0].login.min_stores_per_group, 7);
    registry.add_login(&name("ops"), &LoginTarget::Admin, &secret("x"), None).expect("a login");
    assert!(matches!(registry.set_min_stores_per_group(&name("ops"), 7), Err(Error::Conflict(_))));
}

#[test]
fn readers_are_found_in_the_order_in_which_they_are_asked_for() {
    let (scratch, mut registry) = Scratch::new();
    furnish(&mut registry, "alice", "todo");
    furnish(&mut registry, "bob", "notes");
    let alice = registry.begin_grant(&request("alice", "todo", Where::Schema)).expect("a grant");
    let by_hand = Where::Existing {
        endpoint: endpoint("by-hand.example.org"),
        role: "theirs".into(),
        secret: secret("x"),
        schema: "todo".into(),
        extensions: "extensions".into(),
    };
    let bob = registry.begin_grant(&request("bob", "notes", by_hand)).expect("a grant");
    let roles = ReaderRoles::of(&scratch.path());
    let (alices, bobs) = (alice.grant.id, bob.grant.id);
    let found = roles.find(&[bobs, alices, GrantId(99), alices]).expect("found");
    assert_eq!(found, [None, alice.reader.clone(), None, alice.reader]);
    std::fs::remove_file(scratch.path()).expect("removed");
    assert!(matches!(roles.find(&[alices]), Err(Error::Missing(_))));
}

#[test]
fn a_home_is_kept_sealed_and_can_be_taken_away() {
    let (_scratch, mut registry) = Scratch::new();
    let home =
        NewHome { endpoint: endpoint("home.example.org"), role: "todo".into(), secret: secret("h0me") };
    let service = registry.add_service(&name("todo"), Some(&home), &["citext".into()]).expect("a service");
    let kept = service.home.expect("a home");
    assert!(!kept.credential.as_text().contains("h0me"));
    let opened =
        registry.sealer().open_credential(Purpose::Home(service.id), &kept.credential).expect("opened");
    let Credential::Password(password) = opened else { panic!("a password was kept as something else") };
    assert_eq!(password.expose_secret(), "h0me");
    let service = registry.change_service(&name("todo"), None, &[]).expect("changed");
    assert!(service.home.is_none() && service.extensions.is_empty());
    let refused = registry.change_service(&name("todo"), None, &["a;b".into()]);
    assert!(matches!(refused, Err(Error::Invalid(_))));
    assert!(matches!(registry.add_service(&name("stuffgate"), None, &[]), Err(Error::Invalid(_))));
}

#[test]
fn one_ca_bundle_is_shared_by_all_that_trust_it() {
    let (_scratch, mut registry) = Scratch::new();
    registry.add_user(&name("alice"), &secret("x")).expect("a user");
    for host in ["a", "b"] {
        let mut endpoint = endpoint(host);
        endpoint.ca = Some("-----BEGIN CERTIFICATE-----".into());
        registry.add_store(&name("alice"), &endpoint, ("owner", &secret("x"))).expect("a store");
    }
    let stores = registry.stores().expect("stores");
    let [a, b] = &stores[..] else { panic!("two stores") };
    let pem = |record: &registry::StoreRecord| record.store.endpoint.ca.clone().expect("a CA");
    assert!(std::sync::Arc::ptr_eq(&pem(a), &pem(b)));
}

#[test]
fn a_grant_is_pending_until_finished_and_carries_what_provisioning_needs() {
    let (_scratch, mut registry) = Scratch::new();
    let store = furnish(&mut registry, "alice", "to-do");
    let record = registry.begin_grant(&request("alice", "to-do", Where::Schema)).expect("a grant");
    assert_eq!(record.grant.state, GrantState::Pending);
    assert_eq!(record.grant.store, store);
    let Partition::Schema { schema, .. } = &record.grant.partition else { panic!("a schema") };
    assert!(schema.starts_with("stuff_to_do_"), "{schema}");
    assert!(record.grant.role.starts_with("g_to_do_"));
    let Prepared::ByGate { owner_role } = &record.prepared else { panic!("by the gate") };
    assert!(owner_role.starts_with("p_to_do_"));
    let reader = record.reader.as_ref().expect("a reader");
    assert!(reader.role.starts_with("r_to_do_"));
    for (purpose, sealed) in [
        (Purpose::GrantLogin(record.grant.id), &record.grant.credential),
        (Purpose::GrantReader(record.grant.id), &reader.credential),
    ] {
        assert!(matches!(registry.open_credential(purpose, sealed), Ok(Credential::Keys(_))));
    }
    let again = registry.begin_grant(&request("alice", "to-do", Where::Schema)).expect("the same grant");
    assert_eq!(again, record);
    let active = registry.finish_grant(record.grant.id).expect("finished");
    assert_eq!(active.grant.state, GrantState::Active);
    assert_eq!(registry.finish_grant(record.grant.id).expect("still finished"), active);
}

#[test]
fn a_schema_that_the_gate_makes_has_a_name_that_nothing_else_has() {
    let (_scratch, mut registry) = Scratch::new();
    furnish(&mut registry, "alice", "to-do");
    let mut schema_of = |service: &str| {
        let _ = registry.add_service(&name(service), None, &[]);
        let record = registry.begin_grant(&request("alice", service, Where::Schema)).expect("a grant");
        let Partition::Schema { schema, .. } = record.grant.partition else { panic!("a schema") };
        schema
    };
    let longest = "x".repeat(model::name::MAX_NAME_BYTES);
    let services = ["to-do", "to_do", "public", "pg.catalog", "extensions", "1st@home", &longest];
    let schemas: std::collections::BTreeSet<_> = services.into_iter().map(&mut schema_of).collect();
    assert_eq!(schemas.len(), services.len());
    for schema in schemas {
        assert!(schema.starts_with("stuff_") && schema.len() <= 63, "{schema}");
        let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        assert!(schema.chars().all(word), "{schema} would need quotes");
    }
}

#[test]
fn a_services_schema_has_one_name_in_all_stores() {
    let (_scratch, mut registry) = Scratch::new();
    furnish(&mut registry, "alice", "todo");
    furnish(&mut registry, "bob", "notes");
    let mut schema_in_store_of = |user: &str| {
        let record = registry.begin_grant(&request(user, "todo", Where::Schema)).expect("a grant");
        let Partition::Schema { schema, .. } = record.grant.partition else { panic!("a schema") };
        schema
    };
    assert_eq!(schema_in_store_of("alice"), schema_in_store_of("bob"));
}

#[test]
fn a_grant_elsewhere_needs_the_old_one_revoked() {
    let (_scratch, mut registry) = Scratch::new();
    furnish(&mut registry, "alice", "todo");
    registry.begin_grant(&request("alice", "todo", Where::Schema)).expect("a grant");
    let refused = registry.begin_grant(&request("alice", "todo", Where::Database)).expect_err("elsewhere");
    assert!(refused.to_string().contains("revoke alice todo"), "{refused}");
}

#[test]
fn a_new_expiry_takes_effect_on_a_live_grant() {
    let (_scratch, mut registry) = Scratch::new();
    furnish(&mut registry, "alice", "todo");
    let mut asked = request("alice", "todo", Where::Schema);
    registry.begin_grant(&asked).expect("a grant");
    asked.expires_at = Some(4_102_444_800);
    assert_eq!(registry.begin_grant(&asked).expect("renewed").grant.expires_at, asked.expires_at);
}

#[test]
fn a_revocation_is_recorded_with_its_clean_up_and_the_store_waits_for_it() {
    let (_scratch, mut registry) = Scratch::new();
    let store = furnish(&mut registry, "alice", "todo");
    let granted = registry.begin_grant(&request("alice", "todo", Where::Schema)).expect("a grant");
    registry.finish_grant(granted.grant.id).expect("finished");

    let (revoked, operation) = registry.begin_revoke(&name("alice"), &name("todo")).expect("revoked");
    let operation = operation.expect("an operation");
    assert_eq!(revoked.grant.state, GrantState::Revoked);
    assert_eq!(registry.store(store).expect("the store").store.state, StoreState::Reconciling);
    let (_, again) = registry.begin_revoke(&name("alice"), &name("todo")).expect("the same again");
    assert_eq!(again.as_ref(), Some(&operation));

    assert!(matches!(registry.remove_user(&name("alice")), Err(Error::Conflict(_))));
    assert!(matches!(registry.remove_service(&name("todo")), Err(Error::Conflict(_))));
    assert!(matches!(registry.remove_store(store, false), Err(Error::Conflict(_))));

    registry.operation_done(&operation.id).expect("done");
    registry.operation_done(&operation.id).expect("done twice is done");
    assert_eq!(registry.store(store).expect("the store").store.state, StoreState::Active);
    assert!(matches!(registry.begin_revoke(&name("alice"), &name("todo")), Err(Error::Conflict(_))));
    registry.remove_user(&name("alice")).expect("removed");
    registry.remove_service(&name("todo")).expect("removed");
}

#[test]
fn granting_again_finds_the_old_partition_under_a_new_role() {
    let (_scratch, mut registry) = Scratch::new();
    furnish(&mut registry, "alice", "todo");
    let first = registry.begin_grant(&request("alice", "todo", Where::Schema)).expect("a grant");
    registry.begin_revoke(&name("alice"), &name("todo")).expect("revoked");
    let second = registry.begin_grant(&request("alice", "todo", Where::Schema)).expect("another grant");
    assert_eq!(first.grant.partition, second.grant.partition);
    assert_eq!(first.prepared, second.prepared);
    assert_ne!(first.grant.role, second.grant.role);
    assert_ne!(first.grant.id, second.grant.id);
}

#[test]
fn a_grant_revoked_while_it_was_being_prepared_is_cleaned_up_once_more() {
    let (_scratch, mut registry) = Scratch::new();
    let store = furnish(&mut registry, "alice", "todo");
    let record = registry.begin_grant(&request("alice", "todo", Where::Schema)).expect("a grant");
    let (_, operation) = registry.begin_revoke(&name("alice"), &name("todo")).expect("revoked");
    registry.operation_done(&operation.expect("an operation").id).expect("done");
    assert!(matches!(registry.finish_grant(record.grant.id), Err(Error::Conflict(_))));
    assert_eq!(registry.operations_of(store).expect("operations").len(), 1);
}

#[test]
fn what_an_owner_prepared_by_hand_is_never_touched_by_a_clean_up() {
    let (_scratch, mut registry) = Scratch::new();
    registry.add_service(&name("todo"), None, &[]).expect("a service");
    registry.add_user(&name("alice"), &secret("x")).expect("a user");
    let place = Where::Existing {
        endpoint: endpoint("by-hand.example.org"),
        role: "todo_login".into(),
        secret: secret("g1ven"),
        schema: "todo_data".into(),
        extensions: "ext".into(),
    };
    let record = registry.begin_grant(&request("alice", "todo", place)).expect("a grant");
    assert_eq!(record.prepared, Prepared::ByOwner);
    assert_eq!(&*record.grant.role, "todo_login");
    let opened = registry.open_credential(Purpose::GrantLogin(record.grant.id), &record.grant.credential);
    assert!(matches!(opened, Ok(Credential::Password(_))));
    let (_, operation) = registry.begin_revoke(&name("alice"), &name("todo")).expect("revoked");
    assert_eq!(operation, None);
    let refused = registry.begin_grant(&request("alice", "todo", Where::Schema)).expect_err("no admin");
    assert!(refused.to_string().contains("--existing"), "{refused}");
}

#[test]
fn failed_operations_come_back_later_and_later() {
    let (_scratch, mut registry) = Scratch::new();
    let store = furnish(&mut registry, "alice", "todo");
    registry.begin_grant(&request("alice", "todo", Where::Schema)).expect("a grant");
    let (_, operation) = registry.begin_revoke(&name("alice"), &name("todo")).expect("revoked");
    let id = operation.expect("an operation").id;
    let now = 4_000_000_000;
    assert_eq!(registry.due_operations(now, 10).expect("due").len(), 1);
    assert_eq!(registry.operation_failed(&id, "host is down", now).expect("noted"), now + 5);
    assert!(registry.due_operations(now + 4, 10).expect("due").is_empty());
    let due = registry.due_operations(now + 5, 10).expect("due");
    assert_eq!((due[0].attempts, due[0].last_error.as_deref()), (1, Some("host is down")));
    assert_eq!(registry.next_due().expect("next"), Some(now + 5));
    registry.retry_now(store).expect("sooner");
    assert!(registry.next_due().expect("next").is_some_and(|due| due < now));
    registry.remove_store(store, true).expect("given up");
    assert_eq!(registry.next_due().expect("next"), None);
}

#[test]
fn waits_double_up_to_five_minutes() {
    let waits: Vec<i64> = [0, 1, 2, 3, 6, 7, u32::MAX].map(backoff_s).to_vec();
    assert_eq!(waits, [5, 5, 10, 20, 160, 300, 300]);
}

#[test]
fn several_stores_need_a_number() {
    let (_scratch, mut registry) = Scratch::new();
    let first = furnish(&mut registry, "alice", "todo");
    registry.add_store(&name("alice"), &endpoint("other"), ("owner", &secret("x"))).expect("a second store");
    assert!(matches!(
        registry.begin_grant(&request("alice", "todo", Where::Schema)),
        Err(Error::Conflict(_))
    ));
    let mut asked = request("alice", "todo", Where::Schema);
    asked.store = Some(first);
    assert_eq!(registry.begin_grant(&asked).expect("a grant").grant.store, first);
    registry.begin_grant(&request("alice", "todo", Where::Schema)).expect("the live grant names the store");
}

#[test]
fn rotation_of_the_key_moves_every_secret_and_shuts_the_old_key_out() {
    let (scratch, mut registry) = Scratch::new();
    let store = furnish(&mut registry, "alice", "todo");
    let home = NewHome { endpoint: endpoint("home"), role: "todo".into(), secret: secret("h0me") };
    registry.change_service(&name("todo"), Some(&home), &[]).expect("a home");
    let grant = registry.begin_grant(&request("alice", "todo", Where::Schema)).expect("a grant").grant;

    let new = registry::Kek::from_text(&registry::Kek::generate().expect("a key")).expect("a key");
    assert_eq!(registry.rotate_kek(new.clone()).expect("rotated"), 4);
    assert!(matches!(
        registry::Registry::open(&scratch.path(), scratch.kek.clone()),
        Err(Error::WrongKey { .. })
    ));
    let registry = registry::Registry::open(&scratch.path(), new).expect("the new key");
    let admin = registry.store(store).expect("the store").admin.expect("an admin");
    registry.open_credential(Purpose::StoreAdmin(store), &admin.credential).expect("it opens");
    let again = registry.grant(grant.id).expect("the grant").grant;
    assert_ne!(again.credential, grant.credential);
    registry.open_credential(Purpose::GrantLogin(grant.id), &again.credential).expect("it opens");
}

#[test]
fn a_process_that_missed_a_rotation_seals_nothing_with_the_old_key() {
    let (scratch, mut registry) = Scratch::new();
    let mut late = scratch.open();
    furnish(&mut registry, "alice", "todo");
    let new = registry::Kek::from_text(&registry::Kek::generate().expect("a key")).expect("a key");
    registry.rotate_kek(new.clone()).expect("rotated");
    let grant = late.begin_grant(&request("alice", "todo", Where::Schema));
    assert!(matches!(grant, Err(Error::WrongKey { .. })));
    assert!(matches!(late.rotate_kek(scratch.kek.clone()), Err(Error::WrongKey { .. })));
    assert!(registry.grants(true).expect("grants").is_empty());
}

#[test]
fn no_secret_is_in_the_file() {
    let (scratch, mut registry) = Scratch::new();
    furnish(&mut registry, "alice", "todo");
    drop(registry);
    let bytes = std::fs::read(scratch.path()).expect("the file");
    for secret in [&b"s3cret"[..], b"0wner"] {
        assert!(!bytes.windows(secret.len()).any(|window| window == secret));
    }
}
