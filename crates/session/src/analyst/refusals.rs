//! What a client whose statements are asked of many stores is told when one fails in the gate itself.

use fanout::BadSetting;
use wire::{Fields, sqlstate};

const HOW_TO_LEAVE: &str =
    "SET stuffgate.fanout = off brings an ordinary session back; an analyst's always fans out.";

/// The service has no home, where statements are judged and answers put together.
pub(super) fn no_home(service: &str) -> Fields {
    Fields::error(
        sqlstate::FEATURE_NOT_SUPPORTED,
        format!("service {service} has no home, which fan-outs are judged and combined on"),
    )
    .with_hint(
        "The operator can give it one: in the file of stuffgate apply, or with stuffgate service add --home.",
    )
}

/// A login that is one user's.
pub(super) fn not_here(login: &str) -> Fields {
    Fields::error(
        sqlstate::INSUFFICIENT_PRIVILEGE,
        format!("login \"{login}\" is a user's own and cannot ask other people's stores"),
    )
    .with_hint("Use a login of kind analyst or service.")
}

/// A session that is for one user.
pub(super) fn bound(user: &str) -> Fields {
    Fields::error(
        sqlstate::OBJECT_NOT_IN_PREREQUISITE_STATE,
        format!("the session is bound to user \"{user}\" and cannot ask many stores"),
    )
    .with_hint("RESET stuffgate.user first, or leave the user out of the connection's options.")
}

/// A session that keeps its server.
pub(super) fn pinned(reasons: &str) -> Fields {
    Fields::error(sqlstate::ACTIVE_SQL_TRANSACTION, "the session keeps its server and cannot ask many stores")
        .with_detail(format!("It is pinned by: {reasons}."))
        .with_hint("DISCARD ALL gives the server back; SHOW stuffgate.pinned tells why it is kept.")
}

/// A `fanout.*` parameter, or a value of one, that there is not.
pub(super) fn setting(bad: &BadSetting) -> Fields {
    match bad {
        BadSetting::Unknown(name) => Fields::error(
            sqlstate::UNDEFINED_OBJECT,
            format!("unrecognized configuration parameter \"{name}\""),
        )
        .with_hint("The gate knows fanout.tier, fanout.concurrency, fanout.leg_timeout, fanout.deadline and fanout.min_coverage."),
        BadSetting::Value { name, value, hint } => Fields::error(
            sqlstate::INVALID_PARAMETER_VALUE,
            format!("invalid value for parameter \"{name}\": \"{value}\""),
        )
        .with_hint(hint.clone()),
        BadSetting::Operators(name) => Fields::error(
            sqlstate::INSUFFICIENT_PRIVILEGE,
            format!("permission denied to set parameter \"{name}\""),
        )
        .with_hint("The operator sets it for the login: stuffgate login."),
    }
}

/// A cancel request came.
pub(super) fn cancelled() -> Fields {
    Fields::error(sqlstate::QUERY_CANCELED, "canceling statement due to user request")
        .with_detail("The stores that were being asked were told to stop.")
}

/// A statement of the gate's own making ended without saying how.
pub(super) fn lost() -> Fields {
    Fields::error(sqlstate::INTERNAL_ERROR, "the fan-out ended without an answer")
        .with_hint("The gate's log says more; the statement only reads: run it again.")
}

/// A tag or `SET` that would bind the session to one user.
pub(crate) fn binds() -> Fields {
    Fields::error(
        sqlstate::OBJECT_NOT_IN_PREREQUISITE_STATE,
        "a session that asks many stores cannot be bound to one user",
    )
    .with_hint(HOW_TO_LEAVE)
}

/// What an analyst's session has no choice of.
pub(crate) fn always_on() -> Fields {
    Fields::error(
        sqlstate::INSUFFICIENT_PRIVILEGE,
        "an analyst's session always asks many stores: stuffgate.fanout cannot be off",
    )
    .with_hint("Use a login of kind service for an ordinary session.")
}

/// A search path that leads elsewhere than to `public`.
pub(super) fn search_path(path: &str) -> Fields {
    let path: String = path.chars().take(80).collect();
    Fields::error(
        sqlstate::FEATURE_NOT_SUPPORTED,
        format!("search_path \"{path}\" cannot be set in a session that asks many stores"),
    )
    .with_hint("Tables are found in public; qualify the names of others.")
}

/// A client encoding other than UTF8.
pub(super) fn encoding(name: &str) -> Fields {
    let name: String = name.chars().take(80).collect();
    Fields::error(
        sqlstate::FEATURE_NOT_SUPPORTED,
        format!("client encoding \"{name}\" cannot be used in a session that asks many stores"),
    )
    .with_hint("Use UTF8.")
}

/// Backslashes in plain strings, which would be read in another way than home reads them.
pub(super) fn escapes() -> Fields {
    Fields::error(
        sqlstate::FEATURE_NOT_SUPPORTED,
        "standard_conforming_strings cannot be off in a session that asks many stores",
    )
    .with_hint("Write strings with backslashes as E'...'.")
}

