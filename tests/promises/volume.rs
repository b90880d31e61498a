//! However much passes through a session, the gate's memory stays as it was.
//!
//! `STUFFGATE_VOLUME_MB` says how much each copy carries; 300 MB unless it is set.

use std::time::{Duration, Instant};
use stuffgate_tests::testkit::{Answer, Client, frames};
use stuffgate_tests::{World, WorldPlan};

const MB: usize = 1_000_000;
/// Most that the gate's peak may grow by: buffers of both sides, and what the allocator keeps.
const GROWTH: usize = 8 * MB;
/// One long value.
const VALUE: usize = 200 * MB;

fn volume() -> usize {
    std::env::var("STUFFGATE_VOLUME_MB").ok().and_then(|mb| mb.parse().ok()).unwrap_or(300) * MB
}

/// A session whose gate has been used before, so that its memory is that of a gate at work.
async fn warm() -> (World, Client) {
    let world = WorldPlan::default().users(["alice"]).settings("[log]\nfilter = 'info'").start();
    let mut session = world.connect("alice").await;
    session.patience(Duration::from_secs(60));
    let answer = session.simple("CREATE TABLE sink (t text); SELECT repeat('x', 1000000)").await.unwrap();
    assert_eq!(answer.errors, []);
    let copy = [frames::query("COPY sink FROM STDIN WHERE false"), line(MB), frames::copy_done()].concat();
    session.send(&copy).await.unwrap();
    assert_eq!(session.answer().await.unwrap().errors, []);
    (world, session)
}

/// A line of a copy, of so many bytes.
fn line(bytes: usize) -> Vec<u8> {
    let mut text = vec![b'x'; bytes - 1];
    text.push(b'\n');
    frames::copy_data(&text)
}

fn flat(world: &World, before: usize, what: &str, bytes: usize, begun: Instant) {
    let after = world.peak_bytes();
    println!("{what}: {} MB in {:?}, peak {before} then {after} bytes", bytes / MB, begun.elapsed());
    assert!(after <= before + GROWTH, "{what}: the peak was {before} bytes and is {after}");
}

/// Reads one message of any length and keeps nothing of it; its type and length.
async fn skim(session: &mut Client) -> (u8, usize) {
    let head = session.bytes(5).await.unwrap();
    let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize - 4;
    let mut left = length;
    while left > 0 {
        left -= session.bytes(left.min(64 * 1024)).await.unwrap().len();
    }
    (head[0], length)
}

/// Reads up to ReadyForQuery; how many bytes of data came, and the types of all else.
async fn skim_all(session: &mut Client) -> (usize, String) {
    let (mut bytes, mut others) = (0, String::new());
    loop {
        match skim(session).await {
            (b'd' | b'D', length) => bytes += length,
            (tag, _) => {
                others.push(char::from(tag));
                if tag == b'Z' {
                    return (bytes, others);
                }
            }
        }
    }
}

#[tokio::test]
async fn copies_of_any_size_pass_in_and_out() {
    let (world, mut session) = warm().await;
    let (before, begun, whole) = (world.peak_bytes(), Instant::now(), volume());
    session.send(&frames::query("COPY sink FROM STDIN WHERE false")).await.unwrap();
    session.expect(b'G').await.unwrap();
    let line = line(MB);
    for _ in 0..whole / MB {
        session.send(&line).await.unwrap();
    }
    session.send(&frames::copy_done()).await.unwrap();
    let answer = session.answer().await.unwrap();
    assert_eq!((answer.errors.as_slice(), answer.tags.as_slice()), (&[][..], &["COPY 0".to_owned()][..]));
    flat(&world, before, "COPY in", whole, begun);

    let begun = Instant::now();
    let sql = format!("COPY (SELECT repeat('x', 999999) FROM generate_series(1, {})) TO STDOUT", whole / MB);
    session.send(&frames::query(&sql)).await.unwrap();
    // A client that does not read makes the store wait, not the gate fill up.
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(skim_all(&mut session).await, (whole, "HcCZ".to_owned()));
    flat(&world, before, "COPY out", whole, begun);
}

#[tokio::test]
async fn a_row_and_a_parameter_of_200_megabytes_pass() {
    let (world, mut session) = warm().await;
    let (before, begun) = (world.peak_bytes(), Instant::now());
    session.send(&frames::query(&format!("SELECT repeat('x', {VALUE})"))).await.unwrap();
    assert_eq!(skim_all(&mut session).await, (2 + 4 + VALUE, "TCZ".to_owned()));
    flat(&world, before, "a row", VALUE, begun);

    let begun = Instant::now();
    // Portal, statement, one format, one value and its length; behind it the formats of the results.
    let head = [&b"\0\0"[..], &[0, 0, 0, 1], &u32::try_from(VALUE).unwrap().to_be_bytes()].concat();
    let length = i32::try_from(4 + head.len() + VALUE + 2).unwrap();
    let bind = frames::message_of_length(b'B', length, &head);
    session.send(&[frames::parse("", "SELECT length($1)"), bind].concat()).await.unwrap();
    let piece = vec![b'x'; MB];
    for _ in 0..VALUE / MB {
        session.send(&piece).await.unwrap();
    }
    session.send(&[&[0, 0][..], &frames::execute("", 0), &frames::sync()].concat()).await.unwrap();
    let answer: Answer = session.answer().await.unwrap();
    assert_eq!(answer.value(), Some(VALUE.to_string().as_str()), "{:?}", answer.errors);
    flat(&world, before, "a parameter", VALUE, begun);
}
