//! From a protected connection to one that is logged in and idle (PostgreSQL manual, "Start-up").

use super::{AuthFault, CancelKey, DialError, DialTarget};
use crate::error::Fields;
use crate::frame::authentication::{CLEARTEXT, MD5, OK, SASL, SASL_CONTINUE, SASL_FINAL};
use crate::frame::{HEADER_BYTES, Header, Reader, backend};
use crate::peer::Peer;
use crate::scram::client::{Binding, Proved, Start};
use crate::scram::{Keys, Mechanism, ScramError, Secret};
use crate::stream::Stream;
use bytes::{Bytes, BytesMut};
use pgwire::messages::Message;
use pgwire::messages::startup::{SASLInitialResponse, SASLResponse, Startup};
use std::io;

/// Longest body of a message before the first ReadyForQuery, in bytes. Errors are the longest.
pub const MAX_MESSAGE_BYTES: u32 = 32 * 1024;
/// Most bytes before the first ReadyForQuery, notices included.
pub const MAX_LOGIN_BYTES: usize = 256 * 1024;
/// Most parameters that are remembered. Postgres 18 reports 16.
pub const MAX_PARAMETERS: usize = 128;
/// Most bytes of parameters that are remembered, names and values.
pub const MAX_PARAMETER_BYTES: usize = 16 * 1024;

/// What a login ends with.
pub(super) struct Welcome {
    pub(super) stream: Stream,
    pub(super) parameters: Vec<(String, String)>,
    pub(super) key: CancelKey,
    pub(super) keys: Option<Keys>,
}

/// The start-up packet for `target`.
pub(super) fn start_up(target: &DialTarget) -> Result<BytesMut, DialError> {
    let mut startup = Startup::new();
    startup.parameters.extend(target.startup.iter().cloned());
    startup.parameters.insert("user".to_owned(), target.user.clone());
    startup.parameters.insert("database".to_owned(), target.database.clone());
    for (name, value) in &startup.parameters {
        if name.is_empty() || name.contains('\0') || value.contains('\0') {
            return Err(DialError::Target("a start-up parameter is empty or holds a NUL"));
        }
    }
    let mut packet = BytesMut::new();
    startup
        .encode(&mut packet)
        .map_err(|_| DialError::Target("the start-up parameters are too long for one packet"))?;
    Ok(packet)
}

/// Logs in and waits until the server is idle.
pub(super) async fn log_in(
    stream: Stream,
    start_up: &[u8],
    secret: &Secret,
    allow_trust: bool,
) -> Result<Welcome, DialError> {
    let mut talk = Talk { peer: Peer::new(stream), left: MAX_LOGIN_BYTES };
    talk.say(start_up).await?;
    let keys = match talk.authentication().await? {
        (OK, _) if allow_trust => None,
        (OK, _) => return Err(DialError::Auth(AuthFault::Trust)),
        (SASL, offered) => Some(talk.scram(&offered, secret).await?),
        (CLEARTEXT, _) => return Err(method("the password in clear text")),
        (MD5, _) => return Err(method("an md5 hash of the password")),
        _ => return Err(method("GSSAPI, Kerberos or SSPI")),
    };
    talk.until_idle(keys).await
}

fn method(what: &'static str) -> DialError {
    DialError::Auth(AuthFault::Method(what))
}

/// A conversation before the first ReadyForQuery, with what it may still cost in bytes.
struct Talk {
    peer: Peer<Stream>,
    left: usize,
}

impl Talk {
    async fn say(&mut self, bytes: &[u8]) -> Result<(), DialError> {
        self.peer.outbox.buffer().extend_from_slice(bytes);
        self.peer.send().await.map_err(DialError::Broke)
    }

    async fn say_message(&mut self, message: &impl Message) -> Result<(), DialError> {
        let mut out = BytesMut::new();
        message.encode(&mut out).map_err(|_| DialError::Target("a message does not fit"))?;
        self.say(&out).await
    }

    /// The next message that is not a notice; an error ends the conversation.
    async fn hear(&mut self) -> Result<(u8, Vec<u8>), DialError> {
        loop {
            let (tag, body) = self.hear_any().await?;
            match tag {
                backend::NOTICE_RESPONSE => {}
                backend::ERROR_RESPONSE => return Err(refused(Fields::decode(&body))),
                _ => return Ok((tag, body)),
            }
        }
    }

    async fn hear_any(&mut self) -> Result<(u8, Vec<u8>), DialError> {
        loop {
            let header = Header::peek(self.peer.inbox.unread())
                .map_err(|_| DialError::Protocol("it sent a message of an impossible length"))?;
            if let Some(header) = header {
                if header.body > MAX_MESSAGE_BYTES || header.total() > self.left {
                    return Err(DialError::Protocol("it sends more than a login needs"));
                }
                if let Some(body) = self.peer.inbox.unread().get(HEADER_BYTES..header.total()) {
                    let body = body.to_vec();
                    self.peer.inbox.consume(header.total());
                    self.left -= header.total();
                    return Ok((header.tag, body));
                }
            }
            if self.peer.fill().await.map_err(DialError::Broke)? == 0 {
                return Err(DialError::Broke(io::ErrorKind::UnexpectedEof.into()));
            }
        }
    }

    /// The next message, which must be of the authentication family: its code and data.
    async fn authentication(&mut self) -> Result<(u32, Vec<u8>), DialError> {
        match self.hear().await? {
            (backend::AUTHENTICATION, body) => {
                let mut reader = Reader::new(&body);
                let code =
                    reader.u32().ok_or(DialError::Protocol("its authentication request is cut short"))?;
                Ok((code, reader.rest().to_vec()))
            }
            (backend::NEGOTIATE_PROTOCOL_VERSION, _) => {
                Err(DialError::Protocol("it does not speak protocol 3.0"))
            }
            _ => Err(DialError::Protocol("it does not ask for authentication")),
        }
    }

