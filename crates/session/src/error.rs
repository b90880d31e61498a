//! What a client is told: the one place where an error becomes an ErrorResponse.

use crate::relayed::Fault;
use crate::route::NoRoute;
use crate::sessions::EndReason;
use pool::LeaseError;
use relay::ClientFault;
use wire::dial::DialError;
use wire::{Fields, Sqlstate, sqlstate};

/// How to bind, as every refusal of an unbound session says it.
const HOW_TO_BIND: &str = "Bind it first: SET stuffgate.user = 'NAME', SELECT set_config('stuffgate.user', 'NAME', \
     true), a comment /*stuffgate.user='NAME'*/ on the statement, or options=-c stuffgate.user=NAME in the URL.";

/// A statement that fails on every server, and says why in the store's log: it stands for one that the
/// gate refuses, so that the transaction fails where it is open.
pub(crate) const REFUSED: &str = "SELECT \"refused by the gate\"";

/// Whether an error is the server's answer to [`REFUSED`].
pub(crate) fn is_refused(fields: &Fields) -> bool {
    fields.severity == wire::Severity::Error && fields.message.contains("refused by the gate")
}

/// Whether a refusal leaves the open transaction usable: only where the session is to be bound to somebody
/// else, which Postgres knows nothing of.
pub(crate) fn leaves_usable(fields: &Fields) -> bool {
    fields.code == sqlstate::ACTIVE_SQL_TRANSACTION
}

/// No route.
pub(crate) fn no_route(error: &NoRoute) -> Fields {
    let (code, hint) = match error {
        NoRoute::Unbound(_) => (sqlstate::INVALID_AUTHORIZATION_SPECIFICATION, HOW_TO_BIND),
        NoRoute::NotGranted { .. } => (
            sqlstate::INVALID_AUTHORIZATION_SPECIFICATION,
            "The user is unknown, or has to grant it: stuffgate grant USER SERVICE.",
        ),
        NoRoute::NotReady { .. } => (
            sqlstate::CANNOT_CONNECT_NOW,
            "Try again shortly; 'stuffgate grants' and 'stuffgate store test USER' say what is missing.",
        ),
        NoRoute::NoService(_) => (sqlstate::INVALID_CATALOG_NAME, "The operator has removed it."),
    };
    Fields::error(code, error.to_string()).with_hint(hint)
}

/// No lease.
pub(crate) fn no_lease(error: &LeaseError) -> Fields {
    let (code, hint) = match error {
        LeaseError::StoreBusy { .. } | LeaseError::QueueFull { .. } => (
            sqlstate::TOO_MANY_CONNECTIONS,
            "Sessions keep the store's connections, in open transactions perhaps; the limit is pool.per_store.",
        ),
        LeaseError::BudgetSpent { .. } => {
            (sqlstate::TOO_MANY_CONNECTIONS, "The limits are pool.total and pool.per_service.")
        }
        LeaseError::TimedOut { .. } | LeaseError::Unreachable { .. } => (
            sqlstate::CONNECTION_FAILURE,
            "The store's owner has to see that it runs and can be reached; 'stuffgate store test USER' says more.",
        ),
        LeaseError::Refused { reason, .. } => return refused(error, reason),
        LeaseError::Credential { .. } => (
            sqlstate::SYSTEM_ERROR,
            "The gate's key file does not fit its registry: the operator has to put the right one back.",
        ),
    };
    Fields::error(code, error.to_string()).with_hint(hint)
}

fn refused(error: &LeaseError, reason: &DialError) -> Fields {
    let code: Sqlstate = match reason {
        DialError::Refused(fields) if fields.code.class() == "53" || fields.code.class() == "57" => {
            fields.code
        }
        _ => sqlstate::CONNECTION_FAILURE,
    };
    Fields::error(code, error.to_string())
        .with_hint("'stuffgate store test USER' says what is wrong with the store.")
}

