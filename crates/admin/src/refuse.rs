//! What the console refuses: the one place where that becomes an ErrorResponse.

use wire::{Fields, Sqlstate, sqlstate};

const SHOW_HELP: &str = "SHOW HELP lists the commands.";
const SHOW_CLIENTS: &str = "SHOW CLIENTS lists the sessions with their numbers.";

/// Why the console does not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    /// A text that is no command; holds its beginning.
    #[error("the admin console does not know \"{0}\"")]
    Unknown(String),
    /// `KILL` without a number of a session.
    #[error("KILL takes the number of a session")]
    KillWhat,
    /// `KILL` of a session that there is not.
    #[error("there is no session {0}")]
    NoSession(u32),
    /// `RELOAD` of a configuration that cannot be used; holds what is wrong with it.
    #[error("the configuration was not reloaded: {0}")]
    NotReloaded(String),
    /// Text that is not UTF-8.
    #[error("the message holds text that is not valid UTF-8")]
    NotUtf8,
    /// Several statements where the protocol allows one.
    #[error("cannot insert multiple commands into a prepared statement")]
    Several,
    /// More prepared statements or portals than the console keeps.
    #[error("the admin console keeps at most {limit} {what} for a session")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many there may be.
        limit: usize,
    },
    /// A prepared statement that does not exist.
    #[error("prepared statement \"{0}\" does not exist")]
    NoStatement(String),
    /// A prepared statement that exists already.
    #[error("prepared statement \"{0}\" already exists")]
    StatementExists(String),
    /// A portal that does not exist.
    #[error("portal \"{0}\" does not exist")]
    NoPortal(String),
    /// A portal that exists already.
    #[error("portal \"{0}\" already exists")]
    PortalExists(String),
    /// Values for parameters that no command has.
    #[error("{0} parameters were bound, but commands of the admin console have none")]
    Parameters(u16),
    /// In a failed transaction.
    #[error("current transaction is aborted, commands ignored until end of transaction block")]
    TransactionFailed,
    /// The fast-path protocol.
    #[error("the admin console has no functions")]
    FunctionCall,
    /// A message longer than the console reads. The session ends: the rest of it is not skipped.
    #[error("a message of {length} bytes is longer than the {limit} bytes that the admin console reads")]
    TooLong {
        /// Its length, in bytes.
        length: usize,
        /// What is read, in bytes.
        limit: usize,
    },
    /// The gate ends, or the login may not be used any more. The session ends.
    #[error("terminating connection due to administrator command")]
    Ended,
    /// Bytes that the protocol does not allow here. The session ends.
    #[error("{0}")]
    Malformed(String),
}

impl Refusal {
    /// Whether the session ends with it.
    fn is_fatal(&self) -> bool {
        matches!(self, Self::TooLong { .. } | Self::Ended | Self::Malformed(_))
    }

    fn code(&self) -> Sqlstate {
        match self {
            Self::Unknown(_) | Self::KillWhat | Self::Several => sqlstate::SYNTAX_ERROR,
            Self::NoSession(_) => sqlstate::UNDEFINED_OBJECT,
            Self::NotReloaded(_) => sqlstate::CONFIG_FILE_ERROR,
            Self::NotUtf8 => sqlstate::CHARACTER_NOT_IN_REPERTOIRE,
            Self::TooMany { .. } | Self::TooLong { .. } => sqlstate::PROGRAM_LIMIT_EXCEEDED,
            Self::NoStatement(_) => sqlstate::INVALID_SQL_STATEMENT_NAME,
            Self::StatementExists(_) => sqlstate::DUPLICATE_PREPARED_STATEMENT,
            Self::NoPortal(_) => sqlstate::INVALID_CURSOR_NAME,
            Self::PortalExists(_) => sqlstate::DUPLICATE_CURSOR,
            Self::Parameters(_) | Self::Malformed(_) => sqlstate::PROTOCOL_VIOLATION,
            Self::TransactionFailed => sqlstate::IN_FAILED_SQL_TRANSACTION,
            Self::Ended => sqlstate::ADMIN_SHUTDOWN,
            Self::FunctionCall => sqlstate::FEATURE_NOT_SUPPORTED,
        }
    }

    fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Unknown(_) | Self::FunctionCall | Self::TooLong { .. } => Some(SHOW_HELP),
            Self::KillWhat | Self::NoSession(_) => Some(SHOW_CLIENTS),
            Self::NotReloaded(_) => {
                Some("The old one stays in force; 'stuffgate check' says what is wrong with the new one.")
            }
            Self::Several => Some("Send them one by one."),
            Self::TooMany { .. } => Some("Close those that are not needed any more."),
            _ => None,
        }
    }

    /// Appends it as an ErrorResponse.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        let new = if self.is_fatal() { Fields::fatal } else { Fields::error };
        let fields = new(self.code(), self.to_string());
        match self.hint() {
            Some(hint) => fields.with_hint(hint),
            None => fields,
        }
        .encode_error(out);
    }
}
