//! The client's side of a scripted connection.

use crate::{Answer, Error, Frame, Peer, frames};
use postgres_protocol::authentication::sasl::{ChannelBinding, ScramSha256};
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use tokio::net::TcpStream;

/// Whom to log in as.
#[derive(Clone, Debug)]
pub struct Login<'a> {
    /// Port on 127.0.0.1.
    pub port: u16,
    /// Login name.
    pub user: &'a str,
    /// Its secret.
    pub secret: &'a str,
    /// Database, which for the gate is the service.
    pub database: &'a str,
    /// Further start-up parameters.
    pub parameters: &'a [(&'a str, &'a str)],
}

/// A logged-in client; as a [`Peer`] it sends and reads whatever a test likes.
pub struct Client {
    peer: Peer,
    /// Process id and key that cancel this session's query.
    pub cancel_key: (u32, Vec<u8>),
    /// Parameters the server reported at login.
    pub parameters: Vec<(String, String)>,
}

impl Peer {
    /// Connects to 127.0.0.1 and sends nothing yet.
    ///
    /// # Errors
    /// When nobody listens.
    pub async fn connect(port: u16) -> Result<Self, Error> {
        let socket = TcpStream::connect((scratch::HOST, port)).await?;
        socket.set_nodelay(true)?;
        Ok(Self::over(socket))
    }

    /// Asks for TLS and makes it.
    ///
    /// # Errors
    /// [`Error::Unexpected`] when the server says no.
    pub async fn ask_for_tls(mut self, config: Arc<rustls::ClientConfig>, host: &str) -> Result<Self, Error> {
        self.send(&frames::SSL_REQUEST).await?;
        match self.bytes(1).await?.as_ref() {
            b"S" => self.into_tls_client(config, host).await,
            other => Err(Error::Unexpected(format!("{other:?} instead of 'S'"))),
        }
    }

    /// Sends a start-up message of protocol 3.0, proves `secret` by SCRAM and reads up to the first
    /// `ReadyForQuery`. Inside TLS it binds to the channel when the server offers that.
    ///
    /// # Errors
    /// [`Error::Unexpected`] with the server's words when it refuses.
    pub async fn log_in(mut self, login: &Login<'_>) -> Result<Client, Error> {
        let own = [("user", login.user), ("database", login.database)];
        let parameters: Vec<_> = own.iter().chain(login.parameters).copied().collect();
        self.send(&frames::start_up(frames::PROTOCOL_3_0, &parameters)).await?;
        self.prove(login.secret).await?;
        let came = self.frames_until_ready().await?;
        let key = came.iter().find(|frame| frame.tag == b'K');
        let cancel_key =
            key.map(|frame| (frame.number(0), frame.body.slice(4..).to_vec())).unwrap_or_default();
        Ok(Client { peer: self, cancel_key, parameters: Answer::of(&came).parameters })
    }

    /// The SCRAM-SHA-256 exchange from `AuthenticationSASL` to `AuthenticationOk` (RFC 5802).
    ///
    /// # Errors
    /// [`Error::Unexpected`] with the server's words when it refuses.
    pub async fn prove(&mut self, secret: &str) -> Result<(), Error> {
        let offer = self.expect(b'R').await?;
        let plus = offer.texts(4).iter().any(|mechanism| mechanism == "SCRAM-SHA-256-PLUS");
        let (mechanism, binding) = match self.server_certificate() {
            Some(leaf) if plus => {
                let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, leaf);
                ("SCRAM-SHA-256-PLUS", ChannelBinding::tls_server_end_point(digest.as_ref().to_vec()))
            }
            Some(_) => ("SCRAM-SHA-256", ChannelBinding::unrequested()),
            None => ("SCRAM-SHA-256", ChannelBinding::unsupported()),
        };
        let mut scram = ScramSha256::new(secret.as_bytes(), binding);
        self.send(&frames::sasl_initial(mechanism, scram.message())).await?;
        let challenge = self.expect(b'R').await?;
        scram.update(challenge.body.get(4..).unwrap_or_default())?;
        self.send(&frames::sasl_response(scram.message())).await?;
        let outcome = self.expect(b'R').await?;
        scram.finish(outcome.body.get(4..).unwrap_or_default())?;
        match self.expect(b'R').await? {
            ok if ok.number(0) == 0 => Ok(()),
            other => Err(Error::Unexpected(format!("authentication request {}", other.number(0)))),
        }
    }

    /// Runs one simple query.
    ///
    /// # Errors
    /// As [`Peer::frame`]; the server's errors are in the answer.
    pub async fn simple(&mut self, sql: &str) -> Result<Answer, Error> {
        self.send(&frames::query(sql)).await?;
        self.answer().await
    }

    /// Runs one statement by the extended protocol's unnamed statement, with parameters as text.
    ///
    /// # Errors
    /// As [`Peer::simple`].
    pub async fn extended(&mut self, sql: &str, parameters: &[Option<&str>]) -> Result<Answer, Error> {
        let messages = [
            frames::parse("", sql),
            frames::bind("", "", parameters),
            frames::describe(b'P', ""),
            frames::execute("", 0),
            frames::sync(),
        ];
        self.send(&messages.concat()).await?;
        self.answer().await
    }

    /// Reads up to the next `ReadyForQuery`.
    ///
    /// # Errors
    /// As [`Peer::frame`].
    pub async fn answer(&mut self) -> Result<Answer, Error> {
        Ok(Answer::of(&self.frames_until(b'Z').await?))
    }

    async fn frames_until_ready(&mut self) -> Result<Vec<Frame>, Error> {
        let mut came = Vec::new();
        loop {
            let frame = self.frame().await?;
            match frame.tag {
                b'E' => return Err(Error::Unexpected(format!("{:?}", Answer::of(&[frame]).errors))),
                b'Z' => return Ok(came),
                _ => came.push(frame),
            }
        }
    }
}

impl Client {
    /// Connects and logs in without TLS.
    ///
    /// # Errors
    /// [`Error::Unexpected`] with the server's words when it refuses.
    pub async fn connect(login: &Login<'_>) -> Result<Self, Error> {
        Peer::connect(login.port).await?.log_in(login).await
    }

    /// Asks the server at `port` to cancel this session's query, and waits until the request was taken.
    ///
    /// # Errors
    /// When nobody listens.
    pub fn cancel(&self, port: u16) -> impl Future<Output = Result<(), Error>> + Send + use<> {
        let (pid, key) = self.cancel_key.clone();
        async move { Self::cancel_by_key(port, pid, &key).await }
    }

    /// The same with any process id and key.
    ///
    /// # Errors
    /// When nobody listens.
    pub async fn cancel_by_key(port: u16, pid: u32, key: &[u8]) -> Result<(), Error> {
        let mut peer = Peer::connect(port).await?;
        peer.send(&frames::cancel(pid, key)).await?;
        peer.rest().await.map(drop)
    }
}

impl Deref for Client {
    type Target = Peer;

    fn deref(&self) -> &Peer {
        &self.peer
    }
}

impl DerefMut for Client {
    fn deref_mut(&mut self) -> &mut Peer {
        &mut self.peer
    }
}
