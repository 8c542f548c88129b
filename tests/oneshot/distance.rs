//! A link to a broker that takes a millisecond in each direction.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

const DELAY: Duration = Duration::from_millis(1);

/// The port of that link, which lives as long as the process.
pub fn far_from(port: u16) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a listener");
    let near = listener.local_addr().expect("its address").port();
    thread::spawn(move || {
        for client in listener.incoming() {
            let client = client.expect("a connection");
            let broker = TcpStream::connect(("127.0.0.1", port)).expect("the broker");
            carry(&client, &broker);
            carry(&broker, &client);
        }
    });
    near
}

fn carry(from: &TcpStream, to: &TcpStream) {
    let mut from = from.try_clone().expect("a second handle");
    let mut to = to.try_clone().expect("a second handle");
    to.set_nodelay(true).expect("an option");
    thread::spawn(move || {
        let mut buffer = [0; 1 << 16];
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            thread::sleep(DELAY);
            if to.write_all(&buffer[..count]).is_err() {
                break;
            }
        }
        // The other side may already have closed it.
        let _ = to.shutdown(Shutdown::Write);
    });
}
