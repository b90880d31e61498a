//! ErrorResponse and NoticeResponse as fields (PostgreSQL manual, "Error and Notice Message Fields").

use crate::frame::{self, Reader, backend};
use crate::sqlstate::{self, Sqlstate};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Severity {
    /// The statement failed.
    Error,
    /// The session ends.
    Fatal,
    /// The server's sessions all end.
    Panic,
    /// A notice of something dubious.
    Warning,
    /// A notice.
    Notice,
    /// A notice for debugging.
    Debug,
    /// A notice that was asked for.
    Info,
    /// A notice for the server's log.
    Log,
}

impl Severity {
    const ALL: [Self; 8] = [
        Self::Error,
        Self::Fatal,
        Self::Panic,
        Self::Warning,
        Self::Notice,
        Self::Debug,
        Self::Info,
        Self::Log,
    ];

    /// The word on the wire, never translated.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "ERROR",
            Self::Fatal => "FATAL",
            Self::Panic => "PANIC",
            Self::Warning => "WARNING",
            Self::Notice => "NOTICE",
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Log => "LOG",
        }
    }

    fn parse(word: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|severity| severity.as_str().as_bytes() == word)
    }
}

/// One error or notice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fields {
    /// `S` and `V`.
    pub severity: Severity,
    /// `C`.
    pub code: Sqlstate,
    /// `M`: one line for a person.
    pub message: String,
    /// `D`: more lines.
    pub detail: Option<String>,
    /// `H`: what to do.
    pub hint: Option<String>,
    /// `P`: where in the statement the client sent, in characters from 1.
    pub position: Option<u32>,
    /// `s`.
    pub schema: Option<String>,
    /// `t`.
    pub table: Option<String>,
    /// `c`.
    pub column: Option<String>,
    /// `d`.
    pub data_type: Option<String>,
    /// `n`.
    pub constraint: Option<String>,
    /// Every other field, in the order it came: its type byte and its text.
    pub others: Vec<(u8, String)>,
}

impl Fields {
    /// An error with a code and a message and nothing else.
    #[must_use]
    pub fn new(severity: Severity, code: Sqlstate, message: impl Into<String>) -> Self {
        Self {
            severity,
            code,
            message: message.into(),
            detail: None,
            hint: None,
            position: None,
            schema: None,
            table: None,
            column: None,
            data_type: None,
            constraint: None,
            others: Vec::new(),
        }
    }

    /// An ERROR: the session goes on.
    #[must_use]
    pub fn error(code: Sqlstate, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, code, message)
    }

    /// A FATAL: the session ends with it.
    #[must_use]
    pub fn fatal(code: Sqlstate, message: impl Into<String>) -> Self {
        Self::new(Severity::Fatal, code, message)
    }

    /// A NOTICE.
    #[must_use]
    pub fn notice(code: Sqlstate, message: impl Into<String>) -> Self {
        Self::new(Severity::Notice, code, message)
    }

    /// Adds the detail.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Adds the hint: what to do.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds the position, in characters from 1.
    #[must_use]
    pub fn with_position(mut self, position: u32) -> Self {
        self.position = Some(position);
        self
    }

    /// The same in another severity, such as an ERROR that ends the session after all.
    #[must_use]
    pub fn with_severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    /// Appends an ErrorResponse.
    pub fn encode_error(&self, out: &mut Vec<u8>) {
        frame::write(out, backend::ERROR_RESPONSE, |body| self.put(body));
    }

    /// Appends a NoticeResponse.
    pub fn encode_notice(&self, out: &mut Vec<u8>) {
        frame::write(out, backend::NOTICE_RESPONSE, |body| self.put(body));
    }

    /// Reads the body of an ErrorResponse or NoticeResponse. A server may send anything: missing fields
    /// get neutral values, a repeated one counts once, text that is not UTF-8 is shown lossily, and
    /// reading stops quietly at the first thing that makes no sense. Uses no more memory than a small
    /// multiple of the body.
    #[must_use]
    pub fn decode(body: &[u8]) -> Self {
        let mut fields = Self::error(sqlstate::INTERNAL_ERROR, String::new());
        let mut reader = Reader::new(body);
        let mut plain_severity = None;
        while let (Some(kind @ 1..), Some(value)) = (reader.u8(), reader.cstr()) {
            let text = || String::from_utf8_lossy(value).into_owned();
            match kind {
                // `V` is the untranslated twin of `S`, from 9.6 on.
                b'V' => plain_severity = Severity::parse(value),
                b'S' => fields.severity = Severity::parse(value).unwrap_or(fields.severity),
                b'C' => fields.code = Sqlstate::from_bytes(value).unwrap_or(fields.code),
                b'M' => fields.message = text(),
                b'D' => fields.detail = Some(text()),
                b'H' => fields.hint = Some(text()),
                b'P' => fields.position = std::str::from_utf8(value).ok().and_then(|n| n.parse().ok()),
                b's' => fields.schema = Some(text()),
                b't' => fields.table = Some(text()),
                b'c' => fields.column = Some(text()),
                b'd' => fields.data_type = Some(text()),
                b'n' => fields.constraint = Some(text()),
                other => fields.others.push((other, text())),
            }
        }
        fields.severity = plain_severity.unwrap_or(fields.severity);
        if fields.message.is_empty() {
            fields.message = "the server sent an error without a message".to_owned();
        }
        fields
    }

    fn put(&self, body: &mut Vec<u8>) {
        let mut field = |kind: u8, text: &str| {
            body.push(kind);
            frame::put_cstr(body, text);
        };
        field(b'S', self.severity.as_str());
        field(b'V', self.severity.as_str());
        field(b'C', self.code.as_str());
        field(b'M', &self.message);
        let mut some = |fields: &[(u8, &Option<String>)]| {
            for (kind, text) in fields {
                if let Some(text) = text {
                    field(*kind, text);
                }
            }
        };
        some(&[(b'D', &self.detail), (b'H', &self.hint)]);
        some(&[(b'P', &self.position.map(|position| position.to_string()))]);
        // The order of PostgreSQL's own messages: the context stands ahead of the names.
        let (ahead, behind): (Vec<_>, Vec<_>) = self
            .others
            .iter()
            .filter(|(kind, _)| *kind != 0)
            .map(|(kind, text)| (*kind, Some(text.clone())))
            .partition(|(kind, _)| matches!(kind, b'p' | b'q' | b'W'));
        ahead.iter().for_each(|(kind, text)| some(&[(*kind, text)]));
        some(&[
            (b's', &self.schema),
            (b't', &self.table),
            (b'c', &self.column),
            (b'd', &self.data_type),
            (b'n', &self.constraint),
        ]);
        behind.iter().for_each(|(kind, text)| some(&[(*kind, text)]));
        body.push(0);
    }
}

