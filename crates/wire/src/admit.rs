//! The gate lets a client prove its login's secret by SCRAM (PostgreSQL manual, "SASL Authentication").

use crate::error::Fields;
use crate::exchange::{NoMessage, read_message, refuse};
use crate::frame::{self, Reader, frontend};
use crate::peer::Peer;
use crate::scram::{MAX_MESSAGE_BYTES, Mechanism, Mock, ScramError, Verifier, server};
use crate::sqlstate;
use crate::stream::Stream;
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

/// Lets `client` prove the secret of `login` against `verifier`, which is `None` for a login
/// that is unknown, disabled or expired: such a client sees the same messages and the same timing as one
/// with a wrong secret. Offers SCRAM-SHA-256-PLUS, and that first, where the connection can be bound to.
///
/// Does not say AuthenticationOk: whether the login is allowed in is decided after this, and
/// [`authentication_ok`] writes it. The gate's own proof is left in the outbox, to travel with what follows;
/// what the client sent ahead is in the inbox.
///
/// # Errors
/// See [`AuthError`]. The deadline is the caller's: after dropping the future, drop the stream as well.
pub async fn authenticate(
    client: &mut Peer<Stream>,
    login: &str,
    verifier: Option<&Verifier>,
    mock: &Mock,
) -> Result<(), AuthError> {
    // The mock is made for everybody, so that it takes nobody longer.
    let mocked = mock.verifier(login);
    let (verifier, genuine) = verifier.map_or((mocked, false), |known| (known.clone(), true));
    match exchange(client, verifier, genuine).await {
        Ok(()) => Ok(()),
        Err(Failure::Io(error)) => Err(AuthError::Io(error)),
        Err(Failure::Scram(ScramError::WrongSecret)) => {
            refuse(&mut client.stream, &wrong_secret(login)).await;
            Err(AuthError::WrongSecret)
        }
        Err(Failure::Scram(error)) => {
            let code = match error {
                ScramError::Binding(_) => sqlstate::INVALID_AUTHORIZATION_SPECIFICATION,
                ScramError::NoRandom => sqlstate::INTERNAL_ERROR,
                _ => sqlstate::PROTOCOL_VIOLATION,
            };
            let fields = Box::new(Fields::fatal(code, error.to_string()));
            refuse(&mut client.stream, &fields).await;
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

async fn exchange(client: &mut Peer<Stream>, verifier: Verifier, genuine: bool) -> Result<(), Failure> {
    let end_point = client.stream.channel_binding();
    let start = server::Start::new(verifier, genuine, end_point)?;
    let all = [Mechanism::Plus.as_str(), Mechanism::Plain.as_str()];
    let offered = if end_point.is_some() { &all[..] } else { &all[1..] };
    frame::authentication_sasl(client.outbox.buffer(), offered);
    let body = answer(client).await?;
    let (mechanism, first) = initial_response(&body)?;
    let (challenged, reply) = start.challenge(mechanism, first)?;
    frame::authentication_sasl_continue(client.outbox.buffer(), &reply);
    let last = answer(client).await?;
    let proof = challenged.finish(&last)?;
    frame::authentication_sasl_final(client.outbox.buffer(), &proof);
    Ok(())
}

/// Sends what is owed and hears what the client says to it.
async fn answer(client: &mut Peer<Stream>) -> Result<Vec<u8>, Failure> {
    client.send().await?;
    match read_message(client, MAX_BODY_BYTES).await {
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
