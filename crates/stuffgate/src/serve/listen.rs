//! The sockets that clients connect to, one for each address and worker.

use anyhow::Context as _;
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use std::io;
use std::net::{SocketAddr, TcpListener};

/// Connections that the kernel keeps until a worker accepts them, for each socket.
const BACKLOG: i32 = 1024;

/// What a gate listens on.
#[derive(Debug)]
pub(crate) struct Listeners {
    /// Where clients connect, with the ports that the system chose.
    pub(crate) addresses: Vec<SocketAddr>,
    /// For each worker its own socket for every address.
    pub(crate) by_worker: Vec<Vec<TcpListener>>,
}

/// Binds every address for that many workers.
///
/// # Errors
/// An address that cannot be had, with its name.
pub(crate) fn bind(addresses: &[SocketAddr], workers: usize) -> anyhow::Result<Listeners> {
    let mut listeners = Listeners { addresses: Vec::new(), by_worker: Vec::new() };
    listeners.by_worker.resize_with(workers, Vec::new);
    for wanted in addresses {
        let sockets = bind_one(*wanted, workers).with_context(|| format!("cannot listen on {wanted}"))?;
        let address = sockets.first().map_or(Ok(*wanted), TcpListener::local_addr)?;
        listeners.addresses.push(address);
        listeners.by_worker.iter_mut().zip(sockets).for_each(|(of, socket)| of.push(socket));
    }
    Ok(listeners)
}

/// What they accept has the options of [`wire::stream::set_options`].
///
/// The first socket is bound alone: another gate on the same address would share its clients unseen.
/// Then it lets this process's other sockets in (socket(7), `SO_REUSEPORT`).
fn bind_one(wanted: SocketAddr, workers: usize) -> io::Result<Vec<TcpListener>> {
    let first = socket(wanted)?;
    first.bind(&wanted.into())?;
    let address = first.local_addr()?.as_socket().unwrap_or(wanted);
    first.set_reuse_port(true)?;
    let mut sockets = vec![first];
    for _ in 1..workers {
        let another = socket(address)?;
        another.set_reuse_port(true)?;
        another.bind(&address.into())?;
        sockets.push(another);
    }
    // None of them is given a client before all are there.
    for socket in &sockets {
        socket.listen(BACKLOG)?;
    }
    Ok(sockets.into_iter().map(TcpListener::from).collect())
}

fn socket(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // A gate that was started again must not wait for old connections to be forgotten.
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_nonblocking(true)?;
    wire::stream::set_options(&SockRef::from(&socket))?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpStream;
    use wire::stream::{KEEPALIVE_IDLE, KEEPALIVE_INTERVAL, KEEPALIVE_RETRIES};

    fn loopback() -> SocketAddr {
        ([127, 0, 0, 1], 0).into()
    }

    #[test]
    fn every_worker_listens_on_the_one_port_that_the_system_chose() {
        let listeners = bind(&[loopback(), loopback()], 3).expect("bound");
        assert_eq!(listeners.by_worker.len(), 3);
        for of in &listeners.by_worker {
            let addresses: Vec<SocketAddr> =
                of.iter().map(|socket| socket.local_addr().expect("its address")).collect();
            assert_eq!(addresses, listeners.addresses);
        }
        for address in &listeners.addresses {
            assert_ne!(address.port(), 0);
            TcpStream::connect(address).expect("connected");
        }
    }

    #[test]
    fn what_is_accepted_has_the_options_that_sessions_count_on() {
        let listeners = bind(&[loopback()], 1).expect("bound");
        let _client = TcpStream::connect(listeners.addresses[0]).expect("connected");
        let listener = &listeners.by_worker[0][0];
        listener.set_nonblocking(false).expect("an option");
        let (accepted, _) = listener.accept().expect("accepted");
        let accepted = SockRef::from(&accepted);
        assert!(accepted.tcp_nodelay().expect("an option"), "small messages wait");
        assert!(accepted.keepalive().expect("an option"), "a client that is gone is never noticed");
        assert_eq!(accepted.tcp_keepalive_time().expect("an option"), KEEPALIVE_IDLE);
        assert_eq!(accepted.tcp_keepalive_interval().expect("an option"), KEEPALIVE_INTERVAL);
        assert_eq!(accepted.tcp_keepalive_retries().expect("an option"), KEEPALIVE_RETRIES);
    }

    #[test]
    fn a_second_gate_cannot_share_the_address() {
        let listeners = bind(&[loopback()], 2).expect("bound");
        let refused = bind(&listeners.addresses, 2).expect_err("the address is taken");
        let said = format!("{refused:#}");
        assert!(said.contains("cannot listen on 127.0.0.1") && said.contains("in use"), "{said}");
    }
}
