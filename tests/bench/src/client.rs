//! A light client that blocks: for what pgbench cannot do, such as ten thousand logins or a million rows.

use crate::scram::{self, Keys};
use crate::target::Target;
use anyhow::{Context, Result, bail};
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;
use testkit::frames;

/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(60);
/// Bytes asked for by one read.
const READ_BYTES: usize = 256 * 1024;
/// The last message of every answer, while no transaction is open (PostgreSQL manual, "Message Formats").
const READY: [u8; 6] = [b'Z', 0, 0, 0, 5, b'I'];

trait Socket: Read + Write + Send {}
impl<S: Read + Write + Send> Socket for S {}

/// A logged-in session.
pub(crate) struct Client {
    socket: Box<dyn Socket>,
}

impl Client {
    /// Connects and logs in; keys are derived where `keys` lacks them.
    pub(crate) fn connect(target: &Target, keys: &mut Keys) -> Result<Self> {
        let client = Self { socket: Box::new(dial(target)?) };
        client.log_in(target, keys)
    }

    /// The same over TLS.
    pub(crate) fn connect_by_tls(
        target: &Target,
        keys: &mut Keys,
        config: Arc<ClientConfig>,
    ) -> Result<Self> {
        let mut socket = dial(target)?;
        socket.write_all(&frames::SSL_REQUEST)?;
        let mut answer = [0];
        socket.read_exact(&mut answer)?;
        if answer != *b"S" {
            bail!("{} does not speak TLS", target.name);
        }
        let host = rustls::pki_types::ServerName::try_from(target.host.clone())?;
        let tls = StreamOwned::new(ClientConnection::new(config, host)?, socket);
        let client = Self { socket: Box::new(tls) };
        client.log_in(target, keys)
    }

    fn log_in(mut self, target: &Target, keys: &mut Keys) -> Result<Self> {
        let mut who = vec![("user", target.user.as_str()), ("database", &target.database)];
        if !target.options.is_empty() {
            who.push(("options", &target.options));
        }
        self.send(&frames::start_up(frames::PROTOCOL_3_0, &who))?;
        self.message(b'R')?;
        self.send(&frames::sasl_initial("SCRAM-SHA-256", scram::first().as_bytes()))?;
        let challenge = self.message(b'R')?;
        let challenge = String::from_utf8_lossy(challenge.get(4..).unwrap_or_default()).into_owned();
        let answer = scram::last(&target.password, keys, &challenge)?;
        self.send(&frames::sasl_response(answer.as_bytes()))?;
        self.answer(&mut Vec::new())?;
        Ok(self)
    }

    /// Sends messages as they are.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> Result<()> {
        self.socket.write_all(bytes)?;
        Ok(self.socket.flush()?)
    }

    /// Runs a simple query for its effect.
    pub(crate) fn simple(&mut self, sql: &str) -> Result<()> {
        self.send(&frames::query(sql))?;
        let mut answer = Vec::new();
        self.answer(&mut answer)?;
        refusal(&answer)
    }

    /// Reads up to the end of an answer outside transactions into `answer`, which it empties first.
    pub(crate) fn answer(&mut self, answer: &mut Vec<u8>) -> Result<()> {
        let mut filled = 0;
        loop {
            if answer.len() < filled + 4096 {
                answer.resize(filled + 8192, 0);
            }
            match self.socket.read(&mut answer[filled..]).context("reading an answer")? {
                0 => bail!("closed: {}", String::from_utf8_lossy(&answer[..filled])),
                more => filled += more,
            }
            if answer[..filled].ends_with(&READY) {
                answer.truncate(filled);
                return Ok(());
            }
        }
    }

    /// Reads as many bytes as `answer` has.
    pub(crate) fn exactly(&mut self, answer: &mut [u8]) -> Result<()> {
        self.socket.read_exact(answer).context("reading answers")
    }

    /// Counts the bytes of an answer, whatever they say.
    pub(crate) fn count(&mut self) -> Result<u64> {
        let (mut buffer, mut count, mut end) = (vec![0; READ_BYTES], 0, Vec::new());
        while end != READY {
            let read = self.socket.read(&mut buffer)?;
            if read == 0 {
                bail!("closed in the middle of an answer");
            }
            count += read as u64;
            end.extend_from_slice(&buffer[read.saturating_sub(READY.len())..read]);
            end.drain(..end.len().saturating_sub(READY.len()));
        }
        Ok(count)
    }

    /// The body of one message, which must be of type `tag`.
    fn message(&mut self, tag: u8) -> Result<Vec<u8>> {
        let mut head = [0; 5];
        self.socket.read_exact(&mut head)?;
        let [came, length @ ..] = head;
        let mut body = vec![0; usize::try_from(u32::from_be_bytes(length))?.saturating_sub(4)];
        self.socket.read_exact(&mut body)?;
        if came == tag {
            return Ok(body);
        }
        bail!("{:?} {:?} instead of {:?}", char::from(came), String::from_utf8_lossy(&body), char::from(tag))
    }
}

fn dial(target: &Target) -> Result<TcpStream> {
    let socket = TcpStream::connect((target.host.as_str(), target.port))
        .with_context(|| format!("connecting to {}", target.name))?;
    socket.set_nodelay(true)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    Ok(socket)
}

/// The error in an answer, if there is one.
pub(crate) fn refusal(mut answer: &[u8]) -> Result<()> {
    while let [tag, a, b, c, d, rest @ ..] = answer {
        let size = usize::try_from(u32::from_be_bytes([*a, *b, *c, *d]))?.saturating_sub(4);
        let body = rest.get(..size).context("an answer is cut off")?;
        if *tag == b'E' {
            bail!("{}", String::from_utf8_lossy(body).replace('\0', " "));
        }
        answer = &rest[size..];
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_found_among_other_messages() {
        let fine = [&b"C\0\0\0\x0dSELECT 1\0"[..], &READY].concat();
        assert!(refusal(&fine).is_ok());
        let bad = [&b"E\0\0\0\x0aMnope\0"[..], &READY].concat();
        assert_eq!(refusal(&bad).unwrap_err().to_string(), "Mnope ");
        assert!(refusal(b"C\0\0\0\x0d").is_err());
    }
}
