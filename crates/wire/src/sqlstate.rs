//! Five-character error codes (PostgreSQL manual, "PostgreSQL Error Codes").

/// An error code.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sqlstate([u8; 5]);

impl Sqlstate {
    /// The code as it is sent; `None` unless it is five ASCII letters or digits.
    #[must_use]
    pub fn from_bytes(code: &[u8]) -> Option<Self> {
        let code: [u8; 5] = code.try_into().ok()?;
        code.iter().all(u8::is_ascii_alphanumeric).then_some(Self(code))
    }

    /// The code as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("XX000")
    }

    /// The first two characters: what kind of error it is.
    #[must_use]
    pub fn class(&self) -> &str {
        self.as_str().get(..2).unwrap_or("XX")
    }
}

impl std::fmt::Display for Sqlstate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::fmt::Debug for Sqlstate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

macro_rules! codes {
    ($($name:ident = $code:literal, $doc:literal;)+) => {
        $(#[doc = $doc] pub const $name: Sqlstate = Sqlstate(*$code);)+

        #[cfg(test)]
        const ALL: &[Sqlstate] = &[$($name),+];
    };
}

codes! {
    SUCCESSFUL_COMPLETION = b"00000", "Not an error: what most notices carry.";
    WARNING = b"01000", "A warning.";
    CONNECTION_EXCEPTION = b"08000", "Something about the connection.";
    CONNECTION_DOES_NOT_EXIST = b"08003", "The connection is gone.";
    SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION = b"08001", "A connection could not be made.";
    SQLSERVER_REJECTED_ESTABLISHMENT_OF_SQLCONNECTION = b"08004", "The server refused the connection.";
    CONNECTION_FAILURE = b"08006", "The store cannot be reached, or went away.";
    PROTOCOL_VIOLATION = b"08P01", "Bytes that the protocol does not allow here.";
    FEATURE_NOT_SUPPORTED = b"0A000", "Refused by design.";
    INVALID_TRANSACTION_INITIATION = b"0B000", "A transaction cannot be started here.";
    NUMERIC_VALUE_OUT_OF_RANGE = b"22003", "A number that does not fit.";
    CHARACTER_NOT_IN_REPERTOIRE = b"22021", "Bytes that are not text in the encoding.";
    INVALID_PARAMETER_VALUE = b"22023", "A parameter's value is not one of those it can have.";
    ACTIVE_SQL_TRANSACTION = b"25001", "Not inside a transaction, such as binding to another user.";
    READ_ONLY_SQL_TRANSACTION = b"25006", "A write where only reads are allowed.";
    NO_ACTIVE_SQL_TRANSACTION = b"25P01", "Only inside a transaction.";
    IN_FAILED_SQL_TRANSACTION = b"25P02", "The transaction has failed; only its end is accepted.";
    IDLE_IN_TRANSACTION_SESSION_TIMEOUT = b"25P03", "Idle in a transaction for too long.";
    INVALID_SQL_STATEMENT_NAME = b"26000", "No prepared statement of that name.";
    INVALID_AUTHORIZATION_SPECIFICATION = b"28000", "Not granted, or not bound.";
    INVALID_PASSWORD = b"28P01", "Wrong secret, or no such login.";
    INVALID_CURSOR_NAME = b"34000", "No portal of that name.";
    INVALID_SAVEPOINT_SPECIFICATION = b"3B001", "No savepoint of that name.";
    INVALID_CATALOG_NAME = b"3D000", "No such service (database).";
    INVALID_SCHEMA_NAME = b"3F000", "No such schema.";
    SERIALIZATION_FAILURE = b"40001", "The transaction may be tried again.";
    INSUFFICIENT_PRIVILEGE = b"42501", "A right that was not granted.";
    SYNTAX_ERROR = b"42601", "The statement's syntax.";
    UNDEFINED_OBJECT = b"42704", "No such object, such as a parameter.";
    UNDEFINED_TABLE = b"42P01", "No such table.";
    UNDEFINED_PARAMETER = b"42P02", "No such parameter.";
    DUPLICATE_CURSOR = b"42P03", "A portal of that name exists.";
    DUPLICATE_PREPARED_STATEMENT = b"42P05", "A prepared statement of that name exists.";
    DUPLICATE_SCHEMA = b"42P06", "A schema of that name exists.";
    DUPLICATE_OBJECT = b"42710", "An object of that name exists.";
    INDETERMINATE_DATATYPE = b"42P18", "A parameter's type cannot be told.";
    INSUFFICIENT_RESOURCES = b"53000", "Out of some resource.";
    OUT_OF_MEMORY = b"53200", "Out of memory.";
    TOO_MANY_CONNECTIONS = b"53300", "Too many connections.";
    CONFIGURATION_LIMIT_EXCEEDED = b"53400", "A configured limit is reached.";
    PROGRAM_LIMIT_EXCEEDED = b"54000", "A built-in limit is reached.";
    STATEMENT_TOO_COMPLEX = b"54001", "A statement too long or too deep.";
    OBJECT_NOT_IN_PREREQUISITE_STATE = b"55000", "Not in the state this needs.";
    CANT_CHANGE_RUNTIME_PARAM = b"55P02", "A parameter that cannot be changed now.";
    OPERATOR_INTERVENTION = b"57000", "Somebody stepped in.";
    QUERY_CANCELED = b"57014", "Cancelled.";
    ADMIN_SHUTDOWN = b"57P01", "Ended by the operator or by revocation.";
    CRASH_SHUTDOWN = b"57P02", "Ended by a crash elsewhere.";
    CANNOT_CONNECT_NOW = b"57P03", "The store is not ready: pending, starting, reconciling.";
    DATABASE_DROPPED = b"57P04", "The database is gone.";
    IDLE_SESSION_TIMEOUT = b"57P05", "Idle for too long.";
    SYSTEM_ERROR = b"58000", "The operating system refused.";
    IO_ERROR = b"58030", "A store was lost in the middle of its answer.";
    CONFIG_FILE_ERROR = b"F0000", "A configuration that cannot be used.";
    INTERNAL_ERROR = b"XX000", "A mistake in the program.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_five_letters_or_digits_and_there_once() {
        let mut seen = std::collections::BTreeSet::new();
        for code in ALL {
            assert_eq!(Sqlstate::from_bytes(code.as_str().as_bytes()), Some(*code));
            assert!(seen.insert(code), "{code} is there twice");
        }
        for bad in [&b""[..], b"2800", b"280000", b"28 00", b"2800\0", "28ä0".as_bytes()] {
            assert_eq!(Sqlstate::from_bytes(bad), None);
        }
        assert_eq!(INVALID_PASSWORD.class(), "28");
    }
}
