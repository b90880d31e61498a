//! Both roles against the RFC's vector, against each other, and against what an attacker would send.

use super::client::Binding;
use super::{
    DEFAULT_ITERATIONS, Keys, MAX_ITERATIONS, MAX_MESSAGE_BYTES, Mechanism, Mock, ScramError, Secret,
    Verifier, client, server,
};
use proptest::prelude::*;
use secrecy::SecretString;

const END_POINT: &[u8] = &[7; 32];

fn keys() -> Keys {
    Keys::derive("pencil", b"0123456789abcdef", 16)
}

/// Runs a whole exchange and gives what both sides say of it.
fn exchange(
    verifier: Verifier,
    genuine: bool,
    offered: Option<&[u8]>,
    binding: Binding<'_>,
    keys: &Keys,
) -> (Result<(), ScramError>, Option<Result<(), ScramError>>) {
    let server = server::Start::new(verifier, genuine, offered).expect("random");
    let client = client::Start::new(binding).expect("random");
    let (mechanism, first) = (client.mechanism(), client.first());
    let (server, reply) = match server.challenge(mechanism, first.as_bytes()) {
        Ok(next) => next,
        Err(error) => return (Err(error), None),
    };
    let (client, last) = client.challenge(reply.as_bytes()).expect("a challenge").prove(keys);
    match server.finish(last.as_bytes()) {
        Ok(proof) => (Ok(()), Some(client.finish(proof.as_bytes()))),
        Err(error) => (Err(error), None),
    }
}

#[test]
fn the_vector_of_rfc_7677_is_met_by_both_roles() {
    let nonce = "rOprNGfwEbeRWgbNEkqO";
    let challenge = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
    let proof = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
                 p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
    let signature = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";

    let start = client::Start::new(Binding::Impossible).expect("random").with_nonce(nonce);
    let challenged =
        start.challenge_to(&format!("n=user,r={nonce}"), challenge.as_bytes()).expect("a challenge");
    let keys = Keys::derive("pencil", &challenged.salt, challenged.iterations);
    let (proved, sent) = challenged.prove(&keys);
    assert_eq!(sent, proof);
    proved.finish(signature.as_bytes()).expect("the server's proof");

    let start = server::Start::new(keys.verifier(), true, None).expect("random");
    let start = start.with_nonce("%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0");
    let first = format!("n,,n=user,r={nonce}");
    let (challenged, sent) = start.challenge(Mechanism::Plain, first.as_bytes()).expect("a challenge");
    assert_eq!(sent, challenge);
    assert_eq!(challenged.finish(proof.as_bytes()).as_deref(), Ok(signature));
}

#[test]
fn the_right_secret_passes_with_and_without_channel_binding() {
    let table = [
        (None, Binding::Impossible),
        (None, Binding::NotOffered),
        (Some(END_POINT), Binding::EndPoint(END_POINT)),
        (Some(END_POINT), Binding::Impossible), // a client that cannot bind may go without
    ];
    for (offered, binding) in table {
        let outcome = exchange(keys().verifier(), true, offered, binding, &keys());
        assert_eq!(outcome, (Ok(()), Some(Ok(()))), "{binding:?}");
    }
}

#[test]
fn channel_binding_shows_a_man_in_the_middle() {
    let table = [
        // The client bound itself to the certificate of somebody else.
        (Some(END_POINT), Binding::EndPoint(&[8; 32])),
        // The client did not see the offer of PLUS: somebody took it away.
        (Some(END_POINT), Binding::NotOffered),
        // The client uses PLUS where there is none: somebody speaks TLS with it.
        (None, Binding::EndPoint(END_POINT)),
    ];
    for (offered, binding) in table {
        let (outcome, _) = exchange(keys().verifier(), true, offered, binding, &keys());
        assert!(matches!(outcome, Err(ScramError::Binding(_))), "{binding:?} gave {outcome:?}");
    }
}

#[test]
fn wrong_secret_and_unknown_login_end_alike() {
    let mock = Mock::new([3; 32]);
    let wrong = Keys::derive("pencils", b"0123456789abcdef", 16);
    let known = exchange(keys().verifier(), true, None, Binding::Impossible, &wrong);
    let unknown = exchange(mock.verifier("nobody"), false, None, Binding::Impossible, &wrong);
    assert_eq!(known, (Err(ScramError::WrongSecret), None));
    assert_eq!(unknown, known);
    // Not even the keys that a mock would be made of get in.
    let (outcome, _) = exchange(keys().verifier(), false, None, Binding::Impossible, &keys());
    assert_eq!(outcome, Err(ScramError::WrongSecret));
}

