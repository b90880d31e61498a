//! What an admin may say: text to command.

use crate::refuse::Refusal;

/// A listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Listing {
    Clients,
    Config,
    Grants,
    Help,
    Logins,
    Materialized,
    Pools,
    Servers,
    Services,
    Stores,
    Users,
    Version,
}

impl Listing {
    pub(crate) const ALL: [Self; 12] = [
        Self::Clients,
        Self::Config,
        Self::Grants,
        Self::Help,
        Self::Logins,
        Self::Materialized,
        Self::Pools,
        Self::Servers,
        Self::Services,
        Self::Stores,
        Self::Users,
        Self::Version,
    ];

    /// The word after SHOW.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Clients => "CLIENTS",
            Self::Config => "CONFIG",
            Self::Grants => "GRANTS",
            Self::Help => "HELP",
            Self::Logins => "LOGINS",
            Self::Materialized => "MATERIALIZED",
            Self::Pools => "POOLS",
            Self::Servers => "SERVERS",
            Self::Services => "SERVICES",
            Self::Stores => "STORES",
            Self::Users => "USERS",
            Self::Version => "VERSION",
        }
    }
}

/// A command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// Rows.
    Show(Listing),
    /// Ends a session.
    Kill(u32),
    /// Reads configuration and certificates again.
    Reload,
    /// Ends the gate.
    Shutdown,
    /// Drivers open a transaction around whatever they send.
    Begin,
    /// See [`Command::Begin`].
    Commit,
    /// See [`Command::Begin`].
    Rollback,
    /// What drivers set or take back when they connect or leave; the console has no settings, so it does
    /// nothing. Holds the tag that it is answered with.
    Ignored(&'static str),
}

/// Most characters of an unknown command that an error shows.
const SHOWN_CHARS: usize = 60;

/// Reads one statement, without its semicolon; `None` when there is nothing in it.
pub(crate) fn parse(statement: &str) -> Result<Option<Command>, Refusal> {
    let bare = without_comments(statement);
    let words: Vec<String> = bare.split_whitespace().map(str::to_ascii_uppercase).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let unknown = || Refusal::Unknown(bare.trim().chars().take(SHOWN_CHARS).collect());
    let command = match words.as_slice() {
        [] => return Ok(None),
        ["SHOW", word] => Command::Show(listing(word).ok_or_else(unknown)?),
        ["KILL", number] => Command::Kill(number.parse().map_err(|_| Refusal::KillWhat)?),
        ["KILL", ..] => return Err(Refusal::KillWhat),
        ["RELOAD"] => Command::Reload,
        ["SHUTDOWN"] => Command::Shutdown,
        ["BEGIN" | "START", ..] => Command::Begin,
        ["COMMIT" | "END", ..] => Command::Commit,
        ["ROLLBACK" | "ABORT", ..] => Command::Rollback,
        ["SET", ..] => Command::Ignored("SET"),
        ["RESET", ..] => Command::Ignored("RESET"),
        ["DISCARD", ..] => Command::Ignored("DISCARD"),
        _ => return Err(unknown()),
    };
    Ok(Some(command))
}

/// SESSIONS is what CLIENTS are called elsewhere.
fn listing(word: &str) -> Option<Listing> {
    let word = if word == "SESSIONS" { "CLIENTS" } else { word };
    Listing::ALL.into_iter().find(|listing| listing.word() == word)
}

/// Cuts a simple query into its statements, at semicolons outside quotes and comments.
pub(crate) fn split(query: &str) -> Vec<&str> {
    let mut statements = Vec::new();
    let (mut from, mut at) = (0, 0);
    while at < query.len() {
        match piece(&query[at..]) {
            (Piece::Semicolon, length) => {
                statements.push(&query[from..at]);
                at += length;
                from = at;
            }
            (_, length) => at += length,
        }
    }
    statements.push(&query[from..]);
    statements.retain(|statement| !without_comments(statement).trim().is_empty());
    statements
}

fn without_comments(statement: &str) -> String {
    let mut bare = String::with_capacity(statement.len());
    let mut at = 0;
    while at < statement.len() {
        let (piece, length) = piece(&statement[at..]);
        match piece {
            Piece::Comment => bare.push(' '),
            _ => bare.push_str(&statement[at..at + length]),
        }
        at += length;
    }
    bare
}

enum Piece {
    Semicolon,
    Comment,
    Other,
}

/// The first piece of a text that is not empty, and how many bytes it has.
fn piece(text: &str) -> (Piece, usize) {
    let to = |end: Option<usize>, more: usize| end.map_or(text.len(), |end| end + more);
    if let Some(rest) = text.strip_prefix("--") {
        (Piece::Comment, to(rest.find('\n'), 3))
    } else if let Some(rest) = text.strip_prefix("/*") {
        (Piece::Comment, to(rest.find("*/"), 4))
    } else {
        match text.chars().next() {
            Some(';') => (Piece::Semicolon, 1),
            Some(quote @ ('\'' | '"')) => (Piece::Other, to(text[1..].find(quote), 2)),
            first => (Piece::Other, first.map_or(1, char::len_utf8)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_read_in_any_case_and_dress() {
        let table = [
            ("SHOW POOLS", Some(Command::Show(Listing::Pools))),
            ("  show\n pools\t", Some(Command::Show(Listing::Pools))),
            ("/* a=';' */ Show Sessions -- all", Some(Command::Show(Listing::Clients))),
            ("kill 17", Some(Command::Kill(17))),
            ("reload", Some(Command::Reload)),
            ("START TRANSACTION READ ONLY", Some(Command::Begin)),
            ("SET extra_float_digits = 3", Some(Command::Ignored("SET"))),
            ("", None),
            (" -- nothing", None),
            ("/* never closed", None),
        ];
        for (text, wanted) in table {
            assert_eq!(parse(text), Ok(wanted), "{text:?}");
        }
        for listing in Listing::ALL {
            assert_eq!(parse(&format!("SHOW {}", listing.word())), Ok(Some(Command::Show(listing))));
        }
    }

    #[test]
    fn what_is_no_command_is_refused() {
        for text in ["SELECT 1", "SHOW", "SHOW ME", "SHOW POOLS NOW", "KILLALL", "RELOAD IT", "'", "é"] {
            assert!(matches!(parse(text), Err(Refusal::Unknown(_))), "{text:?}");
        }
        for text in ["KILL", "KILL me", "KILL -1", "KILL 99999999999", "KILL 1 2"] {
            assert_eq!(parse(text), Err(Refusal::KillWhat), "{text:?}");
        }
        let Err(Refusal::Unknown(shown)) = parse(&"é".repeat(5000)) else { panic!("a command") };
        assert_eq!(shown.chars().count(), SHOWN_CHARS);
    }

    #[test]
    fn statements_end_at_semicolons_outside_quotes_and_comments() {
        let table: [(&str, &[&str]); 7] = [
            ("SHOW HELP", &["SHOW HELP"]),
            ("SHOW HELP;", &["SHOW HELP"]),
            (";;SHOW HELP;;", &["SHOW HELP"]),
            ("a;b ; c", &["a", "b ", " c"]),
            ("set a = 'b;c'; d", &["set a = 'b;c'", " d"]),
            ("/*;*/a--;\n;\"b;\"", &["/*;*/a--;\n", "\"b;\""]),
            ("", &[]),
        ];
        for (query, wanted) in table {
            assert_eq!(split(query), wanted, "{query:?}");
        }
    }
}
