//! The packets that open a connection, before messages have types (PostgreSQL manual, "Message Formats":
//! StartupMessage, SSLRequest, GSSENCRequest, CancelRequest).

use crate::error::Fields;
use crate::frame::Reader;
use crate::sqlstate;
use pgwire::messages::startup::{GssEncRequest, SslRequest};

/// Longest opening packet, in bytes, its length included: what Postgres takes.
pub const MAX_STARTUP_BYTES: u32 = 10_000;
/// Shortest opening packet, in bytes: a length and a code.
pub(crate) const MIN_STARTUP_BYTES: u32 = 8;

/// Newest minor version of protocol 3 that the gate speaks.
pub const NEWEST_MINOR: u16 = 2;

/// Lengths that the secret of a cancel key may have, in bytes: 4 in protocol 3.0, up to 256 in 3.2.
pub const CANCEL_SECRET_BYTES: std::ops::RangeInclusive<usize> = 4..=256;

pub(crate) const CANCEL_REQUEST: u32 = 80_877_102;
const SSL_REQUEST: u32 = SslRequest::BODY_MAGIC_NUMBER as u32;
const GSSENC_REQUEST: u32 = GssEncRequest::BODY_MAGIC_NUMBER as u32;

/// What a client sends on a second connection to cancel a query on the first.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct CancelKey {
    /// The session's number.
    pub process: u32,
    /// Its secret, [`CANCEL_SECRET_BYTES`] long.
    pub secret: Box<[u8]>,
}

impl std::fmt::Debug for CancelKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CancelKey").field("process", &self.process).finish_non_exhaustive()
    }
}

impl CancelKey {
    /// Reads a number and a secret, as in BackendKeyData and CancelRequest; `None` if they are odd.
    pub(crate) fn decode(mut body: Reader<'_>) -> Option<Self> {
        let process = body.u32()?;
        let secret = body.rest();
        CANCEL_SECRET_BYTES.contains(&secret.len()).then(|| Self { process, secret: secret.into() })
    }
}

/// One opening packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Opening {
    Ssl,
    GssEnc,
    Cancel(CancelKey),
    Start(Start),
}

/// What a StartupMessage says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Start {
    /// As the client asked, before negotiation.
    pub(crate) minor: u16,
    pub(crate) user: String,
    pub(crate) database: String,
    pub(crate) options: Vec<(String, String)>,
    pub(crate) parameters: Vec<(String, String)>,
    pub(crate) unknown_protocol_options: Vec<String>,
    pub(crate) replication: bool,
}

impl Opening {
    /// Reads what follows the length. The error is what to tell the client.
    pub(crate) fn decode(body: &[u8]) -> Result<Self, Box<Fields>> {
        let mut reader = Reader::new(body);
        let code = reader.u32().ok_or_else(|| violation("the start-up packet is too short"))?;
        match code {
            SSL_REQUEST | GSSENC_REQUEST if !reader.rest().is_empty() => {
                Err(violation("an encryption request has bytes after it"))
            }
            SSL_REQUEST => Ok(Self::Ssl),
            GSSENC_REQUEST => Ok(Self::GssEnc),
            CANCEL_REQUEST => {
                CancelKey::decode(reader).map(Self::Cancel).ok_or_else(|| violation("odd cancel key"))
            }
            version if version >> 16 == 3 => {
                Start::decode((version & 0xffff) as u16, reader).map(Self::Start)
            }
            version => Err(Box::new(
                Fields::fatal(
                    sqlstate::FEATURE_NOT_SUPPORTED,
                    format!(
                        "protocol {}.{} is not supported: the gate speaks 3.0 and 3.{NEWEST_MINOR}",
                        version >> 16,
                        version & 0xffff
                    ),
                )
                .with_hint("Use a client that speaks version 3 of the protocol, as all since 2003 do."),
            )),
        }
    }
}

impl Start {
    fn decode(minor: u16, mut reader: Reader<'_>) -> Result<Self, Box<Fields>> {
        let mut start = Self { minor, ..Self::default() };
        let (mut user, mut database, mut options, mut replication) = (None, None, None, None);
        loop {
            let name = reader.cstr().ok_or_else(|| violation("the start-up packet has no end"))?;
            if name.is_empty() {
                break;
            }
            let value = reader.cstr().ok_or_else(|| violation("a start-up parameter has no value"))?;
            let name = text(name, "the name of a start-up parameter")?;
            match name.as_str() {
                "user" => once(&mut user, &name, value)?,
                "database" => once(&mut database, &name, value)?,
                "options" => once(&mut options, &name, value)?,
                "replication" => once(&mut replication, &name, value)?,
                // Postgres replaces what is not ASCII here; a name for people must not cost the session.
                "application_name" => {
                    start.parameters.push((name, String::from_utf8_lossy(value).into_owned()));
                }
                option if option.starts_with("_pq_.") => start.unknown_protocol_options.push(name),
                _ => {
                    let value = text(value, &name)?;
                    start.parameters.push((name, value));
                }
            }
        }
        if !reader.rest().is_empty() {
            return Err(violation("the start-up packet has bytes after its end"));
        }
        start.user = user.filter(|user| !user.is_empty()).ok_or_else(|| {
            Box::new(
                Fields::fatal(sqlstate::INVALID_AUTHORIZATION_SPECIFICATION, "no login name was sent")
                    .with_hint("Name the login in the URL: postgres://LOGIN:SECRET@gate/SERVICE."),
            )
        })?;
        start.database = database.filter(|name| !name.is_empty()).unwrap_or_else(|| start.user.clone());
        start.replication = replication.is_some_and(|value| !is_false(&value));
        start.options = parse_options(&options.unwrap_or_default())?;
        Ok(start)
    }
}