/// The session is told to end.
pub(crate) fn ended(reason: EndReason) -> Fields {
    let (message, hint) = match reason {
        EndReason::Draining | EndReason::Shutdown => {
            ("terminating connection: the gate is shutting down", "Connect again; another gate may answer.")
        }
        EndReason::Operator => {
            ("terminating connection due to administrator command", "The operator ended this session.")
        }
        EndReason::Revoked => (
            "terminating connection: the grant or the login it lives by was withdrawn",
            "The user has to grant the service again, or the operator to enable the login.",
        ),
    };
    Fields::fatal(sqlstate::ADMIN_SHUTDOWN, message).with_hint(hint)
}

/// The client broke the protocol: its session ends.
pub(crate) fn client_fault(fault: ClientFault) -> Fields {
    match fault {
        ClientFault::TooLong(_) => Fields::fatal(sqlstate::PROGRAM_LIMIT_EXCEEDED, fault.to_string())
            .with_hint("Send large values as parameters or by COPY, or raise session.statement_bytes."),
        ClientFault::Frame(_) | ClientFault::UnknownTag(_) | ClientFault::Malformed(_) => {
            Fields::fatal(sqlstate::PROTOCOL_VIOLATION, fault.to_string())
        }
    }
}

/// The server is lost in the middle of something: the session ends, as on plain Postgres.
pub(crate) fn server_lost(place: &str, fault: &Fault) -> Fields {
    let message = match fault {
        Fault::Gone(Some(error)) => format!("the connection to {place} broke: {error}"),
        Fault::Gone(None) => format!("{place} closed the connection unexpectedly"),
        Fault::Broke(fault) => format!("{place} broke the protocol, its connection was closed: {fault}"),
        Fault::Hidden => format!("{place} refused to begin the transaction"),
    };
    Fields::fatal(sqlstate::CONNECTION_FAILURE, message)
        .with_hint("Whether the statement or transaction took effect is not known; connect again and look.")
}

/// A setting of the session that a server refuses.
pub(crate) fn parameters_refused(place: &str, reason: &pool::ResetError) -> Fields {
    match reason {
        pool::ResetError::Refused(fields) => Fields::error(fields.code, fields.message.clone())
            .with_detail(format!("{place} refuses a parameter that this session has set."))
            .with_hint("RESET ALL takes back what was set since the start; what the connection's options set has to change there."),
        other => Fields::error(sqlstate::CONNECTION_FAILURE, format!("{place}: {other}"))
            .with_hint("Try again; the connection was closed."),
    }
}

/// A cancel request came while the statement waited for a lease.
pub(crate) fn cancelled() -> Fields {
    Fields::error(sqlstate::QUERY_CANCELED, "canceling statement due to user request")
        .with_detail("It was waiting for a connection to the store and never reached it.")
}

/// All the room for texts of statements is taken.
pub(crate) fn no_room(bytes: usize) -> Fields {
    Fields::error(
        sqlstate::OUT_OF_MEMORY,
        format!("the gate has no room for a statement of {bytes} bytes"),
    )
    .with_hint("Other sessions' statements take it: try again, send large values as parameters or by COPY, or raise session.statements_total_bytes.")
}

/// A long statement that does not go on arriving keeps room from others: its session ends.
pub(crate) fn stalled() -> Fields {
    Fields::fatal(sqlstate::IDLE_SESSION_TIMEOUT, "terminating connection: a long statement has stopped arriving")
        .with_hint("Nothing more of it came for pool.wait_timeout_ms, and it keeps room from other sessions' statements.")
}

/// Only the end of the failed transaction is accepted.
pub(crate) fn transaction_failed() -> Fields {
    Fields::error(
        sqlstate::IN_FAILED_SQL_TRANSACTION,
        "current transaction is aborted, commands ignored until end of transaction block",
    )
}

/// A transaction that has touched a server cannot be given to another user.
pub(crate) fn bound_already() -> Fields {
    Fields::error(
        sqlstate::ACTIVE_SQL_TRANSACTION,
        "the transaction has touched a store already and cannot be bound to another user",
    )
    .with_hint("Bind before the transaction's first statement, or end the transaction first.")
}

/// A `user` login is one user's alone.
pub(crate) fn not_yours(login: &str, asked: &str) -> Fields {
    Fields::error(
        sqlstate::INVALID_AUTHORIZATION_SPECIFICATION,
        format!("login \"{login}\" is its own user and cannot be bound to \"{asked}\""),
    )
    .with_hint("Use a login of kind service to act for several users.")
}

