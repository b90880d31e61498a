//! Against the real thing: a real Postgres dialed, a real psql served.

use crate::{accepted, gate_tls, patiently};
use scratch::{Account, Binaries, Options, Server};
use secrecy::SecretString;
use std::process::Stdio;

use tokio::net::TcpListener;
use wire::admit::authenticate;
use wire::dial::{AddressPolicy, AuthFault, DialError, DialTarget, ServerTls, ServerTlsMode, cancel, dial};
use wire::frame::{self, HEADER_BYTES, Header, backend};
use wire::greet::{Greeting, greet};
use wire::scram::{Keys, Mock, Secret};
use wire::tls::{ClientTls, TlsPolicy};
use wire::{Fields, Peer, Stream};

fn postgres(options: Options) -> Server {
    let server =
        Server::start(&Binaries::find().expect("Postgres is installed"), options).expect("it starts");
    server.create(&[Account::owner("alice", "pen\u{ad}cil")]).expect("an account");
    server
}

fn target(server: &Server, tls: ServerTls) -> DialTarget {
    DialTarget {
        host: scratch::HOST.to_owned(),
        port: server.port(),
        database: "alice".to_owned(),
        user: "alice".to_owned(),
        tls,
        startup: vec![("application_name".to_owned(), "two words".to_owned())],
        allow: AddressPolicy { loopback: true, link_local: false },
        allow_trust: false,
    }
}

fn password(text: &str) -> Secret {
    Secret::Password(SecretString::from(text))
}

/// Sends a query and gives the messages up to ReadyForQuery.
async fn ask(stream: Stream, sql: &str) -> (Stream, Vec<(u8, Vec<u8>)>) {
    let mut peer = Peer::new(stream);
    frame::query(peer.outbox.buffer(), sql);
    peer.send().await.expect("sent");
    let mut heard = Vec::new();
    while heard.last().is_none_or(|(tag, _)| *tag != backend::READY_FOR_QUERY) {
        match Header::peek(peer.inbox.unread()).expect("a message") {
            Some(header) if peer.inbox.unread().len() >= header.total() => {
                heard.push((header.tag, peer.inbox.unread()[HEADER_BYTES..header.total()].to_vec()));
                peer.inbox.consume(header.total());
            }
            _ => assert_ne!(peer.fill().await.expect("read"), 0, "the server went away"),
        }
    }
    (peer.stream, heard)
}

fn row(heard: &[(u8, Vec<u8>)]) -> String {
    let (_, body) = heard.iter().find(|(tag, _)| *tag == backend::DATA_ROW).expect("a row");
    let mut reader = frame::Reader::new(&body[2..]);
    String::from_utf8(reader.value().flatten().expect("a value").to_vec()).expect("text")
}

#[tokio::test]
async fn a_real_postgres_is_dialed_queried_and_cancelled() {
    let server = postgres(Options::default());
    let target = target(&server, ServerTls::disable());
    patiently(async {
        // The password is stored with its soft hyphen prepared away, and proved with or without it.
        for secret in ["pencil", "pen\u{ad}cil"] {
            let dialed = dial(&target, &password(secret)).await.expect("logged in");
            assert!(dialed.parameters.iter().any(|(name, _)| name == "server_version"));
            let keys = Secret::Keys(dialed.keys.expect("keys"));
            let (_, heard) = ask(dialed.stream, "show application_name").await;
            assert_eq!(row(&heard), "two words");
            dial(&target, &keys).await.expect("logged in by kept keys");
        }
        let wrong = dial(&target, &password("crayon")).await;
        assert!(
            matches!(&wrong, Err(DialError::Auth(AuthFault::Rejected(fields))) if fields.code.as_str() == "28P01"),
            "{wrong:?}"
        );
        let mut nowhere = target.clone();
        nowhere.database = "nowhere".to_owned();
        let outcome = dial(&nowhere, &password("pencil")).await;
        assert!(matches!(&outcome, Err(DialError::Refused(fields)) if fields.code.as_str() == "3D000"), "{outcome:?}");

        let dialed = dial(&target, &password("pencil")).await.expect("logged in");
        let (_, heard) = cancelled(&server, dialed).await;
        let error = heard.iter().find(|(tag, _)| *tag == backend::ERROR_RESPONSE).expect("an error");
        assert_eq!(Fields::decode(&error.1).code.as_str(), "57014");
    })
    .await;
}

/// Starts a query that never ends, cancels it once the server runs it, and gives its answer.
async fn cancelled(server: &Server, dialed: wire::dial::Server) -> (Stream, Vec<(u8, Vec<u8>)>) {
    let running = async {
        loop {
            let active = "select count(*) from pg_stat_activity where query like '%pg_sleep(3600)' and state = 'active'";
            if server.sql("postgres", active).expect("an answer").trim() == "1" {
                return cancel(&dialed.cancel).await.expect("delivered");
            }
            tokio::task::yield_now().await;
        }
    };
    let (answer, ()) = tokio::join!(ask(dialed.stream, "select pg_sleep(3600)"), running);
    answer
}

