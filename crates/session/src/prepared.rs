//! A client's own prepared statements and portals, by the names it gave them.

use crate::look::Look;
use crate::parameters::Change;
use crate::room::Place;
use pool::StatementId;
use relay::Rows;
use sql::{Arg, Effects, Kind, Step};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use wire::frame::{Format, HEADER_BYTES, Reader};

/// Most prepared statements that one session may keep (54000 above it).
pub(crate) const MAX_STATEMENTS: usize = 10_000;

/// Most statements whose names are remembered after they are gone.
const MAX_FORGOTTEN: usize = 16;

/// A prepared statement as the client sent it.
#[derive(Debug)]
pub(crate) struct Statement {
    pub(crate) text: Box<[u8]>,
    /// Parameter types as the client gave them; 0 where the server is to find out.
    pub(crate) oids: Vec<u32>,
    pub(crate) id: StatementId,
    /// The full look, if the scan said there is something to see.
    pub(crate) look: Option<Arc<Look>>,
    /// Set if it is a transaction statement in its shortest form.
    pub(crate) step: Option<Step>,
    /// Its place among what the session keeps; none while it is only being looked at.
    pub(crate) _place: Option<Place>,
}

impl Statement {
    /// The only statement of the text, if the full look was taken.
    pub(crate) fn only(&self) -> Option<&sql::Statement> {
        match self.look.as_deref().map(|look| look.analysis.statements.as_slice()) {
            Some([only]) => Some(only),
            _ => None,
        }
    }

    /// Whether it ends a transaction.
    pub(crate) fn ends_transaction(&self) -> bool {
        match (self.step, self.only().map(|only| &only.kind)) {
            (Some(step), _) => step != Step::Begin,
            (None, Some(Kind::Commit { .. } | Kind::Rollback { .. } | Kind::RollbackTo { .. })) => true,
            _ => false,
        }
    }

    /// What the statement as a whole leaves behind.
    pub(crate) fn effects(&self) -> Effects {
        self.look.as_ref().map(|look| look.analysis.effects()).unwrap_or_default()
    }
}

/// A bound portal, as far as the gate has to remember it.
#[derive(Debug)]
pub(crate) enum Portal {
    /// The gate itself answers.
    Local {
        /// What is to be done.
        statement: Arc<Statement>,
        /// Parameter values.
        values: Values,
        /// How the answer's column is to travel; for text both are the same bytes.
        format: Format,
    },
    /// A server answers.
    Server {
        /// What its success changes in the session.
        changes: Vec<Change>,
        /// The rows that carry schema names.
        rows: Rows,
        /// What the server was sent in place of the client's text.
        text: Option<Arc<Look>>,
    },
    /// A server answers, and that ends a transaction.
    Ends {
        /// Not a rollback.
        commits: bool,
    },
}

/// Bind's parameter values: text or binary, which for text, names and unknown is the same.
pub(crate) type Values = Vec<Option<Box<[u8]>>>;

/// Names to statements and portals. They take memory from the first name on.
#[derive(Debug, Default)]
pub(crate) struct Names(Option<Box<Lists>>);

#[derive(Debug, Default)]
struct Lists {
    statements: HashMap<Box<[u8]>, Arc<Statement>>,
    portals: HashMap<Box<[u8]>, Portal>,
    /// Statements lately gone whose names an error may still bring up.
    forgotten: VecDeque<(StatementId, Box<[u8]>)>,
}

impl Names {
    fn lists(&mut self) -> &mut Lists {
        self.0.get_or_insert_default()
    }

    /// What a name stands for.
    pub(crate) fn statement(&self, name: &[u8]) -> Option<&Arc<Statement>> {
        self.0.as_ref().and_then(|lists| lists.statements.get(name))
    }

    /// How many statements there are.
    pub(crate) fn count(&self) -> usize {
        self.0.as_ref().map_or(0, |lists| lists.statements.len())
    }

    /// A name stands for this from now on; returns what it stood for before.
    pub(crate) fn name_statement(
        &mut self,
        name: Box<[u8]>,
        statement: Arc<Statement>,
    ) -> Option<Arc<Statement>> {
        self.lists().statements.insert(name, statement)
    }

    /// A name stands for nothing any more; returns what it stood for.
    pub(crate) fn drop_statement(&mut self, name: &[u8]) -> Option<Arc<Statement>> {
        self.0.as_mut().and_then(|lists| lists.statements.remove(name))
    }