    async fn data_of(&mut self, wanted: u32) -> Result<Vec<u8>, DialError> {
        match self.authentication().await? {
            (code, data) if code == wanted => Ok(data),
            // Letting the gate in early would spare the server its own proof.
            (OK, _) => Err(ScramError::ServerUnproven.into()),
            _ => Err(DialError::Protocol("it changes the authentication method half-way")),
        }
    }

    /// Proves `secret`, and has the server prove that it knows it too.
    async fn scram(&mut self, offered: &[u8], secret: &Secret) -> Result<Keys, DialError> {
        let start = Start::new(binding(offered, self.peer.stream.channel_binding())?)?;
        let data = Some(Bytes::from(start.first()));
        self.say_message(&SASLInitialResponse::new(start.mechanism().as_str().to_owned(), data)).await?;
        let challenged = start.challenge(&self.data_of(SASL_CONTINUE).await?)?;
        let keys = keys_for(secret, &challenged.salt, challenged.iterations).await?;
        let (proved, last): (Proved, String) = challenged.prove(&keys);
        self.say_message(&SASLResponse::new(Bytes::from(last))).await?;
        proved.finish(&self.data_of(SASL_FINAL).await?)?;
        match self.authentication().await? {
            (OK, _) => Ok(keys),
            _ => Err(DialError::Protocol("it asks for a second authentication")),
        }
    }

    /// Collects what the server says of itself until it is idle.
    async fn until_idle(mut self, keys: Option<Keys>) -> Result<Welcome, DialError> {
        let mut parameters = Parameters::default();
        let mut key = None;
        loop {
            let (tag, body) = self.hear().await?;
            match tag {
                backend::PARAMETER_STATUS => parameters.take(&body)?,
                backend::BACKEND_KEY_DATA if key.is_none() => {
                    let decoded = CancelKey::decode(Reader::new(&body));
                    key = Some(decoded.ok_or(DialError::Protocol("its cancel key has an odd length"))?);
                }
                backend::READY_FOR_QUERY if body == b"I" => break,
                backend::READY_FOR_QUERY => {
                    return Err(DialError::Protocol("it is in a transaction from the start"));
                }
                _ => return Err(DialError::Protocol("it sends what does not belong to a login")),
            }
        }
        if !self.peer.inbox.is_empty() {
            return Err(DialError::Protocol("it sends data nobody asked for"));
        }
        let key = key.ok_or(DialError::Protocol("it gives no cancel key"))?;
        Ok(Welcome { stream: self.peer.stream, parameters: parameters.found, key, keys })
    }
}

fn refused(fields: Fields) -> DialError {
    let fields = Box::new(fields);
    if fields.code.class() == "28" {
        DialError::Auth(AuthFault::Rejected(fields))
    } else {
        DialError::Refused(fields)
    }
}

/// Chooses the mechanism: PLUS where the server offers it and the connection can be bound to.
fn binding<'a>(offered: &[u8], end_point: Option<&'a [u8]>) -> Result<Binding<'a>, DialError> {
    let (mut plain, mut plus) = (false, false);
    let mut reader = Reader::new(offered);
    while let Some(name @ [_, ..]) = reader.cstr() {
        match Mechanism::from_name(name) {
            Some(Mechanism::Plain) => plain = true,
            Some(Mechanism::Plus) => plus = true,
            None => {}
        }
    }
    match end_point {
        Some(hash) if plus => Ok(Binding::EndPoint(hash)),
        Some(_) if plain => Ok(Binding::NotOffered),
        None if plain => Ok(Binding::Impossible),
        _ => Err(method("a SASL mechanism other than SCRAM-SHA-256")),
    }
}

/// The keys for the server's salt. Deriving them takes half a millisecond to a third of a second of CPU, which a
/// server chooses: it is done where it holds up no other session.
async fn keys_for(secret: &Secret, salt: &[u8], iterations: u32) -> Result<Keys, DialError> {
    if let Secret::Keys(_) = secret {
        return Ok(secret.keys_for(salt, iterations)?);
    }
    let (secret, salt) = (secret.clone(), salt.to_vec());
    let derived = tokio::task::spawn_blocking(move || secret.keys_for(&salt, iterations)).await;
    Ok(derived.map_err(|error| DialError::Broke(io::Error::other(error)))??)
}

/// Parameters of the server, each name once, within bounds.
#[derive(Default)]
struct Parameters {
    found: Vec<(String, String)>,
    bytes: usize,
}

impl Parameters {
    fn take(&mut self, body: &[u8]) -> Result<(), DialError> {
        let mut reader = Reader::new(body);
        let (Some(name), Some(value)) = (reader.cstr(), reader.cstr()) else {
            return Err(DialError::Protocol("it reports a parameter that is cut short"));
        };
        let name = String::from_utf8_lossy(name).into_owned();
        let value = String::from_utf8_lossy(value).into_owned();
        self.bytes += name.len() + value.len();
        match self.found.iter_mut().find(|known| known.0 == name) {
            Some(known) => known.1 = value,
            None => self.found.push((name, value)),
        }
        if self.found.len() > MAX_PARAMETERS || self.bytes > MAX_PARAMETER_BYTES {
            return Err(DialError::Protocol("it reports more parameters than any Postgres does"));
        }
        Ok(())
    }
}