/// Sets what may be said once only: saying it twice, one reader may believe the first and another the last.
fn once(place: &mut Option<String>, name: &str, value: &[u8]) -> Result<(), Box<Fields>> {
    if place.is_some() {
        return Err(violation(format!("start-up parameter \"{name}\" is there twice")));
    }
    *place = Some(text(value, name)?);
    Ok(())
}

fn text(bytes: &[u8], what: &str) -> Result<String, Box<Fields>> {
    String::from_utf8(bytes.to_vec()).map_err(|_| {
        Box::new(
            Fields::fatal(sqlstate::CHARACTER_NOT_IN_REPERTOIRE, format!("{what} is not UTF-8"))
                .with_hint("Names in the connection string must be UTF-8."),
        )
    })
}

/// Postgres's spellings of false (PostgreSQL manual, "Boolean Type"), in full or abbreviated.
fn is_false(value: &str) -> bool {
    let value = value.to_ascii_lowercase();
    ["f", "fa", "fal", "fals", "false", "n", "no", "of", "off", "0"].contains(&value.as_str())
}

/// Reads the `options` parameter: `-c name=value`, `-cname=value` and `--name=value`, separated by white
/// space, with a backslash before every character that is meant literally (PostgreSQL manual, "Start-up
/// Message"). In the long form, dashes in the name stand for underscores.
fn parse_options(options: &str) -> Result<Vec<(String, String)>, Box<Fields>> {
    let mut words = split_words(options).into_iter();
    let mut found = Vec::new();
    while let Some(word) = words.next() {
        let setting = if word == "-c" {
            words.next()
        } else {
            word.strip_prefix("-c").or_else(|| word.strip_prefix("--")).map(str::to_owned)
        };
        let pair = setting.as_deref().and_then(|setting| setting.split_once('='));
        match pair {
            Some((name, value)) if !name.is_empty() => {
                found.push((name.replace('-', "_"), value.to_owned()));
            }
            _ => {
                return Err(Box::new(
                    Fields::fatal(
                        sqlstate::SYNTAX_ERROR,
                        format!("options: {word:?} is not a setting the gate understands"),
                    )
                    .with_hint(
                        "Write options=-c name=value, with a backslash before every space in a value.",
                    ),
                ));
            }
        }
    }
    Ok(found)
}