    /// No name stands for anything any more.
    pub(crate) fn drop_statements(&mut self) {
        if let Some(lists) = &mut self.0 {
            lists.statements.clear();
        }
    }

    /// Takes all statements away, each with its name.
    pub(crate) fn take_statements(&mut self) -> impl Iterator<Item = (Box<[u8]>, Arc<Statement>)> + use<> {
        self.0.as_mut().map(|lists| std::mem::take(&mut lists.statements)).unwrap_or_default().into_iter()
    }

    /// What is remembered of a portal.
    pub(crate) fn portal(&self, name: &[u8]) -> Option<&Portal> {
        self.0.as_ref().and_then(|lists| lists.portals.get(name))
    }

    /// Whether something is remembered of any.
    pub(crate) fn has_portals(&self) -> bool {
        self.0.as_ref().is_some_and(|lists| !lists.portals.is_empty())
    }

    /// Whether something is remembered of any but this.
    pub(crate) fn has_other_portals(&self, name: &[u8]) -> bool {
        self.0.as_ref().is_some_and(|lists| lists.portals.keys().any(|other| **other != *name))
    }

    /// Remembers this of a portal.
    pub(crate) fn note_portal(&mut self, name: Box<[u8]>, portal: Portal) {
        self.lists().portals.insert(name, portal);
    }

    /// Remembers nothing of a portal any more; returns what was remembered.
    pub(crate) fn take_portal(&mut self, name: &[u8]) -> Option<Portal> {
        self.0.as_mut().and_then(|lists| lists.portals.remove(name))
    }

    /// Remembers nothing of any portal: the transaction is over.
    pub(crate) fn forget_portals(&mut self) {
        if let Some(lists) = &mut self.0 {
            lists.portals.clear();
        }
    }

    /// Remembers what a statement that is gone was called.
    pub(crate) fn forget(&mut self, id: StatementId, name: Box<[u8]>) {
        let forgotten = &mut self.lists().forgotten;
        if forgotten.len() >= MAX_FORGOTTEN {
            forgotten.pop_front();
        }
        forgotten.push_back((id, name));
    }

    /// The server has dropped all statements.
    pub(crate) fn forget_all(&mut self) {
        let Some(lists) = &mut self.0 else { return };
        for (name, statement) in std::mem::take(&mut lists.statements) {
            self.forget(statement.id, name);
        }
    }

    /// Puts the client's name where an error says the server's. Whether anything changed.
    /// `closing`: statements whose names are about to stand for something else.
    pub(crate) fn show_client_name<'a>(
        &'a self,
        message: &mut String,
        closing: impl Iterator<Item = (StatementId, &'a [u8])>,
    ) -> bool {
        let kept = self.0.iter().flat_map(|lists| &lists.statements);
        let kept = kept.map(|(name, statement)| (statement.id, &**name));
        let gone = self.0.iter().flat_map(|lists| lists.forgotten.iter().rev());
        let gone = gone.map(|(id, name)| (*id, &**name));
        for (id, name) in closing.chain(kept).chain(gone) {
            let inside = id.name();
            if message.contains(inside.as_str()) {
                *message = message.replace(inside.as_str(), &String::from_utf8_lossy(name));
                return true;
            }
        }
        false
    }
}

/// A Parse message, read.
pub(crate) struct Parse<'a> {
    pub(crate) name: &'a [u8],
    pub(crate) text: &'a [u8],
    pub(crate) oids: Vec<u32>,
}

impl<'a> Parse<'a> {
    pub(crate) fn read(message: &'a [u8]) -> Option<Self> {
        let mut body = Reader::new(message.get(HEADER_BYTES..)?);
        let (name, text) = (body.cstr()?, body.cstr()?);
        let count = body.u16()?;
        let oids = (0..count).map(|_| body.u32()).collect::<Option<Vec<u32>>>()?;
        Some(Self { name, text, oids })
    }
}

/// The two names at the head of a Bind, and where its rest begins.
pub(crate) struct BindHead<'a> {
    pub(crate) portal: &'a [u8],
    pub(crate) statement: &'a [u8],
    pub(crate) bytes: usize,
}

impl<'a> BindHead<'a> {
    pub(crate) fn read(message: &'a [u8]) -> Option<Self> {
        let mut body = Reader::new(message.get(HEADER_BYTES..)?);
        let (portal, statement) = (body.cstr()?, body.cstr()?);
        Some(Self { portal, statement, bytes: HEADER_BYTES + portal.len() + statement.len() + 2 })
    }
}

