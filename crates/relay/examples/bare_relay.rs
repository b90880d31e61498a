//! A relay that knows nothing: bytes from one socket to another on one thread, 8 KiB at a time. The
//! baseline that benches hold the gate against.
//!
//! `bare_relay LISTEN TARGET`, both `address:port`. Runs until it is killed.

use std::process::ExitCode;
use tokio::io::copy_bidirectional_with_sizes;
use tokio::net::{TcpListener, TcpStream};

/// Bytes of each of a connection's two buffers.
const BUFFER_BYTES: usize = 8 * 1024;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [listen, target] = arguments.as_slice() else {
        eprintln!("usage: bare_relay LISTEN TARGET");
        return ExitCode::from(2);
    };
    let served = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()
        .and_then(|runtime| runtime.block_on(serve(listen, target)));
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bare_relay: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(listen: &str, target: &str) -> std::io::Result<()> {
    let listener = TcpListener::bind(listen).await?;
    println!("{}", listener.local_addr()?);
    loop {
        let (client, _) = listener.accept().await?;
        tokio::spawn(relay(client, target.to_owned()));
    }
}

/// One connection; whichever side fails ends both.
async fn relay(mut client: TcpStream, target: String) -> std::io::Result<()> {
    let mut server = TcpStream::connect(target).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    copy_bidirectional_with_sizes(&mut client, &mut server, BUFFER_BYTES, BUFFER_BYTES).await?;
    Ok(())
}