impl std::fmt::Display for Fields {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}: {}", self.severity.as_str(), self.code, self.message)?;
        if let Some(hint) = &self.hint {
            write!(f, " ({hint})")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn body_of(fields: &Fields) -> Vec<u8> {
        let mut out = Vec::new();
        fields.encode_error(&mut out);
        out.split_off(frame::HEADER_BYTES)
    }

    #[test]
    fn every_field_survives_the_way_out_and_in() {
        let mut fields = Fields::fatal(sqlstate::ADMIN_SHUTDOWN, "the grant was revoked")
            .with_detail("todo, alice")
            .with_hint("ask alice")
            .with_position(17);
        fields.schema = Some("public".into());
        fields.table = Some("t".into());
        fields.column = Some("c".into());
        fields.data_type = Some("citext".into());
        fields.constraint = Some("t_pkey".into());
        fields.others = vec![(b'W', "PL/pgSQL".into()), (b'F', "postgres.c".into()), (b'L', "7".into())];
        assert_eq!(Fields::decode(&body_of(&fields)), fields);
    }

    #[test]
    fn a_hostile_body_becomes_a_dull_error() {
        let table: [(&[u8], &str, &str); 8] = [
            (b"", "XX000", "without a message"),
            (b"\0", "XX000", "without a message"),
            (b"M", "XX000", "without a message"),
            (b"Mnever ends", "XX000", "without a message"),
            (b"C\0M\0\0", "XX000", "without a message"),
            (b"C28000000000\0Mm\0\0", "XX000", "m"),
            (b"C28000\0M\xff\xfe\0\0", "28000", "\u{fffd}"),
            (b"C28000\0Mfirst\0\0Msecond\0\0", "28000", "first"),
        ];
        for (body, code, message) in table {
            let fields = Fields::decode(body);
            assert_eq!(fields.code.as_str(), code, "{body:?}");
            assert!(fields.message.contains(message), "{body:?} gave {:?}", fields.message);
        }
    }

    #[test]
    fn a_translated_severity_is_read_from_its_untranslated_twin() {
        let fields = Fields::decode(b"SSCHWERWIEGEND\0VFATAL\0C57P01\0Mweg\0\0");
        assert_eq!(fields.severity, Severity::Fatal);
    }

    #[test]
    fn text_of_ours_can_not_smuggle_another_field_in() {
        let fields = Fields::error(sqlstate::SYNTAX_ERROR, "no \0C00000\0 here");
        let decoded = Fields::decode(&body_of(&fields));
        assert_eq!((decoded.code, decoded.message.as_str()), (sqlstate::SYNTAX_ERROR, "no "));
    }

    proptest! {
        #[test]
        fn no_body_makes_decoding_panic_and_all_can_be_sent_on(body: Vec<u8>) {
            let once = Fields::decode(&body);
            prop_assert_eq!(Fields::decode(&body_of(&once)), once);
        }
    }
}
