//! The end of a login: what travels with the gate's own proof, and what a client may send ahead.

use crate::house::{House, SECRET};
use testkit::{Answer, Frame, Peer, frames};
use wire::scram::Keys;
use wire::scram::client::{Binding, Proved, Start};

/// Logs in as alice up to the client's proof, which goes out with `ahead` behind it.
async fn prove(peer: &mut Peer, ahead: &[u8]) -> Proved {
    let whom = [("user", "alice"), ("database", "todo")];
    peer.send(&frames::start_up(frames::PROTOCOL_3_0, &whom)).await.expect("sent");
    peer.expect(b'R').await.expect("an offer");
    let start = Start::new(Binding::Impossible).expect("random");
    let first = frames::sasl_initial(start.mechanism().as_str(), start.first().as_bytes());
    peer.send(&first).await.expect("sent");
    let challenge = peer.expect(b'R').await.expect("a challenge");
    let challenged = start.challenge(&challenge.body[4..]).expect("a challenge");
    let keys = Keys::derive(SECRET, &challenged.salt, challenged.iterations);
    let (proved, last) = challenged.prove(&keys);
    let proof = frames::sasl_response(last.as_bytes());
    peer.send(&[&proof[..], ahead].concat()).await.expect("sent");
    proved
}

fn checks(proved: Proved, frame: &Frame) {
    assert_eq!((frame.tag, frame.number(0)), (b'R', 12), "not the gate's proof");
    proved.finish(&frame.body[4..]).expect("the gate knows the secret");
}

#[tokio::test]
async fn a_statement_sent_ahead_of_the_welcome_is_carried_out_behind_it() {
    let house = House::with(2).await;
    let mut peer = Peer::connect(house.port()).await.expect("a gate");
    let proved = prove(&mut peer, &frames::query("SELECT name FROM whose")).await;
    let welcome = peer.frames_until(b'Z').await.expect("a welcome");
    checks(proved, &welcome[0]);
    let answer = peer.frames_until(b'Z').await.expect("an answer");
    assert_eq!(Answer::of(&answer).value(), Some("alice"));
}

#[tokio::test]
async fn who_is_proved_and_cannot_be_served_hears_why_behind_the_gates_own_proof() {
    let house = House::with(2).await;
    let nobody = std::net::TcpListener::bind((scratch::HOST, 0)).expect("a port");
    house.move_stores(nobody.local_addr().expect("an address").port());
    drop(nobody);
    let mut peer = Peer::connect(house.port()).await.expect("a gate");
    let proved = prove(&mut peer, &[]).await;
    checks(proved, &peer.frame().await.expect("the gate's proof"));
    let refused = peer.expect(b'E').await.expect("an error");
    assert_eq!(Answer::of(&[refused]).code(), "08006");
}
