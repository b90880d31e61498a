//! Makes sessions and pools follow the directory: what is no longer allowed ends, within a second.

use model::{Directory, LoginKind};
use pool::Key;
use session::{EndReason, Gate, Handle};

/// Looks at every session and every pool once, and ends those that may not go on at `now` (seconds since
/// the Unix epoch). Done anew with every change and every second: a session that got hold of a connection
/// in the moment of a revocation is found the next time.
pub(crate) fn enforce(gate: &Gate, now: i64) {
    let directory = &*gate.directory;
    for report in gate.pools.report() {
        if !key_is_usable(directory, report.key, now) {
            if let Key::Grant(grant) = report.key {
                gate.sessions.end_grant(grant);
            }
            gate.pools.retire(report.key);
        }
    }
    for session in gate.sessions.all() {
        if !session_is_usable(directory, &session, now) && session.end_reason() != Some(EndReason::Revoked) {
            tracing::info!(
                session = session.process,
                login = session.login_name(),
                service = session.service(),
                "the session's grant or login has ended"
            );
            session.end(EndReason::Revoked);
        }
    }
}

fn key_is_usable(directory: &Directory, key: Key, now: i64) -> bool {
    match key {
        Key::Home(service) => directory.service(service).is_some_and(|service| service.home.is_some()),
        Key::Grant(grant) | Key::Reader(grant) => directory.grant_is_usable(grant, now),
    }
}

fn session_is_usable(directory: &Directory, session: &Handle, now: i64) -> bool {
    if !directory.login_is_usable(session.login(), now) {
        return false;
    }
    let Some(service) = directory.service_named(session.service()) else { return false };
    match directory.login_kind(session.login()) {
        Some(LoginKind::User(user)) => {
            directory.grant_id_of(service.id, user).is_some_and(|grant| directory.grant_is_usable(grant, now))
        }
        Some(_) => true,
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{
        Change, Disclosure, Grant, GrantId, GrantState, Partition, Sealed, Service, ServiceId, StoreId, User,
        UserId,
    };

    fn grant(state: GrantState, expires_at: Option<i64>) -> Change {
        Change::Grant(Grant {
            id: GrantId(1),
            user: UserId(1),
            service: ServiceId(1),
            store: StoreId(1),
            partition: Partition::Database,
            database: None,
            role: "g_1".into(),
            credential: Sealed::from_text("x"),
            state,
            expires_at,
            fanout: Disclosure::Rows,
        })
    }

    #[test]
    fn connections_for_sessions_and_for_fan_outs_end_with_their_grant() {
        let directory = Directory::default();
        let user =
            |disabled| Change::User(User { id: UserId(1), name: "alice".parse().expect("a name"), disabled });
        let both = |now| {
            let [sessions, fan_outs] = [Key::Grant(GrantId(1)), Key::Reader(GrantId(1))]
                .map(|key| key_is_usable(&directory, key, now));
            assert_eq!(sessions, fan_outs);
            sessions
        };
        assert!(!both(5), "there is no grant");
        directory.apply(&user(false));
        directory.apply(&grant(GrantState::Active, Some(10)));
        assert!(both(5) && !both(10));
        directory.apply(&user(true));
        assert!(!both(5));
        directory.apply(&user(false));
        directory.apply(&grant(GrantState::Revoked, None));
        assert!(!both(5));
        let name = "todo".parse().expect("a name");
        directory.apply(&Change::Service(Service {
            id: ServiceId(1),
            name,
            home: None,
            extensions: Vec::new(),
        }));
        assert!(!key_is_usable(&directory, Key::Home(ServiceId(1)), 5), "it has no home");
    }
}
