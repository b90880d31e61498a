//! How the admin connects, and what it says when it cannot.

use crate::bed::{ADMIN, Bed, SECRET, grant, on_each_major, on_each_major_with, secret, soon};
use model::{Endpoint, TlsMode};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use scratch::{Options, Tls};
use std::time::{Duration, Instant};
use store::{Admin, StoreError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

async fn failure(endpoint: &Endpoint, role: &str, password: &str) -> StoreError {
    let secret = password.to_owned().into();
    Admin::connect(endpoint, role, &secret, soon()).await.expect_err("was let in")
}

#[test]
fn every_way_to_miss_a_store_is_told_on_one_line() {
    on_each_major(&async |bed| {
        let right = bed.endpoint(ADMIN);
        let free = std::net::TcpListener::bind((scratch::HOST, 0)).unwrap().local_addr().unwrap().port();
        let nowhere = Endpoint { host: "no-such-host.invalid".into(), ..right.clone() };
        let closed = Endpoint { port: free, ..right.clone() };
        let plain = Endpoint { tls: TlsMode::Require, ..right.clone() };
        let folder = Endpoint { host: "/nonexistent".into(), ..right.clone() };
        for (endpoint, role, password, expected) in [
            (&nowhere, ADMIN, SECRET, "the host name does not resolve"),
            (&closed, ADMIN, SECRET, "nothing listens on 127.0.0.1"),
            (&folder, ADMIN, SECRET, "/nonexistent/.s.PGSQL."),
            (&plain, ADMIN, SECRET, "the server does not offer TLS"),
            (&right, ADMIN, "wrong", "wrong password, or no such role"),
            (&right, "nobody", SECRET, "wrong password, or no such role"),
            (&bed.endpoint("nothing"), ADMIN, SECRET, "there is no such database"),
        ] {
            let line = failure(endpoint, role, password).await.to_string();
            assert!(line.contains(expected) && !line.contains('\n'), "{line}");
            assert!(!line.contains(SECRET), "{line}");
        }
    });
}

#[test]
fn no_store_gets_the_secret_without_scram() {
    for method in ["password", "trust"] {
        let hba =
            || Options { hba: vec![format!("host all all 127.0.0.1/32 {method}")], ..Options::default() };
        on_each_major_with(hba, &async |bed| {
            let error = failure(&bed.endpoint(ADMIN), ADMIN, SECRET).await;
            assert!(matches!(error, StoreError::Login { .. }), "{error}");
            assert!(error.to_string().contains("does not ask for SCRAM"), "{error}");
        });
    }
}

#[test]
fn a_store_that_says_nothing_is_given_up_at_the_deadline() {
    on_each_major(&async |bed| {
        let silent = std::net::TcpListener::bind((scratch::HOST, 0)).unwrap();
        let port = silent.local_addr().unwrap().port();
        for tls in [TlsMode::Disable, TlsMode::Require] {
            let endpoint = Endpoint { port, tls, ..bed.endpoint(ADMIN) };
            let deadline = Instant::now() + Duration::from_millis(200);
            let error = Admin::connect(&endpoint, ADMIN, &secret(), deadline).await.expect_err("let in");
            assert!(matches!(error, StoreError::Unreachable { .. }) && error.is_worth_retrying(), "{error}");
        }
    });
}

#[test]
fn bytes_ahead_of_the_tls_handshake_are_not_taken_for_the_stores() {
    on_each_major(&async |bed| {
        let fake = tokio::net::TcpListener::bind((scratch::HOST, 0)).await.unwrap();
        let port = fake.local_addr().unwrap().port();
        let endpoint = Endpoint { port, tls: TlsMode::Require, ..bed.endpoint(ADMIN) };
        let play = async {
            let (mut socket, _) = fake.accept().await.unwrap();
            socket.write_all(b"SR\0\0\0\x08\0\0\0\x03Z\0\0\0\x05I").await.unwrap();
            let mut heard = Vec::new();
            let _ = socket.read_to_end(&mut heard).await;
            assert!(!heard.windows(SECRET.len()).any(|window| window == SECRET.as_bytes()));
        };
        let (error, ()) = tokio::join!(failure(&endpoint, ADMIN, SECRET), play);
        assert!(matches!(error, StoreError::Tls { .. }), "{error}");
    });
}

#[test]
fn a_store_that_stops_answering_is_given_up_at_the_deadline() {
    on_each_major(&async |bed| {
        let deadline = Instant::now() + Duration::from_secs(1);
        let admin = Admin::connect(&bed.endpoint(ADMIN), ADMIN, &secret(), deadline).await.unwrap();
        bed.server.pause();
        let error = store::provision(&admin, &grant("todo")).await.expect_err("frozen");
        bed.server.resume();
        assert!(matches!(error, StoreError::Unreachable { .. }), "{error}");
        crate::bed::provision(bed, &grant("todo")).await.unwrap();
    });
}

#[test]
fn the_connection_ends_with_the_value() {
    on_each_major(&async |bed| {
        let count = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'stuffgate'";
        let admin = bed.admin().await;
        assert_eq!(bed.su("postgres", count), "1\n");
        drop(admin);
        while bed.su("postgres", count) != "0\n" {
            tokio::task::yield_now().await;
        }
    });
}

#[test]
fn services_names_are_never_found_by_the_admin() {
    on_each_major(&async |bed| {
        bed.su(ADMIN, "CREATE TABLE public.pg_roles (trap int); CREATE FUNCTION public.pg_has_role(oid, text) RETURNS bool LANGUAGE sql AS 'SELECT 1/0 = 1'; ALTER DATABASE alice SET search_path = public, pg_catalog; ALTER ROLE alice SET default_transaction_read_only = on");
        crate::bed::provision(bed, &grant("todo")).await.unwrap();
    });
}

/// A certificate for `localhost` and the CA that signed it.
fn certificates() -> (String, Tls) {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec!["localhost".into()]).unwrap().signed_by(&key, &ca).unwrap();
    (ca.pem(), Tls { certificate: leaf.pem(), key: key.serialize_pem(), client_authority: None })
}