#[test]
fn a_mock_is_the_same_every_time_and_for_nobody_else() {
    let mock = Mock::new([3; 32]);
    assert_eq!(mock.verifier("nobody"), mock.verifier("nobody"));
    assert_ne!(mock.verifier("nobody").salt, mock.verifier("somebody").salt);
    assert_ne!(mock.verifier("nobody").salt, Mock::new([4; 32]).verifier("nobody").salt);
    assert_eq!(mock.verifier("nobody").iterations, DEFAULT_ITERATIONS);
    assert_eq!(mock.verifier("nobody").salt.len(), 16);
}

#[test]
fn a_server_that_does_not_know_the_secret_is_found_out() {
    let mut verifier = keys().verifier();
    verifier.server_key = [0; 32];
    let outcome = exchange(verifier, true, None, Binding::Impossible, &keys());
    assert_eq!(outcome, (Ok(()), Some(Err(ScramError::ServerUnproven))));
}

#[test]
fn hostile_first_messages_of_a_client_are_refused() {
    let long = format!("n,,n=,r={}", "a".repeat(MAX_MESSAGE_BYTES));
    let table: [(Mechanism, &[u8]); 17] = [
        (Mechanism::Plain, b""),
        (Mechanism::Plain, b"n"),
        (Mechanism::Plain, b"n,"),
        (Mechanism::Plain, b"n,,"),
        (Mechanism::Plain, b"n,,n=alice"),
        (Mechanism::Plain, b"n,,n=alice,r="),
        (Mechanism::Plain, b"n,,n=alice,r=a b"),
        (Mechanism::Plain, b"n,,n=alice,r=\x01"),
        (Mechanism::Plain, b"n,,r=abc,n=alice"),
        (Mechanism::Plain, b"n,a=bob,n=alice,r=abc"),
        (Mechanism::Plain, b"n,,m=ext,n=alice,r=abc"),
        (Mechanism::Plain, b"x,,n=alice,r=abc"),
        (Mechanism::Plain, b"p=tls-server-end-point,,n=,r=abc"),
        (Mechanism::Plus, b"p=tls-unique,,n=,r=abc"),
        (Mechanism::Plus, b"n,,n=,r=abc"),
        (Mechanism::Plain, b"n,,n=\xff,r=abc"),
        (Mechanism::Plain, long.as_bytes()),
    ];
    for (mechanism, first) in table {
        let start = server::Start::new(keys().verifier(), true, Some(END_POINT)).expect("random");
        let outcome = start.challenge(mechanism, first);
        assert!(
            matches!(outcome, Err(ScramError::Malformed(_) | ScramError::Binding(_))),
            "{:?} gave {outcome:?}",
            String::from_utf8_lossy(first)
        );
    }
}

#[test]
fn hostile_final_messages_of_a_client_are_refused() {
    let challenged = || {
        let start = server::Start::new(keys().verifier(), true, None).expect("random").with_nonce("B");
        start.challenge(Mechanism::Plain, b"n,,n=,r=A").expect("a challenge").0
    };
    let proof = super::text::encode(&[0; 32]);
    let table = [
        (String::new(), false),
        ("c=biws,r=AB".to_owned(), false),
        (format!("r=AB,c=biws,p={proof}"), false),
        (format!("c=eSws,r=AB,p={proof}"), false), // "y,,": not what the first message said
        (format!("c=biws,r=AC,p={proof}"), false),
        (format!("c=biws,r=A,p={proof}"), false),
        ("c=biws,r=AB,p=".to_owned(), false),
        ("c=biws,r=AB,p=AAAA".to_owned(), false),
        (format!("c=biws,r=AB,p={proof}"), true),
    ];
    for (last, well_formed) in table {
        let outcome = challenged().finish(last.as_bytes());
        assert_eq!(outcome == Err(ScramError::WrongSecret), well_formed, "{last} gave {outcome:?}");
    }
}

