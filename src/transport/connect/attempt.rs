//! One address is tried: a non-blocking connect.

use super::zone::local;
use crate::sys::{Descriptor, Watch};
use crate::transport::address::ScopedIp;
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::SocketAddr;
use std::os::fd::AsRawFd;

/// A socket that is being connected.
pub struct Attempt {
    socket: Descriptor<Socket>,
    address: SocketAddr,
}

impl Attempt {
    pub fn start(address: SocketAddr, bind: Option<&ScopedIp>) -> io::Result<Attempt> {
        let own = Descriptor::new(new_socket(Domain::for_address(address))?);
        let socket = own.get()?;
        socket.set_tcp_nodelay(true)?;
        if let Some(bind) = bind {
            socket.bind(&local(bind, address)?.into())?;
        }
        match socket.connect(&address.into()) {
            Err(error) if !is_under_way(&error) => Err(error),
            _ => Ok(Attempt {
                socket: own,
                address,
            }),
        }
    }

    /// Whether the connection has been made, or the error that it failed with. It may be called at any
    /// time: it does not assume that the socket is writable.
    pub fn is_connected(&self) -> io::Result<bool> {
        let socket = self.socket.get()?;
        match socket.peer_addr() {
            Ok(peer) if peer.as_socket() == socket.local_addr()?.as_socket() => {
                Err(connected_to_itself())
            }
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotConnected => {
                match socket.take_error()? {
                    Some(error) => Err(error),
                    None => Ok(false),
                }
            }
            Err(error) => Err(error),
        }
    }

    /// An attempt of which every system call fails, with ENOTSOCK.
    #[cfg(test)]
    pub fn failing(address: SocketAddr) -> Attempt {
        let file = std::fs::File::open("/dev/null").expect("a file that is no socket");
        Attempt {
            socket: Descriptor::new(std::os::fd::OwnedFd::from(file).into()),
            address,
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn watch(&self) -> Watch {
        Watch {
            fd: self.socket.as_raw_fd(),
            read: false,
            write: true,
        }
    }

    pub fn into_socket(self) -> Descriptor<Socket> {
        self.socket
    }
}

/// A socket that does not block. Close-on-exec is socket2's default.
fn new_socket(domain: Domain) -> io::Result<Socket> {
    // Where socket() takes the flag, it saves two system calls.
    #[cfg(not(target_vendor = "apple"))]
    return Socket::new(domain, Type::STREAM.nonblocking(), Some(Protocol::TCP));
    #[cfg(target_vendor = "apple")]
    {
        let socket = Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?;
        socket.set_nonblocking(true)?;
        Ok(socket)
    }
}

/// A connect that a signal interrupts continues in the background, as POSIX says.
fn is_under_way(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EINPROGRESS | libc::EINTR))
}

/// TCP connects a socket to itself if nothing listens on a local port and the system happens to choose
/// the same port for our side.
fn connected_to_itself() -> io::Error {
    io::Error::from_raw_os_error(libc::ECONNREFUSED)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;
    use std::thread;
    use std::time::Duration;

    fn settled(attempt: &Attempt) -> io::Result<bool> {
        for _ in 0..100 {
            if attempt.is_connected()? {
                return Ok(true);
            }
            thread::sleep(Duration::from_millis(10));
        }
        Ok(false)
    }

    #[test]
    fn connects_in_its_own_time_and_may_be_asked_again() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let attempt = Attempt::start(listener.local_addr().unwrap(), None).unwrap();
        assert!(settled(&attempt).unwrap());
        assert!(attempt.is_connected().unwrap());
        let socket = attempt.into_socket();
        assert!(socket.get().unwrap().tcp_nodelay().unwrap());
    }

    #[test]
    fn a_connection_to_itself_is_refused() {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
        socket.bind(&any.into()).unwrap();
        let own = socket.local_addr().unwrap();
        socket.connect(&own).unwrap();
        let attempt = Attempt {
            socket: Descriptor::new(socket),
            address: own.as_socket().unwrap(),
        };
        let error = attempt.is_connected().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    }

    #[test]
    fn a_system_call_that_fails_is_an_error() {
        let attempt = Attempt::failing("127.0.0.1:1".parse().unwrap());
        let error = attempt.is_connected().unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::ENOTSOCK));
    }
}