#[test]
fn tls_checks_what_its_mode_says_and_no_less() {
    let (ca, tls) = certificates();
    let (stranger, _) = certificates();
    let options = || Options {
        tls: Some(tls.clone()),
        hba: vec!["hostssl all all all scram-sha-256".into()],
        ..Options::default()
    };
    on_each_major_with(options, &async |bed: &Bed| {
        let endpoint = |host: &str, mode, ca: Option<&str>| Endpoint {
            host: host.into(),
            tls: mode,
            ca: ca.map(Into::into),
            ..bed.endpoint(ADMIN)
        };
        let (full, chain) = (TlsMode::VerifyFull, TlsMode::VerifyCa);
        for (host, mode, trusted) in [
            ("localhost", full, Some(ca.as_str())),
            ("127.0.0.1", chain, Some(ca.as_str())),
            ("127.0.0.1", TlsMode::Require, None),
        ] {
            let endpoint = endpoint(host, mode, trusted);
            let admin = Admin::connect(&endpoint, ADMIN, &secret(), soon()).await;
            let report = store::probe(&admin.unwrap()).await.unwrap();
            assert_eq!(report.problem(), None);
        }
        for (host, mode, trusted, expected) in [
            ("127.0.0.1", full, Some(ca.as_str()), "for another host name"),
            ("localhost", full, Some(stranger.as_str()), "not from a CA that is trusted"),
            ("localhost", chain, Some(stranger.as_str()), "not from a CA that is trusted"),
            ("localhost", full, None, "not from a CA that is trusted"),
            ("localhost", full, Some("nonsense"), "there is no CA"),
            ("localhost", TlsMode::Disable, None, "pg_hba.conf"),
        ] {
            let error = failure(&endpoint(host, mode, trusted), ADMIN, SECRET).await;
            assert!(error.to_string().contains(expected), "{host} {mode:?}: {error}");
        }
    });
}

#[test]
fn a_servers_own_certificate_named_as_its_ca_is_trusted_as_sessions_trust_it() {
    // What `openssl req -x509` makes: it says of itself that it is a CA.
    let mut params = CertificateParams::new(vec!["localhost".into()]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let own = params.self_signed(&key).unwrap().pem();
    let tls = Tls { certificate: own.clone(), key: key.serialize_pem(), client_authority: None };
    let options = || Options { tls: Some(tls.clone()), ..Options::default() };
    on_each_major_with(options, &async |bed: &Bed| {
        let endpoint = Endpoint {
            host: "localhost".into(),
            tls: TlsMode::VerifyFull,
            ca: Some(own.as_str().into()),
            ..bed.endpoint(ADMIN)
        };
        let admin = Admin::connect(&endpoint, ADMIN, &secret(), soon()).await;
        assert!(admin.is_ok(), "{:?}", admin.err());
    });
}