#[test]
fn hostile_challenges_of_a_server_are_refused() {
    let salt = "MDEyMzQ1Njc4OWFiY2RlZg==";
    let many = MAX_ITERATIONS + 1;
    let long = format!("r=AB{},s={salt},i=4096", "x".repeat(MAX_MESSAGE_BYTES));
    let table = [
        (format!("r=AB,s={salt},i={many}"), Some(ScramError::TooManyIterations(many))),
        (format!("r=AB,s={salt},i={}", u32::MAX), Some(ScramError::TooManyIterations(u32::MAX))),
        (format!("r=AB,s={salt},i=99999999999"), None),
        (format!("r=AB,s={salt},i=0"), None),
        (format!("r=AB,s={salt},i=-1"), None),
        (format!("r=AB,s={salt}"), None),
        ("r=AB,s=,i=4096".to_owned(), None),
        ("r=AB,s=!,i=4096".to_owned(), None),
        (format!("r=A,s={salt},i=4096"), None), // nothing of the server's own
        (format!("r=CB,s={salt},i=4096"), None),
        (format!("m=ext,r=AB,s={salt},i=4096"), None),
        (String::new(), None),
        (long, None),
    ];
    for (challenge, wanted) in table {
        let start = client::Start::new(Binding::Impossible).expect("random").with_nonce("A");
        let outcome = start.challenge(challenge.as_bytes()).map(|_| ());
        match wanted {
            Some(error) => assert_eq!(outcome, Err(error)),
            None => assert!(matches!(outcome, Err(ScramError::Malformed(_))), "{challenge} gave {outcome:?}"),
        }
    }
}

#[test]
fn kept_keys_serve_only_the_salt_and_count_they_were_derived_for() {
    let kept = Secret::Keys(keys());
    assert_eq!(kept.keys_for(b"0123456789abcdef", 16), Ok(keys()));
    assert_eq!(kept.keys_for(b"0123456789abcdef", 17), Err(ScramError::KeysDoNotFit));
    assert_eq!(kept.keys_for(b"fedcba9876543210", 16), Err(ScramError::KeysDoNotFit));
    let password = Secret::Password(SecretString::from("pencil"));
    assert_eq!(password.keys_for(b"0123456789abcdef", 16), Ok(keys()));
}

#[test]
fn passwords_are_prepared_as_postgres_prepares_them() {
    let derive = |password| Keys::derive(password, b"salt", 1).client_key;
    assert_eq!(derive("I\u{ad}X"), derive("IX")); // RFC 4013: a soft hyphen is nothing
    assert_eq!(derive("\u{2168}"), derive("IX")); // and a Roman nine is its letters
    assert_ne!(derive("a\u{7}"), derive("a")); // prohibited: the bytes as they are
    assert_ne!(derive("\u{ad}"), derive("")); // nothing left: the bytes as they are
}

#[test]
fn a_verifier_reads_and_writes_postgres_text_form() {
    let verifier = Keys::derive("pencil", &[0x5b, 0x6d, 0x99, 0x68], 4096).verifier();
    let form = verifier.to_string();
    assert!(form.starts_with("SCRAM-SHA-256$4096:W22ZaA==$"), "{form}");
    assert_eq!(form.parse(), Ok(verifier));
    for bad in [
        "",
        "md5abc",
        "SCRAM-SHA-256$",
        "SCRAM-SHA-256$4096:W22ZaA==",
        "SCRAM-SHA-256$0:W22ZaA==$AAAA:AAAA",
        "SCRAM-SHA-256$4096:!$AAAA:AAAA",
        "SCRAM-SHA-256$4096:W22ZaA==$AAAA:AAAA",
    ] {
        assert!(bad.parse::<Verifier>().is_err(), "{bad:?} was taken");
    }
}

#[test]
fn nothing_secret_shows_in_debug() {
    let secret = Secret::Password(SecretString::from("pencil"));
    let shown = format!("{secret:?} {:?} {:?} {:?}", keys(), keys().verifier(), Mock::new([65; 32]));
    assert!(!shown.contains("pencil") && !shown.contains("key") && !shown.contains("65"), "{shown}");
}

proptest! {
    #[test]
    fn no_message_makes_either_role_panic(first: Vec<u8>, reply: Vec<u8>, last: Vec<u8>) {
        let start = || server::Start::new(keys().verifier(), true, Some(END_POINT)).expect("random");
        let _ = start().challenge(Mechanism::Plus, &first);
        let (challenged, _) = start().challenge(Mechanism::Plain, b"n,,n=,r=A").expect("a challenge");
        prop_assert!(challenged.finish(&last).is_err());
        let client = || client::Start::new(Binding::NotOffered).expect("random").with_nonce("A");
        let _ = client().challenge(&reply);
        let challenged = client().challenge(b"r=AB,s=AAAA,i=1").expect("a challenge");
        prop_assert!(challenged.prove(&keys()).0.finish(&last).is_err());
    }
}