/// Two tags in one transaction, or a tag that cannot be read.
pub(crate) fn bad_tag(detail: &str) -> Fields {
    Fields::error(sqlstate::INVALID_PARAMETER_VALUE, "the statement's stuffgate.user tag cannot be followed")
        .with_detail(detail)
        .with_hint("Write one /*stuffgate.user='NAME'*/ with a URL-encoded value, the same on every statement of a transaction.")
}

/// A name that no user can have.
pub(crate) fn bad_user_name(text: &str) -> Fields {
    let shown: String = text.chars().take(80).collect();
    Fields::error(
        sqlstate::INVALID_PARAMETER_VALUE,
        format!("invalid value for parameter \"stuffgate.user\": \"{shown}\""),
    )
    .with_hint("It is the name of a user of this gate.")
}

/// A savepoint that the failed transaction does not have.
pub(crate) fn no_savepoint(name: &str) -> Fields {
    Fields::error(sqlstate::INVALID_SAVEPOINT_SPECIFICATION, format!("savepoint \"{name}\" does not exist"))
}

/// A prepared statement that the session does not have.
pub(crate) fn no_statement(name: &str) -> Fields {
    Fields::error(
        sqlstate::INVALID_SQL_STATEMENT_NAME,
        if name.is_empty() {
            "unnamed prepared statement does not exist".to_owned()
        } else {
            format!("prepared statement \"{name}\" does not exist")
        },
    )
}

/// A prepared statement that the session has already.
pub(crate) fn statement_exists(name: &str) -> Fields {
    Fields::error(
        sqlstate::DUPLICATE_PREPARED_STATEMENT,
        format!("prepared statement \"{name}\" already exists"),
    )
}

/// A parameter that the gate itself keeps and that is not one it knows.
pub(crate) fn no_parameter(name: &str) -> Fields {
    Fields::error(sqlstate::UNDEFINED_OBJECT, format!("unrecognized configuration parameter \"{name}\""))
        .with_hint("The gate knows stuffgate.user, stuffgate.pinned and stuffgate.fanout.")
}

/// A session that keeps its server cannot be given to another user.
pub(crate) fn pinned(reasons: &str) -> Fields {
    Fields::error(
        sqlstate::ACTIVE_SQL_TRANSACTION,
        "the session keeps its server and cannot be bound to another user",
    )
    .with_detail(format!("It is pinned by: {reasons}."))
    .with_hint("DISCARD ALL gives the server back; SHOW stuffgate.pinned tells why it is kept.")
}

/// A statement is pipelined behind the end of the transaction that its binding belonged to.
pub(crate) fn behind_commit() -> Fields {
    Fields::error(
        sqlstate::ACTIVE_SQL_TRANSACTION,
        "the transaction has ended, and with it the session's binding, but not the pipeline",
    )
    .with_hint("Send Sync behind COMMIT or ROLLBACK, or bind the whole session with SET stuffgate.user.")
}

/// A client encoding in which statements cannot be read safely.
pub(crate) fn unreadable_encoding(name: &str) -> Fields {
    Fields::error(
        sqlstate::FEATURE_NOT_SUPPORTED,
        format!("client encoding \"{name}\" is not supported by the gate"),
    )
    .with_hint("Use UTF8, or another encoding whose bytes below 128 are always ASCII.")
}

/// A Bind with too few or too many values for a statement that the gate answers.
pub(crate) fn parameter_count(name: &str, given: usize, needed: usize) -> Fields {
    Fields::error(
        sqlstate::PROTOCOL_VIOLATION,
        format!(
            "bind message supplies {given} parameters, but prepared statement \"{name}\" requires {needed}"
        ),
    )
}

/// What a session had on a server went with the binding that led there.
pub(crate) fn pins_dropped(reasons: &str) -> Fields {
    Fields::notice(
        sqlstate::WARNING,
        "the session's state on the server was dropped together with its binding",
    )
    .with_severity(wire::Severity::Warning)
    .with_detail(format!("It was: {reasons}."))
    .with_hint("Bind the whole session with SET stuffgate.user to keep such state beyond a transaction.")
}