/// What follows the names in a Bind.
pub(crate) struct BindBody<'a> {
    pub(crate) formats: Vec<u16>,
    pub(crate) values: Vec<Option<&'a [u8]>>,
    /// Result formats, as they came.
    pub(crate) rest: &'a [u8],
}

impl<'a> BindBody<'a> {
    pub(crate) fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut body = Reader::new(bytes);
        let count = body.u16()?;
        let formats = (0..count).map(|_| body.u16()).collect::<Option<Vec<u16>>>()?;
        let count = body.u16()?;
        let values = (0..count).map(|_| body.value()).collect::<Option<Vec<_>>>()?;
        Some(Self { formats, values, rest: body.rest() })
    }

    /// The result format of the first column.
    pub(crate) fn first_format(&self) -> Format {
        let mut codes = Reader::new(self.rest);
        match (codes.u16(), codes.u16()) {
            (Some(1..), Some(1)) => Format::Binary,
            _ => Format::Text,
        }
    }

    /// The values, owned.
    pub(crate) fn to_values(&self) -> Values {
        self.values.iter().map(|value| value.map(Into::into)).collect()
    }
}

/// The kind byte and name of a Describe or Close.
pub(crate) fn kind_and_name(message: &[u8]) -> Option<(u8, &[u8])> {
    let mut body = Reader::new(message.get(HEADER_BYTES..)?);
    Some((body.u8()?, body.cstr()?))
}

/// The portal's name in an Execute.
pub(crate) fn portal_name(message: &[u8]) -> Option<&[u8]> {
    Reader::new(message.get(HEADER_BYTES..)?).cstr()
}

/// An argument's text, with parameters filled in. `None`: it is no constant; `Some(None)`: NULL.
pub(crate) fn argument(arg: &Arg, values: &[Option<Box<[u8]>>]) -> Option<Option<String>> {
    match arg {
        Arg::Literal(text) => Some(Some(text.clone())),
        Arg::Null => Some(None),
        Arg::Parameter(number) => {
            let value = values.get(usize::from(*number).checked_sub(1)?)?;
            match value {
                None => Some(None),
                Some(bytes) => String::from_utf8(bytes.to_vec()).ok().map(Some),
            }
        }
        Arg::Other => None,
    }
}

/// Whether a flag's text means true (PostgreSQL manual, "Boolean Type"); binary 1 as well.
pub(crate) fn is_true(text: &str) -> bool {
    matches!(
        text.trim().to_ascii_lowercase().as_str(),
        "t" | "tr" | "tru" | "true" | "y" | "yes" | "on" | "1" | "\u{1}"
    )
}

/// What a flag's text means, if it means anything: what only one of the words begins with is that word.
pub(crate) fn flag(text: &str) -> Option<bool> {
    let text = text.trim().to_ascii_lowercase();
    let begins = |word: &str, at_least: usize| text.len() >= at_least && word.starts_with(&text);
    if begins("true", 1) || begins("yes", 1) || begins("on", 2) || text == "1" {
        Some(true)
    } else if begins("false", 1) || begins("no", 1) || begins("off", 2) || text == "0" {
        Some(false)
    } else {
        None
    }
}

/// Whether a parameter's name is one that the gate keeps.
pub(crate) fn is_ours(name: &str) -> bool {
    name.get(..10).is_some_and(|head| head.eq_ignore_ascii_case("stuffgate."))
}

/// Whether a lone `set_config` or `current_setting` takes the parameter's name from Bind.
pub(crate) fn names_parameter_late(kind: &Kind) -> bool {
    matches!(
        kind,
        Kind::SetConfigSelect { name: Arg::Parameter(_), .. }
            | Kind::CurrentSettingSelect { name: Arg::Parameter(_), .. }
    )
}

/// Whether statements in a client encoding can be read byte by byte. In some, the second byte of a
/// character may be that of a quote or a backslash (PostgreSQL manual, "Character Set Support").
pub(crate) fn is_readable_encoding(name: &str) -> bool {
    const UNSAFE: [&str; 9] =
        ["sjis", "shiftjis", "mskanji", "big5", "gbk", "uhc", "gb18030", "johab", "shiftjis2004"];
    let plain: String =
        name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    let windows =
        ["win932", "win936", "win949", "win950", "windows932", "windows936", "windows949", "windows950"];
    !UNSAFE.contains(&plain.as_str()) && !windows.contains(&plain.as_str())
}
