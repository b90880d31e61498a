//! The gate lets a client prove its login's secret by SCRAM (PostgreSQL manual, "SASL Authentication").

use crate::error::Fields;
use crate::exchange::{NoMessage, read_message, refuse, send};
use crate::frame::{Reader, frontend};
use crate::scram::{MAX_MESSAGE_BYTES, Mechanism, Mock, ScramError, Verifier, server};
use crate::sqlstate;
use crate::stream::Stream;
use bytes::{Bytes, BytesMut};
use pgwire::messages::Message;
use pgwire::messages::startup::Authentication;
use std::io;

pub use crate::frame::authentication_ok;

/// Longest body of a client's message before it is authenticated, in bytes: a SCRAM message and the
/// mechanism's name.
pub const MAX_BODY_BYTES: u32 = MAX_MESSAGE_BYTES as u32 + 64;

/// Why a client is not who it says. It has been told; the stream is only good for dropping.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// The client went away: most often a program that finds it has no password to give.
    #[error("the connection to the client broke during authentication: {0}")]
    Io(#[from] io::Error),
    /// Wrong secret, or no such login: nobody is told which.
    #[error("wrong secret or unknown login")]
    WrongSecret,
    /// The client breaks the protocol, or somebody interferes with the connection.
    #[error("authentication failed: {0}")]
    Protocol(Box<Fields>),
}

/// Lets the client of `stream` prove the secret of `login` against `verifier`, which is `None` for a login
/// that is unknown, disabled or expired: such a client sees the same messages and the same timing as one
/// with a wrong secret. Offers SCRAM-SHA-256-PLUS, and that first, where the connection can be bound to.
///
/// Does not send AuthenticationOk: whether the login is allowed in is decided after this, and
/// [`authentication_ok`] writes it.
///
/// # Errors
/// See [`AuthError`]. The deadline is the caller's: after dropping the future, drop the stream as well.
pub async fn authenticate(
    stream: &mut Stream,
    login: &str,
    verifier: Option<&Verifier>,
    mock: &Mock,
) -> Result<(), AuthError> {
    // The mock is made for everybody, so that it takes nobody longer.
    let mocked = mock.verifier(login);
    let (verifier, genuine) = verifier.map_or((mocked, false), |known| (known.clone(), true));
    match exchange(stream, verifier, genuine).await {
        Ok(()) => Ok(()),
        Err(Failure::Io(error)) => Err(AuthError::Io(error)),
        Err(Failure::Scram(ScramError::WrongSecret)) => {
            refuse(stream, &wrong_secret(login)).await;
            Err(AuthError::WrongSecret)
        }
        Err(Failure::Scram(error)) => {
            let code = match error {
                ScramError::Binding(_) => sqlstate::INVALID_AUTHORIZATION_SPECIFICATION,
                ScramError::NoRandom => sqlstate::INTERNAL_ERROR,
                _ => sqlstate::PROTOCOL_VIOLATION,
            };
            let fields = Box::new(Fields::fatal(code, error.to_string()));
            refuse(stream, &fields).await;
            Err(AuthError::Protocol(fields))
        }
    }
}

/// What a client with a wrong secret is told, word for word what Postgres says.
#[must_use]
pub fn wrong_secret(login: &str) -> Fields {
    Fields::fatal(sqlstate::INVALID_PASSWORD, format!("password authentication failed for user \"{login}\""))
}

enum Failure {
    Io(io::Error),
    Scram(ScramError),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<ScramError> for Failure {
    fn from(error: ScramError) -> Self {
        Self::Scram(error)
    }
}

async fn exchange(stream: &mut Stream, verifier: Verifier, genuine: bool) -> Result<(), Failure> {
    let start = server::Start::new(verifier, genuine, stream.channel_binding())?;
    let mut offer = vec![Mechanism::Plain.as_str().to_owned()];
    if stream.channel_binding().is_some() {
        offer.insert(0, Mechanism::Plus.as_str().to_owned());
    }
    say(stream, &Authentication::SASL(offer)).await?;
    let body = answer(stream).await?;
    let (mechanism, first) = initial_response(&body)?;
    let (challenged, reply) = start.challenge(mechanism, first)?;
    say(stream, &Authentication::SASLContinue(Bytes::from(reply))).await?;
    let last = answer(stream).await?;
    let proof = challenged.finish(&last)?;
    say(stream, &Authentication::SASLFinal(Bytes::from(proof))).await?;
    Ok(())
}

async fn say(stream: &mut Stream, message: &Authentication) -> Result<(), Failure> {
    let mut out = BytesMut::new();
    message.encode(&mut out).map_err(|error| Failure::Io(io::Error::other(error)))?;
    Ok(send(stream, &out).await?)
}

async fn answer(stream: &mut Stream) -> Result<Vec<u8>, Failure> {
    match read_message(stream, MAX_BODY_BYTES).await {
        Ok((frontend::PASSWORD, body)) => Ok(body),
        Ok((frontend::TERMINATE, _)) => Err(Failure::Io(io::ErrorKind::UnexpectedEof.into())),
        Ok(_) => Err(ScramError::Malformed("the client sent something else instead of one").into()),
        Err(NoMessage::Io(error)) => Err(error.into()),
        Err(NoMessage::Length) => Err(ScramError::Malformed("impossible length").into()),
    }
}

/// Reads a SASLInitialResponse: a mechanism and the client's first message.
fn initial_response(body: &[u8]) -> Result<(Mechanism, &[u8]), ScramError> {
    let mut reader = Reader::new(body);
    let mechanism = reader.cstr().and_then(Mechanism::from_name);
    let mechanism = mechanism.ok_or(ScramError::Malformed("the mechanism is not one of those offered"))?;
    match reader.value() {
        Some(Some(first)) if reader.rest().is_empty() => Ok((mechanism, first)),
        _ => Err(ScramError::Malformed("the first message is missing or has an impossible length")),
    }
}
