//! The server's side of a scripted connection: a store that behaves, or does not.

use crate::{Error, Frame, Peer, frames};
use aws_lc_rs::{digest, hmac, pbkdf2};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use std::future::Future;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// The code of an `SSLRequest`.
const SSL_CODE: u32 = 80_877_103;
/// What the server adds to the client's nonce.
const SERVER_NONCE: &str = "c2NyaXB0ZWQ";
/// Salt of every scripted login, sixteen bytes.
pub const SALT: &[u8; 16] = b"scripted salt 16";
/// PBKDF2 rounds of every scripted login: few, it only has to look right.
pub const ITERATIONS: u32 = 4096;

/// A listener on a free port that plays a script with everybody who connects.
pub struct FakeStore {
    port: u16,
    accepted: Arc<AtomicUsize>,
    listening: JoinHandle<()>,
}

impl FakeStore {
    /// Listens, and gives every connection to `script` in a task of its own. Dropping the fake store
    /// stops listening; running scripts end with the runtime.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn start<S, F>(script: S) -> Result<Self, Error>
    where
        S: Fn(Peer) -> F + Send + 'static,
        F: Future<Output = Result<(), Error>> + Send + 'static,
    {
        Self::start_on(0, script).await
    }

    /// The same on a port that a stopped server had.
    ///
    /// # Errors
    /// When the port is taken.
    pub async fn start_on<S, F>(port: u16, script: S) -> Result<Self, Error>
    where
        S: Fn(Peer) -> F + Send + 'static,
        F: Future<Output = Result<(), Error>> + Send + 'static,
    {
        let listener = TcpListener::bind((scratch::HOST, port)).await?;
        let port = listener.local_addr()?.port();
        let accepted = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&accepted);
        let listening = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                counter.fetch_add(1, Ordering::Relaxed);
                let _ = socket.set_nodelay(true);
                tokio::spawn(script(Peer::over(socket)));
            }
        });
        Ok(Self { port, accepted, listening })
    }

    /// Its port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Connections taken so far.
    #[must_use]
    pub fn accepted(&self) -> usize {
        self.accepted.load(Ordering::Relaxed)
    }
}

impl Drop for FakeStore {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

impl Peer {
    /// Reads a start-up message, having answered `N` to a request for TLS. Its type is 0; its body is
    /// the protocol version and the parameters.
    ///
    /// # Errors
    /// As [`Peer::frame`].
    pub async fn accept_start_up(&mut self) -> Result<Frame, Error> {
        loop {
            let head = self.bytes(4).await?;
            let size = Frame { tag: 0, body: head }.number(0).saturating_sub(4);
            let body = self.bytes(usize::try_from(size).unwrap_or_default()).await?;
            let frame = Frame { tag: 0, body };
            if frame.number(0) != SSL_CODE {
                return Ok(frame);
            }
            self.send(b"N").await?;
        }
    }

    /// Asks for `secret` by SCRAM-SHA-256 and lets the client in, whatever it proves.
    ///
    /// # Errors
    /// As [`Peer::frame`], and [`Error::Unexpected`] when the client does not speak SCRAM.
    pub async fn ask_for_secret(&mut self, secret: &str) -> Result<(), Error> {
        self.send(&frames::authentication(10, b"SCRAM-SHA-256\0\0")).await?;
        let initial = self.expect(b'p').await?;
        let first = String::from_utf8_lossy(&initial.body).into_owned();
        let bare = first.split_once("n=").map(|(_, rest)| format!("n={rest}"));
        let bare = bare.ok_or_else(|| Error::Unexpected(format!("{first:?} instead of client-first")))?;
        let nonce = bare.split_once("r=").map(|(_, nonce)| nonce.to_owned()).unwrap_or_default();
        let salt = BASE64.encode(SALT);
        let challenge = format!("r={nonce}{SERVER_NONCE},s={salt},i={ITERATIONS}");
        self.send(&frames::authentication(11, challenge.as_bytes())).await?;
        let last = self.expect(b'p').await?;
        let last = String::from_utf8_lossy(&last.body).into_owned();
        let unproved = last.split_once(",p=").map_or(last.as_str(), |(unproved, _)| unproved);
        let signature = server_signature(secret, &format!("{bare},{challenge},{unproved}"));
        let outcome = format!("v={}", BASE64.encode(signature.as_ref()));
        self.send(&frames::authentication(12, outcome.as_bytes())).await?;
        self.send(&frames::authentication(0, &[])).await
    }

    /// Stands between this client and the real server at `port`: passes start-up and login on, then every
    /// message of the client and what the server answers, until the client sends one that contains
    /// `marker`. That one is kept back and returned, with the server's side.
    ///
    /// # Errors
    /// As [`Peer::frame`]; the usual one is [`Error::Closed`], when either side is done.
    pub async fn stand_before(&mut self, port: u16, marker: &str) -> Result<(Frame, Self), Error> {
        let start_up = self.accept_start_up().await?;
        let mut real = Self::connect(port).await?;
        let size = u32::try_from(start_up.body.len() + 4).unwrap_or(u32::MAX);
        real.send(&[size.to_be_bytes().as_slice(), &start_up.body].concat()).await?;
        loop {
            tokio::select! {
                frame = real.frame() => {
                    let frame = frame?;
                    self.send(&frames::message(frame.tag, &frame.body)).await?;
                }
                frame = self.frame() => {
                    let frame = frame?;
                    if frame.body.windows(marker.len()).any(|part| part == marker.as_bytes()) {
                        return Ok((frame, real));
                    }
                    real.send(&frames::message(frame.tag, &frame.body)).await?;
                }
            }
        }
    }

    /// Does what a well-behaved store does before the first query: start-up, SCRAM, parameters, a key.
    /// Returns the start-up message.
    ///
    /// # Errors
    /// As [`Peer::ask_for_secret`].
    pub async fn let_in(&mut self, secret: &str) -> Result<Frame, Error> {
        let start_up = self.accept_start_up().await?;
        self.ask_for_secret(secret).await?;
        let welcome = [
            frames::parameter_status("server_version", "15.0"),
            frames::parameter_status("server_encoding", "UTF8"),
            frames::parameter_status("client_encoding", "UTF8"),
            frames::parameter_status("DateStyle", "ISO, MDY"),
            frames::parameter_status("TimeZone", "UTC"),
            frames::parameter_status("integer_datetimes", "on"),
            frames::parameter_status("standard_conforming_strings", "on"),
            frames::backend_key(4711, b"key!"),
            frames::ready(b'I'),
        ];
        self.send(&welcome.concat()).await?;
        Ok(start_up)
    }
}

/// HMAC(ServerKey, AuthMessage) (RFC 5802, section 3).
fn server_signature(secret: &str, auth_message: &str) -> hmac::Tag {
    let mut salted = [0; digest::SHA256_OUTPUT_LEN];
    let rounds = NonZeroU32::new(ITERATIONS).unwrap_or(NonZeroU32::MIN);
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, rounds, SALT, secret.as_bytes(), &mut salted);
    let server_key = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &salted), b"Server Key");
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, server_key.as_ref()), auth_message.as_bytes())
}
