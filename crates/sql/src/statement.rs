//! The nouns: what a text, and each statement of it, is.

use crate::effects::Effects;
use std::ops::Range;

/// What a text says, statement by statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Analysis {
    /// In the order of the text. Never empty: a text of white space and comments is one
    /// [`Kind::Empty`], which never stands beside others.
    pub statements: Vec<Statement>,
    /// A string, quoted identifier or comment never ends: the server refuses the whole text before
    /// it runs anything, so it is one [`Kind::Other`] to be passed through as it is.
    pub unterminated: bool,
}

impl Analysis {
    /// What all statements together do.
    #[must_use]
    pub fn effects(&self) -> Effects {
        self.statements.iter().fold(Effects::NONE, |all, s| all | s.effects)
    }
}

/// One statement of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Its bytes in the text, comments included, without the `;` and white space around.
    pub range: Range<usize>,
    /// What it is.
    pub kind: Kind,
    /// What it does to the session.
    pub effects: Effects,
    /// The user that a sqlcommenter comment names.
    pub tag: Option<BindTag>,
    /// What is done with it in a schema partition; in a database partition everything is forwarded.
    pub decision: Decision,
    /// Its rows may carry schema names: it reads the catalog, or asks how the server calls something.
    /// Of a `DECLARE` or `PREPARE`, the rows that come of it later.
    pub catalog: bool,
}

impl Statement {
    /// What it takes back for good, once it has succeeded and its transaction is committed: whichever
    /// statement had one of these effects before, nothing is left of it.
    #[must_use]
    pub fn releases(&self) -> Effects {
        match self.kind {
            Kind::AdvisoryUnlockAll => Effects::SESSION_ADVISORY,
            Kind::Unlisten { channel: None } => Effects::LISTEN,
            Kind::Close { cursor: None } => Effects::HOLD,
            Kind::Deallocate { name: None } => Effects::SQL_PREPARE,
            Kind::Reset(Reset::Role) => Effects::ROLE,
            Kind::Reset(Reset::SessionAuthorization)
            | Kind::SetSessionAuthorization { scope: Scope::Session, role: None } => {
                Effects::ROLE | Effects::SESSION_AUTHORIZATION
            }
            _ => Effects::NONE,
        }
    }
}

/// What a sqlcommenter comment on a statement says of `stuffgate.user`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum BindTag {
    /// This user, for the statement's transaction.
    User(String),
    /// Two different users.
    Conflict,
    /// The comment speaks of `stuffgate.user` and cannot be read: nobody may guess.
    Malformed,
}

/// What a session in a schema partition does with a statement.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Decision {
    /// Sends it, rewritten where need be.
    #[default]
    Forward,
    /// Answers this error; nothing is sent.
    Refuse(Refusal),
    /// The same wherever `public` is: in a database partition and at home as well.
    RefuseEverywhere(Refusal),
    /// Answers a notice and a command tag as Postgres does for what exists already; nothing is sent.
    Skip(Skip),
}

/// An error that the gate answers instead of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Five characters (PostgreSQL manual, "PostgreSQL Error Codes").
    pub sqlstate: &'static str,
    /// Field `M`.
    pub message: &'static str,
    /// Field `H`; empty for none.
    pub hint: &'static str,
}

/// A statement with nothing to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Skip {
    /// Five characters, of the NOTICE.
    pub sqlstate: &'static str,
    /// Field `M` of the NOTICE.
    pub message: &'static str,
    /// Of CommandComplete.
    pub tag: &'static str,
}