#[tokio::test]
async fn a_real_postgres_with_tls_is_bound_to_and_cancelled_over_tls() {
    let authority = testkit::certificates::Authority::new("store authority").expect("an authority");
    let issued = authority.server(&[scratch::HOST]).expect("a certificate");
    let tls = scratch::Tls { certificate: issued.certificate, key: issued.key, client_authority: None };
    let only_tls = format!("hostssl all all {}/32 scram-sha-256", scratch::HOST);
    let server = postgres(Options { tls: Some(tls), hba: vec![only_tls], ..Options::default() });
    let own = ServerTls::new(ServerTlsMode::VerifyFull, Some(&authority.pem())).expect("TLS");
    patiently(async {
        let dialed = dial(&target(&server, own), &password("pencil")).await.expect("logged in");
        assert!(dialed.stream.channel_binding().is_some());
        let (stream, heard) =
            ask(dialed.stream, "select ssl from pg_stat_ssl where pid = pg_backend_pid()").await;
        assert_eq!(row(&heard), "t");
        let (_, heard) = cancelled(&server, wire::dial::Server { stream, ..dialed }).await;
        assert!(heard.iter().any(|(tag, _)| *tag == backend::ERROR_RESPONSE));
        let plain = dial(&target(&server, ServerTls::disable()), &password("pencil")).await;
        assert!(matches!(&plain, Err(DialError::Auth(AuthFault::Rejected(_)))), "{plain:?}");
    })
    .await;
}

/// Serves one psql that sends one query and shows one row.
async fn serve(listener: &TcpListener, tls: &ClientTls) {
    let verifier = Keys::derive("pencil", b"0123456789abcdef", 4096).verifier();
    let (tcp, _) = listener.accept().await.expect("psql");
    let Ok(Greeting::Startup(startup)) = greet(accepted(tcp), tls).await else { panic!("no start-up") };
    let known = (startup.user == "alice").then_some(&verifier);
    let mut client = Peer::new(startup.stream);
    if authenticate(&mut client, &startup.user, known, &Mock::new([1; 32])).await.is_err() {
        return;
    }
    let options = format!("{:?}", startup.options);
    let out = client.outbox.buffer();
    frame::authentication_ok(out);
    frame::parameter_status(out, "server_version", "15.0");
    frame::backend_key_data(out, 1, &[0; 4]);
    frame::ready_for_query(out, b'I');
    client.send().await.expect("sent");
    client.fill().await.expect("a query");
    assert_eq!(client.inbox.unread()[0], b'Q');
    let out = client.outbox.buffer();
    frame::row_description(out, &[("options", frame::TEXT_OID), ("nothing", 23)]);
    frame::data_row(out, &[Some(options.as_bytes()), None]);
    frame::command_complete(out, "SELECT 1");
    frame::ready_for_query(out, b'I');
    client.send().await.expect("sent");
    let _ = client.fill().await;
}

#[tokio::test]
async fn a_real_psql_is_served_and_refused() {
    let (tls, authority) = gate_tls(TlsPolicy::Require);
    let folder = scratch::Folder::new("stuffgate-wire-").expect("a folder");
    let ca = folder.path().join("ca.crt");
    std::fs::write(&ca, authority.pem()).expect("written");
    let psql = Binaries::find().expect("Postgres is installed").program("psql");
    let off = ClientTls::off();
    let verify = format!("sslmode=verify-full channel_binding=require sslrootcert={}", ca.display());
    let table = [
        (&tls, verify.as_str(), "pencil", "alice", Ok("[(\"stuffgate.user\", \"alice b\")]|")),
        (&off, "sslmode=prefer", "pencil", "alice", Ok("[(\"stuffgate.user\", \"alice b\")]|")),
        (&off, "sslmode=prefer", "crayon", "alice", Err("password authentication failed for user \"alice\"")),
        (
            &off,
            "sslmode=prefer",
            "pencil",
            "mallory",
            Err("password authentication failed for user \"mallory\""),
        ),
    ];
    for (tls, how, secret, login, wanted) in table {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let mut command = tokio::process::Command::new(&psql);
        command
            .args(["-XqAt", "-c", "select 1", "-d"])
            .arg(format!("host=127.0.0.1 port={port} user={login} dbname=todo {how}"))
            .env("PGPASSWORD", secret)
            .env("PGOPTIONS", r"-c stuffgate.user=alice\ b")
            .env("PGCONNECT_TIMEOUT", "30")
            .stdin(Stdio::null())
            .kill_on_drop(true);
        let (output, ()) = patiently(async { tokio::join!(command.output(), serve(&listener, tls)) }).await;
        let output = output.expect("psql runs");
        let (said, complained) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        match wanted {
            Ok(row) => assert_eq!(said.trim_end(), row, "{complained}"),
            Err(words) => assert!(complained.contains(words), "{complained}"),
        }
    }
}