fn split_words(options: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut characters = options.chars();
    while let Some(character) = characters.next() {
        match character {
            ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c' => words.extend(word.take()),
            '\\' => word.get_or_insert_default().extend(characters.next()),
            other => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    words
}

pub(crate) fn violation(message: impl Into<String>) -> Box<Fields> {
    Box::new(Fields::fatal(sqlstate::PROTOCOL_VIOLATION, message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn start(minor: u16, pairs: &[u8]) -> Result<Start, Box<Fields>> {
        let body = [&[0, 3], &minor.to_be_bytes()[..], pairs].concat();
        match Opening::decode(&body)? {
            Opening::Start(start) => Ok(start),
            other => panic!("{other:?} is no start"),
        }
    }

    #[test]
    fn a_start_up_packet_is_read_whole() {
        let read = start(
            2,
            b"user\0alice\0database\0todo\0application_name\0caf\xe9\0options\0-c a=1\0_pq_.x\x001\0TimeZone\0UTC\0\0",
        )
        .expect("a start");
        assert_eq!((read.minor, read.user.as_str(), read.database.as_str()), (2, "alice", "todo"));
        assert_eq!(read.options, [("a".to_owned(), "1".to_owned())]);
        assert_eq!(
            read.parameters,
            [("application_name".into(), "caf\u{fffd}".into()), ("TimeZone".into(), "UTC".into())]
        );
        assert_eq!(read.unknown_protocol_options, ["_pq_.x"]);
        assert!(!read.replication);
    }

    #[test]
    fn without_a_database_the_login_names_it() {
        for pairs in [&b"user\0alice\0\0"[..], b"user\0alice\0database\0\0\0"] {
            assert_eq!(start(0, pairs).expect("a start").database, "alice");
        }
    }

    #[test]
    fn replication_is_seen_unless_it_is_false() {
        let table =
            [("true", true), ("database", true), ("1", true), ("off", false), ("FALSE", false), ("0", false)];
        for (value, wanted) in table {
            let pairs = format!("user\0a\0replication\0{value}\0\0");
            assert_eq!(start(0, pairs.as_bytes()).expect("a start").replication, wanted, "{value}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_start_up_packet_is_said() {
        let table: [(&[u8], &str, &str); 14] = [
            (b"", "08P01", "no end"),
            (b"user", "08P01", "no end"),
            (b"user\0", "08P01", "no value"),
            (b"user\0alice", "08P01", "no value"),
            (b"user\0alice\0", "08P01", "no end"),
            (b"user\0alice\0\0x", "08P01", "after its end"),
            (b"user\0alice\0\0database\0todo\0\0", "08P01", "after its end"),
            (b"\0", "28000", "no login name"),
            (b"user\0\0\0", "28000", "no login name"),
            (b"database\0todo\0\0", "28000", "no login name"),
            (b"user\0alice\0user\0bob\0\0", "08P01", "twice"),
            (b"user\0ali\xffce\0\0", "22021", "not UTF-8"),
            (b"user\0a\0TimeZone\0\xff\0\0", "22021", "not UTF-8"),
            (b"user\0a\0options\0-B 12\0\0", "42601", "-B"),
        ];
        for (pairs, code, message) in table {
            let fields = start(0, pairs).expect_err("a refusal");
            assert_eq!(fields.code.as_str(), code, "{pairs:?}");
            assert!(fields.message.contains(message), "{pairs:?} gave {:?}", fields.message);
        }
    }

    #[test]
    fn other_versions_are_refused_in_words() {
        for (version, words) in
            [(0x0002_0000_u32, "2.0"), (0x0004_0000, "4.0"), (0, "0.0"), (u32::MAX, "65535")]
        {
            let fields = Opening::decode(&version.to_be_bytes()).expect_err("a refusal");
            assert_eq!(fields.code, sqlstate::FEATURE_NOT_SUPPORTED);
            assert!(fields.message.contains(words), "{}", fields.message);
        }
    }

    #[test]
    fn options_are_split_as_postgres_splits_them() {
        let table: [(&str, &[(&str, &str)]); 9] = [
            ("", &[]),
            ("  ", &[]),
            ("-c stuffgate.user=alice", &[("stuffgate.user", "alice")]),
            ("-cstuffgate.user=alice", &[("stuffgate.user", "alice")]),
            ("--search-path=a,b", &[("search_path", "a,b")]),
            (r"-c application_name=two\ words", &[("application_name", "two words")]),
            (r"-c x=back\\slash", &[("x", r"back\slash")]),
            ("-c a=1\t-c\nb=2=3 --c=", &[("a", "1"), ("b", "2=3"), ("c", "")]),
            (r"-c x=end\", &[("x", "end")]),
        ];
        for (options, wanted) in table {
            let found = parse_options(options).expect(options);
            let found: Vec<_> = found.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            assert_eq!(found, wanted, "{options:?}");
        }
        for bad in ["-c", "-c x", "-c =1", "--", "--x", "x=1", "-d 5"] {
            assert!(parse_options(bad).is_err(), "{bad:?} was understood");
        }
    }

    #[test]
    fn cancel_keys_have_four_to_256_bytes() {
        for length in [0, 3, 4, 5, 32, 256, 257, 1000] {
            let body = [&CANCEL_REQUEST.to_be_bytes()[..], &7_u32.to_be_bytes(), &vec![9; length]].concat();
            match Opening::decode(&body) {
                Ok(Opening::Cancel(key)) => {
                    assert!((4..=256).contains(&length));
                    assert_eq!((key.process, key.secret.len()), (7, length));
                }
                Ok(other) => panic!("{other:?}"),
                Err(_) => assert!(!(4..=256).contains(&length), "{length} bytes were refused"),
            }
        }
    }

    proptest! {
        #[test]
        fn no_packet_makes_decoding_panic(body: Vec<u8>) {
            let _ = Opening::decode(&body);
            let _ = start(0, &body);
        }

        #[test]
        fn every_setting_that_was_escaped_is_read_back(values: Vec<String>) {
            let mut options = String::new();
            for value in &values {
                options.push_str(" -c a=");
                for character in value.chars() {
                    options.extend(['\\', character]);
                }
            }
            let found: Vec<_> = parse_options(&options).expect("read").into_iter().map(|(_, value)| value).collect();
            prop_assert_eq!(found, values);
        }
    }
}