/// What a statement is. Ranges are bytes of the analysed text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only comments and white space.
    Empty,
    /// `BEGIN` or `START TRANSACTION`; the range holds the modes, empty for none.
    Begin {
        /// `ISOLATION LEVEL …, READ ONLY …`
        modes: Range<usize>,
    },
    /// `COMMIT` or `END`
    Commit {
        /// `AND CHAIN`
        chain: bool,
    },
    /// `ROLLBACK` or `ABORT`
    Rollback {
        /// `AND CHAIN`
        chain: bool,
    },
    /// `SAVEPOINT name`
    Savepoint {
        /// As the server stores it.
        name: String,
    },
    /// `ROLLBACK TO name`
    RollbackTo {
        /// As the server stores it.
        name: String,
    },
    /// `RELEASE name`
    Release {
        /// As the server stores it.
        name: String,
    },
    /// `PREPARE TRANSACTION`
    PrepareTransaction,
    /// `COMMIT PREPARED`
    CommitPrepared,
    /// `ROLLBACK PREPARED`
    RollbackPrepared,
    /// `SET name`; also `SET TIME ZONE`, `SET NAMES`, `SET SCHEMA` under their parameters' names.
    Set {
        /// For how long.
        scope: Scope,
        /// In lower case.
        name: String,
        /// To what.
        value: Value,
    },
    /// `SET ROLE`, also as `SET role = …`
    SetRole {
        /// For how long.
        scope: Scope,
        /// `None` for `NONE` or `DEFAULT`, or for a name that is not UTF-8.
        role: Option<String>,
    },
    /// `SET SESSION AUTHORIZATION`, also as `SET session_authorization = …`
    SetSessionAuthorization {
        /// For how long.
        scope: Scope,
        /// `None` for `DEFAULT`, or for a name that is not UTF-8.
        role: Option<String>,
    },
    /// `SET TRANSACTION`
    SetTransaction {
        /// `ISOLATION LEVEL …, READ ONLY …`, where a server takes them; `None` for a snapshot.
        modes: Option<Range<usize>>,
    },
    /// `SET CONSTRAINTS ALL`
    SetConstraints {
        /// `DEFERRED`, not `IMMEDIATE`
        deferred: bool,
    },
    /// `SET SESSION CHARACTERISTICS AS TRANSACTION`
    SetSessionCharacteristics {
        /// The modes.
        modes: Range<usize>,
    },
    /// `RESET`
    Reset(Reset),
    /// `DISCARD`
    Discard(Discard),
    /// `SHOW`
    Show(Show),
    /// `SELECT set_config(…)` and nothing else.
    SetConfigSelect {
        /// The parameter.
        name: Arg,
        /// Its new value.
        value: Arg,
        /// For the transaction only?
        is_local: Arg,
        /// The name of the only column of the answer.
        column: String,
    },
    /// `SELECT current_setting(…)` and nothing else.
    CurrentSettingSelect {
        /// The parameter.
        name: Arg,
        /// `NULL` instead of an error where there is no such parameter; `None` where it is not given.
        missing_ok: Option<Arg>,
        /// The name of the only column of the answer.
        column: String,
    },
    /// `LISTEN channel`
    Listen {
        /// As the server stores it.
        channel: String,
    },
    /// `UNLISTEN channel`
    Unlisten {
        /// `None` for `*`.
        channel: Option<String>,
    },
    /// `NOTIFY`
    Notify,
    /// `PREPARE name AS …`
    Prepare {
        /// As the server stores it.
        name: String,
    },
    /// `EXECUTE name`
    Execute {
        /// As the server stores it.
        name: String,
    },
    /// `DEALLOCATE name`
    Deallocate {
        /// `None` for `ALL`.
        name: Option<String>,
    },
    /// `DECLARE … CURSOR`
    DeclareCursor {
        /// `WITH HOLD`
        hold: bool,
    },
    /// `FETCH` or `MOVE`
    Fetch,
    /// A select of nothing but `set_config` for the session and `current_setting`, several of them and
    /// with nothing but constants, none of them of a parameter that means more to the gate.
    SettingsSelect {
        /// Names, in lower case, and values of what is set, in order.
        settings: Vec<(String, String)>,
    },
    /// `SELECT pg_advisory_unlock_all()`
    AdvisoryUnlockAll,
    /// `CLOSE cursor`
    Close {
        /// `None` for `ALL`.
        cursor: Option<String>,
    },
    /// `COPY`
    Copy {
        /// Where the rows come from or go to.
        direction: CopyDirection,
    },
    /// `DO`
    Do,
    /// `CALL`
    Call,
    /// `LOAD`
    Load,
    /// Defines, changes or drops something, or rights on it.
    Ddl,
    /// `SELECT`, `INSERT` and the rest.
    Other,
}

/// For how long a `SET` holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Until the session ends, if the transaction commits.
    Session,
    /// Until the transaction ends.
    Local,
}

/// What a parameter is set to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// `DEFAULT`, or `LOCAL` for a time zone.
    Default,
    /// `FROM CURRENT`
    Current,
    /// Anything else.
    Text {
        /// As written, from the first to the last byte.
        raw: Range<usize>,
        /// Its meaning, where it is one string, identifier, number or boolean of UTF-8.
        literal: Option<String>,
        /// The meaning of each element of the list (one, where it is not a list); empty where one
        /// of them is neither string, identifier, number nor boolean.
        list: Vec<String>,
    },
}

/// What `RESET` resets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reset {
    /// One parameter, in lower case.
    Name(String),
    /// All of them.
    All,
    /// The role.
    Role,
    /// `SESSION AUTHORIZATION`
    SessionAuthorization,
}

/// What `DISCARD` discards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Discard {
    /// Everything.
    All,
    /// Cached plans.
    Plans,
    /// Sequence state.
    Sequences,
    /// Temporary tables.
    Temp,
}

/// What `SHOW` shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Show {
    /// One parameter, in lower case.
    Name(String),
    /// All of them.
    All,
}

/// Where the rows of a `COPY` come from or go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CopyDirection {
    /// `FROM STDIN`
    In,
    /// `TO STDOUT`
    Out,
    /// A file or program of the server.
    Server,
}

/// An argument of a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arg {
    /// A string, number or boolean (`true`, `false`).
    Literal(String),
    /// `NULL`
    Null,
    /// `$n`, perhaps under a cast.
    Parameter(u16),
    /// Anything else.
    Other,
}