/// A role of the server's, of which the client knows none.
pub(super) fn role() -> Fields {
    Fields::error(sqlstate::INSUFFICIENT_PRIVILEGE, "a session that asks many stores cannot change its role")
        .with_hint("Stores are asked by their read-only roles, home by the service's own.")
}

/// What needs one server for longer than a statement.
pub(super) fn not_supported(what: &str) -> Fields {
    Fields::error(
        sqlstate::FEATURE_NOT_SUPPORTED,
        format!("{what} cannot be used in a session that asks many stores"),
    )
    .with_hint("Use your driver's prepared statements and row limits; what writes or listens needs an ordinary session.")
}

/// A parameter in a simple query, and where it stands.
pub(super) fn no_such_parameter(name: &str, position: u32) -> Fields {
    Fields::error(sqlstate::UNDEFINED_PARAMETER, format!("there is no parameter {name}"))
        .with_position(position)
        .with_hint("Parameters need the extended protocol.")
}

/// A text that is not UTF-8.
pub(super) fn not_utf8() -> Fields {
    Fields::error(sqlstate::CHARACTER_NOT_IN_REPERTOIRE, "invalid byte sequence for encoding \"UTF8\"")
}

/// Several statements where one is allowed.
pub(super) fn several() -> Fields {
    Fields::error(sqlstate::SYNTAX_ERROR, "cannot insert multiple commands into a prepared statement")
}

/// More of something than a session may keep.
pub(super) fn too_many(what: &str, limit: usize) -> Fields {
    Fields::error(sqlstate::PROGRAM_LIMIT_EXCEEDED, format!("a session can keep {limit} {what}"))
        .with_hint("Close those that are not needed any more.")
}

/// A portal that there is not.
pub(super) fn no_portal(name: &str) -> Fields {
    Fields::error(sqlstate::INVALID_CURSOR_NAME, format!("portal \"{name}\" does not exist"))
}

/// A portal that there is already.
pub(super) fn portal_exists(name: &str) -> Fields {
    Fields::error(sqlstate::DUPLICATE_CURSOR, format!("cursor \"{name}\" already exists"))
}

/// A portal that has been executed, of a statement that is executed once.
pub(super) fn portal_over(name: &str) -> Fields {
    Fields::error(sqlstate::OBJECT_NOT_IN_PREREQUISITE_STATE, format!("portal \"{name}\" cannot be run"))
}

/// A cursor that there is not.
pub(super) fn no_cursor(name: &str) -> Fields {
    Fields::error(sqlstate::INVALID_CURSOR_NAME, format!("cursor \"{name}\" does not exist"))
}

/// An `EXECUTE` with other than as many arguments as its statement has parameters.
pub(super) fn argument_count(name: &str, needed: usize, given: usize) -> Fields {
    Fields::error(
        sqlstate::SYNTAX_ERROR,
        format!("wrong number of parameters for prepared statement \"{name}\""),
    )
    .with_detail(format!("Expected {needed} parameters but got {given}."))
}

/// A parameter where a value has to stand.
pub(super) fn no_argument() -> Fields {
    Fields::error(sqlstate::UNDEFINED_PARAMETER, "an argument of EXECUTE cannot be a parameter")
        .with_hint("Bind the statement by its name with the extended protocol.")
}

/// A cursor that goes both ways.
pub(super) fn scroll() -> Fields {
    Fields::error(
        sqlstate::FEATURE_NOT_SUPPORTED,
        "a SCROLL cursor cannot be used in a session that asks many stores",
    )
    .with_hint("Declare it NO SCROLL: rows are passed on as they come, and read once.")
}

/// A cursor is to go back.
pub(super) fn only_forward() -> Fields {
    Fields::error(sqlstate::OBJECT_NOT_IN_PREREQUISITE_STATE, "cursor can only scan forward")
        .with_hint("Close it and declare it again to read from the beginning.")
}

/// A cursor's rows come in one format.
pub(super) fn other_format() -> Fields {
    Fields::error(
        sqlstate::FEATURE_NOT_SUPPORTED,
        "a cursor cannot be read in another format than it was begun in, in a session that asks many stores",
    )
    .with_hint("Ask for text or binary alike in each FETCH, or declare another cursor.")
}

/// Formats that do not match what they are for.
pub(super) fn formats(of: &str, formats: usize, has: &str) -> Fields {
    Fields::error(sqlstate::PROTOCOL_VIOLATION, format!("bind message has {formats} {of} formats but {has}"))
}

/// A statement only for the inside of a transaction.
pub(super) fn only_in_transaction(what: &str) -> Fields {
    Fields::error(
        sqlstate::NO_ACTIVE_SQL_TRANSACTION,
        format!("{what} can only be used in transaction blocks"),
    )
}

/// A statement only for the outside of a transaction.
pub(super) fn only_outside_transaction(what: &str) -> Fields {
    Fields::error(sqlstate::ACTIVE_SQL_TRANSACTION, format!("{what} cannot run inside a transaction block"))
        .with_hint("End the transaction first, and send it as a message of its own.")
}

/// A flag that is none.
pub(crate) fn not_boolean(name: &str) -> Fields {
    Fields::error(sqlstate::INVALID_PARAMETER_VALUE, format!("parameter \"{name}\" requires a Boolean value"))
}
